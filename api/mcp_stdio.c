/*
 * The Model Context Protocol for one client on a pipe (`floe mcp`): the same messages and tools as POST /mcp, on the
 * caller's thread. What a tool stands on is opened when it is first needed, so that a store that is away or an index
 * that is missing is an answer of that tool and keeps no other from working.
 */
#include "api/api.h"

#include "api/lookup_int.h"
#include "api/mcp_int.h"

#include "core/limits.h"
#include "core/mem.h"

struct floe_mcp {
    floe_mcp_config config;
    floe_searchers *searchers;
    floe_asker *asker;
    floe_snapshot *snapshot; /* NULL: none was read yet */
    floe_plans plans;
    floe_store *store; /* NULL: it was not needed yet */
    floe_arena arena;  /* of one message */
};

floe_status floe_mcp_open(const floe_mcp_config *config, floe_mcp **ret_mcp, floe_error *err) {
    floe_mcp *mcp = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*mcp), &mcp, err));
    mcp->config = *config;
    floe_arena_init(&mcp->arena, FLOE_LIMIT_REQUEST_ARENA);
    floe_status status = floe_searchers_open(config->project, config->search_folder, 1, &mcp->searchers, err);
    if (!floe_failed(status)) {
        status = floe_asker_open(config->project, NULL, &mcp->asker, err);
    }
    if (floe_failed(status)) {
        floe_mcp_close(&mcp);
        return status;
    }
    *ret_mcp = mcp;
    return FLOE_OK;
}

void floe_mcp_close(floe_mcp **mcp_pointer) {
    floe_mcp *mcp = *mcp_pointer;
    *mcp_pointer = NULL;
    if (mcp == NULL) {
        return;
    }
    floe_plans_clear(&mcp->plans);
    if (mcp->snapshot != NULL) {
        floe_snapshot_release(&mcp->snapshot);
    }
    floe_asker_close(&mcp->asker);
    if (mcp->searchers != NULL) {
        floe_searchers_close(&mcp->searchers);
    }
    if (mcp->store != NULL) {
        floe_store_close(&mcp->store);
    }
    floe_arena_close(&mcp->arena);
    floe_free(mcp);
}

/* ---- lookups ---- */

/* The newest definitions, read anew only when there is a newer version. */
static floe_status refresh(floe_mcp *mcp, floe_error *err) {
    floe_snapshot *newer = NULL;
    bool changed = false;
    int64_t known = mcp->snapshot == NULL ? 0 : mcp->snapshot->definitions->version;
    FLOE_TRY(floe_snapshot_load(mcp->config.project->registry, known, &newer, &changed, err));
    if (changed) {
        floe_plans_clear(&mcp->plans);
        if (mcp->snapshot != NULL) {
            floe_snapshot_release(&mcp->snapshot);
        }
        mcp->snapshot = newer;
    }
    return FLOE_OK;
}

static floe_status need_store(floe_mcp *mcp, floe_error *err) {
    const floe_project *project = mcp->config.project;
    return mcp->store != NULL ? FLOE_OK : floe_store_open(&project->online, project->name, &mcp->store, err);
}

static floe_status look_up(floe_mcp *mcp, const floe_mcp_call *call, floe_lookup_call *lookup, floe_buf *out,
                           floe_error *err) {
    floe_lookup_source source = {&mcp->plans, mcp->snapshot, mcp->config.role};
    FLOE_TRY(floe_lookup_call_prepare(lookup, &source, floe_mcp_arguments(call), &mcp->arena, err));
    FLOE_TRY(need_store(mcp, err));
    floe_status status = floe_store_lookup(mcp->store, &lookup->lookup, err);
    if (floe_failed(status) && status.code == FLOE_UNAVAILABLE) {
        floe_store_close(&mcp->store); /* the next lookup connects anew */
    }
    FLOE_TRY(status);
    return floe_lookup_call_print(lookup, out, err);
}

static floe_status run_lookup(floe_mcp *mcp, const floe_mcp_call *call, floe_buf *out, floe_error *err) {
    floe_lookup_call lookup = {0};
    FLOE_TRY(refresh(mcp, err));
    floe_status status = look_up(mcp, call, &lookup, out, err);
    floe_lookup_call_release(&lookup);
    return status;
}

/* ---- messages ---- */

static void run_tool(floe_mcp *mcp, const floe_mcp_call *call, floe_buf *out) {
    FLOE_AUTO_BUF structured;
    floe_error tool_error = {0};
    floe_str text = FLOE_STR("");
    floe_mcp_services services = {.searchers = mcp->searchers, .asker = mcp->asker, .role = mcp->config.role};
    floe_buf_init(&structured, FLOE_LIMIT_REQUEST_ARENA);
    floe_status status = call->tool == FLOE_MCP_GET_ONLINE_FEATURES
                             ? run_lookup(mcp, call, &structured, &tool_error)
                             : floe_mcp_run(call, &services, &mcp->arena, &structured, &text, &tool_error);
    floe_mcp_finish(call, status, &tool_error, floe_buf_view(&structured), text, out);
}

floe_status floe_mcp_handle(floe_mcp *mcp, floe_str message, floe_buf *out, floe_error *err) {
    floe_mcp_call call;
    floe_arena_reset(&mcp->arena);
    floe_mcp_begin(message, NULL, &mcp->arena, out, &call);
    if (call.step == FLOE_MCP_TOOL) {
        run_tool(mcp, &call, out);
    }
    return floe_buf_check(out, err);
}

void floe_mcp_refuse(floe_buf *out) {
    floe_rpc_error(NULL, FLOE_RPC_INVALID_REQUEST, "the message is longer than 4 MiB, the most that is read",
                   FLOE_STR(""), out);
}
