/*
 * Copies: tables that are another one again, for a year, for the loading, from before (orders_2021, stg_orders, tmp_orders_bak).
 *
 * A table is a copy when its name without the words that say so is that of another table with much the same columns in its
 * namespace. The original is the one that has no such word; where all have one, the one that most keys lead to or from, then the
 * one with the fewest such words, of years, dates and versions the newest, of other numbers the smallest, and then the shortest
 * name. A copy is as good an answer as its original but is rarely meant, and many of them hide what else there
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
    floe_map families; /* scope and name without marks → family */
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

/* Columns of copies mostly stand in one order, so the one at `at` is looked at first. */
static bool has_column(const floe_unit *unit, floe_str name, size_t at) {
    if (at < unit->part_count && floe_str_equal(unit->parts[at].name, name)) {
        return true;
    }
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
        shared += has_column(right, left->parts[i].name, i) ? 1 : 0;
    }
    return floe_share_is_alike(left->part_count, right->part_count, shared);
}

/* What the marks of a name say. */
typedef struct family {
    uint32_t original; /* so far */
    size_t marks;
    uint64_t number; /* the last one; 0: none */
    bool grows;      /* it is a year, a date or a version, of which the newest counts */
} family;

/* Years of four digits, and dates that begin with one. */
static bool is_date(floe_str digits) {
    return digits.len >= 4 &&
           (floe_str_starts_with(digits, FLOE_STR("19")) || floe_str_starts_with(digits, FLOE_STR("20")));
}

static void take_mark(floe_str word, bool after_version, family *of) {
    of->marks++;
    if (word.ptr[0] < '0' || word.ptr[0] > '9') {
        return;
    }
    /* The parts of a date, 2024 01 31, are one number. */
    bool goes_on =
        of->grows && !after_version && word.len == 2 && of->number >= 1900 && of->number < UINT64_C(1000000000000);
    uint64_t number = goes_on ? of->number : 0;
    for (size_t i = 0; i < word.len && i < 18; i++) {
        number = number * 10 + (uint64_t)(word.ptr[i] - '0');
    }
    of->grows = goes_on || after_version || is_date(word);
    of->number = number;
}

/* Leaves the key of the table's family; false when its name has nothing but marks. */
static bool read_name(copying *run, uint32_t table, family *ret_family) {
    const floe_table_entry *entry = &run->corpus->tables[table];
    floe_words words = floe_words_of(entry->name);
    floe_str word = {0};
    size_t others = 0;
    bool version = false;
    *ret_family = (family){.original = table};
    floe_buf_clear(&run->key);
    floe_buf_printf(&run->key, "%u", entry->scope);
    while (floe_words_next(&words, &word)) {
        if (floe_word_is_mark(word)) {
            take_mark(word, version, ret_family);
        } else {
            others++;
            floe_buf_byte(&run->key, ' ');
            floe_buf_str(&run->key, word);
        }
        version = floe_str_is(word, "v");
    }
    return others > 0;
}

/* Whether `one` is the original rather than `known`, which comes before it in the order of names. */
static bool is_better(const floe_corpus *corpus, const family *one, const family *known) {
    const floe_table_entry *left = &corpus->tables[one->original];
    const floe_table_entry *right = &corpus->tables[known->original];
    if ((one->marks == 0) != (known->marks == 0)) {
        return one->marks == 0;
    }
    if (left->declared_count != right->declared_count) {
        return left->declared_count > right->declared_count;
    }
    if (one->marks != known->marks) {
        return one->marks < known->marks;
    }
    if (one->number != known->number && one->number > 0 && known->number > 0) {
        bool newest = one->grows && known->grows;
        return newest == (one->number > known->number);
    }
    return left->name.len < right->name.len;
}

static void take_up(copying *run, uint32_t table) {
    family own;
    if (!read_name(run, table, &own)) {
        return;
    }
    family *known = floe_map_get(&run->families, floe_buf_view(&run->key));
    if (known) {
        *known = is_better(run->corpus, &own, known) ? own : *known;
        return;
    }
    family *added = floe_arena_alloc(&run->scratch, 1, sizeof(*added));
    if (added) {
        *added = own;
        (void)floe_map_put(&run->families, floe_arena_str(&run->scratch, floe_buf_view(&run->key)), added);
    }
}

static uint32_t original_of(copying *run, uint32_t table) {
    family own;
    const family *known = read_name(run, table, &own) ? floe_map_get(&run->families, floe_buf_view(&run->key)) : NULL;
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
