/*
 * Views of one folder share what they read: the same rows in the same memory, given back with the last of them, and never those of
 * another file under the same name.
 */
#include "core/mem.h"
#include "tests/vector/ann/store_help.h"

#include <pthread.h>
#include <stdatomic.h>

static const floe_ann_view *view_open(const char *folder) {
    const floe_ann_view *view = NULL;
    floe_error err = {0};
    floe_ann_options options = model_options();
    assert_ok(floe_ann_view_open(folder, &options, &view, &err), &err);
    return view;
}

static void fill(const char *folder, uint64_t version, model *expected) {
    floe_error err = {0};
    floe_ann_store *store = store_open(folder);
    assert_ok(model_put(store, expected, 0, 40, version, &err), &err);
    assert_ok(floe_ann_store_commit(store, &err), &err);
    floe_ann_store_close(&store);
}

static const float *row_of(const floe_ann_view *view, size_t number) {
    uint32_t slot = 0;
    assert_true(floe_ann_view_find(view, model_id(number), &slot));
    return floe_ann_view_row(view, slot);
}

static void views__of_one_folder__hold_the_rows_once(void **state) {
    (void)state;
    scratch folder = scratch_open();
    model expected = {0};
    fill(folder.folder, 1, &expected);
    const floe_ann_view *one = view_open(folder.folder);
    const floe_ann_view *other = view_open(folder.folder);
    for (size_t i = 0; i < 40; i++) {
        assert_ptr_equal(row_of(one, i), row_of(other, i));
    }
    /* What one gives back the other still has. */
    floe_ann_view_release(&one);
    assert_true(model_is(other, &expected));
    floe_ann_view_release(&other);
    scratch_close(&folder);
}

static void views__of_two_folders__share_nothing(void **state) {
    (void)state;
    scratch left = scratch_open();
    scratch right = scratch_open();
    model ours = {0};
    model theirs = {0};
    fill(left.folder, 1, &ours);
    fill(right.folder, 2, &theirs);
    const floe_ann_view *one = view_open(left.folder);
    const floe_ann_view *other = view_open(right.folder);
    assert_true(model_is(one, &ours));
    assert_true(model_is(other, &theirs));
    floe_ann_view_release(&one);
    floe_ann_view_release(&other);
    scratch_close(&right);
    scratch_close(&left);
}

/* A store begun anew numbers its parts from 1 again, under the names that a living view knows. */
static void view__of_a_store_begun_anew__is_of_the_new_files(void **state) {
    (void)state;
    scratch folder = scratch_open();
    model old = {0};
    fill(folder.folder, 1, &old);
    for (uint64_t version = 2; version < 10; version++) {
        model expected = {0};
        char command[128];
        const floe_ann_view *before = view_open(folder.folder);
        snprintf(command, sizeof(command), "rm -rf '%s'/*", folder.folder);
        assert_int_equal(system(command), 0);
        fill(folder.folder, version, &expected);
        const floe_ann_view *after = view_open(folder.folder);
        assert_true(model_is(before, &old));
        assert_true(model_is(after, &expected));
        floe_ann_view_release(&before);
        floe_ann_view_release(&after);
        old = expected;
    }
    scratch_close(&folder);
}

static void view__another_model_wanted__is_a_conflict_although_it_is_open(void **state) {
    (void)state;
    scratch folder = scratch_open();
    floe_error err = {0};
    model expected = {0};
    fill(folder.folder, 1, &expected);
    const floe_ann_view *one = view_open(folder.folder);
    const floe_ann_view *other = NULL;
    floe_ann_options options = model_options();
    options.fingerprint = FLOE_STR("other/1");
    assert_fails(floe_ann_view_open(folder.folder, &options, &other, &err), &err, FLOE_CONFLICT);
    assert_true(model_is(one, &expected));
    floe_ann_view_release(&one);
    scratch_close(&folder);
}

static void view_open__nth_allocation_fails__is_nomem_and_the_next_succeeds(void **state) {
    (void)state;
    scratch folder = scratch_open();
    model expected = {0};
    floe_ann_options options = model_options();
    fill(folder.folder, 1, &expected);
    bool done = false;
    for (uint64_t n = 1; !done; n++) {
        const floe_ann_view *view = NULL;
        floe_error err = {0};
        floe_mem_fail_at(n);
        floe_status status = floe_ann_view_open(folder.folder, &options, &view, &err);
        floe_mem_fail_off();
        done = !floe_failed(status);
        if (done) {
            assert_true(n > 3);
            assert_true(model_is(view, &expected));
            floe_ann_view_release(&view);
        } else {
            assert_fails(status, &err, FLOE_NOMEM);
        }
    }
    scratch_close(&folder);
}

/* ---- threads ---- */

typedef struct stage {
    const char *folder;
    const model *expected;
    atomic_int failures;
} stage;

static void *open_and_release(void *context) {
    stage *on = context;
    floe_ann_options options = model_options();
    for (size_t i = 0; i < 60; i++) {
        const floe_ann_view *view = NULL;
        bool holds = !floe_failed(floe_ann_view_open(on->folder, &options, &view, NULL)) &&
                     !floe_failed(floe_ann_view_prepare(view, NULL)) && model_is(view, on->expected);
        atomic_fetch_add(&on->failures, !holds);
        if (view != NULL) {
            floe_ann_view_release(&view);
        }
    }
    return NULL;
}

/* The last user leaves while others look: run it under ThreadSanitizer too. */
static void views__opened_and_released_by_many_threads__are_whole(void **state) {
    (void)state;
    scratch folder = scratch_open();
    model expected = {0};
    pthread_t threads[4];
    fill(folder.folder, 1, &expected);
    stage on = {.folder = folder.folder, .expected = &expected};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_release, &on), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(atomic_load(&on.failures), 0);
    scratch_close(&folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views__of_one_folder__hold_the_rows_once),
        cmocka_unit_test(views__of_two_folders__share_nothing),
        cmocka_unit_test(view__of_a_store_begun_anew__is_of_the_new_files),
        cmocka_unit_test(view__another_model_wanted__is_a_conflict_although_it_is_open),
        cmocka_unit_test(view_open__nth_allocation_fails__is_nomem_and_the_next_succeeds),
        cmocka_unit_test(views__opened_and_released_by_many_threads__are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
