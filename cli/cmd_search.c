/*
 * floe index, search: finding tables, columns and features.
 */
#include "cli/asking.h"
#include "cli/sample.h"
#include "core/limits.h"

#include <stdio.h>
#include <string.h>

/* ---- index ---- */

/* `known` is the version that is indexed, empty for none. */
static floe_status crawl_table(floe_cli *cli, const floe_table_name *name, floe_str known, floe_arena *arena,
                               floe_status (*sink_table)(void *sink, const floe_catalog_table *table, floe_error *err),
                               void *sink, floe_error *err) {
    floe_table *table = NULL;
    FLOE_TRY(
        floe_table_open(cli->lake, floe_arena_strndup(arena, name->full.ptr, name->full.len), NULL, NULL, &table, err));
    floe_table_info info;
    floe_status status = floe_table_describe(table, arena, &info, err);
    floe_catalog_column *columns = NULL;
    if (!floe_failed(status)) {
        columns = floe_arena_alloc(arena, info.column_count, sizeof(*columns));
        status = floe_arena_check(arena, err);
    }
    for (size_t i = 0; !floe_failed(status) && i < info.column_count; i++) {
        columns[i] = (floe_catalog_column){
            .name = info.columns[i].name, .type = info.columns[i].type_text, .description = info.columns[i].doc};
    }
    /* A table whose files cannot be read is still found by its names: as it was indexed, or without values. Its version
     * is not the one that is there, so that the next crawl reads it again. */
    floe_error unread = {0};
    bool is_read = floe_failed(status) || !floe_failed(cli_sample(table, &info, arena, columns, &unread));
    if (!is_read) {
        fprintf(stderr, "the values of %.*s cannot be read: %s\n", FLOE_STR_ARG(name->full), unread.message);
    }
    if (!floe_failed(status)) {
        floe_str database = {name->full.ptr, name->full.len - name->table.len - 1};
        floe_catalog_table found = {.database = database,
                                    .name = name->table,
                                    .description = info.comment,
                                    .columns = is_read || known.len == 0 ? columns : NULL,
                                    .column_count = is_read || known.len == 0 ? info.column_count : 0,
                                    .version = is_read ? floe_str_of(name->metadata_path) : known};
        status = sink_table(sink, &found, err);
    }
    floe_table_close(&table);
    return status;
}

/* vector ← offline: every table, read only where its metadata changed. */
static floe_status crawl(void *context,
                         floe_status (*table)(void *sink, const floe_catalog_table *table, floe_error *err),
                         floe_str (*known)(void *sink, floe_str database, floe_str name), void *sink, floe_error *err) {
    floe_cli *cli = context;
    const floe_table_name *names;
    size_t count;
    FLOE_TRY(floe_table_list(cli->lake, &cli->arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(!atomic_load(&cli_cancelled), err, FLOE_CANCELLED, "stopped; the index is as it was before");
        cli_progress_step(cli, "reading tables", (double)i / (double)count);
        floe_str database = {names[i].full.ptr, names[i].full.len - names[i].table.len - 1};
        floe_str version = floe_str_of(names[i].metadata_path);
        floe_str indexed = known(sink, database, names[i].table);
        if (floe_str_equal(indexed, version)) {
            floe_catalog_table unchanged = {.database = database, .name = names[i].table, .version = version};
            FLOE_TRY(table(sink, &unchanged, err));
            continue;
        }
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_GIB(1));
        FLOE_TRY(crawl_table(cli, &names[i], indexed, &arena, table, sink, err));
    }
    return FLOE_OK;
}

/* What is applied, or nothing. */
static floe_status definitions_if_any(floe_cli *cli, floe_error *err) {
    floe_error missing = {0};
    floe_status status = cli_need_definitions(cli, &missing);
    if (floe_failed(status) && status.code != FLOE_NOT_FOUND) {
        *err = missing;
        return status;
    }
    return FLOE_OK;
}

floe_status cli_index(floe_cli *cli, floe_error *err) {
    FLOE_TRY(cli_need_lake(cli, true, err));
    FLOE_TRY(definitions_if_any(cli, err));
    FLOE_CLEANUP(floe_embedder_close) floe_embedder *embedder = NULL;
    FLOE_TRY(floe_search_embedder_open(cli->project, 0, &embedder, err));
    floe_catalog_reader reader = {crawl, cli};
    const char *import = cli_value(cli, "--import"), *forget = cli_value(cli, "--forget");
    floe_str abbreviations = cli->project->abbreviations;
    floe_index_request request = {.folder = cli_project_path(cli, ".floe/search"),
                                  .catalog = &reader,
                                  .definitions = cli->definitions,
                                  .imports = &import,
                                  .import_count = import ? 1 : 0,
                                  .forget = &forget,
                                  .forget_count = forget ? 1 : 0,
                                  .embedder = embedder};
    if (abbreviations.len > 0) {
        request.abbreviations =
            cli_project_path(cli, floe_arena_strndup(&cli->arena, abbreviations.ptr, abbreviations.len));
    }
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    floe_index_result result;
    FLOE_TRY(cli_progress_end(cli, floe_index_build(&request, &result, err)));
    if (cli->json) {
        return cli_write_object(
            cli, err, "tables", cli_i64(cli, result.tables), "columns", cli_i64(cli, result.columns), "features",
            cli_i64(cli, result.features), "documents_changed", cli_i64(cli, result.documents_changed),
            "documents_unchanged", cli_i64(cli, result.documents_unchanged), "documents_removed",
            cli_i64(cli, result.documents_removed), "documents_embedded", cli_i64(cli, result.documents_embedded),
            "words_embedded", cli_i64(cli, result.words_embedded), "duplicates", cli_i64(cli, result.duplicates),
            "rebuilt", result.rebuilt ? "true" : "false", NULL);
    }
    if (result.rebuilt) {
        fprintf(stderr, "the earlier index was damaged or of another format and was built anew; "
                        "what was imported into it must be imported again\n");
    }
    if (result.duplicates > 0) {
        fprintf(stderr, "%s more than once in the import; the last line of each counts\n",
                cli_many(cli, result.duplicates, "table was given", "tables were given"));
    }
    printf("%s, %s, %s indexed; %s new or changed, %s unchanged, %s removed, %s embedded (%s)\n",
           cli_many(cli, result.tables, "table", "tables"), cli_many(cli, result.columns, "column", "columns"),
           cli_many(cli, result.features, "feature", "features"),
           cli_many(cli, result.documents_changed, "document", "documents"), cli_count(cli, result.documents_unchanged),
           cli_count(cli, result.documents_removed), cli_count(cli, result.documents_embedded),
           cli_seconds(cli, result.elapsed_us));
    return FLOE_OK;
}

/* ---- search ---- */

/* The operands as one question. */
static const char *question_of(floe_cli *cli) {
    const char *text = "";
    for (size_t i = 0; i < cli->operand_count; i++) {
        text = floe_arena_printf(&cli->arena, "%s%s%s", text ? text : "", i > 0 ? " " : "", cli->operands[i]);
    }
    return text;
}

static const char *hit_name(floe_cli *cli, const floe_hit *hit) {
    if (hit->feature.len > 0) {
        return cli_text(cli, hit->feature);
    }
    return floe_arena_printf(&cli->arena, "%.*s.%.*s%s%.*s", FLOE_STR_ARG(hit->database), FLOE_STR_ARG(hit->table),
                             hit->column.len > 0 ? "." : "", FLOE_STR_ARG(hit->column));
}

static const char *hit_reasons(floe_cli *cli, const floe_hit *hit) {
    const char *text = "";
    for (size_t i = 0; i < hit->reason_count; i++) {
        const floe_reason *reason = &hit->reasons[i];
        text = floe_arena_printf(&cli->arena, "%s%s%.*s%s%.*s%s", text ? text : "", i > 0 ? "; " : "",
                                 FLOE_STR_ARG(reason->signal), reason->words.len > 0 ? " (" : "",
                                 FLOE_STR_ARG(reason->words), reason->words.len > 0 ? ")" : "");
    }
    return text;
}

static floe_status print_answer(floe_cli *cli, const floe_answer *answer, floe_error *err) {
    static const char *const headings[] = {"score", "kind", "name", "why"};
    static const bool is_number[] = {true, false, false, false};
    if (cli->json) {
        FLOE_AUTO_BUF out;
        floe_buf_init(&out, FLOE_MIB(256));
        floe_answer_print_json(answer, &out);
        floe_buf_text(&out, "\n");
        FLOE_TRY(floe_buf_check(&out, err));
        return cli_write(floe_buf_view(&out), err);
    }
    cli_table table;
    cli_table_begin(&table, cli, headings, is_number, 4);
    for (size_t i = 0; i < answer->hit_count; i++) {
        const floe_hit *hit = &answer->hits[i];
        const char *cells[] = {floe_arena_printf(&cli->arena, "%.3f", hit->score), floe_hit_kind_name(hit->kind),
                               hit_name(cli, hit), hit_reasons(cli, hit)};
        cli_table_row(&table, cells);
    }
    FLOE_TRY(cli_table_end(&table, err));
    FLOE_TRY(cli_flush(err));
    fprintf(stderr, "%s; mode: %.*s\n", cli_many(cli, (int64_t)answer->hit_count, "hit", "hits"),
            FLOE_STR_ARG(answer->mode));
    return FLOE_OK;
}

static floe_status write_line(void *context, floe_str line, floe_error *err) {
    (void)context;
    return cli_write(line, err);
}

static floe_status run_batch(floe_search *search, const floe_query *query, const char *path, floe_error *err) {
    floe_batch batch = {.path = path, .query = *query, .line = write_line};
    int64_t questions;
    return floe_search_batch(search, &batch, &questions, err);
}

static void search_cleanup(floe_search **search) {
    if (*search) {
        floe_search_close(search);
    }
}

floe_status cli_search(floe_cli *cli, floe_error *err) {
    const char *batch = cli_value(cli, "--batch"), *kind = cli_value(cli, "--kind"), *in = cli_value(cli, "--in");
    CLI_USAGE(cli, (batch != NULL) != (cli->operand_count > 0), err, "give either words to search for or --batch FILE");
    int64_t k = 10;
    FLOE_TRY(cli_value_i64(cli, "-k", &k, err));
    CLI_USAGE(cli, k >= 1 && k <= FLOE_LIMIT_SEARCH_HITS, err, "-k must be 1 to %d", FLOE_LIMIT_SEARCH_HITS);
    floe_query query = {.text = floe_str_of(question_of(cli)), .k = (size_t)k, .in = floe_str_of(in ? in : "")};
    if (kind) {
        floe_status status = floe_hit_kind_parse(floe_str_of(kind), &query.kind, err);
        cli->usage = floe_failed(status);
        FLOE_TRY(floe_error_prefix(err, status, "--kind"));
    }
    FLOE_TRY(cli_need_project(cli, err));
    const char *role = cli_value(cli, "--role");
    if (role) {
        FLOE_TRY(floe_project_role(cli->project, floe_str_of(role), &cli->arena, &query.role, err));
    }
    FLOE_CLEANUP(floe_embedder_close) floe_embedder *embedder = NULL;
    FLOE_CLEANUP(search_cleanup) floe_search *search = NULL;
    FLOE_TRY(floe_search_embedder_open(cli->project, 1, &embedder, err));
    FLOE_TRY(floe_search_open(cli_project_path(cli, ".floe/search"), embedder, &search, err));
    FLOE_CLEANUP(floe_verified_close) floe_verified *verified = NULL;
    FLOE_TRY(cli_load_verified(cli, &verified, err));
    query.verified = verified;
    if (batch) {
        return run_batch(search, &query, batch, err);
    }
    floe_answer answer;
    FLOE_TRY(floe_search_query(search, &query, &cli->arena, &answer, err));
    return print_answer(cli, &answer, err);
}
