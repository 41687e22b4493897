/*
 * The world of the kernel's tests, and the slow oracle.
 */
#include "tests/offline/pit_world.h"

#include "core/limits.h"
#include "core/mem.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const floe_type string_type = {.kind = FLOE_KIND_STRING};
static const floe_type int64_type = {.kind = FLOE_KIND_INT64};
static const floe_type double_type = {.kind = FLOE_KIND_DOUBLE};
static const floe_type bool_type = {.kind = FLOE_KIND_BOOL};
static const floe_type decimal_type = {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2};

void world_init(world *w) {
    *w = (world){0};
    floe_arena_init(&w->arena, FLOE_GIB(1));
    w->columns[WORLD_K1] = (floe_column){FLOE_STR("k1"), string_type};
    w->columns[WORLD_K2] = (floe_column){FLOE_STR("k2"), int64_type};
    w->columns[WORLD_I] = (floe_column){FLOE_STR("i"), int64_type};
    w->columns[WORLD_D] = (floe_column){FLOE_STR("d"), double_type};
    w->columns[WORLD_S] = (floe_column){FLOE_STR("s"), string_type};
    w->columns[WORLD_M] = (floe_column){FLOE_STR("m"), decimal_type};
    w->columns[WORLD_B] = (floe_column){FLOE_STR("b"), bool_type};
    w->columns[WORLD_F] = (floe_column){FLOE_STR("f"), {.kind = FLOE_KIND_FLOAT}};
    w->columns[WORLD_J] = (floe_column){FLOE_STR("j"), {.kind = FLOE_KIND_INT32}};
    w->columns[WORLD_X] = (floe_column){FLOE_STR("x"), {.kind = FLOE_KIND_BYTES}};
    w->columns[WORLD_Y] = (floe_column){FLOE_STR("y"), {.kind = FLOE_KIND_DATE}};
    w->columns[WORLD_T] = (floe_column){FLOE_STR("t"), {.kind = FLOE_KIND_TIMESTAMP}};
    w->single.about.name = FLOE_STR("single");
    w->single.keys = w->columns;
    w->single.key_count = 1;
    w->pair.about.name = FLOE_STR("pair");
    w->pair.keys = w->columns;
    w->pair.key_count = 2;
    w->source.about.name = FLOE_STR("events");
    w->source.event_time = FLOE_STR("event");
    w->source.created_time = FLOE_STR("created");
    w->source.end_time = FLOE_STR("end");
    w->source.columns = w->columns;
    w->source.column_count = WORLD_COLUMNS;
}

/* Zeroed memory until world_close. */
static void *world_keep(world *w, size_t len) {
    world_kept *kept = calloc(1, sizeof(*kept) + len);
    assert_non_null(kept);
    kept->next = w->kept;
    w->kept = kept;
    return kept + 1;
}

void world_close(world *w) {
    while (w->kept) {
        world_kept *next = w->kept->next;
        free(w->kept);
        w->kept = next;
    }
    free(w->rows);
    free(w->labels);
    floe_arena_close(&w->arena);
}

floe_view *world_view(world *w, const char *name, bool pair_keys) {
    static const floe_str keys[] = {{"k1", 2}, {"k2", 2}};
    assert_true(w->view_count < WORLD_VIEWS_MAX);
    floe_view *view = &w->views[w->view_count];
    *view = (floe_view){.about.name = floe_str_of(floe_arena_strdup(&w->arena, name)),
                        .entity = pair_keys ? &w->pair : &w->single,
                        .source = &w->source,
                        .key_columns = keys,
                        .outputs = w->outputs[w->view_count]};
    w->view_count++;
    return view;
}

void world_where(world *w, floe_view *view, const char *text) {
    floe_error err = {0};
    view->where_text = floe_str_of(text);
    assert_ok(floe_expr_parse(&w->arena, view->where_text, &view->where, &err), &err);
    assert_ok(floe_expr_bind(view->where, &w->arena, w->columns, WORLD_COLUMNS, &err), &err);
}

floe_output *world_output(world *w, floe_view *view, floe_function function, int column, int64_t window_us) {
    assert_true(view->output_count < WORLD_OUTPUTS_MAX);
    floe_output *output = &w->outputs[view - w->views][view->output_count++];
    *output = (floe_output){.function = function, .window_us = window_us};
    output->about.name = floe_str_of(floe_arena_printf(&w->arena, "o%zu", view->output_count));
    output->column = column < 0 ? FLOE_STR("*") : w->columns[column].name;
    output->column_type = column < 0 ? (floe_type){0} : w->columns[column].type;
    output->type = floe_function_type(function, output->column_type);
    return output;
}

void world_parameter(floe_output *output, uint32_t k, double quantile) {
    if (floe_function_lists(output->function)) {
        output->k = k;
    } else if (output->function == FLOE_FN_PERCENTILE) {
        output->quantile = quantile;
    }
}

world_row *world_add_row(world *w, const char *k1, int64_t k2, int64_t event) {
    if (w->row_count == w->row_room) {
        w->row_room = w->row_room == 0 ? 64 : w->row_room * 2;
        w->rows = realloc(w->rows, w->row_room * sizeof(*w->rows));
        assert_non_null(w->rows);
    }
    world_row *row = &w->rows[w->row_count];
    *row = (world_row){.event = event, .created = WORLD_NULL_TIME, .end = WORLD_NO_END, .pos = (int64_t)w->row_count};
    w->row_count++;
    for (int c = 0; c < WORLD_COLUMNS; c++) {
        row->cells[c] = floe_value_null(w->columns[c].type);
    }
    if (k1) {
        row->cells[WORLD_K1] = floe_value_string(floe_str_of(floe_arena_strdup(&w->arena, k1)));
    }
    row->cells[WORLD_K2] = floe_value_int64(k2);
    return row;
}

void world_set_i(world_row *row, int64_t value) {
    row->cells[WORLD_I] = floe_value_int64(value);
}

void world_set_d(world_row *row, double value) {
    row->cells[WORLD_D] = floe_value_double(value);
}

void world_set_s(world *w, world_row *row, const char *text) {
    row->cells[WORLD_S] = floe_value_string(floe_str_of(floe_arena_strdup(&w->arena, text)));
}

void world_set_m(world_row *row, int64_t unscaled) {
    row->cells[WORLD_M] = (floe_value){.type = decimal_type, .as.decimal = unscaled};
}

world_label *world_add_label(world *w, const char *k1, int64_t k2, int64_t time) {
    if (w->label_count == w->label_room) {
        w->label_room = w->label_room == 0 ? 64 : w->label_room * 2;
        w->labels = realloc(w->labels, w->label_room * sizeof(*w->labels));
        assert_non_null(w->labels);
    }
    world_label *label = &w->labels[w->label_count++];
    label->k1 = k1 ? floe_value_string(floe_str_of(floe_arena_strdup(&w->arena, k1))) : floe_value_null(string_type);
    label->k2 = floe_value_int64(k2);
    label->time = time;
    return label;
}

void world_ask_all(world *w) {
    w->refs = floe_arena_alloc(&w->arena, WORLD_VIEWS_MAX * WORLD_OUTPUTS_MAX, sizeof(*w->refs));
    w->ref_count = 0;
    for (size_t v = 0; v < w->view_count; v++) {
        for (size_t o = 0; o < w->views[v].output_count; o++) {
            w->refs[w->ref_count++] = (floe_ref){&w->views[v], &w->views[v].outputs[o]};
        }
    }
}

void world_ask_no_lists(world *w) {
    size_t kept = 0;
    for (size_t i = 0; i < w->ref_count; i++) {
        if (w->refs[i].output->type.kind != FLOE_KIND_LIST) {
            w->refs[kept++] = w->refs[i];
        }
    }
    w->ref_count = kept;
}

/* ---- running the kernel ---- */

static floe_value time_cell(int64_t micros, int64_t null_value) {
    floe_value value = floe_value_int64(micros == null_value ? 0 : micros);
    value.is_null = micros == null_value;
    return value;
}

/* The batches, and what was appended since the last of them. */
static floe_status stream_of(floe_arrow_builder *builder, const floe_column *columns, size_t count,
                             struct ArrowArray *batches, size_t batch_count, struct ArrowArrayStream *ret_stream,
                             floe_error *err) {
    FLOE_AUTO_SCHEMA schema = {0};
    floe_status status = floe_arrow_schema_make(columns, count, &schema, err);
    if (!floe_failed(status)) {
        status = floe_arrow_builder_finish(builder, &batches[batch_count], err);
        batch_count += !floe_failed(status);
    }
    if (!floe_failed(status)) {
        status = floe_arrow_stream_of_batches(&schema, batches, batch_count, ret_stream, err);
    }
    for (size_t i = 0; floe_failed(status) && i < batch_count; i++) {
        floe_arrow_array_release(&batches[i]);
    }
    return status;
}

static void builder_cleanup(floe_arrow_builder **builder) {
    floe_arrow_builder_close(builder);
}

floe_status world_labels(const world *w, bool with_row, struct ArrowArrayStream *ret_stream, floe_error *err) {
    floe_column columns[] = {w->columns[WORLD_K1],
                             w->columns[WORLD_K2],
                             {FLOE_STR("__floe_time"), int64_type},
                             {FLOE_STR("__floe_row"), int64_type}};
    size_t count = with_row ? 4 : 3;
    FLOE_CLEANUP(builder_cleanup) floe_arrow_builder *builder = NULL;
    FLOE_TRY(floe_arrow_builder_open(columns, count, &builder, err));
    for (size_t i = 0; i < w->label_count; i++) {
        floe_value cells[] = {w->labels[i].k1, w->labels[i].k2, time_cell(w->labels[i].time, WORLD_NULL_TIME),
                              floe_value_int64((int64_t)i)};
        FLOE_TRY(floe_arrow_builder_row(builder, cells, err));
    }
    struct ArrowArray batch = {0};
    return stream_of(builder, columns, count, &batch, 0, ret_stream, err);
}

static floe_status feed_labels(const world *w, floe_pit *pit, floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(world_labels(w, false, &stream, err));
    return floe_pit_labels(pit, &stream, err);
}

#define FIXED_COLUMNS 5
#define BATCHES 4

static floe_status append_row(const floe_pit_need *need, const world_row *row, floe_arrow_builder *builder,
                              floe_error *err) {
    floe_value cells[WORLD_COLUMNS + FIXED_COLUMNS + WORLD_VIEWS_MAX];
    size_t count = 0;
    for (int c = 0; c < WORLD_COLUMNS; c++) {
        cells[count++] = row->cells[c];
    }
    cells[count++] = time_cell(row->event, WORLD_NULL_TIME);
    cells[count++] = time_cell(row->created, WORLD_NULL_TIME);
    cells[count++] = time_cell(row->end, WORLD_NO_END);
    cells[count++] = floe_value_int64(row->seq);
    cells[count++] = floe_value_int64(row->pos);
    for (size_t i = 0; i < need->where_count; i++) {
        bool passes = !need->wheres[i] || floe_expr_passes(need->wheres[i], row->cells, NULL);
        cells[count++] = (floe_value){.type = bool_type, .as.boolean = passes};
    }
    return floe_arrow_builder_row(builder, cells, err);
}

floe_status world_rows(const world *w, const floe_pit_need *need, const size_t *order, size_t count,
                       struct ArrowArrayStream *ret_stream, floe_error *err) {
    static const char *const fixed[] = {"__floe_event", "__floe_created", "__floe_end", "__floe_seq", "__floe_pos"};
    static const char *const wheres[] = {"__floe_where_0", "__floe_where_1", "__floe_where_2", "__floe_where_3"};
    floe_column columns[WORLD_COLUMNS + FIXED_COLUMNS + WORLD_VIEWS_MAX];
    size_t column_count = 0;
    for (int c = 0; c < WORLD_COLUMNS; c++) {
        columns[column_count++] = w->columns[c];
    }
    for (int i = 0; i < FIXED_COLUMNS; i++) {
        columns[column_count++] = (floe_column){floe_str_of(fixed[i]), int64_type};
    }
    for (size_t i = 0; i < need->where_count; i++) {
        columns[column_count++] = (floe_column){floe_str_of(wheres[i]), bool_type};
    }
    FLOE_CLEANUP(builder_cleanup) floe_arrow_builder *builder = NULL;
    FLOE_TRY(floe_arrow_builder_open(columns, column_count, &builder, err));
    /* Several batches, so that threads take them in. */
    struct ArrowArray batches[BATCHES] = {0};
    size_t finished = 0;
    floe_status status = FLOE_OK;
    for (size_t i = 0; i < count && !floe_failed(status); i++) {
        status = append_row(need, &w->rows[order[i]], builder, err);
        if (!floe_failed(status) && finished + 1 < BATCHES && i + 1 == (finished + 1) * count / BATCHES) {
            status = floe_arrow_builder_finish(builder, &batches[finished], err);
            finished += !floe_failed(status);
        }
    }
    if (!floe_failed(status)) {
        return stream_of(builder, columns, column_count, batches, finished, ret_stream, err);
    }
    for (size_t i = 0; i < finished; i++) {
        floe_arrow_array_release(&batches[i]);
    }
    return status;
}

static const floe_pit_need *only_need(const floe_pit *pit) {
    size_t need_count;
    const floe_pit_need *need = floe_pit_needs(pit, &need_count);
    assert_int_equal(need_count, 1);
    return need;
}

size_t *world_shuffled(world *w, floe_test_rng *rng) {
    size_t *order = world_keep(w, (w->row_count + 1) * sizeof(*order));
    for (size_t i = 0; i < w->row_count; i++) {
        size_t j = floe_test_below(rng, i + 1);
        order[i] = order[j];
        order[j] = i;
    }
    return order;
}

static floe_status feed_all(world *w, floe_pit *pit, uint64_t seed, floe_error *err) {
    floe_test_rng rng = floe_test_rng_of(seed);
    const size_t *order = world_shuffled(w, &rng);
    for (size_t at = 0; at < w->row_count;) {
        size_t count = 1 + floe_test_below(&rng, w->row_count);
        count = count > w->row_count - at ? w->row_count - at : count;
        FLOE_AUTO_STREAM stream = {0};
        FLOE_TRY(world_rows(w, only_need(pit), order + at, count, &stream, err));
        FLOE_TRY(floe_pit_feed_stream(pit, 0, &stream, err));
        at += count;
    }
    return FLOE_OK;
}

/* Texts borrow from batches, so they are copied. */
static floe_value keep(world *w, floe_value value) {
    bool list = value.type.kind == FLOE_KIND_LIST;
    if (!value.is_null && list && value.as.list.count > 0) {
        floe_value *items = world_keep(w, value.as.list.count * sizeof(*items));
        for (size_t i = 0; i < value.as.list.count; i++) {
            items[i] = keep(w, value.as.list.items[i]);
        }
        value.as.list.items = items;
    }
    if (!value.is_null && (value.type.kind == FLOE_KIND_STRING || value.type.kind == FLOE_KIND_BYTES)) {
        char *copy = world_keep(w, value.as.bytes.len + 1);
        memcpy(copy, value.as.bytes.ptr, value.as.bytes.len);
        value.as.bytes.ptr = copy;
    }
    return value;
}

floe_status world_read(world *w, struct ArrowArrayStream *stream, floe_value **ret_answers, floe_error *err) {
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(floe_arrow_stream_schema(stream, "answers", &schema, err));
    assert_int_equal(schema.n_children, w->ref_count);
    *ret_answers = world_keep(w, (w->ref_count * w->label_count + 1) * sizeof(**ret_answers));
    size_t label = 0;
    for (;;) {
        FLOE_AUTO_ARENA arena; /* of its own: one that an allocation failed in stays so */
        floe_arena_init(&arena, FLOE_GIB(1));
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(stream, "answers", &batch, err));
        if (!batch.release) {
            break;
        }
        for (size_t c = 0; c < w->ref_count; c++) {
            floe_arrow_view view;
            FLOE_TRY(floe_arrow_view_of(&schema, &batch, (int64_t)c, &view, err));
            for (int64_t r = 0; r < batch.length; r++) {
                floe_value value;
                bool list = w->refs[c].output->type.kind == FLOE_KIND_LIST;
                FLOE_TRY(floe_arrow_get(&view, r, list ? &arena : NULL, &value, err));
                (*ret_answers)[c * w->label_count + label + (size_t)r] = keep(w, value);
            }
        }
        label += (size_t)batch.length;
    }
    assert_int_equal(label, w->label_count);
    return FLOE_OK;
}

floe_status world_run(world *w, const floe_pit_options *options, int threads, uint64_t seed, floe_value **ret_answers,
                      floe_pit_stats *ret_stats, floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options asked = *options;
    asked.threads = threads;
    FLOE_TRY(floe_pit_open(w->refs, w->ref_count, &asked, &pit, err));
    FLOE_TRY(feed_labels(w, pit, err));
    FLOE_TRY(feed_all(w, pit, seed, err));
    FLOE_TRY(floe_pit_run(pit, &(floe_run){.threads = threads}, err));
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_pit_stream(pit, &stream, err));
    FLOE_TRY(world_read(w, &stream, ret_answers, err));
    if (ret_stats) {
        floe_pit_stats_get(pit, ret_stats);
    }
    return FLOE_OK;
}

/* ---- the oracle ---- */

static bool keys_match(const floe_view *view, const world_row *row, const world_label *label) {
    const floe_value *pairs[][2] = {{&row->cells[WORLD_K1], &label->k1}, {&row->cells[WORLD_K2], &label->k2}};
    for (size_t i = 0; i < view->entity->key_count; i++) {
        if (pairs[i][0]->is_null || pairs[i][1]->is_null || floe_value_compare(pairs[i][0], pairs[i][1]) != 0) {
            return false;
        }
    }
    return true;
}

/* Rule 1: visible. */
static bool is_visible(const floe_view *view, const floe_pit_options *options, const world_row *row,
                       const world_label *label) {
    if (label->time == WORLD_NULL_TIME || row->event == WORLD_NULL_TIME || !keys_match(view, row, label)) {
        return false;
    }
    bool before = view->at_before && !options->ignore_at;
    if (before ? row->event >= label->time : row->event > label->time) {
        return false;
    }
    if (view->where && !floe_expr_passes(view->where, row->cells, NULL)) {
        return false;
    }
    return !options->as_known || (row->created != WORLD_NULL_TIME && row->created <= label->time);
}

/* Rule 2: the order of winners. */
bool world_beats(const world_row *a, const world_row *b) {
    if (a->event != b->event) {
        return a->event > b->event;
    }
    if (a->created != b->created) {
        return a->created > b->created; /* null is the smallest */
    }
    return a->seq != b->seq ? a->seq > b->seq : a->pos > b->pos;
}

/* NULL: none. *ret_tied: another one is of its times. */
static const world_row *winner_of(const world *w, const floe_pit_options *options, const floe_ref *ref,
                                  const world_label *label, bool *ret_tied) {
    const floe_view *view = ref->view;
    const world_row *winner = NULL;
    for (size_t i = 0; i < w->row_count; i++) {
        const world_row *row = &w->rows[i];
        if (!is_visible(view, options, row, label)) {
            continue;
        }
        bool fresh = view->ttl_us == 0 || row->event >= label->time - view->ttl_us;
        if (fresh && (!winner || world_beats(row, winner))) {
            winner = row;
        }
    }
    bool before = view->at_before && !options->ignore_at;
    if (winner && (before ? winner->end < label->time : winner->end <= label->time)) {
        winner = NULL;
    }
    *ret_tied = false;
    for (size_t i = 0; winner && i < w->row_count; i++) {
        const world_row *row = &w->rows[i];
        *ret_tied = *ret_tied || (row != winner && is_visible(view, options, row, label) &&
                                  row->event == winner->event && row->created == winner->created);
    }
    return winner;
}

/* The rows in the window that have a value; returns how many. */
static size_t window_rows(const world *w, const floe_pit_options *options, const floe_ref *ref, int column,
                          const world_label *label, const world_row **rows) {
    const floe_view *view = ref->view;
    bool before = view->at_before && !options->ignore_at;
    size_t count = 0;
    for (size_t i = 0; i < w->row_count; i++) {
        const world_row *row = &w->rows[i];
        if (!is_visible(view, options, row, label)) {
            continue;
        }
        int64_t from = label->time - ref->output->window_us;
        bool inside = ref->output->window_us == 0 || (before ? from <= row->event : from < row->event);
        if (inside && (column < 0 || !row->cells[column].is_null)) {
            rows[count++] = row;
        }
    }
    return count;
}

long double world_number(const floe_value *value) {
    if (value->type.kind == FLOE_KIND_DECIMAL) {
        return (long double)value->as.decimal / 100.0L;
    }
    bool real = value->type.kind == FLOE_KIND_DOUBLE || value->type.kind == FLOE_KIND_FLOAT;
    return real ? (long double)value->as.real : (long double)value->as.integer;
}

/* total / divisor rounded once: divided as doubles where both are exact in them, else with 64 bits more and one for the rest,
 * so that the compiler's own rounding decides. |total| < 2^63, divisor < 2^14. */
static double quotient(__int128 total, int64_t divisor) {
    __int128 magnitude = total < 0 ? -total : total;
    if (magnitude < (INT64_C(1) << 53)) {
        return (double)total / (double)divisor;
    }
    unsigned __int128 lifted = (unsigned __int128)magnitude << 64, parts = (unsigned __int128)divisor;
    double value = ldexp((double)(lifted / parts | (lifted % parts != 0)), -64);
    return total < 0 ? -value : value;
}

static double plain_mean(const floe_value *const *values, size_t count) {
    floe_kind kind = values[0]->type.kind;
    __int128 total = 0;
    long double sum = 0;
    for (size_t i = 0; i < count; i++) {
        total += kind == FLOE_KIND_DECIMAL ? values[i]->as.decimal : (__int128)values[i]->as.integer;
        sum += world_number(values[i]);
    }
    if (kind == FLOE_KIND_DOUBLE || kind == FLOE_KIND_FLOAT) {
        return (double)sum / (double)count;
    }
    return quotient(total, (int64_t)count * (kind == FLOE_KIND_DECIMAL ? 100 : 1));
}

static double plain_stddev(const floe_value *const *values, size_t count) {
    long double mean = 0, spread = 0;
    for (size_t i = 0; i < count; i++) {
        mean += world_number(values[i]);
    }
    mean /= (long double)count;
    for (size_t i = 0; i < count; i++) {
        spread += (world_number(values[i]) - mean) * (world_number(values[i]) - mean);
    }
    return (double)sqrtl(spread / (long double)(count - 1));
}

static int64_t distinct_of(const floe_value *const *values, size_t count) {
    int64_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++) {
            seen = floe_value_compare(values[i], values[j]) == 0;
        }
        distinct += !seen;
    }
    return distinct;
}

static void sum_of(const floe_value *const *values, size_t count, floe_value *answer) {
    for (size_t i = 0; i < count; i++) {
        if (answer->type.kind == FLOE_KIND_DOUBLE) {
            answer->as.real += values[i]->as.real;
        } else if (answer->type.kind == FLOE_KIND_DECIMAL) {
            answer->as.decimal += values[i]->as.decimal;
        } else {
            answer->as.integer += values[i]->as.integer;
        }
    }
}

static void oracle_aggregate(floe_function function, const floe_value *const *values, size_t count,
                             floe_value *answer) {
    if (function == FLOE_FN_COUNT || function == FLOE_FN_COUNT_DISTINCT) {
        *answer = floe_value_int64(function == FLOE_FN_COUNT ? (int64_t)count : distinct_of(values, count));
        return;
    }
    answer->is_null = count == 0 || (function == FLOE_FN_STDDEV && count < 2);
    if (answer->is_null) {
        return;
    }
    if (function == FLOE_FN_SUM) {
        sum_of(values, count, answer);
    } else if (function == FLOE_FN_MEAN) {
        answer->as.real = plain_mean(values, count);
    } else if (function == FLOE_FN_STDDEV) {
        answer->as.real = plain_stddev(values, count);
    } else {
        *answer = *values[0];
        for (size_t i = 1; i < count; i++) {
            int order = floe_value_compare(values[i], answer);
            *answer = (function == FLOE_FN_MIN ? order < 0 : order > 0) ? *values[i] : *answer;
        }
    }
}

static int column_of(const world *w, floe_str name) {
    for (int c = 0; c < WORLD_COLUMNS; c++) {
        if (floe_str_equal(w->columns[c].name, name)) {
            return c;
        }
    }
    return -1;
}

void world_oracle(const world *w, const floe_pit_options *options, const floe_ref *ref, size_t label,
                  floe_value *ret_answer) {
    int column = column_of(w, ref->output->column);
    if (ref->output->function == FLOE_FN_NONE) {
        bool tied;
        const world_row *winner = winner_of(w, options, ref, &w->labels[label], &tied);
        *ret_answer = winner ? winner->cells[column] : floe_value_null(ref->output->type);
        return;
    }
    const world_row **rows = malloc((w->row_count + 1) * sizeof(*rows));
    const floe_value **values = malloc((w->row_count + 1) * sizeof(*values));
    assert_non_null(rows);
    assert_non_null(values);
    size_t count = window_rows(w, options, ref, column, &w->labels[label], rows);
    for (size_t i = 0; i < count; i++) {
        values[i] = &rows[i]->cells[column < 0 ? WORLD_K2 : column];
    }
    *ret_answer = floe_value_null(ref->output->type);
    if (ref->output->function > FLOE_FN_COUNT_DISTINCT) {
        world_oracle_more(ref->output, rows, column, count, ret_answer);
    } else {
        oracle_aggregate(ref->output->function, values, count, ret_answer);
    }
    free(values);
    free(rows);
}

bool world_rounds(floe_function function) {
    return function == FLOE_FN_STDDEV || function == FLOE_FN_STDDEV_POP || function == FLOE_FN_VARIANCE ||
           function == FLOE_FN_VARIANCE_POP;
}

bool world_same(const floe_ref *ref, const floe_value *a, const floe_value *b) {
    if (a->is_null || b->is_null) {
        return a->is_null == b->is_null;
    }
    if (world_rounds(ref->output->function) && !isnan(a->as.real) && !isnan(b->as.real)) {
        return a->as.real == b->as.real || fabs(a->as.real - b->as.real) <= 1e-12 * fabs(b->as.real) + 1e-300;
    }
    return floe_value_compare(a, b) == 0;
}

void world_fail(const world *w, const floe_ref *ref, size_t label, const floe_value *got, const floe_value *want,
                const char *who, uint64_t seed) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(1));
    floe_buf_printf(&text, "seed %llu: view %.*s (%s) output %.*s %s(%.*s) window %lld, label %zu at %lld: got ",
                    (unsigned long long)seed, FLOE_STR_ARG(ref->view->about.name),
                    ref->view->at_before ? "before" : "at or before", FLOE_STR_ARG(ref->output->about.name),
                    floe_function_name(ref->output->function), FLOE_STR_ARG(ref->output->column),
                    (long long)ref->output->window_us, label, (long long)w->labels[label].time);
    floe_value_print_json(got, &text);
    floe_buf_printf(&text, ", %s says ", who);
    floe_value_print_json(want, &text);
    fail_msg("%s", text.ptr);
}

/* Once per label and view that has as-of features, and once per label and output that is an end of its window. */
static bool counts_ties(const world *w, size_t ref) {
    const floe_ref *mine = &w->refs[ref];
    bool as_of = mine->output->function == FLOE_FN_NONE;
    for (size_t i = 0; i < ref; i++) {
        bool same = as_of ? w->refs[i].view == mine->view && w->refs[i].output->function == FLOE_FN_NONE
                          : w->refs[i].output == mine->output;
        if (same) {
            return false;
        }
    }
    return as_of || (mine->output->function >= FLOE_FN_FIRST && mine->output->function <= FLOE_FN_LAST_K);
}

int64_t world_oracle_ties(const world *w, const floe_pit_options *options) {
    int64_t ties = 0;
    const world_row **rows = malloc((w->row_count + 1) * sizeof(*rows));
    assert_non_null(rows);
    for (size_t c = 0; c < w->ref_count; c++) {
        const floe_ref *ref = &w->refs[c];
        for (size_t label = 0; label < w->label_count && counts_ties(w, c); label++) {
            bool tied;
            if (ref->output->function == FLOE_FN_NONE) {
                (void)winner_of(w, options, ref, &w->labels[label], &tied);
            } else {
                size_t count = window_rows(w, options, ref, column_of(w, ref->output->column), &w->labels[label], rows);
                tied = world_oracle_ends_tied(ref->output, rows, count);
            }
            ties += tied;
        }
    }
    free(rows);
    return ties;
}

void world_check(world *w, const floe_pit_options *options, int threads, uint64_t seed) {
    floe_error err = {0};
    floe_value *answers;
    floe_pit_stats stats;
    assert_ok(world_run(w, options, threads, seed, &answers, &stats, &err), &err);
    for (size_t c = 0; c < w->ref_count; c++) {
        for (size_t label = 0; label < w->label_count; label++) {
            floe_value want;
            world_oracle(w, options, &w->refs[c], label, &want);
            const floe_value *got = &answers[c * w->label_count + label];
            if (!world_same(&w->refs[c], got, &want)) {
                world_fail(w, &w->refs[c], label, got, &want, "the rule", seed);
            }
        }
    }
    int64_t ties = world_oracle_ties(w, options);
    if (stats.ties != ties) {
        fail_msg("seed %llu: %lld ties are counted, the rule says %lld", (unsigned long long)seed,
                 (long long)stats.ties, (long long)ties);
    }
}
