/*
 * The sweep: the labels of one key of one view, in one pass over the key's rows.
 *
 * Phases: rows lie in order of event, which is that of leaving; order them by visible_from too, for entering; go through
 * the labels in time order; before each label let out of each window every row whose leave is reached, and let in every row
 * whose visible_from is. Where both orders are the same, windows are ranges of rows, and nothing is let in or out one by one.
 * Invariant: a row is in a window exactly from the first label that saw it enter (entered_at) to the first label at or
 * after its leave; when that label is the same or earlier, it never was in it.
 */
#include "offline/pit/run/sweep.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/paged.h"
#include "core/time.h"
#include "offline/pit/answers/sheet.h"
#include "offline/pit/question/sort.h"
#include "offline/pit/run/divide.h"
#include "offline/pit/window/ranges.h"
#include "offline/pit/window/slide.h"
#include "offline/pit/window/window.h"

#define LABELS_AHEAD 2 /* whose rows are brought near */

struct pit_sweep {
    const floe_pit *pit;
    const pit_group *group;
    pit_view *view;
    pit_window **windows; /* one per column and window asked for */
    size_t window_count;
    pit_rankings rankings; /* of the key at hand, as are the ranges */
    pit_ranges ranges;
    bool in_order;               /* rows of the key become visible in order of event */
    bool lists;                  /* they are listed: they do not, or a window lets them in and out one by one */
    pit_window **output_windows; /* per output of the view: one of the above; NULL: not wanted, or an as-of output */
    pit_written *written; /* outputs that a window writes in place while it is answered by ranges: window by window */
    size_t *written_end;  /* per window: where its own end */
    bool *is_written;     /* per output */
    bool all_ranged;      /* every window is, for the key at hand */
    size_t *others, other_count;  /* outputs wanted that no window ever writes */
    pit_moment *entering, *spare; /* rows of the key in order of entering; room to sort them */
    int64_t *entered_at;          /* per row of the key; INT64_MAX: not yet */
    size_t room;                  /* rows */
    bool wants_winner;
    int64_t ties, moved;
    /* How far it has come: the key at hand, the label after the last one, and how many of the key's rows have entered. */
    uint32_t key, next_label;
    size_t entered;
    /* The as-of winner so far. */
    uint32_t winner;
    bool winner_is_tied;
};

void floe_pit_sweep_close(pit_sweep **sweep) {
    if (!*sweep) {
        return;
    }
    for (size_t i = 0; i < (*sweep)->window_count; i++) {
        floe_pit_window_close(&(*sweep)->windows[i]);
    }
    floe_pit_rankings_close(&(*sweep)->rankings);
    floe_pit_ranges_close(&(*sweep)->ranges);
    floe_free((*sweep)->windows);
    floe_free((*sweep)->output_windows);
    floe_free((*sweep)->written);
    floe_free((*sweep)->written_end);
    floe_free((*sweep)->is_written);
    floe_free((*sweep)->others);
    floe_free((*sweep)->entering);
    floe_free((*sweep)->spare);
    floe_free((*sweep)->entered_at);
    floe_free(*sweep);
    *sweep = NULL;
}

/* event + this is when a row leaves a window; INT64_MAX: never. */
static int64_t leave_after(const pit_sweep *sweep, const floe_output *output) {
    if (output->window_us == 0) {
        return INT64_MAX;
    }
    return output->window_us + (sweep->view->before ? 1 : 0);
}

/* Outputs of one column over one window share one. */
static floe_status open_window(pit_sweep *sweep, size_t output_index, floe_error *err) {
    const floe_output *output = &sweep->view->view->outputs[output_index];
    uint32_t column = sweep->view->output_columns[output_index];
    int64_t after = leave_after(sweep, output);
    size_t i = 0;
    while (i < sweep->window_count && !floe_pit_window_is(sweep->windows[i], column, after)) {
        i++;
    }
    if (i == sweep->window_count) {
        FLOE_TRY(floe_pit_window_open(sweep->group, column, after, &sweep->windows[i], err));
        sweep->window_count++;
    }
    sweep->output_windows[output_index] = sweep->windows[i];
    return floe_pit_window_want(sweep->windows[i], output, &sweep->rankings, &sweep->ranges, err);
}

/* Which outputs windows write in place. */
static void plan_written(pit_sweep *sweep) {
    const floe_view *asked = sweep->view->view;
    size_t count = 0;
    for (size_t w = 0; w < sweep->window_count; w++) {
        for (size_t i = 0; i < asked->output_count; i++) {
            const floe_output *output = &asked->outputs[i];
            if (sweep->output_windows[i] == sweep->windows[w] && floe_pit_window_writes(sweep->windows[w], output)) {
                sweep->written[count++] = (pit_written){i, output->function, sweep->view->sheet.spots[i]};
                sweep->is_written[i] = true;
            }
        }
        sweep->written_end[w] = count;
    }
    for (size_t i = 0; i < asked->output_count; i++) {
        if (sweep->view->wanted[i] && !sweep->is_written[i]) {
            sweep->others[sweep->other_count++] = i;
        }
    }
}

floe_status floe_pit_sweep_open(const floe_pit *pit, const pit_group *group, pit_view *view, pit_sweep **ret_sweep,
                                floe_error *err) {
    FLOE_CLEANUP(floe_pit_sweep_close) pit_sweep *sweep = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*sweep), &sweep, err));
    sweep->pit = pit;
    sweep->group = group;
    sweep->view = view;
    sweep->rankings.group = sweep->ranges.group = group;
    sweep->key = PIT_NO_KEY;
    sweep->wants_winner = view->want_as_of || pit->newest_labels;
    size_t output_count = view->view->output_count;
    FLOE_TRY(floe_alloc(output_count, sizeof(*sweep->windows), &sweep->windows, err));
    FLOE_TRY(floe_alloc(output_count, sizeof(*sweep->output_windows), &sweep->output_windows, err));
    FLOE_TRY(floe_alloc(output_count, sizeof(*sweep->written), &sweep->written, err));
    FLOE_TRY(floe_alloc(output_count, sizeof(*sweep->written_end), &sweep->written_end, err));
    FLOE_TRY(floe_alloc(output_count, sizeof(*sweep->is_written), &sweep->is_written, err));
    FLOE_TRY(floe_alloc(output_count, sizeof(*sweep->others), &sweep->others, err));
    for (size_t i = 0; i < output_count; i++) {
        if (view->wanted[i] && view->view->outputs[i].function != FLOE_FN_NONE) {
            FLOE_TRY(open_window(sweep, i, err));
        }
    }
    plan_written(sweep);
    *ret_sweep = sweep;
    sweep = NULL;
    return FLOE_OK;
}

static int64_t visible_from(const pit_sweep *sweep, uint32_t row) {
    return floe_pit_visible_from(sweep->pit, sweep->group, sweep->view->before, row);
}

static bool are_in_order(const pit_sweep *sweep, uint32_t first_row, uint32_t last_row) {
    int64_t last = INT64_MIN;
    bool by_created = sweep->pit->options.as_known;
    for (uint32_t row = first_row; row < last_row && by_created; row++) {
        int64_t from = visible_from(sweep, row);
        if (from < last) {
            return false;
        }
        last = from;
    }
    return true; /* in order of event they lie already */
}

static floe_status list_rows(pit_sweep *sweep, uint32_t first_row, size_t count, floe_error *err) {
    if (count > sweep->room) {
        size_t room = count + count / 2;
        FLOE_TRY(floe_realloc(&sweep->entering, room, sizeof(pit_moment), err));
        FLOE_TRY(floe_realloc(&sweep->spare, room, sizeof(pit_moment), err));
        FLOE_TRY(floe_realloc(&sweep->entered_at, room, sizeof(int64_t), err));
        sweep->room = room;
    }
    for (size_t i = 0; i < count; i++) {
        uint32_t row = first_row + (uint32_t)i;
        floe_paged_ease_at(i);
        sweep->entering[i] = (pit_moment){visible_from(sweep, row), row};
        sweep->entered_at[i] = INT64_MAX;
    }
    sweep->moved += (int64_t)floe_pit_sort_moments(sweep->entering, count, sweep->spare);
    return FLOE_OK;
}

static void challenge_winner(pit_sweep *sweep, uint32_t row) {
    bool file_order = false;
    if (sweep->winner == PIT_NO_ROW || floe_pit_compare_rows(sweep->group, row, sweep->winner, &file_order) > 0) {
        sweep->winner = row;
        sweep->winner_is_tied = file_order || (sweep->group->tied && sweep->group->tied[row]);
    } else if (file_order) {
        sweep->winner_is_tied = true;
    }
}

/* Of the rows of a key the i-th that becomes visible, and when. */
static uint32_t entering_row(const pit_sweep *sweep, uint32_t first_row, size_t i, int64_t *ret_at) {
    if (sweep->lists) {
        *ret_at = sweep->entering[i].at;
        return sweep->entering[i].row;
    }
    uint32_t row = first_row + (uint32_t)i;
    *ret_at = visible_from(sweep, row);
    return row;
}

/* Lets in what becomes visible by t; `entered` counts those that are in. */
static floe_status enter_rows(pit_sweep *sweep, uint32_t first_row, size_t count, int64_t t, size_t *entered,
                              floe_error *err) {
    size_t first = *entered, last = first;
    for (; last < count; last++) {
        int64_t at;
        uint32_t row = entering_row(sweep, first_row, last, &at);
        if (at > t || at == INT64_MAX) {
            break;
        }
        if (sweep->lists) {
            sweep->entered_at[row - first_row] = t;
        }
        if (sweep->wants_winner) {
            challenge_winner(sweep, row);
        }
    }
    if (sweep->in_order) {
        FLOE_TRY(floe_pit_ranges_enter(&sweep->ranges, first_row + (uint32_t)first, first_row + (uint32_t)last, err));
    }
    for (size_t i = 0; i < sweep->window_count; i++) {
        if (floe_pit_window_ranged(sweep->windows[i])) {
            floe_pit_window_reach(sweep->windows[i], first_row + (uint32_t)last, t);
        } else {
            FLOE_TRY(floe_pit_window_enter(sweep->windows[i], sweep->entering + first, last - first, t, err));
        }
    }
    *entered = last;
    return FLOE_OK;
}

/* The winner as the label sees it: ttl and end time judged. */
static uint32_t judged_winner(const pit_sweep *sweep, int64_t t) {
    uint32_t row = sweep->winner;
    if (row == PIT_NO_ROW || sweep->pit->options.newest) {
        return row;
    }
    const floe_view *view = sweep->view->view;
    const pit_group *group = sweep->group;
    if (view->ttl_us > 0 && group->event[row] < floe_pit_saturating_add(t, -view->ttl_us)) {
        return PIT_NO_ROW;
    }
    if (group->keeps_end && (sweep->view->before ? group->end[row] < t : group->end[row] <= t)) {
        return PIT_NO_ROW;
    }
    return row;
}

/* "origin=SFO, destination=JFK" */
static void print_key(const pit_group *group, uint32_t key, floe_buf *out) {
    floe_value values[FLOE_LIMIT_ENTITY_KEYS];
    floe_error ignored = {0};
    const floe_entity *entity = group->entity;
    if (floe_failed(floe_pit_key_decode(group->keys.keys[key], entity->keys, entity->key_count, values, &ignored))) {
        return;
    }
    for (size_t i = 0; i < entity->key_count; i++) {
        floe_buf_printf(out, "%s%.*s=", i > 0 ? ", " : "", FLOE_STR_BRIEF(entity->keys[i].name));
        floe_value_print(&values[i], out);
    }
}

static floe_status fail_label(const pit_sweep *sweep, const floe_output *output, uint32_t key, int64_t t,
                              floe_status status, floe_error *err) {
    char text[FLOE_TIME_TEXT_MAX];
    FLOE_AUTO_BUF names;
    floe_buf_init(&names, 400);
    print_key(sweep->group, key, &names);
    return floe_error_prefix(err, status, "%.*s:%.*s of %.*s at %s", FLOE_STR_ARG(sweep->view->view->about.name),
                             FLOE_STR_ARG(output->about.name), FLOE_STR_ARG(floe_buf_view(&names)),
                             floe_time_format(t, text));
}

static void write_label(const pit_sweep *sweep, uint32_t label) {
    uint8_t *row = floe_pit_sheet_row(&sweep->view->sheet, label);
    size_t first = 0;
    for (size_t w = 0; w < sweep->window_count; w++) {
        size_t end = sweep->written_end[w];
        if (end > first && floe_pit_window_ranged(sweep->windows[w])) {
            floe_pit_window_write(sweep->windows[w], sweep->written + first, end - first, row);
        }
        first = end;
    }
}

static floe_status answer_output(pit_sweep *sweep, size_t i, uint32_t key, uint32_t label, int64_t t, floe_error *err) {
    const floe_output *output = &sweep->view->view->outputs[i];
    pit_answer answer;
    floe_status status = floe_pit_window_answer(sweep->output_windows[i], output, t, &answer, err);
    if (floe_failed(status)) {
        return fail_label(sweep, output, key, t, status, err);
    }
    sweep->ties += answer.tied;
    floe_pit_sheet_put(sweep->group, sweep->view, i, label, &answer);
    return FLOE_OK;
}

static floe_status answer_label(pit_sweep *sweep, uint32_t key, uint32_t label, int64_t t, floe_error *err) {
    pit_view *view = sweep->view;
    pit_answer winner = {.kind = PIT_ANSWER_ROW, .as.row = judged_winner(sweep, t)};
    bool none = winner.as.row == PIT_NO_ROW;
    if (view->winner) {
        view->winner[label] = winner.as.row;
    }
    if (!none && sweep->winner_is_tied && view->want_as_of) {
        sweep->ties++;
    }
    write_label(sweep, label);
    for (size_t o = 0; o < sweep->other_count; o++) {
        size_t i = sweep->others[o];
        if (sweep->output_windows[i]) {
            FLOE_TRY(answer_output(sweep, i, key, label, t, err));
        } else if (!none) {
            floe_pit_sheet_put(sweep->group, view, i, label, &winner);
        }
    }
    for (size_t i = 0; !sweep->all_ranged && i < view->view->output_count; i++) {
        if (sweep->is_written[i] && !floe_pit_window_ranged(sweep->output_windows[i])) {
            FLOE_TRY(answer_output(sweep, i, key, label, t, err));
        }
    }
    return FLOE_OK;
}

/* Readies the windows for a key. The rankings are those of the last key until the windows have forgotten it. */
static floe_status reset_windows(pit_sweep *sweep, uint32_t first_row, uint32_t last_row, floe_error *err) {
    bool orders = false;
    sweep->in_order = are_in_order(sweep, first_row, last_row);
    sweep->lists = !sweep->in_order;
    sweep->all_ranged = true;
    for (size_t i = 0; i < sweep->window_count; i++) {
        floe_pit_window_clear(sweep->windows[i]);
    }
    if (sweep->in_order) {
        FLOE_TRY(floe_pit_ranges_make(&sweep->ranges, first_row, last_row, err));
    }
    for (size_t i = 0; i < sweep->window_count; i++) {
        if (!floe_pit_window_choose(sweep->windows[i], sweep->in_order)) {
            sweep->lists = true;
            sweep->all_ranged = false;
            orders = orders || floe_pit_window_orders(sweep->windows[i]);
        }
    }
    FLOE_TRY(floe_pit_rankings_make(&sweep->rankings, first_row, last_row, orders, err));
    for (size_t i = 0; i < sweep->window_count; i++) {
        FLOE_TRY(floe_pit_window_reset(sweep->windows[i], first_row, last_row, err));
    }
    return sweep->lists ? list_rows(sweep, first_row, last_row - first_row, err) : FLOE_OK;
}

static floe_status begin_key(pit_sweep *sweep, uint32_t key, floe_error *err) {
    sweep->key = PIT_NO_KEY;
    sweep->winner = PIT_NO_ROW;
    sweep->winner_is_tied = false;
    sweep->entered = 0;
    FLOE_TRY(reset_windows(sweep, sweep->group->row_start[key], sweep->group->row_end[key], err));
    sweep->key = key;
    return FLOE_OK;
}

floe_status floe_pit_sweep_slice(pit_sweep *sweep, const pit_slice *slice, floe_error *err) {
    const pit_group *group = sweep->group;
    uint32_t key = slice->key;
    uint32_t first_row = group->row_start[key], last_row = group->row_end[key];
    bool goes_on = sweep->key == key && sweep->next_label == slice->first;
    FLOE_TRY(goes_on ? FLOE_OK : begin_key(sweep, key, err));
    for (uint32_t l = slice->first; l < slice->last; l++) {
        int64_t t = group->label_times[l];
        if (l + LABELS_AHEAD < slice->last) {
            floe_pit_sheet_prefetch(&sweep->view->sheet, group->label_at[l + LABELS_AHEAD]);
        }
        floe_paged_ease_at(l);
        for (size_t i = 0; i < sweep->window_count; i++) {
            floe_pit_window_leave(sweep->windows[i], sweep->entered_at, t);
        }
        FLOE_TRY(enter_rows(sweep, first_row, last_row - first_row, t, &sweep->entered, err));
        FLOE_TRY(answer_label(sweep, key, group->label_at[l], t, err));
    }
    sweep->next_label = slice->last;
    return FLOE_OK;
}

void floe_pit_sweep_count(const pit_sweep *sweep, pit_view *view) {
    view->ties += sweep->ties;
    view->rows_moved += sweep->moved;
    for (size_t i = 0; i < sweep->window_count; i++) {
        view->rows_stepped += floe_pit_window_steps(sweep->windows[i]);
    }
}
