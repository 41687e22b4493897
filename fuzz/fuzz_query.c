/*
 * Questions of any bytes over a small catalog. Whatever is asked, the answer is well-formed: no more hits than asked for,
 * scores that do not rise, reasons that sum to them, JSON that can be read back.
 *
 * Input: the first byte chooses the kind, the second k, the third the namespace; the rest is the question.
 */
#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"
#include "vector/vector.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static const char lines[] =
    "{\"database\":\"lake.aviation\",\"table\":\"flights\",\"description\":\"US flights of 2001\",\"columns\":["
    "{\"name\":\"date\"},{\"name\":\"delay\",\"description\":\"minutes "
    "late\"},{\"name\":\"origin\",\"samples\":[\"SFO\"]}],"
    "\"foreign_keys\":[{\"columns\":[\"origin\"],\"table\":\"airports\",\"references\":[\"iata\"]}]}\n"
    "{\"database\":\"lake.aviation\",\"table\":\"airports\",\"columns\":[{\"name\":\"iata\"},{\"name\":\"cityName\"}]}"
    "\n"
    "{\"database\":\"films\",\"table\":\"who\",\"columns\":[{\"name\":\"of\"},{\"name\":\"\xc3\x89tat 9\"}]}\n";

static floe_status open_index(floe_search **ret_search, floe_error *err) {
    char folder[] = "/tmp/floe-fuzz-query-XXXXXX";
    FLOE_AUTO_ARENA arena;
    floe_index_result result = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    FLOE_ENSURE(mkdtemp(folder), err, FLOE_IO, "no temporary folder");
    const char *import = floe_path_join(&arena, folder, "lines.jsonl");
    FLOE_TRY(floe_file_write(import, FLOE_STR(lines), false, err));
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1};
    FLOE_TRY(floe_index_build(&request, &result, err));
    FLOE_TRY(floe_search_open(folder, NULL, ret_search, err));
    return floe_file_remove_all(folder, err);
}

/* One index for all inputs; it is reachable until the process ends. */
static floe_search *shared_index(void) {
    static floe_search *search;
    floe_error err = {0};
    if (!search) {
        FLOE_IGNORE(open_index(&search, &err));
        FLOE_ASSERT(err.code == FLOE_CODE_OK);
    }
    return search;
}

static void check_hits(const floe_answer *answer, const floe_query *query) {
    double last = 1 + 1e-9;
    FLOE_ASSERT(answer->hit_count <= query->k);
    for (size_t i = 0; i < answer->hit_count; i++) {
        const floe_hit *hit = &answer->hits[i];
        double sum = 0;
        for (size_t j = 0; j < hit->reason_count; j++) {
            sum += hit->reasons[j].score;
        }
        FLOE_ASSERT(fabs(sum - hit->score) < 1e-9 && hit->score <= last + 1e-12);
        FLOE_ASSERT(query->kind == FLOE_HIT_ANY || query->kind == hit->kind);
        FLOE_ASSERT(query->in.len == 0 || floe_str_equal(hit->database, query->in));
        last = hit->score;
    }
}

static void check_json(const floe_answer *answer, floe_arena *arena) {
    FLOE_AUTO_BUF text;
    const floe_node *root = NULL;
    floe_error err = {0};
    floe_buf_init(&text, FLOE_MIB(16));
    floe_answer_print_json(answer, &text);
    FLOE_ASSERT(!floe_failed(floe_json_parse(arena, floe_buf_view(&text), &root, &err)));
    FLOE_ASSERT(floe_node_get(root, "hits")->count == answer->hit_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    if (data_len < 3) {
        return 0;
    }
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_query query = {.kind = (floe_hit_kind)(data[0] % 4),
                        .k = (size_t)data[1] + 1,
                        .in = data[2] % 4 == 0   ? FLOE_STR("lake.aviation")
                              : data[2] % 4 == 1 ? FLOE_STR("films")
                                                 : FLOE_STR(""),
                        .text = {(const char *)data + 3, data_len - 3}};
    floe_answer answer = {0};
    floe_error err = {0};
    if (floe_failed(floe_search_query(shared_index(), &query, &arena, &answer, &err))) {
        FLOE_ASSERT(err.code == FLOE_INVALID || err.code == FLOE_LIMIT);
        return 0;
    }
    check_hits(&answer, &query);
    check_json(&answer, &arena);
    return 0;
}
