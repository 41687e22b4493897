/*
 * Answers a file of questions with the ranking cut off at each stage, so that bench/retrieval.sh can tell what each signal is
 * worth: retrieval INDEX QUESTIONS OUT [STAGE] writes OUT/STAGE.jsonl.
 */
#include "core/arena.h"
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

static void answer(floe_search *search, const char *questions, const char *folder, int stage) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 16);
    floe_error err = {0};
    int64_t count = 0;
    FILE *out = fopen(floe_arena_printf(&arena, "%s/%s.jsonl", folder, stages[stage]), "w");
    floe_batch batch = {.path = questions,
                        .query = {.k = 20, .kind = FLOE_HIT_TABLE, .stage = (floe_rank_stage)stage},
                        .line = write_line,
                        .context = out};
    if (!out || floe_failed(floe_search_batch(search, &batch, &count, &err)) || fclose(out) != 0) {
        die(&err);
    }
}

int main(int argc, char **argv) {
    floe_embedder_options options = {.kind = FLOE_EMBEDDER_LOCAL, .thread_count = 1};
    floe_embedder *embedder = NULL;
    floe_search *search = NULL;
    floe_error err = {0};
    if (argc != 4 && argc != 5) {
        (void)fprintf(stderr, "usage: retrieval INDEX QUESTIONS OUT [STAGE]\n");
        return 2;
    }
    if (floe_failed(floe_embedder_open(&options, &embedder, &err)) ||
        floe_failed(floe_search_open(argv[1], embedder, &search, &err))) {
        die(&err);
    }
    for (int stage = 0; stage < (int)(sizeof(stages) / sizeof(stages[0])); stage++) {
        if (argc == 4 || strcmp(argv[4], stages[stage]) == 0) {
            answer(search, argv[2], argv[3], stage);
        }
    }
    floe_search_close(&search);
    floe_embedder_close(&embedder);
    return 0;
}
