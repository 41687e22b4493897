/*
 * Reading the manifests of a snapshot for a scan: which of their files may hold rows, and all of their delete files.
 *
 * Phases: the manifests whose summaries rule nothing out are chosen → several threads take one after the other from a shared counter,
 * decode it into memory of their own, prune its files, and hand over what is left → a file that is listed twice is looked for by the
 * hashes of all paths, and only where two hashes are equal everything is read once more, by the paths themselves.
 * Invariants: what a manifest takes in memory goes with it, so that a plan grows with the files it keeps and eight bytes for each
 * other. Files are handed over in no order. Of several manifests that cannot be read the first in the list is named.
 * Lock: manifest_pass.lock, held while one manifest's files are handed over; it guards the scan, the hashes and the first error.
 */
#include "offline/iceberg/plan_int.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/map.h"
#include "offline/iceberg/deletes.h"
#include "offline/iceberg/manifest.h"
#include "offline/iceberg/prune.h"
#include "offline/lake_int.h"

#include <inttypes.h>
#include <pthread.h>
#include <unistd.h>

enum { READERS_MAX = 16, MANIFESTS_PER_READER = 16 };

typedef struct manifest_pass {
    floe_manifest_scan *scan;
    const floe_ice_manifest **manifests;
    size_t count;
    atomic_size_t next, failed; /* of the manifests; the first that cannot be read, or SIZE_MAX */
    pthread_mutex_t lock;
    floe_buf hashes; /* of the paths of live files, uint64_t each */
    floe_map *seen;  /* the paths themselves, of a pass on one thread; NULL: hashes */
    floe_status status;
    floe_error error;
} manifest_pass;

/* What one thread has. */
typedef struct entry_reader {
    manifest_pass *pass;
    floe_arena lasting, scratch; /* scratch: of one manifest */
    floe_avro_memory memory;
    floe_pruner pruner;
    const floe_ice_manifest *manifest;
    int64_t live; /* entries of it that are not deleted */
    floe_scan_plan plan;
    floe_ptrs kept, deletes;
    uint64_t *hashes;
    size_t hash_count, hash_capacity;
} entry_reader;

/* ---- entries ---- */

floe_status floe_scan_check_file(const floe_table *table, const floe_ice_data_file *file, floe_error *err) {
    bool parquet = file->format.len == 7 && strncasecmp(file->format.ptr, "parquet", 7) == 0;
    FLOE_ENSURE(parquet, err, FLOE_UNSUPPORTED, "table %.*s: the data file %.*s is %.*s; floe reads Parquet",
                FLOE_STR_BRIEF(table->name), FLOE_STR_ARG(file->path), FLOE_STR_BRIEF(file->format));
    FLOE_ENSURE(!file->encrypted, err, FLOE_UNSUPPORTED, "table %.*s: the data file %.*s is encrypted",
                FLOE_STR_BRIEF(table->name), FLOE_STR_ARG(file->path));
    return FLOE_OK;
}

static floe_status listed_twice(const entry_reader *reader, floe_str path, floe_error *err) {
    return FLOE_FAIL(err, FLOE_CORRUPT, "table %.*s: the snapshot lists the file %.*s twice",
                     FLOE_STR_BRIEF(reader->pass->scan->table->name), FLOE_STR_ARG(path));
}

static floe_status note_path(entry_reader *reader, const floe_ice_data_file *file, floe_error *err) {
    static char present;
    floe_arena *arena = reader->pass->scan->arena;
    floe_str plain = floe_path_plain(file->path);
    FLOE_ENSURE(file->path.len > 0, err, FLOE_CORRUPT, "%.*s lists a file without a path",
                FLOE_STR_ARG(reader->manifest->path));
    if (reader->pass->seen != NULL) {
        void *earlier = floe_map_put(reader->pass->seen, floe_arena_str(arena, plain), &present);
        FLOE_TRY(floe_arena_check(arena, err));
        return earlier != NULL ? listed_twice(reader, file->path, err) : FLOE_OK;
    }
    uint64_t *slot = FLOE_ARENA_PUSH(&reader->scratch, reader->hashes, reader->hash_count, reader->hash_capacity);
    FLOE_TRY(floe_arena_check(&reader->scratch, err));
    *slot = floe_xxh64(plain.ptr, plain.len, 0);
    return FLOE_OK;
}

static floe_status keep(entry_reader *reader, floe_ptrs *list, const floe_ice_data_file *file, floe_error *err) {
    floe_ice_data_file *copy = floe_arena_alloc(&reader->scratch, 1, sizeof(*copy));
    FLOE_TRY(floe_arena_check(&reader->scratch, err));
    *copy = *file;
    floe_ptrs_append(list, &reader->scratch, copy);
    return floe_arena_check(&reader->scratch, err);
}

static floe_status keep_file(entry_reader *reader, const floe_ice_data_file *file, floe_error *err) {
    FLOE_TRY(floe_scan_check_file(reader->pass->scan->table, file, err));
    FLOE_TRY(keep(reader, &reader->kept, file, err));
    reader->plan.files_read++;
    reader->plan.bytes += file->file_len;
    reader->plan.rows += file->record_count;
    return FLOE_OK;
}

/* Several deletion vectors lie in one file: only their places tell them apart. */
static floe_status keep_delete(entry_reader *reader, const floe_ice_data_file *file, floe_error *err) {
    FLOE_ENSURE(file->content != 0 && reader->manifest->content == 1, err, FLOE_CORRUPT,
                "%.*s lists %s files, but the file %.*s holds %s", FLOE_STR_ARG(reader->manifest->path),
                reader->manifest->content == 1 ? "delete" : "data", FLOE_STR_ARG(file->path),
                file->content == 0 ? "data" : "deletes");
    FLOE_TRY(floe_ice_is_deletion_vector(file) ? FLOE_OK : note_path(reader, file, err));
    return keep(reader, &reader->deletes, file, err);
}

static floe_status visit_entry(void *context, const floe_ice_data_file *file, floe_error *err) {
    entry_reader *reader = context;
    if (file->status == 2) { /* Deleted entries only tell readers of changes. */
        return FLOE_OK;
    }
    reader->live++;
    if (file->content != 0 || reader->manifest->content != 0) {
        return keep_delete(reader, file, err);
    }
    reader->plan.files_total++;
    FLOE_TRY(note_path(reader, file, err));
    const floe_ice_spec *spec = floe_ice_spec_by_id(&reader->pass->scan->table->metadata, file->spec_id);
    switch (floe_prune_file(&reader->pruner, file, spec)) {
    case FLOE_PRUNE_BY_PARTITION:
        reader->plan.files_pruned_by_partition++;
        return FLOE_OK;
    case FLOE_PRUNE_BY_BOUNDS:
        reader->plan.files_pruned_by_bounds++;
        return FLOE_OK;
    default:
        return keep_file(reader, file, err);
    }
}

/* ---- manifests ---- */

static int64_t live_files(const floe_ice_manifest *manifest) {
    bool known = manifest->added_files >= 0 && manifest->existing_files >= 0;
    return known ? manifest->added_files + manifest->existing_files : -1;
}

static floe_status check_cancelled(const floe_table *table, floe_error *err) {
    const floe_run *run = table->lake->run;
    bool cancelled = run != NULL && run->cancelled != NULL && atomic_load(run->cancelled);
    FLOE_ENSURE(!cancelled, err, FLOE_CANCELLED, "cancelled while planning the scan");
    return FLOE_OK;
}

/* A file that was cut between two blocks is a whole Avro file: only the manifest list knows what is missing. Where the file has all the
 * bytes that the list says, it is the list that has miscounted, which nobody else minds. */
static floe_status check_whole(const entry_reader *reader, int64_t live, floe_error *err) {
    const floe_table *table = reader->pass->scan->table;
    FLOE_AUTO_ARENA arena = {0};
    const char *local = NULL;
    floe_fs_file file = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    FLOE_TRY(floe_path_resolve(&table->moved, reader->manifest->path, &arena, &local, err));
    FLOE_TRY(table->fs->ops->stat(table->fs, local, &file, err));
    FLOE_ENSURE(reader->manifest->length > 0 && file.len == reader->manifest->length, err, FLOE_CORRUPT,
                "%.*s: the manifest is cut off: it lists %" PRId64 " files, its manifest list says %" PRId64,
                FLOE_STR_ARG(reader->manifest->path), reader->live, live);
    return FLOE_OK;
}

static floe_status decode(entry_reader *reader, floe_error *err) {
    const floe_table *table = reader->pass->scan->table;
    const floe_manifest_reader decoding = {.metadata = &table->metadata,
                                           .stats = {.field_ids = reader->pruner.field_ids,
                                                     .field_count = reader->pruner.field_count,
                                                     .no_nans = !reader->pruner.of_reals},
                                           .arena = &reader->scratch,
                                           .memory = &reader->memory,
                                           .visit = visit_entry,
                                           .context = reader};
    int64_t live = live_files(reader->manifest);
    FLOE_TRY(check_cancelled(table, err));
    FLOE_TRY(floe_manifest_read(table->fs, &table->moved, reader->manifest, &decoding, err));
    return reader->live >= live ? FLOE_OK : check_whole(reader, live, err);
}

static floe_status append_copies(const floe_ptrs *files, floe_arena *arena, floe_ptrs *list, floe_error *err) {
    for (size_t i = 0; i < files->count; i++) {
        floe_ice_data_file *copy = NULL;
        FLOE_TRY(floe_ice_data_file_copy(files->items[i], arena, &copy, err));
        floe_ptrs_append(list, arena, copy);
    }
    return floe_arena_check(arena, err);
}

static floe_status hand_over(entry_reader *reader, floe_error *err) {
    floe_manifest_scan *scan = reader->pass->scan;
    scan->plan->files_total += reader->plan.files_total;
    scan->plan->files_read += reader->plan.files_read;
    scan->plan->files_pruned_by_partition += reader->plan.files_pruned_by_partition;
    scan->plan->files_pruned_by_bounds += reader->plan.files_pruned_by_bounds;
    scan->plan->bytes += reader->plan.bytes;
    scan->plan->rows += reader->plan.rows;
    floe_buf_append(&reader->pass->hashes, reader->hashes, reader->hash_count * sizeof(*reader->hashes));
    FLOE_TRY(floe_buf_check(&reader->pass->hashes, err));
    FLOE_TRY(append_copies(&reader->kept, scan->arena, &scan->kept, err));
    return append_copies(&reader->deletes, scan->arena, &scan->deletes, err);
}

static void fail(manifest_pass *pass, size_t index, floe_status status, const floe_error *err) {
    if (index < atomic_load(&pass->failed)) {
        atomic_store(&pass->failed, index);
        pass->status = status;
        pass->error = *err;
    }
}

static void read_one(entry_reader *reader, size_t index) {
    manifest_pass *pass = reader->pass;
    floe_error err = {0};
    reader->manifest = pass->manifests[index];
    reader->live = 0;
    reader->plan = (floe_scan_plan){0};
    reader->kept = reader->deletes = (floe_ptrs){0};
    reader->hashes = NULL;
    reader->hash_count = reader->hash_capacity = 0;
    floe_arena_reset(&reader->scratch);
    floe_status status = decode(reader, &err);
    (void)pthread_mutex_lock(&pass->lock);
    if (!floe_failed(status)) {
        status = hand_over(reader, &err);
    }
    if (floe_failed(status)) {
        fail(pass, index, status, &err);
    }
    (void)pthread_mutex_unlock(&pass->lock);
}

static void *read_some(void *context) {
    manifest_pass *pass = context;
    const floe_manifest_scan *scan = pass->scan;
    entry_reader reader = {.pass = pass};
    floe_error err = {0};
    floe_arena_init(&reader.lasting, FLOE_MIB(16));
    floe_arena_init(&reader.scratch, FLOE_GIB(8));
    floe_avro_memory_init(&reader.memory, FLOE_GIB(1));
    floe_status status = floe_pruner_init(&reader.pruner, scan->filter, scan->schema, &reader.lasting, &err);
    if (floe_failed(status)) {
        (void)pthread_mutex_lock(&pass->lock);
        fail(pass, 0, status, &err);
        (void)pthread_mutex_unlock(&pass->lock);
    }
    for (;;) {
        size_t index = atomic_fetch_add(&pass->next, 1);
        if (index >= pass->count || index > atomic_load(&pass->failed) || floe_failed(status)) {
            break;
        }
        read_one(&reader, index);
    }
    floe_avro_memory_close(&reader.memory);
    floe_arena_close(&reader.scratch);
    floe_arena_close(&reader.lasting);
    return NULL;
}

/* Copies of objects are fetched through one connection, by one thread. */
static size_t reader_count(const manifest_pass *pass) {
    const floe_run *run = pass->scan->table->lake->run;
    long cores = run != NULL && run->threads > 0 ? run->threads : sysconf(_SC_NPROCESSORS_ONLN);
    size_t most = cores < 1 ? 1 : cores > READERS_MAX ? READERS_MAX : (size_t)cores;
    size_t useful = pass->count / MANIFESTS_PER_READER;
    bool alone = pass->seen != NULL || pass->scan->table->fs != floe_fs_local();
    return alone || useful < 2 ? 1 : useful < most ? useful : most;
}

/* This thread reads too, so that a system that gives no more threads is only slower. */
static floe_status run_pass(manifest_pass *pass, floe_error *err) {
    pthread_t others[READERS_MAX];
    size_t wanted = reader_count(pass) - 1;
    size_t started = 0;
    while (started < wanted && pthread_create(&others[started], NULL, read_some, pass) == 0) {
        started++;
    }
    (void)read_some(pass);
    for (size_t i = 0; i < started; i++) {
        (void)pthread_join(others[i], NULL);
    }
    return floe_failed(pass->status) ? FLOE_FAIL(err, pass->error.code, "%s", pass->error.message) : FLOE_OK;
}

/* ---- files that are listed twice ---- */

static floe_status has_twins(const floe_buf *hashes, bool *ret_twins, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    const uint64_t *all = (const uint64_t *)(const void *)hashes->ptr;
    size_t count = hashes->len / sizeof(*all);
    size_t slots = 16;
    *ret_twins = false;
    while (slots < count * 2) {
        slots *= 2;
    }
    floe_arena_init(&arena, FLOE_GIB(64));
    uint64_t *table = floe_arena_alloc(&arena, slots, sizeof(*table));
    FLOE_TRY(floe_arena_check(&arena, err));
    for (size_t i = 0; i < count; i++) {
        uint64_t hash = all[i] == 0 ? 1 : all[i]; /* 0 is a free slot */
        size_t at = (size_t)hash & (slots - 1);
        while (table[at] != 0 && table[at] != hash) {
            at = (at + 1) & (slots - 1);
        }
        if (table[at] == hash) {
            *ret_twins = true;
            return FLOE_OK;
        }
        table[at] = hash;
    }
    return FLOE_OK;
}

static floe_status read_pass(floe_manifest_scan *scan, manifest_pass *pass, bool *ret_twins, floe_error *err) {
    pass->scan = scan;
    pass->status = FLOE_OK;
    atomic_init(&pass->next, 0);
    atomic_init(&pass->failed, SIZE_MAX);
    floe_buf_init(&pass->hashes, FLOE_GIB(32));
    (void)pthread_mutex_init(&pass->lock, NULL);
    floe_status status = run_pass(pass, err);
    if (!floe_failed(status)) {
        status = has_twins(&pass->hashes, ret_twins, err);
    }
    (void)pthread_mutex_destroy(&pass->lock);
    floe_buf_close(&pass->hashes);
    return status;
}

/* ---- the whole ---- */

/* The manifests that must be read; the others' files are counted. */
static floe_status choose(floe_manifest_scan *scan, const floe_ice_manifest *manifests, size_t count,
                          manifest_pass *pass, floe_error *err) {
    floe_pruner pruner;
    FLOE_TRY(floe_pruner_init(&pruner, scan->filter, scan->schema, scan->arena, err));
    pass->manifests = floe_arena_alloc(scan->arena, count + 1, sizeof(*pass->manifests));
    FLOE_TRY(floe_arena_check(scan->arena, err));
    scan->plan->manifests_total = (int64_t)count;
    for (size_t i = 0; i < count; i++) {
        const floe_ice_manifest *manifest = &manifests[i];
        const floe_ice_spec *spec = floe_ice_spec_by_id(&scan->table->metadata, manifest->spec_id);
        int64_t live = live_files(manifest);
        if (live == 0) {
            continue;
        }
        /* A delete manifest's summaries speak of its own partitions; equality deletes reach further. */
        if (manifest->content == 0 && !floe_prune_keeps_manifest(&pruner, manifest, spec)) {
            scan->plan->files_total += live > 0 ? live : 0;
            continue;
        }
        pass->manifests[pass->count++] = manifest;
    }
    scan->plan->manifests_read = (int64_t)pass->count;
    return FLOE_OK;
}

floe_status floe_scan_read_manifests(floe_manifest_scan *scan, const floe_ice_snapshot *snapshot, floe_error *err) {
    const floe_ice_manifest *manifests = NULL;
    manifest_pass pass = {0};
    size_t count = 0;
    bool twins = false;
    FLOE_TRY(check_cancelled(scan->table, err));
    FLOE_TRY(
        floe_manifest_list_read(scan->table->fs, &scan->table->moved, snapshot, scan->arena, &manifests, &count, err));
    FLOE_TRY(choose(scan, manifests, count, &pass, err));
    const floe_scan_plan chosen = *scan->plan;
    FLOE_TRY(read_pass(scan, &pass, &twins, err));
    if (!twins) {
        return FLOE_OK;
    }
    floe_map seen;
    floe_map_init(&seen, scan->arena);
    pass.seen = &seen;
    *scan->plan = chosen;
    scan->kept = scan->deletes = (floe_ptrs){0};
    return read_pass(scan, &pass, &twins, err);
}
