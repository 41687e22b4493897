/*
 * A small world for tests of the point-in-time kernel: one source with every kind of column, rows, labels, views, and the
 * slow oracle: for each label a loop over all rows that spells the rule out.
 */
#ifndef FLOE_TESTS_OFFLINE_PIT_WORLD_H
#define FLOE_TESTS_OFFLINE_PIT_WORLD_H

#include "core/arena.h"
#include "offline/pit/pit.h"
#include "tests/support/support.h"

enum {
    WORLD_K1, /* string, key */
    WORLD_K2, /* int64, key */
    WORLD_I,  /* int64 */
    WORLD_D,  /* double */
    WORLD_S,  /* string */
    WORLD_M,  /* decimal(10,2) */
    WORLD_B,  /* bool */
    WORLD_F,  /* float */
    WORLD_J,  /* int32 */
    WORLD_X,  /* bytes */
    WORLD_Y,  /* date */
    WORLD_T,  /* timestamp */
    WORLD_COLUMNS
};

#define WORLD_NULL_TIME INT64_MIN
#define WORLD_NO_END INT64_MAX

typedef struct world_row {
    floe_value cells[WORLD_COLUMNS];
    int64_t event, created, end; /* µs; WORLD_NULL_TIME / WORLD_NO_END: null */
    int64_t seq, pos;
} world_row;

typedef struct world_label {
    floe_value k1, k2;
    int64_t time;
} world_label;

#define WORLD_VIEWS_MAX 4
#define WORLD_OUTPUTS_MAX 64

/* Memory of answers: not floe's, so that a failing allocation of floe's does not hit it. */
typedef struct world_kept {
    _Alignas(max_align_t) struct world_kept *next;
} world_kept;

typedef struct world {
    floe_arena arena;
    world_kept *kept;
    floe_column columns[WORLD_COLUMNS];
    floe_entity single, pair; /* keys: k1; k1 and k2 */
    floe_source source;
    floe_view views[WORLD_VIEWS_MAX];
    floe_output outputs[WORLD_VIEWS_MAX][WORLD_OUTPUTS_MAX];
    size_t view_count;
    world_row *rows;
    size_t row_count, row_room;
    world_label *labels;
    size_t label_count, label_room;
    floe_ref *refs; /* all outputs of all views, or what the test sets */
    size_t ref_count;
} world;

void world_init(world *world);
void world_close(world *world);

/* An empty view over the source; outputs are added in definition order. */
floe_view *world_view(world *world, const char *name, bool pair_keys);
void world_where(world *world, floe_view *view, const char *text);
floe_output *world_output(world *world, floe_view *view, floe_function function, int column, int64_t window_us);

/* Gives a function that takes one its parameter. */
void world_parameter(floe_output *output, uint32_t k, double quantile);

/* A row with these keys and event; other cells null, no created time, no end, positions in order of adding. */
world_row *world_add_row(world *world, const char *k1, int64_t k2, int64_t event);
void world_set_i(world_row *row, int64_t value);
void world_set_d(world_row *row, double value);
void world_set_s(world *world, world_row *row, const char *text);
void world_set_m(world_row *row, int64_t unscaled);
world_label *world_add_label(world *world, const char *k1, int64_t k2, int64_t time);

/* Asks for every output of every view. */
void world_ask_all(world *world);
/* No longer asks for lists, which cannot spill. */
void world_ask_no_lists(world *world);

/* A world drawn from the seed, every output asked for. */
void world_random(world *world, uint64_t seed);

/* The labels as the kernel takes them; `__floe_row` numbers them. Rows order[0…count-1] with the columns of a need. */
floe_status world_labels(const world *world, bool with_row, struct ArrowArrayStream *ret_stream, floe_error *err);
floe_status world_rows(const world *world, const floe_pit_need *need, const size_t *order, size_t count,
                       struct ArrowArrayStream *ret_stream, floe_error *err);
/* Numbers of all rows in an order drawn from the generator; lives as long as the world. */
size_t *world_shuffled(world *world, floe_test_rng *rng);
/* Reads answers, one column per reference: [column * label_count + label]. */
floe_status world_read(world *world, struct ArrowArrayStream *stream, floe_value **ret_answers, floe_error *err);
/* Fails the test, naming seed and cell. `who` says otherwise. */
void world_fail(const world *world, const floe_ref *ref, size_t label, const floe_value *got, const floe_value *want,
                const char *who, uint64_t seed);

/* Runs the kernel; *ret_answers[column * label_count + label], living as long as the world. Rows are fed in an order drawn from
 * the seed and in batches of a random size. */
floe_status world_run(world *world, const floe_pit_options *options, int threads, uint64_t seed,
                      floe_value **ret_answers, floe_pit_stats *ret_stats, floe_error *err);

/* What the rule says: one answer by a loop over all rows. Stddev is computed in long double from the definition. */
void world_oracle(const world *world, const floe_pit_options *options, const floe_ref *ref, size_t label,
                  floe_value *ret_answer);
/* How many answers only file order decided, by a loop over all rows. */
int64_t world_oracle_ties(const world *w, const floe_pit_options *options);

/* The same for the functions after count_distinct, over the rows of the window that have a value (pit_oracle.c). Lists
 * live until the next call. */
void world_oracle_more(const floe_output *output, const world_row *const *rows, int column, size_t count,
                       floe_value *ret_answer);

/* Whether only file order decided what first, last or a list of them takes of these rows, or its order. */
bool world_oracle_ends_tied(const floe_output *output, const world_row *const *rows, size_t count);

/* Whether row a wins over row b: by event, created time (null is the smallest), then file order. */
bool world_beats(const world_row *a, const world_row *b);

/* The number a value stands for. */
long double world_number(const floe_value *value);

/* stddev, variance and their population forms, which the oracle computes from the definition. */
bool world_rounds(floe_function function);

/* Same value, nulls included; doubles by bits but for NaN and zero, those that world_rounds within 1e-12 relative. */
bool world_same(const floe_ref *ref, const floe_value *a, const floe_value *b);

/* Runs and compares every cell with the oracle; fails the test with the seed and the cell. */
void world_check(world *world, const floe_pit_options *options, int threads, uint64_t seed);

#endif
