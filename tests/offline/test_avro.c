/*
 * The Avro decoder: containers, codecs, schemas, and records into structs. Every byte string here is written out by hand
 * after the Avro specification.
 */
#include "tests/offline/avro_support.h"

/* ---- numbers ---- */

static void longs__extremes__decode_exactly(void **state) {
    (void)state;
    const int64_t numbers[] = {0, -1, 1, 63, 64, -64, -65, INT64_MAX, INT64_MIN, 1234567890123};
    row rows[10];
    size_t count = 0;
    floe_error err = {0};
    write_numbers(NULL, numbers, 10);
    avro_block(&file_bytes, 10, floe_buf_view(&payload));
    assert_ok(decode(rows, 10, &count, &err), &err);
    assert_int_equal(count, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_true(rows[i].number == numbers[i]);
    }
}

static void longs__eleven_bytes__are_corrupt(void **state) {
    (void)state;
    write_numbers("null", NULL, 0);
    floe_buf_append(&payload, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 11);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    expect_corrupt("block 1");
}

static void longs__bit_64__is_corrupt(void **state) {
    (void)state;
    write_numbers("null", NULL, 0);
    floe_buf_append(&payload, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    expect_corrupt("block 1");
}

static void narrow_target__long_outside_int32__is_corrupt(void **state) {
    (void)state;
    row rows[2];
    size_t count = 0;
    floe_error err = {0};
    avro_header(&file_bytes, RECORD("{\"name\":\"n\",\"type\":\"long\",\"field-id\":6}"), NULL, NULL, 0);
    avro_long(&payload, INT32_MIN);
    avro_long(&payload, INT32_MAX);
    avro_block(&file_bytes, 2, floe_buf_view(&payload));
    assert_ok(decode(rows, 2, &count, &err), &err);
    assert_int_equal(rows[0].narrow, INT32_MIN);
    assert_int_equal(rows[1].narrow, INT32_MAX);
    floe_buf_clear(&payload);
    avro_long(&payload, (int64_t)INT32_MAX + 1);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    expect_corrupt("block 2");
}

/* ---- blocks ---- */

static void blocks__count_zero_in_the_middle__is_passed_over(void **state) {
    (void)state;
    const int64_t numbers[] = {5};
    row rows[2];
    size_t count = 0;
    floe_error err = {0};
    write_numbers("null", numbers, 1);
    avro_block(&file_bytes, 0, (floe_str){"", 0});
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    avro_block(&file_bytes, 0, (floe_str){"", 0});
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    assert_ok(decode(rows, 2, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(rows[1].number, 5);
}

static void blocks__none__is_an_empty_file(void **state) {
    (void)state;
    row rows[1];
    size_t count = 9;
    floe_error err = {0};
    write_numbers(NULL, NULL, 0);
    assert_ok(decode(rows, 1, &count, &err), &err);
    assert_int_equal(count, 0);
}

static void blocks__bytes_after_the_last_record__are_corrupt(void **state) {
    (void)state;
    const int64_t numbers[] = {5, 6};
    write_numbers("null", numbers, 2);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    expect_corrupt("1 bytes follow its last record");
}

static void blocks__more_records_than_bytes__are_refused_before_decoding(void **state) {
    (void)state;
    const int64_t numbers[] = {5, 6};
    write_numbers("null", numbers, 2);
    avro_block(&file_bytes, INT64_MAX, floe_buf_view(&payload));
    expect_corrupt("claims 9223372036854775807 records");
}

static void blocks__negative_count__is_corrupt(void **state) {
    (void)state;
    write_numbers("null", NULL, 0);
    avro_block(&file_bytes, -1, (floe_str){"", 0});
    expect_corrupt("claims -1 records");
}

static void blocks__wrong_sync_marker__is_corrupt(void **state) {
    (void)state;
    const int64_t numbers[] = {5};
    write_numbers("null", numbers, 1);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    file_bytes.ptr[file_bytes.len - 1] ^= 1;
    expect_corrupt("sync marker");
}

/* A file cut anywhere but between blocks is CORRUPT; between blocks it is a shorter file. */
static void file__cut_at_every_byte__never_gives_wrong_rows(void **state) {
    (void)state;
    const int64_t numbers[] = {5, 600, 70000};
    write_numbers("null", numbers, 3);
    size_t header_len = file_bytes.len;
    avro_block(&file_bytes, 3, floe_buf_view(&payload));
    size_t first_len = file_bytes.len;
    avro_block(&file_bytes, 3, floe_buf_view(&payload));
    floe_avro_options options = options_of();
    for (size_t len = 0; len < file_bytes.len; len++) {
        /* An exact copy, so that a read past the end is seen by the address sanitizer. */
        floe_buf cut = {0};
        floe_buf_init(&cut, FLOE_MIB(1));
        floe_buf_append(&cut, file_bytes.ptr, len);
        row rows[6];
        size_t count = 0;
        floe_error err = {0};
        floe_status status = decode_with(floe_buf_view(&cut), &options, rows, 6, &count, &err);
        if (len == header_len || len == first_len) {
            assert_ok(status, &err);
            assert_int_equal(count, len == header_len ? 0 : 3);
        } else {
            assert_int_equal(status.code, FLOE_CORRUPT);
        }
        floe_buf_close(&cut);
        floe_arena_reset(&arena);
    }
}

static void file__random_damage__is_refused_or_read_but_never_overruns(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    const int64_t numbers[] = {1, -200, 30000, -4000000};
    write_numbers("null", numbers, 4);
    avro_block(&file_bytes, 4, floe_buf_view(&payload));
    floe_avro_options options = options_of();
    for (int round = 0; round < 3000; round++) {
        floe_buf bad = {0};
        floe_buf_init(&bad, FLOE_MIB(1));
        floe_buf_append(&bad, file_bytes.ptr, file_bytes.len);
        for (int i = 0; i < 3; i++) {
            bad.ptr[floe_test_below(&rng, bad.len)] = (char)floe_test_next(&rng);
        }
        row rows[4];
        size_t count = 0;
        floe_error err = {0};
        floe_status status = decode_with(floe_buf_view(&bad), &options, rows, 4, &count, &err);
        assert_true(status.code == FLOE_CODE_OK || status.code == FLOE_CORRUPT || status.code == FLOE_UNSUPPORTED ||
                    status.code == FLOE_LIMIT);
        floe_buf_close(&bad);
        floe_arena_reset(&arena);
    }
}

/* ---- codecs ---- */

static void expect_two_numbers(void) {
    row rows[2];
    size_t count = 0;
    floe_error err = {0};
    assert_ok(decode(rows, 2, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].number, 123);
    assert_int_equal(rows[1].number, -456);
}

static const int64_t TWO[] = {123, -456};

static void codecs__deflate__is_read(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF packed = {0};
    floe_buf_init(&packed, FLOE_MIB(1));
    write_numbers("deflate", TWO, 2);
    assert_ok(floe_deflate_raw(floe_buf_view(&payload), 6, &packed, &err), &err);
    avro_block(&file_bytes, 2, floe_buf_view(&packed));
    expect_two_numbers();
}

static void codecs__zstandard_under_both_names__is_read(void **state) {
    (void)state;
    static const char *const NAMES[] = {"zstandard", "zstd"};
    for (size_t i = 0; i < 2; i++) {
        floe_error err = {0};
        FLOE_AUTO_BUF packed = {0};
        floe_buf_init(&packed, FLOE_MIB(1));
        floe_buf_clear(&file_bytes);
        floe_buf_clear(&payload);
        write_numbers(NAMES[i], TWO, 2);
        assert_ok(floe_zstd_compress(floe_buf_view(&payload), 3, &packed, &err), &err);
        avro_block(&file_bytes, 2, floe_buf_view(&packed));
        expect_two_numbers();
    }
}

/* A snappy block of one literal: its length as a varint, then the tag (length - 1) << 2, then the bytes. Avro puts the
 * CRC-32 of the plain bytes behind it, big-endian. */
static void write_snappy(uint32_t crc_change) {
    write_numbers("snappy", TWO, 2);
    FLOE_AUTO_BUF packed = {0};
    floe_buf_init(&packed, FLOE_MIB(1));
    floe_buf_byte(&packed, (uint8_t)payload.len);
    floe_buf_byte(&packed, (uint8_t)((payload.len - 1) << 2));
    floe_buf_str(&packed, floe_buf_view(&payload));
    uint32_t crc = floe_crc32(floe_buf_view(&payload)) ^ crc_change;
    for (int shift = 24; shift >= 0; shift -= 8) {
        floe_buf_byte(&packed, (uint8_t)(crc >> shift));
    }
    avro_block(&file_bytes, 2, floe_buf_view(&packed));
}

static void codecs__snappy_with_its_checksum__is_read(void **state) {
    (void)state;
    write_snappy(0);
    expect_two_numbers();
}

static void codecs__snappy_with_a_wrong_checksum__is_corrupt(void **state) {
    (void)state;
    write_snappy(1);
    expect_corrupt("checksum");
}

static void codecs__crc__is_that_of_zlib(void **state) {
    (void)state;
    /* The check value of CRC-32/ISO-HDLC in every catalogue of CRCs. */
    assert_int_equal(floe_crc32(FLOE_STR("123456789")), 0xCBF43926);
}

static void codecs__unknown__is_unsupported_by_name(void **state) {
    (void)state;
    row rows[1];
    size_t count = 0;
    floe_error err = {0};
    write_numbers("bzip2", TWO, 2);
    avro_block(&file_bytes, 2, floe_buf_view(&payload));
    assert_code(decode(rows, 1, &count, &err), FLOE_UNSUPPORTED);
    assert_message(&err, "\"bzip2\"");
}

static void codecs__damaged_blocks__are_corrupt(void **state) {
    (void)state;
    static const char *const NAMES[] = {"deflate", "snappy", "zstandard"};
    for (size_t i = 0; i < 3; i++) {
        floe_buf_clear(&file_bytes);
        floe_buf_clear(&payload);
        write_numbers(NAMES[i], TWO, 2);
        avro_block(&file_bytes, 2, FLOE_STR("\xff\xfe\xfd\xfc\xfb\xfa"));
        expect_corrupt("block 1");
        floe_arena_reset(&arena);
    }
}

/* ---- schemas ---- */

static floe_status parse_schema(const char *text, const floe_avro_type **ret_type, floe_error *err) {
    const floe_node *json = NULL;
    FLOE_TRY(floe_json_parse(&arena, floe_str_of(text), &json, err));
    return floe_avro_schema_parse(json, &arena, ret_type, err);
}

static void schemas__named_types__are_found_again_in_their_namespace(void **state) {
    (void)state;
    const floe_avro_type *type = NULL;
    floe_error err = {0};
    static const char SCHEMA[] = "{\"type\":\"record\",\"name\":\"a.b.R\",\"fields\":["
                                 "{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":5}},"
                                 "{\"name\":\"y\",\"type\":\"F\"},{\"name\":\"z\",\"type\":[\"null\",\"a.b.F\"]}]}";
    assert_ok(parse_schema(SCHEMA, &type, &err), &err);
    assert_ptr_equal(type->fields[1].type, type->fields[0].type);
    assert_ptr_equal(type->fields[2].type->fields[1].type, type->fields[0].type);
    assert_int_equal(type->min_len, 11); /* two fixed of 5 and a union of at least 1 */
}

static void schemas__name_defined_twice__takes_the_later(void **state) {
    (void)state;
    const floe_avro_type *type = NULL;
    floe_error err = {0};
    static const char SCHEMA[] = "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
                                 "{\"name\":\"x\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":5}},"
                                 "{\"name\":\"2col-x\",\"type\":{\"type\":\"fixed\",\"name\":\"F\",\"size\":6}},{"
                                 "\"name\":\"z\",\"type\":\"F\"}]}";
    assert_ok(parse_schema(SCHEMA, &type, &err), &err);
    assert_int_equal(type->fields[0].type->fixed_len, 5);
    assert_int_equal(type->fields[2].type->fixed_len, 6);
}

static void schemas__malformed__are_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *schema;
        floe_code code;
        const char *part;
    } CASES[] = {
        {"42", FLOE_CORRUPT, "where a type should be"},
        {"\"strang\"", FLOE_CORRUPT, "\"strang\""},
        {"\"record\"", FLOE_CORRUPT, "without describing it"},
        {"[]", FLOE_CORRUPT, "union without branches"},
        {"{}", FLOE_CORRUPT, "object without a type"},
        {"{\"type\":\"record\",\"name\":\"R\"}", FLOE_CORRUPT, "has no fields"},
        {"{\"type\":\"record\",\"fields\":[]}", FLOE_CORRUPT, "name"},
        {"{\"type\":\"array\"}", FLOE_CORRUPT, "no items"},
        {"{\"type\":\"map\"}", FLOE_CORRUPT, "no values"},
        {"{\"type\":\"array\",\"items\":\"null\"}", FLOE_UNSUPPORTED, "without bytes"},
        {"{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}", FLOE_CORRUPT, "size -1"},
        {"{\"type\":\"enum\",\"name\":\"E\"}", FLOE_CORRUPT, "no symbols"},
        {"{\"type\":\"bytes\",\"logicalType\":\"decimal\",\"precision\":39,\"scale\":0}", FLOE_CORRUPT,
         "decimal(39,0)"},
        {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":[\"null\",\"R\"]}]}",
         FLOE_UNSUPPORTED, "recursive"},
        {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":\"int\",\"field-id\":\"1\"}]}",
         FLOE_CORRUPT, "field-id"},
        {"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\"}]}", FLOE_CORRUPT, "no type"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        const floe_avro_type *type = NULL;
        floe_error err = {0};
        assert_code(parse_schema(CASES[i].schema, &type, &err), CASES[i].code);
        assert_message(&err, CASES[i].part);
        assert_int_equal(err.code, CASES[i].code);
    }
}

/* Thirty levels of records that each use the one below twice: 2^30 operations if nobody counted. */
static void schemas__doubling__hits_the_limit_and_not_the_memory(void **state) {
    (void)state;
    FLOE_AUTO_BUF schema = {0};
    floe_buf_init(&schema, FLOE_MIB(1));
    floe_buf_text(&schema, "{\"type\":\"record\",\"name\":\"top\",\"fields\":[{\"name\":\"f\",\"type\":\"long\"}");
    for (int i = 0; i < 28; i++) {
        floe_buf_printf(&schema, ",{\"name\":\"r%d\",\"type\":{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[", i,
                        i);
        const char *below = i == 0 ? "\"long\"" : NULL;
        for (int k = 0; k < 2; k++) {
            floe_buf_printf(&schema, "%s{\"name\":\"x%d\",\"type\":", k ? "," : "", k);
            if (below) {
                floe_buf_text(&schema, below);
            } else {
                floe_buf_printf(&schema, "\"R%d\"", i - 1);
            }
            floe_buf_byte(&schema, '}');
        }
        floe_buf_text(&schema, "]}}");
    }
    floe_buf_text(&schema, "]}");
    avro_header(&file_bytes, schema.ptr, NULL, NULL, 0);
    row rows[1];
    size_t count = 0;
    floe_error err = {0};
    assert_code(decode(rows, 1, &count, &err), FLOE_LIMIT);
}

static void schemas__too_deep__hits_the_limit(void **state) {
    (void)state;
    FLOE_AUTO_BUF schema = {0};
    floe_buf_init(&schema, FLOE_MIB(1));
    for (int i = 0; i < 40; i++) {
        floe_buf_text(&schema, "{\"type\":");
    }
    floe_buf_text(&schema, "\"int\"");
    for (int i = 0; i < 40; i++) {
        floe_buf_byte(&schema, '}');
    }
    const floe_avro_type *type = NULL;
    floe_error err = {0};
    assert_code(parse_schema(schema.ptr, &type, &err), FLOE_LIMIT);
}

/* ---- headers ---- */

static void headers__malformed__are_corrupt(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        const char *part;
    } CASES[] = {
        {"", 0, "empty"},
        {"PAR1xxxxxxxxxxxxxxxxxxxxxxxxxxxx", 32, "no Avro file"},
        {"Obj\x01\x00"
         "0123456789abcdef",
         21, "no avro.schema"},
        {"Obj\x01\xfe\xff\xff\xff\x0f"
         "0123456789abcdef",
         25, "entries"},
        {"Obj\x01\x02\xfe\xff\xff\xff\x0f"
         "0123456789abcdef",
         26, "past its end"},
        {"Obj\x01\x02\x16"
         "avro.schema\x02{\x00"
         "0123456789abcdef",
         37, "avro.schema"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        floe_buf_clear(&file_bytes);
        floe_buf_append(&file_bytes, CASES[i].bytes, CASES[i].len);
        expect_corrupt(CASES[i].part);
    }
}

static void headers__entries__are_exposed(void **state) {
    (void)state;
    static const avro_pair MORE[] = {{"format-version", "2"}, {"content", "data"}};
    floe_avro_file file;
    floe_error err = {0};
    avro_header(&file_bytes, RECORD(NUMBER_FIELD), NULL, MORE, 2);
    assert_ok(floe_avro_open(FLOE_STR("t.avro"), floe_buf_view(&file_bytes), &arena, &file, &err), &err);
    assert_true(floe_str_is(floe_avro_header(&file, "format-version"), "2"));
    assert_true(floe_str_is(floe_avro_header(&file, "content"), "data"));
    assert_null(floe_avro_header(&file, "schema").ptr);
}

/* ---- memory ---- */

static floe_status decode_fresh(void *context, floe_error *err) {
    (void)context;
    floe_arena_close(&arena);
    floe_arena_init(&arena, FLOE_MIB(64));
    row rows[1];
    size_t count = 0;
    return decode(rows, 1, &count, err);
}

static void memory__any_allocation_failing__is_reported_and_leaks_nothing(void **state) {
    (void)state;
    floe_error err = {0};
    FLOE_AUTO_BUF packed = {0};
    floe_buf_init(&packed, FLOE_MIB(1));
    avro_header(&file_bytes, RECORD(COUNTS_FIELD), "deflate", NULL, 0);
    avro_long(&payload, 1);
    avro_long(&payload, 1);
    put_pairs((const int64_t[]){1, 10}, 1);
    avro_long(&payload, 0);
    assert_ok(floe_deflate_raw(floe_buf_view(&payload), 6, &packed, &err), &err);
    avro_block(&file_bytes, 1, floe_buf_view(&packed));
    assert_true(floe_test_alloc_sweep(decode_fresh, NULL) > 0);
}

/* Two schemas in turns, one with a field before the number, which would be read as the number by the other. */
static void schemas__remembered__serve_only_files_of_their_own_text(void **state) {
    (void)state;
    static const char OTHER[] = RECORD("{\"name\":\"x\",\"type\":\"long\",\"field-id\":99}," NUMBER_FIELD);
    static const avro_pair EXTRA[] = {{"extra", "1"}};
    FLOE_AUTO_BUF other = {0};
    FLOE_AUTO_BUF two = {0};
    floe_avro_memory memory;
    floe_error err = {0};
    floe_avro_file file;
    const int64_t number = 7;
    floe_buf_init(&other, FLOE_MIB(1));
    floe_buf_init(&two, FLOE_MIB(1));
    floe_avro_memory_init(&memory, FLOE_MIB(1));
    write_numbers(NULL, &number, 1);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    avro_header(&other, OTHER, NULL, EXTRA, 1);
    avro_long(&two, 1);
    avro_long(&two, 8);
    avro_block(&other, 1, floe_buf_view(&two));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(number_with(&memory, floe_buf_view(&file_bytes), false), 7);
        assert_int_equal(number_with(&memory, floe_buf_view(&file_bytes), false), 7);
        assert_int_equal(number_with(&memory, floe_buf_view(&other), true), 8);
        /* A schema that cannot be read leaves nothing behind. */
        FLOE_AUTO_BUF broken = {0};
        floe_buf_init(&broken, FLOE_MIB(1));
        avro_header(&broken, "{\"type\":\"record\"}", NULL, NULL, 0);
        err = (floe_error){0};
        assert_code(floe_avro_open_again(FLOE_STR("t.avro"), floe_buf_view(&broken), &memory, &arena, &file, &err),
                    FLOE_CORRUPT);
    }
    floe_avro_memory_close(&memory);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        T(longs__extremes__decode_exactly),
        T(longs__eleven_bytes__are_corrupt),
        T(longs__bit_64__is_corrupt),
        T(narrow_target__long_outside_int32__is_corrupt),
        T(blocks__count_zero_in_the_middle__is_passed_over),
        T(blocks__none__is_an_empty_file),
        T(blocks__bytes_after_the_last_record__are_corrupt),
        T(blocks__more_records_than_bytes__are_refused_before_decoding),
        T(blocks__negative_count__is_corrupt),
        T(blocks__wrong_sync_marker__is_corrupt),
        T(file__cut_at_every_byte__never_gives_wrong_rows),
        T(file__random_damage__is_refused_or_read_but_never_overruns),
        T(codecs__deflate__is_read),
        T(codecs__zstandard_under_both_names__is_read),
        T(codecs__snappy_with_its_checksum__is_read),
        T(codecs__snappy_with_a_wrong_checksum__is_corrupt),
        T(codecs__crc__is_that_of_zlib),
        T(codecs__unknown__is_unsupported_by_name),
        T(codecs__damaged_blocks__are_corrupt),
        T(schemas__named_types__are_found_again_in_their_namespace),
        T(schemas__name_defined_twice__takes_the_later),
        T(schemas__malformed__are_refused_by_name),
        T(schemas__doubling__hits_the_limit_and_not_the_memory),
        T(schemas__too_deep__hits_the_limit),
        T(headers__malformed__are_corrupt),
        T(headers__entries__are_exposed),
        T(memory__any_allocation_failing__is_reported_and_leaks_nothing),
        T(schemas__remembered__serve_only_files_of_their_own_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
