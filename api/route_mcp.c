/*
 * POST /mcp: the Model Context Protocol by streamable HTTP, always answered with one JSON document. No session is kept,
 * and there is no stream to read, so GET and DELETE are refused like any other method. A tool that reads the index runs
 * on a worker, which owns the request's arena meanwhile; get_online_features is a lookup on this thread's connection.
 *
 * A page of any web site can make a browser send a POST here, also to a server on loopback (DNS rebinding), and a
 * browser says where the page came from: an Origin that is neither this machine nor the address we listen on is
 * refused.
 */
#include "api/headers_int.h"
#include "api/lookup_int.h"
#include "api/mcp_int.h"
#include "api/problem_int.h"
#include "api/reactor_int.h"

#include "core/limits.h"
#include "core/log.h"

#include <strings.h>
#include <time.h>

#define POST_RETRY_NS 1000000L

typedef struct mcp_job {
    floe_reactor *reactor;
    floe_http_request *request;
    floe_mcp_call call;
    floe_lookup_call lookup;
    floe_buf structured;
    floe_str text;
    floe_status status;
    floe_error error;
} mcp_job;

/* ---- origin ---- */

/* The host of "scheme://host[:port]", without the brackets of an IPv6 address; empty when it is none. */
static floe_str host_of(floe_str origin) {
    const char *begin = memmem(origin.ptr, origin.len, "://", 3);
    if (begin == NULL) {
        return (floe_str){NULL, 0};
    }
    begin += 3;
    floe_str host = {begin, origin.len - (size_t)(begin - origin.ptr)};
    char end = host.len > 0 && host.ptr[0] == '[' ? ']' : ':';
    const char *stop = host.len == 0 ? NULL : memchr(host.ptr, end, host.len);
    if (end == ']') {
        return stop == NULL ? (floe_str){NULL, 0} : (floe_str){host.ptr + 1, (size_t)(stop - host.ptr) - 1};
    }
    return stop == NULL ? host : (floe_str){host.ptr, (size_t)(stop - host.ptr)};
}

bool floe_mcp_origin_allowed(floe_str origin, floe_str listen_host) {
    if (origin.ptr == NULL) {
        return true;
    }
    floe_str host = host_of(origin);
    return floe_str_is_nocase(host, "localhost") || floe_str_is(host, "127.0.0.1") || floe_str_is(host, "::1") ||
           (host.len > 0 && host.len == listen_host.len && strncasecmp(host.ptr, listen_host.ptr, host.len) == 0);
}

/* ---- answers ---- */

static void answer_json(floe_http_request *request, int status) {
    floe_error err = {0};
    if (floe_failed(floe_buf_check(&request->out, &err))) {
        floe_problem_answer(request, &err);
        return;
    }
    request->status = status;
    request->answer_type = "application/json";
    floe_http_answer(request);
}

/* The tool has run, or could not. */
static void finish_tool(mcp_job *job) {
    floe_http_request *request = job->request;
    if (floe_failed(job->status) && floe_code_describe(job->error.code)->http_status == 500) {
        floe_log_error("a tool failed", &job->error);
    }
    floe_mcp_finish(&job->call, job->status, &job->error, floe_buf_view(&job->structured), job->text, &request->out);
    floe_buf_close(&job->structured);
    answer_json(request, 200);
}

/* ---- tools on a worker ---- */

static void finish_on_reactor(void *context) {
    mcp_job *job = context;
    job->reactor->jobs--;
    finish_tool(job);
}

static void run_on_worker(void *context) {
    mcp_job *job = context;
    floe_shared *shared = job->reactor->shared;
    floe_mcp_services services = {.searchers = shared->searchers, .asker = shared->asker, .role = job->request->role};
    job->status = floe_mcp_run(&job->call, &services, &job->request->arena, &job->structured, &job->text, &job->error);
    /* The answer must get back; a moment without memory passes. */
    while (floe_failed(floe_loop_post(job->reactor->loop, finish_on_reactor, job, NULL))) {
        (void)nanosleep(&(struct timespec){.tv_nsec = POST_RETRY_NS}, NULL);
    }
}

static floe_status start_on_worker(mcp_job *job, floe_error *err) {
    job->reactor->jobs++;
    floe_status status = floe_pool_submit(job->reactor->shared->pool, run_on_worker, job, NULL);
    if (floe_failed(status)) {
        job->reactor->jobs--;
        return FLOE_FAIL(err, FLOE_UNAVAILABLE, "too many searches are waiting; try again in a moment");
    }
    return FLOE_OK;
}

/* ---- the lookup ---- */

static void on_lookup_done(floe_lookup *lookup) {
    mcp_job *job = lookup->context;
    job->status = lookup->status;
    job->error = lookup->error;
    if (!floe_failed(job->status)) {
        job->status = floe_lookup_call_print(&job->lookup, &job->structured, &job->error);
    }
    floe_lookup_call_release(&job->lookup);
    finish_tool(job);
}

static floe_status start_lookup(mcp_job *job, floe_error *err) {
    floe_reactor *reactor = job->reactor;
    floe_lookup_source source = {&reactor->plans, reactor->snapshot, job->request->role};
    FLOE_TRY(
        floe_lookup_call_prepare(&job->lookup, &source, floe_mcp_arguments(&job->call), &job->request->arena, err));
    job->lookup.lookup.done = on_lookup_done;
    job->lookup.lookup.context = job;
    floe_online_lookup(reactor->online, &job->lookup.lookup);
    return FLOE_OK;
}

/* ---- the route ---- */

static floe_status start_tool(mcp_job *job, floe_error *err) {
    FLOE_ENSURE(job->reactor->online != NULL, err, FLOE_UNAVAILABLE, "the server is stopping");
    floe_buf_init(&job->structured, FLOE_LIMIT_REQUEST_ARENA);
    return job->call.tool == FLOE_MCP_GET_ONLINE_FEATURES ? start_lookup(job, err) : start_on_worker(job, err);
}

/* Once started, the job is no longer ours: it may even be over. */
static void run_tool(mcp_job *job) {
    floe_error err = {0};
    floe_status status = start_tool(job, &err);
    if (floe_failed(status)) {
        job->status = status;
        job->error = err;
        finish_tool(job);
    }
}

static bool is_welcome(floe_reactor *reactor, floe_http_request *request) {
    floe_str origin = request->headers[FLOE_HEADER_ORIGIN];
    if (!floe_mcp_origin_allowed(origin, floe_str_of(reactor->shared->host))) {
        const char *detail = floe_arena_printf(
            &request->arena, "a page of %.*s may not speak to this server: its Origin is not this machine",
            FLOE_STR_BRIEF(origin));
        floe_problem_answer_as(request, 403, FLOE_DENIED, detail == NULL ? "" : detail);
        return false;
    }
    if (!floe_media_type_is(request->headers[FLOE_HEADER_CONTENT_TYPE], "application/json")) {
        floe_problem_answer_as(request, 415, FLOE_INVALID, "a message must be sent as Content-Type: application/json");
        return false;
    }
    return true;
}

void floe_route_mcp(floe_reactor *reactor, floe_http_request *request) {
    mcp_job *job = floe_arena_alloc(&request->arena, 1, sizeof(*job));
    floe_error err = {0};
    if (floe_failed(floe_arena_check(&request->arena, &err))) {
        floe_problem_answer(request, &err);
        return;
    }
    if (!is_welcome(reactor, request)) {
        return;
    }
    floe_mcp_headers headers = {request->headers[FLOE_HEADER_MCP_PROTOCOL_VERSION],
                                request->headers[FLOE_HEADER_MCP_METHOD], request->headers[FLOE_HEADER_MCP_NAME]};
    job->reactor = reactor;
    job->request = request;
    floe_mcp_begin(floe_buf_view(&request->body), &headers, &request->arena, &request->out, &job->call);
    if (job->call.step == FLOE_MCP_TOOL) {
        run_tool(job);
    } else if (job->call.step == FLOE_MCP_ANSWERED) {
        answer_json(request, job->call.http_status);
    } else {
        request->status = 202;
        request->answer_type = NULL;
        floe_http_answer(request);
    }
}
