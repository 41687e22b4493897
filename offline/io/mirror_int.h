/*
 * What the files of the mirror share.
 */
#ifndef FLOE_OFFLINE_IO_MIRROR_INT_H
#define FLOE_OFFLINE_IO_MIRROR_INT_H

#include "offline/io/mirror.h"

struct floe_mirror {
    floe_fs fs; /* first: the seam's functions find the mirror behind it */
    floe_arena arena;
    floe_s3_options s3_options;
    const char *folder; /* of this store: no slash at its end */
    const char *cache;  /* of all stores: what the bound is for */
    uint64_t folder_max;
    floe_s3 *s3;
};

/* Takes copies away until the folder is within its bound, those first that were used least lately; none that was used within the
 * last ten minutes, which may be open by path. What fails is left for the next time. */
void floe_mirror_trim(const floe_mirror *mirror);

/* Whether the path is one of an object's copy. */
bool floe_mirror_holds(const floe_mirror *mirror, const char *path);

/* A path of the mirror → the object. Errors: INTERNAL for a path that is not of this mirror. */
floe_status floe_mirror_object(const floe_mirror *mirror, const char *path, floe_arena *arena,
                               floe_s3_object *ret_object, floe_error *err);

/* Copies of objects, made or sent side by side. `send` false: those that are not there yet are fetched. */
floe_status floe_mirror_move(floe_mirror *mirror, const char *const *paths, size_t count, bool send, floe_error *err);

#endif
