/*
 * Columns of a schema: finding them, and whether they can be read right.
 */
#include "offline/iceberg/plan_int.h"

#include "core/limits.h"

#include <strings.h>

/* ---- finding ---- */

static floe_status column_missing(const floe_ice_schema *schema, floe_str name, floe_arena *arena, floe_error *err) {
    const char **names = floe_arena_alloc(arena, schema->field_count + 1, sizeof(*names));
    for (size_t i = 0; names != NULL && i < schema->field_count; i++) {
        names[i] = floe_arena_str(arena, schema->fields[i].name).ptr;
    }
    FLOE_TRY(floe_arena_check(arena, err));
    const char *nearest = floe_str_nearest(name, names, schema->field_count);
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "no column \"%.*s\"%s%s%s", FLOE_STR_BRIEF(name), FLOE_HINT(nearest));
}

floe_status floe_columns_find(const floe_ice_schema *schema, const floe_str *names, size_t count, floe_arena *arena,
                              const floe_ice_field *const **ret_fields, size_t *ret_count, floe_error *err) {
    size_t found = names == NULL ? schema->field_count : count;
    const floe_ice_field **fields = floe_arena_alloc(arena, found + 1, sizeof(*fields));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < found; i++) {
        fields[i] = names == NULL ? &schema->fields[i] : floe_ice_field_by_name(schema, names[i]);
        if (fields[i] == NULL) {
            return column_missing(schema, names[i], arena, err);
        }
    }
    *ret_fields = fields;
    *ret_count = found;
    return FLOE_OK;
}

/* ---- checking ---- */

static floe_status check_type(const floe_ice_type *type, floe_str column, bool whole, floe_error *err) {
    FLOE_ENSURE(type->kind != FLOE_ICE_OTHER, err, FLOE_UNSUPPORTED,
                "column \"%.*s\" is of type %.*s, which this version of floe cannot read", FLOE_STR_BRIEF(column),
                FLOE_STR_BRIEF(type->text));
    FLOE_ENSURE(whole || type->kind != FLOE_ICE_TIMESTAMPTZ_NS, err, FLOE_UNSUPPORTED,
                "column \"%.*s\" is of type timestamptz_ns, of which the engine reads only microseconds",
                FLOE_STR_BRIEF(column));
    for (size_t i = 0; i < type->field_count; i++) {
        FLOE_TRY(check_type(type->fields[i].type, column, false, err));
        for (size_t k = 0; k < i && type->kind == FLOE_ICE_STRUCT; k++) {
            floe_str a = type->fields[i].name;
            floe_str b = type->fields[k].name;
            FLOE_ENSURE(a.len != b.len || strncasecmp(a.ptr, b.ptr, a.len) != 0, err, FLOE_UNSUPPORTED,
                        "column \"%.*s\" has members that differ only in case: \"%.*s\" and \"%.*s\"",
                        FLOE_STR_BRIEF(column), FLOE_STR_BRIEF(b), FLOE_STR_BRIEF(a));
        }
    }
    return FLOE_OK;
}

static floe_status check_column(const floe_ice_field *field, bool whole, floe_error *err) {
    FLOE_ENSURE(field->name.len > 0, err, FLOE_UNSUPPORTED,
                "the column with the id %d has no name; choose others with --columns", (int)field->id);
    return check_type(field->type, field->name, whole, err);
}

floe_status floe_column_check(const floe_ice_field *field, floe_error *err) {
    return check_column(field, false, err);
}

floe_status floe_column_check_plain(const floe_ice_field *field, floe_error *err) {
    return check_column(field, true, err);
}

/* ---- types as SQL ---- */

static const char *primitive_sql(floe_ice_kind kind) {
    static const char *const NAMES[] = {
        [FLOE_ICE_BOOLEAN] = "BOOLEAN",
        [FLOE_ICE_INT] = "INTEGER",
        [FLOE_ICE_LONG] = "BIGINT",
        [FLOE_ICE_FLOAT] = "FLOAT",
        [FLOE_ICE_DOUBLE] = "DOUBLE",
        [FLOE_ICE_DATE] = "DATE",
        [FLOE_ICE_TIME] = "TIME",
        [FLOE_ICE_TIMESTAMP] = "TIMESTAMP",
        [FLOE_ICE_TIMESTAMPTZ] = "TIMESTAMPTZ",
        [FLOE_ICE_STRING] = "VARCHAR",
        [FLOE_ICE_UUID] = "UUID",
        [FLOE_ICE_FIXED] = "BLOB",
        [FLOE_ICE_BINARY] = "BLOB",
        [FLOE_ICE_TIMESTAMP_NS] = "TIMESTAMP_NS",
        [FLOE_ICE_TIMESTAMPTZ_NS] = "TIMESTAMP_NS", /* only with plain times */
        [FLOE_ICE_UNKNOWN] = "VARCHAR",
    };
    bool named = (size_t)kind < sizeof(NAMES) / sizeof(NAMES[0]) && NAMES[kind] != NULL;
    FLOE_ASSERT(named); /* floe_column_check let it through */
    return NAMES[kind];
}

static void struct_sql(const floe_ice_type *type, floe_buf *out) {
    floe_buf_text(out, "STRUCT(");
    for (size_t i = 0; i < type->field_count; i++) {
        floe_buf_text(out, i > 0 ? ", " : "");
        floe_sql_quote_name(out, type->fields[i].name);
        floe_buf_byte(out, ' ');
        floe_ice_type_sql(type->fields[i].type, false, out);
    }
    floe_buf_byte(out, ')');
}

void floe_ice_type_sql(const floe_ice_type *type, bool plain_times, floe_buf *out) {
    switch (type->kind) {
    case FLOE_ICE_DECIMAL:
        floe_buf_printf(out, "DECIMAL(%d,%d)", type->precision, type->scale);
        return;
    case FLOE_ICE_STRUCT:
        struct_sql(type, out);
        return;
    case FLOE_ICE_LIST:
        floe_ice_type_sql(type->fields[0].type, false, out);
        floe_buf_text(out, "[]");
        return;
    case FLOE_ICE_MAP:
        floe_buf_text(out, "MAP(");
        floe_ice_type_sql(type->fields[0].type, false, out);
        floe_buf_text(out, ", ");
        floe_ice_type_sql(type->fields[1].type, false, out);
        floe_buf_byte(out, ')');
        return;
    default:
        floe_buf_text(out, type->kind == FLOE_ICE_TIMESTAMPTZ && plain_times ? "TIMESTAMP" : primitive_sql(type->kind));
    }
}

/* ---- partition values as SQL ---- */

static void bytes_sql(floe_buf *out, floe_str bytes) {
    floe_buf_byte(out, '\'');
    for (size_t i = 0; i < bytes.len; i++) {
        floe_buf_printf(out, "\\x%02X", (unsigned)(uint8_t)bytes.ptr[i]);
    }
    floe_buf_text(out, "'::BLOB");
}

static void uuid_sql(floe_buf *out, floe_str bytes) {
    floe_buf_byte(out, '\'');
    for (size_t i = 0; i < 16; i++) {
        floe_buf_printf(out, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
                        (unsigned)(uint8_t)bytes.ptr[i]);
    }
    floe_buf_text(out, "'::UUID");
}

static bool is_whole(floe_kind kind) {
    return floe_kind_is_integer(kind) || kind == FLOE_KIND_DATE || kind == FLOE_KIND_TIMESTAMP;
}

/* Numbers and times, all stored as whole numbers. */
static bool whole_sql(floe_ice_kind kind, bool plain_times, int64_t whole, floe_buf *out) {
    switch (kind) {
    case FLOE_ICE_INT:
    case FLOE_ICE_LONG:
        floe_buf_printf(out, "%lld", (long long)whole);
        return true;
    case FLOE_ICE_DATE:
        floe_buf_printf(out, "('1970-01-01'::DATE + %lld)", (long long)whole);
        return true;
    case FLOE_ICE_TIME:
        floe_buf_printf(out, "('00:00:00'::TIME + to_microseconds(%lld))", (long long)whole);
        return true;
    case FLOE_ICE_TIMESTAMP:
        floe_buf_printf(out, "make_timestamp(%lld)", (long long)whole);
        return true;
    case FLOE_ICE_TIMESTAMP_NS:
    case FLOE_ICE_TIMESTAMPTZ_NS:
        floe_buf_printf(out, "make_timestamp_ns(%lld)", (long long)whole);
        return true;
    case FLOE_ICE_TIMESTAMPTZ:
        floe_buf_printf(out, plain_times ? "make_timestamp(%lld)" : "timezone('UTC', make_timestamp(%lld))",
                        (long long)whole);
        return true;
    default:
        return false;
    }
}

static bool other_sql(const floe_ice_type *type, const floe_value *stored, floe_buf *out) {
    floe_kind kind = stored->type.kind;
    switch (type->kind) {
    case FLOE_ICE_BOOLEAN:
        floe_buf_text(out, stored->as.boolean ? "true" : "false");
        return kind == FLOE_KIND_BOOL;
    case FLOE_ICE_FLOAT:
    case FLOE_ICE_DOUBLE:
        floe_buf_printf(out, "'%.17g'::DOUBLE", stored->as.real);
        return kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DOUBLE;
    case FLOE_ICE_DECIMAL:
        floe_buf_byte(out, '\'');
        floe_decimal_print(stored->as.decimal, type->scale, out);
        floe_buf_byte(out, '\'');
        return kind == FLOE_KIND_DECIMAL && stored->type.scale == type->scale;
    case FLOE_ICE_STRING:
        floe_sql_quote_text(out, stored->as.bytes);
        return kind == FLOE_KIND_STRING;
    case FLOE_ICE_UUID: /* 16 bytes by the spec; text by writers that take Avro's word for it */
        if (kind == FLOE_KIND_STRING) {
            floe_sql_quote_text(out, stored->as.bytes);
            floe_buf_text(out, "::UUID");
            return true;
        }
        if (kind == FLOE_KIND_BYTES && stored->as.bytes.len == 16) {
            uuid_sql(out, stored->as.bytes);
            return true;
        }
        return false;
    case FLOE_ICE_FIXED:
    case FLOE_ICE_BINARY:
        bytes_sql(out, kind == FLOE_KIND_BYTES ? stored->as.bytes : (floe_str){0});
        return kind == FLOE_KIND_BYTES;
    default:
        return false;
    }
}

floe_status floe_partition_constant(const floe_ice_field *field, bool plain_times, const floe_value *stored,
                                    floe_buf *out, floe_error *err) {
    if (stored->is_null) {
        floe_buf_text(out, "NULL");
        return FLOE_OK;
    }
    bool nanos = floe_ice_is_nanoseconds(field->type);
    bool times = nanos || field->type->kind == FLOE_ICE_TIMESTAMP || field->type->kind == FLOE_ICE_TIMESTAMPTZ;
    bool scaled = (times && stored->type.kind == FLOE_KIND_DATE) || /* counts something else than the column does */
                  (nanos && stored->type.kind == FLOE_KIND_TIMESTAMP);
    bool done =
        !scaled && is_whole(stored->type.kind) && whole_sql(field->type->kind, plain_times, stored->as.integer, out);
    if (!done && !is_whole(stored->type.kind)) {
        FLOE_AUTO_BUF text = {0}; /* what a wrong kind left half written must not reach `out` */
        floe_buf_init(&text, FLOE_MIB(64));
        bool same_kind = stored->type.kind == FLOE_KIND_BYTES || stored->type.kind == FLOE_KIND_STRING ||
                         (field->type->kind != FLOE_ICE_STRING && field->type->kind != FLOE_ICE_UUID);
        done = same_kind && other_sql(field->type, stored, &text);
        floe_buf_str(out, done ? floe_buf_view(&text) : FLOE_STR(""));
    }
    char kind[FLOE_TYPE_NAME_MAX];
    FLOE_ENSURE(done, err, FLOE_UNSUPPORTED,
                "column \"%.*s\" (%.*s) is not in the file, and its partition value is stored as %s",
                FLOE_STR_BRIEF(field->name), FLOE_STR_BRIEF(field->type->text), floe_type_name(stored->type, kind));
    return FLOE_OK;
}
