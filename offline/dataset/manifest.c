/*
 * What a dataset was made from, kept beside its spine under .floe/datasets/<id>/: enough to make it again.
 */
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"
#include "offline/dataset/dataset_int.h"

#include <stdio.h>

static void put_text(floe_json_writer *json, const char *key, floe_str text) {
    floe_json_key(json, key);
    floe_json_string(json, text);
}

static void put_int(floe_json_writer *json, const char *key, int64_t value) {
    floe_json_key(json, key);
    floe_json_int(json, value);
}

static void print_sources(const dataset_facts *facts, floe_json_writer *json) {
    floe_json_key(json, "sources");
    floe_json_array_begin(json);
    for (size_t i = 0; i < facts->source_count; i++) {
        const source_use *use = &facts->sources[i];
        floe_json_object_begin(json);
        put_text(json, "source", use->source->about.name);
        put_text(json, "table", use->source->table);
        put_int(json, "snapshot_id", use->snapshot_id);
        put_int(json, "schema_id", use->schema_id);
        put_int(json, "files_read", use->plan.files_read);
        put_int(json, "files_total", use->plan.files_total);
        put_int(json, "files_pruned_by_partition", use->plan.files_pruned_by_partition);
        put_int(json, "files_pruned_by_bounds", use->plan.files_pruned_by_bounds);
        put_int(json, "rows", use->plan.rows);
        put_int(json, "bytes", use->plan.bytes);
        floe_json_object_end(json);
    }
    floe_json_array_end(json);
}

/* What the view says, so that two datasets can be compared without the registry. */
static void print_view(const floe_view *view, floe_json_writer *json) {
    char ttl[FLOE_TIME_TEXT_MAX];
    floe_json_object_begin(json);
    put_text(json, "view", view->about.name);
    put_text(json, "entity", view->entity->about.name);
    put_text(json, "source", view->source->about.name);
    floe_json_key(json, "keys");
    floe_json_array_begin(json);
    for (size_t i = 0; i < view->entity->key_count; i++) {
        floe_json_string(json, view->key_columns[i]);
    }
    floe_json_array_end(json);
    put_text(json, "where", view->where_text);
    put_text(json, "ttl", view->ttl_us > 0 ? floe_str_of(floe_duration_format(view->ttl_us, ttl)) : FLOE_STR(""));
    put_text(json, "at", view->at_before ? FLOE_STR("before") : FLOE_STR("at_or_before"));
    floe_json_object_end(json);
}

static void print_views(const dataset_facts *facts, floe_json_writer *json) {
    const floe_ref *refs = facts->view_refs;
    floe_json_key(json, "views");
    floe_json_array_begin(json);
    for (size_t i = 0; i < facts->view_ref_count; i++) {
        bool first = true;
        for (size_t before = 0; before < i && first; before++) {
            first = refs[before].view != refs[i].view;
        }
        if (first) {
            print_view(refs[i].view, json);
        }
    }
    floe_json_array_end(json);
}

static void print_feature(const floe_ref *ref, column_stats *stats, floe_json_writer *json) {
    char type[FLOE_TYPE_NAME_MAX];
    char name[FLOE_REF_NAME_MAX];
    floe_json_object_begin(json);
    put_text(json, "feature", floe_str_of(floe_ref_name(ref, ":", name)));
    if (ref->output->request != NULL) {
        put_text(json, "expression", ref->output->request->expression_text);
    } else {
        put_text(json, "column", ref->output->column);
    }
    if (ref->output->function != FLOE_FN_NONE) {
        put_text(json, "function", floe_str_of(floe_function_name(ref->output->function)));
        if (ref->output->function == FLOE_FN_PERCENTILE) {
            put_text(json, "quantile", ref->output->quantile_text);
        } else if (ref->output->k > 0) {
            put_int(json, "k", ref->output->k);
        }
        put_text(json, "window", ref->output->window_text);
    }
    put_text(json, "type", floe_str_of(floe_type_name(ref->output->type, type)));
    floe_stats_print(stats, json);
    floe_json_object_end(json);
}

static void print_features(const dataset_facts *facts, floe_json_writer *json) {
    floe_json_key(json, "features");
    floe_json_array_begin(json);
    for (size_t i = 0; i < facts->request->ref_count; i++) {
        print_feature(&facts->request->refs[i], &facts->content->stats[i], json);
    }
    floe_json_array_end(json);
}

static void print_spine(const dataset_facts *facts, const char *path, floe_json_writer *json) {
    const floe_dataset_request *request = facts->request;
    floe_json_key(json, "spine");
    floe_json_object_begin(json);
    put_text(json, "from", floe_str_of(request->spine));
    put_text(json, "path", floe_str_of(path));
    put_text(json, "content_hash", floe_str_of(facts->spine_hash));
    put_text(json, "time", facts->spine->time_column);
    floe_json_key(json, "keys");
    floe_json_object_begin(json);
    for (size_t i = 0; i < request->key_count; i++) {
        floe_json_key_str(json, request->keys[i].key);
        floe_json_string(json, request->keys[i].column);
    }
    floe_json_object_end(json);
    if (facts->spine->source_table.len > 0) {
        put_int(json, "snapshot_id", facts->spine->snapshot_id);
    }
    floe_json_key(json, "columns");
    floe_json_array_begin(json);
    for (size_t i = 0; i < facts->spine->column_count; i++) {
        floe_json_object_begin(json);
        put_text(json, "name", facts->spine->columns[i].name);
        put_text(json, "type", facts->spine->columns[i].type);
        floe_json_object_end(json);
    }
    floe_json_array_end(json);
    floe_json_object_end(json);
}

static void print_steps(const dataset_facts *facts, floe_json_writer *json) {
    put_int(json, "peak_memory_bytes", facts->peak_bytes);
    floe_json_key(json, "steps");
    floe_json_array_begin(json);
    for (size_t i = 0; i < facts->steps->count; i++) {
        floe_json_object_begin(json);
        put_text(json, "step", floe_str_of(facts->steps->items[i].step));
        put_int(json, "micros", facts->steps->items[i].elapsed_us);
        floe_json_object_end(json);
    }
    floe_json_array_end(json);
}

/* What a manifest says beside the facts. */
typedef struct surroundings {
    const char *engine_version;
    const char *path; /* of the file, absolute; a table's name */
    const char *spine_path;
} surroundings;

static void print_manifest(const dataset_facts *facts, const surroundings *around, const floe_dataset_result *result,
                           floe_json_writer *json) {
    char when[FLOE_TIME_TEXT_MAX];
    const floe_dataset_request *request = facts->request;
    floe_json_object_begin(json);
    put_text(json, "id", floe_str_of(result->id));
    floe_json_key(json, "name");
    floe_json_text(json, request->name);
    put_text(json, "created", floe_str_of(floe_time_format(facts->created_us, when)));
    floe_json_key(json, "floe_version");
    floe_json_text(json, request->floe_version);
    put_text(json, "duckdb_version", floe_str_of(around->engine_version));
    put_int(json, "definitions_version", request->definitions_version);
    put_text(json, "service", request->service);
    floe_json_key(json, "as_known");
    floe_json_bool(json, request->as_known);
    put_text(json, "engine", request->by_sql ? FLOE_STR("duckdb") : FLOE_STR("native"));
    put_text(json, "out", floe_str_of(request->out));
    put_text(json, "path", floe_str_of(around->path));
    if (facts->out_snapshot_id >= 0) {
        floe_json_key(json, "output");
        floe_json_object_begin(json);
        put_text(json, "table", floe_str_of(request->out));
        put_int(json, "snapshot_id", facts->out_snapshot_id);
        floe_json_object_end(json);
    }
    put_int(json, "rows", result->row_count);
    put_text(json, "content_hash", floe_str_of(result->content_hash));
    put_int(json, "ties_decided_by_file_order", facts->stats.ties);
    print_steps(facts, json);
    print_spine(facts, around->spine_path, json);
    print_sources(facts, json);
    print_views(facts, json);
    print_features(facts, json);
    floe_json_object_end(json);
}

static void make_id(const dataset_facts *facts, floe_dataset_result *result) {
    floe_sha256 sha;
    uint8_t digest[32];
    char hex[65];
    floe_sha256_init(&sha);
    floe_sha256_update(&sha, facts->spine_hash, strlen(facts->spine_hash));
    floe_sha256_update(&sha, &facts->created_us, sizeof(facts->created_us));
    floe_sha256_update(&sha, facts->request->out, strlen(facts->request->out));
    floe_sha256_final(&sha, digest);
    floe_sha256_hex(digest, hex);
    snprintf(result->id, sizeof(result->id), "%.12s", hex);
}

/* Folder of the dataset, in the arena. */
static const char *folder_of(const floe_dataset_request *request, const floe_dataset_result *result,
                             floe_arena *arena) {
    return floe_arena_printf(arena, "%s/.floe/datasets/%s", request->root, result->id);
}

void floe_dataset_manifest_remove(const floe_dataset_request *request, floe_dataset_result *result) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *folder = request->root ? folder_of(request, result, &arena) : NULL;
    if (folder) {
        FLOE_IGNORE(floe_file_remove_all(folder, NULL));
        floe_dataset_note_unlock(result);
    }
}

static floe_status write_files(floe_session *session, const char *folder, const char *manifest_path, floe_str manifest,
                               floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *spine_path = floe_arena_printf(&arena, "%s/spine.parquet", folder);
    FLOE_TRY(floe_arena_check(&arena, err));
    int64_t rows = 0;
    FLOE_TRY(floe_rows_prepare(session, "SELECT * FROM spine", spine_path, 0, &rows, err));
    FLOE_TRY(floe_rows_publish(spine_path, err));
    return floe_file_write(manifest_path, manifest, false, err);
}

static floe_status print_text(const dataset_facts *facts, const floe_dataset_result *result, floe_arena *arena,
                              floe_buf *text, floe_error *err) {
    floe_query_rows version;
    FLOE_TRY(floe_session_query(facts->session, "SELECT version()", NULL, arena, &version, err));
    surroundings around = {
        .engine_version = floe_arena_strndup(arena, version.values[0].as.bytes.ptr, version.values[0].as.bytes.len)};
    if (facts->out_snapshot_id >= 0) {
        around.path = facts->request->out;
    } else {
        FLOE_TRY(floe_path_absolute(arena, facts->request->out, &around.path, err));
    }
    around.spine_path = facts->request->spine;
    if (facts->spine->source_table.len == 0) {
        FLOE_TRY(floe_path_absolute(arena, facts->request->spine, &around.spine_path, err));
    }
    FLOE_TRY(floe_arena_check(arena, err));
    floe_json_writer json = floe_json_writer_of(text);
    print_manifest(facts, &around, result, &json);
    return floe_buf_check(text, err);
}

floe_status floe_dataset_manifest_begin(const dataset_facts *facts, bool into_table, floe_dataset_result *result,
                                        floe_error *err) {
    make_id(facts, result);
    if (!facts->request->root || into_table) {
        return FLOE_OK;
    }
    floe_status status = floe_dataset_note(facts->request, false, result, err);
    if (floe_failed(status)) {
        floe_dataset_manifest_remove(facts->request, result);
        return floe_error_prefix(err, status, "the dataset's folder");
    }
    return FLOE_OK;
}

floe_status floe_dataset_manifest_write(const dataset_facts *facts, floe_dataset_result *result, floe_error *err) {
    if (!facts->request->root) {
        return FLOE_OK;
    }
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *folder = folder_of(facts->request, result, &arena);
    const char *manifest = floe_arena_printf(&arena, "%s/manifest.json", folder);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_ENSURE(strlen(manifest) < sizeof(result->manifest_path), err, FLOE_LIMIT, "the path %s is too long", manifest);
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(64));
    FLOE_TRY(print_text(facts, result, &arena, &text, err));
    bool into_table = facts->out_snapshot_id >= 0;
    floe_status status = into_table ? floe_dataset_note(facts->request, true, result, err) : FLOE_OK;
    if (!floe_failed(status)) {
        status = write_files(facts->session, folder, manifest, floe_buf_view(&text), err);
    }
    if (floe_failed(status)) {
        floe_dataset_manifest_remove(facts->request, result);
        return floe_error_prefix(err, status, "the manifest in %s", folder);
    }
    snprintf(result->manifest_path, sizeof(result->manifest_path), "%s", manifest);
    return FLOE_OK;
}
