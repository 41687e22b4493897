/*
 * Names with dots in a warehouse. "default.db.t" is written alike for a table t in the namespace db inside of default, and for one in
 * the folder default.db, as Spark names them; the folders that are there say which it is.
 *
 * Rule: the parts between dots are joined to folders, the shortest name first on every level, so that a nested namespace goes before
 * a folder with a dot. A table that is there is found first; else a namespace that is, where a new table would lie.
 */
#include "core/file.h"
#include "core/limits.h"
#include "offline/catalog/directory.h"

enum { PARTS_MAX = 16 };

typedef struct dotted {
    const floe_catalog_folders *folders;
    floe_str parts[PARTS_MAX]; /* of the namespace, then the table */
    size_t count, wanted;      /* parts that lead to what is looked for: all, or those of the namespace */
    floe_arena *arena;
    const char *found; /* folders below the warehouse; NULL: not yet */
} dotted;

static bool split(floe_str names, dotted *out) {
    floe_str part = {0};
    while (floe_str_split(&names, '.', &part)) {
        if (out->count == PARTS_MAX) {
            return false;
        }
        out->parts[out->count++] = part;
    }
    return true;
}

/* Parts [first, last) as one folder's name, behind the folders so far. */
static const char *join(const dotted *d, const char *before, size_t first, size_t last) {
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_KIB(64));
    floe_buf_text(&name, before);
    for (size_t i = first; i < last; i++) {
        floe_buf_text(&name, i > first ? "." : before[0] == '\0' ? "" : "/");
        floe_buf_str(&name, d->parts[i]);
    }
    return name.failed ? NULL : floe_arena_strndup(d->arena, name.ptr, name.len);
}

/* In a store what something lies behind is a folder; what may not be listed is looked at by its plain name alone. */
static floe_status is_folder(const dotted *d, const char *path, bool *ret_is, floe_error *err) {
    floe_fs *fs = d->folders->fs;
    const char *const *names = NULL;
    size_t count = 0;
    if (!d->folders->is_store) {
        *ret_is = fs->ops->is_dir(fs, path);
        return FLOE_OK;
    }
    floe_error missing = {0};
    floe_status status = fs->ops->list(fs, path, d->arena, &names, &count, &missing);
    *ret_is = !floe_failed(status) && count > 0;
    bool none = status.code == FLOE_NOT_FOUND || status.code == FLOE_DENIED;
    return floe_failed(status) && !none ? FLOE_FAIL(err, missing.code, "%s", missing.message) : FLOE_OK;
}

static floe_status is_table(const dotted *d, const char *path, bool *ret_is, floe_error *err) {
    const char *metadata = NULL;
    floe_error missing = {0};
    floe_status status = floe_catalog_newest_metadata(d->folders->fs, path, d->arena, &metadata, &missing);
    *ret_is = !floe_failed(status) || status.code == FLOE_CORRUPT; /* A table all the same; whoever opens it is told. */
    return !*ret_is && status.code != FLOE_NOT_FOUND ? FLOE_FAIL(err, missing.code, "%s", missing.message) : FLOE_OK;
}

static floe_status search(dotted *d, const char *before, size_t first, floe_error *err) {
    if (d->parts[first].len == 0) { /* The name would begin with a dot: such folders are left out. */
        return FLOE_OK;
    }
    for (size_t last = first + 1; last <= d->wanted && d->found == NULL; last++) {
        bool ends = last == d->wanted, all = d->wanted == d->count, there = false;
        if (ends && all && first == 0) { /* a table in no namespace */
            break;
        }
        const char *name = join(d, before, first, last);
        const char *path = name ? floe_path_join(d->arena, d->folders->root, name) : NULL;
        FLOE_TRY(floe_arena_check(d->arena, err));
        FLOE_ENSURE(path, err, FLOE_LIMIT, "a table's name is too long");
        FLOE_TRY(ends && all ? is_table(d, path, &there, err) : is_folder(d, path, &there, err));
        if (there && ends) {
            d->found = name;
        } else if (there) {
            FLOE_TRY(search(d, name, last, err));
        }
    }
    return FLOE_OK;
}

/* Where every dot is a level, which is asked first, because it mostly is so. */
static floe_status search_plain(dotted *d, floe_error *err) {
    const char *name = "";
    bool there = false, empty = false;
    for (size_t i = 0; i < d->count && name != NULL; i++) {
        empty = empty || d->parts[i].len == 0;
        name = join(d, name, i, i + 1);
    }
    const char *path = name && !empty ? floe_path_join(d->arena, d->folders->root, name) : NULL;
    FLOE_TRY(floe_arena_check(d->arena, err));
    FLOE_TRY(path ? is_table(d, path, &there, err) : FLOE_OK);
    d->found = there ? name : NULL;
    return FLOE_OK;
}

floe_status floe_catalog_find_dotted(const floe_catalog_folders *folders, floe_str namespace_name, floe_str table,
                                     floe_arena *arena, const char **ret_folders, floe_error *err) {
    dotted d = {.folders = folders, .arena = arena};
    *ret_folders = NULL;
    if (!split(namespace_name, &d)) {
        return FLOE_OK;
    }
    size_t of_namespace = d.count;
    if (!split(table, &d) || d.count <= 2) {
        return FLOE_OK;
    }
    d.wanted = d.count;
    FLOE_TRY(search_plain(&d, err));
    FLOE_TRY(d.found ? FLOE_OK : search(&d, "", 0, err));
    *ret_folders = d.found;
    if (d.found == NULL) {
        d.wanted = of_namespace;
        FLOE_TRY(search(&d, "", 0, err));
        *ret_folders = d.found ? floe_arena_printf(arena, "%s/%.*s", d.found, FLOE_STR_ARG(table)) : NULL;
    }
    return floe_arena_check(arena, err);
}
