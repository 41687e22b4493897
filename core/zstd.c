/*
 * zstd frames. A row is packed and unpacked many thousand times a second, so each thread keeps one context of each kind
 * for small contents until it ends; large contents take a context of their own, whose buffers (up to the window, 128
 * MiB) must not stay with the thread.
 *
 * Every frame is written with a content checksum, so that a flipped bit reads as CORRUPT and not as other data. libzstd
 * allocates by itself; a failure of its allocator comes back as NOMEM.
 */
#include "core/zstd.h"

#include <pthread.h>
#include <zstd.h>
#include <zstd_errors.h>

#define LEVEL_MAX 19
#define SMALL_LEN ((size_t)256 * 1024) /* content that the thread's own contexts take */
#define STEP_LEN ((size_t)128 * 1024)  /* output room asked for at a time */
/* The window that a decoder allocates: libzstd's own limit, and more only where the output may be larger. */
#define WINDOW_LOG_MIN 27
#define WINDOW_LOG_MAX 31

typedef struct contexts {
    ZSTD_CCtx *compress;
    ZSTD_DCtx *decompress;
} contexts;

static _Thread_local contexts mine;
static pthread_key_t at_thread_end;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static void free_contexts(void *pointer) {
    contexts *gone = pointer;
    (void)ZSTD_freeCCtx(gone->compress);
    (void)ZSTD_freeDCtx(gone->decompress);
    *gone = (contexts){0};
}

static void make_key(void) {
    (void)pthread_key_create(&at_thread_end, free_contexts);
}

/* Registers what shall happen at the thread's end. */
static contexts *thread_contexts(void) {
    if (!mine.compress && !mine.decompress) {
        (void)pthread_once(&key_once, make_key);
        (void)pthread_setspecific(at_thread_end, &mine);
    }
    return &mine;
}

static void free_compress(ZSTD_CCtx **context) {
    (void)ZSTD_freeCCtx(*context);
}

static void free_decompress(ZSTD_DCtx **context) {
    (void)ZSTD_freeDCtx(*context);
}

static floe_status no_memory(floe_error *err) {
    return FLOE_FAIL(err, FLOE_NOMEM, "out of memory in zstd");
}

static size_t room_of(const floe_buf *out) {
    return out->cap > out->len ? out->cap - out->len : 0;
}

/* Takes back what a failed call appended. */
static void cut_back(floe_buf *out, size_t len) {
    if (out->ptr) {
        out->len = len;
        out->ptr[len] = '\0';
    }
}

/* ---- Compression ---- */

static floe_status compress_with(ZSTD_CCtx *context, floe_str bytes, int level, floe_buf *out, floe_error *err) {
    size_t bound = ZSTD_compressBound(bytes.len);
    size_t want = bound < room_of(out) ? bound : room_of(out);
    char *target = want > 0 ? floe_buf_reserve(out, want) : NULL;
    FLOE_TRY(floe_buf_check(out, err));
    FLOE_ENSURE(target, err, FLOE_LIMIT, "a zstd frame does not fit the limit of %zu bytes", out->cap);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t result = ZSTD_compress2(context, target, want, bytes.ptr, bytes.len);
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_no_error:
        floe_buf_advance(out, result);
        return FLOE_OK;
    case ZSTD_error_memory_allocation:
        return no_memory(err);
    case ZSTD_error_dstSize_tooSmall:
        return FLOE_FAIL(err, FLOE_LIMIT, "a zstd frame does not fit the limit of %zu bytes", out->cap);
    default:
        return FLOE_FAIL(err, FLOE_INTERNAL, "zstd cannot compress: %s", ZSTD_getErrorName(result));
    }
}

floe_status floe_zstd_compress(floe_str bytes, int level, floe_buf *out, floe_error *err) {
    FLOE_ENSURE(level >= 1 && level <= LEVEL_MAX, err, FLOE_INVALID, "the zstd level must be 1 to %d, not %d",
                LEVEL_MAX, level);
    FLOE_TRY(floe_buf_check(out, err));
    if (bytes.len > SMALL_LEN) {
        __attribute__((cleanup(free_compress))) ZSTD_CCtx *own = ZSTD_createCCtx();
        return own ? compress_with(own, bytes, level, out, err) : no_memory(err);
    }
    contexts *kept = thread_contexts();
    if (!kept->compress) {
        kept->compress = ZSTD_createCCtx();
    }
    return kept->compress ? compress_with(kept->compress, bytes, level, out, err) : no_memory(err);
}

/* ---- Decompression ---- */

static floe_status fail_decode(size_t result, floe_error *err) {
    const char *name = ZSTD_getErrorName(result);
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        return no_memory(err);
    case ZSTD_error_dictionary_wrong:
    case ZSTD_error_version_unsupported:
    case ZSTD_error_frameParameter_unsupported:
        return FLOE_FAIL(err, FLOE_UNSUPPORTED, "a zstd frame needs what is not supported: %s", name);
    case ZSTD_error_frameParameter_windowTooLarge:
        return FLOE_FAIL(err, FLOE_LIMIT, "a zstd frame asks for too large a window: %s", name);
    default:
        return FLOE_FAIL(err, FLOE_CORRUPT, "damaged zstd data: %s", name);
    }
}

/* Whether `bytes` is one frame that says how long its content is, small enough to be believed. */
static bool is_small_frame(floe_str bytes, const floe_buf *out, size_t *ret_len) {
    unsigned long long len = ZSTD_getFrameContentSize(bytes.ptr, bytes.len);
    if (len == ZSTD_CONTENTSIZE_UNKNOWN || len == ZSTD_CONTENTSIZE_ERROR || len > SMALL_LEN || len > room_of(out)) {
        return false;
    }
    *ret_len = (size_t)len;
    return ZSTD_findFrameCompressedSize(bytes.ptr, bytes.len) == bytes.len;
}

static floe_status decode_small(floe_str bytes, size_t len, floe_buf *out, floe_error *err) {
    contexts *kept = thread_contexts();
    if (!kept->decompress) {
        kept->decompress = ZSTD_createDCtx();
    }
    if (!kept->decompress) {
        return no_memory(err);
    }
    char nothing = 0;
    char *target = len > 0 ? floe_buf_reserve(out, len) : &nothing;
    FLOE_TRY(floe_buf_check(out, err));
    size_t result = ZSTD_decompressDCtx(kept->decompress, target, len, bytes.ptr, bytes.len);
    if (ZSTD_isError(result)) {
        return fail_decode(result, err);
    }
    if (result > 0) {
        floe_buf_advance(out, result);
    }
    return FLOE_OK;
}

/* One call of the decoder. At the cap it gets a byte of room elsewhere, which only content past the cap would fill. */
static floe_status decode_step(ZSTD_DCtx *context, ZSTD_inBuffer *in, floe_buf *out, size_t *ret_hint,
                               floe_error *err) {
    char spare = 0;
    size_t room = room_of(out);
    size_t want = room < STEP_LEN ? room : STEP_LEN;
    char *target = want > 0 ? floe_buf_reserve(out, want) : &spare;
    FLOE_TRY(floe_buf_check(out, err));
    ZSTD_outBuffer step = {target, want > 0 ? want : 1, 0};
    *ret_hint = ZSTD_decompressStream(context, &step, in);
    if (ZSTD_isError(*ret_hint)) {
        return fail_decode(*ret_hint, err);
    }
    FLOE_ENSURE(want > 0 || step.pos == 0, err, FLOE_LIMIT, "zstd data holds more than the limit of %zu bytes",
                out->cap);
    if (step.pos > 0) {
        floe_buf_advance(out, step.pos);
    }
    bool starved = in->pos == in->size && step.pos < step.size && *ret_hint != 0;
    FLOE_ENSURE(!starved, err, FLOE_CORRUPT, "damaged zstd data: it ends inside a frame");
    return FLOE_OK;
}

static int window_log(const floe_buf *out) {
    int log = WINDOW_LOG_MIN;
    while (log < WINDOW_LOG_MAX && ((size_t)1 << log) < out->cap) {
        log++;
    }
    return log;
}

static floe_status decode_stream(floe_str bytes, floe_buf *out, floe_error *err) {
    __attribute__((cleanup(free_decompress))) ZSTD_DCtx *context = ZSTD_createDCtx();
    if (!context) {
        return no_memory(err);
    }
    (void)ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, window_log(out));
    ZSTD_inBuffer in = {bytes.ptr, bytes.len, 0};
    size_t hint = 1;
    while (in.pos < in.size || hint != 0) {
        FLOE_TRY(decode_step(context, &in, out, &hint, err));
    }
    return FLOE_OK;
}

floe_status floe_zstd_decompress(floe_str bytes, floe_buf *out, floe_error *err) {
    FLOE_ENSURE(bytes.len > 0, err, FLOE_CORRUPT, "damaged zstd data: no frame in 0 bytes");
    FLOE_TRY(floe_buf_check(out, err));
    size_t start = out->len;
    size_t len = 0;
    floe_status status =
        is_small_frame(bytes, out, &len) ? decode_small(bytes, len, out, err) : decode_stream(bytes, out, err);
    if (floe_failed(status)) {
        cut_back(out, start);
    }
    return status;
}
