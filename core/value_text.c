/* Values to and from the texts of people and of JSON. */
#include "core/base64.h"
#include "core/json.h"
#include "core/time.h"
#include "core/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static floe_type element_type(floe_type list) {
    floe_type type = list;
    type.kind = list.element;
    type.element = FLOE_KIND_NONE;
    return type;
}

static floe_status check_int32(int64_t integer, floe_error *err) {
    FLOE_ENSURE(integer >= INT32_MIN && integer <= INT32_MAX, err, FLOE_INVALID,
                "%" PRId64 " does not fit a 32-bit integer", integer);
    return FLOE_OK;
}

static floe_status parse_bool(floe_str text, bool *ret_value, floe_error *err) {
    *ret_value = floe_str_is_nocase(text, "true");
    FLOE_ENSURE(*ret_value || floe_str_is_nocase(text, "false"), err, FLOE_INVALID, "\"%.*s\" is not true or false",
                FLOE_STR_BRIEF(text));
    return FLOE_OK;
}

static floe_status parse_integer(floe_str text, floe_kind kind, int64_t *ret_value, floe_error *err) {
    FLOE_TRY(floe_str_to_i64(text, ret_value, err));
    return kind == FLOE_KIND_INT32 ? check_int32(*ret_value, err) : FLOE_OK;
}

static floe_status parse_float(floe_str text, double *ret_value, floe_error *err) {
    float narrow = 0;
    FLOE_TRY(floe_str_to_f32(text, &narrow, err));
    *ret_value = narrow;
    return FLOE_OK;
}

static floe_status parse_date(floe_str text, int64_t *ret_days, floe_error *err) {
    int32_t days = 0;
    FLOE_TRY(floe_date_parse(text, &days, err));
    *ret_days = days;
    return FLOE_OK;
}

static floe_status check_text(floe_str text, floe_error *err) {
    FLOE_ENSURE(floe_str_is_utf8(text), err, FLOE_INVALID, "the text is not UTF-8");
    return FLOE_OK;
}

static floe_status parse_list(floe_str text, floe_type type, floe_arena *arena, floe_value *ret_value,
                              floe_error *err) {
    const floe_node *root = NULL;
    FLOE_TRY(floe_json_parse(arena, text, &root, err));
    FLOE_ENSURE(root->kind == FLOE_NODE_ARRAY, err, FLOE_INVALID, "\"%.*s\" is not a list like [1, 2]",
                FLOE_STR_BRIEF(text));
    return floe_value_from_node(root, type, arena, ret_value, err);
}

static floe_status parse_as(floe_str text, floe_arena *arena, floe_value *value, floe_error *err) {
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        return parse_bool(text, &value->as.boolean, err);
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
        return parse_integer(text, value->type.kind, &value->as.integer, err);
    case FLOE_KIND_FLOAT:
        return parse_float(text, &value->as.real, err);
    case FLOE_KIND_DOUBLE:
        return floe_str_to_f64(text, &value->as.real, err);
    case FLOE_KIND_STRING:
        value->as.bytes = text;
        return check_text(text, err);
    case FLOE_KIND_BYTES:
        return floe_base64_decode(text, arena, &value->as.bytes, err);
    case FLOE_KIND_DATE:
        return parse_date(text, &value->as.integer, err);
    case FLOE_KIND_TIMESTAMP:
        return floe_time_parse(text, &value->as.integer, err);
    case FLOE_KIND_DECIMAL:
        return floe_decimal_parse(text, value->type.precision, value->type.scale, &value->as.decimal, err);
    case FLOE_KIND_LIST:
        return parse_list(text, value->type, arena, value, err);
    case FLOE_KIND_NONE:
        break;
    }
    return FLOE_FAIL(err, FLOE_INVALID, "\"%.*s\" cannot be read without a type", FLOE_STR_BRIEF(text));
}

static const char *article_for(floe_kind kind) {
    return kind == FLOE_KIND_INT32 || kind == FLOE_KIND_INT64 ? "an" : "a";
}

floe_status floe_value_parse(floe_str text, floe_type type, floe_arena *arena, floe_value *ret_value, floe_error *err) {
    floe_value value = {.type = type};
    char name[FLOE_TYPE_NAME_MAX];
    floe_status status = parse_as(text, arena, &value, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "reading %s %s", article_for(type.kind), floe_type_name(type, name));
    }
    *ret_value = value;
    return FLOE_OK;
}

static floe_status real_from_node(const floe_node *node, floe_value *value, floe_error *err) {
    double real = node->kind == FLOE_NODE_INT ? (double)node->as.integer : node->as.real;
    if (node->kind == FLOE_NODE_STRING) {
        bool named = floe_str_is(node->text, "NaN") || floe_str_is(node->text, "Infinity") ||
                     floe_str_is(node->text, "-Infinity");
        FLOE_ENSURE(named, err, FLOE_INVALID,
                    "a number is needed here, or \"NaN\", \"Infinity\" or \"-Infinity\", not \"%.*s\"",
                    FLOE_STR_BRIEF(node->text));
        FLOE_TRY(floe_str_to_f64(node->text, &real, err));
    }
    if (value->type.kind == FLOE_KIND_FLOAT) {
        FLOE_ENSURE(isinf(real) || !isinf((float)real), err, FLOE_INVALID, "%g is beyond the range of a float", real);
        real = (float)real;
    }
    value->as.real = real;
    return FLOE_OK;
}

static floe_status integer_from_node(const floe_node *node, floe_value *value, floe_error *err) {
    if (value->type.kind == FLOE_KIND_INT32) {
        FLOE_TRY(check_int32(node->as.integer, err));
    }
    value->as.integer = node->as.integer;
    return FLOE_OK;
}

static floe_status decimal_from_integer(const floe_node *node, floe_value *value, floe_error *err) {
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, node->as.integer);
    return floe_decimal_parse(floe_str_of(text), value->type.precision, value->type.scale, &value->as.decimal, err);
}

static floe_status list_from_node(const floe_node *node, floe_arena *arena, floe_value *value, floe_error *err) {
    floe_value *items = floe_arena_alloc(arena, node->count, sizeof(*items));
    if (items == NULL) {
        return floe_arena_check(arena, err);
    }
    for (size_t i = 0; i < node->count; i++) {
        floe_status status = floe_value_from_node(node->items[i], element_type(value->type), arena, &items[i], err);
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "item %zu of a list", i + 1);
        }
    }
    value->as.list.items = items;
    value->as.list.count = node->count;
    return FLOE_OK;
}

static bool is_text_kind(floe_kind kind) {
    return kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES || kind == FLOE_KIND_DATE ||
           kind == FLOE_KIND_TIMESTAMP || kind == FLOE_KIND_DECIMAL;
}

static bool is_real_kind(floe_kind kind) {
    return kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DOUBLE;
}

static floe_status wrong_node(const floe_node *node, floe_type type, floe_error *err) {
    char name[FLOE_TYPE_NAME_MAX];
    const char *hint = type.kind == FLOE_KIND_DECIMAL && node->kind == FLOE_NODE_REAL
                           ? " (write a decimal with a fraction as text, which is exact)"
                           : "";
    return FLOE_FAIL(err, FLOE_INVALID, "%s %s is needed here, not %s%s", article_for(type.kind),
                     floe_type_name(type, name), floe_node_kind_name(node->kind), hint);
}

static floe_status from_node(const floe_node *node, floe_arena *arena, floe_value *value, floe_error *err) {
    floe_kind kind = value->type.kind;
    if (node->kind == FLOE_NODE_STRING && is_text_kind(kind)) {
        return parse_as(node->text, arena, value, err);
    }
    if (node->kind == FLOE_NODE_INT && floe_kind_is_integer(kind)) {
        return integer_from_node(node, value, err);
    }
    bool is_number = node->kind == FLOE_NODE_INT || node->kind == FLOE_NODE_REAL;
    if (is_real_kind(kind) && (is_number || node->kind == FLOE_NODE_STRING)) {
        return real_from_node(node, value, err);
    }
    if (node->kind == FLOE_NODE_INT && kind == FLOE_KIND_DECIMAL) {
        return decimal_from_integer(node, value, err);
    }
    if (node->kind == FLOE_NODE_BOOL && kind == FLOE_KIND_BOOL) {
        value->as.boolean = node->as.boolean;
        return FLOE_OK;
    }
    if (node->kind == FLOE_NODE_ARRAY && kind == FLOE_KIND_LIST) {
        return list_from_node(node, arena, value, err);
    }
    return wrong_node(node, value->type, err);
}

floe_status floe_value_from_node(const floe_node *node, floe_type type, floe_arena *arena, floe_value *ret_value,
                                 floe_error *err) {
    floe_value value = {.type = type, .is_null = node->kind == FLOE_NODE_NULL};
    if (!value.is_null) {
        FLOE_TRY(from_node(node, arena, &value, err));
    }
    *ret_value = value;
    return FLOE_OK;
}

static void print_real(const floe_value *value, floe_buf *out) {
    if (value->type.kind == FLOE_KIND_FLOAT) {
        floe_buf_real32(out, value->as.real);
    } else {
        floe_buf_real(out, value->as.real);
    }
}

static void print_list(const floe_value *value, floe_buf *out) {
    floe_buf_byte(out, '[');
    for (size_t i = 0; i < value->as.list.count; i++) {
        if (i > 0) {
            floe_buf_byte(out, ',');
        }
        floe_value_print_json(&value->as.list.items[i], out);
    }
    floe_buf_byte(out, ']');
}

void floe_value_print(const floe_value *value, floe_buf *out) {
    char text[FLOE_TIME_TEXT_MAX];
    if (value->is_null) {
        return;
    }
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        floe_buf_text(out, value->as.boolean ? "true" : "false");
        break;
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
        floe_buf_int(out, value->as.integer);
        break;
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        print_real(value, out);
        break;
    case FLOE_KIND_STRING:
        floe_buf_str(out, value->as.bytes);
        break;
    case FLOE_KIND_BYTES:
        floe_base64_encode(value->as.bytes, out);
        break;
    case FLOE_KIND_DATE:
        floe_buf_text(out, floe_date_format(value->as.integer, text));
        break;
    case FLOE_KIND_TIMESTAMP:
        floe_buf_text(out, floe_time_format(value->as.integer, text));
        break;
    case FLOE_KIND_DECIMAL:
        floe_decimal_print(value->as.decimal, value->type.scale, out);
        break;
    case FLOE_KIND_LIST:
        print_list(value, out);
        break;
    case FLOE_KIND_NONE:
        break;
    }
}

/* Whether the JSON form is a string: its text holds nothing that needs escaping, except for strings themselves. */
static bool is_quoted(const floe_value *value) {
    switch (value->type.kind) {
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        return !isfinite(value->as.real);
    case FLOE_KIND_BYTES:
    case FLOE_KIND_DATE:
    case FLOE_KIND_TIMESTAMP:
    case FLOE_KIND_DECIMAL:
        return true;
    default:
        return false;
    }
}

void floe_value_print_json(const floe_value *value, floe_buf *out) {
    if (value->is_null) {
        floe_buf_text(out, "null");
    } else if (value->type.kind == FLOE_KIND_STRING) {
        floe_json_quote(out, value->as.bytes);
    } else if (is_quoted(value)) {
        floe_buf_byte(out, '"');
        floe_value_print(value, out);
        floe_buf_byte(out, '"');
    } else {
        floe_value_print(value, out);
    }
}
