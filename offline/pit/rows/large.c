/*
 * A part that is more than there is memory for, because one of its keys is, put in order of key and event all the same.
 *
 * Phases: some of the part's rows, taken at equal steps, say where its order is to be cut, so that what lies between two cuts
 * can be put in order in memory; every row goes to the bucket between its two cuts, and what buckets gather is written down; bucket
 * after bucket is read back, put in order and appended to the group's arrays, which therefore are written from their first
 * to their last row.
 * Invariant: rows of the same key and event are in the same bucket, so where their order shows it is found there.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/paged.h"
#include "offline/pit/rows/order.h"

#include <stdlib.h>

#define BUCKETS_MAX ((size_t)256)
#define SAMPLES_PER_BUCKET ((size_t)32)
#define ORDER_BYTES 40 /* of one row beside its record, while it is put in order */
#define BUFFER_MOST FLOE_KIB(64)
#define BUFFER_ROWS 16 /* at the least */

typedef struct place {
    uint32_t key;
    int64_t event;
} place;

typedef struct bucket {
    pit_block *blocks;
    size_t count, room; /* blocks */
    size_t rows;
    uint8_t *buffer; /* rows that are not written down yet */
    size_t used;     /* bytes */
} bucket;

typedef struct division {
    const pit_group *group;
    pit_spill *spill;
    pit_spill_room room;
    size_t step, next; /* of the sample: every step-th row, the next one is so many ahead */
    place *samples;
    size_t sample_count;
    place *cuts; /* between buckets: one less than they */
    bucket *buckets;
    size_t bucket_count;
    uint8_t *buffers; /* of all buckets */
    size_t buffer_len;
} division;

static void division_close(division *d) {
    for (size_t i = 0; d->buckets && i < d->bucket_count; i++) {
        floe_free(d->buckets[i].blocks);
    }
    floe_free(d->buckets);
    floe_free(d->buffers);
    floe_free(d->samples);
    floe_free(d->cuts);
    floe_pit_spill_room_close(&d->room);
}

/* ---- cuts ---- */

static place place_of(const pit_group *group, const uint8_t *record) {
    return (place){floe_pit_record_key(group, record), floe_pit_record_time(record, 0)};
}

static int compare_places(const void *a, const void *b) {
    const place *x = a, *y = b;
    return x->key != y->key ? (x->key < y->key ? -1 : 1) : (x->event > y->event) - (x->event < y->event);
}

static floe_status take_samples(void *context, const uint8_t *records, size_t count, floe_error *err) {
    division *d = context;
    (void)err;
    for (; d->next < count; d->next += d->step) {
        d->samples[d->sample_count++] = place_of(d->group, records + d->next * d->group->record_len);
    }
    d->next -= count;
    return FLOE_OK;
}

static floe_status find_cuts(division *d, size_t part, size_t rows, floe_error *err) {
    size_t wanted = d->bucket_count * SAMPLES_PER_BUCKET;
    d->step = rows / wanted + 1;
    FLOE_TRY(floe_realloc(&d->samples, rows / d->step + 1, sizeof(*d->samples), err));
    FLOE_TRY(floe_pit_part_visit(d->group, part, take_samples, d, err));
    qsort(d->samples, d->sample_count, sizeof(*d->samples), compare_places);
    for (size_t i = 0; i + 1 < d->bucket_count; i++) {
        d->cuts[i] = d->samples[d->sample_count * (i + 1) / d->bucket_count];
    }
    return FLOE_OK;
}

/* ---- rows into buckets ---- */

static floe_status write_down(division *d, bucket *b, floe_error *err) {
    if (b->count == b->room) {
        FLOE_TRY(floe_realloc(&b->blocks, 2 * b->room + 16, sizeof(*b->blocks), err));
        b->room = 2 * b->room + 16;
    }
    FLOE_TRY(floe_pit_spill_write(d->spill, b->buffer, b->used, &d->room, &b->blocks[b->count], err));
    b->count++;
    b->used = 0;
    return FLOE_OK;
}

/* The number of cuts that are not behind the place. */
static size_t bucket_of(const division *d, const place *at) {
    size_t low = 0, high = d->bucket_count - 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        bool behind = compare_places(&d->cuts[middle], at) > 0;
        high = behind ? middle : high;
        low = behind ? low : middle + 1;
    }
    return low;
}

static floe_status put_rows(void *context, const uint8_t *records, size_t count, floe_error *err) {
    division *d = context;
    size_t len = d->group->record_len;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *record = records + i * len;
        place at = place_of(d->group, record);
        bucket *b = &d->buckets[bucket_of(d, &at)];
        if (b->used + len > d->buffer_len) {
            FLOE_TRY(write_down(d, b, err));
        }
        memcpy(b->buffer + b->used, record, len);
        b->used += len;
        b->rows++;
    }
    return FLOE_OK;
}

static size_t buffer_len_of(const pit_group *group, size_t buckets, uint64_t memory_bytes) {
    uint64_t len = memory_bytes / 8 / buckets, least = (uint64_t)BUFFER_ROWS * group->record_len;
    len = len > BUFFER_MOST ? BUFFER_MOST : len;
    return len < least ? (size_t)least : (size_t)len;
}

static floe_status divide(division *d, size_t part, uint64_t memory_bytes, floe_error *err) {
    size_t rows = floe_pit_part_rows(d->group, part);
    uint64_t bytes = rows * ((uint64_t)d->group->record_len + ORDER_BYTES);
    uint64_t wanted = bytes / (memory_bytes / 4 + 1) + 1;
    d->bucket_count = wanted > BUCKETS_MAX ? BUCKETS_MAX : (size_t)wanted;
    d->buffer_len = buffer_len_of(d->group, d->bucket_count, memory_bytes);
    FLOE_TRY(floe_alloc(d->bucket_count, sizeof(*d->buckets), &d->buckets, err));
    FLOE_TRY(floe_alloc(d->bucket_count, sizeof(*d->cuts), &d->cuts, err));
    FLOE_TRY(floe_realloc(&d->buffers, d->bucket_count, d->buffer_len, err));
    for (size_t i = 0; i < d->bucket_count; i++) {
        d->buckets[i].buffer = d->buffers + i * d->buffer_len;
    }
    FLOE_TRY(find_cuts(d, part, rows, err));
    FLOE_TRY(floe_pit_part_visit(d->group, part, put_rows, d, err));
    for (size_t i = 0; i < d->bucket_count; i++) {
        FLOE_TRY(d->buckets[i].used > 0 ? write_down(d, &d->buckets[i], err) : FLOE_OK);
    }
    return FLOE_OK;
}

/* ---- bucket after bucket ---- */

/* What arrays are filled with. */
typedef struct filling {
    pit_group *group;
    const pit_lane *lanes;
    size_t lane_count;
    size_t part, part_bits, keys;
    size_t rows; /* that are there */
    pit_order order;
    uint8_t *records; /* of a bucket */
    size_t room;      /* of them in rows */
} filling;

static void filling_close(filling *f) {
    floe_pit_order_close(&f->order);
    floe_free(f->records);
}

static floe_status read_bucket(filling *f, division *d, const bucket *b, floe_error *err) {
    uint8_t *at;
    if (b->rows > f->room) {
        FLOE_TRY(floe_realloc(&f->records, b->rows, f->group->record_len, err));
        f->room = b->rows;
    }
    at = f->records;
    for (size_t i = 0; i < b->count; i++) {
        const uint8_t *bytes;
        FLOE_TRY(floe_pit_spill_read(d->spill, &b->blocks[i], &d->room, &bytes, err));
        memcpy(at, bytes, b->blocks[i].len);
        at += b->blocks[i].len;
    }
    return FLOE_OK;
}

/* A key goes on where the last bucket left it. */
static void note_keys(const filling *f) {
    pit_group *group = f->group;
    for (size_t k = 0; k < f->keys; k++) {
        size_t key = (k << f->part_bits) + f->part;
        uint32_t first = f->order.starts[k], last = f->order.starts[k + 1];
        if (last > first) {
            bool fresh = group->row_end[key] == group->row_start[key];
            group->row_start[key] = fresh ? (uint32_t)f->rows + first : group->row_start[key];
            group->row_end[key] = (uint32_t)f->rows + last;
        }
    }
}

static floe_status fill_bucket(filling *f, division *d, const bucket *b, floe_error *err) {
    const uint8_t *const *ordered;
    FLOE_TRY(read_bucket(f, d, b, err));
    FLOE_TRY(floe_pit_order_begin(&f->order, b->rows, f->keys, err));
    floe_pit_order_add(f->group, &f->order, f->part_bits, f->records, b->rows);
    FLOE_TRY(floe_pit_order_end(f->group, &f->order, f->part_bits, f->keys, &ordered, err));
    note_keys(f);
    floe_pit_lanes_fill(f->lanes, f->lane_count, ordered, b->rows, f->rows);
    f->rows += b->rows;
    floe_paged_ease();
    return FLOE_OK;
}

floe_status floe_pit_arrange_large(pit_group *group, size_t part, pit_spill *spill, uint64_t memory_bytes,
                                   floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    FLOE_CLEANUP(division_close) division d = {.group = group, .spill = spill};
    size_t parts = floe_pit_parts_count(group), rows = floe_pit_part_rows(group, part), lane_count;
    FLOE_ENSURE(rows <= PIT_ROW_MAX, err, FLOE_LIMIT, "more than %u rows per source and filter", PIT_ROW_MAX);
    FLOE_TRY(divide(&d, part, memory_bytes, err));
    floe_pit_part_forget(group, part);
    floe_free(d.buffers);
    d.buffers = NULL;
    pit_lane *lanes;
    FLOE_TRY(floe_pit_lanes_open(group, rows, &arena, &lanes, &lane_count, err));
    FLOE_CLEANUP(filling_close)
    filling f = {.group = group,
                 .lanes = lanes,
                 .lane_count = lane_count,
                 .part = part,
                 .part_bits = (size_t)__builtin_ctzll(parts),
                 .keys = (group->keys.count + parts - 1 - part) / parts};
    for (size_t i = 0; i < d.bucket_count; i++) {
        FLOE_TRY(d.buckets[i].rows > 0 ? fill_bucket(&f, &d, &d.buckets[i], err) : FLOE_OK);
    }
    group->row_count += rows;
    atomic_fetch_add(&group->rows_moved, f.order.moved);
    return FLOE_OK;
}
