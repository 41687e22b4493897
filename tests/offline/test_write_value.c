/*
 * Iceberg's values as a writer spells them: single values, bounds, types of transforms, Avro primitives. Expected bytes are
 * derived by hand from the specs, or are their own examples; floe's reader must decode what was written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/limits.h"
#include "offline/iceberg/range.h"
#include "offline/iceberg/write/write.h"
#include "offline/iceberg/write/avro.h"
#include "tests/offline/sql_support.h"

#include <math.h>
#include <string.h>

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

static floe_value integer(floe_kind kind, int64_t value) {
    return (floe_value){.type.kind = kind, .as.integer = value};
}

static floe_value real(floe_kind kind, double value) {
    return (floe_value){.type.kind = kind, .as.real = value};
}

static floe_value decimal(uint8_t precision, uint8_t scale, __int128 unscaled) {
    return (floe_value){.type = {.kind = FLOE_KIND_DECIMAL, .precision = precision, .scale = scale},
                        .as.decimal = unscaled};
}

static floe_value bytes_of(const char *bytes, size_t len) {
    return (floe_value){.type.kind = FLOE_KIND_BYTES, .as.bytes = {bytes, len}};
}

static void expect_bytes(const floe_buf *buf, const char *hex) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, 4096);
    for (size_t i = 0; i < buf->len; i++) {
        floe_buf_printf(&text, "%02x", (unsigned)(unsigned char)buf->ptr[i]);
    }
    assert_string_equal(floe_buf_view(&text).ptr, hex);
}

static void check_value(floe_value value, const char *hex) {
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 4096);
    must(floe_ice_write_value(&value, &out, &err), &err);
    expect_bytes(&out, hex);
}

/* ---- single values: Appendix D, each derived by hand ---- */

static void value__every_type__has_the_specs_bytes(void **state) {
    (void)state;
    check_value((floe_value){.type.kind = FLOE_KIND_BOOL, .as.boolean = true}, "01");
    check_value((floe_value){.type.kind = FLOE_KIND_BOOL}, "00");
    check_value(integer(FLOE_KIND_INT32, 1), "01000000");
    check_value(integer(FLOE_KIND_INT32, -2), "feffffff");
    check_value(integer(FLOE_KIND_INT64, 258), "0201000000000000");
    check_value(integer(FLOE_KIND_INT64, INT64_MIN), "0000000000000080");
    check_value(integer(FLOE_KIND_DATE, -1), "ffffffff");
    check_value(integer(FLOE_KIND_TIMESTAMP, -1), "ffffffffffffffff");
    check_value(real(FLOE_KIND_FLOAT, 1.0), "0000803f");
    check_value(real(FLOE_KIND_DOUBLE, -2.0), "00000000000000c0");
    check_value(floe_value_string(FLOE_STR("\xc3\xa9")), "c3a9");
    check_value(bytes_of("\0\xff", 2), "00ff");
    check_value(decimal(9, 2, 1420), "058c"); /* 0x058c: two bytes, as in the spec's hash of 14.20 */
    check_value(decimal(9, 2, -1), "ff");
    check_value(decimal(9, 2, 128), "0080");
    check_value(decimal(38, 0, 0), "00");
}

static void value__what_has_no_form__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 100);
    floe_value list = {.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}};
    assert_int_equal(floe_ice_write_value(&list, &out, &err).code, FLOE_UNSUPPORTED);
}

/* ---- bounds ---- */

static void expect_bounds(floe_value value, const char *lower, const char *upper) {
    floe_error err = {0};
    bool any = false;
    FLOE_AUTO_BUF low, high;
    floe_buf_init(&low, 4096);
    floe_buf_init(&high, 4096);
    must(floe_ice_write_lower(&value, &low, &any, &err), &err);
    assert_int_equal(any, lower != NULL);
    if (lower) {
        expect_bytes(&low, lower);
    }
    must(floe_ice_write_upper(&value, &high, &any, &err), &err);
    assert_int_equal(any, upper != NULL);
    if (upper) {
        expect_bytes(&high, upper);
    }
}

static void bounds__short_text__is_exact(void **state) {
    (void)state;
    expect_bounds(floe_value_string(FLOE_STR("")), "", "");
    expect_bounds(floe_value_string(FLOE_STR("abc")), "616263", "616263");
    expect_bounds(floe_value_string(FLOE_STR("0123456789abcdef")), "30313233343536373839616263646566",
                  "30313233343536373839616263646566");
    expect_bounds(bytes_of("\xff", 1), "ff", "ff");
}

static void bounds__long_text__is_cut_and_raised(void **state) {
    (void)state;
    expect_bounds(floe_value_string(FLOE_STR("0123456789abcdefg")), "30313233343536373839616263646566",
                  "30313233343536373839616263646567");
    /* 16 characters, not bytes: é is two of them, and é (U+00E9) raised is ê (U+00EA). */
    expect_bounds(floe_value_string(FLOE_STR("éééééééééééééééééx")),
                  "c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9",
                  "c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3a9c3aa");
    /* U+007F raised is U+0080, two bytes; U+D7FF is followed by U+E000; U+FFFF by U+10000. */
    expect_bounds(floe_value_string(FLOE_STR("aaaaaaaaaaaaaaa\x7fz")), "6161616161616161616161616161617f",
                  "616161616161616161616161616161c280");
    expect_bounds(floe_value_string(FLOE_STR("aaaaaaaaaaaaaaa\xed\x9f\xbfz")), "616161616161616161616161616161ed9fbf",
                  "616161616161616161616161616161ee8080");
    expect_bounds(floe_value_string(FLOE_STR("aaaaaaaaaaaaaaa\xef\xbf\xbfz")), "616161616161616161616161616161efbfbf",
                  "616161616161616161616161616161f0908080");
}

static void bounds__character_that_cannot_be_raised__raises_the_one_before(void **state) {
    (void)state;
    expect_bounds(floe_value_string(FLOE_STR("aaaaaaaaaaaaaaa\xf4\x8f\xbf\xbfz")),
                  "616161616161616161616161616161f48fbfbf", "616161616161616161616161616162");
    expect_bounds(bytes_of("aaaaaaaaaaaaaaa\xffz", 17), "616161616161616161616161616161ff",
                  "616161616161616161616161616162");
    char all[17];
    memset(all, 0xff, sizeof all);
    expect_bounds(bytes_of(all, 17), "ffffffffffffffffffffffffffffffff", NULL);
}

static void bounds__float_zero_and_nan__follow_the_spec(void **state) {
    (void)state;
    expect_bounds(real(FLOE_KIND_DOUBLE, 0.0), "0000000000000080", "0000000000000000");
    expect_bounds(real(FLOE_KIND_DOUBLE, -0.0), "0000000000000080", "0000000000000000");
    expect_bounds(real(FLOE_KIND_FLOAT, 0.0), "00000080", "00000000");
    expect_bounds(real(FLOE_KIND_DOUBLE, NAN), NULL, NULL);
    expect_bounds(real(FLOE_KIND_DOUBLE, -INFINITY), "000000000000f0ff", "000000000000f0ff");
}

/* Every raised bound is above every text with the prefix that was cut; checked byte by byte against all last characters. */
static void bounds__raised__is_above_all_with_the_prefix(void **state) {
    (void)state;
    static const char *const TAILS[] = {"", "\x7f", "z", "\xc3\xbf", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"};
    for (size_t a = 0; a < 6; a++) {
        for (size_t b = 0; b < 6; b++) {
            floe_error err = {0};
            bool any = false;
            FLOE_AUTO_BUF upper;
            floe_buf_init(&upper, 4096);
            char *text =
                floe_arena_printf(&arena, "bbbbbbbbbbbbbb%s%s%s\xf4\x8f\xbf\xbf", TAILS[a], TAILS[b], TAILS[b]);
            floe_value value = floe_value_string(floe_str_of(text));
            must(floe_ice_write_upper(&value, &upper, &any, &err), &err);
            assert_true(any);
            assert_true(floe_str_compare(floe_buf_view(&upper), value.as.bytes) >= 0);
            assert_true(floe_str_is_utf8(floe_buf_view(&upper)));
        }
    }
}

static floe_ice_type ice(floe_ice_kind kind, const char *text) {
    return (floe_ice_type){.kind = kind, .text = floe_str_of(text)};
}

static void bounds__reader__decodes_what_was_written(void **state) {
    (void)state;
    floe_ice_type dec = {.kind = FLOE_ICE_DECIMAL, .precision = 20, .scale = 3, .text = FLOE_STR("decimal(20, 3)")};
    const struct {
        floe_ice_type type;
        floe_value value;
    } cases[] = {
        {ice(FLOE_ICE_INT, "int"), integer(FLOE_KIND_INT32, INT32_MIN)},
        {ice(FLOE_ICE_LONG, "long"), integer(FLOE_KIND_INT64, INT64_MAX)},
        {ice(FLOE_ICE_DATE, "date"), integer(FLOE_KIND_DATE, -719162)},
        {ice(FLOE_ICE_TIMESTAMPTZ, "timestamptz"), integer(FLOE_KIND_TIMESTAMP, -5)},
        {ice(FLOE_ICE_FLOAT, "float"), real(FLOE_KIND_FLOAT, 0.1f)},
        {ice(FLOE_ICE_DOUBLE, "double"), real(FLOE_KIND_DOUBLE, 0.1)},
        {ice(FLOE_ICE_STRING, "string"), floe_value_string(FLOE_STR("é"))},
        {ice(FLOE_ICE_BINARY, "binary"), bytes_of("\0x", 2)},
        {ice(FLOE_ICE_BOOLEAN, "boolean"), {.type.kind = FLOE_KIND_BOOL, .as.boolean = true}},
        {dec, decimal(20, 3, -((__int128)1 << 65))},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        floe_error err = {0};
        bool any = false;
        floe_value back;
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, 100);
        must(floe_ice_write_lower(&cases[i].value, &out, &any, &err), &err);
        assert_true(floe_bound_decode(&cases[i].type, floe_buf_view(&out), &back));
        assert_int_equal(floe_value_compare(&back, &cases[i].value), 0);
    }
}

/* ---- transforms' types ---- */

static void transform_type__takes_what_the_spec_allows(void **state) {
    (void)state;
    static const struct {
        floe_ice_transform_kind transform;
        floe_ice_kind source;
        floe_code code;
        floe_ice_kind result;
    } CASES[] = {
        {FLOE_TRANSFORM_IDENTITY, FLOE_ICE_STRING, FLOE_CODE_OK, FLOE_ICE_STRING},
        {FLOE_TRANSFORM_IDENTITY, FLOE_ICE_UUID, FLOE_CODE_OK, FLOE_ICE_UUID},
        {FLOE_TRANSFORM_IDENTITY, FLOE_ICE_TIME, FLOE_CODE_OK, FLOE_ICE_TIME},
        {FLOE_TRANSFORM_IDENTITY, FLOE_ICE_FIXED, FLOE_CODE_OK, FLOE_ICE_FIXED},
        {FLOE_TRANSFORM_BUCKET, FLOE_ICE_FIXED, FLOE_CODE_OK, FLOE_ICE_INT},
        {FLOE_TRANSFORM_IDENTITY, FLOE_ICE_UNKNOWN, FLOE_INVALID, 0},
        {FLOE_TRANSFORM_IDENTITY, FLOE_ICE_STRUCT, FLOE_INVALID, 0},
        {FLOE_TRANSFORM_YEAR, FLOE_ICE_DATE, FLOE_CODE_OK, FLOE_ICE_INT},
        {FLOE_TRANSFORM_MONTH, FLOE_ICE_TIMESTAMPTZ, FLOE_CODE_OK, FLOE_ICE_INT},
        {FLOE_TRANSFORM_DAY, FLOE_ICE_TIMESTAMP, FLOE_CODE_OK, FLOE_ICE_DATE},
        {FLOE_TRANSFORM_HOUR, FLOE_ICE_DATE, FLOE_INVALID, 0},
        {FLOE_TRANSFORM_MONTH, FLOE_ICE_STRING, FLOE_INVALID, 0},
        {FLOE_TRANSFORM_BUCKET, FLOE_ICE_UUID, FLOE_CODE_OK, FLOE_ICE_INT},
        {FLOE_TRANSFORM_BUCKET, FLOE_ICE_DOUBLE, FLOE_INVALID, 0},
        {FLOE_TRANSFORM_BUCKET, FLOE_ICE_BOOLEAN, FLOE_INVALID, 0},
        {FLOE_TRANSFORM_TRUNCATE, FLOE_ICE_DECIMAL, FLOE_CODE_OK, FLOE_ICE_DECIMAL},
        {FLOE_TRANSFORM_TRUNCATE, FLOE_ICE_DATE, FLOE_INVALID, 0},
        {FLOE_TRANSFORM_VOID, FLOE_ICE_LONG, FLOE_CODE_OK, FLOE_ICE_LONG},
        {FLOE_TRANSFORM_UNKNOWN, FLOE_ICE_LONG, FLOE_INVALID, 0},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        floe_error err = {0};
        floe_ice_type source_type = ice(CASES[i].source, "x"), result;
        floe_ice_field source = {.name = FLOE_STR("c"), .type = &source_type};
        floe_ice_partition_field field = {.transform = CASES[i].transform, .name = FLOE_STR("p")};
        floe_status status = floe_ice_transform_type(&field, &source, &result, &err);
        assert_int_equal(status.code, CASES[i].code);
        if (!floe_failed(status)) {
            assert_int_equal(result.kind, CASES[i].result);
        } else {
            assert_non_null(strstr(err.message, "partition p"));
        }
    }
}

/* ---- Avro ---- */

static void avro__primitives__have_the_specs_bytes(void **state) {
    (void)state;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 1000);
    static const int64_t LONGS[] = {0, -1, 1, -2, 2, -64, 64}; /* the table of the Avro specification */
    for (size_t i = 0; i < 7; i++) {
        floe_avro_put_long(&out, LONGS[i]);
    }
    expect_bytes(&out, "00010203047f8001");
    floe_buf_clear(&out);
    floe_avro_put_bytes(&out, FLOE_STR("foo")); /* its example of a string */
    expect_bytes(&out, "06666f6f");
    floe_buf_clear(&out);
    floe_avro_begin_items(&out, 2); /* its example of an array: 3, 27 */
    floe_avro_put_long(&out, 3);
    floe_avro_put_long(&out, 27);
    floe_avro_end_items(&out, 2);
    expect_bytes(&out, "04063600");
    floe_buf_clear(&out);
    floe_avro_begin_items(&out, 0);
    floe_avro_end_items(&out, 0);
    floe_avro_put_present(&out, false);
    floe_avro_put_present(&out, true);
    expect_bytes(&out, "000002");
}

static void avro__decimal__is_as_long_as_its_precision_needs(void **state) {
    (void)state;
    /* Iceberg's table of minimum bytes: 2 digits in 1, 4 in 2, 6 in 3, 9 in 4, 18 in 8, 38 in 16. */
    static const uint8_t CASES[][2] = {{1, 1}, {2, 1}, {3, 2},  {4, 2},  {5, 3},  {6, 3},
                                       {7, 4}, {9, 4}, {10, 5}, {18, 8}, {19, 9}, {38, 16}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        assert_int_equal(floe_avro_decimal_len(CASES[i][0]), CASES[i][1]);
    }
    floe_error err = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 100);
    floe_value minus_two = decimal(9, 0, -2);
    must(floe_avro_put_value(&out, &minus_two, &err), &err);
    expect_bytes(&out, "fffffffe");
}

#define WRITE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WRITE_TEST(value__every_type__has_the_specs_bytes),
        WRITE_TEST(value__what_has_no_form__is_refused),
        WRITE_TEST(bounds__short_text__is_exact),
        WRITE_TEST(bounds__long_text__is_cut_and_raised),
        WRITE_TEST(bounds__character_that_cannot_be_raised__raises_the_one_before),
        WRITE_TEST(bounds__float_zero_and_nan__follow_the_spec),
        WRITE_TEST(bounds__raised__is_above_all_with_the_prefix),
        WRITE_TEST(bounds__reader__decodes_what_was_written),
        WRITE_TEST(transform_type__takes_what_the_spec_allows),
        WRITE_TEST(avro__primitives__have_the_specs_bytes),
        WRITE_TEST(avro__decimal__is_as_long_as_its_precision_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
