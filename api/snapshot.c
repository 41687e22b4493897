/* See snapshot_int.h. The last one to release a snapshot frees it, on whatever thread that is. */
#include "api/snapshot_int.h"

#include "core/limits.h"
#include "core/mem.h"

static void close_registry(floe_registry **registry) {
    floe_registry_close(registry);
}

static floe_status load_version(floe_registry *registry, int64_t version, floe_snapshot **ret_snapshot,
                                floe_error *err) {
    floe_snapshot *snapshot = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*snapshot), &snapshot, err));
    atomic_init(&snapshot->references, 1);
    floe_arena_init(&snapshot->arena, FLOE_LIMIT_PROJECT_ARENA);
    floe_status status = floe_registry_load(registry, version, &snapshot->arena, &snapshot->definitions, err);
    if (floe_failed(status)) {
        floe_snapshot_release(&snapshot);
        return status;
    }
    *ret_snapshot = snapshot;
    return FLOE_OK;
}

floe_status floe_snapshot_load(const char *registry_path, int64_t known, floe_snapshot **ret_snapshot,
                               bool *ret_changed, floe_error *err) {
    FLOE_CLEANUP(close_registry) floe_registry *registry = NULL;
    int64_t version = 0;
    FLOE_TRY(floe_registry_open(registry_path, false, &registry, err));
    FLOE_TRY(floe_registry_version(registry, &version, err));
    FLOE_ENSURE(version != 0, err, FLOE_NOT_FOUND, "nothing is applied in %s yet; run `floe apply` first",
                registry_path);
    *ret_changed = version != known;
    return *ret_changed ? load_version(registry, version, ret_snapshot, err) : FLOE_OK;
}

floe_snapshot *floe_snapshot_hold(floe_snapshot *snapshot) {
    (void)atomic_fetch_add_explicit(&snapshot->references, 1, memory_order_relaxed);
    return snapshot;
}

void floe_snapshot_release(floe_snapshot **snapshot_pointer) {
    floe_snapshot *snapshot = *snapshot_pointer;
    *snapshot_pointer = NULL;
    if (snapshot != NULL && atomic_fetch_sub_explicit(&snapshot->references, 1, memory_order_acq_rel) == 1) {
        floe_arena_close(&snapshot->arena);
        floe_free(snapshot);
    }
}
