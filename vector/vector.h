/*
 * vector: search over tables, columns and features in plain language.
 *
 * Catalog and definitions → documents (table, column, feature view, feature, service), each with a content hash → an
 * index published as one immutable generation → query → ranked hits, each with why it matched. Search is *lexical* (BM25
 * over split, stemmed identifiers and descriptions, table and column evidence fused), or with an embedder *hybrid*: vectors
 * of documents and of the catalog's words add what is near in meaning. Every answer says which of the two it is.
 * Thread: a published index is immutable; floe_search_open gives a handle for one thread at a time.
 */
#ifndef FLOE_VECTOR_VECTOR_H
#define FLOE_VECTOR_VECTOR_H

#include "core/arena.h"
#include "core/buf.h"
#include "registry/registry.h"
#include "vector/context/context.h"
#include "vector/embed/embed.h"
#include "vector/sketch.h"

/* ---- what is indexed ---- */

typedef struct floe_catalog_column {
    floe_str name, type, description;
    const floe_str *samples;
    size_t sample_count;
    const floe_str *probes; /* values that only the detector of personal data sees: nothing of them is kept */
    size_t probe_count;
    const floe_sketch *sketch; /* what keys are inferred from; NULL: the column was not looked at */
} floe_catalog_column;

typedef struct floe_foreign_key {
    const floe_str *columns;
    size_t column_count;
    floe_str table; /* of the same database */
    const floe_str *references;
    size_t reference_count;
} floe_foreign_key;

/* One table of a catalog or of an imported schema. Names are opaque UTF-8. */
typedef struct floe_catalog_table {
    floe_str database; /* "catalog.namespace", or the imported database */
    floe_str name;
    floe_str description;
    const floe_catalog_column *columns;
    size_t column_count;
    const floe_str *primary_key;
    size_t primary_key_count;
    const floe_foreign_key *foreign_keys;
    size_t foreign_key_count;
    floe_str version; /* metadata location: unchanged means the table needs no new reading */
} floe_catalog_table;

/* Crawl seam, wired by cli to offline: calls `table` for each table. `known` tells the version indexed before (empty:
 * none), so that the crawl may skip reading it (then table->columns is NULL and the old documents are kept). */
typedef struct floe_catalog_reader {
    floe_status (*tables)(void *context,
                          floe_status (*table)(void *sink, const floe_catalog_table *table, floe_error *err),
                          floe_str (*known)(void *sink, floe_str database, floe_str name), void *sink, floe_error *err);
    void *context;
} floe_catalog_reader;

typedef struct floe_index_request {
    const char *folder;                  /* the project's .floe/search; made when missing */
    const floe_catalog_reader *catalog;  /* NULL: keep what is there */
    const floe_definitions *definitions; /* NULL: none applied */
    const char *const *imports;          /* JSON Lines files; each database in them replaces its earlier tables */
    size_t import_count;
    const char *const *forget; /* imported databases whose tables are taken out */
    size_t forget_count;
    floe_embedder *embedder;   /* NULL or of kind none: an index without vectors */
    const char *abbreviations; /* a file of lines "SHORT LONG WORDS", which come before floe's own list; NULL: none */
} floe_index_request;
typedef struct floe_index_result {
    int64_t tables, columns, features; /* in the new index; features are those of views, without views and services */
    int64_t documents_changed;         /* new, or of another text than before */
    int64_t documents_unchanged;
    int64_t documents_removed; /* of tables, views and services that are gone */
    int64_t duplicates;        /* import lines that gave a table again: the last one counts */
    bool
        rebuilt; /* the earlier index was damaged or of another format: databases imported into it must be imported again */
    int64_t documents_embedded; /* distinct texts of documents of which there was no vector of this model */
    int64_t words_embedded;     /* the same of words and names */
    int64_t elapsed_us;
} floe_index_result;

/* Builds the next generation beside the live one and publishes it by rename; killed anywhere, the old one stays. Rule: a text
 * is embedded only when there is no vector of it by this model; another model embeds everything, and the old index answers
 * until that is done. Errors: INVALID with file and line of a bad import line, or a database both imported and forgotten; CONFLICT for an
 * imported database that is named as a catalog or namespace of the crawl;
 * NOT_FOUND naming the nearest when a forgotten one was never imported; those of the embedder. */
floe_status floe_index_build(const floe_index_request *request, floe_index_result *ret_result, floe_error *err);

/* ---- the embedder of a project ---- */

/* Opens what the `search:` of a project asks for. `thread_count` as in floe_embedder_options. Errors: as floe_embedder_open;
 * NOT_FOUND names what to run when the model's files are missing. Owns: the caller, until floe_embedder_close. */
floe_status floe_search_embedder_open(const floe_project *project, size_t thread_count, floe_embedder **ret_embedder,
                                      floe_error *err);

/* ---- search ---- */

typedef struct floe_search floe_search;
/* Opens the newest published index. `embedder` is borrowed until the close, and may serve many handles at once; NULL or of
 * kind none: lexical search. Errors: NOT_FOUND ("run floe index"), CORRUPT, CONFLICT when the index has no vectors or those of
 * another model. */
floe_status floe_search_open(const char *folder, floe_embedder *embedder, floe_search **ret_search, floe_error *err);
void floe_search_close(floe_search **search);
/* Whether a newer index was published since it was opened. */
bool floe_search_is_stale(const floe_search *search);
/* Whether a role's first question would make what the role sees, and what is made would have room beside that of other roles. */
bool floe_search_wants(const floe_search *search, const floe_role *role);
/* Makes it, where it is wanted, so that the first question needs not. Errors: NOMEM, LIMIT, those of the embedder. Cost: as loading that
 * much of an index. */
floe_status floe_search_prepare(floe_search *search, const floe_role *role, floe_error *err);

typedef enum floe_hit_kind { FLOE_HIT_ANY, FLOE_HIT_TABLE, FLOE_HIT_COLUMN, FLOE_HIT_FEATURE } floe_hit_kind;

/* What a ranking of tables is made of, so that a benchmark can tell what each part is worth. */
typedef enum floe_rank_stage {
    FLOE_STAGE_ALL,     /* everything: what people get */
    FLOE_STAGE_LEXICAL, /* one signal alone, without the greedy pass and coherence */
    FLOE_STAGE_DENSE,
    FLOE_STAGE_SOFT,
    FLOE_STAGE_FUSED,    /* the three together */
    FLOE_STAGE_COVERAGE, /* and coverage */
    FLOE_STAGE_JOINS     /* and joins; with coherence it is everything */
} floe_rank_stage;

typedef struct floe_query {
    floe_str text;
    size_t k; /* 1…FLOE_LIMIT_SEARCH_HITS */
    floe_hit_kind kind;
    floe_str in; /* namespace, database, or a leading part of one up to a dot ("lake"); "" = everywhere */
    floe_rank_stage stage;
    const floe_role *role; /* what the asker may see; NULL: everything. The answer is that of an index of only this */
    const floe_verified *verified; /* questions whose tables count as found; NULL: none */
} floe_query;

/* One reason of a hit. */
typedef struct floe_reason {
    floe_str signal; /* "exact name", "names", "columns", "table", "description", "column description", "values",
                        "meaning", "column meaning", "similar words", "similar names", "similar spelling", "namespace", "coverage",
                        "join", "inferred join", "verified question", "features" */
    double score;    /* its share of the hit's score: the shares sum to it but for a billionth */
    floe_str
        words; /* the words of the question that matched, comma-separated; of "namespace" its name, of "join" and "inferred join" the
                        table that a foreign key links, of "exact name" the name, of "similar words" and "similar names" each
                        word and what it is like: "planes ~ aircraft"; of "similar spelling" each word that nothing has, or
                        that is short for another, and what it most likely means: "custmer ~ customer" */
} floe_reason;

typedef struct floe_hit {
    floe_hit_kind kind;
    floe_str database, table; /* of tables and columns */
    floe_str column;          /* of columns */
    floe_str feature;         /* of features: "view:feature", or a view's or service's name */
    floe_str description;
    double score; /* comparable within one answer only; the best is ≤ 1 */
    const floe_reason *reasons;
    size_t reason_count;
} floe_hit;

typedef struct floe_answer {
    floe_str mode; /* "lexical" or "hybrid" */
    const floe_hit *hits;
    size_t hit_count;
} floe_answer;

/* Ranks what matches. Rule: kind and `in` are applied before the answer is cut, so k hits come when k exist; statistics are
 * those of what `in` names, so the answer is that of an index which never held the rest. An exact name (of a table, column,
 * feature, view or service, alone or qualified, in any spelling of case and separators) comes first. With FLOE_HIT_ANY the
 * kinds share one scale: each begins at the share of the question that its best hit matches, and further hits of one
 * table or view step back. Owns: the answer lies in the arena and borrows names from the handle. Errors: INVALID (empty
 * question, k of 0), NOT_FOUND (unknown `in`), LIMIT. No match is an empty answer. Cost: the postings of the question's words. */
/* With vectors, what is near in meaning matches too, and the errors of the embedder are errors of the query. */
floe_status floe_search_query(floe_search *search, const floe_query *query, floe_arena *arena, floe_answer *ret_answer,
                              floe_error *err);

/* Many questions at once: a JSON Lines file of {"id","question"} (the id any plain value), one answer line each, in order:
 * {"id","hits":[{"kind","database","table","column"?,"feature"?,"score"}]}. */
typedef struct floe_batch {
    const char *path;
    floe_query query; /* k, kind and in, of every question; its text is not looked at */
    floe_status (*line)(void *context, floe_str line, floe_error *err); /* one answer, newline included; borrowed */
    void *context;
} floe_batch;

/* Every line of the file is checked before the first is answered. Errors: INVALID, the first ten bad lines as
 * "file:line: what", then how many more; what the sink answers; as floe_search_query. */
floe_status floe_search_batch(floe_search *search, const floe_batch *batch, int64_t *ret_questions, floe_error *err);

/* An answer as JSON: {"mode","hits":[{"kind","database","table","column"?,"description","score","why":[{"signal","score",
 * "words"}]}]}; a feature has "feature" instead of the places of tables and columns. */
void floe_answer_print_json(const floe_answer *answer, floe_buf *out);

const char *floe_hit_kind_name(floe_hit_kind kind);
/* "table", "column", "feature". Errors: INVALID. */
floe_status floe_hit_kind_parse(floe_str text, floe_hit_kind *ret_kind, floe_error *err);

#endif
