/*
 * Arrays in a file: for the few steps that need arrays larger than the memory the process was told to take.
 *
 * A thread says by floe_paged_use that its large blocks come from a place on disk. From then on floe_alloc and floe_realloc map
 * each of them from a file of its own, which has no name, and floe_free unmaps it; whoever reads or writes it notices nothing.
 * What of all these blocks is in memory counts as the process's like any other memory, so a watcher looks every millisecond
 * how much that is and lets go of it when it is too much, as do loops that are faster than it: the system keeps the bytes in its cache of the disk, or writes them
 * there, and brings back those that are touched again. So code that goes through such arrays in order costs little, whatever
 * their length; code that jumps about in them costs a page per jump.
 *
 * Invariant: the room on disk is taken before a block is given, so a full disk is an error here and not a signal later. A disk
 * that fails to read a page ends the process, as it does with any mapped file.
 * Thread: a place belongs to the thread that opened it; blocks may be used by any, and freed by any.
 */
#ifndef FLOE_CORE_PAGED_H
#define FLOE_CORE_PAGED_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Shorter blocks stay in memory. */
#define FLOE_PAGED_LEAST ((size_t)64 << 10)

#define FLOE_PAGED_EVERY ((size_t)4096)

typedef struct floe_paged floe_paged;

/* A place for blocks in `folder`, of which no more than about `resident_bytes` stay in memory. Starts the watcher. Errors: NOMEM,
 * UNAVAILABLE where the system gives no thread. */
floe_status floe_paged_open(const char *folder, uint64_t resident_bytes, floe_paged **ret_paged, floe_error *err);
/* Ends the watcher. Blocks that are left stay until they are freed. This thread no longer uses it. */
void floe_paged_close(floe_paged **paged);
/* From now on this thread's large blocks come from there; NULL: from the heap again. Errors of floe_alloc and floe_realloc then also:
 * IO, DENIED where the folder takes no file or the disk is full. */
void floe_paged_use(floe_paged *paged);
/* Looks at once, where this thread's blocks come from a file: for loops that go through them faster than the watcher looks. */
void floe_paged_ease(void);
/* The same for the i-th turn of a loop over rows, once in a while. */
static inline void floe_paged_ease_at(size_t i) {
    if ((i & (FLOE_PAGED_EVERY - 1)) == 0) {
        floe_paged_ease();
    }
}
/* How many bytes of blocks there are in the whole process. */
uint64_t floe_paged_bytes(void);

#endif
