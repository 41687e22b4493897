/*
 * One column of one batch, read without a detour where its layout is plain.
 */
#ifndef FLOE_OFFLINE_PIT_ROWS_CELLS_H
#define FLOE_OFFLINE_PIT_ROWS_CELLS_H

#include "core/arrow.h"
#include "offline/pit/memory/columns.h"
#include "offline/pit/memory/memo.h"

typedef enum pit_layout {
    PIT_CELL_ANY,
    PIT_CELL_I64,
    PIT_CELL_I32,
    PIT_CELL_F64,
    PIT_CELL_BIT,
    PIT_CELL_BYTES
} pit_layout;

typedef struct pit_cells {
    floe_arrow_view view;
    pit_layout layout;    /* ANY: through floe_arrow_get */
    const uint8_t *valid; /* bits; NULL: none is null */
    int64_t offset;       /* of row 0 in valid and data */
    const void *data;
    const int32_t *offsets; /* of BYTES */
} pit_cells;

floe_status floe_pit_cells_open(const struct ArrowSchema *schema, const struct ArrowArray *batch, int64_t index,
                                pit_cells *ret_cells, floe_error *err);
/* values[i] of rows[i]: whole numbers and times; `null_value` for null. */
floe_status floe_pit_cells_i64(const pit_cells *cells, const uint32_t *rows, size_t count, int64_t null_value,
                               int64_t *values, floe_error *err);
/* Leaves in rows (ascending) those whose cell is not null and, when `truth`, true; returns how many. */
floe_status floe_pit_cells_pick(const pit_cells *cells, bool truth, uint32_t *rows, size_t *count, floe_error *err);
/* The key of one row as bytes behind those in `out`; false when a part is null (then nothing is added). int32 widens to
 * int64. */
floe_status floe_pit_cells_key(const pit_cells *const *cells, const floe_column *keys, size_t key_count, int64_t row,
                               floe_buf *out, bool *ret_complete, floe_error *err);
/* The same, telling nulls apart (whose value is 0). */
floe_status floe_pit_cells_numbers(const pit_cells *cells, const uint32_t *rows, size_t count, int64_t *values,
                                   uint8_t *is_null, floe_error *err);
/* What a memo knows a cell of layout BYTES by; *ret_takes false: it is null, or too long. Errors: CORRUPT. */
floe_status floe_pit_cells_memo_text(const pit_cells *cells, int64_t row, pit_memo_key *ret_key, bool *ret_takes,
                                     floe_error *err);
/* Keeps the cell of rows[i] in records[i]. The arena holds lists while they are looked at; the memo, which may be NULL, is the
 * thread's own for the column. */
floe_status floe_pit_cells_keep(const pit_cells *cells, const uint32_t *rows, uint8_t *const *records, size_t count,
                                floe_arena *arena, pit_memo *memo, pit_column *column, floe_error *err);

#endif
