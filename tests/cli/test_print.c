/*
 * What is printed: tables for people line up by characters, JSON for programs is quoted right, and a stream of rows
 * gives the same in batches of any size.
 */
#include "tests/cli/capture.h"
#include "cli/cli.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include "tests/support/support.h"

#include <fcntl.h>
#include <unistd.h>

static floe_cli *fresh(bool json) {
    static floe_cli cli;
    floe_arena_close(&cli.arena);
    cli = (floe_cli){.json = json};
    floe_arena_init(&cli.arena, FLOE_MIB(64));
    return &cli;
}

static const char *const headings[] = {"name", "rows", "note"};
static const bool is_number[] = {false, true, false};

static const char *print_rows(bool json, const char *const rows[][3], size_t count) {
    static capture out;
    floe_error err = {0};
    cli_table table;
    cli_table_begin(&table, fresh(json), headings, is_number, 3);
    for (size_t i = 0; i < count; i++) {
        cli_table_row(&table, rows[i]);
    }
    capture_begin(&out, stdout);
    floe_status status = cli_table_end(&table, &err);
    const char *text = capture_end(&out);
    assert_ok(status, &err);
    return text;
}

static void table__columns_are_as_wide_as_their_widest_cell(void **state) {
    (void)state;
    static const char *const rows[][3] = {{"flights", "3000000", "a"}, {"t", "7", NULL}};
    assert_string_equal(print_rows(false, rows, 2), "name        rows  note\n"
                                                    "flights  3000000  a\n"
                                                    "t              7  \n");
}

static void table__width_is_counted_in_characters(void **state) {
    (void)state;
    static const char *const rows[][3] = {{"Zürich", "1", ""}, {"abcdef", "2", ""}};
    assert_string_equal(print_rows(false, rows, 2), "name    rows  note\n"
                                                    "Zürich     1  \n"
                                                    "abcdef     2  \n");
}

static void table__without_rows__has_headings_or_an_empty_array(void **state) {
    (void)state;
    assert_string_equal(print_rows(false, NULL, 0), "name  rows  note\n");
    assert_string_equal(print_rows(true, NULL, 0), "[]\n");
}

static void table__as_json__quotes_texts_and_leaves_numbers(void **state) {
    (void)state;
    static const char *const rows[][3] = {{"a\"b\\\n", "12", NULL}, {"é", NULL, ""}};
    assert_string_equal(print_rows(true, rows, 2), "[{\"name\":\"a\\\"b\\\\\\n\",\"rows\":12,\"note\":null},"
                                                   "{\"name\":\"é\",\"rows\":null,\"note\":\"\"}]\n");
}

static void table__control_characters__never_reach_the_terminal(void **state) {
    (void)state;
    static const char *const rows[][3] = {{"a\033[2Jb", "1", "x\ty"}};
    assert_string_equal(print_rows(false, rows, 1), "name    rows  note\n"
                                                    "a [2Jb     1  x y\n");
}

/* What is left as it is, and what becomes an escape a byte. U+009B begins a command of a terminal as ESC [ does; U+202E
 * and its kin turn what is read next. */
static void message__what_commands_a_terminal__is_escaped(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"plain, \xC3\xA9\xE4\xB8\x96\xF0\x9F\x98\x80", "plain, \xC3\xA9\xE4\xB8\x96\xF0\x9F\x98\x80"},
        {"two\nlines", "two\nlines"},
        {"a\x1B[31mb\tc\r", "a\\x1b[31mb\\x09c\\x0d"},
        {"\x7F", "\\x7f"},
        {"\xC2\x9B", "\\xc2\\x9b"},
        {"\xC2\xA0", "\xC2\xA0"},
        {"\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\x8F\xD8\x9C", "\\xe2\\x80\\xae\\xe2\\x81\\xa6\\xe2\\x80\\x8f\\xd8\\x9c"},
        {"\xE2\x80\xA6", "\xE2\x80\xA6"},
        {"\xFF\xFE", "\\xff\\xfe"},
        {"\xC3", "\\xc3"},
        {"\xE4\xB8", "\\xe4\\xb8"},
        {"\xED\xA0\x80", "\\xed\\xa0\\x80"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, FLOE_KIB(4));
        cli_put_message(&out, floe_str_of(cases[i][0]));
        assert_string_equal(floe_buf_view(&out).ptr ? floe_buf_view(&out).ptr : "", cases[i][1]);
    }
}

static void table__lines_of_the_last_cell__start_below_each_other(void **state) {
    (void)state;
    static const char *const rows[][3] = {{"n", "1", "first\nsecond\nthird"}, {"m", "2", "one"}};
    assert_string_equal(print_rows(false, rows, 2), "name  rows  note\n"
                                                    "n        1  first\n"
                                                    "            second\n"
                                                    "            third\n"
                                                    "m        2  one\n");
}

static void object__values_are_json_and_missing_ones_null(void **state) {
    (void)state;
    static capture out;
    floe_error err = {0};
    floe_cli *cli = fresh(true);
    capture_begin(&out, stdout);
    floe_status status = cli_write_object(cli, &err, "a", cli_i64(cli, -5), "b", cli_quoted(cli, FLOE_STR("x\"y")), "c",
                                          (const char *)NULL, "d", "true", NULL);
    const char *text = capture_end(&out);
    assert_ok(status, &err);
    assert_string_equal(text, "{\"a\":-5,\"b\":\"x\\\"y\",\"c\":null,\"d\":true}\n");
}

static void numbers__are_grouped_by_three(void **state) {
    (void)state;
    floe_cli *cli = fresh(false);
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0"},
                 {999, "999"},
                 {1000, "1,000"},
                 {-999, "-999"},
                 {-1000, "-1,000"},
                 {1234567, "1,234,567"},
                 {INT64_MAX, "9,223,372,036,854,775,807"},
                 {INT64_MIN, "-9,223,372,036,854,775,808"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(cli_count(cli, cases[i].value), cases[i].text);
    }
    assert_string_equal(cli_many(cli, 1, "row", "rows"), "1 row");
    assert_string_equal(cli_many(cli, 0, "row", "rows"), "0 rows");
    assert_string_equal(cli_many(cli, 1000, "row", "rows"), "1,000 rows");
}

static void bytes__have_the_largest_unit_that_leaves_a_whole_digit(void **state) {
    (void)state;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {{0, "0 B"},         {999, "999 B"},         {1000, "1.0 kB"},     {999949, "999.9 kB"},
                 {999950, "1.0 MB"}, {6268793856, "6.3 GB"}, {INT64_MAX, "9.2 EB"}};
    floe_cli *cli = fresh(false);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_string_equal(cli_bytes(cli, cases[i].value), cases[i].text);
    }
}

static void ages__are_said_in_the_unit_that_fits(void **state) {
    (void)state;
    floe_cli *cli = fresh(false);
    static const struct {
        int64_t seconds;
        const char *text;
    } cases[] = {{-5, "0s"},
                 {0, "0s"},
                 {119, "119s"},
                 {120, "2m"},
                 {7199, "119m"},
                 {7200, "2h"},
                 {2 * 86400 - 1, "47h"},
                 {2 * 86400, "2d"},
                 {1000 * 86400, "1000d"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_string_equal(cli_age(cli, cases[i].seconds * FLOE_US_PER_SECOND), cases[i].text);
    }
    assert_string_equal(cli_seconds(cli, 1240000), "1.24 s");
    assert_string_equal(cli_seconds(cli, 12000), "0.012 s");
    assert_string_equal(cli_seconds(cli, 75250000), "75.2 s");
    assert_string_equal(cli_time(cli, 0), "1970-01-01T00:00:00Z");
}

/* ---- streams ---- */

static const floe_column row_columns[] = {{{"n", 1}, {.kind = FLOE_KIND_INT64}},
                                          {{"text", 4}, {.kind = FLOE_KIND_STRING}}};

/* Rows (first, texts[first % 4]), (first + 1, …) … in one batch. */
static void make_batch(int64_t first, int64_t count, struct ArrowArray *ret_batch) {
    static const char *const texts[] = {"plain", NULL, "tab\there\nand line", "{\"json\":1}"};
    floe_error err = {0};
    floe_arrow_builder *builder = NULL;
    assert_ok(floe_arrow_builder_open(row_columns, 2, &builder, &err), &err);
    for (int64_t i = first; i < first + count; i++) {
        const char *text = texts[i % 4];
        floe_value values[2] = {{.type = row_columns[0].type}, {.type = row_columns[1].type}};
        values[0].as.integer = i;
        values[1].is_null = text == NULL;
        values[1].as.bytes = floe_str_of(text ? text : "");
        assert_ok(floe_arrow_builder_row(builder, values, &err), &err);
    }
    assert_ok(floe_arrow_builder_finish(builder, ret_batch, &err), &err);
    floe_arrow_builder_close(&builder);
}

/* Prints `total` rows in batches of these sizes, in turn. */
static const char *print_stream(floe_cli *cli, const int64_t *sizes, size_t size_count, int64_t total) {
    static capture out, err_out;
    static struct ArrowArray batches[64];
    struct ArrowSchema schema = {0};
    struct ArrowArrayStream stream = {0};
    floe_error err = {0};
    size_t count = 0;
    for (int64_t at = 0, i = 0; at < total; i++) {
        int64_t size = sizes[(size_t)i % size_count] < total - at ? sizes[(size_t)i % size_count] : total - at;
        assert_true(count < 64);
        make_batch(at, size, &batches[count++]);
        at += size;
    }
    assert_ok(floe_arrow_schema_make(row_columns, 2, &schema, &err), &err);
    assert_ok(floe_arrow_stream_of_batches(&schema, batches, count, &stream, &err), &err);
    capture_begin(&out, stdout);
    capture_begin(&err_out, stderr);
    floe_status status = cli_print_stream(cli, &stream, &err);
    const char *notes = capture_end(&err_out);
    const char *text = capture_end(&out);
    floe_arrow_stream_release(&stream);
    assert_ok(status, &err);
    char want[32];
    snprintf(want, sizeof(want), "%lld %s\n", (long long)total, total == 1 ? "row" : "rows");
    assert_string_equal(notes, cli->json ? "" : want);
    return text;
}

static const char five_rows[] = "n  text\n"
                                "0  plain\n"
                                "1  \n"
                                "2  tab here and line\n"
                                "3  {\"json\":1}\n"
                                "4  plain\n";

static void stream__as_a_table__is_the_same_in_batches_of_any_size(void **state) {
    (void)state;
    static const int64_t ones[] = {1}, mixed[] = {0, 2, 0, 1}, all[] = {5};
    assert_string_equal(print_stream(fresh(false), all, 1, 5), five_rows);
    assert_string_equal(print_stream(fresh(false), ones, 1, 5), five_rows);
    assert_string_equal(print_stream(fresh(false), mixed, 4, 5), five_rows);
}

static void stream__without_rows__has_its_headings(void **state) {
    (void)state;
    static const int64_t any[] = {1};
    assert_string_equal(print_stream(fresh(false), any, 1, 0), "n  text\n");
    assert_string_equal(print_stream(fresh(true), any, 1, 0), "");
}

static void stream__as_json__is_an_object_a_line(void **state) {
    (void)state;
    static const int64_t sizes[] = {2};
    assert_string_equal(print_stream(fresh(true), sizes, 1, 4), "{\"n\":0,\"text\":\"plain\"}\n"
                                                                "{\"n\":1,\"text\":null}\n"
                                                                "{\"n\":2,\"text\":\"tab\\there\\nand line\"}\n"
                                                                "{\"n\":3,\"text\":\"{\\\"json\\\":1}\"}\n");
}

static floe_status failing_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    (void)context;
    return floe_arrow_schema_make(row_columns, 2, ret_schema, err);
}

static floe_status failing_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    int *calls = context;
    if ((*calls)++ > 0) {
        return FLOE_FAIL(err, FLOE_CORRUPT, "file x.parquet is cut off");
    }
    make_batch(0, 2, ret_batch);
    return FLOE_OK;
}

static void nothing_to_close(void *context) {
    (void)context;
}

static void stream__failing_after_some_rows__gives_its_error(void **state) {
    (void)state;
    static const floe_stream_source source = {failing_schema, failing_next, nothing_to_close};
    static capture out, notes;
    int calls = 0;
    floe_error err = {0};
    struct ArrowArrayStream stream = {0};
    assert_ok(floe_arrow_stream_make(&source, &calls, &stream, &err), &err);
    capture_begin(&out, stdout);
    capture_begin(&notes, stderr);
    floe_status status = cli_print_stream(fresh(false), &stream, &err);
    assert_string_equal(capture_end(&notes), ""); /* no "2 rows" as if that were all */
    assert_string_equal(capture_end(&out), "n  text\n0  plain\n1  \n");
    floe_arrow_stream_release(&stream);
    assert_code(status, FLOE_CORRUPT);
    assert_message(&err, "x.parquet is cut off");
}

/* ---- what cannot be written ---- */

static void write__to_a_full_disk__is_an_error_that_says_so(void **state) {
    (void)state;
    floe_error err = {0};
    assert_int_equal(fflush(stdout), 0);
    int saved = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY);
    assert_true(saved >= 0 && full >= 0);
    assert_true(dup2(full, STDOUT_FILENO) >= 0);
    floe_status status = cli_write(FLOE_STR("x\n"), &err);
    status = floe_failed(status) ? status : cli_flush(&err);
    assert_true(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
    close(full);
    clearerr(stdout);
    assert_code(status, FLOE_IO);
    assert_message(&err, "No space left on device");
}

/* ---- progress ---- */

static void progress__without_a_terminal__draws_nothing(void **state) {
    (void)state;
    static capture out;
    floe_cli *cli = fresh(false);
    capture_begin(&out, stderr);
    cli_progress_begin(cli);
    bool wired = cli->run.progress != NULL;
    cli_progress_step(cli, "reading", 0.5);
    assert_false(floe_failed(cli_progress_end(cli, FLOE_OK)));
    assert_string_equal(capture_end(&out), "");
    assert_false(wired);
}

static void ignore_progress(void *context, const char *step, double fraction) {
    (void)context;
    (void)step;
    (void)fraction;
}

static void progress__on_a_terminal__is_one_line_and_taken_away(void **state) {
    (void)state;
    static capture out;
    floe_cli *cli = fresh(false);
    cli->run.progress = ignore_progress; /* as if stderr were a terminal */
    capture_begin(&out, stderr);
    cli_progress_step(cli, "reading", -1);
    cli_progress_step(cli, "reading", -1);
    cli_progress_step(cli, "writing", 0.25);
    cli_progress_step(cli, "joining", 7);
    floe_status failed = {FLOE_CANCELLED};
    assert_int_equal(cli_progress_end(cli, failed).code, FLOE_CANCELLED);
    assert_false(floe_failed(cli_progress_end(cli, FLOE_OK)));
    assert_string_equal(capture_end(&out), "\r\033[Kreading …\r\033[Kwriting: 25 %\r\033[Kjoining: 100 %\r\033[K");
}

static void progress__a_step_of_any_length__is_cut(void **state) {
    (void)state;
    static capture out;
    char step[1000];
    memset(step, 'x', sizeof(step) - 1);
    step[sizeof(step) - 1] = '\0';
    floe_cli *cli = fresh(false);
    cli->run.progress = ignore_progress;
    capture_begin(&out, stderr);
    cli_progress_step(cli, step, 0.5);
    (void)cli_progress_end(cli, FLOE_OK).code;
    assert_true(strlen(capture_end(&out)) < 130);
}

/* A step of which rows are counted: half a million of a million rows in two seconds, so as many seconds are left. Nothing is drawn
 * twice within a tenth of a second, and no rate is told of less than a fifth. */
static void progress__rows__have_a_bar_a_rate_and_the_rest(void **state) {
    (void)state;
    static capture out;
    static const char step[] = "reading sources";
    const int64_t begin_us = 5 * FLOE_US_PER_SECOND;
    floe_cli *cli = fresh(false);
    cli->run.progress = ignore_progress;
    capture_begin(&out, stderr);
    cli_progress_rows(cli, step, 0, 1000000, begin_us);
    cli_progress_rows(cli, step, 100000, 1000000, begin_us + FLOE_US_PER_SECOND / 10 - 1);
    cli_progress_rows(cli, step, 100000, 1000000, begin_us + FLOE_US_PER_SECOND / 5 - 1);
    cli_progress_rows(cli, step, 500000, 1000000, begin_us + 2 * FLOE_US_PER_SECOND);
    (void)cli_progress_end(cli, FLOE_OK).code;
    assert_string_equal(capture_end(&out),
                        "\r\033[Kreading sources: [                    ] 0 %"
                        "\r\033[Kreading sources: [##                  ] 10 %"
                        "\r\033[Kreading sources: [##########          ] 50 %, 250 k rows/s, 2 s left"
                        "\r\033[K");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(progress__rows__have_a_bar_a_rate_and_the_rest),
        cmocka_unit_test(table__columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(table__width_is_counted_in_characters),
        cmocka_unit_test(table__without_rows__has_headings_or_an_empty_array),
        cmocka_unit_test(table__as_json__quotes_texts_and_leaves_numbers),
        cmocka_unit_test(table__control_characters__never_reach_the_terminal),
        cmocka_unit_test(message__what_commands_a_terminal__is_escaped),
        cmocka_unit_test(table__lines_of_the_last_cell__start_below_each_other),
        cmocka_unit_test(object__values_are_json_and_missing_ones_null),
        cmocka_unit_test(numbers__are_grouped_by_three),
        cmocka_unit_test(bytes__have_the_largest_unit_that_leaves_a_whole_digit),
        cmocka_unit_test(ages__are_said_in_the_unit_that_fits),
        cmocka_unit_test(stream__as_a_table__is_the_same_in_batches_of_any_size),
        cmocka_unit_test(stream__without_rows__has_its_headings),
        cmocka_unit_test(stream__as_json__is_an_object_a_line),
        cmocka_unit_test(stream__failing_after_some_rows__gives_its_error),
        cmocka_unit_test(write__to_a_full_disk__is_an_error_that_says_so),
        cmocka_unit_test(progress__without_a_terminal__draws_nothing),
        cmocka_unit_test(progress__on_a_terminal__is_one_line_and_taken_away),
        cmocka_unit_test(progress__a_step_of_any_length__is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
