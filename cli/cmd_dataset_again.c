/*
 * floe dataset rebuild and audit: a dataset made once more from what its manifest pins, and held against the rule.
 */
#include "cli/cli.h"
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"

#include <stdio.h>
#include <string.h>

#define AUDIT_ROWS 10000 /* more are sampled, unless --sample says otherwise */

floe_status cli_dataset_entry(floe_cli *cli, const char *name, floe_dataset_entry *ret_entry, floe_error *err) {
    FLOE_TRY(cli_need_registry(cli, false, err));
    FLOE_TRY(cli_list_datasets(cli, err));
    return floe_registry_dataset_get(cli->registry, floe_str_of(name), &cli->arena, ret_entry, err);
}

/* Where the manifest lies, and the spine beside it: in this project's folder, which may have been moved since it was built. */
static const char *manifest_path(floe_cli *cli, const floe_dataset_entry *entry) {
    const char *here = floe_arena_printf(&cli->arena, "%s/.floe/datasets/%.*s/manifest.json", cli->project->root,
                                         FLOE_STR_ARG(entry->id));
    const char *folder = here ? floe_path_dirname(&cli->arena, here) : NULL;
    return folder && floe_file_is_dir(folder) ? here : cli_text(cli, entry->manifest_path);
}

/* The recipe of a dataset, and the request that makes it again, by the definitions of its version. */
static floe_status read_recipe(floe_cli *cli, const floe_dataset_entry *entry, floe_dataset_recipe *recipe,
                               floe_dataset_request *request, floe_error *err) {
    const char *name = cli->operands[0], *path = manifest_path(cli, entry);
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    FLOE_TRY(floe_dataset_recipe_read(entry->manifest, path, &cli->arena, recipe, err));
    floe_status status =
        floe_registry_load(cli->registry, recipe->definitions_version, &cli->arena, &cli->definitions, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the definitions of dataset %s", name);
    }
    floe_ref *refs;
    size_t count;
    FLOE_TRY(
        floe_refs_parse(cli->definitions, &cli->arena, recipe->features, recipe->feature_count, &refs, &count, err));
    *request = (floe_dataset_request){.refs = refs,
                                      .ref_count = count,
                                      .service = recipe->service,
                                      .spine = recipe->spine,
                                      .given_spine = recipe->spine_path,
                                      .time_column = recipe->time_column,
                                      .keys = recipe->keys,
                                      .key_count = recipe->key_count,
                                      .as_known = recipe->as_known,
                                      .by_sql = floe_str_is(recipe->engine, "duckdb"),
                                      .definitions_version = recipe->definitions_version,
                                      .pins = recipe->pins,
                                      .pin_count = recipe->pin_count,
                                      .expect_spine = cli_text(cli, recipe->spine_hash),
                                      .expect_content = cli_text(cli, recipe->content_hash)};
    return FLOE_OK;
}

floe_status cli_dataset_rebuild(floe_cli *cli, floe_error *err) {
    floe_dataset_recipe recipe;
    floe_dataset_request request;
    floe_dataset_result result;
    floe_dataset_entry entry;
    FLOE_TRY(cli_dataset_entry(cli, cli->operands[0], &entry, err));
    FLOE_TRY(read_recipe(cli, &entry, &recipe, &request, err));
    FLOE_TRY(cli_dataset_resources(cli, &request, err));
    const char *out = cli_value(cli, "-o");
    request.out = out ? out : cli_text(cli, recipe.path);
    request.replace = out ? cli_flag(cli, "--replace") : recipe.is_table; /* its own table is made again in its place */
    FLOE_TRY(cli_need_lake(cli, true, err));
    FLOE_TRY(cli_progress_end(cli, floe_dataset_build(cli->lake, &request, &cli->run, &result, err)));
    if (cli->json) {
        return cli_write_object(cli, err, "id", cli_quoted(cli, recipe.id), "out",
                                cli_quoted(cli, floe_str_of(request.out)), "rows", cli_i64(cli, result.row_count),
                                "content_hash", cli_quoted(cli, floe_str_of(result.content_hash)), NULL);
    }
    printf("dataset %s again: %s in %s, the same content hash %.12s… (%s)\n", cli_text(cli, recipe.id),
           cli_many(cli, result.row_count, "row", "rows"), request.out, result.content_hash,
           cli_seconds(cli, result.elapsed_us));
    return FLOE_OK;
}

/* ---- audit ---- */

const char *cli_dataset_cell(floe_cli *cli, floe_str text) {
    if (!text.ptr || !memchr(text.ptr, 0, text.len)) {
        return cli_text(cli, text);
    }
    FLOE_AUTO_BUF quoted;
    floe_buf_init(&quoted, FLOE_GIB(1));
    floe_json_writer json = floe_json_writer_of(&quoted);
    floe_json_string(&json, text);
    return cli_text(cli, floe_buf_view(&quoted));
}

static const char *gap(floe_cli *cli, int64_t micros) {
    if (micros < 0) {
        return NULL;
    }
    char text[FLOE_TIME_TEXT_MAX];
    return cli_text(cli, floe_str_of(floe_duration_format(micros, text)));
}

static floe_status print_views(floe_cli *cli, const floe_dataset_audit *audit, floe_error *err) {
    static const char *const headings[] = {"view", "rows_that_see_something", "pairs", "youngest_event_before_label",
                                           "youngest_known_before_label"};
    static const bool is_number[] = {false, true, true, false, false};
    cli_table table;
    cli_table_begin(&table, cli, headings, is_number, 5);
    for (size_t i = 0; i < audit->view_count; i++) {
        const floe_audit_view *view = &audit->views[i];
        const char *cells[] = {cli_text(cli, view->view), cli_i64(cli, view->rows_seen), cli_i64(cli, view->pairs),
                               gap(cli, view->closest_us), gap(cli, view->closest_known_us)};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}

/* The finding as an error: what is not what the rule gives. */
static floe_status fail_audit(floe_cli *cli, const char *file, const floe_dataset_audit *audit, floe_error *err) {
    if (audit->wrong_cells == 0) {
        return FLOE_FAIL(
            err, FLOE_CORRUPT,
            "%s is not the file that was built: its content hash is another, though none of the %s is wrong", file,
            cli_many(cli, audit->audited_rows, "audited row", "audited rows"));
    }
    floe_status status = FLOE_FAIL(
        err, FLOE_CORRUPT, "%s in %s %s not what the rule gives%s:", cli_many(cli, audit->wrong_cells, "cell", "cells"),
        file, audit->wrong_cells == 1 ? "is" : "are",
        audit->content_differs ? "; the file was changed after it was built" : ", and were so when the file was built");
    for (size_t i = 0; i < audit->finding_count; i++) {
        const floe_audit_finding *f = &audit->findings[i];
        floe_str found = floe_str_of(cli_dataset_cell(cli, f->found));
        floe_str expected = floe_str_of(cli_dataset_cell(cli, f->expected));
        floe_error_append_line(err, "row %s, %.*s: %.*s, by the rule %.*s", cli_i64(cli, f->row + 1),
                               FLOE_STR_BRIEF(f->column), FLOE_STR_BRIEF(found), FLOE_STR_BRIEF(expected));
    }
    return status;
}

static floe_status print_proof(floe_cli *cli, const floe_dataset_audit *audit, bool as_known, floe_error *err) {
    FLOE_TRY(print_views(cli, audit, err));
    if (cli->json) {
        return FLOE_OK;
    }
    FLOE_TRY(cli_flush(err));
    printf(
        "%s of %s recomputed by SQL from rows that each label may use%s: all %s are the same; the content hash is the "
        "manifest's\n",
        cli_count(cli, audit->audited_rows), cli_many(cli, audit->row_count, "row", "rows"),
        as_known ? " and that were known then" : "",
        cli_many(cli, audit->cell_count, "feature value", "feature values"));
    if (audit->audited_rows < audit->row_count) {
        printf("note: a sample; --sample 0 audits every row\n");
    }
    return FLOE_OK;
}

/* The manifest that lies beside the spine, for people and other programs, must say what the registry was told. */
static floe_status check_manifest(floe_cli *cli, const floe_dataset_entry *entry, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(128));
    const char *path = manifest_path(cli, entry);
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    bool there = floe_file_exists(path);
    FLOE_TRY(there ? floe_file_read(path, &text, err) : FLOE_OK);
    bool same = there && floe_str_equal(floe_str_trim(floe_buf_view(&text)), floe_str_trim(entry->manifest));
    FLOE_ENSURE(same, err, FLOE_CORRUPT,
                "the manifest %s %s; the registry has it as it was written: floe dataset show %.*s --json", path,
                there ? "was changed after the dataset was built" : "is gone", FLOE_STR_BRIEF(entry->id));
    return FLOE_OK;
}

floe_status cli_dataset_audit(floe_cli *cli, floe_error *err) {
    floe_dataset_recipe recipe;
    floe_dataset_request request;
    floe_dataset_audit audit;
    floe_dataset_entry entry;
    int64_t sample = AUDIT_ROWS;
    FLOE_TRY(cli_value_i64(cli, "--sample", &sample, err));
    CLI_USAGE(cli, sample >= 0, err, "--sample must be 0 (every row) or a number of rows");
    FLOE_TRY(cli_dataset_entry(cli, cli->operands[0], &entry, err));
    FLOE_TRY(check_manifest(cli, &entry, err));
    FLOE_TRY(read_recipe(cli, &entry, &recipe, &request, err));
    FLOE_TRY(cli_dataset_limits(cli, &request, err));
    const char *file = cli_value(cli, "--file") ? cli_value(cli, "--file") : cli_text(cli, recipe.file);
    FLOE_TRY(cli_need_lake(cli, true, err));
    FLOE_TRY(
        cli_progress_end(cli, floe_dataset_audit_file(cli->lake, &request, file, sample, &cli->arena, &audit, err)));
    if (audit.wrong_cells > 0 || audit.content_differs) {
        return fail_audit(cli, file, &audit, err);
    }
    return print_proof(cli, &audit, request.as_known, err);
}
