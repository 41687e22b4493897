/*
 * What the files of pit share.
 *
 * Shape of a question: sources (one feed each) → groups (one set of key columns and one filter over a source) → views
 * (one sweep each) → outputs. While rows come in a group holds each as one record (pit/record.h): the best one per stretch
 * between two labels where no other can be asked for (slots.c), which is then answered from where it is (thin.c), else all of
 * them, by part of the keys. After the feed these are put in order of key and event, column by column (arrange.c).
 */
#ifndef FLOE_OFFLINE_PIT_PIT_INT_H
#define FLOE_OFFLINE_PIT_PIT_INT_H

#include "offline/pit/pit.h"
#include "offline/pit/spill.h"
#include "offline/pit/together.h"
#include "offline/pit/wide.h"

#include <pthread.h>
#include <string.h>

#define PIT_NO_KEY UINT32_MAX
#define PIT_NO_ROW UINT32_MAX
#define PIT_ROW_MAX (UINT32_MAX - 1)

/* How cells of a type are kept. */
typedef enum pit_class { PIT_I64, PIT_F64, PIT_I128, PIT_SYMBOL } pit_class;

#define PIT_NOWHERE UINT32_MAX /* of a part of a record that is not kept */

/* A symbol and some bits of its hash, so that most of those that are not asked for are passed over without a look. */
typedef struct pit_symbol_slot {
    uint32_t tag;
    uint32_t symbol; /* + 1; 0: free */
} pit_symbol_slot;

/* Distinct values numbered densely from 0: text, bytes, lists, and whatever count_distinct looks at. */
typedef struct pit_symbols {
    floe_arena arena;
    pit_symbol_slot *slots; /* open addressing */
    size_t capacity;
    uint64_t *hashes;
    floe_str *keys;
    bool has_values;    /* set before the first */
    floe_value *values; /* of text, bytes and lists */
    size_t count, room;
} pit_symbols;

/* Whole numbers and the symbol of each, for keys that are one: no detour over their bytes. */
typedef struct pit_number_slot {
    int64_t number;
    uint32_t symbol; /* + 1; 0: free */
} pit_number_slot;

typedef struct pit_numbers {
    pit_number_slot *slots;
    size_t capacity, count;
    unsigned shift; /* of the hash: its top bits */
} pit_numbers;

typedef struct pit_column {
    floe_str name;
    floe_type type;
    pit_class class;
    bool want_symbols;                    /* count_distinct needs `symbol` beside the numbers */
    uint32_t data_at, symbol_at, null_at; /* in a record */
    union {
        int64_t *i64;
        double *f64;
        __int128 *i128;
    } data;
    uint32_t *symbol;
    uint8_t *is_null;
    pit_symbols symbols;
    pthread_mutex_t lock; /* of symbols, while rows come in */
} pit_column;

/* One answer. */
typedef struct pit_answer {
    enum {
        PIT_ANSWER_NULL,
        PIT_ANSWER_WHOLE,
        PIT_ANSWER_REAL,
        PIT_ANSWER_DECIMAL,
        PIT_ANSWER_ROW,
        PIT_ANSWER_LIST
    } kind;
    union {
        int64_t whole;
        double real;
        __int128 decimal;
        uint32_t row;   /* the value that it has in the output's column */
        uint32_t *list; /* how many rows, then the rows; memory of its own */
    } as;
} pit_answer;

/* Where the answer of one output lies in a label's row of a sheet. */
typedef struct pit_spot {
    uint32_t at;       /* its bytes: int64, double, decimal, the number of a symbol, or the pointer to a list */
    uint32_t valid_at; /* its bit, counted from the row's first; PIT_NOWHERE: it is never null */
} pit_spot;

/* The answers of a view, a row per label in the labels' order: a label's answers are written together and read together,
 * and labels are mostly asked for one after the other. Cleared memory is the answer of a label that has no key or no time:
 * counts are 0, everything else is null. */
typedef struct pit_sheet {
    uint8_t *rows;
    size_t row_len;
    pit_spot *spots; /* per output */
} pit_sheet;

typedef struct pit_view {
    const floe_view *view;
    uint32_t *output_columns; /* of the group, per output of the view; PIT_NO_ROW for "*" */
    bool *wanted;             /* per output */
    bool want_as_of;
    bool before;
    pit_sheet sheet;
    uint32_t *winner; /* per label its row, or PIT_NO_ROW; of the newest rows alone */
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
    bool number_keys; /* the key is one whole number: `numbers` has it too */
    pit_numbers numbers;
    bool has_created, has_end;
    /* What is kept of a row, and where: event first. */
    bool keeps_created, keeps_end, keeps_order;
    uint32_t created_at, end_at, seq_at, pos_at, key_at, state_at, record_len;
    /* While rows come in; one of the two (thins). */
    bool thins;
    struct pit_slots *slots;
    struct pit_parts *parts;
    struct pit_shelf *shelf; /* of a question that spills: its answers (shelf.h) */
    /* Rows, when they are all there: those of a key lie together, in order of event. */
    int64_t *event, *created, *end, *seq, *pos; /* NULL: not kept */
    uint8_t *tied; /* per row of a group that thins: one that is gone was equal but for the order of files */
    size_t row_count;
    /* Key k's rows are [row_start[k], row_end[k]); its labels, by time, stand at [label_start[k], label_start[k + 1]). */
    uint32_t *row_start, *row_end;
    uint32_t *label_key; /* per label, until they are listed by key */
    uint32_t *label_start;
    int64_t *label_times; /* in that order */
    uint32_t *label_at;   /* in that order: which label it is */
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
    int threads; /* that take rows in */
    int64_t newest_us;
    bool newest_labels; /* labels come from the source's keys */
    int64_t rows_fed;
    pit_spill *spill; /* rows and answers go there; NULL: everything stays in memory */
};

/* Grows *items (of element_len bytes) so that `need` fit; *room is the capacity. */
floe_status floe_pit_grow(void *items, size_t room, size_t need, size_t element_len, floe_error *err);

void floe_pit_symbols_init(pit_symbols *symbols);
void floe_pit_symbols_close(pit_symbols *symbols);
/* The number of these bytes; made on first sight. *ret_new tells a first sight (may be NULL). */
floe_status floe_pit_symbol(pit_symbols *symbols, floe_str bytes, uint32_t *ret_symbol, bool *ret_new, floe_error *err);
/* The same of bytes whose hash (XXH64, seed 0) is known; PIT_NO_KEY when they have no number. */
uint32_t floe_pit_symbol_find(const pit_symbols *symbols, floe_str bytes, uint64_t hash);
void floe_pit_symbol_prefetch(const pit_symbols *symbols, uint64_t hash);

/* Remembers the symbol of a number that is not there yet. */
floe_status floe_pit_number_add(pit_numbers *numbers, int64_t number, uint32_t symbol, floe_error *err);
uint32_t floe_pit_number_find(const pit_numbers *numbers, int64_t number);
void floe_pit_number_prefetch(const pit_numbers *numbers, int64_t number);
void floe_pit_numbers_close(pit_numbers *numbers);

pit_class floe_pit_class(floe_type type);
/* Memory for rows; what it held is kept. */
floe_status floe_pit_column_reserve(pit_column *column, size_t room, floe_error *err);
void floe_pit_column_get(const pit_column *column, size_t row, floe_value *ret_value);
/* Gives its rows back; its symbols stay. */
void floe_pit_column_forget(pit_column *column);
void floe_pit_column_close(pit_column *column);
size_t floe_pit_cell_len(pit_class class);

/* Where the parts of one cell lie; symbol NULL: the column has none. */
typedef struct pit_cell {
    void *data;
    uint32_t *symbol;
    uint8_t *is_null;
} pit_cell;
/* Thread: several may set cells of a column that has symbols; they take its lock. */
floe_status floe_pit_cell_set(pit_column *column, const pit_cell *cell, const floe_value *value, floe_error *err);

/* ---- cells: one column of one batch, read without a detour where its layout is plain ---- */

typedef enum pit_layout {
    PIT_CELL_ANY,
    PIT_CELL_I64,
    PIT_CELL_I32,
    PIT_CELL_F64,
    PIT_CELL_BIT,
    PIT_CELL_BYTES
} pit_layout;

typedef struct pit_cells {
    floe_arrow_view view;
    pit_layout layout;    /* ANY: through floe_arrow_get */
    const uint8_t *valid; /* bits; NULL: none is null */
    int64_t offset;       /* of row 0 in valid and data */
    const void *data;
    const int32_t *offsets; /* of BYTES */
} pit_cells;

floe_status floe_pit_cells_open(const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t index,
                                pit_cells *ret_cells, floe_error *err);
/* values[i] of rows[i]: whole numbers and times; `null_value` for null. */
floe_status floe_pit_cells_i64(const pit_cells *cells, const uint32_t *rows, size_t count, int64_t null_value,
                               int64_t *values, floe_error *err);
/* Leaves in rows (ascending) those whose cell is not null and, when `truth`, true; returns how many. */
floe_status floe_pit_cells_pick(const pit_cells *cells, bool truth, uint32_t *rows, size_t *count, floe_error *err);
/* The key of one row as bytes behind those in `out`; false when a part is null (then nothing is added). int32 widens to
 * int64. */
floe_status floe_pit_cells_key(const pit_cells *const *cells, const floe_column *keys, size_t key_count, int64_t row,
                               floe_buf *out, bool *ret_complete, floe_error *err);
/* The same, telling nulls apart (whose value is 0). */
floe_status floe_pit_cells_numbers(const pit_cells *cells, const uint32_t *rows, size_t count, int64_t *values,
                                   uint8_t *is_null, floe_error *err);
/* Keeps the cell of rows[i] in records[i]. The arena holds lists while they are looked at. */
floe_status floe_pit_cells_keep(const pit_cells *cells, const uint32_t *rows, uint8_t *const *records, size_t count,
                                floe_arena *arena, pit_column *column, floe_error *err);

/* Appends the unambiguous bytes of one key value (type, length, bytes). */
void floe_pit_key_append(floe_buf *out, const floe_value *value);
floe_status floe_pit_key_decode(floe_str bytes, const floe_column *keys, size_t key_count, floe_value *ret_values,
                                floe_error *err);

/* Items by key: *ret_order lists item numbers key by key (in item order within a key), *ret_start where each key begins.
 * Items without a key are left out. */
floe_status floe_pit_order_by_key(const uint32_t *item_key, size_t item_count, size_t key_count, uint32_t **ret_order,
                                  uint32_t **ret_start, floe_error *err);

/* From which label time on a row is visible; INT64_MAX: never. */
static inline int64_t floe_pit_visible(bool as_known, bool before, int64_t event, int64_t created) {
    int64_t from = before && event < INT64_MAX ? event + 1 : event;
    if (as_known) {
        if (created == INT64_MIN) {
            return INT64_MAX;
        }
        from = created > from ? created : from;
    }
    return from;
}

static inline int64_t floe_pit_visible_from(const floe_pit *pit, const pit_group *group, bool before, uint32_t row) {
    bool as_known = pit->options.as_known;
    return floe_pit_visible(as_known, before, group->event[row], as_known ? group->created[row] : INT64_MIN);
}

/* Some of the keys: those of parts [first, last). */
typedef struct pit_stint {
    uint32_t mask;
    uint32_t first, last;
} pit_stint;
static inline bool floe_pit_stint_has(const pit_stint *stint, uint32_t key) {
    return (key & stint->mask) >= stint->first && (key & stint->mask) < stint->last;
}

/* Labels [first, last) of a key, in order of time: some of those of a key that has so many that several threads share them. */
typedef struct pit_slice {
    uint32_t key;
    uint32_t first, last;
} pit_slice;

/* How a run goes on. */
typedef struct pit_pace {
    const floe_run *run; /* may be NULL */
    int threads;
} pit_pace;
static inline bool floe_pit_is_cancelled(const floe_run *run) {
    return run && run->cancelled && atomic_load(run->cancelled);
}

/* Lists the labels of a group in order of key and time; once. */
floe_status floe_pit_index_labels(const floe_pit *pit, pit_group *group, floe_error *err);
/* Puts the rows of a group in order of key and event, and lists its labels in order of key and time. */
floe_status floe_pit_group_index(const floe_pit *pit, pit_group *group, int threads, floe_error *err);

/* A row and when it enters. */
typedef struct pit_moment {
    int64_t at;
    uint32_t row;
} pit_moment;

/* By `at`, equal ones by row. Moments that lie so already, or in a few runs, cost no sort. `spare` has room for as many. */
void floe_pit_sort_moments(pit_moment *moments, size_t count, pit_moment *spare);

static inline int64_t floe_pit_saturating_add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a > 0 ? INT64_MAX : INT64_MIN) : sum;
}

/* ---- extremes: the best row among those that have entered and not left ---- */

typedef struct pit_extreme_item {
    int64_t rank;  /* larger is better; of types that have no rank: 0, and the cells are compared */
    int64_t leave; /* INT64_MAX: never */
    uint32_t row;
} pit_extreme_item;

typedef struct pit_extreme {
    const pit_column *column;
    bool smallest;
    bool heaped; /* items are a heap, not a monotone queue */
    pit_extreme_item *items;
    size_t first, count, room; /* of a queue: [first, first + count) */
} pit_extreme;

/* Of the cell of a row: larger is better; 0 of types that have none. */
int64_t floe_pit_extreme_rank(const pit_column *column, bool smallest, uint32_t row);
void floe_pit_extreme_reset(pit_extreme *extreme);
floe_status floe_pit_extreme_enter(pit_extreme *extreme, uint32_t row, int64_t leave, floe_error *err);
/* The best row that has not left at t; there must be one. */
uint32_t floe_pit_extreme_at(pit_extreme *extreme, int64_t t);

/* ---- windows: what the outputs of one column over one window share while labels go by ---- */

typedef struct pit_window pit_window;
typedef struct pit_rankings pit_rankings; /* pit/slide.h */
typedef struct pit_ranges pit_ranges;     /* pit/ranges.h */
/* leave = event + leave_after; INT64_MAX: never. `column` PIT_NO_ROW: "*". */
floe_status floe_pit_window_open(const pit_group *group, uint32_t column, int64_t leave_after, pit_window **ret_window,
                                 floe_error *err);
void floe_pit_window_close(pit_window **window);
bool floe_pit_window_is(const pit_window *window, uint32_t column, int64_t leave_after);
/* Before any row: also keep what this output needs. */
floe_status floe_pit_window_want(pit_window *window, const floe_output *output, pit_rankings *rankings,
                                 pit_ranges *ranges, floe_error *err);
/* Whether the key at hand is answered by ranges; `in_order`: its rows become visible in order of event. Decided once per
 * key, when its ranges are made. */
bool floe_pit_window_choose(pit_window *window, bool in_order);
bool floe_pit_window_ranged(const pit_window *window);
/* Of a window that is not answered by ranges: whether it needs its rows by the order that picks the winner. */
bool floe_pit_window_orders(const pit_window *window);
/* Forgets the last key, while the rankings are still its own. */
void floe_pit_window_clear(pit_window *window);
/* For the next key, whose rows are [first_row, last_row), in order of event, and ranked. */
floe_status floe_pit_window_reset(pit_window *window, uint32_t first_row, uint32_t last_row, floe_error *err);
/* Rows that enter at label time t; those that would have left by then are passed over. */
floe_status floe_pit_window_enter(pit_window *window, const pit_moment *entering, size_t count, int64_t t,
                                  floe_error *err);
/* Lets out the rows whose leave is reached. entered_at[row - first_row]: the label time they entered at. */
void floe_pit_window_leave(pit_window *window, const int64_t *entered_at, int64_t t);
/* Of a window that is answered by ranges: rows before `last` are visible at label time t. */
void floe_pit_window_reach(pit_window *window, uint32_t last, int64_t t);
/* The answer at time t. Rows with leave <= t have left. */
floe_status floe_pit_window_answer(pit_window *window, const floe_output *output, int64_t t, pit_answer *ret_answer,
                                   floe_error *err);

/* ---- sheets ---- */

/* Decides where in a row the answers of a view lie. */
void floe_pit_sheet_plan(const pit_group *group, pit_view *view);
/* Makes the sheet of a view for that many labels. */
floe_status floe_pit_sheet_open(const floe_pit *pit, const pit_group *group, pit_view *view, size_t label_count,
                                floe_error *err);
void floe_pit_sheet_close(pit_view *view, size_t label_count);
/* Writes what a label's row does not hold yet. Thread: several, each with labels of its own. */
void floe_pit_sheet_put(const pit_group *group, const pit_view *view, size_t output, size_t label,
                        const pit_answer *answer);
/* Reads it back; `items` has room for a list's. */
void floe_pit_sheet_get(const pit_group *group, const pit_view *view, size_t output, size_t label, floe_value *items,
                        floe_value *ret_value);
/* Whether a sheet alone holds the answers of a group, so that its rows may go. */
bool floe_pit_sheets_suffice(const floe_pit *pit, const pit_group *group);

/* Between a and b by linear interpolation; `part` 0: a. */
double floe_pit_between(double a, double b, double part);

/* Answers the labels of one key of one view. Thread: a sweep belongs to one thread; several may work on different keys. */
typedef struct pit_sweep pit_sweep;
floe_status floe_pit_sweep_open(const floe_pit *pit, const pit_group *group, pit_view *view, pit_sweep **ret_sweep,
                                floe_error *err);
void floe_pit_sweep_close(pit_sweep **sweep);
/* The answer to a label stands on the rows that it sees, not on the labels before it, so any slice of a key may be answered alone. */
floe_status floe_pit_sweep_slice(pit_sweep *sweep, const pit_slice *slice, floe_error *err);
int64_t floe_pit_sweep_ties(const pit_sweep *sweep);

/* ---- divide.c ---- */

/* What several threads take from: keys one stretch after the other, and before them the slices of the largest ones. */
typedef struct pit_shares {
    const pit_group *group;
    const pit_stint *stint;
    pit_slice *slices;
    size_t slice_count;
    uint32_t most; /* labels of a key that is not divided */
    atomic_uint_fast32_t next_slice, next_key;
} pit_shares;
/* `threads` 1: no key is divided. Owns: the arena holds the slices. */
floe_status floe_pit_shares_make(const pit_group *group, const pit_stint *stint, int threads, floe_arena *arena,
                                 pit_shares *ret_shares, floe_error *err);
/* Slices that belong to whoever took them; at most PIT_SHARE_MOST, 0: there are no more. Thread: several. */
#define PIT_SHARE_MOST 16
size_t floe_pit_shares_take(pit_shares *shares, pit_slice *ret_slices);

/* ---- view.c, group.c ---- */

/* Answers the labels of some keys, whose rows are in order, into the view's sheet. */
floe_status floe_pit_sweep_view(const floe_pit *pit, const pit_group *group, pit_view *view, const pit_stint *stint,
                                const pit_pace *pace, floe_error *err);
void floe_pit_forget_rows(pit_group *group);
void floe_pit_forget_labels(pit_group *group);

/* ---- thin.c ---- */

/* Answers a group whose rows stand in slots, out of them. */
floe_status floe_pit_run_slots(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err);

/* ---- batches.c ---- */

/* Of a question that spills: answers a group, to its shelf. */
floe_status floe_pit_run_batches(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err);

#endif
