/*
 * Definitions against the columns of their tables: result types, every refusal, and what a fingerprint covers.
 */
#include "core/limits.h"
#include "tests/registry/helpers.h"

#include <stdio.h>

#define HEAD                                                                                                           \
    "entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n"                                                 \
    "  - {name: p, keys: [{name: id, type: int64}]}\n"                                                                 \
    "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date}\n"                                        \
    "  - {name: h, table: lake.hr.people, event_time: born}\n"                                                         \
    "feature_views:\n"

#define ODD                                                                                                            \
    "entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n"                                                 \
    "sources:\n  - {name: o, table: lake.odd.names, event_time: date}\n"                                               \
    "feature_views:\n  - name: v\n    entity: e\n    source: o\n"

#define TICKS                                                                                                          \
    "entities:\n  - {name: e, keys: [{name: k, type: string}]}\n"                                                      \
    "sources:\n  - {name: t, table: lake.fine.ticks, event_time: ts, created_time: ts, end_time: ts}\n"                \
    "feature_views:\n  - name: v\n    entity: e\n    source: t\n"

static void check_type(const floe_view *view, const char *name, const char *type) {
    char text[FLOE_TYPE_NAME_MAX];
    const floe_output *output = floe_view_output(view, floe_str_of(name));
    assert_non_null(output);
    if (strcmp(floe_type_name(output->type, text), type) != 0) {
        fail_msg("%s is %s, not %s", name, text, type);
    }
}

/* FACE, Values: counts int64; sum of integers int64, of decimals decimal(38,s), of floats double; mean, stddev double;
 * min, max the column's type. */
static void resolve__result_types__are_those_of_the_language(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project, HEAD
                          "  - name: v\n    entity: e\n    source: t\n    aggregates:\n"
                          "      - {column: delay, functions: [count, sum, mean, min, max, stddev, count_distinct]}\n"
                          "      - {column: price, functions: [count, sum, mean, min, max, stddev, count_distinct]}\n"
                          "      - {column: distance, functions: [sum, mean, min, max, stddev]}\n"
                          "      - {column: destination, functions: [count, min, max, count_distinct]}\n"
                          "      - {column: cancelled, functions: [min, count_distinct]}\n"
                          "      - {column: date, functions: [max]}\n"
                          "      - {column: crew, functions: [count]}\n"
                          "      - {column: '*', functions: [count]}\n"
                          "      - {column: delay, functions: [variance, variance_pop, stddev_pop, first, last]}\n"
                          "      - {column: delay, functions: [approx_count_distinct, {percentile: 0.5}, {top_k: 2}]}\n"
                          "      - {column: price, functions: [{first_k: 2}, {percentile: 0.5}, variance, last]}\n"
                          "      - {column: destination, functions: [{last_k: 2}, first, approx_count_distinct]}\n"
                          "      - {column: date, functions: [{top_k: 1}]}\n"
                          "      - {column: crew, functions: [last]}\n"
                          "  - name: w\n    entity: p\n    source: h\n    aggregates:\n"
                          "      - {column: height, functions: [sum, mean, min]}\n"
                          "      - {column: big, functions: [sum, max]}\n"
                          "      - {column: photo, functions: [max, count_distinct]}\n");
    const floe_view *v = &project.definitions->views[0];
    const floe_view *w = &project.definitions->views[1];
    static const struct {
        const char *name;
        const char *type;
    } of_v[] = {
        {"delay_count", "int64"},
        {"delay_sum", "int64"},
        {"delay_mean", "double"},
        {"delay_min", "int32"},
        {"delay_max", "int32"},
        {"delay_stddev", "double"},
        {"delay_count_distinct", "int64"},
        {"price_count", "int64"},
        {"price_sum", "decimal(38,2)"},
        {"price_mean", "double"},
        {"price_min", "decimal(10,2)"},
        {"price_max", "decimal(10,2)"},
        {"price_stddev", "double"},
        {"price_count_distinct", "int64"},
        {"distance_sum", "double"},
        {"distance_mean", "double"},
        {"distance_min", "double"},
        {"distance_stddev", "double"},
        {"destination_count", "int64"},
        {"destination_min", "string"},
        {"destination_count_distinct", "int64"},
        {"cancelled_min", "bool"},
        {"date_max", "timestamp"},
        {"crew_count", "int64"},
        {"count", "int64"},
        {"delay_variance", "double"},
        {"delay_variance_pop", "double"},
        {"delay_stddev_pop", "double"},
        {"delay_first", "int32"},
        {"delay_last", "int32"},
        {"delay_approx_count_distinct", "int64"},
        {"delay_p50", "double"},
        {"delay_top_2", "list<int32>"},
        {"price_first_2", "list<decimal(10,2)>"},
        {"price_p50", "double"},
        {"price_variance", "double"},
        {"price_last", "decimal(10,2)"},
        {"destination_last_2", "list<string>"},
        {"destination_first", "string"},
        {"destination_approx_count_distinct", "int64"},
        {"date_top_1", "list<timestamp>"},
        {"crew_last", "list<string>"},
    };
    for (size_t i = 0; i < sizeof of_v / sizeof *of_v; i++) {
        check_type(v, of_v[i].name, of_v[i].type);
    }
    check_type(w, "height_sum", "double");
    check_type(w, "height_mean", "double");
    check_type(w, "height_min", "float");
    check_type(w, "big_sum", "int64");
    check_type(w, "big_max", "int64");
    check_type(w, "photo_max", "bytes");
    assert_int_equal(floe_view_output(v, FLOE_STR("count"))->column_type.kind, FLOE_KIND_NONE);
    assert_int_equal(floe_view_output(v, FLOE_STR("delay_mean"))->column_type.kind, FLOE_KIND_INT32);
    test_project_close(&project);
}

static void resolve__as_of_features__have_their_columns_type(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project, HEAD "  - name: v\n    entity: e\n    source: t\n    features:\n"
                                         "      - {name: a, column: delay}\n      - {name: b, column: price}\n"
                                         "      - {name: c, column: crew}\n      - {name: d, column: valid_to}\n"
                                         "      - {name: f, column: origin}\n");
    const floe_view *v = &project.definitions->views[0];
    check_type(v, "a", "int32");
    check_type(v, "b", "decimal(10,2)");
    check_type(v, "c", "list<string>");
    check_type(v, "d", "date");
    check_type(v, "f", "string");
    test_project_close(&project);
}

static void resolve__source__gets_its_tables_columns(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project, test_valid_yaml);
    const floe_source *source = &project.definitions->sources[0];
    assert_int_equal(source->column_count, 10);
    assert_str(source->columns[2].name, "delay");
    const floe_expr *where = project.definitions->views[0].where;
    assert_int_equal(where->type.kind, FLOE_KIND_BOOL);
    assert_int_equal(where->args[0]->args[0]->column_index, 2);
    test_project_close(&project);
}

typedef struct error_case {
    const char *yaml;
    floe_code code;
    const char *place;
    const char *part;
    const char *part2;
} error_case;

static void resolve__what_the_tables_do_not_have__is_refused(void **state) {
    (void)state;
    static const error_case cases[] = {
        {"sources:\n  - name: s\n    table: lake.no.table\n    event_time: t\n", FLOE_NOT_FOUND,
         "a.yaml:3: ", "source s: there is no table lake.no.table", NULL},
        {"sources:\n  - name: s\n    table: lake.aviation.flights\n    event_time: dte\n", FLOE_NOT_FOUND,
         "a.yaml:4: ", "source s: event_time: table lake.aviation.flights has no column dte", "did you mean date?"},
        {"sources:\n  - name: s\n    table: lake.aviation.flights\n    event_time: delay\n", FLOE_INVALID,
         "a.yaml:4: ", "column delay is int32", "must be a timestamp or a date"},
        {"sources:\n  - name: s\n    table: lake.aviation.flights\n    event_time: date\n    created_time: knownat\n",
         FLOE_NOT_FOUND, "a.yaml:5: ", "created_time", "did you mean known_at?"},
        {"sources:\n  - name: s\n    table: lake.aviation.flights\n    event_time: date\n    end_time: price\n",
         FLOE_INVALID, "a.yaml:5: ", "end_time: column price is decimal(10,2)", NULL},
        {HEAD "  - {name: v, entity: p, source: t, features: [{name: f, column: delay}]}\n", FLOE_NOT_FOUND,
         "a.yaml:8: ", "key id: table lake.aviation.flights has no column id", NULL},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    keys: {origin: orign}\n"
              "    features: [{name: f, column: delay}]\n",
         FLOE_NOT_FOUND, "a.yaml:11: ", "no column orign", "did you mean origin?"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    keys: {origin: delay}\n"
              "    features: [{name: f, column: delay}]\n",
         FLOE_INVALID, "a.yaml:11: ", "key origin is declared string in entity e",
         "column delay of table lake.aviation.flights is int32"},
        {HEAD "  - name: v\n    entity: p\n    source: h\n    keys: {id: height}\n"
              "    features: [{name: f, column: big}]\n",
         FLOE_INVALID, "a.yaml:11: ", "declared int64", "is float"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    features:\n      - {name: f, column: dely}\n",
         FLOE_NOT_FOUND, "a.yaml:12: ", "feature f: table lake.aviation.flights has no column dely",
         "did you mean delay?"},
        {HEAD "  - name: v\n    entity: p\n    source: h\n    features:\n      - {name: f, column: shape}\n",
         FLOE_UNSUPPORTED, "a.yaml:12: ", "column shape", "a type that features cannot have"},
        {HEAD
         "  - name: v\n    entity: e\n    source: t\n    aggregates:\n      - {column: origin, functions: [sum]}\n",
         FLOE_INVALID, "a.yaml:12: ", "feature origin_sum: sum needs a column of numbers", "origin is string"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n"
              "      - {column: cancelled, functions: [mean]}\n",
         FLOE_INVALID, "a.yaml:12: ", "mean needs a column of numbers", "cancelled is bool"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n"
              "      - {column: date, functions: [stddev], windows: [7d]}\n",
         FLOE_INVALID, "a.yaml:12: ", "feature date_stddev_7d: stddev needs", "date is timestamp"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n      - {column: crew, functions: [sum]}\n",
         FLOE_INVALID, "a.yaml:12: ", "sum needs a column of numbers", "crew is list<string>"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n      - {column: crew, functions: [max]}\n",
         FLOE_UNSUPPORTED, "a.yaml:12: ", "max of lists is not supported", "list<string>"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n"
              "      - {column: crew, functions: [count_distinct]}\n",
         FLOE_UNSUPPORTED, "a.yaml:12: ", "count_distinct of lists is not supported", NULL},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n"
              "      - {column: crew, functions: [approx_count_distinct]}\n",
         FLOE_UNSUPPORTED, "a.yaml:12: ", "approx_count_distinct of lists is not supported", NULL},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n"
              "      - {column: crew, functions: [{last_k: 3}]}\n",
         FLOE_UNSUPPORTED, "a.yaml:12: ", "last_k of lists is not supported", NULL},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n"
              "      - {column: origin, functions: [{percentile: 0.5}]}\n",
         FLOE_INVALID, "a.yaml:12: ", "feature origin_p50: percentile needs a column of numbers", NULL},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n"
              "      - {column: date, functions: [variance_pop]}\n",
         FLOE_INVALID, "a.yaml:12: ", "variance_pop needs a column of numbers", NULL},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    where: dely > 5\n"
              "    features: [{name: f, column: delay}]\n",
         FLOE_NOT_FOUND, "a.yaml:11: ", "feature view v: where: expression, character 1: there is no column dely",
         "did you mean delay?"},
        /* Characters are counted, not bytes, from 1. */
        {HEAD "  - name: v\n    entity: e\n    source: t\n    where: \"delay > 1 AND '\xc3\xbc' = nosuch\"\n"
              "    features: [{name: f, column: delay}]\n",
         FLOE_NOT_FOUND, "a.yaml:11: ", "where: expression, character 21: there is no column nosuch", NULL},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    where: NOT (1 < delay) OR upper(delay) = 'X'\n"
              "    features: [{name: f, column: delay}]\n",
         FLOE_INVALID, "a.yaml:11: ", "expression, character 26: upper() needs text", NULL},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    where: delay > 'x'\n"
              "    features: [{name: f, column: delay}]\n",
         FLOE_INVALID, "a.yaml:11: ", "cannot compare delay (int32) with 'x' (string)", NULL},
        {HEAD "  - {name: v, entity: e, source: t, features: [{name: f, column: delay}]}\nrequest_features:\n"
              "  - {name: r, inputs: [{name: x, type: double}], expression: y > 1, type: bool}\n",
         FLOE_NOT_FOUND, "a.yaml:10: ", "request feature r: expression, character 1: there is no column y", NULL},
        {HEAD "  - {name: v, entity: e, source: t, features: [{name: f, column: delay}]}\nrequest_features:\n"
              "  - {name: r, inputs: [{name: x, feature: 'v:f'}], expression: lower(x), type: string}\n",
         FLOE_INVALID, "a.yaml:10: ", "lower() needs text", "x (int32)"},
        {HEAD "  - {name: v, entity: e, source: t, features: [{name: f, column: delay}]}\nrequest_features:\n"
              "  - {name: r, inputs: [{name: x, type: double}], expression: x + 1, type: int64}\n",
         FLOE_INVALID, "a.yaml:10: ", "request feature r is declared int64, but its expression gives double",
         "cast(… AS int64)"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    where: delay\n    features: [{name: f, column: delay}]\n",
         FLOE_INVALID, "a.yaml:11: ", "a filter must be a condition", NULL},
        {TICKS "    features: [{name: f, column: ts}]\n", FLOE_UNSUPPORTED,
         "a.yaml:9: ", "feature f: column ts of table lake.fine.ticks is in nanoseconds", "features cannot"},
        {TICKS "    aggregates: [{column: ts, functions: [max]}]\n", FLOE_UNSUPPORTED,
         "a.yaml:9: ", "is in nanoseconds", "floe's timestamps are microseconds"},
        {TICKS "    where: ts > '2020-01-01'\n    features: [{name: f, column: v}]\n", FLOE_UNSUPPORTED,
         "a.yaml:9: ", "where: expression, character 1", "ts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_project project;
        test_project_open(&project, cases[i].yaml);
        assert_ok(test_load(&project), &project.err);
        floe_status status =
            floe_definitions_resolve(project.definitions, &test_resolver, &project.arena, &project.err);
        const char *message = project.err.message;
        if (status.code != cases[i].code || strstr(message, cases[i].place) == NULL ||
            strstr(message, cases[i].part) == NULL ||
            (cases[i].part2 != NULL && strstr(message, cases[i].part2) == NULL)) {
            fail_msg("%s\n gives %d %s\n not %d %s %s", cases[i].yaml, (int)status.code, message, (int)cases[i].code,
                     cases[i].place, cases[i].part);
        }
        test_project_close(&project);
    }
}

/* The engine that reads the table ignores case, and puts columns of floe's beside its own. */
static void resolve__columns_that_cannot_be_read_together__are_refused(void **state) {
    (void)state;
    static const struct {
        const char *yaml, *place, *part;
    } cases[] = {
        {ODD "    features:\n      - {name: a, column: delay}\n      - {name: b, column: Delay}\n",
         "a.yaml:11: ", "the columns delay and Delay of table lake.odd.names differ only in case"},
        {ODD "    where: 'Delay > 0'\n    features: [{name: a, column: delay}]\n",
         "a.yaml:10: ", "the columns Delay and delay of table lake.odd.names differ only in case"},
        {ODD "    features: [{name: a, column: delay}]\n  - name: w\n    entity: e\n    source: o\n"
             "    features: [{name: a, column: Delay}]\n",
         "a.yaml:13: ", "feature view w: the columns delay and Delay"},
        {ODD "    features: [{name: a, column: __floe_seq}]\n", "a.yaml:9: ", "column __floe_seq of table"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_project project;
        test_project_open(&project, cases[i].yaml);
        assert_code(test_resolve(&project), FLOE_UNSUPPORTED);
        if (!strstr(project.err.message, cases[i].place) || !strstr(project.err.message, cases[i].part)) {
            fail_msg("%s\n gives %s", cases[i].yaml, project.err.message);
        }
        test_project_close(&project);
    }
    test_project project;
    test_project_resolved(&project, ODD "    features: [{name: a, column: Delay}, {name: b, column: __seq}]\n");
    test_project_close(&project);
}

static void resolve__missing_table__is_not_echoed_by_its_views(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project,
                      "entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n"
                      "sources:\n  - {name: t, table: lake.no.table, event_time: date}\n"
                      "feature_views:\n  - {name: v, entity: e, source: t, features: [{name: f, column: delay}]}\n");
    assert_code(test_resolve(&project), FLOE_NOT_FOUND);
    assert_null(strchr(project.err.message, '\n'));
    test_project_close(&project);
}

/* Three functions over two windows are six outputs of one entry; what its column lacks is said once, and again only for
 * another entry. A wrong type is of each function. */
static void resolve__wrong_column_of_an_entry__is_one_finding(void **state) {
    (void)state;
    static const struct {
        const char *entries;
        size_t lines;
    } cases[] = {
        {"      - {column: dely, functions: [sum, mean, max], windows: [7d, 30d]}\n", 1},
        {"      - {column: dely, functions: [sum]}\n", 1},
        {"      - {column: dely, functions: [sum, mean], windows: [7d]}\n"
         "      - {column: dely, functions: [max], windows: [7d]}\n",
         2},
        {"      - {column: dely, functions: [sum, mean]}\n      - {column: orign, functions: [count]}\n", 2},
        {"      - {column: \"*\", functions: [count]}\n      - {column: dely, functions: [sum, mean]}\n", 1},
        {"      - {column: origin, functions: [sum, mean]}\n", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char yaml[1000];
        snprintf(yaml, sizeof yaml, HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n%s",
                 cases[i].entries);
        test_project project;
        test_project_open(&project, yaml);
        assert_true(floe_failed(test_resolve(&project)));
        size_t lines = 1;
        for (const char *at = project.err.message; (at = strchr(at, '\n')) != NULL; at++) {
            lines++;
        }
        if (lines != cases[i].lines) {
            fail_msg("%s gives %zu findings:\n%s", cases[i].entries, lines, project.err.message);
        }
        test_project_close(&project);
    }
}

static floe_status fail_with(void *context, floe_str table, floe_arena *arena, const floe_column **ret_columns,
                             size_t *ret_count, floe_error *err) {
    (void)table;
    (void)arena;
    (void)ret_columns;
    (void)ret_count;
    return FLOE_FAIL(err, *(const floe_code *)context, "the catalog said no");
}

static void resolve__failing_seam__keeps_its_code_and_gets_a_place(void **state) {
    (void)state;
    static const floe_code codes[] = {FLOE_CORRUPT, FLOE_IO, FLOE_UNAVAILABLE, FLOE_CANCELLED};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        floe_code code = codes[i];
        test_project project;
        test_project_open(&project, test_valid_yaml);
        assert_ok(test_load(&project), &project.err);
        const floe_schema_resolver resolver = {fail_with, &code};
        assert_code(floe_definitions_resolve(project.definitions, &resolver, &project.arena, &project.err), code);
        assert_message(&project.err, "the catalog said no");
        if (code != FLOE_CANCELLED) {
            assert_message(&project.err, "features/a.yaml:5: source flights: ");
        }
        test_project_close(&project);
    }
}

static void resolve__int32_column__widens_to_an_int64_key(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project, HEAD "  - {name: w, entity: p, source: h, features: [{name: f, column: big}]}\n");
    assert_str(project.definitions->views[0].key_columns[0], "id");
    test_project_close(&project);
    test_project_open(&project,
                      "entities:\n  - {name: p, keys: [{name: big, type: int32}]}\n"
                      "sources:\n  - {name: h, table: lake.hr.people, event_time: born}\n"
                      "feature_views:\n  - {name: w, entity: p, source: h, features: [{name: f, column: id}]}\n");
    assert_code(test_resolve(&project), FLOE_INVALID);
    assert_message(&project.err, "declared int32");
    assert_message(&project.err, "is int64");
    test_project_close(&project);
}

/* A decimal key holds the column's numbers where it has no fewer digits on either side of the point. */
static void resolve__decimal_column__widens_to_a_key_of_more_digits(void **state) {
    (void)state;
    static const struct {
        const char *declared;
        bool fits;
    } cases[] = {{"decimal(10,2)", true},   {"decimal(11,2)", true},  {"decimal(12,4)", true}, {"decimal(38,30)", true},
                 {"decimal(38,31)", false}, {"decimal(11,4)", false}, {"decimal(9,2)", false}, {"decimal(38,1)", false},
                 {"int64", false},          {"string", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        test_project project;
        FLOE_AUTO_BUF yaml;
        floe_buf_init(&yaml, 4096);
        floe_buf_printf(&yaml,
                        "entities:\n  - {name: e, keys: [{name: price, type: '%s'}]}\n"
                        "sources:\n  - {name: t, table: lake.fine.ticks, event_time: ts}\n"
                        "feature_views:\n  - {name: v, entity: e, source: t, features: [{name: f, column: v}]}\n",
                        cases[i].declared);
        test_project_open(&project, yaml.ptr);
        if (cases[i].fits) {
            assert_ok(test_resolve(&project), &project.err);
        } else {
            assert_code(test_resolve(&project), FLOE_INVALID);
            assert_message(&project.err, cases[i].declared);
            assert_message(&project.err, "is decimal(10,2)");
        }
        test_project_close(&project);
    }
}

/* The times of a source may be nanoseconds, and its stored form says so again. */
static void resolve__nanoseconds__are_times_of_sources(void **state) {
    (void)state;
    test_project project;
    test_project_resolved(&project, TICKS "    features: [{name: f, column: v}]\n");
    const floe_source *source = &project.definitions->sources[0];
    assert_true(floe_type_is_nanoseconds(source->columns[1].type) && source->columns[1].type.precision == 0);
    assert_true(floe_type_is_nanoseconds(source->columns[2].type) && source->columns[2].type.precision == 1);
    assert_false(floe_type_is_nanoseconds(source->columns[4].type));
    uint64_t fingerprint = project.definitions->views[0].fingerprint;
    test_project_close(&project);
    test_project_resolved(&project, TICKS "    ttl: 5d\n    features: [{name: f, column: v}]\n");
    assert_true(project.definitions->views[0].fingerprint == fingerprint);
    test_project_close(&project);
}

/* ---- fingerprints ---- */

/* One view in pieces; a NULL piece is the usual one. */
typedef struct view_parts {
    const char *entity; /* of e: its key */
    const char *source; /* of t: everything after its name */
    const char *head;   /* of the view */
    const char *outputs;
} view_parts;

typedef struct view_meaning {
    uint64_t fingerprint;
    uint64_t rows;
    size_t count;
    uint64_t outputs[4];
} view_meaning;

static view_meaning meaning_of(view_parts parts) {
    test_project project;
    FLOE_AUTO_BUF yaml;
    floe_buf_init(&yaml, 8192);
    floe_buf_printf(&yaml, "entities:\n  - {name: e, keys: [%s]}\n",
                    parts.entity != NULL ? parts.entity : "{name: origin, type: string}");
    floe_buf_printf(&yaml, "sources:\n  - {name: t, %s}\n",
                    parts.source != NULL ? parts.source : "table: lake.aviation.flights, event_time: date");
    floe_buf_printf(&yaml, "feature_views:\n  - name: v\n    entity: e\n    source: t\n%s%s",
                    parts.head != NULL ? parts.head : "    where: delay > 5\n",
                    parts.outputs != NULL ? parts.outputs
                                          : "    features: [{name: f, column: delay}]\n"
                                            "    aggregates: [{column: delay, functions: [mean], windows: [7d]}]\n");
    test_project_resolved(&project, yaml.ptr);
    const floe_view *view = &project.definitions->views[0];
    view_meaning found = {.fingerprint = view->fingerprint, .rows = view->meaning, .count = view->output_count};
    assert_true(found.count <= 4);
    for (size_t i = 0; i < found.count; i++) {
        found.outputs[i] = view->outputs[i].meaning;
    }
    test_project_close(&project);
    return found;
}

static uint64_t fingerprint(view_parts parts) {
    return meaning_of(parts).fingerprint;
}

static void fingerprint__what_only_describes__changes_nothing(void **state) {
    (void)state;
    uint64_t base = fingerprint((view_parts){0});
    static const view_parts same[] = {
        {.head = "    where: delay > 5\n    description: other\n    owner: o\n    tags: [a]\n"},
        {.head = "    where: delay > 5\n    ttl: 5d\n"},
        {.head = "    where: delay > 5\n    online: false\n"},
        {.head = "    where: delay > 5\n    at: at_or_before\n"},
        {.head = "    where: '  delay > 5 '\n"},
        {.head = "    where: delay > 5\n    keys: {origin: origin}\n"},
        {.source = "table: lake.aviation.flights, event_time: date, max_future: 5m, description: d"},
        {.outputs = "    features: [{name: f, column: delay, description: d, tags: [x]}]\n"
                    "    aggregates: [{column: delay, functions: [mean], windows: [7d], owner: o}]\n"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        if (fingerprint(same[i]) != base) {
            fail_msg("case %zu changed the fingerprint", i);
        }
    }
}

static void fingerprint__what_makes_values__changes_it_each_to_another(void **state) {
    (void)state;
    static const view_parts different[] = {
        {0},
        {.entity = "{name: origin, type: string}, {name: destination, type: string}"},
        {.entity = "{name: destination, type: string}"},
        {.source = "table: lake.aviation.flights, event_time: known_at"},
        {.source = "table: lake.aviation.flights, event_time: date, created_time: known_at"},
        {.source = "table: lake.aviation.flights, event_time: date, end_time: valid_to"},
        {.head = ""},
        {.head = "    where: delay > 6\n"},
        {.head = "    where: delay > 5\n    at: before\n"},
        {.head = "    where: delay > 5\n    keys: {origin: destination}\n"},
        {.outputs = "    features: [{name: f, column: delay}]\n"},
        {.outputs = "    features: [{name: g, column: delay}]\n"
                    "    aggregates: [{column: delay, functions: [mean], windows: [7d]}]\n"},
        {.outputs = "    features: [{name: f, column: distance}]\n"
                    "    aggregates: [{column: delay, functions: [mean], windows: [7d]}]\n"},
        {.outputs = "    features: [{name: f, column: delay}]\n"
                    "    aggregates: [{column: delay, functions: [max], windows: [7d]}]\n"},
        {.outputs = "    features: [{name: f, column: delay}]\n"
                    "    aggregates: [{column: delay, functions: [mean], windows: [8d]}]\n"},
        {.outputs = "    features: [{name: f, column: delay}]\n"
                    "    aggregates: [{column: delay, functions: [mean], windows: [8d], name: delay_mean_7d}]\n"},
        {.outputs = "    features: [{name: f, column: delay}]\n"
                    "    aggregates: [{column: delay, functions: [mean]}]\n"},
        {.outputs = "    features: [{name: f, column: delay}]\n"
                    "    aggregates: [{column: delay, functions: [{percentile: 0.5}], name: x}]\n"},
        {.outputs = "    features: [{name: f, column: delay}]\n"
                    "    aggregates: [{column: delay, functions: [{percentile: 0.6}], name: x}]\n"},
        {.outputs = "    features: [{name: f, column: delay}]\n"
                    "    aggregates: [{column: delay, functions: [{top_k: 2}], name: x}]\n"},
        {.outputs = "    features: [{name: f, column: delay}]\n"
                    "    aggregates: [{column: delay, functions: [{top_k: 3}], name: x}]\n"},
    };
    enum { COUNT = sizeof different / sizeof *different };
    uint64_t values[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        values[i] = fingerprint(different[i]);
        for (size_t j = 0; j < i; j++) {
            if (values[i] == values[j]) {
                fail_msg("cases %zu and %zu have one fingerprint", j, i);
            }
        }
    }
}

/* What values are computed over: every change of it gives the view another meaning and leaves the outputs theirs. */
static void meaning__of_the_rows__is_table_times_keys_where_and_boundary(void **state) {
    (void)state;
    static const view_parts different[] = {
        {0},
        {.entity = "{name: destination, type: string}"},
        {.source = "table: lake.aviation.flights, event_time: known_at"},
        {.source = "table: lake.aviation.flights, event_time: date, created_time: known_at"},
        {.source = "table: lake.aviation.flights, event_time: date, end_time: valid_to"},
        {.head = ""},
        {.head = "    where: delay > 6\n"},
        {.head = "    where: delay > 5\n    at: before\n"},
        {.head = "    where: delay > 5\n    keys: {origin: destination}\n"},
    };
    enum { COUNT = sizeof different / sizeof *different };
    view_meaning found[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        found[i] = meaning_of(different[i]);
        assert_true(found[i].rows != 0);
        assert_int_equal(found[i].count, 2);
        assert_memory_equal(found[i].outputs, found[0].outputs, sizeof found[0].outputs);
        for (size_t j = 0; j < i; j++) {
            assert_true(found[i].rows != found[j].rows);
        }
    }
}

/* What an output is computed from: another column, function, window or parameter is another meaning, whatever it is called;
 * the rows and the outputs beside it keep theirs. */
static void meaning__of_an_output__is_all_but_its_name(void **state) {
    (void)state;
    static const char *const different[] = {
        "{column: delay, functions: [mean], windows: [7d], name: x}",
        "{column: distance, functions: [mean], windows: [7d], name: x}",
        "{column: delay, functions: [max], windows: [7d], name: x}",
        "{column: delay, functions: [mean], windows: [8d], name: x}",
        "{column: delay, functions: [mean], name: x}",
        "{column: delay, functions: [{percentile: 0.5}], name: x}",
        "{column: delay, functions: [{percentile: 0.6}], name: x}",
        "{column: delay, functions: [{top_k: 2}], name: x}",
        "{column: delay, functions: [{top_k: 3}], name: x}",
    };
    enum { COUNT = sizeof different / sizeof *different };
    view_meaning found[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        char outputs[512];
        snprintf(outputs, sizeof outputs, "    features: [{name: f, column: delay}]\n    aggregates: [%s]\n",
                 different[i]);
        found[i] = meaning_of((view_parts){.outputs = outputs});
        assert_int_equal(found[i].count, 2);
        assert_true(found[i].rows == found[0].rows && found[i].outputs[0] == found[0].outputs[0]);
        for (size_t j = 0; j < i; j++) {
            assert_true(found[i].outputs[1] != found[j].outputs[1]);
        }
    }
    view_meaning renamed =
        meaning_of((view_parts){.outputs = "    features: [{name: g, column: delay, description: d}]\n"
                                           "    aggregates: [{column: delay, functions: [mean], windows: [7d]}]\n"});
    assert_true(renamed.outputs[0] == found[0].outputs[0] && renamed.outputs[1] == found[0].outputs[1]);
    assert_true(renamed.fingerprint != found[0].fingerprint);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolve__result_types__are_those_of_the_language),
        cmocka_unit_test(resolve__as_of_features__have_their_columns_type),
        cmocka_unit_test(resolve__source__gets_its_tables_columns),
        cmocka_unit_test(resolve__what_the_tables_do_not_have__is_refused),
        cmocka_unit_test(resolve__columns_that_cannot_be_read_together__are_refused),
        cmocka_unit_test(resolve__missing_table__is_not_echoed_by_its_views),
        cmocka_unit_test(resolve__wrong_column_of_an_entry__is_one_finding),
        cmocka_unit_test(resolve__failing_seam__keeps_its_code_and_gets_a_place),
        cmocka_unit_test(resolve__int32_column__widens_to_an_int64_key),
        cmocka_unit_test(resolve__decimal_column__widens_to_a_key_of_more_digits),
        cmocka_unit_test(resolve__nanoseconds__are_times_of_sources),
        cmocka_unit_test(fingerprint__what_only_describes__changes_nothing),
        cmocka_unit_test(fingerprint__what_makes_values__changes_it_each_to_another),
        cmocka_unit_test(meaning__of_the_rows__is_table_times_keys_where_and_boundary),
        cmocka_unit_test(meaning__of_an_output__is_all_but_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
