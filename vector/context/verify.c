/*
 * SQL against the index: which tables it reads, whether the role sees them, and whether it binds to what the role sees of them.
 *
 * Phases: the checker judges the text → each name it found becomes a table of the index, or the SQL is refused → the checker
 * binds the text to empty tables with the columns the role sees.
 */
#include "vector/context/context_int.h"

#include <strings.h>

/* The parts that are there, with dots between them. */
static floe_str joined(const floe_sql_ref *ref, floe_arena *arena) {
    bool catalog = ref->catalog.len > 0;
    bool schema = ref->schema.len > 0;
    return floe_str_of(floe_arena_printf(arena, "%.*s%s%.*s%s%.*s", FLOE_STR_ARG(ref->catalog), catalog ? "." : "",
                                         FLOE_STR_ARG(ref->schema), schema ? "." : "", FLOE_STR_ARG(ref->table)));
}

static floe_status find_refs(const floe_corpus *corpus, const floe_role *role, floe_str in, const floe_sql_ref *refs,
                             size_t count, floe_arena *arena, uint32_t *ret_tables, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        floe_str name = joined(&refs[i], arena);
        FLOE_TRY(floe_arena_check(arena, err));
        bool bare = refs[i].catalog.len == 0 && refs[i].schema.len == 0;
        FLOE_TRY(floe_table_find(corpus, name, bare ? in : FLOE_STR(""), role, &ret_tables[i], err));
    }
    return FLOE_OK;
}

/* To the engine columns are one that differ in case alone, or in nothing, as imported schemas may have them: the first stands. */
static bool is_there(const floe_sql_bound_column *columns, size_t count, floe_str name) {
    for (size_t i = 0; i < count; i++) {
        if (columns[i].name.len == name.len && strncasecmp(columns[i].name.ptr, name.ptr, name.len) == 0) {
            return true;
        }
    }
    return false;
}

/* The columns of a table that the role sees, as the checker and as the answer want them. */
static floe_status fill_table(const floe_unit *unit, const floe_role *role, floe_arena *arena,
                              floe_sql_bound_table *bound, floe_sql_table *table, floe_error *err) {
    floe_sql_bound_column *columns = floe_arena_alloc(arena, unit->part_count + 1, sizeof(*columns));
    floe_str *names = floe_arena_alloc(arena, unit->part_count + 1, sizeof(*names));
    size_t count = 0;
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < unit->part_count; i++) {
        if (floe_role_sees_column(role, unit->space, unit->name, unit->parts[i].name) &&
            !is_there(columns, count, unit->parts[i].name)) {
            columns[count] = (floe_sql_bound_column){unit->parts[i].name, unit->parts[i].type};
            names[count++] = unit->parts[i].name;
        }
    }
    *bound = (floe_sql_bound_table){table->ref, columns, count};
    table->database = unit->space;
    table->name = unit->name;
    table->columns = names;
    table->column_count = count;
    table->imported = unit->origin == FLOE_ORIGIN_IMPORT;
    return FLOE_OK;
}

floe_status floe_sql_verify(floe_search *search, const floe_role *role, const floe_sql_check *check, floe_str sql,
                            floe_arena *arena, const floe_sql_table **ret_tables, size_t *ret_count, floe_error *err) {
    const floe_corpus *corpus = NULL;
    const floe_sql_ref *refs = NULL;
    size_t count = 0;
    FLOE_TRY(floe_search_corpus(search, role, &corpus, err));
    FLOE_TRY(check->parse(check->context, sql, arena, &refs, &count, err));
    uint32_t *found = floe_arena_alloc(arena, count + 1, sizeof(*found));
    floe_sql_table *tables = floe_arena_alloc(arena, count + 1, sizeof(*tables));
    floe_sql_bound_table *bound = floe_arena_alloc(arena, count + 1, sizeof(*bound));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(find_refs(corpus, role, FLOE_STR(""), refs, count, arena, found, err));
    for (size_t i = 0; i < count; i++) {
        tables[i].ref = refs[i];
        FLOE_TRY(fill_table(&corpus->units[found[i]], role, arena, &bound[i], &tables[i], err));
    }
    FLOE_TRY(check->bind(check->context, sql, bound, count, err));
    *ret_tables = tables;
    *ret_count = count;
    return FLOE_OK;
}

/* ---- verified questions ---- */

static floe_status set_tables(const floe_corpus *corpus, const uint32_t *found, size_t count, floe_arena *arena,
                              floe_question_entry *entry, floe_error *err) {
    floe_question_table *tables = floe_arena_alloc(arena, count + 1, sizeof(*tables));
    size_t kept = 0;
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++) {
            again = again || found[k] == found[i];
        }
        if (!again) {
            tables[kept++] = (floe_question_table){corpus->tables[found[i]].database, corpus->tables[found[i]].name};
        }
    }
    entry->tables = tables;
    entry->table_count = kept;
    return FLOE_OK;
}

static floe_status resolve_named(const floe_corpus *corpus, const floe_question_source *source, floe_arena *arena,
                                 floe_question_entry *entry, floe_error *err) {
    uint32_t *found = floe_arena_alloc(arena, source->table_count + 1, sizeof(*found));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < source->table_count; i++) {
        FLOE_TRY(floe_table_find(corpus, source->tables[i], source->database, NULL, &found[i], err));
    }
    return set_tables(corpus, found, source->table_count, arena, entry, err);
}

static floe_status resolve_parsed(const floe_corpus *corpus, const floe_question_source *source,
                                  const floe_sql_check *check, floe_arena *arena, floe_question_entry *entry,
                                  floe_error *err) {
    const floe_sql_ref *refs = NULL;
    size_t count = 0;
    FLOE_ENSURE(check != NULL, err, FLOE_INVALID, "name the tables that the SQL reads");
    FLOE_TRY(check->parse(check->context, source->sql, arena, &refs, &count, err));
    FLOE_ENSURE(count > 0, err, FLOE_INVALID, "the SQL reads no table");
    uint32_t *found = floe_arena_alloc(arena, count + 1, sizeof(*found));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(find_refs(corpus, NULL, source->database, refs, count, arena, found, err));
    return set_tables(corpus, found, count, arena, entry, err);
}

floe_status floe_question_resolve(floe_search *search, const floe_question_source *source, const floe_sql_check *check,
                                  floe_arena *arena, floe_question_entry *ret_entry, floe_error *err) {
    const floe_corpus *corpus = NULL;
    FLOE_TRY(floe_search_corpus(search, NULL, &corpus, err));
    floe_question_entry entry = {.question = source->question, .sql = source->sql};
    floe_status status = source->table_count > 0 ? resolve_named(corpus, source, arena, &entry, err)
                                                 : resolve_parsed(corpus, source, check, arena, &entry, err);
    FLOE_TRY(floe_error_prefix(err, status, "the question \"%.*s\"", FLOE_STR_BRIEF(source->question)));
    *ret_entry = entry;
    return FLOE_OK;
}
