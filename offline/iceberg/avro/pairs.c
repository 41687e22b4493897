/*
 * Lists of pairs: how manifests write the maps from field ids to counts and bounds, which are most of an entry.
 *
 * A pair is two numbers, or a number and a text. The cursor stays in a register over a whole block of pairs, and goes back
 * to the decoder where the block ends or is damaged. Memory is asked for where the first key is found that is kept.
 */
#include "offline/iceberg/avro/avro_int.h"

/* Where a value ends that begins at `at`; NULL: it is damaged. */
static inline const uint8_t *skip_value(const uint8_t *at, const uint8_t *end, bool text) {
    floe_avro_long number = floe_avro_long_at(at, end);
    if (number.next == NULL || !text) {
        return number.next;
    }
    bool fits = number.value >= 0 && number.value <= end - number.next;
    return fits ? number.next + number.value : NULL;
}

void floe_avro_skip_pairs(floe_avro_decoder *decoder, const floe_avro_op *op) {
    for (;;) {
        int64_t len = -1;
        uint64_t count = floe_avro_get_count(decoder, op->len, &len);
        if (count == 0) {
            return;
        }
        const uint8_t *at = decoder->at;
        if (len >= 0) {
            at += len;
            count = 0;
        }
        for (uint64_t i = 0; i < count && at != NULL; i++) {
            at = skip_value(at, decoder->end, false);
            at = at == NULL ? NULL : skip_value(at, decoder->end, op->texts);
        }
        if (at == NULL) {
            floe_avro_set_bad(decoder);
            return;
        }
        decoder->at = at;
    }
}

typedef struct pair_list {
    char *items;
    size_t count, capacity;
} pair_list;

/* Room for one more item, of which `more` may follow. A key that comes twice is nobody's promise: as many are kept as are asked for. */
static char *next_item(floe_avro_decoder *decoder, const floe_avro_op *op, uint64_t more, pair_list *list) {
    if (list->count == list->capacity) {
        uint64_t want = list->count + more;
        want = want < decoder->options.keep_count ? want : decoder->options.keep_count;
        if (want <= list->count) {
            return NULL;
        }
        char *items = floe_avro_take(decoder, (size_t)want, op->item_len);
        if (items == NULL) {
            return NULL;
        }
        if (list->count > 0) {
            memcpy(items, list->items, list->count * op->item_len);
        }
        list->items = items;
        list->capacity = (size_t)want;
    }
    return list->items + list->count++ * op->item_len;
}

static void fill_item(const floe_avro_op *op, int32_t key, floe_avro_long value, const uint8_t *next, char *item) {
    memcpy(item, &key, sizeof(key));
    if (op->texts) {
        floe_str text = {(const char *)value.next, (size_t)(next - value.next)};
        memcpy(item + op->value_offset, &text, sizeof(text));
    } else {
        memcpy(item + op->value_offset, &value.value, sizeof(value.value));
    }
}

/* Decodes the pairs of a block; NULL: damage, or no memory. */
static const uint8_t *run_block(floe_avro_decoder *decoder, const floe_avro_op *op, uint64_t count, pair_list *list) {
    const uint8_t *at = decoder->at;
    const uint8_t *end = decoder->end;
    bool one = decoder->options.keep_count == 1;
    int32_t only = decoder->options.keep_ids[0];
    for (uint64_t i = 0; i < count; i++) {
        floe_avro_long key = floe_avro_long_at(at, end);
        if (key.next == NULL || key.value < INT32_MIN || key.value > INT32_MAX) {
            return NULL;
        }
        const uint8_t *next = skip_value(key.next, end, op->texts);
        if (next == NULL) {
            return NULL;
        }
        if (one ? key.value == only : floe_avro_is_kept(&decoder->options, (int32_t)key.value)) {
            char *item = next_item(decoder, op, count - i, list);
            if (item != NULL) {
                fill_item(op, (int32_t)key.value, floe_avro_long_at(key.next, end), next, item);
            }
        }
        at = next;
    }
    return decoder->bad ? NULL : at;
}

void floe_avro_run_pairs(floe_avro_decoder *decoder, const floe_avro_op *op, char *base) {
    pair_list list = {0};
    for (;;) {
        int64_t len = -1;
        uint64_t count = floe_avro_get_count(decoder, op->len, &len);
        if (count == 0) {
            break;
        }
        const uint8_t *at = run_block(decoder, op, count, &list);
        if (at == NULL) {
            floe_avro_set_bad(decoder);
            break;
        }
        decoder->at = at;
    }
    memcpy(base + op->offset, &list.items, sizeof(list.items));
    memcpy(base + op->count_offset, &list.count, sizeof(list.count));
}
