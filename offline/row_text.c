/*
 * One cell of an Arrow array as text. Types that floe has are printed by core/value.h; around them this file knows structs,
 * lists, maps, times of day and nanoseconds, which only writers see.
 *
 * A child of a struct, list or map is printed through a batch of one column made around it, so that core/arrow.h does
 * the reading whatever the depth.
 */
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"
#include "offline/offline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct cell_printer {
    bool as_csv; /* of the outermost value only: what is nested is JSON */
    floe_arena *arena;
    floe_buf *out;
} cell_printer;

static floe_status print_any(const cell_printer *printer, const struct ArrowSchema *schema,
                             const struct ArrowArray *array, int64_t row, floe_error *err);

static bool is_null(const struct ArrowArray *array, int64_t row) {
    const uint8_t *valid = array->n_buffers > 0 ? array->buffers[0] : NULL;
    int64_t at = array->offset + row;
    return valid && !(valid[at / 8] >> (at % 8) & 1);
}

static floe_status print_floe_value(const cell_printer *printer, const struct ArrowSchema *schema,
                                    const struct ArrowArray *array, int64_t row, floe_error *err) {
    struct ArrowSchema *schemas[] = {(struct ArrowSchema *)(uintptr_t)schema};
    struct ArrowArray *arrays[] = {(struct ArrowArray *)(uintptr_t)array};
    const void *no_nulls[] = {NULL};
    struct ArrowSchema batch_schema = {.format = "+s", .name = "", .n_children = 1, .children = schemas};
    struct ArrowArray batch = {
        .length = array->length, .n_buffers = 1, .buffers = no_nulls, .n_children = 1, .children = arrays};
    floe_arrow_view view;
    floe_value value;
    FLOE_TRY(floe_arrow_view_of(&batch_schema, &batch, 0, &view, err));
    FLOE_TRY(floe_arrow_get(&view, row, printer->arena, &value, err));
    if (printer->as_csv) {
        floe_value_print(&value, printer->out);
    } else {
        floe_value_print_json(&value, printer->out);
    }
    return FLOE_OK;
}

/* ---- times that floe has no value for ---- */

static void print_quoted(const cell_printer *printer, const char *text) {
    floe_buf_printf(printer->out, printer->as_csv ? "%s" : "\"%s\"", text);
}

static int64_t raw_int64(const struct ArrowArray *array, int64_t row) {
    return ((const int64_t *)array->buffers[1])[array->offset + row];
}

static void print_time_of_day(const cell_printer *printer, int64_t micros) {
    char text[64];
    int64_t seconds = micros / FLOE_US_PER_SECOND, fraction = micros % FLOE_US_PER_SECOND;
    int len = snprintf(text, sizeof(text), "%02lld:%02lld:%02lld", (long long)(seconds / 3600),
                       (long long)(seconds / 60 % 60), (long long)(seconds % 60));
    if (fraction != 0) {
        snprintf(text + len, sizeof(text) - (size_t)len, ".%06lld", (long long)fraction);
    }
    print_quoted(printer, text);
}

/* Nanoseconds keep all nine digits where microseconds would not do. */
static void print_nanoseconds(const cell_printer *printer, int64_t nanos) {
    char whole[FLOE_TIME_TEXT_MAX], text[2 * FLOE_TIME_TEXT_MAX];
    int64_t seconds = floe_floor_div(nanos, 1000000000);
    int64_t fraction = nanos - seconds * 1000000000;
    if (fraction % 1000 == 0) {
        print_quoted(printer, floe_time_format(floe_floor_div(nanos, 1000), whole));
        return;
    }
    floe_time_format(seconds * FLOE_US_PER_SECOND, whole);
    snprintf(text, sizeof(text), "%.*s.%09lldZ", (int)strlen(whole) - 1, whole, (long long)fraction);
    print_quoted(printer, text);
}

/* ---- nested types ---- */

static floe_status print_struct(const cell_printer *printer, const struct ArrowSchema *schema,
                                const struct ArrowArray *array, int64_t row, floe_error *err) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        floe_buf_text(printer->out, i > 0 ? "," : "{");
        floe_json_quote(printer->out, floe_str_of(schema->children[i]->name));
        floe_buf_byte(printer->out, ':');
        FLOE_TRY(print_any(printer, schema->children[i], array->children[i], array->offset + row, err));
    }
    floe_buf_text(printer->out, schema->n_children > 0 ? "}" : "{}");
    return FLOE_OK;
}

typedef struct item_range {
    int64_t first, end;
} item_range;

static item_range range_of(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row) {
    int64_t at = array->offset + row;
    if (schema->format[1] == 'w') {
        int64_t width = strtoll(schema->format + 3, NULL, 10);
        return (item_range){at * width, (at + 1) * width};
    }
    if (schema->format[1] == 'L') {
        const int64_t *offsets = array->buffers[1];
        return (item_range){offsets[at], offsets[at + 1]};
    }
    const int32_t *offsets = array->buffers[1];
    return (item_range){offsets[at], offsets[at + 1]};
}

static floe_status print_list(const cell_printer *printer, const struct ArrowSchema *schema,
                              const struct ArrowArray *array, int64_t row, floe_error *err) {
    item_range range = range_of(schema, array, row);
    floe_buf_byte(printer->out, '[');
    for (int64_t i = range.first; i < range.end; i++) {
        floe_buf_text(printer->out, i > range.first ? "," : "");
        FLOE_TRY(print_any(printer, schema->children[0], array->children[0], i, err));
    }
    floe_buf_byte(printer->out, ']');
    return FLOE_OK;
}

/* An object: a key that is no text is named by its text. */
static floe_status print_map(const cell_printer *printer, const struct ArrowSchema *schema,
                             const struct ArrowArray *array, int64_t row, floe_error *err) {
    const struct ArrowSchema *entry = schema->children[0];
    const struct ArrowArray *entries = array->children[0];
    item_range range = range_of(schema, array, row);
    FLOE_AUTO_BUF key;
    floe_buf_init(&key, FLOE_MIB(256));
    cell_printer key_printer = {true, printer->arena, &key};
    floe_buf_byte(printer->out, '{');
    for (int64_t i = range.first; i < range.end; i++) {
        floe_buf_clear(&key);
        FLOE_TRY(print_any(&key_printer, entry->children[0], entries->children[0], entries->offset + i, err));
        FLOE_TRY(floe_buf_check(&key, err));
        floe_buf_text(printer->out, i > range.first ? "," : "");
        floe_json_quote(printer->out, floe_buf_view(&key));
        floe_buf_byte(printer->out, ':');
        FLOE_TRY(print_any(printer, entry->children[1], entries->children[1], entries->offset + i, err));
    }
    floe_buf_byte(printer->out, '}');
    return FLOE_OK;
}

static floe_status print_any(const cell_printer *printer, const struct ArrowSchema *schema,
                             const struct ArrowArray *array, int64_t row, floe_error *err) {
    const char *format = schema->format;
    cell_printer nested = {false, printer->arena, printer->out};
    if (is_null(array, row)) {
        floe_buf_text(printer->out, printer->as_csv ? "" : "null");
        return FLOE_OK;
    }
    if (strcmp(format, "+s") == 0) {
        return print_struct(&nested, schema, array, row, err);
    }
    if (strcmp(format, "+m") == 0) {
        return print_map(&nested, schema, array, row, err);
    }
    if (format[0] == '+' && strchr("lLw", format[1])) {
        return print_list(&nested, schema, array, row, err);
    }
    if (strcmp(format, "ttu") == 0) {
        print_time_of_day(printer, raw_int64(array, row));
        return FLOE_OK;
    }
    if (strncmp(format, "tsn:", 4) == 0) {
        print_nanoseconds(printer, raw_int64(array, row));
        return FLOE_OK;
    }
    return print_floe_value(printer, schema, array, row, err);
}

floe_status floe_row_cell(const struct ArrowSchema *schema, const struct ArrowArray *array, int64_t row, bool as_csv,
                          floe_arena *arena, floe_buf *out, bool *ret_is_null, floe_error *err) {
    cell_printer printer = {as_csv, arena, out};
    *ret_is_null = is_null(array, row);
    return print_any(&printer, schema, array, row, err);
}
