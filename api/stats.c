/* See stats_int.h. A status that is not in the table is counted as "other", so that no counter is made while
 * serving. */
#include "api/stats_int.h"

#include <stdio.h>

static const int statuses[FLOE_STAT_STATUS_COUNT] = {200, 202, 400, 401, 403, 404, 405, 406, 409, 413,
                                                     415, 417, 431, 500, 501, 503, 504, 0,   -1};
static const char *const routes[FLOE_STAT_ROUTE_COUNT] = {"lookup", "search",     "mcp",  "context",
                                                          "ask",    "operations", "other"};

static floe_status open_counter(floe_stats *stats, size_t route, size_t status, floe_error *err) {
    char labels[64];
    char number[16] = "other";
    if (statuses[status] >= 0) {
        (void)snprintf(number, sizeof(number), "%d", statuses[status]);
    }
    (void)snprintf(labels, sizeof(labels), "route=\"%s\",status=\"%s\"", routes[route],
                   statuses[status] == 0 ? "gone" : number);
    return floe_metric_get(FLOE_COUNTER, "floe_http_requests_total", labels,
                           "HTTP requests by route and status; gone: the client left before the answer.",
                           &stats->requests[route][status], err);
}

floe_status floe_stats_open(floe_stats *stats, floe_error *err) {
    char labels[64];
    for (size_t route = 0; route < FLOE_STAT_ROUTE_COUNT; route++) {
        for (size_t status = 0; status < FLOE_STAT_STATUS_COUNT; status++) {
            FLOE_TRY(open_counter(stats, route, status, err));
        }
        (void)snprintf(labels, sizeof(labels), "route=\"%s\"", routes[route]);
        FLOE_TRY(floe_metric_get(FLOE_HISTOGRAM, "floe_http_request_seconds", labels,
                                 "From the request's headers to the last byte of its answer.", &stats->seconds[route],
                                 err));
    }
    FLOE_TRY(floe_metric_get(FLOE_GAUGE, "floe_http_in_flight", "", "HTTP requests that are not answered yet.",
                             &stats->in_flight, err));
    return floe_metric_get(FLOE_GAUGE, "floe_definitions_version", "", "Version of the definitions that are served.",
                           &stats->version, err);
}

void floe_stats_count(const floe_stats *stats, floe_stat_route route, int status, int64_t elapsed_us) {
    size_t at = 0;
    while (at < FLOE_STAT_STATUS_COUNT - 1 && statuses[at] != status) {
        at++;
    }
    floe_metric_add(stats->requests[route][at], 1);
    floe_metric_observe_us(stats->seconds[route], elapsed_us);
}
