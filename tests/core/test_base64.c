/* core/base64: the vectors of RFC 4648, strictness, round trips. */
#include "tests/support/support.h"

#include "core/base64.h"

/* RFC 4648, section 10, and bytes that need the last two characters of the alphabet. */
static const struct {
    const char *bytes;
    const char *text;
} vectors[] = {
    {"", ""},
    {"f", "Zg=="},
    {"fo", "Zm8="},
    {"foo", "Zm9v"},
    {"foob", "Zm9vYg=="},
    {"fooba", "Zm9vYmE="},
    {"foobar", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/"},
};

static void encode__rfc_vectors(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 100);
        floe_base64_encode(floe_str_of(vectors[i].bytes), &buf);
        assert_string_equal(floe_buf_view(&buf).ptr, vectors[i].text);
    }
}

static void decode__rfc_vectors(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 10000);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        floe_error err = {0};
        floe_str bytes = {0};
        assert_ok(floe_base64_decode(floe_str_of(vectors[i].text), &arena, &bytes, &err), &err);
        assert_true(floe_str_is(bytes, vectors[i].bytes));
    }
}

static void decode__every_deviation__is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"Z",    "Zg",   "Zg=",  "Zm9vYg", "Zg==Zg==", "=Zg=", "Z===", "====",
                                      "Zm9-", "Zm9_", "Zm 9", "Zm9\n",  "Zh==",     "Zm9=", "Z=g=", "\xC3\xA9\xC3\xA9"};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 10000);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        floe_error err = {0};
        floe_str bytes = FLOE_STR("untouched");
        assert_code(floe_base64_decode(floe_str_of(bad[i]), &arena, &bytes, &err), FLOE_INVALID);
        assert_message(&err, "is not base64");
        assert_true(floe_str_is(bytes, "untouched"));
    }
}

static void round_trip__random_bytes(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 2000; i++) {
        char bytes[100];
        size_t len = floe_test_below(&rng, sizeof(bytes));
        floe_test_fill(&rng, bytes, len);
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, 10000);
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 1000);
        floe_base64_encode((floe_str){bytes, len}, &buf);
        assert_int_equal(buf.len, (len + 2) / 3 * 4);
        floe_str back = {0};
        assert_ok(floe_base64_decode(floe_buf_view(&buf), &arena, &back, NULL), NULL);
        assert_true(floe_str_equal(back, (floe_str){bytes, len}));
    }
}

static void decode__arena_too_small__is_limit(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 2);
    floe_str bytes = {0};
    assert_code(floe_base64_decode(FLOE_STR("Zm9vYmFy"), &arena, &bytes, NULL), FLOE_LIMIT);
}

static floe_status decode_once(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1000);
    floe_str bytes = {0};
    return floe_base64_decode(FLOE_STR("Zm9vYmFy"), &arena, &bytes, err);
}

static void decode__nth_allocation_fails__is_nomem(void **state) {
    (void)state;
    assert_int_equal(floe_test_alloc_sweep(decode_once, NULL), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode__rfc_vectors),
        cmocka_unit_test(decode__rfc_vectors),
        cmocka_unit_test(decode__every_deviation__is_refused),
        cmocka_unit_test(round_trip__random_bytes),
        cmocka_unit_test(decode__arena_too_small__is_limit),
        cmocka_unit_test(decode__nth_allocation_fails__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
