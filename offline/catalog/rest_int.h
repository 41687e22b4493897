/*
 * What the files of the REST catalog share.
 *
 * session.c speaks: addresses, tokens, answers that are JSON or an error of ours. change.c writes what a commit changes, as the
 * requirements and updates that the protocol wants. rest.c is the seam.
 */
#ifndef FLOE_OFFLINE_CATALOG_REST_INT_H
#define FLOE_OFFLINE_CATALOG_REST_INT_H

#include "core/http_client.h"
#include "core/json.h"
#include "core/tree.h"
#include "offline/catalog/rest.h"

typedef struct floe_rest {
    const floe_catalog_def *definition;
    floe_arena arena; /* of the session: settings and prefix */
    floe_http_client *http;
    bool configured;
    floe_str uri, prefix;     /* prefix: "" or "name/", encoded */
    floe_buf token;           /* empty: none */
    int64_t token_until_us;   /* monotonic; 0: as long as it is taken */
    floe_storage_def storage; /* what the server's configuration says of it, over the definition's */
} floe_rest;

floe_status floe_rest_open(floe_rest *rest, const floe_catalog_def *definition, const atomic_bool *cancelled,
                           floe_error *err);
void floe_rest_close(floe_rest *rest);

typedef struct floe_rest_call {
    const char *method;
    const char *path; /* behind /v1/ and the prefix: "namespaces/a/tables" */
    floe_str body;    /* JSON; empty: none */
    bool once;        /* never sent twice */
    bool delegate;    /* credentials for the table's files are welcome */
} floe_rest_call;

/* Asks and reads the answer; *ret_answer is NULL for an empty one. Rule: the first call gets the configuration; a token that has
 * run out is had anew, also once after 401. Errors: those of the answer, with the server's own message. */
floe_status floe_rest_ask(floe_rest *rest, const floe_rest_call *call, floe_arena *arena, const floe_node **ret_answer,
                          floe_error *err);

/* "a.b" → "a%1Fb", each part encoded. */
const char *floe_rest_namespace(floe_arena *arena, floe_str namespace_name);
const char *floe_rest_encode(floe_arena *arena, floe_str text);

/* The members `requirements` and `updates` of a commit that takes a table from the state `base` (NULL: it is made) to `next`:
 * what must hold, and each change. Errors: UNSUPPORTED for a change that the protocol has no word for. Source: Iceberg REST catalog API,
 * CommitTableRequest. */
floe_status floe_rest_change(const floe_node *base, const floe_node *next, floe_json_writer *out, floe_error *err);

/* Keys of a table's configuration → storage: s3.endpoint, s3.access-key-id and so on. Untouched where nothing is said. */
void floe_rest_storage(const floe_node *config, floe_storage_def *storage);

#endif
