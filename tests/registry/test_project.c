/*
 * floe.yaml: what it may say, its defaults, and what is refused with file and line.
 */
#include "core/file.h"
#include "core/limits.h"
#include "tests/registry/helpers.h"

#include <stdlib.h>

static floe_arena arena;

static int setup(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    return 0;
}

static int teardown(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static const char *root;

static floe_status load(const char *yaml, const floe_project **ret_project, floe_error *err) {
    root = test_folder(&arena);
    test_write(root, "floe.yaml", yaml);
    return floe_project_load(root, &arena, ret_project, err);
}

static const floe_project *loaded(const char *yaml) {
    floe_error err = {0};
    const floe_project *project = NULL;
    assert_ok(load(yaml, &project, &err), &err);
    return project;
}

static const char *below_root(const char *path) {
    const char *absolute = NULL;
    assert_ok(floe_path_absolute(&arena, floe_path_join(&arena, root, path), &absolute, NULL), NULL);
    return absolute;
}

static void project_load__only_a_name__gives_the_defaults(void **state) {
    (void)state;
    const floe_project *project = loaded("project: flights\n");
    assert_str(project->name, "flights");
    assert_string_equal(project->root, below_root("."));
    assert_string_equal(project->registry, below_root(".floe/registry.db"));
    assert_int_equal(project->catalog_count, 0);
    assert_int_equal(project->online.kind, FLOE_STORE_EMBEDDED);
    assert_str(project->online.path, below_root(".floe/online"));
    assert_str(project->embedder, "local");
    assert_false(project->embedder_given);
    assert_str(project->listen_host, "127.0.0.1");
    assert_int_equal(project->listen_port, 6566);
    assert_false(project->access_open);
}

static void project_load__everything_supported__is_taken(void **state) {
    (void)state;
    const floe_project *project = loaded("project: flights\n"
                                         "registry: state/r.db\n"
                                         "catalogs:\n"
                                         "  lake: {type: directory, warehouse: ./lakehouse}\n"
                                         "  old:\n"
                                         "    type: directory\n"
                                         "    warehouse: file:///data/old\n"
                                         "    moved: {from: s3://bucket/x, to: /data/old}\n"
                                         "online: {store: redis, url: redis://u:p@cache:6380/3}\n"
                                         "search: {embedder: none}\n"
                                         "server: {listen: 0.0.0.0:80}\n"
                                         "access: open\n");
    assert_string_equal(project->registry, below_root("state/r.db"));
    assert_int_equal(project->catalog_count, 2);
    assert_str(project->catalogs[0].name, "lake");
    assert_str(project->catalogs[0].type, "directory");
    assert_str(project->catalogs[0].warehouse, below_root("lakehouse"));
    assert_int_equal(project->catalogs[0].moved_from.len, 0);
    assert_int_equal(project->catalogs[0].pos.line, 4);
    assert_string_equal(project->catalogs[0].pos.file, "floe.yaml");
    assert_str(project->catalogs[1].warehouse, "/data/old");
    assert_str(project->catalogs[1].moved_from, "s3://bucket/x");
    assert_str(project->catalogs[1].moved_to, "/data/old");
    assert_int_equal(project->online.kind, FLOE_STORE_REDIS);
    assert_str(project->online.url, "redis://u:p@cache:6380/3");
    assert_int_equal(project->online.pos.line, 9);
    assert_true(project->embedder_given);
    assert_str(project->listen_host, "0.0.0.0");
    assert_int_equal(project->listen_port, 80);
    assert_true(project->access_open);
}

static void project_load__each_embedder__is_taken(void **state) {
    (void)state;
    assert_str(loaded("project: p\nsearch: {embedder: none}\n")->embedder, "none");
    assert_str(loaded("project: p\nsearch: {embedder: local}\n")->embedder, "local");
    const floe_project *project = loaded("project: p\n"
                                         "search:\n"
                                         "  embedder: http\n"
                                         "  url: https://api.example.com/v1/embeddings\n"
                                         "  model: small\n"
                                         "  api_key: s3cret\n");
    assert_str(project->embedder, "http");
    assert_str(project->embedder_url, "https://api.example.com/v1/embeddings");
    assert_str(project->embedder_model, "small");
    assert_str(project->embedder_key, "s3cret");
    project = loaded("project: p\nsearch: {embedder: http, url: \"http://h/v1/embeddings\", model: m}\n");
    assert_int_equal(project->embedder_key.len, 0);
}

static void project_load__paths_with_a_file_scheme__are_paths(void **state) {
    (void)state;
    static const char *const forms[] = {"/data/lake", "file:/data/lake", "file:///data/lake",
                                        "file://localhost/data/lake"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const char *yaml =
            floe_arena_printf(&arena, "project: p\ncatalogs: {lake: {type: directory, warehouse: \"%s\"}}\n", forms[i]);
        assert_str(loaded(yaml)->catalogs[0].warehouse, "/data/lake");
    }
}

static void project_load__variables__are_expanded(void **state) {
    (void)state;
    assert_int_equal(setenv("FLOE_TEST_HOUSE", "/data/house", 1), 0);
    assert_int_equal(unsetenv("FLOE_TEST_UNSET"), 0);
    const floe_project *project = loaded("project: \"${FLOE_TEST_UNSET:-demo}\"\n"
                                         "catalogs:\n"
                                         "  lake: {type: directory, warehouse: \"${FLOE_TEST_HOUSE}\"}\n");
    assert_str(project->name, "demo");
    assert_str(project->catalogs[0].warehouse, "/data/house");
    floe_error err = {0};
    assert_code(load("project: p\nregistry: \"${FLOE_TEST_UNSET}/r.db\"\n", &project, &err), FLOE_INVALID);
    assert_message(&err, "floe.yaml:2");
    assert_message(&err, "FLOE_TEST_UNSET");
}

static void project_load__embedded_path__is_absolute_or_below_the_project(void **state) {
    (void)state;
    static const struct {
        const char *online;
        const char *path;
    } cases[] = {{"{store: embedded, path: kv}", "kv"},
                 {"{path: /var/lib/kv}", "/var/lib/kv"},
                 {"{store: embedded}", ".floe/online"},
                 {"", ".floe/online"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const floe_project *project = loaded(floe_arena_printf(&arena, "project: p\nonline: %s\n", cases[i].online));
        assert_str(project->online.path, below_root(cases[i].path));
    }
}

static void project_load__listen__takes_names_v4_and_v6(void **state) {
    (void)state;
    const floe_project *project = loaded("project: p\nserver: {listen: \"[::1]:7000\"}\n");
    assert_str(project->listen_host, "::1");
    assert_int_equal(project->listen_port, 7000);
    project = loaded("project: p\nserver: {listen: localhost:0}\n");
    assert_str(project->listen_host, "localhost");
    assert_int_equal(project->listen_port, 0);
    project = loaded("project: p\nserver: {listen: 0.0.0.0:65535}\n");
    assert_int_equal(project->listen_port, 65535);
}

static void project_load__redis_urls__of_every_form_are_taken(void **state) {
    (void)state;
    static const char *const urls[] = {"redis://127.0.0.1:6379/0",
                                       "redis://cache",
                                       "redis://cache:1",
                                       "redis://cache/15",
                                       "redis://:p@cache:6379",
                                       "redis://u:p@cache/1",
                                       "redis://u:p@ss@cache:6379/0",
                                       "redis://[::1]:6379/0",
                                       "redis://[::1]",
                                       "redis://u:a/b@cache:6379/0"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        const char *yaml = floe_arena_printf(&arena, "project: p\nonline: {store: redis, url: \"%s\"}\n", urls[i]);
        assert_str(loaded(yaml)->online.url, urls[i]);
    }
}

static void project_load__catalogs_elsewhere__are_kept_as_written(void **state) {
    (void)state;
    const floe_project *project =
        loaded("project: p\ncatalogs:\n"
               "  far: {type: directory, warehouse: \"s3://bucket/ware house/\", storage: {endpoint: \"http://h:9\", "
               "region: r,"
               " path_style: true, access_key: a, secret_key: b, session_token: c}}\n"
               "  prod: {type: rest, uri: \"https://c/x\", warehouse: w, credential: \"i:s\", token: t, scope: z,"
               " oauth2_uri: \"https://o\", ca: ca.pem}\n");
    const floe_catalog_def *far = &project->catalogs[0];
    const floe_catalog_def *prod = &project->catalogs[1];
    assert_int_equal(project->catalog_count, 2);
    assert_str(far->warehouse, "s3://bucket/ware house/");
    assert_true(far->storage.given && far->storage.path_style);
    assert_str(far->storage.endpoint, "http://h:9");
    assert_str(far->storage.region, "r");
    assert_str(far->storage.access_key, "a");
    assert_str(far->storage.secret_key, "b");
    assert_str(far->storage.session_token, "c");
    assert_str(prod->uri, "https://c/x");
    assert_str(prod->warehouse, "w");
    assert_str(prod->credential, "i:s");
    assert_str(prod->token, "t");
    assert_str(prod->scope, "z");
    assert_str(prod->oauth2_uri, "https://o");
    assert_true(floe_str_ends_with(prod->ca, FLOE_STR("/ca.pem")) && prod->ca.ptr[0] == '/');
    assert_false(prod->storage.given);
}

typedef struct error_case {
    const char *yaml; /* after "project: p\n" unless it begins with '!' */
    floe_code code;
    const char *place;
    const char *part;
    const char *part2;
} error_case;

static void check_errors(const error_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        floe_error err = {0};
        const floe_project *project = NULL;
        const char *yaml =
            cases[i].yaml[0] == '!' ? cases[i].yaml + 1 : floe_arena_printf(&arena, "project: p\n%s", cases[i].yaml);
        floe_status status = load(yaml, &project, &err);
        if (status.code != cases[i].code || strstr(err.message, cases[i].place) == NULL ||
            strstr(err.message, cases[i].part) == NULL ||
            (cases[i].part2 != NULL && strstr(err.message, cases[i].part2) == NULL)) {
            fail_msg("%s\n gives %d %s\n not %d %s %s", yaml, (int)status.code, err.message, (int)cases[i].code,
                     cases[i].place, cases[i].part);
        }
        assert_null(project);
    }
}
#define CHECK_ERRORS(cases) check_errors(cases, sizeof(cases) / sizeof *(cases))

static void project_load__what_comes_later__is_refused_by_name(void **state) {
    (void)state;
    static const error_case cases[] = {
        {"online: {store: redis-cluster, nodes: [\"a:1\"]}\n", FLOE_UNSUPPORTED, "floe.yaml:2: ", "redis-cluster",
         NULL},
        {"online:\n  store: redis\n  url: rediss://cache:6379/0\n", FLOE_UNSUPPORTED, "floe.yaml:4: ", "rediss://",
         "TLS"},
        {"online:\n  store: redis\n  url: redis://cache:6379/0\n  layout: feast\n", FLOE_UNSUPPORTED,
         "floe.yaml:5: ", "layout", "feast"},
    };
    CHECK_ERRORS(cases);
}

static void project_load__mistakes__name_file_line_and_the_nearest_word(void **state) {
    (void)state;
    static const error_case cases[] = {
        {"!", FLOE_INVALID, "floe.yaml:1: ", "empty", "project: NAME"},
        {"!- a\n", FLOE_INVALID, "floe.yaml:1: ", "mapping", NULL},
        {"!registry: r.db\n", FLOE_INVALID, "floe.yaml:1: ", "needs `project:`", NULL},
        {"!project: 5\n", FLOE_INVALID, "floe.yaml:1: ", "5 is a number", "quotes"},
        {"!project: \"\"\n", FLOE_INVALID, "floe.yaml:1: ", "cannot be empty", NULL},
        {"!project: [a]\n", FLOE_INVALID, "floe.yaml:1: ", "must be text, not a list", NULL},
        {"catalog:\n  x: y\n", FLOE_INVALID, "floe.yaml:2: ", "unknown key `catalog`", "did you mean catalogs?"},
        {"zzzzzz: 1\n", FLOE_INVALID, "floe.yaml:2: ", "unknown key `zzzzzz`", "known here: project, registry"},
        {"registry: true\n", FLOE_INVALID, "floe.yaml:2: ", "true is true or false", "quotes"},
        {"catalogs: [a]\n", FLOE_INVALID, "floe.yaml:2: ", "catalogs must be a mapping", NULL},
        {"catalogs: {lake: 5}\n", FLOE_INVALID, "floe.yaml:2: ", "catalog lake must be a mapping", NULL},
        {"catalogs: {lake: {warehouse: w}}\n", FLOE_INVALID, "floe.yaml:2: ", "needs `type:`", NULL},
        {"catalogs: {lake: {type: directory}}\n", FLOE_INVALID, "floe.yaml:2: ", "needs `warehouse:`", NULL},
        {"catalogs: {lake: {type: directry, warehouse: w}}\n", FLOE_INVALID, "floe.yaml:2: ", "unknown type `directry`",
         "did you mean directory?"},
        {"catalogs:\n  lake:\n    type: directory\n    warehous: w\n", FLOE_INVALID,
         "floe.yaml:5: ", "unknown key `warehous` in catalog lake", "did you mean warehouse?"},
        {"catalogs: {lake: {type: directory, warehouse: w, uri: x}}\n", FLOE_INVALID,
         "floe.yaml:2: ", "uri belongs to catalogs of type rest", NULL},
        {"catalogs: {c: {type: rest}}\n", FLOE_INVALID, "floe.yaml:2: ", "uri is missing", "catalog c"},
        {"catalogs: {c: {type: rest, uri: \"c.example\"}}\n", FLOE_INVALID, "floe.yaml:2: ", "uri is an address", NULL},
        {"catalogs: {c: {type: rest, uri: \"http://c\", oauth2_uri: x}}\n", FLOE_INVALID,
         "floe.yaml:2: ", "oauth2_uri is an address", NULL},
        {"catalogs:\n  c:\n    type: directory\n    warehouse: w\n    token: t\n", FLOE_INVALID,
         "floe.yaml:6: ", "token belongs to catalogs of type rest", NULL},
        {"catalogs:\n  c:\n    type: directory\n    warehouse: w\n    storage: {access_key: a}\n", FLOE_INVALID,
         "floe.yaml:6: ", "belong together", "catalog c: storage"},
        {"catalogs:\n  c:\n    type: directory\n    warehouse: w\n    storage: {endpont: a}\n", FLOE_INVALID,
         "floe.yaml:6: ", "unknown key `endpont`", "did you mean endpoint?"},
        {"catalogs: {c: {type: directory, warehouse: \"abfss://c@a/x\"}}\n", FLOE_UNSUPPORTED,
         "floe.yaml:2: ", "abfss://c@a/x", NULL},
        {"catalogs: {my.lake: {type: directory, warehouse: w}}\n", FLOE_INVALID, "floe.yaml:2: ", "catalog my.lake",
         "letters"},
        {"catalogs: {lake: {type: directory, warehouse: w, moved: {from: x}}}\n", FLOE_INVALID,
         "floe.yaml:2: ", "moved needs `to:`", NULL},
        {"catalogs: {lake: {type: directory, warehouse: w, moved: {from: x, too: y}}}\n", FLOE_INVALID,
         "floe.yaml:2: ", "unknown key `too`", "did you mean to?"},
        {"online: redis\n", FLOE_INVALID, "floe.yaml:2: ", "online must be a mapping", NULL},
        {"online: {store: reddis}\n", FLOE_INVALID, "floe.yaml:2: ", "unknown store `reddis`", "did you mean redis?"},
        {"online: {store: redis}\n", FLOE_INVALID, "floe.yaml:2: ", "needs `url:`", NULL},
        {"online: {store: redis, url: \"redis://c\", path: x}\n", FLOE_INVALID,
         "floe.yaml:2: ", "path belongs to store: embedded", NULL},
        {"online: {store: embedded, url: x}\n", FLOE_INVALID, "floe.yaml:2: ", "url belongs to store: redis", NULL},
        {"online: {nodes: [a]}\n", FLOE_INVALID, "floe.yaml:2: ", "nodes belongs to store: redis-cluster", NULL},
        {"search: {embedder: non}\n", FLOE_INVALID, "floe.yaml:2: ", "unknown embedder `non`", "did you mean none?"},
        {"search: {embedder: none, model: m}\n", FLOE_INVALID, "floe.yaml:2: ", "model belongs to embedder: http",
         NULL},
        {"search: {embedder: local, url: x}\n", FLOE_INVALID, "floe.yaml:2: ", "url belongs to embedder: http", NULL},
        {"search: {embedder: http, model: m}\n", FLOE_INVALID, "floe.yaml:2: ", "search needs `url:`", NULL},
        {"search: {embedder: http, url: \"http://x\"}\n", FLOE_INVALID, "floe.yaml:2: ", "search needs `model:`", NULL},
        {"search: {embedder: http, url: \"ftp://x\", model: m}\n", FLOE_INVALID, "floe.yaml:2: ", "embeddings route",
         "https://"},
        {"search: {url: x}\n", FLOE_INVALID, "floe.yaml:2: ", "url belongs to embedder: http", NULL},
        {"search: {embeder: none}\n", FLOE_INVALID, "floe.yaml:2: ", "unknown key `embeder`", "embedder"},
        {"server: {listen: 6566}\n", FLOE_INVALID, "floe.yaml:2: ", "6566 is a number", "quotes"},
        {"server: {listen: localhost}\n", FLOE_INVALID, "floe.yaml:2: ", "host:port", "localhost"},
        {"server: {listen: \":6566\"}\n", FLOE_INVALID, "floe.yaml:2: ", "host:port", NULL},
        {"server: {listen: \"h:65536\"}\n", FLOE_INVALID, "floe.yaml:2: ", "host:port", NULL},
        {"server: {listen: \"h:-1\"}\n", FLOE_INVALID, "floe.yaml:2: ", "host:port", NULL},
        {"server: {listen: \"[::1:80\"}\n", FLOE_INVALID, "floe.yaml:2: ", "host:port", NULL},
        {"server: {port: 80}\n", FLOE_INVALID, "floe.yaml:2: ", "unknown key `port` in server", "listen"},
        {"access: closed\n", FLOE_INVALID, "floe.yaml:2: ", "access is `open`", NULL},
        {"access: true\n", FLOE_INVALID, "floe.yaml:2: ", "access is `open`", NULL},
        {"registry: [\n", FLOE_INVALID, "floe.yaml:", "", NULL},
        {"project: q\n", FLOE_INVALID, "floe.yaml:2", "project", NULL},
    };
    CHECK_ERRORS(cases);
}

static void project_load__bad_redis_urls__are_refused_without_repeating_the_password(void **state) {
    (void)state;
    static const char *const urls[] = {"http://secret@cache:6379",
                                       "redis://",
                                       "redis://secret@:6379/0",
                                       "redis://secret@cache:port",
                                       "redis://c:70000",
                                       "redis://c:6379/x",
                                       "cache:6379",
                                       "redis://c:",
                                       "unix:///secret.sock"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        floe_error err = {0};
        const floe_project *project = NULL;
        const char *yaml = floe_arena_printf(&arena, "project: p\nonline: {store: redis, url: \"%s\"}\n", urls[i]);
        assert_code(load(yaml, &project, &err), FLOE_INVALID);
        assert_message(&err, "floe.yaml:2: online: url must be redis://");
        assert_null(strstr(err.message, "secret"));
    }
}

static void project_load__several_mistakes__are_all_named_in_file_order(void **state) {
    (void)state;
    floe_error err = {0};
    const floe_project *project = NULL;
    assert_code(load("project: 5\nserver: {listen: x}\nask: {}\nonline: {store: y}\n", &project, &err), FLOE_INVALID);
    const char *first = strstr(err.message, "floe.yaml:1: ");
    const char *second = strstr(err.message, "\nfloe.yaml:2: ");
    const char *third = strstr(err.message, "\nfloe.yaml:3: ");
    const char *fourth = strstr(err.message, "\nfloe.yaml:4: ");
    assert_true(first == err.message && second > first && third > second && fourth > third);
}

static void project_load__no_file__says_how_to_make_one(void **state) {
    (void)state;
    floe_error err = {0};
    const floe_project *project = NULL;
    assert_code(floe_project_load(test_folder(&arena), &arena, &project, &err), FLOE_NOT_FOUND);
    assert_message(&err, "floe init");
}

/* ---- finding it ---- */

static void project_find__from_a_folder_below__finds_the_nearest(void **state) {
    (void)state;
    loaded("project: outer\n");
    const char *outer = below_root(".");
    test_write(outer, "a/b/file.txt", "");
    test_write(outer, "inner/floe.yaml", "project: inner\n");
    test_write(outer, "inner/c/file.txt", "");
    const char *found = NULL;
    floe_error err = {0};
    assert_ok(floe_project_find(outer, &arena, &found, &err), &err);
    assert_string_equal(found, outer);
    assert_ok(floe_project_find(floe_path_join(&arena, outer, "a/b"), &arena, &found, &err), &err);
    assert_string_equal(found, outer);
    assert_ok(floe_project_find(floe_path_join(&arena, outer, "inner/c"), &arena, &found, &err), &err);
    assert_string_equal(found, floe_path_join(&arena, outer, "inner"));
}

static void project_find__nothing_up_to_the_root__says_where_it_looked(void **state) {
    (void)state;
    const char *found = NULL;
    floe_error err = {0};
    const char *folder = test_folder(&arena);
    assert_code(floe_project_find(folder, &arena, &found, &err), FLOE_NOT_FOUND);
    assert_message(&err, floe_path_basename(folder).ptr);
    assert_message(&err, "--project");
}

static floe_status find_and_load(void *context, floe_error *err) {
    FLOE_AUTO_ARENA own = {0};
    floe_arena_init(&own, FLOE_MIB(8));
    const char *found = NULL;
    const floe_project *project = NULL;
    FLOE_TRY(floe_project_find(context, &own, &found, err));
    return floe_project_load(found, &own, &project, err);
}

static void project_load__any_failing_allocation__is_reported(void **state) {
    (void)state;
    loaded("project: p\ncatalogs:\n  lake: {type: directory, warehouse: ./w, moved: {from: a, to: b}}\n"
           "online: {store: redis, url: redis://u:p@cache:6380/3}\nserver: {listen: 0.0.0.0:80}\naccess: open\n");
    assert_true(floe_test_alloc_sweep(find_and_load, (void *)root) > 0);
}

static floe_status load_mistakes(void *context, floe_error *err) {
    floe_status status = find_and_load(context, err);
    if (status.code == FLOE_INVALID) {
        floe_error_clear(err);
        return FLOE_OK;
    }
    return status;
}

static void project_load__mistakes_and_a_failing_allocation__is_no_crash(void **state) {
    (void)state;
    floe_error err = {0};
    const floe_project *project = NULL;
    assert_code(load("project: p\nctalogs: 1\nonline: {store: reddis}\nserver: {listen: x}\n", &project, &err),
                FLOE_INVALID);
    assert_true(floe_test_alloc_sweep(load_mistakes, (void *)root) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(project_load__only_a_name__gives_the_defaults),
        cmocka_unit_test(project_load__everything_supported__is_taken),
        cmocka_unit_test(project_load__each_embedder__is_taken),
        cmocka_unit_test(project_load__paths_with_a_file_scheme__are_paths),
        cmocka_unit_test(project_load__variables__are_expanded),
        cmocka_unit_test(project_load__embedded_path__is_absolute_or_below_the_project),
        cmocka_unit_test(project_load__listen__takes_names_v4_and_v6),
        cmocka_unit_test(project_load__redis_urls__of_every_form_are_taken),
        cmocka_unit_test(project_load__catalogs_elsewhere__are_kept_as_written),
        cmocka_unit_test(project_load__what_comes_later__is_refused_by_name),
        cmocka_unit_test(project_load__mistakes__name_file_line_and_the_nearest_word),
        cmocka_unit_test(project_load__bad_redis_urls__are_refused_without_repeating_the_password),
        cmocka_unit_test(project_load__several_mistakes__are_all_named_in_file_order),
        cmocka_unit_test(project_load__no_file__says_how_to_make_one),
        cmocka_unit_test(project_find__from_a_folder_below__finds_the_nearest),
        cmocka_unit_test(project_find__nothing_up_to_the_root__says_where_it_looked),
        cmocka_unit_test(project_load__any_failing_allocation__is_reported),
        cmocka_unit_test(project_load__mistakes_and_a_failing_allocation__is_no_crash),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
