/* GET and POST /v1/search over a real index of an imported database. */
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "tests/api/world.h"

#include <pthread.h>
#include <stdio.h>

static answer got;

static void build_index(world *w, const char *lines) {
    floe_error err = {0};
    floe_index_result result;
    const char *file = floe_path_join(&w->arena, w->root, "import.jsonl");
    const char *imports[] = {file};
    assert_ok(floe_file_write(file, floe_str_of(lines), false, &err), &err);
    floe_index_request request = {.folder = floe_path_join(&w->arena, w->root, ".floe/search"),
                                  .definitions = w->definitions,
                                  .imports = imports,
                                  .import_count = 1};
    assert_ok(floe_index_build(&request, &result, &err), &err);
}

static const char concerts[] =
    "{\"database\":\"music\",\"table\":\"singer\",\"columns\":[{\"name\":\"birth_year\"},{\"name\":\"country\"}]}\n"
    "{\"database\":\"music\",\"table\":\"stadium\",\"columns\":[{\"name\":\"capacity\"},{\"name\":\"city\"}]}\n"
    "{\"database\":\"sport\",\"table\":\"stadium\",\"columns\":[{\"name\":\"team\"},{\"name\":\"capacity\"}]}\n";

static int set_up(void **state) {
    static world w;
    world_open(&w, FLOE_STORE_EMBEDDED);
    build_index(&w, concerts);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world_close(*state);
    return 0;
}

/* The hits of the answer that was got, "database.table" by rank. */
static const floe_node *hits(floe_arena *arena) {
    floe_error err = {0};
    const floe_node *root = NULL;
    assert_int_equal(got.status, 200);
    assert_ok(floe_json_parse(arena, floe_str_of(got.body), &root, &err), &err);
    floe_str mode = {NULL, 0};
    assert_ok(floe_node_need_str(root, "mode", "answer", &mode, &err), &err);
    assert_true(floe_str_is(mode, "lexical"));
    const floe_node *list = floe_node_get(root, "hits");
    assert_non_null(list);
    assert_int_equal(list->kind, FLOE_NODE_ARRAY);
    return list;
}

static bool first_is(const char *database, const char *table) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    const floe_node *list = hits(&arena);
    floe_str text = {NULL, 0};
    return list->count > 0 && !floe_failed(floe_node_need_str(list->items[0], "table", "hit", &text, NULL)) &&
           floe_str_is(text, table) &&
           !floe_failed(floe_node_need_str(list->items[0], "database", "hit", &text, NULL)) &&
           floe_str_is(text, database);
}

static size_t hit_count(void) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    return hits(&arena)->count;
}

static void get_and_post__give_the_same_answer(void **state) {
    char by_get[sizeof(got.body)];
    world_ask(*state, "GET", "/v1/search?q=singer%20birth+year&k=3&kind=table", NULL, &got);
    assert_true(first_is("music", "singer"));
    memcpy(by_get, got.body, sizeof(by_get));
    world_ask(*state, "POST", "/v1/search", "{\"query\":\"singer birth year\",\"k\":3,\"kind\":\"table\"}", &got);
    assert_string_equal(got.body, by_get);
    assert_non_null(strstr(got.head, "Content-Type: application/json\r"));
}

static void in__keeps_to_one_database(void **state) {
    world_ask(*state, "GET", "/v1/search?q=stadium&kind=table&in=sport", NULL, &got);
    assert_true(first_is("sport", "stadium"));
    assert_int_equal(hit_count(), 1);
}

static void k__bounds_the_hits(void **state) {
    world_ask(*state, "GET", "/v1/search?q=stadium+capacity+city+team&k=1", NULL, &got);
    assert_int_equal(hit_count(), 1);
}

static void nothing_found__is_an_empty_answer(void **state) {
    world_ask(*state, "GET", "/v1/search?q=xylophone", NULL, &got);
    assert_int_equal(hit_count(), 0);
}

static void question__that_is_none__is_refused(void **state) {
    static const struct {
        const char *target, *part;
    } gets[] = {{"/v1/search", "the question is missing"},
                {"/v1/search?q=", ""},
                {"/v1/search?q=a&q=b", "`q` is given twice"},
                {"/v1/search?q=a&query=b", "`query` is given twice"},
                {"/v1/search?q=a&k=0", "k is 0; it must be 1 to 1000"},
                {"/v1/search?q=a&k=1001", "k is 1001"},
                {"/v1/search?q=a&k=ten", "k"},
                {"/v1/search?q=a&knd=table", "no `knd`; did you mean kind?"},
                {"/v1/search?q=a&kind=tables", "table"},
                {"/v1/search?q=%ff", "UTF-8"}};
    for (size_t i = 0; i < sizeof(gets) / sizeof(gets[0]); i++) {
        world_ask(*state, "GET", gets[i].target, NULL, &got);
        assert_problem(&got, 400, "INVALID", gets[i].part);
    }
    static const struct {
        const char *json, *part;
    } posts[] = {{"", "the body"},
                 {"[]", "must be a JSON object"},
                 {"{}", "the question is missing"},
                 {"{\"query\":null}", "the question is missing"},
                 {"{\"query\":1}", "query must be a text"},
                 {"{\"query\":\"a\",\"q\":\"b\"}", "`q` is given twice"},
                 {"{\"query\":\"a\",\"k\":\"5\"}", "k must be a whole number"},
                 {"{\"query\":\"a\",\"k\":-1}", "k is -1"},
                 {"{\"query\":\"a\",\"kind\":\"row\"}", "row"},
                 {"{\"query\":\"a\",\"inn\":\"x\"}", "did you mean in?"}};
    for (size_t i = 0; i < sizeof(posts) / sizeof(posts[0]); i++) {
        world_ask(*state, "POST", "/v1/search", posts[i].json, &got);
        assert_problem(&got, 400, "INVALID", posts[i].part);
    }
    world_ask(*state, "POST", "/v1/search?q=a", "{\"query\":\"a\"}", &got);
    assert_problem(&got, 400, "INVALID", "not as query parameters");
}

static void question__past_the_limit__is_refused(void **state) {
    FLOE_AUTO_BUF json;
    floe_buf_init(&json, FLOE_MIB(1));
    floe_buf_text(&json, "{\"query\":\"");
    for (size_t i = 0; i < FLOE_LIMIT_QUERY_BYTES + 1; i++) {
        floe_buf_byte(&json, 'a');
    }
    floe_buf_text(&json, "\"}");
    world_ask(*state, "POST", "/v1/search", json.ptr, &got);
    assert_problem(&got, 413, "LIMIT", "8193 bytes");
}

static void newer_index__is_seen_by_the_next_question(void **state) {
    static const char more[] = "{\"database\":\"zoo\",\"table\":\"animals\",\"columns\":[{\"name\":\"species\"}]}\n";
    world_ask(*state, "GET", "/v1/search?q=species", NULL, &got);
    assert_int_equal(hit_count(), 0);
    build_index(*state, more);
    world_ask(*state, "GET", "/v1/search?q=animals+species&kind=table", NULL, &got);
    assert_true(first_is("zoo", "animals"));
}

static void project_without_an_index__is_told_to_make_one(void **state) {
    (void)state;
    static world w;
    world_open(&w, FLOE_STORE_EMBEDDED);
    world_ask(&w, "GET", "/v1/search?q=x", NULL, &got);
    assert_problem(&got, 503, "UNAVAILABLE", "there is no search index yet; run `floe index`");
    assert_null(strstr(got.body, ".floe")); /* Where the server keeps it is not for those outside. */
    world_close(&w);
}

/* ---- at once ---- */

typedef struct client {
    world *w;
    pthread_t thread;
    unsigned wrong;
} client;

static void *run_client(void *context) {
    client *c = context;
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, c->w->port);
    for (int i = 0; i < 50; i++) {
        bool search = i % 2 == 0;
        floe_test_http_ask(&http, search ? "GET" : "POST", search ? "/v1/search?q=singer&kind=table&k=1" : "/v1/lookup",
                           search ? NULL : "{\"service\":\"model\",\"entities\":{\"id\":[-2]}}", &response);
        const char *part = search ? "\"singer\"" : "[[-20],[\"n-2\"]]";
        bool right = response.status == 200 && memmem(response.body.ptr, response.body.len, part, strlen(part)) != NULL;
        c->wrong += right ? 0 : 1;
    }
    floe_test_http_close(&http);
    return NULL;
}

static void searches_and_lookups__at_once__each_get_their_own_answers(void **state) {
    client clients[8];
    for (size_t i = 0; i < 8; i++) {
        clients[i] = (client){.w = *state};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        assert_int_equal(clients[i].wrong, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get_and_post__give_the_same_answer),
        cmocka_unit_test(in__keeps_to_one_database),
        cmocka_unit_test(k__bounds_the_hits),
        cmocka_unit_test(nothing_found__is_an_empty_answer),
        cmocka_unit_test(question__that_is_none__is_refused),
        cmocka_unit_test(question__past_the_limit__is_refused),
        cmocka_unit_test(newer_index__is_seen_by_the_next_question),
        cmocka_unit_test(project_without_an_index__is_told_to_make_one),
        cmocka_unit_test(searches_and_lookups__at_once__each_get_their_own_answers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
