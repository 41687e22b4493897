/* See auth_int.h. The last one to release a ring frees it, on whatever thread that is. */
#include "api/auth_int.h"

#include "api/problem_int.h"

#include "core/limits.h"
#include "core/mem.h"

#define KEY_ARENA_MAX FLOE_MIB(64)

typedef struct ring_key {
    uint8_t digest[FLOE_ACCESS_DIGEST_LEN];
    const floe_role *role; /* NULL: not in floe.yaml any more */
    bool used;             /* the place holds a key */
} ring_key;

struct floe_keyring {
    atomic_size_t references;
    size_t count;
    size_t capacity; /* a power of two, at least twice the count */
    ring_key *keys;  /* open addressing, by the digest's first bytes */
};

/* ---- the ring ---- */

static size_t place_of(const floe_keyring *ring, const uint8_t digest[FLOE_ACCESS_DIGEST_LEN]) {
    uint64_t first = 0;
    memcpy(&first, digest, sizeof(first));
    return (size_t)first & (ring->capacity - 1);
}

static void put_key(floe_keyring *ring, const floe_access_key *key, const floe_role *role) {
    size_t at = place_of(ring, key->digest);
    while (ring->keys[at].used) {
        at = (at + 1) & (ring->capacity - 1);
    }
    ring->keys[at] = (ring_key){.role = role, .used = true};
    memcpy(ring->keys[at].digest, key->digest, sizeof(key->digest));
    ring->count++;
}

static const floe_role *find_role(const floe_project *project, floe_str name) {
    for (size_t i = 0; i < project->role_count; i++) {
        if (floe_str_equal(project->roles[i].name, name)) {
            return &project->roles[i];
        }
    }
    return NULL;
}

static floe_status make_ring(const floe_project *project, const floe_access_key *keys, size_t count,
                             floe_keyring **ret_ring, floe_error *err) {
    FLOE_CLEANUP(floe_keyring_release) floe_keyring *ring = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*ring), &ring, err));
    atomic_init(&ring->references, 1);
    ring->capacity = 8;
    while (ring->capacity < 2 * count) {
        ring->capacity *= 2;
    }
    FLOE_TRY(floe_alloc(ring->capacity, sizeof(*ring->keys), &ring->keys, err));
    for (size_t i = 0; i < count; i++) {
        if (keys[i].revoked_us == 0) {
            put_key(ring, &keys[i], find_role(project, keys[i].role));
        }
    }
    *ret_ring = ring;
    ring = NULL;
    return FLOE_OK;
}

floe_status floe_keyring_follow(const floe_project *project, int64_t *known, floe_keyring **ret_ring, floe_error *err) {
    FLOE_CLEANUP(floe_registry_close) floe_registry *registry = NULL;
    FLOE_AUTO_ARENA arena;
    const floe_access_key *keys = NULL;
    size_t count = 0;
    int64_t version = 0;
    floe_arena_init(&arena, KEY_ARENA_MAX);
    if (project->role_count == 0) {
        return FLOE_OK;
    }
    /* The version first: a key that is made in between is read now, and again the next time. */
    FLOE_TRY(floe_registry_open(project->registry, false, &registry, err));
    FLOE_TRY(floe_registry_key_version(registry, &version, err));
    if (version == *known) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_registry_keys(registry, &arena, &keys, &count, err));
    FLOE_TRY(make_ring(project, keys, count, ret_ring, err));
    *known = version;
    return FLOE_OK;
}

floe_keyring *floe_keyring_hold(floe_keyring *ring) {
    if (ring != NULL) {
        (void)atomic_fetch_add_explicit(&ring->references, 1, memory_order_relaxed);
    }
    return ring;
}

void floe_keyring_release(floe_keyring **ring_pointer) {
    floe_keyring *ring = *ring_pointer;
    *ring_pointer = NULL;
    if (ring != NULL && atomic_fetch_sub_explicit(&ring->references, 1, memory_order_acq_rel) == 1) {
        floe_free(ring->keys);
        floe_free(ring);
    }
}

size_t floe_keyring_roles(const floe_keyring *ring, const floe_role **ret_roles, size_t max) {
    size_t count = 0;
    for (size_t i = 0; ring != NULL && i < ring->capacity && count < max; i++) {
        const floe_role *role = ring->keys[i].used ? ring->keys[i].role : NULL;
        size_t at = 0;
        while (at < count && ret_roles[at] != role) {
            at++;
        }
        if (role != NULL && at == count) {
            ret_roles[count++] = role;
        }
    }
    return count;
}

size_t floe_keyring_count(const floe_keyring *ring) {
    return ring == NULL ? 0 : ring->count;
}

/* ---- headers ---- */

/* The token of "Bearer TOKEN"; false when it is another scheme or there is none. */
static bool bearer_of(floe_str authorization, floe_str *ret_token) {
    floe_str scheme = {NULL, 0};
    floe_str rest = floe_str_trim(authorization);
    if (!floe_str_split(&rest, ' ', &scheme) || !floe_str_is_nocase(scheme, "bearer")) {
        return false;
    }
    *ret_token = floe_str_trim(rest);
    return ret_token->len > 0;
}

floe_auth floe_auth_key_of(floe_str authorization, floe_str api_key, floe_str *ret_key) {
    floe_str token = {NULL, 0};
    bool is_bearer = bearer_of(authorization, &token);
    api_key = floe_str_trim(api_key);
    if (api_key.len == 0 && authorization.ptr == NULL) {
        return FLOE_AUTH_MISSING;
    }
    if ((api_key.len == 0 && !is_bearer) || (api_key.len > 0 && is_bearer && !floe_str_equal(api_key, token))) {
        return FLOE_AUTH_MALFORMED;
    }
    *ret_key = is_bearer ? token : api_key;
    return FLOE_AUTH_ADMITTED;
}

/* ---- roles ---- */

static const ring_key *find_key(const floe_keyring *ring, const uint8_t digest[FLOE_ACCESS_DIGEST_LEN]) {
    for (size_t at = place_of(ring, digest); ring->keys[at].used; at = (at + 1) & (ring->capacity - 1)) {
        if (floe_access_digest_equal(ring->keys[at].digest, digest)) {
            return &ring->keys[at];
        }
    }
    return NULL;
}

floe_auth floe_auth_role_of(const floe_keyring *ring, floe_str key, const floe_role **ret_role) {
    uint8_t digest[FLOE_ACCESS_DIGEST_LEN];
    const ring_key *found = NULL;
    if (ring != NULL && floe_access_key_digest(key, digest)) {
        found = find_key(ring, digest);
    }
    if (found == NULL) {
        return FLOE_AUTH_UNKNOWN;
    }
    if (found->role == NULL) {
        return FLOE_AUTH_ROLELESS;
    }
    *ret_role = found->role;
    return FLOE_AUTH_ADMITTED;
}

/* ---- requests ---- */

static void refuse(floe_http_request *request, floe_auth why) {
    static const struct {
        int status;
        const char *challenge; /* WWW-Authenticate, RFC 6750 section 3 */
        const char *detail;
    } refusals[] = {
        [FLOE_AUTH_MISSING] = {401, "Bearer realm=\"floe\"",
                               "this needs an API key: send `Authorization: Bearer KEY` or `X-API-Key: KEY`; "
                               "`floe key create --role R` makes one"},
        [FLOE_AUTH_MALFORMED] =
            {401, "Bearer realm=\"floe\", error=\"invalid_request\"",
             "the header Authorization must be `Bearer KEY`, and X-API-Key, when it is sent too, the "
             "same key"},
        [FLOE_AUTH_UNKNOWN] =
            {401, "Bearer realm=\"floe\", error=\"invalid_token\"",
             "the API key is not known here, or it was revoked; `floe key create --role R` makes one"},
        [FLOE_AUTH_ROLELESS] =
            {403, NULL,
             "the role of this API key is not under `access:` in floe.yaml any more; make a key for a "
             "role that is, with `floe key create --role R`"},
    };
    if (refusals[why].challenge != NULL) {
        floe_http_answer_header(request, "WWW-Authenticate", refusals[why].challenge);
    }
    floe_problem_answer_as(request, refusals[why].status, FLOE_DENIED, refusals[why].detail);
}

bool floe_auth_admit(const floe_keyring *ring, floe_http_request *request) {
    floe_str key = {NULL, 0};
    floe_auth judged =
        floe_auth_key_of(request->headers[FLOE_HEADER_AUTHORIZATION], request->headers[FLOE_HEADER_X_API_KEY], &key);
    if (judged == FLOE_AUTH_ADMITTED) {
        judged = floe_auth_role_of(ring, key, &request->role);
    }
    if (judged != FLOE_AUTH_ADMITTED) {
        refuse(request, judged);
    }
    return judged == FLOE_AUTH_ADMITTED;
}
