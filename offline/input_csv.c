/*
 * What the engine's reader makes of a text file, looked at before it is believed. The reader guesses: lines at the beginning
 * that are not like the rest are left out, and where lines have different numbers of fields, or quotes are out of place, a whole line
 * may become one column, or none of its guesses fits. Then the file's quotes are looked through here, for the line that is to blame.
 */
#include "offline/input.h"

#include "core/limits.h"
#include "core/mem.h"

#include <stdio.h>
#include <string.h>

#define PIECE FLOE_KIB(256)

static floe_str unless_empty(floe_str text) {
    return floe_str_is(text, "(empty)") ? (floe_str){0} : text;
}

floe_status floe_csv_sniff(floe_session *session, const char *path, bool has_header, floe_arena *arena,
                           floe_csv_dialect *ret_dialect, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT Delimiter, CAST(SkipRows AS BIGINT), HasHeader, "
                        "CAST(len(Columns) AS BIGINT) FROM sniff_csv(");
    floe_sql_quote_path(&sql, floe_str_of(path));
    floe_buf_text(&sql, has_header ? FLOE_CSV_OPTIONS ", header = true)" : FLOE_CSV_OPTIONS ")");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    FLOE_ENSURE(rows.row_count == 1, err, FLOE_INTERNAL, "%s: the engine says nothing about it", path);
    *ret_dialect = (floe_csv_dialect){.delimiter = unless_empty(rows.values[0].as.bytes),
                                      .skipped = rows.values[1].as.integer,
                                      .has_header = rows.values[2].as.boolean,
                                      .column_count = (size_t)rows.values[3].as.integer};
    return FLOE_OK;
}

/* The first line that is not blank, from the given one on; "" when there is none. */
static floe_status first_line(floe_session *session, const char *path, int64_t skip, floe_arena *arena,
                              floe_str *ret_line, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT line FROM read_csv(");
    floe_sql_quote_path(&sql, floe_str_of(path));
    floe_buf_printf(&sql,
                    FLOE_READ_OPTIONS FLOE_CSV_BUFFER
                    ", auto_detect = false, header = false, delim = E'\\x01', quote = '', escape = '', comment = '', "
                    "strict_mode = false, skip = %lld, columns = {'line': 'VARCHAR'}) WHERE trim(line) <> '' LIMIT 1",
                    (long long)skip);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(session, sql.ptr, NULL, arena, &rows, err));
    *ret_line = rows.row_count > 0 ? rows.values[0].as.bytes : (floe_str){0};
    return FLOE_OK;
}

/* The delimiter that a header would have been cut at, or 0. */
static char delimiter_in(floe_str line) {
    bool quoted = false;
    for (size_t i = 0; i < line.len; i++) {
        quoted = quoted != (line.ptr[i] == '"');
        if (!quoted && memchr(",;\t|", line.ptr[i], 4)) {
            return line.ptr[i];
        }
    }
    return 0;
}

/* ---- quotes ---- */

typedef enum quote_state { FIELD_BEGINS, FIELD_PLAIN, FIELD_QUOTED, QUOTE_SEEN } quote_state;

typedef struct quote_scan {
    quote_state state;
    char delimiter;
    int64_t line, begun; /* from 1; where the quoted field begins */
    char last;
    bool after_return;            /* the last byte was a CR in no field */
    int64_t with_return, without; /* the first line that ends with CR LF, and with LF alone; 0: none */
    int64_t by_return;            /* and with CR alone */
} quote_scan;

/* Of an end of a line that is in no field. */
static void note_ending(quote_scan *scan) {
    int64_t *first = scan->last == '\r' ? &scan->with_return : &scan->without;
    *first = *first == 0 ? scan->line : *first;
}

/* A CR that no LF follows ends a line by itself. */
static void note_return(quote_scan *scan, bool line_feed_follows) {
    if (scan->after_return && !line_feed_follows) {
        scan->by_return = scan->by_return == 0 ? scan->line : scan->by_return;
        scan->line++;
    }
    scan->after_return = false;
}

/* False: what follows a closing quote is neither the field's end nor a space. */
static bool take_byte(quote_scan *scan, char byte) {
    bool ends = byte == '\n' || byte == '\r' || byte == scan->delimiter;
    note_return(scan, byte == '\n');
    if (scan->state == FIELD_QUOTED || (scan->state == QUOTE_SEEN && byte == '"')) {
        scan->state = scan->state == FIELD_QUOTED && byte == '"' ? QUOTE_SEEN : FIELD_QUOTED;
    } else if (ends) {
        scan->state = FIELD_BEGINS;
        if (byte == '\n') {
            note_ending(scan);
        }
        scan->after_return = byte == '\r';
    } else if (scan->state == QUOTE_SEEN) {
        return byte == ' ';
    } else if (scan->state == FIELD_BEGINS && byte != ' ') {
        scan->state = byte == '"' ? FIELD_QUOTED : FIELD_PLAIN;
        scan->begun = scan->line;
    }
    scan->line += byte == '\n';
    scan->last = byte;
    return true;
}

static floe_status check_endings(const char *path, const quote_scan *scan, floe_error *err) {
    FLOE_ENSURE(scan->with_return == 0 || scan->without == 0, err, FLOE_INVALID,
                "%s: line %lld ends with CR LF and line %lld with LF alone; give every line the same ending", path,
                (long long)scan->with_return, (long long)scan->without);
    int64_t other = scan->with_return + scan->without;
    FLOE_ENSURE(scan->by_return == 0 || other == 0, err, FLOE_INVALID,
                "%s: line %lld ends with CR alone and line %lld with %s; give every line the same ending, and quote a "
                "field that has a CR inside",
                path, (long long)scan->by_return, (long long)other, scan->with_return > 0 ? "CR LF" : "LF");
    return FLOE_OK;
}

static floe_status look_through(FILE *file, const char *path, char *piece, quote_scan *scan, floe_error *err) {
    size_t got;
    while ((got = fread(piece, 1, PIECE, file)) > 0) {
        for (size_t i = 0; i < got; i++) {
            FLOE_ENSURE(take_byte(scan, piece[i]), err, FLOE_INVALID,
                        "%s, line %lld: more follows the closing quote of a field; a quote inside of a quoted field is "
                        "written twice",
                        path, (long long)scan->line);
        }
    }
    FLOE_ENSURE(scan->state != FIELD_QUOTED, err, FLOE_INVALID, "%s, line %lld: a quote begins a field and never ends",
                path, (long long)scan->begun);
    note_return(scan, false);
    return check_endings(path, scan, err);
}

/* Refuses a file with a quote out of place; of what is packed, or cannot be read, nothing is said. */
static floe_status check_quotes(const char *path, floe_str first, floe_error *err) {
    char delimiter = delimiter_in(first);
    quote_scan scan = {.delimiter = delimiter ? delimiter : ',', .line = 1};
    FLOE_AUTO_FREE char *piece = NULL;
    FLOE_TRY(floe_alloc(PIECE, 1, &piece, err));
    FILE *file = floe_str_ends_nocase(floe_str_of(path), ".gz") ? NULL : fopen(path, "rb");
    if (!file) {
        return FLOE_OK;
    }
    floe_status status = look_through(file, path, piece, &scan, err);
    (void)fclose(file);
    return status;
}

floe_status floe_csv_check(floe_session *session, const char *path, bool has_header, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    floe_csv_dialect dialect;
    floe_str first, taken;
    floe_error unknown = {0};
    floe_status status = floe_csv_sniff(session, path, has_header, &arena, &dialect, &unknown);
    FLOE_TRY(first_line(session, path, 0, &arena, &first, err));
    FLOE_ENSURE(first.len > 0, err, FLOE_INVALID,
                "%s: the file has only blank lines: not even a header says what its columns are", path);
    if (floe_failed(status) || dialect.column_count == 1) {
        FLOE_TRY(check_quotes(path, first, err));
    }
    if (floe_failed(status)) {
        return FLOE_FAIL(err, unknown.code, "%s", unknown.message);
    }
    FLOE_TRY(first_line(session, path, dialect.skipped, &arena, &taken, err));
    FLOE_ENSURE(
        floe_str_equal(first, taken), err, FLOE_INVALID,
        "%s: the first %lld lines have not as many fields as those after them, beginning with \"%.*s\"; give every "
        "line the same number",
        path, (long long)dialect.skipped, FLOE_STR_BRIEF(taken));
    char cut = dialect.column_count == 1 ? delimiter_in(first) : 0;
    FLOE_ENSURE(
        cut == 0, err, FLOE_INVALID,
        "%s: the lines have not as many fields as the first, \"%.*s\", cut at every %s; give every line the same "
        "number, or quote the fields",
        path, FLOE_STR_BRIEF(first), cut == '\t' ? "tab" : (char[]){'"', cut, '"', 0});
    return FLOE_OK;
}

floe_status floe_csv_blame(floe_session *session, const char *path, floe_status status, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_str first;
    floe_error found = {0};
    floe_arena_init(&arena, FLOE_GIB(1));
    bool lost = floe_failed(status) && err && strstr(err->message, "CSV Parser state machine");
    if (!lost || floe_failed(first_line(session, path, 0, &arena, &first, &found)) ||
        !floe_failed(check_quotes(path, first, &found))) {
        return status;
    }
    floe_error_clear(err);
    return FLOE_FAIL(err, found.code, "%s", found.message);
}
