/*
 * Generations. The state of a view is read whole, edited in memory and put back by compare-and-swap, so that a sync, a
 * second sync and a writer that begins the first generation cannot undo each other.
 */
#include "online/generation_int.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"

#include <errno.h>
#include <sys/random.h>

#define STATE_ARENA_BYTES FLOE_MIB(32)
#define SWAP_TRIES 1000

/* ---- definitions ---- */

floe_status floe_generation_definition(const floe_view *view, floe_arena *arena, floe_stored_definition *ret_definition,
                                       floe_error *err) {
    floe_stored_output *outputs = floe_arena_alloc(arena, view->output_count, sizeof(*outputs));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < view->output_count; i++) {
        const floe_output *output = &view->outputs[i];
        outputs[i] = (floe_stored_output){.name = output->about.name,
                                          .aggregate = output->function != FLOE_FN_NONE,
                                          .type = output->type,
                                          .meaning = output->meaning};
    }
    *ret_definition = (floe_stored_definition){.entity = view->entity->about.name,
                                               .at_before = view->at_before,
                                               .keys = view->entity->keys,
                                               .key_count = view->entity->key_count,
                                               .outputs = outputs,
                                               .output_count = view->output_count,
                                               .meaning = view->meaning};
    return FLOE_OK;
}

floe_status floe_generation_shape(const floe_stored_definition *definition, uint64_t fingerprint, uint64_t *ret_shape,
                                  floe_error *err) {
    FLOE_AUTO_BUF bytes;
    floe_buf_init(&bytes, FLOE_STATE_BYTES_MAX);
    floe_stored_definition_encode(definition, &bytes);
    FLOE_TRY(floe_buf_check(&bytes, err));
    uint64_t shape = floe_xxh64(bytes.ptr, bytes.len, fingerprint);
    *ret_shape = shape == 0 ? 1 : shape;
    return FLOE_OK;
}

floe_status floe_generation_layout(const floe_stored_definition *definition, bool aggregates, floe_arena *arena,
                                   const floe_row_layout **ret_layout, floe_error *err) {
    floe_type *types = floe_arena_alloc(arena, definition->output_count, sizeof(*types));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (size_t i = 0; i < definition->output_count; i++) {
        if (definition->outputs[i].aggregate == aggregates) {
            types[count++] = definition->outputs[i].type;
        }
    }
    return floe_row_layout_make(types, count, arena, ret_layout, err);
}

/* ---- decoded states ---- */

static floe_status derive(floe_generation *generation, floe_error *err) {
    const floe_stored_state *state = &generation->state;
    if (state->live.id != 0) {
        FLOE_TRY(floe_generation_shape(&state->live.definition, state->live.fingerprint, &generation->live_shape, err));
        FLOE_TRY(floe_generation_layout(&state->live.definition, false, &generation->arena, &generation->as_of, err));
        FLOE_TRY(
            floe_generation_layout(&state->live.definition, true, &generation->arena, &generation->aggregates, err));
    }
    if (state->filling.id != 0) {
        FLOE_TRY(floe_generation_shape(&state->filling.definition, state->filling.fingerprint,
                                       &generation->filling_shape, err));
    }
    return FLOE_OK;
}

floe_status floe_generation_open(floe_str bytes, floe_generation **ret_generation, floe_error *err) {
    floe_generation *generation = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*generation), &generation, err));
    generation->references = 1;
    floe_arena_init(&generation->arena, STATE_ARENA_BYTES);
    generation->bytes = floe_arena_str(&generation->arena, bytes);
    floe_status status = floe_arena_check(&generation->arena, err);
    if (!floe_failed(status)) {
        status = floe_stored_state_decode(generation->bytes, &generation->arena, &generation->state, err);
    }
    if (!floe_failed(status)) {
        status = derive(generation, err);
    }
    if (floe_failed(status)) {
        floe_generation_release(&generation);
        return status;
    }
    *ret_generation = generation;
    return FLOE_OK;
}

floe_generation *floe_generation_hold(floe_generation *generation) {
    generation->references++;
    return generation;
}

void floe_generation_release(floe_generation **generation_pointer) {
    floe_generation *generation = *generation_pointer;
    *generation_pointer = NULL;
    if (generation == NULL || --generation->references > 0) {
        return;
    }
    floe_arena_close(&generation->arena);
    floe_free(generation);
}

bool floe_generation_same_rows(const floe_generation *generation, const floe_view *view) {
    uint64_t stored = generation->state.live.definition.meaning;
    return stored != 0 && stored == view->meaning;
}

bool floe_generation_find(const floe_generation *generation, const floe_output *output, size_t *ret_column) {
    const floe_stored_definition *definition = &generation->state.live.definition;
    bool aggregate = output->function != FLOE_FN_NONE;
    size_t column = 0;
    for (size_t i = 0; i < definition->output_count; i++) {
        const floe_stored_output *stored = &definition->outputs[i];
        if (stored->aggregate != aggregate) {
            continue;
        }
        if (floe_str_equal(stored->name, output->about.name)) {
            *ret_column = column;
            return floe_type_equal(stored->type, output->type) && stored->meaning == output->meaning;
        }
        column++;
    }
    return false;
}

floe_status floe_generation_new_id(uint64_t *ret_id, floe_error *err) {
    uint64_t id = 0;
    while (id == 0) {
        ssize_t got = getrandom(&id, sizeof(id), 0);
        if (got != (ssize_t)sizeof(id) && errno != EINTR) {
            return FLOE_FAIL_ERRNO(err, FLOE_IO, "the system gives no random number for a new generation");
        }
    }
    *ret_id = id;
    return FLOE_OK;
}

/* ---- states in the store ---- */

floe_status floe_generation_read(floe_backend *backend, floe_str view, floe_generation **ret_generation,
                                 floe_error *err) {
    FLOE_AUTO_BUF bytes;
    floe_buf_init(&bytes, FLOE_STATE_BYTES_MAX);
    FLOE_TRY(backend->vtable->state_get(backend->impl, view, &bytes, err));
    return floe_error_prefix(err, floe_generation_open(floe_buf_view(&bytes), ret_generation, err), "view %.*s",
                             FLOE_STR_BRIEF(view));
}

static floe_status change_once(floe_backend *backend, floe_str view, floe_state_change_fn change, void *context,
                               bool *ret_done, floe_error *err) {
    FLOE_AUTO_BUF before;
    FLOE_AUTO_BUF after;
    FLOE_AUTO_ARENA arena;
    floe_buf_init(&before, FLOE_STATE_BYTES_MAX);
    floe_buf_init(&after, FLOE_STATE_BYTES_MAX);
    floe_arena_init(&arena, STATE_ARENA_BYTES);
    floe_stored_state state = {0};
    FLOE_TRY(backend->vtable->state_get(backend->impl, view, &before, err));
    FLOE_TRY(floe_stored_state_decode(floe_buf_view(&before), &arena, &state, err));
    FLOE_TRY(change(context, &state, &arena, err));
    FLOE_TRY(floe_stored_state_encode(&state, &after, err));
    return backend->vtable->state_swap(backend->impl, view, floe_buf_view(&before), floe_buf_view(&after), ret_done,
                                       err);
}

floe_status floe_generation_change(floe_backend *backend, floe_str view, floe_state_change_fn change, void *context,
                                   floe_error *err) {
    for (int i = 0; i < SWAP_TRIES; i++) {
        bool done = false;
        FLOE_TRY(floe_error_prefix(err, change_once(backend, view, change, context, &done, err), "view %.*s",
                                   FLOE_STR_BRIEF(view)));
        if (done) {
            return FLOE_OK;
        }
    }
    return FLOE_FAIL(err, FLOE_CONFLICT, "view %.*s: others changed its state %d times in a row; try again",
                     FLOE_STR_BRIEF(view), SWAP_TRIES);
}
