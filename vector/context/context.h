/*
 * What an LLM, or a person who writes SQL, needs to know of a catalog: the context of a question, one table described, verified
 * questions, and the answer as checked SQL. Included through vector/vector.h.
 *
 * Way of a context: search → tables, and those that lie between them on the way of a join → columns in the order of what they
 * say about the question → pieces, each a whole statement with a worth and a number of tokens → the best pieces per token
 * that fit → text. Nothing of a table, column, view or question that the role does not see appears, nor is it counted.
 */
#ifndef FLOE_VECTOR_CONTEXT_CONTEXT_H
#define FLOE_VECTOR_CONTEXT_CONTEXT_H

#include "vector/context/check.h"

#include "core/buf.h"
#include "registry/registry.h"

#include <stdatomic.h>

struct floe_search;

/* ---- tokens ---- */

/* How many tokens of a cl100k-like tokenizer the text has, from above.
 * Rule: the text is cut as cl100k_base cuts it before merging (words with one leading space, up to three digits, runs of
 *       punctuation, white space); a piece of common ASCII letters counts a token per four letters, rounded up, every other
 *       piece as many as it has bytes at most (see tokens.c).
 * Cost: linear. Thread: any. */
size_t floe_tokens_count(floe_str text);

/* ---- verified questions ---- */

/* Questions with SQL that somebody vouches for, ready to be looked up. Immutable: any number of threads may ask. */
typedef struct floe_verified floe_verified;

/* Copies the entries, as floe_registry_questions gives them. Errors: NOMEM. */
floe_status floe_verified_open(const floe_question_entry *entries, size_t count, floe_verified **ret_verified,
                               floe_error *err);
void floe_verified_close(floe_verified **verified);
size_t floe_verified_count(const floe_verified *verified);

typedef struct floe_verified_hit {
    const floe_question_entry *entry; /* borrowed from the set */
    double score;                     /* 1: the same question but for case, order of words and stop words */
} floe_verified_hit;

/* The k most similar questions, best first, among those whose tables the role sees, all of them.
 * Rule: similarity is the cosine of stemmed words weighted by their rarity among the questions the role sees; below
 *       FLOE_VERIFIED_SCORE_MIN nothing is similar.
 * Owns: the list lies in the arena. Errors: NOMEM, LIMIT of the arena. NULL `verified`: none. */
#define FLOE_VERIFIED_SCORE_MIN 0.3
floe_status floe_verified_find(const floe_verified *verified, floe_str question, const floe_role *role, size_t k,
                               floe_arena *arena, const floe_verified_hit **ret_hits, size_t *ret_count,
                               floe_error *err);

/* Questions of a file, each handed to the sink as soon as the whole file is known to be well formed. Shape: JSON Lines or a
 * JSON array of {"question","sql","tables"?,"database"?}; "SQL", "query" and "db_id" are read too, further members of
 * published question sets are passed over. Errors: INVALID, the first ten bad entries as "file:line: what" (in an array
 * "file: entry n: what"), then how many more; whatever the sink answers. */
typedef struct floe_question_source {
    floe_str question, sql;
    const floe_str *tables; /* as written; none: to be found in the SQL */
    size_t table_count;
    floe_str database; /* where tables without one are looked for; "": everywhere */
} floe_question_source;
typedef struct floe_question_sink {
    floe_status (*question)(void *context, const floe_question_source *source, floe_error *err);
    void *context;
} floe_question_sink;
floe_status floe_questions_read(floe_str text, const char *file, const floe_question_sink *sink, int64_t *ret_count,
                                floe_error *err);

/* The registry's entry of a question: its tables resolved against the index, found in the SQL by the checker where the
 * source names none. Without `check` the source must name them. Owns: in the arena. Errors: INVALID, DENIED (no SELECT),
 * NOT_FOUND for a table that is not indexed, naming the nearest. */
floe_status floe_question_resolve(struct floe_search *search, const floe_question_source *source,
                                  const floe_sql_check *check, floe_arena *arena, floe_question_entry *ret_entry,
                                  floe_error *err);

/* ---- one table ---- */

typedef struct floe_described_column {
    floe_str name, type, description;
    const floe_str *samples; /* none of a personal column */
    size_t sample_count;
    bool personal;
    bool key; /* of the primary key */
} floe_described_column;

typedef struct floe_join {
    floe_str database, table; /* this side */
    const floe_str *columns;
    size_t column_count;
    floe_str other_database, other_table;
    const floe_str *other_columns; /* as many as columns, or none where they are not known */
    size_t other_column_count;
    bool inferred; /* nobody declared it */
    bool
        by_values; /* of an inferred one: the values of one column are contained in the other; else only names say so */
} floe_join;

typedef struct floe_described_table {
    floe_str database, name, description;
    floe_str sql_name; /* as SQL for `floe ask` writes it: "lake.aviation"."flights" */
    const floe_described_column *columns;
    size_t column_count;
    const floe_join *joins; /* to tables the role sees, either way */
    size_t join_count;
    bool imported; /* a schema without rows: SQL over it can be checked, not run */
} floe_described_table;

/* One table by "database.table", by a trailing part of it after a dot, or by its name, exact before any case. Owns: in the
 * arena, texts borrowed from the handle. Errors: NOT_FOUND, naming the nearest that the role sees, for a hidden table too;
 * CONFLICT when the name fits several, naming two. */
floe_status floe_search_describe(struct floe_search *search, floe_str reference, const floe_role *role,
                                 floe_arena *arena, floe_described_table *ret_table, floe_error *err);
/* {"database","table","sql_name","description","imported","columns":[{"name","type","description","key","personal",
 * "samples"}],"joins":[{"database","table","columns","other_database","other_table","other_columns","inferred"}]} */
void floe_described_print_json(const floe_described_table *table, floe_buf *out);

/* ---- context ---- */

#define FLOE_CONTEXT_TOKENS 4000 /* when nothing is said */
#define FLOE_CONTEXT_TOKENS_MIN 100
#define FLOE_CONTEXT_TOKENS_MAX 200000

typedef struct floe_context_request {
    floe_str question;
    floe_str in;                   /* as floe_query's */
    size_t token_max;              /* FLOE_CONTEXT_TOKENS_MIN…MAX; 0: FLOE_CONTEXT_TOKENS */
    const floe_role *role;         /* NULL: everything */
    const floe_verified *verified; /* NULL: none */
} floe_context_request;

typedef struct floe_context_table {
    floe_described_table table; /* its columns: those that are shown, in the order of the schema */
    size_t columns_left_out;
    double score; /* of the search; 0 of a bridge */
    bool bridge;  /* only there because chosen tables are joined through it */
    bool shown;   /* false: it did not fit and is among what was left out */
} floe_context_table;

typedef struct floe_context_feature {
    floe_str name; /* "view:feature", a view's or a service's name */
    floe_str description;
    double score;
} floe_context_feature;

typedef struct floe_context {
    floe_str mode; /* "lexical" or "hybrid" */
    floe_str text; /* prompt-ready */
    size_t tokens; /* of the text, by floe_tokens_count; never more than token_max */
    size_t token_max;
    const floe_context_table *tables; /* shown and left out, best first */
    size_t table_count;
    const floe_join *joins; /* shown */
    size_t join_count;
    const floe_context_feature *features; /* shown */
    size_t feature_count;
    const floe_verified_hit *questions; /* shown */
    size_t question_count;
    size_t joins_left_out, features_left_out, questions_left_out;
} floe_context;

/* Owns: the context lies in the arena and borrows from the handle and the set of questions. Errors: those of
 * floe_search_query; INVALID for a token_max outside its range. Nothing found is a context that says so. */
floe_status floe_context_make(struct floe_search *search, const floe_context_request *request, floe_arena *arena,
                              floe_context *ret_context, floe_error *err);
/* {"mode","tokens","token_max","context","tables":[…],"joins":[…],"features":[{"name","description","score"}],
 * "questions":[{"question","sql","score"}],"left_out":{"tables":[…],"joins","features","questions"}} */
void floe_context_print_json(const floe_context *context, floe_buf *out);

/* ---- SQL that may run ---- */

/* A table that checked SQL reads. */
typedef struct floe_sql_table {
    floe_sql_ref ref; /* as the text names it */
    floe_str database, name;
    const floe_str *columns; /* those the role sees: nothing else may exist where the SQL runs */
    size_t column_count;
    bool imported;
} floe_sql_table;

/* Judges SQL: one SELECT, over tables the role sees, bound to the columns it sees. Owns: in the arena. Errors: INVALID, DENIED,
 * LIMIT of the checker; NOT_FOUND for a table that is not there or not seen, alike. */
floe_status floe_sql_verify(struct floe_search *search, const floe_role *role, const floe_sql_check *check,
                            floe_str sql, floe_arena *arena, const floe_sql_table **ret_tables, size_t *ret_count,
                            floe_error *err);

/* ---- ask ---- */

typedef struct floe_ask_request {
    floe_context_request context;
    const floe_ask_def *endpoint; /* `ask:` of the project; NULL: there is none, and the answer is the context */
    const floe_sql_check *check;  /* needed with an endpoint */
    const atomic_bool *cancelled; /* NULL: never */
    /* What else must hold before SQL counts as good, as a bound on what it would read; its message goes to the repair round.
     * NULL: nothing. */
    floe_status (*judge)(void *context, floe_str sql, const floe_sql_table *tables, size_t table_count,
                         floe_error *err);
    void *judge_context;
} floe_ask_request;

typedef struct floe_ask_answer {
    floe_context context;
    bool asked;       /* false: no endpoint is configured */
    bool ok;          /* there is checked SQL */
    floe_str sql;     /* the last that came, checked or refused; empty: none came */
    floe_str problem; /* why there is no checked SQL */
    const floe_sql_table *tables;
    size_t table_count;
    unsigned rounds; /* how often the endpoint was asked: 1, or 2 with the repair round */
} floe_ask_answer;

/* Context → prompt → endpoint → SQL → checked, and one repair round with the checker's message. Rule: SQL that is refused twice
 * is an answer with ok false, not an error. Errors: those of floe_context_make, and of the endpoint (core/http_client.h),
 * CORRUPT for an answer of its that is no chat completion; the key is in no message. */
floe_status floe_ask(struct floe_search *search, const floe_ask_request *request, floe_arena *arena,
                     floe_ask_answer *ret_answer, floe_error *err);
/* Whether the endpoint answers a question that needs no table. Errors: as floe_ask's of the endpoint. Cost: one completion. */
floe_status floe_ask_probe(const floe_ask_def *endpoint, const atomic_bool *cancelled, floe_error *err);
/* {"asked","ok","sql","problem"?,"tables":[{"database","table"}],"rounds","context":{…}} */
void floe_ask_print_json(const floe_ask_answer *answer, floe_buf *out);

/* The SQL in what a model wrote: the last fenced block that says sql or nothing, else the text from its first SELECT, WITH
 * or FROM at the start of a line. Empty when there is none; borrowed. */
floe_str floe_ask_sql_of(floe_str text);
/* The text of the first choice of a chat completion. Errors: CORRUPT naming what is missing. */
floe_status floe_ask_completion_text(floe_str body, floe_arena *arena, floe_str *ret_text, floe_error *err);

#endif
