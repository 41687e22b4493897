/*
 * Where the engine reads the files of a scan from.
 *
 * Rule: a large object without a copy here is read from its store by ranges, so that only the columns and row groups that are
 *       asked for travel, where the engine can; every other object gets a copy first. What has a copy is read from it.
 */
#include "offline/iceberg/scan/scan_int.h"

#include "core/limits.h"
#include "offline/lake_int.h"

#include <string.h>

#define WHOLE_MAX FLOE_MIB(4) /* as quick to fetch whole as its footer and columns one by one */

/* What keys that are for the table alone are for: the part of the bucket that it lies in, "" for an object outside of it. */
static floe_str prefix_of(const sql_builder *builder, floe_str bucket, const char *url) {
    floe_str location = builder->files->metadata->location;
    while (location.len > 0 && location.ptr[location.len - 1] == '/') {
        location.len--;
    }
    const char *after = memmem(location.ptr, location.len, "://", 3);
    floe_str name = floe_str_of(url + strlen("s3://"));
    if (after == NULL) {
        return (floe_str){"", 0};
    }
    floe_str place = {after + 3, location.len - (size_t)(after + 3 - location.ptr)};
    bool inside = place.len > bucket.len && place.len < name.len && floe_str_starts_with(name, place) &&
                  name.ptr[place.len] == '/';
    return inside ? (floe_str){name.ptr + bucket.len + 1, place.len - bucket.len} : (floe_str){"", 0};
}

static void put_keys(const floe_s3_keys *keys, floe_engine_store *store) {
    store->access_key = keys->access_key;
    store->secret_key = keys->secret_key;
    store->session_token = keys->session_token;
    store->key_number = keys->number;
}

/* Of floe_engine_store: the context is the mirror. */
static floe_status renew(const void *context, floe_arena *arena, floe_engine_store *store, floe_error *err) {
    floe_s3_keys keys = {0};
    FLOE_TRY(floe_mirror_keys(context, store->key_number, arena, &keys, err));
    put_keys(&keys, store);
    return FLOE_OK;
}

static floe_status reach(const sql_builder *builder, floe_str bucket, floe_str prefix, bool *ret_able,
                         floe_error *err) {
    const floe_mirror *mirror = builder->table->moved.mirror;
    const floe_s3_options *options = floe_mirror_store(mirror);
    floe_s3_keys keys = {0};
    FLOE_TRY(floe_mirror_keys(mirror, 0, builder->arena, &keys, err));
    floe_engine_store store = {.bucket = bucket,
                               .prefix = prefix,
                               .own_ca = floe_mirror_has_own_ca(mirror),
                               .endpoint = options->endpoint,
                               .region = options->region,
                               .path_style = options->path_style,
                               .renew = floe_mirror_is_renewed(mirror) ? renew : NULL,
                               .context = mirror};
    put_keys(&keys, &store);
    return floe_session_reach(builder->session, &store, ret_able, err);
}

/* Those that the engine reads from the store. The files of a table mostly lie in one bucket. */
static floe_status find_remote(sql_builder *builder, floe_error *err) {
    const floe_mirror *mirror = builder->table->moved.mirror;
    floe_str last = {0};
    floe_str last_prefix = {0};
    bool able = false;
    for (size_t i = 0; mirror != NULL && i < builder->files->file_count; i++) {
        const char *path = builder->files->local_paths[i];
        floe_str bucket = {0};
        bool large = builder->files->files[i]->file_len > (int64_t)WHOLE_MAX;
        const char *url = large ? floe_mirror_url(mirror, path, builder->arena, &bucket) : NULL;
        floe_str prefix = url != NULL ? prefix_of(builder, bucket, url) : last_prefix;
        if (url != NULL && (!floe_str_equal(bucket, last) || !floe_str_equal(prefix, last_prefix))) {
            FLOE_TRY(reach(builder, bucket, prefix, &able, err));
            last = bucket;
            last_prefix = prefix;
        }
        if (url != NULL && able) {
            (void)floe_map_put(&builder->remote, floe_str_of(path), (void *)(uintptr_t)url);
        }
    }
    return floe_arena_check(builder->arena, err);
}

static floe_status fetch_others(const sql_builder *builder, floe_error *err) {
    floe_fs *fs = builder->table->fs;
    const char **paths = floe_arena_alloc(builder->arena, builder->files->file_count + 1, sizeof(*paths));
    size_t count = 0;
    FLOE_TRY(floe_arena_check(builder->arena, err));
    for (size_t i = 0; i < builder->files->file_count; i++) {
        const char *path = builder->files->local_paths[i];
        if (floe_map_get(&builder->remote, floe_str_of(path)) == NULL) {
            paths[count++] = path;
        }
    }
    floe_status fetched = fs->ops->fetch(fs, paths, count, err);
    if (floe_failed(fetched)) {
        return floe_error_prefix(err, fetched, "table %.*s", FLOE_STR_BRIEF(builder->table->name));
    }
    return FLOE_OK;
}

static floe_status check_present(const sql_builder *builder, const char *path, floe_error *err) {
    floe_fs *fs = builder->table->fs;
    FLOE_TRY(floe_path_check_local(floe_str_of(path), err));
    FLOE_ENSURE(floe_map_get(&builder->remote, floe_str_of(path)) != NULL || fs->ops->exists(fs, path), err,
                FLOE_NOT_FOUND, "table %.*s: the %s file %s is not there%s", FLOE_STR_BRIEF(builder->table->name),
                builder->deletes ? "equality delete" : "data", path,
                builder->table->moved.from.len == 0 ? "; a table that was moved needs --moved-from and --moved-to, or "
                                                      "moved: {from, to} of its catalog in floe.yaml"
                                                    : "");
    return FLOE_OK;
}

floe_status floe_scan_bring_files(sql_builder *builder, const char *const **ret_names, floe_error *err) {
    const char **names = floe_arena_alloc(builder->arena, builder->files->file_count + 1, sizeof(*names));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    FLOE_TRY(find_remote(builder, err));
    FLOE_TRY(fetch_others(builder, err));
    for (size_t i = 0; i < builder->files->file_count; i++) {
        const char *path = builder->files->local_paths[i];
        const char *remote = floe_map_get(&builder->remote, floe_str_of(path));
        FLOE_TRY(check_present(builder, path, err));
        names[i] = remote != NULL ? remote : path;
    }
    *ret_names = names;
    return FLOE_OK;
}
