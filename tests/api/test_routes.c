/* What the server says about itself, and to whom it says no: paths, methods, content types, broken HTTP. */
#include "tests/api/world.h"

#include <stdio.h>

static int set_up(void **state) {
    static world w;
    world_open(&w, FLOE_STORE_EMBEDDED);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world_close(*state);
    return 0;
}

static answer got;

static void livez__is_alive(void **state) {
    world_ask(*state, "GET", "/livez", NULL, &got);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "{\"status\":\"alive\"}");
}

static void readyz__with_store_and_registry__names_the_version(void **state) {
    world_ask(*state, "GET", "/readyz", NULL, &got);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "{\"status\":\"ready\",\"version\":1}");
}

static void loopback__without_access__is_open_and_says_so(void **state) {
    const world *w = *state;
    assert_true(floe_server_is_open(w->server));
    assert_non_null(strstr(floe_server_url(w->server), "http://127.0.0.1:"));
}

/* Counted when it ends, which may be after its answer has arrived: so a few times. */
static void metrics__count_requests_by_route_and_status(void **state) {
    world_ask(*state, "GET", "/no/such/path", NULL, &got);
    for (int i = 0; i < 1000; i++) {
        world_ask(*state, "GET", "/metrics", NULL, &got);
        if (strstr(got.body, "floe_http_requests_total{route=\"other\",status=\"404\"} 0\n") == NULL &&
            strstr(got.body, "floe_http_in_flight 1\n") != NULL) {
            break;
        }
    }
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.head, "text/plain; version=0.0.4"));
    assert_null(strstr(got.body, "floe_http_requests_total{route=\"other\",status=\"404\"} 0\n"));
    assert_non_null(strstr(got.body, "# TYPE floe_http_request_seconds histogram"));
    assert_non_null(strstr(got.body, "floe_http_in_flight 1\n"));
    assert_non_null(strstr(got.body, "floe_definitions_version 1\n"));
}

static void unknown_path__is_not_found(void **state) {
    static const char *const paths[] = {"/v1/lookups", "/v1", "/v2/lookup", "/livez/", "/v1/pushes", "//", "/%2e"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        world_ask(*state, "GET", paths[i], NULL, &got);
        assert_problem(&got, 404, "NOT_FOUND", "there is nothing at ");
    }
}

static void what_the_face_names_and_is_not_there_yet__is_unsupported_by_name(void **state) {
    static const char *const paths[] = {"/v1/push/facts",       "/v1/tables",  "/v1/features",
                                        "/v1/features/facts",   "/v1/lineage", "/v1/datasets",
                                        "/v1/datasets/1/data",  "/push",       "/health",
                                        "/get-online-features", "/",           "/write-to-online-store"};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        world_ask(*state, i % 2 == 0 ? "GET" : "POST", paths[i], i % 2 == 0 ? NULL : "{}", &got);
        assert_problem(&got, 501, "UNSUPPORTED", paths[i]);
    }
}

static void other_method__is_told_which_ones_there_are(void **state) {
    static const struct {
        const char *method, *path, *allow;
    } cases[] = {{"GET", "/v1/lookup", "Allow: POST, OPTIONS\r"},
                 {"HEAD", "/v1/lookup", "Allow: POST, OPTIONS\r"},
                 {"PUT", "/v1/lookup", "Allow: POST, OPTIONS\r"},
                 {"DELETE", "/v1/search", "Allow: GET, HEAD, POST, OPTIONS\r"},
                 {"POST", "/livez", "Allow: GET, HEAD, OPTIONS\r"},
                 {"BREW", "/metrics", "Allow: GET, HEAD, OPTIONS\r"},
                 {"PATCH", "/openapi.json", "Allow: GET, HEAD, OPTIONS\r"},
                 {"get", "/readyz", "Allow: GET, HEAD, OPTIONS\r"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world_ask(*state, cases[i].method, cases[i].path, NULL, &got);
        assert_non_null(strstr(got.head, cases[i].allow));
        if (strcmp(cases[i].method, "HEAD") == 0) {
            assert_int_equal(got.status, 405);
        } else {
            assert_problem(&got, 405, "INVALID", cases[i].path);
        }
    }
}

static void head__has_the_head_of_a_get_and_no_body(void **state) {
    world_ask(*state, "HEAD", "/livez", NULL, &got);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "");
    assert_non_null(strstr(got.head, "Content-Length: 18\r"));
}

static void ask_as(world *w, const char *header, answer *ret_answer) {
    char text[512];
    floe_test_http http;
    floe_test_response response;
    int len = snprintf(text, sizeof(text), "POST /v1/lookup HTTP/1.1\r\nHost: x\r\n%s\r\nContent-Length: 2\r\n\r\n{}",
                       header);
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, text, (size_t)len);
    assert_true(floe_test_http_read(&http, &response));
    ret_answer->status = response.status;
    (void)snprintf(ret_answer->head, sizeof(ret_answer->head), "%.*s", FLOE_STR_ARG(response.head));
    (void)snprintf(ret_answer->body, sizeof(ret_answer->body), "%.*s", FLOE_STR_ARG(response.body));
    floe_test_http_close(&http);
}

static void content_type__other_than_json__is_refused(void **state) {
    ask_as(*state, "Content-Type: application/x-protobuf", &got);
    assert_problem(&got, 501, "UNSUPPORTED", "application/x-protobuf");
    ask_as(*state, "Accept: Application/X-Protobuf; q=1", &got);
    assert_problem(&got, 501, "UNSUPPORTED", "application/x-protobuf");
    ask_as(*state, "Content-Type: text/xml", &got);
    assert_problem(&got, 415, "INVALID", "application/json");
}

static void content_type__json_or_none_or_curls__is_read(void **state) {
    static const char *const types[] = {"Content-Type: application/json; charset=utf-8",
                                        "Content-Type: APPLICATION/JSON",
                                        "Content-Type: application/x-www-form-urlencoded", "X-None: 1"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        ask_as(*state, types[i], &got);
        assert_problem(&got, 400, "INVALID", "what to look up is missing");
    }
}

static void get__with_a_body__is_refused(void **state) {
    world_ask(*state, "GET", "/v1/search?q=x", "{}", &got);
    assert_problem(&got, 400, "INVALID", "a GET has no body");
}

/* Each is answered with a status of its kind, or the client leaves without one; others are served. */
static void broken_http__harms_nobody(void **state) {
    world *w = *state;
    static const struct {
        const char *text;
        int status; /* 0: waits for more */
    } cases[] = {{"\r\n\r\n\r\n", 0},
                 {"GET", 0},
                 {"GET /livez\r\n\r\n", 400},
                 {"GET /livez HTTP/9.9\r\n\r\n", 505},
                 {"POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n{}", 400},
                 {"POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n{}", 413},
                 {"POST /v1/lookup HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}", 400},
                 {"GET /livez HTTP/1.1\r\nno colon here\r\n\r\n", 400},
                 {"\x16\x03\x01\x02\xfc\x03\x03", 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_test_http http;
        floe_test_response response;
        floe_test_http_open(&http, w->port);
        floe_test_http_send(&http, cases[i].text, strlen(cases[i].text));
        if (cases[i].status != 0) {
            assert_true(floe_test_http_read(&http, &response));
            assert_int_equal(response.status, cases[i].status);
        }
        floe_test_http_close(&http);
        livez__is_alive(state);
    }
}

/* RFC 9112, 2.2: an empty line before a request line is skipped. */
static void empty_line__before_a_request__is_skipped(void **state) {
    world *w = *state;
    floe_test_http http;
    floe_test_response response;
    static const char text[] = "\r\nGET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, text, strlen(text));
    assert_true(floe_test_http_read(&http, &response));
    assert_int_equal(response.status, 200);
    floe_test_http_close(&http);
}

static void header__of_a_hundred_kilobytes__is_refused(void **state) {
    world *w = *state;
    static char text[100000];
    floe_test_http http;
    floe_test_response response;
    memset(text, 'a', sizeof(text));
    memcpy(text, "GET /livez HTTP/1.1\r\nX: ", 24);
    memcpy(text + sizeof(text) - 4, "\r\n\r\n", 4);
    floe_test_http_open(&http, w->port);
    (void)floe_test_http_try_send(&http, text, sizeof(text));
    if (floe_test_http_read(&http, &response)) {
        assert_true(response.status == 431 || response.status == 413 || response.status == 414);
    }
    floe_test_http_close(&http);
    livez__is_alive(state);
}

/* Two requests in one write, and one that arrives byte by byte. */
static void keep_alive__requests_in_a_row_and_in_pieces__are_answered_in_order(void **state) {
    world *w = *state;
    static const char one[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char two[] = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n";
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, two, strlen(two));
    assert_true(floe_test_http_read(&http, &response));
    assert_true(floe_str_is(response.body, "{\"status\":\"alive\"}"));
    assert_true(floe_test_http_read(&http, &response));
    assert_true(floe_str_is(response.body, "{\"status\":\"ready\",\"version\":1}"));
    for (size_t i = 0; one[i] != '\0'; i++) {
        floe_test_http_send(&http, &one[i], 1);
    }
    assert_true(floe_test_http_read(&http, &response));
    assert_int_equal(response.status, 200);
    assert_false(response.closes);
    floe_test_http_close(&http);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(livez__is_alive),
        cmocka_unit_test(readyz__with_store_and_registry__names_the_version),
        cmocka_unit_test(loopback__without_access__is_open_and_says_so),
        cmocka_unit_test(metrics__count_requests_by_route_and_status),
        cmocka_unit_test(unknown_path__is_not_found),
        cmocka_unit_test(what_the_face_names_and_is_not_there_yet__is_unsupported_by_name),
        cmocka_unit_test(other_method__is_told_which_ones_there_are),
        cmocka_unit_test(head__has_the_head_of_a_get_and_no_body),
        cmocka_unit_test(content_type__other_than_json__is_refused),
        cmocka_unit_test(content_type__json_or_none_or_curls__is_read),
        cmocka_unit_test(get__with_a_body__is_refused),
        cmocka_unit_test(broken_http__harms_nobody),
        cmocka_unit_test(empty_line__before_a_request__is_skipped),
        cmocka_unit_test(header__of_a_hundred_kilobytes__is_refused),
        cmocka_unit_test(keep_alive__requests_in_a_row_and_in_pieces__are_answered_in_order),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
