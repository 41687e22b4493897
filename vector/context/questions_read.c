/*
 * Files of questions with their SQL: JSON Lines of our own, and the JSON arrays in which question sets are published.
 *
 * Phases: every entry is read and checked, bad ones are gathered → only when none is bad, each goes to the sink.
 */
#include "vector/context/context_int.h"

#include "core/limits.h"
#include "vector/lines_int.h"

#define FILE_ARENA_MAX FLOE_GIB(1)
#define ERRORS_SHOWN 10

typedef struct reading {
    floe_arena *arena;
    floe_question_source *sources;
    size_t count, capacity;
} reading;

/* ---- one entry ---- */

/* The text of the first of these members that is a text; empty when none is. */
static floe_str first_text(const floe_node *object, const char *const *keys, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const floe_node *node = floe_node_get(object, keys[i]);
        if (node && node->kind == FLOE_NODE_STRING) {
            return node->text;
        }
    }
    return FLOE_STR("");
}

static floe_status read_tables(const floe_node *object, floe_arena *arena, floe_question_source *source,
                               floe_error *err) {
    const floe_node *node = floe_node_get(object, "tables");
    if (!node || node->kind == FLOE_NODE_NULL) {
        return FLOE_OK;
    }
    FLOE_ENSURE(node->kind == FLOE_NODE_ARRAY, err, FLOE_INVALID, "\"tables\" is %s, not a list",
                floe_node_kind_name(node->kind));
    FLOE_ENSURE(node->count <= FLOE_QUESTION_TABLES_MAX, err, FLOE_LIMIT, "\"tables\" has %zu names; the most is %d",
                node->count, FLOE_QUESTION_TABLES_MAX);
    floe_str *tables = floe_arena_alloc(arena, node->count + 1, sizeof(*tables));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < node->count; i++) {
        FLOE_ENSURE(node->items[i]->kind == FLOE_NODE_STRING, err, FLOE_INVALID, "\"tables\" holds %s, not only names",
                    floe_node_kind_name(node->items[i]->kind));
        tables[i] = floe_arena_str(arena, node->items[i]->text);
    }
    source->tables = tables;
    source->table_count = node->count;
    return floe_arena_check(arena, err);
}

/* Our own members, and those of Spider and BIRD; in Spider's files "sql" is a tree and "query" the text. */
static floe_status read_entry(const floe_node *object, floe_arena *arena, floe_question_source *ret_source,
                              floe_error *err) {
    static const char *const known[] = {
        "question", "sql",         "SQL",      "query",      "tables",     "database",      "db_id",
        "id",       "question_id", "evidence", "difficulty", "query_toks", "question_toks", "query_toks_no_value"};
    static const char *const sqls[] = {"sql", "SQL", "query"};
    static const char *const databases[] = {"database", "db_id"};
    floe_str question = {0};
    FLOE_TRY(floe_members_check(object, "the entry", known, sizeof(known) / sizeof(known[0]), err));
    const floe_node *node = floe_node_get(object, "question");
    FLOE_ENSURE(node && node->kind != FLOE_NODE_NULL, err, FLOE_INVALID, "the entry has no \"question\"");
    FLOE_TRY(floe_node_need_str(object, "question", "the entry", &question, err));
    floe_str sql = first_text(object, sqls, 3);
    FLOE_ENSURE(floe_str_trim(question).len > 0, err, FLOE_INVALID, "the entry has an empty \"question\"");
    FLOE_ENSURE(floe_str_trim(sql).len > 0, err, FLOE_INVALID, "the entry has no \"sql\"");
    FLOE_ENSURE(question.len <= FLOE_QUESTION_BYTES_MAX, err, FLOE_LIMIT, "a question of %zu bytes; the most is %d",
                question.len, FLOE_QUESTION_BYTES_MAX);
    FLOE_ENSURE(sql.len <= FLOE_QUESTION_SQL_BYTES_MAX, err, FLOE_LIMIT, "SQL of %zu bytes; the most is %d", sql.len,
                FLOE_QUESTION_SQL_BYTES_MAX);
    *ret_source = (floe_question_source){.question = floe_arena_str(arena, question),
                                         .sql = floe_arena_str(arena, sql),
                                         .database = floe_arena_str(arena, first_text(object, databases, 2))};
    return read_tables(object, arena, ret_source, err);
}

static floe_status keep(reading *run, const floe_question_source *source, floe_error *err) {
    floe_question_source *kept = FLOE_ARENA_PUSH(run->arena, run->sources, run->count, run->capacity);
    FLOE_TRY(floe_arena_check(run->arena, err));
    *kept = *source;
    return FLOE_OK;
}

/* ---- files ---- */

static floe_status take_line(void *context, const floe_node *object, floe_arena *arena, bool is_good, floe_error *err) {
    reading *run = context;
    floe_question_source source = {0};
    (void)arena;
    FLOE_TRY(read_entry(object, run->arena, &source, err));
    return is_good ? keep(run, &source, err) : FLOE_OK;
}

static floe_status read_array(reading *run, floe_str text, const char *file, floe_error *err) {
    const floe_node *root = NULL;
    size_t errors = 0;
    floe_status first = FLOE_OK;
    floe_status status = floe_json_parse(run->arena, text, &root, err);
    FLOE_TRY(floe_error_prefix(err, status, "%s", file));
    for (size_t i = 0; i < root->count; i++) {
        floe_error found = {0};
        floe_question_source source = {0};
        status = read_entry(root->items[i], run->arena, &source, &found);
        if (!floe_failed(status)) {
            FLOE_TRY(keep(run, &source, err));
        } else if (++errors == 1) {
            first = FLOE_FAIL(err, found.code, "%s: entry %zu: %s", file, i + 1, found.message);
        } else if (errors <= ERRORS_SHOWN) {
            floe_error_append_line(err, "%s: entry %zu: %s", file, i + 1, found.message);
        }
    }
    if (errors > ERRORS_SHOWN) {
        floe_error_append_line(err, "and %zu more", errors - ERRORS_SHOWN);
    }
    return first;
}

floe_status floe_questions_read(floe_str text, const char *file, const floe_question_sink *sink, int64_t *ret_count,
                                floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FILE_ARENA_MAX);
    reading run = {.arena = &arena};
    floe_line_sink lines = {.line = take_line, .context = &run};
    floe_str start = floe_str_trim(text);
    if (start.len > 0 && start.ptr[0] == '[') {
        FLOE_TRY(read_array(&run, start, file, err));
    } else {
        FLOE_TRY(floe_lines_each(text, file, &lines, err));
    }
    for (size_t i = 0; i < run.count; i++) {
        FLOE_TRY(sink->question(sink->context, &run.sources[i], err));
    }
    *ret_count = (int64_t)run.count;
    return FLOE_OK;
}
