/*
 * The REST catalog behind the seam.
 *
 * The server names a table's metadata file and, when it likes, the store and the credentials for its files; floe reads the
 * file itself. A commit sends the difference between two metadata documents, and the server decides. When its answer is
 * lost, the table is loaded again: the commit landed when what it adds is there and what it takes away is gone.
 */
#include "offline/catalog/rest.h"

#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/catalog/rest_int.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAMESPACE_DEPTH_MAX = 8, PAGES_MAX = 100000, EMPTY_PAGES_MAX = 1000 };
#define ANSWER_ARENA FLOE_GIB(1)

typedef struct rest_catalog {
    floe_catalog base;
    pthread_mutex_t lock; /* of the session: who moves objects comes for new keys from a thread of its own */
    floe_rest rest;
    floe_rest_stores stores;
} rest_catalog;

static rest_catalog *self_of(floe_catalog *catalog) {
    return (rest_catalog *)(void *)catalog;
}

static floe_str text_of(const floe_node *object, const char *key) {
    const floe_node *node = object == NULL ? NULL : floe_node_get(object, key);
    return node != NULL && node->kind == FLOE_NODE_STRING ? node->text : (floe_str){0};
}

static void let_go(pthread_mutex_t **held) {
    (void)pthread_mutex_unlock(*held);
}

static pthread_mutex_t *hold(floe_catalog *catalog) {
    pthread_mutex_t *lock = &self_of(catalog)->lock;
    (void)pthread_mutex_lock(lock);
    return lock;
}
#define HOLD(catalog) __attribute__((cleanup(let_go), unused)) pthread_mutex_t *held = hold(catalog)

/* ---- where files are ---- */

/* The mirror of a table; none for local files. */
static floe_status mirror_of(rest_catalog *self, const floe_rest_table *table, floe_mirror **ret_mirror,
                             floe_error *err) {
    *ret_mirror = NULL;
    if (!floe_path_is_object(table->location)) {
        return FLOE_OK;
    }
    return floe_rest_store_of(&self->stores, &self->rest.storage, table, ret_mirror, err);
}

/* ---- load ---- */

static const char *table_path(floe_catalog *catalog, floe_arena *arena, floe_str namespace_name, floe_str table) {
    const char *space = floe_rest_namespace(&self_of(catalog)->rest, arena, namespace_name);
    const char *name = floe_rest_encode(arena, table);
    return floe_arena_printf(arena, "namespaces/%s/tables/%s", space ? space : "", name ? name : "");
}

static floe_status load(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                        const floe_node **ret_answer, floe_error *err) {
    floe_rest_call call = {
        .method = "GET", .path = table_path(catalog, arena, namespace_name, table), .delegate = true};
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_rest_ask(&self_of(catalog)->rest, &call, arena, ret_answer, err);
}

/* The entry, which names its table already. */
static floe_status entry_of(floe_catalog *catalog, const floe_node *answer, floe_arena *arena,
                            floe_catalog_entry *entry, floe_error *err) {
    floe_str file = {0};
    FLOE_ENSURE(answer != NULL, err, FLOE_CORRUPT, "the catalog's answer about a table is empty");
    FLOE_TRY(floe_node_need_str(answer, "metadata-location", "the catalog's answer about a table", &file, err));
    floe_str location = text_of(floe_node_get(answer, "metadata"), "location");
    floe_rest_table table = {.namespace_name = entry->namespace_name,
                             .table = entry->table,
                             .answer = answer,
                             .location = floe_path_is_object(location) ? location : file};
    FLOE_TRY(mirror_of(self_of(catalog), &table, &entry->mirror, err));
    floe_moved here = catalog->moved;
    here.mirror = entry->mirror;
    entry->location = floe_arena_strndup(arena, location.ptr ? location.ptr : "", location.len);
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_path_resolve(&here, file, arena, &entry->metadata_path, err);
}

static floe_status locate(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                          floe_catalog_entry *ret_entry, floe_error *err) {
    FLOE_AUTO_ARENA answers = {0};
    const floe_node *answer = NULL;
    floe_catalog_entry entry = {.namespace_name = namespace_name, .table = table};
    floe_arena_init(&answers, ANSWER_ARENA);
    FLOE_TRY(floe_rest_ready(&self_of(catalog)->rest, err));
    floe_status status = load(catalog, namespace_name, table, &answers, &answer, err);
    if (!floe_failed(status)) {
        status = entry_of(catalog, answer, arena, &entry, err);
    }
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "table %.*s.%.*s.%.*s", FLOE_STR_BRIEF(catalog->name),
                                 FLOE_STR_BRIEF(namespace_name), FLOE_STR_BRIEF(table));
    }
    *ret_entry = entry;
    return FLOE_OK;
}

static floe_status rest_locate(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                               floe_catalog_entry *ret_entry, floe_error *err) {
    HOLD(catalog);
    return locate(catalog, namespace_name, table, arena, ret_entry, err);
}

/* ---- list ---- */

typedef struct listing {
    rest_catalog *self;
    floe_arena *arena;
    floe_catalog_entry *entries;
    size_t count, capacity;
    size_t taken; /* names that were listed, of tables and of namespaces */
} listing;

typedef floe_status (*page_fn)(listing *into, const floe_node *answer, floe_str namespace_name, unsigned depth,
                               floe_error *err);

/* Every page of a listing. */
static floe_status each_page(listing *into, const char *path, floe_str namespace_name, unsigned depth, page_fn take,
                             floe_error *err) {
    bool has_query = strchr(path, '?') != NULL;
    floe_str token = {0};
    size_t empty = 0; /* pages without anything, one after the other */
    for (size_t page = 0; page < PAGES_MAX && empty < EMPTY_PAGES_MAX; page++) {
        const floe_node *answer = NULL;
        size_t before = into->taken;
        const char *encoded = floe_rest_encode(into->arena, token);
        const char *whole = floe_arena_printf(into->arena, "%s%s%s%s", path,
                                              token.len == 0 ? ""
                                              : has_query    ? "&"
                                                             : "?",
                                              token.len == 0 ? "" : "pageToken=", encoded ? encoded : "");
        FLOE_TRY(floe_arena_check(into->arena, err));
        floe_rest_call call = {.method = "GET", .path = whole};
        FLOE_TRY(floe_rest_ask(&into->self->rest, &call, into->arena, &answer, err));
        FLOE_TRY(take(into, answer, namespace_name, depth, err));
        empty = into->taken == before ? empty + 1 : 0;
        floe_str next = text_of(answer, "next-page-token");
        if (next.len == 0) {
            return FLOE_OK;
        }
        FLOE_ENSURE(!floe_str_equal(next, token), err, FLOE_CORRUPT,
                    "the catalog's listing %s names the same next page again and again", path);
        token = next;
    }
    return FLOE_FAIL(err, FLOE_LIMIT, "the catalog's listing %s has no end: %s", path,
                     empty < EMPTY_PAGES_MAX ? "100,000 pages came"
                                             : "1,000 empty pages came, each with a further one");
}

/* A list of an answer, NULL where it has none. Errors: CORRUPT for what is no list. */
static floe_status need_list(const floe_node *answer, const char *key, const floe_node **ret_list, floe_error *err) {
    *ret_list = answer == NULL ? NULL : floe_node_get(answer, key);
    FLOE_ENSURE(*ret_list == NULL || (*ret_list)->kind == FLOE_NODE_ARRAY, err, FLOE_CORRUPT,
                "the catalog's listing: %s is no list", key);
    return FLOE_OK;
}

/* A reference is cut at its dots, so that none can name what has one within. */
static bool has_dot(floe_str name) {
    return memchr(name.ptr, '.', name.len) != NULL;
}

static floe_status take_tables(listing *into, const floe_node *answer, floe_str namespace_name, unsigned depth,
                               floe_error *err) {
    const floe_node *identifiers = NULL;
    (void)depth;
    FLOE_TRY(need_list(answer, "identifiers", &identifiers, err));
    for (size_t i = 0; identifiers != NULL && i < identifiers->count; i++) {
        floe_str name = {0};
        FLOE_TRY(floe_node_need_str(identifiers->items[i], "name", "a table of the catalog's listing", &name, err));
        into->taken++;
        if (has_dot(name)) {
            continue;
        }
        floe_catalog_entry *entry = FLOE_ARENA_PUSH(into->arena, into->entries, into->count, into->capacity);
        FLOE_TRY(floe_arena_check(into->arena, err));
        floe_status status = locate(&into->self->base, namespace_name, name, into->arena, entry, err);
        if (status.code == FLOE_NOT_FOUND) { /* dropped since it was listed */
            *err = (floe_error){0};
            into->count--;
            continue;
        }
        FLOE_TRY(status);
    }
    return FLOE_OK;
}

static floe_status walk_namespaces(listing *into, floe_str parent, unsigned depth, floe_error *err);

/* The levels of a namespace → "a.b". */
static floe_status join_levels(floe_arena *arena, const floe_node *levels, floe_str *ret_name, floe_error *err) {
    FLOE_AUTO_BUF name = {0};
    floe_buf_init(&name, FLOE_KIB(64));
    bool right = levels->kind == FLOE_NODE_ARRAY && levels->count > 0;
    for (size_t i = 0; right && i < levels->count; i++) {
        right = levels->items[i]->kind == FLOE_NODE_STRING && levels->items[i]->text.len > 0;
        floe_buf_text(&name, i == 0 ? "" : ".");
        floe_buf_str(&name, right ? levels->items[i]->text : (floe_str){0});
    }
    FLOE_ENSURE(right, err, FLOE_CORRUPT, "the catalog's listing: a namespace is no list of names");
    FLOE_TRY(floe_buf_check(&name, err));
    *ret_name = floe_arena_str(arena, floe_buf_view(&name));
    return floe_arena_check(arena, err);
}

static bool has_dotted_level(const floe_node *levels) {
    for (size_t i = 0; i < levels->count; i++) {
        if (has_dot(levels->items[i]->text)) {
            return true;
        }
    }
    return false;
}

static floe_status take_namespaces(listing *into, const floe_node *answer, floe_str parent, unsigned depth,
                                   floe_error *err) {
    const floe_node *names = NULL;
    (void)parent;
    FLOE_TRY(need_list(answer, "namespaces", &names, err));
    for (size_t i = 0; names != NULL && i < names->count; i++) {
        floe_str name = {0};
        into->taken++;
        FLOE_TRY(join_levels(into->arena, names->items[i], &name, err));
        if (has_dotted_level(names->items[i])) {
            continue;
        }
        const char *space = floe_rest_namespace(&into->self->rest, into->arena, name);
        const char *path = floe_arena_printf(into->arena, "namespaces/%s/tables", space ? space : "");
        FLOE_TRY(floe_arena_check(into->arena, err));
        FLOE_TRY(each_page(into, path, name, depth, take_tables, err));
        FLOE_TRY(walk_namespaces(into, name, depth + 1, err));
    }
    return FLOE_OK;
}

static floe_status walk_namespaces(listing *into, floe_str parent, unsigned depth, floe_error *err) {
    if (depth > NAMESPACE_DEPTH_MAX) {
        return FLOE_OK;
    }
    const char *space = parent.len == 0 ? "" : floe_rest_namespace(&into->self->rest, into->arena, parent);
    const char *path =
        floe_arena_printf(into->arena, "namespaces%s%s", parent.len == 0 ? "" : "?parent=", space ? space : "");
    FLOE_TRY(floe_arena_check(into->arena, err));
    return each_page(into, path, parent, depth, take_namespaces, err);
}

static int compare_entries(const void *a, const void *b) {
    const floe_catalog_entry *x = a;
    const floe_catalog_entry *y = b;
    int order = floe_str_compare(x->namespace_name, y->namespace_name);
    return order != 0 ? order : floe_str_compare(x->table, y->table);
}

static floe_status rest_list(floe_catalog *catalog, floe_arena *arena, const floe_catalog_entry **ret_entries,
                             size_t *ret_count, floe_error *err) {
    HOLD(catalog);
    floe_error failure = {0};
    listing into = {.self = self_of(catalog), .arena = arena};
    FLOE_TRY(floe_rest_ready(&self_of(catalog)->rest, err));
    floe_status status = walk_namespaces(&into, (floe_str){0}, 0, &failure);
    if (floe_failed(status)) {
        return FLOE_FAIL(err, failure.code, "%s", failure.message);
    }
    if (into.count > 0) {
        qsort(into.entries, into.count, sizeof(*into.entries), compare_entries);
    }
    *ret_entries = into.entries;
    *ret_count = into.count;
    return FLOE_OK;
}

/* ---- a new table ---- */

static void put_namespace(floe_json_writer *writer, floe_str namespace_name) {
    floe_str part = {0};
    floe_json_array_begin(writer);
    while (floe_str_split(&namespace_name, '.', &part)) {
        floe_json_string(writer, part);
    }
    floe_json_array_end(writer);
}

/* One that is there already is as good. */
static floe_status make_namespace(floe_catalog *catalog, floe_str namespace_name, floe_arena *arena, floe_error *err) {
    FLOE_AUTO_BUF body = {0};
    floe_error failure = {0};
    const floe_node *answer = NULL;
    floe_buf_init(&body, FLOE_KIB(64));
    floe_json_writer writer = floe_json_writer_of(&body);
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "namespace");
    put_namespace(&writer, namespace_name);
    floe_json_object_end(&writer);
    FLOE_TRY(floe_buf_check(&body, err));
    floe_rest_call call = {.method = "POST", .path = "namespaces", .body = floe_buf_view(&body)};
    floe_status status = floe_rest_ask(&self_of(catalog)->rest, &call, arena, &answer, &failure);
    if (floe_failed(status) && status.code != FLOE_CONFLICT) {
        return FLOE_FAIL(err, failure.code, "%s", failure.message);
    }
    return FLOE_OK;
}

/* Asks where a table would lie, with a schema that stands for the real one: a staged creation leaves nothing behind. */
static floe_status stage(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                         const floe_node **ret_answer, floe_error *err) {
    FLOE_AUTO_BUF body = {0};
    floe_buf_init(&body, FLOE_KIB(64));
    floe_json_writer writer = floe_json_writer_of(&body);
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "name");
    floe_json_string(&writer, table);
    floe_json_key(&writer, "stage-create");
    floe_json_bool(&writer, true);
    floe_json_key(&writer, "schema");
    floe_json_raw(&writer, FLOE_STR("{\"type\":\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"a\","
                                    "\"type\":\"int\",\"required\":false}]}"));
    floe_json_object_end(&writer);
    FLOE_TRY(floe_buf_check(&body, err));
    const char *space = floe_rest_namespace(&self_of(catalog)->rest, arena, namespace_name);
    const char *path = floe_arena_printf(arena, "namespaces/%s/tables", space ? space : "");
    FLOE_TRY(floe_arena_check(arena, err));
    floe_rest_call call = {.method = "POST", .path = path, .body = floe_buf_view(&body), .delegate = true};
    return floe_rest_ask(&self_of(catalog)->rest, &call, arena, ret_answer, err);
}

static floe_status rest_location(floe_catalog *catalog, floe_str namespace_name, floe_str table, floe_arena *arena,
                                 const char **ret_location, floe_error *err) {
    HOLD(catalog);
    FLOE_AUTO_ARENA answers = {0};
    const floe_node *answer = NULL;
    floe_error missing = {0};
    floe_arena_init(&answers, ANSWER_ARENA);
    FLOE_TRY(floe_rest_ready(&self_of(catalog)->rest, err));
    floe_status status = stage(catalog, namespace_name, table, &answers, &answer, &missing);
    if (status.code == FLOE_NOT_FOUND) {
        FLOE_TRY(make_namespace(catalog, namespace_name, &answers, err));
        status = stage(catalog, namespace_name, table, &answers, &answer, err);
        FLOE_TRY(status);
    } else if (status.code == FLOE_CONFLICT) {
        FLOE_TRY(load(catalog, namespace_name, table, &answers, &answer, err));
    } else if (floe_failed(status)) {
        return FLOE_FAIL(err, missing.code, "%s", missing.message);
    }
    floe_str location = text_of(answer == NULL ? NULL : floe_node_get(answer, "metadata"), "location");
    FLOE_ENSURE(location.len > 0, err, FLOE_CORRUPT, "the catalog does not say where the table %.*s would lie",
                FLOE_STR_BRIEF(table));
    floe_rest_table known = {namespace_name, table, answer, location};
    FLOE_TRY(mirror_of(self_of(catalog), &known, &catalog->mirror, err));
    *ret_location = floe_arena_strndup(arena, location.ptr, location.len);
    return floe_arena_check(arena, err);
}

/* ---- keys that run out ---- */

/* The answer about a table that is there, or about one that is being made. Its mirror gets the keys; what it says else is left. */
static floe_status reload(void *context, floe_str namespace_name, floe_str table, floe_error *err) {
    floe_catalog *catalog = context;
    HOLD(catalog);
    FLOE_AUTO_ARENA answers = {0};
    const floe_node *answer = NULL;
    floe_mirror *ignored = NULL;
    floe_error missing = {0};
    floe_arena_init(&answers, ANSWER_ARENA);
    floe_status status = load(catalog, namespace_name, table, &answers, &answer, &missing);
    if (status.code == FLOE_NOT_FOUND) {
        FLOE_TRY(stage(catalog, namespace_name, table, &answers, &answer, err));
    } else if (floe_failed(status)) {
        return FLOE_FAIL(err, missing.code, "%s", missing.message);
    }
    const floe_node *metadata = answer == NULL ? NULL : floe_node_get(answer, "metadata");
    floe_str location = text_of(metadata, "location");
    location = floe_path_is_object(location) ? location : text_of(answer, "metadata-location");
    FLOE_ENSURE(location.len > 0, err, FLOE_CORRUPT, "the catalog does not say where the table %.*s lies",
                FLOE_STR_BRIEF(table));
    floe_rest_table known = {namespace_name, table, answer, location};
    return mirror_of(self_of(catalog), &known, &ignored, err);
}

/* ---- commit ---- */

/* What a commit takes the table from (NULL: it is made) and to. */
typedef struct change {
    const floe_node *base, *next;
} change;

/* The state that the writer started from, when it is still the table's. */
static floe_status read_base(floe_catalog *catalog, const floe_catalog_commit_request *request, floe_arena *arena,
                             const floe_node **ret_base, floe_error *err) {
    const floe_node *answer = NULL;
    floe_catalog_entry entry = {.namespace_name = request->namespace_name, .table = request->table};
    FLOE_TRY(load(catalog, request->namespace_name, request->table, arena, &answer, err));
    FLOE_TRY(entry_of(catalog, answer, arena, &entry, err));
    FLOE_ENSURE(strcmp(entry.metadata_path, request->base_metadata_path) == 0, err, FLOE_CONFLICT,
                "table %.*s.%.*s.%.*s was changed by somebody else; try again", FLOE_STR_BRIEF(catalog->name),
                FLOE_STR_BRIEF(request->namespace_name), FLOE_STR_BRIEF(request->table));
    *ret_base = floe_node_get(answer, "metadata");
    FLOE_ENSURE(*ret_base != NULL, err, FLOE_CORRUPT, "the catalog's answer about a table holds no metadata");
    return FLOE_OK;
}

static size_t count_of(const floe_node *list) {
    return list == NULL || list->kind != FLOE_NODE_ARRAY ? 0 : list->count;
}

static int64_t id_of(const floe_node *snapshot) {
    const floe_node *id = floe_node_get(snapshot, "snapshot-id");
    return id != NULL && id->kind == FLOE_NODE_INT ? id->as.integer : -1;
}

static bool has_snapshot(const floe_node *metadata, int64_t id) {
    const floe_node *list = metadata == NULL ? NULL : floe_node_get(metadata, "snapshots");
    for (size_t i = 0; i < count_of(list); i++) {
        if (id_of(list->items[i]) == id) {
            return true;
        }
    }
    return false;
}

/* Of the snapshots that are in `with` and not in `without`, how many are in `found`; *ret_count: how many there are. */
static size_t found_of(const floe_node *with, const floe_node *without, const floe_node *found, size_t *ret_count) {
    const floe_node *list = with == NULL ? NULL : floe_node_get(with, "snapshots");
    size_t there = 0;
    *ret_count = 0;
    for (size_t i = 0; i < count_of(list); i++) {
        int64_t id = id_of(list->items[i]);
        if (!has_snapshot(without, id)) {
            *ret_count += 1;
            there += has_snapshot(found, id);
        }
    }
    return there;
}

static bool has_ref(const floe_node *metadata, floe_str name) {
    const floe_node *refs = metadata == NULL ? NULL : floe_node_get(metadata, "refs");
    for (size_t i = 0; refs != NULL && refs->kind == FLOE_NODE_OBJECT && i < refs->count; i++) {
        if (floe_str_equal(refs->members[i].key, name)) {
            return true;
        }
    }
    return false;
}

/* Of the refs that the change takes away, how many are still there. */
static size_t refs_left(const floe_node *base, const floe_node *next, const floe_node *found, size_t *ret_count) {
    const floe_node *refs = base == NULL ? NULL : floe_node_get(base, "refs");
    size_t left = 0;
    *ret_count = 0;
    for (size_t i = 0; refs != NULL && refs->kind == FLOE_NODE_OBJECT && i < refs->count; i++) {
        if (!has_ref(next, refs->members[i].key)) {
            *ret_count += 1;
            left += has_ref(found, refs->members[i].key);
        }
    }
    return left;
}

/* Whether the change is in what the catalog holds now: every snapshot that it adds is there, and none of the snapshots and refs
 * that it takes away. A change that does neither leaves no trace to be told by. */
static bool has_landed(const floe_node *base, const floe_node *next, const floe_node *found) {
    size_t added = 0;
    size_t removed = 0;
    size_t refs = 0;
    bool all_there = found_of(next, base, found, &added) == added;
    bool all_gone = found_of(base, next, found, &removed) == 0 && refs_left(base, next, found, &refs) == 0;
    return all_there && all_gone && added + removed + refs > 0;
}

/* Whether an answer says that the commit did not land, even where that cannot be looked up. */
static bool is_refusal(floe_code code) {
    return code != FLOE_UNAVAILABLE && code != FLOE_TIMEOUT && code != FLOE_CANCELLED && code != FLOE_CONFLICT;
}

/* The answer was lost, or the commit was refused, as a second arrival of it would be too (something on the way may send a request
 * twice). Looks whether it landed. Errors: what was lost, when it did not; UNAVAILABLE when that cannot be found out either: then
 * files of the commit must stay. */
static floe_status find_out(floe_catalog *catalog, const floe_catalog_commit_request *request, const change *sent,
                            const floe_error *lost, floe_arena *arena, floe_catalog_entry *ret_entry, floe_error *err) {
    const floe_node *answer = NULL;
    floe_error failure = {0};
    floe_status status = load(catalog, request->namespace_name, request->table, arena, &answer, &failure);
    if (!floe_failed(status) && has_landed(sent->base, sent->next, floe_node_get(answer, "metadata"))) {
        return entry_of(catalog, answer, arena, ret_entry, err);
    }
    if (!floe_failed(status) || status.code == FLOE_NOT_FOUND || is_refusal(lost->code)) {
        return FLOE_FAIL(err, lost->code, "%s", lost->message);
    }
    catalog->commit_is_unknown = true;
    return FLOE_FAIL(err, FLOE_UNAVAILABLE,
                     "%s; whether the commit landed is not known, so its files are kept: look at the table before you "
                     "try again",
                     lost->message);
}

static floe_status send_change(floe_catalog *catalog, const floe_catalog_commit_request *request, floe_str body,
                               floe_arena *arena, const floe_node **ret_answer, floe_error *err) {
    floe_rest_call call = {.method = "POST",
                           .path = table_path(catalog, arena, request->namespace_name, request->table),
                           .body = body,
                           .once = true};
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_rest_ask(&self_of(catalog)->rest, &call, arena, ret_answer, err);
}

static floe_status put_commit(const floe_catalog_commit_request *request, const floe_node *base, const floe_node *next,
                              floe_buf *out, floe_error *err) {
    floe_json_writer writer = floe_json_writer_of(out);
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "identifier");
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "namespace");
    put_namespace(&writer, request->namespace_name);
    floe_json_key(&writer, "name");
    floe_json_string(&writer, request->table);
    floe_json_object_end(&writer);
    FLOE_TRY(floe_rest_change(base, next, &writer, err));
    floe_json_object_end(&writer);
    return floe_buf_check(out, err);
}

static floe_status commit_in(floe_catalog *catalog, const floe_catalog_commit_request *request, floe_arena *arena,
                             floe_catalog_entry *entry, floe_error *err) {
    FLOE_AUTO_BUF body = {0};
    change sent = {0};
    const floe_node *answer = NULL;
    floe_error failure = {0};
    floe_buf_init(&body, FLOE_LIMIT_METADATA_BYTES);
    FLOE_TRY(floe_json_parse(arena, request->metadata_json, &sent.next, err));
    if (request->base_metadata_path != NULL) {
        FLOE_TRY(read_base(catalog, request, arena, &sent.base, err));
    }
    FLOE_TRY(put_commit(request, sent.base, sent.next, &body, err));
    floe_status status = send_change(catalog, request, floe_buf_view(&body), arena, &answer, &failure);
    if (!floe_failed(status)) {
        return entry_of(catalog, answer, arena, entry, err);
    }
    if (status.code == FLOE_CONFLICT) {
        floe_error refused = {0};
        FLOE_IGNORE(FLOE_FAIL(&refused, FLOE_CONFLICT, "table %.*s.%.*s.%.*s %s (%s)", FLOE_STR_BRIEF(catalog->name),
                              FLOE_STR_BRIEF(request->namespace_name), FLOE_STR_BRIEF(request->table),
                              sent.base == NULL ? "exists already" : "was changed by somebody else; try again",
                              failure.message));
        return find_out(catalog, request, &sent, &refused, arena, entry, err);
    }
    return find_out(catalog, request, &sent, &failure, arena, entry, err);
}

static floe_status rest_commit(floe_catalog *catalog, const floe_catalog_commit_request *request, floe_arena *arena,
                               const char **ret_metadata_path, floe_error *err) {
    HOLD(catalog);
    FLOE_AUTO_ARENA answers = {0};
    floe_catalog_entry entry = {.namespace_name = request->namespace_name, .table = request->table};
    floe_arena_init(&answers, ANSWER_ARENA);
    FLOE_TRY(floe_rest_ready(&self_of(catalog)->rest, err));
    FLOE_TRY(commit_in(catalog, request, &answers, &entry, err));
    *ret_metadata_path = floe_arena_strdup(arena, entry.metadata_path);
    return floe_arena_check(arena, err);
}

/* ---- open and close ---- */

static void close_self(rest_catalog *self) {
    floe_rest_stores_close(&self->stores);
    floe_rest_close(&self->rest);
    (void)pthread_mutex_destroy(&self->lock);
    floe_free(self);
}

static void rest_close(floe_catalog *catalog) {
    close_self(self_of(catalog));
}

floe_status floe_rest_catalog_open(const floe_catalog_def *definition, const atomic_bool *cancelled,
                                   floe_catalog **ret_catalog, floe_error *err) {
    static const floe_catalog_ops OPS = {
        .list = rest_list,
        .locate = rest_locate,
        .location = rest_location,
        .commit = rest_commit,
        .close = rest_close,
    };
    rest_catalog *self = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*self), &self, err));
    self->base.ops = &OPS;
    self->base.name = definition->name;
    self->base.moved = (floe_moved){definition->moved_from, definition->moved_to, NULL};
    (void)pthread_mutex_init(&self->lock, NULL);
    floe_status status = floe_rest_stores_open(&self->stores, definition, cancelled, err);
    self->stores.reload = reload;
    self->stores.catalog = &self->base;
    if (!floe_failed(status)) {
        status = floe_rest_open(&self->rest, definition, cancelled, err);
    }
    if (floe_failed(status)) {
        close_self(self);
        return status;
    }
    *ret_catalog = &self->base;
    return FLOE_OK;
}
