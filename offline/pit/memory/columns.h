/*
 * Columns of kept rows, and keys of entities as bytes.
 */
#ifndef FLOE_OFFLINE_PIT_MEMORY_COLUMNS_H
#define FLOE_OFFLINE_PIT_MEMORY_COLUMNS_H

#include "core/buf.h"
#include "offline/pit/memory/symbols.h"
#include "registry/registry.h"

#include <pthread.h>

/* How cells of a type are kept. */
typedef enum pit_class { PIT_I64, PIT_F64, PIT_I128, PIT_SYMBOL } pit_class;

#define PIT_NOWHERE UINT32_MAX /* of a part of a record that is not kept */

typedef struct pit_column {
    floe_str name;
    floe_type type;
    pit_class class;
    bool want_symbols;                    /* count_distinct needs `symbol` beside the numbers */
    uint32_t data_at, symbol_at, null_at; /* in a record */
    union {
        int64_t *i64;
        double *f64;
        __int128 *i128;
    } data;
    uint32_t *symbol;
    uint8_t *is_null;
    pit_symbols symbols;
    pthread_mutex_t lock; /* of symbols, while rows come in */
} pit_column;

pit_class floe_pit_class(floe_type type);
/* Memory for rows; what it held is kept. */
floe_status floe_pit_column_reserve(pit_column *column, size_t room, floe_error *err);
void floe_pit_column_get(const pit_column *column, size_t row, floe_value *ret_value);
/* Gives its rows back; its symbols stay. */
void floe_pit_column_forget(pit_column *column);
void floe_pit_column_close(pit_column *column);
size_t floe_pit_cell_len(pit_class class);

/* Where the parts of one cell lie; symbol NULL: the column has none. */
typedef struct pit_cell {
    void *data;
    uint32_t *symbol;
    uint8_t *is_null;
} pit_cell;
/* Thread: several may set cells of a column that has symbols; they take its lock. */
floe_status floe_pit_cell_set(pit_column *column, const pit_cell *cell, const floe_value *value, floe_error *err);

/* Appends the unambiguous bytes of one key value (type, length, bytes). */
void floe_pit_key_append(floe_buf *out, const floe_value *value);
floe_status floe_pit_key_decode(floe_str bytes, const floe_column *keys, size_t key_count, floe_value *ret_values,
                                floe_error *err);

#endif
