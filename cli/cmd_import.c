/*
 * floe table import: files into an Iceberg table.
 */
#include "cli/cli.h"

#include <stdio.h>

floe_status cli_table_import(floe_cli *cli, floe_error *err) {
    bool append = cli_flag(cli, "--append"), replace = cli_flag(cli, "--replace");
    FLOE_ENSURE(!(append && replace), err, FLOE_INVALID, "--append and --replace exclude each other");
    FLOE_TRY(cli_need_lake(cli, true, err));
    floe_import_request request = {.files = cli->operands,
                                   .file_count = cli->operand_count - 1,
                                   .table = cli->operands[cli->operand_count - 1],
                                   .mode = append    ? FLOE_IMPORT_APPEND
                                           : replace ? FLOE_IMPORT_REPLACE
                                                     : FLOE_IMPORT_CREATE,
                                   .partition = cli_value(cli, "--partition"),
                                   .select = cli_value(cli, "--select"),
                                   .types = cli_value(cli, "--types"),
                                   .describe = cli_value(cli, "--describe")};
    floe_import_result result;
    FLOE_TRY(floe_table_import(cli->lake, &request, &cli->run, &result, err));
    if (cli->json) {
        printf("{\"rows\":%lld,\"files\":%lld,\"bytes\":%lld,\"snapshot_id\":%lld}\n", (long long)result.rows,
               (long long)result.files, (long long)result.bytes, (long long)result.snapshot_id);
        return FLOE_OK;
    }
    printf("%s rows into %s: %s files, %s bytes, snapshot %lld\n", cli_count(cli, result.rows), request.table,
           cli_count(cli, result.files), cli_count(cli, result.bytes), (long long)result.snapshot_id);
    return FLOE_OK;
}
