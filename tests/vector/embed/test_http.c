/*
 * The embedder that asks a service, against every way in which a service can fail it: away, slow, overloaded, of another
 * model, with smaller batches than ours, or answering with what is no answer. None of them may look like a vector.
 */
#include "core/json.h"
#include "core/limits.h"
#include "tests/support/http_server.h"
#include "tests/support/support.h"
#include "vector/embed/embed.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>

#define COUNT 10

static int64_t waits[64];
static size_t wait_count;

static void note_wait(int64_t time) {
    if (wait_count < 64) {
        waits[wait_count++] = time;
    }
}

/* A service of dimension 2 that takes at most batch_max texts, after it failed `failures` times with `status`. */
struct service {
    size_t batch_max, failures;
    floe_test_reply failure;
    const char *said;  /* with a failure; NULL: "not now" */
    const char *fixed; /* answered instead of vectors */
    int refusal;       /* status for too many texts */
    size_t dim;
};

static void print_vectors(const floe_node *input, size_t dim, floe_buf *body) {
    floe_buf_text(body, "{\"data\":[");
    for (size_t i = 0; i < input->count; i++) {
        floe_buf_printf(body, "%s{\"index\":%zu,\"embedding\":[%zu", i > 0 ? "," : "", i, input->items[i]->text.len);
        for (size_t d = 1; d < dim; d++) {
            floe_buf_text(body, ",1.0");
        }
        floe_buf_text(body, "]}");
    }
    floe_buf_text(body, "]}");
}

static void serve(void *context, size_t nth, const floe_test_request *request, floe_test_reply *reply) {
    const struct service *service = context;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = NULL;
    floe_error err = {0};
    floe_buf *body = reply->body;
    floe_arena_init(&arena, FLOE_MIB(16));
    if (nth < service->failures) {
        *reply = service->failure;
        reply->body = body;
        floe_buf_printf(body, "{\"error\":{\"message\":\"%s\"}}", service->said ? service->said : "not now");
        return;
    }
    if (service->fixed != NULL) {
        floe_buf_text(body, service->fixed);
        return;
    }
    FLOE_IGNORE(floe_json_parse(&arena, request->body, &root, &err));
    const floe_node *input = root != NULL ? floe_node_get(root, "input") : NULL;
    if (input == NULL || input->count > service->batch_max) {
        reply->status = service->refusal != 0 ? service->refusal : 400;
        floe_buf_text(body, "{\"error\":\"too many inputs\"}");
        return;
    }
    print_vectors(input, service->dim != 0 ? service->dim : 2, body);
}

static floe_str texts[COUNT];

static int make_texts(void **state) {
    static const char letters[] = "aaaaaaaaaaaaaaaaaaaa";
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        texts[i] = (floe_str){letters, i + 1};
    }
    return 0;
}

/* The nth text is i + 1 bytes long, so its vector is (i + 1, 1), scaled. */
static void check_rows(const float *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        double length = hypot((double)(i + 1), 1);
        assert_true(fabs((double)rows[2 * i] - (double)(i + 1) / length) < 1e-6);
        assert_true(fabs((double)rows[2 * i + 1] - 1 / length) < 1e-6);
    }
}

static floe_embedder_options options_for(floe_test_server *server) {
    return (floe_embedder_options){.kind = FLOE_EMBEDDER_HTTP,
                                   .url = floe_str_of(floe_test_server_url(server, "/v1/embeddings")),
                                   .model = FLOE_STR("text-embedding-x"),
                                   .api_key = FLOE_STR("key-123"),
                                   .dim = 2,
                                   .batch_max = 4,
                                   .sleep_ms = note_wait};
}

/* Opens, embeds all texts, closes; the rows are the caller's. */
static floe_status ask(struct service *service, size_t *ret_requests, float *rows, floe_error *err) {
    floe_test_server *server = floe_test_server_open(serve, service);
    floe_embedder_options options = options_for(server);
    floe_embedder *embedder = NULL;
    wait_count = 0;
    floe_status status = floe_embedder_open(&options, &embedder, err);
    if (!floe_failed(status)) {
        status = floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, texts, COUNT, rows, err);
    }
    floe_embedder_close(&embedder);
    *ret_requests = floe_test_server_count(server);
    floe_test_server_close(&server);
    return status;
}

static void http__request__is_openais(void **state) {
    (void)state;
    struct service service = {.batch_max = 10};
    floe_test_server *server = floe_test_server_open(serve, &service);
    floe_embedder_options options = options_for(server);
    floe_embedder *embedder = NULL;
    float row[4];
    const floe_str two[] = {FLOE_STR("say \"hi\""), FLOE_STR("")};
    floe_error err = {0};
    options.query_prefix = FLOE_STR("q: ");
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    assert_int_equal(floe_test_server_count(server), 0);
    assert_ok(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, two, 2, row, &err), &err);
    assert_ok(floe_embedder_embed(embedder, FLOE_EMBED_QUERY, two, 1, row, &err), &err);
    assert_int_equal(strncmp(floe_test_server_head(server, 0), "POST /v1/embeddings HTTP/1.1\r\n", 30), 0);
    assert_non_null(strstr(floe_test_server_head(server, 0), "\r\nAuthorization: Bearer key-123\r\n"));
    assert_non_null(strstr(floe_test_server_head(server, 0), "\r\nContent-Type: application/json\r\n"));
    assert_string_equal(floe_test_server_body(server, 0),
                        "{\"model\":\"text-embedding-x\",\"input\":[\"say \\\"hi\\\"\",\" \"]}");
    assert_string_equal(floe_test_server_body(server, 1),
                        "{\"model\":\"text-embedding-x\",\"input\":[\"q: say \\\"hi\\\"\"]}");
    floe_embedder_close(&embedder);
    floe_test_server_close(&server);
}

static void http__texts__go_in_batches(void **state) {
    (void)state;
    float rows[COUNT * 2];
    size_t requests = 0;
    floe_error err = {0};
    struct service service = {.batch_max = 4};
    assert_ok(ask(&service, &requests, rows, &err), &err);
    assert_int_equal(requests, 3);
    check_rows(rows, COUNT);
}

/* 4 refused, 2 taken and remembered: 1 + 5 requests. With 1 the halving goes one step further: 2 + 10. */
static void http__refused_batches__are_halved_and_remembered(void **state) {
    (void)state;
    static const int statuses[] = {400, 413, 422};
    for (size_t i = 0; i < 3; i++) {
        float rows[COUNT * 2];
        size_t requests = 0;
        floe_error err = {0};
        struct service service = {.batch_max = 2, .refusal = statuses[i]};
        assert_ok(ask(&service, &requests, rows, &err), &err);
        assert_int_equal(requests, 6);
        check_rows(rows, COUNT);
        service.batch_max = 1;
        assert_ok(ask(&service, &requests, rows, &err), &err);
        assert_int_equal(requests, 12);
        check_rows(rows, COUNT);
    }
}

static void http__single_text_refused__is_invalid(void **state) {
    (void)state;
    float rows[COUNT * 2];
    size_t requests = 0;
    floe_error err = {0};
    struct service service = {.batch_max = 0};
    assert_code(ask(&service, &requests, rows, &err), FLOE_INVALID);
    assert_message(&err, "too many inputs");
    assert_message(&err, "texts 1 to 1");
    assert_int_equal(requests, 3);
}

static void http__overload__is_waited_for(void **state) {
    (void)state;
    float rows[COUNT * 2];
    size_t requests = 0;
    floe_error err = {0};
    struct service service = {
        .batch_max = 4, .failures = 2, .failure = {.status = 429, .headers = "Retry-After: 2\r\n"}};
    assert_ok(ask(&service, &requests, rows, &err), &err);
    assert_int_equal(requests, 5);
    assert_int_equal(wait_count, 2);
    assert_int_equal(waits[0], 2000);
    check_rows(rows, COUNT);
}

static void http__outage__is_never_an_answer(void **state) {
    (void)state;
    static const floe_test_reply failures[] = {{.status = 503},
                                               {.status = 500},
                                               {.status = 429},
                                               {.action = FLOE_TEST_CLOSE},
                                               {.action = FLOE_TEST_CUT, .status = 200}};
    for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
        float rows[COUNT * 2];
        size_t requests = 0;
        floe_error err = {0};
        struct service service = {.batch_max = 4, .failures = SIZE_MAX, .failure = failures[i]};
        assert_code(ask(&service, &requests, rows, &err), FLOE_UNAVAILABLE);
        assert_true(err.retriable);
        assert_message(&err, "/v1/embeddings");
        assert_null(strstr(err.message, "key-123"));
        assert_int_equal(requests, 5);
    }
}

/* The first batch succeeds, then the service goes: the call as a whole fails. */
static void http__outage_in_the_middle__fails_the_call(void **state) {
    (void)state;
    struct service service = {.batch_max = 4};
    floe_test_server *server = floe_test_server_open(serve, &service);
    floe_embedder_options options = options_for(server);
    floe_embedder *embedder = NULL;
    float rows[COUNT * 2];
    floe_error err = {0};
    options.retry_max = UINT_MAX;
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    assert_ok(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, texts, 4, rows, &err), &err);
    floe_test_server_close(&server);
    wait_count = 0;
    assert_code(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, texts, 4, rows, &err), FLOE_UNAVAILABLE);
    assert_true(err.retriable);
    assert_int_equal(wait_count, 0);
    floe_embedder_close(&embedder);
}

static void http__wrong_key_or_address__is_said(void **state) {
    (void)state;
    static const struct {
        int status;
        floe_code code;
    } rows_of[] = {{401, FLOE_DENIED}, {403, FLOE_DENIED}, {404, FLOE_NOT_FOUND}, {302, FLOE_INVALID}};
    for (size_t i = 0; i < 4; i++) {
        float rows[COUNT * 2];
        size_t requests = 0;
        floe_error err = {0};
        struct service service = {.failures = SIZE_MAX, .failure = {.status = rows_of[i].status}};
        assert_code(ask(&service, &requests, rows, &err), rows_of[i].code);
        assert_message(&err, "not now");
        assert_int_equal(requests, 1);
    }
}

static void http__a_service_that_repeats_the_key__is_told_without_it(void **state) {
    (void)state;
    static const int codes[] = {401, 400, 404, 500};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        float rows[COUNT * 2];
        size_t requests = 0;
        floe_error err = {0};
        struct service service = {
            .failures = SIZE_MAX, .failure = {.status = codes[i]}, .said = "wrong: key-123, key-123"};
        assert_true(floe_failed(ask(&service, &requests, rows, &err)));
        assert_message(&err, "wrong: *******, *******");
        assert_null(strstr(err.message, "key-123"));
    }
}

static void http__what_is_no_answer__is_corrupt(void **state) {
    (void)state;
    static const char *const answers[] = {
        "",
        "ok",
        "[]",
        "{}",
        "{\"data\":{}}",
        "{\"data\":[]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]}]}",
        "{\"data\":[1,2,3,4]}",
        "{\"data\":[{\"index\":0},{\"index\":1},{\"index\":2},{\"index\":3}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":0,\"embedding\":[1,2]},{\"index\":2,\"embedding\":[1,"
        "2]},"
        "{\"index\":3,\"embedding\":[1,2]}]}",
        "{\"data\":[{\"index\":4,\"embedding\":[1,2]},{\"index\":1,\"embedding\":[1,2]},{\"index\":2,\"embedding\":[1,"
        "2]},"
        "{\"index\":3,\"embedding\":[1,2]}]}",
        "{\"data\":[{\"index\":-1,\"embedding\":[1,2]},{\"index\":1,\"embedding\":[1,2]},{\"index\":2,\"embedding\":[1,"
        "2]},"
        "{\"index\":3,\"embedding\":[1,2]}]}",
        "{\"data\":[{\"embedding\":[1,\"2\"]},{\"embedding\":[1,2]},{\"embedding\":[1,2]},{\"embedding\":[1,2]}]}",
        "{\"data\":[{\"embedding\":[1,null]},{\"embedding\":[1,2]},{\"embedding\":[1,2]},{\"embedding\":[1,2]}]}",
        "{\"data\":[{\"embedding\":[0,0]},{\"embedding\":[1,2]},{\"embedding\":[1,2]},{\"embedding\":[1,2]}]}",
        "{\"data\":[{\"embedding\":[1e300,0]},{\"embedding\":[1,2]},{\"embedding\":[1,2]},{\"embedding\":[1,2]}]}",
        "{\"data\":[{\"embedding\":[]},{\"embedding\":[]},{\"embedding\":[]},{\"embedding\":[]}]}",
        "{\"data\":[{\"embedding\":[1,2,3]},{\"embedding\":[1,2]},{\"embedding\":[1,2]},{\"embedding\":[1,2]}]}",
        "{\"data\":[{\"embedding\":\"AAAAAA==\"},{\"embedding\":[1,2]},{\"embedding\":[1,2]},{\"embedding\":[1,2]}]}",
    };
    for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
        float rows[COUNT * 2];
        size_t requests = 0;
        floe_error err = {0};
        struct service service = {.fixed = answers[i]};
        assert_code(ask(&service, &requests, rows, &err), FLOE_CORRUPT);
        assert_message(&err, "what is no answer");
        assert_int_equal(requests, 1);
    }
}

static void http__another_dimension__is_said(void **state) {
    (void)state;
    float rows[COUNT * 2];
    size_t requests = 0;
    floe_error err = {0};
    struct service service = {.batch_max = 4, .dim = 3};
    assert_code(ask(&service, &requests, rows, &err), FLOE_CORRUPT);
    assert_message(&err, "a vector of 3 numbers where 2 were expected");
}

static void http__unknown_dimension__is_asked_for_at_opening(void **state) {
    (void)state;
    struct service service = {.batch_max = 4, .dim = 5};
    floe_test_server *server = floe_test_server_open(serve, &service);
    floe_embedder_options options = options_for(server);
    floe_embedder *embedder = NULL;
    floe_error err = {0};
    options.dim = 0;
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    assert_int_equal(floe_embedder_describe(embedder)->dim, 5);
    assert_int_equal(floe_test_server_count(server), 1);
    floe_embedder_close(&embedder);
    floe_test_server_close(&server);
    options.url = FLOE_STR("http://127.0.0.1:1/v1/embeddings");
    assert_code(floe_embedder_open(&options, &embedder, &err), FLOE_UNAVAILABLE);
    assert_null(embedder);
}

static void http__cancelled__says_so(void **state) {
    (void)state;
    atomic_bool cancelled = true;
    struct service service = {.failures = SIZE_MAX, .failure = {.status = 503}};
    floe_test_server *server = floe_test_server_open(serve, &service);
    floe_embedder_options options = options_for(server);
    floe_embedder *embedder = NULL;
    float rows[COUNT * 2];
    floe_error err = {0};
    options.cancelled = &cancelled;
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    assert_code(floe_embedder_embed(embedder, FLOE_EMBED_QUERY, texts, 1, rows, &err), FLOE_CANCELLED);
    floe_embedder_close(&embedder);
    floe_test_server_close(&server);
}

static void http__bad_options__are_refused(void **state) {
    (void)state;
    floe_embedder *embedder = NULL;
    const floe_embedder_options good = {.kind = FLOE_EMBEDDER_HTTP,
                                        .url = FLOE_STR("https://api.example.com/v1/embeddings"),
                                        .model = FLOE_STR("m"),
                                        .dim = 2};
    for (size_t i = 0; i < 5; i++) {
        floe_embedder_options bad = good;
        floe_error err = {0};
        bad.url = i == 0 ? FLOE_STR("") : i == 1 ? FLOE_STR("file:///etc/passwd") : good.url;
        bad.model = i == 2 ? FLOE_STR("") : good.model;
        bad.batch_max = i == 3 ? 2049 : 0;
        bad.dim = i == 4 ? FLOE_EMBED_DIM_MAX + 1 : 2;
        assert_code(floe_embedder_open(&bad, &embedder, &err), FLOE_INVALID);
        assert_null(embedder);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(http__request__is_openais),
        cmocka_unit_test(http__texts__go_in_batches),
        cmocka_unit_test(http__refused_batches__are_halved_and_remembered),
        cmocka_unit_test(http__single_text_refused__is_invalid),
        cmocka_unit_test(http__overload__is_waited_for),
        cmocka_unit_test(http__outage__is_never_an_answer),
        cmocka_unit_test(http__outage_in_the_middle__fails_the_call),
        cmocka_unit_test(http__wrong_key_or_address__is_said),
        cmocka_unit_test(http__a_service_that_repeats_the_key__is_told_without_it),
        cmocka_unit_test(http__what_is_no_answer__is_corrupt),
        cmocka_unit_test(http__another_dimension__is_said),
        cmocka_unit_test(http__unknown_dimension__is_asked_for_at_opening),
        cmocka_unit_test(http__cancelled__says_so),
        cmocka_unit_test(http__bad_options__are_refused),
    };
    return cmocka_run_group_tests(tests, make_texts, NULL);
}
