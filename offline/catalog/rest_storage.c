/*
 * The stores that the tables of a REST catalog lie in, and the keys that open them.
 *
 * Phases: what the project says, what the catalog's configuration says over it, what the answer about a table says over both →
 * a mirror. A table whose keys come from the catalog has a mirror of its own, which gets the newest keys each time the table is
 * loaded, and has it loaded when they run out; all other tables of one store share one.
 * Invariant: a table's mirror stays the same for as long as the catalog is open, so that paths under it, which name the copies of its
 * objects, stay comparable whatever the keys are by then.
 * Source: Iceberg REST catalog API, LoadTableResult: storage-credentials go before config, and of several the longest prefix counts.
 */
#include "offline/catalog/rest_int.h"

#include "core/limits.h"

typedef struct rest_store {
    floe_mirror *mirror;
    floe_storage_def storage; /* of a store that is shared: with its keys */
    floe_str location;        /* of the one table whose keys the catalog gives; empty: shared */
    floe_rest_stores *stores;
    floe_str namespace_name, table; /* of that table */
} rest_store;

static floe_str text_of(const floe_node *object, const char *key) {
    const floe_node *node = object == NULL ? NULL : floe_node_get(object, key);
    return node != NULL && node->kind == FLOE_NODE_STRING ? node->text : (floe_str){0};
}

/* ---- what is said ---- */

void floe_rest_storage(const floe_node *config, floe_storage_def *storage) {
    const struct {
        const char *key;
        floe_str *into;
    } texts[] = {{"s3.endpoint", &storage->endpoint},
                 {"client.region", &storage->region},
                 {"s3.region", &storage->region},
                 {"s3.access-key-id", &storage->access_key},
                 {"s3.secret-access-key", &storage->secret_key},
                 {"s3.session-token", &storage->session_token}};
    if (text_of(config, "s3.access-key-id").len > 0) {
        storage->session_token = (floe_str){0}; /* a token belongs to its key */
    }
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        floe_str text = text_of(config, texts[i].key);
        if (text.len > 0) {
            *texts[i].into = text;
            storage->given = true;
        }
    }
    floe_str style = text_of(config, "s3.path-style-access");
    if (style.len > 0) {
        storage->path_style = floe_str_is_nocase(style, "true");
    }
}

/* Milliseconds since 1970, as text or as a number; 0: nobody said, or it is no time. */
static int64_t until_of(const floe_node *config) {
    const char *const key = "s3.session-token-expires-at-ms";
    const floe_node *node = config == NULL ? NULL : floe_node_get(config, key);
    int64_t time_ms = node != NULL && node->kind == FLOE_NODE_INT ? node->as.integer : 0;
    floe_error ignored = {0};
    if (node != NULL && node->kind == FLOE_NODE_STRING) {
        FLOE_IGNORE(floe_str_to_i64(node->text, &time_ms, &ignored));
    }
    return time_ms > 0 && time_ms < INT64_MAX / 1000 ? time_ms * 1000 : 0;
}

/* Whether a location lies under a prefix: "s3" alone is all of the scheme, and s3a and s3n are other names of s3. */
static bool is_under(floe_str location, floe_str prefix) {
    const floe_str s3 = FLOE_STR("s3");
    bool are_s3 = floe_str_starts_with(location, s3) && floe_str_starts_with(prefix, s3);
    const char *rest = are_s3 ? memmem(location.ptr, location.len, "://", 3) : NULL;
    const char *under = are_s3 ? memmem(prefix.ptr, prefix.len, "://", 3) : NULL;
    if (rest == NULL || under == NULL) {
        return floe_str_starts_with(location, prefix);
    }
    return floe_str_starts_with((floe_str){rest, location.len - (size_t)(rest - location.ptr)},
                                (floe_str){under, prefix.len - (size_t)(under - prefix.ptr)});
}

/* The credentials that the answer has for a location; NULL: it has none. */
static floe_status find_credentials(const floe_node *answer, floe_str location, const floe_node **ret_config,
                                    floe_error *err) {
    const floe_node *list = floe_node_get(answer, "storage-credentials");
    size_t longest = 0;
    *ret_config = NULL;
    if (list == NULL || list->kind == FLOE_NODE_NULL) {
        return FLOE_OK;
    }
    FLOE_ENSURE(list->kind == FLOE_NODE_ARRAY, err, FLOE_CORRUPT,
                "the catalog's answer about a table: storage-credentials is no list");
    for (size_t i = 0; i < list->count; i++) {
        const floe_node *item = list->items[i];
        const floe_node *config = item->kind == FLOE_NODE_OBJECT ? floe_node_get(item, "config") : NULL;
        const floe_node *prefix = item->kind == FLOE_NODE_OBJECT ? floe_node_get(item, "prefix") : NULL;
        FLOE_ENSURE(config != NULL && config->kind == FLOE_NODE_OBJECT && prefix != NULL &&
                        prefix->kind == FLOE_NODE_STRING,
                    err, FLOE_CORRUPT,
                    "the catalog's answer about a table: one of its storage-credentials has no prefix or no config");
        if (is_under(location, prefix->text) && (*ret_config == NULL || prefix->text.len > longest)) {
            *ret_config = config;
            longest = prefix->text.len;
        }
    }
    return FLOE_OK;
}

static floe_status check_signing(const floe_node *config, const floe_storage_def *storage, floe_error *err) {
    bool remote = floe_str_is_nocase(text_of(config, "s3.remote-signing-enabled"), "true");
    FLOE_ENSURE(!remote || storage->access_key.len > 0, err, FLOE_UNSUPPORTED,
                "the catalog gives no keys for the table's files but would sign each request for them itself "
                "(s3.remote-signing-enabled), which floe does not ask for: have it give keys, or name them in the "
                "catalog's storage:");
    return FLOE_OK;
}

floe_status floe_rest_table_storage(const floe_node *answer, floe_str location, floe_rest_place *place,
                                    floe_error *err) {
    const floe_node *config = floe_node_get(answer, "config");
    const floe_node *credentials = NULL;
    floe_rest_storage(config, &place->storage);
    FLOE_TRY(find_credentials(answer, location, &credentials, err));
    floe_rest_storage(credentials, &place->storage);
    bool near = text_of(credentials, "s3.access-key-id").len > 0;
    place->vended = near || text_of(config, "s3.access-key-id").len > 0;
    place->until_us = until_of(near ? credentials : config);
    return check_signing(config, &place->storage, err);
}

/* ---- mirrors ---- */

static bool is_same_place(const floe_storage_def *a, const floe_storage_def *b) {
    return floe_str_equal(a->endpoint, b->endpoint) && floe_str_equal(a->region, b->region) &&
           a->path_style == b->path_style;
}

static bool is_same_storage(const floe_storage_def *a, const floe_storage_def *b) {
    return is_same_place(a, b) && floe_str_equal(a->access_key, b->access_key) &&
           floe_str_equal(a->secret_key, b->secret_key) && floe_str_equal(a->session_token, b->session_token);
}

static floe_storage_def kept_storage(floe_arena *arena, const floe_storage_def *storage, bool vended) {
    floe_storage_def kept = {.given = true,
                             .endpoint = floe_arena_str(arena, storage->endpoint),
                             .region = floe_arena_str(arena, storage->region),
                             .path_style = storage->path_style};
    if (!vended) {
        kept.access_key = floe_arena_str(arena, storage->access_key);
        kept.secret_key = floe_arena_str(arena, storage->secret_key);
        kept.session_token = floe_arena_str(arena, storage->session_token);
    }
    return kept;
}

/* The store that is open already; an answer without keys about a table that had some (that of a commit) means those. */
static const rest_store *find_store(const floe_rest_stores *stores, const floe_storage_def *storage, floe_str location,
                                    bool vended) {
    const rest_store *shared = NULL;
    for (size_t i = 0; i < stores->items.count; i++) {
        const rest_store *store = stores->items.items[i];
        bool own = store->location.len > 0 && floe_str_equal(store->location, location);
        if (own && (!vended || is_same_place(&store->storage, storage))) {
            return store;
        }
        shared = store->location.len == 0 && is_same_storage(&store->storage, storage) ? store : shared;
    }
    return vended ? NULL : shared;
}

static floe_s3_options options_of(const floe_rest_stores *stores, const floe_rest_place *place) {
    const floe_storage_def *storage = &place->storage;
    floe_s3_options options = {.endpoint = storage->endpoint,
                               .region = storage->region,
                               .path_style = storage->path_style,
                               .access_key = storage->access_key,
                               .secret_key = storage->secret_key,
                               .session_token = storage->session_token};
    if (!storage->given) {
        options = floe_s3_options_of_environment();
    }
    options.keys_until_us = place->vended ? place->until_us : 0;
    options.cancelled = stores->cancelled;
    options.ca_file = stores->ca_file;
    return options;
}

/* Of a mirror: the table whose keys have run out is asked about again. */
static floe_status renew(void *context, floe_error *err) {
    const rest_store *store = context;
    return store->stores->reload(store->stores->catalog, store->namespace_name, store->table, err);
}

static rest_store *make_store(floe_rest_stores *stores, const floe_rest_place *place, const floe_rest_table *table) {
    floe_arena *arena = &stores->arena;
    rest_store *store = floe_arena_alloc(arena, 1, sizeof(*store));
    if (store != NULL) {
        *store = (rest_store){.storage = kept_storage(arena, &place->storage, place->vended), .stores = stores};
    }
    if (store != NULL && place->vended) {
        store->location = floe_arena_str(arena, table->location);
        store->namespace_name = floe_arena_str(arena, table->namespace_name);
        store->table = floe_arena_str(arena, table->table);
    }
    return store;
}

static floe_status open_store(floe_rest_stores *stores, const floe_rest_place *place, const floe_rest_table *table,
                              floe_mirror **ret_mirror, floe_error *err) {
    floe_arena *arena = &stores->arena;
    floe_mirror_options wanted = {.s3 = options_of(stores, place)};
    rest_store *store = make_store(stores, place, table);
    FLOE_TRY(floe_arena_check(arena, err));
    if (place->vended) {
        wanted.realm = stores->realm;
        wanted.renewal = (floe_mirror_renewal){renew, store};
    }
    FLOE_TRY(floe_mirror_open(&wanted, &store->mirror, err));
    floe_ptrs_append(&stores->items, arena, store);
    floe_status status = floe_arena_check(arena, err);
    if (floe_failed(status)) {
        floe_mirror_close(&store->mirror);
        return status;
    }
    *ret_mirror = store->mirror;
    return FLOE_OK;
}

floe_status floe_rest_store_of(floe_rest_stores *stores, const floe_storage_def *known, const floe_rest_table *table,
                               floe_mirror **ret_mirror, floe_error *err) {
    floe_rest_place place = {.storage = *known};
    FLOE_TRY(floe_rest_table_storage(table->answer, table->location, &place, err));
    const rest_store *store = find_store(stores, &place.storage, table->location, place.vended);
    if (store == NULL) {
        return open_store(stores, &place, table, ret_mirror, err);
    }
    *ret_mirror = store->mirror;
    if (!place.vended) {
        return FLOE_OK;
    }
    floe_s3_options options = options_of(stores, &place);
    return floe_mirror_rekey(store->mirror, &options, err);
}

/* ---- open and close ---- */

floe_status floe_rest_stores_open(floe_rest_stores *stores, const floe_catalog_def *definition,
                                  const atomic_bool *cancelled, floe_error *err) {
    *stores = (floe_rest_stores){.cancelled = cancelled, .ca_file = definition->ca};
    floe_arena_init(&stores->arena, FLOE_MIB(64));
    floe_str credential = definition->credential;
    const char *colon = memchr(credential.ptr ? credential.ptr : "", ':', credential.len);
    floe_str who = {credential.ptr, colon == NULL ? 0 : (size_t)(colon - credential.ptr)};
    const char *realm = floe_arena_printf(&stores->arena, "%.*s\n%.*s\n%.*s", FLOE_STR_ARG(definition->uri),
                                          FLOE_STR_ARG(definition->warehouse), FLOE_STR_ARG(who));
    stores->realm = floe_str_of(realm ? realm : "");
    return floe_arena_check(&stores->arena, err);
}

void floe_rest_stores_close(floe_rest_stores *stores) {
    for (size_t i = 0; i < stores->items.count; i++) {
        rest_store *store = stores->items.items[i];
        floe_mirror_close(&store->mirror);
    }
    floe_arena_close(&stores->arena);
}
