/*
 * Fuzzes the readers of types, values, times and durations. Input: a type, a newline, a text of that type; the text is
 * also tried as time, date and duration. What is read must print as a text that is read as the same.
 */
#include "core/time.h"
#include "core/value.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static void check_type(floe_str text, floe_type *ret_type) {
    char name[FLOE_TYPE_NAME_MAX];
    floe_type again = {0};
    if (floe_failed(floe_type_parse(text, ret_type, NULL))) {
        *ret_type = (floe_type){.kind = FLOE_KIND_TIMESTAMP};
    }
    FLOE_ASSERT(!floe_failed(floe_type_parse(floe_str_of(floe_type_name(*ret_type, name)), &again, NULL)));
    FLOE_ASSERT(floe_type_equal(again, *ret_type));
}

static void check_value(floe_str text, floe_type type) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF buf;
    floe_arena_init(&arena, (size_t)1 << 24);
    floe_buf_init(&buf, (size_t)1 << 24);
    floe_value value = {0};
    floe_value again = {0};
    floe_error err = {0};
    floe_status status = floe_value_parse(text, type, &arena, &value, &err);
    FLOE_ASSERT(err.code == status.code);
    if (floe_failed(status)) {
        return;
    }
    floe_value_print(&value, &buf);
    FLOE_ASSERT(!floe_failed(floe_value_parse(floe_buf_view(&buf), type, &arena, &again, NULL)));
    FLOE_ASSERT(floe_value_compare(&value, &again) == 0);
    floe_value_print_json(&value, &buf);
    FLOE_ASSERT(!floe_failed(floe_buf_check(&buf, NULL)));
}

static void check_times(floe_str text) {
    char buf[FLOE_TIME_TEXT_MAX];
    int64_t micros = 0;
    int64_t again = 0;
    int32_t days = 0;
    int32_t days_again = 0;
    if (!floe_failed(floe_time_parse(text, &micros, NULL))) {
        FLOE_ASSERT(!floe_failed(floe_time_parse(floe_str_of(floe_time_format(micros, buf)), &again, NULL)));
        FLOE_ASSERT(micros == again);
    }
    if (!floe_failed(floe_date_parse(text, &days, NULL))) {
        FLOE_ASSERT(!floe_failed(floe_date_parse(floe_str_of(floe_date_format(days, buf)), &days_again, NULL)));
        FLOE_ASSERT(days == days_again);
    }
    if (!floe_failed(floe_duration_parse(text, &micros, NULL))) {
        FLOE_ASSERT(micros > 0);
        FLOE_ASSERT(!floe_failed(floe_duration_parse(floe_str_of(floe_duration_format(micros, buf)), &again, NULL)));
        FLOE_ASSERT(micros == again);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    floe_str text = {(const char *)data, data_len};
    floe_str type_text = {0};
    if (!floe_str_split(&text, '\n', &type_text)) {
        return 0;
    }
    floe_type type = {0};
    check_type(type_text, &type);
    check_value(text, type);
    check_times(text);
    return 0;
}
