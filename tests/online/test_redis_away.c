/* Redis that is not there, comes and goes, hangs, wants a password, forgets scripts; and addresses. */
#include "tests/online/world.h"

#include "core/limits.h"
#include "core/time.h"
#include "online/redis/redis_int.h"

static int open_world(void **state) {
    world *w = test_malloc(sizeof(*w));
    world_open(w, FLOE_STORE_REDIS);
    *state = w;
    return 0;
}

static int close_world(void **state) {
    world_close(*state);
    test_free(*state);
    return 0;
}

static floe_lookup lookup_of(world *w, const floe_view *view, const char *key) {
    floe_value *keys = floe_arena_alloc(&w->arena, 1, sizeof(*keys));
    const floe_value **columns = floe_arena_alloc(&w->arena, 1, sizeof(floe_value *));
    floe_lookup lookup = {.entity_count = 1, .keys = columns, .arena = &w->arena};
    floe_ref ref = {view, view->outputs};
    *keys = text(key);
    columns[0] = keys;
    assert_ok(floe_lookup_plan_make(&ref, 1, &w->arena, &lookup.plan, &world_error));
    return lookup;
}

static void wait_ready(world *w, bool ready) {
    while (floe_online_ready(w->online) != ready) {
        assert_ok(floe_loop_turn(w->loop, 10000, &world_error));
    }
}

static floe_status try_write(world *w, const floe_view *view, const char *key, int64_t value) {
    floe_value keys = text(key);
    floe_value values = floe_value_int64(value);
    floe_online_row row = {&keys, 1, NO_CREATED, NEVER, &values};
    floe_write_outcome outcome;
    return floe_store_write(w->store, view, &row, 1, &outcome, &world_error);
}

static void redis__that_was_never_there__is_unavailable_with_its_address(void **state) {
    (void)state;
    floe_test_redis redis = {0};
    floe_test_redis_start(&redis); /* a port that is free for sure afterwards */
    floe_test_redis_stop(&redis);
    floe_online_def def = {.kind = FLOE_STORE_REDIS, .url = floe_str_of(redis.url)};
    floe_store *store = NULL;
    char address[64];
    snprintf(address, sizeof(address), "redis://127.0.0.1:%d/0", redis.port);
    assert_code(floe_store_open(&def, world_project(), &store, &world_error), FLOE_UNAVAILABLE);
    assert_message(address);
    assert_message("start it, or correct online.url");
    assert_true(world_error.retriable);
    assert_null(store);
}

static void redis__that_goes_and_comes_back__is_used_again(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 1);
    floe_test_redis_stop(&w->redis);
    assert_code(try_write(w, view, "a", 2), FLOE_UNAVAILABLE);
    floe_lookup lookup = lookup_of(w, view, "a");
    assert_code(floe_store_lookup(w->other, &lookup, &world_error), FLOE_UNAVAILABLE);
    wait_ready(w, false);
    lookup = lookup_of(w, view, "a");
    assert_int_equal(ask_loop(w, &lookup).code, FLOE_UNAVAILABLE);
    assert_non_null(strstr(lookup.error.message, "127.0.0.1"));
    floe_test_redis_start(&w->redis);
    wait_ready(w, true);
    assert_code(try_write(w, view, "a", 3), FLOE_CODE_OK);
    lookup = lookup_of(w, view, "a");
    assert_ok(floe_store_lookup(w->other, &lookup, &world_error));
    assert_int_equal(lookup.cells[0].status, FLOE_CELL_NOT_FOUND); /* the writer's generation died with the server… */
    world_reopen(w);
    assert_code(try_write(w, view, "a", 4), FLOE_CODE_OK);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer,
                     4); /* …and the next one is begun a second later at most */
}

/* An idle connection that the server closed is no reason to fail. */
static void redis__that_closed_idle_connections__is_reached_again(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    floe_test_redis_command(&w->redis, "CLIENT KILL TYPE normal", NULL, 0);
    assert_int_equal(put_simple(w, view, "a", 2, 2), FLOE_WRITE_DONE);
    floe_lookup lookup = lookup_of(w, view, "a");
    assert_ok(floe_store_lookup(w->other, &lookup, &world_error));
    assert_int_equal(lookup.cells[0].value.as.integer, 2);
    wait_ready(w, true);
    lookup = lookup_of(w, view, "a");
    while (floe_failed(ask_loop(w, &lookup))) { /* until the loop has seen the end of its connection and made another */
        assert_int_equal(lookup.status.code, FLOE_UNAVAILABLE);
        assert_ok(floe_loop_turn(w->loop, 10000, &world_error));
    }
    assert_int_equal(lookup.cells[0].value.as.integer, 2);
}

static void redis__that_forgot_scripts__is_taught_again(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 5, 1);
    floe_test_redis_command(&w->redis, "SCRIPT FLUSH", NULL, 0);
    assert_int_equal(put_simple(w, view, "a", 4, 2), FLOE_WRITE_OLDER);
    floe_test_redis_command(&w->redis, "SCRIPT FLUSH", NULL, 0);
    assert_int_equal(put_simple(w, view, "a", 6, 3), FLOE_WRITE_DONE);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 3);
}

/* The lookup on the loop is given up after 2 s; the answer that comes later disturbs nobody. */
static void redis__that_hangs__fails_lookups_in_flight(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    wait_ready(w, true);
    floe_test_redis_pause(&w->redis, true);
    floe_lookup lookup = lookup_of(w, view, "a");
    floe_status status = ask_loop(w, &lookup);
    floe_test_redis_pause(&w->redis, false);
    assert_int_equal(status.code, FLOE_UNAVAILABLE);
    assert_non_null(strstr(lookup.error.message, "2 s"));
    wait_ready(w, true);
    lookup = lookup_of(w, view, "a");
    assert_int_equal(ask_loop(w, &lookup).code, FLOE_CODE_OK);
    assert_int_equal(lookup.cells[0].value.as.integer, 1);
}

static void count_done(floe_lookup *lookup) {
    assert_int_equal(lookup->status.code, FLOE_CANCELLED);
    ++*(int *)lookup->context;
}

static void lookups__in_flight_at_close__are_cancelled(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    int done = 0;
    floe_lookup lookups[3];
    floe_test_redis_pause(&w->redis, true);
    for (size_t i = 0; i < 3; i++) {
        lookups[i] = lookup_of(w, view, "a");
        lookups[i].done = count_done;
        lookups[i].context = &done;
        floe_online_lookup(w->online, &lookups[i]);
        assert_ok(floe_loop_turn(w->loop, 0, &world_error));
    }
    assert_int_equal(done, 0);
    floe_online_close(&w->online);
    floe_test_redis_pause(&w->redis, false);
    assert_int_equal(done, 3);
}

static void redis__with_a_password__wants_the_right_one(void **state) {
    world *w = *state;
    floe_test_redis guarded = {.password = "s3cret"};
    floe_test_redis_start(&guarded);
    floe_online_def right = {.kind = FLOE_STORE_REDIS, .url = floe_str_of(guarded.url)};
    floe_online_def wrong = right;
    wrong.url = floe_str_of(floe_arena_printf(&w->arena, "redis://:wrong@127.0.0.1:%d/0", guarded.port));
    floe_online_def none = right;
    none.url = floe_str_of(floe_arena_printf(&w->arena, "redis://127.0.0.1:%d", guarded.port));
    floe_online_def user = right;
    user.url = floe_str_of(floe_arena_printf(&w->arena, "redis://default:s3%%63ret@127.0.0.1:%d/3", guarded.port));
    floe_store *store = NULL;
    assert_code(floe_store_open(&wrong, world_project(), &store, &world_error), FLOE_DENIED);
    assert_message("check user and password");
    assert_null(strstr(world_error.message, "wrong@"));
    assert_code(floe_store_open(&none, world_project(), &store, &world_error), FLOE_DENIED);
    assert_code(floe_store_open(&right, world_project(), &store, &world_error), FLOE_CODE_OK);
    floe_store_close(&store);
    assert_code(floe_store_open(&user, world_project(), &store, &world_error), FLOE_CODE_OK);
    floe_store_close(&store);
    floe_online *online = NULL;
    assert_ok(floe_online_open(&wrong, world_project(), w->loop, &online, &world_error));
    floe_online *mine = w->online;
    w->online = online;
    floe_lookup lookup = lookup_of(w, make_simple_view(w), "a");
    assert_int_equal(ask_loop(w, &lookup).code, FLOE_DENIED);
    assert_false(floe_online_ready(online));
    floe_online_close(&w->online);
    assert_ok(floe_online_open(&user, world_project(), w->loop, &w->online, &world_error));
    wait_ready(w, true);
    floe_online_close(&w->online);
    w->online = mine;
    floe_test_redis_stop(&guarded);
}

static void databases__of_one_server__do_not_meet(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    floe_str zero = w->def.url;
    w->def.url = floe_str_of(floe_arena_printf(&w->arena, "redis://127.0.0.1:%d/1", w->redis.port));
    world_reopen(w);
    assert_int_equal(ask_simple(w, view, "a").status, FLOE_CELL_NOT_FOUND);
    put_simple(w, view, "a", 1, 2);
    world_reopen(w);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 2);
    w->def.url = zero;
    world_reopen(w);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 1);
}

static void foreign_keys__are_named_as_such(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_test_redis_command(&w->redis, "SET floe:7:flights:state x", NULL, 0);
    assert_code(try_write(w, view, "a", 1), FLOE_CORRUPT);
    assert_message("something else than floe writes keys");
}

/* The layout in proto/FORMATS.md, seen with another client. */
static void layout__is_one_hash_per_entity(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    char answer[4096];
    put_simple(w, view, "a", 1, 1);
    put_simple(w, view, "a", 2, 2);
    floe_test_redis_command(&w->redis, "DBSIZE", answer, sizeof(answer));
    assert_string_equal(answer, ":2\r\n"); /* the entity and the states */
    /* Entity key format 1, one key, kind 6 (string), 1 byte. */
    floe_test_redis_command(&w->redis, "HLEN \"floe:7:flights:5:thing:\\x01\\x01\\x06\\x01a\"", answer, sizeof(answer));
    assert_string_equal(answer, ":1\r\n");
    floe_test_redis_command(&w->redis, "HEXISTS floe:7:flights:state simple", answer, sizeof(answer));
    assert_string_equal(answer, ":1\r\n");
}

static void urls__are_read_or_refused(void **state) {
    (void)state;
    const struct {
        const char *text, *host, *user, *password;
        int port, db;
    } good[] = {{"redis://localhost", "localhost", "", "", 6379, 0},
                {"redis://localhost/", "localhost", "", "", 6379, 0},
                {"redis://h:1/15", "h", "", "", 1, 15},
                {"redis://u:p%40%3a@h:65535", "h", "u", "p@:", 65535, 0},
                {"redis://:p@ss@h", "h", "", "p@ss", 6379, 0},
                {"redis://[::1]:7/2", "::1", "", "", 7, 2},
                {"redis://[::1]", "::1", "", "", 6379, 0}};
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        floe_redis_url url;
        assert_ok(floe_redis_url_parse(floe_str_of(good[i].text), &url, &world_error));
        assert_string_equal(url.host, good[i].host);
        assert_string_equal(url.user, good[i].user);
        assert_string_equal(url.password, good[i].password);
        assert_int_equal(url.port, good[i].port);
        assert_int_equal(url.db, good[i].db);
    }
    const char *bad[] = {"",
                         "redis:/h",
                         "http://h",
                         "redis://",
                         "redis://h:0",
                         "redis://h:",
                         "redis://h:x",
                         "redis://h:65536",
                         "redis://h/x",
                         "redis://h/-1",
                         "redis://[::1",
                         "redis://[::1]x",
                         "redis://u:%4@h",
                         "redis://u:%zz@h",
                         "redis://u:%00@h"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        floe_redis_url url;
        assert_code(floe_redis_url_parse(floe_str_of(bad[i]), &url, &world_error), FLOE_INVALID);
    }
    floe_redis_url url;
    assert_code(floe_redis_url_parse(FLOE_STR("rediss://h"), &url, &world_error), FLOE_UNSUPPORTED);
    char long_url[2000] = "redis://";
    memset(long_url + 8, 'h', sizeof(long_url) - 9);
    assert_code(floe_redis_url_parse(floe_str_of(long_url), &url, &world_error), FLOE_INVALID);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redis__that_was_never_there__is_unavailable_with_its_address),
        TEST(redis__that_goes_and_comes_back__is_used_again),
        TEST(redis__that_closed_idle_connections__is_reached_again),
        TEST(redis__that_forgot_scripts__is_taught_again),
        TEST(redis__that_hangs__fails_lookups_in_flight),
        TEST(lookups__in_flight_at_close__are_cancelled),
        TEST(redis__with_a_password__wants_the_right_one),
        TEST(databases__of_one_server__do_not_meet),
        TEST(foreign_keys__are_named_as_such),
        TEST(layout__is_one_hash_per_entity),
        cmocka_unit_test(urls__are_read_or_refused),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
