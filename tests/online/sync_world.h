/*
 * What the tests of sync share: a world with a registry and a table.
 */
#ifndef FLOE_TESTS_ONLINE_SYNC_WORLD_H
#define FLOE_TESTS_ONLINE_SYNC_WORLD_H

#include "tests/online/table.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"

/* The clock of these tests; events lie around it. */
#define NOW INT64_C(1700000000000000)

typedef struct sync_world {
    world w;
    table t;
    char dir[64];
    const char *registry_path;
    floe_registry *registry;
    floe_sync_result result; /* of the last sync */
} sync_world;

void sync_world_open(sync_world *s, floe_store_kind kind);
void sync_world_close(sync_world *s);

/* Syncs through the world's first handle, without waits. */
floe_status sync_run(sync_world *s, const floe_view *view, bool full);
/* The same with everything given. */
floe_status sync_with(sync_world *s, const floe_sync_request *request);
floe_sync_request sync_request(sync_world *s, const floe_view *view, bool full);
bool has_mark(sync_world *s, const floe_view *view);

/* Fresh handles, then the value of a key; -1: not found, -2: null. */
int64_t value_of(sync_world *s, const floe_view *view, const char *key);
/* All cells of the table's view for a key, with fresh handles. */
floe_cell *cells_of(sync_world *s, const floe_view *view, const char *key);

#endif
