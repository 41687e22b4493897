/*
 * Sync marks: one per view and store, replaced when a later sync is complete.
 */
#include "registry/store_int.h"

floe_status floe_registry_mark_get(floe_registry *registry, floe_str view, floe_str store_id, floe_arena *arena,
                                   floe_sync_mark *ret_mark, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(registry->sql,
                              "SELECT fingerprint, snapshot_id, synced_us, row_count FROM sync_marks"
                              " WHERE view = ?1 AND store_id = ?2",
                              &stmt, err));
    floe_sql_bind_text(stmt, 1, view);
    floe_sql_bind_text(stmt, 2, store_id);
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    FLOE_ENSURE(row, err, FLOE_NOT_FOUND, "feature view %.*s was never synced to this store; run `floe sync`",
                FLOE_STR_BRIEF(view));
    floe_sync_mark mark = {.view = floe_arena_str(arena, view),
                           .fingerprint = (uint64_t)floe_sql_i64(stmt, 0),
                           .store_id = floe_arena_str(arena, store_id),
                           .snapshot_id = floe_sql_i64(stmt, 1),
                           .synced_us = floe_sql_i64(stmt, 2),
                           .rows = floe_sql_i64(stmt, 3)};
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_mark = mark;
    return FLOE_OK;
}

floe_status floe_registry_mark_put(floe_registry *registry, const floe_sync_mark *mark, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(registry->sql,
                              "INSERT OR REPLACE INTO sync_marks(view, store_id, fingerprint, snapshot_id, synced_us,"
                              " row_count) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
                              &stmt, err));
    floe_sql_bind_text(stmt, 1, mark->view);
    floe_sql_bind_text(stmt, 2, mark->store_id);
    floe_sql_bind_i64(stmt, 3, (int64_t)mark->fingerprint);
    floe_sql_bind_i64(stmt, 4, mark->snapshot_id);
    floe_sql_bind_i64(stmt, 5, mark->synced_us);
    floe_sql_bind_i64(stmt, 6, mark->rows);
    return floe_store_run(stmt, err);
}
