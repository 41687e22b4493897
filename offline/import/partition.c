/*
 * Partitions of an import: "month(date), bucket(16, id), origin" to a partition spec, the SQL of each transform, and the
 * folder names.
 *
 * Times are divided as integers (µs since 1970) and rounded down, so that years before 1970 fall where the spec puts them.
 * Source: Iceberg table spec, "Partition Transforms", "Bucket Transform Details", "Truncate Transform Details".
 */
#include "offline/import/import_int.h"

#include "core/limits.h"
#include "core/time.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- the text ---- */

typedef struct transform_row {
    const char *name;
    floe_ice_transform_kind kind;
    bool numbered;
    const char *suffix; /* of the partition field's name */
} transform_row;

static const transform_row TRANSFORMS[] = {
    {"identity", FLOE_TRANSFORM_IDENTITY, false, ""},   {"year", FLOE_TRANSFORM_YEAR, false, "_year"},
    {"month", FLOE_TRANSFORM_MONTH, false, "_month"},   {"day", FLOE_TRANSFORM_DAY, false, "_day"},
    {"hour", FLOE_TRANSFORM_HOUR, false, "_hour"},      {"void", FLOE_TRANSFORM_VOID, false, "_null"},
    {"bucket", FLOE_TRANSFORM_BUCKET, true, "_bucket"}, {"truncate", FLOE_TRANSFORM_TRUNCATE, true, "_trunc"},
};

static const transform_row *transform_named(floe_str name) {
    for (size_t i = 0; i < sizeof TRANSFORMS / sizeof *TRANSFORMS; i++) {
        if (floe_str_is(name, TRANSFORMS[i].name)) {
            return &TRANSFORMS[i];
        }
    }
    return NULL;
}

typedef struct partition_text {
    const transform_row *transform;
    int64_t argument;
    floe_str column;
} partition_text;

static floe_status bad_item(floe_str item, floe_error *err) {
    return FLOE_FAIL(err, FLOE_INVALID,
                     "--partition: \"%.*s\" is not understood; write a column, or year(c), month(c), day(c), hour(c), "
                     "identity(c), void(c), bucket(16, c), truncate(10, c)",
                     FLOE_STR_BRIEF(item));
}

/* "16, id" of bucket(16, id), and "[16]" before the bracket. */
static floe_status take_argument(floe_str item, floe_str number, partition_text *text, floe_error *err) {
    FLOE_ENSURE(!floe_failed(floe_str_to_i64(floe_str_trim(number), &text->argument, NULL)), err, FLOE_INVALID,
                "--partition: \"%.*s\": \"%.*s\" is no number; write %s(16, column)", FLOE_STR_BRIEF(item),
                FLOE_STR_BRIEF(number), text->transform->name);
    FLOE_ENSURE(text->argument >= 1 && text->argument <= INT32_MAX, err, FLOE_INVALID,
                "--partition: \"%.*s\": the number must lie between 1 and 2147483647", FLOE_STR_BRIEF(item));
    return FLOE_OK;
}

static floe_status parse_item(floe_str item, partition_text *ret_text, floe_error *err) {
    const char *open = memchr(item.ptr, '(', item.len);
    if (!open) {
        *ret_text = (partition_text){&TRANSFORMS[0], 0, item};
        return FLOE_OK;
    }
    floe_str name = floe_str_trim((floe_str){item.ptr, (size_t)(open - item.ptr)});
    floe_str inside = {open + 1, item.len - (size_t)(open - item.ptr) - 1};
    if (inside.len == 0 || inside.ptr[inside.len - 1] != ')') {
        return bad_item(item, err);
    }
    inside.len--;
    floe_str number = {0};
    const char *bracket = memchr(name.ptr, '[', name.len);
    const char *comma = memchr(inside.ptr, ',', inside.len);
    if (bracket && name.ptr[name.len - 1] == ']') {
        number = (floe_str){bracket + 1, name.len - (size_t)(bracket - name.ptr) - 2};
        name.len = (size_t)(bracket - name.ptr);
    } else if (comma) {
        number = (floe_str){inside.ptr, (size_t)(comma - inside.ptr)};
        inside = (floe_str){comma + 1, inside.len - number.len - 1};
    }
    *ret_text = (partition_text){transform_named(name), 0, floe_str_trim(inside)};
    if (!ret_text->transform || ret_text->transform->numbered != (number.ptr != NULL) || ret_text->column.len == 0) {
        return bad_item(item, err);
    }
    return number.ptr ? take_argument(item, number, ret_text, err) : FLOE_OK;
}

static bool next_item(floe_str *rest, floe_str *ret_item) {
    if (rest->len == 0) {
        return false;
    }
    size_t len = 0;
    for (int depth = 0; len < rest->len && (depth > 0 || rest->ptr[len] != ','); len++) {
        depth += (rest->ptr[len] == '(') - (rest->ptr[len] == ')');
    }
    *ret_item = floe_str_trim((floe_str){rest->ptr, len});
    len += len < rest->len;
    *rest = (floe_str){rest->ptr + len, rest->len - len};
    return true;
}

/* ---- the spec ---- */

static floe_str transform_text(floe_import *import, const partition_text *text) {
    if (text->transform->numbered) {
        return floe_str_of(floe_arena_printf(import->arena, "%s[%" PRId64 "]", text->transform->name, text->argument));
    }
    return floe_str_of(text->transform->name);
}

/* A partition field may share its name only with its own source column, and only for identity. */
static floe_str field_name(floe_import *import, const partition_text *text, const floe_ice_partition_field *fields,
                           size_t count) {
    char *name = floe_arena_printf(import->arena, "%.*s%s", FLOE_STR_ARG(text->column), text->transform->suffix);
    for (unsigned n = 2; name; n++) {
        bool taken = text->transform->kind != FLOE_TRANSFORM_IDENTITY &&
                     floe_ice_field_by_name(&import->schema, floe_str_of(name)) != NULL;
        for (size_t i = 0; i < count && !taken; i++) {
            taken = floe_str_is(fields[i].name, name);
        }
        if (!taken) {
            break;
        }
        name = floe_arena_printf(import->arena, "%.*s%s_%u", FLOE_STR_ARG(text->column), text->transform->suffix, n);
    }
    return floe_str_of(name);
}

/* Where the table ever had the same field, its id stays: version 2 asks for it. */
static int32_t field_id(floe_import *import, const floe_ice_partition_field *field) {
    const floe_ice_metadata *metadata = import->table ? &import->table->metadata : NULL;
    for (size_t s = 0; metadata && s < metadata->spec_count; s++) {
        for (size_t i = 0; i < metadata->specs[s].field_count; i++) {
            const floe_ice_partition_field *former = &metadata->specs[s].fields[i];
            if (former->source_id == field->source_id &&
                floe_str_equal(former->transform_text, field->transform_text)) {
                return former->field_id;
            }
        }
    }
    return ++import->last_partition_id;
}

static floe_status no_column(floe_import *import, floe_str name, floe_error *err) {
    size_t count = import->schema.field_count;
    const char **names = floe_arena_alloc(import->arena, count + 1, sizeof(*names));
    for (size_t i = 0; names && i < count; i++) {
        names[i] = floe_arena_printf(import->arena, "%.*s", FLOE_STR_ARG(import->schema.fields[i].name));
    }
    FLOE_TRY(floe_arena_check(import->arena, err));
    const char *nearest = floe_str_nearest(name, names, count);
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "--partition: there is no column \"%.*s\"%s%s%s", FLOE_STR_BRIEF(name),
                     FLOE_HINT(nearest));
}

static floe_status add_field(floe_import *import, const partition_text *text, floe_ice_partition_field *fields,
                             size_t count, floe_error *err) {
    const floe_ice_field *source = floe_ice_field_by_name(&import->schema, text->column);
    if (!source) {
        return no_column(import, text->column, err);
    }
    floe_ice_partition_field *field = &fields[count];
    *field = (floe_ice_partition_field){.source_id = source->id,
                                        .transform = text->transform->kind,
                                        .argument = (int32_t)text->argument,
                                        .transform_text = transform_text(import, text),
                                        .name = field_name(import, text, fields, count)};
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(fields[i].source_id != field->source_id ||
                        !floe_str_equal(fields[i].transform_text, field->transform_text),
                    err, FLOE_INVALID, "--partition: %.*s(%.*s) is named twice", FLOE_STR_ARG(field->transform_text),
                    FLOE_STR_BRIEF(source->name));
    }
    field->field_id = field_id(import, field);
    return floe_arena_check(import->arena, err);
}

#define PARTITION_FIELDS_MAX 16

static floe_status parse_spec(floe_import *import, const char *text, floe_ice_spec *ret_spec, floe_error *err) {
    floe_ice_partition_field *fields = floe_arena_alloc(import->arena, PARTITION_FIELDS_MAX, sizeof *fields);
    size_t count = 0;
    floe_str rest = floe_str_of(text), item;
    FLOE_TRY(floe_arena_check(import->arena, err));
    while (next_item(&rest, &item)) {
        partition_text parsed;
        if (item.len == 0) {
            return bad_item(floe_str_of(text), err);
        }
        FLOE_ENSURE(count < PARTITION_FIELDS_MAX, err, FLOE_LIMIT, "--partition: more than %d fields",
                    PARTITION_FIELDS_MAX);
        FLOE_TRY(parse_item(item, &parsed, err));
        FLOE_TRY(add_field(import, &parsed, fields, count++, err));
    }
    *ret_spec = (floe_ice_spec){.fields = fields, .field_count = count};
    return FLOE_OK;
}

static bool same_spec(const floe_ice_spec *a, const floe_ice_spec *b) {
    bool same = a->field_count == b->field_count;
    for (size_t i = 0; same && i < a->field_count; i++) {
        same = a->fields[i].source_id == b->fields[i].source_id &&
               floe_str_equal(a->fields[i].transform_text, b->fields[i].transform_text);
    }
    return same;
}

/* The table's spec with the same fields, else the next free id. */
static void number_spec(floe_import *import) {
    const floe_ice_metadata *metadata = &import->table->metadata;
    int32_t next = 0;
    for (size_t i = 0; i < metadata->spec_count; i++) {
        if (same_spec(&metadata->specs[i], &import->spec)) {
            import->spec = metadata->specs[i];
            return;
        }
        next = metadata->specs[i].spec_id >= next ? metadata->specs[i].spec_id + 1 : next;
    }
    import->spec.spec_id = next;
}

/* A replacement has no column with the id that a partition is of: it left, or came back with a type of its own. */
static floe_status lost_source(const floe_import *import, const floe_ice_partition_field *field, floe_error *err) {
    const floe_ice_field *was = NULL;
    for (size_t i = 0; import->table && !was && i < import->table->metadata.schema_count; i++) {
        was = floe_ice_field_by_id(&import->table->metadata.schemas[i], field->source_id);
    }
    const floe_ice_field *is = was ? floe_ice_field_by_name(&import->schema, was->name) : NULL;
    FLOE_AUTO_BUF types;
    floe_buf_init(&types, FLOE_KIB(64));
    if (is) {
        floe_ice_type_print(was->type, &types);
        floe_buf_text(&types, " to ");
        floe_ice_type_print(is->type, &types);
        return FLOE_FAIL(
            err, FLOE_INVALID,
            "the table is partitioned by %.*s of the column \"%.*s\", whose type changes from %.*s: say with "
            "--partition how it is to be partitioned now",
            FLOE_STR_BRIEF(field->transform_text), FLOE_STR_BRIEF(was->name), FLOE_STR_BRIEF(floe_buf_view(&types)));
    }
    return FLOE_FAIL(err, FLOE_INVALID,
                     "the table is partitioned by %.*s, whose column is not there any more: give --partition",
                     FLOE_STR_BRIEF(field->name));
}

static floe_status fill_types(floe_import *import, floe_error *err) {
    const floe_ice_spec *spec = &import->spec;
    import->partition_types = floe_arena_alloc(import->arena, spec->field_count, sizeof *import->partition_types);
    FLOE_TRY(floe_arena_check(import->arena, err));
    for (size_t i = 0; i < spec->field_count; i++) {
        const floe_ice_field *source = floe_ice_field_by_id(&import->schema, spec->fields[i].source_id);
        FLOE_TRY(source ? FLOE_OK : lost_source(import, &spec->fields[i], err));
        FLOE_ENSURE(spec->fields[i].transform != FLOE_TRANSFORM_UNKNOWN, err, FLOE_UNSUPPORTED,
                    "the table is partitioned by %.*s, which floe cannot compute",
                    FLOE_STR_BRIEF(spec->fields[i].transform_text));
        FLOE_TRY(floe_ice_transform_type(&spec->fields[i], source, &import->partition_types[i], err));
    }
    return FLOE_OK;
}

floe_status floe_import_partition(floe_import *import, floe_error *err) {
    const char *text = import->request->partition;
    const floe_ice_metadata *metadata = import->table ? &import->table->metadata : NULL;
    const floe_ice_spec *current = metadata ? floe_ice_spec_by_id(metadata, metadata->default_spec_id) : NULL;
    FLOE_ENSURE(!metadata || current, err, FLOE_CORRUPT, "%s: the default partition spec is not in the metadata",
                import->table ? import->table->metadata_path : "");
    import->last_partition_id = metadata && metadata->last_partition_id > 999 ? metadata->last_partition_id : 999;
    if (!text && current) {
        import->spec = *current;
        return fill_types(import, err);
    }
    FLOE_TRY(parse_spec(import, text, &import->spec, err));
    FLOE_ENSURE(!floe_import_keeps_schema(import->request) || same_spec(current, &import->spec), err, FLOE_INVALID,
                "--partition differs from the table's partitions: leave it out with --append and --overwrite");
    if (metadata) {
        number_spec(import);
    }
    return fill_types(import, err);
}

/* ---- SQL ---- */

/* x - x mod w with a remainder that is never negative, over HUGEINT: no value overflows. */
static void put_floor(floe_buf *out, const char *x, int64_t w, const char *suffix) {
    floe_buf_printf(out, "((%s)::HUGEINT - ((%s)::HUGEINT %% %" PRId64 " + %" PRId64 ") %% %" PRId64 ")%s", x, x, w, w,
                    w, suffix);
}

/* The cast of what a transform computed. A value that its type cannot hold is told in the partition's words: the least ones
 * are taken below it. */
static void put_result(floe_buf *out, const floe_ice_partition_field *field, const floe_ice_field *source,
                       const char *x, const char *result, const char *type) {
    FLOE_AUTO_BUF words, end;
    floe_buf_init(&words, FLOE_KIB(64));
    floe_buf_init(&end, FLOE_KIB(64));
    floe_buf_printf(&words, "--partition: column \"%.*s\" has the value ", FLOE_STR_BRIEF(source->name));
    floe_buf_printf(&end, ", which %.*s takes to one that its type cannot hold; choose another transform or type",
                    FLOE_STR_ARG(field->transform_text));
    floe_buf_printf(out, "CASE WHEN (%s) IS NOT NULL AND TRY_CAST(%s AS %s) IS NULL THEN error(", x, result, type);
    floe_sql_quote_text(out, floe_buf_view(&words));
    floe_buf_printf(out, " || (%s)::VARCHAR || ", x);
    floe_sql_quote_text(out, floe_buf_view(&end));
    floe_buf_printf(out, ") ELSE TRY_CAST(%s AS %s) END", result, type);
}

/* Over the unscaled integer, which is put back by its exponent. */
static void truncate_decimal_sql(const floe_ice_partition_field *field, const floe_ice_field *source, const char *x,
                                 floe_buf *out) {
    FLOE_AUTO_BUF unscaled, result;
    char type[32];
    floe_buf_init(&unscaled, FLOE_KIB(64));
    floe_buf_init(&result, FLOE_KIB(256));
    floe_buf_printf(&unscaled, "replace((%s)::VARCHAR, '.', '')", x);
    floe_buf_byte(&result, '(');
    put_floor(&result, floe_buf_view(&unscaled).ptr, field->argument, "");
    floe_buf_printf(&result, ")::VARCHAR || 'e-%u'", source->type->scale);
    snprintf(type, sizeof type, "DECIMAL(%u,%u)", source->type->precision, source->type->scale);
    put_result(out, field, source, x, floe_buf_view(&result).ptr, type);
}

static void truncate_integer_sql(const floe_ice_partition_field *field, const floe_ice_field *source, const char *x,
                                 floe_buf *out) {
    FLOE_AUTO_BUF result;
    floe_buf_init(&result, FLOE_KIB(256));
    put_floor(&result, x, field->argument, "");
    put_result(out, field, source, x, floe_buf_view(&result).ptr,
               source->type->kind == FLOE_ICE_INT ? "INTEGER" : "BIGINT");
}

static void truncate_sql(const floe_ice_partition_field *field, const floe_ice_field *source, const char *x,
                         floe_buf *out) {
    switch (source->type->kind) {
    case FLOE_ICE_STRING:
        floe_buf_printf(out, "left(%s, %" PRId32 ")", x, field->argument);
        break;
    case FLOE_ICE_BINARY:
        floe_buf_printf(out, "array_slice(%s, 1, %" PRId32 ")", x, field->argument);
        break;
    case FLOE_ICE_DECIMAL:
        truncate_decimal_sql(field, source, x, out);
        break;
    default:
        truncate_integer_sql(field, source, x, out);
    }
}

static void bucket_sql(const floe_ice_partition_field *field, const floe_ice_field *source, const char *x,
                       floe_buf *out) {
    floe_buf_text(out, "floe_murmur3(");
    switch (source->type->kind) {
    case FLOE_ICE_DATE:
        floe_buf_printf(out, "(%s - DATE '1970-01-01')::BIGINT", x);
        break;
    case FLOE_ICE_TIME:
    case FLOE_ICE_TIMESTAMP:
    case FLOE_ICE_TIMESTAMPTZ:
        floe_buf_printf(out, "epoch_us(%s)", x);
        break;
    case FLOE_ICE_DECIMAL:
        floe_buf_printf(out, "replace((%s)::VARCHAR, '.', '')::HUGEINT", x);
        break;
    case FLOE_ICE_UUID:
        floe_buf_printf(out, "from_hex(replace((%s)::VARCHAR, '-', ''))", x);
        break;
    case FLOE_ICE_STRING:
    case FLOE_ICE_BINARY:
    case FLOE_ICE_FIXED:
        floe_buf_text(out, x);
        break;
    default:
        floe_buf_printf(out, "(%s)::BIGINT", x);
    }
    floe_buf_printf(out, ") %% %" PRId32, field->argument);
}

/* Days since 1970 of a date or a time. */
static void put_days(floe_buf *out, const floe_ice_field *source, const char *x) {
    if (source->type->kind == FLOE_ICE_DATE) {
        floe_buf_printf(out, "(%s - DATE '1970-01-01')", x);
    } else {
        FLOE_AUTO_BUF micros;
        floe_buf_init(&micros, FLOE_KIB(64));
        floe_buf_printf(&micros, "epoch_us(%s)", x);
        put_floor(out, floe_buf_view(&micros).ptr, INT64_C(86400000000), " // 86400000000");
    }
}

static void time_sql(const floe_ice_partition_field *field, const floe_ice_field *source, const char *x,
                     floe_buf *out) {
    if (field->transform == FLOE_TRANSFORM_HOUR) {
        FLOE_AUTO_BUF micros, hours;
        floe_buf_init(&micros, FLOE_KIB(64));
        floe_buf_init(&hours, FLOE_KIB(256));
        floe_buf_printf(&micros, "epoch_us(%s)", x);
        put_floor(&hours, floe_buf_view(&micros).ptr, INT64_C(3600000000), " // 3600000000");
        put_result(out, field, source, x, floe_buf_view(&hours).ptr, "INTEGER");
        return;
    }
    FLOE_AUTO_BUF day;
    floe_buf_init(&day, FLOE_KIB(64));
    floe_buf_text(&day, "(DATE '1970-01-01' + CAST(");
    put_days(&day, source, x);
    floe_buf_text(&day, " AS INTEGER))");
    const char *d = floe_buf_view(&day).ptr;
    if (field->transform == FLOE_TRANSFORM_DAY) {
        floe_buf_text(out, d);
    } else if (field->transform == FLOE_TRANSFORM_MONTH) {
        floe_buf_printf(out, "CAST((year(%s) - 1970) * 12 + month(%s) - 1 AS INTEGER)", d, d);
    } else {
        floe_buf_printf(out, "CAST(year(%s) - 1970 AS INTEGER)", d);
    }
}

void floe_import_transform_sql(const floe_ice_partition_field *field, const floe_ice_field *source, floe_buf *out) {
    FLOE_AUTO_BUF column;
    floe_buf_init(&column, FLOE_KIB(64));
    floe_sql_quote_name(&column, source->name);
    const char *x = floe_buf_view(&column).ptr;
    switch (field->transform) {
    case FLOE_TRANSFORM_IDENTITY:
        floe_buf_text(out, x);
        break;
    case FLOE_TRANSFORM_BUCKET:
        bucket_sql(field, source, x, out);
        break;
    case FLOE_TRANSFORM_TRUNCATE:
        truncate_sql(field, source, x, out);
        break;
    case FLOE_TRANSFORM_VOID:
    case FLOE_TRANSFORM_UNKNOWN:
        floe_buf_text(out, "CAST(NULL AS ");
        floe_import_type_sql(out, source->type);
        floe_buf_byte(out, ')');
        break;
    case FLOE_TRANSFORM_YEAR:
    case FLOE_TRANSFORM_MONTH:
    case FLOE_TRANSFORM_DAY:
    case FLOE_TRANSFORM_HOUR:
    default:
        time_sql(field, source, x, out);
    }
}

/* ---- folders ---- */

#define PATH_VALUE_MAX 120 /* bytes: a folder's name has its limit, and readers take no meaning from it */

static void put_path_text(floe_buf *out, floe_str text) {
    size_t start = out->len;
    for (size_t i = 0; i < text.len && out->len - start < PATH_VALUE_MAX; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (plain || (c == '.' && i > 0)) {
            floe_buf_byte(out, c);
        } else {
            floe_buf_printf(out, "%%%02X", c);
        }
    }
}

/* Months and hours as a person writes them; floor keeps years before 1970 right. */
static void put_period(floe_buf *out, floe_ice_transform_kind transform, int64_t value) {
    if (transform == FLOE_TRANSFORM_YEAR) {
        floe_buf_printf(out, "%" PRId64, value + 1970);
    } else if (transform == FLOE_TRANSFORM_MONTH) {
        int64_t year = floe_floor_div(value, 12);
        floe_buf_printf(out, "%04" PRId64 "-%02" PRId64, year + 1970, value - year * 12 + 1);
    } else {
        char text[FLOE_TIME_TEXT_MAX];
        int64_t day = floe_floor_div(value, 24);
        floe_buf_printf(out, "%s-%02" PRId64, floe_date_format(day, text), value - day * 24);
    }
}

static void put_path_value(floe_buf *out, floe_ice_transform_kind transform, const floe_value *value) {
    bool period =
        transform == FLOE_TRANSFORM_YEAR || transform == FLOE_TRANSFORM_MONTH || transform == FLOE_TRANSFORM_HOUR;
    if (value->is_null) {
        floe_buf_text(out, "null");
    } else if (period) {
        put_period(out, transform, value->as.integer);
    } else {
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_MIB(16));
        floe_value_print(value, &text);
        put_path_text(out, floe_buf_view(&text));
    }
}

void floe_import_partition_path(const floe_ice_spec *spec, const floe_value *values, floe_buf *out) {
    for (size_t i = 0; i < spec->field_count; i++) {
        floe_buf_text(out, i ? "/" : "");
        put_path_text(out, spec->fields[i].name);
        floe_buf_byte(out, '=');
        put_path_value(out, spec->fields[i].transform, &values[i]);
    }
}
