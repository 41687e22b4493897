/*
 * A sync that is killed with SIGKILL, at every call it makes to the store and at random moments, then run again: the
 * same content as one clean run, and never half of it in between. Over both kinds of stores.
 * timeout: 600
 */
#include "tests/online/sync_world.h"

#include "online/online_int.h"

#include <signal.h>
#include <sys/wait.h>

#define KEYS 30

static floe_store_kind tested_kind;

static int open_world(void **state) {
    sync_world *s = test_calloc(1, sizeof(*s));
    sync_world_open(s, tested_kind);
    *state = s;
    return 0;
}

static int close_world(void **state) {
    sync_world_close(*state);
    test_free(*state);
    return 0;
}

/* ---- a backend that dies ---- */

static floe_backend real;
static int calls_left;

static void count_down(void) {
    if (--calls_left == 0) {
        raise(SIGKILL);
    }
}

static void dying_close(void *impl) {
    real.vtable->close(impl);
}

static floe_status dying_identity(void *impl, floe_buf *out, floe_error *err) {
    count_down();
    return real.vtable->identity(impl, out, err);
}

static floe_status dying_state_get(void *impl, floe_str view, floe_buf *out, floe_error *err) {
    count_down();
    return real.vtable->state_get(impl, view, out, err);
}

static floe_status dying_state_swap(void *impl, floe_str view, floe_str expected, floe_str desired, bool *ret_swapped,
                                    floe_error *err) {
    count_down();
    floe_status status = real.vtable->state_swap(impl, view, expected, desired, ret_swapped, err);
    count_down(); /* after it has happened, before anybody knows */
    return status;
}

/* Half of the batch is written before the second chance to die. */
static floe_status dying_write(void *impl, const floe_put *puts, size_t count, bool keep_on_tie,
                               floe_write_outcome *ret_outcomes, floe_error *err) {
    count_down();
    FLOE_TRY(real.vtable->write(impl, puts, count / 2, keep_on_tie, ret_outcomes, err));
    count_down();
    return real.vtable->write(impl, puts + count / 2, count - count / 2, keep_on_tie, ret_outcomes + count / 2, err);
}

static floe_status dying_read(void *impl, const floe_get *gets, size_t count, floe_got_fn got, void *context,
                              floe_error *err) {
    count_down();
    return real.vtable->read(impl, gets, count, got, context, err);
}

static floe_status dying_scan(void *impl, floe_str entity, floe_part part, floe_scan_fn found, void *context,
                              floe_error *err) {
    count_down();
    return real.vtable->scan(impl, entity, part, found, context, err);
}

static floe_status dying_drop(void *impl, floe_str entity, floe_part part, floe_error *err) {
    count_down();
    floe_status status = real.vtable->drop(impl, entity, part, err);
    count_down();
    return status;
}

static const floe_store_vtable dying = {dying_close, dying_identity, dying_state_get, dying_state_swap,
                                        dying_write, dying_read,     dying_scan,      dying_drop};

/* ---- the child ---- */

static void run_child(const sync_world *s, const floe_view *view, bool full, int die_at) {
    floe_error err;
    floe_error_clear(&err);
    floe_store *store = NULL;
    floe_registry *registry = NULL;
    floe_sync_result result;
    table copy = s->t;
    floe_sync_source source = table_source(&copy);
    floe_status status = floe_store_open(&s->w.def, world_project(), &store, &err);
    status = floe_failed(status) ? status : floe_registry_open(s->registry_path, true, &registry, &err);
    if (floe_failed(status)) {
        _exit(3);
    }
    if (die_at > 0) {
        calls_left = die_at;
        real = store->backend;
        store->backend.vtable = &dying;
    }
    floe_sync_request request = {.view = view, .store = store, .registry = registry, .source = &source, .full = full};
    status = floe_sync_run(&request, &result, &err);
    if (floe_failed(status)) {
        fprintf(stderr, "child: %s\n", err.message);
    }
    _exit(floe_failed(status) ? 1 : 0);
}

static pid_t start_child(const sync_world *s, const floe_view *view, bool full, int die_at) {
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run_child(s, view, full, die_at);
    }
    return pid;
}

/* Whether it ended by itself, well; the other end is by SIGKILL. */
static bool wait_child(pid_t pid) {
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return false;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return true;
}

/* ---- content ---- */

static void fill_table(sync_world *s, int64_t base) {
    for (int i = 0; i < KEYS; i++) {
        char key[16];
        snprintf(key, sizeof(key), "k%d", i);
        table_add(&s->t, key, NOW - 100 + base, base + i);
    }
}

/* The value of the as-of feature of every key is base + i, with one base for all of them: one generation, complete. */
static int64_t base_of_content(sync_world *s, const floe_view *view) {
    floe_value keys[KEYS];
    const floe_value *columns[] = {keys};
    floe_ref ref = {view, &view->outputs[0]};
    for (int i = 0; i < KEYS; i++) {
        keys[i] = text(floe_arena_printf(&s->w.arena, "k%d", i));
    }
    floe_lookup lookup = {.entity_count = KEYS, .keys = columns, .arena = &s->w.arena};
    assert_ok(floe_lookup_plan_make(&ref, 1, &s->w.arena, &lookup.plan, &world_error));
    assert_ok(floe_store_lookup(s->w.other, &lookup, &world_error));
    for (int i = 0; i < KEYS; i++) {
        assert_int_equal(lookup.cells[i].status, FLOE_CELL_PRESENT);
        assert_int_equal(lookup.cells[i].value.as.integer - i, lookup.cells[0].value.as.integer);
    }
    return lookup.cells[0].value.as.integer;
}

static void assert_clean(sync_world *s, const floe_view *view, int64_t base) {
    assert_int_equal(base_of_content(s, view), base);
    assert_int_equal(count_rows(&s->w, view), 2 * KEYS); /* as-of and aggregates, nothing left behind */
    assert_true(has_mark(s, view));
}

/* ---- tests ---- */

static void kill__at_every_call_of_a_full_sync__rerun_gives_the_clean_content(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    fill_table(s, 0);
    assert_true(wait_child(start_child(s, view, false, 0)));
    assert_clean(s, view, 0);
    bool finished = false;
    int64_t base = 0;
    int at = 1;
    for (; !finished; at++) {
        table_commit(&s->t);
        s->t.count = 0;
        fill_table(s, base + 1);
        finished = wait_child(start_child(s, view, true, at));
        int64_t seen = base_of_content(s, view);
        assert_true(seen == base || seen == base + 1);
        base++;
        assert_true(wait_child(start_child(s, view, true, 0)));
        assert_clean(s, view, base);
    }
    print_message("died at %d calls\n", at - 2);
    assert_true(at > 15);
}

static void kill__at_every_call_of_an_incremental_sync__rerun_gives_the_clean_content(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    fill_table(s, 0);
    assert_true(wait_child(start_child(s, view, false, 0)));
    bool finished = false;
    int64_t base = 0;
    for (int at = 1; !finished; at++) {
        base++;
        table_commit(&s->t);
        fill_table(s, base);
        finished = wait_child(start_child(s, view, false, at));
        assert_true(wait_child(start_child(s, view, false, 0)));
        assert_clean(s, view, base);
        floe_value key = text("k0");
        world_reopen(&s->w);
        assert_int_equal(ask(&s->w, view, &key, 0)[1].value.as.integer, base + 1); /* the count, by rows per key */
    }
    assert_true(base > 10);
}

static void kill__of_the_first_sync__leaves_nothing_that_is_served(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    fill_table(s, 5);
    bool finished = false;
    for (int at = 1; !finished; at++) {
        finished = wait_child(start_child(s, view, false, at));
        floe_store_view_state seen;
        assert_ok(floe_store_view_state_get(s->w.other, view, &seen, &world_error));
        if (seen.live) {
            assert_int_equal(base_of_content(s, view), 5);
        } else {
            assert_int_equal(value_of(s, view, "k0"), -1);
            assert_false(has_mark(s, view));
        }
    }
    assert_true(wait_child(start_child(s, view, false, 0)));
    assert_clean(s, view, 5);
}

static void kill__at_random_moments__rerun_gives_the_clean_content(void **state) {
    sync_world *s = *state;
    floe_view *view = table_view(&s->w);
    const char *given = getenv("FLOE_TEST_SEED");
    unsigned seed = given != NULL ? (unsigned)strtoul(given, NULL, 10) : (unsigned)floe_monotonic_us();
    print_message("seed %u\n", seed);
    srand(seed);
    fill_table(s, 0);
    assert_true(wait_child(start_child(s, view, false, 0)));
    int64_t base = 0;
    for (int round = 0; round < 40; round++) {
        bool full = rand() % 2 == 0;
        base++;
        table_commit(&s->t);
        fill_table(s, base);
        pid_t pid = start_child(s, view, full, 0);
        usleep((useconds_t)(rand() % 8000)); /* the moment is what is random; nothing waits for it */
        kill(pid, SIGKILL);
        (void)wait_child(pid);
        assert_true(wait_child(start_child(s, view, false, 0)));
        assert_int_equal(base_of_content(s, view), base);
    }
    assert_true(wait_child(start_child(s, view, false, 0)));
    assert_clean(s, view, base);
}

static int run(floe_store_kind kind) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(kill__at_every_call_of_a_full_sync__rerun_gives_the_clean_content),
        TEST(kill__at_every_call_of_an_incremental_sync__rerun_gives_the_clean_content),
        TEST(kill__of_the_first_sync__leaves_nothing_that_is_served),
        TEST(kill__at_random_moments__rerun_gives_the_clean_content),
    };
#undef TEST
    tested_kind = kind;
    return cmocka_run_group_tests_name(kind == FLOE_STORE_REDIS ? "redis" : "embedded", tests, NULL, NULL);
}

int main(void) {
    return run(FLOE_STORE_EMBEDDED) + run(FLOE_STORE_REDIS);
}
