/*
 * Rows of floe beside those of a table, in one query that all of the engine's threads run and that keeps the rows' order: a
 * function of the row's number, whose answer is a struct of the columns. A chunk of the table asks for the rows of its numbers,
 * so nothing is held twice, and whoever writes the chunk has made it.
 *
 * Of many columns there are several structs, stripes of them: each of the engine's threads copies the type of a struct once for every field
 * that is taken out of it, so that one struct of a thousand columns took 56 MB a thread.
 *
 * A function has one type for ever, so there is one per list of types, made when first needed and kept with the engine; which
 * giver is meant, and from which column on, are its first arguments.
 *
 * Invariant: a giver is found by its number only until floe_given_end, which returns when no call is under way.
 * Threads: several calls at a time.
 */
#include "offline/engine/duckdb_int.h"

#include "core/limits.h"
#include "core/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LISTS_MAX FLOE_GIB(1)        /* of one chunk */
#define STRIPE_COLUMNS ((size_t)128) /* a giver that reads all columns of a row at once is asked that much more often */

struct floe_given {
    floe_given *next;
    int64_t number;
    floe_gives *gives;
    const floe_row_giver *giver;
    struct ArrowSchema schema;
    size_t active; /* calls under way */
};

void floe_gives_open(floe_gives *gives) {
    (void)pthread_mutex_init(&gives->lock, NULL);
    (void)pthread_cond_init(&gives->left, NULL);
}

void floe_gives_close(floe_gives *gives) {
    FLOE_ASSERT(!gives->first);
    for (size_t i = 0; i < gives->shape_count; i++) {
        floe_buf_close(&gives->shapes[i]);
    }
    floe_free(gives->shapes);
    (void)pthread_mutex_destroy(&gives->lock);
    (void)pthread_cond_destroy(&gives->left);
}

/* ---- one chunk ---- */

static floe_given *enter(floe_gives *gives, int64_t number) {
    (void)pthread_mutex_lock(&gives->lock);
    floe_given *given = gives->first;
    while (given && given->number != number) {
        given = given->next;
    }
    if (given) {
        given->active++;
    }
    (void)pthread_mutex_unlock(&gives->lock);
    return given;
}

static void leave(floe_gives *gives, floe_given *given) {
    (void)pthread_mutex_lock(&gives->lock);
    given->active--;
    (void)pthread_cond_broadcast(&gives->left);
    (void)pthread_mutex_unlock(&gives->lock);
}

static size_t stripe_len(const floe_row_giver *giver, size_t first_column) {
    size_t left = giver->column_count - first_column;
    return left < STRIPE_COLUMNS ? left : STRIPE_COLUMNS;
}

/* Rows that follow one another, into the vectors from row `at` on. */
static floe_status put_run(const floe_given *given, const floe_row_piece *piece, idx_t at, duckdb_vector output,
                           floe_error *err) {
    const floe_row_giver *giver = given->giver;
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_ARRAY batch = {0};
    floe_arena_init(&arena, LISTS_MAX);
    FLOE_ENSURE(piece->first_row >= 0 && piece->first_row + piece->row_count <= giver->row_count, err, FLOE_INTERNAL,
                "row %" PRId64 " of %" PRId64 " is asked for", piece->first_row + piece->row_count - 1,
                giver->row_count);
    const floe_cells_move move = {0, piece->row_count, at};
    struct ArrowSchema schema = given->schema; /* of the piece's columns */
    schema.children += piece->first_column;
    schema.n_children = (int64_t)piece->column_count;
    FLOE_TRY(giver->give(giver->context, piece, &batch, err));
    for (size_t i = 0; i < piece->column_count; i++) {
        duckdb_vector vector = duckdb_struct_vector_get_child(output, (idx_t)i);
        FLOE_TRY(floe_duckdb_put_column(&schema, &batch, (int64_t)i, &move, vector, &arena, err));
    }
    return FLOE_OK;
}

static floe_status put_rows(const floe_given *given, size_t first_column, const int64_t *rows, idx_t count,
                            duckdb_vector output, floe_error *err) {
    for (idx_t first = 0, last; first < count; first = last) {
        for (last = first + 1; last < count && rows[last] == rows[last - 1] + 1;) {
            last++;
        }
        const floe_row_piece piece = {first_column, stripe_len(given->giver, first_column), rows[first],
                                      (int64_t)(last - first)};
        FLOE_TRY(put_run(given, &piece, first, output, err));
    }
    return FLOE_OK;
}

/* Of a giver, the first column of a stripe and some rows. */
static void give_chunk(duckdb_function_info info, duckdb_data_chunk chunk, duckdb_vector output) {
    floe_gives *gives = duckdb_scalar_function_get_extra_info(info);
    idx_t count = duckdb_data_chunk_get_size(chunk);
    if (count == 0) {
        return;
    }
    const int64_t *numbers = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 0));
    const int64_t *columns = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 1));
    const int64_t *rows = duckdb_vector_get_data(duckdb_data_chunk_get_vector(chunk, 2));
    floe_given *given = enter(gives, numbers[0]);
    if (!given) {
        duckdb_scalar_function_set_error(info, "nobody gives these rows");
        return;
    }
    floe_error err = {0};
    if (floe_failed(put_rows(given, (size_t)columns[0], rows, count, output, &err))) {
        duckdb_scalar_function_set_error(info, err.message);
    }
    leave(gives, given);
}

/* ---- the function of a list of types ---- */

/* What the function answers with: the session is asked for the types, whose names are SQL. */
static floe_status type_of(floe_session *session, floe_str shape, duckdb_logical_type *ret_type, floe_error *err) {
    FLOE_AUTO_BUF sql;
    duckdb_prepared_statement statement = NULL;
    floe_buf_init(&sql, FLOE_MIB(16));
    floe_buf_printf(&sql, "SELECT CAST(NULL AS STRUCT(%.*s))", FLOE_STR_ARG(shape));
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_status status = floe_duckdb_prepare(session, sql.ptr, NULL, &statement, err);
    if (!floe_failed(status)) {
        *ret_type = duckdb_prepared_statement_column_logical_type(statement, 0);
    }
    duckdb_destroy_prepare(&statement);
    return status;
}

static floe_status add_function(floe_session *session, floe_str shape, size_t number, floe_error *err) {
    duckdb_logical_type type = NULL, whole = duckdb_create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb_scalar_function function = duckdb_create_scalar_function();
    char name[40];
    snprintf(name, sizeof(name), "floe_give_%zu", number);
    floe_status status = type_of(session, shape, &type, err);
    duckdb_state state = DuckDBError;
    if (!floe_failed(status)) {
        duckdb_scalar_function_set_name(function, name);
        for (int i = 0; i < 3; i++) {
            duckdb_scalar_function_add_parameter(function, whole);
        }
        duckdb_scalar_function_set_return_type(function, type);
        duckdb_scalar_function_set_volatile(function); /* It is to run once per row, where it stands. */
        duckdb_scalar_function_set_function(function, give_chunk);
        duckdb_scalar_function_set_extra_info(function, &session->engine->gives, NULL);
        state = duckdb_register_scalar_function(session->connection, function);
        duckdb_destroy_logical_type(&type);
    }
    duckdb_destroy_logical_type(&whole);
    duckdb_destroy_scalar_function(&function);
    FLOE_TRY(status);
    FLOE_ENSURE(state == DuckDBSuccess, err, FLOE_INTERNAL, "the engine refuses the function %s", name);
    return FLOE_OK;
}

/* Under the lock. */
static floe_status find_function(floe_session *session, floe_str shape, size_t *ret_number, floe_error *err) {
    floe_gives *gives = &session->engine->gives;
    for (size_t i = 0; i < gives->shape_count; i++) {
        if (floe_str_equal(floe_buf_view(&gives->shapes[i]), shape)) {
            *ret_number = i;
            return FLOE_OK;
        }
    }
    if (gives->shape_count == gives->shape_room) {
        FLOE_TRY(floe_realloc(&gives->shapes, 2 * gives->shape_room + 4, sizeof(*gives->shapes), err));
        gives->shape_room = 2 * gives->shape_room + 4;
    }
    *ret_number = gives->shape_count;
    FLOE_TRY(add_function(session, shape, *ret_number, err));
    floe_buf *kept = &gives->shapes[gives->shape_count++];
    floe_buf_init(kept, FLOE_MIB(16));
    floe_buf_str(kept, shape);
    return floe_buf_check(kept, err);
}

static void write_shape(const floe_column *columns, size_t count, floe_buf *out) {
    for (size_t i = 0; i < count; i++) {
        floe_buf_printf(out, i > 0 ? ", c%zu " : "c%zu ", i);
        floe_sql_type_name(out, columns[i].type);
    }
}

/* ---- one giver ---- */

/* `calls`: of the functions, stripe by stripe. */
static void write_select(const floe_given *given, const char *table, const floe_buf *calls, floe_buf *out) {
    size_t columns = given->giver->column_count;
    floe_buf_text(out, "SELECT * EXCLUDE (");
    for (size_t first = 0; first < columns; first += STRIPE_COLUMNS) {
        floe_buf_printf(out, first > 0 ? ", __floe_given_%zu" : "__floe_given_%zu", first);
    }
    floe_buf_text(out, ")");
    for (size_t i = 0; i < columns; i++) {
        size_t place = i % STRIPE_COLUMNS;
        floe_buf_printf(out, ", struct_extract(__floe_given_%zu, 'c%zu') AS ", i - place, place);
        floe_sql_quote_name(out, given->giver->columns[i].name);
    }
    floe_buf_text(out, " FROM (SELECT *");
    floe_buf_str(out, floe_buf_view(calls));
    floe_buf_text(out, " FROM ");
    floe_sql_quote_name(out, floe_str_of(table));
    floe_buf_text(out, ")");
}

static floe_status check_columns(floe_session *session, const char *table, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    const floe_query_column *columns;
    size_t count;
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_TRY(floe_session_describe(session, table, &arena, &columns, &count, err));
    for (size_t i = 0; i < count; i++) {
        floe_str name = columns[i].name;
        bool taken = (name.len == 5 && strncasecmp(name.ptr, "rowid", 5) == 0) ||
                     (name.len >= 6 && strncasecmp(name.ptr, "__floe", 6) == 0);
        FLOE_ENSURE(!taken, err, FLOE_UNSUPPORTED, "a column is called \"%.*s\"", FLOE_STR_BRIEF(name));
    }
    return FLOE_OK;
}

/* Under the lock. */
static floe_status write_calls(floe_session *session, const floe_given *given, floe_buf *calls, floe_error *err) {
    const floe_row_giver *giver = given->giver;
    FLOE_AUTO_BUF shape;
    floe_buf_init(&shape, FLOE_MIB(16));
    for (size_t first = 0; first < giver->column_count; first += STRIPE_COLUMNS) {
        size_t function = 0;
        floe_buf_clear(&shape);
        write_shape(giver->columns + first, stripe_len(giver, first), &shape);
        FLOE_TRY(floe_buf_check(&shape, err));
        FLOE_TRY(find_function(session, floe_buf_view(&shape), &function, err));
        floe_buf_printf(calls, ", floe_give_%zu(%" PRId64 ", %zu, rowid) AS __floe_given_%zu", function, given->number,
                        first, first);
    }
    return floe_buf_check(calls, err);
}

/* Lists the giver, with the calls of its functions. */
static floe_status add(floe_session *session, floe_given *given, floe_buf *calls, floe_error *err) {
    floe_gives *gives = &session->engine->gives;
    (void)pthread_mutex_lock(&gives->lock);
    given->number = ++gives->last_number;
    floe_status status = write_calls(session, given, calls, err);
    if (!floe_failed(status)) {
        given->gives = gives;
        given->next = gives->first;
        gives->first = given;
    }
    (void)pthread_mutex_unlock(&gives->lock);
    return status;
}

floe_status floe_session_give(floe_session *session, const char *table, const floe_row_giver *giver,
                              floe_buf *ret_select, floe_given **ret_given, floe_error *err) {
    FLOE_CLEANUP(floe_given_end) floe_given *given = NULL;
    FLOE_AUTO_BUF calls;
    floe_buf_init(&calls, FLOE_MIB(16));
    FLOE_TRY(floe_duckdb_check_idle(session, err));
    FLOE_TRY(check_columns(session, table, err));
    FLOE_TRY(floe_alloc(1, sizeof(*given), &given, err));
    given->giver = giver;
    FLOE_TRY(floe_arrow_schema_make(giver->columns, giver->column_count, &given->schema, err));
    FLOE_TRY(add(session, given, &calls, err));
    write_select(given, table, &calls, ret_select);
    FLOE_TRY(floe_buf_check(ret_select, err));
    *ret_given = given;
    given = NULL;
    return FLOE_OK;
}

void floe_given_end(floe_given **given) {
    floe_given *g = *given;
    if (!g) {
        return;
    }
    if (g->gives) {
        (void)pthread_mutex_lock(&g->gives->lock);
        floe_given **at = &g->gives->first;
        while (*at != g) {
            at = &(*at)->next;
        }
        *at = g->next;
        while (g->active > 0) {
            (void)pthread_cond_wait(&g->gives->left, &g->gives->lock);
        }
        (void)pthread_mutex_unlock(&g->gives->lock);
    }
    floe_arrow_schema_release(&g->schema);
    floe_free(g);
    *given = NULL;
}
