/*
 * Any bytes as a .safetensors file. What is accepted must be sound: every tensor lies inside the file, none overlaps the
 * next, together they fill the data, and every element can be read.
 */
#include "core/limits.h"
#include "vector/embed/safetensors_int.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

/* Reads every byte, so that a sanitizer sees one that is not the file's. */
static unsigned touch(const floe_tensor *tensor) {
    unsigned sum = 0;
    for (uint64_t i = 0; i < tensor->end - tensor->begin; i++) {
        sum += tensor->bytes[i];
    }
    return sum;
}

static void check_floats(const floe_tensor *tensor, floe_arena *arena) {
    const float *floats = NULL;
    floe_error err = {0};
    floe_status status = floe_tensor_floats(tensor, arena, &floats, &err);
    FLOE_ASSERT(status.code == FLOE_CODE_OK || status.code == FLOE_UNSUPPORTED || status.code == FLOE_LIMIT);
    if (status.code == FLOE_CODE_OK && tensor->end > tensor->begin) {
        volatile float first = floats[0];
        (void)first;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    FLOE_AUTO_ARENA arena;
    floe_tensors tensors = {0};
    floe_error err = {0};
    floe_str file = {(const char *)data, data_len};
    volatile unsigned sum = 0;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_status status = floe_safetensors_parse(file, &arena, &tensors, &err);
    if (floe_failed(status)) {
        FLOE_ASSERT(status.code == FLOE_CORRUPT || status.code == FLOE_UNSUPPORTED || status.code == FLOE_LIMIT);
        FLOE_ASSERT(err.code == status.code && err.message[0] != '\0');
        return 0;
    }
    uint64_t at = 0;
    for (size_t i = 0; i < tensors.count; i++) {
        const floe_tensor *tensor = &tensors.items[i];
        FLOE_ASSERT(tensor->begin == at && tensor->end >= at);
        FLOE_ASSERT(tensor->bytes >= data + 8 && tensor->bytes + (tensor->end - tensor->begin) <= data + data_len);
        FLOE_ASSERT(floe_tensors_find(&tensors, tensor->name) != NULL);
        sum += touch(tensor);
        check_floats(tensor, &arena);
        at = tensor->end;
    }
    (void)sum;
    return 0;
}
