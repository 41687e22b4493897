/*
 * A batch of rows into the groups of its source: which rows count (an event time that is not null, a filter that is TRUE,
 * a key that some label has), their times, their place, last their cells. A feeder belongs to one thread; several work on
 * the same groups.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/rows/cells.h"
#include "offline/pit/rows/feed.h"

#define BATCH_ARENA FLOE_GIB(1)
#define MEMOS_MAX 64 /* columns of a group, so that a thread keeps less than a megabyte */

/* What a feeder knows of one group. */
typedef struct feeder_group {
    pit_group *group;
    const pit_cells *keys[FLOE_LIMIT_ENTITY_KEYS];
    const pit_cells **columns; /* per column of the group */
    pit_memo *key_memo;
    pit_memo **memos; /* per column of the group; NULL: it has no symbols, or there are too many with some */
    bool filters;     /* not every row passes */
    pit_part_room parts;
} feeder_group;

struct pit_feeder {
    floe_pit *pit;
    const pit_row_columns *columns;
    floe_arena arena;
    pit_batch batch;
    feeder_group *groups;
    size_t group_count;
    pit_key_room keys;
    pit_slot_room slots;
    /* Per row of a batch: */
    uint32_t *rows, *row_keys;
    int64_t *times[5]; /* event, created, end, seq, pos */
    uint8_t **records;
    size_t room;
    floe_arena lists; /* of one batch */
};

/* What a row's cells are kept with. */
typedef struct keeping {
    pit_feeder *feeder;
    feeder_group *group;
} keeping;

static size_t need_column(const floe_pit_need *need, floe_str name) {
    size_t i = 0;
    while (!floe_str_equal(need->columns[i], name)) {
        i++;
        FLOE_ASSERT(i < need->column_count);
    }
    return i;
}

/* Whose cells have symbols. */
static floe_status open_memos(pit_feeder *feeder, feeder_group *g, floe_error *err) {
    const pit_group *group = g->group;
    size_t made = 0;
    g->key_memo = group->number_keys ? NULL : floe_arena_alloc(&feeder->arena, 1, sizeof(*g->key_memo));
    g->memos = floe_arena_alloc(&feeder->arena, group->column_count, sizeof(*g->memos));
    FLOE_TRY(floe_arena_check(&feeder->arena, err));
    for (size_t i = 0; i < group->column_count && made < MEMOS_MAX; i++) {
        if (group->columns[i].symbol_at != PIT_NOWHERE) {
            g->memos[i] = floe_arena_alloc(&feeder->arena, 1, sizeof(*g->memos[i]));
            made++;
        }
    }
    return floe_arena_check(&feeder->arena, err);
}

static floe_status open_group(pit_feeder *feeder, pit_group *group, floe_error *err) {
    const floe_pit_need *need = feeder->columns->need;
    feeder_group *g = &feeder->groups[feeder->group_count];
    g->group = group;
    g->filters = need->wheres[group->where_index] != NULL;
    g->columns = floe_arena_alloc(&feeder->arena, group->column_count, sizeof(pit_cells *));
    FLOE_TRY(floe_arena_check(&feeder->arena, err));
    for (size_t i = 0; i < group->entity->key_count; i++) {
        g->keys[i] = &feeder->batch.cells[need_column(need, group->key_columns[i])];
    }
    for (size_t i = 0; i < group->column_count; i++) {
        g->columns[i] = &feeder->batch.cells[need_column(need, group->columns[i].name)];
    }
    feeder->group_count++;
    return open_memos(feeder, g, err);
}

floe_status floe_pit_feeder_open(floe_pit *pit, size_t need_index, const pit_row_columns *columns,
                                 const pit_batch *batch, pit_feeder **ret_feeder, floe_error *err) {
    FLOE_CLEANUP(floe_pit_feeder_close) pit_feeder *feeder = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*feeder), &feeder, err));
    feeder->pit = pit;
    feeder->columns = columns;
    floe_arena_init(&feeder->arena, FLOE_MIB(64));
    floe_arena_init(&feeder->lists, BATCH_ARENA);
    feeder->groups = floe_arena_alloc(&feeder->arena, pit->group_count, sizeof(*feeder->groups));
    FLOE_TRY(floe_arena_check(&feeder->arena, err));
    FLOE_TRY(floe_pit_batch_copy(batch, &feeder->arena, &feeder->batch, err));
    for (size_t g = 0; g < pit->group_count; g++) {
        if (pit->groups[g].source_index == need_index) {
            FLOE_TRY(open_group(feeder, &pit->groups[g], err));
        }
    }
    *ret_feeder = feeder;
    feeder = NULL;
    return FLOE_OK;
}

void floe_pit_feeder_close(pit_feeder **feeder) {
    pit_feeder *f = *feeder;
    if (!f) {
        return;
    }
    for (size_t g = 0; g < f->group_count; g++) {
        floe_pit_part_room_close(&f->groups[g].parts);
    }
    void *arrays[] = {f->rows,        f->row_keys,      f->times[0],   f->times[1],   f->times[2],
                      f->times[3],    f->times[4],      f->records,    f->slots.rows, f->slots.slots,
                      f->slots.order, f->slots.records, f->slots.from, f->slots.ranks};
    for (size_t i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++) {
        floe_free(arrays[i]);
    }
    floe_pit_key_room_close(&f->keys);
    floe_arena_close(&f->lists);
    floe_arena_close(&f->arena);
    floe_free(f);
    *feeder = NULL;
}

static floe_status make_room(pit_feeder *f, size_t rows, floe_error *err) {
    if (rows <= f->room) {
        return FLOE_OK;
    }
    uint32_t **numbers[] = {&f->rows, &f->row_keys, &f->slots.rows, &f->slots.slots, &f->slots.order};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        FLOE_TRY(floe_realloc(numbers[i], rows, sizeof(uint32_t), err));
    }
    for (size_t i = 0; i < 5; i++) {
        FLOE_TRY(floe_realloc(&f->times[i], rows, sizeof(int64_t), err));
    }
    FLOE_TRY(floe_realloc(&f->records, rows, sizeof(*f->records), err));
    FLOE_TRY(floe_realloc(&f->slots.from, rows, sizeof(*f->slots.from), err));
    FLOE_TRY(floe_realloc(&f->slots.ranks, rows, sizeof(*f->slots.ranks), err));
    FLOE_TRY(floe_realloc(&f->slots.records, rows, sizeof(*f->slots.records), err));
    f->room = rows;
    return FLOE_OK;
}

/* ---- types ---- */

static floe_status type_changed(floe_str name, floe_type found, floe_type planned, floe_error *err) {
    char a[FLOE_TYPE_NAME_MAX], b[FLOE_TYPE_NAME_MAX];
    return FLOE_FAIL(err, FLOE_CONFLICT,
                     "column \"%.*s\" is %s now and was %s when the definitions were applied; run floe apply again",
                     FLOE_STR_ARG(name), floe_type_name(found, a), floe_type_name(planned, b));
}

/* A table may have changed since its definitions were applied: a cell must still be kept as planned. */
static floe_status check_types(const feeder_group *g, floe_error *err) {
    const pit_group *group = g->group;
    for (size_t i = 0; i < group->entity->key_count; i++) {
        floe_type found = g->keys[i]->view.type, planned = group->entity->keys[i].type;
        if (!floe_type_widens(found, planned)) {
            return type_changed(group->key_columns[i], found, planned, err);
        }
    }
    for (size_t i = 0; i < group->column_count; i++) {
        floe_type found = g->columns[i]->view.type, planned = group->columns[i].type;
        bool widened = floe_kind_is_integer(found.kind) && floe_kind_is_integer(planned.kind);
        widened = widened || (floe_pit_class(found) == PIT_F64 && floe_pit_class(planned) == PIT_F64);
        if (!widened && !floe_type_equal(found, planned)) {
            return type_changed(group->columns[i].name, found, planned, err);
        }
    }
    return FLOE_OK;
}

/* ---- one batch into one group ---- */

/* The rows that count and their keys: f->rows, f->row_keys. */
static floe_status pick_rows(pit_feeder *f, feeder_group *g, size_t row_count, size_t *ret_count, floe_error *err) {
    const pit_cells *cells = f->batch.cells;
    size_t count = row_count, kept = 0;
    for (size_t row = 0; row < row_count; row++) {
        f->rows[row] = (uint32_t)row;
    }
    FLOE_TRY(floe_pit_cells_pick(&cells[f->columns->event], false, f->rows, &count, err));
    if (g->filters) {
        FLOE_TRY(floe_pit_cells_pick(&cells[f->columns->where + g->group->where_index], true, f->rows, &count, err));
    }
    FLOE_TRY(
        floe_pit_key_numbers(g->group, g->keys, f->rows, count, f->pit->newest_labels, g->key_memo, &f->keys, err));
    for (size_t i = 0; i < count; i++) {
        f->rows[kept] = f->rows[i];
        f->row_keys[kept] = f->keys.keys[i];
        kept += f->keys.keys[i] != PIT_NO_KEY;
    }
    *ret_count = kept;
    return FLOE_OK;
}

/* Of what is kept, and of created where slots are found by it. */
static floe_status read_times(pit_feeder *f, const pit_group *group, size_t count, floe_error *err) {
    const pit_cells *cells = f->batch.cells;
    const pit_row_columns *columns = f->columns;
    FLOE_TRY(floe_pit_cells_i64(&cells[columns->event], f->rows, count, 0, f->times[0], err));
    if (group->keeps_created) {
        FLOE_TRY(floe_pit_cells_i64(&cells[columns->created], f->rows, count, INT64_MIN, f->times[1], err));
    }
    if (group->keeps_end) {
        FLOE_TRY(floe_pit_cells_i64(&cells[columns->end], f->rows, count, INT64_MAX, f->times[2], err));
    }
    if (group->keeps_order) {
        FLOE_TRY(floe_pit_cells_i64(&cells[columns->seq], f->rows, count, 0, f->times[3], err));
        FLOE_TRY(floe_pit_cells_i64(&cells[columns->pos], f->rows, count, 0, f->times[4], err));
    }
    return FLOE_OK;
}

static floe_status keep_cells(void *context, const uint32_t *rows, uint8_t *const *records, size_t count,
                              floe_error *err) {
    keeping *k = context;
    for (size_t i = 0; i < k->group->group->column_count; i++) {
        FLOE_TRY(floe_pit_cells_keep(k->group->columns[i], rows, records, count, &k->feeder->lists, k->group->memos[i],
                                     &k->group->group->columns[i], err));
    }
    return FLOE_OK;
}

static floe_status take_group(pit_feeder *f, feeder_group *g, size_t row_count, floe_error *err) {
    size_t count;
    FLOE_TRY(check_types(g, err));
    FLOE_TRY(pick_rows(f, g, row_count, &count, err));
    FLOE_TRY(read_times(f, g->group, count, err));
    pit_taken taken = {.rows = f->rows,
                       .keys = f->row_keys,
                       .event = f->times[0],
                       .created = f->times[1],
                       .end = f->times[2],
                       .seq = f->times[3],
                       .pos = f->times[4],
                       .count = count};
    keeping k = {f, g};
    if (g->group->thins) {
        return floe_pit_slots_take(f->pit, g->group, &taken, &f->slots, keep_cells, &k, err);
    }
    FLOE_TRY(floe_pit_parts_take(g->group, &taken, &g->parts, f->records, err));
    FLOE_TRY(keep_cells(&k, f->rows, f->records, count, err));
    return floe_pit_parts_shed(g->group, &g->parts, err);
}

floe_status floe_pit_feeder_take(pit_feeder *feeder, const struct ArrowArray *batch, floe_error *err) {
    floe_arena_reset(&feeder->lists);
    FLOE_TRY(make_room(feeder, (size_t)batch->length + 1, err));
    FLOE_TRY(floe_pit_batch_open(&feeder->batch, batch, err));
    feeder->slots.turn++;
    for (size_t g = 0; g < feeder->group_count; g++) {
        FLOE_TRY(take_group(feeder, &feeder->groups[g], (size_t)batch->length, err));
    }
    return FLOE_OK;
}
