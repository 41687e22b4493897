/*
 * For tests of contexts and questions: a small catalog, roles, and a checker of SQL that a test scripts.
 */
#ifndef FLOE_TESTS_VECTOR_CONTEXT_ASKING_H
#define FLOE_TESTS_VECTOR_CONTEXT_ASKING_H

#include "tests/vector/maker.h"

/* shop: customers ← orders ← order_lines → products → categories; hr: people, salaries; other: orders; and `wide`, a table of
 * 200 columns in the database lab. Import lines. */
const char *shop_lines(void);

/* A role by its parts, each list comma-separated, NULL: empty. Lives in the arena. */
const floe_role *role_of(floe_arena *arena, const char *namespaces, const char *tables, const char *deny_columns);

/* A set of verified questions; `triples`: question, SQL, "database.table database.table", …, NULL. */
floe_verified *verified_of(floe_arena *arena, const char *const *triples);

/* A context that must be made. */
floe_context context_of(floe_search *search, floe_arena *arena, const floe_context_request *request);

/* A checker that finds tables after the words FROM and JOIN, refuses texts that do not begin with SELECT, and binds what
 * has no word that stands in `unknown_columns`. It remembers what it was asked. */
typedef struct fake_checker {
    const char *refused_word; /* a text with this word does not bind */
    size_t parse_count, bind_count;
    char bound[4096]; /* "table(column,column) …" of the last bind */
} fake_checker;
floe_sql_check fake_check(fake_checker *checker);

#endif
