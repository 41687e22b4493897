/*
 * Batches by columns, and keys by number: a key of one whole number is looked up as it is, any other as its unambiguous
 * bytes. Both go through a batch twice, first asking for the memory that they will look at: a look that has to wait for
 * memory costs as much as everything else about a row.
 */
#include "offline/pit/rows/batch.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/rows/cells.h"

static floe_status find_column(const struct ArrowSchema *schema, floe_str name, int64_t *ret_index, floe_error *err) {
    *ret_index = floe_arrow_find(schema, name);
    FLOE_ENSURE(*ret_index >= 0, err, FLOE_INVALID, "there is no column \"%.*s\"", FLOE_STR_ARG(name));
    return FLOE_OK;
}

floe_status floe_pit_batch_columns(floe_arena *arena, struct ArrowSchema *schema, const floe_str *names, size_t count,
                                   pit_batch *ret_batch, floe_error *err) {
    *ret_batch = (pit_batch){.schema = schema, .count = count};
    ret_batch->index = floe_arena_alloc(arena, count, sizeof(*ret_batch->index));
    ret_batch->cells = floe_arena_alloc(arena, count, sizeof(*ret_batch->cells));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(find_column(schema, names[i], &ret_batch->index[i], err));
    }
    return FLOE_OK;
}

floe_status floe_pit_batch_copy(const pit_batch *batch, floe_arena *arena, pit_batch *ret_copy, floe_error *err) {
    *ret_copy = *batch;
    ret_copy->cells = floe_arena_alloc(arena, batch->count, sizeof(*ret_copy->cells));
    return floe_arena_check(arena, err);
}

floe_status floe_pit_batch_open(pit_batch *columns, const struct ArrowArray *batch, floe_error *err) {
    for (size_t i = 0; i < columns->count; i++) {
        FLOE_TRY(floe_pit_cells_open(columns->schema, batch, columns->index[i], &columns->cells[i], err));
    }
    return FLOE_OK;
}

/* ---- keys ---- */

void floe_pit_key_room_close(pit_key_room *room) {
    floe_buf_close(&room->bytes);
    floe_free(room->ends);
    floe_free(room->hashes);
    floe_free(room->numbers);
    floe_free(room->is_null);
    floe_free(room->keys);
    floe_free(room->missing);
    floe_free(room->places);
    *room = (pit_key_room){0};
}

static floe_status make_room(pit_key_room *room, size_t rows, floe_error *err) {
    if (rows <= room->rows) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_realloc(&room->ends, rows + 1, sizeof(*room->ends), err));
    FLOE_TRY(floe_realloc(&room->hashes, rows, sizeof(*room->hashes), err));
    FLOE_TRY(floe_realloc(&room->numbers, rows, sizeof(*room->numbers), err));
    FLOE_TRY(floe_realloc(&room->is_null, rows, sizeof(*room->is_null), err));
    FLOE_TRY(floe_realloc(&room->keys, rows, sizeof(*room->keys), err));
    FLOE_TRY(floe_realloc(&room->missing, rows, sizeof(*room->missing), err));
    FLOE_TRY(floe_realloc(&room->places, rows, sizeof(*room->places), err));
    if (!room->bytes.ptr) {
        floe_buf_init(&room->bytes, FLOE_GIB(2));
    }
    room->rows = rows;
    return FLOE_OK;
}

static floe_str bytes_of(const pit_key_room *room, size_t i) {
    return (floe_str){room->bytes.ptr + room->ends[i], room->ends[i + 1] - room->ends[i]};
}

/* Keys of any kind. No bytes: a part is null. */
static floe_status number_bytes(pit_group *group, const pit_cells *const *cells, const uint32_t *rows, size_t count,
                                bool add, pit_key_room *room, floe_error *err) {
    const floe_entity *entity = group->entity;
    floe_buf_clear(&room->bytes);
    room->ends[0] = 0;
    for (size_t i = 0; i < count; i++) {
        bool complete;
        FLOE_TRY(floe_pit_cells_key(cells, entity->keys, entity->key_count, rows[i], &room->bytes, &complete, err));
        room->ends[i + 1] = (uint32_t)room->bytes.len;
    }
    for (size_t i = 0; i < count && !add; i++) {
        floe_str bytes = bytes_of(room, i);
        room->hashes[i] = floe_xxh64(bytes.ptr, bytes.len, 0);
        floe_pit_symbol_prefetch(&group->keys, room->hashes[i]);
    }
    for (size_t i = 0; i < count; i++) {
        floe_str bytes = bytes_of(room, i);
        room->keys[i] = PIT_NO_KEY;
        if (bytes.len > 0 && add) {
            FLOE_TRY(floe_pit_symbol(&group->keys, bytes, &room->keys[i], NULL, err));
        } else if (bytes.len > 0) {
            room->keys[i] = floe_pit_symbol_find(&group->keys, bytes, room->hashes[i]);
        }
    }
    return FLOE_OK;
}

/* Keys of one text: those that the memo does not know go the long way, all together. */
static floe_status number_texts(pit_group *group, const pit_cells *const *cells, const uint32_t *rows, size_t count,
                                bool add, pit_memo *memo, pit_key_room *room, floe_error *err) {
    size_t missing = 0;
    pit_memo_key key;
    bool takes;
    for (size_t i = 0; i < count; i++) {
        uint32_t number = PIT_NO_KEY;
        FLOE_TRY(floe_pit_cells_memo_text(cells[0], rows[i], &key, &takes, err));
        bool known = takes && floe_pit_memo_find(memo, key, &number);
        room->numbers[i] = number;
        room->missing[missing] = rows[i];
        room->places[missing] = (uint32_t)i;
        missing += !known;
    }
    FLOE_TRY(number_bytes(group, cells, room->missing, missing, add, room, err));
    for (size_t m = 0; m < missing; m++) {
        room->numbers[room->places[m]] = room->keys[m];
        FLOE_TRY(floe_pit_cells_memo_text(cells[0], room->missing[m], &key, &takes, err));
        if (takes) {
            floe_pit_memo_put(memo, key, room->keys[m]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        room->keys[i] = (uint32_t)room->numbers[i];
    }
    return FLOE_OK;
}

static floe_status add_number(pit_group *group, int64_t number, pit_key_room *room, uint32_t *ret_key,
                              floe_error *err) {
    *ret_key = floe_pit_number_find(&group->numbers, number);
    if (*ret_key != PIT_NO_KEY) {
        return FLOE_OK;
    }
    floe_value value = {.type = group->entity->keys[0].type, .as.integer = number};
    floe_buf_clear(&room->bytes);
    floe_pit_key_append(&room->bytes, &value);
    FLOE_TRY(floe_buf_check(&room->bytes, err));
    FLOE_TRY(floe_pit_symbol(&group->keys, floe_buf_view(&room->bytes), ret_key, NULL, err));
    return floe_pit_number_add(&group->numbers, number, *ret_key, err);
}

/* Keys of one whole number. */
static floe_status number_numbers(pit_group *group, const pit_cells *cells, const uint32_t *rows, size_t count,
                                  bool add, pit_key_room *room, floe_error *err) {
    FLOE_TRY(floe_pit_cells_numbers(cells, rows, count, room->numbers, room->is_null, err));
    for (size_t i = 0; i < count; i++) {
        floe_pit_number_prefetch(&group->numbers, room->numbers[i]);
    }
    for (size_t i = 0; i < count; i++) {
        room->keys[i] = PIT_NO_KEY;
        if (!room->is_null[i] && add) {
            FLOE_TRY(add_number(group, room->numbers[i], room, &room->keys[i], err));
        } else if (!room->is_null[i]) {
            room->keys[i] = floe_pit_number_find(&group->numbers, room->numbers[i]);
        }
    }
    return FLOE_OK;
}

floe_status floe_pit_key_numbers(pit_group *group, const pit_cells *const *cells, const uint32_t *rows, size_t count,
                                 bool add, pit_memo *memo, pit_key_room *room, floe_error *err) {
    FLOE_TRY(make_room(room, count + 1, err)); /* at least one, also of an empty batch */
    if (group->number_keys) {
        return number_numbers(group, cells[0], rows, count, add, room, err);
    }
    bool text = memo && group->entity->key_count == 1 && cells[0]->layout == PIT_CELL_BYTES;
    return text ? number_texts(group, cells, rows, count, add, memo, room, err)
                : number_bytes(group, cells, rows, count, add, room, err);
}
