/*
 * A lookup from the request's keys to its cells.
 *
 * The rule (docs/ARCHITECTURE.md, point in time) is applied here for the online side: the stored row is the winner; the
 * ttl decides first (event_ts >= t - ttl is inside), then the row's end (end_ts <= t, with `at: before` end_ts < t,
 * gives null). Aggregates are as of their sync and carry no time; where an entity has none, its counts are 0 and
 * everything else is not found. A view without any synced aggregates knows nothing about counts either: not found.
 *
 * All memory is the lookup's arena, so that a warmed-up server does not touch the heap here.
 */
#include "online/lookup_int.h"

#include "core/limits.h"
#include "core/time.h"
#include "proto/key.h"

/* ---- begin ---- */

/* Whether a time is asked for, and not now. */
static bool has_as_of(const floe_lookup *lookup) {
    return lookup->as_of_us != 0 || lookup->as_of_epoch;
}

static floe_status check(const floe_lookup *lookup, floe_error *err) {
    const floe_lookup_plan *plan = lookup->plan;
    size_t cells = 0;
    FLOE_ENSURE(!__builtin_mul_overflow(plan->column_count, lookup->entity_count, &cells) &&
                    cells <= FLOE_LIMIT_LOOKUP_CELLS && lookup->entity_count <= UINT32_MAX,
                err, FLOE_LIMIT, "a lookup of %zu features for %zu entities; at most %d values are allowed",
                plan->column_count, lookup->entity_count, FLOE_LIMIT_LOOKUP_CELLS);
    if (has_as_of(lookup) && plan->first_aggregate != NULL) {
        const floe_ref *ref = plan->first_aggregate;
        return FLOE_FAIL(
            err, FLOE_UNSUPPORTED,
            "%.*s:%.*s is an aggregate, which the store keeps as of its last sync: it cannot be looked up as "
            "of another time; leave as_of out, or ask for it in a dataset",
            FLOE_STR_BRIEF(ref->view->about.name), FLOE_STR_BRIEF(ref->output->about.name));
    }
    return FLOE_OK;
}

static floe_status check_keys(const floe_lookup *lookup, floe_error *err) {
    const floe_lookup_plan *plan = lookup->plan;
    for (size_t k = 0; k < plan->key_count; k++) {
        for (size_t e = 0; e < lookup->entity_count; e++) {
            const floe_value *key = &lookup->keys[k][e];
            char want[FLOE_TYPE_NAME_MAX];
            char have[FLOE_TYPE_NAME_MAX];
            FLOE_ENSURE(key->is_null || floe_type_equal(key->type, plan->keys[k].type), err, FLOE_INVALID,
                        "entity [%zu]: the key %.*s is of type %s, but its value is of type %s", e,
                        FLOE_STR_BRIEF(plan->keys[k].name), floe_type_name(plan->keys[k].type, want),
                        floe_type_name(key->type, have));
        }
    }
    return FLOE_OK;
}

static floe_status check_inputs(const floe_lookup *lookup, floe_error *err) {
    const floe_lookup_plan *plan = lookup->plan;
    FLOE_ENSURE(plan->input_count == 0 || lookup->request != NULL, err, FLOE_INVALID,
                "the request brings no %.*s, which a request feature needs", FLOE_STR_BRIEF(plan->inputs[0].name));
    for (size_t i = 0; i < plan->input_count; i++) {
        for (size_t e = 0; e < lookup->entity_count; e++) {
            const floe_value *value = &lookup->request[i][e];
            char want[FLOE_TYPE_NAME_MAX];
            char have[FLOE_TYPE_NAME_MAX];
            FLOE_ENSURE(value->is_null || floe_type_equal(value->type, plan->inputs[i].type), err, FLOE_INVALID,
                        "entity [%zu]: the request's %.*s is of type %s, but its value is of type %s", e,
                        FLOE_STR_BRIEF(plan->inputs[i].name), floe_type_name(plan->inputs[i].type, want),
                        floe_type_name(value->type, have));
        }
    }
    return FLOE_OK;
}

static void list_views(floe_lookup_run *run) {
    const floe_lookup_plan *plan = run->lookup->plan;
    for (size_t g = 0; g < plan->group_count; g++) {
        const floe_plan_group *group = &plan->groups[g];
        for (size_t v = 0; v < group->view_count; v++) {
            run->views[group->first_view + v].plan = group->views[v];
        }
    }
}

floe_status floe_lookup_begin(floe_lookup *lookup, floe_buf *scratch, floe_buf *key, floe_lookup_run **ret_run,
                              floe_error *err) {
    const floe_lookup_plan *plan = lookup->plan;
    FLOE_TRY(check(lookup, err));
    FLOE_TRY(check_keys(lookup, err));
    FLOE_TRY(check_inputs(lookup, err));
    floe_arena *arena = lookup->arena;
    floe_lookup_run *run = floe_arena_alloc(arena, 1, sizeof(*run));
    floe_cell *cells = floe_arena_alloc(arena, plan->column_count * lookup->entity_count, sizeof(*cells));
    floe_run_view *views = floe_arena_alloc(arena, plan->view_count, sizeof(*views));
    floe_get *gets = floe_arena_alloc(arena, plan->group_count * lookup->entity_count, sizeof(*gets));
    struct floe_run_get *origins = floe_arena_alloc(arena, plan->group_count * lookup->entity_count, sizeof(*origins));
    FLOE_TRY(floe_arena_check(arena, err));
    lookup->cells = cells;
    *run = (floe_lookup_run){.lookup = lookup,
                             .views = views,
                             .gets = gets,
                             .origins = origins,
                             .now_us = floe_now_us(),
                             .scratch = scratch,
                             .key = key};
    list_views(run);
    *ret_run = run;
    return FLOE_OK;
}

/* ---- bind ---- */

/* Where the live rows were written with another definition, columns are found by name, type and meaning. */
static size_t *find_columns(const floe_generation *generation, const floe_plan_columns *columns, floe_arena *arena) {
    size_t *found = floe_arena_alloc(arena, columns->count, sizeof(*found));
    for (size_t i = 0; found != NULL && i < columns->count; i++) {
        if (!floe_generation_find(generation, columns->items[i].output, &found[i])) {
            found[i] = FLOE_NO_COLUMN;
        }
    }
    return found;
}

floe_status floe_lookup_bind(floe_lookup_run *run, size_t view_index, floe_generation *generation, floe_error *err) {
    floe_run_view *view = &run->views[view_index];
    floe_arena *arena = run->lookup->arena;
    view->generation = floe_generation_hold(generation);
    view->readable = generation->live_shape != 0;
    if (!view->readable || generation->live_shape == view->plan->shape) {
        return FLOE_OK;
    }
    view->readable = floe_generation_same_rows(generation, view->plan->view);
    view->as_of_columns = find_columns(generation, &view->plan->as_of, arena);
    view->aggregates_columns = find_columns(generation, &view->plan->aggregates, arena);
    return floe_arena_check(arena, err);
}

/* ---- gets ---- */

static floe_cell *cell_at(const floe_lookup *lookup, size_t column, size_t entity) {
    return &lookup->cells[column * lookup->entity_count + entity];
}

static bool is_count(const floe_output *output) {
    return floe_function_counts(output->function);
}

/* What a view's cells hold when the store has nothing for the entity. */
static void fill_missing(floe_lookup_run *run, const floe_run_view *view, size_t entity, bool null_key) {
    bool counted = null_key || (view->readable && view->generation->state.live.aggregates_id != 0);
    const floe_plan_columns *lists[] = {&view->plan->as_of, &view->plan->aggregates};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->count; i++) {
            const floe_plan_column *column = &lists[l]->items[i];
            bool zero = counted && is_count(column->output) &&
                        (null_key || view->aggregates_columns == NULL || view->aggregates_columns[i] != FLOE_NO_COLUMN);
            *cell_at(run->lookup, column->at, entity) =
                (floe_cell){.value = zero ? floe_value_int64(0) : floe_value_null(column->output->type),
                            .status = zero ? FLOE_CELL_PRESENT : FLOE_CELL_NOT_FOUND};
        }
    }
}

/* The parts to read for one group, the same for every entity. */
static floe_part *list_parts(floe_lookup_run *run, const floe_plan_group *group, size_t *ret_count) {
    floe_part *parts = floe_arena_alloc(run->lookup->arena, group->view_count * 2, sizeof(*parts));
    size_t count = 0;
    for (size_t v = 0; parts != NULL && v < group->view_count; v++) {
        floe_run_view *view = &run->views[group->first_view + v];
        const floe_stored_generation *live = &view->generation->state.live;
        view->as_of_part = FLOE_NO_COLUMN;
        view->aggregates_part = FLOE_NO_COLUMN;
        if (view->readable && view->plan->as_of.count > 0) {
            view->as_of_part = count;
            parts[count++] = (floe_part){FLOE_PART_AS_OF, live->id};
        }
        if (view->readable && view->plan->aggregates.count > 0 && live->aggregates_id != 0) {
            view->aggregates_part = count;
            parts[count++] = (floe_part){FLOE_PART_AGGREGATES, live->aggregates_id};
        }
    }
    *ret_count = count;
    return parts;
}

/* The encoded key of one entity, in the arena; empty when a key is null. */
static floe_status encode_key(floe_lookup_run *run, const floe_plan_group *group, size_t entity, floe_str *ret_key,
                              floe_error *err) {
    floe_value keys[FLOE_LIMIT_ENTITY_KEYS];
    size_t count = group->entity->key_count;
    FLOE_ASSERT(count <= FLOE_LIMIT_ENTITY_KEYS);
    *ret_key = (floe_str){NULL, 0};
    for (size_t k = 0; k < count; k++) {
        keys[k] = run->lookup->keys[group->keys[k]][entity];
        if (keys[k].is_null) {
            return FLOE_OK;
        }
    }
    floe_buf_clear(run->key);
    floe_status status = floe_key_check(group->entity->keys, keys, count, err);
    status = floe_failed(status) ? status : floe_key_encode(keys, count, run->key, err);
    FLOE_TRY(floe_error_prefix(err, status, "entity [%zu]", entity));
    *ret_key = floe_arena_str(run->lookup->arena, floe_buf_view(run->key));
    return floe_arena_check(run->lookup->arena, err);
}

static floe_status add_entity(floe_lookup_run *run, size_t group_index, size_t entity, const floe_part *parts,
                              size_t part_count, floe_error *err) {
    const floe_plan_group *group = &run->lookup->plan->groups[group_index];
    floe_str key = {NULL, 0};
    FLOE_TRY(encode_key(run, group, entity, &key, err));
    for (size_t v = 0; v < group->view_count; v++) {
        fill_missing(run, &run->views[group->first_view + v], entity, key.len == 0);
    }
    if (key.len > 0 && part_count > 0) {
        run->gets[run->get_count] = (floe_get){group->entity->about.name, key, parts, part_count};
        run->origins[run->get_count] = (struct floe_run_get){(uint32_t)group_index, (uint32_t)entity};
        run->get_count++;
    }
    return FLOE_OK;
}

floe_status floe_lookup_gets(floe_lookup_run *run, floe_error *err) {
    const floe_lookup_plan *plan = run->lookup->plan;
    for (size_t g = 0; g < plan->group_count; g++) {
        size_t part_count = 0;
        floe_part *parts = list_parts(run, &plan->groups[g], &part_count);
        FLOE_TRY(floe_arena_check(run->lookup->arena, err));
        for (size_t e = 0; e < run->lookup->entity_count; e++) {
            FLOE_TRY(add_entity(run, g, e, parts, part_count, err));
        }
    }
    return FLOE_OK;
}

/* ---- take ---- */

/* What was read belongs to the store; what is answered lies in the lookup's arena. */
static floe_status keep_text(floe_value *value, floe_arena *arena, floe_error *err) {
    if (value->is_null) {
        return FLOE_OK;
    }
    if (value->type.kind == FLOE_KIND_STRING || value->type.kind == FLOE_KIND_BYTES) {
        value->as.bytes = floe_arena_str(arena, value->as.bytes);
    }
    bool texts = value->type.element == FLOE_KIND_STRING || value->type.element == FLOE_KIND_BYTES;
    if (value->type.kind == FLOE_KIND_LIST && texts) {
        floe_value *items = floe_arena_alloc(arena, value->as.list.count, sizeof(*items));
        for (size_t i = 0; items != NULL && i < value->as.list.count; i++) {
            items[i] = value->as.list.items[i];
            items[i].as.bytes = items[i].is_null ? items[i].as.bytes : floe_arena_str(arena, items[i].as.bytes);
        }
        value->as.list.items = items;
    }
    return floe_arena_check(arena, err);
}

/* What the rule says about a stored row as a whole: PRESENT, or the status of all its cells. */
static floe_status judge(const floe_lookup_run *run, const floe_run_view *view, const floe_row_header *header,
                         floe_cell_status *ret_status, floe_error *err) {
    bool before = view->generation->state.live.definition.at_before;
    int64_t ttl_us = view->plan->view->ttl_us;
    int64_t t = run->lookup->as_of_us;
    if (has_as_of(run->lookup) && (header->event_us > t || (before && header->event_us == t))) {
        char asked[FLOE_TIME_TEXT_MAX];
        char stored[FLOE_TIME_TEXT_MAX];
        return FLOE_FAIL(
            err, FLOE_INVALID,
            "as_of %s is earlier than it (%s), and the store keeps only the newest; ask for a later time, or "
            "for a dataset",
            floe_time_format(t, asked), floe_time_format(header->event_us, stored));
    }
    /* A clock that is a little ahead of ours (max_future) must not make the newest row vanish. */
    if (!has_as_of(run->lookup)) {
        t = run->now_us > header->event_us ? run->now_us : header->event_us;
    }
    int64_t oldest = 0;
    *ret_status = FLOE_CELL_PRESENT;
    if (ttl_us > 0 && !__builtin_sub_overflow(t, ttl_us, &oldest) && header->event_us < oldest) {
        *ret_status = FLOE_CELL_OUTSIDE_MAX_AGE;
    } else if (header->end_us < t || (!before && header->end_us == t && t != INT64_MAX)) {
        *ret_status = FLOE_CELL_NULL_VALUE;
    }
    return FLOE_OK;
}

static floe_status fill_cell(floe_lookup_run *run, const floe_row *row, size_t column, floe_cell *cell,
                             floe_error *err) {
    floe_arena *arena = run->lookup->arena;
    FLOE_TRY(floe_row_get(row, column, arena, &cell->value, err));
    FLOE_TRY(keep_text(&cell->value, arena, err));
    cell->status = cell->value.is_null ? FLOE_CELL_NULL_VALUE : FLOE_CELL_PRESENT;
    return FLOE_OK;
}

static floe_status take_as_of(floe_lookup_run *run, const floe_run_view *view, size_t entity, floe_str bytes,
                              floe_error *err) {
    floe_row row;
    floe_cell_status status = FLOE_CELL_PRESENT;
    FLOE_TRY(floe_row_open(view->generation->as_of, bytes, run->scratch, &row, err));
    FLOE_TRY(judge(run, view, &row.header, &status, err));
    const floe_plan_columns *columns = &view->plan->as_of;
    for (size_t i = 0; i < columns->count; i++) {
        size_t column = view->as_of_columns == NULL ? columns->items[i].column : view->as_of_columns[i];
        floe_cell *cell = cell_at(run->lookup, columns->items[i].at, entity);
        if (column == FLOE_NO_COLUMN) {
            continue;
        }
        cell->status = status;
        cell->has_event_us = true;
        cell->event_us = row.header.event_us;
        if (status == FLOE_CELL_PRESENT) {
            FLOE_TRY(fill_cell(run, &row, column, cell, err));
        }
    }
    return FLOE_OK;
}

static floe_status take_aggregates(floe_lookup_run *run, const floe_run_view *view, size_t entity, floe_str bytes,
                                   floe_error *err) {
    floe_row row;
    FLOE_TRY(floe_row_open(view->generation->aggregates, bytes, run->scratch, &row, err));
    const floe_plan_columns *columns = &view->plan->aggregates;
    for (size_t i = 0; i < columns->count; i++) {
        size_t column = view->aggregates_columns == NULL ? columns->items[i].column : view->aggregates_columns[i];
        if (column != FLOE_NO_COLUMN) {
            FLOE_TRY(fill_cell(run, &row, column, cell_at(run->lookup, columns->items[i].at, entity), err));
        }
    }
    return FLOE_OK;
}

static floe_status take_view(floe_lookup_run *run, const floe_run_view *view, size_t entity, const floe_str *values,
                             floe_error *err) {
    if (view->as_of_part != FLOE_NO_COLUMN && values[view->as_of_part].ptr != NULL) {
        FLOE_TRY(take_as_of(run, view, entity, values[view->as_of_part], err));
    }
    if (view->aggregates_part != FLOE_NO_COLUMN && values[view->aggregates_part].ptr != NULL) {
        FLOE_TRY(take_aggregates(run, view, entity, values[view->aggregates_part], err));
    }
    return FLOE_OK;
}

floe_status floe_lookup_take(floe_lookup_run *run, size_t get, const floe_str *values, floe_error *err) {
    const floe_plan_group *group = &run->lookup->plan->groups[run->origins[get].group];
    for (size_t v = 0; v < group->view_count; v++) {
        const floe_run_view *view = &run->views[group->first_view + v];
        FLOE_TRY(floe_error_prefix(err, take_view(run, view, run->origins[get].entity, values, err),
                                   "the stored row of view %.*s", FLOE_STR_BRIEF(view->plan->view->about.name)));
    }
    return FLOE_OK;
}

/* ---- finish ---- */

static floe_value input_value(const floe_lookup_run *run, const floe_plan_input *input, floe_type type, size_t entity) {
    if (input->brought) {
        return run->lookup->request[input->at][entity];
    }
    const floe_cell *cell = cell_at(run->lookup, input->at, entity);
    return cell->status == FLOE_CELL_PRESENT ? cell->value : floe_value_null(type);
}

/* The request features of one entity; a feature that was not found is null to them. */
static floe_status compute(floe_lookup_run *run, const floe_plan_request *request, floe_error *err) {
    floe_lookup *lookup = run->lookup;
    size_t count = request->feature->input_count;
    floe_value *inputs = floe_arena_alloc(lookup->arena, count, sizeof(*inputs));
    FLOE_TRY(floe_arena_check(lookup->arena, err));
    for (size_t e = 0; e < lookup->entity_count; e++) {
        floe_cell *cell = cell_at(lookup, request->at, e);
        for (size_t i = 0; i < count; i++) {
            inputs[i] = input_value(run, &request->inputs[i], request->feature->inputs[i].type, e);
        }
        *cell = (floe_cell){.value = floe_request_value(request->feature, inputs, lookup->arena)};
        cell->status = cell->value.is_null ? FLOE_CELL_NULL_VALUE : FLOE_CELL_PRESENT;
    }
    return floe_arena_check(lookup->arena, err);
}

static floe_status compute_all(floe_lookup_run *run, floe_error *err) {
    const floe_lookup_plan *plan = run->lookup->plan;
    for (size_t i = 0; i < plan->request_count; i++) {
        FLOE_TRY(compute(run, &plan->requests[i], err));
    }
    return FLOE_OK;
}

void floe_lookup_finish(floe_lookup_run *run, floe_status status, const floe_error *err) {
    floe_error computing = {0};
    if (!floe_failed(status)) {
        status = compute_all(run, &computing);
        err = floe_failed(status) ? &computing : err;
    }
    for (size_t v = 0; v < run->lookup->plan->view_count; v++) {
        if (run->views[v].generation != NULL) {
            floe_generation_release(&run->views[v].generation);
        }
    }
    run->lookup->status = status;
    if (floe_failed(status)) {
        run->lookup->error = *err;
    }
}
