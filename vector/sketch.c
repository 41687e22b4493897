/*
 * See sketch.h. Phases: hash each value into a set of distinct ones → the smallest hashes of the set, shortened and sorted.
 *
 * Hashes are kept with 32 bits: a value that is not there looks as if it were with a chance of distinct / 2^32, which is
 * less than one in four thousand.
 */
#include "vector/sketch.h"

#include "core/hash.h"

#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 64
#define INTEGER_DIGITS_MAX 18

void floe_sketcher_init(floe_sketcher *sketcher, floe_arena *arena) {
    *sketcher = (floe_sketcher){.arena = arena, .is_integer = true};
}

void floe_sketcher_null(floe_sketcher *sketcher) {
    sketcher->rows++;
}

/* True when the hash was not there. */
static bool put_hash(uint64_t *slots, size_t capacity, uint64_t hash) {
    size_t at = (size_t)hash & (capacity - 1);
    while (slots[at] != 0 && slots[at] != hash) {
        at = (at + 1) & (capacity - 1);
    }
    bool fresh = slots[at] == 0;
    slots[at] = hash;
    return fresh;
}

static bool grow(floe_sketcher *sketcher) {
    size_t capacity = sketcher->capacity > 0 ? 2 * sketcher->capacity : SLOTS_FIRST;
    uint64_t *slots = floe_arena_alloc(sketcher->arena, capacity, sizeof(*slots));
    for (size_t i = 0; slots && i < sketcher->capacity; i++) {
        if (sketcher->slots[i] != 0) {
            (void)put_hash(slots, capacity, sketcher->slots[i]);
        }
    }
    sketcher->slots = slots;
    sketcher->capacity = slots ? capacity : 0;
    return slots != NULL;
}

static void add(floe_sketcher *sketcher, uint64_t hash) {
    sketcher->rows++;
    sketcher->values++;
    bool full = 2 * ((size_t)sketcher->distinct + 1) > sketcher->capacity;
    if (sketcher->given_up || (full && !grow(sketcher))) {
        sketcher->given_up = true;
        return;
    }
    sketcher->distinct += put_hash(sketcher->slots, sketcher->capacity, hash != 0 ? hash : 1) ? 1 : 0;
    sketcher->given_up = sketcher->distinct > FLOE_SKETCH_DISTINCT_MAX;
}

void floe_sketcher_int(floe_sketcher *sketcher, int64_t value) {
    bool first = sketcher->values == 0;
    sketcher->least = first || value < sketcher->least ? value : sketcher->least;
    sketcher->most = first || value > sketcher->most ? value : sketcher->most;
    add(sketcher, floe_xxh64(&value, sizeof(value), 1));
}

/* Digits as an integer is written: no sign but '-', no zero in front. */
static bool is_integer(floe_str text, int64_t *ret_value) {
    size_t sign = text.len > 0 && text.ptr[0] == '-' ? 1 : 0;
    size_t digits = text.len - sign;
    int64_t value = 0;
    if (digits == 0 || digits > INTEGER_DIGITS_MAX || (text.ptr[sign] == '0' && text.len > 1)) {
        return false;
    }
    for (size_t i = sign; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
        value = value * 10 + (text.ptr[i] - '0');
    }
    *ret_value = sign > 0 ? -value : value;
    return true;
}

void floe_sketcher_text(floe_sketcher *sketcher, floe_str value) {
    int64_t number = 0;
    value = floe_str_trim(value);
    if (value.len == 0) {
        floe_sketcher_null(sketcher);
    } else if (is_integer(value, &number)) {
        floe_sketcher_int(sketcher, number);
    } else {
        sketcher->is_integer = false;
        add(sketcher, floe_xxh64(value.ptr, value.len, 0));
    }
}

static int compare_hashes(const void *a, const void *b) {
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return (left > right) - (left < right);
}

/* The smallest hashes, shortened to their upper half, so that their order is that of the whole. */
static bool take_smallest(const floe_sketcher *sketcher, floe_sketch *sketch) {
    uint32_t *all = floe_arena_alloc(sketcher->arena, (size_t)sketcher->distinct, sizeof(*all));
    size_t count = 0;
    for (size_t i = 0; all && i < sketcher->capacity; i++) {
        if (sketcher->slots[i] != 0) {
            all[count++] = (uint32_t)(sketcher->slots[i] >> 32);
        }
    }
    if (!all) {
        return false;
    }
    qsort(all, count, sizeof(*all), compare_hashes);
    size_t kept = 0;
    for (size_t i = 0; i < count && kept < FLOE_SKETCH_HASHES; i++) {
        if (kept == 0 || all[i] != all[kept - 1]) {
            all[kept++] = all[i];
        }
    }
    sketch->hashes = all;
    sketch->hash_count = kept;
    return true;
}

const floe_sketch *floe_sketcher_finish(const floe_sketcher *sketcher, bool whole) {
    if (sketcher->given_up || sketcher->distinct == 0) {
        return NULL;
    }
    floe_sketch *sketch = floe_arena_alloc(sketcher->arena, 1, sizeof(*sketch));
    if (!sketch) {
        return NULL;
    }
    *sketch = (floe_sketch){.rows = sketcher->rows,
                            .values = sketcher->values,
                            .distinct = sketcher->distinct,
                            .whole = whole,
                            .is_integer = sketcher->is_integer,
                            .is_counter = sketcher->is_integer &&
                                          floe_sketch_counts(sketcher->least, sketcher->most, sketcher->distinct)};
    return take_smallest(sketcher, sketch) ? sketch : NULL;
}

/* ---- what two sketches say ---- */

bool floe_sketch_is_unique(const floe_sketch *sketch) {
    return sketch->distinct == sketch->values;
}

/* A column of every tenth number is still a counter's. */
#define COUNTER_STEP 10

bool floe_sketch_counts(int64_t least, int64_t most, int64_t distinct) {
    /* As doubles, because the ends of the range of integers are too far apart for their difference. */
    return (double)most - (double)least <= (double)COUNTER_STEP * (double)distinct;
}

size_t floe_sketch_contains(const floe_sketch *whole, const floe_sketch *part, size_t *ret_found) {
    size_t comparable = 0;
    size_t found = 0;
    size_t at = 0;
    bool all = (int64_t)whole->hash_count == whole->distinct;
    uint32_t horizon = all || whole->hash_count == 0 ? UINT32_MAX : whole->hashes[whole->hash_count - 1];
    for (size_t i = 0; whole->whole && i < part->hash_count && part->hashes[i] <= horizon; i++) {
        while (at < whole->hash_count && whole->hashes[at] < part->hashes[i]) {
            at++;
        }
        comparable++;
        found += at < whole->hash_count && whole->hashes[at] == part->hashes[i] ? 1 : 0;
    }
    *ret_found = found;
    return comparable;
}
