/* See readback.h. Invariants: an unpacked stretch belongs to the thread that took it, until it is given back; those that nobody uses take
 * no more than floe_pit_readback_bytes. */
#include "offline/pit/answers/readback.h"

#include "core/mem.h"
#include "offline/pit/answers/shelf.h"

/* One stretch of one view. */
typedef struct unpacked {
    struct unpacked *next;
    size_t group, view, stretch; /* stretch SIZE_MAX: none yet */
    uint8_t *rows;
    size_t rows_len;
    pit_spill_room room;
} unpacked;

struct pit_readback {
    const floe_pit *pit;
    uint64_t most; /* bytes of those that nobody uses */
    pthread_mutex_t lock;
    unpacked *free; /* that nobody uses; the one that was used last is the first */
};

uint64_t floe_pit_spilled_bytes(uint64_t memory_bytes) {
    return memory_bytes / 8;
}

/* A stretch of every view for each thread: as it was packed, unpacked, and its rows in their places. */
uint64_t floe_pit_readback_bytes(const floe_pit *pit) {
    uint64_t bytes = 0, most = floe_pit_spilled_bytes(pit->options.memory_bytes);
    for (size_t g = 0; g < pit->group_count; g++) {
        const pit_group *group = &pit->groups[g];
        for (size_t v = 0; group->shelf && v < group->view_count; v++) {
            bytes += (uint64_t)pit->threads * 3 * group->shelf->stretch * group->views[v].sheet.row_len;
        }
    }
    return bytes < most ? bytes : most;
}

floe_status floe_pit_readback_open(const floe_pit *pit, pit_readback **ret_readback, floe_error *err) {
    FLOE_TRY(floe_alloc(1, sizeof(**ret_readback), ret_readback, err));
    (*ret_readback)->pit = pit;
    (*ret_readback)->most = floe_pit_readback_bytes(pit);
    pthread_mutex_init(&(*ret_readback)->lock, NULL);
    return FLOE_OK;
}

static void unpacked_close(unpacked **item) {
    if (*item) {
        floe_pit_spill_room_close(&(*item)->room);
        floe_free((*item)->rows);
        floe_free(*item);
        *item = NULL;
    }
}

void floe_pit_readback_close(pit_readback **readback) {
    if (!*readback) {
        return;
    }
    for (unpacked *item = (*readback)->free; item;) {
        unpacked *next = item->next;
        unpacked_close(&item);
        item = next;
    }
    pthread_mutex_destroy(&(*readback)->lock);
    floe_free(*readback);
    *readback = NULL;
}

/* ---- one stretch ---- */

/* One that nobody uses: that of the stretch, else the last one of the view; NULL: there is none. */
static unpacked *take(pit_readback *readback, const pit_answers *of, size_t stretch) {
    pthread_mutex_lock(&readback->lock);
    unpacked **found = NULL;
    for (unpacked **at = &readback->free; *at; at = &(*at)->next) {
        bool same = (*at)->group == of->group && (*at)->view == of->view;
        if (same && (*at)->stretch == stretch) {
            found = at;
            break;
        }
        found = same ? at : found;
    }
    unpacked *item = found ? *found : NULL;
    if (found) {
        *found = item->next;
    }
    pthread_mutex_unlock(&readback->lock);
    return item;
}

static uint64_t item_bytes(const unpacked *item) {
    return item->rows_len + item->room.packed.cap + item->room.bytes.cap;
}

static void give_back(pit_readback *readback, unpacked *item) {
    uint64_t bytes;
    pthread_mutex_lock(&readback->lock);
    item->next = readback->free;
    readback->free = item;
    unpacked **end;
    for (bytes = item_bytes(item), end = &item->next; *end && bytes + item_bytes(*end) <= readback->most;
         end = &(*end)->next) {
        bytes += item_bytes(*end);
    }
    unpacked *oldest = *end;
    *end = NULL;
    pthread_mutex_unlock(&readback->lock);
    while (oldest) {
        unpacked *next = oldest->next;
        unpacked_close(&oldest);
        oldest = next;
    }
}

static floe_status unpack(const pit_readback *readback, const pit_answers *of, size_t stretch, unpacked **item,
                          floe_error *err) {
    const pit_group *group = &readback->pit->groups[of->group];
    if (!*item) {
        FLOE_TRY(floe_alloc(1, sizeof(**item), item, err));
        **item = (unpacked){.group = of->group, .view = of->view, .stretch = SIZE_MAX};
        FLOE_TRY(floe_realloc(&(*item)->rows, group->shelf->stretch, of->sheet->row_len, err));
        (*item)->rows_len = group->shelf->stretch * of->sheet->row_len;
    }
    if ((*item)->stretch != stretch) {
        (*item)->stretch = SIZE_MAX;
        FLOE_TRY(floe_pit_shelf_get(readback->pit, group, of->view, stretch, &(*item)->room, (*item)->rows, err));
        (*item)->stretch = stretch;
    }
    return FLOE_OK;
}

/* The rows of a view's labels [first, first + count), which lie in one stretch, to `rows`. */
static floe_status copy_rows(pit_readback *readback, const pit_answers *of, size_t first, size_t count, uint8_t *rows,
                             floe_error *err) {
    FLOE_CLEANUP(unpacked_close) unpacked *item = NULL;
    size_t stretch_len = readback->pit->groups[of->group].shelf->stretch, row_len = of->sheet->row_len;
    item = take(readback, of, first / stretch_len);
    FLOE_TRY(unpack(readback, of, first / stretch_len, &item, err));
    memcpy(rows, item->rows + first % stretch_len * row_len, count * row_len);
    give_back(readback, item);
    item = NULL;
    return FLOE_OK;
}

/* ---- a piece ---- */

/* Sheets of the labels of one piece, for those views that its columns are of. */
typedef struct piece_sheets {
    pit_sheet *items;
    size_t count;
} piece_sheets;

static void sheets_close(piece_sheets *sheets) {
    for (size_t i = 0; i < sheets->count; i++) {
        floe_free(sheets->items[i].rows);
    }
    floe_free(sheets->items);
}

static floe_status read_sheet(pit_readback *readback, const pit_answers *of, const floe_pit_piece *piece,
                              pit_sheet *sheet, floe_error *err) {
    size_t stretch_len = readback->pit->groups[of->group].shelf->stretch;
    sheet->row_len = of->sheet->row_len;
    FLOE_TRY(floe_realloc(&sheet->rows, piece->label_count + 1, sheet->row_len, err));
    for (size_t done = 0, some; done < piece->label_count; done += some) {
        size_t first = piece->first_label + done, left = piece->label_count - done;
        some = stretch_len - first % stretch_len;
        some = some < left ? some : left;
        FLOE_TRY(copy_rows(readback, of, first, some, sheet->rows + done * sheet->row_len, err));
    }
    return FLOE_OK;
}

floe_status floe_pit_readback_batch(pit_readback *readback, const pit_answers *answers, const floe_pit_piece *piece,
                                    struct ArrowArray *ret_batch, floe_error *err) {
    FLOE_AUTO_FREE pit_answers *local = NULL;
    FLOE_CLEANUP(sheets_close) piece_sheets sheets = {0};
    size_t count = piece->column_count;
    FLOE_TRY(floe_alloc(count + 1, sizeof(*local), &local, err));
    FLOE_TRY(floe_alloc(count + 1, sizeof(*sheets.items), &sheets.items, err));
    sheets.count = count;
    for (size_t i = 0; i < count; i++) {
        size_t same = 0; /* the first column of the same view */
        while (answers[same].sheet != answers[i].sheet) {
            same++;
        }
        if (same == i) {
            FLOE_TRY(read_sheet(readback, &answers[i], piece, &sheets.items[i], err));
        }
        local[i] = answers[i];
        local[i].sheet = &sheets.items[same];
    }
    return floe_pit_columnar_batch(local, count, 0, piece->label_count, 1, ret_batch, err);
}
