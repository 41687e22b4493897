/*
 * Calls of one embedder beside each other: a service that is slow to one caller does not hold back another, no caller gets
 * another's vectors, and more callers than there are lanes are all served.
 */
#include "core/json.h"
#include "core/limits.h"
#include "tests/support/http_server.h"
#include "tests/support/support.h"
#include "vector/embed/embed.h"

#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connection that does not come by then never will: calls wait for each other. */
#define GIVE_UP_MS 60000
#define HELD_MAX 64

/* ---- a service that answers in the order it is told to ---- */

typedef struct exchange {
    int connection;
    size_t text_len; /* of its one text */
} exchange;

static int listen_somewhere(char *url, size_t url_max) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listener >= 0);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(listener, 128), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(url, url_max, "http://127.0.0.1:%d/v1/embeddings", ntohs(address.sin_port));
    return listener;
}

/* Whether the bytes hold a request and all of its body; then how long its first text is. */
static bool is_whole(const char *bytes, size_t len, size_t *ret_text_len) {
    const char *end = strstr(bytes, "\r\n\r\n");
    const char *length = strcasestr(bytes, "content-length:");
    if (end == NULL || length == NULL || len < (size_t)(end - bytes) + 4 + strtoull(length + 15, NULL, 10)) {
        return false;
    }
    const char *text = strstr(end, "\"input\":[\"");
    assert_non_null(text);
    *ret_text_len = strcspn(text + 10, "\"");
    return true;
}

/* Takes the next connection and reads its request; fails the test when none comes. */
static exchange take_request(int listener) {
    static char bytes[65536];
    exchange taken = {0};
    size_t len = 0;
    struct pollfd waiting = {.fd = listener, .events = POLLIN};
    assert_int_equal(poll(&waiting, 1, GIVE_UP_MS), 1);
    taken.connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(taken.connection >= 0);
    do {
        ssize_t more = recv(taken.connection, bytes + len, sizeof(bytes) - 1 - len, 0);
        assert_true(more > 0);
        len += (size_t)more;
        bytes[len] = '\0';
    } while (!is_whole(bytes, len, &taken.text_len));
    return taken;
}

/* The vector of a text of n bytes is (n, 1). */
static void give_answer(exchange *of) {
    char body[128];
    char answer[512];
    int body_len = snprintf(body, sizeof(body), "{\"data\":[{\"index\":0,\"embedding\":[%zu,1]}]}", of->text_len);
    int len = snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
                       body_len, body);
    assert_int_equal(send(of->connection, answer, (size_t)len, MSG_NOSIGNAL), len);
    (void)close(of->connection);
    of->connection = -1;
}

/* ---- callers ---- */

static const char letters[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

typedef struct caller {
    floe_embedder *embedder;
    size_t text_len, rounds;
    pthread_t thread;
    atomic_bool done;
    bool right;
} caller;

static bool is_vector_of(const float *row, size_t text_len) {
    double length = hypot((double)text_len, 1);
    return fabs((double)row[0] - (double)text_len / length) < 1e-6 && fabs((double)row[1] - 1 / length) < 1e-6;
}

static void *call(void *context) {
    caller *self = context;
    floe_str text = {letters, self->text_len};
    self->right = true;
    for (size_t i = 0; i < self->rounds; i++) {
        float row[2] = {0};
        floe_error err = {0};
        floe_status status = floe_embedder_embed(self->embedder, FLOE_EMBED_DOCUMENT, &text, 1, row, &err);
        self->right = self->right && !floe_failed(status) && is_vector_of(row, self->text_len);
    }
    atomic_store(&self->done, true);
    return NULL;
}

static void start(caller *self, floe_embedder *embedder, size_t text_len, size_t rounds) {
    *self = (caller){.embedder = embedder, .text_len = text_len, .rounds = rounds};
    assert_int_equal(pthread_create(&self->thread, NULL, call, self), 0);
}

static void finish(caller *self) {
    assert_int_equal(pthread_join(self->thread, NULL), 0);
    assert_true(self->right);
}

static floe_embedder *open_at(const char *url) {
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_HTTP,
                                     .url = floe_str_of(url),
                                     .model = FLOE_STR("m"),
                                     .dim = 2,
                                     .timeout_ms = 4 * GIVE_UP_MS};
    floe_embedder *embedder = NULL;
    floe_error err = {0};
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    return embedder;
}

/* ---- tests ---- */

/* The first request is answered only after the second call has returned. */
static void http__a_slow_call__does_not_hold_the_next(void **state) {
    (void)state;
    char url[64];
    caller slow;
    caller quick;
    int listener = listen_somewhere(url, sizeof(url));
    floe_embedder *embedder = open_at(url);
    start(&slow, embedder, 3, 1);
    exchange first = take_request(listener);
    start(&quick, embedder, 5, 1);
    exchange second = take_request(listener);
    assert_int_equal(first.text_len, 3);
    assert_int_equal(second.text_len, 5);
    give_answer(&second);
    finish(&quick);
    assert_false(atomic_load(&slow.done));
    give_answer(&first);
    finish(&slow);
    floe_embedder_close(&embedder);
    (void)close(listener);
}

/* As many calls as there are lanes wait for the service at once; one more is asked when the first of them is answered. */
static void http__more_calls_than_lanes__are_all_served(void **state) {
    (void)state;
    char url[64];
    static caller callers[HELD_MAX + 1];
    static exchange held[HELD_MAX + 1];
    int listener = listen_somewhere(url, sizeof(url));
    floe_embedder *embedder = open_at(url);
    size_t lanes = floe_embedder_describe(embedder)->thread_count;
    assert_in_range(lanes, 2, HELD_MAX);
    for (size_t i = 0; i < lanes; i++) {
        start(&callers[i], embedder, i + 1, 1);
        held[i] = take_request(listener);
        assert_int_equal(held[i].text_len, i + 1);
    }
    start(&callers[lanes], embedder, lanes + 1, 1);
    give_answer(&held[0]);
    finish(&callers[0]);
    held[lanes] = take_request(listener);
    assert_int_equal(held[lanes].text_len, lanes + 1);
    for (size_t i = lanes + 1; i-- > 1;) {
        give_answer(&held[i]);
        finish(&callers[i]);
    }
    floe_embedder_close(&embedder);
    (void)close(listener);
}

/* Takes two texts at most. */
static void serve_two(void *context, size_t nth, const floe_test_request *request, floe_test_reply *reply) {
    FLOE_AUTO_ARENA arena;
    const floe_node *root = NULL;
    (void)context;
    (void)nth;
    floe_arena_init(&arena, FLOE_MIB(1));
    FLOE_IGNORE(floe_json_parse(&arena, request->body, &root, NULL));
    const floe_node *input = root != NULL ? floe_node_get(root, "input") : NULL;
    if (input == NULL || input->count > 2) {
        reply->status = 413;
        return;
    }
    floe_buf_text(reply->body, "{\"data\":[");
    for (size_t i = 0; i < input->count; i++) {
        floe_buf_printf(reply->body, "%s{\"index\":%zu,\"embedding\":[%zu,1]}", i > 0 ? "," : "", i,
                        input->items[i]->text.len);
    }
    floe_buf_text(reply->body, "]}");
}

static void http__many_callers__get_their_own_vectors(void **state) {
    (void)state;
    caller callers[20];
    floe_test_server *server = floe_test_server_open(serve_two, NULL);
    floe_embedder *embedder = open_at(floe_test_server_url(server, "/v1/embeddings"));
    for (size_t i = 0; i < 20; i++) {
        start(&callers[i], embedder, 2 * i + 1, 5);
    }
    for (size_t i = 0; i < 20; i++) {
        finish(&callers[i]);
    }
    assert_int_equal(floe_test_server_count(server), 100);
    floe_embedder_close(&embedder);
    floe_test_server_close(&server);
}

static void *call_with_many(void *context) {
    caller *self = context;
    floe_str texts[16];
    float rows[32];
    floe_error err = {0};
    for (size_t i = 0; i < 16; i++) {
        texts[i] = (floe_str){letters, self->text_len + i};
    }
    self->right = !floe_failed(floe_embedder_embed(self->embedder, FLOE_EMBED_DOCUMENT, texts, 16, rows, &err));
    for (size_t i = 0; i < 16 && self->right; i++) {
        self->right = is_vector_of(rows + 2 * i, self->text_len + i);
    }
    return NULL;
}

/* Each finds out, by its own refusals or those of others, how many texts the service takes; afterwards nobody is refused. */
static void http__refusals_of_several_callers__agree_on_a_batch(void **state) {
    (void)state;
    caller callers[8];
    floe_test_server *server = floe_test_server_open(serve_two, NULL);
    floe_embedder *embedder = open_at(floe_test_server_url(server, "/v1/embeddings"));
    for (size_t i = 0; i < 8; i++) {
        callers[i] = (caller){.embedder = embedder, .text_len = 1 + i};
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_with_many, &callers[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        finish(&callers[i]);
    }
    size_t before = floe_test_server_count(server);
    callers[0].right = false;
    (void)call_with_many(&callers[0]);
    assert_true(callers[0].right);
    assert_int_equal(floe_test_server_count(server) - before, 8);
    floe_embedder_close(&embedder);
    floe_test_server_close(&server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http__a_slow_call__does_not_hold_the_next),
        cmocka_unit_test(http__more_calls_than_lanes__are_all_served),
        cmocka_unit_test(http__many_callers__get_their_own_vectors),
        cmocka_unit_test(http__refusals_of_several_callers__agree_on_a_batch),
    };
    return cmocka_run_group_tests_name("vector/embed/http_lanes", tests, NULL, NULL);
}
