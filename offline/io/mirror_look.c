/*
 * What the store says of objects without giving them (their lengths, when they were written, which there are), and what others
 * call them.
 *
 * A copy says nothing about its object, which may be gone: the store is asked each time.
 */
#include "offline/io/mirror_int.h"

#include "core/file.h"
#include "core/limits.h"

#include <stdlib.h>

#define CALL_ARENA FLOE_MIB(64)

floe_status floe_mirror_prefix(floe_mirror *mirror, const char *path, floe_arena *arena, floe_s3_object *ret_object,
                               floe_str *ret_prefix, floe_error *err) {
    FLOE_TRY(floe_mirror_object(mirror, path, arena, ret_object, err));
    *ret_prefix = ret_object->key.len == 0
                      ? (floe_str){"", 0}
                      : floe_str_of(floe_arena_printf(arena, "%.*s/", FLOE_STR_ARG(ret_object->key)));
    return floe_arena_check(arena, err);
}

floe_status floe_mirror_stat(floe_fs *fs, const char *path, floe_fs_file *ret_file, floe_error *err) {
    floe_mirror *mirror = (floe_mirror *)fs;
    FLOE_AUTO_ARENA arena = {0};
    floe_s3_object object = {0};
    floe_s3_stat stat = {0};
    if (!floe_path_is_copy(mirror, path)) {
        return floe_fs_local()->ops->stat(fs, path, ret_file, err);
    }
    floe_arena_init(&arena, CALL_ARENA);
    FLOE_TRY(floe_mirror_object(mirror, path, &arena, &object, err));
    FLOE_TRY(floe_s3_head(mirror->s3, &object, &stat, err));
    FLOE_ENSURE(stat.len <= INT64_MAX, err, FLOE_CORRUPT, "s3://%s/%.*s: the store says that it has %llu bytes",
                object.bucket, FLOE_STR_BRIEF(object.key), (unsigned long long)stat.len);
    *ret_file = (floe_fs_file){.path = path, .len = (int64_t)stat.len, .changed_us = INT64_MAX};
    return FLOE_OK;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const floe_fs_file *)a)->path, ((const floe_fs_file *)b)->path);
}

/* A listing's objects as files. A key that ends in a slash is what consoles make to show a folder: no file. */
static floe_status as_files(const floe_mirror *mirror, const char *bucket, const floe_s3_listed *objects, size_t count,
                            floe_arena *arena, floe_fs_file *files, size_t *ret_count, floe_error *err) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        floe_str key = objects[i].key;
        if (key.len == 0 || key.ptr[key.len - 1] == '/') {
            continue;
        }
        const char *uri = floe_arena_printf(arena, "s3://%s/%.*s", bucket, FLOE_STR_ARG(key));
        floe_fs_file *file = &files[kept];
        FLOE_TRY(floe_arena_check(arena, err));
        *file = (floe_fs_file){.len = objects[i].len, .changed_us = objects[i].changed_us};
        kept += floe_mirror_path(mirror, floe_str_of(uri), arena, &file->path);
        FLOE_TRY(floe_arena_check(arena, err));
    }
    *ret_count = kept;
    return FLOE_OK;
}

floe_status floe_mirror_walk(floe_fs *fs, const char *path, floe_arena *arena, const floe_fs_file **ret_files,
                             size_t *ret_count, floe_error *err) {
    floe_mirror *mirror = (floe_mirror *)fs;
    FLOE_AUTO_ARENA listing = {0};
    floe_s3_object object = {0};
    floe_str prefix = {0};
    const floe_s3_listed *objects = NULL;
    size_t count = 0;
    if (!floe_path_is_copy(mirror, path)) {
        return floe_fs_local()->ops->walk(fs, path, arena, ret_files, ret_count, err);
    }
    floe_arena_init(&listing, FLOE_GIB(4));
    FLOE_TRY(floe_mirror_prefix(mirror, path, &listing, &object, &prefix, err));
    FLOE_TRY(floe_s3_list_all(mirror->s3, object.bucket, prefix, &listing, &objects, &count, err));
    floe_fs_file *files = floe_arena_alloc(arena, count + 1, sizeof(*files));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(as_files(mirror, object.bucket, objects, count, arena, files, &count, err));
    if (count > 0) {
        qsort(files, count, sizeof(*files), by_path);
    }
    *ret_files = files;
    *ret_count = count;
    return FLOE_OK;
}

const floe_s3_options *floe_mirror_store(const floe_mirror *mirror) {
    return &mirror->s3_options;
}

/* Letters, digits and what no pattern, query or encoding gives a meaning to; every part with something in it. */
static bool is_plain_key(floe_str key) {
    bool plain = key.len > 0;
    for (size_t i = 0; plain && i < key.len; i++) {
        char c = key.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        bool empty = c == '/' && (i == 0 || key.ptr[i - 1] == '/');
        plain = !empty && (letter || c == '/' || c == '.' || c == '_' || c == '=' || c == '-');
    }
    return plain;
}

const char *floe_mirror_url(const floe_mirror *mirror, const char *path, floe_arena *arena, floe_str *ret_bucket) {
    floe_s3_object object = {0};
    floe_error ignored = {0};
    if (!floe_path_is_copy(mirror, path) || floe_file_exists(path) ||
        floe_failed(floe_mirror_object(mirror, path, arena, &object, &ignored)) || !is_plain_key(object.key)) {
        return NULL;
    }
    *ret_bucket = floe_str_of(object.bucket);
    return floe_arena_printf(arena, "s3://%s/%.*s", object.bucket, FLOE_STR_ARG(object.key));
}
