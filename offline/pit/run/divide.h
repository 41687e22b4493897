/*
 * The labels of some keys, divided among threads.
 */
#ifndef FLOE_OFFLINE_PIT_RUN_DIVIDE_H
#define FLOE_OFFLINE_PIT_RUN_DIVIDE_H

#include "offline/pit/question/question.h"

#include <stdatomic.h>

/* What several threads take from: keys one stretch after the other, and before them the slices of those that have so many labels that
 * several threads share them. */
typedef struct pit_shares {
    const pit_group *group;
    const pit_stint *stint;
    pit_slice *slices;
    size_t slice_count;
    uint32_t most; /* labels of a key that is not divided */
    atomic_uint_fast32_t next_slice, next_key;
} pit_shares;
/* `threads` 1: no key is divided. Owns: the arena holds the slices. */
floe_status floe_pit_shares_make(const pit_group *group, const pit_stint *stint, int threads, floe_arena *arena,
                                 pit_shares *ret_shares, floe_error *err);
/* Slices that belong to whoever took them; at most PIT_SHARE_MOST, 0: there are no more. Thread: several. */
#define PIT_SHARE_MOST 16
size_t floe_pit_shares_take(pit_shares *shares, pit_slice *ret_slices);

#endif
