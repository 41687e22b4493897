/*
 * Keys that nobody declared, inferred from the values of columns or from their names.
 *
 * Phases: names as stems → for each column the one its name refers to (inferred_name.c) → else one that contains its values and
 * whose own are all different: found by hashes of values, the tightest fit before wider ones.
 *
 * Rules. Only within a namespace, only between columns of one class of types, never where a declared key links the two
 * tables or has the column. Where both columns were looked at, a name counts only when the values are contained; then the key
 * is inferred from values, otherwise from names, which weighs the same but says less. A counter (1, 2, 3 …) contains every
 * shorter one, so counters need the name. Tables with much the same columns are copies of each other (orders_2021,
 * tmp_orders_bak), and no key links copies. A name that fits several tables equally well refers to none.
 *
 * Invariant: everything is worked out from the units of this corpus, so for a role it is what an index of its part alone says.
 */
#include "vector/rank/inferred_int.h"

#include "core/limits.h"

#include <stdlib.h>

#define SCRATCH_MAX FLOE_GIB(2)
/* With a name that fits: so many comparable values, or the name stands alone; of them so many must be contained. */
#define NAMED_VALUES_MIN 3
#define NAMED_SHARE 0.9
/* The same where no name helps. */
#define VALUES_MIN 8
#define VALUES_SHARE 0.95
/* Values that are looked up, columns with one of them that are seen at most, and those that are compared. */
#define PROBES 4
#define SEEN_MAX 512
#define HASHES_MAX ((size_t)1 << 22)
#define SUSPECTS_MAX 32

/* A hash of a value, of a column whose values are all different. */
typedef struct owned_hash {
    uint32_t scope, hash, column;
} owned_hash;

typedef struct hash_list {
    owned_hash *items;
    size_t count;
} hash_list;

/* ---- which pairs ---- */

static bool declares(const floe_unit *unit, floe_str column) {
    for (size_t i = 0; i < unit->foreign_key_count; i++) {
        for (size_t k = 0; k < unit->foreign_keys[i].column_count; k++) {
            if (floe_str_equal(unit->foreign_keys[i].columns[k], column)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_declared(const floe_corpus *corpus, uint32_t a, uint32_t b) {
    const floe_table_entry *table = &corpus->tables[a];
    for (size_t i = 0; i < table->declared_count; i++) {
        if (table->neighbours[i] == b) {
            return true;
        }
    }
    return false;
}

static int compare_numbers(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* Names as numbers, so that two tables are compared by one walk over both. */
static void number_names(floe_inference *run) {
    const floe_corpus *corpus = run->corpus;
    floe_map numbers;
    uintptr_t last = 0;
    floe_map_init(&numbers, &run->scratch);
    run->name_numbers = floe_arena_alloc(&run->scratch, corpus->column_count + 1, sizeof(uint32_t));
    run->alike_to = floe_arena_alloc(&run->scratch, corpus->table_count + 1, sizeof(uint32_t));
    run->alike = floe_arena_alloc(&run->scratch, corpus->table_count + 1, sizeof(uint32_t));
    for (uint32_t i = 0; i < corpus->column_count && !run->scratch.overflow; i++) {
        floe_str name = floe_part_of(corpus, i)->name;
        const void *known = floe_map_get(&numbers, name);
        if (!known) {
            known = (const void *)++last;
            (void)floe_map_put(&numbers, name, (void *)last);
        }
        run->name_numbers[i] = (uint32_t)(uintptr_t)known;
    }
    for (size_t i = 0; i < corpus->table_count && !run->scratch.overflow; i++) {
        const floe_table_entry *table = &corpus->tables[i];
        qsort(run->name_numbers + table->first_column, table->column_count, sizeof(uint32_t), compare_numbers);
    }
}

/* As floe_tables_are_alike. */
static bool compare_tables(const floe_inference *run, uint32_t a, uint32_t b) {
    const floe_table_entry *left = &run->corpus->tables[a];
    const floe_table_entry *right = &run->corpus->tables[b];
    const uint32_t *own = run->name_numbers + left->first_column;
    const uint32_t *other = run->name_numbers + right->first_column;
    size_t shared = 0;
    size_t at = 0;
    for (size_t i = 0; i < left->column_count; i++) {
        while (at < right->column_count && other[at] < own[i]) {
            at++;
        }
        shared += at < right->column_count && other[at] == own[i] ? 1 : 0;
    }
    return floe_share_is_alike(left->column_count, right->column_count, shared);
}

/* The columns of a table come one after the other, and often fit the same tables: what was found out last is kept. */
static bool are_alike(floe_inference *run, uint32_t a, uint32_t b) {
    if (run->alike_to[b] != a + 1) {
        run->alike_to[b] = a + 1;
        run->alike[b] = compare_tables(run, a, b) ? 1 : 0;
    }
    return run->alike[b] != 0;
}

static bool may_link(floe_inference *run, uint32_t from, uint32_t to) {
    uint32_t a = run->corpus->columns[from].table;
    uint32_t b = run->corpus->columns[to].table;
    return a != b && !is_declared(run->corpus, a, b) && !are_alike(run, a, b);
}

/* ---- by name, with the values as witnesses ---- */

typedef enum verdict { CONTRADICTED, SILENT, CONTAINED } verdict;

static verdict judge(const floe_sketch *whole, const floe_sketch *part, size_t least, double share) {
    size_t found = 0;
    size_t comparable = whole && part ? floe_sketch_contains(whole, part, &found) : 0;
    if (comparable < least) {
        return SILENT;
    }
    return (double)found >= share * (double)comparable ? CONTAINED : CONTRADICTED;
}

/* ---- by values ---- */

static int compare_owned(const void *a, const void *b) {
    const owned_hash *left = a;
    const owned_hash *right = b;
    if (left->scope != right->scope) {
        return left->scope < right->scope ? -1 : 1;
    }
    if (left->hash != right->hash) {
        return left->hash < right->hash ? -1 : 1;
    }
    return (left->column > right->column) - (left->column < right->column);
}

static bool speaks(const floe_sketch *sketch) {
    return sketch && sketch->distinct >= VALUES_MIN && !sketch->is_counter;
}

/* The sketch of a column that others may refer to by value; NULL when it is none. */
static const floe_sketch *key_sketch(const floe_inference *run, uint32_t column) {
    const floe_sketch *sketch = floe_part_of(run->corpus, column)->sketch;
    bool key = speaks(sketch) && sketch->whole && floe_sketch_is_unique(sketch) && floe_may_be_referred(run, column);
    return key ? sketch : NULL;
}

static size_t count_hashes(const floe_inference *run) {
    size_t count = 0;
    for (uint32_t i = 0; i < run->corpus->column_count; i++) {
        const floe_sketch *sketch = key_sketch(run, i);
        count += sketch ? sketch->hash_count : 0;
    }
    return count;
}

/* In a catalog of more than HASHES_MAX of them, where nearly every column is a key, values say nothing and names say all. */
static void own_hashes(floe_inference *run, hash_list *list) {
    const floe_corpus *corpus = run->corpus;
    size_t room = count_hashes(run);
    list->items = room <= HASHES_MAX ? floe_arena_alloc(&run->scratch, room + 1, sizeof(*list->items)) : NULL;
    for (uint32_t i = 0; list->items && i < corpus->column_count; i++) {
        const floe_sketch *sketch = key_sketch(run, i);
        for (size_t k = 0; sketch && k < sketch->hash_count; k++) {
            list->items[list->count++] =
                (owned_hash){corpus->tables[corpus->columns[i].table].scope, sketch->hashes[k], i};
        }
    }
    if (list->count > 0) {
        qsort(list->items, list->count, sizeof(*list->items), compare_owned);
    }
}

static size_t first_of(const hash_list *list, const owned_hash *wanted) {
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_owned(&list->items[middle], wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static size_t add_suspect(uint32_t suspects[SUSPECTS_MAX], size_t count, uint32_t column) {
    for (size_t i = 0; i < count; i++) {
        if (suspects[i] == column) {
            return count;
        }
    }
    if (count < SUSPECTS_MAX) {
        suspects[count++] = column;
    }
    return count;
}

/* Columns that have one of the smallest hashes of the column's values. */
static size_t find_suspects(const floe_inference *run, const hash_list *list, uint32_t column,
                            uint32_t suspects[SUSPECTS_MAX]) {
    const floe_corpus *corpus = run->corpus;
    const floe_sketch *sketch = floe_part_of(corpus, column)->sketch;
    size_t count = 0;
    size_t seen = 0;
    for (size_t i = 0; i < sketch->hash_count && i < PROBES; i++) {
        owned_hash wanted = {corpus->tables[corpus->columns[column].table].scope, sketch->hashes[i], 0};
        for (size_t at = first_of(list, &wanted); at < list->count && seen < SEEN_MAX; at++, seen++) {
            const owned_hash *item = &list->items[at];
            if (item->scope != wanted.scope || item->hash != wanted.hash) {
                break;
            }
            count = add_suspect(suspects, count, item->column);
        }
    }
    return count;
}

static bool has_word(const floe_stems *name, floe_str word) {
    for (size_t i = 0; i < name->count; i++) {
        if (floe_str_equal(name->words[i], word)) {
            return true;
        }
    }
    return false;
}

/* How many words of a column's name another one or its table has. */
static size_t shared_words(const floe_inference *run, uint32_t column, uint32_t other) {
    const floe_stems *name = &run->columns[column];
    size_t count = 0;
    for (size_t i = 0; i < name->count; i++) {
        bool shared = has_word(&run->columns[other], name->words[i]) ||
                      has_word(&run->tables[run->corpus->columns[other].table], name->words[i]);
        count += shared ? 1 : 0;
    }
    return count;
}

/* The one whose name has more in common, then the tightest. */
static bool fits_better(const floe_inference *run, uint32_t column, uint32_t one, uint32_t other) {
    size_t shared[2] = {shared_words(run, column, one), shared_words(run, column, other)};
    int64_t left = floe_part_of(run->corpus, one)->sketch->distinct;
    int64_t right = floe_part_of(run->corpus, other)->sketch->distinct;
    return shared[0] != shared[1] ? shared[0] > shared[1] : left != right ? left < right : one < other;
}

static uint32_t by_values(floe_inference *run, const hash_list *list, uint32_t column) {
    uint32_t suspects[SUSPECTS_MAX];
    uint32_t best = UINT32_MAX;
    const floe_sketch *own = floe_part_of(run->corpus, column)->sketch;
    size_t count = speaks(own) ? find_suspects(run, list, column, suspects) : 0;
    for (size_t i = 0; i < count; i++) {
        const floe_sketch *other = floe_part_of(run->corpus, suspects[i])->sketch;
        bool fits = floe_types_agree(run->types[column], run->types[suspects[i]]) &&
                    judge(other, own, VALUES_MIN, VALUES_SHARE) == CONTAINED && may_link(run, column, suspects[i]);
        if (fits && (best == UINT32_MAX || fits_better(run, column, suspects[i], best))) {
            best = suspects[i];
        }
    }
    return best;
}

/* ---- all of it ---- */

static void add(floe_inference *run, uint32_t from, uint32_t to, bool of_values) {
    floe_corpus *corpus = run->corpus;
    floe_table_entry *table = &corpus->tables[corpus->columns[from].table];
    floe_inferred_key *key =
        FLOE_ARENA_PUSH(corpus->arena, table->inferred, table->inferred_count, table->inferred_capacity);
    if (key) {
        *key = (floe_inferred_key){.column = from, .other = to, .by_values = of_values};
        floe_corpus_link(corpus, corpus->columns[from].table, corpus->columns[to].table);
    }
}

static void infer(floe_inference *run, const hash_list *list) {
    const floe_corpus *corpus = run->corpus;
    for (uint32_t i = 0; i < corpus->column_count; i++) {
        const floe_part *part = floe_part_of(corpus, i);
        if (declares(&corpus->units[corpus->columns[i].table], part->name)) {
            continue;
        }
        uint32_t to = floe_inferred_by_name(run, i);
        verdict values = to == UINT32_MAX || !may_link(run, i, to)
                             ? CONTRADICTED
                             : judge(floe_part_of(corpus, to)->sketch, part->sketch, NAMED_VALUES_MIN, NAMED_SHARE);
        if (values != CONTRADICTED) {
            add(run, i, to, values == CONTAINED);
            continue;
        }
        to = by_values(run, list, i);
        if (to != UINT32_MAX) {
            add(run, i, to, true);
        }
    }
}

floe_status floe_corpus_infer(floe_corpus *corpus, floe_error *err) {
    floe_inference run = {.corpus = corpus};
    hash_list list = {0};
    floe_arena_init(&run.scratch, SCRATCH_MAX);
    floe_buf_init(&run.key, FLOE_MIB(1));
    floe_map_init(&run.stems, &run.scratch);
    floe_map_init(&run.names, &run.scratch);
    floe_map_init(&run.bare, &run.scratch);
    floe_map_init(&run.keys, &run.scratch);
    floe_inference_read(&run);
    number_names(&run);
    if (!run.scratch.overflow) {
        own_hashes(&run, &list);
    }
    if (!run.scratch.overflow) {
        infer(&run, &list);
    }
    floe_status status = floe_arena_check(&run.scratch, err);
    if (!floe_failed(status)) {
        status = floe_buf_check(&run.key, err);
    }
    floe_buf_close(&run.key);
    floe_arena_close(&run.scratch);
    return status;
}
