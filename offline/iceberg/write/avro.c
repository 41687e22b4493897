/*
 * The Avro encoder. Everything is written in one block, so the sync marker separates nothing; it is a hash of the records,
 * which keeps files of equal content equal.
 */
#include "offline/iceberg/write/avro.h"

#include "core/hash.h"
#include "core/limits.h"
#include "offline/iceberg/codec.h"

#include <string.h>

#define DEFLATE_LEVEL 6
#define SYNC_LEN 16

void floe_avro_put_long(floe_buf *out, int64_t value) {
    floe_buf_zigzag(out, value);
}

void floe_avro_put_bool(floe_buf *out, bool value) {
    floe_buf_byte(out, value);
}

void floe_avro_put_bytes(floe_buf *out, floe_str bytes) {
    floe_buf_zigzag(out, (int64_t)bytes.len);
    floe_buf_str(out, bytes);
}

void floe_avro_put_present(floe_buf *out, bool present) {
    floe_buf_zigzag(out, present);
}

void floe_avro_begin_items(floe_buf *out, size_t count) {
    if (count > 0) {
        floe_buf_zigzag(out, (int64_t)count);
    }
}

void floe_avro_end_items(floe_buf *out, size_t count) {
    (void)count;
    floe_buf_zigzag(out, 0);
}

uint32_t floe_avro_decimal_len(uint8_t precision) {
    __int128 largest = 1;
    for (unsigned i = 0; i < precision; i++) {
        largest *= 10;
    }
    largest -= 1;
    uint32_t len = 1;
    while (len < 16 && (largest >> (8 * len - 1)) != 0) {
        len++;
    }
    return len;
}

static void put_decimal(floe_buf *out, const floe_value *value) {
    uint32_t len = floe_avro_decimal_len(value->type.precision);
    for (uint32_t i = len; i > 0; i--) {
        floe_buf_byte(out, (uint8_t)(value->as.decimal >> (8 * (i - 1))));
    }
}

static void put_float(floe_buf *out, double real) {
    float narrow = (float)real;
    uint32_t bits = 0;
    memcpy(&bits, &narrow, sizeof bits);
    floe_buf_u32(out, bits);
}

floe_status floe_avro_put_value(floe_buf *out, const floe_value *value, floe_error *err) {
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        floe_avro_put_bool(out, value->as.boolean);
        break;
    case FLOE_KIND_INT32:
    case FLOE_KIND_INT64:
    case FLOE_KIND_DATE:
    case FLOE_KIND_TIMESTAMP:
        floe_avro_put_long(out, value->as.integer);
        break;
    case FLOE_KIND_FLOAT:
        put_float(out, value->as.real);
        break;
    case FLOE_KIND_DOUBLE:
        floe_buf_f64(out, value->as.real);
        break;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        floe_avro_put_bytes(out, value->as.bytes);
        break;
    case FLOE_KIND_DECIMAL:
        put_decimal(out, value);
        break;
    case FLOE_KIND_NONE:
    case FLOE_KIND_LIST:
    default:
        return FLOE_FAIL(err, FLOE_INTERNAL, "no Avro form for a value of kind %d", (int)value->type.kind);
    }
    return FLOE_OK;
}

static void put_header_item(floe_buf *out, const char *key, floe_str value) {
    floe_avro_put_bytes(out, floe_str_of(key));
    floe_avro_put_bytes(out, value);
}

static void put_header(floe_buf *out, const floe_avro_document *document, const uint8_t sync[SYNC_LEN]) {
    floe_buf_append(out, "Obj\x01", 4);
    floe_avro_begin_items(out, document->header_count + 2);
    put_header_item(out, "avro.schema", document->schema);
    put_header_item(out, "avro.codec", FLOE_STR("deflate"));
    for (size_t i = 0; i < document->header_count; i++) {
        put_header_item(out, document->header[i].key, document->header[i].value);
    }
    floe_avro_end_items(out, document->header_count + 2);
    floe_buf_append(out, sync, SYNC_LEN);
}

floe_status floe_avro_write(const floe_avro_document *document, floe_buf *out, floe_error *err) {
    floe_sha256 hash;
    uint8_t digest[32];
    floe_sha256_init(&hash);
    floe_sha256_update(&hash, document->schema.ptr, document->schema.len);
    floe_sha256_update(&hash, document->records.ptr, document->records.len);
    floe_sha256_final(&hash, digest);
    put_header(out, document, digest);
    if (document->record_count > 0) {
        FLOE_AUTO_BUF block;
        floe_buf_init(&block, FLOE_LIMIT_MANIFEST_BYTES);
        FLOE_TRY(floe_deflate_raw(document->records, DEFLATE_LEVEL, &block, err));
        floe_avro_put_long(out, (int64_t)document->record_count);
        floe_avro_put_bytes(out, floe_buf_view(&block));
        floe_buf_append(out, digest, SYNC_LEN);
    }
    return floe_buf_check(out, err);
}
