/*
 * A blocking connection to Redis: opened when it is needed, opened again when the server closed it meanwhile.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "online/redis/redis_int.h"

#include <stdio.h>
#include <sys/time.h>

void floe_redis_free_reply(redisReply **reply) {
    if (*reply != NULL) {
        freeReplyObject(*reply);
    }
}

void floe_redis_disconnect(floe_redis *store) {
    if (store->connection != NULL) {
        redisFree(store->connection);
        store->connection = NULL;
    }
}

floe_status floe_redis_send(floe_redis *store, bool *ret_lost, floe_error *err) {
    FLOE_TRY(floe_buf_check(&store->command, err));
    if (redisAppendFormattedCommand(store->connection, store->command.ptr, store->command.len) != REDIS_OK) {
        *ret_lost = true;
        return floe_redis_fail_connection(&store->url, store->connection->errstr, err);
    }
    return FLOE_OK;
}

floe_status floe_redis_answer(floe_redis *store, redisReply **ret_reply, bool *ret_lost, floe_error *err) {
    void *reply = NULL;
    if (redisGetReply(store->connection, &reply) != REDIS_OK) {
        *ret_lost = true;
        return floe_redis_fail_connection(&store->url, store->connection->errstr, err);
    }
    *ret_reply = reply;
    return FLOE_OK;
}

/* One command whose answer only has to be no error. */
static floe_status tell(floe_redis *store, const char *const *arguments, size_t count, const char *what,
                        floe_error *err) {
    bool lost = false;
    FLOE_AUTO_REPLY *reply = NULL;
    floe_buf_clear(&store->command);
    floe_redis_command(&store->command, count);
    for (size_t i = 0; i < count; i++) {
        floe_redis_argument(&store->command, arguments[i], strlen(arguments[i]));
    }
    FLOE_TRY(floe_redis_send(store, &lost, err));
    FLOE_TRY(floe_redis_answer(store, &reply, &lost, err));
    return reply->type == REDIS_REPLY_ERROR ? floe_redis_fail_reply(&store->url, reply, what, err) : FLOE_OK;
}

static floe_status log_in(floe_redis *store, floe_error *err) {
    const floe_redis_url *url = &store->url;
    if (url->password[0] != '\0' && url->user[0] != '\0') {
        FLOE_TRY(tell(store, (const char *const[]){"AUTH", url->user, url->password}, 3, "log in", err));
    } else if (url->password[0] != '\0') {
        FLOE_TRY(tell(store, (const char *const[]){"AUTH", url->password}, 2, "log in", err));
    }
    if (url->db != 0) {
        char db[16];
        snprintf(db, sizeof(db), "%d", url->db);
        FLOE_TRY(tell(store, (const char *const[]){"SELECT", db}, 2, "select its database", err));
    }
    return FLOE_OK;
}

floe_status floe_redis_load_script(floe_redis *store, bool *ret_lost, floe_error *err) {
    FLOE_AUTO_REPLY *reply = NULL;
    floe_buf_clear(&store->command);
    floe_redis_command(&store->command, 3);
    floe_redis_argument(&store->command, "SCRIPT", 6);
    floe_redis_argument(&store->command, "LOAD", 4);
    floe_redis_argument(&store->command, floe_redis_write_script, strlen(floe_redis_write_script));
    FLOE_TRY(floe_redis_send(store, ret_lost, err));
    FLOE_TRY(floe_redis_answer(store, &reply, ret_lost, err));
    if (reply->type == REDIS_REPLY_ERROR) {
        return floe_redis_fail_reply(&store->url, reply, "load floe's write script", err);
    }
    if (reply->type != REDIS_REPLY_STRING || reply->len != sizeof(store->write_sha) - 1) {
        return floe_redis_fail_kind(&store->url, "SCRIPT LOAD", err);
    }
    memcpy(store->write_sha, reply->str, sizeof(store->write_sha) - 1);
    return FLOE_OK;
}

static floe_status connect_now(floe_redis *store, floe_error *err) {
    struct timeval connect_time = {FLOE_REDIS_CONNECT_MS / 1000, FLOE_REDIS_CONNECT_MS % 1000 * 1000};
    struct timeval answer_time = {FLOE_REDIS_ANSWER_MS / 1000, FLOE_REDIS_ANSWER_MS % 1000 * 1000};
    redisOptions options = {0};
    REDIS_OPTIONS_SET_TCP(&options, store->url.host, store->url.port);
    options.connect_timeout = &connect_time;
    options.command_timeout = &answer_time;
    store->connection = redisConnectWithOptions(&options);
    FLOE_ENSURE(store->connection != NULL, err, FLOE_NOMEM, "out of memory for a connection to redis://%s",
                store->url.address);
    if (store->connection->err != 0) {
        return floe_redis_fail_connection(&store->url, store->connection->errstr, err);
    }
    return log_in(store, err);
}

static floe_status connect_once(floe_redis *store, floe_error *err) {
    if (store->connection != NULL) {
        return FLOE_OK;
    }
    floe_status status = connect_now(store, err);
    if (floe_failed(status)) {
        floe_redis_disconnect(store);
    }
    return status;
}

floe_status floe_redis_run(floe_redis *store, floe_redis_job_fn job, void *context, floe_error *err) {
    bool reused = store->connection != NULL;
    bool lost = false;
    floe_error first;
    floe_error_clear(&first);
    FLOE_TRY(connect_once(store, err));
    floe_status status = job(store, context, &lost, reused ? &first : err);
    if (!floe_failed(status)) {
        return FLOE_OK;
    }
    /* Answers to what was sent may still be on their way: the connection cannot be used on. */
    floe_redis_disconnect(store);
    if (!reused) {
        return status;
    }
    if (!lost) {
        return floe_error_set(err, first.code, first.sys_errno, first.file, first.line, "%s", first.message);
    }
    FLOE_TRY(connect_once(store, err));
    status = job(store, context, &lost, err);
    if (floe_failed(status)) {
        floe_redis_disconnect(store);
    }
    return status;
}
