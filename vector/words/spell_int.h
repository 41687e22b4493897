/*
 * Spelling: what the words of identifiers stand for.
 *
 * People write CUST_ACCT_NBR, orderlineitem and tblStdnt, and ask for customers, accounts, numbers, orders and students. A
 * *reading* of a word is the list of words it stands for: an abbreviation's long form, the parts of words that are glued
 * together, or the word itself. Readings are what is embedded and, beside the word as it stands, what is indexed.
 *
 * What a reading is judged by: a list of English words (words.c), a list of abbreviations (abbreviations.c
 * and the user's own), and the words that the same namespace spells out elsewhere. Invariant: nothing of another namespace
 * has a part in it, so that a search within one reads as an index which never held the rest.
 */
#ifndef FLOE_VECTOR_SPELL_INT_H
#define FLOE_VECTOR_SPELL_INT_H

#include "core/arena.h"
#include "core/map.h"
#include "vector/words/text_int.h"
#include "vector/unit_int.h"

/* ---- lists (words.c, abbreviations.c) ---- */

/* Lines of words, NULL at the end. */
extern const char *const floe_words_common[], *const floe_words_more[];

typedef struct floe_abbreviation {
    const char *short_form; /* folded */
    const char *long_form;  /* words, or "" for a mark that says nothing about data: tbl */
} floe_abbreviation;
extern const floe_abbreviation floe_abbreviations[];
extern const size_t floe_abbreviation_count;

/* Lines "SHORT LONG WORDS" of the user's; '#' begins a comment, blank lines are skipped. A line replaces what floe has for the
 * same short form; without long words it says that the short form is a word as it stands. `file` is only for messages.
 * Errors: INVALID, "file:line: what"; whatever the sink answers. */
typedef struct floe_abbreviation_sink {
    floe_status (*pair)(void *context, floe_str short_form, floe_str long_form, floe_error *err); /* folded; borrowed */
    void *context;
} floe_abbreviation_sink;
floe_status floe_abbreviations_read(floe_str text, const char *file, const floe_abbreviation_sink *sink,
                                    floe_error *err);

/* ---- the speller (speller.c) ---- */

typedef struct floe_reading {
    const floe_str *words; /* none: the word stands for itself */
    size_t count;
    bool known;  /* we know what it means: it is a word, or stands for words */
    bool silent; /* a mark that says nothing: tbl */
} floe_reading;

#define FLOE_LETTERS 26

typedef struct floe_speller {
    floe_arena *arena;
    floe_map ranks;                 /* listed word → its rank + 1, the more frequent the smaller */
    floe_map abbreviations;         /* short form → floe_reading */
    floe_map learned;               /* namespace and word → not NULL */
    floe_map teaching;              /* namespace → not NULL: one that spells something out */
    floe_map readings;              /* namespace and word → floe_reading */
    floe_str *listed[FLOE_LETTERS]; /* by first letter, the more frequent first: what something may be short for */
    size_t listed_count[FLOE_LETTERS], listed_capacity[FLOE_LETTERS];
    floe_map spelt_out; /* namespace and first letter → word_list of the learned words */
} floe_speller;

/* `abbreviations` is the user's text, or empty. Owns: everything lies in the arena, whose overflow the caller checks.
 * Errors: INVALID of the text. */
floe_status floe_speller_init(floe_speller *speller, floe_arena *arena, floe_str abbreviations, floe_error *err);
/* Takes up the words that a table's names and descriptions spell out. All tables first, then readings. */
void floe_speller_learn(floe_speller *speller, const floe_unit *table);
/* The reading of a folded word of a name; the same for the same words learned. Owns: the speller. With an empty namespace only
 * the lists count. */
const floe_reading *floe_speller_read(floe_speller *speller, floe_str space, floe_str word);
/* The same of a word that somebody asks: what is not known yet is read into the arena and not kept, for there is no end of what people
 * ask. */
const floe_reading *floe_speller_peek(const floe_speller *speller, floe_str space, floe_str word, floe_arena *arena);

/* Whether a word is listed, or the plural of one that is. */
bool floe_speller_lists(const floe_speller *speller, floe_str word);
/* What a word is listed as an abbreviation of, or NULL. */
const floe_reading *floe_speller_abbreviation(const floe_speller *speller, floe_str word);

/* ---- misspelt words (typo.c) ---- */

/* How many letters must be put in, taken out, changed or swapped with their neighbour to make one word of the other; more than
 * `most` (at most FLOE_TYPOS_MAX) is told as most + 1. Source: optimal string alignment. */
#define FLOE_TYPOS_MAX 2
size_t floe_typos(floe_str a, floe_str b, size_t most);
/* How many typos a word of so many letters may have and still be meant: 0 below four letters, 1, and 2 from eight on. */
size_t floe_typos_allowed(floe_str word);

#endif
