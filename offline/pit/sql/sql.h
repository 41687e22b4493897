/*
 * The same question as one SQL statement (DuckDB's dialect): the rule spelled out as joins, without any of the kernel's
 * ideas, so that each can be held against the other. It gives the kernel's answers bit for bit, with aggregates of floe's
 * own where the engine's differ.
 */
#ifndef FLOE_OFFLINE_PIT_SQL_SQL_H
#define FLOE_OFFLINE_PIT_SQL_SQL_H

#include "core/buf.h"
#include "offline/pit/pit.h"

/* What the statement reads: names of tables, or queries in parentheses. */
typedef struct floe_pit_sql_from {
    const char *labels; /* the keys under their names, `__floe_time` (BIGINT µs) and `__floe_row` (BIGINT: order) */
    const char *const *sources; /* per need, with the columns floe_pit_need names */
} floe_pit_sql_from;

/* The CTEs that answer every view: "WITH … AS (…), …"; the last of them, `answer`, has `__floe_row`, `__floe_ties` (how many of the
 * label's winners and ends of windows only file order decided) and one column per reference, named view__feature. A SELECT over it is
 * what the caller appends. Names it takes: label, source_<n>, found_<n>_<view>, answer. Errors: LIMIT. */
floe_status floe_pit_sql(const floe_pit *pit, const floe_pit_sql_from *from, floe_buf *out, floe_error *err);

#endif
