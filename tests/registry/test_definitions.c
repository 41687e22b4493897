/*
 * The files of features/: what a definition becomes, how outputs are named, where request features stand, and the limits.
 * What is refused: test_definitions_wrong.c.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "tests/registry/helpers.h"

/* ---- what is taken ---- */

static void definitions_load__no_folder__is_fine(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, NULL);
    assert_ok(test_resolve(&project), &project.err);
    assert_int_equal(project.definitions->view_count, 0);
    assert_int_equal(project.definitions->version, 0);
    test_project_close(&project);
}

static void definitions_load__empty_files_and_sections__are_fine(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, "");
    test_write(project.root, "features/b.yaml", "# nothing yet\n");
    test_write(project.root, "features/c.yaml", "entities:\nsources: []\nfeature_views:\n");
    test_write(project.root, "features/README.md", "not: [yaml");
    test_write(project.root, "features/.#a.yaml", "an: [editor's lock");
    test_write(project.root, "features/notes/deep.txt", "");
    assert_ok(test_resolve(&project), &project.err);
    assert_int_equal(project.definitions->entity_count, 0);
    test_project_close(&project);
}

static void definitions_load__view__is_read_whole(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project, test_valid_yaml);
    const floe_definitions *definitions = project.definitions;
    const floe_view *view = floe_definitions_view(definitions, FLOE_STR("delays"));
    assert_non_null(view);
    assert_str(view->about.description, "How late.");
    assert_string_equal(view->about.pos.file, "features/a.yaml");
    assert_int_equal(view->about.pos.line, 9);
    assert_ptr_equal(view->entity, floe_definitions_entity(definitions, FLOE_STR("airport")));
    assert_ptr_equal(view->source, floe_definitions_source(definitions, FLOE_STR("flights")));
    assert_str(view->key_columns[0], "origin");
    assert_str(view->where_text, "delay IS NOT NULL");
    assert_non_null(view->where);
    assert_int_equal(view->where_line, 13);
    assert_int_equal(view->ttl_us, 90 * FLOE_US_PER_DAY);
    assert_true(view->at_before);
    assert_true(view->online);
    assert_int_equal(view->output_count, 6);
    assert_str(view->outputs[0].about.name, "last_delay");
    assert_int_equal(view->outputs[0].function, FLOE_FN_NONE);
    assert_int_equal(view->outputs[0].about.pos.line, 17);
    test_project_close(&project);
}

static void definitions_load__source__has_its_defaults(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project, test_valid_yaml);
    const floe_source *source = floe_definitions_source(project.definitions, FLOE_STR("flights"));
    assert_str(source->table, "lake.aviation.flights");
    assert_str(source->event_time, "date");
    assert_str(source->created_time, "known_at");
    assert_int_equal(source->end_time.len, 0);
    assert_int_equal(source->max_future_us, 60 * FLOE_US_PER_SECOND);
    assert_int_equal(source->table_line, 5);
    assert_int_equal(source->event_line, 6);
    test_project_close(&project);
}

static void definitions_load__any_order_over_any_files__is_one_set(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, "feature_services:\n  - {name: s, features: [v]}\n");
    test_write(project.root, "features/b.yaml",
               "feature_views:\n  - {name: v, entity: e, source: t, features: [{name: f, column: delay}]}\n");
    test_write(project.root, "features/c.yaml",
               "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date}\n"
               "entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n");
    assert_ok(test_resolve(&project), &project.err);
    assert_int_equal(floe_definitions_service(project.definitions, FLOE_STR("s"))->ref_count, 1);
    assert_string_equal(floe_definitions_view(project.definitions, FLOE_STR("v"))->about.pos.file, "features/b.yaml");
    test_project_close(&project);
}

static void definitions_load__about__of_every_kind_is_kept(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(
        &project,
        "entities:\n  - {name: e, keys: [{name: origin, type: string}], description: D1, owner: O1, tags: [a, b]}\n"
        "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date, description: D2, owner: O2, tags: "
        "[c]}\n"
        "feature_views:\n"
        "  - name: v\n    entity: e\n    source: t\n    description: D3\n    owner: O3\n    tags: [d]\n"
        "    features: [{name: f, column: delay, description: D4, owner: O4, tags: [e]}]\n"
        "    aggregates: [{column: delay, functions: [min, max], description: D5, owner: O5, tags: [f, g]}]\n"
        "feature_services:\n  - {name: s, features: [v], description: D6, owner: O6, tags: []}\n"
        "streams:\n  - {name: k, source: t, kafka: {brokers: b, topic: t}, description: '', owner: O7, tags: [h]}\n");
    const floe_definitions *d = project.definitions;
    assert_str(d->entities[0].about.description, "D1");
    assert_str(d->entities[0].about.owner, "O1");
    assert_int_equal(d->entities[0].about.tag_count, 2);
    assert_str(d->entities[0].about.tags[1], "b");
    assert_str(d->sources[0].about.owner, "O2");
    assert_str(d->views[0].about.tags[0], "d");
    assert_str(d->views[0].outputs[0].about.description, "D4");
    assert_str(d->views[0].outputs[0].about.tags[0], "e");
    assert_str(d->views[0].outputs[1].about.description, "D5");
    assert_str(d->views[0].outputs[2].about.owner, "O5");
    assert_int_equal(d->views[0].outputs[2].about.tag_count, 2);
    assert_str(d->services[0].about.description, "D6");
    assert_int_equal(d->services[0].about.tag_count, 0);
    assert_str(d->streams[0].about.owner, "O7");
    test_project_close(&project);
}

static void definitions_load__keys_of_other_names__map_to_their_columns(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(
        &project,
        "entities:\n  - {name: route, keys: [{name: from_airport, type: string}, {name: destination, type: string}]}\n"
        "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date}\n"
        "feature_views:\n  - {name: v, entity: route, source: t, keys: {from_airport: origin}, online: false,\n"
        "     at: at_or_before, features: [{name: f, column: delay}]}\n");
    const floe_view *view = &project.definitions->views[0];
    assert_str(view->key_columns[0], "origin");
    assert_str(view->key_columns[1], "destination");
    assert_false(view->online);
    assert_false(view->at_before);
    assert_int_equal(view->ttl_us, 0);
    test_project_close(&project);
}

static void definitions_load__every_key_type__is_taken(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, "entities:\n  - name: e\n    keys:\n"
                                "      - {name: a, type: string}\n      - {name: b, type: int32}\n"
                                "      - {name: c, type: int64}\n      - {name: d, type: bool}\n"
                                "      - {name: e, type: date}\n      - {name: f, type: timestamp}\n"
                                "      - {name: g, type: bytes}\n");
    assert_ok(test_load(&project), &project.err);
    assert_int_equal(project.definitions->entities[0].key_count, 7);
    assert_int_equal(project.definitions->entities[0].keys[6].type.kind, FLOE_KIND_BYTES);
    test_project_close(&project);
}

static void definitions_load__stream__is_read_whole(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project,
                          "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date, max_future: 5m}\n"
                          "streams:\n  - name: k\n    source: t\n"
                          "    kafka: {brokers: \"a:1,b:2\", topic: dep, group: g, format: json}\n"
                          "    allowed_lateness: 1h\n    dead_letter: dead\n    land: false\n"
                          "  - {name: short, source: t, kafka: {brokers: b, topic: t}}\n");
    const floe_stream_def *stream = floe_definitions_stream(project.definitions, FLOE_STR("k"));
    assert_str(stream->brokers, "a:1,b:2");
    assert_str(stream->topic, "dep");
    assert_str(stream->group, "g");
    assert_str(stream->format, "json");
    assert_str(stream->dead_letter, "dead");
    assert_int_equal(stream->allowed_lateness_us, 3600 * FLOE_US_PER_SECOND);
    assert_int_equal(stream->source->max_future_us, 300 * FLOE_US_PER_SECOND);
    stream = floe_definitions_stream(project.definitions, FLOE_STR("short"));
    assert_str(stream->group, "floe");
    assert_str(stream->format, "json");
    assert_int_equal(stream->allowed_lateness_us, 0);
    assert_int_equal(stream->dead_letter.len, 0);
    test_project_close(&project);
}

static void definitions_load__service__expands_views_in_their_order(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, test_valid_yaml);
    test_write(project.root, "features/b.yaml",
               "feature_services:\n  - {name: two, features: ['delays:count', 'delays:last_delay']}\n");
    assert_ok(test_resolve(&project), &project.err);
    const floe_service *all = floe_definitions_service(project.definitions, FLOE_STR("model"));
    static const char *const names[] = {"last_delay",   "delay_mean_1d", "delay_mean_7d",
                                        "delay_max_1d", "delay_max_7d",  "count"};
    assert_int_equal(all->ref_count, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_str(all->refs[i].output->about.name, names[i]);
        assert_ptr_equal(all->refs[i].view, &project.definitions->views[0]);
    }
    const floe_service *two = floe_definitions_service(project.definitions, FLOE_STR("two"));
    assert_int_equal(two->ref_count, 2);
    assert_str(two->refs[0].output->about.name, "count");
    test_project_close(&project);
}

/* ---- names of outputs ---- */

static void definitions_load__outputs__are_named_column_function_window(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(
        &project,
        "entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n"
        "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date}\n"
        "feature_views:\n  - name: v\n    entity: e\n    source: t\n    aggregates:\n"
        "      - {column: delay, functions: [count, sum, mean, min, max, stddev, count_distinct], windows: [1h30m]}\n"
        "      - {column: '*', functions: [count], windows: [7d, 1w]}\n"
        "      - {column: '*', functions: [count]}\n"
        "      - {column: price, functions: [sum]}\n"
        "      - {column: distance, functions: [max], windows: [2w], name: farthest}\n"
        "      - {column: distance, functions: [min], name: nearest}\n"
        "      - {column: delay, functions: [stddev_pop, variance, variance_pop, approx_count_distinct], windows: "
        "[1h]}\n"
        "      - {column: delay, functions: [{percentile: 0.95}, {percentile: 0.999}], windows: [7d]}\n"
        "      - column: origin\n        functions: [first, last, {first_k: 5}, {last_k: 5}, {top_k: 3}]\n"
        "        windows: [7d]\n"
        "      - {column: origin, functions: [{top_k: 1000}], name: most}\n");
    static const struct {
        const char *name;
        floe_function function;
        int64_t window_s;
        const char *text;
    } expected[] = {
        {"delay_count_1h30m", FLOE_FN_COUNT, 5400, "1h30m"},
        {"delay_sum_1h30m", FLOE_FN_SUM, 5400, "1h30m"},
        {"delay_mean_1h30m", FLOE_FN_MEAN, 5400, "1h30m"},
        {"delay_min_1h30m", FLOE_FN_MIN, 5400, "1h30m"},
        {"delay_max_1h30m", FLOE_FN_MAX, 5400, "1h30m"},
        {"delay_stddev_1h30m", FLOE_FN_STDDEV, 5400, "1h30m"},
        {"delay_count_distinct_1h30m", FLOE_FN_COUNT_DISTINCT, 5400, "1h30m"},
        {"count_7d", FLOE_FN_COUNT, 7 * 86400, "7d"},
        {"count_1w", FLOE_FN_COUNT, 7 * 86400, "1w"},
        {"count", FLOE_FN_COUNT, 0, ""},
        {"price_sum", FLOE_FN_SUM, 0, ""},
        {"farthest", FLOE_FN_MAX, 14 * 86400, "2w"},
        {"nearest", FLOE_FN_MIN, 0, ""},
        {"delay_stddev_pop_1h", FLOE_FN_STDDEV_POP, 3600, "1h"},
        {"delay_variance_1h", FLOE_FN_VARIANCE, 3600, "1h"},
        {"delay_variance_pop_1h", FLOE_FN_VARIANCE_POP, 3600, "1h"},
        {"delay_approx_count_distinct_1h", FLOE_FN_APPROX_COUNT_DISTINCT, 3600, "1h"},
        {"delay_p95_7d", FLOE_FN_PERCENTILE, 7 * 86400, "7d"},
        {"delay_p99_9_7d", FLOE_FN_PERCENTILE, 7 * 86400, "7d"},
        {"origin_first_7d", FLOE_FN_FIRST, 7 * 86400, "7d"},
        {"origin_last_7d", FLOE_FN_LAST, 7 * 86400, "7d"},
        {"origin_first_5_7d", FLOE_FN_FIRST_K, 7 * 86400, "7d"},
        {"origin_last_5_7d", FLOE_FN_LAST_K, 7 * 86400, "7d"},
        {"origin_top_3_7d", FLOE_FN_TOP_K, 7 * 86400, "7d"},
        {"most", FLOE_FN_TOP_K, 0, ""},
    };
    const floe_view *view = &project.definitions->views[0];
    assert_int_equal(view->output_count, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < view->output_count; i++) {
        assert_str(view->outputs[i].about.name, expected[i].name);
        assert_int_equal(view->outputs[i].function, expected[i].function);
        assert_int_equal(view->outputs[i].window_us, expected[i].window_s * FLOE_US_PER_SECOND);
        assert_str(view->outputs[i].window_text, expected[i].text);
    }
    test_project_close(&project);
}

/* ---- request features in services ---- */

#define HEAD                                                                                                           \
    "entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n"                                                 \
    "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date}\n"                                        \
    "feature_views:\n"
#define REQUEST HEAD "  - {name: v, entity: e, source: t, features: [{name: f, column: delay}]}\nrequest_features:\n"

static void definitions_load__request_features__stand_in_services_by_their_bare_name(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project, REQUEST
                          "  - name: ratio\n    inputs: [{name: x, type: double}, {name: late, feature: 'v:f'}]\n"
                          "    expression: late / x\n    type: double\n    description: D\n"
                          "  - {name: constant, expression: 40 + 2, type: int64}\n"
                          "feature_services:\n  - {name: s, features: [constant, v, ratio]}\n");
    const floe_definitions *d = project.definitions;
    assert_int_equal(d->request_count, 2);
    const floe_request_feature *ratio = floe_definitions_request(d, FLOE_STR("ratio"));
    assert_int_equal(ratio->input_count, 2);
    assert_int_equal(ratio->inputs[0].type.kind, FLOE_KIND_DOUBLE);
    assert_int_equal(ratio->inputs[1].type.kind, FLOE_KIND_INT32); /* delay's */
    assert_ptr_equal(ratio->inputs[1].feature.view, &d->views[0]);
    const floe_service *service = floe_definitions_service(d, FLOE_STR("s"));
    char name[FLOE_REF_NAME_MAX];
    assert_int_equal(service->ref_count, 3);
    assert_string_equal(floe_ref_name(&service->refs[0], ":", name), "constant");
    assert_string_equal(floe_ref_name(&service->refs[1], "__", name), "v__f");
    assert_ptr_equal(service->refs[2].output->request, ratio);
    floe_value inputs[] = {floe_value_double(4), {.type.kind = FLOE_KIND_INT32, .as.integer = 10}};
    floe_value value = floe_request_value(ratio, inputs, NULL);
    assert_true(!value.is_null && value.as.real == 2.5);
    inputs[0].as.real = 0;
    assert_true(floe_request_value(ratio, inputs, NULL).is_null);
    floe_ref *views = NULL;
    size_t count = 0;
    assert_ok(floe_refs_of_views(&project.arena, service->refs + 2, 1, &views, &count, &project.err), &project.err);
    assert_int_equal(count, 1);
    assert_ptr_equal(views[0].output, &d->views[0].outputs[0]);
    const floe_column *brought = NULL;
    assert_ok(floe_refs_request_inputs(&project.arena, service->refs, 3, &brought, &count, &project.err), &project.err);
    assert_int_equal(count, 1);
    assert_str(brought[0].name, "x");
    test_project_close(&project);
}

static void refs__inputs_of_two_types_under_one_name__are_refused(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project,
                          REQUEST "  - {name: a, inputs: [{name: x, type: double}], expression: x, type: double}\n"
                                  "  - {name: b, inputs: [{name: x, type: string}], expression: x, type: string}\n");
    floe_ref *refs = NULL;
    const floe_column *inputs = NULL;
    size_t count = 0;
    floe_str text = FLOE_STR("a,b");
    assert_ok(floe_refs_parse(project.definitions, &project.arena, &text, 1, &refs, &count, &project.err),
              &project.err);
    assert_code(floe_refs_request_inputs(&project.arena, refs, count, &inputs, &count, &project.err), FLOE_INVALID);
    assert_message(&project.err, "the input x, one as double and one as string");
    test_project_close(&project);
}

/* ---- limits and failures ---- */

static void definitions_load__name_of_128_bytes__is_taken_and_129_is_not(void **state) {
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        test_project project;
        char name[140] = {0};
        memset(name, 'n', (size_t)(FLOE_LIMIT_NAME_BYTES + extra));
        FLOE_AUTO_BUF yaml;
        floe_buf_init(&yaml, 4096);
        floe_buf_printf(&yaml, "entities:\n  - {name: %s, keys: [{name: k, type: string}]}\n", name);
        test_project_open(&project, yaml.ptr);
        assert_code(test_load(&project), extra ? FLOE_INVALID : FLOE_CODE_OK);
        if (extra) {
            assert_message(&project.err, "128 bytes");
        }
        test_project_close(&project);
    }
}

static void definitions_load__sixteen_keys__are_taken_and_seventeen_are_not(void **state) {
    (void)state;
    for (int count = FLOE_LIMIT_ENTITY_KEYS; count <= FLOE_LIMIT_ENTITY_KEYS + 1; count++) {
        test_project project;
        FLOE_AUTO_BUF yaml;
        floe_buf_init(&yaml, 4096);
        floe_buf_text(&yaml, "entities:\n  - name: e\n    keys:\n");
        for (int i = 0; i < count; i++) {
            floe_buf_printf(&yaml, "      - {name: k%d, type: string}\n", i);
        }
        test_project_open(&project, yaml.ptr);
        assert_code(test_load(&project), count > FLOE_LIMIT_ENTITY_KEYS ? FLOE_LIMIT : FLOE_CODE_OK);
        test_project_close(&project);
    }
}

static void definitions_load__outputs_up_to_the_limit__are_taken_and_no_more(void **state) {
    (void)state;
    for (int extra = 0; extra < 2; extra++) {
        test_project project;
        FLOE_AUTO_BUF yaml;
        floe_buf_init(&yaml, FLOE_MIB(2));
        floe_buf_text(&yaml, HEAD "  - name: v\n    entity: e\n    source: t\n    features:\n");
        for (int i = 0; i < FLOE_LIMIT_VIEW_FEATURES + extra; i++) {
            floe_buf_printf(&yaml, "      - {name: f%d, column: delay}\n", i);
        }
        test_project_open(&project, yaml.ptr);
        assert_code(test_load(&project), extra ? FLOE_LIMIT : FLOE_CODE_OK);
        if (extra) {
            assert_message(&project.err, "more than 4096 outputs");
        }
        test_project_close(&project);
    }
}

static floe_status load_own(void *context, floe_error *err) {
    const test_project *project = context;
    FLOE_AUTO_ARENA own = {0};
    floe_arena_init(&own, FLOE_MIB(16));
    floe_definitions *definitions = NULL;
    FLOE_TRY(floe_definitions_load(project->project, &own, &definitions, err));
    return floe_definitions_resolve(definitions, &test_resolver, &own, err);
}

static floe_status load_own_wrong(void *context, floe_error *err) {
    floe_status status = load_own(context, err);
    if (status.code == FLOE_INVALID) {
        floe_error_clear(err);
        return FLOE_OK;
    }
    return status;
}

static void definitions_load__any_failing_allocation__is_reported(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, test_valid_yaml);
    assert_true(floe_test_alloc_sweep(load_own, &project) > 0);
    test_project_close(&project);
}

static void definitions_load__mistakes_and_a_failing_allocation__is_no_crash(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, "entities:\n  - {nam: e}\n  - {name: f, keys: [{name: k, type: strng}]}\n"
                                "sources:\n  - {name: t, table: lak.a.b, event_time: x}\n"
                                "feature_views:\n  - {name: v, entity: g, source: u, where: 'a +', at: befor,\n"
                                "     features: [{name: f, colum: d}], aggregates: [{column: d, functions: [meen]}]}\n"
                                "feature_services:\n  - {name: s, features: [w]}\n");
    assert_true(floe_test_alloc_sweep(load_own_wrong, &project) > 0);
    test_project_close(&project);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions_load__no_folder__is_fine),
        cmocka_unit_test(definitions_load__empty_files_and_sections__are_fine),
        cmocka_unit_test(definitions_load__view__is_read_whole),
        cmocka_unit_test(definitions_load__source__has_its_defaults),
        cmocka_unit_test(definitions_load__any_order_over_any_files__is_one_set),
        cmocka_unit_test(definitions_load__about__of_every_kind_is_kept),
        cmocka_unit_test(definitions_load__keys_of_other_names__map_to_their_columns),
        cmocka_unit_test(definitions_load__every_key_type__is_taken),
        cmocka_unit_test(definitions_load__stream__is_read_whole),
        cmocka_unit_test(definitions_load__service__expands_views_in_their_order),
        cmocka_unit_test(definitions_load__outputs__are_named_column_function_window),
        cmocka_unit_test(definitions_load__request_features__stand_in_services_by_their_bare_name),
        cmocka_unit_test(refs__inputs_of_two_types_under_one_name__are_refused),
        cmocka_unit_test(definitions_load__name_of_128_bytes__is_taken_and_129_is_not),
        cmocka_unit_test(definitions_load__sixteen_keys__are_taken_and_seventeen_are_not),
        cmocka_unit_test(definitions_load__outputs_up_to_the_limit__are_taken_and_no_more),
        cmocka_unit_test(definitions_load__any_failing_allocation__is_reported),
        cmocka_unit_test(definitions_load__mistakes_and_a_failing_allocation__is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
