/*
 * cli: the commands of floe, and the wiring of implementations to seams.
 *
 * A command is a row of a table: its words, its options, its help and its function. The function fills an error; main
 * prints it, once, and turns its code into the exit code. Results go to stdout, everything else to stderr.
 * Thread: the main thread, but for the signal handler that sets `cancelled`.
 */
#ifndef FLOE_CLI_CLI_H
#define FLOE_CLI_CLI_H

#include "core/arena.h"
#include "core/error.h"
#include "offline/offline.h"
#include "online/online.h"
#include "registry/registry.h"

#include <stdatomic.h>

#define CLI_OPTIONS_MAX 24
#define CLI_EXIT_USAGE 2

typedef struct cli_option {
    const char *name;  /* "--where" */
    const char *value; /* what stands for its value in help, "SQL"; NULL: a flag */
    const char *help;
} cli_option;

typedef struct floe_cli floe_cli;

typedef struct cli_command {
    const char *words;    /* "table scan" */
    const char *operands; /* "TABLE", "FILE… TABLE" */
    size_t operands_min, operands_max;
    const char *summary;       /* one line */
    const char *example;       /* whole lines, each starting with "floe " */
    const cli_option *options; /* ends with a NULL name */
    floe_status (*run)(floe_cli *cli, floe_error *err);
} cli_command;

struct floe_cli {
    floe_arena arena;
    const cli_command *command;
    /* The command line, parsed. */
    const char *const *operands;
    size_t operand_count;
    const char *values[CLI_OPTIONS_MAX]; /* per option of the command: its last value, "" for a flag; NULL: not given */
    const char *project_dir;             /* --project */
    bool json;                           /* --json */
    /* Opened on first use. */
    const floe_project *project;
    floe_lake *lake;
    floe_registry *registry;
    const floe_definitions *definitions;
    floe_store *store;
    floe_run run;
};

/* The table of commands; ends with NULL words. */
extern const cli_command cli_commands[];

/* ---- options.c ---- */

/* Parses what follows the command's words. Errors: INVALID, a usage error. */
floe_status cli_parse(floe_cli *cli, const cli_command *command, int argc, char **argv, floe_error *err);
bool cli_flag(const floe_cli *cli, const char *name);
const char *cli_value(const floe_cli *cli, const char *name); /* NULL: not given */
floe_status cli_value_i64(const floe_cli *cli, const char *name, int64_t *value, floe_error *err);
void cli_print_help(const cli_command *command);
void cli_print_overview(void);
/* The words FACE gives to other versions of floe: what they are, or NULL. */
const char *cli_known_elsewhere(const char *word, const char *second);

/* Splits "a,b" into texts in the arena. */
floe_status cli_split_list(floe_cli *cli, const char *list, const floe_str **ret_items, size_t *ret_count,
                           floe_error *err);

/* ---- context.c: what commands stand on; each opens once ---- */

floe_status cli_need_project(floe_cli *cli, floe_error *err);
/* The project where there is one; without, an empty lake. */
floe_status cli_need_lake(floe_cli *cli, bool project_required, floe_error *err);
floe_status cli_need_registry(floe_cli *cli, bool create, floe_error *err);
floe_status cli_need_definitions(floe_cli *cli, floe_error *err); /* as applied */
floe_status cli_need_store(floe_cli *cli, floe_error *err);
const char *cli_project_path(floe_cli *cli, const char *relative);
void cli_close(floe_cli *cli);
extern atomic_bool cli_cancelled;

/* Reads the references of --service or --features. */
floe_status cli_refs(floe_cli *cli, const char *service, const char *features, floe_ref **ret_refs, size_t *ret_count,
                     floe_error *err);

/* ---- wire.c: seams ---- */

/* registry ← offline: the tables' real schemas. */
floe_schema_resolver cli_schema_resolver(floe_cli *cli);
/* online ← offline: the newest rows. */
floe_sync_source cli_sync_source(floe_cli *cli);

/* ---- print.c ---- */

/* A table for people, or an array of objects with --json. Cells are texts; `json_raw` columns are written unquoted. */
typedef struct cli_table {
    floe_cli *cli;
    const char *const *headings;
    size_t column_count;
    const bool *is_number; /* right-aligned, and a number in JSON */
    floe_ptrs rows;        /* const char *const * */
} cli_table;
void cli_table_begin(cli_table *table, floe_cli *cli, const char *const *headings, const bool *is_number,
                     size_t column_count);
/* One row; NULL cells are empty, null in JSON. Cells must live in the cli's arena or longer. */
void cli_table_row(cli_table *table, const char *const *cells);
floe_status cli_table_end(cli_table *table, floe_error *err);
/* Every row of a stream, as a table or as JSON. */
floe_status cli_print_stream(floe_cli *cli, struct ArrowArrayStream *stream, floe_error *err);
const char *cli_text(floe_cli *cli, floe_str text);
const char *cli_i64(floe_cli *cli, int64_t value);
const char *cli_count(floe_cli *cli, int64_t value); /* 3,000,000 */
const char *cli_time(floe_cli *cli, int64_t micros);
const char *cli_seconds(floe_cli *cli, int64_t micros); /* "1.24 s" */
/* Writes all of it to stdout. Errors: IO. */
floe_status cli_write(floe_str text, floe_error *err);

/* ---- the commands ---- */

floe_status cli_init(floe_cli *cli, floe_error *err);
floe_status cli_plan(floe_cli *cli, floe_error *err);
floe_status cli_apply(floe_cli *cli, floe_error *err);
floe_status cli_history(floe_cli *cli, floe_error *err);
floe_status cli_doctor(floe_cli *cli, floe_error *err);
floe_status cli_table_ls(floe_cli *cli, floe_error *err);
floe_status cli_table_show(floe_cli *cli, floe_error *err);
floe_status cli_table_snapshots(floe_cli *cli, floe_error *err);
floe_status cli_table_scan(floe_cli *cli, floe_error *err);
floe_status cli_table_plan(floe_cli *cli, floe_error *err);
floe_status cli_table_import(floe_cli *cli, floe_error *err);
floe_status cli_dataset_build(floe_cli *cli, floe_error *err);
floe_status cli_dataset_ls(floe_cli *cli, floe_error *err);
floe_status cli_dataset_show(floe_cli *cli, floe_error *err);
floe_status cli_sync(floe_cli *cli, floe_error *err);
floe_status cli_ingest(floe_cli *cli, floe_error *err);
floe_status cli_get(floe_cli *cli, floe_error *err);
floe_status cli_serve(floe_cli *cli, floe_error *err);
floe_status cli_index(floe_cli *cli, floe_error *err);
floe_status cli_search(floe_cli *cli, floe_error *err);

#endif
