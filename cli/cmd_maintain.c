/*
 * floe table compact, expire: fewer files, fewer snapshots.
 */
#include "cli/cli.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"

#include <stdio.h>

/* ---- compact ---- */

/* "512MB", "64 MiB", "1000000": bytes. */
static floe_status parse_size(floe_cli *cli, const char *option, int64_t *ret_bytes, floe_error *err) {
    static const struct {
        const char *name;
        int64_t bytes;
    } UNITS[] = {{"kib", 1024},      {"mib", 1048576}, {"gib", 1073741824}, {"kb", 1000},      {"mb", 1000000},
                 {"gb", 1000000000}, {"k", 1024},      {"m", 1048576},      {"g", 1073741824}, {"b", 1}};
    floe_str text = floe_str_trim(floe_str_of(cli_value(cli, option)));
    int64_t unit = 1, number = 0;
    size_t digits = 0;
    while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9') {
        digits++;
    }
    floe_str suffix = floe_str_trim((floe_str){text.ptr + digits, text.len - digits});
    bool known = suffix.len == 0;
    for (size_t i = 0; !known && i < sizeof(UNITS) / sizeof(UNITS[0]); i++) {
        known = floe_str_is_nocase(suffix, UNITS[i].name);
        unit = known ? UNITS[i].bytes : 1;
    }
    bool fits = known && digits > 0 && !floe_failed(floe_str_to_i64((floe_str){text.ptr, digits}, &number, NULL)) &&
                !__builtin_mul_overflow(number, unit, ret_bytes) && *ret_bytes > 0;
    CLI_USAGE(cli, fits, err, "%s: \"%.120s\" is no size; write 512MB", option, cli_value(cli, option));
    return FLOE_OK;
}

static floe_status print_compacted(floe_cli *cli, const floe_compact_request *request,
                                   const floe_compact_result *result, floe_error *err) {
    if (cli->json) {
        return cli_write_object(
            cli, err, "table", cli_quoted(cli, floe_str_of(request->table)), "snapshot_id",
            result->snapshot_id < 0 ? "null" : cli_i64(cli, result->snapshot_id), "files_before",
            cli_i64(cli, result->files_before), "files_after", cli_i64(cli, result->files_after), "rows_before",
            cli_i64(cli, result->rows_before), "rows_after", cli_i64(cli, result->rows_after), "bytes_before",
            cli_i64(cli, result->bytes_before), "bytes_after", cli_i64(cli, result->bytes_after), "delete_files",
            cli_i64(cli, result->delete_files), "runs_left_out", cli_i64(cli, result->runs_left_out), NULL);
    }
    if (result->runs_left_out > 0) {
        fprintf(stderr, "note: %s left as they are, since no file name lies between their neighbours'\n",
                cli_many(cli, result->runs_left_out, "group of files was", "groups of files were"));
    }
    if (result->snapshot_id < 0) {
        printf("%s: nothing to do\n", request->table);
        return FLOE_OK;
    }
    printf("%s: %s became %s; ", request->table, cli_many(cli, result->files_before, "file", "files"),
           cli_count(cli, result->files_after));
    printf("%s taken by deletes, %s gone; snapshot %lld\n",
           cli_many(cli, result->rows_before - result->rows_after, "row", "rows"),
           cli_many(cli, result->delete_files, "delete file", "delete files"), (long long)result->snapshot_id);
    return FLOE_OK;
}

floe_status cli_table_compact(floe_cli *cli, floe_error *err) {
    floe_compact_request request = {.table = cli->operands[0], .where = cli_value(cli, "--where")};
    if (cli_value(cli, "--target-size")) {
        FLOE_TRY(parse_size(cli, "--target-size", &request.target_bytes, err));
    }
    FLOE_TRY(cli_need_lake(cli, true, err));
    floe_compact_result result;
    FLOE_TRY(cli_progress_end(cli, floe_table_compact(cli->lake, &request, &cli->run, &result, err)));
    return print_compacted(cli, &request, &result, err);
}

/* ---- expire ---- */

static floe_status parse_age(floe_cli *cli, const char *option, const char *text, int64_t *ret_us, floe_error *err) {
    if (text && (floe_str_is(floe_str_of(text), "0") || floe_str_is(floe_str_of(text), "0s"))) {
        *ret_us = 0; /* no duration, but an age that everything has */
        return FLOE_OK;
    }
    floe_status status = text ? floe_duration_parse(floe_str_of(text), ret_us, err) : FLOE_OK;
    cli->usage = cli->usage || floe_failed(status);
    return floe_failed(status) ? floe_error_prefix(err, status, "%s", option) : status;
}

typedef struct pin_list {
    floe_pinned_snapshot *items;
    size_t count, capacity;
} pin_list;

static floe_status add_pin(floe_cli *cli, const floe_node *object, const floe_dataset_entry *entry, pin_list *list,
                           floe_error *err) {
    const floe_node *id = object ? floe_node_get(object, "snapshot_id") : NULL;
    if (!id || id->kind != FLOE_NODE_INT || id->as.integer < 0) {
        return FLOE_OK;
    }
    floe_pinned_snapshot *pin = FLOE_ARENA_PUSH(&cli->arena, list->items, list->count, list->capacity);
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    *pin = (floe_pinned_snapshot){id->as.integer, entry->name.len > 0 ? entry->name : entry->id};
    return FLOE_OK;
}

/* The snapshots of a dataset's sources and, where they were tables, of its spine and of what was built. Snapshot ids
 * are random, so that those of other tables do no harm. */
static floe_status add_pins(floe_cli *cli, const floe_dataset_entry *entry, pin_list *list, floe_error *err) {
    const floe_node *manifest = NULL;
    FLOE_TRY(floe_json_parse_any_text(&cli->arena, entry->manifest, &manifest, err));
    FLOE_TRY(add_pin(cli, floe_node_get(manifest, "spine"), entry, list, err));
    FLOE_TRY(add_pin(cli, floe_node_get(manifest, "output"), entry, list, err));
    const floe_node *sources = floe_node_get(manifest, "sources");
    for (size_t i = 0; sources && sources->kind == FLOE_NODE_ARRAY && i < sources->count; i++) {
        FLOE_TRY(add_pin(cli, sources->items[i], entry, list, err));
    }
    return FLOE_OK;
}

/* What the project's datasets were built from. A project without a registry has none. */
static floe_status find_pins(floe_cli *cli, pin_list *list, floe_error *err) {
    const floe_dataset_entry *entries;
    size_t count;
    floe_error missing = {0};
    floe_status status = cli_need_registry(cli, false, &missing);
    if (status.code == FLOE_NOT_FOUND) {
        return FLOE_OK;
    }
    if (floe_failed(status)) {
        return floe_error_set(err, missing.code, missing.sys_errno, missing.file, missing.line, "%s", missing.message);
    }
    FLOE_TRY(cli_list_datasets(cli, err));
    FLOE_TRY(floe_registry_datasets(cli->registry, &cli->arena, &entries, &count, err));
    for (size_t i = 0; i < count; i++) {
        floe_status read = add_pins(cli, &entries[i], list, err);
        if (floe_failed(read)) {
            return floe_error_prefix(err, read, "the manifest of the dataset %.*s", FLOE_STR_BRIEF(entries[i].id));
        }
    }
    return FLOE_OK;
}

static void print_held(const floe_expire_request *request, const floe_expire_result *result) {
    for (size_t i = 0; i < result->held_count; i++) {
        fprintf(stderr, "snapshot %lld: the dataset %.*s was built from it; %s\n",
                (long long)result->held[i].snapshot_id, FLOE_STR_BRIEF(result->held[i].dataset),
                !request->force    ? "it stays (--force lets it go)"
                : request->dry_run ? "it would go"
                                   : "it is gone, and the dataset cannot be built again");
    }
}

static const char *id_list(floe_cli *cli, const floe_expire_result *result) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(64));
    floe_buf_byte(&text, '[');
    for (size_t i = 0; i < result->snapshot_count; i++) {
        floe_buf_printf(&text, "%s%lld", i ? "," : "", (long long)result->snapshot_ids[i]);
    }
    floe_buf_byte(&text, ']');
    return cli_text(cli, floe_buf_view(&text));
}

static floe_status expired_json(floe_cli *cli, const floe_expire_request *request, const floe_expire_result *result,
                                floe_error *err) {
    return cli_write_object(
        cli, err, "table", cli_quoted(cli, floe_str_of(request->table)), "dry_run", request->dry_run ? "true" : "false",
        "snapshot_ids", id_list(cli, result), "refs", cli_i64(cli, (int64_t)result->ref_count), "held",
        cli_i64(cli, (int64_t)result->held_count), "data_files", cli_i64(cli, result->data_files), "delete_files",
        cli_i64(cli, result->delete_files), "manifests", cli_i64(cli, result->manifests), "manifest_lists",
        cli_i64(cli, result->manifest_lists), "metadata_files", cli_i64(cli, result->metadata_files),
        "statistics_files", cli_i64(cli, result->statistics_files), "orphans", cli_i64(cli, result->orphans), "bytes",
        cli_i64(cli, result->bytes), NULL);
}

static floe_status print_expired(floe_cli *cli, const floe_expire_request *request, const floe_expire_result *result,
                                 floe_error *err) {
    print_held(request, result);
    if (cli->json) {
        return expired_json(cli, request, result, err);
    }
    int64_t named = result->manifests + result->manifest_lists + result->metadata_files + result->statistics_files;
    printf("%s: %s %s; ", request->table, cli_many(cli, (int64_t)result->snapshot_count, "snapshot", "snapshots"),
           request->dry_run ? "would expire" : "expired");
    printf("%s, %s, %s and %s that nothing names: ", cli_many(cli, result->data_files, "data file", "data files"),
           cli_many(cli, result->delete_files, "delete file", "delete files"),
           cli_many(cli, named, "file of metadata", "files of metadata"),
           cli_many(cli, result->orphans, "file", "files"));
    printf("%s %s\n", cli_many(cli, result->bytes, "byte", "bytes"), request->dry_run ? "would be free" : "free");
    for (size_t i = 0; i < result->ref_count; i++) {
        printf("  %.*s was older than it says and %s\n", FLOE_STR_BRIEF(result->refs[i]),
               request->dry_run ? "would go" : "is gone");
    }
    return FLOE_OK;
}

floe_status cli_table_expire(floe_cli *cli, floe_error *err) {
    pin_list pins = {0};
    floe_expire_request request = {.table = cli->operands[0],
                                   .keep_last = 1,
                                   .orphan_age_us = FLOE_ORPHAN_AGE_US,
                                   .force = cli_flag(cli, "--force"),
                                   .dry_run = cli_flag(cli, "--dry-run")};
    CLI_USAGE(cli, cli_value(cli, "--older-than"), err, "say how old with --older-than 30d");
    FLOE_TRY(parse_age(cli, "--older-than", cli_value(cli, "--older-than"), &request.older_than_us, err));
    FLOE_TRY(
        parse_age(cli, "--orphans-older-than", cli_value(cli, "--orphans-older-than"), &request.orphan_age_us, err));
    FLOE_TRY(cli_value_i64(cli, "--keep-last", &request.keep_last, err));
    CLI_USAGE(cli, request.keep_last >= 1, err, "--keep-last must be at least 1");
    FLOE_TRY(cli_need_lake(cli, true, err));
    FLOE_TRY(find_pins(cli, &pins, err));
    request.pinned = pins.items;
    request.pinned_count = pins.count;
    floe_expire_result result;
    FLOE_TRY(cli_progress_end(cli, floe_table_expire(cli->lake, &request, &cli->run, &cli->arena, &result, err)));
    return print_expired(cli, &request, &result, err);
}
