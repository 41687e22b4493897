/* Feature rows as bytes. */
#include "proto/row.h"
#include "tests/proto/proto_test.h"

#define NULL_CREATED INT64_MIN
#define NEVER INT64_MAX
#define COLUMNS 12

static const floe_row_layout *layout_of(floe_arena *arena, const floe_type *types, size_t count) {
    const floe_row_layout *layout = NULL;
    assert_ok(floe_row_layout_make(types, count, arena, &layout, &proto_error));
    return layout;
}

static floe_str encode(floe_arena *arena, const floe_row_layout *layout, floe_row_header header,
                       const floe_value *values) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    assert_ok(floe_row_encode(layout, &header, values, &out, &proto_error));
    return floe_arena_str(arena, floe_buf_view(&out));
}

static floe_code open_code(const floe_row_layout *layout, floe_str bytes) {
    FLOE_AUTO_BUF scratch;
    FLOE_AUTO_ARENA arena;
    floe_row row;
    floe_buf_init(&scratch, FLOE_LIMIT_ROW_BYTES);
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_error_clear(&proto_error);
    floe_status status = floe_row_open(layout, bytes, &scratch, &row, &proto_error);
    for (size_t c = 0; !floe_failed(status) && c < layout->count; c++) {
        floe_value value;
        status = floe_row_get(&row, c, &arena, &value, &proto_error);
    }
    return status.code;
}

static void assert_row(const floe_row_layout *layout, floe_str bytes, const floe_value *values) {
    FLOE_AUTO_BUF scratch;
    FLOE_AUTO_ARENA arena;
    floe_row row;
    floe_buf_init(&scratch, FLOE_LIMIT_ROW_BYTES);
    floe_arena_init(&arena, FLOE_MIB(64));
    assert_ok(floe_row_open(layout, bytes, &scratch, &row, &proto_error));
    for (size_t c = layout->count; c-- > 0;) { /* backwards: no column depends on another having been read */
        floe_value value;
        assert_ok(floe_row_get(&row, c, &arena, &value, &proto_error));
        assert_int_equal(value.is_null, values[c].is_null);
        assert_true(floe_type_equal(value.type, layout->types[c]));
        assert_true(value.is_null || floe_value_compare(&value, &values[c]) == 0);
    }
}

/* The columns of the golden row "every_type". */
static void every_type(floe_type types[COLUMNS], floe_value values[COLUMNS]) {
    static floe_value texts[3];
    static floe_value numbers[3];
    __int128 ten_to_37 = 1;
    for (int i = 0; i < 37; i++) {
        ten_to_37 *= 10;
    }
    texts[0] = text("p");
    texts[1] = floe_value_null(kind_type(FLOE_KIND_STRING));
    texts[2] = text("");
    numbers[0] = integer(FLOE_KIND_INT32, 1);
    numbers[1] = floe_value_null(kind_type(FLOE_KIND_INT32));
    numbers[2] = integer(FLOE_KIND_INT32, -1);
    values[0] = boolean(true);
    values[1] = integer(FLOE_KIND_INT32, -2);
    values[2] = integer(FLOE_KIND_INT64, INT64_MIN);
    values[3] = real(FLOE_KIND_FLOAT, 0.5);
    values[4] = real(FLOE_KIND_DOUBLE, -1.25);
    values[5] = text("na\xc3\xafve");
    values[6] = bytes_of("\0\xff", 2);
    values[7] = integer(FLOE_KIND_DATE, -719162);
    values[8] = integer(FLOE_KIND_TIMESTAMP, INT64_C(253402300799999999));
    values[9] = decimal(-ten_to_37, 38, 2);
    values[10] = (floe_value){.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}, .as.list = {texts, 3}};
    values[11] = (floe_value){.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT32}, .as.list = {numbers, 3}};
    for (size_t i = 0; i < COLUMNS; i++) {
        types[i] = values[i].type;
    }
}

/* ---- golden ---- */

static void row__golden_bytes__are_written(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_type types[COLUMNS];
    floe_value values[COLUMNS];
    floe_type number = kind_type(FLOE_KIND_INT64);
    floe_value seven = floe_value_int64(7);
    floe_value minus_seven = floe_value_int64(-7);
    const floe_row_layout *one = layout_of(&arena, &number, 1);
    assert_bytes(encode(&arena, one, (floe_row_header){1000, NULL_CREATED, NEVER, false}, &seven),
                 golden(&arena, "row-1", "one_int64"));
    assert_bytes(encode(&arena, one, (floe_row_header){-1, 5, 2000, true}, &minus_seven),
                 golden(&arena, "row-1", "arrived"));
    assert_bytes(encode(&arena, layout_of(&arena, NULL, 0), (floe_row_header){0, 0, 0, false}, NULL),
                 golden(&arena, "row-1", "no_columns"));
    every_type(types, values);
    const floe_row_layout *all = layout_of(&arena, types, COLUMNS);
    assert_bytes(encode(&arena, all, (floe_row_header){1, 2, 3, false}, values), golden(&arena, "row-1", "every_type"));
    for (size_t i = 0; i < COLUMNS; i++) {
        values[i] = floe_value_null(types[i]);
    }
    assert_bytes(encode(&arena, all, (floe_row_header){1, 2, 3, false}, values), golden(&arena, "row-1", "every_null"));
}

static void row__golden_bytes__are_read(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_type types[COLUMNS];
    floe_value values[COLUMNS];
    every_type(types, values);
    const floe_row_layout *all = layout_of(&arena, types, COLUMNS);
    assert_row(all, golden(&arena, "row-1", "every_type"), values);
    for (size_t i = 0; i < COLUMNS; i++) {
        values[i] = floe_value_null(types[i]);
    }
    assert_row(all, golden(&arena, "row-1", "every_null"), values);
    floe_row_header header;
    assert_ok(floe_row_header_read(golden(&arena, "row-1", "arrived"), &header, &proto_error));
    assert_int_equal(header.event_us, -1);
    assert_int_equal(header.created_us, 5);
    assert_int_equal(header.end_us, 2000);
    assert_true(header.arrived);
    assert_ok(floe_row_header_read(golden(&arena, "row-1", "one_int64"), &header, &proto_error));
    assert_int_equal(header.created_us, NULL_CREATED);
    assert_int_equal(header.end_us, NEVER);
    assert_false(header.arrived);
}

static void row__compressed_golden_bytes__are_read(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    char letters[2001];
    memset(letters, 'z', 2000);
    letters[2000] = '\0';
    floe_type type = kind_type(FLOE_KIND_STRING);
    floe_value value = text(letters);
    assert_row(layout_of(&arena, &type, 1), golden(&arena, "row-1", "stored_zstd"), &value);
}

/* ---- header ---- */

/* The bytes order as the times do: what a store compares with memcmp. */
static void header__order_bytes__sort_as_times(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    const int64_t times[] = {INT64_MIN,     INT64_MIN + 1, -256, -255, -1, 0, 1, 255, 256, INT64_C(9007199254740993),
                             INT64_MAX - 1, INT64_MAX};
    enum { count = sizeof(times) / sizeof(times[0]) };
    const floe_row_layout *none = layout_of(&arena, NULL, 0);
    for (size_t a = 0; a < count * count; a++) {
        for (size_t b = 0; b < count * count; b++) {
            floe_row_header first = {times[a / count], times[a % count], 0, false};
            floe_row_header second = {times[b / count], times[b % count], 5, true};
            floe_str x = encode(&arena, none, first, NULL);
            floe_str y = encode(&arena, none, second, NULL);
            int order = memcmp(x.ptr + FLOE_ROW_ORDER_AT, y.ptr + FLOE_ROW_ORDER_AT, FLOE_ROW_ORDER_BYTES);
            int want = (a > b) - (a < b);
            assert_int_equal((order > 0) - (order < 0), want);
        }
        floe_arena_reset(&arena);
        none = layout_of(&arena, NULL, 0);
    }
}

static void header__short_or_foreign_bytes__are_refused(void **state) {
    (void)state;
    floe_row_header header;
    char bytes[FLOE_ROW_HEADER_BYTES] = {1};
    assert_code(floe_row_header_read((floe_str){bytes, FLOE_ROW_HEADER_BYTES - 1}, &header, &proto_error),
                FLOE_CORRUPT);
    assert_code(floe_row_header_read((floe_str){bytes, 0}, &header, &proto_error), FLOE_CORRUPT);
    assert_code(floe_row_header_read((floe_str){bytes, sizeof(bytes)}, &header, &proto_error), FLOE_CODE_OK);
    bytes[0] = 2;
    assert_code(floe_row_header_read((floe_str){bytes, sizeof(bytes)}, &header, &proto_error), FLOE_UNSUPPORTED);
    assert_message("format 2");
}

/* ---- layout and encode ---- */

static void layout__invalid_types_or_too_many__are_refused(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    const floe_row_layout *layout = NULL;
    const floe_type bad[] = {{.kind = FLOE_KIND_NONE},
                             {.kind = FLOE_KIND_LIST},
                             {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_LIST},
                             {.kind = FLOE_KIND_INT32, .element = FLOE_KIND_INT32},
                             {.kind = FLOE_KIND_DECIMAL},
                             {.kind = FLOE_KIND_DECIMAL, .precision = 39},
                             {.kind = FLOE_KIND_DECIMAL, .precision = 3, .scale = 4},
                             {.kind = FLOE_KIND_INT64, .precision = 1}};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_code(floe_row_layout_make(&bad[i], 1, &arena, &layout, &proto_error), FLOE_INVALID);
    }
    floe_type *many = floe_arena_alloc(&arena, FLOE_LIMIT_VIEW_FEATURES + 1, sizeof(*many));
    for (size_t i = 0; i <= FLOE_LIMIT_VIEW_FEATURES; i++) {
        many[i] = kind_type(FLOE_KIND_BOOL);
    }
    assert_code(floe_row_layout_make(many, FLOE_LIMIT_VIEW_FEATURES, &arena, &layout, &proto_error), FLOE_CODE_OK);
    assert_code(floe_row_layout_make(many, FLOE_LIMIT_VIEW_FEATURES + 1, &arena, &layout, &proto_error), FLOE_LIMIT);
}

static floe_code encode_code(floe_type type, floe_value value) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF out;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_buf_init(&out, FLOE_MIB(16));
    floe_row_header header = {0, 0, 0, false};
    const floe_row_layout *layout = layout_of(&arena, &type, 1);
    floe_error_clear(&proto_error);
    return floe_row_encode(layout, &header, &value, &out, &proto_error).code;
}

static void encode__values_of_another_type__are_refused(void **state) {
    (void)state;
    assert_int_equal(encode_code(kind_type(FLOE_KIND_INT64), text("1")), FLOE_INVALID);
    assert_message("column 0 of a row is of type int64");
    assert_int_equal(encode_code(kind_type(FLOE_KIND_INT64), integer(FLOE_KIND_INT32, 1)), FLOE_INVALID);
    assert_int_equal(encode_code(decimal(0, 10, 2).type, decimal(1, 10, 3)), FLOE_INVALID);
    assert_int_equal(encode_code(kind_type(FLOE_KIND_DATE), integer(FLOE_KIND_DATE, INT64_C(1) << 31)), FLOE_INVALID);
    floe_value wrong = text("x");
    floe_value list = {.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_INT32}, .as.list = {&wrong, 1}};
    assert_int_equal(encode_code(list.type, list), FLOE_INVALID);
}

static void encode__too_large__is_a_limit(void **state) {
    (void)state;
    char *letters = test_malloc(FLOE_LIMIT_ROW_BYTES);
    memset(letters, 'x', FLOE_LIMIT_ROW_BYTES);
    /* Header 26, check and count 6, null bits 1, one slot 4. */
    floe_value value = floe_value_string((floe_str){letters, FLOE_LIMIT_ROW_BYTES - 37});
    assert_int_equal(encode_code(value.type, value), FLOE_CODE_OK);
    value.as.bytes.len++;
    assert_int_equal(encode_code(value.type, value), FLOE_LIMIT);
    test_free(letters);
}

static void encode__compresses__only_long_rows_that_become_shorter(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_type type = kind_type(FLOE_KIND_STRING);
    const floe_row_layout *layout = layout_of(&arena, &type, 1);
    char letters[4000];
    uint32_t seed = 7;
    memset(letters, 'x', sizeof(letters));
    /* The body has 11 bytes beside the text. */
    floe_value value = floe_value_string((floe_str){letters, FLOE_ROW_COMPRESS_BYTES - 12});
    floe_str below = encode(&arena, layout, (floe_row_header){0, 0, 0, false}, &value);
    assert_int_equal(below.ptr[1], 0);
    value.as.bytes.len++;
    floe_str at = encode(&arena, layout, (floe_row_header){0, 0, 0, true}, &value);
    assert_int_equal(at.ptr[1], 3); /* compressed and arrived */
    assert_true(at.len < below.len / 4);
    assert_row(layout, at, &value);
    for (size_t i = 0; i < sizeof(letters); i++) {
        letters[i] = (char)next_random(&seed);
    }
    value.as.bytes.len = sizeof(letters);
    floe_str noise = encode(&arena, layout, (floe_row_header){0, 0, 0, false}, &value);
    assert_int_equal(noise.ptr[1], 0);
    assert_row(layout, noise, &value);
}

/* ---- hostile bytes ---- */

static void decode__cut_bytes__are_corrupt(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_type types[COLUMNS];
    floe_value values[COLUMNS];
    every_type(types, values);
    const floe_row_layout *layout = layout_of(&arena, types, COLUMNS);
    floe_str whole = golden(&arena, "row-1", "every_type");
    for (size_t len = 0; len < whole.len; len++) {
        char *cut = test_malloc(len + 1);
        memcpy(cut, whole.ptr, len);
        assert_int_equal(open_code(layout, (floe_str){cut, len}), FLOE_CORRUPT);
        test_free(cut);
    }
}

static void decode__any_changed_byte__never_reads_outside(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_type types[COLUMNS];
    floe_value values[COLUMNS];
    every_type(types, values);
    const floe_row_layout *layout = layout_of(&arena, types, COLUMNS);
    floe_str whole = golden(&arena, "row-1", "every_type");
    size_t refused = 0;
    for (size_t at = 0; at < whole.len; at++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            char *changed = test_malloc(whole.len);
            memcpy(changed, whole.ptr, whole.len);
            changed[at] = (char)byte;
            floe_code code = open_code(layout, (floe_str){changed, whole.len});
            assert_true(code == FLOE_CODE_OK || code == FLOE_CORRUPT || code == FLOE_UNSUPPORTED);
            refused += code != FLOE_CODE_OK ? 1 : 0;
            test_free(changed);
        }
    }
    assert_true(refused > 0);
}

static void decode__row_of_other_types__is_corrupt(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    /* As wide as an int64, and as many. */
    const floe_kind others[] = {FLOE_KIND_DOUBLE, FLOE_KIND_TIMESTAMP};
    for (size_t i = 0; i < 2; i++) {
        floe_type type = kind_type(others[i]);
        assert_int_equal(open_code(layout_of(&arena, &type, 1), golden(&arena, "row-1", "one_int64")), FLOE_CORRUPT);
        assert_message("of other types");
    }
    floe_type two[] = {kind_type(FLOE_KIND_INT64), kind_type(FLOE_KIND_INT64)};
    assert_int_equal(open_code(layout_of(&arena, two, 2), golden(&arena, "row-1", "one_int64")), FLOE_CORRUPT);
    assert_int_equal(open_code(layout_of(&arena, NULL, 0), golden(&arena, "row-1", "one_int64")), FLOE_CORRUPT);
}

static void decode__unknown_flags__are_corrupt(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_type type = kind_type(FLOE_KIND_INT64);
    floe_str good = golden(&arena, "row-1", "one_int64");
    char *bytes = floe_arena_strndup(&arena, good.ptr, good.len);
    for (unsigned bit = 2; bit < 8; bit++) {
        bytes[1] = (char)(1u << bit);
        assert_int_equal(open_code(layout_of(&arena, &type, 1), (floe_str){bytes, good.len}), FLOE_CORRUPT);
        assert_message("flags");
    }
}

static void decode__compressed_row_with_a_wrong_length__is_corrupt(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_type type = kind_type(FLOE_KIND_STRING);
    const floe_row_layout *layout = layout_of(&arena, &type, 1);
    floe_str good = golden(&arena, "row-1", "stored_zstd");
    char *bytes = floe_arena_strndup(&arena, good.ptr, good.len);
    const uint32_t len = (uint32_t)(uint8_t)bytes[26] | (uint32_t)(uint8_t)bytes[27] << 8;
    const uint32_t wrong[] = {0, 1, len - 1, len + 1, 0xFFFF, UINT32_MAX};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        for (size_t b = 0; b < 4; b++) {
            bytes[26 + b] = (char)(wrong[i] >> (8 * b));
        }
        assert_int_equal(open_code(layout, (floe_str){bytes, good.len}), FLOE_CORRUPT);
    }
    memcpy(bytes + 30, "nonsense", 8);
    assert_int_equal(open_code(layout, (floe_str){bytes, good.len}), FLOE_CORRUPT);
    assert_int_equal(open_code(layout, (floe_str){bytes, 28}), FLOE_CORRUPT);
}

/* ---- random rows ---- */

static floe_value random_scalar(floe_type type, uint32_t *seed, floe_arena *arena) {
    int64_t number =
        (int64_t)((uint64_t)next_random(seed) << 40 ^ (uint64_t)next_random(seed) << 20 ^ next_random(seed));
    switch (type.kind) {
    case FLOE_KIND_BOOL:
        return boolean(number % 2 == 0);
    case FLOE_KIND_INT32:
    case FLOE_KIND_DATE:
        return integer(type.kind, (int32_t)(uint32_t)number);
    case FLOE_KIND_FLOAT:
        return real(type.kind, (double)(float)number);
    case FLOE_KIND_DOUBLE:
        return real(type.kind, (double)number / 3);
    case FLOE_KIND_STRING:
    case FLOE_KIND_BYTES: {
        size_t len = next_random(seed) % 8 == 0 ? next_random(seed) % 3000 : next_random(seed) % 10;
        char *letters = floe_arena_alloc(arena, len, 1);
        for (size_t i = 0; i < len; i++) {
            letters[i] = (char)('a' + next_random(seed) % 4);
        }
        return (floe_value){.type = type, .as.bytes = {letters, len}};
    }
    case FLOE_KIND_DECIMAL:
        return (floe_value){.type = type, .as.decimal = number % 1000};
    default:
        return integer(type.kind, number);
    }
}

static floe_value random_value(floe_type type, uint32_t *seed, floe_arena *arena) {
    if (next_random(seed) % 4 == 0) {
        return floe_value_null(type);
    }
    if (type.kind != FLOE_KIND_LIST) {
        return random_scalar(type, seed, arena);
    }
    floe_type element = {.kind = type.element, .precision = type.precision, .scale = type.scale};
    size_t count = next_random(seed) % 20;
    floe_value *items = floe_arena_alloc(arena, count, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        items[i] = next_random(seed) % 4 == 0 ? floe_value_null(element) : random_scalar(element, seed, arena);
    }
    return (floe_value){.type = type, .as.list = {items, count}};
}

static floe_type random_type(uint32_t *seed) {
    floe_type type = kind_type((floe_kind)(1 + next_random(seed) % 11));
    if (type.kind == FLOE_KIND_LIST) {
        type.element = (floe_kind)(1 + next_random(seed) % 10);
    }
    if (type.kind == FLOE_KIND_DECIMAL || type.element == FLOE_KIND_DECIMAL) {
        type.precision = (uint8_t)(3 + next_random(seed) % 36);
        type.scale = (uint8_t)(next_random(seed) % 4);
    }
    return type;
}

static void row__random_rows__come_back(void **state) {
    (void)state;
    uint32_t seed = first_seed();
    for (int round = 0; round < 3000; round++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(64));
        floe_type types[40];
        floe_value values[40];
        size_t count = next_random(&seed) % 40;
        for (size_t i = 0; i < count; i++) {
            types[i] = random_type(&seed);
            values[i] = random_value(types[i], &seed, &arena);
        }
        const floe_row_layout *layout = layout_of(&arena, types, count);
        floe_row_header header = {(int64_t)next_random(&seed), -(int64_t)next_random(&seed), NEVER, false};
        assert_row(layout, encode(&arena, layout, header, values), values);
    }
}

static floe_status make_and_read(const floe_type *types, const floe_value *values, size_t count) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF out;
    FLOE_AUTO_BUF scratch;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_buf_init(&out, FLOE_MIB(4));
    floe_buf_init(&scratch, FLOE_LIMIT_ROW_BYTES);
    const floe_row_layout *layout = NULL;
    floe_row_header header = {0, 0, 0, false};
    floe_row row;
    FLOE_TRY(floe_row_layout_make(types, count, &arena, &layout, &proto_error));
    FLOE_TRY(floe_row_encode(layout, &header, values, &out, &proto_error));
    FLOE_TRY(floe_row_open(layout, floe_buf_view(&out), &scratch, &row, &proto_error));
    for (size_t c = 0; c < count; c++) {
        floe_value value;
        FLOE_TRY(floe_row_get(&row, c, &arena, &value, &proto_error));
    }
    return FLOE_OK;
}

static void row__failing_allocations__are_reported(void **state) {
    (void)state;
    static char letters[3001];
    memset(letters, 'z', 3000);
    floe_type types[COLUMNS + 1];
    floe_value values[COLUMNS + 1];
    every_type(types, values);
    values[COLUMNS] = text(letters); /* the row is compressed */
    types[COLUMNS] = values[COLUMNS].type;
    bool failed = true;
    uint64_t nth = 1;
    for (; failed; nth++) {
        floe_error_clear(&proto_error);
        floe_mem_fail_at(nth);
        floe_status status = make_and_read(types, values, COLUMNS + 1);
        floe_mem_fail_off();
        failed = floe_failed(status);
        assert_true(!failed || status.code == FLOE_NOMEM);
        assert_true(nth < 200);
    }
    assert_true(nth > 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row__golden_bytes__are_written),
        cmocka_unit_test(row__golden_bytes__are_read),
        cmocka_unit_test(row__compressed_golden_bytes__are_read),
        cmocka_unit_test(header__order_bytes__sort_as_times),
        cmocka_unit_test(header__short_or_foreign_bytes__are_refused),
        cmocka_unit_test(layout__invalid_types_or_too_many__are_refused),
        cmocka_unit_test(encode__values_of_another_type__are_refused),
        cmocka_unit_test(encode__too_large__is_a_limit),
        cmocka_unit_test(encode__compresses__only_long_rows_that_become_shorter),
        cmocka_unit_test(decode__cut_bytes__are_corrupt),
        cmocka_unit_test(decode__any_changed_byte__never_reads_outside),
        cmocka_unit_test(decode__row_of_other_types__is_corrupt),
        cmocka_unit_test(decode__unknown_flags__are_corrupt),
        cmocka_unit_test(decode__compressed_row_with_a_wrong_length__is_corrupt),
        cmocka_unit_test(row__random_rows__come_back),
        cmocka_unit_test(row__failing_allocations__are_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
