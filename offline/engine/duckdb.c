/*
 * Opening and closing the engine and its sessions.
 *
 * The settings here are what makes results repeatable: UTC, insertion order kept, no extension that is not inside the
 * library until a store is to be reached (duckdb_store.c). An in-memory database of DuckDB would spill into ./.tmp of
 * whatever folder the program runs in, so floe always names a spill folder.
 */
#include "offline/engine/duckdb_int.h"

#include "core/limits.h"
#include "core/mem.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static floe_status set_option(duckdb_config config, const char *name, const char *value, floe_error *err) {
    FLOE_ENSURE(duckdb_set_config(config, name, value) == DuckDBSuccess, err, FLOE_INVALID,
                "the engine refuses the setting %s = %s", name, value);
    return FLOE_OK;
}

static void default_spill_folder(char *buf, size_t len) {
    static atomic_uint next_folder;
    const char *base = getenv("TMPDIR");
    snprintf(buf, len, "%s/floe-spill-%ld-%u", base && base[0] ? base : "/tmp", (long)getpid(),
             atomic_fetch_add(&next_folder, 1));
}

static floe_status fill_config(duckdb_config config, int threads, uint64_t memory_bytes, const char *spill_folder,
                               floe_error *err) {
    char text[4200];
    FLOE_TRY(set_option(config, "preserve_insertion_order", "true", err));
    FLOE_TRY(set_option(config, "autoinstall_known_extensions", "false", err));
    FLOE_TRY(set_option(config, "autoload_known_extensions", "false", err));
    FLOE_TRY(set_option(config, "allow_community_extensions", "false", err));
    /* It takes a file for the one that it read before by name and age in seconds, and gives the old one's rows. */
    FLOE_TRY(set_option(config, "enable_external_file_cache", "false", err));
    if (threads > 0) {
        snprintf(text, sizeof text, "%d", threads);
        FLOE_TRY(set_option(config, "threads", text, err));
    }
    if (memory_bytes > 0) {
        snprintf(text, sizeof text, "%" PRIu64 "B", memory_bytes);
        FLOE_TRY(set_option(config, "memory_limit", text, err));
    }
    if (!spill_folder) {
        default_spill_folder(text, sizeof text);
    }
    return set_option(config, "temp_directory", spill_folder ? spill_folder : text, err);
}

static floe_status open_database(duckdb_config config, floe_engine *engine, floe_error *err) {
    char *message = NULL;
    if (duckdb_open_ext(NULL, &engine->database, config, &message) != DuckDBSuccess) {
        floe_status status = floe_duckdb_fail(message, err);
        duckdb_free(message);
        return status;
    }
    duckdb_connection connection = NULL;
    FLOE_ENSURE(duckdb_connect(engine->database, &connection) == DuckDBSuccess, err, FLOE_NOMEM,
                "the engine gave no connection");
    floe_status status = floe_duckdb_register_functions(connection, err);
    if (!floe_failed(status)) {
        status = floe_duckdb_register_aggregates(connection, err);
    }
    if (!floe_failed(status)) {
        status = floe_duckdb_register_expressions(connection, err);
    }
    if (!floe_failed(status)) {
        status = floe_duckdb_register_live(connection, &engine->live, err);
    }
    if (!floe_failed(status)) {
        status = floe_duckdb_register_keys(connection, &engine->live, err);
    }
    if (!floe_failed(status)) {
        status = floe_duckdb_register_visits(connection, &engine->visits, err);
    }
    duckdb_disconnect(&connection);
    return status;
}

floe_status floe_engine_open(int threads, uint64_t memory_bytes, const char *spill_folder, floe_engine **ret_engine,
                             floe_error *err) {
    FLOE_ENSURE(!spill_folder || strlen(spill_folder) < 4096, err, FLOE_LIMIT, "the spill folder's path is too long");
    FLOE_CLEANUP(floe_engine_close) floe_engine *engine = NULL;
    FLOE_TRY(floe_alloc(1, sizeof *engine, &engine, err));
    engine->live.memory_bytes = memory_bytes;
    (void)pthread_rwlock_init(&engine->live.lock, NULL);
    (void)pthread_mutex_init(&engine->reached.lock, NULL);
    floe_arena_init(&engine->reached.arena, FLOE_MIB(16));
    floe_no_rows_open(&engine->no_rows);
    (void)pthread_mutex_init(&engine->visits.lock, NULL);
    (void)pthread_cond_init(&engine->visits.left, NULL);
    floe_gives_open(&engine->gives);
    duckdb_config config = NULL;
    FLOE_ENSURE(duckdb_create_config(&config) == DuckDBSuccess, err, FLOE_NOMEM, "no memory for the engine's settings");
    floe_status status = fill_config(config, threads, memory_bytes, spill_folder, err);
    if (!floe_failed(status)) {
        status = open_database(config, engine, err);
    }
    duckdb_destroy_config(&config);
    FLOE_TRY(status);
    *ret_engine = engine;
    engine = NULL;
    return FLOE_OK;
}

void floe_engine_close(floe_engine **engine) {
    if (*engine) {
        if ((*engine)->database) {
            duckdb_close(&(*engine)->database);
        }
        (void)pthread_rwlock_destroy(&(*engine)->live.lock);
        (void)pthread_mutex_destroy(&(*engine)->reached.lock);
        floe_arena_close(&(*engine)->reached.arena);
        floe_no_rows_close(&(*engine)->no_rows);
        (void)pthread_mutex_destroy(&(*engine)->visits.lock);
        (void)pthread_cond_destroy(&(*engine)->visits.left);
        floe_gives_close(&(*engine)->gives);
        floe_free((*engine)->live.items);
        floe_free(*engine);
        *engine = NULL;
    }
}

floe_status floe_session_open(floe_engine *engine, const floe_run *run, floe_session **ret_session, floe_error *err) {
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    FLOE_TRY(floe_alloc(1, sizeof *session, &session, err));
    session->engine = engine;
    FLOE_ENSURE(duckdb_connect(engine->database, &session->connection) == DuckDBSuccess, err, FLOE_NOMEM,
                "the engine gave no connection");
    FLOE_TRY(floe_session_run(session, "SET TimeZone = 'UTC'", NULL, NULL, err));
    session->cancelled = run ? run->cancelled : NULL;
    *ret_session = session;
    session = NULL;
    return FLOE_OK;
}

void floe_session_close(floe_session **session) {
    if (*session) {
        FLOE_ASSERT(!(*session)->streaming);
        floe_duckdb_close_live_sets(*session); /* No query is left that could ask for them. */
        if ((*session)->connection) {
            duckdb_disconnect(&(*session)->connection);
        }
        floe_free(*session);
        *session = NULL;
    }
}

const char *floe_session_no_rows_path(const floe_session *session) {
    return session->engine->no_rows.path[0] ? session->engine->no_rows.path : NULL;
}
