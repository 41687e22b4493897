/*
 * JSON Lines that the engine's reader refuses, or does not take for objects. It counts lines in ways of its own (one too far, blank ones
 * not at all), so the line to blame is looked for here, by the engine's own idea of JSON.
 */
#include "offline/input.h"

#include "core/limits.h"
#include "core/mem.h"

#include <string.h>

/* The first line that is not blank and no object, or that has a name twice. */
static void write_question(const char *path, floe_buf *sql) {
    floe_buf_text(sql,
                  "SELECT n, why, line FROM (SELECT n, line, CASE WHEN NOT json_valid(line) THEN 'is no JSON' WHEN "
                  "json_type(line) <> 'OBJECT' THEN 'is no JSON object' WHEN len(json_keys(line)) > "
                  "len(list_distinct(json_keys(line))) THEN 'has one name twice' END AS why FROM (SELECT "
                  "row_number() OVER () AS n, line FROM read_csv(");
    floe_sql_quote_path(sql, floe_str_of(path));
    floe_buf_text(sql, FLOE_READ_OPTIONS FLOE_CSV_BUFFER
                  ", auto_detect = false, header = false, delim = E'\\x01', quote = '', escape = '', comment = '', "
                  "strict_mode = false, columns = {'line': 'VARCHAR'})) WHERE trim(line) <> '') WHERE why IS NOT NULL "
                  "ORDER BY n LIMIT 1");
}

floe_status floe_json_lines_check(floe_session *session, const char *path, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&sql, FLOE_MIB(1));
    write_question(path, &sql);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, &arena, &rows, err));
    FLOE_ENSURE(rows.row_count == 0, err, FLOE_INVALID, "%s, line %lld, %.*s: \"%.*s\"; write one object a line", path,
                (long long)rows.values[0].as.integer, FLOE_STR_ARG(rows.values[1].as.bytes),
                FLOE_STR_BRIEF(rows.values[2].as.bytes));
    return FLOE_OK;
}

floe_status floe_json_lines_blame(floe_session *session, const char *path, floe_status status, floe_error *err) {
    bool counted = err && (strstr(err->message, "Malformed JSON") || strstr(err->message, "JSON transform error"));
    floe_error found = {0};
    if (!floe_failed(status) || !counted || !floe_failed(floe_json_lines_check(session, path, &found)) ||
        found.code != FLOE_INVALID) {
        return status;
    }
    floe_error_clear(err);
    return FLOE_FAIL(err, FLOE_INVALID, "%s", found.message);
}
