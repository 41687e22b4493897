/* core/arrow: formats to types, cells of every layout, offsets, nulls, dictionaries, broken arrays. The arrays are laid
 * out by hand from the columnar format (apache/arrow, docs/source/format/Columnar.rst). */
#include "tests/support/support.h"

#include "core/arrow.h"

#include <math.h>
#include <stdio.h>

static struct ArrowSchema leaf(const char *format) {
    return (struct ArrowSchema){.format = format, .name = "c"};
}

static void type__every_format__is_mapped(void **state) {
    (void)state;
    static const struct {
        const char *format;
        const char *type;
    } rows[] = {
        {"b", "bool"},
        {"c", "int32"},
        {"C", "int32"},
        {"s", "int32"},
        {"S", "int32"},
        {"i", "int32"},
        {"I", "int64"},
        {"l", "int64"},
        {"L", "int64"},
        {"f", "float"},
        {"g", "double"},
        {"u", "string"},
        {"U", "string"},
        {"z", "bytes"},
        {"Z", "bytes"},
        {"tdD", "date"},
        {"tdm", "date"},
        {"tss:", "timestamp"},
        {"tsm:UTC", "timestamp"},
        {"tsu:", "timestamp"},
        {"tsu:Etc/UTC", "timestamp"},
        {"tsn:", "timestamp"},
        {"d:10,2", "decimal(10,2)"},
        {"d:38,0,128", "decimal(38,0)"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct ArrowSchema schema = leaf(rows[i].format);
        floe_error err = {0};
        floe_type type = {0};
        char name[FLOE_TYPE_NAME_MAX];
        assert_ok(floe_arrow_type(&schema, &type, &err), &err);
        assert_string_equal(floe_type_name(type, name), rows[i].type);
        struct ArrowSchema *children[] = {&schema};
        struct ArrowSchema list = {
            .format = i % 2 == 0 ? "+l" : "+L", .name = "c", .n_children = 1, .children = children};
        char expected[FLOE_TYPE_NAME_MAX];
        snprintf(expected, sizeof(expected), "list<%s>", rows[i].type);
        assert_ok(floe_arrow_type(&list, &type, &err), &err);
        assert_string_equal(floe_type_name(type, name), expected);
    }
}

static void type__other_formats__are_unsupported_by_name(void **state) {
    (void)state;
    static const char *const formats[] = {
        "",   "n",    "e",     "w:16",   "vu",      "vz",    "ttu",        "tDu",          "tiM", "+s",  "+m", "+w:3",
        "+r", "d:10", "d:0,0", "d:39,0", "d:10,-2", "d:5,6", "d:10,2,256", "d:10,2,128,1", "ts",  "tsu", "bb"};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        struct ArrowSchema schema = leaf(formats[i]);
        floe_error err = {0};
        floe_type type = {.kind = FLOE_KIND_BOOL};
        assert_code(floe_arrow_type(&schema, &type, &err), FLOE_UNSUPPORTED);
        assert_message(&err, "column \"c\"");
        assert_message(&err, formats[i]);
        assert_int_equal(type.kind, FLOE_KIND_BOOL);
    }
}

static void type__nested_and_broken_lists__are_refused(void **state) {
    (void)state;
    struct ArrowSchema item = leaf("l");
    struct ArrowSchema *items[] = {&item};
    struct ArrowSchema inner = {.format = "+l", .name = "item", .n_children = 1, .children = items};
    struct ArrowSchema *inners[] = {&inner};
    struct ArrowSchema outer = {.format = "+l", .name = "c", .n_children = 1, .children = inners};
    struct ArrowSchema empty = {.format = "+l", .name = "c"};
    floe_type type = {0};
    assert_code(floe_arrow_type(&outer, &type, NULL), FLOE_UNSUPPORTED);
    assert_code(floe_arrow_type(&empty, &type, NULL), FLOE_CORRUPT);
    struct ArrowSchema encoded_list = {.format = "i", .name = "c", .dictionary = &inner};
    assert_code(floe_arrow_type(&encoded_list, &type, NULL), FLOE_UNSUPPORTED);
    struct ArrowSchema odd_index = {.format = "u", .name = "c", .dictionary = &item};
    assert_code(floe_arrow_type(&odd_index, &type, NULL), FLOE_UNSUPPORTED);
}

/* A batch of one column, in the caller's storage. */
typedef struct one_column {
    struct ArrowSchema column_schema;
    struct ArrowSchema *schemas[1];
    struct ArrowSchema schema;
    const void *buffers[3];
    struct ArrowArray column;
    struct ArrowArray *columns[1];
    const void *batch_buffers[1];
    struct ArrowArray batch;
    floe_arrow_view view;
} one_column;

static void init_column(one_column *it, const char *format, int64_t n_buffers, int64_t length, const void *data) {
    *it = (one_column){.column_schema = {.format = format, .name = "c"}, .schema = {.format = "+s", .n_children = 1}};
    it->schemas[0] = &it->column_schema;
    it->schema.children = it->schemas;
    it->buffers[1] = data;
    it->column =
        (struct ArrowArray){.length = length, .null_count = -1, .n_buffers = n_buffers, .buffers = it->buffers};
    it->columns[0] = &it->column;
    it->batch = (struct ArrowArray){.length = length, .n_buffers = 1, .buffers = it->batch_buffers, .n_children = 1};
    it->batch.children = it->columns;
}

static floe_status open_view(one_column *it, floe_error *err) {
    return floe_arrow_view_of(&it->schema, &it->batch, 0, &it->view, err);
}

/* Opens the view and checks the printed form of every row: "" for null. */
static void check_rows(one_column *it, const char *const *expected) {
    floe_error err = {0};
    assert_ok(open_view(it, &err), &err);
    for (int64_t row = 0; row < it->batch.length; row++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, 100000);
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 1000);
        floe_value value = {0};
        assert_ok(floe_arrow_get(&it->view, row, &arena, &value, &err), &err);
        assert_true(floe_type_equal(value.type, it->view.type));
        floe_value_print(&value, &buf);
        assert_string_equal(floe_buf_view(&buf).ptr, expected[row]);
    }
}

static void get__integers_of_every_width(void **state) {
    (void)state;
    one_column it;
    static const int8_t c[] = {-128, 127};
    static const uint8_t uc[] = {0, 255};
    static const int16_t s[] = {INT16_MIN, INT16_MAX};
    static const uint16_t us[] = {0, UINT16_MAX};
    static const int32_t i[] = {INT32_MIN, INT32_MAX};
    static const uint32_t ui[] = {0, UINT32_MAX};
    static const int64_t l[] = {INT64_MIN, INT64_MAX};
    static const uint64_t ul[] = {0, INT64_MAX};
    init_column(&it, "c", 2, 2, c);
    check_rows(&it, (const char *const[]){"-128", "127"});
    init_column(&it, "C", 2, 2, uc);
    check_rows(&it, (const char *const[]){"0", "255"});
    init_column(&it, "s", 2, 2, s);
    check_rows(&it, (const char *const[]){"-32768", "32767"});
    init_column(&it, "S", 2, 2, us);
    check_rows(&it, (const char *const[]){"0", "65535"});
    init_column(&it, "i", 2, 2, i);
    check_rows(&it, (const char *const[]){"-2147483648", "2147483647"});
    init_column(&it, "I", 2, 2, ui);
    check_rows(&it, (const char *const[]){"0", "4294967295"});
    init_column(&it, "l", 2, 2, l);
    check_rows(&it, (const char *const[]){"-9223372036854775808", "9223372036854775807"});
    init_column(&it, "L", 2, 2, ul);
    check_rows(&it, (const char *const[]){"0", "9223372036854775807"});
}

static void check_get_fails(one_column *it, floe_code code, const char *part) {
    floe_error err = {0};
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 100000);
    floe_value value = floe_value_int64(42);
    assert_ok(open_view(it, &err), &err);
    assert_code(floe_arrow_get(&it->view, 0, &arena, &value, &err), code);
    assert_message(&err, "column \"c\"");
    assert_message(&err, part);
    assert_true(value.as.integer == 42);
}

static void get__uint64_past_int64__is_refused(void **state) {
    (void)state;
    one_column it;
    static const uint64_t data[] = {UINT64_C(9223372036854775808)};
    init_column(&it, "L", 2, 1, data);
    check_get_fails(&it, FLOE_INVALID, "9223372036854775808 does not fit");
}

static void get__bools_reals_and_decimals(void **state) {
    (void)state;
    one_column it;
    static const uint8_t bits[] = {0x05, 0x01}; /* rows 0, 2 and 8 */
    init_column(&it, "b", 2, 9, bits);
    check_rows(&it,
               (const char *const[]){"true", "false", "true", "false", "false", "false", "false", "false", "true"});
    static const float f[] = {0.5F, INFINITY};
    init_column(&it, "f", 2, 2, f);
    check_rows(&it, (const char *const[]){"0.5", "Infinity"});
    static const double g[] = {-0.0, NAN, 0.1};
    init_column(&it, "g", 2, 3, g);
    check_rows(&it, (const char *const[]){"-0.0", "NaN", "0.1"});
    /* Two's complement, least significant word first: −1 and 2^64. */
    static const uint64_t d[] = {UINT64_MAX, UINT64_MAX, 0, 1};
    init_column(&it, "d:38,2", 2, 2, d);
    check_rows(&it, (const char *const[]){"-0.01", "184467440737095516.16"});
}

static void get__times_and_dates__are_rescaled_and_floored(void **state) {
    (void)state;
    one_column it;
    static const int32_t days[] = {-1, 11337};
    init_column(&it, "tdD", 2, 2, days);
    check_rows(&it, (const char *const[]){"1969-12-31", "2001-01-15"});
    static const int64_t day_ms[] = {-1, 86400000, 86399999};
    init_column(&it, "tdm", 2, 3, day_ms);
    check_rows(&it, (const char *const[]){"1969-12-31", "1970-01-02", "1970-01-01"});
    static const int64_t raw[] = {-1, 1001};
    init_column(&it, "tss:", 2, 2, raw);
    check_rows(&it, (const char *const[]){"1969-12-31T23:59:59Z", "1970-01-01T00:16:41Z"});
    init_column(&it, "tsm:Europe/Berlin", 2, 2, raw);
    check_rows(&it, (const char *const[]){"1969-12-31T23:59:59.999Z", "1970-01-01T00:00:01.001Z"});
    init_column(&it, "tsu:UTC", 2, 2, raw);
    check_rows(&it, (const char *const[]){"1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.001001Z"});
    init_column(&it, "tsn:", 2, 2, raw);
    check_rows(&it, (const char *const[]){"1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00.000001Z"});
}

static void get__time_past_int64__is_refused(void **state) {
    (void)state;
    one_column it;
    static const int64_t raw[] = {INT64_MAX / 1000 + 1};
    init_column(&it, "tsm:", 2, 1, raw);
    check_get_fails(&it, FLOE_INVALID, "does not fit 64 bits");
    init_column(&it, "tss:", 2, 1, raw);
    check_get_fails(&it, FLOE_INVALID, "does not fit 64 bits");
}

static void get__text_and_bytes__of_both_offset_widths(void **state) {
    (void)state;
    one_column it;
    static const int32_t narrow[] = {0, 2, 2, 5};
    static const int64_t wide[] = {0, 2, 2, 5};
    init_column(&it, "u", 3, 3, narrow);
    it.buffers[2] = "abcde";
    check_rows(&it, (const char *const[]){"ab", "", "cde"});
    init_column(&it, "U", 3, 3, wide);
    it.buffers[2] = "abcde";
    check_rows(&it, (const char *const[]){"ab", "", "cde"});
    init_column(&it, "z", 3, 3, narrow);
    it.buffers[2] = "\0\1\xff\0\0";
    check_rows(&it, (const char *const[]){"AAE=", "", "/wAA"});
    init_column(&it, "Z", 3, 3, wide);
    it.buffers[2] = "\0\1\xff\0\0";
    check_rows(&it, (const char *const[]){"AAE=", "", "/wAA"});
    static const int32_t empty[] = {0, 0};
    init_column(&it, "u", 3, 1, empty);
    check_rows(&it, (const char *const[]){""});
}

/* Column offset 2 and batch offset 1: row 0 is the physical slot 3. */
static void get__offsets__of_batch_and_column_add_up(void **state) {
    (void)state;
    one_column it;
    static const int64_t data[] = {10, 11, 12, 13, 14};
    static const uint8_t valid[] = {0xF7}; /* all but slot 3 */
    init_column(&it, "l", 2, 3, data);
    it.column.offset = 2;
    it.batch.offset = 1;
    it.batch.length = 2;
    check_rows(&it, (const char *const[]){"13", "14"});
    it.buffers[0] = valid;
    check_rows(&it, (const char *const[]){"", "14"});
    static const uint8_t bits[] = {0x10};
    init_column(&it, "b", 2, 3, bits);
    it.column.offset = 2;
    it.batch.offset = 1;
    it.batch.length = 2;
    check_rows(&it, (const char *const[]){"false", "true"});
}

static void get__null_batch_row__is_null_in_every_column(void **state) {
    (void)state;
    one_column it;
    static const int64_t data[] = {10, 11, 12};
    static const uint8_t batch_valid[] = {0x05};
    init_column(&it, "l", 2, 3, data);
    it.batch_buffers[0] = batch_valid;
    check_rows(&it, (const char *const[]){"10", "", "12"});
}

/* Lists [1, null], null, [] and [3]; the child starts at offset 1. */
static void get__lists__with_nulls_and_child_offset(void **state) {
    (void)state;
    static const int64_t items[] = {99, 1, 2, 3};
    static const uint8_t item_valid[] = {0x0B}; /* physical slots 0, 1 and 3 */
    static const uint8_t valid[] = {0x0D};
    static const int32_t narrow[] = {0, 2, 2, 2, 3};
    static const int64_t wide[] = {0, 2, 2, 2, 3};
    const void *item_buffers[] = {item_valid, items};
    struct ArrowArray child = {.length = 3, .offset = 1, .n_buffers = 2, .buffers = item_buffers};
    struct ArrowArray *children[] = {&child};
    struct ArrowSchema item_schema = leaf("l");
    struct ArrowSchema *item_schemas[] = {&item_schema};
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        one_column it;
        init_column(&it, is_wide ? "+L" : "+l", 2, 4, is_wide ? (const void *)wide : (const void *)narrow);
        it.column_schema.n_children = 1;
        it.column_schema.children = item_schemas;
        it.column.n_children = 1;
        it.column.children = children;
        it.buffers[0] = valid;
        check_rows(&it, (const char *const[]){"[1,null]", "", "[]", "[3]"});
    }
}

static void get__list_behind_its_items__is_corrupt(void **state) {
    (void)state;
    static const int32_t offsets[] = {0, 4};
    static const int32_t backwards[] = {2, 1};
    static const int64_t items[] = {1, 2, 3};
    const void *item_buffers[] = {NULL, items};
    struct ArrowArray child = {.length = 3, .n_buffers = 2, .buffers = item_buffers};
    struct ArrowArray *children[] = {&child};
    struct ArrowSchema item_schema = leaf("l");
    struct ArrowSchema *item_schemas[] = {&item_schema};
    one_column it;
    init_column(&it, "+l", 2, 1, offsets);
    it.column_schema.n_children = 1;
    it.column_schema.children = item_schemas;
    it.column.n_children = 1;
    it.column.children = children;
    check_get_fails(&it, FLOE_CORRUPT, "behind its items");
    it.buffers[1] = backwards;
    check_get_fails(&it, FLOE_CORRUPT, "go backwards");
    it.column.n_children = 0;
    assert_code(open_view(&it, NULL), FLOE_CORRUPT);
}

static void get__dictionary__is_decoded(void **state) {
    (void)state;
    static const int8_t indices[] = {1, 0, 2, 1};
    static const uint8_t valid[] = {0x0B}; /* row 2 is null itself */
    static const int32_t offsets[] = {0, 3, 6, 6};
    static const uint8_t word_valid[] = {0x01}; /* the second word is null */
    const void *word_buffers[] = {NULL, offsets, "SFOJFK"};
    struct ArrowArray words = {.length = 2, .n_buffers = 3, .buffers = word_buffers};
    struct ArrowSchema word_schema = leaf("u");
    one_column it;
    init_column(&it, "c", 2, 4, indices);
    it.column_schema.dictionary = &word_schema;
    it.column.dictionary = &words;
    it.buffers[0] = valid;
    check_rows(&it, (const char *const[]){"JFK", "SFO", "", "JFK"});
    assert_int_equal(it.view.type.kind, FLOE_KIND_STRING);
    word_buffers[0] = word_valid;
    check_rows(&it, (const char *const[]){"", "SFO", "", ""});
    it.column.dictionary = NULL;
    assert_code(open_view(&it, NULL), FLOE_CORRUPT);
}

static void get__dictionary_index_outside__is_corrupt(void **state) {
    (void)state;
    static const int32_t too_large[] = {2};
    static const int32_t negative[] = {-1};
    static const int64_t data[] = {7, 8};
    const void *value_buffers[] = {NULL, data};
    struct ArrowArray values = {.length = 2, .n_buffers = 2, .buffers = value_buffers};
    struct ArrowSchema value_schema = leaf("l");
    one_column it;
    init_column(&it, "i", 2, 1, too_large);
    it.column_schema.dictionary = &value_schema;
    it.column.dictionary = &values;
    check_get_fails(&it, FLOE_CORRUPT, "outside its dictionary");
    it.buffers[1] = negative;
    check_get_fails(&it, FLOE_CORRUPT, "outside its dictionary");
}

static void view__broken_batches__are_refused(void **state) {
    (void)state;
    static const int64_t data[] = {1, 2};
    one_column it;
    floe_arrow_view view;
    init_column(&it, "l", 3, 2, data);
    assert_code(open_view(&it, NULL), FLOE_CORRUPT);
    init_column(&it, "u", 2, 2, data);
    assert_code(open_view(&it, NULL), FLOE_CORRUPT);
    init_column(&it, "l", 2, 2, NULL);
    assert_code(open_view(&it, NULL), FLOE_CORRUPT);
    init_column(&it, "l", 2, 2, data);
    it.batch.length = 3;
    assert_code(open_view(&it, NULL), FLOE_CORRUPT);
    it.batch.length = 2;
    it.batch.offset = 1;
    assert_code(open_view(&it, NULL), FLOE_CORRUPT);
    it.batch.offset = -1;
    assert_code(open_view(&it, NULL), FLOE_CORRUPT);
    it.batch.offset = 0;
    assert_ok(open_view(&it, NULL), NULL);
    assert_code(floe_arrow_view_of(&it.schema, &it.batch, 1, &view, NULL), FLOE_CORRUPT);
    it.batch.n_children = 2;
    assert_code(open_view(&it, NULL), FLOE_CORRUPT);
    it.schema.format = "l";
    assert_code(open_view(&it, NULL), FLOE_UNSUPPORTED);
    init_column(&it, "+m", 2, 2, data);
    assert_code(open_view(&it, NULL), FLOE_UNSUPPORTED);
}

static void get__text_offsets_backwards_or_without_data__is_corrupt(void **state) {
    (void)state;
    static const int32_t backwards[] = {3, 1};
    static const int32_t negative[] = {-1, 1};
    static const int32_t some[] = {0, 1};
    one_column it;
    init_column(&it, "u", 3, 1, backwards);
    it.buffers[2] = "abc";
    check_get_fails(&it, FLOE_CORRUPT, "go backwards");
    it.buffers[1] = negative;
    check_get_fails(&it, FLOE_CORRUPT, "go backwards");
    init_column(&it, "u", 3, 1, some);
    check_get_fails(&it, FLOE_CORRUPT, "lacks its data");
}

static void view__empty_batch__needs_no_buffers(void **state) {
    (void)state;
    one_column it;
    init_column(&it, "l", 2, 0, NULL);
    assert_ok(open_view(&it, NULL), NULL);
    init_column(&it, "u", 3, 0, NULL);
    assert_ok(open_view(&it, NULL), NULL);
}

static floe_status get_list(void *context, floe_error *err) {
    one_column *it = context;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 10000);
    floe_value value = {0};
    return floe_arrow_get(&it->view, 0, &arena, &value, err);
}

static void get__nth_allocation_fails__is_nomem(void **state) {
    (void)state;
    static const int32_t offsets[] = {0, 3};
    static const int64_t items[] = {1, 2, 3};
    const void *item_buffers[] = {NULL, items};
    struct ArrowArray child = {.length = 3, .n_buffers = 2, .buffers = item_buffers};
    struct ArrowArray *children[] = {&child};
    struct ArrowSchema item_schema = leaf("l");
    struct ArrowSchema *item_schemas[] = {&item_schema};
    one_column it;
    init_column(&it, "+l", 2, 1, offsets);
    it.column_schema.n_children = 1;
    it.column_schema.children = item_schemas;
    it.column.n_children = 1;
    it.column.children = children;
    assert_ok(open_view(&it, NULL), NULL);
    assert_int_equal(floe_test_alloc_sweep(get_list, &it), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(type__every_format__is_mapped),
        cmocka_unit_test(type__other_formats__are_unsupported_by_name),
        cmocka_unit_test(type__nested_and_broken_lists__are_refused),
        cmocka_unit_test(get__integers_of_every_width),
        cmocka_unit_test(get__uint64_past_int64__is_refused),
        cmocka_unit_test(get__bools_reals_and_decimals),
        cmocka_unit_test(get__times_and_dates__are_rescaled_and_floored),
        cmocka_unit_test(get__time_past_int64__is_refused),
        cmocka_unit_test(get__text_and_bytes__of_both_offset_widths),
        cmocka_unit_test(get__offsets__of_batch_and_column_add_up),
        cmocka_unit_test(get__null_batch_row__is_null_in_every_column),
        cmocka_unit_test(get__lists__with_nulls_and_child_offset),
        cmocka_unit_test(get__list_behind_its_items__is_corrupt),
        cmocka_unit_test(get__dictionary__is_decoded),
        cmocka_unit_test(get__dictionary_index_outside__is_corrupt),
        cmocka_unit_test(view__broken_batches__are_refused),
        cmocka_unit_test(get__text_offsets_backwards_or_without_data__is_corrupt),
        cmocka_unit_test(view__empty_batch__needs_no_buffers),
        cmocka_unit_test(get__nth_allocation_fails__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
