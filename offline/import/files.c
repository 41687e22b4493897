/*
 * The files of an import: there, of one format, and all of one shape. The engine's readers would cast the columns of later
 * Parquet files to the types of the first, leave out columns that the first lacks, and take those of text by their place; floe
 * compares them first and refuses, naming the file.
 */
#include "offline/import/import_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "offline/input.h"

#include <stdio.h>
#include <string.h>

static const import_reader READERS[] = {
    {".parquet", "read_parquet", false}, {".csv", "read_csv", true},        {".csv.gz", "read_csv", true},
    {".tsv", "read_csv", true},          {".json", "read_json", false},     {".json.gz", "read_json", false},
    {".jsonl", "read_json", false},      {".jsonl.gz", "read_json", false}, {".ndjson", "read_json", false},
};

const import_reader *floe_import_reader(const char *path) {
    for (size_t i = 0; i < sizeof READERS / sizeof *READERS; i++) {
        if (floe_str_ends_nocase(floe_str_of(path), READERS[i].ending)) {
            return &READERS[i];
        }
    }
    return NULL;
}

static floe_status check_file(const char *path, const import_reader *first, floe_error *err) {
    const import_reader *reader = floe_import_reader(path);
    FLOE_ENSURE(reader, err, FLOE_UNSUPPORTED,
                "%s: the ending tells no format; known are .parquet, .csv, .tsv, .json, .jsonl and .ndjson", path);
    FLOE_ENSURE(strcmp(reader->function, first->function) == 0, err, FLOE_INVALID,
                "%s: files of one import must be of one format; import the others with --append", path);
    FLOE_ENSURE(!strpbrk(path, "*?[") || floe_file_exists(path), err, FLOE_INVALID,
                "%s: there is no file of that name; name each file, patterns are the shell's business", path);
    FLOE_ENSURE(floe_file_exists(path), err, FLOE_NOT_FOUND, "%s: there is no such file", path);
    uint64_t len = 0;
    FLOE_TRY(floe_file_len(path, &len, err));
    FLOE_ENSURE(len > 0, err, FLOE_INVALID, "%s: the file is empty: not even a header says what its columns are", path);
    return FLOE_OK;
}

/* ---- shapes ---- */

typedef struct file_shape {
    const char *path;
    const floe_query_column *columns;
    size_t count;
} file_shape;

static floe_status read_shape(floe_import *import, const import_reader *reader, const char *path, floe_arena *arena,
                              file_shape *ret_shape, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_buf_printf(&sql, "SELECT * FROM %s(", reader->function);
    floe_sql_quote_path(&sql, floe_str_of(path));
    floe_buf_text(&sql, reader->takes_types ? FLOE_CSV_OPTIONS ", header = true)" : ", hive_partitioning = false)");
    FLOE_TRY(floe_buf_check(&sql, err));
    ret_shape->path = path;
    return floe_session_describe(import->session, sql.ptr, arena, &ret_shape->columns, &ret_shape->count, err);
}

static floe_status fail_shape(const file_shape *first, const file_shape *other, floe_str column, const char *what,
                              floe_error *err) {
    return FLOE_FAIL(err, FLOE_INVALID, "%s: the column \"%.*s\" %s in %s; import this file by itself, with --append",
                     other->path, FLOE_STR_BRIEF(column), what, first->path);
}

static const floe_query_column *find(const file_shape *shape, floe_str name) {
    for (size_t i = 0; i < shape->count; i++) {
        if (floe_str_equal(shape->columns[i].name, name)) {
            return &shape->columns[i];
        }
    }
    return NULL;
}

/* Nanoseconds without a zone are taken as microseconds, where they are whole ones. */
static floe_str taken_as(floe_str type) {
    return floe_str_is(type, "TIMESTAMP_NS") ? FLOE_STR("TIMESTAMP") : type;
}

/* Whether every value of the other type is one of the first file's. */
static bool fits(floe_str first_type, floe_str other_type, floe_arena *arena) {
    const floe_ice_type *to = NULL, *from = NULL;
    floe_str first = taken_as(first_type), other = taken_as(other_type);
    return floe_str_equal(first, other) ||
           (!floe_failed(floe_import_type_parse(first, arena, &to, NULL)) &&
            !floe_failed(floe_import_type_parse(other, arena, &from, NULL)) && floe_import_type_widens(from, to));
}

/* Parquet goes by name, text by place; the types of text are found over all files. */
static floe_status compare(const file_shape *first, const file_shape *other, bool is_text, floe_arena *arena,
                           floe_error *err) {
    for (size_t i = 0; i < other->count; i++) {
        const floe_query_column *column = &other->columns[i], *same = find(first, column->name);
        if (!same) {
            return fail_shape(first, other, column->name, "is not", err);
        }
        if (is_text && (i >= first->count || same != &first->columns[i])) {
            return fail_shape(first, other, column->name, "stands at another place", err);
        }
        if (!is_text && !fits(same->type, column->type, arena)) {
            char what[300];
            snprintf(what, sizeof what, "is %.*s and %.*s", FLOE_STR_BRIEF(column->type), FLOE_STR_BRIEF(same->type));
            return fail_shape(first, other, column->name, what, err);
        }
    }
    for (size_t i = 0; i < first->count; i++) {
        if (!find(other, first->columns[i].name)) {
            return FLOE_FAIL(err, FLOE_INVALID,
                             "%s has no column \"%.*s\", which is in %s; import this file by itself, with --append",
                             other->path, FLOE_STR_BRIEF(first->columns[i].name), first->path);
        }
    }
    return FLOE_OK;
}

/* The columns of several JSON files are those of all of them, so only their names are looked at, together. */
static floe_status check_shapes(floe_import *import, const import_reader *reader, floe_error *err) {
    const floe_import_request *request = import->request;
    bool is_json = strcmp(reader->function, "read_json") == 0;
    file_shape first = {0};
    for (size_t i = 0; i < request->file_count && !is_json; i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(64));
        file_shape other = {0};
        const char *path = request->files[i];
        FLOE_TRY(reader->takes_types ? floe_csv_check(import->session, path, true, err) : FLOE_OK);
        FLOE_TRY(read_shape(import, reader, path, i == 0 ? import->arena : &arena, &other, err));
        floe_input input = {.reader = reader->function,
                            .files = &request->files[i],
                            .file_count = 1,
                            .has_header = reader->takes_types,
                            .columns = other.columns,
                            .column_count = other.count};
        FLOE_TRY(floe_input_names_check(import->session, &input, err));
        first = i == 0 ? other : first;
        FLOE_TRY(compare(&first, &other, reader->takes_types, &arena, err));
    }
    return FLOE_OK;
}

static floe_status check_json_names(floe_import *import, const import_reader *reader, floe_error *err) {
    const floe_import_request *request = import->request;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_input input = {.reader = reader->function, .files = request->files, .file_count = request->file_count};
    floe_buf_text(&sql, "SELECT * FROM read_json([");
    for (size_t i = 0; i < request->file_count; i++) {
        floe_buf_text(&sql, i > 0 ? ", " : "");
        floe_sql_quote_path(&sql, floe_str_of(request->files[i]));
    }
    floe_buf_text(&sql, "], hive_partitioning = false)");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_describe(import->session, sql.ptr, import->arena, &input.columns, &input.column_count, err));
    return floe_input_names_check(import->session, &input, err);
}

floe_status floe_import_check_files(floe_import *import, floe_error *err) {
    const floe_import_request *request = import->request;
    FLOE_ENSURE(request->file_count > 0, err, FLOE_INVALID, "no file to import");
    const import_reader *reader = floe_import_reader(request->files[0]);
    for (size_t i = 0; i < request->file_count; i++) {
        FLOE_TRY(check_file(request->files[i], reader ? reader : &READERS[0], err));
    }
    FLOE_TRY(check_shapes(import, reader, err));
    return strcmp(reader->function, "read_json") == 0 ? check_json_names(import, reader, err) : FLOE_OK;
}
