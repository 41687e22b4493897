/*
 * The ranking of tables against a slow reading of its definition: every score over every document, no postings, no heaps,
 * no candidates kept between steps. Random small catalogs, where the greedy pool holds everything that matches.
 */
#include "tests/support/support.h"

#include "core/file.h"
#include "core/limits.h"
#include "vector/rank/rank_int.h"
#include "vector/rank/weights_int.h"

#include <math.h>
#include <stdio.h>

#define TABLES 14
#define COLUMNS 5
#define WORDS 9
#define SPACES 3

/* Letters are words, and their own stems. */
static const char letters[WORDS + 1] = "bcdefghjk";

typedef struct model {
    size_t space[TABLES];
    double name[TABLES][WORDS];
    double column[TABLES][COLUMNS][WORDS];
    size_t column_count[TABLES];
    bool linked[TABLES][TABLES];
    bool asked[WORDS];
} model;

/* The index sorts tables by namespace and name, so the model is made in that order: "s0", "s1" … and a leading word. */
static void random_model(floe_test_rng *rng, model *m) {
    memset(m, 0, sizeof(*m));
    size_t space = 0;
    for (size_t t = 0; t < TABLES; t++) {
        space += space + 1 < SPACES && floe_test_below(rng, 4) == 0;
        m->space[t] = space;
        for (int i = 0; i < 2; i++) {
            m->name[t][floe_test_below(rng, WORDS)] += 1;
        }
        m->column_count[t] = floe_test_below(rng, COLUMNS + 1);
        for (size_t c = 0; c < m->column_count[t]; c++) {
            m->column[t][c][floe_test_below(rng, WORDS)] += 1;
            m->column[t][c][floe_test_below(rng, WORDS)] += 1;
        }
    }
    for (int i = 0; i < 8; i++) {
        size_t a = floe_test_below(rng, TABLES);
        size_t b = floe_test_below(rng, TABLES);
        if (a != b && m->space[a] == m->space[b]) {
            m->linked[a][b] = m->linked[b][a] = true;
        }
    }
    for (size_t w = 0; w < WORDS; w++) {
        m->asked[w] = floe_test_below(rng, 3) == 0;
    }
}

/* Names: "s1" is the word "s" (a stop word) and "1"; a table is "zqh b c". What leads is a word that nobody asks for; a number
 * would make copies of tables (test_rank_copy.c). */
static void put_words(floe_buf *out, const double *counts) {
    for (size_t w = 0; w < WORDS; w++) {
        for (int i = 0; i < (int)counts[w]; i++) {
            floe_buf_printf(out, " %c", letters[w]);
        }
    }
}

static void put_name(floe_buf *out, const model *m, size_t table) {
    floe_buf_printf(out, "zq%c", (int)('a' + table));
    put_words(out, m->name[table]);
}

static void write_model(const model *m, floe_buf *out) {
    for (size_t t = 0; t < TABLES; t++) {
        floe_buf_printf(out, "{\"database\":\"s%zu\",\"table\":\"", m->space[t]);
        put_name(out, m, t);
        floe_buf_text(out, "\",\"columns\":[");
        for (size_t c = 0; c < m->column_count[t]; c++) {
            floe_buf_printf(out, "%s{\"name\":\"", c > 0 ? "," : "");
            put_words(out, m->column[t][c]);
            floe_buf_text(out, "\"}");
        }
        floe_buf_text(out, "],\"foreign_keys\":[");
        bool first = true;
        for (size_t other = t + 1; other < TABLES; other++) {
            if (m->linked[t][other]) {
                floe_buf_printf(out, "%s{\"table\":\"", first ? "" : ",");
                put_name(out, m, other);
                floe_buf_text(out, "\"}");
                first = false;
            }
        }
        floe_buf_text(out, "]}\n");
    }
}

/* ---- the slow reading ---- */

#define DOCUMENTS (TABLES * COLUMNS)

typedef struct documents {
    double counts[DOCUMENTS][WORDS];
    double lengths[DOCUMENTS];
    size_t count;
} documents;

static double idf_of(const documents *all, size_t word) {
    double with = 0;
    for (size_t d = 0; d < all->count; d++) {
        with += all->counts[d][word] > 0;
    }
    return with > 0 ? log(1 + ((double)all->count - with + 0.5) / (with + 0.5)) : 0;
}

static double bm25(const documents *all, const bool *asked, size_t document) {
    double lengths = 0;
    double score = 0;
    for (size_t d = 0; d < all->count; d++) {
        lengths += all->lengths[d];
    }
    double mean = lengths / (double)all->count;
    for (size_t w = 0; w < WORDS; w++) {
        double tf = all->counts[document][w];
        double norm = 1 - FLOE_BM25_B + FLOE_BM25_B * all->lengths[document] / mean;
        score += asked[w] && tf > 0 ? idf_of(all, w) * tf * (FLOE_BM25_K1 + 1) / (tf + FLOE_BM25_K1 * norm) : 0;
    }
    return score;
}

static void normalise(double *scores) {
    double best = 0;
    for (size_t t = 0; t < TABLES; t++) {
        best = scores[t] > best ? scores[t] : best;
    }
    for (size_t t = 0; t < TABLES && best > 0; t++) {
        scores[t] /= best;
    }
}

/* A table's document: number of the namespace (1 word), name twice (its leading word and two more), columns of two words. */
static void table_documents(const model *m, documents *all) {
    all->count = TABLES;
    for (size_t t = 0; t < TABLES; t++) {
        all->lengths[t] = 1 + 2 * 3 + 2 * (double)m->column_count[t];
        for (size_t w = 0; w < WORDS; w++) {
            all->counts[t][w] = 2 * m->name[t][w];
            for (size_t c = 0; c < m->column_count[t]; c++) {
                all->counts[t][w] += m->column[t][c][w];
            }
        }
    }
}

/* A column's document: its two words, and its table's name once. */
static void column_documents(const model *m, documents *all) {
    all->count = 0;
    for (size_t t = 0; t < TABLES; t++) {
        for (size_t c = 0; c < m->column_count[t]; c++) {
            for (size_t w = 0; w < WORDS; w++) {
                all->counts[all->count][w] = m->column[t][c][w] + m->name[t][w];
            }
            all->lengths[all->count++] = 2 + 3;
        }
    }
}

static double top_three(double *scores, size_t count) {
    double sum = 0;
    for (int i = 0; i < 3; i++) {
        size_t best = 0;
        for (size_t c = 1; c < count; c++) {
            best = scores[c] > scores[best] ? c : best;
        }
        sum += count > 0 ? scores[best] : 0;
        scores[best] = 0;
    }
    return sum;
}

static void column_evidence(const model *m, double *evidence) {
    static documents all;
    column_documents(m, &all);
    size_t document = 0;
    for (size_t t = 0; t < TABLES; t++) {
        double scores[COLUMNS] = {0};
        for (size_t c = 0; c < m->column_count[t]; c++) {
            scores[c] = bm25(&all, m->asked, document++);
        }
        evidence[t] = top_three(scores, m->column_count[t]);
    }
    normalise(evidence);
}

/* The fused scores and what a namespace adds to those that are not nothing: weight × the mean of its `count` best. */
static void add_spaces(const model *m, const double *fused, double weight, size_t count, double *base) {
    for (size_t t = 0; t < TABLES; t++) {
        double scores[TABLES] = {0};
        for (size_t other = 0; other < TABLES; other++) {
            scores[other] = m->space[other] == m->space[t] ? fused[other] : 0;
        }
        double mean = count == 1 ? 0 : top_three(scores, TABLES) / 3;
        for (size_t other = 0; count == 1 && other < TABLES; other++) {
            mean = scores[other] > mean ? scores[other] : mean;
        }
        /* Tables are sorted by namespace: where the last one's is the first one's, there is but one. */
        bool tells = m->space[TABLES - 1] != m->space[0];
        base[t] = fused[t] + (fused[t] > 0 && tells ? weight * mean : 0);
    }
    normalise(base);
}

/* What tables are worth before the greedy pass: as the first pick, and as a later one. */
typedef struct bases {
    double first[TABLES], later[TABLES];
} bases;

static void base_scores(const model *m, const documents *tables, bases *base) {
    double names[TABLES];
    double columns[TABLES];
    double fused[TABLES];
    for (size_t t = 0; t < TABLES; t++) {
        names[t] = bm25(tables, m->asked, t);
    }
    normalise(names);
    column_evidence(m, columns);
    for (size_t t = 0; t < TABLES; t++) {
        fused[t] = floe_weights_lexical.table_names * names[t] + floe_weights_lexical.table_columns * columns[t];
    }
    normalise(fused);
    add_spaces(m, fused, floe_weights_lexical.coherence, 3, base->first);
    add_spaces(m, fused, floe_weights_lexical.coherence_best, 1, base->later);
}

static double strength(const documents *tables, size_t table, size_t word) {
    double tf = tables->counts[table][word];
    return tf / (tf + FLOE_COVERAGE_HALF);
}

/* What picking the table now is worth, given which were picked. */
static double worth(const model *m, const documents *tables, const double *base, const bool *picked, size_t table) {
    double total = 0;
    double gain = 0;
    bool linked = false;
    for (size_t w = 0; w < WORDS; w++) {
        double weight = m->asked[w] ? idf_of(tables, w) : 0;
        double before = 0;
        for (size_t t = 0; t < TABLES; t++) {
            before = picked[t] && strength(tables, t, w) > before ? strength(tables, t, w) : before;
            linked = linked || (picked[t] && m->linked[t][table]);
        }
        total += weight;
        gain += strength(tables, table, w) > before ? weight * (strength(tables, table, w) - before) : 0;
    }
    return base[table] + (linked ? floe_weights_lexical.join : 0) + floe_weights_lexical.coverage * gain / total;
}

/* Which tables may be picked: those with evidence, and the neighbours of the five best. */
static void candidates(const model *m, const double *base, bool *allowed) {
    bool front[TABLES] = {0};
    for (int i = 0; i < FLOE_GREEDY_FRONT; i++) {
        size_t best = TABLES;
        for (size_t t = 0; t < TABLES; t++) {
            best = base[t] > 0 && !front[t] && (best == TABLES || base[t] > base[best]) ? t : best;
        }
        if (best < TABLES) {
            front[best] = true;
        }
    }
    for (size_t t = 0; t < TABLES; t++) {
        allowed[t] = base[t] > 0;
        for (size_t other = 0; other < TABLES; other++) {
            allowed[t] = allowed[t] || (front[other] && m->linked[t][other]);
        }
    }
}

/* Two tables may be worth the same but for the last bit; then either may come first, and what comes later depends on which:
 * of such ties the one that was `given` at that place is taken. */
static size_t rank_slowly(const model *m, const size_t *given, size_t given_count, size_t *order, double *scores) {
    static documents tables;
    bases base;
    bool allowed[TABLES];
    bool picked[TABLES] = {0};
    size_t count = 0;
    double last = 0;
    double first = 0;
    table_documents(m, &tables);
    base_scores(m, &tables, &base);
    candidates(m, base.later, allowed);
    for (;;) {
        size_t best = TABLES;
        double worths[TABLES];
        for (size_t t = 0; t < TABLES; t++) {
            bool may = allowed[t] && !picked[t];
            worths[t] = may ? worth(m, &tables, count == 0 ? base.first : base.later, picked, t) : -1;
            best = worths[t] >= 0 && (best == TABLES || worths[t] > worths[best]) ? t : best;
        }
        bool tied = best < TABLES && count < given_count && worths[given[count]] > worths[best] - 1e-12;
        best = tied ? given[count] : best;
        if (best == TABLES) {
            return count;
        }
        picked[best] = true;
        first = count == 0 ? worths[best] : first;
        last = count == 0 || worths[best] < last ? worths[best] : last;
        order[count] = best;
        scores[count++] = last / first;
    }
}

/* ---- the comparison ---- */

static floe_search *index_of(const model *m, const char *folder, const char *import) {
    FLOE_AUTO_BUF lines;
    floe_search *search = NULL;
    floe_index_result result = {0};
    floe_error err = {0};
    floe_buf_init(&lines, FLOE_MIB(1));
    write_model(m, &lines);
    assert_ok(floe_file_write(import, floe_buf_view(&lines), false, &err), &err);
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1};
    assert_ok(floe_index_build(&request, &result, &err), &err);
    assert_int_equal(result.tables, TABLES);
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    return search;
}

static void compare(const model *m, floe_search *search) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF question;
    size_t given[TABLES], order[TABLES];
    double scores[TABLES];
    floe_answer answer = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_buf_init(&question, FLOE_KIB(1));
    floe_buf_text(&question, "what");
    for (size_t w = 0; w < WORDS; w++) {
        if (m->asked[w]) {
            floe_buf_printf(&question, " %c", letters[w]);
        }
    }
    floe_query query = {.text = floe_buf_view(&question), .k = 100, .kind = FLOE_HIT_TABLE};
    assert_ok(floe_search_query(search, &query, &arena, &answer, &err), &err);
    assert_in_range(answer.hit_count, 0, TABLES);
    for (size_t i = 0; i < answer.hit_count; i++) {
        char letter = answer.hits[i].table.ptr[2];
        assert_in_range(letter, 'a', 'a' + TABLES - 1);
        given[i] = (size_t)(letter - 'a');
    }
    size_t count = answer.hit_count > 0 ? rank_slowly(m, given, answer.hit_count, order, scores) : 0;
    assert_int_equal(answer.hit_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(given[i], order[i]);
        /* The best hit of an answer to words that all match somewhere need not match them all; that scales every score. */
        assert_true(fabs(answer.hits[i].score / answer.hits[0].score - scores[i]) < 1e-8);
    }
}

static void tables__random_catalogs__are_ranked_as_defined(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *import = floe_path_join(&arena, floe_test_temp_dir(), "lines.jsonl");
    for (int round = 0; round < 60; round++) {
        model m;
        random_model(&rng, &m);
        /* A folder of its own: an import keeps the databases that it does not name. */
        floe_search *search = index_of(&m, floe_test_temp_dir(), import);
        for (int i = 0; i < 10; i++) {
            for (size_t w = 0; w < WORDS; w++) {
                m.asked[w] = floe_test_below(&rng, 3) == 0;
            }
            compare(&m, search);
        }
        floe_search_close(&search);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables__random_catalogs__are_ranked_as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
