/*
 * floe sync, ingest, get: offline to online, a topic to online, and one lookup.
 */
#include "cli/cli.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"

#include <stdio.h>
#include <string.h>

/* ---- sync ---- */

static floe_status sync_view(floe_cli *cli, const floe_view *view, floe_error *err) {
    floe_sync_source source = cli_sync_source(cli);
    floe_sync_request request = {.view = view,
                                 .store = cli->store,
                                 .registry = cli->registry,
                                 .source = &source,
                                 .full = cli_flag(cli, "--full"),
                                 .announce_wait_us = 2 * FLOE_US_PER_SECOND,
                                 .retire_wait_us = 10 * FLOE_US_PER_SECOND,
                                 .cancelled = &cli_cancelled};
    floe_sync_result result;
    floe_status status = floe_sync_run(&request, &result, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "view %.*s", FLOE_STR_ARG(view->about.name));
    }
    if (cli->json) {
        printf("{\"view\":\"%.*s\",\"full\":%s,\"why\":\"%.*s\",\"rows\":%lld,\"written\":%lld,\"older\":%lld,"
               "\"snapshot_id\":%lld}\n",
               FLOE_STR_ARG(view->about.name), result.full ? "true" : "false", FLOE_STR_ARG(result.why_full),
               (long long)result.rows, (long long)result.written, (long long)result.older,
               (long long)result.snapshot_id);
        return FLOE_OK;
    }
    if (result.full) {
        printf("%.*s: full (%.*s), %s keys, %s\n", FLOE_STR_ARG(view->about.name), FLOE_STR_ARG(result.why_full),
               cli_count(cli, result.rows), cli_seconds(cli, result.elapsed_us));
    } else {
        printf("%.*s: incremental, %s, %s rows, %s\n", FLOE_STR_ARG(view->about.name),
               result.unchanged ? "nothing new in the source" : "new rows", cli_count(cli, result.rows),
               cli_seconds(cli, result.elapsed_us));
    }
    return FLOE_OK;
}

floe_status cli_sync(floe_cli *cli, floe_error *err) {
    FLOE_TRY(cli_need_definitions(cli, err));
    for (size_t i = 0; i < cli->operand_count; i++) {
        const floe_view *view = floe_definitions_view(cli->definitions, floe_str_of(cli->operands[i]));
        FLOE_ENSURE(view, err, FLOE_NOT_FOUND, "no feature view \"%s\" is applied", cli->operands[i]);
        FLOE_ENSURE(view->online, err, FLOE_INVALID, "the feature view \"%s\" says online: false", cli->operands[i]);
    }
    FLOE_TRY(cli_need_store(cli, err));
    for (size_t v = 0; v < cli->definitions->view_count; v++) {
        const floe_view *view = &cli->definitions->views[v];
        bool named = cli->operand_count == 0;
        for (size_t i = 0; i < cli->operand_count; i++) {
            named = named || floe_str_is(view->about.name, cli->operands[i]);
        }
        if (named && view->online) {
            FLOE_TRY(sync_view(cli, view, err));
        }
    }
    return FLOE_OK;
}

/* ---- ingest ---- */

floe_status cli_ingest(floe_cli *cli, floe_error *err) {
    FLOE_TRY(cli_need_definitions(cli, err));
    const floe_definitions *definitions = cli->definitions;
    const floe_stream_def *stream = NULL;
    if (cli->operand_count > 0) {
        stream = floe_definitions_stream(definitions, floe_str_of(cli->operands[0]));
        FLOE_ENSURE(stream, err, FLOE_NOT_FOUND, "no stream \"%s\" is applied", cli->operands[0]);
    } else {
        FLOE_ENSURE(definitions->stream_count == 1, err, FLOE_INVALID,
                    "%zu streams are applied; name one: floe ingest STREAM", definitions->stream_count);
        stream = &definitions->streams[0];
    }
    FLOE_TRY(cli_need_store(cli, err));
    floe_ingest_request request = {.stream = stream,
                                   .definitions = definitions,
                                   .store = cli->store,
                                   .until_end = cli_flag(cli, "--until-end"),
                                   .cancelled = &cli_cancelled};
    floe_ingest_result result;
    FLOE_TRY(floe_ingest_run(&request, &result, err));
    printf("%s events: %s rows written, %s older, %s filtered, %s refused\n", cli_count(cli, result.events),
           cli_count(cli, result.written), cli_count(cli, result.older), cli_count(cli, result.filtered),
           cli_count(cli, result.refused));
    return FLOE_OK;
}

/* ---- get ---- */

/* "origin=SFO" operands → one value per key of the plan. */
static floe_status parse_keys(floe_cli *cli, const floe_column *keys, size_t key_count, const floe_value ***ret_keys,
                              floe_error *err) {
    const floe_value **columns = floe_arena_alloc(&cli->arena, key_count, sizeof(*columns));
    floe_value *values = floe_arena_alloc(&cli->arena, key_count, sizeof(*values));
    bool *given = floe_arena_alloc(&cli->arena, key_count, sizeof(*given));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    for (size_t i = 1; i < cli->operand_count; i++) {
        floe_str rest = floe_str_of(cli->operands[i]), name;
        FLOE_ENSURE(strchr(cli->operands[i], '='), err, FLOE_INVALID, "\"%s\": write KEY=VALUE", cli->operands[i]);
        (void)floe_str_split(&rest, '=', &name);
        size_t k = 0;
        while (k < key_count && !floe_str_equal(keys[k].name, name)) {
            k++;
        }
        FLOE_ENSURE(k < key_count, err, FLOE_INVALID, "these features have no entity key \"%.*s\"", FLOE_STR_ARG(name));
        floe_status status = floe_value_parse(rest, keys[k].type, &cli->arena, &values[k], err);
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "key %.*s", FLOE_STR_ARG(name));
        }
        given[k] = true;
    }
    for (size_t k = 0; k < key_count; k++) {
        FLOE_ENSURE(given[k], err, FLOE_INVALID, "the entity key \"%.*s\" is missing: add %.*s=VALUE",
                    FLOE_STR_ARG(keys[k].name), FLOE_STR_ARG(keys[k].name));
        columns[k] = &values[k];
    }
    *ret_keys = columns;
    return FLOE_OK;
}

static const char *age_text(floe_cli *cli, const floe_cell *cell, int64_t now_us) {
    char text[FLOE_TIME_TEXT_MAX];
    if (!cell->has_event_us) {
        return NULL;
    }
    int64_t age = now_us - cell->event_us;
    age -= age % (age > 2 * FLOE_US_PER_DAY ? FLOE_US_PER_DAY : FLOE_US_PER_SECOND);
    return age <= 0 ? "0s" : floe_arena_strdup(&cli->arena, floe_duration_format(age, text));
}

static floe_status print_cells(floe_cli *cli, const floe_lookup *lookup, floe_error *err) {
    static const char *const headings[] = {"feature", "value", "status", "event_time", "age"};
    size_t ref_count;
    const floe_ref *refs = floe_lookup_plan_refs(lookup->plan, &ref_count);
    int64_t now_us = lookup->as_of_us != 0 ? lookup->as_of_us : floe_now_us();
    cli_table table;
    cli_table_begin(&table, cli, headings, NULL, 5);
    for (size_t i = 0; i < ref_count; i++) {
        const floe_cell *cell = &lookup->cells[i];
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_MIB(64));
        floe_value_print(&cell->value, &text);
        const char *cells[] = {floe_arena_printf(&cli->arena, "%.*s:%.*s", FLOE_STR_ARG(refs[i].view->about.name),
                                                 FLOE_STR_ARG(refs[i].output->about.name)),
                               cell->value.is_null ? NULL : cli_text(cli, floe_buf_view(&text)),
                               floe_cell_status_name(cell->status),
                               cell->has_event_us ? cli_time(cli, cell->event_us) : NULL, age_text(cli, cell, now_us)};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}

floe_status cli_get(floe_cli *cli, floe_error *err) {
    floe_ref *refs;
    size_t ref_count, key_count;
    FLOE_TRY(cli_refs(cli, cli->operands[0], cli->operands[0], &refs, &ref_count, err));
    floe_lookup lookup = {.entity_count = 1, .arena = &cli->arena};
    FLOE_TRY(floe_lookup_plan_make(refs, ref_count, &cli->arena, &lookup.plan, err));
    if (cli_value(cli, "--as-of")) {
        FLOE_TRY(floe_time_parse(floe_str_of(cli_value(cli, "--as-of")), &lookup.as_of_us, err));
    }
    const floe_column *keys = floe_lookup_plan_keys(lookup.plan, &key_count);
    const floe_value **values = NULL;
    FLOE_TRY(parse_keys(cli, keys, key_count, &values, err));
    lookup.keys = values;
    FLOE_TRY(cli_need_store(cli, err));
    FLOE_TRY(floe_store_lookup(cli->store, &lookup, err));
    return print_cells(cli, &lookup, err);
}
