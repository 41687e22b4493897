/*
 * A growing byte buffer that is born with a maximum. Appends after a failure do nothing (sticky flag), so that a writer
 * may check once at the end with floe_buf_check. The bytes are always followed by a NUL that is not counted.
 * Thread: one at a time.
 */
#ifndef FLOE_CORE_BUF_H
#define FLOE_CORE_BUF_H

#include "core/error.h"
#include "core/str.h"

#include <stddef.h>
#include <stdint.h>

typedef struct floe_buf {
    char *ptr;
    size_t len;
    size_t capacity;
    size_t cap;  /* most bytes it may hold */
    bool failed; /* sticky */
    bool out_of_cap;
} floe_buf;

void floe_buf_init(floe_buf *buf, size_t cap);
void floe_buf_close(floe_buf *buf); /* frees; safe on a zeroed buffer, and twice */
void floe_buf_clear(floe_buf *buf); /* empties, keeps memory, clears the flag */

void floe_buf_append(floe_buf *buf, const void *bytes, size_t len);
void floe_buf_str(floe_buf *buf, floe_str text);
void floe_buf_text(floe_buf *buf, const char *text);
void floe_buf_byte(floe_buf *buf, uint8_t byte);
void floe_buf_printf(floe_buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Little-endian fixed-width integers, IEEE doubles, and LEB128 varints (zigzag for signed). */
void floe_buf_u16(floe_buf *buf, uint16_t value);
void floe_buf_u32(floe_buf *buf, uint32_t value);
void floe_buf_u64(floe_buf *buf, uint64_t value);
void floe_buf_f64(floe_buf *buf, double value);
void floe_buf_varint(floe_buf *buf, uint64_t value);
void floe_buf_zigzag(floe_buf *buf, int64_t value);

/* Decimal digits, without the cost of printf. */
void floe_buf_int(floe_buf *buf, int64_t value);
/* The shortest decimal text that reads back as the same number, always with a point or an exponent ("3.0", "1e+20");
 * NaN, Infinity, -Infinity. The second is for a double that holds a float: the shortest that reads back as the float. */
void floe_buf_real(floe_buf *buf, double value);
void floe_buf_real32(floe_buf *buf, double value);

/* Makes room for `len` more bytes and returns where they go, or NULL; floe_buf_advance then counts them. */
char *floe_buf_reserve(floe_buf *buf, size_t len);
void floe_buf_advance(floe_buf *buf, size_t len);

floe_status floe_buf_check(const floe_buf *buf, floe_error *err);

static inline floe_str floe_buf_view(const floe_buf *buf) {
    return (floe_str){buf->ptr ? buf->ptr : "", buf->len};
}

#define FLOE_AUTO_BUF __attribute__((cleanup(floe_buf_close))) floe_buf

/* A bounded reader over borrowed bytes. A read past the end fails with CORRUPT and names `what`. */
typedef struct floe_reader {
    const uint8_t *ptr;
    size_t len;
    size_t at; /* offset of the next byte */
} floe_reader;

static inline floe_reader floe_reader_of(const void *bytes, size_t len) {
    return (floe_reader){bytes, len, 0};
}
static inline size_t floe_reader_left(const floe_reader *reader) {
    return reader->len - reader->at;
}

floe_status floe_read_bytes(floe_reader *reader, size_t len, const uint8_t **ret_bytes, const char *what,
                            floe_error *err);
floe_status floe_read_u8(floe_reader *reader, uint8_t *ret_value, const char *what, floe_error *err);
floe_status floe_read_u16(floe_reader *reader, uint16_t *ret_value, const char *what, floe_error *err);
floe_status floe_read_u32(floe_reader *reader, uint32_t *ret_value, const char *what, floe_error *err);
floe_status floe_read_u64(floe_reader *reader, uint64_t *ret_value, const char *what, floe_error *err);
floe_status floe_read_f64(floe_reader *reader, double *ret_value, const char *what, floe_error *err);
floe_status floe_read_varint(floe_reader *reader, uint64_t *ret_value, const char *what, floe_error *err);
floe_status floe_read_zigzag(floe_reader *reader, int64_t *ret_value, const char *what, floe_error *err);

#endif
