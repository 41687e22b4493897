/*
 * Feature rows. The body is: check, count, null bits, the fixed area, the variable area. A column of fixed width has
 * its value in its slot; one of variable length has there the end of its bytes in the variable area, which start where
 * those of the column of variable length before it end. A null's slot is zero, or for variable length the unmoved end.
 */
#include "proto/row.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/zstd.h"
#include "proto/row_int.h"
#include "proto/value_int.h"

#define FLAG_ZSTD 1u
#define FLAG_ARRIVED 2u
#define BODY_HEAD_BYTES 6 /* check, count */
#define ZSTD_LEVEL 3

/* ---- layout ---- */

static uint32_t check_of(const floe_type *types, size_t count, floe_buf *scratch) {
    for (size_t i = 0; i < count; i++) {
        floe_proto_put_type(types[i], scratch);
    }
    return (uint32_t)floe_xxh64(scratch->ptr == NULL ? "" : scratch->ptr, scratch->len, 0);
}

static void place(floe_row_layout *layout, uint32_t *slots, uint32_t *starts) {
    layout->last_slot = FLOE_ROW_STARTS_AT_ZERO;
    for (size_t i = 0; i < layout->count; i++) {
        size_t width = floe_proto_width(layout->types[i].kind);
        slots[i] = layout->fixed_len;
        starts[i] = layout->last_slot;
        if (width == 0) {
            layout->last_slot = slots[i];
        }
        layout->fixed_len += (uint32_t)(width == 0 ? 4 : width);
    }
}

floe_status floe_row_layout_make(const floe_type *types, size_t count, floe_arena *arena,
                                 const floe_row_layout **ret_layout, floe_error *err) {
    FLOE_ENSURE(count <= FLOE_LIMIT_VIEW_FEATURES, err, FLOE_LIMIT, "a row of %zu columns; at most %d are allowed",
                count, FLOE_LIMIT_VIEW_FEATURES);
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(floe_proto_type_valid(types[i]), err, FLOE_INVALID, "column %zu of a row has no valid type", i);
    }
    floe_row_layout *layout = floe_arena_alloc(arena, 1, sizeof(*layout));
    floe_type *copy = floe_arena_alloc(arena, count, sizeof(*copy));
    uint32_t *slots = floe_arena_alloc(arena, count, sizeof(*slots));
    uint32_t *starts = floe_arena_alloc(arena, count, sizeof(*starts));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        copy[i] = types[i];
    }
    *layout = (floe_row_layout){.count = count, .types = copy, .slots = slots, .starts = starts};
    place(layout, slots, starts);
    FLOE_AUTO_BUF scratch;
    floe_buf_init(&scratch, FLOE_PROTO_TYPE_BYTES * FLOE_LIMIT_VIEW_FEATURES);
    layout->check = check_of(types, count, &scratch);
    FLOE_TRY(floe_buf_check(&scratch, err));
    *ret_layout = layout;
    return FLOE_OK;
}

/* ---- header ---- */

/* Big-endian with the sign bit turned, so that the order of the bytes is the order of the numbers. */
static void put_ordered(int64_t value, floe_buf *out) {
    uint64_t bits = (uint64_t)value ^ (UINT64_C(1) << 63);
    for (int shift = 56; shift >= 0; shift -= 8) {
        floe_buf_byte(out, (uint8_t)(bits >> shift));
    }
}

static int64_t get_ordered(const char *bytes) {
    uint64_t bits = 0;
    for (size_t i = 0; i < 8; i++) {
        bits = bits << 8 | (uint8_t)bytes[i];
    }
    return (int64_t)(bits ^ (UINT64_C(1) << 63));
}

static void put_header(const floe_row_header *header, uint8_t flags, floe_buf *out) {
    floe_buf_byte(out, FLOE_ROW_FORMAT);
    floe_buf_byte(out, (uint8_t)(flags | (header->arrived ? FLAG_ARRIVED : 0u)));
    put_ordered(header->event_us, out);
    put_ordered(header->created_us, out);
    put_ordered(header->end_us, out);
}

floe_status floe_row_header_read(floe_str bytes, floe_row_header *ret_header, floe_error *err) {
    FLOE_ENSURE(bytes.len >= FLOE_ROW_HEADER_BYTES, err, FLOE_CORRUPT,
                "a stored row has %zu bytes; its header alone takes %d", bytes.len, FLOE_ROW_HEADER_BYTES);
    FLOE_ENSURE((uint8_t)bytes.ptr[0] == FLOE_ROW_FORMAT, err, FLOE_UNSUPPORTED,
                "a stored row is of format %u; this version reads format %d", (uint8_t)bytes.ptr[0], FLOE_ROW_FORMAT);
    *ret_header = (floe_row_header){.event_us = get_ordered(bytes.ptr + FLOE_ROW_ORDER_AT),
                                    .created_us = get_ordered(bytes.ptr + FLOE_ROW_ORDER_AT + 8),
                                    .end_us = get_ordered(bytes.ptr + FLOE_ROW_ORDER_AT + 16),
                                    .arrived = ((uint8_t)bytes.ptr[1] & FLAG_ARRIVED) != 0};
    return FLOE_OK;
}

/* ---- encode ---- */

static floe_status check_value(const floe_row_layout *layout, size_t column, const floe_value *value, floe_error *err) {
    char want[FLOE_TYPE_NAME_MAX];
    char have[FLOE_TYPE_NAME_MAX];
    FLOE_ENSURE(value->is_null || floe_type_equal(value->type, layout->types[column]), err, FLOE_INVALID,
                "column %zu of a row is of type %s, but got a value of type %s", column,
                floe_type_name(layout->types[column], want), floe_type_name(value->type, have));
    return FLOE_OK;
}

static void put_nulls(const floe_value *values, size_t count, floe_buf *out) {
    for (size_t start = 0; start < count; start += 8) {
        unsigned bits = 0;
        for (size_t i = start; i < count && i < start + 8; i++) {
            bits |= values[i].is_null ? 1u << (i - start) : 0u;
        }
        floe_buf_byte(out, (uint8_t)bits);
    }
}

/* The slot of one column; bytes of variable length go to `variable`. */
static floe_status put_slot(floe_type type, const floe_value *value, floe_buf *fixed, floe_buf *variable,
                            floe_error *err) {
    static const uint8_t zeros[16];
    size_t width = floe_proto_width(type.kind);
    if (width > 0) {
        if (value->is_null) {
            floe_buf_append(fixed, zeros, width);
            return FLOE_OK;
        }
        return floe_proto_put_fixed(value, fixed, err);
    }
    if (!value->is_null && type.kind == FLOE_KIND_LIST) {
        FLOE_TRY(floe_row_put_list(value, variable, err));
    } else if (!value->is_null) {
        floe_buf_str(variable, value->as.bytes);
    }
    floe_buf_u32(fixed, (uint32_t)variable->len);
    return FLOE_OK;
}

static floe_status put_body(const floe_row_layout *layout, const floe_value *values, floe_buf *out, floe_error *err) {
    FLOE_AUTO_BUF variable;
    floe_buf_init(&variable, FLOE_LIMIT_ROW_BYTES);
    floe_buf_u32(out, layout->check);
    floe_buf_u16(out, (uint16_t)layout->count);
    put_nulls(values, layout->count, out);
    for (size_t i = 0; i < layout->count; i++) {
        FLOE_TRY(check_value(layout, i, &values[i], err));
        FLOE_TRY(floe_error_prefix(err, put_slot(layout->types[i], &values[i], out, &variable, err),
                                   "column %zu of a row", i));
    }
    FLOE_TRY(floe_error_prefix(err, floe_buf_check(&variable, err), "a row"));
    floe_buf_append(out, variable.ptr == NULL ? "" : variable.ptr, variable.len);
    return floe_error_prefix(err, floe_buf_check(out, err), "a row");
}

/* The body as it is, or as zstd where that is shorter. */
static floe_status put_packed(const floe_row_header *header, floe_str body, floe_buf *out, floe_error *err) {
    if (body.len >= FLOE_ROW_COMPRESS_BYTES) {
        FLOE_AUTO_BUF packed;
        floe_buf_init(&packed, FLOE_LIMIT_ROW_BYTES * 2);
        FLOE_TRY(floe_zstd_compress(body, ZSTD_LEVEL, &packed, err));
        if (packed.len + 4 < body.len) {
            put_header(header, FLAG_ZSTD, out);
            floe_buf_u32(out, (uint32_t)body.len);
            floe_buf_str(out, floe_buf_view(&packed));
            return floe_buf_check(out, err);
        }
    }
    put_header(header, 0, out);
    floe_buf_str(out, body);
    return floe_buf_check(out, err);
}

floe_status floe_row_encode(const floe_row_layout *layout, const floe_row_header *header, const floe_value *values,
                            floe_buf *out, floe_error *err) {
    FLOE_AUTO_BUF body;
    floe_buf_init(&body, FLOE_LIMIT_ROW_BYTES - FLOE_ROW_HEADER_BYTES);
    FLOE_TRY(put_body(layout, values, &body, err));
    return put_packed(header, floe_buf_view(&body), out, err);
}

/* ---- decode ---- */

/* Decoding stops at the claimed length, so that a short frame cannot fill memory. */
static floe_status decompress(floe_str frame, uint32_t len, floe_buf *scratch, floe_str *ret_body, floe_error *err) {
    floe_error cause = {0};
    size_t cap = scratch->cap;
    floe_buf_clear(scratch);
    scratch->cap = len;
    floe_status status = floe_zstd_decompress(frame, scratch, &cause);
    scratch->cap = cap;
    if (floe_failed(status) && status.code != FLOE_NOMEM) {
        return FLOE_FAIL(err, FLOE_CORRUPT, "a compressed row of %u bytes: %s", len, cause.message);
    }
    FLOE_ENSURE(!floe_failed(status), err, status.code, "a compressed row: %s", cause.message);
    FLOE_ENSURE(scratch->len == len, err, FLOE_CORRUPT, "a compressed row holds %zu bytes instead of %u", scratch->len,
                len);
    *ret_body = floe_buf_view(scratch);
    return FLOE_OK;
}

static floe_status unpack(floe_str bytes, floe_buf *scratch, floe_str *ret_body, floe_error *err) {
    uint8_t flags = (uint8_t)bytes.ptr[1];
    FLOE_ENSURE((flags & ~(FLAG_ZSTD | FLAG_ARRIVED)) == 0, err, FLOE_CORRUPT,
                "a stored row has the unknown flags 0x%02x", flags);
    floe_str body = {bytes.ptr + FLOE_ROW_HEADER_BYTES, bytes.len - FLOE_ROW_HEADER_BYTES};
    if ((flags & FLAG_ZSTD) == 0) {
        *ret_body = body;
        return FLOE_OK;
    }
    floe_reader reader = floe_reader_of(body.ptr, body.len);
    uint32_t len = 0;
    FLOE_TRY(floe_read_u32(&reader, &len, "the length of a compressed row", err));
    FLOE_ENSURE(len <= FLOE_LIMIT_ROW_BYTES, err, FLOE_CORRUPT,
                "a compressed row claims %u bytes; at most %zu are allowed", len, FLOE_LIMIT_ROW_BYTES);
    return decompress((floe_str){body.ptr + 4, body.len - 4}, len, scratch, ret_body, err);
}

static uint32_t load_u32(const char *bytes) {
    const uint8_t *b = (const uint8_t *)bytes;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Cuts the body into its areas and checks what does not depend on single columns. */
static floe_status cut_body(floe_str body, floe_row *row, floe_error *err) {
    const floe_row_layout *layout = row->layout;
    size_t nulls_len = (layout->count + 7) / 8;
    size_t least = BODY_HEAD_BYTES + nulls_len + layout->fixed_len;
    FLOE_ENSURE(body.len >= least, err, FLOE_CORRUPT, "a stored row's body has %zu bytes; %zu are needed", body.len,
                least);
    unsigned count = (unsigned)(uint8_t)body.ptr[4] | (unsigned)(uint8_t)body.ptr[5] << 8;
    FLOE_ENSURE(count == layout->count && load_u32(body.ptr) == layout->check, err, FLOE_CORRUPT,
                "a stored row has %u columns of other types than the %zu of its definition", count, layout->count);
    row->nulls = (floe_str){body.ptr + BODY_HEAD_BYTES, nulls_len};
    row->fixed = (floe_str){row->nulls.ptr + nulls_len, layout->fixed_len};
    row->variable = (floe_str){row->fixed.ptr + layout->fixed_len, body.len - least};
    uint32_t end = layout->last_slot == FLOE_ROW_STARTS_AT_ZERO ? 0 : load_u32(row->fixed.ptr + layout->last_slot);
    FLOE_ENSURE(end == row->variable.len, err, FLOE_CORRUPT, "a stored row ends at byte %zu of its text instead of %u",
                row->variable.len, end);
    return FLOE_OK;
}

floe_status floe_row_open(const floe_row_layout *layout, floe_str bytes, floe_buf *scratch, floe_row *ret_row,
                          floe_error *err) {
    floe_row row = {.layout = layout};
    floe_str body = {NULL, 0};
    FLOE_TRY(floe_row_header_read(bytes, &row.header, err));
    FLOE_TRY(unpack(bytes, scratch, &body, err));
    FLOE_TRY(cut_body(body, &row, err));
    *ret_row = row;
    return FLOE_OK;
}

static bool is_null(const floe_row *row, size_t column) {
    return ((uint8_t)row->nulls.ptr[column / 8] >> (column % 8) & 1u) != 0;
}

static floe_status get_variable(const floe_row *row, size_t column, floe_arena *arena, floe_value *ret_value,
                                floe_error *err) {
    const floe_row_layout *layout = row->layout;
    uint32_t start_slot = layout->starts[column];
    uint32_t start = start_slot == FLOE_ROW_STARTS_AT_ZERO ? 0 : load_u32(row->fixed.ptr + start_slot);
    uint32_t end = load_u32(row->fixed.ptr + layout->slots[column]);
    FLOE_ENSURE(start <= end && end <= row->variable.len, err, FLOE_CORRUPT,
                "column %zu of a stored row lies at bytes %u to %u of %zu", column, start, end, row->variable.len);
    floe_str bytes = {row->variable.ptr + start, end - start};
    if (layout->types[column].kind != FLOE_KIND_LIST) {
        *ret_value = (floe_value){.type = layout->types[column], .as.bytes = bytes};
        return FLOE_OK;
    }
    return floe_error_prefix(err, floe_row_get_list(bytes, layout->types[column], arena, ret_value, err),
                             "column %zu of a stored row", column);
}

floe_status floe_row_get(const floe_row *row, size_t column, floe_arena *arena, floe_value *ret_value,
                         floe_error *err) {
    const floe_row_layout *layout = row->layout;
    FLOE_ASSERT(column < layout->count);
    floe_type type = layout->types[column];
    if (is_null(row, column)) {
        *ret_value = floe_value_null(type);
        return FLOE_OK;
    }
    if (floe_proto_width(type.kind) == 0) {
        return get_variable(row, column, arena, ret_value, err);
    }
    return floe_error_prefix(
        err, floe_proto_get_fixed((const uint8_t *)row->fixed.ptr + layout->slots[column], type, ret_value, err),
        "column %zu of a stored row", column);
}
