/*
 * offline: Iceberg tables in, point-in-time-correct rows out.
 *
 * A lake is the set of catalogs of a project. A table is opened at one metadata file and does not change under its
 * reader. A scan pins a snapshot, plans files (partitions and bounds prune before anything is opened) and streams
 * Arrow batches; what cannot be read right is refused with the exact reason. On top: import, datasets, and the newest
 * rows per key that a sync wants. Thread: a lake and its tables belong to one thread at a time.
 */
#ifndef FLOE_OFFLINE_OFFLINE_H
#define FLOE_OFFLINE_OFFLINE_H

#include "core/arrow.h"
#include "core/buf.h"
#include "offline/check/check.h"
#include "registry/registry.h"

#include <stdatomic.h>

typedef struct floe_lake floe_lake;
typedef struct floe_table floe_table;

/* What several long calls share; all optional. */
typedef struct floe_run {
    const atomic_bool *cancelled; /* set from a signal handler: the call stops with CANCELLED */
    void (*progress)(void *context, const char *step, double fraction); /* fraction < 0: unknown */
    /* Beside it, where a step knows its rows: how many of how many went by. May be NULL. */
    void (*progress_rows)(void *context, const char *step, int64_t done, int64_t total);
    void *progress_context;
    int threads; /* 0: all cores */
} floe_run;

/* Borrows the definitions; reads nothing yet. `run` may be NULL. */
floe_status floe_lake_open(const floe_catalog_def *catalogs, size_t catalog_count, const floe_run *run,
                           floe_lake **ret_lake, floe_error *err);
void floe_lake_close(floe_lake **lake);

/* ---- tables ---- */

typedef struct floe_table_name {
    floe_str catalog;
    floe_str namespace_name;
    floe_str table;
    floe_str full;             /* catalog.namespace.table */
    const char *metadata_path; /* current metadata file: changes with every commit */
} floe_table_name;
/* Every table of every catalog, sorted by full name. */
floe_status floe_table_list(floe_lake *lake, floe_arena *arena, const floe_table_name **ret_names, size_t *ret_count,
                            floe_error *err);

/* `reference`: catalog.ns.table, a table's folder, or a metadata JSON file. moved_from/moved_to may be NULL.
 * Errors: NOT_FOUND (naming the nearest table), CORRUPT, UNSUPPORTED. */
floe_status floe_table_open(floe_lake *lake, const char *reference, const char *moved_from, const char *moved_to,
                            floe_table **ret_table, floe_error *err);
void floe_table_close(floe_table **table);

typedef struct floe_table_column {
    floe_str name;
    int32_t field_id;
    floe_type type;     /* kind NONE where floe has no such type */
    floe_str type_text; /* Iceberg's own: "timestamptz", "struct<a: int>" */
    floe_str doc;
    bool required;
} floe_table_column;

typedef struct floe_table_info {
    floe_str name; /* as opened */
    floe_str location;
    floe_str metadata_path;
    floe_str uuid;
    int format_version;
    floe_str comment; /* table property "comment" */
    const floe_table_column *columns;
    size_t column_count;
    floe_str partition_text; /* "month(date)", "" unpartitioned */
    int64_t snapshot_id;     /* current; -1: none */
    int64_t snapshot_us;
    int64_t record_count; /* from the snapshot's summary; -1 unknown */
    int64_t file_count;
} floe_table_info;
floe_status floe_table_describe(floe_table *table, floe_arena *arena, floe_table_info *ret_info, floe_error *err);

typedef struct floe_snapshot_info {
    int64_t snapshot_id;
    int64_t parent_id; /* -1: none */
    int64_t sequence_number;
    int64_t committed_us;
    floe_str operation;
    int64_t added_records, total_records; /* -1: unknown */
    floe_str refs;                        /* "main, tag:v1" */
} floe_snapshot_info;
floe_status floe_table_snapshots(floe_table *table, floe_arena *arena, const floe_snapshot_info **ret_snapshots,
                                 size_t *ret_count, floe_error *err);

/* ---- scans ---- */

typedef enum floe_snapshot_kind { FLOE_AT_CURRENT, FLOE_AT_ID, FLOE_AT_REF, FLOE_AT_TIME } floe_snapshot_kind;
typedef struct floe_scan_request {
    floe_snapshot_kind at;
    int64_t snapshot_id;
    const char *ref;
    int64_t as_of_us;
    const floe_str *columns; /* NULL: all of the schema's, in its order */
    size_t column_count;
    const char *where; /* floe expression; with `engine_where` also any DuckDB scalar expression. NULL: none */
    bool engine_where;
    int64_t limit;    /* < 0: none */
    bool added_since; /* only rows that append snapshots added after this one, as they were added */
    int64_t since_snapshot_id;
} floe_scan_request;

/* What a scan would read and what pruned the rest. */
typedef struct floe_scan_plan {
    int64_t snapshot_id; /* -1: the table has none */
    int64_t manifests_total, manifests_read;
    int64_t files_total, files_read;
    int64_t files_pruned_by_partition, files_pruned_by_bounds; /* of the files in manifests that were read */
    int64_t bytes, rows;                                       /* of the files read, before deletes */
    int64_t delete_files, delete_rows; /* that apply to the files read: deletion vectors count one each */
    floe_str note;                     /* why nothing could be pruned, "" otherwise */
    const floe_str *paths;             /* files to read, in (data sequence number, path) order */
    size_t path_count;
} floe_scan_plan;
floe_status floe_table_plan(floe_table *table, const floe_scan_request *request, floe_arena *arena,
                            floe_scan_plan *ret_plan, floe_error *err);

/* Rows as Arrow batches. The stream must be released before the table is closed. */
floe_status floe_table_scan(floe_table *table, const floe_scan_request *request, struct ArrowArrayStream *ret_stream,
                            floe_error *err);
/* One cell as JSON or, with as_csv, as a person reads it: whatever Arrow type, nested ones as JSON in both. The same in every
 * file and on every screen. `row` counts from the array's offset. Errors: UNSUPPORTED (by Arrow format), CORRUPT, NOMEM. */
floe_status floe_row_cell(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row, bool as_csv,
                          floe_arena *arena, floe_buf *out, bool *ret_is_null, floe_error *err);
/* Rows into a file: .parquet, .csv, .jsonl by its ending. Written beside and renamed. */
floe_status floe_table_scan_to(floe_table *table, const floe_scan_request *request, const char *path, int64_t *ret_rows,
                               floe_error *err);

/* ---- what was added ---- */

/* A snapshot between two others that did something else than append: its rows are not among the added ones. */
typedef struct floe_change_note {
    int64_t snapshot_id;
    floe_str operation;
    const char *forces; /* what follows for who keeps a copy of the rows */
} floe_change_note;

/* The snapshots after `from` up to `to` (oldest first) that deleted or rewrote rows; compactions are none of them. A scan
 * with added_since gives the rows. Rule: rows of append snapshots, in the schema of `to`, as they were added: what was
 * deleted later is named here, not taken away there.
 * Errors: NOT_FOUND (a snapshot that has expired or never was, by its id, and what is left), INVALID (no ancestor).
 * Source: Iceberg's IncrementalAppendScan; unlike it, a start that has expired is refused even where its child is left. */
floe_status floe_table_changes(floe_table *table, int64_t from_snapshot_id, int64_t to_snapshot_id, floe_arena *arena,
                               const floe_change_note **ret_notes, size_t *ret_count, floe_error *err);

/* ---- import ---- */

typedef enum floe_import_mode {
    FLOE_IMPORT_CREATE,
    FLOE_IMPORT_APPEND,
    FLOE_IMPORT_REPLACE,  /* these rows in the place of all, with a schema of their own */
    FLOE_IMPORT_OVERWRITE /* in the place of those in the partitions that occur in the input */
} floe_import_mode;
typedef struct floe_import_request {
    const char *const *files; /* Parquet, CSV or JSON; several are one input in their order */
    size_t file_count;
    const char *table;     /* catalog.ns.table; the namespace is created */
    floe_import_mode mode; /* CREATE on an existing table: CONFLICT */
    const char *partition; /* "month(date), identity(origin)"; NULL: none */
    const char *select;    /* SQL select list over the input: "*, date + … AS known_at"; NULL: all */
    const char *types;     /* "col=type,…"; NULL */
    const char *describe;  /* datapackage.json with descriptions; NULL */
    const char *sort;      /* "origin, date desc nulls last": stable, within each partition; NULL: the input's order */
    bool evolve; /* append, overwrite: new columns are added, wider types taken over, missing columns left empty */
} floe_import_request;
typedef struct floe_import_result {
    int64_t rows, files, bytes, snapshot_id;
    char metadata_path[4096];
} floe_import_result;
floe_status floe_table_import(floe_lake *lake, const floe_import_request *request, const floe_run *run,
                              floe_import_result *ret_result, floe_error *err);

/* ---- maintenance ---- */

typedef struct floe_compact_request {
    const char *table;    /* catalog.ns.table */
    int64_t target_bytes; /* 0: the table's write.target-file-size-bytes, else 512 MiB */
    const char *where;    /* floe expression: only files that may hold such rows; NULL: all */
} floe_compact_request;

typedef struct floe_compact_result {
    int64_t snapshot_id;               /* -1: there was nothing to do */
    int64_t files_before, files_after; /* that were rewritten, and what they became */
    int64_t rows_before, rows_after;   /* the difference is what deletes took */
    int64_t bytes_before, bytes_after;
    int64_t delete_files;  /* that apply to nothing any more and went */
    int64_t partitions;    /* of the table */
    int64_t runs_left_out; /* because no file name lies between their neighbours' */
} floe_compact_result;

/* Puts small neighbouring files together and applies deletes, as one snapshot `replace`.
 * Rule: only neighbours within a partition by (data sequence number, path); the result has the largest of their data
 *       sequence numbers and a path between its neighbours', so that rows of a partition keep their order and exact ties
 *       their winner. In tables of version 3 rows keep their ids.
 * Errors: CONFLICT when a file was deleted, rewritten or given position deletes meanwhile (appends are built upon),
 * UNSUPPORTED naming a column that floe cannot write. A failure leaves nothing behind. */
floe_status floe_table_compact(floe_lake *lake, const floe_compact_request *request, const floe_run *run,
                               floe_compact_result *ret_result, floe_error *err);

/* A snapshot that a dataset was built from, of whatever table. */
typedef struct floe_pinned_snapshot {
    int64_t snapshot_id;
    floe_str dataset; /* id or name, for messages */
} floe_pinned_snapshot;

#define FLOE_ORPHAN_AGE_US INT64_C(259200000000) /* three days: longer than any import runs */

typedef struct floe_expire_request {
    const char *table;     /* catalog.ns.table */
    int64_t older_than_us; /* age: snapshots committed before now minus this expire */
    int64_t keep_last;     /* snapshots of each branch that stay whatever their age; 0: 1 */
    int64_t orphan_age_us; /* files that nothing names are removed when nobody changed them for so long */
    const floe_pinned_snapshot *pinned;
    size_t pinned_count;
    bool force;   /* pinned snapshots expire too */
    bool dry_run; /* says what would go; changes nothing */
} floe_expire_request;

typedef struct floe_expire_result {
    const int64_t *snapshot_ids; /* that expired, oldest first; in the arena of the call */
    size_t snapshot_count;
    const floe_str *refs; /* branches and tags that were older than they say */
    size_t ref_count;
    const floe_pinned_snapshot *held; /* that would have expired; with force: that did */
    size_t held_count;
    int64_t data_files, delete_files, manifests, manifest_lists, metadata_files, statistics_files, orphans;
    int64_t bytes;
    char metadata_path[4096]; /* "" when the metadata had nothing to lose */
} floe_expire_result;

/* Lets old snapshots go, and the files that only they needed.
 * Rule: what stays is the current snapshot, what branches and tags hold by their own retention, snapshots younger than the
 *       age, and pinned ones. The metadata is committed first; then data and delete files go, then manifests, then lists,
 *       so that a run that was killed is finished by the next. A file that any snapshot left needs is never removed, by
 *       whatever spelling of its path; files that nothing names (left by a killed writer) go when they are old enough.
 * Errors: CONFLICT, UNSUPPORTED (the table's gc.enabled is false; a scheme that floe does not know), CORRUPT. */
floe_status floe_table_expire(floe_lake *lake, const floe_expire_request *request, const floe_run *run,
                              floe_arena *arena, floe_expire_result *ret_result, floe_error *err);

/* ---- datasets ---- */

typedef struct floe_key_column {
    floe_str key;
    floe_str column;
} floe_key_column;

/* The snapshot of a source that a dataset was built from, as its manifest names it; -1: the table was empty. */
typedef struct floe_dataset_pin {
    floe_str source;
    int64_t snapshot_id;
    int64_t schema_id; /* that it was read with; -1: the snapshot's own */
} floe_dataset_pin;

typedef struct floe_dataset_request {
    const floe_ref *refs;
    size_t ref_count;
    floe_str service;            /* for the manifest; "" when features were listed */
    const char *spine;           /* file (.parquet .arrow .feather .arrows .csv .jsonl) or table reference */
    const char *time_column;     /* NULL: the only timestamp column */
    const floe_key_column *keys; /* spine columns whose names differ */
    size_t key_count;
    bool as_known;
    bool ignore_at;   /* for leak tests: every view answers at_or_before */
    bool by_sql;      /* generated SQL on the engine answers, not the kernel: the same values, slower */
    const char *name; /* NULL: none */
    const char *out;  /* .parquet .arrow .feather .arrows .csv .jsonl, or catalog.ns.table */
    bool replace;     /* a table that exists gets these rows in the place of all; else it is CONFLICT */
    const char *root; /* project folder: manifests lie in .floe/datasets there; NULL: no manifest */
    int64_t definitions_version;
    const char *floe_version; /* for the manifest; NULL: not said */
    uint64_t memory_bytes;    /* of the kernel and the engine together; 0: half of the machine's */
    /* To build one again: */
    const floe_dataset_pin *pins; /* every source of the question; NULL: the current snapshots */
    size_t pin_count;
    const char
        *given_spine; /* where the kept spine came from, which the output may not be; NULL: nothing is known of it */
    const char *expect_spine; /* content hashes, hex; NULL: none. Where another comes out, nothing is written. */
    const char *expect_content;
    /* Filled in: what request features take of the spine. */
    const floe_column *inputs;
    size_t input_count;
} floe_dataset_request;

typedef struct floe_dataset_result {
    char id[65];
    char manifest_path[4096];
    int64_t row_count;
    int64_t source_rows;        /* read */
    int64_t ties;               /* winners and ends of windows that only file order decided */
    int64_t null_times;         /* labels without a time, which nothing matches */
    int64_t null_time_row;      /* the first of them, counted from 1; 0: there is none */
    char null_time_column[128]; /* its name, as much of it as fits */
    char content_hash[65];
    int64_t elapsed_us;
    int note_lock; /* of the build alone: a descriptor and 1 */
} floe_dataset_result;

/* A training set by the rule of docs/point-in-time.md: every spine row once and in order, spine columns then
 * view__feature columns. Errors: INVALID naming column and reason; NOT_FOUND for a pinned snapshot that is gone; CORRUPT
 * when the spine, CONFLICT when the content is not what was expected. Cancelling leaves nothing behind. */
floe_status floe_dataset_build(floe_lake *lake, const floe_dataset_request *request, const floe_run *run,
                               floe_dataset_result *ret_result, floe_error *err);

/* A dataset that is not in the registry yet. A build with a root leaves it so, file and manifest whole, for whoever keeps the
 * list of datasets; where that process died first, the next finds it. */
typedef struct floe_dataset_unlisted {
    const char *id;
    const char *manifest_path;
    floe_str manifest;
    bool is_unsure; /* of a table whose commit began: whether it has the rows, floe_dataset_committed says */
} floe_dataset_unlisted;
/* A project's datasets whose file is in place, or may be in a table, and that nobody listed, by id; those whose build still
 * runs are left out, and what a build left that died before its file was in place is removed. Errors: IO, DENIED, NOMEM. */
floe_status floe_datasets_unlisted(const char *root, floe_arena *arena, const floe_dataset_unlisted **ret_items,
                                   size_t *ret_count, floe_error *err);
/* Whether the table that a manifest names has the snapshot that the dataset is. Errors: those of opening a table, but that it is
 * not there; CORRUPT (the manifest). */
floe_status floe_dataset_committed(floe_lake *lake, floe_str manifest, bool *ret_committed, floe_error *err);
/* Removes the folder of a dataset that is known not to be in its table, unless its build runs, or ran within the hour: until then a
 * catalog may end a commit that it did not answer. */
void floe_dataset_sweep(const char *root, const char *id);
/* Says that the registry has the dataset. */
floe_status floe_dataset_listed(const char *root, const char *id, floe_error *err);

/* What a build would do, step by step. */
typedef struct floe_dataset_step {
    floe_str step;                   /* "spine", "source", "join", "write" */
    floe_str what;                   /* which, and how */
    floe_str table;                  /* that a "source" reads; others "" */
    int64_t rows;                    /* -1: does not apply; of a source before filters and deletes */
    int64_t bytes;                   /* read from disk; -1 */
    int64_t files_read, files_total; /* -1 */
    int64_t files_pruned_by_partition, files_pruned_by_bounds;
    int64_t row_groups_read, row_groups_total; /* of the files read, by the event time's range; -1: not known */
    int64_t memory_bytes;                      /* expected; -1 */
    int64_t time_us;                           /* that it took; -1: it is only planned */
} floe_dataset_step;
/* Reads the spine and plans the sources; writes nothing. Errors: those of a build up to there. */
floe_status floe_dataset_explain(floe_lake *lake, const floe_dataset_request *request, const floe_run *run,
                                 floe_arena *arena, floe_dataset_step **ret_steps, size_t *ret_count, floe_error *err);

/* What a manifest says about how its dataset was made. Lies in the arena. */
typedef struct floe_dataset_recipe {
    floe_str id;
    const floe_str *features; /* references, in order */
    size_t feature_count;
    int64_t definitions_version;
    bool as_known;
    floe_str engine; /* "native" or "duckdb" */
    floe_str service;
    floe_str path; /* of the file that was built, absolute; the name of a table */
    floe_str file; /* the same for an audit: of a table with its snapshot, NAME@ID */
    bool is_table;
    floe_str spine_from;    /* as it was named */
    const char *spine_path; /* of its file, absolute; the name of a table */
    const char *spine;      /* the kept copy, beside the manifest */
    floe_str spine_hash;
    const char *time_column;
    const floe_key_column *keys;
    size_t key_count;
    const floe_dataset_pin *pins;
    size_t pin_count;
    int64_t row_count;
    floe_str content_hash;
} floe_dataset_recipe;
/* Errors: CORRUPT naming what is missing; UNSUPPORTED for a manifest of an older floe that lacks it. */
floe_status floe_dataset_recipe_read(floe_str manifest, const char *manifest_path, floe_arena *arena,
                                     floe_dataset_recipe *ret_recipe, floe_error *err);

/* One cell that is not what the rule gives. */
typedef struct floe_audit_finding {
    int64_t row; /* 0-based */
    floe_str column;
    floe_str found, expected; /* as text; "null" for null */
} floe_audit_finding;

/* What the rows of a view were made from, over all rows of the dataset. */
typedef struct floe_audit_view {
    floe_str view;
    int64_t rows_seen;        /* dataset rows that see at least one source row */
    int64_t pairs;            /* (dataset row, source row) pairs that may be used */
    int64_t closest_us;       /* between the youngest event that may be used and its row's time; -1: nothing is seen */
    int64_t closest_known_us; /* the same of created times; -1: not asked for, or nothing */
} floe_audit_view;

typedef struct floe_dataset_audit {
    int64_t row_count;
    int64_t audited_rows; /* all of them, or the sample */
    int64_t cell_count;   /* feature cells compared */
    int64_t wrong_cells;  /* of them, and of the spine's */
    bool content_differs; /* the file's content hash is not the manifest's */
    const floe_audit_view *views;
    size_t view_count;
    const floe_audit_finding *findings; /* the first ones: of each batch of rows by column, then row */
    size_t finding_count;
} floe_dataset_audit;

/* Holds a built file against the rule, by a way of its own: generated SQL over the pinned snapshots that joins each row only
 * with what its view may use at its time, on the engine, without the kernel. Every cell of the file must be what comes out: a
 * value that used anything younger (or, as known, anything not known yet) would be another. The request is that of a
 * rebuild, its `spine` the kept one. `sample` > 0: that many rows, always the same ones; the content hash is that of
 * the whole file. As many rows at a time as the request's memory holds answers of. Cost: n log n in audited rows and rows of the sources; for aggregates over all time the pairs. Errors: INVALID (the file's columns or number of rows), UNSUPPORTED (a CSV or JSON file with lists), NOT_FOUND. */
floe_status floe_dataset_audit_file(floe_lake *lake, const floe_dataset_request *request, const char *file,
                                    int64_t sample, floe_arena *arena, floe_dataset_audit *ret_audit, floe_error *err);

/* How two files, or tables (NAME[@SNAPSHOT]), of equal spines differ, column by column of those both have: how many rows, and the first of them. */
typedef struct floe_dataset_change {
    floe_str column;
    int64_t rows;
    int64_t first_row;
    floe_str before, after; /* there, as text */
} floe_dataset_change;
/* Columns that do not differ are left out. Errors: INVALID when the numbers of rows differ. */
floe_status floe_dataset_compare(floe_lake *lake, const char *before, const char *after, floe_arena *arena,
                                 const floe_dataset_change **ret_changes, size_t *ret_count, floe_error *err);

/* ---- the newest rows per key, for sync and check ---- */

typedef struct floe_newest_request {
    const floe_view *view;
    int64_t as_of_us;          /* rows dated after it are left out (or at it: view.at_before); windows end here */
    int64_t snapshot_id;       /* -1: current */
    int64_t since_snapshot_id; /* -1: everything; else as-of rows only of files appended after it */
    int64_t since_us;          /* with since_snapshot_id: files that may hold rows dated after this are read too */
    bool want_as_of, want_aggregates;
} floe_newest_request;

typedef struct floe_newest_result {
    int64_t snapshot_id; /* pinned */
    bool rewritten;      /* since_snapshot_id is no ancestor, or rows were deleted or rewritten after it: only a full
                            request (since -1) is right, and no stream was made */
    bool unchanged;      /* nothing was appended since */
} floe_newest_result;

/* One row per key: the entity's keys (entity key names), __event_ts, __created_ts, __end_ts (timestamps, null where the
 * source has none), then the as-of outputs asked for, then the aggregates as of as_of_us. Keys without any visible row
 * do not appear. With aggregates every key with a visible row appears. */
floe_status floe_newest_rows(floe_lake *lake, const floe_newest_request *request, const floe_run *run,
                             struct ArrowArrayStream *ret_stream, floe_newest_result *ret_result, floe_error *err);

/* SQL of a dataset build for people to read and for benchmarks: what runs on DuckDB, in `out`. */
floe_status floe_dataset_sql(floe_lake *lake, const floe_dataset_request *request, floe_buf *out, floe_error *err);

#endif
