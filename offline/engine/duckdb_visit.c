/*
 * Rows to whoever takes them, on the engine's own threads: a query whose one expression is floe_visit(number, column …), which
 * hands each chunk on as an Arrow batch while it is still in the cache. No row is copied on the way but texts and booleans,
 * and no thread waits for another, as those of a stream do.
 *
 * Cells of numbers and times lie in a vector as Arrow has them, so a batch only points at them. A chunk with a column of another
 * kind (decimals, lists, uuids …) is converted by the engine.
 *
 * Invariant: a visit is found by its number only while floe_session_visit runs, and that returns when no call is under way.
 * Threads: several calls at a time; each has a room of its own.
 */
#include "offline/engine/duckdb_int.h"

#include "core/limits.h"
#include "core/mem.h"

#include <inttypes.h>

#define SQL_MAX FLOE_GIB(1)

typedef enum cell_layout {
    CELLS_SAME, /* as Arrow's */
    CELLS_BOOL,
    CELLS_TEXT,
    CELLS_OTHER
} cell_layout;

/* What one call works with. */
typedef struct visit_room {
    struct visit_room *next;
    struct ArrowArray batch;
    struct ArrowArray *columns;
    struct ArrowArray **pointers; /* to the columns */
    const void **buffers;         /* three per column */
    floe_buf *cells;              /* per column: bits, or text */
    int32_t **ends;               /* per column of texts */
} visit_room;

struct floe_visit {
    struct floe_visit *next;
    int64_t number;
    const floe_row_taker *taker;
    size_t column_count;
    cell_layout *layouts;
    bool converts; /* some layout is another: chunks are converted whole */
    duckdb_arrow_options options;
    visit_room *rooms; /* that nobody uses */
    size_t active;     /* calls under way */
    bool begun;        /* some rows were taken */
    floe_status status;
    floe_error err;
};

/* ---- rooms ---- */

static void room_free(visit_room *room, size_t column_count) {
    for (size_t i = 0; i < column_count && room->cells && room->ends; i++) {
        floe_buf_close(&room->cells[i]);
        floe_free(room->ends[i]);
    }
    floe_free(room->columns);
    floe_free(room->pointers);
    floe_free(room->buffers);
    floe_free(room->cells);
    floe_free(room->ends);
    floe_free(room);
}

static floe_status room_fill(const floe_visit *visit, visit_room *room, floe_error *err) {
    size_t count = visit->column_count;
    FLOE_TRY(floe_alloc(count, sizeof(*room->columns), &room->columns, err));
    FLOE_TRY(floe_alloc(count, sizeof(struct ArrowArray *), &room->pointers, err));
    FLOE_TRY(floe_alloc(3 * count, sizeof(void *), &room->buffers, err));
    FLOE_TRY(floe_alloc(count, sizeof(*room->cells), &room->cells, err));
    FLOE_TRY(floe_alloc(count, sizeof(*room->ends), &room->ends, err));
    for (size_t i = 0; i < count; i++) {
        floe_buf_init(&room->cells[i], (size_t)INT32_MAX);
        room->pointers[i] = &room->columns[i];
        if (visit->layouts[i] == CELLS_TEXT) {
            FLOE_TRY(floe_alloc(duckdb_vector_size() + 1, sizeof(int32_t), &room->ends[i], err));
        }
    }
    return FLOE_OK;
}

static floe_status room_make(const floe_visit *visit, visit_room **ret_room, floe_error *err) {
    visit_room *room = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*room), &room, err));
    floe_status status = room_fill(visit, room, err);
    if (floe_failed(status)) {
        room_free(room, visit->column_count);
        return status;
    }
    *ret_room = room;
    return FLOE_OK;
}

/* ---- a chunk as a batch ---- */

static void keep_batch(struct ArrowArray *batch) {
    batch->release = NULL; /* It points at what is the room's and the engine's. */
}

static inline bool is_valid(const uint64_t *validity, size_t row) {
    return !validity || (validity[row >> 6] >> (row & 63) & 1);
}

static void read_bools(const bool *cells, const uint64_t *validity, size_t count, floe_buf *bits) {
    uint8_t byte = 0;
    for (size_t row = 0; row < count; row++) {
        byte = (uint8_t)(byte | (is_valid(validity, row) && cells[row]) << (row & 7));
        if ((row & 7) == 7 || row + 1 == count) {
            floe_buf_byte(bits, byte);
            byte = 0;
        }
    }
}

/* A null is an empty text: what lies in its cell is none. */
static void read_texts(duckdb_string_t *cells, const uint64_t *validity, size_t count, floe_buf *text, int32_t *ends) {
    ends[0] = 0;
    for (size_t row = 0; row < count; row++) {
        if (is_valid(validity, row)) {
            floe_buf_append(text, duckdb_string_t_data(&cells[row]), duckdb_string_t_length(cells[row]));
        }
        ends[row + 1] = (int32_t)text->len;
    }
}

static floe_status read_column(const floe_visit *visit, visit_room *room, size_t column, duckdb_vector vector,
                               size_t count, floe_error *err) {
    void *data = duckdb_vector_get_data(vector);
    const uint64_t *validity = duckdb_vector_get_validity(vector);
    const void **buffers = room->buffers + 3 * column;
    floe_buf *cells = &room->cells[column];
    floe_buf_clear(cells);
    buffers[0] = validity;
    buffers[1] = data;
    if (visit->layouts[column] == CELLS_BOOL) {
        read_bools(data, validity, count, cells);
    } else if (visit->layouts[column] == CELLS_TEXT) {
        read_texts(data, validity, count, cells, room->ends[column]);
    }
    FLOE_TRY(floe_buf_check(cells, err));
    if (visit->layouts[column] == CELLS_BOOL) {
        buffers[1] = cells->ptr;
    } else if (visit->layouts[column] == CELLS_TEXT) {
        buffers[1] = room->ends[column];
        buffers[2] = cells->ptr;
    }
    room->columns[column] = (struct ArrowArray){.length = (int64_t)count,
                                                .null_count = validity ? -1 : 0,
                                                .n_buffers = visit->layouts[column] == CELLS_TEXT ? 3 : 2,
                                                .buffers = buffers,
                                                .release = keep_batch};
    return FLOE_OK;
}

/* The chunk's first column is the number. */
static floe_status take_pointed(const floe_visit *visit, visit_room *room, duckdb_data_chunk chunk, floe_error *err) {
    static const void *no_nulls[1] = {NULL};
    size_t count = duckdb_data_chunk_get_size(chunk);
    for (size_t i = 0; i < visit->column_count; i++) {
        FLOE_TRY(read_column(visit, room, i, duckdb_data_chunk_get_vector(chunk, i + 1), count, err));
    }
    room->batch = (struct ArrowArray){.length = (int64_t)count,
                                      .n_buffers = 1,
                                      .buffers = no_nulls,
                                      .n_children = (int64_t)visit->column_count,
                                      .children = room->pointers,
                                      .release = keep_batch};
    return visit->taker->take(visit->taker->context, &room->batch, err);
}

static floe_status take_converted(const floe_visit *visit, duckdb_data_chunk chunk, floe_error *err) {
    FLOE_AUTO_ARRAY whole = {0};
    FLOE_TRY(floe_duckdb_take(duckdb_data_chunk_to_arrow(visit->options, chunk, &whole), err));
    struct ArrowArray batch = whole; /* a view, without the number */
    batch.children++;
    batch.n_children--;
    batch.release = keep_batch;
    return visit->taker->take(visit->taker->context, &batch, err);
}

/* ---- the function ---- */

/* The visit and a room for this call; NULL: there is none of that number, or it has failed. *ret_room NULL: make one. */
static floe_visit *enter(floe_visits *visits, int64_t number, visit_room **ret_room) {
    (void)pthread_mutex_lock(&visits->lock);
    floe_visit *visit = visits->first;
    while (visit && visit->number != number) {
        visit = visit->next;
    }
    if (visit && floe_failed(visit->status)) {
        visit = NULL;
    }
    if (visit) {
        visit->active++;
        visit->begun = true;
        *ret_room = visit->rooms;
        visit->rooms = *ret_room ? (*ret_room)->next : NULL;
    }
    (void)pthread_mutex_unlock(&visits->lock);
    return visit;
}

static void leave(floe_visits *visits, floe_visit *visit, visit_room *room, floe_status status, const floe_error *err) {
    (void)pthread_mutex_lock(&visits->lock);
    if (room) {
        room->next = visit->rooms;
        visit->rooms = room;
    }
    if (floe_failed(status) && !floe_failed(visit->status)) {
        visit->status = status;
        visit->err = *err;
    }
    visit->active--;
    (void)pthread_cond_broadcast(&visits->left);
    (void)pthread_mutex_unlock(&visits->lock);
}

static floe_status take_chunk(const floe_visit *visit, visit_room **room, duckdb_data_chunk chunk, floe_error *err) {
    if (visit->converts) {
        return take_converted(visit, chunk, err);
    }
    if (!*room) {
        FLOE_TRY(room_make(visit, room, err));
    }
    return take_pointed(visit, *room, chunk, err);
}

static void visit_chunk(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector output) {
    floe_visits *visits = duckdb_scalar_function_get_extra_info(info);
    size_t count = duckdb_data_chunk_get_size(chunk);
    memset(duckdb_vector_get_data(output), 0, count * sizeof(int64_t));
    if (count == 0) {
        return;
    }
    const int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    visit_room *room = NULL;
    floe_visit *visit = enter(visits, numbers[0], &room);
    if (!visit || duckdb_data_chunk_get_column_count(chunk) != visit->column_count + 1) {
        duckdb_scalar_function_set_error(info, "nobody takes these rows");
        if (visit) {
            leave(visits, visit, room, FLOE_OK, NULL);
        }
        return;
    }
    floe_error err = {0};
    floe_status status = take_chunk(visit, &room, chunk, &err);
    if (floe_failed(status)) {
        duckdb_scalar_function_set_error(info, err.message);
    }
    leave(visits, visit, room, status, &err);
}

floe_status floe_duckdb_register_visits(duckdb_connection connection, floe_visits *visits, floe_error *err) {
    duckdb_scalar_function function = duckdb_create_scalar_function();
    duckdb_logical_type whole = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_logical_type any = duckdb_create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_scalar_function_set_name(function, "floe_visit");
    duckdb_scalar_function_add_parameter(function, whole);
    duckdb_scalar_function_set_varargs(function, any);
    duckdb_scalar_function_set_return_type(function, whole);
    duckdb_scalar_function_set_special_handling(function); /* Nulls are cells like others. */
    duckdb_scalar_function_set_volatile(function); /* Each row counts, whatever the planner thinks of equal ones. */
    duckdb_scalar_function_set_function(function, visit_chunk);
    duckdb_scalar_function_set_extra_info(function, visits, NULL);
    duckdb_state state = duckdb_register_scalar_function(connection, function);
    duckdb_destroy_logical_type(&whole);
    duckdb_destroy_logical_type(&any);
    duckdb_destroy_scalar_function(&function);
    FLOE_ENSURE(state == DuckDBSuccess, err, FLOE_INTERNAL, "the engine refuses the function floe_visit");
    return FLOE_OK;
}

/* ---- one visit ---- */

static cell_layout layout_of(duckdb_type type) {
    static const struct {
        duckdb_type type;
        cell_layout layout;
    } LAYOUTS[] = {{DUCKDB_TYPE_BOOLEAN, CELLS_BOOL},      {DUCKDB_TYPE_TINYINT, CELLS_SAME},
                   {DUCKDB_TYPE_SMALLINT, CELLS_SAME},     {DUCKDB_TYPE_INTEGER, CELLS_SAME},
                   {DUCKDB_TYPE_BIGINT, CELLS_SAME},       {DUCKDB_TYPE_UTINYINT, CELLS_SAME},
                   {DUCKDB_TYPE_USMALLINT, CELLS_SAME},    {DUCKDB_TYPE_UINTEGER, CELLS_SAME},
                   {DUCKDB_TYPE_UBIGINT, CELLS_SAME},      {DUCKDB_TYPE_FLOAT, CELLS_SAME},
                   {DUCKDB_TYPE_DOUBLE, CELLS_SAME},       {DUCKDB_TYPE_DATE, CELLS_SAME},
                   {DUCKDB_TYPE_TIMESTAMP, CELLS_SAME},    {DUCKDB_TYPE_TIMESTAMP_TZ, CELLS_SAME},
                   {DUCKDB_TYPE_TIMESTAMP_NS, CELLS_SAME}, {DUCKDB_TYPE_VARCHAR, CELLS_TEXT},
                   {DUCKDB_TYPE_BLOB, CELLS_TEXT}};
    for (size_t i = 0; i < sizeof(LAYOUTS) / sizeof(LAYOUTS[0]); i++) {
        if (LAYOUTS[i].type == type) {
            return LAYOUTS[i].layout;
        }
    }
    return CELLS_OTHER;
}

/* The query's columns: how they lie, and their Arrow schema. */
static floe_status fill_columns(floe_visit *visit, duckdb_prepared_statement statement, struct ArrowSchema *ret_schema,
                                floe_error *err) {
    size_t count = duckdb_prepared_statement_column_count(statement);
    FLOE_AUTO_FREE duckdb_logical_type *types = NULL;
    FLOE_AUTO_FREE const char **names = NULL;
    FLOE_TRY(floe_alloc(count, sizeof(*types), &types, err));
    FLOE_TRY(floe_alloc(count, sizeof(*names), &names, err));
    FLOE_TRY(floe_alloc(count, sizeof(*visit->layouts), &visit->layouts, err));
    visit->column_count = count;
    for (size_t i = 0; i < count; i++) {
        types[i] = duckdb_prepared_statement_column_logical_type(statement, i);
        names[i] = duckdb_prepared_statement_column_name(statement, i);
        visit->layouts[i] = layout_of(duckdb_get_type_id(types[i]));
        visit->converts = visit->converts || visit->layouts[i] == CELLS_OTHER;
    }
    floe_status status = floe_duckdb_take(duckdb_to_arrow_schema(visit->options, types, names, count, ret_schema), err);
    for (size_t i = 0; i < count; i++) {
        duckdb_destroy_logical_type(&types[i]);
        duckdb_free((void *)(uintptr_t)names[i]);
    }
    return status;
}

static floe_status describe(floe_session *session, const char *sql, floe_visit *visit, floe_error *err) {
    duckdb_prepared_statement statement = NULL;
    struct ArrowSchema schema = {0};
    floe_status status = floe_duckdb_prepare(session, sql, NULL, &statement, err);
    if (!floe_failed(status)) {
        status = fill_columns(visit, statement, &schema, err);
    }
    duckdb_destroy_prepare(&statement);
    if (!floe_failed(status)) {
        status = visit->taker->begin(visit->taker->context, &schema, err);
    }
    floe_arrow_schema_release(&schema);
    return status;
}

static void append_columns(const floe_visit *visit, floe_buf *sql) {
    for (size_t i = 0; i < visit->column_count; i++) {
        floe_buf_printf(sql, "%sc%zu", i > 0 ? ", " : "", i);
    }
}

static floe_status run_once(floe_session *session, const char *query, const floe_visit *visit, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, SQL_MAX);
    floe_buf_printf(&sql, "SELECT sum(floe_visit(%" PRId64 ", ", visit->number);
    append_columns(visit, &sql);
    floe_buf_text(&sql, ")) FROM (");
    floe_buf_text(&sql, query);
    floe_buf_text(&sql, ") AS visited(");
    append_columns(visit, &sql);
    floe_buf_text(&sql, ")");
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run_once(session, sql.ptr, NULL, err);
}

/* Whether some rows were taken by a query that has ended, once no call of it is under way. */
static bool has_begun(floe_visits *visits, const floe_visit *visit) {
    (void)pthread_mutex_lock(&visits->lock);
    while (visit->active > 0) {
        (void)pthread_cond_wait(&visits->left, &visits->lock);
    }
    bool begun = visit->begun;
    (void)pthread_mutex_unlock(&visits->lock);
    return begun;
}

/* Again with other keys where a store refuses the first ones before any row is taken. */
static floe_status run(floe_session *session, const char *query, floe_visit *visit, floe_error *err) {
    for (unsigned tries = 1;; tries++) {
        floe_error why = {0};
        bool again = false;
        floe_status status = run_once(session, query, visit, &why);
        if (!floe_failed(status)) {
            return FLOE_OK;
        }
        if (has_begun(&session->engine->visits, visit)) {
            return floe_duckdb_too_late(session, &why, err);
        }
        if (tries < FLOE_DUCKDB_TRIES) {
            FLOE_TRY(floe_duckdb_renew(session, &why, &again, err));
        }
        if (!again) {
            return floe_duckdb_pass(&why, err);
        }
    }
}

static void add_visit(floe_visits *visits, floe_visit *visit) {
    (void)pthread_mutex_lock(&visits->lock);
    visit->number = ++visits->last_number;
    visit->next = visits->first;
    visits->first = visit;
    (void)pthread_mutex_unlock(&visits->lock);
}

static void remove_visit(floe_visits *visits, const floe_visit *visit) {
    (void)pthread_mutex_lock(&visits->lock);
    floe_visit **at = &visits->first;
    while (*at != visit) {
        at = &(*at)->next;
    }
    *at = visit->next;
    while (visit->active > 0) {
        (void)pthread_cond_wait(&visits->left, &visits->lock);
    }
    (void)pthread_mutex_unlock(&visits->lock);
}

static void visit_cleanup(floe_visit *visit) {
    while (visit->rooms) {
        visit_room *room = visit->rooms;
        visit->rooms = room->next;
        room_free(room, visit->column_count);
    }
    floe_free(visit->layouts);
    if (visit->options) {
        duckdb_destroy_arrow_options(&visit->options);
    }
}

floe_status floe_session_visit(floe_session *session, const char *sql, const floe_row_taker *taker, floe_error *err) {
    FLOE_TRY(floe_duckdb_check_idle(session, err));
    FLOE_CLEANUP(visit_cleanup) floe_visit visit = {.taker = taker, .status = FLOE_OK};
    duckdb_connection_get_arrow_options(session->connection, &visit.options);
    FLOE_TRY(describe(session, sql, &visit, err));
    add_visit(&session->engine->visits, &visit);
    floe_error own = {0};
    floe_status status = run(session, sql, &visit, &own);
    remove_visit(&session->engine->visits, &visit);
    bool takers = floe_failed(visit.status); /* What the engine says of it says less. */
    if (floe_failed(status) && err && err->code == FLOE_CODE_OK) {
        *err = takers ? visit.err : own;
    }
    return takers ? visit.status : status;
}
