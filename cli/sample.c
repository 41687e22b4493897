/*
 * See sample.h. Phases: choose text columns → scan their first rows through the Arrow stream → keep each column's distinct
 * values while they are few → sort.
 */
#include "cli/sample.h"

#include "core/arrow.h"
#include "core/limits.h"

#include <stdlib.h>

typedef struct column_sample {
    size_t column; /* of the table */
    floe_str values[CLI_SAMPLE_VALUES];
    size_t count;
    bool given_up;
} column_sample;

typedef struct sampling {
    floe_arena *arena;
    column_sample samples[CLI_SAMPLE_COLUMNS];
    floe_str names[CLI_SAMPLE_COLUMNS];
    size_t count;
} sampling;

static void choose(const floe_table_info *info, sampling *run) {
    for (size_t i = 0; i < info->column_count && run->count < CLI_SAMPLE_COLUMNS; i++) {
        if (info->columns[i].type.kind == FLOE_KIND_STRING) {
            run->samples[run->count].column = i;
            run->names[run->count++] = info->columns[i].name;
        }
    }
}

static void add_value(sampling *run, column_sample *sample, floe_str value) {
    value = floe_str_trim(value);
    if (value.len == 0) {
        return;
    }
    for (size_t i = 0; i < sample->count; i++) {
        if (floe_str_equal(sample->values[i], value)) {
            return;
        }
    }
    sample->given_up = sample->count == CLI_SAMPLE_VALUES || value.len > CLI_SAMPLE_VALUE_BYTES;
    if (!sample->given_up) {
        sample->values[sample->count++] = floe_arena_str(run->arena, value);
    }
}

static floe_status take_column(sampling *run, const struct ArrowSchema *schema, const struct ArrowArray *batch,
                               size_t at, floe_error *err) {
    FLOE_AUTO_ARENA scratch;
    floe_arrow_view view;
    floe_arena_init(&scratch, FLOE_MIB(16));
    FLOE_TRY(floe_arrow_view_of(schema, batch, (int64_t)at, &view, err));
    for (int64_t row = 0; row < batch->length && !run->samples[at].given_up; row++) {
        floe_value value;
        FLOE_TRY(floe_arrow_get(&view, row, &scratch, &value, err));
        if (!value.is_null) {
            add_value(run, &run->samples[at], value.as.bytes);
        }
    }
    return floe_arena_check(run->arena, err);
}

static floe_status scan(floe_table *table, sampling *run, floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    floe_scan_request request = {
        .columns = run->names, .column_count = run->count, .limit = CLI_SAMPLE_ROWS, .at = FLOE_AT_CURRENT};
    FLOE_TRY(floe_table_scan(table, &request, &stream, err));
    FLOE_TRY(floe_arrow_stream_schema(&stream, "sampled values", &schema, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(&stream, "sampled values", &batch, err));
        if (!batch.release) {
            return FLOE_OK;
        }
        for (size_t i = 0; i < run->count; i++) {
            FLOE_TRY(take_column(run, &schema, &batch, i, err));
        }
    }
}

static int compare_values(const void *a, const void *b) {
    return floe_str_compare(*(const floe_str *)a, *(const floe_str *)b);
}

/* Sorted, so that rows which come in another order give the same documents. */
static void give(const sampling *run, floe_catalog_column *columns) {
    for (size_t i = 0; i < run->count; i++) {
        const column_sample *sample = &run->samples[i];
        floe_str *values = sample->given_up ? NULL : floe_arena_alloc(run->arena, sample->count + 1, sizeof(*values));
        if (values && sample->count > 0) {
            memcpy(values, sample->values, sample->count * sizeof(*values));
            qsort(values, sample->count, sizeof(*values), compare_values);
            columns[sample->column].samples = values;
            columns[sample->column].sample_count = sample->count;
        }
    }
}

floe_status cli_sample(floe_table *table, const floe_table_info *info, floe_arena *arena, floe_catalog_column *columns,
                       floe_error *err) {
    sampling *run = floe_arena_alloc(arena, 1, sizeof(*run));
    FLOE_TRY(floe_arena_check(arena, err));
    run->arena = arena;
    choose(info, run);
    if (run->count == 0 || info->snapshot_id < 0) {
        return FLOE_OK;
    }
    FLOE_TRY(scan(table, run, err));
    give(run, columns);
    return floe_arena_check(arena, err);
}
