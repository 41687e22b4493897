/*
 * floe plan, apply, history: what the definitions say against what is applied.
 */
#include "cli/cli.h"
#include "core/json.h"
#include "core/limits.h"

#include <stdio.h>

/* The definitions as written, checked against the tables. */
static floe_status written_definitions(floe_cli *cli, floe_definitions **ret_definitions, floe_error *err) {
    FLOE_TRY(cli_need_project(cli, err));
    FLOE_TRY(floe_definitions_load(cli->project, &cli->arena, ret_definitions, err));
    floe_schema_resolver resolver = cli_schema_resolver(cli);
    FLOE_TRY(floe_definitions_resolve(*ret_definitions, &resolver, &cli->arena, err));
    return floe_access_check(cli->project, *ret_definitions, &cli->arena, err);
}

/* A registry that does not exist yet is an empty one. */
static floe_status open_registry_if_any(floe_cli *cli, floe_error *err) {
    floe_error missing = {0};
    floe_status status = cli_need_registry(cli, false, &missing);
    if (floe_failed(status) && status.code != FLOE_NOT_FOUND) {
        *err = missing;
        return status;
    }
    return FLOE_OK;
}

static void print_change_json(floe_json_writer *json, const floe_change *change) {
    char sign[2] = {change->sign, '\0'};
    floe_json_object_begin(json);
    floe_json_key(json, "sign");
    floe_json_text(json, sign);
    floe_json_key(json, "kind");
    floe_json_string(json, change->kind);
    floe_json_key(json, "name");
    floe_json_string(json, change->name);
    floe_json_key(json, "detail");
    floe_json_string(json, change->detail);
    floe_json_key(json, "rewrites");
    floe_json_bool(json, change->rewrites);
    floe_json_object_end(json);
}

static floe_status print_changes(floe_cli *cli, const floe_change *changes, size_t count, const char *without,
                                 floe_error *err) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(64));
    if (cli->json) {
        floe_json_writer json = floe_json_writer_of(&out);
        floe_json_array_begin(&json);
        for (size_t i = 0; i < count; i++) {
            print_change_json(&json, &changes[i]);
        }
        floe_json_array_end(&json);
        floe_buf_text(&out, "\n");
    }
    for (size_t i = 0; i < count && !cli->json; i++) {
        const floe_change *change = &changes[i];
        floe_buf_printf(
            &out, "%c %.*s %.*s%s%.*s%s\n", change->sign, FLOE_STR_ARG(change->kind), FLOE_STR_ARG(change->name),
            change->detail.len > 0 ? ": " : "", FLOE_STR_ARG(change->detail),
            change->rewrites
                ? "  (its online values are written anew at the next sync; until then what changed is NOT_FOUND)"
                : "");
    }
    if (count == 0 && !cli->json) {
        floe_buf_printf(&out, "%s\n", without);
    }
    FLOE_TRY(floe_buf_check(&out, err));
    return cli_write(floe_buf_view(&out), err);
}

floe_status cli_plan(floe_cli *cli, floe_error *err) {
    floe_definitions *definitions;
    FLOE_TRY(written_definitions(cli, &definitions, err));
    FLOE_TRY(open_registry_if_any(cli, err));
    const floe_change *changes;
    size_t count;
    FLOE_TRY(floe_registry_plan(cli->registry, definitions, &cli->arena, &changes, &count, err));
    return print_changes(cli, changes, count, "nothing to change", err);
}

/* The first apply makes a version even of no definitions. */
static floe_status is_first(floe_cli *cli, bool *ret_first, floe_error *err) {
    const floe_history_entry *entries;
    size_t count;
    FLOE_TRY(floe_registry_history(cli->registry, &cli->arena, &entries, &count, err));
    *ret_first = count == 0;
    return FLOE_OK;
}

floe_status cli_apply(floe_cli *cli, floe_error *err) {
    floe_definitions *definitions;
    FLOE_TRY(written_definitions(cli, &definitions, err));
    FLOE_TRY(cli_need_registry(cli, true, err));
    const floe_change *changes;
    size_t count;
    int64_t version;
    bool first;
    FLOE_TRY(is_first(cli, &first, err));
    FLOE_TRY(floe_registry_plan(cli->registry, definitions, &cli->arena, &changes, &count, err));
    FLOE_TRY(floe_registry_apply(cli->registry, definitions, &version, err));
    FLOE_TRY(print_changes(
        cli, changes, count,
        first ? "there are no definitions in features/ yet; an empty version was made" : "nothing to change", err));
    fprintf(stderr, "version %lld%s\n", (long long)version, count == 0 && !first ? ", as before" : "");
    return FLOE_OK;
}

floe_status cli_history(floe_cli *cli, floe_error *err) {
    static const char *const headings[] = {"version", "applied", "changes"};
    static const bool is_number[] = {true, false, false};
    FLOE_TRY(cli_need_registry(cli, false, err));
    const floe_history_entry *entries;
    size_t count;
    FLOE_TRY(floe_registry_history(cli->registry, &cli->arena, &entries, &count, err));
    cli_table table;
    cli_table_begin(&table, cli, headings, is_number, 3);
    for (size_t i = 0; i < count; i++) {
        const char *cells[] = {cli_i64(cli, entries[i].version), cli_time(cli, entries[i].applied_us),
                               cli_text(cli, entries[i].summary)};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}
