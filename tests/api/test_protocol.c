/*
 * What the server does with requests as HTTP: targets, framing, encodings, what a client accepts, pipelines. Each is
 * sent byte by byte as written here, and each refusal is problem+json that names what was wrong.
 */
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

static const char ok_json[] = "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]}}";
static const char ok_body[] = "{\"features\":[\"facts:whole\"],\"values\":[[-20]]}";

static void take(const floe_test_response *response, answer *ret_answer) {
    ret_answer->status = response->status;
    (void)snprintf(ret_answer->head, sizeof(ret_answer->head), "%.*s", FLOE_STR_ARG(response->head));
    (void)snprintf(ret_answer->body, sizeof(ret_answer->body), "%.*s", FLOE_STR_ARG(response->body));
}

/* The answer to exactly these bytes, on a connection of its own. */
static void ask_bytes(world *w, const char *bytes, size_t len, answer *ret_answer) {
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, bytes, len);
    assert_true(floe_test_http_read(&http, &response));
    take(&response, ret_answer);
    floe_test_http_close(&http);
}

static void ask_text(world *w, const char *text, answer *ret_answer) {
    ask_bytes(w, text, strlen(text), ret_answer);
}

/* Engines before and after 1.0 differ in what they refuse by themselves. Returns the status, 0 when the connection ended
 * without an answer; *ret_ends whether it ends with it. */
static int refusal_of(world *w, const char *bytes, size_t len, bool *ret_ends) {
    floe_test_http http;
    floe_test_response response = {0};
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, bytes, len);
    bool answered = floe_test_http_read(&http, &response);
    *ret_ends = !answered || response.closes;
    int status = answered ? response.status : 0;
    floe_test_http_close(&http);
    return status;
}

/* A lookup that would be answered but for these header lines, each with its CRLF. */
static void ask_with(world *w, const char *headers, answer *ret_answer) {
    char text[4096];
    int len = snprintf(text, sizeof(text), "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n%s\r\n%s",
                       strlen(ok_json), headers, ok_json);
    assert_true(len > 0 && (size_t)len < sizeof(text));
    ask_bytes(w, text, (size_t)len, ret_answer);
}

/* ---- targets ---- */

static void target__with_an_escaped_nul_or_a_bad_escape__is_refused(void **state) {
    static const char *const targets[] = {"/livez%00x", "/livez%00",         "/livez%",        "/livez%zz",
                                          "/%00/livez", "/v1/search?q=a%00", "/v1/search?q=%", "/v1/search?%00=1"};
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        world_ask(*state, "GET", targets[i], NULL, &got);
        assert_problem(&got, 400, "INVALID", "the request target holds");
    }
}

static void target__that_is_no_path__is_refused(void **state) {
    ask_text(*state, "GET livez HTTP/1.1\r\nHost: x\r\n\r\n", &got);
    assert_problem(&got, 400, "INVALID", "must be a path");
    ask_text(*state, "CONNECT x:443 HTTP/1.1\r\nHost: x\r\n\r\n", &got);
    assert_problem(&got, 400, "INVALID", "must be a path");
}

static void target__with_a_raw_nul__is_not_cut_there(void **state) {
    static const char text[] = "GET /livez\0x HTTP/1.1\r\nHost: x\r\n\r\n";
    bool ends = false;
    int status = refusal_of(*state, text, sizeof(text) - 1, &ends);
    assert_true(status == 400 || (status == 0 && ends));
}

/* RFC 9112, 3.2.2: a server accepts the absolute form. */
static void target__in_absolute_form__is_served(void **state) {
    ask_text(*state, "GET http://anywhere/livez HTTP/1.1\r\nHost: anywhere\r\n\r\n", &got);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "{\"status\":\"alive\"}");
}

static void params__past_sixty_four__are_refused_not_dropped(void **state) {
    FLOE_AUTO_BUF target;
    floe_buf_init(&target, 4096);
    floe_buf_text(&target, "/v1/search?q=x");
    for (int i = 0; i < 64; i++) {
        floe_buf_text(&target, "&k=1");
    }
    world_ask(*state, "GET", target.ptr, NULL, &got);
    assert_problem(&got, 400, "INVALID", "more than 64 query parameters");
}

/* ---- methods ---- */

static void options__names_the_methods_of_a_path(void **state) {
    world_ask(*state, "OPTIONS", "/v1/search", NULL, &got);
    assert_int_equal(got.status, 200);
    assert_string_equal(got.body, "");
    assert_null(strstr(got.head, "Content-Type"));
    assert_non_null(strstr(got.head, "Allow: GET, HEAD, POST, OPTIONS\r"));
    assert_null(strstr(got.head, "Access-Control"));
    world_ask(*state, "OPTIONS", "/nowhere", NULL, &got);
    assert_problem(&got, 404, "NOT_FOUND", "/nowhere");
}

static void options_star__is_the_server(void **state) {
    ask_text(*state, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", &got);
    assert_int_equal(got.status, 200);
    assert_non_null(strstr(got.head, "Allow: "));
    ask_text(*state, "GET * HTTP/1.1\r\nHost: x\r\n\r\n", &got);
    assert_problem(&got, 404, "NOT_FOUND", "*");
}

static void head__of_each_operation__has_the_length_of_its_get(void **state) {
    static const char *const paths[] = {"/livez", "/readyz", "/openapi.json"};
    world *w = *state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        floe_test_http http;
        floe_test_response response;
        char text[128];
        int len = snprintf(text, sizeof(text), "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        floe_test_http_open(&http, w->port);
        floe_test_http_send(&http, text, (size_t)len);
        assert_true(floe_test_http_read_head(&http, &response));
        int64_t head_len = 0;
        assert_int_equal(response.status, 200);
        assert_ok(floe_str_to_i64(floe_test_http_header(&response, "content-length"), &head_len, NULL), NULL);
        floe_test_http_ask(&http, "GET", paths[i], NULL, &response);
        assert_int_equal(response.body.len, head_len);
        floe_test_http_close(&http);
    }
}

/* ---- encodings and types ---- */

static void content_encoding__is_refused_and_named(void **state) {
    static const char *const encodings[] = {"gzip", "GZIP", "br", "deflate", "identity, gzip", "zstd"};
    for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
        char header[128];
        (void)snprintf(header, sizeof(header), "Content-Encoding: %s\r\n", encodings[i]);
        ask_with(*state, header, &got);
        assert_problem(&got, 415, "UNSUPPORTED", encodings[i]);
        assert_non_null(strstr(got.head, "Accept-Encoding: identity\r"));
    }
    ask_with(*state, "Content-Encoding: identity\r\nContent-Encoding: gzip\r\n", &got);
    assert_problem(&got, 415, "UNSUPPORTED", "identity,gzip");
    ask_with(*state, "Content-Encoding: identity\r\n", &got);
    assert_string_equal(got.body, ok_body);
}

static void charset__other_than_utf_8__is_refused(void **state) {
    ask_with(*state, "Content-Type: application/json; charset=utf-16\r\n", &got);
    assert_problem(&got, 415, "INVALID", "charset=utf-16");
    ask_with(*state, "Content-Type: application/json; charset=\"UTF-8\"\r\n", &got);
    assert_string_equal(got.body, ok_body);
}

static void accept__without_json__is_not_acceptable(void **state) {
    static const char *const refused[] = {"text/html", "application/xml, text/*", "application/json;q=0"};
    static const char *const fine[] = {"*/*", "application/*", "text/html, */*;q=0.1", "application/json"};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        char header[128];
        (void)snprintf(header, sizeof(header), "Accept: %s\r\n", refused[i]);
        ask_with(*state, header, &got);
        assert_problem(&got, 406, "INVALID", refused[i]);
    }
    for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
        char header[128];
        (void)snprintf(header, sizeof(header), "Accept: %s\r\n", fine[i]);
        ask_with(*state, header, &got);
        assert_string_equal(got.body, ok_body);
    }
    ask_with(*state, "Accept: text/html\r\nAccept: application/json\r\n", &got);
    assert_string_equal(got.body, ok_body);
}

/* A probe must not fail for what it accepts. */
static void operations__answer_whatever_is_accepted(void **state) {
    ask_text(*state, "GET /livez HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n", &got);
    assert_int_equal(got.status, 200);
    ask_text(*state, "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n", &got);
    assert_int_equal(got.status, 200);
}

/* ---- framing ---- */

static void headers__given_twice__are_refused(void **state) {
    static const char *const headers[] = {"Content-Length: 7\r\n", "Host: y\r\n",
                                          "Content-Type: application/json\r\nContent-Type: text/xml\r\n"};
    static const char *const names[] = {"Content-Length", "Host", "Content-Type"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        ask_with(*state, headers[i], &got);
        assert_int_equal(got.status, 400);
        assert_non_null(strstr(got.head, "Connection: close\r"));
        assert_problem(&got, 400, "INVALID", names[i]);
    }
}

/* A body whose end two readers would see in two places: the connection ends, so that nothing can be smuggled behind
 * it. */
static void body__framed_in_two_ways__ends_the_connection(void **state) {
    world *w = *state;
    floe_test_http http;
    floe_test_response response;
    static const char text[] =
        "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, text, sizeof(text) - 1);
    assert_true(floe_test_http_read(&http, &response));
    assert_int_equal(response.status, 400);
    assert_true(response.closes);
    assert_false(floe_test_http_read(&http, &response));
    floe_test_http_close(&http);
}

static void transfer_encoding__other_than_chunked__is_unsupported(void **state) {
    static const char text[] = "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n{}";
    bool ends = false;
    int status = refusal_of(*state, text, sizeof(text) - 1, &ends);
    assert_true((status == 501 || status == 400) && ends);
}

static void host__missing__is_refused_but_not_in_http_1_0(void **state) {
    ask_text(*state, "GET /livez HTTP/1.1\r\n\r\n", &got);
    assert_int_equal(got.status, 400);
    ask_text(*state, "GET /livez HTTP/1.0\r\n\r\n", &got);
    assert_int_equal(got.status, 200);
}

static void expect__other_than_100_continue__is_417(void **state) {
    ask_with(*state, "Expect: the-worst\r\n", &got);
    assert_problem(&got, 417, "INVALID", "100-continue");
    /* and at once, for the client may wait for a word before it sends its body */
    ask_text(*state, "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: the-worst\r\n\r\n", &got);
    assert_problem(&got, 417, "INVALID", "100-continue");
}

/* 16 KiB are ours to refuse, with words; what the engine cannot hold at all it refuses itself (docs/http.md). */
static void head__longer_than_sixteen_kilobytes__is_431(void **state) {
    static char headers[3072];
    static char text[32768];
    size_t at = (size_t)snprintf(text, sizeof(text), "GET /livez HTTP/1.1\r\nHost: x\r\n");
    memset(headers, 'a', sizeof(headers));
    for (int i = 0; i < 6; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "X-%d: %.*s\r\n", i, (int)sizeof(headers), headers);
        if (i == 4) { /* 15,360 bytes of values so far */
            char fine[32768];
            size_t len = (size_t)snprintf(fine, sizeof(fine), "%s\r\n", text);
            ask_bytes(*state, fine, len, &got);
            assert_int_equal(got.status, 200);
        }
    }
    at += (size_t)snprintf(text + at, sizeof(text) - at, "\r\n");
    ask_bytes(*state, text, at, &got);
    assert_problem(&got, 431, "LIMIT", "16 KiB");
}

/* ---- pipelines ---- */

/* A hundred requests of three kinds in one write: the answers come in order, each its own. */
static void pipeline__of_many_kinds__is_answered_in_order(void **state) {
    world *w = *state;
    FLOE_AUTO_BUF text;
    floe_test_http http;
    floe_test_response response;
    floe_buf_init(&text, 1 << 20);
    for (int i = 0; i < 100; i++) {
        floe_test_http_print(&text, i % 3 == 0 ? "POST" : "GET",
                             i % 3 == 0   ? "/v1/lookup"
                             : i % 3 == 1 ? "/livez"
                                          : "/nowhere",
                             i % 3 == 0 ? ok_json : NULL);
    }
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, text.ptr, text.len);
    for (int i = 0; i < 100; i++) {
        assert_true(floe_test_http_read(&http, &response));
        assert_int_equal(response.status, i % 3 == 2 ? 404 : 200);
        assert_true(i % 3 != 0 || floe_str_is(response.body, ok_body));
    }
    floe_test_http_close(&http);
}

/* A refusal in the middle of a pipeline takes nothing from the requests behind it. */
static void pipeline__with_a_refusal__goes_on(void **state) {
    world *w = *state;
    FLOE_AUTO_BUF text;
    floe_test_http http;
    floe_test_response response;
    floe_buf_init(&text, 1 << 20);
    floe_test_http_print(&text, "GET", "/livez%00", NULL);
    floe_test_http_print(&text, "PUT", "/livez", "{}");
    floe_test_http_print(&text, "POST", "/v1/lookup", "{");
    floe_test_http_print(&text, "POST", "/v1/lookup", ok_json);
    floe_test_http_open(&http, w->port);
    floe_test_http_send(&http, text.ptr, text.len);
    static const int statuses[] = {400, 405, 400, 200};
    for (size_t i = 0; i < 4; i++) {
        assert_true(floe_test_http_read(&http, &response));
        assert_int_equal(response.status, statuses[i]);
    }
    floe_test_http_close(&http);
}

/* ---- JSON ---- */

static void json__with_a_key_twice__is_refused(void **state) {
    world_lookup(*state, "{\"features\":[\"facts:whole\"],\"features\":[\"facts:name\"],\"entities\":{\"id\":[1]}}",
                 &got);
    assert_problem(&got, 400, "INVALID", "duplicate");
    world_lookup(*state, "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[1],\"id\":[2]}}", &got);
    assert_problem(&got, 400, "INVALID", "duplicate");
    world_ask(*state, "POST", "/v1/search", "{\"query\":\"a\",\"query\":\"b\"}", &got);
    assert_problem(&got, 400, "INVALID", "duplicate");
}

static void json__nested_a_hundred_thousand_deep__is_refused(void **state) {
    enum { DEPTH = 100000 };
    static char text[2 * DEPTH + 64];
    size_t at = (size_t)snprintf(text, sizeof(text), "{\"features\":");
    memset(text + at, '[', DEPTH);
    memset(text + at + DEPTH, ']', DEPTH);
    memcpy(text + at + 2 * (size_t)DEPTH, "}", 2);
    world_lookup(*state, text, &got);
    assert_problem(&got, 413, "LIMIT", "levels deep");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(target__with_an_escaped_nul_or_a_bad_escape__is_refused),
        cmocka_unit_test(target__that_is_no_path__is_refused),
        cmocka_unit_test(target__with_a_raw_nul__is_not_cut_there),
        cmocka_unit_test(target__in_absolute_form__is_served),
        cmocka_unit_test(params__past_sixty_four__are_refused_not_dropped),
        cmocka_unit_test(options__names_the_methods_of_a_path),
        cmocka_unit_test(options_star__is_the_server),
        cmocka_unit_test(head__of_each_operation__has_the_length_of_its_get),
        cmocka_unit_test(content_encoding__is_refused_and_named),
        cmocka_unit_test(charset__other_than_utf_8__is_refused),
        cmocka_unit_test(accept__without_json__is_not_acceptable),
        cmocka_unit_test(operations__answer_whatever_is_accepted),
        cmocka_unit_test(headers__given_twice__are_refused),
        cmocka_unit_test(body__framed_in_two_ways__ends_the_connection),
        cmocka_unit_test(transfer_encoding__other_than_chunked__is_unsupported),
        cmocka_unit_test(host__missing__is_refused_but_not_in_http_1_0),
        cmocka_unit_test(expect__other_than_100_continue__is_417),
        cmocka_unit_test(head__longer_than_sixteen_kilobytes__is_431),
        cmocka_unit_test(pipeline__of_many_kinds__is_answered_in_order),
        cmocka_unit_test(pipeline__with_a_refusal__goes_on),
        cmocka_unit_test(json__with_a_key_twice__is_refused),
        cmocka_unit_test(json__nested_a_hundred_thousand_deep__is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
