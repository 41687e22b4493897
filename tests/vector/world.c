/*
 * See world.h.
 */
#include "tests/vector/world.h"

static const char *const words[] = {
    "flight", "flights", "delay",   "airport", "carrier", "plane",   "people", "person",   "salary",  "email",
    "phone",  "city",    "country", "weather", "station", "order",   "orders", "customer", "invoice", "amount",
    "total",  "date",    "time",    "status",  "secret",  "payroll", "grade",  "teacher",  "school",  "price"};
static const char *const spaces[] = {"lake.air", "lake.air.raw", "lake.airline", "lake", "crm", "crm.hr", "films"};
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

const char *world_word(floe_test_rng *rng) {
    return words[floe_test_below(rng, COUNT(words))];
}

static bool chance(floe_test_rng *rng, unsigned percent) {
    return floe_test_below(rng, 100) < percent;
}

static floe_str text_of(const char *text) {
    return floe_str_of(text);
}

/* "flight", "flight_delay", "flightDelay", "Flight Delay". */
static floe_str random_name(floe_test_rng *rng, floe_arena *arena) {
    static const char *const forms[] = {"%s_%s", "%s.%s", "%s %s"};
    if (chance(rng, 40)) {
        return text_of(world_word(rng));
    }
    size_t form = floe_test_below(rng, 8);
    const char *first = world_word(rng);
    const char *second = world_word(rng);
    return text_of(floe_arena_printf(arena, form == 0 ? forms[1] : form == 1 ? forms[2] : forms[0], first, second));
}

static floe_str random_prose(floe_test_rng *rng, floe_arena *arena, unsigned percent) {
    if (!chance(rng, percent)) {
        return FLOE_STR("");
    }
    return text_of(floe_arena_printf(arena, "%s of the %s, by %s", world_word(rng), world_word(rng), world_word(rng)));
}

static const floe_str *random_words(floe_test_rng *rng, floe_arena *arena, size_t most, size_t *ret_count) {
    *ret_count = floe_test_below(rng, most + 1);
    floe_str *list = floe_arena_alloc(arena, most + 1, sizeof(*list));
    for (size_t i = 0; i < *ret_count; i++) {
        list[i] = text_of(world_word(rng));
    }
    return list;
}

/* ---- tables ---- */

static bool has_column(const floe_catalog_column *columns, size_t count, floe_str name) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_equal(columns[i].name, name)) {
            return true;
        }
    }
    return false;
}

/* Few series of values, so that one column holds those of another often enough. */
static const floe_sketch *random_sketch(floe_test_rng *rng, floe_arena *arena) {
    floe_sketcher sketcher;
    int64_t first = (int64_t)floe_test_below(rng, 3) * 1000;
    int64_t step = 1 + 99 * (int64_t)floe_test_below(rng, 3);
    int64_t count = floe_test_between(rng, 5, 60);
    int64_t times = floe_test_between(rng, 1, 2);
    floe_sketcher_init(&sketcher, arena);
    for (int64_t i = 0; i < times * count; i++) {
        floe_sketcher_int(&sketcher, first + i % count * step);
    }
    return floe_sketcher_finish(&sketcher, chance(rng, 80));
}

static void random_columns(floe_test_rng *rng, floe_arena *arena, floe_catalog_table *table) {
    size_t most = 1 + floe_test_below(rng, 6);
    floe_catalog_column *columns = floe_arena_alloc(arena, most, sizeof(*columns));
    for (size_t i = 0; i < most; i++) {
        floe_str name = random_name(rng, arena);
        if (!has_column(columns, table->column_count, name)) {
            floe_catalog_column *column = &columns[table->column_count++];
            *column = (floe_catalog_column){.name = name, .description = random_prose(rng, arena, 30)};
            column->samples = random_words(rng, arena, 3, &column->sample_count);
            column->sketch = chance(rng, 50) ? random_sketch(rng, arena) : NULL;
        }
    }
    table->columns = columns;
}

static const floe_catalog_column *any_column(floe_test_rng *rng, const floe_catalog_table *table) {
    return &table->columns[floe_test_below(rng, table->column_count)];
}

static floe_foreign_key random_key(floe_test_rng *rng, floe_arena *arena, const floe_catalog_table *from,
                                   const floe_catalog_table *to) {
    floe_str *names = floe_arena_alloc(arena, 2, sizeof(*names));
    names[0] = any_column(rng, from)->name;
    names[1] = any_column(rng, to)->name;
    return (floe_foreign_key){.columns = &names[0],
                              .column_count = 1,
                              .table = to->name,
                              .references = &names[1],
                              .reference_count = chance(rng, 80) ? 1 : 0};
}

static void random_links(floe_test_rng *rng, world *made, floe_catalog_table *table) {
    floe_foreign_key *keys = floe_arena_alloc(made->arena, made->table_count, sizeof(*keys));
    for (size_t i = 0; i < made->table_count; i++) {
        bool near = i < 30 || made->table_count - i < 30; /* a large world is not all keys */
        if (floe_str_equal(made->tables[i].database, table->database) && near && chance(rng, 40)) {
            keys[table->foreign_key_count++] = random_key(rng, made->arena, table, &made->tables[i]);
        }
    }
    table->foreign_keys = keys;
    if (chance(rng, 50)) {
        floe_str *key = floe_arena_alloc(made->arena, 1, sizeof(*key));
        *key = any_column(rng, table)->name;
        table->primary_key = key;
        table->primary_key_count = 1;
    }
}

static bool has_table(const world *made, const floe_catalog_table *table) {
    for (size_t i = 0; i < made->table_count; i++) {
        if (floe_str_equal(made->tables[i].database, table->database) &&
            floe_str_equal(made->tables[i].name, table->name)) {
            return true;
        }
    }
    return false;
}

static void random_tables(floe_test_rng *rng, size_t most, world *made) {
    made->tables = floe_arena_alloc(made->arena, most, sizeof(*made->tables));
    for (size_t i = 0; i < most; i++) {
        floe_catalog_table table = {.database = text_of(spaces[floe_test_below(rng, COUNT(spaces))]),
                                    .name = random_name(rng, made->arena),
                                    .description = random_prose(rng, made->arena, 40),
                                    .version = FLOE_STR("v1")};
        if (!has_table(made, &table)) {
            random_columns(rng, made->arena, &table);
            made->tables[made->table_count++] = table;
        }
    }
    for (size_t i = 0; i < made->table_count; i++) {
        random_links(rng, made, &made->tables[i]);
    }
}

/* ---- definitions ---- */

static floe_about random_about(floe_test_rng *rng, floe_arena *arena, const char *name) {
    floe_about about = {.name = text_of(name), .description = random_prose(rng, arena, 40)};
    about.tags = random_words(rng, arena, 2, &about.tag_count);
    about.owner = chance(rng, 30) ? text_of(world_word(rng)) : FLOE_STR("");
    return about;
}

static floe_entity *random_entity(floe_test_rng *rng, floe_arena *arena) {
    floe_entity *entity = floe_arena_alloc(arena, 1, sizeof(*entity));
    floe_column *key = floe_arena_alloc(arena, 1, sizeof(*key));
    key->name = text_of(world_word(rng));
    *entity = (floe_entity){.about = random_about(rng, arena, world_word(rng)), .keys = key, .key_count = 1};
    return entity;
}

static floe_str full_name(floe_arena *arena, floe_str database, floe_str table) {
    return text_of(floe_arena_printf(arena, "%.*s.%.*s", FLOE_STR_ARG(database), FLOE_STR_ARG(table)));
}

/* Tables of views are those of a catalog, whose names hold no dot. */
static const floe_catalog_table *table_of_catalog(floe_test_rng *rng, const world *made) {
    const floe_catalog_table *table = &made->tables[floe_test_below(rng, made->table_count)];
    return memchr(table->name.ptr, '.', table->name.len) ? NULL : table;
}

static void random_outputs(floe_test_rng *rng, floe_arena *arena, const floe_catalog_table *table, floe_view *view) {
    view->output_count = 1 + floe_test_below(rng, 4);
    floe_output *outputs = floe_arena_alloc(arena, view->output_count, sizeof(*outputs));
    for (size_t i = 0; i < view->output_count; i++) {
        const char *name = floe_arena_printf(arena, "%s_%zu", world_word(rng), i);
        outputs[i] = (floe_output){.about = random_about(rng, arena, name),
                                   .column = any_column(rng, table)->name,
                                   .function = chance(rng, 50) ? FLOE_FN_MEAN : FLOE_FN_NONE,
                                   .window_text = chance(rng, 50) ? FLOE_STR("7d") : FLOE_STR("")};
    }
    view->outputs = outputs;
}

static void random_views(floe_test_rng *rng, world *made) {
    size_t most = floe_test_below(rng, 6);
    floe_view *views = floe_arena_alloc(made->arena, most + 1, sizeof(*views));
    for (size_t i = 0; i < most; i++) {
        const floe_catalog_table *table = table_of_catalog(rng, made);
        if (table) {
            floe_source *source = floe_arena_alloc(made->arena, 1, sizeof(*source));
            *source = (floe_source){.about = random_about(rng, made->arena, world_word(rng)),
                                    .table = full_name(made->arena, table->database, table->name)};
            floe_view *view = &views[made->definitions.view_count++];
            const char *name = floe_arena_printf(made->arena, "%s_view%zu", world_word(rng), i);
            *view = (floe_view){.about = random_about(rng, made->arena, name),
                                .entity = random_entity(rng, made->arena),
                                .source = source};
            random_outputs(rng, made->arena, table, view);
        }
    }
    made->definitions.views = views;
}

static void random_services(floe_test_rng *rng, world *made) {
    size_t count = made->definitions.view_count > 0 ? floe_test_below(rng, 4) : 0;
    floe_service *services = floe_arena_alloc(made->arena, count + 1, sizeof(*services));
    for (size_t i = 0; i < count; i++) {
        size_t ref_count = 1 + floe_test_below(rng, 3);
        floe_ref *refs = floe_arena_alloc(made->arena, ref_count, sizeof(*refs));
        for (size_t j = 0; j < ref_count; j++) {
            const floe_view *view = &made->definitions.views[floe_test_below(rng, made->definitions.view_count)];
            refs[j] = (floe_ref){view, &view->outputs[floe_test_below(rng, view->output_count)]};
        }
        const char *name = floe_arena_printf(made->arena, "%s_service%zu", world_word(rng), i);
        services[i] =
            (floe_service){.about = random_about(rng, made->arena, name), .refs = refs, .ref_count = ref_count};
    }
    made->definitions.services = services;
    made->definitions.service_count = count;
}

void world_random(floe_test_rng *rng, size_t tables, floe_arena *arena, world *ret_world) {
    *ret_world = (world){.arena = arena, .definitions = {.version = 1}};
    random_tables(rng, tables, ret_world);
    random_views(rng, ret_world);
    random_services(rng, ret_world);
}

/* ---- roles ---- */

static void role_tables(floe_test_rng *rng, const world *whole, floe_role *role) {
    floe_arena *arena = whole->arena;
    floe_str *names = floe_arena_alloc(arena, COUNT(spaces) + 1, sizeof(*names));
    floe_str *tables = floe_arena_alloc(arena, whole->table_count + 1, sizeof(*tables));
    unsigned of_spaces = (unsigned)floe_test_below(rng, 60);
    unsigned of_tables = (unsigned)floe_test_below(rng, 60);
    for (size_t i = 0; i < COUNT(spaces); i++) {
        if (chance(rng, of_spaces)) {
            names[role->namespace_count++] = text_of(spaces[i]);
        }
    }
    for (size_t i = 0; i < whole->table_count; i++) {
        if (chance(rng, of_tables)) {
            tables[role->table_count++] = full_name(arena, whole->tables[i].database, whole->tables[i].name);
        }
    }
    role->namespaces = names;
    role->tables = tables;
}

static void role_columns(floe_test_rng *rng, const world *whole, floe_role *role) {
    size_t room = 1;
    for (size_t i = 0; i < whole->table_count; i++) {
        room += whole->tables[i].column_count;
    }
    floe_str *names = floe_arena_alloc(whole->arena, room, sizeof(*names));
    unsigned percent = (unsigned)floe_test_below(rng, 3) * 15;
    for (size_t i = 0; i < whole->table_count; i++) {
        const floe_catalog_table *table = &whole->tables[i];
        floe_str full = full_name(whole->arena, table->database, table->name);
        for (size_t j = 0; j < table->column_count; j++) {
            if (chance(rng, percent)) {
                names[role->deny_column_count++] = full_name(whole->arena, full, table->columns[j].name);
            }
        }
    }
    role->deny_columns = names;
}

void world_role(floe_test_rng *rng, const world *whole, floe_role *ret_role) {
    *ret_role = (floe_role){.name = FLOE_STR("r")};
    role_tables(rng, whole, ret_role);
    role_columns(rng, whole, ret_role);
    floe_str *views = floe_arena_alloc(whole->arena, whole->definitions.view_count + 2, sizeof(*views));
    for (size_t i = 0; i < whole->definitions.view_count; i++) {
        if (chance(rng, 70)) {
            views[ret_role->view_count++] = whole->definitions.views[i].about.name;
        }
    }
    views[ret_role->view_count++] = FLOE_STR("of_no_view");
    ret_role->views = views;
}

/* ---- what is left ---- */

static bool is_listed(const floe_str *names, size_t count, const char *text) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_is(names[i], text)) {
            return true;
        }
    }
    return false;
}

static bool leads(floe_str name, const char *text) {
    return strncmp(text, name.ptr, name.len) == 0 && (text[name.len] == '\0' || text[name.len] == '.');
}

static bool sees_table(const floe_role *role, floe_arena *arena, floe_str database, floe_str table) {
    const char *space = floe_arena_strndup(arena, database.ptr, database.len);
    for (size_t i = 0; i < role->namespace_count; i++) {
        if (leads(role->namespaces[i], space)) {
            return true;
        }
    }
    return is_listed(role->tables, role->table_count, full_name(arena, database, table).ptr);
}

static bool sees_column(const floe_role *role, floe_arena *arena, floe_str database, floe_str table, floe_str column) {
    floe_str full = full_name(arena, full_name(arena, database, table), column);
    return sees_table(role, arena, database, table) &&
           !is_listed(role->deny_columns, role->deny_column_count, full.ptr);
}

static bool sees_key(const floe_role *role, floe_arena *arena, const floe_catalog_table *table,
                     const floe_foreign_key *key) {
    return sees_table(role, arena, table->database, key->table) &&
           sees_column(role, arena, table->database, table->name, key->columns[0]) &&
           (key->reference_count == 0 || sees_column(role, arena, table->database, key->table, key->references[0]));
}

static floe_catalog_table scoped_table(const floe_catalog_table *table, const floe_role *role, floe_arena *arena) {
    floe_catalog_table part = *table;
    floe_catalog_column *columns = floe_arena_alloc(arena, table->column_count + 1, sizeof(*columns));
    floe_foreign_key *keys = floe_arena_alloc(arena, table->foreign_key_count + 1, sizeof(*keys));
    part.column_count = part.foreign_key_count = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        if (sees_column(role, arena, table->database, table->name, table->columns[i].name)) {
            columns[part.column_count++] = table->columns[i];
        }
    }
    for (size_t i = 0; i < table->foreign_key_count; i++) {
        if (sees_key(role, arena, table, &table->foreign_keys[i])) {
            keys[part.foreign_key_count++] = table->foreign_keys[i];
        }
    }
    if (part.primary_key_count > 0 && !sees_column(role, arena, table->database, table->name, table->primary_key[0])) {
        part.primary_key_count = 0;
    }
    part.columns = columns;
    part.foreign_keys = keys;
    return part;
}

/* The source of a view whose table is hidden says nothing; a hidden source column is none. */
static void scoped_view(const floe_view *view, const floe_role *role, floe_arena *arena, floe_view *ret_view) {
    static const floe_source nothing;
    floe_str full = view->source->table;
    const char *dot = memrchr(full.ptr, '.', full.len);
    floe_str database = {full.ptr, (size_t)(dot - full.ptr)};
    floe_str table = {dot + 1, full.len - database.len - 1};
    floe_output *outputs = floe_arena_alloc(arena, view->output_count, sizeof(*outputs));
    *ret_view = *view;
    for (size_t i = 0; i < view->output_count; i++) {
        outputs[i] = view->outputs[i];
        if (!sees_column(role, arena, database, table, outputs[i].column)) {
            outputs[i].column = FLOE_STR("");
        }
    }
    ret_view->outputs = outputs;
    if (!sees_table(role, arena, database, table)) {
        ret_view->source = &nothing;
    }
}

static const floe_view *find_view(const world *part, floe_str name) {
    for (size_t i = 0; i < part->definitions.view_count; i++) {
        if (floe_str_equal(part->definitions.views[i].about.name, name)) {
            return &part->definitions.views[i];
        }
    }
    return NULL;
}

static bool scoped_service(const world *part, const floe_service *service, floe_service *ret_service) {
    floe_ref *refs = floe_arena_alloc(part->arena, service->ref_count, sizeof(*refs));
    for (size_t i = 0; i < service->ref_count; i++) {
        refs[i] = (floe_ref){find_view(part, service->refs[i].view->about.name), service->refs[i].output};
        if (!refs[i].view) {
            return false;
        }
    }
    *ret_service = *service;
    ret_service->refs = refs;
    return true;
}

void world_scoped(const world *whole, const floe_role *role, world *ret_part) {
    floe_arena *arena = whole->arena;
    const floe_definitions *all = &whole->definitions;
    *ret_part = (world){.arena = arena, .definitions = {.version = 1}};
    ret_part->tables = floe_arena_alloc(arena, whole->table_count + 1, sizeof(*ret_part->tables));
    for (size_t i = 0; i < whole->table_count; i++) {
        if (sees_table(role, arena, whole->tables[i].database, whole->tables[i].name)) {
            ret_part->tables[ret_part->table_count++] = scoped_table(&whole->tables[i], role, arena);
        }
    }
    floe_view *views = floe_arena_alloc(arena, all->view_count + 1, sizeof(*views));
    ret_part->definitions.views = views;
    for (size_t i = 0; i < all->view_count; i++) {
        if (is_listed(role->views, role->view_count, all->views[i].about.name.ptr)) {
            scoped_view(&all->views[i], role, arena, &views[ret_part->definitions.view_count++]);
        }
    }
    floe_service *services = floe_arena_alloc(arena, all->service_count + 1, sizeof(*services));
    ret_part->definitions.services = services;
    for (size_t i = 0; i < all->service_count; i++) {
        if (scoped_service(ret_part, &all->services[i], &services[ret_part->definitions.service_count])) {
            ret_part->definitions.service_count++;
        }
    }
}

size_t world_size(const world *all) {
    size_t size = all->table_count + all->definitions.view_count + all->definitions.service_count;
    for (size_t i = 0; i < all->table_count; i++) {
        size += all->tables[i].column_count + all->tables[i].foreign_key_count;
    }
    return size;
}

/* ---- an index of it ---- */

static floe_status give_tables(void *context,
                               floe_status (*table)(void *sink, const floe_catalog_table *table, floe_error *err),
                               floe_str (*known)(void *sink, floe_str database, floe_str name), void *sink,
                               floe_error *err) {
    const world *all = context;
    (void)known;
    for (size_t i = 0; i < all->table_count; i++) {
        FLOE_TRY(table(sink, &all->tables[i], err));
    }
    return FLOE_OK;
}

void world_index(const world *all, const char *folder, floe_embedder *embedder) {
    world *context = floe_arena_alloc(all->arena, 1, sizeof(*context));
    *context = *all;
    floe_catalog_reader reader = {give_tables, context};
    floe_index_request request = {
        .folder = folder, .catalog = &reader, .definitions = &all->definitions, .embedder = embedder};
    floe_index_result result = {0};
    floe_error err = {0};
    assert_ok(floe_index_build(&request, &result, &err), &err);
    assert_int_equal(result.tables, all->table_count);
}
