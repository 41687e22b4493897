/*
 * `ask:` of floe.yaml: the OpenAI-compatible endpoint that `floe ask` asks. The address may hold a secret, so no
 * message repeats it.
 */
#include "registry/decode/decode_int.h"
#include "registry/registry.h"

void floe_decode_ask(const floe_decoder *decoder, const floe_node *root, floe_project *project) {
    static const char *const known[] = {"url", "model", "api_key", NULL};
    const floe_node *node = floe_decode_member(root, "ask");
    if (node == NULL || !floe_decode_object(decoder, node, "ask", known)) {
        return;
    }
    floe_ask_def *ask = floe_arena_alloc(decoder->arena, 1, sizeof *ask);
    if (ask == NULL) {
        return;
    }
    *ask = (floe_ask_def){.pos = floe_decoder_at(decoder, node->line)};
    floe_decode_need_text(decoder, node, "model", "ask", &ask->model);
    floe_decode_opt_text(decoder, node, "api_key", "ask", &ask->api_key);
    if (floe_decode_need_text(decoder, node, "url", "ask", &ask->url) &&
        !floe_str_starts_with(ask->url, FLOE_STR("http://")) && !floe_str_starts_with(ask->url, FLOE_STR("https://"))) {
        FLOE_FIND(decoder, floe_decode_line(node, "url"), FLOE_INVALID,
                  "ask: url must be that of a chat route, as in https://host/v1/chat/completions");
    }
    project->ask = ask;
}
