/*
 * Keys between tables, and the tables that lie on the way from one to another.
 *
 * A key is shown when the role sees both tables and every column of it. Ways are searched in breadth over the links of the
 * index from each group of tables that keys already hold together, so that a way found is a shortest one.
 */
#include "vector/context/context_int.h"

#define BETWEEN_MAX 2
/* A hub that everything refers to would make every two tables neighbours. */
#define LINKS_MAX 256

static bool sees_columns(const floe_role *role, const floe_unit *unit, const floe_str *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (!floe_role_sees_column(role, unit->space, unit->name, columns[i])) {
            return false;
        }
    }
    return true;
}

/* How many columns of a key are told: all of them, or where the table lacks one, none. */
static size_t told(const floe_unit *unit, const floe_str *columns, size_t count) {
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t k = 0; k < unit->part_count && !found; k++) {
            found = floe_str_equal(unit->parts[k].name, columns[i]);
        }
        if (!found) {
            return 0;
        }
    }
    return count;
}

/* The keys of `from` that refer to `to`; without names of their own for the other side they mean its primary key. A key may name
 * columns that are not there; what it says of the tables holds all the same. */
static size_t keys_from(const floe_unit *from, const floe_unit *to, const floe_role *role, floe_join *joins,
                        size_t room) {
    size_t count = 0;
    for (size_t i = 0; i < from->foreign_key_count && count < room; i++) {
        const floe_foreign_key *key = &from->foreign_keys[i];
        if (!floe_str_equal(from->space, to->space) || !floe_str_equal(key->table, to->name)) {
            continue;
        }
        bool own = key->reference_count == 0 && to->primary_key.count == key->column_count;
        floe_join join = {.database = from->space,
                          .table = from->name,
                          .columns = key->columns,
                          .column_count = key->column_count,
                          .other_database = to->space,
                          .other_table = to->name,
                          .other_columns = own ? to->primary_key.items : key->references,
                          .other_column_count = own ? to->primary_key.count : key->reference_count};
        if (sees_columns(role, from, join.columns, join.column_count) &&
            sees_columns(role, to, join.other_columns, join.other_column_count)) {
            join.column_count = told(from, join.columns, join.column_count);
            join.other_column_count = told(to, join.other_columns, join.other_column_count);
            joins[count++] = join;
        }
    }
    return count;
}

/* The same of keys that were inferred. */
static size_t inferred_from(const floe_corpus *corpus, uint32_t from, uint32_t to, const floe_role *role,
                            floe_join *joins, size_t room) {
    const floe_table_entry *table = &corpus->tables[from];
    size_t count = 0;
    for (size_t i = 0; i < table->inferred_count && count < room; i++) {
        const floe_column_entry *own = &corpus->columns[table->inferred[i].column];
        const floe_column_entry *other = &corpus->columns[table->inferred[i].other];
        const floe_table_entry *target = &corpus->tables[other->table];
        if (other->table == to && floe_role_sees_column(role, table->database, table->name, own->name) &&
            floe_role_sees_column(role, target->database, target->name, other->name)) {
            joins[count++] = (floe_join){.database = table->database,
                                         .table = table->name,
                                         .columns = &own->name,
                                         .column_count = 1,
                                         .other_database = target->database,
                                         .other_table = target->name,
                                         .other_columns = &other->name,
                                         .other_column_count = 1,
                                         .inferred = true,
                                         .by_values = table->inferred[i].by_values};
        }
    }
    return count;
}

static size_t joins_from(const floe_corpus *corpus, uint32_t from, uint32_t to, const floe_role *role, floe_join *joins,
                         size_t room) {
    size_t count = keys_from(&corpus->units[from], &corpus->units[to], role, joins, room);
    return count + inferred_from(corpus, from, to, role, joins + count, room - count);
}

size_t floe_joins_between(const floe_corpus *corpus, uint32_t left, uint32_t right, const floe_role *role,
                          floe_join *ret_joins, size_t room) {
    const floe_unit *a = &corpus->units[left];
    const floe_unit *b = &corpus->units[right];
    if (!floe_role_sees_table(role, a->space, a->name) || !floe_role_sees_table(role, b->space, b->name)) {
        return 0;
    }
    size_t count = joins_from(corpus, left, right, role, ret_joins, room);
    return left == right ? count : count + joins_from(corpus, right, left, role, ret_joins + count, room - count);
}

/* ---- ways ---- */

typedef struct way {
    const floe_corpus *corpus;
    const floe_role *role;
    uint32_t *group;   /* by table: the group it belongs to + 1; 0: none */
    uint32_t *reached; /* by table: the group that reached it + 1 */
    uint32_t *before;  /* by table: where the way came from */
    uint8_t *steps;
} way;

static bool linked(const way *state, uint32_t a, uint32_t b) {
    floe_join join;
    return floe_joins_between(state->corpus, a, b, state->role, &join, 1) > 0;
}

static size_t link_count(const way *state, uint32_t table) {
    size_t count = state->corpus->tables[table].neighbour_count;
    return count < LINKS_MAX ? count : LINKS_MAX;
}

/* Marks everything of `tables` that keys hold together with `start`. */
static void mark_group(const way *state, uint32_t start, uint32_t group, const uint32_t *tables, size_t count) {
    state->group[start] = group;
    for (bool grown = true; grown;) {
        grown = false;
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < count && state->group[tables[i]] == 0; j++) {
                if (state->group[tables[j]] == group && linked(state, tables[i], tables[j])) {
                    state->group[tables[i]] = group;
                    grown = true;
                }
            }
        }
    }
}

static void clear_groups(const way *state, const uint32_t *tables, size_t count) {
    for (size_t i = 0; i < count; i++) {
        state->group[tables[i]] = 0;
    }
}

/* The last table of a shortest way from the group to another group, or UINT32_MAX. `queue` has room for every table. */
static uint32_t search(const way *state, uint32_t group, const uint32_t *tables, size_t count, uint32_t *queue) {
    size_t head = 0;
    size_t tail = 0;
    for (size_t i = 0; i < count; i++) {
        if (state->group[tables[i]] == group) {
            state->reached[tables[i]] = group;
            state->before[tables[i]] = UINT32_MAX;
            state->steps[tables[i]] = 0;
            queue[tail++] = tables[i];
        }
    }
    while (head < tail) {
        uint32_t at = queue[head++];
        for (size_t i = 0; i < link_count(state, at); i++) {
            uint32_t next = state->corpus->tables[at].neighbours[i];
            if (state->reached[next] == group || state->steps[at] > BETWEEN_MAX || !linked(state, at, next)) {
                continue;
            }
            state->reached[next] = group;
            state->before[next] = at;
            state->steps[next] = (uint8_t)(state->steps[at] + 1);
            if (state->group[next] != 0 && state->group[next] != group) {
                return next;
            }
            queue[tail++] = next;
        }
    }
    return UINT32_MAX;
}

/* The tables of the way that ends at `end`, added to `tables` where they are no members yet. */
static size_t add_way(const way *state, uint32_t end, uint32_t *tables, size_t count, size_t room) {
    size_t missing = 0;
    for (uint32_t at = state->before[end]; at != UINT32_MAX; at = state->before[at]) {
        missing += state->group[at] == 0 ? 1 : 0;
    }
    if (count + missing > room) {
        return count;
    }
    for (uint32_t at = state->before[end]; at != UINT32_MAX; at = state->before[at]) {
        if (state->group[at] == 0) {
            tables[count++] = at;
        }
    }
    return count;
}

/* One more way between two groups, or the same count when there is none. */
static size_t bridge_once(const way *state, uint32_t *tables, size_t count, size_t room, uint32_t *queue) {
    uint32_t groups = 0;
    clear_groups(state, tables, count);
    for (size_t i = 0; i < count; i++) {
        if (state->group[tables[i]] == 0) {
            mark_group(state, tables[i], ++groups, tables, count);
        }
    }
    memset(state->reached, 0, state->corpus->table_count * sizeof(*state->reached));
    for (uint32_t group = 1; group < groups; group++) {
        uint32_t end = search(state, group, tables, count, queue);
        size_t now = end == UINT32_MAX ? count : add_way(state, end, tables, count, room);
        if (now > count) {
            return now;
        }
    }
    return count;
}

size_t floe_joins_bridge(const floe_corpus *corpus, const floe_role *role, uint32_t *tables, size_t count, size_t room,
                         floe_arena *arena) {
    size_t all = corpus->table_count;
    way state = {.corpus = corpus,
                 .role = role,
                 .group = floe_arena_alloc(arena, all, sizeof(uint32_t)),
                 .reached = floe_arena_alloc(arena, all, sizeof(uint32_t)),
                 .before = floe_arena_alloc(arena, all, sizeof(uint32_t)),
                 .steps = floe_arena_alloc(arena, all, sizeof(uint8_t))};
    uint32_t *queue = floe_arena_alloc(arena, all, sizeof(uint32_t));
    if (arena->overflow) {
        return count;
    }
    for (size_t now = bridge_once(&state, tables, count, room, queue); now > count;
         now = bridge_once(&state, tables, count, room, queue)) {
        count = now;
    }
    return count;
}
