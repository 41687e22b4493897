/*
 * What loading definitions keeps while it goes on: findings, and the names of every kind with the place where each was
 * given.
 */
#include "registry/decode/decode_int.h"

const char *floe_object_kind_name(floe_object_kind kind) {
    static const char *const names[FLOE_OBJECT_KINDS] = {
        [FLOE_OBJECT_ENTITY] = "entity",           [FLOE_OBJECT_SOURCE] = "source",
        [FLOE_OBJECT_VIEW] = "feature_view",       [FLOE_OBJECT_REQUEST] = "request_feature",
        [FLOE_OBJECT_SERVICE] = "feature_service", [FLOE_OBJECT_STREAM] = "stream",
    };
    return (unsigned)kind < FLOE_OBJECT_KINDS ? names[kind] : "object";
}

void floe_loading_init(floe_loading *loading, floe_arena *arena, const floe_project *project, bool stored) {
    *loading = (floe_loading){.findings.arena = arena, .project = project};
    loading->decoder = (floe_decoder){.arena = arena, .findings = &loading->findings, .stored = stored};
    for (int kind = 0; kind < FLOE_OBJECT_KINDS; kind++) {
        floe_map_init(&loading->names[kind], arena);
    }
    floe_map_init(&loading->broken_views, arena);
    floe_map_init(&loading->broken_requests, arena);
}

void floe_loading_name(floe_loading *loading, floe_object_kind kind, const floe_about *about) {
    floe_pos *pos = floe_arena_alloc(loading->decoder.arena, 1, sizeof *pos);
    if (pos == NULL) {
        return;
    }
    *pos = about->pos;
    const floe_pos *earlier = floe_map_get(&loading->names[kind], about->name);
    if (earlier == NULL) {
        (void)floe_map_put(&loading->names[kind], about->name, pos);
        return;
    }
    FLOE_FIND(&loading->decoder, pos->line, FLOE_INVALID, "%s %.*s is defined already, at %s:%d",
              floe_object_kind_name(kind), FLOE_STR_ARG(about->name), earlier->file != NULL ? earlier->file : "",
              earlier->line);
}
