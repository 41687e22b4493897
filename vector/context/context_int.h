/*
 * What the files of context share: the loaded index they read from, the names of tables, and the pieces a context is made of.
 */
#ifndef FLOE_VECTOR_CONTEXT_CONTEXT_INT_H
#define FLOE_VECTOR_CONTEXT_CONTEXT_INT_H

#include "vector/rank/rank_int.h"

#include "core/json.h"

/* What a role sees of the index of a handle (search.c): its first units are its tables, in the order of their numbers. Owns:
 * the handle, until it is asked for another role. */
floe_status floe_search_corpus(floe_search *search, const floe_role *role, const floe_corpus **ret_corpus,
                               floe_error *err);

/* Most tables and features that a context is made from, and most tables that only lie between others. */
#define FLOE_CONTEXT_TABLES 40
#define FLOE_CONTEXT_COLUMNS 400
#define FLOE_CONTEXT_FEATURES 8
#define FLOE_CONTEXT_QUESTIONS 5
#define FLOE_CONTEXT_BRIDGES 6

/* ---- names (names.c) ---- */

/* The table of that name among those the role sees. `in`: only of this database; "" any. Errors: NOT_FOUND naming the nearest,
 * CONFLICT naming two. */
floe_status floe_table_find(const floe_corpus *corpus, floe_str reference, floe_str in, const floe_role *role,
                            uint32_t *ret_table, floe_error *err);

/* Appends "name" with its quotes doubled; what floe_text_unfit finds becomes spaces. */
void floe_name_quote(floe_buf *out, floe_str name);
/* "database"."table" */
void floe_table_quote(floe_buf *out, floe_str database, floe_str table);

/* Appends an Iceberg type as SQL: "list<long>" is BIGINT[]. False, and nothing appended, for what is none (types.c). */
bool floe_type_put_sql(floe_buf *out, floe_str type);

/* How many bytes from `at` on would end a line for some reader, move a terminal, or hide what follows: control characters,
 * U+0085, U+2028 and U+2029, and the marks of direction and of no width. 0: none. */
size_t floe_text_unfit(floe_str text, size_t at);
/* Whether a fence of Markdown begins here; it would end one that the context stands in. */
bool floe_text_is_fence(floe_str text, size_t at);

/* ---- one table (describe.c) ---- */

/* Owns: lists lie in the arena, which the caller checks; texts are the corpus's. */
void floe_table_fill(const floe_corpus *corpus, uint32_t table, const floe_role *role, floe_arena *arena,
                     floe_described_table *ret_table);
void floe_described_put_json(const floe_described_table *table, floe_json_writer *writer);
void floe_join_put_json(const floe_join *join, floe_json_writer *writer);

/* ---- joins (joins.c) ---- */

/* The keys that link two tables, either way, among columns the role sees; ret_joins has room for `room`. Returns how many. */
size_t floe_joins_between(const floe_corpus *corpus, uint32_t left, uint32_t right, const floe_role *role,
                          floe_join *ret_joins, size_t room);

/* Adds to `tables` those that lie on a shortest way between tables of it that no key links directly, up to `room` in all;
 * returns the new count. Rule: only tables the role sees, never a way over more than two tables in between. */
size_t floe_joins_bridge(const floe_corpus *corpus, const floe_role *role, uint32_t *tables, size_t count, size_t room,
                         floe_arena *arena);

/* ---- pieces (pieces.c) ---- */

/* How much of a table is shown. */
typedef enum floe_detail {
    FLOE_DETAIL_NONE,
    FLOE_DETAIL_KEYS, /* keys and the columns that match best */
    FLOE_DETAIL_SOME, /* and more that match, or the first ones */
    FLOE_DETAIL_ALL,
    FLOE_DETAIL_COUNT
} floe_detail;

typedef struct floe_pick {
    uint32_t table;
    double score;
    bool bridge;
    floe_described_table whole;
    double *column_scores; /* by column of `whole`; what the question says about it */
    const uint32_t *order; /* columns of `whole`, the most telling first, keys before all */
    size_t key_count;      /* how many of them are keys */
    size_t shown[FLOE_DETAIL_COUNT];
    floe_detail detail;
} floe_pick;

/* Fills order, key_count and shown from whole and column_scores. */
void floe_pick_order(floe_pick *pick, floe_arena *arena);
/* The columns that are shown at a detail, in the order of the schema. Owns: in the arena. */
const uint32_t *floe_pick_columns(const floe_pick *pick, floe_detail detail, floe_arena *arena, size_t *ret_count);
/* CREATE TABLE with what is shown at the detail, its comment before it. */
void floe_piece_table(const floe_pick *pick, floe_detail detail, floe_arena *arena, floe_buf *out);
void floe_piece_join(const floe_join *join, floe_buf *out);
void floe_piece_feature(const floe_context_feature *feature, floe_buf *out);
void floe_piece_question(const floe_verified_hit *hit, floe_buf *out);

/* ---- packing (pack.c) ---- */

/* Everything that may come into a context, best first in each list; and what was chosen of it. */
typedef struct floe_packing {
    floe_arena *arena;
    size_t token_max;
    floe_pick *picks;
    size_t pick_count;
    const floe_join *joins;
    bool *join_taken;
    const uint32_t (*join_ends)[2]; /* by join: the picks it needs */
    size_t join_count;
    size_t joins_cut; /* beyond those of a pair, and of all, that are pieces */
    const floe_context_feature *features;
    bool *feature_taken;
    size_t feature_count;
    const floe_verified_hit *questions;
    bool *question_taken;
    size_t question_count;
} floe_packing;

/* Chooses what fits, greedily by worth per token, and writes the text. Errors: NOMEM, LIMIT. */
floe_status floe_pack(floe_packing *packing, floe_buf *out, floe_error *err);

#endif
