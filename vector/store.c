/*
 * One index file: a SQLite database with one row per unit and a row that says what it is.
 *
 * The rank needs BM25 whose statistics are those of the scope that is asked for, so postings are made in memory when an
 * index is opened, and the file keeps only what they are made from. A row carries the hash of its unit: a flipped bit is
 * CORRUPT, never a wrong hit.
 */
#include "vector/store_int.h"

#include "core/limits.h"

#include <inttypes.h>

#define HASH_TEXT "SELECT hash, version, body FROM unit WHERE kind = ?1 AND space = ?2 AND name = ?3 AND origin = ?4"

static const char schema[] =
    "CREATE TABLE about (format INTEGER NOT NULL, generation INTEGER NOT NULL, fingerprint TEXT NOT NULL,"
    " abbreviations TEXT NOT NULL);"
    "CREATE TABLE unit (kind INTEGER NOT NULL, space TEXT NOT NULL, name TEXT NOT NULL, origin INTEGER NOT NULL,"
    " version TEXT NOT NULL, hash INTEGER NOT NULL, documents INTEGER NOT NULL, body BLOB NOT NULL,"
    " PRIMARY KEY (kind, space, name, origin)) WITHOUT ROWID;";

static floe_status prepare(floe_docstore *store, bool write, floe_error *err) {
    FLOE_TRY(floe_sql_prepare(store->sql, HASH_TEXT, &store->get, err));
    if (!write) {
        return FLOE_OK;
    }
    /* What a unit no longer holds, a column's values that turned out to be personal, leaves no trace in the file. */
    FLOE_TRY(floe_sql_exec(store->sql, "PRAGMA secure_delete=ON", err));
    FLOE_TRY(floe_sql_prepare(store->sql,
                              "INSERT OR REPLACE INTO unit (kind, space, name, origin, version, hash, documents, body)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                              &store->put, err));
    FLOE_TRY(floe_sql_prepare(
        store->sql, "UPDATE unit SET version = ?5 WHERE kind = ?1 AND space = ?2 AND name = ?3 AND origin = ?4",
        &store->touch, err));
    return floe_sql_prepare(store->sql, "DELETE FROM unit WHERE kind = ?1 AND space = ?2 AND name = ?3 AND origin = ?4",
                            &store->remove, err);
}

void floe_docstore_close(floe_docstore *store) {
    floe_sql_finalize(&store->get);
    floe_sql_finalize(&store->put);
    floe_sql_finalize(&store->touch);
    floe_sql_finalize(&store->remove);
    floe_sql_close(&store->sql);
}

#define EACH_TEXT                                                                                                      \
    "SELECT kind, space, name, origin, version, hash, documents, body FROM unit ORDER BY kind, space, name, origin"

/* Every column that is read is there; asked once, so that a damaged schema is told apart from a defect of floe's. */
static floe_status check_columns(floe_docstore *store, floe_error *err) {
    __attribute__((cleanup(floe_sql_finalize))) floe_sql_stmt *about = NULL;
    __attribute__((cleanup(floe_sql_finalize))) floe_sql_stmt *unit = NULL;
    FLOE_TRY(floe_sql_prepare(store->sql, "SELECT format, fingerprint, abbreviations FROM about", &about, err));
    return floe_sql_prepare(store->sql, EACH_TEXT, &unit, err);
}

static floe_status check_format(floe_docstore *store, const char *path, floe_error *err) {
    __attribute__((cleanup(floe_sql_finalize))) floe_sql_stmt *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(store->sql, "SELECT format FROM about", &stmt, err));
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    int64_t format = row ? floe_sql_i64(stmt, 0) : 0;
    FLOE_ENSURE(format == FLOE_INDEX_FORMAT, err, FLOE_CORRUPT,
                "%s is an index of format %" PRId64 ", this floe reads format %d", path, format, FLOE_INDEX_FORMAT);
    return FLOE_OK;
}

static floe_status open_checked(const char *path, bool write, floe_docstore *store, floe_error *err) {
    FLOE_TRY(floe_sql_open(path, write ? FLOE_SQL_WRITE : FLOE_SQL_READ, &store->sql, err));
    FLOE_TRY(check_format(store, path, err));
    FLOE_TRY(check_columns(store, err));
    return prepare(store, write, err);
}

floe_status floe_docstore_open(const char *path, bool write, floe_docstore *ret_store, floe_error *err) {
    __attribute__((cleanup(floe_docstore_close))) floe_docstore store = {0};
    floe_error cause = {0};
    if (floe_failed(open_checked(path, write, &store, &cause))) {
        /* INTERNAL is SQLite's "no such table": somebody else's database. */
        bool foreign = cause.code == FLOE_CORRUPT || cause.code == FLOE_INTERNAL;
        return foreign ? FLOE_FAIL(err, FLOE_CORRUPT, "%s; run floe index", cause.message)
                       : FLOE_FAIL(err, cause.code, "%s", cause.message);
    }
    *ret_store = store;
    store = (floe_docstore){0};
    return FLOE_OK;
}

floe_status floe_docstore_create(const char *path, floe_docstore *ret_store, floe_error *err) {
    __attribute__((cleanup(floe_docstore_close))) floe_docstore store = {0};
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_KIB(1));
    floe_buf_printf(&text, "INSERT INTO about VALUES (%d, 0, '', '')", FLOE_INDEX_FORMAT);
    FLOE_TRY(floe_buf_check(&text, err));
    FLOE_TRY(floe_sql_open(path, FLOE_SQL_WRITE, &store.sql, err));
    FLOE_TRY(floe_sql_exec(store.sql, schema, err));
    FLOE_TRY(floe_sql_exec(store.sql, text.ptr, err));
    FLOE_TRY(prepare(&store, true, err));
    *ret_store = store;
    store = (floe_docstore){0};
    return FLOE_OK;
}

static floe_status get_text(floe_docstore *store, const char *query, floe_arena *arena, floe_str *ret_text,
                            floe_error *err) {
    __attribute__((cleanup(floe_sql_finalize))) floe_sql_stmt *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(store->sql, query, &stmt, err));
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    *ret_text = row ? floe_arena_str(arena, floe_sql_text(stmt, 0)) : FLOE_STR("");
    return floe_arena_check(arena, err);
}

static floe_status set_text(floe_docstore *store, const char *update, floe_str text, floe_error *err) {
    __attribute__((cleanup(floe_sql_finalize))) floe_sql_stmt *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(store->sql, update, &stmt, err));
    floe_sql_bind_text(stmt, 1, text);
    return floe_sql_step(stmt, &row, err);
}

floe_status floe_docstore_fingerprint(floe_docstore *store, floe_arena *arena, floe_str *ret_fingerprint,
                                      floe_error *err) {
    return get_text(store, "SELECT fingerprint FROM about", arena, ret_fingerprint, err);
}

floe_status floe_docstore_set_fingerprint(floe_docstore *store, floe_str fingerprint, floe_error *err) {
    return set_text(store, "UPDATE about SET fingerprint = ?1", fingerprint, err);
}

floe_status floe_docstore_abbreviations(floe_docstore *store, floe_arena *arena, floe_str *ret_text, floe_error *err) {
    return get_text(store, "SELECT abbreviations FROM about", arena, ret_text, err);
}

floe_status floe_docstore_set_abbreviations(floe_docstore *store, floe_str text, floe_error *err) {
    return set_text(store, "UPDATE about SET abbreviations = ?1", text, err);
}

static void bind_key(floe_sql_stmt *stmt, const floe_unit *key) {
    floe_sql_reset(stmt);
    floe_sql_bind_i64(stmt, 1, key->kind);
    floe_sql_bind_text(stmt, 2, key->space);
    floe_sql_bind_text(stmt, 3, key->name);
    floe_sql_bind_i64(stmt, 4, key->origin);
}

static floe_status run(floe_sql_stmt *stmt, floe_error *err) {
    bool row = false;
    floe_status status = floe_sql_step(stmt, &row, err);
    floe_sql_reset(stmt);
    return status;
}

floe_status floe_docstore_get(floe_docstore *store, const floe_unit *key, bool *ret_found, floe_stored_unit *ret_stored,
                              floe_error *err) {
    bind_key(store->get, key);
    FLOE_TRY(floe_sql_step(store->get, ret_found, err));
    if (*ret_found) {
        *ret_stored = (floe_stored_unit){.hash = (uint64_t)floe_sql_i64(store->get, 0),
                                         .version = floe_sql_text(store->get, 1),
                                         .body = floe_sql_text(store->get, 2)};
    }
    return FLOE_OK;
}

floe_status floe_docstore_put(floe_docstore *store, const floe_unit *unit, floe_str body, uint64_t hash,
                              floe_error *err) {
    bind_key(store->put, unit);
    floe_sql_bind_text(store->put, 5, unit->version);
    floe_sql_bind_i64(store->put, 6, (int64_t)hash);
    floe_sql_bind_i64(store->put, 7, (int64_t)unit->part_count + 1);
    floe_sql_bind_blob(store->put, 8, body);
    return run(store->put, err);
}

floe_status floe_docstore_touch(floe_docstore *store, const floe_unit *unit, floe_error *err) {
    bind_key(store->touch, unit);
    floe_sql_bind_text(store->touch, 5, unit->version);
    return run(store->touch, err);
}

floe_status floe_docstore_remove(floe_docstore *store, const floe_unit *key, floe_error *err) {
    bind_key(store->remove, key);
    return run(store->remove, err);
}

static floe_status each_row(floe_sql_stmt *stmt, const floe_docstore_sink *sink, floe_error *err) {
    floe_unit unit = {.kind = (floe_unit_kind)floe_sql_i64(stmt, 0),
                      .space = floe_sql_text(stmt, 1),
                      .name = floe_sql_text(stmt, 2),
                      .origin = (floe_unit_origin)floe_sql_i64(stmt, 3),
                      .version = floe_sql_text(stmt, 4)};
    floe_str body = floe_sql_text(stmt, 7);
    bool known = unit.kind >= FLOE_UNIT_TABLE && unit.kind <= FLOE_UNIT_SERVICE;
    FLOE_ENSURE(known && floe_unit_hash(&unit, body) == (uint64_t)floe_sql_i64(stmt, 5), err, FLOE_CORRUPT,
                "the index entry of %.*s, %.*s is damaged; run floe index", FLOE_STR_BRIEF(unit.space),
                FLOE_STR_BRIEF(unit.name));
    return sink->unit(sink->context, &unit, body, floe_sql_i64(stmt, 6), err);
}

floe_status floe_docstore_each(floe_docstore *store, const floe_docstore_sink *sink, floe_error *err) {
    __attribute__((cleanup(floe_sql_finalize))) floe_sql_stmt *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(store->sql, EACH_TEXT, &stmt, err));
    for (;;) {
        bool row = false;
        FLOE_TRY(floe_sql_step(stmt, &row, err));
        if (!row) {
            return FLOE_OK;
        }
        FLOE_TRY(each_row(stmt, sink, err));
    }
}

/* Out of WAL mode the file is whole by itself and is read without a file beside it. */
floe_status floe_docstore_seal(floe_docstore *store, int64_t number, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_KIB(1));
    floe_buf_printf(&text, "UPDATE about SET generation = %" PRId64, number);
    FLOE_TRY(floe_buf_check(&text, err));
    FLOE_TRY(floe_sql_exec(store->sql, text.ptr, err));
    FLOE_TRY(floe_sql_commit(store->sql, err));
    floe_sql_finalize(&store->get);
    floe_sql_finalize(&store->put);
    floe_sql_finalize(&store->touch);
    floe_sql_finalize(&store->remove);
    FLOE_TRY(floe_sql_exec(store->sql, "PRAGMA journal_mode=DELETE", err));
    floe_docstore_close(store);
    return FLOE_OK;
}
