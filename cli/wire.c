/*
 * Seams: what registry and online ask for, answered by offline. Only here do those rooms meet.
 */
#include "cli/cli.h"

static void table_cleanup(floe_table **table) {
    if (*table) {
        floe_table_close(table);
    }
}

/* ---- registry ← offline ---- */

static floe_status resolve_columns(void *context, floe_str name, floe_arena *arena, const floe_column **ret_columns,
                                   size_t *ret_count, floe_error *err) {
    floe_cli *cli = context;
    FLOE_TRY(cli_need_lake(cli, true, err));
    const char *reference = floe_arena_strndup(arena, name.ptr, name.len);
    FLOE_TRY(floe_arena_check(arena, err));
    __attribute__((cleanup(table_cleanup))) floe_table *table = NULL;
    FLOE_TRY(floe_table_open(cli->lake, reference, NULL, NULL, &table, err));
    floe_table_info info;
    FLOE_TRY(floe_table_describe(table, arena, &info, err));
    floe_column *columns = floe_arena_alloc(arena, info.column_count, sizeof(*columns));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < info.column_count; i++) {
        columns[i] = (floe_column){floe_arena_str(arena, info.columns[i].name), info.columns[i].type};
    }
    *ret_columns = columns;
    *ret_count = info.column_count;
    return floe_arena_check(arena, err);
}

floe_schema_resolver cli_schema_resolver(floe_cli *cli) {
    return (floe_schema_resolver){resolve_columns, cli};
}

/* ---- online ← offline ---- */

static floe_status newest_rows(void *context, const floe_sync_need *need, struct ArrowArrayStream *ret_stream,
                               floe_sync_got *ret_got, floe_error *err) {
    floe_cli *cli = context;
    FLOE_TRY(cli_need_lake(cli, true, err));
    floe_newest_request request = {.view = need->view,
                                   .as_of_us = need->as_of_us,
                                   .snapshot_id = -1,
                                   .since_snapshot_id = need->since_snapshot_id,
                                   .since_us = need->since_us,
                                   .want_as_of = need->want_as_of,
                                   .want_aggregates = need->want_aggregates};
    floe_newest_result result;
    FLOE_TRY(floe_newest_rows(cli->lake, &request, &cli->run, ret_stream, &result, err));
    *ret_got = (floe_sync_got){result.snapshot_id, result.rewritten, result.unchanged};
    return FLOE_OK;
}

floe_sync_source cli_sync_source(floe_cli *cli) {
    return (floe_sync_source){newest_rows, cli};
}
