/*
 * The engine seam: one embedded SQL engine that scans Parquet and writes it. DuckDB stands behind it (engine/duckdb*.c,
 * the only files that include duckdb.h).
 *
 * Rules of every session: the time zone is UTC, rows keep their input order where SQL gives none, no extension is
 * fetched, and none is loaded but httpfs, from this machine, once a store of objects is to be reached; nothing else is read
 * from the network.
 * Thread: an engine may be shared by threads; a session belongs to one thread at a time.
 */
#ifndef FLOE_OFFLINE_ENGINE_ENGINE_H
#define FLOE_OFFLINE_ENGINE_ENGINE_H

#include "core/arrow.h"
#include "offline/iceberg/positions.h"
#include "offline/offline.h"
#include "registry/registry.h"

typedef struct floe_engine floe_engine;

/* Opens an engine of its own memory and threads. threads 0: all cores; memory_bytes 0: the engine's default (80 % of
 * the machine's); spill_folder NULL: a folder of its own under the system's temporary folder, made when first needed and
 * removed at the end. Errors: INVALID, NOMEM, INTERNAL. */
floe_status floe_engine_open(int threads, uint64_t memory_bytes, const char *spill_folder, floe_engine **ret_engine,
                             floe_error *err);
/* NULL-safe; every session must be closed before. */
void floe_engine_close(floe_engine **engine);

/* One session: a connection with its own temporary views and tables. Queries of a session run one after the other; a
 * stream must be released before the session runs the next query (INVALID otherwise). `run` may be NULL. */
typedef struct floe_session floe_session;
floe_status floe_session_open(floe_engine *engine, const floe_run *run, floe_session **ret_session, floe_error *err);
void floe_session_close(floe_session **session);
/* What the engine was given to live within; 0: nobody said. */
uint64_t floe_session_memory_bytes(const floe_session *session);
/* What the engine is to live within from now on. It is the setting of the whole engine, and stays. What sets of deletes take that
 * lie outside of the engine is taken off. Errors: LIMIT (the engine holds more), those of floe_session_run. */
floe_status floe_session_limit_memory(floe_session *session, uint64_t bytes, floe_error *err);

/* Values for $1 … $value_count, of any floe type: lists of texts too, which is how file lists travel. */
typedef struct floe_sql_params {
    const floe_value *values;
    size_t value_count;
} floe_sql_params;

/* Runs SQL whose rows nobody reads. Several statements are allowed when there are no parameters; they run in order and
 * stop at the first that fails. *ret_changed (may be NULL): rows that the last statement wrote (INSERT, COPY).
 * Rule: a statement that a store refuses for keys that have run out is run again with others (floe_engine_store.renew) when the
 * text holds no other: what it leaves behind is then the same as if it had been run once.
 * Errors: INVALID with the engine's message (first line), NOT_FOUND (a file), CORRUPT (a file that is not what its name
 * says), IO (a full disk is named), LIMIT (memory), UNSUPPORTED, CANCELLED (run->cancelled is polled while it runs; the
 * engine has stopped writing when the call returns), INTERNAL. */
floe_status floe_session_run(floe_session *session, const char *sql, const floe_sql_params *params,
                             int64_t *ret_changed, floe_error *err);

/* The same of what would leave something behind twice: files in a folder, rows that are taken as they come. */
floe_status floe_session_run_once(floe_session *session, const char *sql, int64_t *ret_changed, floe_error *err);

/* Runs one query and streams its rows; never the whole result in memory. Column types as DuckDB's Arrow mapping: every
 * floe type (TIMESTAMP is "tsu:", TIMESTAMP WITH TIME ZONE "tsu:UTC"), and others (uuid, time, struct, map …) that only
 * writers and printers see. sum(BIGINT) is a HUGEINT, which arrives as d:38,0: cast in SQL. Rule: until its first rows are out,
 * a query that a store refuses for its keys is run again with others, one with parameters only before the stream is made.
 * Errors as floe_session_run, also in the stream. */
floe_status floe_session_stream(floe_session *session, const char *sql, const floe_sql_params *params,
                                struct ArrowArrayStream *ret_stream, floe_error *err);

/* Who takes rows in, from any thread. */
typedef struct floe_row_taker {
    void *context;
    /* Once, before any row. */
    floe_status (*begin)(void *context, struct ArrowSchema *schema, floe_error *err);
    /* Thread: several at a time. Owns: the batch is borrowed for the call. */
    floe_status (*take)(void *context, const struct ArrowArray *batch, floe_error *err);
} floe_row_taker;
/* Runs one query and hands its rows, in no order, to `taker` on the threads that make them: faster than a stream, whose rows
 * all pass through one. Returns when no call is under way. Shape: batches of at most 2048 rows; types as those of
 * floe_session_stream. Rule: as floe_session_stream for keys that have run out. Errors: the taker's first, which ends the query;
 * else as floe_session_run. */
floe_status floe_session_visit(floe_session *session, const char *sql, const floe_row_taker *taker, floe_error *err);

/* Some columns of some rows. */
typedef struct floe_row_piece {
    size_t first_column, column_count;
    int64_t first_row, row_count;
} floe_row_piece;
/* Who has rows by number and gives them piece by piece, to any thread. */
typedef struct floe_row_giver {
    void *context;
    const floe_column *columns; /* of any type but lists of lists */
    size_t column_count;
    int64_t row_count;
    /* Thread: several at a time. Owns: the caller releases the batch. */
    floe_status (*give)(void *context, const floe_row_piece *piece, struct ArrowArray *ret_batch, floe_error *err);
    bool costly; /* memory is little: whoever reads all of it had better read all columns of a row at once, and once */
} floe_row_giver;
typedef struct floe_given floe_given;
/* Appends a SELECT of the columns of a temporary table and beside them, by the number of the row, those of `giver`. It keeps the
 * order of the rows and is run by all threads, each of which asks for the pieces that it comes to; a positional join of two
 * tables is run by one. The table has as many rows as the giver, none was ever deleted, and no column is called rowid or
 * begins with __floe. Owns: the giver outlives *ret_given, which ends before the session. Errors: UNSUPPORTED for such a
 * column; those of floe_session_run. The giver's own failures end the query as INVALID. */
floe_status floe_session_give(floe_session *session, const char *table, const floe_row_giver *giver,
                              floe_buf *ret_select, floe_given **ret_given, floe_error *err);
/* The SELECT finds nothing any more. NULL-safe. */
void floe_given_end(floe_given **given);

/* Whether one statement is a SELECT that binds to what the session holds; it is not run. Errors: as floe_session_run; DENIED
 * for another statement. */
floe_status floe_session_prepare(floe_session *session, const char *sql, floe_error *err);
/* A bucket of an object store, or a part of one, for the engine to read from by itself, by ranges. */
typedef struct floe_engine_store {
    floe_str bucket;
    floe_str prefix;   /* what the keys are for: "table/", or empty for all of the bucket */
    floe_str endpoint; /* "https://host:port"; empty: Amazon's of the region */
    floe_str region;   /* empty: us-east-1 */
    bool path_style;
    floe_str access_key, secret_key, session_token; /* no access key: requests are not signed */
    bool own_ca;
    uint64_t key_number; /* other keys have another */
    /* Puts the keys that came after those of key_number, which the store refused, and their number into *store, in the arena; NULL:
     * there are none. Outlives the engine's sessions. Thread: any, one at a time. */
    floe_status (*renew)(const void *context, floe_arena *arena, struct floe_engine_store *store, floe_error *err);
    const void *context;
} floe_engine_store;
/* Lets SQL of all sessions read "s3://bucket/…". *ret_able: whether it can; not where this machine lacks DuckDB's httpfs of the
 * linked version (the file that FLOE_HTTPFS names, none where that is empty; else where DuckDB keeps its extensions; else
 * beside its library), nor for a place whose name another endpoint has taken, nor where certificates of its own are to be trusted. Of
 * several places that hold an object the keys of the narrowest count. Errors: those of floe_session_run. */
floe_status floe_session_reach(floe_session *session, const floe_engine_store *store, bool *ret_able, floe_error *err);
/* A Parquet file without rows, which may stand at the end of a list of one file for read_parquet(schema = …): it is then read by
 * several threads. NULL where the system has none. Owns: the engine. */
const char *floe_session_no_rows_path(const floe_session *session);
/* Stops what the session runs, if it runs anything. Thread: any. */
void floe_session_interrupt(floe_session *session);

/* ---- query.c: small results ---- */

/* All rows of a query as values, row by row. Owns: texts are copied into the arena. Errors: those of floe_session_stream. */
typedef struct floe_query_rows {
    floe_value *values;
    size_t row_count, column_count;
} floe_query_rows;
floe_status floe_session_query(floe_session *session, const char *sql, const floe_sql_params *params, floe_arena *arena,
                               floe_query_rows *ret_rows, floe_error *err);

/* The columns that a query would give, or a table has: names and the engine's names of their types, in the arena. */
typedef struct floe_query_column {
    floe_str name, type;
} floe_query_column;
floe_status floe_session_describe(floe_session *session, const char *query, floe_arena *arena,
                                  const floe_query_column **ret_columns, size_t *ret_count, floe_error *err);

/* Makes the rows of a stream a temporary table `name` of the session, in their order; columns keep their names and get
 * the type floe_sql_type_name gives. The stream is read to its end but not released. Errors: those of the stream,
 * UNSUPPORTED for a column that is no floe type, CORRUPT for text that is not UTF-8, and those of floe_session_run; on
 * failure there is no table. */
floe_status floe_session_load(floe_session *session, const char *name, struct ArrowArrayStream *stream,
                              floe_error *err);
/* The same behind the rows of a table that was loaded with the same columns. A failure drops the table. */
floe_status floe_session_load_more(floe_session *session, const char *name, struct ArrowArrayStream *stream,
                                   floe_error *err);

/* The same (replacing a table of that name) with the types that the engine itself has for the columns, nested ones and others that
 * floe has no name for too. The stream must be sound: what its arrays say is believed. Errors: those of the stream and of
 * floe_session_run; UNSUPPORTED. */
floe_status floe_session_adopt(floe_session *session, const char *name, struct ArrowArrayStream *stream,
                               floe_error *err);

/* Gives the session a set of position deletes. Its views get the numbers *ret_first_view and up, under which SQL of the
 * engine asks `floe_live(file_index + view * FLOE_FILES_OF_VIEW, file_row_number)`: whether the row is not deleted. Owns: takes *set over on
 * success and keeps it until the session closes. Errors: NOMEM. */
floe_status floe_session_register(floe_session *session, floe_live_set **set, int64_t *ret_first_view, floe_error *err);
/* A registered set of the session by its key, and the number of its first view; NULL: there is none. */
const floe_live_set *floe_session_find_live(const floe_session *session, const floe_live_key *key,
                                            int64_t *ret_first_view);
/* Bytes that further sets of deletes may take: of a quarter of what the engine was given, 512 MiB at most, what the sets of its
 * sessions leave. */
uint64_t floe_session_live_room(const floe_session *session);
/* Takes what the session's sets hold by now off the engine's memory, of which a quarter stays the engine's in any case. Errors: LIMIT:
 * the engine holds more than it would be left. */
floe_status floe_session_count_live(floe_session *session, floe_error *err);
/* Takes a registered set back before the session closes, and frees it. `floe_file_of(view, path)` asks a view's `find`. */
void floe_session_forget(floe_session *session, const floe_live_set *set);

/* Quoting for generated SQL: "identifier" with quotes doubled, 'text' likewise. Every byte of a text arrives, zero bytes
 * too; a name with a zero byte makes the buffer fail nowhere and the engine refuse. */
void floe_sql_quote_name(floe_buf *out, floe_str name);
void floe_sql_quote_text(floe_buf *out, floe_str text);
/* A path of a file to read. The engine takes one with any of *?[ for a pattern: in brackets each of them stands for itself. Of one with
 * a backslash as well it finds nothing. */
void floe_sql_path_pattern(floe_buf *out, floe_str path);
/* The same as a quoted text. */
void floe_sql_quote_path(floe_buf *out, floe_str path);
/* The DuckDB name of a floe type ("TIMESTAMPTZ" never: timestamps are TIMESTAMP in UTC). */
void floe_sql_type_name(floe_buf *out, floe_type type);
/* A value as a constant expression of exactly its type; an untyped null is NULL. */
void floe_sql_literal(floe_buf *out, const floe_value *value);
/* A bound floe expression as DuckDB SQL that gives floe's values. Columns are quoted names, with `prefix` ("s." or "")
 * before each. What DuckDB computes differently (arithmetic, CASE, functions, decimals that need more than 38 digits side by
 * side) goes through floe's own evaluator in the engine. Errors: LIMIT. */
floe_status floe_sql_from_expr(const floe_expr *expr, const char *prefix, floe_buf *out, floe_error *err);

#endif
