/*
 * What the tests of api share: a project with definitions applied, a store with rows in it, and a server over both. The
 * rows are few and written here, so that a test can say what an answer must be.
 *
 *   facts (entity thing, key id int64): whole int64, half double, name string, flag bool, at timestamp, day date,
 *     price decimal(10,2), raw bytes, words list<string>
 *   legs (entity leg, keys origin and destination string): delay int32
 *   secret (entity thing), online: false; services model (facts:whole, facts:name) and routes (legs)
 */
#ifndef FLOE_TESTS_API_WORLD_H
#define FLOE_TESTS_API_WORLD_H

#include "api/api.h"
#include "tests/support/http.h"
#include "tests/support/redis.h"
#include "tests/support/support.h"

#define T0 INT64_C(1000000000000000) /* 2001-09-09T01:46:40Z: the event time of the rows */
#define T0_TEXT "2001-09-09T01:46:40Z"

typedef struct world {
    floe_arena arena;
    const char *root;
    const floe_project *project;
    const floe_definitions *definitions; /* as applied last */
    floe_test_redis redis;
    floe_store *store;
    floe_server *server;
    int port;
    floe_error err;
} world;

extern const char world_yaml[];

/* Project, definitions, store with rows, and a server of two threads. */
void world_open(world *w, floe_store_kind kind);
void world_close(world *w);
/* The parts of it, for tests that need less. */
void world_make(world *w, floe_store_kind kind);
void world_serve(world *w, int threads);
void world_stop(world *w);

/* Writes features/a.yaml, resolves it and applies it. Returns the version. */
int64_t world_apply(world *w, const char *yaml);
/* A row of facts for id: whole = id * 10, name = "n<id>", the rest null. */
void world_put_fact(world *w, int64_t id, int64_t whole, const char *name);
/* The same with another event time. */
void world_put_fact_at(world *w, int64_t id, int64_t whole, const char *name, int64_t event_us);
void world_put_leg(world *w, const char *origin, const char *destination, int64_t delay);
/* The same with names that may hold anything. */
void world_put_leg_of(world *w, floe_str origin, floe_str destination, int64_t delay);

/* One request on a connection of its own; the body must be what is said. */
typedef struct answer {
    int status;
    char head[2048];
    char body[65536];
} answer;
void world_ask(world *w, const char *method, const char *target, const char *json, answer *ret_answer);
void world_lookup(world *w, const char *json, answer *ret_answer);

/* The answer is a problem with this status and code, whose detail contains the text. */
#define assert_problem(got, status, code, part) check_problem((got), (status), (code), (part), __FILE__, __LINE__)
void check_problem(const answer *got, int status, const char *code, const char *part, const char *file, int line);

#endif
