/*
 * Initial defaults as SQL: what a column or member is in files that were written before it was added.
 * Source: Iceberg table spec, "Default values", Appendix D, "JSON single-value serialization".
 */
#include "offline/iceberg/plan_int.h"

#include "core/limits.h"

#include <ctype.h>
#include <stdio.h>

static floe_status wrong(const floe_ice_field *field, const floe_node *json, floe_error *err) {
    return FLOE_FAIL(err, FLOE_CORRUPT,
                     "the initial default of \"%.*s\" (%.*s) is %s \"%.*s\", which that type cannot be",
                     FLOE_STR_BRIEF(field->name), FLOE_STR_BRIEF(field->type->text), floe_node_kind_name(json->kind),
                     FLOE_STR_BRIEF(json->text));
}

/* Text that the engine reads as the type; what it cannot read fails when the query is prepared. */
static void text_sql(const char *type, floe_str text, floe_buf *out) {
    floe_buf_printf(out, "CAST(");
    floe_sql_quote_text(out, text);
    floe_buf_printf(out, " AS %s)", type);
}

static bool hex_sql(const floe_ice_type *type, floe_str text, floe_buf *out) {
    bool whole = text.len % 2 == 0 && (type->kind != FLOE_ICE_FIXED || text.len / 2 == type->fixed_len);
    for (size_t i = 0; i < text.len && whole; i++) {
        whole = isxdigit((unsigned char)text.ptr[i]) != 0;
    }
    floe_buf_byte(out, '\'');
    for (size_t i = 0; i + 1 < text.len && whole; i += 2) {
        floe_buf_printf(out, "\\x%.2s", text.ptr + i);
    }
    floe_buf_text(out, "'::BLOB");
    return whole;
}

static bool number_sql(const floe_ice_type *type, const floe_node *json, floe_buf *out) {
    bool whole = type->kind == FLOE_ICE_INT || type->kind == FLOE_ICE_LONG;
    floe_buf_text(out, "CAST('");
    if (json->kind == FLOE_NODE_INT) {
        floe_buf_int(out, json->as.integer);
    } else if (json->kind == FLOE_NODE_REAL) {
        floe_buf_real(out, json->as.real);
    }
    floe_buf_printf(out, "' AS %s)",
                    type->kind == FLOE_ICE_INT     ? "INTEGER"
                    : type->kind == FLOE_ICE_LONG  ? "BIGINT"
                    : type->kind == FLOE_ICE_FLOAT ? "FLOAT"
                                                   : "DOUBLE");
    return json->kind == FLOE_NODE_INT || (json->kind == FLOE_NODE_REAL && !whole);
}

/* Types whose JSON form is text that the engine reads as it is. */
static const char *text_type(floe_ice_kind kind, bool plain_times) {
    switch (kind) {
    case FLOE_ICE_DATE:
        return "DATE";
    case FLOE_ICE_TIME:
        return "TIME";
    case FLOE_ICE_TIMESTAMP:
        return "TIMESTAMP";
    case FLOE_ICE_TIMESTAMPTZ:
        return plain_times ? "TIMESTAMPTZ) AS TIMESTAMP" : "TIMESTAMPTZ";
    case FLOE_ICE_TIMESTAMP_NS:
    case FLOE_ICE_TIMESTAMPTZ_NS:
        return "TIMESTAMP_NS";
    case FLOE_ICE_UUID:
        return "UUID";
    case FLOE_ICE_STRING:
        return "VARCHAR";
    default:
        return NULL;
    }
}

static bool primitive_sql(const floe_ice_type *type, bool plain_times, const floe_node *json, floe_buf *out) {
    bool text = json->kind == FLOE_NODE_STRING;
    const char *name = text_type(type->kind, plain_times);
    if (name != NULL) {
        floe_buf_text(out, type->kind == FLOE_ICE_TIMESTAMPTZ && plain_times ? "CAST(" : "");
        text_sql(name, text ? json->text : FLOE_STR(""), out);
        return text;
    }
    switch (type->kind) {
    case FLOE_ICE_BOOLEAN:
        floe_buf_text(out, json->as.boolean ? "true" : "false");
        return json->kind == FLOE_NODE_BOOL;
    case FLOE_ICE_DECIMAL: {
        char decimal[32];
        (void)snprintf(decimal, sizeof(decimal), "DECIMAL(%d,%d)", type->precision, type->scale);
        text_sql(decimal, text ? json->text : FLOE_STR(""), out);
        return text;
    }
    case FLOE_ICE_FIXED:
    case FLOE_ICE_BINARY:
        return text && hex_sql(type, json->text, out);
    case FLOE_ICE_INT:
    case FLOE_ICE_LONG:
    case FLOE_ICE_FLOAT:
    case FLOE_ICE_DOUBLE:
        return number_sql(type, json, out);
    default:
        return false;
    }
}

static floe_status value_sql(const floe_ice_field *field, bool plain_times, const floe_node *json, floe_buf *out,
                             floe_error *err);

static void null_sql(const floe_ice_type *type, bool plain_times, floe_buf *out) {
    floe_buf_text(out, "CAST(NULL AS ");
    floe_ice_type_sql(type, plain_times, out);
    floe_buf_byte(out, ')');
}

/* {"<member id>": value}; a member that is not named has its own default. */
static floe_status struct_sql(const floe_ice_field *field, const floe_node *json, floe_buf *out, floe_error *err) {
    if (json->kind != FLOE_NODE_OBJECT) {
        return wrong(field, json, err);
    }
    floe_buf_byte(out, '{');
    for (size_t i = 0; i < field->type->field_count; i++) {
        const floe_ice_field *member = &field->type->fields[i];
        char key[16];
        (void)snprintf(key, sizeof(key), "%d", (int)member->id);
        const floe_node *own = floe_node_get(json, key);
        floe_buf_text(out, i > 0 ? ", " : "");
        floe_sql_quote_text(out, member->name);
        floe_buf_text(out, ": ");
        FLOE_TRY(value_sql(member, false, own != NULL ? own : member->initial_default, out, err));
    }
    floe_buf_byte(out, '}');
    return FLOE_OK;
}

static floe_status list_sql(const floe_ice_field *field, const floe_ice_field *item, const floe_node *json,
                            floe_buf *out, floe_error *err) {
    if (json == NULL || json->kind != FLOE_NODE_ARRAY) {
        return FLOE_FAIL(err, FLOE_CORRUPT, "the initial default of \"%.*s\" is no list", FLOE_STR_BRIEF(field->name));
    }
    floe_buf_byte(out, '[');
    for (size_t i = 0; i < json->count; i++) {
        floe_buf_text(out, i > 0 ? ", " : "");
        FLOE_TRY(value_sql(item, false, json->items[i], out, err));
    }
    floe_buf_byte(out, ']');
    return FLOE_OK;
}

static floe_status nested_sql(const floe_ice_field *field, const floe_node *json, floe_buf *out, floe_error *err) {
    floe_buf_text(out, "CAST(");
    if (field->type->kind == FLOE_ICE_STRUCT) {
        FLOE_TRY(struct_sql(field, json, out, err));
    } else if (field->type->kind == FLOE_ICE_LIST) {
        FLOE_TRY(list_sql(field, &field->type->fields[0], json, out, err));
    } else {
        floe_buf_text(out, "map(");
        FLOE_TRY(list_sql(field, &field->type->fields[0], floe_node_get(json, "keys"), out, err));
        floe_buf_text(out, ", ");
        FLOE_TRY(list_sql(field, &field->type->fields[1], floe_node_get(json, "values"), out, err));
        floe_buf_byte(out, ')');
    }
    floe_buf_text(out, " AS ");
    floe_ice_type_sql(field->type, false, out);
    floe_buf_byte(out, ')');
    return FLOE_OK;
}

static floe_status value_sql(const floe_ice_field *field, bool plain_times, const floe_node *json, floe_buf *out,
                             floe_error *err) {
    if (json == NULL || json->kind == FLOE_NODE_NULL) {
        null_sql(field->type, plain_times, out);
        return FLOE_OK;
    }
    if (floe_ice_is_nested(field->type)) {
        return nested_sql(field, json, out, err);
    }
    return primitive_sql(field->type, plain_times, json, out) ? FLOE_OK : wrong(field, json, err);
}

floe_status floe_default_sql(const floe_ice_field *field, bool plain_times, floe_buf *out, floe_error *err) {
    return value_sql(field, plain_times, field->initial_default, out, err);
}
