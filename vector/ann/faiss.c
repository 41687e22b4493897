/*
 * FAISS's C API (1.12): the only file that includes it.
 *
 * Three things of that version shape this file. An ID selector goes into a search by plain SearchParameters. The beam of a
 * search (efSearch) can be set for the whole index only, so searches that need a wider one wait until nobody searches, widen
 * it, and go on (the gate below). And exceptions come as codes with a text that belongs to the thread.
 *
 * Lock: the gate's, held for a few instructions, never while FAISS works.
 */
#include "vector/ann/faiss_int.h"

#include "core/mem.h"

#include <faiss/c_api/AutoTune_c.h>
#include <faiss/c_api/IndexFlat_c.h>
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/impl/AuxIndexStructures_c.h>
#include <faiss/c_api/impl/io_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <faiss/c_api/index_io_c.h>

#include <pthread.h>
#include <string.h>

/* Its header is there with the compiler only that brought it; this is all that is needed of it. */
extern void omp_set_num_threads(int count);

#if defined(__x86_64__) && defined(FLOE_FAISS_AVX2)
/* F16C and POPCNT, which it needs too, are in every processor with AVX2. */
bool floe_faiss_usable(void) {
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#else
bool floe_faiss_usable(void) {
    return true;
}
#endif

struct floe_faiss {
    FaissIndex *index;
    FaissParameterSpace *parameters;
    /* The gate. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned ef;      /* set in the index now */
    size_t searching; /* searches that run with it */
    size_t widening;  /* searches that wait for a wider one */
};

/* What FAISS said last on this thread. Its memory running out comes as std::bad_alloc. */
static floe_status faiss_failed(const char *what, floe_error *err) {
    const char *text = faiss_get_last_error();
    text = text != NULL ? text : "unknown error";
    return FLOE_FAIL(err, strstr(text, "bad_alloc") != NULL ? FLOE_NOMEM : FLOE_INTERNAL, "FAISS: %s: %s", what, text);
}

static floe_status faiss_open(floe_faiss **ret_faiss, floe_error *err) {
    floe_faiss *faiss = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*faiss), &faiss, err));
    (void)pthread_mutex_init(&faiss->lock, NULL);
    (void)pthread_cond_init(&faiss->changed, NULL);
    *ret_faiss = faiss;
    return FLOE_OK;
}

void floe_faiss_close(floe_faiss **faiss) {
    if (*faiss == NULL) {
        return;
    }
    faiss_Index_free((*faiss)->index);
    faiss_ParameterSpace_free((*faiss)->parameters);
    (void)pthread_cond_destroy(&(*faiss)->changed);
    (void)pthread_mutex_destroy(&(*faiss)->lock);
    floe_free(*faiss);
    *faiss = NULL;
}

static floe_status set_parameter(floe_faiss *faiss, const char *name, unsigned value, floe_error *err) {
    if (faiss->parameters == NULL && faiss_ParameterSpace_new(&faiss->parameters) != 0) {
        return faiss_failed(name, err);
    }
    if (faiss_ParameterSpace_set_index_parameter(faiss->parameters, faiss->index, name, value) != 0) {
        return faiss_failed(name, err);
    }
    return FLOE_OK;
}

static floe_status build(floe_faiss *faiss, const floe_faiss_plan *plan, const float *rows, floe_error *err) {
    const char *recipe = plan->kind == FLOE_ANN_FLAT ? "Flat" : "HNSW32,SQfp16";
    if (faiss_index_factory(&faiss->index, (int)plan->dim, recipe, METRIC_INNER_PRODUCT) != 0) {
        return faiss_failed(recipe, err);
    }
    if (plan->kind == FLOE_ANN_HNSW) {
        FLOE_TRY(set_parameter(faiss, "efConstruction", plan->ef_construction, err));
    }
    omp_set_num_threads((int)plan->thread_count);
    int failed = faiss_Index_train(faiss->index, (idx_t)plan->count, rows) != 0 ||
                 faiss_Index_add(faiss->index, (idx_t)plan->count, rows) != 0;
    omp_set_num_threads(1);
    return failed ? faiss_failed("building an index", err) : FLOE_OK;
}

floe_status floe_faiss_build(const floe_faiss_plan *plan, const float *rows, floe_faiss **ret_faiss, floe_error *err) {
    FLOE_CLEANUP(floe_faiss_close) floe_faiss *faiss = NULL;
    FLOE_ENSURE(
        floe_faiss_usable(), err, FLOE_UNSUPPORTED,
        "FAISS was compiled for AVX2, which this processor has not got; take the kind scan, or build floe here");
    FLOE_TRY(faiss_open(&faiss, err));
    FLOE_TRY(build(faiss, plan, rows, err));
    *ret_faiss = faiss;
    faiss = NULL;
    return FLOE_OK;
}

/* ---- the gate ---- */

/* A narrower beam is served by the wider one that is set; one that is too narrow is widened once nobody uses it. Whoever waits
 * to widen goes before those that come later, so it waits for a few searches at most. */
static floe_status gate_enter(floe_faiss *faiss, unsigned ef, floe_error *err) {
    floe_status status = FLOE_OK;
    (void)pthread_mutex_lock(&faiss->lock);
    bool widens = false;
    for (;;) {
        bool too_narrow = faiss->searching > 0 && ef > faiss->ef;
        if (!too_narrow && (widens || faiss->widening == 0)) {
            break;
        }
        faiss->widening += too_narrow && !widens;
        widens = widens || too_narrow;
        (void)pthread_cond_wait(&faiss->changed, &faiss->lock);
    }
    faiss->widening -= widens;
    if (faiss->searching == 0 && ef != faiss->ef) {
        status = set_parameter(faiss, "efSearch", ef, err);
        faiss->ef = floe_failed(status) ? faiss->ef : ef;
    }
    faiss->searching += !floe_failed(status);
    (void)pthread_cond_broadcast(&faiss->changed);
    (void)pthread_mutex_unlock(&faiss->lock);
    return status;
}

static void gate_leave(floe_faiss *faiss) {
    (void)pthread_mutex_lock(&faiss->lock);
    if (--faiss->searching == 0) {
        (void)pthread_cond_broadcast(&faiss->changed);
    }
    (void)pthread_mutex_unlock(&faiss->lock);
}

/* ---- searching ---- */

static void selector_free(FaissIDSelector **selector) {
    faiss_IDSelector_free(*selector);
}
static void parameters_free(FaissSearchParameters **parameters) {
    faiss_SearchParameters_free(*parameters);
}

static floe_status search(floe_faiss *faiss, const floe_faiss_query *query, int64_t *ret_rows, float *ret_scores,
                          floe_error *err) {
    FLOE_CLEANUP(selector_free) FaissIDSelector *selector = NULL;
    FLOE_CLEANUP(parameters_free) FaissSearchParameters *parameters = NULL;
    if (query->bits != NULL) {
        /* Bytes in the order of bits, which words of a little-endian machine are. */
        FaissIDSelectorBitmap *bitmap = NULL;
        if (faiss_IDSelectorBitmap_new(&bitmap, (query->count + 7) / 8, (const uint8_t *)query->bits) != 0) {
            return faiss_failed("a selector", err);
        }
        selector = (FaissIDSelector *)bitmap;
        if (faiss_SearchParameters_new(&parameters, selector) != 0) {
            return faiss_failed("search parameters", err);
        }
    }
    omp_set_num_threads(1);
    if (faiss_Index_search_with_params(faiss->index, 1, query->vector, (idx_t)query->k, parameters, ret_scores,
                                       ret_rows) != 0) {
        return faiss_failed("a search", err);
    }
    return FLOE_OK;
}

floe_status floe_faiss_search(floe_faiss *faiss, const floe_faiss_query *query, int64_t *ret_rows, float *ret_scores,
                              floe_error *err) {
    if (query->ef == 0) {
        return search(faiss, query, ret_rows, ret_scores, err);
    }
    FLOE_TRY(gate_enter(faiss, query->ef, err));
    floe_status status = search(faiss, query, ret_rows, ret_scores, err);
    gate_leave(faiss);
    return status;
}

/* ---- bytes ---- */

/* FAISS's callbacks carry no context, so it lies here while a call runs. */
static _Thread_local struct {
    const floe_faiss_sink *sink;
    floe_status status;
    floe_error *err;
    floe_str left; /* to read */
} io;

static size_t io_write(const void *bytes, size_t size, size_t count) {
    io.status = io.sink->write(io.sink->context, bytes, size * count, io.err);
    return floe_failed(io.status) ? 0 : count;
}

static size_t io_read(void *bytes, size_t size, size_t count) {
    size_t len = 0;
    if (__builtin_mul_overflow(size, count, &len) || len > io.left.len) {
        return 0;
    }
    if (len > 0) {
        memcpy(bytes, io.left.ptr, len);
    }
    io.left.ptr += len;
    io.left.len -= len;
    return count;
}

floe_status floe_faiss_write(const floe_faiss *faiss, const floe_faiss_sink *sink, floe_error *err) {
    FaissCustomIOWriter *writer = NULL;
    if (faiss_CustomIOWriter_new(&writer, io_write) != 0) {
        return faiss_failed("a writer", err);
    }
    io.sink = sink;
    io.status = FLOE_OK;
    io.err = err;
    int failed = faiss_write_index_custom(faiss->index, (FaissIOWriter *)writer, 0);
    faiss_CustomIOWriter_free(writer);
    FLOE_TRY(io.status);
    return failed != 0 ? faiss_failed("writing an index", err) : FLOE_OK;
}

floe_status floe_faiss_read(floe_str bytes, floe_faiss **ret_faiss, floe_error *err) {
    FLOE_CLEANUP(floe_faiss_close) floe_faiss *faiss = NULL;
    FaissCustomIOReader *reader = NULL;
    FLOE_TRY(faiss_open(&faiss, err));
    if (faiss_CustomIOReader_new(&reader, io_read) != 0) {
        return faiss_failed("a reader", err);
    }
    io.left = bytes;
    int failed = faiss_read_index_custom((FaissIOReader *)reader, 0, &faiss->index);
    faiss_CustomIOReader_free(reader);
    if (failed != 0) {
        return faiss_failed("reading an index", err);
    }
    *ret_faiss = faiss;
    faiss = NULL;
    return FLOE_OK;
}
