/*
 * A spine that is text: CSV or JSON Lines. The engine's reader guesses types by the first rows; keys are read as the type that their
 * entity declares instead, in the spelling that a lookup takes, and labels as types that hold what is written (input_exact.c).
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/spine/spine.h"
#include "offline/input.h"

#include <stdio.h>
#include <string.h>

static const char CSV_OPTIONS[] = FLOE_CSV_OPTIONS ", header = true";
static const char JSON_OPTIONS[] = FLOE_READ_OPTIONS ", format = 'newline_delimited'";

/* What the engine's reader makes of the columns of a text file, and the types that hold their values as they are written. */
typedef struct spine_guess {
    bool csv;
    const char *call; /* of CSV: the reader's, without its last bracket */
    floe_buf *known;  /* of CSV: ", types = {…" of the keys, without the last brace */
    const floe_query_column *columns;
    size_t count, changed;
    floe_str *types; /* by column */
    floe_arena *arena;
} spine_guess;

/* `CASE WHEN …` that is the key of its declared type, or an error that shows the text. */
static void append_strict_key(const floe_dataset_request *request, const floe_column *key, floe_str pattern,
                              floe_buf *sql) {
    floe_str column = floe_spine_key_column(request, key->name);
    char type_name[FLOE_TYPE_NAME_MAX];
    FLOE_AUTO_BUF words, name;
    floe_buf_init(&words, FLOE_KIB(64));
    floe_buf_init(&name, FLOE_KIB(64));
    floe_sql_quote_name(&name, column);
    bool bytes = key->type.kind == FLOE_KIND_BYTES;
    floe_buf_printf(&words, "the key column \"%.*s\" has a value that is no %s: ", FLOE_STR_ARG(column),
                    bytes ? "base64" : floe_type_name(key->type, type_name));
    floe_buf_printf(sql, "CASE WHEN %s IS NULL OR regexp_full_match(%s, ", name.ptr, name.ptr);
    floe_sql_quote_text(sql, pattern);
    floe_buf_text(sql, ")");
    if (bytes) {
        floe_buf_printf(sql, " THEN from_base64(%s)", name.ptr);
    } else { /* What looks like a number or a date may still be too large, or no day. */
        floe_buf_text(sql, " AND ");
        floe_text_cast(key->type, name.ptr, sql);
        floe_buf_text(sql, " IS NOT NULL THEN ");
        floe_text_cast(key->type, name.ptr, sql);
    }
    floe_buf_text(sql, " ELSE error(");
    floe_sql_quote_text(sql, floe_buf_view(&words));
    floe_buf_printf(sql, " || %s) END AS %s", name.ptr, name.ptr);
}

/* Whether an earlier key is of the same column: two keys of one type may be. */
static bool is_read_already(const floe_dataset_request *request, const floe_column *keys, size_t key, size_t *ret_by) {
    for (size_t i = 0; i < key; i++) {
        if (floe_str_equal(floe_spine_key_column(request, keys[i].name),
                           floe_spine_key_column(request, keys[key].name))) {
            *ret_by = i;
            return true;
        }
    }
    return false;
}

/* Text is read as the type of its key, so it cannot be of two. */
static floe_status check_shared_columns(const floe_dataset_request *request, const floe_column *keys, size_t key_count,
                                        floe_error *err) {
    for (size_t i = 0; i < key_count; i++) {
        size_t by = 0;
        char a[FLOE_TYPE_NAME_MAX], b[FLOE_TYPE_NAME_MAX];
        FLOE_ENSURE(
            !is_read_already(request, keys, i, &by) || floe_type_equal(keys[by].type, keys[i].type), err, FLOE_INVALID,
            "--keys: the column \"%.*s\" of %s is to be %.*s, %s, and %.*s, %s: write it twice into the file, "
            "under two names",
            FLOE_STR_BRIEF(floe_spine_key_column(request, keys[i].name)), request->spine, FLOE_STR_BRIEF(keys[by].name),
            floe_type_name(keys[by].type, a), FLOE_STR_BRIEF(keys[i].name), floe_type_name(keys[i].type, b));
    }
    return FLOE_OK;
}

/* ---- guesses ---- */

/* What a value of JSON must look like, as it is written, for a key whose column the reader must not guess: by the rows it would, and
 * take a number for an int64 and times for text. False: the reader's guess is what there is, or is refused. */
static bool append_json_pattern(floe_type type, floe_buf *out) {
    switch (type.kind) {
    case FLOE_KIND_BOOL:
        floe_buf_text(out, "true|false");
        return true;
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
        floe_buf_text(out, "-?[0-9]+");
        return true;
    case FLOE_KIND_DATE:
        floe_buf_text(out, "\"[0-9]{4}-[0-9]{2}-[0-9]{2}\"");
        return true;
    case FLOE_KIND_TIMESTAMP:
        floe_buf_text(out, "\"" FLOE_TIME_PATTERN "\"");
        return true;
    case FLOE_KIND_DECIMAL: /* Text, or a whole number: one with a point may have lost digits to who wrote it. */
        floe_buf_text(out, "\"");
        floe_text_decimal_pattern(type, out);
        floe_buf_text(out, "\"|-?[0-9]+");
        return true;
    default:
        return false;
    }
}

static bool is_typed_in_json(floe_type type) {
    FLOE_AUTO_BUF pattern;
    floe_buf_init(&pattern, FLOE_KIB(4));
    return append_json_pattern(type, &pattern);
}

/* Whether a key of JSON is read as its declared type; all others have it, or are refused. */
static bool is_read_from_json(floe_type type) {
    return type.kind == FLOE_KIND_STRING || type.kind == FLOE_KIND_BYTES || is_typed_in_json(type);
}

/* Types that hold the values as they are written, by column. Labels pass through untouched, if need be as text; a key must have its
 * type. Keys of a CSV file are read by their declared types. */
static floe_status find_exact_types(floe_session *session, const floe_dataset_request *request, const floe_column *keys,
                                    size_t key_count, spine_guess *guess, floe_error *err) {
    floe_str *fixed = floe_arena_alloc(guess->arena, key_count + 1, sizeof(*fixed));
    floe_str *strict = floe_arena_alloc(guess->arena, key_count + 1, sizeof(*strict));
    guess->types = floe_arena_alloc(guess->arena, guess->count + 1, sizeof(*guess->types));
    FLOE_TRY(floe_arena_check(guess->arena, err));
    floe_exact_request exact = {.reader = guess->csv ? "read_csv" : "read_json",
                                .files = &request->spine,
                                .file_count = 1,
                                .options = guess->csv ? CSV_OPTIONS : JSON_OPTIONS,
                                .columns = guess->columns,
                                .column_count = guess->count,
                                .fixed = fixed,
                                .strict = strict,
                                .keeps_labels = true};
    for (size_t i = 0; i < key_count; i++) {
        bool known = guess->csv || is_read_from_json(keys[i].type);
        floe_str column = floe_spine_key_column(request, keys[i].name);
        *(known ? &fixed[exact.fixed_count++] : &strict[exact.strict_count++]) = column;
    }
    return floe_input_exact(session, &exact, guess->arena, guess->types, &guess->changed, err);
}

/* Text that the engine's JSON reader takes for more than text. */
static bool looks_like_more(floe_str type) {
    return floe_spine_is_timestamp(type) || floe_str_is(type, "DATE") || floe_str_is(type, "TIME") ||
           floe_str_is(type, "UUID");
}

/* What a request feature takes of a column that is no key, NULL: nothing. */
static const floe_column *input_of(const floe_dataset_request *request, const floe_column *keys, size_t key_count,
                                   floe_str column) {
    const floe_column *input = NULL;
    for (size_t i = 0; i < request->input_count; i++) {
        input = floe_str_equal(request->inputs[i].name, column) ? &request->inputs[i] : input;
    }
    for (size_t i = 0; i < key_count && input; i++) {
        input = floe_str_equal(floe_spine_key_column(request, keys[i].name), column) ? NULL : input;
    }
    return input;
}

/* A column whose values look like something else than the input that takes it is text, as it is written, which the input then reads. In
 * JSON text is what stands in quotes. */
static void keep_input_texts(const floe_dataset_request *request, const floe_column *keys, size_t key_count,
                             spine_guess *guess) {
    for (size_t i = 0; i < guess->count; i++) {
        const floe_column *input = input_of(request, keys, key_count, guess->columns[i].name);
        bool other = input && !floe_spine_input_fits(guess->types[i], input->type);
        if (other && (guess->csv || looks_like_more(guess->types[i]))) {
            guess->types[i] = FLOE_STR("VARCHAR");
        }
    }
}

/* Appends to the types of the keys those of labels that the reader would change. */
static floe_status append_label_types(floe_session *session, const floe_dataset_request *request,
                                      const floe_column *keys, size_t key_count, spine_guess *guess, floe_error *err) {
    floe_buf *types = guess->known;
    const char *close = types->len > 0 ? "}" : "";
    const char *select = floe_arena_printf(guess->arena, "SELECT * FROM %s%.*s%s)", guess->call,
                                           FLOE_STR_ARG(floe_buf_view(types)), close);
    FLOE_TRY(floe_buf_check(types, err));
    FLOE_TRY(floe_arena_check(guess->arena, err));
    FLOE_TRY(floe_session_describe(session, select, guess->arena, &guess->columns, &guess->count, err));
    FLOE_TRY(find_exact_types(session, request, keys, key_count, guess, err));
    keep_input_texts(request, keys, key_count, guess);
    for (size_t i = 0; i < guess->count; i++) {
        if (!floe_str_equal(guess->types[i], guess->columns[i].type)) {
            floe_buf_text(types, types->len > 0 ? ", " : ", types = {");
            floe_sql_quote_text(types, guess->columns[i].name);
            floe_buf_text(types, ": ");
            floe_sql_quote_text(types, guess->types[i]);
        }
    }
    floe_buf_text(types, types->len > 0 ? "}" : "");
    return floe_buf_check(types, err);
}

/* A CSV file with the key columns as the type their entity declares. */
static floe_status append_csv(floe_session *session, const floe_dataset_request *request, const floe_column *keys,
                              size_t key_count, floe_arena *arena, floe_buf *sql, floe_error *err) {
    FLOE_AUTO_BUF types, call;
    floe_buf_init(&types, FLOE_MIB(1));
    floe_buf_init(&call, FLOE_MIB(1));
    bool any = false;
    floe_csv_read read = {.files = &request->spine, .file_count = 1};
    floe_str *values = floe_arena_alloc(arena, key_count + request->input_count + 1, sizeof(*values));
    FLOE_TRY(floe_arena_check(arena, err));
    floe_buf_text(sql, "(SELECT *");
    for (size_t i = 0, by = 0; i < key_count; i++) {
        if (is_read_already(request, keys, i, &by)) {
            continue;
        }
        FLOE_AUTO_BUF pattern;
        floe_buf_init(&pattern, FLOE_KIB(4));
        bool strict = floe_text_pattern(keys[i].type, &pattern);
        if (strict) {
            floe_buf_text(sql, any ? ", " : " REPLACE (");
            append_strict_key(request, &keys[i], floe_buf_view(&pattern), sql);
            any = true;
        }
        if (strict && keys[i].type.kind != FLOE_KIND_BYTES) {
            values[read.value_count++] = floe_spine_key_column(request, keys[i].name);
        }
        floe_buf_text(&types, types.len > 0 ? ", " : ", types = {");
        floe_sql_quote_text(&types, floe_spine_key_column(request, keys[i].name));
        floe_buf_text(&types, ": '");
        floe_sql_type_name(&types, strict ? (floe_type){.kind = FLOE_KIND_STRING} : keys[i].type);
        floe_buf_text(&types, "'");
    }
    floe_buf_text(&call, "read_csv(");
    floe_sql_quote_path(&call, floe_str_of(request->spine));
    floe_buf_text(&call, CSV_OPTIONS);
    FLOE_TRY(floe_buf_check(&call, err));
    spine_guess guess = {.csv = true, .call = call.ptr, .known = &types, .arena = arena};
    FLOE_TRY(append_label_types(session, request, keys, key_count, &guess, err));
    for (size_t i = 0; i < request->input_count; i++) {
        floe_kind kind = request->inputs[i].type.kind;
        bool text = kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES;
        if (!text && input_of(request, keys, key_count, request->inputs[i].name)) {
            values[read.value_count++] = request->inputs[i].name;
        }
    }
    read.call = call.ptr;
    read.types = floe_buf_view(&types).ptr;
    read.values = values;
    floe_buf_text(sql, any ? ") FROM " : " FROM ");
    FLOE_TRY(floe_csv_item(session, &read, sql, err));
    floe_buf_text(sql, ")");
    return floe_buf_check(sql, err);
}

/* What other programs put before the first line, or around all of them. */
static floe_status check_json_begin(const char *path, floe_error *err) {
    char first[64] = "";
    FILE *file = fopen(path, "re");
    size_t len = file ? fread(first, 1, sizeof(first), file) : 0;
    if (file) {
        (void)fclose(file);
    }
    FLOE_ENSURE(len < 3 || memcmp(first, "\xEF\xBB\xBF", 3) != 0, err, FLOE_INVALID,
                "the spine %s begins with a byte order mark, which JSON does not have: write it without (as UTF-8, not "
                "UTF-8 with BOM)",
                path);
    floe_str text = floe_str_trim((floe_str){first, len});
    FLOE_ENSURE(text.len == 0 || text.ptr[0] != '[', err, FLOE_INVALID,
                "the spine %s is one JSON list: write an object a line, without the brackets and commas around them",
                path);
    return FLOE_OK;
}

/* What the engine's reader finds in a text file: names, and for JSON types too. Asked for the types of columns that are
 * not there, the reader would fail in words of its own, so the keys are looked for here first. */
static floe_status read_header(floe_session *session, const floe_dataset_request *request, const floe_column *keys,
                               size_t key_count, bool csv, floe_arena *arena, spine_table *ret_header,
                               floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    uint64_t len = 0;
    FLOE_TRY(floe_file_len(request->spine, &len, err));
    FLOE_ENSURE(len > 0, err, FLOE_INVALID, "the spine %s is empty: not even a header says what its columns are",
                request->spine);
    floe_buf_text(&sql, "CREATE OR REPLACE TEMP TABLE spine AS SELECT * FROM ");
    floe_buf_text(&sql, csv ? "read_csv(" : "read_json(");
    floe_sql_quote_path(&sql, floe_str_of(request->spine));
    floe_buf_text(&sql, csv ? FLOE_CSV_OPTIONS ", header = true, all_varchar = true) LIMIT 0"
                            : FLOE_READ_OPTIONS ", format = 'newline_delimited', sample_size = -1) LIMIT 0");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(csv ? floe_csv_check(session, request->spine, true, err) : check_json_begin(request->spine, err));
    floe_status status = floe_session_run(session, sql.ptr, NULL, NULL, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the spine %s", request->spine);
    }
    *ret_header = (spine_table){.snapshot_id = -1};
    FLOE_TRY(floe_session_describe(session, "spine", arena, &ret_header->columns, &ret_header->column_count, err));
    floe_input names = {.reader = csv ? "read_csv" : "read_json",
                        .files = &request->spine,
                        .file_count = 1,
                        .has_header = true,
                        .columns = ret_header->columns,
                        .column_count = ret_header->column_count};
    FLOE_TRY(floe_input_names_check(session, &names, err));
    /* So the reader calls what is no object. */
    bool others = !csv && ret_header->column_count == 1 && floe_str_is(ret_header->columns[0].name, "json");
    FLOE_TRY(others ? floe_json_lines_check(session, request->spine, err) : FLOE_OK);
    return floe_spine_check_columns(request, ret_header, keys, key_count, err);
}

static const floe_column *read_key_of(const floe_dataset_request *request, const floe_column *keys, size_t key_count,
                                      floe_str column) {
    for (size_t i = 0; i < key_count; i++) {
        if (is_read_from_json(keys[i].type) && floe_str_equal(floe_spine_key_column(request, keys[i].name), column)) {
            return &keys[i];
        }
    }
    return NULL;
}

/* The value that JSON text stands for; null: none of the type. */
static void append_json_cast(floe_type type, const char *name, floe_buf *sql) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_KIB(64));
    floe_buf_printf(&text, "trim(CAST(%s AS VARCHAR), '\"')", name);
    floe_text_cast(type, text.ptr, sql);
}

/* A key of JSON whose column is read as it is written, as its declared type, in the spelling that a lookup takes. */
static void append_json_typed(const floe_dataset_request *request, const floe_column *key, floe_buf *sql) {
    floe_str column = floe_spine_key_column(request, key->name);
    char type_name[FLOE_TYPE_NAME_MAX];
    FLOE_AUTO_BUF name, pattern, words;
    floe_buf_init(&name, FLOE_KIB(64));
    floe_buf_init(&pattern, FLOE_KIB(4));
    floe_buf_init(&words, FLOE_KIB(64));
    floe_sql_quote_name(&name, column);
    (void)append_json_pattern(key->type, &pattern);
    floe_buf_printf(&words, "the key column \"%.*s\" has a value that is no %s%s: ", FLOE_STR_ARG(column),
                    floe_type_name(key->type, type_name),
                    key->type.kind == FLOE_KIND_DECIMAL ? " (write one with a fraction as text)" : "");
    floe_buf_printf(sql, "CASE WHEN %s IS NULL OR regexp_full_match(CAST(%s AS VARCHAR), ", name.ptr, name.ptr);
    floe_sql_quote_text(sql, floe_buf_view(&pattern));
    floe_buf_text(sql, ") AND ");
    append_json_cast(key->type, name.ptr, sql);
    floe_buf_text(sql, " IS NOT NULL THEN ");
    append_json_cast(key->type, name.ptr, sql);
    floe_buf_text(sql, " ELSE error(");
    floe_sql_quote_text(sql, floe_buf_view(&words));
    floe_buf_printf(sql, " || CAST(%s AS VARCHAR)) END AS %s", name.ptr, name.ptr);
}

/* A key of text whose column holds other values too, which the reader therefore gives as they are written: the texts, without their
 * quotes, and no other values. */
static void append_json_text(const floe_dataset_request *request, const floe_column *key, floe_buf *sql) {
    floe_str column = floe_spine_key_column(request, key->name);
    FLOE_AUTO_BUF name, words;
    floe_buf_init(&name, FLOE_KIB(64));
    floe_buf_init(&words, FLOE_KIB(64));
    floe_sql_quote_name(&name, column);
    floe_buf_printf(&words, "the key column \"%.*s\" has a value that is no string: ", FLOE_STR_ARG(column));
    floe_buf_printf(sql, "CASE WHEN coalesce(json_type(%s), 'NULL') IN ('VARCHAR', 'NULL') THEN %s ->> '$' ELSE error(",
                    name.ptr, name.ptr);
    floe_sql_quote_text(sql, floe_buf_view(&words));
    floe_buf_printf(sql, " || CAST(%s AS VARCHAR)) END AS %s", name.ptr, name.ptr);
}

/* The key as it comes out of JSON; false: as the reader gives it. */
static bool append_json_key(const floe_dataset_request *request, const floe_column *key, floe_str read_type, bool any,
                            floe_buf *sql) {
    FLOE_AUTO_BUF pattern;
    floe_buf_init(&pattern, FLOE_KIB(4));
    bool bytes = key && key->type.kind == FLOE_KIND_BYTES && floe_str_is(read_type, "VARCHAR");
    bool typed = key && is_typed_in_json(key->type);
    bool mixed = key && key->type.kind == FLOE_KIND_STRING && floe_str_is(read_type, "JSON");
    floe_buf_text(sql, !bytes && !typed && !mixed ? "" : any ? ", " : " REPLACE (");
    if (bytes) {
        (void)floe_text_pattern(key->type, &pattern);
        append_strict_key(request, key, floe_buf_view(&pattern), sql);
    } else if (typed) {
        append_json_typed(request, key, sql);
    } else if (mixed) {
        append_json_text(request, key, sql);
    }
    return bytes || typed || mixed;
}

/* read_json over columns whose types the reader found out, but keys of text as text, of bytes from base64 and others as their declared types. The
 * columns are spelled out only where the reader would make more of such a key, because it then knows no other column. */
static void append_json(const floe_dataset_request *request, const floe_column *keys, size_t key_count,
                        const spine_guess *found, floe_buf *sql) {
    FLOE_AUTO_BUF types;
    floe_buf_init(&types, FLOE_MIB(1));
    bool retyped = false, any = false;
    floe_buf_text(sql, "(SELECT *");
    for (size_t i = 0; i < found->count; i++) {
        const floe_query_column *column = &found->columns[i];
        const floe_column *key = read_key_of(request, keys, key_count, column->name);
        floe_str type = key && is_typed_in_json(key->type)     ? FLOE_STR("JSON")
                        : key && looks_like_more(column->type) ? FLOE_STR("VARCHAR")
                                                               : found->types[i];
        retyped = retyped || !floe_str_equal(type, column->type);
        floe_buf_text(&types, i > 0 ? ", " : "");
        floe_sql_quote_text(&types, column->name);
        floe_buf_text(&types, ": ");
        floe_sql_quote_text(&types, type);
        any = append_json_key(request, key, type, any, sql) || any;
    }
    floe_buf_text(sql, any ? ") FROM read_json(" : " FROM read_json(");
    floe_sql_quote_path(sql, floe_str_of(request->spine));
    floe_buf_text(sql, JSON_OPTIONS);
    if (retyped) {
        floe_buf_text(sql, ", columns = {");
        floe_buf_str(sql, floe_buf_view(&types));
        floe_buf_byte(sql, '}');
    } else { /* as the types were found: over all rows */
        floe_buf_text(sql, ", sample_size = -1");
    }
    floe_buf_text(sql, "))");
}

floe_status floe_spine_text(floe_session *session, const floe_dataset_request *request, const floe_column *keys,
                            size_t key_count, floe_arena *arena, floe_buf *sql, floe_error *err) {
    floe_str path = floe_str_of(request->spine);
    FLOE_ENSURE(floe_file_exists(request->spine), err, FLOE_NOT_FOUND, "the spine %s does not exist", request->spine);
    bool csv = floe_str_ends_nocase(path, ".csv");
    bool json = floe_str_ends_nocase(path, ".jsonl") || floe_str_ends_nocase(path, ".ndjson");
    if (csv || json) {
        spine_table header;
        FLOE_TRY(check_shared_columns(request, keys, key_count, err));
        FLOE_TRY(read_header(session, request, keys, key_count, csv, arena, &header, err));
        if (csv) {
            return append_csv(session, request, keys, key_count, arena, sql, err);
        }
        spine_guess guess = {.columns = header.columns, .count = header.column_count, .arena = arena};
        FLOE_TRY(find_exact_types(session, request, keys, key_count, &guess, err));
        keep_input_texts(request, keys, key_count, &guess);
        append_json(request, keys, key_count, &guess, sql);
        return FLOE_OK;
    }
    FLOE_ENSURE(!floe_str_ends_nocase(path, ".gz") && !floe_str_ends_nocase(path, ".zst"), err, FLOE_UNSUPPORTED,
                "the spine %s is packed: unpack it, or import it as a table and take that", request->spine);
    return FLOE_FAIL(
        err, FLOE_UNSUPPORTED,
        "the spine %s is neither .parquet, .arrow, .feather, .arrows, .csv nor .jsonl, and no table either",
        request->spine);
}
