/* See delete_support.h. */
#include "tests/offline/delete_support.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void ice_world_open(ice_world *world, const char *schemas, const char *specs, const char *partition_fields) {
    floe_error err = {0};
    floe_engine *engine = NULL;
    floe_arena_init(&world->arena, FLOE_MIB(512));
    world->lake = ice_lake();
    assert_ok(floe_lake_engine(world->lake, &engine, &err), &err);
    assert_ok(floe_session_open(engine, NULL, &world->session, &err), &err);
    ice_table_init(&world->table, schemas, specs, partition_fields);
}

void ice_world_close(ice_world *world) {
    floe_session_close(&world->session);
    floe_lake_close(&world->lake);
    ice_table_close(&world->table);
    floe_arena_close(&world->arena);
}

const char *ice_text(ice_world *world, const char *format, ...) {
    char text[16384];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert_true(len >= 0 && (size_t)len < sizeof(text));
    return floe_arena_strdup(&world->arena, text);
}

const char *ice_parquet(ice_world *world, const char *name, const char *select, const char *ids) {
    floe_error err = {0};
    const char *path = ice_path(world->table.folder, name);
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_MIB(16));
    floe_buf_text(&sql, "COPY (");
    floe_buf_text(&sql, select);
    floe_buf_text(&sql, ") TO ");
    floe_sql_quote_text(&sql, floe_str_of(path));
    floe_buf_printf(&sql, " (FORMAT parquet%s%s%s)", ids[0] ? ", FIELD_IDS {" : "", ids, ids[0] ? "}" : "");
    assert_ok(floe_session_run(world->session, sql.ptr, NULL, NULL, &err), &err);
    return path;
}

ice_entry ice_added(const char *path, int64_t rows) {
    return (ice_entry){
        .status = 1, .snapshot_id = -1, .sequence_number = -1, .path = path, .record_count = rows, .file_len = 100};
}

/* ---- reading ---- */

static floe_status scan(ice_world *world, const floe_scan_request *request, const floe_moved *moved,
                        const char **ret_text, floe_error *err) {
    struct ArrowArrayStream stream = {0};
    floe_table *table = NULL;
    ice_table_write(&world->table);
    FLOE_TRY(floe_table_open(world->lake, world->table.folder, moved ? moved->from.ptr : NULL,
                             moved ? moved->to.ptr : NULL, &table, err));
    floe_status status = floe_table_scan(table, request, &stream, err);
    if (!floe_failed(status)) {
        *ret_text = stream_text(&stream, &world->arena);
    }
    floe_table_close(&table);
    return status;
}

static void expect(ice_world *world, const floe_scan_request *request, const floe_moved *moved, const char *rows) {
    floe_error err = {0};
    const char *text = NULL;
    assert_ok(scan(world, request, moved, &text, &err), &err);
    assert_string_equal(text, rows);
}

void ice_expect(ice_world *world, const char *where, const char *rows) {
    expect(world, &(floe_scan_request){.limit = -1, .where = where, .engine_where = true}, NULL, rows);
}

static int compare_texts(const void *a, const void *b) {
    return floe_str_compare(*(const floe_str *)a, *(const floe_str *)b);
}

static const char *sorted(ice_world *world, const char *rows) {
    floe_str items[2048];
    size_t count = 0;
    floe_str rest = floe_str_of(rows);
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_MIB(16));
    while (count < 2048 && floe_str_split(&rest, ';', &items[count])) {
        count++;
    }
    qsort(items, count, sizeof(items[0]), compare_texts);
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(&out, i > 0 ? ";" : "");
        floe_buf_str(&out, items[i]);
    }
    return floe_arena_strndup(&world->arena, floe_buf_view(&out).ptr, out.len);
}

void ice_expect_set(ice_world *world, const char *rows) {
    floe_error err = {0};
    const char *text = NULL;
    const floe_scan_request request = {.limit = -1};
    assert_ok(scan(world, &request, NULL, &text, &err), &err);
    assert_string_equal(sorted(world, text), sorted(world, rows));
}

void ice_expect_at(ice_world *world, int64_t snapshot_id, const char *rows) {
    expect(world, &(floe_scan_request){.limit = -1, .at = FLOE_AT_ID, .snapshot_id = snapshot_id}, NULL, rows);
}

void ice_expect_moved(ice_world *world, const char *from, const char *to, const char *rows) {
    expect(world, &(floe_scan_request){.limit = -1}, &(floe_moved){.from = floe_str_of(from), .to = floe_str_of(to)},
           rows);
}

void ice_expect_columns(ice_world *world, const char *columns, const char *rows) {
    floe_str names[16];
    size_t count = 0;
    floe_str rest = floe_str_of(columns);
    while (count < 16 && floe_str_split(&rest, ',', &names[count])) {
        count++;
    }
    expect(world, &(floe_scan_request){.limit = -1, .columns = names, .column_count = count}, NULL, rows);
}

void ice_refused(ice_world *world, floe_code code, const char *part) {
    floe_error err = {0};
    const char *text = NULL;
    assert_code(scan(world, &(floe_scan_request){.limit = -1}, NULL, &text, &err), code);
    assert_message(&err, part);
}

static void expect_query(ice_world *world, const char *select, bool with_position, const char *rows) {
    floe_error err = {0};
    floe_table_scan_files files;
    struct ArrowArrayStream stream = {0};
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_MIB(64));
    ice_table_write(&world->table);
    floe_table *table = ice_open(world->lake, world->table.folder);
    const floe_scan_request request = {.limit = -1};
    assert_ok(floe_table_scan_plan_files(table, &request, NULL, &world->arena, &files, &err), &err);
    floe_buf_printf(&sql, "SELECT ");
    floe_buf_text(&sql, select);
    floe_buf_text(&sql, " FROM ");
    assert_ok(floe_table_scan_sql(table, &files, NULL, 0, with_position, world->session, &sql, &err), &err);
    floe_buf_text(&sql, " AS t");
    assert_ok(floe_session_stream(world->session, sql.ptr, NULL, &stream, &err), &err);
    assert_string_equal(stream_text(&stream, &world->arena), rows);
    floe_table_close(&table);
}

void ice_expect_sql(ice_world *world, const char *select, const char *rows) {
    expect_query(world, select, false, rows);
}

void ice_expect_positions(ice_world *world, const char *rows) {
    expect_query(world, "*", true, rows);
}

floe_scan_plan ice_plan(ice_world *world) {
    floe_error err = {0};
    floe_scan_plan plan;
    ice_table_write(&world->table);
    floe_table *table = ice_open(world->lake, world->table.folder);
    const floe_scan_request request = {.limit = -1};
    assert_ok(floe_table_plan(table, &request, &world->arena, &plan, &err), &err);
    floe_table_close(&table);
    return plan;
}

bool ice_appends_only(ice_world *world, int64_t from_snapshot_id) {
    floe_error err = {0};
    floe_table_scan_files files;
    const floe_ice_data_file *const *appended = NULL;
    size_t count = 0;
    bool appends_only = false;
    ice_table_write(&world->table);
    floe_table *table = ice_open(world->lake, world->table.folder);
    const floe_scan_request request = {.limit = -1};
    assert_ok(floe_table_scan_plan_files(table, &request, NULL, &world->arena, &files, &err), &err);
    assert_ok(floe_table_scan_appended(table, from_snapshot_id, &files, &world->arena, &appends_only, &appended, &count,
                                       &err),
              &err);
    floe_table_close(&table);
    return appends_only;
}
