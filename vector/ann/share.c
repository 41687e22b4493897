/*
 * Parts: indexes that views count the users of. Those read from files are shared by all views of this process: handles of one index
 * hold its vectors once.
 *
 * A part file is never changed, and a number never comes twice in a store; a store that was begun anew has other files under
 * the same names, so a file is known by its path and by what the system says of it. The list keeps no part alive: who finds one
 * whose last user is just leaving does not take it.
 * Thread: any. Lock: `lock` guards the list and is held for a walk along it, never while a file is read; two that open one
 * part at once may both read it, and the one that comes second drops its own.
 */
#include "core/mem.h"
#include "vector/ann/store_int.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static floe_part *first;

static bool same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_file(const struct stat *a, const struct stat *b) {
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(a->st_mtim, b->st_mtim) && same_time(a->st_ctim, b->st_ctim);
}

/* One more user, unless the last has left. */
static bool keep_living(floe_part *part) {
    size_t users = atomic_load(&part->users);
    while (users > 0 && !atomic_compare_exchange_weak(&part->users, &users, users + 1)) {
    }
    return users > 0;
}

/* Under the lock. */
static floe_part *find(const char *path, const struct stat *file, const floe_ann_options *options) {
    for (floe_part *part = first; part != NULL; part = part->next) {
        const floe_ann_info *info = &part->ann->info;
        if (strcmp(part->path, path) == 0 && same_file(&part->file, file) && info->dim == options->dim &&
            floe_str_equal(info->fingerprint, options->fingerprint) && keep_living(part)) {
            return part;
        }
    }
    return NULL;
}

static floe_part *find_open(const char *path, const struct stat *file, const floe_ann_options *options) {
    (void)pthread_mutex_lock(&lock);
    floe_part *found = find(path, file, options);
    (void)pthread_mutex_unlock(&lock);
    return found;
}

static void forget(floe_part *part) {
    if (!part->is_listed) {
        return;
    }
    (void)pthread_mutex_lock(&lock);
    floe_part **at = &first;
    while (*at != part) {
        at = &(*at)->next;
    }
    *at = part->next;
    (void)pthread_mutex_unlock(&lock);
}

floe_status floe_part_make(floe_ann **ann, uint64_t number, floe_part **ret_part, floe_error *err) {
    floe_part *part = NULL;
    floe_status status = floe_alloc(1, sizeof(*part), &part, err);
    if (floe_failed(status)) {
        floe_ann_close(ann);
        return status;
    }
    atomic_init(&part->users, 1);
    part->number = number;
    part->ann = *ann;
    *ann = NULL;
    *ret_part = part;
    return FLOE_OK;
}

void floe_part_keep(floe_part *part) {
    atomic_fetch_add(&part->users, 1);
}

void floe_part_release(floe_part **part) {
    if (*part != NULL && atomic_fetch_sub(&(*part)->users, 1) == 1) {
        forget(*part);
        floe_ann_close(&(*part)->ann);
        floe_free((*part)->path);
        floe_free(*part);
    }
    *part = NULL;
}

/* Puts the part into the list, unless another came first, which then takes its place. */
static void enter(floe_part **part, const floe_ann_options *options) {
    (void)pthread_mutex_lock(&lock);
    floe_part *earlier = find((*part)->path, &(*part)->file, options);
    if (earlier == NULL) {
        (*part)->next = first;
        first = *part;
        (*part)->is_listed = true;
    }
    (void)pthread_mutex_unlock(&lock);
    if (earlier != NULL) {
        floe_part_release(part);
        *part = earlier;
    }
}

floe_status floe_part_open(const char *path, uint64_t number, const floe_ann_options *options, floe_part **ret_part,
                           floe_error *err) {
    FLOE_CLEANUP(floe_part_release) floe_part *part = NULL;
    struct stat before = {0};
    struct stat after = {0};
    floe_ann *ann = NULL;
    bool is_known = stat(path, &before) == 0;
    *ret_part = is_known ? find_open(path, &before, options) : NULL;
    if (*ret_part != NULL) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_ann_open(path, options->dim, options->fingerprint, &ann, err));
    FLOE_TRY(floe_part_make(&ann, number, &part, err));
    FLOE_TRY(floe_strdup(path, &part->path, err));
    /* A file that was replaced meanwhile may be another than the one that was read. */
    if (is_known && stat(path, &after) == 0 && same_file(&before, &after)) {
        part->file = before;
        enter(&part, options);
    }
    *ret_part = part;
    part = NULL;
    return FLOE_OK;
}
