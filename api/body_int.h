/*
 * The body of POST /v1/lookup, from JSON to what a lookup needs. Pure functions over bytes that anybody may send.
 */
#ifndef FLOE_API_BODY_INT_H
#define FLOE_API_BODY_INT_H

#include "core/arrow.h"
#include "core/tree.h"
#include "core/value.h"

typedef struct floe_lookup_body {
    floe_str service;         /* ptr NULL: features are named instead */
    const floe_str *features; /* as written */
    size_t feature_count;
    const floe_node *entities; /* an object of lists of one length */
    size_t entity_count;
    const floe_node *request; /* an object of lists of that length; NULL: none */
    bool statuses;
    bool event_times;
    int64_t as_of_us; /* 0: now */
    bool as_of_epoch; /* 0 is meant */
} floe_lookup_body;

/* The body as JSON, whose texts may hold NUL. */
floe_status floe_lookup_body_json(floe_str json, floe_arena *arena, const floe_node **ret_root, floe_error *err);
/* The same from JSON that is read already, as an argument of a tool. */
floe_status floe_lookup_body_read(const floe_node *root, floe_arena *arena, floe_lookup_body *ret_body,
                                  floe_error *err);
/* Both. Owns: everything lies in the arena and borrows from `json`. Errors: INVALID naming the member and what was
 * expected, LIMIT for too many entities. */
floe_status floe_lookup_body_parse(floe_str json, floe_arena *arena, floe_lookup_body *ret_body, floe_error *err);

/* The values of the entity keys, ret_keys[k][e], each of its declared type. Errors: INVALID naming a key that is
 * missing or not asked for (and the nearest), or the place of a value of another type. */
floe_status floe_lookup_body_keys(const floe_lookup_body *body, const floe_column *keys, size_t key_count,
                                  floe_arena *arena, const floe_value *const **ret_keys, floe_error *err);

/* The same of what request features need from the request, ret_values[i][e]. */
floe_status floe_lookup_body_request(const floe_lookup_body *body, const floe_column *inputs, size_t input_count,
                                     floe_arena *arena, const floe_value *const **ret_values, floe_error *err);

/* "; did you mean X?" for the candidate nearest to `word`, or "". In the arena. */
const char *floe_body_hint(floe_str word, const char *const *candidates, size_t count, floe_arena *arena);

#endif
