/* What the heap asks of blocks in a file (core/paged.h). */
#ifndef FLOE_CORE_MEM_INT_H
#define FLOE_CORE_MEM_INT_H

#include "core/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether this thread wants a block of that length in a file. */
bool floe_paged_wants(size_t len);
/* A zeroed block. Errors: IO, DENIED, NOMEM. */
floe_status floe_paged_alloc(size_t len, void **ret_memory, floe_error *err);
/* Whether memory is such a block; *ret_len: how long. Cost: of anything else a few instructions. */
bool floe_paged_has(const void *memory, size_t *ret_len);
/* Gives a block another length, at another address perhaps; what it held stays. On failure it is as it was. */
floe_status floe_paged_resize(void **memory, size_t len, floe_error *err);
/* False: it is no such block. */
bool floe_paged_free(void *memory);

#endif
