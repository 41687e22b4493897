/*
 * From the JSON of an Avro schema to types. Named types are kept in a list, because later uses give only the name; a
 * name that is defined twice (writers that do not sanitise partition fields do that) takes the later definition.
 */
#include "offline/iceberg/avro/avro.h"

#include "core/limits.h"
#include "offline/iceberg/corrupt.h"

typedef struct schema_parse {
    floe_arena *arena;
    floe_ptrs named; /* floe_avro_type */
    unsigned depth;
} schema_parse;

static const char *const KIND_NAMES[] = {
    [FLOE_AVRO_NULL] = "null",   [FLOE_AVRO_BOOLEAN] = "boolean", [FLOE_AVRO_INT] = "int",
    [FLOE_AVRO_LONG] = "long",   [FLOE_AVRO_FLOAT] = "float",     [FLOE_AVRO_DOUBLE] = "double",
    [FLOE_AVRO_BYTES] = "bytes", [FLOE_AVRO_STRING] = "string",   [FLOE_AVRO_RECORD] = "record",
    [FLOE_AVRO_ENUM] = "enum",   [FLOE_AVRO_ARRAY] = "array",     [FLOE_AVRO_MAP] = "map",
    [FLOE_AVRO_UNION] = "union", [FLOE_AVRO_FIXED] = "fixed",
};

const char *floe_avro_kind_name(floe_avro_kind kind) {
    return KIND_NAMES[kind];
}

static floe_status parse_type(schema_parse *parse, const floe_node *json, floe_str space,
                              const floe_avro_type **ret_type, floe_error *err);

static uint64_t add_saturating(uint64_t a, uint64_t b) {
    return a > UINT64_MAX / 2 || b > UINT64_MAX / 2 ? UINT64_MAX / 2 : a + b;
}

static floe_status new_type(schema_parse *parse, floe_avro_kind kind, floe_avro_type **ret_type, floe_error *err) {
    static const uint64_t MIN_LEN[] = {
        [FLOE_AVRO_NULL] = 0,  [FLOE_AVRO_BOOLEAN] = 1, [FLOE_AVRO_INT] = 1,   [FLOE_AVRO_LONG] = 1,
        [FLOE_AVRO_FLOAT] = 4, [FLOE_AVRO_DOUBLE] = 8,  [FLOE_AVRO_BYTES] = 1, [FLOE_AVRO_STRING] = 1,
        [FLOE_AVRO_ENUM] = 1,  [FLOE_AVRO_ARRAY] = 1,   [FLOE_AVRO_MAP] = 1,   [FLOE_AVRO_UNION] = 1,
        [FLOE_AVRO_FIXED] = 0,
    };
    floe_avro_type *type = floe_arena_alloc(parse->arena, 1, sizeof(*type));
    if (type == NULL) {
        return floe_arena_check(parse->arena, err);
    }
    type->kind = kind;
    type->min_len = MIN_LEN[kind];
    *ret_type = type;
    return FLOE_OK;
}

static bool kind_of_name(floe_str name, floe_avro_kind *ret_kind) {
    for (size_t i = 0; i < sizeof(KIND_NAMES) / sizeof(KIND_NAMES[0]); i++) {
        if (floe_str_is(name, KIND_NAMES[i])) {
            *ret_kind = (floe_avro_kind)i;
            return true;
        }
    }
    return false;
}

/* Splits "a.b.Name" into namespace and name; a bare name lies in `space`. */
static void split_name(floe_str text, floe_str space, floe_str *ret_space, floe_str *ret_name) {
    *ret_space = space;
    *ret_name = text;
    for (size_t i = text.len; i-- > 0;) {
        if (text.ptr[i] == '.') {
            *ret_space = (floe_str){text.ptr, i};
            *ret_name = (floe_str){text.ptr + i + 1, text.len - i - 1};
            return;
        }
    }
}

static floe_status find_named(schema_parse *parse, floe_str text, floe_str space, const floe_avro_type **ret_type,
                              floe_error *err) {
    floe_str want_space;
    floe_str want_name;
    split_name(text, space, &want_space, &want_name);
    for (size_t i = parse->named.count; i-- > 0;) {
        const floe_avro_type *type = parse->named.items[i];
        if (floe_str_equal(type->name, want_name) && floe_str_equal(type->space, want_space)) {
            FLOE_ENSURE(!type->open, err, FLOE_UNSUPPORTED, "the Avro type \"%.*s\" is recursive",
                        FLOE_STR_BRIEF(text));
            *ret_type = type;
            return FLOE_OK;
        }
    }
    return FLOE_FAIL(err, FLOE_CORRUPT, "the Avro schema uses the unknown type \"%.*s\"", FLOE_STR_BRIEF(text));
}

static floe_status new_fields(schema_parse *parse, size_t count, floe_avro_field **ret_fields, floe_error *err) {
    *ret_fields = floe_arena_alloc(parse->arena, count == 0 ? 1 : count, sizeof(floe_avro_field));
    return *ret_fields == NULL ? floe_arena_check(parse->arena, err) : FLOE_OK;
}

static floe_status parse_union(schema_parse *parse, const floe_node *json, floe_str space,
                               const floe_avro_type **ret_type, floe_error *err) {
    FLOE_ENSURE(json->count > 0, err, FLOE_CORRUPT, "the Avro schema has a union without branches");
    floe_avro_type *type = NULL;
    floe_avro_field *branches = NULL;
    FLOE_TRY(new_type(parse, FLOE_AVRO_UNION, &type, err));
    FLOE_TRY(new_fields(parse, json->count, &branches, err));
    for (size_t i = 0; i < json->count; i++) {
        branches[i].field_id = -1;
        FLOE_TRY(parse_type(parse, json->items[i], space, &branches[i].type, err));
    }
    type->fields = branches;
    type->field_count = json->count;
    *ret_type = type;
    return FLOE_OK;
}

static floe_status name_type(schema_parse *parse, const floe_node *json, floe_str space, floe_avro_type *type,
                             floe_error *err) {
    floe_str name = {0};
    floe_str own_space = space;
    FLOE_TRY(floe_node_need_str(json, "name", "an Avro type", &name, err));
    FLOE_TRY(floe_node_opt_str(json, "namespace", "an Avro type", &own_space, err));
    split_name(name, own_space, &type->space, &type->name);
    floe_ptrs_append(&parse->named, parse->arena, type);
    return FLOE_OK;
}

/* The writer's id of a field: Iceberg's "field-id", "element-id" and so on are plain integers. */
static floe_status parse_id(const floe_node *json, const char *key, int32_t *ret_id, floe_error *err) {
    int64_t id = -1;
    FLOE_TRY(floe_node_opt_i64(json, key, "an Avro field", &id, err));
    FLOE_ENSURE(id >= -1 && id <= INT32_MAX, err, FLOE_CORRUPT, "the Avro schema has the %s %lld", key, (long long)id);
    *ret_id = (int32_t)id;
    return FLOE_OK;
}

static floe_status parse_field(schema_parse *parse, const floe_node *json, floe_str space, floe_avro_field *ret_field,
                               floe_error *err) {
    FLOE_TRY(floe_node_need_str(json, "name", "an Avro field", &ret_field->name, err));
    FLOE_TRY(parse_id(json, "field-id", &ret_field->field_id, err));
    const floe_node *type = floe_node_get(json, "type");
    FLOE_ENSURE(type != NULL, err, FLOE_CORRUPT, "the Avro field \"%.*s\" has no type",
                FLOE_STR_BRIEF(ret_field->name));
    return parse_type(parse, type, space, &ret_field->type, err);
}

static floe_status parse_record(schema_parse *parse, const floe_node *json, floe_str space, floe_avro_type *type,
                                floe_error *err) {
    FLOE_TRY(name_type(parse, json, space, type, err));
    const floe_node *list = floe_node_get(json, "fields");
    FLOE_ENSURE(list != NULL && list->kind == FLOE_NODE_ARRAY, err, FLOE_CORRUPT,
                "the Avro record \"%.*s\" has no fields", FLOE_STR_BRIEF(type->name));
    floe_avro_field *fields = NULL;
    FLOE_TRY(new_fields(parse, list->count, &fields, err));
    type->open = true;
    for (size_t i = 0; i < list->count; i++) {
        FLOE_TRY(parse_field(parse, list->items[i], type->space, &fields[i], err));
        type->min_len = add_saturating(type->min_len, fields[i].type->min_len);
    }
    type->open = false;
    type->fields = fields;
    type->field_count = list->count;
    return FLOE_OK;
}

static floe_status parse_item(schema_parse *parse, const floe_node *json, const char *key, floe_str space,
                              floe_avro_type *type, floe_error *err) {
    const floe_node *item = floe_node_get(json, key);
    FLOE_ENSURE(item != NULL, err, FLOE_CORRUPT, "an Avro %s has no %s", KIND_NAMES[type->kind], key);
    floe_avro_field *field = NULL;
    FLOE_TRY(new_fields(parse, 1, &field, err));
    field->field_id = -1;
    FLOE_TRY(parse_type(parse, item, space, &field->type, err));
    /* Items that take no bytes could be claimed in any number. */
    FLOE_ENSURE(type->kind == FLOE_AVRO_MAP || field->type->min_len > 0, err, FLOE_UNSUPPORTED,
                "an Avro array of items without bytes");
    type->fields = field;
    type->field_count = 1;
    return FLOE_OK;
}

static floe_status parse_fixed(schema_parse *parse, const floe_node *json, floe_str space, floe_avro_type *type,
                               floe_error *err) {
    int64_t len = 0;
    FLOE_TRY(name_type(parse, json, space, type, err));
    FLOE_TRY(floe_node_need_i64(json, "size", "an Avro fixed", &len, err));
    FLOE_ENSURE(len >= 0 && len <= INT32_MAX, err, FLOE_CORRUPT, "an Avro fixed has the size %lld", (long long)len);
    type->fixed_len = (uint32_t)len;
    type->min_len = (uint64_t)len;
    return FLOE_OK;
}

static floe_status parse_enum(schema_parse *parse, const floe_node *json, floe_str space, floe_avro_type *type,
                              floe_error *err) {
    FLOE_TRY(name_type(parse, json, space, type, err));
    const floe_node *symbols = floe_node_get(json, "symbols");
    FLOE_ENSURE(symbols != NULL && symbols->kind == FLOE_NODE_ARRAY && symbols->count <= INT32_MAX, err, FLOE_CORRUPT,
                "the Avro enum \"%.*s\" has no symbols", FLOE_STR_BRIEF(type->name));
    type->symbol_count = (uint32_t)symbols->count;
    return FLOE_OK;
}

static floe_status parse_logical(const floe_node *json, floe_avro_type *type, floe_error *err) {
    int64_t precision = 0;
    int64_t scale = 0;
    const floe_node *logical = floe_node_get(json, "logicalType");
    if (logical == NULL || logical->kind != FLOE_NODE_STRING) {
        return FLOE_OK;
    }
    type->logical = logical->text;
    FLOE_TRY(floe_node_opt_i64(json, "precision", "an Avro decimal", &precision, err));
    FLOE_TRY(floe_node_opt_i64(json, "scale", "an Avro decimal", &scale, err));
    bool in_range = precision >= 0 && precision <= 38 && scale >= 0 && scale <= precision;
    FLOE_ENSURE(in_range || !floe_str_is(type->logical, "decimal"), err, FLOE_CORRUPT,
                "the Avro schema has decimal(%lld,%lld)", (long long)precision, (long long)scale);
    type->precision = in_range ? (uint8_t)precision : 0;
    type->scale = in_range ? (uint8_t)scale : 0;
    return FLOE_OK;
}

static floe_status parse_complex(schema_parse *parse, const floe_node *json, floe_avro_kind kind, floe_str space,
                                 floe_avro_type *type, floe_error *err) {
    switch (kind) {
    case FLOE_AVRO_RECORD:
        return parse_record(parse, json, space, type, err);
    case FLOE_AVRO_ARRAY:
        return parse_item(parse, json, "items", space, type, err);
    case FLOE_AVRO_MAP:
        return parse_item(parse, json, "values", space, type, err);
    case FLOE_AVRO_FIXED:
        return parse_fixed(parse, json, space, type, err);
    case FLOE_AVRO_ENUM:
        return parse_enum(parse, json, space, type, err);
    default:
        return FLOE_OK;
    }
}

static floe_status parse_object(schema_parse *parse, const floe_node *json, floe_str space,
                                const floe_avro_type **ret_type, floe_error *err) {
    const floe_node *name = floe_node_get(json, "type");
    FLOE_ENSURE(name != NULL, err, FLOE_CORRUPT, "the Avro schema has an object without a type");
    floe_avro_kind kind = FLOE_AVRO_NULL;
    bool known = name->kind == FLOE_NODE_STRING && kind_of_name(name->text, &kind) && kind != FLOE_AVRO_UNION;
    if (!known) { /* {"type": {…}} and {"type": "Name"} */
        return parse_type(parse, name, space, ret_type, err);
    }
    floe_avro_type *type = NULL;
    FLOE_TRY(new_type(parse, kind, &type, err));
    FLOE_TRY(parse_logical(json, type, err));
    FLOE_TRY(parse_complex(parse, json, kind, space, type, err));
    *ret_type = type;
    return FLOE_OK;
}

static floe_status parse_name(schema_parse *parse, floe_str name, floe_str space, const floe_avro_type **ret_type,
                              floe_error *err) {
    floe_avro_kind kind = FLOE_AVRO_NULL;
    if (!kind_of_name(name, &kind)) {
        return find_named(parse, name, space, ret_type, err);
    }
    bool primitive = kind <= FLOE_AVRO_STRING;
    FLOE_ENSURE(primitive, err, FLOE_CORRUPT, "the Avro schema names \"%.*s\" without describing it",
                FLOE_STR_BRIEF(name));
    floe_avro_type *type = NULL;
    FLOE_TRY(new_type(parse, kind, &type, err));
    *ret_type = type;
    return FLOE_OK;
}

static floe_status parse_type(schema_parse *parse, const floe_node *json, floe_str space,
                              const floe_avro_type **ret_type, floe_error *err) {
    FLOE_ENSURE(parse->depth < FLOE_LIMIT_AVRO_DEPTH, err, FLOE_LIMIT, "the Avro schema is nested deeper than %d",
                FLOE_LIMIT_AVRO_DEPTH);
    parse->depth++;
    floe_status status;
    switch (json->kind) {
    case FLOE_NODE_STRING:
        status = parse_name(parse, json->text, space, ret_type, err);
        break;
    case FLOE_NODE_ARRAY:
        status = parse_union(parse, json, space, ret_type, err);
        break;
    case FLOE_NODE_OBJECT:
        status = parse_object(parse, json, space, ret_type, err);
        break;
    default:
        status = FLOE_FAIL(err, FLOE_CORRUPT, "the Avro schema has a %s where a type should be",
                           floe_node_kind_name(json->kind));
    }
    parse->depth--;
    return status;
}

floe_status floe_avro_schema_parse(const floe_node *json, floe_arena *arena, const floe_avro_type **ret_type,
                                   floe_error *err) {
    schema_parse parse = {.arena = arena};
    const floe_avro_type *type = NULL;
    FLOE_TRY(floe_as_corrupt(parse_type(&parse, json, FLOE_STR(""), &type, err), err));
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_type = type;
    return FLOE_OK;
}
