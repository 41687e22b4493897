/*
 * An epoll loop: file descriptors, one-shot timers and wake-ups from other threads. The reactor threads of api run one
 * each; online attaches its store connections to it.
 * Thread: everything belongs to the thread that runs the loop, except floe_loop_post and floe_loop_stop.
 */
#ifndef FLOE_CORE_LOOP_H
#define FLOE_CORE_LOOP_H

#include "core/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct floe_loop floe_loop;
typedef struct floe_watch floe_watch; /* one registered descriptor */
typedef struct floe_timer floe_timer;

#define FLOE_LOOP_READ 1u
#define FLOE_LOOP_WRITE 2u

typedef void (*floe_watch_fn)(void *context, unsigned events); /* READ|WRITE; error and hang-up set both */
typedef void (*floe_loop_fn)(void *context);

floe_status floe_loop_open(floe_loop **ret_loop, floe_error *err);
void floe_loop_close(floe_loop **loop);

/* Watches fd for `events` (0 = nothing for now, not even a hang-up). Owns: the loop, until floe_watch_close or
 * floe_loop_close; the fd stays the caller's, who closes it after the watch and not before. Errors: IO (a regular file
 * cannot be watched, or the fd is watched already), LIMIT, NOMEM. */
floe_status floe_watch_open(floe_loop *loop, int fd, unsigned events, floe_watch_fn callback, void *context,
                            floe_watch **ret_watch, floe_error *err);
floe_status floe_watch_set(floe_watch *watch, unsigned events, floe_error *err);
/* Safe inside any callback of the loop, its own included: a closed watch is not called again. NULL-safe. */
void floe_watch_close(floe_watch **watch);

/* A timer that is off until it is set; fires once per set. Owns: the loop, as for a watch. */
floe_status floe_timer_open(floe_loop *loop, floe_loop_fn callback, void *context, floe_timer **ret_timer,
                            floe_error *err);
/* < 0: off. Setting again replaces the earlier setting. Cost: O(log n) of the timers that are set. */
void floe_timer_set(floe_timer *timer, int64_t delay_us);
/* Safe inside any callback of the loop, its own included. NULL-safe. */
void floe_timer_close(floe_timer **timer);

/* Called once per turn, after all callbacks of that turn: where output gathered during the turn is written, and (for
 * libmicrohttpd) where resumed requests are run. Errors: LIMIT past 4 functions. */
floe_status floe_loop_on_turn(floe_loop *loop, floe_loop_fn callback, void *context, floe_error *err);
/* The most the loop may sleep in the next turn, asked before every sleep; < 0: no limit. One function. */
void floe_loop_on_sleep(floe_loop *loop, int64_t (*limit_us)(void *context), void *context);

/* Runs until floe_loop_stop, and returns at once when that was called before. Can be run again. */
floe_status floe_loop_run(floe_loop *loop, floe_error *err);
/* One turn that sleeps at most max_us (< 0: no limit); for tests and for draining. */
floe_status floe_loop_turn(floe_loop *loop, int64_t max_us, floe_error *err);

/* Thread: any. Makes the loop's thread call callback(context), in the order of posting. Calls that are still waiting
 * when the loop is closed are dropped. Errors: NOMEM. */
floe_status floe_loop_post(floe_loop *loop, floe_loop_fn callback, void *context, floe_error *err);
/* Thread: any; also safe in a signal handler. */
void floe_loop_stop(floe_loop *loop);

#endif
