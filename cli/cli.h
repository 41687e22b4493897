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
    bool usage;                          /* the error is a wrong command line: exit 2, and point to --help */
    char progress[128];                  /* the line that stands on the terminal, "" none */
    int64_t progress_us;                 /* when it was drawn */
    const char *progress_rows_step;      /* whose rows are counted, since when, and how many went by */
    int64_t progress_rows_us, progress_rows_done;
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

/* Texts of `floe init --example flights`; made from examples/flights when floe is built. */
extern const char cli_example_yaml[];
extern const char cli_example_features[];

/* The command line is wrong, as far as can be told without looking at anything else. */
#define CLI_USAGE(cli, condition, err, ...)                                                                            \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (cli)->usage = true;                                                                                       \
            return FLOE_FAIL((err), FLOE_INVALID, __VA_ARGS__);                                                        \
        }                                                                                                              \
    } while (0)

/* ---- options.c ---- */

/* Options that every command takes, before or after its words. */
extern const cli_option cli_common_options[];

/* Parses what follows the command's words; every option at most once. Errors: INVALID, a usage error. */
floe_status cli_parse(floe_cli *cli, const cli_command *command, int argc, char **argv, floe_error *err);
bool cli_flag(const floe_cli *cli, const char *name);
const char *cli_value(const floe_cli *cli, const char *name); /* NULL: not given */
/* Leave *value as it is where the option was not given. Errors: a usage error that names the option. */
floe_status cli_value_i64(floe_cli *cli, const char *name, int64_t *value, floe_error *err);
floe_status cli_value_time(floe_cli *cli, const char *name, int64_t *micros, floe_error *err);
void cli_print_help(const cli_command *command);
/* The commands whose words start with `group`; NULL: all. */
void cli_print_overview(const char *group);
/* The words FACE gives to other versions of floe: what they are, or NULL. */
const char *cli_known_elsewhere(const char *word, const char *second);

/* Splits "a,b" into texts in the arena. Errors: a usage error. */
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
/* An applied view by name. Errors: NOT_FOUND with the nearest. */
floe_status cli_view(floe_cli *cli, const char *name, const floe_view **ret_view, floe_error *err);
void cli_close(floe_cli *cli);
extern atomic_bool cli_cancelled;

/* Reads the references of --service or --features; with both, one text that may be either, a service first. Errors:
 * NOT_FOUND with the nearest of what was asked for. */
floe_status cli_refs(floe_cli *cli, const char *service, const char *features, floe_ref **ret_refs, size_t *ret_count,
                     floe_error *err);

/* ---- wire.c: seams ---- */

/* registry ← offline: the tables' real schemas. */
floe_schema_resolver cli_schema_resolver(floe_cli *cli);
/* online ← offline: the newest rows. */
floe_sync_source cli_sync_source(floe_cli *cli);

/* ---- print.c ---- */

/* A table for people, or an array of objects with --json. Cells are texts. */
typedef struct cli_table {
    floe_cli *cli;
    const char *const *headings;
    size_t column_count;
    const bool *is_number; /* right-aligned, and written unquoted in JSON; NULL: no column is */
    floe_ptrs rows;        /* const char *const * */
} cli_table;
void cli_table_begin(cli_table *table, floe_cli *cli, const char *const *headings, const bool *is_number,
                     size_t column_count);
/* One row; NULL cells are empty, null in JSON. Cells must live in the cli's arena or longer. */
void cli_table_row(cli_table *table, const char *const *cells);
floe_status cli_table_end(cli_table *table, floe_error *err);
/* Every row of a stream, as a table, or as one JSON object a line with --json. */
floe_status cli_print_stream(floe_cli *cli, struct ArrowArrayStream *stream, floe_error *err);
const char *cli_text(floe_cli *cli, floe_str text);
const char *cli_shown(floe_cli *cli, floe_str text); /* for a terminal: control characters are spaces */
/* A message for a terminal, lines and all: bytes that would command it, or turn what follows, as \xNN. Messages hold
 * names that others chose. */
void cli_put_message(floe_buf *out, floe_str message);
const char *cli_i64(floe_cli *cli, int64_t value);
const char *cli_count(floe_cli *cli, int64_t value); /* 3,000,000 */
/* "512 B", "1.5 MB", "6.3 GB": decimal units, as --memory takes them. */
const char *cli_bytes(floe_cli *cli, int64_t value);
const char *cli_time(floe_cli *cli, int64_t micros);
const char *cli_seconds(floe_cli *cli, int64_t micros); /* "1.24 s" */
const char *cli_age(floe_cli *cli, int64_t micros);     /* the two largest units at most: "3d", "23h", "90s" */
const char *cli_many(floe_cli *cli, int64_t count, const char *one, const char *many); /* "1 row", "2 rows" */
/* Writes all of it to stdout. Errors: IO. */
floe_status cli_write(floe_str text, floe_error *err);
/* Whether everything written so far got out. Errors: IO. */
floe_status cli_flush(floe_error *err);
/* One JSON object on one line, for commands whose result is no table: key, value, key, value …, NULL. A value is JSON
 * text, as cli_i64 and cli_quoted give it. */
floe_status cli_write_object(floe_cli *cli, floe_error *err, const char *key, ...) __attribute__((sentinel));
const char *cli_quoted(floe_cli *cli, floe_str text); /* as a JSON string */

/* ---- progress.c ---- */

/* Lets long calls draw one line on stderr, when that is a terminal. */
void cli_progress_begin(floe_cli *cli);
void cli_progress_step(floe_cli *cli, const char *step, double fraction);
/* The same with a bar, the rate so far and the rest. `step` is a literal; now_us: of the monotonic clock. */
void cli_progress_rows(floe_cli *cli, const char *step, int64_t done, int64_t total, int64_t now_us);
/* Takes the line away, so that a result or an error can be printed. Hands the status on. */
floe_status cli_progress_end(floe_cli *cli, floe_status status);

/* ---- cmd_dataset.c, cmd_dataset_again.c: what the commands about datasets share ---- */

/* --threads and --memory, where they are given. */
floe_status cli_dataset_limits(floe_cli *cli, floe_dataset_request *request, floe_error *err);
/* The same and --engine of a build. */
floe_status cli_dataset_resources(floe_cli *cli, floe_dataset_request *request, floe_error *err);
/* "256MB", "2GiB", "1.5G", a number of bytes. Errors: INVALID. */
floe_status cli_parse_size(const char *text, uint64_t *ret_bytes, floe_error *err);
/* Gives the registry what was built and is not in it: by this command, or by one that was killed before it could. Every
 * command that asks for datasets begins so. */
floe_status cli_list_datasets(floe_cli *cli, floe_error *err);
/* expect.c: gives the steps of a plan that were not done the time that they may take, where a dataset like it was built before. */
floe_status cli_expect_times(floe_cli *cli, const floe_dataset_request *request, floe_dataset_step *steps, size_t count,
                             floe_error *err);
/* A cell's text to read: as it is, or as a JSON string where it holds a NUL, which would end it. */
const char *cli_dataset_cell(floe_cli *cli, floe_str text);
/* A dataset by id or name. */
floe_status cli_dataset_entry(floe_cli *cli, const char *name, floe_dataset_entry *ret_entry, floe_error *err);

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
floe_status cli_table_changes(floe_cli *cli, floe_error *err);
floe_status cli_table_compact(floe_cli *cli, floe_error *err);
floe_status cli_table_expire(floe_cli *cli, floe_error *err);
floe_status cli_dataset_build(floe_cli *cli, floe_error *err);
floe_status cli_dataset_ls(floe_cli *cli, floe_error *err);
floe_status cli_dataset_show(floe_cli *cli, floe_error *err);
floe_status cli_dataset_rebuild(floe_cli *cli, floe_error *err);
floe_status cli_dataset_audit(floe_cli *cli, floe_error *err);
floe_status cli_dataset_diff(floe_cli *cli, floe_error *err);
floe_status cli_sync(floe_cli *cli, floe_error *err);
floe_status cli_ingest(floe_cli *cli, floe_error *err);
floe_status cli_get(floe_cli *cli, floe_error *err);
floe_status cli_serve(floe_cli *cli, floe_error *err);
floe_status cli_key_create(floe_cli *cli, floe_error *err);
floe_status cli_key_ls(floe_cli *cli, floe_error *err);
floe_status cli_key_revoke(floe_cli *cli, floe_error *err);
floe_status cli_index(floe_cli *cli, floe_error *err);
floe_status cli_search(floe_cli *cli, floe_error *err);
floe_status cli_mcp(floe_cli *cli, floe_error *err);

#endif
