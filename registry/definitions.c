/*
 * Definitions, from the files of a project.
 *
 * Phases: every file of features/ → tree; entities and sources of all files; feature views of all files; services and
 * streams of all files. So a definition may stand in any file and in any order. Whatever is wrong anywhere is collected
 * and reported together.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/yaml.h"
#include "registry/decode/decode_int.h"
#include "registry/names_int.h"
#include "registry/registry.h"

#include <sys/stat.h>

/* Request features lie in one piece only once all are there, because their outputs point back at them. */
static void gather_requests(floe_loading *loading) {
    size_t count = loading->requests.count;
    if (loading->definitions.requests != NULL || count == 0) {
        return;
    }
    floe_request_feature *requests = floe_arena_alloc(loading->decoder.arena, count, sizeof *requests);
    for (size_t i = 0; requests != NULL && i < count; i++) {
        requests[i] = *(const floe_request_feature *)loading->requests.items[i];
        requests[i].output.about = requests[i].about;
        requests[i].output.request = &requests[i];
    }
    loading->definitions.requests = requests;
    loading->definitions.request_count = requests != NULL ? count : 0;
}

void floe_loading_add(floe_loading *loading, floe_object_kind kind, const floe_node *node) {
    static void (*const decoders[FLOE_OBJECT_KINDS])(floe_loading *, const floe_node *) = {
        [FLOE_OBJECT_ENTITY] = floe_decode_entity, [FLOE_OBJECT_SOURCE] = floe_decode_source,
        [FLOE_OBJECT_VIEW] = floe_decode_view,     [FLOE_OBJECT_REQUEST] = floe_decode_request,
        [FLOE_OBJECT_STREAM] = floe_decode_stream, [FLOE_OBJECT_SERVICE] = floe_decode_service,
    };
    if (kind > FLOE_OBJECT_REQUEST) {
        gather_requests(loading);
    }
    decoders[kind](loading, node);
}

floe_status floe_loading_finish(floe_loading *loading, floe_definitions **ret_definitions, floe_error *err) {
    gather_requests(loading);
    FLOE_TRY(floe_findings_report(&loading->findings, err));
    floe_definitions *definitions = floe_arena_alloc(loading->decoder.arena, 1, sizeof *definitions);
    FLOE_TRY(floe_arena_check(loading->decoder.arena, err));
    *definitions = loading->definitions;
    *ret_definitions = definitions;
    return FLOE_OK;
}

/* ---- files ---- */

typedef struct section_def {
    const char *key;
    floe_object_kind kind;
    int phase;
} section_def;

static const section_def sections[] = {
    {"entities", FLOE_OBJECT_ENTITY, 0},          {"sources", FLOE_OBJECT_SOURCE, 0},
    {"feature_views", FLOE_OBJECT_VIEW, 1},       {"request_features", FLOE_OBJECT_REQUEST, 2},
    {"feature_services", FLOE_OBJECT_SERVICE, 3}, {"streams", FLOE_OBJECT_STREAM, 3},
};

enum { SECTION_COUNT = sizeof sections / sizeof *sections, PHASES = 4 };

typedef struct parsed_file {
    const char *name; /* features/x.yaml */
    const floe_node *root;
} parsed_file;

static void check_root(floe_loading *loading, const floe_node *root) {
    static const char *const known[] = {"entities",         "sources", "feature_views", "streams", "request_features",
                                        "feature_services", NULL};
    if (root->kind != FLOE_NODE_NULL) {
        (void)floe_decode_object(&loading->decoder, root, "a file of definitions", known);
    }
}

static void decode_section(floe_loading *loading, const section_def *section, const floe_node *root) {
    const floe_node *list = floe_decode_opt_list(&loading->decoder, root, section->key, "a file of definitions");
    for (size_t i = 0; list != NULL && i < list->count; i++) {
        floe_loading_add(loading, section->kind, list->items[i]);
    }
}

static void decode_files(floe_loading *loading, const parsed_file *files, size_t count) {
    for (int phase = 0; phase < PHASES; phase++) {
        for (size_t f = 0; f < count; f++) {
            loading->decoder.file = files[f].name;
            for (int s = 0; s < SECTION_COUNT; s++) {
                if (sections[s].phase == phase && files[f].root->kind == FLOE_NODE_OBJECT) {
                    decode_section(loading, &sections[s], files[f].root);
                }
            }
        }
    }
}

/* Text → tree. What is wrong with its syntax is a finding, and the tree is NULL. */
static floe_status parse_text(floe_loading *loading, floe_str text, parsed_file *file, floe_error *err) {
    floe_error error = {0};
    floe_status status = floe_yaml_parse(loading->decoder.arena, text, file->name, NULL, NULL, &file->root, &error);
    if (floe_failed(status)) {
        file->root = NULL;
        return floe_findings_take(&loading->findings, (floe_pos){NULL, 0}, NULL, &error, err);
    }
    loading->decoder.file = file->name;
    check_root(loading, file->root);
    return FLOE_OK;
}

/* Reading a pipe would wait for whoever writes into it. What is not there, or is a folder, the reading tells. */
static floe_status check_file(const char *path, floe_error *err) {
    struct stat file;
    bool plain = stat(path, &file) != 0 || S_ISREG(file.st_mode) || S_ISDIR(file.st_mode);
    FLOE_ENSURE(plain, err, FLOE_INVALID,
                "it is no regular file but a pipe, a socket or a device; definitions are read from regular files");
    return FLOE_OK;
}

static floe_status parse_file(floe_loading *loading, const char *root, parsed_file *file, floe_error *err) {
    floe_arena *arena = loading->decoder.arena;
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_LIMIT_YAML_BYTES);
    floe_error error = {0};
    const char *path = floe_path_join(arena, root, file->name);
    FLOE_TRY(floe_arena_check(arena, err));
    floe_status status = check_file(path, &error);
    status = floe_failed(status) ? status : floe_file_read(path, &text, &error);
    if (floe_failed(status)) {
        return floe_findings_take(&loading->findings, (floe_pos){file->name, 0}, NULL, &error, err);
    }
    return parse_text(loading, floe_buf_view(&text), file, err);
}

floe_status floe_definitions_parse(const floe_project *project, floe_str text, floe_arena *arena,
                                   floe_definitions **ret_definitions, floe_error *err) {
    floe_loading loading;
    floe_loading_init(&loading, arena, project, false);
    parsed_file file = {.name = "definitions"};
    FLOE_TRY(parse_text(&loading, text, &file, err));
    decode_files(&loading, &file, file.root != NULL);
    return floe_loading_finish(&loading, ret_definitions, err);
}

static bool is_definition_file(floe_loading *loading, const char *name, const char *path) {
    floe_str text = floe_str_of(name);
    if (name[0] == '.' || floe_str_ends_with(text, FLOE_STR(".yaml"))) {
        return name[0] != '.';
    }
    if (floe_str_ends_with(text, FLOE_STR(".yml"))) {
        floe_findings_add(&loading->findings, FLOE_INVALID, (floe_pos){path, 0},
                          "files of definitions end in .yaml; rename it");
    }
    return false;
}

static floe_status load_folder(floe_loading *loading, const char *root, floe_error *err) {
    floe_arena *arena = loading->decoder.arena;
    const char *folder = floe_path_join(arena, root, "features");
    FLOE_TRY(floe_arena_check(arena, err));
    const char *const *names = NULL;
    size_t count = 0;
    if (floe_file_exists(folder)) {
        FLOE_TRY(floe_file_list(folder, arena, &names, &count, err));
    }
    parsed_file *files = floe_arena_alloc(arena, count, sizeof *files);
    FLOE_TRY(floe_arena_check(arena, err));
    size_t file_count = 0;
    for (size_t i = 0; i < count; i++) {
        parsed_file *file = &files[file_count];
        file->name = floe_path_join(arena, "features", names[i]);
        FLOE_TRY(floe_arena_check(arena, err));
        if (is_definition_file(loading, names[i], file->name)) {
            FLOE_TRY(parse_file(loading, root, file, err));
            file_count += file->root != NULL;
        }
    }
    decode_files(loading, files, file_count);
    return FLOE_OK;
}

floe_status floe_definitions_load(const floe_project *project, floe_arena *arena, floe_definitions **ret_definitions,
                                  floe_error *err) {
    floe_loading loading;
    floe_loading_init(&loading, arena, project, false);
    FLOE_TRY(load_folder(&loading, project->root, err));
    return floe_loading_finish(&loading, ret_definitions, err);
}
