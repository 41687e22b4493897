/*
 * Table metadata from any bytes, plain or gzip: it must be decoded or refused as damage, what is decoded must hold
 * together, and every way of choosing a snapshot must give one of the table's or say that there is none.
 */
#include "core/limits.h"
#include "offline/iceberg/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_type(const floe_ice_type *type, int depth) {
    FLOE_ASSERT(depth <= FLOE_LIMIT_JSON_DEPTH);
    FLOE_ASSERT(type->kind != FLOE_ICE_LIST || type->field_count == 1);
    FLOE_ASSERT(type->kind != FLOE_ICE_MAP || type->field_count == 2);
    FLOE_ASSERT(type->kind != FLOE_ICE_DECIMAL || (type->precision >= 1 && type->precision <= 38));
    FLOE_ASSERT(floe_ice_type_same(type, type));
    (void)floe_ice_type_to_floe(type);
    for (size_t i = 0; i < type->field_count; i++) {
        check_type(type->fields[i].type, depth + 1);
    }
}

static void check_schemas(const floe_ice_metadata *metadata) {
    FLOE_ASSERT(floe_ice_schema_by_id(metadata, metadata->current_schema_id) != NULL);
    for (size_t s = 0; s < metadata->schema_count; s++) {
        FLOE_AUTO_BUF text = {0};
        floe_buf_init(&text, FLOE_MIB(16));
        for (size_t i = 0; i < metadata->schemas[s].field_count; i++) {
            const floe_ice_field *field = &metadata->schemas[s].fields[i];
            check_type(field->type, 0);
            floe_ice_type_print(field->type, &text);
            FLOE_ASSERT(floe_ice_field_by_id(&metadata->schemas[s], field->id) == field); /* ids are unique */
        }
    }
}

static void check_choice(const floe_ice_metadata *metadata, floe_scan_request request) {
    const floe_ice_snapshot *snapshot = NULL;
    const floe_ice_schema *schema = NULL;
    floe_error err = {0};
    floe_status status = floe_snapshot_choose(metadata, &request, &snapshot, &schema, &err);
    FLOE_ASSERT(status.code == FLOE_CODE_OK || status.code == FLOE_NOT_FOUND || status.code == FLOE_CORRUPT);
    if (!floe_failed(status)) {
        FLOE_ASSERT(schema != NULL);
        FLOE_ASSERT(snapshot == NULL || floe_ice_snapshot_by_id(metadata, snapshot->snapshot_id) != NULL);
        FLOE_ASSERT(snapshot != NULL || request.at == FLOE_AT_CURRENT);
    }
}

static void check_choices(const floe_ice_metadata *metadata, floe_arena *arena) {
    static const int64_t TIMES[] = {INT64_MIN, -1, 0, 1700000000000000, INT64_MAX};
    check_choice(metadata, (floe_scan_request){.at = FLOE_AT_CURRENT});
    for (size_t i = 0; i < sizeof(TIMES) / sizeof(TIMES[0]); i++) {
        check_choice(metadata, (floe_scan_request){.at = FLOE_AT_TIME, .as_of_us = TIMES[i]});
        check_choice(metadata, (floe_scan_request){.at = FLOE_AT_ID, .snapshot_id = TIMES[i]});
    }
    for (size_t i = 0; i < metadata->ref_count && i < 16; i++) {
        const char *name = floe_arena_strndup(arena, metadata->refs[i].name.ptr, metadata->refs[i].name.len);
        FLOE_ASSERT(name != NULL);
        check_choice(metadata, (floe_scan_request){.at = FLOE_AT_REF, .ref = name});
    }
    check_choice(metadata, (floe_scan_request){.at = FLOE_AT_REF, .ref = "no such ref"});
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    FLOE_AUTO_ARENA arena = {0};
    floe_error err = {0};
    floe_ice_metadata metadata;
    floe_arena_init(&arena, FLOE_MIB(256));
    floe_status status = floe_metadata_decode((floe_str){(const char *)bytes, len}, &arena, &metadata, &err);
    FLOE_ASSERT(status.code == FLOE_CODE_OK || status.code == FLOE_CORRUPT || status.code == FLOE_UNSUPPORTED ||
                status.code == FLOE_LIMIT);
    if (floe_failed(status)) {
        FLOE_ASSERT(err.message[0] != 0);
        return 0;
    }
    check_schemas(&metadata);
    check_choices(&metadata, &arena);
    return 0;
}
