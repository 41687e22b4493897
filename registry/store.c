/*
 * The registry file: opening it, and the schema of its tables.
 *
 * PRAGMA user_version is the number of the schema. A file is ours from the commit of one transaction that makes all
 * tables, so a process that dies while creating it leaves an empty database, which the next one fills.
 *
 * Each version of the schema only adds tables to the one before. A file of an earlier version is read as it is, because
 * it may lie where nothing can be written; it is brought up to date, in one transaction, by whoever opens it to create
 * what is missing, or writes into a table that it lacks.
 */
#include "core/file.h"
#include "registry/store_int.h"

enum { SCHEMA_VERSION = 2, KEYS_SINCE = 2, PATH_ARENA_MAX = 64 << 10 };

static const char schema_1[] =
    "CREATE TABLE versions(version INTEGER PRIMARY KEY, applied_us INTEGER NOT NULL, summary TEXT NOT NULL);"
    "CREATE TABLE objects(version INTEGER NOT NULL REFERENCES versions(version), position INTEGER NOT NULL,"
    " kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, fingerprint INTEGER NOT NULL,"
    " PRIMARY KEY(version, position), UNIQUE(version, kind, name)) WITHOUT ROWID;"
    "CREATE TABLE sync_marks(view TEXT NOT NULL, store_id TEXT NOT NULL, fingerprint INTEGER NOT NULL,"
    " snapshot_id INTEGER NOT NULL, synced_us INTEGER NOT NULL, row_count INTEGER NOT NULL,"
    " PRIMARY KEY(view, store_id)) WITHOUT ROWID;"
    "CREATE TABLE datasets(id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, created_us INTEGER NOT NULL,"
    " row_count INTEGER NOT NULL, content_hash TEXT NOT NULL, manifest_path TEXT NOT NULL, manifest TEXT NOT NULL);"
    "CREATE INDEX datasets_by_name ON datasets(name, created_us);"
    "PRAGMA user_version = 1;";

static const char schema_2[] =
    "CREATE TABLE access_keys(id INTEGER PRIMARY KEY AUTOINCREMENT, role TEXT NOT NULL, name TEXT NOT NULL,"
    " created_us INTEGER NOT NULL, revoked_us INTEGER NOT NULL, ending TEXT NOT NULL, digest BLOB NOT NULL UNIQUE);"
    "PRAGMA user_version = 2;";

/* What makes version n + 1 of version n. */
static const char *const schema_steps[SCHEMA_VERSION] = {schema_1, schema_2};

floe_str floe_store_text(floe_sql_stmt *stmt, int column, floe_arena *arena) {
    return floe_arena_str(arena, floe_sql_text(stmt, column));
}

floe_status floe_store_run(floe_sql_stmt *stmt, floe_error *err) {
    bool row = false;
    return floe_sql_step(stmt, &row, err);
}

/* The one number that a query gives. */
static floe_status read_number(floe_registry *registry, const char *query, int64_t *ret_value, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(registry->sql, query, &stmt, err));
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    *ret_value = row ? floe_sql_i64(stmt, 0) : 0;
    return FLOE_OK;
}

/* *ret_version: that of the file's schema; 0: there are no tables yet. */
static floe_status check_schema(floe_registry *registry, int64_t *ret_version, floe_error *err) {
    int64_t version = 0;
    int64_t tables = 0;
    FLOE_TRY(read_number(registry, "PRAGMA user_version", &version, err));
    FLOE_TRY(read_number(registry, "SELECT count(*) FROM sqlite_master", &tables, err));
    FLOE_ENSURE(
        version <= SCHEMA_VERSION, err, FLOE_UNSUPPORTED,
        "the registry %s has schema version %lld, and this floe knows up to %d; use the newer floe that wrote it",
        registry->path, (long long)version, SCHEMA_VERSION);
    FLOE_ENSURE(version >= 0 && (version > 0) == (tables > 0), err, FLOE_INVALID,
                "%s is a database, but not a registry of floe; name another file with registry: in floe.yaml",
                registry->path);
    *ret_version = version;
    return FLOE_OK;
}

/* Somebody else may have made the tables while we waited for the lock. */
floe_status floe_store_migrate(floe_registry *registry, floe_error *err) {
    int64_t version = 0;
    FLOE_TRY(floe_sql_begin(registry->sql, err));
    floe_status status = check_schema(registry, &version, err);
    for (int64_t i = version; !floe_failed(status) && i < SCHEMA_VERSION; i++) {
        status = floe_sql_exec(registry->sql, schema_steps[i], err);
    }
    if (!floe_failed(status)) {
        status = floe_sql_commit(registry->sql, err);
    }
    if (floe_failed(status)) {
        floe_sql_rollback(registry->sql);
    }
    return status;
}

floe_status floe_store_prepare_schema(floe_registry *registry, bool create, floe_error *err) {
    int64_t version = 0;
    FLOE_TRY(check_schema(registry, &version, err));
    FLOE_ENSURE(create || version > 0, err, FLOE_NOT_FOUND, "nothing is applied in %s yet; run `floe apply`",
                registry->path);
    return create && version < SCHEMA_VERSION ? floe_store_migrate(registry, err) : FLOE_OK;
}

/* Asked each time: another process may have added the table since the file was opened. */
floe_status floe_store_has_keys(floe_registry *registry, bool *ret_there, floe_error *err) {
    int64_t version = 0;
    FLOE_TRY(read_number(registry, "PRAGMA user_version", &version, err));
    *ret_there = version >= KEYS_SINCE;
    return FLOE_OK;
}

static floe_status make_folder(const char *path, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, PATH_ARENA_MAX);
    const char *folder = floe_path_dirname(&arena, path);
    FLOE_TRY(floe_arena_check(&arena, err));
    return floe_file_mkdirs(folder, err);
}

/* Definitions lie in the project's files, so only what else the registry holds is lost with it. */
static const char DAMAGED[] =
    "; the registry is damaged: restore it from a backup, or move it away and run floe apply and "
    "floe sync again; its history, its list of datasets and its keys are then lost";

static floe_status open_file(const char *path, floe_sql **ret_sql, floe_error *err) {
    floe_error why = {0};
    floe_status status = floe_sql_open(path, FLOE_SQL_WRITE, ret_sql, &why);
    if (floe_failed(status)) {
        status = floe_error_set(err, why.code, why.sys_errno, why.file, why.line, "%s%s", why.message,
                                status.code == FLOE_CORRUPT ? DAMAGED : "");
        if (err) {
            err->retriable = why.retriable;
        }
        return status;
    }
    floe_sql_advise(*ret_sql, DAMAGED);
    return FLOE_OK;
}

floe_status floe_registry_open(const char *path, bool create, floe_registry **ret_registry, floe_error *err) {
    if (create) {
        FLOE_TRY(make_folder(path, err));
    } else {
        FLOE_ENSURE(floe_file_exists(path), err, FLOE_NOT_FOUND, "there is no registry %s yet; run `floe apply`", path);
    }
    FLOE_CLEANUP(floe_registry_close) floe_registry *registry = NULL;
    FLOE_TRY(floe_alloc(1, sizeof *registry, &registry, err));
    FLOE_TRY(floe_strdup(path, &registry->path, err));
    FLOE_TRY(open_file(path, &registry->sql, err));
    FLOE_TRY(floe_store_prepare_schema(registry, create, err));
    *ret_registry = registry;
    registry = NULL;
    return FLOE_OK;
}

void floe_registry_close(floe_registry **registry) {
    if (registry == NULL || *registry == NULL) {
        return;
    }
    floe_sql_close(&(*registry)->sql);
    floe_free((*registry)->path);
    floe_free(*registry);
    *registry = NULL;
}
