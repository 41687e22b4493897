/*
 * The container around Avro records: magic, header map, sync marker, blocks, codecs.
 */
#include "offline/iceberg/avro/avro.h"

#include "core/json.h"
#include "core/limits.h"
#include "core/zstd.h"
#include "offline/iceberg/codec.h"
#include "offline/iceberg/corrupt.h"

#include <inttypes.h>

static const uint8_t MAGIC[4] = {'O', 'b', 'j', 1};

static floe_status read_text(floe_reader *reader, floe_str *ret_text, floe_error *err) {
    int64_t len = 0;
    FLOE_TRY(floe_read_zigzag(reader, &len, "the header", err));
    FLOE_ENSURE(len >= 0 && (uint64_t)len <= floe_reader_left(reader), err, FLOE_CORRUPT,
                "the header holds a text of %" PRId64 " bytes, past its end", len);
    const uint8_t *bytes = NULL;
    FLOE_TRY(floe_read_bytes(reader, (size_t)len, &bytes, "the header", err));
    *ret_text = (floe_str){(const char *)bytes, (size_t)len};
    return FLOE_OK;
}

/* The count of the next map block; negative counts are followed by the block's length. */
static floe_status read_block_count(floe_reader *reader, uint64_t *ret_count, floe_error *err) {
    int64_t count = 0;
    int64_t len = 0;
    FLOE_TRY(floe_read_zigzag(reader, &count, "the header", err));
    if (count < 0) {
        FLOE_TRY(floe_read_zigzag(reader, &len, "the header", err));
    }
    uint64_t positive = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
    FLOE_ENSURE(positive <= floe_reader_left(reader), err, FLOE_CORRUPT, "the header claims %" PRIu64 " entries",
                positive);
    *ret_count = positive;
    return FLOE_OK;
}

static floe_status read_header_map(floe_avro_file *file, floe_error *err) {
    floe_avro_entry *entries = NULL;
    size_t count = 0;
    size_t capacity = 0;
    for (;;) {
        uint64_t in_block = 0;
        FLOE_TRY(read_block_count(&file->rest, &in_block, err));
        if (in_block == 0) {
            break;
        }
        for (uint64_t i = 0; i < in_block; i++) {
            floe_avro_entry *entry = FLOE_ARENA_PUSH(file->arena, entries, count, capacity);
            if (entry == NULL) {
                return floe_arena_check(file->arena, err);
            }
            FLOE_TRY(read_text(&file->rest, &entry->key, err));
            FLOE_TRY(read_text(&file->rest, &entry->value, err));
        }
    }
    file->header = entries;
    file->header_count = count;
    return FLOE_OK;
}

floe_str floe_avro_header(const floe_avro_file *file, const char *key) {
    for (size_t i = 0; i < file->header_count; i++) {
        if (floe_str_is(file->header[i].key, key)) {
            return file->header[i].value;
        }
    }
    return (floe_str){0};
}

static floe_status choose_codec(floe_avro_file *file, floe_error *err) {
    static const struct {
        const char *name;
        floe_avro_codec codec;
    } CODECS[] = {{"null", FLOE_AVRO_CODEC_NULL},
                  {"deflate", FLOE_AVRO_CODEC_DEFLATE},
                  {"snappy", FLOE_AVRO_CODEC_SNAPPY},
                  {"zstandard", FLOE_AVRO_CODEC_ZSTD},
                  {"zstd", FLOE_AVRO_CODEC_ZSTD}}; /* as an early Avro for C++ wrote it */
    floe_str name = floe_avro_header(file, "avro.codec");
    if (name.ptr == NULL || name.len == 0) {
        file->codec = FLOE_AVRO_CODEC_NULL;
        return FLOE_OK;
    }
    for (size_t i = 0; i < sizeof(CODECS) / sizeof(CODECS[0]); i++) {
        if (floe_str_is_nocase(name, CODECS[i].name)) {
            file->codec = CODECS[i].codec;
            return FLOE_OK;
        }
    }
    return FLOE_FAIL(err, FLOE_UNSUPPORTED, "the Avro codec \"%.*s\"; floe reads null, deflate, snappy and zstandard",
                     FLOE_STR_BRIEF(name));
}

static floe_status parse_schema(floe_str text, floe_arena *arena, const floe_avro_type **ret_schema, floe_error *err) {
    const floe_node *json = NULL;
    floe_status status = floe_as_corrupt(floe_json_parse(arena, text, &json, err), err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "avro.schema");
    }
    return floe_avro_schema_parse(json, arena, ret_schema, err);
}

static floe_status read_schema(floe_avro_file *file, floe_avro_memory *memory, floe_error *err) {
    floe_str text = floe_avro_header(file, "avro.schema");
    FLOE_ENSURE(text.ptr != NULL, err, FLOE_CORRUPT, "the header has no avro.schema");
    if (memory == NULL) {
        return parse_schema(text, file->arena, &file->schema, err);
    }
    if (memory->schema == NULL || !floe_str_equal(memory->text, text)) {
        memory->schema = NULL;
        floe_arena_reset(&memory->arena);
        memory->text = floe_arena_str(&memory->arena, text);
        FLOE_TRY(floe_arena_check(&memory->arena, err));
        FLOE_TRY(parse_schema(text, &memory->arena, &memory->schema, err));
    }
    file->schema = memory->schema;
    return FLOE_OK;
}

static floe_status read_header(floe_avro_file *file, floe_avro_memory *memory, floe_error *err) {
    const uint8_t *bytes = NULL;
    FLOE_ENSURE(floe_reader_left(&file->rest) > 0, err, FLOE_CORRUPT, "the file is empty");
    FLOE_TRY(floe_read_bytes(&file->rest, sizeof(MAGIC), &bytes, "the header", err));
    FLOE_ENSURE(memcmp(bytes, MAGIC, sizeof(MAGIC)) == 0, err, FLOE_CORRUPT, "this is no Avro file");
    FLOE_TRY(read_header_map(file, err));
    FLOE_TRY(floe_read_bytes(&file->rest, sizeof(file->sync), &bytes, "the sync marker", err));
    memcpy(file->sync, bytes, sizeof(file->sync));
    FLOE_TRY(choose_codec(file, err));
    return read_schema(file, memory, err);
}

void floe_avro_memory_init(floe_avro_memory *memory, size_t cap) {
    *memory = (floe_avro_memory){0};
    floe_arena_init(&memory->arena, cap);
}

void floe_avro_memory_close(floe_avro_memory *memory) {
    floe_arena_close(&memory->arena);
    floe_buf_close(&memory->plain);
}

floe_status floe_avro_open(floe_str name, floe_str bytes, floe_arena *arena, floe_avro_file *ret_file,
                           floe_error *err) {
    return floe_avro_open_again(name, bytes, NULL, arena, ret_file, err);
}

floe_status floe_avro_open_again(floe_str name, floe_str bytes, floe_avro_memory *memory, floe_arena *arena,
                                 floe_avro_file *ret_file, floe_error *err) {
    floe_avro_file file = {
        .name = name, .arena = arena, .memory = memory, .rest = floe_reader_of(bytes.ptr, bytes.len)};
    floe_status status = read_header(&file, memory, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "%.*s", FLOE_STR_ARG(name));
    }
    *ret_file = file;
    return FLOE_OK;
}

/* Avro's snappy blocks end with the CRC-32 of the plain bytes, big-endian. */
static floe_status unpack_snappy(floe_str packed, floe_buf *out, floe_error *err) {
    FLOE_ENSURE(packed.len >= 4, err, FLOE_CORRUPT, "a snappy block is shorter than its checksum");
    floe_str body = {packed.ptr, packed.len - 4};
    const uint8_t *tail = (const uint8_t *)packed.ptr + body.len;
    uint32_t want = (uint32_t)tail[0] << 24 | (uint32_t)tail[1] << 16 | (uint32_t)tail[2] << 8 | (uint32_t)tail[3];
    FLOE_TRY(floe_snappy_decompress(body, out, err));
    FLOE_ENSURE(floe_crc32(floe_buf_view(out)) == want, err, FLOE_CORRUPT, "the checksum of a snappy block is wrong");
    return FLOE_OK;
}

static floe_status unpack(floe_avro_codec codec, floe_str packed, floe_buf *out, floe_error *err) {
    switch (codec) {
    case FLOE_AVRO_CODEC_DEFLATE:
        return floe_inflate_raw(packed, out, err);
    case FLOE_AVRO_CODEC_SNAPPY:
        return unpack_snappy(packed, out, err);
    default:
        return floe_zstd_decompress(packed, out, err);
    }
}

/* Plain bytes of a block: borrowed from the file, or decompressed into the arena, because decoded text borrows them. */
static floe_status block_bytes(floe_avro_file *file, floe_str packed, floe_str *ret_bytes, floe_error *err) {
    if (file->codec == FLOE_AVRO_CODEC_NULL) {
        *ret_bytes = packed;
        return FLOE_OK;
    }
    FLOE_AUTO_BUF own = {0};
    floe_buf *plain = file->memory == NULL ? &own : &file->memory->plain;
    if (plain->cap == 0) {
        floe_buf_init(plain, FLOE_LIMIT_AVRO_BLOCK_BYTES);
    }
    floe_buf_clear(plain);
    FLOE_TRY(unpack(file->codec, packed, plain, err));
    FLOE_TRY(floe_buf_check(plain, err));
    *ret_bytes = floe_arena_str(file->arena, floe_buf_view(plain));
    return floe_arena_check(file->arena, err);
}

static floe_status read_block(floe_avro_file *file, floe_str *ret_packed, int64_t *ret_count, floe_error *err) {
    int64_t count = 0;
    int64_t len = 0;
    const uint8_t *bytes = NULL;
    FLOE_TRY(floe_read_zigzag(&file->rest, &count, "a block", err));
    FLOE_TRY(floe_read_zigzag(&file->rest, &len, "a block", err));
    FLOE_ENSURE(count >= 0 && len >= 0, err, FLOE_CORRUPT, "a block claims %" PRId64 " records in %" PRId64 " bytes",
                count, len);
    FLOE_ENSURE((uint64_t)len <= floe_reader_left(&file->rest), err, FLOE_CORRUPT,
                "the file ends inside a block of %" PRId64 " bytes", len);
    FLOE_TRY(floe_read_bytes(&file->rest, (size_t)len, &bytes, "a block", err));
    *ret_packed = (floe_str){(const char *)bytes, (size_t)len};
    FLOE_TRY(floe_read_bytes(&file->rest, sizeof(file->sync), &bytes, "a sync marker", err));
    FLOE_ENSURE(memcmp(bytes, file->sync, sizeof(file->sync)) == 0, err, FLOE_CORRUPT,
                "the sync marker after a block is wrong");
    *ret_count = count;
    return FLOE_OK;
}

static floe_status next_block(floe_avro_file *file, floe_str *ret_bytes, int64_t *ret_count, floe_error *err) {
    floe_str packed = {0};
    int64_t count = 0;
    /* A block without records is legal anywhere, not only at the end. */
    while (count == 0 && floe_reader_left(&file->rest) > 0) {
        file->block_number++;
        FLOE_TRY(read_block(file, &packed, &count, err));
    }
    if (count > 0) {
        FLOE_TRY(block_bytes(file, packed, ret_bytes, err));
        uint64_t min_len = file->schema->min_len == 0 ? 1 : file->schema->min_len;
        FLOE_ENSURE((uint64_t)count <= ret_bytes->len / min_len, err, FLOE_CORRUPT,
                    "a block claims %" PRId64 " records in %zu bytes", count, ret_bytes->len);
    }
    *ret_count = count;
    return FLOE_OK;
}

floe_status floe_avro_next_block(floe_avro_file *file, floe_str *ret_bytes, int64_t *ret_count, floe_error *err) {
    floe_status status = next_block(file, ret_bytes, ret_count, err);
    return floe_failed(status) ? floe_error_prefix(err, status, "%.*s: block %" PRId64 " (the file ends at byte %zu)",
                                                   FLOE_STR_ARG(file->name), file->block_number, file->rest.len)
                               : status;
}
