/* core/buf: appending within a maximum, numbers as bytes and as text, reading within bounds. */
#include "tests/support/support.h"

#include "core/buf.h"
#include "core/mem.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static void append__many_pieces__are_joined_and_terminated(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1 << 20);
    assert_string_equal(floe_buf_view(&buf).ptr, "");
    floe_buf_text(&buf, "a");
    floe_buf_str(&buf, FLOE_STR("bc"));
    floe_buf_byte(&buf, 'd');
    floe_buf_append(&buf, NULL, 0);
    floe_buf_printf(&buf, "-%03d", 7);
    assert_ok(floe_buf_check(&buf, NULL), NULL);
    assert_int_equal(buf.len, 8);
    assert_string_equal(buf.ptr, "abcd-007");
}

static void append__exactly_the_cap__fits_and_one_more_fails(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 5);
    floe_buf_text(&buf, "12345");
    floe_error err = {0};
    assert_ok(floe_buf_check(&buf, &err), &err);
    floe_buf_byte(&buf, '6');
    assert_code(floe_buf_check(&buf, &err), FLOE_LIMIT);
    assert_message(&err, "5 bytes");
    assert_string_equal(buf.ptr, "12345");
}

static void append__after_failure__does_nothing_until_cleared(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 5);
    floe_buf_text(&buf, "123");
    floe_buf_text(&buf, "456");
    floe_buf_text(&buf, "4");
    floe_buf_printf(&buf, "%d", 4);
    assert_null(floe_buf_reserve(&buf, 1));
    floe_buf_advance(&buf, 1);
    assert_string_equal(buf.ptr, "123");
    floe_buf_clear(&buf);
    assert_ok(floe_buf_check(&buf, NULL), NULL);
    floe_buf_text(&buf, "12345");
    assert_string_equal(buf.ptr, "12345");
}

static void append__huge_length__is_limit_not_overflow(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, SIZE_MAX);
    floe_buf_text(&buf, "x");
    floe_buf_append(&buf, "", SIZE_MAX);
    assert_code(floe_buf_check(&buf, NULL), FLOE_LIMIT);
    floe_buf_clear(&buf);
    floe_buf_append(&buf, "", SIZE_MAX);
    assert_code(floe_buf_check(&buf, NULL), FLOE_LIMIT);
}

static void append__heap_refuses__is_nomem_and_keeps_the_bytes(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1 << 20);
    floe_buf_text(&buf, "kept");
    char more[1000];
    memset(more, 'm', sizeof(more));
    floe_mem_fail_at(1);
    floe_buf_append(&buf, more, sizeof(more));
    floe_mem_fail_off();
    assert_code(floe_buf_check(&buf, NULL), FLOE_NOMEM);
    assert_string_equal(buf.ptr, "kept");
}

static void close__zeroed_and_twice__is_safe(void **state) {
    (void)state;
    floe_buf buf = {0};
    floe_buf_clear(&buf);
    floe_buf_close(&buf);
    floe_buf_init(&buf, 10);
    floe_buf_text(&buf, "x");
    floe_buf_close(&buf);
    floe_buf_close(&buf);
    floe_buf_text(&buf, "again");
    assert_string_equal(buf.ptr, "again");
    floe_buf_close(&buf);
}

static void printf__every_length_around_the_capacity__is_whole(void **state) {
    (void)state;
    for (int len = 0; len < 600; len++) {
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 10000);
        floe_buf_printf(&buf, "%*s", len, "");
        floe_buf_printf(&buf, "%d", len);
        char expected[700];
        snprintf(expected, sizeof(expected), "%*s%d", len, "", len);
        assert_string_equal(floe_buf_view(&buf).ptr, expected);
    }
}

static void printf__beyond_the_cap__leaves_what_was_there(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 4);
    floe_buf_text(&buf, "ab");
    floe_buf_printf(&buf, "%s", "cde");
    assert_code(floe_buf_check(&buf, NULL), FLOE_LIMIT);
    assert_string_equal(buf.ptr, "ab");
    assert_int_equal(buf.len, 2);
}

static void reserve_and_advance__write_in_place(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1000);
    floe_buf_text(&buf, ">");
    char *room = floe_buf_reserve(&buf, 700);
    assert_non_null(room);
    memset(room, 'r', 700);
    floe_buf_advance(&buf, 300);
    assert_int_equal(buf.len, 301);
    assert_int_equal(buf.ptr[301], '\0');
    assert_null(floe_buf_reserve(&buf, 700));
}

static void integers__layout__is_little_endian(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 100);
    floe_buf_u16(&buf, 0x0102);
    floe_buf_u32(&buf, 0x03040506);
    floe_buf_u64(&buf, UINT64_C(0x0708090a0b0c0d0e));
    floe_buf_f64(&buf, 1.0); /* 0x3ff0000000000000 */
    static const uint8_t expected[] = {2, 1, 6, 5, 4, 3, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a,
                                       9, 8, 7, 0, 0, 0, 0,    0,    0,    0xf0, 0x3f};
    assert_int_equal(buf.len, sizeof(expected));
    assert_memory_equal(buf.ptr, expected, sizeof(expected));
}

/* Examples of the Protocol Buffers encoding guide: 150 is 96 01; zigzag −1 is 1, 1 is 2, −2 is 3, INT32_MAX
 * fffffffe. */
static void varints__published_examples(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 100);
    floe_buf_varint(&buf, 150);
    floe_buf_varint(&buf, 0);
    floe_buf_zigzag(&buf, -1);
    floe_buf_zigzag(&buf, 1);
    floe_buf_zigzag(&buf, -2);
    floe_buf_zigzag(&buf, INT32_MAX);
    static const uint8_t expected[] = {0x96, 0x01, 0, 1, 2, 3, 0xfe, 0xff, 0xff, 0xff, 0x0f};
    assert_int_equal(buf.len, sizeof(expected));
    assert_memory_equal(buf.ptr, expected, sizeof(expected));
}

static void numbers__random__are_read_back(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 5000; i++) {
        uint64_t number = floe_test_next(&rng) >> floe_test_below(&rng, 64);
        int64_t sign = (int64_t)floe_test_next(&rng) >> floe_test_below(&rng, 64);
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 100);
        floe_buf_varint(&buf, number);
        floe_buf_zigzag(&buf, sign);
        floe_buf_u16(&buf, (uint16_t)number);
        floe_buf_u32(&buf, (uint32_t)number);
        floe_buf_u64(&buf, number);
        floe_buf_f64(&buf, (double)sign);
        floe_buf_byte(&buf, (uint8_t)number);
        floe_reader reader = floe_reader_of(buf.ptr, buf.len);
        uint64_t varint = 0;
        int64_t zigzag = 0;
        uint16_t u16 = 0;
        uint32_t u32 = 0;
        uint64_t u64 = 0;
        double f64 = 0;
        uint8_t u8 = 0;
        assert_ok(floe_read_varint(&reader, &varint, "v", NULL), NULL);
        assert_ok(floe_read_zigzag(&reader, &zigzag, "z", NULL), NULL);
        assert_ok(floe_read_u16(&reader, &u16, "u16", NULL), NULL);
        assert_ok(floe_read_u32(&reader, &u32, "u32", NULL), NULL);
        assert_ok(floe_read_u64(&reader, &u64, "u64", NULL), NULL);
        assert_ok(floe_read_f64(&reader, &f64, "f64", NULL), NULL);
        assert_ok(floe_read_u8(&reader, &u8, "u8", NULL), NULL);
        assert_int_equal(floe_reader_left(&reader), 0);
        assert_true(varint == number && zigzag == sign && u16 == (uint16_t)number && u32 == (uint32_t)number &&
                    u64 == number && f64 == (double)sign && u8 == (uint8_t)number);
    }
}

static void zigzag__extremes__are_read_back(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 100);
    floe_buf_zigzag(&buf, INT64_MIN);
    floe_buf_zigzag(&buf, INT64_MAX);
    floe_buf_varint(&buf, UINT64_MAX);
    assert_int_equal(buf.len, 30);
    floe_reader reader = floe_reader_of(buf.ptr, buf.len);
    int64_t low = 0;
    int64_t high = 0;
    uint64_t all = 0;
    assert_ok(floe_read_zigzag(&reader, &low, "low", NULL), NULL);
    assert_ok(floe_read_zigzag(&reader, &high, "high", NULL), NULL);
    assert_ok(floe_read_varint(&reader, &all, "all", NULL), NULL);
    assert_true(low == INT64_MIN && high == INT64_MAX && all == UINT64_MAX);
}

static void read__past_the_end__is_corrupt_names_what_and_does_not_move(void **state) {
    (void)state;
    floe_reader reader = floe_reader_of("abc", 3);
    uint32_t value = 42;
    floe_error err = {0};
    const uint8_t *bytes = NULL;
    assert_ok(floe_read_bytes(&reader, 1, &bytes, "magic", &err), &err);
    assert_int_equal(bytes[0], 'a');
    assert_code(floe_read_u32(&reader, &value, "row count", &err), FLOE_CORRUPT);
    assert_message(&err, "row count");
    assert_message(&err, "byte 1");
    assert_int_equal(value, 42);
    assert_int_equal(reader.at, 1);
    assert_code(floe_read_bytes(&reader, SIZE_MAX, &bytes, "all", NULL), FLOE_CORRUPT);
    assert_ok(floe_read_bytes(&reader, 2, &bytes, "rest", NULL), NULL);
    assert_ok(floe_read_bytes(&reader, 0, &bytes, "nothing", NULL), NULL);
}

static void read__empty_reader__has_nothing(void **state) {
    (void)state;
    floe_reader reader = floe_reader_of(NULL, 0);
    const uint8_t *bytes = NULL;
    uint8_t byte = 0;
    assert_ok(floe_read_bytes(&reader, 0, &bytes, "nothing", NULL), NULL);
    assert_non_null(bytes);
    assert_code(floe_read_u8(&reader, &byte, "byte", NULL), FLOE_CORRUPT);
}

static void read_varint__too_long_or_cut__is_corrupt(void **state) {
    (void)state;
    static const uint8_t eleven[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint8_t too_large[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    uint64_t value = 42;
    floe_error err = {0};
    floe_reader reader = floe_reader_of(eleven, sizeof(eleven));
    assert_code(floe_read_varint(&reader, &value, "count", &err), FLOE_CORRUPT);
    assert_message(&err, "count at byte 0");
    reader = floe_reader_of(too_large, sizeof(too_large));
    assert_code(floe_read_varint(&reader, &value, "count", NULL), FLOE_CORRUPT);
    reader = floe_reader_of(eleven, 3);
    assert_code(floe_read_varint(&reader, &value, "count", NULL), FLOE_CORRUPT);
    assert_int_equal(value, 42);
}

static void int__extremes__are_printed(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 100);
    static const int64_t numbers[] = {0, -1, 10, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < 5; i++) {
        floe_buf_int(&buf, numbers[i]);
        floe_buf_byte(&buf, ' ');
    }
    assert_string_equal(buf.ptr, "0 -1 10 9223372036854775807 -9223372036854775808 ");
}

static void print_real(floe_buf *buf, double value, bool is_float) {
    floe_buf_clear(buf);
    if (is_float) {
        floe_buf_real32(buf, value);
    } else {
        floe_buf_real(buf, value);
    }
}

/* Bits and texts are those of CPython 3.11's repr, which prints the shortest text that reads back. */
static void real__random_and_special_doubles__equal_python_repr(void **state) {
    (void)state;
    static const struct {
        uint64_t bits;
        const char *text;
    } rows[] = {
        {UINT64_C(0x3ff0000000000000), "1.0"},
        {UINT64_C(0xbff0000000000000), "-1.0"},
        {UINT64_C(0x0000000000000000), "0.0"},
        {UINT64_C(0x8000000000000000), "-0.0"},
        {UINT64_C(0x3fb999999999999a), "0.1"},
        {UINT64_C(0x3fd3333333333333), "0.3"},
        {UINT64_C(0x3fd5555555555555), "0.3333333333333333"},
        {UINT64_C(0x3fe5555555555555), "0.6666666666666666"},
        {UINT64_C(0x4341c37937e08000), "1e+16"},
        {UINT64_C(0x4480f0cf064dd592), "1e+22"},
        {UINT64_C(0x44b52d02c7e14af6), "1e+23"},
        {UINT64_C(0x42dc12218377de40), "123456789012345.0"},
        {UINT64_C(0x430c6bf52633ffff), "999999999999999.9"},
        {UINT64_C(0x3f1a36e2eb1c432d), "0.0001"},
        {UINT64_C(0x3ee4f8b588e368f1), "1e-05"},
        {UINT64_C(0x0000000000000001), "5e-324"},
        {UINT64_C(0x0010000000000000), "2.2250738585072014e-308"},
        {UINT64_C(0x7fefffffffffffff), "1.7976931348623157e+308"},
        {UINT64_C(0x4340000000000000), "9007199254740992.0"},
        {UINT64_C(0x3fd3333333333334), "0.30000000000000004"},
        {UINT64_C(0x4059000000000000), "100.0"},
        {UINT64_C(0xc0934a0000000000), "-1234.5"},
        {UINT64_C(0x3e90c6f7a0b5ed8d), "2.5e-07"},
        {UINT64_C(0x4164d8399f767c45), "10928588.983213553"},
        {UINT64_C(0x5bc8fbbcbde5c099), "1.4186613525849614e+134"},
        {UINT64_C(0xb0c11fdecb91ce37), "-7.571968556055867e-74"},
        {UINT64_C(0xd76d4330f1446bea), "-1.4074705188261364e+113"},
        {UINT64_C(0xc6a5387777330bdb), "-2.1520217579844227e+32"},
        {UINT64_C(0x0d464138a6233255), "1.01853664031722e-244"},
        {UINT64_C(0x617959ce3f1f65a8), "3.56409621163656e+161"},
        {UINT64_C(0xc30d8b7628dbd25e), "-1039514241563211.8"},
        {UINT64_C(0x015c33b2df1461aa), "4.1124768973349897e-302"},
        {UINT64_C(0x7ff0000000000000), "Infinity"},
        {UINT64_C(0xfff0000000000000), "-Infinity"},
        {UINT64_C(0x7ff8000000000000), "NaN"},
    };
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 100);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double value = 0;
        memcpy(&value, &rows[i].bits, sizeof(value));
        print_real(&buf, value, false);
        assert_string_equal(buf.ptr, rows[i].text);
    }
}

static void real__random_bits__read_back_exactly(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 100);
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = floe_test_next(&rng);
        double value = 0;
        memcpy(&value, &bits, sizeof(value));
        if (i % 4 == 0) {
            value = (double)floe_test_between(&rng, -1000000, 1000000) / 100;
        }
        if (!isfinite(value)) {
            continue;
        }
        print_real(&buf, value, false);
        assert_true(strtod(buf.ptr, NULL) == value);
        assert_non_null(strpbrk(buf.ptr, ".e"));
    }
}

static void real32__random_bits__read_back_with_at_most_nine_digits(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 100);
    for (int i = 0; i < 20000; i++) {
        uint32_t bits = (uint32_t)floe_test_next(&rng);
        float value = 0;
        memcpy(&value, &bits, sizeof(value));
        if (!isfinite(value)) {
            continue;
        }
        print_real(&buf, value, true);
        assert_true(strtof(buf.ptr, NULL) == value);
        assert_in_range(buf.len, 3, 15); /* "-1.23456789e-38" */
    }
    print_real(&buf, 0.1F, true);
    assert_string_equal(buf.ptr, "0.1");
    print_real(&buf, FLT_MAX, true);
    assert_string_equal(buf.ptr, "3.4028235e+38");
    print_real(&buf, 16777216.0F, true);
    assert_string_equal(buf.ptr, "16777216.0");
}

static floe_status write_much(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1 << 20);
    for (int i = 0; i < 2000; i++) {
        floe_buf_printf(&buf, "%d,", i);
        floe_buf_u64(&buf, (uint64_t)i);
        floe_buf_real(&buf, i / 7.0);
    }
    return floe_buf_check(&buf, err);
}

static void buf__nth_allocation_fails__is_seen_at_the_end(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(write_much, NULL) > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(append__many_pieces__are_joined_and_terminated),
        cmocka_unit_test(append__exactly_the_cap__fits_and_one_more_fails),
        cmocka_unit_test(append__after_failure__does_nothing_until_cleared),
        cmocka_unit_test(append__huge_length__is_limit_not_overflow),
        cmocka_unit_test(append__heap_refuses__is_nomem_and_keeps_the_bytes),
        cmocka_unit_test(close__zeroed_and_twice__is_safe),
        cmocka_unit_test(printf__every_length_around_the_capacity__is_whole),
        cmocka_unit_test(printf__beyond_the_cap__leaves_what_was_there),
        cmocka_unit_test(reserve_and_advance__write_in_place),
        cmocka_unit_test(integers__layout__is_little_endian),
        cmocka_unit_test(varints__published_examples),
        cmocka_unit_test(numbers__random__are_read_back),
        cmocka_unit_test(zigzag__extremes__are_read_back),
        cmocka_unit_test(read__past_the_end__is_corrupt_names_what_and_does_not_move),
        cmocka_unit_test(read__empty_reader__has_nothing),
        cmocka_unit_test(read_varint__too_long_or_cut__is_corrupt),
        cmocka_unit_test(int__extremes__are_printed),
        cmocka_unit_test(real__random_and_special_doubles__equal_python_repr),
        cmocka_unit_test(real__random_bits__read_back_exactly),
        cmocka_unit_test(real32__random_bits__read_back_with_at_most_nine_digits),
        cmocka_unit_test(buf__nth_allocation_fails__is_seen_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
