/*
 * A table in memory as a source of syncs, computed slowly and plainly by the rule: the newest row per key, counts and
 * sums. Every row knows the snapshot that brought it.
 */
#ifndef FLOE_TESTS_ONLINE_TABLE_H
#define FLOE_TESTS_ONLINE_TABLE_H

#include "tests/online/world.h"

#define TABLE_ROWS_MAX 20000
#define TABLE_WINDOW_US 1000

typedef struct table_row {
    char key[16];
    int64_t event_us;
    int64_t created_us; /* NO_CREATED: null */
    int64_t end_us;     /* NEVER: null */
    int64_t value;
    int64_t snapshot_id;
} table_row;

typedef struct table {
    table_row *rows;
    size_t count;
    int64_t snapshot_id;
    int64_t rewritten_at; /* the snapshot that last rewrote rows; 0: none did */
    /* What tests look at or hook in. */
    int asks;
    floe_sync_need last_need;
    void (*on_ask)(void *context);
    void (*on_end)(void *context); /* after the last batch */
    void *hook_context;
    floe_code fail_with;     /* instead of an answer */
    const char *fail_words;  /* NULL: any */
    const char *drop_column; /* left out of the stream */
} table;

void table_open(table *t);
void table_close(table *t);
/* Appends a row without created and end time to the snapshot at hand; table_commit makes the next. */
void table_add(table *t, const char *key, int64_t event_us, int64_t value);
void table_commit(table *t);
/* Removes every row of the key: a rewrite. */
void table_delete(table *t, const char *key);
floe_sync_source table_source(table *t);

/* A view over the table: value (as-of), n (count over all time), s (sum over the last TABLE_WINDOW_US). */
floe_view *table_view(world *w);
/* Only `value`. */
floe_view *table_value_view(world *w);

#endif
