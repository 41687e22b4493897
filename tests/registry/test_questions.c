/*
 * Verified questions in the registry: they stay, they are replaced by their text, and a registry without any is left as
 * it is.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/sql.h"
#include "registry/registry.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static floe_arena arena;
static floe_registry *registry;
static const char *path;

static int open_new(void **state) {
    static int number;
    (void)state;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    path = floe_arena_printf(&arena, "%s/registry-%d.db", floe_test_temp_dir(), number++);
    assert_ok(floe_registry_open(path, true, &registry, &err), &err);
    return 0;
}

static int close_it(void **state) {
    (void)state;
    floe_registry_close(&registry);
    floe_arena_close(&arena);
    return 0;
}

static floe_question_entry entry_of(const char *question, const char *sql, const floe_question_table *tables,
                                    size_t count) {
    return (floe_question_entry){
        .question = floe_str_of(question), .sql = floe_str_of(sql), .tables = tables, .table_count = count};
}

static const floe_question_table two[] = {{{"lake.a", 6}, {"t", 1}}, {{"we\"ird\n", 7}, {"x.y [", 5}}};

/* "1 question|sql|database/table,…;" of each. */
static const char *all(void) {
    const floe_question_entry *entries = NULL;
    size_t count = 0;
    const char *text = "";
    floe_error err = {0};
    assert_ok(floe_registry_questions(registry, &arena, &entries, &count, &err), &err);
    for (size_t i = 0; i < count; i++) {
        text = floe_arena_printf(&arena, "%s%lld %.*s|%.*s|", text, (long long)entries[i].id,
                                 FLOE_STR_ARG(entries[i].question), FLOE_STR_ARG(entries[i].sql));
        for (size_t k = 0; k < entries[i].table_count; k++) {
            text = floe_arena_printf(&arena, "%s%s%.*s/%.*s", text, k > 0 ? "," : "",
                                     FLOE_STR_ARG(entries[i].tables[k].database),
                                     FLOE_STR_ARG(entries[i].tables[k].table));
        }
        assert_true(entries[i].added_us > 0);
        text = floe_arena_printf(&arena, "%s;", text);
    }
    return text;
}

static int64_t version(void) {
    int64_t found = -1;
    floe_error err = {0};
    assert_ok(floe_registry_questions_version(registry, &found, &err), &err);
    return found;
}

static void put(const char *question, const char *sql, int64_t wanted_id) {
    floe_question_entry entry = entry_of(question, sql, two, 2);
    int64_t id = 0;
    floe_error err = {0};
    assert_ok(floe_registry_questions_put(registry, &entry, 1, &id, &err), &err);
    assert_int_equal(id, wanted_id);
}

static void questions__none__is_an_empty_list_and_writes_nothing(void **state) {
    (void)state;
    floe_error err = {0};
    assert_string_equal(all(), "");
    assert_int_equal(version(), 0);
    assert_code(floe_registry_question_remove(registry, 1, &err), FLOE_NOT_FOUND);
    assert_message(&err, "floe question ls");
    assert_ok(floe_registry_questions_put(registry, NULL, 0, NULL, &err), NULL);
    assert_int_equal(version(), 0);
}

static void questions__kept__are_there_after_a_reopen(void **state) {
    (void)state;
    put("how many?", "SELECT 1", 1);
    put("wie viele \xC3\xA4?", "SELECT\n  2 -- ;", 2);
    const char *want = "1 how many?|SELECT 1|lake.a/t,we\"ird\n/x.y [;2 wie viele \xC3\xA4?|SELECT\n  2 -- "
                       ";|lake.a/t,we\"ird\n/x.y [;";
    assert_string_equal(all(), want);
    floe_registry_close(&registry);
    floe_error err = {0};
    assert_ok(floe_registry_open(path, false, &registry, &err), &err);
    assert_string_equal(all(), want);
}

static void questions__the_same_text__is_replaced_and_keeps_its_id(void **state) {
    (void)state;
    put("a", "SELECT 1", 1);
    put("b", "SELECT 2", 2);
    put("a", "SELECT 3", 1);
    assert_string_equal(all(), "1 a|SELECT 3|lake.a/t,we\"ird\n/x.y [;2 b|SELECT 2|lake.a/t,we\"ird\n/x.y [;");
}

static void questions__removed__are_gone_and_their_ids_are_not_given_again(void **state) {
    (void)state;
    floe_error err = {0};
    put("a", "SELECT 1", 1);
    put("b", "SELECT 2", 2);
    assert_ok(floe_registry_question_remove(registry, 2, &err), &err);
    assert_code(floe_registry_question_remove(registry, 2, &err), FLOE_NOT_FOUND);
    put("c", "SELECT 3", 3);
    assert_string_equal(all(), "1 a|SELECT 1|lake.a/t,we\"ird\n/x.y [;3 c|SELECT 3|lake.a/t,we\"ird\n/x.y [;");
}

static void questions__every_change__has_a_version_of_its_own(void **state) {
    (void)state;
    floe_error err = {0};
    int64_t before = version();
    put("a", "SELECT 1", 1);
    int64_t added = version();
    put("a", "SELECT 2", 1);
    int64_t replaced = version();
    assert_ok(floe_registry_question_remove(registry, 1, &err), &err);
    int64_t removed = version();
    assert_true(before != added && added != replaced && replaced != removed);
    assert_code(floe_registry_question_remove(registry, 1, &err), FLOE_NOT_FOUND);
    assert_int_equal(version(), removed);
}

static void questions__one_bad_entry__keeps_all_out(void **state) {
    (void)state;
    char *lengthy = floe_arena_alloc(&arena, FLOE_QUESTION_SQL_BYTES_MAX + 2, 1);
    memset(lengthy, 'x', FLOE_QUESTION_SQL_BYTES_MAX + 1);
    const struct {
        floe_question_entry entry;
        floe_code code;
    } cases[] = {
        {entry_of(" ", "SELECT 1", two, 1), FLOE_INVALID},
        {entry_of("q", "\n", two, 1), FLOE_INVALID},
        {entry_of("q", "SELECT 1", two, 0), FLOE_INVALID},
        {entry_of("\xff", "SELECT 1", two, 1), FLOE_INVALID},
        {entry_of("q", "\xff", two, 1), FLOE_INVALID},
        {entry_of("q", lengthy, two, 1), FLOE_LIMIT},
        {entry_of(lengthy, "SELECT 1", two, 1), FLOE_LIMIT},
        {entry_of("q", "SELECT 1", two, FLOE_QUESTION_TABLES_MAX + 1), FLOE_LIMIT},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_question_entry entries[] = {entry_of("good", "SELECT 1", two, 2), cases[i].entry};
        floe_error err = {0};
        assert_code(floe_registry_questions_put(registry, entries, 2, NULL, &err), cases[i].code);
        assert_string_equal(all(), "");
    }
}

/* Any process may write: the other handle sees what this one kept. */
static void questions__two_handles__see_each_other(void **state) {
    (void)state;
    floe_registry *other = NULL;
    floe_error err = {0};
    int64_t seen = -1;
    assert_ok(floe_registry_open(path, false, &other, &err), &err);
    put("a", "SELECT 1", 1);
    assert_ok(floe_registry_questions_version(other, &seen, &err), &err);
    assert_int_equal(seen, version());
    floe_registry_close(&other);
}

static void questions__damaged_tables__are_corrupt_and_name_the_question(void **state) {
    (void)state;
    static const char *const damages[] = {
        "UPDATE questions SET tables = '[1]'", "UPDATE questions SET tables = '[[\"a\"]]'",
        "UPDATE questions SET tables = '[[\"a\", 2]]'", "UPDATE questions SET tables = '{\"a\": 1}'",
        "UPDATE questions SET tables = 'x'"};
    put("a", "SELECT 1", 1);
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        floe_sql *sql = NULL;
        floe_error err = {0};
        const floe_question_entry *entries = NULL;
        size_t count = 0;
        assert_ok(floe_sql_open(path, FLOE_SQL_WRITE, &sql, &err), &err);
        assert_ok(floe_sql_exec(sql, damages[i], &err), &err);
        floe_sql_close(&sql);
        floe_status status = floe_registry_questions(registry, &arena, &entries, &count, &err);
        assert_true(status.code == FLOE_CORRUPT || status.code == FLOE_INVALID);
        assert_message(&err, "question 1");
    }
}

static floe_status put_and_list(void *context, floe_error *err) {
    FLOE_AUTO_ARENA own;
    FLOE_CLEANUP(floe_registry_close) floe_registry *opened = NULL;
    floe_question_entry entry = entry_of("q", "SELECT 1", two, 2);
    const floe_question_entry *entries = NULL;
    size_t count = 0;
    (void)context;
    floe_arena_init(&own, FLOE_MIB(8));
    FLOE_TRY(floe_registry_open(path, false, &opened, err));
    FLOE_TRY(floe_registry_questions_put(opened, &entry, 1, NULL, err));
    FLOE_TRY(floe_registry_questions(opened, &own, &entries, &count, err));
    return count == 1 ? FLOE_OK : FLOE_FAIL(err, FLOE_INTERNAL, "%zu questions", count);
}

static void questions__any_allocation_fails__is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(put_and_list, NULL) > 0);
    assert_string_equal(all(), "1 q|SELECT 1|lake.a/t,we\"ird\n/x.y [;");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_new, close_it)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(questions__none__is_an_empty_list_and_writes_nothing),
        TEST(questions__kept__are_there_after_a_reopen),
        TEST(questions__the_same_text__is_replaced_and_keeps_its_id),
        TEST(questions__removed__are_gone_and_their_ids_are_not_given_again),
        TEST(questions__every_change__has_a_version_of_its_own),
        TEST(questions__one_bad_entry__keeps_all_out),
        TEST(questions__two_handles__see_each_other),
        TEST(questions__damaged_tables__are_corrupt_and_name_the_question),
        TEST(questions__any_allocation_fails__is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
