/*
 * What commands stand on: project, lake, registry, definitions, store; each opened when first asked for.
 */
#include "cli/cli.h"
#include "core/file.h"
#include "core/limits.h"

atomic_bool cli_cancelled = false;

floe_status cli_need_project(floe_cli *cli, floe_error *err) {
    if (cli->project) {
        return FLOE_OK;
    }
    const char *root = cli->project_dir;
    if (!root) {
        FLOE_TRY(floe_project_find(".", &cli->arena, &root, err));
    }
    return floe_project_load(root, &cli->arena, &cli->project, err);
}

floe_status cli_need_lake(floe_cli *cli, bool project_required, floe_error *err) {
    if (cli->lake) {
        return FLOE_OK;
    }
    floe_error missing = {0};
    floe_status status = cli_need_project(cli, &missing);
    bool none = floe_failed(status) && status.code == FLOE_NOT_FOUND && !cli->project_dir;
    if (floe_failed(status) && !(none && !project_required)) {
        if (err && err->code == FLOE_CODE_OK) {
            *err = missing;
        }
        return status;
    }
    return floe_lake_open(cli->project ? cli->project->catalogs : NULL, cli->project ? cli->project->catalog_count : 0,
                          &cli->run, &cli->lake, err);
}

floe_status cli_need_registry(floe_cli *cli, bool create, floe_error *err) {
    if (cli->registry) {
        return FLOE_OK;
    }
    FLOE_TRY(cli_need_project(cli, err));
    return floe_registry_open(cli->project->registry, create, &cli->registry, err);
}

floe_status cli_need_definitions(floe_cli *cli, floe_error *err) {
    if (cli->definitions) {
        return FLOE_OK;
    }
    FLOE_TRY(cli_need_registry(cli, false, err));
    return floe_registry_load(cli->registry, 0, &cli->arena, &cli->definitions, err);
}

floe_status cli_need_store(floe_cli *cli, floe_error *err) {
    if (cli->store) {
        return FLOE_OK;
    }
    FLOE_TRY(cli_need_project(cli, err));
    return floe_store_open(&cli->project->online, cli->project->name, &cli->store, err);
}

const char *cli_project_path(floe_cli *cli, const char *relative) {
    return floe_path_join(&cli->arena, cli->project->root, relative);
}

void cli_close(floe_cli *cli) {
    if (cli->store) {
        floe_store_close(&cli->store);
    }
    if (cli->registry) {
        floe_registry_close(&cli->registry);
    }
    if (cli->lake) {
        floe_lake_close(&cli->lake);
    }
    floe_arena_close(&cli->arena);
}

floe_status cli_refs(floe_cli *cli, const char *service, const char *features, floe_ref **ret_refs, size_t *ret_count,
                     floe_error *err) {
    FLOE_TRY(cli_need_definitions(cli, err));
    if (service) {
        const floe_service *found = floe_definitions_service(cli->definitions, floe_str_of(service));
        if (found) {
            *ret_refs = floe_arena_alloc(&cli->arena, found->ref_count, sizeof(**ret_refs));
            FLOE_TRY(floe_arena_check(&cli->arena, err));
            for (size_t i = 0; i < found->ref_count; i++) {
                (*ret_refs)[i] = found->refs[i];
            }
            *ret_count = found->ref_count;
            return FLOE_OK;
        }
        FLOE_ENSURE(features, err, FLOE_NOT_FOUND,
                    "no feature service \"%s\" is applied; see floe search --kind feature", service);
    }
    const floe_str *texts;
    size_t text_count;
    FLOE_TRY(cli_split_list(cli, features, &texts, &text_count, err));
    return floe_refs_parse(cli->definitions, &cli->arena, texts, text_count, ret_refs, ret_count, err);
}
