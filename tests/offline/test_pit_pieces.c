/*
 * Answers by pieces: of random worlds, whatever columns and labels a piece has and from however many threads they are asked for,
 * they are those of the stream, which the oracle judges elsewhere, also where both are read back from a file; where there are
 * none the stream is all there is.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "tests/offline/pit_world.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const floe_pit_options plain = {0};

/* Without the outputs that are lists. */
static void ask_numbers(world *w) {
    size_t kept = 0;
    for (size_t i = 0; i < w->ref_count; i++) {
        if (w->refs[i].output->type.kind != FLOE_KIND_LIST) {
            w->refs[kept++] = w->refs[i];
        }
    }
    w->ref_count = kept;
}

static floe_pit *run_world(world *w, const floe_pit_options *options, floe_test_rng *rng) {
    floe_error err = {0};
    floe_pit *pit = NULL;
    size_t count;
    assert_ok(floe_pit_open(w->refs, w->ref_count, options, &pit, &err), &err);
    FLOE_AUTO_STREAM labels = {0};
    assert_ok(world_labels(w, false, &labels, &err), &err);
    assert_ok(floe_pit_labels(pit, &labels, &err), &err);
    const floe_pit_need *needs = floe_pit_needs(pit, &count);
    for (size_t i = 0; i < count; i++) {
        FLOE_AUTO_STREAM rows = {0};
        assert_ok(world_rows(w, &needs[i], world_shuffled(w, rng), w->row_count, &rows, &err), &err);
        assert_ok(floe_pit_feed_stream(pit, i, &rows, &err), &err);
    }
    assert_ok(floe_pit_run(pit, NULL, &err), &err);
    return pit;
}

static floe_value *stream_answers(world *w, floe_pit *pit) {
    floe_error err = {0};
    floe_value *answers;
    FLOE_AUTO_STREAM stream = {0};
    assert_ok(floe_pit_stream(pit, &stream, &err), &err);
    assert_ok(world_read(w, &stream, &answers, &err), &err);
    return answers;
}

static bool is_same(const floe_value *a, const floe_value *b) {
    bool real = a->type.kind == FLOE_KIND_DOUBLE || a->type.kind == FLOE_KIND_FLOAT;
    return a->is_null == b->is_null && (a->is_null || (real ? memcmp(&a->as.real, &b->as.real, sizeof(double)) == 0
                                                            : floe_value_compare(a, b) == 0));
}

/* What a thread holds against the stream: pieces drawn from its own generator. */
typedef struct asker {
    const world *w;
    const floe_pit_pieces *pieces;
    const floe_value *want;
    struct ArrowSchema *schema;
    uint64_t seed;
    int failures;
} asker;

static int count_wrong(const asker *a, const floe_pit_piece *piece, const struct ArrowArray *batch) {
    int wrong = batch->length != (int64_t)piece->label_count || batch->n_children != (int64_t)piece->column_count;
    struct ArrowSchema schema = *a->schema;
    schema.children += piece->first_column;
    schema.n_children = (int64_t)piece->column_count;
    for (size_t c = 0; c < piece->column_count && !wrong; c++) {
        floe_arrow_view view;
        floe_error err = {0};
        wrong += floe_failed(floe_arrow_view_of(&schema, batch, (int64_t)c, &view, &err));
        for (size_t l = 0; l < piece->label_count && !wrong; l++) {
            floe_value got;
            wrong += floe_failed(floe_arrow_get(&view, (int64_t)l, NULL, &got, &err));
            size_t column = piece->first_column + c, label = piece->first_label + l;
            wrong += !is_same(&got, &a->want[column * a->w->label_count + label]);
        }
    }
    return wrong;
}

static void *ask_pieces(void *context) {
    asker *a = context;
    floe_test_rng rng = floe_test_rng_of(a->seed);
    for (int i = 0; i < 60; i++) {
        floe_error err = {0};
        FLOE_AUTO_ARRAY batch = {0};
        floe_pit_piece piece = {0};
        piece.first_column = floe_test_below(&rng, a->w->ref_count);
        piece.column_count = 1 + floe_test_below(&rng, a->w->ref_count - piece.first_column);
        piece.first_label = floe_test_below(&rng, a->w->label_count + 1);
        piece.label_count = floe_test_below(&rng, a->w->label_count - piece.first_label + 1);
        bool failed = floe_failed(floe_pit_pieces_get(a->pieces, &piece, &batch, &err));
        a->failures += failed ? 1 : count_wrong(a, &piece, &batch);
    }
    return NULL;
}

static void check_world(world *w, const floe_pit_options *options, int threads, uint64_t seed) {
    floe_error err = {0};
    floe_test_rng rng = floe_test_rng_of(seed);
    floe_pit *pit = run_world(w, options, &rng);
    FLOE_CLEANUP(floe_pit_pieces_close) floe_pit_pieces *pieces = NULL;
    FLOE_AUTO_SCHEMA schema = {0};
    floe_value *want = stream_answers(w, pit);
    size_t count;
    assert_ok(floe_pit_pieces_open(pit, &pieces, &err), &err);
    assert_non_null(pieces);
    const floe_column *columns = floe_pit_pieces_columns(pieces, &count);
    assert_int_equal(count, w->ref_count);
    assert_ok(floe_arrow_schema_make(columns, count, &schema, &err), &err);
    asker askers[4];
    pthread_t others[4];
    for (int i = 0; i < threads; i++) {
        askers[i] = (asker){w, pieces, want, &schema, seed * 100 + (uint64_t)i, 0};
        assert_int_equal(pthread_create(&others[i], NULL, ask_pieces, &askers[i]), 0);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(others[i], NULL);
        if (askers[i].failures > 0) {
            fail_msg("seed %llu: %d pieces are not what the stream gives", (unsigned long long)seed,
                     askers[i].failures);
        }
    }
    floe_pit_pieces_close(&pieces);
    floe_pit_close(&pit);
}

static void pieces__random_worlds__are_what_the_stream_gives(void **state) {
    (void)state;
    size_t checked = 0;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        world w;
        world_init(&w);
        world_random(&w, seed);
        ask_numbers(&w);
        if (w.ref_count > 0 && w.label_count > 0) {
            check_world(&w, &plain, 1 + (int)(seed % 4), seed);
            const floe_pit_options spilling = {.spill_folder = floe_test_temp_dir()};
            check_world(&w, &spilling, 1 + (int)(seed % 4), seed);
            checked++;
        }
        world_close(&w);
    }
    assert_true(checked > 100);
}

/* More labels than a piece of any user, every type of column, keys that no row has, labels without a time. */
static void pieces__many_labels__are_what_the_stream_gives(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_test_rng rng = floe_test_rng_of(7);
    floe_view *view = world_view(&w, "v", false);
    for (int column = WORLD_I; column < WORLD_COLUMNS; column++) {
        world_output(&w, view, FLOE_FN_NONE, column, 0);
    }
    world_output(&w, view, FLOE_FN_COUNT, WORLD_I, 50);
    world_output(&w, view, FLOE_FN_SUM, WORLD_M, 50);
    world_output(&w, view, FLOE_FN_MIN, WORLD_S, 50);
    world_output(&w, view, FLOE_FN_MAX, WORLD_D, 0);
    world_ask_all(&w);
    for (int i = 0; i < 3000; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", (int)floe_test_below(&rng, 40));
        world_row *row = world_add_row(&w, floe_arena_strdup(&w.arena, key), 0, floe_test_between(&rng, 0, 1000));
        world_set_i(row, floe_test_between(&rng, -9, 9));
        world_set_d(row, (double)floe_test_between(&rng, -9, 9) / 4);
        world_set_s(&w, row, floe_test_below(&rng, 2) ? "a" : "");
        world_set_m(row, floe_test_between(&rng, -900, 900));
    }
    for (int i = 0; i < 10000; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", (int)floe_test_below(&rng, 45));
        int64_t time = i % 97 == 0 ? WORLD_NULL_TIME : floe_test_between(&rng, -10, 1010);
        world_add_label(&w, floe_arena_strdup(&w.arena, key), 0, time);
    }
    check_world(&w, &plain, 4, 7);
    check_world(&w, &(floe_pit_options){.spill_folder = floe_test_temp_dir()}, 4, 7); /* several stretches of labels */
    world_close(&w);
}

static void pieces__a_list_among_the_answers__there_are_none(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_test_rng rng = floe_test_rng_of(3);
    floe_view *view = world_view(&w, "v", false);
    world_output(&w, view, FLOE_FN_COUNT, WORLD_I, 10);
    world_parameter(world_output(&w, view, FLOE_FN_LAST_K, WORLD_I, 10), 2, 0);
    world_ask_all(&w);
    world_set_i(world_add_row(&w, "a", 0, 5), 1);
    world_add_label(&w, "a", 0, 6);
    floe_error err = {0};
    floe_pit *pit = run_world(&w, &plain, &rng);
    floe_pit_pieces *pieces = NULL;
    assert_ok(floe_pit_pieces_open(pit, &pieces, &err), &err);
    assert_null(pieces);
    floe_value *answers = stream_answers(&w, pit);
    assert_int_equal(answers[0].as.integer, 1);
    assert_int_equal(answers[1].as.list.count, 1);
    floe_pit_close(&pit);
    world_close(&w);
}

static void pieces__newest_rows__there_are_none(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_error err = {0};
    floe_view *view = world_view(&w, "v", false);
    world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
    world_ask_all(&w);
    floe_pit *pit = NULL;
    assert_ok(floe_pit_open(w.refs, w.ref_count, &(floe_pit_options){.newest = true}, &pit, &err), &err);
    assert_ok(floe_pit_labels_newest(pit, 100, &err), &err);
    assert_ok(floe_pit_run(pit, NULL, &err), &err);
    floe_pit_pieces *pieces = NULL;
    assert_ok(floe_pit_pieces_open(pit, &pieces, &err), &err);
    assert_null(pieces);
    floe_pit_close(&pit);
    world_close(&w);
}

static uint64_t readback_bytes(world *w, const char *spill_folder, uint64_t memory_bytes, int threads) {
    const floe_pit_options options = {.spill_folder = spill_folder, .memory_bytes = memory_bytes, .threads = threads};
    floe_test_rng rng = floe_test_rng_of(4);
    floe_pit *pit = run_world(w, &options, &rng);
    uint64_t bytes = floe_pit_readback_bytes(pit);
    floe_pit_close(&pit);
    return bytes;
}

/* What is set aside for them is missing to whoever writes, so it is what threads use, and of little memory a part. */
static void pieces__written_down__take_what_threads_use(void **state) {
    (void)state;
    world w;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    world_output(&w, view, FLOE_FN_COUNT, WORLD_I, 10);
    world_ask_all(&w);
    world_set_i(world_add_row(&w, "a", 0, 5), 1);
    for (int64_t i = 0; i < 5000; i++) {
        world_add_label(&w, "a", 0, i);
    }
    const char *folder = floe_test_temp_dir();
    uint64_t one = readback_bytes(&w, folder, FLOE_GIB(1), 1);
    assert_in_range(one, 1, FLOE_MIB(1));
    assert_int_equal(readback_bytes(&w, folder, FLOE_GIB(1), 3), 3 * one);
    assert_int_equal(readback_bytes(&w, folder, 8000, 3), 1000);
    assert_int_equal(readback_bytes(&w, NULL, 0, 3), 0);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces__random_worlds__are_what_the_stream_gives),
        cmocka_unit_test(pieces__many_labels__are_what_the_stream_gives),
        cmocka_unit_test(pieces__a_list_among_the_answers__there_are_none),
        cmocka_unit_test(pieces__newest_rows__there_are_none),
        cmocka_unit_test(pieces__written_down__take_what_threads_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
