/*
 * Deletion vectors made by hand for tests: the blob of any positions, with each kind of container. Nothing here uses
 * floe's own decoder, so that both cannot share a mistake.
 */
#ifndef FLOE_TESTS_OFFLINE_DV_SUPPORT_H
#define FLOE_TESTS_OFFLINE_DV_SUPPORT_H

#include "core/buf.h"

#include <stdbool.h>
#include <stdint.h>

/* Positions are ascending and without doubles. with_runs: containers become runs, else lists or bitmaps. */
void dv_encode(const uint64_t *positions, size_t count, bool with_runs, floe_buf *out);
/* Length, magic, the body and its checksum. */
void dv_frame(floe_str body, floe_buf *out);
/* CRC-32 as in zip, bit by bit. */
uint32_t dv_crc32(const void *bytes, size_t len);

#endif
