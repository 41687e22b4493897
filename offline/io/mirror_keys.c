/*
 * The keys of a mirror, which may run out while it works.
 *
 * Phases: keys that are given (when it is opened, or by floe_mirror_rekey) → requests take them → a little before they run out, or
 * once the store has refused them, whoever gave them is asked for others, which come by floe_mirror_rekey.
 * Invariants: keys that differ from the last have another number. Who comes for others while somebody asks for them waits, and takes
 * what came. A source that gives the same keys again is asked no more than once by a request.
 * Locks: `renewing` while others are had, over that of the catalog; `lock` for the keys themselves, under both.
 */
#include "offline/io/mirror_int.h"

#include "core/limits.h"
#include "core/time.h"

#include <string.h>

#define MARGIN_US (5 * 60 * FLOE_US_PER_SECOND)
#define PAUSE_US (30 * FLOE_US_PER_SECOND) /* between two looks for keys before the last have run out */

static floe_status copy_keys(const floe_s3_keys *from, floe_arena *arena, floe_s3_keys *ret_keys, floe_error *err) {
    floe_s3_keys keys = {.access_key = floe_mirror_kept(arena, from->access_key),
                         .secret_key = floe_mirror_kept(arena, from->secret_key),
                         .session_token = floe_mirror_kept(arena, from->session_token),
                         .number = from->number};
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_keys = keys;
    return FLOE_OK;
}

static bool are_same(const floe_s3_keys *keys, const floe_s3_options *options) {
    return floe_str_equal(keys->access_key, options->access_key) &&
           floe_str_equal(keys->secret_key, options->secret_key) &&
           floe_str_equal(keys->session_token, options->session_token);
}

static floe_status set_keys(floe_mirror_ring *ring, const floe_s3_options *options, floe_error *err) {
    floe_s3_keys given = {options->access_key, options->secret_key, options->session_token, ring->now.number + 1};
    FLOE_AUTO_ARENA fresh = {0};
    floe_arena_init(&fresh, FLOE_MIRROR_KEYS_MAX);
    ring->until_us = options->keys_until_us;
    if (ring->now.number > 0 && are_same(&ring->now, options)) {
        return FLOE_OK;
    }
    FLOE_TRY(copy_keys(&given, &fresh, &given, err));
    floe_arena last = ring->arena;
    ring->arena = fresh;
    fresh = last; /* closed at the end */
    ring->now = given;
    return FLOE_OK;
}

floe_status floe_mirror_rekey(floe_mirror *mirror, const floe_s3_options *options, floe_error *err) {
    floe_mirror_ring *ring = mirror->ring;
    (void)pthread_mutex_lock(&ring->lock);
    floe_status status = set_keys(ring, options, err);
    (void)pthread_mutex_unlock(&ring->lock);
    return status;
}

/* ---- renewal ---- */

/* Whether others are to be had: the store refused those that still hold, or they are about to run out. */
static bool is_due(floe_mirror_ring *ring, uint64_t refused) {
    (void)pthread_mutex_lock(&ring->lock);
    bool ends = ring->until_us > 0 && floe_now_us() > ring->until_us - MARGIN_US;
    bool rested = ring->asked_us == 0 || floe_monotonic_us() > ring->asked_us + PAUSE_US;
    bool due = refused != 0 ? refused == ring->now.number : ends && rested;
    (void)pthread_mutex_unlock(&ring->lock);
    return due;
}

static floe_status renew(floe_mirror_ring *ring, uint64_t refused, floe_error *err) {
    floe_status status = FLOE_OK;
    (void)pthread_mutex_lock(&ring->renewing);
    if (is_due(ring, refused)) {
        (void)pthread_mutex_lock(&ring->lock);
        ring->asked_us = floe_monotonic_us();
        (void)pthread_mutex_unlock(&ring->lock);
        status = ring->renewal.renew(ring->renewal.context, err);
    }
    (void)pthread_mutex_unlock(&ring->renewing);
    return status;
}

static floe_status get_keys(void *context, uint64_t refused, floe_arena *arena, floe_s3_keys *ret_keys,
                            floe_error *err) {
    floe_mirror_ring *ring = context;
    if (ring->renewal.renew != NULL && is_due(ring, refused)) {
        floe_error failure = {0};
        floe_status status = renew(ring, refused, &failure);
        /* Keys that have not run out yet are as good as new ones. */
        FLOE_ENSURE(!floe_failed(status) || refused == 0, err, failure.code, "%s", failure.message);
    }
    (void)pthread_mutex_lock(&ring->lock);
    floe_status status = copy_keys(&ring->now, arena, ret_keys, err);
    (void)pthread_mutex_unlock(&ring->lock);
    return status;
}

floe_status floe_mirror_keys(const floe_mirror *mirror, uint64_t refused, floe_arena *arena, floe_s3_keys *ret_keys,
                             floe_error *err) {
    return get_keys(mirror->ring, refused, arena, ret_keys, err);
}

bool floe_mirror_is_renewed(const floe_mirror *mirror) {
    return mirror->ring->renewal.renew != NULL;
}

/* ---- open and close ---- */

floe_status floe_mirror_ring_open(floe_mirror *mirror, const floe_mirror_options *options, floe_error *err) {
    floe_mirror_ring *ring = floe_arena_alloc(&mirror->arena, 1, sizeof(*ring));
    FLOE_TRY(floe_arena_check(&mirror->arena, err));
    *ring = (floe_mirror_ring){.source = {get_keys, ring}, .renewal = options->renewal};
    floe_arena_init(&ring->arena, FLOE_MIRROR_KEYS_MAX);
    (void)pthread_mutex_init(&ring->lock, NULL);
    (void)pthread_mutex_init(&ring->renewing, NULL);
    mirror->ring = ring;
    return set_keys(ring, &options->s3, err);
}

void floe_mirror_ring_close(floe_mirror *mirror) {
    if (mirror->ring != NULL) {
        (void)pthread_mutex_destroy(&mirror->ring->renewing);
        (void)pthread_mutex_destroy(&mirror->ring->lock);
        floe_arena_close(&mirror->ring->arena);
        mirror->ring = NULL;
    }
}
