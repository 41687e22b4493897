/*
 * What the tests of registry share: projects written to a temporary folder, the columns of a few made-up tables, and
 * the way from text to resolved definitions in one call.
 */
#ifndef FLOE_TESTS_REGISTRY_HELPERS_H
#define FLOE_TESTS_REGISTRY_HELPERS_H

#include "registry/registry.h"
#include "tests/support/support.h"

/* A project in a folder of its own: floe.yaml with the catalog `lake`, and features/a.yaml with the text. */
typedef struct test_project {
    floe_arena arena;
    const char *root;
    const floe_project *project;
    floe_definitions *definitions;
    floe_error err;
} test_project;

/* An empty folder that exists. */
const char *test_folder(floe_arena *arena);
/* Writes root/name, making folders. */
void test_write(const char *root, const char *name, const char *text);
/* The text of a file below tests/registry/data. */
const char *test_data(floe_arena *arena, const char *name);

void test_project_open(test_project *project, const char *definitions_yaml);
void test_project_close(test_project *project);

/* The seam to tables, with flights, people, ticks and odd names; every other table is NOT_FOUND. */
extern const floe_schema_resolver test_resolver;

/* floe_definitions_load of what test_project_open wrote, and resolved against test_resolver. */
floe_status test_load(test_project *project);
floe_status test_resolve(test_project *project);

/* The small, valid definitions that most tests start from. */
extern const char test_valid_yaml[];

/* Definitions from text, resolved; any failure fails the test. */
void test_project_resolved(test_project *project, const char *definitions_yaml);

/* A tree as text, one pair of parentheses per node: (= delay:int32 5:int32). Types only when bound. */
const char *test_print_expr(const floe_expr *expr, floe_arena *arena);

#define assert_str(actual, expected) test_check_str((actual), (expected), __FILE__, __LINE__)
void test_check_str(floe_str actual, const char *expected, const char *file, int line);

#endif
