/*
 * What the engine's reader makes of a text file, looked at before it is believed. The reader guesses: lines at the beginning
 * that are not like the rest are left out, and where lines have different numbers of fields a whole line may become one column.
 */
#include "offline/input.h"

#include "core/limits.h"

#include <string.h>

static floe_str unless_empty(floe_str text) {
    return floe_str_is(text, "(empty)") ? (floe_str){0} : text;
}

floe_status floe_csv_sniff(floe_session *session, const char *path, bool has_header, floe_arena *arena,
                           floe_csv_dialect *ret_dialect, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT Delimiter, Quote, \"Escape\", CAST(SkipRows AS BIGINT), HasHeader, "
                        "CAST(len(Columns) AS BIGINT) FROM sniff_csv(");
    floe_sql_quote_text(&sql, floe_str_of(path));
    floe_buf_text(&sql, has_header ? ", comment = '', header = true)" : ", comment = '')");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    FLOE_ENSURE(rows.row_count == 1, err, FLOE_INTERNAL, "%s: the engine says nothing about it", path);
    *ret_dialect = (floe_csv_dialect){.delimiter = unless_empty(rows.values[0].as.bytes),
                                      .quote = unless_empty(rows.values[1].as.bytes),
                                      .escape = unless_empty(rows.values[2].as.bytes),
                                      .skipped = rows.values[3].as.integer,
                                      .has_header = rows.values[4].as.boolean,
                                      .column_count = (size_t)rows.values[5].as.integer};
    return FLOE_OK;
}

/* The first line that is not blank, from the given one on; "" when there is none. */
static floe_status first_line(floe_session *session, const char *path, int64_t skip, floe_arena *arena,
                              floe_str *ret_line, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT line FROM read_csv(");
    floe_sql_quote_text(&sql, floe_str_of(path));
    floe_buf_printf(&sql,
                    ", auto_detect = false, header = false, delim = E'\\x01', quote = '', escape = '', comment = '', "
                    "skip = %lld, columns = {'line': 'VARCHAR'}) WHERE trim(line) <> '' LIMIT 1",
                    (long long)skip);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    *ret_line = rows.row_count > 0 ? rows.values[0].as.bytes : (floe_str){0};
    return FLOE_OK;
}

/* The delimiter that an unquoted header would have been cut at, or 0. */
static char delimiter_in(floe_str line) {
    for (size_t i = 0; i < line.len && line.ptr[0] != '"' && line.ptr[0] != '\''; i++) {
        if (memchr(",;\t|", line.ptr[i], 4)) {
            return line.ptr[i];
        }
    }
    return 0;
}

floe_status floe_csv_check(floe_session *session, const char *path, bool has_header, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    floe_csv_dialect dialect;
    floe_str first, taken;
    FLOE_TRY(floe_csv_sniff(session, path, has_header, &arena, &dialect, err));
    FLOE_TRY(first_line(session, path, 0, &arena, &first, err));
    FLOE_ENSURE(first.len > 0, err, FLOE_INVALID,
                "%s: the file has only blank lines: not even a header says what its columns are", path);
    FLOE_TRY(first_line(session, path, dialect.skipped, &arena, &taken, err));
    FLOE_ENSURE(
        floe_str_equal(first, taken), err, FLOE_INVALID,
        "%s: the first %lld lines have not as many fields as those after them, beginning with \"%.*s\"; give every "
        "line the same number",
        path, (long long)dialect.skipped, FLOE_STR_BRIEF(taken));
    char cut = dialect.column_count == 1 ? delimiter_in(first) : 0;
    FLOE_ENSURE(
        cut == 0, err, FLOE_INVALID,
        "%s: the lines have not as many fields as the first, \"%.*s\", cut at every %s; give every line the same "
        "number, or quote the fields",
        path, FLOE_STR_BRIEF(first), cut == '\t' ? "tab" : (char[]){'"', cut, '"', 0});
    return FLOE_OK;
}
