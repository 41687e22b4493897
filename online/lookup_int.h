/*
 * A lookup in its phases, alike for blocking and asynchronous stores: begin (check, allocate) → bind (a generation per
 * view) → gets (what to ask the store) → take (one answer, decoded into cells) → finish.
 */
#ifndef FLOE_ONLINE_LOOKUP_INT_H
#define FLOE_ONLINE_LOOKUP_INT_H

#include "online/generation_int.h"

typedef struct floe_plan_column {
    size_t at; /* index of the ref: column of the result */
    const floe_output *output;
    size_t column; /* in the row of its part, for rows of the view's own shape */
} floe_plan_column;

/* The columns asked of one view, by the part they lie in. */
typedef struct floe_plan_columns {
    floe_plan_column *items;
    size_t count;
    size_t capacity;
} floe_plan_columns;

typedef struct floe_plan_view {
    const floe_view *view;
    uint64_t shape;
    floe_plan_columns as_of;
    floe_plan_columns aggregates;
} floe_plan_view;

/* The views of one entity: read together, with one get per entity of the request. */
typedef struct floe_plan_group {
    const floe_entity *entity;
    size_t *keys; /* index of each entity key among the plan's keys */
    floe_plan_view **views;
    size_t view_count;
    size_t view_capacity;
    size_t first_view; /* index of views[0] among all views of the plan */
} floe_plan_group;

/* Where the value of one input of a request feature is. */
typedef struct floe_plan_input {
    bool brought; /* by the request: `at` counts the plan's inputs; else it is a column of the result */
    size_t at;
} floe_plan_input;

/* A request feature, computed once everything else is there. */
typedef struct floe_plan_request {
    size_t at; /* column of the result */
    const floe_request_feature *feature;
    floe_plan_input *inputs;
} floe_plan_request;

struct floe_lookup_plan {
    const floe_ref *refs;
    size_t ref_count;
    size_t column_count; /* ref_count, and behind them what only request features need */
    floe_plan_request *requests;
    size_t request_count;
    size_t request_capacity;
    const floe_column *inputs;
    size_t input_count;
    floe_column *keys;
    size_t key_count;
    size_t key_capacity;
    floe_plan_group *groups;
    size_t group_count;
    size_t group_capacity;
    size_t view_count;
    const floe_ref *first_aggregate; /* NULL: none is asked */
};

#define FLOE_NO_COLUMN SIZE_MAX

/* One view of one lookup. */
typedef struct floe_run_view {
    const floe_plan_view *plan;
    floe_generation *generation; /* held; NULL until bound */
    bool readable;               /* there is a live generation, made of the rows that the definition means */
    size_t as_of_part;           /* among the group's parts, or FLOE_NO_COLUMN */
    size_t aggregates_part;
    size_t *as_of_columns;      /* column of each as-of output in the row, or NULL: as in the plan */
    size_t *aggregates_columns; /* the same for aggregates */
} floe_run_view;

typedef struct floe_lookup_run {
    floe_lookup *lookup;
    floe_run_view *views; /* of all groups, in their order */
    floe_get *gets;
    struct floe_run_get {
        uint32_t group, entity;
    } * origins; /* of each get */
    size_t get_count;
    int64_t now_us;
    floe_buf *scratch; /* for compressed rows; shared by all lookups of a thread */
    floe_buf *key;     /* the same, for encoding keys */
} floe_lookup_run;

/* Checks the lookup and allocates its results and its run in the lookup's arena. Errors: INVALID, UNSUPPORTED,
 * LIMIT. */
floe_status floe_lookup_begin(floe_lookup *lookup, floe_buf *scratch, floe_buf *key, floe_lookup_run **ret_run,
                              floe_error *err);
/* Takes its own hold on the generation. */
floe_status floe_lookup_bind(floe_lookup_run *run, size_t view, floe_generation *generation, floe_error *err);
/* After every view is bound: fills the cells with what holds when nothing is found, and lists what to read. */
floe_status floe_lookup_gets(floe_lookup_run *run, floe_error *err);
floe_status floe_lookup_take(floe_lookup_run *run, size_t get, const floe_str *values, floe_error *err);
/* Computes the request features; then gives the generations back and sets the lookup's status and error. */
void floe_lookup_finish(floe_lookup_run *run, floe_status status, const floe_error *err);

#endif
