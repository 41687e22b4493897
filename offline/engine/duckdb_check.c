/*
 * Binding a statement without running it, and stopping one from another thread.
 */
#include "offline/engine/duckdb_int.h"

floe_status floe_session_prepare(floe_session *session, const char *sql, floe_error *err) {
    duckdb_prepared_statement statement = NULL;
    FLOE_TRY(floe_duckdb_check_idle(session, err));
    floe_status status = floe_duckdb_prepare(session, sql, NULL, &statement, err);
    if (!floe_failed(status) && duckdb_prepared_statement_type(statement) != DUCKDB_STATEMENT_TYPE_SELECT) {
        status = FLOE_FAIL(err, FLOE_DENIED, "another statement than SELECT");
    }
    duckdb_destroy_prepare(&statement);
    return status;
}

void floe_session_interrupt(floe_session *session) {
    duckdb_interrupt(session->connection);
}
