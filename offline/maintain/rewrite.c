/*
 * The new files of a compaction: the rows of a run as a scan reads them, deletes applied, in their order, with the present
 * schema; in tables of version 3 with the row ids and sequence numbers that they had.
 */
#include "offline/maintain/maintain_int.h"

#include "core/limits.h"
#include "offline/iceberg/plan_int.h"

#include <inttypes.h>

/* ---- what can be written ---- */

/* Reading a fixed or unknown value is one thing; the engine writes neither as the format wants it. */
static floe_status check_type(const floe_ice_type *type, floe_str column, floe_error *err) {
    bool writable = type->kind != FLOE_ICE_FIXED && type->kind != FLOE_ICE_UNKNOWN && type->kind != FLOE_ICE_OTHER &&
                    type->kind != FLOE_ICE_TIMESTAMPTZ_NS;
    FLOE_ENSURE(writable, err, FLOE_UNSUPPORTED,
                "column \"%.*s\": floe cannot write the type %.*s, so that the table cannot be compacted",
                FLOE_STR_BRIEF(column), FLOE_STR_BRIEF(type->text));
    for (size_t i = 0; i < type->field_count; i++) {
        FLOE_TRY(check_type(type->fields[i].type, column, err));
    }
    return FLOE_OK;
}

static floe_status check_schema(const floe_import *import, floe_error *err) {
    for (size_t i = 0; i < import->schema.field_count; i++) {
        const floe_ice_field *field = &import->schema.fields[i];
        FLOE_TRY(check_type(field->type, field->name, err));
        bool reserved = import->with_lineage && (floe_str_is(field->name, "_row_id") ||
                                                 floe_str_is(field->name, "_last_updated_sequence_number"));
        FLOE_ENSURE(!reserved, err, FLOE_UNSUPPORTED, "the column name \"%.*s\" is one that the format uses itself",
                    FLOE_STR_BRIEF(field->name));
    }
    return FLOE_OK;
}

/* ---- SQL ---- */

/* What writers that keep rows put into files. */
static const floe_ice_type LONG = {.kind = FLOE_ICE_LONG, .text = {"long", 4}};
static const floe_ice_field OWN_ROW_ID = {.id = 2147483540, .name = {"_row_id", 7}, .type = &LONG};
static const floe_ice_field OWN_SEQUENCE = {
    .id = 2147483539, .name = {"_last_updated_sequence_number", 29}, .type = &LONG};

static void put_columns(const floe_import *import, floe_buf *out) {
    for (size_t i = 0; i < import->schema.field_count; i++) {
        floe_buf_printf(out, "%sc%" PRId32 " AS ", i ? ", " : "", import->schema.fields[i].id);
        floe_sql_quote_name(out, import->schema.fields[i].name);
    }
    if (import->with_lineage) { /* a file without a first row id has no lineage, whatever it holds */
        floe_buf_printf(out,
                        ", CASE WHEN __floe_first IS NULL THEN NULL ELSE coalesce(c%" PRId32
                        ", __floe_first + __floe_pos) END AS _row_id, CASE WHEN __floe_first IS NULL THEN NULL ELSE "
                        "coalesce(c%" PRId32 ", __floe_dseq) END AS _last_updated_sequence_number",
                        OWN_ROW_ID.id, OWN_SEQUENCE.id);
    }
}

static floe_status run_files(const compaction *state, const compact_run *run, floe_table_scan_files *ret_files,
                             floe_error *err) {
    const floe_ice_data_file **files = floe_arena_alloc(state->arena, run->file_count, sizeof *files);
    const char **local_paths = floe_arena_alloc(state->arena, run->file_count, sizeof *local_paths);
    FLOE_TRY(floe_arena_check(state->arena, err));
    for (size_t i = 0; i < run->file_count; i++) {
        files[i] = state->plan.files[run->files[i]];
        local_paths[i] = state->plan.local_paths[run->files[i]];
    }
    *ret_files = state->plan;
    ret_files->files = files;
    ret_files->local_paths = local_paths;
    ret_files->file_count = run->file_count;
    return FLOE_OK;
}

/* The scan keeps no order of its own: equality deletes are joins, and files of several shapes are read apart. */
static floe_status run_sql(compaction *state, const compact_run *run, floe_buf *out, floe_error *err) {
    floe_import *import = state->import;
    size_t count = import->schema.field_count;
    floe_table_scan_files files;
    const floe_ice_field **fields = floe_arena_alloc(state->arena, count + 2, sizeof *fields);
    FLOE_TRY(floe_arena_check(state->arena, err));
    for (size_t i = 0; i < count; i++) {
        fields[i] = &import->schema.fields[i];
    }
    if (import->with_lineage) {
        fields[count++] = &OWN_ROW_ID;
        fields[count++] = &OWN_SEQUENCE;
    }
    FLOE_TRY(run_files(state, run, &files, err));
    floe_scan_sql_options options = {
        .with_position = true, .with_sequence = import->with_lineage, .with_row_ids = import->with_lineage};
    floe_buf_text(out, "SELECT ");
    put_columns(import, out);
    floe_buf_text(out, " FROM ");
    FLOE_TRY(floe_scan_sql_build(import->table, &files, fields, count, &options, import->session, out, err));
    floe_buf_text(out, " AS floe_scan ORDER BY __floe_seq, __floe_pos");
    return floe_buf_check(out, err);
}

/* ---- files ---- */

static floe_status write_run(compaction *state, compact_run *run, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_ice_entry *entry = NULL;
    const floe_ice_data_file *last = state->plan.files[run->files[run->file_count - 1]];
    floe_import_output output = {.path = run->path,
                                 .spec = floe_ice_spec_by_id(state->plan.metadata, last->spec_id),
                                 .partition = last->partition};
    FLOE_ENSURE(output.spec, err, FLOE_CORRUPT, "%.*s: its partition spec %" PRId32 " is not in the metadata",
                FLOE_STR_ARG(last->path), last->spec_id);
    FLOE_TRY(run_sql(state, run, &sql, err));
    FLOE_TRY(floe_import_write_file(state->import, floe_buf_view(&sql), &output, &entry, err));
    if (!entry) {
        run->path = (floe_str){0};
        return FLOE_OK;
    }
    entry->keeps_sequence = true;
    entry->file.sequence_number = last->sequence_number;
    entry->file.sort_order_id = run->file_count == 1 && last->sort_order_id >= 0 ? last->sort_order_id : 0;
    state->result.files_after++;
    state->result.rows_after += entry->file.record_count;
    state->result.bytes_after += entry->file.file_len;
    return FLOE_OK;
}

floe_status floe_compact_rewrite(compaction *state, floe_error *err) {
    FLOE_TRY(state->run_count > 0 ? check_schema(state->import, err) : FLOE_OK);
    for (size_t i = 0; i < state->run_count; i++) {
        floe_import_progress(state->import, "rewriting", (double)i / (double)state->run_count);
        FLOE_TRY(write_run(state, &state->runs[i], err));
    }
    return FLOE_OK;
}
