/*
 * SQLite, through sql.c, the one file that includes it: the registry and the lexical index live in such files.
 * Thread: a handle belongs to one thread at a time.
 */
#ifndef FLOE_CORE_SQL_H
#define FLOE_CORE_SQL_H

#include "core/error.h"
#include "core/str.h"

#include <stdint.h>

typedef struct floe_sql floe_sql;           /* one open database */
typedef struct floe_sql_stmt floe_sql_stmt; /* one prepared statement */

typedef enum floe_sql_mode { FLOE_SQL_READ, FLOE_SQL_WRITE, FLOE_SQL_MEMORY } floe_sql_mode;

/* Opens (WRITE: creates) a database file; WAL journal, full fsync, foreign keys on, busy timeout 5 s. READ of a missing
 * file is NOT_FOUND. A file that is no database is CORRUPT. MEMORY ignores path. */
floe_status floe_sql_open(const char *path, floe_sql_mode mode, floe_sql **ret_sql, floe_error *err);
/* NULL-safe. Statements may be finalized before or after. */
void floe_sql_close(floe_sql **sql);
/* What to do where the file turns out to be damaged, said with every CORRUPT from then on: "; restore it …". Borrowed. */
void floe_sql_advise(floe_sql *sql, const char *advice);

/* Runs statements that return nothing. Errors, here and for every call below: CONFLICT on a constraint, or (retriable)
 * on a lock that outlived the timeout; CORRUPT; IO (a full disk is named); DENIED on a read-only file; NOMEM; LIMIT;
 * INVALID when FTS5 rejects a search expression; INTERNAL for wrong SQL. The message names the file. */
floe_status floe_sql_exec(floe_sql *sql, const char *text, floe_error *err);

/* Prepares exactly one statement; positional parameters ?1, ?2 … */
floe_status floe_sql_prepare(floe_sql *sql, const char *text, floe_sql_stmt **ret_stmt, floe_error *err);
void floe_sql_finalize(floe_sql_stmt **stmt);
/* Makes the statement ready to run again with its bindings cleared. */
void floe_sql_reset(floe_sql_stmt *stmt);

/* Bindings copy their bytes. Index from 1. A failed binding is reported by the next step. */
void floe_sql_bind_i64(floe_sql_stmt *stmt, int index, int64_t value);
void floe_sql_bind_text(floe_sql_stmt *stmt, int index, floe_str text);
void floe_sql_bind_blob(floe_sql_stmt *stmt, int index, floe_str bytes);

/* Runs to the next row: *ret_row says whether there is one. */
floe_status floe_sql_step(floe_sql_stmt *stmt, bool *ret_row, floe_error *err);
/* Columns of the current row, from 0; text and blobs are borrowed until the next step. A null is 0 or an empty
 * string. A text that memory is missing for reads as empty, and the next step reports NOMEM. */
int64_t floe_sql_i64(floe_sql_stmt *stmt, int column);
floe_str floe_sql_text(floe_sql_stmt *stmt, int column);

int64_t floe_sql_last_rowid(floe_sql *sql);
int64_t floe_sql_changes(floe_sql *sql);

/* BEGIN IMMEDIATE / COMMIT; rollback never fails visibly. */
floe_status floe_sql_begin(floe_sql *sql, floe_error *err);
floe_status floe_sql_commit(floe_sql *sql, floe_error *err);
void floe_sql_rollback(floe_sql *sql);

#endif
