/*
 * Datasets: what was built, from what; entries are written once and never changed.
 */
#include "registry/names_int.h"
#include "registry/store_int.h"

floe_status floe_registry_dataset_put(floe_registry *registry, const floe_dataset_entry *entry, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(registry->sql,
                              "INSERT INTO datasets(id, name, created_us, row_count, content_hash, manifest_path,"
                              " manifest) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT(id) DO NOTHING",
                              &stmt, err));
    floe_sql_bind_text(stmt, 1, entry->id);
    floe_sql_bind_text(stmt, 2, entry->name);
    floe_sql_bind_i64(stmt, 3, entry->created_us);
    floe_sql_bind_i64(stmt, 4, entry->row_count);
    floe_sql_bind_text(stmt, 5, entry->content_hash);
    floe_sql_bind_text(stmt, 6, entry->manifest_path);
    floe_sql_bind_text(stmt, 7, entry->manifest);
    FLOE_TRY(floe_store_run(stmt, err));
    FLOE_ENSURE(floe_sql_changes(registry->sql) == 1, err, FLOE_CONFLICT, "there is a dataset %.*s already",
                FLOE_STR_BRIEF(entry->id));
    return FLOE_OK;
}

#define COLUMNS "SELECT id, name, created_us, row_count, content_hash, manifest_path, manifest FROM datasets"

static floe_dataset_entry read_entry(floe_sql_stmt *stmt, floe_arena *arena) {
    return (floe_dataset_entry){.id = floe_store_text(stmt, 0, arena),
                                .name = floe_store_text(stmt, 1, arena),
                                .created_us = floe_sql_i64(stmt, 2),
                                .row_count = floe_sql_i64(stmt, 3),
                                .content_hash = floe_store_text(stmt, 4, arena),
                                .manifest_path = floe_store_text(stmt, 5, arena),
                                .manifest = floe_store_text(stmt, 6, arena)};
}

floe_status floe_registry_datasets(floe_registry *registry, floe_arena *arena, const floe_dataset_entry **ret_entries,
                                   size_t *ret_count, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(registry->sql, COLUMNS " ORDER BY created_us DESC, id DESC", &stmt, err));
    floe_dataset_entry *entries = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (;;) {
        bool row = false;
        FLOE_TRY(floe_sql_step(stmt, &row, err));
        if (!row) {
            break;
        }
        floe_dataset_entry *entry = FLOE_ARENA_PUSH(arena, entries, count, capacity);
        FLOE_TRY(floe_arena_check(arena, err));
        *entry = read_entry(stmt, arena);
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_entries = entries;
    *ret_count = count;
    return FLOE_OK;
}

static floe_status fail_missing(floe_registry *registry, floe_str id_or_name, floe_arena *arena, floe_error *err) {
    const floe_dataset_entry *entries = NULL;
    size_t count = 0;
    FLOE_TRY(floe_registry_datasets(registry, arena, &entries, &count, err));
    floe_str *words = floe_arena_alloc(arena, 2 * count, sizeof *words);
    for (size_t i = 0; words != NULL && i < count; i++) {
        words[2 * i] = entries[i].name;
        words[2 * i + 1] = entries[i].id;
    }
    const char *nearest = words != NULL ? floe_name_nearest(arena, id_or_name, words, 2 * count) : NULL;
    FLOE_TRY(floe_arena_check(arena, err));
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "there is no dataset %.*s%s", FLOE_STR_BRIEF(id_or_name),
                     nearest != NULL ? floe_name_hint(arena, nearest) : "; `floe dataset ls` lists them");
}

floe_status floe_registry_dataset_get(floe_registry *registry, floe_str id_or_name, floe_arena *arena,
                                      floe_dataset_entry *ret_entry, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(registry->sql,
                              COLUMNS " WHERE id = ?1 OR name = ?1"
                                      " ORDER BY id = ?1 DESC, created_us DESC, id DESC LIMIT 1",
                              &stmt, err));
    floe_sql_bind_text(stmt, 1, id_or_name);
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    if (!row) {
        return fail_missing(registry, id_or_name, arena, err);
    }
    floe_dataset_entry entry = read_entry(stmt, arena);
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_entry = entry;
    return FLOE_OK;
}
