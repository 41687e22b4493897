/*
 * The phases of an import over a query of a session that is there already: the source is the query, the rest is the same.
 */
#include "offline/import/query.h"

#include "core/limits.h"
#include "core/mem.h"
#include "offline/import/import_int.h"

struct floe_query_import {
    floe_arena arena;
    floe_import import;
    floe_import_request request;
    bool committed;
};

void floe_query_import_close(floe_query_import **import) {
    floe_query_import *q = *import;
    if (!q) {
        return;
    }
    q->import.session = NULL; /* the caller's */
    floe_table_close(&q->import.table);
    floe_table_close(&q->import.origin);
    if (!q->committed) {
        floe_import_discard(&q->import);
    }
    floe_arena_close(&q->arena);
    floe_free(q);
    *import = NULL;
}

/* An import whose table, or place, is known. */
static floe_status begin(floe_lake *lake, const floe_query_target *target, const floe_run *run,
                         floe_query_import **ret_import, floe_error *err) {
    static const char *const ROWS = "the rows of a query"; /* stands for the files, of which there must be one */
    FLOE_CLEANUP(floe_query_import_close) floe_query_import *q = NULL;
    FLOE_TRY(floe_alloc(1, sizeof *q, &q, err));
    floe_arena_init(&q->arena, FLOE_GIB(4));
    q->request = (floe_import_request){.files = &ROWS,
                                       .file_count = 1,
                                       .table = floe_arena_strdup(&q->arena, target->table),
                                       .mode = target->replace ? FLOE_IMPORT_REPLACE : FLOE_IMPORT_CREATE};
    q->import = (floe_import){.lake = lake, .request = &q->request, .run = run, .arena = &q->arena};
    FLOE_TRY(floe_arena_check(&q->arena, err));
    floe_import_uuid(q->import.uuid);
    FLOE_TRY(floe_import_place(&q->import, err));
    *ret_import = q;
    q = NULL;
    return FLOE_OK;
}

/* A replaced table keeps its partitions, whose order would be another than the rows'. */
static floe_status check_order(const floe_import *import, floe_error *err) {
    const floe_ice_metadata *metadata = import->table ? &import->table->metadata : NULL;
    for (size_t i = 0; metadata && i < metadata->spec_count; i++) {
        const floe_ice_spec *spec = &metadata->specs[i];
        FLOE_ENSURE(spec->spec_id != metadata->default_spec_id || spec->field_count == 0, err, FLOE_UNSUPPORTED,
                    "the table %s is partitioned: rows put there could not keep their order; name another table",
                    import->request->table);
    }
    return FLOE_OK;
}

floe_status floe_query_import_check(floe_lake *lake, const floe_query_target *target, floe_error *err) {
    FLOE_CLEANUP(floe_query_import_close) floe_query_import *q = NULL;
    FLOE_TRY(begin(lake, target, NULL, &q, err));
    return check_order(&q->import, err);
}

static floe_status write_rows(floe_import *import, const char *select, floe_error *err) {
    FLOE_TRY(check_order(import, err));
    FLOE_TRY(floe_import_query_source(import, floe_str_of(select), err));
    FLOE_TRY(floe_import_schema(import, err));
    FLOE_TRY(floe_import_partition(import, err));
    FLOE_TRY(floe_import_sort(import, err));
    FLOE_TRY(floe_import_data(import, err));
    return floe_import_choose_removed(import, err);
}

floe_status floe_query_import_open(floe_lake *lake, floe_session *session, const floe_query_target *target,
                                   const char *select, const floe_run *run, floe_query_import **ret_import,
                                   floe_error *err) {
    FLOE_CLEANUP(floe_query_import_close) floe_query_import *q = NULL;
    FLOE_TRY(begin(lake, target, run ? run : lake->run, &q, err));
    q->import.session = session;
    q->import.snapshot_id = floe_import_snapshot_id();
    FLOE_TRY(write_rows(&q->import, select, err));
    *ret_import = q;
    q = NULL;
    return FLOE_OK;
}

int64_t floe_query_import_snapshot(const floe_query_import *import) {
    return import->import.snapshot_id;
}

int64_t floe_query_import_rows(const floe_query_import *import) {
    int64_t rows = 0;
    for (size_t i = 0; i < import->import.entry_count; i++) {
        rows += import->import.entries[i].file.record_count;
    }
    return rows;
}

floe_status floe_query_import_commit(floe_query_import *import, floe_error *err) {
    floe_import_result result;
    FLOE_TRY(floe_import_commit(&import->import, &result, err));
    import->committed = true;
    return FLOE_OK;
}
