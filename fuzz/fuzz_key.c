/* Entity keys: whatever the bytes are, they are refused, or read and written again as they were. */
#include "core/limits.h"
#include "proto/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF again;
    floe_value *keys = NULL;
    size_t count = 0;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_buf_init(&again, FLOE_MIB(8));
    floe_str bytes = {(const char *)data, data_len};
    if (data_len <= FLOE_LIMIT_KEY_BYTES && !floe_failed(floe_key_decode(bytes, &arena, &keys, &count, NULL))) {
        FLOE_ASSERT(!floe_failed(floe_key_encode(keys, count, &again, NULL)));
        FLOE_ASSERT(floe_str_equal(floe_buf_view(&again), bytes));
    }
    return 0;
}
