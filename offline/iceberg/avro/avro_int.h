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
    FLOE_OP_SKIP_LONG,
    FLOE_OP_SKIP_FIXED,
    FLOE_OP_SKIP_TEXT,
    FLOE_OP_SKIP_LIST,
    FLOE_OP_I64,
    FLOE_OP_I32,
    FLOE_OP_BOOL,
    FLOE_OP_TRUTH,
    FLOE_OP_TEXT,
    FLOE_OP_FIXED,
    FLOE_OP_PRESENT,
    FLOE_OP_LIST,
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
    uint64_t len;   /* fixed length, or fewest bytes of an item */
    bool filtered;  /* LIST */
    floe_type type; /* VALUE_* */
    const floe_avro_op *children;
    size_t child_count;
};

#endif
