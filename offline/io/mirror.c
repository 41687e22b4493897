/*
 * The file system whose files are copies of objects.
 */
#include "offline/io/mirror_int.h"

#include "core/file.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

#define FOLDER_MAX_DEFAULT FLOE_GIB(20)
#define CALL_ARENA FLOE_MIB(64)

static floe_mirror *mirror_of(floe_fs *fs) {
    return (floe_mirror *)fs;
}

/* Tables name files of this machine too: for them the mirror is the local file system. */
static bool is_copy(const floe_fs *fs, const char *path) {
    const floe_mirror *mirror = (const floe_mirror *)fs;
    size_t len = strlen(mirror->folder);
    return strncmp(path, mirror->folder, len) == 0 && path[len] == '/';
}

static const floe_fs_ops *local_ops(void) {
    return floe_fs_local()->ops;
}

/* What another object may come to stand under the name of: the hint, and v1.metadata.json of a table that was made anew in its
 * place. Every other name holds a number or an id that nobody draws twice. */
static bool is_renewed(const char *path) {
    floe_str name = floe_path_basename(path);
    return floe_str_is(name, "version-hint.text") || floe_str_ends_with(name, FLOE_STR(".metadata.json")) ||
           floe_str_ends_with(name, FLOE_STR(".metadata.json.gz"));
}

/* ---- the seam ---- */

static floe_status read_object(floe_mirror *mirror, const char *path, floe_buf *out, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_s3_object object = {0};
    floe_arena_init(&arena, CALL_ARENA);
    FLOE_TRY(floe_mirror_object(mirror, path, &arena, &object, err));
    return floe_s3_get(mirror->s3, &object, 0, 0, "", out, err);
}

static floe_status keep_copy(const char *path, floe_str bytes, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, CALL_ARENA);
    const char *folder = floe_path_dirname(&arena, path);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(floe_file_mkdirs(folder, err));
    return floe_file_write(path, bytes, false, err);
}

static floe_status mirror_read(floe_fs *fs, const char *path, floe_buf *out, floe_error *err) {
    size_t before = out->len;
    if (!is_copy(fs, path)) {
        return local_ops()->read(fs, path, out, err);
    }
    if (!is_renewed(path) && floe_file_exists(path)) {
        return floe_file_read(path, out, err);
    }
    FLOE_TRY(read_object(mirror_of(fs), path, out, err));
    if (!is_renewed(path)) {
        floe_error ignored = {0}; /* without a copy it is read from the store again */
        FLOE_IGNORE(keep_copy(path, (floe_str){out->ptr + before, out->len - before}, &ignored));
    }
    return FLOE_OK;
}

static floe_status mirror_write(floe_fs *fs, const char *path, floe_str bytes, bool exclusive, floe_error *err) {
    floe_mirror *mirror = mirror_of(fs);
    FLOE_AUTO_ARENA arena = {0};
    floe_s3_object object = {0};
    if (!is_copy(fs, path)) {
        return local_ops()->write(fs, path, bytes, exclusive, err);
    }
    floe_arena_init(&arena, CALL_ARENA);
    FLOE_TRY(floe_mirror_object(mirror, path, &arena, &object, err));
    FLOE_TRY(floe_s3_put(mirror->s3, &object, bytes, exclusive, err));
    if (!is_renewed(path)) {
        floe_error ignored = {0};
        FLOE_IGNORE(keep_copy(path, bytes, &ignored));
    }
    return FLOE_OK;
}

static floe_status mirror_list(floe_fs *fs, const char *path, floe_arena *arena, const char *const **ret_names,
                               size_t *ret_count, floe_error *err) {
    floe_mirror *mirror = mirror_of(fs);
    floe_s3_object object = {0};
    floe_str prefix = {0};
    if (!is_copy(fs, path)) {
        return local_ops()->list(fs, path, arena, ret_names, ret_count, err);
    }
    FLOE_TRY(floe_mirror_prefix(mirror, path, arena, &object, &prefix, err));
    FLOE_TRY(floe_s3_list(mirror->s3, object.bucket, prefix, 0, arena, ret_names, ret_count, err));
    FLOE_ENSURE(*ret_count > 0, err, FLOE_NOT_FOUND, "s3://%s/%.*s holds nothing", object.bucket,
                FLOE_STR_BRIEF(prefix));
    return FLOE_OK;
}

static bool mirror_exists(floe_fs *fs, const char *path) {
    floe_mirror *mirror = mirror_of(fs);
    FLOE_AUTO_ARENA arena = {0};
    floe_s3_object object = {0};
    floe_s3_stat stat = {0};
    floe_error ignored = {0};
    if (!is_copy(fs, path) || (!is_renewed(path) && floe_file_exists(path))) {
        return local_ops()->exists(fs, path);
    }
    floe_arena_init(&arena, CALL_ARENA);
    return !floe_failed(floe_mirror_object(mirror, path, &arena, &object, &ignored)) &&
           !floe_failed(floe_s3_head(mirror->s3, &object, &stat, &ignored));
}

static bool mirror_is_dir(floe_fs *fs, const char *path) {
    floe_mirror *mirror = mirror_of(fs);
    FLOE_AUTO_ARENA arena = {0};
    floe_s3_object object = {0};
    floe_str prefix = {0};
    floe_error ignored = {0};
    const char *const *names = NULL;
    size_t count = 0;
    if (!is_copy(fs, path)) {
        return local_ops()->is_dir(fs, path);
    }
    floe_arena_init(&arena, CALL_ARENA);
    return !floe_failed(floe_mirror_prefix(mirror, path, &arena, &object, &prefix, &ignored)) &&
           !floe_failed(floe_s3_list(mirror->s3, object.bucket, prefix, 1, &arena, &names, &count, &ignored)) &&
           count > 0;
}

static floe_status mirror_fetch(floe_fs *fs, const char *const *paths, size_t count, floe_error *err) {
    return floe_mirror_run(mirror_of(fs), paths, count, FLOE_MIRROR_FETCH, err);
}

static floe_status mirror_publish(floe_fs *fs, const char *const *paths, size_t count, floe_error *err) {
    return floe_mirror_run(mirror_of(fs), paths, count, FLOE_MIRROR_SEND, err);
}

static floe_status mirror_remove(floe_fs *fs, const char *path, floe_error *err) {
    floe_mirror *mirror = mirror_of(fs);
    FLOE_AUTO_ARENA arena = {0};
    if (!is_copy(fs, path)) {
        return local_ops()->remove(fs, path, err);
    }
    floe_arena_init(&arena, CALL_ARENA);
    return floe_mirror_remove(mirror, mirror->s3, path, &arena, err);
}

static floe_status mirror_remove_all(floe_fs *fs, const char *const *paths, size_t count, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(is_copy(fs, paths[i]) ? FLOE_OK : local_ops()->remove(fs, paths[i], err));
    }
    return floe_mirror_run(mirror_of(fs), paths, count, FLOE_MIRROR_REMOVE, err);
}

/* ---- open and close ---- */

static const char *text_of_environment(const char *name) {
    const char *text = getenv(name);
    return text == NULL ? "" : text;
}

floe_s3_options floe_s3_options_of_environment(void) {
    const char *endpoint = text_of_environment("AWS_ENDPOINT_URL_S3");
    const char *region = text_of_environment("AWS_REGION");
    endpoint = endpoint[0] != 0 ? endpoint : text_of_environment("AWS_ENDPOINT_URL");
    region = region[0] != 0 ? region : text_of_environment("AWS_DEFAULT_REGION");
    return (floe_s3_options){.endpoint = floe_str_of(endpoint),
                             .region = floe_str_of(region),
                             .path_style = endpoint[0] != 0,
                             .access_key = floe_str_of(text_of_environment("AWS_ACCESS_KEY_ID")),
                             .secret_key = floe_str_of(text_of_environment("AWS_SECRET_ACCESS_KEY")),
                             .session_token = floe_str_of(text_of_environment("AWS_SESSION_TOKEN"))};
}

static const char *cache_folder(floe_arena *arena) {
    const char *given = text_of_environment("FLOE_OBJECT_CACHE");
    const char *cache = text_of_environment("XDG_CACHE_HOME");
    if (given[0] != 0) {
        return floe_arena_strdup(arena, given);
    }
    return cache[0] != 0 ? floe_arena_printf(arena, "%s/floe/objects", cache)
                         : floe_arena_printf(arena, "%s/.cache/floe/objects", text_of_environment("HOME"));
}

/* Stores of other endpoints may hold other objects under the same names; so may those that other keys open. */
static const char *store_folder(floe_mirror *mirror, floe_str whose) {
    floe_sha256 hash;
    uint8_t digest[32];
    char hex[65];
    const floe_str parts[] = {mirror->s3_options.endpoint, mirror->s3_options.region, whose};
    floe_sha256_init(&hash);
    for (size_t i = 0; i < 3; i++) {
        floe_sha256_update(&hash, parts[i].ptr, parts[i].len);
        floe_sha256_update(&hash, "", 1);
    }
    floe_sha256_final(&hash, digest);
    floe_sha256_hex(digest, hex);
    return floe_arena_printf(&mirror->arena, "%s/%.16s", mirror->cache, hex);
}

/* FLOE_OBJECT_CACHE_BYTES: a whole number, of bytes. */
static floe_status bound_of_environment(uint64_t *ret_max, floe_error *err) {
    const char *given = text_of_environment("FLOE_OBJECT_CACHE_BYTES");
    int64_t bytes = 0;
    floe_error ignored = {0};
    *ret_max = FOLDER_MAX_DEFAULT;
    if (given[0] == 0) {
        return FLOE_OK;
    }
    bool right = !floe_failed(floe_str_to_i64(floe_str_of(given), &bytes, &ignored)) && bytes > 0;
    FLOE_ENSURE(right, err, FLOE_INVALID, "FLOE_OBJECT_CACHE_BYTES is \"%s\": it wants a number of bytes above 0",
                given);
    *ret_max = (uint64_t)bytes;
    return FLOE_OK;
}

static floe_status set_up(floe_mirror *mirror, const floe_mirror_options *options, floe_error *err) {
    const char *cache = options->folder ? options->folder : cache_folder(&mirror->arena);
    const floe_s3_options *given = &options->s3;
    floe_str ca_file = given->ca_file.len > 0 ? given->ca_file : floe_str_of(text_of_environment("AWS_CA_BUNDLE"));
    FLOE_TRY(floe_arena_check(&mirror->arena, err));
    FLOE_TRY(floe_path_absolute(&mirror->arena, cache, &mirror->cache, err));
    FLOE_TRY(bound_of_environment(&mirror->folder_max, err));
    mirror->folder_max = options->folder_max > 0 ? options->folder_max : mirror->folder_max;
    mirror->s3_options = (floe_s3_options){.endpoint = floe_mirror_kept(&mirror->arena, given->endpoint),
                                           .region = floe_mirror_kept(&mirror->arena, given->region),
                                           .path_style = given->path_style,
                                           .cancelled = given->cancelled,
                                           .ca_file = floe_mirror_kept(&mirror->arena, ca_file)};
    mirror->own_ca = given->ca_file.len > 0;
    FLOE_TRY(floe_mirror_ring_open(mirror, options, err));
    mirror->s3_options.source = &mirror->ring->source;
    floe_str whose = options->realm.len > 0 ? options->realm : given->access_key;
    mirror->folder = store_folder(mirror, whose);
    FLOE_TRY(floe_arena_check(&mirror->arena, err));
    return floe_s3_open(&mirror->s3_options, &mirror->s3, err);
}

floe_status floe_mirror_open(const floe_mirror_options *options, floe_mirror **ret_mirror, floe_error *err) {
    static const floe_fs_ops OPS = {
        .read = mirror_read,
        .write = mirror_write,
        .list = mirror_list,
        .exists = mirror_exists,
        .is_dir = mirror_is_dir,
        .fetch = mirror_fetch,
        .publish = mirror_publish,
        .remove = mirror_remove,
        .remove_all = mirror_remove_all,
        .stat = floe_mirror_stat,
        .walk = floe_mirror_walk,
    };
    __attribute__((cleanup(floe_mirror_close))) floe_mirror *mirror = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*mirror), &mirror, err));
    mirror->fs.ops = &OPS;
    floe_arena_init(&mirror->arena, FLOE_MIB(1));
    FLOE_TRY(set_up(mirror, options, err));
    *ret_mirror = mirror;
    mirror = NULL;
    return FLOE_OK;
}

void floe_mirror_close(floe_mirror **mirror) {
    if (*mirror != NULL) {
        floe_s3_close(&(*mirror)->s3);
        floe_mirror_ring_close(*mirror);
        floe_arena_close(&(*mirror)->arena);
        floe_free(*mirror);
        *mirror = NULL;
    }
}

bool floe_mirror_has_own_ca(const floe_mirror *mirror) {
    return mirror->own_ca;
}

bool floe_path_is_copy(const floe_mirror *mirror, const char *path) {
    return is_copy(&mirror->fs, path);
}

floe_fs *floe_mirror_fs(floe_mirror *mirror) {
    return &mirror->fs;
}
