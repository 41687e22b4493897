/*
 * Request features in lookups: computed from what the request brings and from features that are found, or not, in the
 * store. Every lookup is made blocking and on a loop.
 */
#include "tests/online/world.h"

#include "core/limits.h"

static world w;

/* value / x, -1 where nothing was found; and x > 10, which needs no store. */
typedef struct request_world {
    floe_view *view;
    floe_request_input inputs[2];
    floe_request_feature ratio, large, shout;
    floe_request_input word;
} request_world;

static void make_request(floe_request_feature *request, const char *name, const char *text, floe_type type,
                         const floe_request_input *inputs, size_t count) {
    floe_column columns[2];
    for (size_t i = 0; i < count; i++) {
        columns[i] = (floe_column){inputs[i].name, inputs[i].type};
    }
    *request = (floe_request_feature){.about.name = floe_str_of(name), .inputs = inputs, .input_count = count};
    request->output = (floe_output){.about.name = floe_str_of(name), .type = type, .request = request};
    assert_ok(floe_expr_parse(&w.arena, floe_str_of(text), &request->expression, &world_error));
    assert_ok(floe_expr_bind_value(request->expression, &w.arena, columns, count, &world_error));
}

static void make(request_world *r) {
    r->view = make_simple_view(&w);
    r->inputs[0] = (floe_request_input){.name = FLOE_STR("x"), .type = type_of(FLOE_KIND_DOUBLE)};
    r->inputs[1] = (floe_request_input){.name = FLOE_STR("late"),
                                        .type = type_of(FLOE_KIND_INT64),
                                        .feature_text = FLOE_STR("view:value"),
                                        .feature = {r->view, &r->view->outputs[0]}};
    r->word = (floe_request_input){.name = FLOE_STR("word"), .type = type_of(FLOE_KIND_STRING)};
    make_request(&r->ratio, "ratio", "CASE WHEN late IS NULL THEN -1 ELSE late / x END", type_of(FLOE_KIND_DOUBLE),
                 r->inputs, 2);
    make_request(&r->large, "large", "x > 10", type_of(FLOE_KIND_BOOL), r->inputs, 1);
    make_request(&r->shout, "shout", "concat(upper(word), '!')", type_of(FLOE_KIND_STRING), &r->word, 1);
}

static floe_lookup lookup_of(const floe_ref *refs, size_t ref_count, size_t entity_count) {
    floe_lookup lookup = {.entity_count = entity_count, .arena = &w.arena};
    assert_ok(floe_lookup_plan_make(refs, ref_count, &w.arena, &lookup.plan, &world_error));
    return lookup;
}

static void request__feature_of_a_view__is_read_though_not_asked_for(void **state) {
    (void)state;
    request_world r;
    make(&r);
    put_simple(&w, r.view, "a", 10, 30);
    put_simple(&w, r.view, "b", 20, -7);
    const floe_ref refs[] = {{NULL, &r.ratio.output}, {NULL, &r.large.output}};
    floe_lookup lookup = lookup_of(refs, 2, 4);
    size_t count = 0;
    assert_string_equal(floe_lookup_plan_inputs(lookup.plan, &count)[0].name.ptr, "x");
    assert_int_equal(count, 1);
    (void)floe_lookup_plan_keys(lookup.plan, &count);
    assert_int_equal(count, 1);
    floe_value keys[] = {text("a"), text("b"), text("nobody"), text("a")};
    floe_value x[] = {floe_value_double(4), floe_value_double(14), floe_value_double(2), null_of(FLOE_KIND_DOUBLE)};
    const floe_value *key_lists[] = {keys}, *x_lists[] = {x};
    lookup.keys = key_lists;
    lookup.request = x_lists;
    assert_ok(ask_both(&w, &lookup));
    const floe_cell *cells = lookup.cells;
    assert_true(cells[0].value.as.real == 7.5);
    assert_true(cells[1].value.as.real == -0.5);
    assert_true(cells[2].value.as.real == -1); /* not found is null to the expression */
    assert_int_equal(cells[3].status, FLOE_CELL_NULL_VALUE);
    assert_false(cells[0].has_event_us);
    assert_false(cells[4].value.as.boolean);
    assert_true(cells[5].value.as.boolean);
    assert_int_equal(cells[7].status, FLOE_CELL_NULL_VALUE);
    assert_int_equal(cells[7].value.type.kind, FLOE_KIND_BOOL);
}

static void request__beside_its_own_input__reads_it_once(void **state) {
    (void)state;
    request_world r;
    make(&r);
    put_simple(&w, r.view, "a", 10, 30);
    const floe_ref refs[] = {{NULL, &r.ratio.output}, {r.view, &r.view->outputs[0]}, {NULL, &r.ratio.output}};
    floe_lookup lookup = lookup_of(refs, 3, 1);
    floe_value key = text("a"), x = floe_value_double(3);
    const floe_value *key_lists[] = {&key}, *x_lists[] = {&x};
    lookup.keys = key_lists;
    lookup.request = x_lists;
    assert_ok(ask_both(&w, &lookup));
    assert_true(lookup.cells[0].value.as.real == 10 && lookup.cells[2].value.as.real == 10);
    assert_int_equal(lookup.cells[1].value.as.integer, 30);
    assert_true(lookup.cells[1].has_event_us);
}

/* What lies outside its ttl is null to a request feature as it is to who asks. */
static void request__input_outside_its_age__is_null(void **state) {
    (void)state;
    request_world r;
    make(&r);
    r.view->ttl_us = 5;
    put_simple(&w, r.view, "a", 10, 30);
    const floe_ref refs[] = {{NULL, &r.ratio.output}};
    floe_value key = text("a"), x = floe_value_double(3);
    const floe_value *key_lists[] = {&key}, *x_lists[] = {&x};
    static const int64_t times[] = {15, 16};
    static const double want[] = {10, -1};
    for (int i = 0; i < 2; i++) {
        floe_lookup lookup = lookup_of(refs, 1, 1);
        lookup.keys = key_lists;
        lookup.request = x_lists;
        lookup.as_of_us = times[i];
        assert_ok(ask_both(&w, &lookup));
        assert_true(lookup.cells[0].value.as.real == want[i]);
    }
}

static void request__without_views__needs_no_keys(void **state) {
    (void)state;
    request_world r;
    make(&r);
    const floe_ref refs[] = {{NULL, &r.large.output}, {NULL, &r.shout.output}};
    floe_lookup lookup = lookup_of(refs, 2, 2);
    size_t count = 1;
    (void)floe_lookup_plan_keys(lookup.plan, &count);
    assert_int_equal(count, 0);
    floe_value x[] = {floe_value_double(10), floe_value_double(10.5)};
    floe_value word[] = {text("hey"), null_of(FLOE_KIND_STRING)};
    const floe_value *lists[] = {x, word};
    lookup.request = lists;
    assert_ok(ask_both(&w, &lookup));
    assert_false(lookup.cells[0].value.as.boolean);
    assert_true(lookup.cells[1].value.as.boolean);
    assert_true(floe_str_is(lookup.cells[2].value.as.bytes, "HEY!"));
    assert_true(lookup.cells[3].value.is_null);
}

static void request__what_it_does_not_bring__is_named(void **state) {
    (void)state;
    request_world r;
    make(&r);
    const floe_ref refs[] = {{NULL, &r.large.output}};
    floe_lookup lookup = lookup_of(refs, 1, 1);
    assert_code(ask_both(&w, &lookup), FLOE_INVALID);
    assert_message("brings no x");
    floe_value whole = floe_value_int64(5);
    const floe_value *lists[] = {&whole};
    lookup.request = lists;
    assert_code(ask_both(&w, &lookup), FLOE_INVALID);
    assert_message("x is of type double, but its value is of type int64");
}

/* The cells that nobody asked for count against the limit too. */
static void request__hidden_columns__count(void **state) {
    (void)state;
    request_world r;
    make(&r);
    const floe_ref refs[] = {{NULL, &r.ratio.output}};
    floe_lookup lookup = lookup_of(refs, 1, FLOE_LIMIT_LOOKUP_CELLS / 2 + 1);
    floe_value x = floe_value_double(1);
    const floe_value *lists[] = {&x};
    lookup.keys = lists;
    lookup.request = lists;
    assert_code(ask_both(&w, &lookup), FLOE_LIMIT);
}

static int set_up(void **state) {
    (void)state;
    world_open(&w, FLOE_STORE_EMBEDDED);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    world_close(&w);
    return 0;
}

#define REQUEST_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        REQUEST_TEST(request__feature_of_a_view__is_read_though_not_asked_for),
        REQUEST_TEST(request__beside_its_own_input__reads_it_once),
        REQUEST_TEST(request__input_outside_its_age__is_null),
        REQUEST_TEST(request__without_views__needs_no_keys),
        REQUEST_TEST(request__what_it_does_not_bring__is_named),
        REQUEST_TEST(request__hidden_columns__count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
