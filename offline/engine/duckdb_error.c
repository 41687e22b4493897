/*
 * DuckDB's failures in floe's words.
 *
 * Not every call of the C API tells the class of an error (prepare and pending results give only text), but every
 * message starts with it, so the text before the first colon decides. Only the first line is kept (of CSV failures the reason
 * too): what follows are excerpts of SQL that no user wrote.
 */
#include "offline/engine/duckdb_int.h"

#include <errno.h>
#include <string.h>

typedef struct message_class {
    const char *prefix;
    floe_code code;
} message_class;

static const message_class CLASSES[] = {
    {"Out of Memory Error: ", FLOE_LIMIT},
    {"IO Error: ", FLOE_IO},
    {"INTERRUPT Error: ", FLOE_CANCELLED},
    {"INTERNAL Error: ", FLOE_INTERNAL},
    {"FATAL Error: ", FLOE_INTERNAL},
    {"Permission Error: ", FLOE_DENIED},
    {"Not implemented Error: ", FLOE_UNSUPPORTED},
    {"Parser Error: ", FLOE_INVALID},
    {"Binder Error: ", FLOE_INVALID},
    {"Catalog Error: ", FLOE_INVALID},
    {"Conversion Error: ", FLOE_INVALID},
    {"Invalid Input Error: ", FLOE_INVALID},
    {"Out of Range Error: ", FLOE_INVALID},
    {"Constraint Error: ", FLOE_INVALID},
    {"Mismatch Type Error: ", FLOE_INVALID},
    {"Syntax Error: ", FLOE_INVALID},
    {"Missing Extension Error: ", FLOE_UNSUPPORTED},
    {"HTTP Error: ", FLOE_UNAVAILABLE},
};

/* Messages that mean something more exact than their class. */
typedef struct message_part {
    const char *part;
    floe_code code;
    int sys_errno;
    const char *says; /* put before the engine's words, NULL: nothing */
} message_part;

static const message_part PARTS[] = {
    {"No space left on device", FLOE_IO, ENOSPC, "the disk is full"},
    {"max_temp_directory_size", FLOE_IO, ENOSPC, "the disk with the spill folder is full"},
    {"No files found that match", FLOE_NOT_FOUND, ENOENT, NULL},
    {"No such file or directory", FLOE_NOT_FOUND, ENOENT, NULL},
    {"Permission denied", FLOE_DENIED, EACCES, NULL},
    {"(HTTP 404", FLOE_NOT_FOUND, 0, NULL},
    {"(HTTP 403", FLOE_DENIED, 0, NULL},
    {"(HTTP 401", FLOE_DENIED, 0, NULL},
    {"No magic bytes found", FLOE_CORRUPT, 0, "no Parquet file, or one that was cut off"},
    {"too small to be a Parquet file", FLOE_CORRUPT, 0, "no Parquet file, or one that was cut off"},
    {"TProtocolException", FLOE_CORRUPT, 0, "a damaged Parquet file"},
    {"could not allocate block of size", FLOE_LIMIT, 0, NULL}, /* the appender's words begin with its own */
    {"failed to pin block of size", FLOE_LIMIT, 0, NULL},
    {"Invalid unicode", FLOE_CORRUPT, 0, NULL},
    {"Unsupported compression codec", FLOE_UNSUPPORTED, 0, NULL},
};

/* The line of a CSV failure that begins so, *ret_len 0 when there is none. */
static const char *csv_line(const char *text, const char *start, int *ret_len) {
    *ret_len = 0;
    const char *line = strncmp(text, "CSV Error", 9) == 0 ? strchr(text, '\n') : NULL;
    for (; line; line = strchr(line + 1, '\n')) {
        if (strncmp(line + 1, start, strlen(start)) == 0) {
            *ret_len = (int)strcspn(line + 1, "\n");
            return line + 1;
        }
    }
    return "";
}

/* The reader of CSV says in its first line only where it failed; what and in which column stand in one further down. */
static const char *csv_reason(const char *text, int *ret_len) {
    static const char *const STARTS[] = {"Error when", "Expected Number", "Invalid unicode", "Value with unterminated"};
    for (size_t i = 0; i < sizeof STARTS / sizeof *STARTS; i++) {
        const char *line = csv_line(text, STARTS[i], ret_len);
        if (*ret_len > 0) {
            return line;
        }
    }
    return "";
}

/* A query that fails between its last task and its first rows is told of as closed, and why in the line after that. */
static const char *cause_of(const char *text) {
    static const char BEFORE[] = "pending query result\nError: ";
    const char *at = strstr(text, BEFORE);
    return at ? at + strlen(BEFORE) : text;
}

/* How long a line is without the engine's advice, which is about options that floe does not have. */
static int without_advice(const char *text, int len) {
    static const char *const ADVICE[] = {" Try auto-detecting", " Try setting '", " Try increasing", "Possible fixes:"};
    int kept = len;
    for (size_t i = 0; i < sizeof ADVICE / sizeof *ADVICE; i++) {
        const char *at = memmem(text, (size_t)kept, ADVICE[i], strlen(ADVICE[i]));
        kept = at ? (int)(at - text) : kept;
    }
    while (kept < len && kept > 0 && text[kept - 1] == ' ') { /* Else a space may be what is wrong with a value. */
        kept--;
    }
    return kept;
}

floe_status floe_duckdb_fail(const char *message, floe_error *err) {
    const char *text = message ? cause_of(message) : "the engine failed without a message";
    const message_part *part = NULL;
    for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS && !part; i++) {
        part = strstr(text, PARTS[i].part) ? &PARTS[i] : NULL;
    }
    floe_code code = FLOE_INVALID;
    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++) {
        size_t len = strlen(CLASSES[i].prefix);
        if (strncmp(text, CLASSES[i].prefix, len) == 0) {
            text += len;
            code = CLASSES[i].code;
            break;
        }
    }
    int len = without_advice(text, (int)strcspn(text, "\n"));
    int more_len = 0;
    const char *more = csv_reason(text, &more_len);
    static const char FILE_IS[] = "  file = ";
    int file_len = 0;
    const char *file = csv_line(text, FILE_IS, &file_len);
    file_len = file_len > 0 ? file_len - (int)strlen(FILE_IS) : 0;
    return floe_error_set(err, part ? part->code : code, part ? part->sys_errno : 0, __FILE__, __LINE__,
                          "%s%s%.*s%s%.*s%s%.*s", part && part->says ? part->says : "", part && part->says ? ": " : "",
                          file_len, file + (file_len > 0 ? strlen(FILE_IS) : 0), file_len > 0 ? ": " : "", len, text,
                          more_len ? ": " : "", more_len, more);
}

floe_status floe_duckdb_pass(const floe_error *why, floe_error *err) {
    return floe_error_set(err, why->code, why->sys_errno, why->file, why->line, "%s", why->message);
}

floe_status floe_duckdb_take(duckdb_error_data data, floe_error *err) {
    if (!data) {
        return FLOE_OK;
    }
    floe_status status = FLOE_OK;
    if (duckdb_error_data_has_error(data)) {
        status = floe_duckdb_fail(duckdb_error_data_message(data), err);
    }
    duckdb_destroy_error_data(&data);
    return status;
}
