/*
 * Which request goes where. What floe's face names and this version does not serve is refused by name with UNSUPPORTED;
 * what nobody knows is not found; a known path with another method is told which ones there are.
 */
#include "api/negotiate_int.h"
#include "api/openapi_int.h"
#include "api/problem_int.h"
#include "api/reactor_int.h"

#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"

typedef struct route {
    const char *path;
    unsigned methods;  /* and OPTIONS, of every route */
    const char *allow; /* the same, as text */
    floe_stat_route stat;
    bool
        speaks_json; /* reads and writes JSON, and nothing else; operations answer whoever asks, whatever they accept */
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
    const floe_definitions *definitions = reactor->snapshot->definitions;
    floe_buf_int(&request->out, definitions->version);
    size_t behind = floe_online_behind(reactor->online, definitions->views, definitions->view_count);
    if (behind > 0) {
        floe_buf_text(&request->out, ",\"waiting_for_sync\":");
        floe_buf_int(&request->out, (int64_t)behind);
    }
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

static void route_openapi(floe_reactor *reactor, floe_http_request *request) {
    (void)reactor;
    floe_error err = {0};
    floe_buf_str(&request->out, floe_openapi_text());
    if (floe_failed(floe_buf_check(&request->out, &err))) {
        floe_problem_answer(request, &err);
        return;
    }
    answer_text(request, "application/json");
}

/* ---- the table ---- */

#define READ (FLOE_HTTP_GET | FLOE_HTTP_HEAD)
static const route routes[] = {
    {"/v1/lookup", FLOE_HTTP_POST, "POST, OPTIONS", FLOE_STAT_LOOKUP, true, floe_route_lookup},
    {"/v1/search", READ | FLOE_HTTP_POST, "GET, HEAD, POST, OPTIONS", FLOE_STAT_SEARCH, true, floe_route_search},
    {"/v1/context", FLOE_HTTP_POST, "POST, OPTIONS", FLOE_STAT_CONTEXT, true, floe_route_context},
    {"/v1/ask", FLOE_HTTP_POST, "POST, OPTIONS", FLOE_STAT_ASK, true, floe_route_ask},
    {"/mcp", FLOE_HTTP_POST, "POST, OPTIONS", FLOE_STAT_MCP, true, floe_route_mcp},
    {"/livez", READ, "GET, HEAD, OPTIONS", FLOE_STAT_OPERATIONS, false, route_livez},
    {"/readyz", READ, "GET, HEAD, OPTIONS", FLOE_STAT_OPERATIONS, false, route_readyz},
    {"/metrics", READ, "GET, HEAD, OPTIONS", FLOE_STAT_OPERATIONS, false, route_metrics},
    {"/openapi.json", READ, "GET, HEAD, OPTIONS", FLOE_STAT_OPERATIONS, false, route_openapi},
};
#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))
static const route no_route = {.stat = FLOE_STAT_OTHER};

/* Named by floe's face. One that ends in a slash stands for everything below it. */
static const char *const later_paths[] = {"/v1/push",
                                          "/v1/push/",
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

                                          "/write-to-online-store",
                                          "/"};

bool floe_routes_get(size_t at, const char **ret_path, const char **ret_allow) {
    if (at >= ROUTE_COUNT) {
        return false;
    }
    *ret_path = routes[at].path;
    *ret_allow = routes[at].allow;
    return true;
}

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
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
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
        FLOE_IGNORE(FLOE_FAIL(&err, FLOE_UNSUPPORTED,
                              "%.*s is not supported by this version; /openapi.json lists what it serves",
                              FLOE_STR_BRIEF(request->path)));
    } else {
        FLOE_IGNORE(FLOE_FAIL(&err, FLOE_NOT_FOUND, "there is nothing at %.*s; /openapi.json lists what floe serves",
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

static void answer_options(floe_http_request *request, const char *allow) {
    request->allow = allow;
    request->status = 200;
    request->answer_type = NULL;
    floe_http_answer(request);
}

/* "OPTIONS *" asks for the server as a whole. */
static void begin_found(floe_http_request *request, const route *found) {
    if (request->method == FLOE_HTTP_OPTIONS && floe_str_is(request->path, "*")) {
        answer_options(request, "GET, HEAD, POST, OPTIONS");
    } else if (found == &no_route) {
        refuse_path(request);
    } else if (request->method == FLOE_HTTP_OPTIONS) {
        answer_options(request, found->allow);
    } else if ((found->methods & request->method) == 0) {
        refuse_method(request, found);
    } else if (request->body.failed) {
        refuse_body(request);
    } else {
        (void)floe_negotiate(request, found->speaks_json);
    }
}

/* ---- access ---- */

/* Health is told to whoever asks, and figures to whoever is on this machine. OPTIONS tells methods and nothing else; a
 * browser sends it without a key. */
static bool needs_key(const floe_reactor *reactor, const floe_http_request *request, const route *found) {
    bool is_health = found->handle == route_livez || found->handle == route_readyz;
    bool is_local = found->handle == route_metrics && reactor->shared->is_loopback;
    return reactor->shared->project->role_count > 0 && !is_health && !is_local && request->method != FLOE_HTTP_OPTIONS;
}

/* ---- hooks ---- */

void floe_routes_begin(void *context, floe_http_request *request) {
    floe_reactor *reactor = context;
    const route *found = find_route(request->path);
    floe_metric_add(reactor->shared->stats.in_flight, 1);
    request->route = found;
    request->role = NULL;
    if (request->malformed != NULL) {
        floe_negotiate_malformed(request);
    } else if (!needs_key(reactor, request, found) || floe_auth_admit(reactor->keyring, request)) {
        begin_found(request, found);
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
