/*
 * Compression that Avro blocks and metadata files use, each library behind one file: zlib in inflate.c, snappy in
 * snappy.c; zstandard is core/zstd.h. All append to a buffer whose cap is checked while decoding, whatever a header
 * claims. Thread: any.
 */
#ifndef FLOE_OFFLINE_ICEBERG_CODEC_H
#define FLOE_OFFLINE_ICEBERG_CODEC_H

#include "core/buf.h"
#include "core/error.h"
#include "core/str.h"

/* A raw deflate stream (RFC 1951), as Avro's "deflate". Errors: CORRUPT; LIMIT past out's cap; NOMEM. */
floe_status floe_inflate_raw(floe_str bytes, floe_buf *out, floe_error *err);
/* One or several gzip members (RFC 1952). Errors: as above. */
floe_status floe_inflate_gzip(floe_str bytes, floe_buf *out, floe_error *err);
/* The way back, for the writer: level 1…9. */
floe_status floe_deflate_raw(floe_str bytes, int level, floe_buf *out, floe_error *err);
floe_status floe_deflate_gzip(floe_str bytes, int level, floe_buf *out, floe_error *err);

/* A raw snappy block without framing. Errors: as above. */
floe_status floe_snappy_decompress(floe_str bytes, floe_buf *out, floe_error *err);

/* The CRC-32 of zlib and of Avro's snappy blocks. */
uint32_t floe_crc32(floe_str bytes);

#endif
