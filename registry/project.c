/*
 * A project: the folder of a floe.yaml, and what that file says about where things are.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/yaml.h"
#include "registry/decode/decode_int.h"
#include "registry/project_int.h"
#include "registry/names_int.h"
#include "registry/registry.h"

#include <ctype.h>

static const char project_file[] = "floe.yaml";

floe_status floe_project_find(const char *start, floe_arena *arena, const char **ret_root, floe_error *err) {
    const char *folder = NULL;
    FLOE_TRY(floe_path_absolute(arena, start, &folder, err));
    const char *first = folder;
    for (;;) {
        const char *candidate = floe_path_join(arena, folder, project_file);
        FLOE_TRY(floe_arena_check(arena, err));
        if (floe_file_exists(candidate)) {
            *ret_root = folder;
            return FLOE_OK;
        }
        const char *parent = floe_path_dirname(arena, folder);
        FLOE_TRY(floe_arena_check(arena, err));
        if (strcmp(parent, folder) == 0) {
            break;
        }
        folder = parent;
    }
    return FLOE_FAIL(
        err, FLOE_NOT_FOUND,
        "there is no floe.yaml in %s or in a folder above it; make a project with `floe init DIR`, or name one "
        "with --project DIR",
        first);
}

/* ---- the online store ---- */

static bool is_number_up_to(floe_str text, int64_t max) {
    int64_t value = -1;
    bool digits = text.len > 0 && isdigit((unsigned char)text.ptr[0]);
    return digits && !floe_failed(floe_str_to_i64(text, &value, NULL)) && value <= max;
}

/* host, host:port or [v6]:port; without a port *ret_port stays empty. Returns false when it is none of them. */
static bool split_host(floe_str text, floe_str *ret_host, floe_str *ret_port) {
    const char *end = text.ptr + text.len;
    const char *colon = NULL;
    for (const char *p = text.ptr; p < end && *p != ']'; p++) {
        colon = *p == ':' ? p : colon;
    }
    if (text.len > 0 && text.ptr[0] == '[') {
        const char *close = memchr(text.ptr, ']', text.len);
        colon = close != NULL && close + 1 < end ? close + 1 : NULL;
        if (close == NULL || (colon != NULL && *colon != ':')) {
            return false;
        }
    }
    *ret_host = (floe_str){text.ptr, colon != NULL ? (size_t)(colon - text.ptr) : text.len};
    *ret_port = colon != NULL ? (floe_str){colon + 1, (size_t)(end - colon - 1)} : (floe_str){0};
    return ret_host->len > 0 && (colon == NULL || is_number_up_to(*ret_port, 65535));
}

static bool is_redis_url(floe_str url) {
    floe_str rest = {url.ptr + strlen("redis://"), url.len - strlen("redis://")};
    const char *slash = NULL;
    const char *at = NULL;
    for (const char *p = rest.ptr; p < rest.ptr + rest.len; p++) {
        at = *p == '@' ? p : at;
        slash = *p == '/' ? p : slash;
    }
    floe_str database = {0};
    if (slash != NULL && (at == NULL || slash > at)) {
        database = (floe_str){slash + 1, (size_t)(rest.ptr + rest.len - slash - 1)};
        rest.len = (size_t)(slash - rest.ptr);
    }
    if (at != NULL) {
        rest = (floe_str){at + 1, (size_t)(rest.ptr + rest.len - at - 1)};
    }
    floe_str host = {0};
    floe_str port = {0};
    return split_host(rest, &host, &port) && (database.len == 0 || is_number_up_to(database, INT32_MAX));
}

/* The URL may hold a password, so no message repeats it. */
static void decode_redis(const floe_decoder *decoder, const floe_node *node, floe_online_def *online) {
    online->kind = FLOE_STORE_REDIS;
    if (!floe_decode_need_text(decoder, node, "url", "online", &online->url)) {
        return;
    }
    int line = floe_decode_line(node, "url");
    if (floe_str_starts_with(online->url, FLOE_STR("rediss://"))) {
        FLOE_FIND(decoder, line, FLOE_UNSUPPORTED,
                  "online: rediss:// (TLS) is not supported by this version; redis:// is");
    } else if (!floe_str_starts_with(online->url, FLOE_STR("redis://")) || !is_redis_url(online->url)) {
        FLOE_FIND(decoder, line, FLOE_INVALID, "online: url must be redis://[user:password@]host:port/db");
    }
}

static void refuse_key(const floe_decoder *decoder, const floe_node *node, const char *key, const char *owner) {
    if (floe_node_get(node, key) != NULL) {
        FLOE_FIND(decoder, floe_decode_line(node, key), FLOE_INVALID, "online: %s belongs to store: %s", key, owner);
    }
}

static void decode_store(const floe_decoder *decoder, const floe_node *node, const char *root,
                         floe_online_def *online) {
    static const char *const stores[] = {"embedded", "redis", "redis-cluster"};
    floe_str store = FLOE_STR("embedded");
    floe_decode_opt_text(decoder, node, "store", "online", &store);
    int line = floe_decode_line(node, "store");
    if (floe_str_is(store, "embedded")) {
        floe_str path = {0};
        refuse_key(decoder, node, "url", "redis");
        if (floe_decode_opt_text(decoder, node, "path", "online", &path)) {
            online->path = floe_decode_absolute(
                decoder, floe_decode_local_path(decoder, root, path, floe_decode_line(node, "path"), "online"));
        }
    } else if (floe_str_is(store, "redis")) {
        refuse_key(decoder, node, "path", "embedded");
        decode_redis(decoder, node, online);
    } else if (floe_str_is(store, "redis-cluster")) {
        FLOE_FIND(decoder, line, FLOE_UNSUPPORTED,
                  "online: store redis-cluster is not supported by this version; embedded and redis are");
    } else {
        FLOE_FIND(decoder, line, FLOE_INVALID, "online: unknown store `%.*s`%s", FLOE_STR_ARG(store),
                  floe_name_hint(decoder->arena, floe_str_nearest(store, stores, 3)));
    }
    if (!floe_str_is(store, "redis-cluster")) {
        refuse_key(decoder, node, "nodes", "redis-cluster");
    }
}

static void decode_online(const floe_decoder *decoder, const floe_node *root, floe_project *project) {
    static const char *const known[] = {"store", "path", "url", "nodes", "layout", NULL};
    const floe_node *node = floe_decode_member(root, "online");
    project->online = (floe_online_def){.kind = FLOE_STORE_EMBEDDED, .pos = floe_decoder_at(decoder, 0)};
    project->online.path = floe_decode_absolute(decoder, floe_path_join(decoder->arena, project->root, ".floe/online"));
    if (node == NULL) {
        return;
    }
    project->online.pos.line = node->line;
    if (!floe_decode_object(decoder, node, "online", known)) {
        return;
    }
    decode_store(decoder, node, project->root, &project->online);
    if (floe_node_get(node, "layout") != NULL) {
        FLOE_FIND(decoder, floe_decode_line(node, "layout"), FLOE_UNSUPPORTED,
                  "online: layout (another product's rows in Redis, such as feast) is not supported by this version");
    }
}

/* ---- search, server ---- */

/* The address may hold a secret, so no message repeats it. */
static void decode_embedder_service(const floe_decoder *decoder, const floe_node *node, floe_project *project) {
    floe_decode_need_text(decoder, node, "model", "search", &project->embedder_model);
    floe_decode_opt_text(decoder, node, "api_key", "search", &project->embedder_key);
    if (floe_decode_need_text(decoder, node, "url", "search", &project->embedder_url) &&
        !floe_str_starts_with(project->embedder_url, FLOE_STR("http://")) &&
        !floe_str_starts_with(project->embedder_url, FLOE_STR("https://"))) {
        FLOE_FIND(decoder, floe_decode_line(node, "url"), FLOE_INVALID,
                  "search: url must be that of an embeddings route, as in https://host/v1/embeddings");
    }
}

static void decode_search(const floe_decoder *decoder, const floe_node *root, floe_project *project) {
    static const char *const known[] = {"embedder", "abbreviations", "url", "model", "api_key", NULL};
    static const char *const embedders[] = {"none", "local", "http"};
    const floe_node *node = floe_decode_member(root, "search");
    project->embedder = FLOE_STR("local");
    if (node == NULL || !floe_decode_object(decoder, node, "search", known)) {
        return;
    }
    project->embedder_given = floe_decode_opt_text(decoder, node, "embedder", "search", &project->embedder);
    (void)floe_decode_opt_text(decoder, node, "abbreviations", "search", &project->abbreviations);
    if (floe_str_is(project->embedder, "http")) {
        decode_embedder_service(decoder, node, project);
        return;
    }
    if (!floe_str_is(project->embedder, "none") && !floe_str_is(project->embedder, "local")) {
        FLOE_FIND(decoder, floe_decode_line(node, "embedder"), FLOE_INVALID, "search: unknown embedder `%.*s`%s",
                  FLOE_STR_ARG(project->embedder),
                  floe_name_hint(decoder->arena, floe_str_nearest(project->embedder, embedders, 3)));
    }
    for (size_t i = 2; known[i] != NULL; i++) {
        if (floe_node_get(node, known[i]) != NULL) {
            FLOE_FIND(decoder, floe_decode_line(node, known[i]), FLOE_INVALID, "search: %s belongs to embedder: http",
                      known[i]);
        }
    }
}

static void decode_server(const floe_decoder *decoder, const floe_node *root, floe_project *project) {
    static const char *const known[] = {"listen", NULL};
    const floe_node *node = floe_decode_member(root, "server");
    project->listen_host = FLOE_STR("127.0.0.1");
    project->listen_port = 6566;
    floe_str listen = {0};
    if (node == NULL || !floe_decode_object(decoder, node, "server", known) ||
        !floe_decode_opt_text(decoder, node, "listen", "server", &listen)) {
        return;
    }
    floe_str host = {0};
    floe_str port_text = {0};
    int64_t port = 0;
    if (!split_host(listen, &host, &port_text) || floe_failed(floe_str_to_i64(port_text, &port, NULL))) {
        FLOE_FIND(decoder, floe_decode_line(node, "listen"), FLOE_INVALID,
                  "server: listen must be host:port, as in 127.0.0.1:6566, not `%.*s`", FLOE_STR_ARG(listen));
        return;
    }
    bool bracketed = host.ptr[0] == '[';
    project->listen_host = (floe_str){host.ptr + bracketed, host.len - 2 * (size_t)bracketed};
    project->listen_port = (uint16_t)port;
}

/* ---- the file ---- */

static void decode_registry(const floe_decoder *decoder, const floe_node *root, floe_project *project) {
    floe_str path = FLOE_STR(".floe/registry.db");
    floe_decode_opt_text(decoder, root, "registry", project_file, &path);
    const char *local =
        floe_decode_local_path(decoder, project->root, path, floe_decode_line(root, "registry"), "registry");
    project->registry = floe_decode_absolute(decoder, local).ptr;
}

static void decode_project(const floe_decoder *decoder, const floe_node *root, floe_project *project) {
    static const char *const known[] = {"project", "registry", "catalogs", "online", "search",
                                        "server",  "access",   "ask",      NULL};
    if (root->kind == FLOE_NODE_NULL) {
        FLOE_FIND(decoder, 1, FLOE_INVALID, "the file is empty; it needs at least `project: NAME`");
        return;
    }
    if (!floe_decode_object(decoder, root, project_file, known)) {
        return;
    }
    if (floe_decode_need_text(decoder, root, "project", project_file, &project->name) &&
        project->name.len > FLOE_LIMIT_NAME_BYTES) {
        FLOE_FIND(decoder, floe_decode_line(root, "project"), FLOE_LIMIT, "project: a name has at most %d bytes",
                  FLOE_LIMIT_NAME_BYTES);
    }
    decode_registry(decoder, root, project);
    floe_decode_catalogs(decoder, root, project);
    decode_online(decoder, root, project);
    decode_search(decoder, root, project);
    decode_server(decoder, root, project);
    floe_decode_access(decoder, root, project);
    floe_decode_ask(decoder, root, project);
}

floe_status floe_project_parse(floe_str text, floe_arena *arena, floe_project *project, floe_error *err) {
    const floe_node *tree = NULL;
    FLOE_TRY(floe_yaml_parse(arena, text, project_file, NULL, NULL, &tree, err));
    floe_findings findings = {.arena = arena};
    floe_decoder decoder = {.arena = arena, .findings = &findings, .file = project_file};
    decode_project(&decoder, tree, project);
    return floe_findings_report(&findings, err);
}

floe_status floe_project_load(const char *root, floe_arena *arena, const floe_project **ret_project, floe_error *err) {
    floe_project *project = floe_arena_alloc(arena, 1, sizeof *project);
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(floe_path_absolute(arena, root, &project->root, err));
    const char *path = floe_path_join(arena, project->root, project_file);
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(floe_file_exists(path), err, FLOE_NOT_FOUND,
                "there is no floe.yaml in %s; make a project with `floe init DIR`", project->root);
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_LIMIT_YAML_BYTES);
    FLOE_TRY(floe_file_read(path, &text, err));
    FLOE_TRY(floe_project_parse(floe_buf_view(&text), arena, project, err));
    *ret_project = project;
    return FLOE_OK;
}
