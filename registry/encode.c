/*
 * Canonical JSON of definitions.
 *
 * Every member stands in a fixed order; what is empty is left out; what has a default is written out. Durations that
 * only their length matters of are written in their shortest form, windows as they were typed, because their text is
 * part of names. References of services are written in full.
 */
#include "core/hash.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"
#include "registry/encode_int.h"

static void put_text(floe_json_writer *writer, const char *key, floe_str text) {
    if (text.len > 0) {
        floe_json_key(writer, key);
        floe_json_string(writer, text);
    }
}

static void put_duration(floe_json_writer *writer, const char *key, int64_t micros) {
    char text[FLOE_TIME_TEXT_MAX];
    if (micros > 0) {
        floe_json_key(writer, key);
        floe_json_text(writer, floe_duration_format(micros, text));
    }
}

static void put_notes(floe_json_writer *writer, const floe_about *about) {
    put_text(writer, "description", about->description);
    put_text(writer, "owner", about->owner);
    if (about->tag_count > 0) {
        floe_json_key(writer, "tags");
        floe_json_array_begin(writer);
        for (size_t i = 0; i < about->tag_count; i++) {
            floe_json_string(writer, about->tags[i]);
        }
        floe_json_array_end(writer);
    }
}

static void begin_object(floe_json_writer *writer, const floe_about *about) {
    floe_json_object_begin(writer);
    put_text(writer, "name", about->name);
    put_notes(writer, about);
}

/* As decode_columns reads it back: also the nanoseconds that a source's times may be in. */
static const char *column_type_name(floe_type type, char buf[FLOE_TYPE_NAME_MAX]) {
    return floe_type_is_nanoseconds(type) ? type.precision > 0 ? "timestamptz_ns" : "timestamp_ns"
                                          : floe_type_name(type, buf);
}

/* [{name, type} …]; columns of no type are left out. */
static void put_columns(floe_json_writer *writer, const char *key, const floe_column *columns, size_t count) {
    floe_json_key(writer, key);
    floe_json_array_begin(writer);
    for (size_t i = 0; i < count; i++) {
        char type[FLOE_TYPE_NAME_MAX];
        bool none = columns[i].type.kind == FLOE_KIND_NONE && !floe_type_is_nanoseconds(columns[i].type);
        if (none || columns[i].name.len == 0) {
            continue;
        }
        floe_json_object_begin(writer);
        put_text(writer, "name", columns[i].name);
        floe_json_key(writer, "type");
        floe_json_text(writer, column_type_name(columns[i].type, type));
        floe_json_object_end(writer);
    }
    floe_json_array_end(writer);
}

static void encode_entity(floe_json_writer *writer, const void *object) {
    const floe_entity *entity = object;
    begin_object(writer, &entity->about);
    put_columns(writer, "keys", entity->keys, entity->key_count);
    floe_json_object_end(writer);
}

static void encode_source(floe_json_writer *writer, const void *object) {
    const floe_source *source = object;
    begin_object(writer, &source->about);
    put_text(writer, "table", source->table);
    put_text(writer, "event_time", source->event_time);
    put_text(writer, "created_time", source->created_time);
    put_text(writer, "end_time", source->end_time);
    put_duration(writer, "max_future", source->max_future_us);
    put_columns(writer, "columns", source->columns, source->column_count);
    floe_json_object_end(writer);
}

/* ---- views ---- */

static void put_one(floe_json_writer *writer, const char *key, floe_str text) {
    if (text.len > 0) {
        floe_json_key(writer, key);
        floe_json_array_begin(writer);
        floe_json_string(writer, text);
        floe_json_array_end(writer);
    }
}

/* functions: ["mean"], or with its parameter [{"percentile": 0.95}]. */
static void put_function(floe_json_writer *writer, const floe_output *output) {
    const char *name = floe_function_name(output->function);
    if (output->function != FLOE_FN_PERCENTILE && output->k == 0) {
        put_one(writer, "functions", floe_str_of(name));
        return;
    }
    floe_json_key(writer, "functions");
    floe_json_array_begin(writer);
    floe_json_object_begin(writer);
    floe_json_key(writer, name);
    if (output->function == FLOE_FN_PERCENTILE) {
        floe_json_string(writer, output->quantile_text); /* As text: a number would lose its shortest form. */
    } else {
        floe_json_int(writer, output->k);
    }
    floe_json_object_end(writer);
    floe_json_array_end(writer);
}

static void put_output(floe_json_writer *writer, const floe_output *output) {
    begin_object(writer, &output->about);
    put_text(writer, "column", output->column);
    if (output->function != FLOE_FN_NONE) {
        put_function(writer, output);
        put_one(writer, "windows", output->window_text);
    }
    floe_json_object_end(writer);
}

/* As-of features or aggregates, whichever is asked for; nothing when there is none. */
static void put_outputs(floe_json_writer *writer, const char *key, const floe_view *view, bool aggregates) {
    size_t count = 0;
    for (size_t i = 0; i < view->output_count; i++) {
        count += (view->outputs[i].function != FLOE_FN_NONE) == aggregates;
    }
    if (count == 0) {
        return;
    }
    floe_json_key(writer, key);
    floe_json_array_begin(writer);
    for (size_t i = 0; i < view->output_count; i++) {
        if ((view->outputs[i].function != FLOE_FN_NONE) == aggregates) {
            put_output(writer, &view->outputs[i]);
        }
    }
    floe_json_array_end(writer);
}

static void encode_view(floe_json_writer *writer, const void *object) {
    const floe_view *view = object;
    begin_object(writer, &view->about);
    put_text(writer, "entity", view->entity->about.name);
    put_text(writer, "source", view->source->about.name);
    floe_json_key(writer, "keys");
    floe_json_object_begin(writer);
    for (size_t i = 0; i < view->entity->key_count; i++) {
        floe_json_key_str(writer, view->entity->keys[i].name);
        floe_json_string(writer, view->key_columns[i]);
    }
    floe_json_object_end(writer);
    put_text(writer, "where", view->where_text);
    put_duration(writer, "ttl", view->ttl_us);
    put_text(writer, "at", view->at_before ? FLOE_STR("before") : FLOE_STR("at_or_before"));
    floe_json_key(writer, "online");
    floe_json_bool(writer, view->online);
    put_outputs(writer, "features", view, false);
    put_outputs(writer, "aggregates", view, true);
    floe_json_object_end(writer);
}

/* ---- request features ---- */

static void put_input(floe_json_writer *writer, const floe_request_input *input) {
    char text[FLOE_TYPE_NAME_MAX];
    floe_json_object_begin(writer);
    put_text(writer, "name", input->name);
    if (input->feature_text.len > 0) {
        put_text(writer, "feature", input->feature_text);
    } else {
        put_text(writer, "type", floe_str_of(floe_type_name(input->type, text)));
    }
    floe_json_object_end(writer);
}

static void encode_request(floe_json_writer *writer, const void *object) {
    const floe_request_feature *request = object;
    char text[FLOE_TYPE_NAME_MAX];
    begin_object(writer, &request->about);
    floe_json_key(writer, "inputs");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < request->input_count; i++) {
        put_input(writer, &request->inputs[i]);
    }
    floe_json_array_end(writer);
    put_text(writer, "expression", request->expression_text);
    put_text(writer, "type", floe_str_of(floe_type_name(request->output.type, text)));
    floe_json_object_end(writer);
}

/* ---- services and streams ---- */

static void encode_service(floe_json_writer *writer, const void *object) {
    const floe_service *service = object;
    begin_object(writer, &service->about);
    floe_json_key(writer, "features");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < service->ref_count; i++) {
        char text[FLOE_REF_NAME_MAX];
        floe_json_text(writer, floe_ref_name(&service->refs[i], ":", text));
    }
    floe_json_array_end(writer);
    floe_json_object_end(writer);
}

static void encode_stream(floe_json_writer *writer, const void *object) {
    const floe_stream_def *stream = object;
    begin_object(writer, &stream->about);
    put_text(writer, "source", stream->source->about.name);
    floe_json_key(writer, "kafka");
    floe_json_object_begin(writer);
    put_text(writer, "brokers", stream->brokers);
    put_text(writer, "topic", stream->topic);
    put_text(writer, "group", stream->group);
    put_text(writer, "format", stream->format);
    floe_json_object_end(writer);
    put_duration(writer, "allowed_lateness", stream->allowed_lateness_us);
    put_text(writer, "dead_letter", stream->dead_letter);
    floe_json_object_end(writer);
}

/* ---- all of them ---- */

typedef struct encoder_state {
    floe_arena *arena;
    floe_buf *scratch;
    floe_object *objects;
    size_t count;
} encoder_state;

static void encode_all(encoder_state *state, floe_object_kind kind, const void *items, size_t count,
                       size_t element_len) {
    static void (*const encoders[FLOE_OBJECT_KINDS])(floe_json_writer *, const void *) = {
        [FLOE_OBJECT_ENTITY] = encode_entity,   [FLOE_OBJECT_SOURCE] = encode_source,
        [FLOE_OBJECT_VIEW] = encode_view,       [FLOE_OBJECT_REQUEST] = encode_request,
        [FLOE_OBJECT_SERVICE] = encode_service, [FLOE_OBJECT_STREAM] = encode_stream,
    };
    const char *item = items;
    for (size_t i = 0; i < count && !state->scratch->failed; i++, item += element_len) {
        floe_object *object = &state->objects[state->count++];
        floe_buf_clear(state->scratch);
        floe_json_writer writer = floe_json_writer_of(state->scratch);
        encoders[kind](&writer, item);
        *object = (floe_object){.kind = kind, .name = ((const floe_about *)(const void *)item)->name};
        object->body = floe_arena_str(state->arena, floe_buf_view(state->scratch));
        if (kind == FLOE_OBJECT_VIEW) {
            object->fingerprint = ((const floe_view *)(const void *)item)->fingerprint;
        }
    }
}

floe_status floe_encode_definitions(const floe_definitions *definitions, floe_arena *arena,
                                    floe_object_list *ret_objects, floe_error *err) {
    const floe_definitions *d = definitions;
    size_t count =
        d->entity_count + d->source_count + d->view_count + d->request_count + d->service_count + d->stream_count;
    FLOE_AUTO_BUF scratch;
    floe_buf_init(&scratch, FLOE_LIMIT_PROJECT_ARENA);
    encoder_state state = {arena, &scratch, floe_arena_alloc(arena, count, sizeof(floe_object)), 0};
    FLOE_TRY(floe_arena_check(arena, err));
    encode_all(&state, FLOE_OBJECT_ENTITY, d->entities, d->entity_count, sizeof *d->entities);
    encode_all(&state, FLOE_OBJECT_SOURCE, d->sources, d->source_count, sizeof *d->sources);
    encode_all(&state, FLOE_OBJECT_VIEW, d->views, d->view_count, sizeof *d->views);
    encode_all(&state, FLOE_OBJECT_REQUEST, d->requests, d->request_count, sizeof *d->requests);
    encode_all(&state, FLOE_OBJECT_SERVICE, d->services, d->service_count, sizeof *d->services);
    encode_all(&state, FLOE_OBJECT_STREAM, d->streams, d->stream_count, sizeof *d->streams);
    FLOE_TRY(floe_buf_check(&scratch, err));
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_objects = (floe_object_list){state.objects, state.count};
    return FLOE_OK;
}

floe_status floe_decode_objects(const floe_object_list *objects, floe_arena *arena, floe_definitions **ret_definitions,
                                floe_error *err) {
    floe_loading loading;
    floe_loading_init(&loading, arena, NULL, true);
    loading.decoder.file = "registry";
    for (size_t i = 0; i < objects->count; i++) {
        const floe_node *node = NULL;
        FLOE_TRY(floe_json_parse(arena, objects->items[i].body, &node, err));
        floe_loading_add(&loading, objects->items[i].kind, node);
    }
    FLOE_TRY(floe_loading_finish(&loading, ret_definitions, err));
    return floe_resolve(*ret_definitions, NULL, arena, err);
}
