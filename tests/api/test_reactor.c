/*
 * One reactor on the test's own thread, so that its allocations can be counted and made to fail: a warmed-up server
 * takes nothing from the heap for a lookup, and one without memory answers and goes on.
 */
#include "api/reactor_int.h"
#include "core/limits.h"
#include "core/mem.h"
#include "tests/api/world.h"

#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

typedef struct stand {
    world w;
    floe_shared shared;
    floe_snapshot *snapshot;
    floe_reactor *reactor;
    int port;
} stand;

static void stand_open(stand *s, floe_store_kind kind) {
    floe_error err = {0};
    int listener = -1;
    uint16_t port = 0;
    bool changed = false;
    memset(s, 0, sizeof(*s));
    world_make(&s->w, kind);
    s->shared.project = s->w.project;
    s->shared.drain_us = 1000000;
    atomic_init(&s->shared.registry_ok, true);
    assert_ok(floe_stats_open(&s->shared.stats, &err), &err);
    assert_ok(floe_pool_open(1, 4, &s->shared.pool, &err), &err);
    assert_ok(floe_searchers_open(s->w.project, "/nonexistent", 1, &s->shared.searchers, &err), &err);
    assert_ok(floe_asker_open(s->w.project, NULL, &s->shared.asker, &err), &err);
    assert_ok(floe_snapshot_load(s->w.project->registry, 0, &s->snapshot, &changed, &err), &err);
    assert_ok(floe_listen_open("127.0.0.1", 0, 1, &listener, &port, &err), &err);
    assert_ok(floe_reactor_open(&s->shared, listener, 64, s->snapshot, &s->reactor, &err), &err);
    s->port = port;
}

static void stand_close(stand *s) {
    floe_pool_close(&s->shared.pool);
    floe_reactor_close(&s->reactor);
    floe_asker_close(&s->shared.asker);
    floe_searchers_close(&s->shared.searchers);
    floe_snapshot_release(&s->snapshot);
    world_close(&s->w);
}

static void turn(stand *s) {
    FLOE_IGNORE(floe_loop_turn(s->reactor->loop, 1000, NULL));
}

/* One request without help from the heap; the answer's status, or 0 when the connection ended without one. */
static int ask(stand *s, int fd, const char *request, char *answer_text, size_t answer_len) {
    size_t got = 0;
    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    for (;;) {
        turn(s);
        ssize_t now = recv(fd, answer_text + got, answer_len - 1 - got, MSG_DONTWAIT);
        if (now == 0 || (now < 0 && errno != EAGAIN)) {
            return 0;
        }
        got += now > 0 ? (size_t)now : 0;
        answer_text[got] = '\0';
        const char *body = strstr(answer_text, "\r\n\r\n");
        const char *len = strstr(answer_text, "Content-Length: ");
        if (body != NULL && len != NULL && got == (size_t)(body + 4 - answer_text) + strtoul(len + 16, NULL, 10)) {
            return atoi(answer_text + strlen("HTTP/1.1 "));
        }
    }
}

static const char json[] =
    "{\"features\":[\"facts\",\"legs:delay\"],\"entities\":{\"id\":[1,2],\"origin\":[\"SFO\",\"a\"],"
    "\"destination\":[\"JFK\",\"b\"]}}";
static char request_text[1024];
/* The same lookup as a tool, and a tool that a worker runs. */
static char tool_text[1024];
static char search_tool_text[1024];

static void print_one(const char *path, const char *body, char room[1024]) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, 1023);
    floe_test_http_print(&text, "POST", path, body);
    assert_false(text.failed);
    memcpy(room, text.ptr, text.len + 1);
}

static int print_request(void **state) {
    (void)state;
    char body[512];
    print_one("/v1/lookup", json, request_text);
    (void)snprintf(
        body, sizeof(body),
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"get_online_features\","
        "\"arguments\":%s}}",
        json);
    print_one("/mcp", body, tool_text);
    print_one("/mcp",
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"search_tables\","
              "\"arguments\":{\"query\":\"x\"}}}",
              search_tool_text);
    return 0;
}

static char answer_text[16384];

static int connect_to(stand *s) {
    floe_test_http http;
    floe_test_http_open(&http, s->port);
    floe_buf_close(&http.in);
    return http.fd;
}

static void close_socket(stand *s, int fd) {
    floe_test_http http = {.fd = fd};
    floe_test_http_close(&http);
    turn(s);
}

/* Until the thread is connected to its store. */
static void warm_up(stand *s, int fd) {
    while (ask(s, fd, request_text, answer_text, sizeof(answer_text)) != 200) {
    }
    for (int i = 0; i < 20; i++) {
        assert_int_equal(ask(s, fd, request_text, answer_text, sizeof(answer_text)), 200);
    }
}

static void check_no_allocation(floe_store_kind kind) {
    static stand s;
    stand_open(&s, kind);
    int fd = connect_to(&s);
    warm_up(&s, fd);
    floe_mem_fail_at(UINT64_MAX);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(ask(&s, fd, request_text, answer_text, sizeof(answer_text)), 200);
        assert_non_null(strstr(answer_text, "[9007199254740993,null]"));
        assert_non_null(strstr(answer_text, "[12,null]"));
    }
    uint64_t count = floe_mem_fail_count();
    floe_mem_fail_off();
    if (!FLOE_ASAN) { /* where every arena allocation is one of the heap */
        assert_int_equal(count, 0);
    }
    close_socket(&s, fd);
    stand_close(&s);
}

static void warmed_up_lookup__embedded__takes_nothing_from_the_heap(void **state) {
    (void)state;
    check_no_allocation(FLOE_STORE_EMBEDDED);
}

static void warmed_up_lookup__redis__takes_nothing_from_the_heap(void **state) {
    (void)state;
    check_no_allocation(FLOE_STORE_REDIS);
}

/* A fresh connection and a plan not kept each time, with the 1st, 2nd … allocation failing, until one asks for fewer.
 * `judge` sees each answer. Returns how many were not 200. */
static unsigned sweep(stand *s, const char *request, void (*judge)(int status, const char *text)) {
    bool was_hit = true;
    unsigned failures = 0;
    for (uint64_t nth = 1; was_hit; nth++) {
        int fd = connect_to(s);
        floe_plans_clear(&s->reactor->plans);
        answer_text[0] = '\0';
        floe_mem_fail_at(nth);
        int status = ask(s, fd, request, answer_text, sizeof(answer_text));
        was_hit = floe_mem_fail_count() >= nth;
        floe_mem_fail_off();
        judge(status, answer_text);
        failures += was_hit ? 1 : 0;
        close_socket(s, fd);
        fd = connect_to(s);
        assert_int_equal(ask(s, fd, request, answer_text, sizeof(answer_text)), 200);
        close_socket(s, fd);
    }
    return failures;
}

static void judge_lookup(int status, const char *text) {
    (void)text;
    assert_true(status == 200 || status == 503 || status == 0);
}

/* Whatever fails, the client is answered (200 or 503) or, where there is no memory even for a request, let go; and the
 * next one is served. */
static void lookup__with_any_allocation_failing__is_answered_or_let_go(void **state) {
    (void)state;
    static stand s;
    stand_open(&s, FLOE_STORE_EMBEDDED);
    assert_true(sweep(&s, request_text, judge_lookup) > 0);
    stand_close(&s);
}

/* A tool's failure is a result that says so; nothing else is a 200. */
static void judge_tool(int status, const char *text) {
    assert_true(status == 200 || status == 503 || status == 0);
    if (status == 200) {
        bool right = strstr(text, "[9007199254740993,null]") != NULL && strstr(text, "\"isError\":false") != NULL;
        assert_true(right || (strstr(text, "\"isError\":true") != NULL && strstr(text, "NOMEM: ") != NULL));
    }
}

static void tool__with_any_allocation_failing__is_answered_or_let_go(void **state) {
    (void)state;
    static stand s;
    stand_open(&s, FLOE_STORE_EMBEDDED);
    assert_true(sweep(&s, tool_text, judge_tool) > 0);
    stand_close(&s);
}

/* Suspended when the client leaves: noticed when the answer comes, and harmless. */
static void client_that_leaves_while_its_lookup_flies__is_forgotten(void **state) {
    (void)state;
    static stand s;
    stand_open(&s, FLOE_STORE_REDIS);
    int fd = connect_to(&s);
    warm_up(&s, fd);
    floe_test_redis_pause(&s.w.redis, true);
    assert_int_equal(send(fd, request_text, strlen(request_text), MSG_NOSIGNAL), strlen(request_text));
    while (floe_http_in_flight(s.reactor->http) == 0) {
        turn(&s);
    }
    close_socket(&s, fd);
    assert_int_equal(floe_http_in_flight(s.reactor->http), 1);
    floe_test_redis_pause(&s.w.redis, false);
    while (floe_http_in_flight(s.reactor->http) != 0) {
        turn(&s);
    }
    fd = connect_to(&s);
    assert_int_equal(ask(&s, fd, request_text, answer_text, sizeof(answer_text)), 200);
    close_socket(&s, fd);
    stand_close(&s);
}

/* All requests of one turn go out together and come back to their own connections. */
static void many_requests_of_one_turn__are_all_answered(void **state) {
    (void)state;
    static stand s;
    int fds[32];
    stand_open(&s, FLOE_STORE_REDIS);
    for (size_t i = 0; i < 32; i++) {
        fds[i] = connect_to(&s);
    }
    warm_up(&s, fds[0]);
    for (size_t i = 0; i < 32; i++) {
        assert_int_equal(send(fds[i], request_text, strlen(request_text), MSG_NOSIGNAL), strlen(request_text));
    }
    for (size_t i = 0; i < 32; i++) {
        ssize_t got = -1;
        while ((got = recv(fds[i], answer_text, sizeof(answer_text) - 1, MSG_DONTWAIT)) < 0) {
            assert_int_equal(errno, EAGAIN);
            turn(&s);
        }
        answer_text[got] = '\0';
        assert_non_null(strstr(answer_text, "200 OK"));
        close_socket(&s, fds[i]);
    }
    stand_close(&s);
}

/* ---- searches ---- */

static sem_t gate;

static void wait_at_gate(void *context) {
    (void)context;
    assert_int_equal(sem_wait(&gate), 0);
}

/* The stand's pool has one worker and room for four jobs. */
static void search__with_all_workers_and_the_queue_busy__is_told_to_try_again(void **state) {
    (void)state;
    static stand s;
    static const char text[] = "GET /v1/search?q=x HTTP/1.1\r\nHost: x\r\n\r\n";
    unsigned jobs = 0;
    stand_open(&s, FLOE_STORE_EMBEDDED);
    assert_int_equal(sem_init(&gate, 0, 0), 0);
    while (jobs < 5) { /* the fifth gets in when the worker has taken the first */
        jobs += floe_failed(floe_pool_submit(s.shared.pool, wait_at_gate, NULL, NULL)) ? 0 : 1;
    }
    int fd = connect_to(&s);
    assert_int_equal(ask(&s, fd, text, answer_text, sizeof(answer_text)), 503);
    assert_non_null(strstr(answer_text, "too many searches are waiting"));
    assert_non_null(strstr(answer_text, "Retry-After: 1\r"));
    assert_int_equal(ask(&s, fd, search_tool_text, answer_text, sizeof(answer_text)), 200);
    assert_non_null(strstr(answer_text, "UNAVAILABLE: too many searches are waiting"));
    assert_non_null(strstr(answer_text, "\"isError\":true"));
    for (unsigned i = 0; i < jobs; i++) {
        assert_int_equal(sem_post(&gate), 0);
    }
    do { /* until the queue has room; then the search runs and finds no index */
        assert_int_equal(ask(&s, fd, text, answer_text, sizeof(answer_text)), 503);
    } while (strstr(answer_text, "too many searches are waiting") != NULL);
    assert_non_null(strstr(answer_text, "floe index"));
    assert_int_equal(s.reactor->jobs, 0);
    close_socket(&s, fd);
    stand_close(&s);
    assert_int_equal(sem_destroy(&gate), 0);
}

/* ---- counting ---- */

static int64_t count_of(const stand *s, floe_stat_route route, size_t status) {
    return floe_metric_value(s->shared.stats.requests[route][status]);
}

/* The first place in the table of stats.c is that of 200. */
static void requests__are_counted_by_how_they_ended(void **state) {
    (void)state;
    static stand s;
    stand_open(&s, FLOE_STORE_EMBEDDED);
    int64_t right = count_of(&s, FLOE_STAT_LOOKUP, 0);
    int64_t gone = count_of(&s, FLOE_STAT_LOOKUP, FLOE_STAT_GONE);
    int64_t seconds = floe_metric_value(s.shared.stats.seconds[FLOE_STAT_LOOKUP]);
    int fd = connect_to(&s);
    assert_int_equal(ask(&s, fd, request_text, answer_text, sizeof(answer_text)), 200);
    assert_int_equal(send(fd, request_text, strlen(request_text) - 1, MSG_NOSIGNAL), strlen(request_text) - 1);
    while (floe_http_in_flight(s.reactor->http) == 0) {
        turn(&s);
    }
    assert_int_equal(floe_metric_value(s.shared.stats.in_flight), 1);
    close_socket(&s, fd);
    while (floe_http_in_flight(s.reactor->http) != 0) {
        turn(&s);
    }
    assert_int_equal(floe_metric_value(s.shared.stats.in_flight), 0);
    assert_int_equal(count_of(&s, FLOE_STAT_LOOKUP, 0), right + 1);
    assert_int_equal(count_of(&s, FLOE_STAT_LOOKUP, FLOE_STAT_GONE), gone + 1);
    assert_int_equal(floe_metric_value(s.shared.stats.seconds[FLOE_STAT_LOOKUP]), seconds + 2);
    int64_t other = count_of(&s, FLOE_STAT_OTHER, FLOE_STAT_ELSE);
    floe_stats_count(&s.shared.stats, FLOE_STAT_OTHER, 418, 5);
    assert_int_equal(count_of(&s, FLOE_STAT_OTHER, FLOE_STAT_ELSE), other + 1);
    stand_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(warmed_up_lookup__embedded__takes_nothing_from_the_heap),
        cmocka_unit_test(warmed_up_lookup__redis__takes_nothing_from_the_heap),
        cmocka_unit_test(lookup__with_any_allocation_failing__is_answered_or_let_go),
        cmocka_unit_test(tool__with_any_allocation_failing__is_answered_or_let_go),
        cmocka_unit_test(client_that_leaves_while_its_lookup_flies__is_forgotten),
        cmocka_unit_test(many_requests_of_one_turn__are_all_answered),
        cmocka_unit_test(search__with_all_workers_and_the_queue_busy__is_told_to_try_again),
        cmocka_unit_test(requests__are_counted_by_how_they_ended),
    };
    return cmocka_run_group_tests(tests, print_request, NULL);
}
