/*
 * floe init: a commented project that runs.
 */
#include "cli/cli.h"
#include "core/file.h"

#include <stdio.h>
#include <string.h>

/* Words begin with two comment signs, what can be used with one: taking one sign and its space away from every line
 * leaves a file that is read. */
static const char plain_yaml[] =
    "## floe.yaml: where things are. Only `project:` is required. ${VAR} and ${VAR:-default} are expanded.\n"
    "project: %s\n"
    "# registry: .floe/registry.db\n"
    "catalogs:\n"
    "  lake: {type: directory, warehouse: ./lakehouse}\n"
    "online: {store: embedded, path: .floe/online}\n"
    "## Or a server, instead of the line above: online: {store: redis, url: redis://127.0.0.1:6379/0}\n"
    "server: {listen: 127.0.0.1:6566}\n"
    "## Who may see what, by API key (`floe key create --role R`); without it only this machine can connect, and sees "
    "all:\n"
    "# access: {analyst: {namespaces: [lake.shop], views: [customer_orders]}}\n"
    "## The LLM of `floe ask`, any endpoint that speaks as OpenAI's does:\n"
    "# ask: {url: \"https://host/v1/chat/completions\", model: a-model, api_key: \"${ASK_KEY}\"}\n";

static const char plain_features[] =
    "## What features mean; any number of files in this folder. After an import such as\n"
    "##   floe table import orders.parquet lake.shop.orders\n"
    "## take the single comment signs away (sed -i 's/^# //' features/features.yaml) and run:\n"
    "##   floe plan && floe apply && floe sync\n"
    "\n"
    "# entities:\n"
    "#   - {name: customer, keys: [{name: customer_id, type: int64}]}\n"
    "# sources:\n"
    "#   - {name: orders, table: lake.shop.orders, event_time: ordered_at}\n"
    "# feature_views:\n"
    "#   - name: customer_orders\n"
    "#     entity: customer\n"
    "#     source: orders\n"
    "#     ttl: 90d\n"
    "#     features:\n"
    "#       - {name: last_amount, column: amount}\n"
    "#     aggregates:\n"
    "#       - {column: amount, functions: [count, sum, mean], windows: [7d, 30d]}\n";

static floe_status write_file(floe_cli *cli, const char *folder, const char *name, const char *text, floe_error *err) {
    const char *path = floe_path_join(&cli->arena, folder, name);
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    return floe_file_write(path, floe_str_of(text), true, err);
}

/* A project's name from its folder: letters, digits and underscores. */
static const char *project_name(floe_cli *cli, const char *folder) {
    floe_str base = floe_path_basename(folder);
    char *name = floe_arena_printf(&cli->arena, "%.*s", FLOE_STR_ARG(base));
    for (char *c = name; c && *c; c++) {
        bool fits = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_';
        *c = fits ? *c : '_';
    }
    return name && name[0] && !(name[0] >= '0' && name[0] <= '9') ? name : "project";
}

floe_status cli_init(floe_cli *cli, floe_error *err) {
    const char *example = cli_value(cli, "--example");
    CLI_USAGE(cli, !cli->project_dir, err, "the folder is DIR: floe init DIR");
    FLOE_ENSURE(!example || strcmp(example, "flights") == 0, err, FLOE_NOT_FOUND,
                "there is no example \"%.120s\"; there is: flights", example);
    const char *folder;
    FLOE_TRY(floe_file_mkdirs(cli->operands[0], err));
    FLOE_TRY(floe_path_absolute(&cli->arena, cli->operands[0], &folder, err));
    FLOE_ENSURE(!floe_file_exists(floe_path_join(&cli->arena, folder, "floe.yaml")), err, FLOE_CONFLICT,
                "%s already holds a floe.yaml; nothing was written", folder);
    FLOE_TRY(floe_file_mkdirs(floe_path_join(&cli->arena, folder, "features"), err));
    const char *yaml =
        example ? cli_example_yaml : floe_arena_printf(&cli->arena, plain_yaml, project_name(cli, folder));
    const char *features = example ? "features/delays.yaml" : "features/features.yaml";
    FLOE_TRY(write_file(cli, folder, features, example ? cli_example_features : plain_features, err));
    floe_status status = write_file(cli, folder, "floe.yaml", yaml, err);
    if (floe_failed(status)) { /* Half a project would stand in the way of the next try. */
        (void)floe_file_remove(floe_path_join(&cli->arena, folder, features), NULL);
        return status;
    }
    if (cli->json) {
        return cli_write_object(cli, err, "project", cli_quoted(cli, floe_str_of(folder)), NULL);
    }
    printf("a project in %s\n", folder);
    printf("next: cd %s; %s; floe plan\n", cli->operands[0],
           example
               ? "floe table import flights-3m.parquet lake.aviation.flights --select '*, date + INTERVAL 45 MINUTE + "
                 "to_seconds(distance * 9) AS known_at'"
               : "floe table import FILE lake.NAMESPACE.TABLE; say in features/ what it means");
    if (example) {
        printf("flights-3m.parquet is in the data folder of the npm package vega-datasets\n");
    }
    return FLOE_OK;
}
