/* zstd frames, through libzstd (zstd.c, the one file that includes it). Thread: any. */
#ifndef FLOE_CORE_ZSTD_H
#define FLOE_CORE_ZSTD_H

#include "core/buf.h"
#include "core/error.h"

/* Appends one frame that holds `bytes`. level 1…19. */
floe_status floe_zstd_compress(floe_str bytes, int level, floe_buf *out, floe_error *err);
/* Appends the content of the frames in `bytes`. Errors: CORRUPT; LIMIT when out's cap would be passed (checked while
 * decoding, whatever the frame header claims). */
floe_status floe_zstd_decompress(floe_str bytes, floe_buf *out, floe_error *err);

#endif
