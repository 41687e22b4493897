/* Helpers of the tests that ask the engine; see the header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/offline/sql_support.h"

#include "core/file.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must(floe_status status, const floe_error *err) {
    if (floe_failed(status)) {
        fail_msg("%s: %s (%s:%d)", floe_code_describe(status.code)->name, err ? err->message : "",
                 err && err->file ? err->file : "", err ? err->line : 0);
    }
}

void sql_fixture_open(sql_fixture *fixture) {
    floe_error err = {0};
    memset(fixture, 0, sizeof *fixture);
    floe_arena_init(&fixture->arena, FLOE_GIB(1));
    fixture->run.cancelled = &fixture->cancelled;
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/floe-test-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    must(floe_engine_open(2, 0, NULL, &fixture->engine, &err), &err);
    must(floe_session_open(fixture->engine, &fixture->run, &fixture->session, &err), &err);
}

void sql_fixture_close(sql_fixture *fixture) {
    floe_session_close(&fixture->session);
    floe_engine_close(&fixture->engine);
    floe_arena_close(&fixture->arena);
    FLOE_IGNORE(floe_file_remove_all(fixture->folder, NULL));
}

int sql_fixture_set_up(void **state) {
    static sql_fixture fixture;
    sql_fixture_open(&fixture);
    *state = &fixture;
    return 0;
}

int sql_fixture_tear_down(void **state) {
    sql_fixture_close(*state);
    return 0;
}

void sql_run(sql_fixture *fixture, const char *sql) {
    floe_error err = {0};
    must(floe_session_run(fixture->session, sql, NULL, NULL, &err), &err);
}

static void print_rows(const struct ArrowSchema *schema, const struct ArrowArray *batch, floe_arena *arena,
                       floe_buf *out) {
    floe_error err = {0};
    for (int64_t row = 0; row < batch->length; row++) {
        floe_buf_text(out, out->len > 0 ? ";" : "");
        for (int64_t column = 0; column < schema->n_children; column++) {
            floe_arrow_view view;
            floe_value value;
            must(floe_arrow_view_of(schema, batch, column, &view, &err), &err);
            must(floe_arrow_get(&view, row, arena, &value, &err), &err);
            floe_buf_text(out, column ? "|" : "");
            if (value.is_null) {
                floe_buf_text(out, "∅");
            } else {
                floe_value_print(&value, out);
            }
        }
    }
}

const char *stream_text(struct ArrowArrayStream *stream, floe_arena *arena) {
    floe_error err = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(256));
    must(floe_arrow_stream_schema(stream, "test", &schema, &err), &err);
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        must(floe_arrow_stream_next(stream, "test", &batch, &err), &err);
        if (!batch.release) {
            break;
        }
        print_rows(&schema, &batch, arena, &out);
    }
    floe_arrow_stream_release(stream);
    return floe_arena_strndup(arena, floe_buf_view(&out).ptr, out.len);
}

const char *sql_text(sql_fixture *fixture, const char *sql, const floe_sql_params *params) {
    floe_error err = {0};
    struct ArrowArrayStream stream = {0};
    must(floe_session_stream(fixture->session, sql, params, &stream, &err), &err);
    return stream_text(&stream, &fixture->arena);
}
