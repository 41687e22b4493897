/*
 * Avro object container files, the writing half: one block, deflate. Values are appended to a buffer by the calls below,
 * in the order of the schema; the container is put around them at the end.
 * Source: Apache Avro 1.11 specification, "Data Serialization and Deserialization", "Object Container Files".
 */
#ifndef FLOE_OFFLINE_ICEBERG_WRITE_AVRO_H
#define FLOE_OFFLINE_ICEBERG_WRITE_AVRO_H

#include "core/buf.h"
#include "core/value.h"

/* int and long are one encoding. */
void floe_avro_put_long(floe_buf *out, int64_t value);
void floe_avro_put_bool(floe_buf *out, bool value);
void floe_avro_put_bytes(floe_buf *out, floe_str bytes); /* string as well */
/* The branch of a union ["null", X]; the value follows when it is present. */
void floe_avro_put_present(floe_buf *out, bool present);
/* An array's (or map's) block of `count` items follows; with count 0 there is none. floe_avro_end_items ends it. */
void floe_avro_begin_items(floe_buf *out, size_t count);
void floe_avro_end_items(floe_buf *out, size_t count);
/* A value that is not null, by its floe type: decimals as fixed of as many bytes as their precision needs. */
floe_status floe_avro_put_value(floe_buf *out, const floe_value *value, floe_error *err);
/* Bytes of the fixed that holds an unscaled value of so many digits. */
uint32_t floe_avro_decimal_len(uint8_t precision);

typedef struct floe_avro_header_item {
    const char *key;
    floe_str value;
} floe_avro_header_item;

typedef struct floe_avro_document {
    const floe_avro_header_item *header; /* the schema and the codec are added */
    size_t header_count;
    floe_str schema;
    floe_str records; /* encoded */
    size_t record_count;
} floe_avro_document;

floe_status floe_avro_write(const floe_avro_document *document, floe_buf *out, floe_error *err);

#endif
