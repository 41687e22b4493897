/*
 * A source for a question: the scan is planned with what bounds it (the time range any label can reach and, where all
 * views agree on it, their filter), then streamed with times as microseconds and positions that decide ties.
 *
 * Types of times are those of the schema that is read, which may have gone on since the definitions were applied: a date becomes a
 * timestamp or nanoseconds. Nanoseconds are rounded up.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "offline/dataset/dataset_int.h"

#include <inttypes.h>

static const floe_column *source_column(const floe_source *source, floe_str name) {
    for (size_t i = 0; i < source->column_count; i++) {
        if (floe_str_equal(source->columns[i].name, name)) {
            return &source->columns[i];
        }
    }
    return NULL;
}

/* `"date" >= TIMESTAMP '…'`; the bound is inclusive, and for dates the day that holds it. */
static void append_bound(const floe_pit_need *need, const char *comparison, int64_t bound_us, floe_buf *text) {
    const floe_column *column = source_column(need->source, need->source->event_time);
    int64_t day = floe_floor_div(bound_us, FLOE_US_PER_DAY);
    int64_t year;
    unsigned month, day_of_month;
    floe_civil_from_days(day, &year, &month, &day_of_month);
    if (!column || year < 1 || year > 9999) {
        return; /* A bound that cannot be written bounds nothing that could be stored. */
    }
    char when[FLOE_TIME_TEXT_MAX];
    bool is_date = column->type.kind == FLOE_KIND_DATE;
    floe_buf_text(text, text->len > 0 ? " AND " : "");
    floe_sql_quote_name(text, column->name);
    floe_buf_printf(text, " %s %s '%s'", comparison, is_date ? "DATE" : "TIMESTAMP",
                    is_date ? floe_date_format(day, when) : floe_time_format(bound_us, when));
}

/* The source's columns, its times in nanoseconds as the microseconds that they are rounded up to. */
static floe_status rounded_columns(const floe_source *source, floe_arena *arena, floe_column **ret_columns,
                                   floe_error *err) {
    floe_column *columns = floe_arena_alloc(arena, source->column_count + 1, sizeof(*columns));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < source->column_count; i++) {
        bool fine = floe_type_is_nanoseconds(source->columns[i].type) &&
                    floe_str_equal(source->columns[i].name, source->event_time);
        columns[i] = (floe_column){source->columns[i].name,
                                   fine ? (floe_type){.kind = FLOE_KIND_TIMESTAMP} : source->columns[i].type};
    }
    *ret_columns = columns;
    return FLOE_OK;
}

/* *ret_filter NULL: there is no text. */
static floe_status bind_filter(const floe_source *source, const floe_buf *text, floe_arena *arena,
                               const floe_expr **ret_filter, floe_error *err) {
    floe_expr *filter;
    floe_column *columns;
    FLOE_TRY(floe_buf_check(text, err));
    if (text->len == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(rounded_columns(source, arena, &columns, err));
    FLOE_TRY(floe_expr_parse(arena, floe_arena_str(arena, floe_buf_view(text)), &filter, err));
    FLOE_TRY(floe_expr_bind(filter, arena, columns, source->column_count, err));
    *ret_filter = filter;
    return FLOE_OK;
}

/* What may be pushed into the scan: the times that are needed and the filter of all views, which is kept alone as well. */
static floe_status make_filter(source_scan *scan, floe_arena *arena, floe_error *err) {
    const floe_pit_need *need = scan->need;
    FLOE_AUTO_BUF text;
    FLOE_AUTO_BUF where;
    floe_buf_init(&text, 2 * FLOE_LIMIT_EXPRESSION_BYTES);
    floe_buf_init(&where, FLOE_LIMIT_EXPRESSION_BYTES);
    if (need->earliest_us != INT64_MIN) {
        append_bound(need, ">=", need->earliest_us, &text);
    }
    if (need->latest_us != INT64_MAX && need->latest_us != INT64_MIN) {
        append_bound(need, "<=", need->latest_us, &text);
    }
    if (need->shared_where.len > 0) {
        floe_buf_text(&text, text.len > 0 ? " AND (" : "(");
        floe_buf_str(&text, need->shared_where);
        floe_buf_text(&text, ")");
        floe_buf_str(&where, need->shared_where);
    }
    FLOE_TRY(bind_filter(need->source, &where, arena, &scan->where, err));
    return bind_filter(need->source, &text, arena, &scan->filter, err);
}

void floe_source_close(source_scan *scan) {
    if (scan->table) {
        floe_table_close(&scan->table);
    }
}

floe_status floe_source_pin(const floe_dataset_request *request, const floe_source *source,
                            const floe_dataset_pin **ret_pin, floe_error *err) {
    *ret_pin = NULL;
    for (size_t i = 0; i < request->pin_count; i++) {
        if (floe_str_equal(request->pins[i].source, source->about.name)) {
            *ret_pin = &request->pins[i];
            return FLOE_OK;
        }
    }
    FLOE_ENSURE(!request->pins, err, FLOE_INVALID, "no snapshot is named for the source %.*s",
                FLOE_STR_ARG(source->about.name));
    return FLOE_OK;
}

source_use floe_source_used(const source_scan *scan) {
    const floe_table_scan_files *files = &scan->files;
    return (source_use){.source = scan->need->source,
                        .snapshot_id = files->plan.snapshot_id,
                        .schema_id = files->schema->schema_id,
                        .plan = files->plan};
}

/* What the table was when it had no snapshot: its columns, no files. */
static void forget_files(floe_table_scan_files *files) {
    files->snapshot = NULL;
    files->file_count = 0;
    files->delete_count = 0;
    files->plan = (floe_scan_plan){.snapshot_id = -1};
}

/* By id a snapshot is read with its own schema. A build reads the current one with the table's, which may have gone on since
 * the last rows were written; then names of the filter may be unknown to the snapshot's and nothing is pruned. */
static floe_status plan_pinned(source_scan *scan, const floe_dataset_pin *pin, floe_arena *arena, floe_error *err) {
    static const floe_str none = {"", 0}; /* Columns are judged where they are read: the others may be of any type. */
    floe_scan_request request = {.at = FLOE_AT_CURRENT, .limit = -1, .columns = &none};
    if (!pin || pin->snapshot_id < 0) {
        FLOE_TRY(floe_table_scan_plan_files(scan->table, &request, scan->filter, arena, &scan->files, err));
        if (pin) {
            forget_files(&scan->files);
        }
        return FLOE_OK;
    }
    request.at = FLOE_AT_ID;
    request.snapshot_id = pin->snapshot_id;
    const floe_ice_metadata *metadata = floe_table_metadata(scan->table);
    const floe_ice_snapshot *snapshot = floe_ice_snapshot_by_id(metadata, pin->snapshot_id);
    FLOE_ENSURE(snapshot, err, FLOE_NOT_FOUND,
                "the snapshot %" PRId64
                " of table %.*s is gone: it was expired after the dataset was built, and without it "
                "the dataset cannot be made again",
                pin->snapshot_id, FLOE_STR_ARG(scan->need->source->table));
    const floe_ice_schema *schema =
        pin->schema_id < 0 ? NULL : floe_ice_schema_by_id(metadata, (int32_t)pin->schema_id);
    bool own = !schema || schema->schema_id == snapshot->schema_id;
    FLOE_TRY(floe_table_scan_plan_files(scan->table, &request, own ? scan->filter : NULL, arena, &scan->files, err));
    scan->files.schema = own ? scan->files.schema : schema;
    return FLOE_OK;
}

/* Where no label has a time there is nothing that any row could answer: the snapshot is pinned and no file is read. */
static void need_no_rows(floe_table_scan_files *files) {
    files->file_count = 0;
    files->delete_count = 0;
    files->plan.files_read = 0;
    files->plan.rows = 0;
    files->plan.bytes = 0;
}

floe_status floe_source_plan(floe_lake *lake, const floe_pit_need *need, const floe_dataset_pin *pin, floe_arena *arena,
                             source_scan *ret_scan, floe_error *err) {
    *ret_scan = (source_scan){.need = need, .earliest_us = need->earliest_us, .latest_us = need->latest_us};
    FLOE_TRY(make_filter(ret_scan, arena, err));
    const char *table = floe_arena_strndup(arena, need->source->table.ptr, need->source->table.len);
    FLOE_TRY(floe_arena_check(arena, err));
    floe_status status = floe_table_open(lake, table, NULL, NULL, &ret_scan->table, err);
    if (!floe_failed(status)) {
        status = plan_pinned(ret_scan, pin, arena, err);
    }
    if (!floe_failed(status)) {
        status = floe_drift_check(ret_scan, arena, err);
    }
    if (!floe_failed(status) && need->latest_us == INT64_MIN) {
        need_no_rows(&ret_scan->files);
    }
    if (floe_failed(status)) {
        floe_source_close(ret_scan);
        return floe_error_prefix(err, status, "source %.*s", FLOE_STR_ARG(need->source->about.name));
    }
    return FLOE_OK;
}

static floe_ice_kind read_kind(const source_scan *scan, floe_str column) {
    const floe_ice_field *field = floe_ice_field_by_name(scan->files.schema, column);
    return field ? field->type->kind : FLOE_ICE_OTHER;
}

/* Nanoseconds, rounded up. The engine divides towards zero, takes the ends of int64 for infinities, and gives those no number. */
static void append_rounded(floe_str column, floe_buf *out) {
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_KIB(64));
    floe_sql_quote_name(&name, column);
    floe_buf_printf(out,
                    "CASE WHEN isinf(%s) THEN CASE WHEN %s > make_timestamp_ns(0) THEN 9223372036854776 "
                    "ELSE -9223372036854775 END ELSE epoch_ns(%s) // 1000 + (epoch_ns(%s) %% 1000 > 0)::BIGINT END",
                    name.ptr, name.ptr, name.ptr, name.ptr);
}

/* The engine gives infinite times, and dates beyond int64's microseconds, no number: they are before or after every label. The first of
 * int64 stands for null where rows are compared by their created times, so that becomes the second. */
static void append_micros(floe_str column, bool is_date, bool is_created, floe_buf *out) {
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_KIB(64));
    floe_sql_quote_name(&name, column);
    out->failed = out->failed || name.failed;
    if (out->failed) {
        return;
    }
    floe_buf_printf(out, "coalesce(%sepoch_us(%s%s%s)%s, ", is_created ? "nullif(" : "", is_date ? "TRY_CAST(" : "",
                    name.ptr, is_date ? " AS TIMESTAMP)" : "",
                    is_created ? ", CAST(-9223372036854775808 AS BIGINT))" : "");
    floe_buf_printf(out,
                    "CASE WHEN %s > '1970-01-01' THEN 9223372036854775807 WHEN %s IS NOT NULL THEN "
                    "-9223372036854775807 END)",
                    name.ptr, name.ptr);
}

static void append_time(const source_scan *scan, floe_str column, const char *name, floe_buf *out) {
    if (column.len == 0) {
        return;
    }
    floe_ice_kind kind = read_kind(scan, column);
    if (kind == FLOE_ICE_TIMESTAMP_NS || kind == FLOE_ICE_TIMESTAMPTZ_NS) {
        append_rounded(column, out);
        floe_buf_printf(out, " AS %s, ", name);
        return;
    }
    append_micros(column, kind == FLOE_ICE_DATE, floe_str_equal(column, scan->need->source->created_time), out);
    floe_buf_printf(out, " AS %s, ", name);
}

static floe_status append_wheres(const floe_pit_need *need, floe_buf *out, floe_error *err) {
    for (size_t w = 0; w < need->where_count; w++) {
        floe_buf_text(out, ", ");
        if (need->wheres[w] && need->shared_where.len == 0) {
            FLOE_TRY(floe_sql_from_expr(need->wheres[w], "", out, err));
        } else {
            floe_buf_text(out, "TRUE");
        }
        floe_buf_printf(out, " AS __floe_where_%zu", w);
    }
    return FLOE_OK;
}

/* Rounded up, n nanoseconds are at most `us` where n <= 1000 us, and at least it where n > 1000 (us - 1). A bound that int64 does not
 * hold bounds nothing that could be stored. */
static void append_fine_bound(floe_str column, const char *comparison, int64_t us, floe_buf *out) {
    int64_t nanos;
    if (__builtin_mul_overflow(us, INT64_C(1000), &nanos) || nanos == INT64_MIN || nanos == INT64_MAX) {
        return;
    }
    floe_buf_text(out, " AND ");
    floe_sql_quote_name(out, column);
    floe_buf_printf(out, " %s make_timestamp_ns(%" PRId64 ")", comparison, nanos);
}

/* Whether the filter that was pushed down holds of what is read: the definitions and the schema agree on the event time. */
static bool is_filter_read(const source_scan *scan) {
    floe_str event = scan->need->source->event_time;
    const floe_column *defined = source_column(scan->need->source, event);
    const floe_ice_field *read = floe_ice_field_by_name(scan->files.schema, event);
    return defined && read && !floe_ice_is_nanoseconds(read->type) &&
           floe_type_equal(defined->type, floe_ice_type_to_floe(read->type));
}

/* The files, with what the filter says of the event time once more, for columns that the engine could not prune by it. */
static floe_table_scan_files bounded_files(const source_scan *scan) {
    floe_table_scan_files files = scan->files;
    const floe_ice_field *event = floe_ice_field_by_name(files.schema, scan->need->source->event_time);
    if (event && is_filter_read(scan)) {
        files.bound = (floe_time_bound){event->id, scan->earliest_us, scan->latest_us};
    }
    return files;
}

/* The filter as it was pushed down, where the definitions and the schema agree on the event time; else what it says of other columns
 * and, of nanoseconds, of times. */
static floe_status append_filter(const source_scan *scan, floe_buf *out, floe_error *err) {
    floe_str event = scan->need->source->event_time;
    const floe_ice_field *read = floe_ice_field_by_name(scan->files.schema, event);
    bool fine = read && floe_ice_is_nanoseconds(read->type);
    const floe_expr *filter = is_filter_read(scan) ? scan->filter : scan->where;
    if (filter) {
        floe_buf_text(out, " WHERE ");
        FLOE_TRY(floe_sql_from_expr(filter, "", out, err));
    } else if (fine) {
        floe_buf_text(out, " WHERE TRUE");
    }
    if (fine && scan->earliest_us > INT64_MIN) {
        append_fine_bound(event, ">", scan->earliest_us - 1, out);
    }
    if (fine && scan->latest_us != INT64_MAX && scan->latest_us != INT64_MIN) {
        append_fine_bound(event, "<=", scan->latest_us, out);
    }
    return FLOE_OK;
}

floe_status floe_source_sql(const source_scan *scan, floe_session *session, floe_buf *out, floe_error *err) {
    const floe_pit_need *need = scan->need;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_buf_text(out, "SELECT ");
    for (size_t i = 0; i < need->column_count; i++) {
        floe_sql_quote_name(out, need->columns[i]);
        floe_buf_text(out, ", ");
    }
    append_time(scan, need->source->event_time, "__floe_event", out);
    append_time(scan, need->source->created_time, "__floe_created", out);
    append_time(scan, need->source->end_time, "__floe_end", out);
    floe_buf_text(out, "__floe_seq, __floe_pos");
    FLOE_TRY(append_wheres(need, out, err));
    floe_buf_text(out, " FROM ");
    floe_str *columns;
    size_t count;
    FLOE_AUTO_BUF from;
    floe_buf_init(&from, FLOE_GIB(1));
    FLOE_TRY(floe_source_columns(scan, &arena, &columns, &count, err));
    const floe_table_scan_files files = bounded_files(scan);
    floe_status status = floe_table_scan_sql(scan->table, &files, columns, count, true, session, &from, err);
    if (floe_failed(status)) {
        bool named = err && floe_str_starts_with(floe_str_of(err->message), FLOE_STR("table "));
        return named ? floe_error_prefix(err, status, "source %.*s", FLOE_STR_ARG(need->source->about.name))
                     : floe_error_prefix(err, status, "source %.*s, table %.*s", FLOE_STR_ARG(need->source->about.name),
                                         FLOE_STR_ARG(need->source->table));
    }
    FLOE_TRY(floe_drift_sql(scan, &from, &arena, out, err));
    FLOE_TRY(append_filter(scan, out, err));
    return floe_buf_check(out, err);
}

/* What was not pushed into the scan must not count as pushed, even where the views of some features alone agree on their filter. */
source_scan floe_source_part(const source_scan *whole, const floe_pit *pit, floe_pit_need *need) {
    size_t need_count;
    source_scan scan = *whole;
    *need = *floe_pit_needs(pit, &need_count);
    need->shared_where = whole->need->shared_where;
    scan.need = need;
    return scan;
}
