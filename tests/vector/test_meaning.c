/*
 * Search with vectors: scores against a slow reading of their definition, what is embedded and what is not, other models,
 * damaged files, kills.
 * timeout: 600
 */
#include "tests/vector/definitions.h"
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "vector/meaning_int.h"
#include "vector/rank/weights_int.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DIM 384
#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&(name), FLOE_MIB(64))

static floe_embedder *embedder;

static floe_embedder *open_embedder(const char *document_prefix) {
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .thread_count = 1};
    floe_embedder *opened = NULL;
    floe_error err = {0};
    options.document_prefix = document_prefix ? floe_str_of(document_prefix) : (floe_str){0};
    assert_ok(floe_embedder_open(&options, &opened, &err), &err);
    return opened;
}

static int setup(void **state) {
    (void)state;
    embedder = open_embedder(NULL);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    floe_embedder_close(&embedder);
    return 0;
}

static floe_index_result build_with(const char *folder, const char *lines, floe_embedder *by) {
    const char *import = make_file("lines.jsonl", lines);
    floe_index_request request = {
        .folder = folder, .imports = &import, .import_count = 1, .definitions = make_definitions(), .embedder = by};
    return make_request(&request);
}

static floe_search *open_with(const char *folder, floe_embedder *by) {
    floe_search *search = NULL;
    floe_error err = {0};
    assert_ok(floe_search_open(folder, by, &search, &err), &err);
    return search;
}

/* ---- the slow reading ---- */

#define TABLES 6
#define COLUMNS 3

typedef struct slow_table {
    const char *space, *name;
    const char *columns[COLUMNS];
} slow_table;

static const slow_table slow[TABLES] = {
    {"travel", "carrier", {"code", "headquarters", "founded"}}, {"travel", "runway", {"length", "surface", "airport"}},
    {"school", "pupil", {"age", "grade", "teacher"}},           {"school", "lesson", {"subject", "room", "hour"}},
    {"shop", "invoice", {"amount", "customer", "currency"}},    {"shop", "parcel", {"weight", "address", "courier"}},
};

static floe_search *open_slow(void) {
    FLOE_AUTO_BUF lines;
    floe_buf_init(&lines, FLOE_MIB(1));
    for (size_t i = 0; i < TABLES; i++) {
        floe_buf_printf(&lines, "{\"database\":\"%s\",\"table\":\"%s\",\"columns\":[", slow[i].space, slow[i].name);
        for (size_t c = 0; c < COLUMNS; c++) {
            floe_buf_printf(&lines, "%s{\"name\":\"%s\"}", c > 0 ? "," : "", slow[i].columns[c]);
        }
        floe_buf_text(&lines, "]}\n");
    }
    const char *folder = make_folder("slow");
    const char *import = make_file("slow.jsonl", lines.ptr);
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = embedder};
    (void)make_request(&request);
    return open_with(folder, embedder);
}

static void embed(const char *text, float vector[DIM]) {
    floe_error err = {0};
    floe_str one = floe_str_of(text);
    assert_ok(floe_embedder_embed(embedder, FLOE_EMBED_DOCUMENT, &one, 1, vector, &err), &err);
}

static double cosine(const char *a, const char *b) {
    float left[DIM];
    float right[DIM];
    double sum = 0;
    embed(a, left);
    embed(b, right);
    for (size_t i = 0; i < DIM; i++) {
        sum += (double)left[i] * (double)right[i];
    }
    return sum;
}

static void scale_to_one(double scores[TABLES]) {
    double best = 0;
    for (size_t i = 0; i < TABLES; i++) {
        best = scores[i] > best ? scores[i] : best;
    }
    for (size_t i = 0; best > 0 && i < TABLES; i++) {
        scores[i] /= best;
    }
}

static double above_floor(double value) {
    return value > FLOE_DENSE_FLOOR ? value - FLOE_DENSE_FLOOR : 0;
}

/* Fewer than a hundred documents: the floor is what counts as nothing. All tables have three columns. */
static void slow_dense(const char *question, double scores[TABLES]) {
    double own[TABLES];
    double columns[TABLES];
    char text[256];
    for (size_t t = 0; t < TABLES; t++) {
        double sum = 0;
        (void)snprintf(text, sizeof(text), "%s: %s, %s, %s", slow[t].name, slow[t].columns[0], slow[t].columns[1],
                       slow[t].columns[2]);
        own[t] = above_floor(cosine(question, text));
        for (size_t c = 0; c < COLUMNS; c++) {
            (void)snprintf(text, sizeof(text), "%s %s", slow[t].name, slow[t].columns[c]);
            sum += cosine(question, text);
        }
        columns[t] = above_floor(sum / COLUMNS);
    }
    scale_to_one(own);
    scale_to_one(columns);
    for (size_t t = 0; t < TABLES; t++) {
        scores[t] = floe_weights_hybrid.table_dense * own[t] + floe_weights_hybrid.table_dense_columns * columns[t];
    }
}

static double closeness(const char *a, const char *b) {
    double value = (cosine(a, b) - FLOE_SOFT_FLOOR) / (1 - FLOE_SOFT_FLOOR);
    return strcmp(a, b) == 0 || value > 1 ? 1 : value > 0 ? value : 0;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* Every name here is one word, so words and whole names differ only by the namespace. */
static void slow_soft_of(const char *const *words, size_t count, bool with_space, double scores[TABLES]) {
    for (size_t t = 0; t < TABLES; t++) {
        scores[t] = 0;
    }
    for (size_t w = 0; w < count; w++) {
        double best[TABLES];
        double sum = 0;
        for (size_t t = 0; t < TABLES; t++) {
            best[t] = larger(closeness(words[w], slow[t].name), with_space ? closeness(words[w], slow[t].space) : 0);
            for (size_t c = 0; c < COLUMNS; c++) {
                best[t] = larger(best[t], closeness(words[w], slow[t].columns[c]));
            }
            sum += best[t];
        }
        for (size_t t = 0; t < TABLES; t++) {
            scores[t] += best[t] * log(1 + (TABLES - sum + 0.5) / (sum + 0.5));
        }
    }
    scale_to_one(scores);
}

static void slow_soft(const char *const *words, size_t count, double scores[TABLES]) {
    double names[TABLES];
    slow_soft_of(words, count, true, scores);
    slow_soft_of(words, count, false, names);
    for (size_t t = 0; t < TABLES; t++) {
        scores[t] =
            floe_weights_hybrid.table_soft_words * scores[t] + floe_weights_hybrid.table_soft_phrases * names[t];
    }
}

/* The hits are the tables with a score, and their scores relate as those of the slow reading do. */
static void check_against(floe_search *search, const char *question, floe_rank_stage stage,
                          const double scores[TABLES]) {
    ARENA(arena);
    floe_error err = {0};
    floe_answer answer = {0};
    floe_query query = {.text = floe_str_of(question), .k = 20, .kind = FLOE_HIT_TABLE, .stage = stage};
    assert_ok(floe_search_query(search, &query, &arena, &answer, &err), &err);
    check_answer(&answer);
    size_t expected_count = 0;
    double best = 0;
    for (size_t t = 0; t < TABLES; t++) {
        expected_count += scores[t] > 0;
        best = larger(best, scores[t]);
    }
    assert_int_equal(answer.hit_count, expected_count);
    for (size_t i = 0; i < answer.hit_count; i++) {
        size_t table = TABLES;
        for (size_t t = 0; t < TABLES; t++) {
            table = floe_str_is(answer.hits[i].table, slow[t].name) ? t : table;
        }
        assert_true(table < TABLES);
        double relative = answer.hits[i].score / answer.hits[0].score;
        /* Single texts are embedded with weights in half precision and a batch with whole ones: cosines of two texts differ by some
         * 1e-4, and more where what is nothing is taken off both. */
        if (fabs(relative - scores[table] / best) > 1e-3) {
            fail_msg("%s, %s: %g, expected %g", question, slow[table].name, relative, scores[table] / best);
        }
    }
}

static const struct {
    const char *text;
    const char *words[4];
    size_t word_count;
} questions[] = {
    {"which airlines exist", {"airlines", "exist"}, 2},
    {"students of a teacher", {"students", "teacher"}, 2},
    {"price of packages", {"price", "packages"}, 2},
    {"runway surface", {"runway", "surface"}, 2},
};

static void dense__a_small_catalog__is_what_a_slow_reading_gives(void **state) {
    (void)state;
    floe_search *search = open_slow();
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        double scores[TABLES];
        slow_dense(questions[i].text, scores);
        check_against(search, questions[i].text, FLOE_STAGE_DENSE, scores);
    }
    floe_search_close(&search);
}

static void soft__a_small_catalog__is_what_a_slow_reading_gives(void **state) {
    (void)state;
    floe_search *search = open_slow();
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        double scores[TABLES];
        slow_soft(questions[i].words, questions[i].word_count, scores);
        check_against(search, questions[i].text, FLOE_STAGE_SOFT, scores);
    }
    floe_search_close(&search);
}

/* ---- what is found ---- */

static void question__that_shares_no_word__finds_what_it_means(void **state) {
    (void)state;
    ARENA(arena);
    const char *folder = make_folder("demo");
    (void)build_with(folder, make_lake, embedder);
    floe_search *search = open_with(folder, embedder);
    const char *question = "how late do planes arrive";
    floe_answer answer = ask(search, &arena, question, 5, FLOE_HIT_TABLE, "");
    assert_true(floe_str_is(answer.mode, "hybrid"));
    assert_int_equal(rank_of(&answer, "lake.aviation.flights"), 1);
    check_answer(&answer);
    assert_true(share_of(&answer.hits[0], "meaning") > 0);
    answer = ask(search, &arena, question, 5, FLOE_HIT_COLUMN, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights.delay"), 1);
    check_answer(&answer);
    answer = ask(search, &arena, question, 10, FLOE_HIT_FEATURE, "");
    assert_in_range(rank_of(&answer, "airport_delays:last_delay"), 1, 10);
    assert_in_range(rank_of(&answer, "airport_delays:delay_mean_7d"), 1, 10);
    answer = ask(search, &arena, question, 20, FLOE_HIT_ANY, "");
    assert_in_range(rank_of(&answer, "lake.aviation.flights"), 1, 10);
    assert_in_range(rank_of(&answer, "lake.aviation.flights.delay"), 1, 10);
    check_answer(&answer);
    floe_search_close(&search);
}

static void similar_words__are_told_with_what_they_are_like(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = open_slow();
    floe_answer answer = ask(search, &arena, "airlines", 3, FLOE_HIT_TABLE, "");
    const char *words = words_of(&answer.hits[0], "similar words", &arena);
    assert_non_null(strstr(words, "airlines ~ "));
    answer = ask(search, &arena, "runway", 3, FLOE_HIT_TABLE, "");
    assert_int_equal(rank_of(&answer, "travel.runway"), 1);
    assert_string_equal(words_of(&answer.hits[0], "similar words", &arena), "runway");
    floe_search_close(&search);
}

static void question__asked_again__has_the_same_answer(void **state) {
    (void)state;
    ARENA(arena);
    FLOE_AUTO_BUF first;
    FLOE_AUTO_BUF second;
    floe_buf_init(&first, FLOE_MIB(1));
    floe_buf_init(&second, FLOE_MIB(1));
    floe_search *search = open_slow();
    floe_answer answer = ask(search, &arena, "age of students", 10, FLOE_HIT_ANY, "");
    floe_answer_print_json(&answer, &first);
    (void)ask(search, &arena, "weight of a package", 10, FLOE_HIT_ANY, "");
    answer = ask(search, &arena, "age of students", 10, FLOE_HIT_ANY, "");
    floe_answer_print_json(&answer, &second);
    assert_string_equal(first.ptr, second.ptr);
    floe_search_close(&search);
}

/* Within a scope, vectors too are ranked as if the rest did not exist. */
static void scope__is_an_index_that_never_held_the_rest(void **state) {
    (void)state;
    ARENA(arena);
    const char *films = strstr(make_lake, "{\"database\":\"films\"");
    const char *whole = make_folder("scope_whole");
    const char *part = make_folder("scope_part");
    const char *import = make_file("films.jsonl", films);
    floe_index_request request = {.folder = part, .imports = &import, .import_count = 1, .embedder = embedder};
    (void)build_with(whole, make_lake, embedder);
    (void)make_request(&request);
    floe_search *in_whole = open_with(whole, embedder);
    floe_search *in_part = open_with(part, embedder);
    static const char *const asked[] = {"box office revenue", "when was a performer born", "planes", "title"};
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        floe_answer left = ask(in_whole, &arena, asked[i], 20, FLOE_HIT_ANY, "films");
        floe_answer right = ask(in_part, &arena, asked[i], 20, FLOE_HIT_ANY, "");
        assert_int_equal(left.hit_count, right.hit_count);
        for (size_t h = 0; h < left.hit_count; h++) {
            assert_string_equal(place_of(&left.hits[h], &arena), place_of(&right.hits[h], &arena));
            assert_true(fabs(left.hits[h].score - right.hits[h].score) < 1e-6);
        }
    }
    floe_search_close(&in_whole);
    floe_search_close(&in_part);
}

/* ---- what is embedded ---- */

static void build__unchanged__embeds_nothing(void **state) {
    (void)state;
    const char *folder = make_folder("unchanged");
    floe_index_result first = build_with(folder, make_lake, embedder);
    assert_true(first.documents_embedded > 0 && first.documents_embedded <= first.documents_changed);
    assert_true(first.words_embedded > 0);
    floe_index_result again = build_with(folder, make_lake, embedder);
    assert_int_equal(again.documents_embedded, 0);
    assert_int_equal(again.words_embedded, 0);
    assert_int_equal(again.documents_changed, 0);
}

static void build__one_column_renamed__embeds_it_and_its_table(void **state) {
    (void)state;
    const char *folder = make_folder("renamed");
    static const char before[] = "{\"database\":\"d\",\"table\":\"orders\",\"columns\":[{\"name\":\"buyer\"},"
                                 "{\"name\":\"price\"}]}\n{\"database\":\"d\",\"table\":\"price\",\"columns\":[]}\n";
    static const char after[] = "{\"database\":\"d\",\"table\":\"orders\",\"columns\":[{\"name\":\"client\"},"
                                "{\"name\":\"price\"}]}\n{\"database\":\"d\",\"table\":\"price\",\"columns\":[]}\n";
    ARENA(arena);
    (void)build_with(folder, before, embedder);
    floe_index_result result = build_with(folder, after, embedder);
    /* "orders: client, price" and "orders client"; the word "client". */
    assert_int_equal(result.documents_embedded, 2);
    assert_int_equal(result.words_embedded, 1);
    floe_search *search = open_with(folder, embedder);
    floe_answer answer = ask(search, &arena, "purchaser", 3, FLOE_HIT_COLUMN, "");
    assert_int_equal(rank_of(&answer, "d.orders.client"), 1);
    floe_search_close(&search);
}

static void build__a_new_description_of_the_catalog__keeps_other_vectors(void **state) {
    (void)state;
    const char *folder = make_folder("described");
    (void)build_with(folder, "{\"database\":\"d\",\"table\":\"a\",\"columns\":[{\"name\":\"x\"}]}\n", embedder);
    floe_index_result result = build_with(
        folder, "{\"database\":\"d\",\"table\":\"a\",\"columns\":[{\"name\":\"x\",\"type\":\"text\"}]}\n", embedder);
    /* A type is in no text: the generation is new, its vectors are the old ones under another name. */
    assert_int_equal(result.documents_embedded, 0);
    floe_search *search = open_with(folder, embedder);
    floe_search_close(&search);
}

static void build__another_model__embeds_all_and_the_old_handle_answers_on(void **state) {
    (void)state;
    ARENA(arena);
    floe_error err = {0};
    const char *folder = make_folder("models");
    floe_index_result first = build_with(folder, make_lake, embedder);
    floe_search *old = open_with(folder, embedder);
    floe_search *none = NULL;
    floe_embedder *other = open_embedder("passage: ");
    assert_code(floe_search_open(folder, other, &none, &err), FLOE_CONFLICT);
    assert_non_null(strstr(err.message, "floe index"));
    floe_index_result second = build_with(folder, make_lake, other);
    assert_int_equal(second.documents_embedded, first.documents_embedded);
    assert_int_equal(second.documents_changed, 0);
    assert_true(floe_search_is_stale(old));
    assert_true(ask(old, &arena, "planes", 3, FLOE_HIT_TABLE, "").hit_count > 0);
    floe_search *now = open_with(folder, other);
    assert_true(ask(now, &arena, "planes", 3, FLOE_HIT_TABLE, "").hit_count > 0);
    floe_search_close(&old);
    floe_search_close(&now);
    floe_embedder_close(&other);
}

static void none__is_lexical_and_says_so(void **state) {
    (void)state;
    ARENA(arena);
    floe_error err = {0};
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_NONE};
    floe_embedder *none = NULL;
    floe_search *search = NULL;
    assert_ok(floe_embedder_open(&options, &none, &err), &err);
    const char *folder = make_folder("none");
    floe_index_result result = build_with(folder, make_lake, none);
    assert_int_equal(result.documents_embedded, 0);
    assert_code(floe_search_open(folder, embedder, &search, &err), FLOE_CONFLICT);
    assert_non_null(strstr(err.message, "floe index"));
    search = open_with(folder, none);
    floe_answer answer = ask(search, &arena, "aircraft", 3, FLOE_HIT_ANY, "");
    assert_true(floe_str_is(answer.mode, "lexical"));
    assert_int_equal(answer.hit_count, 0);
    floe_search_close(&search);
    /* With an embedder the same folder gets vectors, and without it loses them. */
    assert_true(build_with(folder, make_lake, embedder).documents_embedded > 0);
    search = open_with(folder, embedder);
    floe_search_close(&search);
    (void)build_with(folder, make_lake, none);
    assert_code(floe_search_open(folder, embedder, &search, &err), FLOE_CONFLICT);
    floe_embedder_close(&none);
}

static void empty_catalog__has_vectors_of_nothing(void **state) {
    (void)state;
    ARENA(arena);
    const char *folder = make_folder("empty");
    floe_index_request request = {.folder = folder, .embedder = embedder};
    (void)make_request(&request);
    floe_search *search = open_with(folder, embedder);
    assert_int_equal(ask(search, &arena, "anything", 3, FLOE_HIT_ANY, "").hit_count, 0);
    floe_search_close(&search);
}

static void model__that_is_missing__names_what_to_run(void **state) {
    (void)state;
    floe_error err = {0};
    floe_embedder *opened = NULL;
    floe_project project = {.embedder = FLOE_STR("local")};
    assert_int_equal(setenv("FLOE_MODEL_DIR", make_folder("no_model"), 1), 0);
    assert_code(floe_search_embedder_open(&project, 1, &opened, &err), FLOE_NOT_FOUND);
    assert_non_null(strstr(err.message, "./dev build"));
    assert_int_equal(unsetenv("FLOE_MODEL_DIR"), 0);
}

/* ---- files ---- */

/* A file of the model's vectors that begins with `lead`. */
static const char *vectors_of(const char *folder, const char *lead, floe_arena *arena) {
    const char *const *names = NULL;
    size_t count = 0;
    floe_error err = {0};
    const char *path = floe_vectors_folder(arena, folder, floe_embedder_describe(embedder)->fingerprint);
    assert_ok(floe_file_list(path, arena, &names, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        if (floe_str_starts_with(floe_str_of(names[i]), floe_str_of(lead))) {
            return floe_path_join(arena, path, names[i]);
        }
    }
    fail_msg("%s has no %s", path, lead);
    return NULL;
}

static void vector_file__damaged_or_gone__is_refused_and_built_anew(void **state) {
    (void)state;
    ARENA(arena);
    const char *folder = make_folder("damaged");
    floe_index_result first = build_with(folder, make_lake, embedder);
    for (int round = 0; round < 6; round++) {
        int way = round % 3;
        FLOE_AUTO_BUF bytes;
        floe_buf_init(&bytes, FLOE_MIB(64));
        floe_error err = {0};
        floe_search *search = NULL;
        const char *path = vectors_of(folder, round < 3 ? "part-" : "current", &arena);
        assert_ok(floe_file_read(path, &bytes, &err), &err);
        bytes.ptr[bytes.len / 2] ^= 1;
        floe_str damaged = {bytes.ptr, way == 1 ? bytes.len / 2 : bytes.len};
        assert_ok(floe_file_remove(path, &err), &err);
        if (way < 2) {
            assert_ok(floe_file_write(path, damaged, false, &err), &err);
        }
        assert_code(floe_search_open(folder, embedder, &search, &err), FLOE_CORRUPT);
        assert_non_null(strstr(err.message, "floe index"));
        floe_index_result again = build_with(folder, make_lake, embedder);
        assert_int_equal(again.documents_embedded, first.documents_embedded);
        assert_int_equal(again.documents_changed, 0);
        search = open_with(folder, embedder);
        floe_search_close(&search);
    }
}

#define KILLS 12

static void build_in_child(const char *folder, const char *import) {
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .thread_count = 1};
    floe_embedder *own = NULL;
    floe_index_result result = {0};
    floe_error err = {0};
    if (floe_failed(floe_embedder_open(&options, &own, &err))) {
        _exit(2);
    }
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = own};
    _exit(floe_failed(floe_index_build(&request, &result, &err)) ? 1 : 0);
}

/* The parent kills after a random part of what a build takes: the moment is the point, nothing is awaited. */
static void kill_child(const char *folder, const char *import, int64_t after_us) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        build_in_child(folder, import);
    }
    struct timespec pause = {after_us / 1000000, (after_us % 1000000) * 1000};
    (void)nanosleep(&pause, NULL);
    (void)kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

static void build__killed_anywhere__leaves_documents_and_vectors_that_fit(void **state) {
    (void)state;
    ARENA(arena);
    uint64_t seed = (uint64_t)floe_monotonic_us();
    floe_test_rng rng = floe_test_rng_of(seed);
    print_message("seed %llu\n", (unsigned long long)seed);
    const char *folder = make_folder("killed");
    static const char other[] = "{\"database\":\"films\",\"table\":\"reviews\",\"columns\":[{\"name\":\"critic\"},"
                                "{\"name\":\"stars\"},{\"name\":\"verdict\"}]}\n";
    const char *imports[2] = {make_file("one.jsonl", make_lake), make_file("two.jsonl", other)};
    int64_t started_us = floe_monotonic_us();
    (void)build_with(folder, make_lake, embedder);
    int64_t whole_us = floe_monotonic_us() - started_us;
    for (int i = 0; i < KILLS; i++) {
        kill_child(folder, imports[i % 2], floe_test_between(&rng, 0, 2 * whole_us));
        floe_search *search = open_with(folder, embedder);
        assert_true(ask(search, &arena, "planes", 5, FLOE_HIT_TABLE, "").hit_count > 0);
        floe_search_close(&search);
    }
    (void)build_with(folder, make_lake, embedder);
    floe_search *search = open_with(folder, embedder);
    floe_answer answer = ask(search, &arena, "planes", 5, FLOE_HIT_TABLE, "");
    assert_int_equal(rank_of(&answer, "lake.aviation.flights"), 1);
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dense__a_small_catalog__is_what_a_slow_reading_gives),
        cmocka_unit_test(soft__a_small_catalog__is_what_a_slow_reading_gives),
        cmocka_unit_test(question__that_shares_no_word__finds_what_it_means),
        cmocka_unit_test(similar_words__are_told_with_what_they_are_like),
        cmocka_unit_test(question__asked_again__has_the_same_answer),
        cmocka_unit_test(scope__is_an_index_that_never_held_the_rest),
        cmocka_unit_test(build__unchanged__embeds_nothing),
        cmocka_unit_test(build__one_column_renamed__embeds_it_and_its_table),
        cmocka_unit_test(build__a_new_description_of_the_catalog__keeps_other_vectors),
        cmocka_unit_test(build__another_model__embeds_all_and_the_old_handle_answers_on),
        cmocka_unit_test(none__is_lexical_and_says_so),
        cmocka_unit_test(empty_catalog__has_vectors_of_nothing),
        cmocka_unit_test(model__that_is_missing__names_what_to_run),
        cmocka_unit_test(vector_file__damaged_or_gone__is_refused_and_built_anew),
        cmocka_unit_test(build__killed_anywhere__leaves_documents_and_vectors_that_fit),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
