/*
 * Sampled values of a table: what `floe index` tells a search about what stands in columns.
 */
#ifndef FLOE_CLI_SAMPLE_H
#define FLOE_CLI_SAMPLE_H

#include "offline/offline.h"
#include "vector/vector.h"

/* Rows that are looked at, and text columns of a table, beside which the others have no values. */
#define CLI_SAMPLE_ROWS 20000
#define CLI_SAMPLE_COLUMNS 64
/* A column of more distinct values in those rows is no list of kinds of things, and has none; a longer text is no kind. */
#define CLI_SAMPLE_VALUES 50
#define CLI_SAMPLE_VALUE_BYTES 64

/* Sets the samples of text columns that have few distinct values, sorted. Rule: of a column with one value that is too long, or
 * with too many, none; the first rows of the scan stand for all. Whether a column is personal is judged by who indexes it.
 * Owns: values lie in the arena. Errors: those of the scan. Cost: reads the text columns of CLI_SAMPLE_ROWS rows. */
floe_status cli_sample(floe_table *table, const floe_table_info *info, floe_arena *arena, floe_catalog_column *columns,
                       floe_error *err);

#endif
