/*
 * Arrow files and streams of any bytes. What the reader gives out must be sound, because the engine believes it: every cell of
 * every batch is walked here by the layout alone, so that a sanitizer sees an array that says more than it has. What was read
 * must also be writable, and come back.
 */
#include "core/limits.h"
#include "offline/ipc/ipc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define ROWS_MAX 100000
#define BATCHES_MAX 100

static uint64_t sum_bytes(const void *ptr, size_t len) {
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += ((const uint8_t *)ptr)[i];
    }
    return sum;
}

static uint64_t walk(const struct ArrowSchema *schema, const struct ArrowArray *array);

static uint64_t walk_offsets(const struct ArrowSchema *schema, const struct ArrowArray *array, bool wide) {
    const int64_t *longs = array->buffers[1];
    const int32_t *shorts = array->buffers[1];
    int64_t end = wide ? longs[array->length] : shorts[array->length];
    if (schema->n_children > 0) {
        FLOE_ASSERT(end <= array->children[0]->length);
        return walk(schema->children[0], array->children[0]);
    }
    return sum_bytes(array->buffers[2], (size_t)end);
}

static uint64_t walk_views(const struct ArrowArray *array) {
    uint64_t sum = 0;
    const int32_t *views = array->buffers[1];
    for (int64_t row = 0; row < array->length; row++) {
        const int32_t *view = views + 4 * row;
        const uint8_t *bits = array->buffers[0];
        bool is_null = bits && (bits[row / 8] >> (row % 8) & 1) == 0;
        if (!is_null && view[0] > 12) {
            sum += sum_bytes((const char *)array->buffers[2 + view[2]] + view[3], (size_t)view[0]);
        }
    }
    return sum;
}

static int64_t width_of(const char *format) {
    static const struct {
        const char *format;
        int64_t width;
    } WIDTHS[] = {{"c", 1}, {"C", 1},   {"s", 2},   {"S", 2},   {"i", 4},   {"I", 4},
                  {"f", 4}, {"tdD", 4}, {"tts", 4}, {"ttm", 4}, {"tiM", 4}, {"tin", 16}};
    for (size_t i = 0; i < sizeof WIDTHS / sizeof *WIDTHS; i++) {
        if (strcmp(format, WIDTHS[i].format) == 0) {
            return WIDTHS[i].width;
        }
    }
    if (strncmp(format, "w:", 2) == 0) {
        return strtol(format + 2, NULL, 10);
    }
    const char *bits = strncmp(format, "d:", 2) == 0 ? strrchr(format, ',') : NULL;
    return !bits                                                     ? 8
           : strcmp(bits, ",32") == 0 && strchr(format, ',') != bits ? 4
           : strchr(format, ',') != bits                             ? 8
                                                                     : 16;
}

static uint64_t walk(const struct ArrowSchema *schema, const struct ArrowArray *array) {
    const char *format = schema->format;
    size_t length = (size_t)array->length;
    uint64_t sum = 0;
    if (length == 0 || length > ROWS_MAX || strcmp(format, "n") == 0) {
        return 0;
    }
    if (array->n_buffers > 0 && array->buffers[0]) {
        sum += sum_bytes(array->buffers[0], (length + 7) / 8);
    }
    if (strchr("uz", format[0]) || strcmp(format, "+l") == 0 || strcmp(format, "+m") == 0) {
        return sum + walk_offsets(schema, array, false);
    }
    if (strchr("UZ", format[0]) || strcmp(format, "+L") == 0) {
        return sum + walk_offsets(schema, array, true);
    }
    if (format[0] == 'v') {
        return sum + walk_views(array);
    }
    for (int64_t i = 0; i < schema->n_children; i++) {
        sum += walk(schema->children[i], array->children[i]);
    }
    if (schema->n_children == 0) {
        sum += sum_bytes(array->buffers[1],
                         strcmp(format, "b") == 0 ? (length + 7) / 8 : length * (size_t)width_of(format));
    }
    return sum;
}

static int64_t walk_stream(struct ArrowArrayStream *stream) {
    FLOE_AUTO_SCHEMA schema = {0};
    floe_error err = {0};
    int64_t rows = 0;
    if (floe_failed(floe_arrow_stream_schema(stream, "fuzz", &schema, &err))) {
        return -1;
    }
    for (int i = 0; i < BATCHES_MAX; i++) {
        FLOE_AUTO_ARRAY batch = {0};
        floe_status status = floe_arrow_stream_next(stream, "fuzz", &batch, &err);
        FLOE_ASSERT(!floe_failed(status) || err.message[0] != 0);
        if (floe_failed(status) || !batch.release) {
            return floe_failed(status) ? -1 : rows;
        }
        rows += batch.length;
        for (int64_t c = 0; c < batch.n_children; c++) {
            FLOE_ASSERT(batch.children[c]->length == batch.length);
            (void)walk(schema.children[c], batch.children[c]);
        }
    }
    return -1;
}

/* Written and read again there are as many rows. Views are for reading only. */
static void round_trip(floe_str file, int64_t rows) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_STREAM again = {0};
    floe_error err = {0};
    int64_t written = 0;
    FLOE_ASSERT(!floe_failed(floe_ipc_open_bytes(file, &stream, &err)));
    int fd = memfd_create("ipc", MFD_CLOEXEC);
    if (fd >= 0 && !floe_failed(floe_ipc_write(&stream, fd, &(ipc_form){.bare = rows % 2 == 0}, &written, &err))) {
        size_t len = (size_t)lseek(fd, 0, SEEK_END);
        char *bytes = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        FLOE_ASSERT(bytes != MAP_FAILED && written == rows);
        FLOE_ASSERT(!floe_failed(floe_ipc_open_bytes((floe_str){bytes, len}, &again, &err)));
        FLOE_ASSERT(walk_stream(&again) == rows);
        floe_arrow_stream_release(&again);
        munmap(bytes, len);
    }
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    FLOE_AUTO_STREAM stream = {0};
    floe_error err = {0};
    floe_str file = {(const char *)bytes, len};
    floe_status status = floe_ipc_open_bytes(file, &stream, &err);
    FLOE_ASSERT(!floe_failed(status) || err.message[0] != 0);
    if (floe_failed(status)) {
        return 0;
    }
    int64_t rows = walk_stream(&stream);
    if (rows >= 0 && rows < ROWS_MAX) {
        round_trip(file, rows);
    }
    return 0;
}
