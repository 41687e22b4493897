/*
 * The operations that avro/compile.c makes and avro/decode.c runs.
 */
#ifndef FLOE_OFFLINE_ICEBERG_AVRO_INT_H
#define FLOE_OFFLINE_ICEBERG_AVRO_INT_H

#include "offline/iceberg/avro/avro.h"

typedef enum floe_avro_opcode {
    FLOE_OP_NOTHING,
    FLOE_OP_REFUSE, /* what may be in a schema but not in data */
    FLOE_OP_CHILDREN,
    FLOE_OP_UNION,
    FLOE_OP_OPTIONAL, /* a union of null and one other branch, `value_branch`: the only child */
    FLOE_OP_SKIP_LONG,
    FLOE_OP_SKIP_FIXED,
    FLOE_OP_SKIP_TEXT,
    FLOE_OP_SKIP_LIST,
    FLOE_OP_SKIP_PAIRS, /* a list whose items are a number and then a number or a text */
    FLOE_OP_I64,
    FLOE_OP_I32,
    FLOE_OP_BOOL,
    FLOE_OP_TRUTH,
    FLOE_OP_TEXT,
    FLOE_OP_FIXED,
    FLOE_OP_PRESENT,
    FLOE_OP_LIST,
    FLOE_OP_PAIRS, /* a filtered list of keys and each one number or text: all maps of a manifest */
    FLOE_OP_VALUES,
    FLOE_OP_VALUE_NULL,
    FLOE_OP_VALUE_LONG,
    FLOE_OP_VALUE_BOOL,
    FLOE_OP_VALUE_FLOAT,
    FLOE_OP_VALUE_DOUBLE,
    FLOE_OP_VALUE_TEXT
} floe_avro_opcode;

/* Offsets count from the struct that is being filled. */
struct floe_avro_op {
    floe_avro_opcode code;
    size_t offset, count_offset, item_len;
    uint64_t len;  /* fixed length, or fewest bytes of an item */
    bool filtered; /* LIST */
    bool texts;    /* SKIP_PAIRS, PAIRS: the second of a pair is a text */
    uint8_t value_branch;
    size_t value_offset; /* PAIRS: of the second in an item */
    floe_type type;      /* VALUE_* */
    const floe_avro_op *children;
    size_t child_count;
};

/* Lists of pairs, in pairs.c. */
void floe_avro_skip_pairs(floe_avro_decoder *decoder, const floe_avro_op *op);
void floe_avro_run_pairs(floe_avro_decoder *decoder, const floe_avro_op *op, char *base);
/* Whether a key is one of options.keep_ids. */
bool floe_avro_is_kept(const floe_avro_options *options, int32_t id);
/* Zeroed memory as from the file's arena, small pieces of it cut from a larger one. NULL: the arena is in overflow, and `bad` is set. */
void *floe_avro_take(floe_avro_decoder *decoder, size_t count, size_t element_len);

/* ---- cursor ---- */

static inline void floe_avro_set_bad(floe_avro_decoder *decoder) {
    decoder->bad = true;
    decoder->at = decoder->end;
}

static inline uint64_t floe_avro_left(const floe_avro_decoder *decoder) {
    return (uint64_t)(decoder->end - decoder->at);
}

/* A number and where the next begins; NULL: it is cut off or too long. */
typedef struct floe_avro_long {
    int64_t value;
    const uint8_t *next;
} floe_avro_long;

floe_avro_long floe_avro_longer_at(const uint8_t *at, const uint8_t *end);

static inline int64_t floe_avro_zigzag(uint64_t bits) {
    return (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
}

/* Most numbers of a manifest are of one byte or two. */
static inline floe_avro_long floe_avro_long_at(const uint8_t *at, const uint8_t *end) {
    if (end - at >= 2) {
        if (at[0] < 0x80) {
            return (floe_avro_long){floe_avro_zigzag(at[0]), at + 1};
        }
        if (at[1] < 0x80) {
            return (floe_avro_long){floe_avro_zigzag((at[0] & 0x7fu) | (uint64_t)at[1] << 7), at + 2};
        }
    }
    return floe_avro_longer_at(at, end);
}

static inline int64_t floe_avro_get_long(floe_avro_decoder *decoder) {
    floe_avro_long number = floe_avro_long_at(decoder->at, decoder->end);
    if (number.next == NULL) {
        floe_avro_set_bad(decoder);
        return 0;
    }
    decoder->at = number.next;
    return number.value;
}

/* The count of the next block of an array or map, 0 at its end; *ret_len is the block's length where it is told, else
 * -1. */
static inline uint64_t floe_avro_get_count(floe_avro_decoder *decoder, uint64_t item_min_len, int64_t *ret_len) {
    int64_t count = floe_avro_get_long(decoder);
    *ret_len = -1;
    if (count == 0) {
        return 0;
    }
    if (count < 0) {
        *ret_len = floe_avro_get_long(decoder);
        if (*ret_len < 0 || (uint64_t)*ret_len > floe_avro_left(decoder)) {
            floe_avro_set_bad(decoder);
        }
    }
    uint64_t positive = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    if (positive > floe_avro_left(decoder) / item_min_len) {
        floe_avro_set_bad(decoder);
    }
    return decoder->bad ? 0 : positive;
}

#endif
