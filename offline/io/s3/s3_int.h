/*
 * Private to the S3 client: the pages of a listing.
 */
#ifndef FLOE_OFFLINE_IO_S3_INT_H
#define FLOE_OFFLINE_IO_S3_INT_H

#include "offline/io/s3/s3.h"

/* One page of a listing. */
typedef struct floe_s3_page {
    floe_s3_listed *items; /* objects and common prefixes, their names decoded */
    size_t count, capacity;
    floe_str token; /* for the next page; empty: this was the last */
} floe_s3_page;

/* Reads the answer of ListObjectsV2, asked for with encoding-type=url. Owns: the arena. Errors: CORRUPT, LIMIT. */
floe_status floe_s3_page_read(floe_str xml, floe_arena *arena, floe_s3_page *ret_page, floe_error *err);

#endif
