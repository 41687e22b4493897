/*
 * floe table import: files into an Iceberg table.
 */
#include "cli/cli.h"

#include <stdio.h>

floe_status cli_table_import(floe_cli *cli, floe_error *err) {
    bool append = cli_flag(cli, "--append"), replace = cli_flag(cli, "--replace");
    bool overwrite = cli_flag(cli, "--overwrite"), evolve = cli_flag(cli, "--evolve");
    CLI_USAGE(cli, append + replace + overwrite <= 1, err, "--append, --replace and --overwrite exclude each other");
    CLI_USAGE(cli, !evolve || append || overwrite, err,
              "--evolve changes a table that is added to: give --append or --overwrite");
    FLOE_TRY(cli_need_lake(cli, true, err));
    floe_import_request request = {.files = cli->operands,
                                   .file_count = cli->operand_count - 1,
                                   .table = cli->operands[cli->operand_count - 1],
                                   .mode = append      ? FLOE_IMPORT_APPEND
                                           : replace   ? FLOE_IMPORT_REPLACE
                                           : overwrite ? FLOE_IMPORT_OVERWRITE
                                                       : FLOE_IMPORT_CREATE,
                                   .partition = cli_value(cli, "--partition"),
                                   .select = cli_value(cli, "--select"),
                                   .types = cli_value(cli, "--types"),
                                   .describe = cli_value(cli, "--describe"),
                                   .sort = cli_value(cli, "--sort"),
                                   .evolve = evolve};
    floe_import_result result;
    FLOE_TRY(cli_progress_end(cli, floe_table_import(cli->lake, &request, &cli->run, &result, err)));
    if (cli->json) {
        return cli_write_object(cli, err, "table", cli_quoted(cli, floe_str_of(request.table)), "rows",
                                cli_i64(cli, result.rows), "files", cli_i64(cli, result.files), "bytes",
                                cli_i64(cli, result.bytes), "snapshot_id", cli_i64(cli, result.snapshot_id), NULL);
    }
    printf("%s into %s: %s, %s, snapshot %lld\n", cli_many(cli, result.rows, "row", "rows"), request.table,
           cli_many(cli, result.files, "file", "files"), cli_many(cli, result.bytes, "byte", "bytes"),
           (long long)result.snapshot_id);
    return FLOE_OK;
}
