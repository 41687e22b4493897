/*
 * floe_index_build: from catalog, imports and definitions to a published index.
 *
 * Phases: lock → begin (a copy of the live file, or an empty one when there is none or it cannot be trusted) → put each
 * unit that differs → remove what its giver no longer gives → embed texts that have no vector → seal → publish → remove old
 * files and vectors. Everything up to publish happens in files nobody reads, or adds to the vectors. When nothing differs,
 * nothing is published.
 *
 * Invariants: a unit belongs to its origin: a crawl replaces the catalog's tables, an import the tables of the databases it
 * holds, the definitions theirs; nobody removes another's.
 */
#include "vector/meaning_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"
#include "core/time.h"

#define FILE_BYTES_MAX FLOE_GIB(4)
#define BUILD_ARENA_MAX FLOE_GIB(1)

/* What happened to one unit in this build. */
typedef struct seen_unit {
    int64_t changed; /* documents */
} seen_unit;

typedef struct build {
    const floe_index_request *request;
    floe_index_result result;
    floe_docstore store;
    floe_arena arena;   /* keys of what was seen, versions that were told: as long as the build */
    floe_arena scratch; /* one unit */
    floe_buf body;
    floe_map seen;        /* key of a unit → seen_unit */
    floe_map databases;   /* imported in this build */
    floe_map spaces;      /* of the catalogs: their namespaces, and they themselves */
    floe_map forgotten;   /* databases that are taken out → whether they were there, as forget_state */
    floe_map kept;        /* imported databases that stay: what a misspelt one is told by */
    int64_t live, number; /* the live generation, or 0; the one that is built */
    floe_vectors_job vectors;
    bool fresh; /* there was no index to start from */
    bool dirty; /* something differs from the live index */
} build;

static void build_close(build *run) {
    floe_docstore_close(&run->store);
    floe_vectors_close(&run->vectors);
    floe_arena_close(&run->arena);
    floe_arena_close(&run->scratch);
    floe_buf_close(&run->body);
}

/* ---- one unit ---- */

/* kind, origin and the length of the space make the key unambiguous whatever the names hold. */
static floe_str key_of(const floe_unit *unit, floe_arena *arena) {
    FLOE_AUTO_BUF key;
    floe_buf_init(&key, FLOE_UNIT_BYTES_MAX);
    floe_buf_printf(&key, "%d %d %zu ", (int)unit->kind, (int)unit->origin, unit->space.len);
    floe_buf_str(&key, unit->space);
    floe_buf_str(&key, unit->name);
    return key.failed ? floe_arena_str(arena, FLOE_STR("")) : floe_arena_str(arena, floe_buf_view(&key));
}

static bool holds(const floe_document *documents, size_t count, uint64_t hash) {
    for (size_t i = 0; i < count; i++) {
        if (documents[i].hash == hash) {
            return true;
        }
    }
    return false;
}

/* How many documents of the unit were not there before. The old unit is decoded from what is stored. */
static floe_status count_changed(build *run, const floe_unit *unit, const floe_stored_unit *stored,
                                 int64_t *ret_changed, floe_error *err) {
    const floe_document *now = NULL;
    const floe_document *before = NULL;
    size_t now_count = 0;
    size_t before_count = 0;
    FLOE_TRY(floe_unit_documents(unit, &run->scratch, &now, &now_count, err));
    if (stored) {
        floe_unit old = {.kind = unit->kind, .space = unit->space, .name = unit->name};
        FLOE_TRY(floe_unit_decode(stored->body, &run->scratch, &old, err));
        FLOE_TRY(floe_unit_documents(&old, &run->scratch, &before, &before_count, err));
    }
    *ret_changed = 0;
    for (size_t i = 0; i < now_count; i++) {
        *ret_changed += holds(before, before_count, now[i].hash) ? 0 : 1;
    }
    return FLOE_OK;
}

static floe_status mark_seen(build *run, const floe_unit *unit, int64_t changed, floe_error *err) {
    seen_unit *seen = floe_arena_alloc(&run->arena, 1, sizeof(*seen));
    floe_str key = key_of(unit, &run->arena);
    FLOE_TRY(floe_arena_check(&run->arena, err));
    seen->changed = changed;
    const seen_unit *earlier = floe_map_put(&run->seen, key, seen);
    if (earlier) {
        run->result.duplicates++;
        run->result.documents_changed -= earlier->changed;
    }
    run->result.documents_changed += changed;
    return floe_arena_check(&run->arena, err);
}

/* *ret_changed: how many documents of the unit are new. */
static floe_status store_unit(build *run, const floe_unit *unit, int64_t *ret_changed, floe_error *err) {
    floe_stored_unit stored = {0};
    bool found = false;
    floe_arena_reset(&run->scratch);
    floe_buf_clear(&run->body);
    floe_unit_encode(unit, &run->body);
    FLOE_TRY(floe_buf_check(&run->body, err));
    uint64_t hash = floe_unit_hash(unit, floe_buf_view(&run->body));
    FLOE_TRY(floe_docstore_get(&run->store, unit, &found, &stored, err));
    if (!found || stored.hash != hash) {
        FLOE_TRY(count_changed(run, unit, found ? &stored : NULL, ret_changed, err));
        FLOE_TRY(floe_docstore_put(&run->store, unit, floe_buf_view(&run->body), hash, err));
        run->dirty = true;
    } else if (!floe_str_equal(stored.version, unit->version)) {
        FLOE_TRY(floe_docstore_touch(&run->store, unit, err));
        run->dirty = true;
    }
    return FLOE_OK;
}

static floe_status put_unit(build *run, const floe_unit *unit, floe_error *err) {
    int64_t changed = 0;
    FLOE_TRY(store_unit(run, unit, &changed, err));
    return mark_seen(run, unit, changed, err);
}

/* ---- where units come from ---- */

static floe_str known_version(void *sink, floe_str database, floe_str name) {
    build *run = sink;
    floe_unit key = {.kind = FLOE_UNIT_TABLE, .origin = FLOE_ORIGIN_CATALOG, .space = database, .name = name};
    floe_stored_unit stored = {0};
    bool found = false;
    if (floe_failed(floe_docstore_get(&run->store, &key, &found, &stored, NULL)) || !found) {
        return FLOE_STR("");
    }
    return floe_arena_str(&run->arena, stored.version);
}

/* A namespace, "lake.aviation", and the catalog that it begins with. */
static void take_space(build *run, floe_str space) {
    if (!floe_map_get(&run->spaces, space)) {
        floe_str rest = floe_arena_str(&run->arena, space), catalog;
        (void)floe_map_put(&run->spaces, rest, run);
        (void)floe_str_split(&rest, '.', &catalog);
        (void)floe_map_put(&run->spaces, catalog, run);
    }
}

static floe_status take_table(void *sink, const floe_catalog_table *table, floe_error *err) {
    build *run = sink;
    take_space(run, table->database);
    floe_unit unit = {
        .kind = FLOE_UNIT_TABLE, .origin = FLOE_ORIGIN_CATALOG, .space = table->database, .name = table->name};
    floe_str known = known_version(run, table->database, table->name);
    if (!table->columns && known.len > 0 && floe_str_equal(known, table->version)) {
        return mark_seen(run, &unit, 0, err);
    }
    /* put_unit reuses the scratch, so the parts are made where they stay. */
    floe_unit_of_table(table, FLOE_ORIGIN_CATALOG, &run->arena, &unit);
    floe_unit_mark(run->request->definitions, &run->arena, &unit);
    FLOE_TRY(floe_arena_check(&run->arena, err));
    return put_unit(run, &unit, err);
}

static floe_status take_import(void *context, const floe_unit *given, floe_error *err) {
    build *run = context;
    floe_unit unit = *given;
    floe_str database = floe_arena_str(&run->arena, unit.space);
    FLOE_ENSURE(
        !floe_map_get(&run->spaces, database), err, FLOE_CONFLICT,
        "the database %.*s is a catalog's: its tables are indexed already, and what a role may see of them would hold "
        "for both; import it under another name",
        FLOE_STR_BRIEF(database));
    floe_unit_mark(run->request->definitions, &run->arena, &unit);
    FLOE_TRY(floe_arena_check(&run->arena, err));
    (void)floe_map_put(&run->databases, database, run);
    return put_unit(run, &unit, err);
}

static floe_status take_imports(build *run, floe_error *err) {
    floe_import_sink sink = {.unit = take_import, .context = run};
    for (size_t i = 0; i < run->request->import_count; i++) {
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FILE_BYTES_MAX);
        FLOE_TRY(floe_file_read(run->request->imports[i], &text, err));
        FLOE_TRY(floe_import_read(floe_buf_view(&text), run->request->imports[i], &sink, err));
    }
    return FLOE_OK;
}

static floe_status take_definitions(build *run, floe_error *err) {
    const floe_definitions *definitions = run->request->definitions;
    floe_unit unit = {0};
    for (size_t i = 0; definitions && i < definitions->view_count; i++) {
        floe_unit_of_view(&definitions->views[i], &run->arena, &unit);
        FLOE_TRY(floe_arena_check(&run->arena, err));
        FLOE_TRY(put_unit(run, &unit, err));
    }
    for (size_t i = 0; definitions && i < definitions->request_count; i++) {
        floe_unit_of_request(&definitions->requests[i], &run->arena, &unit);
        FLOE_TRY(floe_arena_check(&run->arena, err));
        FLOE_TRY(put_unit(run, &unit, err));
    }
    for (size_t i = 0; definitions && i < definitions->service_count; i++) {
        floe_unit_of_service(&definitions->services[i], &run->arena, &unit);
        FLOE_TRY(floe_arena_check(&run->arena, err));
        FLOE_TRY(put_unit(run, &unit, err));
    }
    return FLOE_OK;
}

/* ---- personal data ---- */

/* A table that was read before its columns were tagged: its unit is marked as it lies in the index. */
static floe_status mark_again(build *run, floe_unit *unit, floe_error *err) {
    floe_stored_unit stored = {0};
    bool found = false;
    int64_t changed = 0;
    FLOE_TRY(floe_docstore_get(&run->store, unit, &found, &stored, err));
    if (!found) {
        return FLOE_OK;
    }
    unit->version = floe_arena_str(&run->arena, stored.version);
    floe_str body = floe_arena_str(&run->arena, stored.body);
    FLOE_TRY(floe_arena_check(&run->arena, err));
    FLOE_TRY(floe_unit_decode(body, &run->arena, unit, err));
    floe_unit_mark(run->request->definitions, &run->arena, unit);
    FLOE_TRY(floe_arena_check(&run->arena, err));
    FLOE_TRY(store_unit(run, unit, &changed, err));
    run->result.documents_changed += changed;
    return FLOE_OK;
}

static floe_status mark_tagged(build *run, floe_error *err) {
    const floe_definitions *definitions = run->request->definitions;
    for (size_t i = 0; definitions && i < definitions->source_count; i++) {
        floe_str full = definitions->sources[i].table;
        const char *dot = full.len > 0 ? memrchr(full.ptr, '.', full.len) : NULL;
        if (!dot || !floe_source_is_marked(definitions, &definitions->sources[i])) {
            continue;
        }
        size_t len = (size_t)(dot - full.ptr);
        for (int origin = FLOE_ORIGIN_CATALOG; origin <= FLOE_ORIGIN_IMPORT; origin++) {
            floe_unit unit = {.kind = FLOE_UNIT_TABLE,
                              .origin = (floe_unit_origin)origin,
                              .space = {full.ptr, len},
                              .name = {dot + 1, full.len - len - 1}};
            FLOE_TRY(mark_again(run, &unit, err));
        }
    }
    return FLOE_OK;
}

/* ---- what is left over ---- */

typedef struct sweep {
    build *run;
    floe_unit *gone; /* keys, in the build's arena */
    size_t gone_count, gone_capacity;
    int64_t documents; /* of what stays */
} sweep;

static bool is_replaced(const build *run, const floe_unit *unit) {
    switch (unit->origin) {
    case FLOE_ORIGIN_CATALOG:
        return run->request->catalog != NULL;
    case FLOE_ORIGIN_IMPORT:
        return floe_map_get(&run->databases, unit->space) || floe_map_get(&run->forgotten, unit->space);
    case FLOE_ORIGIN_DEFINITIONS:
    default:
        return true;
    }
}

static void count_unit(floe_index_result *result, const floe_unit *unit, int64_t documents) {
    if (unit->kind == FLOE_UNIT_TABLE) {
        result->tables += 1;
        result->columns += documents - 1;
    } else if (unit->kind == FLOE_UNIT_VIEW) {
        result->features += documents - 1;
    }
}

/* A database that is to be forgotten. */
typedef struct forget_state {
    bool found;
} forget_state;

static floe_status note_forgotten(build *run, const floe_unit *unit, floe_error *err) {
    forget_state *state = floe_map_get(&run->forgotten, unit->space);
    if (unit->origin != FLOE_ORIGIN_IMPORT) {
        return FLOE_OK;
    }
    if (state) {
        state->found = true;
    } else if (run->request->forget_count > 0 && !floe_map_get(&run->kept, unit->space)) {
        floe_str name = floe_arena_str(&run->arena, unit->space);
        FLOE_TRY(floe_arena_check(&run->arena, err));
        (void)floe_map_put(&run->kept, name, run);
    }
    return floe_arena_check(&run->arena, err);
}

static floe_status begin_forgetting(build *run, floe_error *err) {
    for (size_t i = 0; i < run->request->forget_count; i++) {
        floe_str name = floe_str_of(run->request->forget[i]);
        forget_state *state = floe_arena_alloc(&run->arena, 1, sizeof(*state));
        FLOE_TRY(floe_arena_check(&run->arena, err));
        FLOE_ENSURE(!floe_map_get(&run->databases, name), err, FLOE_INVALID,
                    "the database %s is both imported and forgotten; do one after the other", run->request->forget[i]);
        (void)floe_map_put(&run->forgotten, name, state);
    }
    return floe_arena_check(&run->arena, err);
}

static const char *nearest_import(build *run, floe_str name) {
    const char **names = floe_arena_alloc(&run->arena, run->kept.count + 1, sizeof(*names));
    size_t count = 0;
    for (size_t i = 0; names && i < run->kept.capacity; i++) {
        floe_str key = run->kept.slots[i].key;
        const char *copy = key.ptr ? floe_arena_strndup(&run->arena, key.ptr, key.len) : NULL;
        if (copy) {
            names[count++] = copy;
        }
    }
    return names ? floe_str_nearest(name, names, count) : NULL;
}

static floe_status check_forgotten(build *run, floe_error *err) {
    for (size_t i = 0; i < run->request->forget_count; i++) {
        floe_str name = floe_str_of(run->request->forget[i]);
        const forget_state *state = floe_map_get(&run->forgotten, name);
        const char *nearest = state->found ? NULL : nearest_import(run, name);
        FLOE_ENSURE(state->found, err, FLOE_NOT_FOUND, "no database %s was imported%s%s%s", run->request->forget[i],
                    nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
    }
    return FLOE_OK;
}

static floe_status sweep_unit(void *context, const floe_unit *unit, floe_str body, int64_t documents, floe_error *err) {
    sweep *state = context;
    build *run = state->run;
    (void)body;
    floe_arena_reset(&run->scratch);
    floe_str key = key_of(unit, &run->scratch);
    FLOE_TRY(floe_arena_check(&run->scratch, err));
    FLOE_TRY(note_forgotten(run, unit, err));
    if (floe_map_get(&run->seen, key) || !is_replaced(run, unit)) {
        count_unit(&run->result, unit, documents);
        state->documents += documents;
        return FLOE_OK;
    }
    floe_unit *gone = FLOE_ARENA_PUSH(&run->arena, state->gone, state->gone_count, state->gone_capacity);
    if (gone) {
        *gone = *unit;
        gone->space = floe_arena_str(&run->arena, unit->space);
        gone->name = floe_arena_str(&run->arena, unit->name);
    }
    run->result.documents_removed += documents;
    return floe_arena_check(&run->arena, err);
}

static floe_status sweep_units(build *run, floe_error *err) {
    sweep state = {.run = run};
    floe_docstore_sink sink = {.unit = sweep_unit, .context = &state};
    FLOE_TRY(begin_forgetting(run, err));
    FLOE_TRY(floe_docstore_each(&run->store, &sink, err));
    FLOE_TRY(check_forgotten(run, err));
    for (size_t i = 0; i < state.gone_count; i++) {
        FLOE_TRY(floe_docstore_remove(&run->store, &state.gone[i], err));
        run->dirty = true;
    }
    run->result.documents_unchanged = state.documents - run->result.documents_changed;
    return FLOE_OK;
}

/* ---- files ---- */

static floe_status ignore_unit(void *context, const floe_unit *unit, floe_str body, int64_t documents,
                               floe_error *err) {
    (void)context;
    (void)unit;
    (void)body;
    (void)documents;
    (void)err;
    return FLOE_OK;
}

/* Whether the live file can be read from end to end. */
static floe_status verify(const char *path, floe_error *err) {
    __attribute__((cleanup(floe_docstore_close))) floe_docstore store = {0};
    floe_docstore_sink sink = {.unit = ignore_unit};
    FLOE_TRY(floe_docstore_open(path, false, &store, err));
    return floe_docstore_each(&store, &sink, err);
}

/* The path of the live index, or NULL when there is none that can be trusted. Errors: what is neither missing nor
 * corrupt, so that a full disk or a lack of permission does not throw an index away. */
static floe_status find_live(build *run, int64_t *ret_number, const char **ret_path, floe_error *err) {
    floe_error cause = {0};
    int64_t number = 0;
    const char *path = NULL;
    if (!floe_failed(floe_generation_current(run->request->folder, &number, &cause))) {
        path = floe_generation_path(&run->arena, run->request->folder, number);
        FLOE_TRY(floe_arena_check(&run->arena, err));
        FLOE_IGNORE(verify(path, &cause));
        run->result.rebuilt = cause.code == FLOE_NOT_FOUND;
    }
    run->result.rebuilt = run->result.rebuilt || cause.code == FLOE_CORRUPT;
    bool trusted = cause.code == FLOE_CODE_OK;
    FLOE_ENSURE(trusted || cause.code == FLOE_NOT_FOUND || cause.code == FLOE_CORRUPT, err, cause.code, "%s",
                cause.message);
    *ret_number = number;
    *ret_path = trusted ? path : NULL;
    return FLOE_OK;
}

static floe_status begin(build *run, floe_error *err) {
    FLOE_AUTO_BUF bytes;
    floe_buf_init(&bytes, FILE_BYTES_MAX);
    const char *live = NULL;
    int64_t live_number = 0;
    int64_t largest = 0;
    FLOE_TRY(find_live(run, &live_number, &live, err));
    /* A number is never used twice in a folder, or a reader could take a new index for the one it holds. */
    FLOE_TRY(floe_generation_largest(run->request->folder, &largest, err));
    FLOE_TRY(floe_generation_remove_others(run->request->folder, live_number, err));
    int64_t number = largest > live_number ? largest : live_number;
    const char *path = floe_generation_path(&run->arena, run->request->folder, number + 1);
    FLOE_TRY(floe_arena_check(&run->arena, err));
    if (live) {
        FLOE_TRY(floe_file_read(live, &bytes, err));
    }
    FLOE_TRY(floe_file_write(path, floe_buf_view(&bytes), false, err));
    FLOE_TRY(live ? floe_docstore_open(path, true, &run->store, err) : floe_docstore_create(path, &run->store, err));
    run->fresh = live == NULL;
    run->live = live ? live_number : 0;
    run->number = number + 1;
    return floe_sql_begin(run->store.sql, err);
}

static floe_status fill(build *run, floe_error *err) {
    const floe_catalog_reader *catalog = run->request->catalog;
    if (catalog) {
        FLOE_TRY(catalog->tables(catalog->context, take_table, known_version, run, err));
    }
    FLOE_TRY(take_imports(run, err));
    FLOE_TRY(take_definitions(run, err));
    FLOE_TRY(mark_tagged(run, err));
    return sweep_units(run, err);
}

/* ---- vectors ---- */

static floe_status build_vectors(build *run, floe_error *err) {
    run->vectors.embedder = run->request->embedder;
    FLOE_TRY(floe_vectors_build(&run->store, run->request->folder, &run->vectors, err));
    run->result.documents_embedded = run->vectors.documents_embedded;
    run->result.words_embedded = run->vectors.words_embedded;
    return FLOE_OK;
}

/* The vectors of other models go when the live generation no longer names them. */
static floe_status remove_other_vectors(build *run, floe_error *err) {
    const char *const *names = NULL;
    const floe_embedder *embedder = run->vectors.embedder;
    const char *own =
        embedder ? floe_vectors_folder(&run->arena, run->request->folder, floe_embedder_describe(embedder)->fingerprint)
                 : "";
    size_t count = 0;
    FLOE_TRY(floe_file_list(run->request->folder, &run->arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        const char *path = floe_path_join(&run->arena, run->request->folder, names[i]);
        FLOE_TRY(floe_arena_check(&run->arena, err));
        if (floe_str_starts_with(floe_str_of(names[i]), FLOE_STR(FLOE_VECTORS_PREFIX)) && strcmp(path, own) != 0) {
            FLOE_TRY(floe_file_remove_all(path, err));
        }
    }
    return FLOE_OK;
}

/* What is left undone here, the next build does; it is no failure of this one, which is published. */
static void tidy_vectors(build *run) {
    FLOE_IGNORE(floe_vectors_tidy(&run->vectors, NULL));
    FLOE_IGNORE(remove_other_vectors(run, NULL));
}

/* The vectors of the new generation, and the model's name in it. */
static floe_status embed(build *run, floe_error *err) {
    floe_embedder *embedder = run->request->embedder;
    bool wanted = embedder && floe_embedder_describe(embedder)->dim > 0;
    floe_str now = wanted ? floe_embedder_describe(embedder)->fingerprint : FLOE_STR("");
    floe_str before = {0};
    FLOE_TRY(floe_docstore_fingerprint(&run->store, &run->arena, &before, err));
    if (!floe_str_equal(before, now)) {
        FLOE_TRY(floe_docstore_set_fingerprint(&run->store, now, err));
        run->dirty = true;
    }
    return wanted ? build_vectors(run, err) : FLOE_OK;
}

static floe_status ignore_pair(void *context, floe_str short_form, floe_str long_form, floe_error *err) {
    (void)context;
    (void)short_form;
    (void)long_form;
    (void)err;
    return FLOE_OK;
}

/* The user's abbreviations become part of the index, so that a search reads names as they were read for it. */
static floe_status take_abbreviations(build *run, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_str before = {0};
    floe_abbreviation_sink sink = {.pair = ignore_pair};
    floe_buf_init(&text, FLOE_MIB(16));
    if (run->request->abbreviations) {
        FLOE_TRY(floe_file_read(run->request->abbreviations, &text, err));
        FLOE_TRY(floe_abbreviations_read(floe_buf_view(&text), run->request->abbreviations, &sink, err));
    }
    FLOE_TRY(floe_docstore_abbreviations(&run->store, &run->arena, &before, err));
    if (floe_str_equal(before, floe_buf_view(&text))) {
        return FLOE_OK;
    }
    run->dirty = true;
    return floe_docstore_set_abbreviations(&run->store, floe_buf_view(&text), err);
}

static floe_status build_generation(build *run, floe_error *err) {
    FLOE_TRY(begin(run, err));
    FLOE_TRY(take_abbreviations(run, err));
    FLOE_TRY(fill(run, err));
    FLOE_TRY(embed(run, err));
    if (run->dirty || run->fresh) {
        FLOE_TRY(floe_docstore_seal(&run->store, run->number, err));
        FLOE_TRY(floe_generation_publish(run->request->folder, run->number, err));
    }
    tidy_vectors(run);
    return FLOE_OK;
}

/* Whatever happened, the file that is live stays and the others go; a failure to do so is not one of the build. */
static void remove_leftovers(const build *run) {
    int64_t live = 0;
    bool published = !floe_failed(floe_generation_current(run->request->folder, &live, NULL));
    if (published || run->fresh) {
        FLOE_IGNORE(floe_generation_remove_others(run->request->folder, live, NULL));
    }
}

floe_status floe_index_build(const floe_index_request *request, floe_index_result *ret_result, floe_error *err) {
    FLOE_CLEANUP(floe_generation_unlock) int lock = -1;
    FLOE_CLEANUP(build_close) build run = {.request = request};
    int64_t started_us = floe_monotonic_us();
    floe_arena_init(&run.arena, BUILD_ARENA_MAX);
    floe_arena_init(&run.scratch, BUILD_ARENA_MAX);
    floe_buf_init(&run.body, FLOE_UNIT_BYTES_MAX);
    floe_map_init(&run.seen, &run.arena);
    floe_map_init(&run.databases, &run.arena);
    floe_map_init(&run.spaces, &run.arena);
    floe_map_init(&run.forgotten, &run.arena);
    floe_map_init(&run.kept, &run.arena);
    FLOE_TRY(floe_file_mkdirs(request->folder, err));
    FLOE_TRY(floe_generation_lock(request->folder, &lock, err));
    floe_status status = build_generation(&run, err);
    floe_docstore_close(&run.store);
    remove_leftovers(&run);
    FLOE_TRY(status);
    run.result.elapsed_us = floe_monotonic_us() - started_us;
    *ret_result = run.result;
    return FLOE_OK;
}
