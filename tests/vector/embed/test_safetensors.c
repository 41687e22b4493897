/*
 * The .safetensors reader: what a good file gives, and that every kind of damage is refused before a byte of data is used.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "tests/support/support.h"
#include "vector/embed/safetensors_int.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void print_file(floe_buf *out, const char *header, const void *data, size_t data_len) {
    floe_buf_init(out, FLOE_MIB(4));
    floe_buf_u64(out, strlen(header));
    floe_buf_text(out, header);
    floe_buf_append(out, data, data_len);
}

/* Parses header and data_len zero bytes from a block of exactly their length, so that a sanitizer sees one byte too many. */
static floe_code parse(const char *header, size_t data_len, floe_error *err) {
    FLOE_AUTO_BUF file;
    FLOE_AUTO_ARENA arena;
    floe_tensors tensors = {0};
    static const char zeros[4096];
    floe_arena_init(&arena, FLOE_MIB(4));
    print_file(&file, header, zeros, data_len);
    char *exact = malloc(file.len);
    memcpy(exact, file.ptr, file.len);
    floe_code code = floe_safetensors_parse((floe_str){exact, file.len}, &arena, &tensors, err).code;
    free(exact);
    return code;
}

static void check_refused(const char *header, size_t data_len, floe_code code, const char *why) {
    floe_error err = {0};
    floe_code got = parse(header, data_len, &err);
    if (got != code || strstr(err.message, why) == NULL) {
        fail_msg("%s: code %d, message \"%s\"; wanted code %d and \"%s\"", header, (int)got, err.message, (int)code,
                 why);
    }
}

static void safetensors__good_file__gives_its_tensors(void **state) {
    (void)state;
    FLOE_AUTO_BUF file;
    FLOE_AUTO_ARENA arena;
    floe_tensors tensors = {0};
    floe_error err = {0};
    const float data[] = {1.5f, -2, 3, 4, 5, 6, 7};
    floe_arena_init(&arena, FLOE_MIB(4));
    print_file(&file,
               "{\"__metadata__\":{\"a\":\"b\"},\"second\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[24,28]},"
               "\"first\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}   ",
               data, sizeof(data));
    assert_ok(floe_safetensors_parse(floe_buf_view(&file), &arena, &tensors, &err), &err);
    assert_int_equal(tensors.count, 2);
    const floe_tensor *first = floe_tensors_find(&tensors, FLOE_STR("first"));
    assert_non_null(first);
    assert_int_equal(first->rank, 2);
    assert_int_equal(first->shape[0], 2);
    assert_int_equal(first->shape[1], 3);
    const float *floats = NULL;
    assert_ok(floe_tensor_floats(first, &arena, &floats, &err), &err);
    assert_memory_equal(floats, data, 24);
    assert_ok(floe_tensor_floats(floe_tensors_find(&tensors, FLOE_STR("second")), &arena, &floats, &err), &err);
    assert_true(floats[0] == 7);
    assert_null(floe_tensors_find(&tensors, FLOE_STR("third")));
    assert_null(floe_tensors_find(&tensors, FLOE_STR("__metadata__")));
}

static void safetensors__empty_and_scalar_tensors__are_allowed(void **state) {
    (void)state;
    floe_error err = {0};
    assert_int_equal(parse("{}", 0, &err), FLOE_CODE_OK);
    assert_int_equal(parse("{\"s\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}", 8, &err), FLOE_CODE_OK);
    assert_int_equal(parse("{\"e\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[0,0]},"
                           "\"s\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}",
                           3, &err),
                     FLOE_CODE_OK);
}

static void safetensors__every_type__has_its_length(void **state) {
    (void)state;
    static const struct {
        const char *name;
        size_t len;
    } types[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"I64", 8},  {"I32", 4},     {"I16", 2},    {"I8", 1},
                 {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1},   {"BOOL", 1}, {"F8_E4M3", 1}, {"F8_E5M2", 1}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char header[160];
        floe_error err = {0};
        (void)snprintf(header, sizeof(header), "{\"t\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%zu]}}",
                       types[i].name, 3 * types[i].len);
        assert_int_equal(parse(header, 3 * types[i].len, &err), FLOE_CODE_OK);
        (void)snprintf(header, sizeof(header), "{\"t\":{\"dtype\":\"%s\",\"shape\":[3],\"data_offsets\":[0,%zu]}}",
                       types[i].name, 3 * types[i].len + 1);
        assert_int_equal(parse(header, 3 * types[i].len + 1, &err), FLOE_CORRUPT);
    }
}

static void safetensors__bad_headers__are_refused(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data_len;
        floe_code code;
        const char *why;
    } rows[] = {
        {"", 0, FLOE_CORRUPT, "header"},
        {"[]", 0, FLOE_CORRUPT, "no object"},
        {"{", 0, FLOE_CORRUPT, "header"},
        {"not json", 0, FLOE_CORRUPT, "header"},
        {"{\"t\":1}", 0, FLOE_CORRUPT, "no object"},
        {"{\"t\":{}}", 0, FLOE_CORRUPT, "no dtype"},
        {"{\"t\":{\"dtype\":4}}", 0, FLOE_CORRUPT, "no dtype"},
        {"{\"t\":{\"dtype\":\"F4\",\"shape\":[],\"data_offsets\":[0,0]}}", 0, FLOE_UNSUPPORTED, "F4"},
        {"{\"t\":{\"dtype\":\"U8\"}}", 0, FLOE_CORRUPT, "shape"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":3,\"data_offsets\":[0,3]}}", 3, FLOE_CORRUPT, "shape"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, FLOE_CORRUPT, "shape"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1, FLOE_CORRUPT, "natural"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1.0],\"data_offsets\":[0,1]}}", 1, FLOE_CORRUPT, "natural"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[\"1\"],\"data_offsets\":[0,1]}}", 1, FLOE_CORRUPT, "natural"},
        {"{\"t\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}", 0, FLOE_CORRUPT,
         "overflows"},
        {"{\"t\":{\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]}}", 0, FLOE_CORRUPT,
         "overflows"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, FLOE_CORRUPT, "data_offsets"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, FLOE_CORRUPT, "data_offsets"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, FLOE_CORRUPT, "data_offsets"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[-1,0]}}", 1, FLOE_CORRUPT, "data_offsets"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", 1, FLOE_CORRUPT, "data_offsets"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1, FLOE_CORRUPT, "not the 2 bytes"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}", 1, FLOE_CORRUPT, "past the 1 bytes"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 2, FLOE_CORRUPT, "belong to no tensor"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, FLOE_CORRUPT, "begins at 1"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
         3, FLOE_CORRUPT, "before ends at 2"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
         2, FLOE_CORRUPT, "before ends at 2"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
         3, FLOE_CORRUPT, "before ends at 1"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}",
         2, FLOE_CORRUPT, "header"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,9223372036854775807]}}", 1, FLOE_CORRUPT,
         "not the 1 bytes"},
        {"{\"t\":{\"dtype\":\"U8\",\"shape\":[9223372036854775807],\"data_offsets\":[0,9223372036854775807]}}", 1,
         FLOE_CORRUPT, "past the 1 bytes"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_refused(rows[i].header, rows[i].data_len, rows[i].code, rows[i].why);
    }
}

static void safetensors__bad_header_lengths__are_refused(void **state) {
    (void)state;
    static const uint64_t lens[] = {
        3, 100, FLOE_SAFETENSORS_HEADER_BYTES, FLOE_SAFETENSORS_HEADER_BYTES + 1, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        FLOE_AUTO_BUF file;
        FLOE_AUTO_ARENA arena;
        floe_tensors tensors = {0};
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(1));
        floe_buf_init(&file, 100);
        floe_buf_u64(&file, lens[i]);
        floe_buf_text(&file, "{}");
        assert_code(floe_safetensors_parse(floe_buf_view(&file), &arena, &tensors, &err), FLOE_CORRUPT);
    }
}

static void safetensors__every_cut__is_refused(void **state) {
    (void)state;
    FLOE_AUTO_BUF file;
    const float data[] = {1, 2, 3};
    print_file(&file, "{\"t\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}", data, sizeof(data));
    for (size_t len = 0; len < file.len; len++) {
        FLOE_AUTO_ARENA arena;
        floe_tensors tensors = {0};
        floe_error err = {0};
        char *exact = malloc(len + 1);
        memcpy(exact, file.ptr, len);
        floe_arena_init(&arena, FLOE_MIB(1));
        assert_code(floe_safetensors_parse((floe_str){exact, len}, &arena, &tensors, &err), FLOE_CORRUPT);
        free(exact);
    }
}

/* ---- conversion ---- */

static float convert(const char *type, uint32_t bits) {
    FLOE_AUTO_ARENA arena;
    uint8_t bytes[5] = {0, (uint8_t)bits, (uint8_t)(bits >> 8), (uint8_t)(bits >> 16), (uint8_t)(bits >> 24)};
    floe_tensor_type kind = {type, strcmp(type, "F32") == 0 ? 4 : 2};
    floe_tensor tensor = {.name = FLOE_STR("t"), .type = &kind, .rank = 1, .shape = {1}, .end = kind.len};
    const float *floats = NULL;
    floe_error err = {0};
    tensor.bytes = bytes + 1;
    floe_arena_init(&arena, 1000);
    assert_ok(floe_tensor_floats(&tensor, &arena, &floats, &err), &err);
    return floats[0];
}

/* IEEE 754-2008, table 3.5: values of binary16 by their bits. */
static void safetensors__half__is_converted_exactly(void **state) {
    (void)state;
    assert_true(convert("F16", 0x3C00) == 1.0f);
    assert_true(convert("F16", 0xC000) == -2.0f);
    assert_true(convert("F16", 0x7BFF) == 65504.0f);
    assert_true(convert("F16", 0x0400) == 0x1p-14f);
    assert_true(convert("F16", 0x0001) == 0x1p-24f);
    assert_true(convert("F16", 0x83FF) == -1023 * 0x1p-24f);
    assert_true(convert("F16", 0x3555) == 0x1.554p-2f);
    assert_true(convert("F16", 0x8000) == 0 && signbit(convert("F16", 0x8000)));
    assert_true(isinf(convert("F16", 0x7C00)) && convert("F16", 0x7C00) > 0);
    assert_true(isinf(convert("F16", 0xFC00)) && convert("F16", 0xFC00) < 0);
    assert_true(isnan(convert("F16", 0x7C01)));
}

/* A bfloat16 is the upper half of a float. */
static void safetensors__bfloat__is_the_upper_half(void **state) {
    (void)state;
    assert_true(convert("BF16", 0x3F80) == 1.0f);
    assert_true(convert("BF16", 0xC040) == -3.0f);
    assert_true(convert("BF16", 0x0080) == 0x1p-126f);
    assert_true(isnan(convert("BF16", 0x7FC0)));
}

static void safetensors__unaligned_float__is_copied(void **state) {
    (void)state;
    assert_true(convert("F32", 0x40490FDB) == 3.14159274f);
}

/* ---- files ---- */

static void safetensors__file__is_mapped(void **state) {
    (void)state;
    char path[512];
    floe_mapped mapped = {0};
    floe_error err = {0};
    (void)snprintf(path, sizeof(path), "%s/file", floe_test_temp_dir());
    assert_ok(floe_file_write(path, FLOE_STR("content"), false, &err), &err);
    assert_ok(floe_mapped_open(path, &mapped, &err), &err);
    assert_int_equal(mapped.len, 7);
    assert_memory_equal(mapped.address, "content", 7);
    floe_mapped_close(&mapped);
    assert_null(mapped.address);
    floe_mapped_close(&mapped);
}

static void safetensors__missing_empty_or_folder__is_refused(void **state) {
    (void)state;
    char path[512];
    floe_mapped mapped = {0};
    floe_error err = {0};
    (void)snprintf(path, sizeof(path), "%s/missing", floe_test_temp_dir());
    assert_code(floe_mapped_open(path, &mapped, &err), FLOE_NOT_FOUND);
    assert_message(&err, path);
    floe_error_clear(&err);
    assert_ok(floe_file_write(path, FLOE_STR(""), false, &err), &err);
    assert_code(floe_mapped_open(path, &mapped, &err), FLOE_CORRUPT);
    floe_error_clear(&err);
    assert_code(floe_mapped_open(floe_test_temp_dir(), &mapped, &err), FLOE_CORRUPT);
    assert_null(mapped.address);
}

/* ---- memory ---- */

static floe_status parse_once(void *context, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_tensors tensors = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    return floe_safetensors_parse(floe_buf_view(context), &arena, &tensors, err);
}

static void safetensors__every_allocation_may_fail(void **state) {
    (void)state;
    FLOE_AUTO_BUF file;
    print_file(&file, "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "\0\0\0", 4);
    assert_true(floe_test_alloc_sweep(parse_once, &file) > 0);
}

static void safetensors__header_beyond_the_arena__is_a_limit(void **state) {
    (void)state;
    FLOE_AUTO_BUF file;
    FLOE_AUTO_ARENA arena;
    floe_tensors tensors = {0};
    floe_error err = {0};
    floe_arena_init(&arena, 200);
    print_file(&file, "{\"t\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", "\0\0\0", 4);
    assert_code(floe_safetensors_parse(floe_buf_view(&file), &arena, &tensors, &err), FLOE_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(safetensors__good_file__gives_its_tensors),
        cmocka_unit_test(safetensors__empty_and_scalar_tensors__are_allowed),
        cmocka_unit_test(safetensors__every_type__has_its_length),
        cmocka_unit_test(safetensors__bad_headers__are_refused),
        cmocka_unit_test(safetensors__bad_header_lengths__are_refused),
        cmocka_unit_test(safetensors__every_cut__is_refused),
        cmocka_unit_test(safetensors__half__is_converted_exactly),
        cmocka_unit_test(safetensors__bfloat__is_the_upper_half),
        cmocka_unit_test(safetensors__unaligned_float__is_copied),
        cmocka_unit_test(safetensors__file__is_mapped),
        cmocka_unit_test(safetensors__missing_empty_or_folder__is_refused),
        cmocka_unit_test(safetensors__every_allocation_may_fail),
        cmocka_unit_test(safetensors__header_beyond_the_arena__is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
