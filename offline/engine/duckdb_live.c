/*
 * floe_live(file UBIGINT, position BIGINT) → BOOLEAN: whether a row survives the position deletes of a view that a session
 * registered. The file is the view's number times FLOE_FILES_OF_VIEW and the file's there: one cell per row less to be written.
 *
 * floe_file_of(view BIGINT, path VARCHAR) → BIGINT: the number of the data file that a path of a position delete file means;
 * -1 for none. The engine asks once per distinct path where files are dictionary-encoded.
 *
 * floe_delete_add(view BIGINT, delete UBIGINT, file BIGINT, position BIGINT) → BIGINT: gives rows of position delete files to the
 * view, 1 each.
 *
 * Views are numbered by an engine-wide table, so that SQL never holds an address. Lock: views.lock, read for the time of
 * one chunk (written for floe_file_of and floe_delete_add, which keep state), written when a session registers sets or closes; a view thus cannot go while a chunk is looked at. A number
 * that no view has (any more) keeps no row: nothing comes back by mistake.
 */
#include "offline/engine/duckdb_int.h"

#include "core/mem.h"

#include <string.h>

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
    (*set)->first_view = *ret_first_view;
    (*set)->next = session->live_sets;
    session->live_sets = *set;
    *set = NULL;
    return FLOE_OK;
}

const floe_live_set *floe_session_find_live(const floe_session *session, const floe_live_key *key,
                                            int64_t *ret_first_view) {
    for (const floe_live_set *set = session->live_sets; set != NULL; set = set->next) {
        if (set->keyed && memcmp(&set->key, key, sizeof(*key)) == 0) {
            *ret_first_view = set->first_view;
            return set;
        }
    }
    return NULL;
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

void floe_session_forget(floe_session *session, const floe_live_set *set) {
    floe_live_views *views = &session->engine->live;
    floe_live_set **at = &session->live_sets;
    while (*at != NULL && *at != set) {
        at = &(*at)->next;
    }
    FLOE_ASSERT(*at == set);
    floe_live_set *own = *at;
    *at = own->next;
    (void)pthread_rwlock_wrlock(&views->lock);
    forget(views, own);
    (void)pthread_rwlock_unlock(&views->lock);
    floe_duckdb_uncount_live(session, own);
    floe_live_set_close(&own);
}

void floe_duckdb_close_live_sets(floe_session *session) {
    while (session->live_sets != NULL) {
        floe_session_forget(session, session->live_sets);
    }
}

/* ---- the functions ---- */

static const floe_live_view *view_at(const floe_live_views *views, int64_t number) {
    return number >= 0 && (uint64_t)number < views->count ? views->items[number] : NULL;
}

/* How many rows from the first on are of its file: mostly all of a chunk, where each is as the one before. */
static size_t file_len(const uint64_t *files, size_t count) {
    size_t len = 1;
    if (memcmp(files, files + 1, (count - 1) * sizeof(*files)) == 0) {
        return count;
    }
    while (len < count && files[len] == files[0]) {
        len++;
    }
    return len;
}

static void look_at_rows(const floe_live_views *views, duckdb_data_chunk input, bool *alive) {
    const uint64_t *files = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    const int64_t *rows = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 1));
    size_t count = duckdb_data_chunk_get_size(input);
    size_t len = 0;
    for (size_t at = 0; at < count; at += len) {
        const floe_live_view *view = view_at(views, (int64_t)(files[at] / FLOE_FILES_OF_VIEW));
        uint64_t file = files[at] % FLOE_FILES_OF_VIEW;
        bool known = view != NULL && file < view->file_count;
        len = file_len(files + at, count - at);
        if (known && view->files[file] != NULL) {
            floe_positions_keep(view->files[file], rows + at, len, alive + at);
        } else {
            memset(alive + at, known, len);
        }
    }
}

static void live(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    floe_live_views *views = duckdb_scalar_function_get_extra_info(info);
    (void)pthread_rwlock_rdlock(&views->lock);
    look_at_rows(views, input, duckdb_vector_get_data(output));
    (void)pthread_rwlock_unlock(&views->lock);
}

static bool is_valid(const uint64_t *validity, idx_t row) {
    return validity == NULL || (validity[row / 64] >> (row % 64) & 1) != 0;
}

static void find_files(const floe_live_views *views, duckdb_data_chunk input, int64_t *files) {
    const int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(input, 0));
    duckdb_vector vector = duckdb_data_chunk_get_vector(input, 1);
    duckdb_string_t *paths = duckdb_vector_get_data(vector);
    const uint64_t *validity = duckdb_vector_get_validity(vector);
    idx_t count = duckdb_data_chunk_get_size(input);
    const floe_live_view *view = count > 0 ? view_at(views, numbers[0]) : NULL;
    for (idx_t i = 0; i < count; i++) {
        files[i] = -1;
        if (view != NULL && view->find != NULL && is_valid(validity, i)) { /* what lies in a null is no text */
            floe_str path = {duckdb_string_t_data(&paths[i]), duckdb_string_t_length(paths[i])};
            files[i] = view->find(view->context, path);
        }
    }
}

static void file_of(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    floe_live_views *views = duckdb_scalar_function_get_extra_info(info);
    (void)pthread_rwlock_wrlock(&views->lock);
    find_files(views, input, duckdb_vector_get_data(output));
    (void)pthread_rwlock_unlock(&views->lock);
}

/* Null says INT64_MIN for a position and -1 for a file. The engine's chunk is its own copy, which may be written to. */
static void fill_nulls(duckdb_vector vector, idx_t count, int64_t value) {
    int64_t *cells = duckdb_vector_get_data(vector);
    const uint64_t *validity = duckdb_vector_get_validity(vector);
    for (idx_t i = 0; validity != NULL && i < count; i++) {
        cells[i] = is_valid(validity, i) ? cells[i] : value;
    }
}

static void delete_add(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output) {
    floe_live_views *views = duckdb_scalar_function_get_extra_info(info);
    idx_t count = duckdb_data_chunk_get_size(input);
    duckdb_vector vectors[4];
    for (idx_t i = 0; i < 4; i++) {
        vectors[i] = duckdb_data_chunk_get_vector(input, i);
    }
    fill_nulls(vectors[2], count, -1);
    fill_nulls(vectors[3], count, INT64_MIN);
    const int64_t *numbers = duckdb_vector_get_data(vectors[0]);
    const floe_delete_rows rows = {.deletes = duckdb_vector_get_data(vectors[1]),
                                   .files = duckdb_vector_get_data(vectors[2]),
                                   .positions = duckdb_vector_get_data(vectors[3]),
                                   .count = count};
    (void)pthread_rwlock_wrlock(&views->lock);
    const floe_live_view *view = count > 0 ? view_at(views, numbers[0]) : NULL;
    if (view != NULL && view->add != NULL) {
        view->add(view->context, &rows);
    } else if (count > 0) {
        duckdb_scalar_function_set_error(info, "no such reading of position deletes");
    }
    (void)pthread_rwlock_unlock(&views->lock);
    int64_t *added = duckdb_vector_get_data(output);
    for (idx_t i = 0; i < count; i++) {
        added[i] = 1;
    }
}

static floe_status add_function(duckdb_connection connection, const char *name, const duckdb_type *types,
                                duckdb_scalar_function_t body, floe_live_views *views, floe_error *err) {
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_scalar_function_set_name(function, name);
    for (size_t i = 1; types[i] != DUCKDB_TYPE_INVALID; i++) {
        duckdb_logical_type parameter = duckdb_create_logical_type(types[i]);
        duckdb_scalar_function_add_parameter(function, parameter);
        duckdb_destroy_logical_type(&parameter);
    }
    duckdb_logical_type result = duckdb_create_logical_type(types[0]);
    duckdb_scalar_function_set_return_type(function, result);
    duckdb_destroy_logical_type(&result);
    duckdb_scalar_function_set_function(function, body);
    duckdb_scalar_function_set_extra_info(function, views, NULL);
    if (body ==
        delete_add) { /* Each row counts, whatever the planner thinks of equal ones, and so does one without a file. */
        duckdb_scalar_function_set_volatile(function);
        duckdb_scalar_function_set_special_handling(function);
    }
    duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_scalar_function(&function);
    FLOE_ENSURE(state == DuckDBSuccess, err, FLOE_INTERNAL, "the engine refuses the function %s", name);
    return FLOE_OK;
}

floe_status floe_duckdb_register_live(duckdb_connection connection, floe_live_views *views, floe_error *err) {
    /* What they give, then what they take. */
    static const duckdb_type LIVE[] = {DUCKDB_TYPE_BOOLEAN, DUCKDB_TYPE_UBIGINT, DUCKDB_TYPE_BIGINT,
                                       DUCKDB_TYPE_INVALID};
    static const duckdb_type FILE_OF[] = {DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_VARCHAR,
                                          DUCKDB_TYPE_INVALID};
    static const duckdb_type DELETE_ADD[] = {DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_UBIGINT,
                                             DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_BIGINT, DUCKDB_TYPE_INVALID};
    FLOE_TRY(add_function(connection, "floe_live", LIVE, live, views, err));
    FLOE_TRY(add_function(connection, "floe_file_of", FILE_OF, file_of, views, err));
    return add_function(connection, "floe_delete_add", DELETE_ADD, delete_add, views, err);
}
