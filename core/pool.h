/* A small pool of worker threads for work that would hold up a reactor: a bounded queue of jobs. */
#ifndef FLOE_CORE_POOL_H
#define FLOE_CORE_POOL_H

#include "core/error.h"

#include <stddef.h>

typedef struct floe_pool floe_pool;
typedef void (*floe_job_fn)(void *context);

floe_status floe_pool_open(size_t thread_count, size_t queue_max, floe_pool **ret_pool, floe_error *err);
/* Waits for queued and running jobs, then ends the threads. */
void floe_pool_close(floe_pool **pool);
/* Thread: any. Errors: LIMIT (retriable) when the queue is full. */
floe_status floe_pool_submit(floe_pool *pool, floe_job_fn job, void *context, floe_error *err);

#endif
