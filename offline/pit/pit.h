/*
 * pit: the point-in-time rule as a kernel over batches. It knows neither Iceberg nor SQL.
 *
 * One question, in four steps:
 *   1. floe_pit_open     what is asked (references), as known or not
 *   2. floe_pit_labels   the spine's keys and times, or floe_pit_labels_newest: every key of the source at one time
 *   3. floe_pit_feed_…   the rows of each source in the question, in any order, once per source
 *   4. floe_pit_run      the sweep; then floe_pit_stream gives the answer columns in label order
 *
 * The idea that makes it one-dimensional: a source row is visible at a label's time t exactly when t reaches
 * visible_from = max(event (+1 µs where the view says `at: before`), created (as known only)), and it leaves a window w at
 * leave = event + w (+1 µs for `at: before`). So per key the rows enter in order of visible_from and leave in order of
 * event, labels are answered in order of t, and as-of features and all windows come out of one pass. Rows that would leave
 * before they become visible are never counted. The as-of winner is the running maximum of (event, created, sequence, file
 * position) over what has entered; ttl and end time are judged at the label.
 *
 * Sums are exact and rounded once (pit/exact/wide.h), so no order of rows, threads or files can change an answer.
 *
 * Memory: everything of the question in RAM, of each row only what an answer can show; of a source that is only asked for
 * as-of features no more rows than labels. A question that may spill has in RAM its labels, the distinct texts, and the rows
 * and answers of as many keys as it was given room for; the others are in a file, and so are the answers when all are known.
 *
 * Thread: one at a time, but for floe_pit_feed_take; floe_pit_feed_stream and floe_pit_run start threads of their own, and end
 * them before they return.
 */
#ifndef FLOE_OFFLINE_PIT_PIT_H
#define FLOE_OFFLINE_PIT_PIT_H

#include "core/arrow.h"
#include "offline/offline.h"
#include "registry/registry.h"

typedef struct floe_pit floe_pit;

typedef struct floe_pit_options {
    bool as_known;            /* rows also need a created time that is not null and not after the label */
    bool ignore_at;           /* every view answers at_or_before */
    bool newest;              /* ttl and end time are not judged: the winner as it is, for the online store */
    int threads;              /* that take rows in; 0: as many as there are processors */
    const char *spill_folder; /* NULL: all rows and answers stay in memory */
    uint64_t memory_bytes;    /* of a question that spills: what it is to keep to while rows come in */
    uint64_t run_bytes;       /* likewise while it is answered, memory_bytes or more; 0: no row and no answer stays */
    uint64_t answers_bytes;   /* likewise what its answers may take when all are known; what is more is written down */
} floe_pit_options;

/* Borrows the references; they must live until close. Errors: INVALID for as_known over a source without created_time,
 * naming the views; INVALID for a list that is to spill; IO or DENIED where the folder takes no file. */
floe_status floe_pit_open(const floe_ref *refs, size_t ref_count, const floe_pit_options *options, floe_pit **ret_pit,
                          floe_error *err);
void floe_pit_close(floe_pit **pit);

/* Whether a question can spill: none of its answers is a list. */
bool floe_pit_may_spill(const floe_ref *refs, size_t ref_count);
bool floe_pit_spills(const floe_pit *pit);
/* How much of one row of a need is kept, by all views over it together. */
size_t floe_pit_row_bytes(const floe_pit *pit, size_t need_index);
/* How much one label takes of a need whose rows stand in slots, a row per label at most. */
uint64_t floe_pit_slot_bytes(const floe_pit *pit, size_t need_index);
/* What the labels that it has, and rows in slots, will take; 0 of groups that keep all rows. */
uint64_t floe_pit_slots_bytes(const floe_pit *pit);
/* How many bytes of so many rows lie in memory that so many labels' answers need later, of a source that has no columns of texts or lists. */
uint64_t floe_pit_lent_bytes(const floe_pit *pit, size_t need_index, uint64_t rows, uint64_t labels);
/* About how much its labels take, which stay in memory until it is answered. */
uint64_t floe_pit_label_bytes(const floe_pit *pit);

/* How much memory holds at most of answers that were written down, while pieces of them are asked for. */
uint64_t floe_pit_spilled_bytes(uint64_t memory_bytes);
/* Likewise of this question, which is answered; no more than that. 0: it did not spill. */
uint64_t floe_pit_readback_bytes(const floe_pit *pit);

/* The entity keys that the labels must bring, each name once, in order of first use. */
const floe_column *floe_pit_keys(const floe_pit *pit, size_t *ret_count);

/* The labels: a column per entity key (by name; of the key's type or int32 for int64) and `__floe_time` (int64 µs, null
 * allowed). Errors: INVALID naming a column that is missing or of another type. */
floe_status floe_pit_labels(floe_pit *pit, struct ArrowArrayStream *labels, floe_error *err);

/* Instead of labels: one label at `time_us` for every key that the source has; only with references of one view. */
floe_status floe_pit_labels_newest(floe_pit *pit, int64_t time_us, floe_error *err);

/* What must be fed. Row columns: the data columns under their source names, then `__floe_event`, `__floe_created`, `__floe_end` (int64
 * µs; created and end only where the source has them), `__floe_seq`, `__floe_pos` (int64: file and position, which decide ties),
 * and `__floe_where_<n>` (bool) for each of the wheres. */
typedef struct floe_pit_need {
    const floe_source *source;
    const floe_str *columns; /* data columns, keys included */
    const floe_type *types;  /* of each what it is kept as: a key's as its entity declares it */
    const bool *keys_alone;  /* of each whether it is a key and nothing else */
    size_t column_count;
    const floe_expr *const *wheres; /* distinct filters of the views over the source; NULL entries mean no filter */
    size_t where_count;
    floe_str
        shared_where; /* set when all views over the source have this one filter: the feeder may push it into the scan */
    /* Rows before earliest_us can reach no label (INT64_MIN: no bound), rows after latest_us neither. */
    int64_t earliest_us, latest_us;
} floe_pit_need;
const floe_pit_need *floe_pit_needs(const floe_pit *pit, size_t *ret_count);

/* Rows of one need, from several threads. Open, take batches, close before the run; the pit outlives it. Borrows the schema until
 * it is closed. Errors: INVALID naming a column that is missing; CONFLICT for one whose type has changed. */
typedef struct floe_pit_feed floe_pit_feed;
floe_status floe_pit_feed_open(floe_pit *pit, size_t need_index, struct ArrowSchema *schema, floe_pit_feed **ret_feed,
                               floe_error *err);
/* Thread: several at a time. */
floe_status floe_pit_feed_take(floe_pit_feed *feed, const struct ArrowArray *batch, floe_error *err);
void floe_pit_feed_close(floe_pit_feed **feed);

/* All of that over a stream, by as many threads as the question has. */
floe_status floe_pit_feed_stream(floe_pit *pit, size_t need_index, struct ArrowArrayStream *rows, floe_error *err);

/* Errors: INVALID when a window's integer sum leaves int64 (or 38 digits), naming feature, key and time; CANCELLED. */
floe_status floe_pit_run(floe_pit *pit, const floe_run *run, floe_error *err);

typedef struct floe_pit_stats {
    int64_t label_count, rows_fed, rows_kept;
    /* What only file order decided: winners, by label and view, and answers of first, last and lists of them, by label and
     * output. */
    int64_t ties;
    /* Work that rows in order of their times save: how often one was moved by a sort, of events or of what became known when; and how
     * often one was let into a window or out of it by itself, or passed by one that was. */
    int64_t rows_moved, rows_stepped;
} floe_pit_stats;
void floe_pit_stats_get(const floe_pit *pit, floe_pit_stats *ret_stats);

/* The answer: one column per reference, named view__feature, in label order. After labels_newest, before them: the
 * entity's keys, __event_ts, __created_ts, __end_ts. The pit must outlive the stream. */
floe_status floe_pit_stream(floe_pit *pit, struct ArrowArrayStream *ret_stream, floe_error *err);

/* The same answers piece by piece, in any order and to any thread, where none is a list and labels are not the newest rows.
 * The pit must outlive them. */
typedef struct floe_pit_pieces floe_pit_pieces;
/* After the run. *ret_pieces NULL: the stream alone gives these answers. */
floe_status floe_pit_pieces_open(const floe_pit *pit, floe_pit_pieces **ret_pieces, floe_error *err);
void floe_pit_pieces_close(floe_pit_pieces **pieces);
const floe_column *floe_pit_pieces_columns(const floe_pit_pieces *pieces, size_t *ret_count);
typedef struct floe_pit_piece {
    size_t first_column, column_count;
    size_t first_label, label_count;
} floe_pit_piece;
/* One batch. Owns: the caller releases it. Errors: INVALID for a number that does not fit its type, LIMIT for more than 2 GiB of
 * text in one column, NOMEM. Thread: several at a time. Cost: of a piece alone; threads are not started. */
floe_status floe_pit_pieces_get(const floe_pit_pieces *pieces, const floe_pit_piece *piece,
                                struct ArrowArray *ret_batch, floe_error *err);

#endif
