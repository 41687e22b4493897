/*
 * One table as a role sees it.
 */
#include "vector/context/context_int.h"

#include "core/limits.h"

#define JOINS_MAX 64

static bool in_texts(floe_texts texts, floe_str name) {
    for (size_t i = 0; i < texts.count; i++) {
        if (floe_str_equal(texts.items[i], name)) {
            return true;
        }
    }
    return false;
}

static void fill_columns(const floe_unit *unit, const floe_role *role, floe_arena *arena,
                         floe_described_table *ret_table) {
    floe_described_column *columns = floe_arena_alloc(arena, unit->part_count + 1, sizeof(*columns));
    size_t count = 0;
    for (size_t i = 0; columns && i < unit->part_count; i++) {
        const floe_part *part = &unit->parts[i];
        if (!floe_role_sees_column(role, unit->space, unit->name, part->name)) {
            continue;
        }
        bool personal = part->personal != FLOE_PERSONAL_NO;
        columns[count++] = (floe_described_column){.name = part->name,
                                                   .type = part->type,
                                                   .description = part->description,
                                                   .samples = personal ? NULL : part->words.items,
                                                   .sample_count = personal ? 0 : part->words.count,
                                                   .personal = personal,
                                                   .key = in_texts(unit->primary_key, part->name)};
    }
    ret_table->columns = columns;
    ret_table->column_count = count;
}

static bool refers_to(const floe_unit *unit, const floe_table_entry *other) {
    for (size_t i = 0; i < unit->foreign_key_count; i++) {
        if (floe_str_equal(unit->foreign_keys[i].table, other->name) && floe_str_equal(unit->space, other->database)) {
            return true;
        }
    }
    return false;
}

/* The table's own keys come first: of what refers to a hub there may be more than there is room for. */
static void fill_joins(const floe_corpus *corpus, uint32_t table, const floe_role *role, floe_arena *arena,
                       floe_described_table *ret_table) {
    const floe_table_entry *entry = &corpus->tables[table];
    floe_join *joins = floe_arena_alloc(arena, JOINS_MAX, sizeof(*joins));
    size_t count = joins ? floe_joins_between(corpus, table, table, role, joins, JOINS_MAX) : 0;
    for (int own = 1; joins && own >= 0; own--) {
        for (size_t i = 0; i < entry->neighbour_count; i++) {
            uint32_t other = entry->neighbours[i];
            if (refers_to(&corpus->units[table], &corpus->tables[other]) == (own == 1)) {
                count += floe_joins_between(corpus, table, other, role, joins + count, JOINS_MAX - count);
            }
        }
    }
    ret_table->joins = joins;
    ret_table->join_count = count;
}

void floe_table_fill(const floe_corpus *corpus, uint32_t table, const floe_role *role, floe_arena *arena,
                     floe_described_table *ret_table) {
    const floe_unit *unit = &corpus->units[table];
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_UNIT_BYTES_MAX);
    floe_table_quote(&name, unit->space, unit->name);
    *ret_table = (floe_described_table){.database = unit->space,
                                        .name = unit->name,
                                        .description = unit->description,
                                        .sql_name = floe_arena_str(arena, floe_buf_view(&name)),
                                        .imported = unit->origin == FLOE_ORIGIN_IMPORT};
    fill_columns(unit, role, arena, ret_table);
    fill_joins(corpus, table, role, arena, ret_table);
}

floe_status floe_search_describe(floe_search *search, floe_str reference, const floe_role *role, floe_arena *arena,
                                 floe_described_table *ret_table, floe_error *err) {
    const floe_corpus *corpus = NULL;
    uint32_t table = 0;
    FLOE_TRY(floe_search_corpus(search, role, &corpus, err));
    FLOE_TRY(floe_table_find(corpus, reference, FLOE_STR(""), role, &table, err));
    floe_table_fill(corpus, table, role, arena, ret_table);
    return floe_arena_check(arena, err);
}

/* ---- JSON ---- */

static void put_text(floe_json_writer *writer, const char *key, floe_str text) {
    floe_json_key(writer, key);
    floe_json_string(writer, text);
}

static void put_flag(floe_json_writer *writer, const char *key, bool value) {
    floe_json_key(writer, key);
    floe_json_bool(writer, value);
}

static void put_texts(floe_json_writer *writer, const char *key, const floe_str *texts, size_t count) {
    floe_json_key(writer, key);
    floe_json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        floe_json_string(writer, texts[i]);
    }
    floe_json_array_end(writer);
}

void floe_join_put_json(const floe_join *join, floe_json_writer *writer) {
    floe_json_object_begin(writer);
    put_text(writer, "database", join->database);
    put_text(writer, "table", join->table);
    put_texts(writer, "columns", join->columns, join->column_count);
    put_text(writer, "other_database", join->other_database);
    put_text(writer, "other_table", join->other_table);
    put_texts(writer, "other_columns", join->other_columns, join->other_column_count);
    put_flag(writer, "inferred", join->inferred);
    if (join->inferred) {
        put_text(writer, "inferred_from", join->by_values ? FLOE_STR("values") : FLOE_STR("names"));
    }
    floe_json_object_end(writer);
}

static void put_column(const floe_described_column *column, floe_json_writer *writer) {
    floe_json_object_begin(writer);
    put_text(writer, "name", column->name);
    put_text(writer, "type", column->type);
    put_text(writer, "description", column->description);
    put_flag(writer, "key", column->key);
    put_flag(writer, "personal", column->personal);
    put_texts(writer, "samples", column->samples, column->sample_count);
    floe_json_object_end(writer);
}

void floe_described_put_json(const floe_described_table *table, floe_json_writer *writer) {
    put_text(writer, "database", table->database);
    put_text(writer, "table", table->name);
    put_text(writer, "sql_name", table->sql_name);
    put_text(writer, "description", table->description);
    put_flag(writer, "imported", table->imported);
    floe_json_key(writer, "columns");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < table->column_count; i++) {
        put_column(&table->columns[i], writer);
    }
    floe_json_array_end(writer);
}

void floe_described_print_json(const floe_described_table *table, floe_buf *out) {
    floe_json_writer writer = floe_json_writer_of(out);
    floe_json_object_begin(&writer);
    floe_described_put_json(table, &writer);
    floe_json_key(&writer, "joins");
    floe_json_array_begin(&writer);
    for (size_t i = 0; i < table->join_count; i++) {
        floe_join_put_json(&table->joins[i], &writer);
    }
    floe_json_array_end(&writer);
    floe_json_object_end(&writer);
}
