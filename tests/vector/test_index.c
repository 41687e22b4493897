/*
 * Building an index: who replaces what, what counts as changed, and what is done with files that are not ours.
 */
#include "tests/vector/definitions.h"
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/sql.h"
#include "vector/store_int.h"

#include <stdio.h>

#define ONE_TABLE(database, table)                                                                                     \
    "{\"database\":\"" database "\",\"table\":\"" table "\",\"columns\":[{\"name\":\"id\"}]}\n"

static size_t count_tables(const char *folder, const char *question) {
    FLOE_AUTO_ARENA arena;
    floe_search *search = NULL;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(16));
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    floe_answer answer = ask(search, &arena, question, 1000, FLOE_HIT_TABLE, "");
    floe_search_close(&search);
    return answer.hit_count;
}

static void build__first__counts_what_is_there(void **state) {
    (void)state;
    const char *import = make_file("lake.jsonl", make_lake);
    floe_index_request request = {
        .folder = make_folder("first"), .imports = &import, .import_count = 1, .definitions = make_definitions()};
    floe_index_result result = make_request(&request);
    /* 5 tables of 5, 3, 2, 3 and 2 columns; views of 4 and 1 features; 2 views and 2 services beside. */
    assert_int_equal(result.tables, 5);
    assert_int_equal(result.columns, 15);
    assert_int_equal(result.features, 5);
    assert_int_equal(result.documents_changed, 5 + 15 + 5 + 2 + 2);
    assert_int_equal(result.documents_unchanged, 0);
    assert_int_equal(result.documents_removed, 0);
    assert_false(result.rebuilt);
    assert_true(result.elapsed_us >= 0);
}

static void build__again_unchanged__changes_and_publishes_nothing(void **state) {
    (void)state;
    const char *folder = make_folder("again");
    const char *import = make_file("lake.jsonl", make_lake);
    floe_index_request request = {
        .folder = folder, .imports = &import, .import_count = 1, .definitions = make_definitions()};
    (void)make_request(&request);
    int64_t before = 0;
    int64_t after = 0;
    floe_error err = {0};
    assert_ok(floe_generation_current(folder, &before, &err), &err);
    floe_index_result result = make_request(&request);
    assert_ok(floe_generation_current(folder, &after, &err), &err);
    assert_int_equal(after, before);
    assert_int_equal(result.documents_changed, 0);
    assert_int_equal(result.documents_unchanged, 29);
    assert_int_equal(result.tables, 5);
}

static void build__one_column_more__changes_two_documents(void **state) {
    (void)state;
    const char *folder = make_folder("more");
    (void)make_index(folder, "{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"a\"},{\"name\":\"b\"}]}\n");
    floe_index_result result = make_index(
        folder,
        "{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"}]}\n");
    /* The new column's document, and the table's, which names its columns. */
    assert_int_equal(result.documents_changed, 2);
    assert_int_equal(result.documents_unchanged, 2);
}

static void import__database_again__replaces_its_tables_and_no_others(void **state) {
    (void)state;
    const char *folder = make_folder("replace");
    (void)make_index(folder, ONE_TABLE("shop", "orders") ONE_TABLE("shop", "users") ONE_TABLE("zoo", "animals"));
    floe_index_result result = make_index(folder, ONE_TABLE("shop", "orders") ONE_TABLE("shop", "invoices"));
    assert_int_equal(result.tables, 3);
    assert_int_equal(result.documents_removed, 2);
    assert_int_equal(count_tables(folder, "users"), 0);
    assert_int_equal(count_tables(folder, "invoices"), 1);
    assert_int_equal(count_tables(folder, "animals"), 1);
}

static void import__without_files__keeps_what_was_imported(void **state) {
    (void)state;
    const char *folder = make_folder("kept");
    (void)make_index(folder, ONE_TABLE("shop", "orders"));
    floe_index_request request = {.folder = folder};
    floe_index_result result = make_request(&request);
    assert_int_equal(result.tables, 1);
    assert_int_equal(count_tables(folder, "orders"), 1);
}

static void import__table_given_twice__last_counts_and_is_told(void **state) {
    (void)state;
    const char *folder = make_folder("twice");
    floe_index_result result =
        make_index(folder, ONE_TABLE("d", "t") "{\"database\":\"d\",\"table\":\"t\",\"columns\":["
                                               "{\"name\":\"price\"}]}\n");
    assert_int_equal(result.tables, 1);
    assert_int_equal(result.duplicates, 1);
    assert_int_equal(count_tables(folder, "price"), 1);
    /* Names are opaque: case makes another table. */
    result = make_index(folder, ONE_TABLE("d", "t") ONE_TABLE("d", "T"));
    assert_int_equal(result.tables, 2);
    assert_int_equal(result.duplicates, 0);
}

static void import__bad_line__leaves_the_index_as_it_was(void **state) {
    (void)state;
    const char *folder = make_folder("bad");
    (void)make_index(folder, ONE_TABLE("shop", "orders"));
    const char *import = make_file("bad.jsonl", ONE_TABLE("shop", "users") "{\"database\":1}\n");
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1};
    floe_index_result result = {.tables = -1};
    floe_error err = {0};
    assert_code(floe_index_build(&request, &result, &err), FLOE_INVALID);
    assert_message(&err, "bad.jsonl:2: ");
    assert_int_equal(result.tables, -1);
    assert_int_equal(count_tables(folder, "orders"), 1);
    assert_int_equal(count_tables(folder, "users"), 0);
}

static void import__missing_file__is_not_found(void **state) {
    (void)state;
    const char *import = make_folder("no-such-file.jsonl");
    floe_index_request request = {.folder = make_folder("missing"), .imports = &import, .import_count = 1};
    floe_index_result result = {0};
    floe_search *search = NULL;
    floe_error err = {0};
    assert_code(floe_index_build(&request, &result, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no-such-file.jsonl");
    floe_error_clear(&err);
    assert_code(floe_search_open(request.folder, NULL, &search, &err), FLOE_NOT_FOUND);
    assert_message(&err, "run floe index");
}

static void definitions__none__remove_features_only(void **state) {
    (void)state;
    const char *folder = make_folder("definitions");
    const char *import = make_file("lake.jsonl", make_lake);
    floe_index_request request = {
        .folder = folder, .imports = &import, .import_count = 1, .definitions = make_definitions()};
    (void)make_request(&request);
    floe_index_request without = {.folder = folder};
    floe_index_result result = make_request(&without);
    assert_int_equal(result.features, 0);
    assert_int_equal(result.tables, 5);
    assert_int_equal(result.documents_removed, 9);
}

/* ---- the catalog ---- */

typedef struct crawl {
    const char *tables[4];   /* names; NULL ends */
    const char *versions[4]; /* what the catalog has now */
    size_t read;             /* tables whose columns had to be read */
    floe_code fails;
} crawl;

static floe_status crawl_tables(void *context,
                                floe_status (*table)(void *sink, const floe_catalog_table *table, floe_error *err),
                                floe_str (*known)(void *sink, floe_str database, floe_str name), void *sink,
                                floe_error *err) {
    static const floe_catalog_column columns[] = {{.name = {"id", 2}}, {.name = {"amount", 6}}};
    crawl *run = context;
    for (size_t i = 0; i < 4 && run->tables[i]; i++) {
        floe_catalog_table one = {.database = FLOE_STR("lake.ns"),
                                  .name = floe_str_of(run->tables[i]),
                                  .version = floe_str_of(run->versions[i])};
        if (!floe_str_equal(known(sink, one.database, one.name), one.version)) {
            one.columns = columns;
            one.column_count = 2;
            run->read++;
        }
        FLOE_TRY(table(sink, &one, err));
    }
    FLOE_ENSURE(run->fails == FLOE_CODE_OK, err, run->fails, "the catalog is gone");
    return FLOE_OK;
}

static floe_index_result crawl_into(const char *folder, crawl *run) {
    floe_catalog_reader reader = {.tables = crawl_tables, .context = run};
    floe_index_request request = {.folder = folder, .catalog = &reader};
    run->read = 0;
    return make_request(&request);
}

static void catalog__known_version__is_not_read_again(void **state) {
    (void)state;
    const char *folder = make_folder("crawl");
    crawl run = {.tables = {"orders", "users"}, .versions = {"v1", "v1"}};
    floe_index_result result = crawl_into(folder, &run);
    assert_int_equal(run.read, 2);
    assert_int_equal(result.documents_changed, 6);
    result = crawl_into(folder, &run);
    assert_int_equal(run.read, 0);
    assert_int_equal(result.documents_changed, 0);
    assert_int_equal(result.documents_unchanged, 6);
    assert_int_equal(count_tables(folder, "orders"), 1);
}

static void catalog__new_version_of_equal_columns__is_remembered_and_changes_no_document(void **state) {
    (void)state;
    const char *folder = make_folder("touch");
    crawl run = {.tables = {"orders"}, .versions = {"v1"}};
    (void)crawl_into(folder, &run);
    run.versions[0] = "v2";
    floe_index_result result = crawl_into(folder, &run);
    assert_int_equal(run.read, 1);
    assert_int_equal(result.documents_changed, 0);
    (void)crawl_into(folder, &run);
    assert_int_equal(run.read, 0);
}

static void catalog__dropped_table__is_gone_and_imports_stay(void **state) {
    (void)state;
    const char *folder = make_folder("dropped");
    crawl run = {.tables = {"orders", "users"}, .versions = {"v1", "v1"}};
    (void)make_index(folder, ONE_TABLE("zoo", "animals"));
    (void)crawl_into(folder, &run);
    run.tables[1] = NULL;
    floe_index_result result = crawl_into(folder, &run);
    assert_int_equal(result.documents_removed, 3);
    assert_int_equal(result.tables, 2);
    assert_int_equal(count_tables(folder, "users"), 0);
    assert_int_equal(count_tables(folder, "animals"), 1);
}

static void catalog__namespace_that_is_also_imported__keeps_both(void **state) {
    (void)state;
    const char *folder = make_folder("both");
    crawl run = {.tables = {"orders"}, .versions = {"v1"}};
    (void)crawl_into(folder, &run);
    floe_index_result result = make_index(folder, ONE_TABLE("lake.ns", "orders"));
    assert_int_equal(result.tables, 2);
    (void)crawl_into(folder, &run);
    assert_int_equal(count_tables(folder, "orders"), 2);
}

static void catalog__import_of_its_namespaces_or_its_own_name__is_a_conflict(void **state) {
    (void)state;
    static const char *const imports[] = {ONE_TABLE("lake.ns", "orders"), ONE_TABLE("lake", "other")};
    crawl run = {.tables = {"orders"}, .versions = {"v1"}};
    floe_catalog_reader reader = {.tables = crawl_tables, .context = &run};
    for (size_t i = 0; i < 2; i++) {
        const char *folder = make_folder(i ? "named as the catalog" : "named as the namespace");
        const char *import = make_file("again.jsonl", imports[i]);
        floe_index_request request = {.folder = folder, .catalog = &reader, .imports = &import, .import_count = 1};
        floe_index_result result;
        floe_error err = {0};
        assert_code(floe_index_build(&request, &result, &err), FLOE_CONFLICT);
        assert_message(&err, "another name");
        import = make_file("other.jsonl", ONE_TABLE("lake.n", "orders") ONE_TABLE("lakes", "orders"));
        assert_int_equal(make_request(&request).tables, 3);
    }
}

static void catalog__fails__leaves_the_index_as_it_was(void **state) {
    (void)state;
    const char *folder = make_folder("fails");
    crawl run = {.tables = {"orders"}, .versions = {"v1"}};
    (void)crawl_into(folder, &run);
    run = (crawl){.tables = {"users"}, .versions = {"v1"}, .fails = FLOE_UNAVAILABLE};
    floe_catalog_reader reader = {.tables = crawl_tables, .context = &run};
    floe_index_request request = {.folder = folder, .catalog = &reader};
    floe_index_result result = {0};
    floe_error err = {0};
    assert_code(floe_index_build(&request, &result, &err), FLOE_UNAVAILABLE);
    assert_int_equal(count_tables(folder, "orders"), 1);
    assert_int_equal(count_tables(folder, "users"), 0);
}

/* ---- files ---- */

static const char *live_path(const char *folder, floe_arena *arena) {
    int64_t number = 0;
    floe_error err = {0};
    assert_ok(floe_generation_current(folder, &number, &err), &err);
    return floe_generation_path(arena, folder, number);
}

static void overwrite(const char *path, floe_str bytes) {
    floe_error err = {0};
    assert_ok(floe_file_write(path, bytes, false, &err), &err);
}

static void open_is_corrupt(const char *folder) {
    floe_search *search = NULL;
    floe_error err = {0};
    assert_code(floe_search_open(folder, NULL, &search, &err), FLOE_CORRUPT);
    assert_message(&err, "run floe index");
    assert_null(search);
}

/* Building over what cannot be trusted starts anew, and says so. */
static void rebuilds(const char *folder) {
    floe_index_result result = make_index(folder, ONE_TABLE("zoo", "animals"));
    assert_true(result.rebuilt);
    assert_int_equal(result.tables, 1);
    assert_int_equal(count_tables(folder, "animals"), 1);
    result = make_index(folder, ONE_TABLE("zoo", "animals"));
    assert_false(result.rebuilt);
}

static void file__foreign_bytes__are_corrupt_and_rebuilt(void **state) {
    (void)state;
    static const char *const contents[] = {
        "", "not a database at all, but long enough to look at: ............................."};
    for (size_t i = 0; i < 2; i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(1));
        char name[32];
        (void)snprintf(name, sizeof(name), "foreign%zu", i);
        const char *folder = make_folder(name);
        (void)make_index(folder, ONE_TABLE("shop", "orders"));
        overwrite(live_path(folder, &arena), floe_str_of(contents[i]));
        open_is_corrupt(folder);
        rebuilds(folder);
    }
}

static void file__database_of_somebody_else__is_corrupt_and_rebuilt(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *folder = make_folder("somebody");
    (void)make_index(folder, ONE_TABLE("shop", "orders"));
    const char *path = live_path(folder, &arena);
    floe_sql *sql = NULL;
    floe_error err = {0};
    assert_ok(floe_file_remove(path, &err), &err);
    assert_ok(floe_sql_open(path, FLOE_SQL_WRITE, &sql, &err), &err);
    assert_ok(floe_sql_exec(sql, "CREATE TABLE notes (text TEXT)", &err), &err);
    floe_sql_close(&sql);
    open_is_corrupt(folder);
    rebuilds(folder);
}

static void run_on_live(const char *folder, const char *statement) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_sql *sql = NULL;
    floe_error err = {0};
    assert_ok(floe_sql_open(live_path(folder, &arena), FLOE_SQL_WRITE, &sql, &err), &err);
    assert_ok(floe_sql_exec(sql, statement, &err), &err);
    floe_sql_close(&sql);
}

static void file__changed_row__is_corrupt_and_rebuilt(void **state) {
    (void)state;
    static const char *const changes[] = {
        "UPDATE about SET format = 99",
        "DELETE FROM about",
        "UPDATE unit SET name = 'users'",
        "UPDATE unit SET body = x'00'",
        "UPDATE unit SET hash = hash + 1",
        "UPDATE unit SET kind = 9",
        "DROP TABLE unit",
    };
    for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "row%zu", i);
        const char *folder = make_folder(name);
        (void)make_index(folder, ONE_TABLE("shop", "orders"));
        run_on_live(folder, changes[i]);
        open_is_corrupt(folder);
        rebuilds(folder);
    }
}

/* Bytes flipped anywhere: either seen, or without any effect on what is answered. */
static void file__flipped_byte__is_corrupt_or_harmless(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF bytes;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_buf_init(&bytes, FLOE_MIB(4));
    const char *folder = make_folder("flipped");
    floe_error err = {0};
    (void)make_index(folder, make_lake);
    const char *path = live_path(folder, &arena);
    assert_ok(floe_file_read(path, &bytes, &err), &err);
    size_t corrupt = 0;
    for (int round = 0; round < 300; round++) {
        size_t at = floe_test_below(&rng, bytes.len);
        char old = bytes.ptr[at];
        bytes.ptr[at] = (char)(old ^ (1 << floe_test_below(&rng, 8)));
        overwrite(path, floe_buf_view(&bytes));
        bytes.ptr[at] = old;
        floe_search *search = NULL;
        floe_error_clear(&err);
        if (floe_failed(floe_search_open(folder, NULL, &search, &err))) {
            assert_int_equal(err.code, FLOE_CORRUPT);
            corrupt++;
            continue;
        }
        FLOE_AUTO_ARENA scratch;
        floe_arena_init(&scratch, FLOE_MIB(4));
        floe_answer answer = ask(search, &scratch, "flight delay", 10, FLOE_HIT_TABLE, "");
        assert_int_equal(rank_of(&answer, "lake.aviation.flights"), 1);
        floe_search_close(&search);
    }
    assert_true(corrupt > 0);
}

static void current__garbage__is_corrupt_and_rebuilt(void **state) {
    (void)state;
    static const char *const contents[] = {
        "",
        "index-x.db",
        "index-0.db\n",
        "index--1.db",
        "../index-1.db",
        "index-01.db",
        "index-99999999999999999999.db",
        "index-1.dbx",
        "a long line that is no name of an index file but something else entirely, surely"};
    for (size_t i = 0; i < sizeof(contents) / sizeof(contents[0]); i++) {
        char name[48];
        (void)snprintf(name, sizeof(name), "garbage%zu", i);
        const char *folder = make_folder(name);
        (void)make_index(folder, ONE_TABLE("shop", "orders"));
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(1));
        overwrite(floe_path_join(&arena, folder, "current"), floe_str_of(contents[i]));
        open_is_corrupt(folder);
        rebuilds(folder);
    }
}

static void current__names_a_file_that_is_gone__is_corrupt_and_rebuilt(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *folder = make_folder("gone");
    floe_error err = {0};
    (void)make_index(folder, ONE_TABLE("shop", "orders"));
    assert_ok(floe_file_remove(live_path(folder, &arena), &err), &err);
    open_is_corrupt(folder);
    rebuilds(folder);
}

static void build__while_another_holds_the_lock__is_a_conflict(void **state) {
    (void)state;
    const char *folder = make_folder("locked");
    (void)make_index(folder, ONE_TABLE("shop", "orders"));
    int lock = -1;
    floe_error err = {0};
    assert_ok(floe_generation_lock(folder, &lock, &err), &err);
    floe_index_request request = {.folder = folder};
    floe_index_result result = {0};
    assert_code(floe_index_build(&request, &result, &err), FLOE_CONFLICT);
    assert_message(&err, "another floe index");
    floe_generation_unlock(&lock);
    (void)make_request(&request);
}

static void search__newer_index__makes_the_handle_stale(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    const char *folder = make_folder("stale");
    floe_search *search = NULL;
    floe_error err = {0};
    (void)make_index(folder, ONE_TABLE("shop", "orders"));
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    assert_false(floe_search_is_stale(search));
    (void)make_index(folder, ONE_TABLE("shop", "orders"));
    assert_false(floe_search_is_stale(search));
    (void)make_index(folder, ONE_TABLE("shop", "users"));
    assert_true(floe_search_is_stale(search));
    /* The old handle still answers from what it loaded. */
    assert_int_equal(ask(search, &arena, "orders", 5, FLOE_HIT_TABLE, "").hit_count, 1);
    floe_search_close(&search);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(build__first__counts_what_is_there),
        cmocka_unit_test(build__again_unchanged__changes_and_publishes_nothing),
        cmocka_unit_test(build__one_column_more__changes_two_documents),
        cmocka_unit_test(catalog__import_of_its_namespaces_or_its_own_name__is_a_conflict),
        cmocka_unit_test(import__database_again__replaces_its_tables_and_no_others),
        cmocka_unit_test(import__without_files__keeps_what_was_imported),
        cmocka_unit_test(import__table_given_twice__last_counts_and_is_told),
        cmocka_unit_test(import__bad_line__leaves_the_index_as_it_was),
        cmocka_unit_test(import__missing_file__is_not_found),
        cmocka_unit_test(definitions__none__remove_features_only),
        cmocka_unit_test(catalog__known_version__is_not_read_again),
        cmocka_unit_test(catalog__new_version_of_equal_columns__is_remembered_and_changes_no_document),
        cmocka_unit_test(catalog__dropped_table__is_gone_and_imports_stay),
        cmocka_unit_test(catalog__namespace_that_is_also_imported__keeps_both),
        cmocka_unit_test(catalog__fails__leaves_the_index_as_it_was),
        cmocka_unit_test(file__foreign_bytes__are_corrupt_and_rebuilt),
        cmocka_unit_test(file__database_of_somebody_else__is_corrupt_and_rebuilt),
        cmocka_unit_test(file__changed_row__is_corrupt_and_rebuilt),
        cmocka_unit_test(file__flipped_byte__is_corrupt_or_harmless),
        cmocka_unit_test(current__garbage__is_corrupt_and_rebuilt),
        cmocka_unit_test(current__names_a_file_that_is_gone__is_corrupt_and_rebuilt),
        cmocka_unit_test(build__while_another_holds_the_lock__is_a_conflict),
        cmocka_unit_test(search__newer_index__makes_the_handle_stale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
