/*
 * What the files of the REST catalog share.
 *
 * rest_session.c speaks: addresses, tokens, answers that are JSON or an error of ours. rest_change.c writes what a commit changes, as
 * the requirements and updates that the protocol wants. rest_storage.c finds the store and the keys of a table's files. rest.c is the
 * seam.
 */
#ifndef FLOE_OFFLINE_CATALOG_REST_INT_H
#define FLOE_OFFLINE_CATALOG_REST_INT_H

#include "core/http_client.h"
#include "core/json.h"
#include "core/tree.h"
#include "offline/catalog/rest.h"
#include "offline/io/mirror.h"

typedef struct floe_rest {
    const floe_catalog_def *definition;
    floe_arena arena; /* of the session: settings and prefix */
    floe_http_client *http;
    bool configured;
    floe_str uri, prefix;     /* prefix: "" or "name/", encoded */
    floe_str separator;       /* of a namespace's levels in a path, encoded; empty: %1F */
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

/* Gets the server's configuration, once: paths are made by what it says. */
floe_status floe_rest_ready(floe_rest *rest, floe_error *err);

/* Asks and reads the answer; *ret_answer is NULL for an empty one. Rule: a token that has run out is had anew, also once after 401
 * and 419. Errors: those of the answer, with the server's own message. */
floe_status floe_rest_ask(floe_rest *rest, const floe_rest_call *call, floe_arena *arena, const floe_node **ret_answer,
                          floe_error *err);

/* "a.b" → "a%1Fb", or with what the server's configuration puts in between; each part encoded. Once the session is
 * configured. */
const char *floe_rest_namespace(const floe_rest *rest, floe_arena *arena, floe_str namespace_name);
const char *floe_rest_encode(floe_arena *arena, floe_str text);

/* The members `requirements` and `updates` of a commit that takes a table from the state `base` (NULL: it is made) to `next`:
 * what must hold, and each change. Errors: UNSUPPORTED for a change that the protocol has no word for. Source: Iceberg REST catalog API,
 * CommitTableRequest. */
floe_status floe_rest_change(const floe_node *base, const floe_node *next, floe_json_writer *out, floe_error *err);

/* Keys of a configuration → storage: s3.endpoint, s3.access-key-id and so on. Untouched where nothing is said. */
void floe_rest_storage(const floe_node *config, floe_storage_def *storage);
/* What an answer says of a table's store, over what was known. */
typedef struct floe_rest_place {
    floe_storage_def storage;
    bool vended;      /* it gives keys */
    int64_t until_us; /* when those run out, since 1970; 0: nobody said */
} floe_rest_place;
/* The same of an answer about a table at `location`: its config, and its storage-credentials over that.
 * Errors: CORRUPT; UNSUPPORTED where requests would have to be signed by the catalog. */
floe_status floe_rest_table_storage(const floe_node *answer, floe_str location, floe_rest_place *place,
                                    floe_error *err);

/* The stores that tables were found in, each opened once. */
typedef struct floe_rest_stores {
    floe_arena arena;
    floe_ptrs items;
    const atomic_bool *cancelled;
    floe_str ca_file; /* of certificates to trust, the catalog's own too; empty: the system's */
    floe_str realm;   /* under which copies of objects lie whose keys the catalog gives */
    /* Asks the catalog about a table again, which gives its mirror the next keys. Thread: any that moves objects. */
    floe_status (*reload)(void *catalog, floe_str namespace_name, floe_str table, floe_error *err);
    void *catalog;
} floe_rest_stores;

/* A table that was asked about. */
typedef struct floe_rest_table {
    floe_str namespace_name, table;
    const floe_node *answer;
    floe_str location;
} floe_rest_table;
floe_status floe_rest_stores_open(floe_rest_stores *stores, const floe_catalog_def *definition,
                                  const atomic_bool *cancelled, floe_error *err);
void floe_rest_stores_close(floe_rest_stores *stores);
/* The mirror of a table, by the answer about it over what is `known` of the catalog's store, with the newest keys. Owns: the stores. Errors: as floe_rest_table_storage; INVALID for an endpoint that is no address. */
floe_status floe_rest_store_of(floe_rest_stores *stores, const floe_storage_def *known, const floe_rest_table *table,
                               floe_mirror **ret_mirror, floe_error *err);

#endif
