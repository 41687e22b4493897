/*
 * The tools that read the search index: their arguments, each refused by name when it is not one of the tool's or of
 * another kind than mcp_tools.json says, and their results as JSON.
 */
#include "api/mcp_int.h"

#include "api/body_int.h"

#include "core/limits.h"

#define DEFAULT_HITS 10
#define ARGUMENTS_MAX 3

const char *floe_mcp_tool_name(floe_mcp_tool tool) {
    static const char *const names[FLOE_MCP_TOOL_COUNT] = {"search_tables", "describe_table", "get_context",
                                                           "search_features", "get_online_features"};
    return names[tool];
}

const floe_node *floe_mcp_arguments(const floe_mcp_call *call) {
    static const floe_node none = {.kind = FLOE_NODE_OBJECT};
    return call->arguments == NULL ? &none : call->arguments;
}

/* ---- arguments ---- */

/* One argument of a tool, and where its value goes: a text or a whole number. */
typedef struct argument {
    const char *name;
    bool needed;
    floe_str *text;
    int64_t *number;
    int64_t least, most; /* of a number */
} argument;

static floe_status take_argument(const argument *known, const floe_node *value, floe_error *err) {
    if (known->text != NULL) {
        FLOE_ENSURE(value->kind == FLOE_NODE_STRING, err, FLOE_INVALID, "%s must be a text, not %s", known->name,
                    floe_node_kind_name(value->kind));
        FLOE_ENSURE(value->text.len <= FLOE_LIMIT_QUERY_BYTES, err, FLOE_LIMIT,
                    "%s has %zu bytes; at most %zu are allowed", known->name, value->text.len, FLOE_LIMIT_QUERY_BYTES);
        *known->text = value->text;
        return FLOE_OK;
    }
    FLOE_ENSURE(value->kind == FLOE_NODE_INT, err, FLOE_INVALID, "%s must be a whole number, not %s", known->name,
                floe_node_kind_name(value->kind));
    FLOE_ENSURE(value->as.integer >= known->least && value->as.integer <= known->most, err, FLOE_INVALID,
                "%s is %lld; it must be %lld to %lld", known->name, (long long)value->as.integer,
                (long long)known->least, (long long)known->most);
    *known->number = value->as.integer;
    return FLOE_OK;
}

static const argument *find_argument(const argument *known, size_t count, floe_str name) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_is(name, known[i].name)) {
            return &known[i];
        }
    }
    return NULL;
}

static floe_status take_member(const floe_mcp_call *call, const floe_member *member, const argument *known,
                               size_t count, floe_arena *arena, floe_error *err) {
    const argument *found = find_argument(known, count, member->key);
    const char *names[ARGUMENTS_MAX];
    if (found != NULL) {
        return member->value->kind == FLOE_NODE_NULL ? FLOE_OK : take_argument(found, member->value, err);
    }
    for (size_t i = 0; i < count; i++) {
        names[i] = known[i].name;
    }
    return FLOE_FAIL(err, FLOE_INVALID, "%s has no argument `%.*s`%s", floe_mcp_tool_name(call->tool),
                     FLOE_STR_BRIEF(member->key), floe_body_hint(member->key, names, count, arena));
}

static floe_status take_arguments(const floe_mcp_call *call, const argument *known, size_t count, floe_arena *arena,
                                  floe_error *err) {
    const floe_node *arguments = floe_mcp_arguments(call);
    FLOE_ASSERT(count <= ARGUMENTS_MAX);
    for (size_t i = 0; i < arguments->count; i++) {
        FLOE_TRY(take_member(call, &arguments->members[i], known, count, arena, err));
    }
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(!known[i].needed || known[i].text->ptr != NULL, err, FLOE_INVALID, "%s needs the argument %s",
                    floe_mcp_tool_name(call->tool), known[i].name);
    }
    return FLOE_OK;
}

/* ---- tools ---- */

/* Verified questions, for as long as a tool runs. */
static floe_status hold_questions(const floe_mcp_services *services, floe_held_questions **ret_held, floe_error *err) {
    return services->asker == NULL ? FLOE_OK : floe_asker_hold(services->asker, ret_held, err);
}

static floe_status search(const floe_mcp_call *call, const floe_mcp_services *services, floe_hit_kind kind,
                          floe_arena *arena, floe_buf *out, floe_error *err) {
    int64_t k = DEFAULT_HITS;
    floe_query query = {.kind = kind, .role = services->role};
    const argument known[] = {{"query", true, &query.text, NULL, 0, 0},
                              {"k", false, NULL, &k, 1, FLOE_LIMIT_SEARCH_HITS},
                              {"in", false, &query.in, NULL, 0, 0}};
    FLOE_TRY(take_arguments(call, known, sizeof(known) / sizeof(known[0]), arena, err));
    query.k = (size_t)k;
    floe_held_questions *held = NULL;
    FLOE_TRY(hold_questions(services, &held, err));
    query.verified = floe_held_set(held);
    floe_status status = floe_searchers_query(services->searchers, &query, arena, out, err);
    floe_asker_release(&held);
    return status;
}

static floe_status describe(const floe_mcp_call *call, floe_search *index, const floe_mcp_services *services,
                            floe_arena *arena, floe_buf *out, floe_error *err) {
    floe_str table = {NULL, 0};
    floe_described_table described = {0};
    const argument known[] = {{"table", true, &table, NULL, 0, 0}};
    FLOE_TRY(take_arguments(call, known, 1, arena, err));
    FLOE_TRY(floe_search_describe(index, table, services->role, arena, &described, err));
    floe_described_print_json(&described, out);
    return floe_buf_check(out, err);
}

static floe_status make_context(floe_search *index, const floe_context_request *request, floe_arena *arena,
                                floe_buf *out, floe_str *ret_text, floe_error *err) {
    floe_context made = {0};
    FLOE_TRY(floe_context_make(index, request, arena, &made, err));
    floe_context_print_json(&made, out);
    *ret_text = floe_arena_str(arena, made.text);
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_buf_check(out, err);
}

static floe_status context(const floe_mcp_call *call, floe_search *index, const floe_mcp_services *services,
                           floe_arena *arena, floe_buf *out, floe_str *ret_text, floe_error *err) {
    int64_t tokens = FLOE_CONTEXT_TOKENS;
    floe_held_questions *held = NULL;
    floe_context_request request = {.role = services->role};
    const argument known[] = {
        {"question", true, &request.question, NULL, 0, 0},
        {"tokens", false, NULL, &tokens, FLOE_CONTEXT_TOKENS_MIN, FLOE_CONTEXT_TOKENS_MAX},
        {"in", false, &request.in, NULL, 0, 0},
    };
    FLOE_TRY(take_arguments(call, known, sizeof(known) / sizeof(known[0]), arena, err));
    request.token_max = (size_t)tokens;
    FLOE_TRY(hold_questions(services, &held, err));
    request.verified = floe_held_set(held);
    floe_status status = make_context(index, &request, arena, out, ret_text, err);
    floe_asker_release(&held);
    return status;
}

floe_status floe_mcp_run(const floe_mcp_call *call, const floe_mcp_services *services, floe_arena *arena, floe_buf *out,
                         floe_str *ret_text, floe_error *err) {
    floe_search *index = NULL;
    *ret_text = FLOE_STR("");
    FLOE_ASSERT(call->tool != FLOE_MCP_GET_ONLINE_FEATURES);
    if (call->tool == FLOE_MCP_SEARCH_TABLES || call->tool == FLOE_MCP_SEARCH_FEATURES) {
        floe_hit_kind kind = call->tool == FLOE_MCP_SEARCH_TABLES ? FLOE_HIT_TABLE : FLOE_HIT_FEATURE;
        return search(call, services, kind, arena, out, err);
    }
    FLOE_TRY(floe_searchers_take(services->searchers, &index, err));
    floe_status status = call->tool == FLOE_MCP_DESCRIBE_TABLE
                             ? describe(call, index, services, arena, out, err)
                             : context(call, index, services, arena, out, ret_text, err);
    floe_searchers_give(services->searchers, index);
    return status;
}
