/*
 * A lookup over HTTP gives what the blocking store gives: random questions over random rows, with the seed printed. The
 * oracle's cells are printed here, in the plainest way, and compared as text.
 * timeout: 600
 */
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"
#include "tests/api/world.h"

#include <stdio.h>

#define QUESTIONS 400
#define IDS 30

static floe_value random_value(floe_test_rng *rng, floe_arena *arena, floe_type type) {
    floe_value value = {.type = type, .is_null = floe_test_below(rng, 5) == 0};
    char *text = floe_arena_alloc(arena, 64, 1);
    size_t len = (size_t)floe_test_below(rng, 64);
    for (size_t i = 0; i < len; i++) {
        text[i] = (char)(type.kind == FLOE_KIND_BYTES ? floe_test_next(rng) : 1 + floe_test_below(rng, 127));
    }
    switch (type.kind) {
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        value.as.bytes = (floe_str){text, len};
        break;
    case FLOE_KIND_DOUBLE:
        value.as.real = (double)floe_test_between(rng, -1000000, 1000000) / 1024.0;
        break;
    case FLOE_KIND_BOOL:
        value.as.boolean = floe_test_below(rng, 2) == 1;
        break;
    case FLOE_KIND_DATE:
        value.as.integer = floe_test_between(rng, -100000, 100000);
        break;
    case FLOE_KIND_DECIMAL:
        value.as.decimal = floe_test_between(rng, -9999999999, 9999999999);
        break;
    case FLOE_KIND_LIST:
        value.as.list.count = 0;
        value.as.list.items = NULL;
        break;
    default:
        value.as.integer = floe_test_between(rng, -INT64_C(1000000000000000), INT64_C(1000000000000000));
    }
    return value;
}

static void put_random_facts(world *w, floe_test_rng *rng) {
    const floe_view *view = floe_definitions_view(w->definitions, FLOE_STR("facts"));
    for (int64_t id = 0; id < IDS; id += 2) {
        floe_value key = floe_value_int64(id);
        floe_value values[16];
        assert_true(view->output_count <= 16);
        for (size_t i = 0; i < view->output_count; i++) {
            values[i] = random_value(rng, &w->arena, view->outputs[i].type);
        }
        floe_online_row row = {&key, T0 + id, INT64_MIN, floe_test_below(rng, 3) == 0 ? T0 + 5 : INT64_MAX, values};
        floe_write_outcome outcome = FLOE_WRITE_REFUSED;
        assert_ok(floe_store_write(w->store, view, &row, 1, &outcome, &w->err), &w->err);
    }
    for (int i = 0; i < 40; i++) {
        char origin[8];
        char destination[8];
        (void)snprintf(origin, sizeof(origin), "o%d", (int)floe_test_below(rng, 5));
        (void)snprintf(destination, sizeof(destination), "d%d", (int)floe_test_below(rng, 5));
        world_put_leg(w, origin, destination, (int64_t)floe_test_below(rng, 1000));
    }
}

/* ---- a question ---- */

typedef struct question {
    floe_str features[16];
    size_t feature_count;
    int64_t ids[20];
    char origins[20][8];
    char destinations[20][8];
    size_t entity_count;
    bool facts, legs, statuses, event_times;
} question;

static void make_question(floe_test_rng *rng, question *q) {
    static const char *const known[] = {"facts:whole", "facts:half", "facts:name",  "facts:flag",
                                        "facts:at",    "facts:day",  "facts:price", "facts:raw",
                                        "facts:words", "legs:delay", "facts",       "legs"};
    *q = (question){.feature_count = 1 + (size_t)floe_test_below(rng, 16)};
    for (size_t i = 0; i < q->feature_count; i++) {
        const char *name = known[floe_test_below(rng, 12)];
        q->features[i] = floe_str_of(name);
        q->facts = q->facts || name[0] == 'f';
        q->legs = q->legs || name[0] == 'l';
    }
    q->entity_count = (size_t)floe_test_below(rng, 20);
    for (size_t e = 0; e < q->entity_count; e++) {
        q->ids[e] = floe_test_between(rng, -2, IDS);
        (void)snprintf(q->origins[e], sizeof(q->origins[e]), "o%d", (int)floe_test_below(rng, 6));
        (void)snprintf(q->destinations[e], sizeof(q->destinations[e]), "d%d", (int)floe_test_below(rng, 6));
    }
    q->statuses = floe_test_below(rng, 2) == 1;
    q->event_times = floe_test_below(rng, 2) == 1;
}

static void print_texts(floe_json_writer *json, const char *name, const char (*texts)[8], size_t count) {
    floe_json_key(json, name);
    floe_json_array_begin(json);
    for (size_t i = 0; i < count; i++) {
        floe_json_text(json, texts[i]);
    }
    floe_json_array_end(json);
}

static void print_question(const question *q, floe_buf *out) {
    floe_json_writer json = floe_json_writer_of(out);
    floe_json_object_begin(&json);
    floe_json_key(&json, "features");
    floe_json_array_begin(&json);
    for (size_t i = 0; i < q->feature_count; i++) {
        floe_json_string(&json, q->features[i]);
    }
    floe_json_array_end(&json);
    floe_json_key(&json, "entities");
    floe_json_object_begin(&json);
    if (q->legs) {
        print_texts(&json, "destination", q->destinations, q->entity_count);
        print_texts(&json, "origin", q->origins, q->entity_count);
    }
    if (q->facts) {
        floe_json_key(&json, "id");
        floe_json_array_begin(&json);
        for (size_t i = 0; i < q->entity_count; i++) {
            floe_json_int(&json, q->ids[i]);
        }
        floe_json_array_end(&json);
    }
    floe_json_object_end(&json);
    floe_json_key(&json, "include");
    floe_json_array_begin(&json);
    if (q->statuses) {
        floe_json_text(&json, "statuses");
    }
    if (q->event_times) {
        floe_json_text(&json, "event_times");
    }
    floe_json_array_end(&json);
    floe_json_object_end(&json);
}

/* ---- the oracle ---- */

static const floe_value **oracle_keys(const question *q, const floe_lookup_plan *plan, floe_arena *arena) {
    size_t key_count = 0;
    const floe_column *keys = floe_lookup_plan_keys(plan, &key_count);
    const floe_value **lists = floe_arena_alloc(arena, key_count, sizeof(*lists));
    for (size_t k = 0; k < key_count; k++) {
        floe_value *values = floe_arena_alloc(arena, q->entity_count, sizeof(*values));
        for (size_t e = 0; e < q->entity_count; e++) {
            values[e] = floe_str_is(keys[k].name, "id")       ? floe_value_int64(q->ids[e])
                        : floe_str_is(keys[k].name, "origin") ? floe_value_string(floe_str_of(q->origins[e]))
                                                              : floe_value_string(floe_str_of(q->destinations[e]));
        }
        lists[k] = values;
    }
    return lists;
}

static void print_cell(int what, const floe_cell *cell, floe_json_writer *json) {
    char time[FLOE_TIME_TEXT_MAX];
    if (what == 0) {
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_MIB(1));
        floe_value_print_json(&cell->value, &text);
        floe_json_raw(json, floe_buf_view(&text));
    } else if (what == 1) {
        floe_json_text(json, floe_cell_status_name(cell->status));
    } else {
        floe_json_text(json, cell->has_event_us ? floe_time_format(cell->event_us, time) : NULL);
    }
}

static void print_oracle(const question *q, const floe_lookup *lookup, const floe_ref *refs, size_t ref_count,
                         floe_buf *out) {
    static const char *const names[] = {"values", "statuses", "event_times"};
    floe_json_writer json = floe_json_writer_of(out);
    char name[300];
    floe_json_object_begin(&json);
    floe_json_key(&json, "features");
    floe_json_array_begin(&json);
    for (size_t c = 0; c < ref_count; c++) {
        (void)snprintf(name, sizeof(name), "%.*s:%.*s", FLOE_STR_ARG(refs[c].view->about.name),
                       FLOE_STR_ARG(refs[c].output->about.name));
        floe_json_text(&json, name);
    }
    floe_json_array_end(&json);
    for (int what = 0; what < 3; what++) {
        if ((what == 1 && !q->statuses) || (what == 2 && !q->event_times)) {
            continue;
        }
        floe_json_key(&json, names[what]);
        floe_json_array_begin(&json);
        for (size_t c = 0; c < ref_count; c++) {
            floe_json_array_begin(&json);
            for (size_t e = 0; e < q->entity_count; e++) {
                print_cell(what, &lookup->cells[c * q->entity_count + e], &json);
            }
            floe_json_array_end(&json);
        }
        floe_json_array_end(&json);
    }
    floe_json_object_end(&json);
}

static void check_question(world *w, floe_test_http *http, const question *q) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(16));
    floe_ref *refs = NULL;
    size_t ref_count = 0;
    floe_lookup lookup = {.entity_count = q->entity_count, .arena = &arena};
    assert_ok(floe_refs_parse(w->definitions, &arena, q->features, q->feature_count, &refs, &ref_count, &w->err),
              &w->err);
    assert_ok(floe_lookup_plan_make(refs, ref_count, &arena, &lookup.plan, &w->err), &w->err);
    lookup.keys = oracle_keys(q, lookup.plan, &arena);
    assert_ok(floe_store_lookup(w->store, &lookup, &w->err), &w->err);
    print_question(q, &text);
    const char *asked = floe_arena_strndup(&arena, text.ptr, text.len);
    floe_buf_clear(&text);
    print_oracle(q, &lookup, refs, ref_count, &text);
    floe_test_response response;
    floe_test_http_ask(http, "POST", "/v1/lookup", asked, &response);
    if (response.status != 200 || !floe_str_equal(response.body, floe_buf_view(&text))) {
        print_error("asked    %s\nexpected %s\ngot      %.*s\n", asked, text.ptr, FLOE_STR_ARG(response.body));
        fail();
    }
}

static void check_store(floe_store_kind kind) {
    static world w;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    floe_test_http http;
    world_open(&w, kind);
    put_random_facts(&w, &rng);
    floe_test_http_open(&http, w.port);
    for (int i = 0; i < QUESTIONS; i++) {
        question q;
        make_question(&rng, &q);
        check_question(&w, &http, &q);
    }
    floe_test_http_close(&http);
    world_close(&w);
}

static void lookup_over_http__embedded__equals_the_blocking_store(void **state) {
    (void)state;
    check_store(FLOE_STORE_EMBEDDED);
}

static void lookup_over_http__redis__equals_the_blocking_store(void **state) {
    (void)state;
    check_store(FLOE_STORE_REDIS);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lookup_over_http__embedded__equals_the_blocking_store),
        cmocka_unit_test(lookup_over_http__redis__equals_the_blocking_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
