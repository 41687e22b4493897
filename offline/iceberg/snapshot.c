/*
 * Which snapshot a request means, and with which schema it is read.
 */
#include "offline/iceberg/metadata.h"

#include "core/time.h"

#include <inttypes.h>

int64_t floe_ice_ms_to_us(int64_t timestamp_ms) {
    int64_t micros = 0;
    bool overflow = __builtin_mul_overflow(timestamp_ms, INT64_C(1000), &micros);
    return overflow ? (timestamp_ms < 0 ? INT64_MIN : INT64_MAX) : micros;
}

static floe_status by_id(const floe_ice_metadata *metadata, int64_t id, const floe_ice_snapshot **ret_snapshot,
                         floe_error *err) {
    *ret_snapshot = floe_ice_snapshot_by_id(metadata, id);
    FLOE_ENSURE(*ret_snapshot != NULL, err, FLOE_NOT_FOUND,
                "no snapshot %" PRId64 " (expired or never there); the table has %zu: see `floe table snapshots`", id,
                metadata->snapshot_count);
    return FLOE_OK;
}

static floe_status ref_missing(const floe_ice_metadata *metadata, const char *name, floe_error *err) {
    const char *names[64];
    char texts[64][64];
    size_t count = metadata->ref_count < 64 ? metadata->ref_count : 64;
    for (size_t i = 0; i < count; i++) {
        floe_str text = metadata->refs[i].name;
        size_t len = text.len < 63 ? text.len : 63;
        memcpy(texts[i], text.ptr, len);
        texts[i][len] = 0;
        names[i] = texts[i];
    }
    const char *nearest = floe_str_nearest(floe_str_of(name), names, count);
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "no branch or tag \"%s\"%s%s%s", name, FLOE_HINT(nearest));
}

static floe_status by_ref(const floe_ice_metadata *metadata, const char *name, const floe_ice_snapshot **ret_snapshot,
                          bool *ret_is_branch, floe_error *err) {
    for (size_t i = 0; i < metadata->ref_count; i++) {
        if (floe_str_is(metadata->refs[i].name, name)) {
            *ret_is_branch = metadata->refs[i].is_branch;
            floe_status status = by_id(metadata, metadata->refs[i].snapshot_id, ret_snapshot, err);
            return floe_failed(status)
                       ? floe_error_prefix(err, status, "%s \"%s\"", *ret_is_branch ? "branch" : "tag", name)
                       : status;
        }
    }
    return ref_missing(metadata, name, err);
}

static floe_status by_time(const floe_ice_metadata *metadata, int64_t as_of_us, const floe_ice_snapshot **ret_snapshot,
                           floe_error *err) {
    int64_t as_of_ms = floe_floor_div(as_of_us, 1000);
    const floe_ice_log_entry *best = NULL;
    const floe_ice_log_entry *oldest = NULL;
    for (size_t i = 0; i < metadata->log_count; i++) {
        const floe_ice_log_entry *entry = &metadata->log[i];
        if (entry->timestamp_ms <= as_of_ms && (best == NULL || entry->timestamp_ms > best->timestamp_ms)) {
            best = entry;
        }
        if (oldest == NULL || entry->timestamp_ms < oldest->timestamp_ms) {
            oldest = entry;
        }
    }
    if (best != NULL) {
        return by_id(metadata, best->snapshot_id, ret_snapshot, err);
    }
    char asked[FLOE_TIME_TEXT_MAX];
    char first[FLOE_TIME_TEXT_MAX];
    FLOE_ENSURE(oldest != NULL, err, FLOE_NOT_FOUND, "the table has no snapshot-log to look %s up in",
                floe_time_format(as_of_us, asked));
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "the table had no snapshot at %s; its log begins at %s",
                     floe_time_format(as_of_us, asked),
                     floe_time_format(floe_ice_ms_to_us(oldest->timestamp_ms), first));
}

static floe_status choose(const floe_ice_metadata *metadata, const floe_scan_request *request,
                          const floe_ice_snapshot **ret_snapshot, bool *ret_own_schema, floe_error *err) {
    bool is_branch = false;
    switch (request->at) {
    case FLOE_AT_ID:
        *ret_own_schema = true;
        return by_id(metadata, request->snapshot_id, ret_snapshot, err);
    case FLOE_AT_REF:
        FLOE_TRY(by_ref(metadata, request->ref, ret_snapshot, &is_branch, err));
        *ret_own_schema = !is_branch;
        return FLOE_OK;
    case FLOE_AT_TIME:
        *ret_own_schema = true;
        return by_time(metadata, request->as_of_us, ret_snapshot, err);
    default:
        *ret_own_schema = false;
        *ret_snapshot = metadata->current_snapshot_id == -1
                            ? NULL
                            : floe_ice_snapshot_by_id(metadata, metadata->current_snapshot_id);
        return FLOE_OK;
    }
}

floe_status floe_snapshot_choose(const floe_ice_metadata *metadata, const floe_scan_request *request,
                                 const floe_ice_snapshot **ret_snapshot, const floe_ice_schema **ret_schema,
                                 floe_error *err) {
    const floe_ice_snapshot *snapshot = NULL;
    bool own_schema = false;
    FLOE_TRY(choose(metadata, request, &snapshot, &own_schema, err));
    int32_t schema_id =
        own_schema && snapshot != NULL && snapshot->schema_id >= 0 ? snapshot->schema_id : metadata->current_schema_id;
    const floe_ice_schema *schema = floe_ice_schema_by_id(metadata, schema_id);
    FLOE_ENSURE(schema != NULL, err, FLOE_CORRUPT, "the snapshot %" PRId64 " names the schema %d, which is not there",
                snapshot->snapshot_id, (int)schema_id);
    *ret_snapshot = snapshot;
    *ret_schema = schema;
    return FLOE_OK;
}
