/*
 * See search_int.h. The preparing thread looks twice a second, and when it is told to, for a role that an idle handle lacks or
 * for a newer index; it works at one role at a time and gives the handle back in between.
 *
 * Lock: `mutex` guards everything but the first three fields, `keep` and `thread`; no search and no preparation runs under it, only
 * the opening of the embedder.
 */
#include "api/search_int.h"

#include "core/file.h"
#include "core/log.h"
#include "core/mem.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* Between two looks, and after something failed. */
#define LOOK_MS 500
#define AGAIN_MS 10000

struct floe_searchers {
    const char *folder;
    const floe_project *project;
    floe_embedder *embedder; /* of all handles; opened by the first search */
    pthread_mutex_t mutex;
    floe_search **idle;
    size_t idle_count;
    size_t keep;
    pthread_cond_t changed; /* any of the following, or a handle was given */
    const floe_role *roles[FLOE_SEARCHERS_ROLES];
    size_t role_count;
    size_t out_count; /* handles that requests have */
    bool preparing;   /* the thread holds a handle, or opens one */
    size_t waiting;   /* requests that wait for it */
    bool told;        /* there may be something to do */
    bool closing;
    uint64_t looks; /* that found nothing to do */
    bool has_thread;
    pthread_t thread;
};

floe_status floe_searchers_open(const floe_project *project, const char *folder, size_t keep,
                                floe_searchers **ret_searchers, floe_error *err) {
    floe_searchers *searchers = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*searchers), &searchers, err));
    floe_status status = floe_alloc(keep, sizeof(floe_search *), &searchers->idle, err);
    if (floe_failed(status)) {
        floe_free(searchers);
        return status;
    }
    searchers->folder = folder;
    searchers->project = project;
    searchers->keep = keep;
    (void)pthread_mutex_init(&searchers->mutex, NULL);
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&searchers->changed, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    *ret_searchers = searchers;
    return FLOE_OK;
}

void floe_searchers_close(floe_searchers **searchers_pointer) {
    floe_searchers *searchers = *searchers_pointer;
    *searchers_pointer = NULL;
    if (searchers == NULL) {
        return;
    }
    if (searchers->has_thread) {
        (void)pthread_mutex_lock(&searchers->mutex);
        searchers->closing = true;
        (void)pthread_cond_broadcast(&searchers->changed);
        (void)pthread_mutex_unlock(&searchers->mutex);
        (void)pthread_join(searchers->thread, NULL);
    }
    for (size_t i = 0; i < searchers->idle_count; i++) {
        floe_search_close(&searchers->idle[i]);
    }
    floe_embedder_close(&searchers->embedder);
    (void)pthread_cond_destroy(&searchers->changed);
    (void)pthread_mutex_destroy(&searchers->mutex);
    floe_free(searchers->idle);
    floe_free(searchers);
}

/* Where none is idle but the thread is at one, the first request waits for that: it comes sooner than another could be opened. */
static floe_search *take_idle(floe_searchers *searchers) {
    (void)pthread_mutex_lock(&searchers->mutex);
    while (searchers->idle_count == 0 && searchers->preparing && searchers->waiting == 0 && !searchers->closing) {
        searchers->waiting++;
        (void)pthread_cond_wait(&searchers->changed, &searchers->mutex);
        searchers->waiting--;
        (void)pthread_cond_broadcast(&searchers->changed);
    }
    floe_search *taken = searchers->idle_count == 0 ? NULL : searchers->idle[--searchers->idle_count];
    (void)pthread_mutex_unlock(&searchers->mutex);
    return taken;
}

static void put_back(floe_searchers *searchers, floe_search *search, size_t was_out) {
    if (search == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&searchers->mutex);
    searchers->out_count -= was_out;
    bool kept = searchers->idle_count < searchers->keep;
    if (kept) {
        searchers->idle[searchers->idle_count++] = search;
    }
    (void)pthread_cond_broadcast(&searchers->changed);
    (void)pthread_mutex_unlock(&searchers->mutex);
    if (!kept) {
        floe_search_close(&search);
    }
}

void floe_searchers_give(floe_searchers *searchers, floe_search *search) {
    put_back(searchers, search, 1);
}

/* One embedder, whose weights all handles share, with as many forward passes at once as there are workers. A failure is
 * that of this search; the next one tries again. */
static floe_status share_embedder(floe_searchers *searchers, floe_error *err) {
    floe_error cause = {0};
    floe_status status = FLOE_OK;
    (void)pthread_mutex_lock(&searchers->mutex);
    if (searchers->embedder == NULL) {
        status = floe_search_embedder_open(searchers->project, searchers->keep, &searchers->embedder, &cause);
    }
    (void)pthread_mutex_unlock(&searchers->mutex);
    /* The server's lack, not a wrong question: a service that refuses our key refuses nothing to the asker. */
    return floe_failed(status) ? FLOE_FAIL(err, FLOE_UNAVAILABLE, "%s", cause.message) : FLOE_OK;
}

/* An index that is not there, or cannot be read, is the server's lack, not a wrong question. What is wrong with it goes
 * to the log alone: it names places and tables that the asker may not see. */
static floe_status open_index(const floe_searchers *searchers, floe_search **ret_search, floe_error *err) {
    floe_error cause = {0};
    floe_status status = floe_search_open(searchers->folder, searchers->embedder, ret_search, &cause);
    FLOE_ENSURE(!floe_failed(status) || cause.code != FLOE_NOT_FOUND, err, FLOE_UNAVAILABLE,
                "there is no search index yet; run `floe index` in the project's folder");
    if (floe_failed(status)) {
        floe_log_error("the search index cannot be read", &cause);
        return FLOE_FAIL(err, FLOE_UNAVAILABLE, "the search index cannot be read; the server's log says why");
    }
    return FLOE_OK;
}

/* ---- preparing ---- */

static const floe_role *wanted_role(const floe_searchers *searchers, const floe_search *search) {
    for (size_t i = 0; i < searchers->role_count; i++) {
        if (floe_search_wants(search, searchers->roles[i])) {
            return searchers->roles[i];
        }
    }
    return NULL;
}

/* What there is to do next; of one kind at most. */
typedef struct chore {
    floe_search *search;   /* to be prepared, or overtaken by a newer index */
    const floe_role *role; /* NULL: an index is to be opened */
    bool is_any;
} chore;

/* Takes an idle handle that lacks something out of the list. Without handles, roles ask for the first. Under the mutex: the look at
 * whether an index is stale reads one line of a file. */
static chore find_chore(floe_searchers *searchers) {
    for (size_t i = 0; i < searchers->idle_count; i++) {
        chore found = {.search = searchers->idle[i], .role = wanted_role(searchers, searchers->idle[i])};
        if (floe_search_is_stale(found.search)) {
            found.role = NULL;
            found.is_any = true;
        }
        if (found.is_any || found.role != NULL) {
            found.is_any = true;
            searchers->idle[i] = searchers->idle[--searchers->idle_count];
            return found;
        }
    }
    bool first = searchers->idle_count == 0 && searchers->role_count > 0 && searchers->out_count == 0;
    return (chore){.is_any = first};
}

/* So that no model is read for an index that is not there. */
static bool has_index(const floe_searchers *searchers) {
    char path[PATH_MAX];
    int len = snprintf(path, sizeof(path), "%s/current", searchers->folder);
    return len > 0 && (size_t)len < sizeof(path) && floe_file_exists(path);
}

/* A handle whose index is overtaken goes back where a newer one cannot be had; a request then says why. */
static bool do_chore(floe_searchers *searchers, chore *of) {
    floe_search *newer = NULL;
    if (of->role != NULL) {
        return !floe_failed(floe_search_prepare(of->search, of->role, NULL));
    }
    if (!has_index(searchers) || floe_failed(share_embedder(searchers, NULL)) ||
        floe_failed(floe_search_open(searchers->folder, searchers->embedder, &newer, NULL))) {
        return false;
    }
    floe_search_close(&of->search);
    of->search = newer;
    return true;
}

static void wait_ms(floe_searchers *searchers, int64_t ms) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(ms / 1000);
    until.tv_nsec += (long)(ms % 1000) * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    int number = 0;
    while (!searchers->closing && !searchers->told && number != ETIMEDOUT) {
        number = pthread_cond_timedwait(&searchers->changed, &searchers->mutex, &until);
    }
    searchers->told = false;
}

/* One look, and what it finds to do. Returns for how long there is nothing to do: 0 when there may be more. */
static int64_t look(floe_searchers *searchers) {
    chore found = find_chore(searchers);
    if (!found.is_any) {
        searchers->looks++;
        (void)pthread_cond_broadcast(&searchers->changed);
        return LOOK_MS;
    }
    searchers->preparing = true;
    (void)pthread_mutex_unlock(&searchers->mutex);
    bool done = do_chore(searchers, &found);
    put_back(searchers, found.search, 0);
    (void)pthread_mutex_lock(&searchers->mutex);
    searchers->preparing = false;
    searchers->looks += done ? 0 : 1;
    (void)pthread_cond_broadcast(&searchers->changed);
    return done ? 0 : AGAIN_MS;
}

static void *prepare(void *context) {
    floe_searchers *searchers = context;
    (void)pthread_mutex_lock(&searchers->mutex);
    while (!searchers->closing) {
        int64_t ms = look(searchers);
        if (ms > 0) {
            wait_ms(searchers, ms);
        }
        /* A request that waited goes first. */
        while (searchers->waiting > 0 && searchers->idle_count > 0 && !searchers->closing) {
            (void)pthread_cond_wait(&searchers->changed, &searchers->mutex);
        }
    }
    (void)pthread_mutex_unlock(&searchers->mutex);
    return NULL;
}

static floe_status start_thread(floe_searchers *searchers, floe_error *err) {
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&searchers->thread, NULL, prepare, searchers);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    FLOE_ENSURE(number == 0, err, FLOE_LIMIT, "cannot start the thread that prepares searches: %s", strerror(number));
    searchers->has_thread = true;
    return FLOE_OK;
}

floe_status floe_searchers_follow(floe_searchers *searchers, const floe_role *const *roles, size_t count,
                                  floe_error *err) {
    (void)pthread_mutex_lock(&searchers->mutex);
    searchers->role_count = count < FLOE_SEARCHERS_ROLES ? count : FLOE_SEARCHERS_ROLES;
    for (size_t i = 0; i < searchers->role_count; i++) {
        searchers->roles[i] = roles[i];
    }
    searchers->told = true;
    (void)pthread_cond_broadcast(&searchers->changed);
    (void)pthread_mutex_unlock(&searchers->mutex);
    return searchers->has_thread ? FLOE_OK : start_thread(searchers, err);
}

void floe_searchers_settle(floe_searchers *searchers) {
    (void)pthread_mutex_lock(&searchers->mutex);
    uint64_t before = searchers->looks;
    searchers->told = true;
    (void)pthread_cond_broadcast(&searchers->changed);
    /* The look that runs now may have begun before the call. */
    while (searchers->has_thread && searchers->looks < before + 2) {
        searchers->told = true;
        (void)pthread_cond_broadcast(&searchers->changed);
        (void)pthread_cond_wait(&searchers->changed, &searchers->mutex);
    }
    (void)pthread_mutex_unlock(&searchers->mutex);
}

/* ---- asking ---- */

floe_status floe_searchers_take(floe_searchers *searchers, floe_search **ret_search, floe_error *err) {
    floe_search *taken = take_idle(searchers);
    if (taken != NULL && floe_search_is_stale(taken)) {
        /* An index that cannot be read does not take the one away that answers well. */
        floe_search *newer = NULL;
        if (!floe_failed(open_index(searchers, &newer, NULL))) {
            floe_search_close(&taken);
            taken = newer;
        }
    }
    if (taken == NULL) {
        FLOE_TRY(share_embedder(searchers, err));
        FLOE_TRY(open_index(searchers, &taken, err));
    }
    (void)pthread_mutex_lock(&searchers->mutex);
    searchers->out_count++;
    (void)pthread_mutex_unlock(&searchers->mutex);
    *ret_search = taken;
    return FLOE_OK;
}

floe_status floe_searchers_query(floe_searchers *searchers, const floe_query *query, floe_arena *arena, floe_buf *out,
                                 floe_error *err) {
    floe_search *search = NULL;
    floe_answer answer = {0};
    FLOE_TRY(floe_searchers_take(searchers, &search, err));
    floe_status status = floe_search_query(search, query, arena, &answer, err);
    if (!floe_failed(status)) {
        floe_answer_print_json(&answer, out);
        status = floe_buf_check(out, err);
    }
    floe_searchers_give(searchers, search);
    return status;
}
