#include "tests/online/contract.h"

#include "core/limits.h"
#include "online/online_int.h"
#include "proto/row.h"

/* ---- keys ---- */

static void keys__composite__are_unambiguous(void **state) {
    world *w = *state;
    const char *names[] = {"origin", "destination"};
    floe_type types[] = {type_of(FLOE_KIND_STRING), type_of(FLOE_KIND_STRING)};
    floe_entity *route = make_entity(w, "route", names, types, 2);
    floe_output output = as_of_output("value", type_of(FLOE_KIND_INT64));
    floe_view *view = make_view(w, "routes", route, &output, 1);
    floe_value first[] = {text("a"), text("bc")};
    floe_value second[] = {text("ab"), text("c")};
    floe_value third[] = {text("bc"), text("a")};
    floe_value values[] = {floe_value_int64(1), floe_value_int64(2)};
    put(w, view, first, 10, NO_CREATED, NEVER, &values[0]);
    put(w, view, second, 10, NO_CREATED, NEVER, &values[1]);
    assert_int_equal(ask(w, view, first, 0)->value.as.integer, 1);
    assert_int_equal(ask(w, view, second, 0)->value.as.integer, 2);
    assert_int_equal(ask(w, view, third, 0)->status, FLOE_CELL_NOT_FOUND);
}

static void keys__binary__may_hold_any_byte(void **state) {
    world *w = *state;
    const char *name = "raw";
    floe_type type = type_of(FLOE_KIND_BYTES);
    floe_output output = as_of_output("value", type_of(FLOE_KIND_INT64));
    floe_view *view = make_view(w, "raws", make_entity(w, "raw*[?]\\", &name, &type, 1), &output, 1);
    static const char raws[][4] = {{0, 0, 0, 0}, {'\r', '\n', 0, '*'}, {'*', '?', '[', ']'}, {(char)0xFF, 0, 0, 0}};
    for (size_t i = 0; i < 4; i++) {
        floe_value key = bytes_of(raws[i], 4);
        floe_value value = floe_value_int64((int64_t)i);
        put(w, view, &key, 1, NO_CREATED, NEVER, &value);
    }
    floe_value empty = bytes_of("", 0);
    assert_int_equal(ask(w, view, &empty, 0)->status, FLOE_CELL_NOT_FOUND);
    for (size_t i = 0; i < 4; i++) {
        floe_value key = bytes_of(raws[i], 4);
        assert_int_equal(ask(w, view, &key, 0)->value.as.integer, (int64_t)i);
    }
    assert_int_equal(count_rows(w, view), 4);
}

/* The embedded store keeps keys longer than its own limit by their hash. */
static void keys__long__are_told_apart_to_the_limit(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    static char long_key[FLOE_LIMIT_KEY_BYTES + 1];
    const size_t lens[] = {460, 470, 475, 476, 477, 478, 479, 480, 481, 511, 512, 4000};
    memset(long_key, 'k', sizeof(long_key) - 1);
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        floe_value key = floe_value_string((floe_str){long_key, lens[i]});
        floe_value value = floe_value_int64((int64_t)i);
        put(w, view, &key, 1, NO_CREATED, NEVER, &value);
    }
    for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        floe_value key = floe_value_string((floe_str){long_key, lens[i]});
        assert_int_equal(ask(w, view, &key, 0)->value.as.integer, (int64_t)i);
    }
    floe_value key = floe_value_string((floe_str){long_key, FLOE_LIMIT_KEY_BYTES});
    floe_value value = floe_value_int64(0);
    floe_online_row row = {&key, 1, NO_CREATED, NEVER, &value};
    floe_write_outcome outcome;
    assert_code(floe_store_write(w->store, view, &row, 1, &outcome, &world_error), FLOE_LIMIT);
    assert_message("row 1");
    assert_message("view simple");
    assert_message("begins with \"kkkk");
    assert_message("at most 4096");
    const floe_value *columns[] = {&key};
    floe_ref ref = {view, view->outputs};
    floe_lookup lookup = {.entity_count = 1, .keys = columns, .arena = &w->arena};
    assert_ok(floe_lookup_plan_make(&ref, 1, &w->arena, &lookup.plan, &world_error));
    assert_code(ask_both(w, &lookup), FLOE_LIMIT);
    assert_message("entity [0]: the key");
}

static void keys__of_another_type__are_refused(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_value key = floe_value_int64(1);
    floe_value value = floe_value_int64(1);
    floe_online_row row = {&key, 1, NO_CREATED, NEVER, &value};
    floe_write_outcome outcome;
    assert_code(floe_store_write(w->store, view, &row, 1, &outcome, &world_error), FLOE_INVALID);
    assert_message("thing is of type string");
    key = null_of(FLOE_KIND_STRING);
    assert_code(floe_store_write(w->store, view, &row, 1, &outcome, &world_error), FLOE_INVALID);
    assert_message("null");
}

static void keys__int32_value_for_an_int64_key__is_widened(void **state) {
    world *w = *state;
    const char *name = "id";
    floe_type type = type_of(FLOE_KIND_INT64);
    floe_output output = as_of_output("value", type_of(FLOE_KIND_INT64));
    floe_view *view = make_view(w, "numbered", make_entity(w, "number", &name, &type, 1), &output, 1);
    floe_value narrow = {.type = type_of(FLOE_KIND_INT32), .as.integer = 7};
    floe_value wide = floe_value_int64(7);
    floe_value value = floe_value_int64(70);
    put(w, view, &narrow, 1, NO_CREATED, NEVER, &value);
    assert_int_equal(ask(w, view, &wide, 0)->value.as.integer, 70);
}

/* Numbers that are equal are one key, of whatever digits the writer's type has; a type with more is another. */
static void keys__decimals__are_found_by_their_number(void **state) {
    world *w = *state;
    const char *name = "price";
    floe_type declared = {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 10};
    floe_type money = {.kind = FLOE_KIND_DECIMAL, .precision = 9, .scale = 2};
    floe_output output = as_of_output("value", type_of(FLOE_KIND_INT64));
    floe_view *view = make_view(w, "priced", make_entity(w, "offer", &name, &declared, 1), &output, 1);
    static const int64_t hundredths[] = {150, -150, 0, 1, -1, 999999999, -999999999};
    for (size_t i = 0; i < sizeof hundredths / sizeof *hundredths; i++) {
        floe_value narrow = {.type = money, .as.decimal = hundredths[i]};
        floe_value value = floe_value_int64((int64_t)i);
        put(w, view, &narrow, 1, NO_CREATED, NEVER, &value);
    }
    for (size_t i = 0; i < sizeof hundredths / sizeof *hundredths; i++) {
        floe_value wide = {.type = declared, .as.decimal = (__int128)hundredths[i] * 100000000};
        assert_int_equal(ask(w, view, &wide, 0)->value.as.integer, (int64_t)i);
        wide.as.decimal++;
        assert_int_equal(ask(w, view, &wide, 0)->status, FLOE_CELL_NOT_FOUND);
    }
    floe_value finer = {.type = {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 11}, .as.decimal = 5};
    floe_value value = floe_value_int64(1);
    floe_online_row row = {&finer, 1, NO_CREATED, NEVER, &value};
    floe_write_outcome outcome;
    assert_code(floe_store_write(w->store, view, &row, 1, &outcome, &world_error), FLOE_INVALID);
    assert_message("price is of type decimal(38,10)");
}

/* ---- values ---- */

static void values__of_every_type__come_back(void **state) {
    world *w = *state;
    floe_type decimal = {.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = 2};
    floe_type list = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING};
    floe_output outputs[] = {as_of_output("b", type_of(FLOE_KIND_BOOL)),
                             as_of_output("i", type_of(FLOE_KIND_INT32)),
                             as_of_output("l", type_of(FLOE_KIND_INT64)),
                             as_of_output("f", type_of(FLOE_KIND_FLOAT)),
                             as_of_output("d", type_of(FLOE_KIND_DOUBLE)),
                             as_of_output("s", type_of(FLOE_KIND_STRING)),
                             as_of_output("y", type_of(FLOE_KIND_BYTES)),
                             as_of_output("t", type_of(FLOE_KIND_DATE)),
                             as_of_output("m", type_of(FLOE_KIND_TIMESTAMP)),
                             as_of_output("c", decimal),
                             as_of_output("x", list)};
    floe_value items[] = {text("p"), null_of(FLOE_KIND_STRING), text("")};
    floe_value values[] = {
        {.type = outputs[0].type, .as.boolean = true},
        {.type = outputs[1].type, .as.integer = INT32_MIN},
        {.type = outputs[2].type, .as.integer = INT64_MIN},
        {.type = outputs[3].type, .as.real = 0.5},
        {.type = outputs[4].type, .as.real = 1e300},
        text("na\xc3\xafve"),
        bytes_of("\0\xff", 2),
        {.type = outputs[7].type, .as.integer = -719162}, /* 0001-01-01 */
        {.type = outputs[8].type, .as.integer = INT64_C(253402300799999999)},
        {.type = decimal, .as.decimal = -(__int128)INT64_MAX * 1000000000},
        {.type = list, .as.list = {items, 3}},
    };
    floe_view *view = make_view(w, "typed", make_simple_entity(w, "thing"), outputs, 11);
    floe_value key = text("a");
    put(w, view, &key, 1, NO_CREATED, NEVER, values);
    floe_cell *cells = ask(w, view, &key, 0);
    for (size_t i = 0; i < 11; i++) {
        assert_int_equal(cells[i].status, FLOE_CELL_PRESENT);
        assert_true(floe_type_equal(cells[i].value.type, outputs[i].type));
        assert_int_equal(floe_value_compare(&cells[i].value, &values[i]), 0);
    }
}

static void values__large_rows__come_back_and_larger_ones_are_refused(void **state) {
    world *w = *state;
    floe_output output = as_of_output("blob", type_of(FLOE_KIND_BYTES));
    floe_view *view = make_view(w, "blobs", make_simple_entity(w, "thing"), &output, 1);
    size_t len = FLOE_MIB(3);
    uint8_t *blob = test_malloc(FLOE_MIB(5));
    uint32_t seed = 1;
    for (size_t i = 0; i < FLOE_MIB(5); i++) {
        seed = seed * 1664525 + 1013904223; /* does not compress */
        blob[i] = (uint8_t)(seed >> 24);
    }
    floe_value key = text("a");
    floe_value value = bytes_of(blob, len);
    put(w, view, &key, 1, NO_CREATED, NEVER, &value);
    floe_cell *cell = ask(w, view, &key, 0);
    assert_int_equal(cell->value.as.bytes.len, len);
    assert_memory_equal(cell->value.as.bytes.ptr, blob, len);
    value = bytes_of(blob, FLOE_MIB(5));
    floe_online_row row = {&key, 2, NO_CREATED, NEVER, &value};
    floe_write_outcome outcome;
    assert_code(floe_store_write(w->store, view, &row, 1, &outcome, &world_error), FLOE_LIMIT);
    assert_message("view blobs: row 1");
    test_free(blob);
}

static void values__compressed_rows__come_back(void **state) {
    world *w = *state;
    floe_output output = as_of_output("text", type_of(FLOE_KIND_STRING));
    floe_view *view = make_view(w, "texts", make_simple_entity(w, "thing"), &output, 1);
    static char long_text[100001];
    memset(long_text, 'z', 100000);
    floe_value key = text("a");
    floe_value value = text(long_text);
    put(w, view, &key, 1, NO_CREATED, NEVER, &value);
    assert_string_equal(ask(w, view, &key, 0)->value.as.bytes.ptr, long_text);
}

static void values__of_another_type__are_refused(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_value key = text("a");
    floe_value value = text("5");
    floe_online_row row = {&key, 1, NO_CREATED, NEVER, &value};
    floe_write_outcome outcome;
    assert_code(floe_store_write(w->store, view, &row, 1, &outcome, &world_error), FLOE_INVALID);
    assert_message("int64");
    assert_int_equal(ask_simple(w, view, "a").status, FLOE_CELL_NOT_FOUND);
}

/* ---- plans ---- */

static void plan__two_entities__are_asked_in_one_lookup(void **state) {
    world *w = *state;
    const char *names[] = {"origin", "destination"};
    floe_type types[] = {type_of(FLOE_KIND_STRING), type_of(FLOE_KIND_STRING)};
    floe_output output = as_of_output("value", type_of(FLOE_KIND_INT64));
    floe_view *airports = make_view(w, "airports", make_entity(w, "airport", names, types, 1), &output, 1);
    floe_view *routes = make_view(w, "routes", make_entity(w, "route", names, types, 2), &output, 1);
    floe_value origins[] = {text("SFO"), text("JFK")};
    floe_value destinations[] = {text("JFK"), text("SFO")};
    floe_value value = floe_value_int64(1);
    put(w, airports, &origins[0], 1, NO_CREATED, NEVER, &value);
    value = floe_value_int64(2);
    put(w, routes, (floe_value[]){origins[0], destinations[0]}, 1, NO_CREATED, NEVER, &value);
    value = floe_value_int64(3);
    put(w, airports, &origins[1], 1, NO_CREATED, NEVER, &value);
    floe_ref refs[] = {{routes, routes->outputs}, {airports, airports->outputs}, {routes, routes->outputs}};
    const floe_value *columns[] = {origins, destinations};
    floe_lookup lookup = {.entity_count = 2, .keys = columns, .arena = &w->arena};
    assert_ok(floe_lookup_plan_make(refs, 3, &w->arena, &lookup.plan, &world_error));
    size_t key_count = 0;
    const floe_column *keys = floe_lookup_plan_keys(lookup.plan, &key_count);
    assert_int_equal(key_count, 2);
    assert_true(floe_str_is(keys[0].name, "origin"));
    assert_true(floe_str_is(keys[1].name, "destination"));
    assert_ok(ask_both(w, &lookup));
    /* Columns in the order asked, each with its two entities. */
    assert_int_equal(lookup.cells[0].value.as.integer, 2);
    assert_int_equal(lookup.cells[1].status, FLOE_CELL_NOT_FOUND);
    assert_int_equal(lookup.cells[2].value.as.integer, 1);
    assert_int_equal(lookup.cells[3].value.as.integer, 3);
    assert_int_equal(lookup.cells[4].value.as.integer, 2);
}

static void plan__one_key_of_two_types__is_refused(void **state) {
    world *w = *state;
    const char *name = "id";
    floe_type text_type = type_of(FLOE_KIND_STRING);
    floe_type number_type = type_of(FLOE_KIND_INT64);
    floe_output output = as_of_output("value", type_of(FLOE_KIND_INT64));
    floe_view *texts = make_view(w, "texts", make_entity(w, "by_text", &name, &text_type, 1), &output, 1);
    floe_view *numbers = make_view(w, "numbers", make_entity(w, "by_number", &name, &number_type, 1), &output, 1);
    floe_ref refs[] = {{texts, texts->outputs}, {numbers, numbers->outputs}};
    const floe_lookup_plan *plan = NULL;
    assert_code(floe_lookup_plan_make(refs, 2, &w->arena, &plan, &world_error), FLOE_INVALID);
    assert_message("id");
}

static void plan__no_features_or_no_entities__answers_nothing(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_ref ref = {view, view->outputs};
    const floe_value *columns[] = {NULL};
    floe_lookup lookup = {.keys = columns, .arena = &w->arena};
    assert_ok(floe_lookup_plan_make(&ref, 1, &w->arena, &lookup.plan, &world_error));
    assert_ok(ask_both(w, &lookup));
    assert_ok(floe_lookup_plan_make(NULL, 0, &w->arena, &lookup.plan, &world_error));
    assert_ok(ask_both(w, &lookup));
}

static void plan__many_entities__come_back_in_order(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    enum { count = 3000 };
    static floe_value keys[count];
    for (size_t i = 0; i < count; i++) {
        keys[i] = text(floe_arena_printf(&w->arena, "k%zu", i));
        if (i % 3 != 0) {
            put_simple(w, view, keys[i].as.bytes.ptr, 1, (int64_t)i);
        }
    }
    floe_ref ref = {view, view->outputs};
    const floe_value *columns[] = {keys};
    floe_lookup lookup = {.entity_count = count, .keys = columns, .arena = &w->arena};
    assert_ok(floe_lookup_plan_make(&ref, 1, &w->arena, &lookup.plan, &world_error));
    assert_ok(ask_both(w, &lookup));
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(lookup.cells[i].status, i % 3 != 0 ? FLOE_CELL_PRESENT : FLOE_CELL_NOT_FOUND);
        assert_int_equal(lookup.cells[i].value.as.integer, i % 3 != 0 ? (int64_t)i : 0);
    }
}

/* ---- definitions that change ---- */

static void write__of_another_definition__is_a_conflict_until_a_sync(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    floe_view changed = *view;
    changed.fingerprint++;
    floe_value key = text("a");
    floe_value value = floe_value_int64(2);
    floe_online_row row = {&key, 2, NO_CREATED, NEVER, &value};
    floe_write_outcome outcome;
    assert_code(floe_store_write(w->store, &changed, &row, 1, &outcome, &world_error), FLOE_CONFLICT);
    assert_message("run floe sync simple");
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 1);
}

static void lookup__with_another_definition__finds_columns_by_name_type_and_meaning(void **state) {
    world *w = *state;
    floe_entity *entity = make_simple_entity(w, "thing");
    floe_output old[] = {as_of_output("a", type_of(FLOE_KIND_INT64)), as_of_output("b", type_of(FLOE_KIND_INT64)),
                         as_of_output("c", type_of(FLOE_KIND_INT64)), as_of_output("e", type_of(FLOE_KIND_INT64))};
    floe_output new[] = {as_of_output("b", type_of(FLOE_KIND_INT64)), as_of_output("c", type_of(FLOE_KIND_STRING)),
                         as_of_output("d", type_of(FLOE_KIND_INT64)), as_of_output("e", type_of(FLOE_KIND_INT64))};
    new[3].meaning++; /* of another column now */
    floe_view *before = make_view(w, "changing", entity, old, 4);
    floe_view *after = make_view(w, "changing", entity, new, 4);
    after->fingerprint = before->fingerprint + 1;
    floe_value key = text("k");
    floe_value values[] = {floe_value_int64(1), floe_value_int64(2), floe_value_int64(3), floe_value_int64(4)};
    put(w, before, &key, 1, NO_CREATED, NEVER, values);
    floe_cell *cells = ask(w, after, &key, 0);
    assert_int_equal(cells[0].status, FLOE_CELL_PRESENT);
    assert_int_equal(cells[0].value.as.integer, 2);
    assert_int_equal(cells[1].status, FLOE_CELL_NOT_FOUND); /* of another type now */
    assert_int_equal(cells[2].status, FLOE_CELL_NOT_FOUND); /* not there yet */
    assert_int_equal(cells[3].status, FLOE_CELL_NOT_FOUND);
    assert_true(cells[3].value.is_null);
    assert_false(cells[3].has_event_us);
    floe_store_view_state seen;
    assert_ok(floe_store_view_state_get(w->store, after, &seen, &world_error));
    assert_int_equal(seen.unserved, 3);
    assert_ok(floe_store_view_state_get(w->store, before, &seen, &world_error));
    assert_int_equal(seen.unserved, 0);
}

/* Of each output name, type and meaning are the same: what they are computed over is not. */
static void lookup__with_rows_of_another_meaning__finds_nothing(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    floe_view changed = *view;
    changed.fingerprint++;
    assert_int_equal(ask_simple(w, &changed, "a").value.as.integer, 1);
    changed.meaning++;
    assert_int_equal(ask_simple(w, &changed, "a").status, FLOE_CELL_NOT_FOUND);
    floe_store_view_state seen;
    assert_ok(floe_store_view_state_get(w->store, &changed, &seen, &world_error));
    assert_int_equal(seen.unserved, 1);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 1);
}

/* What a version without meanings stored: it is the answer to its own definition only. */
static void lookup__where_meanings_are_not_known__needs_the_same_definition(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_output *output = (floe_output *)(uintptr_t)view->outputs;
    uint64_t view_meaning = view->meaning;
    uint64_t output_meaning = output->meaning;
    view->meaning = output->meaning = 0;
    put_simple(w, view, "a", 1, 1);
    floe_view changed = *view;
    changed.fingerprint++;
    assert_int_equal(ask_simple(w, &changed, "a").status, FLOE_CELL_NOT_FOUND);
    view->meaning = changed.meaning = view_meaning;
    output->meaning = output_meaning;
    assert_int_equal(ask_simple(w, &changed, "a").status, FLOE_CELL_NOT_FOUND);
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 1);
}

static void lookup__with_other_keys__finds_nothing(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 1, 1);
    const char *name = "other";
    floe_type type = type_of(FLOE_KIND_STRING);
    floe_view rekeyed = *view;
    rekeyed.entity = make_entity(w, "thing", &name, &type, 1);
    rekeyed.fingerprint++;
    rekeyed.meaning++;
    assert_int_equal(ask_simple(w, &rekeyed, "a").status, FLOE_CELL_NOT_FOUND);
}

/* ---- identity and state ---- */

static void identity__is_made_once_and_per_project(void **state) {
    world *w = *state;
    floe_str first, again, other;
    floe_store *foreign = NULL;
    assert_ok(floe_store_identity(w->store, &w->arena, &first, &world_error));
    assert_ok(floe_store_identity(w->other, &w->arena, &again, &world_error));
    assert_ok(floe_store_open(&w->def, FLOE_STR("other"), &foreign, &world_error));
    assert_ok(floe_store_identity(foreign, &w->arena, &other, &world_error));
    floe_store_close(&foreign);
    assert_int_equal(first.len, 32);
    assert_true(floe_str_equal(first, again));
    assert_false(floe_str_equal(first, other));
}

static void projects__that_share_a_store__do_not_meet(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 5, 1);
    floe_store *mine = w->store;
    assert_ok(floe_store_open(&w->def, FLOE_STR("other"), &w->store, &world_error));
    assert_int_equal(put_simple(w, view, "a", 4, 2), FLOE_WRITE_DONE);
    floe_store_close(&w->store);
    w->store = mine;
    assert_int_equal(ask_simple(w, view, "a").value.as.integer, 1);
}

static void view_state__tells_what_is_live(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    floe_store_view_state seen;
    assert_ok(floe_store_view_state_get(w->store, view, &seen, &world_error));
    assert_false(seen.live);
    put_simple(w, view, "a", 1, 1);
    assert_ok(floe_store_view_state_get(w->store, view, &seen, &world_error));
    assert_true(seen.live);
    assert_false(seen.filling);
    assert_true(seen.generation != 0);
    assert_int_equal(seen.fingerprint, view->fingerprint);
    assert_int_equal(seen.as_of_us, 0);
}

static void state_swap__with_an_old_expectation__changes_nothing(void **state) {
    world *w = *state;
    floe_backend *backend = &w->store->backend;
    floe_str view = FLOE_STR("v");
    bool swapped = true;
    FLOE_AUTO_BUF seen;
    floe_buf_init(&seen, 100);
    assert_ok(backend->vtable->state_swap(backend->impl, view, FLOE_STR("x"), FLOE_STR("1"), &swapped, &world_error));
    assert_false(swapped);
    assert_ok(backend->vtable->state_swap(backend->impl, view, FLOE_STR(""), FLOE_STR("1\0x"), &swapped, &world_error));
    assert_true(swapped);
    assert_ok(backend->vtable->state_swap(backend->impl, view, FLOE_STR("1"), FLOE_STR("2"), &swapped, &world_error));
    assert_false(swapped);
    assert_ok(backend->vtable->state_get(backend->impl, view, &seen, &world_error));
    assert_true(floe_str_equal(floe_buf_view(&seen), FLOE_STR("1\0x")));
}

/* ---- parts ---- */

static void drop__removes_one_part_and_nothing_else(void **state) {
    world *w = *state;
    floe_entity *entity = make_simple_entity(w, "thing");
    floe_output output = as_of_output("value", type_of(FLOE_KIND_INT64));
    floe_view *gone = make_view(w, "gone", entity, &output, 1);
    floe_view *kept = make_view(w, "kept", entity, &output, 1);
    enum { count = 6000 }; /* more than one page and one transaction */
    for (size_t i = 0; i < count; i++) {
        put_simple(w, gone, floe_arena_printf(&w->arena, "k%zu", i), 1, 1);
        if (i % 100 == 0) {
            put_simple(w, kept, floe_arena_printf(&w->arena, "k%zu", i), 1, 1);
        }
    }
    floe_store_view_state seen;
    assert_ok(floe_store_view_state_get(w->store, gone, &seen, &world_error));
    assert_int_equal(count_rows(w, gone), count);
    floe_backend *backend = &w->store->backend;
    assert_ok(backend->vtable->drop(backend->impl, entity->about.name, (floe_part){FLOE_PART_AS_OF, seen.generation},
                                    &world_error));
    assert_int_equal(count_rows(w, gone), 0);
    assert_int_equal(count_rows(w, kept), count / 100);
}

static void write__keep_on_tie__leaves_an_equal_row(void **state) {
    world *w = *state;
    floe_view *view = make_simple_view(w);
    put_simple(w, view, "a", 10, 1);
    floe_store_view_state seen;
    assert_ok(floe_store_view_state_get(w->store, view, &seen, &world_error));
    floe_part part = {FLOE_PART_AS_OF, seen.generation};
    floe_type type = type_of(FLOE_KIND_INT64);
    const floe_row_layout *layout = NULL;
    assert_ok(floe_row_layout_make(&type, 1, &w->arena, &layout, &world_error));
    const struct {
        int64_t event_us;
        bool keep;
        floe_write_outcome outcome;
        int64_t then;
    } cases[] = {{10, true, FLOE_WRITE_OLDER, 1}, {10, false, FLOE_WRITE_DONE, 2}, {11, true, FLOE_WRITE_DONE, 3}};
    for (size_t i = 0; i < 3; i++) {
        floe_value key = text("a");
        floe_value value = floe_value_int64((int64_t)i + 1);
        floe_batch_row row = {.entity = FLOE_STR("thing"),
                              .keys = &key,
                              .key_count = 1,
                              .layout = layout,
                              .header = {cases[i].event_us, NO_CREATED, NEVER, false},
                              .values = &value,
                              .parts = &part,
                              .part_count = 1};
        size_t written = 0;
        assert_ok(floe_batch_add(w->store, &row, &world_error));
        assert_ok(floe_batch_flush(w->store, cases[i].keep, &written, &world_error));
        assert_int_equal(w->store->batch.outcomes[0], cases[i].outcome);
        assert_int_equal(ask_simple(w, view, "a").value.as.integer, cases[i].then);
    }
}

const struct CMUnitTest *contract_data_tests(size_t *ret_count) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, contract_open, contract_close)
    static const struct CMUnitTest tests[] = {
        TEST(keys__composite__are_unambiguous),
        TEST(keys__binary__may_hold_any_byte),
        TEST(keys__long__are_told_apart_to_the_limit),
        TEST(keys__of_another_type__are_refused),
        TEST(keys__int32_value_for_an_int64_key__is_widened),
        TEST(keys__decimals__are_found_by_their_number),
        TEST(values__of_every_type__come_back),
        TEST(values__large_rows__come_back_and_larger_ones_are_refused),
        TEST(values__compressed_rows__come_back),
        TEST(values__of_another_type__are_refused),
        TEST(plan__two_entities__are_asked_in_one_lookup),
        TEST(plan__one_key_of_two_types__is_refused),
        TEST(plan__no_features_or_no_entities__answers_nothing),
        TEST(plan__many_entities__come_back_in_order),
        TEST(write__of_another_definition__is_a_conflict_until_a_sync),
        TEST(lookup__with_another_definition__finds_columns_by_name_type_and_meaning),
        TEST(lookup__with_rows_of_another_meaning__finds_nothing),
        TEST(lookup__where_meanings_are_not_known__needs_the_same_definition),
        TEST(lookup__with_other_keys__finds_nothing),
        TEST(identity__is_made_once_and_per_project),
        TEST(projects__that_share_a_store__do_not_meet),
        TEST(view_state__tells_what_is_live),
        TEST(state_swap__with_an_old_expectation__changes_nothing),
        TEST(drop__removes_one_part_and_nothing_else),
        TEST(write__keep_on_tie__leaves_an_equal_row),
    };
#undef TEST
    *ret_count = sizeof(tests) / sizeof(tests[0]);
    return tests;
}
