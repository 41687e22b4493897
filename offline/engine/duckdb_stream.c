/*
 * Query results as an Arrow stream: chunk by chunk, each converted when it is asked for.
 *
 * DuckDB offers streaming only through calls it marks as deprecated while it has no successor for them. A chunk that is
 * NULL means the end or a failure; only the result's error tells which, so it is asked every time.
 */
#include "offline/engine/duckdb_int.h"

#include "core/mem.h"

typedef struct result_stream {
    floe_session *session;
    duckdb_prepared_statement statement;
    duckdb_result result;
    duckdb_arrow_options options;
    bool done;
} result_stream;

static void close_stream(void *context) {
    result_stream *stream = context;
    duckdb_destroy_result(&stream->result);
    duckdb_destroy_prepare(&stream->statement);
    if (stream->options) {
        duckdb_destroy_arrow_options(&stream->options);
    }
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

static floe_status stream_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    result_stream *stream = context;
    *ret_batch = (struct ArrowArray){0};
    if (stream->done) {
        return FLOE_OK;
    }
    if (floe_failed(floe_duckdb_check_cancelled(stream->session, err))) {
        duckdb_interrupt(stream->session->connection);
        return FLOE_FAIL(err, FLOE_CANCELLED, "cancelled");
    }
    duckdb_data_chunk chunk = duckdb_stream_fetch_chunk(stream->result);
    if (!chunk) {
        stream->done = true;
        const char *message = duckdb_result_error(&stream->result);
        return message && message[0] ? floe_duckdb_fail(message, err) : FLOE_OK;
    }
    floe_status status = convert_chunk(stream, chunk, ret_batch, err);
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
    duckdb_connection_get_arrow_options(session->connection, &stream->options);
    FLOE_TRY(floe_duckdb_prepare(session, sql, params, &stream->statement, err));
    FLOE_TRY(floe_duckdb_execute(session, stream->statement, true, &stream->result, err));
    FLOE_TRY(floe_arrow_stream_make(&SOURCE, stream, ret_stream, err));
    session->streaming = true;
    stream = NULL;
    return FLOE_OK;
}
