/*
 * floe table ls, show, snapshots, scan, plan: what is in the catalogs, and rows.
 */
#include "cli/cli.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include <stdio.h>
#include <string.h>

floe_status cli_table_ls(floe_cli *cli, floe_error *err) {
    static const char *const headings[] = {"table"};
    FLOE_TRY(cli_need_lake(cli, true, err));
    const floe_table_name *names;
    size_t count;
    FLOE_TRY(floe_table_list(cli->lake, &cli->arena, &names, &count, err));
    cli_table table;
    cli_table_begin(&table, cli, headings, NULL, 1);
    for (size_t i = 0; i < count; i++) {
        const char *cells[] = {cli_text(cli, names[i].full)};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}

/* The table that the first operand names; works outside any project. */
static floe_status open_table(floe_cli *cli, floe_table **ret_table, floe_error *err) {
    const char *from = cli_value(cli, "--moved-from"), *to = cli_value(cli, "--moved-to");
    CLI_USAGE(cli, (from == NULL) == (to == NULL), err, "--moved-from and --moved-to go together");
    FLOE_TRY(cli_need_lake(cli, false, err));
    return floe_table_open(cli->lake, cli->operands[0], from, to, ret_table, err);
}

static void table_cleanup(floe_table **table) {
    if (*table) {
        floe_table_close(table);
    }
}
#define AUTO_TABLE FLOE_CLEANUP(table_cleanup) floe_table *

static void print_facts(floe_cli *cli, const floe_table_info *info) {
    printf("table      %s\n", cli_shown(cli, info->name));
    if (info->comment.len > 0) {
        printf("about      %s\n", cli_shown(cli, info->comment));
    }
    printf("location   %s\nmetadata   %s\n", cli_shown(cli, info->location), cli_shown(cli, info->metadata_path));
    printf("format     v%d, %s%s\n", info->format_version, info->partition_text.len > 0 ? "partitioned by " : "",
           info->partition_text.len > 0 ? cli_shown(cli, info->partition_text) : "not partitioned");
    if (info->snapshot_id >= 0) {
        printf("snapshot   %lld of %s\n", (long long)info->snapshot_id, cli_time(cli, info->snapshot_us));
    } else {
        printf("snapshot   none: the table is empty\n");
    }
    printf("rows       %s in %s files\n\n", info->record_count < 0 ? "unknown" : cli_count(cli, info->record_count),
           info->file_count < 0 ? "an unknown number of" : cli_count(cli, info->file_count));
}

static void json_facts(floe_json_writer *json, const floe_table_info *info) {
    const struct {
        const char *key;
        floe_str text;
    } texts[] = {{"table", info->name},        {"comment", info->comment},
                 {"location", info->location}, {"metadata", info->metadata_path},
                 {"uuid", info->uuid},         {"partition", info->partition_text}};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        floe_json_key(json, texts[i].key);
        floe_json_string(json, texts[i].text);
    }
    const struct {
        const char *key;
        int64_t number;
    } numbers[] = {{"format_version", info->format_version},
                   {"snapshot_id", info->snapshot_id},
                   {"rows", info->record_count},
                   {"files", info->file_count}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        floe_json_key(json, numbers[i].key);
        floe_json_int(json, numbers[i].number);
    }
}

static floe_status show_json(const floe_table_info *info, floe_error *err) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(64));
    floe_json_writer json = floe_json_writer_of(&out);
    floe_json_object_begin(&json);
    json_facts(&json, info);
    floe_json_key(&json, "columns");
    floe_json_array_begin(&json);
    for (size_t i = 0; i < info->column_count; i++) {
        floe_json_object_begin(&json);
        floe_json_key(&json, "name");
        floe_json_string(&json, info->columns[i].name);
        floe_json_key(&json, "id");
        floe_json_int(&json, info->columns[i].field_id);
        floe_json_key(&json, "type");
        floe_json_string(&json, info->columns[i].type_text);
        floe_json_key(&json, "required");
        floe_json_bool(&json, info->columns[i].required);
        floe_json_key(&json, "doc");
        floe_json_string(&json, info->columns[i].doc);
        floe_json_object_end(&json);
    }
    floe_json_array_end(&json);
    floe_json_object_end(&json);
    floe_buf_text(&out, "\n");
    FLOE_TRY(floe_buf_check(&out, err));
    return cli_write(floe_buf_view(&out), err);
}

floe_status cli_table_show(floe_cli *cli, floe_error *err) {
    static const char *const headings[] = {"column", "type", "id", "about"};
    static const bool is_number[] = {false, false, true, false};
    AUTO_TABLE table = NULL;
    FLOE_TRY(open_table(cli, &table, err));
    floe_table_info info;
    FLOE_TRY(floe_table_describe(table, &cli->arena, &info, err));
    if (cli->json) {
        return show_json(&info, err);
    }
    print_facts(cli, &info);
    cli_table columns;
    cli_table_begin(&columns, cli, headings, is_number, 4);
    for (size_t i = 0; i < info.column_count; i++) {
        const char *cells[] = {cli_text(cli, info.columns[i].name), cli_text(cli, info.columns[i].type_text),
                               cli_i64(cli, info.columns[i].field_id), cli_text(cli, info.columns[i].doc)};
        cli_table_row(&columns, cells);
    }
    return cli_table_end(&columns, err);
}

floe_status cli_table_snapshots(floe_cli *cli, floe_error *err) {
    static const char *const headings[] = {"snapshot", "parent", "committed", "operation", "added", "rows", "refs"};
    static const bool is_number[] = {true, true, false, false, true, true, false};
    AUTO_TABLE table = NULL;
    FLOE_TRY(open_table(cli, &table, err));
    const floe_snapshot_info *snapshots;
    size_t count;
    FLOE_TRY(floe_table_snapshots(table, &cli->arena, &snapshots, &count, err));
    cli_table rows;
    cli_table_begin(&rows, cli, headings, is_number, 7);
    for (size_t i = 0; i < count; i++) {
        const floe_snapshot_info *s = &snapshots[i];
        const char *cells[] = {cli_i64(cli, s->snapshot_id),
                               s->parent_id < 0 ? NULL : cli_i64(cli, s->parent_id),
                               cli_time(cli, s->committed_us),
                               cli_text(cli, s->operation),
                               s->added_records < 0 ? NULL : cli_i64(cli, s->added_records),
                               s->total_records < 0 ? NULL : cli_i64(cli, s->total_records),
                               cli_text(cli, s->refs)};
        cli_table_row(&rows, cells);
    }
    return cli_table_end(&rows, err);
}

/* --snapshot, --ref or --as-of. */
static floe_status choose_snapshot(floe_cli *cli, floe_scan_request *request, floe_error *err) {
    const char *id = cli_value(cli, "--snapshot"), *ref = cli_value(cli, "--ref"), *as_of = cli_value(cli, "--as-of");
    CLI_USAGE(cli, (id != NULL) + (ref != NULL) + (as_of != NULL) <= 1, err,
              "--snapshot, --ref and --as-of exclude each other");
    if (id) {
        request->at = FLOE_AT_ID;
        return cli_value_i64(cli, "--snapshot", &request->snapshot_id, err);
    }
    if (ref) {
        request->at = FLOE_AT_REF;
        request->ref = ref;
    }
    if (as_of) {
        request->at = FLOE_AT_TIME;
        return cli_value_time(cli, "--as-of", &request->as_of_us, err);
    }
    return FLOE_OK;
}

static floe_status scan_request(floe_cli *cli, floe_scan_request *ret_request, floe_error *err) {
    *ret_request = (floe_scan_request){.limit = -1, .where = cli_value(cli, "--where"), .engine_where = true};
    FLOE_TRY(choose_snapshot(cli, ret_request, err));
    if (cli_value(cli, "--columns")) {
        FLOE_TRY(
            cli_split_list(cli, cli_value(cli, "--columns"), &ret_request->columns, &ret_request->column_count, err));
    }
    return FLOE_OK;
}

static floe_status scan_to_file(floe_cli *cli, floe_table *table, const floe_scan_request *request, const char *out,
                                floe_error *err) {
    int64_t rows;
    cli_progress_step(cli, "reading and writing", -1);
    FLOE_TRY(cli_progress_end(cli, floe_table_scan_to(table, request, out, &rows, err)));
    if (cli->json) {
        return cli_write_object(cli, err, "out", cli_quoted(cli, floe_str_of(out)), "rows", cli_i64(cli, rows), NULL);
    }
    fprintf(stderr, "%s in %s\n", cli_many(cli, rows, "row", "rows"), out);
    return FLOE_OK;
}

/* The rows, into -o or onto the screen. */
static floe_status scan_out(floe_cli *cli, floe_table *table, const floe_scan_request *request, floe_error *err) {
    const char *out = cli_value(cli, "-o");
    if (out && strcmp(out, "-") != 0) {
        return scan_to_file(cli, table, request, out, err);
    }
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_table_scan(table, request, &stream, err));
    return cli_print_stream(cli, &stream, err);
}

floe_status cli_table_scan(floe_cli *cli, floe_error *err) {
    AUTO_TABLE table = NULL;
    floe_scan_request request;
    FLOE_TRY(scan_request(cli, &request, err));
    FLOE_TRY(cli_value_i64(cli, "--limit", &request.limit, err));
    CLI_USAGE(cli, !cli_value(cli, "--limit") || request.limit >= 0, err, "--limit must not be negative");
    FLOE_TRY(open_table(cli, &table, err));
    return scan_out(cli, table, &request, err);
}

/* Snapshots whose rows are not among the added ones are named where nobody takes them for rows. */
static floe_status warn_of_changes(floe_cli *cli, floe_table *table, const floe_scan_request *request,
                                   floe_error *err) {
    const floe_change_note *notes;
    size_t count;
    FLOE_TRY(
        floe_table_changes(table, request->since_snapshot_id, request->snapshot_id, &cli->arena, &notes, &count, err));
    for (size_t i = 0; i < count; i++) {
        fprintf(stderr, "snapshot %lld (%.*s): %s\n", (long long)notes[i].snapshot_id,
                FLOE_STR_ARG(notes[i].operation.len > 0 ? notes[i].operation : FLOE_STR("no operation")),
                notes[i].forces);
    }
    return FLOE_OK;
}

floe_status cli_table_changes(floe_cli *cli, floe_error *err) {
    AUTO_TABLE table = NULL;
    floe_table_info info;
    floe_scan_request request = {.limit = -1, .at = FLOE_AT_ID, .added_since = true};
    CLI_USAGE(cli, cli_value(cli, "--from"), err,
              "say after which snapshot with --from ID; floe table snapshots lists them");
    FLOE_TRY(cli_value_i64(cli, "--from", &request.since_snapshot_id, err));
    FLOE_TRY(open_table(cli, &table, err));
    FLOE_TRY(floe_table_describe(table, &cli->arena, &info, err));
    request.snapshot_id = info.snapshot_id;
    FLOE_TRY(cli_value_i64(cli, "--to", &request.snapshot_id, err));
    FLOE_TRY(warn_of_changes(cli, table, &request, err));
    return scan_out(cli, table, &request, err);
}

static floe_status plan_json(const floe_scan_plan *plan, floe_error *err) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_GIB(1));
    floe_json_writer json = floe_json_writer_of(&out);
    floe_json_object_begin(&json);
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = {{"snapshot_id", plan->snapshot_id},
                   {"manifests_total", plan->manifests_total},
                   {"manifests_read", plan->manifests_read},
                   {"files_total", plan->files_total},
                   {"files_read", plan->files_read},
                   {"files_pruned_by_partition", plan->files_pruned_by_partition},
                   {"files_pruned_by_bounds", plan->files_pruned_by_bounds},
                   {"bytes", plan->bytes},
                   {"rows", plan->rows},
                   {"delete_files", plan->delete_files},
                   {"delete_rows", plan->delete_rows}};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        floe_json_key(&json, numbers[i].key);
        floe_json_int(&json, numbers[i].value);
    }
    floe_json_key(&json, "note");
    floe_json_string(&json, plan->note);
    floe_json_key(&json, "files");
    floe_json_array_begin(&json);
    for (size_t i = 0; i < plan->path_count; i++) {
        floe_json_string(&json, plan->paths[i]);
    }
    floe_json_array_end(&json);
    floe_json_object_end(&json);
    floe_buf_text(&out, "\n");
    FLOE_TRY(floe_buf_check(&out, err));
    return cli_write(floe_buf_view(&out), err);
}

floe_status cli_table_plan(floe_cli *cli, floe_error *err) {
    AUTO_TABLE table = NULL;
    floe_scan_request request;
    FLOE_TRY(scan_request(cli, &request, err));
    FLOE_TRY(open_table(cli, &table, err));
    floe_scan_plan plan;
    FLOE_TRY(floe_table_plan(table, &request, &cli->arena, &plan, err));
    if (cli->json) {
        return plan_json(&plan, err);
    }
    printf("snapshot   %lld\n", (long long)plan.snapshot_id);
    printf("manifests  %s of %s read\n", cli_count(cli, plan.manifests_read), cli_count(cli, plan.manifests_total));
    printf("files      %s of %s read; %s pruned by partition, %s by bounds\n", cli_count(cli, plan.files_read),
           cli_count(cli, plan.files_total), cli_count(cli, plan.files_pruned_by_partition),
           cli_count(cli, plan.files_pruned_by_bounds));
    printf("rows       %s at most, %s bytes\n", cli_count(cli, plan.rows), cli_count(cli, plan.bytes));
    if (plan.delete_files > 0) {
        printf("deletes    %s, %s in all\n", cli_many(cli, plan.delete_files, "delete file", "delete files"),
               cli_many(cli, plan.delete_rows, "row", "rows"));
    }
    if (plan.note.len > 0) {
        printf("note       %.*s\n", FLOE_STR_ARG(plan.note));
    }
    return FLOE_OK;
}
