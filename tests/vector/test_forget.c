/*
 * Forgetting an imported database: it goes, nothing else does, and what was not there is told.
 */
#include "tests/vector/maker.h"

#include "core/limits.h"

#include <stdio.h>

#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&(name), FLOE_MIB(64))

static const char imported[] = "{\"database\":\"erp\",\"table\":\"orders\",\"columns\":[{\"name\":\"total\"}]}\n"
                               "{\"database\":\"erp\",\"table\":\"lines\",\"columns\":[{\"name\":\"quantity\"}]}\n"
                               "{\"database\":\"crm\",\"table\":\"leads\",\"columns\":[{\"name\":\"phone\"}]}\n";

static floe_status forget_from(const char *folder, const char *database, floe_index_result *ret_result,
                               floe_error *err) {
    floe_index_request request = {.folder = folder, .forget = &database, .forget_count = 1};
    return floe_index_build(&request, ret_result, err);
}

static size_t hits_of(const char *folder, const char *text) {
    ARENA(arena);
    floe_search *search = NULL;
    floe_error err = {0};
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    size_t count = ask(search, &arena, text, 9, FLOE_HIT_TABLE, "").hit_count;
    floe_search_close(&search);
    return count;
}

static void forget__imported_database__is_gone_and_the_others_stay(void **state) {
    (void)state;
    floe_index_result result = {0};
    floe_error err = {0};
    const char *folder = make_folder("one");
    (void)make_index(folder, imported);
    assert_int_equal(hits_of(folder, "orders"), 1);
    assert_ok(forget_from(folder, "erp", &result, &err), &err);
    assert_int_equal(result.tables, 1);
    assert_int_equal(result.documents_removed, 4); /* two tables with a column each */
    assert_int_equal(hits_of(folder, "orders"), 0);
    assert_int_equal(hits_of(folder, "leads"), 1);
    /* It stays away, and can be imported again. */
    floe_index_request nothing = {.folder = folder};
    assert_int_equal(make_request(&nothing).tables, 1);
    (void)make_index(folder, imported);
    assert_int_equal(hits_of(folder, "orders"), 1);
}

static void forget__unknown_database__is_not_found_and_names_the_nearest(void **state) {
    (void)state;
    floe_index_result result = {0};
    floe_error err = {0};
    const char *folder = make_folder("unknown");
    (void)make_index(folder, imported);
    assert_code(forget_from(folder, "erq", &result, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no database erq was imported");
    assert_message(&err, "did you mean erp?");
    assert_int_equal(hits_of(folder, "orders"), 1);
}

static void forget__without_an_index__is_not_found(void **state) {
    (void)state;
    floe_index_result result = {0};
    floe_error err = {0};
    assert_code(forget_from(make_folder("empty"), "erp", &result, &err), FLOE_NOT_FOUND);
}

static void forget__twice__is_not_found_the_second_time(void **state) {
    (void)state;
    floe_index_result result = {0};
    floe_error err = {0};
    const char *folder = make_folder("twice");
    (void)make_index(folder, imported);
    assert_ok(forget_from(folder, "crm", &result, &err), &err);
    assert_code(forget_from(folder, "crm", &result, &err), FLOE_NOT_FOUND);
    assert_int_equal(hits_of(folder, "orders"), 1);
}

static void forget__what_is_imported_in_the_same_run__is_refused(void **state) {
    (void)state;
    floe_index_result result = {0};
    floe_error err = {0};
    const char *folder = make_folder("both");
    const char *database = "erp";
    (void)make_index(folder, imported);
    const char *import = make_file("again.jsonl", imported);
    floe_index_request request = {
        .folder = folder, .imports = &import, .import_count = 1, .forget = &database, .forget_count = 1};
    assert_code(floe_index_build(&request, &result, &err), FLOE_INVALID);
    assert_message(&err, "both imported and forgotten");
    assert_int_equal(hits_of(folder, "orders"), 1);
}

/* A crawl that gives one table, of a namespace that came after a database of that name was imported. */
static floe_status crawl(void *context,
                         floe_status (*table)(void *sink, const floe_catalog_table *table, floe_error *err),
                         floe_str (*known)(void *sink, floe_str database, floe_str name), void *sink, floe_error *err) {
    floe_catalog_column column = {.name = FLOE_STR("invoice"), .type = FLOE_STR("string")};
    floe_catalog_table one = {.database = FLOE_STR("erp"),
                              .name = FLOE_STR("invoices"),
                              .columns = &column,
                              .column_count = 1,
                              .version = FLOE_STR("v1")};
    (void)context;
    (void)known;
    return table(sink, &one, err);
}

static void forget__namespace_of_the_catalog__keeps_the_catalogs_tables(void **state) {
    (void)state;
    floe_index_result result = {0};
    floe_error err = {0};
    const char *folder = make_folder("catalog");
    floe_catalog_reader reader = {crawl, NULL};
    floe_index_request request = {.folder = folder, .catalog = &reader};
    (void)make_index(folder, imported);
    assert_ok(floe_index_build(&request, &result, &err), &err);
    assert_int_equal(result.tables, 4);
    assert_ok(forget_from(folder, "erp", &result, &err), &err);
    assert_int_equal(result.tables, 2);
    assert_int_equal(hits_of(folder, "invoices"), 1);
    assert_int_equal(hits_of(folder, "orders"), 0);
    /* What is only in the catalog was never imported. */
    assert_code(forget_from(folder, "erp", &result, &err), FLOE_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forget__imported_database__is_gone_and_the_others_stay),
        cmocka_unit_test(forget__unknown_database__is_not_found_and_names_the_nearest),
        cmocka_unit_test(forget__without_an_index__is_not_found),
        cmocka_unit_test(forget__twice__is_not_found_the_second_time),
        cmocka_unit_test(forget__what_is_imported_in_the_same_run__is_refused),
        cmocka_unit_test(forget__namespace_of_the_catalog__keeps_the_catalogs_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
