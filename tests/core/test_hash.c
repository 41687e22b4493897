/* core/hash against published vectors and against libxxhash 0.8.1 and CPython's hashlib. */
#include "tests/support/support.h"

#include "core/hash.h"

#include <stdlib.h>

#define PRIME32 UINT64_C(2654435761)
#define PRIME64 UINT64_C(11400714785074694797)

/* The buffer of xxHash's own sanity check (cli/xsum_sanity_check.c). */
static void fill_sanity_buffer(uint8_t *bytes, size_t len) {
    uint64_t generator = PRIME32;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(generator >> 56);
        generator *= PRIME64;
    }
}

/* Lengths 0, 1, 4, 14 and 222 are xxHash's published sanity vectors; 31 to 33 come from libxxhash 0.8.1. */
static void xxh64__sanity_vectors(void **state) {
    (void)state;
    static const struct {
        size_t len;
        uint64_t seed;
        uint64_t hash;
    } rows[] = {
        {0, 0, UINT64_C(0xEF46DB3751D8E999)},   {0, PRIME32, UINT64_C(0xAC75FDA2929B17EF)},
        {1, 0, UINT64_C(0xE934A84ADB052768)},   {1, PRIME32, UINT64_C(0x5014607643A9B4C3)},
        {4, 0, UINT64_C(0x9136A0DCA57457EE)},   {4, PRIME32, UINT64_C(0xCAAB286BD8E9FDB5)},
        {14, 0, UINT64_C(0x8282DCC4994E35C8)},  {14, PRIME32, UINT64_C(0xC3BD6BF63DEB6DF0)},
        {31, 0, UINT64_C(0x299B39A290E6D783)},  {31, PRIME32, UINT64_C(0xDA673D5FEB5C1D79)},
        {32, 0, UINT64_C(0x18B216492BB44B70)},  {32, PRIME32, UINT64_C(0xB3F33BDF93ADE409)},
        {33, 0, UINT64_C(0x55C8DC3E578F5B59)},  {33, PRIME32, UINT64_C(0xE92C292F64BC3071)},
        {222, 0, UINT64_C(0xB641AE8CB691C174)}, {222, PRIME32, UINT64_C(0x20CB8AB7AE10C14A)},
    };
    uint8_t bytes[222];
    fill_sanity_buffer(bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(floe_xxh64(bytes, rows[i].len, rows[i].seed) == rows[i].hash);
    }
}

/* Every length from 0 to 300, each seeded with the hash before; the end of the chain comes from libxxhash 0.8.1. */
static void xxh64__every_length__gives_the_chain_of_libxxhash(void **state) {
    (void)state;
    uint8_t bytes[300];
    fill_sanity_buffer(bytes, sizeof(bytes));
    uint64_t hash = 0;
    for (size_t len = 0; len <= 300; len++) {
        hash = floe_xxh64(bytes, len, hash);
    }
    assert_true(hash == UINT64_C(0x59E807C9B67EBDD3));
}

static void xxh64__text_and_null(void **state) {
    (void)state;
    assert_true(floe_xxh64("abc", 3, 0) == UINT64_C(0x44BC2CF5AD770999));
    assert_true(floe_xxh64(NULL, 0, 0) == UINT64_C(0xEF46DB3751D8E999));
}

static void xxh64__unaligned_input__is_the_same(void **state) {
    (void)state;
    uint8_t bytes[228];
    for (size_t shift = 0; shift < 6; shift++) {
        fill_sanity_buffer(bytes + shift, 222);
        assert_true(floe_xxh64(bytes + shift, 222, 0) == UINT64_C(0xB641AE8CB691C174));
    }
}

static void check_sha256(const char *bytes, size_t len, size_t piece, const char *expected) {
    floe_sha256 hash;
    floe_sha256_init(&hash);
    for (size_t at = 0; at < len; at += piece) {
        floe_sha256_update(&hash, bytes + at, len - at < piece ? len - at : piece);
    }
    uint8_t digest[32];
    char hex[65];
    floe_sha256_final(&hash, digest);
    floe_sha256_hex(digest, hex);
    assert_string_equal(hex, expected);
}

/* FIPS 180-4 examples (csrc.nist.gov, "Example Values", SHA-256) and the empty message. */
static void sha256__fips_vectors__in_pieces_of_any_size(void **state) {
    (void)state;
    static const char two_blocks[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (size_t piece = 1; piece <= 64; piece++) {
        check_sha256("", 0, piece, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        check_sha256("abc", 3, piece, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        check_sha256(two_blocks, 56, piece, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
}

static void sha256__a_million_times_a(void **state) {
    (void)state;
    char *text = malloc(1000000);
    assert_non_null(text);
    memset(text, 'a', 1000000);
    check_sha256(text, 1000000, 999, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(text);
}

/* digest(n) = SHA-256(digest(n-1) + the first n bytes), n from 0 to 200; the end comes from CPython's hashlib. All
 * positions of the padding within a block occur. */
static void sha256__every_length__gives_the_chain_of_hashlib(void **state) {
    (void)state;
    uint8_t bytes[200];
    uint8_t digest[32];
    fill_sanity_buffer(bytes, sizeof(bytes));
    for (size_t len = 0; len <= 200; len++) {
        floe_sha256 hash;
        floe_sha256_init(&hash);
        floe_sha256_update(&hash, digest, len == 0 ? 0 : 32);
        floe_sha256_update(&hash, bytes, len);
        floe_sha256_final(&hash, digest);
    }
    char hex[65];
    floe_sha256_hex(digest, hex);
    assert_string_equal(hex, "54b0576f927d24ff9c2e073d0ebb76a6cccf4800d16ea463a981a4de6b9e187d");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xxh64__sanity_vectors),
        cmocka_unit_test(xxh64__every_length__gives_the_chain_of_libxxhash),
        cmocka_unit_test(xxh64__text_and_null),
        cmocka_unit_test(xxh64__unaligned_input__is_the_same),
        cmocka_unit_test(sha256__fips_vectors__in_pieces_of_any_size),
        cmocka_unit_test(sha256__a_million_times_a),
        cmocka_unit_test(sha256__every_length__gives_the_chain_of_hashlib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
