/*
 * Paths as text: joining, cutting, and making absolute. Declared in core/file.h. Only floe_path_absolute looks at the
 * file system.
 */
#include "core/file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *floe_path_join(floe_arena *arena, const char *a, const char *b) {
    size_t len = strlen(a);
    if (b[0] == '/' || len == 0) {
        return floe_arena_strdup(arena, b);
    }
    if (b[0] == '\0') {
        return floe_arena_strdup(arena, a);
    }
    return floe_arena_printf(arena, a[len - 1] == '/' ? "%s%s" : "%s/%s", a, b);
}

/* The length without trailing slashes; the root keeps its one. */
static size_t trimmed_len(const char *path, size_t len) {
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return len;
}

const char *floe_path_dirname(floe_arena *arena, const char *path) {
    size_t len = trimmed_len(path, strlen(path));
    while (len > 0 && path[len - 1] != '/') {
        len--;
    }
    if (len == 0) {
        return floe_arena_strdup(arena, ".");
    }
    return floe_arena_strndup(arena, path, trimmed_len(path, len));
}

floe_str floe_path_basename(const char *path) {
    size_t len = trimmed_len(path, strlen(path));
    size_t start = len;
    while (start > 0 && path[start - 1] != '/') {
        start--;
    }
    return (floe_str){path + start, len - start};
}

/* Adds one part to an absolute path in place; false when it no longer fits. */
static bool append_part(char path[PATH_MAX], floe_str part) {
    size_t len = strlen(path);
    if (part.len == 0 || floe_str_is(part, ".")) {
        return true;
    }
    if (floe_str_is(part, "..")) {
        char *slash = strrchr(path, '/');
        slash[slash == path ? 1 : 0] = '\0';
        return true;
    }
    size_t separator_len = len > 1 ? 1 : 0;
    if (len + separator_len + part.len >= PATH_MAX) {
        return false;
    }
    path[len] = '/';
    memcpy(path + len + separator_len, part.ptr, part.len);
    path[len + separator_len + part.len] = '\0';
    return true;
}

/* Resolves the longest leading part of `path` that exists into `resolved`; the rest begins at *ret_rest. */
static bool resolve_existing(const char *path, char resolved[PATH_MAX], size_t *ret_rest) {
    char head[PATH_MAX];
    size_t len = strlen(path);
    memcpy(head, path, len + 1);
    while (!realpath(head, resolved)) {
        if (errno != ENOENT && errno != ENOTDIR) {
            return false;
        }
        while (len > 0 && head[len - 1] == '/') {
            len--;
        }
        while (len > 0 && head[len - 1] != '/') {
            len--;
        }
        head[len] = '\0';
        if (len == 0) {
            *ret_rest = 0;
            return getcwd(resolved, PATH_MAX) != NULL;
        }
    }
    *ret_rest = len;
    return true;
}

floe_status floe_path_absolute(floe_arena *arena, const char *path, const char **ret_path, floe_error *err) {
    char resolved[PATH_MAX];
    size_t rest_start = 0;
    FLOE_ENSURE(path[0] != '\0', err, FLOE_INVALID, "an empty path names nothing");
    FLOE_ENSURE(strlen(path) < PATH_MAX, err, FLOE_INVALID, "the path %s is too long", path);
    if (!resolve_existing(path, resolved, &rest_start)) {
        int number = errno;
        floe_code code = number == EACCES ? FLOE_DENIED : FLOE_IO;
        return FLOE_FAIL_ERRNO(err, code, "cannot resolve the path %s: %s", path, strerror(number));
    }
    floe_str rest = floe_str_of(path + rest_start);
    floe_str part;
    while (floe_str_split(&rest, '/', &part)) {
        FLOE_ENSURE(append_part(resolved, part), err, FLOE_INVALID, "the absolute form of %s is too long", path);
    }
    const char *copy = floe_arena_strdup(arena, resolved);
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_path = copy;
    return FLOE_OK;
}
