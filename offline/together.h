/*
 * Work that several threads do together, for the kernel and for what is made of its answers.
 */
#ifndef FLOE_OFFLINE_TOGETHER_H
#define FLOE_OFFLINE_TOGETHER_H

#include "core/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/* How many threads work: as many as asked for, 0: the machine's processors. */
int floe_thread_count(int asked);
/* Calls `work` in that many threads, this one among them, and waits for all. The first failure is returned; `*stop` is set
 * by it (the others look at it). */
floe_status floe_together(int threads, floe_status (*work)(void *context, floe_error *err), void *context,
                          atomic_bool *stop, floe_error *err);
/* Calls `work` for all of `count` items, `step` at a time, [first, last), by that many threads, or fewer where there are fewer steps.
 * The first failure is returned. */
typedef floe_status (*floe_stretch_work)(void *context, size_t first, size_t last, floe_error *err);
floe_status floe_together_over(int threads, size_t count, size_t step, floe_stretch_work work, void *context,
                               floe_error *err);

#endif
