/*
 * Handles and questions: open an index, answer, close.
 *
 * Phases of an answer: check → what the asker sees (sight_int.h) → which scopes are asked → terms, and with vectors what
 * the question and its words mean → rank each kind that is wanted → mix them on one scale → hits with their reasons. The
 * scratch is cleared after each question, whatever happened.
 */
#include "vector/sight_int.h"
#include "vector/context/context_int.h"
#include "vector/rank/weights_int.h"

#include "core/limits.h"
#include "core/mem.h"

#include <math.h>
#include <stdlib.h>

#define INDEX_ARENA_MAX FLOE_GIB(16)
#define KINDS 3
/* A reader that is overtaken by builds again and again gives up after this many. */
#define OPEN_ATTEMPTS 100

struct floe_search {
    char *folder;
    int64_t number;
    floe_embedder *embedder; /* borrowed; NULL: lexical */
    floe_helper *helper;     /* of hybrid search; NULL: none */
    floe_sight whole;        /* everything; its arena holds what the handle needs else */
    floe_sights of_roles;
};

/* ---- handles ---- */

void floe_search_close(floe_search **search) {
    if (!search || !*search) {
        return;
    }
    floe_sights_close(&(*search)->of_roles);
    floe_sight_close(&(*search)->whole);
    floe_helper_close(&(*search)->helper);
    floe_free((*search)->folder);
    floe_free(*search);
    *search = NULL;
}

static floe_status load_meaning(floe_search *search, floe_docstore *store, floe_error *err) {
    floe_str model = {0};
    FLOE_TRY(floe_docstore_fingerprint(store, &search->whole.arena, &model, err));
    FLOE_ENSURE(model.len > 0, err, FLOE_CONFLICT,
                "the index in %s was built without an embedder, and the search is to use %s; run floe index",
                search->folder, floe_embedder_kind_name(floe_embedder_describe(search->embedder)->kind));
    floe_str wanted = floe_embedder_describe(search->embedder)->fingerprint;
    FLOE_ENSURE(floe_str_equal(model, wanted), err, FLOE_CONFLICT,
                "the index in %s was built with the model %.*s, and the search is to use %.*s; run floe index",
                search->folder, FLOE_STR_BRIEF(model), FLOE_STR_BRIEF(wanted));
    search->whole.has_meaning = true;
    return floe_meaning_load(search->folder, search->embedder, &search->whole.corpus, &search->whole.meaning, err);
}

/* Loads what `current` names now. */
static floe_status load_current(floe_search *search, floe_error *err) {
    __attribute__((cleanup(floe_docstore_close))) floe_docstore store = {0};
    FLOE_TRY(floe_generation_current(search->folder, &search->number, err));
    const char *path = floe_generation_path(&search->whole.arena, search->folder, search->number);
    FLOE_TRY(floe_arena_check(&search->whole.arena, err));
    FLOE_TRY(floe_docstore_open(path, false, &store, err));
    FLOE_TRY(floe_corpus_load(&store, &search->whole.arena, &search->whole.corpus, err));
    return search->embedder ? load_meaning(search, &store, err) : FLOE_OK;
}

/* The file may be removed by a build between reading its name and opening it; then there is a newer one. */
static floe_status load(floe_search *search, floe_error *err) {
    for (int attempt = 0; attempt < OPEN_ATTEMPTS; attempt++) {
        floe_error cause = {0};
        int64_t newest = 0;
        search->number = 0;
        if (!floe_failed(load_current(search, &cause))) {
            return FLOE_OK;
        }
        bool overtaken = search->number != 0 && !floe_failed(floe_generation_current(search->folder, &newest, NULL)) &&
                         newest != search->number;
        if (!overtaken) {
            bool lost = cause.code == FLOE_NOT_FOUND && search->number != 0;
            return lost ? FLOE_FAIL(err, FLOE_CORRUPT, "%s; run floe index", cause.message)
                        : FLOE_FAIL(err, cause.code, "%s", cause.message);
        }
        floe_sight_close(&search->whole);
        search->whole = (floe_sight){0};
        floe_arena_init(&search->whole.arena, INDEX_ARENA_MAX);
    }
    return FLOE_FAIL(err, FLOE_UNAVAILABLE, "%s: the index is replaced faster than it can be read", search->folder);
}

floe_status floe_search_open(const char *folder, floe_embedder *embedder, floe_search **ret_search, floe_error *err) {
    FLOE_CLEANUP(floe_search_close) floe_search *search = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*search), &search, err));
    floe_arena_init(&search->whole.arena, INDEX_ARENA_MAX);
    search->embedder = embedder && floe_embedder_describe(embedder)->dim > 0 ? embedder : NULL;
    FLOE_TRY(floe_strdup(folder, &search->folder, err));
    search->helper = search->embedder ? floe_helper_open() : NULL;
    FLOE_TRY(load(search, err));
    search->whole.meaning.helper = search->helper;
    FLOE_TRY(floe_sight_ready(&search->whole, err));
    *ret_search = search;
    search = NULL;
    return FLOE_OK;
}

floe_status floe_search_corpus(floe_search *search, const floe_role *role, const floe_corpus **ret_corpus,
                               floe_error *err) {
    floe_sight *sight = NULL;
    FLOE_TRY(floe_sights_of(&search->of_roles, &search->whole, role, &sight, err));
    *ret_corpus = &sight->corpus;
    return FLOE_OK;
}

bool floe_search_wants(const floe_search *search, const floe_role *role) {
    return role != NULL && floe_sights_wants(&search->of_roles, &search->whole, role);
}

floe_status floe_search_prepare(floe_search *search, const floe_role *role, floe_error *err) {
    floe_sight *sight = NULL;
    return floe_search_wants(search, role) ? floe_sights_of(&search->of_roles, &search->whole, role, &sight, err)
                                           : FLOE_OK;
}

bool floe_search_is_stale(const floe_search *search) {
    int64_t number = 0;
    return !floe_failed(floe_generation_current(search->folder, &number, NULL)) && number != search->number;
}

/* ---- scopes ---- */

static bool is_in(floe_str name, floe_str in) {
    return in.len == 0 || floe_str_equal(name, in) ||
           (floe_str_starts_with(name, in) && name.len > in.len && name.ptr[in.len] == '.');
}

static bool all_asked(const floe_sight *sight, const floe_scope *scope) {
    for (size_t i = 0; i < scope->member_count; i++) {
        if (!sight->asked[scope->members[i]]) {
            return false;
        }
    }
    return scope->member_count > 0;
}

static floe_status fail_unknown_space(const floe_sight *sight, floe_str in, floe_arena *arena, floe_error *err) {
    const floe_corpus *corpus = &sight->corpus;
    const char **names = floe_arena_alloc(arena, corpus->scope_count + 1, sizeof(*names));
    size_t count = 0;
    for (size_t i = 0; names && i < corpus->scope_count; i++) {
        const char *name = floe_arena_strndup(arena, corpus->scopes[i].name.ptr, corpus->scopes[i].name.len);
        if (name && corpus->scopes[i].member_count == 0) {
            names[count++] = name;
        }
    }
    FLOE_TRY(floe_arena_check(arena, err));
    const char *nearest = floe_str_nearest(in, names, count);
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "no namespace or database %.*s is indexed%s%s%s", FLOE_STR_BRIEF(in),
                     FLOE_HINT(nearest));
}

static floe_status ask_scopes(floe_sight *sight, floe_str in, floe_arena *arena, floe_error *err) {
    const floe_corpus *corpus = &sight->corpus;
    bool any = in.len == 0;
    for (size_t i = 0; i < corpus->scope_count; i++) {
        const floe_scope *scope = &corpus->scopes[i];
        sight->asked[i] = in.len == 0 || (scope->member_count == 0 && scope->name.len > 0 && is_in(scope->name, in));
        any = any || sight->asked[i];
    }
    if (!any) {
        return fail_unknown_space(sight, in, arena, err);
    }
    /* Members of a set are scopes of their own and may come after it. */
    for (size_t i = 0; i < corpus->scope_count; i++) {
        sight->asked[i] = sight->asked[i] || all_asked(sight, &corpus->scopes[i]);
    }
    return FLOE_OK;
}

/* ---- one scale for all kinds ---- */

static bool matches(const floe_corpus *corpus, const floe_found *found, uint32_t term) {
    for (int signal = 0; signal < FLOE_SIGNAL_COUNT; signal++) {
        if (floe_signal_has(corpus, found, (floe_signal)signal, term)) {
            return true;
        }
    }
    return false;
}

/* The weighted share of the question that a hit matches anywhere; with vectors at least its cosine. */
static double matched_share(const floe_ranker *ranker, const floe_question *question, const floe_found *found) {
    double matched = 0;
    for (size_t i = 0; i < question->term_count; i++) {
        matched += matches(ranker->corpus, found, question->terms[i].number) ? question->terms[i].weight : 0;
    }
    double share = question->weight > 0 ? matched / question->weight : 0;
    double near = floe_meaning_cosine(ranker->meaning, question, found);
    double alike = found->kind == FLOE_HIT_TABLE ? ranker->verified.of[found->entry] : 0;
    near = alike > near ? alike : near;
    return share > near ? share : near;
}

/* Scores are whole billionths, so that what is equal but for the last bits of a sum is a tie. */
static void scale_found(floe_found *found, double factor) {
    found->score = 0;
    for (size_t i = 0; i < FLOE_SIGNAL_COUNT; i++) {
        found->shares[i] *= factor;
        found->score += found->shares[i];
    }
    found->score = round(found->score * 1e9) / 1e9;
}

typedef struct found_list {
    floe_found *found;
    size_t count;
} found_list;

static bool begins_exact(const found_list *list) {
    return list->count > 0 && list->found[0].shares[FLOE_SIGNAL_EXACT] > 0;
}

/* A list begins at the share of the question its best hit matches; with an exact name at 1, and others then at half. */
static void scale_list(const floe_ranker *ranker, const floe_question *question, const found_list *list,
                       bool any_exact) {
    if (list->count == 0) {
        return;
    }
    bool exact = begins_exact(list);
    double share = matched_share(ranker, question, &list->found[0]);
    double factor = exact ? 1 : any_exact ? FLOE_MIX_INEXACT * share : share;
    for (size_t i = 0; i < list->count; i++) {
        scale_found(&list->found[i], factor);
        list->found[i].rank = (uint32_t)i;
    }
}

static uint32_t parent_of(const floe_corpus *corpus, const floe_found *found) {
    return found->kind == FLOE_HIT_COLUMN    ? corpus->columns[found->entry].table
           : found->kind == FLOE_HIT_FEATURE ? corpus->features[found->entry].parent
                                             : found->entry;
}

/* Each further hit of one table or view steps back. */
static void spread_list(floe_ranker *ranker, const found_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        uint32_t before = ranker->repeats[parent_of(ranker->corpus, &list->found[i])]++;
        double factor = 1 - FLOE_MIX_REPEAT * before;
        scale_found(&list->found[i], factor < FLOE_MIX_FLOOR ? FLOE_MIX_FLOOR : factor);
    }
    for (size_t i = 0; i < list->count; i++) {
        ranker->repeats[parent_of(ranker->corpus, &list->found[i])] = 0;
    }
}

/* Ties go in turn through the kinds: the best of each before the second of any. */
static int compare_found(const void *a, const void *b) {
    const floe_found *left = a;
    const floe_found *right = b;
    if (left->score != right->score) {
        return left->score > right->score ? -1 : 1;
    }
    if (left->rank != right->rank) {
        return left->rank < right->rank ? -1 : 1;
    }
    return left->kind < right->kind ? -1 : left->kind > right->kind ? 1 : 0;
}

typedef size_t (*rank_function)(floe_ranker *ranker, const floe_question *question, size_t limit, floe_arena *arena,
                                floe_found *found);

/* How many hits of a kind are ranked. In a mixed answer hits that step back make room for ones further down, so there the
 * most that any k can ask for is ranked, and a larger k only adds to the end of an answer. */
static size_t limit_of(const floe_query *query, floe_hit_kind kind) {
    return query->kind == FLOE_HIT_ANY && kind != FLOE_HIT_TABLE ? FLOE_LIMIT_SEARCH_HITS : query->k;
}

/* Ranks every kind that is wanted into one list, which has room for limit_of each, and returns how many there are. */
static floe_status rank_kinds(floe_sight *sight, const floe_query *query, const floe_question *question,
                              floe_arena *arena, floe_found *found, size_t *ret_count, floe_error *err) {
    static const rank_function functions[KINDS] = {floe_rank_tables, floe_rank_columns, floe_rank_features};
    found_list lists[KINDS] = {0};
    size_t count = 0;
    bool any_exact = false;
    FLOE_TRY(floe_rank_prepare(&sight->ranker, question, query->kind, err));
    for (int i = 0; i < KINDS; i++) {
        lists[i].found = found + count;
        if (query->kind == FLOE_HIT_ANY || (int)query->kind == i + 1) {
            size_t limit = limit_of(query, (floe_hit_kind)(i + 1));
            lists[i].count = functions[i](&sight->ranker, question, limit, arena, lists[i].found);
        }
        count += lists[i].count;
        any_exact = any_exact || begins_exact(&lists[i]);
    }
    for (int i = 0; i < KINDS; i++) {
        scale_list(&sight->ranker, question, &lists[i], any_exact);
        if (query->kind == FLOE_HIT_ANY) {
            spread_list(&sight->ranker, &lists[i]);
        }
    }
    if (query->kind == FLOE_HIT_ANY) {
        qsort(found, count, sizeof(*found), compare_found);
    }
    /* A hit that a similar word brought, and that else says nothing about the question, is none. */
    while (count > 0 && found[count - 1].score <= 0) {
        count--;
    }
    *ret_count = count < query->k ? count : query->k;
    return floe_arena_check(arena, err);
}

/* ---- hits ---- */

static const char *const signal_names[FLOE_SIGNAL_COUNT] = {
    [FLOE_SIGNAL_EXACT] = "exact name",
    [FLOE_SIGNAL_NAMES] = "names",
    [FLOE_SIGNAL_COLUMNS] = "columns",
    [FLOE_SIGNAL_TABLE] = "table",
    [FLOE_SIGNAL_DESCRIPTION] = "description",
    [FLOE_SIGNAL_COLUMN_TEXT] = "column description",
    [FLOE_SIGNAL_VALUES] = "values",
    [FLOE_SIGNAL_MEANING] = "meaning",
    [FLOE_SIGNAL_COLUMN_MEANING] = "column meaning",
    [FLOE_SIGNAL_SIMILAR_WORDS] = "similar words",
    [FLOE_SIGNAL_SIMILAR_PHRASES] = "similar names",
    [FLOE_SIGNAL_NAMESPACE] = "namespace",
    [FLOE_SIGNAL_COVERAGE] = "coverage",
    [FLOE_SIGNAL_JOIN] = "join",
    [FLOE_SIGNAL_INFERRED] = "inferred join",
    [FLOE_SIGNAL_VERIFIED] = "verified question",
    [FLOE_SIGNAL_FEATURES] = "features",
    [FLOE_SIGNAL_SPELLING] = "similar spelling",
};

static floe_str name_of(const floe_corpus *corpus, const floe_found *found) {
    switch (found->kind) {
    case FLOE_HIT_COLUMN:
        return corpus->columns[found->entry].name;
    case FLOE_HIT_FEATURE:
        return corpus->features[found->entry].name;
    case FLOE_HIT_TABLE:
    case FLOE_HIT_ANY:
    default:
        return corpus->tables[found->entry].name;
    }
}

static floe_str words_of(const floe_ranker *ranker, const floe_question *question, const floe_found *found,
                         floe_signal signal, floe_arena *arena) {
    const floe_corpus *corpus = ranker->corpus;
    if (signal == FLOE_SIGNAL_EXACT) {
        return floe_arena_str(arena, name_of(corpus, found));
    }
    if (signal == FLOE_SIGNAL_NAMESPACE) {
        return corpus->tables[found->entry].database;
    }
    if (signal == FLOE_SIGNAL_JOIN || signal == FLOE_SIGNAL_INFERRED) {
        return corpus->tables[found->linked].name;
    }
    if (signal == FLOE_SIGNAL_VERIFIED) {
        return floe_arena_str(arena, floe_question_verified(question, &corpus->tables[found->entry])->entry->question);
    }
    FLOE_AUTO_BUF words;
    floe_buf_init(&words, FLOE_KIB(64));
    if (signal == FLOE_SIGNAL_SIMILAR_WORDS || signal == FLOE_SIGNAL_SIMILAR_PHRASES) {
        floe_meaning_put_similar(ranker->meaning, question, found, signal, &words);
        return floe_arena_str(arena, floe_buf_view(&words));
    }
    if (signal == FLOE_SIGNAL_SPELLING) {
        floe_similar_put(corpus, question, found, &words);
        return floe_arena_str(arena, floe_buf_view(&words));
    }
    for (size_t i = 0; i < question->term_count; i++) {
        bool as_asked = question->terms[i].meant.len == 0 || signal == FLOE_SIGNAL_COVERAGE;
        if (as_asked && floe_signal_has(corpus, found, signal, question->terms[i].number)) {
            floe_buf_text(&words, words.len > 0 ? ", " : "");
            floe_buf_str(&words, question->terms[i].word);
        }
    }
    return floe_arena_str(arena, floe_buf_view(&words));
}

static void set_reasons(const floe_ranker *ranker, const floe_question *question, const floe_found *found,
                        floe_arena *arena, floe_hit *hit) {
    floe_reason *reasons = floe_arena_alloc(arena, FLOE_SIGNAL_COUNT, sizeof(*reasons));
    for (int signal = 0; reasons && signal < FLOE_SIGNAL_COUNT; signal++) {
        if (found->shares[signal] > 0) {
            reasons[hit->reason_count++] =
                (floe_reason){.signal = floe_str_of(signal_names[signal]),
                              .score = found->shares[signal],
                              .words = words_of(ranker, question, found, (floe_signal)signal, arena)};
        }
    }
    hit->reasons = reasons;
}

/* Texts of units live as long as the handle; the names of features are made, by a sight that may go before it. */
static void set_hit(const floe_corpus *corpus, const floe_found *found, floe_arena *arena, floe_hit *hit) {
    *hit = (floe_hit){.kind = found->kind, .score = found->score};
    if (found->kind == FLOE_HIT_FEATURE) {
        const floe_feature_entry *feature = &corpus->features[found->entry];
        hit->feature = floe_arena_str(arena, feature->name);
        hit->description = feature->description;
        return;
    }
    bool is_column = found->kind == FLOE_HIT_COLUMN;
    const floe_table_entry *table = &corpus->tables[is_column ? corpus->columns[found->entry].table : found->entry];
    hit->database = table->database;
    hit->table = table->name;
    hit->column = is_column ? corpus->columns[found->entry].name : FLOE_STR("");
    hit->description = is_column ? corpus->columns[found->entry].description : table->description;
}

/* What needs no vectors is done while the question is embedded. */
typedef struct lexing {
    floe_ranker *ranker;
    const floe_question *question;
} lexing;

static void score_lexical(void *context) {
    const lexing *job = context;
    floe_rank_lexical(job->ranker, job->question);
}

static floe_status answer(floe_sight *sight, const floe_query *query, floe_arena *arena, floe_answer *ret_answer,
                          floe_error *err) {
    FLOE_AUTO_ARENA scratch;
    floe_arena_init(&scratch, FLOE_LIMIT_REQUEST_ARENA);
    floe_question question;
    FLOE_TRY(ask_scopes(sight, query->in, &scratch, err));
    floe_question_read(&sight->corpus, sight->asked, query->text, &scratch, &question);
    floe_asked asked = {0};
    sight->ranker.weights =
        floe_weights_until(sight->has_meaning ? floe_weights_hybrid : floe_weights_lexical, (int)query->stage);
    lexing lexical = {&sight->ranker, &question};
    floe_aside meanwhile = {score_lexical, &lexical};
    if (sight->has_meaning) {
        floe_meaning_mask(&sight->meaning, sight->asked);
        FLOE_TRY(floe_recall_ask(&sight->meaning, question.text, &meanwhile, &asked, err));
        question.meaning = &asked;
    } else {
        score_lexical(&lexical);
    }
    size_t room =
        limit_of(query, FLOE_HIT_TABLE) + limit_of(query, FLOE_HIT_COLUMN) + limit_of(query, FLOE_HIT_FEATURE);
    floe_found *found = floe_arena_alloc(&scratch, room, sizeof(*found));
    FLOE_TRY(floe_arena_check(&scratch, err));
    size_t count = 0;
    FLOE_TRY(floe_rank_verified(&sight->ranker, query, &question, &scratch, err));
    if (question.term_count > 0 || question.meaning || question.verified_count > 0) {
        FLOE_TRY(rank_kinds(sight, query, &question, &scratch, found, &count, err));
    }
    floe_hit *hits = floe_arena_alloc(arena, count + 1, sizeof(*hits));
    for (size_t i = 0; hits && i < count; i++) {
        set_hit(&sight->corpus, &found[i], arena, &hits[i]);
        floe_similar_tell(&sight->corpus, &question, &found[i]);
        set_reasons(&sight->ranker, &question, &found[i], arena, &hits[i]);
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_answer =
        (floe_answer){.mode = floe_str_of(sight->has_meaning ? "hybrid" : "lexical"), .hits = hits, .hit_count = count};
    return FLOE_OK;
}

/* Whether a verified question has a say in the answer: those may change while the index does not, so such an answer is not
 * kept. */
static bool speaks(const floe_query *query, floe_arena *arena) {
    const floe_verified_hit *hits = NULL;
    size_t count = 0;
    floe_status status = floe_verified_find(query->verified, query->text, query->role, 1, arena, &hits, &count, NULL);
    return floe_failed(status) || count > 0;
}

floe_status floe_search_query(floe_search *search, const floe_query *query, floe_arena *arena, floe_answer *ret_answer,
                              floe_error *err) {
    FLOE_ENSURE(floe_str_trim(query->text).len > 0, err, FLOE_INVALID, "the question is empty");
    FLOE_ENSURE(query->text.len <= FLOE_LIMIT_QUERY_BYTES, err, FLOE_LIMIT,
                "the question has %zu bytes; the most is %zu", query->text.len, (size_t)FLOE_LIMIT_QUERY_BYTES);
    FLOE_ENSURE(query->k > 0, err, FLOE_INVALID, "k is 0; ask for at least one hit");
    FLOE_ENSURE(query->k <= FLOE_LIMIT_SEARCH_HITS, err, FLOE_LIMIT, "k is %zu; the most is %d", query->k,
                FLOE_LIMIT_SEARCH_HITS);
    floe_sight *sight = NULL;
    FLOE_TRY(floe_sights_of(&search->of_roles, &search->whole, query->role, &sight, err));
    bool keeps = !speaks(query, arena);
    if (keeps && floe_answers_get(sight->answers, query, arena, ret_answer)) {
        return floe_arena_check(arena, err);
    }
    floe_status status = answer(sight, query, arena, ret_answer, err);
    floe_ranker_clear(&sight->ranker);
    if (keeps && !floe_failed(status)) {
        floe_answers_put(sight->answers, query, ret_answer);
    }
    return status;
}
