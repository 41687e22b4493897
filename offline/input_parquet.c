/*
 * Parquet columns that the engine's reader would change without a word: nanoseconds become microseconds, decimals of more than 38
 * digits doubles. The engine says which files may have some; their footers then say which columns these are.
 */
#include "offline/input.h"

#include "core/limits.h"
#include "core/map.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The files whose footers are to be looked at. */
static floe_status find_files(floe_session *session, const char *const *files, size_t file_count, floe_arena *arena,
                              floe_query_rows *ret_rows, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "SELECT DISTINCT file_name FROM parquet_schema([");
    for (size_t i = 0; i < file_count; i++) {
        floe_buf_text(&sql, i > 0 ? ", " : "");
        floe_sql_quote_path(&sql, floe_str_of(files[i]));
    }
    floe_buf_text(&sql, "]) WHERE logical_type LIKE '%NANOS=NanoSeconds%' OR logical_type LIKE 'DecimalType%' OR "
                        "converted_type = 'DECIMAL' OR type = 'INT96'");
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_query(session, sql.ptr, NULL, arena, ret_rows, err);
}

/* The columns with names of their own: those that were found borrow from the footer. */
static floe_status keep_columns(const floe_parquet_column *found, size_t count, floe_arena *arena,
                                floe_parquet_look *look, floe_error *err) {
    floe_parquet_column *columns = floe_arena_alloc(arena, count + 1, sizeof(*columns));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        columns[i] = found[i];
        columns[i].column = floe_arena_str(arena, found[i].column);
        columns[i].node = floe_arena_str(arena, found[i].node);
    }
    look->columns = columns;
    look->column_count = count;
    return floe_arena_check(arena, err);
}

static floe_status look_at(const char *path, floe_arena *arena, floe_parquet_look *look, floe_error *err) {
    FLOE_AUTO_BUF footer;
    const floe_parquet_column *found = NULL;
    size_t count = 0;
    floe_buf_init(&footer, FLOE_LIMIT_PARQUET_FOOTER_BYTES);
    FLOE_TRY(floe_parquet_footer_read(path, &footer, &look->footer_at, err));
    floe_status status = floe_parquet_footer_find(floe_buf_view(&footer), arena, &found, &count, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "%s", path);
    }
    return keep_columns(found, count, arena, look, err);
}

floe_status floe_parquet_look_at(floe_session *session, const char *const *files, size_t file_count, floe_arena *arena,
                                 const floe_parquet_look **ret_looks, floe_error *err) {
    floe_query_rows rows;
    floe_map names;
    bool any = false;
    FLOE_TRY(find_files(session, files, file_count, arena, &rows, err));
    floe_parquet_look *looks = floe_arena_alloc(arena, file_count + 1, sizeof(*looks));
    floe_map_init(&names, arena);
    for (size_t i = 0; i < rows.row_count; i++) {
        (void)floe_map_put(&names, rows.values[i].as.bytes, &rows);
    }
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < file_count && rows.row_count > 0; i++) {
        if (floe_map_get(&names, floe_str_of(files[i])) != NULL) {
            FLOE_TRY(look_at(files[i], arena, &looks[i], err));
            any = any || looks[i].column_count > 0;
        }
    }
    *ret_looks = any ? looks : NULL;
    return FLOE_OK;
}

floe_status floe_parquet_refuse(const char *path, const floe_parquet_column *column, floe_error *err) {
    if (column->kind == FLOE_PARQUET_WIDE_DECIMAL) {
        return FLOE_FAIL(err, FLOE_UNSUPPORTED,
                         "%s: the column \"%.*s\" has decimals of %" PRId64 " digits, and 38 are the most that are "
                         "supported; write it as text, or with fewer digits",
                         path, FLOE_STR_BRIEF(column->column), column->digits);
    }
    if (!column->nested) {
        return FLOE_FAIL(err, FLOE_UNSUPPORTED,
                         "%s: the column \"%.*s\" is of times in nanoseconds, of which the engine reads microseconds; "
                         "write it in microseconds, or as text",
                         path, FLOE_STR_BRIEF(column->column));
    }
    return FLOE_FAIL(
        err, FLOE_UNSUPPORTED,
        "%s: \"%.*s\" inside of the column \"%.*s\" has times in nanoseconds, which are supported in columns "
        "of their own; write them in microseconds",
        path, FLOE_STR_BRIEF(column->node), FLOE_STR_BRIEF(column->column));
}

void floe_parquet_name_original(floe_error *err, const char *copy, const char *path) {
    char text[FLOE_ERROR_MESSAGE_MAX];
    char *at = err ? strstr(err->message, copy) : NULL;
    while (at != NULL) {
        snprintf(text, sizeof(text), "%s", at + strlen(copy));
        *at = 0;
        size_t len = strlen(err->message);
        snprintf(at, sizeof(err->message) - len, "%s%s", path, text);
        len += strlen(path);
        at = len < sizeof(err->message) ? strstr(err->message + len, copy) : NULL;
    }
}
