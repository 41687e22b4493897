/*
 * Feature services and streams.
 */
#include "registry/decode/decode_int.h"
#include "registry/names_int.h"

/* ---- services ---- */

typedef struct ref_list {
    floe_ref *items;
    size_t count;
    size_t capacity;
    floe_map seen; /* "view:feature" of those that are in the list */
} ref_list;

/* Whether a failed reference is only the echo of a finding: its view is broken, or it is a request feature. */
static bool is_echo(const floe_loading *loading, floe_str text) {
    floe_str rest = text;
    floe_str view = text;
    floe_str_split(&rest, ':', &view);
    return floe_map_get(&loading->broken_views, view) != NULL || floe_map_get(&loading->broken_requests, text) != NULL;
}

static void append_ref(const floe_decoder *decoder, ref_list *list, const floe_ref *ref, int line, const char *what) {
    char name[FLOE_REF_NAME_MAX];
    floe_str key = floe_str_of(floe_decoder_printf(decoder, "%s", floe_ref_name(ref, ":", name)));
    if (floe_map_put(&list->seen, key, decoder->arena) != NULL) {
        FLOE_FIND(decoder, line, FLOE_INVALID, "%s: %.*s is there twice", what, FLOE_STR_ARG(key));
        return;
    }
    floe_ref *slot = FLOE_ARENA_PUSH(decoder->arena, list->items, list->count, list->capacity);
    if (slot != NULL) {
        *slot = *ref;
    }
}

static void decode_ref(const floe_loading *loading, const floe_node *node, const char *what, ref_list *list) {
    const floe_decoder *decoder = &loading->decoder;
    floe_str text = {0};
    floe_ref *refs = NULL;
    size_t count = 0;
    floe_error error = {0};
    if (!floe_decode_text_node(decoder, node, floe_decoder_printf(decoder, "%s: a feature", what), &text)) {
        return;
    }
    if (floe_failed(floe_refs_parse(&loading->definitions, decoder->arena, &text, 1, &refs, &count, &error))) {
        if (!is_echo(loading, text)) {
            FLOE_FIND(decoder, node->line, error.code, "%s: %s", what, error.message);
        }
        return;
    }
    for (size_t i = 0; i < count; i++) {
        append_ref(decoder, list, &refs[i], node->line, what);
    }
}

/* What could be neither built nor looked up is told here; what is stored was applied once. */
static void check_inputs(const floe_decoder *decoder, int line, const char *what, const floe_service *service) {
    const floe_column *inputs = NULL;
    size_t count = 0;
    floe_error error = {0};
    floe_status status =
        decoder->stored ? FLOE_OK : floe_refs_columns_check(decoder->arena, service->refs, service->ref_count, &error);
    if (!floe_failed(status) && !decoder->stored) {
        status = floe_refs_request_inputs(decoder->arena, service->refs, service->ref_count, &inputs, &count, &error);
    }
    if (floe_failed(status)) {
        FLOE_FIND(decoder, line, error.code, "%s: %s", what, error.message);
    }
}

static void decode_refs(const floe_loading *loading, const floe_node *node, const char *what, floe_service *service) {
    const floe_decoder *decoder = &loading->decoder;
    const floe_node *features = floe_decode_opt_list(decoder, node, "features", what);
    if (features == NULL || features->count == 0) {
        if (features != NULL || floe_decode_member(node, "features") == NULL) {
            FLOE_FIND(decoder, floe_decode_line(node, "features"), FLOE_INVALID,
                      "%s needs at least one feature, as in features: [view, other_view:feature]", what);
        }
        return;
    }
    ref_list list = {0};
    floe_map_init(&list.seen, decoder->arena);
    for (size_t i = 0; i < features->count; i++) {
        decode_ref(loading, features->items[i], what, &list);
    }
    service->refs = list.items;
    service->ref_count = list.count;
    check_inputs(decoder, floe_decode_line(node, "features"), what, service);
}

void floe_decode_service(floe_loading *loading, const floe_node *node) {
    static const char *const known[] = {"name", "features", "description", "owner", "tags", NULL};
    const floe_decoder *decoder = &loading->decoder;
    floe_service service = {0};
    const char *what =
        node->kind == FLOE_NODE_OBJECT ? floe_decode_about(decoder, node, "feature service", &service.about) : NULL;
    if (!floe_decode_object(decoder, node, what != NULL ? what : "a feature service", known) || what == NULL) {
        return;
    }
    decode_refs(loading, node, what, &service);
    floe_loading_name(loading, FLOE_OBJECT_SERVICE, &service.about);
    if (floe_definitions_request(&loading->definitions, service.about.name) != NULL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s has the name of a request feature; both are asked for by it",
                  what);
    }
    if (!decoder->stored && floe_definitions_view(&loading->definitions, service.about.name) != NULL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s has the name of a feature view; both are asked for by it",
                  what);
    }
    floe_service *slot = FLOE_ARENA_PUSH(decoder->arena, loading->services, loading->definitions.service_count,
                                         loading->service_capacity);
    if (slot != NULL) {
        *slot = service;
    }
    loading->definitions.services = loading->services;
}

/* ---- streams ---- */

/* `json`; avro and protobuf are known words, as text or as mappings with their settings. */
static void decode_format(const floe_decoder *decoder, const floe_node *kafka, const char *what,
                          floe_stream_def *stream) {
    static const char *const words[] = {"json", "avro", "protobuf"};
    stream->format = FLOE_STR("json");
    const floe_node *format = floe_decode_member(kafka, "format");
    floe_str word = {0};
    if (format != NULL && format->kind == FLOE_NODE_OBJECT && format->count == 1) {
        word = format->members[0].key;
    } else if (format == NULL ||
               !floe_decode_text_node(decoder, format, floe_decoder_printf(decoder, "%s: format", what), &word)) {
        return;
    }
    if (floe_str_is(word, "avro") || floe_str_is(word, "protobuf")) {
        FLOE_FIND(decoder, format->line, FLOE_UNSUPPORTED,
                  "%s: the stream format %.*s is not supported by this version; json is", what, FLOE_STR_ARG(word));
    } else if (!floe_str_is(word, "json") || format->kind == FLOE_NODE_OBJECT) {
        FLOE_FIND(decoder, format->line, FLOE_INVALID, "%s: unknown stream format `%.*s`%s", what, FLOE_STR_ARG(word),
                  floe_name_hint(decoder->arena, floe_str_nearest(word, words, 3)));
    }
}

static void decode_kafka(const floe_decoder *decoder, const floe_node *node, const char *what,
                         floe_stream_def *stream) {
    static const char *const known[] = {"brokers", "topic", "group", "format", NULL};
    const floe_node *kafka = floe_decode_member(node, "kafka");
    if (kafka == NULL) {
        FLOE_FIND(decoder, node->line, FLOE_INVALID, "%s needs `kafka:`, as in kafka: {brokers: …, topic: …}", what);
        return;
    }
    const char *kafka_what = floe_decoder_printf(decoder, "%s: kafka", what);
    if (!floe_decode_object(decoder, kafka, kafka_what, known)) {
        return;
    }
    stream->group = FLOE_STR("floe");
    floe_decode_need_text(decoder, kafka, "brokers", kafka_what, &stream->brokers);
    floe_decode_need_text(decoder, kafka, "topic", kafka_what, &stream->topic);
    floe_decode_opt_text(decoder, kafka, "group", kafka_what, &stream->group);
    decode_format(decoder, kafka, kafka_what, stream);
}

static void decode_stream_body(const floe_loading *loading, const floe_node *node, const char *what,
                               floe_stream_def *stream) {
    const floe_decoder *decoder = &loading->decoder;
    bool land = false;
    stream->source = floe_decode_source_name(loading, node, what);
    decode_kafka(decoder, node, what, stream);
    floe_decode_opt_duration(decoder, node, "allowed_lateness", what, &stream->allowed_lateness_us);
    floe_decode_opt_text(decoder, node, "dead_letter", what, &stream->dead_letter);
    if (stream->dead_letter.len > 0 && floe_str_equal(stream->dead_letter, stream->topic)) {
        FLOE_FIND(decoder, floe_decode_line(node, "dead_letter"), FLOE_INVALID,
                  "%s: dead_letter is the topic it reads; name another", what);
    }
    floe_decode_opt_bool(decoder, node, "land", what, &land);
    if (land) {
        FLOE_FIND(decoder, floe_decode_line(node, "land"), FLOE_UNSUPPORTED,
                  "%s: land: true (append to the Iceberg table) is not supported by this version", what);
    }
}

void floe_decode_stream(floe_loading *loading, const floe_node *node) {
    static const char *const known[] = {
        "name", "source", "kafka", "allowed_lateness", "dead_letter", "land", "description", "owner", "tags", NULL};
    const floe_decoder *decoder = &loading->decoder;
    floe_stream_def stream = {0};
    const char *what =
        node->kind == FLOE_NODE_OBJECT ? floe_decode_about(decoder, node, "stream", &stream.about) : NULL;
    if (!floe_decode_object(decoder, node, what != NULL ? what : "a stream", known) || what == NULL) {
        return;
    }
    decode_stream_body(loading, node, what, &stream);
    floe_loading_name(loading, FLOE_OBJECT_STREAM, &stream.about);
    floe_stream_def *slot =
        FLOE_ARENA_PUSH(decoder->arena, loading->streams, loading->definitions.stream_count, loading->stream_capacity);
    if (slot != NULL) {
        *slot = stream;
    }
    loading->definitions.streams = loading->streams;
}
