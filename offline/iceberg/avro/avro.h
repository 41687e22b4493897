/*
 * Avro object container files, as manifests and manifest lists are (Apache Avro 1.11 specification).
 *
 * Phases: floe_avro_open reads the header and the writer's schema; floe_avro_compile turns that schema and the fields
 * that are wanted (by Iceberg field id, by name where the writer gave none) into a tree of operations that decodes
 * straight into a C struct and skips the rest; floe_avro_next decodes one record.
 * Invariants: text and bytes borrow from the file or from its decompressed blocks, which lie in the arena; no field costs
 * an allocation of its own; no input, however malformed, reads outside its block, recurses deeper than
 * FLOE_LIMIT_AVRO_DEPTH or loops without consuming bytes.
 */
#ifndef FLOE_OFFLINE_ICEBERG_AVRO_H
#define FLOE_OFFLINE_ICEBERG_AVRO_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/tree.h"
#include "core/value.h"

typedef enum floe_avro_kind {
    FLOE_AVRO_NULL,
    FLOE_AVRO_BOOLEAN,
    FLOE_AVRO_INT,
    FLOE_AVRO_LONG,
    FLOE_AVRO_FLOAT,
    FLOE_AVRO_DOUBLE,
    FLOE_AVRO_BYTES,
    FLOE_AVRO_STRING,
    FLOE_AVRO_RECORD,
    FLOE_AVRO_ENUM,
    FLOE_AVRO_ARRAY,
    FLOE_AVRO_MAP,
    FLOE_AVRO_UNION,
    FLOE_AVRO_FIXED
} floe_avro_kind;

typedef struct floe_avro_type floe_avro_type;
typedef struct floe_avro_field {
    floe_str name;
    int32_t field_id; /* -1: the writer gave none */
    const floe_avro_type *type;
} floe_avro_field;

struct floe_avro_type {
    floe_avro_kind kind;
    floe_str name;     /* of a record, enum or fixed, as written */
    floe_str space;    /* its namespace */
    floe_str logical;  /* "decimal", "date", "timestamp-micros" …; empty: none */
    uint8_t precision; /* of a decimal */
    uint8_t scale;
    uint32_t fixed_len;
    uint32_t symbol_count;         /* of an enum */
    const floe_avro_field *fields; /* RECORD: fields; UNION: branches; ARRAY, MAP: the item */
    size_t field_count;
    uint64_t min_len; /* fewest bytes that a value of the type takes; saturates */
    bool open;        /* a record whose fields are still being read: naming it again would be recursive */
};

/* The type that a schema's JSON describes. Errors: CORRUPT naming what is wrong; UNSUPPORTED for a recursive type;
 * LIMIT past the depth. Owns: the arena; borrows from the tree. */
floe_status floe_avro_schema_parse(const floe_node *json, floe_arena *arena, const floe_avro_type **ret_type,
                                   floe_error *err);
const char *floe_avro_kind_name(floe_avro_kind kind);

/* ---- files ---- */

typedef struct floe_avro_entry {
    floe_str key, value;
} floe_avro_entry;

typedef enum floe_avro_codec {
    FLOE_AVRO_CODEC_NULL,
    FLOE_AVRO_CODEC_DEFLATE,
    FLOE_AVRO_CODEC_SNAPPY,
    FLOE_AVRO_CODEC_ZSTD
} floe_avro_codec;

typedef struct floe_avro_memory floe_avro_memory;
typedef struct floe_avro_file {
    floe_str name; /* for messages */
    floe_arena *arena;
    floe_avro_memory *memory; /* NULL: none */
    floe_reader rest;         /* the blocks */
    const floe_avro_type *schema;
    const floe_avro_entry *header;
    size_t header_count;
    floe_avro_codec codec;
    uint8_t sync[16];
    int64_t block_number; /* of the block that was read last, from 1 */
} floe_avro_file;

/* Reads the header of a whole file in memory. Owns: everything lies in the arena or borrows from `bytes`. Errors: CORRUPT
 * naming file and place; UNSUPPORTED naming an unknown codec. */
floe_status floe_avro_open(floe_str name, floe_str bytes, floe_arena *arena, floe_avro_file *ret_file, floe_error *err);
/* What is kept for who reads many files of one writer: the schema that was read last, for mostly they are the same text and parsing it is
 * dear, and the room that blocks are decompressed in. Thread: one at a time. */
struct floe_avro_memory {
    floe_arena arena;
    floe_str text;
    const floe_avro_type *schema;
    floe_buf plain;
};
/* `cap` is the most that a schema may take. */
void floe_avro_memory_init(floe_avro_memory *memory, size_t cap);
void floe_avro_memory_close(floe_avro_memory *memory);

/* As floe_avro_open, with a memory (NULL: none), which the file then borrows from until the next file is opened by it. */
floe_status floe_avro_open_again(floe_str name, floe_str bytes, floe_avro_memory *memory, floe_arena *arena,
                                 floe_avro_file *ret_file, floe_error *err);
/* A value of the header, ptr NULL when it is not there. */
floe_str floe_avro_header(const floe_avro_file *file, const char *key);
/* The next block that holds records, decompressed; *ret_count 0 at the end of the file. Errors: CORRUPT, LIMIT. */
floe_status floe_avro_next_block(floe_avro_file *file, floe_str *ret_bytes, int64_t *ret_count, floe_error *err);

/* ---- records ---- */

/* What is decoded from a field and where it goes, relative to the struct that is filled. A null leaves the place as the
 * defaults have it. */
typedef enum floe_avro_want {
    FLOE_AVRO_WANT_I64,      /* int64_t, from int or long */
    FLOE_AVRO_WANT_I32,      /* int32_t, from int or long; a long outside int32 is CORRUPT */
    FLOE_AVRO_WANT_BOOL,     /* bool */
    FLOE_AVRO_WANT_TRUTH,    /* int8_t from boolean: 1 false, 2 true; so that a null can be told from both */
    FLOE_AVRO_WANT_STR,      /* floe_str, from string, bytes or fixed */
    FLOE_AVRO_WANT_PRESENT,  /* bool: the field is not null */
    FLOE_AVRO_WANT_RECORD,   /* children, relative to `offset` */
    FLOE_AVRO_WANT_LIST,     /* array: pointer at `offset`, size_t count at `count_offset`, items of item_len bytes */
    FLOE_AVRO_WANT_I32_LIST, /* array of int or long: pointer to int32_t and count, as LIST */
    FLOE_AVRO_WANT_VALUES    /* record: pointer to floe_value at `offset`, one per id of floe_avro_options.value_ids */
} floe_avro_want;

typedef struct floe_avro_target floe_avro_target;
struct floe_avro_target {
    int32_t field_id;
    const char *name;
    floe_avro_want want;
    size_t offset;
    bool needed;   /* a writer's schema without it is CORRUPT */
    bool filtered; /* LIST: only items whose int32_t key at offset 0 is one of keep_ids */
    size_t count_offset;
    size_t item_len; /* at most FLOE_AVRO_ITEM_MAX */
    const floe_avro_target *children;
    size_t child_count;
};
#define FLOE_AVRO_ITEM_MAX 128

/* Rows of a table of targets: a field that may be missing, one that may not, and a list of records. */
#define FLOE_AVRO_FIELD(id, field, what, at)                                                                           \
    { .field_id = (id), .name = (field), .want = FLOE_AVRO_WANT_##what, .offset = (at) }
#define FLOE_AVRO_NEEDED(id, field, what, at)                                                                          \
    { .field_id = (id), .name = (field), .want = FLOE_AVRO_WANT_##what, .offset = (at), .needed = true }
#define FLOE_AVRO_LIST(id, field, at, count_at, item, parts, keyed)                                                    \
    {                                                                                                                  \
        .field_id = (id), .name = (field), .want = FLOE_AVRO_WANT_LIST, .offset = (at), .count_offset = (count_at),    \
        .item_len = sizeof(item), .children = (parts), .child_count = sizeof(parts) / sizeof((parts)[0]),              \
        .filtered = (keyed)                                                                                            \
    }

typedef struct floe_avro_options {
    const void *defaults; /* a record before anything is decoded into it */
    size_t record_len;
    bool keep_all;           /* filtered lists keep every item */
    const int32_t *keep_ids; /* ascending */
    size_t keep_count;
    const int32_t *value_ids;    /* field ids of the record that VALUES decodes */
    const floe_str *value_names; /* for writers that gave no ids */
    size_t value_count;
} floe_avro_options;

typedef struct floe_avro_op floe_avro_op;
typedef struct floe_avro_decoder {
    floe_avro_file *file;
    const floe_avro_op *root;
    floe_avro_options options;
    const uint8_t *at, *end; /* of the block */
    const uint8_t *start;
    char *room; /* what is left of the piece of the arena that small lists are cut from */
    size_t room_len;
    int64_t left; /* records of the block still to decode */
    bool bad;     /* sticky: the block ended too early or holds something impossible */
} floe_avro_decoder;

/* Borrows targets and options. Errors: CORRUPT naming a needed field that is missing or a field of the wrong type. */
floe_status floe_avro_compile(floe_avro_file *file, const floe_avro_target *targets, size_t target_count,
                              const floe_avro_options *options, floe_avro_decoder *ret_decoder, floe_error *err);

/* Decodes the next record into `record` (options.record_len bytes); *ret_more false at the end of the file.
 * Errors: CORRUPT naming file, block and byte; LIMIT. Cost: no heap call but the arena's. */
floe_status floe_avro_next(floe_avro_decoder *decoder, void *record, bool *ret_more, floe_error *err);

#endif
