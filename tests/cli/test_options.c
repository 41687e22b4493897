/*
 * The command line: options in every spelling, each once; values; operands; what is wrong is a usage error that names
 * it.
 */
#include "tests/cli/capture.h"
#include "cli/cli.h"
#include "core/limits.h"

#include "tests/support/support.h"

static floe_status run_nothing(floe_cli *cli, floe_error *err) {
    (void)cli;
    (void)err;
    return FLOE_OK;
}

static const cli_option options[] = {
    {"--where", "SQL", "a filter"}, {"--full", NULL, "everything"}, {"-o", "FILE", "output"}, {NULL, NULL, NULL}};
static const cli_command command = {"table try", "A [B]",    1, 2, "Tries.", "floe table try a --full",
                                    options,     run_nothing};

typedef struct fixture {
    floe_cli cli;
    floe_error err;
    floe_status status;
} fixture;

/* Parses arguments that end with NULL. */
static fixture *parse(char **argv) {
    static fixture parsed;
    floe_arena_close(&parsed.cli.arena);
    parsed = (fixture){0};
    floe_arena_init(&parsed.cli.arena, FLOE_MIB(1));
    int argc = 0;
    while (argv[argc]) {
        argc++;
    }
    parsed.status = cli_parse(&parsed.cli, &command, argc, argv, &parsed.err);
    return &parsed;
}
#define PARSE(...) parse((char *[]){__VA_ARGS__, NULL})

static void check_usage(const fixture *parsed, const char *part) {
    assert_code(parsed->status, FLOE_INVALID);
    assert_true(parsed->cli.usage);
    assert_message(&parsed->err, part);
}

static void parse__options_between_operands__are_told_apart(void **state) {
    (void)state;
    const fixture *p = PARSE("a", "--where", "x > 1", "b", "--full", "--json", "--project", "/p");
    assert_ok(p->status, &p->err);
    assert_int_equal(p->cli.operand_count, 2);
    assert_string_equal(p->cli.operands[0], "a");
    assert_string_equal(p->cli.operands[1], "b");
    assert_string_equal(cli_value(&p->cli, "--where"), "x > 1");
    assert_true(cli_flag(&p->cli, "--full"));
    assert_null(cli_value(&p->cli, "-o"));
    assert_true(p->cli.json);
    assert_string_equal(p->cli.project_dir, "/p");
}

static void parse__equals_sign__splits_at_the_first(void **state) {
    (void)state;
    const fixture *p = PARSE("a", "--where=x=1", "-o=f.csv", "--project=/p=q");
    assert_ok(p->status, &p->err);
    assert_string_equal(cli_value(&p->cli, "--where"), "x=1");
    assert_string_equal(cli_value(&p->cli, "-o"), "f.csv");
    assert_string_equal(p->cli.project_dir, "/p=q");
}

static void parse__empty_values__are_given(void **state) {
    (void)state;
    const fixture *p = PARSE("a", "--where=", "-o", "");
    assert_ok(p->status, &p->err);
    assert_string_equal(cli_value(&p->cli, "--where"), "");
    assert_string_equal(cli_value(&p->cli, "-o"), "");
    assert_false(cli_flag(&p->cli, "--full"));
}

static void parse__two_dashes__end_the_options(void **state) {
    (void)state;
    const fixture *p = PARSE("--full", "--", "--where", "--");
    assert_ok(p->status, &p->err);
    assert_int_equal(p->cli.operand_count, 2);
    assert_string_equal(p->cli.operands[0], "--where");
    assert_string_equal(p->cli.operands[1], "--");
    assert_null(cli_value(&p->cli, "--where"));
}

static void parse__one_dash__is_an_operand(void **state) {
    (void)state;
    const fixture *p = PARSE("-");
    assert_ok(p->status, &p->err);
    assert_string_equal(p->cli.operands[0], "-");
}

static void parse__value_that_looks_like_a_number_or_path__is_taken(void **state) {
    (void)state;
    const fixture *p = PARSE("a", "--where", "-5", "-o", "-");
    assert_ok(p->status, &p->err);
    assert_string_equal(cli_value(&p->cli, "--where"), "-5");
    assert_string_equal(cli_value(&p->cli, "-o"), "-");
}

static void parse__value_that_is_an_option__needs_the_equals_sign(void **state) {
    (void)state;
    check_usage(PARSE("a", "--where", "--full"), "--where needs a value");
    check_usage(PARSE("a", "--where", "--json"), "--where needs a value");
    check_usage(PARSE("a", "--where", "-o=x"), "--where needs a value");
    const fixture *p = PARSE("a", "--where=--full");
    assert_ok(p->status, &p->err);
    assert_string_equal(cli_value(&p->cli, "--where"), "--full");
    assert_false(cli_flag(&p->cli, "--full"));
}

static void parse__wrong_options__are_usage_errors(void **state) {
    (void)state;
    check_usage(PARSE("a", "--where"), "--where needs a value: --where SQL");
    check_usage(PARSE("a", "--project"), "--project needs a value: --project DIR");
    check_usage(PARSE("a", "--full=yes"), "--full takes no value");
    check_usage(PARSE("a", "--json=yes"), "--json takes no value");
    check_usage(PARSE("a", "--wher", "x"), "unknown option --wher; did you mean --where?");
    check_usage(PARSE("a", "--jso"), "did you mean --json?");
    check_usage(PARSE("a", "-q"), "unknown option -q");
    check_usage(PARSE("a", "--wher=x"), "unknown option --wher; did you mean --where?");
}

static void parse__an_option_twice__is_a_usage_error(void **state) {
    (void)state;
    check_usage(PARSE("a", "--where", "x", "--where", "x"), "--where is given twice");
    check_usage(PARSE("a", "--where=", "--where", "x"), "--where is given twice");
    check_usage(PARSE("a", "--full", "--full"), "--full is given twice");
    check_usage(PARSE("a", "--json", "--json"), "--json is given twice");
    check_usage(PARSE("a", "--project", "p", "--project=q"), "--project is given twice");
}

static void parse__number_of_operands__is_held_to_the_command(void **state) {
    (void)state;
    check_usage(PARSE("--full"), "expected A [B]");
    check_usage(PARSE("a", "b", "c"), "unexpected \"c\"");
    check_usage(PARSE("a", "--", "b", "--full"), "unexpected \"--full\"");
}

static void parse__long_words__are_cut_in_the_message(void **state) {
    (void)state;
    char word[5000] = "--";
    memset(word + 2, 'x', sizeof(word) - 3);
    const fixture *p = PARSE("a", word);
    check_usage(p, "unknown option --xxx");
    assert_true(strlen(p->err.message) < 300);
    p = PARSE("a", "b", word + 2);
    check_usage(p, "unexpected \"xxx");
    assert_true(strlen(p->err.message) < 300);
}

static void value_i64__is_a_whole_number_or_a_usage_error(void **state) {
    (void)state;
    int64_t number = 7;
    fixture *p = PARSE("a");
    assert_ok(cli_value_i64(&p->cli, "--where", &number, &p->err), &p->err);
    assert_int_equal(number, 7);
    p = PARSE("a", "--where", "-9223372036854775808");
    assert_ok(cli_value_i64(&p->cli, "--where", &number, &p->err), &p->err);
    assert_true(number == INT64_MIN);
    static const char *const wrong[] = {"", "x", "1.0", "9223372036854775808", "1 2"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        p = PARSE("a", "-o", (char *)(uintptr_t)wrong[i]);
        assert_code(cli_value_i64(&p->cli, "-o", &number, &p->err), FLOE_INVALID);
        assert_true(p->cli.usage);
        assert_message(&p->err, "-o: ");
    }
}

static void value_time__is_a_time_or_a_usage_error(void **state) {
    (void)state;
    int64_t micros = 5;
    fixture *p = PARSE("a");
    assert_ok(cli_value_time(&p->cli, "--where", &micros, &p->err), &p->err);
    assert_int_equal(micros, 5);
    p = PARSE("a", "--where", "1970-01-02T00:00:00.5Z");
    assert_ok(cli_value_time(&p->cli, "--where", &micros, &p->err), &p->err);
    assert_int_equal(micros, INT64_C(86400500000));
    p = PARSE("a", "--where", "soon");
    assert_code(cli_value_time(&p->cli, "--where", &micros, &p->err), FLOE_INVALID);
    assert_true(p->cli.usage);
    assert_message(&p->err, "--where: ");
}

static void split_list__items_are_trimmed_and_never_empty(void **state) {
    (void)state;
    const floe_str *items;
    size_t count;
    fixture *p = PARSE("a");
    assert_ok(cli_split_list(&p->cli, " a , b.c,d ", &items, &count, &p->err), &p->err);
    assert_int_equal(count, 3);
    assert_true(floe_str_is(items[0], "a") && floe_str_is(items[1], "b.c") && floe_str_is(items[2], "d"));
    static const char *const wrong[] = {"", " ", ",", "a,", ",a", "a,,b", "a, ,b"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        p = PARSE("a");
        assert_code(cli_split_list(&p->cli, wrong[i], &items, &count, &p->err), FLOE_INVALID);
        assert_true(p->cli.usage);
    }
}

static void known_elsewhere__names_what_other_versions_do(void **state) {
    (void)state;
    assert_string_equal(cli_known_elsewhere("worker", ""), "worker");
    assert_null(cli_known_elsewhere("dataset", "audit"));
    assert_string_equal(cli_known_elsewhere("push", "x"), "push");
    assert_string_equal(cli_known_elsewhere("push", ""), "push");
    assert_null(cli_known_elsewhere("table", "scan"));
    assert_null(cli_known_elsewhere("table", ""));
    assert_null(cli_known_elsewhere("table", "compact"));
    assert_null(cli_known_elsewhere("compact", ""));
    for (const cli_command *known = cli_commands; known->words; known++) {
        floe_str rest = floe_str_of(known->words), first = {0}, second = {0};
        (void)floe_str_split(&rest, ' ', &first);
        (void)floe_str_split(&rest, ' ', &second);
        char words[2][64];
        snprintf(words[0], sizeof(words[0]), "%.*s", FLOE_STR_ARG(first));
        snprintf(words[1], sizeof(words[1]), "%.*s", FLOE_STR_ARG(second));
        assert_null(cli_known_elsewhere(words[0], words[1]));
    }
}

static void commands__every_row_is_whole(void **state) {
    (void)state;
    for (const cli_command *row = cli_commands; row->words; row++) {
        assert_true(row->operands && row->summary && row->example && row->options && row->run);
        assert_true(row->operands_min <= row->operands_max);
        assert_true((row->operands_max == 0) == (row->operands[0] == '\0'));
        assert_true(strncmp(row->example, "floe ", 5) == 0);
        size_t count = 0;
        for (const cli_option *option = row->options; option->name; option++) {
            assert_true(option->name[0] == '-' && option->help[0] != '\0');
            count++;
            for (const cli_option *other = row->options; other != option; other++) {
                assert_string_not_equal(option->name, other->name);
            }
            for (const cli_option *common = cli_common_options; common->name; common++) {
                assert_string_not_equal(option->name, common->name);
            }
        }
        assert_true(count <= CLI_OPTIONS_MAX);
    }
}

static void help__columns_line_up_past_characters_of_several_bytes(void **state) {
    (void)state;
    static const cli_option wide[] = {{"--types", "col=type,…", "one"}, {"--x", "N", "two"}, {NULL, NULL, NULL}};
    static const cli_command wide_command = {"try", "", 0, 0, "Tries.", "floe try", wide, run_nothing};
    capture out;
    capture_begin(&out, stdout);
    cli_print_help(&wide_command);
    const char *text = capture_end(&out);
    assert_non_null(strstr(text, "floe try [options]\n\nTries.\n\n"));
    /* "  " + 28 columns + " ", with the three bytes of … in one column. */
    assert_non_null(strstr(text, "\n  --types col=type,…           one\n"));
    assert_non_null(strstr(text, "\n  --x N                        two\n"));
    assert_non_null(strstr(text, "\nexample:\n  floe try\n"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__options_between_operands__are_told_apart),
        cmocka_unit_test(parse__equals_sign__splits_at_the_first),
        cmocka_unit_test(parse__empty_values__are_given),
        cmocka_unit_test(parse__two_dashes__end_the_options),
        cmocka_unit_test(parse__one_dash__is_an_operand),
        cmocka_unit_test(parse__value_that_looks_like_a_number_or_path__is_taken),
        cmocka_unit_test(parse__value_that_is_an_option__needs_the_equals_sign),
        cmocka_unit_test(parse__wrong_options__are_usage_errors),
        cmocka_unit_test(parse__an_option_twice__is_a_usage_error),
        cmocka_unit_test(parse__number_of_operands__is_held_to_the_command),
        cmocka_unit_test(parse__long_words__are_cut_in_the_message),
        cmocka_unit_test(value_i64__is_a_whole_number_or_a_usage_error),
        cmocka_unit_test(value_time__is_a_time_or_a_usage_error),
        cmocka_unit_test(split_list__items_are_trimmed_and_never_empty),
        cmocka_unit_test(known_elsewhere__names_what_other_versions_do),
        cmocka_unit_test(commands__every_row_is_whole),
        cmocka_unit_test(help__columns_line_up_past_characters_of_several_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
