/*
 * The store: what changes. Every change makes a new view beside the live one and publishes it by one assignment.
 *
 * Put: an index of the new vectors → joined with the last ones while those are less than twice as large, so that n vectors put
 * one by one are copied log n times and lie in log n parts → the view with it, in which the rows it replaces are dead. Remove:
 * a view in which more rows are dead. Compact: a snapshot's living rows → one new index, without any lock → under the lock, the
 * parts that came meanwhile beside it, and dead what was removed meanwhile. Parts that a compaction reads are not joined with
 * newer ones, so a part is either in its snapshot or not.
 *
 * Locks, taken in this order: `compact` (a whole compaction), `write` (one change), `publish` (the pointer to the live view
 * and its count of users; a few instructions).
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "vector/ann/store_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#define ARENA_MAX FLOE_MIB(64)
/* A delta below this many rows is scanned in well under a millisecond. */
#define DELTA_MIN 4096

struct floe_ann_store {
    floe_arena arena;
    const char *folder;
    floe_ann_options options;
    int lock_file; /* -1: none */
    pthread_mutex_t compact, write, publish;
    floe_ann_view *view;           /* live; the pointer under `publish`, replaced under `write` */
    const floe_ann_view *snapshot; /* of a compaction that runs; under `write` */
};

/* ---- views ---- */

const floe_ann_view *floe_ann_store_view(floe_ann_store *store) {
    (void)pthread_mutex_lock(&store->publish);
    floe_ann_view *view = store->view;
    atomic_fetch_add(&view->users, 1);
    (void)pthread_mutex_unlock(&store->publish);
    return view;
}

/* Takes `view` over. */
static void publish(floe_ann_store *store, floe_ann_view **view) {
    (void)pthread_mutex_lock(&store->publish);
    floe_ann_view *old = store->view;
    store->view = *view;
    (void)pthread_mutex_unlock(&store->publish);
    *view = NULL;
    floe_view_release(&old);
}

/* ---- opening and closing ---- */

static floe_status take_lock(floe_ann_store *store, floe_error *err) {
    const char *path = floe_path_join(&store->arena, store->folder, "lock");
    FLOE_TRY(floe_arena_check(&store->arena, err));
    store->lock_file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (store->lock_file < 0) {
        return FLOE_FAIL_ERRNO(err, errno == EACCES || errno == EROFS ? FLOE_DENIED : FLOE_IO,
                               "%s cannot be opened: %s", path, strerror(errno));
    }
    FLOE_ENSURE(flock(store->lock_file, LOCK_EX | LOCK_NB) == 0, err, FLOE_UNAVAILABLE,
                "somebody else is writing the vectors in %s; wait for it to end", store->folder);
    return FLOE_OK;
}

static floe_status open_view(floe_ann_store *store, floe_error *err) {
    floe_error cause = {0};
    floe_status status = floe_manifest_open(store->folder, &store->options, &store->view, &cause);
    if (status.code == FLOE_NOT_FOUND) {
        return floe_view_make(NULL, 0, &store->options, &store->view, err);
    }
    return floe_failed(status) ? FLOE_FAIL(err, status.code, "%s", cause.message) : FLOE_OK;
}

static floe_status open_store(floe_ann_store *store, const char *folder, const floe_ann_options *options,
                              floe_error *err) {
    FLOE_TRY(floe_view_check_options(options, err));
    store->folder = floe_arena_strdup(&store->arena, folder);
    store->options = *options;
    store->options.fingerprint = floe_arena_str(&store->arena, options->fingerprint);
    FLOE_TRY(floe_arena_check(&store->arena, err));
    FLOE_TRY(floe_file_mkdirs(folder, err));
    FLOE_TRY(take_lock(store, err));
    FLOE_TRY(open_view(store, err));
    return floe_manifest_clean(folder, store->view, err);
}

floe_status floe_ann_store_open(const char *folder, const floe_ann_options *options, floe_ann_store **ret_store,
                                floe_error *err) {
    FLOE_CLEANUP(floe_ann_store_close) floe_ann_store *store = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*store), &store, err));
    floe_arena_init(&store->arena, ARENA_MAX);
    store->lock_file = -1;
    (void)pthread_mutex_init(&store->compact, NULL);
    (void)pthread_mutex_init(&store->write, NULL);
    (void)pthread_mutex_init(&store->publish, NULL);
    FLOE_TRY(open_store(store, folder, options, err));
    *ret_store = store;
    store = NULL;
    return FLOE_OK;
}

void floe_ann_store_close(floe_ann_store **store) {
    if (*store == NULL) {
        return;
    }
    floe_view_release(&(*store)->view);
    if ((*store)->lock_file >= 0) {
        (void)close((*store)->lock_file);
    }
    (void)pthread_mutex_destroy(&(*store)->publish);
    (void)pthread_mutex_destroy(&(*store)->write);
    (void)pthread_mutex_destroy(&(*store)->compact);
    floe_arena_close(&(*store)->arena);
    floe_free(*store);
    *store = NULL;
}

/* ---- changes: all under `write` ---- */

static bool has_part(const floe_ann_view *view, const floe_part *part) {
    for (size_t p = 0; view != NULL && p < view->part_count; p++) {
        if (view->parts[p] == part) {
            return true;
        }
    }
    return false;
}

/* The parts of the live view that have a living row, and perhaps one more. */
static floe_status view_beside(floe_ann_store *store, floe_part *more, floe_ann_view **ret_view, floe_error *err) {
    floe_part *parts[FLOE_ANN_PARTS_MAX + 1];
    size_t count = 0;
    for (size_t p = 0; p < store->view->part_count; p++) {
        if (floe_view_part_alive(store->view, p) > 0) {
            parts[count++] = store->view->parts[p];
        }
    }
    if (more != NULL) {
        parts[count++] = more;
    }
    FLOE_TRY(floe_view_make(parts, count, &store->options, ret_view, err));
    floe_view_copy_dead(*ret_view, store->view);
    (*ret_view)->last_number = store->view->last_number;
    return FLOE_OK;
}

/* Parts from here on are joined into one: each is less than twice as large as all after it. */
static size_t join_from(const floe_ann_store *store, const floe_ann_view *view) {
    size_t from = view->part_count - 1;
    size_t rows = view->parts[from]->ann->info.count;
    while (from > 0) {
        const floe_part *before = view->parts[from - 1];
        if (before->ann->info.kind == FLOE_ANN_HNSW || before->ann->info.count >= 2 * rows ||
            has_part(store->snapshot, before)) {
            break;
        }
        rows += before->ann->info.count;
        from--;
    }
    return from;
}

static floe_status build_part(const floe_ann_store *store, floe_ann_kind kind, const floe_gathered *gathered,
                              floe_part **ret_part, floe_error *err) {
    floe_ann *ann = NULL;
    floe_ann_options options = store->options;
    options.kind = kind;
    floe_ann_vectors vectors = {gathered->ids, gathered->rows, gathered->count};
    FLOE_TRY(floe_ann_build(&options, &vectors, &ann, err));
    return floe_part_make(&ann, 0, ret_part, err);
}

/* Replaces *view, which nobody sees yet, by one whose last parts are joined. */
static floe_status join(floe_ann_store *store, floe_ann_view **view, floe_error *err) {
    FLOE_CLEANUP(floe_gathered_close) floe_gathered gathered = {0};
    FLOE_CLEANUP(floe_part_release) floe_part *joined = NULL;
    floe_part *parts[FLOE_ANN_PARTS_MAX];
    floe_ann_view *made = NULL;
    size_t from = join_from(store, *view);
    if (from + 1 == (*view)->part_count) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_view_gather(*view, from, (*view)->part_count, &gathered, err));
    FLOE_TRY(build_part(store, FLOE_ANN_SCAN, &gathered, &joined, err));
    memcpy(parts, (*view)->parts, from * sizeof(parts[0]));
    parts[from] = joined;
    FLOE_TRY(floe_view_make(parts, from + 1, &store->options, &made, err));
    floe_view_copy_dead(made, *view);
    made->last_number = (*view)->last_number;
    floe_view_release(view);
    *view = made;
    return FLOE_OK;
}

/* Of the new part's rows, those that are there already with the same vector stay where they are; older ones die. Returns how
 * many are new. */
static size_t replace_rows(const floe_ann_store *store, floe_ann_view *view, const floe_part *part) {
    size_t base = view->bases[view->part_count - 1];
    size_t fresh = 0;
    for (size_t row = 0; row < part->ann->info.count; row++) {
        uint32_t slot = 0;
        if (!floe_ann_view_find(store->view, part->ann->ids[row], &slot)) {
            fresh++;
            continue;
        }
        const float *old = floe_ann_view_row(store->view, slot);
        if (memcmp(old, floe_ann_row(part->ann, (uint32_t)row), view->dim * sizeof(float)) == 0) {
            floe_view_kill(view, base + row);
            continue;
        }
        fresh++;
        for (size_t p = 0; p + 1 < view->part_count; p++) {
            uint32_t at = 0;
            if (floe_ann_find(view->parts[p]->ann, part->ann->ids[row], &at)) {
                floe_view_kill(view, view->bases[p] + at);
            }
        }
    }
    return fresh;
}

static floe_status put(floe_ann_store *store, const floe_ann_vectors *vectors, floe_error *err) {
    FLOE_CLEANUP(floe_part_release) floe_part *part = NULL;
    FLOE_CLEANUP(floe_view_release) floe_ann_view *view = NULL;
    floe_ann *ann = NULL;
    floe_ann_options options = store->options;
    options.kind = FLOE_ANN_SCAN;
    FLOE_TRY(floe_ann_build(&options, vectors, &ann, err));
    FLOE_TRY(floe_part_make(&ann, 0, &part, err));
    FLOE_TRY(view_beside(store, part, &view, err));
    if (replace_rows(store, view, part) == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(join(store, &view, err));
    publish(store, &view);
    return FLOE_OK;
}

static floe_status remove_ids(floe_ann_store *store, const uint64_t *ids, size_t count, floe_error *err) {
    FLOE_CLEANUP(floe_view_release) floe_ann_view *view = NULL;
    floe_part *parts[FLOE_ANN_PARTS_MAX];
    memcpy(parts, store->view->parts, sizeof(parts));
    FLOE_TRY(floe_view_make(parts, store->view->part_count, &store->options, &view, err));
    floe_view_copy_dead(view, store->view);
    view->last_number = store->view->last_number;
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = 0;
        if (floe_ann_view_find(view, ids[i], &slot)) {
            floe_view_kill(view, slot);
        }
    }
    if (view->alive_count < store->view->alive_count) {
        publish(store, &view);
    }
    return FLOE_OK;
}

floe_status floe_ann_store_put(floe_ann_store *store, const floe_ann_vectors *vectors, floe_error *err) {
    if (vectors->count == 0) {
        return FLOE_OK;
    }
    (void)pthread_mutex_lock(&store->write);
    floe_status status = put(store, vectors, err);
    (void)pthread_mutex_unlock(&store->write);
    return status;
}

floe_status floe_ann_store_remove(floe_ann_store *store, const uint64_t *ids, size_t count, floe_error *err) {
    (void)pthread_mutex_lock(&store->write);
    floe_status status = remove_ids(store, ids, count, err);
    (void)pthread_mutex_unlock(&store->write);
    return status;
}

/* ---- commit ---- */

static floe_status write_part(floe_ann_store *store, floe_part *part, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, ARENA_MAX);
    uint64_t number = store->view->last_number + 1;
    const char *path = floe_manifest_part_path(&arena, store->folder, number);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(floe_ann_write(part->ann, path, err));
    part->number = number;
    store->view->last_number = number;
    return FLOE_OK;
}

static floe_status commit(floe_ann_store *store, floe_error *err) {
    for (size_t p = 0; p < store->view->part_count; p++) {
        if (store->view->parts[p]->number == 0) {
            FLOE_TRY(write_part(store, store->view->parts[p], err));
        }
    }
    FLOE_TRY(floe_manifest_write(store->folder, store->view, err));
    /* What cannot be removed now is when the store is opened next. */
    FLOE_IGNORE(floe_manifest_clean(store->folder, store->view, NULL));
    return FLOE_OK;
}

floe_status floe_ann_store_commit(floe_ann_store *store, floe_error *err) {
    (void)pthread_mutex_lock(&store->write);
    floe_status status = commit(store, err);
    (void)pthread_mutex_unlock(&store->write);
    return status;
}

/* ---- compaction ---- */

static bool is_due(const floe_ann_store *store, const floe_ann_view *view) {
    size_t graph_min = store->options.graph_min != 0 ? store->options.graph_min : FLOE_ANN_GRAPH_MIN;
    size_t rows = 0;
    size_t graph_rows = 0;
    for (size_t p = 0; p < view->part_count; p++) {
        const floe_ann_info *info = &view->parts[p]->ann->info;
        rows += info->count;
        graph_rows += info->kind == FLOE_ANN_HNSW ? info->count : 0;
    }
    size_t delta = rows - graph_rows;
    size_t delta_max = graph_rows / 8 < graph_min ? graph_rows / 8 : graph_min;
    delta_max = delta_max > DELTA_MIN ? delta_max : DELTA_MIN;
    bool is_scattered = store->options.kind == FLOE_ANN_AUTO && view->alive_count >= graph_min && floe_faiss_usable() &&
                        delta > delta_max;
    return is_scattered || (rows - view->alive_count) * 5 > rows;
}

bool floe_ann_store_compaction_due(floe_ann_store *store) {
    const floe_ann_view *view = floe_ann_store_view(store);
    bool due = is_due(store, view);
    floe_ann_view_release(&view);
    return due;
}

/* Dead in the new index: what is not alive any more in a part of the snapshot. */
static void kill_changed(const floe_ann_store *store, const floe_ann_view *snapshot, floe_ann_view *view) {
    const floe_ann *made = view->parts[0]->ann;
    for (size_t row = 0; row < made->info.count; row++) {
        bool lives = false;
        for (size_t p = 0; !lives && p < store->view->part_count; p++) {
            uint32_t at = 0;
            lives = has_part(snapshot, store->view->parts[p]) &&
                    floe_ann_find(store->view->parts[p]->ann, made->ids[row], &at) &&
                    floe_bit(store->view->alive, store->view->bases[p] + at);
        }
        if (!lives) {
            floe_view_kill(view, row);
        }
    }
}

static floe_status swap_in(floe_ann_store *store, const floe_ann_view *snapshot, floe_part *made, floe_error *err) {
    FLOE_CLEANUP(floe_view_release) floe_ann_view *view = NULL;
    floe_part *parts[FLOE_ANN_PARTS_MAX + 1];
    size_t count = 0;
    if (made != NULL) {
        parts[count++] = made;
    }
    for (size_t p = 0; p < store->view->part_count; p++) {
        if (!has_part(snapshot, store->view->parts[p])) {
            parts[count++] = store->view->parts[p];
        }
    }
    FLOE_TRY(floe_view_make(parts, count, &store->options, &view, err));
    floe_view_copy_dead(view, store->view);
    view->last_number = store->view->last_number;
    if (made != NULL) {
        kill_changed(store, snapshot, view);
    }
    publish(store, &view);
    return FLOE_OK;
}

static void set_snapshot(floe_ann_store *store, const floe_ann_view *snapshot) {
    (void)pthread_mutex_lock(&store->write);
    store->snapshot = snapshot;
    (void)pthread_mutex_unlock(&store->write);
}

static floe_status compact(floe_ann_store *store, const floe_ann_view *snapshot, floe_error *err) {
    FLOE_CLEANUP(floe_gathered_close) floe_gathered gathered = {0};
    FLOE_CLEANUP(floe_part_release) floe_part *made = NULL;
    FLOE_TRY(floe_view_gather(snapshot, 0, snapshot->part_count, &gathered, err));
    if (gathered.count > 0) {
        FLOE_TRY(build_part(store, store->options.kind, &gathered, &made, err));
    }
    (void)pthread_mutex_lock(&store->write);
    floe_status status = swap_in(store, snapshot, made, err);
    (void)pthread_mutex_unlock(&store->write);
    return status;
}

floe_status floe_ann_store_compact(floe_ann_store *store, floe_error *err) {
    (void)pthread_mutex_lock(&store->compact);
    /* Under `write`, so that no change joins parts of the snapshot after it was taken. */
    (void)pthread_mutex_lock(&store->write);
    const floe_ann_view *snapshot = floe_ann_store_view(store);
    store->snapshot = snapshot;
    (void)pthread_mutex_unlock(&store->write);
    floe_status status = compact(store, snapshot, err);
    set_snapshot(store, NULL);
    floe_ann_view_release(&snapshot);
    (void)pthread_mutex_unlock(&store->compact);
    return status;
}
