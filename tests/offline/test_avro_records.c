/*
 * Records of the Avro decoder: structs, lists and values into C. Every byte string here is written out by hand after
 * the Avro specification.
 */
#include "tests/offline/avro_support.h"

/* ---- structs ---- */

#define ALL_FIELDS                                                                                                     \
    "{\"name\":\"skipped\",\"type\":{\"type\":\"array\",\"items\":\"string\"}},"                                       \
    "{\"name\":\"a\",\"type\":[\"null\",\"long\"],\"field-id\":1},"                                                    \
    "{\"name\":\"b\",\"type\":[\"string\",\"null\"],\"field-id\":2},"                                                  \
    "{\"name\":\"c\",\"type\":\"boolean\",\"field-id\":3},"                                                            \
    "{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"double\"}},"                                              \
    "{\"name\":\"d\",\"type\":[\"null\",\"bytes\"],\"field-id\":4},"                                                   \
    "{\"name\":\"e\",\"type\":[\"null\",\"boolean\"],\"field-id\":5},"                                                 \
    "{\"name\":\"f\",\"type\":{\"type\":\"fixed\",\"name\":\"fx\",\"size\":3}},"                                       \
    "{\"name\":\"g\",\"type\":{\"type\":\"enum\",\"name\":\"en\",\"symbols\":[\"A\",\"B\"]}},"                         \
    "{\"name\":\"h\",\"type\":\"float\"}"

/* One record of ALL_FIELDS: what is skipped lies between what is wanted. */
static void put_all(bool nulls) {
    avro_long(&payload, 2);
    avro_text(&payload, "x");
    avro_text(&payload, "yz");
    avro_long(&payload, 0);
    avro_long(&payload, nulls ? 0 : 1);
    if (!nulls) {
        avro_long(&payload, 42);
    }
    avro_long(&payload, nulls ? 1 : 0);
    if (!nulls) {
        avro_text(&payload, "hello");
    }
    floe_buf_byte(&payload, 1);
    avro_long(&payload, 1);
    avro_text(&payload, "k");
    floe_buf_f64(&payload, 1.5);
    avro_long(&payload, 0);
    avro_long(&payload, nulls ? 0 : 1);
    if (!nulls) {
        avro_text(&payload, "secret");
    }
    avro_long(&payload, nulls ? 0 : 1);
    if (!nulls) {
        floe_buf_byte(&payload, 0);
    }
    floe_buf_append(&payload, "abc", 3);
    avro_long(&payload, 1);
    floe_buf_append(&payload, "\0\0\0\0", 4);
}

static void structs__wanted_between_skipped__are_all_right(void **state) {
    (void)state;
    row rows[2] = {0};
    size_t count = 0;
    floe_error err = {0};
    avro_header(&file_bytes, RECORD(ALL_FIELDS), "null", NULL, 0);
    put_all(false);
    put_all(true);
    avro_block(&file_bytes, 2, floe_buf_view(&payload));
    assert_ok(decode(rows, 2, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].number, 42);
    assert_true(floe_str_is(rows[0].text, "hello"));
    assert_true(rows[0].flag);
    assert_true(rows[0].present);
    assert_int_equal(rows[0].truth, 1);   /* false, which is not null */
    assert_int_equal(rows[1].number, -7); /* nulls leave the defaults */
    assert_null(rows[1].text.ptr);
    assert_false(rows[1].present);
    assert_int_equal(rows[1].truth, 0);
    assert_int_equal(rows[1].narrow, -8); /* as does a field that the writer does not have */
}

static void structs__field_without_id__is_found_by_name(void **state) {
    (void)state;
    row rows[1] = {0};
    size_t count = 0;
    floe_error err = {0};
    avro_header(
        &file_bytes,
        RECORD("{\"name\":\"number\",\"type\":\"int\"},{\"name\":\"text\",\"type\":\"string\",\"field-id\":99}"), NULL,
        NULL, 0);
    avro_long(&payload, 17);
    avro_text(&payload, "not wanted: its id is another's");
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    assert_ok(decode(rows, 1, &count, &err), &err);
    assert_int_equal(rows[0].number, 17);
    assert_null(rows[0].text.ptr);
}

static void structs__wrong_type__is_corrupt_by_name(void **state) {
    (void)state;
    static const struct {
        const char *schema, *part;
    } CASES[] = {
        {RECORD("{\"name\":\"n\",\"type\":\"string\",\"field-id\":1}"), "\"number\" has the Avro type string"},
        {RECORD("{\"name\":\"n\",\"type\":\"long\",\"field-id\":2}"), "\"text\" has the Avro type long"},
        {RECORD("{\"name\":\"n\",\"type\":[\"null\",\"int\"],\"field-id\":3}"), "\"flag\" has the Avro type int"},
        {RECORD("{\"name\":\"n\",\"type\":\"long\",\"field-id\":10}"), "\"counts\" has the Avro type long"},
        {RECORD("{\"name\":\"n\",\"type\":{\"type\":\"array\",\"items\":\"long\"},\"field-id\":10}"), "long"},
        {RECORD("{\"name\":\"n\",\"type\":\"long\",\"field-id\":20}"), "\"values\" has the Avro type long"},
        {"\"long\"", "holds no records"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        floe_buf_clear(&file_bytes);
        avro_header(&file_bytes, CASES[i].schema, NULL, NULL, 0);
        expect_corrupt(CASES[i].part);
    }
}

static void structs__needed_field_missing__is_corrupt(void **state) {
    (void)state;
    static const floe_avro_target NEEDED[] = {FLOE_AVRO_NEEDED(77, "vital", I64, AT(number))};
    floe_error err = {0};
    floe_avro_file file;
    floe_avro_decoder decoder;
    floe_avro_options options = options_of();
    write_numbers(NULL, NULL, 0);
    assert_ok(floe_avro_open(FLOE_STR("t.avro"), floe_buf_view(&file_bytes), &arena, &file, &err), &err);
    assert_code(floe_avro_compile(&file, NEEDED, 1, &options, &decoder, &err), FLOE_CORRUPT);
    assert_message(&err, "no field \"vital\" (id 77)");
}

static void unions__branch_that_is_not_there__is_corrupt(void **state) {
    (void)state;
    for (int64_t branch = -1; branch <= 2; branch += 3) {
        floe_buf_clear(&file_bytes);
        floe_buf_clear(&payload);
        avro_header(&file_bytes, RECORD("{\"name\":\"n\",\"type\":[\"null\",\"long\"],\"field-id\":1}"), NULL, NULL, 0);
        avro_long(&payload, branch);
        avro_long(&payload, 1);
        avro_block(&file_bytes, 1, floe_buf_view(&payload));
        expect_corrupt("block 1");
    }
}

/* ---- lists ---- */

static void lists__several_blocks_and_negative_counts__are_one_list(void **state) {
    (void)state;
    row rows[1] = {0};
    size_t count = 0;
    floe_error err = {0};
    avro_header(&file_bytes, RECORD(COUNTS_FIELD), NULL, NULL, 0);
    avro_long(&payload, 1); /* the branch */
    avro_long(&payload, 2);
    put_pairs((const int64_t[]){1, 10, 2, 20}, 2);
    avro_long(&payload, -1); /* one item; then its length in bytes */
    avro_long(&payload, 2);
    put_pairs((const int64_t[]){3, 30}, 1);
    avro_long(&payload, 0);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    assert_ok(decode(rows, 1, &count, &err), &err);
    assert_int_equal(rows[0].count_count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rows[0].counts[i].field_id, i + 1);
        assert_int_equal(rows[0].counts[i].count, (i + 1) * 10);
    }
}

static void lists__filtered__keep_only_the_ids_asked_for(void **state) {
    (void)state;
    static const int32_t KEEP[] = {2, 5, 9};
    row rows[1] = {0};
    size_t count = 0;
    floe_error err = {0};
    avro_header(&file_bytes, RECORD(COUNTS_FIELD), NULL, NULL, 0);
    avro_long(&payload, 1);
    avro_long(&payload, 5);
    put_pairs((const int64_t[]){9, 90, 1, 10, 2, 20, 4, 40, 10, 100}, 5);
    avro_long(&payload, 0);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    floe_avro_options options = options_of();
    options.keep_all = false;
    options.keep_ids = KEEP;
    options.keep_count = 3;
    assert_ok(decode_with(floe_buf_view(&file_bytes), &options, rows, 1, &count, &err), &err);
    assert_int_equal(rows[0].count_count, 2);
    assert_int_equal(rows[0].counts[0].count, 90);
    assert_int_equal(rows[0].counts[1].count, 20);
    options.keep_count = 0; /* nothing wanted: the list is skipped, not decoded */
    assert_ok(decode_with(floe_buf_view(&file_bytes), &options, rows, 1, &count, &err), &err);
    assert_int_equal(rows[0].count_count, 0);
}

static void lists__one_key_many_times__keep_within_their_room(void **state) {
    (void)state;
    static const int32_t KEEP[] = {7};
    row rows[1] = {0};
    size_t count = 0;
    floe_error err = {0};
    avro_header(&file_bytes, RECORD(COUNTS_FIELD), NULL, NULL, 0);
    avro_long(&payload, 1);
    avro_long(&payload, 3);
    put_pairs((const int64_t[]){7, 1, 7, 2, 7, 3}, 3);
    avro_long(&payload, 0);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    floe_avro_options options = options_of();
    options.keep_all = false;
    options.keep_ids = KEEP;
    options.keep_count = 1;
    assert_ok(decode_with(floe_buf_view(&file_bytes), &options, rows, 1, &count, &err), &err);
    assert_int_equal(rows[0].count_count, 1);
    assert_int_equal(rows[0].counts[0].count, 1);
}

static void lists__impossible_counts__are_corrupt(void **state) {
    (void)state;
    static const int64_t COUNTS[] = {INT64_MAX, INT64_MIN, 1000000, -5};
    for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
        floe_buf_clear(&file_bytes);
        floe_buf_clear(&payload);
        avro_header(&file_bytes, RECORD(COUNTS_FIELD), NULL, NULL, 0);
        avro_long(&payload, 1);
        avro_long(&payload, COUNTS[i]);
        avro_long(&payload, 4); /* a length for the negative counts */
        avro_long(&payload, 0);
        avro_block(&file_bytes, 1, floe_buf_view(&payload));
        expect_corrupt("block 1");
    }
}

static void lists__skipped_with_a_length__are_jumped_over(void **state) {
    (void)state;
    row rows[1] = {0};
    size_t count = 0;
    floe_error err = {0};
    avro_header(&file_bytes,
                RECORD("{\"name\":\"s\",\"type\":{\"type\":\"array\",\"items\":\"string\"}}," NUMBER_FIELD), NULL, NULL,
                0);
    avro_long(&payload, -2);
    avro_long(&payload, 6);
    floe_buf_append(&payload, "!junk!", 6); /* never looked at: the length says where it ends */
    avro_long(&payload, 0);
    avro_long(&payload, 11);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    assert_ok(decode(rows, 1, &count, &err), &err);
    assert_int_equal(rows[0].number, 11);
}

static void lists__null_item_of_a_nullable_item__is_corrupt(void **state) {
    (void)state;
    static const char SCHEMA[] =
        RECORD("{\"name\":\"c\",\"type\":{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"record\",\"name\":\"kv\","
               "\"fields\":[{\"name\":\"key\",\"type\":[\"null\",\"int\"]},{\"name\":\"value\",\"type\":\"long\"}]}]},"
               "\"field-id\":10}");
    row rows[1] = {0};
    size_t count = 0;
    floe_error err = {0};
    avro_header(&file_bytes, SCHEMA, NULL, NULL, 0);
    avro_long(&payload, 1);
    avro_long(&payload, 1); /* the item is there */
    avro_long(&payload, 1);
    put_pairs((const int64_t[]){4, 44}, 1);
    avro_long(&payload, 0);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    assert_ok(decode(rows, 1, &count, &err), &err);
    assert_int_equal(rows[0].counts[0].count, 44);
    floe_buf_clear(&payload);
    avro_long(&payload, 1);
    avro_long(&payload, 0); /* the item is null */
    avro_long(&payload, 0);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    expect_corrupt("block 2");
}

static void lists__of_numbers__are_read(void **state) {
    (void)state;
    row rows[1] = {0};
    size_t count = 0;
    floe_error err = {0};
    avro_header(&file_bytes, RECORD("{\"name\":\"i\",\"type\":{\"type\":\"array\",\"items\":\"int\"},\"field-id\":30}"),
                NULL, NULL, 0);
    avro_long(&payload, 3);
    put_pairs((const int64_t[]){-1, 0, 7, 0}, 2);
    payload.len--; /* three numbers, not four */
    avro_long(&payload, 0);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    assert_ok(decode(rows, 1, &count, &err), &err);
    assert_int_equal(rows[0].id_count, 3);
    assert_int_equal(rows[0].ids[0], -1);
    assert_int_equal(rows[0].ids[2], 7);
}

/* ---- values ---- */

static floe_value value_of(const char *type, floe_str bytes) {
    static char schema[1024];
    row rows[1] = {{0}};
    size_t count = 0;
    floe_error err = {0};
    floe_buf_clear(&file_bytes);
    (void)snprintf(schema, sizeof(schema),
                   RECORD("{\"name\":\"v\",\"field-id\":20,\"type\":{\"type\":\"record\",\"name\":\"p\",\"fields\":["
                          "{\"name\":\"x\",\"type\":\"int\",\"field-id\":999},"
                          "{\"name\":\"y\",\"type\":%s,\"field-id\":1001}]}}"),
                   type);
    avro_header(&file_bytes, schema, NULL, NULL, 0);
    floe_buf_clear(&payload);
    avro_long(&payload, 1); /* of a partition field that nobody knows */
    floe_buf_str(&payload, bytes);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    assert_ok(decode(rows, 1, &count, &err), &err);
    /* Id 1000 is not in the writer's schema: a null without a kind. */
    assert_true(rows[0].values[0].is_null);
    assert_int_equal(rows[0].values[0].type.kind, FLOE_KIND_NONE);
    return rows[0].values[1];
}

static void values__each_type__keeps_kind_and_value(void **state) {
    (void)state;
    floe_value value = value_of("[\"null\",\"int\"]", FLOE_STR("\x02\x0e"));
    assert_int_equal(value.type.kind, FLOE_KIND_INT32);
    assert_int_equal(value.as.integer, 7);
    value = value_of("[\"null\",\"int\"]", FLOE_STR("\x00"));
    assert_true(value.is_null);
    assert_int_not_equal(value.type.kind, FLOE_KIND_NONE); /* told from a field that is not there */
    value = value_of("{\"type\":\"int\",\"logicalType\":\"date\"}", FLOE_STR("\x01"));
    assert_int_equal(value.type.kind, FLOE_KIND_DATE);
    assert_int_equal(value.as.integer, -1);
    value = value_of("{\"type\":\"long\",\"logicalType\":\"timestamp-micros\"}", FLOE_STR("\x04"));
    assert_int_equal(value.type.kind, FLOE_KIND_TIMESTAMP);
    assert_int_equal(value.as.integer, 2);
    value = value_of("\"boolean\"", FLOE_STR("\x01"));
    assert_true(value.type.kind == FLOE_KIND_BOOL && value.as.boolean);
    value = value_of("\"string\"", FLOE_STR("\x04hi"));
    assert_true(value.type.kind == FLOE_KIND_STRING && floe_str_is(value.as.bytes, "hi"));
    value = value_of("{\"type\":\"fixed\",\"name\":\"u\",\"size\":2}", FLOE_STR("zz"));
    assert_true(value.type.kind == FLOE_KIND_BYTES && floe_str_is(value.as.bytes, "zz"));
    value = value_of("\"float\"", (floe_str){"\x00\x00\x20\x40", 4}); /* 2.5 in IEEE 754, little-endian */
    assert_true(value.type.kind == FLOE_KIND_FLOAT && value.as.real == 2.5);
    value = value_of("\"double\"", (floe_str){"\0\0\0\0\0\0\x04\xc0", 8});
    assert_true(value.type.kind == FLOE_KIND_DOUBLE && value.as.real == -2.5);
}

static void values__decimals__are_big_endian_twos_complement(void **state) {
    (void)state;
    floe_value value = value_of("{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":9,\"scale\":2}",
                                FLOE_STR("\x04\x05\x8c"));
    assert_int_equal(value.type.kind, FLOE_KIND_DECIMAL);
    assert_int_equal(value.type.scale, 2);
    assert_true(value.as.decimal == 1420); /* 14.20, the example of the Iceberg specification */
    value = value_of("{\"type\":\"fixed\",\"name\":\"d\",\"size\":4,\"logicalType\":\"decimal\",\"precision\":9,"
                     "\"scale\":0}",
                     FLOE_STR("\xff\xff\xff\xfe"));
    assert_true(value.as.decimal == -2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(structs__wanted_between_skipped__are_all_right),  T(structs__field_without_id__is_found_by_name),
        T(structs__wrong_type__is_corrupt_by_name),         T(structs__needed_field_missing__is_corrupt),
        T(unions__branch_that_is_not_there__is_corrupt),    T(lists__several_blocks_and_negative_counts__are_one_list),
        T(lists__filtered__keep_only_the_ids_asked_for),    T(lists__one_key_many_times__keep_within_their_room),
        T(lists__impossible_counts__are_corrupt),           T(lists__skipped_with_a_length__are_jumped_over),
        T(lists__null_item_of_a_nullable_item__is_corrupt), T(lists__of_numbers__are_read),
        T(values__each_type__keeps_kind_and_value),         T(values__decimals__are_big_endian_twos_complement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
