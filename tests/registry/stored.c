/* See stored.h. */
#include "tests/registry/stored.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/sql.h"

void test_store_open(test_store *store) {
    *store = (test_store){0};
    floe_arena_init(&store->arena, FLOE_MIB(256));
    store->path = floe_path_join(&store->arena, test_folder(&store->arena), "state/registry.db");
    assert_ok(floe_registry_open(store->path, true, &store->registry, &store->err), &store->err);
}

void test_store_close(test_store *store) {
    floe_registry_close(&store->registry);
    floe_arena_close(&store->arena);
}

int64_t test_store_apply(test_store *store, const char *yaml) {
    test_project project;
    int64_t version = 0;
    test_project_resolved(&project, yaml);
    assert_ok(floe_registry_apply(store->registry, project.definitions, &version, &store->err), &store->err);
    test_project_close(&project);
    return version;
}

void test_sql_run(const char *path, const char *text) {
    floe_sql *sql = NULL;
    floe_error err = {0};
    assert_ok(floe_sql_open(path, FLOE_SQL_WRITE, &sql, &err), &err);
    assert_ok(floe_sql_exec(sql, text, &err), &err);
    floe_sql_close(&sql);
}
