/* Entity keys as bytes. */
#include "proto/key.h"
#include "tests/proto/proto_test.h"

static floe_str encode(floe_arena *arena, const floe_value *keys, size_t count) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    assert_ok(floe_key_encode(keys, count, &out, &proto_error));
    return floe_arena_str(arena, floe_buf_view(&out));
}

static floe_code encode_code(const floe_value *keys, size_t count) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    floe_error_clear(&proto_error);
    return floe_key_encode(keys, count, &out, &proto_error).code;
}

static floe_code decode_code(floe_str bytes) {
    FLOE_AUTO_ARENA arena;
    floe_value *keys = NULL;
    size_t count = 0;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_error_clear(&proto_error);
    return floe_key_decode(bytes, &arena, &keys, &count, &proto_error).code;
}

static const char long_text[] =
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

static size_t every_type(floe_value keys[8]) {
    keys[0] = boolean(true);
    keys[1] = integer(FLOE_KIND_INT32, -2);
    keys[2] = integer(FLOE_KIND_INT64, INT64_C(1) << 40);
    keys[3] = text("\xc3\xbc");
    keys[4] = bytes_of("\0\xff", 2);
    keys[5] = integer(FLOE_KIND_DATE, -1);
    keys[6] = integer(FLOE_KIND_TIMESTAMP, 1);
    keys[7] = decimal(-150, 10, 2);
    return 8;
}

static void key__golden_bytes__are_written(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_value a_bc[] = {text("a"), text("bc")};
    floe_value ab_c[] = {text("ab"), text("c")};
    floe_value empty = text("");
    floe_value long_key = text(long_text);
    floe_value all[8];
    assert_bytes(encode(&arena, a_bc, 2), golden(&arena, "key-1", "a_bc"));
    assert_bytes(encode(&arena, ab_c, 2), golden(&arena, "key-1", "ab_c"));
    assert_bytes(encode(&arena, &empty, 1), golden(&arena, "key-1", "empty_text"));
    assert_bytes(encode(&arena, &long_key, 1), golden(&arena, "key-1", "long_text"));
    assert_bytes(encode(&arena, all, every_type(all)), golden(&arena, "key-1", "every_type"));
}

static void key__golden_bytes__are_read(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_value want[8];
    floe_value *have = NULL;
    size_t count = 0;
    assert_ok(floe_key_decode(golden(&arena, "key-1", "every_type"), &arena, &have, &count, &proto_error));
    assert_int_equal(count, every_type(want));
    for (size_t i = 0; i < count; i++) {
        assert_true(floe_type_equal(have[i].type, want[i].type));
        assert_int_equal(floe_value_compare(&have[i], &want[i]), 0);
    }
}

/* No pair of different keys may share its bytes: all short keys over few values, each against each. */
static void key__different_keys__have_different_bytes(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    const floe_value values[] = {text(""),
                                 text("a"),
                                 text("\x01"),
                                 text("1"),
                                 bytes_of("a", 1),
                                 bytes_of("\x01\x06", 2),
                                 integer(FLOE_KIND_INT32, 1),
                                 integer(FLOE_KIND_INT64, 1),
                                 integer(FLOE_KIND_DATE, 1),
                                 integer(FLOE_KIND_TIMESTAMP, 1),
                                 boolean(true),
                                 boolean(false),
                                 decimal(1, 10, 0),
                                 decimal(1, 10, 1)};
    enum { values_count = sizeof(values) / sizeof(values[0]), most = values_count * (values_count + 1) };
    static floe_str encoded[most];
    size_t count = 0;
    for (size_t i = 0; i < values_count; i++) {
        encoded[count++] = encode(&arena, &values[i], 1);
        for (size_t j = 0; j < values_count; j++) {
            encoded[count++] = encode(&arena, (floe_value[]){values[i], values[j]}, 2);
        }
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_false(floe_str_equal(encoded[i], encoded[j]));
        }
    }
}

static void key__null_or_float_or_list__is_refused(void **state) {
    (void)state;
    floe_value with_null[] = {text("a"), floe_value_null(kind_type(FLOE_KIND_STRING))};
    assert_int_equal(encode_code(with_null, 2), FLOE_INVALID);
    assert_message("entity key 2 is null");
    floe_value floating = real(FLOE_KIND_DOUBLE, 1.0);
    assert_int_equal(encode_code(&floating, 1), FLOE_INVALID);
    assert_message("double");
    floating = real(FLOE_KIND_FLOAT, 1.0);
    assert_int_equal(encode_code(&floating, 1), FLOE_INVALID);
    floe_value list = {.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}};
    assert_int_equal(encode_code(&list, 1), FLOE_INVALID);
    floe_value untyped = {0};
    assert_int_equal(encode_code(&untyped, 1), FLOE_INVALID);
}

static void key__outside_its_type__is_refused(void **state) {
    (void)state;
    floe_value narrow = integer(FLOE_KIND_INT32, INT64_C(1) << 31);
    assert_int_equal(encode_code(&narrow, 1), FLOE_INVALID);
    narrow.as.integer--;
    assert_int_equal(encode_code(&narrow, 1), FLOE_CODE_OK);
    floe_value money = decimal(1000, 3, 0);
    assert_int_equal(encode_code(&money, 1), FLOE_INVALID);
    money.as.decimal--;
    assert_int_equal(encode_code(&money, 1), FLOE_CODE_OK);
}

static void key__number_of_keys__is_one_to_sixteen(void **state) {
    (void)state;
    floe_value keys[FLOE_LIMIT_ENTITY_KEYS + 1];
    for (size_t i = 0; i <= FLOE_LIMIT_ENTITY_KEYS; i++) {
        keys[i] = text("k");
    }
    assert_int_equal(encode_code(keys, 0), FLOE_INVALID);
    assert_int_equal(encode_code(keys, FLOE_LIMIT_ENTITY_KEYS), FLOE_CODE_OK);
    assert_int_equal(encode_code(keys, FLOE_LIMIT_ENTITY_KEYS + 1), FLOE_INVALID);
}

static void key__length__is_limited(void **state) {
    (void)state;
    static char letters[FLOE_LIMIT_KEY_BYTES];
    memset(letters, 'k', sizeof(letters));
    /* Version, count, kind and a length of two bytes. */
    floe_value key = floe_value_string((floe_str){letters, FLOE_LIMIT_KEY_BYTES - 5});
    assert_int_equal(encode_code(&key, 1), FLOE_CODE_OK);
    key.as.bytes.len++;
    assert_int_equal(encode_code(&key, 1), FLOE_LIMIT);
}

/* Far past the limit it is the same refusal, whatever the buffer could hold. */
static void key__far_too_long__is_the_same_limit(void **state) {
    (void)state;
    static char letters[3 * FLOE_LIMIT_KEY_BYTES];
    memset(letters, 'k', sizeof(letters));
    const size_t lens[] = {2 * FLOE_LIMIT_KEY_BYTES - 6, 2 * FLOE_LIMIT_KEY_BYTES - 5, 2 * FLOE_LIMIT_KEY_BYTES,
                           sizeof(letters)};
    for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, 2 * FLOE_LIMIT_KEY_BYTES);
        floe_value keys[2] = {floe_value_int64(1), floe_value_string((floe_str){letters, lens[i]})};
        assert_code(floe_key_encode(keys, 2, &out, &proto_error), FLOE_LIMIT);
        assert_non_null(strstr(proto_error.message, "at most 4096"));
    }
}

/* floe_key_bytes counts what floe_key_encode writes, and floe_key_check refuses exactly what it refuses. */
static void key__bytes_and_check__agree_with_encode(void **state) {
    (void)state;
    static char letters[2 * FLOE_LIMIT_KEY_BYTES];
    static const floe_column names[] = {{{"id", 2}, {.kind = FLOE_KIND_INT64}},
                                        {{"amount", 6}, {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
                                        {{"url", 3}, {.kind = FLOE_KIND_STRING}},
                                        {{"flag", 4}, {.kind = FLOE_KIND_BOOL}},
                                        {{"day", 3}, {.kind = FLOE_KIND_DATE}}};
    memset(letters, 'k', sizeof(letters));
    for (size_t len = 0; len < 5000; len += len < 200 || (len > 4000 && len < 4200) ? 1 : 97) {
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, 4 * FLOE_LIMIT_KEY_BYTES);
        floe_value keys[5] = {floe_value_int64(1),
                              {.type = names[1].type, .as.decimal = 5},
                              floe_value_string((floe_str){letters, len}),
                              {.type = names[3].type},
                              {.type = names[4].type}};
        for (size_t count = 3; count <= 5; count++) {
            floe_buf_clear(&out);
            floe_code encoded = floe_key_encode(keys, count, &out, &proto_error).code;
            assert_int_equal(floe_key_check(names, keys, count, &proto_error).code, encoded);
            if (encoded == FLOE_CODE_OK) {
                assert_int_equal(floe_key_bytes(keys, count), out.len);
            } else {
                assert_int_equal(encoded, FLOE_LIMIT);
                assert_true(floe_key_bytes(keys, count) > FLOE_LIMIT_KEY_BYTES);
            }
        }
    }
}

static void check_says(const floe_column *names, const floe_value *keys, size_t count, const char *part) {
    floe_error_clear(&proto_error);
    assert_code(floe_key_check(names, keys, count, &proto_error), FLOE_LIMIT);
    if (strstr(proto_error.message, part) == NULL) {
        fail_msg("no %s in: %s", part, proto_error.message);
    }
}

/* The longest one, by its name and its first 40 bytes: whole characters of a text, bytes in hex. */
static void key__too_long__is_named_with_its_beginning(void **state) {
    (void)state;
    static char letters[5000];
    static const floe_column names[] = {{{"site", 4}, {.kind = FLOE_KIND_STRING}},
                                        {{"url", 3}, {.kind = FLOE_KIND_STRING}}};
    static const floe_column raw[] = {{{"digest", 6}, {.kind = FLOE_KIND_BYTES}}};
    memset(letters, 'k', sizeof(letters));
    floe_value keys[2] = {text("short"), floe_value_string((floe_str){letters, 5000})};
    check_says(names, keys, 2, "the key url is 5000 bytes long");
    check_says(names, keys, 2, "begins with \"kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\")");
    check_says(names, keys, 2, "at most 4096 are allowed");
    check_says(names, keys, 2, "where:");
    for (size_t i = 0; i + 1 < sizeof(letters); i += 2) {
        memcpy(letters + i, "\xc3\xa4", 2);
    }
    letters[0] = 'x'; /* so that byte 40 is inside a character */
    letters[1] = '-';
    letters[2] = '.';
    for (size_t i = 3; i + 1 < sizeof(letters); i += 2) {
        memcpy(letters + i, "\xc3\xa4", 2);
    }
    check_says(names, keys, 2, "\xc3\xa4\")");
    floe_value bytes = {.type = raw[0].type, .as.bytes = {letters, 4999}};
    check_says(raw, &bytes, 1, "\"782d2ec3a4");
    /* Two that are short enough each: together they are not. */
    keys[0] = floe_value_string((floe_str){letters, 2500});
    keys[1] = floe_value_string((floe_str){letters, 2499});
    check_says(names, keys, 2, "the key site is 2500 bytes long");
    check_says(names, keys, 2, "take 5007 bytes"); /* 2 for version and count; kind and two bytes of length each */
}

static void key__cut_or_longer_bytes__are_corrupt(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_str whole = golden(&arena, "key-1", "every_type");
    for (size_t len = 0; len < whole.len; len++) {
        char *cut = test_malloc(len + 1);
        memcpy(cut, whole.ptr, len);
        assert_int_equal(decode_code((floe_str){cut, len}), FLOE_CORRUPT);
        test_free(cut);
    }
    char *longer = floe_arena_alloc(&arena, whole.len + 1, 1);
    memcpy(longer, whole.ptr, whole.len);
    assert_int_equal(decode_code((floe_str){longer, whole.len + 1}), FLOE_CORRUPT);
}

static void key__bytes_that_are_never_written__are_refused(void **state) {
    (void)state;
    const struct {
        const char *bytes;
        size_t len;
        floe_code code;
    } cases[] = {
        {"\x02\x01\x06\x00", 4, FLOE_UNSUPPORTED},                                        /* format 2 */
        {"\x01\x00", 2, FLOE_CORRUPT},                                                    /* no keys */
        {"\x01\x11", 2, FLOE_CORRUPT},                                                    /* 17 keys */
        {"\x01\x01\x00\x00", 4, FLOE_CORRUPT},                                            /* kind 0 */
        {"\x01\x01\x05\x08\0\0\0\0\0\0\0\0", 12, FLOE_CORRUPT},                           /* a double */
        {"\x01\x01\x0b\x00", 4, FLOE_CORRUPT},                                            /* a list */
        {"\x01\x01\xff\x00", 4, FLOE_CORRUPT},                                            /* kind 255 */
        {"\x01\x01\x02\x03\0\0\0", 7, FLOE_CORRUPT},                                      /* an int32 of 3 bytes */
        {"\x01\x01\x01\x01\x02", 5, FLOE_CORRUPT},                                        /* a bool of 2 */
        {"\x01\x01\x06\x80\x00", 5, FLOE_CORRUPT},                                        /* length 0 in two bytes */
        {"\x01\x81\x00\x06\x00", 5, FLOE_CORRUPT},                                        /* count 1 in two bytes */
        {"\x01\x01\x06\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 13, FLOE_CORRUPT},       /* length 2^64 - 1 */
        {"\x01\x01\x0a\x12\x27\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, FLOE_CORRUPT},     /* decimal(39,0) */
        {"\x01\x01\x0a\x12\x01\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, FLOE_CORRUPT},   /* decimal(1,2) */
        {"\x01\x01\x0a\x12\x01\x00\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22, FLOE_CORRUPT}, /* 10 as decimal(1,0) */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(decode_code((floe_str){cases[i].bytes, cases[i].len}), cases[i].code);
    }
}

static void key__random_bytes__that_are_read_are_written_alike(void **state) {
    (void)state;
    uint32_t seed = first_seed();
    size_t read = 0;
    for (int round = 0; round < 200000; round++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_KIB(64));
        uint8_t bytes[24];
        size_t len = next_random(&seed) % sizeof(bytes);
        for (size_t i = 0; i < len; i++) {
            bytes[i] = (uint8_t)(next_random(&seed) % 12);
        }
        bytes[0] = 1;
        floe_value *keys = NULL;
        size_t count = 0;
        floe_str given = {(const char *)bytes, len == 0 ? 1 : len};
        if (!floe_failed(floe_key_decode(given, &arena, &keys, &count, NULL))) {
            assert_bytes(encode(&arena, keys, count), given);
            read++;
        }
    }
    assert_true(read > 0);
}

static void key__failing_allocations__are_reported(void **state) {
    (void)state;
    floe_value keys[8];
    size_t count = every_type(keys);
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        FLOE_AUTO_BUF out;
        FLOE_AUTO_ARENA arena;
        floe_buf_init(&out, FLOE_MIB(1));
        floe_arena_init(&arena, FLOE_MIB(1));
        floe_value *decoded = NULL;
        size_t decoded_count = 0;
        floe_error_clear(&proto_error);
        floe_mem_fail_at(nth);
        floe_status status = floe_key_encode(keys, count, &out, &proto_error);
        if (!floe_failed(status)) {
            status = floe_key_decode(floe_buf_view(&out), &arena, &decoded, &decoded_count, &proto_error);
        }
        floe_mem_fail_off();
        failed = floe_failed(status);
        assert_true(!failed || status.code == FLOE_NOMEM);
        assert_true(nth < 100);
        assert_true(nth > 1 || failed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key__golden_bytes__are_written),
        cmocka_unit_test(key__golden_bytes__are_read),
        cmocka_unit_test(key__different_keys__have_different_bytes),
        cmocka_unit_test(key__null_or_float_or_list__is_refused),
        cmocka_unit_test(key__outside_its_type__is_refused),
        cmocka_unit_test(key__number_of_keys__is_one_to_sixteen),
        cmocka_unit_test(key__length__is_limited),
        cmocka_unit_test(key__far_too_long__is_the_same_limit),
        cmocka_unit_test(key__bytes_and_check__agree_with_encode),
        cmocka_unit_test(key__too_long__is_named_with_its_beginning),
        cmocka_unit_test(key__cut_or_longer_bytes__are_corrupt),
        cmocka_unit_test(key__bytes_that_are_never_written__are_refused),
        cmocka_unit_test(key__random_bytes__that_are_read_are_written_alike),
        cmocka_unit_test(key__failing_allocations__are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
