/*
 * The floe side of bench/embed.sh: texts per second of the local embedder, over a file of one text a line.
 *
 * usage: embed ids TEXTS OUT                writes the token ids, one text a line: what the peer is given
 *        embed run TEXTS THREADS ROUNDS     prints the best round: seconds, seconds of processor time, "floe" and
 *                                    the BLAS kernel
 *        embed query TEXTS ROUNDS           prints the median and 99th percentile of one text alone, in microseconds
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "vector/embed/embed_int.h"
#include "vector/embed/gemm_int.h"
#include "vector/embed/tokenizer_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define TEXTS_MAX 100000
#define IDS_MAX 256

struct corpus {
    floe_buf bytes;
    floe_str *texts;
    size_t count;
};

static floe_status read_corpus(const char *path, struct corpus *corpus, floe_error *err) {
    floe_str rest;
    floe_buf_init(&corpus->bytes, FLOE_GIB(1));
    FLOE_TRY(floe_file_read(path, &corpus->bytes, err));
    FLOE_TRY(floe_alloc(TEXTS_MAX, sizeof(floe_str), &corpus->texts, err));
    rest = floe_buf_view(&corpus->bytes);
    while (corpus->count < TEXTS_MAX && floe_str_split(&rest, '\n', &corpus->texts[corpus->count])) {
        corpus->count++;
    }
    return FLOE_OK;
}

static floe_status write_ids(const struct corpus *corpus, const char *out, floe_error *err) {
    FLOE_AUTO_BUF text;
    FLOE_CLEANUP(floe_tokenizer_close) floe_tokenizer *tokenizer = NULL;
    char path[4096];
    floe_tokenizer_options options = {true, true, true};
    floe_buf_init(&text, FLOE_GIB(1));
    (void)snprintf(path, sizeof(path), "%s/vocab.txt", floe_embedder_local_folder());
    FLOE_TRY(floe_file_read(path, &text, err));
    FLOE_TRY(floe_tokenizer_open(floe_buf_view(&text), &options, &tokenizer, err));
    floe_buf_clear(&text);
    for (size_t i = 0; i < corpus->count; i++) {
        int32_t ids[IDS_MAX];
        size_t count = floe_tokenizer_encode(tokenizer, FLOE_STR(""), corpus->texts[i], ids, IDS_MAX);
        for (size_t j = 0; j < count; j++) {
            floe_buf_printf(&text, j + 1 < count ? "%d " : "%d\n", ids[j]);
        }
    }
    return floe_file_write(out, floe_buf_view(&text), false, err);
}

static floe_status open_embedder(size_t thread_count, floe_embedder **ret_embedder, floe_error *err) {
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .thread_count = thread_count};
    return floe_embedder_open(&options, ret_embedder, err);
}

static double processor_time(void) {
    return (double)clock() / CLOCKS_PER_SEC;
}

static floe_status run(const struct corpus *corpus, size_t thread_count, size_t round_count, floe_error *err) {
    FLOE_CLEANUP(floe_embedder_close) floe_embedder *embedder = NULL;
    FLOE_AUTO_FREE float *rows = NULL;
    int64_t best_us = INT64_MAX;
    double best_cpu_s = 1e9;
    FLOE_TRY(open_embedder(thread_count, &embedder, err));
    FLOE_TRY(floe_alloc(corpus->count * floe_embedder_describe(embedder)->dim, sizeof(float), &rows, err));
    for (size_t i = 0; i < round_count; i++) {
        int64_t start_us = floe_monotonic_us();
        double start_cpu_s = processor_time();
        FLOE_TRY(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, corpus->texts, corpus->count, rows, err));
        int64_t took_us = floe_monotonic_us() - start_us;
        double took_cpu_s = processor_time() - start_cpu_s;
        best_us = took_us < best_us ? took_us : best_us;
        best_cpu_s = took_cpu_s < best_cpu_s ? took_cpu_s : best_cpu_s;
    }
    (void)printf("%.6f %.6f floe (OpenBLAS %s)\n", (double)best_us / 1e6, best_cpu_s, floe_gemm_kernel());
    return FLOE_OK;
}

static int compare_times(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static floe_status query(const struct corpus *corpus, size_t round_count, floe_error *err) {
    FLOE_CLEANUP(floe_embedder_close) floe_embedder *embedder = NULL;
    FLOE_AUTO_FREE int64_t *times_us = NULL;
    float row[FLOE_EMBED_DIM_MAX];
    FLOE_TRY(open_embedder(1, &embedder, err));
    FLOE_TRY(floe_alloc(round_count, sizeof(*times_us), &times_us, err));
    for (size_t i = 0; i < round_count; i++) {
        int64_t start_us = floe_monotonic_us();
        FLOE_TRY(floe_embedder_embed(embedder, FLOE_EMBED_QUERY, &corpus->texts[i % corpus->count], 1, row, err));
        times_us[i] = floe_monotonic_us() - start_us;
    }
    qsort(times_us, round_count, sizeof(*times_us), compare_times);
    (void)printf("one text alone, 1 thread: p50 %lld us, p99 %lld us (%zu texts)\n",
                 (long long)times_us[round_count / 2], (long long)times_us[round_count * 99 / 100], round_count);
    return FLOE_OK;
}

static floe_status dispatch(char **arguments, int count, floe_error *err) {
    static struct corpus corpus;
    FLOE_ENSURE(count >= 4, err, FLOE_INVALID,
                "usage: embed ids TEXTS OUT | run TEXTS THREADS ROUNDS | query TEXTS ROUNDS");
    FLOE_TRY(read_corpus(arguments[2], &corpus, err));
    FLOE_ENSURE(corpus.count > 0, err, FLOE_INVALID, "%s has no texts", arguments[2]);
    if (floe_str_is(floe_str_of(arguments[1]), "ids")) {
        return write_ids(&corpus, arguments[3], err);
    }
    if (floe_str_is(floe_str_of(arguments[1]), "query")) {
        return query(&corpus, strtoul(arguments[3], NULL, 10), err);
    }
    FLOE_ENSURE(count >= 5, err, FLOE_INVALID, "usage: embed run TEXTS THREADS ROUNDS");
    return run(&corpus, strtoul(arguments[3], NULL, 10), strtoul(arguments[4], NULL, 10), err);
}

int main(int argc, char **argv) {
    floe_error err = {0};
    if (floe_failed(dispatch(argv, argc, &err))) {
        (void)fprintf(stderr, "embed: %s\n", err.message);
        return 1;
    }
    return 0;
}
