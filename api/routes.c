/*
 * Which request goes where. What floe's face names and this version does not serve is refused by name with UNSUPPORTED;
 * what nobody knows is not found; a known path with another method is told which ones there are.
 */
#include "api/problem_int.h"
#include "api/reactor_int.h"

#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"

typedef struct route {
    const char *path;
    unsigned methods;
    const char *allow; /* the same, as text */
    floe_stat_route stat;
    bool takes_json;
    void (*handle)(floe_reactor *reactor, floe_http_request *request);
} route;

/* ---- operations ---- */

static void answer_text(floe_http_request *request, const char *type) {
    request->status = 200;
    request->answer_type = type;
    floe_http_answer(request);
}

static void route_livez(floe_reactor *reactor, floe_http_request *request) {
    (void)reactor;
    floe_buf_text(&request->out, "{\"status\":\"alive\"}");
    answer_text(request, "application/json");
}

static void route_readyz(floe_reactor *reactor, floe_http_request *request) {
    const char *problem = NULL;
    if (reactor->online == NULL || reactor->drain_deadline_us != 0) {
        problem = "the server is stopping";
    } else if (!floe_online_ready(reactor->online)) {
        problem = "the online store does not answer; see `online:` in floe.yaml, and `floe doctor`";
    } else if (!atomic_load(&reactor->shared->registry_ok)) {
        problem = "the registry cannot be read; what was read last is still served. See the log, and `floe doctor`";
    }
    if (problem != NULL) {
        floe_problem_answer_as(request, 503, FLOE_UNAVAILABLE, problem);
        return;
    }
    floe_buf_text(&request->out, "{\"status\":\"ready\",\"version\":");
    floe_buf_int(&request->out, reactor->snapshot->definitions->version);
    floe_buf_byte(&request->out, '}');
    answer_text(request, "application/json");
}

static void route_metrics(floe_reactor *reactor, floe_http_request *request) {
    (void)reactor;
    floe_metrics_print(&request->out);
    floe_error err = {0};
    if (floe_failed(floe_buf_check(&request->out, &err))) {
        floe_problem_answer(request, &err);
        return;
    }
    answer_text(request, "text/plain; version=0.0.4; charset=utf-8");
}

/* ---- the table ---- */

#define READ (FLOE_HTTP_GET | FLOE_HTTP_HEAD)
static const route routes[] = {
    {"/v1/lookup", FLOE_HTTP_POST, "POST", FLOE_STAT_LOOKUP, true, floe_route_lookup},
    {"/v1/search", READ | FLOE_HTTP_POST, "GET, HEAD, POST", FLOE_STAT_SEARCH, true, floe_route_search},
    {"/livez", READ, "GET, HEAD", FLOE_STAT_OPERATIONS, false, route_livez},
    {"/readyz", READ, "GET, HEAD", FLOE_STAT_OPERATIONS, false, route_readyz},
    {"/metrics", READ, "GET, HEAD", FLOE_STAT_OPERATIONS, false, route_metrics},
};
static const route no_route = {.stat = FLOE_STAT_OTHER};

/* Named by floe's face. One that ends in a slash stands for everything below it. */
static const char *const later_paths[] = {"/v1/push",
                                          "/v1/push/",
                                          "/v1/context",
                                          "/v1/ask",
                                          "/v1/tables",
                                          "/v1/tables/",
                                          "/v1/features",
                                          "/v1/features/",
                                          "/v1/lineage",
                                          "/v1/lineage/",
                                          "/v1/datasets",
                                          "/v1/datasets/",
                                          "/push",
                                          "/health",
                                          "/get-online-features",
                                          "/mcp",
                                          "/openapi.json",
                                          "/write-to-online-store",
                                          "/"};

static bool is_later(floe_str path) {
    for (size_t i = 0; i < sizeof(later_paths) / sizeof(later_paths[0]); i++) {
        floe_str later = floe_str_of(later_paths[i]);
        bool below = later.len > 1 && later.ptr[later.len - 1] == '/';
        if (below ? floe_str_starts_with(path, later) : floe_str_equal(path, later)) {
            return true;
        }
    }
    return false;
}

static const route *find_route(floe_str path) {
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (floe_str_is(path, routes[i].path)) {
            return &routes[i];
        }
    }
    return &no_route;
}

/* ---- refusals ---- */

static void refuse_path(floe_http_request *request) {
    floe_error err = {0};
    if (is_later(request->path)) {
        FLOE_IGNORE(
            FLOE_FAIL(&err, FLOE_UNSUPPORTED,
                      "%.*s is not supported by this version; it serves /v1/lookup, /v1/search, /livez, /readyz "
                      "and /metrics",
                      FLOE_STR_BRIEF(request->path)));
    } else {
        FLOE_IGNORE(
            FLOE_FAIL(&err, FLOE_NOT_FOUND,
                      "there is nothing at %.*s; floe serves /v1/lookup, /v1/search, /livez, /readyz and /metrics",
                      FLOE_STR_BRIEF(request->path)));
    }
    floe_problem_answer(request, &err);
}

static void refuse_method(floe_http_request *request, const route *found) {
    const char *detail = floe_arena_printf(&request->arena, "%s answers to %s only", found->path, found->allow);
    request->allow = found->allow;
    floe_problem_answer_as(request, 405, FLOE_INVALID, detail == NULL ? "" : detail);
}

static void refuse_body(floe_http_request *request) {
    if (!request->body.out_of_cap) {
        floe_error err = {0};
        FLOE_IGNORE(floe_buf_check(&request->body, &err));
        floe_problem_answer(request, &err);
        return;
    }
    const char *detail = floe_arena_printf(
        &request->arena, "the body is larger than %zu bytes, the most that is read; split the request",
        request->body.cap);
    floe_problem_answer_as(request, 413, FLOE_LIMIT, detail == NULL ? "" : detail);
}

static bool type_is(floe_str type, const char *expected) {
    floe_str head = {NULL, 0};
    (void)floe_str_split(&type, ';', &head);
    return floe_str_is_nocase(floe_str_trim(head), expected);
}

/* curl sends its default type with any -d, so that one is let through: the body is JSON or it is refused as such. */
static bool is_json(floe_str type) {
    return type.len == 0 || type_is(type, "application/json") || type_is(type, "application/x-www-form-urlencoded");
}

static bool refuse_type(floe_http_request *request) {
    static const char *const protobuf = "application/x-protobuf";
    if (type_is(request->content_type, protobuf) || type_is(request->accept, protobuf)) {
        floe_problem_answer_as(request, 501, FLOE_UNSUPPORTED,
                               "application/x-protobuf is not supported by this version; send and accept "
                               "application/json");
        return true;
    }
    if (request->method == FLOE_HTTP_POST && !is_json(request->content_type)) {
        floe_problem_answer_as(request, 415, FLOE_INVALID, "the body must be application/json");
        return true;
    }
    return false;
}

/* ---- hooks ---- */

void floe_routes_begin(void *context, floe_http_request *request) {
    floe_reactor *reactor = context;
    const route *found = find_route(request->path);
    floe_metric_add(reactor->shared->stats.in_flight, 1);
    request->route = found;
    if (found == &no_route) {
        refuse_path(request);
    } else if ((found->methods & request->method) == 0) {
        refuse_method(request, found);
    } else if (request->body.failed) {
        refuse_body(request);
    } else if (found->takes_json) {
        (void)refuse_type(request);
    }
}

void floe_routes_handle(void *context, floe_http_request *request) {
    const route *found = request->route;
    if (request->body.failed) {
        refuse_body(request);
    } else if (request->method != FLOE_HTTP_POST && request->body.len > 0) {
        floe_problem_answer_as(request, 400, FLOE_INVALID, "a GET has no body; send a POST");
    } else {
        found->handle(context, request);
    }
}

void floe_routes_end(void *context, floe_http_request *request, bool answered) {
    floe_reactor *reactor = context;
    const route *found = request->route;
    floe_metric_add(reactor->shared->stats.in_flight, -1);
    floe_stats_count(&reactor->shared->stats, found->stat, answered ? request->status : 0,
                     floe_monotonic_us() - request->started_us);
}
