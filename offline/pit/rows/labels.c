/*
 * Labels in: batches become times and key numbers.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/rows/batch.h"
#include "offline/pit/rows/cells.h"
#include "offline/pit/rows/record.h"

#define BATCH_ARENA FLOE_GIB(1)

static floe_status check_label_types(const floe_pit *pit, const pit_batch *columns, floe_error *err) {
    for (size_t i = 0; i < pit->key_count; i++) {
        floe_type found = columns->cells[i].view.type, declared = pit->keys[i].type;
        bool fits = floe_type_widens(found, declared);
        char a[FLOE_TYPE_NAME_MAX], b[FLOE_TYPE_NAME_MAX];
        FLOE_ENSURE(fits, err, FLOE_INVALID, "the spine's column for the key \"%.*s\" is %s and the entity declares %s",
                    FLOE_STR_ARG(pit->keys[i].name), floe_type_name(found, a), floe_type_name(declared, b));
    }
    return FLOE_OK;
}

static floe_status reserve_labels(floe_pit *pit, size_t need, floe_error *err) {
    if (need <= pit->label_room) {
        return FLOE_OK;
    }
    size_t room = pit->label_room * 2 > need ? pit->label_room * 2 : need;
    FLOE_TRY(floe_pit_grow(&pit->label_time, pit->label_room, room, sizeof(int64_t), err));
    for (size_t g = 0; g < pit->group_count; g++) {
        FLOE_TRY(floe_realloc(&pit->groups[g].label_key, room, sizeof(uint32_t), err));
    }
    pit->label_room = room;
    return FLOE_OK;
}

/* The label columns of a group's keys, among the question's. */
static void key_cells(const floe_pit *pit, const pit_group *group, const pit_batch *columns,
                      const pit_cells **ret_cells) {
    for (size_t i = 0; i < group->entity->key_count; i++) {
        for (size_t k = 0; k < pit->key_count; k++) {
            if (floe_str_equal(pit->keys[k].name, group->entity->keys[i].name)) {
                ret_cells[i] = &columns->cells[k];
            }
        }
    }
}

/* Labels without a time ask for nothing, so their keys do not count. */
static floe_status label_keys(floe_pit *pit, pit_group *group, const pit_batch *columns, size_t row_count,
                              uint32_t *rows, pit_key_room *room, floe_error *err) {
    const pit_cells *cells[FLOE_LIMIT_ENTITY_KEYS];
    key_cells(pit, group, columns, cells);
    uint32_t *label_key = group->label_key + pit->label_count;
    size_t count = 0;
    for (size_t row = 0; row < row_count; row++) {
        label_key[row] = PIT_NO_KEY;
        rows[count] = (uint32_t)row;
        count += pit->label_time[pit->label_count + row] != INT64_MIN;
    }
    FLOE_TRY(floe_pit_key_numbers(group, cells, rows, count, true, NULL, room, err));
    for (size_t i = 0; i < count; i++) {
        label_key[rows[i]] = room->keys[i];
    }
    return FLOE_OK;
}

static floe_status label_batch(floe_pit *pit, pit_batch *columns, const struct ArrowArray *batch, pit_key_room *room,
                               floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, BATCH_ARENA);
    size_t count = (size_t)batch->length;
    uint32_t *rows = floe_arena_alloc(&arena, count + 1, sizeof(*rows));
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_TRY(floe_pit_batch_open(columns, batch, err));
    FLOE_TRY(check_label_types(pit, columns, err));
    FLOE_TRY(reserve_labels(pit, pit->label_count + count, err));
    for (size_t i = 0; i < count; i++) {
        rows[i] = (uint32_t)i;
    }
    FLOE_TRY(floe_pit_cells_i64(&columns->cells[pit->key_count], rows, count, INT64_MIN,
                                pit->label_time + pit->label_count, err));
    for (size_t g = 0; g < pit->group_count; g++) {
        FLOE_TRY(label_keys(pit, &pit->groups[g], columns, count, rows, room, err));
    }
    pit->label_count += count;
    return FLOE_OK;
}

/* How far back the features of a source look; INT64_MAX: without bound. */
static int64_t look_back(const floe_pit *pit, size_t source_index) {
    int64_t most = 0;
    for (size_t g = 0; g < pit->group_count; g++) {
        const pit_group *group = &pit->groups[g];
        for (size_t v = 0; v < group->view_count && group->source_index == source_index; v++) {
            const floe_view *view = group->views[v].view;
            for (size_t i = 0; i < view->output_count; i++) {
                int64_t back = view->outputs[i].function == FLOE_FN_NONE ? view->ttl_us : view->outputs[i].window_us;
                back = back == 0 ? INT64_MAX : back;
                most = group->views[v].wanted[i] && back > most ? back : most;
            }
        }
    }
    return most;
}

static void bound_needs(floe_pit *pit) {
    int64_t first = INT64_MAX, last = INT64_MIN;
    for (size_t i = 0; i < pit->label_count; i++) {
        if (pit->label_time[i] != INT64_MIN) {
            first = pit->label_time[i] < first ? pit->label_time[i] : first;
            last = pit->label_time[i] > last ? pit->label_time[i] : last;
        }
    }
    for (size_t s = 0; s < pit->source_count; s++) {
        int64_t back = look_back(pit, s);
        pit->needs[s].latest_us = last;
        if (back == INT64_MAX || __builtin_sub_overflow(first, back, &pit->needs[s].earliest_us)) {
            pit->needs[s].earliest_us = INT64_MIN;
        }
    }
}

floe_status floe_pit_labels(floe_pit *pit, struct ArrowArrayStream *labels, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(floe_arrow_stream_schema(labels, "spine", &schema, err));
    floe_str *names = floe_arena_alloc(&arena, pit->key_count + 1, sizeof(*names));
    FLOE_TRY(floe_arena_check(&arena, err));
    for (size_t i = 0; i < pit->key_count; i++) {
        names[i] = pit->keys[i].name;
    }
    names[pit->key_count] = FLOE_STR("__floe_time");
    FLOE_CLEANUP(floe_pit_key_room_close) pit_key_room room = {0};
    pit_batch columns;
    FLOE_TRY(floe_pit_batch_columns(&arena, &schema, names, pit->key_count + 1, &columns, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(labels, "spine", &batch, err));
        if (!batch.release) {
            break;
        }
        FLOE_TRY(label_batch(pit, &columns, &batch, &room, err));
    }
    bound_needs(pit);
    return FLOE_OK;
}

floe_status floe_pit_labels_newest(floe_pit *pit, int64_t time_us, floe_error *err) {
    FLOE_ENSURE(pit->group_count == 1 && pit->groups[0].view_count == 1, err, FLOE_INTERNAL,
                "the newest rows are asked of one view at a time");
    pit->newest_labels = true;
    pit->threads = 1; /* Keys are numbered as rows come. */
    pit->newest_us = time_us;
    floe_pit_record_plan(pit, &pit->groups[0]);
    pit->needs[0].latest_us = time_us;
    return FLOE_OK;
}
