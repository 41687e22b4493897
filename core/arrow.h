/*
 * The Arrow C data and stream interfaces (apache/arrow, docs/source/format/CDataInterface.rst), and what floe needs
 * around them: from a schema to floe types, from a batch to floe values, and back.
 *
 * A batch is a struct array whose children are the columns. Arrow formats used: b (bool), i (int32), l (int64), f, g,
 * u (string), z (bytes), tdD (date32), tsu:UTC and tsu: (timestamp µs), d:p,s (decimal128), +l (list). Reading also
 * takes U, Z (large text and bytes), c s C S I L (narrow and unsigned integers, L checked), tss: tsm: tsn: (rescaled,
 * floored), tdm and +L, and any of these dictionary-encoded except lists. Thread: a batch is immutable once built; a stream belongs to one thread at a time.
 */
#ifndef FLOE_CORE_ARROW_H
#define FLOE_CORE_ARROW_H

#include "core/arena.h"
#include "core/error.h"
#include "core/value.h"

#include <stdint.h>

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
    const char *format;
    const char *name;
    const char *metadata;
    int64_t flags;
    int64_t n_children;
    struct ArrowSchema **children;
    struct ArrowSchema *dictionary;
    void (*release)(struct ArrowSchema *);
    void *private_data;
};

struct ArrowArray {
    int64_t length;
    int64_t null_count;
    int64_t offset;
    int64_t n_buffers;
    int64_t n_children;
    const void **buffers;
    struct ArrowArray **children;
    struct ArrowArray *dictionary;
    void (*release)(struct ArrowArray *);
    void *private_data;
};
#endif

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
    int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
    int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
    const char *(*get_last_error)(struct ArrowArrayStream *);
    void (*release)(struct ArrowArrayStream *);
    void *private_data;
};
#endif

/* One named column; the name is borrowed. */
typedef struct floe_column {
    floe_str name;
    floe_type type;
} floe_column;

/* Releases when not released yet; for cleanup attributes. */
void floe_arrow_schema_release(struct ArrowSchema *schema);
void floe_arrow_array_release(struct ArrowArray *array);
void floe_arrow_stream_release(struct ArrowArrayStream *stream);
#define FLOE_AUTO_SCHEMA __attribute__((cleanup(floe_arrow_schema_release))) struct ArrowSchema
#define FLOE_AUTO_ARRAY __attribute__((cleanup(floe_arrow_array_release))) struct ArrowArray
#define FLOE_AUTO_STREAM __attribute__((cleanup(floe_arrow_stream_release))) struct ArrowArrayStream

/* The floe type of one column's schema. Errors: UNSUPPORTED, naming column and format. */
floe_status floe_arrow_type(const struct ArrowSchema *column, floe_type *ret_type, floe_error *err);

/* A batch schema of nullable columns. Owns: the caller releases it. */
floe_status floe_arrow_schema_make(const floe_column *columns, size_t count, struct ArrowSchema *ret_schema,
                                   floe_error *err);

/* A deep copy, for those who must keep a schema and give it away. Owns: the caller releases it. */
floe_status floe_arrow_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *ret_copy, floe_error *err);

/* The child index of a column by exact name, or -1. */
int64_t floe_arrow_find(const struct ArrowSchema *schema, floe_str name);

/* Cell access, prepared once per column and batch. Borrowed: schema and array must outlive the view. */
typedef struct floe_arrow_view {
    const struct ArrowSchema *schema;
    const struct ArrowArray *array; /* of the column */
    const struct ArrowArray *batch;
    floe_type type;
    uint8_t layout;       /* how the values lie in memory; private to arrow.c, as are the next three */
    uint8_t index_layout; /* of the indices when dictionary-encoded, else 0 */
    uint8_t item_layout;  /* the same for the items of a list */
    uint8_t item_index_layout;
} floe_arrow_view;

/* A view of child `index` of a batch; validates buffer counts and types, not offsets. Errors: UNSUPPORTED, CORRUPT. */
floe_status floe_arrow_view_of(const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t index,
                               floe_arrow_view *ret_view, floe_error *err);
/* The cell of `row` (0…length-1 of the batch; the batch's and column's offset and a null batch row are handled). List
 * items are put in the arena; text borrows from the batch. */
floe_status floe_arrow_get(const floe_arrow_view *view, int64_t row, floe_arena *arena, floe_value *ret_value,
                           floe_error *err);

/* Cells that lie side by side and are their values: numbers of 4 or 8 bytes, dates as days, timestamps as microseconds. */
typedef struct floe_arrow_plain {
    const uint8_t *valid; /* bits, by offset + row; NULL: none is null */
    const uint8_t *data;  /* of cell offset + row; NULL: the column lies otherwise */
    int64_t offset;
    size_t cell_len;
} floe_arrow_plain;
floe_arrow_plain floe_arrow_plain_of(const floe_arrow_view *view);
static inline bool floe_arrow_plain_is_null(const floe_arrow_plain *plain, int64_t row) {
    int64_t at = plain->offset + row;
    return plain->valid && !((plain->valid[at >> 3] >> (at & 7)) & 1);
}

/* Builds batches row by row. */
typedef struct floe_arrow_builder floe_arrow_builder;
floe_status floe_arrow_builder_open(const floe_column *columns, size_t count, floe_arrow_builder **ret_builder,
                                    floe_error *err);
void floe_arrow_builder_close(floe_arrow_builder **builder);
/* Appends one row of as many values as there are columns; a value must be null or of its column's type. Errors: INVALID
 * for a value of another type and LIMIT when a column's text passes 2 GiB, both before anything is appended, so that the
 * builder can go on (after LIMIT: finish the batch and append again); NOMEM, after which every call gives NOMEM. */
floe_status floe_arrow_builder_row(floe_arrow_builder *builder, const floe_value *values, floe_error *err);
int64_t floe_arrow_builder_rows(const floe_arrow_builder *builder);
/* Moves what was appended out as a batch and starts the next. Owns: the caller releases it. */
floe_status floe_arrow_builder_finish(floe_arrow_builder *builder, struct ArrowArray *ret_batch, floe_error *err);

/* Stream calls with floe's errors: the stream's own message, prefixed by `what`. *ret_batch.release is NULL at the end.
 * A CANCELLED or other code travels through floe's own streams unchanged (see floe_arrow_stream_make). */
floe_status floe_arrow_stream_schema(struct ArrowArrayStream *stream, const char *what, struct ArrowSchema *ret_schema,
                                     floe_error *err);
floe_status floe_arrow_stream_next(struct ArrowArrayStream *stream, const char *what, struct ArrowArray *ret_batch,
                                   floe_error *err);

/* A stream over callbacks. The first failure is final: later calls repeat it. `next` leaves ret_batch->release NULL at the end; `close` frees the context. */
typedef struct floe_stream_source {
    floe_status (*schema)(void *context, struct ArrowSchema *ret_schema, floe_error *err);
    floe_status (*next)(void *context, struct ArrowArray *ret_batch, floe_error *err);
    void (*close)(void *context);
} floe_stream_source;
floe_status floe_arrow_stream_make(const floe_stream_source *source, void *context, struct ArrowArrayStream *ret_stream,
                                   floe_error *err);

/* A stream over batches that already lie in memory (takes them over on success); mostly for tests and uploads. */
floe_status floe_arrow_stream_of_batches(struct ArrowSchema *schema, struct ArrowArray *batches, size_t count,
                                         struct ArrowArrayStream *ret_stream, floe_error *err);

#endif
