#include "tests/proto/proto_test.h"

#include "core/file.h"
#include "core/time.h"

floe_error proto_error;

static int nibble(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static floe_str decode_hex(floe_arena *arena, floe_str hex) {
    char *bytes = floe_arena_alloc(arena, hex.len / 2 + 1, 1);
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        bytes[i / 2] = (char)(nibble(hex.ptr[i]) * 16 + nibble(hex.ptr[i + 1]));
    }
    return (floe_str){bytes, hex.len / 2};
}

floe_str golden(floe_arena *arena, const char *file, const char *name) {
    const char *root = getenv("FLOE_ROOT");
    const char *path = floe_arena_printf(arena, "%s/tests/proto/golden/%s.hex", root != NULL ? root : ".", file);
    FLOE_AUTO_BUF content;
    floe_buf_init(&content, FLOE_MIB(1));
    assert_ok(floe_file_read(path, &content, &proto_error));
    floe_str rest = floe_buf_view(&content);
    floe_str line;
    while (floe_str_split(&rest, '\n', &line)) {
        floe_str label;
        if (floe_str_split(&line, ' ', &label) && floe_str_is(label, name)) {
            return decode_hex(arena, line);
        }
    }
    fail_msg("%s has no entry %s", path, name);
    return (floe_str){NULL, 0};
}

void assert_bytes(floe_str have, floe_str want) {
    assert_int_equal(have.len, want.len);
    assert_memory_equal(have.ptr, want.ptr, want.len);
}

floe_type kind_type(floe_kind kind) {
    return (floe_type){.kind = kind};
}

floe_value text(const char *string) {
    return floe_value_string(floe_str_of(string));
}

floe_value bytes_of(const void *bytes, size_t len) {
    return (floe_value){.type = {.kind = FLOE_KIND_BYTES}, .as.bytes = {bytes, len}};
}

floe_value integer(floe_kind kind, int64_t value) {
    return (floe_value){.type = {.kind = kind}, .as.integer = value};
}

floe_value real(floe_kind kind, double value) {
    return (floe_value){.type = {.kind = kind}, .as.real = value};
}

floe_value boolean(bool value) {
    return (floe_value){.type = {.kind = FLOE_KIND_BOOL}, .as.boolean = value};
}

floe_value decimal(__int128 unscaled, uint8_t precision, uint8_t scale) {
    return (floe_value){.type = {.kind = FLOE_KIND_DECIMAL, .precision = precision, .scale = scale},
                        .as.decimal = unscaled};
}

uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

uint32_t first_seed(void) {
    const char *given = getenv("FLOE_TEST_SEED");
    uint32_t seed = given != NULL ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)floe_monotonic_us();
    print_message("seed %u\n", seed);
    return seed;
}
