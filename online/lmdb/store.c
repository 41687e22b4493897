/*
 * The embedded store: LMDB, behind this one folder. Several processes may have one folder open: readers never wait for
 * the writer, and there is one writer at a time. This file opens it, for blocking callers and for the reactor, whose
 * requests are answered at once.
 */
#include "online/lmdb/lmdb_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"

static void lmdb_close(void *impl) {
    floe_lmdb *store = impl;
    if (store->reader != NULL) {
        mdb_txn_abort(store->reader);
    }
    if (store->shared != NULL) {
        floe_lmdb_env_give(store->shared);
    }
    floe_free(store->project);
    floe_free(store);
}

static floe_status open_folder(floe_str path, floe_lmdb_env **ret_shared, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *absolute = NULL;
    const char *given = floe_arena_strndup(&arena, path.ptr, path.len);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(floe_file_mkdirs(given, err));
    FLOE_TRY(floe_path_absolute(&arena, given, &absolute, err));
    return floe_lmdb_env_take(absolute, ret_shared, err);
}

static floe_status open_store(floe_str path, floe_str project, floe_lmdb **ret_store, floe_error *err) {
    floe_lmdb *store = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*store), &store, err));
    floe_status status = floe_strndup(project.ptr, project.len, &store->project, err);
    if (!floe_failed(status)) {
        status = floe_error_prefix(err, open_folder(path, &store->shared, err), "online store");
    }
    if (floe_failed(status)) {
        lmdb_close(store);
        return status;
    }
    *ret_store = store;
    return FLOE_OK;
}

static const floe_store_vtable lmdb_vtable = {
    .close = lmdb_close,
    .identity = floe_lmdb_identity,
    .state_get = floe_lmdb_state_get,
    .state_swap = floe_lmdb_state_swap,
    .write = floe_lmdb_write,
    .read = floe_lmdb_read,
    .scan = floe_lmdb_scan,
    .drop = floe_lmdb_drop,
};

floe_status floe_lmdb_open(floe_str path, floe_str project, floe_backend *ret_backend, floe_error *err) {
    floe_lmdb *store = NULL;
    FLOE_TRY(open_store(path, project, &store, err));
    *ret_backend = (floe_backend){&lmdb_vtable, store};
    return FLOE_OK;
}

/* ---- the reactor's side: everything is answered at once ---- */

static bool async_ready(const void *impl) {
    (void)impl;
    return true;
}

static void async_state_get(void *impl, floe_str view, floe_state_fn done, void *context) {
    floe_error err;
    floe_error_clear(&err);
    FLOE_AUTO_BUF state;
    floe_buf_init(&state, FLOE_STATE_BYTES_MAX);
    floe_status status = floe_lmdb_state_get(impl, view, &state, &err);
    done(context, status, floe_buf_view(&state), &err);
}

static void async_read(void *impl, const floe_get *get, floe_read_fn done, void *context) {
    floe_error err;
    floe_error_clear(&err);
    floe_str values[FLOE_GET_PARTS_MAX];
    floe_status status = floe_lmdb_read_begin(impl, &err);
    bool begun = !floe_failed(status);
    if (begun) {
        status = floe_lmdb_read_get(impl, get, values, &err);
    }
    done(context, status, values, &err);
    if (begun) {
        floe_lmdb_read_end(impl);
    }
}

static const floe_async_vtable async_vtable = {
    .close = lmdb_close,
    .ready = async_ready,
    .state_get = async_state_get,
    .read = async_read,
};

floe_status floe_lmdb_async_open(floe_str path, floe_str project, floe_async *ret_async, floe_error *err) {
    floe_lmdb *store = NULL;
    FLOE_TRY(open_store(path, project, &store, err));
    *ret_async = (floe_async){&async_vtable, store};
    return FLOE_OK;
}
