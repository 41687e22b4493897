/*
 * The state of one view in a store. Every count is checked against the bytes that are left before it is believed.
 */
#include "proto/state.h"

#include "core/limits.h"
#include "proto/value_int.h"

void floe_part_encode(floe_part part, uint8_t ret_bytes[FLOE_PART_BYTES]) {
    ret_bytes[0] = (uint8_t)part.kind;
    for (size_t i = 0; i < 8; i++) {
        ret_bytes[1 + i] = (uint8_t)(part.id >> (56 - 8 * i));
    }
}

/* ---- encode ---- */

static void put_text(floe_str text, floe_buf *out) {
    floe_buf_varint(out, text.len);
    floe_buf_str(out, text);
}

void floe_stored_definition_encode(const floe_stored_definition *definition, floe_buf *out) {
    put_text(definition->entity, out);
    floe_buf_byte(out, definition->at_before ? 1 : 0);
    floe_buf_varint(out, definition->key_count);
    for (size_t i = 0; i < definition->key_count; i++) {
        put_text(definition->keys[i].name, out);
        floe_proto_put_type(definition->keys[i].type, out);
    }
    floe_buf_varint(out, definition->output_count);
    for (size_t i = 0; i < definition->output_count; i++) {
        put_text(definition->outputs[i].name, out);
        floe_buf_byte(out, definition->outputs[i].aggregate ? 1 : 0);
        floe_proto_put_type(definition->outputs[i].type, out);
    }
}

static void put_generation(const floe_stored_generation *generation, floe_buf *out) {
    floe_buf_u64(out, generation->id);
    if (generation->id == 0) {
        return;
    }
    floe_buf_u64(out, generation->aggregates_id);
    floe_buf_u64(out, generation->fingerprint);
    floe_buf_u64(out, (uint64_t)generation->as_of_us);
    const floe_stored_definition *definition = &generation->definition;
    floe_stored_definition_encode(definition, out);
    floe_buf_u64(out, definition->meaning);
    for (size_t i = 0; i < definition->output_count; i++) {
        floe_buf_u64(out, definition->outputs[i].meaning);
    }
}

floe_status floe_stored_state_encode(const floe_stored_state *state, floe_buf *out, floe_error *err) {
    FLOE_ENSURE(state->retired_count <= FLOE_STATE_RETIRED_MAX, err, FLOE_LIMIT,
                "%zu old generations wait to be deleted; at most %d may", state->retired_count, FLOE_STATE_RETIRED_MAX);
    floe_buf_byte(out, FLOE_STATE_FORMAT);
    put_generation(&state->live, out);
    put_generation(&state->filling, out);
    floe_buf_varint(out, state->retired_count);
    for (size_t i = 0; i < state->retired_count; i++) {
        floe_buf_byte(out, (uint8_t)state->retired[i].part.kind);
        floe_buf_u64(out, state->retired[i].part.id);
        put_text(state->retired[i].entity, out);
        floe_buf_u64(out, (uint64_t)state->retired[i].retired_us);
    }
    return floe_buf_check(out, err);
}

/* ---- decode ---- */

static floe_status get_text(floe_reader *reader, floe_str *ret_text, const char *what, floe_error *err) {
    uint64_t len = 0;
    const uint8_t *bytes = NULL;
    FLOE_TRY(floe_read_varint(reader, &len, what, err));
    FLOE_TRY(floe_read_bytes(reader, len, &bytes, what, err));
    *ret_text = (floe_str){(const char *)bytes, len};
    return FLOE_OK;
}

static floe_status get_bool(floe_reader *reader, bool *ret_value, const char *what, floe_error *err) {
    uint8_t byte = 0;
    FLOE_TRY(floe_read_u8(reader, &byte, what, err));
    FLOE_ENSURE(byte <= 1, err, FLOE_CORRUPT, "%s is %u, neither 0 nor 1", what, byte);
    *ret_value = byte == 1;
    return FLOE_OK;
}

static floe_status get_count(floe_reader *reader, size_t most, size_t *ret_count, const char *what, floe_error *err) {
    uint64_t count = 0;
    FLOE_TRY(floe_read_varint(reader, &count, what, err));
    FLOE_ENSURE(count <= most && count <= floe_reader_left(reader), err, FLOE_CORRUPT, "%s is %llu", what,
                (unsigned long long)count);
    *ret_count = count;
    return FLOE_OK;
}

static floe_status get_keys(floe_reader *reader, floe_arena *arena, floe_stored_definition *definition,
                            floe_error *err) {
    FLOE_TRY(
        get_count(reader, FLOE_LIMIT_ENTITY_KEYS, &definition->key_count, "a stored definition's number of keys", err));
    floe_column *keys = floe_arena_alloc(arena, definition->key_count, sizeof(*keys));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < definition->key_count; i++) {
        FLOE_TRY(get_text(reader, &keys[i].name, "a stored definition's key", err));
        FLOE_TRY(floe_proto_get_type(reader, &keys[i].type, "a stored definition's key", err));
    }
    definition->keys = keys;
    return FLOE_OK;
}

static floe_status get_outputs(floe_reader *reader, floe_arena *arena, floe_stored_definition *definition,
                               floe_stored_output **ret_outputs, floe_error *err) {
    FLOE_TRY(get_count(reader, FLOE_LIMIT_VIEW_FEATURES, &definition->output_count,
                       "a stored definition's number of outputs", err));
    floe_stored_output *outputs = floe_arena_alloc(arena, definition->output_count, sizeof(*outputs));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < definition->output_count; i++) {
        FLOE_TRY(get_text(reader, &outputs[i].name, "a stored definition's output", err));
        FLOE_TRY(get_bool(reader, &outputs[i].aggregate, "a stored definition's output", err));
        FLOE_TRY(floe_proto_get_type(reader, &outputs[i].type, "a stored definition's output", err));
    }
    definition->outputs = outputs;
    *ret_outputs = outputs;
    return FLOE_OK;
}

static floe_status get_meanings(floe_reader *reader, floe_stored_definition *definition, floe_stored_output *outputs,
                                floe_error *err) {
    FLOE_TRY(floe_read_u64(reader, &definition->meaning, "a stored definition's meaning", err));
    for (size_t i = 0; i < definition->output_count; i++) {
        FLOE_TRY(floe_read_u64(reader, &outputs[i].meaning, "the meaning of a stored definition's output", err));
    }
    return FLOE_OK;
}

static floe_status get_generation(floe_reader *reader, uint8_t format, floe_arena *arena,
                                  floe_stored_generation *generation, floe_error *err) {
    floe_stored_output *outputs = NULL;
    uint64_t as_of_us = 0;
    FLOE_TRY(floe_read_u64(reader, &generation->id, "a generation's id", err));
    if (generation->id == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_read_u64(reader, &generation->aggregates_id, "a generation's aggregates", err));
    FLOE_TRY(floe_read_u64(reader, &generation->fingerprint, "a generation's fingerprint", err));
    FLOE_TRY(floe_read_u64(reader, &as_of_us, "a generation's time", err));
    generation->as_of_us = (int64_t)as_of_us;
    FLOE_TRY(get_text(reader, &generation->definition.entity, "a generation's entity", err));
    FLOE_TRY(get_bool(reader, &generation->definition.at_before, "a generation's boundary", err));
    FLOE_TRY(get_keys(reader, arena, &generation->definition, err));
    FLOE_TRY(get_outputs(reader, arena, &generation->definition, &outputs, err));
    return format == 1 ? FLOE_OK : get_meanings(reader, &generation->definition, outputs, err);
}

static floe_status get_retired(floe_reader *reader, floe_retired_part *retired, floe_error *err) {
    uint8_t kind = 0;
    uint64_t retired_us = 0;
    FLOE_TRY(floe_read_u8(reader, &kind, "a retired part's kind", err));
    FLOE_ENSURE(kind == FLOE_PART_AS_OF || kind == FLOE_PART_AGGREGATES, err, FLOE_CORRUPT, "a retired part of kind %u",
                kind);
    retired->part.kind = kind == FLOE_PART_AS_OF ? FLOE_PART_AS_OF : FLOE_PART_AGGREGATES;
    FLOE_TRY(floe_read_u64(reader, &retired->part.id, "a retired part's id", err));
    FLOE_TRY(get_text(reader, &retired->entity, "a retired part's entity", err));
    FLOE_TRY(floe_read_u64(reader, &retired_us, "a retired part's time", err));
    retired->retired_us = (int64_t)retired_us;
    return FLOE_OK;
}

static floe_status get_retired_list(floe_reader *reader, floe_arena *arena, floe_stored_state *state, floe_error *err) {
    FLOE_TRY(get_count(reader, FLOE_STATE_RETIRED_MAX, &state->retired_count, "the number of retired parts", err));
    floe_retired_part *retired = floe_arena_alloc(arena, state->retired_count, sizeof(*retired));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < state->retired_count; i++) {
        FLOE_TRY(get_retired(reader, &retired[i], err));
    }
    state->retired = retired;
    return FLOE_OK;
}

floe_status floe_stored_state_decode(floe_str bytes, floe_arena *arena, floe_stored_state *ret_state, floe_error *err) {
    floe_stored_state state = {0};
    if (bytes.len > 0) {
        floe_reader reader = floe_reader_of(bytes.ptr, bytes.len);
        uint8_t format = 0;
        FLOE_TRY(floe_read_u8(&reader, &format, "a view's state", err));
        FLOE_ENSURE(format >= 1 && format <= FLOE_STATE_FORMAT, err, FLOE_UNSUPPORTED,
                    "a view's state in the store is of format %u; this version reads formats 1 to %d", format,
                    FLOE_STATE_FORMAT);
        FLOE_TRY(get_generation(&reader, format, arena, &state.live, err));
        FLOE_TRY(get_generation(&reader, format, arena, &state.filling, err));
        FLOE_TRY(get_retired_list(&reader, arena, &state, err));
        FLOE_ENSURE(floe_reader_left(&reader) == 0, err, FLOE_CORRUPT, "%zu bytes follow a view's state",
                    floe_reader_left(&reader));
    }
    *ret_state = state;
    return FLOE_OK;
}
