/*
 * Where an index lies: a folder with immutable files index-N.db, the file `current`, which names the live one, and beside them,
 * when there is an embedder, the folder of the model's vectors (vectors.c).
 *
 * A build writes index-(N+1).db, which nobody reads yet, seals it, and then replaces `current` in one rename; a kill leaves
 * an unreferenced file, which the next build removes. One build at a time holds a lock on the file `lock`. Readers need
 * no lock: they read `current`, open what it names and load it; when a build removed that file in between, they read
 * `current` again.
 */
#ifndef FLOE_VECTOR_STORE_INT_H
#define FLOE_VECTOR_STORE_INT_H

#include "core/sql.h"
#include "vector/unit_int.h"

/* ---- generations (generation.c) ---- */

/* The live generation's number. Errors: NOT_FOUND when nothing is published; CORRUPT when `current` is not ours. */
floe_status floe_generation_current(const char *folder, int64_t *ret_number, floe_error *err);
const char *floe_generation_path(floe_arena *arena, const char *folder, int64_t number);
/* The largest number any index file of the folder has; 0 when there is none. */
floe_status floe_generation_largest(const char *folder, int64_t *ret_number, floe_error *err);
/* Makes `number` the live generation: atomic and durable. */
floe_status floe_generation_publish(const char *folder, int64_t number, floe_error *err);
/* Removes the files of every generation but `number`. */
floe_status floe_generation_remove_others(const char *folder, int64_t number, floe_error *err);

/* Holds the folder's lock until floe_generation_unlock. Errors: CONFLICT when another build holds it. */
floe_status floe_generation_lock(const char *folder, int *ret_lock, floe_error *err);
void floe_generation_unlock(const int *lock);

/* ---- one index file (store.c) ---- */

typedef struct floe_docstore {
    floe_sql *sql;
    floe_sql_stmt *get, *put, *touch, *remove;
} floe_docstore;

/* Makes the tables of an empty file and opens it for writing. */
floe_status floe_docstore_create(const char *path, floe_docstore *ret_store, floe_error *err);
/* Errors: CORRUPT when the file is damaged, of another format, or not an index. */
floe_status floe_docstore_open(const char *path, bool write, floe_docstore *ret_store, floe_error *err);
void floe_docstore_close(floe_docstore *store);

/* The fingerprint of the model whose vectors lie beside the index; empty: it has none. Owns: in the arena. */
floe_status floe_docstore_fingerprint(floe_docstore *store, floe_arena *arena, floe_str *ret_fingerprint,
                                      floe_error *err);
floe_status floe_docstore_set_fingerprint(floe_docstore *store, floe_str fingerprint, floe_error *err);
/* The same of the text of the user's abbreviations. */
floe_status floe_docstore_abbreviations(floe_docstore *store, floe_arena *arena, floe_str *ret_text, floe_error *err);
floe_status floe_docstore_set_abbreviations(floe_docstore *store, floe_str text, floe_error *err);

typedef struct floe_stored_unit {
    uint64_t hash;
    floe_str version, body; /* borrowed until the next call on the store */
} floe_stored_unit;

/* Looks a unit up by kind, origin, space and name. */
floe_status floe_docstore_get(floe_docstore *store, const floe_unit *key, bool *ret_found, floe_stored_unit *ret_stored,
                              floe_error *err);
floe_status floe_docstore_put(floe_docstore *store, const floe_unit *unit, floe_str body, uint64_t hash,
                              floe_error *err);
/* Sets only the version. */
floe_status floe_docstore_touch(floe_docstore *store, const floe_unit *unit, floe_error *err);
floe_status floe_docstore_remove(floe_docstore *store, const floe_unit *key, floe_error *err);

typedef struct floe_docstore_sink {
    /* kind, origin, space, name and version of the unit are set; body is not decoded yet. Borrowed during the call. */
    floe_status (*unit)(void *context, const floe_unit *unit, floe_str body, int64_t documents, floe_error *err);
    void *context;
} floe_docstore_sink;

/* Every unit in the order of kind, space, name and origin, each checked against its hash. Errors: CORRUPT naming the unit. */
floe_status floe_docstore_each(floe_docstore *store, const floe_docstore_sink *sink, floe_error *err);

/* Writes the generation's number, and leaves the file closed, in one piece and durable. */
floe_status floe_docstore_seal(floe_docstore *store, int64_t number, floe_error *err);

#endif
