/*
 * Every number the ranking is tuned by.
 *
 * Tuned on Spider's 658 questions over 876 tables by a small grid, looking at recall@10 and complete recall@15 of all
 * questions together; no other set was looked at for it. Differences below a point are noise there.
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

/* A table's column evidence is the sum of its best columns; more of them favour wide tables. */
#define FLOE_TOP_COLUMNS 3

/* Tables: each signal is 1 at its best. Descriptions are prose and drown names when they weigh as much. */
#define FLOE_WEIGHT_TABLE_NAMES 0.5
#define FLOE_WEIGHT_TABLE_COLUMNS 0.5
#define FLOE_WEIGHT_TABLE_DESCRIPTION 0.2
#define FLOE_WEIGHT_TABLE_COLUMN_TEXT 0.1
#define FLOE_WEIGHT_TABLE_VALUES 0.1

/* Coherence: the mean of the three best tables of the namespace, added to a table that matched. */
#define FLOE_WEIGHT_COHERENCE 0.3
#define FLOE_COHERENCE_TABLES 3

/* The greedy pass: candidates are the POOL best and the join neighbours of the FRONT best; each pick adds JOIN when a
 * foreign key links it to one picked before, and COVERAGE times the share of the question that it matches better than
 * those. A word's match grows with its frequency f as f / (f + HALF). */
#define FLOE_GREEDY_POOL 60
#define FLOE_GREEDY_FRONT 5
#define FLOE_WEIGHT_JOIN 0.3
#define FLOE_WEIGHT_COVERAGE 1.0
#define FLOE_COVERAGE_HALF 0.5

/* An exact name stands above everything that is not one: more than all other signals together. */
#define FLOE_WEIGHT_EXACT 3.0

/* Columns. */
#define FLOE_WEIGHT_COLUMN_NAMES 0.7
#define FLOE_WEIGHT_COLUMN_TABLE 0.3
#define FLOE_WEIGHT_COLUMN_DESCRIPTION 0.2
#define FLOE_WEIGHT_COLUMN_VALUES 0.1

/* Features, views and services. */
#define FLOE_WEIGHT_FEATURE_NAMES 0.8
#define FLOE_WEIGHT_FEATURE_DESCRIPTION 0.2

/* Kinds mixed in one answer: each further hit of the same table or view loses REPEAT of its score, at most down to FLOOR,
 * so that forty windows of one column do not hide what else was found. */
#define FLOE_MIX_REPEAT 0.1
#define FLOE_MIX_FLOOR 0.5
/* When a kind has an exact name, the kinds that have none begin at this: less than any exact name has. */
#define FLOE_MIX_INEXACT 0.25

#endif
