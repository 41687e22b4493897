/*
 * Answers as Arrow arrays, a column at a time. An array owns its three buffers; the batch owns its arrays.
 */
#include "offline/pit/columnar.h"

#include "core/mem.h"

#include <inttypes.h>
#include <math.h>
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

/* The answers of one batch. */
typedef struct stretch {
    const pit_answers *answers;
    const uint32_t *found; /* per label its row, of answers by row; PIT_NO_ROW: null */
    size_t first, count;
    owned *o;
    int64_t nulls;
} stretch;

/* The rows of one batch. Columns of one view mostly share them: labels lie anywhere among their keys', so that finding a row
 * costs as much as what is then read of it. */
typedef struct found_rows {
    const uint32_t *rows, *places; /* of which answers; NULL: none yet */
    uint32_t *found;
} found_rows;

static void find_rows(found_rows *f, const pit_answers *answers, size_t first, size_t count) {
    if (answers->direct || (f->rows == answers->rows && f->places == answers->places)) {
        return;
    }
    f->rows = answers->rows;
    f->places = answers->places;
    for (size_t i = 0; i < count; i++) {
        f->found[i] = answers->rows[answers->places[first + i]];
    }
}

static inline uint32_t place_of(const stretch *s, size_t i) {
    return s->answers->places[s->first + i];
}

static inline bool is_null_at(const stretch *s, size_t i) {
    const pit_answers *a = s->answers;
    if (a->is_null && a->is_null[place_of(s, i)]) {
        return true;
    }
    return !a->direct && (s->found[i] == PIT_NO_ROW || a->column->is_null[s->found[i]]);
}

static floe_status mark_valid(stretch *s, floe_error *err) {
    FLOE_TRY(floe_alloc((s->count + 7) / 8, 1, &s->o->valid, err));
    for (size_t i = 0; i < s->count; i++) {
        bool null = is_null_at(s, i);
        s->o->valid[i >> 3] = (uint8_t)(s->o->valid[i >> 3] | !null << (i & 7));
        s->nulls += null;
    }
    return FLOE_OK;
}

static inline bool is_valid(const stretch *s, size_t i) {
    return (s->o->valid[i >> 3] >> (i & 7)) & 1;
}

/* The numbers of valid answers, from memory of `element` cells; others stay 0. */
#define GATHER(element, cells, direct_cells)                                                                           \
    do {                                                                                                               \
        element *data = s->o->data;                                                                                    \
        for (size_t i = 0; i < s->count; i++) {                                                                        \
            if (is_valid(s, i)) {                                                                                      \
                data[i] = (direct_cells) ? (direct_cells)[place_of(s, i)] : (cells)[s->found[i]];                      \
            }                                                                                                          \
        }                                                                                                              \
    } while (0)

static void canonical(double *values, size_t count) {
    for (size_t i = 0; i < count; i++) {
        values[i] = values[i] == 0 ? 0 : isnan(values[i]) ? NAN : values[i];
    }
}

static int64_t whole_at(const stretch *s, size_t i) {
    const pit_answers *a = s->answers;
    return a->direct ? ((const int64_t *)a->direct)[place_of(s, i)] : a->column->data.i64[s->found[i]];
}

static floe_status put_narrow(const stretch *s, floe_error *err) {
    int32_t *data = s->o->data;
    for (size_t i = 0; i < s->count; i++) {
        int64_t value = is_valid(s, i) ? whole_at(s, i) : 0;
        FLOE_ENSURE(value >= INT32_MIN && value <= INT32_MAX, err, FLOE_INVALID,
                    "column \"%.*s\": %" PRId64 " does not fit 32 bits", FLOE_STR_BRIEF(s->answers->name), value);
        data[i] = (int32_t)value;
    }
    return FLOE_OK;
}

static void put_bools(const stretch *s) {
    uint8_t *bits = s->o->data;
    for (size_t i = 0; i < s->count; i++) {
        bool value = is_valid(s, i) && whole_at(s, i) != 0;
        bits[i >> 3] = (uint8_t)(bits[i >> 3] | value << (i & 7));
    }
}

static double real_at(const stretch *s, size_t i) {
    const pit_answers *a = s->answers;
    return a->direct ? ((const double *)a->direct)[place_of(s, i)] : a->column->data.f64[s->found[i]];
}

static void put_floats(const stretch *s) {
    float *data = s->o->data;
    for (size_t i = 0; i < s->count; i++) {
        double value = is_valid(s, i) ? real_at(s, i) : 0;
        value = s->answers->any_of_equals ? (value == 0 ? 0 : isnan(value) ? NAN : value) : value;
        data[i] = (float)value;
    }
}

static floe_status put_numbers(const stretch *s, floe_error *err) {
    const pit_answers *a = s->answers;
    const pit_column *column = a->column;
    FLOE_TRY(floe_alloc(s->count + 1, value_len(a->type.kind), &s->o->data, err));
    switch (a->type.kind) {
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        return put_narrow(s, err);
    case FLOE_KIND_BOOL:
        put_bools(s);
        return FLOE_OK;
    case FLOE_KIND_FLOAT:
        put_floats(s);
        return FLOE_OK;
    case FLOE_KIND_DOUBLE:
        GATHER(double, column->data.f64, (const double *)a->direct);
        if (a->any_of_equals) {
            canonical(s->o->data, s->count);
        }
        return FLOE_OK;
    case FLOE_KIND_DECIMAL:
        GATHER(__int128, column->data.i128, (const __int128 *)a->direct);
        return FLOE_OK;
    default:
        GATHER(int64_t, column->data.i64, (const int64_t *)a->direct);
        return FLOE_OK;
    }
}

static floe_str text_at(const stretch *s, size_t i) {
    const pit_answers *a = s->answers;
    return is_valid(s, i) ? a->column->symbols.keys[a->column->symbol[s->found[i]]] : (floe_str){"", 0};
}

static floe_status put_texts(const stretch *s, floe_error *err) {
    size_t len = 0;
    FLOE_TRY(floe_alloc(s->count + 1, sizeof(int32_t), &s->o->offsets, err));
    for (size_t i = 0; i < s->count; i++) {
        len += text_at(s, i).len;
        FLOE_ENSURE(len <= INT32_MAX, err, FLOE_LIMIT, "column \"%.*s\" would hold more than %d bytes in one batch",
                    FLOE_STR_BRIEF(s->answers->name), INT32_MAX);
        s->o->offsets[i + 1] = (int32_t)len;
    }
    FLOE_TRY(floe_realloc(&s->o->data, len + 1, 1, err));
    for (size_t i = 0; i < s->count; i++) {
        floe_str text = text_at(s, i);
        memcpy((char *)s->o->data + s->o->offsets[i], text.ptr, text.len);
    }
    return FLOE_OK;
}

static floe_status make_column(const pit_answers *answers, const uint32_t *found, size_t first, size_t count,
                               struct ArrowArray *array, floe_error *err) {
    array->release = release_array;
    FLOE_TRY(floe_alloc(1, sizeof(owned), &array->private_data, err));
    bool text = is_text(answers->type.kind);
    stretch s = {answers, found, first, count, array->private_data, 0};
    FLOE_TRY(mark_valid(&s, err));
    FLOE_TRY(text ? put_texts(&s, err) : put_numbers(&s, err));
    s.o->pointers[0] = s.nulls == 0 ? NULL : s.o->valid;
    s.o->pointers[1] = text ? (const void *)s.o->offsets : s.o->data;
    s.o->pointers[2] = text ? s.o->data : NULL;
    array->buffers = s.o->pointers;
    array->n_buffers = text ? 3 : 2;
    array->length = (int64_t)count;
    array->null_count = s.nulls;
    return FLOE_OK;
}

/* ---- the batch ---- */

/* Columns are made by whoever takes the next one. */
typedef struct making {
    const pit_answers *columns;
    size_t column_count, first, count;
    struct ArrowArray *batch;
    atomic_size_t next;
    atomic_bool stop;
} making;

static floe_status make_columns(void *context, floe_error *err) {
    making *m = context;
    FLOE_AUTO_FREE uint32_t *found = NULL;
    FLOE_TRY(floe_alloc(m->count + 1, sizeof(*found), &found, err));
    found_rows f = {.found = found};
    while (!atomic_load(&m->stop)) {
        size_t i = atomic_fetch_add(&m->next, 1);
        if (i >= m->column_count) {
            break;
        }
        FLOE_TRY(floe_alloc(1, sizeof(struct ArrowArray), &m->batch->children[i], err));
        find_rows(&f, &m->columns[i], m->first, m->count);
        FLOE_TRY(make_column(&m->columns[i], found, m->first, m->count, m->batch->children[i], err));
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
    bool alone = threads < 2 || m->column_count < 2 || m->column_count * m->count < CELLS_OF_ONE_THREAD;
    return alone ? make_columns(m, err) : floe_pit_together(threads, make_columns, m, &m->stop, err);
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
