/*
 * API keys: made here, seen once, kept as their SHA-256.
 *
 * A key has 256 random bits, so its plain hash tells nothing about it and no salt or slow hash is needed. Keys are
 * never removed, only revoked, so that what a key was for can still be read.
 */
#include "core/hash.h"
#include "core/limits.h"
#include "core/time.h"
#include "registry/store_int.h"

#include <errno.h>
#include <sys/random.h>

enum { SECRET_LEN = 32, PREFIX_LEN = 5 };

static const char prefix[PREFIX_LEN + 1] = "floe_";
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url without padding. */
static void print_secret(const uint8_t secret[SECRET_LEN], char *out) {
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < SECRET_LEN; i++) {
        bits = bits << 8 | secret[i];
        for (held += 8; held >= 6; held -= 6) {
            *out++ = alphabet[bits >> (held - 6) & 63];
        }
    }
    *out++ = alphabet[bits << (6 - held) & 63];
    *out = '\0';
}

bool floe_access_key_digest(floe_str text, uint8_t ret_digest[FLOE_ACCESS_DIGEST_LEN]) {
    if (text.len != FLOE_ACCESS_KEY_LEN || memcmp(text.ptr, prefix, PREFIX_LEN) != 0) {
        return false;
    }
    for (size_t i = PREFIX_LEN; i < text.len; i++) {
        if (text.ptr[i] == '\0' || strchr(alphabet, text.ptr[i]) == NULL) {
            return false;
        }
    }
    floe_sha256 hash;
    floe_sha256_init(&hash);
    floe_sha256_update(&hash, text.ptr, text.len);
    floe_sha256_final(&hash, ret_digest);
    return true;
}

/* The volatile accumulator keeps the compiler from leaving the loop early. */
bool floe_access_digest_equal(const uint8_t a[FLOE_ACCESS_DIGEST_LEN], const uint8_t b[FLOE_ACCESS_DIGEST_LEN]) {
    volatile uint8_t differs = 0;
    for (size_t i = 0; i < FLOE_ACCESS_DIGEST_LEN; i++) {
        differs = (uint8_t)(differs | (a[i] ^ b[i]));
    }
    return differs == 0;
}

/* ---- making ---- */

static bool has_control(floe_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F) {
            return true;
        }
    }
    return false;
}

static floe_status check_names(floe_str role, floe_str name, floe_error *err) {
    FLOE_ENSURE(role.len > 0, err, FLOE_INVALID, "a key needs a role");
    FLOE_ENSURE(role.len <= FLOE_LIMIT_NAME_BYTES && name.len <= FLOE_LIMIT_NAME_BYTES, err, FLOE_LIMIT,
                "the role or the name of a key is longer than %d bytes", FLOE_LIMIT_NAME_BYTES);
    FLOE_ENSURE(floe_str_is_utf8(name) && !has_control(name), err, FLOE_INVALID,
                "the name of a key must be one line of UTF-8 text");
    return FLOE_OK;
}

static floe_status check_room(floe_registry *registry, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(registry->sql, "SELECT count(*) FROM access_keys WHERE revoked_us = 0", &stmt, err));
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    FLOE_ENSURE(row && floe_sql_i64(stmt, 0) < FLOE_LIMIT_API_KEYS, err, FLOE_LIMIT,
                "there are %d valid keys, which is the most; revoke some with `floe key revoke ID`",
                FLOE_LIMIT_API_KEYS);
    return FLOE_OK;
}

static floe_status insert_key(floe_registry *registry, floe_access_key *key, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(registry->sql,
                              "INSERT INTO access_keys(role, name, created_us, revoked_us, ending, digest)"
                              " VALUES(?1, ?2, ?3, 0, ?4, ?5)",
                              &stmt, err));
    floe_sql_bind_text(stmt, 1, key->role);
    floe_sql_bind_text(stmt, 2, key->name);
    floe_sql_bind_i64(stmt, 3, key->created_us);
    floe_sql_bind_text(stmt, 4, key->ending);
    floe_sql_bind_blob(stmt, 5, (floe_str){(const char *)key->digest, sizeof key->digest});
    FLOE_TRY(floe_store_run(stmt, err));
    key->id = floe_sql_last_rowid(registry->sql);
    return FLOE_OK;
}

static floe_status put_key(floe_registry *registry, floe_access_key *key, floe_error *err) {
    FLOE_TRY(floe_store_migrate(registry, err));
    FLOE_TRY(floe_sql_begin(registry->sql, err));
    floe_status status = check_room(registry, err);
    if (!floe_failed(status)) {
        status = insert_key(registry, key, err);
    }
    if (!floe_failed(status)) {
        status = floe_sql_commit(registry->sql, err);
    }
    if (floe_failed(status)) {
        floe_sql_rollback(registry->sql);
    }
    return status;
}

floe_status floe_registry_key_create(floe_registry *registry, floe_str role, floe_str name, floe_arena *arena,
                                     char ret_text[FLOE_ACCESS_KEY_LEN + 1], floe_access_key *ret_key,
                                     floe_error *err) {
    uint8_t secret[SECRET_LEN];
    char text[FLOE_ACCESS_KEY_LEN + 1];
    FLOE_TRY(check_names(role, name, err));
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret) {
        return FLOE_FAIL_ERRNO(err, FLOE_IO, "the system gives no random bytes, so no key can be made");
    }
    memcpy(text, prefix, PREFIX_LEN);
    print_secret(secret, text + PREFIX_LEN);
    floe_access_key key = {.role = floe_arena_str(arena, role),
                           .name = floe_arena_str(arena, name),
                           .created_us = floe_now_us(),
                           .ending =
                               floe_arena_str(arena, (floe_str){text + FLOE_ACCESS_KEY_LEN - FLOE_ACCESS_ENDING_LEN,
                                                                FLOE_ACCESS_ENDING_LEN})};
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ASSERT(floe_access_key_digest(floe_str_of(text), key.digest));
    FLOE_TRY(put_key(registry, &key, err));
    memcpy(ret_text, text, sizeof text);
    *ret_key = key;
    return FLOE_OK;
}

/* ---- reading ---- */

static floe_status read_key(const floe_registry *registry, floe_sql_stmt *stmt, floe_arena *arena, floe_access_key *key,
                            floe_error *err) {
    floe_str digest = floe_sql_text(stmt, 6);
    FLOE_ENSURE(digest.len == sizeof key->digest, err, FLOE_CORRUPT,
                "key %lld in the registry %s has a digest of %zu bytes instead of %zu; revoke it",
                (long long)floe_sql_i64(stmt, 0), registry->path, digest.len, sizeof key->digest);
    *key = (floe_access_key){.id = floe_sql_i64(stmt, 0),
                             .role = floe_store_text(stmt, 1, arena),
                             .name = floe_store_text(stmt, 2, arena),
                             .created_us = floe_sql_i64(stmt, 3),
                             .revoked_us = floe_sql_i64(stmt, 4),
                             .ending = floe_store_text(stmt, 5, arena)};
    memcpy(key->digest, digest.ptr, sizeof key->digest);
    return floe_arena_check(arena, err);
}

floe_status floe_registry_keys(floe_registry *registry, floe_arena *arena, const floe_access_key **ret_keys,
                               size_t *ret_count, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    floe_access_key *keys = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bool there = false;
    FLOE_TRY(floe_store_has_keys(registry, &there, err));
    if (there) {
        FLOE_TRY(floe_sql_prepare(registry->sql,
                                  "SELECT id, role, name, created_us, revoked_us, ending, digest FROM access_keys"
                                  " ORDER BY id",
                                  &stmt, err));
    }
    for (bool row = there; row;) {
        FLOE_TRY(floe_sql_step(stmt, &row, err));
        floe_access_key *key = row ? FLOE_ARENA_PUSH(arena, keys, count, capacity) : NULL;
        FLOE_TRY(floe_arena_check(arena, err));
        FLOE_TRY(row ? read_key(registry, stmt, arena, key, err) : FLOE_OK);
    }
    *ret_keys = keys;
    *ret_count = count;
    return FLOE_OK;
}

/* Keys are only added and revoked, each once, so these sums tell one state from another, and one file from one that
 * took its place. */
floe_status floe_registry_key_version(floe_registry *registry, int64_t *ret_version, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    bool row = false;
    bool there = false;
    int64_t sums[3] = {0};
    FLOE_TRY(floe_store_has_keys(registry, &there, err));
    if (there) {
        FLOE_TRY(floe_sql_prepare(registry->sql,
                                  "SELECT count(*), sum(created_us & 0xFFFFFFFFFF), sum(revoked_us & 0xFFFFFFFFFF)"
                                  " FROM access_keys",
                                  &stmt, err));
        FLOE_TRY(floe_sql_step(stmt, &row, err));
    }
    for (int i = 0; row && i < 3; i++) {
        sums[i] = floe_sql_i64(stmt, i);
    }
    *ret_version = (int64_t)(floe_xxh64(sums, sizeof sums, 0) >> 1);
    return FLOE_OK;
}

/* ---- revoking ---- */

floe_status floe_registry_key_revoke(floe_registry *registry, int64_t id, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    bool there = false;
    bool row = false;
    FLOE_TRY(floe_store_has_keys(registry, &there, err));
    FLOE_ENSURE(there, err, FLOE_NOT_FOUND, "there is no key %lld; no key was ever made in %s", (long long)id,
                registry->path);
    FLOE_TRY(floe_sql_prepare(registry->sql,
                              "UPDATE access_keys SET revoked_us = CASE revoked_us WHEN 0 THEN ?2 ELSE revoked_us END"
                              " WHERE id = ?1",
                              &stmt, err));
    floe_sql_bind_i64(stmt, 1, id);
    floe_sql_bind_i64(stmt, 2, floe_now_us());
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    FLOE_ENSURE(floe_sql_changes(registry->sql) == 1, err, FLOE_NOT_FOUND,
                "there is no key %lld; `floe key ls` lists them", (long long)id);
    return FLOE_OK;
}
