/*
 * online: an entity's newest features, kept in a store and looked up.
 *
 * Shape of the store: one hash per entity (entity name + key values), whose fields are the parts of the views of that
 * entity: per view and generation one as-of row and one aggregates row (proto/row.h; docs in proto/FORMATS.md). A write
 * is conditional, decided inside the store: it wins unless the stored (event_ts, created_ts) is larger; on a full tie the
 * later arrival wins. One function decides for sync, push and Kafka. A view's generation goes live only when complete.
 *
 * Two ways in: floe_store (blocking; sync, ingest, `floe get`) and floe_online (asynchronous on a loop; the server).
 * Both stand on one vtable per kind of store (online/store_int.h) and pass one contract test.
 */
#ifndef FLOE_ONLINE_ONLINE_H
#define FLOE_ONLINE_ONLINE_H

#include "core/arrow.h"
#include "core/loop.h"
#include "registry/registry.h"

#include <stdatomic.h>

/* ---- cells ---- */

typedef enum floe_cell_status {
    FLOE_CELL_PRESENT = 1,
    FLOE_CELL_NULL_VALUE = 2,
    FLOE_CELL_NOT_FOUND = 3,
    FLOE_CELL_OUTSIDE_MAX_AGE = 4
} floe_cell_status; /* numbers as in Feast's ServingService.proto */
const char *floe_cell_status_name(floe_cell_status status);

typedef struct floe_cell {
    floe_value value; /* null unless PRESENT */
    floe_cell_status status;
    bool has_event_us; /* as-of features that were found */
    int64_t event_us;
} floe_cell;

/* ---- lookups ---- */

/* What is asked, prepared once and shared by any number of lookups and threads: columns, their views, the entity keys
 * that a request must bring. Lies in an arena with the definitions it borrows. */
typedef struct floe_lookup_plan floe_lookup_plan;

/* Errors: INVALID when two views give one entity key different types, or two request features one input; LIMIT. */
floe_status floe_lookup_plan_make(const floe_ref *refs, size_t ref_count, floe_arena *arena,
                                  const floe_lookup_plan **ret_plan, floe_error *err);
/* The entity keys a request must bring, each name once, in order of first use. */
const floe_column *floe_lookup_plan_keys(const floe_lookup_plan *plan, size_t *ret_count);
/* What a request must bring for the request features asked for, each name once, in order of first use. */
const floe_column *floe_lookup_plan_inputs(const floe_lookup_plan *plan, size_t *ret_count);
const floe_ref *floe_lookup_plan_refs(const floe_lookup_plan *plan, size_t *ret_count);

typedef struct floe_lookup floe_lookup;
struct floe_lookup {
    const floe_lookup_plan *plan;
    size_t entity_count;
    const floe_value *const *keys; /* keys[k][e]: value of plan key k for entity e, of the key's type; a null key finds
                                      nothing */
    const floe_value *const *request;  /* request[i][e]: value of plan input i for entity e, of the input's type; may be
                                         null */
    int64_t as_of_us;                  /* 0: now. Judges ttl and end_time; earlier than a stored row: INVALID; with
                                      aggregates: UNSUPPORTED (they are as of their sync) */
    bool as_of_epoch;                  /* as_of_us of 0 is meant: 1970-01-01T00:00:00Z, not now */
    floe_arena *arena;                 /* results and scratch; must live until `done` */
    void (*done)(floe_lookup *lookup); /* called once, on the loop's thread, perhaps before start returns */
    void *context;
    /* Results, valid in and after `done`. */
    floe_status status;
    floe_error error;
    floe_cell *cells; /* cells[column * entity_count + entity] */
    /* Private to online. */
    void *private_data;
};

/* A server thread's connection to the store: asynchronous, pipelined, on that thread's loop. All lookups started within
 * one loop turn go out in one write. Reconnects by itself; while the store is away lookups fail with UNAVAILABLE at once.
 * Each view is read in its live generation, re-read from the store at least once a second. Where that was written with
 * another definition, only outputs that mean the same are found in it (name, type, column, function, window, over the same
 * rows: table, times, keys, where, boundary); everything else is NOT_FOUND until a sync. A row dated ahead of our clock (by at most max_future) counts as
 * of now. Where nothing is found, counts are 0 and PRESENT, but only once aggregates were synced: a store that was never
 * filled does not claim to know. A host name in the URL is resolved on this thread. */
typedef struct floe_online floe_online;
floe_status floe_online_open(const floe_online_def *store, floe_str project, floe_loop *loop, floe_online **ret_online,
                             floe_error *err);
/* Lookups in flight are answered CANCELLED. Not from inside a lookup's `done`. */
void floe_online_close(floe_online **online);
void floe_online_lookup(floe_online *online, floe_lookup *lookup);
/* Whether the store answers now; for /readyz. */
bool floe_online_ready(const floe_online *online);
/* How many of these views' stored values are of another definition, so that what changed is NOT_FOUND until a sync; for
 * /readyz. Rule: it tells what is known and asks for what is not, so the answer may be that of the call before; a view
 * that is not online, or was never filled, does not count. */
size_t floe_online_behind(floe_online *online, const floe_view *views, size_t view_count);

/* ---- the blocking store ---- */

typedef struct floe_store floe_store;
/* `project` separates projects that share a Redis. Errors: UNAVAILABLE with address and what to do. */
floe_status floe_store_open(const floe_online_def *store, floe_str project, floe_store **ret_store, floe_error *err);
void floe_store_close(floe_store **store);

/* The random id kept in the store beside its contents, made on first use; an emptied store gets another. In the arena. */
floe_status floe_store_identity(floe_store *store, floe_arena *arena, floe_str *ret_id, floe_error *err);

/* One lookup, blocking: fills lookup's results. `done` is not called. */
floe_status floe_store_lookup(floe_store *store, floe_lookup *lookup, floe_error *err);

typedef enum floe_write_outcome { FLOE_WRITE_DONE, FLOE_WRITE_OLDER, FLOE_WRITE_REFUSED } floe_write_outcome;

/* One row of one view for its as-of part, as push, streams and sync bring it. */
typedef struct floe_online_row {
    const floe_value *keys; /* entity's keys, none null */
    int64_t event_us;
    int64_t created_us;       /* INT64_MIN: null, the smallest */
    int64_t end_us;           /* INT64_MAX: never ends */
    const floe_value *values; /* one per as-of output of the view, in definition order */
} floe_online_row;

/* Writes rows of one view, each if newer, into the live and (when one is being filled) the filling generation in one
 * step. Without a live generation the first one is begun. One outcome per row; REFUSED: dated further ahead than the
 * source's max_future. Errors: UNAVAILABLE; LIMIT and INVALID (a null key, a value of another type) naming the row, with the
 * rows before it perhaps written; CONFLICT when the store serves, and fills, only generations of other definitions. */
floe_status floe_store_write(floe_store *store, const floe_view *view, const floe_online_row *rows, size_t row_count,
                             floe_write_outcome *ret_outcomes, floe_error *err);

/* What the store holds about a view; for doctor and for people. */
typedef struct floe_store_view_state {
    bool live;
    uint64_t generation;
    uint64_t fingerprint;
    int64_t as_of_us; /* time of the aggregates; 0: none */
    bool filling;
    size_t
        unserved; /* of the view's outputs: those that lookups do not find until a sync, being of another definition */
} floe_store_view_state;
floe_status floe_store_view_state_get(floe_store *store, const floe_view *view, floe_store_view_state *ret_state,
                                      floe_error *err);

/* ---- sync ---- */

/* Where a sync's rows come from; cli wires it to offline. Columns of the stream: the entity's keys, __event_ts,
 * __created_ts, __end_ts, as-of outputs, aggregates (see floe_sync_need). */
typedef struct floe_sync_need {
    const floe_view *view;
    int64_t as_of_us;
    int64_t since_snapshot_id; /* -1: everything */
    int64_t since_us;
    bool want_as_of, want_aggregates;
} floe_sync_need;
typedef struct floe_sync_got {
    int64_t snapshot_id;
    bool rewritten; /* an incremental answer is not possible: ask again for everything. No stream then. */
    bool unchanged; /* nothing appended since. No stream then. */
} floe_sync_got;
typedef struct floe_sync_source {
    floe_status (*newest)(void *context, const floe_sync_need *need, struct ArrowArrayStream *ret_stream,
                          floe_sync_got *ret_got, floe_error *err);
    void *context;
} floe_sync_source;

typedef struct floe_sync_request {
    const floe_view *view;
    floe_store *store;
    floe_registry *registry; /* marks */
    const floe_sync_source *source;
    bool full;
    int64_t announce_wait_us;     /* 2 s; tests shorten it */
    int64_t retire_wait_us;       /* 10 s between the switch and the end of the old generation */
    const atomic_bool *cancelled; /* may be NULL */
} floe_sync_request;
typedef struct floe_sync_result {
    bool full;
    floe_str why_full; /* "first sync", "definition changed", "rows were rewritten" …; literal */
    bool unchanged;
    int64_t rows;           /* read from the source */
    int64_t written, older; /* as-of rows */
    int64_t snapshot_id;
    int64_t elapsed_us;
} floe_sync_result;

/* One view, offline → online, as docs/ARCHITECTURE.md says (Sync). Aggregates are written as of the sync's time and always
 * for every key. Killing it anywhere and running it again loses nothing and changes nothing. */
floe_status floe_sync_run(const floe_sync_request *request, floe_sync_result *ret_result, floe_error *err);

/* Deletes what earlier syncs of the view retired, once retire_wait_us (not negative here) has passed since. Several views are
 * synced with a negative retire_wait_us and then retired one after the other, so that they wait together. */
floe_status floe_sync_retire(const floe_sync_request *request, floe_error *err);

/* ---- ingest ---- */

typedef struct floe_ingest_request {
    const floe_stream_def *stream;
    const floe_definitions *definitions; /* every online view over the stream's source gets the event */
    floe_store *store;
    bool until_end; /* stop when what was there at the start is applied */
    const atomic_bool *cancelled;
    const char *const *kafka_options; /* "name=value" pairs given to librdkafka; NULL-terminated or NULL */
    /* Called for each event that is refused while there is no dead-letter topic; for the caller's log. May be NULL. */
    void (*refused)(void *context, int32_t partition, int64_t offset, const char *reason);
    void *refused_context;
    /* Called once when no broker has answered for 3 s at start, with what is waited for; for the caller's log. May be NULL. */
    void (*waiting)(void *context, const char *why);
    void *waiting_context;
} floe_ingest_request;
typedef struct floe_ingest_result {
    int64_t events, written, older, filtered, refused;
} floe_ingest_result;

/* Consumes the topic: JSON object per event with the source's columns; `where` filters; each row written if newer; offsets
 * committed after the write. A bad event (not JSON, a column missing, dated further ahead than the source allows, older
 * than the partition's newest event by more than allowed_lateness) goes to the dead-letter topic, with the reason as the
 * header floe-reason, or, without one, to the caller's hook; it is counted and never stops the stream. Being cancelled is
 * the ordinary end: what was applied is committed, and the answer is OK. A store that is away is waited for. Counts:
 * events are messages; written, older and filtered are rows, one per view and event; refused are events.
 * Errors: UNAVAILABLE after the broker was away for 60 s at start (retried for ever afterwards); NOT_FOUND for a missing
 * topic; CONFLICT when the store's generation is of another definition than ours. Thread: one. */
floe_status floe_ingest_run(const floe_ingest_request *request, floe_ingest_result *ret_result, floe_error *err);

/* Whether the stream's broker answers and has its topic; joins no group and reads nothing. For doctor. Errors: UNAVAILABLE
 * when no broker answered within wait_us; NOT_FOUND for a missing topic; CANCELLED. Thread: any. */
floe_status floe_stream_probe(const floe_stream_def *stream, int64_t wait_us, const atomic_bool *cancelled,
                              floe_error *err);

/* One event's JSON → a row of the view; the codec of ingest and push. *ret_pass is false when `where` filters it. Every
 * column that the view uses must be there, null or not, so that a misspelt one is noticed; other members are ignored. Event,
 * created and end times finer than a microsecond are rounded up. Owns: the row lies in the arena and borrows from `json`.
 * Errors: INVALID naming the column. */
floe_status floe_event_row(const floe_view *view, floe_str json, floe_arena *arena, floe_online_row *ret_row,
                           bool *ret_pass, floe_error *err);

#endif
