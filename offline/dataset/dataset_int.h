/*
 * What the files of dataset share. A build goes: question (pit) → spine/ brings the spine into the session → labels →
 * source.c feeds each source → sweep → answers.c, which stay with the kernel, or a table (parts; sql.c, which makes it by SQL) →
 * content/ hashes → output.c writes spine and answer side by side → manifest.c. recipe.c reads a manifest back, audit/ judges what was built.
 */
#ifndef FLOE_OFFLINE_DATASET_DATASET_INT_H
#define FLOE_OFFLINE_DATASET_DATASET_INT_H

#include "core/hash.h"
#include "offline/dataset/content/content.h"
#include "offline/dataset/spine/spine.h"
#include "offline/engine/engine.h"
#include "offline/iceberg/scan.h"
#include "offline/import/query.h"
#include "offline/pit/pit.h"
#include "offline/write_rows.h"

/* ---- source.c ---- */

/* The year 10000, in microseconds: no label is as late, and what is may be near the end of int64. */
#define FLOE_LABELS_END_US "253402300800000000"

/* A source read for a question. */
typedef struct source_use {
    const floe_source *source;
    int64_t snapshot_id; /* -1: the table is empty */
    int64_t schema_id;
    floe_scan_plan plan;
} source_use;

/* Plans the scan of one need at a pin (NULL: the current snapshot), opening *ret_table; the caller closes it. */
typedef struct source_scan {
    floe_table *table;
    floe_table_scan_files files;
    const floe_expr *filter;        /* what was pushed down; NULL: nothing */
    const floe_expr *where;         /* the part of it that is not about times */
    int64_t earliest_us, latest_us; /* the part that is; the ends of int64: no bound */
    const floe_pit_need *need;
} source_scan;
floe_status floe_source_plan(floe_lake *lake, const floe_pit_need *need, const floe_dataset_pin *pin, floe_arena *arena,
                             source_scan *ret_scan, floe_error *err);
/* The pin of a source; NULL where the request has none at all. Errors: INVALID when it has some, but not this one. */
floe_status floe_source_pin(const floe_dataset_request *request, const floe_source *source,
                            const floe_dataset_pin **ret_pin, floe_error *err);
/* What is said of it in the manifest. */
source_use floe_source_used(const source_scan *scan);
void floe_source_close(source_scan *scan);
/* The SELECT that a need is fed with: data columns, __floe_event, __floe_created, __floe_end, __floe_seq, __floe_pos, __floe_where_n. */
floe_status floe_source_sql(const source_scan *scan, floe_session *session, floe_buf *out, floe_error *err);
/* The scan of a source for some of the features that are asked of it, whose question needs its rows; `whole` is that for all of them.
 * Borrows: *need, which is filled. */
source_scan floe_source_part(const source_scan *whole, const floe_pit *pit, floe_pit_need *need);

/* ---- touched.c ---- */

/* Every column that the select touches: data, times, and what the filters compare. */
floe_status floe_source_columns(const source_scan *scan, floe_arena *arena, floe_str **ret_names, size_t *ret_count,
                                floe_error *err);

/* ---- drift.c ---- */

/* Whether what is read still has the types that the definitions were applied to, or wider ones. Errors: CONFLICT naming the column. */
floe_status floe_drift_check(const source_scan *scan, floe_arena *arena, floe_error *err);
/* `from`, its columns as the definitions name their types. */
floe_status floe_drift_sql(const source_scan *scan, const floe_buf *from, floe_arena *arena, floe_buf *out,
                           floe_error *err);
/* What the engine says of a value that such a column does not hold is a CONFLICT. */
floe_status floe_drift_status(floe_status status, floe_error *err);
/* Whether the columns are the same ones that they were in a snapshot: not dropped and made again under their names. */
floe_status floe_drift_ids(const source_scan *scan, int64_t since_snapshot_id, floe_arena *arena, bool *ret_same,
                           floe_error *err);

/* ---- job.c ---- */

#define STEPS_MAX 12

typedef struct dataset_step {
    const char *step;
    int64_t elapsed_us;
} dataset_step;

/* How long each step took. The last item is the one that runs. */
typedef struct dataset_steps {
    dataset_step items[STEPS_MAX];
    size_t count;
    int64_t since_us;
} dataset_steps;

/* Answers that the kernel keeps until they are written; pieces NULL: they are the session's table "answer". */
typedef struct dataset_answers {
    floe_pit *pit;
    floe_pit_pieces *pieces;
    floe_row_giver giver;
    given_hash hash; /* while they are written */
} dataset_answers;

/* What the steps of one dataset share. */
typedef struct dataset_job {
    floe_lake *lake;
    floe_session *session;
    const floe_dataset_request *request; /* of view features alone: those asked for, then what request features need */
    const floe_dataset_request *asked;   /* as it was asked */
    const floe_run *run;                 /* may be NULL */
    floe_arena *arena;
    floe_pit *
        pit; /* the question as a whole. Of the labels it knows the range of times, nothing else. NULL: no view is asked */
    spine_table spine;
    int64_t label_count;
    int64_t null_times, null_time_row; /* of the spine; the first such row, from 1 */
    source_scan *scans;                /* per need of the pit */
    size_t scan_count;
    uint64_t kernel_bytes; /* what the kernel may hold */
    uint64_t
        run_bytes; /* the same while it answers and the engine rests; 0: no row and no answer of what spills stays */
    uint64_t answers_bytes; /* what its answers may take while they are written */
    uint64_t engine_bytes;  /* and the engine */
    int64_t threads_before; /* the engine's, when fewer were set (threads.c); 0: they were not */
    bool answer_is_view;    /* "answer", over tables that stay; else it is a table */
    dataset_answers answers;
    dataset_steps steps;
} dataset_job;

/* Opens a job, does the work, and closes it. */
typedef floe_status (*floe_dataset_work)(dataset_job *job, void *context, floe_error *err);
floe_status floe_dataset_job_run(floe_lake *lake, const floe_dataset_request *request, const floe_run *run,
                                 floe_arena *arena, floe_dataset_work work, void *context, floe_error *err);

/* Of the question: the entity keys, the needs. None where no view is asked. */
const floe_column *floe_dataset_keys(const dataset_job *job, size_t *ret_count);
const floe_pit_need *floe_dataset_needs(const dataset_job *job, size_t *ret_count);

/* ---- progress.c ---- */

/* Says that a step begins or goes on, and times it. Steps are literals. */
void floe_dataset_progress(dataset_job *job, const char *step, double fraction);
void floe_dataset_progress_rows(dataset_job *job, const char *step, int64_t done, int64_t total);
void floe_dataset_steps_end(dataset_job *job);

/* ---- threads.c ---- */

/* From now on the engine has so many threads at most, 1 at least, never more than it came with. */
floe_status floe_threads_at_most(dataset_job *job, int64_t most, floe_error *err);
floe_status floe_threads_back(dataset_job *job, floe_error *err);
/* How many threads the engine's memory holds while a source is read, and how many there are. */
floe_status floe_threads_of_scan(const dataset_job *job, const source_scan *scan, int64_t *ret_threads,
                                 int64_t *ret_all, floe_error *err);
/* As many as fit whichever source is read. */
floe_status floe_threads_for_scans(dataset_job *job, floe_error *err);
/* One; *ret_fewer: there were more. */
floe_status floe_threads_alone(dataset_job *job, bool *ret_fewer, floe_error *err);

/* ---- feed.c ---- */

#define DATASET_READING "reading sources" /* a step */
/* What is told of rows that go by: `before` and those that came since, of `total`. */
typedef struct row_progress {
    dataset_job *job;
    const char *step;
    int64_t before, total;
} row_progress;
/* Feeds the rows of a query into one need of a question; progress may be NULL. */
floe_status floe_dataset_feed_query(floe_session *session, const char *sql, const row_progress *progress, floe_pit *pit,
                                    size_t need_index, floe_error *err);
/* Streams a planned scan into a question that has the same need. */
floe_status floe_dataset_feed(const dataset_job *job, const source_scan *scan, const row_progress *progress,
                              floe_pit *pit, size_t need_index, floe_error *err);

/* ---- memory.c ---- */

#define DATASET_ENGINE_LEAST FLOE_MIB(64) /* with less the engine cannot write a file */
/* Kernel and engine get their shares. */
floe_status floe_dataset_share_memory(dataset_job *job, floe_error *err);
/* While the spine is read the kernel has nothing yet, and text is read by buffers of 32 MB, several for each thread: the engine has the
 * kernel's memory too, and no more threads than can read with it, until its share is set again and its threads are given back. */
floe_status floe_dataset_memory_for_spine(dataset_job *job, floe_error *err);
/* What of the engine's memory a table of answers needs while it grows, and half of it while tables of them are read side by side.
 * Units: bytes. */
uint64_t floe_dataset_table_bytes(const floe_ref *refs, size_t count);
/* Adds to an error of the engine's memory how much was given, and what to do. */
floe_status floe_dataset_tell_memory(const dataset_job *job, floe_status status, floe_error *err);
/* Gives the engine so much memory from now on; what it has and does not use goes back to the system. */
floe_status floe_dataset_set_engine(dataset_job *job, uint64_t bytes, floe_error *err);
/* Without a kernel the engine has all of the memory but what the process needs. */
floe_status floe_dataset_engine_alone(dataset_job *job, floe_error *err);
/* Of one column, of one of the engine's threads that writes: what came, what goes out, what waits for its turn. */
#define DATASET_WRITER_BYTES FLOE_MIB(8)
/* What a question that spills may hold while the engine rests, and of answers while it writes. The spine is there. */
floe_status floe_dataset_share_run(dataset_job *job, floe_error *err);
/* From now on the kernel holds no more than answers, and the engine may have the rest. */
floe_status floe_dataset_kernel_done(dataset_job *job, floe_error *err);

/* ---- job.c ---- */

/* SELECT of the labels of the whole spine. */
floe_status floe_dataset_labels_sql(const dataset_job *job, const floe_pit *pit, floe_buf *out, floe_error *err);
/* Of a question of the kernel that holds rows: what was asked, and its share of threads and memory. */
floe_pit_options floe_dataset_pit_options(const dataset_job *job);
/* Plans the scan of every need. */
floe_status floe_dataset_plan_scans(dataset_job *job, floe_error *err);
/* The spine into the session, and the range of its times into the question. */
floe_status floe_dataset_load_spine(dataset_job *job, floe_error *err);
/* Into a question over the same spine: two labels that have the first and the last time of all. */
floe_status floe_dataset_feed_bounds(const dataset_job *job, floe_pit *pit, floe_error *err);

/* ---- partition.c ---- */

/* What the kernel needs for the whole question at once, by what the plans say. Units: bytes. */
uint64_t floe_partition_estimate(const dataset_job *job);
/* How many parts the keys are divided into; 1: everything at once. */
size_t floe_partition_parts(const dataset_job *job);
/* Whether the kernel itself is to write down what does not fit, which it does faster than parts by the engine. */
bool floe_partition_by_kernel(const dataset_job *job);
/* How the kernel is going to answer, in words of --explain. The scans are planned. */
floe_status floe_partition_text(const dataset_job *job, floe_arena *arena, const char **ret_text, floe_error *err);
/* The session's table "answer" by the kernel, one part of the keys after the other. Rows and labels of a part lie in Parquet
 * files and temporary tables of the engine until it is their turn; where a few scans are cheaper, its rows are read again for each stretch of labels. The kernel's answer to a label
 * depends on the rows of its key alone, and on no other label, so it is the same as at once, bit for bit. */
floe_status floe_partition_answer(dataset_job *job, floe_pit_stats *ret_stats, floe_error *err);

/* ---- rescan.c ---- */

/* As-of features over one source, with the same entity and keys. */
typedef struct dataset_rescan {
    const floe_ref *refs;
    size_t ref_count;
    const source_scan *whole; /* of all features over the source */
    size_t stretches;         /* about */
    uint64_t room_bytes;      /* that the kernel has for one */
    uint64_t engine_bytes;    /* that the engine needs while it adds to a table of the answers */
    const char *table;
} dataset_rescan;
/* Their answers, in the order of the labels, as a table of the session. rows_fed are those of one scan. */
floe_status floe_rescan_answer(dataset_job *job, const dataset_rescan *of, floe_pit_stats *ret_stats, floe_error *err);

/* ---- build.c ---- */

/* The content hash of the spine's columns of a table s, and of what `rest` adds (" FROM spine s", ", s.x FROM built s"). */
floe_status floe_dataset_hash_rows(const dataset_job *job, const char *rest, content_hash *ret_hash, floe_error *err);
/* The spine's hash, before any work is done for one that is not as it was kept. Errors: CORRUPT. */
floe_status floe_dataset_check_spine(const dataset_job *job, content_hash *ret_hash, floe_error *err);

/* ---- output.c ---- */

/* What a dataset is written to, between its two steps. */
typedef struct dataset_output {
    const floe_dataset_request *request;
    floe_query_import *table; /* NULL: a file */
    int64_t snapshot_id;      /* of the table; -1 */
} dataset_output;

bool floe_output_is_table(floe_lake *lake, const char *out);
/* Before any work. Errors: INVALID (the spine itself, a source's table), CONFLICT (a table that exists), UNSUPPORTED, NOT_FOUND. */
floe_status floe_output_check(floe_lake *lake, const floe_dataset_request *request, floe_error *err);
/* Then either publish, which takes what is open back too, or discard. */
floe_status floe_output_prepare(dataset_job *job, const char *select, dataset_output *ret_output, floe_error *err);
floe_status floe_output_publish(dataset_output *output, floe_dataset_result *result, floe_error *err);
void floe_output_discard(dataset_output *output);

/* ---- answers.c ---- */

/* After the run of the whole question: *ret_kept and the pit taken over, where its answers are hashed and written from where they
 * lie; else it is as it was. */
floe_status floe_dataset_answers_keep(dataset_job *job, floe_pit **pit, bool *ret_kept, floe_error *err);
void floe_dataset_answers_close(dataset_answers *answers);
/* The content hash of the spine, whose part is known, and the answers beside it; with statistics. Of what was written with `hashes` hardly
 * anything is left to do. */
floe_status floe_dataset_answers_hash(dataset_job *job, const content_hash *spine, content_hash *ret_hash,
                                      floe_error *err);
/* Spine and answers beside it, as floe_output_prepare. `hashes`: answers that the kernel keeps are hashed on their way. */
floe_status floe_dataset_answers_write(dataset_job *job, bool hashes, dataset_output *ret_output, floe_error *err);

/* ---- request.c ---- */

bool floe_dataset_asks_requests(const floe_dataset_request *asked);

/* The question of view features alone that a request stands on, in *ret_views and the arena; there may be none. Errors: INVALID
 * when nothing at all is asked for, or two features would be one column. */
floe_status floe_dataset_of_views(const floe_dataset_request *asked, floe_arena *arena, floe_dataset_request *ret_views,
                                  floe_error *err);
/* Where request features are asked for: the session's table "answer" gets the asked columns, in their order. Errors: INVALID
 * naming the spine's column that is missing or of another type. */
floe_status floe_dataset_answer_requests(dataset_job *job, floe_error *err);
/* The answer where no view is asked: a table of as many rows, whose column nobody sees. */
floe_status floe_dataset_answer_nothing(const dataset_job *job, floe_error *err);
/* Whether the spine brings what request features need. */
floe_status floe_dataset_check_inputs(const dataset_job *job, floe_error *err);
/* The columns that were asked for, then `from`, which gives the spine as s and the views' answer as a, and what the columns need
 * beside it. Rows come in any order: the caller puts them in one. */
floe_status floe_dataset_write_asked(const dataset_job *job, const char *from, floe_buf *sql, floe_error *err);

/* ---- sql.c ---- */

/* Answers by generated SQL: the session's temporary table "answer", in the labels' order. The spine is loaded. uses: one per
 * need. */
floe_status floe_dataset_answer_by_sql(const dataset_job *job, source_use *uses, int64_t *ret_ties, floe_error *err);
/* The query that a need is fed with, in parentheses; in the job's arena. */
floe_status floe_dataset_source_item(const dataset_job *job, const floe_pit_need *need, source_use *ret_use,
                                     const char **ret_item, floe_error *err);

/* ---- manifest.c ---- */

typedef struct dataset_facts {
    const floe_dataset_request *request; /* as it was asked */
    const floe_ref *view_refs;           /* the view features that were needed for it */
    size_t view_ref_count;
    const spine_table *spine;
    floe_session *session;
    const source_use *sources;
    size_t source_count;
    const content_hash *content; /* of all columns; statistics of the features' */
    const char *spine_hash;
    floe_pit_stats stats;
    int64_t created_us;
    int64_t out_snapshot_id; /* of a table; -1: a file */
    const dataset_steps *steps;
    int64_t peak_bytes; /* of the process */
} dataset_facts;

/* Gives the dataset its id, and of one that will be a file notes the part that is about to be written, so that who is killed while writing
 * leaves nothing that is not found. Before rows are written. */
floe_status floe_dataset_manifest_begin(const dataset_facts *facts, bool into_table, floe_dataset_result *result,
                                        floe_error *err);
/* Keeps the spine and writes the manifest under root/.floe/datasets/<id>/; all of it or nothing. */
floe_status floe_dataset_manifest_write(const dataset_facts *facts, floe_dataset_result *result, floe_error *err);
/* Takes it back. */
void floe_dataset_manifest_remove(const floe_dataset_request *request, floe_dataset_result *result);

/* ---- unlisted.c ---- */

/* Makes the dataset's folder, with a note that the registry does not have it, and locks that. For a table with a marker that lies
 * there until it is committed. */
floe_status floe_dataset_note(const floe_dataset_request *request, bool is_table, floe_dataset_result *result,
                              floe_error *err);
void floe_dataset_note_unlock(floe_dataset_result *result);
floe_status floe_dataset_marker_remove(const floe_dataset_request *request, const char *id);

#endif
