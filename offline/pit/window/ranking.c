/*
 * Rankings: the rows of one key numbered by value, by order or by the cell of a sketch.
 *
 * Rows that are null get no place of their own: they stand last in the sort and are left out, so their rank is never asked.
 */
#include "core/mem.h"
#include "core/paged.h"
#include "offline/pit/question/sort.h"
#include "offline/pit/window/slide.h"

#include <stdlib.h>

int floe_pit_compare_cells(const pit_column *column, uint32_t a, uint32_t b) {
    if (column->class == PIT_I128) {
        __int128 x = column->data.i128[a], y = column->data.i128[b];
        return (x > y) - (x < y);
    }
    if (column->class == PIT_SYMBOL) {
        return column->symbol[a] == column->symbol[b]
                   ? 0
                   : floe_str_compare(column->symbols.keys[column->symbol[a]], column->symbols.keys[column->symbol[b]]);
    }
    bool whole = column->class == PIT_I64;
    int64_t x = whole ? column->data.i64[a] : floe_pit_real_rank(column->data.f64[a]);
    int64_t y = whole ? column->data.i64[b] : floe_pit_real_rank(column->data.f64[b]);
    return (x > y) - (x < y);
}

/* ---- sorting ---- */

/* Whether the number that a row sorts by is all there is to compare. */
static bool is_keyed(const pit_ranking *ranking) {
    pit_class class = ranking->column ? ranking->column->class : PIT_SYMBOL;
    return ranking->kind == PIT_BY_HASH || class == PIT_I64 || class == PIT_F64;
}

static int64_t nearest_whole(__int128 value) {
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* A number in whose order rows sort, but for equal ones; 0 where cells have to be compared. */
static int64_t sort_key(const pit_ranking *ranking, uint32_t row) {
    const pit_column *column = ranking->column;
    if (ranking->kind == PIT_BY_ORDER) {
        return ranking->group->event[row];
    }
    if (ranking->kind == PIT_BY_HASH) {
        floe_value value;
        floe_pit_column_get(column, row, &value);
        uint64_t hash = floe_sketch_hash(&value);
        return floe_sketch_register(hash) * 64 + floe_sketch_rank(hash);
    }
    if (column->class == PIT_I64) {
        return column->data.i64[row];
    }
    if (column->class == PIT_I128) {
        return nearest_whole(column->data.i128[row]);
    }
    return column->class == PIT_F64 ? floe_pit_real_rank(column->data.f64[row]) : 0;
}

/* Whether two rows whose sort keys are equal have one rank; else which comes first. */
static int compare_equal_keys(const pit_ranking *ranking, uint32_t a, uint32_t b) {
    if (ranking->kind == PIT_BY_ORDER) {
        bool file_order;
        return floe_pit_compare_rows(ranking->group, a, b, &file_order);
    }
    return is_keyed(ranking) ? 0 : floe_pit_compare_cells(ranking->column, a, b);
}

static int compare_places(const void *a, const void *b, void *context) {
    const pit_moment *x = a, *y = b;
    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    int order = compare_equal_keys(context, x->row, y->row);
    return order != 0 ? order : (x->row > y->row) - (x->row < y->row);
}

static floe_status make_room(pit_ranking *ranking, size_t rows, floe_error *err) {
    if (rows <= ranking->room) {
        return FLOE_OK;
    }
    size_t room = rows + rows / 2;
    FLOE_TRY(floe_realloc(&ranking->rank, room, sizeof(*ranking->rank), err));
    FLOE_TRY(floe_realloc(&ranking->row_of, room, sizeof(*ranking->row_of), err));
    FLOE_TRY(floe_realloc(&ranking->places, room, sizeof(*ranking->places), err));
    FLOE_TRY(floe_realloc(&ranking->spare, room, sizeof(*ranking->spare), err));
    if (ranking->kind == PIT_BY_HASH) {
        FLOE_TRY(floe_realloc(&ranking->cell_of, room, sizeof(*ranking->cell_of), err));
    }
    ranking->room = room;
    return FLOE_OK;
}

/* By number; then those whose number is the same by what it is of, where that can differ. */
static void sort_places(pit_ranking *ranking, size_t count) {
    pit_moment *places = ranking->places;
    floe_pit_sort_moments(places, count, ranking->spare);
    for (size_t first = 0, last; first < count && !is_keyed(ranking); first = last) {
        for (last = first + 1; last < count && places[last].at == places[first].at;) {
            last++;
        }
        if (last - first > 1) {
            qsort_r(places + first, last - first, sizeof(*places), compare_places, ranking);
        }
    }
}

floe_status floe_pit_ranking_make(pit_ranking *ranking, uint32_t first_row, uint32_t last_row, floe_error *err) {
    FLOE_TRY(make_room(ranking, last_row - first_row + 1, err));
    size_t count = 0;
    for (uint32_t row = first_row; row < last_row; row++) {
        floe_paged_ease_at(row);
        if (!ranking->column || !ranking->column->is_null[row]) {
            ranking->places[count++] = (pit_moment){sort_key(ranking, row), row};
        }
    }
    sort_places(ranking, count);
    ranking->first_row = first_row;
    ranking->count = 0;
    for (size_t i = 0; i < count; i++) {
        floe_paged_ease_at(i);
        const pit_moment *place = &ranking->places[i];
        const pit_moment *before = i > 0 ? place - 1 : NULL;
        if (!before || before->at != place->at || compare_equal_keys(ranking, before->row, place->row) != 0) {
            ranking->row_of[ranking->count] = place->row;
            if (ranking->kind == PIT_BY_HASH) {
                ranking->cell_of[ranking->count] = (uint32_t)place->at;
            }
            ranking->count++;
        }
        ranking->rank[place->row - first_row] = (uint32_t)ranking->count - 1;
    }
    return FLOE_OK;
}

void floe_pit_ranking_close(pit_ranking *ranking) {
    floe_free(ranking->rank);
    floe_free(ranking->row_of);
    floe_free(ranking->cell_of);
    floe_free(ranking->places);
    floe_free(ranking->spare);
}

/* ---- those of a sweep ---- */

floe_status floe_pit_rankings_of(pit_rankings *rankings, pit_ranking_kind kind, const pit_column *column,
                                 pit_ranking **ret_ranking, floe_error *err) {
    for (size_t i = 0; i < rankings->count; i++) {
        if (rankings->items[i]->kind == kind && rankings->items[i]->column == column) {
            *ret_ranking = rankings->items[i];
            return FLOE_OK;
        }
    }
    if (rankings->count == rankings->room) {
        size_t room = rankings->room * 2 + 4;
        FLOE_TRY(floe_realloc(&rankings->items, room, sizeof(*rankings->items), err));
        rankings->room = room;
    }
    pit_ranking *ranking = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*ranking), &ranking, err));
    ranking->kind = kind;
    ranking->column = column;
    ranking->group = rankings->group;
    rankings->items[rankings->count++] = ranking;
    *ret_ranking = ranking;
    return FLOE_OK;
}

floe_status floe_pit_rankings_make(pit_rankings *rankings, uint32_t first_row, uint32_t last_row, bool orders,
                                   floe_error *err) {
    for (size_t i = 0; i < rankings->count; i++) {
        if (orders || rankings->items[i]->kind != PIT_BY_ORDER) {
            FLOE_TRY(floe_pit_ranking_make(rankings->items[i], first_row, last_row, err));
        }
    }
    return FLOE_OK;
}

void floe_pit_rankings_close(pit_rankings *rankings) {
    for (size_t i = 0; i < rankings->count; i++) {
        floe_pit_ranking_close(rankings->items[i]);
        floe_free(rankings->items[i]);
    }
    floe_free(rankings->items);
}
