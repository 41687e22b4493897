/*
 * What a chat endpoint answers: bytes that anybody may send. A completion gives its text or says what is missing; the SQL in
 * any text is a piece of it, and pieces of that piece are found again.
 */
#include "core/limits.h"
#include "vector/vector.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static void check_sql(floe_str text) {
    floe_str sql = floe_ask_sql_of(text);
    FLOE_ASSERT(sql.len <= text.len);
    FLOE_ASSERT(sql.len == 0 || (sql.ptr >= text.ptr && sql.ptr + sql.len <= text.ptr + text.len));
    FLOE_ASSERT(floe_str_trim(sql).len == sql.len);
    FLOE_ASSERT(floe_tokens_count(sql) <= 2 * sql.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    FLOE_AUTO_ARENA arena;
    floe_str text = {(const char *)data, data_len};
    floe_str content = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    check_sql(text);
    if (floe_failed(floe_ask_completion_text(text, &arena, &content, &err))) {
        FLOE_ASSERT(err.code == FLOE_CORRUPT || err.code == FLOE_LIMIT || err.code == FLOE_NOMEM);
        return 0;
    }
    check_sql(content);
    return 0;
}
