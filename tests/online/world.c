#include "tests/online/world.h"

#include "core/file.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/time.h"
#include "online/online_int.h"

floe_error world_error;

floe_str world_project(void) {
    return FLOE_STR("flights");
}

static void open_handles(world *w) {
    floe_error_clear(&world_error);
    assert_ok(floe_store_open(&w->def, world_project(), &w->store, &world_error));
    assert_ok(floe_store_open(&w->def, world_project(), &w->other, &world_error));
    assert_ok(floe_loop_open(&w->loop, &world_error));
    assert_ok(floe_online_open(&w->def, world_project(), w->loop, &w->online, &world_error));
}

static void close_handles(world *w) {
    floe_online_close(&w->online);
    floe_loop_close(&w->loop);
    floe_store_close(&w->store);
    floe_store_close(&w->other);
}

void world_open(world *w, floe_store_kind kind) {
    *w = (world){.def = {.kind = kind}};
    floe_arena_init(&w->arena, FLOE_MIB(512));
    if (kind == FLOE_STORE_REDIS) {
        floe_test_redis_start(&w->redis);
        w->def.url = floe_str_of(w->redis.url);
    } else {
        snprintf(w->dir, sizeof(w->dir), "/tmp/floe-online-XXXXXX");
        assert_non_null(mkdtemp(w->dir));
        w->def.path = floe_str_of(w->dir);
    }
    open_handles(w);
}

void world_close(world *w) {
    close_handles(w);
    if (w->def.kind == FLOE_STORE_REDIS) {
        floe_test_redis_stop(&w->redis);
    } else {
        assert_ok(floe_file_remove_all(w->dir, &world_error));
    }
    floe_arena_close(&w->arena);
}

void world_reopen(world *w) {
    close_handles(w);
    open_handles(w);
}

/* ---- definitions ---- */

floe_type type_of(floe_kind kind) {
    return (floe_type){.kind = kind};
}

floe_entity *make_entity(world *w, const char *name, const char *const *keys, const floe_type *types, size_t count) {
    floe_entity *entity = floe_arena_alloc(&w->arena, 1, sizeof(*entity));
    floe_column *columns = floe_arena_alloc(&w->arena, count, sizeof(*columns));
    for (size_t i = 0; i < count; i++) {
        columns[i] = (floe_column){floe_str_of(keys[i]), types[i]};
    }
    *entity = (floe_entity){.about = {.name = floe_str_of(name)}, .keys = columns, .key_count = count};
    return entity;
}

floe_entity *make_simple_entity(world *w, const char *name) {
    floe_type type = type_of(FLOE_KIND_STRING);
    return make_entity(w, name, &name, &type, 1);
}

floe_output as_of_output(const char *name, floe_type type) {
    return (floe_output){.about = {.name = floe_str_of(name)},
                         .column = floe_str_of(name),
                         .type = type,
                         .meaning = floe_xxh64(name, strlen(name), 0)};
}

floe_output aggregate_output(const char *name, floe_function function, floe_type type) {
    return (floe_output){.about = {.name = floe_str_of(name)},
                         .function = function,
                         .column = floe_str_of("x"),
                         .type = type,
                         .meaning = function + UINT64_C(1)};
}

floe_view *make_view(world *w, const char *name, const floe_entity *entity, const floe_output *outputs, size_t count) {
    floe_view *view = floe_arena_alloc(&w->arena, 1, sizeof(*view));
    floe_source *source = floe_arena_alloc(&w->arena, 1, sizeof(*source));
    floe_output *copy = floe_arena_alloc(&w->arena, count, sizeof(*copy));
    memcpy(copy, outputs, count * sizeof(*copy));
    source->about.name = floe_str_of("flights");
    source->max_future_us = INT64_MAX;
    *view = (floe_view){.about = {.name = floe_str_of(name)},
                        .entity = entity,
                        .source = source,
                        .online = true,
                        .outputs = copy,
                        .output_count = count,
                        .fingerprint = floe_xxh64(name, strlen(name), count),
                        .meaning = floe_xxh64(name, strlen(name), 1)};
    return view;
}

floe_view *make_simple_view(world *w) {
    floe_output output = as_of_output("value", type_of(FLOE_KIND_INT64));
    return make_view(w, "simple", make_simple_entity(w, "thing"), &output, 1);
}

/* ---- values ---- */

floe_value text(const char *string) {
    return floe_value_string(floe_str_of(string));
}

floe_value bytes_of(const void *bytes, size_t len) {
    return (floe_value){.type = {.kind = FLOE_KIND_BYTES}, .as.bytes = {bytes, len}};
}

floe_value null_of(floe_kind kind) {
    return floe_value_null(type_of(kind));
}

/* ---- rows ---- */

floe_write_outcome put(world *w, const floe_view *view, const floe_value *keys, int64_t event_us, int64_t created_us,
                       int64_t end_us, const floe_value *values) {
    floe_online_row row = {keys, event_us, created_us, end_us, values};
    floe_write_outcome outcome = FLOE_WRITE_REFUSED;
    floe_error_clear(&world_error);
    assert_ok(floe_store_write(w->store, view, &row, 1, &outcome, &world_error));
    return outcome;
}

floe_write_outcome put_simple(world *w, const floe_view *view, const char *key, int64_t event_us, int64_t value) {
    floe_value keys = text(key);
    floe_value values = floe_value_int64(value);
    return put(w, view, &keys, event_us, NO_CREATED, NEVER, &values);
}

static void set_done(floe_lookup *lookup) {
    *(bool *)lookup->context = true;
}

floe_status ask_loop(world *w, floe_lookup *lookup) {
    bool done = false;
    lookup->done = set_done;
    lookup->context = &done;
    floe_online_lookup(w->online, lookup);
    while (!done) {
        assert_ok(floe_loop_turn(w->loop, 100000, &world_error));
    }
    return lookup->status;
}

static void assert_same_cells(const floe_lookup *a, const floe_lookup *b) {
    size_t ref_count = 0;
    (void)floe_lookup_plan_refs(a->plan, &ref_count);
    for (size_t i = 0; i < ref_count * a->entity_count; i++) {
        assert_int_equal(a->cells[i].status, b->cells[i].status);
        assert_int_equal(a->cells[i].has_event_us, b->cells[i].has_event_us);
        assert_int_equal(a->cells[i].event_us, b->cells[i].event_us);
        assert_int_equal(a->cells[i].value.is_null, b->cells[i].value.is_null);
        assert_true(floe_type_equal(a->cells[i].value.type, b->cells[i].value.type));
        assert_int_equal(floe_value_compare(&a->cells[i].value, &b->cells[i].value), 0);
    }
}

floe_status ask_both(world *w, floe_lookup *lookup) {
    floe_lookup twin = *lookup;
    floe_error_clear(&world_error);
    floe_status status = floe_store_lookup(w->other, lookup, &world_error);
    floe_status twin_status = ask_loop(w, &twin);
    assert_int_equal(status.code, twin_status.code);
    if (floe_failed(status)) {
        assert_string_equal(world_error.message, twin.error.message);
    } else {
        assert_same_cells(lookup, &twin);
    }
    return status;
}

floe_cell *ask(world *w, const floe_view *view, const floe_value *keys, int64_t as_of_us) {
    floe_ref *refs = floe_arena_alloc(&w->arena, view->output_count, sizeof(*refs));
    const floe_value **columns = floe_arena_alloc(&w->arena, view->entity->key_count, sizeof(floe_value *));
    for (size_t i = 0; i < view->output_count; i++) {
        refs[i] = (floe_ref){view, &view->outputs[i]};
    }
    for (size_t k = 0; k < view->entity->key_count; k++) {
        columns[k] = &keys[k];
    }
    floe_lookup lookup = {.entity_count = 1, .keys = columns, .as_of_us = as_of_us, .arena = &w->arena};
    assert_ok(floe_lookup_plan_make(refs, view->output_count, &w->arena, &lookup.plan, &world_error));
    assert_ok(ask_both(w, &lookup));
    return lookup.cells;
}

floe_cell ask_simple(world *w, const floe_view *view, const char *key) {
    floe_value keys = text(key);
    return *ask(w, view, &keys, 0);
}

static floe_status count_one(void *context, floe_str key, floe_str row, floe_error *err) {
    (void)key;
    (void)row;
    (void)err;
    ++*(size_t *)context;
    return FLOE_OK;
}

static size_t count_part(world *w, floe_str entity, floe_part part) {
    size_t count = 0;
    if (part.id != 0) {
        floe_backend *backend = &w->store->backend;
        assert_ok(backend->vtable->scan(backend->impl, entity, part, count_one, &count, &world_error));
    }
    return count;
}

size_t count_rows(world *w, const floe_view *view) {
    floe_generation *generation = NULL;
    assert_ok(floe_generation_read(&w->store->backend, view->about.name, &generation, &world_error));
    const floe_stored_state *state = &generation->state;
    floe_str entity = view->entity->about.name;
    size_t count = count_part(w, entity, (floe_part){FLOE_PART_AS_OF, state->live.id}) +
                   count_part(w, entity, (floe_part){FLOE_PART_AGGREGATES, state->live.aggregates_id}) +
                   count_part(w, entity, (floe_part){FLOE_PART_AS_OF, state->filling.id}) +
                   count_part(w, entity, (floe_part){FLOE_PART_AGGREGATES, state->filling.aggregates_id});
    for (size_t i = 0; i < state->retired_count; i++) {
        count += count_part(w, entity, state->retired[i].part);
    }
    floe_generation_release(&generation);
    return count;
}
