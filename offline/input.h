/*
 * Files in which two columns have one name.
 */
#ifndef FLOE_OFFLINE_INPUT_NAMES_H
#define FLOE_OFFLINE_INPUT_NAMES_H

#include "offline/engine/engine.h"

/* A file, or several that are one input, and the columns that the engine's reader found in it. */
typedef struct floe_input_names {
    const char *reader; /* "read_csv", "read_json" or "read_parquet" */
    const char *const *files;
    size_t file_count;
    bool has_header; /* of text: the first line is one, whatever it looks like */
    const floe_query_column *columns;
    size_t column_count;
} floe_input_names;

/* Refuses what the reader would rename: two columns of one name, or of names that differ only in case.
 * Errors: INVALID naming file and columns, and those of floe_session_stream.
 * Cost: nothing, unless a name looks given ("a_1" beside "a"); then the file's names are read again. */
floe_status floe_input_names_check(floe_session *session, const floe_input_names *input, floe_error *err);

#endif
