/*
 * Pruning: bounds, transforms and expressions. The last tests are the ones that count: random rows, random partitions and
 * bounds as a writer makes them, random filters; a file that is pruned must hold no row that passes.
 */
#include "tests/offline/ice_support.h"

#include "core/time.h"
#include "offline/iceberg/murmur3.h"
#include "offline/iceberg/prune.h"

#include <math.h>
#include <stdio.h>

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

/* ---- types ---- */

static const floe_ice_type BOOLEAN = {.kind = FLOE_ICE_BOOLEAN};
static const floe_ice_type INT = {.kind = FLOE_ICE_INT};
static const floe_ice_type LONG = {.kind = FLOE_ICE_LONG};
static const floe_ice_type FLOAT = {.kind = FLOE_ICE_FLOAT};
static const floe_ice_type DOUBLE = {.kind = FLOE_ICE_DOUBLE};
static const floe_ice_type DATE = {.kind = FLOE_ICE_DATE};
static const floe_ice_type TIMESTAMP = {.kind = FLOE_ICE_TIMESTAMP};
static const floe_ice_type STRING = {.kind = FLOE_ICE_STRING};
static const floe_ice_type DECIMAL = {.kind = FLOE_ICE_DECIMAL, .precision = 9, .scale = 2};
static const floe_ice_type UUID = {.kind = FLOE_ICE_UUID};

static floe_value int_value(floe_kind kind, int64_t value) {
    return (floe_value){.type = {.kind = kind}, .as.integer = value};
}

static floe_value text_value(const char *text) {
    return floe_value_string(floe_str_of(text));
}

static floe_value decimal_value(__int128 unscaled) {
    return (floe_value){.type = {.kind = FLOE_KIND_DECIMAL, .precision = 9, .scale = 2}, .as.decimal = unscaled};
}

/* ---- bounds ---- */

static void bounds__of_each_width__decode_as_the_column_is_now(void **state) {
    (void)state;
    floe_value value;
    assert_true(floe_bound_decode(&LONG, (floe_str){"\xff\xff\xff\xff", 4}, &value)); /* written as an int */
    assert_true(value.type.kind == FLOE_KIND_INT64 && value.as.integer == -1);
    assert_true(floe_bound_decode(&LONG, (floe_str){"\x01\0\0\0\0\0\0\x80", 8}, &value));
    assert_true(value.as.integer == INT64_MIN + 1);
    assert_true(floe_bound_decode(&DOUBLE, (floe_str){"\0\0\x20\x40", 4}, &value)); /* written as a float: 2.5 */
    assert_true(value.as.real == 2.5);
    assert_true(floe_bound_decode(&TIMESTAMP, (floe_str){"\x02\0\0\0", 4}, &value)); /* written as a date */
    assert_true(value.as.integer == 2 * FLOE_US_PER_DAY);
    assert_true(floe_bound_decode(&BOOLEAN, (floe_str){"\x07", 1}, &value) && value.as.boolean);
    assert_true(floe_bound_decode(&STRING, FLOE_STR("abc"), &value) && floe_str_is(value.as.bytes, "abc"));
}

static void bounds__decimals_of_any_length__are_big_endian(void **state) {
    (void)state;
    floe_value value;
    assert_true(floe_bound_decode(&DECIMAL, FLOE_STR("\x05\x8c"), &value)); /* 14.20 in the specification */
    assert_true(value.as.decimal == 1420);
    assert_true(floe_bound_decode(&DECIMAL, FLOE_STR("\xff"), &value) && value.as.decimal == -1);
    assert_true(floe_bound_decode(&DECIMAL, FLOE_STR("\x00\xff"), &value) && value.as.decimal == 255);
    static const char LONG_MINUS_ONE[] =
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff";
    assert_true(floe_bound_decode(&DECIMAL, (floe_str){LONG_MINUS_ONE, 20}, &value) && value.as.decimal == -1);
    assert_false(floe_bound_decode(&DECIMAL, (floe_str){"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17}, &value));
}

static void bounds__that_fit_no_type__are_unknown(void **state) {
    (void)state;
    floe_value value;
    assert_false(floe_bound_decode(&INT, (floe_str){0}, &value));
    assert_false(floe_bound_decode(&INT, FLOE_STR("abc"), &value));
    assert_false(floe_bound_decode(&INT, (floe_str){"\0\0\0\0\1\0\0\0", 8}, &value)); /* past int32 */
    assert_false(floe_bound_decode(&LONG, FLOE_STR(""), &value));
    assert_false(floe_bound_decode(&BOOLEAN, FLOE_STR("ab"), &value));
    assert_false(floe_bound_decode(&DECIMAL, FLOE_STR(""), &value));
    assert_false(floe_bound_decode(&UUID, FLOE_STR("0123456789abcdef"), &value));
    const double nan_value = NAN;
    assert_false(floe_bound_decode(&DOUBLE, (floe_str){(const char *)&nan_value, 8}, &value));
    const float nan_float = NAN;
    assert_false(floe_bound_decode(&FLOAT, (floe_str){(const char *)&nan_float, 4}, &value));
}

/* ---- transforms ---- */

static floe_range range_of(floe_ice_transform_kind transform, int32_t argument, const floe_ice_type *source,
                           const floe_value *stored) {
    floe_ice_partition_field field = {.transform = transform, .argument = argument};
    return floe_transform_range(&field, source, stored, stored);
}

/* Appendix B of the Iceberg specification, modulo bucket counts. */
static void bucket__examples_of_the_specification__match(void **state) {
    (void)state;
    floe_value value = int_value(FLOE_KIND_INT32, 34);
    assert_int_equal(floe_transform_bucket(&INT, &value, 1000000), 2017239379 % 1000000);
    assert_int_equal(floe_transform_bucket(&LONG, &value, 1000000), 2017239379 % 1000000); /* promoted since */
    value = text_value("iceberg");
    assert_int_equal(floe_transform_bucket(&STRING, &value, 1000000), 1210000089 % 1000000);
    value = decimal_value(1420);
    assert_int_equal(floe_transform_bucket(&DECIMAL, &value, 1000000), (-500754589 & INT32_MAX) % 1000000);
    value = int_value(FLOE_KIND_DATE, 17486); /* 2017-11-16 */
    assert_int_equal(floe_transform_bucket(&DATE, &value, 1000000), (-653330422 & INT32_MAX) % 1000000);
    value = int_value(FLOE_KIND_TIMESTAMP, 1510871468000000); /* 2017-11-16T22:31:08 */
    assert_int_equal(floe_transform_bucket(&TIMESTAMP, &value, 1000000), (-2047944441 & INT32_MAX) % 1000000);
    value = floe_value_double(1.0);
    assert_int_equal(floe_transform_bucket(&DOUBLE, &value, 16), -1); /* no such transform */
}

static void month__positive__is_first_to_last_instant(void **state) {
    (void)state;
    floe_value month = int_value(FLOE_KIND_INT32, 374); /* 2001-03 */
    floe_range range = range_of(FLOE_TRANSFORM_MONTH, 0, &TIMESTAMP, &month);
    assert_true(range.has_lower && range.has_upper);
    assert_true(range.lower.as.integer == floe_days_from_civil(2001, 3, 1) * FLOE_US_PER_DAY);
    assert_true(range.upper.as.integer == floe_days_from_civil(2001, 4, 1) * FLOE_US_PER_DAY - 1);
    range = range_of(FLOE_TRANSFORM_MONTH, 0, &DATE, &month);
    assert_true(range.lower.as.integer == floe_days_from_civil(2001, 3, 1));
    assert_true(range.upper.as.integer == floe_days_from_civil(2001, 3, 31));
}

static void year_day_hour__positive__are_first_to_last(void **state) {
    (void)state;
    floe_value unit = int_value(FLOE_KIND_INT32, 30);
    floe_range range = range_of(FLOE_TRANSFORM_YEAR, 0, &DATE, &unit);
    assert_true(range.lower.as.integer == floe_days_from_civil(2000, 1, 1));
    assert_true(range.upper.as.integer == floe_days_from_civil(2000, 12, 31));
    range = range_of(FLOE_TRANSFORM_HOUR, 0, &TIMESTAMP, &unit);
    assert_true(range.lower.as.integer == INT64_C(30) * 3600 * 1000000);
    assert_true(range.upper.as.integer == INT64_C(31) * 3600 * 1000000 - 1);
    const floe_kind kinds[] = {FLOE_KIND_INT32, FLOE_KIND_DATE}; /* a day is stored as either */
    for (size_t i = 0; i < 2; i++) {
        unit = int_value(kinds[i], 30);
        range = range_of(FLOE_TRANSFORM_DAY, 0, &TIMESTAMP, &unit);
        assert_true(range.lower.as.integer == 30 * FLOE_US_PER_DAY);
        assert_true(range.upper.as.integer == 31 * FLOE_US_PER_DAY - 1);
    }
}

/* An old writer rounds 1969-12-31T23:00 (hour -1) to hour 0, and hour -1.5 to -1: the value may lie one unit below. */
static void time_transforms__at_or_before_1970__reach_one_unit_down(void **state) {
    (void)state;
    for (int64_t stored = -3; stored <= 1; stored++) {
        floe_value unit = int_value(FLOE_KIND_INT32, stored);
        floe_range range = range_of(FLOE_TRANSFORM_DAY, 0, &TIMESTAMP, &unit);
        int64_t first = stored <= 0 ? stored - 1 : stored;
        assert_true(range.lower.as.integer == first * FLOE_US_PER_DAY);
        assert_true(range.upper.as.integer == (stored + 1) * FLOE_US_PER_DAY - 1);
    }
}

static void time_transforms__beyond_any_date__say_nothing(void **state) {
    (void)state;
    const floe_ice_transform_kind kinds[] = {FLOE_TRANSFORM_YEAR, FLOE_TRANSFORM_MONTH, FLOE_TRANSFORM_DAY,
                                             FLOE_TRANSFORM_HOUR};
    const int64_t units[] = {INT64_MAX, INT64_MIN, INT32_MAX, INT32_MIN};
    for (size_t k = 0; k < 4; k++) {
        for (size_t u = 0; u < 4; u++) {
            floe_value unit = int_value(FLOE_KIND_INT64, units[u]);
            floe_range range = range_of(kinds[k], 0, &TIMESTAMP, &unit);
            assert_false(range.has_lower && range.has_upper);
        }
    }
}

static void truncate__integers_and_decimals__cover_their_width(void **state) {
    (void)state;
    floe_value stored = int_value(FLOE_KIND_INT32, -10);
    floe_range range = range_of(FLOE_TRANSFORM_TRUNCATE, 10, &INT, &stored);
    assert_true(range.lower.as.integer == -10 && range.upper.as.integer == -1);
    stored = decimal_value(1060);
    range = range_of(FLOE_TRANSFORM_TRUNCATE, 50, &DECIMAL, &stored);
    assert_true(range.lower.as.decimal == 1060 && range.upper.as.decimal == 1109);
}

/* -2147483648 by width 7 is -2147483653, which Java's and Rust's writers store as the int 2147483643; and the column may
 * have become long since. */
static void truncate__smallest_integers_that_wrapped__are_not_pruned_away(void **state) {
    (void)state;
    floe_value stored = int_value(FLOE_KIND_INT32, 2147483643);
    const floe_ice_type *const sources[] = {&INT, &LONG};
    for (size_t i = 0; i < 2; i++) {
        floe_range range = range_of(FLOE_TRANSFORM_TRUNCATE, 7, sources[i], &stored);
        assert_false(range.has_lower || range.has_upper);
    }
    stored = int_value(FLOE_KIND_INT64, INT64_MAX - 1); /* INT64_MIN by width 3, wrapped */
    floe_range range = range_of(FLOE_TRANSFORM_TRUNCATE, 3, &LONG, &stored);
    assert_false(range.has_lower || range.has_upper);
    stored = int_value(FLOE_KIND_INT32, 2147483639); /* 7 · 306783377: too small to have wrapped */
    range = range_of(FLOE_TRANSFORM_TRUNCATE, 7, &INT, &stored);
    assert_true(range.lower.as.integer == 2147483639 && range.upper.as.integer == 2147483645);
    /* A summary that spans the end of int may hide a wrapped one. */
    floe_value low = int_value(FLOE_KIND_INT64, 0);
    floe_value high = int_value(FLOE_KIND_INT64, (int64_t)1 << 40);
    floe_ice_partition_field field = {
        .source_id = 2, .field_id = 1000, .transform = FLOE_TRANSFORM_TRUNCATE, .argument = 7};
    range = floe_transform_range(&field, &LONG, &low, &high);
    assert_false(range.has_lower || range.has_upper);
}

static void truncate__text__bounds_only_its_beginning(void **state) {
    (void)state;
    floe_value stored = text_value("ice");
    floe_range range = range_of(FLOE_TRANSFORM_TRUNCATE, 3, &STRING, &stored);
    assert_true(range.has_upper && range.upper_is_prefix);
    assert_true(floe_str_is(range.upper.as.bytes, "ice"));
}

static void unknown_and_void__say_nothing(void **state) {
    (void)state;
    floe_value stored = int_value(FLOE_KIND_INT32, 1);
    const floe_ice_transform_kind kinds[] = {FLOE_TRANSFORM_UNKNOWN, FLOE_TRANSFORM_VOID};
    for (size_t i = 0; i < 2; i++) {
        floe_range range = range_of(kinds[i], 0, &INT, &stored);
        assert_false(range.has_lower || range.has_upper);
        assert_true(range.maybe_null && range.maybe_value);
    }
}

static void identity__value_of_another_kind__says_nothing(void **state) {
    (void)state;
    floe_value stored = text_value("7");
    floe_range range = range_of(FLOE_TRANSFORM_IDENTITY, 0, &INT, &stored);
    assert_false(range.has_lower || range.has_upper);
    stored = int_value(FLOE_KIND_INT32, 7); /* written before the column became a long */
    range = range_of(FLOE_TRANSFORM_IDENTITY, 0, &LONG, &stored);
    assert_true(range.lower.type.kind == FLOE_KIND_INT64 && range.lower.as.integer == 7);
    stored = decimal_value(5);
    stored.type.scale = 3;
    range = range_of(FLOE_TRANSFORM_IDENTITY, 0, &DECIMAL, &stored);
    assert_false(range.has_lower);
}

/* ---- files against filters ---- */

enum { ID_I = 1, ID_L, ID_F, ID_D, ID_T, ID_S, ID_B, ID_X, COLUMNS = 8 };

static const floe_ice_field FIELDS[COLUMNS] = {
    {.id = ID_I, .name = {"i", 1}, .type = &INT},       {.id = ID_L, .name = {"l", 1}, .type = &LONG},
    {.id = ID_F, .name = {"f", 1}, .type = &DOUBLE},    {.id = ID_D, .name = {"d", 1}, .type = &DATE},
    {.id = ID_T, .name = {"t", 1}, .type = &TIMESTAMP}, {.id = ID_S, .name = {"s", 1}, .type = &STRING},
    {.id = ID_B, .name = {"b", 1}, .type = &BOOLEAN},   {.id = ID_X, .name = {"x", 1}, .type = &DECIMAL},
};
static const floe_ice_schema SCHEMA = {.fields = FIELDS, .field_count = COLUMNS};

static floe_expr *bind(const char *text) {
    floe_error err = {0};
    floe_expr *expr = NULL;
    floe_column columns[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++) {
        columns[i] = (floe_column){FIELDS[i].name, floe_ice_type_to_floe(FIELDS[i].type)};
    }
    assert_ok(floe_expr_parse(&arena, floe_str_of(text), &expr, &err), &err);
    assert_ok(floe_expr_bind(expr, &arena, columns, COLUMNS, &err), &err);
    return expr;
}

static floe_prune_verdict verdict(const char *filter, const floe_ice_data_file *file, const floe_ice_spec *spec) {
    floe_pruner pruner;
    floe_error err = {0};
    assert_ok(floe_pruner_init(&pruner, bind(filter), &SCHEMA, &arena, &err), &err);
    return floe_prune_file(&pruner, file, spec);
}

static floe_ice_bytes_entry entry_of(ice_bound bound) {
    return (floe_ice_bytes_entry){bound.field_id, {bound.bytes, bound.len}};
}

/* i in [10, 20], no nulls; s in ["ab", "cd"], nulls unknown; f in [1, 2], NaN unknown; l all null of 100. */
static floe_ice_data_file sample_file(void) {
    static floe_ice_bytes_entry lower[3];
    static floe_ice_bytes_entry upper[3];
    static const floe_ice_count_entry nulls[] = {{ID_I, 0}, {ID_L, 100}};
    lower[0] = entry_of(ice_bound_i32(ID_I, 10));
    upper[0] = entry_of(ice_bound_i32(ID_I, 20));
    lower[1] = entry_of(ice_bound_text(ID_S, "ab"));
    upper[1] = entry_of(ice_bound_text(ID_S, "cd"));
    lower[2] = entry_of(ice_bound_f64(ID_F, 1));
    upper[2] = entry_of(ice_bound_f64(ID_F, 2));
    return (floe_ice_data_file){.record_count = 100,
                                .null_counts = nulls,
                                .null_count_count = 2,
                                .lower_bounds = lower,
                                .lower_count = 3,
                                .upper_bounds = upper,
                                .upper_count = 3};
}

static void bounds__each_operator_on_both_sides__prunes_exactly(void **state) {
    (void)state;
    static const struct {
        const char *filter;
        bool kept;
    } CASES[] = {
        {"i < 10", false},
        {"i < 11", true},
        {"i <= 9", false},
        {"i <= 10", true},
        {"i > 20", false},
        {"i > 19", true},
        {"i >= 21", false},
        {"i >= 20", true},
        {"i = 9", false},
        {"i = 10", true},
        {"i = 20", true},
        {"i = 21", false},
        {"10 > i", false},
        {"11 > i", true},
        {"20 < i", false},
        {"21 <= i", false},
        {"i <> 15", true},
        {"i IN (1, 2)", false},
        {"i IN (1, 15)", true},
        {"i NOT IN (1, 15)", true},
        {"i IN (1, NULL)", false},
        {"i NOT IN (1, NULL)", false}, /* never TRUE: the null makes it unknown */
        {"i BETWEEN 1 AND 9", false},
        {"i BETWEEN 1 AND 10", true},
        {"NOT (i >= 10)", false},
        {"NOT (i > 10)", true},
        {"NOT (i < 10)", true},
        {"i IS NULL", false},
        {"i IS NOT NULL", true},
        {"i = NULL", false},
        {"i < 10 OR i > 20", false},
        {"i < 10 OR s = 'b'", true},
        {"i > 15 AND s = 'zz'", false},
        {"NOT (i >= 10 OR s = 'b')", false},
        {"NOT (i > 30 AND s = 'b')", true},
        {"l IS NULL", true},
        {"l IS NOT NULL", false},
        {"l = 1", false},
        {"NOT (l = 1)", false},
        {"l <> 1", false},
        {"l IS NULL AND i = 15", true},
        {"s < 'ab'", false},
        {"s <= 'ab'", true},
        {"s > 'cd'", false},
        {"s = 'ce'", false},
        {"s LIKE 'b%'", true},
        {"s LIKE 'ce%'", false},
        {"s LIKE 'cd%'", true},
        {"s LIKE 'aa%'", false},
        {"s LIKE 'a%'", true},
        {"s LIKE '%z'", true},
        {"s LIKE 'x_'", false},
        {"s NOT LIKE 'ce%'", true},
        {"f < 1", false},
        {"f = 0.5", false},
        {"f > 2", true}, /* NaN is larger than every number */
        {"f >= 2.5", true},
        {"t = TIMESTAMP '2020-01-01 00:00:00'", true}, /* nothing known */
        {"d IS NULL", true},
        {"b", true},
        {"NOT b", true},
        {"i = 1.5", false},
        {"i = 15.0", true},
        {"i < 10.5", true},
        {"i < 9.99", false},
    };
    floe_ice_data_file file = sample_file();
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        bool kept = verdict(CASES[i].filter, &file, NULL) == FLOE_PRUNE_KEEP;
        if (kept != CASES[i].kept) {
            fail_msg("%s: the file should be %s", CASES[i].filter, CASES[i].kept ? "kept" : "pruned");
        }
    }
}

static void nan_count_zero__lets_upper_bounds_prune(void **state) {
    (void)state;
    static const floe_ice_count_entry nans[] = {{ID_F, 0}};
    floe_ice_data_file file = sample_file();
    file.nan_counts = nans;
    file.nan_count_count = 1;
    assert_int_equal(verdict("f > 2", &file, NULL), FLOE_PRUNE_BY_BOUNDS);
    assert_int_equal(verdict("f >= 2", &file, NULL), FLOE_PRUNE_KEEP);
}

static void equal_bounds__may_be_cut__so_not_equal_keeps(void **state) {
    (void)state;
    floe_ice_bytes_entry bound = entry_of(ice_bound_text(ID_S, "abcdefghijklmnop"));
    floe_ice_data_file file = {
        .record_count = 5, .lower_bounds = &bound, .lower_count = 1, .upper_bounds = &bound, .upper_count = 1};
    assert_int_equal(verdict("s <> 'abcdefghijklmnop'", &file, NULL), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("NOT (s = 'abcdefghijklmnop')", &file, NULL), FLOE_PRUNE_KEEP);
}

static void value_counts__tell_all_null_from_record_count(void **state) {
    (void)state;
    /* 100 rows, but 90 values of which 90 null: all null. */
    static const floe_ice_count_entry counts[] = {{ID_I, 90}};
    floe_ice_data_file file = {.record_count = 100,
                               .value_counts = counts,
                               .value_count_count = 1,
                               .null_counts = counts,
                               .null_count_count = 1};
    assert_int_equal(verdict("i IS NOT NULL", &file, NULL), FLOE_PRUNE_BY_BOUNDS);
    assert_int_equal(verdict("i IS NULL", &file, NULL), FLOE_PRUNE_KEEP);
}

static void partition__identity__is_exact(void **state) {
    (void)state;
    static const floe_ice_partition_field part = {
        .source_id = ID_I, .field_id = 1000, .transform = FLOE_TRANSFORM_IDENTITY};
    const floe_ice_spec spec = {.fields = &part, .field_count = 1};
    floe_value stored = int_value(FLOE_KIND_INT32, 5);
    floe_ice_data_file file = {.record_count = 1, .partition = &stored, .partition_count = 1};
    assert_int_equal(verdict("i = 5", &file, &spec), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("i <> 5", &file, &spec), FLOE_PRUNE_BY_PARTITION);
    assert_int_equal(verdict("i IS NULL", &file, &spec), FLOE_PRUNE_BY_PARTITION);
    assert_int_equal(verdict("i IN (1, 2, 6)", &file, &spec), FLOE_PRUNE_BY_PARTITION);
    assert_int_equal(verdict("NOT (i > 4)", &file, &spec), FLOE_PRUNE_BY_PARTITION);
    stored = (floe_value){.type = {.kind = FLOE_KIND_INT32}, .is_null = true};
    assert_int_equal(verdict("i = 5", &file, &spec), FLOE_PRUNE_BY_PARTITION);
    assert_int_equal(verdict("i IS NULL", &file, &spec), FLOE_PRUNE_KEEP);
    stored.type.kind = FLOE_KIND_NONE; /* the manifest has no such field: nothing is known */
    assert_int_equal(verdict("i = 5", &file, &spec), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("i IS NOT NULL", &file, &spec), FLOE_PRUNE_KEEP);
}

static void partition__bucket__prunes_equality_only(void **state) {
    (void)state;
    static const floe_ice_partition_field part = {
        .source_id = ID_S, .field_id = 1000, .transform = FLOE_TRANSFORM_BUCKET, .argument = 16};
    const floe_ice_spec spec = {.fields = &part, .field_count = 1};
    floe_value stored = int_value(FLOE_KIND_INT32, 1210000089 % 16); /* of 'iceberg' */
    floe_ice_data_file file = {.record_count = 1, .partition = &stored, .partition_count = 1};
    assert_int_equal(verdict("s = 'iceberg'", &file, &spec), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("s <> 'iceberg'", &file, &spec), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("s < 'a'", &file, &spec), FLOE_PRUNE_KEEP);
    stored.as.integer = (stored.as.integer + 1) % 16;
    assert_int_equal(verdict("s = 'iceberg'", &file, &spec), FLOE_PRUNE_BY_PARTITION);
    assert_int_equal(verdict("s IN ('iceberg')", &file, &spec), FLOE_PRUNE_BY_PARTITION);
    assert_int_equal(verdict("s IS NULL", &file, &spec), FLOE_PRUNE_BY_PARTITION);
}

static void partition__truncated_text__prunes_by_its_beginning(void **state) {
    (void)state;
    static const floe_ice_partition_field part = {
        .source_id = ID_S, .field_id = 1000, .transform = FLOE_TRANSFORM_TRUNCATE, .argument = 2};
    const floe_ice_spec spec = {.fields = &part, .field_count = 1};
    floe_value stored = text_value("ic");
    floe_ice_data_file file = {.record_count = 1, .partition = &stored, .partition_count = 1};
    assert_int_equal(verdict("s = 'iceberg'", &file, &spec), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("s = 'ic'", &file, &spec), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("s > 'iczzz'", &file, &spec), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("s > 'id'", &file, &spec), FLOE_PRUNE_BY_PARTITION);
    assert_int_equal(verdict("s < 'ic'", &file, &spec), FLOE_PRUNE_BY_PARTITION);
    assert_int_equal(verdict("s LIKE 'icy%'", &file, &spec), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("s LIKE 'ib%'", &file, &spec), FLOE_PRUNE_BY_PARTITION);
}

static void partition__dropped_or_unknown_source__prunes_nothing(void **state) {
    (void)state;
    static const floe_ice_partition_field parts[] = {
        {.source_id = 77, .field_id = 1000, .transform = FLOE_TRANSFORM_IDENTITY},
        {.source_id = ID_I, .field_id = 1001, .transform = FLOE_TRANSFORM_UNKNOWN},
        {.source_id = ID_I, .field_id = 1002, .transform = FLOE_TRANSFORM_VOID}};
    const floe_ice_spec spec = {.fields = parts, .field_count = 3};
    floe_value stored[] = {int_value(FLOE_KIND_INT32, 5),
                           int_value(FLOE_KIND_INT32, 5),
                           {.type = {.kind = FLOE_KIND_INT32}, .is_null = true}};
    floe_ice_data_file file = {.record_count = 1, .partition = stored, .partition_count = 3};
    assert_int_equal(verdict("i = 6", &file, &spec), FLOE_PRUNE_KEEP);
    assert_int_equal(verdict("i IS NOT NULL", &file, &spec), FLOE_PRUNE_KEEP);
}

static void contradiction__between_partition_and_counts__prunes_nothing(void **state) {
    (void)state;
    static const floe_ice_partition_field part = {
        .source_id = ID_I, .field_id = 1000, .transform = FLOE_TRANSFORM_IDENTITY};
    static const floe_ice_count_entry nulls[] = {{ID_I, 0}};
    const floe_ice_spec spec = {.fields = &part, .field_count = 1};
    floe_value stored = {.type = {.kind = FLOE_KIND_INT32}, .is_null = true};
    floe_ice_data_file file = {
        .record_count = 9, .partition = &stored, .partition_count = 1, .null_counts = nulls, .null_count_count = 1};
    assert_int_equal(verdict("i IS NULL", &file, &spec), FLOE_PRUNE_KEEP);
}

static void manifest__summaries__prune_and_null_flags_count(void **state) {
    (void)state;
    static const floe_ice_partition_field part = {
        .source_id = ID_T, .field_id = 1000, .transform = FLOE_TRANSFORM_MONTH};
    const floe_ice_spec spec = {.fields = &part, .field_count = 1};
    ice_bound low = ice_bound_i32(0, 372);  /* 2001-01 */
    ice_bound high = ice_bound_i32(0, 374); /* 2001-03 */
    floe_ice_partition_summary summary = {
        .contains_nan = -1, .lower = {low.bytes, low.len}, .upper = {high.bytes, high.len}};
    floe_ice_manifest manifest = {.partitions = &summary, .partition_count = 1};
    static const struct {
        const char *filter;
        bool kept;
    } CASES[] = {
        {"t >= TIMESTAMP '2001-04-01 00:00:00'", false},
        {"t >= TIMESTAMP '2001-03-31 23:59:59'", true},
        {"t < TIMESTAMP '2001-01-01 00:00:00'", false},
        {"t <= TIMESTAMP '2001-01-01 00:00:00'", true},
        {"t IS NULL", false},
        {"i = 1", true},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        floe_pruner pruner;
        floe_error err = {0};
        assert_ok(floe_pruner_init(&pruner, bind(CASES[i].filter), &SCHEMA, &arena, &err), &err);
        assert_int_equal(floe_prune_keeps_manifest(&pruner, &manifest, &spec), CASES[i].kept);
        assert_true(floe_prune_keeps_manifest(&pruner, &manifest, NULL));
        manifest.partition_count = 2; /* another number than the spec has: nothing is believed */
        assert_true(floe_prune_keeps_manifest(&pruner, &manifest, &spec));
        manifest.partition_count = 1;
    }
}

static void filter__none__keeps_everything(void **state) {
    (void)state;
    floe_pruner pruner;
    floe_error err = {0};
    floe_ice_data_file file = sample_file();
    floe_ice_manifest manifest = {.partition_count = 0};
    assert_ok(floe_pruner_init(&pruner, NULL, &SCHEMA, &arena, &err), &err);
    assert_int_equal(floe_prune_file(&pruner, &file, NULL), FLOE_PRUNE_KEEP);
    assert_true(floe_prune_keeps_manifest(&pruner, &manifest, NULL));
}

/* ---- the property ---- */

enum { ROWS_MAX = 6 };

typedef struct file_world {
    floe_test_rng rng;
    floe_value rows[ROWS_MAX][COLUMNS];
    size_t row_count;
    floe_ice_partition_field parts[3];
    floe_value partition[3];
    floe_ice_spec spec;
    floe_ice_bytes_entry lower[COLUMNS], upper[COLUMNS];
    floe_ice_count_entry nulls[COLUMNS], nans[COLUMNS], values[COLUMNS];
    floe_ice_data_file file;
    bool nan_counts;
} file_world;

static const char *const TEXTS[] = {"", "a", "ab", "abc", "b", "ba", "\xc3\xa9t\xc3\xa9", "zz", "zzz", "~"};

static floe_value random_value(floe_test_rng *rng, size_t column) {
    floe_value value = floe_value_null(floe_ice_type_to_floe(FIELDS[column].type));
    value.is_null = floe_test_below(rng, 4) == 0;
    switch (FIELDS[column].id) {
    case ID_F: {
        static const double REALS[] = {-1.5, -0.0, 0.0, 1, 2, 1e300, INFINITY, NAN};
        value.as.real = REALS[floe_test_below(rng, 8)];
        break;
    }
    case ID_S:
        value.as.bytes = floe_str_of(TEXTS[floe_test_below(rng, 10)]);
        break;
    case ID_B:
        value.as.boolean = floe_test_below(rng, 2) == 1;
        break;
    case ID_X:
        value.as.decimal = floe_test_between(rng, -300, 300);
        break;
    case ID_D:
        value.as.integer = floe_test_between(rng, -70, 70);
        break;
    case ID_T:
        value.as.integer = floe_test_between(rng, -70, 70) * FLOE_US_PER_DAY / 3 + floe_test_between(rng, -2, 2);
        break;
    default:
        value.as.integer = floe_test_between(rng, -6, 6);
    }
    return value;
}

/* What a writer stores for a value. Time units: floored, or as old writers did, rounded towards zero. */
static floe_value apply(const floe_ice_partition_field *part, const floe_value *value, bool old_writer) {
    floe_value result = int_value(FLOE_KIND_INT32, 0);
    int64_t days =
        value->type.kind == FLOE_KIND_DATE ? value->as.integer : floe_floor_div(value->as.integer, FLOE_US_PER_DAY);
    int64_t whole_days =
        old_writer && value->type.kind == FLOE_KIND_TIMESTAMP ? value->as.integer / FLOE_US_PER_DAY : days;
    int64_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (value->is_null) {
        result.is_null = true;
        return result;
    }
    floe_civil_from_days(days, &year, &month, &day);
    switch (part->transform) {
    case FLOE_TRANSFORM_IDENTITY:
        return *value;
    case FLOE_TRANSFORM_BUCKET:
        result.as.integer = floe_transform_bucket(FIELDS[part->source_id - 1].type, value, part->argument);
        break;
    case FLOE_TRANSFORM_TRUNCATE:
        result = *value;
        if (value->type.kind == FLOE_KIND_STRING) {
            size_t width = 0; /* code points */
            size_t at = 0;
            for (; at < value->as.bytes.len && width < (size_t)part->argument; width++) {
                at += floe_utf8_sequence((floe_str){value->as.bytes.ptr + at, value->as.bytes.len - at});
            }
            result.as.bytes.len = at;
        } else if (value->type.kind == FLOE_KIND_DECIMAL) {
            __int128 rest = value->as.decimal % part->argument;
            result.as.decimal = value->as.decimal - (rest < 0 ? rest + part->argument : rest);
        } else {
            result.as.integer = floe_floor_div(value->as.integer, part->argument) * part->argument;
        }
        break;
    case FLOE_TRANSFORM_YEAR:
        result.as.integer = year - 1970;
        break;
    case FLOE_TRANSFORM_MONTH:
        result.as.integer = (year - 1970) * 12 + (int64_t)month - 1;
        break;
    case FLOE_TRANSFORM_DAY:
        result.as.integer = whole_days;
        break;
    case FLOE_TRANSFORM_HOUR:
        result.as.integer = old_writer ? value->as.integer / (FLOE_US_PER_DAY / 24)
                                       : floe_floor_div(value->as.integer, FLOE_US_PER_DAY / 24);
        break;
    default:
        result.is_null = part->transform == FLOE_TRANSFORM_VOID;
    }
    return result;
}

static bool same_stored(const floe_value *a, const floe_value *b) {
    return a->is_null == b->is_null && (a->is_null || floe_value_compare(a, b) == 0);
}

static floe_ice_partition_field random_part(floe_test_rng *rng) {
    static const struct {
        int32_t source;
        floe_ice_transform_kind transform;
        int32_t argument;
    } PARTS[] = {
        {ID_I, FLOE_TRANSFORM_IDENTITY, 0}, {ID_I, FLOE_TRANSFORM_TRUNCATE, 4},  {ID_L, FLOE_TRANSFORM_BUCKET, 3},
        {ID_F, FLOE_TRANSFORM_IDENTITY, 0}, {ID_D, FLOE_TRANSFORM_MONTH, 0},     {ID_D, FLOE_TRANSFORM_YEAR, 0},
        {ID_T, FLOE_TRANSFORM_DAY, 0},      {ID_T, FLOE_TRANSFORM_HOUR, 0},      {ID_T, FLOE_TRANSFORM_MONTH, 0},
        {ID_S, FLOE_TRANSFORM_TRUNCATE, 2}, {ID_S, FLOE_TRANSFORM_BUCKET, 4},    {ID_S, FLOE_TRANSFORM_IDENTITY, 0},
        {ID_B, FLOE_TRANSFORM_IDENTITY, 0}, {ID_X, FLOE_TRANSFORM_TRUNCATE, 50}, {ID_X, FLOE_TRANSFORM_BUCKET, 4},
        {ID_I, FLOE_TRANSFORM_VOID, 0},     {ID_I, FLOE_TRANSFORM_UNKNOWN, 0},   {ID_X, FLOE_TRANSFORM_IDENTITY, 0},
    };
    size_t at = floe_test_below(rng, sizeof(PARTS) / sizeof(PARTS[0]));
    return (floe_ice_partition_field){
        .source_id = PARTS[at].source, .transform = PARTS[at].transform, .argument = PARTS[at].argument};
}

/* Rows of one partition: the first decides, others join when they are stored alike. */
static void make_rows(file_world *world) {
    bool old_writer = floe_test_below(&world->rng, 3) == 0;
    size_t want = 1 + floe_test_below(&world->rng, ROWS_MAX);
    world->row_count = 0;
    for (int tries = 0; tries < 200 && world->row_count < want; tries++) {
        floe_value *row = world->rows[world->row_count];
        bool fits = true;
        for (size_t c = 0; c < COLUMNS; c++) {
            row[c] = random_value(&world->rng, c);
        }
        for (size_t p = 0; p < world->spec.field_count; p++) {
            floe_value stored = apply(&world->parts[p], &row[world->parts[p].source_id - 1], old_writer);
            if (world->row_count == 0) {
                world->partition[p] = stored;
            }
            fits = fits && same_stored(&stored, &world->partition[p]);
        }
        world->row_count += fits ? 1 : 0;
    }
}

static ice_bound encode_bound(size_t column, const floe_value *value) {
    int32_t id = FIELDS[column].id;
    uint8_t bytes[16];
    switch (id) {
    case ID_F:
        return ice_bound_f64(id, value->as.real);
    case ID_S: {
        static char texts[64][8];
        static size_t next;
        char *text = texts[next++ % 64];
        memcpy(text, value->as.bytes.ptr, value->as.bytes.len);
        text[value->as.bytes.len] = 0;
        return ice_bound_text(id, text);
    }
    case ID_B:
        return ice_bound_text(id, value->as.boolean ? "\x01" : "\x00\x00");
    case ID_X: {
        static char kept[64][16];
        static size_t next;
        size_t len = floe_ice_decimal_bytes(value->as.decimal, bytes);
        memcpy(kept[next % 64], bytes, len);
        return (ice_bound){id, kept[next++ % 64], len};
    }
    case ID_I:
    case ID_D:
        return ice_bound_i32(id, (int32_t)value->as.integer);
    default:
        return ice_bound_i64(id, value->as.integer);
    }
}

/* Bounds as writers make them: NaN and nulls left out, text cut to two characters, upper ones counted up. */
static void make_bounds(file_world *world, size_t column) {
    const floe_value *least = NULL;
    const floe_value *most = NULL;
    int64_t nulls = 0;
    int64_t nans = 0;
    int32_t id = FIELDS[column].id;
    for (size_t r = 0; r < world->row_count; r++) {
        const floe_value *value = &world->rows[r][column];
        bool nan_value = id == ID_F && !value->is_null && isnan(value->as.real);
        nulls += value->is_null ? 1 : 0;
        nans += nan_value ? 1 : 0;
        if (!value->is_null && !nan_value) {
            least = least == NULL || floe_value_compare(value, least) < 0 ? value : least;
            most = most == NULL || floe_value_compare(value, most) > 0 ? value : most;
        }
    }
    floe_ice_data_file *file = &world->file;
    if (floe_test_below(&world->rng, 4) > 0) {
        world->nulls[file->null_count_count++] = (floe_ice_count_entry){id, nulls};
    }
    if (floe_test_below(&world->rng, 2) > 0) {
        world->nans[file->nan_count_count++] = (floe_ice_count_entry){id, nans};
    }
    if (floe_test_below(&world->rng, 2) > 0) {
        world->values[file->value_count_count++] = (floe_ice_count_entry){id, (int64_t)world->row_count};
    }
    if (least != NULL && id != ID_B && floe_test_below(&world->rng, 4) > 0) {
        floe_value low = *least;
        floe_value high = *most;
        bool cut_high = false;
        if (id == ID_S) {
            low.as.bytes.len = low.as.bytes.len > 2 ? 2 : low.as.bytes.len;
            cut_high = high.as.bytes.len > 2;
            high.as.bytes.len = cut_high ? 2 : high.as.bytes.len;
        }
        world->lower[file->lower_count++] = entry_of(encode_bound(column, &low));
        floe_ice_bytes_entry upper = entry_of(encode_bound(column, &high));
        if (cut_high) {
            ((char *)(uintptr_t)upper.bytes.ptr)[1]++;
        }
        world->upper[file->upper_count++] = upper;
    }
}

static void make_world(file_world *world) {
    world->spec = (floe_ice_spec){.fields = world->parts, .field_count = floe_test_below(&world->rng, 4)};
    for (size_t p = 0; p < world->spec.field_count; p++) {
        world->parts[p] = random_part(&world->rng);
    }
    make_rows(world);
    world->file = (floe_ice_data_file){.record_count = (int64_t)world->row_count,
                                       .partition = world->partition,
                                       .partition_count = world->spec.field_count,
                                       .lower_bounds = world->lower,
                                       .upper_bounds = world->upper,
                                       .null_counts = world->nulls,
                                       .nan_counts = world->nans,
                                       .value_counts = world->values};
    for (size_t c = 0; c < COLUMNS; c++) {
        make_bounds(world, c);
    }
}

static void put_literal(floe_test_rng *rng, size_t column, floe_buf *out) {
    floe_value value = random_value(rng, column);
    char text[FLOE_TIME_TEXT_MAX];
    if (value.is_null) {
        floe_buf_text(out, "NULL");
        return;
    }
    switch (FIELDS[column].id) {
    case ID_S:
        floe_buf_printf(out, "'%.*s'", FLOE_STR_ARG(value.as.bytes));
        return;
    case ID_D:
        floe_buf_printf(out, "DATE '%s'", floe_date_format(value.as.integer, text));
        return;
    case ID_T:
        floe_buf_printf(out, "TIMESTAMP '%s'", floe_time_format(value.as.integer, text));
        return;
    case ID_F:
        floe_buf_printf(out, "%g", isfinite(value.as.real) ? value.as.real : 3.0);
        return;
    case ID_X:
        floe_decimal_print(value.as.decimal, 2, out);
        return;
    default:
        floe_buf_printf(out, "%d%s", (int)value.as.integer, floe_test_below(rng, 4) == 0 ? ".5" : "");
    }
}

static void put_filter(floe_test_rng *rng, int depth, floe_buf *out) {
    static const char *const OPS[] = {"=", "<>", "<", "<=", ">", ">="};
    size_t column = floe_test_below(rng, COLUMNS);
    floe_str name = FIELDS[column].name;
    uint64_t kind = floe_test_below(rng, depth > 0 ? 9 : 6);
    if (kind >= 7) {
        floe_buf_byte(out, '(');
        put_filter(rng, depth - 1, out);
        floe_buf_text(out, kind == 7 ? ") AND (" : ") OR (");
        put_filter(rng, depth - 1, out);
        floe_buf_byte(out, ')');
    } else if (kind == 6) {
        floe_buf_text(out, "NOT (");
        put_filter(rng, depth - 1, out);
        floe_buf_byte(out, ')');
    } else if (FIELDS[column].id == ID_B) {
        floe_buf_text(out, kind == 0 ? "b IS NULL" : kind == 1 ? "b IS NOT NULL" : "b");
    } else if (kind == 0) {
        floe_buf_printf(out, "%.*s IS %sNULL", FLOE_STR_ARG(name), floe_test_below(rng, 2) ? "NOT " : "");
    } else if (kind == 1 && FIELDS[column].id == ID_S) {
        static const char *const PATTERNS[] = {"a%", "ab%", "%b", "z_", "", "ab", "_", "zz%"};
        floe_buf_printf(out, "s %sLIKE '%s'", floe_test_below(rng, 2) ? "NOT " : "", PATTERNS[floe_test_below(rng, 8)]);
    } else if (kind <= 2) {
        floe_buf_printf(out, "%.*s %sIN (", FLOE_STR_ARG(name), floe_test_below(rng, 2) ? "NOT " : "");
        put_literal(rng, column, out);
        floe_buf_text(out, ", ");
        put_literal(rng, column, out);
        floe_buf_byte(out, ')');
    } else if (kind == 3) {
        floe_buf_printf(out, "%.*s BETWEEN ", FLOE_STR_ARG(name));
        put_literal(rng, column, out);
        floe_buf_text(out, " AND ");
        put_literal(rng, column, out);
    } else if (kind == 4) {
        put_literal(rng, column, out);
        floe_buf_printf(out, " %s %.*s", OPS[floe_test_below(rng, 6)], FLOE_STR_ARG(name));
    } else {
        floe_buf_printf(out, "%.*s %s ", FLOE_STR_ARG(name), OPS[floe_test_below(rng, 6)]);
        put_literal(rng, column, out);
    }
}

static void property__pruned_files__hold_no_passing_row(void **state) {
    (void)state;
    static file_world world;
    world.rng = floe_test_rng_of(floe_test_seed());
    size_t pruned = 0;
    size_t by_bounds = 0;
    size_t kept_for_nothing = 0;
    for (int round = 0; round < 60000; round++) {
        FLOE_AUTO_BUF text = {0};
        floe_buf_init(&text, FLOE_KIB(64));
        make_world(&world);
        put_filter(&world.rng, 2, &text);
        floe_expr *filter = bind(text.ptr);
        floe_pruner pruner;
        floe_error err = {0};
        assert_ok(floe_pruner_init(&pruner, filter, &SCHEMA, &arena, &err), &err);
        floe_prune_verdict result = floe_prune_file(&pruner, &world.file, &world.spec);
        size_t passing = 0;
        for (size_t r = 0; r < world.row_count; r++) {
            passing += floe_expr_passes(filter, world.rows[r], NULL) ? 1 : 0;
        }
        if (result != FLOE_PRUNE_KEEP && passing > 0) {
            fail_msg("round %d: pruned by %s although %zu rows pass: %s", round,
                     result == FLOE_PRUNE_BY_PARTITION ? "partition" : "bounds", passing, text.ptr);
        }
        pruned += result != FLOE_PRUNE_KEEP ? 1 : 0;
        by_bounds += result == FLOE_PRUNE_BY_BOUNDS ? 1 : 0;
        kept_for_nothing += result == FLOE_PRUNE_KEEP && passing == 0 ? 1 : 0;
        floe_arena_reset(&arena);
    }
    /* Proof that something was tested: pruning that never happens is trivially sound. */
    assert_true(pruned > 3000 && by_bounds > 1000 && pruned > by_bounds + 1000 && kept_for_nothing > 0);
}

/* The same through a manifest's summaries over several partitions. */
static void property__pruned_manifests__hold_no_passing_row(void **state) {
    (void)state;
    static file_world world;
    world.rng = floe_test_rng_of(floe_test_seed() + 1);
    size_t pruned = 0;
    for (int round = 0; round < 20000; round++) {
        FLOE_AUTO_BUF text = {0};
        floe_buf_init(&text, FLOE_KIB(64));
        floe_ice_partition_field part = random_part(&world.rng);
        const floe_ice_spec spec = {.fields = &part, .field_count = 1};
        size_t column = (size_t)part.source_id - 1;
        bool timed = part.transform >= FLOE_TRANSFORM_YEAR && part.transform <= FLOE_TRANSFORM_HOUR;
        bool old_writer = timed && floe_test_below(&world.rng, 2) == 0;
        put_filter(&world.rng, 1, &text);
        floe_expr *filter = bind(text.ptr);
        floe_ice_partition_summary summary = {.contains_nan = 0};
        floe_value least = {.is_null = true};
        floe_value most = {.is_null = true};
        size_t passing = 0;
        for (size_t r = 0; r < 3; r++) {
            for (size_t c = 0; c < COLUMNS; c++) {
                world.rows[0][c] = random_value(&world.rng, c);
            }
            passing += floe_expr_passes(filter, world.rows[0], NULL) ? 1 : 0;
            floe_value stored = apply(&part, &world.rows[0][column], old_writer);
            bool nan_value = stored.type.kind == FLOE_KIND_DOUBLE && !stored.is_null && isnan(stored.as.real);
            summary.contains_null = summary.contains_null || stored.is_null;
            summary.contains_nan = summary.contains_nan || nan_value;
            if (!stored.is_null && !nan_value) {
                least = least.is_null || floe_value_compare(&stored, &least) < 0 ? stored : least;
                most = most.is_null || floe_value_compare(&stored, &most) > 0 ? stored : most;
            }
        }
        bool like_source = part.transform == FLOE_TRANSFORM_IDENTITY || part.transform == FLOE_TRANSFORM_TRUNCATE;
        if (!least.is_null && part.source_id != ID_B) {
            ice_bound low = like_source ? encode_bound(column, &least) : ice_bound_i32(0, (int32_t)least.as.integer);
            ice_bound high = like_source ? encode_bound(column, &most) : ice_bound_i32(0, (int32_t)most.as.integer);
            summary.lower = (floe_str){low.bytes, low.len};
            summary.upper = (floe_str){high.bytes, high.len};
        }
        floe_ice_manifest manifest = {.partitions = &summary, .partition_count = 1};
        floe_pruner pruner;
        floe_error err = {0};
        assert_ok(floe_pruner_init(&pruner, filter, &SCHEMA, &arena, &err), &err);
        bool kept = floe_prune_keeps_manifest(&pruner, &manifest, &spec);
        if (!kept && passing > 0) {
            fail_msg("round %d: a manifest was pruned although %zu rows pass: %s", round, passing, text.ptr);
        }
        pruned += kept ? 0 : 1;
        floe_arena_reset(&arena);
    }
    assert_true(pruned > 300);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(bounds__of_each_width__decode_as_the_column_is_now),
        T(bounds__decimals_of_any_length__are_big_endian),
        T(bounds__that_fit_no_type__are_unknown),
        T(bucket__examples_of_the_specification__match),
        T(month__positive__is_first_to_last_instant),
        T(year_day_hour__positive__are_first_to_last),
        T(time_transforms__at_or_before_1970__reach_one_unit_down),
        T(time_transforms__beyond_any_date__say_nothing),
        T(truncate__integers_and_decimals__cover_their_width),
        T(truncate__smallest_integers_that_wrapped__are_not_pruned_away),
        T(truncate__text__bounds_only_its_beginning),
        T(unknown_and_void__say_nothing),
        T(identity__value_of_another_kind__says_nothing),
        T(bounds__each_operator_on_both_sides__prunes_exactly),
        T(nan_count_zero__lets_upper_bounds_prune),
        T(equal_bounds__may_be_cut__so_not_equal_keeps),
        T(value_counts__tell_all_null_from_record_count),
        T(partition__identity__is_exact),
        T(partition__bucket__prunes_equality_only),
        T(partition__truncated_text__prunes_by_its_beginning),
        T(partition__dropped_or_unknown_source__prunes_nothing),
        T(contradiction__between_partition_and_counts__prunes_nothing),
        T(manifest__summaries__prune_and_null_flags_count),
        T(filter__none__keeps_everything),
        T(property__pruned_files__hold_no_passing_row),
        T(property__pruned_manifests__hold_no_passing_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
