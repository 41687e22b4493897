/*
 * Answers as Arrow arrays, a column at a time. An array owns its three buffers; the batch owns its arrays.
 */
#include "offline/pit/answers/columnar.h"

#include "core/mem.h"
#include "offline/together.h"

#include <inttypes.h>
#include <stdatomic.h>

#define CELLS_OF_ONE_THREAD ((size_t)100000) /* for fewer it is not worth starting another */

typedef struct owned {
    uint8_t *valid; /* bits */
    int32_t *offsets;
    void *data;
    const void *pointers[3];
} owned;

static void release_array(struct ArrowArray *array) {
    for (int64_t i = 0; i < array->n_children; i++) {
        if (array->children[i]) {
            floe_arrow_array_release(array->children[i]);
            floe_free(array->children[i]);
        }
    }
    floe_free(array->children);
    owned *o = array->private_data;
    if (o) {
        floe_free(o->valid);
        floe_free(o->offsets);
        floe_free(o->data);
        floe_free(o);
    }
    *array = (struct ArrowArray){0};
}

static bool is_text(floe_kind kind) {
    return kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES;
}

bool floe_pit_columnar_takes(floe_type type) {
    return type.kind != FLOE_KIND_LIST;
}

static size_t value_len(floe_kind kind) {
    switch (kind) {
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
    case FLOE_KIND_FLOAT:
        return 4;
    case FLOE_KIND_DECIMAL:
        return 16;
    default:
        return 8;
    }
}

/* ---- one column ---- */

#define BLOCK_ROWS PIT_FETCH_MOST /* of a sheet that stay in the nearest cache while all columns are read out of them */

/* The answers of one column of one batch. */
typedef struct stretch {
    const pit_answers *answers;
    size_t first, count; /* labels */
    owned *o;
    size_t valid_count;
} stretch;

/* One column of one block. */
typedef struct block {
    size_t from, count; /* rows of the batch; a byte of the bits begins with the first */
    const uint8_t *cells;
    size_t step; /* from cell to cell */
    uint64_t valid;
} block;

static uint64_t valid_of(const uint8_t *row, size_t row_len, uint32_t at, size_t count) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count; i++) {
        bits |= (uint64_t)(row[i * row_len + (at >> 3)] >> (at & 7) & 1u) << i;
    }
    return bits;
}

static size_t cell_len(const pit_answers *answers) {
    return is_text(answers->type.kind)               ? sizeof(uint32_t)
           : answers->type.kind == FLOE_KIND_DECIMAL ? sizeof(__int128)
                                                     : sizeof(int64_t);
}

/* Finds the cells of a block: where they are, or fetched to `room`. */
static void open_block(const stretch *s, uint8_t *room, block *b) {
    const pit_answers *answers = s->answers;
    const pit_sheet *sheet = answers->sheet;
    if (sheet->fetch) {
        b->valid = sheet->fetch(sheet->fetch_from, answers->output, s->first + b->from, b->count, room);
        b->cells = room;
        b->step = cell_len(answers);
        return;
    }
    const uint8_t *row = floe_pit_sheet_row(sheet, s->first + b->from);
    b->valid = s->o->valid ? valid_of(row, sheet->row_len, answers->spot.valid_at, b->count) : UINT64_MAX;
    b->cells = row + answers->spot.at;
    b->step = sheet->row_len;
}

static void mark_valid(stretch *s, const block *b) {
    for (size_t i = 0; i < b->count; i += 8) {
        s->o->valid[(b->from + i) >> 3] = (uint8_t)(b->valid >> i);
    }
    s->valid_count += (size_t)__builtin_popcountll(b->valid);
}

/* Cells as they are; those of nulls are 0. */
#define GATHER(element)                                                                                                \
    for (size_t i = 0; i < b->count; i++) {                                                                            \
        memcpy((element *)s->o->data + b->from + i, b->cells + i * b->step, sizeof(element));                          \
    }

static int64_t whole_at(const block *b, size_t i) {
    int64_t whole;
    memcpy(&whole, b->cells + i * b->step, sizeof(whole));
    return whole;
}

static floe_status put_narrow(const stretch *s, const block *b, floe_error *err) {
    int32_t *data = (int32_t *)s->o->data + b->from;
    for (size_t i = 0; i < b->count; i++) {
        int64_t value = whole_at(b, i);
        FLOE_ENSURE(value >= INT32_MIN && value <= INT32_MAX, err, FLOE_INVALID,
                    "column \"%.*s\": %" PRId64 " does not fit 32 bits", FLOE_STR_BRIEF(s->answers->name), value);
        data[i] = (int32_t)value;
    }
    return FLOE_OK;
}

static void put_bools(const stretch *s, const block *b) {
    uint8_t *bits = s->o->data;
    for (size_t i = 0; i < b->count; i++) {
        size_t at = b->from + i;
        bits[at >> 3] = (uint8_t)(bits[at >> 3] | (whole_at(b, i) != 0) << (at & 7));
    }
}

static void put_floats(const stretch *s, const block *b) {
    float *data = (float *)s->o->data + b->from;
    for (size_t i = 0; i < b->count; i++) {
        double value;
        memcpy(&value, b->cells + i * b->step, sizeof(value));
        data[i] = (float)value;
    }
}

/* Texts are put where they are known to end (put_texts), until when their numbers stand there. */
static void put_symbols(const stretch *s, const block *b) {
    for (size_t i = 0; i < b->count; i++) {
        memcpy(&s->o->offsets[b->from + i + 1], b->cells + i * b->step, sizeof(uint32_t));
    }
}

static floe_status put_cells(const stretch *s, const block *b, floe_error *err) {
    switch (s->answers->type.kind) {
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        return put_narrow(s, b, err);
    case FLOE_KIND_BOOL:
        put_bools(s, b);
        return FLOE_OK;
    case FLOE_KIND_FLOAT:
        put_floats(s, b);
        return FLOE_OK;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        put_symbols(s, b);
        return FLOE_OK;
    case FLOE_KIND_DECIMAL:
        GATHER(__int128)
        return FLOE_OK;
    default:
        GATHER(int64_t)
        return FLOE_OK;
    }
}

static floe_status put_block(stretch *s, size_t from, size_t count, floe_error *err) {
    uint8_t room[BLOCK_ROWS * PIT_CELL_MOST];
    block b = {.from = from, .count = count};
    open_block(s, room, &b);
    if (s->o->valid) {
        mark_valid(s, &b);
    }
    return put_cells(s, &b, err);
}

/* The block from a row on will be read soon. */
static void ask_for_block(const stretch *s, size_t from) {
    const pit_sheet *sheet = s->answers->sheet;
    size_t to = s->count - from > BLOCK_ROWS ? from + BLOCK_ROWS : s->count;
    for (size_t at = from * sheet->row_len; sheet->rows && at < to * sheet->row_len; at += PIT_CACHE_LINE) {
        __builtin_prefetch(floe_pit_sheet_row(sheet, s->first) + at);
    }
}

static floe_str text_at(const stretch *s, size_t i) {
    bool valid = !s->o->valid || (s->o->valid[i >> 3] >> (i & 7) & 1);
    return valid ? s->answers->symbols->keys[(uint32_t)s->o->offsets[i + 1]] : (floe_str){"", 0};
}

/* Symbols become texts and where they end, once all blocks are there. */
static floe_status put_texts(const stretch *s, floe_error *err) {
    size_t len = 0;
    for (size_t i = 0; i < s->count; i++) {
        len += text_at(s, i).len;
        FLOE_ENSURE(len <= INT32_MAX, err, FLOE_LIMIT, "column \"%.*s\" would hold more than %d bytes in one batch",
                    FLOE_STR_BRIEF(s->answers->name), INT32_MAX);
    }
    FLOE_TRY(floe_realloc(&s->o->data, len + 1, 1, err));
    for (size_t i = 0; i < s->count; i++) {
        floe_str text = text_at(s, i);
        memcpy((char *)s->o->data + s->o->offsets[i], text.ptr, text.len);
        s->o->offsets[i + 1] = s->o->offsets[i] + (int32_t)text.len;
    }
    return FLOE_OK;
}

static floe_status open_column(const pit_answers *answers, size_t first, size_t count, struct ArrowArray *array,
                               stretch *ret_stretch, floe_error *err) {
    array->release = release_array;
    FLOE_TRY(floe_alloc(1, sizeof(owned), &array->private_data, err));
    *ret_stretch = (stretch){answers, first, count, array->private_data, count};
    owned *o = ret_stretch->o;
    if (answers->spot.valid_at != PIT_NOWHERE) {
        ret_stretch->valid_count = 0;
        FLOE_TRY(floe_alloc((count + 7) / 8, 1, &o->valid, err));
    }
    floe_kind kind = answers->type.kind;
    return is_text(kind) ? floe_alloc(count + 1, sizeof(int32_t), &o->offsets, err)
                         : floe_alloc(count + 1, value_len(kind), &o->data, err);
}

static floe_status close_column(stretch *s, struct ArrowArray *array, floe_error *err) {
    bool text = is_text(s->answers->type.kind);
    FLOE_TRY(text ? put_texts(s, err) : FLOE_OK);
    s->o->pointers[0] = s->valid_count == s->count ? NULL : s->o->valid;
    s->o->pointers[1] = text ? (const void *)s->o->offsets : s->o->data;
    s->o->pointers[2] = text ? s->o->data : NULL;
    array->buffers = s->o->pointers;
    array->n_buffers = text ? 3 : 2;
    array->length = (int64_t)s->count;
    array->null_count = (int64_t)(s->count - s->valid_count);
    return FLOE_OK;
}

/* ---- the batch ---- */

#define SHARE_COLUMNS ((size_t)32) /* that one thread makes together */

/* Columns are made by whoever takes the next few. */
typedef struct making {
    const pit_answers *columns;
    size_t column_count, first, count;
    struct ArrowArray *batch;
    atomic_size_t next;
    atomic_bool stop;
} making;

static floe_status make_share(const making *m, size_t first_column, size_t column_count, floe_error *err) {
    stretch stretches[SHARE_COLUMNS];
    struct ArrowArray **arrays = m->batch->children + first_column;
    for (size_t i = 0; i < column_count; i++) {
        FLOE_TRY(floe_alloc(1, sizeof(struct ArrowArray), &arrays[i], err));
        FLOE_TRY(open_column(&m->columns[first_column + i], m->first, m->count, arrays[i], &stretches[i], err));
    }
    for (size_t from = 0; from < m->count; from += BLOCK_ROWS) {
        size_t count = m->count - from > BLOCK_ROWS ? BLOCK_ROWS : m->count - from;
        ask_for_block(&stretches[0], from + count);
        for (size_t i = 0; i < column_count; i++) {
            FLOE_TRY(put_block(&stretches[i], from, count, err));
        }
    }
    for (size_t i = 0; i < column_count; i++) {
        FLOE_TRY(close_column(&stretches[i], arrays[i], err));
    }
    return FLOE_OK;
}

static floe_status make_columns(void *context, floe_error *err) {
    making *m = context;
    while (!atomic_load(&m->stop)) {
        size_t first = atomic_fetch_add(&m->next, SHARE_COLUMNS);
        if (first >= m->column_count) {
            break;
        }
        size_t rest = m->column_count - first;
        FLOE_TRY(make_share(m, first, rest < SHARE_COLUMNS ? rest : SHARE_COLUMNS, err));
    }
    return FLOE_OK;
}

static floe_status make_batch(making *m, int threads, floe_error *err) {
    struct ArrowArray *batch = m->batch;
    batch->release = release_array;
    FLOE_TRY(floe_alloc(1, sizeof(owned), &batch->private_data, err));
    FLOE_TRY(floe_alloc(m->column_count, sizeof(struct ArrowArray *), &batch->children, err));
    batch->n_children = (int64_t)m->column_count;
    batch->buffers = ((owned *)batch->private_data)->pointers;
    batch->n_buffers = 1;
    batch->length = (int64_t)m->count;
    bool alone = threads < 2 || m->column_count <= SHARE_COLUMNS || m->column_count * m->count < CELLS_OF_ONE_THREAD;
    return alone ? make_columns(m, err) : floe_together(threads, make_columns, m, &m->stop, err);
}

floe_status floe_pit_columnar_batch(const pit_answers *columns, size_t column_count, size_t first, size_t count,
                                    int threads, struct ArrowArray *ret_batch, floe_error *err) {
    FLOE_AUTO_ARRAY batch = {0};
    making m = {.columns = columns, .column_count = column_count, .first = first, .count = count, .batch = &batch};
    FLOE_TRY(make_batch(&m, threads, err));
    *ret_batch = batch;
    batch.release = NULL;
    return FLOE_OK;
}
