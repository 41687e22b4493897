/*
 * Sheets: the answers of a view, a row per label. A row has the cells of the outputs asked for one behind the other, in their
 * order and without gaps, then a bit for each that may be null.
 *
 * Values are copied out of the rows of the source when they are known, which then lie in the cache; so once all labels of a
 * group are answered its rows are needed for nothing but lists.
 */
#include "offline/pit/answers/sheet.h"

#include "core/limits.h"
#include "core/mem.h"
#include "offline/together.h"

#include <math.h>
#include <stdatomic.h>

/* Which of several equal values it is must not show. */
static bool any_of_equals(const floe_output *output) {
    return output->function == FLOE_FN_MIN || output->function == FLOE_FN_MAX;
}

/* Whether an answer is the value of some row. */
static bool is_by_row(const floe_output *output) {
    return output->function == FLOE_FN_NONE || output->function == FLOE_FN_MIN || output->function == FLOE_FN_MAX ||
           output->function == FLOE_FN_FIRST || output->function == FLOE_FN_LAST;
}

static const pit_column *column_of(const pit_group *group, const pit_view *view, size_t output) {
    return &group->columns[view->output_columns[output]];
}

static size_t spot_len(const pit_group *group, const pit_view *view, size_t index) {
    const floe_output *output = &view->view->outputs[index];
    if (is_by_row(output)) {
        pit_class class = column_of(group, view, index)->class;
        return class == PIT_SYMBOL ? sizeof(uint32_t) : floe_pit_cell_len(class);
    }
    if (floe_function_lists(output->function)) {
        return sizeof(uint32_t *);
    }
    return output->type.kind == FLOE_KIND_DECIMAL ? sizeof(__int128) : sizeof(int64_t);
}

void floe_pit_sheet_plan(const pit_group *group, pit_view *view) {
    pit_sheet *sheet = &view->sheet;
    size_t len = 0, bits = 0;
    for (size_t i = 0; i < view->view->output_count; i++) {
        if (view->wanted[i]) {
            sheet->spots[i].at = (uint32_t)len;
            len += spot_len(group, view, i);
        }
    }
    for (size_t i = 0; i < view->view->output_count; i++) {
        bool nullable = view->wanted[i] && !floe_function_counts(view->view->outputs[i].function);
        sheet->spots[i].valid_at = nullable ? (uint32_t)(len * 8 + bits++) : PIT_NOWHERE;
    }
    sheet->row_len = len + (bits + 7) / 8;
}

floe_status floe_pit_sheet_open(const floe_pit *pit, const pit_group *group, pit_view *view, size_t label_count,
                                floe_error *err) {
    pit_sheet *sheet = &view->sheet;
    floe_pit_sheet_plan(group, view);
    FLOE_TRY(floe_alloc(label_count + 1, sheet->row_len, &sheet->rows, err));
    floe_mem_advise_huge(sheet->rows, label_count * sheet->row_len); /* Written to all over. */
    if (!pit->options.newest && !pit->newest_labels) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_realloc(&view->winner, label_count + 1, sizeof(uint32_t), err));
    memset(view->winner, 0xff, (label_count + 1) * sizeof(uint32_t));
    return FLOE_OK;
}

/* ---- lent memory ---- */

uint8_t *floe_pit_sheet_lend(pit_sheet *sheet, size_t label_count, size_t least, size_t *len) {
    size_t room = sheet->rows ? label_count * sheet->row_len - sheet->lent : 0;
    *len = room < *len ? room / 16 * 16 : *len;
    if (*len < least) {
        return NULL;
    }
    uint8_t *memory = sheet->rows + sheet->lent;
    sheet->lent += *len;
    return memory;
}

#define CLEARED_AT_ONCE FLOE_MIB(4)

static floe_status clear(void *context, size_t first, size_t last, floe_error *err) {
    (void)err;
    memset((uint8_t *)context + first, 0, last - first);
    return FLOE_OK;
}

floe_status floe_pit_sheet_reclaim(pit_sheet *sheet, int threads, floe_error *err) {
    FLOE_TRY(floe_together_over(threads, sheet->lent, CLEARED_AT_ONCE, clear, sheet->rows, err));
    sheet->lent = 0;
    return FLOE_OK;
}

static uint32_t *list_at(const uint8_t *cell) {
    uint32_t *list;
    memcpy(&list, cell, sizeof(list));
    return list;
}

void floe_pit_sheet_close(pit_view *view, size_t label_count) {
    pit_sheet *sheet = &view->sheet;
    for (size_t i = 0; sheet->rows && sheet->lent == 0 && i < view->view->output_count; i++) {
        bool lists = view->wanted[i] && floe_function_lists(view->view->outputs[i].function);
        for (size_t label = 0; lists && label < label_count; label++) {
            floe_free(list_at(sheet->rows + label * sheet->row_len + sheet->spots[i].at));
        }
    }
    floe_free(sheet->rows);
    floe_free(sheet->fetch_from);
    floe_free(view->winner);
    sheet->rows = NULL;
    sheet->fetch = NULL;
    sheet->fetch_from = NULL;
    sheet->lent = 0;
    view->winner = NULL;
}

bool floe_pit_sheets_suffice(const floe_pit *pit, const pit_group *group) {
    bool lists = false;
    for (size_t v = 0; v < group->view_count; v++) {
        const pit_view *view = &group->views[v];
        for (size_t i = 0; i < view->view->output_count; i++) {
            lists = lists || (view->wanted[i] && floe_function_lists(view->view->outputs[i].function));
        }
    }
    return !lists && !pit->newest_labels;
}

/* ---- in ---- */

/* The value of a row; false: it is null. */
static bool put_row(const pit_column *column, uint32_t row, bool any, uint8_t *cell) {
    double real;
    if (column->is_null[row]) {
        return false;
    }
    switch (column->class) {
    case PIT_I64:
        memcpy(cell, &column->data.i64[row], sizeof(int64_t));
        return true;
    case PIT_F64:
        real = any ? floe_pit_canonical(column->data.f64[row]) : column->data.f64[row];
        memcpy(cell, &real, sizeof(real));
        return true;
    case PIT_I128:
        memcpy(cell, &column->data.i128[row], sizeof(__int128));
        return true;
    case PIT_SYMBOL:
        memcpy(cell, &column->symbol[row], sizeof(uint32_t));
        return true;
    }
    return true;
}

void floe_pit_sheet_put(const pit_group *group, const pit_view *view, size_t output, size_t label,
                        const pit_answer *answer) {
    const pit_sheet *sheet = &view->sheet;
    const pit_spot *spot = &sheet->spots[output];
    uint8_t *row = sheet->rows + label * sheet->row_len, *cell = row + spot->at;
    bool valid = answer->kind != PIT_ANSWER_NULL;
    switch (answer->kind) {
    case PIT_ANSWER_NULL:
        break;
    case PIT_ANSWER_WHOLE:
    case PIT_ANSWER_REAL:
        memcpy(cell, &answer->as.whole, sizeof(int64_t));
        break;
    case PIT_ANSWER_DECIMAL:
        memcpy(cell, &answer->as.decimal, sizeof(__int128));
        break;
    case PIT_ANSWER_ROW:
        valid =
            put_row(column_of(group, view, output), answer->as.row, any_of_equals(&view->view->outputs[output]), cell);
        break;
    case PIT_ANSWER_LIST:
        memcpy(cell, &answer->as.list, sizeof(answer->as.list));
        break;
    }
    if (valid && spot->valid_at != PIT_NOWHERE) {
        floe_pit_sheet_mark(row, spot);
    }
}

/* ---- out ---- */

/* The rows of a list; of those that order by value, any of equal ones. */
static void get_list(const pit_column *column, const uint32_t *list, bool any, floe_value *items,
                     floe_value *ret_value) {
    ret_value->as.list.items = items;
    ret_value->as.list.count = list[0];
    for (uint32_t i = 0; i < list[0]; i++) {
        floe_pit_column_get(column, list[1 + i], &items[i]);
        if (any && column->class == PIT_F64 && !items[i].is_null) {
            items[i].as.real = floe_pit_canonical(items[i].as.real);
        }
    }
}

static void get_number(const uint8_t *cell, floe_value *ret_value) {
    int64_t whole;
    switch (ret_value->type.kind) {
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        memcpy(&ret_value->as.real, cell, sizeof(double));
        break;
    case FLOE_KIND_DECIMAL:
        memcpy(&ret_value->as.decimal, cell, sizeof(__int128));
        break;
    case FLOE_KIND_BOOL:
        memcpy(&whole, cell, sizeof(whole));
        ret_value->as.boolean = whole != 0;
        break;
    default:
        memcpy(&ret_value->as.integer, cell, sizeof(int64_t));
        break;
    }
}

/* The cell of an answer; NULL: it is null. */
static const uint8_t *find_cell(const pit_sheet *sheet, size_t output, size_t label, uint8_t *room) {
    if (sheet->fetch) {
        return sheet->fetch(sheet->fetch_from, output, label, 1, room) ? room : NULL;
    }
    const pit_spot *spot = &sheet->spots[output];
    const uint8_t *row = floe_pit_sheet_row(sheet, label);
    bool valid = spot->valid_at == PIT_NOWHERE || (row[spot->valid_at >> 3] >> (spot->valid_at & 7) & 1);
    return valid ? row + spot->at : NULL;
}

void floe_pit_sheet_get(const pit_group *group, const pit_view *view, size_t output, size_t label, floe_value *items,
                        floe_value *ret_value) {
    const floe_output *asked = &view->view->outputs[output];
    uint8_t room[PIT_CELL_MOST];
    const uint8_t *cell = find_cell(&view->sheet, output, label, room);
    uint32_t symbol;
    *ret_value = floe_value_null(asked->type);
    if (!cell) {
        return;
    }
    ret_value->is_null = false;
    if (floe_function_lists(asked->function)) {
        get_list(column_of(group, view, output), list_at(cell), asked->function == FLOE_FN_TOP_K, items, ret_value);
    } else if (is_by_row(asked) && column_of(group, view, output)->class == PIT_SYMBOL) {
        memcpy(&symbol, cell, sizeof(symbol));
        ret_value->as = column_of(group, view, output)->symbols.values[symbol].as;
    } else {
        get_number(cell, ret_value);
    }
}
