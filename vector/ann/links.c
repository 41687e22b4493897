/*
 * The check of FAISS's own bytes before FAISS reads them.
 *
 * FAISS 1.12 sizes its memory by what a file says and follows links unchecked, so a file that was made to harm could make a
 * search read or write anywhere. What follows is the layout that FAISS writes for "HNSW32,SQfp16" (faiss/impl/index_write.cpp,
 * write_HNSW), read once with every number held against the index's count and dimension:
 *
 *   "IHNs" header, then vectors, each with a 64-bit count before it: assign_probas (double), cum_nneighbor_per_level (int32),
 *   levels (int32, one per row: on how many levels it is), offsets (uint64, count + 1), neighbors (int32); entry_point,
 *   max_level, efConstruction, efSearch, and a number no longer used (int32 each); "IxSQ" header, quantizer, codes.
 *
 * A row on L levels owns neighbors[offsets[row] … offsets[row + 1]), cum[l] … cum[l + 1] of it for level l.
 */
#include "core/buf.h"
#include "vector/ann/faiss_int.h"

#include <inttypes.h>

#define LEVELS_MAX 64
#define ROW_LINKS_MAX ((uint64_t)1 << 20)
#define EF_MAX (1 << 20)
#define QUANTIZER_FP16 4

/* A vector of the file; unaligned, so its items are read by functions. */
typedef struct column {
    const uint8_t *ptr;
    uint64_t count;
} column;

static int32_t item32(column from, uint64_t at) {
    int32_t value = 0;
    memcpy(&value, from.ptr + 4 * at, sizeof(value));
    return value;
}
static uint64_t item64(column from, uint64_t at) {
    uint64_t value = 0;
    memcpy(&value, from.ptr + 8 * at, sizeof(value));
    return value;
}

static floe_status bad(const char *what, floe_error *err) {
    return FLOE_FAIL(err, FLOE_CORRUPT, "the graph's %s is not one that floe wrote", what);
}

static floe_status read_column(floe_reader *reader, size_t width, const char *what, column *ret_column,
                               floe_error *err) {
    FLOE_TRY(floe_read_u64(reader, &ret_column->count, what, err));
    if (ret_column->count > floe_reader_left(reader) / width) {
        return bad(what, err);
    }
    return floe_read_bytes(reader, (size_t)ret_column->count * width, &ret_column->ptr, what, err);
}

static floe_status read_i32(floe_reader *reader, const char *what, int32_t *ret_value, floe_error *err) {
    uint32_t value = 0;
    FLOE_TRY(floe_read_u32(reader, &value, what, err));
    *ret_value = (int32_t)value;
    return FLOE_OK;
}

typedef struct shape {
    size_t dim, count;
} shape;

/* fourcc, d, ntotal, two numbers nobody reads, is_trained, metric (0: inner product). */
static floe_status check_header(floe_reader *reader, const char *name, shape want, floe_error *err) {
    const uint8_t *tag = NULL;
    const uint8_t *unread = NULL;
    uint32_t dim = 0;
    uint64_t count = 0;
    uint8_t trained = 0;
    uint32_t metric = 0;
    FLOE_TRY(floe_read_bytes(reader, 4, &tag, name, err));
    FLOE_TRY(floe_read_u32(reader, &dim, name, err));
    FLOE_TRY(floe_read_u64(reader, &count, name, err));
    FLOE_TRY(floe_read_bytes(reader, 16, &unread, name, err));
    FLOE_TRY(floe_read_u8(reader, &trained, name, err));
    FLOE_TRY(floe_read_u32(reader, &metric, name, err));
    if (memcmp(tag, name, 4) != 0 || dim != want.dim || count != want.count || trained != 1 || metric != 0) {
        return bad(name, err);
    }
    return FLOE_OK;
}

/* ---- the graph ---- */

typedef struct graph {
    column sums; /* cum_nneighbor_per_level */
    column levels, offsets, links;
    size_t count;
} graph;

static floe_status check_sums(const graph *from, floe_error *err) {
    uint64_t count = from->sums.count;
    if (count < 2 || count > LEVELS_MAX || item32(from->sums, 0) != 0) {
        return bad("cum_nneighbor_per_level", err);
    }
    for (uint64_t i = 1; i < count; i++) {
        int32_t sum = item32(from->sums, i);
        if (sum < item32(from->sums, i - 1) || (uint64_t)sum > ROW_LINKS_MAX) {
            return bad("cum_nneighbor_per_level", err);
        }
    }
    return FLOE_OK;
}

/* The offsets must follow from the levels. */
static floe_status check_offsets(const graph *from, floe_error *err) {
    uint64_t offset = 0;
    if (from->levels.count != from->count || from->offsets.count != from->count + 1) {
        return bad("number of rows", err);
    }
    for (size_t row = 0; row < from->count; row++) {
        int32_t level = item32(from->levels, row);
        if (level < 1 || (uint64_t)level >= from->sums.count || item64(from->offsets, row) != offset) {
            return bad("offsets", err);
        }
        offset += (uint64_t)item32(from->sums, (uint64_t)level);
    }
    return item64(from->offsets, from->count) == offset && from->links.count == offset ? FLOE_OK : bad("offsets", err);
}

/* A link on a level leads to a row that is on that level; -1 is none. */
static floe_status check_row(const graph *from, size_t row, floe_error *err) {
    uint64_t begin = item64(from->offsets, row);
    int32_t levels = item32(from->levels, row);
    for (int32_t level = 0; level < levels; level++) {
        uint64_t end = begin + (uint64_t)item32(from->sums, (uint64_t)level + 1);
        for (uint64_t at = begin + (uint64_t)item32(from->sums, (uint64_t)level); at < end; at++) {
            int32_t link = item32(from->links, at);
            if (link < -1 ||
                (link >= 0 && ((uint64_t)link >= from->count || item32(from->levels, (uint64_t)link) <= level))) {
                return bad("links", err);
            }
        }
    }
    return FLOE_OK;
}

static floe_status check_end(floe_reader *reader, const graph *from, floe_error *err) {
    int32_t entry = 0;
    int32_t top = 0;
    int32_t construction = 0;
    int32_t search = 0;
    int32_t unread = 0;
    FLOE_TRY(read_i32(reader, "entry_point", &entry, err));
    FLOE_TRY(read_i32(reader, "max_level", &top, err));
    FLOE_TRY(read_i32(reader, "efConstruction", &construction, err));
    FLOE_TRY(read_i32(reader, "efSearch", &search, err));
    FLOE_TRY(read_i32(reader, "last number", &unread, err));
    if (entry < 0 || (uint64_t)entry >= from->count || top < 0 || item32(from->levels, (uint64_t)entry) <= top) {
        return bad("entry point", err);
    }
    if (construction < 1 || construction > EF_MAX || search < 1 || search > EF_MAX) {
        return bad("beam", err);
    }
    return FLOE_OK;
}

static floe_status check_graph(floe_reader *reader, size_t count, floe_error *err) {
    graph from = {.count = count};
    column chances = {0};
    FLOE_TRY(read_column(reader, 8, "assign_probas", &chances, err));
    FLOE_TRY(read_column(reader, 4, "cum_nneighbor_per_level", &from.sums, err));
    FLOE_TRY(read_column(reader, 4, "levels", &from.levels, err));
    FLOE_TRY(read_column(reader, 8, "offsets", &from.offsets, err));
    FLOE_TRY(read_column(reader, 4, "links", &from.links, err));
    FLOE_TRY(check_sums(&from, err));
    FLOE_TRY(check_offsets(&from, err));
    for (size_t row = 0; row < count; row++) {
        FLOE_TRY(check_row(&from, row, err));
    }
    return check_end(reader, &from, err);
}

/* ---- the copies of the vectors ---- */

/* Neither infinite nor not a number: half-precision has both where all bits of the exponent are set. */
static floe_status check_codes(column codes, floe_error *err) {
    unsigned wrong = 0;
    for (uint64_t at = 0; at + 2 <= codes.count; at += 2) {
        uint16_t code = 0;
        memcpy(&code, codes.ptr + at, sizeof(code));
        wrong |= (code & 0x7c00u) == 0x7c00u;
    }
    return wrong != 0 ? bad("codes", err) : FLOE_OK;
}

static floe_status check_storage(floe_reader *reader, shape want, floe_error *err) {
    uint32_t type = 0;
    const uint8_t *unread = NULL;
    uint64_t dim = 0;
    uint64_t code_len = 0;
    column trained = {0};
    column codes = {0};
    FLOE_TRY(check_header(reader, "IxSQ", want, err));
    FLOE_TRY(floe_read_u32(reader, &type, "quantizer", err));
    FLOE_TRY(floe_read_bytes(reader, 8, &unread, "quantizer", err));
    FLOE_TRY(floe_read_u64(reader, &dim, "quantizer", err));
    FLOE_TRY(floe_read_u64(reader, &code_len, "quantizer", err));
    FLOE_TRY(read_column(reader, 4, "quantizer", &trained, err));
    FLOE_TRY(read_column(reader, 1, "codes", &codes, err));
    if (type != QUANTIZER_FP16 || dim != want.dim || code_len != 2 * (uint64_t)want.dim || trained.count != 0 ||
        codes.count != code_len * want.count) {
        return bad("quantizer", err);
    }
    return check_codes(codes, err);
}

floe_status floe_links_check(floe_str bytes, size_t dim, size_t count, floe_error *err) {
    floe_reader reader = floe_reader_of(bytes.ptr, bytes.len);
    shape want = {dim, count};
    FLOE_TRY(check_header(&reader, "IHNs", want, err));
    FLOE_TRY(check_graph(&reader, count, err));
    FLOE_TRY(check_storage(&reader, want, err));
    return floe_reader_left(&reader) == 0 ? FLOE_OK : bad("end", err);
}
