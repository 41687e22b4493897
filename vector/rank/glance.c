/*
 * Glances: of each table and column the few numbers that a question reads of all that it touches. The entries themselves are
 * one to three lines of the cache each, and a question touches most of them.
 */
#include "vector/rank/rank_int.h"

/* The bit of a question's name_bits that a name of this hash sets. */
static uint8_t bit_of(uint64_t hash) {
    return (uint8_t)(hash % 64);
}

void floe_glances_init(floe_glances *glances, const floe_corpus *corpus, floe_arena *arena) {
    floe_table_glance *tables = floe_arena_alloc(arena, corpus->table_count + 1, sizeof(*tables));
    floe_column_glance *columns = floe_arena_alloc(arena, corpus->column_count + 1, sizeof(*columns));
    for (size_t i = 0; tables && i < corpus->table_count; i++) {
        const floe_table_entry *table = &corpus->tables[i];
        tables[i] = (floe_table_glance){.scope = table->scope,
                                        .original = table->original,
                                        .group = table->group,
                                        .name_bits = {bit_of(table->name_hash), bit_of(table->full_hash)}};
    }
    for (size_t i = 0; columns && i < corpus->column_count; i++) {
        const floe_column_entry *column = &corpus->columns[i];
        columns[i] = (floe_column_glance){
            .table = column->table,
            .name_bits = {bit_of(column->name_hash), bit_of(column->table_hash), bit_of(column->full_hash)}};
    }
    *glances = (floe_glances){tables, columns};
}

static bool any_bit(const floe_question *question, const uint8_t *bits, size_t count) {
    uint64_t any = 0;
    for (size_t i = 0; i < count; i++) {
        any |= question->name_bits >> bits[i];
    }
    return (any & 1) != 0;
}

bool floe_table_may_be_named(const floe_glances *glances, const floe_question *question, uint32_t table) {
    return any_bit(question, glances->tables[table].name_bits, 2);
}

bool floe_column_may_be_named(const floe_glances *glances, const floe_question *question, uint32_t column) {
    return any_bit(question, glances->columns[column].name_bits, 3);
}
