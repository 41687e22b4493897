/*
 * floe ask: a question answered by an LLM's SQL, run over the lake.
 *
 * Phases: context, SQL and its check in vector (ask.h) → before SQL counts as good, the engine's own estimate over the
 * real tables → rows, within limits → the answer on stdout; the SQL and its tables, and what was cut, on stderr.
 */
#include "cli/asking.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include <stdio.h>

/* Rows that a step of a query may be expected to have. */
#define ESTIMATE_MAX INT64_C(2000000000)
#define ROWS 100
#define ROWS_MAX 100000
#define SECONDS 60
#define SECONDS_MAX 86400

typedef struct asked {
    floe_cli *cli;
    floe_query_limits limits;
    floe_asking *asking; /* of the SQL that was judged good */
} asked;

static void asked_close(asked *run) {
    floe_asking_close(&run->asking);
}

/* ---- before it runs ---- */

static floe_status check_rows(const floe_sql_table *tables, size_t count, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(!tables[i].imported, err, FLOE_UNSUPPORTED,
                    "%.*s.%.*s is an imported schema, of which floe has no rows", FLOE_STR_BRIEF(tables[i].database),
                    FLOE_STR_BRIEF(tables[i].name));
    }
    return FLOE_OK;
}

/* The bound from the tables' real statistics. What it opened serves the run. */
static floe_status judge(void *context, floe_str sql, const floe_sql_table *tables, size_t count, floe_error *err) {
    asked *run = context;
    const floe_query_source *sources = NULL;
    int64_t rows = 0;
    floe_asking_close(&run->asking);
    FLOE_TRY(check_rows(tables, count, err));
    FLOE_TRY(cli_need_lake(run->cli, true, err));
    FLOE_TRY(cli_query_sources(run->cli, tables, count, &sources, err));
    FLOE_TRY(floe_asking_open(run->cli->lake, sources, count, &run->limits, &run->cli->run, &run->asking, err));
    FLOE_TRY(floe_asking_estimate(run->asking, sql, &rows, err));
    FLOE_ENSURE(rows <= ESTIMATE_MAX, err, FLOE_LIMIT,
                "a step of the query is expected to have %s rows, more than %s; is a join condition missing?",
                cli_count(run->cli, rows), cli_count(run->cli, ESTIMATE_MAX));
    return FLOE_OK;
}

/* ---- answers ---- */

static void show_sql(floe_cli *cli, const floe_ask_answer *answer) {
    fprintf(stderr, "%s\n", cli_text(cli, answer->sql));
    for (size_t i = 0; i < answer->table_count; i++) {
        fprintf(stderr, "%s%.*s.%.*s", i == 0 ? "tables: " : ", ", FLOE_STR_ARG(answer->tables[i].database),
                FLOE_STR_ARG(answer->tables[i].name));
    }
    fprintf(stderr, answer->table_count > 0 ? "\n" : "");
}

static floe_status print_rows(asked *run, const floe_ask_answer *answer, floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_asking_rows(run->asking, answer->sql, &stream, err));
    FLOE_TRY(cli_print_stream(run->cli, &stream, err));
    FLOE_TRY(cli_flush(err));
    if (floe_asking_was_cut(run->asking)) {
        fprintf(stderr, "only the first %s are shown; --limit shows more\n",
                cli_many(run->cli, run->limits.row_max, "row", "rows"));
    }
    return FLOE_OK;
}

/* With --json the answer itself comes first, on one line, then a line per row. */
static floe_status print_answer(asked *run, const floe_ask_answer *answer, floe_error *err) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(256));
    if (run->cli->json) {
        floe_ask_print_json(answer, &out);
        floe_buf_byte(&out, '\n');
        FLOE_TRY(floe_buf_check(&out, err));
        FLOE_TRY(cli_write(floe_buf_view(&out), err));
    } else if (answer->ok) {
        show_sql(run->cli, answer);
    }
    if (answer->ok) {
        return print_rows(run, answer, err);
    }
    if (!answer->asked) {
        FLOE_TRY(run->cli->json ? FLOE_OK : cli_write(answer->context.text, err));
        FLOE_TRY(cli_flush(err));
        fprintf(stderr, "%.*s\n", FLOE_STR_ARG(answer->problem));
        return FLOE_OK;
    }
    FLOE_TRY(cli_flush(err));
    return FLOE_FAIL(err, FLOE_DENIED, "the model's SQL was refused, %s: %.*s\n%.*s",
                     answer->rounds > 1 ? "after a second try too" : "at the first try",
                     (int)(answer->problem.len > 600 ? 600 : answer->problem.len), answer->problem.ptr,
                     (int)(answer->sql.len > 900 ? 900 : answer->sql.len), answer->sql.ptr ? answer->sql.ptr : "");
}

static floe_status read_limits(floe_cli *cli, floe_query_limits *ret_limits, floe_error *err) {
    int64_t rows = ROWS;
    int64_t seconds = SECONDS;
    FLOE_TRY(cli_value_i64(cli, "--limit", &rows, err));
    FLOE_TRY(cli_value_i64(cli, "--timeout", &seconds, err));
    CLI_USAGE(cli, rows >= 1 && rows <= ROWS_MAX, err, "--limit must be 1 to %d", ROWS_MAX);
    CLI_USAGE(cli, seconds >= 1 && seconds <= SECONDS_MAX, err, "--timeout must be 1 to %d seconds", SECONDS_MAX);
    *ret_limits = (floe_query_limits){.row_max = rows, .time_us = seconds * FLOE_US_PER_SECOND};
    return FLOE_OK;
}

floe_status cli_ask(floe_cli *cli, floe_error *err) {
    FLOE_CLEANUP(asked_close) asked run = {.cli = cli};
    FLOE_CLEANUP(floe_checker_close) floe_checker *checker = NULL;
    CLI_AUTO_ASKING asking = {0};
    floe_ask_request request = {.cancelled = &cli_cancelled, .judge = judge, .judge_context = &run};
    floe_ask_answer answer;
    FLOE_TRY(read_limits(cli, &run.limits, err));
    FLOE_TRY(cli_context_request(cli, &asking, &request.context, err));
    FLOE_TRY(cli_asking_open(cli, &asking, err));
    FLOE_TRY(cli_context_request(cli, &asking, &request.context, err));
    FLOE_TRY(floe_checker_open(&checker, err));
    floe_sql_check check = cli_sql_check(checker);
    request.check = &check;
    request.endpoint = cli->project->ask;
    FLOE_TRY(floe_ask(asking.search, &request, &cli->arena, &answer, err));
    return print_answer(&run, &answer, err);
}
