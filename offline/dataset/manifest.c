/*
 * What a dataset was made from, kept beside its spine under .floe/datasets/<id>/: enough to make it again.
 */
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"
#include "offline/dataset/dataset_int.h"

#include <stdio.h>

static void print_sources(const dataset_facts *facts, floe_json_writer *json) {
    floe_json_key(json, "sources");
    floe_json_array_begin(json);
    for (size_t i = 0; i < facts->source_count; i++) {
        const source_use *use = &facts->sources[i];
        floe_json_object_begin(json);
        floe_json_key(json, "source");
        floe_json_string(json, use->source->about.name);
        floe_json_key(json, "table");
        floe_json_string(json, use->source->table);
        floe_json_key(json, "snapshot_id");
        floe_json_int(json, use->snapshot_id);
        floe_json_key(json, "files_read");
        floe_json_int(json, use->plan.files_read);
        floe_json_key(json, "files_total");
        floe_json_int(json, use->plan.files_total);
        floe_json_object_end(json);
    }
    floe_json_array_end(json);
}

static void print_features(const dataset_facts *facts, floe_json_writer *json) {
    floe_json_key(json, "features");
    floe_json_array_begin(json);
    for (size_t i = 0; i < facts->request->ref_count; i++) {
        const floe_ref *ref = &facts->request->refs[i];
        char type[FLOE_TYPE_NAME_MAX];
        FLOE_AUTO_BUF name;
        floe_buf_init(&name, FLOE_KIB(1));
        floe_buf_printf(&name, "%.*s:%.*s", FLOE_STR_ARG(ref->view->about.name), FLOE_STR_ARG(ref->output->about.name));
        floe_json_object_begin(json);
        floe_json_key(json, "feature");
        floe_json_string(json, floe_buf_view(&name));
        floe_json_key(json, "type");
        floe_json_text(json, floe_type_name(ref->output->type, type));
        floe_json_key(json, "nulls");
        floe_json_int(json, facts->content->null_counts[facts->spine->column_count + i]);
        floe_json_object_end(json);
    }
    floe_json_array_end(json);
}

static void print_spine(const dataset_facts *facts, floe_json_writer *json) {
    const floe_dataset_request *request = facts->request;
    floe_json_key(json, "spine");
    floe_json_object_begin(json);
    floe_json_key(json, "from");
    floe_json_text(json, request->spine);
    floe_json_key(json, "content_hash");
    floe_json_text(json, facts->spine_hash);
    floe_json_key(json, "time");
    floe_json_string(json, facts->spine->time_column);
    floe_json_key(json, "keys");
    floe_json_object_begin(json);
    for (size_t i = 0; i < request->key_count; i++) {
        floe_json_key_str(json, request->keys[i].key);
        floe_json_string(json, request->keys[i].column);
    }
    floe_json_object_end(json);
    if (facts->spine->source_table.len > 0) {
        floe_json_key(json, "snapshot_id");
        floe_json_int(json, facts->spine->snapshot_id);
    }
    floe_json_object_end(json);
}

static void print_manifest(const dataset_facts *facts, const floe_dataset_result *result, floe_json_writer *json) {
    char when[FLOE_TIME_TEXT_MAX];
    const floe_dataset_request *request = facts->request;
    floe_json_object_begin(json);
    floe_json_key(json, "id");
    floe_json_text(json, result->id);
    floe_json_key(json, "name");
    floe_json_text(json, request->name);
    floe_json_key(json, "created");
    floe_json_text(json, floe_time_format(facts->created_us, when));
    floe_json_key(json, "definitions_version");
    floe_json_int(json, request->definitions_version);
    floe_json_key(json, "service");
    floe_json_string(json, request->service);
    floe_json_key(json, "as_known");
    floe_json_bool(json, request->as_known);
    floe_json_key(json, "out");
    floe_json_text(json, request->out);
    floe_json_key(json, "rows");
    floe_json_int(json, result->row_count);
    floe_json_key(json, "content_hash");
    floe_json_text(json, result->content_hash);
    floe_json_key(json, "ties_decided_by_file_order");
    floe_json_int(json, facts->stats.ties);
    print_spine(facts, json);
    print_sources(facts, json);
    print_features(facts, json);
    floe_json_object_end(json);
}

static void make_id(const dataset_facts *facts, floe_dataset_result *result) {
    floe_sha256 sha;
    uint8_t digest[32];
    char hex[65];
    floe_sha256_init(&sha);
    floe_sha256_update(&sha, result->content_hash, strlen(result->content_hash));
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

void floe_manifest_remove(const floe_dataset_request *request, const floe_dataset_result *result) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *folder = request->root ? folder_of(request, result, &arena) : NULL;
    if (folder) {
        FLOE_IGNORE(floe_file_remove_all(folder, NULL));
    }
}

static floe_status write_files(floe_session *session, const char *folder, const char *manifest_path, floe_str manifest,
                               floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const char *spine_path = floe_arena_printf(&arena, "%s/spine.parquet", folder);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(floe_file_mkdirs(folder, err));
    int64_t rows = 0;
    FLOE_TRY(floe_rows_prepare(session, "SELECT * FROM spine", spine_path, &rows, err));
    FLOE_TRY(floe_rows_publish(spine_path, err));
    return floe_file_write(manifest_path, manifest, false, err);
}

floe_status floe_manifest_write(floe_session *session, const dataset_facts *facts, floe_dataset_result *result,
                                floe_error *err) {
    make_id(facts, result);
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
    floe_json_writer json = floe_json_writer_of(&text);
    print_manifest(facts, result, &json);
    FLOE_TRY(floe_buf_check(&text, err));
    floe_status status = write_files(session, folder, manifest, floe_buf_view(&text), err);
    if (floe_failed(status)) {
        floe_manifest_remove(facts->request, result);
        return floe_error_prefix(err, status, "the manifest in %s", folder);
    }
    snprintf(result->manifest_path, sizeof(result->manifest_path), "%s", manifest);
    return FLOE_OK;
}
