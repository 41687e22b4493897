/*
 * Import lines: what is accepted, and what each mistake is told as.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "vector/unit_int.h"

#include <stdio.h>

typedef struct taken {
    size_t count;
    char names[16][64];
    floe_unit last; /* only lengths and counts are looked at: it is borrowed */
    size_t part_count, key_count, primary_count, sample_count;
    char samples[256];
    floe_code answer; /* what the sink says */
} taken;

static void note_samples(taken *run, const floe_unit *unit) {
    size_t len = 0;
    for (size_t i = 0; unit->part_count > 0 && i < unit->parts[0].words.count; i++) {
        int added = snprintf(run->samples + len, sizeof(run->samples) - len, "[%.*s]",
                             FLOE_STR_ARG(unit->parts[0].words.items[i]));
        assert_true(added > 0 && (size_t)added < sizeof(run->samples) - len);
        len += (size_t)added;
    }
}

static floe_status take(void *context, const floe_unit *unit, floe_error *err) {
    taken *run = context;
    FLOE_ENSURE(run->answer == FLOE_CODE_OK, err, run->answer, "the sink does not want it");
    assert_int_equal(unit->kind, FLOE_UNIT_TABLE);
    assert_int_equal(unit->origin, FLOE_ORIGIN_IMPORT);
    (void)snprintf(run->names[run->count % 16], sizeof(run->names[0]), "%.*s/%.*s", FLOE_STR_ARG(unit->space),
                   FLOE_STR_ARG(unit->name));
    run->count++;
    run->part_count = unit->part_count;
    run->key_count = unit->foreign_key_count;
    run->primary_count = unit->primary_key.count;
    note_samples(run, unit);
    return FLOE_OK;
}

static floe_status read_text(const char *text, taken *run, floe_error *err) {
    floe_import_sink sink = {.unit = take, .context = run};
    return floe_import_read(floe_str_of(text), "dir/docs.jsonl", &sink, err);
}

static void import__full_line__is_taken_whole(void **state) {
    (void)state;
    taken run = {0};
    floe_error err = {0};
    assert_ok(
        read_text("{\"database\":\"shop\",\"table\":\"orders\",\"description\":\"d\",\"columns\":[{\"name\":\"id\","
                  "\"type\":\"int\",\"description\":\"key\",\"samples\":[\"a\",1,2.5,true,null]},{\"name\":\"user\"}],"
                  "\"primary_key\":[\"id\"],\"foreign_keys\":[{\"columns\":[\"user\"],\"table\":\"users\","
                  "\"references\":[\"id\"]}]}\n",
                  &run, &err),
        &err);
    assert_int_equal(run.count, 1);
    assert_string_equal(run.names[0], "shop/orders");
    assert_int_equal(run.part_count, 2);
    assert_int_equal(run.key_count, 1);
    assert_int_equal(run.primary_count, 1);
    assert_string_equal(run.samples, "[a][1][2.5][true][]");
}

static void import__only_what_is_required__is_enough(void **state) {
    (void)state;
    taken run = {0};
    floe_error err = {0};
    assert_ok(
        read_text("{\"database\":\"a\",\"table\":\"b\"}\r\n\n   \n"
                  "{\"database\":\"a\",\"table\":\"c\",\"columns\":null,\"description\":null,\"primary_key\":null,"
                  "\"foreign_keys\":null}",
                  &run, &err),
        &err);
    assert_int_equal(run.count, 2);
    assert_int_equal(run.part_count, 0);
}

static void import__opaque_names__are_kept(void **state) {
    (void)state;
    taken run = {0};
    floe_error err = {0};
    assert_ok(read_text("{\"database\":\"My.Data base\",\"table\":\"T\xc3\xa4"
                        "ble. [x]\",\"columns\":[{\"name\":\" \"}]}",
                        &run, &err),
              &err);
    assert_string_equal(run.names[0], "My.Data base/T\xc3\xa4"
                                      "ble. [x]");
}

static void import__empty_file__is_nothing(void **state) {
    (void)state;
    taken run = {0};
    floe_error err = {0};
    assert_ok(read_text("", &run, &err), &err);
    assert_ok(read_text("\n\n", &run, &err), &err);
    assert_int_equal(run.count, 0);
}

typedef struct mistake {
    const char *line;
    const char *message;
} mistake;

static void import__mark_of_utf_8__is_passed_over_at_the_start_and_only_there(void **state) {
    (void)state;
    static const char line[] = "{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"a\"}]}\r\n";
    char text[3 * sizeof(line)];
    taken run = {0};
    floe_error err = {0};
    (void)snprintf(text, sizeof(text), "\xEF\xBB\xBF%s", line);
    assert_ok(read_text(text, &run, &err), &err);
    assert_int_equal(run.count, 1);
    (void)snprintf(text, sizeof(text), "%s\xEF\xBB\xBF%s", line, line);
    assert_code(read_text(text, &run, &err), FLOE_INVALID);
    assert_message(&err, "docs.jsonl:2:");
}

static void import__each_mistake__is_told_with_file_and_line(void **state) {
    (void)state;
    static const mistake mistakes[] = {
        {"{", "docs.jsonl:2: "},
        {"[]", "the line is a list, not an object"},
        {"7", "the line is a whole number, not an object"},
        {"{\"table\":\"t\"}", "the line has no \"database\""},
        {"{\"database\":\"d\"}", "the line has no \"table\""},
        {"{\"database\":\"\",\"table\":\"t\"}", "the line has an empty \"database\""},
        {"{\"database\":\"d\",\"table\":null}", "the line has no \"table\""},
        {"{\"database\":\"d\",\"table\":7}", "\"table\""},
        {"{\"database\":\"d\",\"table\":\"t\",\"column\":[]}", "unknown member \"column\"; did you mean columns?"},
        {"{\"database\":\"d\",\"table\":\"t\",\"foreign_key\":[]}", "did you mean foreign_keys?"},
        {"{\"database\":\"d\",\"table\":\"t\",\"columns\":{}}", "\"columns\" is an object, not a list"},
        {"{\"database\":\"d\",\"table\":\"t\",\"columns\":[\"id\"]}", "column 1 is text, not an object"},
        {"{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"a\"},{\"type\":\"int\"}]}",
         "column 2 has no \"name\""},
        {"{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"a\",\"samples\":[[1]]}]}",
         "\"samples\" holds a list"},
        {"{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"a\",\"typ\":\"x\"}]}", "did you mean type?"},
        {"{\"database\":\"d\",\"table\":\"t\",\"primary_key\":[1]}", "\"primary_key\" holds a whole number"},
        {"{\"database\":\"d\",\"table\":\"t\",\"foreign_keys\":[{\"columns\":[\"a\"]}]}",
         "foreign key 1 has no \"table\""},
        {"{\"database\":\"d\",\"table\":\"t\",\"foreign_keys\":[{\"table\":\"u\",\"references\":\"id\"}]}",
         "is text, not a list"},
        {"{\"database\":\"d\",\"table\":\"t\",\"description\":[1]}", "description"},
        {"{\"database\":\"d\",\"table\":\"\xff\"}", "docs.jsonl:2: "},
        {"{\"database\":\"d\",\"database\":\"e\",\"table\":\"t\"}", "docs.jsonl:2: "},
    };
    for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        char text[1024];
        taken run = {0};
        floe_error err = {0};
        (void)snprintf(text, sizeof(text), "{\"database\":\"d\",\"table\":\"first\"}\n%s\n", mistakes[i].line);
        assert_code(read_text(text, &run, &err), FLOE_INVALID);
        assert_message(&err, "dir/docs.jsonl:2: ");
        assert_message(&err, mistakes[i].message);
    }
}

static void import__after_a_bad_line__nothing_more_is_taken(void **state) {
    (void)state;
    taken run = {0};
    floe_error err = {0};
    assert_code(read_text("{\"database\":\"d\",\"table\":\"a\"}\n{}\n{\"database\":\"d\",\"table\":\"b\"}\n{\"x\":1}\n",
                          &run, &err),
                FLOE_INVALID);
    assert_int_equal(run.count, 1);
    assert_message(&err, "dir/docs.jsonl:2: ");
    assert_message(&err, "dir/docs.jsonl:4: ");
}

static void import__many_bad_lines__are_told_ten_and_the_rest_counted(void **state) {
    (void)state;
    char text[256] = "";
    taken run = {0};
    floe_error err = {0};
    for (int i = 0; i < 25; i++) {
        strcat(text, "{}\n");
    }
    assert_code(read_text(text, &run, &err), FLOE_INVALID);
    assert_message(&err, "dir/docs.jsonl:10: ");
    assert_null(strstr(err.message, "dir/docs.jsonl:11: "));
    assert_message(&err, "and 15 more");
}

static void import__name_too_long__is_a_limit(void **state) {
    (void)state;
    static char text[8192];
    char name[4098];
    taken run = {0};
    floe_error err = {0};
    memset(name, 'n', sizeof(name));
    (void)snprintf(text, sizeof(text), "{\"database\":\"d\",\"table\":\"%.*s\"}", 4097, name);
    assert_code(read_text(text, &run, &err), FLOE_LIMIT);
    assert_message(&err, "4097 bytes");
    (void)snprintf(text, sizeof(text), "{\"database\":\"d\",\"table\":\"%.*s\"}", 4096, name);
    floe_error_clear(&err);
    assert_ok(read_text(text, &run, &err), &err);
}

static void import__sink_refuses__ends_the_reading(void **state) {
    (void)state;
    taken run = {.answer = FLOE_IO};
    floe_error err = {0};
    assert_code(read_text("{\"database\":\"d\",\"table\":\"a\"}\n{}\n", &run, &err), FLOE_IO);
    assert_message(&err, "the sink does not want it");
}

/* As of crawled tables: fifty values, none of more than 64 bytes; the others are checked, and not kept. */
static void import__samples_without_end__are_kept_as_crawled_ones_are(void **state) {
    (void)state;
    FLOE_AUTO_BUF text;
    taken run = {0};
    floe_error err = {0};
    floe_buf_init(&text, FLOE_MIB(1));
    floe_buf_text(&text, "{\"database\":\"d\",\"table\":\"a\",\"columns\":[{\"name\":\"c\",\"samples\":[\"");
    for (int i = 0; i < 64; i++) {
        floe_buf_byte(&text, 'x');
    }
    floe_buf_text(&text, "\",\"");
    for (int i = 0; i < 65; i++) {
        floe_buf_byte(&text, 'y');
    }
    floe_buf_text(&text, "\"");
    for (int i = 0; i < 200; i++) {
        floe_buf_printf(&text, ",%d", i % 10);
    }
    floe_buf_text(&text, "]}]}");
    floe_buf_byte(&text, '\0');
    assert_ok(read_text(text.ptr, &run, &err), &err);
    assert_int_equal(run.count, 1);
    /* [x × 64] and 49 of one digit. */
    assert_int_equal(strlen(run.samples), 66 + 49 * 3);
    assert_null(strchr(run.samples, 'y'));
    text.len -= 5;
    floe_buf_text(&text, ",[1]]}]}");
    floe_buf_byte(&text, '\0');
    assert_true(floe_failed(read_text(text.ptr, &run, &err)));
}

static floe_status import_once(void *context, floe_error *err) {
    taken run = {0};
    return read_text(context, &run, err);
}

static void import__any_allocation_fails__is_nomem(void **state) {
    (void)state;
    /* Long enough that the parser's own scratch does not hold it all. */
    static char text[200000];
    size_t len = (size_t)snprintf(text, sizeof(text), "{\"database\":\"d\",\"table\":\"a\",\"columns\":[");
    for (int i = 0; i < 3000; i++) {
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s{\"name\":\"c%d\",\"samples\":[1,\"x\"]}",
                                i > 0 ? "," : "", i);
    }
    (void)snprintf(text + len, sizeof(text) - len, "],\"primary_key\":[\"c1\"],\"foreign_keys\":[{\"table\":\"b\"}]}");
    char small[] = "{\"database\":\"d\",\"table\":\"a\",\"columns\":[{\"name\":\"c\",\"samples\":[1]}],\"foreign_"
                   "keys\":[{\"table\":\"b\"}]}";
    assert_true(floe_test_alloc_sweep(import_once, small) > 0);
    taken run = {0};
    floe_error err = {0};
    assert_ok(read_text(text, &run, &err), &err);
    assert_int_equal(run.part_count, 3000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import__full_line__is_taken_whole),
        cmocka_unit_test(import__only_what_is_required__is_enough),
        cmocka_unit_test(import__opaque_names__are_kept),
        cmocka_unit_test(import__empty_file__is_nothing),
        cmocka_unit_test(import__samples_without_end__are_kept_as_crawled_ones_are),
        cmocka_unit_test(import__mark_of_utf_8__is_passed_over_at_the_start_and_only_there),
        cmocka_unit_test(import__each_mistake__is_told_with_file_and_line),
        cmocka_unit_test(import__after_a_bad_line__nothing_more_is_taken),
        cmocka_unit_test(import__many_bad_lines__are_told_ten_and_the_rest_counted),
        cmocka_unit_test(import__name_too_long__is_a_limit),
        cmocka_unit_test(import__sink_refuses__ends_the_reading),
        cmocka_unit_test(import__any_allocation_fails__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
