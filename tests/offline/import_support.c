/* Helpers of the tests that import; see the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/offline/import_support.h"

#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>

void import_fixture_open(import_fixture *fixture) {
    floe_error err = {0};
    memset(fixture, 0, sizeof *fixture);
    sql_fixture_open(&fixture->sql);
    snprintf(fixture->warehouse, sizeof fixture->warehouse, "%s/warehouse", fixture->sql.folder);
    fixture->definition = (floe_catalog_def){
        .name = FLOE_STR("lake"), .type = FLOE_STR("directory"), .warehouse = floe_str_of(fixture->warehouse)};
    must(floe_lake_open(&fixture->definition, 1, &fixture->sql.run, &fixture->lake, &err), &err);
}

void import_fixture_close(import_fixture *fixture) {
    floe_lake_close(&fixture->lake);
    sql_fixture_close(&fixture->sql);
}

const char *input_file(import_fixture *fixture, const char *name, const char *query) {
    char *path = floe_arena_printf(&fixture->sql.arena, "%s/%s", fixture->sql.folder, name);
    const char *format = strstr(name, ".csv") ? "csv, HEADER true" : strstr(name, "json") ? "json" : "parquet";
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_printf(&sql, "COPY (%s) TO ", query);
    floe_sql_quote_text(&sql, floe_str_of(path));
    floe_buf_printf(&sql, " (FORMAT %s)", format);
    sql_run(&fixture->sql, floe_buf_view(&sql).ptr);
    return path;
}

floe_status import_one(import_fixture *fixture, const char *file, floe_import_request request, floe_error *err) {
    request.files = &file;
    request.file_count = 1;
    request.table = request.table ? request.table : "lake.ns.t";
    return floe_table_import(fixture->lake, &request, &fixture->sql.run, &fixture->result, err);
}

void import_rows_of(import_fixture *fixture, const char *query, floe_import_request request) {
    floe_error err = {0};
    must(import_one(fixture, input_file(fixture, "rows.parquet", query), request, &err), &err);
}

const char *table_text(import_fixture *fixture) {
    floe_error err = {0};
    floe_table *table = NULL;
    struct ArrowArrayStream stream = {0};
    floe_scan_request request = {.limit = -1};
    floe_status status = floe_table_open(fixture->lake, "lake.ns.t", NULL, NULL, &table, &err);
    if (status.code == FLOE_NOT_FOUND) {
        return "";
    }
    must(status, &err);
    must(floe_table_scan(table, &request, &stream, &err), &err);
    const char *text = stream_text(&stream, &fixture->sql.arena);
    floe_table_close(&table);
    return text;
}

const floe_node *table_document(import_fixture *fixture) {
    floe_error err = {0};
    const floe_table_name *names = NULL;
    const floe_node *root = NULL;
    size_t count = 0;
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(16));
    must(floe_table_list(fixture->lake, &fixture->sql.arena, &names, &count, &err), &err);
    assert_int_equal(count, 1);
    must(floe_file_read(names[0].metadata_path, &text, &err), &err);
    must(floe_json_parse(&fixture->sql.arena, floe_arena_str(&fixture->sql.arena, floe_buf_view(&text)), &root, &err),
         &err);
    return root;
}

static size_t count_below(const char *folder, floe_arena *arena) {
    floe_error err = {0};
    const char *const *names = NULL;
    size_t count = 0, files = 0;
    if (!floe_file_is_dir(folder)) {
        return floe_file_exists(folder);
    }
    must(floe_file_list(folder, arena, &names, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        files += count_below(floe_path_join(arena, folder, names[i]), arena);
    }
    return files;
}

size_t count_files(const char *folder) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    return count_below(folder, &arena);
}
