/*
 * What a record holds and where, and records into arrays.
 *
 * Wide parts come first, so that all but decimals lie where their type wants them: event, created, end, sequence, position,
 * the columns' data, then their symbols, the key, the nulls and one byte of state. What stands in a slot until it is answered has
 * neither event, which stands with the label's time, nor key, which is the label's.
 */
#include "offline/pit/rows/record.h"

#include "core/mem.h"

/* Whether the order of rows with equal times shows in an answer. */
static bool order_shows(const floe_pit *pit, const pit_group *group) {
    bool shows = pit->options.newest;
    for (size_t v = 0; v < group->view_count; v++) {
        const pit_view *view = &group->views[v];
        for (size_t i = 0; i < view->view->output_count; i++) {
            floe_function function = view->view->outputs[i].function;
            bool ordered = function == FLOE_FN_NONE || function == FLOE_FN_FIRST || function == FLOE_FN_LAST ||
                           function == FLOE_FN_FIRST_K || function == FLOE_FN_LAST_K;
            shows = shows || (view->wanted[i] && ordered);
        }
    }
    return shows;
}

static uint32_t place(uint32_t *len, bool kept, size_t part_len) {
    uint32_t at = *len;
    *len += kept ? (uint32_t)part_len : 0;
    return kept ? at : PIT_NOWHERE;
}

void floe_pit_record_plan(const floe_pit *pit, pit_group *group) {
    group->keeps_event = !group->thins || pit->options.newest || pit->newest_labels;
    uint32_t len = group->keeps_event ? sizeof(int64_t) : 0;
    group->keeps_order = order_shows(pit, group);
    group->keeps_created = group->has_created && (group->keeps_order || pit->options.as_known);
    group->keeps_end = group->has_end && group->keeps_order;
    group->created_at = place(&len, group->keeps_created, sizeof(int64_t));
    group->end_at = place(&len, group->keeps_end, sizeof(int64_t));
    group->seq_at = place(&len, group->keeps_order, sizeof(int64_t));
    group->pos_at = place(&len, group->keeps_order, sizeof(int64_t));
    for (size_t i = 0; i < group->column_count; i++) {
        pit_column *column = &group->columns[i];
        column->data_at = place(&len, true, floe_pit_cell_len(column->class));
    }
    for (size_t i = 0; i < group->column_count; i++) {
        pit_column *column = &group->columns[i];
        column->symbol_at = place(&len, column->class == PIT_SYMBOL || column->want_symbols, sizeof(uint32_t));
    }
    group->key_at = place(&len, group->keeps_event, sizeof(uint32_t));
    for (size_t i = 0; i < group->column_count; i++) {
        group->columns[i].null_at = place(&len, true, 1);
    }
    group->state_at = place(&len, true, 1);
    group->record_len = (len + 7) / 8 * 8;
}

void floe_pit_record_write(const pit_group *group, const pit_taken *taken, size_t i, uint8_t *record) {
    if (group->keeps_event) {
        memcpy(record, &taken->event[i], sizeof(int64_t));
        memcpy(record + group->key_at, &taken->keys[i], sizeof(uint32_t));
    }
    if (group->keeps_created) {
        memcpy(record + group->created_at, &taken->created[i], sizeof(int64_t));
    }
    if (group->keeps_end) {
        memcpy(record + group->end_at, &taken->end[i], sizeof(int64_t));
    }
    if (group->keeps_order) {
        memcpy(record + group->seq_at, &taken->seq[i], sizeof(int64_t));
        memcpy(record + group->pos_at, &taken->pos[i], sizeof(int64_t));
    }
}

/* ---- lanes ---- */

static void add_lane(pit_lane *lanes, size_t *count, void *items, uint32_t at, size_t len) {
    if (items && at != PIT_NOWHERE && len > 0) {
        lanes[(*count)++] = (pit_lane){items, at, (uint32_t)len};
    }
}

static floe_status open_times(pit_group *group, size_t rows, floe_error *err) {
    FLOE_TRY(floe_realloc(&group->event, rows + 1, sizeof(int64_t), err));
    if (group->keeps_created) {
        FLOE_TRY(floe_realloc(&group->created, rows + 1, sizeof(int64_t), err));
    }
    if (group->keeps_end) {
        FLOE_TRY(floe_realloc(&group->end, rows + 1, sizeof(int64_t), err));
    }
    if (group->keeps_order) {
        FLOE_TRY(floe_realloc(&group->seq, rows + 1, sizeof(int64_t), err));
        FLOE_TRY(floe_realloc(&group->pos, rows + 1, sizeof(int64_t), err));
    }
    return FLOE_OK;
}

floe_status floe_pit_lanes_open(pit_group *group, size_t rows, floe_arena *arena, pit_lane **ret_lanes,
                                size_t *ret_count, floe_error *err) {
    pit_lane *lanes = floe_arena_alloc(arena, 6 + 3 * group->column_count, sizeof(*lanes));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(open_times(group, rows, err));
    size_t count = 0;
    add_lane(lanes, &count, group->event, 0, sizeof(int64_t));
    add_lane(lanes, &count, group->created, group->created_at, sizeof(int64_t));
    add_lane(lanes, &count, group->end, group->end_at, sizeof(int64_t));
    add_lane(lanes, &count, group->seq, group->seq_at, sizeof(int64_t));
    add_lane(lanes, &count, group->pos, group->pos_at, sizeof(int64_t));
    add_lane(lanes, &count, group->tied, group->state_at, 1);
    for (size_t i = 0; i < group->column_count; i++) {
        pit_column *column = &group->columns[i];
        FLOE_TRY(floe_pit_column_reserve(column, rows + 1, err));
        add_lane(lanes, &count, column->data.i64, column->data_at, floe_pit_cell_len(column->class));
        add_lane(lanes, &count, column->symbol, column->symbol_at, sizeof(uint32_t));
        add_lane(lanes, &count, column->is_null, column->null_at, 1);
    }
    *ret_lanes = lanes;
    *ret_count = count;
    return FLOE_OK;
}

/* Fixed lengths, so that a copy is one instruction. */
#define FILL(len)                                                                                                      \
    for (size_t i = 0; i < count; i++) {                                                                               \
        memcpy(items + i * (len), records[i] + lane->at, (len));                                                       \
    }

static void fill(const pit_lane *lane, const uint8_t *const *records, size_t count, size_t first) {
    uint8_t *items = (uint8_t *)lane->items + first * lane->len;
    switch (lane->len) {
    case 1:
        FILL(1)
        break;
    case 4:
        FILL(4)
        break;
    case 8:
        FILL(8)
        break;
    default:
        FLOE_ASSERT(lane->len == sizeof(__int128));
        FILL(16)
        break;
    }
}

#define STRETCH 256 /* records that stay in the nearest cache while lane after lane is filled */

void floe_pit_lanes_fill(const pit_lane *lanes, size_t lane_count, const uint8_t *const *records, size_t count,
                         size_t first) {
    for (size_t at = 0; at < count; at += STRETCH) {
        size_t some = count - at < STRETCH ? count - at : STRETCH;
        for (size_t i = 0; i < lane_count; i++) {
            fill(&lanes[i], records + at, some, first + at);
        }
    }
}
