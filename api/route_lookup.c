/*
 * POST /v1/lookup. The body is read, its plan found, and the lookup started on this thread's connection to the store; when
 * it is done, which may be at once, the cells are printed straight into what becomes the response.
 */
#include "api/body_int.h"
#include "api/problem_int.h"
#include "api/reactor_int.h"

#include "core/time.h"

typedef struct lookup_state {
    floe_lookup lookup;
    floe_lookup_body body;
    floe_plan_entry *plan;
    floe_http_request *request;
} lookup_state;

/* ---- printing ---- */

typedef void (*print_cell_fn)(const floe_cell *cell, floe_buf *out);

static void print_value(const floe_cell *cell, floe_buf *out) {
    floe_value_print_json(&cell->value, out);
}

static void print_status(const floe_cell *cell, floe_buf *out) {
    floe_buf_byte(out, '"');
    floe_buf_text(out, floe_cell_status_name(cell->status));
    floe_buf_byte(out, '"');
}

static void print_event_time(const floe_cell *cell, floe_buf *out) {
    char text[FLOE_TIME_TEXT_MAX];
    if (!cell->has_event_us) {
        floe_buf_text(out, "null");
        return;
    }
    floe_buf_byte(out, '"');
    floe_buf_text(out, floe_time_format(cell->event_us, text));
    floe_buf_byte(out, '"');
}

/* One list per column, of one element per entity. */
static void print_matrix(const floe_lookup *lookup, const char *name, print_cell_fn print_cell, floe_buf *out) {
    size_t column_count = 0;
    (void)floe_lookup_plan_refs(lookup->plan, &column_count);
    const floe_cell *cell = lookup->cells;
    floe_buf_text(out, ",\"");
    floe_buf_text(out, name);
    floe_buf_text(out, "\":[");
    for (size_t column = 0; column < column_count; column++) {
        floe_buf_text(out, column == 0 ? "[" : ",[");
        for (size_t entity = 0; entity < lookup->entity_count; entity++) {
            if (entity > 0) {
                floe_buf_byte(out, ',');
            }
            print_cell(cell++, out);
        }
        floe_buf_byte(out, ']');
    }
    floe_buf_byte(out, ']');
}

static floe_status print_answer(const lookup_state *state, floe_error *err) {
    floe_buf *out = &state->request->out;
    floe_buf_str(out, state->plan->head);
    print_matrix(&state->lookup, "values", print_value, out);
    if (state->body.statuses) {
        print_matrix(&state->lookup, "statuses", print_status, out);
    }
    if (state->body.event_times) {
        print_matrix(&state->lookup, "event_times", print_event_time, out);
    }
    floe_buf_byte(out, '}');
    return floe_error_prefix(err, floe_buf_check(out, err), "the answer");
}

/* ---- the lookup ---- */

static void on_done(floe_lookup *lookup) {
    lookup_state *state = lookup->context;
    floe_http_request *request = state->request;
    floe_status status = lookup->status;
    if (!floe_failed(status)) {
        status = print_answer(state, &lookup->error);
    }
    floe_plan_release(&state->plan);
    if (floe_failed(status)) {
        floe_problem_answer(request, &lookup->error);
        return;
    }
    request->status = 200;
    request->answer_type = "application/json";
    floe_http_answer(request);
}

static floe_status read_keys(lookup_state *state, floe_arena *arena, floe_error *err) {
    size_t key_count = 0;
    const floe_column *keys = floe_lookup_plan_keys(state->plan->plan, &key_count);
    return floe_lookup_body_keys(&state->body, keys, key_count, arena, &state->lookup.keys, err);
}

/* On success the state holds its plan and is ready to start. */
static floe_status prepare(floe_reactor *reactor, floe_http_request *request, lookup_state *state, floe_error *err) {
    floe_arena *arena = &request->arena;
    FLOE_ENSURE(request->param_count == 0, err, FLOE_INVALID,
                "POST /v1/lookup takes everything in the body, not as query parameters");
    FLOE_TRY(floe_lookup_body_parse(floe_buf_view(&request->body), arena, &state->body, err));
    FLOE_ENSURE(reactor->online != NULL, err, FLOE_UNAVAILABLE, "the server is stopping");
    FLOE_TRY(floe_plans_get(&reactor->plans, reactor->snapshot, &state->body, arena, &state->plan, err));
    floe_status status = read_keys(state, arena, err);
    if (floe_failed(status)) {
        floe_plan_release(&state->plan);
    }
    return status;
}

void floe_route_lookup(floe_reactor *reactor, floe_http_request *request) {
    floe_error err = {0};
    lookup_state *state = floe_arena_alloc(&request->arena, 1, sizeof(*state));
    floe_status status = floe_arena_check(&request->arena, &err);
    if (!floe_failed(status)) {
        status = prepare(reactor, request, state, &err);
    }
    if (floe_failed(status)) {
        floe_problem_answer(request, &err);
        return;
    }
    state->request = request;
    state->lookup.plan = state->plan->plan;
    state->lookup.entity_count = state->body.entity_count;
    state->lookup.as_of_us = state->body.as_of_us;
    state->lookup.as_of_epoch = state->body.as_of_epoch;
    state->lookup.arena = &request->arena;
    state->lookup.done = on_done;
    state->lookup.context = state;
    floe_online_lookup(reactor->online, &state->lookup);
}
