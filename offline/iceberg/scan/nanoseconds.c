/*
 * Data files with times in nanoseconds and a zone, of which the engine's reader shows the microseconds alone: it is given a copy in
 * which they have no zone (offline/io/parquet.h), so that it reads them whole.
 *
 * Rule: data files never change, so the lake makes one copy of each, in its spill folder, for all scans of a command; every such
 *       column at the top of the file loses its zone in it.
 */
#include "offline/iceberg/scan/scan_int.h"

#include "core/limits.h"
#include "offline/io/parquet.h"
#include "offline/lake_int.h"

#include <string.h>

static floe_status patches_of(const floe_parquet_column *columns, size_t count, floe_arena *arena,
                              floe_parquet_copy *copy, floe_error *err) {
    floe_parquet_patch *patches = floe_arena_alloc(arena, 2 * count + 1, sizeof(*patches));
    FLOE_TRY(floe_arena_check(arena, err));
    copy->patches = patches;
    for (size_t i = 0; i < count; i++) {
        bool taken = columns[i].kind == FLOE_PARQUET_TIMESTAMPTZ_NS && !columns[i].nested;
        for (size_t p = 0; taken && p < columns[i].patch_count; p++) {
            patches[copy->patch_count++] = columns[i].patches[p];
        }
    }
    return FLOE_OK;
}

static floe_status make_copy(floe_lake *lake, const char *from, const char *to, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF footer;
    const floe_parquet_column *columns = NULL;
    size_t count = 0;
    floe_parquet_copy copy = {.from = from, .to = to, .cancelled = lake->run ? lake->run->cancelled : NULL};
    floe_arena_init(&arena, FLOE_GIB(1));
    floe_buf_init(&footer, FLOE_LIMIT_PARQUET_FOOTER_BYTES);
    FLOE_TRY(floe_parquet_footer_read(from, &footer, &copy.footer_at, err));
    floe_status status = floe_parquet_footer_find(floe_buf_view(&footer), &arena, &columns, &count, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "%s", from);
    }
    FLOE_TRY(patches_of(columns, count, &arena, &copy, err));
    return floe_parquet_copy_make(&copy, err);
}

/* The copy's name ends as the file's does, for messages. */
static const char *name_copy(floe_lake *lake, const char *folder, const char *path) {
    const char *slash = strrchr(path, '/');
    return floe_arena_printf(&lake->arena, "%s/whole-%zu-%.120s", folder, lake->copies.count,
                             slash != NULL ? slash + 1 : path);
}

static floe_status copy_of(sql_builder *builder, const char *path, const char **ret_copy, floe_error *err) {
    floe_lake *lake = builder->table->lake;
    floe_fs *fs = builder->table->fs;
    const char *folder = NULL;
    *ret_copy = floe_map_get(&lake->copies, floe_str_of(path));
    if (*ret_copy != NULL) {
        return FLOE_OK;
    }
    if (floe_map_get(&builder->remote, floe_str_of(path)) != NULL) {
        FLOE_TRY(fs->ops->fetch(fs, &path, 1, err));
    }
    FLOE_TRY(floe_lake_spill(lake, &folder, err));
    const char *copy = name_copy(lake, folder, path);
    floe_str key = floe_arena_str(&lake->arena, floe_str_of(path));
    FLOE_TRY(floe_arena_check(&lake->arena, err));
    FLOE_TRY(make_copy(lake, path, copy, err));
    (void)floe_map_put(&lake->copies, key, (void *)(uintptr_t)copy);
    *ret_copy = copy;
    return floe_arena_check(&lake->arena, err);
}

floe_status floe_scan_copies_make(sql_builder *builder, const scan_group *group, floe_error *err) {
    bool cut = false;
    for (size_t i = 0; i < group->field_count; i++) {
        cut = cut || group->places[i].cut;
    }
    for (size_t i = 0; cut && i < group->file_count; i++) {
        const char *path = builder->files->local_paths[group->files[i]];
        const char *copy = NULL;
        FLOE_TRY(copy_of(builder, path, &copy, err));
        (void)floe_map_put(&builder->copies, floe_str_of(path), (void *)(uintptr_t)copy);
    }
    return floe_arena_check(builder->arena, err);
}
