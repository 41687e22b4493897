/* core/error: the table of codes, first error wins, prefixes, cut messages, assertions. */
#include "tests/support/support.h"

#include "core/str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void code_table__every_code__has_a_row_of_its_own(void **state) {
    (void)state;
    for (unsigned code = 0; code < FLOE_CODE_COUNT; code++) {
        const floe_code_info *info = floe_code_describe((floe_code)code);
        assert_non_null(info->name);
        for (unsigned other = 0; other < code; other++) {
            assert_string_not_equal(info->name, floe_code_describe((floe_code)other)->name);
            assert_int_not_equal(info->exit_code, floe_code_describe((floe_code)other)->exit_code);
        }
    }
}

/* The statuses are those of RFC 9110, section 15; exit codes 1 and 2 belong to others (see error.c). */
static void code_table__http_and_exit__are_the_documented_ones(void **state) {
    (void)state;
    static const struct {
        floe_code code;
        const char *name;
        int http_status;
        int exit_code;
        bool retriable;
    } rows[] = {
        {FLOE_CODE_OK, "OK", 200, 0, false},
        {FLOE_INVALID, "INVALID", 400, 3, false},
        {FLOE_NOT_FOUND, "NOT_FOUND", 404, 4, false},
        {FLOE_CONFLICT, "CONFLICT", 409, 5, false},
        {FLOE_LIMIT, "LIMIT", 413, 6, false},
        {FLOE_NOMEM, "NOMEM", 503, 7, true},
        {FLOE_TIMEOUT, "TIMEOUT", 504, 8, true},
        {FLOE_UNAVAILABLE, "UNAVAILABLE", 503, 9, true},
        {FLOE_IO, "IO", 500, 10, false},
        {FLOE_CORRUPT, "CORRUPT", 500, 11, false},
        {FLOE_UNSUPPORTED, "UNSUPPORTED", 501, 12, false},
        {FLOE_DENIED, "DENIED", 403, 13, false},
        {FLOE_CANCELLED, "CANCELLED", 503, 14, false},
        {FLOE_INTERNAL, "INTERNAL", 500, 15, false},
    };
    assert_int_equal(sizeof(rows) / sizeof(rows[0]), FLOE_CODE_COUNT);
    for (size_t i = 0; i < FLOE_CODE_COUNT; i++) {
        const floe_code_info *info = floe_code_describe(rows[i].code);
        assert_int_equal(rows[i].code, i);
        assert_string_equal(info->name, rows[i].name);
        assert_int_equal(info->http_status, rows[i].http_status);
        assert_int_equal(info->exit_code, rows[i].exit_code);
        assert_int_equal(info->retriable, rows[i].retriable);
    }
}

static void code_describe__unknown_value__is_internal(void **state) {
    (void)state;
    assert_string_equal(floe_code_describe((floe_code)FLOE_CODE_COUNT)->name, "INTERNAL");
    assert_string_equal(floe_code_describe((floe_code)1000)->name, "INTERNAL");
}

static floe_status open_something(floe_error *err) {
    errno = ENOENT;
    return FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot open %s", "x.parquet");
}

static void set__fresh_error__is_filled_with_place_and_errno(void **state) {
    (void)state;
    floe_error err = {0};
    assert_code(open_something(&err), FLOE_IO);
    assert_int_equal(err.code, FLOE_IO);
    assert_int_equal(err.sys_errno, ENOENT);
    assert_string_equal(err.message, "cannot open x.parquet");
    assert_non_null(strstr(err.file, "test_error.c"));
    assert_true(err.line > 0);
    assert_false(err.retriable);
}

static void set__second_error__keeps_the_first_and_returns_its_code(void **state) {
    (void)state;
    floe_error err = {0};
    assert_code(FLOE_FAIL(&err, FLOE_TIMEOUT, "first"), FLOE_TIMEOUT);
    assert_code(FLOE_FAIL(&err, FLOE_CORRUPT, "second"), FLOE_TIMEOUT);
    assert_string_equal(err.message, "first");
    assert_true(err.retriable);
}

static void set__null_error__still_gives_the_code(void **state) {
    (void)state;
    assert_code(FLOE_FAIL(NULL, FLOE_DENIED, "nobody reads this"), FLOE_DENIED);
}

static void clear__after_failure__can_be_filled_again(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_IGNORE(open_something(&err));
    floe_error_clear(&err);
    assert_int_equal(err.code, FLOE_CODE_OK);
    assert_string_equal(err.message, "");
    assert_code(FLOE_FAIL(&err, FLOE_LIMIT, "again"), FLOE_LIMIT);
    floe_error_clear(NULL);
}

static floe_status try_twice(int *steps, floe_error *err) {
    FLOE_TRY(FLOE_OK);
    *steps = 1;
    FLOE_TRY(FLOE_FAIL(err, FLOE_CONFLICT, "stop here"));
    *steps = 2;
    return FLOE_OK;
}

static void try__failure__returns_before_the_next_step(void **state) {
    (void)state;
    int steps = 0;
    floe_error err = {0};
    assert_code(try_twice(&steps, &err), FLOE_CONFLICT);
    assert_int_equal(steps, 1);
}

static floe_status ensure_even(int number, floe_error *err) {
    FLOE_ENSURE(number % 2 == 0, err, FLOE_INVALID, "%d is odd", number);
    return FLOE_OK;
}

static void ensure__condition__decides(void **state) {
    (void)state;
    floe_error err = {0};
    assert_ok(ensure_even(2, &err), &err);
    assert_code(ensure_even(3, &err), FLOE_INVALID);
    assert_string_equal(err.message, "3 is odd");
}

static void prefix__set_error__reads_outside_in(void **state) {
    (void)state;
    floe_error err = {0};
    floe_status status = FLOE_FAIL(&err, FLOE_NOT_FOUND, "no column \"dealy\"");
    assert_code(floe_error_prefix(&err, status, "%s:%d", "features/a.yaml", 12), FLOE_NOT_FOUND);
    assert_string_equal(err.message, "features/a.yaml:12: no column \"dealy\"");
}

static void prefix__success__changes_nothing(void **state) {
    (void)state;
    floe_error err = {0};
    assert_code(floe_error_prefix(&err, FLOE_OK, "outer"), FLOE_CODE_OK);
    assert_string_equal(err.message, "");
    FLOE_IGNORE(FLOE_FAIL(&err, FLOE_IO, "inner"));
    assert_code(floe_error_prefix(&err, FLOE_OK, "outer"), FLOE_CODE_OK);
    assert_string_equal(err.message, "inner");
}

static void prefix__null_error__passes_the_status(void **state) {
    (void)state;
    assert_code(floe_error_prefix(NULL, FLOE_FAIL(NULL, FLOE_IO, "x"), "outer"), FLOE_IO);
}

static void append_line__several_findings__are_lines(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_IGNORE(FLOE_FAIL(&err, FLOE_INVALID, "a.yaml:1: one"));
    floe_error_append_line(&err, "a.yaml:%d: two", 2);
    floe_error_append_line(NULL, "nobody");
    assert_string_equal(err.message, "a.yaml:1: one\na.yaml:2: two");
}

static void append_line__full_message__stays_within_its_room(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_IGNORE(FLOE_FAIL(&err, FLOE_INVALID, "start"));
    for (int i = 0; i < 400; i++) {
        floe_error_append_line(&err, "finding number %d", i);
    }
    size_t len = strlen(err.message);
    assert_true(len < FLOE_ERROR_MESSAGE_MAX);
    assert_true(len > FLOE_ERROR_MESSAGE_MAX - 32);
}

/* Two-, three- and four-byte characters, shifted by one byte at a time so that every cut position occurs. */
static void set__long_message__is_cut_between_characters(void **state) {
    (void)state;
    static const char *const characters[] = {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"};
    for (size_t c = 0; c < 3; c++) {
        for (size_t shift = 0; shift < 4; shift++) {
            char text[3000] = "xxxx";
            text[shift] = '\0';
            while (strlen(text) < 2900) {
                strcat(text, characters[c]);
            }
            floe_error err = {0};
            FLOE_IGNORE(FLOE_FAIL(&err, FLOE_INVALID, "%s", text));
            assert_true(floe_str_is_utf8(floe_str_of(err.message)));
            assert_in_range(strlen(err.message), FLOE_ERROR_MESSAGE_MAX - 4, FLOE_ERROR_MESSAGE_MAX - 1);
            FLOE_IGNORE(floe_error_prefix(&err, (floe_status){FLOE_INVALID}, "p"));
            assert_true(floe_str_is_utf8(floe_str_of(err.message)));
            assert_memory_equal(err.message, "p: ", 3);
        }
    }
}

static void assert__false_condition__aborts_and_names_it(void **state) {
    (void)state;
    int pipe_ends[2];
    assert_int_equal(pipe(pipe_ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(pipe_ends[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL);
        FLOE_ASSERT(1 + 1 == 3);
        _exit(0);
    }
    close(pipe_ends[1]);
    char text[256] = "";
    assert_true(read(pipe_ends[0], text, sizeof(text) - 1) > 0);
    close(pipe_ends[0]);
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
    assert_non_null(strstr(text, "1 + 1 == 3"));
    assert_non_null(strstr(text, "test_error.c"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(code_table__every_code__has_a_row_of_its_own),
        cmocka_unit_test(code_table__http_and_exit__are_the_documented_ones),
        cmocka_unit_test(code_describe__unknown_value__is_internal),
        cmocka_unit_test(set__fresh_error__is_filled_with_place_and_errno),
        cmocka_unit_test(set__second_error__keeps_the_first_and_returns_its_code),
        cmocka_unit_test(set__null_error__still_gives_the_code),
        cmocka_unit_test(clear__after_failure__can_be_filled_again),
        cmocka_unit_test(try__failure__returns_before_the_next_step),
        cmocka_unit_test(ensure__condition__decides),
        cmocka_unit_test(prefix__set_error__reads_outside_in),
        cmocka_unit_test(prefix__success__changes_nothing),
        cmocka_unit_test(prefix__null_error__passes_the_status),
        cmocka_unit_test(append_line__several_findings__are_lines),
        cmocka_unit_test(append_line__full_message__stays_within_its_room),
        cmocka_unit_test(set__long_message__is_cut_between_characters),
        cmocka_unit_test(assert__false_condition__aborts_and_names_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
