/*
 * What the tests of scans share: a table whose files are written by the engine, and its rows as text.
 */
#ifndef FLOE_TESTS_OFFLINE_SCAN_SUPPORT_H
#define FLOE_TESTS_OFFLINE_SCAN_SUPPORT_H

#include "tests/offline/ice_support.h"
#include "tests/offline/sql_support.h"

#include "offline/iceberg/scan.h"

#include <stdio.h>
#include <sys/stat.h>

#define FIELD(id, name, type) "{\"id\":" id ",\"name\":\"" name "\",\"required\":false,\"type\":" type "}"
#define SCHEMA(id, fields) "{\"schema-id\":" id ",\"type\":\"struct\",\"fields\":[" fields "]}"
#define UNPARTITIONED "[{\"spec-id\":0,\"fields\":[]}]"

static floe_arena arena;
static floe_lake *lake;
static floe_session *session;
static ice_table built;

static inline int set_up(void **state) {
    (void)state;
    floe_error err = {0};
    floe_engine *engine = NULL;
    floe_arena_init(&arena, FLOE_MIB(256));
    lake = ice_lake();
    assert_ok(floe_lake_engine(lake, &engine, &err), &err);
    assert_ok(floe_session_open(engine, NULL, &session, &err), &err);
    ice_table_init(&built, "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "s", "\"string\"")) "]",
                   UNPARTITIONED, "");
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    floe_session_close(&session);
    floe_lake_close(&lake);
    ice_table_close(&built);
    floe_arena_close(&arena);
    return 0;
}

static inline void run(const char *sql) {
    floe_error err = {0};
    assert_ok(floe_session_run(session, sql, NULL, NULL, &err), &err);
}

/* Writes `select` into a file of the table's folder; ids: "a: 1, b: 2", "" for none. Returns its path. */
static const char *parquet(const char *name, const char *select, const char *ids) {
    const char *path = ice_path(built.folder, name);
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_printf(&sql, "COPY (%s) TO ", select);
    floe_sql_quote_text(&sql, floe_str_of(path));
    floe_buf_printf(&sql, " (FORMAT parquet%s%s%s)", ids[0] ? ", FIELD_IDS {" : "", ids, ids[0] ? "}" : "");
    run(sql.ptr);
    return path;
}

static inline ice_entry added(const char *path) {
    return (ice_entry){
        .status = 1, .snapshot_id = -1, .sequence_number = -1, .path = path, .record_count = 2, .file_len = 100};
}

static inline void add_file(const char *path) {
    ice_entry entry = added(path);
    ice_table_add(&built, "append", 0, &entry, 1);
}

static inline floe_status scan(const floe_scan_request *request, const char **ret_text, floe_error *err) {
    struct ArrowArrayStream stream = {0};
    floe_table *table = NULL;
    FLOE_TRY(floe_table_open(lake, built.folder, NULL, NULL, &table, err));
    floe_status status = floe_table_scan(table, request, &stream, err);
    if (!floe_failed(status)) {
        *ret_text = stream_text(&stream, &arena);
    }
    floe_table_close(&table);
    return status;
}

/* Rows as "a|b;c|d": see sql_support.h. */
static inline void expect_rows(const char *where, const char *rows) {
    floe_error err = {0};
    const char *text = NULL;
    floe_scan_request request = {.limit = -1, .where = where, .engine_where = true};
    assert_ok(scan(&request, &text, &err), &err);
    assert_string_equal(text, rows);
}

static inline void expect_refused(const char *where, floe_code code, const char *part) {
    floe_error err = {0};
    const char *text = NULL;
    floe_scan_request request = {.limit = -1, .where = where};
    assert_code(scan(&request, &text, &err), code);
    assert_message(&err, part);
}

/* The same through a CSV file, for types that only printers know. */
static inline void expect_csv(const floe_scan_request *request, const char *want) {
    floe_error err = {0};
    int64_t rows = 0;
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, FLOE_MIB(1));
    const char *path = ice_path(built.folder, "out.csv");
    floe_table *table = ice_open(lake, built.folder);
    assert_ok(floe_table_scan_to(table, request, path, &rows, &err), &err);
    assert_ok(floe_file_read(path, &text, &err), &err);
    assert_string_equal(text.ptr, want);
    floe_table_close(&table);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
