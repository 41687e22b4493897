/*
 * One attempt at a commit: the manifests that it writes, and the schema that a partition spec of the table reads by.
 */
#include "offline/import/commit_int.h"

#include "core/file.h"
#include "core/limits.h"

floe_status floe_attempt_write(floe_attempt *attempt, floe_str path, floe_str bytes, floe_error *err) {
    const char *local = NULL;
    FLOE_TRY(floe_import_local(attempt->import, path, &local, err));
    floe_import_will_write(attempt->import, local);
    FLOE_TRY(floe_arena_check(attempt->import->arena, err));
    FLOE_TRY(floe_file_mkdirs_of(local, err));
    return floe_file_write(local, bytes, true, err);
}

floe_status floe_attempt_write_manifest(floe_attempt *attempt, floe_ice_manifest_content *content, floe_error *err) {
    FLOE_AUTO_BUF bytes;
    floe_ice_manifest manifest;
    floe_buf_init(&bytes, FLOE_LIMIT_MANIFEST_BYTES);
    content->format_version = attempt->format_version;
    content->snapshot_id = attempt->snapshot_id;
    FLOE_TRY(floe_ice_write_manifest(content, &bytes, err));
    FLOE_TRY(floe_ice_manifest_describe(content, attempt->sequence_number, attempt->arena, &manifest, err));
    manifest.path = floe_str_of(floe_arena_printf(attempt->arena, "%.*s/metadata/%s-%d-m%zu.avro",
                                                  FLOE_STR_ARG(attempt->import->location), attempt->import->uuid,
                                                  attempt->number, attempt->manifests_written++));
    manifest.length = (int64_t)bytes.len;
    FLOE_TRY(floe_arena_check(attempt->arena, err));
    FLOE_TRY(floe_attempt_write(attempt, manifest.path, floe_buf_view(&bytes), err));
    floe_ice_manifest *slot =
        FLOE_ARENA_PUSH(attempt->arena, attempt->manifests, attempt->manifest_count, attempt->manifest_capacity);
    FLOE_TRY(floe_arena_check(attempt->arena, err));
    *slot = manifest;
    return FLOE_OK;
}

const floe_ice_schema *floe_attempt_schema_for(const floe_attempt *attempt, const floe_ice_spec *spec) {
    const floe_ice_metadata *metadata = attempt->base;
    for (size_t s = metadata->schema_count; s > 0; s--) {
        const floe_ice_schema *schema = &metadata->schemas[s - 1];
        size_t found = 0;
        for (size_t i = 0; i < spec->field_count; i++) {
            found += floe_ice_field_by_id(schema, spec->fields[i].source_id) != NULL;
        }
        if (found == spec->field_count) {
            return schema;
        }
    }
    return NULL;
}
