/*
 * Loading and forward pass over small random encoders, against the double-precision oracle of tiny.c: odd widths, several
 * heads, both poolings, all types of weights, texts packed together; and weights that are not what config.json says.
 */
#include "core/limits.h"
#include "tests/vector/embed/tiny.h"
#include "vector/embed/bert_int.h"

#include <stdio.h>
#include <stdlib.h>

#define HIDDEN_MAX 64
#define COSINE_LEAST 0.99999

static const floe_bert_config small = {.hidden = 12,
                                       .layers = 2,
                                       .heads = 3,
                                       .intermediate = 20,
                                       .vocab = FLOE_TINY_VOCAB_COUNT,
                                       .positions = 24,
                                       .types = 2,
                                       .epsilon = 1e-6f,
                                       .pooling = FLOE_POOLING_MEAN};

/* An encoder that is loaded from printed weights. */
typedef struct loaded {
    floe_tiny tiny;
    floe_arena arena;
    floe_buf file;
    floe_tensors tensors;
    floe_bert bert;
} loaded;

static void open_loaded(loaded *to, const floe_bert_config *config, const char *type, const char *prefix,
                        floe_test_rng *rng) {
    floe_error err = {0};
    floe_tiny_init(&to->tiny, config, rng);
    floe_arena_init(&to->arena, FLOE_MIB(64));
    floe_buf_init(&to->file, FLOE_MIB(64));
    floe_tiny_print(&to->tiny, type, prefix, &to->file);
    assert_ok(floe_safetensors_parse(floe_buf_view(&to->file), &to->arena, &to->tensors, &err), &err);
    assert_ok(floe_bert_load(config, &to->tensors, &to->arena, &to->bert, &err), &err);
}

static void close_loaded(loaded *from) {
    floe_arena_close(&from->arena);
    floe_buf_close(&from->file);
    floe_tiny_close(&from->tiny);
}

/* Runs random texts in one batch and each alone in the oracle. */
static void check_batch(loaded *with, size_t count, floe_test_rng *rng) {
    const floe_bert_config *config = &with->tiny.config;
    floe_bert_work work = {0};
    floe_error err = {0};
    int32_t *ids = calloc(count * config->positions, sizeof(int32_t));
    size_t *lens = calloc(count, sizeof(size_t));
    float *out = calloc(count * config->hidden, sizeof(float));
    float **rows = calloc(count, sizeof(float *));
    floe_bert_batch batch = {ids, lens, count, 0};
    for (size_t i = 0; i < count; i++) {
        lens[i] = 1 + (size_t)floe_test_below(rng, config->positions);
        rows[i] = out + i * config->hidden;
        for (size_t j = 0; j < lens[i]; j++) {
            ids[batch.token_count++] = (int32_t)floe_test_below(rng, config->vocab);
        }
    }
    assert_ok(floe_bert_work_open(config, batch.token_count, config->positions, &work, &err), &err);
    floe_bert_forward(&with->bert, &work, &batch, rows);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        double want[HIDDEN_MAX];
        floe_tiny_forward(&with->tiny, ids + at, lens[i], want);
        double cosine = floe_test_cosine(rows[i], want, config->hidden);
        if (!(cosine >= COSINE_LEAST)) {
            fail_msg("text %zu of %zu tokens: cosine %.9f", i, lens[i], cosine);
        }
        at += lens[i];
    }
    floe_bert_work_close(&work);
    free(ids), free(lens), free(out), free(rows);
}

static void bert__random_shapes__equal_the_oracle(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (size_t round = 0; round < 30; round++) {
        loaded with = {0};
        floe_bert_config config = small;
        config.heads = 1 + (size_t)floe_test_below(&rng, 5);
        config.hidden = config.heads * (1 + (size_t)floe_test_below(&rng, 12));
        config.hidden = config.hidden < 2 ? 2 : config.hidden;
        config.intermediate = 1 + (size_t)floe_test_below(&rng, 50);
        config.layers = 1 + (size_t)floe_test_below(&rng, 3);
        config.types = 1 + (size_t)floe_test_below(&rng, 3);
        config.pooling = floe_test_below(&rng, 2) == 0 ? FLOE_POOLING_CLS : FLOE_POOLING_MEAN;
        if (config.hidden % config.heads != 0) {
            config.heads = 1;
        }
        open_loaded(&with, &config, "F32", "", &rng);
        check_batch(&with, 1 + (size_t)floe_test_below(&rng, 6), &rng);
        close_loaded(&with);
    }
}

static void bert__portable_kernels__equal_the_oracle(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    loaded with = {0};
    open_loaded(&with, &small, "F32", "", &rng);
    with.bert.kernels = floe_kernels_portable();
    check_batch(&with, 8, &rng);
    close_loaded(&with);
}

static void bert__half_precision_weights__equal_the_oracle(void **state) {
    (void)state;
    static const char *const types[] = {"F16", "BF16"};
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (size_t i = 0; i < 2; i++) {
        loaded with = {0};
        open_loaded(&with, &small, types[i], "", &rng);
        check_batch(&with, 4, &rng);
        close_loaded(&with);
    }
}

static void bert__names_with_prefix__are_found(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    loaded with = {0};
    open_loaded(&with, &small, "F32", "bert.", &rng);
    check_batch(&with, 4, &rng);
    close_loaded(&with);
}

/* The same text gives the same vector, but for rounding, wherever it lies in whatever batch. */
static void bert__neighbours__do_not_matter(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    loaded with = {0};
    floe_bert_work work = {0};
    floe_error err = {0};
    open_loaded(&with, &small, "F32", "", &rng);
    assert_ok(floe_bert_work_open(&small, 100, 24, &work, &err), &err);
    int32_t ids[40];
    size_t lens[] = {7, 20, 7, 6};
    float out[4][12];
    float *rows[] = {out[0], out[1], out[2], out[3]};
    for (size_t i = 0; i < 40; i++) {
        ids[i] = (int32_t)(i < 27 ? floe_test_below(&rng, small.vocab) : (uint64_t)ids[i - 27]);
    }
    floe_bert_batch batch = {ids, lens, 4, 40};
    floe_bert_forward(&with.bert, &work, &batch, rows);
    for (size_t i = 0; i < 12; i++) {
        assert_true(out[0][i] - out[2][i] < 1e-5f && out[2][i] - out[0][i] < 1e-5f);
    }
    floe_bert_work_close(&work);
    close_loaded(&with);
}

/* ---- weights that do not fit ---- */

static floe_code load_as(const floe_bert_config *written, const floe_bert_config *read, floe_error *err) {
    floe_test_rng rng = floe_test_rng_of(1);
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF file;
    floe_tiny tiny;
    floe_tensors tensors = {0};
    floe_bert bert = {0};
    floe_tiny_init(&tiny, written, &rng);
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&file, FLOE_MIB(64));
    floe_tiny_print(&tiny, "F32", "", &file);
    floe_tiny_close(&tiny);
    assert_ok(floe_safetensors_parse(floe_buf_view(&file), &arena, &tensors, err), err);
    return floe_bert_load(read, &tensors, &arena, &bert, err).code;
}

static void bert__shape_other_than_config__is_corrupt(void **state) {
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        floe_bert_config read = small;
        floe_error err = {0};
        size_t *const fields[] = {&read.hidden, &read.layers,    &read.intermediate,
                                  &read.vocab,  &read.positions, &read.types};
        *fields[i] += fields[i] == &read.hidden ? 3 : 1;
        assert_int_equal(load_as(&small, &read, &err), FLOE_CORRUPT);
        assert_message(&err, "tensor");
    }
}

static void bert__missing_tensor__is_named(void **state) {
    (void)state;
    floe_bert_config read = small;
    floe_error err = {0};
    read.layers = 3;
    assert_int_equal(load_as(&small, &read, &err), FLOE_CORRUPT);
    assert_message(&err, "encoder.layer.2.attention.self.query.weight");
}

static void bert__integer_weights__are_unsupported(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(1);
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF file;
    floe_tiny tiny;
    floe_tensors tensors = {0};
    floe_bert bert = {0};
    floe_error err = {0};
    floe_tiny_init(&tiny, &small, &rng);
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&file, FLOE_MIB(64));
    floe_tiny_print(&tiny, "F32", "", &file);
    floe_tiny_close(&tiny);
    for (char *at = file.ptr + 8; (at = strstr(at, "\"F32\"")) != NULL;) {
        memcpy(at, "\"I32\"", 5);
    }
    assert_ok(floe_safetensors_parse(floe_buf_view(&file), &arena, &tensors, &err), &err);
    assert_code(floe_bert_load(&small, &tensors, &arena, &bert, &err), FLOE_UNSUPPORTED);
    assert_message(&err, "I32");
}

/* ---- memory ---- */

static floe_status load_and_run(void *context, floe_error *err) {
    const loaded *from = context;
    FLOE_AUTO_ARENA arena;
    floe_tensors tensors = {0};
    floe_bert bert = {0};
    floe_bert_work work = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_TRY(floe_safetensors_parse(floe_buf_view(&from->file), &arena, &tensors, err));
    FLOE_TRY(floe_bert_load(&small, &tensors, &arena, &bert, err));
    FLOE_TRY(floe_bert_work_open(&small, 30, 24, &work, err));
    floe_bert_work_close(&work);
    return FLOE_OK;
}

static void bert__every_allocation_may_fail(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(1);
    loaded from = {0};
    open_loaded(&from, &small, "F16", "bert.", &rng);
    assert_true(floe_test_alloc_sweep(load_and_run, &from) > 0);
    close_loaded(&from);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bert__random_shapes__equal_the_oracle),
        cmocka_unit_test(bert__portable_kernels__equal_the_oracle),
        cmocka_unit_test(bert__half_precision_weights__equal_the_oracle),
        cmocka_unit_test(bert__names_with_prefix__are_found),
        cmocka_unit_test(bert__neighbours__do_not_matter),
        cmocka_unit_test(bert__shape_other_than_config__is_corrupt),
        cmocka_unit_test(bert__missing_tensor__is_named),
        cmocka_unit_test(bert__integer_weights__are_unsupported),
        cmocka_unit_test(bert__every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
