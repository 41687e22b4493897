/* The plans a thread keeps: found again, bounded, told apart, and alive as long as somebody uses them. */
#include "api/plans_int.h"
#include "core/limits.h"
#include "tests/api/world.h"

#include <stdio.h>

typedef struct plan_world {
    world w;
    floe_snapshot *snapshot;
    floe_plans plans;
    floe_arena arena;
    floe_error err;
} plan_world;

static int set_up(void **state) {
    static plan_world p;
    bool changed = false;
    memset(&p, 0, sizeof(p));
    world_make(&p.w, FLOE_STORE_EMBEDDED);
    floe_arena_init(&p.arena, FLOE_MIB(64));
    assert_ok(floe_snapshot_load(p.w.project->registry, 0, &p.snapshot, &changed, &p.err), &p.err);
    assert_true(changed);
    *state = &p;
    return 0;
}

static int tear_down(void **state) {
    plan_world *p = *state;
    floe_plans_clear(&p->plans);
    floe_snapshot_release(&p->snapshot);
    floe_arena_close(&p->arena);
    world_close(&p->w);
    return 0;
}

static floe_plan_entry *get_features(plan_world *p, const floe_str *features, size_t count) {
    floe_lookup_body body = {.features = features, .feature_count = count};
    floe_plan_entry *entry = NULL;
    assert_ok(floe_plans_get(&p->plans, p->snapshot, &body, &p->arena, &entry, &p->err), &p->err);
    return entry;
}

static floe_plan_entry *get_service(plan_world *p, const char *name) {
    floe_lookup_body body = {.service = floe_str_of(name)};
    floe_plan_entry *entry = NULL;
    assert_ok(floe_plans_get(&p->plans, p->snapshot, &body, &p->arena, &entry, &p->err), &p->err);
    return entry;
}

static void same_question__is_one_plan(void **state) {
    plan_world *p = *state;
    floe_plan_entry *first = get_service(p, "model");
    floe_plan_entry *again = get_service(p, "model");
    assert_ptr_equal(first, again);
    assert_int_equal(p->plans.count, 1);
    assert_true(floe_str_is(first->head, "{\"features\":[\"facts:whole\",\"facts:name\"]"));
    floe_plan_release(&first);
    floe_plan_release(&again);
    assert_null(first);
}

/* A service and a feature of one name; and one list that, written without its seams, would be the other. */
static void unlike_questions__are_told_apart(void **state) {
    plan_world *p = *state;
    static const floe_str one[] = {FLOE_STR("facts:whole,facts:name")};
    static const floe_str two[] = {FLOE_STR("facts:whole"), FLOE_STR("facts:name")};
    floe_plan_entry *a = get_features(p, one, 1);
    floe_plan_entry *b = get_features(p, two, 2);
    floe_plan_entry *c = get_service(p, "model");
    assert_ptr_not_equal(a, b);
    assert_ptr_not_equal(b, c);
    assert_true(floe_str_equal(a->head, b->head));
    assert_int_equal(p->plans.count, 3);
    floe_plan_release(&a);
    floe_plan_release(&b);
    floe_plan_release(&c);
}

static void more_questions_than_room__push_out_the_least_recently_used(void **state) {
    plan_world *p = *state;
    floe_str features[FLOE_PLANS_MAX + 1];
    for (size_t i = 0; i <= FLOE_PLANS_MAX; i++) {
        features[i] = FLOE_STR("facts:whole");
    }
    floe_plan_entry *held = get_features(p, features, 1);
    for (size_t count = 2; count <= FLOE_PLANS_MAX; count++) {
        floe_plan_entry *entry = get_features(p, features, count);
        floe_plan_release(&entry);
    }
    assert_int_equal(p->plans.count, FLOE_PLANS_MAX);
    floe_plan_entry *second = get_features(p, features, 1); /* used again: now 2 is the oldest */
    assert_ptr_equal(second, held);
    floe_plan_release(&second);
    floe_plan_entry *more = get_features(p, features, FLOE_PLANS_MAX + 1);
    floe_plan_release(&more);
    assert_int_equal(p->plans.count, FLOE_PLANS_MAX);
    size_t with_two = 0;
    for (size_t i = 0; i < p->plans.count; i++) {
        size_t count = 0;
        (void)floe_lookup_plan_refs(p->plans.items[i]->plan, &count);
        with_two += count == 2 ? 1 : 0;
    }
    assert_int_equal(with_two, 0);
    floe_plan_release(&held);
}

/* In use while it is forgotten and while its definitions are released; the address sanitizer watches. */
static void forgotten_plan__lives_while_it_is_used(void **state) {
    plan_world *p = *state;
    size_t count = 0;
    floe_plan_entry *entry = get_service(p, "model");
    floe_plans_clear(&p->plans);
    floe_snapshot_release(&p->snapshot);
    assert_int_equal(p->plans.count, 0);
    assert_true(floe_str_is(floe_lookup_plan_refs(entry->plan, &count)[0].view->about.name, "facts"));
    assert_int_equal(count, 2);
    floe_plan_release(&entry);
}

static void failed_question__is_not_kept(void **state) {
    plan_world *p = *state;
    floe_lookup_body body = {.service = FLOE_STR("models")};
    floe_plan_entry *entry = NULL;
    assert_code(floe_plans_get(&p->plans, p->snapshot, &body, &p->arena, &entry, &p->err), FLOE_NOT_FOUND);
    assert_message(&p->err, "did you mean model?");
    assert_null(entry);
    assert_int_equal(p->plans.count, 0);
}

static floe_status get_once(void *context, floe_error *err) {
    plan_world *p = context;
    floe_lookup_body body = {.service = FLOE_STR("routes")};
    floe_plan_entry *entry = NULL;
    floe_plans_clear(&p->plans);
    floe_arena_close(&p->arena);
    FLOE_TRY(floe_plans_get(&p->plans, p->snapshot, &body, &p->arena, &entry, err));
    floe_plan_release(&entry);
    return FLOE_OK;
}

static void plan__with_any_allocation_failing__says_so(void **state) {
    assert_true(floe_test_alloc_sweep(get_once, *state) > 0);
}

/* ---- snapshots ---- */

static void snapshot__of_the_version_that_is_known__is_not_read_again(void **state) {
    plan_world *p = *state;
    floe_snapshot *none = NULL;
    bool changed = true;
    assert_ok(floe_snapshot_load(p->w.project->registry, 1, &none, &changed, &p->err), &p->err);
    assert_false(changed);
    assert_null(none);
}

static void snapshot__without_a_registry__is_not_found(void **state) {
    plan_world *p = *state;
    floe_snapshot *none = NULL;
    bool changed = false;
    const char *path = floe_arena_printf(&p->arena, "%s/none.db", p->w.root);
    assert_code(floe_snapshot_load(path, 0, &none, &changed, &p->err), FLOE_NOT_FOUND);
    assert_message(&p->err, "floe apply");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(same_question__is_one_plan, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unlike_questions__are_told_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_questions_than_room__push_out_the_least_recently_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgotten_plan__lives_while_it_is_used, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failed_question__is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(plan__with_any_allocation_failing__says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(snapshot__of_the_version_that_is_known__is_not_read_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(snapshot__without_a_registry__is_not_found, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
