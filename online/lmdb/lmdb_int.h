/*
 * What the files of the embedded store share. Only this folder includes lmdb.h.
 */
#ifndef FLOE_ONLINE_LMDB_INT_H
#define FLOE_ONLINE_LMDB_INT_H

#include "online/store_int.h"

#include <lmdb.h>
#include <pthread.h>
#include <unistd.h>

/* One open environment of this process, shared by its handles. */
typedef struct floe_lmdb_env {
    struct floe_lmdb_env *next;
    char *path; /* canonical */
    pid_t owner;
    size_t references;
    MDB_env *env;
    MDB_dbi dbi;
    pthread_rwlock_t resize;
} floe_lmdb_env;

typedef struct floe_lmdb {
    floe_lmdb_env *shared;
    char *project;
    MDB_txn *reader; /* reset between uses, so that a lookup allocates nothing */
} floe_lmdb;

floe_status floe_lmdb_fail(int rc, const char *path, const char *what, floe_error *err);

/* The environment of a folder, opened on first use; `path` is canonical. */
floe_status floe_lmdb_env_take(const char *path, floe_lmdb_env **ret_shared, floe_error *err);
void floe_lmdb_env_give(floe_lmdb_env *shared);

/* A read transaction in store->reader; between begin and end nothing else of this handle may run. */
floe_status floe_lmdb_read_begin(floe_lmdb *store, floe_error *err);
void floe_lmdb_read_end(floe_lmdb *store);

/* Runs `change` in one write transaction; again from the start whenever the map had to change its size. */
typedef int (*floe_lmdb_write_fn)(floe_lmdb *store, MDB_txn *txn, void *context);
floe_status floe_lmdb_write_txn(floe_lmdb *store, floe_lmdb_write_fn change, void *context, floe_error *err);

/* ---- keys ---- */

#define KEY_PLAIN_MAX 480 /* with the part's 9 bytes below LMDB's 511 */
#define KEY_MAX 511
typedef struct floe_lmdb_key {
    uint8_t bytes[KEY_MAX];
    size_t len;
} floe_lmdb_key;

MDB_val floe_lmdb_key_val(floe_lmdb_key *key);
void floe_lmdb_row_key(floe_part part, floe_str key, floe_lmdb_key *ret_key);
floe_status floe_lmdb_meta_key(char kind, const char *project, floe_str view, floe_lmdb_key *ret_key, floe_error *err);

/* ---- the vtable's functions ---- */

floe_status floe_lmdb_identity(void *impl, floe_buf *out, floe_error *err);
floe_status floe_lmdb_state_get(void *impl, floe_str view, floe_buf *out, floe_error *err);
floe_status floe_lmdb_state_swap(void *impl, floe_str view, floe_str expected, floe_str desired, bool *ret_swapped,
                                 floe_error *err);
floe_status floe_lmdb_write(void *impl, const floe_put *puts, size_t count, bool keep_on_tie,
                            floe_write_outcome *ret_outcomes, floe_error *err);
floe_status floe_lmdb_read(void *impl, const floe_get *gets, size_t count, floe_got_fn got, void *context,
                           floe_error *err);
/* One get inside an open read transaction; the values are borrowed until it ends. */
floe_status floe_lmdb_read_get(floe_lmdb *store, const floe_get *get, floe_str *ret_values, floe_error *err);
floe_status floe_lmdb_scan(void *impl, floe_str entity, floe_part part, floe_scan_fn found, void *context,
                           floe_error *err);
floe_status floe_lmdb_drop(void *impl, floe_str entity, floe_part part, floe_error *err);

#endif
