/*
 * Finding the verified questions that are like a question.
 *
 * A question is the set of its stems. Two are as similar as the cosine of those sets, each stem weighted by its rarity among
 * the questions that the role sees, so that neither an answer nor its score tells of the others.
 */
#include "vector/context/context_int.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "vector/personal/personal.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>

#define SET_BYTES_MAX FLOE_GIB(1)
#define WORDS_MAX 512

typedef struct prepared {
    const uint64_t *words; /* hashes of stems, ascending, each once */
    size_t word_count;
} prepared;

struct floe_verified {
    floe_arena arena;
    floe_question_entry *entries;
    prepared *prepared;
    size_t count;
};

/* ---- words ---- */

static int compare_hashes(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return left < right ? -1 : left > right ? 1 : 0;
}

/* The stems of a text, as ascending hashes, each once; those beyond WORDS_MAX say nothing new about a question. */
static size_t read_words(floe_str text, uint64_t words[WORDS_MAX]) {
    bool keep_stop_words = floe_text_keeps_stop_words(text);
    floe_words reader = floe_words_of(text);
    floe_str word = {0};
    size_t count = 0;
    while (count < WORDS_MAX && floe_words_next(&reader, &word)) {
        char buf[FLOE_WORD_MAX + 1];
        if (keep_stop_words || !floe_word_is_stop(word)) {
            floe_str stem = floe_word_stem(word, buf);
            words[count++] = floe_xxh64(stem.ptr, stem.len, 0);
        }
    }
    qsort(words, count, sizeof(*words), compare_hashes);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || words[i] != words[i - 1]) {
            words[unique++] = words[i];
        }
    }
    return unique;
}

static bool has_word(const prepared *question, uint64_t word) {
    return bsearch(&word, question->words, question->word_count, sizeof(word), compare_hashes) != NULL;
}

/* ---- the set ---- */

typedef void (*mask_function)(floe_str text, floe_buf *out);

static floe_status mask(floe_str text, mask_function by, floe_arena *arena, floe_str *ret_text, floe_error *err) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    by(text, &out);
    *ret_text = floe_arena_str(arena, floe_buf_view(&out));
    return floe_buf_check(&out, err);
}

/* What is shown of an entry is masked as values are; what it is found by are the words as they were written. */
static floe_status copy_entry(const floe_question_entry *entry, floe_arena *arena, floe_question_entry *ret_copy,
                              floe_error *err) {
    floe_question_entry copy = *entry;
    floe_question_table *tables = floe_arena_alloc(arena, entry->table_count + 1, sizeof(*tables));
    FLOE_TRY(mask(entry->question, floe_personal_mask_text, arena, &copy.question, err));
    FLOE_TRY(mask(entry->sql, floe_personal_mask_sql, arena, &copy.sql, err));
    copy.tables = tables;
    for (size_t i = 0; tables && i < entry->table_count; i++) {
        tables[i] = (floe_question_table){floe_arena_str(arena, entry->tables[i].database),
                                          floe_arena_str(arena, entry->tables[i].table)};
    }
    *ret_copy = copy;
    return floe_arena_check(arena, err);
}

static floe_status fill(floe_verified *set, const floe_question_entry *entries, size_t count, floe_error *err) {
    set->entries = floe_arena_alloc(&set->arena, count + 1, sizeof(*set->entries));
    set->prepared = floe_arena_alloc(&set->arena, count + 1, sizeof(*set->prepared));
    FLOE_TRY(floe_arena_check(&set->arena, err));
    for (size_t i = 0; i < count; i++) {
        uint64_t found[WORDS_MAX];
        size_t word_count = read_words(entries[i].question, found);
        uint64_t *words = floe_arena_alloc(&set->arena, word_count + 1, sizeof(*words));
        FLOE_TRY(copy_entry(&entries[i], &set->arena, &set->entries[i], err));
        memcpy(words, found, word_count * sizeof(*words));
        set->prepared[i] = (prepared){words, word_count};
    }
    set->count = count;
    return FLOE_OK;
}

floe_status floe_verified_open(const floe_question_entry *entries, size_t count, floe_verified **ret_verified,
                               floe_error *err) {
    FLOE_CLEANUP(floe_verified_close) floe_verified *set = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*set), &set, err));
    floe_arena_init(&set->arena, SET_BYTES_MAX);
    FLOE_TRY(fill(set, entries, count, err));
    *ret_verified = set;
    set = NULL;
    return FLOE_OK;
}

void floe_verified_close(floe_verified **verified) {
    if (verified && *verified) {
        floe_arena_close(&(*verified)->arena);
        floe_free(*verified);
        *verified = NULL;
    }
}

size_t floe_verified_count(const floe_verified *verified) {
    return verified ? verified->count : 0;
}

/* ---- finding ---- */

static bool sees_tables(const floe_role *role, const floe_question_entry *entry) {
    for (size_t i = 0; i < entry->table_count; i++) {
        if (!floe_role_sees_table(role, entry->tables[i].database, entry->tables[i].table)) {
            return false;
        }
    }
    return true;
}

/* The name of a denied column anywhere in the SQL, in any case, hides the question: rather too often than not enough. */
static bool names_denied(const floe_role *role, const floe_question_entry *entry) {
    for (size_t i = 0; role && i < role->deny_column_count; i++) {
        floe_str full = role->deny_columns[i];
        size_t dot = full.len;
        while (dot > 0 && full.ptr[dot - 1] != '.') {
            dot--;
        }
        floe_str name = {full.ptr + dot, full.len - dot};
        for (size_t at = 0; name.len > 0 && at + name.len <= entry->sql.len; at++) {
            if (strncasecmp(entry->sql.ptr + at, name.ptr, name.len) == 0) {
                return true;
            }
        }
    }
    return false;
}

typedef struct finding {
    const floe_verified *set;
    const bool *seen;
    size_t seen_count;
    uint64_t words[WORDS_MAX];
    double weights[WORDS_MAX]; /* of the asked question's words */
    size_t word_count;
    double norm; /* its square */
} finding;

static double rarity(size_t all, size_t with) {
    return log(1 + ((double)all - (double)with + 0.5) / ((double)with + 0.5));
}

static size_t count_with(const finding *run, uint64_t word) {
    size_t with = 0;
    for (size_t i = 0; i < run->set->count; i++) {
        with += run->seen[i] && has_word(&run->set->prepared[i], word) ? 1 : 0;
    }
    return with;
}

static void weigh(finding *run) {
    for (size_t i = 0; i < run->word_count; i++) {
        run->weights[i] = rarity(run->seen_count, count_with(run, run->words[i]));
        run->norm += run->weights[i] * run->weights[i];
    }
}

static double similarity(const finding *run, size_t at) {
    const prepared *question = &run->set->prepared[at];
    double shared = 0;
    double norm = 0;
    size_t both = 0;
    for (size_t i = 0; i < run->word_count; i++) {
        bool has = has_word(question, run->words[i]);
        shared += has ? run->weights[i] * run->weights[i] : 0;
        both += has ? 1 : 0;
    }
    if (both == 0) {
        return 0;
    }
    if (both == run->word_count && both == question->word_count) {
        return 1;
    }
    for (size_t i = 0; i < question->word_count; i++) {
        double weight = rarity(run->seen_count, count_with(run, question->words[i]));
        norm += weight * weight;
    }
    return run->norm > 0 && norm > 0 ? shared / sqrt(run->norm * norm) : 0;
}

/* Best first; of equal ones the younger, whose id is larger, as it was added knowing the older. */
static int compare_hits(const void *a, const void *b) {
    const floe_verified_hit *left = a;
    const floe_verified_hit *right = b;
    if (left->score != right->score) {
        return left->score > right->score ? -1 : 1;
    }
    return left->entry->id > right->entry->id ? -1 : left->entry->id < right->entry->id ? 1 : 0;
}

static floe_status look(finding *run, size_t k, floe_arena *arena, const floe_verified_hit **ret_hits,
                        size_t *ret_count, floe_error *err) {
    floe_verified_hit *hits = floe_arena_alloc(arena, run->set->count + 1, sizeof(*hits));
    size_t count = 0;
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < run->set->count; i++) {
        double score = run->seen[i] ? similarity(run, i) : 0;
        if (score >= FLOE_VERIFIED_SCORE_MIN) {
            hits[count++] = (floe_verified_hit){&run->set->entries[i], score};
        }
    }
    qsort(hits, count, sizeof(*hits), compare_hits);
    *ret_hits = hits;
    *ret_count = count < k ? count : k;
    return FLOE_OK;
}

floe_status floe_verified_find(const floe_verified *verified, floe_str question, const floe_role *role, size_t k,
                               floe_arena *arena, const floe_verified_hit **ret_hits, size_t *ret_count,
                               floe_error *err) {
    *ret_hits = NULL;
    *ret_count = 0;
    if (floe_verified_count(verified) == 0) {
        return FLOE_OK;
    }
    finding *run = floe_arena_alloc(arena, 1, sizeof(*run));
    bool *seen = floe_arena_alloc(arena, verified->count, sizeof(*seen));
    FLOE_TRY(floe_arena_check(arena, err));
    run->set = verified;
    run->seen = seen;
    for (size_t i = 0; i < verified->count; i++) {
        seen[i] = sees_tables(role, &verified->entries[i]) && !names_denied(role, &verified->entries[i]);
        run->seen_count += seen[i] ? 1 : 0;
    }
    run->word_count = read_words(question, run->words);
    weigh(run);
    return look(run, k, arena, ret_hits, ret_count, err);
}
