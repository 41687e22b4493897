/*
 * Applied definitions: plan, apply, load, history. The file they lie in, and several processes at it: test_registry.c.
 */
#include "core/limits.h"
#include "core/time.h"
#include "registry/encode_int.h"
#include "tests/registry/stored.h"

#include <stdio.h>

/* The plan as text, one line per change: "~ feature_view v: detail !" (! where it rewrites). */
static const char *plan(test_store *store, const char *yaml) {
    test_project project;
    const floe_change *changes = NULL;
    size_t count = 0;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    test_project_resolved(&project, yaml);
    assert_ok(floe_registry_plan(store->registry, project.definitions, &project.arena, &changes, &count, &store->err),
              &store->err);
    for (size_t i = 0; i < count; i++) {
        floe_buf_printf(&out, "%c %.*s %.*s%s%.*s%s\n", changes[i].sign, FLOE_STR_ARG(changes[i].kind),
                        FLOE_STR_ARG(changes[i].name), changes[i].detail.len > 0 ? ": " : "",
                        FLOE_STR_ARG(changes[i].detail), changes[i].rewrites ? " !" : "");
    }
    const char *text = floe_arena_strndup(&store->arena, out.ptr != NULL ? out.ptr : "", out.len);
    test_project_close(&project);
    return text;
}

/* ---- planning ---- */

static void plan__nothing_applied__adds_everything(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    static const char expected[] = "+ entity airport\n+ source flights\n+ feature_view delays\n"
                                   "+ feature_service model\n";
    assert_string_equal(plan(&store, test_valid_yaml), expected);
    floe_registry *registry = store.registry;
    store.registry = NULL; /* no registry at all */
    assert_string_equal(plan(&store, test_valid_yaml), expected);
    store.registry = registry;
    int64_t version = -1;
    assert_ok(floe_registry_version(registry, &version, NULL), NULL);
    assert_int_equal(version, 0);
    test_store_close(&store);
}

typedef struct diff_case {
    const char *before;
    const char *after;
    const char *plan;
} diff_case;

static void plan__changes__are_named_old_to_new(void **state) {
    (void)state;
    static const diff_case cases[] = {
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS, TEST_HEAD TEST_VIEW TEST_OUTPUTS, ""},
        {TEST_HEAD TEST_VIEW "    ttl: 90d\n" TEST_OUTPUTS, TEST_HEAD TEST_VIEW "    ttl: 30d\n" TEST_OUTPUTS,
         "~ feature_view v: ttl 90d → 30d\n"},
        {TEST_HEAD TEST_VIEW "    ttl: 7d\n" TEST_OUTPUTS, TEST_HEAD TEST_VIEW "    ttl: 1w\n" TEST_OUTPUTS, ""},
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS, TEST_HEAD TEST_VIEW "    ttl: 36h\n" TEST_OUTPUTS,
         "~ feature_view v: ttl none → 36h\n"},
        {TEST_HEAD TEST_VIEW "    description: a\n" TEST_OUTPUTS, TEST_HEAD TEST_VIEW TEST_OUTPUTS,
         "~ feature_view v: description a → none\n"},
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS, TEST_HEAD TEST_VIEW "    at: before\n" TEST_OUTPUTS,
         "~ feature_view v: at at_or_before → before !\n"},
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS, TEST_HEAD TEST_VIEW "    online: false\n" TEST_OUTPUTS,
         "~ feature_view v: online true → false\n"},
        {TEST_HEAD TEST_VIEW "    online: false\n" TEST_OUTPUTS,
         TEST_HEAD TEST_VIEW "    online: false\n    at: before\n" TEST_OUTPUTS,
         "~ feature_view v: at at_or_before → before\n"},
        {TEST_HEAD TEST_VIEW "    where: delay > 5\n" TEST_OUTPUTS,
         TEST_HEAD TEST_VIEW "    where: delay > 6\n" TEST_OUTPUTS,
         "~ feature_view v: where delay > 5 → delay > 6 !\n"},
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS, TEST_HEAD TEST_VIEW "    keys: {origin: destination}\n" TEST_OUTPUTS,
         "~ feature_view v: keys origin origin → destination !\n"},
        {TEST_HEAD TEST_VIEW "    tags: [a, b]\n" TEST_OUTPUTS, TEST_HEAD TEST_VIEW "    tags: [b, c]\n" TEST_OUTPUTS,
         "~ feature_view v: +tag c; -tag a\n"},
        {TEST_HEAD TEST_VIEW "    tags: [a, b]\n" TEST_OUTPUTS, TEST_HEAD TEST_VIEW "    tags: [b, a]\n" TEST_OUTPUTS,
         "~ feature_view v: order of tags\n"},
        {TEST_HEAD TEST_VIEW "    features: [{name: f, column: delay}]\n",
         TEST_HEAD TEST_VIEW "    features: [{name: f, column: distance}]\n",
         "~ feature_view v: feature f column delay → distance !\n"},
        {TEST_HEAD TEST_VIEW "    features: [{name: f, column: delay}]\n",
         TEST_HEAD TEST_VIEW "    features: [{name: f, column: delay}, {name: g, column: delay}]\n",
         "~ feature_view v: +feature g !\n"},
        {TEST_HEAD TEST_VIEW "    features: [{name: f, column: delay}, {name: g, column: delay}]\n",
         TEST_HEAD TEST_VIEW "    features: [{name: g, column: delay}, {name: f, column: delay}]\n",
         "~ feature_view v: order of features !\n"},
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS, TEST_HEAD TEST_VIEW "    features: [{name: f, column: delay}]\n",
         "~ feature_view v: -aggregate delay_mean_7d; -aggregate delay_max_7d !\n"},
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS,
         TEST_HEAD TEST_VIEW "    features: [{name: f, column: delay, description: d}]\n"
                             "    aggregates: [{column: delay, functions: [mean, max], windows: [7d]}]\n",
         "~ feature_view v: feature f description none → d\n"},
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS, TEST_HEAD, "- feature_view v\n"},
        {TEST_HEAD, TEST_HEAD TEST_VIEW TEST_OUTPUTS, "+ feature_view v\n"},
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS,
         "entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n"
         "sources:\n  - {name: t, table: lake.aviation.flights, event_time: known_at}\n" TEST_VIEW TEST_OUTPUTS,
         "~ source t: event_time date → known_at\n~ feature_view v: its entity or source changed !\n"},
        {TEST_HEAD, "entities:\n  - {name: e, keys: [{name: origin, type: string}, {name: x, type: int64}]}\n",
         "~ entity e: +key x\n- source t\n"},
        {"entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n",
         "entities:\n  - {name: e, keys: [{name: origin, type: bytes}]}\n",
         "~ entity e: key origin type string → bytes\n"},
        {TEST_HEAD TEST_VIEW TEST_OUTPUTS "feature_services:\n  - {name: s, features: ['v:f']}\n",
         TEST_HEAD TEST_VIEW TEST_OUTPUTS "feature_services:\n  - {name: s, features: ['v']}\n",
         "~ feature_service s: +feature v:delay_mean_7d; +feature v:delay_max_7d\n"},
        {TEST_HEAD "streams:\n  - {name: k, source: t, kafka: {brokers: b, topic: t}}\n",
         TEST_HEAD "streams:\n  - {name: k, source: t, kafka: {brokers: b, topic: u}, dead_letter: d}\n",
         "~ stream k: kafka topic t → u; dead_letter none → d\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_store store;
        test_store_open(&store);
        test_store_apply(&store, cases[i].before);
        const char *found = plan(&store, cases[i].after);
        if (strcmp(found, cases[i].plan) != 0) {
            fail_msg("case %zu gives\n%s not\n%s", i, found, cases[i].plan);
        }
        test_store_close(&store);
    }
}

static const floe_column *grown_columns;
static size_t grown_count;

static floe_status columns_of_grown(void *context, floe_str table, floe_arena *arena, const floe_column **ret_columns,
                                    size_t *ret_count, floe_error *err) {
    (void)context;
    (void)table;
    (void)arena;
    (void)err;
    *ret_columns = grown_columns;
    *ret_count = grown_count;
    return FLOE_OK;
}

/* The table's schema evolved while the definitions stayed: int32 was promoted to int64, and a column came. */
static void plan__evolved_table__is_a_change_of_the_source_and_of_what_reads_it(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    test_store_apply(&store, TEST_HEAD TEST_VIEW "    features: [{name: f, column: delay}]\n");
    static const floe_column grown[] = {
        {FLOE_STR("date"), {.kind = FLOE_KIND_TIMESTAMP}},
        {FLOE_STR("delay"), {.kind = FLOE_KIND_INT64}},
        {FLOE_STR("origin"), {.kind = FLOE_KIND_STRING}},
        {FLOE_STR("extra"), {.kind = FLOE_KIND_STRING}},
    };
    grown_columns = grown;
    grown_count = 4;
    test_project project;
    test_project_open(&project, TEST_HEAD TEST_VIEW "    features: [{name: f, column: delay}]\n");
    assert_ok(test_load(&project), &project.err);
    const floe_schema_resolver resolver = {.columns = columns_of_grown};
    assert_ok(floe_definitions_resolve(project.definitions, &resolver, &project.arena, &project.err), &project.err);
    const floe_change *changes = NULL;
    size_t count = 0;
    assert_ok(floe_registry_plan(store.registry, project.definitions, &project.arena, &changes, &count, NULL), NULL);
    assert_int_equal(count, 2);
    assert_str(changes[0].kind, "source");
    assert_non_null(strstr(changes[0].detail.ptr, "column delay type int32 → int64"));
    assert_non_null(strstr(changes[0].detail.ptr, "+column extra"));
    assert_non_null(strstr(changes[0].detail.ptr, "-column price"));
    assert_str(changes[1].kind, "feature_view");
    assert_true(changes[1].rewrites);
    test_project_close(&project);
    test_store_close(&store);
}

/* ---- applying and loading ---- */

static void apply__changes__make_versions_and_none_makes_none(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    assert_int_equal(test_store_apply(&store, TEST_HEAD TEST_VIEW TEST_OUTPUTS), 1);
    assert_int_equal(test_store_apply(&store, TEST_HEAD TEST_VIEW TEST_OUTPUTS), 1);
    /* Other lines, other order of keys, a comment: the same definitions. */
    assert_int_equal(test_store_apply(&store,
                                      "# moved\n\n" TEST_HEAD
                                      "feature_views:\n  - source: t\n    entity: e\n    name: v\n" TEST_OUTPUTS),
                     1);
    assert_int_equal(test_store_apply(&store, TEST_HEAD), 2);
    assert_int_equal(test_store_apply(&store, TEST_HEAD TEST_VIEW TEST_OUTPUTS), 3);
    int64_t version = 0;
    assert_ok(floe_registry_version(store.registry, &version, NULL), NULL);
    assert_int_equal(version, 3);
    test_store_close(&store);
}

static void apply__no_definitions_at_all__is_a_version_once(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    assert_int_equal(test_store_apply(&store, ""), 1);
    assert_int_equal(test_store_apply(&store, ""), 1);
    const floe_definitions *definitions = NULL;
    assert_ok(floe_registry_load(store.registry, 0, &store.arena, &definitions, &store.err), &store.err);
    assert_int_equal(definitions->view_count, 0);
    assert_int_equal(definitions->version, 1);
    test_store_close(&store);
}

static void load__nothing_applied_or_no_such_version__is_not_found(void **state) {
    (void)state;
    test_store store;
    const floe_definitions *definitions = NULL;
    test_store_open(&store);
    assert_code(floe_registry_load(store.registry, 0, &store.arena, &definitions, &store.err), FLOE_NOT_FOUND);
    assert_message(&store.err, "floe apply");
    test_store_apply(&store, TEST_HEAD);
    floe_error_clear(&store.err);
    assert_code(floe_registry_load(store.registry, 2, &store.arena, &definitions, &store.err), FLOE_NOT_FOUND);
    assert_message(&store.err, "no version 2; the newest is 1");
    floe_error_clear(&store.err);
    assert_code(floe_registry_load(store.registry, -1, &store.arena, &definitions, &store.err), FLOE_NOT_FOUND);
    assert_null(definitions);
    test_store_close(&store);
}

static const char everything_yaml[] =
    "entities:\n  - {name: e, keys: [{name: from_airport, type: string}, {name: destination, type: string}],\n"
    "     description: \"ümläut \\\"quoted\\\"\", owner: me, tags: [x, y]}\n"
    "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date, created_time: known_at,\n"
    "     end_time: valid_to, max_future: 90s, description: D}\n"
    "  - {name: h, table: lake.hr.people, event_time: born}\n"
    "feature_views:\n"
    "  - name: v\n    entity: e\n    source: t\n    keys: {from_airport: origin}\n"
    "    where: delay IN (1, 2.5) AND destination LIKE 'S%' OR date >= DATE '2001-01-01'\n"
    "    ttl: 1h30m\n    at: before\n    online: false\n    tags: [z]\n"
    "    features:\n      - {name: last, column: delay, description: L}\n      - {name: crew, column: crew}\n"
    "    aggregates:\n"
    "      - {column: delay, functions: [mean, max, stddev], windows: [1h30m, 7d], owner: o}\n"
    "      - {column: price, functions: [sum]}\n"
    "      - {column: delay, functions: [{percentile: 0.950}, {top_k: 3}, {first_k: 5}, {last_k: 5}], windows: [7d]}\n"
    "      - {column: delay, functions: [stddev_pop, variance, variance_pop, first, last, approx_count_distinct]}\n"
    "      - {column: '*', functions: [count], windows: [1w]}\n"
    "      - {column: distance, functions: [min], windows: [2d], name: nearest}\n"
    "streams:\n  - {name: k, source: t, kafka: {brokers: 'a,b', topic: t, group: g}, allowed_lateness: 1h, "
    "dead_letter: d}\n"
    "request_features:\n  - {name: r, inputs: [{name: x, type: 'decimal(10,2)'}, {name: near, feature: 'v:nearest'}],\n"
    "     expression: \"near > x OR x IS NULL\", type: bool, description: R, tags: [q]}\n"
    "feature_services:\n  - {name: s, features: ['v:nearest', r, 'v:crew'], description: S}\n  - {name: all, features: "
    "[v]}\n";

static void check_same_outputs(const floe_view *a, const floe_view *b) {
    assert_int_equal(a->output_count, b->output_count);
    for (size_t i = 0; i < a->output_count; i++) {
        const floe_output *x = &a->outputs[i];
        const floe_output *y = &b->outputs[i];
        assert_true(floe_str_equal(x->about.name, y->about.name));
        assert_true(floe_str_equal(x->about.description, y->about.description));
        assert_true(floe_str_equal(x->about.owner, y->about.owner));
        assert_true(floe_str_equal(x->column, y->column));
        assert_true(floe_str_equal(x->window_text, y->window_text));
        assert_int_equal(x->function, y->function);
        assert_int_equal(x->window_us, y->window_us);
        assert_int_equal(x->k, y->k);
        assert_true(x->quantile == y->quantile);
        assert_true(floe_str_equal(x->quantile_text, y->quantile_text));
        assert_true(floe_type_equal(x->type, y->type));
        assert_true(floe_type_equal(x->column_type, y->column_type));
    }
}

static void load__what_was_applied__comes_back_resolved_without_any_table(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    test_project project;
    test_project_resolved(&project, everything_yaml);
    int64_t version = 0;
    assert_ok(floe_registry_apply(store.registry, project.definitions, &version, &store.err), &store.err);
    const floe_definitions *loaded = NULL;
    assert_ok(floe_registry_load(store.registry, 0, &store.arena, &loaded, &store.err), &store.err);
    const floe_definitions *d = project.definitions;
    assert_int_equal(loaded->version, 1);
    assert_int_equal(loaded->entity_count, 1);
    assert_int_equal(loaded->source_count, 2);
    assert_int_equal(loaded->stream_count, 1);
    assert_int_equal(loaded->service_count, 2);
    const floe_view *a = &d->views[0];
    const floe_view *b = &loaded->views[0];
    check_same_outputs(a, b);
    assert_int_equal(a->fingerprint, b->fingerprint);
    assert_true(a->meaning != 0 && a->meaning == b->meaning);
    assert_true(a->outputs[0].meaning != 0 && a->outputs[0].meaning == b->outputs[0].meaning);
    assert_int_equal(a->ttl_us, b->ttl_us);
    assert_int_equal(b->at_before, true);
    assert_int_equal(b->online, false);
    assert_str(b->key_columns[0], "origin");
    assert_str(b->about.tags[0], "z");
    assert_ptr_equal(b->entity, &loaded->entities[0]);
    assert_ptr_equal(b->source, &loaded->sources[0]);
    assert_string_equal(test_print_expr(a->where, &store.arena), test_print_expr(b->where, &store.arena));
    assert_str(loaded->entities[0].about.description, "ümläut \"quoted\"");
    assert_int_equal(loaded->sources[0].max_future_us, 90 * FLOE_US_PER_SECOND);
    assert_int_equal(loaded->sources[0].column_count, 10);
    /* The column that floe has no type for is not kept. */
    assert_int_equal(loaded->sources[1].column_count, 5);
    assert_str(loaded->streams[0].brokers, "a,b");
    assert_int_equal(loaded->streams[0].allowed_lateness_us, 3600 * FLOE_US_PER_SECOND);
    assert_str(loaded->services[0].refs[0].output->about.name, "nearest");
    assert_int_equal(loaded->request_count, 1);
    const floe_request_feature *request = &loaded->requests[0];
    assert_ptr_equal(loaded->services[0].refs[1].output->request, request);
    assert_str(request->about.description, "R");
    assert_str(request->expression_text, "near > x OR x IS NULL");
    assert_int_equal(request->inputs[0].type.kind, FLOE_KIND_DECIMAL);
    assert_ptr_equal(request->inputs[1].feature.view, b);
    assert_int_equal(request->output.type.kind, FLOE_KIND_BOOL);
    assert_string_equal(test_print_expr(d->requests[0].expression, &store.arena),
                        test_print_expr(request->expression, &store.arena));
    assert_int_equal(loaded->services[1].ref_count, a->output_count);
    test_project_close(&project);
    test_store_close(&store);
}

/* What comes back is encoded to the bytes it was read from: nothing is lost or invented on the way. */
static void load__applied_again__changes_nothing(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    test_store_apply(&store, everything_yaml);
    const floe_definitions *loaded = NULL;
    assert_ok(floe_registry_load(store.registry, 0, &store.arena, &loaded, &store.err), &store.err);
    const floe_change *changes = NULL;
    size_t count = 1;
    assert_ok(floe_registry_plan(store.registry, loaded, &store.arena, &changes, &count, &store.err), &store.err);
    assert_int_equal(count, 0);
    int64_t version = 0;
    assert_ok(floe_registry_apply(store.registry, loaded, &version, &store.err), &store.err);
    assert_int_equal(version, 1);
    test_store_close(&store);
}

static void load__older_version__is_as_it_was(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    test_store_apply(&store, TEST_HEAD TEST_VIEW "    ttl: 90d\n" TEST_OUTPUTS);
    test_store_apply(&store, TEST_HEAD TEST_VIEW "    ttl: 30d\n" TEST_OUTPUTS);
    test_store_apply(&store, TEST_HEAD);
    const floe_definitions *definitions = NULL;
    assert_ok(floe_registry_load(store.registry, 1, &store.arena, &definitions, &store.err), &store.err);
    assert_int_equal(definitions->views[0].ttl_us, 90 * FLOE_US_PER_DAY);
    assert_int_equal(definitions->version, 1);
    assert_ok(floe_registry_load(store.registry, 2, &store.arena, &definitions, &store.err), &store.err);
    assert_int_equal(definitions->views[0].ttl_us, 30 * FLOE_US_PER_DAY);
    assert_ok(floe_registry_load(store.registry, 0, &store.arena, &definitions, &store.err), &store.err);
    assert_int_equal(definitions->view_count, 0);
    test_store_close(&store);
}

static void load__tampered_rows__are_corrupt_and_never_a_crash(void **state) {
    (void)state;
    static const char *const damages[] = {
        "UPDATE objects SET body = '{' WHERE kind = 'feature_view'",
        "UPDATE objects SET body = '[]' WHERE kind = 'entity'",
        "UPDATE objects SET body = '{}' WHERE kind = 'source'",
        "UPDATE objects SET body = replace(body, 'delay', 'gone') WHERE kind = 'feature_view'",
        "UPDATE objects SET body = replace(body, 'int32', 'int33') WHERE kind = 'source'",
        "UPDATE objects SET kind = 'thing' WHERE kind = 'entity'",
        "DELETE FROM objects WHERE kind = 'source'",
        "DELETE FROM objects WHERE kind = 'entity'",
        "UPDATE objects SET body = replace(body, '\"online\":true', '\"online\":5') WHERE kind = 'feature_view'",
        "UPDATE objects SET body = ''",
    };
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        test_store store;
        test_store_open(&store);
        test_store_apply(&store, TEST_HEAD TEST_VIEW TEST_OUTPUTS);
        test_sql_run(store.path, damages[i]);
        const floe_definitions *definitions = NULL;
        floe_status status = floe_registry_load(store.registry, 0, &store.arena, &definitions, &store.err);
        if (status.code != FLOE_CORRUPT) {
            fail_msg("%s gives %d %s", damages[i], (int)status.code, store.err.message);
        }
        test_store_close(&store);
    }
}

static void history__applies__are_listed_newest_first(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    floe_now_pin(INT64_C(1000000));
    test_store_apply(&store, TEST_HEAD);
    floe_now_pin(INT64_C(2000000));
    test_store_apply(&store, TEST_HEAD TEST_VIEW TEST_OUTPUTS);
    floe_now_pin(INT64_C(3000000));
    test_store_apply(&store, "entities:\n  - {name: e, keys: [{name: k, type: int64}]}\n");
    floe_now_pin(0);
    const floe_history_entry *entries = NULL;
    size_t count = 0;
    assert_ok(floe_registry_history(store.registry, &store.arena, &entries, &count, &store.err), &store.err);
    assert_int_equal(count, 3);
    assert_int_equal(entries[0].version, 3);
    assert_int_equal(entries[0].applied_us, 3000000);
    assert_str(entries[0].summary, "+0 ~1 -2: ~entity e, -source t, -feature_view v");
    assert_str(entries[1].summary, "+1 ~0 -0: +feature_view v");
    assert_str(entries[2].summary, "+2 ~0 -0: +entity e, +source t");
    assert_int_equal(entries[2].applied_us, 1000000);
    test_store_close(&store);
}

static void history__summary_of_very_many__is_cut_and_counted(void **state) {
    (void)state;
    test_store store;
    test_store_open(&store);
    FLOE_AUTO_BUF yaml;
    floe_buf_init(&yaml, FLOE_MIB(1));
    floe_buf_text(&yaml, "entities:\n");
    for (int i = 0; i < 1000; i++) {
        floe_buf_printf(&yaml, "  - {name: entity_with_a_long_name_%d, keys: [{name: k, type: int64}]}\n", i);
    }
    test_store_apply(&store, yaml.ptr);
    const floe_history_entry *entries = NULL;
    size_t count = 0;
    assert_ok(floe_registry_history(store.registry, &store.arena, &entries, &count, &store.err), &store.err);
    assert_true(entries[0].summary.len < 4000);
    assert_non_null(strstr(entries[0].summary.ptr, "+1000 ~0 -0: "));
    assert_non_null(strstr(entries[0].summary.ptr, " more"));
    test_store_close(&store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan__nothing_applied__adds_everything),
        cmocka_unit_test(plan__changes__are_named_old_to_new),
        cmocka_unit_test(plan__evolved_table__is_a_change_of_the_source_and_of_what_reads_it),
        cmocka_unit_test(apply__changes__make_versions_and_none_makes_none),
        cmocka_unit_test(apply__no_definitions_at_all__is_a_version_once),
        cmocka_unit_test(load__nothing_applied_or_no_such_version__is_not_found),
        cmocka_unit_test(load__what_was_applied__comes_back_resolved_without_any_table),
        cmocka_unit_test(load__applied_again__changes_nothing),
        cmocka_unit_test(load__older_version__is_as_it_was),
        cmocka_unit_test(load__tampered_rows__are_corrupt_and_never_a_crash),
        cmocka_unit_test(history__applies__are_listed_newest_first),
        cmocka_unit_test(history__summary_of_very_many__is_cut_and_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
