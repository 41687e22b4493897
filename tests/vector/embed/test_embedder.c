/*
 * The contract of the seam, held to every implementation that makes vectors: local over a small random encoder, http over a
 * scripted service that answers as OpenAI's does. What none says stands at the end.
 */
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "tests/support/http_server.h"
#include "tests/vector/embed/tiny.h"
#include "vector/embed/embed.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <stdio.h>

#define DIM 12
#define TEXTS 300

/* ---- the two worlds ---- */

/* A service whose vector of a text depends on its bytes alone. */
static void serve_vectors(void *context, size_t nth, const floe_test_request *request, floe_test_reply *reply) {
    FLOE_AUTO_ARENA arena;
    const floe_node *root = NULL;
    floe_error err = {0};
    (void)context, (void)nth;
    floe_arena_init(&arena, FLOE_MIB(16));
    if (floe_failed(floe_json_parse(&arena, request->body, &root, &err))) {
        reply->status = 400;
        return;
    }
    const floe_node *input = floe_node_get(root, "input");
    floe_buf_text(reply->body, "{\"object\":\"list\",\"data\":[");
    /* In reverse: an answer is put in order by its index, not by its place. */
    for (size_t i = input->count; i-- > 0;) {
        floe_buf_printf(reply->body, "%s{\"index\":%zu,\"embedding\":[", i + 1 < input->count ? "," : "", i);
        for (size_t d = 0; d < DIM; d++) {
            double value = 1;
            for (size_t b = 0; b < input->items[i]->text.len; b++) {
                value = fmod(value * 31 + (double)(uint8_t)input->items[i]->text.ptr[b] * (double)(d + 1), 997);
            }
            floe_buf_printf(reply->body, "%s%.6f", d > 0 ? "," : "", value - 498);
        }
        floe_buf_text(reply->body, "]}");
    }
    floe_buf_text(reply->body, "],\"model\":\"m\",\"usage\":{\"prompt_tokens\":1}}");
}

static char model_folder[512];
static floe_test_server *server;
static char url[256];

static int open_worlds(void **state) {
    floe_test_rng rng = floe_test_rng_of(7);
    floe_bert_config config = {DIM, 2, 3, 20, FLOE_TINY_VOCAB_COUNT, 24, 2, 1e-6f, FLOE_POOLING_MEAN};
    floe_tiny tiny;
    (void)state;
    (void)snprintf(model_folder, sizeof(model_folder), "%s", floe_test_temp_dir());
    floe_tiny_init(&tiny, &config, &rng);
    floe_tiny_write(&tiny, model_folder);
    floe_tiny_close(&tiny);
    server = floe_test_server_open(serve_vectors, NULL);
    (void)snprintf(url, sizeof(url), "%s", floe_test_server_url(server, "/v1/embeddings"));
    return 0;
}

static int close_worlds(void **state) {
    (void)state;
    floe_test_server_close(&server);
    return 0;
}

static floe_embedder_options options_of(floe_embedder_kind kind) {
    return (floe_embedder_options){.kind = kind,
                                   .model_dir = model_folder,
                                   .thread_count = 2,
                                   .url = floe_str_of(url),
                                   .model = FLOE_STR("m"),
                                   .batch_max = 7};
}

static floe_embedder *open_as(floe_embedder_options options) {
    floe_embedder *embedder = NULL;
    floe_error err = {0};
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    return embedder;
}

static const floe_embedder_kind kinds[] = {FLOE_EMBEDDER_LOCAL, FLOE_EMBEDDER_HTTP};
#define FOR_EACH_KIND(kind) for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++)

/* Texts of the small vocabulary, of many lengths. */
static char text_bytes[TEXTS][64];
static floe_str texts[TEXTS];

static void make_texts(void) {
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (size_t i = 0; i < TEXTS; i++) {
        size_t len = 1 + (size_t)floe_test_below(&rng, 60);
        for (size_t j = 0; j < len; j++) {
            text_bytes[i][j] = (char)(floe_test_below(&rng, 5) == 0 ? ' ' : 'a' + (int)floe_test_below(&rng, 26));
        }
        texts[i] = (floe_str){text_bytes[i], len};
    }
}

static double distance(const float *a, const float *b) {
    double sum = 0;
    for (size_t i = 0; i < DIM; i++) {
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    }
    return sqrt(sum);
}

static void embed(floe_embedder *embedder, floe_embed_as as, const floe_str *some, size_t count, float *rows) {
    floe_error err = {0};
    assert_ok(floe_embedder_embed(embedder, as, some, count, rows, &err), &err);
}

/* ---- the contract ---- */

static void embedder__description__says_what_it_is(void **state) {
    (void)state;
    FOR_EACH_KIND(k) {
        floe_embedder *embedder = open_as(options_of(kinds[k]));
        const floe_embedder_info *info = floe_embedder_describe(embedder);
        assert_int_equal(info->kind, kinds[k]);
        assert_int_equal(info->dim, DIM);
        assert_true(info->model.len > 0);
        assert_true(info->batch_max > 0 && info->thread_count > 0);
        assert_true(floe_str_starts_with(info->fingerprint, floe_str_of(floe_embedder_kind_name(kinds[k]))));
        assert_true(info->fingerprint.len < FLOE_EMBED_FINGERPRINT_MAX);
        floe_embedder_close(&embedder);
        assert_null(embedder);
        floe_embedder_close(&embedder);
    }
}

static void embedder__vectors__have_length_1(void **state) {
    (void)state;
    make_texts();
    FOR_EACH_KIND(k) {
        static float rows[TEXTS][DIM];
        floe_embedder *embedder = open_as(options_of(kinds[k]));
        embed(embedder, FLOE_EMBED_DOCUMENT, texts, TEXTS, rows[0]);
        for (size_t i = 0; i < TEXTS; i++) {
            double squares = 0;
            for (size_t j = 0; j < DIM; j++) {
                squares += (double)rows[i][j] * (double)rows[i][j];
            }
            assert_true(fabs(squares - 1) < 1e-5);
        }
        floe_embedder_close(&embedder);
    }
}

static void embedder__batch__equals_its_texts_alone(void **state) {
    (void)state;
    make_texts();
    FOR_EACH_KIND(k) {
        static float rows[TEXTS][DIM];
        floe_embedder *embedder = open_as(options_of(kinds[k]));
        for (size_t count = 1; count <= TEXTS; count = count * 3 + 1) {
            embed(embedder, FLOE_EMBED_DOCUMENT, texts, count, rows[0]);
            for (size_t i = 0; i < count; i += 1 + count / 9) {
                float alone[DIM];
                embed(embedder, FLOE_EMBED_DOCUMENT, &texts[i], 1, alone);
                assert_true(distance(alone, rows[i]) < 1e-4);
            }
        }
        floe_embedder_close(&embedder);
    }
}

static void embedder__no_texts__is_nothing_to_do(void **state) {
    (void)state;
    FOR_EACH_KIND(k) {
        floe_embedder *embedder = open_as(options_of(kinds[k]));
        size_t asked = floe_test_server_count(server);
        embed(embedder, FLOE_EMBED_DOCUMENT, NULL, 0, NULL);
        assert_int_equal(floe_test_server_count(server), asked);
        floe_embedder_close(&embedder);
    }
}

static void embedder__odd_texts__have_vectors(void **state) {
    (void)state;
    const floe_str odd[] = {
        FLOE_STR(""), {NULL, 0}, FLOE_STR(" \n"), FLOE_STR("a\0b"), FLOE_STR("\xff\xfe"), FLOE_STR("\"quoted\\ \x01")};
    FOR_EACH_KIND(k) {
        float rows[6][DIM];
        floe_embedder *embedder = open_as(options_of(kinds[k]));
        embed(embedder, FLOE_EMBED_DOCUMENT, odd, kinds[k] == FLOE_EMBEDDER_HTTP ? 3 : 6, rows[0]);
        assert_true(distance(rows[0], rows[1]) < 1e-5);
        floe_embedder_close(&embedder);
    }
}

static void embedder__prefixes__go_before_the_text(void **state) {
    (void)state;
    FOR_EACH_KIND(k) {
        float prefixed[DIM];
        float written[DIM];
        float query[DIM];
        floe_embedder_options options = options_of(kinds[k]);
        floe_str text = FLOE_STR("delay");
        floe_str both = FLOE_STR("doc: delay");
        floe_embedder *plain = open_as(options);
        options.document_prefix = FLOE_STR("doc: ");
        options.query_prefix = FLOE_STR("q: ");
        floe_embedder *with = open_as(options);
        embed(with, FLOE_EMBED_DOCUMENT, &text, 1, prefixed);
        embed(with, FLOE_EMBED_QUERY, &text, 1, query);
        embed(plain, FLOE_EMBED_DOCUMENT, &both, 1, written);
        assert_true(distance(prefixed, written) < 1e-5);
        assert_true(distance(prefixed, query) > 1e-3);
        floe_embedder_close(&plain);
        floe_embedder_close(&with);
    }
}

static bool same_fingerprint(floe_embedder_options a, floe_embedder_options b) {
    floe_embedder *first = open_as(a);
    floe_embedder *second = open_as(b);
    bool same = floe_str_equal(floe_embedder_describe(first)->fingerprint, floe_embedder_describe(second)->fingerprint);
    floe_embedder_close(&first);
    floe_embedder_close(&second);
    return same;
}

static void embedder__fingerprint__changes_with_what_matters(void **state) {
    (void)state;
    FOR_EACH_KIND(k) {
        floe_embedder_options base = options_of(kinds[k]);
        floe_embedder_options other = base;
        assert_true(same_fingerprint(base, other));
        other.thread_count = 1;
        other.batch_max = 3;
        other.timeout_ms = 7000;
        assert_true(same_fingerprint(base, other));
        other = base;
        other.query_prefix = FLOE_STR("q: ");
        assert_false(same_fingerprint(base, other));
        other = base;
        other.document_prefix = FLOE_STR("q: ");
        assert_false(same_fingerprint(base, other));
    }
}

static void embedder__unknown_purpose__is_refused(void **state) {
    (void)state;
    FOR_EACH_KIND(k) {
        float row[DIM];
        floe_error err = {0};
        floe_embedder *embedder = open_as(options_of(kinds[k]));
        assert_code(floe_embedder_embed(embedder, (floe_embed_as)7, texts, 1, row, &err), FLOE_INVALID);
        floe_embedder_close(&embedder);
    }
}

/* ---- many threads ---- */

typedef struct caller {
    floe_embedder *embedder;
    pthread_t thread;
    size_t first;
    float rows[25][DIM];
    bool ok;
} caller;

static void *call_repeatedly(void *context) {
    caller *self = context;
    self->ok = true;
    for (size_t round = 0; round < 4 && self->ok; round++) {
        floe_error err = {0};
        floe_status status =
            floe_embedder_embed(self->embedder, FLOE_EMBED_DOCUMENT, texts + self->first, 25, self->rows[0], &err);
        self->ok = !floe_failed(status);
    }
    return NULL;
}

static void embedder__calls_of_many_threads__do_not_mix(void **state) {
    (void)state;
    make_texts();
    FOR_EACH_KIND(k) {
        static float rows[TEXTS][DIM];
        static caller callers[6];
        floe_embedder *embedder = open_as(options_of(kinds[k]));
        embed(embedder, FLOE_EMBED_DOCUMENT, texts, TEXTS, rows[0]);
        for (size_t i = 0; i < 6; i++) {
            callers[i] = (caller){.embedder = embedder, .first = i * 25};
            assert_int_equal(pthread_create(&callers[i].thread, NULL, call_repeatedly, &callers[i]), 0);
        }
        for (size_t i = 0; i < 6; i++) {
            assert_int_equal(pthread_join(callers[i].thread, NULL), 0);
            assert_true(callers[i].ok);
            for (size_t j = 0; j < 25; j++) {
                assert_true(distance(callers[i].rows[j], rows[i * 25 + j]) < 1e-4);
            }
        }
        floe_embedder_close(&embedder);
    }
}

/* ---- memory ---- */

static floe_status use_once(void *context, floe_error *err) {
    const floe_embedder_options *options = context;
    FLOE_CLEANUP(floe_embedder_close) floe_embedder *embedder = NULL;
    float rows[3][DIM];
    const floe_str some[] = {FLOE_STR("a"), FLOE_STR("delay"), FLOE_STR("flight")};
    FLOE_TRY(floe_embedder_open(options, &embedder, err));
    return floe_embedder_embed(embedder, FLOE_EMBED_QUERY, some, 3, rows[0], err);
}

static void embedder__every_allocation_may_fail(void **state) {
    (void)state;
    FOR_EACH_KIND(k) {
        floe_embedder_options options = options_of(kinds[k]);
        options.query_prefix = FLOE_STR("q ");
        options.dim = kinds[k] == FLOE_EMBEDDER_HTTP ? DIM : 0;
        assert_true(floe_test_alloc_sweep(use_once, &options) > 0);
    }
}

/* Under the sweep no thread may be started: after opening, local asks the heap for nothing. */
static void local__embedding__asks_the_heap_for_nothing(void **state) {
    (void)state;
    floe_embedder *embedder = open_as(options_of(FLOE_EMBEDDER_LOCAL));
    static float rows[TEXTS][DIM];
    make_texts();
    floe_mem_fail_at(1);
    floe_error err = {0};
    floe_status status = floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, texts, TEXTS, rows[0], &err);
    uint64_t asked = floe_mem_fail_count();
    floe_mem_fail_off();
    assert_ok(status, &err);
    assert_int_equal(asked, 0);
    floe_embedder_close(&embedder);
}

/* ---- none ---- */

static void none__makes_no_vectors_and_says_so(void **state) {
    (void)state;
    float row[DIM];
    floe_error err = {0};
    floe_embedder *embedder = open_as((floe_embedder_options){.kind = FLOE_EMBEDDER_NONE});
    const floe_embedder_info *info = floe_embedder_describe(embedder);
    assert_int_equal(info->dim, 0);
    assert_true(floe_str_is(info->model, "none"));
    assert_code(floe_embedder_embed(embedder, FLOE_EMBED_QUERY, texts, 1, row, &err), FLOE_UNSUPPORTED);
    assert_message(&err, "embedder");
    floe_error_clear(&err);
    assert_ok(floe_embedder_embed(embedder, FLOE_EMBED_QUERY, NULL, 0, NULL, &err), &err);
    floe_embedder_close(&embedder);
}

static void embedder__unknown_kind__is_refused(void **state) {
    (void)state;
    floe_embedder *embedder = NULL;
    floe_error err = {0};
    floe_embedder_options options = {.kind = (floe_embedder_kind)9};
    assert_code(floe_embedder_open(&options, &embedder, &err), FLOE_INVALID);
    assert_string_equal(floe_embedder_kind_name(FLOE_EMBEDDER_LOCAL), "local");
    assert_string_equal(floe_embedder_kind_name(FLOE_EMBEDDER_HTTP), "http");
    assert_string_equal(floe_embedder_kind_name(FLOE_EMBEDDER_NONE), "none");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(embedder__description__says_what_it_is),
        cmocka_unit_test(embedder__vectors__have_length_1),
        cmocka_unit_test(embedder__batch__equals_its_texts_alone),
        cmocka_unit_test(embedder__no_texts__is_nothing_to_do),
        cmocka_unit_test(embedder__odd_texts__have_vectors),
        cmocka_unit_test(embedder__prefixes__go_before_the_text),
        cmocka_unit_test(embedder__fingerprint__changes_with_what_matters),
        cmocka_unit_test(embedder__unknown_purpose__is_refused),
        cmocka_unit_test(embedder__calls_of_many_threads__do_not_mix),
        cmocka_unit_test(embedder__every_allocation_may_fail),
        cmocka_unit_test(local__embedding__asks_the_heap_for_nothing),
        cmocka_unit_test(none__makes_no_vectors_and_says_so),
        cmocka_unit_test(embedder__unknown_kind__is_refused),
    };
    return cmocka_run_group_tests(tests, open_worlds, close_worlds);
}
