/*
 * Objects that the engine reads by itself, through DuckDB's httpfs.
 *
 * Phases: the extension is looked for once and loaded from its file → per place, a bucket or the part of it that a table's keys are
 * for, a secret that holds there alone. The engine keeps secrets in memory only. Keys that a store refuses are followed by others, where the
 * place has any: a statement that begins after that has them, one that goes on does not.
 */
#include "offline/engine/duckdb_int.h"

#include "core/file.h"
#include "core/hash.h"
#include "core/limits.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#define PLATFORM "linux_amd64"
#else
#define PLATFORM "linux_arm64"
#endif
#define NAME "httpfs.duckdb_extension"

/* ---- the extension ---- */

static const char *beside_library(floe_arena *arena) {
    Dl_info about = {0};
    const char *folder = NULL;
    void *of = (void *)(uintptr_t)duckdb_library_version;
    if (dladdr(of, &about) != 0 && about.dli_fname) {
        folder = floe_path_dirname(arena, about.dli_fname);
    }
    return folder ? floe_arena_printf(arena, "%s/" NAME, folder) : NULL;
}

/* The extension's file, or NULL: it is not on this machine. */
static const char *find_extension(floe_arena *arena) {
    const char *given = getenv("FLOE_HTTPFS");
    const char *home = getenv("HOME");
    if (given) {
        return given[0] ? floe_arena_strdup(arena, given) : NULL;
    }
    const char *const places[] = {
        home ? floe_arena_printf(arena, "%s/.duckdb/extensions/%s/" PLATFORM "/" NAME, home, duckdb_library_version())
             : NULL,
        beside_library(arena)};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (places[i] && floe_file_exists(places[i])) {
            return places[i];
        }
    }
    return NULL;
}

/* Certificates are checked against the system's, which the extension does not do unless told. */
static void put_settings(floe_buf *out) {
    static const char *const CERTIFICATES[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                               "/etc/ssl/cert.pem"};
    const char *bundle = getenv("AWS_CA_BUNDLE");
    const char *file = bundle && bundle[0] ? bundle : getenv("SSL_CERT_FILE");
    for (size_t i = 0; !file && i < sizeof CERTIFICATES / sizeof *CERTIFICATES; i++) {
        file = floe_file_exists(CERTIFICATES[i]) ? CERTIFICATES[i] : NULL;
    }
    floe_buf_text(out, "SET GLOBAL enable_server_cert_verification = true; SET GLOBAL http_timeout = 120; "
                       "SET GLOBAL enable_http_metadata_cache = true;");
    if (file) {
        floe_buf_text(out, "SET GLOBAL ca_cert_file = ");
        floe_sql_quote_text(out, floe_str_of(file));
        floe_buf_byte(out, ';');
    }
}

static floe_status load(floe_session *session, bool *ret_loaded, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_BUF sql = {0};
    floe_arena_init(&arena, FLOE_KIB(64));
    floe_buf_init(&sql, FLOE_KIB(64));
    const char *path = find_extension(&arena);
    FLOE_TRY(floe_arena_check(&arena, err));
    *ret_loaded = false;
    if (!path) {
        return FLOE_OK;
    }
    floe_buf_text(&sql, "LOAD ");
    floe_sql_quote_text(&sql, floe_str_of(path));
    floe_buf_byte(&sql, ';');
    put_settings(&sql);
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_status status = floe_session_run(session, sql.ptr, NULL, NULL, err);
    *ret_loaded = !floe_failed(status);
    return floe_failed(status) ? floe_error_prefix(err, status, "the engine's extension httpfs") : status;
}

/* ---- places ---- */

/* "https://host:port/" → "host:port", and whether it is to be spoken to in TLS. */
static floe_str host_of(const floe_engine_store *store, bool *ret_tls) {
    floe_str host = store->endpoint;
    *ret_tls = !floe_str_starts_with(host, FLOE_STR("http://"));
    const char *after = host.len == 0 ? NULL : memmem(host.ptr, host.len, "://", 3);
    if (after) {
        host = (floe_str){after + 3, host.len - (size_t)(after + 3 - host.ptr)};
    }
    while (host.len > 0 && host.ptr[host.len - 1] == '/') {
        host.len--;
    }
    return host;
}

static void put_option(floe_buf *out, const char *name, floe_str value) {
    if (value.len > 0) {
        floe_buf_printf(out, ", %s ", name);
        floe_sql_quote_text(out, value);
    }
}

static void put_scope(const floe_engine_store *store, floe_buf *out) {
    floe_buf_printf(out, "s3://%.*s/%.*s", FLOE_STR_ARG(store->bucket), FLOE_STR_ARG(store->prefix));
}

/* A bucket with dots is no label of a host, and no certificate is for it. */
static bool in_path(const floe_engine_store *store, bool tls) {
    return store->path_style || (tls && memchr(store->bucket.ptr, '.', store->bucket.len) != NULL);
}

static void put_secret(const floe_engine_store *store, int number, floe_buf *out) {
    bool tls = true;
    floe_str host = host_of(store, &tls);
    FLOE_AUTO_BUF scope = {0};
    floe_buf_init(&scope, FLOE_KIB(64));
    put_scope(store, &scope);
    floe_buf_printf(out, "CREATE OR REPLACE TEMPORARY SECRET floe_store_%d (TYPE s3, PROVIDER config", number);
    put_option(out, "SCOPE", floe_buf_view(&scope));
    put_option(out, "KEY_ID", store->access_key);
    put_option(out, "SECRET", store->secret_key);
    put_option(out, "SESSION_TOKEN", store->session_token);
    put_option(out, "REGION", store->region.len > 0 ? store->region : FLOE_STR("us-east-1"));
    put_option(out, "ENDPOINT", host);
    floe_buf_printf(out, ", URL_STYLE '%s', USE_SSL %s)", in_path(store, tls) ? "path" : "vhost",
                    tls ? "true" : "false");
}

/* The place's number; -1: its name is another endpoint's, or there are too many. */
static int number_of(floe_reached *reached, const floe_engine_store *store) {
    FLOE_AUTO_BUF scope = {0};
    floe_buf_init(&scope, FLOE_KIB(64));
    put_scope(store, &scope);
    uint64_t place = floe_xxh64(scope.ptr, scope.len, 0);
    uint64_t endpoint = floe_xxh64(store->endpoint.ptr, store->endpoint.len, store->path_style ? 2 : 1);
    for (size_t i = 0; i < reached->count; i++) {
        if (reached->places[i] == place) {
            return reached->endpoints[i] == endpoint ? (int)i : -1;
        }
    }
    if (reached->count >= FLOE_REACHED_MAX) {
        return -1;
    }
    reached->places[reached->count] = place;
    reached->endpoints[reached->count] = endpoint;
    return (int)reached->count++;
}

/* The extension cannot speak to an endpoint with a path of its own, and trusts the same certificates everywhere. */
static bool is_plain_endpoint(const floe_engine_store *store) {
    bool tls = true;
    floe_str host = host_of(store, &tls);
    return !store->own_ca && (host.len == 0 || memchr(host.ptr, '/', host.len) == NULL);
}

static floe_status give_keys(floe_session *session, const floe_engine_store *store, int number, floe_error *err) {
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_KIB(64));
    put_secret(store, number, &sql);
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_error failure = {0}; /* the engine's words may hold the statement, and that the keys */
    floe_status status = floe_session_run(session, sql.ptr, NULL, NULL, &failure);
    FLOE_ENSURE(!floe_failed(status), err, status.code, "the engine does not take the keys of the bucket %.*s",
                FLOE_STR_BRIEF(store->bucket));
    return FLOE_OK;
}

/* Keeps what is needed to renew the keys of a place. */
static floe_status remember(floe_reached *reached, int number, const floe_engine_store *store, floe_error *err) {
    floe_engine_store **kept = &reached->renewed[number];
    if (*kept == NULL && store->renew != NULL) {
        floe_engine_store *fresh = floe_arena_alloc(&reached->arena, 1, sizeof(*fresh));
        floe_str bucket = floe_arena_str(&reached->arena, store->bucket);
        floe_str prefix = floe_arena_str(&reached->arena, store->prefix);
        floe_str endpoint = floe_arena_str(&reached->arena, store->endpoint);
        floe_str region = floe_arena_str(&reached->arena, store->region);
        FLOE_TRY(floe_arena_check(&reached->arena, err));
        *fresh = (floe_engine_store){.bucket = bucket,
                                     .prefix = prefix,
                                     .endpoint = endpoint,
                                     .region = region,
                                     .path_style = store->path_style};
        *kept = fresh;
    }
    if (*kept != NULL) {
        (*kept)->key_number = store->key_number;
        (*kept)->renew = store->renew;
        (*kept)->context = store->context;
    }
    return FLOE_OK;
}

static floe_status reach(floe_session *session, const floe_engine_store *store, bool *ret_able, floe_error *err) {
    floe_reached *reached = &session->engine->reached;
    if (!reached->looked) {
        FLOE_TRY(load(session, &reached->loaded, err));
        reached->looked = true;
    }
    int number = reached->loaded && is_plain_endpoint(store) ? number_of(reached, store) : -1;
    if (number < 0) {
        return FLOE_OK;
    }
    FLOE_TRY(give_keys(session, store, number, err));
    FLOE_TRY(remember(reached, number, store, err));
    *ret_able = true;
    return FLOE_OK;
}

floe_status floe_session_reach(floe_session *session, const floe_engine_store *store, bool *ret_able, floe_error *err) {
    floe_reached *reached = &session->engine->reached;
    *ret_able = false;
    (void)pthread_mutex_lock(&reached->lock);
    floe_status status = reach(session, store, ret_able, err);
    (void)pthread_mutex_unlock(&reached->lock);
    return status;
}

/* ---- keys that run out ---- */

/* Stores say 403, Amazon's 400 for a token whose time is over, some 401. */
static bool is_of_keys(const floe_error *why) {
    static const char *const SAID[] = {"(HTTP 400", "(HTTP 401", "(HTTP 403"};
    bool found = false;
    for (size_t i = 0; i < sizeof SAID / sizeof *SAID; i++) {
        found = found || strstr(why->message, SAID[i]) != NULL;
    }
    return found;
}

static floe_status renew_place(floe_session *session, size_t number, bool *ret_again, floe_error *err) {
    floe_engine_store *kept = session->engine->reached.renewed[number];
    FLOE_AUTO_ARENA arena = {0};
    if (kept == NULL || kept->renew == NULL) {
        return FLOE_OK;
    }
    floe_engine_store store = *kept;
    floe_arena_init(&arena, FLOE_MIB(1));
    FLOE_TRY(kept->renew(kept->context, &arena, &store, err));
    if (store.key_number != kept->key_number) {
        FLOE_TRY(give_keys(session, &store, (int)number, err));
        kept->key_number = store.key_number;
        *ret_again = true;
    }
    return FLOE_OK;
}

static floe_status renew_places(floe_session *session, bool *ret_again, floe_error *err) {
    for (size_t i = 0; i < session->engine->reached.count; i++) {
        FLOE_TRY(renew_place(session, i, ret_again, err));
    }
    return FLOE_OK;
}

floe_status floe_duckdb_renew(floe_session *session, const floe_error *why, bool *ret_again, floe_error *err) {
    floe_reached *reached = &session->engine->reached;
    floe_error failure = {0};
    *ret_again = false;
    if (!is_of_keys(why)) {
        return FLOE_OK;
    }
    (void)pthread_mutex_lock(&reached->lock);
    floe_status status = renew_places(session, ret_again, &failure);
    (void)pthread_mutex_unlock(&reached->lock);
    FLOE_ENSURE(!floe_failed(status), err, failure.code, "%s; and there are no other keys for it: %s", why->message,
                failure.message);
    return FLOE_OK;
}

floe_status floe_duckdb_too_late(floe_session *session, const floe_error *why, floe_error *err) {
    bool again = false;
    FLOE_TRY(floe_duckdb_renew(session, why, &again, err));
    return FLOE_FAIL(err, why->code, "%s%s",
                     again ? "the keys for the store have run out while rows were read, some of "
                             "which are given out already: run the command again, or have keys "
                             "that last longer: "
                           : "",
                     why->message);
}
