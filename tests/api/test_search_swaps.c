/*
 * The workers of a server take handles of an index, ask and give them back while the index is replaced: every answer is
 * of one whole index, and never of one older than the worker has seen. Run it under ThreadSanitizer too.
 */
#include "api/search_int.h"
#include "core/file.h"
#include "core/limits.h"
#include "tests/support/support.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define WORKERS 3
#define TABLES 20
#define ROUNDS 12

typedef struct stage {
    floe_searchers *searchers;
    atomic_bool done;
    atomic_int published; /* the newest version that is surely there */
    atomic_int asked, failures;
} stage;

static const char *write_lines(const char *folder, int version, floe_arena *arena) {
    FLOE_AUTO_BUF lines;
    floe_error err = {0};
    floe_buf_init(&lines, FLOE_MIB(1));
    for (int i = 0; i < TABLES; i++) {
        floe_buf_printf(&lines, "{\"database\":\"d\",\"table\":\"t_%d_v%d\",\"columns\":[{\"name\":\"mark\"}]}\n", i,
                        version);
    }
    const char *path = floe_path_join(arena, folder, "lines.jsonl");
    assert_ok(floe_file_write(path, floe_buf_view(&lines), false, &err), &err);
    return path;
}

static void build(const char *folder, int version) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_error err = {0};
    floe_index_result result = {0};
    const char *import = write_lines(folder, version, &arena);
    floe_index_request request = {
        .folder = floe_path_join(&arena, folder, "search"), .imports = &import, .import_count = 1};
    assert_ok(floe_index_build(&request, &result, &err), &err);
}

/* The version that all hits of an answer have; -1 when they are not of one, or not all there. */
static int version_in(const char *json) {
    int version = -1;
    int hits = 0;
    for (const char *at = strstr(json, "\"t_"); at != NULL; at = strstr(at + 1, "\"t_")) {
        int number = 0;
        int own = 0;
        if (sscanf(at, "\"t_%d_v%d\"", &number, &own) != 2 || (version >= 0 && own != version)) {
            return -1;
        }
        version = own;
        hits++;
    }
    return hits >= TABLES ? version : -1;
}

static int ask(stage *on) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF out;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_buf_init(&out, FLOE_MIB(4));
    floe_query query = {.text = FLOE_STR("mark"), .k = 2 * TABLES, .kind = FLOE_HIT_TABLE};
    if (floe_failed(floe_searchers_query(on->searchers, &query, &arena, &out, NULL))) {
        return -1;
    }
    floe_buf_byte(&out, '\0');
    return out.failed ? -1 : version_in(out.ptr);
}

static void *worker(void *context) {
    stage *on = context;
    while (!atomic_load(&on->done)) {
        int least = atomic_load(&on->published);
        int version = ask(on);
        atomic_fetch_add(&on->failures, version < least);
        atomic_fetch_add(&on->asked, 1);
    }
    return NULL;
}

static void searchers__asked_while_indexes_are_replaced__answer_from_one_whole_index(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_error err = {0};
    static stage on;
    static floe_project project = {.embedder = {"none", 4}};
    pthread_t threads[WORKERS];
    const char *folder = floe_test_temp_dir();
    build(folder, 1);
    atomic_store(&on.published, 1);
    assert_ok(floe_searchers_open(&project, floe_path_join(&arena, folder, "search"), 2, &on.searchers, &err), &err);
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, worker, &on), 0);
    }
    for (int version = 2; version <= ROUNDS; version++) {
        int asked = atomic_load(&on.asked);
        build(folder, version);
        atomic_store(&on.published, version);
        /* Not the next one before somebody has asked this one. */
        while (atomic_load(&on.asked) <= asked + WORKERS) {
            (void)sched_yield();
        }
    }
    atomic_store(&on.done, true);
    for (size_t i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&on.failures), 0);
    assert_int_equal(ask(&on), ROUNDS);
    floe_searchers_close(&on.searchers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searchers__asked_while_indexes_are_replaced__answer_from_one_whole_index),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
