/*
 * API keys: who is let in, who is not and with what words, and that what a role does not see is answered as if it were
 * not there.
 */
#include "api/auth_int.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "tests/api/world.h"

#include <pthread.h>
#include <stdio.h>

#define TEXT(literal)                                                                                                  \
    { (literal), sizeof(literal) - 1 }

static const floe_str sport[] = {TEXT("sport")};
static const floe_str facts_view[] = {TEXT("facts")};
static const floe_role roles[] = {
    {.name = TEXT("fan"), .namespaces = sport, .namespace_count = 1, .views = facts_view, .view_count = 1},
    {.name = TEXT("nobody")},
};

static answer got;
static floe_project project; /* the world's, with roles */
static char fan_key[FLOE_ACCESS_KEY_LEN + 1], nobody_key[FLOE_ACCESS_KEY_LEN + 1], gone_key[FLOE_ACCESS_KEY_LEN + 1];

/* ---- a served project with roles ---- */

static int64_t make_key(world *w, const char *role, char text[FLOE_ACCESS_KEY_LEN + 1]) {
    floe_registry *registry = NULL;
    floe_access_key key = {0};
    floe_error err = {0};
    assert_ok(floe_registry_open(w->project->registry, false, &registry, &err), &err);
    assert_ok(floe_registry_key_create(registry, floe_str_of(role), FLOE_STR(""), &w->arena, text, &key, &err), &err);
    floe_registry_close(&registry);
    return key.id;
}

static void revoke_key(const world *w, int64_t id) {
    floe_registry *registry = NULL;
    floe_error err = {0};
    assert_ok(floe_registry_open(w->project->registry, false, &registry, &err), &err);
    assert_ok(floe_registry_key_revoke(registry, id, &err), &err);
    floe_registry_close(&registry);
}

static void build_index(world *w) {
    static const char lines[] =
        "{\"database\":\"music\",\"table\":\"stadium\",\"columns\":[{\"name\":\"capacity\"},{\"name\":\"city\"}]}\n"
        "{\"database\":\"sport\",\"table\":\"stadium\",\"columns\":[{\"name\":\"team\"},{\"name\":\"capacity\"}]}\n";
    floe_error err = {0};
    floe_index_result result;
    const char *file = floe_path_join(&w->arena, w->root, "import.jsonl");
    assert_ok(floe_file_write(file, FLOE_STR(lines), false, &err), &err);
    floe_index_request request = {.folder = floe_path_join(&w->arena, w->root, ".floe/search"),
                                  .definitions = w->definitions,
                                  .imports = &file,
                                  .import_count = 1};
    assert_ok(floe_index_build(&request, &result, &err), &err);
}

static void serve_on(world *w, const char *host) {
    project = *w->project;
    project.roles = roles;
    project.role_count = 2;
    floe_error err = {0};
    floe_server_config config = {.project = &project,
                                 .host = host,
                                 .port = 0,
                                 .threads = 2,
                                 .search_folder = floe_path_join(&w->arena, w->root, ".floe/search")};
    assert_ok(floe_server_open(&config, &w->server, &err), &err);
    w->port = floe_test_http_port(floe_server_url(w->server));
}

static int set_up(void **state) {
    static world w;
    world_make(&w, FLOE_STORE_EMBEDDED);
    build_index(&w);
    (void)make_key(&w, "fan", fan_key);
    (void)make_key(&w, "nobody", nobody_key);
    (void)make_key(&w, "dismissed", gone_key);
    serve_on(&w, NULL);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world_close(*state);
    return 0;
}

/* A request with further header lines, each ended by CRLF. */
static void ask_with(const world *w, const char *method, const char *target, const char *headers, const char *json) {
    floe_test_http http = {0};
    floe_test_response response;
    FLOE_AUTO_BUF request;
    floe_buf_init(&request, FLOE_MIB(1));
    floe_buf_printf(&request, "%s %s HTTP/1.1\r\nHost: x\r\n%s", method, target, headers);
    if (json != NULL) {
        floe_buf_printf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(json));
    }
    floe_buf_printf(&request, "\r\n%s", json == NULL ? "" : json);
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, request.ptr, request.len);
    bool answered = strcmp(method, "HEAD") == 0 ? floe_test_http_read_head(&http, &response)
                                                : floe_test_http_read(&http, &response);
    assert_true(answered);
    got.status = response.status;
    (void)snprintf(got.head, sizeof(got.head), "%.*s", FLOE_STR_ARG(response.head));
    (void)snprintf(got.body, sizeof(got.body), "%.*s", FLOE_STR_ARG(response.body));
    floe_test_http_close(&http);
}

static void ask_as(const world *w, const char *key, const char *method, const char *target, const char *json) {
    char headers[200];
    (void)snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", key);
    ask_with(w, method, target, headers, json);
}

static const char lookup[] = "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[7]}}";

/* ---- who is let in ---- */

static void request__without_a_key__is_unauthorized_on_every_route_but_health(void **state) {
    static const struct {
        const char *method, *target, *json;
        int status;
    } cases[] = {{"POST", "/v1/lookup", lookup, 401},
                 {"GET", "/v1/search?q=stadium", NULL, 401},
                 {"POST", "/v1/search", "{\"query\":\"stadium\"}", 401},
                 {"HEAD", "/v1/search?q=stadium", NULL, 401},
                 {"POST", "/mcp", "{}", 401},
                 {"GET", "/openapi.json", NULL, 401},
                 {"GET", "/no/such/path", NULL, 401},
                 {"GET", "/v1/tables/lake.hr.people", NULL, 401},
                 {"DELETE", "/v1/lookup", NULL, 401},
                 {"GET", "/livez", NULL, 200},
                 {"GET", "/readyz", NULL, 200},
                 {"GET", "/metrics", NULL, 200},
                 {"OPTIONS", "/v1/lookup", NULL, 200}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ask_with(*state, cases[i].method, cases[i].target, "", cases[i].json);
        if (got.status != cases[i].status) {
            fail_msg("%s %s gives %d, not %d", cases[i].method, cases[i].target, got.status, cases[i].status);
        }
        if (got.status == 401) {
            assert_non_null(strstr(got.head, "WWW-Authenticate: Bearer realm=\"floe\""));
        }
    }
    ask_with(*state, "GET", "/v1/search?q=stadium", "", NULL);
    assert_problem(&got, 401, "DENIED", "floe key create");
    assert_non_null(strstr(got.head, "application/problem+json"));
}

static void request__with_its_key__is_answered_however_the_key_is_sent(void **state) {
    static const char *const forms[] = {"Authorization: Bearer %s\r\n",
                                        "authorization: bearer %s\r\n",
                                        "Authorization: BEARER   %s  \r\n",
                                        "X-API-Key: %s\r\n",
                                        "x-api-key:%s\r\n",
                                        "Authorization: Basic dTpw\r\nX-API-Key: %s\r\n"};
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        char headers[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        (void)snprintf(headers, sizeof(headers), forms[i], fan_key);
#pragma GCC diagnostic pop
        ask_with(*state, "POST", "/v1/lookup", headers, lookup);
        assert_int_equal(got.status, 200);
        ask_with(*state, "GET", "/v1/search?q=stadium", headers, NULL);
        assert_int_equal(got.status, 200);
    }
    char both[300];
    (void)snprintf(both, sizeof(both), "Authorization: Bearer %s\r\nX-API-Key: %s\r\n", fan_key, fan_key);
    ask_with(*state, "POST", "/v1/lookup", both, lookup);
    assert_int_equal(got.status, 200);
}

static void request__with_a_key_that_is_none__is_unauthorized(void **state) {
    char wrong[FLOE_ACCESS_KEY_LEN + 1];
    memcpy(wrong, fan_key, sizeof(wrong));
    wrong[10] = wrong[10] == 'A' ? 'B' : 'A';
    char headers[300];
    (void)snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\n", wrong);
    ask_with(*state, "POST", "/v1/lookup", headers, lookup);
    assert_problem(&got, 401, "DENIED", "not known here, or it was revoked");
    assert_non_null(strstr(got.head, "error=\"invalid_token\""));
    static const char *const malformed[] = {"Authorization: Bearer\r\n", "Authorization: Bearer \r\n",
                                            "Authorization: Basic dTpw\r\n", "Authorization: floe_x\r\n",
                                            "Authorization:\r\n"};
    for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
        ask_with(*state, "POST", "/v1/lookup", malformed[i], lookup);
        assert_int_equal(got.status, 401);
    }
    (void)snprintf(headers, sizeof(headers), "Authorization: Bearer %s\r\nX-API-Key: %s\r\n", fan_key, nobody_key);
    ask_with(*state, "POST", "/v1/lookup", headers, lookup);
    assert_problem(&got, 401, "DENIED", "the same key");
}

static void key__is_in_no_answer(void **state) {
    ask_as(*state, gone_key, "POST", "/v1/lookup", lookup);
    assert_null(strstr(got.body, gone_key + 5));
    ask_as(*state, fan_key, "POST", "/v1/lookup", "{\"features\":[\"legs:delay\"],\"entities\":{\"id\":[7]}}");
    assert_null(strstr(got.body, fan_key + 5));
}

static void key__whose_role_is_not_in_the_project__is_forbidden(void **state) {
    ask_as(*state, gone_key, "POST", "/v1/lookup", lookup);
    assert_problem(&got, 403, "DENIED", "not under `access:` in floe.yaml any more");
    assert_null(strstr(got.head, "WWW-Authenticate"));
}

/* The connection's requests are judged one by one: a key counts for its own request. */
static void requests__on_one_connection__are_judged_each_by_its_own_key(void **state) {
    const world *w = *state;
    floe_test_http http = {0};
    floe_test_response response;
    char with[400];
    static const char without[] = "GET /v1/search?q=stadium HTTP/1.1\r\nHost: x\r\n\r\n";
    (void)snprintf(with, sizeof(with), "GET /v1/search?q=stadium HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\n\r\n",
                   fan_key);
    floe_test_http_open(&http, w->port);
    for (int i = 0; i < 10; i++) {
        bool has_key = i % 2 == 0;
        floe_test_http_send(&http, has_key ? with : without, strlen(has_key ? with : without));
        assert_true(floe_test_http_read(&http, &response));
        assert_int_equal(response.status, has_key ? 200 : 401);
        if (response.closes) {
            floe_test_http_close(&http);
            floe_test_http_open(&http, w->port);
        }
    }
    floe_test_http_close(&http);
}

/* ---- what a role sees ---- */

static const char *without_name(char *text, const char *name) {
    char *at = strstr(text, name);
    assert_non_null(at);
    memset(at, '#', strlen(name));
    return text;
}

static void lookup__of_a_hidden_view_or_service__is_answered_word_for_word_as_one_that_is_not_there(void **state) {
    static const struct {
        const char *hidden, *missing, *hidden_name, *missing_name;
    } cases[] = {
        {"{\"features\":[\"legs:delay\"],\"entities\":{\"id\":[7]}}",
         "{\"features\":[\"lugs:delay\"],\"entities\":{\"id\":[7]}}", "legs", "lugs"},
        {"{\"features\":[\"facts:whole\",\"legs\"],\"entities\":{\"id\":[7]}}",
         "{\"features\":[\"facts:whole\",\"lugs\"],\"entities\":{\"id\":[7]}}", "legs", "lugs"},
        {"{\"features\":[\"secret:whole\"],\"entities\":{\"id\":[7]}}",
         "{\"features\":[\"zecret:whole\"],\"entities\":{\"id\":[7]}}", "secret", "zecret"},
        {"{\"service\":\"routes\",\"entities\":{\"id\":[7]}}", "{\"service\":\"raotes\",\"entities\":{\"id\":[7]}}",
         "routes", "raotes"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        answer hidden;
        ask_as(*state, fan_key, "POST", "/v1/lookup", cases[i].hidden);
        hidden = got;
        ask_as(*state, fan_key, "POST", "/v1/lookup", cases[i].missing);
        assert_int_equal(hidden.status, 404);
        assert_int_equal(got.status, 404);
        assert_string_equal(without_name(hidden.body, cases[i].hidden_name),
                            without_name(got.body, cases[i].missing_name));
        assert_null(strstr(got.body, cases[i].hidden_name));
    }
}

static void lookup__of_what_the_role_sees__is_that_of_anybody(void **state) {
    ask_as(*state, fan_key, "POST", "/v1/lookup", lookup);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, "\"facts:whole\""));
    ask_as(*state, fan_key, "POST", "/v1/lookup", "{\"service\":\"model\",\"entities\":{\"id\":[7]}}");
    assert_int_equal(got.status, 200);
    ask_as(*state, nobody_key, "POST", "/v1/lookup", lookup);
    assert_problem(&got, 404, "NOT_FOUND", "facts");
    ask_as(*state, nobody_key, "POST", "/v1/lookup", "{\"service\":\"model\",\"entities\":{\"id\":[7]}}");
    assert_problem(&got, 404, "NOT_FOUND", "model");
}

static void search__with_a_key__finds_what_its_role_sees(void **state) {
    ask_as(*state, fan_key, "GET", "/v1/search?q=stadium&kind=table", NULL);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.body, "\"sport\""));
    assert_null(strstr(got.body, "music"));
    ask_as(*state, fan_key, "GET", "/v1/search?q=legs", NULL);
    assert_null(strstr(got.body, "legs"));
    ask_as(*state, fan_key, "GET", "/v1/search?q=stadium&in=musik", NULL);
    assert_true(got.status == 400 || got.status == 404);
    assert_null(strstr(got.body, "music"));
    ask_as(*state, nobody_key, "GET", "/v1/search?q=stadium", NULL);
    assert_string_equal(got.body, "{\"mode\":\"lexical\",\"hits\":[]}");
}

static void path__that_is_not_there__is_not_found_for_who_has_a_key(void **state) {
    ask_as(*state, fan_key, "GET", "/no/such/path", NULL);
    assert_int_equal(got.status, 404);
    ask_as(*state, fan_key, "DELETE", "/v1/lookup", NULL);
    assert_int_equal(got.status, 405);
}

/* ---- keys that change while the server runs ---- */

/* Asks until the status is there; the server follows within a second, and thirty are taken as never. */
static void await_status(const world *w, const char *key, int status) {
    int64_t deadline_us = floe_monotonic_us() + 30 * FLOE_US_PER_SECOND;
    do {
        ask_as(w, key, "POST", "/v1/lookup", lookup);
    } while (got.status != status && floe_monotonic_us() < deadline_us);
    assert_int_equal(got.status, status);
}

static void key__made_while_the_server_runs__is_known_and_revoked__is_refused(void **state) {
    world *w = *state;
    char key[FLOE_ACCESS_KEY_LEN + 1];
    for (int i = 0; i < 2; i++) {
        int64_t id = make_key(w, "fan", key);
        await_status(w, key, 200);
        revoke_key(w, id);
        await_status(w, key, 401);
        ask_as(w, fan_key, "POST", "/v1/lookup", lookup);
        assert_int_equal(got.status, 200);
    }
}

/* Clients go on asking while keys come and go: a valid key is never refused, and an invalid one never let in. */
#define CLIENTS 3
#define REQUESTS 120

typedef struct client {
    int port;
    const char *key; /* NULL: none */
    int wanted;
    int wrong; /* answers with another status */
    atomic_bool *stop;
    pthread_t thread;
} client;

static void *ask_on(void *context) {
    client *own = context;
    floe_test_http http = {0};
    char request[500];
    size_t len = (size_t)snprintf(request, sizeof(request),
                                  "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Type: "
                                  "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                                  own->key, strlen(lookup), lookup);
    for (int i = 0; i < REQUESTS || !atomic_load(own->stop); i++) {
        floe_test_response response;
        floe_test_http_open(&http, own->port);
        floe_test_http_send(&http, request, len);
        own->wrong += floe_test_http_read(&http, &response) && response.status == own->wanted ? 0 : 1;
        floe_test_http_close(&http);
    }
    return NULL;
}

static void keys__that_come_and_go_under_load__never_change_what_another_key_is_answered(void **state) {
    world *w = *state;
    atomic_bool stop;
    atomic_init(&stop, false);
    static const char unknown[] = "floe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    client clients[CLIENTS] = {
        {.key = fan_key, .wanted = 200}, {.key = nobody_key, .wanted = 404}, {.key = unknown, .wanted = 401}};
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i].port = w->port;
        clients[i].stop = &stop;
        assert_int_equal(pthread_create(&clients[i].thread, NULL, ask_on, &clients[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        char key[FLOE_ACCESS_KEY_LEN + 1];
        int64_t id = make_key(w, i % 2 == 0 ? "fan" : "nobody", key);
        await_status(w, key, i % 2 == 0 ? 200 : 404);
        revoke_key(w, id);
        await_status(w, key, 401);
    }
    atomic_store(&stop, true);
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        assert_int_equal(clients[i].wrong, 0);
    }
}

static void registry__that_cannot_be_read__leaves_the_keys_that_were_read_last(void **state) {
    world *w = *state;
    const char *away = floe_arena_printf(&w->arena, "%s.away", w->project->registry);
    assert_int_equal(rename(w->project->registry, away), 0);
    int64_t deadline_us = floe_monotonic_us() + 30 * FLOE_US_PER_SECOND;
    do {
        ask_with(w, "GET", "/readyz", "", NULL);
    } while (got.status != 503 && floe_monotonic_us() < deadline_us);
    assert_int_equal(got.status, 503);
    ask_as(w, fan_key, "POST", "/v1/lookup", lookup);
    assert_int_equal(got.status, 200);
    ask_with(w, "POST", "/v1/lookup", "", lookup);
    assert_int_equal(got.status, 401);
    assert_int_equal(rename(away, w->project->registry), 0);
    do {
        ask_with(w, "GET", "/readyz", "", NULL);
    } while (got.status != 200 && floe_monotonic_us() < deadline_us);
    assert_int_equal(got.status, 200);
}

/* ---- off loopback ---- */

static void listener_off_loopback__with_roles__serves_and_shows_figures_to_keys_only(void **state) {
    world *w = *state;
    world_stop(w);
    serve_on(w, "0.0.0.0");
    assert_false(floe_server_is_open(w->server));
    ask_with(w, "GET", "/livez", "", NULL);
    assert_int_equal(got.status, 200);
    ask_with(w, "GET", "/metrics", "", NULL);
    assert_int_equal(got.status, 401);
    ask_as(w, nobody_key, "GET", "/metrics", NULL);
    assert_int_equal(got.status, 200);
    ask_with(w, "POST", "/v1/lookup", "", lookup);
    assert_int_equal(got.status, 401);
    ask_as(w, fan_key, "POST", "/v1/lookup", lookup);
    assert_int_equal(got.status, 200);
    world_stop(w);
    serve_on(w, NULL);
}

/* ---- by themselves ---- */

static void key_of__each_pair_of_headers__is_a_key_or_none(void **state) {
    (void)state;
    static const struct {
        const char *authorization, *api_key;
        floe_auth judged;
        const char *key;
    } cases[] = {
        {NULL, NULL, FLOE_AUTH_MISSING, NULL},
        {"Bearer k", NULL, FLOE_AUTH_ADMITTED, "k"},
        {"bEARER k", NULL, FLOE_AUTH_ADMITTED, "k"},
        {"  Bearer \t k \t", NULL, FLOE_AUTH_ADMITTED, "k"},
        {"Bearer k l", NULL, FLOE_AUTH_ADMITTED, "k l"}, /* no key has a space, so this one is unknown later */
        {"Bearer", NULL, FLOE_AUTH_MALFORMED, NULL},
        {"Bearer ", NULL, FLOE_AUTH_MALFORMED, NULL},
        {"Bearerk", NULL, FLOE_AUTH_MALFORMED, NULL},
        {"Bearers k", NULL, FLOE_AUTH_MALFORMED, NULL},
        {"k", NULL, FLOE_AUTH_MALFORMED, NULL},
        {"", NULL, FLOE_AUTH_MALFORMED, NULL},
        {"Basic k", NULL, FLOE_AUTH_MALFORMED, NULL},
        {NULL, "k", FLOE_AUTH_ADMITTED, "k"},
        {NULL, "  k ", FLOE_AUTH_ADMITTED, "k"},
        {NULL, "", FLOE_AUTH_MISSING, NULL},
        {NULL, "  ", FLOE_AUTH_MISSING, NULL},
        {"Bearer k", "", FLOE_AUTH_ADMITTED, "k"},
        {"Bearer k", "k", FLOE_AUTH_ADMITTED, "k"},
        {"Bearer k", "l", FLOE_AUTH_MALFORMED, NULL},
        {"Bearer k", "k2", FLOE_AUTH_MALFORMED, NULL},
        {"Basic x", "k", FLOE_AUTH_ADMITTED, "k"},
        {"", "k", FLOE_AUTH_ADMITTED, "k"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_str key = {NULL, 0};
        floe_str authorization = floe_str_of(cases[i].authorization);
        floe_auth judged = floe_auth_key_of(authorization, floe_str_of(cases[i].api_key), &key);
        if (judged != cases[i].judged || (cases[i].key != NULL && !floe_str_is(key, cases[i].key))) {
            fail_msg("case %zu: %d, key \"%.*s\"", i, (int)judged, FLOE_STR_ARG(key));
        }
    }
}

static void keyring__of_many_keys__knows_each_valid_one_and_no_other(void **state) {
    (void)state;
    static world w;
    char texts[300][FLOE_ACCESS_KEY_LEN + 1];
    int64_t ids[300];
    world_make(&w, FLOE_STORE_EMBEDDED);
    for (size_t i = 0; i < 300; i++) {
        ids[i] = make_key(&w, i % 3 == 0 ? "nobody" : i % 3 == 1 ? "fan" : "dismissed", texts[i]);
    }
    for (size_t i = 0; i < 300; i += 5) {
        revoke_key(&w, ids[i]);
    }
    floe_project with_roles = *w.project;
    with_roles.roles = roles;
    with_roles.role_count = 2;
    floe_keyring *ring = NULL;
    floe_error err = {0};
    int64_t known = 0;
    assert_ok(floe_keyring_follow(&with_roles, &known, &ring, &err), &err);
    assert_int_equal(floe_keyring_count(ring), 240);
    for (size_t i = 0; i < 300; i++) {
        const floe_role *role = NULL;
        floe_auth judged = floe_auth_role_of(ring, floe_str_of(texts[i]), &role);
        assert_int_equal(judged, i % 5 == 0 ? FLOE_AUTH_UNKNOWN : i % 3 == 2 ? FLOE_AUTH_ROLELESS : FLOE_AUTH_ADMITTED);
        assert_ptr_equal(role, judged != FLOE_AUTH_ADMITTED ? NULL : i % 3 == 0 ? &roles[1] : &roles[0]);
        texts[i][20] = texts[i][20] == 'A' ? 'B' : 'A';
        assert_int_equal(floe_auth_role_of(ring, floe_str_of(texts[i]), &role), FLOE_AUTH_UNKNOWN);
    }
    floe_keyring *same = ring;
    assert_ok(floe_keyring_follow(&with_roles, &known, &ring, &err), &err);
    assert_ptr_equal(ring, same);
    floe_keyring_release(&ring);
    world_close(&w);
}

static void keyring__of_a_project_without_roles__is_not_read(void **state) {
    (void)state;
    floe_project none = {.registry = "/no/such/registry.db"};
    floe_keyring *ring = NULL;
    int64_t known = 0;
    assert_ok(floe_keyring_follow(&none, &known, &ring, NULL), NULL);
    assert_null(ring);
    const floe_role *role = NULL;
    assert_int_equal(floe_auth_role_of(NULL, floe_str_of(fan_key), &role), FLOE_AUTH_UNKNOWN);
}

static floe_status follow_once(void *context, floe_error *err) {
    FLOE_CLEANUP(floe_keyring_release) floe_keyring *ring = NULL;
    int64_t known = 0;
    return floe_keyring_follow(context, &known, &ring, err);
}

static void keyring__every_allocation_failing_once__is_reported(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(follow_once, &project) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request__without_a_key__is_unauthorized_on_every_route_but_health),
        cmocka_unit_test(request__with_its_key__is_answered_however_the_key_is_sent),
        cmocka_unit_test(request__with_a_key_that_is_none__is_unauthorized),
        cmocka_unit_test(key__is_in_no_answer),
        cmocka_unit_test(key__whose_role_is_not_in_the_project__is_forbidden),
        cmocka_unit_test(requests__on_one_connection__are_judged_each_by_its_own_key),
        cmocka_unit_test(lookup__of_a_hidden_view_or_service__is_answered_word_for_word_as_one_that_is_not_there),
        cmocka_unit_test(lookup__of_what_the_role_sees__is_that_of_anybody),
        cmocka_unit_test(search__with_a_key__finds_what_its_role_sees),
        cmocka_unit_test(path__that_is_not_there__is_not_found_for_who_has_a_key),
        cmocka_unit_test(key__made_while_the_server_runs__is_known_and_revoked__is_refused),
        cmocka_unit_test(keys__that_come_and_go_under_load__never_change_what_another_key_is_answered),
        cmocka_unit_test(registry__that_cannot_be_read__leaves_the_keys_that_were_read_last),
        cmocka_unit_test(listener_off_loopback__with_roles__serves_and_shows_figures_to_keys_only),
        cmocka_unit_test(key_of__each_pair_of_headers__is_a_key_or_none),
        cmocka_unit_test(keyring__of_many_keys__knows_each_valid_one_and_no_other),
        cmocka_unit_test(keyring__of_a_project_without_roles__is_not_read),
        cmocka_unit_test(keyring__every_allocation_failing_once__is_reported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
