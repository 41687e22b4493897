/*
 * Time. Parsing walks a small cursor over the text; nothing depends on the locale, the time zone or time_t.
 * Source of the calendar arithmetic: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil and
 * civil_from_days (eras of 400 years that begin on 1 March).
 */
#include "core/time.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define DAYS_OF_YEAR_1 INT64_C(-719162)     /* 0001-01-01 */
#define DAYS_OF_YEAR_9999 INT64_C(2932896)  /* 9999-12-31 */
#define DAYS_FROM_ERA_START INT64_C(719468) /* 0000-03-01 to 1970-01-01 */
#define DAYS_PER_ERA INT64_C(146097)        /* 400 years */

int64_t floe_floor_div(int64_t value, int64_t divisor) {
    int64_t quotient = value / divisor;
    return value % divisor < 0 ? quotient - 1 : quotient;
}

int64_t floe_us_of_ns_up(int64_t nanos) {
    return floe_floor_div(nanos, 1000) + (nanos % 1000 != 0 ? 1 : 0);
}

int64_t floe_days_from_civil(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2 ? 1 : 0;
    int64_t era = floe_floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t month_from_march = month > 2 ? (int64_t)month - 3 : (int64_t)month + 9;
    int64_t day_of_year = (153 * month_from_march + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * DAYS_PER_ERA + day_of_era - DAYS_FROM_ERA_START;
}

void floe_civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day) {
    int64_t shifted = days + DAYS_FROM_ERA_START;
    int64_t era = floe_floor_div(shifted, DAYS_PER_ERA);
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_from_march = (5 * day_of_year + 2) / 153;
    *ret_day = (unsigned)(day_of_year - (153 * month_from_march + 2) / 5 + 1);
    *ret_month = (unsigned)(month_from_march < 10 ? month_from_march + 3 : month_from_march - 9);
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

typedef struct cursor {
    floe_str text;
    size_t at;
    bool is_time; /* for messages: a time was asked for, not a date */
} cursor;

static bool take(cursor *in, char expected) {
    if (in->at < in->text.len && in->text.ptr[in->at] == expected) {
        in->at++;
        return true;
    }
    return false;
}

/* Exactly `digits` decimal digits. */
static bool take_number(cursor *in, size_t digits, unsigned *ret_number) {
    if (in->text.len - in->at < digits) {
        return false;
    }
    unsigned number = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = in->text.ptr[in->at + i];
        if (c < '0' || c > '9') {
            return false;
        }
        number = number * 10 + (unsigned)(c - '0');
    }
    in->at += digits;
    *ret_number = number;
    return true;
}

static unsigned days_of_month(unsigned year, unsigned month) {
    static const uint8_t lengths[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : lengths[month];
}

static floe_status no_date(floe_str text, floe_error *err) {
    return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" is not a date: write it like 2001-01-15", FLOE_STR_BRIEF(text));
}

static floe_status no_time(floe_str text, floe_error *err) {
    return FLOE_FAIL(err, FLOE_INVALID,
                     "\"%.*s\" is not a time: write it like 2001-01-15T10:00:00Z, 2001-01-15T10:00:00.5+01:00 or "
                     "2001-01-15",
                     FLOE_STR_BRIEF(text));
}

static floe_status take_date(cursor *in, int64_t *ret_days, floe_error *err) {
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;
    if (!take_number(in, 4, &year) || !take(in, '-') || !take_number(in, 2, &month) || !take(in, '-') ||
        !take_number(in, 2, &day)) {
        return in->is_time ? no_time(in->text, err) : no_date(in->text, err);
    }
    FLOE_ENSURE(year >= 1, err, FLOE_INVALID, "\"%.*s\" is before the year 0001", FLOE_STR_BRIEF(in->text));
    FLOE_ENSURE(month >= 1 && month <= 12, err, FLOE_INVALID, "\"%.*s\": there is no month %u",
                FLOE_STR_BRIEF(in->text), month);
    FLOE_ENSURE(day >= 1 && day <= days_of_month(year, month), err, FLOE_INVALID,
                "\"%.*s\": there is no day %u in %04u-%02u", FLOE_STR_BRIEF(in->text), day, year, month);
    *ret_days = floe_days_from_civil(year, month, day);
    return FLOE_OK;
}

floe_status floe_date_parse(floe_str text, int32_t *ret_days, floe_error *err) {
    cursor in = {text, 0, false};
    int64_t days = 0;
    FLOE_TRY(take_date(&in, &days, err));
    if (in.at != text.len) {
        return no_date(text, err);
    }
    *ret_days = (int32_t)days;
    return FLOE_OK;
}

/* Digits after a point, as microseconds; what is finer is dropped, which floors because it only ever adds. */
static bool take_fraction(cursor *in, int64_t *ret_us) {
    int64_t unit = FLOE_US_PER_SECOND / 10;
    int64_t fraction = 0;
    size_t start = in->at;
    while (in->at < in->text.len && in->text.ptr[in->at] >= '0' && in->text.ptr[in->at] <= '9') {
        fraction += unit * (in->text.ptr[in->at] - '0');
        unit /= 10;
        in->at++;
    }
    *ret_us = fraction;
    return in->at > start;
}

static floe_status take_clock(cursor *in, int64_t *ret_us, floe_error *err) {
    unsigned hour = 0;
    unsigned minute = 0;
    unsigned second = 0;
    int64_t fraction_us = 0;
    if (!take_number(in, 2, &hour) || !take(in, ':') || !take_number(in, 2, &minute) || !take(in, ':') ||
        !take_number(in, 2, &second)) {
        return no_time(in->text, err);
    }
    if (take(in, '.') && !take_fraction(in, &fraction_us)) {
        return no_time(in->text, err);
    }
    FLOE_ENSURE(second != 60, err, FLOE_INVALID,
                "\"%.*s\" is a leap second, which UTC without leap seconds cannot hold: write :59 or the next minute",
                FLOE_STR_BRIEF(in->text));
    FLOE_ENSURE(hour <= 23 && minute <= 59 && second <= 59, err, FLOE_INVALID,
                "\"%.*s\": there is no time of day %02u:%02u:%02u", FLOE_STR_BRIEF(in->text), hour, minute, second);
    *ret_us = ((int64_t)hour * 3600 + (int64_t)minute * 60 + (int64_t)second) * FLOE_US_PER_SECOND + fraction_us;
    return FLOE_OK;
}

/* "Z", "+01:00" or nothing; the offset is what local time is ahead of UTC. */
static floe_status take_offset(cursor *in, int64_t *ret_us, floe_error *err) {
    *ret_us = 0;
    if (in->at == in->text.len || take(in, 'Z') || take(in, 'z')) {
        return FLOE_OK;
    }
    bool behind = take(in, '-');
    unsigned hour = 0;
    unsigned minute = 0;
    if ((!behind && !take(in, '+')) || !take_number(in, 2, &hour) || !take(in, ':') || !take_number(in, 2, &minute)) {
        return no_time(in->text, err);
    }
    FLOE_ENSURE(hour <= 23 && minute <= 59, err, FLOE_INVALID, "\"%.*s\": there is no offset of %02u:%02u",
                FLOE_STR_BRIEF(in->text), hour, minute);
    int64_t offset_us = ((int64_t)hour * 60 + (int64_t)minute) * 60 * FLOE_US_PER_SECOND;
    *ret_us = behind ? -offset_us : offset_us;
    return FLOE_OK;
}

static bool is_in_years(int64_t days) {
    return days >= DAYS_OF_YEAR_1 && days <= DAYS_OF_YEAR_9999;
}

floe_status floe_time_parse(floe_str text, int64_t *ret_us, floe_error *err) {
    cursor in = {text, 0, true};
    int64_t days = 0;
    int64_t clock_us = 0;
    int64_t offset_us = 0;
    FLOE_TRY(take_date(&in, &days, err));
    if (in.at < text.len) {
        if (!take(&in, 'T') && !take(&in, 't') && !take(&in, ' ')) {
            return no_time(text, err);
        }
        FLOE_TRY(take_clock(&in, &clock_us, err));
        FLOE_TRY(take_offset(&in, &offset_us, err));
    }
    if (in.at != text.len) {
        return no_time(text, err);
    }
    int64_t micros = days * FLOE_US_PER_DAY + clock_us - offset_us;
    FLOE_ENSURE(is_in_years(floe_floor_div(micros, FLOE_US_PER_DAY)), err, FLOE_INVALID,
                "\"%.*s\" is outside the years 0001 to 9999 in UTC", FLOE_STR_BRIEF(text));
    *ret_us = micros;
    return FLOE_OK;
}

const char *floe_date_format(int64_t days, char buf[FLOE_TIME_TEXT_MAX]) {
    if (!is_in_years(days)) {
        snprintf(buf, FLOE_TIME_TEXT_MAX, "%" PRId64, days);
        return buf;
    }
    int64_t year = 0;
    unsigned month = 0;
    unsigned day = 0;
    floe_civil_from_days(days, &year, &month, &day);
    snprintf(buf, FLOE_TIME_TEXT_MAX, "%04d-%02u-%02u", (int)year, month, day);
    return buf;
}

const char *floe_time_format(int64_t micros, char buf[FLOE_TIME_TEXT_MAX]) {
    int64_t days = floe_floor_div(micros, FLOE_US_PER_DAY);
    if (!is_in_years(days)) {
        snprintf(buf, FLOE_TIME_TEXT_MAX, "%" PRId64, micros);
        return buf;
    }
    int64_t of_day = micros - days * FLOE_US_PER_DAY;
    int second_of_day = (int)(of_day / FLOE_US_PER_SECOND);
    int fraction = (int)(of_day % FLOE_US_PER_SECOND);
    floe_date_format(days, buf);
    size_t at = strlen(buf);
    at += (size_t)snprintf(buf + at, FLOE_TIME_TEXT_MAX - at, "T%02d:%02d:%02d", second_of_day / 3600,
                           second_of_day / 60 % 60, second_of_day % 60);
    if (fraction == 0) {
        snprintf(buf + at, FLOE_TIME_TEXT_MAX - at, "Z");
    } else if (fraction % 1000 == 0) {
        snprintf(buf + at, FLOE_TIME_TEXT_MAX - at, ".%03dZ", fraction / 1000);
    } else {
        snprintf(buf + at, FLOE_TIME_TEXT_MAX - at, ".%06dZ", fraction);
    }
    return buf;
}

typedef struct unit {
    char letter;
    int64_t us;
} unit;

/* Largest first: a duration names its units in this order, each at most once. */
static const unit units[] = {
    {'w', 7 * FLOE_US_PER_DAY},     {'d', FLOE_US_PER_DAY},    {'h', 3600 * FLOE_US_PER_SECOND},
    {'m', 60 * FLOE_US_PER_SECOND}, {'s', FLOE_US_PER_SECOND},
};
#define UNIT_COUNT (sizeof(units) / sizeof(units[0]))

static floe_status no_duration(floe_str text, floe_error *err) {
    return FLOE_FAIL(
        err, FLOE_INVALID,
        "\"%.*s\" is not a duration: write whole numbers with the units w d h m s, largest first, like 90d "
        "or 1h30m",
        FLOE_STR_BRIEF(text));
}

static floe_status too_long(floe_str text, floe_error *err) {
    return FLOE_FAIL(err, FLOE_LIMIT, "\"%.*s\" is longer than 64 bits of microseconds (about 292,000 years)",
                     FLOE_STR_BRIEF(text));
}

/* One "90d": its microseconds, and in *next_unit the units that may follow. */
static floe_status take_term(cursor *in, size_t *next_unit, int64_t *ret_us, floe_error *err) {
    size_t end = in->at;
    while (end < in->text.len && in->text.ptr[end] >= '0' && in->text.ptr[end] <= '9') {
        end++;
    }
    if (end == in->at || end == in->text.len) {
        return no_duration(in->text, err);
    }
    size_t found = *next_unit;
    while (found < UNIT_COUNT && units[found].letter != in->text.ptr[end]) {
        found++;
    }
    if (found == UNIT_COUNT) {
        return no_duration(in->text, err);
    }
    int64_t number = 0;
    floe_str digits = {in->text.ptr + in->at, end - in->at};
    if (floe_failed(floe_str_to_i64(digits, &number, NULL)) ||
        __builtin_mul_overflow(number, units[found].us, ret_us)) {
        return too_long(in->text, err);
    }
    in->at = end + 1;
    *next_unit = found + 1;
    return FLOE_OK;
}

floe_status floe_duration_parse(floe_str text, int64_t *ret_us, floe_error *err) {
    cursor in = {text, 0, false};
    size_t next_unit = 0;
    int64_t total_us = 0;
    if (text.len == 0) {
        return no_duration(text, err);
    }
    while (in.at < text.len) {
        int64_t term_us = 0;
        FLOE_TRY(take_term(&in, &next_unit, &term_us, err));
        if (__builtin_add_overflow(total_us, term_us, &total_us)) {
            return too_long(text, err);
        }
    }
    FLOE_ENSURE(total_us > 0, err, FLOE_INVALID, "\"%.*s\" must be longer than nothing", FLOE_STR_BRIEF(text));
    *ret_us = total_us;
    return FLOE_OK;
}

const char *floe_duration_format(int64_t micros, char buf[FLOE_TIME_TEXT_MAX]) {
    if (micros == 0) {
        snprintf(buf, FLOE_TIME_TEXT_MAX, "0s");
        return buf;
    }
    for (size_t i = 0; i < UNIT_COUNT; i++) {
        if (micros % units[i].us == 0) {
            snprintf(buf, FLOE_TIME_TEXT_MAX, "%" PRId64 "%c", micros / units[i].us, units[i].letter);
            return buf;
        }
    }
    snprintf(buf, FLOE_TIME_TEXT_MAX, "%" PRId64 "us", micros);
    return buf;
}

static _Atomic int64_t pinned_us;

static int64_t clock_us_of(clockid_t clock) {
    struct timespec now = {0};
    FLOE_ASSERT(clock_gettime(clock, &now) == 0);
    return (int64_t)now.tv_sec * FLOE_US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t floe_now_us(void) {
    int64_t pinned = atomic_load_explicit(&pinned_us, memory_order_relaxed);
    return pinned != 0 ? pinned : clock_us_of(CLOCK_REALTIME);
}

int64_t floe_monotonic_us(void) {
    return clock_us_of(CLOCK_MONOTONIC);
}

void floe_now_pin(int64_t micros) {
    atomic_store_explicit(&pinned_us, micros, memory_order_relaxed);
}
