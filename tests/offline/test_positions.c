/*
 * Sets of row positions against a plain sorted array, on both sides of every border of their layout.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "offline/iceberg/positions.h"

static floe_arena arena;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(256));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

/* In two pieces, as a reader gets them. */
static floe_status make_in(floe_arena *place, const uint64_t *positions, size_t count, floe_positions *ret_set,
                           floe_error *err) {
    floe_positions_maker maker;
    const int64_t *rows = (const int64_t *)(const void *)positions;
    floe_positions_begin(&maker, place);
    FLOE_TRY(floe_positions_add(&maker, rows, count / 3, err));
    FLOE_TRY(floe_positions_add(&maker, rows + count / 3, count - count / 3, err));
    return floe_positions_end(&maker, ret_set, err);
}

static floe_positions make(const uint64_t *positions, size_t count) {
    floe_positions set = {0};
    floe_error err = {0};
    assert_ok(make_in(&arena, positions, count, &set, &err), &err);
    return set;
}

static bool has(const floe_positions *set, uint64_t position) {
    size_t hint = 0;
    return floe_positions_has(set, position, &hint);
}

static void set__of_nothing__holds_nothing(void **state) {
    (void)state;
    floe_positions set = make(NULL, 0);
    assert_int_equal(set.count, 0);
    assert_false(has(&set, 0));
    assert_false(has(&set, UINT64_MAX));
}

static void set__unsorted_with_doubles__counts_each_once(void **state) {
    (void)state;
    static const uint64_t POSITIONS[] = {7, 3, 65536, 3, 0, 65535, 7, INT64_MAX};
    floe_positions set = make(POSITIONS, 8);
    assert_int_equal(set.count, 6);
    for (size_t i = 0; i < 8; i++) {
        assert_true(has(&set, POSITIONS[i]));
    }
    assert_false(has(&set, 1));
    assert_false(has(&set, 65534));
    assert_false(has(&set, 65537));
    assert_false(has(&set, INT64_MAX - 1));
}

static void set__position_past_int64__is_corrupt(void **state) {
    (void)state;
    floe_positions set = {0};
    floe_error err = {0};
    uint64_t positions[] = {1, (uint64_t)INT64_MAX + 1};
    assert_code(make_in(&arena, positions, 2, &set, &err), FLOE_CORRUPT);
    assert_message(&err, "negative");
}

/* The list becomes bits when it passes FLOE_POSITION_LIST_MAX: both must answer alike around that border. */
static void set__around_the_border_of_lists_and_bits__answers_alike(void **state) {
    (void)state;
    for (uint64_t count = FLOE_POSITION_LIST_MAX - 1; count <= FLOE_POSITION_LIST_MAX + 1; count++) {
        uint64_t positions[FLOE_POSITION_LIST_MAX + 1];
        for (uint64_t i = 0; i < count; i++) {
            positions[i] = 65536 + i * 3;
        }
        floe_positions set = make(positions, count);
        assert_int_equal(set.block_count, 1);
        assert_int_equal(set.blocks[0].bits != NULL, count > FLOE_POSITION_LIST_MAX);
        for (uint64_t at = 65536; at < 65536 + count * 3; at++) {
            assert_int_equal(has(&set, at), (at - 65536) % 3 == 0);
        }
    }
}

static void set__a_whole_block__holds_all_of_it_and_no_neighbour(void **state) {
    (void)state;
    uint64_t *positions = floe_arena_alloc(&arena, FLOE_POSITION_BLOCK, sizeof(*positions));
    for (uint64_t i = 0; i < FLOE_POSITION_BLOCK; i++) {
        positions[i] = FLOE_POSITION_BLOCK + i;
    }
    floe_positions set = make(positions, FLOE_POSITION_BLOCK);
    assert_int_equal(set.count, FLOE_POSITION_BLOCK);
    assert_false(has(&set, FLOE_POSITION_BLOCK - 1));
    assert_true(has(&set, FLOE_POSITION_BLOCK));
    assert_true(has(&set, 2 * FLOE_POSITION_BLOCK - 1));
    assert_false(has(&set, 2 * FLOE_POSITION_BLOCK));
}

/* A hint of another set or another place never changes an answer. */
static void has__any_hint__is_only_a_hint(void **state) {
    (void)state;
    static const uint64_t POSITIONS[] = {5, 70000, 140000};
    floe_positions set = make(POSITIONS, 3);
    for (size_t start = 0; start < 6; start++) {
        size_t hint = start;
        assert_true(floe_positions_has(&set, 70000, &hint));
        hint = start;
        assert_false(floe_positions_has(&set, 300000, &hint));
        assert_true(floe_positions_has(&set, 5, &hint));
    }
}

static bool oracle(const uint64_t *positions, size_t count, uint64_t position) {
    for (size_t i = 0; i < count; i++) {
        if (positions[i] == position) {
            return true;
        }
    }
    return false;
}

static void set__random__is_a_sorted_array(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 60; round++) {
        uint64_t positions[400];
        size_t count = floe_test_next(&rng) % 400;
        uint64_t span = UINT64_C(1) << (4 + floe_test_next(&rng) % 40);
        for (size_t i = 0; i < count; i++) {
            positions[i] = floe_test_next(&rng) % span;
        }
        floe_positions set = make(positions, count);
        size_t hint = 0;
        int64_t rows[500];
        bool alive[500];
        for (size_t i = 0; i < 500; i++) {
            uint64_t asked = i < count ? positions[i] + i % 2 : floe_test_next(&rng) % span;
            assert_int_equal(floe_positions_has(&set, asked, &hint), oracle(positions, count, asked));
            rows[i] = (int64_t)asked;
        }
        floe_positions_keep(&set, rows, 500, alive);
        for (size_t i = 0; i < 500; i++) {
            assert_int_equal(alive[i], !oracle(positions, count, (uint64_t)rows[i]));
        }
    }
}

/* Rows as scans ask for them, counting up from anywhere, with or without some left out, against asking one by one. */
static void assert_kept(const floe_positions *set, const int64_t *rows, size_t count) {
    bool alive[2048 + 8];
    memset(alive, 2, sizeof(alive));
    floe_positions_keep(set, rows, count, alive);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(alive[i], !has(set, (uint64_t)rows[i]));
    }
    for (size_t i = count; i < count + 8; i++) { /* nothing is written behind the rows */
        assert_int_equal(((const unsigned char *)alive)[i], 2);
    }
}

static size_t rows_from(floe_test_rng *rng, uint64_t first, size_t count, unsigned left_out, int64_t *rows) {
    size_t kept = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (left_out == 0 || floe_test_next(rng) % left_out != 0) {
            rows[kept++] = (int64_t)(first + i);
        }
    }
    return kept;
}

static void keep__rows_that_count_up__are_asked_as_one_by_one(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 300; round++) {
        uint64_t positions[3000];
        int64_t rows[2048];
        static const uint64_t SPANS[] = {500, 70000, 200000, 3000000};
        static const unsigned LEFT_OUT[] = {0, 0, 2, 40, 2000};
        uint64_t span = SPANS[floe_test_next(&rng) % 4];
        size_t count = 1 + floe_test_next(&rng) % 3000;
        for (size_t i = 0; i < count; i++) {
            positions[i] = floe_test_next(&rng) % span;
        }
        floe_positions set = make(positions, count);
        for (int i = 0; i < 4; i++) {
            uint64_t first = i == 0 ? 65536 - floe_test_next(&rng) % 2048 : floe_test_next(&rng) % (span + 3000);
            size_t asked = floe_test_next(&rng) % 2049;
            assert_kept(&set, rows, rows_from(&rng, first, asked, LEFT_OUT[floe_test_next(&rng) % 5], rows));
        }
        floe_arena_reset(&arena);
    }
}

/* The last rows of a block, whose bits end there, and rows that go back. */
static void keep__ends_of_blocks_and_rows_in_no_order__are_asked_as_one_by_one(void **state) {
    (void)state;
    uint64_t *positions = floe_arena_alloc(&arena, FLOE_POSITION_BLOCK, sizeof(*positions));
    int64_t rows[2048];
    for (uint64_t i = 0; i < FLOE_POSITION_BLOCK / 2; i++) {
        positions[i] = i * 2 + 1;
    }
    floe_positions set = make(positions, FLOE_POSITION_BLOCK / 2);
    for (uint64_t first = 65536 - 130; first < 65540; first++) {
        floe_test_rng rng = floe_test_rng_of(1);
        assert_kept(&set, rows, rows_from(&rng, first, 200, 0, rows));
        for (size_t i = 0; i < 100; i++) { /* The first and the last are as if they counted up. */
            int64_t row = rows[i + 20];
            rows[i + 20] = rows[179 - i];
            rows[179 - i] = row;
        }
        assert_kept(&set, rows, 200);
    }
}

static void make__a_position_many_times__takes_no_room_of_its_own(void **state) {
    (void)state;
    FLOE_AUTO_ARENA small = {0};
    floe_arena_init(&small, FLOE_KIB(64));
    floe_positions_maker maker;
    floe_positions set = {0};
    floe_error err = {0};
    floe_positions_begin(&maker, &small);
    for (int i = 0; i < 10000; i++) {
        const int64_t rows[] = {3, 70000, 5, 3};
        assert_ok(floe_positions_add(&maker, rows, 4, &err), &err);
    }
    assert_ok(floe_positions_end(&maker, &set, &err), &err);
    assert_int_equal(set.count, 3);
    assert_int_equal(set.block_count, 2);
}

static floe_status make_spread(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA scarce = {0};
    floe_arena_init(&scarce, FLOE_MIB(16));
    uint64_t positions[200];
    floe_positions set = {0};
    for (uint64_t i = 0; i < 200; i++) {
        positions[i] = i * i * 3; /* blocks with many and with few */
    }
    return make_in(&scarce, positions, 200, &set, err);
}

static void make__no_memory__is_said_each_time(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(make_spread, NULL) > 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(set__of_nothing__holds_nothing),
        T(set__unsorted_with_doubles__counts_each_once),
        T(set__position_past_int64__is_corrupt),
        T(set__around_the_border_of_lists_and_bits__answers_alike),
        T(set__a_whole_block__holds_all_of_it_and_no_neighbour),
        T(has__any_hint__is_only_a_hint),
        T(set__random__is_a_sorted_array),
        T(keep__rows_that_count_up__are_asked_as_one_by_one),
        T(keep__ends_of_blocks_and_rows_in_no_order__are_asked_as_one_by_one),
        T(make__a_position_many_times__takes_no_room_of_its_own),
        T(make__no_memory__is_said_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
