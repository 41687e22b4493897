/*
 * Times of a spine that is text. CSV and JSON have no times, only text that the engine takes for times when all of it is written
 * alike: a column that --time names, or the only one of nothing but times, is read as what it says, RFC 3339, or without a zone in UTC. What is no time is told by its
 * row, counted from 1 without the header; what is null is none.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/spine/spine.h"

#include <inttypes.h>

static bool is_text_file(const floe_dataset_request *request) {
    floe_str path = floe_str_of(request->spine);
    return floe_str_ends_nocase(path, ".csv") || floe_str_ends_nocase(path, ".jsonl") ||
           floe_str_ends_nocase(path, ".ndjson");
}

/* JSON: of lines whose values are of several kinds. */
static bool is_text(const floe_query_column *column) {
    return floe_str_is(column->type, "VARCHAR") || floe_str_is(column->type, "JSON");
}

/* SQL of a column's text, in the arena. */
static const char *text_of(const floe_query_column *column, floe_arena *arena, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(64));
    bool json = floe_str_is(column->type, "JSON");
    floe_buf_text(&sql, json ? "json_extract_string(" : "");
    floe_sql_quote_name(&sql, column->name);
    floe_buf_text(&sql, json ? ", '$')" : "");
    if (floe_failed(floe_buf_check(&sql, err))) {
        return NULL;
    }
    return floe_arena_strndup(arena, sql.ptr, sql.len);
}

/* The first row whose text is as `condition` says of x; *ret_row 0: there is none. */
static floe_status find_row(floe_session *session, const char *text, const char *condition, floe_arena *arena,
                            int64_t *ret_row, floe_str *ret_text, floe_error *err) {
    const char *sql = floe_arena_printf(arena,
                                        "SELECT r, x FROM (SELECT row_number() OVER () AS r, %s AS x FROM spine) WHERE "
                                        "%s ORDER BY r LIMIT 1",
                                        text, condition);
    floe_query_rows rows;
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(floe_session_query(session, sql, NULL, arena, &rows, err));
    *ret_row = rows.row_count > 0 ? rows.values[0].as.integer : 0;
    *ret_text = rows.row_count > 0 ? rows.values[1].as.bytes : (floe_str){0};
    return FLOE_OK;
}

#define IS_NO_TIME "x IS NOT NULL AND TRY_CAST(x AS TIMESTAMPTZ) IS NULL"
/* Also of what the engine takes for a time and a lookup does not, as "infinity". */
#define IS_UNREAD                                                                                                      \
    "x IS NOT NULL AND (NOT regexp_full_match(x, '" FLOE_TIME_PATTERN "') OR TRY_CAST(x AS TIMESTAMPTZ) IS NULL)"
/* The cast of text to a time would round it, and the column with it. */
#define IS_FINER "regexp_matches(x, '\\.[0-9]{6}[0-9]*[1-9]')"

static floe_status check_texts(floe_session *session, const floe_dataset_request *request, const char *text,
                               floe_str column, floe_arena *arena, floe_error *err) {
    int64_t row;
    floe_str found;
    FLOE_TRY(find_row(session, text, IS_NO_TIME, arena, &row, &found, err));
    FLOE_ENSURE(row == 0, err, FLOE_INVALID,
                "the spine %s, row %" PRId64 ": the time column \"%.*s\" is \"%.*s\", which is no time; write it as in "
                "2024-01-31T12:00:00Z, or leave it empty",
                request->spine, row, FLOE_STR_BRIEF(column), FLOE_STR_BRIEF(found));
    FLOE_TRY(find_row(session, text, IS_FINER, arena, &row, &found, err));
    FLOE_ENSURE(row == 0, err, FLOE_INVALID,
                "the spine %s, row %" PRId64
                ": the time column \"%.*s\" is %.*s, finer than microseconds; round it in the "
                "file",
                request->spine, row, FLOE_STR_BRIEF(column), FLOE_STR_BRIEF(found));
    return FLOE_OK;
}

static bool is_key(const floe_dataset_request *request, const floe_column *keys, size_t key_count, floe_str column) {
    for (size_t i = 0; i < key_count; i++) {
        if (floe_str_equal(floe_spine_key_column(request, keys[i].name), column)) {
            return true;
        }
    }
    return false;
}

/* Whether all values are times, and not all of them days alone. */
static floe_status is_of_times(floe_session *session, const floe_query_column *column, floe_arena *arena, bool *ret_is,
                               floe_error *err) {
    floe_query_rows rows;
    const char *text = text_of(column, arena, err);
    FLOE_ENSURE(text, err, FLOE_NOMEM, "no memory for the name of a column");
    const char *sql = floe_arena_printf(arena,
                                        "SELECT count(*) FILTER (" IS_UNREAD "), count(*) FILTER "
                                        "(contains(x, ':')) FROM (SELECT %s AS x FROM spine) WHERE x IS NOT NULL",
                                        text);
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(floe_session_query(session, sql, NULL, arena, &rows, err));
    *ret_is = rows.values[0].as.integer == 0 && rows.values[1].as.integer > 0;
    return FLOE_OK;
}

/* *ret_column NULL: none, or more than one. */
static floe_status find_only_times(floe_session *session, const floe_dataset_request *request, const floe_column *keys,
                                   size_t key_count, const spine_table *spine, floe_arena *arena,
                                   const floe_query_column **ret_column, floe_error *err) {
    size_t found = 0;
    bool has_time = key_count == 0; /* Where no view is asked, none is needed. */
    for (size_t i = 0; i < spine->column_count; i++) {
        has_time = has_time || floe_spine_is_timestamp(spine->columns[i].type);
    }
    for (size_t i = 0; !has_time && i < spine->column_count; i++) {
        const floe_query_column *column = &spine->columns[i];
        bool is = false;
        bool may_be = is_text(column) && !is_key(request, keys, key_count, column->name);
        FLOE_TRY(may_be ? is_of_times(session, column, arena, &is, err) : FLOE_OK);
        *ret_column = is ? column : *ret_column;
        found += is;
    }
    *ret_column = found == 1 ? *ret_column : NULL;
    return FLOE_OK;
}

static floe_status find_text_time(floe_session *session, const floe_dataset_request *request, const floe_column *keys,
                                  size_t key_count, const spine_table *spine, floe_arena *arena,
                                  const floe_query_column **ret_column, floe_error *err) {
    *ret_column = NULL;
    if (!is_text_file(request)) {
        return FLOE_OK;
    }
    if (request->time_column == NULL) {
        return find_only_times(session, request, keys, key_count, spine, arena, ret_column, err);
    }
    for (size_t i = 0; i < spine->column_count; i++) {
        if (floe_str_is(spine->columns[i].name, request->time_column) && is_text(&spine->columns[i])) {
            *ret_column = &spine->columns[i];
        }
    }
    return FLOE_OK;
}

floe_status floe_spine_read_text_time(floe_session *session, const floe_dataset_request *request,
                                      const floe_column *keys, size_t key_count, floe_arena *arena, spine_table *spine,
                                      bool *ret_changed, floe_error *err) {
    const floe_query_column *column = NULL;
    *ret_changed = false;
    FLOE_TRY(find_text_time(session, request, keys, key_count, spine, arena, &column, err));
    if (column == NULL) {
        return FLOE_OK;
    }
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_KIB(64));
    floe_sql_quote_name(&name, column->name);
    FLOE_TRY(floe_buf_check(&name, err));
    const char *text = text_of(column, arena, err);
    FLOE_ENSURE(text, err, FLOE_NOMEM, "no memory for the name of a column");
    FLOE_TRY(check_texts(session, request, text, column->name, arena, err));
    const char *cast = floe_arena_printf(arena, "CAST(CAST(%s AS TIMESTAMPTZ) AS TIMESTAMP)", text);
    const char *sql =
        floe_arena_printf(arena, "ALTER TABLE spine ALTER COLUMN %s TYPE TIMESTAMP USING %s", name.ptr, cast);
    const char *from =
        floe_arena_printf(arena, "(SELECT * REPLACE (%s AS %s) FROM %.*s)", cast, name.ptr, FLOE_STR_ARG(spine->from));
    FLOE_TRY(floe_arena_check(arena, err));
    spine->from = floe_str_of(from);
    floe_status status = floe_session_run(session, sql, NULL, NULL, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the spine %s, time column %s", request->spine, name.ptr);
    }
    *ret_changed = true;
    return FLOE_OK;
}

/* The first row of a column that has times, as they are read without --time, whose text is none of these. */
static floe_status check_candidate(floe_session *session, const floe_dataset_request *request,
                                   const floe_query_column *column, floe_arena *arena, floe_error *err) {
    int64_t row;
    floe_str found;
    const char *text = text_of(column, arena, err);
    FLOE_ENSURE(text, err, FLOE_NOMEM, "no memory for the name of a column");
    FLOE_TRY(find_row(session, text, "x IS NOT NULL AND NOT (" IS_UNREAD ")", arena, &row, &found, err));
    if (row == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(find_row(session, text, IS_UNREAD, arena, &row, &found, err));
    FLOE_ENSURE(row == 0, err, FLOE_INVALID,
                "the spine %s has 0 timestamp columns: \"%.*s\" is none for row %" PRId64
                ", which is \"%.*s\"; mend it, or "
                "name the labels' time with --time COLUMN",
                request->spine, FLOE_STR_BRIEF(column->name), row, FLOE_STR_BRIEF(found));
    return FLOE_OK;
}

floe_status floe_spine_check_text_time(floe_session *session, const floe_dataset_request *request,
                                       const spine_table *spine, floe_arena *arena, floe_error *err) {
    bool has_time = request->time_column != NULL;
    for (size_t i = 0; i < spine->column_count; i++) {
        has_time = has_time || floe_spine_is_timestamp(spine->columns[i].type);
    }
    for (size_t i = 0; !has_time && is_text_file(request) && i < spine->column_count; i++) {
        FLOE_TRY(is_text(&spine->columns[i]) ? check_candidate(session, request, &spine->columns[i], arena, err)
                                             : FLOE_OK);
    }
    return FLOE_OK;
}
