/*
 * The fingerprint of a view: a hash over what makes its stored values comparable. A view whose fingerprint changed is
 * written anew online.
 *
 * Until it is, its stored values are judged by their meanings: the view's, over the rows that its values are made of
 * (table, times, keys, where, boundary), and each output's, over what is made of them (column, function, window, types). A
 * stored value is still the right answer while both are the same.
 */
#include "core/buf.h"
#include "core/hash.h"
#include "core/limits.h"
#include "registry/encode_int.h"

static void hash_text(floe_buf *buf, floe_str text) {
    floe_buf_varint(buf, text.len);
    floe_buf_str(buf, text);
}

static void hash_type(floe_buf *buf, floe_type type) {
    floe_buf_byte(buf, (uint8_t)type.kind);
    floe_buf_byte(buf, (uint8_t)type.element);
    floe_buf_byte(buf, type.precision);
    floe_buf_byte(buf, type.scale);
}

/* The type of a column of the source; NONE when there is none of that name. */
static floe_type column_type(const floe_source *source, floe_str name) {
    for (size_t i = 0; i < source->column_count; i++) {
        if (floe_str_equal(source->columns[i].name, name)) {
            return source->columns[i].type;
        }
    }
    return (floe_type){0};
}

static void hash_rows(floe_buf *buf, const floe_view *view) {
    const floe_source *source = view->source;
    const floe_str times[] = {source->event_time, source->created_time, source->end_time};
    hash_text(buf, source->table);
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        hash_text(buf, times[i]);
        hash_type(buf, column_type(source, times[i]));
    }
    hash_text(buf, view->entity->about.name);
    floe_buf_varint(buf, view->entity->key_count);
    for (size_t i = 0; i < view->entity->key_count; i++) {
        hash_text(buf, view->entity->keys[i].name);
        hash_type(buf, view->entity->keys[i].type);
        hash_text(buf, view->key_columns[i]);
    }
    hash_text(buf, view->where_text);
    floe_buf_byte(buf, view->at_before);
}

static void hash_output(floe_buf *buf, const floe_output *output) {
    hash_text(buf, output->column);
    floe_buf_varint(buf, output->function);
    floe_buf_varint(buf, (uint64_t)output->window_us);
    hash_type(buf, output->column_type);
    hash_type(buf, output->type);
    if (output->k > 0 || output->function == FLOE_FN_PERCENTILE) {
        floe_buf_varint(buf, output->k);
        hash_text(buf, output->quantile_text);
    }
}

/* The hash of what was written from `start` on; never 0, which stands for a meaning that is not known. */
static uint64_t meaning_from(const floe_buf *buf, size_t start) {
    uint64_t meaning = floe_xxh64(buf->ptr + start, buf->len - start, 0);
    return meaning == 0 ? 1 : meaning;
}

floe_status floe_view_fingerprint(floe_view *view, floe_error *err) {
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, FLOE_LIMIT_PROJECT_ARENA);
    hash_rows(&buf, view);
    FLOE_TRY(floe_buf_check(&buf, err));
    view->meaning = meaning_from(&buf, 0);
    for (size_t i = 0; i < view->output_count; i++) {
        floe_output *output = (floe_output *)(uintptr_t)&view->outputs[i];
        hash_text(&buf, output->about.name);
        size_t start = buf.len;
        hash_output(&buf, output);
        FLOE_TRY(floe_buf_check(&buf, err));
        output->meaning = meaning_from(&buf, start);
    }
    view->fingerprint = floe_xxh64(buf.ptr, buf.len, 0);
    return FLOE_OK;
}
