/*
 * The table of commands: words, operands, help and options, in the order of the overview.
 */
#include "cli/asking.h"

static const cli_option no_options[] = {{NULL, NULL, NULL}};

#define MOVED_OPTIONS                                                                                                  \
    {"--moved-from", "PREFIX", "read a table that was moved: the prefix its metadata holds"}, {                        \
        "--moved-to", "PREFIX", "and the prefix where it lies now"                                                     \
    }
#define SNAPSHOT_OPTIONS                                                                                               \
    {"--snapshot", "ID", "the snapshot of this id"}, {"--ref", "NAME", "the snapshot of this branch or tag"}, {        \
        "--as-of", "TIME", "the snapshot that was current at this time"                                                \
    }

#define LIMIT_OPTIONS                                                                                                  \
    {"--memory", "SIZE", "at most so much memory: 256MB, 4GiB, 64MB at least (default: half of the machine's)"}, {     \
        "--threads", "N", "threads (default: one per core)"                                                            \
    }
#define RESOURCE_OPTIONS {"--engine", "native|duckdb", "what computes: floe's kernel, or generated SQL"}, LIMIT_OPTIONS

static const cli_option init_options[] = {{"--example", "flights", "the example project"}, {NULL, NULL, NULL}};
static const cli_option moved_options[] = {MOVED_OPTIONS, {NULL, NULL, NULL}};
static const cli_option scan_options[] = {
    SNAPSHOT_OPTIONS,
    MOVED_OPTIONS,
    {"--columns", "a,b", "only these columns, in this order"},
    {"--where", "SQL", "only rows for which this is true"},
    {"--limit", "N", "at most this many rows"},
    {"-o", "FILE", ".parquet, .arrow, .csv or .jsonl; - or none: a table to read"},
    {NULL, NULL, NULL},
};
static const cli_option table_plan_options[] = {
    SNAPSHOT_OPTIONS,   MOVED_OPTIONS, {"--columns", "a,b", "only these columns"}, {"--where", "SQL", "what prunes"},
    {NULL, NULL, NULL},
};
static const cli_option import_options[] = {
    {"--append", NULL, "add to a table that exists"},
    {"--replace", NULL, "replace the rows of a table that exists"},
    {"--overwrite", NULL, "replace only the partitions that occur in the input"},
    {"--evolve", NULL, "with --append or --overwrite: take over new columns and wider types"},
    {"--sort", "COLUMNS", "'origin, date desc': stable, within each partition"},
    {"--partition", "SPEC", "'month(date), origin'"},
    {"--select", "SQL", "a select list over the input: '*, upper(code) AS code2'"},
    {"--types", "col=type,…", "read these columns as these types"},
    {"--describe", "FILE", "descriptions from a datapackage.json"},
    {NULL, NULL, NULL},
};
static const cli_option changes_options[] = {
    {"--from", "ID", "rows added after this snapshot"},
    {"--to", "ID", "up to this one (default: the current)"},
    MOVED_OPTIONS,
    {"-o", "FILE", ".parquet, .arrow, .csv or .jsonl; - or none: a table to read"},
    {NULL, NULL, NULL},
};
static const cli_option compact_options[] = {
    {"--target-size", "SIZE", "how large files become: 512MB"},
    {"--where", "SQL", "only files that may hold such rows"},
    {NULL, NULL, NULL},
};
static const cli_option expire_options[] = {
    {"--older-than", "AGE", "snapshots of this age go: 30d"},
    {"--keep-last", "N", "but the last N of each branch stay (default 1)"},
    {"--orphans-older-than", "AGE", "files that nothing names go at this age (default 3d)"},
    {"--force", NULL, "also snapshots that datasets were built from"},
    {"--dry-run", NULL, "only say what would go"},
    {NULL, NULL, NULL},
};
static const cli_option build_options[] = {
    {"--service", "NAME", "the features of this feature service"},
    {"--features", "LIST", "or these: view:feature or view, comma-separated"},
    {"--spine", "FILE|TABLE", "the labels: keys, times and whatever else"},
    {"--time", "COLUMN", "the labels' time (default: the only timestamp)"},
    {"--keys", "KEY=COLUMN,…", "spine columns whose names differ from the entity keys"},
    {"--as-known", NULL, "only rows that were known at the label's time"},
    {"--name", "NAME", "a name for the dataset"},
    RESOURCE_OPTIONS,
    {"--explain", NULL, "only say what would be read and how it would be joined"},
    {"-o", "FILE|TABLE", ".parquet, .arrow, .feather, .arrows, .csv, .jsonl, or catalog.ns.table"},
    {"--replace", NULL, "a table that exists gets these rows in the place of all"},
    {NULL, NULL, NULL},
};
static const cli_option rebuild_options[] = {
    RESOURCE_OPTIONS,
    {"-o", "FILE|TABLE", "where to (default: where it was built)"},
    {"--replace", NULL, "with -o TABLE: one that exists gets these rows in the place of all"},
    {NULL, NULL, NULL},
};
static const cli_option audit_options[] = {
    {"--file", "FILE|TABLE", "the dataset's file, or table[@snapshot] (default: where it was built)"},
    {"--sample", "N", "audit so many rows; 0: every one (default 10000)"},
    LIMIT_OPTIONS,
    {NULL, NULL, NULL},
};
static const cli_option sync_options[] = {{"--full", NULL, "write everything anew"}, {NULL, NULL, NULL}};
static const cli_option ingest_options[] = {
    {"--until-end", NULL, "stop when what was there at the start is applied"},
    {NULL, NULL, NULL},
};
static const cli_option get_options[] = {
    {"--as-of", "TIME", "judge ttl and end times as of this time"},
    {"--role", "ROLE", "see only what this role of floe.yaml sees"},
    {NULL, NULL, NULL},
};
static const cli_option serve_options[] = {
    {"--listen", "HOST:PORT", "instead of the project's; port 0: any free one"},
    {"--threads", "N", "reactor threads (default: one per core)"},
    {"--log", "text|json", "how events are logged to stderr"},
    {NULL, NULL, NULL},
};
static const cli_option key_create_options[] = {
    {"--role", "ROLE", "what the key may see: a role under access: in floe.yaml"},
    {"--name", "NAME", "what the key is for, to tell keys apart"},
    {NULL, NULL, NULL},
};
static const cli_option mcp_options[] = {
    {"--role", "ROLE", "see only what this role of floe.yaml sees"},
    {NULL, NULL, NULL},
};
static const cli_option index_options[] = {
    {"--import", "FILE.jsonl", "schemas of other databases, one table a line"},
    {"--forget", "DATABASE", "take an imported database out of the index"},
    {NULL, NULL, NULL},
};
#define QUESTION_OPTIONS                                                                                               \
    {"--role", "ROLE", "see only what this role of floe.yaml sees"}, {"--in", "NAMESPACE", "only tables from there"},  \
    {                                                                                                                  \
        "--tokens", "N", "how large the context may be (default 4000)"                                                 \
    }
static const cli_option context_options[] = {QUESTION_OPTIONS, {NULL, NULL, NULL}};
static const cli_option ask_options[] = {
    QUESTION_OPTIONS,
    {"--limit", "N", "how many rows are shown (default 100)"},
    {"--timeout", "SECONDS", "how long the query may run (default 60)"},
    {NULL, NULL, NULL},
};
static const cli_option question_add_options[] = {
    {"--sql", "FILE|TEXT", "the SQL that answers the question"},
    {"--tables", "a,b", "the tables it reads (default: found in the SQL)"},
    {"--import", "FILE", "questions of a file: JSON Lines or a JSON array"},
    {NULL, NULL, NULL},
};
static const cli_option search_options[] = {
    {"-k", "N", "how many hits (default 10)"},
    {"--kind", "KIND", "only table, column or feature"},
    {"--in", "NAMESPACE", "only there"},
    {"--role", "ROLE", "see only what this role of floe.yaml sees"},
    {"--batch", "Q.jsonl", "answer a file of questions, a line each, as JSON Lines"},
    {NULL, NULL, NULL},
};

const cli_command cli_commands[] = {
    {"init", "DIR", 1, 1, "Makes a commented project that runs.", "floe init flights --example flights", init_options,
     cli_init},
    {"plan", "", 0, 0, "Shows what apply would change.", "floe plan", no_options, cli_plan},
    {"apply", "", 0, 0, "Makes the definitions so, as a new version.", "floe apply", no_options, cli_apply},
    {"history", "", 0, 0, "Lists the versions that were applied.", "floe history --json", no_options, cli_history},
    {"doctor", "", 0, 0, "Checks every endpoint, file and definition, and says what to do.", "floe doctor", no_options,
     cli_doctor},
    {"table ls", "", 0, 0, "Lists the tables of the catalogs.", "floe table ls", no_options, cli_table_ls},
    {"table show", "TABLE", 1, 1, "Shows a table: schema, partitions, snapshot.",
     "floe table show lake.aviation.flights\nfloe table show ./lakehouse/aviation/flights --json", moved_options,
     cli_table_show},
    {"table snapshots", "TABLE", 1, 1, "Lists a table's snapshots.", "floe table snapshots lake.aviation.flights",
     moved_options, cli_table_snapshots},
    {"table scan", "TABLE", 1, 1, "Reads a table's rows.",
     "floe table scan lake.aviation.flights --where \"origin = 'SFO'\" --limit 5\nfloe table scan ./t --as-of "
     "2026-01-01 -o rows.parquet",
     scan_options, cli_table_scan},
    {"table plan", "TABLE", 1, 1, "Says which files a scan would read, and what pruned the rest.",
     "floe table plan lake.aviation.flights --where \"date < DATE '2001-02-01'\"", table_plan_options, cli_table_plan},
    {"table changes", "TABLE", 1, 1, "Reads the rows that were added between two snapshots.",
     "floe table changes lake.aviation.flights --from 3051729675574597004 -o added.parquet", changes_options,
     cli_table_changes},
    {"table import", "FILE… TABLE", 2, 10000, "Writes Parquet, CSV or JSON files into an Iceberg table.",
     "floe table import flights.parquet lake.aviation.flights --partition 'month(date)'", import_options,
     cli_table_import},
    {"table compact", "TABLE", 1, 1, "Puts small files together and applies deletes.",
     "floe table compact lake.aviation.flights --target-size 512MB", compact_options, cli_table_compact},
    {"table expire", "TABLE", 1, 1, "Lets old snapshots go, and the files that only they need.",
     "floe table expire lake.aviation.flights --older-than 30d --keep-last 5 --dry-run", expire_options,
     cli_table_expire},
    {"dataset build", "", 0, 0, "Builds a training set: features as of each label's time.",
     "floe dataset build --service delay_model --spine labels.parquet --as-known -o train.parquet", build_options,
     cli_dataset_build},
    {"dataset ls", "", 0, 0, "Lists the datasets that were built.", "floe dataset ls", no_options, cli_dataset_ls},
    {"dataset show", "ID", 1, 1, "Shows what a dataset was built from.", "floe dataset show 3f2a9c51d0e7", no_options,
     cli_dataset_show},
    {"dataset rebuild", "ID", 1, 1, "Makes a dataset once more, from the snapshots it was built from.",
     "floe dataset rebuild 3f2a9c51d0e7 -o again.parquet", rebuild_options, cli_dataset_rebuild},
    {"dataset audit", "ID", 1, 1, "Proves that no row used anything younger than it may.",
     "floe dataset audit 3f2a9c51d0e7", audit_options, cli_dataset_audit},
    {"dataset diff", "A B", 2, 2, "Says what lies between two datasets.", "floe dataset diff 3f2a9c51d0e7 81d0e73f2a9c",
     no_options, cli_dataset_diff},
    {"sync", "[VIEW…]", 0, 10000, "Brings the newest features into the online store.",
     "floe sync\nfloe sync airport_delays --full", sync_options, cli_sync},
    {"ingest", "[STREAM]", 0, 1, "Keeps the online store fresh from a Kafka topic.",
     "floe ingest departures --until-end", ingest_options, cli_ingest},
    {"get", "SERVICE|REF,… KEY=VALUE…", 1, 64, "Looks one entity up, with status and age.",
     "floe get delay_model origin=SFO destination=JFK", get_options, cli_get},
    {"serve", "", 0, 0, "Serves lookups and searches over HTTP.", "floe serve --listen 127.0.0.1:6566", serve_options,
     cli_serve},
    {"mcp", "", 0, 0, "Speaks the Model Context Protocol on stdin and stdout, for an agent that starts it.",
     "floe mcp --project flights\nfloe mcp --role analyst", mcp_options, cli_mcp},
    {"key create", "", 0, 0, "Makes an API key for a role of floe.yaml and prints it, once.",
     "floe key create --role analyst --name dashboard", key_create_options, cli_key_create},
    {"key ls", "", 0, 0, "Lists the API keys, without the keys themselves.", "floe key ls", no_options, cli_key_ls},
    {"key revoke", "ID", 1, 1, "Revokes an API key, for good.", "floe key revoke 3", no_options, cli_key_revoke},
    {"index", "", 0, 0, "Indexes catalogs and definitions for search.", "floe index\nfloe index --import crm.jsonl",
     index_options, cli_index},
    {"search", "[\"WORDS\"]", 0, 64, "Finds tables, columns and features.",
     "floe search \"flight delay\" -k 5\nfloe search --batch questions.jsonl", search_options, cli_search},
    {"context", "\"QUESTION\"", 1, 64, "Prints what an LLM should know to answer a question, as text for its prompt.",
     "floe context \"which airports have the worst delays\" --tokens 2000", context_options, cli_context},
    {"ask", "\"QUESTION\"", 1, 64, "Answers a question by SQL that an LLM writes, floe checks and runs.",
     "floe ask \"which airports have the worst delays\"", ask_options, cli_ask},
    {"question add", "[\"QUESTION\"]", 0, 64, "Keeps a verified question with its SQL.",
     "floe question add \"how many flights are there\" --sql 'SELECT count(*) FROM lake.aviation.flights'\n"
     "floe question add --import questions.jsonl",
     question_add_options, cli_question_add},
    {"question ls", "", 0, 0, "Lists the verified questions.", "floe question ls --json", no_options, cli_question_ls},
    {"question rm", "ID", 1, 1, "Forgets a verified question.", "floe question rm 3", no_options, cli_question_rm},
    {NULL, NULL, 0, 0, NULL, NULL, NULL, NULL},
};
