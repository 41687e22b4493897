/*
 * Rows on their way into the store: encoded, gathered into batches, written if newer. Push, Kafka and sync share it;
 * who is newer is decided inside the store.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "online/online_int.h"
#include "proto/key.h"

/* ---- batches ---- */

bool floe_batch_full(const floe_store *store) {
    return store->batch.count == FLOE_BATCH_PUTS || store->batch.arena.used >= FLOE_BATCH_BYTES;
}

/* The first add after a flush empties the arena: until then the outcomes may be looked at. */
static floe_put *next_put(floe_batch *batch) {
    if (batch->count == 0) {
        floe_arena_reset(&batch->arena);
    }
    FLOE_ASSERT(batch->count < FLOE_BATCH_PUTS);
    return &batch->puts[batch->count];
}

static floe_status add_put(floe_batch *batch, floe_put *put, const floe_part *parts, size_t part_count,
                           floe_error *err) {
    floe_part *copy = floe_arena_alloc(&batch->arena, part_count, sizeof(*copy));
    FLOE_TRY(floe_arena_check(&batch->arena, err));
    memcpy(copy, parts, part_count * sizeof(*copy));
    put->parts = copy;
    put->part_count = part_count;
    batch->count++;
    return FLOE_OK;
}

floe_status floe_batch_add(floe_store *store, const floe_batch_row *row, floe_error *err) {
    floe_batch *batch = &store->batch;
    floe_put *put = next_put(batch);
    floe_buf_clear(&store->key);
    floe_buf_clear(&store->row);
    FLOE_TRY(floe_key_encode(row->keys, row->key_count, &store->key, err));
    FLOE_TRY(floe_row_encode(row->layout, &row->header, row->values, &store->row, err));
    *put = (floe_put){.entity = floe_arena_str(&batch->arena, row->entity),
                      .key = floe_arena_str(&batch->arena, floe_buf_view(&store->key)),
                      .row = floe_arena_str(&batch->arena, floe_buf_view(&store->row))};
    return add_put(batch, put, row->parts, row->part_count, err);
}

floe_status floe_batch_add_raw(floe_store *store, floe_str entity, floe_str key, floe_str row, floe_part part,
                               floe_error *err) {
    floe_batch *batch = &store->batch;
    floe_put *put = next_put(batch);
    *put = (floe_put){.entity = floe_arena_str(&batch->arena, entity),
                      .key = floe_arena_str(&batch->arena, key),
                      .row = floe_arena_str(&batch->arena, row)};
    return add_put(batch, put, &part, 1, err);
}

floe_status floe_batch_flush(floe_store *store, bool keep_on_tie, size_t *ret_count, floe_error *err) {
    floe_batch *batch = &store->batch;
    size_t count = batch->count;
    batch->count = 0;
    *ret_count = count;
    if (count == 0) {
        return FLOE_OK;
    }
    return store->backend.vtable->write(store->backend.impl, batch->puts, count, keep_on_tie, batch->outcomes, err);
}

floe_value floe_value_widened(floe_value value, floe_type type) {
    if (type.kind == FLOE_KIND_DOUBLE && value.type.kind == FLOE_KIND_FLOAT) {
        value.type = type;
    }
    return floe_type_widens(value.type, type) ? floe_value_widen(value, type) : value;
}

/* ---- floe_store_write ---- */

typedef struct row_writer {
    floe_store *store;
    const floe_view *view;
    floe_arena *arena;
    uint64_t shape;
    const floe_row_layout *layout;
    size_t *order;    /* of each put in the batch: the row it came from */
    floe_value *keys; /* widened, of the row at hand */
    floe_value *values;
} row_writer;

static floe_status begin_generation(void *context, floe_stored_state *state, floe_arena *arena, floe_error *err) {
    const floe_view *view = context;
    if (state->live.id != 0) {
        return FLOE_OK;
    }
    state->live = (floe_stored_generation){.fingerprint = view->fingerprint};
    FLOE_TRY(floe_generation_new_id(&state->live.id, err));
    return floe_generation_definition(view, arena, &state->live.definition, err);
}

/* The parts that a row of this view goes to now. Rows of another definition must not be mixed into a generation, so
 * there may be none: then only a sync can help. */
static floe_status target(row_writer *writer, floe_part parts[2], size_t *ret_count, floe_error *err) {
    floe_store *store = writer->store;
    floe_str name = writer->view->about.name;
    const floe_generation *known = NULL;
    FLOE_TRY(floe_store_state(store, name, &known, err));
    if (known->live_shape == 0) {
        FLOE_TRY(floe_generation_change(&store->backend, name, begin_generation, (void *)(uintptr_t)writer->view, err));
        floe_store_forget(store, name);
        FLOE_TRY(floe_store_state(store, name, &known, err));
    }
    size_t count = 0;
    if (known->live_shape == writer->shape) {
        parts[count++] = (floe_part){FLOE_PART_AS_OF, known->state.live.id};
    }
    if (known->filling_shape == writer->shape) {
        parts[count++] = (floe_part){FLOE_PART_AS_OF, known->state.filling.id};
    }
    FLOE_ENSURE(count > 0, err, FLOE_CONFLICT,
                "view %.*s: the store still serves another version of its definition; run floe sync %.*s first",
                FLOE_STR_BRIEF(name), FLOE_STR_BRIEF(name));
    *ret_count = count;
    return FLOE_OK;
}

static floe_status flush_rows(row_writer *writer, floe_write_outcome *outcomes, floe_error *err) {
    size_t count = 0;
    FLOE_TRY(floe_error_prefix(err, floe_batch_flush(writer->store, false, &count, err), "view %.*s",
                               FLOE_STR_BRIEF(writer->view->about.name)));
    for (size_t i = 0; i < count; i++) {
        outcomes[writer->order[i]] = writer->store->batch.outcomes[i];
    }
    return FLOE_OK;
}

static void widen_row(row_writer *writer, const floe_online_row *row) {
    const floe_entity *entity = writer->view->entity;
    for (size_t k = 0; k < entity->key_count; k++) {
        writer->keys[k] = floe_value_widened(row->keys[k], entity->keys[k].type);
    }
    for (size_t c = 0; c < writer->layout->count; c++) {
        writer->values[c] = floe_value_widened(row->values[c], writer->layout->types[c]);
    }
}

static floe_status check_keys(const row_writer *writer, floe_error *err) {
    const floe_entity *entity = writer->view->entity;
    for (size_t k = 0; k < entity->key_count; k++) {
        char want[FLOE_TYPE_NAME_MAX];
        char have[FLOE_TYPE_NAME_MAX];
        FLOE_ENSURE(!writer->keys[k].is_null, err, FLOE_INVALID, "the key %.*s is null",
                    FLOE_STR_BRIEF(entity->keys[k].name));
        FLOE_ENSURE(floe_type_equal(writer->keys[k].type, entity->keys[k].type), err, FLOE_INVALID,
                    "the key %.*s is of type %s, but its value is of type %s", FLOE_STR_BRIEF(entity->keys[k].name),
                    floe_type_name(entity->keys[k].type, want), floe_type_name(writer->keys[k].type, have));
    }
    return floe_key_check(entity->keys, writer->keys, entity->key_count, err);
}

static floe_status add_row(row_writer *writer, const floe_online_row *row, size_t index, const floe_part *parts,
                           size_t part_count, floe_error *err) {
    widen_row(writer, row);
    FLOE_TRY(check_keys(writer, err));
    floe_batch_row added = {.entity = writer->view->entity->about.name,
                            .keys = writer->keys,
                            .key_count = writer->view->entity->key_count,
                            .layout = writer->layout,
                            .header = {row->event_us, row->created_us, row->end_us, true},
                            .values = writer->values,
                            .parts = parts,
                            .part_count = part_count};
    writer->order[writer->store->batch.count] = index;
    return floe_batch_add(writer->store, &added, err);
}

/* Fills one batch from row *at on and writes it. */
static floe_status write_some(row_writer *writer, const floe_online_row *rows, size_t row_count, size_t *at,
                              floe_write_outcome *outcomes, floe_error *err) {
    floe_part parts[2];
    size_t part_count = 0;
    int64_t latest_us = 0;
    FLOE_TRY(target(writer, parts, &part_count, err));
    if (__builtin_add_overflow(floe_now_us(), writer->view->source->max_future_us, &latest_us)) {
        latest_us = INT64_MAX;
    }
    for (; *at < row_count && !floe_batch_full(writer->store); (*at)++) {
        if (rows[*at].event_us > latest_us) {
            outcomes[*at] = FLOE_WRITE_REFUSED;
            continue;
        }
        FLOE_TRY(floe_error_prefix(err, add_row(writer, &rows[*at], *at, parts, part_count, err), "view %.*s: row %zu",
                                   FLOE_STR_BRIEF(writer->view->about.name), *at + 1));
    }
    return flush_rows(writer, outcomes, err);
}

static floe_status prepare(row_writer *writer, floe_error *err) {
    floe_stored_definition definition;
    const floe_view *view = writer->view;
    FLOE_TRY(floe_generation_definition(view, writer->arena, &definition, err));
    FLOE_TRY(floe_generation_shape(&definition, view->fingerprint, &writer->shape, err));
    FLOE_TRY(floe_generation_layout(&definition, false, writer->arena, &writer->layout, err));
    writer->order = floe_arena_alloc(writer->arena, FLOE_BATCH_PUTS, sizeof(*writer->order));
    writer->keys = floe_arena_alloc(writer->arena, view->entity->key_count, sizeof(*writer->keys));
    writer->values = floe_arena_alloc(writer->arena, writer->layout->count, sizeof(*writer->values));
    return floe_arena_check(writer->arena, err);
}

floe_status floe_store_write(floe_store *store, const floe_view *view, const floe_online_row *rows, size_t row_count,
                             floe_write_outcome *ret_outcomes, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(8));
    row_writer writer = {.store = store, .view = view, .arena = &arena};
    FLOE_TRY(prepare(&writer, err));
    store->batch.count = 0; /* what an earlier failed call may have left */
    size_t at = 0;
    while (at < row_count) {
        FLOE_TRY(write_some(&writer, rows, row_count, &at, ret_outcomes, err));
    }
    return FLOE_OK;
}
