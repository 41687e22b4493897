/*
 * floe against the reference: golden/vectors.json and golden/tokens.json, which make_golden.py made with Hugging Face's
 * tokenizer and ONNX Runtime over another project's export of the same model. The promise is a cosine of 0.9999; what single
 * precision gives is much nearer, and is what these tests hold it to.
 */
#include "core/base64.h"
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "tests/vector/embed/tiny.h"
#include "vector/embed/bert_int.h"
#include "vector/embed/embed_int.h"

#include <stdio.h>
#include <stdlib.h>

#define DIM 384
#define COSINE_LEAST 0.999999
#define ITEMS_MAX 256

typedef struct golden {
    floe_arena arena;
    size_t count;
    floe_str about[ITEMS_MAX];
    floe_str texts[ITEMS_MAX];
    int32_t ids[ITEMS_MAX][256];
    size_t lens[ITEMS_MAX];
    double vectors[ITEMS_MAX][DIM];
} golden;

static golden *vectors;
static golden *tokens;
static floe_embedder *embedder;

static void read_vector(golden *to, size_t at, floe_str packed) {
    floe_str bytes = {0};
    floe_error err = {0};
    assert_ok(floe_base64_decode(packed, &to->arena, &bytes, &err), &err);
    assert_int_equal(bytes.len, DIM * sizeof(float));
    for (size_t i = 0; i < DIM; i++) {
        float value;
        memcpy(&value, bytes.ptr + i * sizeof(float), sizeof(value));
        to->vectors[at][i] = (double)value;
    }
}

static void read_item(golden *to, const floe_node *item) {
    floe_str packed = {0};
    floe_error err = {0};
    size_t at = to->count++;
    assert_true(at < ITEMS_MAX);
    assert_ok(floe_node_need_str(item, "text", "item", &packed, &err), &err);
    assert_ok(floe_base64_decode(packed, &to->arena, &to->texts[at], &err), &err);
    assert_ok(floe_node_opt_str(item, "about", "item", &to->about[at], &err), &err);
    const floe_node *ids = floe_node_get(item, "ids");
    assert_true(ids->count <= 256);
    to->lens[at] = ids->count;
    for (size_t i = 0; i < ids->count; i++) {
        to->ids[at][i] = (int32_t)ids->items[i]->as.integer;
    }
    packed = (floe_str){0};
    assert_ok(floe_node_opt_str(item, "vector", "item", &packed, &err), &err);
    if (packed.len > 0) {
        read_vector(to, at, packed);
    }
}

static golden *read_golden(const char *name) {
    char path[512];
    FLOE_AUTO_BUF text;
    const floe_node *root = NULL;
    floe_error err = {0};
    golden *to = calloc(1, sizeof(*to));
    const char *tree = getenv("FLOE_ROOT");
    assert_non_null(to);
    floe_arena_init(&to->arena, FLOE_MIB(64));
    floe_buf_init(&text, FLOE_MIB(4));
    (void)snprintf(path, sizeof(path), "%s/tests/vector/embed/golden/%s", tree != NULL ? tree : ".", name);
    assert_ok(floe_file_read(path, &text, &err), &err);
    assert_ok(floe_json_parse(&to->arena, floe_arena_str(&to->arena, floe_buf_view(&text)), &root, &err), &err);
    const floe_node *items = floe_node_get(root, "items");
    for (size_t i = 0; i < items->count; i++) {
        read_item(to, items->items[i]);
    }
    return to;
}

static floe_embedder *open_local(size_t thread_count) {
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .thread_count = thread_count};
    floe_embedder *opened = NULL;
    floe_error err = {0};
    assert_ok(floe_embedder_open(&options, &opened, &err), &err);
    return opened;
}

static int open_all(void **state) {
    (void)state;
    vectors = read_golden("vectors.json");
    tokens = read_golden("tokens.json");
    embedder = open_local(1);
    return 0;
}

static int close_all(void **state) {
    (void)state;
    floe_embedder_close(&embedder);
    floe_arena_close(&vectors->arena);
    floe_arena_close(&tokens->arena);
    free(vectors);
    free(tokens);
    return 0;
}

static floe_tokenizer *open_tokenizer(void) {
    char path[512];
    FLOE_AUTO_BUF vocab;
    floe_tokenizer *tokenizer = NULL;
    floe_error err = {0};
    floe_buf_init(&vocab, FLOE_MIB(4));
    (void)snprintf(path, sizeof(path), "%s/vocab.txt", floe_embedder_local_folder());
    assert_ok(floe_file_read(path, &vocab, &err), &err);
    floe_tokenizer_options options = {true, true, true};
    assert_ok(floe_tokenizer_open(floe_buf_view(&vocab), &options, &tokenizer, &err), &err);
    return tokenizer;
}

static void check_ids(const golden *from) {
    floe_tokenizer *tokenizer = open_tokenizer();
    assert_int_equal(floe_tokenizer_vocab_count(tokenizer), 30522);
    for (size_t i = 0; i < from->count; i++) {
        int32_t ids[256];
        size_t len = floe_tokenizer_encode(tokenizer, FLOE_STR(""), from->texts[i], ids, 256);
        if (len != from->lens[i] || memcmp(ids, from->ids[i], len * sizeof(ids[0])) != 0) {
            fail_msg("text %zu (%.*s): other ids than the reference", i, FLOE_STR_ARG(from->about[i]));
        }
    }
    floe_tokenizer_close(&tokenizer);
}

static void golden__ids_of_the_vectors__equal_the_reference(void **state) {
    (void)state;
    assert_true(vectors->count >= 30);
    check_ids(vectors);
}

static void golden__ids_of_random_unicode__equal_the_reference(void **state) {
    (void)state;
    assert_int_equal(tokens->count, 200);
    check_ids(tokens);
}

static void check_vector(size_t at, const float *vector, double least) {
    double cosine = floe_test_cosine(vector, vectors->vectors[at], DIM);
    if (!(cosine >= least)) {
        fail_msg("text %zu (%.*s): cosine %.8f to the reference", at, FLOE_STR_ARG(vectors->about[at]), cosine);
    }
}

static void golden__each_text_alone__is_the_reference(void **state) {
    (void)state;
    for (size_t i = 0; i < vectors->count; i++) {
        float vector[DIM];
        double length = 0;
        floe_error err = {0};
        assert_ok(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, &vectors->texts[i], 1, vector, &err), &err);
        check_vector(i, vector, COSINE_LEAST);
        for (size_t j = 0; j < DIM; j++) {
            length += (double)vector[j] * (double)vector[j];
        }
        assert_true(length > 0.999999 && length < 1.000001);
    }
}

static void golden__all_texts_together__are_the_reference(void **state) {
    (void)state;
    for (size_t threads = 1; threads <= 3; threads++) {
        floe_embedder *many = open_local(threads);
        float *rows = calloc(vectors->count * DIM, sizeof(float));
        floe_error err = {0};
        assert_ok(floe_embedder_embed(many, FLOE_EMBED_DOCUMENT, vectors->texts, vectors->count, rows, &err), &err);
        for (size_t i = 0; i < vectors->count; i++) {
            check_vector(i, rows + i * DIM, COSINE_LEAST);
        }
        free(rows);
        floe_embedder_close(&many);
    }
}

/* This model knows no prefix: questions and documents go the same way. */
static void golden__as_query__is_the_same(void **state) {
    (void)state;
    float vector[DIM];
    floe_error err = {0};
    assert_ok(floe_embedder_embed(embedder, FLOE_EMBED_QUERY, &vectors->texts[0], 1, vector, &err), &err);
    check_vector(0, vector, COSINE_LEAST);
}

/* The machine that runs this has AVX2, another may not: the plain kernels must give the same vectors. */
static void golden__portable_kernels__are_the_reference(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    FLOE_CLEANUP(floe_mapped_close) floe_mapped mapped = {0};
    FLOE_CLEANUP(floe_bert_work_close) floe_bert_work work = {0};
    floe_model model = {0};
    floe_tensors tensors = {0};
    floe_bert bert = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(256));
    assert_ok(floe_model_read(floe_embedder_local_folder(), &arena, &model, &err), &err);
    assert_int_equal(model.token_max, 256);
    assert_ok(floe_mapped_open(model.weights_path, &mapped, &err), &err);
    assert_ok(floe_safetensors_parse((floe_str){mapped.address, mapped.len}, &arena, &tensors, &err), &err);
    assert_ok(floe_bert_load(&model.bert, &tensors, &arena, &bert, &err), &err);
    bert.kernels = floe_kernels_portable();
    assert_ok(floe_bert_work_open(&model.bert, 256, 256, &work, &err), &err);
    for (size_t i = 0; i < vectors->count; i++) {
        float vector[DIM];
        float *row = vector;
        floe_bert_batch batch = {vectors->ids[i], &vectors->lens[i], 1, vectors->lens[i]};
        floe_bert_forward(&bert, &work, &batch, &row);
        check_vector(i, vector, COSINE_LEAST);
    }
}

/* Meaning, not only numbers: of these columns, the question is nearest to the one that holds delays. */
static void golden__question__is_nearest_to_what_it_asks_for(void **state) {
    (void)state;
    const floe_str texts[] = {FLOE_STR("how late do planes arrive"), FLOE_STR("flights arrival delay"),
                              FLOE_STR("movies box office"), FLOE_STR("airports city"), FLOE_STR("stocks price")};
    float rows[5 * DIM];
    double best = -2;
    size_t best_at = 0;
    floe_error err = {0};
    assert_ok(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, texts, 5, rows, &err), &err);
    for (size_t i = 1; i < 5; i++) {
        double dot = 0;
        for (size_t j = 0; j < DIM; j++) {
            dot += (double)rows[j] * (double)rows[i * DIM + j];
        }
        best_at = dot > best ? i : best_at;
        best = dot > best ? dot : best;
    }
    assert_int_equal(best_at, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden__ids_of_the_vectors__equal_the_reference),
        cmocka_unit_test(golden__ids_of_random_unicode__equal_the_reference),
        cmocka_unit_test(golden__each_text_alone__is_the_reference),
        cmocka_unit_test(golden__all_texts_together__are_the_reference),
        cmocka_unit_test(golden__as_query__is_the_same),
        cmocka_unit_test(golden__portable_kernels__are_the_reference),
        cmocka_unit_test(golden__question__is_nearest_to_what_it_asks_for),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
