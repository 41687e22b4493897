/*
 * See maker.h.
 */
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static char *join(const char *name) {
    char *path = NULL;
    assert_true(asprintf(&path, "%s/%s", floe_test_temp_dir(), name) > 0);
    return path; /* kept until the process ends; the address sanitizer sees it through the list below */
}

#define KEPT_MAX 4096
static char *kept[KEPT_MAX];
static size_t kept_count;

static const char *keep(char *path) {
    assert_true(kept_count < KEPT_MAX);
    kept[kept_count++] = path;
    return path;
}

const char *make_folder(const char *name) {
    return keep(join(name));
}

const char *make_file(const char *name, const char *text) {
    const char *path = make_folder(name);
    floe_error err = {0};
    assert_ok(floe_file_write(path, floe_str_of(text), false, &err), &err);
    return path;
}

floe_index_result make_request(const floe_index_request *request) {
    floe_index_result result = {0};
    floe_error err = {0};
    assert_ok(floe_index_build(request, &result, &err), &err);
    return result;
}

floe_index_result make_index(const char *folder, const char *lines) {
    const char *import = make_file("lines.jsonl", lines);
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1};
    return make_request(&request);
}

floe_search *make_search(const char *name, const char *lines) {
    const char *folder = make_folder(name);
    floe_search *search = NULL;
    floe_error err = {0};
    (void)make_index(folder, lines);
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    return search;
}

floe_answer ask(floe_search *search, floe_arena *arena, const char *text, size_t k, floe_hit_kind kind,
                const char *in) {
    floe_query query = {.text = floe_str_of(text), .k = k, .kind = kind, .in = floe_str_of(in)};
    floe_answer answer = {0};
    floe_error err = {0};
    assert_ok(floe_search_query(search, &query, arena, &answer, &err), &err);
    check_answer(&answer);
    return answer;
}

const char *place_of(const floe_hit *hit, floe_arena *arena) {
    if (hit->kind == FLOE_HIT_FEATURE) {
        return floe_arena_printf(arena, "%.*s", FLOE_STR_ARG(hit->feature));
    }
    const char *table = floe_arena_printf(arena, "%.*s.%.*s", FLOE_STR_ARG(hit->database), FLOE_STR_ARG(hit->table));
    return hit->kind == FLOE_HIT_COLUMN ? floe_arena_printf(arena, "%s.%.*s", table, FLOE_STR_ARG(hit->column)) : table;
}

size_t rank_of(const floe_answer *answer, const char *place) {
    size_t rank = 0;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, (size_t)1 << 24);
    for (size_t i = 0; i < answer->hit_count && rank == 0; i++) {
        rank = strcmp(place_of(&answer->hits[i], &arena), place) == 0 ? i + 1 : 0;
    }
    return rank;
}

double share_of(const floe_hit *hit, const char *signal) {
    for (size_t i = 0; i < hit->reason_count; i++) {
        if (floe_str_is(hit->reasons[i].signal, signal)) {
            return hit->reasons[i].score;
        }
    }
    return 0;
}

const char *words_of(const floe_hit *hit, const char *signal, floe_arena *arena) {
    for (size_t i = 0; i < hit->reason_count; i++) {
        if (floe_str_is(hit->reasons[i].signal, signal)) {
            return floe_arena_strndup(arena, hit->reasons[i].words.ptr, hit->reasons[i].words.len);
        }
    }
    return "";
}

void check_answer(const floe_answer *answer) {
    assert_true(floe_str_is(answer->mode, "lexical") || floe_str_is(answer->mode, "hybrid"));
    double last = 1 + 1e-9;
    for (size_t i = 0; i < answer->hit_count; i++) {
        const floe_hit *hit = &answer->hits[i];
        double sum = 0;
        for (size_t j = 0; j < hit->reason_count; j++) {
            assert_true(hit->reasons[j].score > 0);
            sum += hit->reasons[j].score;
        }
        assert_true(fabs(sum - hit->score) < 1e-9);
        assert_true(hit->score > 0 && hit->score <= last + 1e-12);
        last = hit->score;
    }
}

void check_same_answer(const floe_answer *a, const floe_answer *b) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(16));
    assert_int_equal(a->hit_count, b->hit_count);
    for (size_t i = 0; i < a->hit_count; i++) {
        assert_string_equal(place_of(&a->hits[i], &arena), place_of(&b->hits[i], &arena));
        assert_true(fabs(a->hits[i].score - b->hits[i].score) < 1e-12);
        assert_int_equal(a->hits[i].reason_count, b->hits[i].reason_count);
        for (size_t j = 0; j < a->hits[i].reason_count; j++) {
            assert_true(floe_str_equal(a->hits[i].reasons[j].signal, b->hits[i].reasons[j].signal));
            assert_true(fabs(a->hits[i].reasons[j].score - b->hits[i].reasons[j].score) < 1e-12);
        }
    }
}
