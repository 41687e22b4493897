/*
 * The run of a group that thins: its answers come straight out of the slots.
 *
 * The slot of a label holds the largest of the rows that become visible between the label before it and it, so the winner of a label is
 * the largest of the slots up to its own: what challenges winners in a sweep (sweep.c), without a place among rows.
 *
 * Threads: each takes the next keys, or a slice of a large one, and writes the answers of their labels alone.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/pit/answers/sheet.h"
#include "offline/pit/rows/record.h"
#include "offline/pit/run/divide.h"
#include "offline/pit/run/group.h"
#include "offline/together.h"

#define AHEAD 8 /* labels whose rows in the sheets are asked for before their turn */

/* One cell from a record to a sheet. */
typedef struct thin_copy {
    uint32_t from, to, len;
    uint32_t null_at, valid_at;
} thin_copy;

typedef struct thin_view {
    pit_view *view;
    thin_copy *copies;
    size_t copy_count;
} thin_view;

typedef struct thin_work {
    const pit_group *group;
    const pit_pace *pace;
    thin_view *views;
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
    const uint8_t *winner;
    bool winner_is_tied;
} thin_sweep;

static void plan_copies(const pit_group *group, thin_view *t) {
    const pit_view *view = t->view;
    for (size_t i = 0; i < view->view->output_count; i++) {
        if (view->wanted[i]) {
            const pit_column *column = &group->columns[view->output_columns[i]];
            const pit_spot *spot = &view->sheet.spots[i];
            bool symbol = column->class == PIT_SYMBOL;
            t->copies[t->copy_count++] = (thin_copy){
                .from = symbol ? column->symbol_at : column->data_at,
                .to = spot->at,
                .len = symbol ? (uint32_t)sizeof(uint32_t) : (uint32_t)floe_pit_cell_len(column->class),
                .null_at = column->null_at,
                .valid_at = spot->valid_at,
            };
        }
    }
}

static floe_status open_views(const floe_pit *pit, pit_group *group, thin_work *work, floe_arena *arena,
                              floe_error *err) {
    work->views = floe_arena_alloc(arena, group->view_count, sizeof(*work->views));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t v = 0; v < group->view_count; v++) {
        pit_view *view = &group->views[v];
        thin_copy *copies = floe_arena_alloc(arena, view->view->output_count, sizeof(*copies));
        FLOE_TRY(floe_arena_check(arena, err));
        FLOE_TRY(floe_pit_sheet_open(pit, group, view, pit->label_count, err));
        work->views[v] = (thin_view){view, copies, 0};
        plan_copies(group, &work->views[v]);
    }
    return FLOE_OK;
}

/* ---- one key ---- */

static void challenge_winner(thin_sweep *sweep, size_t slot) {
    bool tied, file_order = false;
    const pit_group *group = sweep->work->group;
    const uint8_t *record = floe_pit_slot_record(group, slot, &tied);
    if (!record) {
        return;
    }
    if (!sweep->winner || floe_pit_compare_records(group, record, sweep->winner, &file_order) > 0) {
        sweep->winner = record;
        sweep->winner_is_tied = file_order || tied;
    } else if (file_order) {
        sweep->winner_is_tied = true;
    }
}

/* As the label sees it: ttl and end time judged. */
static bool wins(const pit_group *group, const pit_view *view, const uint8_t *record, int64_t t) {
    int64_t ttl_us = view->view->ttl_us;
    if (ttl_us > 0 && floe_pit_record_time(record, 0) < floe_pit_saturating_add(t, -ttl_us)) {
        return false;
    }
    if (!group->keeps_end) {
        return true;
    }
    int64_t end = floe_pit_record_time(record, group->end_at);
    return view->before ? end >= t : end > t;
}

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

static void put_record(const thin_view *t, uint32_t label, const uint8_t *record) {
    uint8_t *row = t->view->sheet.rows + label * t->view->sheet.row_len;
    for (size_t i = 0; i < t->copy_count; i++) {
        const thin_copy *copy = &t->copies[i];
        if (!record[copy->null_at]) {
            copy_cell(row + copy->to, record + copy->from, copy->len);
            row[copy->valid_at >> 3] = (uint8_t)(row[copy->valid_at >> 3] | 1u << (copy->valid_at & 7));
        }
    }
}

static void sweep_slice(thin_sweep *sweep, const pit_slice *slice) {
    const pit_group *group = sweep->work->group;
    size_t last = slice->last;
    sweep->winner = NULL;
    sweep->winner_is_tied = false;
    for (size_t l = group->label_start[slice->key]; l < slice->first; l++) {
        challenge_winner(sweep, l); /* of the slices before it */
    }
    for (size_t l = slice->first; l < last; l++) {
        bool tied;
        sweep->rows += floe_pit_slot_record(group, l, &tied) != NULL;
        challenge_winner(sweep, l);
        for (size_t v = 0; v < group->view_count; v++) {
            const thin_view *t = &sweep->work->views[v];
            if (l + AHEAD < last) {
                __builtin_prefetch(t->view->sheet.rows + group->label_at[l + AHEAD] * t->view->sheet.row_len, 1);
            }
            if (sweep->winner && wins(group, t->view, sweep->winner, group->label_times[l])) {
                put_record(t, group->label_at[l], sweep->winner);
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
        work->views[v].view->ties += ties[v];
    }
    work->rows += sweep.rows;
    pthread_mutex_unlock(&work->lock);
    return FLOE_OK;
}

floe_status floe_pit_run_slots(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    thin_work work = {.group = group, .pace = pace};
    FLOE_TRY(open_views(pit, group, &work, &arena, err));
    if (!group->slots) {
        return FLOE_OK; /* No row came. */
    }
    const pit_stint all = {.last = 1};
    FLOE_TRY(floe_pit_shares_make(group, &all, pace->threads, &arena, &work.shares, err));
    pthread_mutex_init(&work.lock, NULL);
    floe_status status = floe_together(pace->threads, sweep_keys, &work, &work.stop, err);
    pthread_mutex_destroy(&work.lock);
    group->row_count = work.rows;
    floe_pit_slots_close(&group->slots);
    floe_pit_forget_labels(group);
    return status;
}
