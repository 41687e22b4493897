/*
 * Footers of Parquet files. What is found must lie in the footer, and after its patches be nanoseconds without a zone, with no
 * byte moved, or for INT96 no longer be found; what is no footer must be refused as damage.
 */
#include "core/limits.h"
#include "offline/io/parquet.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_patched(floe_str footer, const floe_parquet_column *columns, size_t count, size_t index) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF patched;
    const floe_parquet_column *after = NULL;
    size_t after_count = 0;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&patched, FLOE_MIB(64));
    size_t done = 0;
    for (size_t i = 0; i < columns[index].patch_count; i++) {
        const floe_parquet_patch *patch = &columns[index].patches[i];
        FLOE_ASSERT(patch->at >= done && patch->at < footer.len && (uint8_t)footer.ptr[patch->at] == patch->from &&
                    (patch->from != patch->to || patch->before_len > 0));
        floe_buf_append(&patched, footer.ptr + done, (size_t)patch->at - done);
        floe_buf_append(&patched, patch->before, patch->before_len);
        floe_buf_byte(&patched, patch->to);
        done = (size_t)patch->at + 1;
    }
    floe_buf_append(&patched, footer.ptr + done, footer.len - done);
    FLOE_ASSERT(!patched.failed);
    FLOE_ASSERT(!floe_failed(floe_parquet_footer_find(floe_buf_view(&patched), &arena, &after, &after_count, NULL)));
    if (columns[index].kind == FLOE_PARQUET_INT96) {
        FLOE_ASSERT(after_count == count - 1);
        return;
    }
    FLOE_ASSERT(after_count == count);
    FLOE_ASSERT(after[index].kind == FLOE_PARQUET_TIMESTAMP_NS && after[index].patch_count == 0);
    FLOE_ASSERT(floe_str_equal(after[index].column, columns[index].column));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    const floe_parquet_column *columns = NULL;
    size_t count = 0;
    floe_str footer = {(const char *)bytes, len};
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_status status = floe_parquet_footer_find(footer, &arena, &columns, &count, &err);
    FLOE_ASSERT(!floe_failed(status) || status.code == FLOE_CORRUPT || status.code == FLOE_LIMIT);
    FLOE_ASSERT(!floe_failed(status) || err.message[0] != 0);
    for (size_t i = 0; !floe_failed(status) && i < count && i < 16; i++) {
        if (columns[i].kind != FLOE_PARQUET_WIDE_DECIMAL) {
            check_patched(footer, columns, count, i);
        }
    }
    return 0;
}
