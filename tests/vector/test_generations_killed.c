/*
 * An indexer with vectors that is killed at random points while a server searches: what the server finds is always one whole
 * generation, documents and vectors of it, and what lies in the folder afterwards too. FLOE_KILLS sets how often (40).
 * A file of another index in the place of one of ours is built anew, never trusted.
 *
 * The indexer is this program again, run apart, because a process with threads may not build in a fork of itself.
 * timeout: 600
 */
#include "tests/vector/hash_embedder.h"
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "vector/meaning_int.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TABLES 60
#define KILLS 40
#define SEARCHERS 2

extern char **environ;

/* All tables of a version; half of their words are its own, so that its texts are too. */
static const char *lines_of(int version) {
    static char text[TABLES * 200];
    size_t len = 0;
    for (int i = 0; i < TABLES; i++) {
        int added = snprintf(text + len, sizeof(text) - len,
                             "{\"database\":\"d\",\"table\":\"t_%d_v%d\",\"columns\":[{\"name\":\"mark\"},"
                             "{\"name\":\"%s_%d\"}]}\n",
                             i, version, version == 0 ? "arrival" : "invoice", i);
        assert_true(added > 0 && (size_t)added < sizeof(text) - len);
        len += (size_t)added;
    }
    return text;
}

static floe_status build(const char *folder, const char *import, floe_index_result *ret_result, floe_error *err) {
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = &embedder.base};
    return floe_index_build(&request, ret_result, err);
}

/* The one version that an answer is of; -1 when it is not all of one. Asserts nothing: it runs on any thread. */
static int version_of(floe_search *search, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_query query = {.text = FLOE_STR("mark"), .k = 1000, .kind = FLOE_HIT_COLUMN};
    floe_answer answer = {0};
    int version = -1;
    int marks = 0;
    if (floe_failed(floe_search_query(search, &query, &arena, &answer, err)) || !floe_str_is(answer.mode, "hybrid")) {
        return -1;
    }
    for (size_t i = 0; i < answer.hit_count; i++) {
        const char *table = floe_arena_strndup(&arena, answer.hits[i].table.ptr, answer.hits[i].table.len);
        int number = 0;
        int own = -1;
        if (sscanf(table, "t_%d_v%d", &number, &own) != 2 || (version >= 0 && own != version)) {
            return -1;
        }
        version = own;
        marks += floe_str_is(answer.hits[i].column, "mark");
    }
    return marks == TABLES ? version : -1;
}

static int open_and_check(const char *folder) {
    hash_embedder embedder;
    floe_search *search = NULL;
    floe_error err = {0};
    hash_embedder_init(&embedder);
    assert_ok(floe_search_open(folder, &embedder.base, &search, &err), &err);
    int version = version_of(search, &err);
    floe_search_close(&search);
    return version;
}

/* ---- a server ---- */

typedef struct server {
    const char *folder;
    atomic_bool done;
    atomic_int searches, opens, failures;
    floe_error first; /* failure; written by whoever counted it */
} server;

static void count_failure(server *on, const floe_error *err) {
    if (atomic_fetch_add(&on->failures, 1) == 0) {
        on->first = *err;
    }
}

/* As the workers of a server do it: a handle is kept until a newer generation is there. */
static void *searcher(void *context) {
    server *on = context;
    hash_embedder embedder;
    floe_search *search = NULL;
    hash_embedder_init(&embedder);
    while (!atomic_load(&on->done)) {
        floe_error err = {0};
        if (search && floe_search_is_stale(search)) {
            floe_search_close(&search);
        }
        if (!search) {
            if (floe_failed(floe_search_open(on->folder, &embedder.base, &search, &err))) {
                count_failure(on, &err);
                continue;
            }
            atomic_fetch_add(&on->opens, 1);
        }
        if (version_of(search, &err) < 0) {
            count_failure(on, &err);
        }
        atomic_fetch_add(&on->searches, 1);
    }
    floe_search_close(&search);
    return NULL;
}

/* ---- an indexer ---- */

static pid_t start_indexer(const char *folder, const char *import) {
    pid_t child = 0;
    const char *const arguments[] = {"indexer", "--index", folder, import, NULL};
    assert_int_equal(posix_spawn(&child, "/proc/self/exe", NULL, NULL, (char *const *)(uintptr_t)arguments, environ),
                     0);
    return child;
}

/* The kill is the event; when it comes too late the build is simply complete. */
static void kill_indexer(const char *folder, const char *import, int64_t after_us) {
    struct timespec pause = {after_us / 1000000, (after_us % 1000000) * 1000};
    pid_t child = start_indexer(folder, import);
    (void)nanosleep(&pause, NULL);
    (void)kill(child, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
}

static int64_t time_indexer(const char *folder, const char *import) {
    int64_t started_us = floe_monotonic_us();
    int status = 0;
    pid_t child = start_indexer(folder, import);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return floe_monotonic_us() - started_us;
}

static int kills_wanted(void) {
    const char *text = getenv("FLOE_KILLS");
    return text ? atoi(text) : KILLS;
}

static void index__killed_anywhere_while_a_server_searches__is_always_one_whole_generation(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    const char *folder = make_folder("killed");
    const char *imports[] = {make_file("v0.jsonl", lines_of(0)), make_file("v1.jsonl", lines_of(1))};
    (void)time_indexer(folder, imports[0]);
    static server on;
    pthread_t threads[SEARCHERS];
    int version = 1;
    int changed = 0;
    on.folder = folder;
    for (size_t i = 0; i < SEARCHERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, searcher, &on), 0);
    }
    /* How long a build takes while others search. */
    int64_t whole_us = time_indexer(folder, imports[1]);
    for (int i = 0; i < kills_wanted(); i++) {
        int next = 1 - version;
        kill_indexer(folder, imports[next], floe_test_between(&rng, 0, 2 * whole_us));
        int now = open_and_check(folder);
        assert_true(now == version || now == next);
        changed += now != version;
        version = now;
    }
    atomic_store(&on.done, true);
    for (size_t i = 0; i < SEARCHERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    print_message("%d kills, %d of them after the publishing; %d searches, %d opens, %d failures\n", kills_wanted(),
                  changed, atomic_load(&on.searches), atomic_load(&on.opens), atomic_load(&on.failures));
    if (atomic_load(&on.failures) > 0) {
        fail_msg("a search failed: %s", on.first.message[0] ? on.first.message : "a mixture");
    }
    assert_true(atomic_load(&on.searches) > 0 && atomic_load(&on.opens) > SEARCHERS);
    /* Kills have hit both sides of the publishing, else they have proved little. */
    assert_true(changed > 0 && changed < kills_wanted());
    /* What the killed ones left behind goes with the next whole build. */
    (void)time_indexer(folder, imports[1 - version]);
    assert_int_equal(open_and_check(folder), 1 - version);
}

/* ---- foreign files ---- */

static void copy(const char *from_folder, const char *to_folder, const char *name, floe_arena *arena) {
    FLOE_AUTO_BUF bytes;
    floe_error err = {0};
    floe_buf_init(&bytes, FLOE_MIB(64));
    assert_ok(floe_file_read(floe_path_join(arena, from_folder, name), &bytes, &err), &err);
    assert_ok(floe_file_write(floe_path_join(arena, to_folder, name), floe_buf_view(&bytes), false, &err), &err);
}

static void index__a_file_of_another_index_among_ours__is_built_anew(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_error err = {0};
    hash_embedder other;
    floe_search *search = NULL;
    floe_index_result first = {0};
    floe_index_result result = {0};
    const char *ours = make_folder("ours");
    const char *theirs = make_folder("theirs");
    const char *import = make_file("ours.jsonl", lines_of(0));
    hash_embedder_init(&other);
    other.base.info.fingerprint = FLOE_STR("test/other/24");
    floe_index_request request = {.folder = theirs, .imports = &import, .import_count = 1, .embedder = &other.base};
    assert_ok(floe_index_build(&request, &result, &err), &err);
    assert_ok(build(ours, import, &first, &err), &err);
    hash_embedder mine;
    hash_embedder_init(&mine);
    const char *to = floe_vectors_folder(&arena, ours, mine.base.info.fingerprint);
    const char *from = floe_vectors_folder(&arena, theirs, other.base.info.fingerprint);
    static const char *const names[] = {"part-1.ann", "current"};
    for (size_t i = 0; i < 2; i++) {
        copy(from, to, names[i], &arena);
        assert_true(floe_failed(floe_search_open(ours, &mine.base, &search, &err)));
        assert_non_null(strstr(err.message, "floe index"));
        assert_ok(build(ours, import, &result, &err), &err);
        assert_int_equal(result.documents_embedded, first.documents_embedded);
        assert_int_equal(open_and_check(ours), 0);
        /* And now nothing is left to do. */
        assert_ok(build(ours, import, &result, &err), &err);
        assert_int_equal(result.documents_embedded + result.words_embedded, 0);
        err = (floe_error){0};
    }
}

/* ---- what is kept and what goes ---- */

static size_t alive_in(const char *folder) {
    FLOE_AUTO_ARENA arena;
    hash_embedder embedder;
    floe_error err = {0};
    const floe_ann_view *view = NULL;
    floe_ann_view_info info;
    floe_arena_init(&arena, FLOE_MIB(1));
    hash_embedder_init(&embedder);
    floe_str fingerprint = embedder.base.info.fingerprint;
    floe_ann_options options = {.dim = HASH_EMBEDDER_DIM, .fingerprint = fingerprint};
    assert_ok(floe_ann_view_open(floe_vectors_folder(&arena, folder, fingerprint), &options, &view, &err), &err);
    floe_ann_view_describe(view, &info);
    floe_ann_view_release(&view);
    return info.alive;
}

/* After any number of changes the store holds the vectors of what is there, as many as a fresh index has, and each change
 * embeds only what it brought. */
static void index__changed_again_and_again__holds_the_vectors_of_what_is_there_alone(void **state) {
    (void)state;
    floe_error err = {0};
    const char *folder = make_folder("changed");
    const char *fresh[] = {make_folder("fresh0"), make_folder("fresh1")};
    const char *imports[] = {make_file("c0.jsonl", lines_of(0)), make_file("c1.jsonl", lines_of(1))};
    floe_index_result result = {0};
    int64_t whole[2];
    for (int i = 0; i < 2; i++) {
        assert_ok(build(fresh[i], imports[i], &result, &err), &err);
        whole[i] = result.documents_embedded + result.words_embedded;
        assert_int_equal(alive_in(fresh[i]), whole[i]);
    }
    for (int i = 0; i < 12; i++) {
        assert_ok(build(folder, imports[i % 2], &result, &err), &err);
        int64_t embedded = result.documents_embedded + result.words_embedded;
        /* Numbers, "mark" and the database are words of both. */
        assert_true(i == 0 ? embedded == whole[0] : embedded > 0 && embedded < whole[i % 2]);
        assert_int_equal(alive_in(folder), whole[i % 2]);
        assert_int_equal(open_and_check(folder), i % 2);
        assert_ok(build(folder, imports[i % 2], &result, &err), &err);
        assert_int_equal(result.documents_embedded + result.words_embedded, 0);
    }
}

int main(int argc, char **argv) {
    if (argc == 4 && strcmp(argv[1], "--index") == 0) {
        floe_error err = {0};
        floe_index_result result = {0};
        return floe_failed(build(argv[2], argv[3], &result, &err)) ? 1 : 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(index__killed_anywhere_while_a_server_searches__is_always_one_whole_generation),
        cmocka_unit_test(index__a_file_of_another_index_among_ours__is_built_anew),
        cmocka_unit_test(index__changed_again_and_again__holds_the_vectors_of_what_is_there_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
