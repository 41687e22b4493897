/*
 * A manifest read back: what is needed to make its dataset again.
 */
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "offline/dataset/dataset_int.h"

#include <inttypes.h>

#define MANIFEST "the manifest"

/* A manifest that lacks something was written before floe kept it, or was cut. */
static floe_status missing(const char *what, floe_error *err) {
    return FLOE_FAIL(err, FLOE_UNSUPPORTED,
                     "the manifest does not say %s: it was written by an older floe; build the dataset anew", what);
}

static const char *text_of(const floe_node *object, const char *key, floe_arena *arena) {
    const floe_node *node = floe_node_get(object, key);
    return node && node->kind == FLOE_NODE_STRING ? floe_arena_strndup(arena, node->text.ptr, node->text.len) : NULL;
}

static floe_status read_features(const floe_node *root, floe_arena *arena, floe_dataset_recipe *recipe,
                                 floe_error *err) {
    const floe_node *features = floe_node_get(root, "features");
    if (!features || features->kind != FLOE_NODE_ARRAY || features->count == 0) {
        return missing("which features it holds", err);
    }
    floe_str *names = floe_arena_alloc(arena, features->count, sizeof(*names));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < features->count; i++) {
        FLOE_TRY(floe_node_need_str(features->items[i], "feature", MANIFEST, &names[i], err));
    }
    recipe->features = names;
    recipe->feature_count = features->count;
    return FLOE_OK;
}

static floe_status read_sources(const floe_node *root, floe_arena *arena, floe_dataset_recipe *recipe,
                                floe_error *err) {
    const floe_node *sources = floe_node_get(root, "sources");
    if (!sources || sources->kind != FLOE_NODE_ARRAY) {
        return missing("which snapshots it was built from", err);
    }
    floe_dataset_pin *pins = floe_arena_alloc(arena, sources->count + 1, sizeof(*pins));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < sources->count; i++) {
        pins[i].schema_id = -1;
        FLOE_TRY(floe_node_need_str(sources->items[i], "source", MANIFEST, &pins[i].source, err));
        FLOE_TRY(floe_node_need_i64(sources->items[i], "snapshot_id", MANIFEST, &pins[i].snapshot_id, err));
        FLOE_TRY(floe_node_opt_i64(sources->items[i], "schema_id", MANIFEST, &pins[i].schema_id, err));
    }
    recipe->pins = pins;
    recipe->pin_count = sources->count;
    return FLOE_OK;
}

static floe_status read_spine(const floe_node *root, const char *manifest_path, floe_arena *arena,
                              floe_dataset_recipe *recipe, floe_error *err) {
    const floe_node *spine = floe_node_get(root, "spine");
    if (!spine || spine->kind != FLOE_NODE_OBJECT) {
        return missing("what its spine is", err);
    }
    FLOE_TRY(floe_node_need_str(spine, "from", MANIFEST, &recipe->spine_from, err));
    FLOE_TRY(floe_node_need_str(spine, "content_hash", MANIFEST, &recipe->spine_hash, err));
    recipe->spine_path = text_of(spine, floe_node_get(spine, "path") ? "path" : "from", arena);
    recipe->time_column = text_of(spine, "time", arena);
    const floe_node *keys = floe_node_get(spine, "keys");
    size_t count = keys && keys->kind == FLOE_NODE_OBJECT ? keys->count : 0;
    floe_key_column *columns = floe_arena_alloc(arena, count + 1, sizeof(*columns));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        columns[i] = (floe_key_column){keys->members[i].key, keys->members[i].value->text};
    }
    recipe->keys = columns;
    recipe->key_count = count;
    recipe->spine = floe_path_join(arena, floe_path_dirname(arena, manifest_path), "spine.parquet");
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(floe_file_exists(recipe->spine), err, FLOE_NOT_FOUND,
                "the spine that was kept with the dataset, %s, is gone", recipe->spine);
    FLOE_TRY(recipe->time_column ? FLOE_OK : missing("which column is its time", err));
    recipe->time_column = recipe->time_column[0] ? recipe->time_column : NULL; /* request features alone need none */
    return FLOE_OK;
}

/* What was built, as an audit names it: a table with its snapshot. */
static floe_status read_output(const floe_node *root, floe_arena *arena, floe_dataset_recipe *recipe, floe_error *err) {
    const floe_node *output = floe_node_get(root, "output");
    int64_t snapshot_id = -1;
    recipe->file = recipe->path;
    if (output && output->kind == FLOE_NODE_OBJECT) {
        FLOE_TRY(floe_node_need_i64(output, "snapshot_id", MANIFEST, &snapshot_id, err));
        recipe->is_table = true;
        recipe->file = floe_str_of(floe_arena_printf(arena, "%.*s@%" PRId64, FLOE_STR_ARG(recipe->path), snapshot_id));
    }
    return floe_arena_check(arena, err);
}

floe_status floe_dataset_recipe_read(floe_str manifest, const char *manifest_path, floe_arena *arena,
                                     floe_dataset_recipe *ret_recipe, floe_error *err) {
    const floe_node *root;
    floe_status status = floe_json_parse_any_text(arena, manifest, &root, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "%s", manifest_path);
    }
    floe_dataset_recipe recipe = {.engine = FLOE_STR("native")};
    FLOE_TRY(floe_node_need_str(root, "id", MANIFEST, &recipe.id, err));
    FLOE_TRY(floe_node_opt_str(root, "path", MANIFEST, &recipe.path, err));
    if (recipe.path.len == 0) {
        return missing("where its file lies", err);
    }
    FLOE_TRY(read_output(root, arena, &recipe, err));
    FLOE_TRY(floe_node_opt_str(root, "service", MANIFEST, &recipe.service, err));
    FLOE_TRY(floe_node_need_str(root, "content_hash", MANIFEST, &recipe.content_hash, err));
    FLOE_TRY(floe_node_need_i64(root, "rows", MANIFEST, &recipe.row_count, err));
    FLOE_TRY(floe_node_need_i64(root, "definitions_version", MANIFEST, &recipe.definitions_version, err));
    FLOE_TRY(floe_node_opt_bool(root, "as_known", MANIFEST, &recipe.as_known, err));
    FLOE_TRY(floe_node_opt_str(root, "engine", MANIFEST, &recipe.engine, err));
    FLOE_TRY(read_features(root, arena, &recipe, err));
    FLOE_TRY(read_sources(root, arena, &recipe, err));
    FLOE_TRY(read_spine(root, manifest_path, arena, &recipe, err));
    *ret_recipe = recipe;
    return FLOE_OK;
}
