/*
 * The checker: one engine for parsing, and one anew for each text that is bound, because names of the text decide which
 * catalogs and schemas it holds.
 *
 * A text is bound by preparing it, with the optimizer off so that no constant is computed: that needs every name, type and
 * function of it to be right, and runs nothing.
 */
#include "offline/check/check_int.h"

#include "core/limits.h"
#include "core/mem.h"

#define PARSE_ARENA_MAX FLOE_MIB(512)
#define ENGINE_BYTES FLOE_MIB(256)

struct floe_checker {
    floe_engine *engine;
};

/* ---- what both kinds of databases need ---- */

floe_status floe_query_text(floe_str sql, floe_arena *arena, const char **ret_text, floe_error *err) {
    FLOE_ENSURE(sql.len <= FLOE_QUERY_BYTES_MAX, err, FLOE_LIMIT, "a query of %zu bytes; the most is %zu", sql.len,
                FLOE_QUERY_BYTES_MAX);
    bool text = floe_str_is_utf8(sql) && (sql.len == 0 || memchr(sql.ptr, 0, sql.len) == NULL);
    FLOE_ENSURE(text, err, FLOE_INVALID, "the query is not well-formed UTF-8, or holds a zero byte");
    *ret_text = floe_arena_strndup(arena, sql.ptr ? sql.ptr : "", sql.len);
    return floe_arena_check(arena, err);
}

void floe_query_put_name(floe_buf *out, const floe_query_name *name) {
    if (name->catalog.len > 0) {
        floe_sql_quote_name(out, name->catalog);
        floe_buf_byte(out, '.');
    }
    if (name->schema.len > 0) {
        floe_sql_quote_name(out, name->schema);
        floe_buf_byte(out, '.');
    }
    floe_sql_quote_name(out, name->table);
}

floe_status floe_query_place(floe_session *session, const floe_query_name *name, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    if (name->catalog.len > 0) {
        floe_buf_text(&sql, "ATTACH IF NOT EXISTS ':memory:' AS ");
        floe_sql_quote_name(&sql, name->catalog);
        floe_buf_text(&sql, "; ");
    }
    if (name->schema.len > 0) {
        floe_buf_text(&sql, "CREATE SCHEMA IF NOT EXISTS ");
        if (name->catalog.len > 0) {
            floe_sql_quote_name(&sql, name->catalog);
            floe_buf_byte(&sql, '.');
        }
        floe_sql_quote_name(&sql, name->schema);
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    return sql.len > 0 ? floe_session_run(session, sql.ptr, NULL, NULL, err) : FLOE_OK;
}

floe_status floe_query_lock(floe_session *session, floe_error *err) {
    return floe_session_run(session, "SET enable_external_access = false; SET lock_configuration = true", NULL, NULL,
                            err);
}

/* ---- opening ---- */

floe_status floe_checker_open(floe_checker **ret_checker, floe_error *err) {
    FLOE_CLEANUP(floe_checker_close) floe_checker *checker = NULL;
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*checker), &checker, err));
    FLOE_TRY(floe_engine_open(1, ENGINE_BYTES, NULL, &checker->engine, err));
    FLOE_TRY(floe_session_open(checker->engine, NULL, &session, err));
    /* The settings stay open, because each session of the engine sets its own; access cannot be given back. */
    FLOE_TRY(floe_session_run(session, "SET enable_external_access = false", NULL, NULL, err));
    *ret_checker = checker;
    checker = NULL;
    return FLOE_OK;
}

void floe_checker_close(floe_checker **checker) {
    if (checker && *checker) {
        floe_engine_close(&(*checker)->engine);
        floe_free(*checker);
        *checker = NULL;
    }
}

floe_status floe_checker_parse(floe_checker *checker, floe_str sql, floe_arena *arena,
                               const floe_query_name **ret_names, size_t *ret_count, floe_error *err) {
    FLOE_AUTO_ARENA scratch;
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    const char *text = NULL;
    const floe_query_name *names = NULL;
    size_t count = 0;
    floe_arena_init(&scratch, PARSE_ARENA_MAX);
    FLOE_TRY(floe_query_text(sql, &scratch, &text, err));
    FLOE_TRY(floe_session_open(checker->engine, NULL, &session, err));
    FLOE_TRY(floe_query_parse(session, sql, &scratch, &names, &count, err));
    floe_query_name *kept = floe_arena_alloc(arena, count + 1, sizeof(*kept));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        kept[i] = (floe_query_name){floe_arena_str(arena, names[i].catalog), floe_arena_str(arena, names[i].schema),
                                    floe_arena_str(arena, names[i].table)};
    }
    *ret_names = kept;
    *ret_count = count;
    return floe_arena_check(arena, err);
}

/* ---- binding ---- */

static floe_status make_table(floe_session *session, const floe_query_table *table, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    FLOE_TRY(floe_query_place(session, &table->name, err));
    floe_buf_text(&sql, "CREATE TABLE ");
    floe_query_put_name(&sql, &table->name);
    floe_buf_text(&sql, " (");
    for (size_t i = 0; i < table->field_count; i++) {
        floe_buf_text(&sql, i > 0 ? ", " : "");
        floe_sql_quote_name(&sql, table->fields[i].name);
        floe_buf_byte(&sql, ' ');
        floe_query_type_sql(table->fields[i].type, &sql);
    }
    floe_buf_byte(&sql, ')');
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_status status = floe_session_run(session, sql.ptr, NULL, NULL, err);
    return floe_error_prefix(err, status, "the table %.*s", FLOE_STR_BRIEF(table->name.table));
}

floe_status floe_checker_bind(floe_checker *checker, floe_str sql, const floe_query_table *tables, size_t count,
                              floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_CLEANUP(floe_engine_close) floe_engine *engine = NULL;
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    const char *text = NULL;
    (void)checker;
    floe_arena_init(&arena, FLOE_MIB(1));
    FLOE_TRY(floe_query_text(sql, &arena, &text, err));
    FLOE_TRY(floe_engine_open(1, ENGINE_BYTES, NULL, &engine, err));
    FLOE_TRY(floe_session_open(engine, NULL, &session, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(make_table(session, &tables[i], err));
    }
    FLOE_TRY(floe_session_run(session, "PRAGMA disable_optimizer", NULL, NULL, err));
    FLOE_TRY(floe_query_lock(session, err));
    return floe_session_prepare(session, text, err);
}
