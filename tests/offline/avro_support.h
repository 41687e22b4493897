/*
 * What the tests of the Avro decoder share: a record with every kind of target, and files written by hand.
 */
#ifndef FLOE_TESTS_OFFLINE_AVRO_SUPPORT_H
#define FLOE_TESTS_OFFLINE_AVRO_SUPPORT_H

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

static inline int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&file_bytes, FLOE_MIB(16));
    floe_buf_init(&payload, FLOE_MIB(16));
    return 0;
}

static inline int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    floe_buf_close(&file_bytes);
    floe_buf_close(&payload);
    return 0;
}

static inline floe_avro_options options_of(void) {
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
static inline floe_status decode_with(floe_str bytes, const floe_avro_options *options, row *ret_rows, size_t room,
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

static inline floe_status decode(row *ret_rows, size_t room, size_t *ret_count, floe_error *err) {
    floe_avro_options options = options_of();
    return decode_with(floe_buf_view(&file_bytes), &options, ret_rows, room, ret_count, err);
}

#define RECORD(fields) "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" fields "]}"
#define NUMBER_FIELD "{\"name\":\"n\",\"type\":\"long\",\"field-id\":1}"

/* One block of plain numbers. */
static inline void write_numbers(const char *codec, const int64_t *numbers, size_t count) {
    avro_header(&file_bytes, RECORD(NUMBER_FIELD), codec, NULL, 0);
    for (size_t i = 0; i < count; i++) {
        avro_long(&payload, numbers[i]);
    }
}

static inline void expect_corrupt(const char *part) {
    floe_error err = {0};
    row rows[4];
    size_t count = 99;
    assert_code(decode(rows, 4, &count, &err), FLOE_CORRUPT);
    assert_message(&err, "t.avro");
    assert_message(&err, part);
    assert_int_equal(count, 99); /* outputs are left alone on failure */
}

#define COUNTS_FIELD                                                                                                   \
    "{\"name\":\"c\",\"type\":[\"null\",{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"kv\","           \
    "\"fields\":[{\"name\":\"key\",\"type\":\"int\",\"field-id\":11},"                                                 \
    "{\"name\":\"value\",\"type\":\"long\",\"field-id\":12}]}}],\"field-id\":10}"

static inline void put_pairs(const int64_t *pairs, size_t count) {
    for (size_t i = 0; i < count * 2; i++) {
        avro_long(&payload, pairs[i]);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
/* The number of a file of one record, opened with the memory; its text of a file that has one. */
static inline int64_t number_with(floe_avro_memory *memory, floe_str bytes, bool more_of_the_header) {
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

#endif
