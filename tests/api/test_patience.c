/*
 * Clients that take their time: each phase of a connection has an end, whatever trickles in. The engine runs on the
 * test's own thread with short limits; every wait is for the event itself, the end of a connection.
 */
#include "api/patience_int.h"
#include "core/limits.h"
#include "core/time.h"
#include "tests/support/http.h"
#include "tests/support/support.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct engine {
    floe_loop *loop;
    floe_http *http;
    int port;
    unsigned begun, ended, unanswered;
    size_t answer_len;
    floe_http_request *held; /* the request that is not answered, when `hold` */
    bool hold;
} engine;

static void answer(engine *e, floe_http_request *request) {
    char *room = floe_buf_reserve(&request->out, e->answer_len + 1);
    assert_non_null(room);
    memset(room, 'x', e->answer_len + 1);
    floe_buf_advance(&request->out, e->answer_len + 1);
    request->status = 200;
    request->answer_type = "text/plain";
    floe_http_answer(request);
}

static void on_begin(void *context, floe_http_request *request) {
    (void)request;
    ((engine *)context)->begun++;
}

static void on_handle(void *context, floe_http_request *request) {
    engine *e = context;
    if (e->hold) {
        e->held = request;
    } else {
        answer(e, request);
    }
}

static void on_end(void *context, floe_http_request *request, bool answered) {
    (void)request;
    engine *e = context;
    e->ended++;
    e->unanswered += answered ? 0 : 1;
}

static void on_turn(void *context) {
    floe_http_run(((engine *)context)->http);
}

#define SHORT_US (50 * 1000)
#define LONG_US (3600 * FLOE_US_PER_SECOND)

static void engine_open(engine *e, const floe_http_patience *patience) {
    floe_error err = {0};
    floe_http_hooks hooks = {on_begin, on_handle, on_end, e};
    int listener = -1;
    uint16_t port = 0;
    *e = (engine){0};
    assert_ok(floe_loop_open(&e->loop, &err), &err);
    assert_ok(floe_loop_on_turn(e->loop, on_turn, e, &err), &err);
    assert_ok(floe_listen_open("127.0.0.1", 0, 1, &listener, &port, &err), &err);
    assert_ok(floe_http_open(e->loop, listener, 8, &hooks, &e->http, &err), &err);
    floe_http_be_patient(e->http, patience);
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

/* Turns until the connection has ended, sending `drip` byte by byte meanwhile (NULL: nothing). */
static void await_end(engine *e, floe_test_http *http, const char *drip) {
    char byte;
    for (size_t i = 0;; i++) {
        turn(e);
        ssize_t got = recv(http->fd, &byte, 1, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            return;
        }
        if (drip != NULL && drip[i] != '\0') {
            (void)floe_test_http_try_send(http, &drip[i], 1);
        }
    }
}

static void send_text(floe_test_http *http, const char *text) {
    floe_test_http_send(http, text, strlen(text));
}

static void head__that_trickles_in__is_cut_off(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    static char drip[65536];
    memset(drip, 'a', sizeof(drip) - 1);
    engine_open(&e, &(floe_http_patience){.head_us = SHORT_US, .body_us = LONG_US, .send_us = LONG_US});
    floe_test_http_open(&http, e.port);
    send_text(&http, "GET /livez HTTP/1.1\r\nHost: x\r\nX: ");
    await_end(&e, &http, drip);
    assert_int_equal(e.begun, 0);
    floe_test_http_close(&http);
    engine_close(&e);
}

static void connection__without_a_byte__is_cut_off(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    engine_open(&e, &(floe_http_patience){.head_us = SHORT_US, .body_us = LONG_US, .send_us = LONG_US});
    floe_test_http_open(&http, e.port);
    await_end(&e, &http, NULL);
    assert_int_equal(floe_http_connections(e.http), 0);
    floe_test_http_close(&http);
    engine_close(&e);
}

static void body__that_trickles_in__is_cut_off_and_ends_unanswered(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    static char drip[65536];
    memset(drip, ' ', sizeof(drip) - 1);
    engine_open(&e, &(floe_http_patience){.head_us = LONG_US, .body_us = SHORT_US, .send_us = LONG_US});
    floe_test_http_open(&http, e.port);
    send_text(&http, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n");
    await_end(&e, &http, drip);
    while (e.ended == 0) {
        turn(&e);
    }
    assert_int_equal(e.begun, 1);
    assert_int_equal(e.unanswered, 1);
    floe_test_http_close(&http);
    engine_close(&e);
}

/* A reader that takes nothing of an answer larger than the socket's buffers. */
static void answer__that_is_not_taken__is_cut_off(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    engine_open(&e, &(floe_http_patience){.head_us = LONG_US, .body_us = LONG_US, .send_us = SHORT_US});
    e.answer_len = FLOE_MIB(24);
    floe_test_http_open(&http, e.port);
    send_text(&http, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    while (e.ended == 0) {
        turn(&e);
    }
    assert_int_equal(floe_http_connections(e.http), 0);
    floe_test_http_close(&http);
    engine_close(&e);
}

/* What takes long on our side is no fault of the client's: only the limits that are passed here are short. */
static void answer__that_we_take_long_to_make__is_waited_for(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    floe_test_http other;
    floe_test_response response;
    engine_open(&e, &(floe_http_patience){.head_us = SHORT_US, .body_us = SHORT_US, .send_us = SHORT_US});
    e.hold = true;
    floe_test_http_open(&http, e.port);
    send_text(&http, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok");
    while (e.held == NULL) {
        turn(&e);
    }
    floe_test_http_open(&other,
                        e.port); /* younger, and cut off: so the older one's time was over too, were it counted */
    await_end(&e, &other, NULL);
    answer(&e, e.held);
    while (e.ended == 0) {
        turn(&e);
    }
    assert_true(floe_test_http_read(&http, &response));
    assert_int_equal(response.status, 200);
    floe_test_http_close(&other);
    floe_test_http_close(&http);
    engine_close(&e);
}

/* Each answer begins the wait for the next head anew. */
static void keep_alive__within_the_limits__goes_on(void **state) {
    (void)state;
    engine e;
    floe_test_http http;
    floe_test_response response;
    engine_open(&e, &(floe_http_patience){.head_us = LONG_US, .body_us = LONG_US, .send_us = LONG_US});
    floe_test_http_open(&http, e.port);
    for (unsigned i = 0; i < 200; i++) {
        send_text(&http, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        while (e.ended == i) {
            turn(&e);
        }
        assert_true(floe_test_http_read(&http, &response));
        assert_false(response.closes);
    }
    floe_test_http_close(&http);
    engine_close(&e);
}

/* ---- the list by itself ---- */

static void sweep__shuts_only_those_whose_phase_is_over(void **state) {
    (void)state;
    floe_peers peers = {0};
    floe_http_patience patience = {.head_us = 10, .body_us = 20, .send_us = 30};
    floe_peer *peer[4];
    int pair[4][2];
    static const floe_peer_phase phases[] = {FLOE_PEER_HEAD, FLOE_PEER_BODY, FLOE_PEER_SEND, FLOE_PEER_OURS};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair[i]), 0);
        peer[i] = floe_peer_open(&peers, pair[i][0], 0);
        assert_non_null(peer[i]);
        floe_peer_enter(peer[i], phases[i], 1000);
    }
    assert_int_equal(floe_peers_sweep(&peers, &patience, 1010), 0); /* exactly the limit is within it */
    assert_int_equal(floe_peers_sweep(&peers, &patience, 1011), 1);
    assert_int_equal(floe_peers_sweep(&peers, &patience, 1021), 1);
    assert_int_equal(floe_peers_sweep(&peers, &patience, 1031), 1);
    assert_int_equal(floe_peers_sweep(&peers, &patience, INT64_MAX / 2),
                     0); /* ours has no end, and none is cut twice */
    for (size_t i = 0; i < 4; i++) {
        char byte;
        ssize_t got = recv(pair[i][1], &byte, 1, MSG_DONTWAIT);
        assert_int_equal(got, i == 3 ? -1 : 0);
    }
    floe_peer_close(&peers, peer[1]); /* from the middle, the end and the front */
    floe_peer_close(&peers, peer[0]);
    floe_peer_close(&peers, peer[3]);
    assert_ptr_equal(peers.first, peer[2]);
    floe_peer_close(&peers, peer[2]);
    assert_null(peers.first);
    for (size_t i = 0; i < 4; i++) {
        (void)close(pair[i][0]);
        (void)close(pair[i][1]);
    }
}

static void peer__without_memory__is_none_and_harms_nobody(void **state) {
    (void)state;
    floe_peers peers = {0};
    floe_peer_enter(NULL, FLOE_PEER_SEND, 1);
    floe_peer_close(&peers, NULL);
    assert_int_equal(floe_peers_sweep(&peers, &(floe_http_patience){0}, 1), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head__that_trickles_in__is_cut_off),
        cmocka_unit_test(connection__without_a_byte__is_cut_off),
        cmocka_unit_test(body__that_trickles_in__is_cut_off_and_ends_unanswered),
        cmocka_unit_test(answer__that_is_not_taken__is_cut_off),
        cmocka_unit_test(answer__that_we_take_long_to_make__is_waited_for),
        cmocka_unit_test(keep_alive__within_the_limits__goes_on),
        cmocka_unit_test(sweep__shuts_only_those_whose_phase_is_over),
        cmocka_unit_test(peer__without_memory__is_none_and_harms_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
