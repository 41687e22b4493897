/*
 * Searches for a role: answers are those of an index which never held the rest, bit for bit, by words and by meaning.
 * timeout: 900
 */
#include "tests/vector/hash_embedder.h"
#include "tests/vector/maker.h"
#include "tests/vector/world.h"

#include "core/limits.h"
#include "vector/sight_int.h"

#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&(name), FLOE_MIB(256))

#define TEXT(literal)                                                                                                  \
    { (literal), sizeof(literal) - 1 }

static floe_search *open_index(const char *folder, floe_embedder *embedder) {
    floe_search *search = NULL;
    floe_error err = {0};
    assert_ok(floe_search_open(folder, embedder, &search, &err), &err);
    return search;
}

/* ---- whole answers as text ---- */

/* Everything an answer says, doubles by their bits. */
static const char *print_answer(const floe_answer *answer, floe_arena *arena) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    floe_buf_printf(&out, "%.*s\n", FLOE_STR_ARG(answer->mode));
    for (size_t i = 0; i < answer->hit_count; i++) {
        const floe_hit *hit = &answer->hits[i];
        floe_buf_printf(&out, "%d %s \"%.*s\" %a\n", (int)hit->kind, place_of(hit, arena),
                        FLOE_STR_ARG(hit->description), hit->score);
        for (size_t j = 0; j < hit->reason_count; j++) {
            const floe_reason *reason = &hit->reasons[j];
            floe_buf_printf(&out, "  %.*s %a (%.*s)\n", FLOE_STR_ARG(reason->signal), reason->score,
                            FLOE_STR_ARG(reason->words));
        }
    }
    assert_false(out.failed);
    return floe_arena_strndup(arena, out.ptr, out.len);
}

/* An answer or an error, as text. */
static const char *asked(floe_search *search, const floe_query *query, floe_arena *arena, size_t *ret_hits) {
    floe_answer answer = {0};
    floe_error err = {0};
    if (floe_failed(floe_search_query(search, query, arena, &answer, &err))) {
        return floe_arena_printf(arena, "error %d: %s", (int)err.code, err.message);
    }
    check_answer(&answer);
    *ret_hits += answer.hit_count;
    return print_answer(&answer, arena);
}

/* ---- the property ---- */

static const char *random_question(floe_test_rng *rng, const world *whole, floe_arena *arena) {
    const floe_catalog_table *table = &whole->tables[floe_test_below(rng, whole->table_count)];
    switch (floe_test_below(rng, 6)) {
    case 0:
        return world_word(rng);
    case 1:
        return floe_arena_printf(arena, "%.*s", FLOE_STR_ARG(table->name));
    case 2:
        return floe_arena_printf(arena, "%.*s.%.*s", FLOE_STR_ARG(table->database), FLOE_STR_ARG(table->name));
    case 3:
        return floe_arena_printf(arena, "which %s has the most %s", world_word(rng), world_word(rng));
    case 4:
        return floe_arena_printf(arena, "%s %s %sing aeroplanes", world_word(rng), world_word(rng), world_word(rng));
    default:
        return floe_arena_printf(arena, "%s %s", table->columns[0].name.ptr, world_word(rng));
    }
}

static floe_query random_query(floe_test_rng *rng, const world *whole, floe_arena *arena) {
    static const char *const places[] = {"",    "",       "",      "lake",    "lake.air",
                                         "crm", "crm.hr", "films", "lake.ai", "nowhere"};
    static const size_t sizes[] = {1, 3, 10, 1000};
    return (floe_query){.text = floe_str_of(random_question(rng, whole, arena)),
                        .k = sizes[floe_test_below(rng, 4)],
                        .kind = (floe_hit_kind)floe_test_below(rng, 4),
                        .in = floe_str_of(places[floe_test_below(rng, sizeof(places) / sizeof(places[0]))])};
}

typedef struct tally {
    size_t hits, answers, hidden, errors;
} tally;

static void compare_one(floe_search *whole, floe_search *part, const floe_role *role, floe_query query,
                        floe_arena *arena, tally *seen) {
    size_t part_hits = 0;
    size_t hits = 0;
    const char *wanted = asked(part, &query, arena, &part_hits);
    query.role = role;
    const char *got = asked(whole, &query, arena, &hits);
    if (strcmp(got, wanted) != 0) {
        fail_msg("\"%.*s\" in \"%.*s\" k %zu kind %d:\n%s\nbut an index of the visible part says\n%s",
                 FLOE_STR_ARG(query.text), FLOE_STR_ARG(query.in), query.k, (int)query.kind, got, wanted);
    }
    seen->hits += hits;
    seen->answers += hits > 0 ? 1 : 0;
    seen->errors += strncmp(got, "error", 5) == 0 ? 1 : 0;
}

#define ROLES 4
#define QUESTIONS 24

/* One world, some roles, questions in turn, so that sights are made, left and taken up again. */
static void compare_world(floe_test_rng *rng, size_t tables, int round, floe_embedder *embedder, tally *seen) {
    ARENA(arena);
    world whole;
    floe_role roles[ROLES];
    floe_search *parts[ROLES];
    world_random(rng, tables, &arena, &whole);
    const char *kind = embedder ? "hybrid" : "lexical";
    const char *folder = make_folder(floe_arena_printf(&arena, "%s-%d", kind, round));
    world_index(&whole, folder, embedder);
    floe_search *search = open_index(folder, embedder);
    for (size_t i = 0; i < ROLES; i++) {
        world part;
        world_role(rng, &whole, &roles[i]);
        world_scoped(&whole, &roles[i], &part);
        seen->hidden += world_size(&part) < world_size(&whole) ? 1 : 0;
        const char *part_folder = make_folder(floe_arena_printf(&arena, "%s-%d-%zu", kind, round, i));
        world_index(&part, part_folder, embedder);
        parts[i] = open_index(part_folder, embedder);
    }
    for (size_t i = 0; i < QUESTIONS; i++) {
        floe_query query = random_query(rng, &whole, &arena);
        for (size_t j = 0; j < ROLES; j++) {
            compare_one(search, parts[j], &roles[j], query, &arena, seen);
        }
    }
    for (size_t i = 0; i < ROLES; i++) {
        floe_search_close(&parts[i]);
    }
    floe_search_close(&search);
}

static void check_tally(const tally *seen, size_t worlds) {
    assert_true(seen->hidden > worlds);
    assert_true(seen->answers > worlds * QUESTIONS);
    assert_true(seen->hits > seen->answers);
    assert_true(seen->errors > 0);
}

#define WORLDS 25

static void search__for_a_role_by_words__is_that_of_an_index_of_only_the_visible(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    tally seen = {0};
    for (int round = 0; round < WORLDS; round++) {
        compare_world(&rng, 4 + floe_test_below(&rng, 24), round, NULL, &seen);
    }
    check_tally(&seen, WORLDS);
}

static void search__for_a_role_by_meaning__is_that_of_an_index_of_only_the_visible(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed() + 1);
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    tally seen = {0};
    for (int round = 0; round < WORLDS; round++) {
        compare_world(&rng, 4 + floe_test_below(&rng, 24), round, &embedder.base, &seen);
    }
    check_tally(&seen, WORLDS);
}

/* So many tables and columns that what is looked at is cut: near documents, near words, candidates. */
static void search__for_a_role_in_a_large_catalog__is_that_of_an_index_of_only_the_visible(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed() + 2);
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    tally seen = {0};
    compare_world(&rng, 1000, WORLDS, &embedder.base, &seen);
    compare_world(&rng, 1000, WORLDS + 1, NULL, &seen);
    assert_true(seen.hidden > 0);
    assert_true(seen.hits > 1000);
}

/* ---- said one by one ---- */

static const char small[] =
    "{\"database\":\"lake.hr\",\"table\":\"people\",\"columns\":[{\"name\":\"name\"},{\"name\":\"email\"},"
    "{\"name\":\"salary\",\"description\":\"monthly pay\"},{\"name\":\"team_id\"}],\"primary_key\":[\"name\"],"
    "\"foreign_keys\":[{\"columns\":[\"team_id\"],\"table\":\"teams\",\"references\":[\"id\"]}]}\n"
    "{\"database\":\"lake.hr\",\"table\":\"teams\",\"columns\":[{\"name\":\"id\"},{\"name\":\"title\"}]}\n"
    "{\"database\":\"lake.air\",\"table\":\"flights\",\"columns\":[{\"name\":\"delay\"},{\"name\":\"pilot_email\"}]}\n"
    "{\"database\":\"lake.payroll\",\"table\":\"bonuses\",\"columns\":[{\"name\":\"amount\"}]}\n";

static const floe_str hr[] = {TEXT("lake.hr")};
static const floe_str people[] = {TEXT("lake.hr.people")};
static const floe_str email[] = {TEXT("lake.hr.people.email")};
static const floe_str everything[] = {TEXT("lake")};
static const floe_role role_of_hr = {.namespaces = hr, .namespace_count = 1};
static const floe_role role_of_people = {
    .tables = people, .table_count = 1, .deny_columns = email, .deny_column_count = 1};
static const floe_role role_of_nothing = {.deny_columns = email, .deny_column_count = 1};
static const floe_role role_of_all = {.namespaces = everything, .namespace_count = 1};

static floe_answer ask_as(floe_search *search, floe_arena *arena, const floe_role *role, const char *text,
                          floe_hit_kind kind) {
    floe_query query = {.text = floe_str_of(text), .k = 100, .kind = kind, .role = role};
    floe_answer answer = {0};
    floe_error err = {0};
    assert_ok(floe_search_query(search, &query, arena, &answer, &err), &err);
    check_answer(&answer);
    return answer;
}

static void denied_column__is_neither_found_nor_finds_its_table(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("denied", small);
    floe_answer answer = ask_as(search, &arena, &role_of_hr, "email", FLOE_HIT_ANY);
    assert_int_equal(rank_of(&answer, "lake.hr.people.email"), 1);
    assert_true(rank_of(&answer, "lake.hr.people") > 0);
    answer = ask_as(search, &arena, &role_of_people, "email", FLOE_HIT_ANY);
    assert_int_equal(answer.hit_count, 0);
    answer = ask_as(search, &arena, &role_of_people, "lake.hr.people.email", FLOE_HIT_COLUMN);
    assert_int_equal(rank_of(&answer, "lake.hr.people.email"), 0);
    answer = ask_as(search, &arena, &role_of_people, "salary", FLOE_HIT_ANY);
    assert_int_equal(rank_of(&answer, "lake.hr.people.salary"), 1);
    floe_search_close(&search);
}

static void join__to_a_hidden_table__neither_counts_nor_shows(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("joins", small);
    floe_answer answer = ask_as(search, &arena, &role_of_hr, "title and salary", FLOE_HIT_TABLE);
    assert_int_equal(answer.hit_count, 2);
    assert_true(share_of(&answer.hits[1], "join") > 0);
    answer = ask_as(search, &arena, &role_of_people, "title and salary", FLOE_HIT_TABLE);
    assert_int_equal(answer.hit_count, 1);
    assert_int_equal(rank_of(&answer, "lake.hr.people"), 1);
    assert_true(share_of(&answer.hits[0], "join") == 0);
    floe_search_close(&search);
}

static floe_status ask_in(floe_search *search, const floe_role *role, const char *in, floe_error *err) {
    ARENA(arena);
    floe_answer answer = {0};
    floe_query query = {.text = FLOE_STR("amount"), .k = 5, .in = floe_str_of(in), .role = role};
    return floe_search_query(search, &query, &arena, &answer, err);
}

static void in__a_hidden_namespace__is_unknown_and_never_suggested(void **state) {
    (void)state;
    floe_search *search = make_search("hidden in", small);
    floe_error hidden = {0};
    floe_error unknown = {0};
    floe_error open = {0};
    assert_true(floe_failed(ask_in(search, &role_of_hr, "lake.payroll", &hidden)));
    assert_true(floe_failed(ask_in(search, &role_of_hr, "lake.payrolx", &unknown)));
    assert_int_equal(hidden.code, unknown.code);
    assert_null(strstr(unknown.message, "lake.payroll"));
    memcpy(strstr(unknown.message, "payrolx"), "payroll", strlen("payroll"));
    assert_string_equal(hidden.message, unknown.message);
    assert_int_equal(ask_in(search, NULL, "lake.payrolx", &open).code, unknown.code);
    assert_message(&open, "did you mean lake.payroll?");
    floe_search_close(&search);
}

static void role__that_sees_everything__gets_the_answers_of_no_role(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("all", small);
    static const char *const questions[] = {"email", "delay of flights", "team title", "lake.hr.people"};
    for (size_t i = 0; i < 4; i++) {
        floe_answer open = ask_as(search, &arena, NULL, questions[i], FLOE_HIT_ANY);
        floe_answer all = ask_as(search, &arena, &role_of_all, questions[i], FLOE_HIT_ANY);
        assert_true(open.hit_count > 0);
        assert_string_equal(print_answer(&all, &arena), print_answer(&open, &arena));
    }
    floe_search_close(&search);
}

static void role__that_sees_nothing__finds_nothing(void **state) {
    (void)state;
    ARENA(arena);
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    const char *folder = make_folder("nothing");
    const char *import = make_file("nothing.jsonl", small);
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = &embedder.base};
    (void)make_request(&request);
    floe_search *searches[] = {open_index(folder, &embedder.base), make_search("nothing lexical", small)};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ask_as(searches[i], &arena, &role_of_nothing, "email", FLOE_HIT_ANY).hit_count, 0);
        assert_int_equal(ask_as(searches[i], &arena, &role_of_nothing, "lake.hr.people", FLOE_HIT_TABLE).hit_count, 0);
        floe_search_close(&searches[i]);
    }
}

/* Forty tables match; the role sees the thirty that rank last without it. */
static void search__for_a_role__gives_k_hits_when_k_exist(void **state) {
    (void)state;
    ARENA(arena);
    FLOE_AUTO_BUF lines;
    floe_str names[30];
    floe_buf_init(&lines, FLOE_MIB(1));
    for (size_t i = 0; i < 40; i++) {
        bool good = i < 10;
        floe_buf_printf(&lines, "{\"database\":\"d%s\",\"table\":\"%s%zu\",\"columns\":[{\"name\":\"%s\"}]}\n",
                        good ? "good" : "bad", good ? "delay_t" : "t", i, good ? "delay" : "a_long_name_of_delay");
        if (!good) {
            names[i - 10] = floe_str_of(floe_arena_printf(&arena, "dbad.t%zu", i));
        }
    }
    floe_search *search = make_search("k", lines.ptr);
    floe_role role = {.tables = names, .table_count = 30};
    floe_query query = {.text = FLOE_STR("delay"), .k = 10, .kind = FLOE_HIT_TABLE};
    floe_answer answer = {0};
    assert_ok(floe_search_query(search, &query, &arena, &answer, NULL), NULL);
    assert_int_equal(answer.hit_count, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_true(floe_str_is(answer.hits[i].database, "dgood"));
    }
    query.role = &role;
    for (size_t k = 1; k <= 40; k++) {
        query.k = k;
        assert_ok(floe_search_query(search, &query, &arena, &answer, NULL), NULL);
        assert_int_equal(answer.hit_count, k < 30 ? k : 30);
    }
    floe_search_close(&search);
}

/* ---- time ---- */

static const char *make_small_with(hash_embedder *embedder, const char *name) {
    hash_embedder_init(embedder);
    const char *folder = make_folder(name);
    const char *import = make_file("small.jsonl", small);
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = &embedder->base};
    (void)make_request(&request);
    return folder;
}

static floe_search *open_small_with(hash_embedder *embedder, const char *name) {
    return open_index(make_small_with(embedder, name), &embedder->base);
}

static size_t texts_of_question(floe_search *search, hash_embedder *embedder, const floe_role *role, const char *text) {
    ARENA(arena);
    embedder->texts = 0;
    (void)ask_as(search, &arena, role, text, FLOE_HIT_ANY);
    return embedder->texts;
}

/* What takes time in a question are the texts that are embedded. A word that only hidden tables have costs as much as one that
 * nobody has, and more than one that is seen. */
static void question__with_a_word_of_hidden_tables__embeds_what_one_with_an_unknown_word_does(void **state) {
    (void)state;
    hash_embedder embedder;
    floe_search *search = open_small_with(&embedder, "time");
    (void)texts_of_question(search, &embedder, &role_of_people, "salary");
    size_t hidden = texts_of_question(search, &embedder, &role_of_people, "what bonuses");
    size_t denied = texts_of_question(search, &embedder, &role_of_people, "what email");
    size_t unknown = texts_of_question(search, &embedder, &role_of_people, "what zebras");
    size_t seen = texts_of_question(search, &embedder, &role_of_people, "what salary");
    assert_int_equal(hidden, unknown);
    assert_int_equal(denied, unknown);
    assert_int_equal(seen, unknown - 1);
    floe_search_close(&search);
}

/* Only the table's own document reads otherwise without its denied column; the second question needs no text but its own. */
static void sight__of_a_role__embeds_only_what_the_file_has_not_and_once(void **state) {
    (void)state;
    hash_embedder embedder;
    floe_search *search = open_small_with(&embedder, "extra");
    assert_int_equal(texts_of_question(search, &embedder, &role_of_people, "salary"), 2);
    assert_int_equal(texts_of_question(search, &embedder, &role_of_people, "salary"), 0);
    assert_int_equal(texts_of_question(search, &embedder, &role_of_hr, "salary"), 1);
    floe_search_close(&search);
}

static void sight__whose_texts_cannot_be_embedded__fails_and_the_next_question_tries_again(void **state) {
    (void)state;
    ARENA(arena);
    hash_embedder embedder;
    floe_search *search = open_small_with(&embedder, "outage");
    floe_query query = {.text = FLOE_STR("salary"), .k = 5, .role = &role_of_people};
    floe_answer answer = {0};
    embedder.fails = true;
    assert_code(floe_search_query(search, &query, &arena, &answer, NULL), FLOE_UNAVAILABLE);
    assert_code(floe_search_query(search, &query, &arena, &answer, NULL), FLOE_UNAVAILABLE);
    embedder.fails = false;
    assert_ok(floe_search_query(search, &query, &arena, &answer, NULL), NULL);
    assert_int_equal(rank_of(&answer, "lake.hr.people.salary"), 1);
    floe_search_close(&search);
}

/* ---- sights kept and dropped ---- */

/* More roles than are kept, asked again and again; an answer outlives the sight it came from. */
static void sights__of_many_roles__are_made_anew_and_their_answers_stay_readable(void **state) {
    (void)state;
    ARENA(arena);
    hash_embedder embedder;
    floe_search *search = open_small_with(&embedder, "many");
    floe_str denied[FLOE_SIGHTS_MAX + 20];
    const char *first[FLOE_SIGHTS_MAX + 20];
    floe_answer kept[FLOE_SIGHTS_MAX + 20];
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < FLOE_SIGHTS_MAX + 20; i++) {
            denied[i] = floe_str_of(floe_arena_printf(&arena, "lake.air.flights.none%zu", i));
            floe_role role = {
                .namespaces = hr, .namespace_count = 1, .deny_columns = &denied[i], .deny_column_count = 1};
            kept[i] = ask_as(search, &arena, &role, "email of teams", FLOE_HIT_ANY);
            const char *now = print_answer(&kept[i], &arena);
            assert_true(kept[i].hit_count > 0);
            assert_string_equal(now, turn == 0 && i == 0 ? now : first[0]);
            first[i] = now;
        }
    }
    for (size_t i = 0; i < FLOE_SIGHTS_MAX + 20; i++) {
        assert_string_equal(print_answer(&kept[i], &arena), first[0]);
    }
    floe_search_close(&search);
}

/* The same place in memory holds another role the second time. */
static void sights__roles_are_told_apart_by_what_they_say_not_by_where_they_lie(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("where", small);
    floe_role role = role_of_hr;
    assert_true(ask_as(search, &arena, &role, "email", FLOE_HIT_ANY).hit_count > 0);
    role = role_of_people;
    assert_int_equal(ask_as(search, &arena, &role, "email", FLOE_HIT_ANY).hit_count, 0);
    role = role_of_nothing;
    assert_int_equal(ask_as(search, &arena, &role, "name", FLOE_HIT_ANY).hit_count, 0);
    floe_search_close(&search);
}

static void scope_same__compares_every_list_in_order(void **state) {
    (void)state;
    ARENA(arena);
    static const floe_str two[] = {TEXT("a"), TEXT("b")};
    static const floe_str turned[] = {TEXT("b"), TEXT("a")};
    floe_role roles[] = {{.views = NULL},
                         {.namespaces = two, .namespace_count = 2},
                         {.namespaces = two, .namespace_count = 1},
                         {.namespaces = turned, .namespace_count = 2},
                         {.tables = two, .table_count = 2},
                         {.deny_columns = two, .deny_column_count = 2},
                         {.views = two, .view_count = 2}};
    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        floe_role copy;
        floe_scope_copy(&roles[i], &arena, &copy);
        for (size_t j = 0; j < sizeof(roles) / sizeof(roles[0]); j++) {
            assert_int_equal(floe_scope_same(&copy, &roles[j]), i == j);
        }
    }
}

/* What a context shows is read from units, so what is hidden must be gone from them too. */
static void scope__keys__lose_what_is_hidden_on_either_side(void **state) {
    (void)state;
    ARENA(arena);
    static const floe_str a[] = {TEXT("a")};
    static const floe_str b[] = {TEXT("b")};
    static const floe_str denied[] = {TEXT("db.t.b"), TEXT("db.seen.b")};
    static const floe_str tables[] = {TEXT("db.t"), TEXT("db.seen")};
    static const floe_foreign_key keys[] = {{a, 1, TEXT("seen"), a, 1}, {a, 1, TEXT("seen"), NULL, 0},
                                            {b, 1, TEXT("seen"), a, 1}, {a, 1, TEXT("seen"), b, 1},
                                            {a, 1, TEXT("gone"), a, 1}, {a, 1, TEXT("gone"), NULL, 0}};
    static const floe_part parts[] = {{.name = TEXT("a")}, {.name = TEXT("b")}, {.name = TEXT("c")}};
    const floe_role role = {.tables = tables, .table_count = 2, .deny_columns = denied, .deny_column_count = 2};
    floe_unit units[] = {{.kind = FLOE_UNIT_TABLE,
                          .space = TEXT("db"),
                          .name = TEXT("t"),
                          .parts = parts,
                          .part_count = 3,
                          .primary_key = {b, 1},
                          .foreign_keys = keys,
                          .foreign_key_count = 6}};
    floe_unit *kept = NULL;
    size_t count = 0;
    bool whole = true;
    floe_scope_units(&role, units, 1, &arena, &kept, &count, &whole);
    assert_int_equal(count, 1);
    assert_false(whole);
    assert_int_equal(kept[0].part_count, 2);
    assert_true(floe_str_is(kept[0].parts[1].name, "c"));
    assert_int_equal(kept[0].primary_key.count, 0);
    assert_int_equal(kept[0].foreign_key_count, 2);
    assert_ptr_equal(kept[0].foreign_keys[0].references, a);
    assert_null(kept[0].foreign_keys[1].references);
    assert_int_equal(units[0].part_count, 3);
    assert_int_equal(units[0].foreign_key_count, 6);
}

/* A kind of unit that scope.c does not know is hidden from every role. */
static void scope__a_unit_of_an_unknown_kind__is_hidden(void **state) {
    (void)state;
    ARENA(arena);
    floe_unit units[] = {{.kind = FLOE_UNIT_TABLE, .space = FLOE_STR("lake"), .name = FLOE_STR("t")},
                         {.kind = (floe_unit_kind)99, .space = FLOE_STR("lake"), .name = FLOE_STR("t")}};
    floe_unit *kept = NULL;
    size_t count = 0;
    bool whole = true;
    floe_scope_units(&role_of_all, units, 2, &arena, &kept, &count, &whole);
    assert_int_equal(count, 1);
    assert_int_equal(kept[0].kind, FLOE_UNIT_TABLE);
    assert_false(whole);
}

/* ---- memory ---- */

typedef struct sweep {
    const char *folder;
    hash_embedder *embedder;
} sweep;

static floe_status ask_once(void *context, floe_error *err) {
    sweep *run = context;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    FLOE_CLEANUP(floe_search_close) floe_search *search = NULL;
    FLOE_TRY(floe_search_open(run->folder, &run->embedder->base, &search, err));
    floe_query query = {.text = FLOE_STR("salary of people"), .k = 5, .role = &role_of_people};
    floe_answer answer = {0};
    FLOE_TRY(floe_search_query(search, &query, &arena, &answer, err));
    query.role = &role_of_all;
    return floe_search_query(search, &query, &arena, &answer, err);
}

static void search__for_a_role__every_allocation_failing_once__is_reported(void **state) {
    (void)state;
    hash_embedder embedder;
    sweep run = {make_small_with(&embedder, "sweep"), &embedder};
    assert_true(floe_test_alloc_sweep(ask_once, &run) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(search__for_a_role_by_words__is_that_of_an_index_of_only_the_visible),
        cmocka_unit_test(search__for_a_role_by_meaning__is_that_of_an_index_of_only_the_visible),
        cmocka_unit_test(search__for_a_role_in_a_large_catalog__is_that_of_an_index_of_only_the_visible),
        cmocka_unit_test(denied_column__is_neither_found_nor_finds_its_table),
        cmocka_unit_test(join__to_a_hidden_table__neither_counts_nor_shows),
        cmocka_unit_test(in__a_hidden_namespace__is_unknown_and_never_suggested),
        cmocka_unit_test(role__that_sees_everything__gets_the_answers_of_no_role),
        cmocka_unit_test(role__that_sees_nothing__finds_nothing),
        cmocka_unit_test(search__for_a_role__gives_k_hits_when_k_exist),
        cmocka_unit_test(question__with_a_word_of_hidden_tables__embeds_what_one_with_an_unknown_word_does),
        cmocka_unit_test(sight__of_a_role__embeds_only_what_the_file_has_not_and_once),
        cmocka_unit_test(sight__whose_texts_cannot_be_embedded__fails_and_the_next_question_tries_again),
        cmocka_unit_test(sights__of_many_roles__are_made_anew_and_their_answers_stay_readable),
        cmocka_unit_test(sights__roles_are_told_apart_by_what_they_say_not_by_where_they_lie),
        cmocka_unit_test(scope_same__compares_every_list_in_order),
        cmocka_unit_test(scope__keys__lose_what_is_hidden_on_either_side),
        cmocka_unit_test(scope__a_unit_of_an_unknown_kind__is_hidden),
        cmocka_unit_test(search__for_a_role__every_allocation_failing_once__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
