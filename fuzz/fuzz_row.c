/*
 * Feature rows and view states. The first byte says how many columns the row's layout has (255: the rest is a view state),
 * the next bytes their kinds and elements; the rest is the row. To get past the check of the types, the fuzzer's bytes 0…3
 * of the body are overwritten with the right check when the first byte is odd.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "proto/row.h"
#include "proto/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static void read_state(floe_str bytes) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF again;
    floe_stored_state state;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_buf_init(&again, FLOE_STATE_BYTES_MAX);
    if (!floe_failed(floe_stored_state_decode(bytes, &arena, &state, NULL))) {
        FLOE_ASSERT(!floe_failed(floe_stored_state_encode(&state, &again, NULL)));
    }
}

static floe_type type_of(uint8_t kind, uint8_t element) {
    floe_type type = {.kind = (floe_kind)(1 + kind % 11)};
    if (type.kind == FLOE_KIND_LIST) {
        type.element = (floe_kind)(1 + element % 10);
    }
    if (type.kind == FLOE_KIND_DECIMAL || type.element == FLOE_KIND_DECIMAL) {
        type.precision = 10;
        type.scale = 2;
    }
    return type;
}

static void read_row(const floe_row_layout *layout, char *row, size_t row_len, bool fix_check) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF scratch;
    floe_row opened;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&scratch, FLOE_LIMIT_ROW_BYTES);
    for (size_t i = 0; fix_check && i < 4 && FLOE_ROW_HEADER_BYTES + 4 <= row_len; i++) {
        row[FLOE_ROW_HEADER_BYTES + i] = (char)(layout->check >> (8 * i));
    }
    if (floe_failed(floe_row_open(layout, (floe_str){row, row_len}, &scratch, &opened, NULL))) {
        return;
    }
    for (size_t c = 0; c < layout->count; c++) {
        floe_value value;
        FLOE_IGNORE(floe_row_get(&opened, c, &arena, &value, NULL));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    if (data_len == 0) {
        return 0;
    }
    if (data[0] == 255) {
        read_state((floe_str){(const char *)data + 1, data_len - 1});
        return 0;
    }
    size_t count = (size_t)data[0] / 2 % 32;
    size_t head = 1 + 2 * count;
    if (data_len < head) {
        return 0;
    }
    FLOE_AUTO_ARENA arena;
    floe_type types[32];
    const floe_row_layout *layout = NULL;
    floe_arena_init(&arena, FLOE_MIB(1));
    for (size_t i = 0; i < count; i++) {
        types[i] = type_of(data[1 + 2 * i], data[2 + 2 * i]);
    }
    FLOE_AUTO_FREE char *row = NULL;
    if (floe_failed(floe_row_layout_make(types, count, &arena, &layout, NULL)) ||
        floe_failed(floe_strndup((const char *)data + head, data_len - head, &row, NULL))) {
        return 0;
    }
    read_row(layout, row, data_len - head, data[0] % 2 == 1);
    return 0;
}
