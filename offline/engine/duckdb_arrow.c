/*
 * A foreign Arrow stream as a table, with the engine's own types for its columns: what floe has no type for (UUIDs, times of
 * day, structs, maps) comes through too. The engine believes what arrays say of themselves, so the stream must be one that was
 * looked through (offline/ipc), not a file's bytes as they are.
 *
 * The call is marked as deprecated; there is no other that makes a table of nested columns. It makes a view, whose name all
 * sessions share, so each gets one of its own and it goes at once.
 */
#include "offline/engine/duckdb_int.h"

#include "core/limits.h"

#include <stdatomic.h>
#include <stdio.h>

static floe_status drop_view(floe_session *session, const char *view, floe_error *err) {
    char sql[96];
    snprintf(sql, sizeof sql, "DROP VIEW IF EXISTS %s", view);
    const atomic_bool *cancelled = session->cancelled;
    session->cancelled = NULL;
    floe_status status = floe_session_run(session, sql, NULL, NULL, err);
    session->cancelled = cancelled;
    return status;
}

/* The stream's own failure, in the place of what the engine makes of it. */
static floe_status own_failure(struct ArrowArrayStream *stream, floe_status status, floe_error *err) {
    FLOE_AUTO_ARRAY batch = {0};
    floe_error own = {0};
    floe_status again = floe_arrow_stream_next(stream, "rows", &batch, &own);
    if (!floe_failed(again) || status.code == FLOE_CANCELLED) {
        return status;
    }
    floe_error_clear(err);
    return floe_error_set(err, own.code, own.sys_errno, own.file, own.line, "%s", own.message);
}

floe_status floe_session_adopt(floe_session *session, const char *name, struct ArrowArrayStream *stream,
                               floe_error *err) {
    static atomic_uint next;
    char view[48];
    FLOE_TRY(floe_duckdb_check_idle(session, err));
    snprintf(view, sizeof view, "__floe_arrow_%u", atomic_fetch_add(&next, 1));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(64));
    floe_buf_text(&sql, "CREATE OR REPLACE TEMP TABLE ");
    floe_sql_quote_name(&sql, floe_str_of(name));
    floe_buf_printf(&sql, " AS SELECT * FROM %s", view);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_ENSURE(duckdb_arrow_scan(session->connection, view, (duckdb_arrow_stream)stream) == DuckDBSuccess, err,
                FLOE_UNSUPPORTED, "the engine does not read these Arrow columns");
    floe_status status = floe_session_run(session, sql.ptr, NULL, NULL, err);
    if (floe_failed(status)) {
        status = own_failure(stream, status, err);
        FLOE_IGNORE(drop_view(session, view, NULL));
        return status;
    }
    return drop_view(session, view, err);
}
