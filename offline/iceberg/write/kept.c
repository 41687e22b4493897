/*
 * The metadata document of a table whose snapshots have expired: the former document without them, member by member in
 * its order, known to floe or not.
 * Source: Iceberg table spec, "Table Metadata Fields", "Snapshot Retention Policy".
 */
#include "offline/iceberg/write/write.h"

typedef struct kept_writer {
    floe_json_writer json;
    floe_buf *out;
    const floe_ice_keep *keep;
} kept_writer;

static void put_node(kept_writer *writer, const floe_node *node) {
    floe_json_raw(&writer->json, FLOE_STR(""));
    floe_json_print(node, writer->out);
}

static int64_t number_of(const floe_node *object, const char *key) {
    const floe_node *node = floe_node_get(object, key);
    return node && node->kind == FLOE_NODE_INT ? node->as.integer : -1;
}

static bool keeps_snapshot_of(const kept_writer *writer, const floe_node *item) {
    return writer->keep->snapshot(writer->keep->context, number_of(item, "snapshot-id"));
}

/* Items that name a snapshot, from `first` on: those whose snapshot is kept. */
static void put_items(kept_writer *writer, const floe_node *list, size_t first) {
    floe_json_array_begin(&writer->json);
    for (size_t i = first; i < list->count; i++) {
        if (keeps_snapshot_of(writer, list->items[i])) {
            put_node(writer, list->items[i]);
        }
    }
    floe_json_array_end(&writer->json);
}

static void put_snapshot_log(kept_writer *writer, const floe_node *list) {
    size_t first = 0;
    for (size_t i = 0; i < list->count; i++) {
        first = keeps_snapshot_of(writer, list->items[i]) ? first : i + 1;
    }
    put_items(writer, list, first);
}

static void put_refs(kept_writer *writer, const floe_node *refs) {
    floe_json_object_begin(&writer->json);
    for (size_t i = 0; i < refs->count; i++) {
        if (writer->keep->ref(writer->keep->context, refs->members[i].key)) {
            floe_json_key_str(&writer->json, refs->members[i].key);
            put_node(writer, refs->members[i].value);
        }
    }
    floe_json_object_end(&writer->json);
}

static void put_metadata_log(kept_writer *writer, const floe_node *list) {
    const floe_ice_keep *keep = writer->keep;
    floe_json_array_begin(&writer->json);
    for (size_t i = 0; list && list->kind == FLOE_NODE_ARRAY && i < list->count; i++) {
        const floe_node *path = floe_node_get(list->items[i], "metadata-file");
        bool named = path && path->kind == FLOE_NODE_STRING;
        if (!named || keep->log_file(keep->context, path->text, number_of(list->items[i], "timestamp-ms"))) {
            put_node(writer, list->items[i]);
        }
    }
    floe_json_object_begin(&writer->json);
    floe_json_key(&writer->json, "timestamp-ms");
    floe_json_int(&writer->json, keep->base->last_updated_ms);
    floe_json_key(&writer->json, "metadata-file");
    floe_json_string(&writer->json, keep->base_path);
    floe_json_object_end(&writer->json);
    floe_json_array_end(&writer->json);
}

static bool is_list(const floe_member *member, const char *key) {
    return floe_str_is(member->key, key) && member->value->kind == FLOE_NODE_ARRAY;
}

static void put_member(kept_writer *writer, const floe_member *member) {
    floe_json_key_str(&writer->json, member->key);
    if (floe_str_is(member->key, "last-updated-ms")) {
        floe_json_int(&writer->json, writer->keep->timestamp_ms);
    } else if (is_list(member, "snapshots") || is_list(member, "statistics") ||
               is_list(member, "partition-statistics")) {
        put_items(writer, member->value, 0);
    } else if (is_list(member, "snapshot-log")) {
        put_snapshot_log(writer, member->value);
    } else if (floe_str_is(member->key, "refs") && member->value->kind == FLOE_NODE_OBJECT) {
        put_refs(writer, member->value);
    } else {
        put_node(writer, member->value);
    }
}

floe_status floe_ice_write_kept(const floe_ice_keep *keep, floe_buf *out, floe_error *err) {
    kept_writer writer = {.json = floe_json_writer_of(out), .out = out, .keep = keep};
    const floe_node *root = keep->base->root;
    floe_json_object_begin(&writer.json);
    for (size_t i = 0; i < root->count; i++) {
        if (!floe_str_is(root->members[i].key, "metadata-log")) {
            put_member(&writer, &root->members[i]);
        }
    }
    floe_json_key(&writer.json, "metadata-log");
    put_metadata_log(&writer, floe_node_get(root, "metadata-log"));
    floe_json_object_end(&writer.json);
    return floe_buf_check(out, err);
}
