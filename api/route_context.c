/*
 * POST /v1/context and POST /v1/ask: the question is read here, answered on a worker, and sent back on the reactor's
 * thread. While the worker is at it, the request's arena and its answer belong to the worker. A context is made on the
 * pool of all searches; a question to the LLM goes to the asker's threads, for it may take a minute. SQL is checked
 * here and run nowhere.
 */
#include "api/asker_int.h"
#include "api/problem_int.h"
#include "api/reactor_int.h"

#include <time.h>

#define POST_RETRY_NS 1000000L

typedef struct question_job {
    floe_reactor *reactor;
    floe_http_request *request;
    bool ask;
    floe_context_request context;
    floe_status status;
    floe_error error;
} question_job;

/* ---- on the worker ---- */

static floe_status make_context(question_job *job, floe_search *search, floe_error *err) {
    floe_context context;
    FLOE_TRY(floe_context_make(search, &job->context, &job->request->arena, &context, err));
    floe_context_print_json(&context, &job->request->out);
    return floe_buf_check(&job->request->out, err);
}

static floe_status ask(question_job *job, floe_search *search, floe_error *err) {
    const floe_shared *shared = job->reactor->shared;
    floe_ask_request request = {.context = job->context,
                                .endpoint = shared->project->ask,
                                .check = floe_asker_check(shared->asker),
                                .cancelled = floe_asker_cancelled(shared->asker)};
    floe_ask_answer answer;
    FLOE_ENSURE(request.endpoint == NULL || request.check != NULL, err, FLOE_UNSUPPORTED,
                "this server was started without a checker of SQL");
    FLOE_TRY(floe_ask(search, &request, &job->request->arena, &answer, err));
    floe_ask_print_json(&answer, &job->request->out);
    return floe_buf_check(&job->request->out, err);
}

static floe_status answer_question(question_job *job, floe_error *err) {
    const floe_shared *shared = job->reactor->shared;
    floe_held_questions *held = NULL;
    floe_search *search = NULL;
    FLOE_TRY(floe_asker_hold(shared->asker, &held, err));
    floe_status status = floe_searchers_take(shared->searchers, &search, err);
    if (!floe_failed(status)) {
        job->context.verified = floe_held_set(held);
        status = job->ask ? ask(job, search, err) : make_context(job, search, err);
        floe_searchers_give(shared->searchers, search);
    }
    floe_asker_release(&held);
    return status;
}

static void finish(void *context) {
    question_job *job = context;
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

static void run(void *context) {
    question_job *job = context;
    job->status = answer_question(job, &job->error);
    /* The answer must get back; a moment without memory passes. */
    while (floe_failed(floe_loop_post(job->reactor->loop, finish, job, NULL))) {
        (void)nanosleep(&(struct timespec){.tv_nsec = POST_RETRY_NS}, NULL);
    }
}

/* ---- on the reactor ---- */

static floe_status start(floe_reactor *reactor, floe_http_request *request, bool asks, floe_error *err) {
    floe_shared *shared = reactor->shared;
    question_job *job = floe_arena_alloc(&request->arena, 1, sizeof(*job));
    FLOE_TRY(floe_arena_check(&request->arena, err));
    FLOE_TRY(floe_question_body(request, asks ? "/v1/ask" : "/v1/context", &job->context, err));
    FLOE_ENSURE(reactor->online != NULL, err, FLOE_UNAVAILABLE, "the server is stopping");
    job->reactor = reactor;
    job->request = request;
    job->ask = asks;
    reactor->jobs++;
    floe_pool *pool = asks && shared->project->ask ? floe_asker_pool(shared->asker) : shared->pool;
    if (floe_failed(floe_pool_submit(pool, run, job, NULL))) {
        reactor->jobs--;
        return FLOE_FAIL(err, FLOE_UNAVAILABLE, "too many questions are waiting; try again in a moment");
    }
    return FLOE_OK;
}

static void begin(floe_reactor *reactor, floe_http_request *request, bool asks) {
    floe_error err = {0};
    if (floe_failed(start(reactor, request, asks, &err))) {
        floe_problem_answer(request, &err);
    }
}

void floe_route_context(floe_reactor *reactor, floe_http_request *request) {
    begin(reactor, request, false);
}

void floe_route_ask(floe_reactor *reactor, floe_http_request *request) {
    begin(reactor, request, true);
}
