/* See world.h. */
#include "tests/api/world.h"

#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"

#include <stdio.h>

const char world_yaml[] = "entities:\n"
                          "  - {name: thing, keys: [{name: id, type: int64}]}\n"
                          "  - {name: leg, keys: [{name: origin, type: string}, {name: destination, type: string}]}\n"
                          "sources:\n"
                          "  - {name: facts, table: lake.a.facts, event_time: ts, max_future: 1000w}\n"
                          "feature_views:\n"
                          "  - name: facts\n"
                          "    entity: thing\n"
                          "    source: facts\n"
                          "    features:\n"
                          "      - {name: whole, column: whole}\n"
                          "      - {name: half, column: half}\n"
                          "      - {name: name, column: name}\n"
                          "      - {name: flag, column: flag}\n"
                          "      - {name: at, column: at}\n"
                          "      - {name: day, column: day}\n"
                          "      - {name: price, column: price}\n"
                          "      - {name: raw, column: raw}\n"
                          "      - {name: words, column: words}\n"
                          "  - name: legs\n"
                          "    entity: leg\n"
                          "    source: facts\n"
                          "    ttl: 90000d\n"
                          "    features: [{name: delay, column: delay}]\n"
                          "    aggregates: [{column: delay, functions: [count, mean], windows: [7d]}]\n"
                          "  - name: secret\n"
                          "    entity: thing\n"
                          "    source: facts\n"
                          "    features: [{name: whole, column: whole}]\n"
                          "    online: false\n"
                          "feature_services:\n"
                          "  - {name: model, features: ['facts:whole', 'facts:name']}\n"
                          "  - {name: routes, features: [legs]}\n";

static const floe_column columns[] = {
    {FLOE_STR("ts"), {.kind = FLOE_KIND_TIMESTAMP}},
    {FLOE_STR("id"), {.kind = FLOE_KIND_INT64}},
    {FLOE_STR("origin"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("destination"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("whole"), {.kind = FLOE_KIND_INT64}},
    {FLOE_STR("half"), {.kind = FLOE_KIND_DOUBLE}},
    {FLOE_STR("name"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("flag"), {.kind = FLOE_KIND_BOOL}},
    {FLOE_STR("at"), {.kind = FLOE_KIND_TIMESTAMP}},
    {FLOE_STR("day"), {.kind = FLOE_KIND_DATE}},
    {FLOE_STR("price"), {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
    {FLOE_STR("raw"), {.kind = FLOE_KIND_BYTES}},
    {FLOE_STR("words"), {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}},
    {FLOE_STR("delay"), {.kind = FLOE_KIND_INT32}},
};

static floe_status columns_of(void *context, floe_str table, floe_arena *arena, const floe_column **ret_columns,
                              size_t *ret_count, floe_error *err) {
    (void)context;
    (void)table;
    (void)arena;
    (void)err;
    *ret_columns = columns;
    *ret_count = sizeof(columns) / sizeof(columns[0]);
    return FLOE_OK;
}

/* ---- project ---- */

static void write_file(world *w, const char *name, const char *text) {
    const char *path = floe_path_join(&w->arena, w->root, name);
    assert_ok(floe_file_mkdirs(floe_path_dirname(&w->arena, path), &w->err), &w->err);
    assert_ok(floe_file_write(path, floe_str_of(text), false, &w->err), &w->err);
}

int64_t world_apply(world *w, const char *yaml) {
    static const floe_schema_resolver resolver = {.columns = columns_of};
    floe_definitions *definitions = NULL;
    floe_registry *registry = NULL;
    int64_t version = 0;
    write_file(w, "features/a.yaml", yaml);
    assert_ok(floe_definitions_load(w->project, &w->arena, &definitions, &w->err), &w->err);
    assert_ok(floe_definitions_resolve(definitions, &resolver, &w->arena, &w->err), &w->err);
    assert_ok(floe_registry_open(w->project->registry, true, &registry, &w->err), &w->err);
    assert_ok(floe_registry_apply(registry, definitions, &version, &w->err), &w->err);
    assert_ok(floe_registry_load(registry, 0, &w->arena, &w->definitions, &w->err), &w->err);
    floe_registry_close(&registry);
    return version;
}

static void write_row_at(world *w, const char *view_name, const floe_value *keys, const floe_value *values,
                         int64_t event_us) {
    const floe_view *view = floe_definitions_view(w->definitions, floe_str_of(view_name));
    floe_online_row row = {keys, event_us, INT64_MIN, INT64_MAX, values};
    floe_write_outcome outcome = FLOE_WRITE_REFUSED;
    assert_non_null(view);
    assert_ok(floe_store_write(w->store, view, &row, 1, &outcome, &w->err), &w->err);
    assert_int_equal(outcome, FLOE_WRITE_DONE);
}

static void write_row(world *w, const char *view_name, const floe_value *keys, const floe_value *values) {
    write_row_at(w, view_name, keys, values, T0);
}

void world_put_fact(world *w, int64_t id, int64_t whole, const char *name) {
    world_put_fact_at(w, id, whole, name, T0);
}

void world_put_fact_at(world *w, int64_t id, int64_t whole, const char *name, int64_t event_us) {
    const floe_view *view = floe_definitions_view(w->definitions, FLOE_STR("facts"));
    floe_value key = floe_value_int64(id);
    floe_value values[9];
    for (size_t i = 0; i < 9; i++) {
        values[i] = floe_value_null(view->outputs[i].type);
    }
    values[0] = floe_value_int64(whole);
    values[2] = floe_value_string(floe_str_of(name));
    write_row_at(w, "facts", &key, values, event_us);
}

/* Every kind of value, one that JSON could spoil. */
static void put_full_fact(world *w) {
    static const floe_value words[] = {
        {.type = {.kind = FLOE_KIND_STRING}, .as.bytes = {"a\"b", 3}},
        {.type = {.kind = FLOE_KIND_STRING}, .as.bytes = {"", 0}},
    };
    floe_value key = floe_value_int64(1);
    floe_value values[9] = {
        floe_value_int64(INT64_C(9007199254740993)), /* 2^53 + 1: no double holds it */
        floe_value_double(-0.5),
        floe_value_string(FLOE_STR("G\xc3\xb6teborg \"x\"\n")),
        {.type = {.kind = FLOE_KIND_BOOL}, .as.boolean = true},
        floe_value_timestamp(T0 + 500000),
        {.type = {.kind = FLOE_KIND_DATE}, .as.integer = 11574}, /* 2001-09-09 */
        {.type = {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}, .as.decimal = -1205},
        {.type = {.kind = FLOE_KIND_BYTES}, .as.bytes = {"\x00\xff", 2}},
        {.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}, .as.list = {words, 2}},
    };
    write_row(w, "facts", &key, values);
}

void world_put_leg(world *w, const char *origin, const char *destination, int64_t delay) {
    world_put_leg_of(w, floe_str_of(origin), floe_str_of(destination), delay);
}

void world_put_leg_of(world *w, floe_str origin, floe_str destination, int64_t delay) {
    floe_value keys[] = {floe_value_string(origin), floe_value_string(destination)};
    floe_value value = {.type = {.kind = FLOE_KIND_INT32}, .as.integer = delay};
    write_row(w, "legs", keys, &value);
}

/* ---- world ---- */

void world_make(world *w, floe_store_kind kind) {
    *w = (world){0};
    floe_arena_init(&w->arena, FLOE_LIMIT_PROJECT_ARENA);
    w->root = floe_test_temp_dir();
    const char *yaml =
        "project: test\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\nsearch: {embedder: none}\n";
    if (kind == FLOE_STORE_REDIS) {
        floe_test_redis_start(&w->redis);
        yaml = floe_arena_printf(&w->arena, "%sonline: {store: redis, url: '%s'}\n", yaml, w->redis.url);
    }
    write_file(w, "floe.yaml", yaml);
    assert_ok(floe_project_load(w->root, &w->arena, &w->project, &w->err), &w->err);
    assert_ok(floe_store_open(&w->project->online, w->project->name, &w->store, &w->err), &w->err);
    assert_int_equal(world_apply(w, world_yaml), 1);
    put_full_fact(w);
    world_put_fact(w, -2, -20, "n-2");
    world_put_leg(w, "SFO", "JFK", 12);
}

void world_serve(world *w, int threads) {
    floe_server_config config = {.project = w->project,
                                 .port = 0,
                                 .threads = threads,
                                 .search_folder = floe_path_join(&w->arena, w->root, ".floe/search")};
    assert_ok(floe_server_open(&config, &w->server, &w->err), &w->err);
    w->port = floe_test_http_port(floe_server_url(w->server));
}

void world_stop(world *w) {
    assert_ok(floe_server_close(&w->server, &w->err), &w->err);
}

void world_open(world *w, floe_store_kind kind) {
    world_make(w, kind);
    world_serve(w, 2);
}

void world_close(world *w) {
    world_stop(w);
    floe_store_close(&w->store);
    if (w->redis.pid != 0) {
        floe_test_redis_stop(&w->redis);
    }
    floe_arena_close(&w->arena);
}

/* ---- requests ---- */

static void copy_text(char *out, size_t out_len, floe_str text) {
    assert_true(text.len < out_len);
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
}

void world_ask(world *w, const char *method, const char *target, const char *json, answer *ret_answer) {
    floe_test_http http;
    floe_test_response response;
    floe_test_http_open(&http, w->port);
    floe_test_http_ask(&http, method, target, json, &response);
    ret_answer->status = response.status;
    copy_text(ret_answer->head, sizeof(ret_answer->head), response.head);
    copy_text(ret_answer->body, sizeof(ret_answer->body), response.body);
    floe_test_http_close(&http);
}

void world_lookup(world *w, const char *json, answer *ret_answer) {
    world_ask(w, "POST", "/v1/lookup", json, ret_answer);
}

void check_problem(const answer *got, int status, const char *code, const char *part, const char *file, int line) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const floe_node *root = NULL;
    floe_str title, said, detail;
    int64_t in_body = 0;
    floe_error err = {0};
    bool ok = got->status == status && strstr(got->head, "application/problem+json") != NULL &&
              !floe_failed(floe_json_parse(&arena, floe_str_of(got->body), &root, &err)) &&
              !floe_failed(floe_node_need_str(root, "title", "problem", &title, &err)) &&
              !floe_failed(floe_node_need_i64(root, "status", "problem", &in_body, &err)) && in_body == status &&
              !floe_failed(floe_node_need_str(root, "code", "problem", &said, &err)) && floe_str_is(said, code) &&
              !floe_failed(floe_node_need_str(root, "detail", "problem", &detail, &err)) &&
              memmem(detail.ptr, detail.len, part, strlen(part)) != NULL;
    if (!ok) {
        print_error("no problem %d %s with \"%s\" but %s%s\n", status, code, part, got->head, got->body);
        _fail(file, line);
    }
}
