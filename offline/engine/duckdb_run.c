/*
 * Preparing, binding and running statements.
 *
 * Execution goes task by task, so that a request to stop is seen within one task's time (a few milliseconds). Once a
 * query is to stop, it is interrupted and then driven to its end: when the call returns, no thread of the engine still
 * writes to a file that the caller is about to remove.
 */
#include "offline/engine/duckdb_int.h"

#include "core/mem.h"

#include <time.h>

floe_status floe_duckdb_check_cancelled(const floe_session *session, floe_error *err) {
    FLOE_ENSURE(!session->cancelled || !atomic_load(session->cancelled), err, FLOE_CANCELLED, "cancelled");
    return FLOE_OK;
}

floe_status floe_duckdb_check_idle(const floe_session *session, floe_error *err) {
    FLOE_ENSURE(!session->streaming, err, FLOE_INVALID,
                "a stream of this session is still open: release it before the next query");
    return FLOE_OK;
}

/* ---- parameters ---- */

static duckdb_logical_type type_of(floe_kind kind, uint8_t precision, uint8_t scale) {
    static const duckdb_type TYPES[] = {
        [FLOE_KIND_NONE] = DUCKDB_TYPE_VARCHAR,   [FLOE_KIND_BOOL] = DUCKDB_TYPE_BOOLEAN,
        [FLOE_KIND_INT32] = DUCKDB_TYPE_INTEGER,  [FLOE_KIND_INT64] = DUCKDB_TYPE_BIGINT,
        [FLOE_KIND_FLOAT] = DUCKDB_TYPE_FLOAT,    [FLOE_KIND_DOUBLE] = DUCKDB_TYPE_DOUBLE,
        [FLOE_KIND_STRING] = DUCKDB_TYPE_VARCHAR, [FLOE_KIND_BYTES] = DUCKDB_TYPE_BLOB,
        [FLOE_KIND_DATE] = DUCKDB_TYPE_DATE,      [FLOE_KIND_TIMESTAMP] = DUCKDB_TYPE_TIMESTAMP,
        [FLOE_KIND_LIST] = DUCKDB_TYPE_VARCHAR,
    };
    if (kind == FLOE_KIND_DECIMAL) {
        return duckdb_create_decimal_type(precision, scale);
    }
    return duckdb_create_logical_type(TYPES[kind]);
}

static duckdb_value decimal_value(const floe_value *value) {
    duckdb_decimal decimal = {.width = value->type.precision, .scale = value->type.scale};
    decimal.value.lower = (uint64_t)value->as.decimal;
    decimal.value.upper = (int64_t)(value->as.decimal >> 64);
    return duckdb_create_decimal(decimal);
}

static duckdb_value plain_value(const floe_value *value) {
    floe_str bytes = value->as.bytes;
    if (value->is_null) {
        return duckdb_create_null_value();
    }
    switch (value->type.kind) {
    case FLOE_KIND_BOOL:
        return duckdb_create_bool(value->as.boolean);
    case FLOE_KIND_INT32:
        return duckdb_create_int32((int32_t)value->as.integer);
    case FLOE_KIND_INT64:
        return duckdb_create_int64(value->as.integer);
    case FLOE_KIND_FLOAT:
        return duckdb_create_float((float)value->as.real);
    case FLOE_KIND_DOUBLE:
        return duckdb_create_double(value->as.real);
    case FLOE_KIND_STRING:
        return duckdb_create_varchar_length(bytes.ptr ? bytes.ptr : "", bytes.len);
    case FLOE_KIND_BYTES:
        return duckdb_create_blob((const uint8_t *)(bytes.ptr ? bytes.ptr : ""), bytes.len);
    case FLOE_KIND_DATE:
        return duckdb_create_date((duckdb_date){(int32_t)value->as.integer});
    case FLOE_KIND_TIMESTAMP:
        return duckdb_create_timestamp((duckdb_timestamp){value->as.integer});
    case FLOE_KIND_DECIMAL:
        return decimal_value(value);
    case FLOE_KIND_NONE:
    case FLOE_KIND_LIST:
    default:
        return NULL;
    }
}

static floe_status list_value(const floe_value *value, duckdb_value *ret_value, floe_error *err) {
    size_t count = value->as.list.count;
    FLOE_AUTO_FREE duckdb_value *items = NULL;
    FLOE_TRY(floe_alloc(count ? count : 1, sizeof *items, &items, err));
    for (size_t i = 0; i < count; i++) {
        items[i] = plain_value(&value->as.list.items[i]);
    }
    duckdb_logical_type element = type_of(value->type.element, value->type.precision, value->type.scale);
    *ret_value = duckdb_create_list_value(element, items, count);
    duckdb_destroy_logical_type(&element);
    for (size_t i = 0; i < count; i++) {
        duckdb_destroy_value(&items[i]);
    }
    return FLOE_OK;
}

static floe_status bind_one(duckdb_prepared_statement statement, idx_t index, const floe_value *value,
                            floe_error *err) {
    duckdb_value bound = NULL;
    if (value->type.kind == FLOE_KIND_LIST && !value->is_null) {
        FLOE_TRY(list_value(value, &bound, err));
    } else {
        bound = plain_value(value);
    }
    FLOE_ENSURE(bound, err, FLOE_INVALID, "the value of parameter $%llu is not one the engine takes",
                (unsigned long long)index);
    duckdb_state state = duckdb_bind_value(statement, index, bound);
    duckdb_destroy_value(&bound);
    if (state != DuckDBSuccess) {
        return floe_duckdb_fail(duckdb_prepare_error(statement), err);
    }
    return FLOE_OK;
}

static floe_status bind_all(duckdb_prepared_statement statement, const floe_sql_params *params, floe_error *err) {
    size_t count = params ? params->value_count : 0;
    idx_t wanted = duckdb_nparams(statement);
    FLOE_ENSURE(wanted == count, err, FLOE_INVALID, "the statement has %llu parameters, %zu values were given",
                (unsigned long long)wanted, count);
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(bind_one(statement, i + 1, &params->values[i], err));
    }
    return FLOE_OK;
}

/* ---- running ---- */

static void doze(void) {
    struct timespec pause = {.tv_nsec = 200000};
    nanosleep(&pause, NULL);
}

/* Runs tasks until there is a result. When all tasks lie with other threads there is nothing to do but look again. */
static floe_status drive(floe_session *session, duckdb_pending_result pending, floe_error *err) {
    for (;;) {
        if (floe_failed(floe_duckdb_check_cancelled(session, err))) {
            duckdb_interrupt(session->connection);
            duckdb_result rest = {0};
            (void)duckdb_execute_pending(pending, &rest);
            duckdb_destroy_result(&rest);
            return FLOE_FAIL(err, FLOE_CANCELLED, "cancelled");
        }
        duckdb_pending_state state = duckdb_pending_execute_task(pending);
        if (state == DUCKDB_PENDING_ERROR) {
            return floe_duckdb_fail(duckdb_pending_error(pending), err);
        }
        if (duckdb_pending_execution_is_finished(state)) {
            return FLOE_OK;
        }
        if (state == DUCKDB_PENDING_NO_TASKS_AVAILABLE) {
            doze();
        }
    }
}

floe_status floe_duckdb_execute(floe_session *session, duckdb_prepared_statement statement, bool streaming,
                                duckdb_result *ret_result, floe_error *err) {
    FLOE_TRY(floe_duckdb_check_cancelled(session, err));
    duckdb_pending_result pending = NULL;
    duckdb_state state = streaming ? duckdb_pending_prepared_streaming(statement, &pending)
                                   : duckdb_pending_prepared(statement, &pending);
    floe_status status = FLOE_OK;
    if (state != DuckDBSuccess) {
        status = floe_duckdb_fail(duckdb_pending_error(pending), err);
    } else {
        status = drive(session, pending, err);
    }
    if (!floe_failed(status) && duckdb_execute_pending(pending, ret_result) != DuckDBSuccess) {
        status = floe_duckdb_fail(duckdb_result_error(ret_result), err);
    }
    duckdb_destroy_pending(&pending);
    return status;
}

/* Splits the text into statements. Owns: the caller destroys *ret_statements, also on failure. */
static floe_status extract(floe_session *session, const char *sql, duckdb_extracted_statements *ret_statements,
                           idx_t *ret_count, floe_error *err) {
    *ret_count = duckdb_extract_statements(session->connection, sql, ret_statements);
    const char *message = *ret_statements ? duckdb_extract_statements_error(*ret_statements) : NULL;
    if (*ret_count == 0 && message) {
        return floe_duckdb_fail(message, err);
    }
    FLOE_ENSURE(*ret_count > 0, err, FLOE_INVALID, "there is no statement to run");
    return FLOE_OK;
}

static floe_status prepare_at(floe_session *session, duckdb_extracted_statements statements, idx_t index,
                              const floe_sql_params *params, duckdb_prepared_statement *ret_statement,
                              floe_error *err) {
    if (duckdb_prepare_extracted_statement(session->connection, statements, index, ret_statement) != DuckDBSuccess) {
        return floe_duckdb_fail(duckdb_prepare_error(*ret_statement), err);
    }
    return bind_all(*ret_statement, params, err);
}

floe_status floe_duckdb_prepare(floe_session *session, const char *sql, const floe_sql_params *params,
                                duckdb_prepared_statement *ret_statement, floe_error *err) {
    duckdb_extracted_statements statements = NULL;
    idx_t count = 0;
    floe_status status = extract(session, sql, &statements, &count, err);
    if (!floe_failed(status) && count != 1) {
        status =
            FLOE_FAIL(err, FLOE_INVALID, "one statement was expected, the text holds %llu", (unsigned long long)count);
    }
    if (!floe_failed(status)) {
        status = prepare_at(session, statements, 0, params, ret_statement, err);
    }
    duckdb_destroy_extracted(&statements);
    return status;
}

static floe_status run_at(floe_session *session, duckdb_extracted_statements statements, idx_t index,
                          const floe_sql_params *params, int64_t *ret_changed, floe_error *err) {
    duckdb_prepared_statement statement = NULL;
    duckdb_result result = {0};
    floe_status status = prepare_at(session, statements, index, params, &statement, err);
    if (!floe_failed(status)) {
        status = floe_duckdb_execute(session, statement, false, &result, err);
    }
    if (!floe_failed(status) && ret_changed) {
        *ret_changed = (int64_t)duckdb_rows_changed(&result);
    }
    duckdb_destroy_result(&result);
    duckdb_destroy_prepare(&statement);
    return status;
}

static floe_status run_all(floe_session *session, const char *sql, const floe_sql_params *params, int64_t *ret_changed,
                           floe_error *err) {
    duckdb_extracted_statements statements = NULL;
    idx_t count = 0;
    floe_status status = extract(session, sql, &statements, &count, err);
    if (!floe_failed(status) && count > 1 && params && params->value_count > 0) {
        status = FLOE_FAIL(err, FLOE_INVALID, "parameters go with one statement, the text holds %llu",
                           (unsigned long long)count);
    }
    for (idx_t i = 0; i < count && !floe_failed(status); i++) {
        status = run_at(session, statements, i, params, ret_changed, err);
    }
    duckdb_destroy_extracted(&statements);
    return status;
}

floe_status floe_session_run_once(floe_session *session, const char *sql, int64_t *ret_changed, floe_error *err) {
    FLOE_TRY(floe_duckdb_check_idle(session, err));
    return run_all(session, sql, NULL, ret_changed, err);
}

/* Whether nothing is left of a text that failed, as of one statement. */
static bool may_run_again(floe_session *session, const char *sql) {
    duckdb_extracted_statements statements = NULL;
    idx_t count = duckdb_extract_statements(session->connection, sql, &statements);
    duckdb_destroy_extracted(&statements);
    return count == 1;
}

floe_status floe_session_run(floe_session *session, const char *sql, const floe_sql_params *params,
                             int64_t *ret_changed, floe_error *err) {
    FLOE_TRY(floe_duckdb_check_idle(session, err));
    for (unsigned tries = 1;; tries++) {
        floe_error why = {0};
        bool again = false;
        floe_status status = run_all(session, sql, params, ret_changed, &why);
        if (!floe_failed(status)) {
            return FLOE_OK;
        }
        if (tries < FLOE_DUCKDB_TRIES && may_run_again(session, sql)) {
            FLOE_TRY(floe_duckdb_renew(session, &why, &again, err));
        }
        if (!again) {
            return floe_duckdb_pass(&why, err);
        }
    }
}
