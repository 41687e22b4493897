/* Sheets in a file, or in memory. See shelf.h. */
#include "offline/pit/answers/shelf.h"

#include "core/limits.h"
#include "core/mem.h"
#include "offline/together.h"

#define STRETCH_LABELS ((size_t)4096)
#define STRETCH_BYTES FLOE_MIB(1)
#define WORD 64

/* As many labels as keep the blocks neither small nor large. */
static size_t choose_stretch(const pit_group *group) {
    size_t len = 1, stretch = STRETCH_LABELS;
    for (size_t v = 0; v < group->view_count; v++) {
        len = group->views[v].sheet.row_len > len ? group->views[v].sheet.row_len : len;
    }
    while (stretch > WORD && stretch * len > STRETCH_BYTES) {
        stretch /= 2;
    }
    return stretch;
}

floe_status floe_pit_shelf_open(const floe_pit *pit, pit_group *group, floe_error *err) {
    pit_shelf *shelf = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*shelf), &shelf, err));
    group->shelf = shelf;
    shelf->label_count = pit->label_count;
    shelf->view_count = group->view_count;
    shelf->stretch = choose_stretch(group);
    shelf->stretch_count = (pit->label_count + shelf->stretch - 1) / shelf->stretch;
    size_t words = shelf->stretch_count * (shelf->stretch / WORD);
    FLOE_TRY(floe_alloc(pit->label_count + 1, sizeof(*shelf->run_of), &shelf->run_of, err));
    memset(shelf->run_of, 0xff, pit->label_count * sizeof(*shelf->run_of)); /* PIT_RUNS_MAX */
    FLOE_TRY(floe_alloc(words + 1, sizeof(*shelf->marks), &shelf->marks, err));
    return floe_alloc(words + 1, sizeof(*shelf->before), &shelf->before, err);
}

void floe_pit_shelf_close(pit_shelf **shelf) {
    if (*shelf) {
        floe_free((*shelf)->run_of);
        floe_free((*shelf)->blocks);
        for (size_t i = 0; i < (*shelf)->run_count * (*shelf)->view_count; i++) {
            floe_free((*shelf)->kept[i]);
        }
        floe_free((*shelf)->kept);
        floe_free((*shelf)->starts);
        floe_free((*shelf)->marks);
        floe_free((*shelf)->before);
        floe_free(*shelf);
        *shelf = NULL;
    }
}

/* ---- a run ---- */

static size_t words_of(const pit_shelf *shelf) {
    return shelf->stretch_count * (shelf->stretch / WORD);
}

/* The place of a label that is in the run. */
static uint32_t place_of(const pit_shelf *shelf, uint32_t label) {
    uint64_t earlier = shelf->marks[label / WORD] & ((UINT64_C(1) << (label % WORD)) - 1);
    return shelf->before[label / WORD] + (uint32_t)__builtin_popcountll(earlier);
}

static floe_status add_run(pit_shelf *shelf, floe_error *err) {
    FLOE_ASSERT(shelf->run_count < PIT_RUNS_MAX);
    size_t per_run = shelf->view_count * shelf->stretch_count;
    if (shelf->run_count == shelf->run_room) {
        size_t room = 2 * shelf->run_room + 4;
        FLOE_TRY(floe_realloc(&shelf->blocks, room * per_run + 1, sizeof(*shelf->blocks), err));
        FLOE_TRY(floe_realloc(&shelf->kept, room * shelf->view_count + 1, sizeof(*shelf->kept), err));
        FLOE_TRY(floe_realloc(&shelf->starts, room * shelf->stretch_count + 1, sizeof(*shelf->starts), err));
        shelf->run_room = room;
    }
    memset(shelf->blocks + shelf->run_count * per_run, 0, per_run * sizeof(*shelf->blocks));
    memset(shelf->kept + shelf->run_count * shelf->view_count, 0, shelf->view_count * sizeof(*shelf->kept));
    shelf->run_count++;
    memset(shelf->marks, 0, words_of(shelf) * sizeof(*shelf->marks));
    return FLOE_OK;
}

static void mark_labels(const pit_group *group, const pit_stint *stint, uint16_t run) {
    pit_shelf *shelf = group->shelf;
    for (uint32_t key = 0; key < group->keys.count; key++) {
        pit_slice slice = floe_pit_stint_slice(group, stint, key);
        for (size_t l = slice.first; l < slice.last; l++) {
            uint32_t label = group->label_at[l];
            shelf->marks[label / WORD] |= UINT64_C(1) << (label % WORD);
            shelf->run_of[label] = run;
        }
    }
}

floe_status floe_pit_shelf_begin(pit_group *group, const pit_stint *stint, size_t *ret_count, floe_error *err) {
    pit_shelf *shelf = group->shelf;
    FLOE_TRY(add_run(shelf, err));
    mark_labels(group, stint, (uint16_t)(shelf->run_count - 1));
    uint32_t count = 0;
    for (size_t i = 0; i < words_of(shelf); i++) {
        shelf->before[i] = count;
        count += (uint32_t)__builtin_popcountll(shelf->marks[i]);
    }
    shelf->before[words_of(shelf)] = count;
    for (size_t i = 0; i < shelf->stretch_count; i++) {
        shelf->starts[(shelf->run_count - 1) * shelf->stretch_count + i] = shelf->before[i * (shelf->stretch / WORD)];
    }
    for (uint32_t key = 0; key < group->keys.count; key++) {
        pit_slice slice = floe_pit_stint_slice(group, stint, key);
        for (size_t l = slice.first; l < slice.last; l++) {
            group->label_at[l] = place_of(shelf, group->label_at[l]);
        }
    }
    *ret_count = count;
    return FLOE_OK;
}

/* ---- in ---- */

typedef struct putting {
    pit_spill *spill;
    const pit_shelf *shelf;
    const pit_sheet *sheet;
    pit_block *blocks; /* per stretch */
    atomic_size_t next;
    atomic_bool stop;
} putting;

static floe_status put_stretches(void *context, floe_error *err) {
    putting *p = context;
    const pit_shelf *shelf = p->shelf;
    size_t words = shelf->stretch / WORD;
    FLOE_CLEANUP(floe_pit_spill_room_close) pit_spill_room room = {0};
    while (!atomic_load(&p->stop)) {
        size_t at = atomic_fetch_add(&p->next, 1);
        if (at >= shelf->stretch_count) {
            break;
        }
        size_t first = shelf->before[at * words], last = shelf->before[(at + 1) * words];
        if (last > first) {
            const uint8_t *rows = p->sheet->rows + first * p->sheet->row_len;
            size_t len = (last - first) * p->sheet->row_len;
            FLOE_TRY(floe_pit_spill_write(p->spill, rows, len, &room, &p->blocks[at], err));
        }
    }
    return FLOE_OK;
}

floe_status floe_pit_shelf_put(const floe_pit *pit, pit_group *group, size_t view, int threads, floe_error *err) {
    const pit_shelf *shelf = group->shelf;
    size_t block = ((shelf->run_count - 1) * shelf->view_count + view) * shelf->stretch_count;
    putting p = {
        .spill = pit->spill, .shelf = shelf, .sheet = &group->views[view].sheet, .blocks = shelf->blocks + block};
    return floe_together(threads, put_stretches, &p, &p.stop, err);
}

void floe_pit_shelf_keep(pit_group *group, size_t view, size_t count) {
    pit_shelf *shelf = group->shelf;
    pit_sheet *sheet = &group->views[view].sheet;
    shelf->kept[(shelf->run_count - 1) * shelf->view_count + view] = sheet->rows;
    shelf->kept_bytes += count * sheet->row_len;
    sheet->rows = NULL;
}

/* ---- out ---- */

/* The rows of a block to their labels' places. */
static void scatter(const uint16_t *run_of, size_t count, size_t run, const uint8_t *from, size_t row_len,
                    uint8_t *rows) {
    for (size_t i = 0; i < count; i++) {
        if (run_of[i] == run) {
            memcpy(rows + i * row_len, from, row_len);
            from += row_len;
        }
    }
}

floe_status floe_pit_shelf_get(const floe_pit *pit, const pit_group *group, size_t view, size_t stretch,
                               pit_spill_room *room, uint8_t *rows, floe_error *err) {
    const pit_shelf *shelf = group->shelf;
    size_t row_len = group->views[view].sheet.row_len, first = stretch * shelf->stretch;
    size_t left = shelf->label_count - first, count = left < shelf->stretch ? left : shelf->stretch;
    memset(rows, 0, count * row_len);
    for (size_t run = 0; run < shelf->run_count; run++) {
        const pit_block *block = &shelf->blocks[(run * shelf->view_count + view) * shelf->stretch_count + stretch];
        const uint8_t *bytes = shelf->kept[run * shelf->view_count + view];
        if (bytes) {
            bytes += shelf->starts[run * shelf->stretch_count + stretch] * row_len;
            scatter(shelf->run_of + first, count, run, bytes, row_len, rows);
        } else if (block->len > 0) {
            FLOE_TRY(floe_pit_spill_read(pit->spill, block, room, &bytes, err));
            scatter(shelf->run_of + first, count, run, bytes, row_len, rows);
        }
    }
    return FLOE_OK;
}
