/*
 * Auditing through the library: a build whose guards were switched off is found, as is one that was not asked what was
 * known; a recipe read from manifests that lack something; comparing files.
 */
#include "core/buf.h"
#include "core/file.h"
#include "core/limits.h"
#include "tests/offline/import_support.h"
#include "tests/offline/view_support.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <string.h>

#define DAY INT64_C(86400000000)

typedef struct fixture {
    import_fixture lake;
    view_fixture view;
    floe_arena arena;
    const char *spine;
    char out[400];
    char root[400];
} fixture;

/* Rows of seven keys, one an hour, each known two hours later; labels at exactly the rows' times. */
static int open_fixture(void **state) {
    static fixture f;
    import_fixture_open(&f.lake);
    view_fixture_init(&f.view);
    view_fixture_add_sum(&f.view, DAY);
    floe_arena_init(&f.arena, FLOE_MIB(64));
    import_rows_of(&f.lake,
                   "SELECT 'k' || (i % 7) AS k, TIMESTAMP '2020-01-01' + to_hours(i) AS ts, TIMESTAMP '2020-01-01' + "
                   "to_hours(i + 2) AS known, i::BIGINT AS v FROM range(500) r(i)",
                   (floe_import_request){.partition = "day(ts)"});
    f.spine = input_file(&f.lake, "spine.parquet",
                         "SELECT 'k' || (i % 9) AS k, TIMESTAMP '2020-01-01' + to_hours(i * 5 % 501) AS t, i FROM "
                         "range(600) r(i)");
    snprintf(f.out, sizeof(f.out), "%s/out.parquet", f.lake.sql.folder);
    snprintf(f.root, sizeof(f.root), "%s/project", f.lake.sql.folder);
    *state = &f;
    return 0;
}

static int close_fixture(void **state) {
    fixture *f = *state;
    floe_arena_close(&f->arena);
    import_fixture_close(&f->lake);
    return 0;
}

static floe_dataset_request request_of(const fixture *f) {
    return (floe_dataset_request){.refs = f->view.refs,
                                  .ref_count = f->view.view.output_count,
                                  .spine = f->spine,
                                  .out = f->out,
                                  .root = f->root};
}

static void build(fixture *f, const floe_dataset_request *request) {
    floe_error err = {0};
    floe_dataset_result result;
    assert_ok(floe_dataset_build(f->lake.lake, request, NULL, &result, &err), &err);
}

static floe_dataset_audit audit(fixture *f, floe_dataset_request request, int64_t sample) {
    floe_error err = {0};
    floe_dataset_audit result;
    request.ignore_at = false; /* the audit asks what the definitions say, whatever a build did */
    assert_ok(floe_dataset_audit_file(f->lake.lake, &request, f->out, sample, &f->arena, &result, &err), &err);
    return result;
}

/* ---- leaks ---- */

static void audit__guarded_build__is_proved(void **state) {
    fixture *f = *state;
    for (int i = 0; i < 8; i++) {
        floe_dataset_request request = request_of(f);
        f->view.view.at_before = i % 2 == 1;
        request.as_known = i / 2 % 2 == 1;
        request.by_sql = i / 4 == 1;
        build(f, &request);
        floe_dataset_audit found = audit(f, request, 0);
        assert_int_equal(found.row_count, 600);
        assert_int_equal(found.audited_rows, 600);
        assert_int_equal(found.cell_count, 1200);
        assert_int_equal(found.wrong_cells, 0);
        assert_int_equal(found.view_count, 1);
        /* Labels lie on rows' times: a label's own row is seen at distance 0 unless `before` or what was known forbid it. */
        assert_true(f->view.view.at_before || request.as_known || found.views[0].closest_us == 0);
        assert_true(!request.as_known || found.views[0].closest_us >= 2 * DAY / 24);
        assert_true(!f->view.view.at_before || found.views[0].closest_us > 0);
        assert_true(request.as_known ? found.views[0].closest_known_us >= 0 : found.views[0].closest_known_us == -1);
    }
    f->view.view.at_before = false;
}

static void audit__build_without_the_guards__is_found(void **state) {
    fixture *f = *state;
    f->view.view.at_before = true;
    floe_dataset_request request = request_of(f);
    request.ignore_at = true;
    for (int by_sql = 0; by_sql < 2; by_sql++) {
        request.by_sql = by_sql;
        build(f, &request);
        floe_dataset_audit found = audit(f, request, 0);
        assert_true(found.wrong_cells > 100);
        assert_int_equal(found.finding_count, 10);
        assert_true(floe_str_is(found.findings[0].column, "v__last"));
        /* A sample finds it as well: hundreds of rows are wrong. */
        assert_true(audit(f, request, 40).wrong_cells > 0);
    }
    f->view.view.at_before = false;
}

static void audit__build_that_did_not_ask_what_was_known__is_found(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    build(f, &request);
    request.as_known = true;
    assert_true(audit(f, request, 0).wrong_cells > 100);
}

/* One cell of the file, anywhere, of any column. */
static void audit__one_wrong_cell__is_the_only_finding(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    build(f, &request);
    char copy[500], sql[1400];
    snprintf(copy, sizeof(copy), "%s/copy.parquet", f->lake.sql.folder);
    snprintf(sql, sizeof(sql), "COPY (FROM '%s') TO '%s'", f->out, copy);
    sql_run(&f->lake.sql, sql);
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 12; i++) {
        int row = (int)floe_test_below(&rng, 600);
        const char *column = i % 2 ? "v__total" : "v__last";
        snprintf(
            sql, sizeof(sql),
            "COPY (SELECT * EXCLUDE (n) REPLACE (CASE WHEN n = %d THEN coalesce(%s, 0) + 1 ELSE %s END AS %s) FROM "
            "(SELECT *, row_number() OVER () - 1 AS n FROM '%s')) TO '%s'",
            row, column, column, column, copy, f->out);
        sql_run(&f->lake.sql, sql);
        floe_dataset_audit found = audit(f, request, 0);
        assert_int_equal(found.wrong_cells, 1);
        assert_int_equal(found.finding_count, 1);
        assert_int_equal(found.findings[0].row, row);
        assert_true(floe_str_is(found.findings[0].column, column));
    }
}

static void audit__changed_spine__is_corrupt(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    build(f, &request);
    request.expect_spine = "00";
    floe_error err = {0};
    floe_dataset_audit result;
    assert_code(floe_dataset_audit_file(f->lake.lake, &request, f->out, 0, &f->arena, &result, &err), FLOE_CORRUPT);
    assert_message(&err, "kept spine");
}

/* ---- building again ---- */

static void build__unexpected_content__writes_nothing(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    size_t before = count_files(f->lake.sql.folder);
    floe_error err = {0};
    floe_dataset_result result;
    request.expect_content = "00";
    assert_code(floe_dataset_build(f->lake.lake, &request, NULL, &result, &err), FLOE_CONFLICT);
    assert_message(&err, "nothing was written");
    floe_error_clear(&err);
    request.expect_content = NULL;
    request.expect_spine = "00";
    assert_code(floe_dataset_build(f->lake.lake, &request, NULL, &result, &err), FLOE_CORRUPT);
    assert_int_equal(count_files(f->lake.sql.folder), before);
}

static void build__source_without_a_pin__is_named(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    floe_dataset_pin pin = {.source = FLOE_STR("others"), .snapshot_id = 1, .schema_id = -1};
    request.pins = &pin;
    request.pin_count = 1;
    floe_error err = {0};
    floe_dataset_result result;
    assert_code(floe_dataset_build(f->lake.lake, &request, NULL, &result, &err), FLOE_INVALID);
    assert_message(&err, "events");
    floe_error_clear(&err);
    pin.source = FLOE_STR("events");
    assert_code(floe_dataset_build(f->lake.lake, &request, NULL, &result, &err), FLOE_NOT_FOUND);
    assert_message(&err, "expired");
}

/* ---- recipes ---- */

static floe_status read_recipe(fixture *f, const char *manifest, floe_error *err) {
    floe_dataset_recipe recipe;
    char path[500];
    snprintf(path, sizeof(path), "%s/manifest.json", f->lake.sql.folder);
    return floe_dataset_recipe_read(floe_str_of(manifest), path, &f->arena, &recipe, err);
}

static void recipe__manifest_that_lacks_something__says_what(void **state) {
    fixture *f = *state;
    static const struct {
        const char *manifest, *part;
        floe_code code;
    } cases[] = {
        {"{", "", FLOE_INVALID},
        {"[]", "", FLOE_INVALID},
        {"{\"id\":\"a\",\"content_hash\":\"b\",\"rows\":1,\"definitions_version\":1}", "where its file lies",
         FLOE_UNSUPPORTED},
        {"{\"id\":\"a\",\"path\":\"/o\",\"content_hash\":\"b\",\"rows\":\"1\",\"definitions_version\":1}", "rows",
         FLOE_INVALID},
        {"{\"id\":\"a\",\"path\":\"/o\",\"content_hash\":\"b\",\"rows\":1,\"definitions_version\":1}",
         "which features it holds", FLOE_UNSUPPORTED},
        {"{\"id\":\"a\",\"path\":\"/"
         "o\",\"content_hash\":\"b\",\"rows\":1,\"definitions_version\":1,\"features\":[{\"feature\":"
         "\"v:x\"}]}",
         "which snapshots", FLOE_UNSUPPORTED},
        {"{\"id\":\"a\",\"path\":\"/"
         "o\",\"content_hash\":\"b\",\"rows\":1,\"definitions_version\":1,\"features\":[{\"feature\":"
         "\"v:x\"}],\"sources\":[{\"source\":\"s\",\"snapshot_id\":1}]}",
         "what its spine is", FLOE_UNSUPPORTED},
        {"{\"id\":\"a\",\"path\":\"/"
         "o\",\"content_hash\":\"b\",\"rows\":1,\"definitions_version\":1,\"features\":[{\"feature\":"
         "\"v:x\"}],\"sources\":[{\"source\":\"s\"}]}",
         "snapshot_id", FLOE_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_error err = {0};
        assert_code(read_recipe(f, cases[i].manifest, &err), cases[i].code);
        assert_message(&err, cases[i].part);
    }
}

/* ---- comparing ---- */

static void compare__files__by_place_and_name(void **state) {
    fixture *f = *state;
    const char *a =
        input_file(&f->lake, "a.parquet",
                   "SELECT * FROM (VALUES (1, 'x', 1.5::DOUBLE, NULL), (2, 'y', 'nan'::DOUBLE, 3), (3, 'z', 2, 4)) "
                   "t(i, s, d, n)");
    const char *b =
        input_file(&f->lake, "b.parquet",
                   "SELECT * FROM (VALUES (NULL, 1::BIGINT, 'x', 1.5::DOUBLE), (3, 2, 'Y', 'nan'::DOUBLE), (NULL, "
                   "3, 'z', 2)) t(n, i, s, other)");
    floe_error err = {0};
    const floe_dataset_change *changes;
    size_t count;
    assert_ok(floe_dataset_compare(f->lake.lake, a, b, &f->arena, &changes, &count, &err), &err);
    assert_int_equal(count, 2); /* i is the same whatever its width; d is only in one */
    assert_true(floe_str_is(changes[0].column, "s"));
    assert_int_equal(changes[0].rows, 1);
    assert_int_equal(changes[0].first_row, 1);
    assert_true(floe_str_is(changes[0].before, "y") && floe_str_is(changes[0].after, "Y"));
    assert_true(floe_str_is(changes[1].column, "n"));
    assert_int_equal(changes[1].first_row, 2);
    assert_true(floe_str_is(changes[1].before, "4") && floe_str_is(changes[1].after, "null"));
}

static void compare__what_cannot_be__is_said(void **state) {
    fixture *f = *state;
    const char *a = input_file(&f->lake, "a.parquet", "SELECT 1 AS x FROM range(3)");
    const char *b = input_file(&f->lake, "b.parquet", "SELECT 1 AS x FROM range(4)");
    const char *text = input_file(&f->lake, "c.csv", "SELECT 1 AS x FROM range(3)");
    floe_error err = {0};
    const floe_dataset_change *changes;
    size_t count;
    assert_code(floe_dataset_compare(f->lake.lake, a, b, &f->arena, &changes, &count, &err), FLOE_INVALID);
    assert_message(&err, "4");
    floe_error_clear(&err);
    assert_code(floe_dataset_compare(f->lake.lake, a, text, &f->arena, &changes, &count, &err), FLOE_UNSUPPORTED);
    floe_error_clear(&err);
    assert_code(floe_dataset_compare(f->lake.lake, a, "/nowhere/x.parquet", &f->arena, &changes, &count, &err),
                FLOE_NOT_FOUND);
}

#define with_lake(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_lake(audit__guarded_build__is_proved),
        with_lake(audit__build_without_the_guards__is_found),
        with_lake(audit__build_that_did_not_ask_what_was_known__is_found),
        with_lake(audit__one_wrong_cell__is_the_only_finding),
        with_lake(audit__changed_spine__is_corrupt),
        with_lake(build__unexpected_content__writes_nothing),
        with_lake(build__source_without_a_pin__is_named),
        with_lake(recipe__manifest_that_lacks_something__says_what),
        with_lake(compare__files__by_place_and_name),
        with_lake(compare__what_cannot_be__is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
