/*
 * The id of an import's schema: a table keeps one id for what reads the same.
 */
#include "offline/import/import_int.h"

#include "core/json.h"
#include "core/limits.h"

static floe_status schema_text(const floe_ice_schema *schema, floe_buf *out, floe_error *err) {
    floe_ice_schema numbered = *schema;
    numbered.schema_id = 0;
    floe_json_writer json = floe_json_writer_of(out);
    floe_ice_write_schema_json(&json, &numbered);
    return floe_buf_check(out, err);
}

/* Two schemas are one when they read the same as JSON under one id. */
static floe_status same_schema(const floe_ice_schema *a, const floe_ice_schema *b, bool *ret_same, floe_error *err) {
    FLOE_AUTO_BUF text_a;
    FLOE_AUTO_BUF text_b;
    floe_buf_init(&text_a, FLOE_LIMIT_METADATA_BYTES);
    floe_buf_init(&text_b, FLOE_LIMIT_METADATA_BYTES);
    FLOE_TRY(schema_text(a, &text_a, err));
    FLOE_TRY(schema_text(b, &text_b, err));
    *ret_same = floe_str_equal(floe_buf_view(&text_a), floe_buf_view(&text_b));
    return FLOE_OK;
}

/* The id of the table's schema that is this one, else the next free id. */
floe_status floe_import_number_schema(floe_import *import, floe_error *err) {
    const floe_ice_metadata *metadata = &import->table->metadata;
    int32_t next = 0;
    for (size_t i = 0; i < metadata->schema_count; i++) {
        bool same = false;
        FLOE_TRY(same_schema(&metadata->schemas[i], &import->schema, &same, err));
        if (same) {
            import->schema.schema_id = metadata->schemas[i].schema_id;
            return FLOE_OK;
        }
        next = metadata->schemas[i].schema_id >= next ? metadata->schemas[i].schema_id + 1 : next;
    }
    import->schema.schema_id = next;
    return FLOE_OK;
}
