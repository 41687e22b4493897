/*
 * MurmurHash3 against published figures: Iceberg table spec, Appendix B ("32-bit Hash Requirements"), and the reference
 * vectors of the algorithm itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "offline/iceberg/murmur3.h"

#include <string.h>

static int32_t hash_of(const char *text) {
    return (int32_t)floe_ice_murmur3(text, strlen(text));
}

static void hash__appendix_b__matches(void **state) {
    (void)state;
    assert_int_equal((int32_t)floe_ice_murmur3_i64(34), 2017239379);
    assert_int_equal((int32_t)floe_ice_murmur3_decimal(1420), -500754589);          /* 14.20 */
    assert_int_equal((int32_t)floe_ice_murmur3_i64(17486), -653330422);             /* date 2017-11-16 */
    assert_int_equal((int32_t)floe_ice_murmur3_i64(81068000000), -662762989);       /* time 22:31:08 */
    assert_int_equal((int32_t)floe_ice_murmur3_i64(1510871468000000), -2047944441); /* 2017-11-16T22:31:08 */
    assert_int_equal((int32_t)floe_ice_murmur3_i64(1510871468000001), -1207196810); /* and one microsecond */
    assert_int_equal(hash_of("iceberg"), 1210000089);
    static const uint8_t UUID[] = {0xf7, 0x9c, 0x3e, 0x09, 0x67, 0x7c, 0x4b, 0xbd,
                                   0xa4, 0x79, 0x3f, 0x34, 0x9c, 0xb7, 0x85, 0xe7};
    assert_int_equal((int32_t)floe_ice_murmur3(UUID, sizeof UUID), 1488055340);
    static const uint8_t BINARY[] = {0, 1, 2, 3};
    assert_int_equal((int32_t)floe_ice_murmur3(BINARY, sizeof BINARY), -188683207);
}

/* From the verification of the reference implementation with seed 0. */
static void hash__every_tail_length__matches_the_reference(void **state) {
    (void)state;
    assert_int_equal(floe_ice_murmur3("", 0), 0);
    assert_int_equal(floe_ice_murmur3("\x21", 1), 0x72661cf4);
    assert_int_equal(floe_ice_murmur3("\x21\x43", 2), 0xa0f7b07a);
    assert_int_equal(floe_ice_murmur3("\x21\x43\x65", 3), 0x7e4a8634);
    assert_int_equal(floe_ice_murmur3("\x21\x43\x65\x87", 4), 0xf55b516b);
    assert_int_equal(floe_ice_murmur3("\xff\xff\xff\xff", 4), 0x76293b50);
}

static void decimal_bytes__are_the_fewest_that_hold_the_sign(void **state) {
    (void)state;
    static const struct {
        int64_t value;
        size_t len;
        uint8_t bytes[3];
    } CASES[] = {
        {0, 1, {0}},
        {127, 1, {0x7f}},
        {128, 2, {0, 0x80}},
        {-128, 1, {0x80}},
        {-129, 2, {0xff, 0x7f}},
        {255, 2, {0, 0xff}},
        {-1, 1, {0xff}},
        {32767, 2, {0x7f, 0xff}},
        {32768, 3, {0, 0x80, 0}},
        {-32768, 2, {0x80, 0}},
        {-32769, 3, {0xff, 0x7f, 0xff}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        uint8_t bytes[16];
        assert_int_equal(floe_ice_decimal_bytes(CASES[i].value, bytes), CASES[i].len);
        assert_memory_equal(bytes, CASES[i].bytes, CASES[i].len);
    }
}

static void decimal_bytes__largest_values__take_sixteen(void **state) {
    (void)state;
    uint8_t bytes[16];
    __int128 least = (__int128)((unsigned __int128)1 << 127);
    assert_int_equal(floe_ice_decimal_bytes(least, bytes), 16);
    assert_int_equal(bytes[0], 0x80);
    assert_int_equal(bytes[15], 0);
    assert_int_equal(floe_ice_decimal_bytes(~least, bytes), 16);
    assert_int_equal(bytes[0], 0x7f);
    assert_int_equal(bytes[15], 0xff);
    assert_int_equal(floe_ice_decimal_bytes(~least >> 8, bytes), 15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash__appendix_b__matches),
        cmocka_unit_test(hash__every_tail_length__matches_the_reference),
        cmocka_unit_test(decimal_bytes__are_the_fewest_that_hold_the_sign),
        cmocka_unit_test(decimal_bytes__largest_values__take_sixteen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
