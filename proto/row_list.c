/*
 * Lists inside a feature row: count, null bits, then every element, nulls as zeros or an empty text. Every element
 * takes at least one byte, so a claimed count is checked against the bytes that are there before anything is allocated.
 */
#include "proto/row_int.h"
#include "proto/value_int.h"

static floe_type element_type(floe_type list) {
    return (floe_type){.kind = list.element, .precision = list.precision, .scale = list.scale};
}

static void put_nulls(const floe_value *items, size_t count, floe_buf *out) {
    for (size_t start = 0; start < count; start += 8) {
        unsigned bits = 0;
        for (size_t i = start; i < count && i < start + 8; i++) {
            bits |= items[i].is_null ? 1u << (i - start) : 0u;
        }
        floe_buf_byte(out, (uint8_t)bits);
    }
}

static floe_status put_element(const floe_value *item, floe_type type, floe_buf *out, floe_error *err) {
    static const uint8_t zeros[16];
    size_t width = floe_proto_width(type.kind);
    if (!item->is_null) {
        FLOE_ENSURE(floe_type_equal(item->type, type), err, FLOE_INVALID, "an element of a list is of another type");
        if (width > 0) {
            return floe_proto_put_fixed(item, out, err);
        }
        floe_buf_varint(out, item->as.bytes.len);
        floe_buf_str(out, item->as.bytes);
        return FLOE_OK;
    }
    floe_buf_append(out, zeros, width > 0 ? width : 1);
    return FLOE_OK;
}

floe_status floe_row_put_list(const floe_value *list, floe_buf *out, floe_error *err) {
    floe_type type = element_type(list->type);
    size_t count = list->as.list.count;
    floe_buf_varint(out, count);
    put_nulls(list->as.list.items, count, out);
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(put_element(&list->as.list.items[i], type, out, err));
    }
    return FLOE_OK;
}

static floe_status get_element(floe_reader *reader, floe_type type, floe_value *ret_item, floe_error *err) {
    const uint8_t *bytes = NULL;
    size_t width = floe_proto_width(type.kind);
    if (width > 0) {
        FLOE_TRY(floe_read_bytes(reader, width, &bytes, "an element of a list", err));
        return floe_proto_get_fixed(bytes, type, ret_item, err);
    }
    uint64_t len = 0;
    FLOE_TRY(floe_read_varint(reader, &len, "the length of a list's element", err));
    FLOE_TRY(floe_read_bytes(reader, len, &bytes, "an element of a list", err));
    *ret_item = (floe_value){.type = type, .as.bytes = {(const char *)bytes, len}};
    return FLOE_OK;
}

static floe_status get_elements(floe_reader *reader, const uint8_t *nulls, floe_type type, floe_value *items,
                                size_t count, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(get_element(reader, type, &items[i], err));
        if ((nulls[i / 8] >> (i % 8) & 1u) != 0) {
            items[i] = floe_value_null(type);
        }
    }
    FLOE_ENSURE(floe_reader_left(reader) == 0, err, FLOE_CORRUPT, "%zu bytes follow the elements of a list",
                floe_reader_left(reader));
    return FLOE_OK;
}

floe_status floe_row_get_list(floe_str bytes, floe_type type, floe_arena *arena, floe_value *ret_value,
                              floe_error *err) {
    floe_reader reader = floe_reader_of(bytes.ptr, bytes.len);
    uint64_t count = 0;
    const uint8_t *nulls = NULL;
    FLOE_TRY(floe_read_varint(&reader, &count, "the length of a list", err));
    FLOE_ENSURE(count <= floe_reader_left(&reader), err, FLOE_CORRUPT, "a list claims %llu elements in %zu bytes",
                (unsigned long long)count, floe_reader_left(&reader));
    FLOE_TRY(floe_read_bytes(&reader, (count + 7) / 8, &nulls, "the null bits of a list", err));
    floe_value *items = floe_arena_alloc(arena, count, sizeof(*items));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(get_elements(&reader, nulls, element_type(type), items, count, err));
    *ret_value = (floe_value){.type = type, .as.list = {items, count}};
    return FLOE_OK;
}
