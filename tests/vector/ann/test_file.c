/* Index files: what is written reads back the same; nothing damaged, foreign or made up is ever searched. */
#include "core/hash.h"
#include "core/mem.h"
#include "tests/vector/ann/vectors.h"
#include "vector/ann/faiss_int.h"
#include "vector/ann/file_int.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define HEAD_LEN 512
#define HASHED 504
#define GRAPH_LEN_AT 32
#define HASH_AT 40

static const floe_ann_kind kinds[] = {FLOE_ANN_SCAN, FLOE_ANN_FLAT, FLOE_ANN_HNSW};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
static const floe_str model = {"test/1", 6};

static floe_ann *build(const vectors *made, floe_ann_kind kind) {
    floe_ann *ann = NULL;
    floe_error err = {0};
    floe_ann_options options = {.kind = kind, .dim = made->dim, .fingerprint = model};
    floe_ann_vectors given = vectors_view(made);
    assert_ok(floe_ann_build(&options, &given, &ann, &err), &err);
    return ann;
}

/* The bytes of an index in a file, freed with test_free. */
static char *written(scratch *folder, const vectors *made, floe_ann_kind kind, size_t *ret_len) {
    floe_error err = {0};
    floe_ann *ann = build(made, kind);
    const char *path = scratch_path(folder, "index.ann");
    assert_ok(floe_ann_write(ann, path, &err), &err);
    floe_ann_close(&ann);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *ret_len = (size_t)ftell(file);
    rewind(file);
    char *bytes = test_malloc(*ret_len);
    assert_int_equal(fread(bytes, 1, *ret_len, file), *ret_len);
    fclose(file);
    return bytes;
}

static floe_status open_bytes(scratch *folder, const char *bytes, size_t len, floe_ann **ret_ann, floe_error *err) {
    scratch_put(folder, "other.ann", bytes, len);
    return floe_ann_open(scratch_path(folder, "other.ann"), 0, (floe_str){0}, ret_ann, err);
}

/* Both checksums as they must be: the file of somebody who knows the format. */
static void mend(char *bytes, size_t len) {
    uint64_t hash = floe_chunks_hash(bytes + HEAD_LEN, len - HEAD_LEN);
    memcpy(bytes + HASH_AT, &hash, sizeof(hash));
    hash = floe_xxh64(bytes, HASHED, 0);
    memcpy(bytes + HASHED, &hash, sizeof(hash));
}

/* ---- what is right ---- */

static void open__what_was_written__answers_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        scratch folder = scratch_open();
        vectors made = vectors_make(500, 24, 40);
        floe_ann *ann = build(&made, kinds[i]);
        floe_ann *again = NULL;
        floe_error err = {0};
        const char *path = scratch_path(&folder, "index.ann");
        size_t open_files = count_descriptors();
        assert_ok(floe_ann_write(ann, path, &err), &err);
        assert_ok(floe_ann_open(path, 24, model, &again, &err), &err);
        assert_int_equal(count_descriptors(), open_files);
        assert_int_equal(count_entries(folder.folder), 1);
        const floe_ann_info *a = floe_ann_describe(ann);
        const floe_ann_info *b = floe_ann_describe(again);
        assert_true(a->kind == b->kind && a->count == b->count && a->dim == b->dim && a->ef_search == b->ef_search);
        assert_true(floe_str_equal(a->fingerprint, b->fingerprint));
        assert_memory_equal(a->ids, b->ids, a->count * sizeof(uint64_t));
        uint64_t seed = 41;
        for (size_t q = 0; q < 30; q++) {
            float query[24];
            floe_ann_hit x[20], y[20];
            size_t x_count = 0, y_count = 0;
            vectors_question(&made, &seed, query);
            floe_ann_query asked = {.vector = query, .k = 20};
            assert_ok(floe_ann_search(ann, &asked, x, &x_count, &err), &err);
            assert_ok(floe_ann_search(again, &asked, y, &y_count, &err), &err);
            assert_int_equal(x_count, y_count);
            for (size_t h = 0; h < x_count; h++) {
                assert_true(x[h].id == y[h].id && x[h].score == y[h].score);
            }
        }
        floe_ann_close(&again);
        floe_ann_close(&ann);
        vectors_free(&made);
        scratch_close(&folder);
    }
}

/* An empty index, a single row, and lengths around the checksum's chunk of 1 MiB (ids and rows of 16 floats: 72 bytes each,
 * so 14,563 rows are the last below it). */
static void open__sizes_around_the_edges__come_back(void **state) {
    (void)state;
    const size_t counts[] = {0, 1, 7, 8, 14562, 14563, 14564, 14565};
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        scratch folder = scratch_open();
        vectors made = vectors_make(counts[i], 16, 42);
        floe_ann *ann = build(&made, FLOE_ANN_SCAN);
        floe_ann *again = NULL;
        floe_error err = {0};
        const char *path = scratch_path(&folder, "index.ann");
        assert_ok(floe_ann_write(ann, path, &err), &err);
        assert_ok(floe_ann_open(path, 16, model, &again, &err), &err);
        assert_int_equal(floe_ann_describe(again)->count, counts[i]);
        for (size_t row = 0; row < counts[i]; row += 500) {
            assert_memory_equal(floe_ann_row(ann, (uint32_t)row), floe_ann_row(again, (uint32_t)row),
                                16 * sizeof(float));
        }
        floe_ann_close(&again);
        floe_ann_close(&ann);
        vectors_free(&made);
        scratch_close(&folder);
    }
}

static void write__over_a_mapped_file__leaves_the_mapped_index_as_it_was(void **state) {
    (void)state;
    scratch folder = scratch_open();
    vectors old = vectors_make(50, 8, 1);
    vectors new = vectors_make(30, 8, 2);
    floe_ann *first = build(&old, FLOE_ANN_SCAN);
    floe_ann *second = build(&new, FLOE_ANN_SCAN);
    floe_ann *mapped = NULL;
    floe_error err = {0};
    const char *path = scratch_path(&folder, "index.ann");
    assert_ok(floe_ann_write(first, path, &err), &err);
    assert_ok(floe_ann_open(path, 8, model, &mapped, &err), &err);
    assert_ok(floe_ann_write(second, path, &err), &err);
    assert_memory_equal(floe_ann_describe(mapped)->ids, floe_ann_describe(first)->ids, 50 * sizeof(uint64_t));
    floe_ann_close(&mapped);
    assert_ok(floe_ann_open(path, 8, model, &mapped, &err), &err);
    assert_int_equal(floe_ann_describe(mapped)->count, 30);
    floe_ann_close(&mapped);
    floe_ann_close(&first);
    floe_ann_close(&second);
    vectors_free(&old);
    vectors_free(&new);
    scratch_close(&folder);
}

/* ---- what is wrong ---- */

static void assert_corrupt(scratch *folder, const char *bytes, size_t len) {
    floe_ann *ann = NULL;
    floe_error err = {0};
    assert_fails(open_bytes(folder, bytes, len, &ann, &err), &err, FLOE_CORRUPT);
    assert_message_has(&err, "other.ann");
    assert_null(ann);
}

static void open__any_byte_changed__is_corrupt(void **state) {
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        scratch folder = scratch_open();
        vectors made = vectors_make(6, 3, 43);
        size_t len = 0;
        char *bytes = written(&folder, &made, kinds[i], &len);
        for (size_t at = 0; at < len; at++) {
            bytes[at] ^= (char)(1 << at % 8);
            assert_corrupt(&folder, bytes, len);
            bytes[at] ^= (char)(1 << at % 8);
        }
        test_free(bytes);
        vectors_free(&made);
        scratch_close(&folder);
    }
}

static void open__any_length_but_its_own__is_corrupt(void **state) {
    (void)state;
    scratch folder = scratch_open();
    vectors made = vectors_make(6, 3, 44);
    size_t len = 0;
    char *bytes = written(&folder, &made, FLOE_ANN_HNSW, &len);
    char *longer = test_calloc(len + 64, 1);
    memcpy(longer, bytes, len);
    for (size_t cut = 0; cut < len; cut += cut < 600 ? 1 : 13) {
        assert_corrupt(&folder, bytes, cut);
    }
    assert_corrupt(&folder, longer, len + 1);
    assert_corrupt(&folder, longer, len + 64);
    test_free(longer);
    test_free(bytes);
    vectors_free(&made);
    scratch_close(&folder);
}

static void open__missing_foreign_or_another_model__is_told_apart(void **state) {
    (void)state;
    scratch folder = scratch_open();
    vectors made = vectors_make(6, 3, 45);
    size_t len = 0;
    char *bytes = written(&folder, &made, FLOE_ANN_SCAN, &len);
    floe_ann *ann = NULL;
    floe_error missing = {0}, dim = {0}, other = {0}, is_folder = {0};
    assert_fails(floe_ann_open(scratch_path(&folder, "none"), 3, model, &ann, &missing), &missing, FLOE_NOT_FOUND);
    assert_fails(floe_ann_open(folder.folder, 3, model, &ann, &is_folder), &is_folder, FLOE_CORRUPT);
    const char *path = scratch_path(&folder, "index.ann");
    assert_fails(floe_ann_open(path, 4, model, &ann, &dim), &dim, FLOE_CONFLICT);
    assert_message_has(&dim, "3 dimensions, not 4");
    assert_fails(floe_ann_open(path, 3, FLOE_STR("test/2"), &ann, &other), &other, FLOE_CONFLICT);
    assert_message_has(&other, "test/1");
    char sqlite[4096] = "SQLite format 3";
    assert_corrupt(&folder, sqlite, sizeof(sqlite));
    test_free(bytes);
    vectors_free(&made);
    scratch_close(&folder);
}

/* ---- what somebody made ---- */

/* Searches what opened; whatever its numbers are, hits are well-formed and the memory is its own. */
static void use(const floe_ann *ann) {
    const floe_ann_info *info = floe_ann_describe(ann);
    float query[8] = {0.6f, 0.8f};
    floe_ann_hit hits[32];
    size_t count = 0;
    floe_error err = {0};
    assert_ok(floe_ann_search(ann, &(floe_ann_query){.vector = query, .k = 32}, hits, &count, &err), &err);
    assert_int_equal(count, info->count < 32 ? info->count : 32);
    for (size_t i = 0; i < count; i++) {
        assert_true(hits[i].slot < info->count && hits[i].id == info->ids[hits[i].slot]);
    }
}

/* Every 32-bit number of the file replaced by extreme ones, with checksums that are right: either the checks find it, or the
 * index can be searched. The vectors themselves, half of the file, may change: lengths are checked, directions are not. */
static void open__any_number_made_extreme__is_corrupt_or_harmless(void **state) {
    (void)state;
    static const uint32_t extremes[] = {0, 1, 0xffffffffu, 0x7fffffffu, 0x80000000u, 0x00010000u, 40, 41};
    for (size_t i = 0; i < KINDS; i++) {
        scratch folder = scratch_open();
        vectors made = vectors_make(40, 4, 46);
        size_t len = 0;
        size_t refused = 0;
        char *bytes = written(&folder, &made, kinds[i], &len);
        for (size_t at = 8; at + 4 <= len; at += at < HEAD_LEN ? 1 : 4) {
            char kept[4];
            char hashes[2][8];
            memcpy(kept, bytes + at, 4);
            memcpy(hashes[0], bytes + HASH_AT, 8);
            memcpy(hashes[1], bytes + HASHED, 8);
            floe_ann *ann = NULL;
            floe_error err = {0};
            memcpy(bytes + at, &extremes[at / 4 % 8], 4);
            mend(bytes, len);
            floe_status status = open_bytes(&folder, bytes, len, &ann, &err);
            if (floe_failed(status)) {
                assert_fails(status, &err, FLOE_CORRUPT);
                refused++;
            } else {
                use(ann);
            }
            floe_ann_close(&ann);
            memcpy(bytes + HASH_AT, hashes[0], 8);
            memcpy(bytes + HASHED, hashes[1], 8);
            memcpy(bytes + at, kept, 4);
        }
        assert_true(refused > 20);
        test_free(bytes);
        vectors_free(&made);
        scratch_close(&folder);
    }
}

/* ---- links (the graph's own check) ---- */

typedef struct graph {
    char *bytes;
    size_t len;
    size_t levels, offsets, links, tail, codes; /* where the contents of these begin */
    size_t link_count;
} graph;

static uint64_t u64_at(const graph *from, size_t at) {
    uint64_t value = 0;
    memcpy(&value, from->bytes + at, 8);
    return value;
}

/* The layout of the file's graph, found by walking over its vectors. */
static graph graph_of(char *file, size_t file_len) {
    uint64_t graph_len = 0;
    memcpy(&graph_len, file + GRAPH_LEN_AT, 8);
    graph made = {.bytes = file + file_len - graph_len, .len = (size_t)graph_len};
    size_t at = 37;
    at += 8 + 8 * u64_at(&made, at);
    at += 8 + 4 * u64_at(&made, at);
    made.levels = at + 8;
    at += 8 + 4 * u64_at(&made, at);
    made.offsets = at + 8;
    at += 8 + 8 * u64_at(&made, at);
    made.links = at + 8;
    made.link_count = u64_at(&made, at);
    made.tail = made.links + 4 * made.link_count;
    made.codes = made.tail + 20 + 37 + 28 + 8 + 8;
    return made;
}

static void refuse_number(graph *from, size_t at, int32_t value, const char *part) {
    floe_error err = {0};
    int32_t kept = 0;
    memcpy(&kept, from->bytes + at, 4);
    memcpy(from->bytes + at, &value, 4);
    floe_status status = floe_links_check((floe_str){from->bytes, from->len}, 4, 200, &err);
    memcpy(from->bytes + at, &kept, 4);
    assert_fails(status, &err, FLOE_CORRUPT);
    assert_message_has(&err, part);
}

static void links_check__a_graph_that_leads_outside__is_corrupt(void **state) {
    (void)state;
    scratch folder = scratch_open();
    vectors made = vectors_make(200, 4, 47);
    size_t len = 0;
    char *bytes = written(&folder, &made, FLOE_ANN_HNSW, &len);
    graph from = graph_of(bytes, len);
    floe_error err = {0};
    assert_ok(floe_links_check((floe_str){from.bytes, from.len}, 4, 200, &err), &err);
    refuse_number(&from, from.links, 200, "links");
    refuse_number(&from, from.links, -2, "links");
    refuse_number(&from, from.links + 4 * (from.link_count - 1), INT32_MAX, "links");
    refuse_number(&from, from.levels, 0, "offsets");
    refuse_number(&from, from.levels, 1000, "offsets");
    refuse_number(&from, from.levels + 4 * 199, -1, "offsets");
    refuse_number(&from, from.offsets, 1, "offsets");
    refuse_number(&from, from.offsets + 8 * 200, INT32_MAX, "offsets");
    refuse_number(&from, from.tail, -1, "entry point");
    refuse_number(&from, from.tail, 200, "entry point");
    refuse_number(&from, from.tail + 4, 60, "entry point");
    refuse_number(&from, from.tail + 4, -1, "entry point");
    refuse_number(&from, from.tail + 12, 0, "beam");
    refuse_number(&from, from.tail + 12, INT32_MAX, "beam");
    refuse_number(&from, from.codes, 0x7c00, "codes");
    refuse_number(&from, from.codes, 0x7e00, "codes");
    refuse_number(&from, 4, 5, "IHNs");
    refuse_number(&from, from.tail + 20 + 4, 5, "IxSQ");
    refuse_number(&from, from.tail + 20 + 37, 0, "quantizer");
    test_free(bytes);
    vectors_free(&made);
    scratch_close(&folder);
}

/* A link on an upper level may lead only to rows that are there: the level of 200 rows of M = 32 has some 6 of them. */
static void links_check__link_to_a_row_of_a_lower_level__is_corrupt(void **state) {
    (void)state;
    scratch folder = scratch_open();
    vectors made = vectors_make(200, 4, 48);
    size_t len = 0;
    size_t tried = 0;
    char *bytes = written(&folder, &made, FLOE_ANN_HNSW, &len);
    graph from = graph_of(bytes, len);
    int32_t low = -1;
    for (int32_t row = 0; row < 200; row++) {
        int32_t level = 0;
        memcpy(&level, from.bytes + from.levels + 4 * (size_t)row, 4);
        low = level == 1 ? row : low;
    }
    assert_true(low >= 0);
    for (size_t row = 0; row < 200; row++) {
        int32_t level = 0;
        memcpy(&level, from.bytes + from.levels + 4 * row, 4);
        if (level > 1) {
            /* The first link of level 1 stands behind the 64 of level 0. */
            refuse_number(&from, from.links + 4 * (size_t)(u64_at(&from, from.offsets + 8 * row) + 64), low, "links");
            tried++;
        }
    }
    assert_true(tried > 0);
    test_free(bytes);
    vectors_free(&made);
    scratch_close(&folder);
}

/* ---- writing that fails ---- */

static void write__folder_missing_or_not_ours__leaves_nothing(void **state) {
    (void)state;
    scratch folder = scratch_open();
    vectors made = vectors_make(6, 3, 49);
    floe_ann *ann = build(&made, FLOE_ANN_SCAN);
    floe_error err = {0};
    assert_fails(floe_ann_write(ann, scratch_path(&folder, "none/index.ann"), &err), &err, FLOE_NOT_FOUND);
    assert_int_equal(mkdir(scratch_path(&folder, "taken"), 0755), 0);
    err = (floe_error){0};
    assert_fails(floe_ann_write(ann, scratch_path(&folder, "taken"), &err), &err, FLOE_IO);
    assert_int_equal(count_entries(folder.folder), 1);
    floe_ann_close(&ann);
    vectors_free(&made);
    scratch_close(&folder);
}

/* The disk is full after any number of bytes: the file that was there is whole, and nothing lies beside it. */
static void write__file_size_limit_anywhere__keeps_the_old_file(void **state) {
    (void)state;
    scratch folder = scratch_open();
    vectors old = vectors_make(6, 3, 50);
    vectors new = vectors_make(12000, 24, 51);
    size_t len = 0;
    char *bytes = written(&folder, &old, FLOE_ANN_SCAN, &len);
    floe_ann *ann = build(&new, FLOE_ANN_SCAN);
    struct rlimit kept;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &kept), 0);
    for (size_t most = 0; most < 1240000; most += most < 2 ? 1 : 200000) {
        struct rlimit limit = {most, kept.rlim_max};
        floe_error err = {0};
        const char *path = scratch_path(&folder, "index.ann");
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        floe_status status = floe_ann_write(ann, path, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &kept), 0);
        assert_fails(status, &err, FLOE_IO);
        assert_true(scratch_holds(&folder, "index.ann", bytes, len));
        assert_int_equal(count_entries(folder.folder), 1);
    }
    signal(SIGXFSZ, handler);
    floe_ann_close(&ann);
    test_free(bytes);
    vectors_free(&old);
    vectors_free(&new);
    scratch_close(&folder);
}

static void write_and_open__any_allocation_fails__is_nomem(void **state) {
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        scratch folder = scratch_open();
        vectors made = vectors_make(20, 4, 52);
        floe_ann *ann = build(&made, kinds[i]);
        uint64_t nth = 1;
        for (;; nth++) {
            FLOE_CLEANUP(floe_ann_close) floe_ann *again = NULL;
            floe_error err = {0};
            const char *path = scratch_path(&folder, "index.ann");
            floe_mem_fail_at(nth);
            floe_status status = floe_ann_write(ann, path, &err);
            if (!floe_failed(status)) {
                status = floe_ann_open(path, 4, model, &again, &err);
            }
            floe_mem_fail_off();
            assert_true(count_entries(folder.folder) <= 1);
            if (!floe_failed(status)) {
                break;
            }
            assert_fails(status, &err, FLOE_NOMEM);
        }
        assert_true(nth > 5);
        floe_ann_close(&ann);
        vectors_free(&made);
        scratch_close(&folder);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(open__what_was_written__answers_the_same),
        cmocka_unit_test(open__sizes_around_the_edges__come_back),
        cmocka_unit_test(write__over_a_mapped_file__leaves_the_mapped_index_as_it_was),
        cmocka_unit_test(open__any_byte_changed__is_corrupt),
        cmocka_unit_test(open__any_length_but_its_own__is_corrupt),
        cmocka_unit_test(open__missing_foreign_or_another_model__is_told_apart),
        cmocka_unit_test(open__any_number_made_extreme__is_corrupt_or_harmless),
        cmocka_unit_test(links_check__a_graph_that_leads_outside__is_corrupt),
        cmocka_unit_test(links_check__link_to_a_row_of_a_lower_level__is_corrupt),
        cmocka_unit_test(write__folder_missing_or_not_ours__leaves_nothing),
        cmocka_unit_test(write__file_size_limit_anywhere__keeps_the_old_file),
        cmocka_unit_test(write_and_open__any_allocation_fails__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
