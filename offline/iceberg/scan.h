/*
 * From a table and a request to files, and from files to one SQL source that the engine can scan.
 */
#ifndef FLOE_OFFLINE_ICEBERG_SCAN_H
#define FLOE_OFFLINE_ICEBERG_SCAN_H

#include "offline/engine/engine.h"
#include "offline/iceberg/model.h"
#include "offline/offline.h"

/* A pinned, planned scan: the files to read in (data sequence number, path) order. Lies in its arena. */
/* What a scan needs of a column of times: rows outside may be left out, so that the engine can pass over row groups. Units: µs,
 * inclusive; INT64_MIN and INT64_MAX: no bound, as is a field id of 0. */
typedef struct floe_time_bound {
    int32_t field_id;
    int64_t first_us, last_us;
} floe_time_bound;

typedef struct floe_table_scan_files {
    const floe_ice_metadata *metadata;
    const floe_ice_snapshot *snapshot; /* NULL: the table has none, no files */
    const floe_ice_schema *schema; /* to read with: by id/time/tag the snapshot's, by branch or current the table's */
    const floe_ice_data_file *const *files;
    size_t file_count;
    const char *const *local_paths; /* one per file: openable, moved prefixes applied, percent-encoding as written;
                                     a file that is not local keeps its path, and reading it is refused */
    const floe_ice_data_file *const *deletes; /* the live delete files of the snapshot; what applies to a file stands
                                                 in its `deletes` */
    size_t delete_count;
    floe_scan_plan plan;
    floe_time_bound
        bound; /* of columns that are read with a zone; a scan that says plain times leaves rows outside out, or not */
} floe_table_scan_files;

/* Chooses the snapshot, reads manifests, prunes by `filter` (bound to the schema's columns; NULL: none) and refuses what
 * cannot be read right: formats other than Parquet, encryption, projected columns of unknown type
 * or with nested evolution, the same path twice (CORRUPT, naming it), deletes that contradict the data files. `columns` are what will be projected (NULL: all). */
floe_status floe_table_scan_plan_files(floe_table *table, const floe_scan_request *request, const floe_expr *filter,
                                       floe_arena *arena, floe_table_scan_files *ret_files, floe_error *err);

/* Files appended between two snapshots; *ret_appends_only is false when an overwrite, delete or replace lies between, a
 * delete file was added, or `from` is no ancestor of the scan's snapshot. */
floe_status floe_table_scan_appended(floe_table *table, int64_t from_snapshot_id, const floe_table_scan_files *to,
                                     floe_arena *arena, bool *ret_appends_only,
                                     const floe_ice_data_file *const **ret_files, size_t *ret_count, floe_error *err);

/* The SQL of a FROM clause item over the files: `(SELECT "a", "b"[, __floe_seq, __floe_file, __floe_pos] FROM …)`, columns by field id
 * under the names of the schema, identity-partition constants where the file lacks the column. With `with_position`:
 * __floe_seq (BIGINT, rank of the file in (data sequence number, path) order) and __floe_pos (BIGINT, row position), which order
 * exact ties. File lists are text literals or parameters as the engine likes best. An empty file list gives a
 * SELECT with the right types and no rows. */
floe_status floe_table_scan_sql(floe_table *table, const floe_table_scan_files *files, const floe_str *columns,
                                size_t column_count, bool with_position, floe_session *session, floe_buf *out,
                                floe_error *err);

/* The lake's engine, opened on first use; the table's lake. */
floe_status floe_lake_engine(floe_lake *lake, floe_engine **ret_engine, floe_error *err);
const floe_ice_metadata *floe_table_metadata(const floe_table *table);

#endif
