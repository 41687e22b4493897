/*
 * Statistics of a column as its cells go by. See stats.h.
 */
#include "offline/dataset/content/stats.h"

#include "core/hash.h"
#include "core/limits.h"

#include <math.h>
#include <stdlib.h>

#define TEXT_SLOTS (2 * STATS_DISTINCT_MAX)
#define FINE_BITS 50  /* a first value's bin is this much finer than it */
#define FINEST (-990) /* the exponent of a bin of zeros, whose 2^-exponent is a number */

void floe_stats_init(column_stats *stats, floe_type type, floe_arena *arena) {
    *stats = (column_stats){.type = type, .arena = arena};
}

/* ---- the histogram ---- */

static int64_t floor_half(int64_t place) {
    return (place - (place & 1)) / 2;
}

/* How many bins are in use; the first always is, once there is any. */
static int last_bin(const column_stats *stats) {
    int last = STATS_BINS - 1;
    while (last > 0 && stats->bins[last] == 0) {
        last--;
    }
    return last;
}

/* Twice as wide: bin i goes to the one that covers it. */
static void widen(column_stats *stats) {
    int64_t merged[STATS_BINS] = {0};
    int64_t first = floor_half(stats->first);
    for (int i = 0; i < STATS_BINS; i++) {
        int64_t to = floor_half(stats->first + i) - first;
        if (stats->bins[i] > 0) {
            merged[to] += stats->bins[i];
        }
    }
    stats->first = first;
    stats->exponent++;
    memcpy(stats->bins, merged, sizeof(merged));
}

/* Bins begin at the lowest that is used. */
static void move_first(column_stats *stats, int64_t first) {
    int64_t moved[STATS_BINS] = {0};
    for (int i = 0; i < STATS_BINS; i++) {
        if (stats->bins[i] > 0) {
            moved[stats->first + i - first] = stats->bins[i];
        }
    }
    stats->first = first;
    memcpy(stats->bins, moved, sizeof(moved));
}

/* 2^-exponent, by which a number is multiplied to find its place: as exact as ldexp, and quicker. 0: out of range. */
static void set_scale(column_stats *stats) {
    stats->scale = stats->exponent > -1000 && stats->exponent < 1000 ? ldexp(1, -stats->exponent) : 0;
}

/* Whether the number lies in the bins as they are; nearly all do. */
static inline bool count_within(column_stats *stats, double number) {
    double place = floor(number * stats->scale);
    bool within = stats->scale > 0 && place >= (double)stats->first && place < (double)(stats->first + STATS_BINS);
    if (within) {
        stats->bins[(int64_t)place - stats->first]++;
    }
    return within;
}

static void count_number(column_stats *stats, double number) {
    if (stats->number_count == 0) {
        (void)frexp(number, &stats->exponent);
        stats->exponent = number == 0 || stats->exponent < FINEST + FINE_BITS ? FINEST : stats->exponent - FINE_BITS;
        stats->first = (int64_t)floor(ldexp(number, -stats->exponent));
    }
    for (;;) {
        double place = floor(ldexp(number, -stats->exponent));
        double last = (double)(stats->first + last_bin(stats));
        double low = place < (double)stats->first ? place : (double)stats->first;
        double high = place > last ? place : last;
        if (high - low < STATS_BINS) {
            if (low < (double)stats->first) {
                move_first(stats, (int64_t)low);
            }
            stats->bins[(int64_t)place - stats->first]++;
            set_scale(stats);
            return;
        }
        widen(stats);
    }
}

/* Adds the bins of other numbers, of which there are some. */
static void merge_bins(column_stats *stats, column_stats others) {
    while (stats->exponent < others.exponent) {
        widen(stats);
    }
    while (others.exponent < stats->exponent) {
        widen(&others);
    }
    for (;;) {
        int64_t last = stats->first + last_bin(stats), other_last = others.first + last_bin(&others);
        int64_t low = others.first < stats->first ? others.first : stats->first;
        if ((other_last > last ? other_last : last) - low < STATS_BINS) {
            break;
        }
        widen(stats);
        widen(&others);
    }
    if (others.first < stats->first) {
        move_first(stats, others.first);
    }
    for (int i = 0; i < STATS_BINS; i++) {
        if (others.bins[i] > 0) {
            stats->bins[others.first + i - stats->first] += others.bins[i];
        }
    }
    set_scale(stats);
}

/* ---- mean and deviation ---- */

/* Of both (Chan, Golub and LeVeque). */
static stats_moments together(const stats_moments *a, const stats_moments *b) {
    if (a->count == 0 || b->count == 0) {
        return a->count == 0 ? *b : *a;
    }
    double before = (double)a->count, count = (double)b->count, all = before + count, delta = b->mean - a->mean;
    double mean =
        isfinite(delta) ? a->mean + delta * (count / all) : a->mean * (before / all) + b->mean * (count / all);
    return (stats_moments){a->count + b->count, mean, a->m2 + b->m2 + delta * delta * (before / all) * count};
}

/* One number after the other, for those whose squares or sums are no ordinary numbers. */
static void settle_each(column_stats *stats) {
    stats_moments *m = &stats->stretch;
    for (size_t i = 0; i < stats->pending_count; i++) {
        double delta = stats->pending[i] - m->mean;
        m->mean += delta / (double)++m->count;
        m->m2 += delta * (stats->pending[i] - m->mean);
    }
}

/* Sums of what a few numbers are beyond `from`, and of its squares: four at a time, because each sum waits for the one before. */
static void sum_beyond(const column_stats *stats, double from, double *ret_sum, double *ret_squares) {
    double sums[4] = {0}, squares[4] = {0};
    for (size_t i = 0; i < stats->pending_count; i++) {
        double beyond = stats->pending[i] - from;
        sums[i % 4] += beyond;
        squares[i % 4] += beyond * beyond;
    }
    *ret_sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    *ret_squares = (squares[0] + squares[1]) + (squares[2] + squares[3]);
}

/* Takes what is pending into the moments of the stretch. */
static void settle(column_stats *stats) {
    double sum, ignored, rest;
    if (stats->pending_count == 0) {
        return;
    }
    sum_beyond(stats, stats->pending[0], &sum, &ignored);
    stats_moments some = {.count = (int64_t)stats->pending_count};
    some.mean = stats->pending[0] + sum / (double)some.count;
    sum_beyond(stats, some.mean, &rest, &some.m2);
    stats_moments both = together(&stats->stretch, &some);
    if (isfinite(both.m2) && isfinite(both.mean)) {
        stats->stretch = both;
    } else {
        settle_each(stats);
    }
    stats->pending_count = 0;
}

stats_moments floe_stats_stretch(column_stats *stats) {
    settle(stats);
    stats_moments ended = stats->stretch;
    stats->stretch = (stats_moments){0};
    return ended;
}

void floe_stats_follow(column_stats *stats, const stats_moments *next) {
    stats->all = together(&stats->all, next);
}

static inline void add_number(column_stats *stats, double number) {
    if (!count_within(stats, number)) {
        count_number(stats, number);
    }
    stats->number_count++;
    stats->pending[stats->pending_count++] = number;
    if (stats->pending_count == STATS_PENDING) {
        settle(stats);
    }
}

/* ---- texts ---- */

static void add_text(column_stats *stats, floe_str text, int64_t count) {
    if (stats->many_texts) {
        return;
    }
    if (!stats->texts) {
        stats->texts = floe_arena_alloc(stats->arena, TEXT_SLOTS, sizeof(*stats->texts));
        if (!stats->texts) {
            return;
        }
    }
    size_t at = floe_xxh64(text.ptr, text.len, 0) % TEXT_SLOTS;
    while (stats->texts[at].count > 0 && !floe_str_equal(stats->texts[at].text, text)) {
        at = (at + 1) % TEXT_SLOTS;
    }
    if (stats->texts[at].count == 0) {
        if (stats->text_count == STATS_DISTINCT_MAX) {
            stats->many_texts = true;
            return;
        }
        stats->texts[at].text = floe_arena_str(stats->arena, text);
        stats->text_count++;
    }
    stats->texts[at].count += count;
}

static void merge_texts(column_stats *stats, const column_stats *others) {
    for (size_t i = 0; others->texts && i < TEXT_SLOTS; i++) {
        if (others->texts[i].count > 0) {
            add_text(stats, others->texts[i].text, others->texts[i].count);
        }
    }
    stats->many_texts = stats->many_texts || others->many_texts;
}

/* ---- cells ---- */

static double number_of(const floe_value *value) {
    switch (value->type.kind) {
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        return value->as.real;
    case FLOE_KIND_BOOL:
        return value->as.boolean;
    case FLOE_KIND_DECIMAL:
        return (double)value->as.decimal / pow(10, value->type.scale);
    default:
        return (double)value->as.integer;
    }
}

static bool is_text(floe_kind kind) {
    return kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES;
}

/* Zero has no sign here: which came first would show. */
static void add_extremes(column_stats *stats, const floe_value *value) {
    floe_value plain = *value;
    bool real = value->type.kind == FLOE_KIND_FLOAT || value->type.kind == FLOE_KIND_DOUBLE;
    if (real && value->as.real == 0) {
        plain.as.real = 0;
    }
    if (!stats->has_extremes || floe_value_compare(&plain, &stats->min) < 0) {
        stats->min = plain;
    }
    if (!stats->has_extremes || floe_value_compare(&plain, &stats->max) > 0) {
        stats->max = plain;
    }
    stats->has_extremes = true;
}

void floe_stats_add(column_stats *stats, const floe_value *value) {
    if (value->is_null) {
        stats->null_count++;
        return;
    }
    stats->count++;
    floe_kind kind = value->type.kind;
    if (kind == FLOE_KIND_LIST) {
        return;
    }
    bool real = kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DOUBLE;
    if (real && isnan(value->as.real)) {
        stats->nan_count++;
        return;
    }
    if (is_text(kind)) {
        add_text(stats, value->as.bytes, 1);
        return;
    }
    add_extremes(stats, value);
    if (real && isinf(value->as.real)) {
        stats->infinite_count++;
    } else {
        add_number(stats, number_of(value));
    }
}

void floe_stats_add_whole(column_stats *stats, int64_t number) {
    stats->count++;
    if (!stats->has_extremes) {
        stats->min = stats->max = (floe_value){.type = stats->type};
        stats->min.as.integer = stats->max.as.integer = number;
        stats->has_extremes = true;
    }
    stats->min.as.integer = number < stats->min.as.integer ? number : stats->min.as.integer;
    stats->max.as.integer = number > stats->max.as.integer ? number : stats->max.as.integer;
    add_number(stats, (double)number);
}

void floe_stats_add_real(column_stats *stats, double number) {
    bool settled =
        stats->has_extremes && isfinite(number) && number > stats->min.as.real && number < stats->max.as.real;
    if (settled) {
        stats->count++;
        add_number(stats, number);
        return;
    }
    floe_value value = {.type = stats->type, .as.real = number};
    floe_stats_add(stats, &value);
}

/* ---- several ---- */

void floe_stats_merge(column_stats *stats, const column_stats *others) {
    stats->null_count += others->null_count;
    stats->count += others->count;
    stats->nan_count += others->nan_count;
    stats->infinite_count += others->infinite_count;
    if (others->has_extremes) {
        add_extremes(stats, &others->min);
        add_extremes(stats, &others->max);
    }
    if (stats->number_count == 0) {
        stats->exponent = others->exponent;
        stats->first = others->first;
        stats->scale = others->scale;
        memcpy(stats->bins, others->bins, sizeof(stats->bins));
    } else if (others->number_count > 0) {
        merge_bins(stats, *others);
    }
    stats->number_count += others->number_count;
    merge_texts(stats, others);
}

/* ---- printing ---- */

static void print_value(const char *key, const floe_value *value, floe_json_writer *json) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_GIB(1));
    floe_value_print_json(value, &text);
    floe_json_key(json, key);
    if (text.failed) {
        json->out->failed = true;
    } else {
        floe_json_raw(json, floe_buf_view(&text));
    }
}

static void print_histogram(const column_stats *stats, floe_json_writer *json) {
    int exponent =
        stats->exponent == FINEST && stats->first == 0 && last_bin(stats) == 0 ? -FINE_BITS : stats->exponent;
    floe_json_key(json, "histogram");
    floe_json_object_begin(json);
    floe_json_key(json, "from");
    floe_json_real(json, ldexp((double)stats->first, exponent));
    floe_json_key(json, "width");
    floe_json_real(json, ldexp(1, exponent));
    floe_json_key(json, "counts");
    floe_json_array_begin(json);
    for (int i = 0; i <= last_bin(stats); i++) {
        floe_json_int(json, stats->bins[i]);
    }
    floe_json_array_end(json);
    floe_json_object_end(json);
}

static void print_numbers(const column_stats *stats, floe_json_writer *json) {
    floe_json_key(json, "mean");
    floe_json_real(json, stats->all.mean);
    if (stats->number_count > 1) {
        floe_json_key(json, "stddev");
        floe_json_real(json, sqrt(stats->all.m2 / (double)(stats->number_count - 1)));
    }
    print_histogram(stats, json);
}

static int compare_texts(const void *a, const void *b) {
    const stats_text *x = a, *y = b;
    if (x->count != y->count) {
        return x->count > y->count ? -1 : 1;
    }
    return floe_str_compare(x->text, y->text);
}

static void print_texts(const column_stats *stats, floe_json_writer *json) {
    floe_json_key(json, "distinct");
    if (stats->many_texts) {
        floe_json_null(json);
        return;
    }
    floe_json_int(json, (int64_t)stats->text_count);
    stats_text *sorted = floe_arena_alloc(stats->arena, TEXT_SLOTS, sizeof(*sorted));
    if (!sorted) {
        return;
    }
    memcpy(sorted, stats->texts, TEXT_SLOTS * sizeof(*sorted));
    qsort(sorted, TEXT_SLOTS, sizeof(*sorted), compare_texts);
    floe_json_key(json, "top");
    floe_json_array_begin(json);
    for (size_t i = 0; i < STATS_TOP && i < stats->text_count; i++) {
        floe_value value = {.type = stats->type, .as.bytes = sorted[i].text};
        floe_json_object_begin(json);
        print_value("value", &value, json);
        floe_json_key(json, "count");
        floe_json_int(json, sorted[i].count);
        floe_json_object_end(json);
    }
    floe_json_array_end(json);
}

void floe_stats_print(column_stats *stats, floe_json_writer *json) {
    const stats_moments last = floe_stats_stretch(stats);
    floe_stats_follow(stats, &last);
    floe_json_key(json, "nulls");
    floe_json_int(json, stats->null_count);
    floe_json_key(json, "count");
    floe_json_int(json, stats->count);
    if (stats->type.kind == FLOE_KIND_FLOAT || stats->type.kind == FLOE_KIND_DOUBLE) {
        floe_json_key(json, "nan");
        floe_json_int(json, stats->nan_count);
        floe_json_key(json, "infinite");
        floe_json_int(json, stats->infinite_count);
    }
    if (stats->has_extremes) {
        print_value("min", &stats->min, json);
        print_value("max", &stats->max, json);
    }
    if (stats->number_count > 0) {
        print_numbers(stats, json);
    }
    if (stats->text_count > 0) {
        print_texts(stats, json);
    }
}
