/*
 * What the files of the DuckDB seam share. Included by engine/duckdb*.c alone.
 */
#ifndef FLOE_OFFLINE_ENGINE_DUCKDB_INT_H
#define FLOE_OFFLINE_ENGINE_DUCKDB_INT_H

#include "offline/engine/engine.h"

#include <duckdb.h>
#include <pthread.h>

/* The views that floe_live() and its like may be asked about, by number; NULL where a session closed. */
typedef struct floe_live_views {
    pthread_rwlock_t lock;
    const floe_live_view **items;
    size_t count, capacity;
    size_t counted;        /* bytes of all sets, by which the engine was given less than memory_bytes */
    uint64_t memory_bytes; /* what it is to live within with them; 0: the engine's own choice */
} floe_live_views;

#define FLOE_REACHED_MAX 1024

/* Which places (buckets, prefixes in them) the engine reaches and where each lies, as hashes. */
typedef struct floe_reached {
    pthread_mutex_t lock;
    bool looked, loaded; /* for httpfs */
    uint64_t places[FLOE_REACHED_MAX], endpoints[FLOE_REACHED_MAX];
    floe_engine_store
        *renewed[FLOE_REACHED_MAX]; /* those whose keys may be followed by others, without the keys; else NULL */
    size_t count;
    floe_arena arena; /* of what is renewed */
} floe_reached;

/* The visits that go on (duckdb_visit.c). */
typedef struct floe_visit floe_visit;
typedef struct floe_visits {
    pthread_mutex_t lock;
    pthread_cond_t left; /* a call of some visit has ended */
    floe_visit *first;
    int64_t last_number;
} floe_visits;

/* The givers that may be asked (duckdb_give.c), and for which lists of types there is a function. */
typedef struct floe_gives {
    pthread_mutex_t lock;
    pthread_cond_t left; /* a call of some giver has ended */
    floe_given *first;
    int64_t last_number;
    floe_buf *shapes; /* names of types; the function of shape i is floe_give_<i> */
    size_t shape_count, shape_room;
} floe_gives;
void floe_gives_open(floe_gives *gives);
void floe_gives_close(floe_gives *gives);

/* A Parquet file without rows (duckdb_no_rows.c); an empty path: there is none. */
typedef struct floe_no_rows {
    int fd;
    char path[32];
} floe_no_rows;
void floe_no_rows_open(floe_no_rows *file);
void floe_no_rows_close(floe_no_rows *file);

struct floe_engine {
    duckdb_database database;
    floe_no_rows no_rows;
    floe_live_views live;
    floe_visits visits;
    floe_gives gives;
    floe_reached reached;
};

struct floe_session {
    floe_engine *engine;
    duckdb_connection connection;
    floe_live_set *live_sets;     /* owned */
    const atomic_bool *cancelled; /* NULL: nobody can */
    bool streaming;               /* a stream reads from the connection: another query would end it silently */
};

/* A failure as it is into *err, unless that holds one. */
floe_status floe_duckdb_pass(const floe_error *why, floe_error *err);

enum { FLOE_DUCKDB_TRIES = 4 }; /* of a statement, with other keys each */
/* After a statement has failed, whether it is worth another try: its failure `why` is one that keys bring about which have run out, and
 * the places it may have read from have others now. Errors: the failure that others cannot be had for. */
floe_status floe_duckdb_renew(floe_session *session, const floe_error *why, bool *ret_again, floe_error *err);
/* The same for a statement some of whose rows are out: a failure that says so where other keys would have helped. */
floe_status floe_duckdb_too_late(floe_session *session, const floe_error *why, floe_error *err);

/* The engine's message as floe's error: the class that DuckDB writes before the colon decides the code. */
floe_status floe_duckdb_fail(const char *message, floe_error *err);

/* The same for calls that return error data (NULL is success); destroys it. */
floe_status floe_duckdb_take(duckdb_error_data data, floe_error *err);

/* Prepares the one statement of `sql` and binds. Owns: the caller destroys *ret_statement, also on failure. */
floe_status floe_duckdb_prepare(floe_session *session, const char *sql, const floe_sql_params *params,
                                duckdb_prepared_statement *ret_statement, floe_error *err);

/* Runs a prepared statement until it has rows to give (streaming) or is done. Owns: the caller destroys *ret_result, also
 * on failure. */
floe_status floe_duckdb_execute(floe_session *session, duckdb_prepared_statement statement, bool streaming,
                                duckdb_result *ret_result, floe_error *err);

/* CANCELLED when somebody asked to stop. */
floe_status floe_duckdb_check_cancelled(const floe_session *session, floe_error *err);

/* INVALID while a stream of the session is open. */
floe_status floe_duckdb_check_idle(const floe_session *session, floe_error *err);

/* Functions that floe adds to SQL: floe_murmur3(BIGINT | VARCHAR | BLOB | HUGEINT) → INTEGER. */
floe_status floe_duckdb_register_functions(duckdb_connection connection, floe_error *err);

/* The evaluator of engine/duckdb_expr.c. */
floe_status floe_duckdb_register_expressions(duckdb_connection connection, floe_error *err);

/* The aggregates of engine/duckdb_aggregate.c. */
floe_status floe_duckdb_register_aggregates(duckdb_connection connection, floe_error *err);

/* One vector of a chunk, for functions that take values of any floe type; kind NONE: of another type, all null. */
typedef struct floe_vector {
    floe_type type;
    duckdb_type storage; /* how its cells lie */
    const void *data;
    uint64_t *validity;
} floe_vector;
floe_vector floe_vector_of(duckdb_vector vector);
/* Owns: bytes are borrowed from the chunk. */
void floe_vector_get(const floe_vector *vector, idx_t row, floe_value *ret_value);

/* floe_live(file of view, position) → BOOLEAN, floe_file_of and floe_delete_add over the engine's views. */
floe_status floe_duckdb_register_live(duckdb_connection connection, floe_live_views *views, floe_error *err);

/* floe_key_add and floe_key_live (duckdb_keys.c) over the engine's views. */
floe_status floe_duckdb_register_keys(duckdb_connection connection, floe_live_views *views, floe_error *err);

/* Rows [first, first + count) of a batch's column into a vector, from row `at` on; the vector has the type that
 * floe_sql_type_name gives. (duckdb_load.c) */
typedef struct floe_cells_move {
    int64_t first, count;
    idx_t at;
} floe_cells_move;
floe_status floe_duckdb_put_column(const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t column,
                                   const floe_cells_move *move, duckdb_vector vector, floe_arena *arena,
                                   floe_error *err);

/* floe_visit(number, column …) → BIGINT over the engine's visits. */
floe_status floe_duckdb_register_visits(duckdb_connection connection, floe_visits *visits, floe_error *err);

/* Takes the session's views out of the engine's table and frees the sets. */
void floe_duckdb_close_live_sets(floe_session *session);
/* Gives back what was taken off for a set that goes. */
void floe_duckdb_uncount_live(floe_session *session, const floe_live_set *set);

#endif
