/*
 * What commands stand on: project, lake, registry, definitions, store; each opened when first asked for.
 */
#include "cli/cli.h"
#include "core/file.h"
#include "core/limits.h"

#include <string.h>

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

/* What is applied, for a command that was given the name of something in it: where nothing is applied the name is
 * said. */
static floe_status need_definitions_for(floe_cli *cli, const char *name, floe_error *err) {
    floe_status status = cli_need_definitions(cli, err);
    return status.code == FLOE_NOT_FOUND ? floe_error_prefix(err, status, "\"%.120s\" is not applied", name) : status;
}

floe_status cli_view(floe_cli *cli, const char *name, const floe_view **ret_view, floe_error *err) {
    FLOE_TRY(need_definitions_for(cli, name, err));
    const floe_definitions *definitions = cli->definitions;
    *ret_view = floe_definitions_view(definitions, floe_str_of(name));
    if (*ret_view) {
        return FLOE_OK;
    }
    const char **names = floe_arena_alloc(&cli->arena, definitions->view_count + 1, sizeof(*names));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    for (size_t i = 0; i < definitions->view_count; i++) {
        names[i] = cli_text(cli, definitions->views[i].about.name);
    }
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    const char *nearest = floe_str_nearest(floe_str_of(name), names, definitions->view_count);
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "no feature view \"%.120s\" is applied%s%s%s", name, FLOE_HINT(nearest));
}

/* ---- references ---- */

/* Neither a service nor, where `or_view`, a view is called so: names what is near, or what there is. */
static floe_status no_service(floe_cli *cli, const char *name, bool or_view, floe_error *err) {
    const floe_definitions *definitions = cli->definitions;
    size_t count = 0;
    const char **names =
        floe_arena_alloc(&cli->arena, definitions->service_count + definitions->view_count + 1, sizeof(*names));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    for (size_t i = 0; i < definitions->service_count; i++) {
        names[count++] = cli_text(cli, definitions->services[i].about.name);
    }
    for (size_t i = 0; or_view && i < definitions->view_count; i++) {
        names[count++] = cli_text(cli, definitions->views[i].about.name);
    }
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    const char *nearest = floe_str_nearest(floe_str_of(name), names, count);
    if (nearest || count == 0) {
        return FLOE_FAIL(err, FLOE_NOT_FOUND, "no feature service%s \"%.120s\" is applied%s%s%s%s",
                         or_view ? " and no feature view" : "", name, FLOE_HINT(nearest),
                         nearest ? "" : "; write one into features/ and run floe apply");
    }
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "no feature service%s \"%.120s\" is applied; there is, for example, %s",
                     or_view ? " and no feature view" : "", name, names[0]);
}

static floe_status service_refs(floe_cli *cli, const floe_service *service, floe_ref **ret_refs, size_t *ret_count,
                                floe_error *err) {
    *ret_refs = floe_arena_alloc(&cli->arena, service->ref_count, sizeof(**ret_refs));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    for (size_t i = 0; i < service->ref_count; i++) {
        (*ret_refs)[i] = service->refs[i];
    }
    *ret_count = service->ref_count;
    return FLOE_OK;
}

floe_status cli_refs(floe_cli *cli, const char *service, const char *features, floe_ref **ret_refs, size_t *ret_count,
                     floe_error *err) {
    FLOE_TRY(need_definitions_for(cli, service ? service : features, err));
    const floe_service *found = service ? floe_definitions_service(cli->definitions, floe_str_of(service)) : NULL;
    if (found) {
        return service_refs(cli, found, ret_refs, ret_count, err);
    }
    bool one_word = features && !strpbrk(features, ":,");
    if (!features || (service && one_word && !floe_definitions_view(cli->definitions, floe_str_of(features)) &&
                      !floe_definitions_request(cli->definitions, floe_str_of(features)))) {
        return no_service(cli, service, features != NULL, err);
    }
    const floe_str *texts;
    size_t text_count;
    FLOE_TRY(cli_split_list(cli, features, &texts, &text_count, err));
    return floe_refs_parse(cli->definitions, &cli->arena, texts, text_count, ret_refs, ret_count, err);
}
