/*
 * The input of an import: read how, with which columns.
 *
 * The select list is the caller's own SQL. It stands on lines of its own inside one SELECT, so a comment in it ends there,
 * and the engine takes one statement only. Column names are asked from the engine before anything is written; two of one
 * name are refused, since a query around them would quietly rename the second.
 */
#include "offline/import/import_int.h"

#include "core/limits.h"
#include "offline/input.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- what the engine says the columns are ---- */

typedef struct input_columns {
    const floe_query_column *items;
    size_t count;
} input_columns;

static floe_status describe_query(floe_import *import, const char *query, input_columns *ret_columns, floe_error *err) {
    return floe_session_describe(import->session, query, import->arena, &ret_columns->items, &ret_columns->count, err);
}

/* The engine takes names that differ only in case for one. */
static const floe_query_column *find_column(const input_columns *columns, floe_str name) {
    for (size_t i = 0; i < columns->count; i++) {
        floe_str candidate = columns->items[i].name;
        if (candidate.len == name.len && strncasecmp(candidate.ptr, name.ptr, name.len) == 0) {
            return &columns->items[i];
        }
    }
    return NULL;
}

/* ---- --types ---- */

/* The next "col=type" of the text: commas inside brackets belong to the type. */
static bool next_type(floe_str *rest, floe_str *ret_item) {
    if (rest->len == 0) {
        return false;
    }
    int depth = 0;
    size_t len = 0;
    for (; len < rest->len && (depth > 0 || rest->ptr[len] != ','); len++) {
        depth += (rest->ptr[len] == '(' || rest->ptr[len] == '<') - (rest->ptr[len] == ')' || rest->ptr[len] == '>');
    }
    *ret_item = floe_str_trim((floe_str){rest->ptr, len});
    len += len < rest->len;
    *rest = (floe_str){rest->ptr + len, rest->len - len};
    return true;
}

typedef struct type_override {
    floe_str column; /* as the input spells it */
    floe_str sql_type;
    floe_str raw_type; /* what the engine's reader finds in the input */
    bool of_table;     /* nobody asked for it: rows that are added to a table take its types */
} type_override;

static floe_status parse_override(floe_import *import, const input_columns *raw, floe_str item, type_override *ret,
                                  floe_error *err) {
    size_t equals = item.len;
    while (equals > 0 && item.ptr[equals - 1] != '=') {
        equals--;
    }
    FLOE_ENSURE(equals > 1, err, FLOE_INVALID, "--types: \"%.*s\" is not of the form column=type",
                FLOE_STR_BRIEF(item));
    floe_str column = floe_str_trim((floe_str){item.ptr, equals - 1});
    const floe_query_column *found = find_column(raw, column);
    FLOE_ENSURE(found, err, FLOE_NOT_FOUND, "--types: the input has no column \"%.*s\"", FLOE_STR_BRIEF(column));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_KIB(64));
    floe_status status = floe_import_type_named((floe_str){item.ptr + equals, item.len - equals}, &sql, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "--types: column \"%.*s\"", FLOE_STR_BRIEF(column));
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    *ret = (type_override){found->name, floe_arena_str(import->arena, floe_buf_view(&sql)), found->type, false};
    return floe_arena_check(import->arena, err);
}

static floe_status parse_overrides(floe_import *import, const input_columns *raw, type_override **ret_items,
                                   size_t *ret_count, floe_error *err) {
    floe_str rest = floe_str_of(import->request->types);
    floe_str item;
    size_t capacity = 0;
    *ret_items = NULL;
    *ret_count = 0;
    while (next_type(&rest, &item)) {
        type_override override;
        FLOE_TRY(parse_override(import, raw, item, &override, err));
        type_override *slot = FLOE_ARENA_PUSH(import->arena, *ret_items, *ret_count, capacity);
        FLOE_TRY(floe_arena_check(import->arena, err));
        *slot = override;
    }
    return FLOE_OK;
}

/* ---- whole numbers of JSON ---- */

static bool is_overridden(const type_override *items, size_t count, floe_str column) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_equal(items[i].column, column)) {
            return true;
        }
    }
    return false;
}

/* Whether a column of the input comes unchanged through a cast. */
static floe_status fits(floe_import *import, floe_str input_sql, floe_str column, const char *sql_type, bool *ret_fits,
                        floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_buf_text(&sql, "SELECT 1 FROM (");
    floe_buf_str(&sql, input_sql);
    floe_buf_text(&sql, ") AS input WHERE ");
    floe_sql_quote_name(&sql, column);
    floe_buf_text(&sql, " IS DISTINCT FROM TRY_CAST(");
    floe_sql_quote_name(&sql, column);
    floe_buf_printf(&sql, " AS %s) LIMIT 1", sql_type);
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_query_rows found;
    FLOE_TRY(floe_import_query(import, sql.ptr, &found, err));
    *ret_fits = found.row_count == 0;
    return FLOE_OK;
}

static const char *narrow_type(floe_str wide) {
    return floe_str_is(wide, "HUGEINT") ? "BIGINT" : floe_str_is(wide, "HUGEINT[]") ? "BIGINT[]" : NULL;
}

/* The engine's JSON reader takes whole numbers of both signs for HUGEINT; where int64 holds them all, that is their type. */
static floe_status narrow_integers(floe_import *import, floe_str input_sql, const input_columns *raw,
                                   type_override **items, size_t *count, floe_error *err) {
    size_t capacity = *count;
    for (size_t i = 0; i < raw->count; i++) {
        floe_str column = raw->items[i].name;
        const char *type = narrow_type(raw->items[i].type);
        bool narrow = false;
        if (type && !is_overridden(*items, *count, column)) {
            FLOE_TRY(fits(import, input_sql, column, type, &narrow, err));
        }
        if (narrow) {
            type_override *slot = FLOE_ARENA_PUSH(import->arena, *items, *count, capacity);
            FLOE_TRY(floe_arena_check(import->arena, err));
            *slot = (type_override){column, floe_str_of(type), raw->items[i].type, false};
        }
    }
    return FLOE_OK;
}

/* ---- values that a cast would change ---- */

/* What text must look like so that its cast to the type changes nothing. False: the cast itself is strict. */
static bool put_text_pattern(floe_str type, floe_buf *out) {
    if (floe_str_is(type, "INTEGER") || floe_str_is(type, "BIGINT")) {
        floe_buf_text(out, "[+-]?[0-9]+");
    } else if (floe_str_is(type, "DATE")) {
        floe_buf_text(out, "[0-9]+-[0-9]+-[0-9]+");
    } else if (floe_str_starts_with(type, FLOE_STR("TIME")) && !floe_str_is(type, "TIMESTAMP_NS")) {
        floe_buf_text(out, "[^.]*(\\.[0-9]{0,6}0*([^0-9.].*)?)?");
    } else if (floe_str_starts_with(type, FLOE_STR("DECIMAL("))) {
        floe_str rest = type, precision;
        (void)floe_str_split(&rest, ',', &precision);
        floe_buf_printf(out, "[+-]?[0-9]*(\\.[0-9]{0,%ld}0*)?", strtol(rest.ptr, NULL, 10));
    } else {
        return false;
    }
    return true;
}

static bool mentions(floe_str type, const char *word) {
    return memmem(type.ptr, type.len, word, strlen(word)) != NULL;
}

/* A time without a zone would drop the one that is written. */
static void put_zoned(const type_override *item, const char *name, floe_buf *out) {
    if (floe_str_is(item->sql_type, "TIMESTAMP") || floe_str_is(item->sql_type, "TIME")) {
        floe_buf_printf(out,
                        " OR (regexp_matches(%s, '" FLOE_TEXT_ZONED
                        "') AND NOT regexp_matches(%s, '" FLOE_TEXT_GREENWICH "'))",
                        name, name);
    }
}

static void put_infinite(const type_override *item, const char *name, floe_buf *out) {
    floe_buf_printf(out, "(isinf(TRY_CAST(%s AS %.*s)) AND regexp_matches(%s, '[0-9]'))", name,
                    FLOE_STR_ARG(item->sql_type), name);
}

/* A table's float or double is not to round whole numbers that nobody asked to round. */
static void put_rounded(const type_override *item, const char *name, floe_buf *out) {
    floe_buf_printf(out,
                    "(regexp_full_match(trim(%s), '[+-]?[0-9]+') AND NOT coalesce(TRY_CAST(%s AS HUGEINT) = "
                    "TRY_CAST(TRY_CAST(%s AS %.*s) AS HUGEINT), false)) OR ",
                    name, name, name, FLOE_STR_ARG(item->sql_type));
}

/* A cast of numbers does not make an infinity of one, it fails, and knows neither file nor row. */
static void put_too_large(const type_override *item, const char *name, floe_buf *out) {
    floe_buf_printf(out, "%s IS NOT NULL AND TRY_CAST(%s AS %.*s) IS NULL", name, name, FLOE_STR_ARG(item->sql_type));
}

/* The reader makes a null of text that is no time of a zone, where of any other type it tells the line. */
static void put_lost(const type_override *item, const char *name, floe_buf *out) {
    floe_buf_printf(out, "(%s IS NOT NULL AND TRY_CAST(%s AS %.*s) IS NULL) OR ", name, name,
                    FLOE_STR_ARG(item->sql_type));
}

static bool is_real(floe_str type) {
    return floe_str_is(type, "FLOAT") || floe_str_is(type, "DOUBLE");
}

/* The condition that finds a value which the cast changes; a value that it refuses fails later, with its line. False: the
 * cast changes nothing, or rounds as a float does. */
static bool put_changed(const type_override *item, bool is_text, floe_buf *out) {
    FLOE_AUTO_BUF pattern, name;
    floe_buf_init(&pattern, FLOE_KIB(4));
    floe_buf_init(&name, FLOE_KIB(64));
    floe_sql_quote_name(&name, item->column);
    bool real = mentions(item->sql_type, "FLOAT") || mentions(item->sql_type, "DOUBLE");
    bool inexact =
        mentions(item->raw_type, "FLOAT") || mentions(item->raw_type, "DOUBLE") || mentions(item->raw_type, "DECIMAL");
    if (is_real(item->sql_type) && is_text) {
        if (item->of_table) {
            put_rounded(item, name.ptr, out);
        }
        put_infinite(item, name.ptr, out);
        out->failed = out->failed || name.failed;
        return true;
    }
    if (is_real(item->sql_type) && is_real(item->raw_type)) {
        put_too_large(item, name.ptr, out);
        out->failed = out->failed || name.failed;
        return true;
    }
    if (is_text ? !put_text_pattern(item->sql_type, &pattern)
                : (real && inexact) || mentions(item->sql_type, "VARCHAR") || mentions(item->raw_type, "VARCHAR") ||
                      mentions(item->raw_type, "JSON")) {
        return false;
    }
    if (is_text && (mentions(item->sql_type, "TIME ZONE") || mentions(item->sql_type, "TIMESTAMPTZ"))) {
        put_lost(item, name.ptr, out);
    }
    floe_buf_printf(out, "TRY_CAST(%s AS %.*s) IS NOT NULL AND ", name.ptr, FLOE_STR_ARG(item->sql_type));
    if (is_text) {
        floe_buf_printf(out, "(NOT regexp_full_match(trim(%s), ", name.ptr);
        floe_sql_quote_text(out, floe_buf_view(&pattern));
        floe_buf_byte(out, ')');
        put_zoned(item, name.ptr, out);
        floe_buf_byte(out, ')');
    } else {
        floe_buf_printf(out, "%s IS DISTINCT FROM TRY_CAST(TRY_CAST(%s AS %.*s) AS %.*s)", name.ptr, name.ptr,
                        FLOE_STR_ARG(item->sql_type), FLOE_STR_ARG(item->raw_type));
    }
    out->failed = out->failed || name.failed || pattern.failed;
    return true;
}

static void put_input(const floe_import *import, const type_override *types, size_t type_count, floe_buf *out);

/* Refuses a value that the asked type would silently round or cut. */
static floe_status check_unchanged(floe_import *import, const type_override *item, floe_error *err) {
    FLOE_AUTO_BUF sql, condition;
    floe_query_rows found;
    bool from_text = floe_import_reader(import->request->files[0])->takes_types;
    type_override as_text = {item->column, FLOE_STR("VARCHAR"), item->raw_type, false};
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_buf_init(&condition, FLOE_IMPORT_SQL_CAP);
    if (!put_changed(item, from_text || floe_str_is(item->raw_type, "VARCHAR"), &condition)) {
        return FLOE_OK;
    }
    floe_buf_text(&sql, "SELECT CAST(");
    floe_sql_quote_name(&sql, item->column);
    floe_buf_text(&sql, " AS VARCHAR) FROM (");
    put_input(import, &as_text, from_text ? 1 : 0, &sql);
    floe_buf_text(&sql, ") AS input WHERE ");
    floe_buf_str(&sql, floe_buf_view(&condition));
    floe_buf_text(&sql, " LIMIT 1");
    FLOE_TRY(floe_buf_check(&condition, err));
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_import_query(import, sql.ptr, &found, err));
    FLOE_ENSURE(found.row_count == 0, err, FLOE_INVALID,
                "%scolumn \"%.*s\" has the value %.*s, which %s%.*s cannot hold as it is; %sround it in --select",
                item->of_table ? "" : "--types: ", FLOE_STR_BRIEF(item->column),
                FLOE_STR_BRIEF(found.values[0].as.bytes), item->of_table ? "the table's " : "",
                FLOE_STR_BRIEF(item->sql_type), item->of_table ? "" : "choose a type that can, or ");
    return FLOE_OK;
}

/* ---- the SQL ---- */

/* Columns are what is in the files, not in their folders' names; no line is left out for how it begins. */
static const char *reader_options(const import_reader *reader) {
    return reader->takes_types ? FLOE_CSV_OPTIONS ", header = true" : FLOE_READ_OPTIONS;
}

/* The call of the reader, without its last bracket. */
static void put_reader(const floe_import *import, floe_buf *out) {
    const floe_import_request *request = import->request;
    const import_reader *reader = floe_import_reader(request->files[0]);
    floe_buf_printf(out, "%s([", reader->function);
    for (size_t i = 0; i < request->file_count; i++) {
        floe_buf_text(out, i ? ", " : "");
        const char *copy = import->copies ? import->copies[i] : NULL;
        floe_sql_quote_path(out, floe_str_of(copy ? copy : request->files[i]));
    }
    floe_buf_printf(out, "]%s%s", reader_options(reader), import->read_columns ? import->read_columns : "");
}

static void put_types(const type_override *types, size_t type_count, floe_buf *out) {
    for (size_t i = 0; i < type_count; i++) {
        floe_buf_text(out, i ? ", " : ", types = {");
        floe_sql_quote_text(out, types[i].column);
        floe_buf_text(out, ": ");
        floe_sql_quote_text(out, types[i].sql_type);
        floe_buf_text(out, i + 1 == type_count ? "}" : "");
    }
}

/* CSV: the same as put_input, but that a quoted nothing is an empty text. */
static floe_status put_csv(floe_import *import, const type_override *types, size_t type_count, floe_buf *out,
                           floe_error *err) {
    FLOE_AUTO_BUF call, with_types;
    floe_buf_init(&call, FLOE_IMPORT_SQL_CAP);
    floe_buf_init(&with_types, FLOE_IMPORT_SQL_CAP);
    put_reader(import, &call);
    put_types(types, type_count, &with_types);
    FLOE_TRY(floe_buf_check(&call, err));
    FLOE_TRY(floe_buf_check(&with_types, err));
    floe_csv_read read = {.files = import->request->files,
                          .file_count = import->request->file_count,
                          .call = call.ptr,
                          .types = floe_buf_view(&with_types).ptr};
    floe_buf_text(out, "SELECT * FROM ");
    return floe_csv_item(import->session, &read, out, err);
}

static void put_input(const floe_import *import, const type_override *types, size_t type_count, floe_buf *out) {
    floe_buf_text(out, "SELECT *");
    bool cast = !floe_import_reader(import->request->files[0])->takes_types;
    for (size_t i = 0; cast && i < type_count; i++) {
        floe_buf_text(out, i ? ", CAST(" : " REPLACE (CAST(");
        floe_sql_quote_name(out, types[i].column);
        floe_buf_printf(out, " AS %.*s) AS ", FLOE_STR_ARG(types[i].sql_type));
        floe_sql_quote_name(out, types[i].column);
        floe_buf_text(out, i + 1 == type_count ? ")" : "");
    }
    bool replaced = import->replaced.len > 0;
    floe_buf_text(out, " FROM ");
    if (replaced) {
        floe_buf_text(out, "(SELECT * REPLACE (");
        floe_buf_str(out, import->replaced);
        floe_buf_text(out, ") FROM ");
    }
    put_reader(import, out);
    if (!cast) {
        put_types(types, type_count, out);
    }
    floe_buf_text(out, replaced ? "))" : ")");
}

static floe_status take_columns(floe_import *import, const input_columns *found, floe_error *err) {
    import->column_count = found->count;
    import->columns = floe_arena_alloc(import->arena, found->count, sizeof *import->columns);
    FLOE_TRY(floe_arena_check(import->arena, err));
    for (size_t i = 0; i < found->count; i++) {
        import_column *column = &import->columns[i];
        column->name = found->items[i].name;
        FLOE_ENSURE(find_column(found, column->name) == &found->items[i], err, FLOE_INVALID,
                    "two columns are named \"%.*s\": give one another name in --select", FLOE_STR_BRIEF(column->name));
        FLOE_ENSURE(!floe_str_starts_with(column->name, FLOE_STR("__floe_")), err, FLOE_INVALID,
                    "column \"%.*s\": names that begin with __floe_ are the import's own",
                    FLOE_STR_BRIEF(column->name));
        floe_status status = floe_import_type_parse(found->items[i].type, import->arena, &column->type, err);
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "column \"%.*s\"", FLOE_STR_BRIEF(column->name));
        }
    }
    return FLOE_OK;
}

static floe_status select_columns(floe_import *import, floe_str input_sql, floe_error *err) {
    const char *select = import->request->select;
    input_columns columns = {0};
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    if (select) {
        floe_buf_printf(&sql, "SELECT\n%s\nFROM (", select);
        floe_buf_str(&sql, input_sql);
        floe_buf_text(&sql, ") AS input");
    } else {
        floe_buf_str(&sql, input_sql);
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_status status = describe_query(import, sql.ptr, &columns, err);
    if (floe_failed(status)) {
        return select ? floe_error_prefix(err, status, "--select") : status;
    }
    import->source_sql = floe_arena_str(import->arena, floe_buf_view(&sql));
    return take_columns(import, &columns, err);
}

floe_status floe_import_query_source(floe_import *import, floe_str select, floe_error *err) {
    input_columns columns = {0};
    import->source_sql = floe_arena_str(import->arena, select);
    FLOE_TRY(floe_arena_check(import->arena, err));
    FLOE_TRY(describe_query(import, import->source_sql.ptr, &columns, err));
    return take_columns(import, &columns, err);
}

/* ---- guesses ---- */

/* The type with JSON as text: a text without its quotes, all else as it is written. Names of fields that are not small letters stand
 * in quotes. */
static floe_str json_as_text(floe_arena *arena, floe_str type) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_IMPORT_SQL_CAP);
    bool quoted = false;
    for (size_t i = 0; i < type.len; i++) {
        floe_str rest = {type.ptr + i, type.len - i};
        quoted = type.ptr[i] == '"' ? !quoted : quoted;
        if (!quoted && floe_str_starts_with(rest, FLOE_STR("JSON"))) {
            floe_buf_text(&text, "VARCHAR");
            i += strlen("JSON") - 1;
        } else {
            floe_buf_byte(&text, (uint8_t)type.ptr[i]);
        }
    }
    return floe_arena_str(arena, floe_buf_view(&text));
}

/* JSON is read with all columns spelled out, or its reader guesses once more. */
static floe_status spell_columns(floe_import *import, const input_columns *raw, const floe_str *types,
                                 floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_IMPORT_SQL_CAP);
    for (size_t i = 0; i < raw->count; i++) {
        floe_buf_text(&text, i > 0 ? ", " : ", columns = {");
        floe_sql_quote_text(&text, raw->items[i].name);
        floe_buf_text(&text, ": ");
        floe_sql_quote_text(&text, json_as_text(import->arena, types[i]));
    }
    floe_buf_byte(&text, '}');
    FLOE_TRY(floe_buf_check(&text, err));
    import->read_columns = floe_arena_str(import->arena, floe_buf_view(&text)).ptr;
    return floe_arena_check(import->arena, err);
}

static floe_status add_type(floe_import *import, const floe_query_column *column, floe_str type, type_override **items,
                            size_t *count, floe_error *err) {
    size_t capacity = *count;
    type_override *slot = FLOE_ARENA_PUSH(import->arena, *items, *count, capacity);
    FLOE_TRY(floe_arena_check(import->arena, err));
    *slot = (type_override){column->name, type, column->type, false};
    return FLOE_OK;
}

static bool is_temporal(floe_str type) {
    return floe_str_starts_with(type, FLOE_STR("TIME")) || floe_str_is(type, "DATE");
}

/* Whether text that looks like the one type may be read as the table's instead: a day of whole numbers where fractions
 * are kept, a column that is empty today, digits where text is kept. Times and truths stay what they look like, numbers of
 * JSON are no text any more, and how bytes are written nobody knows. */
static bool takes_table_type(const floe_import *import, floe_str raw, const floe_ice_type *guess,
                             const floe_ice_type *table) {
    if (floe_ice_is_nested(guess) || floe_ice_is_nested(table) || floe_import_type_widens(guess, table) ||
        (import->request->evolve && floe_import_type_widens(table, guess))) {
        return false;
    }
    bool csv = floe_import_reader(import->request->files[0])->takes_types;
    switch (table->kind) {
    case FLOE_ICE_STRING:
        return csv;
    case FLOE_ICE_BINARY:
    case FLOE_ICE_FIXED:
        return false;
    case FLOE_ICE_INT:
    case FLOE_ICE_LONG:
    case FLOE_ICE_FLOAT:
    case FLOE_ICE_DOUBLE:
    case FLOE_ICE_DECIMAL:
        return !is_temporal(raw) && !floe_str_is(raw, "BOOLEAN");
    default:
        return floe_str_is(raw, "VARCHAR") || floe_str_is(raw, "JSON"); /* of which JSON is a column of nulls */
    }
}

/* Guesses know nothing of the table that the rows are added to. With a select list a column may be anything. */
static floe_status take_table_types(floe_import *import, const input_columns *raw, type_override **items, size_t *count,
                                    floe_error *err) {
    const floe_ice_metadata *metadata = import->table ? &import->table->metadata : NULL;
    const floe_ice_schema *schema =
        metadata == NULL ? NULL : floe_ice_schema_by_id(metadata, metadata->current_schema_id);
    size_t asked = *count;
    for (size_t i = 0; i < raw->count && schema != NULL; i++) {
        FLOE_AUTO_BUF sql;
        floe_buf_init(&sql, FLOE_KIB(64));
        const floe_ice_type *guess;
        const floe_ice_field *field = floe_ice_field_by_name(schema, raw->items[i].name);
        bool taken = field != NULL && !is_overridden(*items, asked, raw->items[i].name) &&
                     !floe_failed(floe_import_type_parse(raw->items[i].type, import->arena, &guess, NULL)) &&
                     takes_table_type(import, raw->items[i].type, guess, field->type);
        if (taken) {
            floe_import_type_sql(&sql, field->type);
            FLOE_TRY(floe_buf_check(&sql, err));
            floe_str type = floe_arena_str(import->arena, floe_buf_view(&sql));
            FLOE_TRY(add_type(import, &raw->items[i], type, items, count, err));
            (*items)[*count - 1].of_table = true;
        }
    }
    return FLOE_OK;
}

static bool is_json(const floe_import *import) {
    return strcmp(floe_import_reader(import->request->files[0])->function, "read_json") == 0;
}

/* JSON that is no objects has one column, "json". */
static bool is_no_objects(const input_columns *raw) {
    return raw->count == 1 && floe_str_is(raw->items[0].name, "json");
}

static bool is_text(const floe_import *import) {
    return floe_import_reader(import->request->files[0])->takes_types || is_json(import);
}

/* Types that hold every value of text, where the reader's guess does not. */
static floe_status take_exact_types(floe_import *import, const input_columns *raw, type_override **items, size_t *count,
                                    floe_error *err) {
    const import_reader *reader = floe_import_reader(import->request->files[0]);
    bool of_json = is_json(import);
    floe_str *fixed = floe_arena_alloc(import->arena, *count + 1, sizeof(*fixed));
    floe_str *types = floe_arena_alloc(import->arena, raw->count + 1, sizeof(*types));
    FLOE_TRY(floe_arena_check(import->arena, err));
    if ((!of_json && !reader->takes_types) || (of_json && is_no_objects(raw))) {
        return FLOE_OK;
    }
    floe_exact_request request = {.reader = reader->function,
                                  .files = import->request->files,
                                  .file_count = import->request->file_count,
                                  .options = reader_options(reader),
                                  .columns = raw->items,
                                  .column_count = raw->count,
                                  .fixed = fixed};
    for (; request.fixed_count < *count; request.fixed_count++) {
        fixed[request.fixed_count] = (*items)[request.fixed_count].column;
    }
    size_t changed = 0;
    FLOE_TRY(floe_input_exact(import->session, &request, import->arena, types, &changed, err));
    if (changed > 0 && of_json) {
        return spell_columns(import, raw, types, err);
    }
    for (size_t i = 0; i < raw->count && changed > 0; i++) {
        if (!floe_str_equal(types[i], raw->items[i].type)) {
            FLOE_TRY(add_type(import, &raw->items[i], types[i], items, count, err));
        }
    }
    return FLOE_OK;
}

/* Columns of JSON that are to be text are read as text: a number as it is written, a text without its quotes. */
static floe_status read_json_texts(floe_import *import, const input_columns *raw, const type_override *items,
                                   size_t count, floe_error *err) {
    floe_str *types = floe_arena_alloc(import->arena, raw->count + 1, sizeof(*types));
    FLOE_TRY(floe_arena_check(import->arena, err));
    bool any = false;
    for (size_t i = 0; i < raw->count; i++) {
        types[i] = raw->items[i].type;
        for (size_t t = 0; t < count; t++) {
            bool as_text =
                floe_str_equal(items[t].column, raw->items[i].name) && floe_str_is(items[t].sql_type, "VARCHAR");
            types[i] = as_text ? FLOE_STR("VARCHAR") : types[i];
        }
        any = any || !floe_str_equal(types[i], raw->items[i].type) || mentions(types[i], "JSON");
    }
    return any && !is_no_objects(raw) ? spell_columns(import, raw, types, err) : FLOE_OK;
}

/* The types that are not to be the reader's, over what it finds in the input. */
static floe_status find_overrides(floe_import *import, input_columns *ret_raw, type_override **ret_types,
                                  size_t *ret_count, floe_error *err) {
    const floe_import_request *request = import->request;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    put_input(import, NULL, 0, &sql);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(describe_query(import, sql.ptr, ret_raw, err));
    *ret_types = NULL;
    *ret_count = 0;
    if (request->types) {
        FLOE_TRY(parse_overrides(import, ret_raw, ret_types, ret_count, err));
    }
    if (is_text(import) && floe_import_keeps_schema(request) && request->select == NULL) {
        FLOE_TRY(take_table_types(import, ret_raw, ret_types, ret_count, err));
    }
    return FLOE_OK;
}

floe_status floe_import_source(floe_import *import, floe_error *err) {
    FLOE_TRY(floe_import_check_files(import, err));
    FLOE_TRY(floe_import_nanoseconds(import, err));
    const import_reader *reader = floe_import_reader(import->request->files[0]);
    input_columns raw = {0};
    type_override *types = NULL;
    size_t type_count = 0;
    if (is_json(import)) {
        /* Its reader casts late values to what it guessed of the first ones, 2.5 to 2, and knows no key that comes late. */
        import->read_columns = ", sample_size = -1, maximum_sample_files = -1";
    }
    FLOE_TRY(find_overrides(import, &raw, &types, &type_count, err));
    if (is_json(import)) {
        FLOE_TRY(read_json_texts(import, &raw, types, type_count, err));
        FLOE_TRY(find_overrides(import, &raw, &types, &type_count, err));
    }
    for (size_t i = 0; i < type_count; i++) {
        FLOE_TRY(check_unchanged(import, &types[i], err));
    }
    FLOE_TRY(take_exact_types(import, &raw, &types, &type_count, err));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    if (is_json(import)) {
        put_input(import, NULL, 0, &sql);
        FLOE_TRY(floe_buf_check(&sql, err));
        FLOE_TRY(describe_query(import, sql.ptr, &raw, err));
        FLOE_TRY(narrow_integers(import, floe_buf_view(&sql), &raw, &types, &type_count, err));
        floe_buf_clear(&sql);
    }
    if (reader->takes_types) {
        FLOE_TRY(put_csv(import, types, type_count, &sql, err));
    } else {
        put_input(import, types, type_count, &sql);
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    return select_columns(import, floe_buf_view(&sql), err);
}
