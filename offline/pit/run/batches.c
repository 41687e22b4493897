/*
 * The run of a question that spills: as many parts of the keys as fit are read back, put in order, swept and forgotten, and
 * their answers are kept or, where they are more than there is memory for, written down. The answer to a key depends on its rows and
 * labels alone, so it is the same as at once.
 *
 * What is held: rows that did not have to be written down, until they are in order, and answers that are kept. These grow as those go, so
 * answers are kept as long as the largest part to come still fits beside what is held.
 *
 * A part that alone is more than fits, because one of its keys is, is answered by one thread whose arrays lie in files
 * (core/paged.h): its rows are put in order by large.c, and the sweep goes through them as it always does, in order of time, so what is in
 * memory are the places that rows enter and leave its windows at.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/paged.h"
#include "offline/pit/answers/sheet.h"
#include "offline/pit/answers/shelf.h"
#include "offline/pit/rows/record.h"
#include "offline/pit/run/group.h"
#include "offline/pit/run/sweep.h"

#define MOVED_BYTES 40   /* of one row, beside its record and its cells, while its part is put in order */
#define SPILLED_BYTES 48 /* of one row beside its record and its cells, where nothing is held */
#define SWEPT_BYTES 64   /* of one row beside its cells, while its key is swept: sums and their squares, peaks */
#define LABEL_BYTES 24   /* of one label: times and order, and its run */
#define KEY_BYTES 96
#define LABELS_LEAST 4096       /* of a part that is answered run by run, beside those that fit */
#define LARGE_LEAST FLOE_MIB(1) /* what is less is answered in memory, however little of it there is */
#define SHELF_BYTES 3           /* of one label: its run, and its bit */
#define RUNS_KEPT 8             /* at least, of answers that fill what is theirs, so that little of it stays empty */

/* A group while it is answered part by part. */
typedef struct batching {
    const floe_pit *pit;
    pit_group *group;
    const pit_pace *pace;
    size_t parts;
    bool keeps;           /* rows and answers that fit; else none is held */
    uint32_t *labels;     /* per part */
    uint64_t *rows;       /* likewise */
    uint64_t *held;       /* bytes of rows that are in memory, of this part and those behind it, and last none */
    uint64_t *reserve;    /* likewise the most that one of them takes while it is answered */
    uint64_t answer_most; /* bytes of a label, in the view that has most */
    uint64_t answer_all;  /* in all views */
    uint64_t room;        /* beside labels and distinct values */
    uint64_t others;      /* held of the groups to come */
} batching;

static void batching_close(batching *b) {
    floe_free(b->labels);
    floe_free(b->rows);
    floe_free(b->held);
    floe_free(b->reserve);
}

/* Some parts that are answered together. */
typedef struct batch_size {
    uint64_t rows, labels, largest; /* largest: rows of one part */
    size_t parts;
} batch_size;

static void add_part(const batching *b, size_t part, batch_size *size) {
    size->rows += b->rows[part];
    size->labels += b->labels[part];
    size->largest = b->rows[part] > size->largest ? b->rows[part] : size->largest;
    size->parts++;
}

/* Beside the rows that are held: cells in order, then what orders parts, and then the answers and what sweeps keys, which `threads`
 * do at once. */
static uint64_t batch_bytes(const batching *b, const batch_size *size, uint64_t threads) {
    uint64_t record = b->group->record_len;
    if (!b->keeps) {
        return size->rows * (2 * record + SPILLED_BYTES) + size->labels * b->answer_most;
    }
    uint64_t at_once = (uint64_t)b->pace->threads;
    at_once = at_once < size->parts ? at_once : size->parts;
    uint64_t order = at_once * size->largest * (record + MOVED_BYTES);
    uint64_t sweep = size->labels * b->answer_most + threads * size->largest * SWEPT_BYTES;
    return size->rows * record + (order > sweep ? order : sweep);
}

static uint64_t least_bytes(const batching *b, const batch_size *size) {
    uint64_t threads = (uint64_t)b->pace->threads;
    return batch_bytes(b, size, threads < size->parts ? threads : size->parts);
}

/* Before `part` is answered. */
static uint64_t held_bytes(const batching *b, size_t part) {
    uint64_t bytes = b->others + b->held[part];
    for (size_t g = 0; g < b->pit->group_count; g++) {
        bytes += b->pit->groups[g].shelf ? b->pit->groups[g].shelf->kept_bytes : 0;
    }
    return bytes;
}

static uint64_t kept_bytes(const batching *b) {
    return held_bytes(b, b->parts) - b->others;
}

static uint64_t room_left(const batching *b, size_t part) {
    uint64_t held = b->keeps ? held_bytes(b, part) : 0;
    return held < b->room ? b->room - held : 0;
}

/* Labels per part. */
static void count_labels(const pit_group *group, size_t parts, uint32_t *labels) {
    for (uint32_t key = 0; key < group->keys.count; key++) {
        labels[key & (parts - 1)] += group->label_start[key + 1] - group->label_start[key];
    }
}

uint64_t floe_pit_label_bytes(const floe_pit *pit) {
    uint64_t bytes = 0;
    for (size_t g = 0; g < pit->group_count; g++) {
        bytes += pit->label_count * (uint64_t)LABEL_BYTES + pit->groups[g].keys.count * (uint64_t)KEY_BYTES;
    }
    return bytes;
}

static uint64_t symbol_bytes(const floe_pit *pit) {
    uint64_t bytes = 0;
    for (size_t g = 0; g < pit->group_count; g++) {
        for (size_t i = 0; i < pit->groups[g].column_count; i++) {
            bytes += floe_pit_symbols_bytes(&pit->groups[g].columns[i].symbols);
        }
    }
    return bytes;
}

/* An eighth is for what nobody counts, and a quarter where less is counted. */
static uint64_t room_of(const floe_pit *pit) {
    if (pit->options.run_bytes == 0) {
        uint64_t labels = floe_pit_label_bytes(pit), share = pit->options.memory_bytes - pit->options.memory_bytes / 4;
        return labels < share ? share - labels : 0;
    }
    uint64_t used = floe_pit_label_bytes(pit) + pit->label_count * SHELF_BYTES + symbol_bytes(pit);
    uint64_t memory = pit->options.run_bytes - pit->options.run_bytes / 8;
    return used < memory ? memory - used : 0;
}

/* Of answers, in a run. Where few of all stay, runs are as long as there is room for: short ones have too few parts for all threads. */
static uint64_t runs_most(const batching *b) {
    uint64_t may = b->keeps ? b->pit->options.answers_bytes : 0;
    return may < b->pit->label_count * b->answer_all / 2 ? 0 : may / RUNS_KEPT;
}

/* Parts from `first` on until one more would be too much. */
static size_t last_that_fits(const batching *b, size_t first, batch_size *ret_size) {
    uint64_t room = room_left(b, first), most = runs_most(b);
    size_t last = first;
    *ret_size = (batch_size){0};
    while (last < b->parts) {
        batch_size more = *ret_size;
        add_part(b, last, &more);
        bool too_much = least_bytes(b, &more) > room || (most > 0 && more.labels * b->answer_all > most);
        if (too_much && last > first) {
            break;
        }
        *ret_size = more;
        last++;
    }
    return last;
}

/* Whether the answers of a batch may stay in memory: there must be room for what comes after it. */
static bool keeps_answers(const batching *b, const batch_size *size, size_t last) {
    uint64_t bytes = size->labels * b->answer_all;
    return b->keeps && kept_bytes(b) + bytes <= b->pit->options.answers_bytes &&
           held_bytes(b, last) + bytes + b->reserve[last] <= b->room;
}

static floe_status answer_parts(const batching *b, const pit_stint *stint, const batch_size *size, floe_error *err) {
    size_t count;
    pit_group *group = b->group;
    pit_pace pace = *b->pace;
    bool keeps = keeps_answers(b, size, stint->last);
    pace.whole_keys = !b->keeps || batch_bytes(b, size, (uint64_t)pace.threads) > room_left(b, stint->first);
    FLOE_TRY(floe_pit_shelf_begin(group, stint, &count, err));
    FLOE_TRY(floe_pit_arrange(group, stint->first, stint->last, pace.threads, err));
    for (size_t v = 0; v < group->view_count; v++) {
        FLOE_TRY(floe_pit_sheet_open(b->pit, group, &group->views[v], count, err));
        FLOE_TRY(floe_pit_sweep_view(b->pit, group, &group->views[v], stint, &pace, err));
        if (keeps) {
            floe_pit_shelf_keep(group, v, count);
        } else {
            FLOE_TRY(floe_pit_shelf_put(b->pit, group, v, pace.threads, err));
        }
        floe_pit_sheet_close(&group->views[v], 0);
    }
    floe_pit_forget_rows(group);
    return FLOE_OK;
}

/* ---- a part that does not fit ---- */

typedef struct large {
    const floe_pit *pit;
    pit_group *group;
    const pit_pace *pace;
    floe_paged *paged;
    pit_sweep **sweeps;     /* per view: each goes on from run to run */
    uint32_t labels_in_run; /* at most, so that their answers fit into memory */
} large;

static void large_close(large *l) {
    for (size_t v = 0; l->sweeps && v < l->group->view_count; v++) {
        floe_pit_sweep_close(&l->sweeps[v]);
    }
    floe_free(l->sweeps);
    floe_paged_close(&l->paged);
}

static floe_status sweep_run(const large *l, size_t view, const pit_stint *stint, floe_error *err) {
    for (uint32_t key = 0; key < l->group->keys.count; key++) {
        pit_slice slice = floe_pit_stint_slice(l->group, stint, key);
        if (slice.first < slice.last) {
            FLOE_TRY(floe_pit_sweep_slice(l->sweeps[view], &slice, err));
            FLOE_ENSURE(!floe_pit_is_cancelled(l->pace->run), err, FLOE_CANCELLED, "cancelled");
        }
    }
    return FLOE_OK;
}

static floe_status answer_run(const large *l, const pit_stint *stint, floe_error *err) {
    size_t count;
    FLOE_TRY(floe_pit_shelf_begin(l->group, stint, &count, err));
    for (size_t v = 0; v < l->group->view_count; v++) {
        pit_view *view = &l->group->views[v];
        FLOE_TRY(floe_pit_sheet_open(l->pit, l->group, view, count, err));
        floe_paged_use(l->paged);
        floe_status status = sweep_run(l, v, stint, err);
        floe_paged_use(NULL);
        FLOE_TRY(status);
        FLOE_TRY(floe_pit_shelf_put(l->pit, l->group, v, l->pace->threads, err));
        floe_pit_sheet_close(view, 0);
    }
    return FLOE_OK;
}

/* The labels of the part run by run: cut where there are as many as fit, within a key too. */
static floe_status answer_runs(const large *l, const pit_stint *part, floe_error *err) {
    pit_stint run = *part;
    uint32_t count = 0;
    for (uint32_t key = 0; key < l->group->keys.count; key++) {
        pit_slice slice = floe_pit_stint_slice(l->group, part, key);
        while (slice.last - slice.first > l->labels_in_run - count) {
            slice.first += l->labels_in_run - count;
            run.last_label = slice.first;
            FLOE_TRY(answer_run(l, &run, err));
            run.first_label = slice.first;
            count = 0;
        }
        count += slice.last - slice.first;
    }
    run.last_label = l->group->label_start[l->group->keys.count];
    return count > 0 ? answer_run(l, &run, err) : FLOE_OK;
}

static floe_status open_sweeps(large *l, floe_error *err) {
    FLOE_TRY(floe_alloc(l->group->view_count, sizeof(pit_sweep *), &l->sweeps, err));
    for (size_t v = 0; v < l->group->view_count; v++) {
        FLOE_TRY(floe_pit_sweep_open(l->pit, l->group, &l->group->views[v], &l->sweeps[v], err));
    }
    return FLOE_OK;
}

/* The room is for pages; the answers of a run, and pages that come between two looks, have the quarter that it leaves free. */
static floe_status answer_large(const batching *b, const pit_stint *part, floe_error *err) {
    const floe_pit *pit = b->pit;
    pit_group *group = b->group;
    uint64_t room = room_left(b, part->first), fit = room / 4 / (b->answer_most + 1) + LABELS_LEAST;
    FLOE_CLEANUP(large_close)
    large l = {
        .pit = pit, .group = group, .pace = b->pace, .labels_in_run = fit < UINT32_MAX ? (uint32_t)fit : UINT32_MAX};
    FLOE_TRY(floe_pit_row_starts_make(group, err));
    FLOE_TRY(floe_paged_open(pit->options.spill_folder, room, &l.paged, err));
    floe_paged_use(l.paged);
    FLOE_TRY(floe_pit_arrange_large(group, part->first, pit->spill, room / 2, err));
    floe_paged_use(NULL);
    FLOE_TRY(open_sweeps(&l, err));
    FLOE_TRY(answer_runs(&l, part, err));
    for (size_t v = 0; v < group->view_count; v++) {
        floe_pit_sweep_count(l.sweeps[v], &group->views[v]);
    }
    floe_pit_forget_rows(group);
    return FLOE_OK;
}

/* ---- all parts ---- */

static void measure_parts(batching *b) {
    for (size_t part = b->parts; part-- > 0;) {
        batch_size size = {0};
        b->rows[part] = floe_pit_part_rows(b->group, part);
        b->held[part] = b->held[part + 1] + floe_pit_part_bytes(b->group, part);
        add_part(b, part, &size);
        uint64_t bytes = least_bytes(b, &size);
        b->reserve[part] = bytes > b->reserve[part + 1] ? bytes : b->reserve[part + 1];
    }
}

static void measure_others(batching *b) {
    for (const pit_group *group = b->group + 1; group < b->pit->groups + b->pit->group_count; group++) {
        for (size_t part = 0; part < floe_pit_parts_count(group); part++) {
            b->others += floe_pit_part_bytes(group, part);
        }
    }
}

static floe_status measure(batching *b, floe_error *err) {
    b->parts = floe_pit_parts_count(b->group);
    b->room = room_of(b->pit);
    FLOE_TRY(floe_alloc(b->parts, sizeof(*b->labels), &b->labels, err));
    FLOE_TRY(floe_alloc(b->parts, sizeof(*b->rows), &b->rows, err));
    FLOE_TRY(floe_alloc(b->parts + 1, sizeof(*b->held), &b->held, err));
    FLOE_TRY(floe_alloc(b->parts + 1, sizeof(*b->reserve), &b->reserve, err));
    for (size_t v = 0; v < b->group->view_count; v++) {
        floe_pit_sheet_plan(b->group, &b->group->views[v]);
        uint64_t len = b->group->views[v].sheet.row_len;
        b->answer_most = len > b->answer_most ? len : b->answer_most;
        b->answer_all += len;
    }
    count_labels(b->group, b->parts, b->labels);
    measure_others(b);
    measure_parts(b);
    return FLOE_OK;
}

floe_status floe_pit_run_batches(const floe_pit *pit, pit_group *group, const pit_pace *pace, floe_error *err) {
    FLOE_TRY(floe_pit_parts_open(pit, group, err)); /* where no row came */
    FLOE_CLEANUP(batching_close)
    batching b = {.pit = pit, .group = group, .pace = pace, .keeps = pit->options.run_bytes > 0};
    FLOE_TRY(measure(&b, err));
    FLOE_TRY(floe_pit_shelf_open(pit, group, err));
    for (size_t first = 0, last; first < b.parts; first = last) {
        batch_size size;
        last = last_that_fits(&b, first, &size);
        const pit_stint stint = {.mask = (uint32_t)b.parts - 1, .first = (uint32_t)first, .last = (uint32_t)last};
        uint64_t bytes = least_bytes(&b, &size);
        bool too_large = bytes > LARGE_LEAST && bytes > room_left(&b, first);
        FLOE_TRY(too_large ? answer_large(&b, &stint, err) : answer_parts(&b, &stint, &size, err));
    }
    floe_pit_parts_close(&group->parts);
    floe_pit_forget_labels(group);
    return FLOE_OK;
}
