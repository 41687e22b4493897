/*
 * The loaded index and how it is ranked.
 *
 * An index is loaded into memory as entries (tables, columns, features) and fields. A field is an inverted index of its
 * own over one kind of entry and one kind of text, so that each has its own length normalisation and its own weight; a
 * signal is a field's score, normalised per question. Signals of vectors (meaning_int.h) are further arrays of scores per
 * entry beside those of the fields.
 *
 * Scopes: every entry belongs to a scope (its namespace), and a question is asked in a set of scopes. Statistics (number
 * of documents, their mean length, document frequencies) are those of the scopes that are asked, so an answer within a
 * scope is the answer of an index that never held the rest.
 */
#ifndef FLOE_VECTOR_RANK_INT_H
#define FLOE_VECTOR_RANK_INT_H

#include "core/map.h"
#include "vector/rank/weights_int.h"
#include "vector/words/spell_int.h"
#include "vector/store_int.h"
#include "vector/words/text_int.h"

/* ---- words (lexicon.c) ---- */

#define FLOE_TERM_NONE UINT32_MAX

/* Stems and their numbers, and a cache of the words that lead to them. */
typedef struct floe_lexicon {
    floe_arena *arena;
    floe_map words; /* word → lexicon_word */
    floe_map stems; /* stem → number + 1 */
    uint32_t count;
    floe_speller *speller; /* of names; NULL: words of names stand for themselves */
} floe_lexicon;

void floe_lexicon_init(floe_lexicon *lexicon, floe_arena *arena);
/* The number of the word's stem; with `add`, a new one is numbered. FLOE_TERM_NONE when there is none. */
uint32_t floe_lexicon_term(floe_lexicon *lexicon, floe_str word, bool add);
/* Whether stop words count in the text: when it has no other. */
bool floe_text_keeps_stop_words(floe_str text);

/* What stands for a text that has no words ("📊", "#"): it is one itself, trimmed and no longer than a word. Empty: so is the text. */
floe_str floe_text_bare(floe_str text);

/* Goes on with a hash, from 0 at first, over the folded, unstemmed words of a text, or what stands for them; of blanks it stays. Two names of
 * one hash are one name to a person who types: "flight delays", "FlightDelays" and "flight_delays". */
uint64_t floe_words_hash(uint64_t hash, floe_str text);
/* The same with several hashes at once. */
void floe_words_hash_all(uint64_t *hashes, size_t count, floe_str text);

/* ---- fields (field.c) ---- */

typedef enum floe_field_id {
    FLOE_FIELD_TABLE,        /* namespace, name, column names; one document per table */
    FLOE_FIELD_TABLE_TEXT,   /* description */
    FLOE_FIELD_COLUMN,       /* column and table name; one document per column */
    FLOE_FIELD_COLUMN_TEXT,  /* description */
    FLOE_FIELD_VALUES,       /* sample values; one document per column */
    FLOE_FIELD_FEATURE,      /* names of feature, view, entity, keys, source, table, column, function, window */
    FLOE_FIELD_FEATURE_TEXT, /* descriptions, owners, tags */
    FLOE_FIELD_COUNT
} floe_field_id;

typedef struct floe_posting {
    uint32_t document;
    float weight; /* how often, weighted */
} floe_posting;

typedef struct floe_field {
    uint32_t document_count;
    uint32_t term_count;
    const uint32_t *first; /* by term, and one more: where its postings begin; documents ascend */
    const floe_posting *postings;
    float *lengths;            /* by document */
    const uint32_t *scopes;    /* by document */
    uint32_t *scope_documents; /* by scope: documents that have a word */
    double *scope_lengths;
} floe_field;

/* While a field is filled: (term, document, weight) in the order of documents. */
typedef struct floe_triple {
    uint32_t term, document;
    float weight;
} floe_triple;

typedef struct floe_field_builder {
    floe_arena arena; /* of the triples */
    floe_triple *triples;
    size_t count, capacity;
} floe_field_builder;

void floe_field_add(floe_field_builder *builder, floe_lexicon *lexicon, uint32_t document, floe_str text, float weight);
/* The same of a name, whose words are read as what they stand for in its namespace; as they are written they count for less. */
void floe_field_add_name(floe_field_builder *builder, floe_lexicon *lexicon, uint32_t document, floe_str space,
                         floe_str name, float weight);
/* Gives a document the `count` words from the triple `from` on, which an earlier one got. */
void floe_field_repeat(floe_field_builder *builder, size_t from, size_t count, uint32_t document);
/* Sorts the triples into postings. `scopes` has one scope per document. */
void floe_field_finish(const floe_field_builder *builder, const uint32_t *scopes, uint32_t document_count,
                       uint32_t scope_count, uint32_t term_count, floe_arena *arena, floe_field *ret_field);

/* The postings of a term: none when no document of this field has it. */
const floe_posting *floe_field_postings(const floe_field *field, uint32_t term, size_t *ret_count);
/* The posting of a document, or NULL. And whether any document in [first, end) has the term. */
const floe_posting *floe_field_posting(const floe_field *field, uint32_t term, uint32_t document);
bool floe_field_has_in_range(const floe_field *field, uint32_t term, uint32_t first, uint32_t end);

/* ---- entries (corpus.c) ---- */

/* A key that nobody declared (inferred.c). */
typedef struct floe_inferred_key {
    uint32_t column, other; /* columns: this table's, and the one it refers to */
    bool by_values;         /* else by their names */
} floe_inferred_key;

typedef struct floe_table_entry {
    floe_str database, name, description;
    uint32_t scope, first_column, column_count;
    uint32_t original;    /* the table this one is a copy of; itself when it is none (rank/copy.c) */
    uint32_t group;       /* the tables it belongs with: its namespace's, or a part of them (rank/group.c) */
    uint32_t *neighbours; /* tables that a foreign key links, either way: declared ones first */
    size_t neighbour_count, neighbour_capacity;
    size_t declared_count; /* of the neighbours; the others are by inferred keys */
    floe_inferred_key *inferred;
    size_t inferred_count, inferred_capacity;
    uint64_t name_hash, full_hash; /* of the name; of namespace and name */
} floe_table_entry;

/* Tables that belong together: a namespace, or a part of a large one (rank/group.c). */
typedef struct floe_table_group {
    uint32_t tables;
    bool is_part;
} floe_table_group;

typedef struct floe_column_entry {
    floe_str name, description;
    uint32_t table;
    uint64_t name_hash, table_hash, full_hash; /* of the name; of table and name; of namespace, table and name */
} floe_column_entry;

typedef struct floe_feature_entry {
    floe_str name; /* "view:feature", or a view's or service's name */
    floe_str description;
    uint32_t scope;
    uint32_t parent;               /* the entry of its view; a view's or service's own */
    uint32_t table;                /* what it is computed from; UINT32_MAX: not one table, or none that is indexed */
    uint64_t name_hash, full_hash; /* of the feature; of view and feature */
} floe_feature_entry;

typedef struct floe_scope {
    floe_str name;           /* a namespace; empty for a set */
    const uint32_t *members; /* of a set: all of them must be asked */
    size_t member_count;
} floe_scope;

/* Words of the corpus by length, among which a misspelt one is looked for (similar.c). */
typedef struct floe_similar {
    floe_str *words;
    size_t count;
    size_t first[FLOE_WORD_MAX + 2]; /* by length: where its words begin */
} floe_similar;

typedef struct floe_corpus {
    floe_arena *arena;
    floe_str abbreviations; /* the user's, as they were when it was indexed */
    floe_speller speller;
    floe_lexicon lexicon;
    floe_similar similar;
    floe_table_entry *tables;
    size_t table_count, table_capacity;
    floe_table_group *groups;
    uint32_t group_count;
    floe_column_entry *columns;
    size_t column_count, column_capacity;
    floe_feature_entry *features;
    size_t feature_count, feature_capacity;
    floe_scope *scopes;
    size_t scope_count, scope_capacity;
    floe_map scope_of; /* name → number + 1 */
    floe_field fields[FLOE_FIELD_COUNT];
    floe_unit *units; /* in the order of the entries' numbers */
    size_t unit_count, unit_capacity;
} floe_corpus;

/* Fills the corpus from an index file. Owns: everything lies in corpus->arena. Errors: CORRUPT, LIMIT, NOMEM. */
floe_status floe_corpus_load(floe_docstore *store, floe_arena *arena, floe_corpus *corpus, floe_error *err);
/* Gives the columns in keys their own names (keys.c). Errors: those of the arena, which the caller checks. */
void floe_corpus_settle_keys(floe_corpus *corpus);
/* The same as floe_corpus_load from units in the order of a file, which are borrowed with all their texts. */
floe_status floe_corpus_build(floe_unit *units, size_t count, floe_str abbreviations, floe_arena *arena,
                              floe_corpus *corpus, floe_error *err);

/* Links two tables, either way; once. */
void floe_corpus_link(floe_corpus *corpus, uint32_t a, uint32_t b);
/* Puts loaded tables into groups (rank/group.c). Errors: NOMEM, LIMIT. */
floe_status floe_corpus_group(floe_corpus *corpus, floe_error *err);
/* Tells copies of tables from their originals (rank/copy.c). Errors: NOMEM, LIMIT. */
floe_status floe_corpus_find_copies(floe_corpus *corpus, floe_error *err);
/* Whether two tables have much the same columns. */
bool floe_tables_are_alike(const floe_corpus *corpus, uint32_t a, uint32_t b);
/* The same of two numbers of columns, so many of which both have. */
bool floe_share_is_alike(size_t left, size_t right, size_t shared);
/* Whether a folded word of a table's name says which layer, state or day of something it is, and not of what: stg, tmp, bak,
 * old, 2021. */
bool floe_word_is_mark(floe_str word);
/* Whether a word before a table's name says of which layer of a warehouse it is: dim, fact, ref. */
bool floe_word_is_layer(floe_str word);
/* Infers keys of loaded tables (inferred.c). Errors: NOMEM, LIMIT. Cost: linear in the columns and their sketches. */
floe_status floe_corpus_infer(floe_corpus *corpus, floe_error *err);

/* ---- one question (question.c) ---- */

typedef struct floe_term {
    floe_str word; /* as asked, folded */
    uint32_t number;
    double weight;  /* how much it tells: its inverse document frequency, times the trust */
    double trust;   /* 1, or less when it is not what was asked but what that most likely means */
    floe_str meant; /* then the word of the catalog; otherwise empty */
} floe_term;

#define FLOE_QUESTION_TERMS_MAX 256
#define FLOE_QUESTION_NAMES_MAX 32

typedef struct floe_question {
    floe_term terms[FLOE_QUESTION_TERMS_MAX]; /* each stem once, known to the scopes asked */
    size_t term_count;
    double weight;                           /* of all terms */
    uint64_t names[FLOE_QUESTION_NAMES_MAX]; /* hashes of what may be an exact name */
    floe_str spelt[FLOE_QUESTION_NAMES_MAX]; /* by name: its letters, without quotes */
    size_t name_count;
    uint64_t name_bits; /* bit h % 64 of each hash h: most names are told from them by it */
    floe_str text;      /* as asked, with misspelt words put right */
    const bool *asked;  /* by scope */
    size_t scope_count;
    const struct floe_asked *meaning;  /* NULL: no vectors */
    const floe_verified_hit *verified; /* what is like it, best first */
    size_t verified_count;
} floe_question;

/* Errors: none; a question without a known word has no terms. */
void floe_question_read(floe_corpus *corpus, const bool *asked, floe_str text, floe_arena *arena,
                        floe_question *ret_question);
/* How much a term tells in the scopes asked; 0 when nothing there has it. */
double floe_term_weight(const floe_corpus *corpus, const floe_question *question, uint32_t number);
bool floe_question_has_name(const floe_question *question, uint64_t hash);
/* Whether one of its names is the parts, or an end of them, letter by letter: "table" or "database.table". */
bool floe_question_spells(const floe_question *question, const floe_str *parts, size_t count);
/* How much of a name is asked for: of two that are the same but for case and separators, the one that is spelt out comes first. */
typedef enum floe_exactness { FLOE_EXACT_NO, FLOE_EXACT_WORDS, FLOE_EXACT_LETTERS } floe_exactness;
static inline bool floe_question_names(const floe_question *question, uint64_t hash) {
    return (question->name_bits >> hash % 64 & 1) != 0 && floe_question_has_name(question, hash);
}
/* Inverse document frequency within the scopes asked; 0 when no document has the term. */
double floe_field_idf(const floe_field *field, const floe_question *question, uint32_t term);

/* ---- misspelt words (similar.c) ---- */

void floe_similar_init(floe_corpus *corpus);
/* The word in scope that a misspelt one most likely means. */
bool floe_similar_word(const floe_corpus *corpus, const floe_question *question, floe_str asked, floe_str *ret_word,
                       size_t *ret_typos);

/* ---- scores ---- */

/* A dense array with the list of what is not zero, so that clearing costs no more than filling. */
typedef struct floe_scores {
    double *of;
    uint32_t *touched;
    size_t count;
} floe_scores;

static inline void floe_scores_add(floe_scores *scores, uint32_t at, double value) {
    if (scores->of[at] == 0 && value > 0) {
        scores->touched[scores->count++] = at;
    }
    scores->of[at] += value;
}
void floe_scores_init(floe_scores *scores, size_t len, floe_arena *arena);
void floe_scores_clear(floe_scores *scores);
/* Divides by the largest, so that the best is 1. Returns the largest; 0 when there is nothing. */
double floe_scores_normalise(floe_scores *scores);
/* BM25 of every document in scope that has a term of the question. */
void floe_field_score(const floe_field *field, const floe_question *question, floe_scores *scores);

typedef struct floe_ranked {
    uint32_t entry;
    double score;
} floe_ranked;

/* The `limit` best of what is offered, in no order until they are sorted: best first, ties by number. */
typedef struct floe_best {
    floe_ranked *ranked; /* room for `limit` */
    size_t count, limit;
} floe_best;
void floe_best_offer(floe_best *best, floe_ranked next);
void floe_best_sort(floe_best *best);

/* The `limit` best of all that have a score. Returns how many. */
size_t floe_rank_best(const floe_scores *scores, floe_ranked *ranked, size_t limit);

/* ---- ranking (rank/table.c, rank.c) ---- */

typedef enum floe_signal {
    FLOE_SIGNAL_EXACT,
    FLOE_SIGNAL_NAMES,
    FLOE_SIGNAL_COLUMNS,
    FLOE_SIGNAL_TABLE, /* of a column: its table */
    FLOE_SIGNAL_DESCRIPTION,
    FLOE_SIGNAL_COLUMN_TEXT,
    FLOE_SIGNAL_VALUES,
    FLOE_SIGNAL_MEANING,         /* dense: the document */
    FLOE_SIGNAL_COLUMN_MEANING,  /* dense: the columns of a table */
    FLOE_SIGNAL_SIMILAR_WORDS,   /* soft lexical */
    FLOE_SIGNAL_SIMILAR_PHRASES, /* soft lexical: whole names */
    FLOE_SIGNAL_NAMESPACE,
    FLOE_SIGNAL_COVERAGE,
    FLOE_SIGNAL_JOIN,
    FLOE_SIGNAL_INFERRED, /* a join that nobody declared */
    FLOE_SIGNAL_VERIFIED, /* of a table: a verified question that reads it */
    FLOE_SIGNAL_FEATURES, /* of a table: a feature that is computed from it */
    FLOE_SIGNAL_SPELLING, /* what of the others came by a word that is not spelt as asked */
    FLOE_SIGNAL_COUNT
} floe_signal;

/* A ranked entry with what each signal gave; the shares sum to the score. */
typedef struct floe_found {
    floe_hit_kind kind;
    uint32_t entry;
    uint32_t linked; /* of a table that a join supports: the table picked before it */
    uint32_t rank;   /* among its kind, from 0 */
    double shares[FLOE_SIGNAL_COUNT];
    double score;
} floe_found;

/* What a question reads of every table and column that it touches, close together (glance.c). */
typedef struct floe_table_glance {
    uint32_t scope, original, group;
    uint8_t name_bits[2]; /* which bits of a question's the hashes of its names set */
} floe_table_glance;
typedef struct floe_column_glance {
    uint32_t table;
    uint8_t name_bits[3];
} floe_column_glance;
typedef struct floe_glances {
    const floe_table_glance *tables;
    const floe_column_glance *columns;
} floe_glances;

/* Of a loaded corpus. Owns: the arena, which the caller checks. */
void floe_glances_init(floe_glances *glances, const floe_corpus *corpus, floe_arena *arena);
/* False: no name of the question is one of the entry's. True: floe_question_names tells. */
bool floe_table_may_be_named(const floe_glances *glances, const floe_question *question, uint32_t table);
bool floe_column_may_be_named(const floe_glances *glances, const floe_question *question, uint32_t column);

/* The scratch of one handle: what a question needs, cleared after it. */
typedef struct floe_ranker {
    floe_corpus *corpus;
    struct floe_meaning *meaning; /* NULL: lexical only */
    floe_glances glances;
    floe_weights weights;
    floe_scores fields[FLOE_FIELD_COUNT];
    floe_scores dense_tables, dense_columns, dense_features; /* by table, column, feature */
    floe_scores dense_by_columns;                            /* by table: its best columns */
    floe_scores soft_words, soft_phrases;                    /* by table */
    floe_scores soft_columns, soft_features;
    floe_scores soft_best;        /* scratch: by entry of any kind */
    float *word_matches;          /* by word of the question and table: the closeness of the table's nearest word */
    double *word_weights;         /* by word of the question: its idf among tables */
    floe_scores columns;          /* by table: sum of the best columns */
    floe_scores column_text;      /* by table: the best column */
    floe_scores values;           /* by table: the best column */
    floe_scores verified;         /* by table: the verified question that is most like */
    floe_scores lineage;          /* by table: the feature of it that matches most */
    floe_scores fused;            /* by table: the signals together */
    floe_scores tables;           /* by table: and with its namespace's best table, before the greedy pass */
    floe_scores feature_scores;   /* by feature: scratch of lineage */
    uint64_t *entry_marks;        /* by column or feature: a bit of each that is to be ranked; else all are 0 */
    size_t entry_words;           /* of entry_marks */
    double *best_columns;         /* by table: its FLOE_TOP_COLUMNS best scores */
    bool has_spaces, has_groups;  /* of the question: more than one namespace, more than one group is asked */
    floe_scores dense_spaces;     /* by scope */
    double *spaces, *best_spaces; /* by group: coherence of the first pick and of later ones */
    double *space_best;           /* by group: its three best tables */
    uint32_t *repeats;            /* by table or feature: hits of it in a mixed answer */
    double fused_scale, first_scale, later_scale; /* what the fused scores and those with coherence were divided by */
} floe_ranker;

/* `meaning` may be NULL. */
void floe_ranker_init(floe_ranker *ranker, floe_corpus *corpus, struct floe_meaning *meaning, floe_arena *arena);
void floe_ranker_clear(floe_ranker *ranker);

/* Scores words: needs no vectors. */
void floe_rank_lexical(floe_ranker *ranker, const floe_question *question);
/* After that, scores everything else that entries of the kind are judged by; needed before the functions below. Errors: NOMEM, those of
 * the vectors. */
floe_status floe_rank_prepare(floe_ranker *ranker, const floe_question *question, floe_hit_kind kind, floe_error *err);
/* What verified questions say, before all of that (rank/verified.c); and the one that speaks for a table, or NULL. */
floe_status floe_rank_verified(floe_ranker *ranker, const floe_query *query, floe_question *question, floe_arena *arena,
                               floe_error *err);
const floe_verified_hit *floe_question_verified(const floe_question *question, const floe_table_entry *table);
/* What features say for their tables (rank/lineage.c); and whether one of a table has a term. */
void floe_rank_lineage(floe_ranker *ranker, const floe_question *question);
bool floe_lineage_has(const floe_corpus *corpus, uint32_t table, uint32_t term);
/* The vectors' part of it (rank/meaning.c). */
floe_status floe_rank_meaning(floe_ranker *ranker, const floe_question *question, floe_hit_kind kind, floe_error *err);

/* The best entries of a kind, best first; the best has a score of 1. `found` holds at least `limit`. Returns how many. */
size_t floe_rank_tables(floe_ranker *ranker, const floe_question *question, size_t limit, floe_arena *arena,
                        floe_found *found);
size_t floe_rank_columns(floe_ranker *ranker, const floe_question *question, size_t limit, floe_arena *arena,
                         floe_found *found);
size_t floe_rank_features(floe_ranker *ranker, const floe_question *question, size_t limit, floe_arena *arena,
                          floe_found *found);

/* Whether an entry has a term in the field of its kind that the signal is made of. */
bool floe_signal_has(const floe_corpus *corpus, const floe_found *found, floe_signal signal, uint32_t term);

/* Gives the spelling's signal what words that are not spelt as asked brought to the others (similar.c), and writes
 * "word ~ meant, …" for those that the hit has. */
void floe_similar_tell(const floe_corpus *corpus, const floe_question *question, floe_found *found);
void floe_similar_put(const floe_corpus *corpus, const floe_question *question, const floe_found *found, floe_buf *out);

#endif
