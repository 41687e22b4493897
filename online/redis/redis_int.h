/*
 * What the files of the Redis store share. Only this folder includes hiredis.
 *
 * Keys in Redis (proto/FORMATS.md, store layout): with P the project as a netstring ("7:flights") and E the entity's
 * name as one, `floe:P:E:` and the encoded key is the entity's hash, its fields the parts; `floe:P:state` is a hash of
 * view states by view name; `floe:P:id` the identity.
 */
#ifndef FLOE_ONLINE_REDIS_INT_H
#define FLOE_ONLINE_REDIS_INT_H

#include "online/store_int.h"

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#define FLOE_REDIS_CONNECT_MS 2000
#define FLOE_REDIS_ANSWER_MS 10000 /* of a blocking call: a script over a large batch may take a while */
#define FLOE_REDIS_TEXT_MAX 512

typedef struct floe_redis_url {
    char host[256];
    int port;
    int db;
    char user[FLOE_REDIS_TEXT_MAX];     /* empty: none */
    char password[FLOE_REDIS_TEXT_MAX]; /* empty: none */
    char address[300];                  /* host:port/db, for messages: never the password */
} floe_redis_url;

/* redis://[user:password@]host[:port][/db]; user and password may be percent-encoded; an IPv6 host stands in brackets.
 * Errors: INVALID; UNSUPPORTED for rediss. */
floe_status floe_redis_url_parse(floe_str text, floe_redis_url *ret_url, floe_error *err);

/* What an answer says when it is an error, as floe's error; `what` was being done. */
floe_status floe_redis_fail_reply(const floe_redis_url *url, const redisReply *reply, const char *what,
                                  floe_error *err);
/* The connection is gone or was never there. */
floe_status floe_redis_fail_connection(const floe_redis_url *url, const char *reason, floe_error *err);
/* The answer is of a kind that the command never gives. */
floe_status floe_redis_fail_kind(const floe_redis_url *url, const char *what, floe_error *err);

/* ---- keys ---- */

/* Appends floe:P:E: */
void floe_redis_prefix(const char *project, floe_str entity, floe_buf *out);
void floe_redis_state_key(const char *project, floe_buf *out);
void floe_redis_id_key(const char *project, floe_buf *out);

/* ---- one command as bytes ---- */

/* Appends the head of a command of `count` arguments, then each argument. */
void floe_redis_command(floe_buf *out, size_t count);
void floe_redis_argument(floe_buf *out, const void *bytes, size_t len);

/* ---- scripts ---- */

extern const char floe_redis_write_script[];
extern const char floe_redis_swap_script[];

/* ---- the blocking store ---- */

typedef struct floe_redis {
    floe_redis_url url;
    char *project;
    redisContext *connection; /* NULL: not connected */
    char write_sha[41];
    floe_buf command;
    floe_buf key;
} floe_redis;

/* Runs `job` on a connection; once more on a new one when the connection that was there had died meanwhile. A job may
 * thus run twice, the first time up to any point. */
typedef floe_status (*floe_redis_job_fn)(floe_redis *store, void *context, bool *ret_lost, floe_error *err);
floe_status floe_redis_run(floe_redis *store, floe_redis_job_fn job, void *context, floe_error *err);

/* Sends what stands in store->command (any number of whole commands) without waiting. */
floe_status floe_redis_send(floe_redis *store, bool *ret_lost, floe_error *err);
/* The next answer; the caller frees it with freeReplyObject. Errors: UNAVAILABLE, and *ret_lost is set. */
floe_status floe_redis_answer(floe_redis *store, redisReply **ret_reply, bool *ret_lost, floe_error *err);
void floe_redis_disconnect(floe_redis *store);
/* Teaches the server the write script. */
floe_status floe_redis_load_script(floe_redis *store, bool *ret_lost, floe_error *err);

void floe_redis_free_reply(redisReply **reply);
#define FLOE_AUTO_REPLY __attribute__((cleanup(floe_redis_free_reply))) redisReply

floe_status floe_redis_write(void *impl, const floe_put *puts, size_t count, bool keep_on_tie,
                             floe_write_outcome *ret_outcomes, floe_error *err);
floe_status floe_redis_read(void *impl, const floe_get *gets, size_t count, floe_got_fn got, void *context,
                            floe_error *err);
floe_status floe_redis_scan(void *impl, floe_str entity, floe_part part, floe_scan_fn found, void *context,
                            floe_error *err);
floe_status floe_redis_drop(void *impl, floe_str entity, floe_part part, floe_error *err);

#endif
