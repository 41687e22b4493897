/* The headers that carry an API key: whatever the bytes are, a key is found or not, it lies within one of the two headers, and
 * only what has the form of a key has a digest. The first line is Authorization, the second X-API-Key; "-" is a header that was not
 * sent. */
#include "api/auth_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static floe_str header_of(floe_str line) {
    return floe_str_is(line, "-") ? (floe_str){NULL, 0} : line;
}

static bool lies_within(floe_str part, floe_str whole) {
    return whole.ptr != NULL && part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    floe_str rest = {(const char *)data, data_len};
    floe_str line = {NULL, 0};
    floe_str key = {NULL, 0};
    uint8_t digest[FLOE_ACCESS_DIGEST_LEN];
    (void)floe_str_split(&rest, '\n', &line);
    floe_str authorization = header_of(line);
    floe_str api_key = header_of(rest);
    floe_auth judged = floe_auth_key_of(authorization, api_key, &key);
    FLOE_ASSERT(judged == FLOE_AUTH_ADMITTED || judged == FLOE_AUTH_MISSING || judged == FLOE_AUTH_MALFORMED);
    FLOE_ASSERT((judged == FLOE_AUTH_ADMITTED) == (key.len > 0));
    if (judged == FLOE_AUTH_ADMITTED) {
        const floe_role *role = NULL;
        FLOE_ASSERT(lies_within(key, authorization) || lies_within(key, api_key));
        bool is_key = floe_access_key_digest(key, digest);
        FLOE_ASSERT(!is_key || (key.len == FLOE_ACCESS_KEY_LEN && floe_str_starts_with(key, FLOE_STR("floe_"))));
        FLOE_ASSERT(floe_auth_role_of(NULL, key, &role) == FLOE_AUTH_UNKNOWN && role == NULL);
    }
    return 0;
}
