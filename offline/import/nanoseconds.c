/*
 * Parquet columns that the engine's reader would cut or distort (offline/io/parquet.h), on their way into a table, whose times are
 * microseconds.
 *
 * Phases: every column of times in nanoseconds is looked through for a value that is no whole microsecond, file after file, from a
 * private copy that is removed again. Where there is none, the engine loses nothing, and the files are read as they are. Where there
 * is one, it is refused; but a select list may round it, so with one the columns stay TIMESTAMP_NS (of a time of day: on
 * 1970-01-01), read from copies that last as long as the import. What the engine cannot read at all, nested nanoseconds with a zone
 * and decimals of more than 38 digits, is refused too; with a select list only where the list uses it.
 */
#include "offline/import/import_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "offline/input.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { VALUE_TEXT = 64 };

typedef struct nanos {
    floe_import *import;
    const char *const *files;
    const floe_parquet_look *looks;
    floe_str *finer; /* columns with a value that is no whole microsecond */
    size_t finer_count, finer_capacity;
    floe_str *done; /* columns that are in `replaced` */
    size_t done_count, done_capacity;
    floe_buf replaced;
    size_t copy_count;
} nanos;

static floe_status remember(nanos *run, floe_str name, floe_str **names, size_t *count, size_t *capacity,
                            floe_error *err) {
    floe_arena *arena = run->import->arena;
    floe_str *slot = floe_arena_push(arena, names, count, capacity, sizeof(**names));
    FLOE_TRY(floe_arena_check(arena, err));
    *slot = name;
    return FLOE_OK;
}

static bool is_readable(const floe_parquet_column *column) {
    return column->kind == FLOE_PARQUET_TIMESTAMP_NS || column->kind == FLOE_PARQUET_INT96 ||
           (column->kind != FLOE_PARQUET_WIDE_DECIMAL && !column->nested);
}

static bool is_looked_through(const floe_parquet_column *column) {
    return is_readable(column) && !column->nested && column->kind != FLOE_PARQUET_INT96;
}

/* ---- copies ---- */

/* A copy of a file, in which its columns are patched, or those of finer values only. *ret_path is NULL where none needs it. */
static floe_status make_copy(nanos *run, size_t file, bool finer_only, const char **ret_path, floe_error *err) {
    floe_import *import = run->import;
    const floe_parquet_look *look = &run->looks[file];
    floe_parquet_patch *patches = floe_arena_alloc(import->arena, 2 * look->column_count + 1, sizeof(*patches));
    const char *folder = NULL;
    size_t count = 0;
    *ret_path = NULL;
    FLOE_TRY(floe_arena_check(import->arena, err));
    for (size_t i = 0; i < look->column_count; i++) {
        const floe_parquet_column *column = &look->columns[i];
        bool taken = is_looked_through(column) &&
                     (!finer_only || floe_str_is_among(column->column, run->finer, run->finer_count));
        for (size_t p = 0; taken && p < column->patch_count; p++) {
            patches[count++] = column->patches[p];
        }
    }
    if (count == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_lake_spill(import->lake, &folder, err));
    /* The engine may remember what lay at a path: no two copies have one name. */
    const char *path = floe_arena_printf(import->arena, "%s/%s-%zu.parquet", folder, import->uuid, ++run->copy_count);
    FLOE_TRY(floe_arena_check(import->arena, err));
    floe_parquet_copy copy = {.from = run->files[file],
                              .to = path,
                              .footer_at = look->footer_at,
                              .patches = patches,
                              .patch_count = count,
                              .cancelled = import->run ? import->run->cancelled : NULL};
    FLOE_TRY(floe_parquet_copy_make(&copy, err));
    *ret_path = path;
    return FLOE_OK;
}

/* ---- values ---- */

/* "2001-02-03 04:05:06.000000007", with a zone or without a date where the column's type is such. */
static const char *value_text(int64_t ns, floe_parquet_kind kind, char out[VALUE_TEXT]) {
    int64_t seconds = floe_floor_div(ns, 1000000000);
    int64_t days = floe_floor_div(seconds, 86400);
    int64_t year = 0;
    unsigned month = 0, day = 0;
    int of_day = (int)(seconds - days * 86400);
    int rest = (int)(((ns % 1000000000) + 1000000000) %
                     1000000000); /* The first second of int64 begins before its numbers do. */
    int len = 0;
    floe_civil_from_days(days, &year, &month, &day);
    if (kind != FLOE_PARQUET_TIME_NS) {
        len = snprintf(out, VALUE_TEXT, "%04" PRId64 "-%02u-%02u ", year, month, day);
    }
    snprintf(out + len, VALUE_TEXT - (size_t)len, "%02d:%02d:%02d.%09d%s", of_day / 3600, of_day / 60 % 60, of_day % 60,
             rest, kind == FLOE_PARQUET_TIMESTAMPTZ_NS ? "+00" : "");
    return out;
}

static void put_file(floe_buf *sql, const char *path) {
    floe_buf_text(sql, " FROM read_parquet(");
    floe_sql_quote_path(sql, floe_str_of(path));
    floe_buf_text(sql, ", hive_partitioning = false)");
}

/* Names the first such value of a column. */
static floe_status refuse(nanos *run, size_t file, const char *read, const floe_parquet_column *column,
                          floe_error *err) {
    static const char *const TYPES[] = {[FLOE_PARQUET_TIMESTAMP_NS] = "TIMESTAMP",
                                        [FLOE_PARQUET_TIMESTAMPTZ_NS] = "TIMESTAMPTZ",
                                        [FLOE_PARQUET_TIME_NS] = "TIME"};
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    char text[VALUE_TEXT];
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_buf_text(&sql, "SELECT r, n FROM (SELECT row_number() OVER () AS r, epoch_ns(");
    floe_sql_quote_name(&sql, column->column);
    floe_buf_text(&sql, ") AS n");
    put_file(&sql, read);
    floe_buf_text(&sql, ") WHERE n % 1000 <> 0 ORDER BY r LIMIT 1");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_import_query(run->import, sql.ptr, &rows, err));
    FLOE_ENSURE(rows.row_count > 0, err, FLOE_INTERNAL, "a value of %s was found and lost again", run->files[file]);
    return FLOE_FAIL(err, FLOE_INVALID,
                     "%s, row %" PRId64 ": the column \"%.*s\" has the value %s, and a table's times are whole "
                     "microseconds; cut it in --select, where the column is a TIMESTAMP_NS: CAST(\"%.*s\" AS %s)",
                     run->files[file], rows.values[0].as.integer, FLOE_STR_BRIEF(column->column),
                     value_text(rows.values[1].as.integer, column->kind, text), FLOE_STR_BRIEF(column->column),
                     TYPES[column->kind]);
}

/* Whether somebody downstream says what becomes of finer values: the select list, or for what the engine reads whole, --types. */
static bool may_stay(const floe_import *import, const floe_parquet_column *column) {
    return import->request->select != NULL ||
           (import->request->types != NULL && column->kind == FLOE_PARQUET_TIMESTAMP_NS);
}

static floe_status judge_counts(nanos *run, size_t file, const char *read, const floe_query_rows *rows,
                                floe_error *err) {
    const floe_parquet_look *look = &run->looks[file];
    size_t at = 0;
    for (size_t i = 0; i < look->column_count; i++) {
        const floe_parquet_column *column = &look->columns[i];
        if (!is_looked_through(column) || rows->values[at++].as.integer == 0) {
            continue;
        }
        if (!may_stay(run->import, column)) {
            return refuse(run, file, read, column, err);
        }
        if (!floe_str_is_among(column->column, run->finer, run->finer_count)) {
            FLOE_TRY(remember(run, column->column, &run->finer, &run->finer_count, &run->finer_capacity, err));
        }
    }
    return FLOE_OK;
}

static floe_status look_through(nanos *run, size_t file, const char *read, floe_error *err) {
    const floe_parquet_look *look = &run->looks[file];
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    bool any = false;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    for (size_t i = 0; i < look->column_count; i++) {
        if (is_looked_through(&look->columns[i])) {
            floe_buf_text(&sql, any ? ", count(*) FILTER (WHERE epoch_ns(" : "SELECT count(*) FILTER (WHERE epoch_ns(");
            floe_sql_quote_name(&sql, look->columns[i].column);
            floe_buf_text(&sql, ") % 1000 <> 0)");
            any = true;
        }
    }
    put_file(&sql, read);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(any ? floe_import_query(run->import, sql.ptr, &rows, err) : FLOE_OK);
    return any ? judge_counts(run, file, read, &rows, err) : FLOE_OK;
}

static floe_status check_values(nanos *run, size_t file, floe_error *err) {
    const char *copy = NULL;
    FLOE_TRY(make_copy(run, file, false, &copy, err));
    floe_status status = look_through(run, file, copy ? copy : run->files[file], err);
    if (copy != NULL) {
        floe_parquet_name_original(err, copy, run->files[file]);
        FLOE_IGNORE(floe_file_remove(copy, NULL));
    }
    return status;
}

/* ---- what is read instead ---- */

static floe_status begin_replaced(nanos *run, floe_str column, floe_error *err) {
    floe_buf_text(&run->replaced, run->done_count > 0 ? ", " : "");
    return remember(run, column, &run->done, &run->done_count, &run->done_capacity, err);
}

/* The column keeps its type and fails where a row is read. */
static floe_status put_error(nanos *run, size_t file, const floe_parquet_column *column, floe_error *err) {
    floe_error words = {0};
    FLOE_IGNORE(floe_parquet_refuse(run->files[file], column, &words));
    FLOE_TRY(begin_replaced(run, column->column, err));
    floe_buf_text(&run->replaced, "CASE WHEN error(");
    floe_sql_quote_text(&run->replaced, floe_str_of(words.message));
    floe_buf_text(&run->replaced, ") IS NULL THEN ");
    floe_sql_quote_name(&run->replaced, column->column);
    floe_buf_text(&run->replaced, " END AS ");
    floe_sql_quote_name(&run->replaced, column->column);
    return FLOE_OK;
}

/* Whole microseconds, which the engine reads as nanoseconds where they have no zone. */
static floe_status put_whole(nanos *run, const floe_parquet_column *column, floe_error *err) {
    FLOE_TRY(begin_replaced(run, column->column, err));
    floe_buf_text(&run->replaced, "CAST(");
    floe_sql_quote_name(&run->replaced, column->column);
    floe_buf_text(&run->replaced, " AS TIMESTAMP) AS ");
    floe_sql_quote_name(&run->replaced, column->column);
    return FLOE_OK;
}

static floe_status put_replaced(nanos *run, size_t file, floe_error *err) {
    const floe_parquet_look *look = &run->looks[file];
    for (size_t i = 0; i < look->column_count; i++) {
        const floe_parquet_column *column = &look->columns[i];
        bool finer = floe_str_is_among(column->column, run->finer, run->finer_count);
        if (floe_str_is_among(column->column, run->done, run->done_count)) {
            continue;
        }
        if (!is_readable(column)) {
            FLOE_TRY(put_error(run, file, column, err));
        } else if (column->kind == FLOE_PARQUET_TIMESTAMP_NS && !column->nested && !finer) {
            FLOE_TRY(put_whole(run, column, err));
        }
    }
    return FLOE_OK;
}

/* The reader gives all files the first one's types, so a column that keeps its nanoseconds must have them in all. */
static floe_status check_alike(const nanos *run, size_t file, floe_error *err) {
    const floe_parquet_look *look = &run->looks[file];
    for (size_t f = 0; f < run->finer_count; f++) {
        bool has = false;
        for (size_t i = 0; i < look->column_count; i++) {
            has =
                has || (is_looked_through(&look->columns[i]) && floe_str_equal(look->columns[i].column, run->finer[f]));
        }
        FLOE_ENSURE(
            has, err, FLOE_INVALID,
            "%s: the column \"%.*s\" is in microseconds, and has finer values in another file; import this file "
            "by itself, with --append",
            run->files[file], FLOE_STR_BRIEF(run->finer[f]));
    }
    return FLOE_OK;
}

static floe_status keep_copies(nanos *run, floe_error *err) {
    floe_import *import = run->import;
    size_t count = import->request->file_count;
    const char **copies = floe_arena_alloc(import->arena, count, sizeof(*copies));
    FLOE_TRY(floe_arena_check(import->arena, err));
    import->copies = copies; /* now, so that those which were made go with the import */
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(check_alike(run, i, err));
        FLOE_TRY(make_copy(run, i, true, &copies[i], err));
    }
    return FLOE_OK;
}

static floe_status check_files(nanos *run, floe_error *err) {
    size_t count = run->import->request->file_count;
    for (size_t f = 0; f < count; f++) {
        const floe_parquet_look *look = &run->looks[f];
        for (size_t i = 0; i < look->column_count && run->import->request->select == NULL; i++) {
            FLOE_TRY(is_readable(&look->columns[i]) ? FLOE_OK
                                                    : floe_parquet_refuse(run->files[f], &look->columns[i], err));
        }
        FLOE_TRY(check_values(run, f, err));
    }
    FLOE_TRY(run->finer_count > 0 ? keep_copies(run, err) : FLOE_OK);
    for (size_t f = 0; f < count; f++) {
        FLOE_TRY(put_replaced(run, f, err));
    }
    FLOE_TRY(floe_buf_check(&run->replaced, err));
    run->import->replaced = floe_arena_str(run->import->arena, floe_buf_view(&run->replaced));
    return floe_arena_check(run->import->arena, err);
}

floe_status floe_import_nanoseconds(floe_import *import, floe_error *err) {
    const floe_import_request *request = import->request;
    nanos run = {.import = import, .files = request->files};
    if (strcmp(floe_import_reader(request->files[0])->function, "read_parquet") != 0) {
        return FLOE_OK;
    }
    FLOE_TRY(
        floe_parquet_look_at(import->session, request->files, request->file_count, import->arena, &run.looks, err));
    if (run.looks == NULL) {
        return FLOE_OK;
    }
    floe_buf_init(&run.replaced, FLOE_IMPORT_SQL_CAP);
    floe_status status = check_files(&run, err);
    floe_buf_close(&run.replaced);
    return status;
}

void floe_import_nanoseconds_end(floe_import *import, floe_error *err) {
    for (size_t i = 0; import->copies != NULL && i < import->request->file_count; i++) {
        if (import->copies[i] != NULL) {
            floe_parquet_name_original(err, import->copies[i], import->request->files[i]);
            FLOE_IGNORE(floe_file_remove(import->copies[i], NULL));
            import->copies[i] = NULL;
        }
    }
}
