/*
 * What the commands about questions share: an open search, the role that asks, the verified questions, and the checker
 * as vector wants it.
 */
#ifndef FLOE_CLI_ASKING_H
#define FLOE_CLI_ASKING_H

#include "cli/cli.h"
#include "core/mem.h"
#include "vector/vector.h"

typedef struct cli_asking {
    floe_embedder *embedder;
    floe_search *search;
    floe_verified *verified;
    const floe_role *role; /* NULL: everything */
} cli_asking;

/* Opens what the command line asks for; its command has --role. Owns: the caller, until cli_asking_close. */
floe_status cli_asking_open(floe_cli *cli, cli_asking *ret_asking, floe_error *err);
void cli_asking_close(cli_asking *asking);
/* The verified questions of the registry; none where there is no registry. Owns: the caller. */
floe_status cli_load_verified(floe_cli *cli, floe_verified **ret_verified, floe_error *err);
#define CLI_AUTO_ASKING FLOE_CLEANUP(cli_asking_close) cli_asking

/* The operands as one question. */
floe_str cli_question(floe_cli *cli);
/* --tokens, --in and the rest of a context's request. Errors: a usage error. */
floe_status cli_context_request(floe_cli *cli, const cli_asking *asking, floe_context_request *ret_request,
                                floe_error *err);

/* vector ← offline (wire.c): checks SQL. Owns: the caller closes the checker. */
floe_sql_check cli_sql_check(floe_checker *checker);
/* The tables that checked SQL reads, as offline runs it. Owns: in the cli's arena. */
floe_status cli_query_sources(floe_cli *cli, const floe_sql_table *tables, size_t count,
                              const floe_query_source **ret_sources, floe_error *err);

floe_status cli_context(floe_cli *cli, floe_error *err);
floe_status cli_ask(floe_cli *cli, floe_error *err);
floe_status cli_question_add(floe_cli *cli, floe_error *err);
floe_status cli_question_ls(floe_cli *cli, floe_error *err);
floe_status cli_question_rm(floe_cli *cli, floe_error *err);

#endif
