/*
 * One event as JSON → one row of a view. Only the columns that the view uses are read: keys, times, as-of columns, and
 * what `where` looks at.
 */
#include "core/json.h"
#include "core/time.h"
#include "online/online.h"

#include <ctype.h>

typedef struct event_reader {
    const floe_view *view;
    const floe_node *event;
    floe_arena *arena;
} event_reader;

static const floe_node *member(const floe_node *object, floe_str name) {
    for (size_t i = 0; i < object->count; i++) {
        if (floe_str_equal(object->members[i].key, name)) {
            return object->members[i].value;
        }
    }
    return NULL;
}

static floe_status need(const event_reader *reader, floe_str column, const floe_node **ret_node, floe_error *err) {
    *ret_node = member(reader->event, column);
    FLOE_ENSURE(*ret_node != NULL, err, FLOE_INVALID, "the column \"%.*s\" is missing (write null for no value)",
                FLOE_STR_BRIEF(column));
    return FLOE_OK;
}

static floe_status get(const event_reader *reader, floe_str column, floe_type type, floe_value *ret_value,
                       floe_error *err) {
    const floe_node *node = NULL;
    FLOE_TRY(need(reader, column, &node, err));
    return floe_error_prefix(err, floe_value_from_node(node, type, reader->arena, ret_value, err), "column \"%.*s\"",
                             FLOE_STR_BRIEF(column));
}

/* ---- times ---- */

/* Whether the text has a digit other than 0 beyond the microsecond. */
static bool finer_than_us(floe_str text) {
    size_t digits = 0;
    const char *point = memchr(text.ptr, '.', text.len);
    for (const char *at = point; at != NULL && ++at < text.ptr + text.len && isdigit((unsigned char)*at);) {
        if (++digits > 6 && *at != '0') {
            return true;
        }
    }
    return false;
}

/* Nanoseconds in the table are text in an event like any time. */
static floe_type type_of(const floe_source *source, floe_str column) {
    for (size_t i = 0; i < source->column_count; i++) {
        bool named = floe_str_equal(source->columns[i].name, column);
        if (named && source->columns[i].type.kind != FLOE_KIND_NONE) {
            return source->columns[i].type;
        }
    }
    return (floe_type){.kind = FLOE_KIND_TIMESTAMP};
}

static floe_status to_micros(const floe_value *value, int64_t *ret_us, floe_error *err) {
    *ret_us = value->as.integer;
    if (value->type.kind == FLOE_KIND_DATE) {
        FLOE_ENSURE(!__builtin_mul_overflow(value->as.integer, FLOE_US_PER_DAY, ret_us), err, FLOE_INVALID,
                    "the date is outside the times that can be stored");
    }
    return FLOE_OK;
}

/* A source's times are rounded up, so that no rounding lets the future in. */
static floe_status get_time(const event_reader *reader, floe_str column, int64_t null_us, int64_t *ret_us,
                            floe_error *err) {
    const floe_node *node = NULL;
    floe_value value = {0};
    *ret_us = null_us;
    if (column.len == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(need(reader, column, &node, err));
    FLOE_TRY(get(reader, column, type_of(reader->view->source, column), &value, err));
    if (value.is_null) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_error_prefix(err, to_micros(&value, ret_us, err), "column \"%.*s\"", FLOE_STR_BRIEF(column)));
    if (node->kind == FLOE_NODE_STRING && finer_than_us(node->text) && *ret_us < INT64_MAX) {
        *ret_us += 1;
    }
    return FLOE_OK;
}

static floe_status get_times(const event_reader *reader, floe_online_row *row, floe_error *err) {
    const floe_source *source = reader->view->source;
    const floe_node *event_time = NULL;
    FLOE_TRY(need(reader, source->event_time, &event_time, err));
    FLOE_ENSURE(event_time->kind != FLOE_NODE_NULL, err, FLOE_INVALID, "the event time \"%.*s\" is null",
                FLOE_STR_BRIEF(source->event_time));
    FLOE_TRY(get_time(reader, source->event_time, 0, &row->event_us, err));
    FLOE_TRY(get_time(reader, source->created_time, INT64_MIN, &row->created_us, err));
    return get_time(reader, source->end_time, INT64_MAX, &row->end_us, err);
}

/* ---- keys, values, filter ---- */

static floe_status get_keys(const event_reader *reader, floe_online_row *row, floe_error *err) {
    const floe_entity *entity = reader->view->entity;
    floe_value *keys = floe_arena_alloc(reader->arena, entity->key_count, sizeof(*keys));
    FLOE_TRY(floe_arena_check(reader->arena, err));
    for (size_t k = 0; k < entity->key_count; k++) {
        floe_str column = reader->view->key_columns[k];
        FLOE_TRY(get(reader, column, entity->keys[k].type, &keys[k], err));
        FLOE_ENSURE(!keys[k].is_null, err, FLOE_INVALID, "the key \"%.*s\" is null", FLOE_STR_BRIEF(column));
    }
    row->keys = keys;
    return FLOE_OK;
}

static floe_status get_values(const event_reader *reader, floe_online_row *row, floe_error *err) {
    const floe_view *view = reader->view;
    floe_value *values = floe_arena_alloc(reader->arena, view->output_count, sizeof(*values));
    FLOE_TRY(floe_arena_check(reader->arena, err));
    size_t count = 0;
    for (size_t i = 0; i < view->output_count; i++) {
        if (view->outputs[i].function == FLOE_FN_NONE) {
            FLOE_TRY(get(reader, view->outputs[i].column, view->outputs[i].type, &values[count], err));
            count++;
        }
    }
    row->values = values;
    return FLOE_OK;
}

static floe_status passes(const event_reader *reader, bool *ret_pass, floe_error *err) {
    const floe_view *view = reader->view;
    const floe_source *source = view->source;
    *ret_pass = true;
    if (view->where == NULL) {
        return FLOE_OK;
    }
    floe_str *names = NULL;
    size_t name_count = 0;
    floe_value *row = floe_arena_alloc(reader->arena, source->column_count, sizeof(*row));
    floe_expr_columns(view->where, reader->arena, &names, &name_count);
    FLOE_TRY(floe_arena_check(reader->arena, err));
    for (size_t i = 0; i < source->column_count; i++) {
        row[i] = floe_value_null(source->columns[i].type);
        for (size_t n = 0; n < name_count; n++) {
            if (floe_str_equal(names[n], source->columns[i].name)) {
                FLOE_TRY(get(reader, names[n], source->columns[i].type, &row[i], err));
            }
        }
    }
    *ret_pass = floe_expr_passes(view->where, row, reader->arena);
    FLOE_TRY(floe_arena_check(reader->arena, err));
    return FLOE_OK;
}

floe_status floe_event_row(const floe_view *view, floe_str json, floe_arena *arena, floe_online_row *ret_row,
                           bool *ret_pass, floe_error *err) {
    event_reader reader = {.view = view, .arena = arena};
    floe_online_row row = {0};
    bool pass = false;
    FLOE_TRY(floe_json_parse(arena, json, &reader.event, err));
    FLOE_ENSURE(reader.event->kind == FLOE_NODE_OBJECT, err, FLOE_INVALID, "an event is a JSON object, not %s",
                floe_node_kind_name(reader.event->kind));
    FLOE_TRY(passes(&reader, &pass, err));
    if (pass) {
        FLOE_TRY(get_keys(&reader, &row, err));
        FLOE_TRY(get_times(&reader, &row, err));
        FLOE_TRY(get_values(&reader, &row, err));
        *ret_row = row;
    }
    *ret_pass = pass;
    return FLOE_OK;
}
