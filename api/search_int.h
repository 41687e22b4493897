/*
 * Open search indexes, kept between searches: a handle is for one thread at a time, so a worker takes one, asks, and gives
 * it back; one that a newer index has overtaken is opened anew. One embedder serves all of them; it is opened by the first
 * search, so that a server that only looks features up holds no model. Thread: any.
 */
#ifndef FLOE_API_SEARCH_INT_H
#define FLOE_API_SEARCH_INT_H

#include "vector/vector.h"

/* Roles that are prepared for. */
#define FLOE_SEARCHERS_ROLES 16

typedef struct floe_searchers floe_searchers;

/* At most `keep` handles stay open. `project`, whose `search:` says which embedder, and `folder` must live as long. Opens
 * nothing yet. */
floe_status floe_searchers_open(const floe_project *project, const char *folder, size_t keep,
                                floe_searchers **ret_searchers, floe_error *err);
void floe_searchers_close(floe_searchers **searchers);

/* An open handle on the newest index, for one thread until it is given back. `search` NULL: nothing is given. Errors: those of
 * floe_search_embedder_open and floe_search_open; UNAVAILABLE when there is no index yet, without saying where. */
floe_status floe_searchers_take(floe_searchers *searchers, floe_search **ret_search, floe_error *err);
void floe_searchers_give(floe_searchers *searchers, floe_search *search);

/* From now on a thread makes off the requests' path what these roles see (the first FLOE_SEARCHERS_ROLES of them; the others' first
 * questions make it), in each idle handle, and opens a newer index once there is one; with roles also the first. A request that needs a
 * handle meanwhile waits for the thread to finish the role that it is at. The roles must live as long as the searchers; another call replaces
 * them. Errors: LIMIT when no thread can be had. Thread: one at a time. */
floe_status floe_searchers_follow(floe_searchers *searchers, const floe_role *const *roles, size_t count,
                                  floe_error *err);
/* Waits until that thread has found nothing to do since this call. */
void floe_searchers_settle(floe_searchers *searchers);

/* One question, its answer appended to `out` as JSON. Errors: those of floe_searchers_take and
 * floe_search_query. */
floe_status floe_searchers_query(floe_searchers *searchers, const floe_query *query, floe_arena *arena, floe_buf *out,
                                 floe_error *err);

#endif
