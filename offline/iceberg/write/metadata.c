/*
 * The metadata document of a table's next state.
 *
 * Written from the parts that a commit changes; every other member of the former document (statistics, sort orders,
 * former schemas, properties of other engines) is carried over as it stands, known to floe or not. The history keeps the
 * last 100 metadata files, as other writers do.
 * Source: Iceberg table spec, "Table Metadata Fields", Appendix C.
 */
#include "offline/iceberg/write/write.h"

#include "core/limits.h"

#include <inttypes.h>
#include <stdio.h>

#define METADATA_LOG_MAX 100

typedef struct metadata_writer {
    floe_json_writer json;
    floe_buf *out;
    const floe_ice_commit *commit;
    const floe_node *root; /* of the base, or NULL */
} metadata_writer;

/* A node as it stands. floe_json_raw wants finished text, so the writer's own comma is put by an empty value first. */
static void put_node(metadata_writer *writer, const floe_node *node) {
    floe_json_raw(&writer->json, FLOE_STR(""));
    floe_json_print(node, writer->out);
}

static void put_int(metadata_writer *writer, const char *key, int64_t value) {
    floe_json_key(&writer->json, key);
    floe_json_int(&writer->json, value);
}

static void put_string(metadata_writer *writer, const char *key, floe_str text) {
    floe_json_key(&writer->json, key);
    floe_json_string(&writer->json, text);
}

/* Opens the array `key` and puts what the base has there, from item `first`. */
static void begin_array(metadata_writer *writer, const char *key, size_t first) {
    const floe_node *former = writer->root ? floe_node_get(writer->root, key) : NULL;
    floe_json_key(&writer->json, key);
    floe_json_array_begin(&writer->json);
    for (size_t i = first; former && former->kind == FLOE_NODE_ARRAY && i < former->count; i++) {
        put_node(writer, former->items[i]);
    }
}

static int version_of(const floe_ice_commit *commit) {
    return commit->base ? commit->base->format_version : 2;
}

static void put_schemas(metadata_writer *writer) {
    const floe_ice_commit *commit = writer->commit;
    if (version_of(commit) == 1) { /* for readers that know of one schema */
        floe_json_key(&writer->json, "schema");
        floe_ice_write_schema_json(&writer->json, commit->schema);
    }
    put_int(writer, "last-column-id", commit->last_column_id);
    put_int(writer, "current-schema-id", commit->schema->schema_id);
    begin_array(writer, "schemas", 0);
    bool listed = writer->root && floe_node_get(writer->root, "schemas");
    for (size_t i = 0; commit->base && !listed && i < commit->base->schema_count; i++) {
        floe_ice_write_schema_json(&writer->json, &commit->base->schemas[i]);
    }
    if (!commit->base || !floe_ice_schema_by_id(commit->base, commit->schema->schema_id)) {
        floe_ice_write_schema_json(&writer->json, commit->schema);
    }
    floe_json_array_end(&writer->json);
}

static void put_spec(metadata_writer *writer, const floe_ice_spec *spec) {
    floe_json_object_begin(&writer->json);
    put_int(writer, "spec-id", spec->spec_id);
    floe_json_key(&writer->json, "fields");
    floe_ice_write_spec_fields_json(&writer->json, spec);
    floe_json_object_end(&writer->json);
}

static void put_specs(metadata_writer *writer) {
    const floe_ice_commit *commit = writer->commit;
    if (version_of(commit) == 1) {
        floe_json_key(&writer->json, "partition-spec");
        floe_ice_write_spec_fields_json(&writer->json, commit->spec);
    }
    put_int(writer, "default-spec-id", commit->spec->spec_id);
    put_int(writer, "last-partition-id", commit->last_partition_id);
    begin_array(writer, "partition-specs", 0);
    bool listed = writer->root && floe_node_get(writer->root, "partition-specs");
    for (size_t i = 0; commit->base && !listed && i < commit->base->spec_count; i++) {
        put_spec(writer, &commit->base->specs[i]);
    }
    if (!commit->base || !floe_ice_spec_by_id(commit->base, commit->spec->spec_id)) {
        put_spec(writer, commit->spec);
    }
    floe_json_array_end(&writer->json);
}

static bool has_order(const floe_node *orders, int32_t order_id) {
    for (size_t i = 0; orders && orders->kind == FLOE_NODE_ARRAY && i < orders->count; i++) {
        const floe_node *id = floe_node_get(orders->items[i], "order-id");
        if (id && id->kind == FLOE_NODE_INT && id->as.integer == order_id) {
            return true;
        }
    }
    return false;
}

static void put_sort_order(metadata_writer *writer, const floe_ice_sort_order *order) {
    floe_json_object_begin(&writer->json);
    put_int(writer, "order-id", order->order_id);
    floe_json_key(&writer->json, "fields");
    floe_json_array_begin(&writer->json);
    for (size_t i = 0; i < order->field_count; i++) {
        const floe_ice_sort_field *field = &order->fields[i];
        floe_json_object_begin(&writer->json);
        put_string(writer, "transform", FLOE_STR("identity"));
        put_int(writer, "source-id", field->source_id);
        put_string(writer, "direction", field->descending ? FLOE_STR("desc") : FLOE_STR("asc"));
        put_string(writer, "null-order", field->nulls_last ? FLOE_STR("nulls-last") : FLOE_STR("nulls-first"));
        floe_json_object_end(&writer->json);
    }
    floe_json_array_end(&writer->json);
    floe_json_object_end(&writer->json);
}

static void put_sort_orders(metadata_writer *writer) {
    const floe_ice_commit *commit = writer->commit;
    const floe_ice_sort_order *order = commit->sort_order;
    const floe_node *former = writer->root ? floe_node_get(writer->root, "sort-orders") : NULL;
    int32_t standing = former ? commit->base->default_sort_order_id : 0;
    put_int(writer, "default-sort-order-id", order && commit->sorts_by_default ? order->order_id : standing);
    begin_array(writer, "sort-orders", 0);
    if (!former) {
        put_sort_order(writer, &(floe_ice_sort_order){0});
    }
    if (order && order->order_id != 0 && !has_order(former, order->order_id)) {
        put_sort_order(writer, order);
    }
    floe_json_array_end(&writer->json);
}

static void put_properties(metadata_writer *writer) {
    const floe_node *former = writer->root ? floe_node_get(writer->root, "properties") : NULL;
    bool replace = writer->commit->comment.ptr != NULL;
    floe_json_key(&writer->json, "properties");
    floe_json_object_begin(&writer->json);
    for (size_t i = 0; former && former->kind == FLOE_NODE_OBJECT && i < former->count; i++) {
        if (replace && floe_str_is(former->members[i].key, "comment")) {
            continue;
        }
        floe_json_key_str(&writer->json, former->members[i].key);
        put_node(writer, former->members[i].value);
    }
    if (replace && writer->commit->comment.len > 0) {
        put_string(writer, "comment", writer->commit->comment);
    }
    floe_json_object_end(&writer->json);
}

static void put_summary(metadata_writer *writer) {
    const floe_ice_commit *commit = writer->commit;
    floe_json_key(&writer->json, "summary");
    floe_json_object_begin(&writer->json);
    put_string(writer, "operation", floe_str_of(commit->operation));
    for (size_t i = 0; i < commit->summary_count; i++) {
        if (commit->summary[i].value >= 0) {
            char text[24];
            snprintf(text, sizeof text, "%" PRId64, commit->summary[i].value);
            put_string(writer, commit->summary[i].key, floe_str_of(text));
        }
    }
    floe_json_object_end(&writer->json);
}

static int64_t parent_of(const floe_ice_commit *commit) {
    return commit->base ? commit->base->current_snapshot_id : -1;
}

static void put_snapshots(metadata_writer *writer) {
    const floe_ice_commit *commit = writer->commit;
    put_int(writer, "current-snapshot-id", commit->snapshot_id);
    begin_array(writer, "snapshots", 0);
    floe_json_object_begin(&writer->json);
    put_int(writer, "snapshot-id", commit->snapshot_id);
    if (parent_of(commit) >= 0) {
        put_int(writer, "parent-snapshot-id", parent_of(commit));
    }
    if (version_of(commit) > 1) {
        put_int(writer, "sequence-number", commit->sequence_number);
    }
    put_int(writer, "timestamp-ms", commit->timestamp_ms);
    put_summary(writer);
    if (version_of(commit) > 2) {
        put_int(writer, "first-row-id", commit->first_row_id);
        put_int(writer, "added-rows", commit->next_row_id - commit->first_row_id);
    }
    put_string(writer, "manifest-list", commit->manifest_list);
    put_int(writer, "schema-id", commit->schema->schema_id);
    floe_json_object_end(&writer->json);
    floe_json_array_end(&writer->json);
}

static void put_refs(metadata_writer *writer) {
    const floe_node *former = writer->root ? floe_node_get(writer->root, "refs") : NULL;
    const floe_node *main_branch = former ? floe_node_get(former, "main") : NULL;
    floe_json_key(&writer->json, "refs");
    floe_json_object_begin(&writer->json);
    for (size_t i = 0; former && former->kind == FLOE_NODE_OBJECT && i < former->count; i++) {
        if (!floe_str_is(former->members[i].key, "main")) {
            floe_json_key_str(&writer->json, former->members[i].key);
            put_node(writer, former->members[i].value);
        }
    }
    floe_json_key(&writer->json, "main");
    floe_json_object_begin(&writer->json);
    put_int(writer, "snapshot-id", writer->commit->snapshot_id);
    put_string(writer, "type", FLOE_STR("branch"));
    for (size_t i = 0; main_branch && main_branch->kind == FLOE_NODE_OBJECT && i < main_branch->count; i++) {
        floe_str key = main_branch->members[i].key; /* how long the branch keeps snapshots */
        if (!floe_str_is(key, "snapshot-id") && !floe_str_is(key, "type")) {
            floe_json_key_str(&writer->json, key);
            put_node(writer, main_branch->members[i].value);
        }
    }
    floe_json_object_end(&writer->json);
    floe_json_object_end(&writer->json);
}

static void put_logs(metadata_writer *writer) {
    const floe_ice_commit *commit = writer->commit;
    begin_array(writer, "snapshot-log", 0);
    floe_json_object_begin(&writer->json);
    put_int(writer, "timestamp-ms", commit->timestamp_ms);
    put_int(writer, "snapshot-id", commit->snapshot_id);
    floe_json_object_end(&writer->json);
    floe_json_array_end(&writer->json);

    const floe_node *former = writer->root ? floe_node_get(writer->root, "metadata-log") : NULL;
    size_t held = former ? former->count : 0;
    begin_array(writer, "metadata-log", held >= METADATA_LOG_MAX ? held - METADATA_LOG_MAX + 1 : 0);
    if (commit->base) {
        floe_json_object_begin(&writer->json);
        put_int(writer, "timestamp-ms", commit->base->last_updated_ms);
        put_string(writer, "metadata-file", commit->base_path);
        floe_json_object_end(&writer->json);
    }
    floe_json_array_end(&writer->json);
}

static void put_the_rest(metadata_writer *writer) {
    static const char *const WRITTEN[] = {
        "format-version",        "table-uuid",  "location",   "last-sequence-number", "last-updated-ms",
        "last-column-id",        "schemas",     "schema",     "current-schema-id",    "partition-specs",
        "partition-spec",        "snapshots",   "properties", "default-spec-id",      "last-partition-id",
        "default-sort-order-id", "sort-orders", "refs",       "current-snapshot-id",  "snapshot-log",
        "metadata-log",          "next-row-id",
    };
    for (size_t i = 0; writer->root && i < writer->root->count; i++) {
        bool written = false;
        for (size_t w = 0; w < sizeof WRITTEN / sizeof *WRITTEN; w++) {
            written = written || floe_str_is(writer->root->members[i].key, WRITTEN[w]);
        }
        if (!written) {
            floe_json_key_str(&writer->json, writer->root->members[i].key);
            put_node(writer, writer->root->members[i].value);
        }
    }
}

int64_t floe_ice_next_row_id(const floe_ice_metadata *metadata) {
    const floe_node *node = floe_node_get(metadata->root, "next-row-id");
    return node && node->kind == FLOE_NODE_INT && node->as.integer > 0 ? node->as.integer : 0;
}

floe_status floe_ice_write_metadata(const floe_ice_commit *commit, floe_buf *out, floe_error *err) {
    metadata_writer writer = {.out = out, .commit = commit, .root = commit->base ? commit->base->root : NULL};
    int version = version_of(commit);
    FLOE_ENSURE(version <= 3, err, FLOE_UNSUPPORTED,
                "writing to a table of format version %d is not supported, only 1 to 3", version);
    writer.json = floe_json_writer_of(out);
    floe_json_object_begin(&writer.json);
    put_int(&writer, "format-version", version);
    if (!commit->base || commit->base->table_uuid.len > 0) { /* tables of version 1 may have none */
        put_string(&writer, "table-uuid", commit->base ? commit->base->table_uuid : commit->table_uuid);
    }
    put_string(&writer, "location", commit->base ? commit->base->location : commit->location);
    if (version > 1) {
        put_int(&writer, "last-sequence-number", commit->sequence_number);
    }
    if (version > 2) {
        put_int(&writer, "next-row-id", commit->next_row_id);
    }
    put_int(&writer, "last-updated-ms", commit->timestamp_ms);
    put_schemas(&writer);
    put_specs(&writer);
    put_sort_orders(&writer);
    put_properties(&writer);
    put_refs(&writer);
    put_snapshots(&writer);
    put_logs(&writer);
    put_the_rest(&writer);
    floe_json_object_end(&writer.json);
    return floe_buf_check(out, err);
}
