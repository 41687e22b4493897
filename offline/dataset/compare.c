/*
 * Two built files side by side. The engine reads both; rows are matched by their place, columns by their name.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "offline/lake_int.h"

#include <inttypes.h>

/* CSV as floe writes it: nothing is null, a quoted nothing is an empty text. */
#define CSV_OPTIONS                                                                                                    \
    ", header = true, all_varchar = true, allow_quoted_nulls = false, delim = ',', quote = '\"', escape = '\"')"

/* JSON Lines with every value as its text. */
static floe_status append_jsonl(floe_session *session, floe_buf *sql, const char *file, floe_arena *arena,
                                floe_error *err) {
    FLOE_AUTO_BUF read;
    const floe_query_column *columns;
    size_t count;
    floe_buf_init(&read, FLOE_MIB(1));
    floe_buf_text(&read, "FROM read_json(");
    floe_sql_quote_text(&read, floe_str_of(file));
    floe_buf_text(&read, ", format = 'newline_delimited', sample_size = -1)");
    FLOE_TRY(floe_buf_check(&read, err));
    FLOE_TRY(floe_session_describe(session, read.ptr, arena, &columns, &count, err));
    floe_buf_text(sql, "read_json(");
    floe_sql_quote_text(sql, floe_str_of(file));
    floe_buf_text(sql, ", format = 'newline_delimited', columns = {");
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(sql, i > 0 ? ", " : "");
        floe_sql_quote_text(sql, columns[i].name);
        floe_buf_text(sql, ": 'VARCHAR'");
    }
    floe_buf_text(sql, "})");
    return FLOE_OK;
}

floe_status floe_dataset_file_item(floe_session *session, const char *file, floe_arena *arena, const char **ret_item,
                                   bool *ret_text, floe_error *err) {
    FLOE_ENSURE(floe_file_exists(file), err, FLOE_NOT_FOUND, "the dataset's file %s does not exist", file);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(16));
    floe_str name = floe_str_of(file);
    *ret_text = true;
    if (floe_str_ends_with(name, FLOE_STR(".parquet"))) {
        *ret_text = false;
        floe_buf_text(&sql, "read_parquet(");
        floe_sql_quote_text(&sql, name);
        floe_buf_text(&sql, ")");
    } else if (floe_str_ends_with(name, FLOE_STR(".csv"))) {
        floe_buf_text(&sql, "read_csv(");
        floe_sql_quote_text(&sql, name);
        floe_buf_text(&sql, CSV_OPTIONS);
    } else {
        FLOE_ENSURE(floe_str_ends_with(name, FLOE_STR(".jsonl")), err, FLOE_UNSUPPORTED,
                    "cannot read %s back: the ending must be .parquet, .csv or .jsonl", file);
        FLOE_TRY(append_jsonl(session, &sql, file, arena, err));
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    *ret_item = floe_arena_strndup(arena, sql.ptr, sql.len);
    return floe_arena_check(arena, err);
}

/* ---- two files ---- */

typedef struct one_side {
    const char *file;
    const char *item;
    bool text;
    const floe_query_column *columns;
    size_t column_count;
    int64_t row_count;
} one_side;

static floe_status open_side(floe_session *session, const char *file, floe_arena *arena, one_side *ret_side,
                             floe_error *err) {
    one_side opened = {.file = file};
    floe_query_rows rows;
    FLOE_TRY(floe_dataset_file_item(session, file, arena, &opened.item, &opened.text, err));
    const char *select = floe_arena_printf(arena, "FROM %s", opened.item);
    const char *count = floe_arena_printf(arena, "SELECT count(*) FROM %s", opened.item);
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(floe_session_describe(session, select, arena, &opened.columns, &opened.column_count, err));
    FLOE_TRY(floe_session_query(session, count, NULL, arena, &rows, err));
    opened.row_count = rows.values[0].as.integer;
    *ret_side = opened;
    return FLOE_OK;
}

static const floe_query_column *column_of(const one_side *side, floe_str name) {
    for (size_t i = 0; i < side->column_count; i++) {
        if (floe_str_equal(side->columns[i].name, name)) {
            return &side->columns[i];
        }
    }
    return NULL;
}

/* a."c" IS DISTINCT FROM b."c", as text where the types differ. */
static void append_differs(floe_buf *sql, const floe_query_column *before, const floe_query_column *after) {
    bool cast = !floe_str_equal(before->type, after->type);
    floe_buf_text(sql, cast ? "CAST(a." : "a.");
    floe_sql_quote_name(sql, before->name);
    floe_buf_text(sql, cast ? " AS VARCHAR) IS DISTINCT FROM CAST(b." : " IS DISTINCT FROM b.");
    floe_sql_quote_name(sql, after->name);
    floe_buf_text(sql, cast ? " AS VARCHAR)" : "");
}

static void append_sides(floe_buf *sql, const one_side *before, const one_side *after) {
    floe_buf_text(sql, " FROM (SELECT *, row_number() OVER () - 1 AS __floe_row FROM ");
    floe_buf_text(sql, before->item);
    floe_buf_text(sql, ") a POSITIONAL JOIN (FROM ");
    floe_buf_text(sql, after->item);
    floe_buf_text(sql, ") b");
}

/* The cells of the first row that differs. */
static floe_status read_example(floe_session *session, const one_side *before, const one_side *after, floe_arena *arena,
                                floe_dataset_change *change, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "SELECT coalesce(CAST(a.");
    floe_sql_quote_name(&sql, change->column);
    floe_buf_text(&sql, " AS VARCHAR), 'null'), coalesce(CAST(b.");
    floe_sql_quote_name(&sql, change->column);
    floe_buf_text(&sql, " AS VARCHAR), 'null')");
    append_sides(&sql, before, after);
    floe_buf_printf(&sql, " WHERE a.__floe_row = %" PRId64, change->first_row);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    change->before = rows.values[0].as.bytes;
    change->after = rows.values[1].as.bytes;
    return FLOE_OK;
}

static floe_status compare(floe_session *session, const one_side *before, const one_side *after, floe_arena *arena,
                           const floe_dataset_change **ret_changes, size_t *ret_count, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    size_t asked = 0, count = 0;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_dataset_change *changes = floe_arena_alloc(arena, before->column_count + 1, sizeof(*changes));
    FLOE_TRY(floe_arena_check(arena, err));
    floe_buf_text(&sql, "SELECT ");
    for (size_t i = 0; i < before->column_count; i++) {
        const floe_query_column *other = column_of(after, before->columns[i].name);
        if (other) {
            changes[asked].column = before->columns[i].name;
            floe_buf_text(&sql, asked++ > 0 ? ", count(*) FILTER (" : "count(*) FILTER (");
            append_differs(&sql, &before->columns[i], other);
            floe_buf_text(&sql, "), coalesce(min(a.__floe_row) FILTER (");
            append_differs(&sql, &before->columns[i], other);
            floe_buf_text(&sql, "), 0)");
        }
    }
    floe_buf_text(&sql, asked == 0 ? "0" : "");
    append_sides(&sql, before, after);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    for (size_t i = 0; i < asked; i++) {
        changes[count] = changes[i];
        changes[count].rows = rows.values[2 * i].as.integer;
        changes[count].first_row = rows.values[2 * i + 1].as.integer;
        if (changes[count].rows > 0) {
            FLOE_TRY(read_example(session, before, after, arena, &changes[count], err));
            count++;
        }
    }
    *ret_changes = changes;
    *ret_count = count;
    return FLOE_OK;
}

floe_status floe_dataset_compare(floe_lake *lake, const char *before, const char *after, floe_arena *arena,
                                 const floe_dataset_change **ret_changes, size_t *ret_count, floe_error *err) {
    floe_engine *engine;
    one_side a, b;
    FLOE_TRY(floe_lake_engine(lake, &engine, err));
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    FLOE_TRY(floe_session_open(engine, lake->run, &session, err));
    FLOE_TRY(open_side(session, before, arena, &a, err));
    FLOE_TRY(open_side(session, after, arena, &b, err));
    FLOE_ENSURE(
        a.text == b.text, err, FLOE_UNSUPPORTED,
        "%s and %s are of different formats, which write one value in two ways; rebuild one of them in the other's "
        "format",
        before, after);
    FLOE_ENSURE(a.row_count == b.row_count, err, FLOE_INVALID,
                "%s has %" PRId64 " rows and %s has %" PRId64 ": rows can only be compared where both have as many",
                before, a.row_count, after, b.row_count);
    return compare(session, &a, &b, arena, ret_changes, ret_count, err);
}
