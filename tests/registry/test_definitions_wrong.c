/*
 * The files of features/: what is refused, with file, line and the nearest known word. What is taken: test_definitions.c.
 */
#include "core/file.h"
#include "core/limits.h"
#include "tests/registry/helpers.h"

typedef struct error_case {
    const char *yaml;
    floe_code code;
    const char *place; /* "a.yaml:LINE: " */
    const char *part;
    const char *part2;
} error_case;

static void check_errors(const error_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        test_project project;
        test_project_open(&project, cases[i].yaml);
        floe_status status = test_load(&project);
        const char *message = project.err.message;
        if (status.code != cases[i].code || strstr(message, cases[i].place) == NULL ||
            strstr(message, cases[i].part) == NULL ||
            (cases[i].part2 != NULL && strstr(message, cases[i].part2) == NULL)) {
            fail_msg("%s\n gives %d %s\n not %d %s %s", cases[i].yaml, (int)status.code, message, (int)cases[i].code,
                     cases[i].place, cases[i].part);
        }
        assert_null(project.definitions);
        test_project_close(&project);
    }
}
#define CHECK_ERRORS(cases) check_errors(cases, sizeof(cases) / sizeof *(cases))

static void definitions_load__wrong_entities__are_refused(void **state) {
    (void)state;
    static const error_case cases[] = {
        {"entities:\n  - 5\n", FLOE_INVALID, "a.yaml:2: ", "an entity must be a mapping", "a number"},
        {"entities: {name: e}\n", FLOE_INVALID, "a.yaml:1: ", "entities must be a list", "a mapping"},
        {"entities:\n  - {keys: []}\n", FLOE_INVALID, "a.yaml:2: ", "entity needs `name:`", NULL},
        {"entities:\n  - {name: 5, keys: []}\n", FLOE_INVALID, "a.yaml:2: ", "5 is a number", "put it in quotes"},
        {"entities:\n  - {name: true, keys: []}\n", FLOE_INVALID, "a.yaml:2: ", "put it in quotes", NULL},
        {"entities:\n  - {name: a-b, keys: []}\n", FLOE_INVALID, "a.yaml:2: ", "entity a-b", "only letters"},
        {"entities:\n  - {name: 1a, keys: []}\n", FLOE_INVALID, "a.yaml:2: ", "entity 1a", "begin with a digit"},
        {"entities:\n  - {name: 'a:b', keys: []}\n", FLOE_INVALID, "a.yaml:2: ", "entity a:b", "only letters"},
        {"entities:\n  - {name: é, keys: []}\n", FLOE_INVALID, "a.yaml:2: ", "entity é", "only letters"},
        {"entities:\n  - {name: e}\n", FLOE_INVALID, "a.yaml:2: ", "entity e needs at least one key", NULL},
        {"entities:\n  - {name: e, keys: []}\n", FLOE_INVALID, "a.yaml:2: ", "at least one key", NULL},
        {"entities:\n  - {name: e, keys: origin}\n", FLOE_INVALID, "a.yaml:2: ", "keys must be a list, not text", NULL},
        {"entities:\n  - {name: e, keys: [origin]}\n", FLOE_INVALID, "a.yaml:2: ", "a key must be a mapping", NULL},
        {"entities:\n  - name: e\n    keys:\n      - {name: k}\n", FLOE_INVALID, "a.yaml:4: ", "key k needs `type:`",
         NULL},
        {"entities:\n  - name: e\n    keys:\n      - {type: string}\n", FLOE_INVALID,
         "a.yaml:4: ", "a key needs `name:`", NULL},
        {"entities:\n  - name: e\n    keys:\n      - {name: k, type: strng}\n", FLOE_INVALID, "a.yaml:4: ", "strng",
         "string"},
        {"entities:\n  - name: e\n    keys:\n      - {name: k, type: double}\n", FLOE_INVALID,
         "a.yaml:4: ", "key k cannot be double", "int64, decimal(p,s)"},
        {"entities:\n  - name: e\n    keys:\n      - {name: k, type: float}\n", FLOE_INVALID,
         "a.yaml:4: ", "cannot be float", NULL},
        {"entities:\n  - name: e\n    keys:\n      - {name: k, type: 'decimal(39,2)'}\n", FLOE_INVALID,
         "a.yaml:4: ", "decimal(39,2)", "1 to 38"},
        {"entities:\n  - name: e\n    keys:\n      - {name: k, type: 'list<string>'}\n", FLOE_INVALID,
         "a.yaml:4: ", "cannot be list<string>", NULL},
        {"entities:\n  - name: e\n    keys:\n      - {name: k, type: string}\n      - {name: k, type: int64}\n",
         FLOE_INVALID, "a.yaml:5: ", "key k is there twice", NULL},
        {"entities:\n  - name: e\n    keys:\n      - {name: __Floe_k, type: string}\n", FLOE_INVALID,
         "a.yaml:4: ", "key __Floe_k", "begin with __floe"},
        {"entities:\n  - name: e\n    keys:\n      - {name: k, type: string}\n      - {name: K, type: string}\n",
         FLOE_INVALID, "a.yaml:5: ", "key K differs only in case from the key k", NULL},
        {"entities:\n  - name: e\n    keys:\n      - {name: k, typ: string}\n", FLOE_INVALID,
         "a.yaml:4: ", "unknown key `typ`", "did you mean type?"},
        {"entities:\n  - name: e\n    key: []\n", FLOE_INVALID, "a.yaml:3: ", "unknown key `key` in entity e",
         "did you mean keys?"},
        {"entities:\n  - {name: e, keys: [{name: k, type: string}], tags: a}\n", FLOE_INVALID,
         "a.yaml:2: ", "tags must be a list", NULL},
        {"entities:\n  - {name: e, keys: [{name: k, type: string}], tags: [1]}\n", FLOE_INVALID,
         "a.yaml:2: ", "a tag must be text", "quotes"},
        {"entities:\n  - {name: e, keys: [{name: k, type: string}], owner: [a]}\n", FLOE_INVALID,
         "a.yaml:2: ", "owner must be text, not a list", NULL},
        {"entities:\n  - {name: e, keys: [{name: k, type: string}]}\n\n  - {name: e, keys: [{name: k, type: "
         "string}]}\n",
         FLOE_INVALID, "a.yaml:4: ", "entity e is defined already, at features/a.yaml:2", NULL},
    };
    CHECK_ERRORS(cases);
}

static void definitions_load__wrong_sources__are_refused(void **state) {
    (void)state;
    static const error_case cases[] = {
        {"sources:\n  - {name: s, event_time: t}\n", FLOE_INVALID, "a.yaml:2: ", "source s needs `table:`", NULL},
        {"sources:\n  - {name: s, table: lake.n.t}\n", FLOE_INVALID, "a.yaml:2: ", "source s needs `event_time:`",
         NULL},
        {"sources:\n  - name: s\n    table: flights\n    event_time: t\n", FLOE_INVALID,
         "a.yaml:3: ", "table flights must be catalog.namespace.table", NULL},
        {"sources:\n  - {name: s, table: lake.t, event_time: t}\n", FLOE_INVALID,
         "a.yaml:2: ", "must be catalog.namespace.table", NULL},
        {"sources:\n  - {name: s, table: lake..t, event_time: t}\n", FLOE_INVALID,
         "a.yaml:2: ", "must be catalog.namespace.table", NULL},
        {"sources:\n  - {name: s, table: lake.n., event_time: t}\n", FLOE_INVALID,
         "a.yaml:2: ", "must be catalog.namespace.table", NULL},
        {"sources:\n  - name: s\n    table: lak.n.t\n    event_time: t\n", FLOE_NOT_FOUND,
         "a.yaml:3: ", "no catalog lak", "did you mean lake?"},
        {"sources:\n  - {name: s, table: other.n.t, event_time: t}\n", FLOE_NOT_FOUND, "a.yaml:2: ", "no catalog other",
         NULL},
        {"sources:\n  - {name: s, table: lake.n.t, event_time: 5}\n", FLOE_INVALID, "a.yaml:2: ", "event_time",
         "quotes"},
        {"sources:\n  - {name: s, table: lake.n.t, event_time: ''}\n", FLOE_INVALID,
         "a.yaml:2: ", "event_time cannot be empty", NULL},
        {"sources:\n  - {name: s, table: lake.n.t, event_tme: t}\n", FLOE_INVALID,
         "a.yaml:2: ", "unknown key `event_tme` in source s", "did you mean event_time?"},
        {"sources:\n  - {name: s, table: lake.n.t, event_time: t, columns: []}\n", FLOE_INVALID,
         "a.yaml:2: ", "unknown key `columns`", NULL},
        {"sources:\n  - {name: s, table: lake.n.t, event_time: t, max_future: 5}\n", FLOE_INVALID,
         "a.yaml:2: ", "needs a unit", "5d"},
        {"sources:\n  - {name: s, table: lake.n.t, event_time: t, max_future: soon}\n", FLOE_INVALID,
         "a.yaml:2: ", "max_future", "soon"},
        {"sources:\n  - {name: s, table: lake.n.t, event_time: t, max_future: 0s}\n", FLOE_INVALID,
         "a.yaml:2: ", "max_future", NULL},
        {"sources:\n  - {name: s, table: lake.n.t, event_time: t}\n  - {name: s, table: lake.n.t, event_time: t}\n",
         FLOE_INVALID, "a.yaml:3: ", "source s is defined already, at features/a.yaml:2", NULL},
    };
    CHECK_ERRORS(cases);
}

#define HEAD                                                                                                           \
    "entities:\n  - {name: e, keys: [{name: origin, type: string}]}\n"                                                 \
    "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date}\n"                                        \
    "feature_views:\n"
#define F "features: [{name: f, column: delay}]"

static void definitions_load__wrong_views__are_refused(void **state) {
    (void)state;
    static const error_case cases[] = {
        {HEAD "  - {name: v, source: t, " F "}\n", FLOE_INVALID, "a.yaml:6: ", "feature view v needs `entity:`", NULL},
        {HEAD "  - {name: v, entity: e, " F "}\n", FLOE_INVALID, "a.yaml:6: ", "feature view v needs `source:`", NULL},
        {HEAD "  - name: v\n    entity: ee\n    source: t\n    " F "\n", FLOE_NOT_FOUND,
         "a.yaml:7: ", "there is no entity ee", "did you mean e?"},
        {HEAD "  - name: v\n    entity: e\n    source: flihts\n    " F "\n", FLOE_NOT_FOUND,
         "a.yaml:8: ", "there is no source flihts", NULL},
        {HEAD "  - {name: v, entity: e, source: t}\n", FLOE_INVALID, "a.yaml:6: ", "feature view v has no output",
         NULL},
        {HEAD "  - {name: v, entity: e, source: t, features: []}\n", FLOE_INVALID, "a.yaml:6: ", "has no output", NULL},
        {HEAD "  - {name: v, entity: e, source: t, features: f}\n", FLOE_INVALID,
         "a.yaml:6: ", "features must be a list", NULL},
        {HEAD "  - {name: v, entity: e, source: t, features: [f]}\n", FLOE_INVALID,
         "a.yaml:6: ", "a feature must be a mapping", NULL},
        {HEAD "  - {name: v, entity: e, source: t, features: [{column: delay}]}\n", FLOE_INVALID,
         "a.yaml:6: ", "feature needs `name:`", NULL},
        {HEAD "  - {name: v, entity: e, source: t, features: [{name: f}]}\n", FLOE_INVALID,
         "a.yaml:6: ", "feature f needs `column:`", NULL},
        {HEAD "  - {name: v, entity: e, source: t, features: [{name: 'a b', column: delay}]}\n", FLOE_INVALID,
         "a.yaml:6: ", "feature a b", "only letters"},
        {HEAD "  - {name: v, entity: e, source: t, features: [{name: f, column: '*'}]}\n", FLOE_INVALID,
         "a.yaml:6: ", "`*` is not a column", NULL},
        {HEAD "  - {name: v, entity: e, source: t, features: [{name: f, colum: delay}]}\n", FLOE_INVALID,
         "a.yaml:6: ", "unknown key `colum`", "did you mean column?"},
        {HEAD "  - {name: a__b, entity: e, source: t, " F "}\n", FLOE_INVALID, "a.yaml:6: ", "feature view a__b",
         "view__feature"},
        {HEAD "  - {name: a_, entity: e, source: t, " F "}\n", FLOE_INVALID, "a.yaml:6: ", "feature view a_",
         "view__feature"},
        {HEAD "  - {name: v, entity: e, source: t, keys: {orgin: x}, " F "}\n", FLOE_INVALID,
         "a.yaml:6: ", "unknown key `orgin`", "did you mean origin?"},
        {HEAD "  - {name: v, entity: e, source: t, keys: [origin], " F "}\n", FLOE_INVALID,
         "a.yaml:6: ", "keys must be a mapping", NULL},
        {HEAD "  - {name: v, entity: e, source: t, keys: {origin: 5}, " F "}\n", FLOE_INVALID,
         "a.yaml:6: ", "origin must be text", "quotes"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    where: delay >\n    " F "\n", FLOE_INVALID,
         "a.yaml:9: ", "where: expression, character 8", "found the end"},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    where: absolute(delay) > 5\n    " F "\n", FLOE_INVALID,
         "a.yaml:9: ", "there is no function absolute()", NULL},
        {HEAD "  - name: v\n    entity: e\n    source: t\n    where: lowr(origin) = 'a'\n    " F "\n", FLOE_INVALID,
         "a.yaml:9: ", "did you mean lower", NULL},
        {HEAD "  - {name: v, entity: e, source: t, where: true, " F "}\n", FLOE_INVALID,
         "a.yaml:6: ", "where must be text", "quotes"},
        {HEAD "  - {name: v, entity: e, source: t, ttl: 90, " F "}\n", FLOE_INVALID,
         "a.yaml:6: ", "ttl is a duration and needs a unit", "90d"},
        {HEAD "  - {name: v, entity: e, source: t, ttl: -1d, " F "}\n", FLOE_INVALID, "a.yaml:6: ", "ttl", "-1d"},
        {HEAD "  - {name: v, entity: e, source: t, ttl: 0d, " F "}\n", FLOE_INVALID, "a.yaml:6: ", "ttl", "0d"},
        {HEAD "  - {name: v, entity: e, source: t, ttl: 99999999999w, " F "}\n", FLOE_LIMIT, "a.yaml:6: ", "ttl", NULL},
        {HEAD "  - {name: v, entity: e, source: t, at: befor, " F "}\n", FLOE_INVALID, "a.yaml:6: ", "`befor`",
         "did you mean before?"},
        {HEAD "  - {name: v, entity: e, source: t, online: yes, " F "}\n", FLOE_INVALID,
         "a.yaml:6: ", "online must be true or false", "`yes`"},
        {HEAD "  - {name: v, entity: e, source: t, online: 1, " F "}\n", FLOE_INVALID,
         "a.yaml:6: ", "online must be true or false", "a number"},
        {HEAD "  - {name: v, entity: e, source: t, agregates: [], " F "}\n", FLOE_INVALID,
         "a.yaml:6: ", "unknown key `agregates` in feature view v", "did you mean aggregates?"},
        {HEAD "  - {name: v, entity: e, source: t, " F "}\n  - {name: v, entity: e, source: t, " F "}\n", FLOE_INVALID,
         "a.yaml:7: ", "feature_view v is defined already, at features/a.yaml:6", NULL},
    };
    CHECK_ERRORS(cases);
}

#define V HEAD "  - name: v\n    entity: e\n    source: t\n    aggregates:\n"

static void definitions_load__wrong_aggregates__are_refused(void **state) {
    (void)state;
    static const error_case cases[] = {
        {V "      - {functions: [mean]}\n", FLOE_INVALID, "a.yaml:10: ", "an aggregate needs `column:`", NULL},
        {V "      - mean\n", FLOE_INVALID, "a.yaml:10: ", "an aggregate must be a mapping", NULL},
        {V "      - {column: delay}\n", FLOE_INVALID, "a.yaml:10: ", "aggregate of delay needs at least one function",
         NULL},
        {V "      - {column: delay, functions: []}\n", FLOE_INVALID, "a.yaml:10: ", "at least one function", NULL},
        {V "      - {column: delay, functions: mean}\n", FLOE_INVALID, "a.yaml:10: ", "functions must be a list", NULL},
        {V "      - {column: delay, functions: [meen]}\n", FLOE_INVALID, "a.yaml:10: ", "no function meen",
         "did you mean mean?"},
        {V "      - {column: delay, functions: [frobnicate]}\n", FLOE_INVALID, "a.yaml:10: ", "no function frobnicate",
         "there are count, sum, mean"},
        {V "      - {column: delay, functions: [{mean: 3}]}\n", FLOE_INVALID, "a.yaml:10: ", "mean takes no parameter",
         NULL},
        {V "      - {column: delay, functions: [{percentile: 0.5, top_k: 3}]}\n", FLOE_INVALID,
         "a.yaml:10: ", "a mapping of one key", NULL},
        {V "      - {column: delay, functions: [percentile]}\n", FLOE_INVALID,
         "a.yaml:10: ", "percentile needs a parameter", "{percentile: 0.95}"},
        {V "      - {column: delay, functions: [top_k]}\n", FLOE_INVALID, "a.yaml:10: ", "top_k needs a parameter",
         "{top_k: 3}"},
        {V "      - {column: delay, functions: [{percentile: 1.5}]}\n", FLOE_INVALID, "a.yaml:10: ", "from 0 to 1",
         NULL},
        {V "      - {column: delay, functions: [{percentile: 1e-1}]}\n", FLOE_INVALID, "a.yaml:10: ", "plain decimal",
         NULL},
        {V "      - {column: delay, functions: [{percentile: '0.5'}]}\n", FLOE_INVALID, "a.yaml:10: ", "plain decimal",
         NULL},
        {V "      - {column: delay, functions: [{top_k: 0}]}\n", FLOE_INVALID, "a.yaml:10: ", "from 1 to 1000", NULL},
        {V "      - {column: delay, functions: [{last_k: 1001}]}\n", FLOE_INVALID, "a.yaml:10: ", "from 1 to 1000",
         NULL},
        {V "      - {column: delay, functions: [{first_k: 2.5}]}\n", FLOE_INVALID, "a.yaml:10: ", "a whole number",
         NULL},
        {V "      - {column: '*', functions: [{top_k: 2}]}\n", FLOE_INVALID,
         "a.yaml:10: ", "only count can be taken of `*`", "not top_k"},
        {V "      - {column: delay, functions: [{percentile: 0.5}, {percentile: 0.50}]}\n", FLOE_INVALID,
         "a.yaml:10: ", "two outputs named delay_p50", NULL},
        {V "      - {column: delay, functions: [5]}\n", FLOE_INVALID, "a.yaml:10: ", "a function must be text", NULL},
        {V "      - {column: '*', functions: [mean]}\n", FLOE_INVALID, "a.yaml:10: ", "only count can be taken of `*`",
         "not mean"},
        {V "      - {column: delay, functions: [mean], windows: []}\n", FLOE_INVALID, "a.yaml:10: ", "windows is empty",
         "all time"},
        {V "      - {column: delay, functions: [mean], windows: 7d}\n", FLOE_INVALID,
         "a.yaml:10: ", "windows must be a list", NULL},
        {V "      - {column: delay, functions: [mean], windows: [7]}\n", FLOE_INVALID, "a.yaml:10: ", "needs a unit",
         "7d"},
        {V "      - {column: delay, functions: [mean], windows: [0d]}\n", FLOE_INVALID, "a.yaml:10: ", "a window",
         "0d"},
        {V "      - {column: delay, functions: [mean], windows: [7x]}\n", FLOE_INVALID, "a.yaml:10: ", "a window",
         "7x"},
        {V "      - {column: delay, functions: [mean, max], name: n}\n", FLOE_INVALID,
         "a.yaml:10: ", "name: is only for one function and one window", NULL},
        {V "      - {column: delay, functions: [mean], windows: [1d, 2d], name: n}\n", FLOE_INVALID,
         "a.yaml:10: ", "name: is only for one", NULL},
        {V "      - {column: delay, functions: [mean], windows: [1d, 1d]}\n", FLOE_INVALID,
         "a.yaml:10: ", "two outputs named delay_mean_1d (the other is at line 10)", "; give one another with `name:`"},
        {V
         "      - {column: delay, functions: [mean]}\n      - {column: distance, functions: [max], name: delay_mean}\n",
         FLOE_INVALID, "a.yaml:11: ", "two outputs named delay_mean", "the other is at line 10"},
        {V "      - {column: delay, functions: [mean]}\n      - {column: delay, functions: [max], name: Delay_mean}\n",
         FLOE_INVALID, "a.yaml:11: ", "the outputs Delay_mean and delay_mean (at line 10) differ only in case", NULL},
        {V "      - {column: a b, functions: [mean]}\n", FLOE_INVALID, "a.yaml:10: ", "output a b_mean",
         "give it one with name:"},
        {V "      - {column: delay, functions: [mean], name: 9x}\n", FLOE_INVALID, "a.yaml:10: ", "output 9x", NULL},
        {V "      - {column: delay, functions: [mean], window: [1d]}\n", FLOE_INVALID,
         "a.yaml:10: ", "unknown key `window`", "did you mean windows?"},
    };
    CHECK_ERRORS(cases);
}

#define STREAM                                                                                                         \
    "sources:\n  - {name: t, table: lake.aviation.flights, event_time: date}\n"                                        \
    "streams:\n"

static void definitions_load__wrong_services_and_streams__are_refused(void **state) {
    (void)state;
    static const error_case cases[] = {
        {"feature_services:\n  - {name: s}\n", FLOE_INVALID, "a.yaml:2: ", "feature service s needs at least one",
         NULL},
        {"feature_services:\n  - {name: s, features: []}\n", FLOE_INVALID, "a.yaml:2: ", "at least one feature", NULL},
        {"feature_services:\n  - {name: s, features: v}\n", FLOE_INVALID, "a.yaml:2: ", "must be a list", NULL},
        {"feature_services:\n  - {name: s, features: [5]}\n", FLOE_INVALID, "a.yaml:2: ", "must be text", NULL},
        {"feature_services:\n  - name: s\n    features:\n      - v\n", FLOE_NOT_FOUND,
         "a.yaml:4: ", "no feature view v", "no feature view is defined at all"},
        {HEAD "  - {name: delays, entity: e, source: t, " F "}\nfeature_services:\n  - name: s\n    features:\n"
              "      - delys:f\n",
         FLOE_NOT_FOUND, "a.yaml:10: ", "no feature view delys", "did you mean delays?"},
        {HEAD "  - {name: v, entity: e, source: t, features: [{name: last, column: delay}]}\nfeature_services:\n"
              "  - name: s\n    features:\n      - v:lst\n",
         FLOE_NOT_FOUND, "a.yaml:10: ", "v has no feature lst", "did you mean v:last?"},
        {HEAD "  - {name: v, entity: e, source: t, " F "}\nfeature_services:\n  - name: s\n    features:\n      - v\n"
              "      - v:f\n",
         FLOE_INVALID, "a.yaml:11: ", "v:f is there twice", NULL},
        {HEAD "  - {name: v, entity: e, source: t, " F "}\n  - {name: V, entity: e, source: t, " F "}\n"
              "feature_services:\n  - {name: s, features: [v, V]}\n",
         FLOE_INVALID, "a.yaml:9: ", "feature service s: v:f and V:f would be one column, V__f", NULL},
        {STREAM "  - {name: k, source: t}\n", FLOE_INVALID, "a.yaml:4: ", "stream k needs `kafka:`", NULL},
        {STREAM "  - {name: k, source: x, kafka: {brokers: b, topic: t}}\n", FLOE_NOT_FOUND,
         "a.yaml:4: ", "no source x", NULL},
        {STREAM "  - {name: k, source: t, kafka: {topic: t}}\n", FLOE_INVALID, "a.yaml:4: ", "needs `brokers:`", NULL},
        {STREAM "  - {name: k, source: t, kafka: {brokers: b}}\n", FLOE_INVALID, "a.yaml:4: ", "needs `topic:`", NULL},
        {STREAM "  - {name: k, source: t, kafka: {brokers: b, topic: t, fromat: json}}\n", FLOE_INVALID,
         "a.yaml:4: ", "unknown key `fromat`", "did you mean format?"},
        {STREAM "  - {name: k, source: t, kafka: {brokers: b, topic: t, format: jason}}\n", FLOE_INVALID,
         "a.yaml:4: ", "unknown stream format `jason`", "did you mean json?"},
        {STREAM "  - {name: k, source: t, kafka: {brokers: b, topic: t, format: {json: x}}}\n", FLOE_INVALID,
         "a.yaml:4: ", "unknown stream format", NULL},
        {STREAM "  - {name: k, source: t, kafka: {brokers: b, topic: t, format: avro}}\n", FLOE_UNSUPPORTED,
         "a.yaml:4: ", "stream format avro", "json is"},
        {STREAM "  - name: k\n    source: t\n    kafka:\n      brokers: b\n      topic: t\n"
                "      format: {avro: {registry: \"http://r\"}}\n",
         FLOE_UNSUPPORTED, "a.yaml:9: ", "stream format avro", NULL},
        {STREAM "  - name: k\n    source: t\n    kafka: {brokers: b, topic: t, format: {protobuf: {message: M}}}\n",
         FLOE_UNSUPPORTED, "a.yaml:6: ", "stream format protobuf", NULL},
        {STREAM "  - name: k\n    source: t\n    kafka: {brokers: b, topic: t}\n    land: true\n", FLOE_UNSUPPORTED,
         "a.yaml:7: ", "land: true", NULL},
        {STREAM "  - name: k\n    source: t\n    kafka: {brokers: b, topic: t}\n    dead_letter: t\n", FLOE_INVALID,
         "a.yaml:7: ", "dead_letter is the topic it reads", NULL},
        {STREAM "  - name: k\n    source: t\n    kafka: {brokers: b, topic: t}\n    allowed_lateness: 5\n",
         FLOE_INVALID, "a.yaml:7: ", "needs a unit", NULL},
    };
    CHECK_ERRORS(cases);
}

#define REQUEST HEAD "  - {name: v, entity: e, source: t, features: [{name: f, column: delay}]}\nrequest_features:\n"

/* Lines are counted from the first of REQUEST: the request feature stands at 8. */
static void definitions_load__wrong_request_features__are_refused(void **state) {
    (void)state;
    static const error_case cases[] = {
        {REQUEST "  - {name: r}\n", FLOE_INVALID, "a.yaml:8: ", "request feature r needs `expression:`",
         "needs `type:`"},
        {REQUEST "  - {name: r, expression: 'x >', type: bool}\n", FLOE_INVALID, "a.yaml:8: ", "character 4",
         "found the end"},
        {REQUEST "  - {name: r, expression: '1', type: boool}\n", FLOE_INVALID, "a.yaml:8: ", "boool", "bool"},
        {REQUEST "  - {name: r, expression: '1', type: 'list<int64>'}\n", FLOE_UNSUPPORTED, "a.yaml:8: ", "no lists",
         NULL},
        {REQUEST "  - {name: r, inputs: [x], expression: '1', type: int64}\n", FLOE_INVALID,
         "a.yaml:8: ", "an input must be a mapping", NULL},
        {REQUEST "  - {name: r, inputs: [{name: x}], expression: '1', type: int64}\n", FLOE_INVALID,
         "a.yaml:8: ", "input x has either a type", NULL},
        {REQUEST "  - {name: r, inputs: [{name: x, type: int64, feature: 'v:f'}], expression: '1', type: int64}\n",
         FLOE_INVALID, "a.yaml:8: ", "input x has either a type", NULL},
        {REQUEST "  - {name: r, inputs: [{name: x, feature: 'v'}], expression: '1', type: int64}\n", FLOE_INVALID,
         "a.yaml:8: ", "feature: is view:feature, not v", NULL},
        {REQUEST "  - {name: r, inputs: [{name: x, feature: 'v:g'}], expression: '1', type: int64}\n", FLOE_NOT_FOUND,
         "a.yaml:8: ", "feature view v has no feature g", NULL},
        {REQUEST
         "  - {name: r, inputs: [{name: x, type: int64}, {name: x, type: bool}], expression: '1', type: int64}\n",
         FLOE_INVALID, "a.yaml:8: ", "input x is there twice", NULL},
        {REQUEST
         "  - {name: r, inputs: [{name: x, type: int64}, {name: X, type: int64}], expression: '1', type: int64}\n",
         FLOE_INVALID, "a.yaml:8: ", "input X differs only in case", NULL},
        {REQUEST
         "  - {name: v__F, expression: '1', type: int64}\nfeature_services:\n  - {name: s, features: [v, v__F]}\n",
         FLOE_INVALID, "a.yaml:10: ", "v:f and v__F would be one column, v__F", NULL},
        {REQUEST "  - {name: v, expression: '1', type: int64}\n", FLOE_INVALID,
         "a.yaml:8: ", "has the name of a feature view", NULL},
        {REQUEST "  - {name: r, expression: '1', type: int64}\n  - {name: r, expression: '2', type: int64}\n",
         FLOE_INVALID, "a.yaml:9: ", "request_feature r is defined already", NULL},
        {REQUEST "  - {name: r, inputs: [{name: x, type: int64}], expression: 'x', type: int64}\n"
                 "  - {name: q, inputs: [{name: x, type: double}], expression: 'x', type: double}\n"
                 "feature_services:\n  - {name: s, features: [r, q]}\n",
         FLOE_INVALID, "a.yaml:11: ", "feature service s: two of the request features",
         "one as int64 and one as double"},
        {REQUEST "  - {name: r, expression: '1', type: int64, input: []}\n", FLOE_INVALID,
         "a.yaml:8: ", "unknown key `input`", "did you mean inputs?"},
        {REQUEST "  - {name: r, expression: '1', type: int64}\nfeature_services:\n  - {name: r, features: [v]}\n",
         FLOE_INVALID, "a.yaml:10: ", "has the name of a request feature", NULL},
        {REQUEST
         "  - {name: ratio, expression: '1', type: int64}\nfeature_services:\n  - {name: s, features: [ratoi]}\n",
         FLOE_NOT_FOUND, "a.yaml:10: ", "no feature view and no request feature ratoi", "did you mean ratio?"},
        {REQUEST "  - {name: r, expression: '1', type: int64}\nfeature_services:\n  - {name: s, features: [r, v, r]}\n",
         FLOE_INVALID, "a.yaml:10: ", "r is there twice", NULL},
    };
    CHECK_ERRORS(cases);
}

static void definitions_load__wrong_files__are_refused(void **state) {
    (void)state;
    static const error_case cases[] = {
        {"- a\n", FLOE_INVALID, "a.yaml:1: ", "a file of definitions must be a mapping", "a list"},
        {"5\n", FLOE_INVALID, "a.yaml:1: ", "must be a mapping", "a number"},
        {"entity: []\n", FLOE_INVALID, "a.yaml:1: ", "unknown key `entity`", "entities"},
        {"feature_view:\n  - x\n", FLOE_INVALID, "a.yaml:1: ", "unknown key `feature_view`",
         "did you mean feature_views?"},
        {"entities: [\n", FLOE_INVALID, "features/a.yaml:", "", NULL},
        {"entities:\nentities:\n", FLOE_INVALID, "features/a.yaml:2", "entities", NULL},
        {"entities: &x []\n", FLOE_UNSUPPORTED, "features/a.yaml:1", "anchors", NULL},
        {"sources:\n  - {name: s, table: \"${FLOE_NOT_SET_ANYWHERE}\", event_time: t}\n", FLOE_INVALID,
         "features/a.yaml:2", "FLOE_NOT_SET_ANYWHERE", NULL},
    };
    CHECK_ERRORS(cases);
}

static void definitions_load__file_ending_in_yml__is_not_ignored(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, NULL);
    test_write(project.root, "features/x.yml", "entities:\n");
    assert_code(test_load(&project), FLOE_INVALID);
    assert_message(&project.err, "features/x.yml: ");
    assert_message(&project.err, "rename it");
    test_project_close(&project);
}

static void definitions_load__duplicate_in_another_file__names_both_places(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, "entities:\n  - {name: e, keys: [{name: k, type: string}]}\n");
    test_write(project.root, "features/b.yaml", "\nentities:\n  - {name: e, keys: [{name: k, type: string}]}\n");
    assert_code(test_load(&project), FLOE_INVALID);
    assert_message(&project.err, "features/b.yaml:3: entity e is defined already, at features/a.yaml:2");
    test_project_close(&project);
}

static void definitions_load__findings_of_all_files__come_in_file_order(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, "feature_services:\n  - {name: s, features: [nothing]}\nentities:\n  - {name: 5}\n");
    test_write(project.root, "features/b.yaml", "sources:\n  - {name: s}\n");
    test_write(project.root, "features/0.yaml", "entities: [\n");
    assert_code(test_load(&project), FLOE_INVALID);
    const char *message = project.err.message;
    const char *broken = strstr(message, "features/0.yaml");
    const char *service = strstr(message, "features/a.yaml:2: ");
    const char *entity = strstr(message, "features/a.yaml:4: ");
    const char *source = strstr(message, "features/b.yaml:2: ");
    assert_true(broken == message && service > broken && entity > service && source > entity);
    test_project_close(&project);
}

static void definitions_load__one_mistake__is_not_echoed_by_what_refers_to_it(void **state) {
    (void)state;
    test_project project;
    test_project_open(&project, HEAD "  - name: v\n    entity: e\n    source: t\n"
                                     "    aggregates: [{column: delay, functions: [{percentile: 5}]}]\n"
                                     "request_features:\n  - {name: r}\n"
                                     "feature_services:\n  - {name: s, features: [v, 'v:delay_p50', r]}\n");
    assert_code(test_load(&project), FLOE_INVALID);
    assert_message(&project.err, "percentile");
    assert_message(&project.err, "request feature r needs");
    assert_null(strstr(project.err.message, "feature service"));
    test_project_close(&project);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(definitions_load__wrong_entities__are_refused),
        cmocka_unit_test(definitions_load__wrong_sources__are_refused),
        cmocka_unit_test(definitions_load__wrong_views__are_refused),
        cmocka_unit_test(definitions_load__wrong_aggregates__are_refused),
        cmocka_unit_test(definitions_load__wrong_services_and_streams__are_refused),
        cmocka_unit_test(definitions_load__wrong_request_features__are_refused),
        cmocka_unit_test(definitions_load__wrong_files__are_refused),
        cmocka_unit_test(definitions_load__file_ending_in_yml__is_not_ignored),
        cmocka_unit_test(definitions_load__duplicate_in_another_file__names_both_places),
        cmocka_unit_test(definitions_load__findings_of_all_files__come_in_file_order),
        cmocka_unit_test(definitions_load__one_mistake__is_not_echoed_by_what_refers_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
