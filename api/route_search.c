/*
 * GET and POST /v1/search: the question is read here, asked on a worker, and answered back on the reactor's thread.
 * While the worker is at it, the request's arena and its answer belong to the worker.
 */
#include "api/body_int.h"
#include "api/problem_int.h"
#include "api/reactor_int.h"

#include "core/json.h"
#include "core/limits.h"

#include <time.h>

#define DEFAULT_HITS 10
#define POST_RETRY_NS 1000000L

typedef struct search_job {
    floe_reactor *reactor;
    floe_http_request *request;
    floe_query query;
    floe_status status;
    floe_error error;
} search_job;

/* ---- the question ---- */

typedef struct raw_query {
    floe_str text, kind, in;
    int64_t k;
    bool has_text, has_kind, has_in, has_k;
} raw_query;

static const char *const member_names[] = {"query", "q", "k", "kind", "in"};
#define MEMBER_COUNT (sizeof(member_names) / sizeof(member_names[0]))

static floe_status fail_unknown(floe_str name, floe_arena *arena, floe_error *err) {
    return FLOE_FAIL(err, FLOE_INVALID, "a search has no `%.*s`%s (it has query, k, kind, in)", FLOE_STR_BRIEF(name),
                     floe_body_hint(name, member_names, MEMBER_COUNT, arena));
}

static floe_status take_once(bool *taken, floe_str name, floe_error *err) {
    FLOE_ENSURE(!*taken, err, FLOE_INVALID, "`%.*s` is given twice", FLOE_STR_BRIEF(name));
    *taken = true;
    return FLOE_OK;
}

/* The text member of this name, or NULL. */
static floe_str *text_member(raw_query *raw, floe_str name, bool **ret_taken) {
    if (floe_str_is(name, "q") || floe_str_is(name, "query")) {
        *ret_taken = &raw->has_text;
        return &raw->text;
    }
    if (floe_str_is(name, "kind")) {
        *ret_taken = &raw->has_kind;
        return &raw->kind;
    }
    if (floe_str_is(name, "in")) {
        *ret_taken = &raw->has_in;
        return &raw->in;
    }
    return NULL;
}

static floe_status read_param(const floe_http_param *param, floe_arena *arena, raw_query *raw, floe_error *err) {
    bool *taken = NULL;
    floe_str *text = text_member(raw, param->name, &taken);
    if (text != NULL) {
        *text = param->value;
        return take_once(taken, param->name, err);
    }
    if (!floe_str_is(param->name, "k")) {
        return fail_unknown(param->name, arena, err);
    }
    FLOE_TRY(take_once(&raw->has_k, param->name, err));
    return floe_error_prefix(err, floe_str_to_i64(param->value, &raw->k, err), "k");
}

static floe_status read_member(const floe_member *member, floe_arena *arena, raw_query *raw, floe_error *err) {
    bool *taken = NULL;
    floe_str *text = text_member(raw, member->key, &taken);
    if (text == NULL && !floe_str_is(member->key, "k")) {
        return fail_unknown(member->key, arena, err);
    }
    if (member->value->kind == FLOE_NODE_NULL) {
        return FLOE_OK;
    }
    if (text != NULL) {
        FLOE_ENSURE(member->value->kind == FLOE_NODE_STRING, err, FLOE_INVALID, "%.*s must be a text, not %s",
                    FLOE_STR_BRIEF(member->key), floe_node_kind_name(member->value->kind));
        *text = member->value->text;
        return take_once(taken, member->key, err);
    }
    FLOE_ENSURE(member->value->kind == FLOE_NODE_INT, err, FLOE_INVALID, "k must be a whole number, not %s",
                floe_node_kind_name(member->value->kind));
    raw->k = member->value->as.integer;
    raw->has_k = true;
    return FLOE_OK;
}

static floe_status read_body(floe_http_request *request, raw_query *raw, floe_error *err) {
    const floe_node *root = NULL;
    FLOE_ENSURE(request->param_count == 0, err, FLOE_INVALID,
                "POST /v1/search takes its question in the body, not as query parameters");
    floe_status status = floe_json_parse(&request->arena, floe_buf_view(&request->body), &root, err);
    FLOE_TRY(floe_error_prefix(err, status, "the body"));
    FLOE_ENSURE(root->kind == FLOE_NODE_OBJECT, err, FLOE_INVALID, "the body must be a JSON object, not %s",
                floe_node_kind_name(root->kind));
    for (size_t i = 0; i < root->count; i++) {
        FLOE_TRY(read_member(&root->members[i], &request->arena, raw, err));
    }
    return FLOE_OK;
}

static floe_status read_raw(floe_http_request *request, raw_query *raw, floe_error *err) {
    if (request->method == FLOE_HTTP_POST) {
        return read_body(request, raw, err);
    }
    for (size_t i = 0; i < request->param_count; i++) {
        FLOE_TRY(read_param(&request->params[i], &request->arena, raw, err));
    }
    return FLOE_OK;
}

static floe_status read_query(floe_http_request *request, floe_query *ret_query, floe_error *err) {
    raw_query raw = {.k = DEFAULT_HITS};
    FLOE_TRY(read_raw(request, &raw, err));
    FLOE_ENSURE(raw.has_text, err, FLOE_INVALID, "the question is missing: give `query` (in a URL: q=…)");
    FLOE_ENSURE(floe_str_is_utf8(raw.text) && floe_str_is_utf8(raw.in), err, FLOE_INVALID,
                "the question is not well-formed UTF-8");
    FLOE_ENSURE(raw.text.len <= FLOE_LIMIT_QUERY_BYTES, err, FLOE_LIMIT,
                "a question of %zu bytes; at most %zu are allowed", raw.text.len, FLOE_LIMIT_QUERY_BYTES);
    FLOE_ENSURE(raw.k >= 1 && raw.k <= FLOE_LIMIT_SEARCH_HITS, err, FLOE_INVALID, "k is %lld; it must be 1 to %d",
                (long long)raw.k, FLOE_LIMIT_SEARCH_HITS);
    *ret_query =
        (floe_query){.text = raw.text, .k = (size_t)raw.k, .kind = FLOE_HIT_ANY, .in = raw.in, .role = request->role};
    return raw.has_kind ? floe_hit_kind_parse(raw.kind, &ret_query->kind, err) : FLOE_OK;
}

/* ---- on the worker, and back ---- */

static void finish_search(void *context) {
    search_job *job = context;
    floe_http_request *request = job->request;
    job->reactor->jobs--;
    if (floe_failed(job->status)) {
        floe_problem_answer(request, &job->error);
        return;
    }
    request->status = 200;
    request->answer_type = "application/json";
    floe_http_answer(request);
}

static void run_search(void *context) {
    search_job *job = context;
    floe_http_request *request = job->request;
    const floe_shared *shared = job->reactor->shared;
    floe_held_questions *held = NULL;
    job->status = floe_asker_hold(shared->asker, &held, &job->error);
    if (!floe_failed(job->status)) {
        job->query.verified = floe_held_set(held);
        job->status = floe_searchers_query(shared->searchers, &job->query, &request->arena, &request->out, &job->error);
        floe_asker_release(&held);
    }
    /* The answer must get back; a moment without memory passes. */
    while (floe_failed(floe_loop_post(job->reactor->loop, finish_search, job, NULL))) {
        (void)nanosleep(&(struct timespec){.tv_nsec = POST_RETRY_NS}, NULL);
    }
}

static floe_status start_search(floe_reactor *reactor, floe_http_request *request, floe_error *err) {
    search_job *job = floe_arena_alloc(&request->arena, 1, sizeof(*job));
    FLOE_TRY(floe_arena_check(&request->arena, err));
    FLOE_TRY(read_query(request, &job->query, err));
    FLOE_ENSURE(reactor->online != NULL, err, FLOE_UNAVAILABLE, "the server is stopping");
    job->reactor = reactor;
    job->request = request;
    reactor->jobs++;
    floe_status status = floe_pool_submit(reactor->shared->pool, run_search, job, NULL);
    if (floe_failed(status)) {
        reactor->jobs--;
        return FLOE_FAIL(err, FLOE_UNAVAILABLE, "too many searches are waiting; try again in a moment");
    }
    return FLOE_OK;
}

void floe_route_search(floe_reactor *reactor, floe_http_request *request) {
    floe_error err = {0};
    if (floe_failed(start_search(reactor, request, &err))) {
        floe_problem_answer(request, &err);
    }
}
