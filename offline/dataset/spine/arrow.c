/*
 * Arrow files as spines. The engine has no reader of its own for them, so there is no FROM item but the session's table.
 *
 * The spine is kept as Parquet, and must come back as it was: times in seconds and milliseconds, which Parquet would give back
 * in microseconds, become those at once, and lists of a fixed length become lists; intervals, which it would cut to
 * milliseconds, are refused.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/spine/spine.h"
#include "offline/ipc/ipc.h"

#include <string.h>

/* The type that Parquet gives back. Names in it are quoted where they hold more than letters. */
static void append_kept_type(floe_str type, floe_buf *out) {
    if (floe_str_is(type, "TIMESTAMP_S") || floe_str_is(type, "TIMESTAMP_MS")) {
        floe_buf_text(out, "TIMESTAMP");
        return;
    }
    bool quoted = false, counting = false;
    for (size_t i = 0; i < type.len; i++) {
        char c = type.ptr[i];
        quoted = c == '"' ? !quoted : quoted;
        counting = counting && c != ']';
        if (!counting) {
            floe_buf_byte(out, (uint8_t)c);
        }
        counting = counting || (c == '[' && !quoted);
    }
}

static floe_status keepable(floe_session *session, const floe_dataset_request *request, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF sql, kept;
    const floe_query_column *columns;
    size_t count;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_init(&kept, FLOE_MIB(1));
    FLOE_TRY(floe_session_describe(session, "spine", &arena, &columns, &count, err));
    for (size_t i = 0; i < count; i++) {
        floe_str type = columns[i].type;
        FLOE_ENSURE(memmem(type.ptr, type.len, "INTERVAL", 8) == NULL, err, FLOE_UNSUPPORTED,
                    "the spine %s: the column \"%.*s\" is of intervals or durations, of which the kept copy would lose "
                    "the microseconds; write it as a number",
                    request->spine, FLOE_STR_BRIEF(columns[i].name));
        FLOE_ENSURE(
            memmem(type.ptr, type.len, "TIME_NS", 7) == NULL, err, FLOE_UNSUPPORTED,
            "the spine %s: the column \"%.*s\" is of times of day in nanoseconds, which the kept copy could not "
            "hold; write it in microseconds, or as text",
            request->spine, FLOE_STR_BRIEF(columns[i].name));
        floe_buf_clear(&kept);
        append_kept_type(type, &kept);
        if (!floe_str_equal(floe_buf_view(&kept), type)) {
            floe_buf_text(&sql, "ALTER TABLE spine ALTER COLUMN ");
            floe_sql_quote_name(&sql, columns[i].name);
            floe_buf_printf(&sql, " TYPE %s; ", floe_buf_view(&kept).ptr);
        }
    }
    FLOE_TRY(floe_buf_check(&kept, err));
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_status status = sql.len > 0 ? floe_session_run(session, sql.ptr, NULL, NULL, err) : FLOE_OK;
    return floe_failed(status) ? floe_error_prefix(err, status, "the spine %s", request->spine) : FLOE_OK;
}

floe_status floe_spine_load_arrow(floe_session *session, const floe_dataset_request *request, spine_table *ret_spine,
                                  floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_ENSURE(floe_file_exists(request->spine), err, FLOE_NOT_FOUND, "the spine %s does not exist", request->spine);
    floe_status status = floe_ipc_open(request->spine, &stream, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the spine");
    }
    status = floe_session_adopt(session, "spine", &stream, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the spine %s", request->spine);
    }
    ret_spine->from = FLOE_STR("spine");
    return keepable(session, request, err);
}
