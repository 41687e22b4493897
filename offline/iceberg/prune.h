/*
 * Which files and manifests cannot hold a row that passes a filter.
 *
 * Rule: something is pruned only when the filter can be TRUE for no combination of values that partition, bounds and
 * counts allow. Every operator is computed on sets of outcomes (TRUE, FALSE, NULL), so that NOT and three-valued logic
 * are sound; where nothing is known all three are possible.
 */
#ifndef FLOE_OFFLINE_ICEBERG_PRUNE_H
#define FLOE_OFFLINE_ICEBERG_PRUNE_H

#include "offline/iceberg/range.h"
#include "registry/registry.h"

/* A column that the filter uses. */
typedef struct floe_prune_column {
    floe_str name;
    const floe_ice_field *field; /* NULL: not in the schema, or of another type than the filter thinks: unknown */
    floe_type type;              /* of the field; NONE without one */
    floe_range range;            /* scratch of the test that runs */
} floe_prune_column;

typedef struct floe_pruner {
    const floe_expr *filter; /* NULL: nothing is pruned */
    floe_prune_column *columns;
    size_t column_count;
    int32_t *field_ids; /* of the columns, ascending: whose bounds are worth decoding */
    size_t field_count;
    bool of_reals; /* one of them may hold NaN */
} floe_pruner;

/* Prepares a filter that is bound (NULL: none). Columns are found in the schema by name. Owns: the arena. Errors: NOMEM,
 * LIMIT. Thread: a pruner belongs to one thread. */
floe_status floe_pruner_init(floe_pruner *pruner, const floe_expr *filter, const floe_ice_schema *schema,
                             floe_arena *arena, floe_error *err);

/* Whether a manifest may list a file with a row that passes, by its partition summaries. `spec` NULL: unknown. */
bool floe_prune_keeps_manifest(const floe_pruner *pruner, const floe_ice_manifest *manifest, const floe_ice_spec *spec);

typedef enum floe_prune_verdict { FLOE_PRUNE_KEEP, FLOE_PRUNE_BY_PARTITION, FLOE_PRUNE_BY_BOUNDS } floe_prune_verdict;
floe_prune_verdict floe_prune_file(const floe_pruner *pruner, const floe_ice_data_file *file,
                                   const floe_ice_spec *spec);

/* The outcomes that an expression may have, given the ranges in pruner->columns: bits of FLOE_MAY_*. */
enum { FLOE_MAY_TRUE = 1, FLOE_MAY_FALSE = 2, FLOE_MAY_NULL = 4, FLOE_MAY_ALL = 7 };
unsigned floe_prune_outcomes(const floe_pruner *pruner, const floe_expr *expr);

#endif
