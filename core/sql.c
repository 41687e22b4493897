/*
 * SQLite behind core/sql.h: connections, statements, and the translation of SQLite's result codes.
 *
 * Invariants: SQLite allocates through core/mem, so that an allocation sweep reaches it; a handle lives until it is
 * closed and its last statement is finalized, in whichever order; every message names the database file.
 */
#include "core/sql.h"

#include "core/mem.h"
#include "core/time.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define BUSY_TIMEOUT_MS 5000
#define TEXT_SHOWN_MAX 120 /* bytes of a statement in a message */

struct floe_sql {
    sqlite3 *db;
    size_t references;  /* the open handle and each statement */
    char *path;         /* ":memory:" without a file */
    const char *advice; /* for damage; NULL: none */
};

struct floe_sql_stmt {
    floe_sql *sql;
    sqlite3_stmt *stmt;
    int failed; /* the result code of the first failed binding, or SQLITE_OK */
};

/* ---- SQLite's memory ---- */

/* SQLite asks for the size of a block, so each one is led by its size; 16 bytes keep the alignment. */
typedef struct block_head {
    size_t len;
    size_t unused;
} block_head;

static void *memory_resize(void *block, int len) {
    block_head *head = block ? (block_head *)block - 1 : NULL;
    if (len <= 0 || floe_failed(floe_realloc(&head, (size_t)len + sizeof(block_head), 1, NULL))) {
        return NULL;
    }
    head->len = (size_t)len;
    return head + 1;
}

static void *memory_alloc(int len) {
    return memory_resize(NULL, len);
}

static void memory_free(void *block) {
    if (block) {
        floe_free((block_head *)block - 1);
    }
}

static int memory_len(void *block) {
    return block ? (int)((block_head *)block - 1)->len : 0;
}

static int memory_round_up(int len) {
    return (len + 7) & ~7;
}

static int memory_init(void *unused) {
    (void)unused;
    return SQLITE_OK;
}

static void memory_shutdown(void *unused) {
    (void)unused;
}

/* Before the first use only; SQLite refuses it later, and then keeps its own allocator, which works as well. */
static void use_floe_memory(void) {
    sqlite3_mem_methods methods = {memory_alloc,    memory_free, memory_resize,   memory_len,
                                   memory_round_up, memory_init, memory_shutdown, NULL};
    (void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

/* ---- Failures ---- */

typedef struct meaning {
    floe_code code;
    bool retriable;
    const char *hint;
} meaning;

static meaning meaning_of(int result) {
    switch (result & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
    case SQLITE_SCHEMA:
        return (meaning){FLOE_CONFLICT, true, " (somebody else holds it; try again)"};
    case SQLITE_CONSTRAINT:
        return (meaning){FLOE_CONFLICT, false, ""};
    case SQLITE_FULL:
        return (meaning){FLOE_IO, false, " (the disk is full; make room on it and try again)"};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return (meaning){FLOE_IO, false, ""};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
        return (meaning){FLOE_CORRUPT, false, ""};
    case SQLITE_NOMEM:
        return (meaning){FLOE_NOMEM, true, ""};
    case SQLITE_TOOBIG:
        return (meaning){FLOE_LIMIT, false, ""};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
        return (meaning){FLOE_DENIED, false, ""};
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT:
        return (meaning){FLOE_CANCELLED, false, ""};
    default:
        return (meaning){FLOE_INTERNAL, false, ""};
    }
}

/* A search expression comes from a user, so what FTS5 finds wrong in it is the caller's error. The second message has
 * no prefix; SQL with an open quote is told otherwise ("unrecognized token"). */
static bool is_match_syntax(int result, const char *message) {
    return result == SQLITE_ERROR && (strncmp(message, "fts5:", 5) == 0 || strcmp(message, "unterminated string") == 0);
}

/* The operating system's view of a failed read or write; a full disk can hide behind a plain SQLITE_IOERR. */
static meaning meaning_in(sqlite3 *db, int result, int *ret_errno) {
    meaning found = meaning_of(result);
    *ret_errno = found.code == FLOE_IO && db ? sqlite3_system_errno(db) : 0;
    if (*ret_errno == ENOSPC || *ret_errno == EDQUOT) {
        found = meaning_of(SQLITE_FULL);
    } else if (*ret_errno == EACCES || *ret_errno == EPERM || *ret_errno == EROFS) {
        found = meaning_of(SQLITE_PERM);
    }
    return found;
}

/* "registry.db: UNIQUE constraint failed: view.name (in INSERT INTO …)". `text` may be NULL. */
static floe_status fail_sql(const floe_sql *sql, int result, const char *text, floe_error *err) {
    int sys_errno = 0;
    meaning found = meaning_in(sql->db, result, &sys_errno);
    bool current = sql->db && (sqlite3_errcode(sql->db) & 0xff) == (result & 0xff);
    const char *message = current ? sqlite3_errmsg(sql->db) : sqlite3_errstr(result);
    /* The statement tells what is wrong only where that is in it, or in the data: not where the file or the disk is. */
    bool tells = found.code == FLOE_INTERNAL || found.code == FLOE_CONFLICT || found.code == FLOE_INVALID;
    text = tells ? text : NULL;
    floe_str shown = floe_str_of(text);
    shown.len = shown.len > TEXT_SHOWN_MAX ? TEXT_SHOWN_MAX : shown.len;
    if (is_match_syntax(result, message)) {
        found.code = FLOE_INVALID;
    }
    const char *advice = found.code == FLOE_CORRUPT && sql->advice ? sql->advice : "";
    bool first = err && err->code == FLOE_CODE_OK;
    floe_status status =
        floe_error_set(err, found.code, sys_errno, __FILE__, __LINE__, "%s: %s%s%s%.*s%s%s", sql->path, message,
                       found.hint, text ? " (in: " : "", FLOE_STR_ARG(shown), text ? ")" : "", advice);
    if (first) {
        err->retriable = found.retriable;
    }
    return status;
}

/* ---- Databases ---- */

static void release(floe_sql *sql) {
    sql->references--;
    if (sql->references == 0) {
        floe_free(sql->path);
        floe_free(sql);
    }
}

void floe_sql_close(floe_sql **sql) {
    if (!sql || !*sql) {
        return;
    }
    /* v2 keeps the connection for statements that are still to be finalized. */
    (void)sqlite3_close_v2((*sql)->db);
    release(*sql);
    *sql = NULL;
}

void floe_sql_advise(floe_sql *sql, const char *advice) {
    sql->advice = advice;
}

floe_status floe_sql_exec(floe_sql *sql, const char *text, floe_error *err) {
    int result = sqlite3_exec(sql->db, text, NULL, NULL, NULL);
    return result == SQLITE_OK ? FLOE_OK : fail_sql(sql, result, text, err);
}

static floe_status create_handle(const char *path, floe_sql **ret_sql, floe_error *err) {
    FLOE_TRY(floe_alloc(1, sizeof(**ret_sql), ret_sql, err));
    (*ret_sql)->references = 1;
    return floe_strdup(path, &(*ret_sql)->path, err);
}

/* Of several that open a new file at once one switches it to a write-ahead log; the others are told that it is locked
 * without the wait that SQLite has for other locks, so they wait here. */
static floe_status use_log(floe_sql *sql, floe_error *err) {
    int64_t end_us = floe_monotonic_us() + BUSY_TIMEOUT_MS * INT64_C(1000);
    for (;;) {
        floe_error failure = {0};
        floe_status status = floe_sql_exec(sql, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", &failure);
        if (status.code == FLOE_CONFLICT && floe_monotonic_us() < end_us) {
            (void)sqlite3_sleep(5);
            continue;
        }
        return floe_failed(status) ? floe_error_set(err, failure.code, failure.sys_errno, failure.file, failure.line,
                                                    "%s", failure.message)
                                   : status;
    }
}

/* SQLite opens lazily: reading the schema finds out whether the file is a database at all. */
static floe_status configure(floe_sql *sql, floe_sql_mode mode, floe_error *err) {
    (void)sqlite3_busy_timeout(sql->db, BUSY_TIMEOUT_MS);
    FLOE_TRY(floe_sql_exec(sql, "PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; SELECT count(*) FROM sqlite_schema",
                           err));
    if (mode == FLOE_SQL_WRITE) {
        FLOE_TRY(use_log(sql, err));
    }
    return FLOE_OK;
}

static int open_flags(floe_sql_mode mode) {
    switch (mode) {
    case FLOE_SQL_READ:
        return SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX;
    case FLOE_SQL_WRITE:
        return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    case FLOE_SQL_MEMORY:
    default:
        return SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
    }
}

floe_status floe_sql_open(const char *path, floe_sql_mode mode, floe_sql **ret_sql, floe_error *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    __attribute__((cleanup(floe_sql_close))) floe_sql *sql = NULL;
    (void)pthread_once(&once, use_floe_memory);
    const char *name = mode == FLOE_SQL_MEMORY ? ":memory:" : path;
    if (mode == FLOE_SQL_READ && access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR)) {
        return FLOE_FAIL_ERRNO(err, FLOE_NOT_FOUND, "there is no database %s", path);
    }
    FLOE_TRY(create_handle(name, &sql, err));
    int result = sqlite3_open_v2(name, &sql->db, open_flags(mode), NULL);
    if (result != SQLITE_OK) {
        return fail_sql(sql, result, NULL, err);
    }
    FLOE_TRY(configure(sql, mode, err));
    *ret_sql = sql;
    sql = NULL;
    return FLOE_OK;
}

/* ---- Statements ---- */

/* SQLite compiles the first statement of a text only; a second one would be dropped silently. */
static bool is_blank(const char *text) {
    return text[strspn(text, " \t\r\n;")] == '\0';
}

floe_status floe_sql_prepare(floe_sql *sql, const char *text, floe_sql_stmt **ret_stmt, floe_error *err) {
    __attribute__((cleanup(floe_sql_finalize))) floe_sql_stmt *stmt = NULL;
    const char *rest = "";
    FLOE_TRY(floe_alloc(1, sizeof(*stmt), &stmt, err));
    stmt->sql = sql;
    sql->references++;
    int result = sqlite3_prepare_v2(sql->db, text, -1, &stmt->stmt, &rest);
    if (result != SQLITE_OK) {
        return fail_sql(sql, result, text, err);
    }
    FLOE_ENSURE(stmt->stmt && is_blank(rest), err, FLOE_INTERNAL, "%s: not exactly one statement: %s", sql->path, text);
    *ret_stmt = stmt;
    stmt = NULL;
    return FLOE_OK;
}

void floe_sql_finalize(floe_sql_stmt **stmt) {
    if (!stmt || !*stmt) {
        return;
    }
    (void)sqlite3_finalize((*stmt)->stmt);
    release((*stmt)->sql);
    floe_free(*stmt);
    *stmt = NULL;
}

void floe_sql_reset(floe_sql_stmt *stmt) {
    (void)sqlite3_reset(stmt->stmt);
    (void)sqlite3_clear_bindings(stmt->stmt);
    stmt->failed = SQLITE_OK;
}

static void note(floe_sql_stmt *stmt, int result) {
    if (result != SQLITE_OK && stmt->failed == SQLITE_OK) {
        stmt->failed = result;
    }
}

void floe_sql_bind_i64(floe_sql_stmt *stmt, int index, int64_t value) {
    note(stmt, sqlite3_bind_int64(stmt->stmt, index, value));
}

/* An empty text may have no pointer, which SQLite would take for a null. */
void floe_sql_bind_text(floe_sql_stmt *stmt, int index, floe_str text) {
    note(stmt,
         sqlite3_bind_text64(stmt->stmt, index, text.ptr ? text.ptr : "", text.len, SQLITE_TRANSIENT, SQLITE_UTF8));
}

void floe_sql_bind_blob(floe_sql_stmt *stmt, int index, floe_str bytes) {
    note(stmt, sqlite3_bind_blob64(stmt->stmt, index, bytes.ptr ? bytes.ptr : "", bytes.len, SQLITE_TRANSIENT));
}

floe_status floe_sql_step(floe_sql_stmt *stmt, bool *ret_row, floe_error *err) {
    int result = stmt->failed == SQLITE_OK ? sqlite3_step(stmt->stmt) : stmt->failed;
    if (result == SQLITE_ROW || result == SQLITE_DONE) {
        *ret_row = result == SQLITE_ROW;
        return FLOE_OK;
    }
    return fail_sql(stmt->sql, result, sqlite3_sql(stmt->stmt), err);
}

int64_t floe_sql_i64(floe_sql_stmt *stmt, int column) {
    return sqlite3_column_int64(stmt->stmt, column);
}

/* When memory for a conversion is missing, SQLite gives no pointer, remembers it, and fails the next step by itself. */
floe_str floe_sql_text(floe_sql_stmt *stmt, int column) {
    int type = sqlite3_column_type(stmt->stmt, column);
    if (type == SQLITE_NULL) {
        return FLOE_STR("");
    }
    const void *bytes = type == SQLITE_BLOB ? sqlite3_column_blob(stmt->stmt, column)
                                            : (const void *)sqlite3_column_text(stmt->stmt, column);
    int len = sqlite3_column_bytes(stmt->stmt, column);
    return bytes ? (floe_str){bytes, (size_t)len} : FLOE_STR("");
}

int64_t floe_sql_last_rowid(floe_sql *sql) {
    return sqlite3_last_insert_rowid(sql->db);
}

int64_t floe_sql_changes(floe_sql *sql) {
    return sqlite3_changes64(sql->db);
}

/* ---- Transactions ---- */

floe_status floe_sql_begin(floe_sql *sql, floe_error *err) {
    return floe_sql_exec(sql, "BEGIN IMMEDIATE", err);
}

floe_status floe_sql_commit(floe_sql *sql, floe_error *err) {
    return floe_sql_exec(sql, "COMMIT", err);
}

/* Many failures roll back by themselves; then there is nothing left to do. */
void floe_sql_rollback(floe_sql *sql) {
    if (!sqlite3_get_autocommit(sql->db)) {
        (void)sqlite3_exec(sql->db, "ROLLBACK", NULL, NULL, NULL);
    }
}
