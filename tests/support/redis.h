/*
 * A redis-server of a test's own: on a free port of the loopback interface, in a folder of its own, without persistence.
 * It dies with the test.
 */
#ifndef FLOE_TESTS_SUPPORT_REDIS_H
#define FLOE_TESTS_SUPPORT_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct floe_test_redis {
    pid_t pid;
    int port;
    char dir[64];
    char url[128];        /* redis://127.0.0.1:PORT/0, with the password when there is one */
    const char *password; /* NULL: none */
} floe_test_redis;

/* Starts the server and waits until it takes connections; fails the test when there is no redis-server. A zeroed struct,
 * perhaps with a password, gets a free port; a stopped one starts again on its port, empty. */
void floe_test_redis_start(floe_test_redis *redis);
/* Kills it (SIGKILL) and removes its folder; the port is kept for another start. Safe on one that does not run. */
void floe_test_redis_stop(floe_test_redis *redis);
/* Stops and continues the process: it holds its connections but does not answer. */
void floe_test_redis_pause(const floe_test_redis *redis, bool paused);

/* One inline command ("FLUSHALL"); the raw answer, cut to fit, in `out` (may be NULL). */
void floe_test_redis_command(const floe_test_redis *redis, const char *command, char *out, size_t out_len);

#endif
