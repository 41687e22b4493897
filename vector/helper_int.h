/*
 * A second thread of a search handle: one question is worked on by two of them where that makes it shorter.
 *
 * Work is set aside, the caller does something else, and then settles: work that the helper has begun is waited for, and work that it
 * has not is done by the caller, so that on a busy machine nothing waits for a processor.
 * Thread: a helper belongs to one caller at a time, who settles whatever it set aside before it sets aside more. The helper
 * touches nothing but what the work is given.
 */
#ifndef FLOE_VECTOR_HELPER_INT_H
#define FLOE_VECTOR_HELPER_INT_H

#include "core/error.h"

typedef struct floe_helper floe_helper;

/* NULL where the process has one processor, or when there is no memory for it: callers then do all by themselves. The thread is started by the
 * first work, with all signals blocked. Owns: the caller, until floe_helper_close. */
floe_helper *floe_helper_open(void);
/* Ends the thread. Safe on NULL. */
void floe_helper_close(floe_helper **helper);

/* What is set aside; lives until it is settled. */
typedef struct floe_aside {
    void (*work)(void *context);
    void *context;
} floe_aside;

/* `helper` may be NULL: then the work is done when it is settled. */
void floe_helper_set_aside(floe_helper *helper, const floe_aside *aside);
void floe_helper_settle(floe_helper *helper, const floe_aside *aside);

#endif
