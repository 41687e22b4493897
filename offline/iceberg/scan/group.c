/*
 * The SQL over the files that are read alike: one read_parquet, whose columns are called c<field id>.
 *
 * Invariant: the engine's file_index counts the files in the order of the list given to read_parquet, so the list's i-th path
 * is group->files[i], and every list of constants beside it has its values in that order. Values, positions and deletes of a
 * file are found by that number alone: a list in another order, with a path twice or one left out, would give the rows of one
 * file what belongs to another. Only behind all of them may a file without rows stand.
 */
#include "offline/iceberg/scan/scan_int.h"

#include "core/limits.h"
#include "core/time.h"

#include <inttypes.h>

#define FIRST_YEAR_US INT64_C(-62135596800000000) /* 1 */
#define LAST_YEAR_US INT64_C(253402300799999999)  /* 9999 */
#define ROWS_OF_ONE_THREAD 100000                 /* fewer mostly lie in one row group */

void floe_scan_type_sql(const sql_builder *builder, size_t field, floe_buf *out) {
    floe_ice_type_sql(builder->fields[field]->type, builder->options->plain_times, out);
}

/* The identity-partition value that a file has for a column, or NULL. */
const floe_value *floe_scan_partition_value(const sql_builder *builder, size_t file_index, int32_t field_id) {
    const floe_ice_data_file *file = builder->files->files[file_index];
    const floe_ice_spec *spec = floe_ice_spec_by_id(builder->files->metadata, file->spec_id);
    for (size_t i = 0; spec != NULL && file->partition != NULL && i < spec->field_count; i++) {
        const floe_ice_partition_field *field = &spec->fields[i];
        bool there = i < file->partition_count && !file->partition[i].is_null;
        if (field->transform == FLOE_TRANSFORM_IDENTITY && field->source_id == field_id && there) {
            return &file->partition[i];
        }
    }
    return NULL;
}

/* The values of the group's files for one column, picked by the file's index. */
static floe_status constant_sql(sql_builder *builder, const scan_group *group, size_t field, floe_error *err) {
    floe_buf_text(builder->out, "([");
    for (size_t i = 0; i < group->file_count; i++) {
        floe_buf_text(builder->out, i > 0 ? ", " : "");
        const floe_value *value = floe_scan_partition_value(builder, group->files[i], builder->fields[field]->id);
        floe_status status =
            floe_partition_constant(builder->fields[field], builder->options->plain_times, value, builder->out, err);
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "%s", builder->files->local_paths[group->files[i]]);
        }
    }
    floe_buf_text(builder->out, "]::");
    floe_scan_type_sql(builder, field, builder->out);
    floe_buf_text(builder->out, "[])[(file_index + 1)::BIGINT]");
    return FLOE_OK;
}

/* Whether a column is read with its zone and loses it here: the engine's own cast asks a calendar for every value, and fails for times
 * that no calendar has. */
static bool is_freed(const sql_builder *builder, const scan_group *group, size_t field) {
    bool plain = builder->options->plain_times || builder->fields[field]->type->kind == FLOE_ICE_TIMESTAMP;
    return plain && group->places[field].zoned && !group->constant[field];
}

/* Infinite times have no microseconds, and stay what they are. */
static void freed_sql(int id, floe_buf *out) {
    floe_buf_printf(
        out,
        "coalesce(make_timestamp(epoch_us(c%d)), CASE WHEN isinf(c%d) THEN CASE WHEN c%d > '1970-01-01' THEN "
        "TIMESTAMP 'infinity' ELSE TIMESTAMP '-infinity' END END)",
        id, id, id);
}

static floe_status column_sql(sql_builder *builder, const scan_group *group, size_t field, floe_error *err) {
    int32_t id = builder->fields[field]->id;
    if (group->constant[field]) {
        FLOE_TRY(constant_sql(builder, group, field, err));
        floe_buf_printf(builder->out, " AS c%d", (int)id);
    } else if (group->places[field].source == FLOE_COLUMN_MISSING) {
        FLOE_TRY(floe_default_sql(builder->fields[field], builder->options->plain_times, builder->out, err));
        floe_buf_printf(builder->out, " AS c%d", (int)id);
    } else if (is_freed(builder, group, field)) {
        freed_sql((int)id, builder->out);
        floe_buf_printf(builder->out, " AS c%d", (int)id);
    } else if (group->places[field].expression.ptr != NULL) {
        floe_buf_str(builder->out, group->places[field].expression);
        floe_buf_printf(builder->out, " AS c%d", (int)id);
    } else {
        floe_buf_printf(builder->out, "c%d", (int)id);
    }
    return FLOE_OK;
}

void floe_scan_pick_sql(const int64_t *values, size_t count, floe_buf *out) {
    bool same = true;
    bool counting = true;
    for (size_t i = 1; i < count; i++) {
        same = same && values[i] == values[0];
        counting = counting && values[i - 1] != INT64_MIN && values[i] == values[i - 1] + 1;
    }
    if (same) {
        floe_buf_printf(out, values[0] == INT64_MIN ? "NULL::BIGINT" : "%" PRId64 "::BIGINT", values[0]);
    } else if (counting) {
        floe_buf_printf(out, "(file_index + %" PRId64 ")::BIGINT", values[0]);
    } else {
        floe_buf_text(out, "([");
        for (size_t i = 0; i < count; i++) {
            floe_buf_text(out, i > 0 ? "," : "");
            floe_buf_printf(out, values[i] == INT64_MIN ? "NULL" : "%" PRId64, values[i]);
        }
        floe_buf_text(out, "]::BIGINT[])[(file_index + 1)::BIGINT]");
    }
}

/* What a group gives besides columns, each under its own name. */
static floe_status extras_sql(sql_builder *builder, const scan_group *group, bool by_sequence, bool by_scope,
                              floe_error *err) {
    int64_t *values = floe_arena_alloc(builder->arena, group->file_count * 4 + 1, sizeof(*values));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    int64_t *sequences = values + group->file_count;
    int64_t *scopes = sequences + group->file_count;
    int64_t *firsts = scopes + group->file_count;
    for (size_t i = 0; i < group->file_count; i++) {
        const floe_ice_data_file *file = builder->files->files[group->files[i]];
        values[i] = (int64_t)group->files[i];
        sequences[i] = file->sequence_number;
        firsts[i] = file->first_row_id >= 0 ? file->first_row_id : INT64_MIN;
        FLOE_TRY(by_scope ? floe_scan_scope_number(builder, file, &scopes[i], err) : FLOE_OK);
    }
    const struct {
        bool wanted;
        const int64_t *values;
        const char *name;
    } PICKED[] = {{builder->options->with_position, values, "__floe_seq"},
                  {by_sequence, sequences, "__floe_dseq"},
                  {by_scope, scopes, "__floe_scope"},
                  {builder->options->with_row_ids, firsts, "__floe_first"}};
    for (size_t i = 0; i < sizeof(PICKED) / sizeof(PICKED[0]); i++) {
        if (PICKED[i].wanted) {
            floe_buf_text(builder->out, ", ");
            floe_scan_pick_sql(PICKED[i].values, group->file_count, builder->out);
            floe_buf_printf(builder->out, " AS %s", PICKED[i].name);
        }
    }
    floe_buf_text(builder->out, builder->options->with_position ? ", file_row_number::BIGINT AS __floe_pos" : "");
    return floe_buf_check(builder->out, err);
}

static void file_sql(sql_builder *builder, const scan_group *group) {
    floe_buf_text(builder->out, ", ([");
    for (size_t i = 0; i < group->file_count; i++) {
        floe_buf_text(builder->out, i > 0 ? ", " : "");
        floe_sql_quote_text(builder->out, builder->files->files[group->files[i]]->path);
    }
    floe_buf_text(builder->out, "]::VARCHAR[])[(file_index + 1)::BIGINT] AS __floe_file");
}

/* schema=MAP {id: {…}}, or by the names in the file. A map cannot be empty, so a column that no file has stands in. */
static void schema_sql(sql_builder *builder, const scan_group *group) {
    floe_buf *out = builder->out;
    size_t written = 0;
    floe_buf_text(out, "MAP {");
    for (size_t i = 0; i < group->field_count; i++) {
        const floe_column_place *place = &group->places[i];
        FLOE_AUTO_BUF type = {0};
        floe_buf_init(&type, FLOE_MIB(1));
        if (place->source == FLOE_COLUMN_MISSING) {
            continue;
        }
        floe_buf_text(out, written++ > 0 ? ", " : "");
        if (place->source == FLOE_COLUMN_BY_NAME) {
            floe_sql_quote_text(out, place->name);
        } else {
            floe_buf_printf(out, "%d", (int)builder->fields[i]->id);
        }
        if (is_freed(builder, group, i)) {
            floe_buf_text(&type, "TIMESTAMP WITH TIME ZONE");
        } else if (place->read_type.ptr != NULL) {
            floe_buf_str(&type, place->read_type);
        } else {
            floe_scan_type_sql(builder, i, &type);
        }
        floe_buf_printf(out, ": {'name': 'c%d', 'type': ", (int)builder->fields[i]->id);
        floe_sql_quote_text(out, floe_buf_view(&type));
        floe_buf_text(out, ", 'default_value': NULL::VARCHAR}");
    }
    if (written == 0) {
        floe_buf_text(out, "2147483000: {'name': 'floe_none', 'type': 'INTEGER', 'default_value': NULL::VARCHAR}");
    }
    floe_buf_byte(out, '}');
}

/* A bound of times on a column with a zone, which the engine prunes by; what stands outside says it of the column without. Years that
 * cannot be written bound nothing. */
static void bound_sql(const sql_builder *builder, const scan_group *group, const char **before, floe_buf *out) {
    const floe_time_bound *bound = &builder->files->bound;
    const int64_t ends[] = {bound->first_us, bound->last_us};
    for (size_t i = 0; i < group->field_count; i++) {
        bool is_it = bound->field_id != 0 && builder->fields[i]->id == bound->field_id && is_freed(builder, group, i);
        for (size_t end = 0; is_it && end < 2; end++) {
            char text[FLOE_TIME_TEXT_MAX];
            if (ends[end] < FIRST_YEAR_US || ends[end] > LAST_YEAR_US) {
                continue;
            }
            floe_buf_printf(out, "%sc%d %s TIMESTAMPTZ '%s'", *before, (int)bound->field_id,
                            end == 0 ? ">=" : "<=", floe_time_format(ends[end], text));
            *before = " AND ";
        }
    }
}

static floe_status source_sql(sql_builder *builder, const scan_group *group, floe_error *err) {
    const char **paths = floe_arena_alloc(builder->arena, group->file_count + 1, sizeof(*paths));
    const char *list = NULL;
    size_t count = group->file_count;
    int64_t rows = 0;
    FLOE_TRY(floe_arena_check(builder->arena, err));
    for (size_t i = 0; i < group->file_count; i++) {
        paths[i] = builder->files->local_paths[group->files[i]];
        rows += builder->files->files[group->files[i]]->record_count;
    }
    const char *no_rows = floe_session_no_rows_path(builder->session);
    if (count == 1 && rows > ROWS_OF_ONE_THREAD && no_rows) {
        paths[count++] = no_rows;
    }
    FLOE_TRY(floe_scan_list_sql(builder, paths, count, &list, err));
    floe_buf_text(builder->out, " FROM read_parquet(");
    floe_buf_text(builder->out, list);
    floe_buf_printf(builder->out,
                    ", hive_partitioning=false, explicit_cardinality=%" PRId64 ", can_have_nan=true, schema=", rows);
    schema_sql(builder, group);
    floe_buf_byte(builder->out, ')');
    const char *before = " WHERE ";
    bound_sql(builder, group, &before, builder->out);
    if (group->live_view >= 0) {
        floe_buf_printf(builder->out, "%sfloe_live(file_index + %" PRIu64 "::UBIGINT, file_row_number)", before,
                        (uint64_t)group->live_view * FLOE_FILES_OF_VIEW);
    }
    return floe_buf_check(builder->out, err);
}

/* Every field of the group and what the batches are matched by. */
static floe_status rows_sql(sql_builder *builder, const scan_group *group, floe_error *err) {
    bool by_sequence = builder->options->with_sequence;
    bool by_scope = builder->options->with_scope;
    bool by_file = false;
    for (size_t i = 0; i < group->batches.count; i++) {
        const scan_batch *batch = group->batches.items[i];
        by_sequence = by_sequence || (batch->view < 0 && batch->by_sequence);
        by_scope = by_scope || (batch->view < 0 && batch->by_scope);
        by_file = by_file || batch->view_by_file;
    }
    floe_buf_text(builder->out, "SELECT ");
    for (size_t i = 0; i < group->field_count; i++) {
        floe_buf_text(builder->out, i > 0 ? ", " : "");
        FLOE_TRY(column_sql(builder, group, i, err));
    }
    floe_buf_text(builder->out, group->field_count == 0 ? "NULL AS floe_row" : "");
    FLOE_TRY(extras_sql(builder, group, by_sequence, by_scope, err));
    floe_buf_text(builder->out, by_file ? ", file_index::BIGINT AS __index" : "");
    if (builder->options->with_file) {
        file_sql(builder, group);
    }
    return source_sql(builder, group, err);
}

floe_status floe_scan_group_sql(sql_builder *builder, const scan_group *group, floe_error *err) {
    floe_buf *out = builder->out;
    if (group->batches.count == 0) {
        return rows_sql(builder, group, err);
    }
    floe_buf_text(out, "SELECT ");
    for (size_t i = 0; i < builder->visible_count; i++) {
        floe_buf_printf(out, "%st.c%d", i > 0 ? ", " : "", (int)builder->fields[i]->id);
    }
    floe_buf_text(out, builder->visible_count == 0 ? "NULL AS floe_row" : "");
    floe_scan_extra_names(builder->options, ", t.", out);
    floe_buf_text(out, " FROM (");
    FLOE_TRY(rows_sql(builder, group, err));
    floe_buf_text(out, ") AS t");
    return floe_scan_batches_sql(builder, group, err);
}
