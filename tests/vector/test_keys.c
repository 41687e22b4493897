/*
 * Keys whose columns are written otherwise than the columns themselves: they are the columns' own where only case differs, and
 * nothing that a context shows where there is no such column. What a role may not see stays unseen by any spelling.
 */
#include "tests/vector/maker.h"

#include "core/limits.h"

#include <string.h>

static floe_arena arena;

static const char lines[] = "{\"database\":\"d\",\"table\":\"emp\",\"columns\":[{\"name\":\"id\"},{\"name\":\"Salary_"
                            "Band\"},{\"name\":\"badge\"}],"
                            "\"primary_key\":[\"BADGE\"],\"foreign_keys\":[{\"columns\":[\"salary_band\"],\"table\":"
                            "\"band\",\"references\":[\"ID\"]}]}\n"
                            "{\"database\":\"d\",\"table\":\"band\",\"columns\":[{\"name\":\"id\"},{\"name\":\"title\"}"
                            "],\"primary_key\":[\"ID\"]}\n"
                            "{\"database\":\"d\",\"table\":\"bonus\",\"columns\":[{\"name\":\"amount\"}],\"foreign_"
                            "keys\":[{\"columns\":[\"nobody\"],"
                            "\"table\":\"band\",\"references\":[\"nothing\"]}]}\n"
                            "{\"database\":\"d\",\"table\":\"twice\",\"columns\":[{\"name\":\"A\"},{\"name\":\"a\"}],"
                            "\"foreign_keys\":[{\"columns\":"
                            "[\"a\"],\"table\":\"band\",\"references\":[\"id\"]}]}\n";

static floe_search *search;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    search = make_search("keys", lines);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_search_close(&search);
    floe_arena_close(&arena);
    return 0;
}

static const char *context_of(const char *question, const floe_role *role) {
    floe_context_request request = {.question = floe_str_of(question), .role = role};
    floe_context context = {0};
    floe_error err = {0};
    assert_ok(floe_context_make(search, &request, &arena, &context, &err), &err);
    return floe_arena_strndup(&arena, context.text.ptr, context.text.len);
}

static void keys__in_another_case__are_the_columns_themselves(void **state) {
    (void)state;
    const char *text = context_of("salary band of emp", NULL);
    assert_non_null(strstr(text, "PRIMARY KEY (\"badge\")"));
    assert_non_null(strstr(text, "FOREIGN KEY (\"Salary_Band\") REFERENCES \"d\".\"band\" (\"id\")"));
    assert_non_null(strstr(text, "\"d\".\"emp\".\"Salary_Band\" = \"d\".\"band\".\"id\""));
    assert_null(strstr(text, "salary_band"));
    assert_null(strstr(text, "\"ID\""));
}

static void keys__with_a_column_of_the_very_name__take_that(void **state) {
    (void)state;
    assert_non_null(strstr(context_of("twice", NULL), "FOREIGN KEY (\"a\")"));
}

static void keys__over_columns_that_are_not_there__join_tables_and_show_no_column(void **state) {
    (void)state;
    const char *text = context_of("bonus amount and band title", NULL);
    assert_non_null(strstr(text, "\"d\".\"bonus\" refers to \"d\".\"band\""));
    assert_null(strstr(text, "nobody"));
    assert_null(strstr(text, "nothing"));
}

/* Each denied column in turn, by its own name: the key that spells it otherwise goes with it. */
static void keys__of_a_denied_column__are_hidden_in_any_case(void **state) {
    (void)state;
    static const char *const denied[] = {"d.emp.Salary_Band", "d.band.id", "d.emp.badge"};
    static const char *const hidden[] = {"alary_", "\"band\".\"", "adge"};
    static const char *const hidden_too[] = {"alary_", "\"ID\"", "ADGE"};
    for (size_t i = 0; i < 3; i++) {
        floe_str spaces[] = {FLOE_STR("d")};
        floe_str columns[] = {floe_str_of(denied[i])};
        floe_role role = {.namespaces = spaces, .namespace_count = 1, .deny_columns = columns, .deny_column_count = 1};
        const char *text = context_of("salary band of emp, title", &role);
        if (strstr(text, hidden[i]) != NULL || strstr(text, hidden_too[i]) != NULL) {
            print_message("%s\n%s\n", denied[i], text);
            fail();
        }
        floe_query query = {.text = FLOE_STR("emp"), .k = 20, .kind = FLOE_HIT_TABLE, .role = &role};
        floe_answer answer = {0};
        assert_ok(floe_search_query(search, &query, &arena, &answer, NULL), NULL);
        /* With the key the link is gone too; of the primary key there was none. */
        assert_int_equal(rank_of(&answer, "d.band") > 0, i == 2);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys__in_another_case__are_the_columns_themselves),
        cmocka_unit_test(keys__with_a_column_of_the_very_name__take_that),
        cmocka_unit_test(keys__over_columns_that_are_not_there__join_tables_and_show_no_column),
        cmocka_unit_test(keys__of_a_denied_column__are_hidden_in_any_case),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
