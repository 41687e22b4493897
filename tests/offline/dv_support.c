/* See dv_support.h. */
#include "tests/offline/dv_support.h"

#include "core/limits.h"

uint32_t dv_crc32(const void *bytes, size_t len) {
    const uint8_t *at = bytes;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= at[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc & 1) != 0 ? (crc >> 1) ^ UINT32_C(0xEDB88320) : crc >> 1;
        }
    }
    return ~crc;
}

static void put_big(floe_buf *out, uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        floe_buf_byte(out, (uint8_t)(value >> shift));
    }
}

void dv_frame(floe_str body, floe_buf *out) {
    FLOE_AUTO_BUF inner = {0};
    floe_buf_init(&inner, FLOE_MIB(64));
    floe_buf_append(&inner, "\xD1\xD3\x39\x64", 4);
    floe_buf_str(&inner, body);
    put_big(out, (uint32_t)inner.len);
    floe_buf_str(out, floe_buf_view(&inner));
    put_big(out, dv_crc32(inner.ptr, inner.len));
}

/* How many positions from `at` on share the bits above `shift`. */
static size_t group_len(const uint64_t *positions, size_t count, size_t at, int shift) {
    size_t end = at;
    while (end < count && positions[end] >> shift == positions[at] >> shift) {
        end++;
    }
    return end - at;
}

static void put_runs(const uint64_t *positions, size_t count, floe_buf *out) {
    FLOE_AUTO_BUF runs = {0};
    floe_buf_init(&runs, FLOE_MIB(1));
    uint16_t run_count = 0;
    for (size_t at = 0; at < count;) {
        size_t end = at + 1;
        while (end < count && positions[end] == positions[end - 1] + 1) {
            end++;
        }
        floe_buf_u16(&runs, (uint16_t)positions[at]);
        floe_buf_u16(&runs, (uint16_t)(end - at - 1));
        run_count++;
        at = end;
    }
    floe_buf_u16(out, run_count);
    floe_buf_str(out, floe_buf_view(&runs));
}

static void put_container(const uint64_t *positions, size_t count, bool with_runs, floe_buf *out) {
    if (with_runs) {
        put_runs(positions, count, out);
    } else if (count > 4096) {
        uint8_t bits[8192] = {0};
        for (size_t i = 0; i < count; i++) {
            uint16_t item = (uint16_t)positions[i];
            bits[item / 8] = (uint8_t)(bits[item / 8] | 1u << item % 8);
        }
        floe_buf_append(out, bits, sizeof(bits));
    } else {
        for (size_t i = 0; i < count; i++) {
            floe_buf_u16(out, (uint16_t)positions[i]);
        }
    }
}

static void put_bitmap(const uint64_t *positions, size_t count, bool with_runs, floe_buf *out) {
    FLOE_AUTO_BUF heads = {0};
    FLOE_AUTO_BUF bodies = {0};
    FLOE_AUTO_BUF offsets = {0};
    floe_buf_init(&heads, FLOE_MIB(1));
    floe_buf_init(&bodies, FLOE_MIB(64));
    floe_buf_init(&offsets, FLOE_MIB(1));
    uint32_t containers = 0;
    for (size_t at = 0; at < count; containers++) {
        size_t len = group_len(positions, count, at, 16);
        floe_buf_u16(&heads, (uint16_t)(positions[at] >> 16));
        floe_buf_u16(&heads, (uint16_t)(len - 1));
        floe_buf_u32(&offsets, (uint32_t)bodies.len); /* readers go on from container to container */
        put_container(positions + at, len, with_runs, &bodies);
        at += len;
    }
    if (with_runs) {
        floe_buf_u32(out, 12347u | (containers - 1) << 16);
        for (uint32_t i = 0; i < (containers + 7) / 8; i++) {
            floe_buf_byte(out, 0xFF);
        }
    } else {
        floe_buf_u32(out, 12346);
        floe_buf_u32(out, containers);
    }
    floe_buf_str(out, floe_buf_view(&heads));
    if (!with_runs || containers >= 4) {
        floe_buf_str(out, floe_buf_view(&offsets));
    }
    floe_buf_str(out, floe_buf_view(&bodies));
}

void dv_encode(const uint64_t *positions, size_t count, bool with_runs, floe_buf *out) {
    FLOE_AUTO_BUF maps = {0};
    FLOE_AUTO_BUF body = {0};
    floe_buf_init(&maps, FLOE_MIB(64));
    floe_buf_init(&body, FLOE_MIB(64));
    uint64_t map_count = 0;
    for (size_t at = 0; at < count; map_count++) {
        size_t len = group_len(positions, count, at, 32);
        floe_buf_u32(&maps, (uint32_t)(positions[at] >> 32));
        put_bitmap(positions + at, len, with_runs, &maps);
        at += len;
    }
    floe_buf_u64(&body, map_count);
    floe_buf_str(&body, floe_buf_view(&maps));
    dv_frame(floe_buf_view(&body), out);
}
