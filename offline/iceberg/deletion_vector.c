/*
 * Decoding deletion vectors: see deletion_vector.h.
 *
 * Everything that a well-formed bitmap promises is checked (keys and items ascend, counts agree, nothing is left over),
 * because a bitmap that says something else than its writer meant would bring rows back.
 */
#include "offline/iceberg/deletion_vector.h"

#include "core/buf.h"
#include "offline/iceberg/codec.h"

#include <inttypes.h>

enum {
    COOKIE_WITH_RUNS = 12347,
    COOKIE_PLAIN = 12346,
    OFFSETS_FROM = 4, /* bitmaps with runs and fewer containers than this have no offsets */
    ARRAY_MAX = 4096,
    BITMAP_BYTES = 8192,
    CONTAINERS_MAX = 65536,
    LEAST_BYTES = 20 /* length, magic, count and checksum */
};

/* A 32-bit bitmap that is being read. */
typedef struct roaring {
    floe_reader *in;
    floe_arena *arena;
    uint64_t key; /* the upper 32 bits of its positions */
    uint32_t count;
    const uint8_t *runs;  /* one bit per container; NULL: none has runs */
    const uint8_t *heads; /* key and count - 1 of each container, 2 bytes each */
    floe_position_block *blocks;
} roaring;

static uint32_t big_endian(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint16_t little_endian(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] | bytes[1] << 8);
}

/* ---- containers ---- */

static floe_status read_array(roaring *map, uint16_t *items, uint32_t count, floe_error *err) {
    const uint8_t *bytes = NULL;
    FLOE_TRY(floe_read_bytes(map->in, (size_t)count * 2, &bytes, "a container", err));
    for (uint32_t i = 0; i < count; i++) {
        items[i] = little_endian(bytes + (size_t)i * 2);
        FLOE_ENSURE(i == 0 || items[i] > items[i - 1], err, FLOE_CORRUPT, "the items of a container do not ascend");
    }
    return FLOE_OK;
}

static floe_status read_bits(roaring *map, uint16_t *items, uint32_t count, floe_error *err) {
    const uint8_t *bytes = NULL;
    uint32_t found = 0;
    FLOE_TRY(floe_read_bytes(map->in, BITMAP_BYTES, &bytes, "a container", err));
    for (uint32_t i = 0; i < FLOE_POSITION_BLOCK; i++) {
        if ((bytes[i / 8] >> (i % 8) & 1) != 0 && found++ < count) {
            items[found - 1] = (uint16_t)i;
        }
    }
    FLOE_ENSURE(found == count, err, FLOE_CORRUPT, "a container holds %" PRIu32 " items, its head says %" PRIu32, found,
                count);
    return FLOE_OK;
}

static floe_status read_runs(roaring *map, uint16_t *items, uint32_t count, floe_error *err) {
    uint16_t run_count = 0;
    const uint8_t *bytes = NULL;
    uint32_t found = 0;
    uint32_t next = 0; /* the first item that a run may start at */
    FLOE_TRY(floe_read_u16(map->in, &run_count, "a container", err));
    FLOE_TRY(floe_read_bytes(map->in, (size_t)run_count * 4, &bytes, "a container", err));
    for (uint32_t i = 0; i < run_count; i++) {
        uint32_t start = little_endian(bytes + (size_t)i * 4);
        uint32_t len = (uint32_t)little_endian(bytes + (size_t)i * 4 + 2) + 1;
        FLOE_ENSURE(start >= next && start + len <= FLOE_POSITION_BLOCK && found + len <= count, err, FLOE_CORRUPT,
                    "the runs of a container overlap or are longer than its head says");
        for (uint32_t k = 0; k < len; k++) {
            items[found++] = (uint16_t)(start + k);
        }
        next = start + len;
    }
    FLOE_ENSURE(found == count, err, FLOE_CORRUPT, "a container holds %" PRIu32 " items, its head says %" PRIu32, found,
                count);
    return FLOE_OK;
}

static floe_status read_container(roaring *map, uint32_t index, floe_error *err) {
    uint16_t items[FLOE_POSITION_BLOCK];
    uint32_t key = little_endian(map->heads + (size_t)index * 4);
    uint32_t count = (uint32_t)little_endian(map->heads + (size_t)index * 4 + 2) + 1;
    bool has_runs = map->runs != NULL && (map->runs[index / 8] >> (index % 8) & 1) != 0;
    FLOE_ENSURE(index == 0 || key > little_endian(map->heads + (size_t)(index - 1) * 4), err, FLOE_CORRUPT,
                "the keys of the containers do not ascend");
    if (has_runs) {
        FLOE_TRY(read_runs(map, items, count, err));
    } else if (count > ARRAY_MAX) {
        FLOE_TRY(read_bits(map, items, count, err));
    } else {
        FLOE_TRY(read_array(map, items, count, err));
    }
    return floe_position_block_make(map->key << 16 | key, items, count, map->arena, &map->blocks[index], err);
}

/* ---- a bitmap ---- */

static floe_status read_head(roaring *map, floe_error *err) {
    uint32_t cookie = 0;
    const uint8_t *ignored = NULL;
    FLOE_TRY(floe_read_u32(map->in, &cookie, "the cookie", err));
    bool with_runs = (cookie & 0xFFFF) == COOKIE_WITH_RUNS;
    FLOE_ENSURE(with_runs || cookie == COOKIE_PLAIN, err, FLOE_CORRUPT, "%" PRIu32 " is no cookie of a Roaring bitmap",
                cookie);
    map->count = (cookie >> 16) + 1;
    if (with_runs) {
        FLOE_TRY(floe_read_bytes(map->in, (map->count + 7) / 8, &map->runs, "the run flags", err));
    } else {
        FLOE_TRY(floe_read_u32(map->in, &map->count, "the count of containers", err));
    }
    FLOE_ENSURE(map->count <= CONTAINERS_MAX, err, FLOE_CORRUPT, "a bitmap of %" PRIu32 " containers", map->count);
    FLOE_TRY(floe_read_bytes(map->in, (size_t)map->count * 4, &map->heads, "the containers' heads", err));
    if (!with_runs || map->count >= OFFSETS_FROM) {
        FLOE_TRY(floe_read_bytes(map->in, (size_t)map->count * 4, &ignored, "the containers' offsets", err));
    }
    return FLOE_OK;
}

static floe_status read_roaring(roaring *map, floe_error *err) {
    FLOE_TRY(read_head(map, err));
    map->blocks = floe_arena_alloc(map->arena, map->count + 1, sizeof(*map->blocks));
    FLOE_TRY(floe_arena_check(map->arena, err));
    for (uint32_t i = 0; i < map->count; i++) {
        FLOE_TRY(read_container(map, i, err));
    }
    return FLOE_OK;
}

/* ---- the vector ---- */

typedef struct block_list {
    floe_position_block *items;
    size_t count, capacity;
} block_list;

static floe_status append_blocks(block_list *list, const roaring *map, floe_positions *positions, floe_error *err) {
    for (uint32_t i = 0; i < map->count; i++) {
        floe_position_block *slot = FLOE_ARENA_PUSH(map->arena, list->items, list->count, list->capacity);
        FLOE_TRY(floe_arena_check(map->arena, err));
        *slot = map->blocks[i];
        positions->count += slot->count;
    }
    return FLOE_OK;
}

static floe_status read_vector(floe_reader *in, floe_arena *arena, floe_positions *ret_positions, floe_error *err) {
    floe_positions positions = {0};
    block_list list = {0};
    uint64_t count = 0;
    uint32_t last = 0;
    FLOE_TRY(floe_read_u64(in, &count, "the count of bitmaps", err));
    for (uint64_t i = 0; i < count; i++) {
        uint32_t key = 0;
        FLOE_TRY(floe_read_u32(in, &key, "a bitmap's key", err));
        FLOE_ENSURE((i == 0 || key > last) && key <= INT32_MAX, err, FLOE_CORRUPT,
                    "the keys of the bitmaps do not ascend or pass 2^31");
        roaring map = {.in = in, .arena = arena, .key = key};
        FLOE_TRY(read_roaring(&map, err));
        FLOE_TRY(append_blocks(&list, &map, &positions, err));
        last = key;
    }
    positions.blocks = list.items;
    positions.block_count = list.count;
    *ret_positions = positions;
    return FLOE_OK;
}

static floe_status check_frame(floe_str blob, floe_error *err) {
    static const uint8_t MAGIC[4] = {0xD1, 0xD3, 0x39, 0x64};
    const uint8_t *bytes = (const uint8_t *)blob.ptr;
    FLOE_ENSURE(blob.len >= LEAST_BYTES, err, FLOE_CORRUPT, "%zu bytes are no deletion vector", blob.len);
    uint32_t len = big_endian(bytes);
    FLOE_ENSURE(len == blob.len - 8, err, FLOE_CORRUPT,
                "the deletion vector says it is %" PRIu32 " bytes long, the manifest says %zu", len, blob.len - 8);
    FLOE_ENSURE(memcmp(bytes + 4, MAGIC, sizeof(MAGIC)) == 0, err, FLOE_CORRUPT,
                "the deletion vector does not begin with D1 D3 39 64");
    uint32_t want = big_endian(bytes + blob.len - 4);
    uint32_t found = floe_crc32((floe_str){blob.ptr + 4, len});
    FLOE_ENSURE(want == found, err, FLOE_CORRUPT,
                "the deletion vector's checksum is wrong: %08" PRIX32 " is stored, %08" PRIX32 " computed", want,
                found);
    return FLOE_OK;
}

floe_status floe_deletion_vector_decode(floe_str blob, floe_arena *arena, floe_positions *ret_positions,
                                        floe_error *err) {
    floe_positions positions = {0};
    FLOE_TRY(check_frame(blob, err));
    floe_reader in = {(const uint8_t *)blob.ptr, blob.len - 4, 8}; /* without the checksum, from the count on */
    floe_status status = read_vector(&in, arena, &positions, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "the deletion vector, byte %zu", in.at);
    }
    FLOE_ENSURE(floe_reader_left(&in) == 0, err, FLOE_CORRUPT, "%zu bytes follow the bitmaps of the deletion vector",
                floe_reader_left(&in));
    *ret_positions = positions;
    return FLOE_OK;
}

floe_status floe_deletion_vector_slice(floe_str file, int64_t offset, int64_t len, floe_str *ret_blob,
                                       floe_error *err) {
    bool inside =
        offset >= 0 && len >= 0 && (uint64_t)offset <= file.len && (uint64_t)len <= file.len - (uint64_t)offset;
    FLOE_ENSURE(inside, err, FLOE_CORRUPT,
                "the manifest says bytes %" PRId64 " to %" PRId64 " + %" PRId64 ", the file has %zu", offset, offset,
                len, file.len);
    *ret_blob = (floe_str){file.ptr + offset, (size_t)len};
    return FLOE_OK;
}
