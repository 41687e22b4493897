/*
 * A stream that tells how far it has come, as its rows go by; otherwise it is the stream it wraps.
 */
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

typedef struct counted {
    struct ArrowArrayStream inner;
    dataset_job *job;
    const char *step;
    int64_t done, total;
} counted;

static floe_status counted_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    counted *c = context;
    return floe_arrow_stream_schema(&c->inner, c->step, ret_schema, err);
}

static floe_status counted_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    counted *c = context;
    FLOE_TRY(floe_arrow_stream_next(&c->inner, c->step, ret_batch, err));
    c->done += ret_batch->release ? ret_batch->length : 0;
    floe_dataset_progress_rows(c->job, c->step, c->done, c->total);
    return FLOE_OK;
}

static void counted_close(void *context) {
    counted *c = context;
    floe_arrow_stream_release(&c->inner);
    floe_free(c);
}

floe_status floe_dataset_counted(dataset_job *job, const char *step, int64_t total, struct ArrowArrayStream *inner,
                                 struct ArrowArrayStream *ret_stream, floe_error *err) {
    static const floe_stream_source source = {counted_schema, counted_next, counted_close};
    counted *c = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*c), &c, err));
    *c = (counted){.job = job, .step = step, .total = total};
    floe_status status = floe_arrow_stream_make(&source, c, ret_stream, err);
    if (floe_failed(status)) {
        floe_free(c);
        return status;
    }
    c->inner = *inner;
    inner->release = NULL;
    return FLOE_OK;
}
