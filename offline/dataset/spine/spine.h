/*
 * The spine of a dataset, whatever it is: files, tables and text become the session's table "spine", whose keys and times are judged, and
 * whose rows are the labels.
 */
#ifndef FLOE_OFFLINE_DATASET_SPINE_SPINE_H
#define FLOE_OFFLINE_DATASET_SPINE_SPINE_H

#include "offline/engine/engine.h"
#include "offline/offline.h"

/* ---- load.c ---- */

/* Whether the engine's type is a time, with a zone or without, of any unit. */
static inline bool floe_spine_is_timestamp(floe_str type) {
    return floe_str_starts_with(type, FLOE_STR("TIMESTAMP")) && !floe_str_ends_with(type, FLOE_STR("]"));
}

/* The spine as the session's temporary table "spine", rows in their order. */
typedef struct spine_table {
    const floe_query_column *columns; /* types are the engine's names */
    size_t column_count;
    floe_str from; /* the FROM item it was read from */
    floe_str time_column;
    floe_str source_table; /* of a table spine: its full name; "" for a file */
    int64_t snapshot_id;   /* of a table spine; -1 for a file */
} spine_table;

floe_status floe_spine_load(floe_lake *lake, floe_session *session, const floe_dataset_request *request,
                            const floe_column *keys, size_t key_count, floe_arena *arena, spine_table *ret_spine,
                            floe_error *err);
/* SELECT of the key columns under the keys' names, `__floe_time` (int64 µs, floored) and `__floe_row` (0, 1 …), in order, from the
 * session's table or the item it was read from. */
floe_status floe_spine_labels_sql(const floe_dataset_request *request, const spine_table *spine,
                                  const floe_column *keys, size_t key_count, const char *from, floe_buf *out,
                                  floe_error *err);
/* Appends SQL: the microseconds, rounded down, of a time in nanoseconds, which SQL of its own gives. */
void floe_spine_floor_nanoseconds(const char *time, floe_buf *out);

/* ---- text.c ---- */

/* Appends the FROM item of a CSV or JSON Lines file. Errors: NOT_FOUND, INVALID, UNSUPPORTED (no such format). */
floe_status floe_spine_text(floe_session *session, const floe_dataset_request *request, const floe_column *keys,
                            size_t key_count, floe_arena *arena, floe_buf *sql, floe_error *err);

/* ---- text_value.c ---- */

/* Appends what a decimal must look like, as a lookup takes it: no exponent, no digit behind the point that would be rounded away. */
void floe_text_decimal_pattern(floe_type type, floe_buf *out);
/* Appends what text must look like where the engine's cast would change the value: it rounds 0.4 to 0, cuts a time off a date,
 * and takes spaces around either. It is what a lookup takes for the type. False: any text is a value. */
bool floe_text_pattern(floe_type type, floe_buf *out);
/* Appends SQL: the value that text, SQL of its own, stands for where it looks like one; null: none of the type. A time may have an offset
 * from Greenwich, which the engine's timestamps without a zone would pass over. */
void floe_text_cast(floe_type type, const char *text, floe_buf *sql);
/* The same of any text: null where it does not look like a value. */
void floe_text_value(floe_type type, const char *text, floe_buf *sql);

/* ---- columns.c ---- */

/* By its ending: JSON Lines; a format whose values are texts. */
bool floe_spine_is_json(const char *spine);
bool floe_spine_is_text(const char *spine);

/* NULL: there is none of that name. Owns: the spine's arena. */
const floe_query_column *floe_spine_column(const spine_table *spine, floe_str name);
/* Whether columns have names that the engine's rows have too (rowid); see floe_session_give. */
bool floe_spine_names_clash(const spine_table *spine);
/* Errors: NOT_FOUND, naming a column of a key that is not there. */
floe_status floe_spine_check_columns(const floe_dataset_request *request, const spine_table *spine,
                                     const floe_column *keys, size_t key_count, floe_error *err);

/* ---- inputs.c ---- */

/* Whether a column's values, of the type that the engine names, are an input's without a look at them as text. */
bool floe_spine_input_fits(floe_str type, floe_type input);

/* ---- parquet.c ---- */

/* Appends the FROM item of a Parquet file. Columns that hold UTC nanoseconds between microseconds come without a zone. Errors: UNSUPPORTED
 * naming file and column of decimals of more than 38 digits, times of day in nanoseconds, and INT96 that are both finer than
 * microseconds and further than nanoseconds reach; those of floe_parquet_look_at and
 * floe_parquet_copy_make. Cost: where there are UTC nanoseconds or INT96, one or two copies of the file in the spill folder. */
floe_status floe_spine_parquet(floe_lake *lake, floe_session *session, const char *path, floe_arena *arena,
                               floe_buf *sql, floe_error *err);

/* ---- arrow.c ---- */

/* An Arrow file as the session's table "spine". Errors: those of floe_ipc_open; UNSUPPORTED naming a column of intervals. */
floe_status floe_spine_load_arrow(floe_session *session, const floe_dataset_request *request, spine_table *ret_spine,
                                  floe_error *err);

/* ---- text_times.c ---- */

/* A time as a lookup takes it. */
#define FLOE_TIME_PATTERN                                                                                              \
    "[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt "                                                                                  \
    "]([01][0-9]|2[0-3]):[0-9]{2}(:[0-9]{2}([.][0-9]{1,6})?)?([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"

/* Of a CSV or JSON file: the column that --time names becomes a TIMESTAMP where it is text; *ret_changed: it did. Without --time, and
 * without any timestamp, it is the only column but the keys whose values are all such times, however each is spelled. Errors: INVALID
 * naming file, row, column and text of what is no time, or a finer one than microseconds. */
floe_status floe_spine_read_text_time(floe_session *session, const floe_dataset_request *request,
                                      const floe_column *keys, size_t key_count, floe_arena *arena, spine_table *spine,
                                      bool *ret_changed, floe_error *err);
/* Of such a file without any timestamp and --time. Errors: INVALID naming the first row of a column that has other times. */
floe_status floe_spine_check_text_time(floe_session *session, const floe_dataset_request *request,
                                       const spine_table *spine, floe_arena *arena, floe_error *err);

/* ---- times.c ---- */

/* Whether every time and date is of the years 1 to 9999. Errors: INVALID naming file, row, column and value. */
floe_status floe_spine_check_times(floe_session *session, const floe_dataset_request *request, const spine_table *spine,
                                   floe_error *err);
/* Whether every key that is a time is whole microseconds, as keys are. Errors: INVALID naming file, row, column and value. */
floe_status floe_spine_check_time_keys(floe_session *session, const floe_dataset_request *request,
                                       const spine_table *spine, const floe_column *keys, size_t key_count,
                                       floe_error *err);

/* ---- keys.c ---- */

/* The spine's column that holds a key. */
floe_str floe_spine_key_column(const floe_dataset_request *request, floe_str key);
/* A key's column as the key's type: decimals of fewer digits are widened, a column without a value is of its type. */
void floe_spine_key_sql(const floe_query_column *column, floe_str name, floe_type type, floe_buf *out);
/* Whether a column has no value at all and is of what the engine makes of the type null: such a column is of any type. */
floe_status floe_spine_key_is_null(floe_session *session, const char *column, bool *ret_null, floe_error *err);
/* Refuses a spine whose keys are longer than an entity's may be (proto/key.h). Errors: LIMIT naming the row and the key. */
floe_status floe_spine_check_keys(floe_session *session, const floe_dataset_request *request, floe_error *err);

#endif
