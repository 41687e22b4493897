/*
 * What a manifest says about a data file: rows, bytes, and of each column its size, counts and bounds.
 *
 * Everything is asked from the written file, not from the input: what the manifest claims is what a reader will find. Of
 * columns whose footer has exact statistics for every row group those are taken; the others are read.
 * Columns inside structs are measured as columns of their own; inside lists and maps only sizes are known, as with other
 * writers. Bounds leave NaN out.
 */
#include "offline/import/import_int.h"

#include "core/file.h"
#include "core/limits.h"

#include <inttypes.h>

typedef struct measured_column {
    int32_t id;
    floe_str sql;  /* how to reach it */
    floe_str name; /* top level, for messages */
    const floe_ice_type *type;
    bool bounds, real;
    bool required;
    size_t leaf;            /* number of its column chunks */
    const char *stats_type; /* the engine's type of what the footer says; NULL: nothing that can be taken */
    bool known;             /* by the footer: the cells below */
    floe_value cells[4];    /* values that are not null, NaNs, least, greatest */
} measured_column;

typedef struct measure {
    floe_import *import;
    measured_column *columns; /* outside lists and maps, at most FLOE_IMPORT_METRICS_COLUMNS */
    size_t column_count, column_capacity;
    int32_t *leaf_ids; /* all leaves in the order of the file */
    size_t leaf_count, leaf_capacity;
} measure;

/* ---- which columns ---- */

/* Floats need their NaNs counted, which no footer does; decimals are written in several ways. */
static const char *stats_type_of(floe_ice_kind kind) {
    switch (kind) {
    case FLOE_ICE_INT:
        return "INTEGER";
    case FLOE_ICE_LONG:
        return "BIGINT";
    case FLOE_ICE_DATE:
        return "DATE";
    case FLOE_ICE_TIMESTAMP:
        return "TIMESTAMP";
    case FLOE_ICE_TIMESTAMPTZ:
        return "TIMESTAMPTZ";
    case FLOE_ICE_STRING:
        return "VARCHAR";
    default:
        return NULL;
    }
}

static floe_status add_column(measure *state, const floe_ice_field *field, floe_str sql, floe_str name,
                              floe_error *err) {
    if (state->column_count >= FLOE_IMPORT_METRICS_COLUMNS) {
        return FLOE_OK;
    }
    floe_arena *arena = state->import->arena;
    measured_column *column = FLOE_ARENA_PUSH(arena, state->columns, state->column_count, state->column_capacity);
    FLOE_TRY(floe_arena_check(arena, err));
    floe_ice_kind kind = field->type->kind;
    *column =
        (measured_column){.id = field->id, .sql = sql, .name = name, .type = field->type, .required = field->required};
    column->bounds = floe_ice_type_to_floe(field->type).kind != FLOE_KIND_NONE && kind != FLOE_ICE_LIST;
    column->real = kind == FLOE_ICE_FLOAT || kind == FLOE_ICE_DOUBLE;
    column->leaf = state->leaf_count - 1; /* added just before */
    column->stats_type = stats_type_of(kind);
    return FLOE_OK;
}

static floe_status add_leaf(measure *state, int32_t id, floe_error *err) {
    floe_arena *arena = state->import->arena;
    int32_t *leaf = FLOE_ARENA_PUSH(arena, state->leaf_ids, state->leaf_count, state->leaf_capacity);
    FLOE_TRY(floe_arena_check(arena, err));
    *leaf = id;
    return FLOE_OK;
}

static floe_str member_sql(measure *state, const floe_str *parent, floe_str name) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    if (parent) {
        floe_buf_text(&sql, "struct_extract(");
        floe_buf_str(&sql, *parent);
        floe_buf_text(&sql, ", ");
        floe_sql_quote_text(&sql, name);
        floe_buf_byte(&sql, ')');
    } else {
        floe_sql_quote_name(&sql, name);
    }
    return floe_arena_str(state->import->arena, floe_buf_view(&sql));
}

typedef struct walk_parent {
    const floe_str *sql; /* NULL: top level */
    floe_str name;
    bool repeated; /* inside a list or map */
} walk_parent;

static floe_status walk(measure *state, const floe_ice_field *fields, size_t count, const walk_parent *parent,
                        floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        const floe_ice_field *field = &fields[i];
        floe_ice_kind kind = field->type->kind;
        floe_str sql = parent->repeated ? (floe_str){0} : member_sql(state, parent->sql, field->name);
        walk_parent self = {.sql = &sql,
                            .name = parent->sql ? parent->name : field->name,
                            .repeated = parent->repeated || kind == FLOE_ICE_LIST || kind == FLOE_ICE_MAP};
        if (field->type->field_count > 0) {
            FLOE_TRY(walk(state, field->type->fields, field->type->field_count, &self, err));
            continue;
        }
        FLOE_TRY(add_leaf(state, field->id, err));
        if (!self.repeated) {
            FLOE_TRY(add_column(state, field, sql, self.name, err));
        }
    }
    return FLOE_OK;
}

/* ---- counts and bounds ---- */

/* Per column: values that are not null, NaNs, least and greatest. */
static void put_aggregates(const measured_column *column, floe_buf *out) {
    int len = (int)column->sql.len;
    const char *sql = column->sql.ptr;
    floe_buf_printf(out, ", count(%.*s)", len, sql);
    if (column->real) {
        floe_buf_printf(out, ", count(*) FILTER (isnan(%.*s)), min(%.*s) FILTER (NOT isnan(%.*s))", len, sql, len, sql,
                        len, sql);
        floe_buf_printf(out, ", max(%.*s) FILTER (NOT isnan(%.*s))", len, sql, len, sql);
    } else if (column->bounds) {
        floe_buf_printf(out, ", 0::BIGINT, min(%.*s), max(%.*s)", len, sql, len, sql);
    } else {
        floe_buf_text(out, ", 0::BIGINT, NULL::BIGINT, NULL::BIGINT");
    }
}

static floe_status keep_bound(measure *state, const measured_column *column, const floe_value *value, bool upper,
                              floe_ice_data_file *file, floe_error *err) {
    if (value->is_null || !column->bounds) {
        return FLOE_OK;
    }
    FLOE_AUTO_BUF bytes;
    bool any = false;
    floe_buf_init(&bytes, FLOE_KIB(1));
    FLOE_TRY(upper ? floe_ice_write_upper(value, &bytes, &any, err) : floe_ice_write_lower(value, &bytes, &any, err));
    if (!any) {
        return FLOE_OK;
    }
    floe_str copy = {floe_arena_strndup(state->import->arena, floe_buf_view(&bytes).ptr, bytes.len), bytes.len};
    floe_ice_bytes_entry *entries = (floe_ice_bytes_entry *)(upper ? file->upper_bounds : file->lower_bounds);
    size_t *count = upper ? &file->upper_count : &file->lower_count;
    entries[(*count)++] = (floe_ice_bytes_entry){column->id, copy};
    return floe_arena_check(state->import->arena, err);
}

static floe_status keep_column(measure *state, size_t index, const floe_value *cells, floe_ice_data_file *file,
                               floe_error *err) {
    const measured_column *column = &state->columns[index];
    int64_t nulls = file->record_count - cells[0].as.integer;
    FLOE_ENSURE(nulls == 0 || !column->required, err, FLOE_INVALID,
                "column \"%.*s\" is required in the table, %" PRId64 " rows of the input have null there",
                FLOE_STR_BRIEF(column->name), nulls);
    ((floe_ice_count_entry *)file->value_counts)[file->value_count_count++] =
        (floe_ice_count_entry){column->id, file->record_count};
    ((floe_ice_count_entry *)file->null_counts)[file->null_count_count++] = (floe_ice_count_entry){column->id, nulls};
    if (column->real) {
        ((floe_ice_count_entry *)file->nan_counts)[file->nan_count_count++] =
            (floe_ice_count_entry){column->id, cells[1].as.integer};
    }
    FLOE_TRY(keep_bound(state, column, &cells[2], false, file, err));
    return keep_bound(state, column, &cells[3], true, file, err);
}

static floe_status make_room(measure *state, floe_ice_data_file *file, floe_error *err) {
    floe_arena *arena = state->import->arena;
    size_t count = state->column_count;
    file->value_counts = floe_arena_alloc(arena, count, sizeof *file->value_counts);
    file->null_counts = floe_arena_alloc(arena, count, sizeof *file->null_counts);
    file->nan_counts = floe_arena_alloc(arena, count, sizeof *file->nan_counts);
    file->lower_bounds = floe_arena_alloc(arena, count, sizeof *file->lower_bounds);
    file->upper_bounds = floe_arena_alloc(arena, count, sizeof *file->upper_bounds);
    return floe_arena_check(arena, err);
}

/* ---- what the footer says ---- */

/* Of one column: whether every row group has what is asked for, values that are not null, least, greatest. */
static void put_statistics(const measured_column *column, floe_buf *out) {
    const char *type = column->stats_type;
    size_t leaf = column->leaf;
    floe_buf_printf(
        out,
        ", bool_and(CASE WHEN column_id = %zu THEN coalesce(stats_null_count = num_values OR (min_is_exact AND "
        "max_is_exact AND TRY_CAST(stats_min_value AS %s) IS NOT NULL AND TRY_CAST(stats_max_value AS %s) IS "
        "NOT NULL), false) END)",
        leaf, type, type);
    floe_buf_printf(out, ", (sum(num_values - stats_null_count) FILTER (WHERE column_id = %zu))::BIGINT", leaf);
    floe_buf_printf(out, ", min(CASE WHEN column_id = %zu THEN TRY_CAST(stats_min_value AS %s) END)", leaf, type);
    floe_buf_printf(out, ", max(CASE WHEN column_id = %zu THEN TRY_CAST(stats_max_value AS %s) END)", leaf, type);
}

static floe_status read_statistics(measure *state, const char *local_path, floe_error *err) {
    floe_query_rows rows;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_buf_text(&sql, "SELECT 0");
    for (size_t i = 0; i < state->column_count; i++) {
        if (state->columns[i].stats_type) {
            put_statistics(&state->columns[i], &sql);
        }
    }
    floe_buf_text(&sql, " FROM parquet_metadata([");
    floe_sql_quote_path(&sql, floe_str_of(local_path));
    floe_buf_text(&sql, "])");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_import_query(state->import, sql.ptr, &rows, err));
    const floe_value *cells = rows.values + 1;
    for (size_t i = 0; i < state->column_count; i++) {
        measured_column *column = &state->columns[i];
        if (column->stats_type) {
            column->known = !cells[0].is_null && cells[0].as.boolean && !cells[1].is_null;
            column->cells[0] = cells[1];
            column->cells[2] = cells[2];
            column->cells[3] = cells[3];
            cells += 4;
        }
    }
    return FLOE_OK;
}

/* ---- what is read ---- */

static floe_status measure_columns(measure *state, const char *local_path, floe_ice_data_file *file, floe_error *err) {
    floe_query_rows rows;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    FLOE_TRY(read_statistics(state, local_path, err));
    floe_buf_text(&sql, "SELECT count(*)");
    for (size_t i = 0; i < state->column_count; i++) {
        if (!state->columns[i].known) {
            put_aggregates(&state->columns[i], &sql);
        }
    }
    floe_buf_text(&sql, " FROM read_parquet([");
    floe_sql_quote_path(&sql, floe_str_of(local_path));
    /* The folder's name "flag=false" would otherwise become a column of its own in the place of the file's. */
    floe_buf_text(&sql, "], hive_partitioning = false)");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_import_query(state->import, sql.ptr, &rows, err));
    file->record_count = rows.values[0].as.integer;
    FLOE_TRY(make_room(state, file, err));
    const floe_value *cells = rows.values + 1;
    for (size_t i = 0; i < state->column_count; i++) {
        const measured_column *column = &state->columns[i];
        FLOE_TRY(keep_column(state, i, column->known ? column->cells : cells, file, err));
        cells += column->known ? 0 : 4;
    }
    return FLOE_OK;
}

/* ---- sizes ---- */

static floe_status measure_sizes(measure *state, const char *local_path, floe_ice_entry *entry, floe_error *err) {
    floe_query_rows rows;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_IMPORT_SQL_CAP);
    floe_buf_text(&sql, "SELECT column_id::BIGINT, sum(total_compressed_size)::BIGINT FROM parquet_metadata([");
    floe_sql_quote_path(&sql, floe_str_of(local_path));
    floe_buf_text(&sql, "]) GROUP BY column_id ORDER BY column_id");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_import_query(state->import, sql.ptr, &rows, err));
    floe_ice_count_entry *sizes = floe_arena_alloc(state->import->arena, rows.row_count, sizeof *sizes);
    FLOE_TRY(floe_arena_check(state->import->arena, err));
    size_t count = 0;
    for (size_t i = 0; i < rows.row_count; i++) {
        int64_t leaf = rows.values[2 * i].as.integer;
        if (leaf >= 0 && (size_t)leaf < state->leaf_count) {
            sizes[count++] = (floe_ice_count_entry){state->leaf_ids[leaf], rows.values[2 * i + 1].as.integer};
        }
    }
    entry->column_sizes = sizes;
    entry->column_size_count = count;
    uint64_t len = 0;
    FLOE_TRY(floe_file_len(local_path, &len, err));
    entry->file.file_len = (int64_t)len;
    return FLOE_OK;
}

floe_status floe_import_measure(floe_import *import, const char *local_path, floe_ice_entry *entry, floe_error *err) {
    measure state = {.import = import};
    walk_parent top = {0};
    FLOE_TRY(walk(&state, import->schema.fields, import->schema.field_count, &top, err));
    FLOE_TRY(measure_columns(&state, local_path, &entry->file, err));
    return measure_sizes(&state, local_path, entry, err);
}
