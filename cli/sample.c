/*
 * See sample.h. Phases: choose text and integer columns → scan their first rows through the Arrow stream → of each
 * column its distinct values while they are few, some of them whatever they are, and its sketch → of a longer table,
 * whole columns whose values were all different so far → set.
 */
#include "cli/sample.h"

#include "core/arrow.h"
#include "core/hash.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

/* A value of the detector's, with its hash: those of the smallest hashes stand for all, wherever they lie in the
 * table. */
typedef struct probe {
    uint64_t hash;
    floe_str value;
} probe;

typedef struct column_sample {
    size_t column; /* of the table */
    bool is_text;
    floe_str values[CLI_SAMPLE_VALUES];
    size_t count;
    bool given_up;
    probe probes[CLI_SAMPLE_PROBES]; /* ascending */
    size_t probe_count;
    floe_sketcher sketcher;
    const floe_sketch *sketch;
} column_sample;

typedef struct sampling {
    floe_arena *arena;
    column_sample samples[2 * CLI_SAMPLE_COLUMNS];
    floe_str names[2 * CLI_SAMPLE_COLUMNS];
    size_t count;
    int64_t rows; /* that were scanned */
} sampling;

static void choose(const floe_table_info *info, sampling *run) {
    size_t texts = 0;
    size_t integers = 0;
    for (size_t i = 0; i < info->column_count; i++) {
        bool is_text = info->columns[i].type.kind == FLOE_KIND_STRING;
        size_t *chosen = is_text ? &texts : floe_kind_is_integer(info->columns[i].type.kind) ? &integers : NULL;
        if (chosen && *chosen < CLI_SAMPLE_COLUMNS) {
            column_sample *sample = &run->samples[run->count];
            *sample = (column_sample){.column = i, .is_text = is_text, .given_up = !is_text};
            floe_sketcher_init(&sample->sketcher, run->arena);
            run->names[run->count++] = info->columns[i].name;
            (*chosen)++;
        }
    }
}

/* ---- one value ---- */

static void add_value(sampling *run, column_sample *sample, floe_str value) {
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

static void add_probe(sampling *run, column_sample *sample, floe_str value) {
    uint64_t hash = floe_xxh64(value.ptr, value.len, 0);
    size_t at = sample->probe_count;
    if (at == CLI_SAMPLE_PROBES && hash >= sample->probes[at - 1].hash) {
        return;
    }
    while (at > 0 && sample->probes[at - 1].hash > hash) {
        at--;
    }
    if (at > 0 && sample->probes[at - 1].hash == hash) {
        return;
    }
    sample->probe_count += sample->probe_count < CLI_SAMPLE_PROBES ? 1 : 0;
    memmove(&sample->probes[at + 1], &sample->probes[at], (sample->probe_count - 1 - at) * sizeof(*sample->probes));
    size_t len = value.len < CLI_SAMPLE_PROBE_BYTES ? value.len : CLI_SAMPLE_PROBE_BYTES;
    sample->probes[at] = (probe){hash, floe_arena_str(run->arena, (floe_str){value.ptr, len})};
}

static void take_text(sampling *run, column_sample *sample, floe_str value) {
    value = floe_str_trim(value);
    floe_sketcher_text(&sample->sketcher, value);
    if (value.len > 0) {
        add_probe(run, sample, value);
        if (!sample->given_up) {
            add_value(run, sample, value);
        }
    }
}

static void take_integer(sampling *run, column_sample *sample, int64_t value) {
    char text[24];
    int len = snprintf(text, sizeof(text), "%lld", (long long)value);
    floe_sketcher_int(&sample->sketcher, value);
    add_probe(run, sample, (floe_str){text, (size_t)len});
}

static void take(sampling *run, column_sample *sample, const floe_value *value) {
    if (value->is_null) {
        floe_sketcher_null(&sample->sketcher);
    } else if (sample->is_text) {
        take_text(run, sample, value->as.bytes);
    } else {
        take_integer(run, sample, value->as.integer);
    }
}

/* ---- the scan ---- */

static floe_status take_column(sampling *run, const struct ArrowSchema *schema, const struct ArrowArray *batch,
                               size_t at, floe_error *err) {
    FLOE_AUTO_ARENA scratch;
    floe_arrow_view view;
    floe_arena_init(&scratch, FLOE_MIB(16));
    FLOE_TRY(floe_arrow_view_of(schema, batch, (int64_t)at, &view, err));
    for (int64_t row = 0; row < batch->length; row++) {
        floe_value value;
        FLOE_TRY(floe_arrow_get(&view, row, &scratch, &value, err));
        take(run, &run->samples[at], &value);
    }
    return floe_arena_check(run->arena, err);
}

static floe_status scan(floe_table *table, sampling *run, int64_t limit, floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    floe_scan_request request = {
        .columns = run->names, .column_count = run->count, .limit = limit, .at = FLOE_AT_CURRENT};
    FLOE_TRY(floe_table_scan(table, &request, &stream, err));
    FLOE_TRY(floe_arrow_stream_schema(&stream, "sampled values", &schema, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(&stream, "sampled values", &batch, err));
        if (!batch.release) {
            return FLOE_OK;
        }
        run->rows += batch.length;
        for (size_t i = 0; i < run->count; i++) {
            FLOE_TRY(take_column(run, &schema, &batch, i, err));
        }
    }
}

static int compare_values(const void *a, const void *b) {
    return floe_str_compare(*(const floe_str *)a, *(const floe_str *)b);
}

/* Sorted, so that rows which come in another order give the same documents. */
static void give_values(const sampling *run, const column_sample *sample, floe_catalog_column *column) {
    floe_str *values = sample->given_up ? NULL : floe_arena_alloc(run->arena, sample->count + 1, sizeof(*values));
    if (values && sample->count > 0) {
        memcpy(values, sample->values, sample->count * sizeof(*values));
        qsort(values, sample->count, sizeof(*values), compare_values);
        column->samples = values;
        column->sample_count = sample->count;
    }
}

static void give(const sampling *run, floe_catalog_column *columns) {
    for (size_t i = 0; i < run->count; i++) {
        const column_sample *sample = &run->samples[i];
        floe_catalog_column *column = &columns[sample->column];
        floe_str *probes = floe_arena_alloc(run->arena, sample->probe_count + 1, sizeof(*probes));
        give_values(run, sample, column);
        for (size_t k = 0; probes && k < sample->probe_count; k++) {
            probes[column->probe_count++] = sample->probes[k].value;
        }
        column->probes = probes;
        column->sketch = sample->sketch;
    }
}

/* ---- keys of longer tables ---- */

/* The columns that may be keys, read whole: what refers to them can only be told from all of their values. */
static floe_status read_keys(floe_table *table, sampling *run, floe_error *err) {
    sampling *keys = floe_arena_alloc(run->arena, 1, sizeof(*keys));
    size_t of[CLI_SAMPLE_KEY_COLUMNS] = {0};
    FLOE_TRY(floe_arena_check(run->arena, err));
    keys->arena = run->arena;
    for (size_t i = 0; i < run->count && keys->count < CLI_SAMPLE_KEY_COLUMNS; i++) {
        const floe_sketch *sketch = run->samples[i].sketch;
        if (sketch && floe_sketch_is_unique(sketch) && sketch->values == sketch->rows) {
            column_sample *sample = &keys->samples[keys->count];
            *sample = (column_sample){.is_text = run->samples[i].is_text, .given_up = true};
            floe_sketcher_init(&sample->sketcher, run->arena);
            keys->names[keys->count] = run->names[i];
            of[keys->count++] = i;
        }
    }
    if (keys->count == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(scan(table, keys, CLI_SAMPLE_KEY_ROWS + 1, err));
    for (size_t i = 0; i < keys->count; i++) {
        const floe_sketch *sketch = floe_sketcher_finish(&keys->samples[i].sketcher, keys->rows <= CLI_SAMPLE_KEY_ROWS);
        run->samples[of[i]].sketch = sketch ? sketch : run->samples[of[i]].sketch;
    }
    return floe_arena_check(run->arena, err);
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
    /* One row more than is looked for tells whether there are more. */
    FLOE_TRY(scan(table, run, CLI_SAMPLE_ROWS + 1, err));
    bool whole = run->rows <= CLI_SAMPLE_ROWS;
    for (size_t i = 0; i < run->count; i++) {
        run->samples[i].sketch = floe_sketcher_finish(&run->samples[i].sketcher, whole);
    }
    bool may_be_read = info->record_count >= 0 && info->record_count <= CLI_SAMPLE_KEY_ROWS;
    if (!whole && may_be_read) {
        FLOE_TRY(read_keys(table, run, err));
    }
    give(run, columns);
    return floe_arena_check(arena, err);
}
