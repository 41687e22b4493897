/*
 * Arrow files: what is written comes back whatever pieces it came in, every allocation and every write may fail, what is cut or
 * says what cannot be is refused, and LZ4 frames unpack to what another packer packed.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/ipc/ipc_int.h"
#include "tests/support/support.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Column i of row n: null where (n + i) is a multiple of 7. */
static const floe_column COLUMNS[] = {
    {{"flag", 4}, {.kind = FLOE_KIND_BOOL}},
    {{"small", 5}, {.kind = FLOE_KIND_INT32}},
    {{"large", 5}, {.kind = FLOE_KIND_INT64}},
    {{"real", 4}, {.kind = FLOE_KIND_DOUBLE}},
    {{"text", 4}, {.kind = FLOE_KIND_STRING}},
    {{"money", 5}, {.kind = FLOE_KIND_DECIMAL, .precision = 20, .scale = 2}},
    {{"when", 4}, {.kind = FLOE_KIND_TIMESTAMP}},
    {{"words", 5}, {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING}},
};
#define COLUMN_COUNT (sizeof COLUMNS / sizeof *COLUMNS)

static void fill_row(int64_t n, floe_value *items, char text[32], floe_value *row) {
    snprintf(text, 32, "t%" PRId64, n);
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        row[i] = (floe_value){.type = COLUMNS[i].type, .is_null = (n + (int64_t)i) % 7 == 0};
    }
    items[0] = items[1] = (floe_value){.type = {.kind = FLOE_KIND_STRING}, .as.bytes = floe_str_of(text)};
    items[1].is_null = n % 3 == 0;
    row[0].as.boolean = n % 2 == 0;
    row[1].as.integer = n - 50;
    row[2].as.integer = n * 1000000007;
    row[3].as.real = (double)n / 3;
    row[4].as.bytes = (floe_str){text, (size_t)(n % 4)}; /* empty ones too */
    row[5].as.decimal = (__int128)n * -12345;
    row[6].as.integer = n * 86400000001 - 1;
    row[7].as.list.items = items;
    row[7].as.list.count = (size_t)(n % 3);
}

/* A stream of `count` rows in batches of `piece`. */
static void make_stream(int64_t count, int64_t piece, struct ArrowArrayStream *stream) {
    floe_error err = {0};
    floe_arrow_builder *builder = NULL;
    struct ArrowSchema schema = {0};
    struct ArrowArray *batches = calloc((size_t)(count / piece + 2), sizeof *batches);
    size_t batch_count = 0;
    assert_ok(floe_arrow_builder_open(COLUMNS, COLUMN_COUNT, &builder, &err), &err);
    assert_ok(floe_arrow_schema_make(COLUMNS, COLUMN_COUNT, &schema, &err), &err);
    for (int64_t n = 0; n < count; n++) {
        floe_value items[2], row[COLUMN_COUNT];
        char text[32];
        fill_row(n, items, text, row);
        assert_ok(floe_arrow_builder_row(builder, row, &err), &err);
        if ((n + 1) % piece == 0 || n + 1 == count) {
            assert_ok(floe_arrow_builder_finish(builder, &batches[batch_count++], &err), &err);
        }
    }
    floe_arrow_builder_close(&builder);
    assert_ok(floe_arrow_stream_of_batches(&schema, batches, batch_count, stream, &err), &err);
    free(batches);
}

static floe_status write_to(int fd, int64_t count, int64_t piece, bool bare, floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    int64_t rows = -1;
    make_stream(count, piece, &stream);
    floe_status status = floe_ipc_write(&stream, fd, &(ipc_form){.bare = bare}, &rows, err);
    assert_true(floe_failed(status) || rows == count);
    return status;
}

/* The bytes of a file of that many rows; the caller frees. */
static floe_str write_file(int64_t count, int64_t piece, bool bare) {
    floe_error err = {0};
    int fd = memfd_create("ipc", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_ok(write_to(fd, count, piece, bare, &err), &err);
    size_t len = (size_t)lseek(fd, 0, SEEK_END);
    char *bytes = malloc(len);
    assert_int_equal(pread(fd, bytes, len, 0), len);
    close(fd);
    return (floe_str){bytes, len};
}

static bool same_value(const floe_value *a, const floe_value *b) {
    if (a->type.kind != FLOE_KIND_LIST) {
        return floe_value_compare(a, b) == 0;
    }
    bool same = a->as.list.count == b->as.list.count;
    for (size_t i = 0; same && i < a->as.list.count; i++) {
        const floe_value *x = &a->as.list.items[i], *y = &b->as.list.items[i];
        same = x->is_null == y->is_null && (x->is_null || floe_value_compare(x, y) == 0);
    }
    return same;
}

static void check_rows(struct ArrowArrayStream *stream, int64_t count) {
    FLOE_AUTO_SCHEMA schema = {0};
    floe_error err = {0};
    int64_t n = 0;
    assert_ok(floe_arrow_stream_schema(stream, "test", &schema, &err), &err);
    assert_int_equal(schema.n_children, COLUMN_COUNT);
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(64));
        assert_ok(floe_arrow_stream_next(stream, "test", &batch, &err), &err);
        if (!batch.release) {
            break;
        }
        for (int64_t row = 0; row < batch.length; row++, n++) {
            floe_value items[2], want[COLUMN_COUNT];
            char text[32];
            fill_row(n, items, text, want);
            for (size_t i = 0; i < COLUMN_COUNT; i++) {
                floe_arrow_view view;
                floe_value got;
                assert_ok(floe_arrow_view_of(&schema, &batch, (int64_t)i, &view, &err), &err);
                assert_ok(floe_arrow_get(&view, row, &arena, &got, &err), &err);
                assert_int_equal(got.is_null, want[i].is_null);
                assert_true(got.is_null || same_value(&got, &want[i]));
            }
        }
    }
    assert_int_equal(n, count);
}

static void ipc__rows__come_back_from_either_form(void **state) {
    (void)state;
    static const int64_t counts[] = {0, 1, 7, 8, 9, 1023, 1024, 1025, 70000};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        for (int bare = 0; bare < 2; bare++) {
            floe_error err = {0};
            FLOE_AUTO_STREAM stream = {0};
            floe_str file = write_file(counts[i], 1000, bare == 1);
            assert_ok(floe_ipc_open_bytes(file, &stream, &err), &err);
            check_rows(&stream, counts[i]);
            floe_arrow_stream_release(&stream);
            free((void *)(uintptr_t)file.ptr);
        }
    }
}

/* 1, 3 and 5 do not divide 8, so that bits come at every place of a byte. */
static void ipc__pieces__do_not_show_in_the_bytes(void **state) {
    (void)state;
    static const int64_t pieces[] = {1, 3, 5, 8, 1000, 2048, 5000};
    floe_str first = write_file(5000, 5000, false);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        floe_str again = write_file(5000, pieces[i], false);
        assert_int_equal(again.len, first.len);
        assert_memory_equal(again.ptr, first.ptr, first.len);
        free((void *)(uintptr_t)again.ptr);
    }
    free((void *)(uintptr_t)first.ptr);
}

static bool read_all(floe_str file, floe_error *err) {
    FLOE_AUTO_STREAM stream = {0};
    if (floe_failed(floe_ipc_open_bytes(file, &stream, err))) {
        return false;
    }
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        if (floe_failed(floe_arrow_stream_next(&stream, "test", &batch, err))) {
            return false;
        }
        if (!batch.release) {
            return true;
        }
    }
}

static void ipc__cut_anywhere__is_corrupt(void **state) {
    (void)state;
    floe_str file = write_file(100, 100, false);
    for (size_t len = 0; len < file.len; len++) {
        floe_error err = {0};
        char *cut = malloc(len + 1); /* of its own, so that a sanitizer sees a step too far */
        memcpy(cut, file.ptr, len);
        assert_false(read_all((floe_str){cut, len}, &err));
        assert_int_equal(err.code, FLOE_CORRUPT);
        free(cut);
    }
    free((void *)(uintptr_t)file.ptr);
}

/* A bare stream may end after any message; it never gives more rows than it has, and no half ones. */
static void ipc__cut_stream__is_corrupt_or_ends_at_a_message(void **state) {
    (void)state;
    floe_str file = write_file(100, 100, true);
    size_t whole = 0;
    for (size_t len = 0; len < file.len; len++) {
        floe_error err = {0};
        whole += read_all((floe_str){file.ptr, len}, &err);
    }
    assert_int_equal(whole, 2); /* right after the schema, right after the batch */
    free((void *)(uintptr_t)file.ptr);
}

/* Lists of which some are null, with more items than there are bytes: no memory is taken for what is only said. */
static void ipc__items_that_no_bytes_stand_behind__are_corrupt(void **state) {
    (void)state;
    int64_t node[2] = {0, 0}, length = INT64_C(1) << 40;
    size_t changed = 0;
    for (int64_t n = 0; n < 100; n++) {
        node[0] += n % 7 == 0 ? 0 : n % 3;
    }
    floe_str file = write_file(100, 100, false);
    char *copy = malloc(file.len);
    memcpy(copy, file.ptr, file.len);
    for (size_t at = 0; at + sizeof node <= file.len; at += 8) {
        if (memcmp(copy + at, node, sizeof node) == 0) {
            memcpy(copy + at, &length, sizeof length);
            changed++;
        }
    }
    floe_error err = {0};
    assert_int_equal(changed, 1);
    assert_false(read_all((floe_str){copy, file.len}, &err));
    assert_int_equal(err.code, FLOE_CORRUPT);
    free(copy);
    free((void *)(uintptr_t)file.ptr);
}

static void ipc__one_byte_changed__is_read_or_refused_but_never_trusted(void **state) {
    (void)state;
    floe_str file = write_file(20, 20, false);
    char *copy = malloc(file.len);
    for (size_t at = 0; at < file.len; at++) {
        for (int change = 0; change < 3; change++) {
            floe_error err = {0};
            memcpy(copy, file.ptr, file.len);
            copy[at] = (char)(change == 0 ? ~copy[at] : change == 1 ? 0 : 0x7f);
            bool read = read_all((floe_str){copy, file.len}, &err);
            assert_true(read || (err.code != FLOE_CODE_OK && err.code != FLOE_INTERNAL && err.message[0] != 0));
        }
    }
    free(copy);
    free((void *)(uintptr_t)file.ptr);
}

static void ipc__any_allocation_fails__is_nomem_and_leaks_nothing(void **state) {
    (void)state;
    floe_str file = write_file(50, 50, false);
    bool done = false;
    for (uint64_t nth = 1; !done; nth++) {
        floe_error err = {0};
        floe_mem_fail_at(nth);
        done = read_all(file, &err);
        floe_mem_fail_off();
        assert_true(done || err.code == FLOE_NOMEM);
        assert_true(nth < 10000);
    }
    free((void *)(uintptr_t)file.ptr);
    done = false;
    for (uint64_t nth = 1; !done; nth++) {
        FLOE_AUTO_STREAM stream = {0};
        floe_error err = {0};
        int64_t rows = 0;
        int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        make_stream(50, 20, &stream);
        floe_mem_fail_at(nth);
        done = !floe_failed(floe_ipc_write(&stream, fd, &(ipc_form){0}, &rows, &err));
        floe_mem_fail_off();
        close(fd);
        assert_true(done || err.code == FLOE_NOMEM);
        assert_true(nth < 10000);
    }
}

static void ipc__full_disk__is_named(void **state) {
    (void)state;
    floe_error err = {0};
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_code(write_to(fd, 10, 10, false, &err), FLOE_IO);
    assert_non_null(strstr(err.message, "the disk is full"));
    close(fd);
}

static void ipc__no_file__is_said_how(void **state) {
    (void)state;
    FLOE_AUTO_STREAM stream = {0};
    floe_error missing = {0}, folder = {0};
    assert_code(floe_ipc_open("/nowhere/x.arrow", &stream, &missing), FLOE_NOT_FOUND);
    assert_code(floe_ipc_open("/tmp", &stream, &folder), FLOE_IO);
    assert_true(floe_ipc_is_path("a.arrow") && floe_ipc_is_path("a.feather") && floe_ipc_is_path("a.arrows"));
    assert_false(floe_ipc_is_path("arrow") || floe_ipc_is_path("a.arrow.gz") || floe_ipc_is_path("a.parquet"));
}

/* ---- LZ4 ---- */

static void unpacks_to(const uint8_t *frame, size_t len, floe_str want) {
    FLOE_AUTO_BUF out;
    floe_error err = {0};
    floe_buf_init(&out, FLOE_MIB(1));
    floe_buf_text(&out, "before");
    assert_ok(floe_lz4_decompress((floe_str){(const char *)frame, len}, &out, &err), &err);
    assert_int_equal(out.len, want.len + 6);
    assert_memory_equal(out.ptr + 6, want.ptr, want.len);
}

/* Frames by hand from the two documents of the format: magic, FLG (version 1, independent blocks), BD, a checksum of the
 * header that nobody looks at. */
#define HEAD 0x04, 0x22, 0x4D, 0x18, 0x60, 0x40, 0x00

static void lz4__frames__unpack(void **state) {
    (void)state;
    static const uint8_t stored[] = {HEAD, 3, 0, 0, 0x80, 'a', 'b', 'c', 0, 0, 0, 0};
    static const uint8_t literals[] = {HEAD, 4, 0, 0, 0, 0x30, 'a', 'b', 'c', 0, 0, 0, 0};
    /* one literal, then a match of 4 + 15 + 2 bytes one byte back, then one literal */
    static const uint8_t overlap[] = {HEAD, 7, 0, 0, 0, 0x1F, 'x', 1, 0, 2, 0x10, 'y', 0, 0, 0, 0};
    /* two blocks: the second reaches back into the first */
    static const uint8_t linked[] = {0x04, 0x22, 0x4D, 0x18, 0x40, 0x40, 0x00, 4, 0,    0,   0x80, 'a', 'b', 'c',
                                     'd',  5,    0,    0,    0,    0x00, 4,    0, 0x10, 'z', 0,    0,   0,   0};
    static const uint8_t nothing[] = {HEAD, 0, 0, 0, 0};
    unpacks_to(stored, sizeof stored, FLOE_STR("abc"));
    unpacks_to(literals, sizeof literals, FLOE_STR("abc"));
    unpacks_to(overlap, sizeof overlap, FLOE_STR("xxxxxxxxxxxxxxxxxxxxxxy"));
    unpacks_to(linked, sizeof linked, FLOE_STR("abcdabcdz"));
    unpacks_to(nothing, sizeof nothing, FLOE_STR(""));
}

static void lz4__what_cannot_be__is_refused(void **state) {
    (void)state;
    static const uint8_t back_too_far[] = {HEAD, 6, 0, 0, 0, 0x10, 'x', 2, 0, 0x10, 'y', 0, 0, 0, 0};
    static const uint8_t back_nowhere[] = {HEAD, 6, 0, 0, 0, 0x10, 'x', 0, 0, 0x10, 'y', 0, 0, 0, 0};
    static const uint8_t cut[] = {HEAD, 9, 0, 0, 0, 0x30, 'a'};
    static const uint8_t endless[] = {HEAD, 3, 0, 0, 0, 0xF0, 255, 255, 0, 0, 0, 0};
    static const uint8_t magic[] = {0x05, 0x22, 0x4D, 0x18, 0x60, 0x40, 0, 0, 0, 0, 0};
    static const uint8_t version[] = {0x04, 0x22, 0x4D, 0x18, 0x80, 0x40, 0, 0, 0, 0, 0};
    static const struct {
        const uint8_t *bytes;
        size_t len;
    } frames[] = {{back_too_far, sizeof back_too_far},
                  {back_nowhere, sizeof back_nowhere},
                  {cut, sizeof cut},
                  {endless, sizeof endless},
                  {magic, sizeof magic},
                  {version, sizeof version}};
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++) {
        FLOE_AUTO_BUF out;
        floe_error err = {0};
        floe_buf_init(&out, FLOE_MIB(1));
        assert_code(floe_lz4_decompress((floe_str){(const char *)frames[i].bytes, frames[i].len}, &out, &err),
                    FLOE_CORRUPT);
    }
}

static void lz4__more_than_is_allowed__is_a_limit(void **state) {
    (void)state;
    static const uint8_t bomb[] = {HEAD, 8, 0, 0, 0, 0x1F, 'x', 1, 0, 255, 2, 0x10, 'y', 0, 0, 0, 0};
    FLOE_AUTO_BUF out;
    floe_error err = {0};
    floe_buf_init(&out, 100);
    assert_code(floe_lz4_decompress((floe_str){(const char *)bomb, sizeof bomb}, &out, &err), FLOE_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipc__rows__come_back_from_either_form),
        cmocka_unit_test(ipc__pieces__do_not_show_in_the_bytes),
        cmocka_unit_test(ipc__cut_anywhere__is_corrupt),
        cmocka_unit_test(ipc__cut_stream__is_corrupt_or_ends_at_a_message),
        cmocka_unit_test(ipc__items_that_no_bytes_stand_behind__are_corrupt),
        cmocka_unit_test(ipc__one_byte_changed__is_read_or_refused_but_never_trusted),
        cmocka_unit_test(ipc__any_allocation_fails__is_nomem_and_leaks_nothing),
        cmocka_unit_test(ipc__full_disk__is_named),
        cmocka_unit_test(ipc__no_file__is_said_how),
        cmocka_unit_test(lz4__frames__unpack),
        cmocka_unit_test(lz4__what_cannot_be__is_refused),
        cmocka_unit_test(lz4__more_than_is_allowed__is_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
