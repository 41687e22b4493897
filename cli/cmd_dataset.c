/*
 * floe dataset build and ls: training sets.
 */
#include "cli/cli.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_LEAST UINT64_C(64000000) /* bytes */

/* "origin=from_airport,destination=to" */
static floe_status parse_keys(floe_cli *cli, floe_dataset_request *request, floe_error *err) {
    if (!cli_value(cli, "--keys")) {
        return FLOE_OK;
    }
    const floe_str *items;
    size_t count;
    FLOE_TRY(cli_split_list(cli, cli_value(cli, "--keys"), &items, &count, err));
    floe_key_column *keys = floe_arena_alloc(&cli->arena, count, sizeof(*keys));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    for (size_t i = 0; i < count; i++) {
        floe_str rest = items[i], key;
        CLI_USAGE(cli, memchr(items[i].ptr, '=', items[i].len), err, "--keys \"%.*s\": write KEY=COLUMN",
                  FLOE_STR_BRIEF(items[i]));
        (void)floe_str_split(&rest, '=', &key);
        keys[i] = (floe_key_column){floe_str_trim(key), floe_str_trim(rest)};
        for (size_t other = 0; other < i; other++) {
            CLI_USAGE(cli, !floe_str_equal(keys[other].key, keys[i].key), err, "--keys names %.*s twice",
                      FLOE_STR_BRIEF(keys[i].key));
        }
    }
    request->keys = keys;
    request->key_count = count;
    return FLOE_OK;
}

/* A text of the manifest, "" for one that is not there or null. */
static floe_str fact(const floe_node *manifest, const char *key) {
    const floe_node *node = floe_node_get(manifest, key);
    return node && node->kind == FLOE_NODE_STRING ? node->text : (floe_str){0};
}

/* The registry's entry for what a manifest says. */
static floe_status list_dataset(floe_cli *cli, const floe_dataset_unlisted *dataset, floe_error *err) {
    const floe_node *manifest = NULL, *rows = NULL;
    floe_dataset_entry entry = {.manifest_path = floe_str_of(dataset->manifest_path), .manifest = dataset->manifest};
    floe_error why = {0};
    FLOE_TRY(floe_json_parse_any_text(&cli->arena, dataset->manifest, &manifest, err));
    rows = floe_node_get(manifest, "rows");
    FLOE_ENSURE(floe_str_is(fact(manifest, "id"), dataset->id) && rows && rows->kind == FLOE_NODE_INT, err,
                FLOE_CORRUPT, "it is not the manifest of the dataset %s", dataset->id);
    FLOE_TRY(floe_time_parse(fact(manifest, "created"), &entry.created_us, err));
    entry.id = fact(manifest, "id");
    entry.name = fact(manifest, "name");
    entry.row_count = rows->as.integer;
    entry.content_hash = fact(manifest, "content_hash");
    floe_status status = floe_registry_dataset_put(cli->registry, &entry, &why);
    bool is_listed = status.code == FLOE_CONFLICT && !why.retriable; /* by another process, a moment ago */
    if (floe_failed(status) && !is_listed) {
        return floe_error_set(err, why.code, why.sys_errno, why.file, why.line, "%s", why.message);
    }
    return floe_dataset_listed(cli->project->root, dataset->id, err);
}

/* Whether the commit of a table landed, where the build that began it did not say so: it was killed, it got no answer, or it
 * still runs. A catalog that cannot be asked now is asked again by the next command; what is known not to be there may go. */
static bool is_committed(floe_cli *cli, const floe_dataset_unlisted *dataset) {
    floe_error why = {0};
    bool committed = false;
    floe_status status = cli_need_lake(cli, true, &why);
    if (!floe_failed(status)) {
        status = floe_dataset_committed(cli->lake, dataset->manifest, &committed, &why);
    }
    if (floe_failed(status)) {
        fprintf(stderr, "note: whether the dataset %s is in its table is not known: %s\n", dataset->id, why.message);
    }
    if (!floe_failed(status) && !committed) {
        floe_dataset_sweep(cli->project->root, dataset->id);
    }
    return !floe_failed(status) && committed;
}

floe_status cli_list_datasets(floe_cli *cli, floe_error *err) {
    const floe_dataset_unlisted *datasets;
    size_t count;
    FLOE_TRY(floe_datasets_unlisted(cli->project->root, &cli->arena, &datasets, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (!datasets[i].is_unsure || is_committed(cli, &datasets[i])) {
            FLOE_TRY(floe_error_prefix(err, list_dataset(cli, &datasets[i], err), "%s", datasets[i].manifest_path));
        }
    }
    return FLOE_OK;
}

static floe_status print_result(floe_cli *cli, const floe_dataset_request *request, const floe_dataset_result *result,
                                floe_error *err) {
    if (cli->json) {
        return cli_write_object(
            cli, err, "id", cli_quoted(cli, floe_str_of(result->id)), "out", cli_quoted(cli, floe_str_of(request->out)),
            "rows", cli_i64(cli, result->row_count), "features", cli_i64(cli, (int64_t)request->ref_count),
            "source_rows", cli_i64(cli, result->source_rows), "ties", cli_i64(cli, result->ties), "null_times",
            cli_i64(cli, result->null_times), "content_hash", cli_quoted(cli, floe_str_of(result->content_hash)), NULL);
    }
    printf("dataset %s: %s × %s in %s (%s read, %s)\n", result->id, cli_many(cli, result->row_count, "row", "rows"),
           cli_many(cli, (int64_t)request->ref_count, "feature", "features"), request->out,
           cli_many(cli, result->source_rows, "source row", "source rows"), cli_seconds(cli, result->elapsed_us));
    if (result->ties > 0) {
        printf("note: %s decided by file order alone: the source has rows of equal key and times\n",
               cli_many(cli, result->ties, "value of a label was", "values of labels were"));
    }
    if (result->null_times > 0) {
        printf("note: %s no time in \"%s\", the first of them row %s: nothing matches without one\n",
               cli_many(cli, result->null_times, "row of the spine has", "rows of the spine have"),
               result->null_time_column, cli_i64(cli, result->null_time_row));
    }
    return FLOE_OK;
}

/* "256MB", "2GiB", "1.5G", "268435456": decimal units, or binary with an i; a bare letter is binary, as memory is
 * meant. */
floe_status cli_parse_size(const char *text, uint64_t *ret_bytes, floe_error *err) {
    static const struct {
        const char *unit;
        double factor;
    } units[] = {{"", 1},
                 {"b", 1},
                 {"k", 1024.},
                 {"kb", 1e3},
                 {"kib", 1024.},
                 {"mb", 1e6},
                 {"m", 1048576.},
                 {"mib", 1048576.},
                 {"gb", 1e9},
                 {"g", 1073741824.},
                 {"gib", 1073741824.},
                 {"tb", 1e12},
                 {"t", 1099511627776.},
                 {"tib", 1099511627776.}};
    size_t digits = strspn(text, "0123456789.");
    floe_str unit = floe_str_trim(floe_str_of(text + digits));
    double number = 0;
    bool is_number = digits > 0 && !floe_failed(floe_str_to_f64((floe_str){text, digits}, &number, NULL));
    for (size_t i = 0; is_number && i < sizeof(units) / sizeof(units[0]); i++) {
        double bytes = number * units[i].factor;
        if (floe_str_is_nocase(unit, units[i].unit) && bytes >= 1 && bytes < 1e18) {
            *ret_bytes = (uint64_t)bytes;
            return FLOE_OK;
        }
    }
    return FLOE_FAIL(err, FLOE_INVALID, "\"%.60s\" is no size; write 256MB, 2GiB or a number of bytes", text);
}

static floe_status choose_engine(floe_cli *cli, floe_dataset_request *request, floe_error *err) {
    const char *engine = cli_value(cli, "--engine");
    CLI_USAGE(cli, !engine || strcmp(engine, "native") == 0 || strcmp(engine, "duckdb") == 0, err,
              "--engine is native or duckdb");
    if (engine) {
        request->by_sql = strcmp(engine, "duckdb") == 0;
    }
    return FLOE_OK;
}

/* With less the engine cannot write a file, whatever the question. FLOE_MEMORY_LEAST is for tests, whose questions are small. */
static floe_status read_memory(floe_cli *cli, floe_dataset_request *request, floe_error *err) {
    const char *memory = cli_value(cli, "--memory"), *least = getenv("FLOE_MEMORY_LEAST");
    uint64_t least_bytes = MEMORY_LEAST;
    if (!memory) {
        return FLOE_OK;
    }
    if (least && *least) {
        FLOE_TRY(floe_error_prefix(err, cli_parse_size(least, &least_bytes, err), "FLOE_MEMORY_LEAST"));
    }
    floe_status status = cli_parse_size(memory, &request->memory_bytes, err);
    cli->usage = cli->usage || floe_failed(status);
    FLOE_TRY(floe_error_prefix(err, status, "--memory"));
    CLI_USAGE(cli, request->memory_bytes >= least_bytes, err, "--memory %.60s is too little: at least 64MB are needed",
              memory);
    return FLOE_OK;
}

floe_status cli_dataset_limits(floe_cli *cli, floe_dataset_request *request, floe_error *err) {
    int64_t threads = 0;
    FLOE_TRY(cli_value_i64(cli, "--threads", &threads, err));
    CLI_USAGE(cli, !cli_value(cli, "--threads") || (threads >= 1 && threads <= 1024), err,
              "--threads must be a number from 1 to 1024");
    cli->run.threads = (int)threads;
    return read_memory(cli, request, err);
}

floe_status cli_dataset_resources(floe_cli *cli, floe_dataset_request *request, floe_error *err) {
    FLOE_TRY(cli_dataset_limits(cli, request, err));
    request->floe_version = FLOE_VERSION;
    return choose_engine(cli, request, err);
}

static const char *known(floe_cli *cli, int64_t value) {
    return value < 0 ? NULL : cli_i64(cli, value);
}

/* Seconds for people, whole microseconds for programs. */
static const char *duration(floe_cli *cli, int64_t time_us) {
    return time_us < 0 || cli->json ? known(cli, time_us)
                                    : floe_arena_printf(&cli->arena, "%.3f s", (double)time_us / 1e6);
}

/* For people with its unit, for programs the number. */
static const char *known_bytes(floe_cli *cli, int64_t value) {
    return value < 0 || cli->json ? known(cli, value) : cli_bytes(cli, value);
}

static floe_status print_plan(floe_cli *cli, const floe_dataset_request *request, floe_error *err) {
    const char *const headings[] = {"step",
                                    "what",
                                    "rows",
                                    "bytes",
                                    "files",
                                    "of",
                                    "pruned_by_partition",
                                    "pruned_by_bounds",
                                    "row_groups",
                                    "of_row_groups",
                                    "memory",
                                    cli->json ? "micros" : "time"};
    static const bool is_number[] = {false, false, true, true, true, true, true, true, true, true, true, true};
    floe_dataset_step *steps;
    size_t count;
    FLOE_TRY(
        cli_progress_end(cli, floe_dataset_explain(cli->lake, request, &cli->run, &cli->arena, &steps, &count, err)));
    FLOE_TRY(cli_expect_times(cli, request, steps, count, err));
    cli_table table;
    cli_table_begin(&table, cli, headings, is_number, 12);
    for (size_t i = 0; i < count; i++) {
        const floe_dataset_step *s = &steps[i];
        const char *cells[] = {cli_text(cli, s->step),
                               cli_text(cli, s->what),
                               known(cli, s->rows),
                               known_bytes(cli, s->bytes),
                               known(cli, s->files_read),
                               known(cli, s->files_total),
                               known(cli, s->files_pruned_by_partition),
                               known(cli, s->files_pruned_by_bounds),
                               known(cli, s->row_groups_read),
                               known(cli, s->row_groups_total),
                               known_bytes(cli, s->memory_bytes),
                               duration(cli, s->time_us)};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}

/* Commands take an id or a name: a name that looks like an id could hide another dataset. */
static floe_status check_name(floe_cli *cli, floe_error *err) {
    const char *name = cli_value(cli, "--name");
    bool is_id = name && strlen(name) == 12 && strspn(name, "0123456789abcdef") == 12;
    CLI_USAGE(cli, !name || name[0] != '\0', err, "--name is empty; leave it out, or give the dataset a name");
    CLI_USAGE(cli, !is_id, err, "--name %s looks like the id of a dataset; give it another name", name);
    return FLOE_OK;
}

floe_status cli_dataset_build(floe_cli *cli, floe_error *err) {
    const char *service = cli_value(cli, "--service"), *features = cli_value(cli, "--features");
    CLI_USAGE(cli, (service != NULL) != (features != NULL), err, "name either --service or --features");
    CLI_USAGE(cli, cli_value(cli, "--spine"), err, "name the labels with --spine FILE or TABLE");
    bool explain = cli_flag(cli, "--explain");
    FLOE_TRY(check_name(cli, err));
    CLI_USAGE(cli, explain || cli_value(cli, "-o"), err, "name the output with -o FILE or TABLE");
    floe_ref *refs;
    floe_dataset_request request = {.service = floe_str_of(service ? service : ""),
                                    .spine = cli_value(cli, "--spine"),
                                    .time_column = cli_value(cli, "--time"),
                                    .as_known = cli_flag(cli, "--as-known"),
                                    .name = cli_value(cli, "--name"),
                                    .replace = cli_flag(cli, "--replace"),
                                    .out = cli_value(cli, "-o") ? cli_value(cli, "-o") : ""};
    FLOE_TRY(cli_dataset_resources(cli, &request, err));
    FLOE_TRY(cli_refs(cli, service, features, &refs, &request.ref_count, err));
    request.refs = refs;
    request.root = cli->project->root;
    request.definitions_version = cli->definitions->version;
    FLOE_TRY(parse_keys(cli, &request, err));
    FLOE_TRY(cli_need_lake(cli, true, err));
    if (explain) {
        return print_plan(cli, &request, err);
    }
    floe_dataset_result result;
    FLOE_TRY(cli_progress_end(cli, floe_dataset_build(cli->lake, &request, &cli->run, &result, err)));
    FLOE_TRY(cli_list_datasets(cli, err));
    return print_result(cli, &request, &result, err);
}

floe_status cli_dataset_ls(floe_cli *cli, floe_error *err) {
    static const char *const headings[] = {"id", "name", "created", "rows", "content_hash"};
    static const bool is_number[] = {false, false, false, true, false};
    FLOE_TRY(cli_need_registry(cli, false, err));
    FLOE_TRY(cli_list_datasets(cli, err));
    const floe_dataset_entry *entries;
    size_t count;
    FLOE_TRY(floe_registry_datasets(cli->registry, &cli->arena, &entries, &count, err));
    cli_table table;
    cli_table_begin(&table, cli, headings, is_number, 5);
    for (size_t i = 0; i < count; i++) {
        const char *cells[] = {cli_text(cli, entries[i].id), cli_text(cli, entries[i].name),
                               cli_time(cli, entries[i].created_us), cli_i64(cli, entries[i].row_count),
                               cli_text(cli, entries[i].content_hash)};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}
