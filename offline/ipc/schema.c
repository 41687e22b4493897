/*
 * A schema message's fields: what each is called, how its values lie in memory, and what the C interface calls that. What
 * cannot be read right is refused here, by the column's name.
 */
#include "offline/ipc/ipc_int.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Of the union Type in Schema.fbs. */
enum {
    TYPE_NULL = 1,
    TYPE_INT,
    TYPE_FLOAT,
    TYPE_BINARY,
    TYPE_UTF8,
    TYPE_BOOL,
    TYPE_DECIMAL,
    TYPE_DATE,
    TYPE_TIME,
    TYPE_TIMESTAMP,
    TYPE_INTERVAL,
    TYPE_LIST,
    TYPE_STRUCT,
    TYPE_UNION,
    TYPE_FIXED_BINARY,
    TYPE_FIXED_LIST,
    TYPE_MAP,
    TYPE_DURATION,
    TYPE_LARGE_BINARY,
    TYPE_LARGE_UTF8,
    TYPE_LARGE_LIST,
    TYPE_RUN_END,
    TYPE_BINARY_VIEW,
    TYPE_UTF8_VIEW,
    TYPE_LIST_VIEW,
    TYPE_LARGE_LIST_VIEW
};

static const char UNITS[] = "smun"; /* seconds, milli, micro, nano */

static floe_status refuse(const ipc_field *field, const char *what, floe_error *err) {
    return FLOE_FAIL(err, FLOE_UNSUPPORTED, "the column \"%.*s\" is %s, which floe does not read from Arrow files",
                     FLOE_STR_BRIEF(field->name), what);
}

static floe_status damaged(const ipc_field *field, const char *what, floe_error *err) {
    return FLOE_FAIL(err, FLOE_CORRUPT, "the column \"%.*s\" says %s", FLOE_STR_BRIEF(field->name), what);
}

static floe_status fixed(ipc_field *field, const char *format, int64_t width) {
    snprintf(field->format, sizeof field->format, "%s", format);
    field->layout = IPC_FIXED;
    field->width = width;
    return FLOE_OK;
}

/* ---- types with parameters ---- */

static floe_status take_int(ipc_table type, ipc_field *field, floe_error *err) {
    int64_t bits = floe_ipc_int(type, 0, 4, 0);
    bool is_signed = floe_ipc_int(type, 1, 1, 0) != 0;
    switch (bits) {
    case 8:
        return fixed(field, is_signed ? "c" : "C", 1);
    case 16:
        return fixed(field, is_signed ? "s" : "S", 2);
    case 32:
        return fixed(field, is_signed ? "i" : "I", 4);
    case 64:
        return fixed(field, is_signed ? "l" : "L", 8);
    default:
        return damaged(field, "an integer of a width that there is not", err);
    }
}

static floe_status take_float(ipc_table type, ipc_field *field, floe_error *err) {
    int64_t precision = floe_ipc_int(type, 0, 2, 0);
    if (precision == 0) {
        return refuse(field, "a half float", err);
    }
    return precision == 1   ? fixed(field, "f", 4)
           : precision == 2 ? fixed(field, "g", 8)
                            : damaged(field, "a float of a precision that there is not", err);
}

static floe_status take_decimal(ipc_table type, ipc_field *field, floe_error *err) {
    int64_t precision = floe_ipc_int(type, 0, 4, 0), scale = floe_ipc_int(type, 1, 4, 0);
    int64_t bits = floe_ipc_int(type, 2, 4, 128);
    if (bits == 256) {
        return refuse(field, "a 256-bit decimal", err);
    }
    if ((bits != 32 && bits != 64 && bits != 128) || precision < 1 ||
        precision > (bits == 128  ? 38
                     : bits == 64 ? 18
                                  : 9)) {
        return damaged(field, "a decimal of a width that there is not", err);
    }
    if (scale < 0 || scale > precision) {
        return refuse(field, "a decimal whose scale is negative or larger than its precision", err);
    }
    (void)fixed(field, "", bits / 8);
    snprintf(field->format, sizeof field->format, bits == 128 ? "d:%d,%d" : "d:%d,%d,%d", (int)precision, (int)scale,
             (int)bits);
    return FLOE_OK;
}

static floe_status take_date(ipc_table type, ipc_field *field, floe_error *err) {
    int64_t unit = floe_ipc_int(type, 0, 2, 1);
    return unit == 0   ? fixed(field, "tdD", 4)
           : unit == 1 ? fixed(field, "tdm", 8)
                       : damaged(field, "a date of a unit that there is not", err);
}

static floe_status take_time(ipc_table type, ipc_field *field, floe_error *err) {
    int64_t unit = floe_ipc_int(type, 0, 2, 1), bits = floe_ipc_int(type, 1, 4, 32);
    if (unit < 0 || unit > 3 || bits != (unit < 2 ? 32 : 64)) {
        return damaged(field, "a time of a unit that there is not", err);
    }
    (void)fixed(field, "", bits / 8);
    snprintf(field->format, sizeof field->format, "tt%c", UNITS[unit]);
    return FLOE_OK;
}

static floe_status take_timestamp(ipc_table type, ipc_field *field, floe_error *err) {
    int64_t unit = floe_ipc_int(type, 0, 2, 0);
    if (unit < 0 || unit > 3) {
        return damaged(field, "a timestamp of a unit that there is not", err);
    }
    (void)fixed(field, "", 8);
    bool zoned = floe_ipc_text(type, 1).len > 0 && unit < 3;
    snprintf(field->format, sizeof field->format, "ts%c:%s", UNITS[unit], zoned ? "UTC" : "");
    return FLOE_OK;
}

static floe_status take_interval(ipc_table type, ipc_field *field, floe_error *err) {
    int64_t unit = floe_ipc_int(type, 0, 2, 0);
    return unit == 0   ? fixed(field, "tiM", 4)
           : unit == 1 ? fixed(field, "tiD", 8)
           : unit == 2 ? fixed(field, "tin", 16)
                       : damaged(field, "an interval of a unit that there is not", err);
}

static floe_status take_duration(ipc_table type, ipc_field *field, floe_error *err) {
    int64_t unit = floe_ipc_int(type, 0, 2, 1);
    if (unit < 0 || unit > 3) {
        return damaged(field, "a duration of a unit that there is not", err);
    }
    (void)fixed(field, "", 8);
    snprintf(field->format, sizeof field->format, "tD%c", UNITS[unit]);
    return FLOE_OK;
}

static floe_status take_fixed_binary(ipc_table type, ipc_field *field, floe_error *err) {
    int64_t width = floe_ipc_int(type, 0, 4, 0);
    if (width < 1) {
        return damaged(field, "bytes of no width", err);
    }
    field->is_uuid = field->is_uuid && width == 16;
    (void)fixed(field, "", width);
    snprintf(field->format, sizeof field->format, "w:%d", (int)width);
    return FLOE_OK;
}

static floe_status take_fixed_list(ipc_table type, ipc_field *field, floe_error *err) {
    field->width = floe_ipc_int(type, 0, 4, 0);
    field->layout = IPC_FIXED_LIST;
    if (field->width < 1) {
        return damaged(field, "lists of no length", err);
    }
    snprintf(field->format, sizeof field->format, "+w:%d", (int)field->width);
    return FLOE_OK;
}

/* ---- all types ---- */

typedef struct plain_type {
    const char *format;
    ipc_layout layout;
    bool is_text;
    size_t child_count; /* SIZE_MAX: any */
} plain_type;

static const plain_type PLAIN[] = {
    [TYPE_NULL] = {"n", IPC_NULL, false, 0},
    [TYPE_BINARY] = {"z", IPC_TEXT, false, 0},
    [TYPE_UTF8] = {"u", IPC_TEXT, true, 0},
    [TYPE_BOOL] = {"b", IPC_BITS, false, 0},
    [TYPE_LIST] = {"+l", IPC_LIST, false, 1},
    [TYPE_STRUCT] = {"+s", IPC_STRUCT, false, SIZE_MAX},
    [TYPE_MAP] = {"+m", IPC_MAP, false, 1},
    [TYPE_LARGE_BINARY] = {"Z", IPC_TEXT64, false, 0},
    [TYPE_LARGE_UTF8] = {"U", IPC_TEXT64, true, 0},
    [TYPE_LARGE_LIST] = {"+L", IPC_LIST64, false, 1},
    [TYPE_BINARY_VIEW] = {"vz", IPC_VIEW, false, 0},
    [TYPE_UTF8_VIEW] = {"vu", IPC_VIEW, true, 0},
    [TYPE_LARGE_LIST_VIEW] = {NULL, IPC_NULL, false, 0},
};

static floe_status take_plain(int64_t kind, ipc_field *field, floe_error *err) {
    const plain_type *plain = kind > 0 && kind <= TYPE_LARGE_LIST_VIEW ? &PLAIN[kind] : NULL;
    if (!plain || !plain->format) {
        return refuse(field,
                      kind == TYPE_UNION                                       ? "a union"
                      : kind == TYPE_RUN_END                                   ? "encoded by run ends"
                      : kind == TYPE_LIST_VIEW || kind == TYPE_LARGE_LIST_VIEW ? "a list view"
                                                                               : "of an unknown type",
                      err);
    }
    snprintf(field->format, sizeof field->format, "%s", plain->format);
    field->layout = plain->layout;
    field->is_text = plain->is_text;
    return FLOE_OK;
}

static floe_status take_type(int64_t kind, ipc_table type, ipc_field *field, floe_error *err) {
    switch (kind) {
    case TYPE_INT:
        return take_int(type, field, err);
    case TYPE_FLOAT:
        return take_float(type, field, err);
    case TYPE_DECIMAL:
        return take_decimal(type, field, err);
    case TYPE_DATE:
        return take_date(type, field, err);
    case TYPE_TIME:
        return take_time(type, field, err);
    case TYPE_TIMESTAMP:
        return take_timestamp(type, field, err);
    case TYPE_INTERVAL:
        return take_interval(type, field, err);
    case TYPE_DURATION:
        return take_duration(type, field, err);
    case TYPE_FIXED_BINARY:
        return take_fixed_binary(type, field, err);
    case TYPE_FIXED_LIST:
        return take_fixed_list(type, field, err);
    default:
        return take_plain(kind, field, err);
    }
}

/* ---- a field ---- */

static bool is_uuid(ipc_table table) {
    ipc_vector pairs = floe_ipc_items(table, 6, 4);
    for (size_t i = 0; i < pairs.count; i++) {
        ipc_table pair = floe_ipc_item(pairs, i);
        if (floe_str_is(floe_ipc_text(pair, 0), "ARROW:extension:name")) {
            return floe_str_is(floe_ipc_text(pair, 1), "arrow.uuid");
        }
    }
    return false;
}

/* How the indices of an encoded column lie. */
static floe_status take_encoding(ipc_table encoding, ipc_field *field, floe_error *err) {
    if (encoding.at == 0) {
        return FLOE_OK;
    }
    ipc_table index = floe_ipc_table(encoding, 1);
    int64_t bits = floe_ipc_int(index, 0, 4, 32);
    field->is_encoded = true;
    field->dictionary_id = floe_ipc_int(encoding, 0, 8, 0);
    field->index_is_signed = index.at == 0 || floe_ipc_int(index, 1, 1, 0) != 0;
    field->index_width = (unsigned)bits / 8;
    bool known = bits == 8 || bits == 16 || bits == 32 || bits == 64;
    return known ? FLOE_OK : damaged(field, "indices of a width that there is not", err);
}

static floe_status check_children(const ipc_field *field, floe_error *err) {
    size_t count = field->child_count;
    bool one = field->layout == IPC_LIST || field->layout == IPC_LIST64 || field->layout == IPC_MAP ||
               field->layout == IPC_FIXED_LIST;
    bool ok = one ? count == 1 : field->layout == IPC_STRUCT ? count > 0 : count == 0;
    if (field->layout == IPC_MAP && ok) {
        ok = field->children[0].layout == IPC_STRUCT && field->children[0].child_count == 2 &&
             !field->children[0].is_encoded;
    }
    return ok ? FLOE_OK : damaged(field, "that it has other members than its type", err);
}

typedef struct field_reader {
    floe_arena *arena;
    size_t field_count;
    floe_error *err;
} field_reader;

static floe_status take_field(field_reader *reader, ipc_table table, unsigned depth, ipc_field *field);

static floe_status take_children(field_reader *reader, ipc_vector items, unsigned depth, ipc_field **ret_fields) {
    reader->field_count += items.count;
    FLOE_ENSURE(reader->field_count <= IPC_FIELDS_MAX, reader->err, FLOE_LIMIT, "the schema has more than %d fields",
                IPC_FIELDS_MAX);
    ipc_field *fields = floe_arena_alloc(reader->arena, items.count + 1, sizeof *fields);
    FLOE_TRY(floe_arena_check(reader->arena, reader->err));
    for (size_t i = 0; i < items.count; i++) {
        FLOE_TRY(take_field(reader, floe_ipc_item(items, i), depth, &fields[i]));
    }
    *ret_fields = fields;
    return FLOE_OK;
}

static floe_status take_field(field_reader *reader, ipc_table table, unsigned depth, ipc_field *field) {
    *field = (ipc_field){.name = floe_ipc_text(table, 0), .nullable = floe_ipc_int(table, 1, 1, 0) != 0};
    FLOE_ENSURE(depth < IPC_DEPTH_MAX, reader->err, FLOE_LIMIT, "the schema is nested more than %d levels deep",
                IPC_DEPTH_MAX);
    FLOE_ENSURE(!memchr(field->name.ptr, 0, field->name.len) && floe_str_is_utf8(field->name), reader->err,
                FLOE_CORRUPT, "a column's name is no text");
    field->name = floe_arena_str(reader->arena, field->name);
    field->is_uuid = is_uuid(table);
    FLOE_TRY(take_type(floe_ipc_int(table, 2, 1, 0), floe_ipc_table(table, 3), field, reader->err));
    FLOE_TRY(take_encoding(floe_ipc_table(table, 4), field, reader->err));
    ipc_vector items = floe_ipc_items(table, 5, 4);
    field->child_count = items.count;
    FLOE_TRY(take_children(reader, items, depth + 1, &field->children));
    field->is_uuid = field->is_uuid && field->format[0] == 'w';
    return check_children(field, reader->err);
}

/* The engine takes names that differ only in case for one. */
static floe_status check_names(const ipc_field *fields, size_t count, floe_error *err) {
    for (size_t i = 1; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            floe_str a = fields[k].name, b = fields[i].name;
            FLOE_ENSURE(a.len != b.len || strncasecmp(a.ptr, b.ptr, a.len) != 0, err, FLOE_INVALID,
                        "two columns are named \"%.*s\" and \"%.*s\", the %zu. and the %zu.; rename one",
                        FLOE_STR_BRIEF(a), FLOE_STR_BRIEF(b), k + 1, i + 1);
        }
    }
    return FLOE_OK;
}

floe_status floe_ipc_fields(ipc_table schema, floe_arena *arena, ipc_field **ret_fields, size_t *ret_count,
                            floe_error *err) {
    field_reader reader = {.arena = arena, .err = err};
    ipc_field *fields = NULL;
    ipc_vector items = floe_ipc_items(schema, 1, 4);
    FLOE_ENSURE(schema.at > 0 && !schema.flat->corrupt, err, FLOE_CORRUPT, "there is no schema in it");
    FLOE_ENSURE(floe_ipc_int(schema, 0, 2, 0) == 0, err, FLOE_UNSUPPORTED,
                "its numbers are big-endian, which floe does not read");
    FLOE_ENSURE(items.count > 0, err, FLOE_INVALID, "it has no columns");
    FLOE_TRY(take_children(&reader, items, 0, &fields));
    FLOE_ENSURE(!schema.flat->corrupt, err, FLOE_CORRUPT, "its schema points outside itself");
    FLOE_TRY(check_names(fields, items.count, err));
    *ret_fields = fields;
    *ret_count = items.count;
    return floe_arena_check(arena, err);
}

/* ---- the C schema ---- */

static void keep(struct ArrowSchema *schema) {
    schema->release = NULL;
}

/* int32 count, then keys and values, each after its int32 length, as the C interface has it. */
static const char UUID_METADATA[] = "\1\0\0\0"
                                    "\24\0\0\0ARROW:extension:name"
                                    "\12\0\0\0arrow.uuid";

/* Text of a dictionary comes with 64-bit offsets, which no batch can pass. */
static const char *plain_format(const ipc_field *field) {
    if (field->is_encoded && (field->layout == IPC_TEXT || field->layout == IPC_TEXT64 || field->layout == IPC_VIEW)) {
        return field->is_text ? "U" : "Z";
    }
    return field->format;
}

static void describe(const ipc_field *field, floe_arena *arena, struct ArrowSchema *out);

static void describe_children(const ipc_field *fields, size_t count, floe_arena *arena, struct ArrowSchema *out) {
    out->children = floe_arena_alloc(arena, count + 1, sizeof *out->children);
    for (size_t i = 0; i < count && out->children; i++) {
        out->children[i] = floe_arena_alloc(arena, 1, sizeof **out->children);
        if (out->children[i]) {
            describe(&fields[i], arena, out->children[i]);
        }
    }
    out->n_children = (int64_t)count;
}

static void describe(const ipc_field *field, floe_arena *arena, struct ArrowSchema *out) {
    *out = (struct ArrowSchema){.format = plain_format(field),
                                .name = floe_arena_strndup(arena, field->name.ptr, field->name.len),
                                .metadata = field->is_uuid ? UUID_METADATA : NULL,
                                .flags = ARROW_FLAG_NULLABLE,
                                .release = keep};
    describe_children(field->children, field->child_count, arena, out);
}

floe_status floe_ipc_c_schema(const ipc_field *fields, size_t count, struct ArrowSchema *ret_schema, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(256));
    struct ArrowSchema schema = {.format = "+s", .name = "", .release = keep};
    describe_children(fields, count, &arena, &schema);
    FLOE_TRY(floe_arena_check(&arena, err));
    return floe_arrow_schema_copy(&schema, ret_schema, err);
}
