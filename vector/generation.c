/*
 * The files of an index folder and the pointer to the live one. Every change of `current` is one rename.
 */
#include "vector/store_int.h"

#include "core/file.h"
#include "core/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define NAME_MAX_BYTES 64
#define ARENA_MAX FLOE_MIB(64)

/* "index-7.db" → 7; 0 when the name is not exactly one of ours. */
static int64_t number_of(floe_str name) {
    static const char prefix[] = "index-";
    static const char suffix[] = ".db";
    char again[NAME_MAX_BYTES];
    int64_t number = 0;
    if (!floe_str_starts_with(name, FLOE_STR(prefix)) || !floe_str_ends_with(name, FLOE_STR(suffix)) ||
        name.len < sizeof(prefix) + sizeof(suffix) - 1) {
        return 0;
    }
    floe_str digits = {name.ptr + sizeof(prefix) - 1, name.len - (sizeof(prefix) - 1) - (sizeof(suffix) - 1)};
    if (floe_failed(floe_str_to_i64(digits, &number, NULL)) || number < 1) {
        return 0;
    }
    (void)snprintf(again, sizeof(again), "index-%" PRId64 ".db", number);
    return floe_str_is(name, again) ? number : 0;
}

const char *floe_generation_path(floe_arena *arena, const char *folder, int64_t number) {
    return floe_arena_printf(arena, "%s/index-%" PRId64 ".db", folder, number);
}

floe_status floe_generation_current(const char *folder, int64_t *ret_number, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF text;
    floe_arena_init(&arena, ARENA_MAX);
    floe_buf_init(&text, NAME_MAX_BYTES);
    const char *path = floe_path_join(&arena, folder, "current");
    FLOE_TRY(floe_arena_check(&arena, err));
    if (!floe_file_exists(path)) {
        return FLOE_FAIL(err, FLOE_NOT_FOUND, "%s: no search index is there; run floe index", folder);
    }
    floe_error cause = {0};
    if (floe_failed(floe_file_read(path, &text, &cause)) && cause.code != FLOE_LIMIT) {
        return FLOE_FAIL(err, cause.code, "%s", cause.message);
    }
    int64_t number = cause.code == FLOE_LIMIT ? 0 : number_of(floe_str_trim(floe_buf_view(&text)));
    FLOE_ENSURE(number > 0, err, FLOE_CORRUPT, "%s does not name an index file; run floe index", path);
    *ret_number = number;
    return FLOE_OK;
}

floe_status floe_generation_publish(const char *folder, int64_t number, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, ARENA_MAX);
    const char *path = floe_path_join(&arena, folder, "current");
    const char *line = floe_arena_printf(&arena, "index-%" PRId64 ".db\n", number);
    FLOE_TRY(floe_arena_check(&arena, err));
    return floe_file_write(path, floe_str_of(line), false, err);
}

/* The number of an index file or of one of the files that lie beside it. */
static int64_t number_of_any(floe_str name) {
    static const char *const tails[] = {"-wal", "-shm", "-journal", "-vectors"};
    for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
        floe_str tail = floe_str_of(tails[i]);
        if (floe_str_ends_with(name, tail)) {
            name.len -= tail.len;
            break;
        }
    }
    return number_of(name);
}

floe_status floe_generation_largest(const char *folder, int64_t *ret_number, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, ARENA_MAX);
    const char *const *names = NULL;
    size_t count = 0;
    int64_t largest = 0;
    FLOE_TRY(floe_file_list(folder, &arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        int64_t number = number_of_any(floe_str_of(names[i]));
        largest = number > largest ? number : largest;
    }
    *ret_number = largest;
    return FLOE_OK;
}

floe_status floe_generation_remove_others(const char *folder, int64_t number, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, ARENA_MAX);
    const char *const *names = NULL;
    size_t count = 0;
    FLOE_TRY(floe_file_list(folder, &arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        int64_t found = number_of_any(floe_str_of(names[i]));
        if (found > 0 && found != number) {
            const char *path = floe_path_join(&arena, folder, names[i]);
            FLOE_TRY(floe_arena_check(&arena, err));
            FLOE_TRY(floe_file_remove(path, err));
        }
    }
    return FLOE_OK;
}

floe_status floe_generation_lock(const char *folder, int *ret_lock, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, ARENA_MAX);
    const char *path = floe_path_join(&arena, folder, "lock");
    FLOE_TRY(floe_arena_check(&arena, err));
    int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock < 0) {
        return FLOE_FAIL_ERRNO(err, errno == EACCES || errno == EROFS ? FLOE_DENIED : FLOE_IO,
                               "%s cannot be opened: %s", path, strerror(errno));
    }
    if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        (void)close(lock);
        return FLOE_FAIL(err, FLOE_CONFLICT, "another floe index is writing %s; wait for it to end", folder);
    }
    *ret_lock = lock;
    return FLOE_OK;
}

void floe_generation_unlock(const int *lock) {
    if (*lock >= 0) {
        (void)close(*lock);
    }
}
