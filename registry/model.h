/*
 * The domain model: what floe.yaml and features/NAME.yaml say, parsed, checked and resolved. Everything lies in one arena
 * and is immutable once loaded, so any thread may read it.
 */
#ifndef FLOE_REGISTRY_MODEL_H
#define FLOE_REGISTRY_MODEL_H

#include "core/arena.h"
#include "core/arrow.h"
#include "core/value.h"
#include "registry/expr/expr.h"

#include <stdint.h>

/* Where a definition stands, for messages. */
typedef struct floe_pos {
    const char *file; /* relative to the project folder */
    int line;
} floe_pos;

/* What every definition may carry; all of it is searched and shown. */
typedef struct floe_about {
    floe_str name;
    floe_str description;
    floe_str owner;
    const floe_str *tags;
    size_t tag_count;
    floe_pos pos;
} floe_about;

typedef struct floe_entity {
    floe_about about;
    const floe_column *keys; /* in the order of the definition */
    size_t key_count;
} floe_entity;

typedef struct floe_source {
    floe_about about;
    floe_str table;      /* catalog.namespace.table */
    floe_str event_time; /* column names; empty: none */
    floe_str created_time;
    floe_str end_time;
    int64_t max_future_us; /* a pushed or streamed row dated further ahead is refused */
    /* Set by resolve: the table's columns and the types of the time columns. */
    const floe_column *columns; /* kind NONE: the table has it, floe has no type for it */
    size_t column_count;
    /* Lines of the definition, for messages; 0 when it came from the registry. */
    int table_line, event_line, created_line, end_line;
} floe_source;

typedef enum floe_function {
    FLOE_FN_NONE = 0, /* an as-of feature */
    FLOE_FN_COUNT,
    FLOE_FN_SUM,
    FLOE_FN_MEAN,
    FLOE_FN_MIN,
    FLOE_FN_MAX,
    FLOE_FN_STDDEV,
    FLOE_FN_COUNT_DISTINCT,
    FLOE_FN_STDDEV_POP,
    FLOE_FN_VARIANCE,
    FLOE_FN_VARIANCE_POP,
    FLOE_FN_FIRST, /* in the order that picks the as-of winner, nulls left out */
    FLOE_FN_LAST,
    FLOE_FN_FIRST_K, /* lists: oldest first, newest first */
    FLOE_FN_LAST_K,
    FLOE_FN_APPROX_COUNT_DISTINCT, /* proto/sketch.h */
    FLOE_FN_PERCENTILE,            /* linear between closest ranks */
    FLOE_FN_TOP_K,                 /* the most frequent values, ties by the smaller one */
    FLOE_FN_END                    /* no function: their number */
} floe_function;                   /* The numbers go into fingerprints: new ones are added at the end. */

/* Most values that first_k, last_k and top_k may ask for. */
#define FLOE_FUNCTION_K_MAX 1000

/* One output column of a view: an as-of feature or one aggregate over one window. */
typedef struct floe_output {
    floe_about about;       /* name: as asked for; description of the feature */
    floe_function function; /* NONE: as-of */
    uint32_t k;             /* of first_k, last_k, top_k; else 0 */
    double quantile;        /* of percentile: 0…1 */
    floe_str quantile_text; /* as a shortest plain decimal: 0.95 */
    floe_str column;        /* source column; "*" for count of rows */
    int64_t window_us;      /* 0: over all time */
    floe_str window_text;   /* as written; empty for all time */
    floe_type column_type;  /* set by resolve; NONE for "*" */
    floe_type type;         /* set by resolve: result type */
    uint64_t meaning;       /* set by resolve: over what its values are computed from, but its name */
    const struct floe_request_feature *request; /* the output is that of a request feature; NULL: of a view */
} floe_output;

typedef struct floe_view {
    floe_about about;
    const floe_entity *entity;
    const floe_source *source;
    const floe_str *key_columns; /* source column of each entity key */
    floe_str where_text;         /* empty: none */
    floe_expr *where;            /* bound to source->columns by resolve; NULL: none */
    int64_t ttl_us;              /* 0: none. Bounds as-of features only. */
    bool at_before;              /* event_ts < t instead of <= t */
    bool online;
    const floe_output *outputs; /* definition order: features, then aggregates by column, function, window */
    size_t output_count;
    uint64_t fingerprint; /* over what makes stored values comparable: source table and times, keys, where, at, outputs;
                             not descriptions, ttl, owner, tags, online */
    uint64_t meaning; /* the same without outputs: whose rows the values are of; 0 only where nothing was resolved */
    int where_line, keys_line; /* for messages; 0 when it came from the registry */
} floe_view;

/* One column asked for: view and output; of a request feature no view, and output->request is set. */
typedef struct floe_ref {
    const floe_view *view;
    const floe_output *output;
} floe_ref;

/* What a request feature is computed from: what the request brings, or a feature of a view. */
typedef struct floe_request_input {
    floe_str name;
    floe_type type;        /* of a feature: set by resolve */
    floe_str feature_text; /* "view:feature"; empty: the request brings it */
    floe_ref feature;
} floe_request_input;

/* A feature that is computed when it is asked for, by an expression over its inputs. */
typedef struct floe_request_feature {
    floe_about about;
    const floe_request_input *inputs;
    size_t input_count;
    floe_str expression_text;
    floe_expr *expression; /* bound to the inputs, in their order, by resolve */
    floe_output output;    /* its name, type and the way back */
    int expression_line;   /* for messages; 0 when it came from the registry */
} floe_request_feature;

typedef struct floe_service {
    floe_about about;
    const floe_ref *refs; /* bare view names expanded, in order */
    size_t ref_count;
} floe_service;

typedef struct floe_stream_def {
    floe_about about;
    const floe_source *source;
    floe_str brokers, topic, group;
    floe_str format; /* "json" */
    int64_t allowed_lateness_us;
    floe_str dead_letter; /* topic; empty: none */
} floe_stream_def;

typedef struct floe_definitions {
    const floe_entity *entities;
    size_t entity_count;
    const floe_source *sources;
    size_t source_count;
    const floe_view *views;
    size_t view_count;
    const floe_request_feature *requests;
    size_t request_count;
    const floe_service *services;
    size_t service_count;
    const floe_stream_def *streams;
    size_t stream_count;
    int64_t version; /* of the registry; 0: not applied */
} floe_definitions;

/* An S3 store, or one that speaks like it. The secrets are in no message. */
typedef struct floe_storage_def {
    bool given;
    floe_str endpoint; /* empty: Amazon's */
    floe_str region;   /* empty: us-east-1 */
    bool path_style;
    floe_str access_key, secret_key, session_token;
} floe_storage_def;

typedef struct floe_catalog_def {
    floe_str name;
    floe_str type; /* "directory", "rest" */
    floe_str
        warehouse; /* of a directory: absolute after load, or "s3://bucket/prefix"; of rest: what its server calls it */
    floe_storage_def storage;
    floe_str uri;                      /* of rest, and what follows */
    floe_str credential;               /* "id:secret", or the secret alone */
    floe_str token, oauth2_uri, scope; /* empty: none, the catalog's own, "catalog" */
    floe_str ca;                       /* PEM file, absolute; empty: the system's */
    floe_str moved_from, moved_to;     /* empty: not moved */
    floe_pos pos;
} floe_catalog_def;

typedef enum floe_store_kind { FLOE_STORE_EMBEDDED, FLOE_STORE_REDIS } floe_store_kind;

typedef struct floe_online_def {
    floe_store_kind kind;
    floe_str path; /* embedded: absolute folder */
    floe_str url;  /* redis://[user:password@]host:port/db */
    floe_pos pos;
} floe_online_def;

/* `ask:` of floe.yaml: an OpenAI-compatible endpoint. The key may be empty, and is in no message. */
typedef struct floe_ask_def {
    floe_str url, model, api_key;
    floe_pos pos;
} floe_ask_def;

/* floe.yaml. */
typedef struct floe_project {
    floe_str name;
    const char *root;     /* absolute folder */
    const char *registry; /* absolute path */
    const floe_catalog_def *catalogs;
    size_t catalog_count;
    floe_online_def online;
    floe_str embedder;      /* "local", "http" or "none" */
    floe_str abbreviations; /* a file of what names are short for, relative to the project; empty: none */
    bool embedder_given;
    floe_str embedder_url, embedder_model, embedder_key; /* of http; the key may be empty, and is in no message */
    floe_str listen_host;
    uint16_t listen_port;
    const floe_ask_def *ask;       /* NULL: not said */
    bool access_open;              /* `access: open` was written */
    const struct floe_role *roles; /* of `access:`, as registry/access.h has them; none: access is open or not said */
    size_t role_count;
} floe_project;

/* Names of definitions are [A-Za-z_][A-Za-z0-9_]* of at most FLOE_LIMIT_NAME_BYTES bytes. A view's name also holds no `__`
 * and ends in no `_`, so that the first `__` of a column `view__feature` is the seam, whatever the feature is called. */

/* Lookups by name; NULL when there is none. Cost: linear. */
const floe_entity *floe_definitions_entity(const floe_definitions *definitions, floe_str name);
const floe_source *floe_definitions_source(const floe_definitions *definitions, floe_str name);
const floe_view *floe_definitions_view(const floe_definitions *definitions, floe_str name);
const floe_request_feature *floe_definitions_request(const floe_definitions *definitions, floe_str name);
const floe_service *floe_definitions_service(const floe_definitions *definitions, floe_str name);
const floe_stream_def *floe_definitions_stream(const floe_definitions *definitions, floe_str name);
const floe_output *floe_view_output(const floe_view *view, floe_str name);

/* Texts of "view:feature", a view's bare name (all of it) or that of a request feature, or a comma-separated list of them →
 * the columns asked for, in order, duplicates kept. Owns: the list lies in the arena; it points into the definitions. Errors: NOT_FOUND naming
 * the reference and the nearest known one; INVALID for an empty one. */
floe_status floe_refs_parse(const floe_definitions *definitions, floe_arena *arena, const floe_str *texts,
                            size_t text_count, floe_ref **ret_refs, size_t *ret_count, floe_error *err);

/* "view:feature" or, with the seam "__", "view__feature"; of a request feature its bare name. */
#define FLOE_REF_NAME_MAX 300
const char *floe_ref_name(const floe_ref *ref, const char *seam, char buf[FLOE_REF_NAME_MAX]);

/* Whether each has a column of its own in a training set: names that differ only in case would be one to the engine and to most
 * readers of its files. Errors: INVALID naming both references, also where one is there twice. Owns: scratch in the arena. */
floe_status floe_refs_columns_check(floe_arena *arena, const floe_ref *refs, size_t ref_count, floe_error *err);

/* The view columns that the asked ones need: those of views among them, in order, then the inputs of request features that
 * are not among them yet. Owns: the arena. */
floe_status floe_refs_of_views(floe_arena *arena, const floe_ref *refs, size_t ref_count, floe_ref **ret_refs,
                               size_t *ret_count, floe_error *err);

/* What the request must bring for the asked request features, each name once, in order of first use. Errors: INVALID when two
 * of them give one name different types. */
floe_status floe_refs_request_inputs(floe_arena *arena, const floe_ref *refs, size_t ref_count,
                                     const floe_column **ret_inputs, size_t *ret_count, floe_error *err);

/* The value of a request feature, of its declared type, from its inputs' values in their order. Owns: text may lie in
 * `scratch`, whose flag says whether it was full. */
floe_value floe_request_value(const floe_request_feature *request, const floe_value *inputs, floe_arena *scratch);

const char *floe_function_name(floe_function function);
/* Of nothing it is 0 and not null: count, count_distinct, approx_count_distinct. */
bool floe_function_counts(floe_function function);
/* The type of its result over a column of this type, which may be NONE for `*`. */
floe_type floe_function_type(floe_function function, floe_type column);
/* Its result is a list: first_k, last_k, top_k. */
bool floe_function_lists(floe_function function);

#endif
