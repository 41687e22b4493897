/*
 * Batches: a file of questions, checked as a whole and then answered line by line.
 */
#include "vector/lines_int.h"

#include "core/file.h"
#include "core/limits.h"

#define FILE_BYTES_MAX FLOE_GIB(1)

typedef struct batch_run {
    floe_search *search;
    const floe_batch *batch;
    bool answering; /* the second time through the file */
    int64_t questions;
} batch_run;

static floe_status read_question(const floe_node *object, floe_str *ret_text, const floe_node **ret_id,
                                 floe_error *err) {
    static const char *const known[] = {"id", "question"};
    FLOE_TRY(floe_members_check(object, "the line", known, sizeof(known) / sizeof(known[0]), err));
    *ret_id = floe_node_get(object, "id");
    FLOE_ENSURE(*ret_id && (*ret_id)->kind != FLOE_NODE_NULL, err, FLOE_INVALID, "the line has no \"id\"");
    FLOE_ENSURE((*ret_id)->kind != FLOE_NODE_ARRAY && (*ret_id)->kind != FLOE_NODE_OBJECT, err, FLOE_INVALID,
                "\"id\" is %s, not a plain value", floe_node_kind_name((*ret_id)->kind));
    floe_status status = floe_node_need_str(object, "question", "the line", ret_text, NULL);
    FLOE_ENSURE(!floe_failed(status), err, FLOE_INVALID, "the line has no text \"question\"");
    FLOE_ENSURE(floe_str_trim(*ret_text).len > 0, err, FLOE_INVALID, "\"question\" is empty");
    FLOE_ENSURE(ret_text->len <= FLOE_LIMIT_QUERY_BYTES, err, FLOE_LIMIT, "\"question\" has %zu bytes; the most is %zu",
                ret_text->len, (size_t)FLOE_LIMIT_QUERY_BYTES);
    return FLOE_OK;
}

static floe_status answer_line(batch_run *run, floe_str text, const floe_node *id, floe_arena *arena, floe_error *err) {
    FLOE_AUTO_BUF line;
    floe_buf_init(&line, FLOE_MIB(64));
    floe_query query = run->batch->query;
    floe_answer found = {0};
    query.text = text;
    FLOE_TRY(floe_search_query(run->search, &query, arena, &found, err));
    floe_answer_print_batch(&found, id, &line);
    FLOE_TRY(floe_buf_check(&line, err));
    run->questions++;
    return run->batch->line(run->batch->context, floe_buf_view(&line), err);
}

static floe_status take_line(void *context, const floe_node *object, floe_arena *arena, bool is_good, floe_error *err) {
    batch_run *run = context;
    const floe_node *id = NULL;
    floe_str text = {0};
    FLOE_TRY(read_question(object, &text, &id, err));
    return run->answering && is_good ? answer_line(run, text, id, arena, err) : FLOE_OK;
}

/* One question in advance, so that a wrong `k` or `in` is told once and not for each line. */
static floe_status check_options(floe_search *search, const floe_batch *batch, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_LIMIT_REQUEST_ARENA);
    floe_query query = batch->query;
    floe_answer unused = {0};
    query.text = FLOE_STR("table");
    return floe_search_query(search, &query, &arena, &unused, err);
}

floe_status floe_search_batch(floe_search *search, const floe_batch *batch, int64_t *ret_questions, floe_error *err) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FILE_BYTES_MAX);
    batch_run run = {.search = search, .batch = batch};
    floe_line_sink sink = {.line = take_line, .context = &run};
    FLOE_TRY(check_options(search, batch, err));
    FLOE_TRY(floe_file_read(batch->path, &text, err));
    FLOE_TRY(floe_lines_each(floe_buf_view(&text), batch->path, &sink, err));
    run.answering = true;
    FLOE_TRY(floe_lines_each(floe_buf_view(&text), batch->path, &sink, err));
    *ret_questions = run.questions;
    return FLOE_OK;
}
