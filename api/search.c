/* See search_int.h. Lock: `mutex` guards `idle`, `idle_count` and `embedder`; no search runs under it. */
#include "api/search_int.h"

#include "core/log.h"
#include "core/mem.h"

#include <pthread.h>

struct floe_searchers {
    const char *folder;
    const floe_project *project;
    floe_embedder *embedder; /* of all handles; opened by the first search */
    pthread_mutex_t mutex;
    floe_search **idle;
    size_t idle_count;
    size_t keep;
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
    *ret_searchers = searchers;
    return FLOE_OK;
}

void floe_searchers_close(floe_searchers **searchers_pointer) {
    floe_searchers *searchers = *searchers_pointer;
    *searchers_pointer = NULL;
    if (searchers == NULL) {
        return;
    }
    for (size_t i = 0; i < searchers->idle_count; i++) {
        floe_search_close(&searchers->idle[i]);
    }
    floe_embedder_close(&searchers->embedder);
    (void)pthread_mutex_destroy(&searchers->mutex);
    floe_free(searchers->idle);
    floe_free(searchers);
}

static floe_search *take_idle(floe_searchers *searchers) {
    (void)pthread_mutex_lock(&searchers->mutex);
    floe_search *taken = searchers->idle_count == 0 ? NULL : searchers->idle[--searchers->idle_count];
    (void)pthread_mutex_unlock(&searchers->mutex);
    return taken;
}

void floe_searchers_give(floe_searchers *searchers, floe_search *search) {
    if (search == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&searchers->mutex);
    bool kept = searchers->idle_count < searchers->keep;
    if (kept) {
        searchers->idle[searchers->idle_count++] = search;
    }
    (void)pthread_mutex_unlock(&searchers->mutex);
    if (!kept) {
        floe_search_close(&search);
    }
}

/* One embedder, whose weights all handles share, with as many forward passes at once as there are workers. A failure is
 * that of this search; the next one tries again. */
static floe_status share_embedder(floe_searchers *searchers, floe_error *err) {
    floe_status status = FLOE_OK;
    (void)pthread_mutex_lock(&searchers->mutex);
    if (searchers->embedder == NULL) {
        status = floe_search_embedder_open(searchers->project, searchers->keep, &searchers->embedder, err);
    }
    (void)pthread_mutex_unlock(&searchers->mutex);
    return status;
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
