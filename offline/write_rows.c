/*
 * Rows into files. Parquet is the engine's COPY; CSV and JSON Lines are printed here from the engine's Arrow stream, because
 * the engine's own printers write NaN bare, decimals as inexact numbers, times without T and Z and bytes as escapes. Arrow files
 * are written from the same stream by offline/ipc.
 *
 * Phases: a part file beside the target → rows → fsync → rename by publish. Whatever fails before removes the part.
 */
#include "offline/write_rows.h"

#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/ipc/ipc.h"
#include "offline/write_behind.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FLUSH_AT FLOE_MIB(1)
#define ROW_GROUP_STEP ((size_t)2048)
#define DICTIONARY_LEAST ((size_t)100)
#define DICTIONARY_MOST ((size_t)1024)
#define DICTIONARIES_MOST ((size_t)8192) /* entries of all columns */
#define ROW_GROUP_MOST ((size_t)122880)
#define ROW_GROUP_CELLS ((size_t)1 << 20)
#define BATCH_COLUMNS ((size_t)64) /* of whose batches a row group each is made */
#define COLUMN_BYTES FLOE_KIB(40)  /* of one column that is written: its encoders */
#define CHUNK_BYTES 750            /* of one column of one row group, described at the file's end */
#define CELL_BYTES 16              /* of one cell of a row group, as it is and packed */

typedef enum row_format {
    FORMAT_NONE,
    FORMAT_PARQUET,
    FORMAT_CSV,
    FORMAT_JSONL,
    FORMAT_ARROW,
    FORMAT_ARROWS
} row_format;

static row_format format_of(const char *path) {
    static const struct {
        const char *ending;
        row_format format;
    } FORMATS[] = {{".parquet", FORMAT_PARQUET}, {".csv", FORMAT_CSV},       {".jsonl", FORMAT_JSONL},
                   {".arrow", FORMAT_ARROW},     {".feather", FORMAT_ARROW}, {".arrows", FORMAT_ARROWS}};
    for (size_t i = 0; i < sizeof(FORMATS) / sizeof(FORMATS[0]); i++) {
        if (floe_str_ends_nocase(floe_str_of(path), FORMATS[i].ending)) {
            return FORMATS[i].format;
        }
    }
    return FORMAT_NONE;
}

/* Whether a folder holds an Iceberg table. */
static floe_status is_table(const char *folder, floe_arena *arena, bool *ret_is, floe_error *err) {
    const char *metadata = floe_arena_printf(arena, "%s/metadata", folder);
    const char *const *names = NULL;
    size_t count = 0;
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_is = false;
    if (!floe_file_is_dir(metadata) || floe_failed(floe_file_list(metadata, arena, &names, &count, NULL))) {
        return FLOE_OK;
    }
    for (size_t i = 0; i < count; i++) {
        floe_str name = floe_str_of(names[i]);
        *ret_is =
            *ret_is || floe_str_ends_with(name, FLOE_STR(".metadata.json")) || floe_str_is(name, "version-hint.text");
    }
    return FLOE_OK;
}

/* A file that takes the place of one of a table's own would be the end of the table. In the table's own folder, of which only older
 * tables keep data, another file does no harm. */
static floe_status check_no_table(const char *path, const char *folder, floe_arena *arena, floe_error *err) {
    const char *place = NULL;
    bool harmless = format_of(path) != FORMAT_PARQUET || !floe_file_exists(path);
    char resolved[PATH_MAX];
    FLOE_TRY(floe_path_absolute(arena, realpath(folder, resolved) ? resolved : folder, &place, err));
    for (bool at_root = false; !at_root;) {
        bool is = false;
        at_root = strcmp(place, "/") == 0 || strcmp(place, ".") == 0;
        FLOE_TRY(harmless ? FLOE_OK : is_table(place, arena, &is, err));
        harmless = false;
        FLOE_ENSURE(!is, err, FLOE_INVALID,
                    "cannot write %s: it would lie among the files of the table in %s; name another place", path,
                    place);
        place = floe_path_dirname(arena, place);
        FLOE_TRY(floe_arena_check(arena, err));
    }
    return FLOE_OK;
}

floe_status floe_rows_check(const char *path, floe_error *err) {
    FLOE_ENSURE(!floe_file_is_dir(path), err, FLOE_INVALID, "cannot write %s: it is a folder", path);
    FLOE_ENSURE(format_of(path) != FORMAT_NONE, err, FLOE_UNSUPPORTED,
                "cannot write %s: the ending must be .parquet, .arrow, .feather, .arrows, .csv or .jsonl", path);
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(256));
    const char *folder = floe_path_dirname(&arena, path);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_ENSURE(floe_file_is_dir(folder), err, FLOE_NOT_FOUND, "cannot write %s: the folder %s does not exist", path,
                folder);
    return check_no_table(path, folder, &arena, err);
}

/* ---- the part file ---- */

floe_status floe_rows_part(const char *path, floe_buf *out, floe_error *err) {
    floe_buf_printf(out, "%s.%ld.part", path, (long)getpid());
    return floe_buf_check(out, err);
}

void floe_rows_discard(const char *path) {
    FLOE_AUTO_BUF part;
    floe_buf_init(&part, FLOE_KIB(16));
    if (!floe_failed(floe_rows_part(path, &part, NULL))) {
        FLOE_IGNORE(floe_file_remove(part.ptr, NULL));
    }
}

static floe_status fail_io(int sys_errno, floe_error *err) {
    return FLOE_FAIL(err, sys_errno == EACCES || sys_errno == EPERM ? FLOE_DENIED : FLOE_IO, "%s",
                     sys_errno == ENOSPC ? "the disk is full" : strerror(sys_errno));
}

static floe_status write_all(int fd, floe_buf *pending, floe_error *err) {
    FLOE_TRY(floe_buf_check(pending, err));
    for (size_t done = 0; done < pending->len;) {
        ssize_t wrote = write(fd, pending->ptr + done, pending->len - done);
        if (wrote < 0 && errno != EINTR) {
            return fail_io(errno, err);
        }
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    floe_buf_clear(pending);
    return FLOE_OK;
}

static void close_file(int *fd) {
    if (*fd >= 0) {
        close(*fd);
    }
}

static floe_status sync_path(const char *path, floe_error *err) {
    FLOE_CLEANUP(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 || fsync(fd) != 0 ? fail_io(errno, err) : FLOE_OK;
}

/* ---- columns ---- */

/* The engine's types that are printed from Arrow as they are; nested ones are too. Any other goes as the engine's text. */
static bool is_printable(floe_str type) {
    static const char *const known[] = {"BOOLEAN",
                                        "TINYINT",
                                        "SMALLINT",
                                        "INTEGER",
                                        "BIGINT",
                                        "UTINYINT",
                                        "USMALLINT",
                                        "UINTEGER",
                                        "FLOAT",
                                        "DOUBLE",
                                        "VARCHAR",
                                        "BLOB",
                                        "DATE",
                                        "TIMESTAMP",
                                        "TIMESTAMP_S",
                                        "TIMESTAMP_MS",
                                        "TIMESTAMP_NS",
                                        "TIME",
                                        "TIMESTAMP WITH TIME ZONE"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (floe_str_is(type, known[i])) {
            return true;
        }
    }
    return floe_str_starts_with(type, FLOE_STR("DECIMAL(")) || floe_str_starts_with(type, FLOE_STR("STRUCT(")) ||
           floe_str_starts_with(type, FLOE_STR("MAP(")) || floe_str_ends_with(type, FLOE_STR("]"));
}

/* The query whose columns all have printers: others go as the engine's text. */
static floe_status printable_select(floe_session *session, const char *select, floe_buf *out, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    const floe_query_column *columns = NULL;
    size_t count = 0, casts = 0;
    FLOE_TRY(floe_session_describe(session, select, &arena, &columns, &count, err));
    floe_buf_text(out, "SELECT *");
    for (size_t i = 0; i < count; i++) {
        if (!is_printable(columns[i].type)) {
            floe_buf_text(out, casts++ > 0 ? ", CAST(" : " REPLACE (CAST(");
            floe_sql_quote_name(out, columns[i].name);
            floe_buf_text(out, " AS VARCHAR) AS ");
            floe_sql_quote_name(out, columns[i].name);
        }
    }
    floe_buf_text(out, casts > 0 ? ") FROM (" : " FROM (");
    floe_buf_text(out, select);
    floe_buf_byte(out, ')');
    return floe_buf_check(out, err);
}

/* ---- rows as text ---- */

typedef struct text_writer {
    row_format format;
    int fd;
    const struct ArrowSchema *schema;
    floe_buf pending; /* whole rows not yet in the file */
    floe_buf cell;
    int64_t row_count;
} text_writer;

static void writer_close(text_writer *writer) {
    floe_buf_close(&writer->pending);
    floe_buf_close(&writer->cell);
}

/* An empty text is quoted, so that it is not a null. */
static void append_csv(floe_buf *out, floe_str text) {
    bool plain = text.len > 0 && text.ptr[0] != ' ' && text.ptr[text.len - 1] != ' ';
    for (size_t i = 0; i < text.len && plain; i++) {
        plain = !strchr(",;\t|'\"\r\n#", text.ptr[i]) || text.ptr[i] == '\0';
    }
    if (plain) {
        floe_buf_str(out, text);
        return;
    }
    floe_buf_byte(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        floe_buf_text(out, text.ptr[i] == '"' ? "\"" : "");
        floe_buf_byte(out, (uint8_t)text.ptr[i]);
    }
    floe_buf_byte(out, '"');
}

static void append_header(text_writer *writer) {
    for (int64_t i = 0; writer->format == FORMAT_CSV && i < writer->schema->n_children; i++) {
        floe_buf_text(&writer->pending, i > 0 ? "," : "");
        append_csv(&writer->pending, floe_str_of(writer->schema->children[i]->name));
    }
    floe_buf_text(&writer->pending, writer->format == FORMAT_CSV ? "\n" : "");
}

static floe_status append_cell(text_writer *writer, const struct ArrowArray *batch, int64_t column, int64_t row,
                               floe_arena *arena, floe_error *err) {
    const struct ArrowSchema *schema = writer->schema->children[column];
    bool csv = writer->format == FORMAT_CSV, is_null = false;
    floe_buf *out = csv ? &writer->cell : &writer->pending;
    floe_buf_clear(&writer->cell);
    if (!csv) {
        floe_buf_text(out, column > 0 ? "," : "{");
        floe_json_quote(out, floe_str_of(schema->name));
        floe_buf_byte(out, ':');
    }
    floe_status status =
        floe_row_cell(schema, batch->children[column], batch->offset + row, csv, arena, out, &is_null, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "column \"%s\"", schema->name);
    }
    if (csv) {
        FLOE_TRY(floe_buf_check(&writer->cell, err));
        floe_buf_text(&writer->pending, column > 0 ? "," : "");
        if (!is_null) {
            append_csv(&writer->pending, floe_buf_view(&writer->cell));
        }
    }
    return FLOE_OK;
}

static floe_status write_batch(text_writer *writer, const struct ArrowArray *batch, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    for (int64_t row = 0; row < batch->length; row++) {
        for (int64_t column = 0; column < writer->schema->n_children; column++) {
            FLOE_TRY(append_cell(writer, batch, column, row, &arena, err));
        }
        floe_buf_text(&writer->pending, writer->format == FORMAT_CSV ? "\n" : "}\n");
        if (writer->pending.len >= FLUSH_AT) {
            FLOE_TRY(write_all(writer->fd, &writer->pending, err));
        }
    }
    writer->row_count += batch->length;
    return FLOE_OK;
}

static floe_status write_text(floe_session *session, const char *select, row_format format, int fd, int64_t *ret_rows,
                              floe_error *err) {
    FLOE_AUTO_BUF sql;
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_CLEANUP(writer_close) text_writer writer = {.format = format, .fd = fd, .schema = &schema};
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_init(&writer.pending, FLOE_GIB(1));
    floe_buf_init(&writer.cell, FLOE_GIB(1));
    FLOE_TRY(printable_select(session, select, &sql, err));
    FLOE_TRY(floe_session_stream(session, sql.ptr, NULL, &stream, err));
    FLOE_TRY(floe_arrow_stream_schema(&stream, "rows", &schema, err));
    append_header(&writer);
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(&stream, "rows", &batch, err));
        if (!batch.release) {
            break;
        }
        FLOE_TRY(write_batch(&writer, &batch, err));
    }
    *ret_rows = writer.row_count;
    return write_all(fd, &writer.pending, err);
}

/* ---- Arrow ---- */

/* What Arrow has no type for goes as text where it is one; what would lose a part is refused. */
static floe_status arrow_select(floe_session *session, const char *select, floe_arena *arena, floe_buf *out,
                                const bool **ret_is_uuid, floe_error *err) {
    const floe_query_column *columns;
    size_t count;
    FLOE_TRY(floe_session_describe(session, select, arena, &columns, &count, err));
    bool *is_uuid = floe_arena_alloc(arena, count, sizeof(*is_uuid));
    FLOE_TRY(floe_arena_check(arena, err));
    floe_buf_text(out, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        floe_str type = columns[i].type;
        bool text = floe_str_starts_with(type, FLOE_STR("ENUM(")) && !floe_str_ends_with(type, FLOE_STR("]"));
        bool lossy = floe_str_is(type, "BIT") || floe_str_starts_with(type, FLOE_STR("UNION(")) ||
                     memmem(type.ptr, type.len, "TIME WITH TIME ZONE", 19) != NULL;
        FLOE_ENSURE(!lossy, err, FLOE_UNSUPPORTED, "column \"%.*s\" is %.*s, which an Arrow file does not hold",
                    FLOE_STR_BRIEF(columns[i].name), FLOE_STR_BRIEF(type));
        is_uuid[i] = floe_str_is(type, "UUID");
        floe_buf_text(out, i > 0 ? ", " : "");
        floe_buf_text(out, text ? "CAST(" : "");
        floe_sql_quote_name(out, columns[i].name);
        floe_buf_text(out, text ? " AS VARCHAR) AS " : "");
        if (text) {
            floe_sql_quote_name(out, columns[i].name);
        }
    }
    floe_buf_text(out, " FROM (");
    floe_buf_text(out, select);
    floe_buf_byte(out, ')');
    *ret_is_uuid = is_uuid;
    return floe_buf_check(out, err);
}

static floe_status write_arrow(floe_session *session, const char *select, row_format format, int fd, int64_t *ret_rows,
                               floe_error *err) {
    FLOE_AUTO_BUF sql;
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_STREAM stream = {0};
    ipc_form form = {.bare = format == FORMAT_ARROWS};
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_TRY(arrow_select(session, select, &arena, &sql, &form.is_uuid, err));
    FLOE_TRY(floe_session_stream(session, sql.ptr, NULL, &stream, err));
    return floe_ipc_write(&stream, fd, &form, ret_rows, err);
}

/* ---- Parquet ---- */

static size_t steps(size_t rows) {
    size_t whole = rows / ROW_GROUP_STEP * ROW_GROUP_STEP;
    return whole < ROW_GROUP_STEP ? ROW_GROUP_STEP : whole > ROW_GROUP_MOST ? ROW_GROUP_MOST : whole;
}

/* Rows of a group: those that one of the engine's threads reads of its tables at a time, because of such a batch a group is made as it is,
 * while smaller ones are cut out of it by copying it. Fewer for many columns, because a group is held in memory until it is
 * written; but of many rows so many that a group takes what the description of all groups does, which is held until the end. It depends on
 * what is written alone, so that the same rows give the same bytes whatever the memory. */
static size_t row_group_rows(size_t columns, int64_t rows) {
    size_t few = steps(ROW_GROUP_CELLS / (columns > 0 ? columns : 1));
    size_t even = steps((size_t)sqrt((double)rows * CHUNK_BYTES / CELL_BYTES));
    return columns <= BATCH_COLUMNS ? ROW_GROUP_MOST : few > even ? few : even;
}

/* Of a row group that is made of a batch, what is packed is a part of what the engine counts. */
uint64_t floe_rows_writer_bytes(size_t columns, int64_t rows) {
    uint64_t group = row_group_rows(columns, rows), groups = (uint64_t)rows / group + 1;
    group = group < (uint64_t)rows ? group : (uint64_t)rows;
    return columns * (COLUMN_BYTES + groups * CHUNK_BYTES + group * CELL_BYTES / 4);
}

/* Distinct values of a column of a group up to which it has a dictionary. Looking for one among computed numbers, which
 * hardly repeat, is given up early: it costs a fifth of the writing, and the file is no smaller for a larger one. Each column of each
 * thread has the memory for all of them, however few rows there are, so of many columns it is less. */
static size_t dictionary_entries(size_t columns) {
    size_t entries = DICTIONARIES_MOST / (columns > 0 ? columns : 1);
    return entries < DICTIONARY_LEAST ? DICTIONARY_LEAST : entries > DICTIONARY_MOST ? DICTIONARY_MOST : entries;
}

static floe_status write_parquet(floe_session *session, const char *select, floe_str part, int64_t about_rows,
                                 int64_t *ret_rows, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    const floe_query_column *columns;
    size_t count;
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_TRY(floe_session_describe(session, select, &arena, &columns, &count, err));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_text(&sql, "COPY (");
    floe_buf_text(&sql, select);
    floe_buf_text(&sql, ") TO ");
    floe_sql_quote_text(&sql, part);
    floe_buf_printf(
        &sql, " (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1, ROW_GROUP_SIZE %zu, DICTIONARY_SIZE_LIMIT %zu)",
        row_group_rows(count, about_rows), dictionary_entries(count));
    FLOE_TRY(floe_buf_check(&sql, err));
    write_behind behind;
    floe_write_behind_start(&behind, part.ptr);
    floe_status status = floe_session_run(session, sql.ptr, NULL, ret_rows, err);
    floe_write_behind_end(&behind);
    return status;
}

/* Of all formats but Parquet. */
static floe_status write_other(floe_session *session, const char *select, row_format format, const char *part,
                               int64_t *ret_rows, floe_error *err) {
    FLOE_CLEANUP(close_file) int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    FLOE_TRY(fd < 0 ? fail_io(errno, err) : FLOE_OK);
    bool arrow = format == FORMAT_ARROW || format == FORMAT_ARROWS;
    return arrow ? write_arrow(session, select, format, fd, ret_rows, err)
                 : write_text(session, select, format, fd, ret_rows, err);
}

floe_status floe_rows_prepare(floe_session *session, const char *select, const char *path, int64_t about_rows,
                              int64_t *ret_rows, floe_error *err) {
    int64_t rows = 0;
    row_format format = format_of(path);
    FLOE_AUTO_BUF part;
    floe_buf_init(&part, FLOE_KIB(16));
    FLOE_TRY(floe_rows_check(path, err));
    FLOE_TRY(floe_rows_part(path, &part, err));
    floe_status status = format == FORMAT_PARQUET
                             ? write_parquet(session, select, floe_buf_view(&part), about_rows, &rows, err)
                             : write_other(session, select, format, part.ptr, &rows, err);
    status = floe_failed(status) ? status : sync_path(part.ptr, err);
    if (floe_failed(status)) {
        floe_rows_discard(path);
        return floe_error_prefix(err, status, "writing %s", path);
    }
    *ret_rows = rows;
    return FLOE_OK;
}

floe_status floe_rows_publish(const char *path, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_KIB(64));
    FLOE_AUTO_BUF part;
    floe_buf_init(&part, FLOE_KIB(16));
    FLOE_TRY(floe_rows_part(path, &part, err));
    const char *folder = floe_path_dirname(&arena, path);
    FLOE_TRY(floe_arena_check(&arena, err));
    if (rename(part.ptr, path) != 0) {
        floe_status status = FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot rename %s to %s", part.ptr, path);
        floe_rows_discard(path);
        return status;
    }
    /* The rows are whole and in place: a folder that cannot be synced (some file systems refuse) is no failure. */
    FLOE_IGNORE(sync_path(folder, NULL));
    return FLOE_OK;
}
