/*
 * The walk through Parquet footers: footers that are put together here by the format's own description (parquet.thrift, Thrift's
 * compact protocol), every way to spell a field, every promise broken, every prefix; and copies with other bytes in them.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/io/parquet.h"
#include "tests/support/support.h"

#include <stdio.h>

static floe_arena arena;
static floe_buf footer;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&footer, FLOE_MIB(16));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    floe_buf_close(&footer);
    return 0;
}

/* ---- footers by hand ---- */

static void put(const void *bytes, size_t len) {
    floe_buf_append(&footer, bytes, len);
}
#define PUT(...) put((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* FileMetaData: 1 version, 2 the schema, a list of that many structs. */
static void begin(uint8_t nodes) {
    floe_buf_clear(&footer);
    PUT(0x15, 2, 0x19, (uint8_t)(nodes << 4 | 0x0C));
}

/* 4 name, 5 num_children. */
static void put_group(const char *name, uint8_t children) {
    PUT(0x48, (uint8_t)strlen(name));
    floe_buf_text(&footer, name);
    PUT(0x15, (uint8_t)(2 * children), 0);
}

/* 1 type, 3 repetition_type, 4 name; then 10 logicalType with these bytes, up to the end of the union. */
static void put_leaf(const char *name, uint8_t type, const void *logical, size_t logical_len) {
    PUT(0x15, (uint8_t)(2 * type), 0x25, 2, 0x18, (uint8_t)strlen(name));
    floe_buf_text(&footer, name);
    if (logical_len > 0) {
        PUT(0x6C);
        put(logical, logical_len);
        PUT(0);
    }
    PUT(0);
}
#define LEAF(name, type, ...)                                                                                          \
    put_leaf((name), (type), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

enum { INT32 = 1, INT64 = 2, INT96 = 3, FIXED = 7 };
/* A member of the union, 1 isAdjustedToUTC, 2 the unit with one empty struct, the end of both. */
#define TIMESTAMP(utc, unit) 0x8C, (utc), 0x1C, (uint8_t)((unit) << 4 | 0x0C), 0, 0, 0
#define TIME(utc, unit) 0x7C, (utc), 0x1C, (uint8_t)((unit) << 4 | 0x0C), 0, 0, 0
enum { UTC = 0x11, LOCAL = 0x12, MILLIS = 1, MICROS = 2, NANOS = 3 };

static const floe_parquet_column *find(size_t *ret_count) {
    const floe_parquet_column *columns = NULL;
    floe_error err = {0};
    assert_ok(floe_parquet_footer_find(floe_buf_view(&footer), &arena, &columns, ret_count, &err), &err);
    return columns;
}

static floe_code code_of(floe_str bytes, floe_error *err) {
    const floe_parquet_column *columns = NULL;
    size_t count = 0;
    return floe_parquet_footer_find(bytes, &arena, &columns, &count, err).code;
}

static void refused(floe_code code, const char *part) {
    floe_error err = {0};
    assert_int_equal(code_of(floe_buf_view(&footer), &err), code);
    assert_message(&err, part);
}

static void apply(const floe_parquet_column *column) {
    for (size_t i = 0; i < column->patch_count; i++) {
        const floe_parquet_patch *patch = &column->patches[i];
        assert_true(patch->at < footer.len);
        assert_int_equal((uint8_t)footer.ptr[patch->at], patch->from);
        footer.ptr[patch->at] = (char)patch->to;
    }
}

/* After its patches a column is one of nanoseconds without a zone. */
static void patched__is_local(size_t index) {
    size_t before = 0, after = 0;
    const floe_parquet_column *column = &find(&before)[index];
    floe_str name = column->node;
    size_t len = footer.len;
    apply(column);
    assert_int_equal(footer.len, len);
    const floe_parquet_column *then = &find(&after)[index];
    assert_int_equal(after, before);
    assert_int_equal(then->kind, FLOE_PARQUET_TIMESTAMP_NS);
    assert_int_equal(then->patch_count, 0);
    assert_true(floe_str_equal(then->node, name));
}

static const char *file_of(const char *name, floe_str bytes);
static floe_str whole_file(uint32_t said_len, const char *magic);
static floe_parquet_copy copy_of(const char *from, const char *to, const floe_parquet_column *column);

/* ---- what is found ---- */

static void nanoseconds__of_every_kind__are_found_with_their_bytes(void **state) {
    (void)state;
    begin(8);
    put_group("schema", 7);
    LEAF("z", INT64, TIMESTAMP(UTC, NANOS));
    LEAF("l", INT64, TIMESTAMP(LOCAL, NANOS));
    LEAF("t", INT64, TIME(LOCAL, NANOS));
    LEAF("tz", INT64, TIME(UTC, NANOS));
    LEAF("us", INT64, TIMESTAMP(UTC, MICROS));
    LEAF("ms", INT32, TIME(UTC, MILLIS));
    put_leaf("n", INT64, NULL, 0);
    size_t count = 0;
    const floe_parquet_column *found = find(&count);
    static const struct {
        const char *name;
        floe_parquet_kind kind;
        size_t patches;
    } EXPECTED[] = {{"z", FLOE_PARQUET_TIMESTAMPTZ_NS, 1},
                    {"l", FLOE_PARQUET_TIMESTAMP_NS, 0},
                    {"t", FLOE_PARQUET_TIME_NS, 1},
                    {"tz", FLOE_PARQUET_TIME_NS, 2}};
    assert_int_equal(count, 4);
    for (size_t i = 0; i < count; i++) {
        assert_true(floe_str_is(found[i].column, EXPECTED[i].name));
        assert_int_equal(found[i].kind, EXPECTED[i].kind);
        assert_int_equal(found[i].patch_count, EXPECTED[i].patches);
        assert_false(found[i].nested);
    }
    for (size_t i = 0; i < count; i++) {
        patched__is_local(i);
    }
}

/* It becomes twelve bytes of a fixed length: 2 type_length, 24 as a zigzag number, a field by its own number behind the last. */
static void int96__becomes_twelve_bytes_by_one_more_field(void **state) {
    (void)state;
    begin(4);
    put_group("schema", 3);
    put_leaf("a", INT96, NULL, 0);
    put_group("list", 1);
    put_leaf("element", INT96, NULL, 0);
    size_t count = 0;
    const floe_parquet_column *found = find(&count);
    assert_int_equal(count, 2);
    assert_true(floe_str_is(found[0].column, "a") && !found[0].nested && found[1].nested);
    const char *from = file_of("int96.parquet", whole_file((uint32_t)footer.len, "PAR1"));
    const char *to = floe_arena_printf(&arena, "%s/int96-copy.parquet", floe_test_temp_dir());
    floe_parquet_copy copy = copy_of(from, to, &found[0]);
    floe_error err = {0};
    assert_ok(floe_parquet_copy_make(&copy, &err), &err);
    begin(4);
    put_group("schema", 3);
    PUT(0x15, 2 * FIXED, 0x25, 2, 0x18, 1, 'a', 0x05, 4, 24, 0);
    put_group("list", 1);
    put_leaf("element", INT96, NULL, 0);
    FLOE_AUTO_BUF copied;
    floe_buf_init(&copied, FLOE_MIB(1));
    assert_ok(floe_file_read(to, &copied, &err), &err);
    assert_true(floe_str_equal(floe_buf_view(&copied), whole_file((uint32_t)footer.len, "PAR1")));
    assert_ok(floe_file_remove(to, NULL), NULL);
    assert_int_equal(find(&count)->nested, true);
    assert_int_equal(count, 1);
}

/* A zero step with the number after it: 7 is 0x0E, 8 is 0x10, and a needless byte may follow. */
static void numbers_by_themselves__are_patched_where_they_stand(void **state) {
    (void)state;
    begin(4);
    put_group("schema", 3);
    LEAF("a", INT64, 0x0C, 0x0E, 0x01, 0x02, 0x1C, 0x3C, 0, 0, 0);
    LEAF("b", INT64, 0x0C, 0x8E, 0x00, 0x02, 0x02, 0x1C, 0x0C, 0x06, 0, 0, 0);
    LEAF("c", INT64, 0x0C, 0x10, 0x01, 0x02, 0x1C, 0x3C, 0, 0, 0);
    size_t count = 0;
    const floe_parquet_column *found = find(&count);
    assert_int_equal(count, 3);
    assert_int_equal(found[0].kind, FLOE_PARQUET_TIME_NS);
    assert_int_equal(found[1].kind, FLOE_PARQUET_TIME_NS);
    assert_int_equal(found[2].kind, FLOE_PARQUET_TIMESTAMPTZ_NS);
    for (size_t i = 0; i < count; i++) {
        patched__is_local(i);
    }
}

static void nested__nodes_know_the_column_they_are_in(void **state) {
    (void)state;
    begin(8);
    put_group("schema", 3);
    put_group("list", 1);
    put_group("list", 1);
    LEAF("element", INT64, TIMESTAMP(UTC, NANOS));
    put_group("empty", 0);
    put_group("s", 2);
    LEAF("x", INT64, TIMESTAMP(UTC, MICROS));
    LEAF("y", INT64, TIME(UTC, NANOS));
    size_t count = 0;
    const floe_parquet_column *found = find(&count);
    assert_int_equal(count, 2);
    assert_true(found[0].nested && floe_str_is(found[0].column, "list") && floe_str_is(found[0].node, "element"));
    assert_true(found[1].nested && floe_str_is(found[1].column, "s") && floe_str_is(found[1].node, "y"));
}

/* 5 DECIMAL: 1 scale, 2 precision; or of old writers 6 converted_type 5, 7 scale, 8 precision. */
static void decimals__of_more_than_38_digits_are_found(void **state) {
    (void)state;
    begin(5);
    put_group("schema", 4);
    LEAF("d38", FIXED, 0x5C, 0x15, 4, 0x15, 76, 0);
    LEAF("d39", FIXED, 0x5C, 0x15, 4, 0x15, 78, 0);
    PUT(0x15, 2 * FIXED, 0x38, 3, 'o', 'l', 'd', 0x25, 10, 0x15, 4, 0x15, 80, 0);
    PUT(0x15, 2 * FIXED, 0x38, 3, 'n', 'o', 't', 0x45, 80, 0);
    size_t count = 0;
    const floe_parquet_column *found = find(&count);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(found[i].kind, FLOE_PARQUET_WIDE_DECIMAL);
        assert_int_equal(found[i].digits, 39 + (int)i);
        assert_int_equal(found[i].patch_count, 0);
    }
    assert_true(floe_str_is(found[1].column, "old"));
}

static void unknown__fields_of_every_type_are_passed_over(void **state) {
    (void)state;
    floe_buf_clear(&footer);
    /* Before the schema: 1 i32, then through a number of their own a double, a list of booleans, a map, a set, bytes, an i64. */
    PUT(0x15, 2, 0x07, 0xC8, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0x19, 0x21, 1, 2, 0x1B, 1, 0x85, 1, 'k', 8);
    PUT(0x1A, 0xF5, 2, 2, 4, 0x18, 2, 'x', 'y', 0x16, 6, 0x13, 9, 0x1B, 0, 0x11, 0x12);
    PUT(0x0D, 0xC0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0); /* a uuid */
    PUT(0x09, 4, 0x2C);                                                 /* 2, the schema */
    put_group("schema", 1);
    PUT(0x15, 4, 0x38, 1, 'z', 0x6C, TIMESTAMP(UTC, NANOS), 0, 0x1C, 0x11, 0, 0x16, 2, 0);
    size_t count = 0;
    assert_int_equal(find(&count)->kind, FLOE_PARQUET_TIMESTAMPTZ_NS);
    assert_int_equal(count, 1);
}

static void schema__without_nodes_or_columns__has_none(void **state) {
    (void)state;
    size_t count = 7;
    begin(0);
    assert_null(find(&count));
    assert_int_equal(count, 0);
    begin(1);
    put_group("schema", 0);
    (void)find(&count);
    assert_int_equal(count, 0);
}

/* ---- what is refused ---- */

static void damage__is_named(void **state) {
    (void)state;
    floe_buf_clear(&footer);
    refused(FLOE_CORRUPT, "the Parquet footer");
    PUT(0x15, 2, 0);
    refused(FLOE_CORRUPT, "no schema");
    floe_buf_clear(&footer);
    PUT(0x1E);
    refused(FLOE_CORRUPT, "unknown type");
    floe_buf_clear(&footer);
    PUT(0x05, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1);
    refused(FLOE_CORRUPT, "number is too large");
    floe_buf_clear(&footer);
    PUT(0x29, 0x25, 1, 1);
    refused(FLOE_CORRUPT, "no list of columns");
    floe_buf_clear(&footer);
    PUT(0x29, 0xFC, 0xFF, 0xFF, 0xFF, 0x7F);
    refused(FLOE_CORRUPT, "longer than it");
    begin(2); /* a node after the last one that the root has */
    put_group("schema", 0);
    put_group("more", 0);
    refused(FLOE_CORRUPT, "no tree");
    begin(1); /* -1 children */
    PUT(0x55, 1, 0);
    refused(FLOE_CORRUPT, "no tree");
}

static void logical_types__that_cannot_be__are_refused(void **state) {
    (void)state;
    begin(2);
    put_group("schema", 1);
    LEAF("two", INT64, TIME(UTC, NANOS), 0x1C, 0);
    refused(FLOE_CORRUPT, "two logical types");
    begin(2);
    put_group("schema", 1);
    LEAF("narrow", INT32, TIME(UTC, NANOS));
    refused(FLOE_CORRUPT, "\"narrow\" has nanoseconds that are no int64");
    begin(2);
    put_group("schema", 1);
    LEAF("silent", INT64, 0x8C, 0x2C, 0x3C, 0, 0, 0);
    refused(FLOE_CORRUPT, "\"silent\"");
    begin(2);
    put_group("schema", 1);
    PUT(0x15, 4, 0x38, 1, 'z', 0x65, 2, 0);
    refused(FLOE_CORRUPT, "of a wrong kind");
}

static void depth__is_bounded(void **state) {
    (void)state;
    floe_buf_clear(&footer);
    for (int i = 0; i < 100000; i++) {
        PUT(0x1C);
    }
    refused(FLOE_CORRUPT, "too deep");
    floe_buf_clear(&footer);
    PUT(0x19); /* a list of a list of a list … */
    for (int i = 0; i < 100000; i++) {
        PUT(0x19);
    }
    refused(FLOE_CORRUPT, "too deep");
    floe_buf_clear(&footer);
    PUT(0x29, 0xFC, 70);
    for (int i = 0; i < 70; i++) {
        put_group("g", 1);
    }
    refused(FLOE_CORRUPT, "63 levels");
}

static void too_many_nodes__are_a_limit(void **state) {
    (void)state;
    floe_buf_clear(&footer);
    PUT(0x29, 0xFC);
    floe_buf_varint(&footer, 100001);
    for (int i = 0; i < 100001; i++) {
        PUT(0);
    }
    refused(FLOE_LIMIT, "100000 columns");
}

static void put_all(void) {
    begin(6);
    put_group("schema", 4);
    LEAF("z", INT64, TIMESTAMP(UTC, NANOS));
    LEAF("t", INT64, TIME(UTC, NANOS));
    LEAF("d", FIXED, 0x5C, 0x15, 4, 0x15, 80, 0);
    put_group("g", 1);
    LEAF("x", INT64, TIME(LOCAL, NANOS));
}

/* Each prefix lies in memory of its own length, so that a sanitizer sees one byte too many. */
static void every_prefix__is_refused(void **state) {
    (void)state;
    put_all();
    for (size_t len = 0; len < footer.len; len++) {
        char *copy = NULL;
        floe_error err = {0};
        assert_ok(floe_alloc(len + (len == 0), 1, &copy, NULL), NULL);
        memcpy(copy, footer.ptr, len);
        assert_int_equal(code_of((floe_str){copy, len}, &err), FLOE_CORRUPT);
        floe_free(copy);
    }
}

static void random_damage__is_found_or_refused(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 20000; round++) {
        floe_error err = {0};
        put_all();
        for (uint64_t i = 0; i <= floe_test_below(&rng, 4); i++) {
            footer.ptr[floe_test_below(&rng, footer.len)] = (char)floe_test_next(&rng);
        }
        floe_code code = code_of(floe_buf_view(&footer), &err);
        assert_true(code == FLOE_CODE_OK || code == FLOE_CORRUPT || code == FLOE_LIMIT);
        assert_true((code == FLOE_CODE_OK) == (err.message[0] == 0));
        floe_arena_reset(&arena);
    }
}

/* ---- files ---- */

static const char *file_of(const char *name, floe_str bytes) {
    const char *path = floe_arena_printf(&arena, "%s/%s", floe_test_temp_dir(), name);
    assert_ok(floe_file_write(path, bytes, false, NULL), NULL);
    return path;
}

/* "PAR1", pages, the footer, its length, "PAR1" as `magic` has it. */
static floe_str whole_file(uint32_t said_len, const char *magic) {
    floe_buf file;
    floe_buf_init(&file, FLOE_MIB(16));
    floe_buf_text(&file, "PAR1pages");
    floe_buf_str(&file, floe_buf_view(&footer));
    floe_buf_u32(&file, said_len);
    floe_buf_text(&file, magic);
    floe_str kept = floe_arena_str(&arena, floe_buf_view(&file));
    floe_buf_close(&file);
    return kept;
}

static floe_status read_footer(const char *path, floe_buf *out, uint64_t *ret_at, floe_error *err) {
    floe_buf_init(out, FLOE_LIMIT_PARQUET_FOOTER_BYTES);
    return floe_parquet_footer_read(path, out, ret_at, err);
}

static void read__gives_the_footer_and_where_it_is(void **state) {
    (void)state;
    FLOE_AUTO_BUF read;
    uint64_t at = 0;
    floe_error err = {0};
    put_all();
    const char *path = file_of("whole.parquet", whole_file((uint32_t)footer.len, "PAR1"));
    assert_ok(read_footer(path, &read, &at, &err), &err);
    assert_int_equal(at, 9);
    assert_true(floe_str_equal(floe_buf_view(&read), floe_buf_view(&footer)));
}

static void read__what_is_no_parquet_file_is_refused_by_name(void **state) {
    (void)state;
    put_all();
    const struct {
        floe_str bytes;
        floe_code code;
        const char *part;
    } cases[] = {{FLOE_STR(""), FLOE_CORRUPT, "too short"},
                 {FLOE_STR("PAR1PAR1PAR"), FLOE_CORRUPT, "too short"},
                 {whole_file((uint32_t)footer.len, "PARE"), FLOE_UNSUPPORTED, "encrypted"},
                 {whole_file((uint32_t)footer.len, "ORC1"), FLOE_CORRUPT, "does not end like one"},
                 {whole_file((uint32_t)footer.len + 6, "PAR1"), FLOE_CORRUPT, "longer than the file"},
                 {whole_file(UINT32_MAX, "PAR1"), FLOE_CORRUPT, "longer than the file"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        FLOE_AUTO_BUF read;
        uint64_t at = 0;
        floe_error err = {0};
        const char *path = file_of("odd.parquet", cases[i].bytes);
        assert_code(read_footer(path, &read, &at, &err), cases[i].code);
        assert_message(&err, "odd.parquet");
        assert_message(&err, cases[i].part);
    }
    FLOE_AUTO_BUF read;
    uint64_t at = 0;
    assert_code(read_footer("/no/such/file.parquet", &read, &at, NULL), FLOE_NOT_FOUND);
    assert_code(read_footer(floe_test_temp_dir(), &read, &at, NULL), FLOE_INVALID);
}

static floe_parquet_copy copy_of(const char *from, const char *to, const floe_parquet_column *column) {
    return (floe_parquet_copy){
        .from = from, .to = to, .footer_at = 9, .patches = column->patches, .patch_count = column->patch_count};
}

static void copy__differs_in_the_patched_bytes_alone(void **state) {
    (void)state;
    size_t count = 0;
    floe_error err = {0};
    FLOE_AUTO_BUF copied;
    floe_buf_init(&copied, FLOE_MIB(1));
    put_all();
    floe_str bytes = whole_file((uint32_t)footer.len, "PAR1");
    const char *from = file_of("from.parquet", bytes);
    const char *to = floe_arena_printf(&arena, "%s/to.parquet", floe_test_temp_dir());
    const floe_parquet_column *column = &find(&count)[1];
    floe_parquet_copy copy = copy_of(from, to, column);
    assert_ok(floe_parquet_copy_make(&copy, &err), &err);
    assert_ok(floe_file_read(to, &copied, &err), &err);
    apply(column);
    floe_str expected = whole_file((uint32_t)footer.len, "PAR1");
    assert_true(floe_str_equal(floe_buf_view(&copied), expected));
    assert_false(floe_str_equal(bytes, expected));
    assert_code(floe_parquet_copy_make(&copy, NULL), FLOE_CONFLICT); /* it is there */
    assert_ok(floe_file_remove(to, NULL), NULL);
}

static void copy__of_another_file_or_cancelled_leaves_nothing(void **state) {
    (void)state;
    size_t count = 0;
    floe_error err = {0};
    put_all();
    const char *to = floe_arena_printf(&arena, "%s/none.parquet", floe_test_temp_dir());
    const floe_parquet_column *column = find(&count);
    const char *from =
        file_of("other.parquet", FLOE_STR("something else that is long enough to be patched at that place"));
    floe_parquet_copy copy = copy_of(from, to, column);
    assert_code(floe_parquet_copy_make(&copy, &err), FLOE_CONFLICT);
    assert_message(&err, "other.parquet was changed");
    assert_false(floe_file_exists(to));
    copy.from = file_of("short.parquet", FLOE_STR("PAR1"));
    assert_code(floe_parquet_copy_make(&copy, NULL), FLOE_CORRUPT);
    assert_false(floe_file_exists(to));
    atomic_bool cancelled = true;
    copy.cancelled = &cancelled;
    assert_code(floe_parquet_copy_make(&copy, NULL), FLOE_CANCELLED);
    assert_false(floe_file_exists(to));
    copy.from = "/no/such/file";
    assert_code(floe_parquet_copy_make(&copy, NULL), FLOE_NOT_FOUND);
}

/* ---- allocations ---- */

static floe_status read_and_find(void *context, floe_error *err) {
    FLOE_AUTO_BUF read = {0};
    FLOE_AUTO_ARENA own;
    uint64_t at = 0;
    const floe_parquet_column *columns = NULL;
    size_t count = 0;
    floe_arena_init(&own, FLOE_MIB(1));
    FLOE_TRY(read_footer(context, &read, &at, err));
    FLOE_TRY(floe_parquet_footer_find(floe_buf_view(&read), &own, &columns, &count, err));
    FLOE_ENSURE(count == 4, err, FLOE_INTERNAL, "%zu columns", count);
    return FLOE_OK;
}

static void allocations__that_fail_are_no_memory(void **state) {
    (void)state;
    put_all();
    const char *path = file_of("sweep.parquet", whole_file((uint32_t)footer.len, "PAR1"));
    assert_true(floe_test_alloc_sweep(read_and_find, (void *)(uintptr_t)path) > 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nanoseconds__of_every_kind__are_found_with_their_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(int96__becomes_twelve_bytes_by_one_more_field, set_up, tear_down),
        cmocka_unit_test_setup_teardown(numbers_by_themselves__are_patched_where_they_stand, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nested__nodes_know_the_column_they_are_in, set_up, tear_down),
        cmocka_unit_test_setup_teardown(decimals__of_more_than_38_digits_are_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown__fields_of_every_type_are_passed_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(schema__without_nodes_or_columns__has_none, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage__is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(logical_types__that_cannot_be__are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(depth__is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_nodes__are_a_limit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_prefix__is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_damage__is_found_or_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(read__gives_the_footer_and_where_it_is, set_up, tear_down),
        cmocka_unit_test_setup_teardown(read__what_is_no_parquet_file_is_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(copy__differs_in_the_patched_bytes_alone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(copy__of_another_file_or_cancelled_leaves_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(allocations__that_fail_are_no_memory, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
