/* What the server counts, found by number so that counting is one atomic addition. Thread: any after it is opened. */
#ifndef FLOE_API_STATS_INT_H
#define FLOE_API_STATS_INT_H

#include "core/metrics.h"

typedef enum floe_stat_route {
    FLOE_STAT_LOOKUP,
    FLOE_STAT_SEARCH,
    FLOE_STAT_MCP,
    FLOE_STAT_CONTEXT,
    FLOE_STAT_ASK,
    FLOE_STAT_OPERATIONS,
    FLOE_STAT_OTHER,
    FLOE_STAT_ROUTE_COUNT
} floe_stat_route;

#define FLOE_STAT_STATUS_COUNT 19
#define FLOE_STAT_GONE (FLOE_STAT_STATUS_COUNT - 2) /* the place of those that left before they were answered */
#define FLOE_STAT_ELSE (FLOE_STAT_STATUS_COUNT - 1) /* and of any status without a place of its own */

typedef struct floe_stats {
    floe_metric *requests[FLOE_STAT_ROUTE_COUNT][FLOE_STAT_STATUS_COUNT];
    floe_metric *seconds[FLOE_STAT_ROUTE_COUNT];
    floe_metric *in_flight;
    floe_metric *version;
} floe_stats;

floe_status floe_stats_open(floe_stats *stats, floe_error *err);
/* `status` 0: the client left before it was answered. */
void floe_stats_count(const floe_stats *stats, floe_stat_route route, int status, int64_t elapsed_us);

#endif
