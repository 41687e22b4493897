/*
 * Arrow streams over callbacks, and reading any stream with floe's errors.
 *
 * The C stream interface carries an errno and a text. A stream made here keeps the whole floe_error as well, and the
 * reader takes it from there when it recognises the stream by its release function, so that a code (CANCELLED, LIMIT …)
 * survives the seam. From foreign streams the errno is translated.
 */
#include "core/arrow.h"

#include "core/mem.h"

#include <errno.h>

typedef struct own_stream {
    floe_stream_source source;
    void *context;
    floe_error error; /* the first failure; later calls repeat it */
    bool is_over;
} own_stream;

static int errno_of(floe_code code) {
    switch (code) {
    case FLOE_NOMEM:
        return ENOMEM;
    case FLOE_INVALID:
        return EINVAL;
    case FLOE_UNSUPPORTED:
        return ENOTSUP;
    case FLOE_CANCELLED:
        return ECANCELED;
    case FLOE_TIMEOUT:
        return ETIMEDOUT;
    default:
        return EIO;
    }
}

static floe_code code_of(int error_number) {
    switch (error_number) {
    case ENOMEM:
        return FLOE_NOMEM;
    case EINVAL:
        return FLOE_INVALID;
    case ENOSYS:
    case ENOTSUP:
        return FLOE_UNSUPPORTED;
    case ECANCELED:
        return FLOE_CANCELLED;
    case ETIMEDOUT:
        return FLOE_TIMEOUT;
    default:
        return FLOE_IO;
    }
}

/* Keeps the first failure, also of a callback that gave a code but no message. Returns the errno for the caller. */
static int keep_failure(own_stream *own, floe_status status) {
    if (own->error.code == FLOE_CODE_OK) {
        FLOE_IGNORE(FLOE_FAIL(&own->error, status.code, "the stream failed without a message"));
    }
    return errno_of(own->error.code);
}

static int own_get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
    own_stream *own = stream->private_data;
    struct ArrowSchema schema = {0};
    if (own->error.code != FLOE_CODE_OK) {
        return errno_of(own->error.code);
    }
    floe_status status = own->source.schema(own->context, &schema, &own->error);
    if (floe_failed(status)) {
        return keep_failure(own, status);
    }
    *out = schema;
    return 0;
}

static int own_get_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
    own_stream *own = stream->private_data;
    struct ArrowArray batch = {0};
    if (own->error.code != FLOE_CODE_OK) {
        return errno_of(own->error.code);
    }
    floe_status status = own->is_over ? FLOE_OK : own->source.next(own->context, &batch, &own->error);
    if (floe_failed(status)) {
        return keep_failure(own, status);
    }
    own->is_over = batch.release == NULL;
    *out = batch;
    return 0;
}

static const char *own_get_last_error(struct ArrowArrayStream *stream) {
    const own_stream *own = stream->private_data;
    return own->error.code == FLOE_CODE_OK ? NULL : own->error.message;
}

static void own_release(struct ArrowArrayStream *stream) {
    own_stream *own = stream->private_data;
    if (own->source.close != NULL) {
        own->source.close(own->context);
    }
    floe_free(own);
    *stream = (struct ArrowArrayStream){0};
}

floe_status floe_arrow_stream_make(const floe_stream_source *source, void *context, struct ArrowArrayStream *ret_stream,
                                   floe_error *err) {
    own_stream *own = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*own), &own, err));
    own->source = *source;
    own->context = context;
    *ret_stream = (struct ArrowArrayStream){
        .get_schema = own_get_schema,
        .get_next = own_get_next,
        .get_last_error = own_get_last_error,
        .release = own_release,
        .private_data = own,
    };
    return FLOE_OK;
}

/* The failure of a stream's call, with `what` before its message. */
static floe_status stream_failed(struct ArrowArrayStream *stream, int error_number, const char *what, floe_error *err) {
    if (stream->release == own_release) {
        const own_stream *own = stream->private_data;
        if (err != NULL && err->code == FLOE_CODE_OK) {
            *err = own->error;
        }
        return floe_error_prefix(err, (floe_status){own->error.code}, "%s", what);
    }
    const char *message = stream->get_last_error == NULL ? NULL : stream->get_last_error(stream);
    return floe_error_set(err, code_of(error_number), error_number, __FILE__, __LINE__, "%s: %s", what,
                          message == NULL ? strerror(error_number) : message);
}

floe_status floe_arrow_stream_schema(struct ArrowArrayStream *stream, const char *what, struct ArrowSchema *ret_schema,
                                     floe_error *err) {
    struct ArrowSchema schema = {0};
    int error_number = stream->get_schema(stream, &schema);
    if (error_number != 0) {
        return stream_failed(stream, error_number, what, err);
    }
    *ret_schema = schema;
    return FLOE_OK;
}

floe_status floe_arrow_stream_next(struct ArrowArrayStream *stream, const char *what, struct ArrowArray *ret_batch,
                                   floe_error *err) {
    struct ArrowArray batch = {0};
    int error_number = stream->get_next(stream, &batch);
    if (error_number != 0) {
        return stream_failed(stream, error_number, what, err);
    }
    *ret_batch = batch;
    return FLOE_OK;
}

typedef struct batch_list {
    struct ArrowSchema schema;
    struct ArrowArray *batches;
    size_t count;
    size_t at;
} batch_list;

static floe_status list_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    const batch_list *list = context;
    return floe_arrow_schema_copy(&list->schema, ret_schema, err);
}

static floe_status list_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    batch_list *list = context;
    (void)err;
    if (list->at < list->count) {
        *ret_batch = list->batches[list->at];
        list->batches[list->at].release = NULL;
        list->at++;
    }
    return FLOE_OK;
}

static void list_close(void *context) {
    batch_list *list = context;
    for (size_t i = 0; i < list->count; i++) {
        floe_arrow_array_release(&list->batches[i]);
    }
    floe_arrow_schema_release(&list->schema);
    floe_free(list->batches);
    floe_free(list);
}

static void list_close_indirect(batch_list **list) {
    if (*list != NULL) {
        list_close(*list);
    }
}

floe_status floe_arrow_stream_of_batches(struct ArrowSchema *schema, struct ArrowArray *batches, size_t count,
                                         struct ArrowArrayStream *ret_stream, floe_error *err) {
    static const floe_stream_source source = {list_schema, list_next, list_close};
    FLOE_CLEANUP(list_close_indirect) batch_list *list = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*list), &list, err));
    FLOE_TRY(floe_alloc(count, sizeof(*list->batches), &list->batches, err));
    FLOE_TRY(floe_arrow_stream_make(&source, list, ret_stream, err));
    list->schema = *schema;
    schema->release = NULL;
    for (size_t i = 0; i < count; i++) {
        list->batches[i] = batches[i];
        batches[i].release = NULL;
    }
    list->count = count;
    list = NULL;
    return FLOE_OK;
}
