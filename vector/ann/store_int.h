/*
 * What the files of a store share: its parts, its views, and the manifest that says which of them are published.
 */
#ifndef FLOE_VECTOR_ANN_STORE_INT_H
#define FLOE_VECTOR_ANN_STORE_INT_H

#include "core/arena.h"
#include "vector/ann/ann_int.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

/* Most indexes of one store; puts merge them long before. */
#define FLOE_ANN_PARTS_MAX 64

/* An index that several views share. */
typedef struct floe_part {
    atomic_size_t users;
    floe_ann *ann;
    uint64_t number; /* of its file part-N.ann; 0: not written yet. Changed under the store's writer lock alone. */
    /* Of a part that was read (share.c). */
    char *path;
    struct stat file;
    bool is_listed;
    struct floe_part *next; /* under the list's lock */
} floe_part;

/* Owns: takes `ann` over, also on failure. */
floe_status floe_part_make(floe_ann **ann, uint64_t number, floe_part **ret_part, floe_error *err);
void floe_part_keep(floe_part *part);
void floe_part_release(floe_part **part);
/* The part in this file, of which a process holds one, whoever opens it. Errors: those of floe_ann_open (share.c). */
floe_status floe_part_open(const char *path, uint64_t number, const floe_ann_options *options, floe_part **ret_part,
                           floe_error *err);

/* What a store held at one moment. Nothing of it changes once others can see it. */
struct floe_ann_view {
    atomic_size_t users;
    size_t dim;
    char fingerprint[FLOE_ANN_FINGERPRINT_MAX];
    size_t part_count;
    floe_part *parts[FLOE_ANN_PARTS_MAX];
    size_t bases[FLOE_ANN_PARTS_MAX + 1]; /* slot of each part's row 0, a multiple of 64; the last: all slots */
    size_t alive_count;
    uint64_t last_number; /* the largest that a part file of this store ever had; no number comes twice */
    uint64_t *alive;      /* bit per slot */
};

/* Errors: INVALID or LIMIT of dim and fingerprint. */
floe_status floe_view_check_options(const floe_ann_options *options, floe_error *err);
/* A view of these parts, all of whose rows live; it keeps them. */
floe_status floe_view_make(floe_part *const *parts, size_t part_count, const floe_ann_options *options,
                           floe_ann_view **ret_view, floe_error *err);
void floe_view_release(floe_ann_view **view);
/* Marks a row dead; before the view is published. */
void floe_view_kill(floe_ann_view *view, size_t slot);
/* Takes over which rows of `from` are dead, for the parts that both have. */
void floe_view_copy_dead(floe_ann_view *view, const floe_ann_view *from);
/* Living rows of a part. */
size_t floe_view_part_alive(const floe_ann_view *view, size_t part);
/* The vectors of the living rows of parts from…to-1, in memory of the lists'. */
typedef struct floe_gathered {
    uint64_t *ids;
    float *rows;
    size_t count;
} floe_gathered;
floe_status floe_view_gather(const floe_ann_view *view, size_t from, size_t to, floe_gathered *ret_gathered,
                             floe_error *err);
void floe_gathered_close(floe_gathered *gathered);

/* ---- the manifest (manifest.c) ---- */

/* Writes `current`: the parts by number and which of their rows are dead. Every part has a number. */
floe_status floe_manifest_write(const char *folder, const floe_ann_view *view, floe_error *err);

/* Reads `current` and opens what it names. Errors: NOT_FOUND when there is none; CORRUPT; CONFLICT. */
floe_status floe_manifest_open(const char *folder, const floe_ann_options *options, floe_ann_view **ret_view,
                               floe_error *err);

/* The path of a part's file. */
const char *floe_manifest_part_path(floe_arena *arena, const char *folder, uint64_t number);
/* Removes part files and temporary files that the view does not name. */
floe_status floe_manifest_clean(const char *folder, const floe_ann_view *view, floe_error *err);

#endif
