/*
 * What the reference tokenizer of BERT knows about characters: sets, decompositions, lower case. The tables are made by
 * tools/unicode_tables.py from the reference itself, which mixes Unicode versions; see there. Thread: any.
 */
#ifndef FLOE_VECTOR_EMBED_UNICODE_INT_H
#define FLOE_VECTOR_EMBED_UNICODE_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct floe_unicode_range {
    uint32_t first, last; /* both inclusive */
} floe_unicode_range;
typedef struct floe_unicode_set {
    const floe_unicode_range *ranges; /* ascending */
    size_t count;
} floe_unicode_set;

typedef struct floe_unicode_pair {
    uint32_t code, value;
} floe_unicode_pair;
typedef struct floe_unicode_pairs {
    const floe_unicode_pair *pairs; /* ascending by code */
    size_t count;
} floe_unicode_pairs;

typedef struct floe_unicode_shift {
    uint32_t first, last, step;
    int32_t distance;
} floe_unicode_shift;
typedef struct floe_unicode_shifts {
    const floe_unicode_shift *shifts; /* ascending, without overlap */
    size_t count;
} floe_unicode_shifts;

extern const floe_unicode_set floe_unicode_removed, floe_unicode_space, floe_unicode_punctuation, floe_unicode_chinese;
extern const floe_unicode_set floe_unicode_stripped; /* non-spacing marks */
extern const floe_unicode_set floe_unicode_barrier;  /* of those: canonical combining class 0 */
/* Combining class of the characters that have one other than 0 and are not stripped. */
extern const floe_unicode_pairs floe_unicode_ordered;
/* value: offset << 3 | count into floe_unicode_parts. */
extern const floe_unicode_pairs floe_unicode_decomposed;
extern const uint32_t floe_unicode_parts[];
extern const floe_unicode_shifts floe_unicode_lowered;

bool floe_unicode_in(const floe_unicode_set *set, uint32_t code);
/* 0 also for what is stripped. */
uint32_t floe_unicode_order(uint32_t code);

#define FLOE_UNICODE_PARTS_MAX 4
/* The full canonical decomposition; the character itself where it has none. Returns the number of parts. */
size_t floe_unicode_decompose(uint32_t code, uint32_t ret_parts[FLOE_UNICODE_PARTS_MAX]);
/* Lower case without context: one character, or two for U+0130. */
size_t floe_unicode_lower(uint32_t code, uint32_t ret_parts[FLOE_UNICODE_PARTS_MAX]);

#endif
