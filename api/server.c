/*
 * The server as a whole: access is judged, definitions and keys are read, sockets and reactors are opened, and one
 * thread of the pool looks twice a second whether the registry has newer ones.
 *
 * The look is a job of the pool, because the registry is a file; a timer of the first reactor submits it, and never a
 * second one while one is waiting or running. So `snapshot`, `keyring` and `registry_failed` belong to the job that
 * runs.
 */
#include "api/api.h"

#include "api/reactor_int.h"

#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/time.h"

#include <netdb.h>
#include <stdio.h>
#include <unistd.h>

#define THREADS_MAX 256
#define WORKERS_MIN 2
#define JOBS_MAX 1024
#define DRAIN_US (10 * FLOE_US_PER_SECOND)
#define POLL_US (FLOE_US_PER_SECOND / 2) /* so that a revoked key is refused within a second */
#define URL_MAX (NI_MAXHOST + 32)

struct floe_server {
    floe_shared shared;
    floe_arena arena; /* the search folder's path */
    floe_reactor *reactors[THREADS_MAX];
    size_t reactor_count;
    floe_snapshot *snapshot; /* the newest */
    floe_keyring *keyring;   /* the newest; NULL: the project has no roles */
    int64_t keys_version;
    floe_timer *poll_timer; /* on the first reactor's loop */
    atomic_bool polling;
    bool registry_failed;
    bool is_open;
    char url[URL_MAX];
};

/* ---- following the registry ---- */

static void log_registry(floe_server *server, floe_status status, const floe_error *err) {
    bool failed = floe_failed(status);
    if (failed && !server->registry_failed) {
        floe_log_error("the registry cannot be read; the definitions that were read last are served", err);
    } else if (!failed && server->registry_failed) {
        floe_log(FLOE_LOG_INFO, "the registry can be read again", NULL);
    }
    server->registry_failed = failed;
    atomic_store(&server->shared.registry_ok, !failed);
}

static void publish(floe_server *server, floe_snapshot *snapshot) {
    char version[32];
    (void)snprintf(version, sizeof(version), "%lld", (long long)snapshot->definitions->version);
    floe_snapshot_release(&server->snapshot);
    server->snapshot = snapshot;
    floe_metric_set(server->shared.stats.version, snapshot->definitions->version);
    for (size_t i = 0; i < server->reactor_count; i++) {
        floe_reactor_publish(server->reactors[i], snapshot);
    }
    floe_log(FLOE_LOG_INFO, "new definitions are served", "version", version, NULL);
}

/* What the roles of the keys see is made off the requests' path, by a thread of the searches'. A server without it works as well. */
static void follow_roles(floe_server *server) {
    const floe_role *roles[FLOE_SEARCHERS_ROLES];
    size_t count = floe_keyring_roles(server->keyring, roles, FLOE_SEARCHERS_ROLES);
    floe_error err = {0};
    if (floe_failed(floe_searchers_follow(server->shared.searchers, roles, count, &err))) {
        floe_log_error("searches are not prepared", &err);
    }
}

/* Keys that cannot be read leave those that were read last; the failure is that of the registry. */
static floe_status follow_keys(floe_server *server, floe_error *err) {
    floe_keyring *keyring = NULL;
    FLOE_TRY(floe_keyring_follow(server->shared.project, &server->keys_version, &keyring, err));
    if (keyring == NULL) {
        return FLOE_OK;
    }
    floe_keyring_release(&server->keyring);
    server->keyring = keyring;
    for (size_t i = 0; i < server->reactor_count; i++) {
        floe_reactor_publish_keys(server->reactors[i], keyring);
    }
    if (server->shared.searchers != NULL) {
        follow_roles(server);
    }
    return FLOE_OK;
}

static void poll_registry(void *context) {
    floe_server *server = context;
    floe_error err = {0};
    floe_snapshot *snapshot = NULL;
    bool changed = false;
    floe_status status = floe_snapshot_load(server->shared.project->registry, server->snapshot->definitions->version,
                                            &snapshot, &changed, &err);
    if (!floe_failed(status) && changed) {
        publish(server, snapshot);
    }
    if (!floe_failed(status)) {
        status = follow_keys(server, &err);
    }
    log_registry(server, status, &err);
    atomic_store(&server->polling, false);
}

static void on_poll_timer(void *context) {
    floe_server *server = context;
    if (!atomic_exchange(&server->polling, true) &&
        floe_failed(floe_pool_submit(server->shared.pool, poll_registry, server, NULL))) {
        atomic_store(&server->polling, false); /* the queue is full: the next time, then */
    }
    floe_timer_set(server->poll_timer, POLL_US);
}

/* ---- opening ---- */

static size_t thread_count(int asked) {
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t count = asked > 0 ? (size_t)asked : cores > 0 ? (size_t)cores : 1;
    return count < THREADS_MAX ? count : THREADS_MAX;
}

static floe_status judge_access(floe_server *server, const char *host, floe_error *err) {
    const floe_project *project = server->shared.project;
    FLOE_TRY(floe_listen_is_loopback(host, &server->shared.is_loopback, err));
    FLOE_ENSURE(server->shared.is_loopback || project->access_open || project->role_count > 0, err, FLOE_DENIED,
                "refusing to listen on %s, where other machines can connect, while nothing says who may: write roles "
                "under `access:` in floe.yaml, or `access: open` when everybody who can connect may see everything, or "
                "listen on 127.0.0.1",
                host);
    server->is_open = project->role_count == 0;
    return FLOE_OK;
}

static floe_status open_shared(floe_server *server, const floe_server_config *config, size_t workers, floe_error *err) {
    floe_shared *shared = &server->shared;
    bool changed = false;
    shared->project = config->project;
    shared->drain_us = config->drain_us > 0 ? config->drain_us : DRAIN_US;
    atomic_init(&shared->registry_ok, true);
    const char *folder = floe_arena_strdup(&server->arena, config->search_folder == NULL ? "" : config->search_folder);
    FLOE_TRY(floe_arena_check(&server->arena, err));
    FLOE_TRY(floe_snapshot_load(config->project->registry, 0, &server->snapshot, &changed, err));
    FLOE_TRY(follow_keys(server, err));
    FLOE_TRY(floe_stats_open(&shared->stats, err));
    floe_metric_set(shared->stats.version, server->snapshot->definitions->version);
    FLOE_TRY(floe_searchers_open(config->project, folder, workers, &shared->searchers, err));
    follow_roles(server);
    FLOE_TRY(floe_asker_open(config->project, config->check, &shared->asker, err));
    return floe_pool_open(workers, JOBS_MAX, &shared->pool, err);
}

static void close_sockets(const int *sockets, size_t from, size_t count) {
    for (size_t i = from; i < count; i++) {
        (void)close(sockets[i]);
    }
}

static floe_status open_reactors(floe_server *server, const int *sockets, size_t count, floe_error *err) {
    unsigned connection_max = (unsigned)((FLOE_LIMIT_HTTP_CONNECTIONS + count - 1) / count);
    for (size_t i = 0; i < count; i++) {
        floe_status status =
            floe_reactor_open(&server->shared, sockets[i], connection_max, server->snapshot, &server->reactors[i], err);
        if (floe_failed(status)) {
            close_sockets(sockets, i, count);
            return status;
        }
        server->reactors[i]->keyring = floe_keyring_hold(server->keyring);
        server->reactor_count++;
    }
    FLOE_TRY(floe_timer_open(server->reactors[0]->loop, on_poll_timer, server, &server->poll_timer, err));
    floe_timer_set(server->poll_timer, POLL_US);
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(floe_reactor_start(server->reactors[i], err));
    }
    return FLOE_OK;
}

static floe_status open_parts(floe_server *server, const floe_server_config *config, floe_error *err) {
    const floe_project *project = config->project;
    const char *host = config->host != NULL
                           ? config->host
                           : floe_arena_strndup(&server->arena, project->listen_host.ptr, project->listen_host.len);
    FLOE_TRY(floe_arena_check(&server->arena, err));
    size_t count = thread_count(config->threads);
    int sockets[THREADS_MAX];
    uint16_t port = config->port < 0 ? project->listen_port : (uint16_t)config->port;
    FLOE_ENSURE(config->port <= UINT16_MAX, err, FLOE_INVALID, "port %d; a port is 0 to 65535", config->port);
    FLOE_ENSURE(config->threads >= 0 && config->threads <= THREADS_MAX, err, FLOE_INVALID,
                "%d threads; a server has 0 (one per core) to %d", config->threads, THREADS_MAX);
    server->shared.host = floe_arena_strdup(&server->arena, host);
    FLOE_TRY(floe_arena_check(&server->arena, err));
    server->shared.project = project;
    FLOE_TRY(judge_access(server, host, err));
    FLOE_TRY(open_shared(server, config, count < WORKERS_MIN ? WORKERS_MIN : count, err));
    FLOE_TRY(floe_listen_open(host, port, count, sockets, &port, err));
    (void)snprintf(server->url, sizeof(server->url), strchr(host, ':') != NULL ? "http://[%s]:%u" : "http://%s:%u",
                   host, (unsigned)port);
    return open_reactors(server, sockets, count, err);
}

static void close_all(floe_server *server) {
    floe_asker_cancel(server->shared.asker);
    for (size_t i = 0; i < server->reactor_count; i++) {
        floe_reactor_stop(server->reactors[i]);
    }
    for (size_t i = 0; i < server->reactor_count; i++) {
        floe_reactor_join(server->reactors[i]);
    }
    floe_pool_close(&server->shared.pool);
    floe_timer_close(&server->poll_timer);
    for (size_t i = 0; i < server->reactor_count; i++) {
        floe_reactor_close(&server->reactors[i]);
    }
    floe_asker_close(&server->shared.asker);
    floe_searchers_close(&server->shared.searchers);
    floe_snapshot_release(&server->snapshot);
    floe_keyring_release(&server->keyring);
    floe_arena_close(&server->arena);
    floe_free(server);
}

floe_status floe_server_open(const floe_server_config *config, floe_server **ret_server, floe_error *err) {
    floe_server *server = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*server), &server, err));
    floe_arena_init(&server->arena, FLOE_KIB(64));
    floe_status status = open_parts(server, config, err);
    if (floe_failed(status)) {
        close_all(server);
        return status;
    }
    *ret_server = server;
    return FLOE_OK;
}

const char *floe_server_url(const floe_server *server) {
    return server->url;
}

bool floe_server_is_open(const floe_server *server) {
    return server->is_open;
}

floe_status floe_server_close(floe_server **server_pointer, floe_error *err) {
    (void)err;
    floe_server *server = *server_pointer;
    *server_pointer = NULL;
    if (server != NULL) {
        close_all(server);
    }
    return FLOE_OK;
}
