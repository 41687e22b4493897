/*
 * Verified questions in the registry file.
 *
 * Their two tables are made by the first question that is kept, so a registry without any is one that every floe of its
 * schema version reads. A number beside them counts the changes, so that a server can ask cheaply whether it must read
 * them again. The tables that a question reads are kept as JSON, because names may hold any character.
 */
#include "registry/questions.h"

#include "core/json.h"
#include "core/time.h"
#include "registry/store_int.h"

#define TABLES_BYTES_MAX ((size_t)1 << 20)

static const char schema[] =
    "CREATE TABLE IF NOT EXISTS questions(id INTEGER PRIMARY KEY AUTOINCREMENT, question TEXT NOT NULL UNIQUE,"
    " sql TEXT NOT NULL, tables TEXT NOT NULL, added_us INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS questions_version(one INTEGER PRIMARY KEY CHECK (one = 1), version INTEGER NOT NULL);"
    "INSERT OR IGNORE INTO questions_version VALUES (1, 0);";

/* Whether any question was ever kept. */
static floe_status find_tables(floe_registry *registry, bool *ret_found, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_TRY(floe_sql_prepare(
        registry->sql, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'questions_version'", &stmt, err));
    return floe_sql_step(stmt, ret_found, err);
}

static floe_status count_change(floe_registry *registry, floe_error *err) {
    return floe_sql_exec(registry->sql, "UPDATE questions_version SET version = version + 1", err);
}

/* ---- writing ---- */

static floe_status check_entry(const floe_question_entry *entry, floe_error *err) {
    FLOE_ENSURE(floe_str_trim(entry->question).len > 0, err, FLOE_INVALID, "the question is empty");
    FLOE_ENSURE(floe_str_trim(entry->sql).len > 0, err, FLOE_INVALID, "the question \"%.*s\" has no SQL",
                FLOE_STR_BRIEF(entry->question));
    FLOE_ENSURE(entry->question.len <= FLOE_QUESTION_BYTES_MAX, err, FLOE_LIMIT,
                "a question of %zu bytes; the most is %d", entry->question.len, FLOE_QUESTION_BYTES_MAX);
    FLOE_ENSURE(entry->sql.len <= FLOE_QUESTION_SQL_BYTES_MAX, err, FLOE_LIMIT,
                "the SQL of the question \"%.*s\" has %zu bytes; the most is %d", FLOE_STR_BRIEF(entry->question),
                entry->sql.len, FLOE_QUESTION_SQL_BYTES_MAX);
    FLOE_ENSURE(entry->table_count > 0, err, FLOE_INVALID, "the question \"%.*s\" reads no table",
                FLOE_STR_BRIEF(entry->question));
    FLOE_ENSURE(entry->table_count <= FLOE_QUESTION_TABLES_MAX, err, FLOE_LIMIT,
                "the question \"%.*s\" reads %zu tables; the most is %d", FLOE_STR_BRIEF(entry->question),
                entry->table_count, FLOE_QUESTION_TABLES_MAX);
    bool text = floe_str_is_utf8(entry->question) && floe_str_is_utf8(entry->sql);
    FLOE_ENSURE(text, err, FLOE_INVALID, "a question or its SQL is not well-formed UTF-8");
    return FLOE_OK;
}

static floe_status print_tables(const floe_question_entry *entry, floe_buf *out, floe_error *err) {
    floe_json_writer writer = floe_json_writer_of(out);
    floe_json_array_begin(&writer);
    for (size_t i = 0; i < entry->table_count; i++) {
        floe_json_array_begin(&writer);
        floe_json_string(&writer, entry->tables[i].database);
        floe_json_string(&writer, entry->tables[i].table);
        floe_json_array_end(&writer);
    }
    floe_json_array_end(&writer);
    return floe_buf_check(out, err);
}

static floe_status put_one(floe_registry *registry, const floe_question_entry *entry, int64_t *ret_id,
                           floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    FLOE_AUTO_BUF tables;
    bool row = false;
    floe_buf_init(&tables, TABLES_BYTES_MAX);
    FLOE_TRY(check_entry(entry, err));
    FLOE_TRY(print_tables(entry, &tables, err));
    FLOE_TRY(floe_sql_prepare(registry->sql,
                              "INSERT INTO questions(question, sql, tables, added_us) VALUES (?1, ?2, ?3, ?4)"
                              " ON CONFLICT(question) DO UPDATE SET sql = excluded.sql, tables = excluded.tables,"
                              " added_us = excluded.added_us RETURNING id",
                              &stmt, err));
    floe_sql_bind_text(stmt, 1, entry->question);
    floe_sql_bind_text(stmt, 2, entry->sql);
    floe_sql_bind_text(stmt, 3, floe_buf_view(&tables));
    floe_sql_bind_i64(stmt, 4, entry->added_us != 0 ? entry->added_us : floe_now_us());
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    *ret_id = row ? floe_sql_i64(stmt, 0) : 0;
    return row ? floe_sql_step(stmt, &row, err) : FLOE_OK;
}

static floe_status put_all(floe_registry *registry, const floe_question_entry *entries, size_t count, int64_t *ret_ids,
                           floe_error *err) {
    FLOE_TRY(floe_sql_exec(registry->sql, schema, err));
    for (size_t i = 0; i < count; i++) {
        int64_t id = 0;
        FLOE_TRY(put_one(registry, &entries[i], &id, err));
        if (ret_ids != NULL) {
            ret_ids[i] = id;
        }
    }
    return count_change(registry, err);
}

/* Ends a transaction in the way its work came out. */
static floe_status finish(floe_registry *registry, floe_status status, floe_error *err) {
    if (!floe_failed(status)) {
        status = floe_sql_commit(registry->sql, err);
    }
    if (floe_failed(status)) {
        floe_sql_rollback(registry->sql);
    }
    return status;
}

floe_status floe_registry_questions_put(floe_registry *registry, const floe_question_entry *entries, size_t count,
                                        int64_t *ret_ids, floe_error *err) {
    if (count == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_sql_begin(registry->sql, err));
    return finish(registry, put_all(registry, entries, count, ret_ids, err), err);
}

static floe_status remove_one(floe_registry *registry, int64_t id, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    bool found = false;
    FLOE_TRY(find_tables(registry, &found, err));
    if (found) {
        FLOE_TRY(floe_sql_prepare(registry->sql, "DELETE FROM questions WHERE id = ?1", &stmt, err));
        floe_sql_bind_i64(stmt, 1, id);
        FLOE_TRY(floe_store_run(stmt, err));
        found = floe_sql_changes(registry->sql) > 0;
    }
    FLOE_ENSURE(found, err, FLOE_NOT_FOUND, "there is no verified question %lld; floe question ls lists them",
                (long long)id);
    return count_change(registry, err);
}

floe_status floe_registry_question_remove(floe_registry *registry, int64_t id, floe_error *err) {
    FLOE_TRY(floe_sql_begin(registry->sql, err));
    return finish(registry, remove_one(registry, id, err), err);
}

/* ---- reading ---- */

static floe_status parse_tables(floe_str text, floe_arena *arena, floe_question_entry *entry, floe_error *err) {
    const floe_node *root = NULL;
    floe_status status = floe_json_parse(arena, text, &root, err);
    FLOE_TRY(floe_error_prefix(err, status, "the tables of the verified question %lld", (long long)entry->id));
    floe_question_table *tables = floe_arena_alloc(arena, root->count + 1, sizeof *tables);
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < root->count; i++) {
        bool pair = root->kind == FLOE_NODE_ARRAY && root->items[i]->kind == FLOE_NODE_ARRAY &&
                    root->items[i]->count == 2 && root->items[i]->items[0]->kind == FLOE_NODE_STRING &&
                    root->items[i]->items[1]->kind == FLOE_NODE_STRING;
        FLOE_ENSURE(pair, err, FLOE_CORRUPT, "the tables of the verified question %lld are damaged",
                    (long long)entry->id);
        tables[i] = (floe_question_table){root->items[i]->items[0]->text, root->items[i]->items[1]->text};
    }
    entry->tables = tables;
    entry->table_count = root->count;
    return FLOE_OK;
}

static floe_status read_row(floe_sql_stmt *stmt, floe_arena *arena, floe_question_entry *entry, floe_error *err) {
    entry->id = floe_sql_i64(stmt, 0);
    entry->question = floe_store_text(stmt, 1, arena);
    entry->sql = floe_store_text(stmt, 2, arena);
    entry->added_us = floe_sql_i64(stmt, 4);
    floe_str tables = floe_store_text(stmt, 3, arena);
    FLOE_TRY(floe_arena_check(arena, err));
    return parse_tables(tables, arena, entry, err);
}

floe_status floe_registry_questions(floe_registry *registry, floe_arena *arena, const floe_question_entry **ret_entries,
                                    size_t *ret_count, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    floe_question_entry *entries = NULL;
    size_t count = 0;
    size_t capacity = 0;
    bool found = false;
    FLOE_TRY(find_tables(registry, &found, err));
    if (found) {
        FLOE_TRY(floe_sql_prepare(registry->sql,
                                  "SELECT id, question, sql, tables, added_us FROM questions ORDER BY id", &stmt, err));
    }
    for (bool row = found; row;) {
        FLOE_TRY(floe_sql_step(stmt, &row, err));
        if (row) {
            floe_question_entry *entry = FLOE_ARENA_PUSH(arena, entries, count, capacity);
            FLOE_TRY(floe_arena_check(arena, err));
            FLOE_TRY(read_row(stmt, arena, entry, err));
        }
    }
    *ret_entries = entries;
    *ret_count = count;
    return FLOE_OK;
}

floe_status floe_registry_questions_version(floe_registry *registry, int64_t *ret_version, floe_error *err) {
    FLOE_AUTO_STMT *stmt = NULL;
    bool found = false;
    bool row = false;
    FLOE_TRY(find_tables(registry, &found, err));
    if (found) {
        FLOE_TRY(floe_sql_prepare(registry->sql, "SELECT version FROM questions_version", &stmt, err));
        FLOE_TRY(floe_sql_step(stmt, &row, err));
    }
    *ret_version = row ? floe_sql_i64(stmt, 0) : 0;
    return FLOE_OK;
}
