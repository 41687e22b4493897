/*
 * Dictionaries, kept as one list of cells each, and columns encoded by them made plain. The engine would cache a dictionary
 * by its address; plain columns cannot be mistaken.
 */
#include "offline/ipc/ipc_int.h"

#include "core/mem.h"

#include <inttypes.h>
#include <string.h>

/* ---- which there are ---- */

static bool is_plain(const ipc_field *field) {
    return field->layout == IPC_BITS || field->layout == IPC_FIXED || field->layout == IPC_TEXT ||
           field->layout == IPC_TEXT64 || field->layout == IPC_VIEW;
}

ipc_dictionary *floe_ipc_dictionary(const ipc_dictionaries *dictionaries, int64_t id) {
    for (size_t i = 0; i < dictionaries->count; i++) {
        if (dictionaries->items[i].id == id) {
            return &dictionaries->items[i];
        }
    }
    return NULL;
}

static floe_status grow(void *items, size_t count, size_t *capacity, size_t item_len, floe_error *err) {
    if (count < *capacity) {
        return FLOE_OK;
    }
    size_t wanted = *capacity == 0 ? 16 : *capacity * 2;
    FLOE_TRY(floe_realloc(items, wanted, item_len, err));
    *capacity = wanted;
    return FLOE_OK;
}

floe_status floe_ipc_dictionaries(const ipc_field *fields, size_t count, ipc_dictionaries *out, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        const ipc_field *field = &fields[i];
        FLOE_TRY(floe_ipc_dictionaries(field->children, field->child_count, out, err));
        if (!field->is_encoded) {
            continue;
        }
        FLOE_ENSURE(is_plain(field), err, FLOE_UNSUPPORTED,
                    "the column \"%.*s\" has a dictionary of nested values, which floe does not read",
                    FLOE_STR_BRIEF(field->name));
        ipc_dictionary *known = floe_ipc_dictionary(out, field->dictionary_id);
        FLOE_ENSURE(!known || strcmp(known->field->format, field->format) == 0, err, FLOE_CORRUPT,
                    "the columns \"%.*s\" and \"%.*s\" share a dictionary and differ in type",
                    FLOE_STR_BRIEF(known->field->name), FLOE_STR_BRIEF(field->name));
        if (!known) {
            FLOE_TRY(grow(&out->items, out->count, &out->capacity, sizeof *out->items, err));
            out->items[out->count++] = (ipc_dictionary){.id = field->dictionary_id, .field = field};
        }
    }
    return FLOE_OK;
}

static void forget(ipc_dictionary *dictionary) {
    for (size_t i = 0; i < dictionary->kept_count; i++) {
        floe_arrow_array_release(&dictionary->kept[i]);
    }
    dictionary->kept_count = 0;
    dictionary->count = 0;
}

void floe_ipc_dictionaries_close(ipc_dictionaries *dictionaries) {
    for (size_t i = 0; i < dictionaries->count; i++) {
        forget(&dictionaries->items[i]);
        floe_free(dictionaries->items[i].cells);
        floe_free(dictionaries->items[i].kept);
    }
    floe_free(dictionaries->items);
    *dictionaries = (ipc_dictionaries){0};
}

floe_status floe_ipc_dictionary_add(ipc_dictionary *dictionary, struct ArrowArray *batch, bool is_delta,
                                    floe_error *err) {
    if (!is_delta) {
        forget(dictionary);
    }
    ipc_field plain = *dictionary->field;
    plain.is_encoded = false;
    const struct ArrowArray *values = batch->children[0];
    for (int64_t row = 0; row < values->length; row++) {
        FLOE_TRY(grow(&dictionary->cells, dictionary->count, &dictionary->capacity, sizeof(floe_str), err));
        dictionary->cells[dictionary->count++] = floe_ipc_cell(&plain, values, row);
    }
    FLOE_TRY(
        grow(&dictionary->kept, dictionary->kept_count, &dictionary->kept_capacity, sizeof(struct ArrowArray), err));
    dictionary->kept[dictionary->kept_count++] = *batch;
    batch->release = NULL;
    dictionary->known = true;
    return FLOE_OK;
}

/* ---- columns made plain ---- */

static uint64_t index_of(const ipc_field *field, const void *indices, int64_t row) {
    uint64_t value = 0;
    memcpy(&value, (const char *)indices + row * (int64_t)field->index_width, field->index_width);
    unsigned unused = 64 - 8 * field->index_width;
    /* A negative index is larger than every dictionary. */
    return field->index_is_signed ? (uint64_t)((int64_t)(value << unused) >> unused) : value;
}

typedef struct decoded {
    floe_str *cells; /* per row; ptr NULL: null */
    uint64_t bytes;  /* of all of them */
    int64_t nulls;
} decoded;

static floe_status look_up(ipc_batch *batch, const ipc_field *field, const struct ArrowArray *array, decoded *ret) {
    const ipc_dictionary *dictionary = floe_ipc_dictionary(batch->dictionaries, field->dictionary_id);
    FLOE_ASSERT(dictionary);
    ret->cells = floe_arena_alloc(&batch->memory->arena, (size_t)array->length, sizeof *ret->cells);
    FLOE_TRY(floe_arena_check(&batch->memory->arena, batch->err));
    for (int64_t row = 0; row < array->length; row++) {
        if (!floe_ipc_is_null(array, row)) {
            uint64_t index = index_of(field, array->buffers[1], row);
            FLOE_ENSURE(index < dictionary->count, batch->err, FLOE_CORRUPT,
                        "the column \"%.*s\" has an index outside its dictionary of %zu values",
                        FLOE_STR_BRIEF(field->name), dictionary->count);
            ret->cells[row] = dictionary->cells[index];
        }
        ret->bytes += ret->cells[row].len;
        ret->nulls += ret->cells[row].ptr == NULL;
    }
    return FLOE_OK;
}

static void put_validity(const decoded *d, int64_t length, uint8_t *bits) {
    for (int64_t row = 0; row < length; row++) {
        bits[row / 8] = (uint8_t)(bits[row / 8] | (d->cells[row].ptr != NULL) << (row % 8));
    }
}

static void put_text(const decoded *d, int64_t length, int64_t *offsets, char *data) {
    int64_t at = 0;
    for (int64_t row = 0; row < length; row++) {
        if (d->cells[row].len > 0) {
            memcpy(data + at, d->cells[row].ptr, d->cells[row].len);
        }
        at += (int64_t)d->cells[row].len;
        offsets[row + 1] = at;
    }
}

static void put_fixed(const ipc_field *field, const decoded *d, int64_t length, char *data) {
    for (int64_t row = 0; row < length; row++) {
        const floe_str *cell = &d->cells[row];
        if (field->layout == IPC_BITS) {
            data[row / 8] = (char)(data[row / 8] | (cell->ptr != NULL && cell->ptr[0] == 1) << (row % 8));
        } else if (cell->ptr) {
            memcpy(data + row * field->width, cell->ptr, cell->len);
        }
    }
}

floe_status floe_ipc_decode(ipc_batch *batch, const ipc_field *field, struct ArrowArray *array) {
    decoded d = {0};
    floe_arena *arena = &batch->memory->arena;
    bool fixed = field->layout == IPC_FIXED || field->layout == IPC_BITS;
    size_t length = (size_t)array->length;
    FLOE_TRY(look_up(batch, field, array, &d));
    size_t width = field->layout == IPC_FIXED ? (size_t)field->width : 1;
    uint8_t *bits = floe_arena_alloc(arena, length / 8 + 1, 1);
    int64_t *offsets = floe_arena_alloc(arena, fixed ? 1 : length + 1, sizeof *offsets);
    char *data = floe_arena_alloc(arena, fixed ? length : d.bytes, fixed ? width : 1);
    FLOE_TRY(floe_arena_check(arena, batch->err));
    put_validity(&d, array->length, bits);
    if (fixed) {
        put_fixed(field, &d, array->length, data);
    } else {
        put_text(&d, array->length, offsets, data);
    }
    array->null_count = d.nulls;
    array->buffers[0] = bits;
    array->buffers[1] = fixed ? data : (const void *)offsets;
    array->buffers[2] = data;
    array->n_buffers = fixed ? 2 : 3;
    return FLOE_OK;
}
