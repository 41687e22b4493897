/* core/time: RFC 3339, the calendar against a day-by-day count, durations, clocks. */
#include "tests/support/support.h"

#include "core/time.h"

#include <stdio.h>

/* The independent calendar: from 0001-01-01, one day after the other, by the rule of the leap years alone. */
typedef struct walker {
    int64_t year;
    unsigned month;
    unsigned day;
} walker;

static void walk_one_day(walker *at) {
    static const unsigned lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (at->year % 4 == 0 && at->year % 100 != 0) || at->year % 400 == 0;
    unsigned length = lengths[at->month - 1] + (at->month == 2 && leap ? 1 : 0);
    at->day++;
    if (at->day > length) {
        at->day = 1;
        at->month++;
    }
    if (at->month > 12) {
        at->month = 1;
        at->year++;
    }
}

/* 0001-01-01 is 719162 days before 1970-01-01: 1969 years of 365 days and 477 leap days (492 − 19 + 4). */
static void civil__every_day_of_years_1_to_9999__equals_the_count(void **state) {
    (void)state;
    walker at = {1, 1, 1};
    for (int64_t days = -(1969 * 365 + 477); at.year <= 9999; days++) {
        int64_t year = 0;
        unsigned month = 0;
        unsigned day = 0;
        floe_civil_from_days(days, &year, &month, &day);
        if (year != at.year || month != at.month || day != at.day || floe_days_from_civil(year, month, day) != days) {
            fail_msg("day %lld is %lld-%u-%u, not %lld-%u-%u", (long long)days, (long long)at.year, at.month, at.day,
                     (long long)year, month, day);
        }
        walk_one_day(&at);
    }
}

static void civil__known_days(void **state) {
    (void)state;
    assert_int_equal(floe_days_from_civil(1970, 1, 1), 0);
    assert_int_equal(floe_days_from_civil(2000, 3, 1), 11017);
    assert_int_equal(floe_days_from_civil(1969, 12, 31), -1);
    assert_int_equal(floe_days_from_civil(0, 2, 29), -719469); /* the year 0 is a leap year */
    int64_t year = 1;
    unsigned month = 0;
    unsigned day = 0;
    floe_civil_from_days(-719469, &year, &month, &day);
    assert_true(year == 0 && month == 2 && day == 29);
}

static void floor_div__all_signs(void **state) {
    (void)state;
    for (int64_t value = -50; value <= 50; value++) {
        for (int64_t divisor = 1; divisor <= 7; divisor++) {
            int64_t quotient = floe_floor_div(value, divisor);
            assert_true(quotient * divisor <= value && value < (quotient + 1) * divisor);
        }
    }
    assert_true(floe_floor_div(INT64_MIN, 1) == INT64_MIN);
}

static void nanoseconds__round_up_to_microseconds(void **state) {
    (void)state;
    for (int64_t nanos = -3001; nanos <= 3001; nanos++) {
        int64_t micros = floe_us_of_ns_up(nanos);
        assert_true(micros * 1000 >= nanos && (micros - 1) * 1000 < nanos);
    }
    /* 2^63 is 9223372036854775.808 thousand million. */
    assert_true(floe_us_of_ns_up(INT64_MIN) == -INT64_C(9223372036854775));
    assert_true(floe_us_of_ns_up(INT64_MAX) == INT64_C(9223372036854776));
}

static void check_time(const char *text, int64_t expected_us) {
    floe_error err = {0};
    int64_t micros = 42;
    assert_ok(floe_time_parse(floe_str_of(text), &micros, &err), &err);
    assert_int_equal(micros, expected_us);
}

/* Seconds are those of `date -u -d TEXT +%s` (GNU coreutils 9.1). */
static void time_parse__forms__give_the_seconds_of_date(void **state) {
    (void)state;
    check_time("1970-01-01T00:00:00Z", 0);
    check_time("2001-01-15T10:00:00Z", INT64_C(979552800000000));
    check_time("2001-01-15T10:00:00", INT64_C(979552800000000));
    check_time("2001-01-15 10:00:00", INT64_C(979552800000000));
    check_time("2001-01-15t10:00:00z", INT64_C(979552800000000));
    check_time("2001-01-15T10:00:00.5Z", INT64_C(979552800500000));
    check_time("2001-01-15T10:00:00+01:00", INT64_C(979549200000000));
    check_time("2001-01-15T10:00:00-08:30", INT64_C(979583400000000));
    check_time("2001-01-15T10:00:00-00:00", INT64_C(979552800000000));
    check_time("2001-01-15", INT64_C(979516800000000));
    check_time("1969-12-31T23:59:59.999999Z", -1);
    check_time("2000-02-29T00:00:00Z", INT64_C(951782400000000));
    check_time("0001-01-01T00:00:00Z", INT64_C(-62135596800000000));
    check_time("9999-12-31T23:59:59.999999Z", INT64_C(253402300799999999));
}

static void time_parse__finer_than_a_microsecond__is_floored(void **state) {
    (void)state;
    check_time("1970-01-01T00:00:00.0000019Z", 1);
    check_time("1969-12-31T23:59:59.9999999Z", -1);
    check_time("1969-12-31T23:59:59.9999990001Z", -1);
    check_time("1970-01-01T00:00:00.123456789012345678901234567890Z", 123456);
}

static void check_no_time(const char *text, const char *part) {
    floe_error err = {0};
    int64_t micros = 42;
    assert_code(floe_time_parse(floe_str_of(text), &micros, &err), FLOE_INVALID);
    assert_message(&err, text);
    assert_message(&err, part);
    assert_int_equal(micros, 42);
}

static void time_parse__not_a_time__is_refused_and_says_why(void **state) {
    (void)state;
    check_no_time("2001-02-29T00:00:00Z", "no day 29 in 2001-02");
    check_no_time("1900-02-29", "no day 29 in 1900-02");
    check_no_time("2001-13-01", "no month 13");
    check_no_time("2001-00-01", "no month 0");
    check_no_time("2001-04-31", "no day 31");
    check_no_time("2001-04-00", "no day 0");
    check_no_time("0000-01-01", "before the year 0001");
    check_no_time("2016-12-31T23:59:60Z", "leap second");
    check_no_time("2001-01-15T24:00:00Z", "no time of day 24:00:00");
    check_no_time("2001-01-15T10:60:00Z", "no time of day");
    check_no_time("2001-01-15T10:00:61Z", "no time of day");
    check_no_time("2001-01-15T10:00:00+24:00", "no offset of 24:00");
    check_no_time("2001-01-15T10:00:00+01:60", "no offset of 01:60");
    check_no_time("0001-01-01T00:00:00+01:00", "outside the years");
    check_no_time("9999-12-31T23:59:59-00:01", "outside the years");
    static const char *const junk[] = {"",
                                       "yesterday",
                                       "2001",
                                       "2001-1-15",
                                       "2001-01-15T",
                                       "2001-01-15T10",
                                       "2001-01-15T10:00",
                                       "2001-01-15T10:00:00.",
                                       "2001-01-15T10:00:00.Z",
                                       "2001-01-15T10:00:00,5Z",
                                       "2001-01-15T10:00:00Zx",
                                       "2001-01-15T10:00:00+0100",
                                       "2001-01-15T10:00:00+01",
                                       "2001-01-15X10:00:00",
                                       "2001-01-15Z",
                                       " 2001-01-15",
                                       "2001-01-15 ",
                                       "2001/01/15",
                                       "979552800",
                                       "-001-01-01",
                                       "+2001-01-15"};
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        check_no_time(junk[i], "is not a time");
    }
}

static void date_parse__days_and_refusals(void **state) {
    (void)state;
    int32_t days = 42;
    assert_ok(floe_date_parse(FLOE_STR("2001-01-15"), &days, NULL), NULL);
    assert_int_equal(days, 11337); /* 979516800 / 86400 */
    assert_ok(floe_date_parse(FLOE_STR("0001-01-01"), &days, NULL), NULL);
    assert_int_equal(days, -719162);
    assert_ok(floe_date_parse(FLOE_STR("9999-12-31"), &days, NULL), NULL);
    assert_int_equal(days, 2932896);
    static const char *const junk[] = {"", "2001-01-15T00:00:00Z", "2001-01-15 ", "20010115", "today"};
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        floe_error err = {0};
        assert_code(floe_date_parse(floe_str_of(junk[i]), &days, &err), FLOE_INVALID);
        assert_message(&err, "is not a date");
    }
    floe_error err = {0};
    assert_code(floe_date_parse(FLOE_STR("2001-02-30"), &days, &err), FLOE_INVALID);
    assert_message(&err, "no day 30");
    assert_int_equal(days, 2932896);
}

static void check_format(int64_t micros, const char *expected) {
    char buf[FLOE_TIME_TEXT_MAX];
    assert_string_equal(floe_time_format(micros, buf), expected);
}

static void time_format__fraction__has_0_3_or_6_digits(void **state) {
    (void)state;
    check_format(0, "1970-01-01T00:00:00Z");
    check_format(-1, "1969-12-31T23:59:59.999999Z");
    check_format(1000, "1970-01-01T00:00:00.001Z");
    check_format(500000, "1970-01-01T00:00:00.500Z");
    check_format(INT64_C(979552800000001), "2001-01-15T10:00:00.000001Z");
    check_format(INT64_C(-62135596800000000), "0001-01-01T00:00:00Z");
    check_format(INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z");
}

static void time_format__outside_the_years__is_the_number(void **state) {
    (void)state;
    check_format(INT64_C(-62135596800000001), "-62135596800000001");
    check_format(INT64_C(253402300800000000), "253402300800000000");
    check_format(INT64_MIN, "-9223372036854775808");
    check_format(INT64_MAX, "9223372036854775807");
    char buf[FLOE_TIME_TEXT_MAX];
    assert_string_equal(floe_date_format(2932896, buf), "9999-12-31");
    assert_string_equal(floe_date_format(2932897, buf), "2932897");
    assert_string_equal(floe_date_format(-719162, buf), "0001-01-01");
    assert_string_equal(floe_date_format(INT64_MIN, buf), "-9223372036854775808");
}

static void time__random__format_parse_round_trip(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 50000; i++) {
        int64_t micros = floe_test_between(&rng, INT64_C(-62135596800000000), INT64_C(253402300799999999));
        micros -= i % 3 == 0 ? micros % 1000000 : i % 3 == 1 ? micros % 1000 : 0;
        char buf[FLOE_TIME_TEXT_MAX];
        check_time(floe_time_format(micros, buf), micros);
    }
}

/* A random wall-clock reading, written by printf and counted by the walker's year and day arithmetic in plain loops. */
static void time__random_clock_readings__equal_counting_days(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 200; i++) {
        int64_t day_index = floe_test_between(&rng, 0, 400000); /* days since 0001-01-01 */
        walker at = {1, 1, 1};
        for (int64_t d = 0; d < day_index; d++) {
            walk_one_day(&at);
        }
        unsigned second = (unsigned)floe_test_below(&rng, 86400);
        int offset_minutes = (int)floe_test_between(&rng, -1439, 1439);
        if (day_index < 2) {
            continue;
        }
        unsigned offset = (unsigned)(offset_minutes < 0 ? -offset_minutes : offset_minutes);
        char text[64];
        snprintf(text, sizeof(text), "%04d-%02u-%02uT%02u:%02u:%02u%c%02u:%02u", (int)at.year, at.month, at.day,
                 second / 3600, second / 60 % 60, second % 60, offset_minutes < 0 ? '-' : '+', offset / 60,
                 offset % 60);
        int64_t seconds = (day_index - 719162) * 86400 + (int64_t)second - (int64_t)offset_minutes * 60;
        check_time(text, seconds * 1000000);
    }
}

static void check_duration(const char *text, int64_t expected_us) {
    floe_error err = {0};
    int64_t micros = 0;
    assert_ok(floe_duration_parse(floe_str_of(text), &micros, &err), &err);
    assert_int_equal(micros, expected_us);
}

static void duration_parse__units(void **state) {
    (void)state;
    check_duration("1s", 1000000);
    check_duration("1m", 60 * INT64_C(1000000));
    check_duration("1h", 3600 * INT64_C(1000000));
    check_duration("1d", 86400 * INT64_C(1000000));
    check_duration("2w", 14 * 86400 * INT64_C(1000000));
    check_duration("90d", 90 * 86400 * INT64_C(1000000));
    check_duration("1h30m", 5400 * INT64_C(1000000));
    check_duration("1w2d3h4m5s", (((7 + 2) * 24 + 3) * 3600 + 4 * 60 + 5) * INT64_C(1000000));
    check_duration("0d1s", 1000000);
    check_duration("007s", 7000000);
    check_duration("9223372036854s", INT64_C(9223372036854000000));
}

static void duration_parse__junk__is_refused(void **state) {
    (void)state;
    static const char *const junk[] = {"",   "d",  "90",  "90 d", " 90d",  "90d ", "-1d", "+1d",   "1.5h",
                                       "1y", "1D", "1us", "1ms",  "30m1h", "1h1h", "1hm", "1d,1h", "P1D"};
    for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
        floe_error err = {0};
        int64_t micros = 42;
        assert_code(floe_duration_parse(floe_str_of(junk[i]), &micros, &err), FLOE_INVALID);
        assert_message(&err, "is not a duration");
        assert_int_equal(micros, 42);
    }
    floe_error err = {0};
    assert_code(floe_duration_parse(FLOE_STR("0s"), &(int64_t){0}, &err), FLOE_INVALID);
    assert_message(&err, "longer than nothing");
}

static void duration_parse__past_int64__is_limit(void **state) {
    (void)state;
    static const char *const texts[] = {"9223372036855s", "15250285w", "99999999999999999999s",
                                        "15250284w9223372036854s"};
    for (size_t i = 0; i < 4; i++) {
        floe_error err = {0};
        assert_code(floe_duration_parse(floe_str_of(texts[i]), &(int64_t){0}, &err), FLOE_LIMIT);
        assert_message(&err, texts[i]);
    }
}

static void duration_format__largest_exact_unit(void **state) {
    (void)state;
    static const struct {
        int64_t us;
        const char *text;
    } rows[] = {{90 * FLOE_US_PER_DAY, "90d"},       {36 * 3600 * FLOE_US_PER_SECOND, "36h"},
                {14 * FLOE_US_PER_DAY, "2w"},        {90 * 60 * FLOE_US_PER_SECOND, "90m"},
                {FLOE_US_PER_SECOND, "1s"},          {1500000, "1500000us"},
                {-3600 * FLOE_US_PER_SECOND, "-1h"}, {0, "0s"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char buf[FLOE_TIME_TEXT_MAX];
        assert_string_equal(floe_duration_format(rows[i].us, buf), rows[i].text);
    }
}

static void duration__random_whole_seconds__round_trip(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 5000; i++) {
        int64_t micros = floe_test_between(&rng, 1, INT64_C(9223372036854) >> floe_test_below(&rng, 42)) * 1000000;
        char buf[FLOE_TIME_TEXT_MAX];
        check_duration(floe_duration_format(micros, buf), micros);
    }
}

static void clocks__pin__holds_the_wall_clock_only(void **state) {
    (void)state;
    floe_now_pin(INT64_C(979552800000000));
    assert_int_equal(floe_now_us(), INT64_C(979552800000000));
    int64_t first = floe_monotonic_us();
    assert_true(floe_monotonic_us() >= first);
    floe_now_pin(0);
    assert_true(floe_now_us() > INT64_C(1700000000000000)); /* after November 2023 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(civil__every_day_of_years_1_to_9999__equals_the_count),
        cmocka_unit_test(civil__known_days),
        cmocka_unit_test(floor_div__all_signs),
        cmocka_unit_test(nanoseconds__round_up_to_microseconds),
        cmocka_unit_test(time_parse__forms__give_the_seconds_of_date),
        cmocka_unit_test(time_parse__finer_than_a_microsecond__is_floored),
        cmocka_unit_test(time_parse__not_a_time__is_refused_and_says_why),
        cmocka_unit_test(date_parse__days_and_refusals),
        cmocka_unit_test(time_format__fraction__has_0_3_or_6_digits),
        cmocka_unit_test(time_format__outside_the_years__is_the_number),
        cmocka_unit_test(time__random__format_parse_round_trip),
        cmocka_unit_test(time__random_clock_readings__equal_counting_days),
        cmocka_unit_test(duration_parse__units),
        cmocka_unit_test(duration_parse__junk__is_refused),
        cmocka_unit_test(duration_parse__past_int64__is_limit),
        cmocka_unit_test(duration_format__largest_exact_unit),
        cmocka_unit_test(duration__random_whole_seconds__round_trip),
        cmocka_unit_test(clocks__pin__holds_the_wall_clock_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
