/*
 * What the files of pit share.
 *
 * Shape of a question: sources (one feed each) → groups (one set of key columns and one filter over a source) → views
 * (one sweep each) → outputs. A group holds the kept rows column by column; after the feed they are put in key order.
 */
#ifndef FLOE_OFFLINE_PIT_PIT_INT_H
#define FLOE_OFFLINE_PIT_PIT_INT_H

#include "core/map.h"
#include "offline/pit/pit.h"
#include "offline/pit/wide.h"

#define PIT_NO_KEY UINT32_MAX
#define PIT_NO_ROW UINT32_MAX
#define PIT_ROW_MAX (UINT32_MAX - 1)

/* How cells of a type are kept. */
typedef enum pit_class { PIT_I64, PIT_F64, PIT_I128, PIT_SYMBOL } pit_class;

/* Distinct values numbered densely from 0: text, bytes, lists, and whatever count_distinct looks at. */
typedef struct pit_symbols {
    floe_arena arena;
    uint32_t *slots; /* open addressing; symbol + 1 */
    size_t capacity;
    uint64_t *hashes;
    floe_str *keys;
    floe_value *values; /* of text, bytes and lists */
    size_t count, room;
} pit_symbols;

typedef struct pit_column {
    floe_str name;
    floe_type type;
    pit_class class;
    bool want_symbols; /* count_distinct needs `symbol` beside the numbers */
    union {
        int64_t *i64;
        double *f64;
        __int128 *i128;
    } data;
    uint32_t *symbol;
    uint8_t *is_null;
    pit_symbols symbols;
} pit_column;

/* The answers of one aggregate, per label; those of min and max are rows (`symbol`). */
typedef struct pit_result {
    uint8_t *is_null;
    union {
        int64_t *i64;
        double *f64;
        __int128 *i128;
        uint32_t *symbol;
    } data;
} pit_result;

typedef struct pit_view {
    const floe_view *view;
    uint32_t *output_columns; /* of the group, per output of the view; PIT_NO_ROW for "*" */
    bool *wanted;             /* per output */
    bool want_as_of;
    bool before;
    /* Answers, per label. */
    uint32_t *winner;    /* row, or PIT_NO_ROW */
    pit_result *results; /* per output */
    int64_t ties;
} pit_view;

/* One set of key columns and one filter over one source. */
typedef struct pit_group {
    size_t source_index;
    uint32_t where_index; /* of the need */
    const floe_entity *entity;
    const floe_str *key_columns;
    pit_view *views;
    size_t view_count;
    pit_column *columns;
    size_t column_count;
    pit_symbols keys; /* encoded key → key number */
    /* Rows. */
    uint32_t *row_key;
    int64_t *event, *created, *end, *seq, *pos;
    size_t row_count, row_room;
    bool has_created, has_end;
    /* Rows and labels by key: key k's are at [start[k], start[k + 1]). */
    uint32_t *row_order, *row_start;
    uint32_t *label_key; /* per label */
    uint32_t *label_order, *label_start;
} pit_group;

typedef struct pit_source {
    const floe_source *source;
    floe_pit_need need;
    size_t view_count;
} pit_source;

struct floe_pit {
    floe_pit_options options;
    floe_arena arena; /* what is small and lives as long as the question */
    const floe_ref *refs;
    size_t ref_count;
    pit_source *sources;
    floe_pit_need *needs; /* the sources' needs, side by side */
    size_t source_count;
    pit_group *groups;
    size_t group_count;
    floe_column *keys;
    size_t key_count;
    int64_t *label_time; /* INT64_MIN: null */
    size_t label_count, label_room;
    int64_t newest_us;
    bool newest_labels; /* labels come from the source's keys */
    int64_t rows_fed;
};

/* Grows *items (of element_len bytes) so that `need` fit; *room is the capacity. */
floe_status floe_pit_grow(void *items, size_t room, size_t need, size_t element_len, floe_error *err);

void floe_pit_symbols_init(pit_symbols *symbols);
void floe_pit_symbols_close(pit_symbols *symbols);
/* The number of these bytes; made on first sight when `add`, else PIT_NO_KEY. *ret_new tells a first sight (may be NULL). */
floe_status floe_pit_symbol(pit_symbols *symbols, floe_str bytes, bool add, uint32_t *ret_symbol, bool *ret_new,
                            floe_error *err);

pit_class floe_pit_class(floe_type type);
floe_status floe_pit_column_reserve(pit_column *column, size_t room, floe_error *err);
floe_status floe_pit_column_set(pit_column *column, size_t row, const floe_value *value, floe_error *err);
void floe_pit_column_get(const pit_column *column, size_t row, floe_value *ret_value);
void floe_pit_column_close(pit_column *column);

/* Appends the unambiguous bytes of one key value (type, length, bytes). */
void floe_pit_key_append(floe_buf *out, const floe_value *value);
floe_status floe_pit_key_decode(floe_str bytes, const floe_column *keys, size_t key_count, floe_value *ret_values,
                                floe_error *err);

/* Puts rows and labels of a group in key order. */
floe_status floe_pit_group_index(floe_pit *pit, pit_group *group, floe_error *err);

/* ---- windows: what one (output column, window) keeps while labels go by ---- */

typedef struct pit_window pit_window;
floe_status floe_pit_window_open(const pit_group *group, const floe_output *output, uint32_t column,
                                 pit_window **ret_window, floe_error *err);
void floe_pit_window_close(pit_window **window);
void floe_pit_window_reset(pit_window *window); /* for the next key */
/* leave_after: leave = event + leave_after; INT64_MAX: never; the same in every call of one window. */
floe_status floe_pit_window_enter(pit_window *window, uint32_t row, int64_t leave_after, floe_error *err);
void floe_pit_window_leave(pit_window *window, uint32_t row);
/* Writes the answer at time t into result[label]. Rows with leave <= t have left. */
floe_status floe_pit_window_answer(pit_window *window, int64_t t, pit_result *result, size_t label, floe_error *err);

/* Answers the labels of one key of one view. Thread: a sweep belongs to one thread; several may work on different keys. */
typedef struct pit_sweep pit_sweep;
floe_status floe_pit_sweep_open(const floe_pit *pit, const pit_group *group, pit_view *view, pit_sweep **ret_sweep,
                                floe_error *err);
void floe_pit_sweep_close(pit_sweep **sweep);
floe_status floe_pit_sweep_key(pit_sweep *sweep, uint32_t key, floe_error *err);
int64_t floe_pit_sweep_ties(const pit_sweep *sweep);

#endif
