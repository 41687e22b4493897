/*
 * Seam: vector's checker of SQL, answered by offline's. Names and columns are the same things in both rooms under names
 * of their own.
 */
#include "cli/asking.h"

#include "core/limits.h"

static floe_status parse(void *context, floe_str sql, floe_arena *arena, const floe_sql_ref **ret_refs,
                         size_t *ret_count, floe_error *err) {
    const floe_query_name *names = NULL;
    size_t count = 0;
    FLOE_TRY(floe_checker_parse(context, sql, arena, &names, &count, err));
    floe_sql_ref *refs = floe_arena_alloc(arena, count + 1, sizeof(*refs));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < count; i++) {
        refs[i] = (floe_sql_ref){names[i].catalog, names[i].schema, names[i].table};
    }
    *ret_refs = refs;
    *ret_count = count;
    return FLOE_OK;
}

static floe_query_name name_of(const floe_sql_ref *ref) {
    return (floe_query_name){ref->catalog, ref->schema, ref->table};
}

static floe_status bind(void *context, floe_str sql, const floe_sql_bound_table *tables, size_t count,
                        floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    floe_query_table *bound = floe_arena_alloc(&arena, count + 1, sizeof(*bound));
    FLOE_TRY(floe_arena_check(&arena, err));
    for (size_t i = 0; i < count; i++) {
        floe_query_field *fields = floe_arena_alloc(&arena, tables[i].column_count + 1, sizeof(*fields));
        FLOE_TRY(floe_arena_check(&arena, err));
        for (size_t k = 0; k < tables[i].column_count; k++) {
            fields[k] = (floe_query_field){tables[i].columns[k].name, tables[i].columns[k].type};
        }
        bound[i] = (floe_query_table){name_of(&tables[i].ref), fields, tables[i].column_count};
    }
    return floe_checker_bind(context, sql, bound, count, err);
}

floe_sql_check cli_sql_check(floe_checker *checker) {
    return (floe_sql_check){.parse = parse, .bind = bind, .context = checker};
}

floe_status cli_query_sources(floe_cli *cli, const floe_sql_table *tables, size_t count,
                              const floe_query_source **ret_sources, floe_error *err) {
    floe_query_source *sources = floe_arena_alloc(&cli->arena, count + 1, sizeof(*sources));
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    for (size_t i = 0; i < count; i++) {
        const char *reference =
            floe_arena_printf(&cli->arena, "%.*s.%.*s", FLOE_STR_ARG(tables[i].database), FLOE_STR_ARG(tables[i].name));
        sources[i] = (floe_query_source){.name = name_of(&tables[i].ref),
                                         .reference = floe_str_of(reference),
                                         .columns = tables[i].columns,
                                         .column_count = tables[i].column_count};
    }
    FLOE_TRY(floe_arena_check(&cli->arena, err));
    *ret_sources = sources;
    return FLOE_OK;
}
