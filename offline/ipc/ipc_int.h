/*
 * What the files of ipc share. A message's metadata is a FlatBuffer: flat.c reads one within its bounds; schema.c makes
 * fields of it; array.c makes arrays of a record batch, values.c looks through them; dictionary.c keeps dictionaries and
 * makes plain columns of encoded ones; read.c finds the messages. write.c writes them, with flat_write.c, from what
 * gather.c has gathered.
 */
#ifndef FLOE_OFFLINE_IPC_INT_H
#define FLOE_OFFLINE_IPC_INT_H

#include "core/limits.h"
#include "offline/ipc/ipc.h"

#define IPC_DEPTH_MAX 32
#define IPC_FIELDS_MAX 10000
#define IPC_BATCH_MAX FLOE_GIB(8) /* of one record batch, unpacked */
#define IPC_METADATA_MAX FLOE_MIB(64)
#define IPC_MAGIC "ARROW1"

/* ---- flat.c ---- */

/* A FlatBuffer. The first access out of bounds sets `corrupt`; then and later everything is absent. */
typedef struct ipc_flat {
    const uint8_t *ptr;
    size_t len;
    bool corrupt;
} ipc_flat;

typedef struct ipc_table {
    ipc_flat *flat;
    size_t at; /* 0: absent */
} ipc_table;

typedef struct ipc_vector {
    ipc_flat *flat;
    size_t at; /* of the first item */
    size_t count;
} ipc_vector;

ipc_table floe_ipc_root(ipc_flat *flat);
/* Fields are numbered as in the .fbs; a union's type comes one before its table. */
int64_t floe_ipc_int(ipc_table table, unsigned field, unsigned width, int64_t otherwise);
ipc_table floe_ipc_table(ipc_table table, unsigned field);
floe_str floe_ipc_text(ipc_table table, unsigned field);
ipc_vector floe_ipc_items(ipc_table table, unsigned field, size_t item_len);
/* Of a vector of tables. */
ipc_table floe_ipc_item(ipc_vector vector, size_t index);
/* The int64 at `byte` of the item `index` of a vector of structs. */
int64_t floe_ipc_struct(ipc_vector vector, size_t index, size_t item_len, size_t byte);

/* ---- schema.c ---- */

typedef enum ipc_layout {
    IPC_NULL,
    IPC_BITS,
    IPC_FIXED, /* `width` bytes a value */
    IPC_TEXT,  /* 32-bit offsets, bytes */
    IPC_TEXT64,
    IPC_VIEW,
    IPC_LIST,
    IPC_LIST64,
    IPC_FIXED_LIST, /* `width` items a value */
    IPC_STRUCT,
    IPC_MAP
} ipc_layout;

typedef struct ipc_field {
    floe_str name;
    char format[64]; /* as the C interface spells it, of the values of a dictionary */
    ipc_layout layout;
    int64_t width;
    bool is_text; /* UTF-8 */
    bool is_uuid;
    bool is_encoded;
    int64_t dictionary_id;
    unsigned index_width; /* bytes */
    bool index_is_signed;
    bool nullable;
    struct ipc_field *children;
    size_t child_count;
} ipc_field;

/* A schema's fields, in the arena. */
floe_status floe_ipc_fields(ipc_table schema, floe_arena *arena, ipc_field **ret_fields, size_t *ret_count,
                            floe_error *err);
/* The C schema of a struct of them. */
floe_status floe_ipc_c_schema(const ipc_field *fields, size_t count, struct ArrowSchema *ret_schema, floe_error *err);

/* ---- dictionary.c ---- */

typedef struct ipc_dictionary {
    int64_t id;
    const ipc_field *field; /* the first that uses it, without its encoding */
    floe_str *cells;        /* a value's bytes; ptr NULL: null */
    size_t count, capacity;
    bool known;
    struct ArrowArray *kept; /* the batches whose bytes the cells are */
    size_t kept_count, kept_capacity;
} ipc_dictionary;

typedef struct ipc_dictionaries {
    ipc_dictionary *items;
    size_t count, capacity;
} ipc_dictionaries;

/* One for every id that fields name. Errors: UNSUPPORTED (dictionaries of nested values), CORRUPT. */
floe_status floe_ipc_dictionaries(const ipc_field *fields, size_t count, ipc_dictionaries *out, floe_error *err);
void floe_ipc_dictionaries_close(ipc_dictionaries *dictionaries);
ipc_dictionary *floe_ipc_dictionary(const ipc_dictionaries *dictionaries, int64_t id);
/* Takes over the batch of one column, whose rows replace or follow what is there. */
floe_status floe_ipc_dictionary_add(ipc_dictionary *dictionary, struct ArrowArray *batch, bool is_delta,
                                    floe_error *err);

/* ---- array.c ---- */

/* What a column is a part of; NULL: of nothing. */
typedef struct ipc_above {
    const ipc_field *field;
    const struct ArrowArray *array;
} ipc_above;

/* A record batch that is being read. */
typedef struct ipc_batch {
    ipc_flat *flat;
    ipc_vector nodes, buffers, variadic;
    size_t node_at, buffer_at, variadic_at;
    int codec; /* -1: none */
    floe_str body;
    struct ipc_memory *memory;
    const ipc_dictionaries *dictionaries;
    uint64_t unpacked; /* bytes */
    int64_t unseen;    /* rows inside others that no bytes stand behind */
    ipc_above above;   /* of the next column */
    floe_error *err;
} ipc_batch;

/* Memory of one batch: what its arrays point to. */
typedef struct ipc_memory {
    floe_arena arena;   /* the arrays themselves, and what had to be moved */
    char *body;         /* of the message */
    floe_buf *unpacked; /* buffers that were compressed */
    size_t unpacked_count, unpacked_capacity;
} ipc_memory;

/* One node after the other: a column, its children after it. */
floe_status floe_ipc_array(ipc_batch *batch, const ipc_field *field, unsigned depth, struct ArrowArray *ret_array);
/* What a record batch is read with. */
typedef struct ipc_record {
    ipc_table table;
    const ipc_field *fields;
    size_t field_count;
    uint64_t body_len; /* of memory->body */
    const ipc_dictionaries *dictionaries;
} ipc_record;
floe_status floe_ipc_memory_open(uint64_t body_len, ipc_memory **ret_memory, floe_error *err);
void floe_ipc_memory_close(ipc_memory **memory);
/* A whole record batch as a struct array. Owns: takes *memory over on success. */
floe_status floe_ipc_batch(const ipc_record *record, ipc_memory **memory, struct ArrowArray *ret_batch,
                           floe_error *err);
/* The values of an encoded column from its indices, which the array is made of. */
floe_status floe_ipc_decode(ipc_batch *batch, const ipc_field *field, struct ArrowArray *array);

/* ---- values.c ---- */

/* Makes the rows null whose row above is, but for what lies below a map: Arrow lets anything lie there, which nobody is to look at. */
floe_status floe_ipc_mask(const ipc_above *above, floe_arena *arena, struct ArrowArray *array, floe_error *err);
/* Whether offsets grow and end within `most`; whether views stay within the buffers whose lengths are given. */
floe_status floe_ipc_check_offsets(const ipc_field *field, const struct ArrowArray *array, int64_t most,
                                   floe_error *err);
floe_status floe_ipc_check_views(const ipc_field *field, const struct ArrowArray *array, const int64_t *lens,
                                 size_t len_count, floe_error *err);
/* Whether every text is UTF-8. Offsets and views are right. */
floe_status floe_ipc_check_text(const ipc_field *field, const struct ArrowArray *array, floe_error *err);
/* Whether decimals keep to their precision, times to a day, dates to whole days. */
floe_status floe_ipc_check_fixed(const ipc_field *field, const struct ArrowArray *array, floe_error *err);
bool floe_ipc_is_null(const struct ArrowArray *array, int64_t row);
/* The bytes of a value of a fixed, text or view column; ptr NULL: null. */
floe_str floe_ipc_cell(const ipc_field *field, const struct ArrowArray *array, int64_t row);

/* ---- lz4.c ---- */

/* Appends the content of an LZ4 frame. Errors: CORRUPT, LIMIT (out's cap). Source: lz4/doc/lz4_Frame_format.md and
 * lz4_Block_format.md. */
floe_status floe_lz4_decompress(floe_str frame, floe_buf *out, floe_error *err);

/* ---- flat_write.c ---- */

/* A FlatBuffer written front to back: a table first, what it points to after it. Everything is aligned to 8 bytes. */
typedef struct ipc_slot {
    uint8_t width; /* 1, 2, 4 or 8 bytes; 0: absent. What a table points to has 4, and 0 until it is patched. */
    int64_t value;
} ipc_slot;
#define IPC_OFFSET ((ipc_slot){4, 0})
#define IPC_SLOTS_MAX 8
/* Both give where the thing begins; ret_slots (may be NULL) gets where each slot lies. */
size_t floe_ipc_put_table(floe_buf *out, const ipc_slot *slots, size_t count, size_t *ret_slots);
size_t floe_ipc_put_text(floe_buf *out, floe_str text);
/* The items follow: offsets of 4 bytes, or structs. */
size_t floe_ipc_put_vector(floe_buf *out, size_t count, bool of_structs);
/* Makes the offset at `slot` lead to `target`, which lies behind it. */
void floe_ipc_patch(floe_buf *out, size_t slot, size_t target);
/* Fills up with zeros. */
void floe_ipc_pad(floe_buf *out);

/* ---- format.c ---- */

/* A column's type: how its values lie, and its table in Schema.fbs. */
typedef struct ipc_type {
    int kind; /* of the union Type */
    ipc_layout layout;
    int64_t width;
    ipc_slot slots[3];
    size_t slot_count;
    floe_str zone; /* of a timestamp; "" */
} ipc_type;
/* Errors: UNSUPPORTED naming column and format. */
floe_status floe_ipc_type(const struct ArrowSchema *schema, ipc_type *ret_type, floe_error *err);

/* ---- gather.c ---- */

/* Rows of one column put together. */
typedef struct ipc_column {
    const struct ArrowSchema *schema;
    ipc_type type;
    bool is_uuid; /* 16 bytes, made of text */
    int64_t length, null_count;
    floe_buf validity, offsets, data;
    struct ipc_column *children;
    size_t child_count;
} ipc_column;

/* Owns: floe_ipc_column_close, also after a failure; the schema must outlive the column. Errors: UNSUPPORTED. */
floe_status floe_ipc_column_open(const struct ArrowSchema *schema, unsigned depth, ipc_column *ret_column,
                                 floe_error *err);
void floe_ipc_column_close(ipc_column *column);
/* Turns a column of text into one of UUIDs, before there are rows. */
void floe_ipc_column_of_uuids(ipc_column *column);
void floe_ipc_column_clear(ipc_column *column);
/* Rows [first, first + count) of an array, without its own offset. Errors: LIMIT, NOMEM. */
floe_status floe_ipc_column_add(ipc_column *column, const struct ArrowArray *array, int64_t first, int64_t count,
                                floe_error *err);
/* Bytes that its buffers hold. */
size_t floe_ipc_column_bytes(const ipc_column *column);

#endif
