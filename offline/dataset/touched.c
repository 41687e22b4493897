/*
 * The columns that a scan touches.
 */
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

static void add_name(floe_str *names, size_t *count, floe_str name) {
    for (size_t i = 0; i < *count; i++) {
        if (name.len == 0 || floe_str_equal(names[i], name)) {
            return;
        }
    }
    names[*count] = name;
    *count += name.len > 0;
}

floe_status floe_source_columns(const source_scan *scan, floe_arena *arena, floe_str **ret_names, size_t *ret_count,
                                floe_error *err) {
    const floe_pit_need *need = scan->need;
    floe_str *names = floe_arena_alloc(arena, need->source->column_count + need->column_count + 4, sizeof(*names));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (size_t i = 0; i < need->column_count; i++) {
        add_name(names, &count, need->columns[i]);
    }
    add_name(names, &count, need->source->event_time);
    add_name(names, &count, need->source->created_time);
    add_name(names, &count, need->source->end_time);
    for (size_t w = 0; w < need->where_count; w++) {
        floe_str *used;
        size_t used_count = 0;
        if (need->wheres[w]) {
            floe_expr_columns(need->wheres[w], arena, &used, &used_count);
            FLOE_TRY(floe_arena_check(arena, err));
        }
        for (size_t i = 0; i < used_count; i++) {
            add_name(names, &count, used[i]);
        }
    }
    *ret_names = names;
    *ret_count = count;
    return FLOE_OK;
}
