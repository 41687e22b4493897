/*
 * From references to the shape of a question: sources, groups, views, and the columns each needs.
 */
#include "offline/pit/question/question.h"

#include "core/limits.h"

/* ---- lookups that add on first sight; all in the question's arena ---- */

static size_t source_of(floe_pit *pit, const floe_source *source) {
    for (size_t i = 0; i < pit->source_count; i++) {
        if (pit->sources[i].source == source) {
            return i;
        }
    }
    pit->sources[pit->source_count].source = source;
    return pit->source_count++;
}

static bool same_keys(const pit_group *group, const floe_view *view) {
    if (group->entity != view->entity) {
        return false;
    }
    for (size_t i = 0; i < view->entity->key_count; i++) {
        if (!floe_str_equal(group->key_columns[i], view->key_columns[i])) {
            return false;
        }
    }
    return true;
}

static bool same_filter(const floe_view *a, const floe_view *b) {
    return (a->where == NULL) == (b->where == NULL) &&
           (a->where == NULL || floe_str_equal(a->where_text, b->where_text));
}

static pit_group *group_of(floe_pit *pit, const floe_view *view) {
    size_t source = source_of(pit, view->source);
    for (size_t i = 0; i < pit->group_count; i++) {
        pit_group *group = &pit->groups[i];
        if (group->source_index == source && same_keys(group, view) && same_filter(group->views[0].view, view)) {
            return group;
        }
    }
    pit_group *group = &pit->groups[pit->group_count++];
    group->source_index = source;
    group->entity = view->entity;
    group->key_columns = view->key_columns;
    group->has_created = view->source->created_time.len > 0;
    group->has_end = view->source->end_time.len > 0;
    group->views = floe_arena_alloc(&pit->arena, pit->ref_count, sizeof(*group->views));
    return group;
}

static pit_view *view_of(floe_pit *pit, pit_group *group, const floe_view *view) {
    if (!group->views) {
        return NULL;
    }
    for (size_t i = 0; i < group->view_count; i++) {
        if (group->views[i].view == view) {
            return &group->views[i];
        }
    }
    pit_view *added = &group->views[group->view_count++];
    added->view = view;
    added->before = view->at_before && !pit->options.ignore_at;
    added->wanted = floe_arena_alloc(&pit->arena, view->output_count, sizeof(*added->wanted));
    added->output_columns = floe_arena_alloc(&pit->arena, view->output_count, sizeof(*added->output_columns));
    added->sheet.spots = floe_arena_alloc(&pit->arena, view->output_count, sizeof(*added->sheet.spots));
    return added->wanted && added->output_columns && added->sheet.spots ? added : NULL;
}

/* ---- columns ---- */

static uint32_t column_of(pit_group *group, const floe_output *output) {
    if (floe_str_is(output->column, "*")) {
        return PIT_NO_ROW;
    }
    size_t i = 0;
    while (i < group->column_count && !floe_str_equal(group->columns[i].name, output->column)) {
        i++;
    }
    pit_column *column = &group->columns[i];
    if (i == group->column_count) {
        group->column_count++;
        column->name = output->column;
        column->type = output->column_type;
        column->class = floe_pit_class(output->column_type);
        floe_pit_symbols_init(&column->symbols);
        column->symbols.has_values = column->class == PIT_SYMBOL;
        pthread_mutex_init(&column->lock, NULL);
    }
    column->want_symbols = column->want_symbols || output->function == FLOE_FN_COUNT_DISTINCT;
    return (uint32_t)i;
}

static floe_status add_columns(floe_pit *pit, pit_group *group, floe_error *err) {
    size_t most = 0;
    for (size_t v = 0; v < group->view_count; v++) {
        most += group->views[v].view->output_count;
    }
    group->columns = floe_arena_alloc(&pit->arena, most, sizeof(*group->columns));
    FLOE_TRY(floe_arena_check(&pit->arena, err));
    for (size_t v = 0; v < group->view_count; v++) {
        pit_view *view = &group->views[v];
        for (size_t i = 0; i < view->view->output_count; i++) {
            if (view->wanted[i]) {
                view->output_columns[i] = column_of(group, &view->view->outputs[i]);
                view->want_as_of = view->want_as_of || view->view->outputs[i].function == FLOE_FN_NONE;
            }
        }
    }
    return FLOE_OK;
}

static void add_name(floe_str *names, size_t *count, floe_str name) {
    for (size_t i = 0; i < *count; i++) {
        if (floe_str_equal(names[i], name)) {
            return;
        }
    }
    names[(*count)++] = name;
}

/* One filter for all groups of a source may be pushed into its scan. */
static void share_where(const floe_pit *pit, size_t source_index, floe_pit_need *need) {
    const floe_view *first = NULL;
    for (size_t g = 0; g < pit->group_count; g++) {
        const floe_view *view = pit->groups[g].views[0].view;
        if (pit->groups[g].source_index != source_index) {
            continue;
        }
        if (first && !same_filter(first, view)) {
            return;
        }
        first = view;
    }
    if (first && first->where) {
        need->shared_where = first->where_text;
    }
}

/* What a column of a need is kept as. Of two entities that declare a key differently the one that holds both counts. */
static void add_use(floe_pit_need *need, floe_str name, floe_type type, bool is_key) {
    floe_str *columns = (floe_str *)need->columns;
    floe_type *types = (floe_type *)need->types;
    bool *alone = (bool *)need->keys_alone;
    size_t before = need->column_count;
    add_name(columns, &need->column_count, name);
    size_t at = 0;
    while (!floe_str_equal(columns[at], name)) {
        at++;
    }
    if (need->column_count > before || (!is_key && alone[at]) ||
        (is_key && alone[at] && floe_type_widens(types[at], type))) {
        types[at] = type;
    }
    alone[at] = is_key && (need->column_count > before || alone[at]);
}

static floe_status make_uses(floe_pit *pit, floe_pit_need *need, size_t most, floe_error *err) {
    need->columns = floe_arena_alloc(&pit->arena, most, sizeof(*need->columns));
    need->types = floe_arena_alloc(&pit->arena, most, sizeof(*need->types));
    need->keys_alone = floe_arena_alloc(&pit->arena, most, sizeof(*need->keys_alone));
    return floe_arena_check(&pit->arena, err);
}

/* What must be fed for one source. */
static floe_status make_need(floe_pit *pit, size_t source_index, floe_error *err) {
    floe_pit_need *need = &pit->needs[source_index];
    need->source = pit->sources[source_index].source;
    need->earliest_us = INT64_MIN;
    need->latest_us = INT64_MAX;
    size_t most = 0;
    for (size_t g = 0; g < pit->group_count; g++) {
        most += pit->groups[g].source_index == source_index ? pit->groups[g].column_count + FLOE_LIMIT_ENTITY_KEYS : 0;
    }
    FLOE_TRY(make_uses(pit, need, most, err));
    const floe_expr **wheres = floe_arena_alloc(&pit->arena, pit->group_count, sizeof(*wheres));
    FLOE_TRY(floe_arena_check(&pit->arena, err));
    for (size_t g = 0; g < pit->group_count; g++) {
        pit_group *group = &pit->groups[g];
        if (group->source_index != source_index) {
            continue;
        }
        for (size_t i = 0; i < group->entity->key_count; i++) {
            add_use(need, group->key_columns[i], group->entity->keys[i].type, true);
        }
        for (size_t i = 0; i < group->column_count; i++) {
            add_use(need, group->columns[i].name, group->columns[i].type, false);
        }
        group->where_index = (uint32_t)need->where_count;
        wheres[need->where_count++] = group->views[0].view->where;
    }
    need->wheres = wheres;
    share_where(pit, source_index, need);
    return FLOE_OK;
}

static void add_entity_keys(floe_pit *pit, const floe_entity *entity) {
    for (size_t i = 0; i < entity->key_count; i++) {
        size_t k = 0;
        while (k < pit->key_count && !floe_str_equal(pit->keys[k].name, entity->keys[i].name)) {
            k++;
        }
        if (k == pit->key_count) {
            pit->keys[pit->key_count++] = entity->keys[i];
        }
    }
}

static floe_status check_key_types(const floe_pit *pit, floe_error *err) {
    for (size_t g = 0; g < pit->group_count; g++) {
        const floe_entity *entity = pit->groups[g].entity;
        for (size_t i = 0; i < entity->key_count; i++) {
            for (size_t k = 0; k < pit->key_count; k++) {
                FLOE_ENSURE(!floe_str_equal(pit->keys[k].name, entity->keys[i].name) ||
                                floe_type_equal(pit->keys[k].type, entity->keys[i].type),
                            err, FLOE_INVALID,
                            "entity \"%.*s\" gives the key \"%.*s\" another type than the other entities asked for; "
                            "ask for them in two datasets or rename the key",
                            FLOE_STR_ARG(entity->about.name), FLOE_STR_ARG(entity->keys[i].name));
            }
        }
    }
    return FLOE_OK;
}

static floe_status check_as_known(const floe_pit *pit, floe_error *err) {
    FLOE_AUTO_BUF names;
    floe_buf_init(&names, FLOE_KIB(1));
    for (size_t g = 0; g < pit->group_count; g++) {
        const pit_group *group = &pit->groups[g];
        for (size_t v = 0; v < group->view_count && !group->has_created; v++) {
            floe_buf_text(&names, names.len > 0 ? ", " : "");
            floe_buf_str(&names, group->views[v].view->about.name);
        }
    }
    FLOE_ENSURE(
        names.len == 0, err, FLOE_INVALID,
        "as known needs a created_time, and the source of %.*s has none; add created_time to the source or leave "
        "--as-known out",
        FLOE_STR_ARG(floe_buf_view(&names)));
    return FLOE_OK;
}

static bool is_number(const floe_entity *entity) {
    return entity->key_count == 1 && floe_pit_class(entity->keys[0].type) == PIT_I64 &&
           entity->keys[0].type.kind != FLOE_KIND_BOOL;
}

floe_status floe_pit_question_make(floe_pit *pit, floe_error *err) {
    pit->sources = floe_arena_alloc(&pit->arena, pit->ref_count, sizeof(*pit->sources));
    pit->needs = floe_arena_alloc(&pit->arena, pit->ref_count, sizeof(*pit->needs));
    pit->groups = floe_arena_alloc(&pit->arena, pit->ref_count, sizeof(*pit->groups));
    pit->keys = floe_arena_alloc(&pit->arena, pit->ref_count * FLOE_LIMIT_ENTITY_KEYS, sizeof(*pit->keys));
    FLOE_TRY(floe_arena_check(&pit->arena, err));
    for (size_t i = 0; i < pit->ref_count; i++) {
        const floe_ref *ref = &pit->refs[i];
        pit_view *view = view_of(pit, group_of(pit, ref->view), ref->view);
        FLOE_TRY(floe_arena_check(&pit->arena, err));
        view->wanted[ref->output - ref->view->outputs] = true;
        add_entity_keys(pit, ref->view->entity);
    }
    for (size_t g = 0; g < pit->group_count; g++) {
        floe_pit_symbols_init(&pit->groups[g].keys);
        FLOE_TRY(add_columns(pit, &pit->groups[g], err));
        pit->groups[g].number_keys = is_number(pit->groups[g].entity);
    }
    for (size_t s = 0; s < pit->source_count; s++) {
        FLOE_TRY(make_need(pit, s, err));
    }
    FLOE_TRY(check_key_types(pit, err));
    return pit->options.as_known ? check_as_known(pit, err) : FLOE_OK;
}

size_t floe_pit_row_bytes(const floe_pit *pit, size_t need_index) {
    size_t bytes = 0;
    for (size_t g = 0; g < pit->group_count; g++) {
        bytes += pit->groups[g].source_index == need_index ? pit->groups[g].record_len : 0;
    }
    return bytes;
}

#define PLACE_BYTES 24 /* of a label among those of its key: time, what stands there, span, number */
#define KEY_BYTES 24   /* of a key beside its table: where its labels begin, and their spans */

static uint64_t slot_bytes(const pit_group *group) {
    return group->record_len + PLACE_BYTES + group->view_count * sizeof(uint32_t);
}

uint64_t floe_pit_slot_bytes(const floe_pit *pit, size_t need_index) {
    uint64_t bytes = 0;
    for (size_t g = 0; g < pit->group_count; g++) {
        bytes += pit->groups[g].source_index == need_index ? slot_bytes(&pit->groups[g]) : 0;
    }
    return bytes;
}

uint64_t floe_pit_slots_bytes(const floe_pit *pit) {
    uint64_t bytes = 0;
    for (size_t g = 0; g < pit->group_count; g++) {
        const pit_group *group = &pit->groups[g];
        uint64_t keys = group->keys.count * (uint64_t)KEY_BYTES + floe_pit_symbols_bytes(&group->keys) +
                        group->numbers.capacity * sizeof(*group->numbers.slots);
        bytes += group->thins ? pit->label_count * slot_bytes(group) + keys : 0;
    }
    return bytes;
}

uint64_t floe_pit_lent_bytes(const floe_pit *pit, size_t need_index, uint64_t rows, uint64_t labels) {
    uint64_t bytes = 0;
    for (size_t g = 0; g < pit->group_count; g++) {
        const pit_group *group = &pit->groups[g];
        uint64_t answers = 0;
        for (size_t v = 0; v < group->view_count; v++) {
            for (size_t i = 0; i < group->views[v].view->output_count; i++) {
                answers += group->views[v].wanted[i];
            }
        }
        if (group->source_index == need_index && !group->thins) {
            uint64_t records = rows * group->record_len, sheets = labels * answers * sizeof(int64_t);
            bytes += records < sheets ? records : sheets;
        }
    }
    return bytes;
}

bool floe_pit_spills(const floe_pit *pit) {
    return pit->spill != NULL;
}

const floe_column *floe_pit_keys(const floe_pit *pit, size_t *ret_count) {
    *ret_count = pit->key_count;
    return pit->keys;
}

const floe_pit_need *floe_pit_needs(const floe_pit *pit, size_t *ret_count) {
    *ret_count = pit->source_count;
    return pit->needs;
}

void floe_pit_stats_get(const floe_pit *pit, floe_pit_stats *ret_stats) {
    *ret_stats = (floe_pit_stats){.label_count = (int64_t)pit->label_count, .rows_fed = pit->rows_fed};
    for (size_t g = 0; g < pit->group_count; g++) {
        ret_stats->rows_kept += (int64_t)pit->groups[g].row_count;
        ret_stats->rows_moved += atomic_load(&pit->groups[g].rows_moved);
        for (size_t v = 0; v < pit->groups[g].view_count; v++) {
            const pit_view *view = &pit->groups[g].views[v];
            ret_stats->ties += view->ties;
            ret_stats->rows_moved += view->rows_moved;
            ret_stats->rows_stepped += view->rows_stepped;
        }
    }
}
