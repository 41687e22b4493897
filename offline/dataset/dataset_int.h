/*
 * What the files of dataset share. A build goes: question (pit) → spine.c brings the spine into the session → labels →
 * source.c feeds each source → sweep → answer table (or sql.c makes it by SQL) → offline/write_rows.c writes spine and answer side by side → hash.c, manifest.c.
 */
#ifndef FLOE_OFFLINE_DATASET_DATASET_INT_H
#define FLOE_OFFLINE_DATASET_DATASET_INT_H

#include "core/hash.h"
#include "offline/engine/engine.h"
#include "offline/iceberg/scan.h"
#include "offline/pit/pit.h"
#include "offline/write_rows.h"

/* ---- spine.c ---- */

/* The spine as the session's temporary table "spine", rows in their order. */
typedef struct spine_table {
    const floe_query_column *columns; /* types are the engine's names */
    size_t column_count;
    floe_str from; /* the FROM item it was read from */
    floe_str time_column;
    floe_str source_table; /* of a table spine: its full name; "" for a file */
    int64_t snapshot_id;   /* of a table spine; -1 for a file */
} spine_table;

floe_status floe_spine_load(floe_lake *lake, floe_session *session, const floe_dataset_request *request,
                            const floe_column *keys, size_t key_count, floe_arena *arena, spine_table *ret_spine,
                            floe_error *err);
/* SELECT of the key columns under the keys' names, `__time` (int64 µs, floored) and `__row` (0, 1 …), in order, from the
 * session's table or the item it was read from. */
floe_status floe_spine_labels_sql(const floe_dataset_request *request, const spine_table *spine,
                                  const floe_column *keys, size_t key_count, const char *from, floe_buf *out,
                                  floe_error *err);
/* The spine's column that holds a key. */
floe_str floe_spine_key_column(const floe_dataset_request *request, floe_str key);

/* ---- source.c ---- */

/* A source read for a question. */
typedef struct source_use {
    const floe_source *source;
    int64_t snapshot_id; /* -1: the table is empty */
    floe_scan_plan plan;
} source_use;

/* Plans the scan of one need at a snapshot (-1: current), opening *ret_table; the caller closes it. */
typedef struct source_scan {
    floe_table *table;
    floe_table_scan_files files;
    const floe_expr *filter; /* what was pushed down; NULL: nothing */
    const floe_pit_need *need;
} source_scan;
floe_status floe_source_plan(floe_lake *lake, const floe_pit_need *need, int64_t snapshot_id, floe_arena *arena,
                             source_scan *ret_scan, floe_error *err);
void floe_source_close(source_scan *scan);
/* The SELECT that a need is fed with: data columns, __event, __created, __end, __seq, __pos, __where_n. */
floe_status floe_source_sql(const source_scan *scan, floe_session *session, floe_buf *out, floe_error *err);
floe_status floe_source_feed(floe_lake *lake, floe_session *session, floe_pit *pit, size_t need_index,
                             int64_t snapshot_id, floe_arena *arena, source_use *ret_use, floe_error *err);

/* ---- build.c ---- */

floe_status floe_dataset_feed_labels(floe_session *session, const floe_dataset_request *request,
                                     const spine_table *spine, floe_pit *pit, floe_error *err);

/* ---- sql.c ---- */

typedef struct sql_question {
    floe_lake *lake;
    floe_session *session;
    const floe_dataset_request *request;
    const floe_pit *pit; /* its labels were fed */
    const spine_table *spine;
    floe_arena *arena;
} sql_question;

/* Answers by generated SQL: the session's temporary table "answer", in the labels' order. uses: one per need. */
floe_status floe_dataset_answer_by_sql(const sql_question *question, source_use *uses, int64_t *ret_ties,
                                       floe_error *err);

/* ---- hash.c ---- */

/* The content hash of rows: schema and values in row order, whatever file format, thread count or batch size. */
typedef struct content_hash {
    char hex[65];
    int64_t row_count;
    int64_t *null_counts; /* per column, in the arena */
} content_hash;
floe_status floe_content_hash(struct ArrowArrayStream *stream, floe_arena *arena, content_hash *ret_hash,
                              floe_error *err);

/* ---- manifest.c ---- */

typedef struct dataset_facts {
    const floe_dataset_request *request;
    const spine_table *spine;
    const source_use *sources;
    size_t source_count;
    const content_hash *content; /* of all columns: the spine's, then the features' */
    const char *spine_hash;
    floe_pit_stats stats;
    int64_t created_us;
} dataset_facts;

/* Gives the dataset its id, keeps the spine and writes the manifest under root/.floe/datasets/<id>/; all of it or nothing. */
floe_status floe_manifest_write(floe_session *session, const dataset_facts *facts, floe_dataset_result *result,
                                floe_error *err);
/* Takes it back. */
void floe_manifest_remove(const floe_dataset_request *request, const floe_dataset_result *result);

#endif
