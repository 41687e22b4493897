/*
 * Building a training set through the library: cancelling at every step, threads, the switch of leak tests, the generated
 * SQL as text, and failing allocations.
 */
#include "core/file.h"
#include "core/limits.h"
#include "tests/offline/import_support.h"
#include "tests/offline/view_support.h"
#include "tests/support/support.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DAY INT64_C(86400000000)

typedef struct fixture {
    import_fixture lake;
    view_fixture view;
    const char *spine;
    char out[400];
    char root[400];
} fixture;

static int open_fixture(void **state) {
    static fixture f;
    import_fixture_open(&f.lake);
    view_fixture_init(&f.view);
    view_fixture_add_sum(&f.view, DAY);
    import_rows_of(&f.lake,
                   "SELECT 'k' || (i % 7) AS k, TIMESTAMP '2020-01-01' + to_hours(i) AS ts, TIMESTAMP '2020-01-01' + "
                   "to_hours(i + 2) AS known, i::BIGINT AS v FROM range(500) r(i)",
                   (floe_import_request){.partition = "day(ts)"});
    f.spine = input_file(
        &f.lake, "spine.parquet",
        "SELECT 'k' || (i % 9) AS k, TIMESTAMP '2020-01-01' + to_hours(i * 5 % 501) AS t, i FROM range(3000) r(i)");
    snprintf(f.out, sizeof(f.out), "%s/out.parquet", f.lake.sql.folder);
    snprintf(f.root, sizeof(f.root), "%s/project", f.lake.sql.folder);
    *state = &f;
    return 0;
}

static int close_fixture(void **state) {
    import_fixture_close(&((fixture *)*state)->lake);
    return 0;
}

static floe_dataset_request request_of(const fixture *f) {
    return (floe_dataset_request){.refs = f->view.refs,
                                  .ref_count = f->view.view.output_count,
                                  .spine = f->spine,
                                  .out = f->out,
                                  .root = f->root};
}

static floe_dataset_result build(fixture *f, const floe_dataset_request *request, const floe_run *run) {
    floe_error err = {0};
    floe_dataset_result result;
    assert_ok(floe_dataset_build(f->lake.lake, request, run, &result, &err), &err);
    return result;
}

/* ---- cancelling ---- */

typedef struct canceller {
    atomic_bool cancelled;
    int calls, cancel_at;
} canceller;

static void count_step(void *context, const char *step, double fraction) {
    (void)step;
    (void)fraction;
    canceller *c = context;
    if (++c->calls == c->cancel_at) {
        atomic_store(&c->cancelled, true);
    }
}

static void dataset__cancelled_at_any_step__leaves_nothing(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    for (int way = 0; way < 3; way++) { /* at once, by SQL, in parts */
        request.by_sql = way == 1;
        request.memory_bytes = way == 2 ? 20000 : 0;
        canceller whole = {.cancel_at = -1};
        size_t before = count_files(f->lake.sql.folder);
        floe_run run = {.cancelled = &whole.cancelled, .progress = count_step, .progress_context = &whole};
        (void)build(f, &request, &run);
        assert_true(whole.calls >= 3);
        assert_ok(floe_file_remove(f->out, NULL), NULL);
        assert_ok(floe_file_remove_all(f->root, NULL), NULL);
        for (int step = 1; step <= whole.calls; step++) {
            canceller c = {.cancel_at = step};
            run.cancelled = &c.cancelled;
            run.progress_context = &c;
            floe_error err = {0};
            floe_dataset_result result;
            floe_status status = floe_dataset_build(f->lake.lake, &request, &run, &result, &err);
            if (status.code != FLOE_CANCELLED) {
                print_error("way %d, step %d of %d: %s\n", way, step, whole.calls, err.message);
            }
            assert_code(status, FLOE_CANCELLED);
            assert_int_equal(count_files(f->lake.sql.folder), before);
        }
    }
}

static void dataset__cancelled_before__does_nothing(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    atomic_bool cancelled = true;
    floe_error err = {0};
    floe_dataset_result result;
    assert_code(floe_dataset_build(f->lake.lake, &request, &(floe_run){.cancelled = &cancelled}, &result, &err),
                FLOE_CANCELLED);
    assert_false(floe_file_exists(f->out));
}

/* ---- the same again ---- */

static void dataset__threads__do_not_change_the_hash(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    floe_dataset_result first = build(f, &request, &(floe_run){.threads = 1});
    for (int threads = 2; threads <= 5; threads++) {
        floe_dataset_result again = build(f, &request, &(floe_run){.threads = threads});
        assert_string_equal(again.content_hash, first.content_hash);
    }
    request.by_sql = true;
    assert_string_equal(build(f, &request, NULL).content_hash, first.content_hash);
}

/* From everything at once down to one part per few rows; the engine itself takes no less than it needs. */
static void dataset__memory__does_not_change_the_hash(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    static const uint64_t memory[] = {FLOE_GIB(1), FLOE_MIB(1), 200000, 30000, 1000, 1};
    for (int as_known = 0; as_known < 2; as_known++) {
        request.as_known = as_known;
        request.memory_bytes = 0;
        floe_dataset_result whole = build(f, &request, NULL);
        for (size_t i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
            request.memory_bytes = memory[i];
            floe_dataset_result parts = build(f, &request, &(floe_run){.threads = 1 + (int)i % 3});
            assert_string_equal(parts.content_hash, whole.content_hash);
            assert_int_equal(parts.ties, whole.ties);
        }
    }
}

static void dataset__ignoring_at__sees_the_row_of_the_label(void **state) {
    fixture *f = *state;
    f->view.view.at_before = true;
    f->spine = input_file(&f->lake, "one.parquet", "SELECT 'k0' AS k, TIMESTAMP '2020-01-01 07:00:00' AS t");
    floe_dataset_request request = request_of(f);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(4));
    floe_buf_printf(&sql, "SELECT v__last FROM '%s'", f->out);
    for (int by_sql = 0; by_sql < 2; by_sql++) {
        request.by_sql = by_sql;
        request.ignore_at = false;
        (void)build(f, &request, NULL);
        assert_string_equal(sql_text(&f->lake.sql, sql.ptr, NULL), "0"); /* row 0, of 00:00; row 7 is at the label */
        request.ignore_at = true;
        (void)build(f, &request, NULL);
        assert_string_equal(sql_text(&f->lake.sql, sql.ptr, NULL), "7");
        request.as_known = true; /* row 7 is known two hours later */
        (void)build(f, &request, NULL);
        assert_string_equal(sql_text(&f->lake.sql, sql.ptr, NULL), "0");
        request.as_known = false;
    }
}

static void dataset__sql_text__gives_the_built_rows(void **state) {
    fixture *f = *state;
    floe_error err = {0};
    floe_dataset_request request = request_of(f);
    request.as_known = true;
    (void)build(f, &request, NULL);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    assert_ok(floe_dataset_sql(f->lake.lake, &request, &sql, &err), &err);
    FLOE_AUTO_BUF read;
    floe_buf_init(&read, FLOE_KIB(4));
    floe_buf_printf(&read, "FROM '%s'", f->out);
    /* Another session, which knows nothing of the build. */
    assert_string_equal(sql_text(&f->lake.sql, sql.ptr, NULL), sql_text(&f->lake.sql, read.ptr, NULL));
}

/* The list of files travels with the session where the engine builds by SQL, and is spelled out for others. */
static void dataset__sql_text_of_many_files__gives_the_built_rows(void **state) {
    fixture *f = *state;
    import_rows_of(
        &f->lake,
        "SELECT 'a' AS k, TIMESTAMP '2020-01-01' + to_days(i) AS ts, TIMESTAMP '2020-01-01' AS known, i::BIGINT AS v "
        "FROM range(80) r(i)",
        (floe_import_request){.mode = FLOE_IMPORT_REPLACE});
    f->spine = input_file(&f->lake, "late.parquet", "SELECT 'a' AS k, TIMESTAMP '2021-01-01' AS t");
    floe_dataset_request request = request_of(f);
    floe_error err = {0};
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    assert_ok(floe_dataset_sql(f->lake.lake, &request, &sql, &err), &err);
    assert_null(strstr(sql.ptr, "getvariable"));
    request.by_sql = true;
    (void)build(f, &request, NULL);
    FLOE_AUTO_BUF read;
    floe_buf_init(&read, FLOE_KIB(4));
    floe_buf_printf(&read, "FROM '%s'", f->out);
    assert_string_equal(sql_text(&f->lake.sql, sql.ptr, NULL), sql_text(&f->lake.sql, read.ptr, NULL));
    floe_buf_clear(&read);
    floe_buf_printf(&read, "SELECT v__last FROM '%s'", f->out);
    assert_string_equal(sql_text(&f->lake.sql, read.ptr, NULL), "79");
}

/* ---- request features ---- */

typedef struct asked_request {
    floe_request_input inputs[2];
    floe_request_feature feature;
    floe_ref refs[8];
    size_t ref_count;
} asked_request;

/* `twice_i`: i * 2 of the spine; with `late` also the view's last value: i * 2 + last. */
static void ask_request(fixture *f, bool late, asked_request *asked) {
    floe_error err = {0};
    floe_arena *arena = &f->lake.sql.arena;
    const floe_type type = {.kind = FLOE_KIND_INT64};
    floe_expr *expression = NULL;
    floe_column columns[2] = {{FLOE_STR("i"), type}, {FLOE_STR("late"), type}};
    *asked =
        (asked_request){.inputs = {{.name = FLOE_STR("i"), .type = type}, {.name = FLOE_STR("late"), .type = type}}};
    asked->inputs[1].feature = f->view.refs[0];
    floe_str text = late ? FLOE_STR("i * 2 + coalesce(late, 0)") : FLOE_STR("i * 2");
    assert_ok(floe_expr_parse(arena, text, &expression, &err), &err);
    assert_ok(floe_expr_bind_value(expression, arena, columns, late ? 2 : 1, &err), &err);
    asked->feature = (floe_request_feature){.about.name = FLOE_STR("twice"),
                                            .inputs = asked->inputs,
                                            .input_count = late ? 2 : 1,
                                            .expression_text = text,
                                            .expression = expression,
                                            .output = {.about.name = FLOE_STR("twice"), .type = type}};
    asked->feature.output.request = &asked->feature;
    asked->refs[asked->ref_count++] = (floe_ref){.output = &asked->feature.output};
    if (late) {
        asked->refs[asked->ref_count++] = f->view.refs[1];
    }
}

static void dataset__sql_text_of_request_features__gives_the_built_rows(void **state) {
    fixture *f = *state;
    for (int late = 0; late < 2; late++) {
        asked_request asked;
        floe_error err = {0};
        floe_dataset_request request = request_of(f);
        ask_request(f, late == 1, &asked);
        request.refs = asked.refs;
        request.ref_count = asked.ref_count;
        (void)build(f, &request, NULL);
        FLOE_AUTO_BUF sql, read;
        floe_buf_init(&sql, FLOE_MIB(1));
        floe_buf_init(&read, FLOE_KIB(4));
        assert_ok(floe_dataset_sql(f->lake.lake, &request, &sql, &err), &err);
        floe_buf_printf(&read, "FROM '%s'", f->out);
        assert_string_equal(sql_text(&f->lake.sql, sql.ptr, NULL), sql_text(&f->lake.sql, read.ptr, NULL));
        floe_buf_clear(&read);
        /* Row 500 has i = 500 and the key k5 at hour 2500 mod 501 = 496; k5's last row is hour 495, as 495 mod 7 = 5. */
        floe_buf_printf(&read, "SELECT twice FROM '%s' WHERE i = 500", f->out);
        assert_string_equal(sql_text(&f->lake.sql, read.ptr, NULL), late ? "1495" : "1000");
    }
}

static void dataset__of_request_features_alone__needs_no_time_and_no_source(void **state) {
    fixture *f = *state;
    asked_request asked;
    floe_error err = {0};
    floe_dataset_request request = request_of(f);
    ask_request(f, false, &asked);
    request.refs = asked.refs;
    request.ref_count = asked.ref_count;
    request.spine = input_file(&f->lake, "timeless.parquet", "SELECT i FROM range(5) r(i)");
    for (int by_sql = 0; by_sql < 2; by_sql++) {
        request.by_sql = by_sql == 1;
        floe_dataset_result result = build(f, &request, NULL);
        assert_int_equal(result.row_count, 5);
        assert_int_equal(result.source_rows, 0);
        FLOE_AUTO_BUF read;
        floe_buf_init(&read, FLOE_KIB(4));
        floe_buf_printf(&read, "SELECT sum(twice) FROM '%s'", f->out);
        assert_string_equal(sql_text(&f->lake.sql, read.ptr, NULL), "20");
    }
    request.ref_count = 0;
    floe_dataset_result result;
    assert_code(floe_dataset_build(f->lake.lake, &request, NULL, &result, &err), FLOE_INVALID);
}

static void dataset__without_root__writes_no_manifest(void **state) {
    fixture *f = *state;
    floe_dataset_request request = request_of(f);
    request.root = NULL;
    floe_dataset_result result = build(f, &request, NULL);
    assert_int_equal(strlen(result.id), 12);
    assert_string_equal(result.manifest_path, "");
    assert_false(floe_file_exists(f->root));
}

/* ---- what the registry does not know yet ---- */

static size_t unlisted(const fixture *f, const char **ret_id) {
    floe_error err = {0};
    const floe_dataset_unlisted *items = NULL;
    size_t count = 0;
    assert_ok(floe_datasets_unlisted(f->root, (floe_arena *)&f->lake.sql.arena, &items, &count, &err), &err);
    *ret_id = count > 0 ? items[0].id : NULL;
    for (size_t i = 0; i < count; i++) {
        assert_non_null(memmem(items[i].manifest.ptr, items[i].manifest.len, items[i].id, strlen(items[i].id)));
        assert_true(floe_file_exists(items[i].manifest_path));
    }
    return count;
}

static void dataset__built__is_unlisted_until_somebody_listed_it(void **state) {
    fixture *f = *state;
    const char *id = NULL;
    floe_error err = {0};
    assert_int_equal(unlisted(f, &id), 0); /* there is no folder yet */
    floe_dataset_request request = request_of(f);
    floe_dataset_result first = build(f, &request, NULL);
    assert_int_equal(unlisted(f, &id), 1);
    assert_string_equal(id, first.id);
    (void)build(f, &request, NULL);
    assert_int_equal(unlisted(f, &id), 2);
    assert_ok(floe_dataset_listed(f->root, first.id, &err), &err);
    assert_int_equal(unlisted(f, &id), 1);
    assert_string_not_equal(id, first.id);
    assert_ok(floe_dataset_listed(f->root, id, &err), &err);
    assert_int_equal(unlisted(f, &id), 0);
    assert_ok(floe_dataset_listed(f->root, first.id, &err), &err); /* by two at once */
}

/* The states of a folder before its file is in place: no manifest yet, or the file not yet renamed. A build that runs holds the
 * note's lock, and loses nothing; of one that is dead nothing stays. */
static void dataset__not_whole__is_not_listed(void **state) {
    fixture *f = *state;
    const char *id = NULL;
    floe_error err = {0};
    FLOE_AUTO_BUF part;
    floe_buf_init(&part, FLOE_KIB(16));
    floe_dataset_request request = request_of(f);
    floe_dataset_result result = build(f, &request, NULL);
    assert_int_equal(unlisted(f, &id), 1);
    const char *note = floe_arena_printf(&f->lake.sql.arena, "%s/.floe/datasets/%s/unlisted", f->root, result.id);
    assert_ok(floe_file_read(note, &part, &err), &err);
    assert_int_equal(part.ptr[0], '/'); /* whoever lists it may stand in another folder */
    int lock = open(note, O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0); /* the build left it when its file was in place */
    assert_ok(floe_file_write(part.ptr, FLOE_STR("rows"), false, &err), &err);
    assert_int_equal(unlisted(f, &id), 0);
    assert_true(floe_file_exists(part.ptr) && floe_file_exists(note));
    assert_ok(floe_file_remove(part.ptr, &err), &err);
    assert_int_equal(unlisted(f, &id), 1);
    assert_ok(floe_file_remove(result.manifest_path, &err), &err);
    assert_int_equal(unlisted(f, &id), 0);
    assert_true(floe_file_exists(note));
    close(lock);
    assert_ok(floe_file_write(part.ptr, FLOE_STR("rows"), false, &err), &err);
    assert_int_equal(unlisted(f, &id), 0);
    assert_false(floe_file_exists(part.ptr) || floe_file_exists(note));
}

/* The only dataset there is, and whether only its table can tell. */
static floe_dataset_unlisted only_one(const fixture *f) {
    floe_error err = {0};
    const floe_dataset_unlisted *items = NULL;
    size_t count = 0;
    assert_ok(floe_datasets_unlisted(f->root, (floe_arena *)&f->lake.sql.arena, &items, &count, &err), &err);
    assert_int_equal(count, 1);
    return items[0];
}

/* A build into a table that dies after its commit leaves its marker: then the table says whether the rows are there. */
static void dataset__a_commit_of_which_nobody_heard__is_asked_of_the_table(void **state) {
    fixture *f = *state;
    floe_error err = {0};
    bool committed = false;
    floe_dataset_request request = request_of(f);
    request.out = "lake.ml.train";
    floe_dataset_result result = build(f, &request, NULL);
    assert_false(only_one(f).is_unsure);
    const char *marker = floe_arena_printf(&f->lake.sql.arena, "%s/.floe/datasets/%s/committing", f->root, result.id);
    assert_ok(floe_file_write(marker, FLOE_STR(""), false, &err), &err);
    floe_dataset_unlisted dataset = only_one(f);
    assert_true(dataset.is_unsure);
    assert_ok(floe_dataset_committed(f->lake.lake, dataset.manifest, &committed, &err), &err);
    assert_true(committed);
    const char *elsewhere = "{\"output\":{\"table\":\"lake.ml.never\",\"snapshot_id\":1}}";
    assert_ok(floe_dataset_committed(f->lake.lake, floe_str_of(elsewhere), &committed, &err), &err);
    assert_false(committed);
    const char *another = "{\"output\":{\"table\":\"lake.ml.train\",\"snapshot_id\":1}}";
    assert_ok(floe_dataset_committed(f->lake.lake, floe_str_of(another), &committed, &err), &err);
    assert_false(committed);
    static const char *const wrong[] = {"", "{", "[]", "{\"output\":null}",
                                        "{\"output\":{\"table\":\"lake.ml.train\"}}"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        floe_error_clear(&err);
        assert_true(floe_failed(floe_dataset_committed(f->lake.lake, floe_str_of(wrong[i]), &committed, &err)));
    }
    floe_error_clear(&err);
    assert_ok(floe_dataset_listed(f->root, result.id, &err), &err);
    assert_false(floe_file_exists(marker));
}

#define with_lake(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

int main(void) {
    const struct CMUnitTest tests[] = {
        with_lake(dataset__cancelled_at_any_step__leaves_nothing),
        with_lake(dataset__cancelled_before__does_nothing),
        with_lake(dataset__threads__do_not_change_the_hash),
        with_lake(dataset__memory__does_not_change_the_hash),
        with_lake(dataset__ignoring_at__sees_the_row_of_the_label),
        with_lake(dataset__sql_text__gives_the_built_rows),
        with_lake(dataset__sql_text_of_many_files__gives_the_built_rows),
        with_lake(dataset__sql_text_of_request_features__gives_the_built_rows),
        with_lake(dataset__of_request_features_alone__needs_no_time_and_no_source),
        with_lake(dataset__without_root__writes_no_manifest),
        with_lake(dataset__built__is_unlisted_until_somebody_listed_it),
        with_lake(dataset__not_whole__is_not_listed),
        with_lake(dataset__a_commit_of_which_nobody_heard__is_asked_of_the_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
