/*
 * Import lines, as `floe index --import` reads them. What is accepted must survive being written as a unit and read back,
 * and make documents; what is refused must say where.
 */
#include "core/limits.h"
#include "vector/unit_int.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static floe_status take_unit(void *context, const floe_unit *unit, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF body;
    FLOE_AUTO_BUF again;
    const floe_document *documents = NULL;
    size_t count = 0;
    floe_unit back = {.kind = unit->kind, .origin = unit->origin, .space = unit->space, .name = unit->name};
    (void)context;
    floe_arena_init(&arena, FLOE_MIB(256));
    floe_buf_init(&body, FLOE_UNIT_BYTES_MAX);
    floe_buf_init(&again, FLOE_UNIT_BYTES_MAX);
    floe_unit_encode(unit, &body);
    FLOE_TRY(floe_buf_check(&body, err));
    FLOE_TRY(floe_unit_decode(floe_buf_view(&body), &arena, &back, err));
    floe_unit_encode(&back, &again);
    FLOE_ASSERT(floe_str_equal(floe_buf_view(&body), floe_buf_view(&again)));
    FLOE_TRY(floe_unit_documents(&back, &arena, &documents, &count, err));
    FLOE_ASSERT(count == unit->part_count + 1);
    return FLOE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    floe_import_sink sink = {.unit = take_unit};
    floe_error err = {0};
    floe_str text = {(const char *)data, data_len};
    if (floe_failed(floe_import_read(text, "fuzz.jsonl", &sink, &err))) {
        FLOE_ASSERT(err.code != FLOE_INTERNAL && err.code != FLOE_CORRUPT);
        FLOE_ASSERT(floe_str_starts_with(floe_str_of(err.message), FLOE_STR("fuzz.jsonl:")));
    }
    /* The bytes as a stored unit too: an error or a unit, never a crash. */
    FLOE_AUTO_ARENA arena;
    floe_unit unit = {0};
    floe_arena_init(&arena, FLOE_MIB(256));
    FLOE_IGNORE(floe_unit_decode(text, &arena, &unit, NULL));
    return 0;
}
