/*
 * floe_live(view BIGINT, file UBIGINT, position BIGINT) → BOOLEAN: whether a row survives the position deletes of a view
 * that a session registered.
 *
 * Views are numbered by an engine-wide table, so that SQL never holds an address. Lock: views.lock, read for the time of
 * one chunk, written when a session registers sets or closes; a view thus cannot go while a chunk is looked at. A number
 * that no view has (any more) keeps no row: nothing comes back by mistake.
 */
#include "offline/engine/duckdb_int.h"

#include "core/mem.h"

/* ---- the table of views ---- */

static floe_status reserve(floe_live_views *views, size_t count, floe_error *err) {
    if (views->count + count <= views->capacity) {
        return FLOE_OK;
    }
    size_t capacity = (views->count + count) * 2;
    FLOE_TRY(floe_realloc(&views->items, capacity, sizeof(*views->items), err));
    views->capacity = capacity;
    return FLOE_OK;
}

static floe_status add_views(floe_live_views *views, const floe_live_set *set, int64_t *ret_first, floe_error *err) {
    FLOE_TRY(reserve(views, set->view_count, err));
    *ret_first = (int64_t)views->count;
    for (size_t i = 0; i < set->view_count; i++) {
        views->items[views->count++] = &set->views[i];
    }
    return FLOE_OK;
}

floe_status floe_session_register(floe_session *session, floe_live_set **set, int64_t *ret_first_view,
                                  floe_error *err) {
    floe_live_views *views = &session->engine->live;
    (void)pthread_rwlock_wrlock(&views->lock);
    floe_status status = add_views(views, *set, ret_first_view, err);
    (void)pthread_rwlock_unlock(&views->lock);
    FLOE_TRY(status);
    (*set)->next = session->live_sets;
    session->live_sets = *set;
    *set = NULL;
    return FLOE_OK;
}

static void forget(floe_live_views *views, const floe_live_set *set) {
    for (size_t i = 0; i < views->count; i++) {
        bool own =
            set->view_count > 0 && views->items[i] >= set->views && views->items[i] < set->views + set->view_count;
        views->items[i] = own ? NULL : views->items[i];
    }
    while (views->count > 0 && views->items[views->count - 1] == NULL) {
        views->count--;
    }
}

void floe_duckdb_close_live_sets(floe_session *session) {
    floe_live_views *views = &session->engine->live;
    while (session->live_sets != NULL) {
        floe_live_set *set = session->live_sets;
        session->live_sets = set->next;
        (void)pthread_rwlock_wrlock(&views->lock);
        forget(views, set);
        (void)pthread_rwlock_unlock(&views->lock);
        floe_live_set_close(&set);
    }
}

/* ---- the function ---- */

static const floe_live_view *view_at(const floe_live_views *views, int64_t number) {
    return number >= 0 && (uint64_t)number < views->count ? views->items[number] : NULL;
}

static void look_at_rows(const floe_live_views *views, duckdb_data_chunk input, bool *alive) {
    const int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    const uint64_t *files = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    const int64_t *rows = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 2));
    size_t hint = 0;
    for (idx_t i = 0; i < duckdb_data_chunk_get_size(input); i++) {
        const floe_live_view *view = view_at(views, numbers[i]);
        if (view == NULL || files[i] >= view->file_count) {
            alive[i] = false;
            continue;
        }
        const floe_positions *deleted = view->files[files[i]];
        alive[i] = deleted == NULL || !floe_positions_has(deleted, (uint64_t)rows[i], &hint);
    }
}

static void live(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    floe_live_views *views = duckdb_scalar_function_get_extra_info(info);
    (void)pthread_rwlock_rdlock(&views->lock);
    look_at_rows(views, input, duckdb_vector_get_data(output));
    (void)pthread_rwlock_unlock(&views->lock);
}

floe_status floe_duckdb_register_live(duckdb_connection connection, floe_live_views *views, floe_error *err) {
    static const duckdb_type PARAMETERS[] = {DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_UBIGINT, DUCKDB_TYPE_BIGINT};
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, "floe_live");
    for (size_t i = 0; i < sizeof(PARAMETERS) / sizeof(PARAMETERS[0]); i++) {
        duckdb_logical_type parameter = duckdb_create_logical_type(PARAMETERS[i]);
        duckdb_scalar_function_add_parameter(function, parameter);
        duckdb_destroy_logical_type(&parameter);
    }
    duckdb_logical_type result = duckdb_create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb_scalar_function_set_return_type(function, result);
    duckdb_destroy_logical_type(&result);
    duckdb_scalar_function_set_function(function, live);
    duckdb_scalar_function_set_extra_info(function, views, NULL);
    duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_scalar_function(&function);
    FLOE_ENSURE(state == DuckDBSuccess, err, FLOE_INTERNAL, "the engine refuses the function floe_live");
    return FLOE_OK;
}
