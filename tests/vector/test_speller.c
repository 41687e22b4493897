/*
 * What the words of names stand for: abbreviations, glued words, short forms, and what a namespace teaches.
 */
#include "tests/support/support.h"

#include "core/buf.h"
#include "core/limits.h"
#include "core/mem.h"
#include "vector/words/spell_int.h"

#include <stdio.h>

typedef struct fixture {
    floe_arena arena;
    floe_speller speller;
} fixture;

static void open_with(fixture *f, const char *abbreviations) {
    floe_error err = {0};
    floe_arena_init(&f->arena, FLOE_MIB(64));
    assert_ok(floe_speller_init(&f->speller, &f->arena, floe_str_of(abbreviations), &err), &err);
}

static void close_fixture(fixture *f) {
    floe_arena_close(&f->arena);
}

/* The reading as words with blanks between them; the word itself when it stands for itself. */
static void reads(fixture *f, const char *space, const char *word, const char *want) {
    FLOE_AUTO_BUF got;
    floe_buf_init(&got, FLOE_KIB(4));
    const floe_reading *reading = floe_speller_read(&f->speller, floe_str_of(space), floe_str_of(word));
    for (size_t i = 0; i < reading->count; i++) {
        floe_buf_printf(&got, "%s%.*s", i > 0 ? " " : "", FLOE_STR_ARG(reading->words[i]));
    }
    if (reading->count == 0) {
        floe_buf_text(&got, reading->silent ? "" : word);
    }
    floe_buf_byte(&got, '\0');
    assert_string_equal(got.ptr, want);
}

static void learn(fixture *f, const char *space, const char *table, const char *column, const char *description) {
    floe_part part = {.name = floe_str_of(column), .description = floe_str_of(description)};
    floe_unit unit = {.kind = FLOE_UNIT_TABLE,
                      .space = floe_str_of(space),
                      .name = floe_str_of(table),
                      .parts = &part,
                      .part_count = 1};
    floe_speller_learn(&f->speller, &unit);
}

/* ---- lists ---- */

static void abbreviation__listed__stands_for_its_long_form(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    reads(&f, "", "cust", "customer");
    reads(&f, "", "acct", "account");
    reads(&f, "", "nbr", "number");
    reads(&f, "", "qty", "quantity");
    reads(&f, "", "dob", "date of birth");
    close_fixture(&f);
}

static void abbreviation__mark__stands_for_nothing(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    reads(&f, "", "tbl", "");
    assert_true(floe_speller_read(&f.speller, FLOE_STR(""), FLOE_STR("tbl"))->silent);
    assert_false(floe_speller_read(&f.speller, FLOE_STR(""), FLOE_STR("cust"))->silent);
    assert_null(floe_speller_abbreviation(&f.speller, FLOE_STR("tbl")));
    assert_non_null(floe_speller_abbreviation(&f.speller, FLOE_STR("cust")));
    assert_null(floe_speller_abbreviation(&f.speller, FLOE_STR("customer")));
    close_fixture(&f);
}

static void abbreviations__all_listed__are_folded_words_each_once(void **state) {
    (void)state;
    for (size_t i = 0; i < floe_abbreviation_count; i++) {
        const floe_abbreviation *one = &floe_abbreviations[i];
        floe_words words = floe_words_of(floe_str_of(one->short_form));
        floe_str word = {0};
        assert_true(floe_words_next(&words, &word));
        assert_true(floe_str_is(word, one->short_form));
        assert_false(floe_words_next(&words, &word));
        /* Sorted, so that no short form comes twice. */
        assert_true(i == 0 || strcmp(floe_abbreviations[i - 1].short_form, one->short_form) < 0);
        assert_string_not_equal(one->short_form, one->long_form);
    }
}

static void words__all_listed__are_lower_case_each_once(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_map seen;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_map_init(&seen, &arena);
    const char *const *const lists[] = {floe_words_common, floe_words_more};
    for (size_t i = 0; i < 2; i++) {
        for (const char *const *line = lists[i]; *line; line++) {
            floe_str rest = floe_str_of(*line);
            floe_str word = {0};
            while (floe_str_split(&rest, ' ', &word)) {
                assert_true(word.len >= 3);
                for (size_t j = 0; j < word.len; j++) {
                    assert_in_range(word.ptr[j], 'a', 'z');
                }
                assert_null(floe_map_put(&seen, word, &seen));
            }
        }
    }
    assert_true(seen.count > 10000);
}

static void word__listed__stands_for_itself(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    reads(&f, "", "customer", "customer");
    reads(&f, "", "carpet", "carpet"); /* not car and pet */
    reads(&f, "", "information", "information");
    reads(&f, "", "airports", "airports");
    assert_true(floe_speller_lists(&f.speller, FLOE_STR("customer")));
    assert_true(floe_speller_lists(&f.speller, FLOE_STR("customers")));
    assert_false(floe_speller_lists(&f.speller, FLOE_STR("custmer")));
    assert_false(floe_speller_lists(&f.speller, FLOE_STR("")));
    assert_false(floe_speller_lists(&f.speller, FLOE_STR("s")));
    close_fixture(&f);
}

static void word__number_or_other_script__stands_for_itself(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    reads(&f, "", "2021", "2021");
    reads(&f, "", "kundennummer\xc3\x9f", "kundennummer\xc3\x9f");
    reads(&f, "", "\xe5\xae\xa2", "\xe5\xae\xa2");
    close_fixture(&f);
}

/* ---- glued ---- */

static void glued__listed_words__come_apart(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    reads(&f, "", "orderlineitem", "order line item");
    reads(&f, "", "customeraddress", "customer address");
    reads(&f, "", "firstname", "first name");
    reads(&f, "", "dateofbirth", "date of birth");
    reads(&f, "", "airportid", "airport id");
    close_fixture(&f);
}

static void glued__abbreviations__come_apart_and_are_read(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    reads(&f, "", "custacctnbr", "customer account number");
    reads(&f, "", "orderqty", "order quantity");
    close_fixture(&f);
}

static void glued__too_many_small_parts__is_one_word(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    /* per, pet, rat, or */
    reads(&f, "", "perpetrator", "perpetrator");
    close_fixture(&f);
}

static void glued__words_of_the_namespace__are_parts(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    reads(&f, "one", "zweckmassorder", "zweckmassorder");
    close_fixture(&f);
    open_with(&f, "");
    learn(&f, "one", "t", "c", "the zweckmass of a thing");
    reads(&f, "one", "zweckmassorder", "zweckmass order");
    /* What one namespace spells out says nothing about another. */
    reads(&f, "two", "zweckmassorder", "zweckmassorder");
    reads(&f, "", "zweckmassorder", "zweckmassorder");
    close_fixture(&f);
}

/* ---- short forms ---- */

static void short__without_vowels__is_the_word(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    reads(&f, "", "stdnt", "student");
    reads(&f, "", "tchng", "teaching");
    reads(&f, "", "brthdy", "birthday");
    close_fixture(&f);
}

static void short__beginning__is_the_word_of_the_namespace(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    learn(&f, "school", "enrollment", "enrollment_date", "");
    learn(&f, "bank", "t", "c", "an enraged customer");
    reads(&f, "school", "enrl", "enrollment"); /* listed */
    reads(&f, "school", "enro", "enrollment");
    reads(&f, "bank", "enra", "enraged");
    close_fixture(&f);
}

static void short__namespace_spells_it_out__comes_before_the_list(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    learn(&f, "vet", "place", "size", "square metres of a kennel");
    reads(&f, "vet", "knnl", "kennel");
    reads(&f, "other", "knnl", "knnl");
    learn(&f, "rest", "studio", "studio_size", "");
    reads(&f, "rest", "stud", "studio");
    close_fixture(&f);
}

static void short__nothing_fits__stands_for_itself(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    reads(&f, "", "xqzv", "xqzv");
    reads(&f, "", "zz", "zz");
    assert_false(floe_speller_read(&f.speller, FLOE_STR(""), FLOE_STR("xqzv"))->known);
    assert_true(floe_speller_read(&f.speller, FLOE_STR(""), FLOE_STR("stdnt"))->known);
    close_fixture(&f);
}

static void reading__asked_again__is_the_same(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "");
    const floe_reading *first = floe_speller_read(&f.speller, FLOE_STR("a"), FLOE_STR("custacctnbr"));
    char own[] = "custacctnbr";
    assert_ptr_equal(floe_speller_read(&f.speller, FLOE_STR("a"), floe_str_of(own)), first);
    /* The words do not lie in what was asked. */
    memset(own, 'x', sizeof(own) - 1);
    assert_true(floe_str_is(first->words[2], "number"));
    close_fixture(&f);
}

static void word__longest__is_read(void **state) {
    (void)state;
    fixture f;
    char word[FLOE_WORD_MAX];
    open_with(&f, "");
    for (size_t i = 0; i < sizeof(word); i++) {
        word[i] = "order"[i % 5];
    }
    /* 64 letters: twelve times "order" and "orde": more parts than a name has. */
    const floe_reading *reading = floe_speller_read(&f.speller, FLOE_STR(""), (floe_str){word, sizeof(word)});
    assert_int_equal(reading->count, 0);
    reading = floe_speller_read(&f.speller, FLOE_STR(""), (floe_str){word, 30});
    assert_int_equal(reading->count, 6);
    close_fixture(&f);
}

/* Random letters: whatever is read, its parts spell the word, or it is an abbreviation or short form of one word. */
static void words__random__are_read_without_harm(void **state) {
    (void)state;
    fixture f;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    open_with(&f, "");
    for (int i = 0; i < 5000; i++) {
        char word[FLOE_WORD_MAX];
        size_t len = 1 + floe_test_below(&rng, FLOE_WORD_MAX);
        for (size_t j = 0; j < len; j++) {
            word[j] =
                (char)(floe_test_below(&rng, 40) == 0 ? floe_test_below(&rng, 256) : 'a' + floe_test_below(&rng, 26));
        }
        const floe_reading *reading = floe_speller_read(&f.speller, FLOE_STR("s"), (floe_str){word, len});
        for (size_t j = 0; j < reading->count; j++) {
            assert_true(reading->words[j].len > 0);
        }
        assert_true(reading->count == 0 || reading->known);
    }
    close_fixture(&f);
}

/* ---- a user's own ---- */

static void own__lines__come_before_the_list(void **state) {
    (void)state;
    fixture f;
    open_with(&f, "# ours\n\nCUST custody\nMRN\tmedical record number # patients\r\nqty\nLz  Lagerzone\n");
    reads(&f, "", "cust", "custody");
    reads(&f, "", "mrn", "medical record number");
    reads(&f, "", "lz", "lagerzone");
    /* Without a long form it is a word as it stands. */
    reads(&f, "", "qty", "qty");
    reads(&f, "", "acct", "account");
    close_fixture(&f);
}

static void own__bad_line__is_refused_with_its_place(void **state) {
    (void)state;
    static const char *const bad[] = {"ok fine\ncust_id customer\n", "\n---  nothing\n"};
    floe_error err = {0};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        floe_speller speller;
        err = (floe_error){0};
        assert_code(floe_speller_init(&speller, &arena, floe_str_of(bad[i]), &err), FLOE_INVALID);
        assert_message(&err, "abbreviations:2");
    }
}

static void own__long_form_too_long__is_refused(void **state) {
    (void)state;
    FLOE_AUTO_BUF text;
    FLOE_AUTO_ARENA arena;
    floe_speller speller;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&text, FLOE_KIB(4));
    floe_buf_text(&text, "abc");
    for (int i = 0; i < 60; i++) {
        floe_buf_text(&text, " words");
    }
    assert_code(floe_speller_init(&speller, &arena, floe_buf_view(&text), &err), FLOE_INVALID);
    assert_message(&err, "stands for");
}

static floe_status init_and_read(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA arena;
    floe_speller speller;
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_TRY(floe_speller_init(&speller, &arena, FLOE_STR("cust custody\n"), err));
    floe_part part = {.name = FLOE_STR("kennel_size")};
    floe_unit unit = {
        .kind = FLOE_UNIT_TABLE, .space = FLOE_STR("vet"), .name = FLOE_STR("kennel"), .parts = &part, .part_count = 1};
    floe_speller_learn(&speller, &unit);
    (void)floe_speller_read(&speller, FLOE_STR("vet"), FLOE_STR("knnl"));
    (void)floe_speller_read(&speller, FLOE_STR("vet"), FLOE_STR("orderlineitem"));
    return floe_arena_check(&arena, err);
}

static void speller__any_allocation_fails__is_nomem(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(init_and_read, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(abbreviation__listed__stands_for_its_long_form),
        cmocka_unit_test(abbreviation__mark__stands_for_nothing),
        cmocka_unit_test(abbreviations__all_listed__are_folded_words_each_once),
        cmocka_unit_test(words__all_listed__are_lower_case_each_once),
        cmocka_unit_test(word__listed__stands_for_itself),
        cmocka_unit_test(word__number_or_other_script__stands_for_itself),
        cmocka_unit_test(glued__listed_words__come_apart),
        cmocka_unit_test(glued__abbreviations__come_apart_and_are_read),
        cmocka_unit_test(glued__too_many_small_parts__is_one_word),
        cmocka_unit_test(glued__words_of_the_namespace__are_parts),
        cmocka_unit_test(short__without_vowels__is_the_word),
        cmocka_unit_test(short__beginning__is_the_word_of_the_namespace),
        cmocka_unit_test(short__namespace_spells_it_out__comes_before_the_list),
        cmocka_unit_test(short__nothing_fits__stands_for_itself),
        cmocka_unit_test(reading__asked_again__is_the_same),
        cmocka_unit_test(word__longest__is_read),
        cmocka_unit_test(words__random__are_read_without_harm),
        cmocka_unit_test(own__lines__come_before_the_list),
        cmocka_unit_test(own__bad_line__is_refused_with_its_place),
        cmocka_unit_test(own__long_form_too_long__is_refused),
        cmocka_unit_test(speller__any_allocation_fails__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
