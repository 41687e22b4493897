/*
 * The spine: the rows a training set is made for. A file or a table becomes the session's temporary table "spine", which
 * keeps the rows in their order; keys and time are then read from it.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/spine/spine.h"
#include "offline/iceberg/scan.h"
#include "offline/input.h"
#include "offline/ipc/ipc.h"

#include <string.h>

static floe_status check_key_names(const floe_dataset_request *request, const floe_column *keys, size_t key_count,
                                   floe_error *err) {
    for (size_t i = 0; i < request->key_count; i++) {
        bool known = false;
        for (size_t k = 0; k < key_count; k++) {
            known = known || floe_str_equal(request->keys[i].key, keys[k].name);
        }
        FLOE_ENSURE(known, err, FLOE_INVALID, "--keys: the features asked for have no entity key \"%.*s\"",
                    FLOE_STR_ARG(request->keys[i].key));
    }
    return FLOE_OK;
}

static floe_status describe(floe_session *session, floe_arena *arena, spine_table *ret_spine, floe_error *err) {
    return floe_session_describe(session, "spine", arena, &ret_spine->columns, &ret_spine->column_count, err);
}

static floe_status read_key_schema(floe_session *session, const floe_dataset_request *request, const floe_column *keys,
                                   size_t key_count, struct ArrowSchema *ret_schema, floe_error *err) {
    FLOE_AUTO_BUF sql;
    FLOE_AUTO_STREAM stream = {0};
    floe_buf_init(&sql, FLOE_MIB(1));
    for (size_t i = 0; i < key_count; i++) {
        floe_buf_text(&sql, i > 0 ? ", " : "SELECT ");
        floe_sql_quote_name(&sql, floe_spine_key_column(request, keys[i].name));
    }
    floe_buf_text(&sql, key_count > 0 ? " FROM spine LIMIT 0" : "SELECT 1");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_stream(session, sql.ptr, NULL, &stream, err));
    return floe_arrow_stream_schema(&stream, "spine", ret_schema, err);
}

/* A key column of another type than its entity declares, or widens to. A type that floe has no name for is found later. */
static floe_status check_key_types(floe_session *session, const floe_dataset_request *request, const floe_column *keys,
                                   size_t key_count, floe_error *err) {
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(read_key_schema(session, request, keys, key_count, &schema, err));
    for (size_t i = 0; i < key_count; i++) {
        floe_type found, declared = keys[i].type;
        char a[FLOE_TYPE_NAME_MAX], b[FLOE_TYPE_NAME_MAX];
        bool known = !floe_failed(floe_arrow_type(schema.children[i], &found, NULL));
        bool fits = !known || floe_type_widens(found, declared);
        FLOE_TRY(fits ? FLOE_OK : floe_spine_key_is_null(session, schema.children[i]->name, &fits, err));
        FLOE_ENSURE(fits, err, FLOE_INVALID,
                    "the spine %s: the column \"%.*s\" for the key \"%.*s\" is %s and the entity declares %s",
                    request->spine, FLOE_STR_BRIEF(floe_spine_key_column(request, keys[i].name)),
                    FLOE_STR_BRIEF(keys[i].name), floe_type_name(found, a), floe_type_name(declared, b));
    }
    return FLOE_OK;
}

/* The line of a text file that the engine could not read, which it does not know. */
static floe_status blame_line(floe_session *session, const char *spine, floe_status status, floe_error *err) {
    if (floe_spine_is_json(spine)) {
        return floe_json_lines_blame(session, spine, status, err);
    }
    return floe_spine_is_text(spine) ? floe_csv_blame(session, spine, status, err) : status;
}

static bool looks_like_file(const char *spine) {
    static const char *const endings[] = {".parquet", ".arrow", ".feather", ".arrows", ".csv", ".jsonl", ".ndjson"};
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (floe_str_ends_nocase(floe_str_of(spine), endings[i])) {
            return true;
        }
    }
    return floe_file_exists(spine) && !floe_file_is_dir(spine) &&
           !floe_str_ends_with(floe_str_of(spine), FLOE_STR(".json")) &&
           !floe_str_ends_with(floe_str_of(spine), FLOE_STR(".json.gz"));
}

/* The FROM item over that of a table, whose columns come in UTC without a zone: those that have one get it back, as from a file. */
static void append_zones(const floe_ice_schema *schema, const floe_buf *plain, floe_buf *sql) {
    bool any = false;
    for (size_t i = 0; i < schema->field_count; i++) {
        if (schema->fields[i].type->kind == FLOE_ICE_TIMESTAMPTZ) {
            floe_buf_text(sql, any ? ", timezone('UTC', " : "(SELECT * REPLACE (timezone('UTC', ");
            floe_sql_quote_name(sql, schema->fields[i].name);
            floe_buf_text(sql, ") AS ");
            floe_sql_quote_name(sql, schema->fields[i].name);
            any = true;
        }
    }
    floe_buf_text(sql, any ? ") FROM " : "");
    floe_buf_str(sql, floe_buf_view(plain));
    floe_buf_text(sql, any ? ")" : "");
}

/* The FROM item of a table spine, at its current snapshot. */
static floe_status append_table(floe_lake *lake, floe_session *session, const floe_dataset_request *request,
                                floe_arena *arena, spine_table *ret_spine, floe_buf *sql, floe_error *err) {
    FLOE_CLEANUP(floe_table_close) floe_table *table = NULL;
    FLOE_TRY(floe_table_open(lake, request->spine, NULL, NULL, &table, err));
    static const floe_str none = {"", 0}; /* Columns are judged where they are read. */
    floe_scan_request scan = {.limit = -1, .columns = &none};
    floe_table_scan_files files;
    FLOE_TRY(floe_table_scan_plan_files(table, &scan, NULL, arena, &files, err));
    ret_spine->source_table = floe_arena_str(arena, floe_str_of(request->spine));
    ret_spine->snapshot_id = files.snapshot ? files.snapshot->snapshot_id : -1;
    floe_str *columns = floe_arena_alloc(arena, files.schema->field_count, sizeof(*columns));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < files.schema->field_count; i++) {
        columns[i] = files.schema->fields[i].name;
    }
    FLOE_AUTO_BUF plain;
    floe_buf_init(&plain, FLOE_GIB(1));
    FLOE_TRY(floe_table_scan_sql(table, &files, columns, files.schema->field_count, false, session, &plain, err));
    append_zones(files.schema, &plain, sql);
    return floe_buf_check(sql, err);
}

/* Whether int64 holds all values of a column of the spine. */
static floe_status is_narrow(floe_session *session, floe_str column, floe_arena *arena, bool *ret_is, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_KIB(64));
    floe_buf_text(&sql, "SELECT count(*) FROM spine WHERE TRY_CAST(");
    floe_sql_quote_name(&sql, column);
    floe_buf_text(&sql, " AS BIGINT) IS NULL AND ");
    floe_sql_quote_name(&sql, column);
    floe_buf_text(&sql, " IS NOT NULL");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    *ret_is = rows.values[0].as.integer == 0;
    return FLOE_OK;
}

/* The engine's JSON reader takes whole numbers of both signs for HUGEINT, which Parquet would hold as doubles: they become int64, or the
 * decimals that the same numbers are in a CSV file. */
static floe_status narrow_integers(floe_session *session, floe_arena *arena, spine_table *spine, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    bool any = false, narrow;
    for (size_t i = 0; i < spine->column_count; i++) {
        if (floe_str_is(spine->columns[i].type, "HUGEINT")) {
            FLOE_TRY(is_narrow(session, spine->columns[i].name, arena, &narrow, err));
            floe_buf_text(&sql, any ? ", CAST(" : "(SELECT * REPLACE (CAST(");
            floe_sql_quote_name(&sql, spine->columns[i].name);
            floe_buf_text(&sql, narrow ? " AS BIGINT) AS " : " AS DECIMAL(38,0)) AS ");
            floe_sql_quote_name(&sql, spine->columns[i].name);
            any = true;
        }
    }
    if (!any) {
        return FLOE_OK;
    }
    floe_buf_printf(&sql, ") FROM %.*s)", FLOE_STR_ARG(spine->from));
    FLOE_TRY(floe_buf_check(&sql, err));
    spine->from = floe_arena_str(arena, floe_buf_view(&sql));
    const char *create = floe_arena_printf(arena, "CREATE OR REPLACE TEMP TABLE spine AS SELECT * FROM %s", sql.ptr);
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(floe_session_run(session, create, NULL, NULL, err));
    return describe(session, arena, spine, err);
}

/* The named time column, or the only timestamp. Where no view is asked it may be missing. */
static floe_status choose_time(const floe_dataset_request *request, bool is_needed, spine_table *spine,
                               floe_error *err) {
    if (request->time_column) {
        const floe_query_column *column = floe_spine_column(spine, floe_str_of(request->time_column));
        FLOE_ENSURE(column, err, FLOE_NOT_FOUND, "the spine has no column \"%s\" (--time)", request->time_column);
        FLOE_ENSURE(floe_spine_is_timestamp(column->type) || floe_str_is(column->type, "DATE"), err, FLOE_INVALID,
                    "the spine's time column \"%s\" is %.*s; it must be a timestamp or a date", request->time_column,
                    FLOE_STR_ARG(column->type));
        spine->time_column = column->name;
        return FLOE_OK;
    }
    size_t found = 0;
    for (size_t i = 0; i < spine->column_count; i++) {
        if (floe_spine_is_timestamp(spine->columns[i].type)) {
            spine->time_column = spine->columns[i].name;
            found++;
        }
    }
    spine->time_column = found == 1 ? spine->time_column : (floe_str){0};
    FLOE_ENSURE(found == 1 || !is_needed, err, FLOE_INVALID,
                "the spine %s has %zu timestamp columns; name the labels' time with --time COLUMN", request->spine,
                found);
    return FLOE_OK;
}

static floe_status check_parquet_names(floe_session *session, const floe_dataset_request *request,
                                       const spine_table *spine, floe_error *err) {
    floe_input names = {.reader = "read_parquet",
                        .files = &request->spine,
                        .file_count = 1,
                        .columns = spine->columns,
                        .column_count = spine->column_count};
    bool parquet = looks_like_file(request->spine) && floe_str_ends_nocase(floe_str_of(request->spine), ".parquet");
    return parquet ? floe_input_names_check(session, &names, err) : FLOE_OK;
}

/* The session's table from whatever the spine is. */
static floe_status load_rows(floe_lake *lake, floe_session *session, const floe_dataset_request *request,
                             const floe_column *keys, size_t key_count, floe_arena *arena, spine_table *ret_spine,
                             floe_error *err) {
    if (floe_ipc_is_path(request->spine)) {
        return floe_spine_load_arrow(session, request, ret_spine, err);
    }
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_text(&sql, "CREATE OR REPLACE TEMP TABLE spine AS SELECT * FROM ");
    size_t from_at = sql.len;
    if (floe_str_ends_nocase(floe_str_of(request->spine), ".parquet")) {
        FLOE_TRY(floe_spine_parquet(lake, session, request->spine, arena, &sql, err));
    } else if (looks_like_file(request->spine)) {
        FLOE_TRY(floe_spine_text(session, request, keys, key_count, arena, &sql, err));
    } else {
        FLOE_TRY(append_table(lake, session, request, arena, ret_spine, &sql, err));
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    ret_spine->from = floe_arena_str(arena, (floe_str){sql.ptr + from_at, sql.len - from_at});
    FLOE_TRY(floe_arena_check(arena, err));
    floe_status status = floe_session_run(session, sql.ptr, NULL, NULL, err);
    return floe_failed(status) ? floe_error_prefix(err, status, "the spine %s", request->spine) : FLOE_OK;
}

floe_status floe_spine_load(floe_lake *lake, floe_session *session, const floe_dataset_request *request,
                            const floe_column *keys, size_t key_count, floe_arena *arena, spine_table *ret_spine,
                            floe_error *err) {
    FLOE_TRY(check_key_names(request, keys, key_count, err));
    *ret_spine = (spine_table){.snapshot_id = -1};
    floe_status status = load_rows(lake, session, request, keys, key_count, arena, ret_spine, err);
    FLOE_TRY(blame_line(session, request->spine, status, err));
    FLOE_TRY(describe(session, arena, ret_spine, err));
    FLOE_TRY(check_parquet_names(session, request, ret_spine, err));
    FLOE_TRY(narrow_integers(session, arena, ret_spine, err));
    bool changed = false;
    FLOE_TRY(floe_spine_read_text_time(session, request, keys, key_count, arena, ret_spine, &changed, err));
    FLOE_TRY(changed ? describe(session, arena, ret_spine, err) : FLOE_OK);
    FLOE_TRY(key_count > 0 ? floe_spine_check_text_time(session, request, ret_spine, arena, err) : FLOE_OK);
    FLOE_TRY(choose_time(request, key_count > 0, ret_spine, err));
    FLOE_TRY(floe_spine_check_columns(request, ret_spine, keys, key_count, err));
    FLOE_TRY(check_key_types(session, request, keys, key_count, err));
    FLOE_TRY(floe_spine_check_time_keys(session, request, ret_spine, keys, key_count, err));
    return floe_spine_check_times(session, request, ret_spine, err);
}

/* Microseconds of a spine's time; finer times are floored. */
void floe_spine_floor_nanoseconds(const char *time, floe_buf *out) {
    floe_buf_printf(out, "(epoch_ns(%s) - ((epoch_ns(%s) %% 1000 + 1000) %% 1000)) // 1000", time, time);
}

static void append_time(const spine_table *spine, floe_buf *out) {
    const floe_query_column *column = floe_spine_column(spine, spine->time_column);
    if (floe_str_is(column->type, "TIMESTAMP_NS")) {
        FLOE_AUTO_BUF name;
        floe_buf_init(&name, FLOE_KIB(64));
        floe_sql_quote_name(&name, column->name);
        floe_spine_floor_nanoseconds(name.ptr, out);
        return;
    }
    bool zoned = floe_str_is(column->type, "TIMESTAMP WITH TIME ZONE");
    floe_buf_text(out, zoned ? "epoch_us(" : "epoch_us(CAST(");
    floe_sql_quote_name(out, column->name);
    floe_buf_text(out, zoned ? ")" : " AS TIMESTAMP))");
}

floe_status floe_spine_labels_sql(const floe_dataset_request *request, const spine_table *spine,
                                  const floe_column *keys, size_t key_count, const char *from, floe_buf *out,
                                  floe_error *err) {
    floe_buf_text(out, "SELECT ");
    for (size_t i = 0; i < key_count; i++) {
        floe_str name = floe_spine_key_column(request, keys[i].name);
        floe_spine_key_sql(floe_spine_column(spine, name), name, keys[i].type, out);
        floe_buf_text(out, " AS ");
        floe_sql_quote_name(out, keys[i].name);
        floe_buf_text(out, ", ");
    }
    append_time(spine, out);
    floe_buf_text(out, " AS __floe_time, row_number() OVER () - 1 AS __floe_row FROM ");
    floe_buf_text(out, from);
    return floe_buf_check(out, err);
}
