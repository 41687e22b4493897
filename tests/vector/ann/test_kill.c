/*
 * kill -9 of a writer at 200 random points: what is found afterwards is always the state of one commit, whole, and at least as
 * new as the last commit that the writer saw end.
 */
#include "tests/vector/ann/store_help.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KILLS 200
#define IDS 120

/* State n of the history: a function of n alone, so that both processes know it. */
static void state_of(uint64_t n, size_t *ret_from, size_t *ret_to) {
    uint64_t seed = n * 31 + 7;
    *ret_from = random_below(&seed, 20);
    *ret_to = *ret_from + 100;
}

/* Brings the store to state n: ids from…to at the version n. */
static floe_status become(floe_ann_store *store, uint64_t n, floe_error *err) {
    static model ignored;
    size_t from = 0, to = 0;
    state_of(n, &from, &to);
    FLOE_TRY(model_remove(store, &ignored, 0, from, err));
    FLOE_TRY(model_remove(store, &ignored, to, IDS, err));
    FLOE_TRY(model_put(store, NULL, from, to, n, err));
    return n % 3 == 0 ? floe_ann_store_compact(store, err) : FLOE_OK;
}

static bool is_state(const floe_ann_view *view, uint64_t n) {
    static model expected;
    size_t from = 0, to = 0;
    state_of(n, &from, &to);
    expected = (model){0};
    for (size_t i = from; i < to; i++) {
        expected.has[i] = true;
        model_row(i, n, expected.rows[i]);
    }
    return model_is(view, &expected);
}

/* Writes each number before its commit and after it, and never ends. */
static void write_states(const char *folder, uint64_t first, int out) {
    floe_ann_store *store = NULL;
    floe_error err = {0};
    floe_ann_options options = model_options();
    if (floe_failed(floe_ann_store_open(folder, &options, &store, &err))) {
        _exit(1);
    }
    for (uint64_t n = first;; n++) {
        uint64_t ended = n | UINT64_C(1) << 63;
        if (floe_failed(become(store, n, &err)) || write(out, &n, sizeof(n)) != sizeof(n) ||
            floe_failed(floe_ann_store_commit(store, &err)) || write(out, &ended, sizeof(ended)) != sizeof(ended)) {
            _exit(1);
        }
    }
}

typedef struct progress {
    uint64_t begun, ended; /* commits; 0: none */
} progress;

/* Kills the writer a random while after its first commit has begun, and reads what it said until then. */
static void run_and_kill(const char *folder, uint64_t first, uint64_t *seed, progress *seen) {
    int ends[2];
    int status = 0;
    uint64_t number = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        write_states(folder, first, ends[1]);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &number, sizeof(number)), sizeof(number));
    seen->begun = number;
    struct timespec pause = {0, (long)random_below(seed, 25000) * 1000};
    (void)nanosleep(&pause, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read(ends[0], &number, sizeof(number)) == sizeof(number)) {
        if (number >> 63 != 0) {
            seen->ended = number & ~(UINT64_C(1) << 63);
        } else {
            seen->begun = number;
        }
    }
    close(ends[0]);
}

static void commit__killed_at_any_point__leaves_one_whole_state(void **state) {
    (void)state;
    scratch folder = scratch_open();
    uint64_t seed = 20250101;
    progress seen = {0};
    size_t new_ones = 0;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < KILLS; i++) {
        run_and_kill(folder.folder, seen.begun + 1, &seed, &seen);
        const floe_ann_view *view = NULL;
        floe_error err = {0};
        floe_ann_options options = model_options();
        floe_status status = floe_ann_view_open(folder.folder, &options, &view, &err);
        if (status.code == FLOE_NOT_FOUND && seen.ended == 0) {
            continue;
        }
        assert_ok(status, &err);
        /* The commit that the writer had begun and did not see end may be there or not. */
        bool is_begun = is_state(view, seen.begun);
        if (!is_begun && !is_state(view, seen.ended)) {
            fail_msg("kill %zu: neither state %llu, begun, nor state %llu, the last that ended", i,
                     (unsigned long long)seen.begun, (unsigned long long)seen.ended);
        }
        new_ones += is_begun;
        seen.ended = is_begun ? seen.begun : seen.ended;
        floe_ann_view_release(&view);
    }
    /* Kills have hit both sides of the rename, else they have proved little. */
    print_message("%zu of %d kills left the state that had begun\n", new_ones, KILLS);
    assert_true(new_ones > 0 && new_ones < KILLS);
    scratch_close(&folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commit__killed_at_any_point__leaves_one_whole_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
