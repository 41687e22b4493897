/*
 * Snapshot ids that a writer printed without their sign.
 *
 * Rule: of a member whose name ends in "snapshot-id" a number from 2^63 up to 2^64 - 1 stands for the 64-bit id with the same bits,
 *       which is negative; nothing else is touched. Manifests hold such an id as that, so that both say the same.
 * Source: Iceberg table spec, "Snapshots": the id is a long. Readers that take JSON numbers as unsigned ones read these tables.
 */
#include "offline/iceberg/metadata.h"

#include <inttypes.h>

/* Whether what ends before `at` is a member's name that ends in snapshot-id, and its colon. */
static bool is_snapshot_id(floe_str text, size_t at) {
    static const char NAME[] = "snapshot-id\"";
    size_t len = sizeof(NAME) - 1;
    bool colon = false;
    while (at > 0 && (text.ptr[at - 1] == ' ' || text.ptr[at - 1] == '\t' || text.ptr[at - 1] == '\n' ||
                      text.ptr[at - 1] == '\r' || (text.ptr[at - 1] == ':' && !colon))) {
        colon = colon || text.ptr[at - 1] == ':';
        at--;
    }
    return colon && at >= len && memcmp(text.ptr + at - len, NAME, len) == 0;
}

static size_t digits_at(floe_str text, size_t at) {
    size_t end = at;
    while (end < text.len && text.ptr[end] >= '0' && text.ptr[end] <= '9') {
        end++;
    }
    return end - at;
}

static bool is_whole(floe_str text, size_t end) {
    return end >= text.len || (text.ptr[end] != '.' && text.ptr[end] != 'e' && text.ptr[end] != 'E');
}

/* The number of `len` digits; false where it is no number from 2^63 up to 2^64 - 1. */
static bool beyond_signed(const char *digits, size_t len, uint64_t *ret_value) {
    uint64_t value = 0;
    bool overflow = false;
    for (size_t i = 0; i < len; i++) {
        overflow = overflow || __builtin_mul_overflow(value, UINT64_C(10), &value) ||
                   __builtin_add_overflow(value, (uint64_t)(digits[i] - '0'), &value);
    }
    *ret_value = value;
    return !overflow && value > INT64_MAX;
}

/* The end of a text that begins at `at` with its quote. */
static size_t skip_text(floe_str text, size_t at) {
    at++;
    while (at < text.len && text.ptr[at] != '"') {
        at += text.ptr[at] == '\\' ? 2 : 1;
    }
    return at < text.len ? at + 1 : text.len;
}

bool floe_metadata_sign_ids(floe_str text, floe_buf *out) {
    size_t copied = 0;
    bool found = false;
    for (size_t at = 0; at < text.len;) {
        size_t digits = digits_at(text, at);
        uint64_t value = 0;
        if (text.ptr[at] == '"') {
            at = skip_text(text, at);
        } else if (digits == 0) {
            at++;
        } else {
            if (is_snapshot_id(text, at) && is_whole(text, at + digits) &&
                beyond_signed(text.ptr + at, digits, &value)) {
                floe_buf_append(out, text.ptr + copied, at - copied);
                floe_buf_printf(out, "%" PRId64, (int64_t)value);
                copied = at + digits;
                found = true;
            }
            at += digits;
        }
    }
    floe_buf_append(out, text.ptr + copied, text.len - copied);
    return found;
}
