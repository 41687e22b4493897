/*
 * Search over ugly names and by misspelt questions: what is found, what is said about it, and what stays hidden.
 */
#include "tests/vector/maker.h"

#include "core/limits.h"

#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&(name), FLOE_MIB(64))

static const char ugly[] =
    "{\"database\":\"bank\",\"table\":\"T_CUST_ACCT\",\"columns\":[{\"name\":\"CUST_ACCT_NBR\"},{\"name\":\"BAL_AMT\"}]"
    "}\n"
    "{\"database\":\"bank\",\"table\":\"tblBranch\",\"columns\":[{\"name\":\"strCity\"}]}\n"
    "{\"database\":\"shop\",\"table\":\"orderlineitem\",\"columns\":[{\"name\":\"itemprice\"},{\"name\":\"qty\"}]}\n"
    "{\"database\":\"shop\",\"table\":\"warehouse\",\"columns\":[{\"name\":\"temperature\"}]}\n"
    "{\"database\":\"school\",\"table\":\"STDNT\",\"columns\":[{\"name\":\"ENRL_DT\"},{\"name\":\"LNAME\"}]}\n";

static const char *best(floe_search *search, const char *question, floe_hit_kind kind, floe_arena *arena) {
    floe_answer answer = ask(search, arena, question, 5, kind, "");
    check_answer(&answer);
    return answer.hit_count > 0 ? place_of(&answer.hits[0], arena) : "nothing";
}

static void names__abbreviated__are_found_by_their_long_forms(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("ugly", ugly);
    assert_string_equal(best(search, "balance of customer accounts", FLOE_HIT_TABLE, &arena), "bank.T_CUST_ACCT");
    assert_string_equal(best(search, "account number", FLOE_HIT_COLUMN, &arena), "bank.T_CUST_ACCT.CUST_ACCT_NBR");
    assert_string_equal(best(search, "when did students enroll", FLOE_HIT_TABLE, &arena), "school.STDNT");
    assert_string_equal(best(search, "last name", FLOE_HIT_COLUMN, &arena), "school.STDNT.LNAME");
    floe_search_close(&search);
}

static void names__glued__are_found_by_their_parts(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("ugly", ugly);
    assert_string_equal(best(search, "items of orders", FLOE_HIT_TABLE, &arena), "shop.orderlineitem");
    assert_string_equal(best(search, "price", FLOE_HIT_COLUMN, &arena), "shop.orderlineitem.itemprice");
    assert_string_equal(best(search, "quantity", FLOE_HIT_COLUMN, &arena), "shop.orderlineitem.qty");
    floe_search_close(&search);
}

static void names__as_they_are_written__are_found_and_exact(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("ugly", ugly);
    static const char *const typed[] = {"T_CUST_ACCT", "t_cust_acct", "orderlineitem", "STDNT"};
    static const char *const places[] = {"bank.T_CUST_ACCT", "bank.T_CUST_ACCT", "shop.orderlineitem", "school.STDNT"};
    for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
        floe_answer answer = ask(search, &arena, typed[i], 5, FLOE_HIT_TABLE, "");
        assert_string_equal(place_of(&answer.hits[0], &arena), places[i]);
        assert_true(share_of(&answer.hits[0], "exact name") > 0);
    }
    assert_string_equal(best(search, "acct", FLOE_HIT_TABLE, &arena), "bank.T_CUST_ACCT");
    floe_search_close(&search);
}

static void question__abbreviation__finds_the_long_form(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("plain", "{\"database\":\"a\",\"table\":\"customer\",\"columns\":[]}\n"
                                               "{\"database\":\"a\",\"table\":\"invoice\",\"columns\":[]}\n");
    floe_answer answer = ask(search, &arena, "cust", 5, FLOE_HIT_TABLE, "");
    assert_int_equal(answer.hit_count, 1);
    assert_string_equal(place_of(&answer.hits[0], &arena), "a.customer");
    assert_string_equal(words_of(&answer.hits[0], "similar spelling", &arena), "cust ~ customer");
    floe_search_close(&search);
}

/* ---- typos ---- */

static void typo__of_a_word_that_nothing_has__is_put_right_and_told(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("ugly", ugly);
    static const char *const questions[] = {"temprature", "temperatrue", "temeprature of the warehouse"};
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        floe_answer answer = ask(search, &arena, questions[i], 5, FLOE_HIT_TABLE, "");
        check_answer(&answer);
        assert_string_equal(place_of(&answer.hits[0], &arena), "shop.warehouse");
        assert_true(share_of(&answer.hits[0], "similar spelling") > 0);
        assert_non_null(strstr(words_of(&answer.hits[0], "similar spelling", &arena), " ~ temperature"));
    }
    floe_search_close(&search);
}

static void typo__words_spelt_right_beside_it__are_told_apart(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("ugly", ugly);
    floe_answer answer = ask(search, &arena, "warehouse temprature", 5, FLOE_HIT_TABLE, "");
    check_answer(&answer);
    assert_string_equal(words_of(&answer.hits[0], "names", &arena), "warehouse");
    assert_string_equal(words_of(&answer.hits[0], "similar spelling", &arena), "temprature ~ temperature");
    floe_search_close(&search);
}

static void typo__never_stands_above_the_word_itself(void **state) {
    (void)state;
    ARENA(arena);
    /* "plase" is there as it is asked, so it is not taken for "place". */
    floe_search *search = make_search("two", "{\"database\":\"a\",\"table\":\"place\",\"columns\":[]}\n"
                                             "{\"database\":\"a\",\"table\":\"plase\",\"columns\":[]}\n");
    floe_answer answer = ask(search, &arena, "plase", 5, FLOE_HIT_TABLE, "");
    assert_int_equal(answer.hit_count, 1);
    assert_string_equal(place_of(&answer.hits[0], &arena), "a.plase");
    assert_true(share_of(&answer.hits[0], "similar spelling") == 0);
    floe_search_close(&search);
}

static void typo__english_word_that_nothing_has__is_taken_as_it_is(void **state) {
    (void)state;
    ARENA(arena);
    /* Planes are not places. */
    floe_search *search = make_search("places", "{\"database\":\"a\",\"table\":\"places\",\"columns\":[]}\n");
    floe_answer answer = ask(search, &arena, "planes", 5, FLOE_HIT_TABLE, "");
    assert_int_equal(answer.hit_count, 0);
    floe_search_close(&search);
}

static void typo__too_short_or_too_far__finds_nothing(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("ugly", ugly);
    static const char *const questions[] = {"ctz", "tempretuer", "wxrxhxusx", "2021", "\xe5\xae\xa2"};
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        assert_int_equal(ask(search, &arena, questions[i], 5, FLOE_HIT_TABLE, "").hit_count, 0);
    }
    floe_search_close(&search);
}

static void typo__nearest_word__wins_over_a_further_one(void **state) {
    (void)state;
    ARENA(arena);
    floe_search *search = make_search("near", "{\"database\":\"a\",\"table\":\"kontrakten\",\"columns\":[]}\n"
                                              "{\"database\":\"a\",\"table\":\"kontrabass\",\"columns\":[]}\n");
    assert_string_equal(best(search, "kontrakte", FLOE_HIT_TABLE, &arena), "a.kontrakten");
    assert_string_equal(best(search, "kontrabas", FLOE_HIT_TABLE, &arena), "a.kontrabass");
    floe_search_close(&search);
}

/* ---- scopes ---- */

static void spelling__within_a_namespace__is_that_of_an_index_without_the_rest(void **state) {
    (void)state;
    ARENA(arena);
    static const char one[] = "{\"database\":\"one\",\"table\":\"zweckmassorder\",\"columns\":[{\"name\":\"knnl\"}]}\n"
                              "{\"database\":\"one\",\"table\":\"gadget\",\"columns\":[{\"name\":\"zweck\"}]}\n";
    static const char two[] =
        "{\"database\":\"two\",\"table\":\"zweckmass\",\"description\":\"the zweckmass of a kennel, in gadgetts\","
        "\"columns\":[{\"name\":\"kennel\"}]}\n";
    static const char *const questions[] = {"kennel", "order", "zweckmas", "zwekmass", "gadgett", "kennell orders"};
    char both[1024];
    (void)snprintf(both, sizeof(both), "%s%s", one, two);
    floe_search *alone = make_search("alone", one);
    floe_search *whole = make_search("whole", both);
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        floe_answer want = ask(alone, &arena, questions[i], 9, FLOE_HIT_ANY, "");
        floe_answer got = ask(whole, &arena, questions[i], 9, FLOE_HIT_ANY, "one");
        assert_int_equal(got.hit_count, want.hit_count);
        for (size_t h = 0; h < got.hit_count; h++) {
            assert_string_equal(place_of(&got.hits[h], &arena), place_of(&want.hits[h], &arena));
            assert_true(got.hits[h].score == want.hits[h].score);
            assert_int_equal(got.hits[h].reason_count, want.hits[h].reason_count);
            for (size_t r = 0; r < got.hits[h].reason_count; r++) {
                assert_true(floe_str_equal(got.hits[h].reasons[r].words, want.hits[h].reasons[r].words));
            }
        }
    }
    floe_search_close(&alone);
    floe_search_close(&whole);
}

/* ---- a user's abbreviations ---- */

static const char mrn[] = "{\"database\":\"clinic\",\"table\":\"visits\",\"columns\":[{\"name\":\"mrn\"}]}\n";

static floe_search *search_with(const char *folder, const char *lines, const char *abbreviations,
                                floe_index_result *ret_result) {
    const char *import = make_file("lines.jsonl", lines);
    floe_search *search = NULL;
    floe_error err = {0};
    floe_index_request request = {
        .folder = folder, .imports = &import, .import_count = 1, .abbreviations = abbreviations};
    assert_ok(floe_index_build(&request, ret_result, &err), &err);
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    return search;
}

static void abbreviations__of_the_user__are_part_of_the_index(void **state) {
    (void)state;
    ARENA(arena);
    floe_index_result result = {0};
    const char *folder = make_folder("clinic");
    floe_search *search = search_with(folder, mrn, NULL, &result);
    assert_string_equal(best(search, "medical record", FLOE_HIT_COLUMN, &arena), "nothing");
    floe_search_close(&search);
    search = search_with(folder, mrn, make_file("short.txt", "MRN medical record number\n"), &result);
    assert_string_equal(best(search, "medical record", FLOE_HIT_COLUMN, &arena), "clinic.visits.mrn");
    floe_search_close(&search);
    /* Nothing of the documents changed, and without the file it is as before. */
    assert_int_equal(result.documents_changed, 0);
    search = search_with(folder, mrn, NULL, &result);
    assert_string_equal(best(search, "medical record", FLOE_HIT_COLUMN, &arena), "nothing");
    floe_search_close(&search);
}

static void abbreviations__bad_file__is_refused_and_the_index_stays(void **state) {
    (void)state;
    ARENA(arena);
    floe_index_result result = {0};
    floe_error err = {0};
    const char *folder = make_folder("stays");
    floe_search *search = search_with(folder, mrn, NULL, &result);
    const char *bad = make_file("bad.txt", "ok okay\nm_r_n medical\n");
    floe_index_request request = {.folder = folder, .abbreviations = bad};
    assert_code(floe_index_build(&request, &result, &err), FLOE_INVALID);
    assert_message(&err, "bad.txt:2");
    err = (floe_error){0};
    request.abbreviations = make_folder("no_such_file");
    assert_code(floe_index_build(&request, &result, &err), FLOE_NOT_FOUND);
    assert_false(floe_search_is_stale(search));
    assert_string_equal(best(search, "visits", FLOE_HIT_TABLE, &arena), "clinic.visits");
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names__abbreviated__are_found_by_their_long_forms),
        cmocka_unit_test(names__glued__are_found_by_their_parts),
        cmocka_unit_test(names__as_they_are_written__are_found_and_exact),
        cmocka_unit_test(question__abbreviation__finds_the_long_form),
        cmocka_unit_test(typo__of_a_word_that_nothing_has__is_put_right_and_told),
        cmocka_unit_test(typo__words_spelt_right_beside_it__are_told_apart),
        cmocka_unit_test(typo__never_stands_above_the_word_itself),
        cmocka_unit_test(typo__english_word_that_nothing_has__is_taken_as_it_is),
        cmocka_unit_test(typo__too_short_or_too_far__finds_nothing),
        cmocka_unit_test(typo__nearest_word__wins_over_a_further_one),
        cmocka_unit_test(spelling__within_a_namespace__is_that_of_an_index_without_the_rest),
        cmocka_unit_test(abbreviations__of_the_user__are_part_of_the_index),
        cmocka_unit_test(abbreviations__bad_file__is_refused_and_the_index_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
