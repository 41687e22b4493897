/*
 * The HTTP engine by itself, on the test's own thread and with hooks of its own: what the routes may rely on. Requests
 * are answered here when the test wants it.
 */
#include "api/http_int.h"
#include "core/limits.h"
#include "tests/support/http.h"
#include "tests/support/support.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#define HELD_MAX 64

typedef struct engine {
    floe_loop *loop;
    floe_http *http;
    int port;
    /* What the hooks saw. */
    unsigned begun, handled, ended, unanswered;
    bool hold;            /* keep requests instead of answering them */
    bool refuse_at_begin; /* answer before the body */
    size_t answer_len;    /* bytes of the answer; 0: the body is sent back */
    floe_http_request *held[HELD_MAX];
    size_t held_count;
    char path[64];
    unsigned method;
    size_t param_count;
    floe_http_param params[HELD_MAX];
    bool body_failed;
} engine;

static void answer(floe_http_request *request, int status, floe_str body) {
    floe_buf_str(&request->out, body);
    request->status = status;
    request->answer_type = "text/plain";
    floe_http_answer(request);
}

static void on_begin(void *context, floe_http_request *request) {
    engine *e = context;
    e->begun++;
    e->method = request->method;
    e->param_count = request->param_count;
    for (size_t i = 0; i < request->param_count; i++) {
        e->params[i] = request->params[i];
    }
    (void)snprintf(e->path, sizeof(e->path), "%.*s", FLOE_STR_ARG(request->path));
    request->owner = e;
    if (e->refuse_at_begin) {
        answer(request, 403, FLOE_STR("no"));
    }
}

static void on_handle(void *context, floe_http_request *request) {
    engine *e = context;
    e->handled++;
    e->body_failed = request->body.failed;
    if (request->body.failed) {
        answer(request, 413, FLOE_STR("too much"));
    } else if (e->hold) {
        assert_true(e->held_count < HELD_MAX);
        e->held[e->held_count++] = request;
    } else if (e->answer_len > 0) {
        char *room = floe_buf_reserve(&request->out, e->answer_len);
        assert_non_null(room);
        memset(room, 'x', e->answer_len);
        floe_buf_advance(&request->out, e->answer_len);
        answer(request, 200, FLOE_STR(""));
    } else {
        answer(request, 200, floe_buf_view(&request->body));
    }
}

static void on_end(void *context, floe_http_request *request, bool answered) {
    engine *e = context;
    assert_ptr_equal(request->owner, e);
    e->ended++;
    e->unanswered += answered ? 0 : 1;
}

static void on_turn(void *context) {
    floe_http_run(((engine *)context)->http);
}

static void engine_open(engine *e, unsigned connection_max) {
    floe_error err = {0};
    floe_http_hooks hooks = {on_begin, on_handle, on_end, e};
    int listener = -1;
    uint16_t port = 0;
    *e = (engine){0};
    assert_ok(floe_loop_open(&e->loop, &err), &err);
    assert_ok(floe_loop_on_turn(e->loop, on_turn, e, &err), &err);
    assert_ok(floe_listen_open("127.0.0.1", 0, 1, &listener, &port, &err), &err);
    assert_ok(floe_http_open(e->loop, listener, connection_max, &hooks, &e->http, &err), &err);
    e->port = port;
}

static void engine_close(engine *e) {
    floe_http_close(&e->http);
    floe_loop_close(&e->loop);
    assert_int_equal(e->begun, e->ended);
}

static void turn(engine *e) {
    floe_error err = {0};
    assert_ok(floe_loop_turn(e->loop, 1000, &err), &err);
}

#define TURN_UNTIL(e, condition)                                                                                       \
    while (!(condition)) {                                                                                             \
        turn(e);                                                                                                       \
    }

static void send_text(floe_test_http *http, const char *text) {
    floe_test_http_send(http, text, strlen(text));
}

/* Turns until the client's socket has something to read, then reads the response, of which all must be there or come by
 * itself. */
static void read_answer(engine *e, floe_test_http *http, floe_test_response *ret_response) {
    unsigned ended = e->ended;
    TURN_UNTIL(e, e->ended != ended);
    assert_true(floe_test_http_read(http, ret_response));
}

/* ---- requests ---- */

static void request__is_seen_whole_and_sent_back(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    floe_test_response response;
    engine_open(&e, 8);
    floe_test_http_open(&http, e.port);
    send_text(&http, "POST /a%20b?x=1%2B1&y=&z HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    read_answer(&e, &http, &response);
    assert_int_equal(response.status, 200);
    assert_true(floe_str_is(response.body, "hello"));
    assert_string_equal(e.path, "/a b");
    assert_int_equal(e.method, FLOE_HTTP_POST);
    assert_int_equal(e.param_count, 3);
    floe_test_http_close(&http);
    engine_close(&e);
}

static void params__are_decoded_in_their_order(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    floe_test_response response;
    engine_open(&e, 8);
    floe_test_http_open(&http, e.port);
    send_text(&http, "GET /?q=caf%C3%A9+noir&k=3&q=%26 HTTP/1.1\r\nHost: x\r\n\r\n");
    e.hold = true;
    TURN_UNTIL(&e, e.held_count == 1);
    assert_int_equal(e.param_count, 3);
    assert_true(floe_str_is(e.params[0].name, "q"));
    assert_true(floe_str_is(e.params[0].value, "caf\xc3\xa9 noir"));
    assert_true(floe_str_is(e.params[1].value, "3"));
    assert_true(floe_str_is(e.params[2].value, "&"));
    answer(e.held[0], 200, FLOE_STR("ok"));
    read_answer(&e, &http, &response);
    floe_test_http_close(&http);
    engine_close(&e);
}

static void methods__are_told_apart_exactly(void **state) {
    (void)state;
    static const struct {
        const char *name;
        unsigned method;
    } cases[] = {{"GET", FLOE_HTTP_GET},
                 {"POST", FLOE_HTTP_POST},
                 {"PUT", FLOE_HTTP_OTHER},
                 {"get", FLOE_HTTP_OTHER},
                 {"GETS", FLOE_HTTP_OTHER}};
    engine e;
    floe_test_http http;
    floe_test_response response;
    engine_open(&e, 8);
    floe_test_http_open(&http, e.port);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: x\r\n\r\n", cases[i].name);
        send_text(&http, text);
        read_answer(&e, &http, &response);
        assert_int_equal(e.method, cases[i].method);
    }
    floe_test_http_close(&http);
    engine_close(&e);
}

/* ---- answers ---- */

static void answers__in_another_order_than_the_questions__find_their_connections(void **state) {
    (void)state;
    engine e;
    static floe_test_http http[HELD_MAX];
    engine_open(&e, HELD_MAX);
    e.hold = true;
    for (size_t i = 0; i < HELD_MAX; i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n%02zu", i);
        floe_test_http_open(&http[i], e.port);
        send_text(&http[i], text);
    }
    TURN_UNTIL(&e, e.held_count == HELD_MAX);
    assert_int_equal(floe_http_in_flight(e.http), HELD_MAX);
    for (size_t i = HELD_MAX; i > 0; i--) {
        answer(e.held[i - 1], 200, floe_buf_view(&e.held[i - 1]->body));
    }
    TURN_UNTIL(&e, e.ended == HELD_MAX);
    for (size_t i = 0; i < HELD_MAX; i++) {
        char expected[8];
        floe_test_response response;
        (void)snprintf(expected, sizeof(expected), "%02zu", i);
        assert_true(floe_test_http_read(&http[i], &response));
        assert_true(floe_str_is(response.body, expected));
        floe_test_http_close(&http[i]);
    }
    engine_close(&e);
}

/* An answer that does not fit into the socket's buffers goes out as the client reads; the engine serves others
 * meanwhile. */
static void large_answer__to_a_slow_reader__arrives_whole(void **state) {
    (void)state;
    engine e;
    floe_test_http slow;
    floe_test_http other;
    floe_test_response response;
    size_t got = 0;
    static char bytes[65536];
    engine_open(&e, 8);
    floe_test_http_open(&slow, e.port);
    e.answer_len = FLOE_MIB(24);
    send_text(&slow, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    TURN_UNTIL(&e, e.handled == 1);
    e.answer_len = 0;
    floe_test_http_open(&other, e.port);
    send_text(&other, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
    read_answer(&e, &other, &response);
    assert_true(floe_str_is(response.body, "hi"));
    while (got < FLOE_MIB(24)) {
        ssize_t now = recv(slow.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
        assert_true(now > 0 || (now < 0 && errno == EAGAIN));
        got += now > 0 ? (size_t)now : 0;
        if (now < 0) {
            turn(&e);
        }
    }
    TURN_UNTIL(&e, e.ended == 2);
    assert_int_equal(bytes[0], 'x');
    floe_test_http_close(&slow);
    floe_test_http_close(&other);
    engine_close(&e);
}

static void extra_headers__are_sent_when_they_are_set(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    floe_test_response response;
    engine_open(&e, 8);
    floe_test_http_open(&http, e.port);
    e.hold = true;
    send_text(&http, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    TURN_UNTIL(&e, e.held_count == 1);
    e.held[0]->allow = "GET";
    e.held[0]->retry_after_s = 7;
    answer(e.held[0], 503, FLOE_STR(""));
    read_answer(&e, &http, &response);
    assert_int_equal(response.status, 503);
    assert_true(floe_str_is(floe_test_http_header(&response, "allow"), "GET"));
    assert_true(floe_str_is(floe_test_http_header(&response, "retry-after"), "7"));
    assert_true(floe_str_is(floe_test_http_header(&response, "content-type"), "text/plain"));
    assert_true(floe_str_is(floe_test_http_header(&response, "content-length"), "0"));
    /* and are not remembered for the next request in the same memory */
    e.hold = false;
    send_text(&http, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    read_answer(&e, &http, &response);
    assert_int_equal(response.status, 200);
    assert_int_equal(floe_test_http_header(&response, "allow").len, 0);
    assert_int_equal(floe_test_http_header(&response, "retry-after").len, 0);
    floe_test_http_close(&http);
    engine_close(&e);
}

/* ---- bodies ---- */

static void refused_at_the_start__the_body_is_thrown_away_and_nothing_is_handled(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    floe_test_response response;
    engine_open(&e, 8);
    floe_test_http_open(&http, e.port);
    e.refuse_at_begin = true;
    send_text(&http, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234");
    TURN_UNTIL(&e, e.begun == 1);
    send_text(&http, "56789");
    read_answer(&e, &http, &response);
    assert_int_equal(response.status, 403);
    assert_int_equal(e.handled, 0);
    e.refuse_at_begin = false;
    send_text(&http, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
    read_answer(&e, &http, &response);
    assert_true(floe_str_is(response.body, "ok"));
    floe_test_http_close(&http);
    engine_close(&e);
}

/* The memory of a large request is given back, and a later small one is right. */
static void large_body__then_a_small_one__are_both_right(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    floe_test_response response;
    static char body[FLOE_LIMIT_HTTP_BODY_BYTES];
    char head[128];
    engine_open(&e, 8);
    floe_test_http_open(&http, e.port);
    memset(body, 'b', sizeof(body));
    (void)snprintf(head, sizeof(head), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", sizeof(body));
    send_text(&http, head);
    e.hold = true;
    for (size_t sent = 0; sent < sizeof(body); sent += 65536) {
        size_t len = sizeof(body) - sent < 65536 ? sizeof(body) - sent : 65536;
        floe_test_http_send(&http, body + sent, len);
        turn(&e);
    }
    TURN_UNTIL(&e, e.held_count == 1);
    assert_int_equal(e.held[0]->body.len, sizeof(body));
    assert_memory_equal(e.held[0]->body.ptr, body, sizeof(body));
    answer(e.held[0], 200, FLOE_STR("got it"));
    read_answer(&e, &http, &response);
    assert_true(floe_str_is(response.body, "got it"));
    e.hold = false;
    send_text(&http, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
    read_answer(&e, &http, &response);
    assert_true(floe_str_is(response.body, "ok"));
    floe_test_http_close(&http);
    engine_close(&e);
}

/* ---- ends ---- */

static void client_that_leaves_in_its_body__ends_unanswered(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    engine_open(&e, 8);
    floe_test_http_open(&http, e.port);
    send_text(&http, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234");
    TURN_UNTIL(&e, e.begun == 1);
    floe_test_http_close(&http);
    TURN_UNTIL(&e, e.ended == 1);
    assert_int_equal(e.handled, 0);
    assert_int_equal(e.unanswered, 1);
    engine_close(&e);
}

static void close__with_a_half_request__ends_it(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    floe_test_response response;
    engine_open(&e, 8);
    floe_test_http_open(&http, e.port);
    send_text(&http, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n01234");
    TURN_UNTIL(&e, e.begun == 1);
    engine_close(&e);
    assert_int_equal(e.unanswered, 1);
    assert_false(floe_test_http_read(&http, &response));
    floe_test_http_close(&http);
}

/* More connections than are allowed wait for their turn; none is turned away. */
static void connections_past_the_limit__wait_and_are_served(void **state) {
    (void)state;
    engine e;
    floe_test_http http[6];
    floe_test_response response;
    engine_open(&e, 2);
    for (size_t i = 0; i < 6; i++) {
        floe_test_http_open(&http[i], e.port);
        send_text(&http[i], "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
    }
    for (size_t i = 0; i < 6; i++) {
        TURN_UNTIL(&e, e.ended == i + 1 || floe_http_connections(e.http) <= 2);
        struct pollfd readable = {.fd = http[i].fd, .events = POLLIN};
        TURN_UNTIL(&e, poll(&readable, 1, 0) == 1);
        assert_true(floe_http_connections(e.http) <= 2);
        assert_true(floe_test_http_read(&http[i], &response));
        assert_true(floe_str_is(response.body, "ok"));
        floe_test_http_close(&http[i]);
    }
    engine_close(&e);
}

static void drain__accepts_what_waits_and_ends_each_connection_with_its_answer(void **state) {
    (void)state;
    engine e;
    floe_test_http first;
    floe_test_http waiting[3];
    floe_test_response response;
    engine_open(&e, 8);
    floe_test_http_open(&first, e.port);
    send_text(&first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    read_answer(&e, &first, &response);
    assert_false(response.closes);
    for (size_t i = 0; i < 3; i++) { /* in the kernel's queue: no turn in between */
        floe_test_http_open(&waiting[i], e.port);
        send_text(&waiting[i], "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
    }
    floe_http_drain(e.http);
    assert_false(floe_http_stop_accepting(e.http));
    TURN_UNTIL(&e, floe_http_stop_accepting(e.http));
    send_text(&first, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    TURN_UNTIL(&e, floe_http_connections(e.http) == 0);
    for (size_t i = 0; i < 3; i++) {
        assert_true(floe_test_http_read(&waiting[i], &response));
        assert_true(response.closes);
        assert_false(floe_test_http_read(&waiting[i], &response));
        floe_test_http_close(&waiting[i]);
    }
    assert_true(floe_test_http_read(&first, &response));
    assert_true(response.closes);
    floe_test_http_close(&first);
    assert_false(floe_test_http_try(&first, e.port)); /* the socket is closed */
    assert_true(floe_http_stop_accepting(e.http));
    engine_close(&e);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(request__is_seen_whole_and_sent_back),
        cmocka_unit_test(params__are_decoded_in_their_order),
        cmocka_unit_test(methods__are_told_apart_exactly),
        cmocka_unit_test(answers__in_another_order_than_the_questions__find_their_connections),
        cmocka_unit_test(large_answer__to_a_slow_reader__arrives_whole),
        cmocka_unit_test(extra_headers__are_sent_when_they_are_set),
        cmocka_unit_test(refused_at_the_start__the_body_is_thrown_away_and_nothing_is_handled),
        cmocka_unit_test(large_body__then_a_small_one__are_both_right),
        cmocka_unit_test(client_that_leaves_in_its_body__ends_unanswered),
        cmocka_unit_test(close__with_a_half_request__ends_it),
        cmocka_unit_test(connections_past_the_limit__wait_and_are_served),
        cmocka_unit_test(drain__accepts_what_waits_and_ends_each_connection_with_its_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
