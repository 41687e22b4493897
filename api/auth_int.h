/*
 * Who asks: API keys and the roles they carry.
 *
 * With roles under `access:` every request but those for health needs a key, as `Authorization: Bearer KEY` or as
 * `X-API-Key: KEY`. The valid keys are an immutable ring, counted like a snapshot, of which each reactor holds the newest; so a
 * request costs one SHA-256 and one look-up, no lock, no SQL and no heap. Digests are compared in constant time; the place in
 * the ring depends on the digest alone, which tells nothing about a key.
 */
#ifndef FLOE_API_AUTH_INT_H
#define FLOE_API_AUTH_INT_H

#include "api/http_int.h"
#include "registry/registry.h"

#include <stdatomic.h>

typedef struct floe_keyring floe_keyring;

/* Reads the valid keys, unless their version is *known, which it then sets; of a project without roles there is nothing to
 * read. The registry is opened anew each time. *ret_ring stays untouched when nothing changed. Errors: those of the registry.
 * Thread: any. */
floe_status floe_keyring_follow(const floe_project *project, int64_t *known, floe_keyring **ret_ring, floe_error *err);
/* Thread: any. NULL is no ring. */
floe_keyring *floe_keyring_hold(floe_keyring *ring);
void floe_keyring_release(floe_keyring **ring);
size_t floe_keyring_count(const floe_keyring *ring);
/* The roles that keys carry, each once, at most `max`; they are the project's. Returns how many. */
size_t floe_keyring_roles(const floe_keyring *ring, const floe_role **ret_roles, size_t max);

/* What a request's key says. */
typedef enum floe_auth {
    FLOE_AUTH_ADMITTED,
    FLOE_AUTH_MISSING,
    FLOE_AUTH_MALFORMED, /* no Bearer token, or two keys that differ */
    FLOE_AUTH_UNKNOWN,   /* or revoked */
    FLOE_AUTH_ROLELESS   /* the key's role is not in floe.yaml any more */
} floe_auth;

/* Finds the key in both headers: as Bearer it may be written in any case and with several spaces. Rule: another scheme than
 * Bearer counts as nothing when X-API-Key is there. *ret_key is borrowed. */
floe_auth floe_auth_key_of(floe_str authorization, floe_str api_key, floe_str *ret_key);
/* The role of a key. *ret_role is set when it is admitted. */
floe_auth floe_auth_role_of(const floe_keyring *ring, floe_str key, const floe_role **ret_role);

/* Sets request->role, or answers with 401 or 403 and returns false. */
bool floe_auth_admit(const floe_keyring *ring, floe_http_request *request);

#endif
