/*
 * Pruning: bounds, transforms and expressions. The last tests are the ones that count: random rows, random partitions and
 * bounds as a writer makes them, random filters; a file that is pruned must hold no row that passes.
 */
#include "tests/offline/prune_support.h"

/* ---- types ---- */

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

static floe_prune_verdict verdict(const char *filter, const floe_ice_data_file *file, const floe_ice_spec *spec) {
    floe_pruner pruner;
    floe_error err = {0};
    assert_ok(floe_pruner_init(&pruner, bind(filter), &SCHEMA, &arena, &err), &err);
    return floe_prune_file(&pruner, file, spec);
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

/* A filter means nanoseconds rounded up to microseconds: bounds of −1 ns and 1,001 ns are 0 µs and 2 µs. What partitions and bounds
 * written as dates say is not used. */
static void bounds__of_nanoseconds__prune_as_rounded_up(void **state) {
    (void)state;
    static const floe_ice_type NANOS = {.kind = FLOE_ICE_TIMESTAMP_NS};
    static const floe_ice_field field = {.id = 1, .name = {"n", 1}, .type = &NANOS};
    static const floe_ice_schema schema = {.fields = &field, .field_count = 1};
    static const floe_column column = {{"n", 1}, {.kind = FLOE_KIND_TIMESTAMP}};
    static const floe_ice_partition_field by_day = {.source_id = 1, .field_id = 1000, .transform = FLOE_TRANSFORM_DAY};
    static const floe_ice_spec spec = {.fields = &by_day, .field_count = 1};
    static const struct {
        const char *filter;
        bool kept;
    } CASES[] = {{"n <= TIMESTAMP '1969-12-31 23:59:59.999999'", false},
                 {"n <= TIMESTAMP '1970-01-01 00:00:00'", true},
                 {"n >= TIMESTAMP '1970-01-01 00:00:00.000002'", true},
                 {"n >= TIMESTAMP '1970-01-01 00:00:00.000003'", false},
                 {"n = TIMESTAMP '1970-01-01 00:00:00.000001'", true}};
    int64_t low = -1, high = 1001;
    floe_value day = int_value(FLOE_KIND_DATE, 5);
    floe_ice_bytes_entry lower = {1, {(const char *)&low, 8}}, upper = {1, {(const char *)&high, 8}};
    floe_ice_data_file file = {.record_count = 9,
                               .partition = &day,
                               .partition_count = 1,
                               .lower_bounds = &lower,
                               .lower_count = 1,
                               .upper_bounds = &upper,
                               .upper_count = 1};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        for (size_t len = 4; len <= 8; len += 4) {
            floe_pruner pruner;
            floe_error err = {0};
            floe_expr *filter = NULL;
            lower.bytes.len = upper.bytes.len = len;
            assert_ok(floe_expr_parse(&arena, floe_str_of(CASES[i].filter), &filter, &err), &err);
            assert_ok(floe_expr_bind(filter, &arena, &column, 1, &err), &err);
            assert_ok(floe_pruner_init(&pruner, filter, &schema, &arena, &err), &err);
            bool kept = floe_prune_file(&pruner, &file, &spec) == FLOE_PRUNE_KEEP;
            assert_int_equal(kept, CASES[i].kept || len == 4);
        }
    }
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
        T(bounds__of_nanoseconds__prune_as_rounded_up),
        T(partition__bucket__prunes_equality_only),
        T(partition__truncated_text__prunes_by_its_beginning),
        T(partition__dropped_or_unknown_source__prunes_nothing),
        T(contradiction__between_partition_and_counts__prunes_nothing),
        T(manifest__summaries__prune_and_null_flags_count),
        T(filter__none__keeps_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
