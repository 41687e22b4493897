/*
 * Avro files from any bytes, decoded as a manifest list and as a manifest: they must be read or refused with a code that
 * means damage, and what is read must keep the promises of the model.
 */
#include "core/limits.h"
#include "offline/iceberg/manifest.h"
#include "offline/iceberg/prune.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const floe_ice_partition_field PARTS[] = {
    {.source_id = 1, .field_id = 1000, .name = {"p", 1}, .transform = FLOE_TRANSFORM_IDENTITY},
    {.source_id = 2, .field_id = 1001, .name = {"q", 1}, .transform = FLOE_TRANSFORM_MONTH}};
static const floe_ice_spec SPECS[] = {{.spec_id = 0, .fields = PARTS, .field_count = 2}};
static const floe_ice_metadata METADATA = {.specs = SPECS, .spec_count = 1};

/* Touches every byte that a text points to, so that a sanitizer sees a wrong one. */
static void touch(floe_str text) {
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < text.len; i++) {
        sum = (uint8_t)(sum + (uint8_t)text.ptr[i]);
    }
}

static void touch_bounds(const floe_ice_bytes_entry *entries, size_t count) {
    static const floe_ice_kind KINDS[] = {FLOE_ICE_BOOLEAN, FLOE_ICE_INT,  FLOE_ICE_LONG,      FLOE_ICE_FLOAT,
                                          FLOE_ICE_DOUBLE,  FLOE_ICE_DATE, FLOE_ICE_TIMESTAMP, FLOE_ICE_STRING};
    for (size_t i = 0; i < count; i++) {
        touch(entries[i].bytes);
        for (size_t k = 0; k < sizeof(KINDS) / sizeof(KINDS[0]); k++) {
            floe_ice_type type = {.kind = KINDS[k]};
            floe_value value;
            (void)floe_bound_decode(&type, entries[i].bytes, &value);
        }
        floe_ice_type decimal = {.kind = FLOE_ICE_DECIMAL, .precision = 38, .scale = 10};
        floe_value value;
        (void)floe_bound_decode(&decimal, entries[i].bytes, &value);
    }
}

static floe_status visit(void *context, const floe_ice_data_file *file, floe_error *err) {
    (void)context;
    (void)err;
    static const floe_ice_type SOURCES[] = {{.kind = FLOE_ICE_LONG}, {.kind = FLOE_ICE_TIMESTAMP}};
    FLOE_ASSERT(file->status >= 0 && file->status <= 2 && file->content >= 0 && file->content <= 2);
    FLOE_ASSERT(file->record_count >= 0 && file->file_len >= 0);
    FLOE_ASSERT(file->partition_count == 2);
    touch(file->path);
    touch(file->format);
    touch_bounds(file->lower_bounds, file->lower_count);
    touch_bounds(file->upper_bounds, file->upper_count);
    for (size_t i = 0; file->partition != NULL && i < file->partition_count; i++) {
        floe_kind kind = file->partition[i].type.kind;
        if (kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES) {
            touch(file->partition[i].is_null ? (floe_str){0} : file->partition[i].as.bytes);
        }
        if (!file->partition[i].is_null) {
            (void)floe_transform_range(&PARTS[i], &SOURCES[i], &file->partition[i], &file->partition[i]);
        }
    }
    return FLOE_OK;
}

static void check_code(floe_status status, const floe_error *err) {
    FLOE_ASSERT(status.code == FLOE_CODE_OK || status.code == FLOE_CORRUPT || status.code == FLOE_UNSUPPORTED ||
                status.code == FLOE_LIMIT);
    FLOE_ASSERT(!floe_failed(status) || err->message[0] != 0);
}

static void check_manifest(floe_str bytes) {
    FLOE_AUTO_ARENA arena = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(256));
    floe_ice_manifest listed = {.path = FLOE_STR("m"), .sequence_number = 5, .added_snapshot_id = 7};
    floe_manifest_reader reader = {.metadata = &METADATA, .stats = {.all = true}, .arena = &arena, .visit = visit};
    check_code(floe_manifest_decode(&listed, bytes, &reader, &err), &err);
}

static void check_list(floe_str bytes) {
    FLOE_AUTO_ARENA arena = {0};
    floe_error err = {0};
    const floe_ice_manifest *manifests = NULL;
    size_t count = 0;
    floe_arena_init(&arena, FLOE_MIB(256));
    floe_status status = floe_manifest_list_decode(FLOE_STR("l"), bytes, &arena, &manifests, &count, &err);
    check_code(status, &err);
    for (size_t i = 0; !floe_failed(status) && i < count; i++) {
        FLOE_ASSERT(manifests[i].content == 0 || manifests[i].content == 1);
        touch(manifests[i].path);
        for (size_t k = 0; k < manifests[i].partition_count; k++) {
            FLOE_ASSERT(manifests[i].partitions[k].contains_nan >= -1 && manifests[i].partitions[k].contains_nan <= 1);
            touch(manifests[i].partitions[k].lower);
            touch(manifests[i].partitions[k].upper);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    floe_str text = {(const char *)bytes, len};
    check_manifest(text);
    check_list(text);
    return 0;
}
