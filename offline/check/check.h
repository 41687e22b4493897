/*
 * SQL that somebody else wrote: judged before it runs, bound to what may be seen, and run within limits.
 *
 * A checker never reads a table. It parses text with the engine's own parser and lets through what it knows: one SELECT over
 * named tables, with functions from a list (functions.c); and it binds text in a database of its own, in memory and without
 * access to anything outside, that holds empty tables with exactly the columns it was given. An asking runs such text for
 * `floe ask`: again in a database of its own, whose views are scans of the tables and which can open no file but theirs.
 * Included through offline/offline.h.
 */
#ifndef FLOE_OFFLINE_CHECK_CHECK_H
#define FLOE_OFFLINE_CHECK_CHECK_H

#include "core/arena.h"
#include "core/arrow.h"

#include <stddef.h>

struct floe_lake;
struct floe_run;

/* A table as SQL names it; parts that are not written are empty. */
typedef struct floe_query_name {
    floe_str catalog, schema, table;
} floe_query_name;

typedef struct floe_query_field {
    floe_str name;
    floe_str type; /* Iceberg's name of it, or that of any other database; what the engine does not know is a text */
} floe_query_field;

typedef struct floe_query_table {
    floe_query_name name;
    const floe_query_field *fields;
    size_t field_count;
} floe_query_table;

#define FLOE_QUERY_BYTES_MAX ((size_t)64 << 10)

/* ---- checking ---- */

typedef struct floe_checker floe_checker;
/* Thread: a checker may be used by any number of threads at once. Errors: NOMEM, INTERNAL. */
floe_status floe_checker_open(floe_checker **ret_checker, floe_error *err);
void floe_checker_close(floe_checker **checker);

/* Judges the text alone, and lists the tables it names, each spelling once, without those that its own WITH defines. Owns: in
 * the arena. Errors: INVALID (a syntax error, no statement or several), DENIED (another statement than SELECT, a table
 * function, a function that is not on the list, a recursive WITH, a parameter, what this version does not know), each saying
 * what; LIMIT (a text that is too long or too deep). */
floe_status floe_checker_parse(floe_checker *checker, floe_str sql, floe_arena *arena,
                               const floe_query_name **ret_names, size_t *ret_count, floe_error *err);

/* Binds text that floe_checker_parse let through. Errors: INVALID with the engine's reason, as for a column that is not there;
 * LIMIT. Cost: a database in memory, some milliseconds. */
floe_status floe_checker_bind(floe_checker *checker, floe_str sql, const floe_query_table *tables, size_t count,
                              floe_error *err);

/* Whether checked SQL may call a function. `name` in any case. */
bool floe_query_function_allowed(floe_str name);

/* The engine's type for a catalog's, as SQL. */
void floe_query_type_sql(floe_str type, floe_buf *out);

/* ---- running ---- */

/* A name of the text and the table that it stands for, of which only these columns exist. */
typedef struct floe_query_source {
    floe_query_name name;
    floe_str reference; /* catalog.namespace.table */
    const floe_str *columns;
    size_t column_count;
} floe_query_source;

typedef struct floe_query_limits {
    int64_t time_us;       /* 0: 60 s */
    uint64_t memory_bytes; /* 0: 1 GiB */
    int64_t row_max;       /* 0: 1000; further rows are not read */
} floe_query_limits;

typedef struct floe_asking floe_asking;
/* A database with views over the tables' current snapshots. Owns: the caller, until floe_asking_close. Thread: one, which is
 * that of the lake. Errors: those of opening and planning a table; NOT_FOUND. */
floe_status floe_asking_open(struct floe_lake *lake, const floe_query_source *sources, size_t count,
                             const floe_query_limits *limits, const struct floe_run *run, floe_asking **ret_asking,
                             floe_error *err);
void floe_asking_close(floe_asking **asking);

/* The largest number of rows that the engine expects any step of the query to have, from the tables' own statistics. Errors: as
 * floe_checker_bind. */
floe_status floe_asking_estimate(floe_asking *asking, floe_str sql, int64_t *ret_rows, floe_error *err);

/* The rows of the query, at most row_max of them; *ret_cut (read it after the end of the stream) says whether there were more. Errors: as
 * a scan's; TIMEOUT when time is over, LIMIT when memory is. The stream must be released before the asking is closed. */
floe_status floe_asking_rows(floe_asking *asking, floe_str sql, struct ArrowArrayStream *ret_stream, floe_error *err);
bool floe_asking_was_cut(const floe_asking *asking);

#endif
