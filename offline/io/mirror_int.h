/*
 * What the files of the mirror share.
 */
#ifndef FLOE_OFFLINE_IO_MIRROR_INT_H
#define FLOE_OFFLINE_IO_MIRROR_INT_H

#include "offline/io/mirror.h"

#include <pthread.h>

#define FLOE_MIRROR_KEYS_MAX FLOE_MIB(1)

/* The keys that its connections sign with (mirror_keys.c). */
typedef struct floe_mirror_ring {
    floe_s3_key_source source;
    floe_mirror_renewal renewal;
    pthread_mutex_t renewing; /* held while others are had */
    pthread_mutex_t lock;     /* of what follows */
    floe_arena arena;         /* of the keys */
    floe_s3_keys now;
    int64_t until_us; /* 0: nobody said */
    int64_t asked_us; /* when others were last asked for; monotonic; 0: never */
} floe_mirror_ring;

struct floe_mirror {
    floe_fs fs; /* first: the seam's functions find the mirror behind it */
    floe_arena arena;
    floe_mirror_ring *ring;
    floe_s3_options s3_options; /* without the keys, which the ring has */
    bool own_ca;                /* of the options and not of the environment */
    const char *folder;         /* of this store: no slash at its end */
    const char *cache;          /* of all stores: what the bound is for */
    uint64_t folder_max;
    floe_s3 *s3;
};

/* A text in the arena; one that is empty needs none. */
static inline floe_str floe_mirror_kept(floe_arena *arena, floe_str text) {
    return text.len == 0 ? (floe_str){"", 0} : floe_arena_str(arena, text);
}

floe_status floe_mirror_ring_open(floe_mirror *mirror, const floe_mirror_options *options, floe_error *err);
void floe_mirror_ring_close(floe_mirror *mirror);

/* Takes copies away until the folder is within its bound, those first that were used least lately; none that was used within the
 * last ten minutes, which may be open by path. What fails is left for the next time. */
void floe_mirror_trim(const floe_mirror *mirror);

/* A path of the mirror → the object. Errors: INTERNAL for a path that is not of this mirror. */
floe_status floe_mirror_object(const floe_mirror *mirror, const char *path, floe_arena *arena,
                               floe_s3_object *ret_object, floe_error *err);

/* What is done with objects side by side: copies of those that have none yet are fetched, copies become the store's, or
 * objects go with their copies. */
typedef enum floe_mirror_task { FLOE_MIRROR_FETCH, FLOE_MIRROR_SEND, FLOE_MIRROR_REMOVE } floe_mirror_task;
floe_status floe_mirror_run(floe_mirror *mirror, const char *const *paths, size_t count, floe_mirror_task task,
                            floe_error *err);

/* Removes an object and its copy. */
floe_status floe_mirror_remove(const floe_mirror *mirror, floe_s3 *s3, const char *path, floe_arena *arena,
                               floe_error *err);

/* The seam's ways to look at objects without reading them. */
floe_status floe_mirror_stat(floe_fs *fs, const char *path, floe_fs_file *ret_file, floe_error *err);
floe_status floe_mirror_walk(floe_fs *fs, const char *path, floe_arena *arena, const floe_fs_file **ret_files,
                             size_t *ret_count, floe_error *err);

/* The prefix that a folder's objects have: its key and a slash; the bucket itself has none. */
floe_status floe_mirror_prefix(floe_mirror *mirror, const char *path, floe_arena *arena, floe_s3_object *ret_object,
                               floe_str *ret_prefix, floe_error *err);

#endif
