/*
 * The checker of SQL, as this room needs it: two questions to an engine that cli wires in, so that a server checks SQL without
 * a line of code that can read a table.
 *
 * `parse` judges the text alone: exactly one SELECT that reads tables and nothing else. Which of the names it found may be
 * seen is decided here, by the index and the role (floe_sql_verify). `bind` then asks the engine to bind the text against
 * empty tables that hold exactly the columns the role sees: what a star, a USING, a struct access or columns(…) could reach
 * beyond them does not exist there.
 */
#ifndef FLOE_VECTOR_CONTEXT_CHECK_H
#define FLOE_VECTOR_CONTEXT_CHECK_H

#include "core/arena.h"

/* A table as the text names it: "flights", aviation.flights, lake.aviation.flights; parts that are not there are empty. */
typedef struct floe_sql_ref {
    floe_str catalog, schema, table;
} floe_sql_ref;

typedef struct floe_sql_bound_column {
    floe_str name;
    floe_str type; /* as the catalog has it; one the engine does not know is a text */
} floe_sql_bound_column;

/* An empty table that answers to a name of the text. */
typedef struct floe_sql_bound_table {
    floe_sql_ref ref;
    const floe_sql_bound_column *columns;
    size_t column_count;
} floe_sql_bound_table;

typedef struct floe_sql_check {
    /* The tables that the one SELECT of `sql` names, each once; names of its own WITH queries are not among them. Owns: in the
     * arena. Errors: INVALID (no SQL, several statements), DENIED (a statement that is no SELECT, a table function, a
     * function that is not known to be harmless), each saying what; LIMIT for a text that is too long. Thread: any. */
    floe_status (*parse)(void *context, floe_str sql, floe_arena *arena, const floe_sql_ref **ret_refs,
                         size_t *ret_count, floe_error *err);
    /* Whether the text that parse accepted binds to these tables. Errors: INVALID with the engine's reason. Thread: any. */
    floe_status (*bind)(void *context, floe_str sql, const floe_sql_bound_table *tables, size_t table_count,
                        floe_error *err);
    void *context;
} floe_sql_check;

#endif
