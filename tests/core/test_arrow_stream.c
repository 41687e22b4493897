/* core/arrow_stream: errors that cross the stream unchanged, foreign errors, ends, ownership. */
#include "tests/support/support.h"

#include "core/arrow.h"
#include "core/mem.h"

#include <errno.h>
#include <stdio.h>

/* A source of `left` empty batches that then ends, or fails with `code`. */
typedef struct counted_source {
    int left;
    floe_code code; /* OK: ends */
    bool without_message;
    int calls;
    int closed;
} counted_source;

static const floe_column column = {.name = {"n", 1}, .type = {.kind = FLOE_KIND_INT64}};

static floe_status make_batch(int64_t number, struct ArrowArray *ret_batch, floe_error *err) {
    FLOE_CLEANUP(floe_arrow_builder_close) floe_arrow_builder *builder = NULL;
    floe_value value = floe_value_int64(number);
    FLOE_TRY(floe_arrow_builder_open(&column, 1, &builder, err));
    FLOE_TRY(floe_arrow_builder_row(builder, &value, err));
    return floe_arrow_builder_finish(builder, ret_batch, err);
}

static floe_status counted_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    (void)context;
    return floe_arrow_schema_make(&column, 1, ret_schema, err);
}

static floe_status counted_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    counted_source *source = context;
    source->calls++;
    if (source->left > 0) {
        source->left--;
        return make_batch(source->left, ret_batch, err);
    }
    if (source->code == FLOE_CODE_OK) {
        return FLOE_OK;
    }
    return source->without_message ? (floe_status){source->code}
                                   : floe_error_set(err, source->code, EPIPE, __FILE__, __LINE__, "the pipe broke");
}

static void counted_close(void *context) {
    ((counted_source *)context)->closed++;
}

static const floe_stream_source counted = {counted_schema, counted_next, counted_close};

static int64_t number_of(const struct ArrowArray *batch) {
    return ((const int64_t *)batch->children[0]->buffers[1])[0];
}

static void make__batches_then_end__and_close_once(void **state) {
    (void)state;
    counted_source source = {.left = 2};
    struct ArrowArrayStream stream = {0};
    floe_error err = {0};
    assert_ok(floe_arrow_stream_make(&counted, &source, &stream, &err), &err);
    FLOE_AUTO_SCHEMA schema = {0};
    assert_ok(floe_arrow_stream_schema(&stream, "the test", &schema, &err), &err);
    assert_string_equal(schema.children[0]->name, "n");
    for (int64_t expected = 1; expected >= 0; expected--) {
        FLOE_AUTO_ARRAY batch = {0};
        assert_ok(floe_arrow_stream_next(&stream, "the test", &batch, &err), &err);
        assert_int_equal(number_of(&batch), expected);
    }
    for (int i = 0; i < 3; i++) {
        struct ArrowArray batch = {0};
        assert_ok(floe_arrow_stream_next(&stream, "the test", &batch, &err), &err);
        assert_null(batch.release);
    }
    assert_int_equal(source.calls, 3); /* the end is asked for once */
    assert_null(stream.get_last_error(&stream));
    floe_arrow_stream_release(&stream);
    floe_arrow_stream_release(&stream);
    assert_int_equal(source.closed, 1);
}

static void next__every_code__crosses_the_stream_unchanged(void **state) {
    (void)state;
    for (unsigned code = FLOE_INVALID; code < FLOE_CODE_COUNT; code++) {
        counted_source source = {.code = (floe_code)code};
        FLOE_AUTO_STREAM stream = {0};
        floe_error err = {0};
        struct ArrowArray batch = {0};
        assert_ok(floe_arrow_stream_make(&counted, &source, &stream, &err), &err);
        assert_code(floe_arrow_stream_next(&stream, "reading x", &batch, &err), (floe_code)code);
        assert_int_equal(err.code, code);
        assert_int_equal(err.sys_errno, EPIPE);
        assert_int_equal(err.retriable, floe_code_describe((floe_code)code)->retriable);
        assert_string_equal(err.message, "reading x: the pipe broke");
        assert_null(batch.release);
        assert_code(floe_arrow_stream_next(&stream, "reading x", &batch, NULL), (floe_code)code);
        assert_int_equal(source.calls, 1);
        FLOE_AUTO_SCHEMA schema = {0};
        assert_code(floe_arrow_stream_schema(&stream, "reading x", &schema, NULL), (floe_code)code);
    }
}

static void next__error_already_set__keeps_the_first_message(void **state) {
    (void)state;
    counted_source source = {.code = FLOE_CANCELLED};
    FLOE_AUTO_STREAM stream = {0};
    floe_error err = {0};
    struct ArrowArray batch = {0};
    assert_ok(floe_arrow_stream_make(&counted, &source, &stream, NULL), NULL);
    FLOE_IGNORE(FLOE_FAIL(&err, FLOE_IO, "earlier"));
    FLOE_IGNORE(floe_arrow_stream_next(&stream, "reading x", &batch, &err));
    assert_int_equal(err.code, FLOE_IO);
    assert_message(&err, "earlier");
}

static void next__failure_without_a_message__is_still_a_failure(void **state) {
    (void)state;
    counted_source source = {.code = FLOE_TIMEOUT, .without_message = true};
    FLOE_AUTO_STREAM stream = {0};
    floe_error err = {0};
    struct ArrowArray batch = {0};
    assert_ok(floe_arrow_stream_make(&counted, &source, &stream, NULL), NULL);
    assert_code(floe_arrow_stream_next(&stream, "reading x", &batch, &err), FLOE_TIMEOUT);
    assert_message(&err, "reading x: ");
}

/* What a consumer sees that is not floe: an errno and a text, as the C stream interface says. */
static void raw_interface__failure__gives_errno_and_text(void **state) {
    (void)state;
    static const struct {
        floe_code code;
        int error_number;
    } rows[] = {{FLOE_NOMEM, ENOMEM},        {FLOE_INVALID, EINVAL},    {FLOE_UNSUPPORTED, ENOTSUP},
                {FLOE_CANCELLED, ECANCELED}, {FLOE_TIMEOUT, ETIMEDOUT}, {FLOE_CORRUPT, EIO}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        counted_source source = {.code = rows[i].code};
        FLOE_AUTO_STREAM stream = {0};
        struct ArrowArray batch = {0};
        assert_ok(floe_arrow_stream_make(&counted, &source, &stream, NULL), NULL);
        assert_int_equal(stream.get_next(&stream, &batch), rows[i].error_number);
        assert_string_equal(stream.get_last_error(&stream), "the pipe broke");
    }
}

/* A stream of somebody else's making. */
typedef struct foreign {
    int error_number;
    const char *message;
} foreign;

static int foreign_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    (void)out;
    return ((foreign *)stream->private_data)->error_number;
}

static int foreign_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    (void)out;
    return ((foreign *)stream->private_data)->error_number;
}

static const char *foreign_error(struct ArrowArrayStream *stream) {
    return ((foreign *)stream->private_data)->message;
}

static void foreign_release(struct ArrowArrayStream *stream) {
    stream->release = NULL;
}

static void foreign__errno_and_text__are_translated(void **state) {
    (void)state;
    static const struct {
        int error_number;
        floe_code code;
    } rows[] = {{ENOMEM, FLOE_NOMEM},
                {EINVAL, FLOE_INVALID},
                {ENOSYS, FLOE_UNSUPPORTED},
                {ENOTSUP, FLOE_UNSUPPORTED},
                {ECANCELED, FLOE_CANCELLED},
                {ETIMEDOUT, FLOE_TIMEOUT},
                {EIO, FLOE_IO},
                {EPERM, FLOE_IO}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        foreign it = {rows[i].error_number, "Invalid Input Error: no such column"};
        FLOE_AUTO_STREAM stream = {.get_schema = foreign_schema,
                                   .get_next = foreign_next,
                                   .get_last_error = foreign_error,
                                   .release = foreign_release,
                                   .private_data = &it};
        floe_error err = {0};
        struct ArrowArray batch = {0};
        struct ArrowSchema schema = {0};
        assert_code(floe_arrow_stream_next(&stream, "the engine", &batch, &err), rows[i].code);
        assert_string_equal(err.message, "the engine: Invalid Input Error: no such column");
        assert_int_equal(err.sys_errno, rows[i].error_number);
        it.message = NULL;
        floe_error_clear(&err);
        assert_code(floe_arrow_stream_schema(&stream, "the engine", &schema, &err), rows[i].code);
        assert_message(&err, "the engine: ");
        assert_message(&err, strerror(rows[i].error_number));
    }
}

static void of_batches__order_and_ownership(void **state) {
    (void)state;
    struct ArrowSchema schema = {0};
    struct ArrowArray batches[3] = {{0}};
    assert_ok(counted_schema(NULL, &schema, NULL), NULL);
    for (int64_t i = 0; i < 3; i++) {
        assert_ok(make_batch(i * 10, &batches[i], NULL), NULL);
    }
    FLOE_AUTO_STREAM stream = {0};
    assert_ok(floe_arrow_stream_of_batches(&schema, batches, 3, &stream, NULL), NULL);
    assert_null(schema.release);
    for (int64_t i = 0; i < 2; i++) { /* the third is freed with the stream */
        assert_null(batches[i].release);
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_AUTO_SCHEMA again = {0};
        assert_ok(floe_arrow_stream_next(&stream, "x", &batch, NULL), NULL);
        assert_int_equal(number_of(&batch), i * 10);
        assert_ok(floe_arrow_stream_schema(&stream, "x", &again, NULL), NULL);
        assert_int_equal(again.n_children, 1);
    }
}

static void of_batches__none__ends_at_once(void **state) {
    (void)state;
    struct ArrowSchema schema = {0};
    assert_ok(counted_schema(NULL, &schema, NULL), NULL);
    FLOE_AUTO_STREAM stream = {0};
    struct ArrowArray batch = {0};
    assert_ok(floe_arrow_stream_of_batches(&schema, NULL, 0, &stream, NULL), NULL);
    assert_ok(floe_arrow_stream_next(&stream, "x", &batch, NULL), NULL);
    assert_null(batch.release);
}

static void of_batches__failure__leaves_everything_with_the_caller(void **state) {
    (void)state;
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_AUTO_ARRAY batch = {0};
    assert_ok(counted_schema(NULL, &schema, NULL), NULL);
    assert_ok(make_batch(1, &batch, NULL), NULL);
    for (uint64_t nth = 1; nth <= 3; nth++) {
        struct ArrowArrayStream stream = {0};
        floe_mem_fail_at(nth);
        floe_status status = floe_arrow_stream_of_batches(&schema, &batch, 1, &stream, NULL);
        floe_mem_fail_off();
        assert_code(status, FLOE_NOMEM);
        assert_null(stream.release);
        assert_non_null(schema.release);
        assert_non_null(batch.release);
    }
}

static floe_status read_all(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_AUTO_ARRAY batch = {0};
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(counted_schema(NULL, &schema, err));
    FLOE_TRY(make_batch(1, &batch, err));
    FLOE_TRY(floe_arrow_stream_of_batches(&schema, &batch, 1, &stream, err));
    FLOE_AUTO_SCHEMA again = {0};
    FLOE_AUTO_ARRAY first = {0};
    FLOE_TRY(floe_arrow_stream_schema(&stream, "x", &again, err));
    return floe_arrow_stream_next(&stream, "x", &first, err);
}

static void stream__nth_allocation_fails__is_nomem_without_a_leak(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(read_all, NULL) > 20);
}

static void moved_stream__still_gives_exact_errors(void **state) {
    (void)state;
    counted_source source = {.code = FLOE_DENIED};
    struct ArrowArrayStream original = {0};
    assert_ok(floe_arrow_stream_make(&counted, &source, &original, NULL), NULL);
    FLOE_AUTO_STREAM moved = original;
    original.release = NULL;
    floe_error err = {0};
    struct ArrowArray batch = {0};
    assert_code(floe_arrow_stream_next(&moved, "moved", &batch, &err), FLOE_DENIED);
    assert_string_equal(err.message, "moved: the pipe broke");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make__batches_then_end__and_close_once),
        cmocka_unit_test(next__every_code__crosses_the_stream_unchanged),
        cmocka_unit_test(next__error_already_set__keeps_the_first_message),
        cmocka_unit_test(next__failure_without_a_message__is_still_a_failure),
        cmocka_unit_test(raw_interface__failure__gives_errno_and_text),
        cmocka_unit_test(foreign__errno_and_text__are_translated),
        cmocka_unit_test(of_batches__order_and_ownership),
        cmocka_unit_test(of_batches__none__ends_at_once),
        cmocka_unit_test(of_batches__failure__leaves_everything_with_the_caller),
        cmocka_unit_test(stream__nth_allocation_fails__is_nomem_without_a_leak),
        cmocka_unit_test(moved_stream__still_gives_exact_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
