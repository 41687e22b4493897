/*
 * Windows: what the outputs of one column over one window share while labels go by.
 * Thread: a window belongs to the thread of its sweep.
 */
#ifndef FLOE_OFFLINE_PIT_WINDOW_WINDOW_H
#define FLOE_OFFLINE_PIT_WINDOW_WINDOW_H

#include "offline/pit/question/question.h"
#include "offline/pit/question/sort.h"
#include "offline/pit/window/ranges.h"
#include "offline/pit/window/slide.h"

typedef struct pit_window pit_window;
/* leave = event + leave_after; INT64_MAX: never. `column` PIT_NO_ROW: "*". */
floe_status floe_pit_window_open(const pit_group *group, uint32_t column, int64_t leave_after, pit_window **ret_window,
                                 floe_error *err);
void floe_pit_window_close(pit_window **window);
bool floe_pit_window_is(const pit_window *window, uint32_t column, int64_t leave_after);
/* Before any row: also keep what this output needs. */
floe_status floe_pit_window_want(pit_window *window, const floe_output *output, pit_rankings *rankings,
                                 pit_ranges *ranges, floe_error *err);
/* Whether the key at hand is answered by ranges; `in_order`: its rows become visible in order of event. Decided once per
 * key, when its ranges are made. */
bool floe_pit_window_choose(pit_window *window, bool in_order);
bool floe_pit_window_ranged(const pit_window *window);
/* Of a window that is not answered by ranges: whether it needs its rows by the order that picks the winner. */
bool floe_pit_window_orders(const pit_window *window);
/* Forgets the last key, while the rankings are still its own. */
void floe_pit_window_clear(pit_window *window);
/* For the next key, whose rows are [first_row, last_row), in order of event, and ranked. */
floe_status floe_pit_window_reset(pit_window *window, uint32_t first_row, uint32_t last_row, floe_error *err);
/* Rows that enter at label time t; those that would have left by then are passed over. */
floe_status floe_pit_window_enter(pit_window *window, const pit_moment *entering, size_t count, int64_t t,
                                  floe_error *err);
/* Lets out the rows whose leave is reached. entered_at[row - first_row]: the label time they entered at. */
void floe_pit_window_leave(pit_window *window, const int64_t *entered_at, int64_t t);
/* How many rows went in and out one by one, and passed others doing so, since it was opened. */
int64_t floe_pit_window_steps(const pit_window *window);
/* Of a window that is answered by ranges: rows before `last` are visible at label time t. */
void floe_pit_window_reach(pit_window *window, uint32_t last, int64_t t);
/* What floe_pit_window_write writes, and where. */
typedef struct pit_written {
    size_t output; /* of the view */
    floe_function function;
    pit_spot spot;
} pit_written;
/* Whether it takes that output, while the window is answered by ranges. */
bool floe_pit_window_writes(const pit_window *window, const floe_output *output);
/* The answers to some outputs of a window that is answered by ranges, into a label's row of the sheet. */
void floe_pit_window_write(const pit_window *window, const pit_written *outputs, size_t output_count, uint8_t *row);
/* The answer at time t. Rows with leave <= t have left. */
floe_status floe_pit_window_answer(pit_window *window, const floe_output *output, int64_t t, pit_answer *ret_answer,
                                   floe_error *err);

#endif
