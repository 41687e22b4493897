/*
 * Types of the input: DuckDB's names to Iceberg types, and back to the DuckDB type that a data file is written from.
 *
 * What Iceberg (version 2) has no type for is either exact in another (unsigned and huge integers, enums, fixed-length
 * arrays, seconds and milliseconds) or refused by name; nothing is rounded on the way.
 */
#include "offline/import/import_int.h"

#include <stdlib.h>
#include <string.h>

typedef struct type_parser {
    floe_str text;
    size_t at;
    floe_arena *arena;
    floe_error *err;
    unsigned depth;
} type_parser;

static floe_status parse_type(type_parser *parser, floe_ice_type *ret_type);

typedef struct type_row {
    const char *duckdb;
    floe_ice_kind kind;
    const char *iceberg;
    uint8_t precision;
} type_row;

static const type_row TYPES[] = {
    {"BOOLEAN", FLOE_ICE_BOOLEAN, "boolean", 0},
    {"TINYINT", FLOE_ICE_INT, "int", 0},
    {"SMALLINT", FLOE_ICE_INT, "int", 0},
    {"INTEGER", FLOE_ICE_INT, "int", 0},
    {"UTINYINT", FLOE_ICE_INT, "int", 0},
    {"USMALLINT", FLOE_ICE_INT, "int", 0},
    {"UINTEGER", FLOE_ICE_LONG, "long", 0},
    {"BIGINT", FLOE_ICE_LONG, "long", 0},
    {"UBIGINT", FLOE_ICE_DECIMAL, "decimal(20, 0)", 20},
    {"HUGEINT", FLOE_ICE_DECIMAL, "decimal(38, 0)", 38},
    {"FLOAT", FLOE_ICE_FLOAT, "float", 0},
    {"DOUBLE", FLOE_ICE_DOUBLE, "double", 0},
    {"DATE", FLOE_ICE_DATE, "date", 0},
    {"TIME", FLOE_ICE_TIME, "time", 0},
    {"TIMESTAMP", FLOE_ICE_TIMESTAMP, "timestamp", 0},
    {"TIMESTAMP_S", FLOE_ICE_TIMESTAMP, "timestamp", 0},
    {"TIMESTAMP_MS", FLOE_ICE_TIMESTAMP, "timestamp", 0},
    {"TIMESTAMP WITH TIME ZONE", FLOE_ICE_TIMESTAMPTZ, "timestamptz", 0},
    {"VARCHAR", FLOE_ICE_STRING, "string", 0},
    {"JSON", FLOE_ICE_STRING, "string", 0},
    {"UUID", FLOE_ICE_UUID, "uuid", 0},
    {"BLOB", FLOE_ICE_BINARY, "binary", 0},
};

static floe_status refuse(const type_parser *parser, floe_str name, const char *advice) {
    return FLOE_FAIL(parser->err, FLOE_UNSUPPORTED, "Iceberg has no type for %.*s; %s", FLOE_STR_BRIEF(name), advice);
}

/* Up to the next bracket or comma. */
static floe_str take_name(type_parser *parser) {
    size_t start = parser->at;
    while (parser->at < parser->text.len && !strchr("([,)", parser->text.ptr[parser->at])) {
        parser->at++;
    }
    return floe_str_trim((floe_str){parser->text.ptr + start, parser->at - start});
}

static void skip_spaces(type_parser *parser) {
    while (parser->at < parser->text.len && parser->text.ptr[parser->at] == ' ') {
        parser->at++;
    }
}

static bool take(type_parser *parser, char c) {
    skip_spaces(parser);
    bool there = parser->at < parser->text.len && parser->text.ptr[parser->at] == c;
    parser->at += there;
    return there;
}

static floe_status need(type_parser *parser, char c) {
    FLOE_ENSURE(take(parser, c), parser->err, FLOE_UNSUPPORTED, "the type %.*s is not understood at character %zu",
                FLOE_STR_BRIEF(parser->text), parser->at + 1);
    return FLOE_OK;
}

/* A field's name: a word, or "quoted" with quotes doubled. */
static floe_status take_field_name(type_parser *parser, floe_str *ret_name) {
    size_t start = parser->at;
    if (!take(parser, '"')) {
        while (parser->at < parser->text.len && !strchr(" ,()", parser->text.ptr[parser->at])) {
            parser->at++;
        }
        *ret_name = (floe_str){parser->text.ptr + start, parser->at - start};
        FLOE_ENSURE(parser->at < parser->text.len && parser->text.ptr[parser->at] == ' ', parser->err, FLOE_UNSUPPORTED,
                    "the type %.*s has a member without a name; Iceberg's structs name theirs",
                    FLOE_STR_BRIEF(parser->text));
        return FLOE_OK;
    }
    char *name = floe_arena_alloc(parser->arena, parser->text.len + 1, 1);
    FLOE_TRY(floe_arena_check(parser->arena, parser->err));
    size_t len = 0;
    while (parser->at < parser->text.len) {
        char c = parser->text.ptr[parser->at++];
        if (c == '"' && (parser->at >= parser->text.len || parser->text.ptr[parser->at++] != '"')) {
            break;
        }
        name[len++] = c;
    }
    *ret_name = (floe_str){name, len};
    return FLOE_OK;
}

static floe_status parse_struct(type_parser *parser, floe_ice_type *ret_type) {
    floe_ice_field *fields = NULL;
    size_t count = 0, capacity = 0;
    FLOE_TRY(need(parser, '('));
    do {
        floe_ice_field *field = FLOE_ARENA_PUSH(parser->arena, fields, count, capacity);
        floe_ice_type *type = floe_arena_alloc(parser->arena, 1, sizeof *type);
        FLOE_TRY(floe_arena_check(parser->arena, parser->err));
        skip_spaces(parser);
        FLOE_TRY(take_field_name(parser, &field->name));
        FLOE_TRY(parse_type(parser, type));
        field->type = type;
    } while (take(parser, ','));
    *ret_type = (floe_ice_type){.kind = FLOE_ICE_STRUCT, .fields = fields, .field_count = count};
    return need(parser, ')');
}

static floe_status parse_map(type_parser *parser, floe_ice_type *ret_type) {
    floe_ice_field *fields = floe_arena_alloc(parser->arena, 2, sizeof *fields);
    floe_ice_type *types = floe_arena_alloc(parser->arena, 2, sizeof *types);
    FLOE_TRY(floe_arena_check(parser->arena, parser->err));
    fields[0] = (floe_ice_field){.name = FLOE_STR("key"), .required = true, .type = &types[0]};
    fields[1] = (floe_ice_field){.name = FLOE_STR("value"), .type = &types[1]};
    FLOE_TRY(need(parser, '('));
    FLOE_TRY(parse_type(parser, &types[0]));
    FLOE_TRY(need(parser, ','));
    FLOE_TRY(parse_type(parser, &types[1]));
    *ret_type = (floe_ice_type){.kind = FLOE_ICE_MAP, .fields = fields, .field_count = 2};
    return need(parser, ')');
}

static floe_status parse_decimal(type_parser *parser, floe_ice_type *ret_type) {
    FLOE_TRY(need(parser, '('));
    floe_str precision = take_name(parser);
    FLOE_TRY(need(parser, ','));
    floe_str scale = take_name(parser);
    int64_t p = 0, s = 0;
    FLOE_TRY(floe_str_to_i64(precision, &p, parser->err));
    FLOE_TRY(floe_str_to_i64(scale, &s, parser->err));
    *ret_type = (floe_ice_type){.kind = FLOE_ICE_DECIMAL, .precision = (uint8_t)p, .scale = (uint8_t)s};
    ret_type->text =
        floe_str_of(floe_arena_printf(parser->arena, "decimal(%u, %u)", ret_type->precision, ret_type->scale));
    return need(parser, ')');
}

/* The values do not matter; text in them may hold brackets. */
static floe_status skip_enum(type_parser *parser, floe_ice_type *ret_type) {
    bool quoted = false;
    while (parser->at < parser->text.len) {
        char c = parser->text.ptr[parser->at++];
        quoted = c == '\'' ? !quoted : quoted;
        if (c == ')' && !quoted) {
            break;
        }
    }
    *ret_type = (floe_ice_type){.kind = FLOE_ICE_STRING, .text = FLOE_STR("string")};
    return FLOE_OK;
}

static floe_status parse_plain(type_parser *parser, floe_str name, floe_ice_type *ret_type) {
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
        if (floe_str_is(name, TYPES[i].duckdb)) {
            *ret_type = (floe_ice_type){
                .kind = TYPES[i].kind, .precision = TYPES[i].precision, .text = floe_str_of(TYPES[i].iceberg)};
            return FLOE_OK;
        }
    }
    if (floe_str_is(name, "TIMESTAMP_NS")) {
        return refuse(parser, name, "version 3 of the format has one; cast it to TIMESTAMP (microseconds)");
    }
    return refuse(parser, name, "cast it to a type that has one, or leave it out");
}

/* "[]" or "[3]" after a type, any number of times. */
static floe_status parse_lists(type_parser *parser, floe_ice_type *type) {
    while (take(parser, '[')) {
        floe_ice_type *element = floe_arena_alloc(parser->arena, 1, sizeof *element);
        floe_ice_field *field = floe_arena_alloc(parser->arena, 1, sizeof *field);
        FLOE_TRY(floe_arena_check(parser->arena, parser->err));
        while (parser->at < parser->text.len && parser->text.ptr[parser->at] != ']') {
            parser->at++;
        }
        FLOE_TRY(need(parser, ']'));
        *element = *type;
        *field = (floe_ice_field){.name = FLOE_STR("element"), .type = element};
        *type = (floe_ice_type){.kind = FLOE_ICE_LIST, .fields = field, .field_count = 1};
    }
    return FLOE_OK;
}

static floe_status parse_type(type_parser *parser, floe_ice_type *ret_type) {
    FLOE_ENSURE(parser->depth < FLOE_IMPORT_TYPE_DEPTH, parser->err, FLOE_LIMIT, "the type %.*s is nested too deep",
                FLOE_STR_BRIEF(parser->text));
    parser->depth++;
    floe_str name = take_name(parser);
    if (floe_str_is(name, "STRUCT")) {
        FLOE_TRY(parse_struct(parser, ret_type));
    } else if (floe_str_is(name, "MAP")) {
        FLOE_TRY(parse_map(parser, ret_type));
    } else if (floe_str_is(name, "DECIMAL")) {
        FLOE_TRY(parse_decimal(parser, ret_type));
    } else if (floe_str_is(name, "ENUM")) {
        FLOE_TRY(skip_enum(parser, ret_type));
    } else {
        FLOE_TRY(parse_plain(parser, name, ret_type));
    }
    parser->depth--;
    return parse_lists(parser, ret_type);
}

floe_status floe_import_type_parse(floe_str text, floe_arena *arena, const floe_ice_type **ret_type, floe_error *err) {
    type_parser parser = {.text = text, .arena = arena, .err = err};
    floe_ice_type *type = floe_arena_alloc(arena, 1, sizeof *type);
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(parse_type(&parser, type));
    FLOE_ENSURE(parser.at == text.len, err, FLOE_UNSUPPORTED, "the type %.*s is not understood at character %zu",
                FLOE_STR_BRIEF(text), parser.at + 1);
    *ret_type = type;
    return floe_arena_check(arena, err);
}

/* ---- back to SQL ---- */

static void struct_sql(floe_buf *out, const floe_ice_type *type) {
    floe_buf_text(out, "STRUCT(");
    for (size_t i = 0; i < type->field_count; i++) {
        floe_buf_text(out, i ? ", " : "");
        floe_sql_quote_name(out, type->fields[i].name);
        floe_buf_byte(out, ' ');
        floe_import_type_sql(out, type->fields[i].type);
    }
    floe_buf_byte(out, ')');
}

void floe_import_type_sql(floe_buf *out, const floe_ice_type *type) {
    switch (type->kind) {
    case FLOE_ICE_STRUCT:
        struct_sql(out, type);
        return;
    case FLOE_ICE_LIST:
        floe_import_type_sql(out, type->fields[0].type);
        floe_buf_text(out, "[]");
        return;
    case FLOE_ICE_MAP:
        floe_buf_text(out, "MAP(");
        floe_import_type_sql(out, type->fields[0].type);
        floe_buf_text(out, ", ");
        floe_import_type_sql(out, type->fields[1].type);
        floe_buf_byte(out, ')');
        return;
    case FLOE_ICE_DECIMAL:
        floe_buf_printf(out, "DECIMAL(%u,%u)", type->precision, type->scale);
        return;
    case FLOE_ICE_INT: /* the table lists narrower types first */
        floe_buf_text(out, "INTEGER");
        return;
    case FLOE_ICE_LONG:
        floe_buf_text(out, "BIGINT");
        return;
    default:
        for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
            if (TYPES[i].kind == type->kind) {
                floe_buf_text(out, TYPES[i].duckdb);
                return;
            }
        }
        floe_buf_text(out, "BLOB");
    }
}

/* ---- names in --types ---- */

floe_status floe_import_type_named(floe_str text, floe_buf *out, floe_error *err) {
    static const char *const NAMES[][2] = {
        {"boolean", "BOOLEAN"},         {"int", "INTEGER"}, {"long", "BIGINT"}, {"binary", "BLOB"},
        {"timestamptz", "TIMESTAMPTZ"}, {"time", "TIME"},   {"uuid", "UUID"},
    };
    floe_str name = floe_str_trim(text);
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (floe_str_is(name, NAMES[i][0])) {
            floe_buf_text(out, NAMES[i][1]);
            return FLOE_OK;
        }
    }
    if (floe_str_starts_with(name, FLOE_STR("list<")) && floe_str_ends_with(name, FLOE_STR(">"))) {
        FLOE_TRY(floe_import_type_named((floe_str){name.ptr + 5, name.len - 6}, out, err));
        floe_buf_text(out, "[]");
        return FLOE_OK;
    }
    floe_type type;
    FLOE_TRY(floe_type_parse(name, &type, err));
    floe_sql_type_name(out, type);
    return FLOE_OK;
}

/* ---- matching ---- */

static bool fields_widen(const floe_ice_type *from, const floe_ice_type *to) {
    if (from->field_count != to->field_count) {
        return false;
    }
    for (size_t i = 0; i < from->field_count; i++) {
        const floe_ice_field *match = NULL;
        for (size_t t = 0; t < to->field_count && !match; t++) {
            match = floe_str_equal(from->fields[i].name, to->fields[t].name) ? &to->fields[t] : NULL;
        }
        if (!match || !floe_import_type_widens(from->fields[i].type, match->type)) {
            return false;
        }
    }
    return true;
}

bool floe_import_type_widens(const floe_ice_type *from, const floe_ice_type *to) {
    if (from->kind != to->kind) {
        return (from->kind == FLOE_ICE_INT && to->kind == FLOE_ICE_LONG) ||
               (from->kind == FLOE_ICE_FLOAT && to->kind == FLOE_ICE_DOUBLE);
    }
    if (from->kind == FLOE_ICE_DECIMAL) {
        return from->scale == to->scale && from->precision <= to->precision;
    }
    if (from->kind == FLOE_ICE_OTHER || from->kind == FLOE_ICE_FIXED) {
        return false;
    }
    return fields_widen(from, to); /* a primitive has no fields */
}
