/*
 * FlatBuffers read by hand (google/flatbuffers, docs/source/internals.md), each access within the bytes.
 *
 * A table begins with the signed distance back to its vtable; that holds its own length, the table's, and per field where
 * it lies in the table (0: absent). Offsets to tables, texts and vectors point forward from where they stand.
 */
#include "offline/ipc/ipc_int.h"

static bool holds(ipc_flat *flat, size_t at, size_t len) {
    bool ok = !flat->corrupt && at <= flat->len && len <= flat->len - at;
    flat->corrupt = flat->corrupt || !ok;
    return ok;
}

static uint64_t load(ipc_flat *flat, size_t at, unsigned width) {
    uint64_t value = 0;
    for (unsigned i = 0; i < width && holds(flat, at, width); i++) {
        value |= (uint64_t)flat->ptr[at + i] << (8 * i);
    }
    return value;
}

/* Where an offset that stands at `at` leads; 0 when it is none. */
static size_t follow(ipc_flat *flat, size_t at) {
    uint64_t distance = load(flat, at, 4);
    bool ok = distance > 0 && holds(flat, at, (size_t)distance) && holds(flat, at + (size_t)distance, 4);
    flat->corrupt = flat->corrupt || !ok;
    return ok ? at + (size_t)distance : 0;
}

ipc_table floe_ipc_root(ipc_flat *flat) {
    return (ipc_table){flat, follow(flat, 0)};
}

/* Where a field of `width` bytes lies; 0: absent. */
static size_t field_at(ipc_table table, unsigned field, unsigned width) {
    ipc_flat *flat = table.flat;
    if (table.at == 0 || flat->corrupt) {
        return 0;
    }
    int64_t vtable = (int64_t)table.at - (int32_t)load(flat, table.at, 4);
    if (vtable < 0 || !holds(flat, (size_t)vtable, 4)) {
        flat->corrupt = true;
        return 0;
    }
    size_t vtable_len = (size_t)load(flat, (size_t)vtable, 2), entry = 4 + 2 * (size_t)field;
    if (entry + 2 > vtable_len) {
        return 0;
    }
    size_t inside = (size_t)load(flat, (size_t)vtable + entry, 2);
    return inside > 0 && holds(flat, table.at + inside, width) ? table.at + inside : 0;
}

int64_t floe_ipc_int(ipc_table table, unsigned field, unsigned width, int64_t otherwise) {
    size_t at = field_at(table, field, width);
    if (at == 0) {
        return otherwise;
    }
    uint64_t value = load(table.flat, at, width);
    unsigned unused = 64 - 8 * width;
    return (int64_t)(value << unused) >> unused;
}

ipc_table floe_ipc_table(ipc_table table, unsigned field) {
    size_t at = field_at(table, field, 4);
    return (ipc_table){table.flat, at > 0 ? follow(table.flat, at) : 0};
}

ipc_vector floe_ipc_items(ipc_table table, unsigned field, size_t item_len) {
    ipc_table found = floe_ipc_table(table, field);
    ipc_vector vector = {.flat = table.flat};
    if (found.at > 0) {
        size_t count = (size_t)load(table.flat, found.at, 4);
        if (holds(table.flat, found.at + 4, count * item_len)) {
            vector.at = found.at + 4;
            vector.count = count;
        }
    }
    return vector;
}

floe_str floe_ipc_text(ipc_table table, unsigned field) {
    ipc_vector vector = floe_ipc_items(table, field, 1);
    return (floe_str){vector.at > 0 ? (const char *)table.flat->ptr + vector.at : "", vector.count};
}

ipc_table floe_ipc_item(ipc_vector vector, size_t index) {
    return (ipc_table){vector.flat, index < vector.count ? follow(vector.flat, vector.at + 4 * index) : 0};
}

int64_t floe_ipc_struct(ipc_vector vector, size_t index, size_t item_len, size_t byte) {
    return index < vector.count ? (int64_t)load(vector.flat, vector.at + index * item_len + byte, 8) : 0;
}
