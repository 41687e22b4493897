/*
 * From a project's `search:` to an embedder.
 */
#include "vector/vector.h"

floe_status floe_search_embedder_open(const floe_project *project, size_t thread_count, floe_embedder **ret_embedder,
                                      floe_error *err) {
    floe_embedder_options options = {.thread_count = thread_count};
    if (floe_str_is(project->embedder, "local")) {
        options.kind = FLOE_EMBEDDER_LOCAL;
    } else if (floe_str_is(project->embedder, "http")) {
        options.kind = FLOE_EMBEDDER_HTTP;
        options.url = project->embedder_url;
        options.model = project->embedder_model;
        options.api_key = project->embedder_key;
    }
    return floe_embedder_open(&options, ret_embedder, err);
}
