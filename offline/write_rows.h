/*
 * Rows of a query into a file of the format that its ending names: .parquet, .arrow or .feather (Arrow IPC with a footer), .arrows
 * (an Arrow IPC stream), .csv or .jsonl. The one writer of every file that floe gives away.
 *
 * Rule: JSON Lines hold the values of floe's REST answers: whole numbers exactly, decimals as text, bytes as base64, dates and
 * times as RFC 3339 with Z, "NaN", "Infinity" and "-Infinity" as text, lists and structs as JSON, a map as an object. CSV
 * holds the same values as a person reads them, null as nothing. Parquet and Arrow hold the engine's own types; Parquet is
 * packed with zstd, Arrow not at all, so that it can be mapped.
 */
#ifndef FLOE_OFFLINE_WRITE_ROWS_H
#define FLOE_OFFLINE_WRITE_ROWS_H

#include "offline/engine/engine.h"

/* Whether rows can be written there. Errors: UNSUPPORTED (the ending, saying which there are), NOT_FOUND (the folder),
 * INVALID (a folder itself). */
floe_status floe_rows_check(const char *path, floe_error *err);

/* Writes the rows of `select`, about so many (0: nobody knows), beside `path`, down to the disk; after a failure nothing stays. Then either
 * publish renames the file over `path` or discard removes it. Errors: those of floe_rows_check and floe_session_run, IO (a full disk
 * is named), UNSUPPORTED (a column of a type that the format does not hold, by its name). */
floe_status floe_rows_prepare(floe_session *session, const char *select, const char *path, int64_t about_rows,
                              int64_t *ret_rows, floe_error *err);
/* About how much memory the engine takes while it writes a file of that many columns and rows, beside what it counts. */
uint64_t floe_rows_writer_bytes(size_t columns, int64_t rows);
floe_status floe_rows_publish(const char *path, floe_error *err);
void floe_rows_discard(const char *path);
/* Where prepare writes: beside the target, and not another process's. */
floe_status floe_rows_part(const char *path, floe_buf *out, floe_error *err);

#endif
