/* What is particular to the embedded store: a map that grows, files that are not its own, a process that was killed. */
#include "tests/online/world.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "online/store_int.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SMALL_MAP FLOE_KIB(256)

static int open_world(void **state) {
    world *w = test_malloc(sizeof(*w));
    floe_lmdb_first_map(SMALL_MAP);
    world_open(w, FLOE_STORE_EMBEDDED);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    world_close(*state);
    test_free(*state);
    return 0;
}

static floe_view *make_blob_view(world *w) {
    floe_output output = as_of_output("blob", type_of(FLOE_KIND_BYTES));
    return make_view(w, "blobs", make_simple_entity(w, "thing"), &output, 1);
}

/* Incompressible, and told apart by its seed. */
static void fill_blob(uint8_t *blob, size_t len, uint32_t seed) {
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        blob[i] = (uint8_t)(seed >> 24);
    }
}

static floe_status put_blob(floe_store *store, const floe_view *view, uint32_t seed) {
    static uint8_t blob[100000];
    char name[16];
    snprintf(name, sizeof(name), "b%u", seed);
    fill_blob(blob, sizeof(blob), seed);
    floe_value key = text(name);
    floe_value value = bytes_of(blob, sizeof(blob));
    floe_online_row row = {&key, 1, NO_CREATED, NEVER, &value};
    floe_write_outcome outcome;
    return floe_store_write(store, view, &row, 1, &outcome, &world_error);
}

static void check_blob(world *w, const floe_view *view, uint32_t seed) {
    static uint8_t blob[100000];
    floe_value key = text(floe_arena_printf(&w->arena, "b%u", seed));
    floe_cell *cell = ask(w, view, &key, 0);
    fill_blob(blob, sizeof(blob), seed);
    assert_int_equal(cell->status, FLOE_CELL_PRESENT);
    assert_int_equal(cell->value.as.bytes.len, sizeof(blob));
    assert_memory_equal(cell->value.as.bytes.ptr, blob, sizeof(blob));
}

static void map__that_is_full__grows(void **state) {
    world *w = *state;
    floe_view *view = make_blob_view(w);
    for (uint32_t i = 0; i < 50; i++) { /* 5 MB into a map of 256 KiB */
        assert_ok(put_blob(w->store, view, i));
    }
    for (uint32_t i = 0; i < 50; i++) {
        check_blob(w, view, i);
    }
}

/* Another process grows the map; this one has it open in its old size, for reading and for writing. */
static void map__grown_by_another_process__is_taken_over(void **state) {
    world *w = *state;
    floe_view *view = make_blob_view(w);
    assert_ok(put_blob(w->store, view, 0));
    check_blob(w, view, 0);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        floe_store *store = NULL;
        floe_error_clear(&world_error);
        bool failed = floe_failed(floe_store_open(&w->def, world_project(), &store, &world_error));
        for (uint32_t i = 1; !failed && i < 30; i++) {
            failed = floe_failed(put_blob(store, view, i));
        }
        _exit(failed ? 1 : 0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (uint32_t i = 0; i < 30; i++) {
        check_blob(w, view, i);
    }
    assert_ok(put_blob(w->store, view, 30));
    check_blob(w, view, 30);
}

static void writer__killed_inside_a_batch__blocks_nobody(void **state) {
    world *w = *state;
    floe_view *view = make_blob_view(w);
    assert_ok(put_blob(w->store, view, 0));
    for (int round = 0; round < 10; round++) {
        fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            floe_store *store = NULL;
            floe_error_clear(&world_error);
            if (floe_failed(floe_store_open(&w->def, world_project(), &store, &world_error))) {
                _exit(1);
            }
            for (uint32_t i = 1;; i = i % 20 + 1) {
                if (floe_failed(put_blob(store, view, i))) {
                    _exit(1);
                }
            }
        }
        usleep(5000 + 1000 * (useconds_t)round); /* any moment will do */
        kill(pid, SIGKILL);
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        assert_ok(put_blob(w->store, view, 100 + (uint32_t)round));
        check_blob(w, view, 100 + (uint32_t)round);
    }
    check_blob(w, view, 0);
}

static void file__that_is_no_store__is_corrupt(void **state) {
    world *w = *state;
    char dir[] = "/tmp/floe-bad-XXXXXX";
    assert_non_null(mkdtemp(dir));
    static char zeros[100000];
    memset(zeros, 'x', sizeof(zeros));
    assert_ok(floe_file_write(floe_path_join(&w->arena, dir, "data.mdb"), (floe_str){zeros, sizeof(zeros)}, false,
                              &world_error));
    floe_online_def def = {.kind = FLOE_STORE_EMBEDDED, .path = floe_str_of(dir)};
    floe_store *store = NULL;
    assert_code(floe_store_open(&def, world_project(), &store, &world_error), FLOE_CORRUPT);
    assert_message(dir);
    assert_message("run floe sync");
    assert_ok(floe_file_remove_all(dir, &world_error));
}

static void folder__that_cannot_be_made__is_named(void **state) {
    (void)state;
    floe_online_def def = {.kind = FLOE_STORE_EMBEDDED, .path = FLOE_STR("/dev/null/online")};
    floe_store *store = NULL;
    floe_error_clear(&world_error);
    assert_true(floe_failed(floe_store_open(&def, world_project(), &store, &world_error)));
    assert_message("/dev/null");
    assert_null(store);
}

/* A row that is not what its generation says is an error, not a value. */
static void row__of_another_layout__is_corrupt(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    floe_store_view_state seen;
    floe_backend backend;
    assert_ok(floe_store_view_state_get(w->store, view, &seen, &world_error));
    assert_ok(floe_lmdb_open(w->def.path, world_project(), &backend, &world_error));
    floe_part part = {FLOE_PART_AS_OF, seen.generation};
    /* Format 1, no flags, later times than the row's, then no body. */
    static const char bad[] = "\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                              "\xff\xff\xff\xff\xff\xff\xff\xff";
    floe_put put_bad = {.entity = FLOE_STR("thing"),
                        .key = FLOE_STR("\x01\x01\x06\x01"
                                        "a"),
                        .row = {bad, sizeof(bad) - 1},
                        .parts = &part,
                        .part_count = 1};
    floe_write_outcome outcome;
    assert_ok(backend.vtable->write(backend.impl, &put_bad, 1, false, &outcome, &world_error));
    floe_backend_close(&backend);
    floe_value key = text("a");
    const floe_value *columns[] = {&key};
    floe_ref ref = {view, view->outputs};
    floe_lookup lookup = {.entity_count = 1, .keys = columns, .arena = &w->arena};
    assert_ok(floe_lookup_plan_make(&ref, 1, &w->arena, &lookup.plan, &world_error));
    assert_code(ask_both(w, &lookup), FLOE_CORRUPT);
    assert_message("view simple");
}

/* ---- the hot path ---- */

static void set_done(floe_lookup *lookup) {
    *(bool *)lookup->context = true;
}

static uint64_t count_allocations(world *w, const floe_view *view, floe_arena *arena) {
    floe_value key = text("a");
    const floe_value *columns[] = {&key};
    floe_ref ref = {view, view->outputs};
    const floe_lookup_plan *plan = NULL;
    assert_ok(floe_lookup_plan_make(&ref, 1, &w->arena, &plan, &world_error));
    bool done = false;
    floe_lookup lookup = {
        .plan = plan, .entity_count = 1, .keys = columns, .arena = arena, .done = set_done, .context = &done};
    floe_mem_fail_at(UINT64_MAX); /* counts from here, fails never */
    floe_online_lookup(w->online, &lookup);
    floe_mem_fail_off();
    assert_true(done);
    assert_int_equal(lookup.cells[0].status, FLOE_CELL_PRESENT);
    return floe_mem_fail_count();
}

static void lookup__after_warm_up__does_not_touch_the_heap(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    (void)count_allocations(w, view, &arena);
    floe_arena_reset(&arena);
    (void)count_allocations(w, view, &arena);
    floe_arena_reset(&arena);
    uint64_t count = count_allocations(w, view, &arena);
#if defined(__SANITIZE_ADDRESS__)
    (void)count; /* there every piece of an arena is an allocation of its own */
#else
    assert_int_equal(count, 0);
#endif
}

/* Every allocation of a lookup fails once; the lookup says so and the next one works. */
static void lookup__without_memory__fails_cleanly(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    floe_value key = text("a");
    const floe_value *columns[] = {&key};
    floe_ref ref = {view, view->outputs};
    const floe_lookup_plan *plan = NULL;
    assert_ok(floe_lookup_plan_make(&ref, 1, &w->arena, &plan, &world_error));
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        floe_online_close(&w->online);
        assert_ok(floe_online_open(&w->def, world_project(), w->loop, &w->online, &world_error));
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(1));
        bool done = false;
        floe_lookup lookup = {
            .plan = plan, .entity_count = 1, .keys = columns, .arena = &arena, .done = set_done, .context = &done};
        floe_mem_fail_at(nth);
        floe_online_lookup(w->online, &lookup);
        floe_mem_fail_off();
        assert_true(done);
        failed = floe_failed(lookup.status);
        assert_true(!failed || lookup.status.code == FLOE_NOMEM);
        assert_true(nth < 1000);
    }
}

/* ---- a disk that is full ---- */

/* LMDB writes the file of locks through its map, so a hole in it would be a SIGBUS on a disk that is full. */
static void locks__have_all_their_blocks(void **state) {
    world *w = *state;
    struct stat file;
    const char *path = floe_arena_printf(&w->arena, "%.*s/lock.mdb", FLOE_STR_ARG(w->def.path));
    assert_int_equal(stat(path, &file), 0);
    assert_true(file.st_size >= 64 * 1024);
    assert_true(file.st_blocks * 512 >= file.st_size);
}

/* As an earlier version, or LMDB's own tools, leave it: long and empty. Its length stays, for others may have it mapped. */
static void locks__with_holes__are_filled_and_keep_their_length(void **state) {
    world *w = *state;
    struct stat file;
    const char *folder = floe_arena_printf(&w->arena, "%s/left", w->dir);
    const char *path = floe_arena_printf(&w->arena, "%s/lock.mdb", folder);
    assert_int_equal(mkdir(folder, 0700), 0);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, 70000), 0);
    assert_int_equal(close(fd), 0);
    floe_online_def def = {.kind = FLOE_STORE_EMBEDDED, .path = floe_str_of(folder)};
    floe_store *store = NULL;
    assert_ok(floe_store_open(&def, world_project(), &store, &world_error));
    floe_store_close(&store);
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_size, 70000);
    assert_true(file.st_blocks * 512 >= file.st_size);
}

enum { TRIED = 0, NOT_ALLOWED = 1, OPENED = 2, OTHER_ERROR = 3, OTHER_WORDS = 4 };

static void fill_disk(const char *folder) {
    static char zeros[4096];
    char path[300];
    snprintf(path, sizeof(path), "%s/fill", folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    while (fd >= 0 && write(fd, zeros, sizeof(zeros)) > 0) {
    }
    (void)close(fd);
}

/* In a process of its own, whose mounts nobody else sees. */
static int open_on_full_disk(const char *folder) {
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=256k") != 0) {
        return NOT_ALLOWED;
    }
    fill_disk(folder);
    floe_store *store = NULL;
    char path[300];
    snprintf(path, sizeof(path), "%s/store", folder);
    floe_online_def def = {.kind = FLOE_STORE_EMBEDDED, .path = floe_str_of(path)};
    floe_error_clear(&world_error);
    floe_status status = floe_store_open(&def, FLOE_STR("p"), &store, &world_error);
    if (!floe_failed(status)) {
        return OPENED;
    }
    return status.code != FLOE_IO                                ? OTHER_ERROR
           : strstr(world_error.message, "disk is full") == NULL ? OTHER_WORDS
                                                                 : TRIED;
}

/* Where the system lets nobody mount, the two tests above hold alone what this one shows. */
static void open__on_a_full_disk__says_so(void **state) {
    (void)state;
    char folder[] = "/tmp/floe-full-XXXXXX";
    int result = 0;
    assert_non_null(mkdtemp(folder));
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(open_on_full_disk(folder));
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(rmdir(folder), 0);
    assert_true(WIFEXITED(result)); /* not killed by SIGBUS */
    assert_true(WEXITSTATUS(result) == TRIED || WEXITSTATUS(result) == NOT_ALLOWED);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(map__that_is_full__grows),
        TEST(locks__have_all_their_blocks),
        TEST(locks__with_holes__are_filled_and_keep_their_length),
        cmocka_unit_test(open__on_a_full_disk__says_so),
        TEST(map__grown_by_another_process__is_taken_over),
        TEST(writer__killed_inside_a_batch__blocks_nobody),
        TEST(file__that_is_no_store__is_corrupt),
        TEST(folder__that_cannot_be_made__is_named),
        TEST(row__of_another_layout__is_corrupt),
        TEST(lookup__after_warm_up__does_not_touch_the_heap),
        TEST(lookup__without_memory__fails_cleanly),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
