/*
 * The newest rows per key, for a sync: the same kernel, with one label for every key that the source has.
 *
 * An incremental answer reads only the files appended since a snapshot, and of the older ones that may hold such the rows
 * dated after the last sync; it is refused (rewritten) where rows were deleted or replaced in between, or a
 * column was dropped and made again under its name. What the last sync
 * took of an old file must not come again: the store lets the later of two equals win, and it may hold an equal of a later file.
 */
#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/time.h"
#include "offline/dataset/dataset_int.h"

#include <inttypes.h>

/* A stream that owns the question it answers. */
typedef struct newest {
    floe_arena arena; /* references */
    floe_pit *pit;
    struct ArrowArrayStream inner;
} newest;

static void newest_close(void *context) {
    newest *owner = context;
    floe_arrow_stream_release(&owner->inner);
    floe_pit_close(&owner->pit);
    floe_arena_close(&owner->arena);
    floe_free(owner);
}

static void newest_cleanup(newest **owner) {
    if (*owner) {
        newest_close(*owner);
    }
}

static floe_status newest_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    return floe_arrow_stream_schema(&((newest *)context)->inner, "newest rows", ret_schema, err);
}

static floe_status newest_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    return floe_arrow_stream_next(&((newest *)context)->inner, "newest rows", ret_batch, err);
}

/* As-of outputs first, then aggregates, as asked. */
static floe_status make_refs(const floe_newest_request *request, floe_arena *arena, floe_ref **ret_refs,
                             size_t *ret_count, floe_error *err) {
    const floe_view *view = request->view;
    floe_ref *refs = floe_arena_alloc(arena, view->output_count, sizeof(*refs));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (int aggregates = 0; aggregates < 2; aggregates++) {
        for (size_t i = 0; i < view->output_count; i++) {
            bool is_aggregate = view->outputs[i].function != FLOE_FN_NONE;
            bool wanted = aggregates ? request->want_aggregates : request->want_as_of;
            if (wanted && is_aggregate == (aggregates == 1)) {
                refs[count++] = (floe_ref){view, &view->outputs[i]};
            }
        }
    }
    *ret_refs = refs;
    *ret_count = count;
    return FLOE_OK;
}

static const floe_ice_bytes_entry *bound_of(const floe_ice_bytes_entry *bounds, size_t count, int32_t field_id) {
    for (size_t i = 0; i < count; i++) {
        if (bounds[i].field_id == field_id) {
            return &bounds[i];
        }
    }
    return NULL;
}

/* Whether a file may hold rows dated after `since_us`: its upper bound of the event time, where it has one, tells. Bounds
 * of timestamps are int64 µs or ns and of dates int32 days, little-endian. */
static bool may_be_younger(const floe_ice_data_file *file, const floe_ice_field *event, int64_t since_us) {
    const floe_ice_bytes_entry *bound = bound_of(file->upper_bounds, file->upper_count, event->id);
    if (!bound || (bound->bytes.len != 8 && bound->bytes.len != 4)) {
        return true;
    }
    uint64_t bits = 0;
    for (size_t i = 0; i < bound->bytes.len; i++) {
        bits |= (uint64_t)(uint8_t)bound->bytes.ptr[i] << (8 * i);
    }
    bool fine = floe_ice_is_nanoseconds(event->type);
    int64_t upper = bound->bytes.len == 4 ? (int64_t)(int32_t)(uint32_t)bits * INT64_C(86400000000)
                    : fine                ? floe_us_of_ns_up((int64_t)bits)
                                          : (int64_t)bits;
    return upper > since_us;
}

/* The files by their paths. */
static floe_status map_files(const floe_ice_data_file *const *files, size_t count, floe_arena *arena, floe_map *map,
                             floe_error *err) {
    floe_map_init(map, arena);
    for (size_t i = 0; i < count; i++) {
        (void)floe_map_put(map, files[i]->path, (void *)(uintptr_t)files[i]);
    }
    return floe_arena_check(arena, err);
}

/* What an incremental sync reads: files appended since, and of older ones the rows dated after what the last sync took. */
typedef struct parted_scan {
    source_scan appended, older; /* of one open table */
    int64_t taken_us;            /* the last sync took rows dated so, and before */
} parted_scan;

typedef struct part_files {
    const floe_ice_data_file **files;
    const char **paths;
    size_t count;
} part_files;

static floe_status part_open(const source_scan *scan, floe_arena *arena, part_files *ret_part, floe_error *err) {
    *ret_part = (part_files){
        .files = floe_arena_alloc(arena, scan->files.file_count + 1, sizeof(*ret_part->files)),
        .paths = floe_arena_alloc(arena, scan->files.file_count + 1, sizeof(*ret_part->paths)),
    };
    return floe_arena_check(arena, err);
}

static void part_add(part_files *part, const source_scan *scan, size_t file) {
    part->files[part->count] = scan->files.files[file];
    part->paths[part->count++] = scan->files.local_paths[file];
}

static source_scan part_scan(const source_scan *scan, const part_files *part) {
    source_scan of_part = *scan;
    of_part.files.files = part->files;
    of_part.files.local_paths = part->paths;
    of_part.files.file_count = part->count;
    return of_part;
}

static floe_status part_scans(const floe_newest_request *request, const source_scan *scan, floe_arena *arena,
                              parted_scan *parted, floe_newest_result *result, floe_error *err) {
    const floe_ice_data_file *const *appended;
    size_t appended_count;
    bool appends_only, same_columns;
    FLOE_TRY(floe_table_scan_appended(scan->table, request->since_snapshot_id, &scan->files, arena, &appends_only,
                                      &appended, &appended_count, err));
    FLOE_TRY(floe_drift_ids(scan, request->since_snapshot_id, arena, &same_columns, err));
    if (!appends_only || !same_columns) {
        result->rewritten = true;
        return FLOE_OK;
    }
    const floe_ice_field *event = floe_ice_field_by_name(scan->files.schema, request->view->source->event_time);
    FLOE_ENSURE(event, err, FLOE_CONFLICT,
                "the table lost its event time column \"%.*s\"; fix the source and run floe apply",
                FLOE_STR_ARG(request->view->source->event_time));
    parted->taken_us = request->since_us;
    parted->taken_us -= request->view->at_before && parted->taken_us > INT64_MIN ? 1 : 0;
    part_files newer, older;
    floe_map is_appended;
    FLOE_TRY(map_files(appended, appended_count, arena, &is_appended, err));
    FLOE_TRY(part_open(scan, arena, &newer, err));
    FLOE_TRY(part_open(scan, arena, &older, err));
    for (size_t i = 0; i < scan->files.file_count; i++) {
        const floe_ice_data_file *file = scan->files.files[i];
        if (floe_map_get(&is_appended, file->path)) {
            part_add(&newer, scan, i);
        } else if (may_be_younger(file, event, parted->taken_us)) {
            part_add(&older, scan, i);
        }
    }
    parted->appended = part_scan(scan, &newer);
    parted->older = part_scan(scan, &older);
    result->unchanged = newer.count + older.count == 0;
    return FLOE_OK;
}

/* Rows of appended files rank behind all others. */
static floe_status parted_sql(const parted_scan *parted, floe_session *session, floe_buf *sql, floe_error *err) {
    floe_buf_printf(sql, "SELECT * REPLACE (__floe_seq + %zu AS __floe_seq) FROM (", parted->older.files.file_count);
    FLOE_TRY(floe_source_sql(&parted->appended, session, sql, err));
    floe_buf_text(sql, ") UNION ALL SELECT * FROM (");
    FLOE_TRY(floe_source_sql(&parted->older, session, sql, err));
    floe_buf_printf(sql, ") WHERE __floe_event > %" PRId64, parted->taken_us);
    return floe_buf_check(sql, err);
}

static floe_status feed(floe_session *session, const source_scan *scan, const parted_scan *parted, floe_pit *pit,
                        floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    FLOE_TRY(parted ? parted_sql(parted, session, &sql, err) : floe_source_sql(scan, session, &sql, err));
    return floe_dataset_feed_query(session, sql.ptr, NULL, pit, 0, err);
}

/* Plans and feeds; leaves result->rewritten or ->unchanged set where there is nothing to stream. */
static floe_status read_source(floe_lake *lake, const floe_newest_request *request, const floe_run *run, newest *owner,
                               floe_newest_result *result, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(4));
    size_t need_count;
    const floe_pit_need *needs = floe_pit_needs(owner->pit, &need_count);
    FLOE_CLEANUP(floe_source_close) source_scan scan = {0};
    floe_dataset_pin pin = {.snapshot_id = request->snapshot_id, .schema_id = -1};
    FLOE_TRY(floe_source_plan(lake, &needs[0], request->snapshot_id < 0 ? NULL : &pin, &arena, &scan, err));
    result->snapshot_id = scan.files.plan.snapshot_id;
    parted_scan parted;
    bool in_parts = request->since_snapshot_id >= 0 && !request->want_aggregates;
    if (in_parts) {
        FLOE_TRY(part_scans(request, &scan, &arena, &parted, result, err));
    }
    if (result->rewritten || result->unchanged) {
        return FLOE_OK;
    }
    floe_engine *engine;
    FLOE_TRY(floe_lake_engine(lake, &engine, err));
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    FLOE_TRY(floe_session_open(engine, run, &session, err));
    FLOE_TRY(floe_drift_status(feed(session, &scan, in_parts ? &parted : NULL, owner->pit, err), err));
    return floe_pit_run(owner->pit, run, err);
}

floe_status floe_newest_rows(floe_lake *lake, const floe_newest_request *request, const floe_run *run,
                             struct ArrowArrayStream *ret_stream, floe_newest_result *ret_result, floe_error *err) {
    static const floe_stream_source source = {newest_schema, newest_next, newest_close};
    FLOE_CLEANUP(newest_cleanup) newest *owner = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*owner), &owner, err));
    floe_arena_init(&owner->arena, FLOE_MIB(64));
    floe_ref *refs;
    size_t ref_count;
    FLOE_TRY(make_refs(request, &owner->arena, &refs, &ref_count, err));
    FLOE_TRY(floe_pit_open(refs, ref_count, &(floe_pit_options){.newest = true}, &owner->pit, err));
    FLOE_TRY(floe_pit_labels_newest(owner->pit, request->as_of_us, err));
    floe_newest_result result = {.snapshot_id = -1};
    FLOE_TRY(read_source(lake, request, run, owner, &result, err));
    if (!result.rewritten && !result.unchanged) {
        FLOE_TRY(floe_pit_stream(owner->pit, &owner->inner, err));
        FLOE_TRY(floe_arrow_stream_make(&source, owner, ret_stream, err));
        owner = NULL; /* The stream closes it. */
    }
    *ret_result = result;
    return FLOE_OK;
}
