/*
 * From partition values, summaries, bounds and counts to ranges, and from ranges to verdicts.
 */
#include "offline/iceberg/prune.h"

#include "core/time.h"

#include <math.h>
#include <stdlib.h>

/* ---- preparing ---- */

static const floe_expr *find_column(const floe_expr *expr, floe_str name) {
    if (expr->op == FLOE_EXPR_COLUMN) {
        return floe_str_equal(expr->column, name) ? expr : NULL;
    }
    const floe_expr *found = NULL;
    for (uint32_t i = 0; i < expr->arg_count && found == NULL; i++) {
        found = find_column(expr->args[i], name);
    }
    return found;
}

static int compare_ids(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* A filter that thinks of nanoseconds as of timestamps means them rounded up to microseconds. */
static bool is_rounded(const floe_ice_field *field, floe_type used) {
    return floe_ice_is_nanoseconds(field->type) && used.kind == FLOE_KIND_TIMESTAMP;
}

static void prepare_column(floe_pruner *pruner, size_t index, floe_str name, const floe_ice_schema *schema) {
    const floe_ice_field *field = floe_ice_field_by_name(schema, name);
    const floe_expr *use = find_column(pruner->filter, name);
    bool same = field != NULL &&
                (floe_type_equal(use->type, floe_ice_type_to_floe(field->type)) || is_rounded(field, use->type));
    pruner->columns[index].name = name;
    pruner->columns[index].field = same ? field : NULL;
    pruner->columns[index].type = same ? use->type : (floe_type){.kind = FLOE_KIND_NONE};
    if (same) {
        floe_kind kind = use->type.kind;
        pruner->field_ids[pruner->field_count++] = field->id;
        pruner->of_reals = pruner->of_reals || kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DOUBLE;
    }
}

floe_status floe_pruner_init(floe_pruner *pruner, const floe_expr *filter, const floe_ice_schema *schema,
                             floe_arena *arena, floe_error *err) {
    *pruner = (floe_pruner){.filter = filter};
    if (filter == NULL) {
        return FLOE_OK;
    }
    floe_str *names = NULL;
    floe_expr_columns(filter, arena, &names, &pruner->column_count);
    pruner->columns = floe_arena_alloc(arena, pruner->column_count + 1, sizeof(*pruner->columns));
    pruner->field_ids = floe_arena_alloc(arena, pruner->column_count + 1, sizeof(*pruner->field_ids));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < pruner->column_count; i++) {
        prepare_column(pruner, i, names[i], schema);
    }
    qsort(pruner->field_ids, pruner->field_count, sizeof(int32_t), compare_ids);
    return FLOE_OK;
}

/* ---- ranges ---- */

static void reset_ranges(const floe_pruner *pruner) {
    for (size_t i = 0; i < pruner->column_count; i++) {
        pruner->columns[i].range = floe_range_unknown(pruner->columns[i].type);
    }
}

static floe_prune_column *column_of(const floe_pruner *pruner, int32_t field_id) {
    for (size_t i = 0; i < pruner->column_count; i++) {
        if (pruner->columns[i].field != NULL && pruner->columns[i].field->id == field_id) {
            return &pruner->columns[i];
        }
    }
    return NULL;
}

/* Of nanoseconds a partition knows a unit that the last of them, rounded up, may leave. */
static bool says_something(const floe_ice_partition_field *field, const floe_prune_column *column) {
    return field->transform != FLOE_TRANSFORM_VOID && field->transform != FLOE_TRANSFORM_UNKNOWN &&
           !floe_ice_is_nanoseconds(column->field->type);
}

static floe_range partition_range(const floe_ice_partition_field *field, const floe_ice_type *source,
                                  const floe_value *stored) {
    floe_type type = floe_ice_type_to_floe(source);
    floe_range range = floe_range_unknown(type);
    if (stored->is_null) { /* Every transform but void is null exactly where its source is. */
        range.maybe_value = false;
        return range;
    }
    bool real = type.kind == FLOE_KIND_FLOAT || type.kind == FLOE_KIND_DOUBLE;
    bool nan = real && isnan(stored->as.real);
    range = nan ? range : floe_transform_range(field, source, stored, stored);
    range.maybe_null = false;
    range.maybe_nan = nan || (range.maybe_nan && field->transform != FLOE_TRANSFORM_IDENTITY);
    range.exact = field->transform == FLOE_TRANSFORM_IDENTITY && range.has_lower && range.has_upper;
    return range;
}

/* False: the partition says nothing about the filter's columns. */
static bool narrow_by_partition(const floe_pruner *pruner, const floe_ice_data_file *file, const floe_ice_spec *spec) {
    bool narrowed = false;
    for (size_t i = 0; spec != NULL && file->partition != NULL && i < spec->field_count; i++) {
        const floe_ice_partition_field *field = &spec->fields[i];
        floe_prune_column *column = column_of(pruner, field->source_id);
        /* A null without a kind: the manifest has no such partition field, which says nothing. */
        bool there = i < file->partition_count && file->partition[i].type.kind != FLOE_KIND_NONE;
        if (column != NULL && there && says_something(field, column)) {
            floe_range range = partition_range(field, column->field->type, &file->partition[i]);
            floe_range_narrow(&column->range, &range);
            narrowed = true;
        }
    }
    return narrowed;
}

static const int64_t *count_of(const floe_ice_count_entry *entries, size_t count, int32_t field_id) {
    for (size_t i = 0; i < count; i++) {
        if (entries[i].field_id == field_id) {
            return &entries[i].count;
        }
    }
    return NULL;
}

static floe_str bound_of(const floe_ice_bytes_entry *entries, size_t count, int32_t field_id) {
    for (size_t i = 0; i < count; i++) {
        if (entries[i].field_id == field_id) {
            return (floe_str){entries[i].bytes.ptr ? entries[i].bytes.ptr : "", entries[i].bytes.len};
        }
    }
    return (floe_str){0};
}

/* Bounds of nanoseconds are eight bytes; those of dates, which such columns may have been, say nothing here. */
static bool decode_bound(const floe_prune_column *column, floe_str bytes, floe_value *ret_value) {
    bool nanos = floe_ice_is_nanoseconds(column->field->type);
    if ((nanos && bytes.len != sizeof(int64_t)) || !floe_bound_decode_as(column->type, bytes, ret_value)) {
        return false;
    }
    ret_value->as.integer = nanos ? floe_us_of_ns_up(ret_value->as.integer) : ret_value->as.integer;
    return true;
}

static void file_range(const floe_ice_data_file *file, const floe_prune_column *column, floe_range *ret_range) {
    const floe_ice_field *field = column->field;
    *ret_range = floe_range_unknown(column->type);
    const int64_t *nulls = count_of(file->null_counts, file->null_count_count, field->id);
    const int64_t *nans = count_of(file->nan_counts, file->nan_count_count, field->id);
    const int64_t *values = count_of(file->value_counts, file->value_count_count, field->id);
    int64_t total = values != NULL ? *values : file->record_count;
    if (nulls != NULL && total > 0) {
        ret_range->maybe_null = *nulls != 0;
        ret_range->maybe_value = *nulls < total;
    }
    if (nans != NULL && *nans == 0) {
        ret_range->maybe_nan = false;
    }
    floe_str lower = bound_of(file->lower_bounds, file->lower_count, field->id);
    floe_str upper = bound_of(file->upper_bounds, file->upper_count, field->id);
    ret_range->has_lower = decode_bound(column, lower, &ret_range->lower);
    ret_range->has_upper = decode_bound(column, upper, &ret_range->upper);
}

/* `fresh`: the ranges are still unknown, which anything may take the place of. */
static void narrow_by_bounds(const floe_pruner *pruner, const floe_ice_data_file *file, bool fresh) {
    for (size_t i = 0; i < pruner->column_count; i++) {
        floe_prune_column *column = &pruner->columns[i];
        if (column->field != NULL && fresh) {
            file_range(file, column, &column->range);
        } else if (column->field != NULL) {
            floe_range range;
            file_range(file, column, &range);
            floe_range_narrow(&column->range, &range);
        }
    }
}

/* The type that a transform's results are serialized as. */
static const floe_ice_type *result_type(const floe_ice_partition_field *field, const floe_ice_type *source) {
    static const floe_ice_type INTEGER = {.kind = FLOE_ICE_INT};
    bool same = field->transform == FLOE_TRANSFORM_IDENTITY || field->transform == FLOE_TRANSFORM_TRUNCATE;
    return same ? source : &INTEGER; /* a day is a date or an int: both four bytes of days */
}

static floe_range summary_range(const floe_ice_partition_field *field, const floe_ice_type *source,
                                const floe_ice_partition_summary *summary) {
    const floe_ice_type *stored = result_type(field, source);
    floe_value low;
    floe_value high;
    bool has_low = floe_bound_decode(stored, summary->lower, &low);
    bool has_high = floe_bound_decode(stored, summary->upper, &high);
    floe_range range = floe_transform_range(field, source, has_low ? &low : NULL, has_high ? &high : NULL);
    range.maybe_null = summary->contains_null;
    range.maybe_nan = range.maybe_nan && summary->contains_nan != 0;
    return range;
}

static void narrow_by_summaries(const floe_pruner *pruner, const floe_ice_manifest *manifest,
                                const floe_ice_spec *spec) {
    /* Summaries go by position; another number of them than the spec has fields says nothing. */
    if (spec == NULL || manifest->partition_count != spec->field_count) {
        return;
    }
    for (size_t i = 0; i < spec->field_count; i++) {
        const floe_ice_partition_field *field = &spec->fields[i];
        floe_prune_column *column = column_of(pruner, field->source_id);
        if (column != NULL && says_something(field, column)) {
            floe_range range = summary_range(field, column->field->type, &manifest->partitions[i]);
            floe_range_narrow(&column->range, &range);
        }
    }
}

/* ---- verdicts ---- */

bool floe_prune_keeps_manifest(const floe_pruner *pruner, const floe_ice_manifest *manifest,
                               const floe_ice_spec *spec) {
    if (pruner->filter == NULL) {
        return true;
    }
    reset_ranges(pruner);
    narrow_by_summaries(pruner, manifest, spec);
    return (floe_prune_outcomes(pruner, pruner->filter) & FLOE_MAY_TRUE) != 0;
}

floe_prune_verdict floe_prune_file(const floe_pruner *pruner, const floe_ice_data_file *file,
                                   const floe_ice_spec *spec) {
    if (pruner->filter == NULL) {
        return FLOE_PRUNE_KEEP;
    }
    reset_ranges(pruner);
    bool narrowed = narrow_by_partition(pruner, file, spec);
    if (narrowed && (floe_prune_outcomes(pruner, pruner->filter) & FLOE_MAY_TRUE) == 0) {
        return FLOE_PRUNE_BY_PARTITION;
    }
    narrow_by_bounds(pruner, file, !narrowed);
    return (floe_prune_outcomes(pruner, pruner->filter) & FLOE_MAY_TRUE) != 0 ? FLOE_PRUNE_KEEP : FLOE_PRUNE_BY_BOUNDS;
}
