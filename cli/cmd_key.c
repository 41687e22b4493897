/*
 * floe key create, ls, revoke: API keys, each for one role of floe.yaml.
 */
#include "cli/cli.h"
#include "core/mem.h"

#include <stdio.h>

/* The key goes to stdout alone, so that a script can keep it; what it is goes to stderr. It is never shown again. */
floe_status cli_key_create(floe_cli *cli, floe_error *err) {
    const char *role = cli_value(cli, "--role"), *name = cli_value(cli, "--name");
    CLI_USAGE(cli, role != NULL, err, "--role says what the key may see: a role under `access:` in floe.yaml");
    const floe_role *found = NULL;
    FLOE_TRY(cli_need_project(cli, err));
    FLOE_TRY(floe_project_role(cli->project, floe_str_of(role), &cli->arena, &found, err));
    FLOE_TRY(cli_need_registry(cli, true, err));
    char text[FLOE_ACCESS_KEY_LEN + 1];
    floe_access_key key;
    FLOE_TRY(floe_registry_key_create(cli->registry, found->name, floe_str_of(name ? name : ""), &cli->arena, text,
                                      &key, err));
    if (cli->json) {
        return cli_write_object(cli, err, "id", cli_i64(cli, key.id), "key", cli_quoted(cli, floe_str_of(text)), "role",
                                cli_quoted(cli, key.role), "name", cli_quoted(cli, key.name), NULL);
    }
    fprintf(stderr, "key %lld for role %.*s; it is shown only now\n", (long long)key.id, FLOE_STR_ARG(key.role));
    printf("%s\n", text);
    return cli_flush(err);
}

static const char *time_or_nothing(floe_cli *cli, int64_t micros) {
    return micros != 0 ? cli_time(cli, micros) : "";
}

floe_status cli_key_ls(floe_cli *cli, floe_error *err) {
    static const char *const headings[] = {"id", "role", "name", "ends_with", "created", "revoked"};
    static const bool is_number[] = {true, false, false, false, false, false};
    const floe_access_key *keys = NULL;
    size_t count = 0;
    FLOE_TRY(cli_need_registry(cli, false, err));
    FLOE_TRY(floe_registry_keys(cli->registry, &cli->arena, &keys, &count, err));
    cli_table table;
    cli_table_begin(&table, cli, headings, is_number, 6);
    for (size_t i = 0; i < count; i++) {
        const char *cells[] = {cli_i64(cli, keys[i].id),          cli_text(cli, keys[i].role),
                               cli_text(cli, keys[i].name),       cli_text(cli, keys[i].ending),
                               cli_time(cli, keys[i].created_us), time_or_nothing(cli, keys[i].revoked_us)};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}

floe_status cli_key_revoke(floe_cli *cli, floe_error *err) {
    int64_t id = 0;
    floe_status status = floe_str_to_i64(floe_str_of(cli->operands[0]), &id, NULL);
    CLI_USAGE(cli, !floe_failed(status), err, "\"%.120s\" is no key's number; `floe key ls` lists them",
              cli->operands[0]);
    FLOE_TRY(cli_need_registry(cli, false, err));
    FLOE_TRY(floe_registry_key_revoke(cli->registry, id, err));
    if (cli->json) {
        return cli_write_object(cli, err, "id", cli_i64(cli, id), "revoked", "true", NULL);
    }
    fprintf(stderr, "key %lld is revoked; a running server refuses it within a second\n", (long long)id);
    return FLOE_OK;
}
