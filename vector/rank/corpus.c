/*
 * Loading an index file into memory.
 *
 * Phases: read and decode every unit → entries (tables with their columns, features) and scopes → links by foreign keys,
 * declared and inferred → one field after the other. Units come sorted, so the same file always gives the same numbers, and columns of one table
 * are neighbours.
 */
#include "vector/rank/rank_int.h"
#include "vector/rank/weights_int.h"

#include "core/limits.h"

#define TRIPLE_ARENA_MAX FLOE_GIB(4)

typedef struct loader {
    floe_corpus *corpus;
    floe_map tables; /* key of namespace and name → entry + 1 */
    floe_error *err;
} loader;

static floe_status take_unit(void *context, const floe_unit *row, floe_str body, int64_t documents, floe_error *err) {
    floe_corpus *corpus = context;
    floe_arena *arena = corpus->arena;
    floe_unit *unit = FLOE_ARENA_PUSH(arena, corpus->units, corpus->unit_count, corpus->unit_capacity);
    floe_str copy = floe_arena_str(arena, body);
    FLOE_TRY(floe_arena_check(arena, err));
    *unit = *row;
    unit->space = floe_arena_str(arena, row->space);
    unit->name = floe_arena_str(arena, row->name);
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(floe_unit_decode(copy, arena, unit, err));
    FLOE_ENSURE((int64_t)unit->part_count + 1 == documents, err, FLOE_CORRUPT,
                "the index entry of %.*s, %.*s has %zu parts for %lld documents; run floe index",
                FLOE_STR_BRIEF(unit->space), FLOE_STR_BRIEF(unit->name), unit->part_count, (long long)documents);
    return FLOE_OK;
}

/* ---- scopes ---- */

static uint32_t new_scope(floe_corpus *corpus, floe_scope scope) {
    floe_scope *added = FLOE_ARENA_PUSH(corpus->arena, corpus->scopes, corpus->scope_count, corpus->scope_capacity);
    if (!added) {
        return 0;
    }
    *added = scope;
    return (uint32_t)corpus->scope_count - 1;
}

static uint32_t scope_named(floe_corpus *corpus, floe_str name) {
    const void *known = floe_map_get(&corpus->scope_of, name);
    if (known) {
        return (uint32_t)((uintptr_t)known - 1);
    }
    uint32_t number = new_scope(corpus, (floe_scope){.name = name});
    (void)floe_map_put(&corpus->scope_of, name, (void *)((uintptr_t)number + 1));
    return number;
}

/* A service belongs to the namespaces of its views: asked when all of them are. */
static uint32_t scope_of_service(floe_corpus *corpus, const floe_unit *unit) {
    if (unit->spaces.count == 1) {
        return scope_named(corpus, unit->spaces.items[0]);
    }
    uint32_t *members = floe_arena_alloc(corpus->arena, unit->spaces.count, sizeof(*members));
    for (size_t i = 0; members && i < unit->spaces.count; i++) {
        members[i] = scope_named(corpus, unit->spaces.items[i]);
    }
    return new_scope(corpus, (floe_scope){.members = members, .member_count = members ? unit->spaces.count : 0});
}

/* ---- entries ---- */

static floe_str table_key(floe_arena *arena, floe_str space, floe_str name) {
    const char *lead = floe_arena_printf(arena, "%zu ", space.len);
    size_t lead_len = lead ? strlen(lead) : 0;
    char *key = floe_arena_alloc(arena, lead_len + space.len + name.len + 1, 1);
    if (!lead || !key) {
        return FLOE_STR("");
    }
    memcpy(key, lead, lead_len);
    memcpy(key + lead_len, space.ptr, space.len);
    memcpy(key + lead_len + space.len, name.ptr, name.len);
    return (floe_str){key, lead_len + space.len + name.len};
}

static void add_column(floe_corpus *corpus, const floe_part *part, uint32_t table, uint64_t name_hash,
                       uint64_t full_hash) {
    floe_column_entry *column =
        FLOE_ARENA_PUSH(corpus->arena, corpus->columns, corpus->column_count, corpus->column_capacity);
    if (!column) {
        return;
    }
    uint64_t hashes[] = {0, name_hash, full_hash};
    floe_words_hash_all(hashes, 3, part->name);
    *column = (floe_column_entry){.name = part->name,
                                  .description = part->description,
                                  .table = table,
                                  .name_hash = hashes[0],
                                  .table_hash = hashes[1],
                                  .full_hash = hashes[2]};
}

static void add_table(loader *load, const floe_unit *unit) {
    floe_corpus *corpus = load->corpus;
    uint32_t number = (uint32_t)corpus->table_count;
    floe_table_entry *table =
        FLOE_ARENA_PUSH(corpus->arena, corpus->tables, corpus->table_count, corpus->table_capacity);
    if (!table) {
        return;
    }
    uint64_t name_hash = floe_words_hash(0, unit->name);
    uint64_t full_hash = floe_words_hash(floe_words_hash(0, unit->space), unit->name);
    *table = (floe_table_entry){.database = unit->space,
                                .name = unit->name,
                                .description = unit->description,
                                .scope = scope_named(corpus, unit->space),
                                .first_column = (uint32_t)corpus->column_count,
                                .column_count = (uint32_t)unit->part_count,
                                .name_hash = name_hash,
                                .full_hash = full_hash};
    for (size_t i = 0; i < unit->part_count; i++) {
        add_column(corpus, &unit->parts[i], number, name_hash, full_hash);
    }
    floe_str key = table_key(corpus->arena, unit->space, unit->name);
    (void)floe_map_put(&load->tables, key, (void *)((uintptr_t)number + 1));
}

static void add_feature(floe_corpus *corpus, const floe_unit *unit, const floe_part *part, uint32_t scope,
                        uint32_t parent) {
    floe_feature_entry *feature =
        FLOE_ARENA_PUSH(corpus->arena, corpus->features, corpus->feature_count, corpus->feature_capacity);
    if (!feature) {
        return;
    }
    uint64_t name_hash = floe_words_hash(0, unit->name);
    *feature = (floe_feature_entry){.name = unit->name,
                                    .description = unit->description,
                                    .scope = scope,
                                    .parent = parent,
                                    .table = UINT32_MAX,
                                    .name_hash = part ? floe_words_hash(0, part->name) : name_hash,
                                    .full_hash = part ? floe_words_hash(name_hash, part->name) : name_hash};
    if (part) {
        const char *name =
            floe_arena_printf(corpus->arena, "%.*s:%.*s", FLOE_STR_ARG(unit->name), FLOE_STR_ARG(part->name));
        feature->name = floe_str_of(name);
        feature->description = part->description.len > 0 ? part->description : unit->description;
    }
}

static void add_features(loader *load, const floe_unit *unit) {
    floe_corpus *corpus = load->corpus;
    uint32_t parent = (uint32_t)corpus->feature_count;
    uint32_t scope =
        unit->kind == FLOE_UNIT_SERVICE ? scope_of_service(corpus, unit) : scope_named(corpus, unit->space);
    add_feature(corpus, unit, NULL, scope, parent);
    for (size_t i = 0; i < unit->part_count; i++) {
        add_feature(corpus, unit, &unit->parts[i], scope, parent);
    }
}

/* ---- links ---- */

/* A key to a table that is not there, or to the table itself, links nothing. */
static void link_table(loader *load, const floe_unit *unit, uint32_t number) {
    for (size_t i = 0; i < unit->foreign_key_count; i++) {
        floe_str key = table_key(load->corpus->arena, unit->space, unit->foreign_keys[i].table);
        const void *found = floe_map_get(&load->tables, key);
        uint32_t other = found ? (uint32_t)((uintptr_t)found - 1) : number;
        if (other != number) {
            floe_corpus_link(load->corpus, number, other);
        }
    }
}

static uint32_t table_of_view(loader *load, const floe_unit *unit) {
    floe_str name = {0};
    if (!floe_unit_view_table(unit, &name)) {
        return UINT32_MAX;
    }
    const void *found = floe_map_get(&load->tables, table_key(load->corpus->arena, unit->space, name));
    return found ? (uint32_t)((uintptr_t)found - 1) : UINT32_MAX;
}

/* Links the features of the view whose first entry is `feature`; returns the entry after them. */
static size_t link_features(loader *load, const floe_unit *unit, size_t feature) {
    uint32_t table = table_of_view(load, unit);
    for (size_t i = 0; i <= unit->part_count; i++) {
        load->corpus->features[feature + i].table = table;
    }
    return feature + unit->part_count + 1;
}

/* ---- fields ---- */

typedef struct filling {
    loader *load;
    floe_field_id field;
    floe_field_builder builder;
    uint32_t document; /* the next one */
} filling;

static void fill_text(filling *fill, floe_str text, float weight) {
    floe_field_add(&fill->builder, &fill->load->corpus->lexicon, fill->document, text, weight);
}

static void fill_name(filling *fill, const floe_unit *unit, floe_str name, float weight) {
    floe_field_add_name(&fill->builder, &fill->load->corpus->lexicon, fill->document, unit->space, name, weight);
}

static void fill_texts(filling *fill, floe_texts texts) {
    for (size_t i = 0; i < texts.count; i++) {
        fill_text(fill, texts.items[i], 1);
    }
}

static void fill_table(filling *fill, const floe_unit *unit) {
    if (fill->field == FLOE_FIELD_TABLE) {
        fill_name(fill, unit, unit->space, 1);
        fill_name(fill, unit, unit->name, FLOE_NAME_WEIGHT);
        for (size_t i = 0; i < unit->part_count; i++) {
            fill_name(fill, unit, unit->parts[i].name, 1);
        }
    } else {
        fill_text(fill, unit->description, 1);
    }
    fill->document++;
}

/* The table's name is read once, for its first column. */
static void fill_columns(filling *fill, const floe_unit *unit) {
    size_t from = 0;
    size_t count = 0;
    for (size_t i = 0; i < unit->part_count; i++) {
        const floe_part *part = &unit->parts[i];
        if (fill->field == FLOE_FIELD_COLUMN && i == 0) {
            fill_name(fill, unit, part->name, 1);
            from = fill->builder.count;
            fill_name(fill, unit, unit->name, 1);
            count = fill->builder.count - from;
        } else if (fill->field == FLOE_FIELD_COLUMN) {
            fill_name(fill, unit, part->name, 1);
            floe_field_repeat(&fill->builder, from, count, fill->document);
        } else if (fill->field == FLOE_FIELD_COLUMN_TEXT) {
            fill_text(fill, part->description, 1);
        } else {
            fill_texts(fill, part->words);
        }
        fill->document++;
    }
}

static void fill_feature_names(filling *fill, const floe_unit *unit, const floe_part *part) {
    fill_name(fill, unit, unit->name, part ? 1 : FLOE_NAME_WEIGHT);
    fill_texts(fill, unit->related);
    if (part) {
        fill_name(fill, unit, part->name, FLOE_NAME_WEIGHT);
        fill_texts(fill, part->words);
        return;
    }
    for (size_t i = 0; i < unit->part_count; i++) {
        fill_name(fill, unit, unit->parts[i].name, 1);
    }
}

static void fill_features(filling *fill, const floe_unit *unit) {
    for (size_t i = 0; i <= unit->part_count; i++) {
        const floe_part *part = i == 0 ? NULL : &unit->parts[i - 1];
        if (fill->field == FLOE_FIELD_FEATURE) {
            fill_feature_names(fill, unit, part);
        } else {
            fill_text(fill, unit->description, 1);
            fill_texts(fill, unit->prose);
            if (part) {
                fill_text(fill, part->description, 1);
                fill_texts(fill, part->prose);
            }
        }
        fill->document++;
    }
}

static void fill_unit(filling *fill, const floe_unit *unit) {
    bool is_table = unit->kind == FLOE_UNIT_TABLE;
    switch (fill->field) {
    case FLOE_FIELD_TABLE:
    case FLOE_FIELD_TABLE_TEXT:
        if (is_table) {
            fill_table(fill, unit);
        }
        break;
    case FLOE_FIELD_COLUMN:
    case FLOE_FIELD_COLUMN_TEXT:
    case FLOE_FIELD_VALUES:
        if (is_table) {
            fill_columns(fill, unit);
        }
        break;
    case FLOE_FIELD_FEATURE:
    case FLOE_FIELD_FEATURE_TEXT:
    case FLOE_FIELD_COUNT:
    default:
        if (!is_table) {
            fill_features(fill, unit);
        }
        break;
    }
}

/* The scope of each document of a field: a column's is its table's. */
static uint32_t *scopes_of(const floe_corpus *corpus, floe_field_id field, size_t *ret_count) {
    bool tables = field <= FLOE_FIELD_TABLE_TEXT;
    bool features = field >= FLOE_FIELD_FEATURE;
    size_t count = tables ? corpus->table_count : features ? corpus->feature_count : corpus->column_count;
    uint32_t *scopes = floe_arena_alloc(corpus->arena, count + 1, sizeof(*scopes));
    for (size_t i = 0; scopes && i < count; i++) {
        scopes[i] = tables     ? corpus->tables[i].scope
                    : features ? corpus->features[i].scope
                               : corpus->tables[corpus->columns[i].table].scope;
    }
    *ret_count = count;
    return scopes;
}

static floe_status fill_field(loader *load, floe_field_id field) {
    floe_corpus *corpus = load->corpus;
    filling fill = {.load = load, .field = field};
    size_t count = 0;
    const uint32_t *scopes = scopes_of(corpus, field, &count);
    floe_arena_init(&fill.builder.arena, TRIPLE_ARENA_MAX);
    for (size_t i = 0; i < corpus->unit_count; i++) {
        fill_unit(&fill, &corpus->units[i]);
    }
    floe_status status = floe_arena_check(&fill.builder.arena, load->err);
    if (!floe_failed(status)) {
        floe_field_finish(&fill.builder, scopes, (uint32_t)count, (uint32_t)corpus->scope_count, corpus->lexicon.count,
                          corpus->arena, &corpus->fields[field]);
    }
    floe_arena_close(&fill.builder.arena);
    FLOE_TRY(status);
    return floe_arena_check(corpus->arena, load->err);
}

/* Everything else from the units. */
static floe_status build(floe_corpus *corpus, floe_error *err) {
    floe_arena *arena = corpus->arena;
    loader load = {.corpus = corpus, .err = err};
    FLOE_TRY(floe_speller_init(&corpus->speller, arena, corpus->abbreviations, err));
    for (size_t i = 0; i < corpus->unit_count && corpus->units[i].kind == FLOE_UNIT_TABLE; i++) {
        floe_speller_learn(&corpus->speller, &corpus->units[i]);
    }
    floe_lexicon_init(&corpus->lexicon, arena);
    corpus->lexicon.speller = &corpus->speller;
    floe_map_init(&corpus->scope_of, arena);
    floe_map_init(&load.tables, arena);
    for (size_t i = 0; i < corpus->unit_count; i++) {
        if (corpus->units[i].kind == FLOE_UNIT_TABLE) {
            add_table(&load, &corpus->units[i]);
        } else {
            add_features(&load, &corpus->units[i]);
        }
    }
    FLOE_TRY(floe_arena_check(arena, err));
    /* Tables are the first units, in the order of their numbers. */
    for (size_t i = 0; i < corpus->table_count; i++) {
        link_table(&load, &corpus->units[i], (uint32_t)i);
    }
    for (size_t i = 0; i < corpus->table_count; i++) {
        corpus->tables[i].declared_count = corpus->tables[i].neighbour_count;
    }
    size_t feature = 0;
    for (size_t i = corpus->table_count; i < corpus->unit_count; i++) {
        feature = link_features(&load, &corpus->units[i], feature);
    }
    FLOE_TRY(floe_corpus_infer(corpus, err));
    FLOE_TRY(floe_corpus_find_copies(corpus, err));
    FLOE_TRY(floe_corpus_group(corpus, err));
    FLOE_TRY(floe_arena_check(arena, err));
    for (int field = 0; field < FLOE_FIELD_COUNT; field++) {
        FLOE_TRY(fill_field(&load, (floe_field_id)field));
    }
    floe_similar_init(corpus);
    return floe_arena_check(arena, err);
}

floe_status floe_corpus_load(floe_docstore *store, floe_arena *arena, floe_corpus *corpus, floe_error *err) {
    *corpus = (floe_corpus){.arena = arena};
    floe_docstore_sink sink = {.unit = take_unit, .context = corpus};
    FLOE_TRY(floe_docstore_abbreviations(store, arena, &corpus->abbreviations, err));
    FLOE_TRY(floe_docstore_each(store, &sink, err));
    floe_corpus_settle_keys(corpus);
    FLOE_TRY(floe_arena_check(arena, err));
    return build(corpus, err);
}

floe_status floe_corpus_build(floe_unit *units, size_t count, floe_str abbreviations, floe_arena *arena,
                              floe_corpus *corpus, floe_error *err) {
    *corpus = (floe_corpus){
        .arena = arena, .abbreviations = abbreviations, .units = units, .unit_count = count, .unit_capacity = count};
    return build(corpus, err);
}
