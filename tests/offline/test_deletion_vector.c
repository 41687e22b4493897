/*
 * Deletion vectors: the blobs that Iceberg's own tests hold, every kind of container, every promise broken.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "offline/iceberg/deletion_vector.h"
#include "tests/offline/dv_support.h"

static floe_arena arena;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(512));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static bool has(const floe_positions *set, uint64_t position) {
    size_t hint = 0;
    return floe_positions_has(set, position, &hint);
}

static floe_positions decode(const void *bytes, size_t len) {
    floe_positions set = {0};
    floe_error err = {0};
    assert_ok(floe_deletion_vector_decode((floe_str){bytes, len}, &arena, &set, &err), &err);
    return set;
}

static void refused(const floe_buf *blob, const char *part) {
    floe_positions set = {0};
    floe_error err = {0};
    assert_code(floe_deletion_vector_decode(floe_buf_view(blob), &arena, &set, &err), FLOE_CORRUPT);
    assert_message(&err, part);
    assert_int_equal(set.count, 0);
}

/* ---- blobs of apache/iceberg, core/src/test/resources/org/apache/iceberg/deletes; what they hold stands in
 * TestBitmapPositionDeleteIndex ---- */

static void golden__empty(void **state) {
    (void)state;
    static const uint8_t BLOB[] = {0, 0, 0, 0x0c, 0xd1, 0xd3, 0x39, 0x64, 0,    0,
                                   0, 0, 0, 0,    0,    0,    0xbf, 0x18, 0x48, 0x0c};
    assert_int_equal(decode(BLOB, sizeof(BLOB)).count, 0);
}

static void golden__small_alternating_values(void **state) {
    (void)state;
    static const uint8_t BLOB[] = {0x00, 0x00, 0x00, 0x2a, 0xd1, 0xd3, 0x39, 0x64, 0x01, 0x00, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x30, 0x00, 0x00, 0x01, 0x00,
                                   0x00, 0x00, 0x00, 0x00, 0x04, 0x00, 0x10, 0x00, 0x00, 0x00, 0x01, 0x00, 0x03,
                                   0x00, 0x05, 0x00, 0x07, 0x00, 0x09, 0x00, 0xb3, 0xfb, 0x20, 0xbe};
    floe_positions set = decode(BLOB, sizeof(BLOB));
    assert_int_equal(set.count, 5);
    for (uint64_t i = 0; i < 12; i++) {
        assert_int_equal(has(&set, i), i % 2 == 1 && i <= 9);
    }
}

static void golden__small_and_large_values(void **state) {
    (void)state;
    static const uint8_t BLOB[] = {0x00, 0x00, 0x00, 0x30, 0xd1, 0xd3, 0x39, 0x64, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x3a, 0x30, 0x00, 0x00, 0x02, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0x01, 0x00, 0x00, 0x80, 0x01, 0x00, 0x18, 0x00, 0x00, 0x00, 0x1c, 0x00,
                                   0x00, 0x00, 0x64, 0x00, 0x65, 0x00, 0x63, 0x00, 0x64, 0x00, 0x15, 0xeb, 0x1c, 0x7c};
    floe_positions set = decode(BLOB, sizeof(BLOB));
    assert_int_equal(set.count, 4);
    assert_true(has(&set, 100) && has(&set, 101));
    assert_true(has(&set, INT32_MAX + UINT64_C(100)) && has(&set, INT32_MAX + UINT64_C(101)));
    assert_false(has(&set, 99) || has(&set, 102) || has(&set, INT32_MAX + UINT64_C(102)));
}

static void golden__all_container_types(void **state) {
    (void)state;
    static const uint8_t BLOB[] = {0x00, 0x00, 0x00, 0x56, 0xd1, 0xd3, 0x39, 0x64, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00,
                                   0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x3b, 0x30, 0x02, 0x00, 0x06, 0x00, 0x00, 0x01,
                                   0x00, 0x01, 0x00, 0xe6, 0x03, 0x02, 0x00, 0xfd, 0xff, 0x05, 0x00, 0x07, 0x00, 0x01,
                                   0x00, 0x01, 0x00, 0xe6, 0x03, 0x01, 0x00, 0x01, 0x00, 0xfd, 0xff, 0x01, 0x00, 0x00,
                                   0x00, 0x3b, 0x30, 0x02, 0x00, 0x06, 0x00, 0x00, 0x01, 0x00, 0x01, 0x00, 0xe9, 0x01,
                                   0x02, 0x00, 0xfd, 0xff, 0x0a, 0x00, 0x14, 0x00, 0x01, 0x00, 0x0a, 0x00, 0xe9, 0x01,
                                   0x01, 0x00, 0x01, 0x00, 0xfd, 0xff, 0xc8, 0x9b, 0xe3, 0x97};
    floe_positions set = decode(BLOB, sizeof(BLOB));
    const uint64_t second = UINT64_C(1) << 32;
    /* The ranges of the test are half open: [1, 1000), [1, 65535), [10, 500). */
    assert_int_equal(set.count, 2 + 999 + 65534 + 2 + 490 + 65534);
    assert_true(has(&set, 5) && has(&set, 7) && !has(&set, 6));
    assert_true(!has(&set, 65536) && has(&set, 65537) && has(&set, 65536 + 999) && !has(&set, 65536 + 1000));
    assert_true(!has(&set, 131072) && has(&set, 131073) && has(&set, 131072 + 65534) && !has(&set, 131072 + 65535));
    assert_true(has(&set, second + 10) && has(&set, second + 20) && !has(&set, second + 5));
    assert_true(has(&set, second + 65536 + 10) && has(&set, second + 65536 + 499) && !has(&set, second + 65536 + 500));
    assert_true(has(&set, second + 131072 + 65534) && !has(&set, second + 131072 + 65535));
}

/* ---- any positions ---- */

static void check_round_trip(const uint64_t *positions, size_t count, bool with_runs, uint64_t span,
                             floe_test_rng *rng) {
    FLOE_AUTO_BUF blob = {0};
    floe_buf_init(&blob, FLOE_MIB(64));
    dv_encode(positions, count, with_runs, &blob);
    floe_positions set = decode(blob.ptr, blob.len);
    assert_int_equal(set.count, count);
    size_t at = 0;
    size_t hint = 0;
    for (size_t i = 0; i < count; i++) {
        assert_true(floe_positions_has(&set, positions[i], &hint));
        bool next_too = i + 1 < count && positions[i + 1] == positions[i] + 1;
        assert_int_equal(floe_positions_has(&set, positions[i] + 1, &hint), next_too);
    }
    for (int i = 0; i < 200; i++) {
        uint64_t asked = floe_test_below(rng, span);
        for (at = 0; at < count && positions[at] < asked; at++) {
        }
        assert_int_equal(has(&set, asked), at < count && positions[at] == asked);
    }
}

static void random__lists_bitmaps_and_runs__come_back(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    uint64_t *positions = floe_arena_alloc(&arena, 30000, sizeof(*positions));
    for (int round = 0; round < 60; round++) {
        uint64_t step = 1 + floe_test_below(&rng, UINT64_C(1) << floe_test_below(&rng, 24));
        size_t count = floe_test_below(&rng, round % 4 == 0 ? 30000 : 500);
        uint64_t at = 0;
        for (size_t i = 0; i < count; i++) {
            at += 1 + floe_test_below(&rng, step);
            positions[i] = at;
        }
        check_round_trip(positions, count, round % 2 == 0, at + 2, &rng);
    }
}

static void layout__three_and_four_runs_containers__with_and_without_offsets(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(1);
    static const uint64_t POSITIONS[] = {1, 65537, 131073, 196609, 262145};
    for (size_t count = 1; count <= 5; count++) {
        check_round_trip(POSITIONS, count, true, 300000, &rng);
        check_round_trip(POSITIONS, count, false, 300000, &rng);
    }
}

static void layout__largest_position__is_held(void **state) {
    (void)state;
    FLOE_AUTO_BUF blob = {0};
    floe_buf_init(&blob, FLOE_MIB(1));
    static const uint64_t POSITIONS[] = {INT64_MAX};
    dv_encode(POSITIONS, 1, false, &blob);
    floe_positions set = decode(blob.ptr, blob.len);
    assert_true(has(&set, INT64_MAX));
    assert_int_equal(set.count, 1);
}

/* ---- damage ---- */

static void damage__frame__is_named(void **state) {
    (void)state;
    static const uint64_t POSITIONS[] = {1, 2, 70000};
    static const struct {
        size_t at;
        const char *part;
    } CASES[] = {
        {0, "says it is"}, {3, "says it is"}, {4, "does not begin with D1 D3 39 64"}, {9, "checksum is wrong"}};
    FLOE_AUTO_BUF blob = {0};
    floe_buf_init(&blob, FLOE_MIB(1));
    dv_encode(POSITIONS, 3, false, &blob);
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        blob.ptr[CASES[i].at] = (char)(blob.ptr[CASES[i].at] ^ 1);
        refused(&blob, CASES[i].part);
        blob.ptr[CASES[i].at] = (char)(blob.ptr[CASES[i].at] ^ 1);
    }
    blob.ptr[blob.len - 1] = (char)(blob.ptr[blob.len - 1] ^ 1);
    refused(&blob, "checksum is wrong");
}

static void damage__any_length_cut__is_corrupt(void **state) {
    (void)state;
    static const uint64_t POSITIONS[] = {1, 2, 70000, UINT64_C(1) << 33};
    FLOE_AUTO_BUF blob = {0};
    floe_buf_init(&blob, FLOE_MIB(1));
    dv_encode(POSITIONS, 4, true, &blob);
    for (size_t len = 0; len < blob.len; len++) {
        floe_positions set = {0};
        floe_error err = {0};
        assert_code(floe_deletion_vector_decode((floe_str){blob.ptr, len}, &arena, &set, &err), FLOE_CORRUPT);
    }
}

/* A whole blob around a body that was written by hand: count of bitmaps, key, cookie, … */
static void framed(const uint8_t *body, size_t len, const char *part) {
    FLOE_AUTO_BUF blob = {0};
    floe_buf_init(&blob, FLOE_MIB(1));
    dv_frame((floe_str){(const char *)body, len}, &blob);
    refused(&blob, part);
}

#define ONE 1, 0, 0, 0, 0, 0, 0, 0
#define TWO 2, 0, 0, 0, 0, 0, 0, 0
#define KEY(n) (n), 0, 0, 0
#define PLAIN(n) 0x3a, 0x30, 0, 0, (n), 0, 0, 0
#define FRAMED(part, ...)                                                                                              \
    do {                                                                                                               \
        static const uint8_t BODY[] = {__VA_ARGS__};                                                                   \
        framed(BODY, sizeof(BODY), part);                                                                              \
    } while (0)

static void damage__bitmaps__are_refused(void **state) {
    (void)state;
    FRAMED("no cookie", ONE, KEY(0), 0x3c, 0x30, 0, 0, 0, 0, 0, 0);
    FRAMED("are left", ONE, KEY(0), PLAIN(1)); /* no heads */
    FRAMED("containers", ONE, KEY(0), 0x3a, 0x30, 0, 0, 1, 0, 1, 0);
    FRAMED("4 bytes follow", ONE, KEY(0), PLAIN(0), 9, 9, 9, 9);
    FRAMED("keys of the bitmaps", TWO, KEY(5), PLAIN(0), KEY(5), PLAIN(0));
    FRAMED("keys of the bitmaps", TWO, KEY(5), PLAIN(0), KEY(4), PLAIN(0));
    FRAMED("pass 2^31", ONE, 0, 0, 0, 0x80, PLAIN(0));
    FRAMED("are left", 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF);
}

static void damage__containers__are_refused(void **state) {
    (void)state;
    /* Heads are key and count - 1; offsets follow, 4 bytes each. */
    FRAMED("items of a container do not ascend", ONE, KEY(0), PLAIN(1), 0, 0, 1, 0, 0, 0, 0, 0, 7, 0, 7, 0);
    FRAMED("items of a container do not ascend", ONE, KEY(0), PLAIN(1), 0, 0, 1, 0, 0, 0, 0, 0, 7, 0, 6, 0);
    FRAMED("keys of the containers", ONE, KEY(0), PLAIN(2), 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 7, 0);
    FRAMED("are left", ONE, KEY(0), PLAIN(1), 0, 0, 1, 0, 0, 0, 0, 0, 7, 0);
    FRAMED("are left", ONE, KEY(0), PLAIN(1), 0, 0, 0, 0x10, 0, 0, 0, 0, 7, 0); /* 4097 items: a bitmap of 8192 bytes */
    /* Runs: cookie with one container, flags, head, count of runs, start and length - 1. */
    FRAMED("runs of a container", ONE, KEY(0), 0x3b, 0x30, 0, 0, 1, 0, 0, 1, 0, 1, 0, 5, 0, 9, 0);
    FRAMED("head says", ONE, KEY(0), 0x3b, 0x30, 0, 0, 1, 0, 0, 9, 0, 1, 0, 5, 0, 1, 0);
    FRAMED("runs of a container", ONE, KEY(0), 0x3b, 0x30, 0, 0, 1, 0, 0, 3, 0, 2, 0, 5, 0, 1, 0, 6, 0, 1, 0);
    FRAMED("runs of a container", ONE, KEY(0), 0x3b, 0x30, 0, 0, 1, 0, 0, 1, 0, 1, 0, 0xFF, 0xFF, 1, 0);
}

static void damage__bitmap_container_with_another_count__is_refused(void **state) {
    (void)state;
    FLOE_AUTO_BUF body = {0};
    FLOE_AUTO_BUF blob = {0};
    floe_buf_init(&body, FLOE_MIB(1));
    floe_buf_init(&blob, FLOE_MIB(1));
    static const uint8_t HEAD[] = {ONE, KEY(0), PLAIN(1), 0, 0, 0x87, 0x13, 0, 0, 0, 0}; /* 5000 items */
    floe_buf_append(&body, HEAD, sizeof(HEAD));
    for (int i = 0; i < 8192; i++) {
        floe_buf_byte(&body, i < 625 ? 0xFF : 0); /* 5000 bits */
    }
    dv_frame(floe_buf_view(&body), &blob);
    assert_int_equal(decode(blob.ptr, blob.len).count, 5000);
    body.ptr[body.len - 1] = 1;
    floe_buf_clear(&blob);
    dv_frame(floe_buf_view(&body), &blob);
    refused(&blob, "holds 5001 items, its head says 5000");
}

static void slice__outside_of_the_file__is_corrupt(void **state) {
    (void)state;
    static const struct {
        int64_t offset, len;
        bool inside;
    } CASES[] = {{0, 10, true},         {10, 0, true},         {3, 7, true},   {0, 11, false},
                 {11, 0, false},        {-1, 3, false},        {3, -1, false}, {INT64_MAX, 1, false},
                 {1, INT64_MAX, false}, {INT64_MIN, 0, false}, {5, 6, false}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        floe_str blob = {0};
        floe_error err = {0};
        floe_status status =
            floe_deletion_vector_slice(FLOE_STR("0123456789"), CASES[i].offset, CASES[i].len, &blob, &err);
        assert_int_equal(status.code, CASES[i].inside ? FLOE_CODE_OK : FLOE_CORRUPT);
        assert_int_equal(blob.len, CASES[i].inside ? (size_t)CASES[i].len : 0);
    }
}

static floe_status decode_scarce(void *context, floe_error *err) {
    FLOE_AUTO_ARENA scarce = {0};
    floe_positions set = {0};
    floe_arena_init(&scarce, FLOE_MIB(16));
    return floe_deletion_vector_decode(floe_buf_view(context), &scarce, &set, err);
}

static void decode__no_memory__is_said_each_time(void **state) {
    (void)state;
    FLOE_AUTO_BUF blob = {0};
    floe_buf_init(&blob, FLOE_MIB(1));
    static const uint64_t POSITIONS[] = {1, 70000, 140000, UINT64_C(1) << 33};
    dv_encode(POSITIONS, 4, false, &blob);
    assert_true(floe_test_alloc_sweep(decode_scarce, &blob) > 0);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(golden__empty),
        T(golden__small_alternating_values),
        T(golden__small_and_large_values),
        T(golden__all_container_types),
        T(random__lists_bitmaps_and_runs__come_back),
        T(layout__three_and_four_runs_containers__with_and_without_offsets),
        T(layout__largest_position__is_held),
        T(damage__frame__is_named),
        T(damage__any_length_cut__is_corrupt),
        T(damage__bitmaps__are_refused),
        T(damage__containers__are_refused),
        T(damage__bitmap_container_with_another_count__is_refused),
        T(slice__outside_of_the_file__is_corrupt),
        T(decode__no_memory__is_said_each_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
