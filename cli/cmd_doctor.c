/*
 * floe doctor: every endpoint, file and definition checked, each with what to do. It goes on after a finding; the exit
 * code is that of the first.
 */
#include "cli/cli.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "vector/vector.h"

#include <stdio.h>
#include <string.h>

typedef struct check_up {
    floe_cli *cli;
    cli_table table;
    floe_code first;
    size_t findings;
} check_up;

static void report(check_up *doctor, const char *what, floe_status status, const floe_error *err, const char *fine) {
    bool failed = floe_failed(status);
    const char *no = doctor->cli->json ? "false" : "NO", *yes = doctor->cli->json ? "true" : "ok";
    const char *cells[] = {failed ? no : yes, what,
                           failed ? floe_arena_strdup(&doctor->cli->arena, err->message) : fine};
    cli_table_row(&doctor->table, cells);
    if (failed) {
        doctor->findings++;
        doctor->first = doctor->first == FLOE_CODE_OK ? status.code : doctor->first;
    }
}

/* The first of a plan's data files that should be on this machine and is not. A plan has the paths as they were
 * written, so of a catalog whose files were moved only the manifests are looked at. */
static floe_status check_files(const floe_catalog_def *catalog, const floe_scan_plan *plan, floe_arena *arena,
                               floe_error *err) {
    for (size_t i = 0; i < plan->path_count && catalog->moved_from.len == 0; i++) {
        floe_str path = plan->paths[i];
        size_t scheme = floe_str_starts_with(path, FLOE_STR("file:///")) ? strlen("file://") : 0;
        const char *local = floe_arena_printf(arena, "%.*s", (int)(path.len - scheme), path.ptr + scheme);
        FLOE_TRY(floe_arena_check(arena, err));
        FLOE_ENSURE(local[0] != '/' || floe_file_exists(local), err, FLOE_NOT_FOUND, "the data file %s is not there",
                    local);
    }
    return FLOE_OK;
}

/* What a scan of the newest snapshot would begin with: the manifest list, every manifest, and whether the data files
 * are there; none of them is read. */
static floe_status check_manifests(const floe_catalog_def *catalog, floe_lake *lake, const char *name,
                                   floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_CLEANUP(floe_table_close) floe_table *table = NULL;
    floe_scan_plan plan;
    floe_error cause = {0};
    floe_arena_init(&arena, FLOE_GIB(1));
    floe_status status = floe_table_open(lake, name, NULL, NULL, &table, &cause);
    if (!floe_failed(status)) {
        status = floe_table_plan(table, &(floe_scan_request){.limit = -1}, &arena, &plan, &cause);
    }
    if (!floe_failed(status)) {
        status = check_files(catalog, &plan, &arena, &cause);
    }
    if (!floe_failed(status)) {
        return FLOE_OK;
    }
    /* What is damaged says so itself. */
    const char *advice = cause.code == FLOE_NOT_FOUND ? "; put it back from a copy, or read an older snapshot"
                         : cause.code == FLOE_DENIED  ? "; give floe the right to read it"
                                                      : "";
    return FLOE_FAIL(err, cause.code, "%s%s", cause.message, advice);
}

/* Only what is broken gets a line: the catalog's own says how many there are. */
static void check_tables(check_up *doctor, const floe_catalog_def *catalog, floe_lake *lake,
                         const floe_table_name *names, size_t count) {
    for (size_t i = 0; i < count && !atomic_load(&cli_cancelled); i++) {
        floe_error err = {0};
        const char *full = floe_arena_printf(&doctor->cli->arena, "%.*s", FLOE_STR_ARG(names[i].full));
        floe_status status = full ? check_manifests(catalog, lake, full, &err) : FLOE_OK;
        if (floe_failed(status)) {
            report(doctor, floe_arena_printf(&doctor->cli->arena, "table %s", full), status, &err, "");
        }
    }
}

static void check_catalogs(check_up *doctor) {
    floe_cli *cli = doctor->cli;
    for (size_t i = 0; i < cli->project->catalog_count; i++) {
        const floe_catalog_def *catalog = &cli->project->catalogs[i];
        floe_error err = {0};
        floe_lake *lake = NULL;
        const floe_table_name *names = NULL;
        size_t count = 0;
        floe_status status = floe_lake_open(catalog, 1, &cli->run, &lake, &err);
        if (!floe_failed(status)) {
            status = floe_table_list(lake, &cli->arena, &names, &count, &err);
        }
        report(doctor, floe_arena_printf(&cli->arena, "catalog %.*s", FLOE_STR_ARG(catalog->name)), status, &err,
               cli_many(cli, (int64_t)count, "table", "tables"));
        if (lake) {
            check_tables(doctor, catalog, lake, names, floe_failed(status) ? 0 : count);
            floe_lake_close(&lake);
        }
    }
}

/* A hint, no finding: what denies nothing does no harm by itself. */
static void hint_denials(check_up *doctor, const floe_role *role) {
    floe_cli *cli = doctor->cli;
    for (size_t i = 0; i < role->deny_column_count; i++) {
        if (!floe_role_denial_applies(role, i)) {
            report(doctor, floe_arena_printf(&cli->arena, "role %.*s", FLOE_STR_ARG(role->name)), FLOE_OK, NULL,
                   floe_arena_printf(&cli->arena,
                                     "deny_columns: %.*s is of no table the role sees, so it denies nothing; "
                                     "is it misspelt?",
                                     FLOE_STR_ARG(role->deny_columns[i])));
        }
    }
}

static void check_access(check_up *doctor, const floe_definitions *definitions) {
    floe_cli *cli = doctor->cli;
    const floe_project *project = cli->project;
    floe_error err = {0};
    if (project->role_count == 0) {
        report(doctor, "access", FLOE_OK, NULL, project->access_open ? "open" : "open on this machine only");
        return;
    }
    report(doctor, "access", floe_access_check(project, definitions, &cli->arena, &err), &err,
           cli_many(cli, (int64_t)project->role_count, "role", "roles"));
    for (size_t i = 0; i < project->role_count; i++) {
        hint_denials(doctor, &project->roles[i]);
    }
}

static void check_definitions(check_up *doctor) {
    floe_cli *cli = doctor->cli;
    floe_error err = {0};
    floe_definitions *definitions = NULL;
    floe_status status = floe_definitions_load(cli->project, &cli->arena, &definitions, &err);
    if (!floe_failed(status)) {
        floe_schema_resolver resolver = cli_schema_resolver(cli);
        status = floe_definitions_resolve(definitions, &resolver, &cli->arena, &err);
    }
    report(doctor, "definitions", status, &err,
           floe_failed(status) ? "" : cli_many(cli, (int64_t)definitions->view_count, "feature view", "feature views"));
    if (!floe_failed(status)) {
        check_access(doctor, definitions);
    }
    floe_error registry_err = {0};
    status = cli_need_definitions(cli, &registry_err);
    report(doctor, "registry", status, &registry_err,
           floe_failed(status)
               ? ""
               : floe_arena_printf(&cli->arena, "version %lld is applied", (long long)cli->definitions->version));
}

static void check_views(check_up *doctor) {
    floe_cli *cli = doctor->cli;
    for (size_t i = 0; cli->definitions && i < cli->definitions->view_count; i++) {
        const floe_view *view = &cli->definitions->views[i];
        if (!view->online) {
            continue;
        }
        floe_error err = {0};
        floe_store_view_state state = {0};
        floe_status status = floe_store_view_state_get(cli->store, view, &state, &err);
        if (!floe_failed(status) && !state.live) {
            status = FLOE_FAIL(&err, FLOE_NOT_FOUND, "nothing was synced yet; run floe sync %.*s",
                               FLOE_STR_ARG(view->about.name));
        } else if (!floe_failed(status) && state.fingerprint != view->fingerprint) {
            status =
                FLOE_FAIL(&err, FLOE_CONFLICT,
                          "the store holds values of another definition: %zu of %zu features are NOT_FOUND until the "
                          "next sync; run floe sync %.*s",
                          state.unserved, view->output_count, FLOE_STR_ARG(view->about.name));
        }
        report(doctor, floe_arena_printf(&cli->arena, "online view %.*s", FLOE_STR_ARG(view->about.name)), status, &err,
               state.filling ? "served; a sync is filling the next generation" : "served");
    }
}

static void check_store(check_up *doctor) {
    floe_cli *cli = doctor->cli;
    floe_error err = {0};
    floe_str id = {0};
    floe_status status = cli_need_store(cli, &err);
    if (!floe_failed(status)) {
        status = floe_store_identity(cli->store, &cli->arena, &id, &err);
    }
    report(doctor, "online store", status, &err, "answers");
    if (!floe_failed(status)) {
        check_views(doctor);
    }
}

#define STREAM_WAIT_US (5 * FLOE_US_PER_SECOND)

static void check_streams(check_up *doctor) {
    floe_cli *cli = doctor->cli;
    for (size_t i = 0; cli->definitions && i < cli->definitions->stream_count; i++) {
        const floe_stream_def *stream = &cli->definitions->streams[i];
        floe_error err = {0};
        floe_status status = floe_stream_probe(stream, STREAM_WAIT_US, &cli_cancelled, &err);
        report(doctor, floe_arena_printf(&cli->arena, "stream %.*s", FLOE_STR_ARG(stream->about.name)), status, &err,
               floe_arena_printf(&cli->arena, "the broker answers and has topic %.*s", FLOE_STR_ARG(stream->topic)));
    }
}

static void check_search(check_up *doctor) {
    floe_cli *cli = doctor->cli;
    FLOE_CLEANUP(floe_embedder_close) floe_embedder *embedder = NULL;
    floe_error embedder_err = {0};
    floe_error err = {0};
    floe_search *search = NULL;
    floe_status status = floe_search_embedder_open(cli->project, 1, &embedder, &embedder_err);
    const floe_embedder_info *about = embedder ? floe_embedder_describe(embedder) : NULL;
    report(doctor, "embedder", status, &embedder_err,
           !about ? ""
           : about->dim > 0
               ? floe_arena_printf(&cli->arena, "%s: %.*s, %zu dimensions", floe_embedder_kind_name(about->kind),
                                   FLOE_STR_ARG(about->model), about->dim)
               : "none");
    if (!embedder) {
        return;
    }
    status = floe_search_open(cli_project_path(cli, ".floe/search"), embedder, &search, &err);
    report(doctor, "search index", status, &err, about->dim > 0 ? "opens; mode: hybrid" : "opens; mode: lexical");
    if (search) {
        floe_search_close(&search);
    }
}

static void check_ask(check_up *doctor) {
    floe_cli *cli = doctor->cli;
    floe_error err = {0};
    if (cli->project->ask) {
        floe_status status = floe_ask_probe(cli->project->ask, &cli_cancelled, &err);
        const char *fine =
            floe_arena_printf(&cli->arena, "answers; model: %.*s", FLOE_STR_ARG(cli->project->ask->model));
        report(doctor, "ask", status, &err, fine);
    }
}

floe_status cli_doctor(floe_cli *cli, floe_error *err) {
    static const char *const headings[] = {"ok", "what", "finding"};
    check_up doctor = {.cli = cli};
    static const bool is_number[] = {true, false, false};
    cli_table_begin(&doctor.table, cli, headings, cli->json ? is_number : NULL, 3);
    floe_error project_err = {0};
    floe_status status = cli_need_project(cli, &project_err);
    report(&doctor, "project", status, &project_err, cli->project ? cli->project->root : "");
    if (!floe_failed(status)) {
        check_catalogs(&doctor);
        check_definitions(&doctor);
        check_store(&doctor);
        check_streams(&doctor);
        check_search(&doctor);
        check_ask(&doctor);
    }
    FLOE_TRY(cli_table_end(&doctor.table, err));
    FLOE_ENSURE(doctor.findings == 0, err, doctor.first, "%s; see above",
                cli_many(cli, (int64_t)doctor.findings, "finding", "findings"));
    return FLOE_OK;
}
