/*
 * Small indexes for tests: write JSON Lines, build, open, ask.
 */
#ifndef FLOE_TESTS_VECTOR_MAKER_H
#define FLOE_TESTS_VECTOR_MAKER_H

#include "tests/support/support.h"

#include "core/mem.h"
#include "vector/vector.h"

/* A file with this text in the process's temporary folder; the path lives as long as the process. */
const char *make_file(const char *name, const char *text);
/* A folder that does not exist yet. */
const char *make_folder(const char *name);

/* Builds an index from the lines of one import file; anything wrong fails the test. */
floe_index_result make_index(const char *folder, const char *lines);
/* The same without imports or anything else. */
floe_index_result make_request(const floe_index_request *request);

/* An index opened from lines; close it with floe_search_close. */
floe_search *make_search(const char *name, const char *lines);

/* Asks; what is found lives in the arena. Anything wrong fails the test. */
floe_answer ask(floe_search *search, floe_arena *arena, const char *text, size_t k, floe_hit_kind kind, const char *in);

/* "database.table", "database.table.column" or the feature. In the arena. */
const char *place_of(const floe_hit *hit, floe_arena *arena);
/* The rank of a place, from 1; 0 when it is not there. */
size_t rank_of(const floe_answer *answer, const char *place);
/* The share of a signal in a hit's score; 0 when it is not among the reasons. */
double share_of(const floe_hit *hit, const char *signal);
const char *words_of(const floe_hit *hit, const char *signal, floe_arena *arena);

/* The same hits, with the same scores and reasons to the twelfth digit. */
void check_same_answer(const floe_answer *a, const floe_answer *b);

/* Every hit's reasons sum to its score, scores do not rise, the best is at most 1. */
void check_answer(const floe_answer *answer);

#endif
