/*
 * Every function, over every type it takes, on each side of every boundary of the rule, by every way that answers: the kernel, with
 * rows that come in the order of their events and with one that is known late, with as-of features alone, with rows in a file, and
 * SQL. Expected values are counted by hand; nothing here computes the rule.
 *
 * A key has three rows well inside of the window, of values 4, 6, 6, and one more, the probe, of value 1 or 9, that stands at the
 * boundary. Another has the probe alone. Wherever it counts it is the oldest or the newest.
 * timeout: 600
 */
#include "core/limits.h"
#include "tests/offline/pit_by_sql.h"

#include <math.h>

#define WIDTH 40 /* of the window, and the ttl, in microseconds */
#define LONG_AGO (-100000)
#define NEVER WORLD_NULL_TIME
#define PROBES 2

typedef enum { OUT, OLDEST, NEWEST } standing;
typedef enum { BOTH, PLAIN, KNOWN } asked; /* with --as-known or without */
typedef enum { PASSES, IS_FALSE, IS_NULL, NO_KEY } filter;

/* The probe's times are relative to the label; an end of NEVER is none. Standings: [0] at_or_before, [1] before. */
typedef struct boundary {
    const char *name;
    asked asked;
    int64_t event, created, end;
    standing in_window[2], ever[2]; /* counts in the window; over all time */
    bool fresh[2], ended[2];        /* for as-of features: within the ttl; its end has come */
    filter filter;
} boundary;

#define NOWHERE                                                                                                        \
    { OUT, OUT }
#define OLD                                                                                                            \
    { OLDEST, OLDEST }
#define NEW                                                                                                            \
    { NEWEST, NEWEST }

static const boundary boundaries[] = {
    {"before the window", BOTH, -41, -41, NEVER, NOWHERE, OLD, {false, false}, {false, false}, PASSES},
    {"start of the window", BOTH, -40, -40, NEVER, {OUT, OLDEST}, OLD, {true, true}, {false, false}, PASSES},
    {"after the start", BOTH, -39, -39, NEVER, OLD, OLD, {true, true}, {false, false}, PASSES},
    {"before the label", BOTH, -1, -1, NEVER, NEW, NEW, {true, true}, {false, false}, PASSES},
    {"at the label", BOTH, 0, 0, NEVER, {NEWEST, OUT}, {NEWEST, OUT}, {true, true}, {false, false}, PASSES},
    {"after the label", BOTH, 1, 1, NEVER, NOWHERE, NOWHERE, {true, true}, {false, false}, PASSES},
    {"long ago", BOTH, LONG_AGO, LONG_AGO, NEVER, NOWHERE, OLD, {false, false}, {false, false}, PASSES},
    {"known at the label", BOTH, -1, 0, NEVER, NEW, NEW, {true, true}, {false, false}, PASSES},
    {"known after the label", KNOWN, -1, 1, NEVER, NOWHERE, NOWHERE, {true, true}, {false, false}, PASSES},
    {"known after, not asked", PLAIN, -1, 1, NEVER, NEW, NEW, {true, true}, {false, false}, PASSES},
    {"never known", KNOWN, -1, NEVER, NEVER, NOWHERE, NOWHERE, {true, true}, {false, false}, PASSES},
    {"never known, not asked", PLAIN, -1, NEVER, NEVER, NEW, NEW, {true, true}, {false, false}, PASSES},
    {"old, known at the label", BOTH, -39, 0, NEVER, OLD, OLD, {true, true}, {false, false}, PASSES},
    {"old, known after it", KNOWN, -39, 1, NEVER, NOWHERE, NOWHERE, {true, true}, {false, false}, PASSES},
    {"gone before it was known", KNOWN, -41, -1, NEVER, NOWHERE, OLD, {false, false}, {false, false}, PASSES},
    {"known before it was", BOTH, 1, -5, NEVER, NOWHERE, NOWHERE, {true, true}, {false, false}, PASSES},
    {"no event time", BOTH, NEVER, -5, NEVER, NOWHERE, NOWHERE, {true, true}, {false, false}, PASSES},
    {"ended before", BOTH, -2, -2, -1, NEW, NEW, {true, true}, {true, true}, PASSES},
    {"ends at the label", BOTH, -2, -2, 0, NEW, NEW, {true, true}, {true, false}, PASSES},
    {"ends after it", BOTH, -2, -2, 1, NEW, NEW, {true, true}, {false, false}, PASSES},
    {"filter is false", BOTH, -1, -1, NEVER, NOWHERE, NOWHERE, {true, true}, {false, false}, IS_FALSE},
    {"filter is null", BOTH, -1, -1, NEVER, NOWHERE, NOWHERE, {true, true}, {false, false}, IS_NULL},
    {"key is null", BOTH, -1, -1, NEVER, NOWHERE, NOWHERE, {true, true}, {false, false}, NO_KEY},
};
#define BOUNDARIES (sizeof(boundaries) / sizeof(boundaries[0]))

/* What a key's rows give: numbers, null, or a list of two. */
typedef struct want {
    bool is_null;
    size_t listed;
    double number, second;
} want;

static want number(double value) {
    return (want){.number = value};
}

static want null(void) {
    return (want){.is_null = true};
}

static want list(double first, double second) {
    return (want){.listed = 2, .number = first, .second = second};
}

/* Of 4, 6, 6; of these and 1; of these and 9: where the order of time plays no part. Variances are nΣx² − (Σx)², which is 3·88 − 16²,
 * 4·89 − 17² and 4·169 − 25², over n (n − 1) or n². */
static const double of_sets[FLOE_FN_END][3] = {
    [FLOE_FN_COUNT] = {3, 4, 4},
    [FLOE_FN_SUM] = {16, 17, 25},
    [FLOE_FN_MEAN] = {16 / 3.0, 17 / 4.0, 25 / 4.0},
    [FLOE_FN_MIN] = {4, 1, 4},
    [FLOE_FN_MAX] = {6, 6, 9},
    [FLOE_FN_VARIANCE] = {8 / 6.0, 67 / 12.0, 51 / 12.0},
    [FLOE_FN_VARIANCE_POP] = {8 / 9.0, 67 / 16.0, 51 / 16.0},
    [FLOE_FN_COUNT_DISTINCT] = {2, 3, 3},
    [FLOE_FN_APPROX_COUNT_DISTINCT] = {2, 3, 3},
    [FLOE_FN_PERCENTILE] = {6, 5, 6}, /* medians */
};

/* Of 4, 6, 6 in this order of time and the probe, 0 where it does not count. */
static want of_several(floe_function function, double probe, bool oldest) {
    size_t set = probe == 0 ? 0 : probe == 1 ? 1 : 2;
    switch (function) {
    case FLOE_FN_STDDEV:
        return number(sqrt(of_sets[FLOE_FN_VARIANCE][set]));
    case FLOE_FN_STDDEV_POP:
        return number(sqrt(of_sets[FLOE_FN_VARIANCE_POP][set]));
    case FLOE_FN_FIRST:
        return number(set && oldest ? probe : 4);
    case FLOE_FN_LAST:
        return number(set && !oldest ? probe : 6);
    case FLOE_FN_FIRST_K:
        return set && oldest ? list(probe, 4) : list(4, 6);
    case FLOE_FN_LAST_K:
        return set && !oldest ? list(probe, 6) : list(6, 6);
    case FLOE_FN_TOP_K:
        return set == 1 ? list(6, 1) : list(6, 4);
    default:
        return number(of_sets[function][set]);
    }
}

/* Of the probe alone, or of nothing. */
static want of_one(floe_function function, double probe) {
    bool counts =
        function == FLOE_FN_COUNT || function == FLOE_FN_COUNT_DISTINCT || function == FLOE_FN_APPROX_COUNT_DISTINCT;
    if (counts) {
        return number(probe != 0);
    }
    if (probe == 0 || function == FLOE_FN_VARIANCE || function == FLOE_FN_STDDEV) {
        return null();
    }
    if (function == FLOE_FN_VARIANCE_POP || function == FLOE_FN_STDDEV_POP) {
        return number(0);
    }
    return floe_function_lists(function) ? (want){.listed = 1, .number = probe} : number(probe);
}

/* The newest row that is visible and, where there is a ttl, fresh; null where its end has come. */
static want as_of(const boundary *b, double probe, bool alone, bool before, bool has_ttl) {
    bool seen = b->ever[before] != OUT && (!has_ttl || b->fresh[before]);
    if (seen && (alone || b->ever[before] == NEWEST)) {
        return b->ended[before] ? null() : number(probe);
    }
    return alone ? null() : number(6);
}

/* ---- the world ---- */

typedef struct setting {
    int column;
    bool before, as_known, late; /* late: a row of each key is known only after the label */
    int64_t time;                /* of all labels */
} setting;

static void put(world *w, world_row *row, int column, double value) {
    floe_type type = w->columns[column].type;
    floe_value cell = {.type = type, .as.integer = (int64_t)value};
    if (type.kind == FLOE_KIND_DECIMAL) {
        cell.as.decimal = (int64_t)value * 100;
    } else if (type.kind == FLOE_KIND_DOUBLE || type.kind == FLOE_KIND_FLOAT) {
        cell.as.real = value;
    } else if (type.kind == FLOE_KIND_STRING || type.kind == FLOE_KIND_BYTES) {
        cell.as.bytes = floe_str_of(floe_arena_printf(&w->arena, "%d", (int)value));
    }
    row->cells[column] = cell;
}

static world_row *add(world *w, const setting *s, const char *key, int64_t event, double value) {
    world_row *row = world_add_row(w, key, 0, event == NEVER ? NEVER : s->time + event);
    row->created = row->event;
    put(w, row, s->column, value);
    return row;
}

static void add_probe(world *w, const setting *s, const boundary *b, const char *key, double value) {
    world_row *row = add(w, s, b->filter == NO_KEY ? NULL : key, b->event, value);
    row->created = b->created == NEVER ? NEVER : s->time + b->created;
    row->end = b->end == NEVER ? WORLD_NO_END : s->time + b->end;
    row->cells[WORLD_K2].as.integer = b->filter == IS_FALSE;
    row->cells[WORLD_K2].is_null = b->filter == IS_NULL;
}

/* Labels 0 and 1 of each boundary: with the other rows, and alone; 2 and 3 so that late rows matter to somebody. */
static void add_boundary(world *w, const setting *s, size_t at, double value) {
    const char *several = floe_arena_printf(&w->arena, "several%zu", at);
    const char *alone = floe_arena_printf(&w->arena, "alone%zu", at);
    static const struct {
        int64_t event;
        double value;
    } inside[] = {{-30, 4}, {-20, 6}, {-10, 6}};
    for (size_t i = 0; i < 3; i++) {
        add(w, s, several, inside[i].event, inside[i].value);
    }
    if (s->late) {
        add(w, s, several, -25, 7)->created = s->time + 5;
        add(w, s, alone, -25, 7)->created = s->time + 5;
    }
    add_probe(w, s, &boundaries[at], several, value);
    add_probe(w, s, &boundaries[at], alone, value);
    for (int64_t later = 0; later <= 10; later += 10) {
        world_add_label(w, several, 0, s->time + later);
        world_add_label(w, alone, 0, s->time + later);
    }
}

static bool takes(const world *w, floe_function function, int column) {
    bool ranks = function == FLOE_FN_COUNT || function == FLOE_FN_MIN || function == FLOE_FN_MAX ||
                 function == FLOE_FN_FIRST || function == FLOE_FN_LAST || function == FLOE_FN_COUNT_DISTINCT ||
                 function == FLOE_FN_APPROX_COUNT_DISTINCT || floe_function_lists(function);
    floe_kind kind = w->columns[column].type.kind;
    return ranks || kind == FLOE_KIND_INT64 || kind == FLOE_KIND_INT32 || kind == FLOE_KIND_DOUBLE ||
           kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DECIMAL;
}

static void add_view(world *w, const setting *s, const char *name, int64_t width) {
    floe_view *view = world_view(w, name, false);
    view->at_before = s->before;
    view->ttl_us = width;
    world_where(w, view, "k2 = 0");
    world_output(w, view, FLOE_FN_NONE, s->column, 0);
    for (floe_function function = FLOE_FN_COUNT; function < FLOE_FN_END; function++) {
        if (takes(w, function, s->column)) {
            world_parameter(world_output(w, view, function, s->column, width), 2, 0.5);
        }
    }
}

static void make(world *w, const setting *s, double value) {
    world_init(w);
    for (size_t i = 0; i < BOUNDARIES; i++) {
        add_boundary(w, s, i, value);
    }
    add_view(w, s, "windowed", WIDTH);
    add_view(w, s, "ever", 0);
    world_ask_all(w);
}

/* ---- comparing ---- */

static double number_of(const floe_value *value) {
    if (value->type.kind == FLOE_KIND_STRING || value->type.kind == FLOE_KIND_BYTES) {
        assert_int_equal(value->as.bytes.len, 1);
        return value->as.bytes.ptr[0] - '0';
    }
    return (double)world_number(value);
}

static bool is_wanted(const floe_value *got, const want *w, bool rounds) {
    if (got->is_null || w->is_null) {
        return got->is_null == w->is_null;
    }
    if (w->listed > 0) {
        const floe_value *items = got->as.list.items;
        return got->as.list.count == w->listed && number_of(&items[0]) == w->number &&
               (w->listed == 1 || number_of(&items[1]) == w->second);
    }
    return fabs(number_of(got) - w->number) <= (rounds ? 1e-15 * w->number : 0);
}

static want wanted(const setting *s, const boundary *b, const floe_ref *ref, double value, bool alone) {
    bool windowed = ref->view->ttl_us > 0;
    standing place = windowed ? b->in_window[s->before] : b->ever[s->before];
    if (ref->output->function == FLOE_FN_NONE) {
        return as_of(b, value, alone, s->before, windowed);
    }
    double probe = place == OUT ? 0 : value;
    return alone ? of_one(ref->output->function, probe) : of_several(ref->output->function, probe, place == OLDEST);
}

static void check(const world *w, const setting *s, const floe_value *answers, double value, const char *who) {
    for (size_t i = 0; i < BOUNDARIES; i++) {
        const boundary *b = &boundaries[i];
        if (b->asked != BOTH && (b->asked == KNOWN) != s->as_known) {
            continue;
        }
        for (size_t r = 0; r < 2 * w->ref_count; r++) {
            const floe_ref *ref = &w->refs[r / 2];
            bool alone = r % 2;
            want expected = wanted(s, b, ref, value, alone);
            const floe_value *got = &answers[r / 2 * w->label_count + 4 * i + alone];
            if (!is_wanted(got, &expected, world_rounds(ref->output->function))) {
                fail_msg("%s: \"%s\"%s, probe %g, column %.*s, %s%s%s: function %d of view %.*s is wrong", who, b->name,
                         alone ? " alone" : "", value, (int)w->columns[s->column].name.len,
                         w->columns[s->column].name.ptr, s->before ? "before" : "at_or_before",
                         s->as_known ? ", as known" : "", s->late ? ", late" : "", (int)ref->output->function,
                         (int)ref->view->about.name.len, ref->view->about.name.ptr);
            }
        }
    }
}

/* A question of as-of features alone is answered from one row per label (rows/slots.c). */
static void ask_as_of_alone(world *w) {
    size_t kept = 0;
    for (size_t i = 0; i < w->ref_count; i++) {
        if (w->refs[i].output->function == FLOE_FN_NONE) {
            w->refs[kept++] = w->refs[i];
        }
    }
    w->ref_count = kept;
}

static void check_all_ways(sql_fixture *fixture, const setting *s) {
    static const double probes[PROBES] = {1, 9};
    for (size_t i = 0; i < PROBES; i++) {
        floe_error err = {0};
        floe_value *answers;
        int64_t ties;
        world w;
        make(&w, s, probes[i]);
        floe_pit_options options = {.as_known = s->as_known};
        assert_ok(world_run(&w, &options, 1 + s->column % 4, 1 + (uint64_t)s->column, &answers, NULL, &err), &err);
        check(&w, s, answers, probes[i], "the kernel");
        assert_ok(world_by_sql(&w, fixture, &options, 2, &answers, &ties, &err), &err);
        check(&w, s, answers, probes[i], "SQL");
        world_ask_no_lists(&w);
        options.spill_folder = fixture->folder;
        options.memory_bytes = s->column % 2 ? 0 : FLOE_GIB(1);
        assert_ok(world_run(&w, &options, 2, 3, &answers, NULL, &err), &err);
        check(&w, s, answers, probes[i], "the kernel that spills");
        ask_as_of_alone(&w);
        options.spill_folder = NULL;
        assert_ok(world_run(&w, &options, 2, 4, &answers, NULL, &err), &err);
        check(&w, s, answers, probes[i], "the kernel without windows");
        world_close(&w);
    }
}

/* Around 1970, and in the first and the last year that there is. */
static const int64_t times[] = {1000, -1, INT64_C(253402300799999980), -INT64_C(62135596799900000)};

static void check_modes(sql_fixture *fixture, int column) {
    for (int mode = 0; mode < 6; mode++) {
        setting s = {.column = column, .before = mode % 2, .as_known = mode >= 2, .late = mode >= 4};
        s.time = times[(column + mode / 2) % 4];
        check_all_ways(fixture, &s);
    }
}

static void boundaries__every_function_of_numbers__stands_on_both_sides(void **state) {
    static const int columns[] = {WORLD_I, WORLD_D, WORLD_M, WORLD_F, WORLD_J};
    for (size_t i = 0; i < 5; i++) {
        check_modes(*state, columns[i]);
    }
}

static void boundaries__every_function_of_other_values__stands_on_both_sides(void **state) {
    static const int columns[] = {WORLD_S, WORLD_X, WORLD_Y, WORLD_T};
    for (size_t i = 0; i < 4; i++) {
        check_modes(*state, columns[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boundaries__every_function_of_numbers__stands_on_both_sides),
        cmocka_unit_test(boundaries__every_function_of_other_values__stands_on_both_sides),
    };
    return cmocka_run_group_tests(tests, sql_fixture_set_up, sql_fixture_tear_down);
}
