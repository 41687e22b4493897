/*
 * Parts: all rows of a group, divided by the low bits of their key's number.
 *
 * A part is small enough to be put in order within a cache, parts are put in order by several threads, and the memory of each
 * goes back to the system when its rows lie in the arrays, so that they are not held twice. Low bits, because keys are
 * numbered as labels bring them, and the most frequent come first.
 *
 * Memory: chunks of records, cut from slabs, for which the sheets of the answers to come lend theirs. A thread fills chunks of its
 * own, which it cuts from a stretch of a slab that it took under a lock: memory is touched first without the lock, because the
 * system takes long to find a large page. Of a question that spills, chunks that are full are written down and filled again once
 * no more may stay; a part's rows come back when its turn has come.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/answers/sheet.h"
#include "offline/pit/rows/record.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define PARTS_MAX ((size_t)128)
#define PARTS_SPILLED ((size_t)256) /* A part is the least that is read back; where several fit, threads share them. */
#define PARTS_NEWEST ((size_t)32)
#define KEYS_PER_PART 64 /* fewer are not worth a part */
#define CHUNK_LEN FLOE_KIB(16)
#define CHUNK_LEAST FLOE_KIB(2) /* where threads, groups and parts are many and memory is little */
#define SLAB_LEAST FLOE_KIB(64)
#define SLAB_MOST FLOE_MIB(32)
#define STRETCH_LEN FLOE_MIB(2) /* a large page */

struct pit_chunk {
    pit_chunk *next;
    pit_chunk *spare; /* of a thread's empty ones the next */
    uint32_t count;
    _Alignas(16) uint8_t records[];
};

typedef struct part {
    pit_chunk *first, *last;
    pit_block *blocks; /* of rows that were written down */
    size_t block_count, block_room, block_rows;
    pit_chunk *loaded; /* those rows, read back; memory of its own */
} part;

struct pit_parts {
    part *parts;
    size_t count;
    uint32_t mask;
    pit_spill *spill;    /* NULL: all rows stay */
    uint64_t keep_bytes; /* else of chunks that stay, beside those that are being filled */
    atomic_uint_least64_t kept_bytes;
    size_t sheet_labels; /* of the sheets that lend memory */
    size_t chunk_len, chunk_rows;
    uint8_t **slabs; /* of its own */
    size_t slab_count, slab_room;
    uint8_t *slab; /* the last one, its own or lent by a sheet */
    size_t slab_len, slab_used;
    pthread_mutex_t lock;
};

/* Keys that come with the rows are not known yet. Where rows spill a part is the least that is read back, so few keys are not one. */
static size_t part_count(const floe_pit *pit, const pit_group *group) {
    size_t count = pit->newest_labels ? PARTS_NEWEST : 1, keys = pit->spill ? 1 : KEYS_PER_PART;
    size_t most = pit->spill ? PARTS_SPILLED : PARTS_MAX;
    while (!pit->newest_labels && count < most && count * keys < group->keys.count) {
        count *= 2;
    }
    return count;
}

/* Where rows spill, all chunks that threads are filling take no more than an eighth of the memory, if they can. */
static size_t chunk_len(const floe_pit *pit, const pit_group *group, size_t parts) {
    size_t least = sizeof(pit_chunk) + 4 * (size_t)group->record_len, len = CHUNK_LEN;
    uint64_t open = (uint64_t)parts * pit->group_count * (uint64_t)pit->threads;
    while (pit->spill && len > CHUNK_LEAST && open * len > pit->options.memory_bytes / 8) {
        len /= 2;
    }
    return least > len ? (least + len - 1) / len * len : len;
}

/* Where rows spill, what of them may stay: what the labels leave but for an eighth, and half of what there is while they are answered. Of
 * texts and other distinct values, which stay too, nobody knows yet how much they take. */
static uint64_t keep_bytes(const floe_pit *pit, const pit_group *group) {
    uint64_t labels = floe_pit_label_bytes(pit), memory = pit->options.memory_bytes, run = pit->options.run_bytes;
    uint64_t keep = memory > labels ? (memory - labels) / 8 * 7 : 0, half = run > labels ? (run - labels) / 2 : 0;
    bool symbols = false;
    if (run == 0) {
        return 0;
    }
    for (size_t i = 0; i < group->column_count; i++) {
        symbols = symbols || group->columns[i].class == PIT_SYMBOL || group->columns[i].want_symbols;
    }
    keep = keep < half ? keep : half;
    return (symbols ? keep / 4 : keep) / pit->group_count;
}

floe_status floe_pit_parts_open(const floe_pit *pit, pit_group *group, floe_error *err) {
    if (group->parts) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_alloc(1, sizeof(*group->parts), &group->parts, err));
    pit_parts *parts = group->parts;
    pthread_mutex_init(&parts->lock, NULL);
    parts->count = part_count(pit, group);
    parts->mask = (uint32_t)parts->count - 1;
    parts->spill = pit->spill;
    parts->keep_bytes = pit->spill ? keep_bytes(pit, group) : 0;
    parts->sheet_labels = pit->label_count;
    parts->chunk_len = chunk_len(pit, group, parts->count);
    parts->chunk_rows = (parts->chunk_len - sizeof(pit_chunk)) / group->record_len;
    return floe_alloc(parts->count, sizeof(*parts->parts), &parts->parts, err);
}

void floe_pit_parts_close(pit_parts **parts) {
    if (!*parts) {
        return;
    }
    for (size_t i = 0; i < (*parts)->slab_count; i++) {
        floe_free((*parts)->slabs[i]);
    }
    for (size_t i = 0; (*parts)->parts && i < (*parts)->count; i++) {
        floe_free((*parts)->parts[i].blocks);
        floe_free((*parts)->parts[i].loaded);
    }
    pthread_mutex_destroy(&(*parts)->lock);
    floe_free((*parts)->slabs);
    floe_free((*parts)->parts);
    floe_free(*parts);
    *parts = NULL;
}

/* What the sheets of the group's views do not need yet. */
static uint8_t *borrow(pit_group *group, size_t *len) {
    size_t wanted = *len;
    uint8_t *slab = NULL;
    for (size_t v = 0; !slab && v < group->view_count; v++) {
        *len = wanted;
        slab = floe_pit_sheet_lend(&group->views[v].sheet, group->parts->sheet_labels, group->parts->chunk_len, len);
    }
    *len = slab ? *len : wanted;
    return slab;
}

static bool is_lent(const pit_group *group, const void *memory) {
    bool lent = false;
    for (size_t v = 0; v < group->view_count; v++) {
        const pit_sheet *sheet = &group->views[v].sheet;
        uintptr_t at = (uintptr_t)memory, rows = (uintptr_t)sheet->rows;
        lent = lent || (sheet->rows && at >= rows && at - rows < sheet->lent);
    }
    return lent;
}

static floe_status own_slab(pit_parts *parts, size_t len, floe_error *err) {
    if (parts->slab_count == parts->slab_room) {
        size_t room = parts->slab_room * 2 + 8;
        FLOE_TRY(floe_realloc(&parts->slabs, room, sizeof(*parts->slabs), err));
        parts->slab_room = room;
    }
    uint8_t *slab = NULL;
    FLOE_TRY(floe_realloc(&slab, len, 1, err));
    parts->slabs[parts->slab_count++] = slab;
    parts->slab = slab;
    return FLOE_OK;
}

static floe_status add_slab(pit_group *group, floe_error *err) {
    pit_parts *parts = group->parts;
    size_t len = parts->slab_len * 2;
    len = len < SLAB_LEAST ? SLAB_LEAST : len > SLAB_MOST ? SLAB_MOST : len;
    len = len < 2 * parts->chunk_len ? 2 * parts->chunk_len : len;
    uint8_t *lent = borrow(group, &len);
    if (lent) {
        parts->slab = lent;
    } else {
        FLOE_TRY(own_slab(parts, len, err));
    }
    parts->slab_len = len;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), align = parts->spill && parts->chunk_len % page == 0 ? page : 16;
    parts->slab_used = (align - (uintptr_t)parts->slab % align) % align; /* Of whole pages nothing is left behind. */
    return FLOE_OK;
}

/* To the next large page's beginning, so that no two threads touch one first; where no more than a few chunks stay, one chunk. */
static size_t stretch_len(const pit_parts *parts) {
    uintptr_t from = (uintptr_t)(parts->slab + parts->slab_used);
    size_t left = parts->slab_len - parts->slab_used, len = parts->chunk_len;
    if (!parts->spill || parts->keep_bytes > SLAB_MOST) {
        len = (from + len + STRETCH_LEN - 1) / STRETCH_LEN * STRETCH_LEN - from;
    }
    return len < left ? len : left;
}

static floe_status take_stretch(pit_group *group, pit_part_room *room, floe_error *err) {
    pit_parts *parts = group->parts;
    while (parts->slab_used + parts->chunk_len > parts->slab_len) {
        FLOE_TRY(add_slab(group, err));
    }
    room->stretch = parts->slab + parts->slab_used;
    room->stretch_len = stretch_len(parts);
    parts->slab_used += room->stretch_len;
    return FLOE_OK;
}

static floe_status cut_chunk(pit_group *group, pit_part_room *room, pit_chunk **ret_chunk, floe_error *err) {
    pit_parts *parts = group->parts;
    if (room->stretch_len < parts->chunk_len) {
        pthread_mutex_lock(&parts->lock);
        floe_status status = take_stretch(group, room, err);
        pthread_mutex_unlock(&parts->lock);
        FLOE_TRY(status);
    }
    *ret_chunk = (pit_chunk *)(void *)room->stretch;
    room->stretch += parts->chunk_len;
    room->stretch_len -= parts->chunk_len;
    **ret_chunk = (pit_chunk){0};
    return FLOE_OK;
}

/* Puts a new chunk behind its part's. */
static floe_status add_chunk(pit_group *group, size_t at, pit_part_room *room, floe_error *err) {
    pit_parts *parts = group->parts;
    pit_chunk *fresh = NULL;
    FLOE_TRY(cut_chunk(group, room, &fresh, err));
    room->open[at] = fresh;
    pthread_mutex_lock(&parts->lock);
    part *p = &parts->parts[at];
    *(p->last ? &p->last->next : &p->first) = fresh;
    p->last = fresh;
    pthread_mutex_unlock(&parts->lock);
    return FLOE_OK;
}

/* Whether one more chunk may stay. */
static bool keeps_chunk(pit_parts *parts) {
    if (!parts->spill) {
        return true;
    }
    bool keeps = atomic_fetch_add(&parts->kept_bytes, parts->chunk_len) + parts->chunk_len <= parts->keep_bytes;
    if (!keeps) {
        atomic_fetch_sub(&parts->kept_bytes, parts->chunk_len);
    }
    return keeps;
}

/* A chunk that is full goes on being the part's, or waits to be written down until the cells of its last rows are there. */
static floe_status next_chunk(pit_group *group, size_t at, pit_part_room *room, floe_error *err) {
    pit_chunk *full = room->open[at];
    if (full && !keeps_chunk(group->parts)) {
        if (room->full_count == room->full_room) {
            FLOE_TRY(floe_realloc(&room->full, 2 * room->full_room + 16, sizeof(*room->full), err));
            room->full_room = 2 * room->full_room + 16;
        }
        room->full[room->full_count++] = (pit_full_chunk){full, at};
    }
    if (room->spare[at]) {
        room->open[at] = room->spare[at];
        room->spare[at] = room->open[at]->spare;
        return FLOE_OK;
    }
    return add_chunk(group, at, room, err);
}

floe_status floe_pit_parts_take(pit_group *group, const pit_taken *taken, pit_part_room *room, uint8_t **records,
                                floe_error *err) {
    pit_parts *parts = group->parts;
    if (!room->open) {
        FLOE_TRY(floe_alloc(parts->count, sizeof(*room->spare), &room->spare, err));
        FLOE_TRY(floe_alloc(parts->count, sizeof(*room->open), &room->open, err));
    }
    for (size_t i = 0; i < taken->count; i++) {
        size_t at = taken->keys[i] & parts->mask;
        pit_chunk *chunk = room->open[at];
        if (!chunk || chunk->count == parts->chunk_rows) {
            FLOE_TRY(next_chunk(group, at, room, err));
            chunk = room->open[at];
        }
        records[i] = chunk->records + chunk->count++ * (size_t)group->record_len;
        floe_pit_record_write(group, taken, i, records[i]);
    }
    return FLOE_OK;
}

static floe_status add_block(pit_parts *parts, size_t at, const pit_block *block, size_t rows, floe_error *err) {
    part *p = &parts->parts[at];
    pthread_mutex_lock(&parts->lock);
    floe_status status = FLOE_OK;
    if (p->block_count == p->block_room) {
        status = floe_realloc(&p->blocks, 2 * p->block_room + 16, sizeof(*p->blocks), err);
        p->block_room = floe_failed(status) ? p->block_room : 2 * p->block_room + 16;
    }
    if (!floe_failed(status)) {
        p->blocks[p->block_count++] = *block;
        p->block_rows += rows;
    }
    pthread_mutex_unlock(&parts->lock);
    return status;
}

floe_status floe_pit_parts_shed(pit_group *group, pit_part_room *room, floe_error *err) {
    for (; room->full_count > 0; room->full_count--) {
        const pit_full_chunk *full = &room->full[room->full_count - 1];
        pit_chunk *chunk = full->chunk;
        pit_block block;
        FLOE_TRY(floe_pit_spill_write(group->parts->spill, chunk->records, (size_t)chunk->count * group->record_len,
                                      &room->spill, &block, err));
        FLOE_TRY(add_block(group->parts, full->part, &block, chunk->count, err));
        chunk->count = 0;
        chunk->spare = room->spare[full->part];
        room->spare[full->part] = chunk;
    }
    return FLOE_OK;
}

void floe_pit_part_room_close(pit_part_room *room) {
    floe_free(room->open);
    floe_free(room->spare);
    floe_free(room->full);
    floe_pit_spill_room_close(&room->spill);
    *room = (pit_part_room){0};
}

/* ---- when all rows are there ---- */

size_t floe_pit_parts_count(const pit_group *group) {
    return group->parts ? group->parts->count : 0;
}

size_t floe_pit_part_rows(const pit_group *group, size_t at) {
    size_t rows = group->parts->parts[at].block_rows;
    for (const pit_chunk *chunk = group->parts->parts[at].first; chunk; chunk = chunk->next) {
        rows += chunk->count;
    }
    return rows;
}

uint64_t floe_pit_part_bytes(const pit_group *group, size_t at) {
    uint64_t bytes = 0;
    for (const pit_chunk *chunk = group->parts->parts[at].first; chunk; chunk = chunk->next) {
        bytes += group->parts->chunk_len;
    }
    return bytes;
}

floe_status floe_pit_part_load(pit_group *group, size_t at, pit_spill_room *room, floe_error *err) {
    part *p = &group->parts->parts[at];
    if (p->block_count == 0 || p->loaded) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_realloc(&p->loaded, sizeof(pit_chunk) + p->block_rows * group->record_len, 1, err));
    *p->loaded = (pit_chunk){.next = p->first, .count = (uint32_t)p->block_rows};
    uint8_t *record = p->loaded->records;
    for (size_t i = 0; i < p->block_count; i++) {
        const uint8_t *bytes;
        FLOE_TRY(floe_pit_spill_read(group->parts->spill, &p->blocks[i], room, &bytes, err));
        memcpy(record, bytes, p->blocks[i].len);
        record += p->blocks[i].len;
    }
    return FLOE_OK;
}

const pit_chunk *floe_pit_part_first(const pit_group *group, size_t at) {
    const part *p = &group->parts->parts[at];
    return p->loaded ? p->loaded : p->first;
}

const pit_chunk *floe_pit_chunk_next(const pit_chunk *chunk, const uint8_t **ret_records, size_t *ret_count) {
    *ret_records = chunk->records;
    *ret_count = chunk->count;
    return chunk->next;
}

floe_status floe_pit_part_visit(const pit_group *group, size_t at, pit_part_look look, void *context, floe_error *err) {
    const part *p = &group->parts->parts[at];
    FLOE_CLEANUP(floe_pit_spill_room_close) pit_spill_room room = {0};
    for (size_t i = 0; i < p->block_count; i++) {
        const uint8_t *records;
        FLOE_TRY(floe_pit_spill_read(group->parts->spill, &p->blocks[i], &room, &records, err));
        FLOE_TRY(look(context, records, p->blocks[i].len / group->record_len, err));
    }
    for (const pit_chunk *chunk = p->first; chunk; chunk = chunk->next) {
        FLOE_TRY(look(context, chunk->records, chunk->count, err));
    }
    return FLOE_OK;
}

void floe_pit_part_forget(pit_group *group, size_t at) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (pit_chunk *chunk = group->parts->parts[at].first; chunk;) {
        pit_chunk *next = chunk->next;
        uintptr_t first = ((uintptr_t)chunk + page - 1) / page * page;
        uintptr_t last = ((uintptr_t)chunk + group->parts->chunk_len) / page * page;
        if (last > first && !is_lent(group, chunk)) {
            (void)madvise((void *)first, last - first, MADV_DONTNEED); /* of no use any more: its content may go */
        }
        chunk = next;
    }
    floe_free(group->parts->parts[at].blocks);
    floe_free(group->parts->parts[at].loaded);
    group->parts->parts[at] = (part){0};
}
