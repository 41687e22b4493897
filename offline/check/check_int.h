/*
 * What the files of checking share.
 */
#ifndef FLOE_OFFLINE_CHECK_CHECK_INT_H
#define FLOE_OFFLINE_CHECK_CHECK_INT_H

#include "offline/engine/engine.h"

/* As floe_checker_parse, on a session that can reach nothing. */
floe_status floe_query_parse(floe_session *session, floe_str sql, floe_arena *arena, const floe_query_name **ret_names,
                             size_t *ret_count, floe_error *err);

/* Makes the catalog and the schema of a name where they are not there yet. */
floe_status floe_query_place(floe_session *session, const floe_query_name *name, floe_error *err);
/* Appends the name, its parts quoted. */
void floe_query_put_name(floe_buf *out, const floe_query_name *name);
/* Nothing outside is reached from here on, and that cannot be changed back. */
floe_status floe_query_lock(floe_session *session, floe_error *err);
/* The most rows of any step of a plan, as EXPLAIN (FORMAT json) shows it. Errors: LIMIT, NOMEM. */
floe_status floe_plan_rows(floe_str plan, floe_arena *arena, int64_t *ret_rows, floe_error *err);
/* The text as one that ends in a NUL. Errors: INVALID for a zero byte or for what is no UTF-8, LIMIT. */
floe_status floe_query_text(floe_str sql, floe_arena *arena, const char **ret_text, floe_error *err);

#endif
