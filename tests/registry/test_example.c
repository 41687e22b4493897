/*
 * The example that the documentation shows. Whole, it names things that this version cannot do, and each must be
 * refused by name, at its line; what it can do must load, resolve and apply.
 */
#include "core/limits.h"
#include "core/time.h"
#include "tests/registry/helpers.h"

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

/* A copy, so that relative paths of the project lead into a temporary folder. */
static const char *copy_of(const char *name) {
    const char *root = test_folder(&arena);
    test_write(root, "floe.yaml", test_data(&arena, floe_arena_printf(&arena, "%s/floe.yaml", name)));
    test_write(root, "features/delays.yaml",
               test_data(&arena, floe_arena_printf(&arena, "%s/features/delays.yaml", name)));
    return root;
}

/* The number of the line that holds `word`. */
static int line_of(const char *text, const char *word) {
    const char *found = strstr(text, word);
    assert_non_null(found);
    int line = 1;
    for (const char *p = text; p < found; p++) {
        line += *p == '\n';
    }
    return line;
}

static void example__whole__has_a_project_file_that_loads(void **state) {
    (void)state;
    floe_error err = {0};
    const floe_project *project = NULL;
    assert_ok(floe_project_load(copy_of("face"), &arena, &project, &err), &err);
    assert_str(project->embedder, "local");
    assert_true(project->embedder_given);
}

static void example__whole__has_every_later_thing_refused_by_name(void **state) {
    (void)state;
    floe_error err = {0};
    const floe_project *project = NULL;
    floe_definitions *definitions = NULL;
    const char *root = copy_of("face");
    test_write(root, "floe.yaml", test_data(&arena, "supported/floe.yaml"));
    assert_ok(floe_project_load(root, &arena, &project, &err), &err);
    assert_code(floe_definitions_load(project, &arena, &definitions, &err), FLOE_UNSUPPORTED);
    const char *text = test_data(&arena, "face/features/delays.yaml");
    static const struct {
        const char *anchor; /* in the file, for the line */
        const char *name;   /* in the message */
    } later[] = {{"land: true", "land: true"}};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        int line = line_of(text, later[i].anchor);
        const char *place = floe_arena_printf(&arena, "features/delays.yaml:%d: ", line);
        const char *next = floe_arena_printf(&arena, "features/delays.yaml:%d: ", line + 1);
        assert_message(&err, later[i].name);
        /* A section's finding may stand at its first item. */
        assert_true(strstr(err.message, place) != NULL || strstr(err.message, next) != NULL);
    }
    /* The example's second view is not shown, so the service's reference to it is wrong as well. */
    assert_message(&err, "there is no feature view route_delays");
    assert_null(strstr(err.message, "is_long_haul"));
}

static void example__as_far_as_this_version_goes__loads_resolves_and_applies(void **state) {
    (void)state;
    floe_error err = {0};
    const floe_project *project = NULL;
    floe_definitions *definitions = NULL;
    floe_registry *registry = NULL;
    const floe_definitions *loaded = NULL;
    int64_t version = 0;
    assert_ok(floe_project_load(copy_of("supported"), &arena, &project, &err), &err);
    assert_ok(floe_definitions_load(project, &arena, &definitions, &err), &err);
    assert_ok(floe_definitions_resolve(definitions, &test_resolver, &arena, &err), &err);
    assert_ok(floe_registry_open(project->registry, true, &registry, &err), &err);
    assert_ok(floe_registry_apply(registry, definitions, &version, &err), &err);
    assert_ok(floe_registry_load(registry, 0, &arena, &loaded, &err), &err);
    const floe_service *service = floe_definitions_service(loaded, FLOE_STR("delay_model"));
    /* last_delay, four functions by three windows, count_distinct, count, and the route's mean. */
    assert_int_equal(service->ref_count, 1 + 4 * 3 + 1 + 1 + 1);
    assert_str(service->refs[service->ref_count - 1].view->about.name, "route_delays");
    static const char *const names[] = {"last_delay",
                                        "delay_count_1d",
                                        "delay_count_7d",
                                        "delay_count_30d",
                                        "delay_mean_1d",
                                        "delay_mean_7d",
                                        "delay_mean_30d",
                                        "delay_max_1d",
                                        "delay_max_7d",
                                        "delay_max_30d",
                                        "delay_stddev_1d",
                                        "delay_stddev_7d",
                                        "delay_stddev_30d",
                                        "destination_count_distinct_7d",
                                        "count"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assert_str(service->refs[i].output->about.name, names[i]);
    }
    assert_int_equal(loaded->views[0].ttl_us, 90 * FLOE_US_PER_DAY);
    floe_registry_close(&registry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example__whole__has_a_project_file_that_loads),
        cmocka_unit_test(example__whole__has_every_later_thing_refused_by_name),
        cmocka_unit_test(example__as_far_as_this_version_goes__loads_resolves_and_applies),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
