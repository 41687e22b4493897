/*
 * Files of verified questions. What is accepted has a question and SQL and can be looked up by its own text; what is refused
 * says where.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "vector/vector.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static floe_status take(void *context, const floe_question_source *source, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_CLEANUP(floe_verified_close) floe_verified *verified = NULL;
    floe_question_entry entry = {.id = 1, .question = source->question, .sql = source->sql};
    const floe_verified_hit *hits = NULL;
    size_t count = 0;
    size_t *taken = context;
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_ASSERT(floe_str_trim(source->question).len > 0 && floe_str_trim(source->sql).len > 0);
    FLOE_ASSERT(source->table_count <= FLOE_QUESTION_TABLES_MAX);
    FLOE_TRY(floe_verified_open(&entry, 1, &verified, err));
    FLOE_TRY(floe_verified_find(verified, source->question, NULL, 1, &arena, &hits, &count, err));
    FLOE_ASSERT(count == 0 || hits[0].score == 1);
    ++*taken;
    return FLOE_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    size_t taken = 0;
    int64_t count = -1;
    floe_question_sink sink = {.question = take, .context = &taken};
    floe_error err = {0};
    floe_str text = {(const char *)data, data_len};
    if (floe_failed(floe_questions_read(text, "fuzz.jsonl", &sink, &count, &err))) {
        FLOE_ASSERT(err.code != FLOE_INTERNAL && err.code != FLOE_CORRUPT);
        FLOE_ASSERT(floe_str_starts_with(floe_str_of(err.message), FLOE_STR("fuzz.jsonl:")));
        FLOE_ASSERT(taken == 0);
    } else {
        FLOE_ASSERT((size_t)count == taken);
    }
    return 0;
}
