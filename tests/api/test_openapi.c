/* The OpenAPI document and the table of routes say the same: every route is described, and nothing else is. */
#include "api/openapi_int.h"
#include "api/reactor_int.h"
#include "core/limits.h"
#include "tests/support/support.h"

#include "core/json.h"

#include <ctype.h>
#include <stdio.h>

typedef struct document {
    floe_arena arena;
    const floe_node *root;
} document;

static int set_up(void **state) {
    static document d;
    floe_error err = {0};
    floe_arena_init(&d.arena, FLOE_MIB(16));
    assert_ok(floe_json_parse(&d.arena, floe_openapi_text(), &d.root, &err), &err);
    *state = &d;
    return 0;
}

static int tear_down(void **state) {
    floe_arena_close(&((document *)*state)->arena);
    return 0;
}

static const floe_node *need(const floe_node *object, const char *key) {
    const floe_node *node = floe_node_get(object, key);
    assert_non_null(node);
    return node;
}

/* "GET, HEAD" → whether `lower` is among them. */
static bool allows(const char *allow, floe_str lower) {
    floe_str rest = floe_str_of(allow);
    floe_str method = {NULL, 0};
    char text[16];
    while (floe_str_split(&rest, ',', &method)) {
        method = floe_str_trim(method);
        (void)snprintf(text, sizeof(text), "%.*s", FLOE_STR_ARG(method));
        for (char *c = text; *c != '\0'; c++) {
            *c = (char)tolower((unsigned char)*c);
        }
        if (floe_str_is(lower, text)) {
            return true;
        }
    }
    return false;
}

static void each_route__is_described_with_each_of_its_methods(void **state) {
    const floe_node *paths = need(((document *)*state)->root, "paths");
    const char *path = NULL;
    const char *allow = NULL;
    static const char *const methods[] = {"get", "post"}; /* HEAD is GET's, OPTIONS everybody's */
    size_t count = 0;
    for (; floe_routes_get(count, &path, &allow); count++) {
        const floe_node *item = floe_node_get(paths, path);
        if (item == NULL) {
            fail_msg("%s is not in openapi.json", path);
        }
        for (size_t m = 0; m < 2; m++) {
            bool described = floe_node_get(item, methods[m]) != NULL;
            if (described != allows(allow, floe_str_of(methods[m]))) {
                fail_msg("%s %s: described %d, allowed %s", methods[m], path, described, allow);
            }
        }
        assert_true(allows(allow, FLOE_STR("options")));
        assert_int_equal(allows(allow, FLOE_STR("get")), allows(allow, FLOE_STR("head")));
    }
    assert_true(count >= 7);
    assert_int_equal(paths->count, count);
}

static void each_operation__has_a_name_of_its_own_and_answers(void **state) {
    const floe_node *paths = need(((document *)*state)->root, "paths");
    floe_str names[64];
    size_t count = 0;
    for (size_t i = 0; i < paths->count; i++) {
        const floe_node *item = paths->members[i].value;
        for (size_t m = 0; m < item->count; m++) {
            const floe_node *operation = item->members[m].value;
            floe_str name = need(operation, "operationId")->text;
            for (size_t k = 0; k < count; k++) {
                assert_false(floe_str_equal(names[k], name));
            }
            names[count++] = name;
            assert_non_null(floe_node_get(need(operation, "responses"), "default"));
            assert_true(need(operation, "summary")->text.len > 0);
            bool has_body = floe_node_get(operation, "requestBody") != NULL;
            assert_int_equal(has_body, floe_str_is(item->members[m].key, "post"));
        }
    }
}

/* Stable codes: the document lists those of core/error.c, and no other. */
static void codes__are_those_of_errors(void **state) {
    const floe_node *schemas = need(need(((document *)*state)->root, "components"), "schemas");
    const floe_node *codes = need(need(need(need(schemas, "Problem"), "properties"), "code"), "enum");
    assert_int_equal(codes->count, FLOE_CODE_COUNT - 1);
    for (int code = 1; code < FLOE_CODE_COUNT; code++) {
        assert_true(floe_str_is(codes->items[code - 1]->text, floe_code_describe((floe_code)code)->name));
    }
}

static void past_the_last_route__there_is_none(void **state) {
    (void)state;
    const char *path = "kept";
    const char *allow = "kept";
    assert_false(floe_routes_get(SIZE_MAX, &path, &allow));
    assert_string_equal(path, "kept");
    assert_string_equal(allow, "kept");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_route__is_described_with_each_of_its_methods),
        cmocka_unit_test(each_operation__has_a_name_of_its_own_and_answers),
        cmocka_unit_test(codes__are_those_of_errors),
        cmocka_unit_test(past_the_last_route__there_is_none),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
