/*
 * Questions that spill: rows and answers that lie in a file give what the rule says and what memory gives, cell for cell,
 * however little of them is held at once and by however many threads; and blocks come back as they were written.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/memory/spill.h"
#include "tests/offline/pit_world.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* ---- blocks ---- */

#define BLOCKS 60

/* What a thread writes, and reads back when others have written too. */
typedef struct writer {
    pit_spill *spill;
    uint64_t seed;
    int failures;
} writer;

static size_t fill_block(floe_test_rng *rng, uint8_t *bytes, size_t room) {
    size_t len = 1 + floe_test_below(rng, floe_test_below(rng, 4) == 0 ? room : 2000);
    bool noise = floe_test_below(rng, 2) == 0; /* which does not get smaller */
    for (size_t i = 0; i < len; i++) {
        bytes[i] = noise ? (uint8_t)floe_test_below(rng, 256) : (uint8_t)(i / 100);
    }
    return len;
}

static void *write_and_read(void *context) {
    writer *w = context;
    static const size_t room_len = 600000; /* more than a thread's own contexts pack */
    pit_block blocks[BLOCKS];
    pit_spill_room room = {0};
    floe_error err = {0};
    uint8_t *bytes = malloc(room_len);
    floe_test_rng rng = floe_test_rng_of(w->seed), again = floe_test_rng_of(w->seed);
    for (int i = 0; i < BLOCKS && bytes; i++) {
        size_t len = fill_block(&rng, bytes, room_len);
        w->failures += floe_failed(floe_pit_spill_write(w->spill, bytes, len, &room, &blocks[i], &err));
    }
    for (int i = 0; i < BLOCKS && bytes && w->failures == 0; i++) {
        const uint8_t *back = NULL;
        size_t len = fill_block(&again, bytes, room_len);
        w->failures += floe_failed(floe_pit_spill_read(w->spill, &blocks[i], &room, &back, &err)) ||
                       blocks[i].len != len || memcmp(back, bytes, len) != 0;
    }
    free(bytes);
    floe_pit_spill_room_close(&room);
    return NULL;
}

static void spill__blocks_of_several_threads__come_back(void **state) {
    (void)state;
    floe_error err = {0};
    pit_spill *spill = NULL;
    assert_ok(floe_pit_spill_open(floe_test_temp_dir(), &spill, &err), &err);
    writer writers[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        writers[i] = (writer){spill, (uint64_t)i + 1, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_read, &writers[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(writers[i].failures, 0);
    }
    floe_pit_spill_close(&spill);
    assert_null(spill);
}

static void spill__its_file__has_no_name(void **state) {
    (void)state;
    floe_error err = {0};
    pit_spill *spill = NULL;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_KIB(64));
    const char *folder = floe_test_temp_dir(), *const * names;
    size_t count;
    assert_ok(floe_pit_spill_open(folder, &spill, &err), &err);
    assert_ok(floe_file_list(folder, &arena, &names, &count, &err), &err);
    assert_int_equal(count, 0);
    floe_pit_spill_close(&spill);
}

static void spill__no_such_folder__is_named(void **state) {
    (void)state;
    floe_error err = {0};
    pit_spill *spill = NULL;
    assert_int_equal(floe_pit_spill_open("/nowhere/at/all", &spill, &err).code, FLOE_IO);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    assert_null(spill);
}

/* A file may grow to a megabyte and no further. */
static void spill__no_room__names_the_place_and_what_to_do(void **state) {
    (void)state;
    floe_error err = {0};
    pit_spill *spill = NULL;
    pit_spill_room room = {0};
    pit_block block;
    struct rlimit before, little = {1 << 20, 1 << 20};
    floe_test_rng rng = floe_test_rng_of(1);
    static uint8_t noise[300000];
    for (size_t i = 0; i < sizeof(noise); i++) {
        noise[i] = (uint8_t)floe_test_below(&rng, 256);
    }
    const char *folder = floe_test_temp_dir();
    assert_ok(floe_pit_spill_open(folder, &spill, &err), &err);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    little.rlim_max = before.rlim_max;
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    floe_status status = FLOE_OK;
    size_t written = 0;
    while (!floe_failed(status) && written < 10) {
        status = floe_pit_spill_write(spill, noise, sizeof(noise), &room, &block, &err);
        written++;
    }
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status.code, FLOE_IO);
    assert_int_equal(written, 4); /* three are 900,000 bytes that do not get smaller */
    assert_non_null(strstr(err.message, folder));
    assert_non_null(strstr(err.message, "TMPDIR"));
    floe_pit_spill_room_close(&room);
    floe_pit_spill_close(&spill);
}

static void spill__a_block_that_is_not_there__is_corrupt(void **state) {
    (void)state;
    floe_error err = {0};
    pit_spill *spill = NULL;
    pit_spill_room room = {0};
    pit_block block;
    const uint8_t *back;
    assert_ok(floe_pit_spill_open(floe_test_temp_dir(), &spill, &err), &err);
    assert_ok(floe_pit_spill_write(spill, "some rows", 9, &room, &block, &err), &err);
    pit_block beyond = block, longer = block, shifted = block;
    beyond.at += 1000;
    longer.len++;
    shifted.at++;
    shifted.packed_len--;
    assert_int_equal(floe_pit_spill_read(spill, &beyond, &room, &back, &err).code, FLOE_CORRUPT);
    floe_error_clear(&err);
    assert_int_equal(floe_pit_spill_read(spill, &longer, &room, &back, &err).code, FLOE_CORRUPT);
    floe_error_clear(&err);
    assert_int_equal(floe_pit_spill_read(spill, &shifted, &room, &back, &err).code, FLOE_CORRUPT);
    floe_error_clear(&err);
    assert_ok(floe_pit_spill_read(spill, &block, &room, &back, &err), &err);
    assert_memory_equal(back, "some rows", 9);
    floe_pit_spill_room_close(&room);
    floe_pit_spill_close(&spill);
}

/* ---- questions ---- */

/* As of, windows, all time; filters, keys of two columns and events before: what the random worlds are made of. FLOE_PIT_CASES makes
 * a long run, FLOE_SEED repeats one. */
static void pit__random_worlds_that_spill__are_the_rule(void **state) {
    (void)state;
    const char *folder = floe_test_temp_dir();
    const char *cases_text = getenv("FLOE_PIT_CASES");
    uint64_t cases = cases_text ? strtoull(cases_text, NULL, 10) : 240, first = floe_test_seed();
    size_t checked = 0;
    for (uint64_t seed = first; seed < first + cases; seed++) {
        world w;
        world_init(&w);
        world_random(&w, seed);
        world_ask_no_lists(&w);
        const floe_pit_options options = {.as_known = seed % 3 == 0,
                                          .ignore_at = seed % 5 == 0,
                                          .spill_folder = folder,
                                          .memory_bytes = seed % 2 ? 0 : FLOE_GIB(1),
                                          .run_bytes = seed % 3 ? 0 : FLOE_GIB(1),
                                          .answers_bytes = seed % 4 == 0   ? 0
                                                           : seed % 4 == 1 ? 4000
                                                                           : FLOE_GIB(1)};
        if (w.ref_count > 0) {
            world_check(&w, &options, 1 + (int)(seed % 4), seed);
            checked++;
        }
        world_close(&w);
    }
    assert_true(checked > cases * 5 / 6);
}

/* One key has a third of all rows; others have labels and no rows, or rows and no labels. */
static void make_large(world *w, uint64_t seed) {
    floe_test_rng rng = floe_test_rng_of(seed);
    world_init(w);
    floe_view *view = world_view(w, "v", false), *pair = world_view(w, "p", true), *some = world_view(w, "s", false);
    pair->at_before = true;
    world_where(w, some, "i > 0");
    for (int column = WORLD_I; column < WORLD_COLUMNS; column++) {
        world_output(w, view, FLOE_FN_NONE, column, 0);
    }
    world_output(w, view, FLOE_FN_SUM, WORLD_D, 50);
    world_output(w, view, FLOE_FN_STDDEV, WORLD_D, 500);
    world_output(w, view, FLOE_FN_COUNT_DISTINCT, WORLD_S, 50);
    world_output(w, pair, FLOE_FN_MIN, WORLD_S, 50);
    world_output(w, pair, FLOE_FN_MAX, WORLD_D, 0);
    world_output(w, pair, FLOE_FN_LAST, WORLD_M, 0);
    world_output(w, some, FLOE_FN_COUNT, WORLD_I, 20);
    world_output(w, some, FLOE_FN_NONE, WORLD_X, 0);
    world_ask_all(w);
    for (int i = 0; i < 60000; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", floe_test_below(&rng, 3) == 0 ? 7 : (int)floe_test_below(&rng, 900));
        world_row *row = world_add_row(w, floe_arena_strdup(&w->arena, key), floe_test_between(&rng, 0, 2),
                                       floe_test_between(&rng, 0, 2000));
        world_set_i(row, floe_test_between(&rng, -9, 9));
        world_set_d(row, (double)floe_test_between(&rng, -99, 99) / 8);
        world_set_s(w, row, floe_test_below(&rng, 2) ? "a" : "bcd");
        world_set_m(row, floe_test_between(&rng, -900, 900));
        row->created = row->event + floe_test_between(&rng, 0, 9);
    }
    for (int i = 0; i < 12000; i++) {
        char key[8];
        snprintf(key, sizeof(key), "%d", floe_test_below(&rng, 5) == 0 ? 7 : (int)floe_test_below(&rng, 1100));
        int64_t time = i % 97 == 0 ? WORLD_NULL_TIME : floe_test_between(&rng, -10, 2010);
        world_add_label(w, i % 89 == 0 ? NULL : floe_arena_strdup(&w->arena, key), floe_test_between(&rng, 0, 3), time);
    }
}

static void assert_answers_equal(const world *w, const floe_value *got, const floe_value *want) {
    for (size_t c = 0; c < w->ref_count; c++) {
        for (size_t label = 0; label < w->label_count; label++) {
            const floe_value *a = &got[c * w->label_count + label], *b = &want[c * w->label_count + label];
            bool real = a->type.kind == FLOE_KIND_DOUBLE || a->type.kind == FLOE_KIND_FLOAT;
            bool same =
                a->is_null == b->is_null && (a->is_null || (real ? memcmp(&a->as.real, &b->as.real, sizeof(double)) == 0
                                                                 : floe_value_compare(a, b) == 0));
            if (!same) {
                world_fail(w, &w->refs[c], label, a, b, "memory", 0);
            }
        }
    }
}

/* While rows come in, while they are answered, for answers. */
typedef struct spill_room {
    uint64_t memory, run, answers;
} spill_room;

/* Memory for one part at a time, for some, and for all; answers that are written down, kept, or some of each. */
static void pit__many_rows_that_spill__give_what_memory_gives(void **state) {
    (void)state;
    static const spill_room rooms[] = {{0, 0, 0},
                                       {3000000, 0, 0},
                                       {FLOE_GIB(1), 0, 0},
                                       {0, FLOE_GIB(1), FLOE_GIB(1)},
                                       {3000000, 6000000, 400000},
                                       {2500000, FLOE_GIB(1), 400000},
                                       {FLOE_GIB(1), 1, FLOE_GIB(1)}};
    const char *folder = floe_test_temp_dir();
    for (int known = 0; known < 2; known++) {
        world w;
        floe_error err = {0};
        floe_value *want, *got;
        floe_pit_stats all, stats;
        make_large(&w, 11 + (uint64_t)known);
        floe_pit_options options = {.as_known = known == 1};
        assert_ok(world_run(&w, &options, 2, 5, &want, &all, &err), &err);
        for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
            options.spill_folder = folder;
            options.memory_bytes = rooms[i].memory;
            options.run_bytes = rooms[i].run;
            options.answers_bytes = rooms[i].answers;
            assert_ok(world_run(&w, &options, 1 + (int)i % 3, 6 + i, &got, &stats, &err), &err);
            assert_answers_equal(&w, got, want);
            assert_int_equal(stats.ties, all.ties);
            assert_int_equal(stats.rows_fed, all.rows_fed);
            assert_int_equal(stats.label_count, all.label_count);
        }
        world_close(&w);
    }
}

/* Where the file may have no byte, a question does that has memory for all of its rows and answers, and none that lacks it for either. */
static void pit__what_fits__is_not_written_down(void **state) {
    (void)state;
    static const spill_room rooms[] = {
        {FLOE_GIB(1), 1, FLOE_GIB(1)}, {FLOE_GIB(1), 1, 0}, {0, FLOE_GIB(1), FLOE_GIB(1)}};
    const char *folder = floe_test_temp_dir();
    struct rlimit before, none;
    world w;
    make_large(&w, 13);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none = (struct rlimit){0, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (size_t i = 0; i < sizeof(rooms) / sizeof(rooms[0]); i++) {
        floe_error err = {0};
        floe_value *got;
        floe_pit_stats stats;
        const floe_pit_options options = {.spill_folder = folder,
                                          .memory_bytes = rooms[i].memory,
                                          .run_bytes = rooms[i].run,
                                          .answers_bytes = rooms[i].answers};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
        floe_status status = world_run(&w, &options, 2, 6, &got, &stats, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(status.code, i == 0 ? FLOE_CODE_OK : FLOE_IO);
    }
    (void)signal(SIGXFSZ, handler);
    world_close(&w);
}

static void pit__no_rows_and_no_labels__spill_too(void **state) {
    (void)state;
    for (int labels = 0; labels < 2; labels++) {
        world w;
        world_init(&w);
        floe_view *view = world_view(&w, "v", false);
        world_output(&w, view, FLOE_FN_COUNT, WORLD_I, 10);
        world_output(&w, view, FLOE_FN_NONE, WORLD_I, 0);
        world_ask_all(&w);
        if (labels > 0) {
            world_add_label(&w, "a", 0, 5);
        }
        world_check(&w, &(floe_pit_options){.spill_folder = floe_test_temp_dir()}, 2, 1);
        world_close(&w);
    }
}

static void pit__a_list_that_is_to_spill__is_refused(void **state) {
    (void)state;
    world w;
    floe_error err = {0};
    floe_pit *pit = NULL;
    world_init(&w);
    floe_view *view = world_view(&w, "v", false);
    world_parameter(world_output(&w, view, FLOE_FN_LAST_K, WORLD_I, 10), 2, 0);
    world_ask_all(&w);
    assert_false(floe_pit_may_spill(w.refs, w.ref_count));
    const floe_pit_options options = {.spill_folder = floe_test_temp_dir()};
    assert_int_equal(floe_pit_open(w.refs, w.ref_count, &options, &pit, &err).code, FLOE_INVALID);
    assert_non_null(strstr(err.message, "lists"));
    assert_null(pit);
    world_close(&w);
}

static void pit__a_folder_that_is_not_there__fails_before_any_work(void **state) {
    (void)state;
    world w;
    floe_error err = {0};
    floe_pit *pit = NULL;
    world_init(&w);
    world_output(&w, world_view(&w, "v", false), FLOE_FN_COUNT, WORLD_I, 10);
    world_ask_all(&w);
    const floe_pit_options options = {.spill_folder = "/nowhere/at/all"};
    assert_int_equal(floe_pit_open(w.refs, w.ref_count, &options, &pit, &err).code, FLOE_IO);
    assert_null(pit);
    world_close(&w);
}

/* Every allocation fails once: what comes is NOMEM, never other answers. */
static void pit__no_memory_at_any_point__is_said(void **state) {
    (void)state;
    world w;
    floe_error err = {0};
    floe_value *want, *got;
    const floe_pit_options options = {.spill_folder = floe_test_temp_dir()};
    world_init(&w);
    world_random(&w, 4);
    world_ask_no_lists(&w);
    assert_true(w.ref_count > 0);
    assert_ok(world_run(&w, &options, 1, 1, &want, NULL, &err), &err);
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        floe_error_clear(&err);
        floe_mem_fail_at(nth);
        floe_status status = world_run(&w, &options, 1, 1, &got, NULL, &err);
        floe_mem_fail_off();
        done = !floe_failed(status);
        if (done) {
            assert_answers_equal(&w, got, want);
        } else {
            assert_int_equal(status.code, FLOE_NOMEM);
        }
    }
    world_close(&w);
}

static void pit__cancelled_while_it_spills__ends(void **state) {
    (void)state;
    world w;
    floe_error err = {0};
    floe_pit *pit = NULL;
    make_large(&w, 3);
    const floe_pit_options options = {.spill_folder = floe_test_temp_dir()};
    assert_ok(floe_pit_open(w.refs, w.ref_count, &options, &pit, &err), &err);
    {
        FLOE_AUTO_STREAM labels = {0};
        assert_ok(world_labels(&w, false, &labels, &err), &err);
        assert_ok(floe_pit_labels(pit, &labels, &err), &err);
    }
    assert_true(floe_pit_spills(pit));
    assert_true(floe_pit_label_bytes(pit) > 12000 * 12); /* A time and a number each, at the least. */
    atomic_bool cancelled = true;
    assert_int_equal(floe_pit_run(pit, &(floe_run){.cancelled = &cancelled}, &err).code, FLOE_CANCELLED);
    floe_pit_close(&pit);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spill__blocks_of_several_threads__come_back),
        cmocka_unit_test(spill__its_file__has_no_name),
        cmocka_unit_test(spill__no_such_folder__is_named),
        cmocka_unit_test(spill__no_room__names_the_place_and_what_to_do),
        cmocka_unit_test(spill__a_block_that_is_not_there__is_corrupt),
        cmocka_unit_test(pit__random_worlds_that_spill__are_the_rule),
        cmocka_unit_test(pit__what_fits__is_not_written_down),
        cmocka_unit_test(pit__many_rows_that_spill__give_what_memory_gives),
        cmocka_unit_test(pit__no_rows_and_no_labels__spill_too),
        cmocka_unit_test(pit__a_list_that_is_to_spill__is_refused),
        cmocka_unit_test(pit__a_folder_that_is_not_there__fails_before_any_work),
        cmocka_unit_test(pit__no_memory_at_any_point__is_said),
        cmocka_unit_test(pit__cancelled_while_it_spills__ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
