/* core/tree: typed access to members, present, missing, null and of another kind. */
#include "tests/support/support.h"

#include "core/json.h"
#include "core/tree.h"

static const floe_node *parse(floe_arena *arena, const char *json) {
    floe_error err = {0};
    const floe_node *root = NULL;
    floe_arena_init(arena, 100000);
    assert_ok(floe_json_parse(arena, floe_str_of(json), &root, &err), &err);
    return root;
}

static const char document[] = "{\"name\":\"floe\",\"n\":7,\"on\":true,\"none\":null,\"r\":1.5,\"list\":[1]}";

static void get__present_missing_and_no_object(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse(&arena, document);
    assert_int_equal(floe_node_get(root, "n")->as.integer, 7);
    assert_null(floe_node_get(root, "nam"));
    assert_null(floe_node_get(root, "names"));
    assert_null(floe_node_get(root, ""));
    assert_null(floe_node_get(NULL, "n"));
    assert_null(floe_node_get(floe_node_get(root, "list"), "n"));
}

static void kind_name__all_kinds__differ(void **state) {
    (void)state;
    for (unsigned a = FLOE_NODE_NULL; a <= FLOE_NODE_OBJECT; a++) {
        for (unsigned b = FLOE_NODE_NULL; b < a; b++) {
            assert_string_not_equal(floe_node_kind_name((floe_node_kind)a), floe_node_kind_name((floe_node_kind)b));
        }
    }
}

static void need__present__gives_the_value(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse(&arena, document);
    floe_error err = {0};
    floe_str name = {0};
    int64_t n = 0;
    assert_ok(floe_node_need_str(root, "name", "the project", &name, &err), &err);
    assert_ok(floe_node_need_i64(root, "n", "the project", &n, &err), &err);
    assert_true(floe_str_is(name, "floe"));
    assert_int_equal(n, 7);
}

static void need__missing_or_null__is_not_found(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse(&arena, document);
    static const char *const keys[] = {"missing", "none"};
    for (size_t i = 0; i < 2; i++) {
        floe_error err = {0};
        floe_str name = FLOE_STR("kept");
        int64_t n = 42;
        assert_code(floe_node_need_str(root, keys[i], "the project", &name, &err), FLOE_NOT_FOUND);
        assert_message(&err, "the project has no");
        assert_message(&err, keys[i]);
        assert_code(floe_node_need_i64(root, keys[i], "the project", &n, NULL), FLOE_NOT_FOUND);
        assert_true(floe_str_is(name, "kept"));
        assert_int_equal(n, 42);
    }
}

static void need__wrong_kind__is_invalid_and_names_both(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse(&arena, document);
    floe_error err = {0};
    floe_str name = {0};
    int64_t n = 42;
    assert_code(floe_node_need_str(root, "n", "the project", &name, &err), FLOE_INVALID);
    assert_message(&err, "\"n\" of the project must be text, not a whole number");
    assert_code(floe_node_need_i64(root, "r", "the project", &n, NULL), FLOE_INVALID);
    assert_int_equal(n, 42);
}

static void need__no_object__is_invalid(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse(&arena, "[1]");
    floe_error err = {0};
    floe_str name = {0};
    assert_code(floe_node_need_str(root, "name", "the body", &name, &err), FLOE_INVALID);
    assert_message(&err, "the body must be an object with \"name\", not a list");
    assert_code(floe_node_need_str(NULL, "name", "the body", &name, NULL), FLOE_INVALID);
}

static void opt__missing_or_null__keeps_the_default(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse(&arena, document);
    static const char *const keys[] = {"missing", "none"};
    for (size_t i = 0; i < 2; i++) {
        floe_error err = {0};
        floe_str text = FLOE_STR("default");
        int64_t n = 42;
        bool on = true;
        assert_ok(floe_node_opt_str(root, keys[i], "x", &text, &err), &err);
        assert_ok(floe_node_opt_i64(root, keys[i], "x", &n, &err), &err);
        assert_ok(floe_node_opt_bool(root, keys[i], "x", &on, &err), &err);
        assert_true(floe_str_is(text, "default") && n == 42 && on);
    }
}

static void opt__present__replaces_the_default(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse(&arena, document);
    floe_str text = FLOE_STR("default");
    int64_t n = 42;
    bool on = false;
    assert_ok(floe_node_opt_str(root, "name", "x", &text, NULL), NULL);
    assert_ok(floe_node_opt_i64(root, "n", "x", &n, NULL), NULL);
    assert_ok(floe_node_opt_bool(root, "on", "x", &on, NULL), NULL);
    assert_true(floe_str_is(text, "floe") && n == 7 && on);
}

static void opt__wrong_kind__is_invalid(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    const floe_node *root = parse(&arena, document);
    floe_str text = {0};
    int64_t n = 0;
    bool on = false;
    assert_code(floe_node_opt_str(root, "list", "x", &text, NULL), FLOE_INVALID);
    assert_code(floe_node_opt_i64(root, "name", "x", &n, NULL), FLOE_INVALID);
    assert_code(floe_node_opt_bool(root, "n", "x", &on, NULL), FLOE_INVALID);
}

static void messages__node_with_a_line__start_with_it(void **state) {
    (void)state;
    const floe_node number = {.kind = FLOE_NODE_INT, .line = 12, .as.integer = 3};
    const floe_member member = {.key = FLOE_STR("name"), .line = 12, .value = &number};
    const floe_node object = {.kind = FLOE_NODE_OBJECT, .line = 11, .members = &member, .count = 1};
    floe_error wrong = {0};
    floe_error missing = {0};
    floe_str text = {0};
    assert_code(floe_node_need_str(&object, "name", "the entity", &text, &wrong), FLOE_INVALID);
    assert_message(&wrong, "line 12: ");
    assert_code(floe_node_need_str(&object, "type", "the entity", &text, &missing), FLOE_NOT_FOUND);
    assert_message(&missing, "line 11: ");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(get__present_missing_and_no_object),
        cmocka_unit_test(kind_name__all_kinds__differ),
        cmocka_unit_test(need__present__gives_the_value),
        cmocka_unit_test(need__missing_or_null__is_not_found),
        cmocka_unit_test(need__wrong_kind__is_invalid_and_names_both),
        cmocka_unit_test(need__no_object__is_invalid),
        cmocka_unit_test(opt__missing_or_null__keeps_the_default),
        cmocka_unit_test(opt__present__replaces_the_default),
        cmocka_unit_test(opt__wrong_kind__is_invalid),
        cmocka_unit_test(messages__node_with_a_line__start_with_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
