/*
 * Where a time falls among the labels of a key, in a step or two.
 *
 * The time between a key's first and last label is divided into no more even spans (of 2^shift µs) than it has labels, and
 * for each span it is known which label is the first in it: labels mostly lie evenly, so a span has one or two. Where many
 * lie in one, they are halved, so that it takes no more than log steps however they lie.
 */
#include "offline/pit/rows/calendar.h"

#include "core/mem.h"
#include "offline/together.h"

#define FEW 8 /* labels that are looked at one by one */

/* Two lie in one line of the cache with the next, whose start is where this key's labels end. */
typedef struct key_span {
    int64_t first_time;
    uint32_t start; /* label */
    uint32_t shift;
} key_span;

struct pit_calendar {
    pit_post *posts;
    key_span *keys;  /* and one more, where the labels end */
    uint32_t *spans; /* per span the first label at or after it; from the last label's on where the key's labels end */
};

/* A key has no more spans than labels, and one place more. */
static inline size_t spans_of(const pit_calendar *calendar, size_t key) {
    return calendar->keys[key].start + key;
}

/* Divides the labels of one key. */
static void divide(pit_calendar *calendar, const int64_t *times, size_t k, uint32_t end) {
    key_span *key = &calendar->keys[k];
    uint32_t count = end - key->start, label = key->start, *spans = calendar->spans + spans_of(calendar, k);
    if (count == 0) {
        return;
    }
    key->first_time = times[key->start];
    uint64_t first = (uint64_t)key->first_time, length = (uint64_t)times[end - 1] - first;
    while (length >> key->shift >= count) {
        key->shift++;
    }
    for (uint32_t span = 0; span <= count; span++) {
        while (label < end && ((uint64_t)times[label] - first) >> key->shift < span) {
            label++;
        }
        spans[span] = label;
    }
}

typedef struct opening {
    pit_calendar *calendar;
    const int64_t *times;
    const uint32_t *starts;
} opening;

#define OPENED_KEYS ((size_t)4096) /* by one thread at a time */

static floe_status open_keys(void *context, size_t first, size_t last, floe_error *err) {
    (void)err;
    const opening *o = context;
    for (uint32_t label = o->starts[first]; label < o->starts[last]; label++) {
        o->calendar->posts[label].time = o->times[label];
    }
    for (size_t k = first; k < last; k++) {
        o->calendar->keys[k] = (key_span){.start = o->starts[k]};
        divide(o->calendar, o->times, k, o->starts[k + 1]);
    }
    return FLOE_OK;
}

floe_status floe_pit_calendar_open(const int64_t *times, const uint32_t *starts, size_t key_count, int threads,
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
    opening o = {calendar, times, starts};
    calendar->keys[key_count].start = starts[key_count];
    FLOE_TRY(floe_together_over(threads, key_count, OPENED_KEYS, open_keys, &o, err));
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
static bool span_of(const pit_calendar *calendar, uint32_t k, int64_t from, uint32_t *ret_at) {
    const key_span *key = &calendar->keys[k];
    uint64_t span = from <= key->first_time ? 0 : ((uint64_t)from - (uint64_t)key->first_time) >> key->shift;
    *ret_at = (uint32_t)(spans_of(calendar, k) + span);
    return span < key[1].start - key->start;
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
        bool some = label < calendar->keys[keys[i] + (size_t)1].start;
        if (some && ranks) {
            some = ranks[i] >= atomic_load_explicit(&posts[label].standing, memory_order_relaxed);
        }
        labels[i] = some ? label : PIT_NO_ROW;
    }
}

static void find_some(const pit_calendar *calendar, const uint32_t *keys, const int64_t *from, const uint64_t *ranks,
                      size_t count, uint32_t *labels) {
    for (size_t i = 0; i < count; i++) {
        __builtin_prefetch(&calendar->keys[keys[i]]);
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t at;
        bool holds = from[i] != INT64_MAX && span_of(calendar, keys[i], from[i], &at);
        labels[i] = holds ? at : PIT_NO_ROW;
        if (holds) {
            __builtin_prefetch(&calendar->spans[at]);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (labels[i] != PIT_NO_ROW) {
            __builtin_prefetch(&calendar->posts[calendar->spans[labels[i]]]);
        }
    }
    find_posts(calendar, keys, from, ranks, count, labels);
}

#define FOUND_AT_ONCE                                                                                                  \
    ((size_t)256) /* rows, so that what they ask the memory for comes together and stays in the nearest cache */

void floe_pit_calendar_find(const pit_calendar *calendar, const uint32_t *keys, const int64_t *from,
                            const uint64_t *ranks, size_t count, uint32_t *ret_labels) {
    for (size_t first = 0; first < count; first += FOUND_AT_ONCE) {
        size_t some = count - first < FOUND_AT_ONCE ? count - first : FOUND_AT_ONCE;
        find_some(calendar, keys + first, from + first, ranks ? ranks + first : NULL, some, ret_labels + first);
    }
}

atomic_uint_least64_t *floe_pit_calendar_standing(const pit_calendar *calendar, uint32_t label) {
    return &calendar->posts[label].standing;
}

int64_t floe_pit_calendar_time(const pit_calendar *calendar, uint32_t label) {
    return calendar->posts[label].time;
}
