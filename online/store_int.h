/*
 * The seam between online and the kinds of stores it knows: one small vtable for blocking calls, one for the reactor.
 * Every implementation passes tests/online/contract.c.
 *
 * A store holds, per entity (name and encoded key), rows named by parts (proto/state.h); per view, a state that changes
 * only by compare-and-swap; and one identity per project. It knows nothing about definitions, types or time.
 */
#ifndef FLOE_ONLINE_STORE_INT_H
#define FLOE_ONLINE_STORE_INT_H

#include "core/loop.h"
#include "online/online.h"
#include "proto/state.h"

/* One row for one entity, for one or two parts (live and filling), decided per part. */
typedef struct floe_put {
    floe_str entity; /* name */
    floe_str key;    /* proto/key.h */
    floe_str row;    /* proto/row.h */
    const floe_part *parts;
    size_t part_count; /* 1 or 2 */
} floe_put;

typedef struct floe_get {
    floe_str entity;
    floe_str key;
    const floe_part *parts;
    size_t part_count;
} floe_get;
#define FLOE_GET_PARTS_MAX 512

/* What one get found: one value per part, ptr NULL where there is none; borrowed until it returns. */
typedef floe_status (*floe_got_fn)(void *context, size_t get, const floe_str *values, floe_error *err);
/* One row of a scan; borrowed until it returns. `key` names the entity towards the same store. */
typedef floe_status (*floe_scan_fn)(void *context, floe_str key, floe_str row, floe_error *err);

typedef struct floe_store_vtable {
    void (*close)(void *impl);
    /* Appends the identity, made on first use. */
    floe_status (*identity)(void *impl, floe_buf *out, floe_error *err);
    /* Appends the view's state; nothing when there is none. */
    floe_status (*state_get)(void *impl, floe_str view, floe_buf *out, floe_error *err);
    /* Replaces the state if it is `expected` (empty: none). */
    floe_status (*state_swap)(void *impl, floe_str view, floe_str expected, floe_str desired, bool *ret_swapped,
                              floe_error *err);
    /* Each put, in order: each part gets the row unless its own is newer (with keep_on_tie: as new or newer). The
     * outcome is that of the first part. Not atomic as a whole: after a failure any of the puts may have been done. */
    floe_status (*write)(void *impl, const floe_put *puts, size_t count, bool keep_on_tie,
                         floe_write_outcome *ret_outcomes, floe_error *err);
    floe_status (*read)(void *impl, const floe_get *gets, size_t count, floe_got_fn got, void *context,
                        floe_error *err);
    /* Every row of a part that is there from start to end of the scan, at least once. The callback may write. */
    floe_status (*scan)(void *impl, floe_str entity, floe_part part, floe_scan_fn found, void *context,
                        floe_error *err);
    /* Removes every row of a part, in steps that let others through. */
    floe_status (*drop)(void *impl, floe_str entity, floe_part part, floe_error *err);
} floe_store_vtable;

/* An open store of any kind. */
typedef struct floe_backend {
    const floe_store_vtable *vtable;
    void *impl;
} floe_backend;

floe_status floe_lmdb_open(floe_str path, floe_str project, floe_backend *ret_backend, floe_error *err);
/* For tests: the size of the memory map that an environment opened from now on starts with. */
void floe_lmdb_first_map(size_t bytes);
floe_status floe_redis_open(floe_str url, floe_str project, floe_backend *ret_backend, floe_error *err);
floe_status floe_backend_open(const floe_online_def *store, floe_str project, floe_backend *ret_backend,
                              floe_error *err);
void floe_backend_close(floe_backend *backend);

/* ---- the reactor's side ---- */

/* Answers of an asynchronous store; each is called once per request, perhaps before the request returns. After a
 * failure `err` tells why. */
typedef void (*floe_state_fn)(void *context, floe_status status, floe_str state, const floe_error *err);
/* It only takes the values in: it starts no request of its own. */
typedef void (*floe_read_fn)(void *context, floe_status status, const floe_str *values, const floe_error *err);

typedef struct floe_async_vtable {
    /* Answers everything in flight with CANCELLED. */
    void (*close)(void *impl);
    bool (*ready)(const void *impl);
    void (*state_get)(void *impl, floe_str view, floe_state_fn done, void *context);
    /* One get; what it refers to must live until `done`. */
    void (*read)(void *impl, const floe_get *get, floe_read_fn done, void *context);
} floe_async_vtable;

typedef struct floe_async {
    const floe_async_vtable *vtable;
    void *impl;
} floe_async;

floe_status floe_lmdb_async_open(floe_str path, floe_str project, floe_async *ret_async, floe_error *err);
floe_status floe_redis_async_open(floe_str url, floe_str project, floe_loop *loop, floe_async *ret_async,
                                  floe_error *err);

#endif
