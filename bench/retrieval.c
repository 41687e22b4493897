/*
 * Answers a file of questions with the ranking cut off at each stage, so that bench/retrieval.sh can tell what each signal is
 * worth: retrieval INDEX QUESTIONS OUT [STAGE [VERIFIED]] writes OUT/STAGE.jsonl. VERIFIED is a file of verified questions
 * with their tables, as `floe question add --import` reads them.
 */
#include "core/arena.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "vector/vector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const stages[] = {"whole", "lexical", "dense", "soft", "fused", "coverage", "joins"};

static _Noreturn void die(const floe_error *err) {
    (void)fprintf(stderr, "retrieval: %s\n", err->message);
    exit(1);
}

static floe_status write_line(void *context, floe_str line, floe_error *err) {
    FLOE_ENSURE(fwrite(line.ptr, 1, line.len, context) == line.len, err, FLOE_IO, "short write");
    return FLOE_OK;
}

typedef struct run {
    floe_search *search;
    floe_arena arena;
    floe_question_entry *entries;
    size_t count, capacity;
    floe_verified *verified;
} run;

static floe_status take_question(void *context, const floe_question_source *source, floe_error *err) {
    run *state = context;
    floe_question_entry *entry = FLOE_ARENA_PUSH(&state->arena, state->entries, state->count, state->capacity);
    FLOE_TRY(floe_arena_check(&state->arena, err));
    return floe_question_resolve(state->search, source, NULL, &state->arena, entry, err);
}

static floe_status read_verified(run *state, const char *path, floe_error *err) {
    FLOE_AUTO_BUF text;
    int64_t count = 0;
    floe_question_sink sink = {take_question, state};
    floe_buf_init(&text, FLOE_MIB(64));
    FLOE_TRY(floe_file_read(path, &text, err));
    FLOE_TRY(floe_questions_read(floe_buf_view(&text), path, &sink, &count, err));
    return floe_verified_open(state->entries, state->count, &state->verified, err);
}

static void answer(run *state, const char *questions, const char *folder, int stage) {
    floe_error err = {0};
    int64_t count = 0;
    FILE *out = fopen(floe_arena_printf(&state->arena, "%s/%s.jsonl", folder, stages[stage]), "w");
    floe_batch batch = {
        .path = questions,
        .query = {.k = 20, .kind = FLOE_HIT_TABLE, .stage = (floe_rank_stage)stage, .verified = state->verified},
        .line = write_line,
        .context = out};
    if (!out || floe_failed(floe_search_batch(state->search, &batch, &count, &err)) || fclose(out) != 0) {
        die(&err);
    }
}

int main(int argc, char **argv) {
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .thread_count = 1};
    floe_embedder *embedder = NULL;
    run state = {0};
    floe_error err = {0};
    if (argc < 4 || argc > 6) {
        (void)fprintf(stderr, "usage: retrieval INDEX QUESTIONS OUT [STAGE [VERIFIED]]\n");
        return 2;
    }
    floe_arena_init(&state.arena, FLOE_MIB(64));
    if (floe_failed(floe_embedder_open(&options, &embedder, &err)) ||
        floe_failed(floe_search_open(argv[1], embedder, &state.search, &err)) ||
        (argc == 6 && floe_failed(read_verified(&state, argv[5], &err)))) {
        die(&err);
    }
    for (int stage = 0; stage < (int)(sizeof(stages) / sizeof(stages[0])); stage++) {
        if (argc == 4 || strcmp(argv[4], stages[stage]) == 0) {
            answer(&state, argv[2], argv[3], stage);
        }
    }
    floe_verified_close(&state.verified);
    floe_search_close(&state.search);
    floe_embedder_close(&embedder);
    floe_arena_close(&state.arena);
    return 0;
}
