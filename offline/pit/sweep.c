/*
 * The sweep: the labels of one key of one view, in one pass over the key's rows.
 *
 * Phases: order rows by visible_from (entering) and by event (leaving); go through the labels in time order; before each
 * label let in every row whose visible_from is reached, and let out of each window every row whose leave is reached.
 * Invariant: a row is in a window exactly from the first label that saw it enter (entered_at) to the first label at or
 * after its leave; when that label is the same or earlier, it never was in it.
 */
#include "core/mem.h"
#include "core/time.h"
#include "offline/pit/pit_int.h"

#include <stdlib.h>

/* A row of the key (its place in the key's slice) and where it stands in time. */
typedef struct moment {
    int64_t at;
    uint32_t place;
} moment;

static int compare_moments(const void *a, const void *b) {
    const moment *x = a, *y = b;
    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    return (x->place > y->place) - (x->place < y->place);
}

static void sort_moments(moment *moments, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (compare_moments(&moments[i - 1], &moments[i]) > 0) {
            qsort(moments, count, sizeof(*moments), compare_moments);
            return;
        }
    }
}

struct pit_sweep {
    const floe_pit *pit;
    const pit_group *group;
    pit_view *view;
    pit_window **windows; /* per output of the view; NULL: not wanted, or an as-of output */
    uint32_t *left;       /* per output: how many of `leaving` were looked at */
    moment *entering, *leaving;
    int64_t *entered_at; /* per place; INT64_MAX: not yet */
    size_t room;         /* places */
    int64_t ties;
    /* The as-of winner so far. */
    uint32_t winner;
    bool winner_is_tied;
};

void floe_pit_sweep_close(pit_sweep **sweep) {
    if (!*sweep) {
        return;
    }
    for (size_t i = 0; (*sweep)->windows && i < (*sweep)->view->view->output_count; i++) {
        floe_pit_window_close(&(*sweep)->windows[i]);
    }
    floe_free((*sweep)->windows);
    floe_free((*sweep)->left);
    floe_free((*sweep)->entering);
    floe_free((*sweep)->leaving);
    floe_free((*sweep)->entered_at);
    floe_free(*sweep);
    *sweep = NULL;
}

floe_status floe_pit_sweep_open(const floe_pit *pit, const pit_group *group, pit_view *view, pit_sweep **ret_sweep,
                                floe_error *err) {
    FLOE_CLEANUP(floe_pit_sweep_close) pit_sweep *sweep = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*sweep), &sweep, err));
    sweep->pit = pit;
    sweep->group = group;
    sweep->view = view;
    size_t output_count = view->view->output_count;
    FLOE_TRY(floe_alloc(output_count, sizeof(*sweep->windows), &sweep->windows, err));
    FLOE_TRY(floe_alloc(output_count, sizeof(*sweep->left), &sweep->left, err));
    for (size_t i = 0; i < output_count; i++) {
        if (view->wanted[i] && view->view->outputs[i].function != FLOE_FN_NONE) {
            FLOE_TRY(
                floe_pit_window_open(group, &view->view->outputs[i], view->output_columns[i], &sweep->windows[i], err));
        }
    }
    *ret_sweep = sweep;
    sweep = NULL;
    return FLOE_OK;
}

/* From which label time on a row is visible; INT64_MAX: never. */
static int64_t visible_from(const pit_sweep *sweep, uint32_t row) {
    int64_t event = sweep->group->event[row];
    int64_t from = sweep->view->before && event < INT64_MAX ? event + 1 : event;
    if (sweep->pit->options.as_known) {
        int64_t created = sweep->group->created[row];
        if (created == INT64_MIN) {
            return INT64_MAX;
        }
        from = created > from ? created : from;
    }
    return from;
}

/* event + this is when a row leaves a window; INT64_MAX: never. */
static int64_t leave_after(const pit_sweep *sweep, const floe_output *output) {
    if (output->window_us == 0) {
        return INT64_MAX;
    }
    return output->window_us + (sweep->view->before ? 1 : 0);
}

static int64_t saturating_add(int64_t a, int64_t b) {
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? (a > 0 ? INT64_MAX : INT64_MIN) : sum;
}

static floe_status order_rows(pit_sweep *sweep, const uint32_t *rows, size_t count, floe_error *err) {
    if (count > sweep->room) {
        size_t room = count + count / 2;
        FLOE_TRY(floe_realloc(&sweep->entering, room, sizeof(moment), err));
        FLOE_TRY(floe_realloc(&sweep->leaving, room, sizeof(moment), err));
        FLOE_TRY(floe_realloc(&sweep->entered_at, room, sizeof(int64_t), err));
        sweep->room = room;
    }
    for (size_t i = 0; i < count; i++) {
        sweep->entering[i] = (moment){visible_from(sweep, rows[i]), (uint32_t)i};
        sweep->leaving[i] = (moment){sweep->group->event[rows[i]], (uint32_t)i};
        sweep->entered_at[i] = INT64_MAX;
    }
    sort_moments(sweep->entering, count);
    sort_moments(sweep->leaving, count);
    return FLOE_OK;
}

/* By (event, created, file order): > 0 when row a wins over row b. *ret_file_order tells that only file order decided. */
static int compare_rows(const pit_group *group, uint32_t a, uint32_t b, bool *ret_file_order) {
    *ret_file_order = false;
    if (group->event[a] != group->event[b]) {
        return group->event[a] > group->event[b] ? 1 : -1;
    }
    if (group->created[a] != group->created[b]) {
        return group->created[a] > group->created[b] ? 1 : -1;
    }
    *ret_file_order = true;
    if (group->seq[a] != group->seq[b]) {
        return group->seq[a] > group->seq[b] ? 1 : -1;
    }
    return group->pos[a] > group->pos[b] ? 1 : -1;
}

static void challenge_winner(pit_sweep *sweep, uint32_t row) {
    bool file_order = false;
    if (sweep->winner == PIT_NO_ROW || compare_rows(sweep->group, row, sweep->winner, &file_order) > 0) {
        sweep->winner = row;
        sweep->winner_is_tied = file_order;
    } else if (file_order) {
        sweep->winner_is_tied = true;
    }
}

static floe_status enter_rows(pit_sweep *sweep, const uint32_t *rows, size_t count, int64_t t, size_t *entered,
                              floe_error *err) {
    const floe_view *view = sweep->view->view;
    for (; *entered < count && sweep->entering[*entered].at <= t && sweep->entering[*entered].at != INT64_MAX;
         (*entered)++) {
        uint32_t place = sweep->entering[*entered].place;
        uint32_t row = rows[place];
        sweep->entered_at[place] = t;
        challenge_winner(sweep, row);
        for (size_t i = 0; i < view->output_count; i++) {
            if (!sweep->windows[i]) {
                continue;
            }
            int64_t after = leave_after(sweep, &view->outputs[i]);
            if (after == INT64_MAX || saturating_add(sweep->group->event[row], after) > t) {
                FLOE_TRY(floe_pit_window_enter(sweep->windows[i], row, after, err));
            }
        }
    }
    return FLOE_OK;
}

static void leave_rows(pit_sweep *sweep, const uint32_t *rows, size_t count, int64_t t) {
    const floe_view *view = sweep->view->view;
    for (size_t i = 0; i < view->output_count; i++) {
        int64_t after = sweep->windows[i] ? leave_after(sweep, &view->outputs[i]) : INT64_MAX;
        if (after == INT64_MAX) {
            continue;
        }
        uint32_t at = sweep->left[i];
        for (; at < count; at++) {
            int64_t leave = saturating_add(sweep->leaving[at].at, after);
            if (leave > t) {
                break;
            }
            uint32_t place = sweep->leaving[at].place;
            if (sweep->entered_at[place] < leave) {
                floe_pit_window_leave(sweep->windows[i], rows[place]);
            }
        }
        sweep->left[i] = at;
    }
}

/* The winner as the label sees it: ttl and end time judged. */
static uint32_t judged_winner(const pit_sweep *sweep, int64_t t) {
    uint32_t row = sweep->winner;
    if (row == PIT_NO_ROW || sweep->pit->options.newest) {
        return row;
    }
    const floe_view *view = sweep->view->view;
    const pit_group *group = sweep->group;
    if (view->ttl_us > 0 && group->event[row] < saturating_add(t, -view->ttl_us)) {
        return PIT_NO_ROW;
    }
    if (group->has_end && (sweep->view->before ? group->end[row] < t : group->end[row] <= t)) {
        return PIT_NO_ROW;
    }
    return row;
}

static floe_status answer_label(pit_sweep *sweep, uint32_t label, int64_t t, floe_error *err) {
    pit_view *view = sweep->view;
    view->winner[label] = judged_winner(sweep, t);
    if (view->winner[label] != PIT_NO_ROW && sweep->winner_is_tied && view->want_as_of) {
        sweep->ties++;
    }
    for (size_t i = 0; i < view->view->output_count; i++) {
        if (!sweep->windows[i]) {
            continue;
        }
        floe_status status = floe_pit_window_answer(sweep->windows[i], t, &view->results[i], label, err);
        if (floe_failed(status)) {
            char text[FLOE_TIME_TEXT_MAX];
            return floe_error_prefix(err, status, "%.*s:%.*s at %s", FLOE_STR_ARG(view->view->about.name),
                                     FLOE_STR_ARG(view->view->outputs[i].about.name), floe_time_format(t, text));
        }
    }
    return FLOE_OK;
}

floe_status floe_pit_sweep_key(pit_sweep *sweep, uint32_t key, floe_error *err) {
    const pit_group *group = sweep->group;
    const uint32_t *rows = group->row_order + group->row_start[key];
    size_t row_count = group->row_start[key + 1] - group->row_start[key];
    FLOE_TRY(order_rows(sweep, rows, row_count, err));
    sweep->winner = PIT_NO_ROW;
    sweep->winner_is_tied = false;
    for (size_t i = 0; i < sweep->view->view->output_count; i++) {
        sweep->left[i] = 0;
        if (sweep->windows[i]) {
            floe_pit_window_reset(sweep->windows[i]);
        }
    }
    size_t entered = 0;
    for (uint32_t l = group->label_start[key]; l < group->label_start[key + 1]; l++) {
        uint32_t label = group->label_order[l];
        int64_t t = sweep->pit->label_time[label];
        leave_rows(sweep, rows, row_count, t);
        FLOE_TRY(enter_rows(sweep, rows, row_count, t, &entered, err));
        FLOE_TRY(answer_label(sweep, label, t, err));
    }
    return FLOE_OK;
}

int64_t floe_pit_sweep_ties(const pit_sweep *sweep) {
    return sweep->ties;
}
