/*
 * access: what floe.yaml may say about roles, and what a role then sees. A mistake must never open a door.
 */
#include "core/limits.h"
#include "tests/registry/helpers.h"

#include <stdio.h>

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

static floe_status load(const char *access, const floe_project **ret_project, floe_error *err) {
    const char *root = test_folder(&arena);
    test_write(root, "floe.yaml", floe_arena_printf(&arena, "project: p\n%s", access));
    return floe_project_load(root, &arena, ret_project, err);
}

static const floe_project *loaded(const char *access) {
    floe_error err = {0};
    const floe_project *project = NULL;
    assert_ok(load(access, &project, &err), &err);
    return project;
}

static const floe_role *role_of(const char *content) {
    return &loaded(floe_arena_printf(&arena, "access: {r: %s}\n", content))->roles[0];
}

/* ---- floe.yaml ---- */

static void access__roles__are_taken_whole_and_in_order(void **state) {
    (void)state;
    const floe_project *project = loaded("access:\n"
                                         "  analyst:\n"
                                         "    namespaces: [lake.aviation, crm]\n"
                                         "    tables: [lake.hr.people]\n"
                                         "    deny_columns: [lake.hr.people.email, crm.users.phone]\n"
                                         "    views: [airport_delays]\n"
                                         "  guest: {}\n");
    assert_false(project->access_open);
    assert_int_equal(project->role_count, 2);
    const floe_role *role = &project->roles[0];
    assert_str(role->name, "analyst");
    assert_int_equal(role->pos.line, 3);
    assert_string_equal(role->pos.file, "floe.yaml");
    assert_int_equal(role->namespace_count, 2);
    assert_str(role->namespaces[1], "crm");
    assert_int_equal(role->table_count, 1);
    assert_str(role->tables[0], "lake.hr.people");
    assert_int_equal(role->deny_column_count, 2);
    assert_str(role->deny_columns[1], "crm.users.phone");
    assert_int_equal(role->view_count, 1);
    assert_str(project->roles[1].name, "guest");
}

static void access__of_the_documentation__loads(void **state) {
    (void)state;
    const floe_project *project =
        loaded("access: {analyst: {namespaces: [lake.aviation], tables: [lake.hr.people], deny_columns: "
               "[lake.hr.people.email], views: [airport_delays]}}\n");
    assert_int_equal(project->role_count, 1);
}

static void access__a_role_without_content__sees_nothing(void **state) {
    (void)state;
    static const char *const contents[] = {
        "{}", "", "~", "{namespaces: []}", "{tables: [], views: []}", "{namespaces: }", "{deny_columns: [a.b.c]}"};
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        const floe_role *role = role_of(contents[i]);
        assert_false(floe_role_sees_table(role, FLOE_STR("a"), FLOE_STR("b")));
        assert_false(floe_role_sees_table(role, FLOE_STR(""), FLOE_STR("")));
        assert_false(floe_role_sees_column(role, FLOE_STR("a"), FLOE_STR("b"), FLOE_STR("d")));
        assert_false(floe_role_sees_view(role, FLOE_STR("v")));
        assert_false(floe_role_sees_view(role, FLOE_STR("")));
    }
}

typedef struct error_case {
    const char *access;
    const char *place, *part, *part2;
} error_case;

static void access__mistakes__are_refused_with_line_and_the_nearest_word(void **state) {
    (void)state;
    static const error_case cases[] = {
        {"access:\n", "floe.yaml:2", "access is `open` or a mapping", NULL},
        {"access: {}\n", "floe.yaml:2", "access is `open` or a mapping", NULL},
        {"access: [analyst]\n", "floe.yaml:2", "access is `open` or a mapping", NULL},
        {"access: Open\n", "floe.yaml:2", "access is `open` or a mapping", NULL},
        {"access:\n  analyst: {namespace: [a]}\n", "floe.yaml:3", "unknown key `namespace` in access: role analyst",
         "did you mean namespaces?"},
        {"access:\n  analyst: {deny_column: [a.b.c]}\n", "floe.yaml:3", "unknown key `deny_column`",
         "did you mean deny_columns?"},
        {"access:\n  analyst: {zzzzzzzz: [a]}\n", "floe.yaml:3", "unknown key `zzzzzzzz`",
         "known here: namespaces, tables, deny_columns, views"},
        {"access:\n  analyst: [a]\n", "floe.yaml:3", "role analyst must be a mapping", "not a list"},
        {"access:\n  analyst: open\n", "floe.yaml:3", "role analyst must be a mapping", "not text"},
        {"access:\n  analyst: {views: a}\n", "floe.yaml:3", "role analyst: views must be a list", NULL},
        {"access:\n  analyst:\n    views:\n      - 5\n", "floe.yaml:5", "5 is a number", "quotes"},
        {"access:\n  analyst: {views: [\"\"]}\n", "floe.yaml:3", "an entry of views cannot be empty", NULL},
        {"access:\n  analyst: {tables: [people]}\n", "floe.yaml:3", "`people` must be namespace.table", NULL},
        {"access:\n  analyst: {tables: [hr.]}\n", "floe.yaml:3", "`hr.` must be namespace.table", NULL},
        {"access:\n  analyst: {namespaces: [.hr]}\n", "floe.yaml:3", "`.hr` must be a namespace", NULL},
        {"access:\n  analyst: {namespaces: [\"*\"]}\n", "floe.yaml:3", "`*` must be a namespace", "stands for all"},
        {"access:\n  analyst: {deny_columns: [people.email]}\n", "floe.yaml:3",
         "`people.email` must be namespace.table.column", NULL},
        {"access:\n  data-science: {}\n", "floe.yaml:3", "role data-science: a name has only letters", NULL},
        {"access:\n  a: {}\n  b: {}\n  a: {}\n", "floe.yaml:5", "duplicate key 'a'", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        floe_error err = {0};
        const floe_project *project = NULL;
        assert_code(load(cases[i].access, &project, &err), FLOE_INVALID);
        assert_null(project);
        assert_message(&err, cases[i].place);
        assert_message(&err, cases[i].part);
        assert_message(&err, cases[i].part2 != NULL ? cases[i].part2 : "");
    }
}

static void access__open__has_no_roles(void **state) {
    (void)state;
    const floe_project *project = loaded("access: open\n");
    assert_true(project->access_open);
    assert_int_equal(project->role_count, 0);
}

/* ---- what a role sees ---- */

typedef struct table_case {
    const char *content;
    const char *database, *table;
    bool sees;
} table_case;

static void role__a_namespace__is_itself_and_what_lies_below_it_up_to_a_dot(void **state) {
    (void)state;
    static const table_case cases[] = {
        {"{namespaces: [lake.hr]}", "lake.hr", "people", true},
        {"{namespaces: [lake.hr]}", "lake.hr.archive", "people", true},
        {"{namespaces: [lake.hr]}", "lake.hrx", "people", false},
        {"{namespaces: [lake.hr]}", "lake", "hr", false},
        {"{namespaces: [lake.hr]}", "lake.h", "r", false},
        {"{namespaces: [lake.hr]}", "Lake.hr", "people", false},
        {"{namespaces: [lake]}", "lake.hr", "people", true},
        {"{namespaces: [lake]}", "lake", "people", true},
        {"{namespaces: [lake.hr.people]}", "lake.hr", "people", false},
        {"{tables: [lake.hr.people]}", "lake.hr", "people", true},
        {"{tables: [lake.hr.people]}", "lake.hr", "people.old", false},
        {"{tables: [lake.hr.people]}", "lake.hr", "peopl", false},
        {"{tables: [lake.hr.people]}", "lake.hr", "", false},
        {"{tables: [lake.hr.people]}", "lake.hr.people", "", false},
        {"{tables: [\"my db.my table\"]}", "my db", "my table", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const floe_role *role = role_of(cases[i].content);
        bool sees = floe_role_sees_table(role, floe_str_of(cases[i].database), floe_str_of(cases[i].table));
        if (sees != cases[i].sees) {
            fail_msg("%s: %s, %s is %s", cases[i].content, cases[i].database, cases[i].table, sees ? "seen" : "hidden");
        }
    }
}

static void role__denied_columns__are_hidden_and_no_others(void **state) {
    (void)state;
    const floe_role *role = role_of("{namespaces: [crm], deny_columns: [crm.users.email, crm.a.b.c]}");
    assert_false(floe_role_sees_column(role, FLOE_STR("crm"), FLOE_STR("users"), FLOE_STR("email")));
    assert_true(floe_role_sees_column(role, FLOE_STR("crm"), FLOE_STR("users"), FLOE_STR("email2")));
    assert_true(floe_role_sees_column(role, FLOE_STR("crm"), FLOE_STR("users"), FLOE_STR("emai")));
    assert_true(floe_role_sees_column(role, FLOE_STR("crm"), FLOE_STR("user"), FLOE_STR("email")));
    assert_false(floe_role_sees_column(role, FLOE_STR("hr"), FLOE_STR("users"), FLOE_STR("name")));
    /* Names hold dots of their own: both splits of the denied name are denied, so the error is on the safe side. */
    assert_false(floe_role_sees_column(role, FLOE_STR("crm"), FLOE_STR("a"), FLOE_STR("b.c")));
    assert_false(floe_role_sees_column(role, FLOE_STR("crm"), FLOE_STR("a.b"), FLOE_STR("c")));
}

static void role__none__sees_everything(void **state) {
    (void)state;
    assert_true(floe_role_sees_table(NULL, FLOE_STR("a"), FLOE_STR("b")));
    assert_true(floe_role_sees_column(NULL, FLOE_STR("a"), FLOE_STR("b"), FLOE_STR("c")));
    assert_true(floe_role_sees_view(NULL, FLOE_STR("v")));
}

/* An oracle that joins the names and compares texts, against random short names over few letters, so that leading
 * parts, equal names and names with dots all happen. */
static floe_str random_name(floe_test_rng *rng, size_t most) {
    size_t len = 1 + floe_test_below(rng, most);
    char *name = floe_arena_alloc(&arena, len + 1, 1);
    for (size_t i = 0; i < len; i++) {
        name[i] = "ab."[floe_test_below(rng, 3)];
    }
    return (floe_str){name, len};
}

static bool leads(const char *name, const char *whole) {
    size_t len = strlen(name);
    return strncmp(whole, name, len) == 0 && (whole[len] == '\0' || whole[len] == '.');
}

static void role__random_names__sees_what_comparing_joined_texts_says(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    size_t seen = 0;
    for (int round = 0; round < 20000; round++) {
        floe_str space = random_name(&rng, 4), table = random_name(&rng, 5), column = random_name(&rng, 6);
        floe_role role = {.namespaces = &space,
                          .namespace_count = floe_test_below(&rng, 2),
                          .tables = &table,
                          .table_count = 1,
                          .deny_columns = &column,
                          .deny_column_count = 1};
        floe_str database = random_name(&rng, 3), name = random_name(&rng, 2), part = random_name(&rng, 2);
        const char *whole = floe_arena_printf(&arena, "%.*s.%.*s", FLOE_STR_ARG(database), FLOE_STR_ARG(name));
        const char *full = floe_arena_printf(&arena, "%s.%.*s", whole, FLOE_STR_ARG(part));
        bool sees_table =
            floe_str_is(table, whole) ||
            (role.namespace_count > 0 && leads(space.ptr, floe_arena_strndup(&arena, database.ptr, database.len)));
        assert_int_equal(floe_role_sees_table(&role, database, name), sees_table);
        assert_int_equal(floe_role_sees_column(&role, database, name, part), sees_table && !floe_str_is(column, full));
        seen += sees_table ? 1 : 0;
        floe_arena_reset(&arena);
    }
    assert_in_range(seen, 100, 19900);
}

/* ---- roles by name, and names that are not there ---- */

static void project_role__by_name__or_the_nearest_is_named(void **state) {
    (void)state;
    const floe_project *project = loaded("access: {analyst: {}, guest: {}}\n");
    const floe_role *role = NULL;
    floe_error err = {0};
    assert_ok(floe_project_role(project, FLOE_STR("guest"), &arena, &role, &err), &err);
    assert_ptr_equal(role, &project->roles[1]);
    assert_code(floe_project_role(project, FLOE_STR("analist"), &arena, &role, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no role analist");
    assert_message(&err, "did you mean analyst?");
    floe_error_clear(&err);
    assert_code(floe_project_role(project, FLOE_STR(""), &arena, &role, &err), FLOE_NOT_FOUND);
    floe_error_clear(&err);
    assert_code(floe_project_role(loaded("access: open\n"), FLOE_STR("guest"), &arena, &role, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no roles");
}

static void access_check__views_that_are_not_defined__are_named_with_the_nearest(void **state) {
    (void)state;
    test_project defined;
    test_project_resolved(&defined, test_valid_yaml);
    assert_true(defined.definitions->view_count > 0);
    floe_str view = defined.definitions->views[0].about.name;
    floe_error err = {0};
    const floe_project *good =
        loaded(floe_arena_printf(&arena, "access: {a: {views: [%.*s]}, b: {}}\n", FLOE_STR_ARG(view)));
    assert_ok(floe_access_check(good, defined.definitions, &arena, &err), &err);
    const floe_project *bad = loaded(
        floe_arena_printf(&arena, "access:\n  a: {}\n  b: {views: [%.*sx, zzzzzzzzzzzzzz]}\n", FLOE_STR_ARG(view)));
    assert_code(floe_access_check(bad, defined.definitions, &arena, &err), FLOE_NOT_FOUND);
    assert_message(&err, "floe.yaml:4: access: role b: there is no feature view");
    assert_message(&err, floe_arena_printf(&arena, "did you mean %.*s?", FLOE_STR_ARG(view)));
    assert_message(&err, "zzzzzzzzzzzzzz");
    test_project_close(&defined);
}

static void denial__of_what_the_role_does_not_see_anyway__is_told_apart(void **state) {
    (void)state;
    const floe_role *role = role_of("{namespaces: [lake.hr], tables: [crm.users], deny_columns: [lake.hr.people.email, "
                                    "crm.users.phone, crm.orders.total, lake.hrx.t.c, lake.hr.archive.t.c]}");
    static const bool applies[] = {true, true, false, false, true};
    for (size_t i = 0; i < role->deny_column_count; i++) {
        assert_int_equal(floe_role_denial_applies(role, i), applies[i]);
    }
}

static void service__is_seen__when_every_view_of_it_is(void **state) {
    (void)state;
    const floe_view views[] = {{.about = {.name = FLOE_STR("a")}}, {.about = {.name = FLOE_STR("b")}}};
    static const floe_output output;
    const floe_ref refs[] = {{&views[0], &output}, {&views[1], &output}};
    const floe_service service = {.refs = refs, .ref_count = 2};
    assert_true(floe_role_sees_service(role_of("{views: [a, b]}"), &service));
    assert_false(floe_role_sees_service(role_of("{views: [a]}"), &service));
    assert_false(floe_role_sees_service(role_of("{views: [b]}"), &service));
    assert_true(floe_role_sees_service(NULL, &service));
}

/* ---- definitions as a role sees them ---- */

static const floe_definitions *scoped(const floe_definitions *definitions, const char *content) {
    const floe_definitions *left = NULL;
    floe_error err = {0};
    assert_ok(floe_access_scope(definitions, role_of(content), &arena, &left, &err), &err);
    return left;
}

static void access_scope__keeps_the_views_services_and_request_features_that_are_seen(void **state) {
    (void)state;
    static const floe_output output;
    const floe_view views[] = {{.about = {.name = FLOE_STR("a")}}, {.about = {.name = FLOE_STR("b")}}};
    const floe_ref refs[] = {{&views[0], &output}, {&views[1], &output}};
    const floe_request_input inputs[] = {{.name = FLOE_STR("x")}, {.name = FLOE_STR("y"), .feature = refs[1]}};
    floe_request_feature requests[] = {{.about = {.name = FLOE_STR("of_b")}, .inputs = inputs, .input_count = 2},
                                       {.about = {.name = FLOE_STR("of_none")}, .inputs = inputs, .input_count = 1}};
    const floe_service services[] = {{.about = {.name = FLOE_STR("first")}, .refs = refs, .ref_count = 1},
                                     {.about = {.name = FLOE_STR("both")}, .refs = refs, .ref_count = 2}};
    for (size_t i = 0; i < 2; i++) {
        requests[i].output.request = &requests[i];
    }
    const floe_definitions all = {.views = views,
                                  .view_count = 2,
                                  .requests = requests,
                                  .request_count = 2,
                                  .services = services,
                                  .service_count = 2,
                                  .version = 7};
    const floe_definitions *left = scoped(&all, "{views: [a]}");
    assert_int_equal(left->version, 7);
    assert_int_equal(left->view_count, 1);
    assert_non_null(floe_definitions_view(left, FLOE_STR("a")));
    assert_null(floe_definitions_view(left, FLOE_STR("b")));
    assert_int_equal(left->service_count, 1);
    assert_non_null(floe_definitions_service(left, FLOE_STR("first")));
    assert_int_equal(left->request_count, 1);
    assert_non_null(floe_definitions_request(left, FLOE_STR("of_none")));
    left = scoped(&all, "{views: [a, b, c]}");
    assert_int_equal(left->view_count + left->service_count + left->request_count, 6);
    left = scoped(&all, "{}");
    assert_int_equal(left->view_count + left->service_count, 0);
    assert_int_equal(all.view_count, 2);
}

/* ---- memory ---- */

static floe_status load_again(void *context, floe_error *err) {
    FLOE_AUTO_ARENA own;
    const floe_project *project = NULL;
    const floe_role *role = NULL;
    floe_arena_init(&own, FLOE_MIB(64));
    FLOE_TRY(floe_project_load(context, &own, &project, err));
    return floe_project_role(project, FLOE_STR("guest"), &own, &role, err);
}

static void access__every_allocation_failing_once__leaves_no_half_of_a_role(void **state) {
    (void)state;
    const char *root = test_folder(&arena);
    test_write(root, "floe.yaml", "project: p\naccess: {guest: {namespaces: [a, b], tables: [a.t], views: [v]}}\n");
    char folder[4096];
    (void)snprintf(folder, sizeof folder, "%s", root);
    assert_true(floe_test_alloc_sweep(load_again, folder) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(access__roles__are_taken_whole_and_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(access__of_the_documentation__loads, setup, teardown),
        cmocka_unit_test_setup_teardown(access__a_role_without_content__sees_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(access__mistakes__are_refused_with_line_and_the_nearest_word, setup, teardown),
        cmocka_unit_test_setup_teardown(access__open__has_no_roles, setup, teardown),
        cmocka_unit_test_setup_teardown(role__a_namespace__is_itself_and_what_lies_below_it_up_to_a_dot, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(role__denied_columns__are_hidden_and_no_others, setup, teardown),
        cmocka_unit_test_setup_teardown(role__none__sees_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(role__random_names__sees_what_comparing_joined_texts_says, setup, teardown),
        cmocka_unit_test_setup_teardown(project_role__by_name__or_the_nearest_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(access_check__views_that_are_not_defined__are_named_with_the_nearest, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(denial__of_what_the_role_does_not_see_anyway__is_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(service__is_seen__when_every_view_of_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(access_scope__keeps_the_views_services_and_request_features_that_are_seen,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(access__every_allocation_failing_once__leaves_no_half_of_a_role, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
