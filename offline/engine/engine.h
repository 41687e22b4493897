/*
 * The engine seam: one embedded SQL engine that scans Parquet and writes it. DuckDB stands behind it (engine/duckdb*.c,
 * the only files that include duckdb.h).
 * Thread: an engine may be shared; each call that runs a query uses a connection of its own.
 */
#ifndef FLOE_OFFLINE_ENGINE_ENGINE_H
#define FLOE_OFFLINE_ENGINE_ENGINE_H

#include "core/arrow.h"
#include "offline/offline.h"

typedef struct floe_engine floe_engine;

/* threads 0: all cores; memory_bytes 0: the engine's default; spill_folder NULL: the system's temporary folder. */
floe_status floe_engine_open(int threads, uint64_t memory_bytes, const char *spill_folder, floe_engine **ret_engine,
                             floe_error *err);
void floe_engine_close(floe_engine **engine);

/* One session: a connection with its own temporary views and tables. Queries of a session run one after the other; a
 * stream must be released before the session runs the next query. */
typedef struct floe_session floe_session;
floe_status floe_session_open(floe_engine *engine, const floe_run *run, floe_session **ret_session, floe_error *err);
void floe_session_close(floe_session **session);

/* Runs SQL (several statements allowed) that returns nothing; parameters ($1 …) only with one statement: texts, and at
 * most one list of texts as $n given by `list`. Cancellation: run->cancelled is polled while it runs. Errors: INVALID
 * with the engine's message (first line), IO (disk full named), LIMIT (memory), CANCELLED, INTERNAL. */
typedef struct floe_sql_params {
    const floe_value *values; /* $1 … $value_count; lists of strings allowed */
    size_t value_count;
} floe_sql_params;
floe_status floe_session_run(floe_session *session, const char *sql, const floe_sql_params *params, int64_t *ret_changed,
                             floe_error *err);

/* Runs one query and streams its rows; never the whole result in memory. Column types as DuckDB's Arrow mapping: every
 * floe type, and others (uuid, time, struct, map …) that only writers and printers see. */
floe_status floe_session_stream(floe_session *session, const char *sql, const floe_sql_params *params,
                                struct ArrowArrayStream *ret_stream, floe_error *err);

/* Makes the rows of a stream a temporary table `name` of the session. */
floe_status floe_session_load(floe_session *session, const char *name, struct ArrowArrayStream *stream,
                              floe_error *err);

/* Quoting for generated SQL: "identifier" with quotes doubled, 'text' likewise. */
void floe_sql_quote_name(floe_buf *out, floe_str name);
void floe_sql_quote_text(floe_buf *out, floe_str text);
/* The DuckDB name of a floe type ("TIMESTAMPTZ" never: timestamps are TIMESTAMP in UTC). */
void floe_sql_type_name(floe_buf *out, floe_type type);
/* A bound floe expression as DuckDB SQL that gives floe's values (DuckDB's own where they agree). Columns are quoted
 * names, with `prefix` ("s." or "") before each. */
floe_status floe_sql_from_expr(const floe_expr *expr, const char *prefix, floe_buf *out, floe_error *err);

#endif
