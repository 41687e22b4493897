/* The store: what was put is found, what was removed or replaced is not, through joins, commits, compactions and reopening. */
#include "core/mem.h"
#include "tests/vector/ann/store_help.h"

#include <math.h>

#include <sys/stat.h>
#include <unistd.h>

/* ---- one step at a time ---- */

static void put__new_ids__are_found_at_once_and_not_in_older_views(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model before = {0}, after = {0};
    floe_error err = {0};
    const floe_ann_view *old = floe_ann_store_view(store);
    assert_ok(model_put(store, &after, 0, 20, 1, &err), &err);
    assert_true(model_is(old, &before));
    assert_store_is(store, &after);
    floe_ann_view_release(&old);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

static void put__same_id_again__replaces_it_in_new_views_alone(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model first = {0};
    floe_error err = {0};
    assert_ok(model_put(store, &first, 0, 20, 1, &err), &err);
    model second = first;
    const floe_ann_view *old = floe_ann_store_view(store);
    assert_ok(model_put(store, &second, 5, 7, 2, &err), &err);
    assert_true(model_is(old, &first));
    assert_store_is(store, &second);
    floe_ann_view_release(&old);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

/* Nothing to write, so nothing is written. */
static void put__the_same_vectors_again__changes_nothing(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model expected = {0};
    floe_error err = {0};
    assert_ok(model_put(store, &expected, 0, 20, 1, &err), &err);
    const floe_ann_view *before = floe_ann_store_view(store);
    assert_ok(model_put(store, &expected, 0, 20, 1, &err), &err);
    const floe_ann_view *after = floe_ann_store_view(store);
    assert_ptr_equal(before, after);
    floe_ann_view_release(&before);
    floe_ann_view_release(&after);
    /* Half of it old, half new. */
    assert_ok(model_put(store, &expected, 10, 30, 1, &err), &err);
    assert_store_is(store, &expected);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

static void put__one_bad_vector__puts_none(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model nothing = {0};
    floe_error err = {0};
    uint64_t ids[2] = {1, 2};
    float rows[2 * MODEL_DIM] = {1};
    floe_ann_vectors given = {ids, rows, 2};
    assert_fails(floe_ann_store_put(store, &given, &err), &err, FLOE_INVALID);
    assert_message_has(&err, "id 2");
    assert_store_is(store, &nothing);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

/* One by one, n vectors lie in at most 1 + log2(n) parts. */
static void put__one_by_one__keeps_few_parts(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model expected = {0};
    floe_error err = {0};
    for (size_t i = 0; i < MODEL_IDS; i++) {
        assert_ok(model_put(store, &expected, i, i + 1, 1, &err), &err);
        const floe_ann_view *view = floe_ann_store_view(store);
        floe_ann_view_info info;
        floe_ann_view_describe(view, &info);
        assert_true(info.parts <= 9);
        floe_ann_view_release(&view);
    }
    assert_store_is(store, &expected);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

/* ---- searching a view ---- */

/* Asked with others at once, a question has the answer that it has alone. */
static void ask_batch(const floe_ann_view *view, const float *query, size_t k, const uint64_t *bits,
                      const floe_ann_hit *alone, size_t alone_count) {
    float other[MODEL_DIM] = {1};
    const float *asked[] = {other, query, other};
    floe_ann_hit hits[3 * 40];
    size_t counts[3];
    floe_error err = {0};
    floe_ann_batch batch = {asked, 3, hits, counts};
    assert_ok(floe_ann_view_search_batch(view, &(floe_ann_query){.k = k, .allowed = bits}, &batch, &err), &err);
    assert_int_equal(counts[1], alone_count);
    assert_memory_equal(hits + k, alone, alone_count * sizeof(*alone));
    assert_int_equal(counts[0], counts[2]);
    assert_memory_equal(hits, hits + 2 * k, counts[0] * sizeof(*hits));
}

static void ask_everything(const floe_ann_view *view, const model *expected, uint64_t *seed) {
    vectors all = model_vectors(expected);
    floe_ann_view_info info;
    floe_ann_view_describe(view, &info);
    assert_int_equal(info.slot_count % 64, 0);
    uint64_t *bits = test_calloc(info.slot_count / 64 + 1, sizeof(uint64_t));
    uint32_t *list = test_malloc((info.slot_count + 1) * sizeof(uint32_t));
    size_t listed = 0;
    bool may[MODEL_IDS] = {0};
    for (size_t i = 0; i < all.count; i++) {
        uint32_t slot = 0;
        uint64_t id = 0;
        assert_true(floe_ann_view_find(view, all.ids[i], &slot));
        assert_true(floe_ann_view_id(view, slot, &id) && id == all.ids[i]);
        may[i] = random_below(seed, 3) == 0;
        bits[slot / 64] |= (uint64_t)may[i] << (slot % 64);
    }
    /* Dead and empty slots may be asked for; they are never found. */
    for (uint32_t slot = 0; slot < info.slot_count; slot++) {
        uint64_t id = 0;
        bool is_alive = floe_ann_view_id(view, slot, &id);
        bool is_allowed = (bits[slot / 64] >> (slot % 64) & 1) != 0;
        if (!is_alive) {
            bits[slot / 64] |= UINT64_C(1) << (slot % 64);
        }
        if (!is_alive || is_allowed) {
            list[listed++] = slot;
        }
    }
    float query[MODEL_DIM];
    vectors_random_row(MODEL_DIM, seed, query);
    floe_ann_hit hits[40];
    size_t count = 0;
    size_t k = 1 + random_below(seed, 40);
    floe_error err = {0};
    assert_ok(floe_ann_view_search(view, &(floe_ann_query){.vector = query, .k = k}, hits, &count, &err), &err);
    (void)oracle_check(&all, query, NULL, k, hits, count);
    assert_ok(
        floe_ann_view_search(view, &(floe_ann_query){.vector = query, .k = k, .allowed = bits}, hits, &count, &err),
        &err);
    assert_int_equal(oracle_check(&all, query, may, k, hits, count), count);
    ask_batch(view, query, k, bits, hits, count);
    floe_ann_query among = {.vector = query, .k = k, .candidates = list, .candidate_count = listed};
    assert_ok(floe_ann_view_search(view, &among, hits, &count, &err), &err);
    assert_int_equal(oracle_check(&all, query, may, k, hits, count), count);
    test_free(bits);
    test_free(list);
    vectors_free(&all);
}

static void view_search__wrong_question__is_refused(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    floe_error err = {0};
    float query[MODEL_DIM] = {1};
    uint32_t none = 0;
    floe_ann_hit hit;
    size_t count = 0;
    const floe_ann_view *view = floe_ann_store_view(store);
    assert_ok(floe_ann_view_search(view, &(floe_ann_query){.vector = query, .k = 1}, &hit, &count, &err), &err);
    assert_int_equal(count, 0);
    floe_ann_query asked = {.vector = query, .k = 1, .candidates = &none, .candidate_count = 1};
    assert_fails(floe_ann_view_search(view, &asked, &hit, &count, &err), &err, FLOE_INVALID);
    floe_ann_view_release(&view);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

static void view_search_batch__wrong_question__is_refused(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    const float query[MODEL_DIM] = {1};
    const float wrong[MODEL_DIM] = {NAN};
    const float *questions[FLOE_ANN_BATCH_MAX + 1];
    static floe_ann_hit hits[FLOE_ANN_BATCH_MAX];
    size_t counts[FLOE_ANN_BATCH_MAX];
    uint64_t bits[1] = {0};
    for (size_t i = 0; i <= FLOE_ANN_BATCH_MAX; i++) {
        questions[i] = query;
    }
    const floe_ann_view *view = floe_ann_store_view(store);
    floe_ann_query asked = {.k = 1, .allowed = bits};
    floe_ann_batch batch = {questions, FLOE_ANN_BATCH_MAX, hits, counts};
    floe_error err = {0}, many = {0}, none = {0}, everything = {0}, nan = {0};
    assert_ok(floe_ann_view_search_batch(view, &asked, &batch, &err), &err);
    assert_int_equal(counts[0] + counts[FLOE_ANN_BATCH_MAX - 1], 0);
    batch.count = FLOE_ANN_BATCH_MAX + 1;
    assert_fails(floe_ann_view_search_batch(view, &asked, &batch, &many), &many, FLOE_INVALID);
    batch.count = 0;
    assert_fails(floe_ann_view_search_batch(view, &asked, &batch, &none), &none, FLOE_INVALID);
    batch.count = 1;
    floe_ann_query unfiltered = {.k = 1};
    assert_fails(floe_ann_view_search_batch(view, &unfiltered, &batch, &everything), &everything, FLOE_INVALID);
    questions[0] = wrong;
    assert_fails(floe_ann_view_search_batch(view, &asked, &batch, &nan), &nan, FLOE_INVALID);
    floe_ann_view_release(&view);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

/* ---- everything in any order ---- */

static void step(floe_ann_store **store, const char *folder, model *expected, model *committed, uint64_t *seed) {
    floe_error err = {0};
    size_t from = random_below(seed, MODEL_IDS);
    size_t to = from + 1 + random_below(seed, MODEL_IDS - from);
    to = random_below(seed, 3) == 0 ? to : from + 1 + (to - from) / 20;
    switch (random_below(seed, 10)) {
    case 0:
    case 1:
    case 2:
    case 3:
        assert_ok(model_put(*store, expected, from, to, random_below(seed, 4), &err), &err);
        break;
    case 4:
    case 5:
        assert_ok(model_remove(*store, expected, from, to, &err), &err);
        break;
    case 6:
        assert_ok(floe_ann_store_compact(*store, &err), &err);
        break;
    case 7:
    case 8:
        assert_ok(floe_ann_store_commit(*store, &err), &err);
        *committed = *expected;
        break;
    default:
        floe_ann_store_close(store);
        *store = store_open(folder);
        *expected = *committed;
        break;
    }
}

static void store__random_changes__is_the_model_at_every_step(void **state) {
    (void)state;
    for (uint64_t round = 1; round <= 6; round++) {
        scratch folder = scratch_open();
        floe_ann_store *store = store_open(folder.folder);
        static model expected, committed;
        expected = (model){0};
        committed = (model){0};
        uint64_t seed = round * 977;
        print_message("seed %llu\n", (unsigned long long)seed);
        for (size_t i = 0; i < 120; i++) {
            step(&store, folder.folder, &expected, &committed, &seed);
            const floe_ann_view *view = floe_ann_store_view(store);
            assert_true(model_is(view, &expected));
            ask_everything(view, &expected, &seed);
            floe_ann_view_release(&view);
        }
        floe_ann_store_close(&store);
        scratch_close(&folder);
    }
}

/* ---- durability ---- */

static void commit__then_reopen__is_what_was_committed(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model committed = {0};
    floe_error err = {0};
    assert_ok(model_put(store, &committed, 0, 200, 1, &err), &err);
    assert_ok(floe_ann_store_compact(store, &err), &err);
    assert_ok(model_put(store, &committed, 150, 210, 2, &err), &err);
    assert_ok(model_remove(store, &committed, 10, 30, &err), &err);
    assert_ok(floe_ann_store_commit(store, &err), &err);
    model lost = committed;
    assert_ok(model_put(store, &lost, 0, 50, 3, &err), &err);
    floe_ann_store_close(&store);
    assert_committed_is(folder.folder, &committed);
    scratch_close(&folder);
}

static void commit__after_compaction__removes_the_files_of_old_parts(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model expected = {0};
    floe_error err = {0};
    for (size_t i = 0; i < 6; i++) {
        assert_ok(model_put(store, &expected, i * 40, i * 40 + (40 >> i), 1, &err), &err);
        assert_ok(floe_ann_store_commit(store, &err), &err);
    }
    assert_ok(floe_ann_store_compact(store, &err), &err);
    assert_ok(floe_ann_store_commit(store, &err), &err);
    /* `current`, `lock` and one part. */
    assert_int_equal(count_entries(folder.folder), 3);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

static void view_open__after_each_commit__is_what_was_committed_last(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *writer = store_open(folder.folder);
    const floe_ann_view *old = NULL;
    floe_error err = {0}, missing = {0};
    model expected = {0};
    floe_ann_options options = model_options();
    assert_fails(floe_ann_view_open(folder.folder, &options, &old, &missing), &missing, FLOE_NOT_FOUND);
    assert_ok(model_put(writer, &expected, 0, 150, 1, &err), &err);
    assert_ok(floe_ann_store_commit(writer, &err), &err);
    assert_ok(floe_ann_view_open(folder.folder, &options, &old, &err), &err);
    model before = expected;
    assert_ok(model_remove(writer, &expected, 3, 60, &err), &err);
    assert_committed_is(folder.folder, &before);
    assert_ok(floe_ann_store_compact(writer, &err), &err);
    assert_ok(floe_ann_store_commit(writer, &err), &err);
    assert_committed_is(folder.folder, &expected);
    /* Empty and full again: no number of a part comes twice. */
    assert_ok(model_remove(writer, &expected, 0, MODEL_IDS, &err), &err);
    assert_ok(floe_ann_store_compact(writer, &err), &err);
    assert_ok(floe_ann_store_commit(writer, &err), &err);
    assert_committed_is(folder.folder, &expected);
    floe_ann_store_close(&writer);
    writer = store_open(folder.folder);
    assert_ok(model_put(writer, &expected, 0, 150, 9, &err), &err);
    assert_ok(floe_ann_store_commit(writer, &err), &err);
    assert_committed_is(folder.folder, &expected);
    /* What was opened before has not changed, though its files are gone. */
    assert_true(model_is(old, &before));
    floe_ann_view_release(&old);
    floe_ann_store_close(&writer);
    scratch_close(&folder);
}

static void open__what_a_killed_writer_left__is_removed(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model expected = {0};
    floe_error err = {0};
    assert_ok(model_put(store, &expected, 0, 9, 1, &err), &err);
    assert_ok(floe_ann_store_commit(store, &err), &err);
    floe_ann_store_close(&store);
    scratch_put(&folder, "part-77.ann", "half", 4);
    scratch_put(&folder, "part-78.ann.123-0.tmp", "", 0);
    scratch_put(&folder, "notes.txt", "mine", 4);
    store = store_open(folder.folder);
    assert_store_is(store, &expected);
    assert_int_equal(access(scratch_path(&folder, "part-77.ann"), F_OK), -1);
    assert_int_equal(access(scratch_path(&folder, "part-78.ann.123-0.tmp"), F_OK), -1);
    assert_true(scratch_holds(&folder, "notes.txt", "mine", 4));
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

/* ---- what is refused ---- */

static void open__second_writer_or_another_model__is_conflict(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    floe_ann_store *other = NULL;
    const floe_ann_view *view = NULL;
    model expected = {0};
    floe_error err = {0}, second = {0}, model_err = {0}, dim_err = {0};
    floe_ann_options options = model_options();
    assert_fails(floe_ann_store_open(folder.folder, &options, &other, &second), &second, FLOE_UNAVAILABLE);
    assert_ok(model_put(store, &expected, 0, 9, 1, &err), &err);
    assert_ok(floe_ann_store_commit(store, &err), &err);
    options.fingerprint = FLOE_STR("test/2");
    assert_fails(floe_ann_view_open(folder.folder, &options, &view, &model_err), &model_err, FLOE_CONFLICT);
    assert_message_has(&model_err, "test/1");
    options = model_options();
    options.dim = 13;
    assert_fails(floe_ann_view_open(folder.folder, &options, &view, &dim_err), &dim_err, FLOE_CONFLICT);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

static void open__manifest_or_part_damaged__is_corrupt(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model expected = {0};
    floe_error err = {0};
    assert_ok(model_put(store, &expected, 0, 70, 1, &err), &err);
    assert_ok(model_remove(store, &expected, 0, 5, &err), &err);
    assert_ok(floe_ann_store_commit(store, &err), &err);
    floe_ann_store_close(&store);
    char bytes[400];
    const floe_ann_view *view = NULL;
    FILE *file = fopen(scratch_path(&folder, "current"), "rb");
    size_t len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    floe_ann_options options = model_options();
    for (size_t at = 0; at <= len; at++) {
        floe_error damaged = {0}, cut = {0};
        bytes[at] ^= 16;
        scratch_put(&folder, "current", bytes, at < len ? len : len + 1);
        assert_fails(floe_ann_view_open(folder.folder, &options, &view, &damaged), &damaged, FLOE_CORRUPT);
        bytes[at] ^= 16;
        scratch_put(&folder, "current", bytes, at < len ? at : len - 1);
        assert_fails(floe_ann_view_open(folder.folder, &options, &view, &cut), &cut, FLOE_CORRUPT);
    }
    scratch_put(&folder, "current", bytes, len);
    scratch_put(&folder, "part-1.ann", "nothing", 7);
    floe_error part = {0}, gone = {0};
    assert_fails(floe_ann_store_open(folder.folder, &options, &store, &part), &part, FLOE_CORRUPT);
    assert_int_equal(unlink(scratch_path(&folder, "part-1.ann")), 0);
    assert_fails(floe_ann_view_open(folder.folder, &options, &view, &gone), &gone, FLOE_CORRUPT);
    assert_null(store);
    assert_null(view);
    scratch_close(&folder);
}

/* Where the caller wants a scan, rows are never too scattered for it; only dead ones are a reason. */
static void compaction_due__of_a_scan__is_for_dead_rows_alone(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = NULL;
    floe_error err = {0};
    floe_ann_options options = model_options();
    options.kind = FLOE_ANN_SCAN;
    assert_ok(floe_ann_store_open(folder.folder, &options, &store, &err), &err);
    vectors many = vectors_make(4200, MODEL_DIM, 3);
    floe_ann_vectors given = vectors_view(&many);
    assert_ok(floe_ann_store_put(store, &given, &err), &err);
    assert_false(floe_ann_store_compaction_due(store));
    assert_ok(floe_ann_store_remove(store, many.ids, 900, &err), &err);
    assert_true(floe_ann_store_compaction_due(store));
    assert_ok(floe_ann_store_compact(store, &err), &err);
    assert_false(floe_ann_store_compaction_due(store));
    vectors_free(&many);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

static void compaction_due__dead_or_scattered__says_so(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_ann_store *store = store_open(folder.folder);
    model expected = {0};
    floe_error err = {0};
    assert_false(floe_ann_store_compaction_due(store));
    assert_ok(model_put(store, &expected, 0, 200, 1, &err), &err);
    assert_false(floe_ann_store_compaction_due(store));
    assert_ok(model_remove(store, &expected, 0, 40, &err), &err);
    assert_false(floe_ann_store_compaction_due(store));
    assert_ok(model_remove(store, &expected, 40, 41, &err), &err);
    assert_true(floe_ann_store_compaction_due(store));
    assert_ok(floe_ann_store_compact(store, &err), &err);
    assert_false(floe_ann_store_compaction_due(store));
    /* More than 4,096 rows outside of a graph, where a graph is wanted from 100 on. */
    vectors many = vectors_make(4200, MODEL_DIM, 3);
    floe_ann_vectors given = vectors_view(&many);
    assert_ok(floe_ann_store_put(store, &given, &err), &err);
    assert_true(floe_ann_store_compaction_due(store));
    assert_ok(floe_ann_store_compact(store, &err), &err);
    assert_false(floe_ann_store_compaction_due(store));
    vectors_free(&many);
    floe_ann_store_close(&store);
    scratch_close(&folder);
}

/* ---- memory ---- */

/* A life of a store; what it holds at its end is `after` when all went well, else what was there before or a step of it. */
static floe_status life(const char *folder, floe_error *err) {
    FLOE_CLEANUP(floe_ann_store_close) floe_ann_store *store = NULL;
    FLOE_CLEANUP(floe_ann_view_release) const floe_ann_view *view = NULL;
    FLOE_CLEANUP(floe_ann_view_release) const floe_ann_view *wider = NULL;
    floe_ann_options options = model_options();
    const float query[MODEL_DIM] = {1};
    floe_ann_hit hits[5];
    size_t count = 0;
    model expected = {0};
    FLOE_TRY(floe_ann_store_open(folder, &options, &store, err));
    FLOE_TRY(model_put(store, &expected, 0, 110, 5, err));
    FLOE_TRY(floe_ann_store_compact(store, err));
    FLOE_TRY(model_put(store, &expected, 100, 114, 6, err));
    FLOE_TRY(model_remove(store, &expected, 3, 9, err));
    FLOE_TRY(floe_ann_store_commit(store, err));
    FLOE_TRY(floe_ann_view_open(folder, &options, &view, err));
    uint64_t id = 1;
    floe_ann_vectors more = {&id, query, 1};
    FLOE_TRY(floe_ann_view_extend(view, &more, &wider, err));
    uint64_t bits[5] = {7, 0, 0, 0, 0};
    floe_ann_query asked = {.vector = query, .k = 5, .allowed = bits};
    FLOE_TRY(floe_ann_view_search(wider, &asked, hits, &count, err));
    const float *questions[] = {query};
    floe_ann_batch batch = {questions, 1, hits, &count};
    return floe_ann_view_search_batch(wider, &asked, &batch, err);
}

static void store__any_allocation_fails__is_nomem_and_the_store_stays_whole(void **state) {
    (void)state;
    scratch folder = scratch_open();
    uint64_t nth = 1;
    for (;; nth++) {
        floe_error err = {0};
        floe_mem_fail_at(nth);
        floe_status status = life(folder.folder, &err);
        floe_mem_fail_off();
        floe_ann_store *store = store_open(folder.folder);
        floe_ann_store_close(&store);
        if (!floe_failed(status)) {
            break;
        }
        assert_fails(status, &err, FLOE_NOMEM);
    }
    assert_true(nth > 40);
    scratch_close(&folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(put__new_ids__are_found_at_once_and_not_in_older_views),
        cmocka_unit_test(put__same_id_again__replaces_it_in_new_views_alone),
        cmocka_unit_test(put__the_same_vectors_again__changes_nothing),
        cmocka_unit_test(put__one_bad_vector__puts_none),
        cmocka_unit_test(put__one_by_one__keeps_few_parts),
        cmocka_unit_test(view_search__wrong_question__is_refused),
        cmocka_unit_test(view_search_batch__wrong_question__is_refused),
        cmocka_unit_test(store__random_changes__is_the_model_at_every_step),
        cmocka_unit_test(commit__then_reopen__is_what_was_committed),
        cmocka_unit_test(commit__after_compaction__removes_the_files_of_old_parts),
        cmocka_unit_test(view_open__after_each_commit__is_what_was_committed_last),
        cmocka_unit_test(open__what_a_killed_writer_left__is_removed),
        cmocka_unit_test(open__second_writer_or_another_model__is_conflict),
        cmocka_unit_test(open__manifest_or_part_damaged__is_corrupt),
        cmocka_unit_test(compaction_due__dead_or_scattered__says_so),
        cmocka_unit_test(compaction_due__of_a_scan__is_for_dead_rows_alone),
        cmocka_unit_test(store__any_allocation_fails__is_nomem_and_the_store_stays_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
