/*
 * The published question sets: the ranking must find at least what a plain ranker with the same evidence is reported to
 * find (the lexical rows, with joins, of the reference on dataset search). The set's own script prepares and scores.
 * needs: shared
 * timeout: 600
 */
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/json.h"
#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

static const char *need_env(const char *name) {
    const char *value = getenv(name);
    if (value == NULL || *value == '\0') {
        fail_msg("%s is not set", name);
    }
    return value;
}

static void run_script(const char *arguments, const char *out) {
    char *command = NULL;
    assert_true(asprintf(&command, "'%s' '%s/eval/score.py' %s > '%s'", need_env("FLOE_PY"), need_env("FLOE_SHARED"),
                         arguments, out) > 0);
    assert_int_equal(system(command), 0);
    free(command);
}

static floe_status write_line(void *context, floe_str line, floe_error *err) {
    FLOE_ENSURE(fwrite(line.ptr, 1, line.len, context) == line.len, err, FLOE_IO, "short write");
    return FLOE_OK;
}

static void answer_all(const char *folder, const char *set, const char *hits) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_search *search = NULL;
    floe_error err = {0};
    int64_t questions = 0;
    const char *import = floe_path_join(&arena, set, "docs.jsonl");
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1};
    (void)make_request(&request);
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    FILE *out = fopen(hits, "w");
    assert_non_null(out);
    floe_batch batch = {.path = floe_path_join(&arena, set, "questions.jsonl"),
                        .query = {.k = 20, .kind = FLOE_HIT_TABLE},
                        .line = write_line,
                        .context = out};
    assert_ok(floe_search_batch(search, &batch, &questions, &err), &err);
    assert_int_equal(fclose(out), 0);
    floe_search_close(&search);
}

static double figure(const floe_node *figures, const char *name) {
    const floe_node *node = floe_node_get(figures, name);
    assert_non_null(node);
    return node->kind == FLOE_NODE_INT ? (double)node->as.integer : node->as.real;
}

static void check_set(const char *name, double recall_10, double complete_15) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF text;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_buf_init(&text, FLOE_MIB(1));
    const char *set = make_folder(name);
    const char *hits = make_folder("hits.jsonl");
    const char *figures_path = make_folder("figures.json");
    const floe_node *figures = NULL;
    floe_error err = {0};
    run_script(
        floe_arena_printf(&arena, "prepare '%s/eval/table-retrieval/%s' '%s'", need_env("FLOE_SHARED"), name, set),
        make_folder("prepared.txt"));
    answer_all(make_folder("index"), set, hits);
    run_script(floe_arena_printf(&arena, "score '%s' '%s'", set, hits), figures_path);
    assert_ok(floe_file_read(figures_path, &text, &err), &err);
    print_message("%s: %s", name, text.ptr);
    assert_ok(floe_json_parse(&arena, floe_buf_view(&text), &figures, &err), &err);
    assert_true(figure(figures, "R@10") >= recall_10);
    assert_true(figure(figures, "CR@15") >= complete_15);
}

static void spider__lexical_with_joins__reaches_the_published_prototype(void **state) {
    (void)state;
    check_set("spider", 91.9, 92.1);
}

static void bird__lexical_with_joins__reaches_the_published_prototype(void **state) {
    (void)state;
    check_set("bird", 86.3, 83.7);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spider__lexical_with_joins__reaches_the_published_prototype),
        cmocka_unit_test(bird__lexical_with_joins__reaches_the_published_prototype),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
