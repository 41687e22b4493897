#include "tests/online/sync_world.h"

void sync_world_open(sync_world *s, floe_store_kind kind) {
    world_open(&s->w, kind);
    table_open(&s->t);
    snprintf(s->dir, sizeof(s->dir), "/tmp/floe-sync-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    s->registry_path = floe_path_join(&s->w.arena, s->dir, "registry.db");
    assert_ok(floe_registry_open(s->registry_path, true, &s->registry, &world_error));
    floe_now_pin(NOW);
}

void sync_world_close(sync_world *s) {
    floe_now_pin(0);
    floe_registry_close(&s->registry);
    assert_ok(floe_file_remove_all(s->dir, &world_error));
    table_close(&s->t);
    world_close(&s->w);
}

floe_sync_request sync_request(sync_world *s, const floe_view *view, bool full) {
    static floe_sync_source source;
    source = table_source(&s->t);
    return (floe_sync_request){
        .view = view, .store = s->w.store, .registry = s->registry, .source = &source, .full = full};
}

floe_status sync_with(sync_world *s, const floe_sync_request *request) {
    floe_error_clear(&world_error);
    return floe_sync_run(request, &s->result, &world_error);
}

floe_status sync_run(sync_world *s, const floe_view *view, bool full) {
    floe_sync_request request = sync_request(s, view, full);
    return sync_with(s, &request);
}

bool has_mark(sync_world *s, const floe_view *view) {
    floe_str id;
    floe_sync_mark mark;
    assert_ok(floe_store_identity(s->w.store, &s->w.arena, &id, &world_error));
    return !floe_failed(floe_registry_mark_get(s->registry, view->about.name, id, &s->w.arena, &mark, NULL));
}

floe_cell *cells_of(sync_world *s, const floe_view *view, const char *key) {
    floe_value *keys = floe_arena_alloc(&s->w.arena, 1, sizeof(*keys));
    *keys = text(key);
    world_reopen(&s->w);
    return ask(&s->w, view, keys, 0);
}

int64_t value_of(sync_world *s, const floe_view *view, const char *key) {
    floe_cell *cell = cells_of(s, view, key);
    if (cell->status == FLOE_CELL_PRESENT) {
        return cell->value.as.integer;
    }
    return cell->status == FLOE_CELL_NOT_FOUND ? -1 : -2;
}
