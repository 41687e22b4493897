/* Bodies that are too large, requests that never end, clients that leave. */
#include "core/limits.h"
#include "tests/api/world.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

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

static const char ok_json[] = "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]}}";
static const char ok_body[] = "{\"features\":[\"facts:whole\"],\"values\":[[-20]]}";

static void send_text(floe_test_http *http, const char *text) {
    floe_test_http_send(http, text, strlen(text));
}

static void check_response(const floe_test_response *response, int status, const char *part) {
    assert_int_equal(response->status, status);
    assert_non_null(memmem(response->body.ptr, response->body.len, part, strlen(part)));
}

/* The connection is as good as before. */
static void check_usable(floe_test_http *http) {
    floe_test_response response;
    floe_test_http_ask(http, "POST", "/v1/lookup", ok_json, &response);
    check_response(&response, 200, ok_body);
}

/* A body of `len` spaces, sent as a client does that writes everything before it reads anything. */
static void send_spaces(floe_test_http *http, size_t len) {
    static char spaces[65536];
    memset(spaces, ' ', sizeof(spaces));
    for (size_t sent = 0; sent < len; sent += sizeof(spaces)) {
        floe_test_http_send(http, spaces, len - sent < sizeof(spaces) ? len - sent : sizeof(spaces));
    }
}

static void body_of_ten_megabytes__gets_a_clean_413_and_the_connection_lives(void **state) {
    world *w = *state;
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, w->port);
    send_text(&http, "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\n\r\n");
    send_spaces(&http, FLOE_MIB(10));
    assert_true(floe_test_http_read(&http, &response));
    check_response(&response, 413, "\"code\":\"LIMIT\"");
    check_response(&response, 413, "larger than 4194304 bytes");
    check_usable(&http);
    floe_test_http_close(&http);
}

/* The boundary: 4 MiB are read (and are no JSON object of a lookup), one byte more is not. */
static void body_at_the_limit__is_read_and_one_byte_more_is_not(void **state) {
    world *w = *state;
    for (size_t over = 0; over <= 1; over++) {
        char head[128];
        floe_test_http http;
        floe_test_response response;
        size_t len = FLOE_LIMIT_HTTP_BODY_BYTES + over;
        (void)snprintf(head, sizeof(head), "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", len);
        floe_test_http_open(&http, w->port);
        send_text(&http, head);
        send_text(&http, ok_json);
        send_spaces(&http, len - strlen(ok_json));
        assert_true(floe_test_http_read(&http, &response));
        check_response(&response, over ? 413 : 200, over ? "LIMIT" : ok_body);
        check_usable(&http);
        floe_test_http_close(&http);
    }
}

static void client_that_waits_for_a_go_ahead__is_refused_before_it_sends(void **state) {
    world *w = *state;
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, w->port);
    send_text(&http, "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 10485760\r\nExpect: 100-continue\r\n\r\n");
    assert_true(floe_test_http_read(&http, &response));
    check_response(&response, 413, "LIMIT");
    floe_test_http_close(&http);
}

static void client_that_waits_for_a_go_ahead__gets_one(void **state) {
    world *w = *state;
    char head[128];
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, w->port);
    (void)snprintf(head, sizeof(head),
                   "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\nExpect: 100-continue\r\n\r\n",
                   strlen(ok_json));
    send_text(&http, head);
    assert_true(floe_test_http_read(&http, &response));
    assert_int_equal(response.status, 100);
    send_text(&http, ok_json);
    assert_true(floe_test_http_read(&http, &response));
    check_response(&response, 200, ok_body);
    floe_test_http_close(&http);
}

static void announced_exabyte__is_refused_at_once(void **state) {
    world *w = *state;
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, w->port);
    send_text(&http, "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 1152921504606846976\r\n\r\n");
    assert_true(floe_test_http_read(&http, &response));
    check_response(&response, 413, "LIMIT");
    floe_test_http_close(&http);
}

/* No length is announced, so it only shows while it comes. */
static void chunked_body__is_read_within_the_limit_and_refused_past_it(void **state) {
    world *w = *state;
    char chunk[32];
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, w->port);
    send_text(&http, "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    (void)snprintf(chunk, sizeof(chunk), "%zx\r\n", strlen(ok_json));
    send_text(&http, chunk);
    send_text(&http, ok_json);
    send_text(&http, "\r\n0\r\n\r\n");
    assert_true(floe_test_http_read(&http, &response));
    check_response(&response, 200, ok_body);
    send_text(&http, "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5; i++) {
        send_text(&http, "100000\r\n");
        send_spaces(&http, FLOE_MIB(1));
        send_text(&http, "\r\n");
    }
    send_text(&http, "0\r\n\r\n");
    assert_true(floe_test_http_read(&http, &response));
    check_response(&response, 413, "LIMIT");
    check_usable(&http);
    floe_test_http_close(&http);
}

/* A refusal that is known from the first line still reads what the client sends with it. */
static void refused_path_with_a_body__keeps_the_connection(void **state) {
    world *w = *state;
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, w->port);
    send_text(&http, "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    send_spaces(&http, 1000000);
    assert_true(floe_test_http_read(&http, &response));
    check_response(&response, 404, "NOT_FOUND");
    check_usable(&http);
    floe_test_http_close(&http);
}

/* Half requests of many clients take nothing from the others, and their leaving neither. */
static void half_requests__do_not_hold_others_up(void **state) {
    world *w = *state;
    static floe_test_http half[100];
    for (size_t i = 0; i < 100; i++) {
        floe_test_http_open(&half[i], w->port);
        send_text(&half[i], i % 3 == 0 ? "POST /v1/loo"
                            : i % 3 == 1
                                ? "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{\"serv"
                                : "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n");
    }
    floe_test_http http;
    floe_test_http_open(&http, w->port);
    check_usable(&http);
    for (size_t i = 0; i < 100; i++) {
        floe_test_http_close(&half[i]);
    }
    check_usable(&http);
    floe_test_http_close(&http);
}

/* Asks and leaves without reading the answer, with a reset. */
static void clients_that_leave__harm_nobody(void **state) {
    world *w = *state;
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(1));
    floe_test_http_print(&text, "POST", "/v1/lookup", ok_json);
    for (int i = 0; i < 200; i++) {
        struct linger reset = {.l_onoff = 1};
        floe_test_http http;
        floe_test_http_open(&http, w->port);
        assert_int_equal(setsockopt(http.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)), 0);
        floe_test_http_send(&http, text.ptr, text.len);
        floe_test_http_close(&http);
    }
    floe_test_http http;
    floe_test_http_open(&http, w->port);
    check_usable(&http);
    floe_test_http_close(&http);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(body_of_ten_megabytes__gets_a_clean_413_and_the_connection_lives),
        cmocka_unit_test(body_at_the_limit__is_read_and_one_byte_more_is_not),
        cmocka_unit_test(client_that_waits_for_a_go_ahead__is_refused_before_it_sends),
        cmocka_unit_test(client_that_waits_for_a_go_ahead__gets_one),
        cmocka_unit_test(announced_exabyte__is_refused_at_once),
        cmocka_unit_test(chunked_body__is_read_within_the_limit_and_refused_past_it),
        cmocka_unit_test(refused_path_with_a_body__keeps_the_connection),
        cmocka_unit_test(half_requests__do_not_hold_others_up),
        cmocka_unit_test(clients_that_leave__harm_nobody),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
