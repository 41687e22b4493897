/*
 * Lookups by name and references.
 */
#include "core/limits.h"
#include "registry/names_int.h"
#include "tests/registry/helpers.h"

#include <stdio.h>

static test_project project;

static int setup(void **state) {
    (void)state;
    test_project_open(&project, test_valid_yaml);
    test_write(project.root, "features/b.yaml",
               "feature_views:\n  - {name: routes, entity: airport, source: flights,"
               " features: [{name: last, column: distance}]}\n"
               "streams:\n  - {name: departures, source: flights, kafka: {brokers: b, topic: t}}\n");
    return floe_failed(test_resolve(&project));
}

static int teardown(void **state) {
    (void)state;
    test_project_close(&project);
    return 0;
}

static void lookups__exact_name__finds_it_and_nothing_else_does(void **state) {
    (void)state;
    const floe_definitions *d = project.definitions;
    assert_non_null(floe_definitions_entity(d, FLOE_STR("airport")));
    assert_null(floe_definitions_entity(d, FLOE_STR("Airport")));
    assert_null(floe_definitions_entity(d, FLOE_STR("airpor")));
    assert_null(floe_definitions_entity(d, FLOE_STR("")));
    assert_non_null(floe_definitions_source(d, FLOE_STR("flights")));
    assert_null(floe_definitions_source(d, FLOE_STR("airport")));
    assert_ptr_equal(floe_definitions_view(d, FLOE_STR("routes")), &d->views[1]);
    assert_null(floe_definitions_view(d, FLOE_STR("routes2")));
    assert_non_null(floe_definitions_service(d, FLOE_STR("model")));
    assert_null(floe_definitions_service(d, FLOE_STR("delays")));
    assert_non_null(floe_definitions_stream(d, FLOE_STR("departures")));
    assert_null(floe_definitions_stream(d, FLOE_STR("flights")));
    assert_ptr_equal(floe_view_output(&d->views[0], FLOE_STR("count")), &d->views[0].outputs[5]);
    assert_null(floe_view_output(&d->views[0], FLOE_STR("counts")));
}

static void lookups__empty_definitions__find_nothing(void **state) {
    (void)state;
    const floe_definitions empty = {0};
    assert_null(floe_definitions_entity(&empty, FLOE_STR("x")));
    assert_null(floe_definitions_source(&empty, FLOE_STR("x")));
    assert_null(floe_definitions_view(&empty, FLOE_STR("x")));
    assert_null(floe_definitions_service(&empty, FLOE_STR("x")));
    assert_null(floe_definitions_stream(&empty, FLOE_STR("x")));
}

static void function_name__every_function__reads_back(void **state) {
    (void)state;
    for (int i = FLOE_FN_COUNT; i < FLOE_FN_END; i++) {
        floe_function function = FLOE_FN_NONE;
        const char *name = floe_function_name((floe_function)i);
        assert_true(floe_function_parse(floe_str_of(name), &function));
        assert_int_equal(function, i);
    }
    assert_string_equal(floe_function_name(FLOE_FN_NONE), "");
    assert_string_equal(floe_function_name((floe_function)99), "");
    floe_function function = FLOE_FN_NONE;
    assert_false(floe_function_parse(FLOE_STR(""), &function));
    assert_false(floe_function_parse(FLOE_STR("Mean"), &function));
}

/* The name is 100·q without a point, so no two quantiles share one. */
static void quantile__texts__are_read_and_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *shortest, *name;
        double value;
    } cases[] = {
        {"0.95", "0.95", "x_p95", 0.95},
        {"0.999", "0.999", "x_p99_9", 0.999},
        {"0.05", "0.05", "x_p5", 0.05},
        {"0.5", "0.5", "x_p50", 0.5},
        {"0.500", "0.5", "x_p50", 0.5},
        {".25", "0.25", "x_p25", 0.25},
        {"1", "1", "x_p100", 1},
        {"1.0", "1", "x_p100", 1},
        {"0", "0", "x_p0", 0},
        {"0.00", "0", "x_p0", 0},
        {"0.001", "0.001", "x_p0_1", 0.001},
        {"0.1", "0.1", "x_p10", 0.1},
        {"0.0505", "0.0505", "x_p5_05", 0.0505},
        {"00.9", "0.9", "x_p90", 0.9},
    };
    floe_arena arena;
    floe_arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        floe_output output = {.function = FLOE_FN_PERCENTILE, .column = FLOE_STR("x")};
        assert_true(floe_quantile_parse(&arena, floe_str_of(cases[i].text), &output.quantile_text, &output.quantile));
        assert_str(output.quantile_text, cases[i].shortest);
        assert_true(output.quantile == cases[i].value);
        assert_str(floe_output_default_name(&arena, &output), cases[i].name);
    }
    static const char *const wrong[] = {"",   ".", "1.01", "2", "-0.1", "1e-2", "0.5x", "11", "0.1234567890123456",
                                        "nan"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        floe_str text;
        double value;
        assert_false(floe_quantile_parse(&arena, floe_str_of(wrong[i]), &text, &value));
    }
    floe_arena_close(&arena);
}

static void names__edges__are_judged(void **state) {
    (void)state;
    assert_null(floe_name_problem(FLOE_STR("a")));
    assert_null(floe_name_problem(FLOE_STR("_")));
    assert_null(floe_name_problem(FLOE_STR("a__b_")));
    assert_non_null(floe_name_problem(FLOE_STR("")));
    assert_non_null(floe_name_problem(FLOE_STR("0a")));
    assert_non_null(floe_name_problem(FLOE_STR("a.b")));
    assert_non_null(floe_name_problem((floe_str){"a\0b", 3}));
    assert_null(floe_view_name_problem(FLOE_STR("_a_b")));
    assert_non_null(floe_view_name_problem(FLOE_STR("a_")));
    assert_non_null(floe_view_name_problem(FLOE_STR("a__b")));
    assert_non_null(floe_view_name_problem(FLOE_STR("__a")));
}

/* With these rules the first `__` of view__feature is the seam: tried for all short names over {a, _}. */
static void names__view_and_feature__are_told_apart_in_one_column(void **state) {
    (void)state;
    for (unsigned view_bits = 0; view_bits < 64; view_bits++) {
        for (unsigned len = 1; len <= 6; len++) {
            char view[8] = {0};
            for (unsigned i = 0; i < len; i++) {
                view[i] = (view_bits >> i & 1) ? '_' : 'a';
            }
            if (floe_view_name_problem(floe_str_of(view)) != NULL) {
                continue;
            }
            static const char *const features[] = {"a", "_", "__", "a_", "_a", "__a", "a__a"};
            for (size_t f = 0; f < sizeof features / sizeof *features; f++) {
                char column[24];
                assert_true(snprintf(column, sizeof column, "%s__%s", view, features[f]) > 0);
                assert_int_equal(strstr(column, "__") - column, len);
            }
        }
    }
}

/* ---- references ---- */

static void check_refs(const char *const *texts, size_t text_count, const char *expected) {
    floe_str strs[8];
    for (size_t i = 0; i < text_count; i++) {
        strs[i] = floe_str_of(texts[i]);
    }
    floe_ref *refs = NULL;
    size_t count = 0;
    floe_error err = {0};
    assert_ok(floe_refs_parse(project.definitions, &project.arena, strs, text_count, &refs, &count, &err), &err);
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, 4096);
    for (size_t i = 0; i < count; i++) {
        floe_buf_printf(&out, "%s%.*s:%.*s", i > 0 ? " " : "", FLOE_STR_ARG(refs[i].view->about.name),
                        FLOE_STR_ARG(refs[i].output->about.name));
    }
    assert_str(floe_buf_view(&out), expected);
}

#define ALL_DELAYS                                                                                                     \
    "delays:last_delay delays:delay_mean_1d delays:delay_mean_7d delays:delay_max_1d delays:delay_max_7d delays:count"

static void refs_parse__forms__give_columns_in_the_order_asked(void **state) {
    (void)state;
    check_refs((const char *[]){"delays:count"}, 1, "delays:count");
    check_refs((const char *[]){"delays"}, 1, ALL_DELAYS);
    check_refs((const char *[]){"routes", "delays:count"}, 2, "routes:last delays:count");
    check_refs((const char *[]){"delays:count,routes:last"}, 1, "delays:count routes:last");
    check_refs((const char *[]){" delays:count , routes "}, 1, "delays:count routes:last");
    check_refs((const char *[]){"routes,delays", "routes"}, 2, "routes:last " ALL_DELAYS " routes:last");
    check_refs((const char *[]){"routes:last", "routes:last"}, 2, "routes:last routes:last");
    check_refs(NULL, 0, "");
}

static void refs_parse__unknown__is_named_with_the_nearest(void **state) {
    (void)state;
    static const struct {
        const char *text;
        floe_code code;
        const char *part;
        const char *part2;
    } cases[] = {
        {"delay", FLOE_NOT_FOUND, "no feature view delay", "did you mean delays?"},
        {"delay:count", FLOE_NOT_FOUND, "delay:count: there is no feature view delay", "did you mean delays?"},
        {"delays:cont", FLOE_NOT_FOUND, "feature view delays has no feature cont", "did you mean delays:count?"},
        {"delays:zzzzzzzzzz", FLOE_NOT_FOUND, "has no feature zzzzzzzzzz", NULL},
        {"zzzzzzzzzz", FLOE_NOT_FOUND, "no feature view zzzzzzzzzz", NULL},
        {"delays:", FLOE_NOT_FOUND, "has no feature ", NULL},
        {":count", FLOE_NOT_FOUND, "no feature view ", NULL},
        {"delays:count:x", FLOE_NOT_FOUND, "has no feature count:x", NULL},
        {"DELAYS", FLOE_NOT_FOUND, "no feature view DELAYS", NULL},
        {"", FLOE_INVALID, "empty feature reference", "view:feature"},
        {"delays,", FLOE_INVALID, "empty feature reference", NULL},
        {",delays", FLOE_INVALID, "empty feature reference", NULL},
        {" ", FLOE_INVALID, "empty feature reference", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        floe_str text = floe_str_of(cases[i].text);
        floe_ref *refs = NULL;
        size_t count = 0;
        floe_error err = {0};
        floe_status status = floe_refs_parse(project.definitions, &project.arena, &text, 1, &refs, &count, &err);
        if (status.code != cases[i].code || strstr(err.message, cases[i].part) == NULL ||
            (cases[i].part2 != NULL && strstr(err.message, cases[i].part2) == NULL)) {
            fail_msg("'%s' gives %d %s", cases[i].text, (int)status.code, err.message);
        }
        assert_null(refs);
    }
}

static void refs_parse__nothing_defined__still_names_the_reference(void **state) {
    (void)state;
    const floe_definitions empty = {0};
    floe_str text = FLOE_STR("delays:count");
    floe_ref *refs = NULL;
    size_t count = 0;
    floe_error err = {0};
    assert_code(floe_refs_parse(&empty, &project.arena, &text, 1, &refs, &count, &err), FLOE_NOT_FOUND);
    assert_message(&err, "delays:count");
    assert_message(&err, "no feature view is defined");
}

static floe_status parse_refs(void *context, floe_error *err) {
    floe_str text = floe_str_of(context);
    FLOE_AUTO_ARENA own = {0};
    floe_arena_init(&own, FLOE_MIB(1));
    floe_ref *refs = NULL;
    size_t count = 0;
    floe_status status = floe_refs_parse(project.definitions, &own, &text, 1, &refs, &count, err);
    if (status.code == FLOE_NOT_FOUND) {
        floe_error_clear(err);
        return FLOE_OK;
    }
    return status;
}

static void refs_parse__any_failing_allocation__is_reported(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(parse_refs, "delays,routes:last") > 0);
    assert_true(floe_test_alloc_sweep(parse_refs, "delay") > 0);
    assert_true(floe_test_alloc_sweep(parse_refs, "delays:cont") > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookups__exact_name__finds_it_and_nothing_else_does),
        cmocka_unit_test(lookups__empty_definitions__find_nothing),
        cmocka_unit_test(function_name__every_function__reads_back),
        cmocka_unit_test(quantile__texts__are_read_and_named),
        cmocka_unit_test(names__edges__are_judged),
        cmocka_unit_test(names__view_and_feature__are_told_apart_in_one_column),
        cmocka_unit_test(refs_parse__forms__give_columns_in_the_order_asked),
        cmocka_unit_test(refs_parse__unknown__is_named_with_the_nearest),
        cmocka_unit_test(refs_parse__nothing_defined__still_names_the_reference),
        cmocka_unit_test(refs_parse__any_failing_allocation__is_reported),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
