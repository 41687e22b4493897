/*
 * SQLite behind core/sql.h: what is stored comes back, and each kind of failure has the code that callers branch on.
 */
#include "tests/core/scratch.h"

#include "core/file.h"
#include "core/mem.h"
#include "core/sql.h"

#include <pthread.h>
#include <unistd.h>

/* ---- Helpers ---- */

static floe_sql *open_ok(const char *path, floe_sql_mode mode) {
    floe_error err = {0};
    floe_sql *sql = NULL;
    assert_ok(floe_sql_open(path, mode, &sql, &err), &err);
    return sql;
}

static void exec_ok(floe_sql *sql, const char *text) {
    floe_error err = {0};
    assert_ok(floe_sql_exec(sql, text, &err), &err);
}

static floe_sql_stmt *prepare_ok(floe_sql *sql, const char *text) {
    floe_error err = {0};
    floe_sql_stmt *stmt = NULL;
    assert_ok(floe_sql_prepare(sql, text, &stmt, &err), &err);
    return stmt;
}

static bool step_ok(floe_sql_stmt *stmt) {
    floe_error err = {0};
    bool row = false;
    assert_ok(floe_sql_step(stmt, &row, &err), &err);
    return row;
}

static int64_t number_of(floe_sql *sql, const char *text) {
    floe_sql_stmt *stmt = prepare_ok(sql, text);
    assert_true(step_ok(stmt));
    int64_t value = floe_sql_i64(stmt, 0);
    floe_sql_finalize(&stmt);
    return value;
}

static void assert_text_is(floe_sql *sql, const char *query, const char *expected) {
    floe_sql_stmt *stmt = prepare_ok(sql, query);
    assert_true(step_ok(stmt));
    floe_str text = floe_sql_text(stmt, 0);
    if (!floe_str_is(text, expected)) {
        fail_msg("%s: '%.*s', expected '%s'", query, FLOE_STR_ARG(text), expected);
    }
    floe_sql_finalize(&stmt);
}

/* ---- Opening ---- */

static void sql_open__write__creates_a_durable_database_in_wal_mode(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_sql *sql = open_ok(scratch_path(&s, "x.db"), FLOE_SQL_WRITE);
    assert_text_is(sql, "PRAGMA journal_mode", "wal");
    assert_int_equal(number_of(sql, "PRAGMA synchronous"), 2); /* FULL, per sqlite.org/pragma.html */
    assert_int_equal(number_of(sql, "PRAGMA foreign_keys"), 1);
    assert_int_equal(number_of(sql, "PRAGMA busy_timeout"), 5000);
    exec_ok(sql, "CREATE TABLE t(a); INSERT INTO t VALUES (7)");
    floe_sql_close(&sql);
    assert_null(sql);
    sql = open_ok(s.path, FLOE_SQL_READ);
    assert_int_equal(number_of(sql, "SELECT a FROM t"), 7);
    floe_sql_close(&sql);
    scratch_close(&s);
}

static void sql_open__missing_file_for_reading__is_not_found_and_made_by_nobody(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    floe_sql *sql = NULL;
    assert_fails(floe_sql_open(scratch_path(&s, "none.db"), FLOE_SQL_READ, &sql, &err), &err, FLOE_NOT_FOUND);
    assert_message_has(&err, "none.db");
    assert_null(sql);
    err = (floe_error){0};
    assert_fails(floe_sql_open("/etc/passwd/x.db", FLOE_SQL_READ, &sql, &err), &err, FLOE_NOT_FOUND);
    assert_int_equal(count_entries(s.folder), 0);
    scratch_close(&s);
}

static void sql_open__missing_folder__is_io_and_names_the_path(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    floe_sql *sql = NULL;
    assert_fails(floe_sql_open(scratch_path(&s, "no/x.db"), FLOE_SQL_WRITE, &sql, &err), &err, FLOE_IO);
    assert_message_has(&err, "no/x.db");
    assert_null(sql);
    scratch_close(&s);
}

static void sql_open__file_that_is_no_database__is_corrupt(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_sql *sql = NULL;
    char text[4096];
    memset(text, 'x', sizeof(text));
    scratch_put(&s, "x.db", text, sizeof(text));
    for (int mode = FLOE_SQL_READ; mode <= FLOE_SQL_WRITE; mode++) {
        floe_error err = {0};
        assert_fails(floe_sql_open(scratch_path(&s, "x.db"), (floe_sql_mode)mode, &sql, &err), &err, FLOE_CORRUPT);
        assert_message_has(&err, "x.db");
        assert_null(sql);
    }
    assert_true(scratch_holds(&s, "x.db", text, sizeof(text)));
    scratch_close(&s);
}

static void sql_step__damaged_page__is_corrupt(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    bool row = false;
    floe_sql *sql = open_ok(scratch_path(&s, "x.db"), FLOE_SQL_WRITE);
    exec_ok(sql, "PRAGMA page_size=4096; CREATE TABLE t(a); INSERT INTO t SELECT randomblob(3000) FROM "
                 "(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<50) SELECT x FROM c)");
    floe_sql_close(&sql); /* the last handle checkpoints the WAL into the file */
    FILE *file = fopen(s.path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, 4096, SEEK_SET), 0);
    for (int i = 0; i < 4096; i++) {
        fputc(0xff, file); /* the root page of t: no page type has this number */
    }
    fclose(file);
    sql = open_ok(s.path, FLOE_SQL_READ);
    floe_sql_stmt *stmt = prepare_ok(sql, "SELECT sum(length(a)) FROM t");
    assert_fails(floe_sql_step(stmt, &row, &err), &err, FLOE_CORRUPT);
    assert_message_has(&err, "x.db");
    floe_sql_finalize(&stmt);
    floe_sql_close(&sql);
    scratch_close(&s);
}

static void sql_open__memory__is_private_and_ignores_the_path(void **state) {
    (void)state;
    floe_sql *a = open_ok(NULL, FLOE_SQL_MEMORY);
    floe_sql *b = open_ok("/no/such/path", FLOE_SQL_MEMORY);
    floe_error err = {0};
    exec_ok(a, "CREATE TABLE t(a)");
    assert_true(floe_failed(floe_sql_exec(b, "INSERT INTO t VALUES (1)", &err)));
    floe_sql_close(&a);
    floe_sql_close(&b);
    floe_sql_close(&b);
    floe_sql_close(NULL);
}

static void sql_damage__says_what_to_do_and_not_which_statement_found_it(void **state) {
    (void)state;
    FLOE_AUTO_BUF bytes;
    floe_error err = {0};
    scratch s = scratch_open();
    const char *path = scratch_path(&s, "damaged.db");
    floe_buf_init(&bytes, 1 << 20);
    floe_sql *sql = open_ok(path, FLOE_SQL_WRITE);
    exec_ok(
        sql,
        "CREATE TABLE t(a); INSERT INTO t SELECT randomblob(900) FROM (VALUES (1),(2),(3),(4),(5),(6),(7),(8),(9))");
    floe_sql_close(&sql);
    assert_ok(floe_file_read(path, &bytes, &err), &err);
    assert_true(bytes.len > 8192);
    memset(bytes.ptr + 4096, 0x5a, bytes.len - 4096);
    assert_ok(floe_file_write(path, floe_buf_view(&bytes), false, &err), &err);
    sql = open_ok(path, FLOE_SQL_READ);
    floe_error plain = {0}, advised = {0};
    assert_fails(floe_sql_exec(sql, "SELECT sum(length(a)) FROM t", &plain), &plain, FLOE_CORRUPT);
    assert_null(strstr(plain.message, "SELECT"));
    floe_sql_advise(sql, "; fetch another one");
    assert_fails(floe_sql_exec(sql, "SELECT sum(length(a)) FROM t", &advised), &advised, FLOE_CORRUPT);
    assert_string_equal(advised.message + strlen(advised.message) - 19, "; fetch another one");
    floe_sql_close(&sql);
    floe_error wrong = {0};
    sql = open_ok(NULL, FLOE_SQL_MEMORY);
    assert_fails(floe_sql_exec(sql, "SELECT nothing", &wrong), &wrong, FLOE_INTERNAL);
    assert_non_null(strstr(wrong.message, "(in: SELECT nothing)"));
    floe_sql_close(&sql);
    scratch_close(&s);
}

/* ---- Values ---- */

static void sql_bind__every_kind__comes_back(void **state) {
    (void)state;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    exec_ok(sql, "CREATE TABLE t(a, b, d, e, f, g)");
    floe_sql_stmt *stmt = prepare_ok(sql, "INSERT INTO t VALUES (?1, ?2, ?3, ?4, NULL, ?5)");
    char copied[] = "text";
    floe_sql_bind_i64(stmt, 1, INT64_MIN);
    floe_sql_bind_i64(stmt, 2, INT64_MAX);
    floe_sql_bind_text(stmt, 3, floe_str_of(copied));
    memset(copied, '!', 4); /* bindings copy */
    floe_sql_bind_blob(stmt, 4, (floe_str){"\0\1\377", 3});
    floe_sql_bind_text(stmt, 5, (floe_str){NULL, 0});
    assert_false(step_ok(stmt));
    floe_sql_finalize(&stmt);
    stmt = prepare_ok(sql, "SELECT *, f IS NULL, g IS NULL FROM t");
    assert_true(step_ok(stmt));
    assert_true(floe_sql_i64(stmt, 0) == INT64_MIN);
    assert_true(floe_sql_i64(stmt, 1) == INT64_MAX);
    assert_true(floe_str_is(floe_sql_text(stmt, 2), "text"));
    assert_true(floe_str_equal(floe_sql_text(stmt, 3), (floe_str){"\0\1\377", 3}));
    assert_int_equal(floe_sql_i64(stmt, 4), 0);
    assert_int_equal(floe_sql_text(stmt, 4).len, 0);
    assert_non_null(floe_sql_text(stmt, 4).ptr);
    assert_int_equal(floe_sql_i64(stmt, 6), 1);
    assert_int_equal(floe_sql_i64(stmt, 7), 0); /* an empty text is no null, even without a pointer */
    assert_false(step_ok(stmt));
    floe_sql_finalize(&stmt);
    floe_sql_close(&sql);
}

static void sql_bind__empty_blob_without_a_pointer__is_no_null(void **state) {
    (void)state;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    floe_sql_stmt *stmt = prepare_ok(sql, "SELECT typeof(?1), length(?1)");
    floe_sql_bind_blob(stmt, 1, (floe_str){NULL, 0});
    assert_true(step_ok(stmt));
    assert_true(floe_str_is(floe_sql_text(stmt, 0), "blob"));
    assert_int_equal(floe_sql_i64(stmt, 1), 0);
    floe_sql_finalize(&stmt);
    floe_sql_close(&sql);
}

static void sql_bind__text_with_a_nul__keeps_its_length(void **state) {
    (void)state;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    floe_sql_stmt *stmt = prepare_ok(sql, "SELECT ?1");
    floe_sql_bind_text(stmt, 1, (floe_str){"a\0b", 3});
    assert_true(step_ok(stmt));
    assert_true(floe_str_equal(floe_sql_text(stmt, 0), (floe_str){"a\0b", 3}));
    floe_sql_finalize(&stmt);
    floe_sql_close(&sql);
}

static void sql_bind__wrong_index__is_reported_by_the_next_step(void **state) {
    (void)state;
    floe_error err = {0};
    bool row = true;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    floe_sql_stmt *stmt = prepare_ok(sql, "SELECT ?1");
    floe_sql_bind_i64(stmt, 2, 1);
    floe_sql_bind_i64(stmt, 1, 1);
    assert_fails(floe_sql_step(stmt, &row, &err), &err, FLOE_INTERNAL);
    assert_true(row);
    floe_sql_reset(stmt);
    floe_sql_bind_i64(stmt, 1, 5);
    assert_true(step_ok(stmt));
    assert_int_equal(floe_sql_i64(stmt, 0), 5);
    floe_sql_finalize(&stmt);
    floe_sql_close(&sql);
}

static void sql_bind__between_steps__is_reported(void **state) {
    (void)state;
    floe_error err = {0};
    bool row = false;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    floe_sql_stmt *stmt = prepare_ok(sql, "SELECT ?1 UNION ALL SELECT 2");
    assert_true(step_ok(stmt));
    floe_sql_bind_i64(stmt, 1, 1);
    assert_fails(floe_sql_step(stmt, &row, &err), &err, FLOE_INTERNAL);
    floe_sql_finalize(&stmt);
    floe_sql_close(&sql);
}

static void sql_reset__clears_the_bindings(void **state) {
    (void)state;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    floe_sql_stmt *stmt = prepare_ok(sql, "SELECT ?1 IS NULL");
    floe_sql_bind_i64(stmt, 1, 5);
    assert_true(step_ok(stmt));
    assert_int_equal(floe_sql_i64(stmt, 0), 0);
    floe_sql_reset(stmt);
    assert_true(step_ok(stmt));
    assert_int_equal(floe_sql_i64(stmt, 0), 1);
    floe_sql_finalize(&stmt);
    floe_sql_close(&sql);
}

static void sql_last_rowid_and_changes__tell_of_the_last_statement(void **state) {
    (void)state;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    exec_ok(sql,
            "CREATE TABLE t(id INTEGER PRIMARY KEY, a); INSERT INTO t VALUES (41, 0); INSERT INTO t(a) VALUES (1)");
    assert_int_equal(floe_sql_last_rowid(sql), 42);
    assert_int_equal(floe_sql_changes(sql), 1);
    exec_ok(sql, "UPDATE t SET a = 9");
    assert_int_equal(floe_sql_changes(sql), 2);
    exec_ok(sql, "UPDATE t SET a = 9 WHERE a = 3");
    assert_int_equal(floe_sql_changes(sql), 0);
    floe_sql_close(&sql);
}

/* ---- Statements and failures ---- */

static void assert_exec_fails(floe_sql *sql, const char *text, floe_code code, bool retriable, const char *part) {
    floe_error err = {0};
    assert_fails(floe_sql_exec(sql, text, &err), &err, code);
    assert_int_equal(err.retriable, retriable);
    assert_message_has(&err, part);
}

static void sql_exec__each_failure__has_its_code(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_sql *sql = open_ok(scratch_path(&s, "x.db"), FLOE_SQL_WRITE);
    exec_ok(sql, "CREATE TABLE p(id INTEGER PRIMARY KEY, name TEXT UNIQUE NOT NULL CHECK (name <> 'bad'));"
                 "CREATE TABLE c(p REFERENCES p(id)); INSERT INTO p VALUES (1, 'one');"
                 "CREATE VIRTUAL TABLE f USING fts5(body)");
    assert_exec_fails(sql, "INSERT INTO p VALUES (2, 'one')", FLOE_CONFLICT, false, "p.name");
    assert_exec_fails(sql, "INSERT INTO p VALUES (1, 'two')", FLOE_CONFLICT, false, "x.db");
    assert_exec_fails(sql, "INSERT INTO p VALUES (2, NULL)", FLOE_CONFLICT, false, "NOT NULL");
    assert_exec_fails(sql, "INSERT INTO p VALUES (2, 'bad')", FLOE_CONFLICT, false, "CHECK");
    assert_exec_fails(sql, "INSERT INTO c VALUES (99)", FLOE_CONFLICT, false, "FOREIGN KEY");
    assert_exec_fails(sql, "INSERT INTO missing VALUES (1)", FLOE_INTERNAL, false, "no such table");
    assert_exec_fails(sql, "SELEC 1", FLOE_INTERNAL, false, "SELEC 1");
    assert_exec_fails(sql, "SELECT zeroblob(2000000000)", FLOE_LIMIT, false, "too big");
    assert_exec_fails(sql, "SELECT * FROM f WHERE f MATCH 'a AND'", FLOE_INVALID, false, "fts5");
    assert_exec_fails(sql, "SELECT * FROM f WHERE f MATCH '\"open'", FLOE_INVALID, false, "unterminated string");
    floe_sql_close(&sql);
    scratch_close(&s);
}

static void sql_exec__full_database__is_io_and_says_disk_full(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_sql *sql = open_ok(scratch_path(&s, "x.db"), FLOE_SQL_WRITE);
    exec_ok(sql, "CREATE TABLE t(a); PRAGMA max_page_count = 3");
    assert_exec_fails(sql, "INSERT INTO t VALUES (zeroblob(100000))", FLOE_IO, false, "the disk is full");
    assert_exec_fails(sql, "INSERT INTO t VALUES (zeroblob(100000))", FLOE_IO, false, "make room on it");
    floe_error err = {0};
    assert_true(floe_failed(floe_sql_exec(sql, "INSERT INTO t VALUES (zeroblob(100000))", &err)));
    assert_null(strstr(err.message, "INSERT")); /* The statement has no part in it. */
    assert_int_equal(number_of(sql, "SELECT count(*) FROM t"), 0);
    floe_sql_close(&sql);
    scratch_close(&s);
}

static void sql_exec__write_through_a_reading_handle__is_denied(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_sql *writer = open_ok(scratch_path(&s, "x.db"), FLOE_SQL_WRITE);
    exec_ok(writer, "CREATE TABLE t(a)");
    floe_sql *reader = open_ok(s.path, FLOE_SQL_READ);
    assert_exec_fails(reader, "INSERT INTO t VALUES (1)", FLOE_DENIED, false, "x.db");
    floe_sql_close(&reader);
    floe_sql_close(&writer);
    scratch_close(&s);
}

static void sql_begin__second_writer__is_a_retriable_conflict(void **state) {
    (void)state;
    scratch s = scratch_open();
    floe_error err = {0};
    floe_sql *first = open_ok(scratch_path(&s, "x.db"), FLOE_SQL_WRITE);
    floe_sql *second = open_ok(s.path, FLOE_SQL_WRITE);
    exec_ok(second, "PRAGMA busy_timeout = 1");
    assert_ok(floe_sql_begin(first, &err), &err);
    assert_fails(floe_sql_begin(second, &err), &err, FLOE_CONFLICT);
    assert_true(err.retriable);
    assert_message_has(&err, "locked");
    err = (floe_error){0};
    assert_ok(floe_sql_commit(first, &err), &err);
    assert_ok(floe_sql_begin(second, &err), &err);
    floe_sql_rollback(second);
    floe_sql_close(&first);
    floe_sql_close(&second);
    scratch_close(&s);
}

static void sql_failure__earlier_error__is_kept(void **state) {
    (void)state;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    floe_error err = {0};
    FLOE_IGNORE(FLOE_FAIL(&err, FLOE_TIMEOUT, "first"));
    err.retriable = false;
    floe_status status = floe_sql_exec(sql, "SELEC", &err);
    assert_int_equal(status.code, FLOE_TIMEOUT);
    assert_string_equal(err.message, "first");
    assert_false(err.retriable);
    status = floe_sql_exec(sql, "SELEC", NULL);
    assert_int_equal(status.code, FLOE_INTERNAL);
    floe_sql_close(&sql);
}

static void sql_prepare__other_than_one_statement__is_refused(void **state) {
    (void)state;
    static const char *const cases[] = {"SELECT 1; SELECT 2", "", "  ", ";", "-- nothing"};
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_error err = {0};
        floe_sql_stmt *stmt = NULL;
        assert_fails(floe_sql_prepare(sql, cases[i], &stmt, &err), &err, FLOE_INTERNAL);
        assert_null(stmt);
    }
    floe_sql_stmt *stmt = prepare_ok(sql, "SELECT 1 ;\n ");
    floe_sql_finalize(&stmt);
    floe_sql_finalize(&stmt);
    floe_sql_finalize(NULL);
    floe_sql_close(&sql);
}

static void sql_close__before_the_statements__keeps_them_usable(void **state) {
    (void)state;
    floe_error err = {0};
    bool row = false;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    exec_ok(sql, "CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES (1)");
    floe_sql_stmt *select = prepare_ok(sql, "SELECT a FROM t");
    floe_sql_stmt *insert = prepare_ok(sql, "INSERT INTO t VALUES (1)");
    floe_sql_close(&sql);
    assert_true(step_ok(select));
    assert_fails(floe_sql_step(insert, &row, &err), &err, FLOE_CONFLICT);
    assert_message_has(&err, ":memory:");
    floe_sql_finalize(&select);
    floe_sql_finalize(&insert);
}

static void sql_rollback__takes_back_and_may_be_needless(void **state) {
    (void)state;
    floe_error err = {0};
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    exec_ok(sql, "CREATE TABLE t(a)");
    floe_sql_rollback(sql);
    assert_ok(floe_sql_begin(sql, &err), &err);
    exec_ok(sql, "INSERT INTO t VALUES (1)");
    floe_sql_rollback(sql);
    floe_sql_rollback(sql);
    assert_int_equal(number_of(sql, "SELECT count(*) FROM t"), 0);
    assert_ok(floe_sql_begin(sql, &err), &err);
    exec_ok(sql, "INSERT INTO t VALUES (1)");
    assert_ok(floe_sql_commit(sql, &err), &err);
    assert_int_equal(number_of(sql, "SELECT count(*) FROM t"), 1);
    floe_sql_close(&sql);
}

static void sql_begin__inside_a_transaction__is_internal(void **state) {
    (void)state;
    floe_error err = {0};
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    assert_ok(floe_sql_begin(sql, &err), &err);
    assert_fails(floe_sql_begin(sql, &err), &err, FLOE_INTERNAL);
    floe_sql_close(&sql);
}

/* ---- Threads ---- */

#define THREADS 8
#define ADDS 25

typedef struct opener {
    const char *path;
    floe_error err;
    floe_status status;
} opener;

static void *open_close(void *context) {
    opener *o = context;
    floe_sql *sql = NULL;
    o->status = floe_sql_open(o->path, FLOE_SQL_WRITE, &sql, &o->err);
    floe_sql_close(&sql);
    return NULL;
}

static void run_threads(void *(*body)(void *), opener openers[THREADS], const char *path) {
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        openers[i] = (opener){.path = path};
        assert_int_equal(pthread_create(&threads[i], NULL, body, &openers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_ok(openers[i].status, &openers[i].err);
    }
}

static void sql_open__many_at_once_on_a_new_file__all_succeed(void **state) {
    (void)state;
    for (int round = 0; round < 10; round++) {
        scratch s = scratch_open();
        opener openers[THREADS];
        run_threads(open_close, openers, scratch_path(&s, "x.db"));
        scratch_close(&s);
    }
}

static floe_status add_many(const char *path, floe_error *err) {
    __attribute__((cleanup(floe_sql_close))) floe_sql *sql = NULL;
    FLOE_TRY(floe_sql_open(path, FLOE_SQL_WRITE, &sql, err));
    for (int i = 0; i < ADDS; i++) {
        FLOE_TRY(floe_sql_begin(sql, err));
        FLOE_TRY(floe_sql_exec(sql, "UPDATE t SET a = a + 1", err));
        FLOE_TRY(floe_sql_commit(sql, err));
    }
    return FLOE_OK;
}

static void *add_thread(void *context) {
    opener *o = context;
    o->status = add_many(o->path, &o->err);
    return NULL;
}

static void sql_transactions__of_many_threads__lose_nothing(void **state) {
    (void)state;
    scratch s = scratch_open();
    opener openers[THREADS];
    floe_sql *sql = open_ok(scratch_path(&s, "x.db"), FLOE_SQL_WRITE);
    exec_ok(sql, "CREATE TABLE t(a); INSERT INTO t VALUES (0)");
    run_threads(add_thread, openers, s.path);
    assert_int_equal(number_of(sql, "SELECT a FROM t"), THREADS * ADDS);
    floe_sql_close(&sql);
    scratch_close(&s);
}

/* ---- Memory ---- */

static floe_status insert_one(floe_sql *sql, floe_error *err) {
    __attribute__((cleanup(floe_sql_finalize))) floe_sql_stmt *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(sql, "INSERT INTO t VALUES (?1)", &stmt, err));
    floe_sql_bind_text(stmt, 1, FLOE_STR("a text that is long enough for memory of its own, one would think"));
    return floe_sql_step(stmt, &row, err);
}

static floe_status read_one(floe_sql *sql, int64_t *ret_len, floe_error *err) {
    __attribute__((cleanup(floe_sql_finalize))) floe_sql_stmt *stmt = NULL;
    bool row = false;
    FLOE_TRY(floe_sql_prepare(sql, "SELECT a, 1.5 FROM t", &stmt, err));
    FLOE_TRY(floe_sql_step(stmt, &row, err));
    size_t len = floe_sql_text(stmt, 0).len + floe_sql_text(stmt, 1).len;
    FLOE_TRY(floe_sql_step(stmt, &row, err)); /* tells of a text that could not be read */
    *ret_len = (int64_t)len;
    return FLOE_OK;
}

static floe_status use_database(const char *path, int64_t *ret_len, floe_error *err) {
    __attribute__((cleanup(floe_sql_close))) floe_sql *sql = NULL;
    FLOE_TRY(floe_sql_open(path, FLOE_SQL_WRITE, &sql, err));
    FLOE_TRY(floe_sql_exec(sql, "CREATE TABLE IF NOT EXISTS t(a)", err));
    FLOE_TRY(insert_one(sql, err));
    return read_one(sql, ret_len, err);
}

static void sql__any_allocation_failing__is_nomem_and_leaves_a_whole_database(void **state) {
    (void)state;
    uint64_t nth = 1;
    for (;; nth++) {
        scratch s = scratch_open();
        floe_error err = {0};
        int64_t len = -1;
        floe_mem_fail_at(nth);
        floe_status status = use_database(scratch_path(&s, "x.db"), &len, &err);
        uint64_t asked = floe_mem_fail_count();
        floe_mem_fail_off();
        if (floe_failed(status)) {
            assert_fails(status, &err, FLOE_NOMEM);
            assert_int_equal(len, -1);
        } else {
            assert_int_equal(len, 65 + 3); /* the text of insert_one and "1.5" */
        }
        /* A write that failed did not happen, and the file is sound. */
        floe_sql *sql = open_ok(s.path, FLOE_SQL_WRITE);
        assert_text_is(sql, "PRAGMA integrity_check", "ok");
        floe_sql_close(&sql);
        scratch_close(&s);
        if (nth > asked) {
            assert_ok(status, &err);
            break;
        }
    }
    assert_true(nth > 100); /* SQLite's own allocations are among them */
}

/* In a UTF-16 database every text must be converted, which takes memory. */
static void sql_text__no_memory_to_convert__is_told_by_the_next_step(void **state) {
    (void)state;
    floe_error err = {0};
    bool row = false;
    floe_sql *sql = open_ok(NULL, FLOE_SQL_MEMORY);
    exec_ok(sql, "PRAGMA encoding = 'UTF-16'; CREATE TABLE t(a); INSERT INTO t VALUES "
                 "(printf('%.*c', 1000, 'x')), ('y')");
    floe_sql_stmt *stmt = prepare_ok(sql, "SELECT a FROM t");
    assert_true(step_ok(stmt));
    floe_mem_fail_at(1);
    floe_str text = floe_sql_text(stmt, 0);
    floe_mem_fail_off();
    assert_int_equal(text.len, 0);
    assert_fails(floe_sql_step(stmt, &row, &err), &err, FLOE_NOMEM);
    floe_sql_reset(stmt);
    assert_true(step_ok(stmt));
    assert_int_equal(floe_sql_text(stmt, 0).len, 1000);
    assert_true(step_ok(stmt));
    floe_sql_finalize(&stmt);
    floe_sql_close(&sql);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sql_open__write__creates_a_durable_database_in_wal_mode),
        cmocka_unit_test(sql_open__missing_file_for_reading__is_not_found_and_made_by_nobody),
        cmocka_unit_test(sql_open__missing_folder__is_io_and_names_the_path),
        cmocka_unit_test(sql_open__file_that_is_no_database__is_corrupt),
        cmocka_unit_test(sql_step__damaged_page__is_corrupt),
        cmocka_unit_test(sql_open__many_at_once_on_a_new_file__all_succeed),
        cmocka_unit_test(sql_open__memory__is_private_and_ignores_the_path),
        cmocka_unit_test(sql_damage__says_what_to_do_and_not_which_statement_found_it),
        cmocka_unit_test(sql_bind__every_kind__comes_back),
        cmocka_unit_test(sql_bind__empty_blob_without_a_pointer__is_no_null),
        cmocka_unit_test(sql_bind__text_with_a_nul__keeps_its_length),
        cmocka_unit_test(sql_bind__wrong_index__is_reported_by_the_next_step),
        cmocka_unit_test(sql_bind__between_steps__is_reported),
        cmocka_unit_test(sql_reset__clears_the_bindings),
        cmocka_unit_test(sql_last_rowid_and_changes__tell_of_the_last_statement),
        cmocka_unit_test(sql_exec__each_failure__has_its_code),
        cmocka_unit_test(sql_exec__full_database__is_io_and_says_disk_full),
        cmocka_unit_test(sql_exec__write_through_a_reading_handle__is_denied),
        cmocka_unit_test(sql_begin__second_writer__is_a_retriable_conflict),
        cmocka_unit_test(sql_failure__earlier_error__is_kept),
        cmocka_unit_test(sql_prepare__other_than_one_statement__is_refused),
        cmocka_unit_test(sql_close__before_the_statements__keeps_them_usable),
        cmocka_unit_test(sql_rollback__takes_back_and_may_be_needless),
        cmocka_unit_test(sql_begin__inside_a_transaction__is_internal),
        cmocka_unit_test(sql_transactions__of_many_threads__lose_nothing),
        cmocka_unit_test(sql__any_allocation_failing__is_nomem_and_leaves_a_whole_database),
        cmocka_unit_test(sql_text__no_memory_to_convert__is_told_by_the_next_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
