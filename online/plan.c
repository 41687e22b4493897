/*
 * What a lookup asks, prepared once: the columns sorted by entity, view and part, and the keys that a request must
 * bring.
 */
#include "online/lookup_int.h"

#include "core/limits.h"

/* The plan under construction. */
typedef struct plan_builder {
    floe_lookup_plan *plan;
    floe_arena *arena;
} plan_builder;

static floe_status add_key(plan_builder *builder, const floe_column *key, size_t *ret_index, floe_error *err) {
    floe_lookup_plan *plan = builder->plan;
    for (size_t i = 0; i < plan->key_count; i++) {
        if (floe_str_equal(plan->keys[i].name, key->name)) {
            char first[FLOE_TYPE_NAME_MAX];
            char second[FLOE_TYPE_NAME_MAX];
            FLOE_ENSURE(
                floe_type_equal(plan->keys[i].type, key->type), err, FLOE_INVALID,
                "the entity key %.*s is of type %s in one of the views asked for and of type %s in another; ask "
                "for them in two lookups",
                FLOE_STR_BRIEF(key->name), floe_type_name(plan->keys[i].type, first),
                floe_type_name(key->type, second));
            *ret_index = i;
            return FLOE_OK;
        }
    }
    floe_column *added = FLOE_ARENA_PUSH(builder->arena, plan->keys, plan->key_count, plan->key_capacity);
    FLOE_TRY(floe_arena_check(builder->arena, err));
    *added = *key;
    *ret_index = plan->key_count - 1;
    return FLOE_OK;
}

static floe_status group_of(plan_builder *builder, const floe_entity *entity, floe_plan_group **ret_group,
                            floe_error *err) {
    floe_lookup_plan *plan = builder->plan;
    for (size_t i = 0; i < plan->group_count; i++) {
        if (floe_str_equal(plan->groups[i].entity->about.name, entity->about.name)) {
            *ret_group = &plan->groups[i];
            return FLOE_OK;
        }
    }
    floe_plan_group *group = FLOE_ARENA_PUSH(builder->arena, plan->groups, plan->group_count, plan->group_capacity);
    size_t *keys = floe_arena_alloc(builder->arena, entity->key_count, sizeof(*keys));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    group->entity = entity;
    group->keys = keys;
    for (size_t i = 0; i < entity->key_count; i++) {
        FLOE_TRY(add_key(builder, &entity->keys[i], &keys[i], err));
    }
    *ret_group = group;
    return FLOE_OK;
}

static floe_status shape_of(const floe_view *view, floe_arena *arena, uint64_t *ret_shape, floe_error *err) {
    floe_stored_definition definition;
    FLOE_TRY(floe_generation_definition(view, arena, &definition, err));
    return floe_generation_shape(&definition, view->fingerprint, ret_shape, err);
}

static floe_status view_of(plan_builder *builder, floe_plan_group *group, const floe_view *view,
                           floe_plan_view **ret_view, floe_error *err) {
    for (size_t i = 0; i < group->view_count; i++) {
        if (floe_str_equal(group->views[i]->view->about.name, view->about.name)) {
            *ret_view = group->views[i];
            return FLOE_OK;
        }
    }
    FLOE_ENSURE((group->view_count + 1) * 2 <= FLOE_GET_PARTS_MAX, err, FLOE_LIMIT,
                "a lookup over more than %d views of entity %.*s", FLOE_GET_PARTS_MAX / 2,
                FLOE_STR_BRIEF(group->entity->about.name));
    floe_plan_view **slot = FLOE_ARENA_PUSH(builder->arena, group->views, group->view_count, group->view_capacity);
    floe_plan_view *added = floe_arena_alloc(builder->arena, 1, sizeof(*added));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    added->view = view;
    FLOE_TRY(shape_of(view, builder->arena, &added->shape, err));
    *slot = added;
    builder->plan->view_count++;
    *ret_view = added;
    return FLOE_OK;
}

/* The output's place among the view's outputs of the same part. */
static size_t column_of(const floe_view *view, const floe_output *output) {
    size_t column = 0;
    for (const floe_output *other = view->outputs; other < output; other++) {
        column += (other->function != FLOE_FN_NONE) == (output->function != FLOE_FN_NONE) ? 1 : 0;
    }
    return column;
}

static floe_status add_ref(plan_builder *builder, const floe_ref *ref, size_t at, floe_error *err) {
    floe_lookup_plan *plan = builder->plan;
    floe_plan_group *group = NULL;
    floe_plan_view *view = NULL;
    FLOE_TRY(group_of(builder, ref->view->entity, &group, err));
    FLOE_TRY(view_of(builder, group, ref->view, &view, err));
    bool aggregate = ref->output->function != FLOE_FN_NONE;
    if (aggregate && plan->first_aggregate == NULL) {
        plan->first_aggregate = ref;
    }
    floe_plan_columns *columns = aggregate ? &view->aggregates : &view->as_of;
    floe_plan_column *column = FLOE_ARENA_PUSH(builder->arena, columns->items, columns->count, columns->capacity);
    FLOE_TRY(floe_arena_check(builder->arena, err));
    *column = (floe_plan_column){.at = at, .output = ref->output, .column = column_of(ref->view, ref->output)};
    return FLOE_OK;
}

/* ---- request features ---- */

static size_t place_of_input(const floe_lookup_plan *plan, floe_str name) {
    size_t i = 0;
    while (!floe_str_equal(plan->inputs[i].name, name)) {
        i++;
    }
    return i;
}

/* The column of the result that holds a view's feature: one that is asked for, or one behind them. */
static size_t place_of_feature(const floe_lookup_plan *plan, const floe_ref *feature, const floe_ref *hidden,
                               size_t hidden_count) {
    for (size_t i = 0; i < plan->ref_count; i++) {
        if (plan->refs[i].output == feature->output) {
            return i;
        }
    }
    for (size_t i = 0; i < hidden_count; i++) {
        if (hidden[i].output == feature->output) {
            return plan->ref_count + i;
        }
    }
    return SIZE_MAX;
}

static floe_status add_request(plan_builder *builder, size_t at, const floe_ref *hidden, size_t hidden_count,
                               floe_error *err) {
    floe_lookup_plan *plan = builder->plan;
    const floe_request_feature *feature = plan->refs[at].output->request;
    floe_plan_request *request =
        FLOE_ARENA_PUSH(builder->arena, plan->requests, plan->request_count, plan->request_capacity);
    floe_plan_input *inputs = floe_arena_alloc(builder->arena, feature->input_count, sizeof(*inputs));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    for (size_t i = 0; i < feature->input_count; i++) {
        const floe_request_input *input = &feature->inputs[i];
        inputs[i].brought = input->feature.output == NULL;
        inputs[i].at = inputs[i].brought ? place_of_input(plan, input->name)
                                         : place_of_feature(plan, &input->feature, hidden, hidden_count);
        FLOE_ASSERT(inputs[i].at != SIZE_MAX);
    }
    *request = (floe_plan_request){at, feature, inputs};
    return FLOE_OK;
}

/* What of the view columns is not asked for itself: those behind the asked ones. */
static size_t asked_of_views(const floe_ref *refs, size_t ref_count) {
    size_t count = 0;
    for (size_t i = 0; i < ref_count; i++) {
        count += refs[i].output->request == NULL;
    }
    return count;
}

static floe_status add_refs(plan_builder *builder, floe_error *err) {
    floe_lookup_plan *plan = builder->plan;
    floe_ref *views = NULL;
    size_t view_count = 0;
    FLOE_TRY(
        floe_refs_request_inputs(builder->arena, plan->refs, plan->ref_count, &plan->inputs, &plan->input_count, err));
    FLOE_TRY(floe_refs_of_views(builder->arena, plan->refs, plan->ref_count, &views, &view_count, err));
    size_t asked = asked_of_views(plan->refs, plan->ref_count);
    const floe_ref *hidden = views + asked;
    size_t hidden_count = view_count - asked;
    plan->column_count = plan->ref_count + hidden_count;
    for (size_t i = 0; i < plan->ref_count; i++) {
        FLOE_TRY(plan->refs[i].output->request == NULL ? add_ref(builder, &plan->refs[i], i, err)
                                                       : add_request(builder, i, hidden, hidden_count, err));
    }
    for (size_t i = 0; i < hidden_count; i++) {
        FLOE_TRY(add_ref(builder, &hidden[i], plan->ref_count + i, err));
    }
    return FLOE_OK;
}

floe_status floe_lookup_plan_make(const floe_ref *refs, size_t ref_count, floe_arena *arena,
                                  const floe_lookup_plan **ret_plan, floe_error *err) {
    floe_lookup_plan *plan = floe_arena_alloc(arena, 1, sizeof(*plan));
    floe_ref *copy = floe_arena_alloc(arena, ref_count, sizeof(*copy));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(ref_count <= FLOE_LIMIT_LOOKUP_CELLS, err, FLOE_LIMIT,
                "a lookup of %zu features; at most %d are allowed", ref_count, FLOE_LIMIT_LOOKUP_CELLS);
    if (ref_count > 0) {
        memcpy(copy, refs, ref_count * sizeof(*copy));
    }
    plan->refs = copy;
    plan->ref_count = ref_count;
    plan_builder builder = {plan, arena};
    FLOE_TRY(add_refs(&builder, err));
    size_t first = 0;
    for (size_t i = 0; i < plan->group_count; i++) {
        plan->groups[i].first_view = first;
        first += plan->groups[i].view_count;
    }
    *ret_plan = plan;
    return FLOE_OK;
}

const floe_column *floe_lookup_plan_keys(const floe_lookup_plan *plan, size_t *ret_count) {
    *ret_count = plan->key_count;
    return plan->keys;
}

const floe_column *floe_lookup_plan_inputs(const floe_lookup_plan *plan, size_t *ret_count) {
    *ret_count = plan->input_count;
    return plan->inputs;
}

const floe_ref *floe_lookup_plan_refs(const floe_lookup_plan *plan, size_t *ret_count) {
    *ret_count = plan->ref_count;
    return plan->refs;
}

const char *floe_cell_status_name(floe_cell_status status) {
    switch (status) {
    case FLOE_CELL_PRESENT:
        return "PRESENT";
    case FLOE_CELL_NULL_VALUE:
        return "NULL_VALUE";
    case FLOE_CELL_NOT_FOUND:
        return "NOT_FOUND";
    case FLOE_CELL_OUTSIDE_MAX_AGE:
        return "OUTSIDE_MAX_AGE";
    default:
        return "INVALID";
    }
}
