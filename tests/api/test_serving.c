/*
 * Serving while things happen: many clients at once, definitions that change, a registry that breaks, a store that goes
 * away and comes back.
 * timeout: 600
 */
#include "core/file.h"
#include "core/limits.h"
#include "tests/api/world.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static void nap(void) {
    (void)nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* ---- many clients ---- */

#define CLIENTS 12
#define ROUNDS 40
#define PIPELINE 16
#define FACTS 50

typedef struct client {
    world *w;
    pthread_t thread;
    uint64_t seed;
    unsigned wrong;
} client;

/* Every request asks something else, so that an answer which goes to the wrong one is seen. id f has whole = 10 f. */
static void print_request(floe_buf *out, int64_t a, int64_t b) {
    char json[256];
    (void)snprintf(json, sizeof(json),
                   "{\"features\":[\"facts:name\",\"facts:whole\"],\"entities\":{\"id\":[%lld,%lld]}}", (long long)a,
                   (long long)b);
    floe_test_http_print(out, "POST", "/v1/lookup", json);
}

static void print_expected(char *out, size_t out_len, int64_t a, int64_t b) {
    (void)snprintf(out, out_len,
                   "{\"features\":[\"facts:name\",\"facts:whole\"],\"values\":[[\"n%lld\",\"n%lld\"],[%lld,%lld]]}",
                   (long long)a, (long long)b, (long long)a * 10, (long long)b * 10);
}

static void run_round(client *c, floe_test_http *http, floe_test_rng *rng) {
    int64_t ids[PIPELINE][2];
    char expected[256];
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    for (size_t i = 0; i < PIPELINE; i++) {
        ids[i][0] = floe_test_between(rng, 100, 100 + FACTS - 1);
        ids[i][1] = floe_test_between(rng, 100, 100 + FACTS - 1);
        print_request(&out, ids[i][0], ids[i][1]);
    }
    floe_test_http_send(http, out.ptr, out.len);
    for (size_t i = 0; i < PIPELINE; i++) {
        floe_test_response response;
        bool read = floe_test_http_read(http, &response);
        print_expected(expected, sizeof(expected), ids[i][0], ids[i][1]);
        c->wrong += read && response.status == 200 && floe_str_is(response.body, expected) ? 0 : 1;
        if (!read) {
            return;
        }
    }
}

static void *run_client(void *context) {
    client *c = context;
    floe_test_rng rng = floe_test_rng_of(c->seed);
    floe_test_http http;
    floe_test_http_open(&http, c->w->port);
    for (int i = 0; i < ROUNDS; i++) {
        run_round(c, &http, &rng);
    }
    floe_test_http_close(&http);
    return NULL;
}

static void check_clients(floe_store_kind kind) {
    static world w;
    static client clients[CLIENTS];
    char name[32];
    world_open(&w, kind);
    for (int64_t id = 100; id < 100 + FACTS; id++) {
        (void)snprintf(name, sizeof(name), "n%lld", (long long)id);
        world_put_fact(&w, id, id * 10, name);
    }
    uint64_t seed = floe_test_seed();
    for (size_t i = 0; i < CLIENTS; i++) {
        clients[i] = (client){.w = &w, .seed = seed + i};
        assert_int_equal(pthread_create(&clients[i].thread, NULL, run_client, &clients[i]), 0);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
        assert_int_equal(clients[i].wrong, 0);
    }
    world_close(&w);
}

static void pipelined_clients__on_the_embedded_store__each_get_their_own_answers(void **state) {
    (void)state;
    check_clients(FLOE_STORE_EMBEDDED);
}

static void pipelined_clients__on_redis__each_get_their_own_answers(void **state) {
    (void)state;
    check_clients(FLOE_STORE_REDIS);
}

/* ---- definitions that change ---- */

static const char old_json[] = "{\"service\":\"model\",\"entities\":{\"id\":[-2]}}";
static const char old_body[] = "{\"features\":[\"facts:whole\",\"facts:name\"],\"values\":[[-20],[\"n-2\"]]}";
static const char new_body[] = "{\"features\":[\"facts:name\"],\"values\":[[\"n-2\"]]}";

static const char *changed_yaml(world *w) {
    const char *seam = strstr(world_yaml, "  - {name: model");
    return floe_arena_printf(&w->arena, "%.*s  - {name: model, features: ['facts:name']}\n", (int)(seam - world_yaml),
                             world_yaml);
}

typedef struct asker {
    world *w;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint news;
    unsigned wrong;
} asker;

static void *keep_asking(void *context) {
    asker *a = context;
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, a->w->port);
    while (!atomic_load(&a->stop)) {
        floe_test_http_ask(&http, "POST", "/v1/lookup", old_json, &response);
        bool is_new = floe_str_is(response.body, new_body);
        /* Once new, never old again: the connection stays on its thread. */
        a->wrong += is_new || (floe_str_is(response.body, old_body) && atomic_load(&a->news) == 0) ? 0 : 1;
        atomic_fetch_add(&a->news, is_new ? 1 : 0);
    }
    floe_test_http_close(&http);
    return NULL;
}

static void new_definitions__while_serving__are_taken_by_every_thread(void **state) {
    (void)state;
    static world w;
    static asker askers[4];
    answer got;
    world_open(&w, FLOE_STORE_EMBEDDED);
    for (size_t i = 0; i < 4; i++) {
        askers[i] = (asker){.w = &w};
        assert_int_equal(pthread_create(&askers[i].thread, NULL, keep_asking, &askers[i]), 0);
    }
    assert_int_equal(world_apply(&w, changed_yaml(&w)), 2);
    for (size_t i = 0; i < 4; i++) {
        while (atomic_load(&askers[i].news) < 10) {
            nap();
        }
        atomic_store(&askers[i].stop, true);
        assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
        assert_int_equal(askers[i].wrong, 0);
    }
    for (int i = 0; i < 20; i++) { /* whichever thread a connection comes to */
        do {
            world_ask(&w, "GET", "/readyz", NULL, &got);
            assert_int_equal(got.status, 200);
        } while (i == 0 && strstr(got.body, "\"version\":1}") != NULL);
    }
    world_ask(&w, "GET", "/metrics", NULL, &got);
    assert_non_null(strstr(got.body, "floe_definitions_version 2\n"));
    world_close(&w);
}

/* What was read last is served on; /readyz says it, and takes it back. */
static void registry__away_and_back__is_seen_by_readyz_only(void **state) {
    (void)state;
    static world w;
    answer got;
    world_open(&w, FLOE_STORE_EMBEDDED);
    const char *aside = floe_arena_printf(&w.arena, "%s.aside", w.project->registry);
    assert_int_equal(rename(w.project->registry, aside), 0);
    do {
        nap();
        world_ask(&w, "GET", "/readyz", NULL, &got);
    } while (got.status == 200);
    assert_problem(&got, 503, "UNAVAILABLE", "the registry cannot be read");
    world_lookup(&w, old_json, &got);
    assert_string_equal(got.body, old_body);
    world_ask(&w, "GET", "/livez", NULL, &got);
    assert_int_equal(got.status, 200);
    assert_int_equal(rename(aside, w.project->registry), 0);
    do {
        nap();
        world_ask(&w, "GET", "/readyz", NULL, &got);
    } while (got.status != 200);
    world_close(&w);
}

/* ---- the store ---- */

static void store__away_and_back__is_unavailable_and_then_right_again(void **state) {
    (void)state;
    static world w;
    answer got;
    world_open(&w, FLOE_STORE_REDIS);
    world_lookup(&w, old_json, &got);
    floe_test_redis_stop(&w.redis);
    do {
        world_lookup(&w, old_json, &got);
    } while (got.status == 200);
    assert_problem(&got, 503, "UNAVAILABLE", "");
    assert_non_null(strstr(got.head, "Retry-After: 1\r"));
    do {
        world_ask(&w, "GET", "/readyz", NULL, &got);
    } while (got.status == 200);
    assert_problem(&got, 503, "UNAVAILABLE", "the online store does not answer");
    floe_test_redis_start(&w.redis);
    floe_store_close(&w.store);
    assert_ok(floe_store_open(&w.project->online, w.project->name, &w.store, &w.err), &w.err);
    world_put_fact(&w, -2, -20, "n-2");
    do {
        nap();
        world_lookup(&w, old_json, &got);
    } while (got.status != 200 || strcmp(got.body, old_body) != 0);
    do {
        nap();
        world_ask(&w, "GET", "/readyz", NULL, &got);
    } while (got.status != 200);
    world_close(&w);
}

static void store__away_from_the_start__is_served_when_it_comes(void **state) {
    (void)state;
    static world w;
    answer got;
    world_make(&w, FLOE_STORE_REDIS);
    floe_test_redis_stop(&w.redis);
    world_serve(&w, 1);
    world_lookup(&w, old_json, &got);
    assert_problem(&got, 503, "UNAVAILABLE", "");
    floe_test_redis_start(&w.redis);
    floe_store_close(&w.store);
    assert_ok(floe_store_open(&w.project->online, w.project->name, &w.store, &w.err), &w.err);
    world_put_fact(&w, -2, -20, "n-2");
    do {
        nap();
        world_lookup(&w, old_json, &got);
    } while (got.status != 200 || strcmp(got.body, old_body) != 0);
    world_close(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pipelined_clients__on_the_embedded_store__each_get_their_own_answers),
        cmocka_unit_test(pipelined_clients__on_redis__each_get_their_own_answers),
        cmocka_unit_test(new_definitions__while_serving__are_taken_by_every_thread),
        cmocka_unit_test(registry__away_and_back__is_seen_by_readyz_only),
        cmocka_unit_test(store__away_and_back__is_unavailable_and_then_right_again),
        cmocka_unit_test(store__away_from_the_start__is_served_when_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
