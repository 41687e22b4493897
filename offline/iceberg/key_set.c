/*
 * The keys of equality deletes: see key_set.h.
 *
 * Phases of asking: cells become 64-bit numbers column by column and are mixed into one hash per row → the filter names the
 * candidates → each is looked for in the table and compared cell by cell.
 * Keys of one column of at most 8 bytes (narrow) need no comparing: mixing one number is a bijection, so that equal hashes are equal
 * keys; the null key is kept aside. Where such keys lie close together (dense) the filter is one bit per number of their range, which
 * neighbouring rows find in the same cache line, and which is exact.
 * A key lies in a piece of memory as its sequence number and then, per column, a byte that says whether it is there, and the bytes
 * of the number or the length and bytes of the text. Open addressing; at most 7 of 10 slots are taken.
 */
#include "offline/iceberg/key_set.h"

#include "core/hash.h"

#include <string.h>

enum { PIECE_BYTES = 1 << 20, SLOTS_MIN = 64, KEYS_PER_FILTER_WORD = 4, NUMBERS_PER_DENSE_KEY = 64 };
#define NULL_CELL UINT64_C(0x6E756C6C6E756C6C)
/* Odd, so that multiplying by them can be undone: UNMIX_x * MIX_x is 1 modulo 2^64. */
#define MIX_FIRST UINT64_C(0x9E3779B97F4A7C15)
#define MIX_LAST UINT64_C(0xD6E8FEB86659FD93)
#define UNMIX_FIRST UINT64_C(0xF1DE83E19937733D)
#define UNMIX_LAST UINT64_C(0xCFEE444D8B59A89B)
_Static_assert(MIX_FIRST *UNMIX_FIRST == 1 && MIX_LAST * UNMIX_LAST == 1, "not undone");

typedef struct key_row {
    int64_t sequence;
    uint8_t bytes[];
} key_row;

typedef struct key_slot {
    uint64_t hash;
    uintptr_t value; /* 0: free; a key_row, or of a narrow set the sequence number + 1 */
} key_slot;

struct floe_key_set {
    floe_arena *arena;
    size_t column_count;
    key_slot *slots;
    size_t slot_count; /* a power of two */
    size_t count;
    uint8_t *piece; /* where the next key goes */
    size_t piece_left;
    uint64_t *filter; /* NULL until it is sealed */
    size_t filter_count;
    bool narrow, dense;
    int64_t null_sequence; /* of the null key of a narrow set; -1: it has none */
    uint64_t least, most;  /* cells of a narrow set */
};

/* ---- cells ---- */

static size_t width_of(floe_key_kind kind) {
    static const uint8_t WIDTHS[] = {1, 2, 4, 8, 16, 4, 8, 0};
    return WIDTHS[kind];
}

static bool is_null(const floe_key_cells *column, size_t row) {
    return column->validity != NULL && (column->validity[row / 64] >> (row % 64) & 1) == 0;
}

static uint32_t real_4(uint32_t bits) {
    return (bits & UINT32_C(0x7FFFFFFF)) > UINT32_C(0x7F800000) ? UINT32_C(0x7FC00000) : bits;
}

static uint64_t real_8(uint64_t bits) {
    return (bits & INT64_MAX) > UINT64_C(0x7FF0000000000000) ? UINT64_C(0x7FF8000000000000) : bits;
}

/* The bytes that make up a number, equal where the numbers are. */
static void number_at(const floe_key_cells *column, size_t row, uint8_t bytes[16]) {
    size_t width = width_of(column->kind);
    memcpy(bytes, (const uint8_t *)column->cells + row * width, width);
    if (column->kind == FLOE_KEY_REAL_4) {
        uint32_t bits = 0;
        memcpy(&bits, bytes, sizeof(bits));
        bits = real_4(bits);
        memcpy(bytes, &bits, sizeof(bits));
    } else if (column->kind == FLOE_KEY_REAL_8) {
        uint64_t bits = 0;
        memcpy(&bits, bytes, sizeof(bits));
        bits = real_8(bits);
        memcpy(bytes, &bits, sizeof(bits));
    }
}

static uint64_t wide_cell(const void *cells, size_t row) {
    uint64_t halves[2];
    memcpy(halves, (const uint8_t *)cells + row * 16, sizeof(halves));
    return halves[0] ^ (halves[1] * UINT64_C(0xD6E8FEB86659FD93));
}

#define LOAD(type, expression)                                                                                         \
    do {                                                                                                               \
        const type *numbers = column->cells;                                                                           \
        for (size_t i = 0; i < count; i++) {                                                                           \
            cells[i] = (expression);                                                                                   \
        }                                                                                                              \
    } while (0)

/* One 64-bit number per row, equal where the cells are. */
static void load_cells(const floe_key_cells *column, size_t count, uint64_t *cells) {
    switch (column->kind) {
    case FLOE_KEY_WHOLE_1:
        LOAD(uint8_t, numbers[i]);
        break;
    case FLOE_KEY_WHOLE_2:
        LOAD(uint16_t, numbers[i]);
        break;
    case FLOE_KEY_WHOLE_4:
        LOAD(uint32_t, numbers[i]);
        break;
    case FLOE_KEY_WHOLE_8:
        LOAD(uint64_t, numbers[i]);
        break;
    case FLOE_KEY_WHOLE_16:
        LOAD(uint8_t, wide_cell(numbers, i));
        break;
    case FLOE_KEY_REAL_4:
        LOAD(uint32_t, real_4(numbers[i]));
        break;
    case FLOE_KEY_REAL_8:
        LOAD(uint64_t, real_8(numbers[i]));
        break;
    case FLOE_KEY_TEXT:
        for (size_t i = 0; i < count; i++) {
            floe_str text = is_null(column, i) ? (floe_str){0} : column->text_at(column->cells, i);
            cells[i] = floe_xxh64(text.ptr, text.len, 0);
        }
    }
    for (size_t i = 0; column->validity != NULL && i < count; i++) {
        cells[i] = is_null(column, i) ? NULL_CELL : cells[i];
    }
}

/* `cells` holds the last column's afterwards. */
static void hash_rows(const floe_key_set *set, const floe_key_cells *columns, size_t count, uint64_t *cells,
                      uint64_t *hashes) {
    memset(hashes, 0, count * sizeof(*hashes));
    for (size_t c = 0; c < set->column_count; c++) {
        load_cells(&columns[c], count, cells);
        for (size_t i = 0; i < count; i++) {
            uint64_t mixed = (hashes[i] ^ cells[i]) * MIX_FIRST;
            hashes[i] = mixed ^ (mixed >> 32);
        }
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t mixed = hashes[i] * MIX_LAST;
        hashes[i] = mixed ^ (mixed >> 32);
    }
}

/* Compares a cell with what lies at *bytes, and steps over that where they are equal. */
static bool cell_is(const floe_key_cells *column, size_t row, const uint8_t **bytes) {
    bool there = !is_null(column, row);
    if (*(*bytes)++ != (there ? 1 : 0)) {
        return false;
    }
    if (!there) {
        return true;
    }
    if (column->kind != FLOE_KEY_TEXT) {
        uint8_t number[16];
        size_t width = width_of(column->kind);
        number_at(column, row, number);
        bool same = memcmp(number, *bytes, width) == 0;
        *bytes += width;
        return same;
    }
    floe_str text = column->text_at(column->cells, row);
    size_t len = 0;
    memcpy(&len, *bytes, sizeof(len));
    bool same = len == text.len && (len == 0 || memcmp(*bytes + sizeof(len), text.ptr, len) == 0);
    *bytes += sizeof(len) + len;
    return same;
}

static bool row_is(const floe_key_set *set, const floe_key_cells *columns, size_t row, const key_row *key) {
    const uint8_t *bytes = key->bytes;
    for (size_t c = 0; c < set->column_count; c++) {
        if (!cell_is(&columns[c], row, &bytes)) {
            return false;
        }
    }
    return true;
}

/* ---- the table ---- */

static key_row *row_of(const key_slot *slot) {
    return (key_row *)slot->value;
}

static int64_t sequence_of(const floe_key_set *set, const key_slot *slot) {
    return set->narrow ? (int64_t)slot->value - 1 : row_of(slot)->sequence;
}

/* The slot of the key, or the free one where it would go. */
static key_slot *find_slot(const floe_key_set *set, const floe_key_cells *columns, size_t row, uint64_t hash) {
    size_t at = (size_t)hash & (set->slot_count - 1);
    for (;;) {
        key_slot *slot = &set->slots[at];
        if (slot->value == 0 || (slot->hash == hash && (set->narrow || row_is(set, columns, row, row_of(slot))))) {
            return slot;
        }
        at = (at + 1) & (set->slot_count - 1);
    }
}

static floe_status grow(floe_key_set *set, floe_error *err) {
    size_t count = set->slot_count * 2;
    key_slot *slots = floe_arena_alloc(set->arena, count, sizeof(*slots));
    FLOE_TRY(floe_arena_check(set->arena, err));
    for (size_t i = 0; i < set->slot_count; i++) {
        if (set->slots[i].value == 0) {
            continue;
        }
        size_t at = (size_t)set->slots[i].hash & (count - 1);
        while (slots[at].value != 0) {
            at = (at + 1) & (count - 1);
        }
        slots[at] = set->slots[i];
    }
    set->slots = slots;
    set->slot_count = count;
    return FLOE_OK;
}

static size_t row_len(const floe_key_set *set, const floe_key_cells *columns, size_t row) {
    size_t len = sizeof(key_row);
    for (size_t c = 0; c < set->column_count; c++) {
        const floe_key_cells *column = &columns[c];
        bool text = column->kind == FLOE_KEY_TEXT && !is_null(column, row);
        len += 1 + (text ? sizeof(size_t) + column->text_at(column->cells, row).len
                         : (is_null(column, row) ? 0 : width_of(column->kind)));
    }
    return (len + 7) / 8 * 8;
}

static floe_status take(floe_key_set *set, size_t len, key_row **ret_row, floe_error *err) {
    if (len > set->piece_left) {
        size_t piece_len = len > PIECE_BYTES / 4 ? len : PIECE_BYTES;
        uint8_t *piece = floe_arena_alloc(set->arena, piece_len, 1);
        FLOE_TRY(floe_arena_check(set->arena, err));
        if (piece_len == len) {
            *ret_row = (key_row *)(void *)piece;
            return FLOE_OK;
        }
        set->piece = piece;
        set->piece_left = piece_len;
    }
    *ret_row = (key_row *)(void *)set->piece;
    set->piece += len;
    set->piece_left -= len;
    return FLOE_OK;
}

static void put_row(const floe_key_set *set, const floe_key_cells *columns, size_t row, key_row *key) {
    uint8_t *bytes = key->bytes;
    for (size_t c = 0; c < set->column_count; c++) {
        const floe_key_cells *column = &columns[c];
        bool there = !is_null(column, row);
        *bytes++ = there ? 1 : 0;
        if (there && column->kind == FLOE_KEY_TEXT) {
            floe_str text = column->text_at(column->cells, row);
            memcpy(bytes, &text.len, sizeof(text.len));
            memcpy(bytes + sizeof(text.len), text.len > 0 ? text.ptr : "", text.len);
            bytes += sizeof(text.len) + text.len;
        } else if (there) {
            uint8_t number[16];
            number_at(column, row, number);
            memcpy(bytes, number, width_of(column->kind));
            bytes += width_of(column->kind);
        }
    }
}

static floe_status put_key(floe_key_set *set, const floe_key_cells *columns, size_t row, int64_t sequence,
                           uintptr_t *ret_value, floe_error *err) {
    key_row *key = NULL;
    if (set->narrow) {
        *ret_value = (uintptr_t)sequence + 1;
        return FLOE_OK;
    }
    FLOE_TRY(take(set, row_len(set, columns, row), &key, err));
    key->sequence = sequence;
    put_row(set, columns, row, key);
    *ret_value = (uintptr_t)key;
    return FLOE_OK;
}

static void raise_sequence(const floe_key_set *set, key_slot *slot, int64_t sequence) {
    if (sequence <= sequence_of(set, slot)) {
        return;
    }
    if (set->narrow) {
        slot->value = (uintptr_t)sequence + 1;
    } else {
        row_of(slot)->sequence = sequence;
    }
}

static floe_status add_row(floe_key_set *set, const floe_key_cells *columns, size_t row, uint64_t hash,
                           int64_t sequence, floe_error *err) {
    if (set->narrow && is_null(&columns[0], row)) {
        set->null_sequence = sequence > set->null_sequence ? sequence : set->null_sequence;
        return FLOE_OK;
    }
    key_slot *slot = find_slot(set, columns, row, hash);
    if (slot->value != 0) {
        raise_sequence(set, slot, sequence);
        return FLOE_OK;
    }
    if ((set->count + 1) * 10 > set->slot_count * 7) {
        FLOE_TRY(grow(set, err));
        slot = find_slot(set, columns, row, hash);
    }
    uintptr_t value = 0;
    FLOE_TRY(put_key(set, columns, row, sequence, &value, err));
    *slot = (key_slot){hash, value};
    set->count++;
    return FLOE_OK;
}

/* ---- filling ---- */

floe_status floe_key_set_make(floe_arena *arena, size_t column_count, size_t expected_count, floe_key_set **ret_set,
                              floe_error *err) {
    floe_key_set *set = floe_arena_alloc(arena, 1, sizeof(*set));
    FLOE_TRY(floe_arena_check(arena, err));
    *set = (floe_key_set){.arena = arena,
                          .column_count = column_count,
                          .slot_count = SLOTS_MIN,
                          .null_sequence = -1,
                          .least = UINT64_MAX};
    while (set->slot_count / 10 * 7 <= expected_count && set->slot_count < SIZE_MAX / 64) {
        set->slot_count *= 2;
    }
    set->slots = floe_arena_alloc(arena, set->slot_count, sizeof(*set->slots));
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_set = set;
    return FLOE_OK;
}

static bool is_narrow(floe_key_kind kind) {
    return kind != FLOE_KEY_TEXT && kind != FLOE_KEY_WHOLE_16;
}

static void widen_range(floe_key_set *set, const floe_key_cells *column, const uint64_t *cells, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!is_null(column, i)) {
            set->least = cells[i] < set->least ? cells[i] : set->least;
            set->most = cells[i] > set->most ? cells[i] : set->most;
        }
    }
}

floe_status floe_key_set_add(floe_key_set *set, const floe_key_cells *columns, const int64_t *sequences, size_t count,
                             floe_error *err) {
    uint64_t cells[FLOE_KEY_ROWS_MAX];
    uint64_t hashes[FLOE_KEY_ROWS_MAX];
    FLOE_ASSERT(count <= FLOE_KEY_ROWS_MAX && set->filter == NULL);
    set->narrow = set->column_count == 1 && is_narrow(columns[0].kind);
    hash_rows(set, columns, count, cells, hashes);
    if (set->narrow) {
        widen_range(set, columns, cells, count);
    }
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(sequences[i] >= 0, err, FLOE_CORRUPT, "an equality delete with a negative data sequence number");
        FLOE_TRY(add_row(set, columns, i, hashes[i], sequences[i], err));
    }
    return FLOE_OK;
}

/* Three bits of a word, from the half of the hash that does not choose the word. */
static uint64_t filter_bits(uint64_t hash) {
    return UINT64_C(1) << (hash >> 58) | UINT64_C(1) << (hash >> 52 & 63) | UINT64_C(1) << (hash >> 46 & 63);
}

static void fill_filter(const floe_key_set *set, uint64_t *filter, size_t words) {
    for (size_t i = 0; i < set->slot_count; i++) {
        if (set->slots[i].value != 0) {
            filter[(size_t)set->slots[i].hash & (words - 1)] |= filter_bits(set->slots[i].hash);
        }
    }
}

/* The number that a narrow set mixed into the hash. */
static uint64_t unmix(uint64_t hash) {
    uint64_t mixed = (hash ^ (hash >> 32)) * UNMIX_LAST;
    return (mixed ^ (mixed >> 32)) * UNMIX_FIRST;
}

static void fill_range(const floe_key_set *set, uint64_t *filter) {
    for (size_t i = 0; i < set->slot_count; i++) {
        if (set->slots[i].value != 0) {
            uint64_t offset = unmix(set->slots[i].hash) - set->least;
            filter[offset / 64] |= UINT64_C(1) << (offset % 64);
        }
    }
}

floe_status floe_key_set_seal(floe_key_set *set, floe_error *err) {
    size_t words = 1;
    while (words * KEYS_PER_FILTER_WORD < set->count) {
        words *= 2;
    }
    set->dense = set->narrow && set->count > 0 && (set->most - set->least) / NUMBERS_PER_DENSE_KEY < set->count;
    words = set->dense ? (size_t)((set->most - set->least) / 64 + 1) : words;
    uint64_t *filter = floe_arena_alloc(set->arena, words, sizeof(*filter));
    FLOE_TRY(floe_arena_check(set->arena, err));
    if (set->dense) {
        fill_range(set, filter);
    } else {
        fill_filter(set, filter, words);
    }
    set->filter = filter;
    set->filter_count = words;
    return FLOE_OK;
}

/* ---- asking ---- */

static size_t find_dense(const floe_key_set *set, const uint64_t *cells, size_t count, uint16_t *candidates) {
    uint64_t span = set->most - set->least;
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t offset = cells[i] - set->least;
        uint64_t inside = offset <= span ? offset : 0;
        candidates[found] = (uint16_t)i;
        found += offset <= span && (set->filter[inside / 64] >> (inside % 64) & 1) != 0;
    }
    return found;
}

static size_t find_hashed(const floe_key_set *set, const uint64_t *hashes, size_t count, uint16_t *candidates) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t bits = filter_bits(hashes[i]);
        candidates[found] = (uint16_t)i;
        found += (set->filter[(size_t)hashes[i] & (set->filter_count - 1)] & bits) == bits;
    }
    for (size_t i = 0; i < found; i++) {
        __builtin_prefetch(&set->slots[(size_t)hashes[candidates[i]] & (set->slot_count - 1)]);
    }
    return found;
}

/* Null keys of a narrow set are not in its filter. */
static void look_nulls(const floe_key_set *set, const floe_key_cells *column, const int64_t *sequences, size_t count,
                       bool *ret_alive) {
    for (size_t i = 0; column->validity != NULL && i < count; i++) {
        if (is_null(column, i)) {
            ret_alive[i] = set->null_sequence <= (sequences != NULL ? sequences[i] : -1);
        }
    }
}

void floe_key_set_look(const floe_key_set *set, const floe_key_cells *columns, const int64_t *sequences, size_t count,
                       bool *ret_alive) {
    uint64_t cells[FLOE_KEY_ROWS_MAX];
    uint64_t hashes[FLOE_KEY_ROWS_MAX];
    uint16_t candidates[FLOE_KEY_ROWS_MAX];
    FLOE_ASSERT(count <= FLOE_KEY_ROWS_MAX && set->filter != NULL);
    hash_rows(set, columns, count, cells, hashes);
    size_t found = set->dense ? find_dense(set, cells, count, candidates) : find_hashed(set, hashes, count, candidates);
    memset(ret_alive, true, count);
    for (size_t i = 0; i < found; i++) {
        size_t row = candidates[i];
        if (set->dense && sequences == NULL) {
            ret_alive[row] = false;
            continue;
        }
        const key_slot *slot = find_slot(set, columns, row, hashes[row]);
        ret_alive[row] = slot->value == 0 || (sequences != NULL && sequence_of(set, slot) <= sequences[row]);
    }
    if (set->narrow) {
        look_nulls(set, &columns[0], sequences, count, ret_alive);
    }
}

size_t floe_key_set_count(const floe_key_set *set) {
    return set->count + (set->null_sequence >= 0 ? 1 : 0);
}
