/*
 * Work by keys for several threads, so that one key with half of all labels is not one thread's.
 *
 * A key that has more than its share of the labels is divided into as many slices as there are threads, which are taken first; all
 * others go by stretches of keys. A slice costs a look at all rows of its key, so no more keys are divided than have to be.
 */
#include "offline/pit/run/divide.h"

#include "core/mem.h"

#define LABELS_LEAST 4096 /* of a key that is divided */
#define SHARES_PER_THREAD 4

static uint32_t labels_of(const pit_group *group, uint32_t key) {
    return group->label_start[key + 1] - group->label_start[key];
}

/* How many labels a key may have and stay whole. */
static uint32_t most_labels(const pit_group *group, const pit_stint *stint, int threads) {
    uint64_t labels = 0;
    for (uint32_t key = 0; key < group->keys.count; key++) {
        labels += floe_pit_stint_has(stint, key) ? labels_of(group, key) : 0;
    }
    uint64_t most = labels / ((uint64_t)threads * SHARES_PER_THREAD);
    return threads == 1 ? UINT32_MAX : most > LABELS_LEAST ? (uint32_t)most : LABELS_LEAST;
}

floe_status floe_pit_shares_make(const pit_group *group, const pit_stint *stint, int threads, floe_arena *arena,
                                 pit_shares *ret_shares, floe_error *err) {
    uint32_t most = most_labels(group, stint, threads), parts = (uint32_t)threads;
    size_t large = 0;
    *ret_shares = (pit_shares){.group = group, .stint = stint, .most = most};
    for (uint32_t key = 0; key < group->keys.count; key++) {
        large += floe_pit_stint_has(stint, key) && labels_of(group, key) > most;
    }
    ret_shares->slices = floe_arena_alloc(arena, large * parts + 1, sizeof(pit_slice));
    FLOE_TRY(floe_arena_check(arena, err));
    for (uint32_t key = 0; key < group->keys.count; key++) {
        uint32_t first = group->label_start[key], count = labels_of(group, key);
        for (uint32_t i = 0; i < parts && floe_pit_stint_has(stint, key) && count > most; i++) {
            uint32_t from = (uint32_t)((uint64_t)count * i / parts), to = (uint32_t)((uint64_t)count * (i + 1) / parts);
            ret_shares->slices[ret_shares->slice_count++] = (pit_slice){key, first + from, first + to};
        }
    }
    return FLOE_OK;
}

/* The keys of the next stretches, until one has any. */
static size_t take_keys(pit_shares *shares, pit_slice *ret_slices) {
    const pit_group *group = shares->group;
    size_t count = 0;
    while (count == 0) {
        uint32_t first = (uint32_t)atomic_fetch_add(&shares->next_key, PIT_SHARE_MOST);
        if (first >= group->keys.count) {
            break;
        }
        for (uint32_t key = first; key < group->keys.count && key - first < PIT_SHARE_MOST; key++) {
            uint32_t labels = labels_of(group, key);
            if (labels > 0 && labels <= shares->most && floe_pit_stint_has(shares->stint, key)) {
                ret_slices[count++] = (pit_slice){key, group->label_start[key], group->label_start[key + 1]};
            }
        }
    }
    return count;
}

size_t floe_pit_shares_take(pit_shares *shares, pit_slice *ret_slices) {
    size_t slice = atomic_load(&shares->next_slice) < shares->slice_count ? atomic_fetch_add(&shares->next_slice, 1)
                                                                          : shares->slice_count;
    if (slice < shares->slice_count) {
        *ret_slices = shares->slices[slice];
        return 1;
    }
    return take_keys(shares, ret_slices);
}
