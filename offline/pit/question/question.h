/*
 * The shape of a question, which everything that answers it works on.
 *
 * Sources (one feed each) → groups (one set of key columns and one filter over a source) → views (one sweep each) → outputs.
 * While rows come in a group holds each as one record (pit/rows/record.h): the best one per stretch between two labels where
 * no other can be asked for (rows/slots.c), which is then answered from where it is (run/thin.c), else all of them, by part of
 * the keys. After the feed these are put in order of key and event, column by column (rows/arrange.c).
 */
#ifndef FLOE_OFFLINE_PIT_QUESTION_QUESTION_H
#define FLOE_OFFLINE_PIT_QUESTION_QUESTION_H

#include "offline/pit/memory/columns.h"
#include "offline/pit/memory/spill.h"
#include "offline/pit/pit.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

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
    bool tied; /* only file order decided which rows these are, or the order of two of them */
} pit_answer;

/* Where the answer of one output lies in a label's row of a sheet. */
typedef struct pit_spot {
    uint32_t at;       /* its bytes: int64, double, decimal, the number of a symbol, or the pointer to a list */
    uint32_t valid_at; /* its bit, counted from the row's first; PIT_NOWHERE: it is never null */
} pit_spot;

#define PIT_CACHE_LINE ((size_t)64)

#define PIT_FETCH_MOST ((size_t)64)
#define PIT_CELL_MOST sizeof(__int128)
/* Answers that lie elsewhere: cells of an output of labels [first, first + count), at most PIT_FETCH_MOST, one behind the other and as
 * a sheet would have them; those of nulls are 0. Gives a bit per label, set where there is a value. Thread: several. */
typedef uint64_t (*pit_fetch)(const void *from, size_t output, size_t first, size_t count, uint8_t *cells);

/* The answers of a view, a row per label in the labels' order: a label's answers are written together and read together,
 * and labels are mostly asked for one after the other. Cleared memory is the answer of a label that has no key or no time:
 * counts are 0, everything else is null. */
typedef struct pit_sheet {
    uint8_t *rows;
    pit_fetch fetch; /* of a sheet without rows, whose answers stay where they are known (run/thin.c) */
    void *fetch_from;
    size_t row_len;
    pit_spot *spots; /* per output */
    size_t lent;     /* so many bytes hold rows of the source until those are in order: there are no answers yet */
} pit_sheet;

static inline uint8_t *floe_pit_sheet_row(const pit_sheet *sheet, size_t label) {
    return sheet->rows + label * sheet->row_len;
}
/* The row will be written to soon. */
static inline void floe_pit_sheet_prefetch(const pit_sheet *sheet, size_t label) {
    const uint8_t *row = floe_pit_sheet_row(sheet, label);
    for (size_t at = 0; at < sheet->row_len; at += PIT_CACHE_LINE) {
        __builtin_prefetch(row + at, 1);
    }
}
/* What is at the spot, which may be null, is not. */
static inline void floe_pit_sheet_mark(uint8_t *row, const pit_spot *spot) {
    row[spot->valid_at >> 3] = (uint8_t)(row[spot->valid_at >> 3] | 1u << (spot->valid_at & 7));
}
/* Which of several equal doubles it is must not show. */
static inline double floe_pit_canonical(double real) {
    return real == 0 ? 0 : isnan(real) ? NAN : real;
}

typedef struct pit_view {
    const floe_view *view;
    uint32_t *output_columns; /* of the group, per output of the view; PIT_NO_ROW for "*" */
    bool *wanted;             /* per output */
    bool want_as_of;
    bool before;
    pit_sheet sheet;
    uint32_t *
        winner; /* per label its row, of the newest rows, or the slot that has it, of a group that thins; else PIT_NO_ROW */
    int64_t ties;
    int64_t rows_moved, rows_stepped; /* floe_pit_stats */
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
    bool keeps_event, keeps_created, keeps_end,
        keeps_order; /* keeps_event: and the key, which a slot knows of what stands in it */
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
    _Atomic int64_t rows_moved; /* while they were put in order of event */
    /* Key k's rows are [row_start[k], row_end[k]); its labels, by time, stand at [label_start[k], label_start[k + 1]). */
    uint32_t *row_start, *row_end;
    uint32_t *label_key; /* per label, until they are listed by key */
    uint32_t *label_start;
    int64_t *label_times; /* in that order; of a group that answers out of slots its calendar has them */
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
    int64_t *label_time; /* INT64_MIN: null; until every group has them in its own order */
    size_t label_count, label_room;
    int threads; /* that take rows in */
    int64_t newest_us;
    bool newest_labels; /* labels come from the source's keys */
    int64_t rows_fed;
    pit_spill *spill; /* rows and answers go there; NULL: everything stays in memory */
};

/* From references to sources, groups, views and needs, in the question's arena. Errors: INVALID for keys that do not go
 * together, and for as known where a source has no created time. */
floe_status floe_pit_question_make(floe_pit *pit, floe_error *err);

/* ---- order: of rows, and of labels by key and time ---- */

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

static inline int64_t floe_pit_saturating_add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a > 0 ? INT64_MAX : INT64_MIN) : sum;
}

/* By (event, created, file order): > 0 when row a wins over row b. *ret_file_order tells that only file order decided. */
int floe_pit_compare_rows(const pit_group *group, uint32_t a, uint32_t b, bool *ret_file_order);
/* Whether only file order tells two rows of a key apart. */
static inline bool floe_pit_is_tie(const pit_group *group, uint32_t a, uint32_t b) {
    return group->event[a] == group->event[b] && (!group->created || group->created[a] == group->created[b]);
}

/* Lists the labels of a group in order of key and time; once. */
floe_status floe_pit_index_labels(const floe_pit *pit, pit_group *group, floe_error *err);
/* Some of the keys: those of parts [first, last); of their labels, by key and time, where last_label is not 0, those that are
 * in [first_label, last_label). */
typedef struct pit_stint {
    uint32_t mask;
    uint32_t first, last;
    uint32_t first_label, last_label;
} pit_stint;
static inline bool floe_pit_stint_has(const pit_stint *stint, uint32_t key) {
    return (key & stint->mask) >= stint->first && (key & stint->mask) < stint->last;
}

/* Labels [first, last) of a key, in order of time. */
typedef struct pit_slice {
    uint32_t key;
    uint32_t first, last;
} pit_slice;
/* The labels of a key that a stint has. */
static inline pit_slice floe_pit_stint_slice(const pit_group *group, const pit_stint *stint, uint32_t key) {
    uint32_t first = group->label_start[key], last = group->label_start[key + 1];
    if (stint->last_label > 0) {
        first = first > stint->first_label ? first : stint->first_label;
        last = last < stint->last_label ? last : stint->last_label;
    }
    bool has = floe_pit_stint_has(stint, key) && first < last;
    return (pit_slice){key, first, has ? last : first};
}

void floe_pit_forget_rows(pit_group *group);
void floe_pit_forget_labels(pit_group *group);

#endif
