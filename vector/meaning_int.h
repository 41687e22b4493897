/*
 * Meaning: the vectors of an index and what a question makes of them.
 *
 * Two signals come from vectors. The *dense* one compares the question with each document (table, column, feature). The
 * *soft lexical* one compares each word of the question with each word and each whole name of the catalog, and then counts
 * as BM25 does, with a near word in the place of an equal one.
 *
 * Every distinct text has one vector, whose id is a hash of the text; slots are the places of the ids in a view of the vectors.
 * Links lead from slots to the tables, columns and features that have the text. The vectors of a model lie in a store of their
 * own beside the generations (ann.h), which holds those that the live generation needs and perhaps more; the generation names
 * the model's fingerprint.
 */
#ifndef FLOE_VECTOR_MEANING_INT_H
#define FLOE_VECTOR_MEANING_INT_H

#include "vector/ann/ann.h"
#include "vector/helper_int.h"
#include "vector/rank/rank_int.h"

/* ---- what is embedded (wording.c) ---- */

typedef enum floe_link_id {
    FLOE_LINK_TABLE,        /* documents: a table's names and description */
    FLOE_LINK_COLUMN,       /* table, column, description */
    FLOE_LINK_FEATURE,      /* features, views and services */
    FLOE_LINK_TABLE_WORD,   /* vocabulary: words of the names of a table, its namespace and its columns */
    FLOE_LINK_TABLE_PHRASE, /* the whole name of a table or of one of its columns */
    FLOE_LINK_COLUMN_WORD,
    FLOE_LINK_FEATURE_WORD,
    FLOE_LINK_COUNT
} floe_link_id;
#define FLOE_LINK_DOCUMENTS 3 /* the first ones are documents, the others vocabulary */

typedef struct floe_wording_sink {
    /* One text of a unit; `part` as in floe_document. The text is borrowed during the call and may come repeatedly. */
    floe_status (*text)(void *context, floe_link_id link, size_t part, floe_str text, floe_error *err);
    void *context;
} floe_wording_sink;

/* Rule: names are split into their words first, so that a model reads "flight delay" in flightDelay; names come before
 * descriptions, because a model reads only so much. Words of names are read as what they stand for (spell_int.h). */
floe_status floe_wording_each(const floe_unit *unit, floe_speller *speller, const floe_wording_sink *sink,
                              floe_error *err);
uint64_t floe_wording_id(floe_str text);

/* ---- building (vectors.c) ---- */

/* Of the folder of a model's vectors; behind it comes a hash of the model's fingerprint. */
#define FLOE_VECTORS_PREFIX "vectors-"
const char *floe_vectors_folder(floe_arena *arena, const char *folder, floe_str fingerprint);

/* Zero but for the embedder; closed by floe_vectors_close. */
typedef struct floe_vectors_job {
    floe_embedder *embedder;
    int64_t documents_embedded, words_embedded; /* set */
    floe_ann_store *store;
    uint64_t *stale; /* ids that the new generation does not need */
    size_t stale_count;
} floe_vectors_job;

/* Before the generation is published: embeds the texts of all units of which the model's store in the index's folder has no
 * vector, and commits them. Errors: those of the embedder and of writing. */
floe_status floe_vectors_build(floe_docstore *docs, const char *folder, floe_vectors_job *job, floe_error *err);
/* After that: removes the vectors that it does not need. What this leaves undone, the next build does. */
floe_status floe_vectors_tidy(floe_vectors_job *job, floe_error *err);
void floe_vectors_close(floe_vectors_job *job);

/* ---- loaded (meaning.c) ---- */

typedef struct floe_links {
    uint32_t *first;   /* by slot, and one more */
    uint32_t *entries; /* of a slot: ascending, each once */
} floe_links;

/* A word or name of the catalog near to a word of the question. */
typedef struct floe_near {
    uint32_t slot;
    float closeness; /* 0…1: 1 is equal */
} floe_near;

/* A word of the question. */
typedef struct floe_asked_word {
    floe_str word;
    const floe_near *near; /* the nearest first */
    size_t near_count;
} floe_asked_word;

#define FLOE_ASKED_WORDS_MAX 32

/* A question as vectors see it; borrowed from the cache until the next question. */
typedef struct floe_asked {
    const float *vector;
    floe_asked_word words[FLOE_ASKED_WORDS_MAX];
    size_t word_count;
} floe_asked;

typedef struct floe_recall floe_recall;

typedef struct floe_meaning {
    const floe_ann_view *view; /* of a role's corpus with further texts behind the whole one's */
    bool is_part;              /* of a role's corpus */
    uint64_t *visible;         /* slots of texts that the corpus has */
    floe_embedder *embedder;   /* borrowed */
    const floe_corpus *corpus;
    size_t slot_count;
    floe_links links[FLOE_LINK_COUNT];
    floe_str *words;                          /* by slot: of vocabulary, the text */
    uint32_t *stems;                          /* by slot: of a single word, its stem's number */
    uint64_t *masks[FLOE_LINK_DOCUMENTS];     /* slots that an entry in scope has */
    uint64_t *vocabulary;                     /* slots of vocabulary */
    uint64_t *near_columns;                   /* of the question: slots of the columns that are compared */
    uint32_t *slot_of[FLOE_LINK_DOCUMENTS];   /* by entry: the slot of its document */
    uint64_t *asked_words;                    /* slots of vocabulary that an entry in scope has */
    uint64_t scope_id;                        /* tells the scopes that the masks were made for from others; 0: all */
    bool *masked;                             /* by scope: what the masks were made for */
    bool is_masked, asks_all;                 /* they were made; for all scopes */
    size_t asked_counts[FLOE_LINK_DOCUMENTS]; /* entries in the scopes that they were made for */
    float *spaces;                            /* by scope: the sum of its tables' vectors */
    size_t dim;
    floe_recall *recall;
    floe_helper *helper;                      /* borrowed, as the embedder */
    floe_ann_shelf *word_shelf, *table_shelf; /* of the vocabulary, and of the documents of all tables; NULL: none */
} floe_meaning;

/* Opens the vectors of a loaded index, in the index's folder. Owns: the arrays lie in the corpus's arena; floe_meaning_close gives back the rest.
 * Errors: CONFLICT when the file is of another model; CORRUPT when it is damaged or lacks a text; NOT_FOUND. */
floe_status floe_meaning_load(const char *folder, floe_embedder *embedder, floe_corpus *corpus,
                              floe_meaning *ret_meaning, floe_error *err);
void floe_meaning_close(floe_meaning *meaning);
/* The same for a corpus made from some of the units, whole or in part, sharing the vectors of `whole`
 * (part.c). Errors: those of the embedder, which is asked for what those have not. */
floe_status floe_meaning_share(const floe_meaning *whole, floe_corpus *corpus, floe_meaning *ret_meaning,
                               floe_error *err);
/* Fills all but the vectors from corpus and embedder (meaning.c). */
floe_status floe_meaning_link(floe_meaning *meaning, floe_corpus *corpus, floe_error *err);

/* Whether the corpus has the text of a slot. */
static inline bool floe_meaning_shows(const floe_meaning *meaning, uint32_t slot) {
    return (meaning->visible[slot / 64] >> slot % 64 & 1) != 0;
}

/* Makes the masks those of the scopes asked. */
void floe_meaning_mask(floe_meaning *meaning, const bool *asked);

/* The scope of an entry of a link. */
static inline uint32_t floe_meaning_scope(const floe_meaning *meaning, floe_link_id link, uint32_t entry) {
    const floe_corpus *corpus = meaning->corpus;
    switch (link) {
    case FLOE_LINK_COLUMN:
    case FLOE_LINK_COLUMN_WORD:
        return corpus->tables[corpus->columns[entry].table].scope;
    case FLOE_LINK_FEATURE:
    case FLOE_LINK_FEATURE_WORD:
        return corpus->features[entry].scope;
    case FLOE_LINK_TABLE:
    case FLOE_LINK_TABLE_WORD:
    case FLOE_LINK_TABLE_PHRASE:
    case FLOE_LINK_COUNT:
    default:
        return corpus->tables[entry].scope;
    }
}

/* Whether an entry of a link is in a scope that the masks were made for. */
static inline bool floe_meaning_is_asked(const floe_meaning *meaning, floe_link_id link, uint32_t entry) {
    return meaning->asks_all || meaning->masked[floe_meaning_scope(meaning, link, entry)];
}

/* ---- questions (recall.c) ---- */

floe_status floe_recall_open(floe_recall **ret_recall, floe_error *err);
void floe_recall_close(floe_recall **recall);
/* The failure of a question because of what the embedder said. Rule: what a service refuses or answers wrongly is UNAVAILABLE, for it is
 * no fault of the question, nor of who asks it. */
floe_status floe_embedding_failed(const floe_error *cause, floe_error *err);
/* Reads a question in the scopes that the masks were made for: its vector and its words' near words there, from the cache or by one call of the embedder. `meanwhile` is done by the
 * calling thread, once, while a helper embeds. Errors: those of the embedder. */
floe_status floe_recall_ask(floe_meaning *meaning, floe_str text, const floe_aside *meanwhile, floe_asked *ret_asked,
                            floe_error *err);

/* ---- scoring (rank/meaning.c) ---- */

/* Cosine of each entry's document with the question less that of the hundredth best; entries in scope only. Not for columns. */
floe_status floe_meaning_score(floe_meaning *meaning, floe_link_id link, const floe_question *question,
                               floe_scores *scores, floe_error *err);
/* The same of tables, by the mean of their three best columns, and of the columns themselves where `single` is not NULL: both
 * are of one list, so that the columns are looked through once. */
floe_status floe_meaning_score_columns(floe_meaning *meaning, const floe_question *question, floe_scores *tables,
                                       floe_scores *single, floe_error *err);
/* The same of namespaces, each by the mean of its tables' vectors, so that a namespace is what is asked of it. Scores are by
 * scope. */
floe_status floe_meaning_score_spaces(const floe_meaning *meaning, const floe_question *question, floe_scores *spaces,
                                      floe_error *err);
/* Soft BM25 in the scopes that the masks were made for. `best` is scratch of as many entries, zero before and after. `matches` (may be NULL) gets each word's closeness
 * by entry, word-major, and `weights` its idf. */
typedef struct floe_soft_out {
    floe_scores *scores, *best;
    float *matches;
    size_t stride;
    double *weights;
} floe_soft_out;
void floe_soft_score(const floe_meaning *meaning, floe_link_id link, const floe_question *question,
                     const floe_soft_out *out);

/* ---- why (why_meaning.c) ---- */

/* The cosine of the hit's own document with the question, at least 0; 0 without vectors. */
double floe_meaning_cosine(const floe_meaning *meaning, const floe_question *question, const floe_found *found);
/* Writes "word ~ similar, …" for each word of the question that the hit has a similar one of. */
void floe_meaning_put_similar(const floe_meaning *meaning, const floe_question *question, const floe_found *found,
                              floe_signal signal, floe_buf *out);

#endif
