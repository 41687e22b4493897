/*
 * Writers and readers at the same time, from several processes and from several threads, over both kinds of stores:
 * what remains is the newest, and nobody ever sees anything go backwards.
 */
#include "tests/online/world.h"

#include "core/limits.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>

#define WRITERS 4
#define KEYS 8
#define STEPS 300

static floe_store_kind tested_kind;

static int open_world(void **state) {
    world *w = test_malloc(sizeof(*w));
    world_open(w, tested_kind);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    world_close(*state);
    test_free(*state);
    return 0;
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* One writer: STEPS batches of random times over few keys; the value is the time, so that what wins can be checked. */
static floe_status write_randomly(floe_store *store, const floe_view *view, uint32_t seed, int64_t *largest,
                                  floe_error *err) {
    for (int step = 0; step < STEPS; step++) {
        floe_online_row rows[4];
        floe_value keys[4];
        floe_value values[4];
        char names[4][8];
        floe_write_outcome outcomes[4];
        for (size_t i = 0; i < 4; i++) {
            uint32_t k = next_random(&seed) % KEYS;
            int64_t event_us = (int64_t)(next_random(&seed) % 1000000);
            snprintf(names[i], sizeof(names[i]), "k%u", k);
            keys[i] = text(names[i]);
            values[i] = floe_value_int64(event_us);
            rows[i] = (floe_online_row){&keys[i], event_us, NO_CREATED, NEVER, &values[i]};
            largest[k] = event_us > largest[k] ? event_us : largest[k];
        }
        FLOE_TRY(floe_store_write(store, view, rows, 4, outcomes, err));
    }
    return FLOE_OK;
}

/* What each writer would have kept is known from its seed, without asking it. */
static void expect_largest(world *w, const floe_view *view, const int64_t *largest) {
    world_reopen(w);
    for (uint32_t k = 0; k < KEYS; k++) {
        const char *name = floe_arena_printf(&w->arena, "k%u", k);
        floe_cell cell = ask_simple(w, view, name);
        assert_int_equal(cell.status, FLOE_CELL_PRESENT);
        assert_int_equal(cell.value.as.integer, largest[k]);
        assert_int_equal(cell.event_us, largest[k]);
    }
}

static void replay(uint32_t seed, int64_t *largest) {
    for (int step = 0; step < STEPS * 4; step++) {
        uint32_t k = next_random(&seed) % KEYS;
        int64_t event_us = (int64_t)(next_random(&seed) % 1000000);
        largest[k] = event_us > largest[k] ? event_us : largest[k];
    }
}

static void write_in_process(const world *w, const floe_view *view, uint32_t seed) {
    floe_error err;
    floe_error_clear(&err);
    floe_store *store = NULL;
    int64_t largest[KEYS] = {0};
    floe_status status = floe_store_open(&w->def, world_project(), &store, &err);
    status = floe_failed(status) ? status : write_randomly(store, view, seed, largest, &err);
    if (floe_failed(status)) {
        fprintf(stderr, "writer: %s\n", err.message);
    }
    _exit(floe_failed(status) ? 1 : 0);
}

static void writers__in_several_processes__leave_the_newest(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    pid_t pids[WRITERS];
    int64_t largest[KEYS] = {0};
    fflush(NULL);
    for (uint32_t i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (pids[i] == 0) {
            write_in_process(w, view, i + 1);
        }
        replay(i + 1, largest);
    }
    for (uint32_t i = 0; i < WRITERS; i++) {
        int status = 0;
        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    expect_largest(w, view, largest);
}

/* ---- threads ---- */

typedef struct worker {
    pthread_t thread;
    const world *w;
    const floe_view *view;
    uint32_t seed;
    bool failed;
    int64_t largest[KEYS];
    int64_t seen; /* lookups that found something */
    bool went_backwards;
} worker;

static atomic_int writers_left;

static void *run_writer(void *context) {
    worker *self = context;
    floe_error err;
    floe_error_clear(&err);
    floe_store *store = NULL;
    floe_status status = floe_store_open(&self->w->def, world_project(), &store, &err);
    if (!floe_failed(status)) {
        status = write_randomly(store, self->view, self->seed, self->largest, &err);
        floe_store_close(&store);
    }
    self->failed = floe_failed(status);
    atomic_fetch_sub(&writers_left, 1);
    return NULL;
}

static void set_done(floe_lookup *lookup) {
    *(bool *)lookup->context = true;
}

/* Looks all keys up at once, again and again, on a loop of its own. */
static floe_status read_all(worker *self, floe_loop *loop, floe_online *online, const floe_lookup_plan *plan,
                            const floe_value *keys, floe_arena *arena) {
    const floe_value *columns[] = {keys};
    bool done = false;
    floe_lookup lookup = {
        .plan = plan, .entity_count = KEYS, .keys = columns, .arena = arena, .done = set_done, .context = &done};
    floe_online_lookup(online, &lookup);
    while (!done) {
        FLOE_TRY(floe_loop_turn(loop, 10000, NULL));
    }
    FLOE_TRY(lookup.status);
    for (size_t k = 0; k < KEYS; k++) {
        if (lookup.cells[k].status == FLOE_CELL_PRESENT) {
            int64_t value = lookup.cells[k].value.as.integer;
            self->seen++;
            self->went_backwards =
                self->went_backwards || value < self->largest[k] || value != lookup.cells[k].event_us;
            self->largest[k] = value;
        }
    }
    return FLOE_OK;
}

static floe_status read_until_quiet(worker *self, floe_loop *loop, floe_online *online) {
    FLOE_AUTO_ARENA plans;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&plans, FLOE_MIB(1));
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_value keys[KEYS];
    const floe_lookup_plan *plan = NULL;
    floe_ref ref = {self->view, self->view->outputs};
    FLOE_TRY(floe_lookup_plan_make(&ref, 1, &plans, &plan, NULL));
    for (uint32_t k = 0; k < KEYS; k++) {
        keys[k] = text(floe_arena_printf(&plans, "k%u", k));
    }
    /* At least some rounds after the last write, and until something was seen. */
    for (int quiet = 0; quiet < 3 || self->seen == 0;) {
        quiet += atomic_load(&writers_left) == 0 ? 1 : 0;
        floe_arena_reset(&arena);
        FLOE_TRY(read_all(self, loop, online, plan, keys, &arena));
    }
    return FLOE_OK;
}

static void *run_reader(void *context) {
    worker *self = context;
    floe_loop *loop = NULL;
    floe_online *online = NULL;
    floe_status status = floe_loop_open(&loop, NULL);
    status = floe_failed(status) ? status : floe_online_open(&self->w->def, world_project(), loop, &online, NULL);
    status = floe_failed(status) ? status : read_until_quiet(self, loop, online);
    floe_online_close(&online);
    floe_loop_close(&loop);
    self->failed = floe_failed(status);
    return NULL;
}

static void threads__writing_and_reading__see_only_progress(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    static worker workers[WRITERS + 2];
    int64_t largest[KEYS] = {0};
    atomic_store(&writers_left, WRITERS);
    for (uint32_t i = 0; i < WRITERS + 2; i++) {
        workers[i] = (worker){.w = w, .view = view, .seed = i + 100};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, i < WRITERS ? run_writer : run_reader, &workers[i]),
                         0);
    }
    for (uint32_t i = 0; i < WRITERS + 2; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_false(workers[i].failed);
        if (i < WRITERS) {
            replay(workers[i].seed, largest);
        } else {
            assert_false(workers[i].went_backwards);
        }
    }
    expect_largest(w, view, largest);
}

static int run(floe_store_kind kind) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writers__in_several_processes__leave_the_newest, open_world, close_world),
        cmocka_unit_test_setup_teardown(threads__writing_and_reading__see_only_progress, open_world, close_world),
    };
    tested_kind = kind;
    return cmocka_run_group_tests_name(kind == FLOE_STORE_REDIS ? "redis" : "embedded", tests, NULL, NULL);
}

int main(void) {
    return run(FLOE_STORE_EMBEDDED) + run(FLOE_STORE_REDIS);
}
