/*
 * Times of a spine that are refused instead of quietly meaning something else: those that no row of any source could be compared
 * with and no format but the engine's own can hold (infinite ones, years outside 1 to 9999), and those that the engine has
 * rounded up already.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

#include <inttypes.h>

static bool is_time(floe_str type) {
    return floe_spine_is_timestamp(type) || floe_str_is(type, "DATE");
}

/* Whether a value is there and out of range. What does not fit the engine's microseconds is. */
static void append_out_of_range(floe_str column, floe_buf *sql) {
    floe_buf_text(sql, "(");
    floe_sql_quote_name(sql, column);
    floe_buf_text(sql, " IS NOT NULL AND NOT coalesce(TRY_CAST(");
    floe_sql_quote_name(sql, column);
    floe_buf_text(sql, " AS TIMESTAMP) BETWEEN TIMESTAMP '0001-01-01' AND TIMESTAMP '9999-12-31 23:59:59.999999', "
                       "false))");
}

/* One pass over all of them. *ret_column: the first that has such a time; the number of columns when none has. */
static floe_status find_column(floe_session *session, const spine_table *spine, floe_arena *arena, size_t *ret_column,
                               floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "SELECT count(*)");
    for (size_t i = 0; i < spine->column_count; i++) {
        if (is_time(spine->columns[i].type)) {
            floe_buf_text(&sql, ", count(*) FILTER ");
            append_out_of_range(spine->columns[i].name, &sql);
        }
    }
    floe_buf_text(&sql, " FROM spine");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    size_t at = 0, i = 0;
    for (; i < spine->column_count; i++) {
        at += is_time(spine->columns[i].type);
        if (is_time(spine->columns[i].type) && rows.values[at].as.integer > 0) {
            break;
        }
    }
    *ret_column = i;
    return FLOE_OK;
}

static floe_status fail_at(floe_session *session, const floe_dataset_request *request, floe_str column,
                           floe_arena *arena, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT __r, CAST(");
    floe_sql_quote_name(&sql, column);
    floe_buf_text(&sql, " AS VARCHAR) FROM (SELECT *, row_number() OVER () AS __r FROM spine) WHERE ");
    append_out_of_range(column, &sql);
    floe_buf_text(&sql, " ORDER BY __r LIMIT 1");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    FLOE_ENSURE(rows.row_count == 1, err, FLOE_INTERNAL, "a time of the spine was found and lost again");
    return FLOE_FAIL(
        err, FLOE_INVALID,
        "the spine %s, row %" PRId64 ": the column \"%.*s\" is %.*s; times must lie in the years 1 to 9999, "
        "or be null",
        request->spine, rows.values[0].as.integer, FLOE_STR_BRIEF(column), FLOE_STR_BRIEF(rows.values[1].as.bytes));
}

/* ---- nanoseconds in UTC ---- */

/* The engine cuts what a Parquet file holds in nanoseconds and UTC to microseconds, towards zero: from 1970 on that rounds down, as
 * the rule does; before, it would let a label see the microsecond after it. Of 1970's first instant it cannot be told which it was. */
static floe_status check_cut(floe_session *session, const floe_dataset_request *request, const spine_table *spine,
                             floe_str column, floe_arena *arena, floe_error *err) {
    FLOE_AUTO_BUF sql = {0};
    bool is_zoned = false;
    for (size_t i = 0; i < spine->column_count; i++) {
        is_zoned = is_zoned || (floe_str_equal(spine->columns[i].name, column) &&
                                floe_str_is(spine->columns[i].type, "TIMESTAMP WITH TIME ZONE"));
    }
    if (!is_zoned) {
        return FLOE_OK; /* a member of a nested column */
    }
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT n FROM (SELECT ");
    floe_sql_quote_name(&sql, column);
    floe_buf_text(&sql, " AS x, row_number() OVER () AS n FROM spine) WHERE epoch_us(x) <= 0 ORDER BY n LIMIT 1");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    FLOE_ENSURE(rows.row_count == 0, err, FLOE_UNSUPPORTED,
                "the spine %s, row %" PRId64 ": the column \"%.*s\" is in nanoseconds and UTC, of which times up to "
                "1970-01-01T00:00:00Z cannot be read exactly from Parquet; write it in microseconds, or without a zone",
                request->spine, rows.values[0].as.integer, FLOE_STR_BRIEF(column));
    return FLOE_OK;
}

/* Names of columns, at any depth, that a Parquet spine holds so. */
static floe_status list_cut(floe_session *session, const floe_dataset_request *request, const spine_table *spine,
                            floe_arena *arena, floe_query_rows *ret_rows, floe_error *err) {
    FLOE_AUTO_BUF sql = {0};
    *ret_rows = (floe_query_rows){0};
    if (spine->source_table.len > 0 || !floe_str_ends_with(floe_str_of(request->spine), FLOE_STR(".parquet"))) {
        return FLOE_OK;
    }
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT name FROM parquet_schema(");
    floe_sql_quote_path(&sql, floe_str_of(request->spine));
    floe_buf_text(&sql, ") WHERE duckdb_type = 'TIMESTAMP WITH TIME ZONE' AND logical_type LIKE '%NANOS=NanoSeconds%'");
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_query(session, sql.ptr, NULL, arena, ret_rows, err);
}

static floe_status check_nanoseconds(floe_session *session, const floe_dataset_request *request,
                                     const spine_table *spine, floe_arena *arena, floe_error *err) {
    floe_query_rows cut;
    FLOE_TRY(list_cut(session, request, spine, arena, &cut, err));
    for (size_t i = 0; i < cut.row_count; i++) {
        FLOE_TRY(check_cut(session, request, spine, cut.values[i].as.bytes, arena, err));
    }
    return FLOE_OK;
}

/* ---- keys ---- */

/* Keys match by value, so one between two microseconds matches nothing: it is told, because rounded it would match another's. */
static floe_status check_key(floe_session *session, const floe_dataset_request *request, floe_str column,
                             floe_arena *arena, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT n, CAST(x AS VARCHAR) FROM (SELECT ");
    floe_sql_quote_name(&sql, column);
    floe_buf_text(&sql,
                  " AS x, row_number() OVER () AS n FROM spine) WHERE epoch_ns(x) % 1000 <> 0 ORDER BY n LIMIT 1");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    FLOE_ENSURE(
        rows.row_count == 0, err, FLOE_INVALID,
        "the spine %s, row %" PRId64 ": the key column \"%.*s\" is %.*s, and keys are whole microseconds; round it",
        request->spine, rows.values[0].as.integer, FLOE_STR_BRIEF(column), FLOE_STR_BRIEF(rows.values[1].as.bytes));
    return FLOE_OK;
}

floe_status floe_spine_check_time_keys(floe_session *session, const floe_dataset_request *request,
                                       const spine_table *spine, const floe_column *keys, size_t key_count,
                                       floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_query_rows cut = {0};
    bool any = false;
    floe_arena_init(&arena, FLOE_MIB(64));
    for (size_t k = 0; k < key_count; k++) {
        any = any || keys[k].type.kind == FLOE_KIND_TIMESTAMP;
    }
    FLOE_TRY(any ? list_cut(session, request, spine, &arena, &cut, err) : FLOE_OK);
    for (size_t k = 0; k < key_count; k++) {
        floe_str column = floe_spine_key_column(request, keys[k].name);
        for (size_t i = 0; keys[k].type.kind == FLOE_KIND_TIMESTAMP && i < cut.row_count; i++) {
            FLOE_ENSURE(!floe_str_equal(cut.values[i].as.bytes, column), err, FLOE_UNSUPPORTED,
                        "the spine %s: the key column \"%.*s\" is in nanoseconds and UTC, of which the engine reads "
                        "microseconds; write it in microseconds, or without a zone",
                        request->spine, FLOE_STR_BRIEF(column));
        }
        for (size_t i = 0; keys[k].type.kind == FLOE_KIND_TIMESTAMP && i < spine->column_count; i++) {
            bool finer =
                floe_str_equal(spine->columns[i].name, column) && floe_str_is(spine->columns[i].type, "TIMESTAMP_NS");
            FLOE_TRY(finer ? check_key(session, request, column, &arena, err) : FLOE_OK);
        }
    }
    return FLOE_OK;
}

/* ---- all ---- */

floe_status floe_spine_check_times(floe_session *session, const floe_dataset_request *request, const spine_table *spine,
                                   floe_error *err) {
    FLOE_AUTO_ARENA arena;
    size_t column;
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_TRY(check_nanoseconds(session, request, spine, &arena, err));
    FLOE_TRY(find_column(session, spine, &arena, &column, err));
    return column == spine->column_count ? FLOE_OK
                                         : fail_at(session, request, spine->columns[column].name, &arena, err);
}
