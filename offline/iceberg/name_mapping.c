/*
 * Field ids by name: files that have none get those that the table's name mapping gives their columns, at every depth.
 *
 * Rule: names are literal; of several names of one id the first that the file has counts. What the mapping does not know
 *       has no id and is no column of the table. The element of a list and the key and value of a map are called so in
 *       the mapping, whatever the file calls them.
 * Source: Iceberg table spec, "Name Mapping Serialization".
 */
#include "offline/iceberg/plan_int.h"

#include "core/json.h"
#include "core/limits.h"
#include "offline/iceberg/corrupt.h"

typedef struct mapped_nodes {
    floe_parquet_node *nodes;
    size_t count;
} mapped_nodes;

/* Nodes [from, to) hold children side by side, each with what lies in it. */
typedef struct node_range {
    size_t from, to;
} node_range;

static floe_status assign(mapped_nodes *mapped, const floe_node *entries, node_range range, uint32_t level,
                          floe_error *err);

static size_t skip_node(const mapped_nodes *mapped, size_t node) {
    size_t next = node + 1;
    while (next < mapped->count && mapped->nodes[next].depth > mapped->nodes[node].depth) {
        next++;
    }
    return next;
}

static size_t find_name(const mapped_nodes *mapped, node_range range, const floe_node *name) {
    for (size_t at = range.from; at < range.to; at = skip_node(mapped, at)) {
        if (name->kind == FLOE_NODE_STRING && floe_str_equal(mapped->nodes[at].name, name->text)) {
            return at;
        }
    }
    return SIZE_MAX;
}

static size_t find_names(const mapped_nodes *mapped, node_range range, const floe_node *names) {
    size_t found = SIZE_MAX;
    for (size_t i = 0; names != NULL && names->kind == FLOE_NODE_ARRAY && i < names->count && found == SIZE_MAX; i++) {
        found = find_name(mapped, range, names->items[i]);
    }
    return found;
}

static bool is_called(const floe_node *entry, const char *name) {
    const floe_node *names = floe_node_get(entry, "names");
    for (size_t i = 0; names != NULL && names->kind == FLOE_NODE_ARRAY && i < names->count; i++) {
        if (names->items[i]->kind == FLOE_NODE_STRING && floe_str_is(names->items[i]->text, name)) {
            return true;
        }
    }
    return false;
}

static floe_status set_id(mapped_nodes *mapped, const floe_node *entry, size_t node, uint32_t level, floe_error *err) {
    int64_t id = -1;
    const floe_node *inner = floe_node_get(entry, "fields");
    FLOE_TRY(floe_as_corrupt(floe_node_opt_i64(entry, "field-id", "a name mapping", &id, err), err));
    FLOE_ENSURE(id >= -1 && id <= INT32_MAX, err, FLOE_CORRUPT, "a name mapping has the field id %lld", (long long)id);
    mapped->nodes[node].field_id = (int32_t)id;
    node_range range = {node + 1, skip_node(mapped, node)};
    return inner == NULL || range.from == range.to ? FLOE_OK : assign(mapped, inner, range, level + 1, err);
}

/* What lies in the repeated group of a list or map. */
static floe_status assign_repeated(mapped_nodes *mapped, const floe_node *entries, size_t repeated, uint32_t level,
                                   floe_error *err) {
    static const char *const NAMES[] = {"key", "value"};
    node_range inside = {repeated + 1, skip_node(mapped, repeated)};
    size_t first = inside.from;
    size_t second = first < inside.to ? skip_node(mapped, first) : inside.to;
    bool single = first < inside.to && second == inside.to;
    for (size_t i = 0; i < entries->count; i++) {
        const floe_node *entry = entries->items[i];
        if (is_called(entry, "element")) {
            FLOE_TRY(set_id(mapped, entry, single ? first : repeated, level, err));
        }
        for (size_t k = 0; k < 2 && !single && second < inside.to; k++) {
            FLOE_TRY(is_called(entry, NAMES[k]) ? set_id(mapped, entry, k == 0 ? first : second, level, err) : FLOE_OK);
        }
    }
    return FLOE_OK;
}

static floe_status assign(mapped_nodes *mapped, const floe_node *entries, node_range range, uint32_t level,
                          floe_error *err) {
    FLOE_ENSURE(level < FLOE_LIMIT_JSON_DEPTH, err, FLOE_LIMIT, "a name mapping is too deep");
    FLOE_ENSURE(entries->kind == FLOE_NODE_ARRAY, err, FLOE_CORRUPT, "a name mapping is no list of fields");
    if (level > 0 && mapped->nodes[range.from].repeated) {
        return assign_repeated(mapped, entries, range.from, level, err);
    }
    for (size_t i = 0; i < entries->count; i++) {
        size_t node = find_names(mapped, range, floe_node_get(entries->items[i], "names"));
        FLOE_TRY(node != SIZE_MAX ? set_id(mapped, entries->items[i], node, level, err) : FLOE_OK);
    }
    return FLOE_OK;
}

static floe_status read_mapping(const floe_ice_metadata *metadata, floe_arena *arena, const floe_node **ret_mapping,
                                floe_error *err) {
    const floe_node *text =
        metadata->properties == NULL ? NULL : floe_node_get(metadata->properties, "schema.name-mapping.default");
    *ret_mapping = NULL;
    if (text == NULL || text->kind != FLOE_NODE_STRING) {
        return FLOE_OK;
    }
    floe_status status = floe_json_parse(arena, text->text, ret_mapping, err);
    return floe_failed(status) ? floe_error_prefix(err, status, "the property schema.name-mapping.default") : status;
}

floe_status floe_name_mapping_apply(const floe_ice_metadata *metadata, const floe_parquet_schema *schema,
                                    const char *path, floe_arena *arena, floe_parquet_schema *ret_schema,
                                    floe_error *err) {
    const floe_node *mapping = NULL;
    FLOE_TRY(read_mapping(metadata, arena, &mapping, err));
    FLOE_ENSURE(mapping != NULL, err, FLOE_UNSUPPORTED,
                "%s: its columns have no field ids, and the table has no name mapping (schema.name-mapping.default)",
                path);
    mapped_nodes mapped = {floe_arena_alloc(arena, schema->node_count + 1, sizeof(floe_parquet_node)),
                           schema->node_count};
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < schema->node_count; i++) {
        mapped.nodes[i] = schema->nodes[i];
        mapped.nodes[i].field_id = -1;
    }
    /* Anything but a list names no columns, as other readers have it. */
    floe_status status =
        mapping->kind == FLOE_NODE_ARRAY ? assign(&mapped, mapping, (node_range){0, mapped.count}, 0, err) : FLOE_OK;
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the property schema.name-mapping.default");
    }
    *ret_schema = (floe_parquet_schema){mapped.nodes, mapped.count, schema->number, true, schema->doubtful};
    return FLOE_OK;
}
