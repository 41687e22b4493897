/* A block of zeroed memory that begins at a multiple of 64 bytes, for vectors (block.c). */
#ifndef FLOE_VECTOR_ANN_BLOCK_INT_H
#define FLOE_VECTOR_ANN_BLOCK_INT_H

#include "core/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct floe_block {
    void *memory; /* what is freed; NULL: none */
    char *begin;
    size_t len;
} floe_block;

/* Errors: NOMEM. */
floe_status floe_block_open(size_t len, floe_block *ret_block, floe_error *err);
/* Safe on a zeroed block, and twice. */
void floe_block_close(floe_block *block);
/* Gives the memory from this byte to the end back to the system; nobody reads it any more. */
void floe_block_forget(floe_block *block, size_t from);

#endif
