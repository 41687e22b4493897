/*
 * The content hash of rows that are given by pieces is that of the same rows from a stream, with the same statistics, whatever
 * the number of threads: of every type, beside a hash that is known, and of as many rows as lie around the ends of stretches and pieces.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "tests/support/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS_MAX 30

/* Rows of cells that a generator drew. */
typedef struct rows {
    floe_arena arena;
    floe_column columns[COLUMNS_MAX];
    size_t column_count;
    int64_t count, at;
    floe_value *cells;
    int64_t fail_at; /* -1: never */
} rows;

static const floe_type TYPES[] = {
    {.kind = FLOE_KIND_INT64},     {.kind = FLOE_KIND_DOUBLE}, {.kind = FLOE_KIND_STRING},
    {.kind = FLOE_KIND_BOOL},      {.kind = FLOE_KIND_INT32},  {.kind = FLOE_KIND_DECIMAL, .precision = 9, .scale = 2},
    {.kind = FLOE_KIND_TIMESTAMP}, {.kind = FLOE_KIND_BYTES},  {.kind = FLOE_KIND_FLOAT},
    {.kind = FLOE_KIND_DATE}};

static floe_value draw(rows *r, floe_type type, floe_test_rng *rng) {
    floe_value value = {.type = type, .is_null = floe_test_below(rng, 9) == 0};
    int64_t number = floe_test_between(rng, -2000, 2000);
    char text[24];
    snprintf(text, sizeof(text), "text %d", (int)floe_test_below(rng, 300));
    switch (type.kind) {
    case FLOE_KIND_FLOAT:
    case FLOE_KIND_DOUBLE:
        value.as.real = number == 7 ? NAN : number == 8 ? INFINITY : number == 9 ? -0.0 : (double)number / 16;
        break;
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES:
        value.as.bytes = floe_str_of(floe_arena_strdup(&r->arena, text));
        break;
    case FLOE_KIND_DECIMAL:
        value.as.decimal = number;
        break;
    case FLOE_KIND_BOOL:
        value.as.boolean = number > 0;
        break;
    default:
        value.as.integer = number;
        break;
    }
    return value;
}

static void rows_draw(rows *r, int64_t count, size_t columns, floe_test_rng *rng) {
    *r = (rows){.count = count, .column_count = columns, .fail_at = -1};
    floe_arena_init(&r->arena, FLOE_GIB(1));
    for (size_t i = 0; i < columns; i++) {
        r->columns[i] =
            (floe_column){floe_str_of(floe_arena_printf(&r->arena, "c%zu", i)), TYPES[floe_test_below(rng, 10)]};
    }
    r->cells = floe_arena_alloc(&r->arena, (size_t)count * columns + 1, sizeof(*r->cells));
    for (size_t i = 0; i < (size_t)count * columns; i++) {
        r->cells[i] = draw(r, r->columns[i % columns].type, rng);
    }
}

static floe_status batch_of(const rows *r, const floe_row_piece *piece, struct ArrowArray *ret_batch, floe_error *err) {
    floe_arrow_builder *builder = NULL;
    FLOE_TRY(floe_arrow_builder_open(r->columns + piece->first_column, piece->column_count, &builder, err));
    floe_status status = FLOE_OK;
    for (int64_t i = piece->first_row; i < piece->first_row + piece->row_count && !floe_failed(status); i++) {
        status =
            i == r->fail_at
                ? FLOE_FAIL(err, FLOE_CONFLICT, "row %d is not to be had", (int)i)
                : floe_arrow_builder_row(builder, &r->cells[(size_t)i * r->column_count + piece->first_column], err);
    }
    status = floe_failed(status) ? status : floe_arrow_builder_finish(builder, ret_batch, err);
    floe_arrow_builder_close(&builder);
    return status;
}

static floe_status give(void *context, const floe_row_piece *piece, struct ArrowArray *ret_batch, floe_error *err) {
    return batch_of(context, piece, ret_batch, err);
}

/* ---- as a stream, in batches of an odd size ---- */

static floe_status stream_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    const rows *r = context;
    return floe_arrow_schema_make(r->columns, r->column_count, ret_schema, err);
}

static floe_status stream_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    rows *r = context;
    int64_t left = r->count - r->at, some = left < 777 ? left : 777;
    ret_batch->release = NULL;
    if (some == 0) {
        return FLOE_OK;
    }
    const floe_row_piece piece = {0, r->column_count, r->at, some};
    r->at += some;
    return batch_of(r, &piece, ret_batch, err);
}

static void stream_close(void *context) {
    (void)context;
}

static void hash_stream(rows *r, const content_hash *beside, bool with_stats, floe_arena *arena,
                        content_hash *ret_hash) {
    static const floe_stream_source source = {stream_schema, stream_next, stream_close};
    floe_error err = {0};
    FLOE_AUTO_STREAM stream = {0};
    r->at = 0;
    assert_ok(floe_arrow_stream_make(&source, r, &stream, &err), &err);
    assert_ok(floe_content_hash(&stream, beside, with_stats, arena, ret_hash, &err), &err);
}

/* Half of the tables cost when they are read, which must not show. */
static floe_row_giver giver_of(rows *r) {
    return (floe_row_giver){r, r->columns, r->column_count, r->count, give, r->count % 2 == 0};
}

static void print_stats(const content_hash *hash, floe_buf *out) {
    for (size_t i = 0; i < hash->column_count; i++) {
        floe_json_writer json = floe_json_writer_of(out);
        floe_json_object_begin(&json);
        floe_stats_print(&hash->stats[i], &json);
        floe_json_object_end(&json);
    }
}

/* Some pieces are read for another purpose, in any order, some twice, some beside the stretches' bounds; of some columns. */
static void hash_on_the_way(rows *r, const content_hash *before, uint64_t seed, floe_arena *arena,
                            content_hash *ret_hash) {
    FLOE_CLEANUP(floe_given_hash_close) given_hash given = {0};
    floe_test_rng rng = floe_test_rng_of(seed);
    floe_row_giver giver = giver_of(r);
    floe_error err = {0};
    assert_ok(floe_given_hash_open(&giver, 2, &given, &err), &err);
    for (size_t i = 0; i < 6 && r->count > 0; i++) {
        FLOE_AUTO_ARRAY batch = {0};
        int64_t first = (int64_t)floe_test_below(&rng, (uint64_t)r->count);
        first -= i % 2 == 0 ? first % 1024 : 0;
        int64_t some = 1 + (int64_t)floe_test_below(&rng, (uint64_t)(r->count - first));
        size_t column = floe_test_below(&rng, r->column_count);
        const floe_row_piece piece = {column, 1 + floe_test_below(&rng, r->column_count - column), first, some};
        assert_ok(batch_of(r, &piece, &batch, &err), &err);
        assert_ok(floe_given_hash_take(&given, &piece, &batch, &err), &err);
    }
    assert_ok(floe_given_hash_end(&given, before, arena, ret_hash, &err), &err);
}

static void check(rows *r, rows *before, int threads, uint64_t seed) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF a, b;
    floe_error err = {0};
    content_hash known, want, got;
    floe_arena_init(&arena, FLOE_GIB(1));
    floe_buf_init(&a, FLOE_MIB(16));
    floe_buf_init(&b, FLOE_MIB(16));
    floe_row_giver giver = giver_of(r);
    if (before) {
        hash_stream(before, NULL, false, &arena, &known);
    }
    hash_stream(r, before ? &known : NULL, true, &arena, &want);
    assert_ok(floe_content_hash_given(&giver, threads, before ? &known : NULL, &arena, &got, &err), &err);
    content_hash on_the_way;
    FLOE_AUTO_BUF c;
    floe_buf_init(&c, FLOE_MIB(16));
    hash_on_the_way(r, before ? &known : NULL, seed, &arena, &on_the_way);
    print_stats(&want, &a);
    print_stats(&got, &b);
    print_stats(&on_the_way, &c);
    assert_string_equal(on_the_way.hex, want.hex);
    assert_int_equal(c.len, a.len);
    assert_memory_equal(c.ptr, a.ptr, a.len);
    bool same = strcmp(want.hex, got.hex) == 0 && want.row_count == got.row_count && a.len == b.len &&
                memcmp(a.ptr, b.ptr, a.len) == 0;
    if (!same) {
        fail_msg("seed %llu, %lld rows, %d threads: %s and %s\n%.500s\n%.500s", (unsigned long long)seed,
                 (long long)r->count, threads, want.hex, got.hex, a.ptr, b.ptr);
    }
}

static void given__rows_around_stretches_and_pieces__hash_as_a_stream(void **state) {
    (void)state;
    static const int64_t counts[] = {0, 1, 1023, 1024, 1025, 2048, 4095, 4096, 4097, 5119, 5120, 5121, 9000};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        floe_test_rng rng = floe_test_rng_of(i + 1);
        rows r, before;
        rows_draw(&r, counts[i], 3 + i, &rng);
        rows_draw(&before, counts[i], 2, &rng);
        check(&r, NULL, 1 + (int)(i % 4), i);
        check(&r, &before, 3, i);
        floe_arena_close(&r.arena);
        floe_arena_close(&before.arena);
    }
}

static void given__columns_of_any_types__hash_as_a_stream_by_any_threads(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 25; seed++) {
        floe_test_rng rng = floe_test_rng_of(seed);
        rows r;
        rows_draw(&r, 4097 + floe_test_between(&rng, 0, 3000), 1 + floe_test_below(&rng, COLUMNS_MAX), &rng);
        for (int threads = 1; threads <= 8; threads += 1 + (int)floe_test_below(&rng, 4)) {
            check(&r, NULL, threads, seed);
        }
        floe_arena_close(&r.arena);
    }
}

/* A hash that does not tell one cell from another would pass the tests above. */
static void given__one_cell_changes__is_another_hash(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(5);
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(1));
    rows r;
    rows_draw(&r, 9000, 12, &rng);
    floe_row_giver giver = giver_of(&r);
    content_hash first, other;
    floe_error err = {0};
    assert_ok(floe_content_hash_given(&giver, 2, NULL, &arena, &first, &err), &err);
    for (int i = 0; i < 20; i++) {
        floe_value *cell = &r.cells[floe_test_below(&rng, 9000 * 12)];
        cell->is_null = !cell->is_null;
        assert_ok(floe_content_hash_given(&giver, 2, NULL, &arena, &other, &err), &err);
        assert_string_not_equal(first.hex, other.hex);
        cell->is_null = !cell->is_null;
    }
    floe_arena_close(&r.arena);
}

static void given__giver_fails__is_its_failure(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(6);
    for (int threads = 1; threads <= 4; threads++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_GIB(1));
        rows r;
        rows_draw(&r, 9000, 12, &rng);
        r.fail_at = 8999;
        floe_row_giver giver = giver_of(&r);
        content_hash hash;
        floe_error err = {0};
        assert_int_equal(floe_content_hash_given(&giver, threads, NULL, &arena, &hash, &err).code, FLOE_CONFLICT);
        assert_non_null(strstr(err.message, "row 8999 is not to be had"));
        floe_arena_close(&r.arena);
    }
}

static void given__other_number_of_rows_than_beside__is_refused(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(8);
    static const int64_t counts[] = {999, 1001, 2500};
    for (size_t i = 0; i < 3; i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_GIB(1));
        rows r, before;
        rows_draw(&r, counts[i], 2, &rng);
        rows_draw(&before, 1000, 2, &rng);
        content_hash known, hash;
        floe_error err = {0};
        hash_stream(&before, NULL, false, &arena, &known);
        floe_row_giver giver = giver_of(&r);
        assert_int_equal(floe_content_hash_given(&giver, 2, &known, &arena, &hash, &err).code, FLOE_INTERNAL);
        floe_arena_close(&r.arena);
        floe_arena_close(&before.arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(given__rows_around_stretches_and_pieces__hash_as_a_stream),
        cmocka_unit_test(given__columns_of_any_types__hash_as_a_stream_by_any_threads),
        cmocka_unit_test(given__one_cell_changes__is_another_hash),
        cmocka_unit_test(given__giver_fails__is_its_failure),
        cmocka_unit_test(given__other_number_of_rows_than_beside__is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
