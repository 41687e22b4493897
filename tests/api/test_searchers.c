/*
 * What is made off the requests' path: the parts of an index that roles see, and a newer index. The preparing thread is awaited, never
 * slept for; what a handle lacks is looked at through the handle itself.
 */
#include "api/search_int.h"
#include "core/file.h"
#include "core/limits.h"
#include "tests/support/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#define ROLES (FLOE_SEARCHERS_ROLES + 4)

typedef struct bench {
    floe_arena arena;
    const char *root, *folder;
    floe_project project;
    floe_searchers *searchers;
    char names[ROLES][16];
    floe_str spaces[ROLES];
    floe_role made[ROLES];
    const floe_role *roles[ROLES];
} bench;

/* One table for each role, in a namespace that only it sees. */
static void build(bench *b, int version) {
    FLOE_AUTO_BUF lines;
    floe_error err = {0};
    floe_index_result result = {0};
    floe_buf_init(&lines, FLOE_MIB(1));
    for (int i = 0; i < ROLES; i++) {
        floe_buf_printf(&lines, "{\"database\":\"space%d\",\"table\":\"t_%d_v%d\",\"columns\":[{\"name\":\"mark\"}]}\n",
                        i, i, version);
    }
    const char *import = floe_path_join(&b->arena, b->root, "lines.jsonl");
    assert_ok(floe_file_write(import, floe_buf_view(&lines), false, &err), &err);
    floe_index_request request = {.folder = b->folder, .imports = &import, .import_count = 1};
    assert_ok(floe_index_build(&request, &result, &err), &err);
}

static void bench_open(bench *b) {
    floe_error err = {0};
    *b = (bench){.project = {.embedder = FLOE_STR("none")}};
    floe_arena_init(&b->arena, FLOE_MIB(16));
    b->root = floe_test_temp_dir();
    b->folder = floe_path_join(&b->arena, b->root, "search");
    for (int i = 0; i < ROLES; i++) {
        (void)snprintf(b->names[i], sizeof(b->names[i]), "space%d", i);
        b->spaces[i] = floe_str_of(b->names[i]);
        b->made[i] = (floe_role){.name = b->spaces[i], .namespaces = &b->spaces[i], .namespace_count = 1};
        b->roles[i] = &b->made[i];
    }
    assert_ok(floe_searchers_open(&b->project, b->folder, 3, &b->searchers, &err), &err);
}

static void bench_close(bench *b) {
    floe_searchers_close(&b->searchers);
    floe_arena_close(&b->arena);
}

static void follow(bench *b, size_t count) {
    floe_error err = {0};
    assert_ok(floe_searchers_follow(b->searchers, b->roles, count, &err), &err);
    floe_searchers_settle(b->searchers);
}

static floe_search *take(bench *b) {
    floe_search *search = NULL;
    floe_error err = {0};
    assert_ok(floe_searchers_take(b->searchers, &search, &err), &err);
    return search;
}

/* How many of the first roles the next handle has nothing of. */
static size_t lacking(bench *b, size_t count) {
    floe_search *search = take(b);
    size_t lacks = 0;
    for (size_t i = 0; i < count; i++) {
        lacks += floe_search_wants(search, b->roles[i]) ? 1 : 0;
    }
    floe_searchers_give(b->searchers, search);
    return lacks;
}

/* The one table that a role sees, as t_NUMBER_vVERSION; -1 when it is not that. */
static int version_for(floe_searchers *searchers, const floe_role *role, int number) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF out;
    int own = -1;
    int version = -1;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_buf_init(&out, FLOE_MIB(4));
    floe_query query = {.text = FLOE_STR("mark"), .k = 50, .kind = FLOE_HIT_TABLE, .role = role};
    if (floe_failed(floe_searchers_query(searchers, &query, &arena, &out, NULL))) {
        return -1;
    }
    floe_buf_byte(&out, '\0');
    const char *at = out.failed ? NULL : strstr(out.ptr, "\"t_");
    bool fits = at && sscanf(at, "\"t_%d_v%d\"", &own, &version) == 2 && own == number && !strstr(at + 1, "\"t_");
    return fits ? version : -1;
}

static void prepare__roles_of_keys__are_there_before_the_first_question(void **state) {
    (void)state;
    bench b;
    bench_open(&b);
    build(&b, 1);
    follow(&b, 5);
    assert_int_equal(lacking(&b, 5), 0);
    assert_int_equal(lacking(&b, 6), 1);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(version_for(b.searchers, b.roles[i], i), 1);
    }
    bench_close(&b);
}

static void prepare__more_roles_than_fit__the_others_are_made_when_they_ask(void **state) {
    (void)state;
    bench b;
    bench_open(&b);
    build(&b, 1);
    follow(&b, ROLES);
    assert_int_equal(lacking(&b, ROLES), ROLES - FLOE_SEARCHERS_ROLES);
    assert_int_equal(version_for(b.searchers, b.roles[ROLES - 1], ROLES - 1), 1);
    bench_close(&b);
}

static void prepare__a_newer_index__is_opened_and_prepared(void **state) {
    (void)state;
    bench b;
    bench_open(&b);
    build(&b, 1);
    follow(&b, 3);
    floe_search *first = take(&b);
    floe_search *second = take(&b);
    floe_searchers_give(b.searchers, first);
    floe_searchers_give(b.searchers, second);
    build(&b, 2);
    floe_searchers_settle(b.searchers);
    first = take(&b);
    second = take(&b);
    for (size_t i = 0; i < 3; i++) {
        assert_false(floe_search_wants(first, b.roles[i]));
        assert_false(floe_search_wants(second, b.roles[i]));
    }
    assert_false(floe_search_is_stale(first));
    assert_false(floe_search_is_stale(second));
    floe_searchers_give(b.searchers, first);
    floe_searchers_give(b.searchers, second);
    assert_int_equal(version_for(b.searchers, b.roles[0], 0), 2);
    bench_close(&b);
}

/* Without roles a server that was never searched opens nothing; once it was, a newer index is opened for it. */
static void prepare__without_roles__only_what_was_opened_is_followed(void **state) {
    (void)state;
    bench b;
    bench_open(&b);
    build(&b, 1);
    follow(&b, 0);
    assert_int_equal(version_for(b.searchers, NULL, 0), -1); /* it sees all of them */
    build(&b, 2);
    floe_searchers_settle(b.searchers);
    floe_search *search = take(&b);
    assert_false(floe_search_is_stale(search));
    floe_searchers_give(b.searchers, search);
    bench_close(&b);
}

static void prepare__no_index_yet__waits_for_one_and_requests_say_so(void **state) {
    (void)state;
    bench b;
    floe_search *search = NULL;
    floe_error err = {0};
    bench_open(&b);
    follow(&b, 2);
    assert_true(floe_failed(floe_searchers_take(b.searchers, &search, &err)));
    assert_int_equal(err.code, FLOE_UNAVAILABLE);
    build(&b, 1);
    floe_searchers_settle(b.searchers);
    assert_int_equal(lacking(&b, 2), 0);
    bench_close(&b);
}

/* ---- with requests at the same time ---- */

typedef struct client {
    bench *b;
    atomic_int *published;
    atomic_bool *done;
    int failures, asked;
} client;

static void *ask(void *context) {
    client *one = context;
    while (!atomic_load(one->done)) {
        int at_least = atomic_load(one->published);
        int role = one->asked % ROLES;
        int version = version_for(one->b->searchers, one->b->roles[role], role);
        one->failures += version < at_least ? 1 : 0;
        one->asked++;
    }
    return NULL;
}

static void prepare__while_others_ask_and_indexes_change__answers_are_of_the_role_and_new(void **state) {
    (void)state;
    bench b;
    pthread_t threads[3];
    client clients[3];
    atomic_bool done = false;
    atomic_int published = 1;
    bench_open(&b);
    build(&b, 1);
    for (size_t i = 0; i < 3; i++) {
        clients[i] = (client){&b, &published, &done, 0, (int)i};
        assert_int_equal(pthread_create(&threads[i], NULL, ask, &clients[i]), 0);
    }
    for (int version = 2; version < 8; version++) {
        floe_error err = {0};
        /* Other roles each time, so that the thread has something to do for both reasons. */
        assert_ok(floe_searchers_follow(b.searchers, b.roles + version, 3, &err), &err);
        build(&b, version);
        atomic_store(&published, version);
        floe_searchers_settle(b.searchers);
    }
    atomic_store(&done, true);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(clients[i].failures, 0);
    }
    bench_close(&b);
}

/* Closed in the middle of it, or before anything was done. */
static void close__while_it_prepares__ends(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        bench b;
        floe_error err = {0};
        bench_open(&b);
        build(&b, 1);
        assert_ok(floe_searchers_follow(b.searchers, b.roles, (size_t)i % 4, &err), &err);
        bench_close(&b);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prepare__roles_of_keys__are_there_before_the_first_question),
        cmocka_unit_test(prepare__more_roles_than_fit__the_others_are_made_when_they_ask),
        cmocka_unit_test(prepare__a_newer_index__is_opened_and_prepared),
        cmocka_unit_test(prepare__without_roles__only_what_was_opened_is_followed),
        cmocka_unit_test(prepare__no_index_yet__waits_for_one_and_requests_say_so),
        cmocka_unit_test(prepare__while_others_ask_and_indexes_change__answers_are_of_the_role_and_new),
        cmocka_unit_test(close__while_it_prepares__ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
