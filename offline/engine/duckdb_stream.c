/*
 * Query results as an Arrow stream: chunk by chunk, each converted when it is asked for.
 *
 * DuckDB offers streaming only through calls it marks as deprecated while it has no successor for them. A chunk that is
 * NULL means the end or a failure; only the result's error tells which, so it is asked every time.
 */
#include "offline/engine/duckdb_int.h"

#include "core/limits.h"
#include "core/mem.h"

typedef struct result_stream {
    floe_session *session;
    duckdb_prepared_statement statement;
    duckdb_result result;
    duckdb_arrow_options options;
    floe_buf sql;   /* to be run again with; empty: never */
    unsigned tries; /* that failed */
    bool begun;     /* rows are out, or there are none */
    bool done;
} result_stream;

static void close_stream(void *context) {
    result_stream *stream = context;
    duckdb_destroy_result(&stream->result);
    duckdb_destroy_prepare(&stream->statement);
    if (stream->options) {
        duckdb_destroy_arrow_options(&stream->options);
    }
    floe_buf_close(&stream->sql);
    stream->session->streaming = false;
    floe_free(stream);
}

static void close_stream_indirect(result_stream **stream) {
    if (*stream) {
        close_stream(*stream);
    }
}

static floe_status fill_schema(result_stream *stream, duckdb_logical_type *types, const char **names, idx_t count,
                               struct ArrowSchema *ret_schema, floe_error *err) {
    for (idx_t i = 0; i < count; i++) {
        types[i] = duckdb_column_logical_type(&stream->result, i);
        names[i] = duckdb_column_name(&stream->result, i);
    }
    floe_status status =
        floe_duckdb_take(duckdb_to_arrow_schema(stream->options, types, names, count, ret_schema), err);
    for (idx_t i = 0; i < count; i++) {
        duckdb_destroy_logical_type(&types[i]);
    }
    return status;
}

static floe_status stream_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    result_stream *stream = context;
    idx_t count = duckdb_column_count(&stream->result);
    FLOE_AUTO_FREE duckdb_logical_type *types = NULL;
    FLOE_AUTO_FREE const char **names = NULL;
    FLOE_TRY(floe_alloc(count, sizeof *types, &types, err));
    FLOE_TRY(floe_alloc(count, sizeof *names, &names, err));
    return fill_schema(stream, types, names, count, ret_schema, err);
}

static floe_status convert_chunk(result_stream *stream, duckdb_data_chunk chunk, struct ArrowArray *ret_batch,
                                 floe_error *err) {
    if (duckdb_data_chunk_get_size(chunk) == 0) {
        stream->done = true;
        return FLOE_OK;
    }
    return floe_duckdb_take(duckdb_data_chunk_to_arrow(stream->options, chunk, ret_batch), err);
}

/* One more chunk; NULL at the end. */
static floe_status fetch_chunk(result_stream *stream, duckdb_data_chunk *ret_chunk, floe_error *err) {
    *ret_chunk = duckdb_stream_fetch_chunk(stream->result);
    const char *message = *ret_chunk ? NULL : duckdb_result_error(&stream->result);
    return message && message[0] ? floe_duckdb_fail(message, err) : FLOE_OK;
}

/* ---- running ---- */

static void close_result(result_stream *stream) {
    duckdb_destroy_result(&stream->result);
    duckdb_destroy_prepare(&stream->statement);
}

static floe_status open_once(result_stream *stream, const char *sql, const floe_sql_params *params, floe_error *err) {
    FLOE_TRY(floe_duckdb_prepare(stream->session, sql, params, &stream->statement, err));
    return floe_duckdb_execute(stream->session, stream->statement, true, &stream->result, err);
}

/* Prepares and runs the query, again with other keys where a store refuses those that were. Invariant: no row of it is out. */
static floe_status open_result(result_stream *stream, const char *sql, const floe_sql_params *params, floe_error *err) {
    for (;;) {
        floe_error why = {0};
        bool again = false;
        floe_status status = open_once(stream, sql, params, &why);
        if (!floe_failed(status)) {
            return FLOE_OK;
        }
        close_result(stream);
        if (++stream->tries < FLOE_DUCKDB_TRIES) {
            FLOE_TRY(floe_duckdb_renew(stream->session, &why, &again, err));
        }
        if (!again) {
            return floe_duckdb_pass(&why, err);
        }
    }
}

/* The first chunk: a query that fails before it may be run again. The statement is prepared anew, since it keeps what it read of files
 * with the keys that it read that with. */
static floe_status first_chunk(result_stream *stream, duckdb_data_chunk *ret_chunk, floe_error *err) {
    for (;;) {
        floe_error why = {0};
        bool again = false;
        floe_status status = fetch_chunk(stream, ret_chunk, &why);
        if (!floe_failed(status)) {
            return FLOE_OK;
        }
        if (stream->sql.len > 0 && ++stream->tries < FLOE_DUCKDB_TRIES) {
            FLOE_TRY(floe_duckdb_renew(stream->session, &why, &again, err));
        }
        if (!again) {
            return floe_duckdb_pass(&why, err);
        }
        close_result(stream);
        FLOE_TRY(open_result(stream, stream->sql.ptr, NULL, err));
    }
}

static floe_status next_chunk(result_stream *stream, duckdb_data_chunk *ret_chunk, floe_error *err) {
    floe_error why = {0};
    if (!stream->begun) {
        FLOE_TRY(first_chunk(stream, ret_chunk, err));
        stream->begun = true;
        return FLOE_OK;
    }
    return floe_failed(fetch_chunk(stream, ret_chunk, &why)) ? floe_duckdb_too_late(stream->session, &why, err)
                                                             : FLOE_OK;
}

static floe_status stream_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    result_stream *stream = context;
    duckdb_data_chunk chunk = NULL;
    *ret_batch = (struct ArrowArray){0};
    if (stream->done) {
        return FLOE_OK;
    }
    if (floe_failed(floe_duckdb_check_cancelled(stream->session, err))) {
        duckdb_interrupt(stream->session->connection);
        return FLOE_FAIL(err, FLOE_CANCELLED, "cancelled");
    }
    stream->session->streaming = false; /* the keys of a place are given by the same session */
    floe_status status = next_chunk(stream, &chunk, err);
    stream->session->streaming = true;
    if (floe_failed(status) || !chunk) {
        stream->done = true;
        return status;
    }
    status = convert_chunk(stream, chunk, ret_batch, err);
    duckdb_destroy_data_chunk(&chunk);
    return status;
}

floe_status floe_session_stream(floe_session *session, const char *sql, const floe_sql_params *params,
                                struct ArrowArrayStream *ret_stream, floe_error *err) {
    static const floe_stream_source SOURCE = {stream_schema, stream_next, close_stream};
    FLOE_TRY(floe_duckdb_check_idle(session, err));
    FLOE_CLEANUP(close_stream_indirect) result_stream *stream = NULL;
    FLOE_TRY(floe_alloc(1, sizeof *stream, &stream, err));
    stream->session = session;
    floe_buf_init(&stream->sql, FLOE_GIB(1));
    duckdb_connection_get_arrow_options(session->connection, &stream->options);
    if ((params == NULL || params->value_count == 0) && session->engine->reached.count > 0) {
        floe_buf_text(&stream->sql, sql);
        FLOE_TRY(floe_buf_check(&stream->sql, err));
    }
    FLOE_TRY(open_result(stream, sql, params, err));
    FLOE_TRY(floe_arrow_stream_make(&SOURCE, stream, ret_stream, err));
    session->streaming = true;
    stream = NULL;
    return FLOE_OK;
}
