/*
 * A mirror: the objects of an S3 store as files under a local folder.
 *
 * A table's objects never change once they are written, so that a copy is as good as the object. The mirror gives every object
 * one local path, by its name alone; reading metadata brings a copy there and so does `fetch`, for whoever opens files by path
 * (the engine). What is written lies there first, then goes to the store by `publish`. The exceptions are version-hint.text
 * and metadata files, which are always read from the store: a table that was made anew has a v1.metadata.json again.
 *
 * The folder is shared by all processes of a user: copies arrive by rename. It is kept below a size by taking the
 * copies away that were not used for longest.
 */
#ifndef FLOE_OFFLINE_IO_MIRROR_H
#define FLOE_OFFLINE_IO_MIRROR_H

#include "offline/io/io.h"
#include "offline/io/s3/s3.h"

/* Who has other keys for those that run out: `renew` gives the mirror its next ones by floe_mirror_rekey before it returns. Thread: any
 * that moves objects of the mirror, one at a time. */
typedef struct floe_mirror_renewal {
    floe_status (*renew)(void *context, floe_error *err); /* NULL: nobody */
    void *context;
} floe_mirror_renewal;

typedef struct floe_mirror_options {
    floe_s3_options s3;
    floe_mirror_renewal renewal;
    floe_str realm; /* whose the objects are, for a store whose keys are often others; empty: who has the access key */
    const char *folder;  /* of the copies; NULL: FLOE_OBJECT_CACHE, else floe/objects of the user's cache folder */
    uint64_t folder_max; /* bytes; 0: FLOE_OBJECT_CACHE_BYTES, else 20 GiB */
} floe_mirror_options;

/* Copies the options; asks the store nothing yet. Owns: the caller, floe_mirror_close. Thread: one at a time; it reads many
 * files side by side by itself. */
floe_status floe_mirror_open(const floe_mirror_options *options, floe_mirror **ret_mirror, floe_error *err);
void floe_mirror_close(floe_mirror **mirror); /* NULL-safe */

/* Takes other keys for the same store and the time when they run out; copies and paths stay as they are. Thread: any. Errors: NOMEM. */
floe_status floe_mirror_rekey(floe_mirror *mirror, const floe_s3_options *options, floe_error *err);

/* An object of the mirror that has no copy here → its name "s3://bucket/key", for who reads objects by itself; the bucket alone in
 * *ret_bucket. NULL: it has a copy, which is nearer, or its name has signs that others read otherwise, or the arena is full. */
const char *floe_mirror_url(const floe_mirror *mirror, const char *path, floe_arena *arena, floe_str *ret_bucket);
/* Whether its store's certificates are checked against a file of the definition's own. */
bool floe_mirror_has_own_ca(const floe_mirror *mirror);
/* Its store, without the keys. */
const floe_s3_options *floe_mirror_store(const floe_mirror *mirror);
/* The keys that hold now, as a source's get: for who reads objects by itself. Thread: any. */
floe_status floe_mirror_keys(const floe_mirror *mirror, uint64_t refused, floe_arena *arena, floe_s3_keys *ret_keys,
                             floe_error *err);
/* Whether there may be others once its keys have run out. */
bool floe_mirror_is_renewed(const floe_mirror *mirror);

/* The file system whose paths are those of the mirror. */
floe_fs *floe_mirror_fs(floe_mirror *mirror);

/* The options that the environment gives, as other programs know it: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
 * AWS_SESSION_TOKEN, AWS_REGION or AWS_DEFAULT_REGION, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL (then path style). Certificates are checked against AWS_CA_BUNDLE by every mirror whose options
 * name no file of their own. */
floe_s3_options floe_s3_options_of_environment(void);

#endif
