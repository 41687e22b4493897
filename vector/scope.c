/*
 * See scope_int.h. What is not understood is hidden: each list is built up from what is seen, never cut down.
 */
#include "vector/scope_int.h"

#include "core/map.h"

#include <stdlib.h>

typedef struct scoping {
    const floe_role *role;
    floe_arena *arena;
    floe_map views; /* name of a view → its unit, as it was */
    floe_unit *kept;
    size_t kept_count;
    bool whole;
} scoping;

static floe_texts *begin_texts(const scoping *run, size_t most, floe_texts *list, floe_str **ret_items) {
    *ret_items = floe_arena_alloc(run->arena, most + 1, sizeof(floe_str));
    *list = (floe_texts){*ret_items, 0};
    return *ret_items ? list : NULL;
}

/* ---- tables ---- */

static bool sees_columns(const scoping *run, floe_str space, floe_str table, const floe_str *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!floe_role_sees_column(run->role, space, table, columns[i])) {
            return false;
        }
    }
    return true;
}

static void keep_columns(scoping *run, floe_unit *unit) {
    floe_part *parts = floe_arena_alloc(run->arena, unit->part_count + 1, sizeof(*parts));
    size_t count = 0;
    for (size_t i = 0; parts && i < unit->part_count; i++) {
        if (floe_role_sees_column(run->role, unit->space, unit->name, unit->parts[i].name)) {
            parts[count++] = unit->parts[i];
        }
    }
    run->whole = run->whole && count == unit->part_count;
    unit->parts = parts;
    unit->part_count = count;
}

static void keep_keys(scoping *run, floe_unit *unit) {
    floe_foreign_key *keys = floe_arena_alloc(run->arena, unit->foreign_key_count + 1, sizeof(*keys));
    size_t count = 0;
    for (size_t i = 0; keys && i < unit->foreign_key_count; i++) {
        const floe_foreign_key *key = &unit->foreign_keys[i];
        if (sees_columns(run, unit->space, unit->name, key->columns, key->column_count) &&
            sees_columns(run, unit->space, key->table, key->references, key->reference_count) &&
            floe_role_sees_table(run->role, unit->space, key->table)) {
            keys[count++] = *key;
        }
    }
    run->whole = run->whole && count == unit->foreign_key_count;
    unit->foreign_keys = keys;
    unit->foreign_key_count = count;
    if (!sees_columns(run, unit->space, unit->name, unit->primary_key.items, unit->primary_key.count)) {
        unit->primary_key = (floe_texts){0};
        run->whole = false;
    }
}

/* ---- views ---- */

static bool sees_table_of_view(const scoping *run, const floe_unit *view) {
    floe_str table = {0};
    return floe_unit_view_table(view, &table) && floe_role_sees_table(run->role, view->space, table);
}

/* The first word of a feature is its source column; "*" is none. */
static bool sees_source_column(const scoping *run, const floe_unit *view, const floe_part *feature) {
    floe_str table = {0};
    return feature->words.count == 0 || (floe_unit_view_table(view, &table) &&
                                         floe_role_sees_column(run->role, view->space, table, feature->words.items[0]));
}

static void keep_features(scoping *run, floe_unit *unit) {
    floe_part *parts = floe_arena_alloc(run->arena, unit->part_count + 1, sizeof(*parts));
    for (size_t i = 0; parts && i < unit->part_count; i++) {
        parts[i] = unit->parts[i];
        if (!sees_source_column(run, unit, &parts[i])) {
            parts[i].words = (floe_texts){parts[i].words.items + 1, parts[i].words.count - 1};
            run->whole = false;
        }
    }
    unit->part_count = parts ? unit->part_count : 0;
    unit->parts = parts;
}

static void hide_source(scoping *run, floe_unit *unit) {
    unit->space = FLOE_STR("");
    unit->related.count = unit->related_open;
    unit->prose.count = unit->prose_open;
    run->whole = false;
}

static bool keep_view(scoping *run, floe_unit *unit) {
    if (!floe_role_sees_view(run->role, unit->name)) {
        return false;
    }
    keep_features(run, unit);
    if (!sees_table_of_view(run, unit)) {
        hide_source(run, unit);
    }
    return true;
}

/* ---- services ---- */

static void add_once(floe_str *items, floe_texts *list, floe_str text) {
    for (size_t i = 0; i < list->count; i++) {
        if (floe_str_equal(items[i], text)) {
            return;
        }
    }
    items[list->count++] = text;
}

static bool keep_service(scoping *run, floe_unit *unit) {
    floe_texts spaces = {0};
    floe_str *items = NULL;
    if (!begin_texts(run, unit->views.count, &spaces, &items)) {
        return false;
    }
    for (size_t i = 0; i < unit->views.count; i++) {
        const floe_unit *view = floe_map_get(&run->views, unit->views.items[i]);
        if (!view || !floe_role_sees_view(run->role, view->name)) {
            return false;
        }
        if (view->space.len > 0 && sees_table_of_view(run, view)) {
            add_once(items, &spaces, view->space);
        }
    }
    run->whole = run->whole && spaces.count == unit->spaces.count;
    unit->spaces = spaces;
    return true;
}

/* ---- all ---- */

static bool keep_table(scoping *run, floe_unit *unit) {
    if (!floe_role_sees_table(run->role, unit->space, unit->name)) {
        return false;
    }
    keep_columns(run, unit);
    keep_keys(run, unit);
    return true;
}

static bool keep_unit(scoping *run, floe_unit *unit) {
    switch (unit->kind) {
    case FLOE_UNIT_TABLE:
        return keep_table(run, unit);
    case FLOE_UNIT_VIEW:
        return keep_view(run, unit);
    case FLOE_UNIT_SERVICE:
        return keep_service(run, unit);
    default:
        return false;
    }
}

/* As units lie in an index file (store.c). */
static int compare_units(const void *a, const void *b) {
    const floe_unit *left = a;
    const floe_unit *right = b;
    if (left->kind != right->kind) {
        return left->kind < right->kind ? -1 : 1;
    }
    int order = floe_str_compare(left->space, right->space);
    order = order != 0 ? order : floe_str_compare(left->name, right->name);
    return order != 0 ? order : (left->origin > right->origin) - (left->origin < right->origin);
}

void floe_scope_units(const floe_role *role, const floe_unit *units, size_t count, floe_arena *arena,
                      floe_unit **ret_units, size_t *ret_count, bool *ret_whole) {
    scoping run = {.role = role, .arena = arena, .whole = true};
    floe_map_init(&run.views, arena);
    run.kept = floe_arena_alloc(arena, count + 1, sizeof(*run.kept));
    for (size_t i = 0; i < count; i++) {
        if (units[i].kind == FLOE_UNIT_VIEW) {
            (void)floe_map_put(&run.views, units[i].name, (void *)(uintptr_t)&units[i]);
        }
    }
    for (size_t i = 0; run.kept && i < count; i++) {
        floe_unit *unit = &run.kept[run.kept_count];
        *unit = units[i];
        if (keep_unit(&run, unit)) {
            run.kept_count++;
        }
    }
    /* A view that lost its namespace stands where an index without it would have it. */
    if (run.kept_count > 0) {
        qsort(run.kept, run.kept_count, sizeof(*run.kept), compare_units);
    }
    *ret_units = run.kept;
    *ret_count = run.kept_count;
    *ret_whole = run.whole && run.kept_count == count;
}

/* ---- roles ---- */

static bool same_names(const floe_str *a, size_t a_count, const floe_str *b, size_t b_count) {
    for (size_t i = 0; a_count == b_count && i < a_count; i++) {
        if (!floe_str_equal(a[i], b[i])) {
            return false;
        }
    }
    return a_count == b_count;
}

bool floe_scope_same(const floe_role *a, const floe_role *b) {
    return same_names(a->namespaces, a->namespace_count, b->namespaces, b->namespace_count) &&
           same_names(a->tables, a->table_count, b->tables, b->table_count) &&
           same_names(a->deny_columns, a->deny_column_count, b->deny_columns, b->deny_column_count) &&
           same_names(a->views, a->view_count, b->views, b->view_count);
}

static const floe_str *copy_names(const floe_str *names, size_t count, floe_arena *arena) {
    floe_str *copies = floe_arena_alloc(arena, count + 1, sizeof(*copies));
    for (size_t i = 0; copies && i < count; i++) {
        copies[i] = floe_arena_str(arena, names[i]);
    }
    return copies;
}

void floe_scope_copy(const floe_role *role, floe_arena *arena, floe_role *ret_role) {
    *ret_role = (floe_role){.name = floe_arena_str(arena, role->name),
                            .namespaces = copy_names(role->namespaces, role->namespace_count, arena),
                            .namespace_count = role->namespace_count,
                            .tables = copy_names(role->tables, role->table_count, arena),
                            .table_count = role->table_count,
                            .deny_columns = copy_names(role->deny_columns, role->deny_column_count, arena),
                            .deny_column_count = role->deny_column_count,
                            .views = copy_names(role->views, role->view_count, arena),
                            .view_count = role->view_count};
}
