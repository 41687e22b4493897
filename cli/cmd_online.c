/*
 * floe sync, ingest, get: offline to online, a topic to online, and one lookup.
 */
#include "cli/cli.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MS_MAX 3600000

/* ---- sync ---- */

static floe_status print_sync(floe_cli *cli, const floe_view *view, const floe_sync_result *result, floe_error *err) {
    if (cli->json) {
        return cli_write_object(cli, err, "view", cli_quoted(cli, view->about.name), "full",
                                result->full ? "true" : "false", "why", cli_quoted(cli, result->why_full), "rows",
                                cli_i64(cli, result->rows), "written", cli_i64(cli, result->written), "older",
                                cli_i64(cli, result->older), "snapshot_id", cli_i64(cli, result->snapshot_id), NULL);
    }
    const char *name = cli_text(cli, view->about.name), *time = cli_seconds(cli, result->elapsed_us);
    if (result->full) {
        printf("%s: full (%.*s), %s, %s\n", name, FLOE_STR_ARG(result->why_full),
               cli_many(cli, result->rows, "key", "keys"), time);
    } else if (result->unchanged) {
        printf("%s: nothing new, %s\n", name, time);
    } else {
        printf("%s: incremental, %s, %s\n", name, cli_many(cli, result->rows, "row", "rows"), time);
    }
    return cli_flush(err);
}

typedef struct sync_waits {
    int64_t announce_us; /* for writers to notice the generation that is filled */
    int64_t retire_us;   /* for readers to let go of the values that were replaced */
} sync_waits;

/* Two seconds and ten; FLOE_SYNC_WAITS gives both in milliseconds, "0,0" where nothing else writes or reads the
 * store. */
static floe_status read_waits(sync_waits *ret_waits, floe_error *err) {
    *ret_waits = (sync_waits){2 * FLOE_US_PER_SECOND, 10 * FLOE_US_PER_SECOND};
    const char *given = getenv("FLOE_SYNC_WAITS");
    floe_str rest = floe_str_of(given ? given : ""), announce = {0};
    int64_t announce_ms = 0, retire_ms = 0;
    if (rest.len == 0) {
        return FLOE_OK;
    }
    (void)floe_str_split(&rest, ',', &announce);
    bool whole = !floe_failed(floe_str_to_i64(announce, &announce_ms, NULL)) &&
                 !floe_failed(floe_str_to_i64(rest, &retire_ms, NULL));
    FLOE_ENSURE(whole && announce_ms >= 0 && retire_ms >= 0 && announce_ms <= WAIT_MS_MAX && retire_ms <= WAIT_MS_MAX,
                err, FLOE_INVALID, "FLOE_SYNC_WAITS=%.120s: write two numbers of milliseconds, as in 2000,10000",
                given);
    *ret_waits = (sync_waits){announce_ms * 1000, retire_ms * 1000};
    return FLOE_OK;
}

/* Nobody waits here until readers have let go of the values that were replaced: that is done once, for all views. */
static floe_sync_request sync_request(floe_cli *cli, const floe_view *view, const floe_sync_source *source,
                                      const sync_waits *waits) {
    return (floe_sync_request){.view = view,
                               .store = cli->store,
                               .registry = cli->registry,
                               .source = source,
                               .full = cli_flag(cli, "--full"),
                               .announce_wait_us = waits->announce_us,
                               .retire_wait_us = -1,
                               .cancelled = &cli_cancelled};
}

static floe_status sync_view(floe_cli *cli, const floe_view *view, const sync_waits *waits, bool *ret_replaced,
                             floe_error *err) {
    floe_sync_source source = cli_sync_source(cli);
    floe_sync_request request = sync_request(cli, view, &source, waits);
    floe_sync_result result;
    cli_progress_step(cli, cli_text(cli, view->about.name), -1);
    FLOE_TRY(cli_progress_end(cli, floe_sync_run(&request, &result, err)));
    *ret_replaced = result.full && !floe_str_starts_with(result.why_full, FLOE_STR("first sync"));
    return print_sync(cli, view, &result, err);
}

/* A generation that was replaced is deleted when no reader can hold it any more, a while after the switch. What an
 * incremental sync replaced is left to the next one. */
static floe_status retire_view(floe_cli *cli, const floe_view *view, const sync_waits *waits, floe_error *err) {
    floe_sync_source source = cli_sync_source(cli);
    floe_sync_request request = sync_request(cli, view, &source, waits);
    request.retire_wait_us = waits->retire_us;
    cli_progress_step(cli, "waiting for readers of the old values", -1);
    return cli_progress_end(cli, floe_sync_retire(&request, err));
}

static floe_status check_operands(floe_cli *cli, floe_error *err) {
    for (size_t i = 0; i < cli->operand_count; i++) {
        const floe_view *view;
        FLOE_TRY(cli_view(cli, cli->operands[i], &view, err));
        FLOE_ENSURE(view->online, err, FLOE_INVALID, "the feature view \"%s\" says online: false", cli->operands[i]);
    }
    return FLOE_OK;
}

static bool is_wanted(const floe_cli *cli, const floe_view *view) {
    bool named = cli->operand_count == 0;
    for (size_t i = 0; i < cli->operand_count; i++) {
        named = named || floe_str_is(view->about.name, cli->operands[i]);
    }
    return named && view->online;
}

floe_status cli_sync(floe_cli *cli, floe_error *err) {
    sync_waits waits;
    FLOE_TRY(read_waits(&waits, err));
    FLOE_TRY(check_operands(cli, err));
    FLOE_TRY(cli_need_definitions(cli, err));
    FLOE_TRY(cli_need_store(cli, err));
    const floe_definitions *definitions = cli->definitions;
    bool *replaced = floe_arena_alloc(&cli->arena, definitions->view_count, sizeof(*replaced));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    size_t synced = 0;
    for (size_t v = 0; v < definitions->view_count; v++) {
        if (is_wanted(cli, &definitions->views[v])) {
            FLOE_TRY(sync_view(cli, &definitions->views[v], &waits, &replaced[v], err));
            synced++;
        }
    }
    if (synced == 0) {
        fprintf(stderr, "nothing to sync: %s\n",
                definitions->view_count == 0 ? "no feature view is applied; write one into features/ and run floe apply"
                                             : "every feature view says online: false");
    }
    for (size_t v = 0; v < definitions->view_count; v++) {
        if (replaced[v]) {
            FLOE_TRY(retire_view(cli, &definitions->views[v], &waits, err));
        }
    }
    return FLOE_OK;
}

/* ---- ingest ---- */

static void log_refused(void *context, int32_t partition, int64_t offset, const char *reason) {
    char where[64];
    (void)context;
    snprintf(where, sizeof(where), "partition %d, offset %lld", (int)partition, (long long)offset);
    floe_log(FLOE_LOG_WARN, "event refused", "at", where, "reason", reason, NULL);
}

static void log_waiting(void *context, const char *why) {
    (void)context;
    floe_log(FLOE_LOG_WARN, "waiting for Kafka", "reason", why, NULL);
}

floe_status cli_ingest(floe_cli *cli, floe_error *err) {
    FLOE_TRY(cli_need_definitions(cli, err));
    const floe_definitions *definitions = cli->definitions;
    const floe_stream_def *stream = NULL;
    if (cli->operand_count > 0) {
        stream = floe_definitions_stream(definitions, floe_str_of(cli->operands[0]));
        FLOE_ENSURE(stream, err, FLOE_NOT_FOUND, "no stream \"%s\" is applied", cli->operands[0]);
    } else {
        FLOE_ENSURE(definitions->stream_count > 0, err, FLOE_NOT_FOUND,
                    "no stream is applied; write one under streams: and run floe apply");
        CLI_USAGE(cli, definitions->stream_count == 1, err, "%zu streams are applied; name one: floe ingest STREAM",
                  definitions->stream_count);
        stream = &definitions->streams[0];
    }
    FLOE_TRY(cli_need_store(cli, err));
    floe_ingest_request request = {.stream = stream,
                                   .definitions = definitions,
                                   .store = cli->store,
                                   .until_end = cli_flag(cli, "--until-end"),
                                   .refused = log_refused,
                                   .waiting = log_waiting,
                                   .cancelled = &cli_cancelled};
    floe_ingest_result result;
    FLOE_TRY(floe_ingest_run(&request, &result, err));
    if (cli->json) {
        return cli_write_object(cli, err, "events", cli_i64(cli, result.events), "written",
                                cli_i64(cli, result.written), "older", cli_i64(cli, result.older), "filtered",
                                cli_i64(cli, result.filtered), "refused", cli_i64(cli, result.refused), NULL);
    }
    printf("%s events: %s rows written, %s older, %s filtered, %s refused\n", cli_count(cli, result.events),
           cli_count(cli, result.written), cli_count(cli, result.older), cli_count(cli, result.filtered),
           cli_count(cli, result.refused));
    return FLOE_OK;
}

/* ---- get ---- */

/* "keys are origin, destination" */
static const char *key_names(floe_cli *cli, const floe_column *keys, size_t key_count) {
    const char *text = key_count == 1 ? "key is" : "keys are";
    for (size_t k = 0; k < key_count; k++) {
        text = floe_arena_printf(&cli->arena, "%s%s %.*s", text ? text : "", k > 0 ? "," : "",
                                 FLOE_STR_BRIEF(keys[k].name));
    }
    return text ? text : "";
}

/* What the operands give values to: the entity keys, then the inputs of request features. */
typedef struct asked_values {
    const floe_column *keys, *inputs;
    size_t key_count, input_count;
    floe_value *values; /* of the keys, then of the inputs */
    bool *given;
} asked_values;

static const floe_column *asked_at(const asked_values *asked, size_t i) {
    return i < asked->key_count ? &asked->keys[i] : &asked->inputs[i - asked->key_count];
}

static floe_status take_operand(floe_cli *cli, const char *operand, asked_values *asked, floe_error *err) {
    floe_str rest = floe_str_of(operand), name;
    size_t k = 0, count = asked->key_count + asked->input_count;
    CLI_USAGE(cli, strchr(operand, '='), err, "\"%.120s\": write KEY=VALUE", operand);
    (void)floe_str_split(&rest, '=', &name);
    while (k < count && !floe_str_equal(asked_at(asked, k)->name, name)) {
        k++;
    }
    FLOE_ENSURE(
        k<count, err, FLOE_INVALID, "these features have no entity key%s \"%.*s\"; the %s", asked->input_count> 0
            ? " and no input"
            : "",
        FLOE_STR_BRIEF(name), key_names(cli, asked->keys, asked->key_count));
    CLI_USAGE(cli, !asked->given[k], err, "the key %.*s is given twice", FLOE_STR_BRIEF(name));
    floe_status status = floe_value_parse(rest, asked_at(asked, k)->type, &cli->arena, &asked->values[k], err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "key %.*s", FLOE_STR_ARG(name));
    }
    asked->given[k] = true;
    return FLOE_OK;
}

/* "origin=SFO" operands → one value per key of the plan, and per input. */
static floe_status parse_operands(floe_cli *cli, floe_lookup *lookup, floe_error *err) {
    asked_values asked = {0};
    asked.keys = floe_lookup_plan_keys(lookup->plan, &asked.key_count);
    asked.inputs = floe_lookup_plan_inputs(lookup->plan, &asked.input_count);
    size_t count = asked.key_count + asked.input_count;
    const floe_value **columns = floe_arena_alloc(&cli->arena, count, sizeof(*columns));
    asked.values = floe_arena_alloc(&cli->arena, count, sizeof(*asked.values));
    asked.given = floe_arena_alloc(&cli->arena, count, sizeof(*asked.given));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    for (size_t i = 1; i < cli->operand_count; i++) {
        FLOE_TRY(take_operand(cli, cli->operands[i], &asked, err));
    }
    for (size_t k = 0; k < count; k++) {
        floe_str name = asked_at(&asked, k)->name;
        FLOE_ENSURE(asked.given[k], err, FLOE_INVALID, "the %s \"%.*s\" is missing: add %.*s=VALUE",
                    k < asked.key_count ? "entity key" : "input", FLOE_STR_ARG(name), FLOE_STR_ARG(name));
        columns[k] = &asked.values[k];
    }
    lookup->keys = columns;
    lookup->request = columns + asked.key_count;
    return FLOE_OK;
}

/* As text for people, as JSON of its type for programs. */
static const char *value_text(floe_cli *cli, const floe_value *value) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(64));
    if (value->is_null) {
        return NULL;
    }
    if (cli->json) {
        floe_value_print_json(value, &text);
    } else {
        floe_value_print(value, &text);
    }
    return text.failed ? NULL : cli_text(cli, floe_buf_view(&text));
}

/* How long before now_us an event was; one at the end of what 64 bits hold is as old as they can say. */
static const char *age_of(floe_cli *cli, int64_t now_us, int64_t event_us) {
    int64_t age_us;
    return cli_age(cli, __builtin_sub_overflow(now_us, event_us, &age_us) ? INT64_MAX : age_us);
}

static floe_status print_cells(floe_cli *cli, const floe_lookup *lookup, floe_error *err) {
    static const char *const headings[] = {"feature", "value", "status", "event_time", "age"};
    size_t ref_count;
    const floe_ref *refs = floe_lookup_plan_refs(lookup->plan, &ref_count);
    int64_t now_us = lookup->as_of_us != 0 || lookup->as_of_epoch ? lookup->as_of_us : floe_now_us();
    cli_table table;
    static const bool is_json[] = {false, true, false, false, false};
    cli_table_begin(&table, cli, headings, cli->json ? is_json : NULL, 5);
    for (size_t i = 0; i < ref_count; i++) {
        const floe_cell *cell = &lookup->cells[i];
        char name[FLOE_REF_NAME_MAX];
        const char *cells[] = {floe_arena_strdup(&cli->arena, floe_ref_name(&refs[i], ":", name)),
                               value_text(cli, &cell->value), floe_cell_status_name(cell->status),
                               cell->has_event_us ? cli_time(cli, cell->event_us) : NULL,
                               cell->has_event_us ? age_of(cli, now_us, cell->event_us) : NULL};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}

/* From here on nothing else is defined than what the role sees. */
static floe_status see_as(floe_cli *cli, const char *name, floe_error *err) {
    const floe_role *role = NULL;
    FLOE_TRY(cli_need_project(cli, err));
    FLOE_TRY(floe_project_role(cli->project, floe_str_of(name), &cli->arena, &role, err));
    FLOE_TRY(cli_need_definitions(cli, err));
    return floe_access_scope(cli->definitions, role, &cli->arena, &cli->definitions, err);
}

floe_status cli_get(floe_cli *cli, floe_error *err) {
    floe_ref *refs;
    size_t ref_count;
    const char *role = cli_value(cli, "--role");
    FLOE_TRY(role ? see_as(cli, role, err) : FLOE_OK);
    FLOE_TRY(cli_refs(cli, cli->operands[0], cli->operands[0], &refs, &ref_count, err));
    floe_lookup lookup = {.entity_count = 1, .arena = &cli->arena};
    FLOE_TRY(floe_lookup_plan_make(refs, ref_count, &cli->arena, &lookup.plan, err));
    FLOE_TRY(cli_value_time(cli, "--as-of", &lookup.as_of_us, err));
    lookup.as_of_epoch = cli_value(cli, "--as-of") && lookup.as_of_us == 0;
    FLOE_TRY(parse_operands(cli, &lookup, err));
    FLOE_TRY(cli_need_store(cli, err));
    FLOE_TRY(floe_store_lookup(cli->store, &lookup, err));
    return print_cells(cli, &lookup, err);
}
