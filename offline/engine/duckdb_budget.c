/*
 * One memory for the engine and for the sets of deletes that lie beside it: what sets take is taken off the engine's limit and given
 * back when they go.
 *
 * Lock: views.lock for the two numbers; the engine is told outside of it, by whoever changed them. Of two sessions that change them
 * at once the later word may be the older number; the next change puts it right.
 */
#include "offline/engine/duckdb_int.h"

#include "core/limits.h"

#include <inttypes.h>
#include <stdio.h>

#define SETS_MOST FLOE_MIB(512)

static uint64_t memory_of(const floe_session *session, size_t *ret_counted) {
    floe_live_views *views = &session->engine->live;
    (void)pthread_rwlock_rdlock(&views->lock);
    uint64_t bytes = views->memory_bytes;
    *ret_counted = views->counted;
    (void)pthread_rwlock_unlock(&views->lock);
    return bytes;
}

uint64_t floe_session_memory_bytes(const floe_session *session) {
    size_t counted = 0;
    return memory_of(session, &counted);
}

uint64_t floe_session_live_room(const floe_session *session) {
    size_t counted = 0;
    uint64_t bytes = memory_of(session, &counted);
    uint64_t most = bytes == 0 || bytes / 4 > SETS_MOST ? SETS_MOST : bytes / 4;
    return most > counted ? most - counted : 0;
}

/* The engine's limit as the two numbers say it. */
static floe_status tell(floe_session *session, floe_error *err) {
    char text[96];
    size_t counted = 0;
    uint64_t bytes = memory_of(session, &counted);
    uint64_t least = bytes / 4;
    uint64_t left = bytes > counted && bytes - counted > least ? bytes - counted : least;
    (void)snprintf(text, sizeof(text), "SET memory_limit = '%" PRIu64 "B'", left);
    return floe_session_run(session, text, NULL, NULL, err);
}

floe_status floe_session_limit_memory(floe_session *session, uint64_t bytes, floe_error *err) {
    floe_live_views *views = &session->engine->live;
    FLOE_ENSURE(bytes > 0, err, FLOE_INVALID, "the engine cannot live within no memory");
    (void)pthread_rwlock_wrlock(&views->lock);
    views->memory_bytes = bytes;
    (void)pthread_rwlock_unlock(&views->lock);
    return tell(session, err);
}

floe_status floe_session_count_live(floe_session *session, floe_error *err) {
    floe_live_views *views = &session->engine->live;
    (void)pthread_rwlock_wrlock(&views->lock);
    size_t before = views->counted;
    for (floe_live_set *set = session->live_sets; set != NULL; set = set->next) {
        views->counted += set->arena.used - set->counted;
        set->counted = set->arena.used;
    }
    bool changed = views->counted != before && views->memory_bytes > 0;
    (void)pthread_rwlock_unlock(&views->lock);
    return changed ? tell(session, err) : FLOE_OK;
}

void floe_duckdb_uncount_live(floe_session *session, const floe_live_set *set) {
    floe_live_views *views = &session->engine->live;
    floe_error ignored = {0};
    (void)pthread_rwlock_wrlock(&views->lock);
    views->counted -= set->counted;
    bool changed = set->counted > 0 && views->memory_bytes > 0;
    (void)pthread_rwlock_unlock(&views->lock);
    if (changed && !session->streaming) { /* More memory is never refused. */
        (void)tell(session, &ignored);
    }
}
