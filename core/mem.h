/*
 * The only door to the heap.
 *
 * Every allocation of floe's own goes through here, so that sizes are multiplied with an overflow check, a test can
 * make the n-th allocation fail, and lint can forbid raw malloc everywhere else. Memory idioms built on it: the arena
 * (core/arena.h) for request and batch data, and handles with init/reset or open/close for everything with a lifetime.
 */
#ifndef FLOE_CORE_MEM_H
#define FLOE_CORE_MEM_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

/* 1 under AddressSanitizer, where arenas and the scratch of the JSON reader give way to plain allocations, so that an
 * overrun is seen and the n-th allocation can fail everywhere. */
#if defined(__SANITIZE_ADDRESS__)
#define FLOE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FLOE_ASAN 1
#endif
#endif
#ifndef FLOE_ASAN
#define FLOE_ASAN 0
#endif

/* Allocates count * element_len zeroed bytes. Owns: the caller, until floe_free. Errors: NOMEM. A zero size gives a
 * unique pointer. */
floe_status floe_alloc(size_t count, size_t element_len, void *ret_memory, floe_error *err);

/* Resizes *memory (NULL at first) to count * element_len bytes; new bytes are not cleared. On failure *memory keeps
 * its old block. Errors: NOMEM. */
floe_status floe_realloc(void *memory, size_t count, size_t element_len, floe_error *err);

/* Wishes that memory which is read here and there lie on large pages, where it spans some: with small ones half of the time goes into
 * looking addresses up. Costs memory as a whole page is touched. */
void floe_mem_advise_huge(void *memory, size_t len);

/* From now on large blocks go back to the system when they are freed, which costs time: for a process that was told how much memory it
 * may take. Thread: any; it is a setting of the whole process. */
void floe_mem_return_early(void);
/* What of the process is in memory now, after what was freed has gone back; 0 where the system does not tell. Cost: milliseconds. */
uint64_t floe_mem_resident(void);

/* Copies len bytes and adds a NUL. Owns: the caller. Errors: NOMEM. */
floe_status floe_strndup(const char *text, size_t len, char **ret_copy, floe_error *err);
floe_status floe_strdup(const char *text, char **ret_copy, floe_error *err);

/* Frees; NULL is allowed. */
void floe_free(void *memory);

/* Test hook: the allocation numbered `nth` from now (1 = the next) and all after it on this thread fail until
 * floe_mem_fail_off. floe_mem_fail_count tells how many allocations were asked for since floe_mem_fail_at. */
void floe_mem_fail_at(uint64_t nth);
void floe_mem_fail_off(void);
uint64_t floe_mem_fail_count(void);

/* Cleanup attributes for locals: FLOE_AUTO_FREE char *copy = NULL; */
void floe_free_indirect(void *pointer_to_memory);
#define FLOE_AUTO_FREE __attribute__((cleanup(floe_free_indirect)))
#define FLOE_CLEANUP(function) __attribute__((cleanup(function)))

#endif
