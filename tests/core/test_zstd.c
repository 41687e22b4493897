/*
 * zstd frames. Other engines' frames are given as bytes: the empty frame and the raw block of RFC 8878, worked out by
 * hand below; what we write is read back by libzstd's plain one-shot call.
 */
#include "tests/core/scratch.h"

#include "core/limits.h"
#include "core/zstd.h"

#include <pthread.h>
#include <zstd.h>

static void fill_mixed(unsigned char *bytes, size_t len, uint64_t seed) {
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (unsigned char)(i % 1000 < 700 ? i / 1000 : random_next(&seed));
    }
}

static void assert_round_trip(const unsigned char *bytes, size_t len, int level) {
    floe_error err = {0};
    FLOE_AUTO_BUF packed;
    FLOE_AUTO_BUF out;
    floe_buf_init(&packed, FLOE_MIB(8));
    floe_buf_init(&out, len + 1); /* exactly what is needed after the byte before */
    floe_buf_byte(&packed, 'p');
    floe_buf_byte(&out, 'o');
    assert_ok(floe_zstd_compress((floe_str){(const char *)bytes, len}, level, &packed, &err), &err);
    floe_str frame = {packed.ptr + 1, packed.len - 1};
    assert_ok(floe_zstd_decompress(frame, &out, &err), &err);
    assert_int_equal(packed.ptr[0], 'p');
    assert_int_equal(out.ptr[0], 'o');
    assert_int_equal(out.len, len + 1);
    if (len > 0) {
        assert_memory_equal(out.ptr + 1, bytes, len);
    }
    unsigned char *plain = test_malloc(len + 1);
    assert_int_equal(ZSTD_decompress(plain, len, frame.ptr, frame.len), len);
    test_free(plain);
}

/* Both sides of the lengths where the way of working changes: nothing, one step, the thread's own contexts. */
static void zstd__any_length_and_level__comes_back(void **state) {
    (void)state;
    static const size_t lens[] = {0, 1, 100, 1023, 131071, 131072, 131073, 262143, 262144, 262145, 1500000};
    static const int levels[] = {1, 3, 19};
    unsigned char *bytes = test_malloc(1500000);
    fill_mixed(bytes, 1500000, 5);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        for (size_t j = 0; j < 3; j++) {
            assert_round_trip(bytes, lens[i], levels[j]);
        }
    }
    test_free(bytes);
}

static void zstd_compress__text_without_pointer__is_an_empty_frame(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF packed;
    FLOE_AUTO_BUF out;
    floe_buf_init(&packed, 100);
    floe_buf_init(&out, 0);
    assert_ok(floe_zstd_compress((floe_str){NULL, 0}, 3, &packed, &err), &err);
    assert_true(packed.len > 0);
    assert_ok(floe_zstd_decompress(floe_buf_view(&packed), &out, &err), &err);
    assert_int_equal(out.len, 0);
}

static void zstd_compress__level_out_of_range__is_invalid(void **state) {
    (void)state;
    static const int levels[] = {0, -1, 20, 22, INT32_MAX};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 1000);
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        floe_error err = {0};
        assert_fails(floe_zstd_compress(FLOE_STR("x"), levels[i], &out, &err), &err, FLOE_INVALID);
        assert_int_equal(out.len, 0);
    }
}

static void zstd_compress__cap__is_limit_and_the_exact_one_is_enough(void **state) {
    (void)state;
    unsigned char bytes[5000];
    uint64_t seed = 3;
    floe_error err = {0};
    FLOE_AUTO_BUF packed;
    floe_buf_init(&packed, FLOE_MIB(1));
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)random_next(&seed);
    }
    floe_str content = {(const char *)bytes, sizeof(bytes)};
    assert_ok(floe_zstd_compress(content, 3, &packed, &err), &err);
    for (size_t missing = 0; missing < 2; missing++) {
        FLOE_AUTO_BUF small;
        floe_buf_init(&small, packed.len + 1 - missing);
        floe_buf_byte(&small, 'x');
        err = (floe_error){0};
        floe_status status = floe_zstd_compress(content, 3, &small, &err);
        if (missing == 0) {
            assert_ok(status, &err);
        } else {
            assert_fails(status, &err, FLOE_LIMIT);
            assert_int_equal(small.len, 1);
        }
    }
    FLOE_AUTO_BUF none;
    floe_buf_init(&none, 0);
    err = (floe_error){0};
    assert_fails(floe_zstd_compress(content, 3, &none, &err), &err, FLOE_LIMIT);
}

/* RFC 8878: magic 28 B5 2F FD; descriptor 0x20 = single segment, one byte of content size; block header, 3 bytes little
 * endian: last | type << 1 | size << 3. Raw "abc": 1 | 0 | 3 << 3 = 0x19. RLE of 5 'z': 1 | 1 << 1 | 5 << 3 = 0x2B. */
#define MAGIC "\x28\xb5\x2f\xfd"
static const char raw_frame[] = MAGIC "\x20\x03\x19\x00\x00"
                                      "abc";
static const char rle_frame[] = MAGIC "\x20\x05\x2b\x00\x00z";
/* Descriptor 0: no content size; then the window descriptor, 0 = 1 KiB. */
static const char unsized_frame[] = MAGIC "\x00\x00\x19\x00\x00"
                                          "def";
/* A skippable frame: magic 0x184D2A50, length 4, four bytes. */
static const char skippable[] = "\x50\x2a\x4d\x18\x04\x00\x00\x00skip";

static floe_str bytes_of(const char *bytes, size_t size_with_nul) {
    return (floe_str){bytes, size_with_nul - 1};
}

static void assert_decodes(floe_str bytes, const char *expected) {
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, strlen(expected));
    assert_ok(floe_zstd_decompress(bytes, &out, &err), &err);
    assert_int_equal(out.len, strlen(expected));
    assert_memory_equal(floe_buf_view(&out).ptr, expected, out.len);
}

static void zstd_decompress__frames_made_by_hand__are_read(void **state) {
    (void)state;
    FLOE_AUTO_BUF all;
    floe_buf_init(&all, 1000);
    assert_decodes(bytes_of(raw_frame, sizeof(raw_frame)), "abc");
    assert_decodes(bytes_of(rle_frame, sizeof(rle_frame)), "zzzzz");
    assert_decodes(bytes_of(unsized_frame, sizeof(unsized_frame)), "def");
    assert_decodes(bytes_of(skippable, sizeof(skippable)), "");
    floe_buf_str(&all, bytes_of(raw_frame, sizeof(raw_frame)));
    floe_buf_str(&all, bytes_of(skippable, sizeof(skippable)));
    floe_buf_str(&all, bytes_of(unsized_frame, sizeof(unsized_frame)));
    floe_buf_str(&all, bytes_of(rle_frame, sizeof(rle_frame)));
    assert_decodes(floe_buf_view(&all), "abcdefzzzzz"); /* several frames are one content */
}

static void zstd_decompress__content_past_the_cap__is_limit_and_appends_nothing(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {raw_frame, sizeof(raw_frame)}, {rle_frame, sizeof(rle_frame)}, {unsized_frame, sizeof(unsized_frame)}};
    for (size_t i = 0; i < 3; i++) {
        floe_error err = {0};
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, 3); /* one is taken; two are left for three or five */
        floe_buf_byte(&out, 'x');
        assert_fails(floe_zstd_decompress(bytes_of(cases[i].bytes, cases[i].size), &out, &err), &err, FLOE_LIMIT);
        assert_message_has(&err, "3 bytes");
        assert_string_equal(out.ptr, "x");
        assert_int_equal(out.len, 1);
    }
}

/* 512 MiB of zeros in a few KiB: the cap stops it, and memory stays near the cap. */
static void zstd_decompress__bomb__is_stopped_at_the_cap(void **state) {
    (void)state;
    size_t chunk_len = FLOE_MIB(1);
    char *zeros = test_calloc(1, chunk_len);
    floe_error err = {0};
    FLOE_AUTO_BUF frame;
    FLOE_AUTO_BUF bomb;
    FLOE_AUTO_BUF out;
    floe_buf_init(&frame, FLOE_MIB(1));
    floe_buf_init(&bomb, FLOE_MIB(1));
    floe_buf_init(&out, FLOE_MIB(2));
    assert_ok(floe_zstd_compress((floe_str){zeros, chunk_len}, 3, &frame, &err), &err);
    for (int i = 0; i < 512; i++) {
        floe_buf_str(&bomb, floe_buf_view(&frame));
    }
    assert_true(bomb.len < FLOE_KIB(100));
    assert_fails(floe_zstd_decompress(floe_buf_view(&bomb), &out, &err), &err, FLOE_LIMIT);
    assert_int_equal(out.len, 0);
    assert_true(out.capacity <= FLOE_MIB(2) + 1);
    test_free(zeros);
}

/* A header that claims an exabyte is not believed: nothing of that size is allocated, and the missing bytes are
 * found. */
static void zstd_decompress__header_that_lies__is_corrupt(void **state) {
    (void)state;
    /* Descriptor 0xC0: eight bytes of content size, no single segment; window 1 KiB. */
    static const char liar[] = MAGIC "\xc0\x00\x00\x00\x00\x00\x00\x00\x00\x10\x19\x00\x00"
                                     "abc";
    static const char short_liar[] = MAGIC "\x20\x07\x19\x00\x00"
                                           "abc";
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, SIZE_MAX / 4);
    assert_fails(floe_zstd_decompress(bytes_of(liar, sizeof(liar)), &out, &err), &err, FLOE_CORRUPT);
    assert_true(out.capacity < FLOE_MIB(1));
    err = (floe_error){0};
    assert_fails(floe_zstd_decompress(bytes_of(short_liar, sizeof(short_liar)), &out, &err), &err, FLOE_CORRUPT);
    assert_int_equal(out.len, 0);
}

static void zstd_decompress__no_frame__is_corrupt(void **state) {
    (void)state;
    static const char *const cases[] = {"", "x", "no frame at all", "\x28\xb5\x2f"};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_error err = {0};
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, 100);
        assert_fails(floe_zstd_decompress(floe_str_of(cases[i]), &out, &err), &err, FLOE_CORRUPT);
        assert_int_equal(out.len, 0);
    }
}

static void zstd_decompress__dictionary__is_unsupported(void **state) {
    (void)state;
    /* Descriptor 0x21: single segment and one byte of dictionary id. */
    static const char frame[] = MAGIC "\x21\x05\x03\x19\x00\x00"
                                      "abc";
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 100);
    assert_fails(floe_zstd_decompress(bytes_of(frame, sizeof(frame)), &out, &err), &err, FLOE_UNSUPPORTED);
}

static void zstd_decompress__huge_window__is_limit(void **state) {
    (void)state;
    /* Window descriptor 0xF8: exponent 31, 1 KiB << 31 = 2 TiB. */
    static const char frame[] = MAGIC "\x00\xf8\x19\x00\x00"
                                      "abc";
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 100);
    assert_fails(floe_zstd_decompress(bytes_of(frame, sizeof(frame)), &out, &err), &err, FLOE_LIMIT);
}

static void zstd_decompress__cut_at_any_byte__is_corrupt(void **state) {
    (void)state;
    unsigned char bytes[3000];
    floe_error err = {0};
    FLOE_AUTO_BUF packed;
    floe_buf_init(&packed, FLOE_MIB(1));
    fill_mixed(bytes, sizeof(bytes), 8);
    assert_ok(floe_zstd_compress((floe_str){(const char *)bytes, sizeof(bytes)}, 3, &packed, &err), &err);
    for (size_t len = 0; len < packed.len; len++) {
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, sizeof(bytes));
        err = (floe_error){0};
        assert_fails(floe_zstd_decompress((floe_str){packed.ptr, len}, &out, &err), &err, FLOE_CORRUPT);
        assert_int_equal(out.len, 0);
    }
}

/* The checksum sees what the entropy coder does not: no flipped bit may come back as other data. */
static void zstd_decompress__any_flipped_bit__never_gives_other_content(void **state) {
    (void)state;
    unsigned char bytes[600];
    floe_error err = {0};
    FLOE_AUTO_BUF packed;
    size_t refused = 0;
    floe_buf_init(&packed, FLOE_MIB(1));
    fill_mixed(bytes, sizeof(bytes), 8);
    assert_ok(floe_zstd_compress((floe_str){(const char *)bytes, sizeof(bytes)}, 3, &packed, &err), &err);
    for (size_t bit = 0; bit < packed.len * 8; bit++) {
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, FLOE_KIB(64));
        packed.ptr[bit / 8] = (char)(packed.ptr[bit / 8] ^ 1 << bit % 8);
        floe_status status = floe_zstd_decompress(floe_buf_view(&packed), &out, NULL);
        packed.ptr[bit / 8] = (char)(packed.ptr[bit / 8] ^ 1 << bit % 8);
        refused += floe_failed(status);
        if (!floe_failed(status)) {
            assert_int_equal(out.len, sizeof(bytes));
            assert_memory_equal(out.ptr, bytes, sizeof(bytes));
        }
    }
    assert_true(refused > packed.len * 7); /* a header bit or two may be without meaning */
}

static void *round_trips(void *context) {
    unsigned char *bytes = context;
    for (int i = 0; i < 200; i++) {
        FLOE_AUTO_BUF packed;
        FLOE_AUTO_BUF out;
        floe_buf_init(&packed, FLOE_MIB(1));
        floe_buf_init(&out, FLOE_MIB(1));
        FLOE_IGNORE(floe_zstd_compress((floe_str){(const char *)bytes, 5000}, 1, &packed, NULL));
        FLOE_IGNORE(floe_zstd_decompress(floe_buf_view(&packed), &out, NULL));
        if (out.len != 5000 || memcmp(out.ptr, bytes, 5000) != 0) {
            return bytes;
        }
    }
    return NULL;
}

static void zstd__many_threads__do_not_disturb_each_other(void **state) {
    (void)state;
    static unsigned char bytes[8][5000];
    pthread_t threads[8];
    for (size_t i = 0; i < 8; i++) {
        fill_mixed(bytes[i], sizeof(bytes[i]), i + 1);
        assert_int_equal(pthread_create(&threads[i], NULL, round_trips, bytes[i]), 0);
    }
    for (size_t i = 0; i < 8; i++) {
        void *broken = NULL;
        pthread_join(threads[i], &broken);
        assert_null(broken);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zstd__any_length_and_level__comes_back),
        cmocka_unit_test(zstd_compress__text_without_pointer__is_an_empty_frame),
        cmocka_unit_test(zstd_compress__level_out_of_range__is_invalid),
        cmocka_unit_test(zstd_compress__cap__is_limit_and_the_exact_one_is_enough),
        cmocka_unit_test(zstd_decompress__frames_made_by_hand__are_read),
        cmocka_unit_test(zstd_decompress__content_past_the_cap__is_limit_and_appends_nothing),
        cmocka_unit_test(zstd_decompress__bomb__is_stopped_at_the_cap),
        cmocka_unit_test(zstd_decompress__header_that_lies__is_corrupt),
        cmocka_unit_test(zstd_decompress__no_frame__is_corrupt),
        cmocka_unit_test(zstd_decompress__dictionary__is_unsupported),
        cmocka_unit_test(zstd_decompress__huge_window__is_limit),
        cmocka_unit_test(zstd_decompress__cut_at_any_byte__is_corrupt),
        cmocka_unit_test(zstd_decompress__any_flipped_bit__never_gives_other_content),
        cmocka_unit_test(zstd__many_threads__do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
