/*
 * Query latency with vectors: a made catalog of 10,000 tables and 200,000 columns named with English words, one client, the local
 * embedder. Questions are ten words of English: asked for the first time (the question's own vector must be computed), and
 * again. The peer is the embedder alone on the same questions: what is above it is the search. Processor time is told beside
 * the clock, because others on the machine change it less. And what an index costs that is made again when nothing changed,
 * and when one table did: time, and bytes written.
 *
 * The vectors of documents are means of the vectors of their words, which the model computed, because embedding 210,000 texts
 * takes a quarter of an hour; their number, dimension and spread are those of real ones. search_hybrid FOLDER [TABLES]
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/time.h"
#include "vector/embed/embed_int.h"
#include "vector/words/spell_int.h"
#include "vector/vector.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define COLUMNS 20
#define QUESTIONS 200
#define WARM_UP 50
#define WORDS 2000
#define NAMES 8000
#define SPACES 200

static uint64_t state = 7;

static uint64_t below(uint64_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % bound;
}

static _Noreturn void die(const char *what) {
    (void)fprintf(stderr, "search_hybrid: %s\n", what);
    exit(1);
}

/* ---- an embedder that is cheap while an index is built ---- */

typedef struct cheap {
    floe_embedder base;
    floe_embedder *real;
    floe_arena arena;
    floe_map words; /* word → its vector */
    bool building;
    int64_t texts;
} cheap;

static const float *word_vector(cheap *own, floe_str word) {
    float *row = floe_map_get(&own->words, word);
    floe_error err = {0};
    if (!row) {
        row = floe_arena_alloc(&own->arena, own->base.info.dim, sizeof(float));
        floe_str copy = floe_arena_str(&own->arena, word);
        if (!row || floe_failed(floe_embedder_embed(own->real, FLOE_EMBED_DOCUMENT, &copy, 1, row, &err))) {
            die(err.message);
        }
        (void)floe_map_put(&own->words, copy, row);
    }
    return row;
}

static void mean_vector(cheap *own, floe_str text, float *row) {
    floe_words words = floe_words_of(text);
    floe_str word = {0};
    memset(row, 0, own->base.info.dim * sizeof(float));
    row[0] = 1e-6F; /* a text without words */
    while (floe_words_next(&words, &word)) {
        if (word.ptr[0] >= '0' && word.ptr[0] <= '9') {
            continue;
        }
        const float *one = word_vector(own, word);
        for (size_t i = 0; i < own->base.info.dim; i++) {
            row[i] += one[i];
        }
    }
    (void)floe_embed_normalise(row, own->base.info.dim);
}

static floe_status cheap_embed(floe_embedder *base, floe_embed_as as, const floe_str *texts, size_t count,
                               float *ret_vectors, floe_error *err) {
    cheap *own = (cheap *)base;
    if (!own->building) {
        return floe_embedder_embed(own->real, as, texts, count, ret_vectors, err);
    }
    for (size_t i = 0; i < count; i++) {
        mean_vector(own, texts[i], ret_vectors + i * own->base.info.dim);
    }
    own->texts += (int64_t)count;
    return FLOE_OK;
}

static void cheap_close(floe_embedder *base) {
    (void)base;
}

static void cheap_open(cheap *own) {
    static const floe_embedder_ops ops = {cheap_embed, cheap_close};
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .thread_count = 2};
    floe_error err = {0};
    *own = (cheap){.base = {.ops = &ops}, .building = true};
    if (floe_failed(floe_embedder_open(&options, &own->real, &err))) {
        die(err.message);
    }
    own->base.info = *floe_embedder_describe(own->real);
    floe_arena_init(&own->arena, FLOE_GIB(1));
    floe_map_init(&own->words, &own->arena);
}

/* ---- a catalog ---- */

static floe_str vocabulary[WORDS];

static void read_vocabulary(void) {
    size_t count = 0;
    for (const char *const *line = floe_words_common; *line; line++) {
        floe_str rest = floe_str_of(*line);
        while (count < WORDS && floe_str_split(&rest, ' ', &vocabulary[count])) {
            count += floe_word_is_stop(vocabulary[count]) ? 0 : 1;
        }
    }
}

/* The low numbers far more often, as in a warehouse. */
static floe_str any_word(void) {
    return vocabulary[below(1 + below(WORDS))];
}

static void put_name(floe_buf *out) {
    floe_buf_str(out, any_word());
    floe_buf_byte(out, '_');
    floe_buf_str(out, any_word());
}

/* Column names repeat: a warehouse of 520,000 columns had 21,909 different ones. */
static void put_column(floe_buf *out) {
    uint64_t own = state;
    state = below(NAMES) * 2654435761U + 1;
    put_name(out);
    state = own * 6364136223846793005ULL + 1442695040888963407ULL;
}

/* CHANGED: the first table has one column more. SEEN: only the tables that the role of the benchmark sees. */
typedef enum catalog { WHOLE, CHANGED, SEEN } catalog;

/* The role sees every tenth namespace. */
#define SEEN_EACH 10

static void make_catalog(const char *import, int tables, catalog which) {
    FLOE_AUTO_BUF lines;
    floe_error err = {0};
    floe_buf_init(&lines, FLOE_GIB(1));
    state = 7;
    for (int i = 0; i < tables; i++) {
        size_t begin = lines.len;
        floe_buf_printf(&lines, "{\"database\":\"lake.space_%d\",\"table\":\"", i % SPACES);
        put_name(&lines);
        floe_buf_printf(&lines, "_%d\",\"columns\":[", i);
        for (int c = 0; c < COLUMNS; c++) {
            floe_buf_text(&lines, c > 0 ? ",{\"name\":\"" : "{\"name\":\"");
            put_column(&lines);
            floe_buf_text(&lines, "\"}");
        }
        floe_buf_text(&lines, which == CHANGED && i == 0 ? ",{\"name\":\"brand_new_thing\"}]}\n" : "]}\n");
        lines.len = which == SEEN && i % SPACES % SEEN_EACH != 0 ? begin : lines.len;
    }
    if (floe_failed(floe_file_write(import, floe_buf_view(&lines), false, &err))) {
        die(err.message);
    }
}

static int64_t cpu_us(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Bytes that this process handed to write() so far. */
static int64_t bytes_written(void) {
    long long bytes = 0;
    char line[128];
    FILE *file = fopen("/proc/self/io", "r");
    while (file && fgets(line, sizeof(line), file)) {
        (void)sscanf(line, "wchar: %lld", &bytes);
    }
    if (file) {
        (void)fclose(file);
    }
    return bytes;
}

typedef struct built {
    floe_index_result result;
    int64_t cpu_us, bytes;
} built;

static built build(const char *folder, const char *import, floe_embedder *embedder) {
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = embedder};
    built made = {.cpu_us = -cpu_us(), .bytes = -bytes_written()};
    floe_error err = {0};
    if (floe_failed(floe_index_build(&request, &made.result, &err))) {
        die(err.message);
    }
    made.cpu_us += cpu_us();
    made.bytes += bytes_written();
    return made;
}

static void print_built(const char *what, const built *made) {
    printf("%-20s %6.2f s, processor %5.2f s, %8.2f MB written, %lld texts embedded\n", what,
           (double)made->result.elapsed_us / 1e6, (double)made->cpu_us / 1e6, (double)made->bytes / 1e6,
           (long long)(made->result.documents_embedded + made->result.words_embedded));
}

/* ---- questions ---- */

static void put_question(floe_buf *out) {
    static const char *const forms[] = {"what is the %.*s of each %.*s", "how many %.*s have a %.*s",
                                        "show %.*s and %.*s of"};
    floe_str first = any_word();
    floe_str second = any_word();
    floe_buf_printf(out, forms[below(3)], FLOE_STR_ARG(first), FLOE_STR_ARG(second));
    for (int i = 0; i < 2; i++) {
        floe_buf_printf(out, " %.*s", FLOE_STR_ARG(any_word()));
    }
}

typedef struct spent {
    int64_t wall_us, cpu_us;
} spent;

typedef struct latency {
    int64_t us[QUESTIONS], cpu_us[QUESTIONS];
} latency;

static int compare_i64(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static double at(int64_t us[QUESTIONS], size_t percent) {
    qsort(us, QUESTIONS, sizeof(us[0]), compare_i64);
    return (double)us[QUESTIONS * percent / 100] / 1e3;
}

static spent ask(floe_search *search, floe_hit_kind kind, floe_str text, const floe_role *role) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_query query = {.text = text, .k = 10, .kind = kind, .role = role};
    floe_answer answer = {0};
    floe_error err = {0};
    int64_t started_us = floe_monotonic_us();
    int64_t cpu_started_us = cpu_us();
    if (floe_failed(floe_search_query(search, &query, &arena, &answer, &err))) {
        die(err.message);
    }
    return (spent){floe_monotonic_us() - started_us, cpu_us() - cpu_started_us};
}

static spent embed_alone(floe_embedder *embedder, floe_str text) {
    static float row[FLOE_EMBED_DIM_MAX];
    floe_error err = {0};
    int64_t started_us = floe_monotonic_us();
    int64_t cpu_started_us = cpu_us();
    if (floe_failed(floe_embedder_embed(embedder, FLOE_EMBED_QUERY, &text, 1, row, &err))) {
        die(err.message);
    }
    return (spent){floe_monotonic_us() - started_us, cpu_us() - cpu_started_us};
}

typedef enum measured { FIRST, AGAIN, FIRST_ANY, EMBEDDER, MEASURED } measured;

static void measure(floe_search *search, floe_embedder *embedder, latency all[MEASURED]) {
    for (int i = -WARM_UP; i < QUESTIONS; i++) {
        FLOE_AUTO_BUF question;
        FLOE_AUTO_BUF other;
        floe_buf_init(&question, FLOE_KIB(4));
        floe_buf_init(&other, FLOE_KIB(4));
        put_question(&question);
        put_question(&other);
        floe_str text = floe_buf_view(&question);
        spent took[MEASURED] = {[FIRST] = ask(search, FLOE_HIT_TABLE, text, NULL),
                                [AGAIN] = ask(search, FLOE_HIT_TABLE, text, NULL),
                                [FIRST_ANY] = ask(search, FLOE_HIT_ANY, floe_buf_view(&other), NULL),
                                [EMBEDDER] = embed_alone(embedder, text)};
        for (int m = 0; m < MEASURED && i >= 0; m++) {
            all[m].us[i] = took[m].wall_us;
            all[m].cpu_us[i] = took[m].cpu_us;
        }
    }
}

/* What a role's questions cost: the first one, for which its part of the index is made, and new ones later; and the same ones in an
 * index that never held what the role does not see, which must take as long. */
typedef struct role_cost {
    spent first;
    latency beside, alone;
} role_cost;

static void measure_role(floe_search *search, floe_search *alone, role_cost *cost) {
    static char names[SPACES / SEEN_EACH][32];
    static floe_str spaces[SPACES / SEEN_EACH];
    for (size_t i = 0; i < SPACES / SEEN_EACH; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "lake.space_%zu", i * SEEN_EACH);
        spaces[i] = floe_str_of(names[i]);
    }
    floe_role role = {.name = FLOE_STR("analyst"), .namespaces = spaces, .namespace_count = SPACES / SEEN_EACH};
    for (int i = -WARM_UP; i < QUESTIONS; i++) {
        FLOE_AUTO_BUF question;
        floe_buf_init(&question, FLOE_KIB(4));
        put_question(&question);
        /* In turn the one and the other first, for the second finds the embedder's weights in the caches. */
        spent by_itself = {0};
        if (i % 2 == 0) {
            by_itself = ask(alone, FLOE_HIT_TABLE, floe_buf_view(&question), NULL);
        }
        spent took = ask(search, FLOE_HIT_TABLE, floe_buf_view(&question), &role);
        if (i % 2 != 0) {
            by_itself = ask(alone, FLOE_HIT_TABLE, floe_buf_view(&question), NULL);
        }
        cost->first = i == -WARM_UP ? took : cost->first;
        for (int m = 0; m < 2 && i >= 0; m++) {
            latency *to = m == 0 ? &cost->beside : &cost->alone;
            to->us[i] = m == 0 ? took.wall_us : by_itself.wall_us;
            to->cpu_us[i] = m == 0 ? took.cpu_us : by_itself.cpu_us;
        }
    }
}

static void print_role(role_cost *cost) {
    printf("a role's first %.0f ms, processor %.0f ms; its later ones p50 %.3f ms, processor %.3f ms; in an index of "
           "its own "
           "p50 %.3f ms, processor %.3f ms\n",
           (double)cost->first.wall_us / 1e3, (double)cost->first.cpu_us / 1e3, at(cost->beside.us, 50),
           at(cost->beside.cpu_us, 50), at(cost->alone.us, 50), at(cost->alone.cpu_us, 50));
}

static void put_figure(const char *lead, const char *name, double value, double peer, double goal) {
    printf("%s\"%s\": {\"value\": %.3f, \"unit\": \"ms\"", lead, name, value);
    if (peer > 0) {
        printf(", \"peer\": %.3f, \"ratio\": %.3f", peer, value / peer);
    }
    if (goal > 0) {
        printf(", \"goal\": %.1f", goal);
    }
    printf("}");
}

static void print(latency all[MEASURED], role_cost *role, const built *again, const built *changed, double open_ms) {
    static const char *const names[MEASURED] = {"tables, new", "tables, again", "all kinds, new", "embedder alone"};
    for (int i = 0; i < MEASURED; i++) {
        printf("%-16s p50 %8.3f ms   p99 %8.3f ms   processor p50 %8.3f ms   p99 %8.3f ms\n", names[i],
               at(all[i].us, 50), at(all[i].us, 99), at(all[i].cpu_us, 50), at(all[i].cpu_us, 99));
    }
    print_built("index unchanged", again);
    print_built("index, one changed", changed);
    print_role(role);
    printf("open %.0f ms\n", open_ms);
    printf("{\"bench\": \"search_hybrid\", \"figures\": {");
    put_figure("", "new p50", at(all[FIRST].us, 50), at(all[EMBEDDER].us, 50), 10);
    put_figure(", ", "new p99", at(all[FIRST].us, 99), at(all[EMBEDDER].us, 99), 25);
    put_figure(", ", "again p50", at(all[AGAIN].us, 50), 0, 1);
    put_figure(", ", "again p99", at(all[AGAIN].us, 99), 0, 0);
    put_figure(", ", "any new p50", at(all[FIRST_ANY].us, 50), at(all[EMBEDDER].us, 50), 10);
    put_figure(", ", "any new p99", at(all[FIRST_ANY].us, 99), at(all[EMBEDDER].us, 99), 25);
    put_figure(", ", "new p50, processor", at(all[FIRST].cpu_us, 50), at(all[EMBEDDER].cpu_us, 50), 10);
    put_figure(", ", "new p99, processor", at(all[FIRST].cpu_us, 99), at(all[EMBEDDER].cpu_us, 99), 25);
    put_figure(", ", "again p50, processor", at(all[AGAIN].cpu_us, 50), 0, 1);
    put_figure(", ", "role p50, processor", at(role->beside.cpu_us, 50), at(role->alone.cpu_us, 50), 0);
    put_figure(", ", "index unchanged", (double)again->result.elapsed_us / 1e3, 0, 2000);
    put_figure(", ", "index unchanged, processor", (double)again->cpu_us / 1e3, 0, 2000);
    put_figure(", ", "index, one changed, processor", (double)changed->cpu_us / 1e3, 0, 0);
    printf(", \"index, one changed, written\": {\"value\": %.2f, \"unit\": \"MB\"}", (double)changed->bytes / 1e6);
    printf("}}\n");
}

int main(int argc, char **argv) {
    FLOE_AUTO_ARENA arena;
    static latency all[MEASURED];
    static role_cost role;
    cheap embedder;
    floe_search *search = NULL;
    floe_search *alone = NULL;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    if (argc < 2) {
        die("usage: search_hybrid FOLDER [TABLES]");
    }
    const char *import = floe_path_join(&arena, argv[1], "lines.jsonl");
    const char *folder = floe_path_join(&arena, argv[1], "index");
    const char *seen = floe_path_join(&arena, argv[1], "seen.jsonl");
    const char *seen_folder = floe_path_join(&arena, argv[1], "seen");
    read_vocabulary();
    cheap_open(&embedder);
    int tables = argc > 2 ? atoi(argv[2]) : 10000;
    make_catalog(import, tables, WHOLE);
    built first = build(folder, import, &embedder.base);
    built again = build(folder, import, &embedder.base);
    make_catalog(import, tables, CHANGED);
    built changed = build(folder, import, &embedder.base);
    make_catalog(seen, tables, SEEN);
    (void)build(seen_folder, seen, &embedder.base);
    printf("%lld tables, %lld columns, %lld texts; %d questions, 10 hits\n", (long long)first.result.tables,
           (long long)first.result.columns, (long long)embedder.texts, QUESTIONS);
    int64_t started_us = floe_monotonic_us();
    if (floe_failed(floe_search_open(folder, &embedder.base, &search, &err))) {
        die(err.message);
    }
    double open_ms = (double)(floe_monotonic_us() - started_us) / 1e3;
    if (floe_failed(floe_search_open(seen_folder, &embedder.base, &alone, &err))) {
        die(err.message);
    }
    embedder.building = false;
    measure(search, embedder.real, all);
    measure_role(search, alone, &role);
    print(all, &role, &again, &changed, open_ms);
    floe_search_close(&search);
    floe_search_close(&alone);
    floe_arena_close(&embedder.arena);
    floe_embedder_close(&embedder.real);
    return 0;
}
