/* The body of POST /v1/lookup: whatever the bytes are, they are refused with words, or read so that each key has a value of
 * its type for each entity. */
#include "api/body_int.h"
#include "core/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static const floe_column keys[] = {
    {FLOE_STR("id"), {.kind = FLOE_KIND_INT64}},
    {FLOE_STR("name"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("raw"), {.kind = FLOE_KIND_BYTES}},
    {FLOE_STR("day"), {.kind = FLOE_KIND_DATE}},
    {FLOE_STR("price"), {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 9}},
    {FLOE_STR("flag"), {.kind = FLOE_KIND_BOOL}},
    {FLOE_STR("small"), {.kind = FLOE_KIND_INT32}},
    {FLOE_STR("at"), {.kind = FLOE_KIND_TIMESTAMP}},
};

static void check_keys(const floe_lookup_body *body, size_t first, size_t count, floe_arena *arena) {
    const floe_value *const *values = NULL;
    floe_error err = {0};
    if (floe_failed(floe_lookup_body_keys(body, keys + first, count, arena, &values, &err))) {
        FLOE_ASSERT(err.message[0] != '\0');
        return;
    }
    for (size_t k = 0; k < count; k++) {
        for (size_t e = 0; e < body->entity_count; e++) {
            FLOE_ASSERT(floe_type_equal(values[k][e].type, keys[first + k].type));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    FLOE_AUTO_ARENA arena;
    floe_lookup_body body;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_status status = floe_lookup_body_parse((floe_str){(const char *)data, data_len}, &arena, &body, &err);
    if (floe_failed(status)) {
        FLOE_ASSERT(err.code == status.code && err.message[0] != '\0');
        FLOE_ASSERT(err.code == FLOE_INVALID || err.code == FLOE_LIMIT || err.code == FLOE_UNSUPPORTED);
        return 0;
    }
    FLOE_ASSERT((body.service.ptr == NULL) != (body.features == NULL));
    FLOE_ASSERT(body.entity_count <= FLOE_LIMIT_LOOKUP_ENTITIES);
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
        check_keys(&body, k, 1, &arena);
    }
    check_keys(&body, 0, sizeof(keys) / sizeof(keys[0]), &arena);
    return 0;
}
