/*
 * Sampled values of a table: what `floe index` tells a search about what stands in columns.
 */
#ifndef FLOE_CLI_SAMPLE_H
#define FLOE_CLI_SAMPLE_H

#include "offline/offline.h"
#include "vector/vector.h"

/* Rows that are looked at, and columns of a table, of text and of integers each, beside which the others have no
 * values. */
#define CLI_SAMPLE_ROWS 20000
#define CLI_SAMPLE_COLUMNS 64
/* A column of more distinct values in those rows is no list of kinds of things, and has none; a longer text is no
 * kind. */
#define CLI_SAMPLE_VALUES 50
#define CLI_SAMPLE_VALUE_BYTES 64
/* What the detector of personal data sees of any column: so many distinct values, so much of each. */
#define CLI_SAMPLE_PROBES 50
#define CLI_SAMPLE_PROBE_BYTES 256
/* Of a longer table of at most so many rows so many columns are read whole, because they may be keys. */
#define CLI_SAMPLE_KEY_ROWS 1000000
#define CLI_SAMPLE_KEY_COLUMNS 4

/* Sets the samples of text columns that have few distinct values, sorted; and of every text and integer column values
 * for the detector, which are chosen by their hashes from all rows that were read, and a sketch. Rule: samples of a
 * column with one value that is too long, or with too many, are none; the first rows of the scan stand for all. Whether
 * a column is personal is judged by who indexes it.
 * Owns: values lie in the arena. Errors: those of the scan. Cost: reads text and integer columns of CLI_SAMPLE_ROWS
 * rows, and of longer tables up to CLI_SAMPLE_KEY_COLUMNS of CLI_SAMPLE_KEY_ROWS rows. */
floe_status cli_sample(floe_table *table, const floe_table_info *info, floe_arena *arena, floe_catalog_column *columns,
                       floe_error *err);

#endif
