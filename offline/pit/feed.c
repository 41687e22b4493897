/*
 * Labels and rows in: batches become arrays. Only rows whose key some label has are kept.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/pit_int.h"

#include <string.h>

#define BATCH_ARENA FLOE_GIB(1)
#define THIN_FIRST ((size_t)1 << 20)

/* The columns of one stream, looked at batch by batch. */
typedef struct columns_view {
    struct ArrowSchema *schema;
    int64_t *index; /* child per column */
    pit_cells *cells;
    size_t count;
} columns_view;

static floe_status find_column(const struct ArrowSchema *schema, floe_str name, int64_t *ret_index, floe_error *err) {
    *ret_index = floe_arrow_find(schema, name);
    FLOE_ENSURE(*ret_index >= 0, err, FLOE_INVALID, "there is no column \"%.*s\"", FLOE_STR_ARG(name));
    return FLOE_OK;
}

static floe_status columns_open(floe_arena *arena, struct ArrowSchema *schema, const floe_str *names, size_t count,
                                columns_view *ret_columns, floe_error *err) {
    *ret_columns = (columns_view){.schema = schema, .count = count};
    ret_columns->index = floe_arena_alloc(arena, count, sizeof(*ret_columns->index));
    ret_columns->cells = floe_arena_alloc(arena, count, sizeof(*ret_columns->cells));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(find_column(schema, names[i], &ret_columns->index[i], err));
    }
    return FLOE_OK;
}

static floe_status columns_batch(columns_view *columns, const struct ArrowArray *batch, floe_error *err) {
    for (size_t i = 0; i < columns->count; i++) {
        FLOE_TRY(floe_pit_cells_open(columns->schema, batch, columns->index[i], &columns->cells[i], err));
    }
    return FLOE_OK;
}

/* ---- labels ---- */

static floe_status check_label_types(const floe_pit *pit, const columns_view *columns, floe_error *err) {
    for (size_t i = 0; i < pit->key_count; i++) {
        floe_type found = columns->cells[i].view.type, declared = pit->keys[i].type;
        bool fits =
            floe_type_equal(found, declared) || (found.kind == FLOE_KIND_INT32 && declared.kind == FLOE_KIND_INT64);
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
static void key_cells(const floe_pit *pit, const pit_group *group, const columns_view *columns,
                      const pit_cells **ret_cells) {
    for (size_t i = 0; i < group->entity->key_count; i++) {
        for (size_t k = 0; k < pit->key_count; k++) {
            if (floe_str_equal(pit->keys[k].name, group->entity->keys[i].name)) {
                ret_cells[i] = &columns->cells[k];
            }
        }
    }
}

static floe_status label_keys(floe_pit *pit, pit_group *group, const columns_view *columns, int64_t row_count,
                              floe_error *err) {
    const pit_cells *cells[FLOE_LIMIT_ENTITY_KEYS];
    key_cells(pit, group, columns, cells);
    FLOE_AUTO_BUF key;
    floe_buf_init(&key, FLOE_MIB(64));
    for (int64_t row = 0; row < row_count; row++) {
        bool complete;
        uint32_t number = PIT_NO_KEY;
        FLOE_TRY(floe_pit_cells_key(cells, group->entity->keys, group->entity->key_count, row, &key, &complete, err));
        if (complete && pit->label_time[pit->label_count + (size_t)row] != INT64_MIN) {
            FLOE_TRY(floe_pit_symbol(&group->keys, floe_buf_view(&key), true, &number, NULL, err));
        }
        group->label_key[pit->label_count + (size_t)row] = number;
    }
    return FLOE_OK;
}

static floe_status read_times(const pit_cells *cells, size_t count, int64_t *times, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, BATCH_ARENA);
    uint32_t *rows = floe_arena_alloc(&arena, count, sizeof(*rows));
    FLOE_TRY(floe_arena_check(&arena, err));
    for (size_t i = 0; i < count; i++) {
        rows[i] = (uint32_t)i;
    }
    return floe_pit_cells_i64(cells, rows, count, INT64_MIN, times, err);
}

static floe_status label_batch(floe_pit *pit, columns_view *columns, const struct ArrowArray *batch, floe_error *err) {
    FLOE_TRY(columns_batch(columns, batch, err));
    FLOE_TRY(check_label_types(pit, columns, err));
    FLOE_TRY(reserve_labels(pit, pit->label_count + (size_t)batch->length, err));
    FLOE_TRY(
        read_times(&columns->cells[pit->key_count], (size_t)batch->length, pit->label_time + pit->label_count, err));
    for (size_t g = 0; g < pit->group_count; g++) {
        FLOE_TRY(label_keys(pit, &pit->groups[g], columns, batch->length, err));
    }
    pit->label_count += (size_t)batch->length;
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
    names[pit->key_count] = FLOE_STR("__time");
    columns_view columns;
    FLOE_TRY(columns_open(&arena, &schema, names, pit->key_count + 1, &columns, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(labels, "spine", &batch, err));
        if (!batch.release) {
            break;
        }
        FLOE_TRY(label_batch(pit, &columns, &batch, err));
    }
    bound_needs(pit);
    return FLOE_OK;
}

floe_status floe_pit_labels_newest(floe_pit *pit, int64_t time_us, floe_error *err) {
    FLOE_ENSURE(pit->group_count == 1 && pit->groups[0].view_count == 1, err, FLOE_INTERNAL,
                "the newest rows are asked of one view at a time");
    pit->newest_labels = true;
    pit->newest_us = time_us;
    pit->needs[0].latest_us = time_us;
    return FLOE_OK;
}

/* ---- rows ---- */

/* Where the fixed columns stand after a need's data columns. */
typedef struct row_columns {
    columns_view columns;
    size_t event, created, end, seq, pos, where;
    bool has_created, has_end;
} row_columns;

static floe_status rows_open(const floe_pit_need *need, floe_arena *arena, struct ArrowSchema *schema,
                             row_columns *ret_rows, floe_error *err) {
    *ret_rows =
        (row_columns){.has_created = need->source->created_time.len > 0, .has_end = need->source->end_time.len > 0};
    floe_str *names = floe_arena_alloc(arena, need->column_count + 5 + need->where_count, sizeof(*names));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (size_t i = 0; i < need->column_count; i++) {
        names[count++] = need->columns[i];
    }
    names[ret_rows->event = count++] = FLOE_STR("__event");
    names[ret_rows->seq = count++] = FLOE_STR("__seq");
    names[ret_rows->pos = count++] = FLOE_STR("__pos");
    if (ret_rows->has_created) {
        names[ret_rows->created = count++] = FLOE_STR("__created");
    }
    if (ret_rows->has_end) {
        names[ret_rows->end = count++] = FLOE_STR("__end");
    }
    ret_rows->where = count;
    for (size_t i = 0; i < need->where_count; i++) {
        names[count++] = floe_str_of(floe_arena_printf(arena, "__where_%zu", i));
    }
    FLOE_TRY(floe_arena_check(arena, err));
    return columns_open(arena, schema, names, count, &ret_rows->columns, err);
}

static floe_status reserve_rows(pit_group *group, size_t need, floe_error *err) {
    if (need <= group->row_room) {
        return FLOE_OK;
    }
    size_t room = group->row_room * 2 > need ? group->row_room * 2 : need;
    FLOE_TRY(floe_pit_grow(&group->row_key, group->row_room, room, sizeof(uint32_t), err));
    int64_t **times[] = {&group->event, &group->created, &group->end, &group->seq, &group->pos};
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        FLOE_TRY(floe_realloc(times[i], room, sizeof(int64_t), err));
    }
    if (group->thins) {
        FLOE_TRY(floe_realloc(&group->tied, room, sizeof(*group->tied), err));
    }
    for (size_t i = 0; i < group->column_count; i++) {
        FLOE_TRY(floe_pit_column_reserve(&group->columns[i], room, err));
    }
    group->row_room = room;
    return FLOE_OK;
}

static size_t need_column(const floe_pit_need *need, floe_str name) {
    size_t i = 0;
    while (!floe_str_equal(need->columns[i], name)) {
        i++;
        FLOE_ASSERT(i < need->column_count);
    }
    return i;
}

static floe_status type_changed(floe_str name, floe_type found, floe_type planned, floe_error *err) {
    char a[FLOE_TYPE_NAME_MAX], b[FLOE_TYPE_NAME_MAX];
    return FLOE_FAIL(err, FLOE_CONFLICT,
                     "column \"%.*s\" is %s now and was %s when the definitions were applied; run floe apply again",
                     FLOE_STR_ARG(name), floe_type_name(found, a), floe_type_name(planned, b));
}

/* A table may have changed since its definitions were applied: a cell must still be kept as planned. */
static floe_status check_row_types(const pit_group *group, const floe_pit_need *need, const row_columns *rows,
                                   const size_t *cells, floe_error *err) {
    for (size_t i = 0; i < group->entity->key_count; i++) {
        floe_str name = group->key_columns[i];
        floe_type found = rows->columns.cells[need_column(need, name)].view.type, planned = group->entity->keys[i].type;
        bool widened = found.kind == FLOE_KIND_INT32 && planned.kind == FLOE_KIND_INT64;
        if (!widened && !floe_type_equal(found, planned)) {
            return type_changed(name, found, planned, err);
        }
    }
    for (size_t i = 0; i < group->column_count; i++) {
        floe_type found = rows->columns.cells[cells[i]].view.type, planned = group->columns[i].type;
        bool widened = floe_kind_is_integer(found.kind) && floe_kind_is_integer(planned.kind);
        widened = widened || (floe_pit_class(found) == PIT_F64 && floe_pit_class(planned) == PIT_F64);
        if (!widened && !floe_type_equal(found, planned)) {
            return type_changed(group->columns[i].name, found, planned, err);
        }
    }
    return FLOE_OK;
}

/* The rows of a batch that count (an event time that is not null, a filter that is TRUE) and whose key some label has:
 * their numbers in `picked`, their keys behind the group's rows. */
static floe_status pick_rows(const floe_pit *pit, pit_group *group, const floe_pit_need *need, const row_columns *rows,
                             size_t row_count, floe_arena *arena, uint32_t *picked, size_t *ret_count,
                             floe_error *err) {
    const pit_cells *cells = rows->columns.cells, *keys[FLOE_LIMIT_ENTITY_KEYS];
    for (size_t i = 0; i < group->entity->key_count; i++) {
        keys[i] = &cells[need_column(need, group->key_columns[i])];
    }
    uint8_t *counts = floe_arena_alloc(arena, row_count, 1);
    FLOE_TRY(floe_arena_check(arena, err));
    memset(counts, 1, row_count);
    FLOE_TRY(floe_pit_cells_mask(&cells[rows->event], row_count, false, counts, err));
    FLOE_TRY(floe_pit_cells_mask(&cells[rows->where + group->where_index], row_count, true, counts, err));
    FLOE_AUTO_BUF key;
    floe_buf_init(&key, FLOE_MIB(64));
    size_t count = 0;
    for (size_t row = 0; row < row_count; row++) {
        bool complete = false;
        uint32_t number = PIT_NO_KEY;
        if (counts[row]) {
            FLOE_TRY(floe_pit_cells_key(keys, group->entity->keys, group->entity->key_count, (int64_t)row, &key,
                                        &complete, err));
        }
        if (complete) {
            FLOE_TRY(floe_pit_symbol(&group->keys, floe_buf_view(&key), pit->newest_labels, &number, NULL, err));
        }
        if (number != PIT_NO_KEY) {
            group->row_key[group->row_count + count] = number;
            picked[count++] = (uint32_t)row;
        }
    }
    *ret_count = count;
    return FLOE_OK;
}

static void fill(int64_t *values, size_t count, int64_t value) {
    for (size_t i = 0; i < count; i++) {
        values[i] = value;
    }
}

static floe_status keep_times(pit_group *group, const row_columns *rows, const uint32_t *picked, size_t count,
                              floe_error *err) {
    const pit_cells *cells = rows->columns.cells;
    size_t at = group->row_count;
    FLOE_TRY(floe_pit_cells_i64(&cells[rows->event], picked, count, 0, group->event + at, err));
    FLOE_TRY(floe_pit_cells_i64(&cells[rows->seq], picked, count, 0, group->seq + at, err));
    FLOE_TRY(floe_pit_cells_i64(&cells[rows->pos], picked, count, 0, group->pos + at, err));
    if (rows->has_created) {
        FLOE_TRY(floe_pit_cells_i64(&cells[rows->created], picked, count, INT64_MIN, group->created + at, err));
    } else {
        fill(group->created + at, count, INT64_MIN);
    }
    if (rows->has_end) {
        return floe_pit_cells_i64(&cells[rows->end], picked, count, INT64_MAX, group->end + at, err);
    }
    fill(group->end + at, count, INT64_MAX);
    return FLOE_OK;
}

static floe_status feed_group(floe_pit *pit, pit_group *group, const floe_pit_need *need, const row_columns *rows,
                              size_t row_count, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, BATCH_ARENA);
    size_t *cells = floe_arena_alloc(&arena, group->column_count, sizeof(*cells));
    uint32_t *picked = floe_arena_alloc(&arena, row_count, sizeof(*picked));
    FLOE_TRY(floe_arena_check(&arena, err));
    for (size_t i = 0; i < group->column_count; i++) {
        cells[i] = need_column(need, group->columns[i].name);
    }
    FLOE_TRY(check_row_types(group, need, rows, cells, err));
    FLOE_TRY(reserve_rows(group, group->row_count + row_count, err));
    size_t count = 0;
    FLOE_TRY(pick_rows(pit, group, need, rows, row_count, &arena, picked, &count, err));
    FLOE_TRY(keep_times(group, rows, picked, count, err));
    for (size_t i = 0; i < group->column_count; i++) {
        FLOE_TRY(floe_pit_cells_keep(&rows->columns.cells[cells[i]], picked, count, &arena, &group->columns[i],
                                     group->row_count, err));
    }
    if (group->thins) {
        memset(group->tied + group->row_count, 0, count);
    }
    group->row_count += count;
    if (group->thin_at == 0) {
        group->thin_at = pit->options.thin_rows > 0 ? pit->options.thin_rows : THIN_FIRST;
    }
    return group->thins && group->row_count >= group->thin_at ? floe_pit_thin(pit, group, err) : FLOE_OK;
}

floe_status floe_pit_feed(floe_pit *pit, size_t need_index, struct ArrowArrayStream *stream, floe_error *err) {
    const floe_pit_need *need = &pit->needs[need_index];
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(floe_arrow_stream_schema(stream, "source", &schema, err));
    row_columns rows;
    FLOE_TRY(rows_open(need, &arena, &schema, &rows, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(stream, "source", &batch, err));
        if (!batch.release) {
            return FLOE_OK;
        }
        FLOE_TRY(columns_batch(&rows.columns, &batch, err));
        pit->rows_fed += batch.length;
        for (size_t g = 0; g < pit->group_count; g++) {
            if (pit->groups[g].source_index == need_index) {
                FLOE_TRY(feed_group(pit, &pit->groups[g], need, &rows, (size_t)batch.length, err));
            }
        }
    }
}
