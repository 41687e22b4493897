/*
 * Units: what one row of the index holds. A unit is a table with its columns, a feature view with its features, or a
 * feature service; it is written and replaced as a whole, and is the source of several documents.
 *
 * The bytes of a unit are floe_unit_encode's and are read back by floe_unit_decode; they are a private format of this
 * version of the index, which is rebuilt when the format's number changes (FLOE_INDEX_FORMAT).
 */
#ifndef FLOE_VECTOR_UNIT_INT_H
#define FLOE_VECTOR_UNIT_INT_H

#include "vector/personal/personal.h"
#include "vector/vector.h"

/* Written to disk: never reuse a number. */
typedef enum floe_unit_kind { FLOE_UNIT_TABLE = 1, FLOE_UNIT_VIEW = 2, FLOE_UNIT_SERVICE = 3 } floe_unit_kind;

/* Who gave the unit, and so whose next message replaces it. Written to disk. */
typedef enum floe_unit_origin {
    FLOE_ORIGIN_CATALOG = 1,
    FLOE_ORIGIN_IMPORT = 2,
    FLOE_ORIGIN_DEFINITIONS = 3
} floe_unit_origin;

/* Changed whenever the tables or the bytes of an index file change their meaning. */
#define FLOE_INDEX_FORMAT 6
/* Most bytes of one unit, encoded or in memory. */
#define FLOE_UNIT_BYTES_MAX FLOE_MIB(64)

typedef struct floe_texts {
    const floe_str *items;
    size_t count;
} floe_texts;

/* A column of a table, or a feature of a view. */
typedef struct floe_part {
    floe_str name, type, description;
    floe_texts words;          /* a column's sample values; a feature's source column, function and window */
    floe_texts prose;          /* a feature's owner and tags, a column's tags */
    floe_personal personal;    /* of a column; then it has no sample values and no sketch */
    const floe_sketch *sketch; /* of a column; NULL: none */
    floe_texts probes;         /* of a column that is being marked; never written */
} floe_part;

typedef struct floe_unit {
    floe_unit_kind kind;
    floe_unit_origin origin;
    floe_str
        space; /* "catalog.namespace" or the imported database; a view's: that of its source's table; a service's: "" */
    floe_str name, description;
    floe_str version;   /* of a catalog table: its metadata location. Not part of the hash. */
    floe_texts related; /* names: a view's entity, keys, source and table; a service's references */
    floe_texts prose;   /* owners, tags and the descriptions of entity and source */
    /* Of a view: how many texts of related and of prose tell nothing of its source and table, and come before those that do.
     * The table's full name is the last of related. */
    size_t related_open, prose_open;
    floe_texts spaces; /* of a service: the namespaces of its views, each once */
    floe_texts views;  /* of a service: the views it takes features from, its request features' too, each once */
    const floe_part *parts;
    size_t part_count;
    floe_texts primary_key;
    const floe_foreign_key *foreign_keys;
    size_t foreign_key_count;
} floe_unit;

/* Appends everything but origin, kind, space, name and version, which the row keeps in columns of their own. */
void floe_unit_encode(const floe_unit *unit, floe_buf *out);

/* Fills what floe_unit_encode wrote. Owns: texts are borrowed from `body`, lists lie in the arena. Errors: CORRUPT;
 * LIMIT or NOMEM of the arena. */
floe_status floe_unit_decode(floe_str body, floe_arena *arena, floe_unit *unit, floe_error *err);

/* XXH64 over kind, origin, space, name and body: tells a changed unit from an unchanged one, and a damaged row. */
uint64_t floe_unit_hash(const floe_unit *unit, floe_str body);

/* The name of a view's source's table, which lies in unit->space; false where it is hidden, or of another kind of unit. */
bool floe_unit_view_table(const floe_unit *unit, floe_str *ret_table);

/* ---- from what is indexed to units (document.c) ---- */

/* Owns: lists lie in the arena, texts are borrowed from the table. */
void floe_unit_of_table(const floe_catalog_table *table, floe_unit_origin origin, floe_arena *arena,
                        floe_unit *ret_unit);
void floe_unit_of_view(const floe_view *view, floe_arena *arena, floe_unit *ret_unit);
/* As a service of one feature. */
void floe_unit_of_request(const floe_request_feature *request, floe_arena *arena, floe_unit *ret_unit);
void floe_unit_of_service(const floe_service *service, floe_arena *arena, floe_unit *ret_unit);

/* ---- personal data (mark.c) ---- */

/* Sets the verdict on each column of a table's unit, and takes the values of personal ones away. Rule: a tag of a feature made
 * of the column, or of a source of the table, counts as the column's; a verdict that is there already stands. Owns: the new
 * parts lie in the arena, which the caller checks. `definitions` may be NULL. */
void floe_unit_mark(const floe_definitions *definitions, floe_arena *arena, floe_unit *unit);
/* Whether a tag of the source, or of a feature of one of its views, makes columns of its table personal. */
bool floe_source_is_marked(const floe_definitions *definitions, const floe_source *source);

/* ---- documents ---- */

/* One thing that can be found, as text: the input of an embedder and the grain of what changed. */
typedef struct floe_document {
    floe_hit_kind kind; /* TABLE, COLUMN or FEATURE (features, views, services) */
    size_t part;        /* index in unit->parts, or SIZE_MAX for the unit itself */
    floe_str text;      /* "namespace, table: column, column. description …" */
    uint64_t hash;      /* XXH64 of the text, seeded by the kind */
} floe_document;

/* The unit's documents, the unit's own first, then one per part. Owns: they lie in the arena. */
floe_status floe_unit_documents(const floe_unit *unit, floe_arena *arena, const floe_document **ret_documents,
                                size_t *ret_count, floe_error *err);

/* ---- import (import.c) ---- */

typedef struct floe_import_sink {
    floe_status (*unit)(void *context, const floe_unit *unit, floe_error *err); /* borrowed during the call */
    void *context;
} floe_import_sink;

/* Reads JSON Lines; `file` is only for messages. Every line is read even after a bad one, but after it nothing more goes
 * to the sink. Blank lines are skipped. Errors: INVALID, the first ten bad lines as "file:line: what", then how many more;
 * whatever the sink answers. */
floe_status floe_import_read(floe_str text, const char *file, const floe_import_sink *sink, floe_error *err);

#endif
