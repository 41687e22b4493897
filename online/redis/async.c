/*
 * Redis on a loop: one pipelined connection. Commands of a turn are gathered in hiredis' output buffer and written at
 * the end of the turn's callbacks, by a timer that is due at once.
 *
 * States: away (no connection; requests fail at once; a timer tries again, after 50 ms, then up to 1 s), connecting
 * (the very first attempt lets requests queue behind the login), ready. Answers come in the order of the requests, so
 * the request at the head of the queue is the oldest: when it has waited STUCK_US, the connection is given up. Requests
 * are pooled; nothing is allocated here once the pool is warm. Thread: the loop's.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "online/redis/redis_int.h"

#include <stdio.h>

#define STUCK_US (2 * FLOE_US_PER_SECOND)
#define WATCH_US (FLOE_US_PER_SECOND / 2)
#define RETRY_FIRST_US 50000
#define RETRY_MOST_US FLOE_US_PER_SECOND

typedef struct request {
    struct request *next; /* in the queue or in the pool */
    struct redis_async *owner;
    floe_state_fn got_state; /* exactly one of the two, or none: a step of the login */
    floe_read_fn got_read;
    void *context;
    size_t part_count;
    int64_t sent_us;
    bool last_step; /* the login is done with it */
} request;

typedef struct redis_async {
    floe_redis_url url;
    char *project;
    floe_loop *loop;
    redisAsyncContext *connection; /* NULL: away */
    floe_watch *watch;
    unsigned events;
    bool flush_set;
    bool flushing;
    bool ready;
    bool away; /* the last attempt failed, or the connection was lost */
    bool closing;
    int64_t retry_us;
    floe_timer *flush;
    floe_timer *retry;
    floe_timer *watchdog;
    bool watchdog_set;
    request *oldest;
    request **newest_end;
    request *pool;
    floe_buf command;
    floe_buf key;
    floe_error cause; /* why it is away */
} redis_async;

/* ---- failures ---- */

static floe_status fail_now(redis_async *self, floe_error *err) {
    if (self->closing) {
        return FLOE_FAIL(err, FLOE_CANCELLED, "the connection to the online store was closed");
    }
    if (self->cause.code != FLOE_CODE_OK) {
        *err = self->cause;
        return (floe_status){err->code};
    }
    return floe_redis_fail_connection(&self->url, NULL, err);
}

static void note_away(redis_async *self, const char *reason) {
    self->ready = false;
    self->away = true;
    if (self->cause.code == FLOE_CODE_OK) {
        FLOE_IGNORE(floe_redis_fail_connection(&self->url, reason, &self->cause));
    }
}

static void fail_request(const request *failed, floe_status status, const floe_error *err) {
    if (failed->got_state != NULL) {
        failed->got_state(failed->context, status, (floe_str){"", 0}, err);
    } else if (failed->got_read != NULL) {
        failed->got_read(failed->context, status, NULL, err);
    }
}

/* ---- requests ---- */

static request *take_request(redis_async *self) {
    request *taken = self->pool;
    if (taken != NULL) {
        self->pool = taken->next;
    } else if (floe_failed(floe_alloc(1, sizeof(*taken), &taken, NULL))) {
        return NULL;
    }
    *taken = (request){.owner = self, .sent_us = floe_monotonic_us()};
    return taken;
}

static void give_request(request *done) {
    redis_async *self = done->owner;
    done->next = self->pool;
    self->pool = done;
}

/* Takes an answered request out of the queue; answers come in order, so it is the oldest. */
static request pop_request(request *answered) {
    redis_async *self = answered->owner;
    FLOE_ASSERT(self->oldest == answered);
    self->oldest = answered->next;
    if (self->oldest == NULL) {
        self->newest_end = &self->oldest;
    }
    request copy = *answered;
    give_request(answered);
    return copy;
}

static void on_answer(redisAsyncContext *connection, void *reply, void *context);

static void set_watchdog(redis_async *self) {
    if (!self->watchdog_set && !self->closing) {
        self->watchdog_set = true;
        floe_timer_set(self->watchdog, WATCH_US);
    }
}

/* Sends what stands in self->command; false when the connection does not take it. */
static bool send_request(redis_async *self, request *sent) {
    if (self->connection == NULL || self->command.failed ||
        redisAsyncFormattedCommand(self->connection, on_answer, sent, self->command.ptr, self->command.len) !=
            REDIS_OK) {
        give_request(sent);
        return false;
    }
    *self->newest_end = sent;
    self->newest_end = &sent->next;
    set_watchdog(self);
    return true;
}

/* ---- answers ---- */

static floe_status check_answer(redis_async *self, const redisReply *reply, const char *what, floe_error *err) {
    if (reply == NULL) {
        return fail_now(self, err);
    }
    return reply->type == REDIS_REPLY_ERROR ? floe_redis_fail_reply(&self->url, reply, what, err) : FLOE_OK;
}

/* A login that is refused ends the connection; its other requests learn the reason from `cause`. */
static void take_login(redis_async *self, const request *step, const redisReply *reply) {
    floe_error err;
    floe_error_clear(&err);
    if (reply == NULL) {
        return;
    }
    if (floe_failed(check_answer(self, reply, "log in", &err))) {
        note_away(self, NULL);
        self->cause = err;
        redisAsyncDisconnect(self->connection);
    } else if (step->last_step && !self->away) {
        self->ready = true;
        self->retry_us = RETRY_FIRST_US;
    }
}

static void take_state(redis_async *self, const request *answered, const redisReply *reply) {
    floe_error err;
    floe_error_clear(&err);
    floe_str state = {"", 0};
    floe_status status = check_answer(self, reply, "read a view's state", &err);
    if (!floe_failed(status) && reply->type == REDIS_REPLY_STRING) {
        state = (floe_str){reply->str, reply->len};
    } else if (!floe_failed(status) && reply->type != REDIS_REPLY_NIL) {
        status = floe_redis_fail_kind(&self->url, "HGET", &err);
    }
    answered->got_state(answered->context, status, state, &err);
}

static void take_read(redis_async *self, const request *answered, const redisReply *reply) {
    floe_error err;
    floe_error_clear(&err);
    floe_str values[FLOE_GET_PARTS_MAX];
    floe_status status = check_answer(self, reply, "read an entity", &err);
    if (!floe_failed(status) && (reply->type != REDIS_REPLY_ARRAY || reply->elements != answered->part_count)) {
        status = floe_redis_fail_kind(&self->url, "HMGET", &err);
    }
    for (size_t p = 0; !floe_failed(status) && p < answered->part_count; p++) {
        const redisReply *element = reply->element[p];
        values[p] = element->type == REDIS_REPLY_STRING ? (floe_str){element->str, element->len} : (floe_str){NULL, 0};
    }
    answered->got_read(answered->context, status, values, &err);
}

static void on_answer(redisAsyncContext *connection, void *reply, void *context) {
    request *queued = context;
    redis_async *self = queued->owner;
    if (reply == NULL) {
        note_away(self, connection->errstr);
    }
    request answered = pop_request(queued);
    if (answered.got_state != NULL) {
        take_state(self, &answered, reply);
    } else if (answered.got_read != NULL) {
        take_read(self, &answered, reply);
    } else {
        take_login(self, &answered, reply);
    }
}

/* ---- events ---- */

static void set_events(redis_async *self, unsigned events) {
    self->events = events;
    if (self->watch != NULL) {
        FLOE_IGNORE(floe_watch_set(self->watch, events, NULL));
    }
}

static void hook_add_read(void *context) {
    redis_async *self = context;
    set_events(self, self->events | FLOE_LOOP_READ);
}

static void hook_del_read(void *context) {
    redis_async *self = context;
    set_events(self, self->events & ~FLOE_LOOP_READ);
}

/* Before the connection stands, and when the socket is full, the loop must watch; else the turn's end is early
 * enough. */
static void hook_add_write(void *context) {
    redis_async *self = context;
    bool connected = self->connection != NULL && (self->connection->c.flags & REDIS_CONNECTED) != 0;
    if (!connected || self->flushing) {
        set_events(self, self->events | FLOE_LOOP_WRITE);
    } else if (!self->flush_set) {
        self->flush_set = true;
        floe_timer_set(self->flush, 0);
    }
}

static void hook_del_write(void *context) {
    redis_async *self = context;
    set_events(self, self->events & ~FLOE_LOOP_WRITE);
}

/* hiredis frees the connection, for whatever reason: the last word about it. */
static void hook_cleanup(void *context) {
    redis_async *self = context;
    const redisAsyncContext *gone = self->connection;
    note_away(self, gone != NULL ? gone->errstr : NULL);
    self->connection = NULL;
    self->events = 0;
    floe_watch_close(&self->watch);
    if (!self->closing) {
        floe_timer_set(self->retry, self->retry_us);
        self->retry_us = self->retry_us * 2 < RETRY_MOST_US ? self->retry_us * 2 : RETRY_MOST_US;
    }
}

static void on_flush(void *context) {
    redis_async *self = context;
    self->flush_set = false;
    if (self->connection != NULL) {
        self->flushing = true;
        redisAsyncHandleWrite(self->connection);
        self->flushing = false;
    }
}

static void on_socket(void *context, unsigned events) {
    redis_async *self = context;
    self->flushing = true;
    if ((events & FLOE_LOOP_WRITE) != 0 && self->connection != NULL) {
        redisAsyncHandleWrite(self->connection);
    }
    self->flushing = false;
    if ((events & FLOE_LOOP_READ) != 0 && self->connection != NULL) {
        redisAsyncHandleRead(self->connection);
    }
}

/* A server that took a request and does not answer is as good as gone. */
static void on_watchdog(void *context) {
    redis_async *self = context;
    self->watchdog_set = false;
    if (self->oldest == NULL) {
        return;
    }
    if (self->connection != NULL && floe_monotonic_us() - self->oldest->sent_us > STUCK_US) {
        note_away(self, "no answer within 2 s");
        redisAsyncFree(self->connection);
        return;
    }
    set_watchdog(self);
}

/* ---- connecting ---- */

static void add_step(redis_async *self, const char *const *arguments, size_t count, bool last) {
    request *step = take_request(self);
    if (step == NULL) {
        return;
    }
    step->last_step = last;
    floe_buf_clear(&self->command);
    floe_redis_command(&self->command, count);
    for (size_t i = 0; i < count; i++) {
        floe_redis_argument(&self->command, arguments[i], strlen(arguments[i]));
    }
    (void)send_request(self, step);
}

static void log_in(redis_async *self) {
    const floe_redis_url *url = &self->url;
    if (url->password[0] != '\0' && url->user[0] != '\0') {
        add_step(self, (const char *const[]){"AUTH", url->user, url->password}, 3, false);
    } else if (url->password[0] != '\0') {
        add_step(self, (const char *const[]){"AUTH", url->password}, 2, false);
    }
    if (url->db != 0) {
        char db[16];
        snprintf(db, sizeof(db), "%d", url->db);
        add_step(self, (const char *const[]){"SELECT", db}, 2, false);
    }
    add_step(self, (const char *const[]){"PING"}, 1, true);
}

static bool attach(redis_async *self, redisAsyncContext *connection) {
    connection->ev.data = self;
    connection->ev.addRead = hook_add_read;
    connection->ev.delRead = hook_del_read;
    connection->ev.addWrite = hook_add_write;
    connection->ev.delWrite = hook_del_write;
    connection->ev.cleanup = hook_cleanup;
    self->connection = connection;
    self->events = FLOE_LOOP_WRITE;
    return !floe_failed(
        floe_watch_open(self->loop, connection->c.fd, self->events, on_socket, self, &self->watch, NULL));
}

static void on_connected(const redisAsyncContext *connection, int status) {
    redis_async *self = connection->ev.data;
    if (status == REDIS_OK) {
        self->away = false;
        floe_error_clear(&self->cause);
    }
}

static void retry_later(redis_async *self) {
    floe_timer_set(self->retry, self->retry_us);
    self->retry_us = self->retry_us * 2 < RETRY_MOST_US ? self->retry_us * 2 : RETRY_MOST_US;
}

static void try_connect(void *context) {
    redis_async *self = context;
    redisOptions options = {0};
    REDIS_OPTIONS_SET_TCP(&options, self->url.host, self->url.port);
    redisAsyncContext *connection = redisAsyncConnectWithOptions(&options);
    if (connection == NULL || connection->err != 0) {
        floe_error_clear(&self->cause);
        note_away(self, connection == NULL ? "out of memory" : connection->errstr);
        if (connection != NULL) {
            redisAsyncFree(connection);
        }
        retry_later(self);
        return;
    }
    if (!attach(self, connection)) {
        redisAsyncFree(connection);
        return;
    }
    (void)redisAsyncSetConnectCallback(connection, on_connected);
    log_in(self);
}

/* ---- the vtable ---- */

static bool async_ready(const void *impl) {
    const redis_async *self = impl;
    return self->ready;
}

/* A request that can be sent now, or NULL and the reason in `err`. While a lost connection is being opened again,
 * requests do not queue: they fail at once. */
static request *begin_request(redis_async *self, floe_status *ret_status, floe_error *err) {
    floe_buf_clear(&self->command);
    floe_buf_clear(&self->key);
    if (self->connection == NULL || self->away || self->closing) {
        *ret_status = fail_now(self, err);
        return NULL;
    }
    request *begun = take_request(self);
    *ret_status =
        begun != NULL ? FLOE_OK : FLOE_FAIL(err, FLOE_NOMEM, "out of memory for a request to the online store");
    return begun;
}

static void finish_request(redis_async *self, request *begun, floe_error *err) {
    request copy = *begun;
    if (!send_request(self, begun)) {
        floe_status status = fail_now(self, err);
        fail_request(&copy, status, err);
    }
}

static void async_state_get(void *impl, floe_str view, floe_state_fn done, void *context) {
    redis_async *self = impl;
    floe_error err;
    floe_error_clear(&err);
    floe_status status = FLOE_OK;
    request *begun = begin_request(self, &status, &err);
    if (begun == NULL) {
        done(context, status, (floe_str){"", 0}, &err);
        return;
    }
    begun->got_state = done;
    begun->context = context;
    floe_redis_state_key(self->project, &self->key);
    floe_redis_command(&self->command, 3);
    floe_redis_argument(&self->command, "HGET", 4);
    floe_redis_argument(&self->command, self->key.ptr, self->key.len);
    floe_redis_argument(&self->command, view.ptr, view.len);
    finish_request(self, begun, &err);
}

static void async_read(void *impl, const floe_get *get, floe_read_fn done, void *context) {
    redis_async *self = impl;
    floe_error err;
    floe_error_clear(&err);
    floe_status status = FLOE_OK;
    request *begun = begin_request(self, &status, &err);
    if (begun == NULL) {
        done(context, status, NULL, &err);
        return;
    }
    begun->got_read = done;
    begun->context = context;
    begun->part_count = get->part_count;
    floe_redis_prefix(self->project, get->entity, &self->key);
    floe_buf_str(&self->key, get->key);
    floe_redis_command(&self->command, 2 + get->part_count);
    floe_redis_argument(&self->command, "HMGET", 5);
    floe_redis_argument(&self->command, self->key.ptr, self->key.len);
    for (size_t p = 0; p < get->part_count; p++) {
        uint8_t field[FLOE_PART_BYTES];
        floe_part_encode(get->parts[p], field);
        floe_redis_argument(&self->command, field, sizeof(field));
    }
    finish_request(self, begun, &err);
}

static void async_close(void *impl) {
    redis_async *self = impl;
    self->closing = true;
    if (self->connection != NULL) {
        redisAsyncFree(self->connection); /* answers everything in flight */
    }
    floe_timer_close(&self->flush);
    floe_timer_close(&self->retry);
    floe_timer_close(&self->watchdog);
    while (self->pool != NULL) {
        request *pooled = self->pool;
        self->pool = pooled->next;
        floe_free(pooled);
    }
    floe_buf_close(&self->command);
    floe_buf_close(&self->key);
    floe_free(self->project);
    floe_free(self);
}

static const floe_async_vtable async_vtable = {
    .close = async_close,
    .ready = async_ready,
    .state_get = async_state_get,
    .read = async_read,
};

static floe_status set_up(redis_async *self, floe_str url, floe_str project, floe_error *err) {
    self->newest_end = &self->oldest;
    self->retry_us = RETRY_FIRST_US;
    floe_buf_init(&self->command, FLOE_MIB(64));
    floe_buf_init(&self->key, FLOE_KIB(64));
    FLOE_TRY(floe_redis_url_parse(url, &self->url, err));
    FLOE_TRY(floe_strndup(project.ptr, project.len, &self->project, err));
    FLOE_TRY(floe_timer_open(self->loop, on_flush, self, &self->flush, err));
    FLOE_TRY(floe_timer_open(self->loop, try_connect, self, &self->retry, err));
    return floe_timer_open(self->loop, on_watchdog, self, &self->watchdog, err);
}

floe_status floe_redis_async_open(floe_str url, floe_str project, floe_loop *loop, floe_async *ret_async,
                                  floe_error *err) {
    redis_async *self = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*self), &self, err));
    self->loop = loop;
    floe_status status = set_up(self, url, project, err);
    if (floe_failed(status)) {
        async_close(self);
        return status;
    }
    try_connect(self);
    *ret_async = (floe_async){&async_vtable, self};
    return FLOE_OK;
}
