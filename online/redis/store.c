/*
 * The Redis store, for blocking callers: identity, view states, and the vtable.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "online/redis/redis_int.h"

#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#define COMMAND_BYTES_MAX FLOE_MIB(512)

/* One command in store->command, one answer. */
static floe_status ask(floe_redis *store, const char *what, redisReply **ret_reply, bool *ret_lost, floe_error *err) {
    redisReply *reply = NULL;
    FLOE_TRY(floe_buf_check(&store->key, err));
    FLOE_TRY(floe_redis_send(store, ret_lost, err));
    FLOE_TRY(floe_redis_answer(store, &reply, ret_lost, err));
    if (reply->type == REDIS_REPLY_ERROR) {
        floe_status status = floe_redis_fail_reply(&store->url, reply, what, err);
        freeReplyObject(reply);
        return status;
    }
    *ret_reply = reply;
    return FLOE_OK;
}

static void begin_command(floe_redis *store, const char *verb, size_t count) {
    floe_buf_clear(&store->command);
    floe_redis_command(&store->command, count);
    floe_redis_argument(&store->command, verb, strlen(verb));
}

/* ---- identity ---- */

static void id_argument(floe_redis *store) {
    floe_buf_clear(&store->key);
    floe_redis_id_key(store->project, &store->key);
    floe_redis_argument(&store->command, store->key.ptr, store->key.len);
}

/* SET … NX, then GET: whoever came first, everybody reads the same. */
static floe_status identity_job(floe_redis *store, void *context, bool *ret_lost, floe_error *err) {
    floe_buf *out = context;
    uint8_t random[16];
    char id[2 * sizeof(random) + 1];
    FLOE_AUTO_REPLY *made = NULL;
    FLOE_AUTO_REPLY *read = NULL;
    if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        return FLOE_FAIL_ERRNO(err, FLOE_IO, "the system gives no random number for a store's identity");
    }
    for (size_t i = 0; i < sizeof(random); i++) {
        snprintf(id + 2 * i, 3, "%02x", random[i]);
    }
    begin_command(store, "SET", 4);
    id_argument(store);
    floe_redis_argument(&store->command, id, strlen(id));
    floe_redis_argument(&store->command, "NX", 2);
    FLOE_TRY(ask(store, "make its identity", &made, ret_lost, err));
    begin_command(store, "GET", 2);
    id_argument(store);
    FLOE_TRY(ask(store, "read its identity", &read, ret_lost, err));
    if (read->type != REDIS_REPLY_STRING) {
        return floe_redis_fail_kind(&store->url, "GET", err);
    }
    floe_buf_append(out, read->str, read->len);
    return floe_buf_check(out, err);
}

static floe_status redis_identity(void *impl, floe_buf *out, floe_error *err) {
    return floe_redis_run(impl, identity_job, out, err);
}

/* ---- states ---- */

typedef struct state_job {
    floe_str view;
    floe_buf *out;
    floe_str expected;
    floe_str desired;
    bool swapped;
} state_job;

static void state_argument(floe_redis *store) {
    floe_buf_clear(&store->key);
    floe_redis_state_key(store->project, &store->key);
    floe_redis_argument(&store->command, store->key.ptr, store->key.len);
}

static floe_status state_get_job(floe_redis *store, void *context, bool *ret_lost, floe_error *err) {
    const state_job *job = context;
    FLOE_AUTO_REPLY *reply = NULL;
    begin_command(store, "HGET", 3);
    state_argument(store);
    floe_redis_argument(&store->command, job->view.ptr, job->view.len);
    FLOE_TRY(ask(store, "read a view's state", &reply, ret_lost, err));
    if (reply->type == REDIS_REPLY_STRING) {
        floe_buf_append(job->out, reply->str, reply->len);
    } else if (reply->type != REDIS_REPLY_NIL) {
        return floe_redis_fail_kind(&store->url, "HGET", err);
    }
    return floe_buf_check(job->out, err);
}

static floe_status redis_state_get(void *impl, floe_str view, floe_buf *out, floe_error *err) {
    state_job job = {.view = view, .out = out};
    return floe_redis_run(impl, state_get_job, &job, err);
}

static floe_status state_swap_job(floe_redis *store, void *context, bool *ret_lost, floe_error *err) {
    state_job *job = context;
    FLOE_AUTO_REPLY *reply = NULL;
    begin_command(store, "EVAL", 7);
    floe_redis_argument(&store->command, floe_redis_swap_script, strlen(floe_redis_swap_script));
    floe_redis_argument(&store->command, "1", 1);
    state_argument(store);
    floe_redis_argument(&store->command, job->view.ptr, job->view.len);
    floe_redis_argument(&store->command, job->expected.ptr, job->expected.len);
    floe_redis_argument(&store->command, job->desired.ptr, job->desired.len);
    FLOE_TRY(ask(store, "change a view's state", &reply, ret_lost, err));
    if (reply->type != REDIS_REPLY_INTEGER) {
        return floe_redis_fail_kind(&store->url, "EVAL", err);
    }
    job->swapped = reply->integer == 1;
    return FLOE_OK;
}

static floe_status redis_state_swap(void *impl, floe_str view, floe_str expected, floe_str desired, bool *ret_swapped,
                                    floe_error *err) {
    state_job job = {.view = view, .expected = expected, .desired = desired};
    FLOE_TRY(floe_redis_run(impl, state_swap_job, &job, err));
    *ret_swapped = job.swapped;
    return FLOE_OK;
}

/* ---- open and close ---- */

static void redis_close(void *impl) {
    floe_redis *store = impl;
    floe_redis_disconnect(store);
    floe_buf_close(&store->command);
    floe_buf_close(&store->key);
    floe_free(store->project);
    floe_free(store);
}

static const floe_store_vtable redis_vtable = {
    .close = redis_close,
    .identity = redis_identity,
    .state_get = redis_state_get,
    .state_swap = redis_state_swap,
    .write = floe_redis_write,
    .read = floe_redis_read,
    .scan = floe_redis_scan,
    .drop = floe_redis_drop,
};

static floe_status no_job(floe_redis *store, void *context, bool *ret_lost, floe_error *err) {
    (void)context;
    return floe_redis_load_script(store, ret_lost, err);
}

static floe_status set_up(floe_redis *store, floe_str url, floe_str project, floe_error *err) {
    floe_buf_init(&store->command, COMMAND_BYTES_MAX);
    floe_buf_init(&store->key, FLOE_KIB(64));
    FLOE_TRY(floe_redis_url_parse(url, &store->url, err));
    FLOE_TRY(floe_strndup(project.ptr, project.len, &store->project, err));
    return floe_redis_run(store, no_job, NULL, err);
}

floe_status floe_redis_open(floe_str url, floe_str project, floe_backend *ret_backend, floe_error *err) {
    floe_redis *store = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*store), &store, err));
    floe_status status = set_up(store, url, project, err);
    if (floe_failed(status)) {
        redis_close(store);
        return status;
    }
    *ret_backend = (floe_backend){&redis_vtable, store};
    return FLOE_OK;
}
