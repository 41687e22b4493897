/*
 * For tests that ask the engine: one engine and session, and query results as values or as one text.
 */
#ifndef FLOE_TESTS_OFFLINE_SQL_SUPPORT_H
#define FLOE_TESTS_OFFLINE_SQL_SUPPORT_H

#include "offline/engine/engine.h"

typedef struct sql_fixture {
    floe_engine *engine;
    floe_session *session;
    atomic_bool cancelled;
    floe_run run;
    floe_arena arena;
    char folder[256]; /* a fresh temporary folder */
} sql_fixture;

void sql_fixture_open(sql_fixture *fixture);
void sql_fixture_close(sql_fixture *fixture);
/* Of a group of tests whose state is the fixture; 0. */
int sql_fixture_set_up(void **state);
int sql_fixture_tear_down(void **state);

/* Fails the test when the status is a failure, showing the message. */
void must(floe_status status, const floe_error *err);

/* Runs statements that must succeed. */
void sql_run(sql_fixture *fixture, const char *sql);

/* All rows of a query, cells as floe_value_print writes them ("∅" for null), separated by "|" and rows by ";". */
const char *sql_text(sql_fixture *fixture, const char *sql, const floe_sql_params *params);

/* The same of any stream; releases it. */
const char *stream_text(struct ArrowArrayStream *stream, floe_arena *arena);

#endif
