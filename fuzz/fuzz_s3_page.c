/*
 * Listings of S3 stores. What is read lies within the document's size; what is no listing is refused as damage.
 */
#include "core/limits.h"
#include "offline/io/s3/s3_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    FLOE_AUTO_ARENA arena = {0};
    floe_s3_page page = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_status status = floe_s3_page_read((floe_str){(const char *)bytes, len}, &arena, &page, &err);
    FLOE_ASSERT(!floe_failed(status) || status.code == FLOE_CORRUPT || status.code == FLOE_LIMIT);
    FLOE_ASSERT(!floe_failed(status) || err.message[0] != 0);
    size_t total = 0;
    for (size_t i = 0; !floe_failed(status) && i < page.count; i++) {
        total += page.items[i].key.len;
    }
    FLOE_ASSERT(total + page.token.len <= len);
    return 0;
}
