/*
 * Two built files, or tables, side by side. The engine reads both; rows are matched by their place, columns by their name.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/audit/audit.h"
#include "offline/input.h"
#include "offline/ipc/ipc.h"
#include "offline/lake_int.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* CSV as floe writes it: nothing is null, a quoted nothing is an empty text. */
#define CSV_OPTIONS FLOE_CSV_OPTIONS ", header = true, all_varchar = true, allow_quoted_nulls = false, delim = ',')"

/* JSON Lines with every value as its text. */
static floe_status append_jsonl(floe_session *session, floe_buf *sql, const char *file, floe_arena *arena,
                                floe_error *err) {
    FLOE_AUTO_BUF read;
    const floe_query_column *columns;
    size_t count;
    floe_buf_init(&read, FLOE_MIB(1));
    floe_buf_text(&read, "FROM read_json(");
    floe_sql_quote_path(&read, floe_str_of(file));
    floe_buf_text(&read, FLOE_READ_OPTIONS ", format = 'newline_delimited', sample_size = -1)");
    FLOE_TRY(floe_buf_check(&read, err));
    FLOE_TRY(floe_session_describe(session, read.ptr, arena, &columns, &count, err));
    floe_buf_text(sql, "read_json(");
    floe_sql_quote_path(sql, floe_str_of(file));
    floe_buf_text(sql, FLOE_READ_OPTIONS ", format = 'newline_delimited', columns = {");
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(sql, i > 0 ? ", " : "");
        floe_sql_quote_text(sql, columns[i].name);
        floe_buf_text(sql, ": 'VARCHAR'");
    }
    floe_buf_text(sql, "})");
    return FLOE_OK;
}

/* ---- an Arrow file, a table ---- */

/* A table of the session, which every call gives a name of its own. */
static floe_status append_arrow(floe_session *session, floe_buf *sql, const char *file, floe_error *err) {
    static atomic_uint next;
    char name[32];
    FLOE_AUTO_STREAM stream = {0};
    snprintf(name, sizeof(name), "built_%u", atomic_fetch_add(&next, 1));
    FLOE_TRY(floe_ipc_open(file, &stream, err));
    FLOE_TRY(floe_error_prefix(err, floe_session_adopt(session, name, &stream, err), "%s", file));
    floe_buf_text(sql, name);
    return FLOE_OK;
}

/* "lake.ns.table@ID": the name, and the snapshot; without one the current. */
static floe_status split_table(const char *file, floe_arena *arena, const char **ret_name, floe_scan_request *scan,
                               floe_error *err) {
    const char *at = strrchr(file, '@');
    floe_str name = at ? (floe_str){file, (size_t)(at - file)} : floe_str_of(file);
    *scan = (floe_scan_request){.at = at ? FLOE_AT_ID : FLOE_AT_CURRENT, .limit = -1};
    *ret_name = floe_arena_strndup(arena, name.ptr, name.len);
    FLOE_TRY(floe_arena_check(arena, err));
    return at ? floe_str_to_i64(floe_str_of(at + 1), &scan->snapshot_id, err) : FLOE_OK;
}

static floe_status append_table(floe_lake *lake, floe_session *session, floe_buf *sql, const char *file,
                                floe_arena *arena, floe_error *err) {
    FLOE_CLEANUP(floe_table_close) floe_table *table = NULL;
    floe_scan_request scan;
    floe_table_scan_files files;
    const char *name;
    FLOE_TRY(split_table(file, arena, &name, &scan, err));
    FLOE_TRY(floe_table_open(lake, name, NULL, NULL, &table, err));
    FLOE_TRY(floe_table_scan_plan_files(table, &scan, NULL, arena, &files, err));
    floe_str *columns = floe_arena_alloc(arena, files.schema->field_count, sizeof(*columns));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < files.schema->field_count; i++) {
        columns[i] = files.schema->fields[i].name;
    }
    return floe_table_scan_sql(table, &files, columns, files.schema->field_count, false, session, sql, err);
}

/* ---- what was built ---- */

static floe_status append_file(floe_session *session, floe_buf *sql, const char *file, floe_arena *arena,
                               built_form *ret_form, floe_error *err) {
    floe_str name = floe_str_of(file);
    FLOE_ENSURE(floe_file_exists(file), err, FLOE_NOT_FOUND, "the dataset's file %s does not exist", file);
    *ret_form = BUILT_TEXT;
    if (floe_str_ends_nocase(name, ".parquet")) {
        *ret_form = BUILT_EXACT;
        floe_buf_text(sql, "read_parquet(");
        floe_sql_quote_path(sql, name);
        floe_buf_text(sql, FLOE_READ_OPTIONS ")");
    } else if (floe_ipc_is_path(file)) {
        *ret_form = BUILT_NEAR;
        return append_arrow(session, sql, file, err);
    } else if (floe_str_ends_nocase(name, ".csv")) {
        floe_buf_text(sql, "read_csv(");
        floe_sql_quote_path(sql, name);
        floe_buf_text(sql, CSV_OPTIONS);
    } else {
        FLOE_ENSURE(floe_str_ends_nocase(name, ".jsonl"), err, FLOE_UNSUPPORTED,
                    "cannot read %s back: the ending must be .parquet, .arrow, .feather, .arrows, .csv or .jsonl",
                    file);
        return append_jsonl(session, sql, file, arena, err);
    }
    return FLOE_OK;
}

floe_status floe_dataset_file_item(floe_lake *lake, floe_session *session, const char *file, floe_arena *arena,
                                   const char **ret_item, built_form *ret_form, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    if (!floe_file_exists(file) && floe_output_is_table(lake, file)) {
        *ret_form = BUILT_NEAR;
        FLOE_TRY(append_table(lake, session, &sql, file, arena, err));
    } else {
        FLOE_TRY(append_file(session, &sql, file, arena, ret_form, err));
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    *ret_item = floe_arena_strndup(arena, sql.ptr, sql.len);
    return floe_arena_check(arena, err);
}

/* ---- two files ---- */

typedef struct one_side {
    const char *file;
    const char *item;
    built_form form;
    const floe_query_column *columns;
    size_t column_count;
    int64_t row_count;
} one_side;

static floe_status open_side(floe_lake *lake, floe_session *session, const char *file, floe_arena *arena,
                             one_side *ret_side, floe_error *err) {
    one_side opened = {.file = file};
    floe_query_rows rows;
    FLOE_TRY(floe_dataset_file_item(lake, session, file, arena, &opened.item, &opened.form, err));
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
    FLOE_TRY(open_side(lake, session, before, arena, &a, err));
    FLOE_TRY(open_side(lake, session, after, arena, &b, err));
    FLOE_ENSURE(
        (a.form == BUILT_TEXT) == (b.form == BUILT_TEXT), err, FLOE_UNSUPPORTED,
        "%s and %s are of different formats, which write one value in two ways; rebuild one of them in the other's "
        "format",
        before, after);
    FLOE_ENSURE(a.row_count == b.row_count, err, FLOE_INVALID,
                "%s has %" PRId64 " rows and %s has %" PRId64 ": rows can only be compared where both have as many",
                before, a.row_count, after, b.row_count);
    return compare(session, &a, &b, arena, ret_changes, ret_count, err);
}
