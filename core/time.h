/*
 * Time: int64 microseconds since 1970-01-01T00:00:00 UTC, proleptic Gregorian, years 1…9999. A date is its 00:00.
 */
#ifndef FLOE_CORE_TIME_H
#define FLOE_CORE_TIME_H

#include "core/error.h"
#include "core/str.h"

#include <stdint.h>

#define FLOE_US_PER_SECOND INT64_C(1000000)
#define FLOE_US_PER_DAY INT64_C(86400000000)

/* RFC 3339 ("2001-01-15T10:00:00.5Z", offsets allowed, a missing one is UTC, a space for the T) or a date. Digits past
 * the microsecond: floored, as for a spine. Errors: INVALID, naming the text. */
floe_status floe_time_parse(floe_str text, int64_t *ret_us, floe_error *err);

/* A date → days since 1970-01-01. Errors: INVALID. */
floe_status floe_date_parse(floe_str text, int32_t *ret_days, floe_error *err);

#define FLOE_TIME_TEXT_MAX 40
/* RFC 3339 with Z, no fraction or 3 or 6 digits, whichever is exact. Outside years 1…9999: the number of µs. */
const char *floe_time_format(int64_t micros, char buf[FLOE_TIME_TEXT_MAX]);
const char *floe_date_format(int64_t days, char buf[FLOE_TIME_TEXT_MAX]);

/* "90d", "1h30m", "2w": whole numbers with the units w d h m s, each at most once, largest first. Errors: INVALID, LIMIT past int64. Zero and negative are refused. */
floe_status floe_duration_parse(floe_str text, int64_t *ret_us, floe_error *err);
/* The shortest exact form in one unit ("90d", "36h", "1500000us" where no unit fits). */
const char *floe_duration_format(int64_t micros, char buf[FLOE_TIME_TEXT_MAX]);

/* days ↔ civil date, and parts of a time. */
int64_t floe_days_from_civil(int64_t year, unsigned month, unsigned day);
void floe_civil_from_days(int64_t days, int64_t *ret_year, unsigned *ret_month, unsigned *ret_day);
int64_t floe_floor_div(int64_t value, int64_t divisor); /* divisor > 0 */
int64_t floe_us_of_ns_up(int64_t nanos);                /* nanoseconds → microseconds, rounded up */

/* Wall clock (UTC) and monotonic clock, microseconds. The wall clock can be pinned by tests (0 unpins). */
int64_t floe_now_us(void);
int64_t floe_monotonic_us(void);
void floe_now_pin(int64_t micros);

#endif
