/*
 * An index in a file, little-endian:
 *
 *   head, 512 bytes: "FLOEANN\n", version, kind, dim, ef_search (32 bits each), count, length of the graph, checksum of all
 *     after the head (64 bits each), sample recall (double), length of the fingerprint (32 bits), fingerprint (192 bytes),
 *     zeros; the last 8 bytes are XXH64 of the 504 before them
 *   ids, 8 bytes each, ascending; zeros up to a multiple of 64
 *   rows, float32; zeros up to a multiple of 64
 *   the graph, as FAISS writes it (HNSW only)
 *
 * Opening trusts nothing: head, then length, then checksum, then ids and rows, then the graph's links, and only then does
 * FAISS read it. A checksum keeps out damage; the checks after it keep out files that somebody made.
 */
#include "core/buf.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "vector/ann/ann_int.h"
#include "vector/ann/file_int.h"

#include <inttypes.h>
#include <math.h>

#define MAGIC "FLOEANN\n"
#define VERSION 1
#define HEAD_LEN 512
#define HEAD_HASHED 504
#define ALIGN 64

typedef struct head {
    uint32_t version, kind, dim, ef_search;
    uint64_t count, graph_len, hash;
    double sample_recall;
    floe_str fingerprint;
} head;

static uint64_t padded(uint64_t len) {
    return (len + ALIGN - 1) / ALIGN * ALIGN;
}
static uint64_t ids_len(uint64_t count) {
    return padded(count * sizeof(uint64_t));
}
static uint64_t rows_len(uint64_t count, uint64_t dim) {
    return padded(count * dim * sizeof(float));
}

/* ---- writing ---- */

static floe_status write_padded(floe_out *out, const void *bytes, uint64_t len, floe_error *err) {
    static const char zeros[ALIGN];
    FLOE_TRY(floe_out_write(out, bytes, (size_t)len, err));
    return floe_out_write(out, zeros, (size_t)(padded(len) - len), err);
}

static floe_status write_graph(void *context, const void *bytes, size_t len, floe_error *err) {
    return floe_out_write(context, bytes, len, err);
}

static floe_status encode_head(const head *from, char ret_head[HEAD_LEN], floe_error *err) {
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, HEAD_LEN);
    floe_buf_text(&buf, MAGIC);
    floe_buf_u32(&buf, from->version);
    floe_buf_u32(&buf, from->kind);
    floe_buf_u32(&buf, from->dim);
    floe_buf_u32(&buf, from->ef_search);
    floe_buf_u64(&buf, from->count);
    floe_buf_u64(&buf, from->graph_len);
    floe_buf_u64(&buf, from->hash);
    floe_buf_f64(&buf, from->sample_recall);
    floe_buf_u32(&buf, (uint32_t)from->fingerprint.len);
    floe_buf_str(&buf, from->fingerprint);
    while (!buf.failed && buf.len < HEAD_HASHED) {
        floe_buf_byte(&buf, 0);
    }
    floe_buf_u64(&buf, buf.failed ? 0 : floe_xxh64(buf.ptr, HEAD_HASHED, 0));
    FLOE_TRY(floe_buf_check(&buf, err));
    memcpy(ret_head, buf.ptr, HEAD_LEN);
    return FLOE_OK;
}

static floe_status write_to(const floe_ann *ann, floe_out *out, floe_error *err) {
    const floe_ann_info *info = &ann->info;
    char bytes[HEAD_LEN];
    head made = {.version = VERSION,
                 .kind = info->kind,
                 .dim = (uint32_t)info->dim,
                 .ef_search = info->ef_search,
                 .count = info->count,
                 .sample_recall = info->sample_recall,
                 .fingerprint = info->fingerprint};
    FLOE_TRY(write_padded(out, ann->ids, info->count * sizeof(uint64_t), err));
    FLOE_TRY(write_padded(out, ann->rows, info->count * info->dim * sizeof(float), err));
    if (info->kind == FLOE_ANN_HNSW) {
        uint64_t before = out->len;
        floe_faiss_sink sink = {write_graph, out};
        FLOE_TRY(floe_faiss_write(ann->faiss, &sink, err));
        made.graph_len = out->len - before;
    }
    FLOE_TRY(floe_out_flush(out, err));
    made.hash = out->hash;
    FLOE_TRY(encode_head(&made, bytes, err));
    return floe_out_end(out, bytes, HEAD_LEN, err);
}

floe_status floe_ann_write(const floe_ann *ann, const char *path, floe_error *err) {
    FLOE_CLEANUP(floe_out_close) floe_out out = {.file = -1};
    FLOE_TRY(floe_out_begin(path, HEAD_LEN, &out, err));
    return write_to(ann, &out, err);
}

/* ---- opening ---- */

static floe_status decode_head(const void *bytes, head *ret_head, floe_error *err) {
    const char *what = "the head of the index";
    floe_reader reader = floe_reader_of(bytes, HEAD_LEN);
    const uint8_t *magic = NULL;
    const uint8_t *fingerprint = NULL;
    uint32_t fingerprint_len = 0;
    uint64_t hash = 0;
    memcpy(&hash, (const char *)bytes + HEAD_HASHED, sizeof(hash));
    FLOE_TRY(floe_read_bytes(&reader, sizeof(MAGIC) - 1, &magic, what, err));
    FLOE_ENSURE(memcmp(magic, MAGIC, sizeof(MAGIC) - 1) == 0, err, FLOE_CORRUPT, "this is no vector index of floe");
    FLOE_ENSURE(hash == floe_xxh64(bytes, HEAD_HASHED, 0), err, FLOE_CORRUPT, "the head's checksum is wrong");
    FLOE_TRY(floe_read_u32(&reader, &ret_head->version, what, err));
    FLOE_TRY(floe_read_u32(&reader, &ret_head->kind, what, err));
    FLOE_TRY(floe_read_u32(&reader, &ret_head->dim, what, err));
    FLOE_TRY(floe_read_u32(&reader, &ret_head->ef_search, what, err));
    FLOE_TRY(floe_read_u64(&reader, &ret_head->count, what, err));
    FLOE_TRY(floe_read_u64(&reader, &ret_head->graph_len, what, err));
    FLOE_TRY(floe_read_u64(&reader, &ret_head->hash, what, err));
    FLOE_TRY(floe_read_f64(&reader, &ret_head->sample_recall, what, err));
    FLOE_TRY(floe_read_u32(&reader, &fingerprint_len, what, err));
    FLOE_ENSURE(fingerprint_len < FLOE_ANN_FINGERPRINT_MAX, err, FLOE_CORRUPT, "the fingerprint's length is wrong");
    FLOE_TRY(floe_read_bytes(&reader, fingerprint_len, &fingerprint, what, err));
    ret_head->fingerprint = (floe_str){(const char *)fingerprint, fingerprint_len};
    return FLOE_OK;
}

/* Bounded before anything is multiplied: 2^27 rows of 2^13 floats are 2^42 bytes. */
static floe_status check_head(const head *from, size_t file_len, floe_error *err) {
    FLOE_ENSURE(from->version == VERSION, err, FLOE_CORRUPT, "its format is %" PRIu32 ", this program's is %d",
                from->version, VERSION);
    FLOE_ENSURE(from->kind >= FLOE_ANN_SCAN && from->kind <= FLOE_ANN_HNSW && from->dim >= 1 &&
                    from->dim <= FLOE_ANN_DIM_MAX && from->count <= FLOE_ANN_COUNT_MAX &&
                    from->ef_search <= FLOE_ANN_EF_MAX && isfinite(from->sample_recall),
                err, FLOE_CORRUPT, "a number of its head is out of bounds");
    FLOE_ENSURE((from->kind == FLOE_ANN_HNSW) == (from->graph_len > 0) &&
                    (from->kind == FLOE_ANN_SCAN || from->count > 0),
                err, FLOE_CORRUPT, "its kind and its contents do not go together");
    uint64_t before = HEAD_LEN + ids_len(from->count) + rows_len(from->count, from->dim);
    FLOE_ENSURE(file_len >= before && file_len - before == from->graph_len, err, FLOE_CORRUPT,
                "it has %zu bytes where its head wants %" PRIu64 " and a graph of %" PRIu64, file_len, before,
                from->graph_len);
    return FLOE_OK;
}

/* What FAISS needs is made anew (FLAT) or read (HNSW). */
static floe_status open_faiss(floe_ann *ann, floe_str graph, floe_error *err) {
    if (ann->info.kind == FLOE_ANN_SCAN) {
        return FLOE_OK;
    }
    if (!floe_faiss_usable()) {
        /* Made elsewhere; a scan answers as well, only slower. */
        ann->info.kind = FLOE_ANN_SCAN;
        return FLOE_OK;
    }
    if (ann->info.kind == FLOE_ANN_HNSW) {
        FLOE_TRY(floe_links_check(graph, ann->info.dim, ann->info.count, err));
        return floe_faiss_read(graph, &ann->faiss, err);
    }
    floe_faiss_plan plan = {.kind = FLOE_ANN_FLAT, .dim = ann->info.dim, .count = ann->info.count, .thread_count = 1};
    return floe_faiss_build(&plan, ann->rows, &ann->faiss, err);
}

static floe_status fill(floe_ann *ann, const head *from, floe_error *err) {
    char *payload = ann->block.begin + HEAD_LEN;
    size_t rows_at = (size_t)ids_len(from->count);
    size_t graph_at = rows_at + (size_t)rows_len(from->count, from->dim);
    FLOE_ENSURE(floe_chunks_hash(payload, ann->block.len - HEAD_LEN) == from->hash, err, FLOE_CORRUPT,
                "the checksum is wrong");
    ann->ids = (const uint64_t *)(const void *)payload;
    ann->rows = (const float *)(const void *)(payload + rows_at);
    ann->info.kind = (floe_ann_kind)from->kind;
    ann->info.count = (size_t)from->count;
    ann->info.ef_search = from->ef_search;
    ann->info.sample_recall = from->sample_recall;
    ann->info.ids = ann->ids;
    FLOE_TRY(floe_ann_check_rows(ann, FLOE_CORRUPT, err));
    FLOE_TRY(open_faiss(ann, (floe_str){payload + graph_at, (size_t)from->graph_len}, err));
    /* FAISS has copied the graph. */
    floe_block_forget(&ann->block, HEAD_LEN + graph_at);
    return FLOE_OK;
}

static floe_status check_wanted(const head *from, size_t dim, floe_str fingerprint, floe_error *err) {
    FLOE_ENSURE(dim == 0 || from->dim == dim, err, FLOE_CONFLICT, "its vectors have %" PRIu32 " dimensions, not %zu",
                from->dim, dim);
    FLOE_ENSURE(fingerprint.len == 0 || floe_str_equal(fingerprint, from->fingerprint), err, FLOE_CONFLICT,
                "its vectors were made by %.*s, not by %.*s", FLOE_STR_BRIEF(from->fingerprint),
                FLOE_STR_BRIEF(fingerprint));
    return FLOE_OK;
}

static floe_status open_block(floe_block *from, size_t dim, floe_str fingerprint, floe_ann **ret_ann, floe_error *err) {
    FLOE_CLEANUP(floe_ann_close) floe_ann *ann = NULL;
    head decoded = {0};
    FLOE_TRY(decode_head(from->begin, &decoded, err));
    FLOE_TRY(check_head(&decoded, from->len, err));
    FLOE_TRY(check_wanted(&decoded, dim, fingerprint, err));
    FLOE_TRY(floe_ann_make(decoded.dim, decoded.fingerprint, &ann, err));
    ann->block = *from;
    *from = (floe_block){0};
    FLOE_TRY(fill(ann, &decoded, err));
    *ret_ann = ann;
    ann = NULL;
    return FLOE_OK;
}

floe_status floe_ann_open(const char *path, size_t dim, floe_str fingerprint, floe_ann **ret_ann, floe_error *err) {
    FLOE_CLEANUP(floe_block_close) floe_block from = {0};
    FLOE_TRY(floe_read_block(path, HEAD_LEN, &from, err));
    return floe_error_prefix(err, open_block(&from, dim, fingerprint, ret_ann, err), "%s", path);
}
