/* One event's JSON → one row of a view. */
#include "tests/online/flights.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

typedef struct fixture {
    floe_arena arena;
    floe_view *view;
    floe_online_row row;
    bool pass;
} fixture;

static int set_up(void **state) {
    fixture *f = test_calloc(1, sizeof(*f));
    floe_arena_init(&f->arena, FLOE_MIB(16));
    f->view = make_flights_view(&f->arena);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    floe_arena_close(&f->arena);
    test_free(f);
    return 0;
}

static floe_status read_event(fixture *f, const char *json) {
    return floe_event_row(f->view, floe_str_of(json), &f->arena, &f->row, &f->pass, &world_error);
}

static void event__whole__becomes_a_row(void **state) {
    fixture *f = *state;
    assert_ok(read_event(f, "{\"iata\":\"SFO\",\"id\":7,\"date\":\"2001-01-15T10:00:00Z\","
                            "\"known_at\":\"2001-01-15T12:00:00.5+01:00\",\"valid_to\":\"2001-02-01\",\"delay\":-3.5,"
                            "\"note\":\"x\"}"));
    assert_true(f->pass);
    assert_true(floe_str_is(f->row.keys[0].as.bytes, "SFO"));
    assert_int_equal(f->row.keys[1].type.kind, FLOE_KIND_INT64); /* the entity's type, not the column's */
    assert_int_equal(f->row.keys[1].as.integer, 7);
    /* date -u -d '2001-01-15 10:00' +%s = 979552800; 11:00:00.5 is 3600.5 s later; 2001-02-01 is 980985600. */
    assert_int_equal(f->row.event_us, INT64_C(979552800000000));
    assert_int_equal(f->row.created_us, INT64_C(979556400500000));
    assert_int_equal(f->row.end_us, INT64_C(980985600000000));
    assert_true(f->row.values[0].as.real == -3.5);
    assert_true(floe_str_is(f->row.values[1].as.bytes, "x")); /* aggregates are no values of an event */
}

static void event__null_times__are_smallest_and_never(void **state) {
    fixture *f = *state;
    assert_ok(read_event(f, flight_event(&f->arena, "SFO", "2001-01-15", "1")));
    assert_int_equal(f->row.event_us, INT64_C(979516800000000));
    assert_int_equal(f->row.created_us, INT64_MIN);
    assert_int_equal(f->row.end_us, INT64_MAX);
}

static void event__source_without_created_and_end_time__needs_none(void **state) {
    fixture *f = *state;
    floe_source source = *f->view->source;
    source.created_time = source.end_time = (floe_str){NULL, 0};
    f->view->source = &source;
    assert_ok(read_event(f, "{\"iata\":\"SFO\",\"id\":1,\"date\":\"2001-01-15\",\"delay\":1,\"note\":null}"));
    assert_int_equal(f->row.created_us, INT64_MIN);
    assert_int_equal(f->row.end_us, INT64_MAX);
    assert_true(f->row.values[1].is_null);
}

/* Rule 5: a source's times are rounded up, so that no rounding lets the future in. */
static void event__times_finer_than_a_microsecond__are_rounded_up(void **state) {
    fixture *f = *state;
    const struct {
        const char *text;
        int64_t event_us;
    } cases[] = {{"1970-01-01T00:00:00.000001Z", 1},          {"1970-01-01T00:00:00.0000010Z", 1},
                 {"1970-01-01T00:00:00.0000011Z", 2},         {"1970-01-01T00:00:00.000000001Z", 1},
                 {"1970-01-01T00:00:00.999999999Z", 1000000}, {"1969-12-31T23:59:59.9999999Z", 0},
                 {"1969-12-31T23:59:59.999999Z", -1},         {"1970-01-01T01:00:00.0000001+01:00", 1}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_ok(read_event(f, flight_event(&f->arena, "SFO", cases[i].text, "1")));
        assert_int_equal(f->row.event_us, cases[i].event_us);
    }
}

static void event__that_where_refuses__does_not_pass(void **state) {
    fixture *f = *state;
    assert_ok(read_event(f, flight_event(&f->arena, "SFO", "2001-01-15", "null")));
    assert_false(f->pass);
    assert_ok(read_event(f, flight_event(&f->arena, "SFO", "2001-01-15", "0")));
    assert_true(f->pass);
}

static void event__without_a_column_that_is_used__is_refused_by_its_name(void **state) {
    fixture *f = *state;
    const char *columns[] = {"iata", "id", "date", "known_at", "valid_to", "delay", "note"};
    for (size_t i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
        char *json = floe_arena_strdup(&f->arena, flight_event(&f->arena, "SFO", "2001-01-15", "1"));
        char *at = strstr(json, floe_arena_printf(&f->arena, "\"%s\":", columns[i]));
        at[1] = '_'; /* misspelt */
        assert_code(read_event(f, json), FLOE_INVALID);
        assert_message(floe_arena_printf(&f->arena, "\"%s\" is missing", columns[i]));
    }
}

static void event__with_a_null_key_or_event_time__is_refused(void **state) {
    fixture *f = *state;
    assert_code(read_event(f, "{\"iata\":null,\"id\":1,\"date\":\"2001-01-15\",\"known_at\":null,\"valid_to\":null,"
                              "\"delay\":1,\"note\":null}"),
                FLOE_INVALID);
    assert_message("the key \"iata\" is null");
    assert_code(read_event(f, "{\"iata\":\"A\",\"id\":1,\"date\":null,\"known_at\":null,\"valid_to\":null,\"delay\":1,"
                              "\"note\":null}"),
                FLOE_INVALID);
    assert_message("event time \"date\" is null");
}

static void event__with_a_value_of_another_type__is_refused(void **state) {
    fixture *f = *state;
    assert_code(read_event(f, flight_event(&f->arena, "SFO", "2001-01-15", "\"late\"")), FLOE_INVALID);
    assert_message("\"delay\"");
    assert_code(read_event(f, flight_event(&f->arena, "SFO", "yesterday", "1")), FLOE_INVALID);
    assert_message("\"date\"");
    assert_code(read_event(f, flight_event(&f->arena, "SFO", "2001-02-30", "1")), FLOE_INVALID);
}

/* A decimal key is text, or a whole number; a number with a point is not, as its writer may have lost digits. */
static void event__with_a_decimal_key__reads_text_and_whole_numbers(void **state) {
    fixture *f = *state;
    static const floe_type money = {.kind = FLOE_KIND_DECIMAL, .precision = 20, .scale = 4};
    static const floe_column key = {{"price", 5}, {.kind = FLOE_KIND_DECIMAL, .precision = 20, .scale = 4}};
    static const floe_str column = {"iata", 4};
    floe_entity priced = {.about = {.name = {"offer", 5}}, .keys = &key, .key_count = 1};
    static const struct {
        const char *json;
        int64_t unscaled; /* in ten-thousandths */
    } good[] = {{"\"1.5\"", 15000}, {"\"-0.0001\"", -1},     {"7", 70000},
                {"-7", -70000},     {"\"+01.5000\"", 15000}, {"0", 0}};
    static const char *const bad[] = {"1.5", "\"1.50001\"",          "\"1e2\"", "1e2", "\"\"", "\"x\"", "true",
                                      "[1]", "\"99999999999999999\""};
    f->view->entity = &priced;
    f->view->key_columns = &column;
    const char *form =
        "{\"iata\":%s,\"date\":\"2001-01-15\",\"known_at\":null,\"valid_to\":null,\"delay\":1,\"note\":null}";
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_ok(read_event(f, floe_arena_printf(&f->arena, form, good[i].json)));
        assert_true(floe_type_equal(f->row.keys[0].type, money));
        assert_true(f->row.keys[0].as.decimal == good[i].unscaled);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_code(read_event(f, floe_arena_printf(&f->arena, form, bad[i])), FLOE_INVALID);
        assert_message("\"iata\"");
    }
}

/* A source's times in nanoseconds are text in its events, rounded up as in its table. */
static void event__of_a_source_in_nanoseconds__is_read_as_times(void **state) {
    fixture *f = *state;
    floe_source source = *f->view->source;
    floe_column columns[8];
    memcpy(columns, source.columns, sizeof(columns));
    columns[2].type = columns[3].type = columns[4].type = floe_type_nanoseconds(false);
    source.columns = columns;
    f->view->source = &source;
    assert_ok(read_event(f,
                         "{\"iata\":\"SFO\",\"id\":7,\"date\":\"1969-12-31T23:59:59.999999001Z\","
                         "\"known_at\":\"1970-01-01T00:00:00.000000001Z\",\"valid_to\":\"1970-01-01T00:00:00.000001Z\","
                         "\"delay\":1,\"note\":null}"));
    assert_int_equal(f->row.event_us, 0);
    assert_int_equal(f->row.created_us, 1);
    assert_int_equal(f->row.end_us, 1);
}

static void event__that_is_no_json_object__is_refused(void **state) {
    fixture *f = *state;
    const char *bad[] = {"", "{", "[]", "1", "null", "{\"iata\":1}x", "{\"iata\":\"a\",\"iata\":\"b\"}"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_code(read_event(f, bad[i]), FLOE_INVALID);
    }
}

static void event__failing_allocations__are_reported(void **state) {
    fixture *f = *state;
    const char *json = flight_event(&f->arena, "SFO", "2001-01-15", "1");
    bool failed = true;
    for (uint64_t nth = 1; failed; nth++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(1));
        floe_error_clear(&world_error);
        floe_mem_fail_at(nth);
        floe_status status = floe_event_row(f->view, floe_str_of(json), &arena, &f->row, &f->pass, &world_error);
        floe_mem_fail_off();
        failed = floe_failed(status);
        assert_true(!failed || status.code == FLOE_NOMEM);
        assert_true(nth < 1000);
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(event__whole__becomes_a_row),
        TEST(event__null_times__are_smallest_and_never),
        TEST(event__source_without_created_and_end_time__needs_none),
        TEST(event__times_finer_than_a_microsecond__are_rounded_up),
        TEST(event__that_where_refuses__does_not_pass),
        TEST(event__without_a_column_that_is_used__is_refused_by_its_name),
        TEST(event__with_a_null_key_or_event_time__is_refused),
        TEST(event__with_a_value_of_another_type__is_refused),
        TEST(event__with_a_decimal_key__reads_text_and_whole_numbers),
        TEST(event__of_a_source_in_nanoseconds__is_read_as_times),
        TEST(event__that_is_no_json_object__is_refused),
        TEST(event__failing_allocations__are_reported),
    };
#undef TEST
    return cmocka_run_group_tests(tests, NULL, NULL);
}
