/*
 * Private to registry: trees → model. One decoder reads the YAML of a project and the canonical JSON that the registry
 * keeps; the stored form differs only in that a source also carries the columns that resolve found.
 *
 * Nothing here fails on the spot: what is wrong becomes a finding, memory that is gone is the arena's sticky flag, and
 * whoever drives the decoder asks for both at the end. A definition that is wrong is kept as far as it goes when it has
 * a name, so that what refers to it is not wrong as well.
 */
#ifndef FLOE_REGISTRY_DECODE_INT_H
#define FLOE_REGISTRY_DECODE_INT_H

#include "core/map.h"
#include "core/tree.h"
#include "registry/findings_int.h"
#include "registry/model.h"

typedef struct floe_decoder {
    floe_arena *arena;
    floe_findings *findings;
    const char *file; /* of the tree at hand */
    bool stored;
} floe_decoder;

static inline floe_pos floe_decoder_at(const floe_decoder *decoder, int line) {
    return (floe_pos){decoder->file, line};
}
#define FLOE_FIND(decoder, line, code, ...)                                                                            \
    floe_findings_add((decoder)->findings, (code), floe_decoder_at((decoder), (line)), __VA_ARGS__)

/* `text` in the arena; never NULL. */
const char *floe_decoder_printf(const floe_decoder *decoder, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A member that is there and not null, or NULL. */
const floe_node *floe_decode_member(const floe_node *object, const char *key);

/* Whether the node is an object; every member that is not among the NULL-terminated `keys` is a finding. `what` names
 * the object in messages. */
bool floe_decode_object(const floe_decoder *decoder, const floe_node *node, const char *what, const char *const *keys);

/* Text of a node or of a member. A missing member leaves *ret_text and is fine for _opt, a finding for _need. Empty
 * text is a finding. They return whether *ret_text was set. */
bool floe_decode_text_node(const floe_decoder *decoder, const floe_node *node, const char *what, floe_str *ret_text);
bool floe_decode_opt_text(const floe_decoder *decoder, const floe_node *object, const char *key, const char *what,
                          floe_str *ret_text);
bool floe_decode_need_text(const floe_decoder *decoder, const floe_node *object, const char *key, const char *what,
                           floe_str *ret_text);
void floe_decode_opt_bool(const floe_decoder *decoder, const floe_node *object, const char *key, const char *what,
                          bool *ret_value);
/* A positive duration. */
void floe_decode_opt_duration(const floe_decoder *decoder, const floe_node *object, const char *key, const char *what,
                              int64_t *ret_us);
/* A member that is a list, or NULL when it is missing or (a finding) something else. */
const floe_node *floe_decode_opt_list(const floe_decoder *decoder, const floe_node *object, const char *key,
                                      const char *what);
int floe_decode_line(const floe_node *object, const char *key); /* of a member's value, else of the object */

/* name, description, owner, tags and the place. Returns what the thing is called in messages ("feature view x"), or
 * NULL (with a finding) when it has no usable name. */
const char *floe_decode_about(const floe_decoder *decoder, const floe_node *node, const char *kind,
                              floe_about *ret_about);

/* description, owner and tags alone. */
void floe_decode_notes(const floe_decoder *decoder, const floe_node *node, const char *what, floe_about *about);

typedef enum floe_object_kind {
    FLOE_OBJECT_ENTITY,
    FLOE_OBJECT_SOURCE,
    FLOE_OBJECT_VIEW,
    FLOE_OBJECT_REQUEST,
    FLOE_OBJECT_SERVICE,
    FLOE_OBJECT_STREAM,
    FLOE_OBJECT_KINDS
} floe_object_kind;

/* "entity", "source", "feature_view", "request_feature", "feature_service", "stream": the word in diffs and in the
 * registry. */
const char *floe_object_kind_name(floe_object_kind kind);

/* Definitions while they are read: entities and sources first, then views, then request
 * features, then services and streams. */
typedef struct floe_loading {
    floe_decoder decoder;
    floe_findings findings;
    const floe_project *project;       /* NULL: whatever catalog a table names is taken as known */
    floe_map names[FLOE_OBJECT_KINDS]; /* name → floe_pos of its definition */
    floe_map broken_views;             /* views with findings: references to their features are not judged */
    floe_map broken_requests;          /* request features with findings */
    floe_entity *entities;
    size_t entity_capacity;
    floe_source *sources;
    size_t source_capacity;
    floe_view *views;
    size_t view_capacity;
    floe_ptrs requests; /* floe_request_feature each */
    floe_service *services;
    size_t service_capacity;
    floe_stream_def *streams;
    size_t stream_capacity;
    floe_definitions definitions; /* counts and const views of the above */
} floe_loading;

void floe_loading_init(floe_loading *loading, floe_arena *arena, const floe_project *project, bool stored);
/* Decodes one object of a kind and appends it. */
void floe_loading_add(floe_loading *loading, floe_object_kind kind, const floe_node *node);
/* The result, or what was found. */
floe_status floe_loading_finish(floe_loading *loading, floe_definitions **ret_definitions, floe_error *err);

/* The kinds, for floe_loading_add. */
void floe_decode_entity(floe_loading *loading, const floe_node *node);
void floe_decode_source(floe_loading *loading, const floe_node *node);
void floe_decode_view(floe_loading *loading, const floe_node *node);
void floe_decode_request(floe_loading *loading, const floe_node *node);
void floe_decode_service(floe_loading *loading, const floe_node *node);
void floe_decode_stream(floe_loading *loading, const floe_node *node);
/* The source that a member `source:` names, or NULL with a finding. */
const floe_source *floe_decode_source_name(const floe_loading *loading, const floe_node *node, const char *what);
/* Features and aggregates of a view → its outputs. */
void floe_decode_outputs(floe_loading *loading, const floe_node *node, const char *what, floe_view *view);
/* Registers a name; a finding when the kind has it already. */
void floe_loading_name(floe_loading *loading, floe_object_kind kind, const floe_about *about);

/* Definitions from the text of one file; floe_definitions_load without the files. */
floe_status floe_definitions_parse(const floe_project *project, floe_str text, floe_arena *arena,
                                   floe_definitions **ret_definitions, floe_error *err);

/* The text of a floe.yaml; project->root is set already. */
floe_status floe_project_parse(floe_str text, floe_arena *arena, floe_project *project, floe_error *err);

/* The member `access:` of a floe.yaml. */
void floe_decode_access(const floe_decoder *decoder, const floe_node *root, floe_project *project);

/* The member `ask:` of a floe.yaml. */
void floe_decode_ask(const floe_decoder *decoder, const floe_node *root, floe_project *project);

/* ---- after decoding ---- */

/* Fills in what the tables say; `resolver` NULL: the columns that the sources carry already. */
struct floe_schema_resolver;
floe_status floe_resolve(floe_definitions *definitions, const struct floe_schema_resolver *resolver, floe_arena *arena,
                         floe_error *err);

/* The hash of what makes a view's stored values comparable. */
floe_status floe_view_fingerprint(floe_view *view, floe_error *err);

#endif
