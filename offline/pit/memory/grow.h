/*
 * Keys, labels and rows are numbered from 0 in 32 bits, and arrays of them grow within that.
 */
#ifndef FLOE_OFFLINE_PIT_MEMORY_GROW_H
#define FLOE_OFFLINE_PIT_MEMORY_GROW_H

#include "core/error.h"

#define PIT_NO_KEY UINT32_MAX
#define PIT_NO_ROW UINT32_MAX
#define PIT_ROW_MAX (UINT32_MAX - 1)

/* Grows *items (of element_len bytes) so that `need` fit; `room` is the capacity. Errors: LIMIT for more than
 * PIT_ROW_MAX, NOMEM. */
floe_status floe_pit_grow(void *items, size_t room, size_t need, size_t element_len, floe_error *err);

#endif
