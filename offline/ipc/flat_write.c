/*
 * FlatBuffers written by hand, front to back. A table's vtable stands right before it; the offsets in a table are patched when
 * what they lead to has been written, which is always behind them.
 */
#include "offline/ipc/ipc_int.h"

#include <string.h>

void floe_ipc_pad(floe_buf *out) {
    static const char ZEROS[8];
    floe_buf_append(out, ZEROS, (8 - out->len % 8) % 8);
}

static void put_value(floe_buf *out, uint8_t width, int64_t value) {
    for (unsigned i = 0; i < width; i++) {
        floe_buf_byte(out, (uint8_t)((uint64_t)value >> (8 * i)));
    }
}

/* Where each slot lies in the table, whose first 4 bytes lead to its vtable; returns the table's length. */
static size_t place_slots(const ipc_slot *slots, size_t count, size_t *places) {
    size_t at = 4;
    for (size_t i = 0; i < count; i++) {
        size_t width = slots[i].width;
        at = width > 0 ? (at + width - 1) / width * width : at;
        places[i] = width > 0 ? at : 0;
        at += width;
    }
    return at;
}

size_t floe_ipc_put_table(floe_buf *out, const ipc_slot *slots, size_t count, size_t *ret_slots) {
    size_t places[IPC_SLOTS_MAX];
    FLOE_ASSERT(count <= IPC_SLOTS_MAX);
    size_t len = place_slots(slots, count, places);
    floe_ipc_pad(out);
    size_t vtable = out->len;
    floe_buf_u16(out, (uint16_t)(4 + 2 * count));
    floe_buf_u16(out, (uint16_t)len);
    for (size_t i = 0; i < count; i++) {
        floe_buf_u16(out, (uint16_t)places[i]);
    }
    floe_ipc_pad(out);
    size_t table = out->len;
    floe_buf_u32(out, (uint32_t)(table - vtable));
    for (size_t i = 0; i < count; i++) {
        while (slots[i].width > 0 && out->len - table < places[i] && !out->failed) {
            floe_buf_byte(out, 0);
        }
        put_value(out, slots[i].width, slots[i].value);
        if (ret_slots) {
            ret_slots[i] = table + places[i];
        }
    }
    return table;
}

size_t floe_ipc_put_text(floe_buf *out, floe_str text) {
    floe_ipc_pad(out);
    size_t at = out->len;
    floe_buf_u32(out, (uint32_t)text.len);
    floe_buf_str(out, text);
    floe_buf_byte(out, 0);
    return at;
}

size_t floe_ipc_put_vector(floe_buf *out, size_t count, bool of_structs) {
    floe_ipc_pad(out);
    if (of_structs) { /* which are aligned to 8 bytes, behind the count */
        floe_buf_u32(out, 0);
    }
    size_t at = out->len;
    floe_buf_u32(out, (uint32_t)count);
    return at;
}

void floe_ipc_patch(floe_buf *out, size_t slot, size_t target) {
    uint32_t distance = (uint32_t)(target - slot);
    if (!out->failed) {
        for (unsigned i = 0; i < 4; i++) {
            out->ptr[slot + i] = (char)(distance >> (8 * i));
        }
    }
}
