/*
 * The newest metadata file of a table's folder.
 *
 * version-hint.text is only a hint: a writer that was killed between the metadata file and the hint leaves an older one, so
 * the highest version wins over a hint that is behind it; versions in between may be gone, since old metadata files are
 * removed. A hint that is ahead of every file is another matter: it is written after its file, so that file was there and a
 * commit is lost. Nothing else would say so: the table would be read, and committed to, as it was before.
 *
 * Phases: list; read the hint; choose. The listing is the older of the two, so a hint that is ahead of it may be a commit
 * that came in between: the folder is listed once more, and that listing is newer than the hint.
 *
 * A hint that counts is about names v<n>, as those go by it that write it; <n>-<uuid> of a catalog that had the table before or has it
 * now count for themselves, and are followed only where their content says that they came later.
 *
 * Two files of one version are two states. The later one is taken where it proves to be later (is_later), else both are
 * refused: which of their names sorts last says nothing.
 */
#include "offline/catalog/catalog.h"

#include "core/file.h"
#include "core/tree.h"
#include "offline/iceberg/metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { HINT_BYTES_MAX = 256 };

/* "v3.metadata.json" → "v3", and likewise for the two spellings of gzip; ptr NULL for any other name. */
static floe_str stem_of(floe_str name) {
    static const char *const ENDINGS[] = {".gz.metadata.json", ".metadata.json.gz", ".metadata.json"};
    for (size_t i = 0; i < sizeof(ENDINGS) / sizeof(ENDINGS[0]); i++) {
        floe_str ending = floe_str_of(ENDINGS[i]);
        if (name.len > ending.len && floe_str_ends_with(name, ending)) {
            return (floe_str){name.ptr, name.len - ending.len};
        }
    }
    return (floe_str){0};
}

int64_t floe_catalog_metadata_version(floe_str file_name) {
    floe_str stem = stem_of(file_name);
    if (stem.ptr == NULL) {
        return -1;
    }
    bool counted = stem.ptr[0] == 'v'; /* v<n>; otherwise <n>-<uuid> */
    floe_str digits = counted ? (floe_str){stem.ptr + 1, stem.len - 1} : stem;
    const char *dash = counted ? NULL : memchr(digits.ptr, '-', digits.len);
    if (!counted) {
        if (dash == NULL) {
            return -1;
        }
        digits.len = (size_t)(dash - digits.ptr);
    }
    int64_t version = -1;
    floe_error ignored = {0};
    bool plain = digits.len > 0 && digits.ptr[0] >= '0' && digits.ptr[0] <= '9';
    return plain && !floe_failed(floe_str_to_i64(digits, &version, &ignored)) ? version : -1;
}

/* The hint's text. An unreadable hint is none. */
static floe_str read_hint(floe_fs *fs, const char *folder, floe_arena *arena) {
    FLOE_AUTO_BUF text = {0};
    floe_error ignored = {0};
    floe_buf_init(&text, HINT_BYTES_MAX);
    const char *path = floe_path_join(arena, folder, "version-hint.text");
    if (path == NULL || floe_failed(fs->ops->read(fs, path, &text, &ignored))) {
        return (floe_str){0};
    }
    return floe_arena_str(arena, floe_str_trim(floe_buf_view(&text)));
}

typedef struct metadata_folder {
    floe_fs *fs;
    floe_arena *arena;
    const char *path;
    floe_str hint;
    const char *const *names;
    size_t count;
    int64_t highest; /* version of a file; -1: none */
} metadata_folder;

static int64_t version_at(const metadata_folder *folder, size_t index) {
    return floe_catalog_metadata_version(floe_str_of(folder->names[index]));
}

static floe_status list_folder(metadata_folder *folder, const char *table_folder, floe_error *err) {
    floe_error failure = {0};
    floe_status listed =
        folder->fs->ops->list(folder->fs, folder->path, folder->arena, &folder->names, &folder->count, &failure);
    FLOE_ENSURE(listed.code != FLOE_NOT_FOUND && listed.code != FLOE_INVALID, err, FLOE_NOT_FOUND,
                "%s is no table: it has no folder metadata", table_folder);
    if (floe_failed(listed)) {
        return FLOE_FAIL(err, failure.code, "%s", failure.message);
    }
    folder->highest = -1;
    for (size_t i = 0; i < folder->count; i++) {
        int64_t version = version_at(folder, i);
        folder->highest = version > folder->highest ? version : folder->highest;
    }
    return FLOE_OK;
}

/* ---- what the hint says ---- */

static bool is_number(floe_str text) {
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    return text.len > 0;
}

static floe_str hinted_stem(floe_str hint) {
    floe_str stem = stem_of(hint);
    return stem.ptr != NULL ? stem : hint;
}

/* The version that a hint names: <n>, v<n> or <n>-<uuid>. INT64_MAX: a number beyond all that names can hold. -1: none, so that
 * it has no place among the files. */
static int64_t hinted_version(const metadata_folder *folder) {
    int64_t version = -1;
    floe_error ignored = {0};
    if (is_number(folder->hint)) {
        return floe_failed(floe_str_to_i64(folder->hint, &version, &ignored)) ? INT64_MAX : version;
    }
    floe_str stem = hinted_stem(folder->hint);
    const char *name = floe_arena_printf(folder->arena, "%.*s.metadata.json", FLOE_STR_ARG(stem));
    return name != NULL && stem.len > 0 ? floe_catalog_metadata_version(floe_str_of(name)) : -1;
}

/* Whether the hint spells out a name that only one file can have, and not a count that goes on. */
static bool is_outright(const metadata_folder *folder) {
    bool counted = folder->hint.len > 0 && folder->hint.ptr[0] == 'v' && hinted_version(folder) >= 0;
    return folder->hint.len > 0 && !is_number(folder->hint) && !counted;
}

static size_t count_stem(const metadata_folder *folder, floe_str stem) {
    size_t count = 0;
    for (size_t i = 0; stem.len > 0 && i < folder->count; i++) {
        count += floe_str_equal(stem_of(floe_str_of(folder->names[i])), stem);
    }
    return count;
}

/* Whether the file that the hint names was there and is not any more. */
static bool is_lost(const metadata_folder *folder) {
    int64_t version = hinted_version(folder);
    bool among = version == folder->highest && is_outright(folder) && !count_stem(folder, hinted_stem(folder->hint));
    return folder->highest >= 0 && (version > folder->highest || (version >= 0 && among));
}

static floe_status refuse_lost(const metadata_folder *folder, floe_error *err) {
    const char *last = "";
    for (size_t i = 0; i < folder->count; i++) {
        last = version_at(folder, i) == folder->highest ? folder->names[i] : last;
    }
    const char *counted = is_number(folder->hint) ? "v" : "";
    return FLOE_FAIL(
        err, FLOE_CORRUPT,
        "%s: version-hint.text names %s%.*s.metadata.json, which is not there; the highest is %s: a commit is "
        "lost. Bring the file back; to go on without what it held, write %" PRId64 " into version-hint.text",
        folder->path, counted, FLOE_STR_BRIEF(hinted_stem(folder->hint)), last, folder->highest);
}

/* ---- the candidates ---- */

/* What the names of candidates have: a stem, or the highest version. */
typedef struct wanted {
    floe_str stem; /* "": any */
    char counted[32];
} wanted;

/* The highest version among names v<n>, which a hint that counts is about; -1: there is none. */
static int64_t highest_counted(const metadata_folder *folder) {
    int64_t highest = -1;
    for (size_t i = 0; i < folder->count; i++) {
        int64_t version = folder->names[i][0] == 'v' ? version_at(folder, i) : -1;
        highest = version > highest ? version : highest;
    }
    return highest;
}

/* Of an outright hint whose file is there its stem; of a hint that counts the highest v<n>, where one is not behind it. */
static void decide_wanted(const metadata_folder *folder, wanted *ret) {
    *ret = (wanted){0};
    if (is_outright(folder)) {
        floe_str stem = hinted_stem(folder->hint);
        ret->stem = count_stem(folder, stem) > 0 ? stem : (floe_str){0};
    } else if (folder->hint.len > 0 && hinted_version(folder) >= 0) {
        int64_t counted = highest_counted(folder);
        int len = snprintf(ret->counted, sizeof(ret->counted), "v%" PRId64, counted);
        ret->stem = counted >= hinted_version(folder) ? (floe_str){ret->counted, (size_t)len} : (floe_str){0};
    }
}

static bool is_candidate(const metadata_folder *folder, const wanted *is_wanted, size_t index) {
    floe_str stem = stem_of(floe_str_of(folder->names[index]));
    return is_wanted->stem.len > 0 ? floe_str_equal(stem, is_wanted->stem)
                                   : folder->highest >= 0 && version_at(folder, index) == folder->highest;
}

/* Whether the log of former metadata files names that file. */
static bool logs(const floe_node *log, const char *name) {
    for (size_t i = 0; log != NULL && i < log->count; i++) {
        const floe_node *file = floe_node_get(log->items[i], "metadata-file");
        floe_str path = file != NULL && file->kind == FLOE_NODE_STRING ? file->text : (floe_str){0};
        size_t len = strlen(name);
        if (path.len >= len && memcmp(path.ptr + path.len - len, name, len) == 0 &&
            (path.len == len || path.ptr[path.len - len - 1] == '/')) {
            return true;
        }
    }
    return false;
}

/* Whether a log that is not empty goes back to that time: writers keep the last hundred files in it, or as few as one. */
static bool reaches_back(const floe_node *log, int64_t ms) {
    int64_t oldest = INT64_MIN; /* without a time it says what it can */
    floe_error ignored = {0};
    (void)floe_node_opt_i64(log->items[0], "timestamp-ms", "metadata-log", &oldest, &ignored);
    return oldest <= ms;
}

typedef struct candidate {
    const char *name;
    floe_ice_metadata metadata;
    bool is_readable;
} candidate;

/* Whether a's content proves that it was made from b or from what came after b.
 * Rule: both are of one table (table-uuid), and a's metadata-log names b. A writer logs at least the file it began with, so a
 *       log that does not name b is one of a sibling: a commit that raced with b, whatever their times are. A log that begins after
 *       b was written says nothing of b, but all that it names is later. Only where a keeps no log its snapshots are asked: b's current one is among them and is not a's, a's is none of b's, and neither
 *       last-sequence-number nor last-updated-ms goes backwards. */
static bool is_later(const candidate *a, const candidate *b) {
    const floe_ice_metadata *x = &a->metadata, *y = &b->metadata;
    if (!a->is_readable || !b->is_readable || x->table_uuid.len == 0 || !floe_str_equal(x->table_uuid, y->table_uuid)) {
        return false;
    }
    const floe_node *log = floe_node_get(x->root, "metadata-log");
    if (log != NULL && log->kind == FLOE_NODE_ARRAY && log->count > 0) {
        return logs(log, b->name) ||
               (!reaches_back(log, y->last_updated_ms) && x->last_sequence_number >= y->last_sequence_number);
    }
    return y->current_snapshot_id != -1 && x->current_snapshot_id != y->current_snapshot_id &&
           floe_ice_snapshot_by_id(x, y->current_snapshot_id) != NULL &&
           floe_ice_snapshot_by_id(y, x->current_snapshot_id) == NULL &&
           x->last_sequence_number >= y->last_sequence_number && x->last_updated_ms >= y->last_updated_ms;
}

static floe_status read_candidates(const metadata_folder *folder, candidate *items, size_t count, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        const char *path = floe_path_join(folder->arena, folder->path, items[i].name);
        FLOE_TRY(floe_arena_check(folder->arena, err));
        floe_error failure = {0};
        floe_status status = floe_metadata_read(folder->fs, path, folder->arena, &items[i].metadata, &failure);
        items[i].is_readable = !floe_failed(status);
        if (floe_failed(status) && status.code != FLOE_CORRUPT && status.code != FLOE_UNSUPPORTED) {
            return FLOE_FAIL(err, failure.code, "%s", failure.message);
        }
    }
    return FLOE_OK;
}

static floe_status choose_latest(const metadata_folder *folder, candidate *items, size_t count, const char **ret_name,
                                 floe_error *err) {
    FLOE_TRY(read_candidates(folder, items, count, err));
    for (size_t a = 0; a < count; a++) {
        bool latest = true;
        for (size_t b = 0; b < count && latest; b++) {
            latest = a == b || (is_later(&items[a], &items[b]) && !is_later(&items[b], &items[a]));
        }
        if (latest) {
            *ret_name = items[a].name;
            return FLOE_OK;
        }
    }
    return FLOE_FAIL(
        err, FLOE_CORRUPT,
        "%s holds %zu metadata files of one version, %s and %s, and neither says that it came after the other: "
        "which is the table is not known. Ask the catalog or the writer, and move the other away",
        folder->path, count, items[0].name, items[1].name);
}

/* A folder may hold files <n>-<uuid> of another catalog beside the v<n> that its hint counts, with numbers of their own: one of a higher
 * number is the table only where it proves to be later than the v<n>, and where several do, later than they. */
static floe_status choose_later_line(const metadata_folder *folder, const char **name, floe_error *err) {
    int64_t version = floe_catalog_metadata_version(floe_str_of(*name));
    candidate *later = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; folder->highest > version && i < folder->count; i++) {
        candidate pair[2] = {{.name = *name}, {.name = folder->names[i]}};
        if (version_at(folder, i) != folder->highest) {
            continue;
        }
        FLOE_TRY(read_candidates(folder, pair, 2, err));
        if (is_later(&pair[1], &pair[0]) && !is_later(&pair[0], &pair[1])) {
            candidate *item = FLOE_ARENA_PUSH(folder->arena, later, count, capacity);
            FLOE_TRY(floe_arena_check(folder->arena, err));
            *item = pair[1];
        }
    }
    *name = count > 0 ? later[0].name : *name;
    return count > 1 ? choose_latest(folder, later, count, name, err) : FLOE_OK;
}

/* *ret_name NULL: there is no metadata file. */
static floe_status choose(const metadata_folder *folder, const char **ret_name, floe_error *err) {
    candidate *items = NULL;
    size_t count = 0, capacity = 0;
    wanted is_wanted;
    decide_wanted(folder, &is_wanted);
    for (size_t i = 0; i < folder->count; i++) {
        if (is_candidate(folder, &is_wanted, i)) {
            candidate *item = FLOE_ARENA_PUSH(folder->arena, items, count, capacity);
            FLOE_TRY(floe_arena_check(folder->arena, err));
            *item = (candidate){.name = folder->names[i]};
        }
    }
    *ret_name = count > 0 ? items[0].name : NULL;
    FLOE_TRY(count > 1 ? choose_latest(folder, items, count, ret_name, err) : FLOE_OK);
    return is_wanted.counted[0] != 0 && count > 0 ? choose_later_line(folder, ret_name, err) : FLOE_OK;
}

floe_status floe_catalog_newest_metadata(floe_fs *fs, const char *table_folder, floe_arena *arena,
                                         const char **ret_metadata_path, floe_error *err) {
    metadata_folder folder = {.fs = fs, .arena = arena, .path = floe_path_join(arena, table_folder, "metadata")};
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(list_folder(&folder, table_folder, err));
    folder.hint = read_hint(fs, folder.path, arena);
    FLOE_TRY(floe_arena_check(arena, err));
    if (is_lost(&folder)) {
        FLOE_TRY(list_folder(&folder, table_folder, err));
    }
    if (is_lost(&folder)) {
        return refuse_lost(&folder, err);
    }
    const char *name = NULL;
    FLOE_TRY(choose(&folder, &name, err));
    FLOE_ENSURE(name != NULL, err, FLOE_NOT_FOUND,
                "%s holds no metadata file (v<n>.metadata.json, <n>-<uuid>.metadata.json)", folder.path);
    *ret_metadata_path = floe_path_join(arena, folder.path, name);
    return floe_arena_check(arena, err);
}
