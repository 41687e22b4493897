/*
 * Where a time falls among the labels of a key, in a step or two.
 *
 * The time between a key's first and last label is divided into no more even spans (of 2^shift µs) than it has labels, and
 * for each span it is known which label is the first in it: labels mostly lie evenly, so a span has one or two. Where many
 * lie in one, they are halved, so that it takes no more than log steps however they lie.
 */
#include "offline/pit/rows/calendar.h"

#include "core/mem.h"

#define FEW 8 /* labels that are looked at one by one */

typedef struct key_span {
    int64_t first_time;
    uint32_t start, end; /* labels */
    uint32_t spans_at;   /* where its spans begin */
    uint32_t span_count; /* 0: the key has no label */
    unsigned shift;
} key_span;

struct pit_calendar {
    pit_post *posts;
    key_span *keys;
    uint32_t *spans; /* per span the first label at or after it; after a key's last one its `end` */
};

/* Divides the labels of one key; its spans begin at `at`. Returns where the next key's do. */
static uint32_t divide(pit_calendar *calendar, const int64_t *times, key_span *key, uint32_t at) {
    uint32_t count = key->end - key->start;
    key->spans_at = at;
    if (count == 0) {
        return at;
    }
    key->first_time = times[key->start];
    uint64_t first = (uint64_t)key->first_time, length = (uint64_t)times[key->end - 1] - first;
    while (length >> key->shift >= count) {
        key->shift++;
    }
    key->span_count = (uint32_t)(length >> key->shift) + 1;
    uint32_t label = key->start;
    for (uint32_t span = 0; span < key->span_count; span++) {
        while (((uint64_t)times[label] - first) >> key->shift < span) {
            label++;
        }
        calendar->spans[at + span] = label;
    }
    calendar->spans[at + key->span_count] = key->end;
    return at + key->span_count + 1;
}

floe_status floe_pit_calendar_open(const int64_t *times, const uint32_t *starts, size_t key_count,
                                   pit_calendar **ret_calendar, floe_error *err) {
    FLOE_CLEANUP(floe_pit_calendar_close) pit_calendar *calendar = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*calendar), &calendar, err));
    size_t labels = starts[key_count], spans = labels + key_count + 1;
    FLOE_TRY(floe_alloc(labels + 1, sizeof(*calendar->posts), &calendar->posts, err));
    FLOE_TRY(floe_alloc(key_count + 1, sizeof(*calendar->keys), &calendar->keys, err));
    FLOE_TRY(floe_realloc(&calendar->spans, spans, sizeof(uint32_t), err));
    floe_mem_advise_huge(calendar->posts, labels * sizeof(*calendar->posts));
    floe_mem_advise_huge(calendar->keys, key_count * sizeof(*calendar->keys));
    floe_mem_advise_huge(calendar->spans, spans * sizeof(uint32_t));
    for (size_t i = 0; i < labels; i++) {
        calendar->posts[i].time = times[i];
    }
    uint32_t at = 0;
    for (size_t k = 0; k < key_count; k++) {
        calendar->keys[k].start = starts[k];
        calendar->keys[k].end = starts[k + 1];
        at = divide(calendar, times, &calendar->keys[k], at);
    }
    *ret_calendar = calendar;
    calendar = NULL;
    return FLOE_OK;
}

void floe_pit_calendar_close(pit_calendar **calendar) {
    if (*calendar) {
        floe_free((*calendar)->posts);
        floe_free((*calendar)->keys);
        floe_free((*calendar)->spans);
        floe_free(*calendar);
        *calendar = NULL;
    }
}

/* The first label of [low, high), whose times rise, that is at or after `from`; `high`: none. */
static uint32_t first_among(const pit_post *posts, uint32_t low, uint32_t high, int64_t from) {
    while (high - low > FEW) {
        uint32_t middle = low + (high - low) / 2;
        bool reached = posts[middle].time >= from;
        high = reached ? middle : high;
        low = reached ? low : middle + 1;
    }
    while (low < high && posts[low].time < from) {
        low++;
    }
    return low;
}

/* The span that holds `from`; its place among all spans. Times before the first label's belong to the first. */
static bool span_of(const key_span *key, int64_t from, uint32_t *ret_at) {
    uint64_t span = from <= key->first_time ? 0 : ((uint64_t)from - (uint64_t)key->first_time) >> key->shift;
    *ret_at = key->spans_at + (uint32_t)span;
    return span < key->span_count;
}

/* The posts of labels whose spans are known. */
static void find_posts(const pit_calendar *calendar, const uint32_t *keys, const int64_t *from, const uint64_t *ranks,
                       size_t count, uint32_t *labels) {
    const pit_post *posts = calendar->posts;
    for (size_t i = 0; i < count; i++) {
        if (labels[i] == PIT_NO_ROW) {
            continue;
        }
        const uint32_t *span = &calendar->spans[labels[i]];
        uint32_t label = first_among(posts, span[0], span[1], from[i]);
        bool some = label < calendar->keys[keys[i]].end;
        if (some && ranks) {
            some = ranks[i] >= atomic_load_explicit(&posts[label].standing, memory_order_relaxed);
        }
        labels[i] = some ? label : PIT_NO_ROW;
    }
}

void floe_pit_calendar_find(const pit_calendar *calendar, const uint32_t *keys, const int64_t *from,
                            const uint64_t *ranks, size_t count, uint32_t *ret_labels) {
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(&calendar->keys[keys[i]]);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t at;
        bool holds = from[i] != INT64_MAX && span_of(&calendar->keys[keys[i]], from[i], &at);
        ret_labels[i] = holds ? at : PIT_NO_ROW;
        if (holds) {
            __builtin_prefetch(&calendar->spans[at]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (ret_labels[i] != PIT_NO_ROW) {
            __builtin_prefetch(&calendar->posts[calendar->spans[ret_labels[i]]]);
        }
    }
    find_posts(calendar, keys, from, ranks, count, ret_labels);
}

atomic_uint_least64_t *floe_pit_calendar_standing(const pit_calendar *calendar, uint32_t label) {
    return &calendar->posts[label].standing;
}
