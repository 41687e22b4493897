/*
 * Times of a spine that are refused instead of quietly meaning something else: those that no row of any source could be compared
 * with and no format but the engine's own can hold (infinite ones, years outside 1 to 9999), and keys between two microseconds.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/spine/spine.h"

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

/* The first row, from 1, whose value x is as the condition says, and the value as text; *ret_row 0: there is none. */
static floe_status first_row(floe_session *session, floe_str column, const char *condition, floe_arena *arena,
                             int64_t *ret_row, floe_str *ret_text, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT n, CAST(x AS VARCHAR) FROM (SELECT ");
    floe_sql_quote_name(&sql, column);
    floe_buf_printf(&sql, " AS x, row_number() OVER () AS n FROM spine) WHERE %s ORDER BY n LIMIT 1", condition);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    *ret_row = rows.row_count > 0 ? rows.values[0].as.integer : 0;
    *ret_text = rows.row_count > 0 ? rows.values[1].as.bytes : (floe_str){0};
    return FLOE_OK;
}

static floe_status fail_at(floe_session *session, const floe_dataset_request *request, floe_str column,
                           floe_arena *arena, floe_error *err) {
    FLOE_AUTO_BUF condition;
    int64_t row;
    floe_str text;
    floe_buf_init(&condition, FLOE_KIB(4));
    append_out_of_range(FLOE_STR("x"), &condition);
    FLOE_TRY(floe_buf_check(&condition, err));
    FLOE_TRY(first_row(session, column, condition.ptr, arena, &row, &text, err));
    FLOE_ENSURE(row > 0, err, FLOE_INTERNAL, "a time of the spine was found and lost again");
    return FLOE_FAIL(err, FLOE_INVALID,
                     "the spine %s, row %" PRId64
                     ": the column \"%.*s\" is %.*s; times must lie in the years 1 to 9999, "
                     "or be null",
                     request->spine, row, FLOE_STR_BRIEF(column), FLOE_STR_BRIEF(text));
}

/* ---- keys ---- */

/* Keys match by value, so one between two microseconds matches nothing: it is told, because rounded it would match another's. */
static floe_status check_key(floe_session *session, const floe_dataset_request *request, floe_str column,
                             floe_arena *arena, floe_error *err) {
    int64_t row;
    floe_str text;
    FLOE_TRY(first_row(session, column, "epoch_ns(x) % 1000 <> 0", arena, &row, &text, err));
    FLOE_ENSURE(row == 0, err, FLOE_INVALID,
                "the spine %s, row %" PRId64
                ": the key column \"%.*s\" is %.*s, and keys are whole microseconds; round it",
                request->spine, row, FLOE_STR_BRIEF(column), FLOE_STR_BRIEF(text));
    return FLOE_OK;
}

floe_status floe_spine_check_time_keys(floe_session *session, const floe_dataset_request *request,
                                       const spine_table *spine, const floe_column *keys, size_t key_count,
                                       floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    for (size_t k = 0; k < key_count; k++) {
        floe_str column = floe_spine_key_column(request, keys[k].name);
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
    FLOE_TRY(find_column(session, spine, &arena, &column, err));
    return column == spine->column_count ? FLOE_OK
                                         : fail_at(session, request, spine->columns[column].name, &arena, err);
}
