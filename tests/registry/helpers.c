/*
 * Helpers of the tests of registry.
 */
#include "tests/registry/helpers.h"

#include "core/file.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

static const floe_column flights[] = {
    {FLOE_STR("date"), {.kind = FLOE_KIND_TIMESTAMP}},
    {FLOE_STR("known_at"), {.kind = FLOE_KIND_TIMESTAMP}},
    {FLOE_STR("delay"), {.kind = FLOE_KIND_INT32}},
    {FLOE_STR("distance"), {.kind = FLOE_KIND_DOUBLE}},
    {FLOE_STR("origin"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("destination"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("cancelled"), {.kind = FLOE_KIND_BOOL}},
    {FLOE_STR("valid_to"), {.kind = FLOE_KIND_DATE}},
    {FLOE_STR("price"), {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
    {FLOE_STR("crew"), {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}},
};

/* A second table, whose key is an int32 and one of whose columns has a type that floe does not know. */
static const floe_column people[] = {
    {FLOE_STR("id"), {.kind = FLOE_KIND_INT32}},    {FLOE_STR("born"), {.kind = FLOE_KIND_DATE}},
    {FLOE_STR("shape"), {.kind = FLOE_KIND_NONE}},  {FLOE_STR("height"), {.kind = FLOE_KIND_FLOAT}},
    {FLOE_STR("photo"), {.kind = FLOE_KIND_BYTES}}, {FLOE_STR("big"), {.kind = FLOE_KIND_INT64}},
};

/* A third: times in nanoseconds, without a zone and with one, and decimals that may be keys. */
static const floe_column ticks[] = {
    {FLOE_STR("k"), {.kind = FLOE_KIND_STRING}},
    {FLOE_STR("ts"), {.kind = FLOE_KIND_NONE, .scale = 9}},
    {FLOE_STR("zoned"), {.kind = FLOE_KIND_NONE, .precision = 1, .scale = 9}},
    {FLOE_STR("price"), {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
    {FLOE_STR("v"), {.kind = FLOE_KIND_INT64}},
};

/* A fourth, whose columns an engine that knows no case cannot tell apart, or takes for floe's own. */
static const floe_column odd[] = {
    {FLOE_STR("origin"), {.kind = FLOE_KIND_STRING}},    {FLOE_STR("date"), {.kind = FLOE_KIND_TIMESTAMP}},
    {FLOE_STR("delay"), {.kind = FLOE_KIND_INT32}},      {FLOE_STR("Delay"), {.kind = FLOE_KIND_INT32}},
    {FLOE_STR("__floe_seq"), {.kind = FLOE_KIND_INT64}}, {FLOE_STR("__seq"), {.kind = FLOE_KIND_INT64}},
};

static floe_status columns_of(void *context, floe_str table, floe_arena *arena, const floe_column **ret_columns,
                              size_t *ret_count, floe_error *err) {
    (void)context;
    (void)arena;
    if (floe_str_is(table, "lake.aviation.flights")) {
        *ret_columns = flights;
        *ret_count = sizeof flights / sizeof *flights;
        return FLOE_OK;
    }
    if (floe_str_is(table, "lake.hr.people")) {
        *ret_columns = people;
        *ret_count = sizeof people / sizeof *people;
        return FLOE_OK;
    }
    if (floe_str_is(table, "lake.fine.ticks")) {
        *ret_columns = ticks;
        *ret_count = sizeof ticks / sizeof *ticks;
        return FLOE_OK;
    }
    if (floe_str_is(table, "lake.odd.names")) {
        *ret_columns = odd;
        *ret_count = sizeof odd / sizeof *odd;
        return FLOE_OK;
    }
    return FLOE_FAIL(err, FLOE_NOT_FOUND, "there is no table %.*s", FLOE_STR_ARG(table));
}

const floe_schema_resolver test_resolver = {.columns = columns_of};

const char test_valid_yaml[] = "entities:\n"                                                          /* line 1 */
                               "  - {name: airport, keys: [{name: origin, type: string}]}\n"          /* 2 */
                               "sources:\n"                                                           /* 3 */
                               "  - name: flights\n"                                                  /* 4 */
                               "    table: lake.aviation.flights\n"                                   /* 5 */
                               "    event_time: date\n"                                               /* 6 */
                               "    created_time: known_at\n"                                         /* 7 */
                               "feature_views:\n"                                                     /* 8 */
                               "  - name: delays\n"                                                   /* 9 */
                               "    description: How late.\n"                                         /* 10 */
                               "    entity: airport\n"                                                /* 11 */
                               "    source: flights\n"                                                /* 12 */
                               "    where: delay IS NOT NULL\n"                                       /* 13 */
                               "    ttl: 90d\n"                                                       /* 14 */
                               "    at: before\n"                                                     /* 15 */
                               "    features:\n"                                                      /* 16 */
                               "      - {name: last_delay, column: delay}\n"                          /* 17 */
                               "    aggregates:\n"                                                    /* 18 */
                               "      - {column: delay, functions: [mean, max], windows: [1d, 7d]}\n" /* 19 */
                               "      - {column: '*', functions: [count]}\n"                          /* 20 */
                               "feature_services:\n"                                                  /* 21 */
                               "  - {name: model, features: [delays]}\n";                             /* 22 */

const char *test_folder(floe_arena *arena) {
    static int number = 0;
    const char *folder = floe_arena_printf(arena, "%s/p%d", floe_test_temp_dir(), number++);
    assert_ok(floe_file_mkdirs(folder, NULL), NULL);
    return folder;
}

void test_write(const char *root, const char *name, const char *text) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, 1 << 20);
    const char *path = floe_path_join(&arena, root, name);
    assert_ok(floe_file_mkdirs(floe_path_dirname(&arena, path), NULL), NULL);
    floe_error err = {0};
    assert_ok(floe_file_write(path, floe_str_of(text), false, &err), &err);
}

const char *test_data(floe_arena *arena, const char *name) {
    const char *root = getenv("FLOE_ROOT");
    const char *path = floe_arena_printf(arena, "%s/tests/registry/data/%s", root != NULL ? root : ".", name);
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_MIB(1));
    floe_error err = {0};
    assert_ok(floe_file_read(path, &text, &err), &err);
    return floe_arena_strndup(arena, text.ptr, text.len);
}

void test_project_open(test_project *project, const char *definitions_yaml) {
    *project = (test_project){0};
    floe_arena_init(&project->arena, FLOE_LIMIT_PROJECT_ARENA);
    project->root = test_folder(&project->arena);
    test_write(project->root, "floe.yaml",
               "project: test\ncatalogs:\n  lake: {type: directory, warehouse: ./lakehouse}\n");
    if (definitions_yaml != NULL) {
        test_write(project->root, "features/a.yaml", definitions_yaml);
    }
    assert_ok(floe_project_load(project->root, &project->arena, &project->project, &project->err), &project->err);
}

void test_project_close(test_project *project) {
    floe_arena_close(&project->arena);
}

floe_status test_load(test_project *project) {
    return floe_definitions_load(project->project, &project->arena, &project->definitions, &project->err);
}

floe_status test_resolve(test_project *project) {
    FLOE_TRY(test_load(project));
    return floe_definitions_resolve(project->definitions, &test_resolver, &project->arena, &project->err);
}

void test_project_resolved(test_project *project, const char *definitions_yaml) {
    test_project_open(project, definitions_yaml);
    assert_ok(test_resolve(project), &project->err);
}

void test_check_str(floe_str actual, const char *expected, const char *file, int line) {
    if (!floe_str_is(actual, expected)) {
        print_error("\"%.*s\" is not \"%s\"\n", FLOE_STR_ARG(actual), expected);
        _fail(file, line);
    }
}

/* ---- trees as text ---- */

static const char *op_name(floe_expr_op op) {
    static const char *const names[] = {
        [FLOE_EXPR_LITERAL] = "lit", [FLOE_EXPR_COLUMN] = "col",     [FLOE_EXPR_EQ] = "=",
        [FLOE_EXPR_NE] = "<>",       [FLOE_EXPR_LT] = "<",           [FLOE_EXPR_LE] = "<=",
        [FLOE_EXPR_GT] = ">",        [FLOE_EXPR_GE] = ">=",          [FLOE_EXPR_IN] = "in",
        [FLOE_EXPR_LIKE] = "like",   [FLOE_EXPR_IS_NULL] = "isnull", [FLOE_EXPR_NOT] = "not",
        [FLOE_EXPR_AND] = "and",     [FLOE_EXPR_OR] = "or"};
    return names[op];
}

static void print_leaf(const floe_expr *expr, floe_buf *out) {
    char type[FLOE_TYPE_NAME_MAX];
    if (expr->op == FLOE_EXPR_COLUMN) {
        floe_buf_str(out, expr->column);
    } else if (expr->literal.is_null) {
        floe_buf_text(out, "null");
    } else {
        floe_value_print(&expr->literal, out);
    }
    if (expr->type.kind != FLOE_KIND_NONE) {
        floe_buf_printf(out, ":%s", floe_type_name(expr->type, type));
    }
}

static void print_node(const floe_expr *expr, floe_buf *out) {
    if (expr->op == FLOE_EXPR_LITERAL || expr->op == FLOE_EXPR_COLUMN) {
        print_leaf(expr, out);
        return;
    }
    floe_buf_printf(out, "(%s", op_name(expr->op));
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        floe_buf_byte(out, ' ');
        print_node(expr->args[i], out);
    }
    floe_buf_byte(out, ')');
}

const char *test_print_expr(const floe_expr *expr, floe_arena *arena) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    print_node(expr, &out);
    return floe_arena_strndup(arena, out.ptr, out.len);
}
