/*
 * From a writer's schema and the wanted fields to operations, and from bytes to structs.
 *
 * Every operation is a small function over the decoder's cursor and the struct that is being filled. A cursor that ran
 * past its block or met something impossible sets `bad` and jumps to the end of the block: later operations then read
 * zeros and stop, and floe_avro_next reports once. Lists get their room from the count that the writer gives, which is
 * first held against the bytes that are left.
 */
#include "offline/iceberg/avro/avro_int.h"

#include "core/mem.h"

#include <inttypes.h>

static void run_op(floe_avro_decoder *decoder, const floe_avro_op *op, char *base);

/* ---- cursor ---- */

floe_avro_long floe_avro_longer_at(const uint8_t *at, const uint8_t *end) {
    uint64_t bits = 0;
    for (unsigned shift = 0; shift < 70 && at < end; shift += 7) {
        uint8_t byte = *at++;
        if (shift == 63 && byte > 1) {
            break;
        }
        bits |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return (floe_avro_long){floe_avro_zigzag(bits), at};
        }
    }
    return (floe_avro_long){0, NULL};
}

static const uint8_t *get_bytes(floe_avro_decoder *decoder, uint64_t len) {
    if (len > floe_avro_left(decoder)) {
        floe_avro_set_bad(decoder);
        return NULL;
    }
    const uint8_t *bytes = decoder->at;
    decoder->at += len;
    return bytes;
}

static floe_str get_text(floe_avro_decoder *decoder) {
    int64_t len = floe_avro_get_long(decoder);
    const uint8_t *bytes = get_bytes(decoder, len < 0 ? UINT64_MAX : (uint64_t)len);
    return bytes == NULL ? (floe_str){"", 0} : (floe_str){(const char *)bytes, (size_t)len};
}

/* Under AddressSanitizer each piece is its own, so that an overrun is seen. */
void *floe_avro_take(floe_avro_decoder *decoder, size_t count, size_t element_len) {
    enum { PIECE = 4096, SMALL = 512, ALIGNMENT = 16 };
    floe_arena *arena = decoder->file->arena;
    bool small = !FLOE_ASAN && count <= SMALL && count * element_len <= SMALL;
    size_t len = small ? (count * element_len + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : 0;
    if (small && len > decoder->room_len) {
        decoder->room = floe_arena_alloc(arena, PIECE, 1);
        decoder->room_len = decoder->room == NULL ? 0 : PIECE;
    }
    void *taken = decoder->room;
    if (!small) {
        taken = floe_arena_alloc(arena, count, element_len);
    } else if (taken != NULL) {
        decoder->room += len;
        decoder->room_len -= len;
    }
    if (taken == NULL) {
        floe_avro_set_bad(decoder);
    }
    return taken;
}

/* ---- skipping ---- */

static void run_nothing(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    (void)decoder;
    (void)op;
    (void)base;
}

static void run_refuse(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    (void)op;
    (void)base;
    floe_avro_set_bad(decoder);
}

static void run_skip_long(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    (void)op;
    (void)base;
    (void)floe_avro_get_long(decoder);
}

static void run_skip_fixed(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    (void)base;
    (void)get_bytes(decoder, op->len);
}

static void run_skip_text(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    (void)op;
    (void)base;
    (void)get_text(decoder);
}

static void run_children(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    for (size_t i = 0; i < op->child_count; i++) {
        run_op(decoder, &op->children[i], base + op->offset);
    }
}

static void run_skip_list(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    for (;;) {
        int64_t len = -1;
        uint64_t count = floe_avro_get_count(decoder, op->len, &len);
        if (count == 0) {
            return;
        }
        if (len >= 0) {
            decoder->at += len;
            continue;
        }
        for (uint64_t i = 0; i < count && !decoder->bad; i++) {
            run_children(decoder, op, base);
        }
    }
}

/* ---- decoding ---- */

static void run_union(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    int64_t branch = floe_avro_get_long(decoder);
    if (branch < 0 || (uint64_t)branch >= op->child_count) {
        floe_avro_set_bad(decoder);
        return;
    }
    run_op(decoder, &op->children[branch], base);
}

static void run_skip_pairs(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    (void)base;
    floe_avro_skip_pairs(decoder, op);
}

static void run_i64(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    int64_t value = floe_avro_get_long(decoder);
    memcpy(base + op->offset, &value, sizeof(value));
}

static void run_i32(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    int64_t wide = floe_avro_get_long(decoder);
    if (wide < INT32_MIN || wide > INT32_MAX) {
        floe_avro_set_bad(decoder);
        return;
    }
    int32_t value = (int32_t)wide;
    memcpy(base + op->offset, &value, sizeof(value));
}

static bool get_bool(floe_avro_decoder *decoder) {
    const uint8_t *byte = get_bytes(decoder, 1);
    return byte != NULL && *byte != 0;
}

static void run_bool(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    *(bool *)(base + op->offset) = get_bool(decoder);
}

static void run_truth(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    *(int8_t *)(base + op->offset) = get_bool(decoder) ? 2 : 1;
}

static void run_text(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    floe_str text = get_text(decoder);
    memcpy(base + op->offset, &text, sizeof(text));
}

static void run_fixed(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    const uint8_t *bytes = get_bytes(decoder, op->len);
    floe_str text = {(const char *)bytes, bytes == NULL ? 0 : (size_t)op->len};
    memcpy(base + op->offset, &text, sizeof(text));
}

static void run_present(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    *(bool *)(base + op->offset) = true;
    run_children(decoder, op, base);
}

/* ---- lists ---- */

typedef struct item_list {
    char *items;
    size_t count, capacity;
} item_list;

bool floe_avro_is_kept(const floe_avro_options *options, int32_t id) {
    size_t low = 0;
    size_t high = options->keep_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (options->keep_ids[middle] < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < options->keep_count && options->keep_ids[low] == id;
}

/* Room for `more` items after those that are there; usually the only block of the list. */
static void list_grow(floe_avro_decoder *decoder, const floe_avro_op *op, uint64_t more, item_list *list) {
    uint64_t want = list->count + more;
    if (op->filtered && !decoder->options.keep_all && want > decoder->options.keep_count) {
        want = decoder->options.keep_count; /* A key that comes twice is nobody's promise: the first ones are kept. */
    }
    if (want <= list->capacity) {
        return;
    }
    char *items = floe_avro_take(decoder, (size_t)want, op->item_len);
    if (items == NULL) {
        return;
    }
    if (list->count > 0) {
        memcpy(items, list->items, list->count * op->item_len);
    }
    list->items = items;
    list->capacity = (size_t)want;
}

static void list_item(floe_avro_decoder *decoder, const floe_avro_op *op, item_list *list) {
    _Alignas(16) char item[FLOE_AVRO_ITEM_MAX];
    memset(item, 0, op->item_len);
    run_op(decoder, &op->children[0], item);
    int32_t key = 0;
    memcpy(&key, item, sizeof(key));
    bool keep = !op->filtered || decoder->options.keep_all || floe_avro_is_kept(&decoder->options, key);
    if (keep && !decoder->bad && list->count < list->capacity) {
        memcpy(list->items + list->count * op->item_len, item, op->item_len);
        list->count++;
    }
}

static void run_list(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    item_list list = {0};
    for (;;) {
        int64_t len = -1;
        uint64_t count = floe_avro_get_count(decoder, op->len, &len);
        if (count == 0) {
            break;
        }
        list_grow(decoder, op, count, &list);
        for (uint64_t i = 0; i < count && !decoder->bad; i++) {
            list_item(decoder, op, &list);
        }
    }
    memcpy(base + op->offset, &list.items, sizeof(list.items));
    memcpy(base + op->count_offset, &list.count, sizeof(list.count));
}

/* ---- values ---- */

static void run_values(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    size_t count = decoder->options.value_count;
    floe_value *values = floe_avro_take(decoder, count, sizeof(*values));
    if (values == NULL) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        values[i].is_null = true;
    }
    memcpy(base + op->offset, &values, sizeof(const floe_value *));
    for (size_t i = 0; i < op->child_count; i++) {
        run_op(decoder, &op->children[i], (char *)values);
    }
}

static floe_value *value_at(const floe_avro_op *op, char *base) {
    floe_value *value = (floe_value *)(void *)(base + op->offset);
    value->type = op->type;
    value->is_null = false;
    return value;
}

/* A null that the writer stored has a kind; one that the writer's schema has no field for keeps NONE. */
static void run_value_null(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    (void)decoder;
    value_at(op, base)->is_null = true;
}

static void run_value_long(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    value_at(op, base)->as.integer = floe_avro_get_long(decoder);
}

static void run_value_bool(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    value_at(op, base)->as.boolean = get_bool(decoder);
}

/* Little-endian on disk, and so are the machines floe runs on; memcpy keeps the bits. */
static void run_value_float(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    const uint8_t *bytes = get_bytes(decoder, sizeof(float));
    float real = 0;
    if (bytes != NULL) {
        memcpy(&real, bytes, sizeof(real));
    }
    value_at(op, base)->as.real = (double)real;
}

static void run_value_double(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    const uint8_t *bytes = get_bytes(decoder, sizeof(double));
    double real = 0;
    if (bytes != NULL) {
        memcpy(&real, bytes, sizeof(real));
    }
    value_at(op, base)->as.real = real;
}

/* Unscaled two's complement, big-endian, of any length up to 16 significant bytes. */
static void value_decimal(floe_avro_decoder *decoder, floe_str bytes, floe_value *value) {
    const uint8_t *at = (const uint8_t *)bytes.ptr;
    size_t len = bytes.len;
    if (len == 0) {
        floe_avro_set_bad(decoder);
        return;
    }
    unsigned __int128 bits = at[0] & 0x80 ? ~(unsigned __int128)0 : 0;
    uint8_t sign = at[0] & 0x80 ? 0xff : 0;
    for (size_t i = 0; i < len; i++) {
        if (len - i > sizeof(bits) && at[i] != sign) {
            floe_avro_set_bad(decoder);
            return;
        }
        bits = bits << 8 | at[i];
    }
    value->as.decimal = (__int128)bits;
}

static void run_value_text(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    floe_value *value = value_at(op, base);
    const uint8_t *fixed = op->len == UINT64_MAX ? NULL : get_bytes(decoder, op->len);
    floe_str bytes = op->len == UINT64_MAX ? get_text(decoder)
                                           : (floe_str){(const char *)fixed, fixed == NULL ? 0 : (size_t)op->len};
    if (op->type.kind == FLOE_KIND_DECIMAL) {
        value_decimal(decoder, bytes, value);
    } else {
        value->as.bytes = bytes;
    }
}

static void run_by_table(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    typedef void run(floe_avro_decoder * decoder, const floe_avro_op *op, char *base);
    static run *const RUN[] = {
        [FLOE_OP_NOTHING] = run_nothing,
        [FLOE_OP_REFUSE] = run_refuse,
        [FLOE_OP_CHILDREN] = run_children,
        [FLOE_OP_UNION] = run_union,
        [FLOE_OP_OPTIONAL] = run_op,
        [FLOE_OP_SKIP_LONG] = run_skip_long,
        [FLOE_OP_SKIP_FIXED] = run_skip_fixed,
        [FLOE_OP_SKIP_TEXT] = run_skip_text,
        [FLOE_OP_SKIP_LIST] = run_skip_list,
        [FLOE_OP_SKIP_PAIRS] = run_skip_pairs,
        [FLOE_OP_I64] = run_i64,
        [FLOE_OP_I32] = run_i32,
        [FLOE_OP_BOOL] = run_bool,
        [FLOE_OP_TRUTH] = run_truth,
        [FLOE_OP_TEXT] = run_text,
        [FLOE_OP_FIXED] = run_fixed,
        [FLOE_OP_PRESENT] = run_present,
        [FLOE_OP_LIST] = run_list,
        [FLOE_OP_PAIRS] = floe_avro_run_pairs,
        [FLOE_OP_VALUES] = run_values,
        [FLOE_OP_VALUE_NULL] = run_value_null,
        [FLOE_OP_VALUE_LONG] = run_value_long,
        [FLOE_OP_VALUE_BOOL] = run_value_bool,
        [FLOE_OP_VALUE_FLOAT] = run_value_float,
        [FLOE_OP_VALUE_DOUBLE] = run_value_double,
        [FLOE_OP_VALUE_TEXT] = run_value_text,
    };
    RUN[op->code](decoder, op, base);
}

/* Whether the value of an optional follows. */
static inline bool has_value(floe_avro_decoder *decoder, const floe_avro_op *op) {
    int64_t branch = floe_avro_get_long(decoder);
    if (branch < 0 || branch > 1) {
        floe_avro_set_bad(decoder);
    }
    return branch == op->value_branch && !decoder->bad;
}

/* What most fields of an entry are is done at once, the rest through the table. */
static void run_op(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    if (op->code == FLOE_OP_OPTIONAL) {
        if (!has_value(decoder, op)) {
            return;
        }
        op = op->children;
    }
    switch (op->code) {
    case FLOE_OP_SKIP_LONG:
        (void)floe_avro_get_long(decoder);
        break;
    case FLOE_OP_I64:
        run_i64(decoder, op, base);
        break;
    case FLOE_OP_PAIRS:
        floe_avro_run_pairs(decoder, op, base);
        break;
    case FLOE_OP_TEXT:
        run_text(decoder, op, base);
        break;
    default:
        run_by_table(decoder, op, base);
    }
}

/* ---- records ---- */

static floe_status decode_failed(const floe_avro_decoder *decoder, const uint8_t *record_at, floe_error *err) {
    FLOE_TRY(floe_arena_check(decoder->file->arena, err));
    return FLOE_FAIL(err, FLOE_CORRUPT,
                     "%.*s: block %" PRId64 " is damaged: the record at byte %td of it does not fit its schema",
                     FLOE_STR_ARG(decoder->file->name), decoder->file->block_number, record_at - decoder->start);
}

static floe_status start_block(floe_avro_decoder *decoder, floe_error *err) {
    floe_str bytes = {"", 0};
    FLOE_ENSURE(decoder->at == decoder->end, err, FLOE_CORRUPT,
                "%.*s: block %" PRId64 " is damaged: %" PRIu64 " bytes follow its last record",
                FLOE_STR_ARG(decoder->file->name), decoder->file->block_number, floe_avro_left(decoder));
    FLOE_TRY(floe_avro_next_block(decoder->file, &bytes, &decoder->left, err));
    decoder->start = (const uint8_t *)bytes.ptr;
    decoder->at = decoder->start;
    decoder->end = decoder->start + bytes.len;
    return FLOE_OK;
}

floe_status floe_avro_next(floe_avro_decoder *decoder, void *record, bool *ret_more, floe_error *err) {
    if (decoder->left == 0) {
        FLOE_TRY(start_block(decoder, err));
    }
    if (decoder->left == 0) {
        *ret_more = false;
        return FLOE_OK;
    }
    const uint8_t *record_at = decoder->at;
    memcpy(record, decoder->options.defaults, decoder->options.record_len);
    run_op(decoder, decoder->root, record);
    if (decoder->bad) {
        return decode_failed(decoder, record_at, err);
    }
    decoder->left--;
    *ret_more = true;
    return FLOE_OK;
}
