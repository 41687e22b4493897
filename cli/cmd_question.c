/*
 * floe question add, ls, rm: verified questions and their SQL.
 */
#include "cli/asking.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"

#include <stdio.h>

#define FILE_BYTES_MAX FLOE_MIB(256)

typedef struct adding {
    floe_cli *cli;
    floe_search *search;
    const floe_sql_check *check;
    floe_question_entry *entries;
    size_t count, capacity;
} adding;

static floe_status add_source(void *context, const floe_question_source *source, floe_error *err) {
    adding *run = context;
    floe_arena *arena = &run->cli->arena;
    FLOE_ENSURE(!atomic_load(&cli_cancelled), err, FLOE_CANCELLED, "stopped; no question was added");
    floe_question_source kept = *source;
    kept.question = floe_arena_str(arena, floe_str_trim(source->question));
    kept.sql = floe_arena_str(arena, floe_str_trim(source->sql));
    floe_question_entry *entry = FLOE_ARENA_PUSH(arena, run->entries, run->count, run->capacity);
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_question_resolve(run->search, &kept, run->check, arena, entry, err);
}

/* --sql is a file where there is one of that name, else the SQL itself. */
static floe_status add_one(adding *run, const char *sql, floe_error *err) {
    floe_cli *cli = run->cli;
    floe_question_source source = {.question = cli_question(cli), .sql = floe_str_of(sql)};
    const char *tables = cli_value(cli, "--tables");
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_QUESTION_SQL_BYTES_MAX);
    if (floe_file_exists(sql) && !floe_file_is_dir(sql)) {
        FLOE_TRY(floe_file_read(sql, &text, err));
        source.sql = floe_buf_view(&text);
    }
    if (tables) {
        FLOE_TRY(cli_split_list(cli, tables, &source.tables, &source.table_count, err));
    }
    return add_source(run, &source, err);
}

static floe_status import(adding *run, const char *path, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_question_sink sink = {.question = add_source, .context = run};
    int64_t count = 0;
    floe_buf_init(&text, FILE_BYTES_MAX);
    FLOE_TRY(floe_file_read(path, &text, err));
    return floe_questions_read(floe_buf_view(&text), path, &sink, &count, err);
}

static floe_status report(floe_cli *cli, const int64_t *ids, size_t count, floe_error *err) {
    if (cli->json) {
        return count == 1 ? cli_write_object(cli, err, "id", cli_i64(cli, ids[0]), NULL)
                          : cli_write_object(cli, err, "questions", cli_i64(cli, (int64_t)count), NULL);
    }
    printf("%s verified\n", cli_many(cli, (int64_t)count, "question", "questions"));
    return cli_flush(err);
}

static floe_status gather(adding *run, floe_error *err) {
    const char *file = cli_value(run->cli, "--import");
    return file ? import(run, file, err) : add_one(run, cli_value(run->cli, "--sql"), err);
}

/* The index is read without its vectors: only names are looked up. */
floe_status cli_question_add(floe_cli *cli, floe_error *err) {
    const char *sql = cli_value(cli, "--sql"), *file = cli_value(cli, "--import");
    CLI_USAGE(cli, (file != NULL) != (sql != NULL), err, "give either a question with --sql, or --import FILE");
    CLI_USAGE(cli, (cli->operand_count > 0) == (sql != NULL), err, "a question goes with --sql, a file has its own");
    CLI_USAGE(cli, sql || !cli_value(cli, "--tables"), err, "--tables goes with --sql; a file names tables itself");
    FLOE_CLEANUP(floe_search_close) floe_search *search = NULL;
    FLOE_CLEANUP(floe_checker_close) floe_checker *checker = NULL;
    FLOE_TRY(cli_need_project(cli, err));
    FLOE_TRY(floe_search_open(cli_project_path(cli, ".floe/search"), NULL, &search, err));
    FLOE_TRY(floe_checker_open(&checker, err));
    floe_sql_check check = cli_sql_check(checker);
    adding run = {.cli = cli, .search = search, .check = &check};
    FLOE_TRY(gather(&run, err));
    FLOE_TRY(cli_need_registry(cli, true, err));
    int64_t *ids = floe_arena_alloc(&cli->arena, run.count + 1, sizeof(*ids));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    FLOE_TRY(floe_registry_questions_put(cli->registry, run.entries, run.count, ids, err));
    return report(cli, ids, run.count, err);
}

static const char *tables_of(floe_cli *cli, const floe_question_entry *entry) {
    const char *text = "";
    for (size_t i = 0; i < entry->table_count; i++) {
        text = floe_arena_printf(&cli->arena, "%s%s%.*s.%.*s", text ? text : "", i > 0 ? ", " : "",
                                 FLOE_STR_ARG(entry->tables[i].database), FLOE_STR_ARG(entry->tables[i].table));
    }
    return text;
}

floe_status cli_question_ls(floe_cli *cli, floe_error *err) {
    static const char *const headings[] = {"id", "question", "tables", "added", "sql"};
    static const bool is_number[] = {true, false, false, false, false};
    const floe_question_entry *entries = NULL;
    size_t count = 0;
    cli_table table;
    FLOE_TRY(cli_need_registry(cli, false, err));
    FLOE_TRY(floe_registry_questions(cli->registry, &cli->arena, &entries, &count, err));
    cli_table_begin(&table, cli, headings, is_number, cli->json ? 5 : 4);
    for (size_t i = 0; i < count; i++) {
        const char *cells[] = {cli_i64(cli, entries[i].id), cli_text(cli, entries[i].question),
                               tables_of(cli, &entries[i]), cli_time(cli, entries[i].added_us),
                               cli_text(cli, entries[i].sql)};
        cli_table_row(&table, cells);
    }
    return cli_table_end(&table, err);
}

floe_status cli_question_rm(floe_cli *cli, floe_error *err) {
    int64_t id = 0;
    bool number = !floe_failed(floe_str_to_i64(floe_str_of(cli->operands[0]), &id, NULL));
    CLI_USAGE(cli, number, err, "\"%.120s\" is no number of a question; floe question ls lists them", cli->operands[0]);
    FLOE_TRY(cli_need_registry(cli, false, err));
    FLOE_TRY(floe_registry_question_remove(cli->registry, id, err));
    if (cli->json) {
        return cli_write_object(cli, err, "removed", cli_i64(cli, id), NULL);
    }
    printf("question %s is no longer verified\n", cli_i64(cli, id));
    return cli_flush(err);
}
