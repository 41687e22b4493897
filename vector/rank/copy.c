/*
 * Copies: tables that are another one again, for a year, for the loading, from before (orders_2021, stg_orders, tmp_orders_bak).
 *
 * A table is a copy when its name without the words that say so is that of another table with much the same columns in its
 * namespace. The original is the one that has no such word; where all have one, the last in the order of names is, which of
 * years of four digits is the newest. A copy is as good an answer as its original but is rarely meant, and many of them hide what else there
 * is: so it stands back, unless the question has a word that only the copy has.
 *
 * Invariant: worked out from the tables of this corpus, so for a role who does not see the original the copy is one.
 */
#include "vector/rank/rank_int.h"

#include "core/limits.h"

/* Tables that share so much of the columns of both together are alike. */
#define ALIKE_SHARE 0.7

typedef struct copying {
    floe_corpus *corpus;
    floe_arena scratch;
    floe_map families; /* scope and name without marks → the original so far, as uint32_t */
    floe_buf key;
} copying;

bool floe_word_is_mark(floe_str word) {
    static const char *const marks[] = {"tmp",     "temp", "bak",   "bk",       "bkp",  "backup",    "old",
                                        "copy",    "stg",  "stage", "staging",  "test", "tst",       "zz",
                                        "archive", "arch", "snap",  "snapshot", "raw",  "delete",    "me",
                                        "v",       "new",  "prev",  "orig",     "dev",  "deprecated"};
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
        if (floe_str_is(word, marks[i])) {
            return true;
        }
    }
    bool digits = word.len > 0;
    for (size_t i = 0; i < word.len; i++) {
        digits = digits && word.ptr[i] >= '0' && word.ptr[i] <= '9';
    }
    return digits;
}

static bool has_column(const floe_unit *unit, floe_str name) {
    for (size_t i = 0; i < unit->part_count; i++) {
        if (floe_str_equal(unit->parts[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Tables of one column say nothing by it. */
bool floe_share_is_alike(size_t left, size_t right, size_t shared) {
    size_t both = left + right - shared;
    return both > 1 && (double)shared >= ALIKE_SHARE * (double)both;
}

bool floe_tables_are_alike(const floe_corpus *corpus, uint32_t a, uint32_t b) {
    const floe_unit *left = &corpus->units[a];
    const floe_unit *right = &corpus->units[b];
    size_t shared = 0;
    for (size_t i = 0; i < left->part_count; i++) {
        shared += has_column(right, left->parts[i].name) ? 1 : 0;
    }
    return floe_share_is_alike(left->part_count, right->part_count, shared);
}

/* Leaves the key of the table's family; returns how many marks its name has, SIZE_MAX when it has nothing else. */
static size_t read_name(copying *run, const floe_table_entry *table) {
    floe_words words = floe_words_of(table->name);
    floe_str word = {0};
    size_t marks = 0;
    size_t others = 0;
    floe_buf_clear(&run->key);
    floe_buf_printf(&run->key, "%u", table->scope);
    while (floe_words_next(&words, &word)) {
        if (floe_word_is_mark(word)) {
            marks++;
            continue;
        }
        others++;
        floe_buf_byte(&run->key, ' ');
        floe_buf_str(&run->key, word);
    }
    return others > 0 ? marks : SIZE_MAX;
}

typedef struct family {
    uint32_t original;
    size_t marks;
} family;

/* Tables come in the order of their names, so of equally marked ones the last stays. */
static void take_up(copying *run, uint32_t table) {
    size_t marks = read_name(run, &run->corpus->tables[table]);
    family *known = marks == SIZE_MAX ? NULL : floe_map_get(&run->families, floe_buf_view(&run->key));
    if (known) {
        bool better = (known->marks > 0 && marks == 0) || (known->marks > 0 && marks <= known->marks);
        *known = better ? (family){table, marks} : *known;
        return;
    }
    family *added = marks == SIZE_MAX ? NULL : floe_arena_alloc(&run->scratch, 1, sizeof(*added));
    if (added) {
        *added = (family){table, marks};
        (void)floe_map_put(&run->families, floe_arena_str(&run->scratch, floe_buf_view(&run->key)), added);
    }
}

static uint32_t original_of(copying *run, uint32_t table) {
    size_t marks = read_name(run, &run->corpus->tables[table]);
    const family *known = marks == SIZE_MAX ? NULL : floe_map_get(&run->families, floe_buf_view(&run->key));
    return known && known->original != table && floe_tables_are_alike(run->corpus, table, known->original)
               ? known->original
               : table;
}

floe_status floe_corpus_find_copies(floe_corpus *corpus, floe_error *err) {
    copying run = {.corpus = corpus};
    floe_arena_init(&run.scratch, FLOE_GIB(1));
    floe_buf_init(&run.key, FLOE_KIB(64));
    floe_map_init(&run.families, &run.scratch);
    for (uint32_t i = 0; i < corpus->table_count; i++) {
        take_up(&run, i);
    }
    for (uint32_t i = 0; i < corpus->table_count; i++) {
        corpus->tables[i].original = original_of(&run, i);
    }
    floe_status status = floe_arena_check(&run.scratch, err);
    if (!floe_failed(status)) {
        status = floe_buf_check(&run.key, err);
    }
    floe_buf_close(&run.key);
    floe_arena_close(&run.scratch);
    return status;
}
