/*
 * Groups: tables of a namespace that belong together.
 *
 * Coherence asks which namespace a question means. In a warehouse that keeps everything in one, the names of tables say it
 * instead: college_student, college_enrolment, hr_employee. So a namespace of many tables falls into groups by the words its
 * tables' names begin with: as few of them as make a group small. A namespace of few tables is a group.
 *
 * Invariant: groups are worked out within each namespace from the tables of this corpus.
 */
#include "vector/rank/rank_int.h"

#include "core/limits.h"

/* A namespace of so many tables or fewer is one group; a larger one falls into groups of at most so many tables. */
#define WHOLE_MAX 40
#define GROUP_MAX 24
#define LEAD_MAX 4

typedef struct grouping {
    floe_corpus *corpus;
    floe_arena scratch;
    floe_map counts; /* scope and leading words → tables, as counted */
    floe_buf key;
} grouping;

typedef struct counted {
    size_t tables;
    uint32_t group; /* + 1; 0: none yet */
} counted;

/* The scope and the first `lead` words of the table's name, folded, without those that say nothing of what it is about; false when
 * there are not so many. */
static bool key_of(grouping *run, const floe_table_entry *table, size_t lead) {
    floe_words words = floe_words_of(table->name);
    floe_str word = {0};
    floe_buf_clear(&run->key);
    floe_buf_printf(&run->key, "%u", table->scope);
    for (size_t i = 0; i < lead;) {
        if (!floe_words_next(&words, &word)) {
            return false;
        }
        if (!floe_word_is_mark(word) && !floe_word_is_layer(word)) {
            floe_buf_byte(&run->key, ' ');
            floe_buf_str(&run->key, word);
            i++;
        }
    }
    return true;
}

static counted *count_of(grouping *run) {
    counted *known = floe_map_get(&run->counts, floe_buf_view(&run->key));
    if (!known) {
        known = floe_arena_alloc(&run->scratch, 1, sizeof(*known));
        (void)floe_map_put(&run->counts, floe_arena_str(&run->scratch, floe_buf_view(&run->key)), known);
    }
    return known;
}

static void count_tables(grouping *run) {
    for (size_t i = 0; i < run->corpus->table_count; i++) {
        for (size_t lead = 0; lead <= LEAD_MAX && key_of(run, &run->corpus->tables[i], lead); lead++) {
            counted *known = count_of(run);
            if (known) {
                known->tables++;
            }
        }
    }
}

/* The group of the fewest leading words that is small enough, and not of this table alone. */
static uint32_t group_of(grouping *run, const floe_table_entry *table) {
    for (size_t lead = 0; lead <= LEAD_MAX && key_of(run, table, lead); lead++) {
        counted *known = count_of(run);
        size_t most = lead == 0 ? WHOLE_MAX : GROUP_MAX;
        if (known && known->tables <= most && (lead == 0 || known->tables > 1)) {
            known->group = known->group > 0 ? known->group : ++run->corpus->group_count;
            return known->group - 1;
        }
    }
    return run->corpus->group_count++;
}

static void list_groups(grouping *run) {
    floe_corpus *corpus = run->corpus;
    corpus->groups = floe_arena_alloc(corpus->arena, corpus->group_count + 1, sizeof(*corpus->groups));
    for (size_t i = 0; corpus->groups && i < corpus->table_count; i++) {
        floe_table_group *of = &corpus->groups[corpus->tables[i].group];
        of->tables++;
        (void)key_of(run, &corpus->tables[i], 0);
        const counted *space = count_of(run);
        of->is_part = space && space->tables > WHOLE_MAX;
    }
}

floe_status floe_corpus_group(floe_corpus *corpus, floe_error *err) {
    grouping run = {.corpus = corpus};
    floe_arena_init(&run.scratch, FLOE_GIB(1));
    floe_buf_init(&run.key, FLOE_KIB(64));
    floe_map_init(&run.counts, &run.scratch);
    count_tables(&run);
    for (size_t i = 0; i < corpus->table_count; i++) {
        corpus->tables[i].group = group_of(&run, &corpus->tables[i]);
    }
    list_groups(&run);
    floe_status status = floe_arena_check(&run.scratch, err);
    if (!floe_failed(status)) {
        status = floe_buf_check(&run.key, err);
    }
    floe_buf_close(&run.key);
    floe_arena_close(&run.scratch);
    return status;
}
