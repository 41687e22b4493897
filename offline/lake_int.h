/*
 * What the files of offline share about lakes and tables. Nothing outside offline includes it.
 */
#ifndef FLOE_OFFLINE_LAKE_INT_H
#define FLOE_OFFLINE_LAKE_INT_H

#include "core/map.h"
#include "offline/catalog/catalog.h"
#include "offline/engine/engine.h"
#include "offline/iceberg/model.h"
#include "offline/io/io.h"
#include "offline/io/mirror.h"
#include "offline/offline.h"
#include "offline/spill.h"

struct floe_lake {
    floe_arena arena;
    floe_catalog **catalogs;
    size_t catalog_count;
    const floe_run *run; /* may be NULL */
    floe_engine *engine; /* opened on first use */
    floe_mirror *mirror; /* of the store that the environment names; opened on first use */
    floe_spill spill;    /* with the engine; none where it could not be made */
    uint64_t file_lists; /* how many the engine was given: each gets a name of its own */
    uint64_t
        spine_copies; /* as many, of a name each: the engine may remember what lay at a path (dataset/spine/parquet.c) */
    floe_map copies;  /* data files → their copies in the spill folder (iceberg/scan/nanoseconds.c) */
};

struct floe_table {
    floe_arena arena;
    floe_lake *lake;
    floe_fs *fs;
    floe_str name;             /* as it was asked for, for messages */
    const char *metadata_path; /* as opened */
    floe_moved moved;
    floe_ice_metadata metadata;
};

/* The mirror of the object store that the environment names. Owns: the lake. Errors: as floe_mirror_open. */
floe_status floe_lake_mirror(floe_lake *lake, floe_mirror **ret_mirror, floe_error *err);
/* The lake's folder for what does not fit into memory. Errors: those of floe_spill_open. */
floe_status floe_lake_spill(floe_lake *lake, const char **ret_folder, floe_error *err);

/* The catalog of that name, or NULL. */
floe_catalog *floe_lake_catalog(floe_lake *lake, floe_str name);

/* A scan as a source for other SQL of the session. */
typedef struct floe_scan_source {
    floe_arena *arena; /* given: of what is returned */
    floe_buf *sql;     /* given: the scan is appended as a SELECT */
    const char *const *paths;
    size_t path_count; /* files that it reads */
} floe_scan_source;
floe_status floe_scan_source_sql(floe_table *table, const floe_scan_request *request, floe_session *session,
                                 floe_scan_source *source, floe_error *err);

/* Splits catalog.ns[.ns…].table. Errors: INVALID saying the form. */
floe_status floe_table_reference_split(floe_str reference, floe_str *ret_catalog, floe_str *ret_namespace,
                                       floe_str *ret_table, floe_error *err);

/* Whether a filter for the engine is one closed expression over one row. Errors: INVALID, UNSUPPORTED (a query, a window, a
 * parameter inside). */
floe_status floe_where_check(floe_session *session, const char *text, floe_error *err);

#endif
