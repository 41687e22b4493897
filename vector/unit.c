/*
 * Units to bytes and back: varint counts and lengths, then the bytes of each text; no field is optional.
 *
 * Invariant: decoding never asks for more memory than a small multiple of the body's length, because a count may not be
 * larger than the bytes that are left.
 */
#include "vector/unit_int.h"

#include "core/hash.h"

/* What a sketch begins with; 0: there is none. */
enum { SKETCH_THERE = 1, SKETCH_WHOLE = 2, SKETCH_INTEGER = 4, SKETCH_COUNTER = 8, SKETCH_ALL = 15 };

static void put_text(floe_buf *out, floe_str text) {
    floe_buf_varint(out, text.len);
    floe_buf_str(out, text);
}

static void put_texts(floe_buf *out, floe_texts texts) {
    floe_buf_varint(out, texts.count);
    for (size_t i = 0; i < texts.count; i++) {
        put_text(out, texts.items[i]);
    }
}

static void put_sketch(floe_buf *out, const floe_sketch *sketch) {
    if (!sketch) {
        floe_buf_varint(out, 0);
        return;
    }
    int flags = SKETCH_THERE | (sketch->whole ? SKETCH_WHOLE : 0) | (sketch->is_integer ? SKETCH_INTEGER : 0) |
                (sketch->is_counter ? SKETCH_COUNTER : 0);
    floe_buf_varint(out, (uint64_t)flags);
    floe_buf_zigzag(out, sketch->rows);
    floe_buf_zigzag(out, sketch->values);
    floe_buf_zigzag(out, sketch->distinct);
    /* Where indexes once kept the least and the most value. */
    floe_buf_zigzag(out, 0);
    floe_buf_zigzag(out, 0);
    floe_buf_varint(out, sketch->hash_count);
    for (size_t i = 0; i < sketch->hash_count; i++) {
        floe_buf_u32(out, sketch->hashes[i]);
    }
}

static void put_part(floe_buf *out, const floe_part *part) {
    put_text(out, part->name);
    put_text(out, part->type);
    put_text(out, part->description);
    put_texts(out, part->words);
    put_texts(out, part->prose);
    floe_buf_varint(out, (uint64_t)part->personal);
    put_sketch(out, part->sketch);
}

void floe_unit_encode(const floe_unit *unit, floe_buf *out) {
    put_text(out, unit->description);
    put_texts(out, unit->related);
    put_texts(out, unit->prose);
    floe_buf_varint(out, unit->related_open);
    floe_buf_varint(out, unit->prose_open);
    put_texts(out, unit->spaces);
    put_texts(out, unit->views);
    put_texts(out, unit->primary_key);
    floe_buf_varint(out, unit->foreign_key_count);
    for (size_t i = 0; i < unit->foreign_key_count; i++) {
        const floe_foreign_key *key = &unit->foreign_keys[i];
        put_text(out, key->table);
        put_texts(out, (floe_texts){key->columns, key->column_count});
        put_texts(out, (floe_texts){key->references, key->reference_count});
    }
    floe_buf_varint(out, unit->part_count);
    for (size_t i = 0; i < unit->part_count; i++) {
        put_part(out, &unit->parts[i]);
    }
}

typedef struct decoder {
    floe_reader reader;
    floe_arena *arena;
    floe_error *err;
} decoder;

static floe_status take_count(decoder *in, size_t *ret_count, const char *what) {
    uint64_t count = 0;
    FLOE_TRY(floe_read_varint(&in->reader, &count, what, in->err));
    FLOE_ENSURE(count <= floe_reader_left(&in->reader), in->err, FLOE_CORRUPT,
                "%s: a count of %llu with %zu bytes left", what, (unsigned long long)count,
                floe_reader_left(&in->reader));
    *ret_count = (size_t)count;
    return FLOE_OK;
}

static floe_status take_text(decoder *in, floe_str *ret_text, const char *what) {
    size_t len = 0;
    const uint8_t *bytes = NULL;
    FLOE_TRY(take_count(in, &len, what));
    FLOE_TRY(floe_read_bytes(&in->reader, len, &bytes, what, in->err));
    *ret_text = (floe_str){(const char *)bytes, len};
    return FLOE_OK;
}

/* A list of `count` elements, or the arena's failure. */
static floe_status take_list(decoder *in, size_t *ret_count, size_t element_len, void *ret_list, const char *what) {
    FLOE_TRY(take_count(in, ret_count, what));
    void *list = *ret_count > 0 ? floe_arena_alloc(in->arena, *ret_count, element_len) : NULL;
    memcpy(ret_list, &list, sizeof(list));
    return floe_arena_check(in->arena, in->err);
}

static floe_status take_texts(decoder *in, const floe_str **ret_items, size_t *ret_count, const char *what) {
    floe_str *items = NULL;
    FLOE_TRY(take_list(in, ret_count, sizeof(*items), &items, what));
    for (size_t i = 0; i < *ret_count; i++) {
        FLOE_TRY(take_text(in, &items[i], what));
    }
    *ret_items = items;
    return FLOE_OK;
}

static floe_status take_foreign_keys(decoder *in, floe_unit *unit) {
    floe_foreign_key *keys = NULL;
    FLOE_TRY(take_list(in, &unit->foreign_key_count, sizeof(*keys), &keys, "foreign keys"));
    for (size_t i = 0; i < unit->foreign_key_count; i++) {
        FLOE_TRY(take_text(in, &keys[i].table, "a foreign key's table"));
        FLOE_TRY(take_texts(in, &keys[i].columns, &keys[i].column_count, "a foreign key's columns"));
        FLOE_TRY(take_texts(in, &keys[i].references, &keys[i].reference_count, "a foreign key's references"));
    }
    unit->foreign_keys = keys;
    return FLOE_OK;
}

static floe_status take_personal(decoder *in, floe_personal *ret_personal) {
    uint64_t kind = 0;
    FLOE_TRY(floe_read_varint(&in->reader, &kind, "a verdict on personal data", in->err));
    FLOE_ENSURE(kind < FLOE_PERSONAL_COUNT, in->err, FLOE_CORRUPT, "a verdict on personal data is %llu",
                (unsigned long long)kind);
    *ret_personal = (floe_personal)kind;
    return FLOE_OK;
}

/* An index that still holds the least and the most value is read as what they say; they are not kept. */
static floe_status take_sketch_counts(decoder *in, floe_sketch *sketch) {
    int64_t least = 0;
    int64_t most = 0;
    int64_t *const numbers[] = {&sketch->rows, &sketch->values, &sketch->distinct, &least, &most};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        FLOE_TRY(floe_read_zigzag(&in->reader, numbers[i], "a sketch's numbers", in->err));
    }
    FLOE_ENSURE(sketch->distinct >= 0 && sketch->values >= sketch->distinct && sketch->rows >= sketch->values, in->err,
                FLOE_CORRUPT, "a sketch has %lld rows, %lld values and %lld distinct ones", (long long)sketch->rows,
                (long long)sketch->values, (long long)sketch->distinct);
    bool is_old = sketch->is_integer && (least != 0 || most != 0);
    sketch->is_counter = sketch->is_counter || (is_old && floe_sketch_counts(least, most, sketch->distinct));
    return FLOE_OK;
}

/* Hashes ascend, each once. */
static floe_status take_hashes(decoder *in, floe_sketch *sketch) {
    uint32_t *hashes = NULL;
    FLOE_TRY(take_list(in, &sketch->hash_count, sizeof(*hashes), &hashes, "a sketch's hashes"));
    for (size_t i = 0; i < sketch->hash_count; i++) {
        FLOE_TRY(floe_read_u32(&in->reader, &hashes[i], "a sketch's hash", in->err));
        FLOE_ENSURE(i == 0 || hashes[i] > hashes[i - 1], in->err, FLOE_CORRUPT, "a sketch's hashes do not ascend");
    }
    sketch->hashes = hashes;
    return FLOE_OK;
}

static floe_status take_sketch(decoder *in, const floe_sketch **ret_sketch) {
    uint64_t flags = 0;
    FLOE_TRY(floe_read_varint(&in->reader, &flags, "a sketch", in->err));
    FLOE_ENSURE(flags == 0 || (flags <= SKETCH_ALL && (flags & SKETCH_THERE) != 0), in->err, FLOE_CORRUPT,
                "a sketch begins with %llu", (unsigned long long)flags);
    *ret_sketch = NULL;
    if (flags == 0) {
        return FLOE_OK;
    }
    floe_sketch *sketch = floe_arena_alloc(in->arena, 1, sizeof(*sketch));
    FLOE_TRY(floe_arena_check(in->arena, in->err));
    sketch->whole = (flags & SKETCH_WHOLE) != 0;
    sketch->is_integer = (flags & SKETCH_INTEGER) != 0;
    sketch->is_counter = (flags & SKETCH_COUNTER) != 0;
    FLOE_TRY(take_sketch_counts(in, sketch));
    FLOE_TRY(take_hashes(in, sketch));
    *ret_sketch = sketch;
    return FLOE_OK;
}

static floe_status take_parts(decoder *in, floe_unit *unit) {
    floe_part *parts = NULL;
    FLOE_TRY(take_list(in, &unit->part_count, sizeof(*parts), &parts, "parts"));
    for (size_t i = 0; i < unit->part_count; i++) {
        floe_part *part = &parts[i];
        FLOE_TRY(take_text(in, &part->name, "a part's name"));
        FLOE_TRY(take_text(in, &part->type, "a part's type"));
        FLOE_TRY(take_text(in, &part->description, "a part's description"));
        FLOE_TRY(take_texts(in, &part->words.items, &part->words.count, "a part's words"));
        FLOE_TRY(take_texts(in, &part->prose.items, &part->prose.count, "a part's prose"));
        FLOE_TRY(take_personal(in, &part->personal));
        FLOE_TRY(take_sketch(in, &part->sketch));
    }
    unit->parts = parts;
    return FLOE_OK;
}

/* How many texts of a list are open. */
static floe_status take_open(decoder *in, floe_texts list, size_t *ret_open, const char *what) {
    uint64_t open = 0;
    FLOE_TRY(floe_read_varint(&in->reader, &open, what, in->err));
    FLOE_ENSURE(open <= list.count, in->err, FLOE_CORRUPT, "%s: %llu of %zu are open", what, (unsigned long long)open,
                list.count);
    *ret_open = (size_t)open;
    return FLOE_OK;
}

floe_status floe_unit_decode(floe_str body, floe_arena *arena, floe_unit *unit, floe_error *err) {
    decoder in = {.reader = floe_reader_of(body.ptr, body.len), .arena = arena, .err = err};
    FLOE_TRY(take_text(&in, &unit->description, "a description"));
    FLOE_TRY(take_texts(&in, &unit->related.items, &unit->related.count, "related names"));
    FLOE_TRY(take_texts(&in, &unit->prose.items, &unit->prose.count, "prose"));
    FLOE_TRY(take_open(&in, unit->related, &unit->related_open, "related names"));
    FLOE_TRY(take_open(&in, unit->prose, &unit->prose_open, "prose"));
    FLOE_TRY(take_texts(&in, &unit->spaces.items, &unit->spaces.count, "namespaces"));
    FLOE_TRY(take_texts(&in, &unit->views.items, &unit->views.count, "views"));
    FLOE_TRY(take_texts(&in, &unit->primary_key.items, &unit->primary_key.count, "a primary key"));
    FLOE_TRY(take_foreign_keys(&in, unit));
    FLOE_TRY(take_parts(&in, unit));
    FLOE_ENSURE(floe_reader_left(&in.reader) == 0, err, FLOE_CORRUPT, "%zu bytes follow the last part",
                floe_reader_left(&in.reader));
    return FLOE_OK;
}

uint64_t floe_unit_hash(const floe_unit *unit, floe_str body) {
    uint64_t hash = ((uint64_t)unit->kind << 8) | (uint64_t)unit->origin;
    hash = floe_xxh64(unit->space.ptr, unit->space.len, hash);
    hash = floe_xxh64(unit->name.ptr, unit->name.len, hash);
    return floe_xxh64(body.ptr, body.len, hash);
}

/* The last of `related` is "namespace.table"; the names of entities, keys and sources before it hold no dot. */
bool floe_unit_view_table(const floe_unit *unit, floe_str *ret_table) {
    floe_str full =
        unit->related.count > unit->related_open ? unit->related.items[unit->related.count - 1] : FLOE_STR("");
    if (unit->kind != FLOE_UNIT_VIEW || full.len <= unit->space.len + 1 || !floe_str_starts_with(full, unit->space) ||
        full.ptr[unit->space.len] != '.') {
        return false;
    }
    *ret_table = (floe_str){full.ptr + unit->space.len + 1, full.len - unit->space.len - 1};
    return true;
}
