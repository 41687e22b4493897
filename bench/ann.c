/*
 * The vector index at one size: latency on one core and recall@10 of unfiltered and filtered questions, against FAISS's flat
 * index over the same vectors in the same run.
 *
 * The vectors are made, not those of texts: points of a mixture in 32 dimensions, turned into 384 by one random matrix, with a
 * tenth of noise, scaled to length 1; so neighbours exist and the dimension that counts is that of text embeddings. Questions
 * are further points, which the index does not hold. Argument: a folder, the number of vectors, threads for the build.
 */
#include "core/buf.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "vector/ann/ann_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DIM 384
#define INNER 32
#define QUESTIONS 500
#define K 10

static uint64_t state = 42;

static uint64_t draw(void) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * UINT64_C(2685821657736338717);
}

static float normal(void) {
    double first = (double)(draw() >> 11) / 9007199254740992.0;
    double second = (double)(draw() >> 11) / 9007199254740992.0;
    return (float)(sqrt(-2 * log(first + 1e-300)) * cos(6.283185307179586 * second));
}

static _Noreturn void die(const char *what) {
    (void)fprintf(stderr, "ann: %s\n", what);
    exit(1);
}

static void must(floe_status status, const floe_error *err) {
    if (floe_failed(status)) {
        die(err->message);
    }
}

static void *need(size_t count, size_t len) {
    void *memory = NULL;
    floe_error err = {0};
    must(floe_alloc(count, len, &memory, &err), &err);
    return memory;
}

/* ---- data ---- */

typedef struct data {
    float *turn;    /* INNER × DIM */
    float *middles; /* of the mixture, INNER each */
    size_t middle_count, count;
    uint64_t *ids;
    float *rows;
    float *questions;
} data;

static void make_row(const data *from, float *ret_row) {
    float inner[INNER];
    const float *middle = from->middles + draw() % from->middle_count * INNER;
    double squares = 0;
    for (size_t i = 0; i < DIM; i++) {
        ret_row[i] = 0.1f * normal();
    }
    for (size_t j = 0; j < INNER; j++) {
        inner[j] = middle[j] + 0.5f * normal();
        for (size_t i = 0; i < DIM; i++) {
            ret_row[i] += inner[j] * from->turn[j * DIM + i];
        }
    }
    for (size_t i = 0; i < DIM; i++) {
        squares += (double)ret_row[i] * (double)ret_row[i];
    }
    for (size_t i = 0; i < DIM; i++) {
        ret_row[i] = (float)(ret_row[i] / sqrt(squares));
    }
}

static data make(size_t count) {
    data made = {.turn = need((size_t)INNER * DIM, sizeof(float)),
                 .middle_count = count / 200 + 1,
                 .count = count,
                 .ids = need(count, sizeof(uint64_t)),
                 .rows = need(count, DIM * sizeof(float)),
                 .questions = need(QUESTIONS, DIM * sizeof(float))};
    made.middles = need(made.middle_count, INNER * sizeof(float));
    for (size_t i = 0; i < (size_t)INNER * DIM; i++) {
        made.turn[i] = normal() / sqrtf(INNER);
    }
    for (size_t i = 0; i < made.middle_count * INNER; i++) {
        made.middles[i] = normal();
    }
    for (size_t i = 0; i < count; i++) {
        made.ids[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        make_row(&made, made.rows + i * DIM);
    }
    for (size_t i = 0; i < QUESTIONS; i++) {
        make_row(&made, made.questions + i * DIM);
    }
    return made;
}

static void forget(data *made) {
    floe_free(made->turn);
    floe_free(made->middles);
    floe_free(made->ids);
    floe_free(made->rows);
    floe_free(made->questions);
}

/* ---- measuring ---- */

typedef struct figures {
    double p50_ms, p99_ms, cpu_p50_ms, recall;
} figures;

static int compare(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static int64_t cpu_us(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

typedef struct spent {
    int64_t us, cpu_us;
} spent;

static size_t ask(const floe_ann *ann, const floe_ann_query *query, floe_ann_hit *hits, spent *ret_spent) {
    floe_error err = {0};
    size_t count = 0;
    int64_t begin = floe_monotonic_us();
    int64_t cpu_begin = cpu_us();
    must(floe_ann_search(ann, query, hits, &count, &err), &err);
    *ret_spent = (spent){floe_monotonic_us() - begin, cpu_us() - cpu_begin};
    return count;
}

/* The k-th best score, by a scan of our own: through a bitmap an index always answers exactly. */
static size_t truth(const floe_ann *ann, const floe_ann_query *query, const uint64_t *everything, float *ret_least) {
    floe_ann_hit hits[K];
    spent unused = {0};
    floe_ann_query exact = *query;
    exact.allowed = query->allowed != NULL ? query->allowed : everything;
    exact.may_approximate = false;
    size_t count = ask(ann, &exact, hits, &unused);
    *ret_least = count > 0 ? hits[count - 1].score : 0;
    return count;
}

static figures measure(const floe_ann *ann, const data *from, const uint64_t *allowed, bool may_approximate,
                       size_t asked) {
    static int64_t us[QUESTIONS];
    static int64_t processor_us[QUESTIONS];
    uint64_t *everything = need(from->count / 64 + 1, sizeof(uint64_t));
    size_t good = 0;
    size_t all = 0;
    memset(everything, 0xff, (from->count / 64 + 1) * sizeof(uint64_t));
    for (size_t i = 0; i < asked; i++) {
        floe_ann_hit hits[K];
        floe_ann_query query = {
            .vector = from->questions + i * DIM, .k = K, .allowed = allowed, .may_approximate = may_approximate};
        float least = 0;
        spent took = {0};
        size_t count = ask(ann, &query, hits, &took);
        us[i] = took.us;
        processor_us[i] = took.cpu_us;
        all += truth(ann, &query, everything, &least);
        for (size_t h = 0; h < count; h++) {
            good += hits[h].score >= least;
        }
    }
    floe_free(everything);
    qsort(us, asked, sizeof(us[0]), compare);
    qsort(processor_us, asked, sizeof(us[0]), compare);
    return (figures){(double)us[asked / 2] / 1e3, (double)us[asked * 99 / 100] / 1e3,
                     (double)processor_us[asked / 2] / 1e3, (double)good / (double)all};
}

static uint64_t *share(size_t count, uint64_t permille) {
    uint64_t *bits = need(count / 64 + 1, sizeof(uint64_t));
    for (size_t i = 0; i < count; i++) {
        bits[i / 64] |= (uint64_t)(draw() % 1000 < permille) << (i % 64);
    }
    return bits;
}

static figures filtered(const floe_ann *ann, const data *from, uint64_t permille, bool may_approximate) {
    uint64_t *bits = share(from->count, permille);
    figures found = measure(ann, from, bits, may_approximate, permille < 100 ? QUESTIONS : QUESTIONS / 10);
    floe_free(bits);
    return found;
}

static floe_ann *build(const data *from, floe_ann_kind kind, size_t threads, double *ret_s) {
    floe_ann *ann = NULL;
    floe_error err = {0};
    floe_ann_options options = {.kind = kind, .dim = DIM, .thread_count = threads, .fingerprint = FLOE_STR("bench")};
    floe_ann_vectors given = {from->ids, from->rows, from->count};
    int64_t begin = floe_monotonic_us();
    must(floe_ann_build(&options, &given, &ann, &err), &err);
    *ret_s = (double)(floe_monotonic_us() - begin) / 1e6;
    return ann;
}

/* ---- printing ---- */

static floe_buf json;

static void row(const char *what, figures found) {
    printf("  %-44s %9.3f %9.3f %13.3f %9.4f\n", what, found.p50_ms, found.p99_ms, found.cpu_p50_ms, found.recall);
}

static void figure(const char *name, double value, const char *unit, double peer, double goal) {
    floe_buf_printf(&json, "%s\"%s\": {\"value\": %.4g, \"unit\": \"%s\"", json.len > 0 ? ", " : "", name, value, unit);
    if (peer > 0) {
        floe_buf_printf(&json, ", \"peer\": %.4g, \"ratio\": %.4g", peer, value / peer);
    }
    if (goal > 0) {
        floe_buf_printf(&json, ", \"goal\": %.4g", goal);
    }
    floe_buf_byte(&json, '}');
}

#define PATH_MAX_BYTES 512

static void graph_path(const char *folder, size_t count, char path[PATH_MAX_BYTES]) {
    (void)snprintf(path, PATH_MAX_BYTES, "%s/index-%zu.ann", folder, count);
}

/* The graph of an earlier run, or a new one; *ret_s is 0 for the former. */
static floe_ann *open_or_build(const data *from, const char *folder, size_t threads, double *ret_s) {
    char path[PATH_MAX_BYTES];
    floe_ann *ann = NULL;
    floe_error err = {0};
    graph_path(folder, from->count, path);
    *ret_s = 0;
    if (!floe_file_exists(path)) {
        return build(from, FLOE_ANN_HNSW, threads, ret_s);
    }
    must(floe_ann_open(path, DIM, FLOE_STR("bench"), &ann, &err), &err);
    /* The beam is chosen as a build would choose it now. */
    must(floe_ann_choose_beam(ann, 0, &err), &err);
    return ann;
}

static void time_file(const floe_ann *ann, const char *folder) {
    char path[PATH_MAX_BYTES];
    floe_ann *again = NULL;
    floe_error err = {0};
    uint64_t len = 0;
    graph_path(folder, floe_ann_describe(ann)->count, path);
    int64_t begin = floe_monotonic_us();
    must(floe_ann_write(ann, path, &err), &err);
    int64_t wrote = floe_monotonic_us();
    must(floe_ann_open(path, DIM, FLOE_STR("bench"), &again, &err), &err);
    int64_t opened = floe_monotonic_us();
    must(floe_file_len(path, &len, &err), &err);
    floe_ann_close(&again);
    printf("  file: %.1f MB, written in %.2f s, checked and opened in %.2f s\n", (double)len / 1e6,
           (double)(wrote - begin) / 1e6, (double)(opened - wrote) / 1e6);
    figure("open_s", (double)(opened - wrote) / 1e6, "s", 0, 0);
}

static void measure_scans(const data *from) {
    double seconds = 0;
    floe_ann *scan = build(from, FLOE_ANN_SCAN, 1, &seconds);
    floe_ann *flat = build(from, FLOE_ANN_FLAT, 1, &seconds);
    figures ours = measure(scan, from, NULL, false, QUESTIONS / 10);
    figures theirs = measure(flat, from, NULL, false, QUESTIONS / 10);
    row("all rows, our scan", ours);
    row("all rows, FAISS flat (peer)", theirs);
    figure("scan_p50", ours.p50_ms, "ms", theirs.p50_ms, 0);
    floe_ann_close(&scan);
    floe_ann_close(&flat);
}

static void measure_graph(const data *from, const char *folder, size_t threads) {
    double seconds = 0;
    floe_ann *ann = open_or_build(from, folder, threads, &seconds);
    const floe_ann_info *info = floe_ann_describe(ann);
    printf("  graph: built in %.0f s by %zu threads (0: in an earlier run), beam %u (recall %.4f on the sample of the "
           "build)\n",
           seconds, threads, info->ef_search, info->sample_recall);
    time_file(ann, folder);
    figures plain = measure(ann, from, NULL, false, QUESTIONS);
    figures one = filtered(ann, from, 10, false);
    row("all rows, graph", plain);
    row("filtered to 1 %, exact", one);
    row("filtered to 10 %, exact", filtered(ann, from, 100, false));
    row("filtered to 50 %, exact", filtered(ann, from, 500, false));
    row("filtered to 10 %, may approximate", filtered(ann, from, 100, true));
    row("filtered to 50 %, may approximate", filtered(ann, from, 500, true));
    figure("build_s", seconds, "s", 0, 0);
    figure("graph_p50", plain.p50_ms, "ms", 0, 2);
    figure("graph_p50, processor", plain.cpu_p50_ms, "ms", 0, 2);
    figure("filtered_1_percent_p50, processor", one.cpu_p50_ms, "ms", 0, 5);
    figure("graph_recall_at_10", plain.recall, "share", 0, 0.99);
    figure("filtered_1_percent_p50", one.p50_ms, "ms", 0, 5);
    figure("filtered_1_percent_recall_at_10", one.recall, "share", 0, 1);
    floe_ann_close(&ann);
}

int main(int argc, char **argv) {
    size_t count = argc > 2 ? (size_t)strtoull(argv[2], NULL, 10) : 0;
    size_t threads = argc > 3 ? (size_t)strtoull(argv[3], NULL, 10) : 1;
    if (count < 1000 || count > FLOE_ANN_COUNT_MAX || threads < 1 || threads > 256) {
        die("usage: ann FOLDER COUNT THREADS, with at least 1000 vectors");
    }
    floe_buf_init(&json, FLOE_KIB(16));
    data from = make(count);
    printf("%zu x %d vectors, %d questions, k = %d, one core, %s\n", count, DIM, QUESTIONS, K, floe_dot_best()->name);
    printf("  %-44s %9s %9s %13s %9s\n", "", "p50 ms", "p99 ms", "processor p50", "recall@10");
    measure_scans(&from);
    measure_graph(&from, argv[1], threads);
    if (count < 1000000) {
        printf("  the goals are stated for 1,000,000 vectors: ./dev bench ann 1000000\n");
    }
    printf("{\"bench\": \"ann\", \"figures\": {\"vectors\": {\"value\": %zu, \"unit\": \"rows\"}, %s}}\n", count,
           json.ptr);
    forget(&from);
    floe_buf_close(&json);
    return 0;
}
