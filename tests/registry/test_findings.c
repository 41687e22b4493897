/*
 * The report of findings: file order, ten lines, 1,900 bytes, and how many more.
 */
#include "core/limits.h"
#include "registry/findings_int.h"
#include "tests/registry/helpers.h"

static floe_arena arena;
static floe_findings findings;

static int setup(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(16));
    findings = (floe_findings){.arena = &arena};
    return 0;
}

static int teardown(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static size_t line_count(const char *text) {
    size_t count = 1;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

static void report__nothing_found__is_ok(void **state) {
    (void)state;
    floe_error err = {0};
    assert_ok(floe_findings_report(&findings, &err), &err);
}

static void report__findings__stand_in_file_order_with_the_first_ones_code(void **state) {
    (void)state;
    floe_error err = {0};
    floe_findings_add(&findings, FLOE_INVALID, (floe_pos){"b.yaml", 1}, "four");
    floe_findings_add(&findings, FLOE_NOT_FOUND, (floe_pos){"a.yaml", 10}, "two");
    floe_findings_add(&findings, FLOE_NOT_FOUND, (floe_pos){"a.yaml", 10}, "three");
    floe_findings_add(&findings, FLOE_UNSUPPORTED, (floe_pos){"a.yaml", 9}, "one of %d", 4);
    assert_code(floe_findings_report(&findings, &err), FLOE_UNSUPPORTED);
    assert_string_equal(err.message, "a.yaml:9: one of 4\na.yaml:10: two\na.yaml:10: three\nb.yaml:1: four");
}

static void report__places_without_line_or_file__are_printed_without(void **state) {
    (void)state;
    floe_error err = {0};
    floe_findings_add(&findings, FLOE_INVALID, (floe_pos){NULL, 0}, "bare");
    floe_findings_add(&findings, FLOE_INVALID, (floe_pos){"a.yaml", 0}, "file");
    assert_code(floe_findings_report(&findings, &err), FLOE_INVALID);
    assert_string_equal(err.message, "bare\na.yaml: file");
}

static void report__ten__are_all_shown_and_eleven_leave_one(void **state) {
    (void)state;
    for (int i = 0; i < 10; i++) {
        floe_findings_add(&findings, FLOE_INVALID, (floe_pos){"a.yaml", i + 1}, "finding");
    }
    floe_error err = {0};
    assert_code(floe_findings_report(&findings, &err), FLOE_INVALID);
    assert_int_equal(line_count(err.message), 10);
    assert_null(strstr(err.message, "more"));
    floe_findings_add(&findings, FLOE_INVALID, (floe_pos){"a.yaml", 11}, "finding");
    floe_error_clear(&err);
    assert_code(floe_findings_report(&findings, &err), FLOE_INVALID);
    assert_int_equal(line_count(err.message), 11);
    assert_message(&err, "a.yaml:10: finding\n… and 1 more");
}

static void report__long_findings__stay_below_1900_bytes_and_count_the_rest(void **state) {
    (void)state;
    char word[400];
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    for (int i = 0; i < 12; i++) {
        floe_findings_add(&findings, FLOE_INVALID, (floe_pos){"a.yaml", i + 1}, "%s", word);
    }
    floe_error err = {0};
    assert_code(floe_findings_report(&findings, &err), FLOE_INVALID);
    assert_true(strlen(err.message) < 1900);
    /* Four lines of 410 and 411 bytes fit below 1,800, so eight are left. */
    assert_int_equal(line_count(err.message), 5);
    assert_message(&err, "… and 8 more");
}

static void report__very_many__are_counted_exactly(void **state) {
    (void)state;
    for (int i = 0; i < 12345; i++) {
        floe_findings_add(&findings, FLOE_INVALID, (floe_pos){"a.yaml", i + 1}, "f");
    }
    floe_error err = {0};
    assert_code(floe_findings_report(&findings, &err), FLOE_INVALID);
    assert_message(&err, "… and 12335 more");
}

static void add__line_breaks_and_long_text__become_one_cut_line(void **state) {
    (void)state;
    floe_findings_add(&findings, FLOE_INVALID, (floe_pos){"a.yaml", 1}, "one\ntwo\r\tthree\x7f");
    floe_error err = {0};
    assert_code(floe_findings_report(&findings, &err), FLOE_INVALID);
    assert_string_equal(err.message, "a.yaml:1: one two  three ");
    char word[1400];
    for (size_t i = 0; i + 3 < sizeof word; i += 3) {
        memcpy(word + i, "日", 3);
    }
    word[1398] = '\0';
    findings = (floe_findings){.arena = &arena};
    floe_findings_add(&findings, FLOE_INVALID, (floe_pos){"a.yaml", 1}, "x%s", word);
    floe_error_clear(&err);
    assert_code(floe_findings_report(&findings, &err), FLOE_INVALID);
    assert_true(floe_str_is_utf8(floe_str_of(err.message)));
    /* 599 bytes hold the x and 199 characters of 3 bytes; the last byte that fits is no whole one. */
    assert_int_equal(strlen(err.message), strlen("a.yaml:1: x") + 597);
}

static void take__an_error__becomes_a_finding_and_is_cleared(void **state) {
    (void)state;
    floe_error inner = {0};
    floe_error err = {0};
    FLOE_IGNORE(FLOE_FAIL(&inner, FLOE_CORRUPT, "broken"));
    assert_ok(floe_findings_take(&findings, (floe_pos){"a.yaml", 3}, "source s", &inner, &err), &err);
    assert_int_equal(inner.code, FLOE_CODE_OK);
    assert_code(floe_findings_report(&findings, &err), FLOE_CORRUPT);
    assert_string_equal(err.message, "a.yaml:3: source s: broken");
}

static void take__no_memory_or_cancelled__is_passed_on(void **state) {
    (void)state;
    static const floe_code codes[] = {FLOE_NOMEM, FLOE_CANCELLED};
    for (size_t i = 0; i < 2; i++) {
        floe_error inner = {0};
        floe_error err = {0};
        FLOE_IGNORE(FLOE_FAIL(&inner, codes[i], "stop"));
        assert_code(floe_findings_take(&findings, (floe_pos){0}, NULL, &inner, &err), codes[i]);
        assert_message(&err, "stop");
    }
    assert_int_equal(findings.count, 0);
}

static void report__full_arena__is_reported_before_anything_else(void **state) {
    (void)state;
    FLOE_AUTO_ARENA tiny = {0};
    floe_arena_init(&tiny, 16);
    findings.arena = &tiny;
    floe_findings_add(&findings, FLOE_INVALID, (floe_pos){"a.yaml", 1}, "longer than sixteen bytes");
    floe_error err = {0};
    assert_code(floe_findings_report(&findings, &err), FLOE_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(report__nothing_found__is_ok, setup, teardown),
        cmocka_unit_test_setup_teardown(report__findings__stand_in_file_order_with_the_first_ones_code, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(report__places_without_line_or_file__are_printed_without, setup, teardown),
        cmocka_unit_test_setup_teardown(report__ten__are_all_shown_and_eleven_leave_one, setup, teardown),
        cmocka_unit_test_setup_teardown(report__long_findings__stay_below_1900_bytes_and_count_the_rest, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(report__very_many__are_counted_exactly, setup, teardown),
        cmocka_unit_test_setup_teardown(add__line_breaks_and_long_text__become_one_cut_line, setup, teardown),
        cmocka_unit_test_setup_teardown(take__an_error__becomes_a_finding_and_is_cleared, setup, teardown),
        cmocka_unit_test_setup_teardown(take__no_memory_or_cancelled__is_passed_on, setup, teardown),
        cmocka_unit_test_setup_teardown(report__full_arena__is_reported_before_anything_else, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
