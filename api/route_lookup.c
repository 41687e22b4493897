/*
 * POST /v1/lookup. The body is read, its plan found, and the lookup started on this thread's connection to the store;
 * when it is done, which may be at once, the cells are printed straight into what becomes the response.
 */
#include "api/lookup_int.h"
#include "api/problem_int.h"
#include "api/reactor_int.h"

#include "core/json.h"

typedef struct lookup_state {
    floe_lookup_call call;
    floe_http_request *request;
} lookup_state;

static void on_done(floe_lookup *lookup) {
    lookup_state *state = lookup->context;
    floe_http_request *request = state->request;
    floe_status status = lookup->status;
    if (!floe_failed(status)) {
        status = floe_lookup_call_print(&state->call, &request->out, &lookup->error);
    }
    floe_lookup_call_release(&state->call);
    if (floe_failed(status)) {
        floe_problem_answer(request, &lookup->error);
        return;
    }
    request->status = 200;
    request->answer_type = "application/json";
    floe_http_answer(request);
}

/* On success the state holds its plan and is ready to start. */
static floe_status prepare(floe_reactor *reactor, floe_http_request *request, lookup_state *state, floe_error *err) {
    const floe_node *root = NULL;
    floe_lookup_source source = {&reactor->plans, reactor->snapshot, request->role};
    FLOE_ENSURE(request->param_count == 0, err, FLOE_INVALID,
                "POST /v1/lookup takes everything in the body, not as query parameters");
    FLOE_TRY(floe_lookup_body_json(floe_buf_view(&request->body), &request->arena, &root, err));
    FLOE_ENSURE(reactor->online != NULL, err, FLOE_UNAVAILABLE, "the server is stopping");
    return floe_lookup_call_prepare(&state->call, &source, root, &request->arena, err);
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
    state->call.lookup.done = on_done;
    state->call.lookup.context = state;
    floe_online_lookup(reactor->online, &state->call.lookup);
}
