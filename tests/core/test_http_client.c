/*
 * The HTTP client against a scripted server: what goes over the wire, what is tried again and when, and how each
 * failure reports. Waits go to a hook that writes them down, so nothing here sleeps; TLS runs against `openssl
 * s_server`.
 */
#include "core/file.h"
#include "core/http_client.h"
#include "core/limits.h"
#include "core/mem.h"
#include "tests/support/http_server.h"
#include "tests/support/support.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <arpa/inet.h>
#include <sys/wait.h>
#include <unistd.h>

static int64_t waits[64];
static size_t wait_count;

static void note_wait(int64_t time) {
    if (wait_count < 64) {
        waits[wait_count++] = time;
    }
}

/* A list of replies, one per request; the last one repeats. */
struct script {
    const floe_test_reply *replies;
    const char *const *bodies; /* NULL: "ok" */
    size_t count;
};

static void follow_script(void *context, size_t nth, const floe_test_request *request, floe_test_reply *reply) {
    const struct script *script = context;
    size_t at = nth < script->count ? nth : script->count - 1;
    floe_buf *body = reply->body;
    (void)request;
    *reply = script->replies[at];
    reply->body = body;
    floe_buf_text(body, script->bodies != NULL ? script->bodies[at] : "ok");
}

struct world {
    floe_test_server *server;
    floe_http_client *client;
    floe_http_response response;
    struct script script;
};

static void open_world(struct world *world, const floe_test_reply *replies, size_t count, unsigned retry_max) {
    floe_http_client_options options = {.timeout_ms = 20000,
                                        .retry_max = retry_max,
                                        .retry_wait_ms = 100,
                                        .retry_wait_max_ms = 1000,
                                        .sleep_ms = note_wait};
    floe_error err = {0};
    wait_count = 0;
    world->script = (struct script){replies, NULL, count};
    world->server = floe_test_server_open(follow_script, &world->script);
    assert_ok(floe_http_client_open(&options, &world->client, &err), &err);
    floe_http_response_init(&world->response, 4096);
}

static void close_world(struct world *world) {
    floe_http_client_close(&world->client);
    floe_http_response_close(&world->response);
    floe_test_server_close(&world->server);
}

static floe_status ask(struct world *world, const char *path, floe_error *err) {
    floe_http_request request = {.url = floe_test_server_url(world->server, path)};
    return floe_http_send(world->client, &request, &world->response, err);
}

static floe_str body_of(const struct world *world) {
    return floe_buf_view(&world->response.body);
}

/* ---- one request ---- */

static void http_client__get__sends_path_and_takes_body(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    open_world(&world, &(floe_test_reply){.status = 200}, 1, 0);
    assert_ok(ask(&world, "/a?b=c", &err), &err);
    assert_int_equal(world.response.status, 200);
    assert_int_equal(world.response.attempts, 1);
    assert_true(floe_str_is(body_of(&world), "ok"));
    assert_int_equal(strncmp(floe_test_server_head(world.server, 0), "GET /a?b=c HTTP/1.1\r\n", 21), 0);
    assert_null(strstr(floe_test_server_head(world.server, 0), "Authorization"));
    close_world(&world);
}

static void http_client__post__sends_body_bearer_and_headers(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    static const char *const headers[] = {"X-One: 1", "X-Two: 2", NULL};
    open_world(&world, &(floe_test_reply){.status = 201}, 1, 0);
    floe_http_request request = {.url = floe_test_server_url(world.server, "/p"),
                                 .bearer = "s3cret",
                                 .content_type = "application/json",
                                 .headers = headers,
                                 .body = FLOE_STR("{\"a\":1}")};
    assert_ok(floe_http_send(world.client, &request, &world.response, &err), &err);
    const char *head = floe_test_server_head(world.server, 0);
    assert_int_equal(strncmp(head, "POST /p HTTP/1.1\r\n", 18), 0);
    assert_non_null(strstr(head, "\r\nAuthorization: Bearer s3cret\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(head, "\r\nX-One: 1\r\n"));
    assert_non_null(strstr(head, "\r\nX-Two: 2\r\n"));
    assert_null(strstr(head, "Expect"));
    assert_string_equal(floe_test_server_body(world.server, 0), "{\"a\":1}");
    close_world(&world);
}

static void http_client__large_body__arrives_whole(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    size_t len = 3000000;
    char *text = malloc(len + 1);
    memset(text, 'x', len);
    text[len] = '\0';
    open_world(&world, &(floe_test_reply){.status = 200}, 1, 0);
    floe_http_request request = {.url = floe_test_server_url(world.server, "/"), .body = {text, len}};
    assert_ok(floe_http_send(world.client, &request, &world.response, &err), &err);
    assert_int_equal(strlen(floe_test_server_body(world.server, 0)), len);
    free(text);
    close_world(&world);
}

static void http_client__second_request__forgets_the_first(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    open_world(&world, &(floe_test_reply){.status = 200}, 1, 0);
    floe_http_request put = {
        .method = "PUT", .url = floe_test_server_url(world.server, "/"), .bearer = "token", .body = FLOE_STR("body")};
    assert_ok(floe_http_send(world.client, &put, &world.response, &err), &err);
    assert_ok(ask(&world, "/second", &err), &err);
    floe_http_request delete = {.method = "DELETE", .url = floe_test_server_url(world.server, "/third")};
    assert_ok(floe_http_send(world.client, &delete, &world.response, &err), &err);
    assert_int_equal(strncmp(floe_test_server_head(world.server, 0), "PUT / ", 6), 0);
    assert_string_equal(floe_test_server_body(world.server, 0), "body");
    assert_int_equal(strncmp(floe_test_server_head(world.server, 1), "GET /second ", 12), 0);
    assert_null(strstr(floe_test_server_head(world.server, 1), "token"));
    assert_string_equal(floe_test_server_body(world.server, 1), "");
    assert_int_equal(strncmp(floe_test_server_head(world.server, 2), "DELETE /third ", 14), 0);
    assert_true(floe_str_is(body_of(&world), "ok"));
    close_world(&world);
}

static void http_client__head__takes_no_body(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    static const char *const bodies[] = {""};
    open_world(&world, &(floe_test_reply){.status = 200, .headers = "ETag: \"x\"\r\n"}, 1, 0);
    world.script.bodies = bodies;
    floe_http_request request = {.method = "HEAD", .url = floe_test_server_url(world.server, "/")};
    assert_ok(floe_http_send(world.client, &request, &world.response, &err), &err);
    assert_int_equal(world.response.body.len, 0);
    assert_true(floe_str_is(floe_http_response_header(&world.response, "etag"), "\"x\""));
    close_world(&world);
}

static void http_client__response_header__is_found_in_any_case(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    open_world(&world, &(floe_test_reply){.status = 200, .headers = "X-Thing:  a:b \r\nEmpty:\r\n"}, 1, 0);
    assert_ok(ask(&world, "/", &err), &err);
    assert_true(floe_str_is(floe_http_response_header(&world.response, "x-thing"), "a:b"));
    assert_true(floe_str_is(floe_http_response_header(&world.response, "empty"), ""));
    assert_true(floe_str_is(floe_http_response_header(&world.response, "absent"), ""));
    close_world(&world);
}

static void http_client__redirect__is_not_followed(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    open_world(&world, &(floe_test_reply){.status = 302, .headers = "Location: /elsewhere\r\n"}, 1, 3);
    assert_ok(ask(&world, "/", &err), &err);
    assert_int_equal(world.response.status, 302);
    assert_int_equal(floe_test_server_count(world.server), 1);
    close_world(&world);
}

static void http_client__control_characters_in_header__are_refused(void **state) {
    (void)state;
    struct world world;
    static const char *const headers[] = {"X: a\r\nY: b", NULL};
    floe_error err = {0};
    open_world(&world, &(floe_test_reply){.status = 200}, 1, 0);
    floe_http_request request = {.url = floe_test_server_url(world.server, "/"), .bearer = "a\r\nX-Evil: 1"};
    assert_code(floe_http_send(world.client, &request, &world.response, &err), FLOE_INVALID);
    request.bearer = NULL;
    request.headers = headers;
    floe_error_clear(&err);
    assert_code(floe_http_send(world.client, &request, &world.response, &err), FLOE_INVALID);
    assert_int_equal(floe_test_server_count(world.server), 0);
    close_world(&world);
}

static void http_client__other_protocols__are_refused(void **state) {
    (void)state;
    static const char *const urls[] = {"file:///etc/hostname", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "no address",
                                       ""};
    struct world world;
    open_world(&world, &(floe_test_reply){.status = 200}, 1, 3);
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        floe_error err = {0};
        floe_http_request request = {.url = urls[i]};
        assert_code(floe_http_send(world.client, &request, &world.response, &err), FLOE_INVALID);
    }
    assert_int_equal(wait_count, 0);
    close_world(&world);
}

/* ---- attempts ---- */

static void http_client__passing_failures__are_tried_again(void **state) {
    (void)state;
    static const floe_test_reply replies[] = {{.status = 429}, {.status = 500}, {.status = 502},
                                              {.status = 503}, {.status = 504}, {.status = 200}};
    struct world world;
    floe_error err = {0};
    open_world(&world, replies, 6, 9);
    assert_ok(ask(&world, "/", &err), &err);
    assert_int_equal(world.response.status, 200);
    assert_int_equal(world.response.attempts, 6);
    assert_int_equal(wait_count, 5);
    /* 100 ms doubled each time, drawn from the upper half, at most 1,000 ms. */
    for (size_t i = 0; i < 5; i++) {
        int64_t full = 100 << i < 1000 ? 100 << i : 1000;
        assert_in_range(waits[i], full / 2, full);
    }
    close_world(&world);
}

static void http_client__last_answer__is_given_when_attempts_end(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    open_world(&world, &(floe_test_reply){.status = 503}, 1, 2);
    assert_ok(ask(&world, "/", &err), &err);
    assert_int_equal(world.response.status, 503);
    assert_int_equal(world.response.attempts, 3);
    assert_int_equal(floe_test_server_count(world.server), 3);
    close_world(&world);
}

static void http_client__lasting_failures__are_not_tried_again(void **state) {
    (void)state;
    static const int statuses[] = {400, 401, 403, 404, 409, 413, 422, 501};
    for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
        struct world world;
        floe_error err = {0};
        open_world(&world, &(floe_test_reply){.status = statuses[i]}, 1, 5);
        assert_ok(ask(&world, "/", &err), &err);
        assert_int_equal(world.response.status, statuses[i]);
        assert_int_equal(floe_test_server_count(world.server), 1);
        close_world(&world);
    }
}

static void http_client__once__is_not_tried_again(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    open_world(&world, &(floe_test_reply){.status = 503}, 1, 5);
    floe_http_request request = {.url = floe_test_server_url(world.server, "/"), .once = true};
    assert_ok(floe_http_send(world.client, &request, &world.response, &err), &err);
    assert_int_equal(floe_test_server_count(world.server), 1);
    close_world(&world);
}

static void http_client__retry_after__is_obeyed(void **state) {
    (void)state;
    static const floe_test_reply replies[] = {{.status = 429, .headers = "Retry-After: 1\r\n"}, {.status = 200}};
    struct world world;
    floe_error err = {0};
    open_world(&world, replies, 2, 5);
    assert_ok(ask(&world, "/", &err), &err);
    assert_int_equal(world.response.status, 200);
    assert_int_equal(wait_count, 1);
    assert_int_equal(waits[0], 1000);
    close_world(&world);
}

static void http_client__retry_after_too_long__ends_the_attempts(void **state) {
    (void)state;
    static const floe_test_reply replies[] = {{.status = 429, .headers = "Retry-After: 3600\r\n"}, {.status = 200}};
    struct world world;
    floe_error err = {0};
    open_world(&world, replies, 2, 5);
    assert_ok(ask(&world, "/", &err), &err);
    assert_int_equal(world.response.status, 429);
    assert_int_equal(wait_count, 0);
    close_world(&world);
}

static void http_client__broken_connections__are_tried_again(void **state) {
    (void)state;
    static const floe_test_reply replies[] = {
        {.action = FLOE_TEST_CLOSE}, {.status = 200, .action = FLOE_TEST_CUT}, {.status = 200}};
    struct world world;
    floe_error err = {0};
    open_world(&world, replies, 3, 5);
    assert_ok(ask(&world, "/", &err), &err);
    assert_int_equal(world.response.status, 200);
    assert_true(floe_str_is(body_of(&world), "ok"));
    assert_int_equal(world.response.attempts, 3);
    close_world(&world);
}

static void http_client__half_an_answer__is_unavailable(void **state) {
    (void)state;
    struct world world;
    floe_error err = {0};
    open_world(&world, &(floe_test_reply){.status = 200, .action = FLOE_TEST_CUT}, 1, 1);
    assert_code(ask(&world, "/", &err), FLOE_UNAVAILABLE);
    assert_true(err.retriable);
    assert_message(&err, "tried 2 times");
    close_world(&world);
}

static void http_client__silence__is_a_timeout(void **state) {
    (void)state;
    struct script script = {&(floe_test_reply){.action = FLOE_TEST_HANG}, NULL, 1};
    floe_test_server *server = floe_test_server_open(follow_script, &script);
    floe_http_client_options options = {.timeout_ms = 50, .retry_max = 1, .sleep_ms = note_wait};
    floe_http_client *client = NULL;
    FLOE_AUTO_HTTP_RESPONSE response;
    floe_error err = {0};
    floe_http_response_init(&response, 100);
    assert_ok(floe_http_client_open(&options, &client, &err), &err);
    floe_http_request request = {.url = floe_test_server_url(server, "/quiet?key=secret")};
    assert_code(floe_http_send(client, &request, &response, &err), FLOE_TIMEOUT);
    assert_true(err.retriable);
    assert_message(&err, "/quiet");
    assert_null(strstr(err.message, "secret"));
    floe_http_client_close(&client);
    floe_test_server_close(&server);
}

/* A port on which nobody listens: one that was ours a moment ago. */
static void http_client__nobody_listens__is_unavailable_with_address(void **state) {
    (void)state;
    char url[64];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    floe_http_client_options options = {.retry_max = 2, .sleep_ms = note_wait};
    floe_http_client *client = NULL;
    FLOE_AUTO_HTTP_RESPONSE response;
    floe_error err = {0};
    /* Bound but not listening: refused, and no one else can take it meanwhile. */
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%d/x", ntohs(address.sin_port));
    floe_http_response_init(&response, 100);
    wait_count = 0;
    assert_ok(floe_http_client_open(&options, &client, &err), &err);
    assert_code(floe_http_send(client, &(floe_http_request){.url = url}, &response, &err), FLOE_UNAVAILABLE);
    assert_true(err.retriable);
    assert_message(&err, url);
    assert_message(&err, "tried 3 times");
    assert_int_equal(wait_count, 2);
    floe_http_client_close(&client);
    (void)close(fd);
}

static void http_client__body_beyond_cap__is_a_limit(void **state) {
    (void)state;
    char text[4098];
    const char *bodies[] = {text};
    struct world world;
    memset(text, 'x', sizeof(text));
    for (size_t len = 4095; len <= 4097; len++) {
        floe_error err = {0};
        text[len] = '\0';
        open_world(&world, &(floe_test_reply){.status = 200}, 1, 3);
        world.script.bodies = bodies;
        if (len <= 4096) {
            assert_ok(ask(&world, "/", &err), &err);
            assert_int_equal(world.response.body.len, len);
        } else {
            assert_code(ask(&world, "/", &err), FLOE_LIMIT);
            assert_message(&err, "4096");
            assert_int_equal(floe_test_server_count(world.server), 1);
        }
        text[len] = 'x';
        close_world(&world);
    }
}

static void http_client__header_beyond_cap__is_a_limit(void **state) {
    (void)state;
    size_t len = FLOE_KIB(80);
    char *headers = malloc(len + 8);
    struct world world;
    floe_error err = {0};
    memset(headers, 'x', len);
    memcpy(headers, "X: ", 3);
    memcpy(headers + len, "\r\n", 3);
    floe_test_reply reply = {.status = 200, .headers = headers};
    open_world(&world, &reply, 1, 0);
    assert_code(ask(&world, "/", &err), FLOE_LIMIT);
    close_world(&world);
    free(headers);
}

/* ---- cancelling ---- */

static void http_client__cancelled_before__sends_no_second_attempt(void **state) {
    (void)state;
    atomic_bool cancelled = true;
    struct script script = {&(floe_test_reply){.action = FLOE_TEST_HANG}, NULL, 1};
    floe_test_server *server = floe_test_server_open(follow_script, &script);
    floe_http_client_options options = {.retry_max = 5, .cancelled = &cancelled};
    floe_http_client *client = NULL;
    FLOE_AUTO_HTTP_RESPONSE response;
    floe_error err = {0};
    floe_http_response_init(&response, 100);
    assert_ok(floe_http_client_open(&options, &client, &err), &err);
    floe_http_request request = {.url = floe_test_server_url(server, "/")};
    assert_code(floe_http_send(client, &request, &response, &err), FLOE_CANCELLED);
    assert_true(floe_test_server_count(server) <= 1);
    floe_http_client_close(&client);
    floe_test_server_close(&server);
}

static atomic_bool cancel_now;

static void cancel_in_wait(int64_t time) {
    (void)time;
    atomic_store(&cancel_now, true);
}

static void http_client__cancelled_in_a_wait__ends_there(void **state) {
    (void)state;
    struct script script = {&(floe_test_reply){.status = 503}, NULL, 1};
    floe_test_server *server = floe_test_server_open(follow_script, &script);
    floe_http_client_options options = {.retry_max = 5, .cancelled = &cancel_now, .sleep_ms = cancel_in_wait};
    floe_http_client *client = NULL;
    FLOE_AUTO_HTTP_RESPONSE response;
    floe_error err = {0};
    atomic_store(&cancel_now, false);
    floe_http_response_init(&response, 100);
    assert_ok(floe_http_client_open(&options, &client, &err), &err);
    floe_http_request request = {.url = floe_test_server_url(server, "/")};
    assert_code(floe_http_send(client, &request, &response, &err), FLOE_CANCELLED);
    assert_int_equal(floe_test_server_count(server), 1);
    floe_http_client_close(&client);
    floe_test_server_close(&server);
}

/* ---- judgement ---- */

static void http_client__check__maps_each_status(void **state) {
    (void)state;
    static const struct {
        int status;
        floe_code code;
    } rows[] = {{200, FLOE_CODE_OK},     {204, FLOE_CODE_OK},     {299, FLOE_CODE_OK},     {199, FLOE_INVALID},
                {300, FLOE_INVALID},     {302, FLOE_INVALID},     {400, FLOE_INVALID},     {401, FLOE_DENIED},
                {403, FLOE_DENIED},      {404, FLOE_NOT_FOUND},   {410, FLOE_NOT_FOUND},   {408, FLOE_TIMEOUT},
                {409, FLOE_CONFLICT},    {412, FLOE_CONFLICT},    {413, FLOE_LIMIT},       {422, FLOE_INVALID},
                {429, FLOE_UNAVAILABLE}, {500, FLOE_UNAVAILABLE}, {503, FLOE_UNAVAILABLE}, {504, FLOE_TIMEOUT}};
    floe_http_request request = {.url = "http://127.0.0.1:1/path?secret"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        floe_error err = {0};
        FLOE_AUTO_HTTP_RESPONSE response;
        floe_http_response_init(&response, 100);
        response.status = rows[i].status;
        floe_buf_text(&response.body, "why\nnot");
        assert_code(floe_http_check(&request, &response, &err), rows[i].code);
        if (rows[i].code != FLOE_CODE_OK) {
            assert_message(&err, "GET http://127.0.0.1:1/path answered");
            assert_message(&err, "why not");
            assert_null(strstr(err.message, "secret"));
        }
    }
}

static void http_client__check__cuts_a_long_body(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_HTTP_RESPONSE response;
    floe_http_response_init(&response, 10000);
    response.status = 500;
    for (size_t i = 0; i < 1000; i++) {
        floe_buf_text(&response.body, "0123456789");
    }
    assert_code(floe_http_check(&(floe_http_request){.url = "http://h/"}, &response, &err), FLOE_UNAVAILABLE);
    assert_true(strlen(err.message) < 400);
}

/* ---- TLS ---- */

static pid_t start(char *const *arguments, int *ret_out) {
    int out[2];
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(open("/dev/null", O_RDWR), 0);
        (void)dup2(out[1], 1);
        (void)dup2(open("/dev/null", O_RDWR), 2);
        (void)close(out[0]);
        (void)execvp(arguments[0], arguments);
        _exit(127);
    }
    assert_true(child > 0);
    (void)close(out[1]);
    *ret_out = out[0];
    return child;
}

/* The port that s_server says it accepts on. */
static int read_port(int out) {
    char text[4096] = "";
    size_t len = 0;
    const char *colon = NULL;
    while (len < sizeof(text) - 1) {
        ssize_t got = read(out, text + len, sizeof(text) - 1 - len);
        assert_true(got > 0);
        len += (size_t)got;
        text[len] = '\0';
        const char *line = strstr(text, "ACCEPT ");
        if (line != NULL && strchr(line, '\n') != NULL) {
            colon = strrchr(line, ':');
            break;
        }
    }
    assert_non_null(colon);
    return atoi(colon + 1);
}

static void make_certificate(const char *key, const char *certificate) {
    int out = -1;
    char *const arguments[] = {"openssl",  "req",
                               "-x509",    "-newkey",
                               "rsa:2048", "-nodes",
                               "-keyout",  (char *)key,
                               "-out",     (char *)certificate,
                               "-days",    "2",
                               "-subj",    "/CN=localhost",
                               "-addext",  "subjectAltName=IP:127.0.0.1",
                               NULL};
    int status = 0;
    pid_t child = start(arguments, &out);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    (void)close(out);
}

static floe_status ask_tls(const char *url, const char *ca_file, floe_http_response *response, floe_error *err) {
    floe_http_client_options options = {.retry_max = 3, .ca_file = ca_file, .sleep_ms = note_wait};
    floe_http_client *client = NULL;
    wait_count = 0;
    assert_ok(floe_http_client_open(&options, &client, err), err);
    floe_status status = floe_http_send(client, &(floe_http_request){.url = url}, response, err);
    floe_http_client_close(&client);
    return status;
}

static void http_client__tls__trusts_only_known_certificates(void **state) {
    (void)state;
    char key[512];
    char certificate[512];
    char url[64];
    int out = -1;
    FLOE_AUTO_HTTP_RESPONSE response;
    floe_error err = {0};
    (void)snprintf(key, sizeof(key), "%s/key.pem", floe_test_temp_dir());
    (void)snprintf(certificate, sizeof(certificate), "%s/cert.pem", floe_test_temp_dir());
    make_certificate(key, certificate);
    char *const arguments[] = {"openssl", "s_server", "-accept",   "127.0.0.1:0", "-key",
                               key,       "-cert",    certificate, "-www",        NULL};
    pid_t child = start(arguments, &out);
    (void)snprintf(url, sizeof(url), "https://127.0.0.1:%d/", read_port(out));
    floe_http_response_init(&response, FLOE_MIB(1));
    assert_code(ask_tls(url, NULL, &response, &err), FLOE_DENIED);
    assert_int_equal(wait_count, 0);
    floe_error_clear(&err);
    assert_ok(ask_tls(url, certificate, &response, &err), &err);
    assert_int_equal(response.status, 200);
    assert_code(ask_tls(url, "/nowhere.pem", &response, &err), FLOE_DENIED);
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    (void)close(out);
}

/* ---- memory ---- */

static floe_status whole_use(void *context, floe_error *err) {
    floe_http_client_options options = {.retry_max = 0};
    FLOE_CLEANUP(floe_http_client_close) floe_http_client *client = NULL;
    FLOE_AUTO_HTTP_RESPONSE response;
    floe_http_response_init(&response, 100);
    FLOE_TRY(floe_http_client_open(&options, &client, err));
    floe_http_request request = {
        .url = context, .bearer = "token", .content_type = "text/plain", .body = FLOE_STR("x")};
    FLOE_TRY(floe_http_send(client, &request, &response, err));
    return floe_http_check(&request, &response, err);
}

static void http_client__every_allocation_may_fail(void **state) {
    (void)state;
    struct script script = {&(floe_test_reply){.status = 200}, NULL, 1};
    floe_test_server *server = floe_test_server_open(follow_script, &script);
    char url[256];
    (void)snprintf(url, sizeof(url), "%s", floe_test_server_url(server, "/"));
    assert_true(floe_test_alloc_sweep(whole_use, url) > 0);
    floe_test_server_close(&server);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http_client__get__sends_path_and_takes_body),
        cmocka_unit_test(http_client__post__sends_body_bearer_and_headers),
        cmocka_unit_test(http_client__large_body__arrives_whole),
        cmocka_unit_test(http_client__second_request__forgets_the_first),
        cmocka_unit_test(http_client__head__takes_no_body),
        cmocka_unit_test(http_client__response_header__is_found_in_any_case),
        cmocka_unit_test(http_client__redirect__is_not_followed),
        cmocka_unit_test(http_client__control_characters_in_header__are_refused),
        cmocka_unit_test(http_client__other_protocols__are_refused),
        cmocka_unit_test(http_client__passing_failures__are_tried_again),
        cmocka_unit_test(http_client__last_answer__is_given_when_attempts_end),
        cmocka_unit_test(http_client__lasting_failures__are_not_tried_again),
        cmocka_unit_test(http_client__once__is_not_tried_again),
        cmocka_unit_test(http_client__retry_after__is_obeyed),
        cmocka_unit_test(http_client__retry_after_too_long__ends_the_attempts),
        cmocka_unit_test(http_client__broken_connections__are_tried_again),
        cmocka_unit_test(http_client__half_an_answer__is_unavailable),
        cmocka_unit_test(http_client__silence__is_a_timeout),
        cmocka_unit_test(http_client__nobody_listens__is_unavailable_with_address),
        cmocka_unit_test(http_client__body_beyond_cap__is_a_limit),
        cmocka_unit_test(http_client__header_beyond_cap__is_a_limit),
        cmocka_unit_test(http_client__cancelled_before__sends_no_second_attempt),
        cmocka_unit_test(http_client__cancelled_in_a_wait__ends_there),
        cmocka_unit_test(http_client__check__maps_each_status),
        cmocka_unit_test(http_client__check__cuts_a_long_body),
        cmocka_unit_test(http_client__tls__trusts_only_known_certificates),
        cmocka_unit_test(http_client__every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
