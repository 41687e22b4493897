/*
 * A graceful stop: under load, with requests half sent, with idle connections. A request is lost when its bytes were
 * sent on a connection that the server had not announced to close, and no answer came. Where the kernel lets this user
 * shut no door (floe_listen_shut), a connection that is set up in the moment before the close may be reset.
 * timeout: 600
 */
#include "api/http_int.h"
#include "tests/api/world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 8
#define WARM 50

static const char ok_json[] = "{\"features\":[\"facts:whole\"],\"entities\":{\"id\":[-2]}}";
static const char ok_body[] = "{\"features\":[\"facts:whole\"],\"values\":[[-20]]}";

static void world_for(world *w) {
    world_make(w, FLOE_STORE_EMBEDDED);
    world_serve(w, 2);
}

/* ---- load ---- */

typedef struct client {
    world *w;
    pthread_t thread;
    bool reconnects; /* a new connection for every request; otherwise one is kept until the server ends it */
    atomic_uint answered;
    unsigned lost;
    unsigned wrong;
} client;

/* Asks once. Returns false when the connection is over; whether an answer came is counted. */
static bool ask_once(client *c, floe_test_http *http, floe_str text) {
    floe_test_response response;
    if (!floe_test_http_try_send(http, text.ptr, text.len) || !floe_test_http_read(http, &response)) {
        c->lost++;
        return false;
    }
    bool right = response.status == 200 && floe_str_is(response.body, ok_body);
    c->wrong += right ? 0 : 1;
    atomic_fetch_add(&c->answered, 1);
    return !response.closes && !c->reconnects;
}

/* Until nobody takes a connection any more. */
static void *run_client(void *context) {
    client *c = context;
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, 4096);
    floe_test_http_print(&text, "POST", "/v1/lookup", ok_json);
    floe_test_http http;
    while (floe_test_http_try(&http, c->w->port)) {
        while (ask_once(c, &http, floe_buf_view(&text))) {
        }
        floe_test_http_close(&http);
    }
    return NULL;
}

static void start_clients(world *w, client *clients) {
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (client){.w = w, .reconnects = i % 2 == 1};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        while (atomic_load(&clients[i].answered) < WARM) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        }
    }
}

static bool door_can_be_shut(void) {
    floe_error err = {0};
    uint16_t port = 0;
    int fd = -1;
    assert_ok(floe_listen_open("127.0.0.1", 0, 1, &fd, &port, &err), &err);
    bool shut = floe_listen_shut(fd);
    (void)close(fd);
    assert_true(shut || geteuid() != 0);
    return shut;
}

static void stop__under_load__loses_no_request(void **state) {
    (void)state;
    bool shuts = door_can_be_shut();
    for (int round = 0; round < 5; round++) {
        static world w;
        static client clients[CLIENTS];
        world_for(&w);
        start_clients(&w, clients);
        world_stop(&w);
        for (size_t i = 0; i < CLIENTS; i++) {
            assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
            assert_in_range(clients[i].lost, 0, !shuts && clients[i].reconnects ? 1 : 0);
            assert_int_equal(clients[i].wrong, 0);
        }
        world_close(&w);
    }
}

/* ---- one thing at a time ---- */

static void *stop_server(void *context) {
    world_stop(context);
    return NULL;
}

/* The server has begun to stop when it takes no more connections on any of its sockets, or says that it is stopping. */
static void wait_for_draining(floe_test_http *probe) {
    floe_test_response response;
    do {
        floe_test_http_ask(probe, "GET", "/livez", NULL, &response);
    } while (!response.closes);
}

/* Its body comes after the stop has begun; it is answered, and told that the connection ends. One thread, so that the
 * probe and the half request have the same. */
static void stop__with_a_request_half_sent__answers_it(void **state) {
    (void)state;
    static world w;
    floe_test_http half;
    floe_test_http probe;
    floe_test_response response;
    char head[128];
    pthread_t stopper;
    world_make(&w, FLOE_STORE_EMBEDDED);
    world_serve(&w, 1);
    floe_test_http_open(&half, w.port);
    floe_test_http_open(&probe, w.port);
    (void)snprintf(head, sizeof(head), "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
                   strlen(ok_json));
    floe_test_http_send(&half, head, strlen(head));
    floe_test_http_send(&half, ok_json, 10);
    assert_int_equal(pthread_create(&stopper, NULL, stop_server, &w), 0);
    wait_for_draining(&probe);
    floe_test_http_send(&half, ok_json + 10, strlen(ok_json) - 10);
    assert_true(floe_test_http_read(&half, &response));
    assert_int_equal(response.status, 200);
    assert_true(floe_str_is(response.body, ok_body));
    assert_true(response.closes);
    assert_false(floe_test_http_read(&half, &response));
    assert_int_equal(pthread_join(stopper, NULL), 0);
    floe_test_http_close(&half);
    floe_test_http_close(&probe);
    world_close(&w);
}

/* A client that sends half a request and then nothing holds the stop up no longer than it was given. */
static void stop__with_a_request_that_never_ends__ends_all_the_same(void **state) {
    (void)state;
    static world w;
    floe_test_http half;
    floe_test_response response;
    world_make(&w, FLOE_STORE_EMBEDDED);
    floe_server_config config = {.project = w.project, .port = 0, .threads = 1, .drain_us = 50000};
    assert_ok(floe_server_open(&config, &w.server, &w.err), &w.err);
    floe_test_http_open(&half, floe_test_http_port(floe_server_url(w.server)));
    static const char text[] = "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{";
    floe_test_http_send(&half, text, strlen(text));
    world_stop(&w);
    assert_false(floe_test_http_read(&half, &response));
    floe_test_http_close(&half);
    world_close(&w);
}

static void stop__with_idle_connections__closes_them(void **state) {
    (void)state;
    static world w;
    static floe_test_http idle[50];
    floe_test_response response;
    world_for(&w);
    for (size_t i = 0; i < 50; i++) {
        floe_test_http_open(&idle[i], w.port);
        if (i % 2 == 0) {
            floe_test_http_ask(&idle[i], "GET", "/livez", NULL, &response);
        }
    }
    world_stop(&w);
    for (size_t i = 0; i < 50; i++) {
        assert_false(floe_test_http_read(&idle[i], &response));
        floe_test_http_close(&idle[i]);
    }
    world_close(&w);
}

/* The port is free again at once. */
static void server__stopped__can_be_opened_again_on_its_port(void **state) {
    (void)state;
    static world w;
    answer got;
    world_for(&w);
    for (int i = 0; i < 3; i++) {
        world_stop(&w);
        floe_server_config config = {.project = w.project, .port = w.port, .threads = 2};
        assert_ok(floe_server_open(&config, &w.server, &w.err), &w.err);
        world_lookup(&w, ok_json, &got);
        assert_string_equal(got.body, ok_body);
    }
    world_close(&w);
}

static void stop__while_stopped__is_nothing(void **state) {
    (void)state;
    floe_server *none = NULL;
    floe_error err = {0};
    assert_ok(floe_server_close(&none, &err), &err);
}

/* With the store gone silent, what was asked is still answered when the time is up. */
static void stop__with_lookups_in_flight__answers_them(void **state) {
    (void)state;
    static world w;
    floe_test_http http[4];
    floe_test_response response;
    answer got;
    world_make(&w, FLOE_STORE_REDIS);
    floe_server_config config = {.project = w.project, .port = 0, .threads = 1, .drain_us = 1000000};
    assert_ok(floe_server_open(&config, &w.server, &w.err), &w.err);
    w.port = floe_test_http_port(floe_server_url(w.server));
    do {
        world_lookup(&w, ok_json, &got); /* until the thread has its connection to the store */
    } while (got.status != 200);
    floe_test_redis_pause(&w.redis, true);
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, 4096);
    floe_test_http_print(&text, "POST", "/v1/lookup", ok_json);
    for (size_t i = 0; i < 4; i++) {
        floe_test_http_open(&http[i], w.port);
        floe_test_http_send(&http[i], text.ptr, text.len);
    }
    world_stop(&w);
    floe_test_redis_pause(&w.redis, false);
    for (size_t i = 0; i < 4; i++) {
        assert_true(floe_test_http_read(&http[i], &response));
        assert_int_equal(response.status, 503);
        assert_true(response.closes);
        floe_test_http_close(&http[i]);
    }
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stop__under_load__loses_no_request),
        cmocka_unit_test(stop__with_a_request_half_sent__answers_it),
        cmocka_unit_test(stop__with_a_request_that_never_ends__ends_all_the_same),
        cmocka_unit_test(stop__with_idle_connections__closes_them),
        cmocka_unit_test(server__stopped__can_be_opened_again_on_its_port),
        cmocka_unit_test(stop__while_stopped__is_nothing),
        cmocka_unit_test(stop__with_lookups_in_flight__answers_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
