/*
 * See answers_int.h. Each question has one place, so memory is bounded; a new one takes the place of the old. Thread: as the
 * handle.
 */
#include "vector/answers_int.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"

typedef struct kept {
    floe_arena arena; /* all of it */
    floe_query query; /* its texts lie in the arena; the role is not kept */
    floe_answer answer;
    bool is_set;
} kept;

struct floe_answers {
    kept places[FLOE_ANSWERS_KEPT];
};

floe_answers *floe_answers_open(void) {
    floe_answers *answers = NULL;
    if (floe_failed(floe_alloc(1, sizeof(*answers), &answers, NULL))) {
        return NULL;
    }
    for (size_t i = 0; i < FLOE_ANSWERS_KEPT; i++) {
        floe_arena_init(&answers->places[i].arena, FLOE_ANSWER_BYTES_MAX);
    }
    return answers;
}

void floe_answers_close(floe_answers **answers) {
    for (size_t i = 0; *answers && i < FLOE_ANSWERS_KEPT; i++) {
        floe_arena_close(&(*answers)->places[i].arena);
    }
    floe_free(*answers);
    *answers = NULL;
}

static size_t place_of(const floe_query *query) {
    uint64_t hash = floe_xxh64(query->text.ptr, query->text.len, query->k * 8 + (uint64_t)query->kind);
    return (size_t)(floe_xxh64(query->in.ptr, query->in.len, hash) % FLOE_ANSWERS_KEPT);
}

static bool is_same(const floe_query *a, const floe_query *b) {
    return a->k == b->k && a->kind == b->kind && a->stage == b->stage && floe_str_equal(a->text, b->text) &&
           floe_str_equal(a->in, b->in);
}

static void copy_texts(floe_hit *hit, floe_arena *arena) {
    floe_str *const texts[] = {&hit->database, &hit->table, &hit->column, &hit->feature, &hit->description};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        *texts[i] = floe_arena_str(arena, *texts[i]);
    }
}

static void copy_answer(const floe_answer *answer, floe_arena *arena, floe_answer *ret_copy) {
    floe_hit *hits = floe_arena_alloc(arena, answer->hit_count + 1, sizeof(*hits));
    for (size_t i = 0; hits && i < answer->hit_count; i++) {
        const floe_hit *hit = &answer->hits[i];
        floe_reason *reasons = floe_arena_alloc(arena, hit->reason_count + 1, sizeof(*reasons));
        hits[i] = *hit;
        hits[i].reasons = reasons;
        copy_texts(&hits[i], arena);
        for (size_t j = 0; reasons && j < hit->reason_count; j++) {
            reasons[j] = hit->reasons[j];
            reasons[j].words = floe_arena_str(arena, hit->reasons[j].words);
        }
    }
    *ret_copy = (floe_answer){.mode = answer->mode, .hits = hits, .hit_count = answer->hit_count};
}

bool floe_answers_get(const floe_answers *answers, const floe_query *query, floe_arena *arena,
                      floe_answer *ret_answer) {
    const kept *place = answers ? &answers->places[place_of(query)] : NULL;
    if (!place || !place->is_set || !is_same(&place->query, query)) {
        return false;
    }
    copy_answer(&place->answer, arena, ret_answer);
    return true;
}

void floe_answers_put(floe_answers *answers, const floe_query *query, const floe_answer *answer) {
    if (!answers) {
        return;
    }
    kept *place = &answers->places[place_of(query)];
    floe_arena_reset(&place->arena);
    place->query = *query;
    place->query.role = NULL;
    place->query.text = floe_arena_str(&place->arena, query->text);
    place->query.in = floe_arena_str(&place->arena, query->in);
    copy_answer(answer, &place->arena, &place->answer);
    place->is_set = !place->arena.overflow;
}
