/* core/arrow_build and core/arrow_schema: schemas made, copied and taken apart; rows built and read back. */
#include "tests/core/values.h"
#include "tests/support/support.h"

#include "core/arrow.h"
#include "core/mem.h"

#include <math.h>
#include <stdio.h>

#define AUTO_BUILDER FLOE_CLEANUP(floe_arrow_builder_close) floe_arrow_builder

static const floe_column three_columns[] = {
    {.name = {"id", 2}, .type = {.kind = FLOE_KIND_INT64}},
    {.name = {"price", 5}, .type = {.kind = FLOE_KIND_DECIMAL, .precision = 10, .scale = 2}},
    {.name = {"tags", 4}, .type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}},
};

/* Formats and the nullable flag (2) as in apache/arrow, docs/source/format/CDataInterface.rst. */
static void schema_make__layout__is_that_of_the_interface(void **state) {
    (void)state;
    FLOE_AUTO_SCHEMA schema = {0};
    floe_error err = {0};
    assert_ok(floe_arrow_schema_make(three_columns, 3, &schema, &err), &err);
    assert_string_equal(schema.format, "+s");
    assert_int_equal(schema.n_children, 3);
    assert_string_equal(schema.children[0]->name, "id");
    assert_string_equal(schema.children[0]->format, "l");
    assert_int_equal(schema.children[0]->flags, 2);
    assert_string_equal(schema.children[1]->format, "d:10,2");
    assert_string_equal(schema.children[2]->format, "+l");
    assert_int_equal(schema.children[2]->n_children, 1);
    assert_string_equal(schema.children[2]->children[0]->format, "u");
    assert_string_equal(schema.children[2]->children[0]->name, "item");
    assert_null(schema.children[0]->dictionary);
    assert_null(schema.metadata);
}

static void schema_make__every_type__is_read_back(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 500; i++) {
        floe_column column = {.name = FLOE_STR("c"), .type = random_type(&rng, true)};
        FLOE_AUTO_SCHEMA schema = {0};
        floe_type type = {0};
        assert_ok(floe_arrow_schema_make(&column, 1, &schema, NULL), NULL);
        assert_ok(floe_arrow_type(schema.children[0], &type, NULL), NULL);
        assert_true(floe_type_equal(type, column.type));
    }
}

static void schema_make__no_columns__is_an_empty_struct(void **state) {
    (void)state;
    FLOE_AUTO_SCHEMA schema = {0};
    assert_ok(floe_arrow_schema_make(NULL, 0, &schema, NULL), NULL);
    assert_int_equal(schema.n_children, 0);
    assert_int_equal(floe_arrow_find(&schema, FLOE_STR("x")), -1);
}

static void find__exact_name_only(void **state) {
    (void)state;
    FLOE_AUTO_SCHEMA schema = {0};
    assert_ok(floe_arrow_schema_make(three_columns, 3, &schema, NULL), NULL);
    assert_int_equal(floe_arrow_find(&schema, FLOE_STR("tags")), 2);
    assert_int_equal(floe_arrow_find(&schema, FLOE_STR("id")), 0);
    assert_int_equal(floe_arrow_find(&schema, FLOE_STR("ID")), -1);
    assert_int_equal(floe_arrow_find(&schema, FLOE_STR("tag")), -1);
    assert_int_equal(floe_arrow_find(&schema, FLOE_STR("")), -1);
}

/* The interface lets a consumer move a child out (copy it and mark the original released), then release the parent. */
static void schema_release__child_moved_out__lives_on(void **state) {
    (void)state;
    struct ArrowSchema schema = {0};
    assert_ok(floe_arrow_schema_make(three_columns, 3, &schema, NULL), NULL);
    FLOE_AUTO_SCHEMA child = *schema.children[2];
    schema.children[2]->release = NULL;
    floe_arrow_schema_release(&schema);
    assert_null(schema.release);
    assert_string_equal(child.name, "tags");
    assert_string_equal(child.children[0]->format, "u");
    floe_arrow_schema_release(&schema);
}

/* Metadata {"k": "value"}: a count of 1, then lengths and bytes. */
static void schema_copy__flags_metadata_and_dictionary__are_copied(void **state) {
    (void)state;
    struct {
        int32_t count;
        int32_t key_len;
        char key[4];
        int32_t value_len;
        char value[4];
    } metadata = {1, 4, {'k', 'e', 'y', '1'}, 4, {'v', 'a', 'l', '1'}};
    struct ArrowSchema words = {.format = "u", .name = ""};
    struct ArrowSchema column = {.format = "i", .name = "c", .flags = ARROW_FLAG_DICTIONARY_ORDERED};
    column.metadata = (const char *)&metadata;
    column.dictionary = &words;
    struct ArrowSchema *children[] = {&column};
    struct ArrowSchema schema = {.format = "+s", .n_children = 1, .children = children};
    FLOE_AUTO_SCHEMA copy = {0};
    assert_ok(floe_arrow_schema_copy(&schema, &copy, NULL), NULL);
    assert_int_equal(copy.flags, 0);
    assert_int_equal(copy.children[0]->flags, ARROW_FLAG_DICTIONARY_ORDERED);
    assert_string_equal(copy.children[0]->dictionary->format, "u");
    assert_ptr_not_equal(copy.children[0]->metadata, column.metadata);
    assert_memory_equal(copy.children[0]->metadata, &metadata, sizeof(metadata));
}

static void schema_copy__endless_nesting__is_limit(void **state) {
    (void)state;
    struct ArrowSchema levels[80];
    struct ArrowSchema *pointers[80];
    for (size_t i = 0; i < 80; i++) {
        pointers[i] = &levels[i];
        levels[i] = (struct ArrowSchema){.format = "+l", .name = "x", .n_children = i == 0 ? 0 : 1};
        levels[i].children = i == 0 ? NULL : &pointers[i - 1];
    }
    FLOE_AUTO_SCHEMA copy = {0};
    assert_code(floe_arrow_schema_copy(&levels[79], &copy, NULL), FLOE_LIMIT);
}

static floe_status make_and_copy(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_AUTO_SCHEMA copy = {0};
    FLOE_TRY(floe_arrow_schema_make(three_columns, 3, &schema, err));
    return floe_arrow_schema_copy(&schema, &copy, err);
}

static void schema__nth_allocation_fails__is_nomem_without_a_leak(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(make_and_copy, NULL) > 20);
}

/* A table of random values, kept beside the builder as the oracle. */
enum { COLUMNS = 12, ROWS = 300 };

typedef struct table {
    floe_arena arena;
    floe_column columns[COLUMNS];
    floe_value values[ROWS][COLUMNS];
} table;

/* The first columns take every kind in turn, so that each occurs whatever the seed. */
static void fill_table(table *it, floe_test_rng *rng, bool with_nulls) {
    floe_arena_init(&it->arena, 1 << 26);
    for (size_t c = 0; c < COLUMNS; c++) {
        do {
            it->columns[c].type = random_type(rng, true);
        } while (c < 11 && it->columns[c].type.kind != (floe_kind)(c + 1));
        it->columns[c].name = floe_str_of(floe_arena_printf(&it->arena, "column_%zu", c));
    }
    for (size_t r = 0; r < ROWS; r++) {
        for (size_t c = 0; c < COLUMNS; c++) {
            it->values[r][c] = random_value(rng, it->columns[c].type, with_nulls, &it->arena);
        }
    }
}

static void check_cells(const table *it, size_t first_row, const struct ArrowSchema *schema,
                        const struct ArrowArray *batch) {
    for (size_t c = 0; c < COLUMNS; c++) {
        floe_error err = {0};
        floe_arrow_view view;
        int64_t nulls = 0;
        assert_ok(floe_arrow_view_of(schema, batch, (int64_t)c, &view, &err), &err);
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, 1 << 24);
        for (int64_t r = 0; r < batch->length; r++) {
            floe_value value = {0};
            assert_ok(floe_arrow_get(&view, r, &arena, &value, &err), &err);
            const floe_value *expected = &it->values[first_row + (size_t)r][c];
            assert_int_equal(value.is_null, expected->is_null);
            assert_int_equal(floe_value_compare(&value, expected), 0);
            nulls += value.is_null ? 1 : 0;
        }
        assert_int_equal(batch->children[c]->null_count, nulls);
        assert_int_equal(batch->children[c]->length, batch->length);
    }
}

static void build_and_check(bool with_nulls) {
    static table it;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    fill_table(&it, &rng, with_nulls);
    FLOE_AUTO_SCHEMA schema = {0};
    AUTO_BUILDER *builder = NULL;
    floe_error err = {0};
    assert_ok(floe_arrow_schema_make(it.columns, COLUMNS, &schema, &err), &err);
    assert_ok(floe_arrow_builder_open(it.columns, COLUMNS, &builder, &err), &err);
    for (size_t first = 0; first < ROWS;) {
        size_t end = first + floe_test_below(&rng, 100);
        end = end > ROWS ? ROWS : end;
        for (size_t r = first; r < end; r++) {
            assert_ok(floe_arrow_builder_row(builder, it.values[r], &err), &err);
        }
        assert_int_equal(floe_arrow_builder_rows(builder), end - first);
        FLOE_AUTO_ARRAY batch = {0};
        assert_ok(floe_arrow_builder_finish(builder, &batch, &err), &err);
        assert_int_equal(batch.length, end - first);
        assert_int_equal(floe_arrow_builder_rows(builder), 0);
        check_cells(&it, first, &schema, &batch);
        first = end;
    }
    floe_arena_close(&it.arena);
}

static void builder__random_rows_in_batches__are_read_back(void **state) {
    (void)state;
    build_and_check(true);
}

static void builder__no_nulls__has_no_validity_buffer(void **state) {
    (void)state;
    build_and_check(false);
    floe_column column = {.name = FLOE_STR("x"), .type = {.kind = FLOE_KIND_INT32}};
    AUTO_BUILDER *builder = NULL;
    floe_value seven = {.type = column.type, .as.integer = 7};
    assert_ok(floe_arrow_builder_open(&column, 1, &builder, NULL), NULL);
    assert_ok(floe_arrow_builder_row(builder, &seven, NULL), NULL);
    FLOE_AUTO_ARRAY batch = {0};
    assert_ok(floe_arrow_builder_finish(builder, &batch, NULL), NULL);
    assert_null(batch.children[0]->buffers[0]);
    assert_int_equal(batch.children[0]->null_count, 0);
    assert_int_equal(((const int32_t *)batch.children[0]->buffers[1])[0], 7);
}

/* Columnar.rst: bit i of byte j is slot 8j + i; offsets have one entry more than slots; null text has equal offsets. */
static void builder__buffers__lie_as_the_columnar_format_says(void **state) {
    (void)state;
    const floe_column columns[] = {{.name = FLOE_STR("b"), .type = {.kind = FLOE_KIND_BOOL}},
                                   {.name = FLOE_STR("s"), .type = {.kind = FLOE_KIND_STRING}}};
    const floe_value yes = {.type = columns[0].type, .as.boolean = true};
    const floe_value rows[3][2] = {{yes, floe_value_string(FLOE_STR("ab"))},
                                   {floe_value_null(columns[0].type), floe_value_null(columns[1].type)},
                                   {yes, floe_value_string(FLOE_STR("c"))}};
    AUTO_BUILDER *builder = NULL;
    assert_ok(floe_arrow_builder_open(columns, 2, &builder, NULL), NULL);
    for (size_t r = 0; r < 3; r++) {
        assert_ok(floe_arrow_builder_row(builder, rows[r], NULL), NULL);
    }
    FLOE_AUTO_ARRAY batch = {0};
    assert_ok(floe_arrow_builder_finish(builder, &batch, NULL), NULL);
    const struct ArrowArray *bools = batch.children[0];
    const struct ArrowArray *texts = batch.children[1];
    assert_int_equal(bools->n_buffers, 2);
    assert_int_equal(((const uint8_t *)bools->buffers[0])[0], 0x05);
    assert_int_equal(((const uint8_t *)bools->buffers[1])[0], 0x05);
    assert_int_equal(texts->n_buffers, 3);
    assert_memory_equal(texts->buffers[1], ((const int32_t[]){0, 2, 2, 3}), 16);
    assert_memory_equal(texts->buffers[2], "abc", 3);
}

static void builder__empty_batch__has_its_first_offset(void **state) {
    (void)state;
    AUTO_BUILDER *builder = NULL;
    assert_ok(floe_arrow_builder_open(three_columns, 3, &builder, NULL), NULL);
    FLOE_AUTO_ARRAY batch = {0};
    assert_ok(floe_arrow_builder_finish(builder, &batch, NULL), NULL);
    assert_int_equal(batch.length, 0);
    assert_int_equal(((const int32_t *)batch.children[2]->buffers[1])[0], 0);
    assert_int_equal(((const int32_t *)batch.children[2]->children[0]->buffers[1])[0], 0);
}

static void builder__array_child_moved_out__lives_on(void **state) {
    (void)state;
    AUTO_BUILDER *builder = NULL;
    const floe_column column = {.name = FLOE_STR("s"), .type = {.kind = FLOE_KIND_STRING}};
    const floe_value text = floe_value_string(FLOE_STR("kept"));
    assert_ok(floe_arrow_builder_open(&column, 1, &builder, NULL), NULL);
    assert_ok(floe_arrow_builder_row(builder, &text, NULL), NULL);
    struct ArrowArray batch = {0};
    assert_ok(floe_arrow_builder_finish(builder, &batch, NULL), NULL);
    FLOE_AUTO_ARRAY child = *batch.children[0];
    batch.children[0]->release = NULL;
    floe_arrow_array_release(&batch);
    assert_memory_equal(child.buffers[2], "kept", 4);
    floe_arrow_array_release(&batch);
}

static void check_refused(floe_arrow_builder *builder, const floe_value *values, floe_code code, const char *part) {
    floe_error err = {0};
    int64_t rows = floe_arrow_builder_rows(builder);
    assert_code(floe_arrow_builder_row(builder, values, &err), code);
    assert_message(&err, part);
    assert_int_equal(floe_arrow_builder_rows(builder), rows);
}

static void builder__wrong_values__are_refused_and_the_row_left_out(void **state) {
    (void)state;
    const floe_column columns[] = {
        {.name = FLOE_STR("n"), .type = {.kind = FLOE_KIND_INT32}},
        {.name = FLOE_STR("l"), .type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT32}}};
    AUTO_BUILDER *builder = NULL;
    assert_ok(floe_arrow_builder_open(columns, 2, &builder, NULL), NULL);
    floe_value good[2] = {{.type = columns[0].type, .as.integer = 1}, floe_value_null(columns[1].type)};
    assert_ok(floe_arrow_builder_row(builder, good, NULL), NULL);
    floe_value bad[2] = {floe_value_int64(1), good[1]};
    check_refused(builder, bad, FLOE_INVALID, "column \"n\" holds int32, not int64");
    bad[0] = good[0];
    bad[0].as.integer = INT64_C(3000000000);
    check_refused(builder, bad, FLOE_INVALID, "does not fit 32 bits");
    const floe_value wrong_item = floe_value_string(FLOE_STR("x"));
    bad[0] = good[0];
    bad[1] = (floe_value){.type = columns[1].type, .as.list = {&wrong_item, 1}};
    check_refused(builder, bad, FLOE_INVALID, "column \"l\" holds int32, not string");
    bad[1] = floe_value_string(FLOE_STR("x"));
    check_refused(builder, bad, FLOE_INVALID, "column \"l\" holds list<int32>");
    assert_ok(floe_arrow_builder_row(builder, good, NULL), NULL);
    FLOE_AUTO_ARRAY batch = {0};
    assert_ok(floe_arrow_builder_finish(builder, &batch, NULL), NULL);
    assert_int_equal(batch.length, 2);
    assert_int_equal(batch.children[0]->length, 2);
    assert_int_equal(batch.children[1]->length, 2);
}

/* Offsets have 32 bits: a text whose end is past 2^31 − 1 cannot be named. The bytes are never touched, the row is
 * refused by its length alone. */
static void builder__text_past_two_gib__is_limit_before_anything_is_copied(void **state) {
    (void)state;
    const floe_column columns[] = {
        {.name = FLOE_STR("s"), .type = {.kind = FLOE_KIND_STRING}},
        {.name = FLOE_STR("l"), .type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}}};
    AUTO_BUILDER *builder = NULL;
    assert_ok(floe_arrow_builder_open(columns, 2, &builder, NULL), NULL);
    floe_value values[2] = {floe_value_string(FLOE_STR("x")), floe_value_null(columns[1].type)};
    assert_ok(floe_arrow_builder_row(builder, values, NULL), NULL);
    values[0].as.bytes.len = INT32_MAX;
    check_refused(builder, values, FLOE_LIMIT, "column \"s\" would hold more than 2147483647 bytes");
    const floe_value items[2] = {values[0], values[0]};
    values[0] = floe_value_null(columns[0].type);
    values[1] = (floe_value){.type = columns[1].type, .as.list = {items, 2}};
    check_refused(builder, values, FLOE_LIMIT, "column \"l\" would hold more than 2147483647 bytes");
}

static floe_status build_some(void *context, floe_error *err) {
    (void)context;
    AUTO_BUILDER *builder = NULL;
    FLOE_TRY(floe_arrow_builder_open(three_columns, 3, &builder, err));
    const floe_value tags[] = {floe_value_string(FLOE_STR("a")),
                               floe_value_null((floe_type){.kind = FLOE_KIND_STRING})};
    const floe_value row[3] = {floe_value_int64(1),
                               {.type = three_columns[1].type, .as.decimal = 150},
                               {.type = three_columns[2].type, .as.list = {tags, 2}}};
    for (int i = 0; i < 100; i++) {
        FLOE_TRY(floe_arrow_builder_row(builder, row, err));
    }
    FLOE_AUTO_ARRAY batch = {0};
    return floe_arrow_builder_finish(builder, &batch, err);
}

static void builder__nth_allocation_fails__is_nomem_without_a_leak(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(build_some, NULL) > 20);
}

static void builder__after_memory_ended_in_a_row__stays_failed(void **state) {
    (void)state;
    AUTO_BUILDER *builder = NULL;
    assert_ok(floe_arrow_builder_open(three_columns, 3, &builder, NULL), NULL);
    const floe_value row[3] = {floe_value_int64(1), floe_value_null(three_columns[1].type),
                               floe_value_null(three_columns[2].type)};
    floe_mem_fail_at(2);
    floe_status first = floe_arrow_builder_row(builder, row, NULL);
    floe_mem_fail_off();
    assert_code(first, FLOE_NOMEM);
    FLOE_AUTO_ARRAY batch = {0};
    assert_code(floe_arrow_builder_row(builder, row, NULL), FLOE_NOMEM);
    assert_code(floe_arrow_builder_finish(builder, &batch, NULL), FLOE_NOMEM);
    assert_null(batch.release);
}

static void builder_close__null__is_safe(void **state) {
    (void)state;
    floe_arrow_builder *builder = NULL;
    floe_arrow_builder_close(&builder);
    assert_null(builder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schema_make__layout__is_that_of_the_interface),
        cmocka_unit_test(schema_make__every_type__is_read_back),
        cmocka_unit_test(schema_make__no_columns__is_an_empty_struct),
        cmocka_unit_test(find__exact_name_only),
        cmocka_unit_test(schema_release__child_moved_out__lives_on),
        cmocka_unit_test(schema_copy__flags_metadata_and_dictionary__are_copied),
        cmocka_unit_test(schema_copy__endless_nesting__is_limit),
        cmocka_unit_test(schema__nth_allocation_fails__is_nomem_without_a_leak),
        cmocka_unit_test(builder__random_rows_in_batches__are_read_back),
        cmocka_unit_test(builder__no_nulls__has_no_validity_buffer),
        cmocka_unit_test(builder__buffers__lie_as_the_columnar_format_says),
        cmocka_unit_test(builder__empty_batch__has_its_first_offset),
        cmocka_unit_test(builder__array_child_moved_out__lives_on),
        cmocka_unit_test(builder__wrong_values__are_refused_and_the_row_left_out),
        cmocka_unit_test(builder__text_past_two_gib__is_limit_before_anything_is_copied),
        cmocka_unit_test(builder__nth_allocation_fails__is_nomem_without_a_leak),
        cmocka_unit_test(builder__after_memory_ended_in_a_row__stays_failed),
        cmocka_unit_test(builder_close__null__is_safe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
