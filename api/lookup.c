/* See lookup_int.h. */
#include "api/lookup_int.h"

#include "core/time.h"

/* ---- what a role may ask for ---- */

static floe_status fail_unseen(const char *what, floe_str name, const char *const *seen, size_t count,
                               floe_arena *arena, floe_error *err) {
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "there is no %s `%.*s` in what is applied%s", what, FLOE_STR_BRIEF(name),
                     floe_body_hint(name, seen, count, arena));
}

static floe_status permit_service(const floe_definitions *definitions, const floe_role *role, floe_str name,
                                  floe_arena *arena, floe_error *err) {
    const char **seen = floe_arena_alloc(arena, definitions->service_count, sizeof(*seen));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (size_t i = 0; i < definitions->service_count; i++) {
        const floe_service *service = &definitions->services[i];
        if (!floe_role_sees_service(role, service)) {
            continue;
        }
        if (floe_str_equal(service->about.name, name)) {
            return FLOE_OK;
        }
        seen[count++] = floe_arena_strndup(arena, service->about.name.ptr, service->about.name.len);
    }
    FLOE_TRY(floe_arena_check(arena, err));
    return fail_unseen("feature service", name, seen, count, arena, err);
}

static floe_status permit_view(const floe_definitions *definitions, const floe_role *role, floe_str name,
                               floe_arena *arena, floe_error *err) {
    if (floe_definitions_view(definitions, name) != NULL && floe_role_sees_view(role, name)) {
        return FLOE_OK;
    }
    const char **seen = floe_arena_alloc(arena, definitions->view_count, sizeof(*seen));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (size_t i = 0; i < definitions->view_count; i++) {
        floe_str view = definitions->views[i].about.name;
        if (floe_role_sees_view(role, view)) {
            seen[count++] = floe_arena_strndup(arena, view.ptr, view.len);
        }
    }
    FLOE_TRY(floe_arena_check(arena, err));
    return fail_unseen("feature view", name, seen, count, arena, err);
}

/* Before anything is said about the features, so that no message tells of one that is hidden. */
static floe_status permit(const floe_definitions *definitions, const floe_role *role, const floe_lookup_body *body,
                          floe_arena *arena, floe_error *err) {
    if (role == NULL) {
        return FLOE_OK;
    }
    if (body->service.ptr != NULL) {
        return permit_service(definitions, role, body->service, arena, err);
    }
    for (size_t i = 0; i < body->feature_count; i++) {
        floe_str rest = body->features[i];
        floe_str view = {NULL, 0};
        (void)floe_str_split(&rest, ':', &view);
        const floe_request_feature *request = floe_definitions_request(definitions, body->features[i]);
        if (request == NULL || !floe_role_sees_ref(role, &(floe_ref){NULL, &request->output})) {
            FLOE_TRY(permit_view(definitions, role, view, arena, err));
        }
    }
    return FLOE_OK;
}

/* ---- prepare ---- */

static floe_status read_keys(floe_lookup_call *call, floe_arena *arena, floe_error *err) {
    size_t key_count = 0;
    const floe_column *keys = floe_lookup_plan_keys(call->plan->plan, &key_count);
    FLOE_TRY(floe_lookup_body_keys(&call->body, keys, key_count, arena, &call->lookup.keys, err));
    size_t input_count = 0;
    const floe_column *inputs = floe_lookup_plan_inputs(call->plan->plan, &input_count);
    return floe_lookup_body_request(&call->body, inputs, input_count, arena, &call->lookup.request, err);
}

floe_status floe_lookup_call_prepare(floe_lookup_call *call, const floe_lookup_source *source, const floe_node *root,
                                     floe_arena *arena, floe_error *err) {
    FLOE_TRY(floe_lookup_body_read(root, arena, &call->body, err));
    FLOE_TRY(permit(source->snapshot->definitions, source->role, &call->body, arena, err));
    FLOE_TRY(floe_plans_get(source->plans, source->snapshot, &call->body, arena, &call->plan, err));
    floe_status status = read_keys(call, arena, err);
    if (floe_failed(status)) {
        floe_plan_release(&call->plan);
        return status;
    }
    call->lookup.plan = call->plan->plan;
    call->lookup.entity_count = call->body.entity_count;
    call->lookup.as_of_us = call->body.as_of_us;
    call->lookup.as_of_epoch = call->body.as_of_epoch;
    call->lookup.arena = arena;
    return FLOE_OK;
}

void floe_lookup_call_release(floe_lookup_call *call) {
    floe_plan_release(&call->plan);
}

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

floe_status floe_lookup_call_print(const floe_lookup_call *call, floe_buf *out, floe_error *err) {
    floe_buf_str(out, call->plan->head);
    print_matrix(&call->lookup, "values", print_value, out);
    if (call->body.statuses) {
        print_matrix(&call->lookup, "statuses", print_status, out);
    }
    if (call->body.event_times) {
        print_matrix(&call->lookup, "event_times", print_event_time, out);
    }
    floe_buf_byte(out, '}');
    return floe_error_prefix(err, floe_buf_check(out, err), "the answer");
}
