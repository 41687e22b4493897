/*
 * Files in which two columns have one name. The engine's readers quietly give the second another ("a_1"), and take names
 * that differ only in case for one; floe asks the file itself and refuses.
 *
 * Phases: the names that the reader found are looked through for one that may have been given; only then is the file read
 * again for the names as they stand there.
 */
#include "offline/input.h"

#include "core/limits.h"
#include "core/mem.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool same_name(floe_str a, floe_str b) {
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

/* "a_1" where there is an "a" too. */
static bool may_be_given(const floe_query_column *columns, size_t count, floe_str name) {
    size_t len = name.len;
    while (len > 0 && isdigit((unsigned char)name.ptr[len - 1])) {
        len--;
    }
    if (len == name.len || len < 1 || name.ptr[len - 1] != '_') {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (same_name(columns[i].name, (floe_str){name.ptr, len - 1})) {
            return true;
        }
    }
    return false;
}

static bool is_suspicious(const floe_query_column *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (may_be_given(columns, count, columns[i].name)) {
            return true;
        }
    }
    return false;
}

/* ---- the names as they stand in the file ---- */

typedef struct name_query {
    floe_session *session;
    floe_arena *arena;
    const floe_input *input;
    floe_str *names;
    size_t count;
} name_query;

static floe_status take_names(name_query *query, const floe_value *values, size_t stride, size_t count,
                              floe_error *err) {
    query->names = floe_arena_alloc(query->arena, count + 1, sizeof(*query->names));
    FLOE_TRY(floe_arena_check(query->arena, err));
    for (size_t i = 0; i < count; i++) {
        query->names[i] = values[i * stride].is_null ? (floe_str){0} : values[i * stride].as.bytes;
    }
    query->count = count;
    return FLOE_OK;
}

/* A schema is a tree in pre-order: the root, then each column with all that is inside it. */
static floe_status parquet_names(name_query *query, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT name, CAST(coalesce(num_children, 0) AS BIGINT) FROM parquet_schema(");
    floe_sql_quote_path(&sql, floe_str_of(query->input->files[0]));
    floe_buf_byte(&sql, ')');
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(query->session, sql.ptr, NULL, query->arena, &rows, err));
    FLOE_TRY(take_names(query, rows.values, 2, rows.row_count, err));
    size_t top = 0;
    for (size_t i = 1; i < rows.row_count; top++) {
        query->names[top] = query->names[i];
        for (int64_t inside = 1; inside > 0 && i < rows.row_count; i++) {
            inside += rows.values[2 * i + 1].as.integer - 1;
        }
    }
    query->count = top;
    return FLOE_OK;
}

static floe_status json_names(name_query *query, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "SELECT DISTINCT unnest(json_keys(json)) AS name FROM read_json_objects([");
    for (size_t i = 0; i < query->input->file_count; i++) {
        floe_buf_text(&sql, i > 0 ? ", " : "");
        floe_sql_quote_path(&sql, floe_str_of(query->input->files[i]));
    }
    floe_buf_text(&sql, "]" FLOE_READ_OPTIONS ") ORDER BY name");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(query->session, sql.ptr, NULL, query->arena, &rows, err));
    return take_names(query, rows.values, 1, rows.row_count, err);
}

/* The header as a row of text. */
static floe_status csv_names(name_query *query, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows header;
    floe_csv_dialect dialect;
    floe_buf_init(&sql, FLOE_MIB(64));
    FLOE_TRY(
        floe_csv_sniff(query->session, query->input->files[0], query->input->has_header, query->arena, &dialect, err));
    if (!dialect.has_header) {
        return FLOE_OK;
    }
    floe_buf_text(&sql, "SELECT * FROM read_csv(");
    floe_sql_quote_path(&sql, floe_str_of(query->input->files[0]));
    floe_buf_printf(&sql, FLOE_CSV_OPTIONS ", auto_detect = false, header = false, skip = %lld, delim = ",
                    (long long)dialect.skipped);
    floe_sql_quote_text(&sql, dialect.delimiter);
    for (size_t i = 0; i < query->input->column_count; i++) {
        floe_buf_printf(&sql, "%s'c%zu': 'VARCHAR'", i > 0 ? ", " : ", columns = {", i);
    }
    floe_buf_text(&sql, "}) LIMIT 1");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(query->session, sql.ptr, NULL, query->arena, &header, err));
    return take_names(query, header.values, 1, header.row_count * header.column_count, err);
}

/* ---- the verdict ---- */

static floe_status refuse_twice(const name_query *query, size_t first, size_t second, floe_error *err) {
    floe_str a = query->names[first], b = query->names[second];
    if (floe_str_equal(a, b)) {
        return FLOE_FAIL(err, FLOE_INVALID, "%s: two columns are named \"%.*s\", the %zu. and the %zu.; rename one",
                         query->input->files[0], FLOE_STR_BRIEF(a), first + 1, second + 1);
    }
    return FLOE_FAIL(err, FLOE_INVALID, "%s: the columns \"%.*s\" and \"%.*s\" differ only in case; rename one",
                     query->input->files[0], FLOE_STR_BRIEF(a), FLOE_STR_BRIEF(b));
}

floe_status floe_input_names_check(floe_session *session, const floe_input *input, floe_error *err) {
    if (!is_suspicious(input->columns, input->column_count)) {
        return FLOE_OK;
    }
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    name_query query = {.session = session, .arena = &arena, .input = input};
    if (strcmp(input->reader, "read_parquet") == 0) {
        FLOE_TRY(parquet_names(&query, err));
    } else if (strcmp(input->reader, "read_json") == 0) {
        FLOE_TRY(json_names(&query, err));
    } else {
        FLOE_TRY(csv_names(&query, err));
    }
    for (size_t i = 1; i < query.count; i++) {
        for (size_t k = 0; k < i; k++) {
            if (query.names[i].len > 0 && same_name(query.names[k], query.names[i])) {
                return refuse_twice(&query, k, i, err);
            }
        }
    }
    return FLOE_OK;
}
