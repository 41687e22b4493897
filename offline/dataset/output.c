/*
 * Where a dataset goes: a file, or an Iceberg table. Both are made in two steps, so that the manifest is written between them:
 * rows that nobody sees yet, then one rename or one commit.
 *
 * A table's rows lie in one data file, which keeps the spine's order. While the commit runs, a marker lies in the dataset's
 * folder, as the part file lies beside a file's place; see unlisted.c.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "offline/ipc/ipc.h"

#include <sys/stat.h>

/* Whether it is catalog.namespace.table, and no name of a file. */
static bool is_reference(const char *out, floe_str *ret_catalog) {
    floe_str namespace_name, table;
    static const char *const files[] = {".parquet", ".csv", ".jsonl"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (floe_str_ends_nocase(floe_str_of(out), files[i])) {
            return false;
        }
    }
    return !floe_ipc_is_path(out) && !strchr(out, '/') &&
           !floe_failed(floe_table_reference_split(floe_str_of(out), ret_catalog, &namespace_name, &table, NULL));
}

bool floe_output_is_table(floe_lake *lake, const char *out) {
    floe_str catalog;
    return is_reference(out, &catalog) && floe_lake_catalog(lake, catalog) != NULL;
}

/* ---- may it go there ---- */

static bool is_same_file(const char *a, const char *b) {
    struct stat x, y;
    return a && stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The labels are often all there is of them: an answer in their place could not be built again. */
static floe_status check_file(const floe_dataset_request *request, floe_error *err) {
    floe_str catalog;
    FLOE_ENSURE(!is_reference(request->out, &catalog), err, FLOE_NOT_FOUND,
                "the output %s: there is no catalog %.*s in floe.yaml; a file ends with .parquet, .arrow, .feather, "
                ".arrows, .csv or "
                ".jsonl",
                request->out, FLOE_STR_BRIEF(catalog));
    FLOE_TRY(floe_rows_check(request->out, err));
    FLOE_ENSURE(!request->replace, err, FLOE_INVALID, "--replace is for tables; %s is a file and is replaced anyhow",
                request->out);
    bool is_spine = is_same_file(request->spine, request->out) || is_same_file(request->given_spine, request->out);
    FLOE_ENSURE(!is_spine, err, FLOE_INVALID,
                "the output %s is the spine itself, whose labels would be overwritten; name another file",
                request->out);
    return FLOE_OK;
}

/* Whether it is the table that `name` names, by catalog, folder or metadata file. What no table answers to is none. */
static bool is_same_table(floe_lake *lake, const floe_ice_metadata *table, const char *name) {
    FLOE_CLEANUP(floe_table_close) floe_table *other = NULL;
    if (!name || floe_failed(floe_table_open(lake, name, NULL, NULL, &other, NULL))) {
        return false;
    }
    const floe_ice_metadata *metadata = floe_table_metadata(other);
    bool known = table->table_uuid.len > 0 && metadata->table_uuid.len > 0;
    return known ? floe_str_equal(table->table_uuid, metadata->table_uuid)
                 : floe_str_equal(table->location, metadata->location);
}

/* Of all views, those that request features need included. */
static floe_status check_sources(floe_lake *lake, const floe_dataset_request *request, const floe_ice_metadata *table,
                                 floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_dataset_request views;
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_TRY(floe_dataset_of_views(request, &arena, &views, err));
    for (size_t i = 0; i < views.ref_count; i++) {
        const floe_source *source = views.refs[i].view->source;
        bool seen = false;
        for (size_t before = 0; before < i && !seen; before++) {
            seen = views.refs[before].view->source == source;
        }
        const char *name = seen ? NULL : floe_arena_strndup(&arena, source->table.ptr, source->table.len);
        FLOE_TRY(floe_arena_check(&arena, err));
        FLOE_ENSURE(!is_same_table(lake, table, name), err, FLOE_INVALID,
                    "the output %s is the table of the source %.*s; name another table", request->out,
                    FLOE_STR_ARG(source->about.name));
    }
    return FLOE_OK;
}

/* A table that is there may be one of those that are read. */
static floe_status check_read(floe_lake *lake, const floe_dataset_request *request, floe_error *err) {
    FLOE_CLEANUP(floe_table_close) floe_table *table = NULL;
    if (floe_failed(floe_table_open(lake, request->out, NULL, NULL, &table, NULL))) {
        return FLOE_OK;
    }
    const floe_ice_metadata *metadata = floe_table_metadata(table);
    bool is_spine =
        is_same_table(lake, metadata, request->spine) || is_same_table(lake, metadata, request->given_spine);
    FLOE_ENSURE(!is_spine, err, FLOE_INVALID,
                "the output %s is the spine itself, whose labels would be replaced; name another table", request->out);
    return check_sources(lake, request, metadata, err);
}

static floe_status check_table(floe_lake *lake, const floe_dataset_request *request, floe_error *err) {
    FLOE_TRY(check_read(lake, request, err));
    floe_error why = {0};
    floe_status status = floe_query_import_check(lake, &(floe_query_target){request->out, request->replace}, &why);
    FLOE_ENSURE(status.code != FLOE_CONFLICT || request->replace, err, FLOE_CONFLICT,
                "the table %s exists: --replace puts this dataset in the place of its rows", request->out);
    return floe_failed(status) ? floe_error_set(err, why.code, why.sys_errno, why.file, why.line, "%s", why.message)
                               : FLOE_OK;
}

floe_status floe_output_check(floe_lake *lake, const floe_dataset_request *request, floe_error *err) {
    return floe_output_is_table(lake, request->out) ? check_table(lake, request, err) : check_file(request, err);
}

/* ---- there ---- */

floe_status floe_output_prepare(dataset_job *job, const char *select, dataset_output *ret_output, floe_error *err) {
    const floe_dataset_request *request = job->asked;
    dataset_output output = {.request = request, .snapshot_id = -1};
    int64_t rows = 0;
    if (floe_output_is_table(job->lake, request->out)) {
        floe_query_target target = {request->out, request->replace};
        FLOE_TRY(floe_query_import_open(job->lake, job->session, &target, select, job->run, &output.table, err));
        rows = floe_query_import_rows(output.table);
        output.snapshot_id = floe_query_import_snapshot(output.table);
    } else {
        FLOE_TRY(floe_rows_prepare(job->session, select, request->out, job->label_count, &rows, err));
    }
    FLOE_ASSERT(rows == job->label_count); /* Every spine row exactly once. */
    *ret_output = output;
    return FLOE_OK;
}

void floe_output_discard(dataset_output *output) {
    if (output->table) {
        floe_query_import_close(&output->table);
    } else {
        floe_rows_discard(output->request->out);
    }
}

/* The marker goes as soon as the table is what it is to be. */
static floe_status publish(dataset_output *output, const floe_dataset_result *result, floe_error *err) {
    const floe_dataset_request *request = output->request;
    if (!output->table) {
        return floe_rows_publish(request->out, err);
    }
    floe_status status = floe_query_import_commit(output->table, err);
    floe_query_import_close(&output->table);
    if (!floe_failed(status) && request->root) {
        FLOE_IGNORE(floe_dataset_marker_remove(request, result->id));
    }
    return status;
}

floe_status floe_output_publish(dataset_output *output, floe_dataset_result *result, floe_error *err) {
    floe_status status = publish(output, result, err);
    floe_dataset_note_unlock(result);
    return status;
}
