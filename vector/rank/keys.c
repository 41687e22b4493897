/*
 * Keys of other databases whose columns are written in another case than in the list of columns: to most databases they are the
 * same. Each name of a key becomes the column's own, so that a column is hidden, shown and joined by one name. A name that
 * is no column in any case stays: it is a hint, which nobody is shown (context/joins.c).
 */
#include "vector/rank/rank_int.h"

#include <strings.h>

static bool same_nocase(floe_str a, floe_str b) {
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* The column's own name; an exact one before one of other case. */
static floe_str own_name(const floe_unit *table, floe_str name) {
    const floe_str *other = &name;
    for (size_t i = 0; i < table->part_count; i++) {
        if (floe_str_equal(table->parts[i].name, name)) {
            return name;
        }
        bool first = other == &name && same_nocase(table->parts[i].name, name);
        other = first ? &table->parts[i].name : other;
    }
    return *other;
}

static void settle_names(const floe_unit *table, const floe_str **names, size_t count, floe_arena *arena) {
    floe_str *own = NULL;
    for (size_t i = 0; i < count; i++) {
        floe_str name = own_name(table, (*names)[i]);
        if (floe_str_equal(name, (*names)[i])) {
            continue;
        }
        if (!own) {
            own = floe_arena_alloc(arena, count, sizeof(*own));
            if (!own) {
                return;
            }
            memcpy(own, *names, count * sizeof(*own));
            *names = own;
        }
        own[i] = name;
    }
}

/* The table of a namespace, by its exact name; tables are the first units, in the order of namespaces and names. */
static const floe_unit *find_table(const floe_corpus *corpus, size_t tables, floe_str space, floe_str name) {
    size_t low = 0;
    size_t high = tables;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const floe_unit *unit = &corpus->units[middle];
        int order = floe_str_compare(unit->space, space);
        order = order != 0 ? order : floe_str_compare(unit->name, name);
        if (order == 0) {
            return unit;
        }
        low = order < 0 ? middle + 1 : low;
        high = order > 0 ? middle : high;
    }
    return NULL;
}

static void settle_table(const floe_corpus *corpus, size_t tables, floe_unit *unit) {
    floe_foreign_key *keys =
        unit->foreign_key_count > 0 ? floe_arena_alloc(corpus->arena, unit->foreign_key_count, sizeof(*keys)) : NULL;
    settle_names(unit, &unit->primary_key.items, unit->primary_key.count, corpus->arena);
    for (size_t i = 0; keys && i < unit->foreign_key_count; i++) {
        keys[i] = unit->foreign_keys[i];
        const floe_unit *other = find_table(corpus, tables, unit->space, keys[i].table);
        settle_names(unit, &keys[i].columns, keys[i].column_count, corpus->arena);
        if (other) {
            settle_names(other, &keys[i].references, keys[i].reference_count, corpus->arena);
        }
    }
    unit->foreign_keys = keys ? keys : unit->foreign_keys;
}

void floe_corpus_settle_keys(floe_corpus *corpus) {
    size_t tables = 0;
    while (tables < corpus->unit_count && corpus->units[tables].kind == FLOE_UNIT_TABLE) {
        tables++;
    }
    for (size_t i = 0; i < tables; i++) {
        settle_table(corpus, tables, &corpus->units[i]);
    }
}
