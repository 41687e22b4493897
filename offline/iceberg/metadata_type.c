/*
 * Types, schemas and transforms of table metadata.
 */
#include "offline/iceberg/metadata.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
    const char *name;
    floe_ice_kind kind;
} PRIMITIVES[] = {
    {"boolean", FLOE_ICE_BOOLEAN},
    {"int", FLOE_ICE_INT},
    {"long", FLOE_ICE_LONG},
    {"float", FLOE_ICE_FLOAT},
    {"double", FLOE_ICE_DOUBLE},
    {"date", FLOE_ICE_DATE},
    {"time", FLOE_ICE_TIME},
    {"timestamp", FLOE_ICE_TIMESTAMP},
    {"timestamptz", FLOE_ICE_TIMESTAMPTZ},
    {"timestamp_ns", FLOE_ICE_TIMESTAMP_NS},
    {"timestamptz_ns", FLOE_ICE_TIMESTAMPTZ_NS},
    {"string", FLOE_ICE_STRING},
    {"uuid", FLOE_ICE_UUID},
    {"binary", FLOE_ICE_BINARY},
    {"unknown", FLOE_ICE_UNKNOWN},
};

/* The number between `open` and `close` around the rest of a name: "fixed[16]" → 16. */
static bool argument(floe_str text, const char *name, char close, int64_t *ret_value) {
    floe_str prefix = floe_str_of(name);
    if (!floe_str_starts_with(text, prefix) || text.len <= prefix.len || text.ptr[text.len - 1] != close) {
        return false;
    }
    floe_str digits = floe_str_trim((floe_str){text.ptr + prefix.len, text.len - prefix.len - 1});
    floe_error ignored = {0};
    return !floe_failed(floe_str_to_i64(digits, ret_value, &ignored));
}

static floe_status decode_decimal(floe_str text, floe_ice_type *type, floe_error *err) {
    floe_str inner = {text.ptr + 8, text.len >= 9 ? text.len - 9 : 0};
    floe_str head = {0};
    int64_t precision = 0;
    int64_t scale = -1;
    floe_error ignored = {0};
    bool parsed = floe_str_split(&inner, ',', &head) &&
                  !floe_failed(floe_str_to_i64(floe_str_trim(head), &precision, &ignored)) &&
                  !floe_failed(floe_str_to_i64(floe_str_trim(inner), &scale, &ignored));
    FLOE_ENSURE(parsed && precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision, err, FLOE_CORRUPT,
                "the type \"%.*s\" is no decimal(1…38, 0…precision)", FLOE_STR_BRIEF(text));
    type->kind = FLOE_ICE_DECIMAL;
    type->precision = (uint8_t)precision;
    type->scale = (uint8_t)scale;
    return FLOE_OK;
}

static floe_status decode_primitive(floe_str text, floe_ice_type *type, floe_error *err) {
    type->text = text;
    type->kind = FLOE_ICE_OTHER;
    for (size_t i = 0; i < sizeof(PRIMITIVES) / sizeof(PRIMITIVES[0]); i++) {
        if (floe_str_is(text, PRIMITIVES[i].name)) {
            type->kind = PRIMITIVES[i].kind;
            return FLOE_OK;
        }
    }
    if (floe_str_starts_with(text, FLOE_STR("decimal(")) && floe_str_ends_with(text, FLOE_STR(")"))) {
        return decode_decimal(text, type, err);
    }
    if (floe_str_starts_with(text, FLOE_STR("fixed["))) {
        int64_t len = 0;
        FLOE_ENSURE(argument(text, "fixed[", ']', &len) && len >= 0 && len <= INT32_MAX, err, FLOE_CORRUPT,
                    "the type \"%.*s\" has no length", FLOE_STR_BRIEF(text));
        type->kind = FLOE_ICE_FIXED;
        type->fixed_len = (uint32_t)len;
    }
    return FLOE_OK;
}

static floe_status decode_id(const floe_node *json, const char *key, const char *what, int32_t *ret_id,
                             floe_error *err) {
    int64_t id = 0;
    FLOE_TRY(floe_node_need_i64(json, key, what, &id, err));
    FLOE_ENSURE(id >= INT32_MIN && id <= INT32_MAX, err, FLOE_CORRUPT, "%s: %s %lld is no 32-bit number", what, key,
                (long long)id);
    *ret_id = (int32_t)id;
    return FLOE_OK;
}

static floe_status decode_field(const floe_node *json, floe_arena *arena, floe_ice_field *ret_field, floe_error *err) {
    FLOE_TRY(decode_id(json, "id", "a field", &ret_field->id, err));
    FLOE_TRY(floe_node_need_str(json, "name", "a field", &ret_field->name, err));
    FLOE_TRY(floe_node_opt_bool(json, "required", "a field", &ret_field->required, err));
    FLOE_TRY(floe_node_opt_str(json, "doc", "a field", &ret_field->doc, err));
    const floe_node *initial = floe_node_get(json, "initial-default");
    ret_field->initial_default = initial != NULL && initial->kind != FLOE_NODE_NULL ? initial : NULL;
    const floe_node *written = floe_node_get(json, "write-default");
    ret_field->write_default = written != NULL && written->kind != FLOE_NODE_NULL ? written : NULL;
    const floe_node *type = floe_node_get(json, "type");
    FLOE_ENSURE(type != NULL, err, FLOE_CORRUPT, "the field \"%.*s\" has no type", FLOE_STR_BRIEF(ret_field->name));
    return floe_ice_type_decode(type, arena, &ret_field->type, err);
}

static int compare_ids(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

static floe_status check_ids(const floe_ice_field *fields, size_t count, floe_arena *arena, floe_error *err) {
    int32_t *ids = floe_arena_alloc(arena, count + 1, sizeof(*ids));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        ids[i] = fields[i].id;
    }
    qsort(ids, count, sizeof(*ids), compare_ids);
    for (size_t i = 1; i < count; i++) {
        FLOE_ENSURE(ids[i] != ids[i - 1], err, FLOE_CORRUPT, "the field id %d is used twice", (int)ids[i]);
    }
    return FLOE_OK;
}

static floe_status decode_fields(const floe_node *json, floe_arena *arena, const floe_ice_field **ret_fields,
                                 size_t *ret_count, floe_error *err) {
    const floe_node *list = floe_node_get(json, "fields");
    FLOE_ENSURE(list != NULL && list->kind == FLOE_NODE_ARRAY, err, FLOE_CORRUPT, "a struct has no fields");
    floe_ice_field *fields = floe_arena_alloc(arena, list->count + 1, sizeof(*fields));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < list->count; i++) {
        FLOE_TRY(decode_field(list->items[i], arena, &fields[i], err));
    }
    FLOE_TRY(check_ids(fields, list->count, arena, err));
    *ret_fields = fields;
    *ret_count = list->count;
    return FLOE_OK;
}

/* The element of a list, the key or the value of a map. */
static floe_status decode_part(const floe_node *json, const char *name, floe_arena *arena, floe_ice_field *ret_field,
                               floe_error *err) {
    char id_key[32];
    char required_key[32];
    (void)snprintf(id_key, sizeof(id_key), "%s-id", name);
    (void)snprintf(required_key, sizeof(required_key), "%s-required", name);
    ret_field->name = floe_str_of(name);
    FLOE_TRY(decode_id(json, id_key, "a list or map", &ret_field->id, err));
    FLOE_TRY(floe_node_opt_bool(json, required_key, "a list or map", &ret_field->required, err));
    const floe_node *type = floe_node_get(json, name);
    FLOE_ENSURE(type != NULL, err, FLOE_CORRUPT, "a list or map has no %s", name);
    return floe_ice_type_decode(type, arena, &ret_field->type, err);
}

static floe_status decode_parts(const floe_node *json, floe_arena *arena, floe_ice_type *type, floe_error *err) {
    bool list = type->kind == FLOE_ICE_LIST;
    floe_ice_field *parts = floe_arena_alloc(arena, 2, sizeof(*parts));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(decode_part(json, list ? "element" : "key", arena, &parts[0], err));
    if (!list) {
        FLOE_TRY(decode_part(json, "value", arena, &parts[1], err));
    }
    type->fields = parts;
    type->field_count = list ? 1 : 2;
    return FLOE_OK;
}

static floe_status decode_nested(const floe_node *json, floe_arena *arena, floe_ice_type *type, floe_error *err) {
    floe_str kind = {0};
    FLOE_TRY(floe_node_need_str(json, "type", "a type", &kind, err));
    if (floe_str_is(kind, "struct")) {
        type->kind = FLOE_ICE_STRUCT;
        return decode_fields(json, arena, &type->fields, &type->field_count, err);
    }
    if (floe_str_is(kind, "list") || floe_str_is(kind, "map")) {
        type->kind = floe_str_is(kind, "list") ? FLOE_ICE_LIST : FLOE_ICE_MAP;
        return decode_parts(json, arena, type, err);
    }
    return decode_primitive(kind, type, err);
}

floe_status floe_ice_type_decode(const floe_node *json, floe_arena *arena, const floe_ice_type **ret_type,
                                 floe_error *err) {
    floe_ice_type *type = floe_arena_alloc(arena, 1, sizeof(*type));
    FLOE_TRY(floe_arena_check(arena, err));
    if (json->kind == FLOE_NODE_STRING) {
        FLOE_TRY(decode_primitive(json->text, type, err));
    } else {
        FLOE_ENSURE(json->kind == FLOE_NODE_OBJECT, err, FLOE_CORRUPT, "a type is a %s",
                    floe_node_kind_name(json->kind));
        FLOE_TRY(decode_nested(json, arena, type, err));
    }
    *ret_type = type;
    return FLOE_OK;
}

floe_status floe_ice_schema_decode(const floe_node *json, floe_arena *arena, floe_ice_schema *ret_schema,
                                   floe_error *err) {
    int64_t id = 0;
    FLOE_TRY(floe_node_opt_i64(json, "schema-id", "a schema", &id, err));
    FLOE_ENSURE(id >= 0 && id <= INT32_MAX, err, FLOE_CORRUPT, "a schema has the id %lld", (long long)id);
    ret_schema->schema_id = (int32_t)id;
    const floe_node *identifiers = floe_node_get(json, "identifier-field-ids");
    ret_schema->identifier_ids = identifiers != NULL && identifiers->kind == FLOE_NODE_ARRAY ? identifiers : NULL;
    return decode_fields(json, arena, &ret_schema->fields, &ret_schema->field_count, err);
}

void floe_ice_transform_parse(floe_str text, floe_ice_partition_field *field) {
    static const struct {
        const char *name;
        floe_ice_transform_kind kind;
    } PLAIN[] = {{"identity", FLOE_TRANSFORM_IDENTITY}, {"year", FLOE_TRANSFORM_YEAR}, {"month", FLOE_TRANSFORM_MONTH},
                 {"day", FLOE_TRANSFORM_DAY},           {"hour", FLOE_TRANSFORM_HOUR}, {"void", FLOE_TRANSFORM_VOID}};
    int64_t value = 0;
    field->transform_text = text;
    field->transform = FLOE_TRANSFORM_UNKNOWN;
    for (size_t i = 0; i < sizeof(PLAIN) / sizeof(PLAIN[0]); i++) {
        if (floe_str_is(text, PLAIN[i].name)) {
            field->transform = PLAIN[i].kind;
            return;
        }
    }
    bool bucket = argument(text, "bucket[", ']', &value);
    if ((bucket || argument(text, "truncate[", ']', &value)) && value > 0 && value <= INT32_MAX) {
        field->transform = bucket ? FLOE_TRANSFORM_BUCKET : FLOE_TRANSFORM_TRUNCATE;
        field->argument = (int32_t)value;
    }
}
