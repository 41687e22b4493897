/*
 * The paths of a table: one spelling for local files, and prefixes of tables that were moved.
 */
#include "offline/io/io.h"

/* The length of a URI's scheme with its colon ("s3:" → 3), or 0. One letter is no scheme but a path. */
static size_t scheme_len(floe_str path) {
    for (size_t i = 0; i < path.len; i++) {
        char c = path.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool later = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
        if (c == ':') {
            return i > 1 ? i + 1 : 0;
        }
        if (!letter && !(i > 0 && later)) {
            return 0;
        }
    }
    return 0;
}

static floe_str drop(floe_str text, size_t len) {
    return (floe_str){text.ptr + len, text.len - len};
}

floe_str floe_path_plain(floe_str path) {
    if (!floe_str_starts_with(path, FLOE_STR("file:/"))) {
        return path;
    }
    floe_str rest = drop(path, 5);
    if (floe_str_starts_with(rest, FLOE_STR("//localhost/"))) {
        return drop(rest, 11);
    }
    if (floe_str_starts_with(rest, FLOE_STR("///"))) {
        return drop(rest, 2);
    }
    /* "file://host/x" is another machine's file. */
    return floe_str_starts_with(rest, FLOE_STR("//")) ? path : rest;
}

/* A prefix without the slashes at its end; "/" alone becomes empty, which every absolute path starts with. */
static floe_str trim_slashes(floe_str prefix) {
    while (prefix.len > 0 && prefix.ptr[prefix.len - 1] == '/') {
        prefix.len--;
    }
    return prefix;
}

/* Whether `path` lies at or under `prefix`, by whole components. */
static bool is_under(floe_str path, floe_str prefix) {
    return floe_str_starts_with(path, prefix) && (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

floe_status floe_path_check_local(floe_str path, floe_error *err) {
    size_t len = scheme_len(path);
    if (len == 0) {
        return FLOE_OK;
    }
    return FLOE_FAIL(
        err, FLOE_UNSUPPORTED,
        "%.*s: floe does not know how to read \"%.*s\" here; objects of an S3 store are read where the catalog "
        "has `storage:` or AWS_ACCESS_KEY_ID is set, and for a copy of the table give its prefix there and "
        "here (--moved-from, --moved-to)",
        FLOE_STR_ARG(path), (int)(len - 1), path.ptr);
}

/* A plain path or an object's name → a local path. */
static floe_status localise(const floe_moved *moved, floe_str plain, floe_arena *arena, const char **ret_local,
                            floe_error *err) {
    if (moved->mirror != NULL && floe_mirror_path(moved->mirror, plain, arena, ret_local)) {
        return floe_arena_check(arena, err);
    }
    FLOE_TRY(floe_path_check_local(plain, err));
    *ret_local = floe_arena_strndup(arena, plain.ptr, plain.len);
    return floe_arena_check(arena, err);
}

floe_status floe_path_resolve(const floe_moved *moved, floe_str path, floe_arena *arena, const char **ret_local,
                              floe_error *err) {
    floe_str plain = floe_path_plain(path);
    FLOE_ENSURE(plain.len > 0, err, FLOE_CORRUPT, "the table holds an empty path");
    FLOE_ENSURE(memchr(plain.ptr, 0, plain.len) == NULL, err, FLOE_CORRUPT, "the table's path %.*s holds a NUL byte",
                FLOE_STR_BRIEF(plain));
    floe_str from = trim_slashes(floe_path_plain(moved->from));
    if (moved->from.len == 0 || !is_under(plain, from)) {
        return localise(moved, plain, arena, ret_local, err);
    }
    floe_str to = trim_slashes(floe_path_plain(moved->to));
    floe_str rest = drop(plain, from.len);
    const char *there = floe_arena_printf(arena, "%.*s%.*s", FLOE_STR_ARG(to), FLOE_STR_ARG(rest));
    FLOE_TRY(floe_arena_check(arena, err));
    return localise(moved, floe_str_of(there), arena, ret_local, err);
}
