/*
 * Data files of an import.
 *
 * Without partitions the input goes straight into one file. With them it is read once into a temporary table (which
 * spills), sorted by partition and within it by the input's order, and each partition, then one stretch of rows, becomes
 * a file. File names count up in partition order, so that in a partition path order is input order. Files are synced
 * before they are measured, so that a commit never names bytes that a power cut could take.
 */
#include "offline/import/import_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "offline/iceberg/plan_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* ---- SQL ---- */

static void put_id(floe_buf *out, const floe_ice_field *field);

static void put_ids(floe_buf *out, const floe_ice_field *fields, size_t count, bool comma) {
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(out, i || comma ? ", " : "");
        floe_sql_quote_text(out, fields[i].name);
        floe_buf_text(out, ": ");
        put_id(out, &fields[i]);
    }
}

static void put_id(floe_buf *out, const floe_ice_field *field) {
    if (field->type->field_count == 0) {
        floe_buf_printf(out, "%" PRId32, field->id);
        return;
    }
    floe_buf_printf(out, "{__duckdb_field_id: %" PRId32, field->id);
    put_ids(out, field->type->fields, field->type->field_count, true);
    floe_buf_byte(out, '}');
}

static bool in_input(const floe_import *import, floe_str name) {
    for (size_t i = 0; i < import->column_count; i++) {
        if (floe_str_equal(import->columns[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Columns in the order of the schema, each cast to the type its field is written from. One that the input lacks is what
 * the table has writers put there, or null. */
static floe_status put_columns(const floe_import *import, floe_buf *out, floe_error *err) {
    for (size_t i = 0; i < import->schema.field_count; i++) {
        const floe_ice_field *field = &import->schema.fields[i];
        floe_buf_text(out, i ? ", CAST(" : "CAST(");
        if (in_input(import, field->name)) {
            floe_sql_quote_name(out, field->name);
        } else {
            floe_ice_field written = *field;
            written.initial_default = field->write_default;
            FLOE_TRY(floe_default_sql(&written, false, out, err));
        }
        floe_buf_text(out, " AS ");
        floe_import_type_sql(out, field->type);
        floe_buf_text(out, ") AS ");
        floe_sql_quote_name(out, field->name);
    }
    return FLOE_OK;
}

static void put_names(const floe_ice_schema *schema, floe_buf *out) {
    for (size_t i = 0; i < schema->field_count; i++) {
        floe_buf_text(out, i ? ", " : "");
        floe_sql_quote_name(out, schema->fields[i].name);
    }
}

static floe_status copy_to(floe_import *import, floe_str query, const char *local_path, int64_t *ret_rows,
                           floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_buf_text(&sql, "COPY (");
    floe_buf_str(&sql, query);
    floe_buf_text(&sql, ") TO ");
    floe_sql_quote_text(&sql, floe_str_of(local_path));
    /* No Bloom filters: the engine hashes 0.0 and -0.0 apart, so that a reader asking for zero would lose rows. */
    floe_buf_text(&sql,
                  " (FORMAT parquet, COMPRESSION zstd, WRITE_BLOOM_FILTER false, USE_TMP_FILE false, FIELD_IDS {");
    put_ids(&sql, import->schema.fields, import->schema.field_count, false);
    floe_buf_text(&sql, import->with_lineage ? ", '_row_id': 2147483540, '_last_updated_sequence_number': 2147483539})"
                                             : "})");
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(import->session, sql.ptr, NULL, ret_rows, err);
}

/* ---- one file ---- */

static floe_status sync_file(const char *local_path, floe_error *err) {
    int fd = open(local_path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return FLOE_FAIL_ERRNO(err, FLOE_IO, "%s: %s", local_path, strerror(errno));
    }
    int failed = fsync(fd) != 0 ? errno : 0;
    close(fd);
    FLOE_ENSURE(failed == 0, err, FLOE_IO, "%s: %s", local_path,
                failed == ENOSPC ? "the disk is full" : strerror(failed));
    return FLOE_OK;
}

/* data/[partition/]<number>-<import>.parquet */
static floe_status choose_path(floe_import *import, const floe_value *partition, floe_str *ret_path, floe_error *err) {
    FLOE_AUTO_BUF path;
    floe_buf_init(&path, FLOE_MIB(1));
    floe_buf_str(&path, import->location);
    floe_buf_text(&path, "/data/");
    if (import->spec.field_count > 0) {
        floe_import_partition_path(&import->spec, partition, &path);
        floe_buf_byte(&path, '/');
    }
    floe_buf_printf(&path, "%05zu-%s.parquet", import->entry_count, import->uuid);
    FLOE_TRY(floe_buf_check(&path, err));
    *ret_path = floe_arena_str(import->arena, floe_buf_view(&path));
    return floe_arena_check(import->arena, err);
}

floe_status floe_import_write_file(floe_import *import, floe_str query, const floe_import_output *output,
                                   floe_ice_entry **ret_entry, floe_error *err) {
    const char *local = NULL;
    int64_t rows = 0;
    *ret_entry = NULL;
    FLOE_TRY(floe_import_local(import, output->path, &local, err));
    floe_import_will_write(import, local);
    FLOE_TRY(floe_arena_check(import->arena, err));
    FLOE_TRY(floe_file_mkdirs_of(local, err));
    FLOE_TRY(copy_to(import, query, local, &rows, err));
    if (rows == 0) {
        return floe_file_remove(local, err);
    }
    FLOE_TRY(sync_file(local, err));
    floe_ice_entry *entry =
        FLOE_ARENA_PUSH(import->arena, import->entries, import->entry_count, import->entry_capacity);
    FLOE_TRY(floe_arena_check(import->arena, err));
    entry->file = (floe_ice_data_file){.status = 1,
                                       .path = output->path,
                                       .format = FLOE_STR("PARQUET"),
                                       .spec_id = output->spec->spec_id,
                                       .partition = output->partition,
                                       .partition_count = output->spec->field_count,
                                       .sort_order_id = import->sort_order.order_id};
    FLOE_TRY(floe_import_measure(import, local, entry, err));
    FLOE_ENSURE(entry->file.record_count == rows, err, FLOE_INTERNAL,
                "%s: %" PRId64 " rows were written, %" PRId64 " can be read", local, rows, entry->file.record_count);
    *ret_entry = entry;
    return FLOE_OK;
}

static floe_status write_file(floe_import *import, floe_str query, const floe_value *partition, floe_error *err) {
    floe_import_output output = {.spec = &import->spec, .partition = partition};
    floe_ice_entry *entry = NULL;
    FLOE_TRY(choose_path(import, partition, &output.path, err));
    return floe_import_write_file(import, query, &output, &entry, err);
}

/* ---- partitions ---- */

static floe_status sort_input(floe_import *import, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_buf_text(&sql, "CREATE TEMP TABLE __floe_sorted AS SELECT * FROM (SELECT *");
    for (size_t i = 0; i < import->spec.field_count; i++) {
        const floe_ice_partition_field *field = &import->spec.fields[i];
        floe_buf_text(&sql, ", ");
        floe_import_transform_sql(field, floe_ice_field_by_id(&import->schema, field->source_id), &sql);
        floe_buf_printf(&sql, " AS __floe_p%zu", i);
    }
    floe_buf_text(&sql, ", row_number() OVER () AS __floe_row FROM (SELECT ");
    FLOE_TRY(put_columns(import, &sql, err));
    floe_buf_text(&sql, " FROM (");
    floe_buf_str(&sql, import->source_sql);
    floe_buf_text(&sql, "))) ORDER BY ");
    for (size_t i = 0; i < import->spec.field_count; i++) {
        floe_buf_printf(&sql, "__floe_p%zu NULLS FIRST, ", i);
    }
    floe_import_order_sql(import, &sql);
    floe_buf_text(&sql, "__floe_row");
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(import->session, sql.ptr, NULL, NULL, err);
}

/* A partition's value as what it is kept as: see floe_ice_partition_kept_type. */
static void kept_sql(const floe_ice_type *type, size_t index, floe_buf *out) {
    if (type->kind == FLOE_ICE_TIME) {
        floe_buf_printf(out, "epoch_us(__floe_p%zu), ", index);
    } else if (type->kind == FLOE_ICE_UUID) {
        floe_buf_printf(out, "from_hex(replace(__floe_p%zu::VARCHAR, '-', '')), ", index);
    } else {
        floe_buf_printf(out, "__floe_p%zu, ", index);
    }
}

/* One row a partition: its values, then the first and last row of its stretch. */
static floe_status list_partitions(floe_import *import, floe_query_rows *ret_rows, floe_error *err) {
    FLOE_AUTO_BUF sql, keys;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_buf_init(&keys, FLOE_KIB(64));
    floe_buf_text(&sql, "SELECT ");
    for (size_t i = 0; i < import->spec.field_count; i++) {
        floe_buf_printf(&keys, "%s__floe_p%zu", i ? ", " : "", i);
        kept_sql(&import->partition_types[i], i, &sql);
    }
    floe_buf_printf(&sql, "min(rowid), max(rowid) FROM __floe_sorted GROUP BY %s ORDER BY min(rowid) LIMIT %d",
                    floe_buf_view(&keys).ptr, FLOE_IMPORT_PARTITIONS_MAX + 1);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_import_query(import, sql.ptr, ret_rows, err));
    FLOE_ENSURE(ret_rows->row_count <= FLOE_IMPORT_PARTITIONS_MAX, err, FLOE_LIMIT,
                "--partition makes more than %d partitions of this input: partition by something coarser",
                FLOE_IMPORT_PARTITIONS_MAX);
    return FLOE_OK;
}

static floe_status write_stretch(floe_import *import, const floe_value *row, floe_error *err) {
    const floe_value *range = row + import->spec.field_count;
    FLOE_AUTO_BUF query;
    floe_buf_init(&query, FLOE_IMPORT_SQL_CAP);
    floe_buf_text(&query, "SELECT ");
    put_names(&import->schema, &query);
    floe_buf_printf(&query, " FROM __floe_sorted WHERE rowid BETWEEN %" PRId64 " AND %" PRId64, range[0].as.integer,
                    range[1].as.integer);
    FLOE_TRY(floe_buf_check(&query, err));
    return write_file(import, floe_buf_view(&query), row, err);
}

static floe_status write_partitioned(floe_import *import, floe_error *err) {
    floe_query_rows partitions;
    floe_import_progress(import, "reading and sorting", -1);
    FLOE_TRY(sort_input(import, err));
    FLOE_TRY(list_partitions(import, &partitions, err));
    for (size_t i = 0; i < partitions.row_count; i++) {
        floe_import_progress(import, "writing", (double)i / (double)partitions.row_count);
        FLOE_TRY(write_stretch(import, partitions.values + i * partitions.column_count, err));
    }
    return floe_session_run(import->session, "DROP TABLE __floe_sorted", NULL, NULL, err);
}

static floe_status write_whole(floe_import *import, floe_error *err) {
    FLOE_AUTO_BUF query;
    bool sorted = import->sort_order.field_count > 0;
    floe_buf_init(&query, FLOE_IMPORT_SQL_CAP);
    floe_buf_text(&query, "SELECT ");
    if (sorted) {
        put_names(&import->schema, &query);
        floe_buf_text(&query, " FROM (SELECT *, row_number() OVER () AS __floe_row FROM (SELECT ");
    }
    FLOE_TRY(put_columns(import, &query, err));
    floe_buf_text(&query, " FROM (");
    floe_buf_str(&query, import->source_sql);
    floe_buf_byte(&query, ')');
    if (sorted) {
        floe_buf_text(&query, ")) ORDER BY ");
        floe_import_order_sql(import, &query);
        floe_buf_text(&query, "__floe_row");
    }
    FLOE_TRY(floe_buf_check(&query, err));
    floe_import_progress(import, "writing", -1);
    return write_file(import, floe_buf_view(&query), NULL, err);
}

floe_status floe_import_data(floe_import *import, floe_error *err) {
    return import->spec.field_count > 0 ? write_partitioned(import, err) : write_whole(import, err);
}
