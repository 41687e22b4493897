/*
 * Fuzzes the JSON reader and writer: what is read must print as JSON that is read again and prints the same. The first
 * byte chooses the arena's cap, so that running out of it is met everywhere.
 */
#include "core/json.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    if (data_len == 0) {
        return 0;
    }
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF first;
    FLOE_AUTO_BUF second;
    floe_arena_init(&arena, data[0] < 128 ? (size_t)1 << 26 : (size_t)data[0] * 64);
    floe_buf_init(&first, (size_t)1 << 26);
    floe_buf_init(&second, (size_t)1 << 26);
    floe_error err = {0};
    const floe_node *root = NULL;
    floe_status status = floe_json_parse(&arena, (floe_str){(const char *)data + 1, data_len - 1}, &root, &err);
    FLOE_ASSERT(floe_failed(status) == (root == NULL));
    FLOE_ASSERT(err.code == status.code);
    if (root == NULL) {
        return 0;
    }
    floe_json_print(root, &first);
    floe_arena_reset(&arena);
    arena.cap = (size_t)1 << 26;
    FLOE_ASSERT(!floe_failed(floe_json_parse(&arena, floe_buf_view(&first), &root, NULL)));
    floe_json_print(root, &second);
    FLOE_ASSERT(floe_str_equal(floe_buf_view(&first), floe_buf_view(&second)));
    return 0;
}
