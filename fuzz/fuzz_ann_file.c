/*
 * Files of vector indexes. The first byte says what is done with the rest, the file: when it is odd both checksums are made
 * right, and when its second bit is set the graph's length too, so that the fuzzer gets past them to what FAISS would read.
 * What opens is searched, with and without a filter, by the graph where there is one.
 */
#include "core/hash.h"
#include "core/mem.h"
#include "vector/ann/ann.h"
#include "vector/ann/file_int.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define HEAD_LEN 512
#define HASHED 504
#define K 16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len);

static void search(const floe_ann *ann) {
    const floe_ann_info *info = floe_ann_describe(ann);
    FLOE_AUTO_FREE float *query = NULL;
    FLOE_AUTO_FREE uint64_t *bits = NULL;
    floe_ann_hit hits[K];
    size_t count = 0;
    if (floe_failed(floe_alloc(info->dim, sizeof(*query), &query, NULL)) ||
        floe_failed(floe_alloc(info->count / 64 + 1, sizeof(*bits), &bits, NULL))) {
        return;
    }
    query[0] = 1;
    memset(bits, 0x5b, (info->count / 64 + 1) * sizeof(*bits));
    for (int filtered = 0; filtered < 2; filtered++) {
        floe_ann_query asked = {
            .vector = query, .k = K, .allowed = filtered ? bits : NULL, .may_approximate = filtered != 0};
        FLOE_ASSERT(!floe_failed(floe_ann_search(ann, &asked, hits, &count, NULL)));
        for (size_t i = 0; i < count; i++) {
            FLOE_ASSERT(hits[i].slot < info->count && hits[i].id == info->ids[hits[i].slot]);
            FLOE_ASSERT(!filtered || (bits[hits[i].slot / 64] >> (hits[i].slot % 64) & 1) != 0);
        }
    }
}

static uint64_t padded(uint64_t len) {
    return (len + 63) / 64 * 64;
}

static void mend_graph_len(char *file, size_t len) {
    uint32_t dim = 0;
    uint64_t count = 0;
    memcpy(&dim, file + 16, sizeof(dim));
    memcpy(&count, file + 24, sizeof(count));
    uint64_t before = HEAD_LEN + padded(count * 8) + padded(count * dim * 4);
    if (count < 1000 && dim < 1000 && before < len) {
        uint64_t graph_len = len - before;
        memcpy(file + 32, &graph_len, sizeof(graph_len));
    }
}

static void mend_hashes(char *file, size_t len) {
    uint64_t hash = floe_chunks_hash(file + HEAD_LEN, len - HEAD_LEN);
    memcpy(file + 40, &hash, sizeof(hash));
    hash = floe_xxh64(file, HASHED, 0);
    memcpy(file + HASHED, &hash, sizeof(hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t data_len) {
    FLOE_AUTO_FREE char *file = NULL;
    char path[64];
    if (data_len < 2 || floe_failed(floe_strndup((const char *)data + 1, data_len - 1, &file, NULL))) {
        return 0;
    }
    size_t len = data_len - 1;
    if (len >= HEAD_LEN && (data[0] & 2) != 0) {
        mend_graph_len(file, len);
    }
    if (len >= HEAD_LEN && (data[0] & 1) != 0) {
        mend_hashes(file, len);
    }
    int memory = memfd_create("index", MFD_CLOEXEC);
    if (memory < 0 || write(memory, file, len) != (ssize_t)len) {
        FLOE_ASSERT(memory < 0);
        return 0;
    }
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", memory);
    floe_ann *ann = NULL;
    if (!floe_failed(floe_ann_open(path, 0, (floe_str){0}, &ann, NULL))) {
        search(ann);
    }
    floe_ann_close(&ann);
    (void)close(memory);
    return 0;
}
