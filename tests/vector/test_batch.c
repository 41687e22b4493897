/*
 * Batches of questions: one answer line each, in order, or nothing at all.
 */
#include "tests/vector/definitions.h"
#include "tests/vector/maker.h"

#include "core/json.h"
#include "core/limits.h"

#include <stdio.h>

typedef struct collected {
    floe_buf text;
    size_t lines;
    size_t fails_at; /* 0: never */
} collected;

static floe_status collect(void *context, floe_str line, floe_error *err) {
    collected *all = context;
    all->lines++;
    FLOE_ENSURE(all->lines != all->fails_at, err, FLOE_IO, "the pipe is closed");
    assert_true(line.len > 0 && line.ptr[line.len - 1] == '\n');
    assert_null(memchr(line.ptr, '\n', line.len - 1));
    floe_buf_str(&all->text, line);
    return FLOE_OK;
}

static floe_search *open_lake(void) {
    const char *import = make_file("lake.jsonl", make_lake);
    floe_index_request request = {
        .folder = make_folder("batch"), .imports = &import, .import_count = 1, .definitions = make_definitions()};
    floe_search *search = NULL;
    floe_error err = {0};
    (void)make_request(&request);
    assert_ok(floe_search_open(request.folder, NULL, &search, &err), &err);
    return search;
}

static floe_status run(floe_search *search, const char *questions, floe_query query, collected *all, int64_t *ret_count,
                       floe_error *err) {
    floe_batch batch = {
        .path = make_file("questions.jsonl", questions), .query = query, .line = collect, .context = all};
    floe_buf_init(&all->text, FLOE_MIB(4));
    return floe_search_batch(search, &batch, ret_count, err);
}

static void batch__questions__are_answered_in_order_under_their_ids(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_search *search = open_lake();
    collected all = {0};
    int64_t count = 0;
    floe_error err = {0};
    assert_ok(run(search,
                  "{\"id\":7,\"question\":\"flight delay\"}\n\n{\"id\":\"q \\\"2\\\"\",\"question\":\"xylophone\"}\n"
                  "{\"question\":\"movies\",\"id\":9007199254740993}",
                  (floe_query){.k = 2, .kind = FLOE_HIT_TABLE}, &all, &count, &err),
              &err);
    assert_int_equal(count, 3);
    assert_int_equal(all.lines, 3);
    floe_str rest = floe_buf_view(&all.text);
    static const char *const begins[] = {
        "{\"id\":7,\"hits\":[{\"kind\":\"table\",\"database\":\"lake.aviation\",\"table\":\"flights\"",
        "{\"id\":\"q \\\"2\\\"\",\"hits\":[]}",
        "{\"id\":9007199254740993,\"hits\":[{\"kind\":\"table\",\"database\":\"films\",\"table\":\"movies\""};
    for (size_t i = 0; i < 3; i++) {
        floe_str line = {0};
        const floe_node *root = NULL;
        assert_true(floe_str_split(&rest, '\n', &line));
        assert_true(floe_str_starts_with(line, floe_str_of(begins[i])));
        assert_ok(floe_json_parse(&arena, line, &root, &err), &err);
        assert_true(floe_node_get(root, "hits")->count <= 2);
    }
    floe_buf_close(&all.text);
    floe_search_close(&search);
}

static void batch__columns_and_features__name_their_place(void **state) {
    (void)state;
    floe_search *search = open_lake();
    collected all = {0};
    int64_t count = 0;
    floe_error err = {0};
    assert_ok(run(search, "{\"id\":1,\"question\":\"flights.delay\"}\n", (floe_query){.k = 1, .kind = FLOE_HIT_COLUMN},
                  &all, &count, &err),
              &err);
    /* An exact name that is the best has a score of 1. */
    assert_string_equal(all.text.ptr,
                        "{\"id\":1,\"hits\":[{\"kind\":\"column\",\"database\":\"lake.aviation\",\"table\":\"flights\","
                        "\"column\":\"delay\",\"score\":1.0}]}\n");
    floe_buf_close(&all.text);
    all = (collected){0};
    assert_ok(run(search, "{\"id\":1,\"question\":\"delay_model\"}\n", (floe_query){.k = 1, .kind = FLOE_HIT_FEATURE},
                  &all, &count, &err),
              &err);
    assert_string_equal(all.text.ptr,
                        "{\"id\":1,\"hits\":[{\"kind\":\"feature\",\"feature\":\"delay_model\",\"score\":1.0}]}\n");
    floe_buf_close(&all.text);
    floe_search_close(&search);
}

static void batch__any_bad_line__answers_nothing(void **state) {
    (void)state;
    floe_search *search = open_lake();
    static const struct {
        const char *line, *message;
    } cases[] = {{"{", "questions.jsonl:2: "},
                 {"{\"question\":\"x\"}", "no \"id\""},
                 {"{\"id\":null,\"question\":\"x\"}", "no \"id\""},
                 {"{\"id\":[1],\"question\":\"x\"}", "\"id\" is a list, not a plain value"},
                 {"{\"id\":1}", "no text \"question\""},
                 {"{\"id\":1,\"question\":5}", "no text \"question\""},
                 {"{\"id\":1,\"question\":\"  \"}", "\"question\" is empty"},
                 {"{\"id\":1,\"query\":\"x\"}", "unknown member \"query\""},
                 {"[1,2]", "a list, not an object"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[256];
        collected all = {0};
        int64_t count = -1;
        floe_error err = {0};
        (void)snprintf(text, sizeof(text), "{\"id\":1,\"question\":\"delay\"}\n%s\n", cases[i].line);
        assert_code(run(search, text, (floe_query){.k = 2}, &all, &count, &err), FLOE_INVALID);
        assert_message(&err, "questions.jsonl:2: ");
        assert_message(&err, cases[i].message);
        assert_int_equal(all.lines, 0);
        assert_int_equal(count, -1);
        floe_buf_close(&all.text);
    }
    floe_search_close(&search);
}

static void batch__question_too_long__is_a_limit(void **state) {
    (void)state;
    floe_search *search = open_lake();
    static char text[FLOE_LIMIT_QUERY_BYTES + 64];
    static char question[FLOE_LIMIT_QUERY_BYTES + 1];
    collected all = {0};
    int64_t count = 0;
    floe_error err = {0};
    memset(question, 'q', sizeof(question));
    (void)snprintf(text, sizeof(text), "{\"id\":1,\"question\":\"%.*s\"}", (int)sizeof(question), question);
    assert_code(run(search, text, (floe_query){.k = 2}, &all, &count, &err), FLOE_LIMIT);
    assert_message(&err, "8193 bytes");
    floe_buf_close(&all.text);
    floe_search_close(&search);
}

static void batch__wrong_options__are_told_once(void **state) {
    (void)state;
    floe_search *search = open_lake();
    static const struct {
        floe_query query;
        floe_code code;
        const char *message;
    } cases[] = {{{.k = 0}, FLOE_INVALID, "k is 0"},
                 {{.k = 1001}, FLOE_LIMIT, "k is 1001"},
                 {{.k = 1, .in = {"films2", 6}}, FLOE_NOT_FOUND, "did you mean films?"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        collected all = {0};
        int64_t count = 0;
        floe_error err = {0};
        assert_code(run(search, "{\"id\":1,\"question\":\"a\"}\n{\"id\":2,\"question\":\"b\"}\n", cases[i].query, &all,
                        &count, &err),
                    cases[i].code);
        assert_message(&err, cases[i].message);
        assert_null(strchr(err.message, '\n'));
        floe_buf_close(&all.text);
    }
    floe_search_close(&search);
}

static void batch__sink_fails__ends_there(void **state) {
    (void)state;
    floe_search *search = open_lake();
    collected all = {.fails_at = 2};
    int64_t count = 0;
    floe_error err = {0};
    assert_code(run(search,
                    "{\"id\":1,\"question\":\"a\"}\n{\"id\":2,\"question\":\"b\"}\n{\"id\":3,\"question\":\"c\"}\n",
                    (floe_query){.k = 1}, &all, &count, &err),
                FLOE_IO);
    assert_message(&err, "the pipe is closed");
    assert_int_equal(all.lines, 2);
    floe_buf_close(&all.text);
    floe_search_close(&search);
}

static void batch__missing_file__is_not_found(void **state) {
    (void)state;
    floe_search *search = open_lake();
    floe_batch batch = {.path = make_folder("nowhere.jsonl"), .query = {.k = 1}, .line = collect};
    int64_t count = 0;
    floe_error err = {0};
    assert_code(floe_search_batch(search, &batch, &count, &err), FLOE_NOT_FOUND);
    assert_message(&err, "nowhere.jsonl");
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batch__questions__are_answered_in_order_under_their_ids),
        cmocka_unit_test(batch__columns_and_features__name_their_place),
        cmocka_unit_test(batch__any_bad_line__answers_nothing),
        cmocka_unit_test(batch__question_too_long__is_a_limit),
        cmocka_unit_test(batch__wrong_options__are_told_once),
        cmocka_unit_test(batch__sink_fails__ends_there),
        cmocka_unit_test(batch__missing_file__is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
