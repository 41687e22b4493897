/*
 * A source for a question: the scan is planned with what bounds it (the time range any label can reach and, where all
 * views agree on it, their filter), then streamed with times as microseconds and positions that decide ties.
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

/* The filter that may be pushed into the scan; *ret_filter NULL: none. */
static floe_status make_filter(const floe_pit_need *need, floe_str where, floe_arena *arena,
                               const floe_expr **ret_filter, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, 2 * FLOE_LIMIT_EXPRESSION_BYTES);
    if (need->earliest_us != INT64_MIN) {
        append_bound(need, ">=", need->earliest_us, &text);
    }
    if (need->latest_us != INT64_MAX && need->latest_us != INT64_MIN) {
        append_bound(need, "<=", need->latest_us, &text);
    }
    if (where.len > 0) {
        floe_buf_text(&text, text.len > 0 ? " AND (" : "(");
        floe_buf_str(&text, where);
        floe_buf_text(&text, ")");
    }
    FLOE_TRY(floe_buf_check(&text, err));
    if (text.len == 0) {
        return FLOE_OK;
    }
    floe_expr *filter;
    FLOE_TRY(floe_expr_parse(arena, floe_arena_str(arena, floe_buf_view(&text)), &filter, err));
    FLOE_TRY(floe_expr_bind(filter, arena, need->source->columns, need->source->column_count, err));
    *ret_filter = filter;
    return FLOE_OK;
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
    floe_scan_request request = {.at = FLOE_AT_CURRENT, .limit = -1};
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

floe_status floe_source_plan(floe_lake *lake, const floe_pit_need *need, const floe_dataset_pin *pin, floe_arena *arena,
                             source_scan *ret_scan, floe_error *err) {
    *ret_scan = (source_scan){.need = need};
    FLOE_TRY(make_filter(need, need->shared_where, arena, &ret_scan->filter, err));
    const char *table = floe_arena_strndup(arena, need->source->table.ptr, need->source->table.len);
    FLOE_TRY(floe_arena_check(arena, err));
    floe_status status = floe_table_open(lake, table, NULL, NULL, &ret_scan->table, err);
    if (!floe_failed(status)) {
        status = plan_pinned(ret_scan, pin, arena, err);
    }
    if (floe_failed(status)) {
        floe_source_close(ret_scan);
        return floe_error_prefix(err, status, "source %.*s", FLOE_STR_ARG(need->source->about.name));
    }
    return FLOE_OK;
}

static void append_time(const floe_source *source, floe_str column, const char *name, floe_buf *out) {
    if (column.len == 0) {
        return;
    }
    const floe_column *found = source_column(source, column);
    bool is_date = found && found->type.kind == FLOE_KIND_DATE;
    floe_buf_text(out, is_date ? "epoch_us(CAST(" : "epoch_us(");
    floe_sql_quote_name(out, column);
    floe_buf_printf(out, is_date ? " AS TIMESTAMP)) AS %s, " : ") AS %s, ", name);
}

static void add_name(floe_str *names, size_t *count, floe_str name) {
    for (size_t i = 0; i < *count; i++) {
        if (name.len == 0 || floe_str_equal(names[i], name)) {
            return;
        }
    }
    names[*count] = name;
    *count += name.len > 0;
}

/* Every column that the select touches: data, times, and what the filters compare. */
static floe_status scanned_columns(const source_scan *scan, floe_arena *arena, floe_str **ret_names, size_t *ret_count,
                                   floe_error *err) {
    const floe_pit_need *need = scan->need;
    floe_str *names = floe_arena_alloc(arena, need->source->column_count + need->column_count + 4, sizeof(*names));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (size_t i = 0; i < need->column_count; i++) {
        add_name(names, &count, need->columns[i]);
    }
    add_name(names, &count, need->source->event_time);
    add_name(names, &count, need->source->created_time);
    add_name(names, &count, need->source->end_time);
    for (size_t w = 0; w < need->where_count; w++) {
        floe_str *used;
        size_t used_count = 0;
        if (need->wheres[w]) {
            floe_expr_columns(need->wheres[w], arena, &used, &used_count);
            FLOE_TRY(floe_arena_check(arena, err));
        }
        for (size_t i = 0; i < used_count; i++) {
            add_name(names, &count, used[i]);
        }
    }
    *ret_names = names;
    *ret_count = count;
    return FLOE_OK;
}

static floe_status append_wheres(const floe_pit_need *need, floe_buf *out, floe_error *err) {
    for (size_t w = 0; w < need->where_count; w++) {
        floe_buf_text(out, ", ");
        if (need->wheres[w] && need->shared_where.len == 0) {
            FLOE_TRY(floe_sql_from_expr(need->wheres[w], "", out, err));
        } else {
            floe_buf_text(out, "TRUE");
        }
        floe_buf_printf(out, " AS __where_%zu", w);
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
    append_time(need->source, need->source->event_time, "__event", out);
    append_time(need->source, need->source->created_time, "__created", out);
    append_time(need->source, need->source->end_time, "__end", out);
    floe_buf_text(out, "__seq, __pos");
    FLOE_TRY(append_wheres(need, out, err));
    floe_buf_text(out, " FROM ");
    floe_str *columns;
    size_t count;
    FLOE_TRY(scanned_columns(scan, &arena, &columns, &count, err));
    floe_status status = floe_table_scan_sql(scan->table, &scan->files, columns, count, true, session, out, err);
    if (floe_failed(status)) {
        bool named = err && floe_str_starts_with(floe_str_of(err->message), FLOE_STR("table "));
        return named ? floe_error_prefix(err, status, "source %.*s", FLOE_STR_ARG(need->source->about.name))
                     : floe_error_prefix(err, status, "source %.*s, table %.*s", FLOE_STR_ARG(need->source->about.name),
                                         FLOE_STR_ARG(need->source->table));
    }
    if (scan->filter) {
        floe_buf_text(out, " WHERE ");
        FLOE_TRY(floe_sql_from_expr(scan->filter, "", out, err));
    }
    return floe_buf_check(out, err);
}
