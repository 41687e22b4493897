/*
 * Searches while the store is changed, compacted and committed under them. The writer puts all marker vectors of one version in
 * one put, so a view that shows two versions was not made by one atomic swap. Run it under ThreadSanitizer too.
 */
#include "tests/vector/ann/store_help.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define MARKERS 60
#define ROUNDS 60
#define SEARCHERS 3
#define BALLAST_FROM 60
#define BALLAST_TO 250

typedef struct stage {
    floe_ann_store *store;
    atomic_bool done;
    atomic_uint failures;
    atomic_ulong searches;
} stage;

/* cmocka's asserts belong to the main thread; the others count. */
static void expect(stage *on, bool holds) {
    if (!holds) {
        atomic_fetch_add(&on->failures, 1);
    }
}

/* The version whose vector this is; ROUNDS + 1 for none. */
static uint64_t version_of(size_t number, const float *row) {
    float wanted[MODEL_DIM];
    for (uint64_t version = 0; version <= ROUNDS; version++) {
        model_row(number, version, wanted);
        if (memcmp(wanted, row, sizeof(wanted)) == 0) {
            return version;
        }
    }
    return ROUNDS + 1;
}

static uint64_t look(stage *on, const floe_ann_view *view, uint64_t *seed) {
    uint64_t seen[3];
    for (size_t i = 0; i < 3; i++) {
        size_t marker = random_below(seed, MARKERS);
        uint32_t slot = 0;
        bool found = floe_ann_view_find(view, model_id(marker), &slot);
        expect(on, found);
        seen[i] = found ? version_of(marker, floe_ann_view_row(view, slot)) : ROUNDS + 1;
    }
    expect(on, seen[0] <= ROUNDS && seen[0] == seen[1] && seen[1] == seen[2]);
    return seen[0];
}

static void search(stage *on, const floe_ann_view *view, uint64_t *seed) {
    float query[MODEL_DIM];
    floe_ann_hit hits[40];
    size_t count = 0;
    floe_ann_view_info info;
    vectors_random_row(MODEL_DIM, seed, query);
    floe_ann_view_describe(view, &info);
    size_t k = 1 + random_below(seed, 40);
    expect(on,
           !floe_failed(floe_ann_view_search(view, &(floe_ann_query){.vector = query, .k = k}, hits, &count, NULL)));
    expect(on, count == (k < info.alive ? k : info.alive));
    for (size_t i = 0; i < count; i++) {
        uint64_t id = 0;
        expect(on, floe_ann_view_id(view, hits[i].slot, &id) && id == hits[i].id);
        expect(on, i == 0 || hits[i].score <= hits[i - 1].score);
    }
    atomic_fetch_add(&on->searches, 1);
}

static void *searcher(void *context) {
    stage *on = context;
    uint64_t seed = (uint64_t)(uintptr_t)pthread_self() | 1;
    uint64_t newest = 0;
    while (!atomic_load(&on->done)) {
        const floe_ann_view *view = floe_ann_store_view(on->store);
        uint64_t version = look(on, view, &seed);
        /* Views never go back in time. */
        expect(on, version >= newest);
        newest = version;
        search(on, view, &seed);
        search(on, view, &seed);
        floe_ann_view_release(&view);
    }
    return NULL;
}

static void *compactor(void *context) {
    stage *on = context;
    while (!atomic_load(&on->done)) {
        expect(on, !floe_failed(floe_ann_store_compact(on->store, NULL)));
        (void)floe_ann_store_compaction_due(on->store);
    }
    return NULL;
}

static void *writer(void *context) {
    stage *on = context;
    static model expected;
    uint64_t seed = 5;
    for (uint64_t version = 1; version <= ROUNDS; version++) {
        size_t from = BALLAST_FROM + random_below(&seed, BALLAST_TO - BALLAST_FROM);
        size_t to = from + random_below(&seed, BALLAST_TO - from);
        expect(on, !floe_failed(model_put(on->store, NULL, 0, MARKERS, version, NULL)));
        expect(on, !floe_failed(model_remove(on->store, &expected, from, to, NULL)));
        expect(on, !floe_failed(model_put(on->store, NULL, from, to, version, NULL)));
        if (version % 10 == 0) {
            expect(on, !floe_failed(floe_ann_store_commit(on->store, NULL)));
        }
    }
    /* Not before the others have seen something of it. */
    while (atomic_load(&on->searches) < 200) {
        (void)sched_yield();
    }
    atomic_store(&on->done, true);
    return NULL;
}

static void store__searched_while_it_changes__shows_whole_states_alone(void **state) {
    (void)state;
    scratch folder = scratch_open();
    stage on = {.store = store_open(folder.folder)};
    floe_error err = {0};
    pthread_t threads[SEARCHERS + 2];
    assert_ok(model_put(on.store, NULL, 0, BALLAST_TO, 0, &err), &err);
    assert_ok(floe_ann_store_compact(on.store, &err), &err);
    for (size_t i = 0; i < SEARCHERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, searcher, &on), 0);
    }
    assert_int_equal(pthread_create(&threads[SEARCHERS], NULL, compactor, &on), 0);
    assert_int_equal(pthread_create(&threads[SEARCHERS + 1], NULL, writer, &on), 0);
    for (size_t i = 0; i < SEARCHERS + 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    print_message("%lu searches\n", atomic_load(&on.searches));
    assert_int_equal(atomic_load(&on.failures), 0);
    /* The last state: every marker of the last version, every other id at some version. */
    model expected = {0};
    assert_ok(model_put(on.store, &expected, 0, MARKERS, ROUNDS, &err), &err);
    const floe_ann_view *view = floe_ann_store_view(on.store);
    for (size_t i = 0; i < MARKERS; i++) {
        uint32_t slot = 0;
        assert_true(floe_ann_view_find(view, model_id(i), &slot));
        assert_memory_equal(floe_ann_view_row(view, slot), expected.rows[i], sizeof(expected.rows[i]));
    }
    floe_ann_view_info info;
    floe_ann_view_describe(view, &info);
    assert_int_equal(info.alive, BALLAST_TO);
    floe_ann_view_release(&view);
    floe_ann_store_close(&on.store);
    scratch_close(&folder);
}

/* ---- one graph, many threads, different beams ---- */

typedef struct crowd {
    const floe_ann *ann;
    const vectors *made;
    atomic_uint failures;
} crowd;

/* Small and large k by turns, so that the beam is widened and narrowed while others search: nobody waits for ever, and every
 * answer has all its hits. */
static void *crowd_member(void *context) {
    crowd *in = context;
    uint64_t seed = (uint64_t)(uintptr_t)pthread_self() | 1;
    floe_ann_hit hits[500];
    for (size_t i = 0; i < 150; i++) {
        float query[16];
        size_t count = 0;
        const size_t ks[] = {1, 10, 100, 500};
        size_t k = ks[random_below(&seed, 4)];
        vectors_random_row(16, &seed, query);
        floe_ann_query asked = {.vector = query, .k = k};
        if (floe_failed(floe_ann_search(in->ann, &asked, hits, &count, NULL)) || count != k) {
            atomic_fetch_add(&in->failures, 1);
        }
    }
    return NULL;
}

static void search__many_threads_with_different_beams__all_come_through(void **state) {
    (void)state;
    vectors made = vectors_make(1500, 16, 70);
    floe_ann *ann = NULL;
    floe_error err = {0};
    pthread_t threads[4];
    floe_ann_options options = {.kind = FLOE_ANN_HNSW, .dim = 16, .thread_count = 2};
    floe_ann_vectors given = vectors_view(&made);
    assert_ok(floe_ann_build(&options, &given, &ann, &err), &err);
    crowd in = {.ann = ann, .made = &made};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, crowd_member, &in), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&in.failures), 0);
    floe_ann_close(&ann);
    vectors_free(&made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store__searched_while_it_changes__shows_whole_states_alone),
        cmocka_unit_test(search__many_threads_with_different_beams__all_come_through),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
