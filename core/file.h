/*
 * Local files: whole reads with a cap, atomic writes, and the few path operations that several rooms need.
 */
#ifndef FLOE_CORE_FILE_H
#define FLOE_CORE_FILE_H

#include "core/arena.h"
#include "core/buf.h"
#include "core/error.h"
#include "core/str.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends the whole file to `out`, which on failure keeps what it held. Errors: NOT_FOUND, DENIED, IO, INVALID (a
 * folder), LIMIT when it is larger than out's cap. */
floe_status floe_file_read(const char *path, floe_buf *out, floe_error *err);

/* Writes a temporary file beside `path`, fsyncs it, renames it over `path` and fsyncs the folder. With `exclusive`, an
 * existing `path` is CONFLICT and is left alone (decided atomically). On failure nothing is left behind and the old
 * content is intact; only when the very last step fails, the fsync of the folder, a replaced file already holds the
 * new content, whole. A replaced file keeps its permissions; a symbolic link is replaced itself.
 * Errors: IO (with ENOSPC named as a full disk), DENIED, CONFLICT, NOT_FOUND (no such folder), INVALID (no file). */
floe_status floe_file_write(const char *path, floe_str bytes, bool exclusive, floe_error *err);

/* mkdir -p. Errors: CONFLICT when a part is a file, DENIED, IO, INVALID. */
floe_status floe_file_mkdirs(const char *path, floe_error *err);
/* The same for the folder that a file is to lie in; nothing for a name alone. Errors: as floe_file_mkdirs. */
floe_status floe_file_mkdirs_of(const char *path, floe_error *err);
bool floe_file_exists(const char *path);
bool floe_file_is_dir(const char *path);
/* Units: bytes. Errors: NOT_FOUND, DENIED, IO, INVALID (a folder). */
floe_status floe_file_len(const char *path, uint64_t *ret_len, floe_error *err);
/* Removes a file or an empty folder; a missing one is OK. */
floe_status floe_file_remove(const char *path, floe_error *err);
/* Removes a folder and everything in it; a missing one is OK. Follows no symbolic link. */
floe_status floe_file_remove_all(const char *path, floe_error *err);

/* Names in a folder ("." and ".." left out), sorted by byte, as NUL-terminated strings in the arena. */
floe_status floe_file_list(const char *path, floe_arena *arena, const char *const **ret_names, size_t *ret_count,
                           floe_error *err);

/* Paths as text (path.c). "a" + "b" → "a/b"; an absolute b stays. In the arena; NULL when the arena is full. */
const char *floe_path_join(floe_arena *arena, const char *a, const char *b);
/* The canonical absolute path: links are resolved in the part that exists, the rest is taken as text. In the arena.
 * Errors: INVALID (empty or too long), DENIED, IO. */
floe_status floe_path_absolute(floe_arena *arena, const char *path, const char **ret_path, floe_error *err);
/* "a/b" → "a", "a" → ".", "/a" → "/"; slashes at the end do not count. */
const char *floe_path_dirname(floe_arena *arena, const char *path);
/* "a/b" → "b", "a/" → "a", "/" → "". Borrows from path. */
floe_str floe_path_basename(const char *path);

/* Test hook for the calls to the operating system made in file.c: the n-th from now on this thread, and only that one
 * (so that the cleanup after it works), fails with `sys_errno`. */
void floe_file_fail_at(uint64_t nth, int sys_errno);
void floe_file_fail_off(void);
uint64_t floe_file_fail_count(void);

#endif
