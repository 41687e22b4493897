/*
 * The run of a group that thins: its answers stay in the slots.
 *
 * The slot of a label holds the largest of the rows that become visible between the label before it and it, so the winner of a label is
 * the largest of the slots up to its own: what challenges winners in a sweep (sweep.c), without a place among rows. Of each label it is
 * kept which slot that is; values are read out of it when they are asked for, so that there is no second copy of them.
 *
 * Threads: each takes the next keys, or a slice of a large one, and writes the winners of their labels alone.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/answers/sheet.h"
#include "offline/pit/rows/record.h"
#include "offline/pit/run/divide.h"
#include "offline/pit/run/group.h"
#include "offline/together.h"

#define AHEAD 8 /* labels whose winners are asked for before their turn */

/* Where an output's cell lies in a record. */
typedef struct thin_cell {
    uint32_t at, len, null_at;
} thin_cell;

/* What the answers of a view are fetched from. */
typedef struct thin_answers {
    const pit_group *group;
    const uint32_t *winner; /* per label */
    thin_cell cells[];      /* per output */
} thin_answers;

typedef struct thin_work {
    pit_group *group;
    const pit_pace *pace;
    pit_shares shares;
    atomic_bool stop;
    pthread_mutex_t lock; /* ties, rows */
    size_t rows;
} thin_work;

/* What one thread counts, and how far it has come in a key. */
typedef struct thin_sweep {
    thin_work *work;
    int64_t *ties; /* per view */
    size_t rows;
    uint32_t winner; /* its slot; PIT_NO_ROW: none yet */
    bool winner_is_tied;
} thin_sweep;

/* ---- answers out of slots ---- */

/* Lengths that are known, so that a copy is one instruction. */
static inline void copy_cell(uint8_t *to, const uint8_t *from, uint32_t len) {
    switch (len) {
    case sizeof(uint32_t):
        memcpy(to, from, sizeof(uint32_t));
        break;
    case sizeof(int64_t):
        memcpy(to, from, sizeof(int64_t));
        break;
    default:
        memcpy(to, from, sizeof(__int128));
        break;
    }
}

/* The records lie anywhere: all are asked for before the first is read. */
static uint64_t fetch_cells(const void *from, size_t output, size_t first, size_t count, uint8_t *cells) {
    const thin_answers *answers = from;
    const thin_cell cell = answers->cells[output];
    const uint8_t *records[PIT_FETCH_MOST];
    uint64_t valid = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t slot = answers->winner[first + i];
        bool tied;
        records[i] = slot == PIT_NO_ROW ? NULL : floe_pit_slot_record(answers->group, slot, &tied);
        if (records[i]) {
            __builtin_prefetch(records[i] + cell.at);
            __builtin_prefetch(records[i] + cell.null_at);
        }
    }
    memset(cells, 0, count * cell.len);
    for (size_t i = 0; i < count; i++) {
        if (records[i] && !records[i][cell.null_at]) {
            copy_cell(cells + i * cell.len, records[i] + cell.at, cell.len);
            valid |= UINT64_C(1) << i;
        }
    }
    return valid;
}

static floe_status open_view(const floe_pit *pit, const pit_group *group, pit_view *view, floe_error *err) {
    size_t count = view->view->output_count;
    thin_answers *answers = NULL;
    floe_pit_sheet_plan(group, view);
    FLOE_TRY(floe_realloc(&view->winner, pit->label_count + 1, sizeof(uint32_t), err));
    memset(view->winner, 0xff, (pit->label_count + 1) * sizeof(uint32_t));
    FLOE_TRY(floe_alloc(1, sizeof(*answers) + count * sizeof(thin_cell), &answers, err));
    view->sheet.fetch = fetch_cells;
    view->sheet.fetch_from = answers;
    answers->group = group;
    answers->winner = view->winner;
    for (size_t i = 0; i < count; i++) {
        if (view->wanted[i]) {
            const pit_column *column = &group->columns[view->output_columns[i]];
            bool symbol = column->class == PIT_SYMBOL;
            answers->cells[i] = (thin_cell){
                .at = symbol ? column->symbol_at : column->data_at,
                .len = symbol ? (uint32_t)sizeof(uint32_t) : (uint32_t)floe_pit_cell_len(column->class),
                .null_at = column->null_at,
            };
        }
    }
    return FLOE_OK;
}

/* ---- one key ---- */

/* Whether something stands in the slot. */
static bool challenge_winner(thin_sweep *sweep, uint32_t slot) {
    bool tied, file_order = false;
    const pit_group *group = sweep->work->group;
    if (!floe_pit_slot_record(group, slot, &tied)) {
        return false;
    }
    if (sweep->winner == PIT_NO_ROW || floe_pit_compare_slots(group, slot, sweep->winner, &file_order) > 0) {
        sweep->winner = slot;
        sweep->winner_is_tied = file_order || tied;
    } else if (file_order) {
        sweep->winner_is_tied = true;
    }
    return true;
}

/* As the label sees what stands in the slot: ttl and end time judged. */
static bool wins(const pit_group *group, const pit_view *view, uint32_t slot, int64_t t) {
    int64_t ttl_us = view->view->ttl_us;
    if (ttl_us > 0 && floe_pit_slot_event(group, slot) < floe_pit_saturating_add(t, -ttl_us)) {
        return false;
    }
    if (!group->keeps_end) {
        return true;
    }
    bool tied;
    int64_t end = floe_pit_record_time(floe_pit_slot_record(group, slot, &tied), group->end_at);
    return view->before ? end >= t : end > t;
}

static void sweep_slice(thin_sweep *sweep, const pit_slice *slice) {
    const pit_group *group = sweep->work->group;
    uint32_t last = slice->last;
    sweep->winner = PIT_NO_ROW;
    sweep->winner_is_tied = false;
    for (uint32_t l = group->label_start[slice->key]; l < slice->first; l++) {
        challenge_winner(sweep, l); /* of the slices before it */
    }
    for (uint32_t l = slice->first; l < last; l++) {
        sweep->rows += challenge_winner(sweep, l);
        int64_t t = floe_pit_slot_label_time(group, l);
        for (size_t v = 0; v < group->view_count; v++) {
            const pit_view *view = &group->views[v];
            if (l + AHEAD < last) {
                __builtin_prefetch(view->winner + group->label_at[l + AHEAD], 1);
            }
            if (sweep->winner != PIT_NO_ROW && wins(group, view, sweep->winner, t)) {
                view->winner[group->label_at[l]] = sweep->winner;
                sweep->ties[v] += sweep->winner_is_tied;
            }
        }
    }
}

/* ---- all keys ---- */

static floe_status sweep_keys(void *context, floe_error *err) {
    thin_work *work = context;
    const pit_group *group = work->group;
    pit_slice slices[PIT_SHARE_MOST];
    FLOE_AUTO_FREE int64_t *ties = NULL;
    FLOE_TRY(floe_alloc(group->view_count, sizeof(*ties), &ties, err));
    thin_sweep sweep = {.work = work, .ties = ties};
    for (size_t count; !atomic_load(&work->stop) && (count = floe_pit_shares_take(&work->shares, slices)) > 0;) {
        for (size_t i = 0; i < count; i++) {
            sweep_slice(&sweep, &slices[i]);
        }
        FLOE_ENSURE(!floe_pit_is_cancelled(work->pace->run), err, FLOE_CANCELLED, "cancelled");
    }
    pthread_mutex_lock(&work->lock);
    for (size_t v = 0; v < group->view_count; v++) {
        work->group->views[v].ties += ties[v];
    }
    work->rows += sweep.rows;
    pthread_mutex_unlock(&work->lock);
    return FLOE_OK;
}

floe_status floe_pit_run_slots(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    thin_work work = {.group = group, .pace = pace};
    for (size_t v = 0; v < group->view_count; v++) {
        FLOE_TRY(open_view(pit, group, &group->views[v], err));
    }
    if (!group->slots) {
        return FLOE_OK; /* No row came. */
    }
    const pit_stint all = {.last = 1};
    FLOE_TRY(floe_pit_shares_make(group, &all, pace->threads, &arena, &work.shares, err));
    pthread_mutex_init(&work.lock, NULL);
    floe_status status = floe_together(pace->threads, sweep_keys, &work, &work.stop, err);
    pthread_mutex_destroy(&work.lock);
    group->row_count = work.rows;
    floe_pit_slots_settle(group->slots);
    floe_pit_forget_labels(group);
    return status;
}
