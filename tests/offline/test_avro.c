/*
 * The Avro decoder: containers, codecs, schemas, and records into structs. Every byte string here is written out by hand
 * after the Avro specification.
 */
#include "tests/offline/ice_support.h"

#include "core/json.h"
#include "core/zstd.h"
#include "offline/iceberg/avro/avro.h"
#include "offline/iceberg/codec.h"

#include <stdio.h>

typedef struct row {
    int64_t number;
    floe_str text;
    bool flag;
    bool present;
    int8_t truth;
    int32_t narrow;
    const floe_ice_count_entry *counts;
    size_t count_count;
    const int32_t *ids;
    size_t id_count;
    const floe_value *values;
} row;

#define AT(member) offsetof(row, member)
#define COUNT(member) offsetof(floe_ice_count_entry, member)
static const floe_avro_target COUNT_PARTS[] = {FLOE_AVRO_NEEDED(11, "key", I32, COUNT(field_id)),
                                               FLOE_AVRO_NEEDED(12, "value", I64, COUNT(count))};
static const floe_avro_target TARGETS[] = {
    FLOE_AVRO_FIELD(1, "number", I64, AT(number)),
    FLOE_AVRO_FIELD(2, "text", STR, AT(text)),
    FLOE_AVRO_FIELD(3, "flag", BOOL, AT(flag)),
    FLOE_AVRO_FIELD(4, "present", PRESENT, AT(present)),
    FLOE_AVRO_FIELD(5, "truth", TRUTH, AT(truth)),
    FLOE_AVRO_FIELD(6, "narrow", I32, AT(narrow)),
    FLOE_AVRO_LIST(10, "counts", AT(counts), AT(count_count), floe_ice_count_entry, COUNT_PARTS, true),
    FLOE_AVRO_FIELD(20, "values", VALUES, AT(values)),
    {.field_id = 30, .name = "ids", .want = FLOE_AVRO_WANT_I32_LIST, .offset = AT(ids), .count_offset = AT(id_count)},
};
static const row DEFAULTS = {.number = -7, .narrow = -8};

static floe_arena arena;
static floe_buf file_bytes;
static floe_buf payload;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&file_bytes, FLOE_MIB(16));
    floe_buf_init(&payload, FLOE_MIB(16));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    floe_buf_close(&file_bytes);
    floe_buf_close(&payload);
    return 0;
}

static floe_avro_options options_of(void) {
    static const int32_t ids[] = {1000, 1001};
    static const floe_str names[] = {{"p", 1}, {"q", 1}};
    return (floe_avro_options){.defaults = &DEFAULTS,
                               .record_len = sizeof(row),
                               .keep_all = true,
                               .value_ids = ids,
                               .value_names = names,
                               .value_count = 2};
}

/* Decodes the whole file; *ret_rows has room for `room` rows. */
static floe_status decode_with(floe_str bytes, const floe_avro_options *options, row *ret_rows, size_t room,
                               size_t *ret_count, floe_error *err) {
    floe_avro_file file;
    floe_avro_decoder decoder;
    size_t count = 0;
    FLOE_TRY(floe_avro_open(FLOE_STR("t.avro"), bytes, &arena, &file, err));
    FLOE_TRY(floe_avro_compile(&file, TARGETS, sizeof(TARGETS) / sizeof(TARGETS[0]), options, &decoder, err));
    for (;;) {
        row next;
        bool more = false;
        FLOE_TRY(floe_avro_next(&decoder, &next, &more, err));
        if (!more) {
            break;
        }
        if (count < room) {
            ret_rows[count] = next;
        }
        count++;
    }
    *ret_count = count;
    return FLOE_OK;
}

static floe_status decode(row *ret_rows, size_t room, size_t *ret_count, floe_error *err) {
    floe_avro_options options = options_of();
    return decode_with(floe_buf_view(&file_bytes), &options, ret_rows, room, ret_count, err);
}

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define NUMBER_FIELD "{\"name\":\"n\",\"type\":\"long\",\"field-id\":1}"

/* One block of plain numbers. */
static void write_numbers(const char *codec, const int64_t *numbers, size_t count) {
    avro_header(&file_bytes, RECORD(NUMBER_FIELD), codec, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        avro_long(&payload, numbers[i]);
    }
}

static void expect_corrupt(const char *part) {
    floe_error err = {0};
    row rows[4];
    size_t count = 99;
    assert_code(decode(rows, 4, &count, &err), FLOE_CORRUPT);
    assert_message(&err, "t.avro");
    assert_message(&err, part);
    assert_int_equal(count, 99); /* outputs are left alone on failure */
}

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
    row rows[2];
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
    row rows[1];
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

#define COUNTS_FIELD                                                                                                   \
    "{\"name\":\"c\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"kv\","           \
    "\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":11},"                                                 \
    "{\"name\":\"value\",\"type\":\"long\",\"field-id\":12}]}}],\"field-id\":10}"

static void put_pairs(const int64_t *pairs, size_t count) {
    for (size_t i = 0; i < count * 2; i++) {
        avro_long(&payload, pairs[i]);
    }
}

static void lists__several_blocks_and_negative_counts__are_one_list(void **state) {
    (void)state;
    row rows[1];
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
    row rows[1];
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
    row rows[1];
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
    row rows[1];
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
    row rows[1];
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
    row rows[1];
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

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
/* The number of a file of one record, opened with the memory; its text of a file that has one. */
static int64_t number_with(floe_avro_memory *memory, floe_str bytes, bool more_of_the_header) {
    floe_avro_file file;
    floe_avro_decoder decoder;
    floe_error err = {0};
    floe_avro_options options = options_of();
    row next;
    bool more = false;
    assert_ok(floe_avro_open_again(FLOE_STR("t.avro"), bytes, memory, &arena, &file, &err), &err);
    assert_int_equal(floe_avro_header(&file, "extra").ptr != NULL, more_of_the_header);
    assert_ok(floe_avro_compile(&file, TARGETS, sizeof(TARGETS) / sizeof(TARGETS[0]), &options, &decoder, &err), &err);
    assert_ok(floe_avro_next(&decoder, &next, &more, &err), &err);
    assert_true(more);
    return next.number;
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
        T(structs__wanted_between_skipped__are_all_right),
        T(structs__field_without_id__is_found_by_name),
        T(structs__wrong_type__is_corrupt_by_name),
        T(structs__needed_field_missing__is_corrupt),
        T(unions__branch_that_is_not_there__is_corrupt),
        T(lists__several_blocks_and_negative_counts__are_one_list),
        T(lists__filtered__keep_only_the_ids_asked_for),
        T(lists__one_key_many_times__keep_within_their_room),
        T(lists__impossible_counts__are_corrupt),
        T(lists__skipped_with_a_length__are_jumped_over),
        T(lists__null_item_of_a_nullable_item__is_corrupt),
        T(lists__of_numbers__are_read),
        T(values__each_type__keeps_kind_and_value),
        T(values__decimals__are_big_endian_twos_complement),
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
