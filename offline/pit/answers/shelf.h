/*
 * Answers of a question that spills: the rows of a group's sheets, written down or kept.
 *
 * They come run by run, a run being the labels of some of the keys, and are asked for in the order of all labels. So each run
 * is cut where the labels of a stretch end, and a stretch is put together from its block of every run. A sheet that is kept stays whole.
 */
#ifndef FLOE_OFFLINE_PIT_ANSWERS_SHELF_H
#define FLOE_OFFLINE_PIT_ANSWERS_SHELF_H

#include "offline/pit/question/question.h"

#define PIT_RUNS_MAX UINT16_MAX

typedef struct pit_shelf {
    size_t label_count, view_count;
    size_t stretch; /* labels; a multiple of 64 */
    size_t stretch_count;
    uint16_t *run_of; /* per label; PIT_RUNS_MAX: it has no key or no time */
    size_t run_count, run_room;
    pit_block *blocks; /* [(run * view_count + view) * stretch_count + stretch] */
    uint8_t **kept;    /* [run * view_count + view]: rows that stayed in memory; NULL: they are in blocks */
    uint32_t *starts;  /* [run * stretch_count + stretch]: labels of the run before the stretch */
    uint64_t kept_bytes;
    /* Of the run at hand: */
    uint64_t *marks;  /* a bit per label */
    uint32_t *before; /* per word of marks, and behind the last: labels before it */
} pit_shelf;

/* The sheets are planned. */
floe_status floe_pit_shelf_open(const floe_pit *pit, pit_group *group, floe_error *err);
void floe_pit_shelf_close(pit_shelf **shelf);

/* Begins a run of the labels of a stint, whose label_at become their places in it. *ret_count: how many. */
floe_status floe_pit_shelf_begin(pit_group *group, const pit_stint *stint, size_t *ret_count, floe_error *err);
/* Writes the sheet of a view down, which has the labels of the run in order. */
floe_status floe_pit_shelf_put(const floe_pit *pit, pit_group *group, size_t view, int threads, floe_error *err);
/* Takes the rows of a view's sheet, of that many labels, as they are. */
void floe_pit_shelf_keep(pit_group *group, size_t view, size_t count);
/* The rows of a stretch of labels, all of them, to `rows`. Thread: several, each with a room of its own. */
floe_status floe_pit_shelf_get(const floe_pit *pit, const pit_group *group, size_t view, size_t stretch,
                               pit_spill_room *room, uint8_t *rows, floe_error *err);

#endif
