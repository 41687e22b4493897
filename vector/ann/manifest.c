/*
 * The manifest: the file `current` of a store's folder, little-endian:
 *
 *   "FLOEANS\n", version, dim, number of parts, length of the fingerprint (32 bits each), the largest number that a part ever
 *   had (64 bits), fingerprint; per part: number, rows (64 bits each), and a bitmap of its living rows in 64-bit words; the
 *   last 8 bytes are XXH64 of all before them
 *
 * It is replaced in one rename, after every part it names is on the disk. Part files are never changed, so a reader that is
 * overtaken keeps what it has read; one that is late finds a part gone, and reads the manifest again.
 */
#include "core/buf.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"
#include "vector/ann/store_int.h"

#include <inttypes.h>

#define MAGIC "FLOEANS\n"
#define VERSION 1
#define HASH_LEN 8
#define ARENA_MAX FLOE_MIB(64)
/* A bit per row of the largest store, and the rest. */
#define MANIFEST_BYTES_MAX (FLOE_ANN_COUNT_MAX / 8 + FLOE_KIB(64))
#define PREFIX "part-"
#define SUFFIX ".ann"
#define TEMPORARY ".tmp"

static const char *current_path(floe_arena *arena, const char *folder) {
    return floe_path_join(arena, folder, "current");
}

const char *floe_manifest_part_path(floe_arena *arena, const char *folder, uint64_t number) {
    return floe_arena_printf(arena, "%s/" PREFIX "%" PRIu64 SUFFIX, folder, number);
}

/* ---- writing ---- */

floe_status floe_manifest_write(const char *folder, const floe_ann_view *view, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF buf;
    floe_arena_init(&arena, ARENA_MAX);
    floe_buf_init(&buf, MANIFEST_BYTES_MAX);
    const char *path = current_path(&arena, folder);
    FLOE_TRY(floe_arena_check(&arena, err));
    floe_buf_text(&buf, MAGIC);
    floe_buf_u32(&buf, VERSION);
    floe_buf_u32(&buf, (uint32_t)view->dim);
    floe_buf_u32(&buf, (uint32_t)view->part_count);
    floe_buf_u32(&buf, (uint32_t)strlen(view->fingerprint));
    floe_buf_u64(&buf, view->last_number);
    floe_buf_text(&buf, view->fingerprint);
    for (size_t p = 0; p < view->part_count; p++) {
        floe_buf_u64(&buf, view->parts[p]->number);
        floe_buf_u64(&buf, view->parts[p]->ann->info.count);
        floe_buf_append(&buf, view->alive + view->bases[p] / 64, (view->bases[p + 1] - view->bases[p]) / 8);
    }
    FLOE_TRY(floe_buf_check(&buf, err));
    floe_buf_u64(&buf, floe_xxh64(buf.ptr, buf.len, 0));
    FLOE_TRY(floe_buf_check(&buf, err));
    return floe_file_write(path, floe_buf_view(&buf), false, err);
}

/* ---- reading ---- */

/* The bytes of `current`, whose checksum is right. */
static floe_status read_checked(const char *folder, floe_buf *bytes, uint64_t *ret_hash, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, ARENA_MAX);
    const char *path = current_path(&arena, folder);
    FLOE_TRY(floe_arena_check(&arena, err));
    floe_error cause = {0};
    floe_status status = floe_file_read(path, bytes, &cause);
    if (status.code == FLOE_LIMIT || status.code == FLOE_INVALID) {
        return FLOE_FAIL(err, FLOE_CORRUPT, "%s is no manifest of vectors", path);
    }
    if (status.code == FLOE_NOT_FOUND) {
        return FLOE_FAIL(err, FLOE_NOT_FOUND, "%s: no vectors are there", folder);
    }
    if (floe_failed(status)) {
        return FLOE_FAIL(err, status.code, "%s", cause.message);
    }
    FLOE_ENSURE(bytes->len >= sizeof(MAGIC) - 1 + HASH_LEN && memcmp(bytes->ptr, MAGIC, sizeof(MAGIC) - 1) == 0, err,
                FLOE_CORRUPT, "%s is no manifest of vectors", path);
    memcpy(ret_hash, bytes->ptr + bytes->len - HASH_LEN, HASH_LEN);
    FLOE_ENSURE(*ret_hash == floe_xxh64(bytes->ptr, bytes->len - HASH_LEN, 0), err, FLOE_CORRUPT,
                "%s: the checksum is wrong", path);
    return FLOE_OK;
}

static floe_status read_hash(const char *folder, uint64_t *ret_hash, floe_error *err) {
    FLOE_AUTO_BUF bytes;
    floe_buf_init(&bytes, MANIFEST_BYTES_MAX);
    return read_checked(folder, &bytes, ret_hash, err);
}

/* What was read so far; the parts are kept until the view has them. */
typedef struct opening {
    const char *folder;
    const floe_ann_options *options;
    floe_part *parts[FLOE_ANN_PARTS_MAX];
    const uint8_t *alive[FLOE_ANN_PARTS_MAX];
    size_t count;
} opening;

static void opening_close(opening *from) {
    for (size_t p = 0; p < from->count; p++) {
        floe_part_release(&from->parts[p]);
    }
}

static floe_status open_part(opening *to, uint64_t number, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, ARENA_MAX);
    const char *path = floe_manifest_part_path(&arena, to->folder, number);
    FLOE_TRY(floe_arena_check(&arena, err));
    return floe_part_open(path, number, to->options, &to->parts[to->count], err);
}

static floe_status read_part(floe_reader *reader, opening *to, floe_error *err) {
    const char *what = "the manifest of vectors";
    uint64_t number = 0;
    uint64_t rows = 0;
    FLOE_TRY(floe_read_u64(reader, &number, what, err));
    FLOE_TRY(floe_read_u64(reader, &rows, what, err));
    FLOE_ENSURE(number > 0 && rows <= FLOE_ANN_COUNT_MAX, err, FLOE_CORRUPT, "%s has a part out of bounds", what);
    FLOE_TRY(floe_read_bytes(reader, FLOE_BITS_WORDS((size_t)rows) * 8, &to->alive[to->count], what, err));
    FLOE_TRY(open_part(to, number, err));
    to->count++;
    FLOE_ENSURE(to->parts[to->count - 1]->ann->info.count == rows, err, FLOE_CORRUPT,
                "part %" PRIu64 " of the vectors has %zu rows where the manifest says %" PRIu64, number,
                to->parts[to->count - 1]->ann->info.count, rows);
    return FLOE_OK;
}

static floe_status read_head(floe_reader *reader, const floe_ann_options *options, uint32_t *ret_parts,
                             uint64_t *ret_last, floe_error *err) {
    const char *what = "the manifest of vectors";
    const uint8_t *text = NULL;
    uint32_t version = 0;
    uint32_t dim = 0;
    uint32_t len = 0;
    FLOE_TRY(floe_read_bytes(reader, sizeof(MAGIC) - 1, &text, what, err));
    FLOE_TRY(floe_read_u32(reader, &version, what, err));
    FLOE_ENSURE(version == VERSION, err, FLOE_CORRUPT, "%s is of format %" PRIu32 ", this program's is %d", what,
                version, VERSION);
    FLOE_TRY(floe_read_u32(reader, &dim, what, err));
    FLOE_TRY(floe_read_u32(reader, ret_parts, what, err));
    FLOE_TRY(floe_read_u32(reader, &len, what, err));
    FLOE_TRY(floe_read_u64(reader, ret_last, what, err));
    FLOE_TRY(floe_read_bytes(reader, len, &text, what, err));
    FLOE_ENSURE(*ret_parts <= FLOE_ANN_PARTS_MAX, err, FLOE_CORRUPT, "%s has %" PRIu32 " parts", what, *ret_parts);
    floe_str fingerprint = {(const char *)text, len};
    FLOE_ENSURE(dim == options->dim && floe_str_equal(fingerprint, options->fingerprint), err, FLOE_CONFLICT,
                "the vectors were made by %.*s with %" PRIu32 " dimensions, not by %.*s with %zu",
                FLOE_STR_BRIEF(fingerprint), dim, FLOE_STR_BRIEF(options->fingerprint), options->dim);
    return FLOE_OK;
}

/* The dead rows as the manifest has them; no row may be both in two parts and alive, or a search would find it twice. */
static floe_status mark_dead(const opening *from, floe_ann_view *view, floe_error *err) {
    for (size_t p = 0; p < from->count; p++) {
        for (size_t row = 0; row < view->parts[p]->ann->info.count; row++) {
            if ((from->alive[p][row / 8] >> (row % 8) & 1) == 0) {
                floe_view_kill(view, view->bases[p] + row);
            }
        }
    }
    for (size_t p = 1; p < from->count; p++) {
        const floe_ann *ann = view->parts[p]->ann;
        for (size_t row = 0; row < ann->info.count; row++) {
            for (size_t before = 0; floe_bit(view->alive, view->bases[p] + row) && before < p; before++) {
                uint32_t other = 0;
                FLOE_ENSURE(!floe_ann_find(view->parts[before]->ann, ann->ids[row], &other) ||
                                !floe_bit(view->alive, view->bases[before] + other),
                            err, FLOE_CORRUPT, "the id %" PRIu64 " lives in two parts of the vectors", ann->ids[row]);
            }
        }
    }
    return FLOE_OK;
}

static floe_status open_once(opening *to, floe_ann_view **ret_view, floe_error *err) {
    FLOE_AUTO_BUF bytes;
    FLOE_CLEANUP(floe_view_release) floe_ann_view *view = NULL;
    uint64_t hash = 0;
    uint64_t last = 0;
    uint32_t parts = 0;
    floe_buf_init(&bytes, MANIFEST_BYTES_MAX);
    FLOE_TRY(read_checked(to->folder, &bytes, &hash, err));
    floe_reader reader = floe_reader_of(bytes.ptr, bytes.len - HASH_LEN);
    FLOE_TRY(read_head(&reader, to->options, &parts, &last, err));
    for (uint32_t p = 0; p < parts; p++) {
        FLOE_TRY(read_part(&reader, to, err));
    }
    FLOE_ENSURE(floe_reader_left(&reader) == 0, err, FLOE_CORRUPT, "%s: the manifest of vectors is too long",
                to->folder);
    FLOE_TRY(floe_view_make(to->parts, to->count, to->options, &view, err));
    FLOE_TRY(mark_dead(to, view, err));
    view->last_number = last;
    *ret_view = view;
    view = NULL;
    return FLOE_OK;
}

floe_status floe_manifest_open(const char *folder, const floe_ann_options *options, floe_ann_view **ret_view,
                               floe_error *err) {
    uint64_t before = 0;
    FLOE_TRY(read_hash(folder, &before, err));
    for (;;) {
        FLOE_CLEANUP(opening_close) opening to = {.folder = folder, .options = options};
        floe_error cause = {0};
        uint64_t now = 0;
        floe_status status = open_once(&to, ret_view, &cause);
        if (status.code != FLOE_NOT_FOUND) {
            return floe_failed(status) ? FLOE_FAIL(err, status.code, "%s", cause.message) : FLOE_OK;
        }
        /* A part is gone: either a newer manifest no longer names it, or something is broken. */
        FLOE_TRY(read_hash(folder, &now, err));
        FLOE_ENSURE(now != before, err, FLOE_CORRUPT, "%s", cause.message);
        before = now;
    }
}

/* ---- cleaning ---- */

/* "part-7.ann" → 7; 0 when the name is not one of ours. */
static uint64_t number_of(floe_str name) {
    int64_t number = 0;
    if (!floe_str_starts_with(name, FLOE_STR(PREFIX)) || !floe_str_ends_with(name, FLOE_STR(SUFFIX)) ||
        name.len < sizeof(PREFIX SUFFIX)) {
        return 0;
    }
    floe_str digits = {name.ptr + sizeof(PREFIX) - 1, name.len - (sizeof(PREFIX SUFFIX) - 1)};
    return floe_failed(floe_str_to_i64(digits, &number, NULL)) || number < 1 ? 0 : (uint64_t)number;
}

static bool is_named(const floe_ann_view *view, uint64_t number) {
    for (size_t p = 0; p < view->part_count; p++) {
        if (view->parts[p]->number == number) {
            return true;
        }
    }
    return false;
}

floe_status floe_manifest_clean(const char *folder, const floe_ann_view *view, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, ARENA_MAX);
    const char *const *names = NULL;
    size_t count = 0;
    FLOE_TRY(floe_file_list(folder, &arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        floe_str name = floe_str_of(names[i]);
        uint64_t number = number_of(name);
        bool is_part = number > 0 && !is_named(view, number);
        bool is_temporary =
            floe_str_starts_with(name, FLOE_STR(PREFIX)) && floe_str_ends_with(name, FLOE_STR(TEMPORARY));
        if (is_part || is_temporary) {
            const char *path = floe_path_join(&arena, folder, names[i]);
            FLOE_TRY(floe_arena_check(&arena, err));
            FLOE_TRY(floe_file_remove(path, err));
        }
    }
    return FLOE_OK;
}

floe_status floe_ann_view_open(const char *folder, const floe_ann_options *options, const floe_ann_view **ret_view,
                               floe_error *err) {
    floe_ann_view *view = NULL;
    FLOE_TRY(floe_view_check_options(options, err));
    FLOE_TRY(floe_manifest_open(folder, options, &view, err));
    *ret_view = view;
    return FLOE_OK;
}
