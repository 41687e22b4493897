/*
 * Files that the engine's readers would take for something else than they are: two columns of one name, lines that are not
 * all of one shape, texts that are empty.
 */
#ifndef FLOE_OFFLINE_INPUT_H
#define FLOE_OFFLINE_INPUT_H

#include "offline/engine/engine.h"
#include "offline/io/parquet.h"

/* A file, or several that are one input, and the columns that the engine's reader found in it. */
typedef struct floe_input {
    const char *reader; /* "read_csv", "read_json" or "read_parquet" */
    const char *const *files;
    size_t file_count;
    bool has_header; /* of text: the first line is one, whatever it looks like */
    const floe_query_column *columns;
    size_t column_count;
} floe_input;

/* Refuses what the reader would rename: two columns of one name, or of names that differ only in case.
 * Errors: INVALID naming file and columns, and those of floe_session_stream.
 * Cost: nothing, unless a name looks given ("a_1" beside "a"); then the file's names are read again. */
floe_status floe_input_names_check(floe_session *session, const floe_input *input, floe_error *err);

/* How files are read everywhere: a folder's name "flag=false" would otherwise become a column, in the place of the file's own. */
#define FLOE_READ_OPTIONS ", hive_partitioning = false"

/* ---- input_csv.c ---- */

/* How text files are read everywhere. Fields are quoted as RFC 4180 says, by `"`, which is doubled inside: the reader would guess quotes
 * from the first rows, and take later ones as text, or apostrophes as quotes. No line is a comment. */
#define FLOE_CSV_BUFFER /* the longest line; the reader's own 32 MB, of which it holds four, are more than little memory has */ \
    ", buffer_size = 8388608"
#define FLOE_CSV_OPTIONS FLOE_READ_OPTIONS FLOE_CSV_BUFFER ", comment = '', quote = '\"', escape = '\"'"

/* How the engine finds a text file to be written. */
typedef struct floe_csv_dialect {
    floe_str delimiter; /* "": none */
    int64_t skipped;    /* lines before the first that looks like the rest */
    bool has_header;
    size_t column_count;
} floe_csv_dialect;
floe_status floe_csv_sniff(floe_session *session, const char *path, bool has_header, floe_arena *arena,
                           floe_csv_dialect *ret_dialect, floe_error *err);

/* Refuses a text file of which the reader would leave lines out, or take each line for one column, because not all lines have
 * the same number of fields, or one has a quote out of place. Errors: INVALID naming file and line, and those of
 * floe_session_stream. Cost: the sample that the reader takes; a file whose quotes it does not understand is read. */
floe_status floe_csv_check(floe_session *session, const char *path, bool has_header, floe_error *err);

/* Where the reader lost its way behind the sample: what floe_csv_check would have said of the whole file; any other status as it is. */
floe_status floe_csv_blame(floe_session *session, const char *path, floe_status status, floe_error *err);

/* ---- input_text.c ---- */

/* How a CSV file is read. */
typedef struct floe_csv_read {
    const char *const *files;
    size_t file_count;
    const char *call;       /* "read_csv([…]", FLOE_CSV_OPTIONS and others, without its last bracket */
    const char *types;      /* ", types = {…}" or "" */
    const floe_str *values; /* columns that are read as text but are none: a quoted nothing is null there */
    size_t value_count;
} floe_csv_read;

/* Appends a FROM item that reads it: in columns of text a quoted nothing is an empty text and nothing at all is null; in all
 * others both are null. Errors: those of floe_session_stream. Cost: where some text is a quoted nothing, the file is read
 * twice. */
floe_status floe_csv_item(floe_session *session, const floe_csv_read *read, floe_buf *out, floe_error *err);

/* ---- input_json.c ---- */

/* Errors: INVALID naming file and line of the first, blank ones counted, that is no JSON object, or has a name twice; those of
 * floe_session_query. Cost: the file is read. */
floe_status floe_json_lines_check(floe_session *session, const char *path, floe_error *err);
/* What the engine's reader says of a line, as that; any other status as it is. */
floe_status floe_json_lines_blame(floe_session *session, const char *path, floe_status status, floe_error *err);

/* ---- input_exact.c ---- */

/* Of a time as it is written: that an offset from Greenwich follows it, and that this is none (regular expressions). */
#define FLOE_TEXT_ZONED ":[0-9.]+ ?[+-][0-9]"
#define FLOE_TEXT_GREENWICH ":[0-9.]+ ?[+-]00(:?00)?$"

/* Text whose columns have the types that the engine's reader guessed. */
typedef struct floe_exact_request {
    const char *reader; /* "read_csv" or "read_json" */
    const char *const *files;
    size_t file_count;
    const char *options;              /* of the reader, after the files: of CSV FLOE_CSV_OPTIONS and others */
    const floe_query_column *columns; /* its guess */
    size_t column_count;
    const floe_str *fixed;  /* columns whose types were asked for, and that are looked at elsewhere */
    const floe_str *strict; /* columns that must have a type of their own kind, also where labels are kept */
    size_t fixed_count, strict_count;
    bool keeps_labels; /* what the guess does not hold is kept as finer times or as text, instead of refused */
} floe_exact_request;

/* Types that hold every value as it is written: ret_types by column, of which *ret_changed are others than guessed.
 * Rule: whole numbers beyond int64 become decimals of 38 digits. Fractions are the nearest double, while it holds the digits before
 *       the point. Times finer than microseconds, zones in a column of times without, and dates of which no value tells whether the
 *       day or the month comes first are not held; labels hold dates that begin with their year alone.
 * Errors: INVALID naming file, row, column and value, and those of floe_session_stream. Owns: the arena.
 * Cost: the file is read once as text; where later rows are of another kind than the first, three times. */
floe_status floe_input_exact(floe_session *session, const floe_exact_request *request, floe_arena *arena,
                             floe_str *ret_types, size_t *ret_changed, floe_error *err);

/* ---- input_parquet.c ---- */

/* What of a Parquet file the engine's reader would change. */
typedef struct floe_parquet_look {
    uint64_t footer_at;
    const floe_parquet_column *columns;
    size_t column_count;
} floe_parquet_look;

/* By file; *ret_looks is NULL where the engine reads everything as it is. Owns: the arena. Errors: those of floe_session_stream,
 * floe_parquet_footer_read and floe_parquet_footer_find, naming the file.
 * Cost: the engine reads the footers; those with nanoseconds or decimals are read once more. */
floe_status floe_parquet_look_at(floe_session *session, const char *const *files, size_t file_count, floe_arena *arena,
                                 const floe_parquet_look **ret_looks, floe_error *err);

/* Says what the engine would make of a column. Errors: always, UNSUPPORTED naming file and column. */
floe_status floe_parquet_refuse(const char *path, const floe_parquet_column *column, floe_error *err);

/* Puts the file's path where a message names a copy of it. `err` may be NULL. */
void floe_parquet_name_original(floe_error *err, const char *copy, const char *path);

#endif
