/*
 * Every number the ranking is tuned by.
 *
 * Tuned on Spider's 658 questions over 876 tables by a small grid, looking at recall@1 and @10 and complete recall@5 and @15
 * of all questions together; no other set was looked at for it. Differences below a point are noise there. The weights of
 * hybrid search are the pick of 34 settings tried on Spider in five batches (each weight by itself, combinations, each again
 * around the best combination), those of namespaces of some thirty more, tried with Spider's readable and its physical names;
 * so its figures on Spider are those of the set it was fitted to. The trusts of readings were set by hand and not tuned.
 * Source: BM25 as in Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with the idf that is never
 * negative; late fusion of table and column evidence, and the greedy join bonus, as in the literature that
 * docs/ARCHITECTURE.md names.
 */
#ifndef FLOE_VECTOR_WEIGHTS_INT_H
#define FLOE_VECTOR_WEIGHTS_INT_H

/* BM25: how soon repeated words stop to count, and how much length counts. */
#define FLOE_BM25_K1 1.2
#define FLOE_BM25_B 0.5

/* A table's name counts twice in its document, a feature's name likewise. */
#define FLOE_NAME_WEIGHT 2.0F

/* A word of a name counts so much as it is written when it stands for others. */
#define FLOE_WRITTEN_WEIGHT 0.25F

/* How far what a word of a question most likely means is trusted: a listed long form or the parts of glued words; one typo and
 * each further one. */
#define FLOE_TRUST_READING 0.8
#define FLOE_TRUST_TYPO 0.7

/* A table's column evidence is the sum of its best columns; more of them favour wide tables. */
#define FLOE_TOP_COLUMNS 3

/* What each signal weighs; a signal is 1 at its best. There are two sets of weights (weights.c): of lexical search, and of
 * hybrid search, where vectors share the work. */
typedef struct floe_weights {
    /* Tables. Descriptions are prose and drown names when they weigh as much; where a question has words that no name has, they gain
     * by those (weigh_prose in table.c). That is not tuned: the question sets have no descriptions. */
    double table_names, table_columns, table_description, table_column_text, table_values;
    double table_dense, table_dense_columns, table_soft_words, table_soft_phrases;
    /* For a verified question that is the same: as much as the names and columns together can give, so that it decides where
     * they do not, and is outweighed where they are clear against a question that is only alike. Measured on Spider with half of
     * its questions verified (bench/retrieval_verified.py): it lifts what the others ask for, and changes nothing where no
     * verified question is about the tables. */
    double table_verified;
    /* For a feature of the table that matches the whole question: as much as the table's own description. Not tuned: the
     * published sets have no features. */
    double table_features;
    /* Namespaces, added to a table that matched: how near the namespace is to the question as a whole; for the first pick the
     * mean of the namespace's best tables, for the later ones its best table. The first pick asks which namespace is meant,
     * which several good tables tell; then one table that answers well draws what belongs to it, which may look like little
     * by itself. */
    double table_space, coherence, coherence_best;
    /* The greedy pass: for a foreign key that links a table to one picked before, for one that is only inferred, and times the share of the question that
     * the table matches better than those. */
    double join, join_inferred, coverage;
    double column_names, column_table, column_description, column_values, column_dense, column_soft;
    double feature_names, feature_description, feature_dense, feature_soft;
} floe_weights;

extern const floe_weights floe_weights_lexical, floe_weights_hybrid;
/* The weights without the parts that come after the stage, a floe_rank_stage. */
floe_weights floe_weights_until(floe_weights weights, int stage);

/* Dense: the cosine of this rank counts as nothing, and so does whatever is not above the floor; so many documents are looked
 * at, and so many columns where tables are judged by them. */
#define FLOE_DENSE_RANK 100
#define FLOE_DENSE_FLOOR 0.25
#define FLOE_DENSE_NEAR 400
#define FLOE_DENSE_COLUMNS 2000

/* In a catalog of more columns only those of so many tables are compared with the question: of the tables that all other
 * signals put first. A table's own document names its columns, so one whose columns are near is among them. */
#define FLOE_DENSE_COLUMNS_ALL 16384
#define FLOE_DENSE_COLUMNS_TABLES 400

/* Soft lexical: words of this cosine or less have nothing in common. */
#define FLOE_SOFT_FLOOR 0.4

/* Coherence: the best tables of a namespace that count. Of namespaces, the cosine of this rank counts as nothing. */
#define FLOE_COHERENCE_TABLES 3
/* Of a part of a large namespace that has fewer tables than that. Not tuned. */
#define FLOE_COHERENCE_ALONE 2
#define FLOE_SPACE_RANK 30

/* The greedy pass: candidates are the POOL best and the join neighbours of the FRONT best. Where words must be equal, a
 * word's match grows with its frequency f as f / (f + HALF). */
#define FLOE_GREEDY_POOL 60
#define FLOE_GREEDY_FRONT 5
#define FLOE_COVERAGE_HALF 0.5

/* What is left of a copy of a table that the question does not ask for; and once more where one of them is there already. Not
 * tuned: the question sets hold no copies. */
#define FLOE_COPY_SHARE 0.7

/* An exact name stands above everything that is not one: more than all other signals together. */
#define FLOE_WEIGHT_EXACT 3.0

/* Kinds mixed in one answer: each further hit of the same table or view loses REPEAT of its score, at most down to FLOOR,
 * so that forty windows of one column do not hide what else was found. */
#define FLOE_MIX_REPEAT 0.1
#define FLOE_MIX_FLOOR 0.5
/* When a kind has an exact name, the kinds that have none begin at this: less than any exact name has. */
#define FLOE_MIX_INEXACT 0.25

#endif
