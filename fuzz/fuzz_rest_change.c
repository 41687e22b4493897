/*
 * Two metadata documents with a newline between: what a catalog's answer and a writer could hold. The difference is JSON, or
 * refused; the same document twice changes nothing.
 */
#include "core/limits.h"
#include "offline/catalog/rest_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_difference(const floe_node *base, const floe_node *next, floe_arena *arena) {
    FLOE_AUTO_BUF out = {0};
    floe_error err = {0};
    const floe_node *again = NULL;
    floe_buf_init(&out, FLOE_MIB(64));
    floe_json_writer writer = floe_json_writer_of(&out);
    floe_json_object_begin(&writer);
    floe_status status = floe_rest_change(base, next, &writer, &err);
    FLOE_ASSERT(!floe_failed(status) || status.code == FLOE_UNSUPPORTED);
    if (floe_failed(status)) {
        return;
    }
    floe_json_object_end(&writer);
    if (!out.failed) {
        status = floe_json_parse(arena, floe_buf_view(&out), &again, &err);
        FLOE_ASSERT(!floe_failed(status) || status.code == FLOE_LIMIT || status.code == FLOE_INVALID);
        FLOE_ASSERT(floe_failed(status) || again->count == 2);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    FLOE_AUTO_ARENA arena = {0};
    floe_error err = {0};
    const floe_node *base = NULL;
    const floe_node *next = NULL;
    floe_str rest = {(const char *)bytes, len};
    floe_str first = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    if (!floe_str_split(&rest, '\n', &first) || floe_failed(floe_json_parse(&arena, first, &base, &err)) ||
        floe_failed(floe_json_parse(&arena, rest, &next, &err))) {
        return 0;
    }
    check_difference(base, next, &arena);
    check_difference(NULL, next, &arena);
    return 0;
}
