/*
 * Definitions and floe.yaml from any bytes. What loads and resolves must survive the way into the registry and back: its
 * canonical form decodes, and encodes to the same bytes with the same fingerprints.
 */
#include "core/limits.h"
#include "registry/encode_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static floe_status columns_of(void *context, floe_str table, floe_arena *arena, const floe_column **ret_columns,
                              size_t *ret_count, floe_error *err) {
    static const floe_column columns[] = {
        {FLOE_STR("date"), {.kind = FLOE_KIND_TIMESTAMP}},
        {FLOE_STR("known_at"), {.kind = FLOE_KIND_DATE}},
        {FLOE_STR("delay"), {.kind = FLOE_KIND_INT32}},
        {FLOE_STR("price"), {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
        {FLOE_STR("origin"), {.kind = FLOE_KIND_STRING}},
        {FLOE_STR("destination"), {.kind = FLOE_KIND_STRING}},
        {FLOE_STR("odd"), {.kind = FLOE_KIND_NONE}},
    };
    (void)context;
    (void)arena;
    FLOE_ENSURE(table.len % 7 != 0, err, FLOE_NOT_FOUND, "there is no table %.*s", FLOE_STR_BRIEF(table));
    *ret_columns = columns;
    *ret_count = sizeof columns / sizeof *columns;
    return FLOE_OK;
}

/* Fails loudly unless a refusal is one that a user can read. */
static bool refused(floe_status status, const floe_error *err) {
    if (floe_failed(status)) {
        FLOE_ASSERT(err->code != FLOE_INTERNAL && err->message[0] != '\0');
        FLOE_ASSERT(floe_str_is_utf8(floe_str_of(err->message)));
    }
    return floe_failed(status);
}

static void check_round_trip(const floe_definitions *definitions, floe_arena *arena) {
    floe_object_list first = {0};
    floe_object_list second = {0};
    floe_definitions *loaded = NULL;
    floe_error err = {0};
    if (refused(floe_encode_definitions(definitions, arena, &first, &err), &err)) {
        return;
    }
    FLOE_ASSERT(!floe_failed(floe_decode_objects(&first, arena, &loaded, &err)));
    FLOE_ASSERT(!floe_failed(floe_encode_definitions(loaded, arena, &second, &err)));
    FLOE_ASSERT(first.count == second.count);
    for (size_t i = 0; i < first.count; i++) {
        FLOE_ASSERT(floe_str_equal(first.items[i].body, second.items[i].body));
        FLOE_ASSERT(first.items[i].fingerprint == second.items[i].fingerprint);
    }
    const floe_change *changes = NULL;
    size_t count = 0;
    FLOE_ASSERT(!floe_failed(floe_diff_objects(&first, &second, arena, &changes, &count, &err)) && count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(128));
    floe_str text = {(const char *)data, size};
    floe_error err = {0};
    floe_project project = {.root = "/nowhere/at/all"};
    if (floe_str_starts_with(text, FLOE_STR("project"))) {
        (void)refused(floe_project_parse(text, &arena, &project, &err), &err);
        return 0;
    }
    floe_definitions *definitions = NULL;
    const floe_schema_resolver resolver = {.columns = columns_of};
    if (!refused(floe_definitions_parse(NULL, text, &arena, &definitions, &err), &err) &&
        !refused(floe_definitions_resolve(definitions, &resolver, &arena, &err), &err)) {
        check_round_trip(definitions, &arena);
    }
    return 0;
}
