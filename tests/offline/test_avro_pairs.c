/*
 * The maps of manifests, which are lists of pairs: decoded for the keys that are asked for and stepped over for the others by code of
 * their own. Random records, whose pairs lie in random blocks, are encoded here after the Avro specification and must come back as
 * a plain walk over what was encoded says.
 */
#include "tests/offline/ice_support.h"

#include "core/mem.h"
#include "offline/iceberg/avro/avro.h"

#include <stdio.h>

enum { PAIRS_MAX = 12, RECORDS = 40, KEYS = 9 };

typedef struct row {
    int64_t first, last;
    const floe_ice_count_entry *counts;
    size_t count_count;
    const floe_ice_bytes_entry *bounds;
    size_t bound_count;
} row;

#define AT(member) offsetof(row, member)
#define COUNT(member) offsetof(floe_ice_count_entry, member)
#define BOUND(member) offsetof(floe_ice_bytes_entry, member)
static const floe_avro_target COUNT_PARTS[] = {FLOE_AVRO_NEEDED(11, "key", I32, COUNT(field_id)),
                                               FLOE_AVRO_NEEDED(12, "value", I64, COUNT(count))};
static const floe_avro_target BOUND_PARTS[] = {FLOE_AVRO_NEEDED(21, "key", I32, BOUND(field_id)),
                                               FLOE_AVRO_NEEDED(22, "value", STR, BOUND(bytes))};
static const floe_avro_target TARGETS[] = {
    FLOE_AVRO_FIELD(1, "first", I64, AT(first)),
    FLOE_AVRO_LIST(10, "counts", AT(counts), AT(count_count), floe_ice_count_entry, COUNT_PARTS, true),
    FLOE_AVRO_LIST(20, "bounds", AT(bounds), AT(bound_count), floe_ice_bytes_entry, BOUND_PARTS, true),
    FLOE_AVRO_FIELD(2, "last", I64, AT(last)),
};
static const row DEFAULTS = {.first = -7, .last = -8};

/* Lists that nobody wants (30, 40) lie between those that are wanted; null stands first in some unions and last in others. */
#define PAIR_LIST(name, key_id, value_id, value)                                                                       \
    "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"" name "\",\"fields\":["                            \
    "{\"name\":\"key\",\"type\":\"int\",\"field-id\":" key_id "},"                                                     \
    "{\"name\":\"value\",\"type\":\"" value "\",\"field-id\":" value_id "}]}}"
#define FIELD(name, type, id) "{\"name\":\"" name "\",\"type\":" type ",\"field-id\":" id "}"
static const char SCHEMA[] =
    "{\"type\":\"record\",\"name\":\"r\",\"fields\":[" FIELD("first", "[\"null\",\"long\"]", "1") "," FIELD(
        "skipped_counts", "[\"null\"," PAIR_LIST("a", "31", "32", "long") "]",
        "30") "," FIELD("counts", "[" PAIR_LIST("b", "11", "12", "long") ",\"null\"]",
                        "10") "," FIELD("skipped_bounds", PAIR_LIST("c", "41", "42", "bytes"),
                                        "40") "," FIELD("bounds", "[\"null\"," PAIR_LIST("d", "21", "22", "bytes") "]",
                                                        "20") "," FIELD("last", "[\"long\",\"null\"]", "2") "]}";

/* What one record holds. */
typedef struct model {
    bool has_first, has_last, has_counts, has_bounds;
    int64_t first, last;
    size_t count_count, bound_count;
    int32_t count_keys[PAIRS_MAX], bound_keys[PAIRS_MAX];
    int64_t counts[PAIRS_MAX];
    char bounds[PAIRS_MAX][24];
} model;

static floe_arena arena;
static floe_buf file_bytes, payload;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(256));
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

/* ---- writing ---- */

static int64_t random_long(floe_test_rng *rng) {
    static const int64_t EDGES[] = {0, -1, 63, 64, -64, -65, 8191, 8192, -8193, INT32_MAX, INT64_MAX, INT64_MIN};
    return floe_test_below(rng, 3) == 0 ? EDGES[floe_test_below(rng, sizeof(EDGES) / sizeof(EDGES[0]))]
                                        : (int64_t)floe_test_below(rng, 300);
}

/* The pairs [0, count) in blocks of random size, some of which tell their length. `text` NULL: numbers. */
static void put_list(floe_test_rng *rng, const int32_t *keys, const int64_t *numbers, char (*texts)[24], size_t count) {
    size_t at = 0;
    while (at < count) {
        size_t many = 1 + floe_test_below(rng, count - at);
        FLOE_AUTO_BUF block = {0};
        floe_buf_init(&block, FLOE_MIB(1));
        for (size_t i = at; i < at + many; i++) {
            avro_long(&block, keys[i]);
            if (texts != NULL) {
                avro_text(&block, texts[i]);
            } else {
                avro_long(&block, numbers[i]);
            }
        }
        bool told = floe_test_below(rng, 2) == 0;
        avro_long(&payload, told ? -(int64_t)many : (int64_t)many);
        if (told) {
            avro_long(&payload, (int64_t)block.len);
        }
        floe_buf_append(&payload, block.ptr, block.len);
        at += many;
    }
    avro_long(&payload, 0);
}

static void put_optional(bool there, int64_t branch, int64_t value) {
    avro_long(&payload, there ? branch : 1 - branch);
    if (there) {
        avro_long(&payload, value);
    }
}

static void put_record(floe_test_rng *rng, model *record) {
    put_optional(record->has_first, 1, record->first);
    avro_long(&payload, record->has_counts ? 1 : 0);
    if (record->has_counts) {
        put_list(rng, record->count_keys, record->counts, NULL, record->count_count);
    }
    avro_long(&payload, record->has_counts ? 0 : 1);
    if (record->has_counts) {
        put_list(rng, record->count_keys, record->counts, NULL, record->count_count);
    }
    put_list(rng, record->bound_keys, NULL, record->bounds, record->bound_count);
    avro_long(&payload, record->has_bounds ? 1 : 0);
    if (record->has_bounds) {
        put_list(rng, record->bound_keys, NULL, record->bounds, record->bound_count);
    }
    put_optional(record->has_last, 0, record->last);
}

static void random_record(floe_test_rng *rng, model *record) {
    *record = (model){.has_first = floe_test_below(rng, 2),
                      .has_last = floe_test_below(rng, 2),
                      .has_counts = floe_test_below(rng, 4) > 0,
                      .has_bounds = floe_test_below(rng, 4) > 0,
                      .first = random_long(rng),
                      .last = random_long(rng),
                      .count_count = floe_test_below(rng, PAIRS_MAX),
                      .bound_count = floe_test_below(rng, PAIRS_MAX)};
    for (size_t i = 0; i < PAIRS_MAX; i++) {
        record->count_keys[i] = (int32_t)floe_test_below(rng, KEYS) - 2;
        record->bound_keys[i] = floe_test_below(rng, 9) == 0 ? INT32_MIN : (int32_t)floe_test_below(rng, KEYS) - 2;
        record->counts[i] = random_long(rng);
        memset(record->bounds[i], 'a' + (int)i, floe_test_below(rng, 23));
    }
}

/* ---- checking ---- */

static bool is_wanted(const floe_avro_options *options, int32_t key) {
    bool wanted = false;
    for (size_t i = 0; i < options->keep_count; i++) {
        wanted = wanted || options->keep_ids[i] == key;
    }
    return wanted;
}

/* In the order of the file, and of keys that come again no more than were asked for in all. */
static void check_record(const floe_avro_options *options, const model *record, const row *got) {
    size_t counts = 0;
    size_t bounds = 0;
    assert_int_equal(got->first, record->has_first ? record->first : DEFAULTS.first);
    assert_int_equal(got->last, record->has_last ? record->last : DEFAULTS.last);
    for (size_t i = 0; record->has_counts && i < record->count_count; i++) {
        if (is_wanted(options, record->count_keys[i]) && counts < options->keep_count) {
            assert_true(counts < got->count_count);
            assert_int_equal(got->counts[counts].field_id, record->count_keys[i]);
            assert_int_equal(got->counts[counts++].count, record->counts[i]);
        }
    }
    for (size_t i = 0; record->has_bounds && i < record->bound_count; i++) {
        if (is_wanted(options, record->bound_keys[i]) && bounds < options->keep_count) {
            assert_true(bounds < got->bound_count);
            assert_int_equal(got->bounds[bounds].field_id, record->bound_keys[i]);
            assert_true(floe_str_is(got->bounds[bounds++].bytes, record->bounds[i]));
        }
    }
    assert_int_equal(got->count_count, counts);
    assert_int_equal(got->bound_count, bounds);
}

static floe_avro_options options_of(const int32_t *ids, size_t count) {
    return (floe_avro_options){.defaults = &DEFAULTS, .record_len = sizeof(row), .keep_ids = ids, .keep_count = count};
}

static floe_status open_decoder(floe_str bytes, const floe_avro_options *options, floe_avro_file *file,
                                floe_avro_decoder *decoder, floe_error *err) {
    FLOE_TRY(floe_avro_open(FLOE_STR("t.avro"), bytes, &arena, file, err));
    return floe_avro_compile(file, TARGETS, sizeof(TARGETS) / sizeof(TARGETS[0]), options, decoder, err);
}

static floe_status decode_all(floe_str bytes, const floe_avro_options *options, const model *records, size_t *ret_count,
                              floe_error *err) {
    floe_avro_file file;
    floe_avro_decoder decoder;
    FLOE_TRY(open_decoder(bytes, options, &file, &decoder, err));
    for (*ret_count = 0;; (*ret_count)++) {
        row next;
        bool more = false;
        FLOE_TRY(floe_avro_next(&decoder, &next, &more, err));
        if (!more) {
            return FLOE_OK;
        }
        check_record(options, &records[*ret_count], &next);
    }
}

/* ---- tests ---- */

static void random__records__come_back_for_every_set_of_keys(void **state) {
    (void)state;
    static model records[RECORDS];
    uint64_t seed = floe_test_seed();
    floe_test_rng rng = floe_test_rng_of(seed);
    printf("seed %llu\n", (unsigned long long)seed);
    for (int round = 0; round < 60; round++) {
        int32_t ids[KEYS];
        size_t wanted = 0;
        size_t count = 0;
        floe_error err = {0};
        floe_buf_clear(&file_bytes);
        floe_buf_clear(&payload);
        avro_header(&file_bytes, SCHEMA, NULL, NULL, 0);
        for (size_t i = 0; i < RECORDS; i++) {
            random_record(&rng, &records[i]);
            put_record(&rng, &records[i]);
        }
        avro_block(&file_bytes, RECORDS, floe_buf_view(&payload));
        uint64_t one_in = 1 + floe_test_below(&rng, 5);
        for (int32_t id = -2; id < KEYS - 2; id++) {
            ids[wanted] = id;
            wanted += floe_test_below(&rng, one_in) == 0 ? 1 : 0;
        }
        const floe_avro_options options = options_of(ids, wanted);
        assert_ok(decode_all(floe_buf_view(&file_bytes), &options, records, &count, &err), &err);
        assert_int_equal(count, RECORDS);
        floe_arena_reset(&arena);
    }
}

/* A block whose length was cut, with the count and sync marker that a whole one has: the last record cannot be whole. */
static void cut__at_every_byte_of_a_record__is_corrupt(void **state) {
    (void)state;
    static const int32_t IDS[] = {0, 1, 2, 3};
    floe_test_rng rng = floe_test_rng_of(7);
    model record;
    for (int round = 0; round < 20; round++) {
        floe_buf_clear(&payload);
        random_record(&rng, &record);
        record.has_counts = record.has_bounds = true;
        put_record(&rng, &record);
        for (size_t len = 0; len < payload.len; len++) {
            const floe_avro_options options = options_of(IDS, 1 + len % 4);
            size_t count = 0;
            floe_error err = {0};
            floe_buf_clear(&file_bytes);
            avro_header(&file_bytes, SCHEMA, NULL, NULL, 0);
            avro_block(&file_bytes, 1, (floe_str){payload.ptr, len});
            assert_code(decode_all(floe_buf_view(&file_bytes), &options, &record, &count, &err), FLOE_CORRUPT);
            assert_int_equal(count, 0);
        }
        floe_arena_reset(&arena);
    }
}

/* A record whose wanted counts and bounds are what is put by the caller. */
static floe_status decode_parts(const char *counts, size_t counts_len, const char *bounds, size_t bounds_len) {
    static const int32_t IDS[] = {1, 2};
    const floe_avro_options options = options_of(IDS, 2);
    const model nothing = {0};
    size_t count = 0;
    floe_error err = {0};
    floe_buf_clear(&payload);
    floe_buf_clear(&file_bytes);
    put_optional(false, 1, 0);
    avro_long(&payload, 0);
    floe_buf_append(&payload, counts, counts_len);
    avro_long(&payload, 0);
    floe_buf_append(&payload, bounds, bounds_len);
    put_optional(false, 0, 0);
    avro_header(&file_bytes, SCHEMA, NULL, NULL, 0);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    return decode_all(floe_buf_view(&file_bytes), &options, &nothing, &count, &err);
}

#define PARTS(counts, bounds) decode_parts(counts, sizeof(counts) - 1, bounds, sizeof(bounds) - 1)

static void damage__inside_pairs__is_corrupt(void **state) {
    (void)state;
    assert_int_equal(PARTS("\2", "\0").code, 0); /* both null */
    /* A branch that is neither: 2, and -1. */
    assert_int_equal(PARTS("\4", "\0").code, FLOE_CORRUPT);
    assert_int_equal(PARTS("\1", "\0").code, FLOE_CORRUPT);
    /* One pair, whose key is 2^31, which no field id can be; then one that is -2^31, which nobody asked for. */
    assert_int_equal(PARTS("\0\2\x80\x80\x80\x80\x10\2\0", "\0").code, FLOE_CORRUPT);
    assert_int_equal(PARTS("\0\2\xff\xff\xff\xff\x0f\2\0", "\0").code, 0);
    /* A text of -1 bytes, and one longer than the block, under a key that is wanted (1) and one that is not (9). */
    assert_int_equal(PARTS("\2", "\2\2\2\1\0").code, FLOE_CORRUPT);
    assert_int_equal(PARTS("\2", "\2\2\x12\1\0").code, FLOE_CORRUPT);
    assert_int_equal(PARTS("\2", "\2\2\2\x7e"
                                 "ab\0")
                         .code,
                     FLOE_CORRUPT);
    assert_int_equal(PARTS("\2", "\2\2\x12\x7e"
                                 "ab\0")
                         .code,
                     FLOE_CORRUPT);
    /* More pairs than bytes; a block that claims a length past the end; the smallest count, whose opposite is no int64. */
    assert_int_equal(PARTS("\0\x7e\2\2\0", "\0").code, FLOE_CORRUPT);
    assert_int_equal(PARTS("\0\1\x7e\2\2\0", "\0").code, FLOE_CORRUPT);
    assert_int_equal(PARTS("\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\2\2\2\0", "\0").code, FLOE_CORRUPT);
}

/* The second of a pair must be what the target wants: such a list goes the general way, and is right too. */
static void pairs__with_more_than_two_members__are_no_pairs(void **state) {
    (void)state;
    static const char WIDE[] =
        "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"counts\",\"field-id\":10,\"type\":"
        "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"b\",\"fields\":["
        "{\"name\":\"value\",\"type\":\"long\",\"field-id\":12},"
        "{\"name\":\"key\",\"type\":\"int\",\"field-id\":11},"
        "{\"name\":\"more\",\"type\":\"string\",\"field-id\":13}]}}}]}";
    static const int32_t IDS[] = {5};
    const floe_avro_options options = options_of(IDS, 1);
    floe_avro_file file;
    floe_avro_decoder decoder;
    floe_error err = {0};
    row got;
    bool more = false;
    avro_header(&file_bytes, WIDE, NULL, NULL, 0);
    avro_long(&payload, 2);
    for (int key = 4; key <= 5; key++) {
        avro_long(&payload, key * 10);
        avro_long(&payload, key);
        avro_text(&payload, "x");
    }
    avro_long(&payload, 0);
    avro_block(&file_bytes, 1, floe_buf_view(&payload));
    assert_ok(open_decoder(floe_buf_view(&file_bytes), &options, &file, &decoder, &err), &err);
    assert_ok(floe_avro_next(&decoder, &got, &more, &err), &err);
    assert_int_equal(got.count_count, 1);
    assert_int_equal(got.counts[0].field_id, 5);
    assert_int_equal(got.counts[0].count, 50);
}

/* Every allocation failing once: an error each time, and at last the whole. */
static void memory__any_allocation_failing__is_reported(void **state) {
    (void)state;
    static model records[RECORDS];
    static const int32_t IDS[] = {0, 3, 5};
    const floe_avro_options options = options_of(IDS, 3);
    floe_test_rng rng = floe_test_rng_of(11);
    avro_header(&file_bytes, SCHEMA, NULL, NULL, 0);
    for (size_t i = 0; i < RECORDS; i++) {
        random_record(&rng, &records[i]);
        put_record(&rng, &records[i]);
    }
    avro_block(&file_bytes, RECORDS, floe_buf_view(&payload));
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        size_t count = 0;
        floe_error err = {0};
        floe_arena_close(&arena);
        floe_arena_init(&arena, FLOE_MIB(256));
        floe_mem_fail_at(nth);
        floe_status status = decode_all(floe_buf_view(&file_bytes), &options, records, &count, &err);
        floe_mem_fail_off();
        assert_true(!floe_failed(status) || status.code == FLOE_NOMEM);
        done = !floe_failed(status);
        assert_true(nth < 5000);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(random__records__come_back_for_every_set_of_keys),
        T(cut__at_every_byte_of_a_record__is_corrupt),
        T(damage__inside_pairs__is_corrupt),
        T(pairs__with_more_than_two_members__are_no_pairs),
        T(memory__any_allocation_failing__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
