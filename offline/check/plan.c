/*
 * How many rows a query's plan makes at most in one step, by the engine's own estimates.
 *
 * The engine gives a product of two inputs no number, and one of its own guess to joins that compare every pair, so those count
 * for the product of their inputs. What has no number passes its inputs' on. A plan may be deeper than a document from outside,
 * so it is read as it goes by: its objects are steps, "children" of one another, and of each an "extra_info" that holds the
 * estimate.
 */
#include "offline/check/check_int.h"

#include <string.h>

#define DEPTH_MAX 4000 /* deeper queries are not parsed */

typedef struct plan_step {
    bool is_info;
    bool pairs_all; /* compares every row of one input with every row of the other */
    double own, product, most;
    size_t inputs;
} plan_step;

typedef struct plan_reader {
    floe_str text;
    size_t at;
    plan_step *steps;
    size_t depth;
    floe_str key; /* of the value that comes */
    double largest;
} plan_reader;

/* The text between the quotes at `at`, with its escapes, which no name and no number has. */
static floe_str take_text(plan_reader *reader) {
    size_t first = ++reader->at;
    while (reader->at < reader->text.len && reader->text.ptr[reader->at] != '"') {
        reader->at += reader->text.ptr[reader->at] == '\\' ? 2 : 1;
    }
    size_t end = reader->at < reader->text.len ? reader->at : reader->text.len;
    reader->at++;
    return (floe_str){reader->text.ptr + first, end - first};
}

static double number_in(floe_str text) {
    double number = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        number = c >= '0' && c <= '9' ? number * 10 + (c - '0') : number;
    }
    return number;
}

static bool is_key(const plan_reader *reader) {
    size_t at = reader->at;
    while (at < reader->text.len && strchr(" \t\r\n", reader->text.ptr[at]) != NULL) {
        at++;
    }
    return at < reader->text.len && reader->text.ptr[at] == ':';
}

static void note(plan_reader *reader, floe_str value) {
    plan_step *step = reader->depth > 0 ? &reader->steps[reader->depth - 1] : NULL;
    if (step && step->is_info && floe_str_is(reader->key, "Estimated Cardinality")) {
        step->own = number_in(value);
    } else if (step && !step->is_info && floe_str_is(reader->key, "name")) {
        value = floe_str_trim(value);
        step->pairs_all = floe_str_is(value, "CROSS_PRODUCT") || floe_str_is(value, "NESTED_LOOP_JOIN") ||
                          floe_str_is(value, "BLOCKWISE_NL_JOIN");
    }
}

static double rows_of(const plan_step *step) {
    double rows = step->own > 0 ? step->own : step->most;
    return step->pairs_all && step->inputs > 1 && step->product > rows ? step->product : rows;
}

/* A step ends: its rows go into the one that it is an input of, and an estimate to the step that it is of. */
static void end_step(plan_reader *reader) {
    const plan_step *step = &reader->steps[--reader->depth];
    plan_step *above = reader->depth > 0 ? &reader->steps[reader->depth - 1] : NULL;
    double rows = rows_of(step);
    if (step->is_info) {
        above->own = step->own;
        return;
    }
    reader->largest = rows > reader->largest ? rows : reader->largest;
    if (above) {
        above->product *= rows > 1 ? rows : 1;
        above->most = rows > above->most ? rows : above->most;
        above->inputs++;
    }
}

floe_status floe_plan_rows(floe_str plan, floe_arena *arena, int64_t *ret_rows, floe_error *err) {
    plan_reader reader = {.text = plan, .steps = floe_arena_alloc(arena, DEPTH_MAX, sizeof(plan_step))};
    FLOE_TRY(floe_arena_check(arena, err));
    while (reader.at < plan.len) {
        char c = plan.ptr[reader.at];
        if (c == '"') {
            floe_str text = take_text(&reader);
            if (is_key(&reader)) {
                reader.key = text;
            } else {
                note(&reader, text);
            }
            continue;
        }
        if (c == '{') {
            FLOE_ENSURE(reader.depth < DEPTH_MAX, err, FLOE_LIMIT, "the query's plan has more than %d levels",
                        DEPTH_MAX);
            bool is_info = reader.depth > 0 && floe_str_is(reader.key, "extra_info");
            reader.steps[reader.depth++] = (plan_step){.is_info = is_info, .product = 1};
            reader.key = (floe_str){0};
        } else if (c == '}' && reader.depth > 0) {
            end_step(&reader);
        }
        reader.at++;
    }
    *ret_rows = reader.largest < (double)INT64_MAX ? (int64_t)reader.largest : INT64_MAX;
    return FLOE_OK;
}
