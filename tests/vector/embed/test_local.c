/*
 * The local embedder around its model: where it is looked for, what is said when it is missing or damaged, and what makes
 * two of them comparable.
 */
#include "core/file.h"
#include "core/limits.h"
#include "tests/vector/embed/tiny.h"
#include "vector/embed/embed_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DIM 12

static const floe_bert_config small = {DIM, 2, 3, 20, FLOE_TINY_VOCAB_COUNT, 24, 2, 1e-6f, FLOE_POOLING_MEAN};

static const char *make_model(const floe_bert_config *config, uint64_t seed) {
    floe_test_rng rng = floe_test_rng_of(seed);
    const char *folder = floe_test_temp_dir();
    floe_tiny tiny;
    floe_tiny_init(&tiny, config, &rng);
    floe_tiny_write(&tiny, folder);
    floe_tiny_close(&tiny);
    return folder;
}

static floe_code open_code(const char *folder, floe_error *err) {
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .model_dir = folder, .thread_count = 1};
    floe_embedder *embedder = NULL;
    floe_code code = floe_embedder_open(&options, &embedder, err).code;
    assert_true((code == FLOE_CODE_OK) == (embedder != NULL));
    floe_embedder_close(&embedder);
    return code;
}

static void local__missing_model__names_what_to_run(void **state) {
    (void)state;
    floe_error err = {0};
    assert_int_equal(open_code("/nowhere/at/all", &err), FLOE_NOT_FOUND);
    assert_message(&err, "/nowhere/at/all");
    assert_message(&err, "./dev build");
    assert_message(&err, "FLOE_MODEL_DIR");
}

static void local__missing_file__names_what_to_run(void **state) {
    (void)state;
    static const char *const names[] = {"config.json", "vocab.txt", "model.safetensors"};
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        floe_error err = {0};
        const char *folder = make_model(&small, 1);
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(open_code(folder, &err), FLOE_NOT_FOUND);
        assert_message(&err, "./dev build");
    }
}

static void local__environment__names_the_model(void **state) {
    (void)state;
    const char *before = getenv("FLOE_MODEL_DIR");
    char *kept = before != NULL ? strdup(before) : NULL;
    floe_error err = {0};
    assert_int_equal(setenv("FLOE_MODEL_DIR", make_model(&small, 1), 1), 0);
    assert_int_equal(open_code(NULL, &err), FLOE_CODE_OK);
    assert_int_equal(setenv("FLOE_MODEL_DIR", "/nowhere", 1), 0);
    assert_int_equal(open_code(NULL, &err), FLOE_NOT_FOUND);
    assert_message(&err, "/nowhere");
    assert_int_equal(kept != NULL ? setenv("FLOE_MODEL_DIR", kept, 1) : unsetenv("FLOE_MODEL_DIR"), 0);
    free(kept);
}

/* The build knows an absolute path, so the folder one stands in does not matter. */
static void local__default_model__is_found_from_any_folder(void **state) {
    (void)state;
    char here[4096];
    floe_error err = {0};
    assert_non_null(getcwd(here, sizeof(here)));
    assert_int_equal(chdir("/"), 0);
    floe_code code = open_code(NULL, &err);
    assert_int_equal(chdir(here), 0);
    if (code != FLOE_CODE_OK) {
        fail_msg("%s", err.message);
    }
}

static void local__damaged_weights__are_refused(void **state) {
    (void)state;
    static const char damaged[] = "\x02\0\0\0\0\0\0\0{}";
    floe_error err = {0};
    const char *folder = make_model(&small, 1);
    floe_tiny_write_file(folder, "model.safetensors", FLOE_STR("no weights at all"));
    assert_int_equal(open_code(folder, &err), FLOE_CORRUPT);
    assert_message(&err, "model.safetensors");
    floe_error_clear(&err);
    floe_tiny_write_file(folder, "model.safetensors", FLOE_STR(damaged));
    assert_int_equal(open_code(folder, &err), FLOE_CORRUPT);
    assert_message(&err, "no tensor embeddings.word_embeddings.weight");
}

static void local__vocabulary_beyond_the_weights__is_refused(void **state) {
    (void)state;
    FLOE_AUTO_BUF vocab;
    floe_error err = {0};
    const char *folder = make_model(&small, 1);
    floe_buf_init(&vocab, FLOE_MIB(1));
    floe_buf_text(&vocab, floe_tiny_vocab);
    floe_buf_text(&vocab, "onemore\n");
    floe_tiny_write_file(folder, "vocab.txt", floe_buf_view(&vocab));
    assert_int_equal(open_code(folder, &err), FLOE_CORRUPT);
    assert_message(&err, "67 pieces");
    floe_tiny_write_file(folder, "vocab.txt", FLOE_STR("a\nb\n"));
    floe_error_clear(&err);
    assert_int_equal(open_code(folder, &err), FLOE_INVALID);
}

static void local__weights_that_are_not_numbers__give_no_vector(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(1);
    FLOE_AUTO_BUF file;
    floe_tiny tiny;
    floe_embedder *embedder = NULL;
    float row[DIM];
    floe_str text = FLOE_STR("delay");
    floe_error err = {0};
    const char *folder = make_model(&small, 1);
    floe_tiny_init(&tiny, &small, &rng);
    tiny.tensors[4].values[0] = NAN;
    floe_buf_init(&file, FLOE_MIB(4));
    floe_tiny_print(&tiny, "F32", "", &file);
    floe_tiny_write_file(folder, "model.safetensors", floe_buf_view(&file));
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .model_dir = folder, .thread_count = 1};
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    assert_code(floe_embedder_embed(embedder, FLOE_EMBED_QUERY, &text, 1, row, &err), FLOE_CORRUPT);
    assert_message(&err, "damaged");
    floe_embedder_close(&embedder);
    floe_tiny_close(&tiny);
}

static void print_fingerprint(const char *folder, char *out, size_t out_len) {
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .model_dir = folder, .thread_count = 1};
    floe_embedder *embedder = NULL;
    floe_error err = {0};
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    floe_str fingerprint = floe_embedder_describe(embedder)->fingerprint;
    /* Behind the name, which is that of a temporary folder here. */
    const char *hash = strrchr(fingerprint.ptr, '/');
    (void)snprintf(out, out_len, "%s", hash);
    floe_embedder_close(&embedder);
}

/* One folder, so that the name is the same: each change of a file changes the fingerprint, and taking it back restores it. */
static void local__fingerprint__holds_weights_vocabulary_and_config(void **state) {
    (void)state;
    char first[64];
    char other[64];
    FLOE_AUTO_BUF weights;
    floe_test_rng rng = floe_test_rng_of(2);
    floe_tiny tiny;
    const char *folder = make_model(&small, 1);
    print_fingerprint(folder, first, sizeof(first));
    floe_tiny_write_file(folder, "sentence_bert_config.json", FLOE_STR("{\"max_seq_length\":8}"));
    print_fingerprint(folder, other, sizeof(other));
    assert_string_not_equal(first, other);
    floe_tiny_write_file(folder, "sentence_bert_config.json", FLOE_STR("{}"));
    print_fingerprint(folder, other, sizeof(other));
    assert_string_equal(first, other);
    floe_tiny_write_file(folder, "1_Pooling/config.json", FLOE_STR("{\"pooling_mode_cls_token\":true}"));
    print_fingerprint(folder, other, sizeof(other));
    assert_string_not_equal(first, other);
    floe_tiny_write_file(folder, "1_Pooling/config.json", FLOE_STR("{\"pooling_mode_mean_tokens\":true}"));
    floe_tiny_init(&tiny, &small, &rng);
    floe_buf_init(&weights, FLOE_MIB(4));
    floe_tiny_print(&tiny, "F32", "", &weights);
    floe_tiny_write_file(folder, "model.safetensors", floe_buf_view(&weights));
    print_fingerprint(folder, other, sizeof(other));
    assert_string_not_equal(first, other);
    floe_tiny_close(&tiny);
}

/* Enough tokens for many batches and threads, against the oracle text by text. */
static void local__many_long_texts__equal_the_oracle(void **state) {
    (void)state;
    enum { COUNT = 400 };
    static float rows[COUNT][DIM];
    static char bytes[COUNT][40];
    floe_str texts[COUNT];
    floe_test_rng rng = floe_test_rng_of(1);
    floe_tiny tiny;
    floe_embedder *embedder = NULL;
    floe_error err = {0};
    const char *folder = make_model(&small, 1);
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .model_dir = folder, .thread_count = 3};
    floe_tiny_init(&tiny, &small, &rng);
    for (size_t i = 0; i < COUNT; i++) {
        size_t len = (size_t)floe_test_below(&rng, sizeof(bytes[i]) + 1);
        for (size_t j = 0; j < len; j++) {
            bytes[i][j] = (char)('a' + (int)floe_test_below(&rng, 26));
        }
        texts[i] = (floe_str){bytes[i], len};
    }
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    assert_ok(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, texts, COUNT, rows[0], &err), &err);
    for (size_t i = 0; i < COUNT; i++) {
        /* A text of letters alone: the first is whole, the others go on; in line order of floe_tiny_vocab. There is no
         * piece ##s but the one in line 7. At most 24 tokens. */
        int32_t ids[24];
        double want[DIM];
        size_t len = 1;
        ids[0] = 2;
        for (size_t j = 0; j < texts[i].len && len < 23; j++) {
            int32_t letter = bytes[i][j] - 'a';
            int32_t on = letter == 18 ? 7 : 40 + (letter > 18 ? letter - 1 : letter);
            ids[len++] = j == 0 ? 14 + letter : on;
        }
        ids[len++] = 3;
        floe_tiny_forward(&tiny, ids, len, want);
        assert_true(floe_test_cosine(rows[i], want, DIM) > 0.99999);
    }
    floe_embedder_close(&embedder);
    floe_tiny_close(&tiny);
}

static void local__too_many_threads__are_refused(void **state) {
    (void)state;
    floe_embedder *embedder = NULL;
    floe_error err = {0};
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .thread_count = 257};
    assert_code(floe_embedder_open(&options, &embedder, &err), FLOE_INVALID);
    assert_message(&err, "257");
}

static void local__no_thread_count__uses_the_processors(void **state) {
    (void)state;
    floe_embedder *embedder = NULL;
    floe_error err = {0};
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .model_dir = make_model(&small, 1)};
    assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
    assert_true(floe_embedder_describe(embedder)->thread_count >= 1);
    floe_embedder_close(&embedder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(local__missing_model__names_what_to_run),
        cmocka_unit_test(local__missing_file__names_what_to_run),
        cmocka_unit_test(local__environment__names_the_model),
        cmocka_unit_test(local__default_model__is_found_from_any_folder),
        cmocka_unit_test(local__damaged_weights__are_refused),
        cmocka_unit_test(local__vocabulary_beyond_the_weights__is_refused),
        cmocka_unit_test(local__weights_that_are_not_numbers__give_no_vector),
        cmocka_unit_test(local__fingerprint__holds_weights_vocabulary_and_config),
        cmocka_unit_test(local__many_long_texts__equal_the_oracle),
        cmocka_unit_test(local__too_many_threads__are_refused),
        cmocka_unit_test(local__no_thread_count__uses_the_processors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
