/*
 * Opening what a question is asked of.
 */
#include "cli/asking.h"

#include "core/limits.h"

/* A registry that nobody has made yet has no questions. */
floe_status cli_load_verified(floe_cli *cli, floe_verified **ret_verified, floe_error *err) {
    floe_error missing = {0};
    const floe_question_entry *entries = NULL;
    size_t count = 0;
    floe_status status = cli_need_registry(cli, false, &missing);
    if (status.code == FLOE_NOT_FOUND) {
        return FLOE_OK;
    }
    if (floe_failed(status)) {
        return FLOE_FAIL(err, missing.code, "%s", missing.message);
    }
    FLOE_TRY(floe_registry_questions(cli->registry, &cli->arena, &entries, &count, err));
    return floe_verified_open(entries, count, ret_verified, err);
}

static floe_status fill(floe_cli *cli, cli_asking *asking, floe_error *err) {
    const char *role = cli_value(cli, "--role");
    FLOE_TRY(cli_need_project(cli, err));
    if (role) {
        FLOE_TRY(floe_project_role(cli->project, floe_str_of(role), &cli->arena, &asking->role, err));
    }
    FLOE_TRY(floe_search_embedder_open(cli->project, 1, &asking->embedder, err));
    const char *folder = cli_project_path(cli, ".floe/search");
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    FLOE_TRY(floe_search_open(folder, asking->embedder, &asking->search, err));
    return cli_load_verified(cli, &asking->verified, err);
}

floe_status cli_asking_open(floe_cli *cli, cli_asking *ret_asking, floe_error *err) {
    floe_status status = fill(cli, ret_asking, err);
    if (floe_failed(status)) {
        cli_asking_close(ret_asking);
    }
    return status;
}

void cli_asking_close(cli_asking *asking) {
    floe_search_close(&asking->search);
    floe_embedder_close(&asking->embedder);
    floe_verified_close(&asking->verified);
}

floe_str cli_question(floe_cli *cli) {
    const char *text = "";
    for (size_t i = 0; i < cli->operand_count; i++) {
        text = floe_arena_printf(&cli->arena, "%s%s%s", text ? text : "", i > 0 ? " " : "", cli->operands[i]);
    }
    return floe_str_of(text ? text : "");
}
