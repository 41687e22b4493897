/*
 * A name for a file that must be read between two others.
 *
 * Files of one data sequence number are read in the order of their paths, and the first or last of equal rows wins, so a
 * file that takes the place of some must sort where they did. Any text that begins with a path sorts right after it,
 * unless its successor begins with it too.
 */
#include "offline/maintain/maintain_int.h"

#include "core/limits.h"

static bool is_between(floe_str low, floe_str path, floe_str high) {
    return (low.ptr == NULL || floe_str_compare(low, path) < 0) &&
           (high.ptr == NULL || floe_str_compare(path, high) < 0);
}

#define ENDING FLOE_STR(".parquet")
#define MARK_LEN 10 /* "-c" and eight hexadecimal digits */

/* Without the ending and without the mark of an earlier compaction, so that names do not grow with each. */
static floe_str stem_of(floe_str path) {
    floe_str stem = path;
    if (floe_str_ends_with(stem, ENDING)) {
        stem.len -= ENDING.len;
    }
    bool marked =
        stem.len > MARK_LEN && stem.ptr[stem.len - MARK_LEN] == '-' && stem.ptr[stem.len - MARK_LEN + 1] == 'c';
    for (size_t i = stem.len - 8; marked && i < stem.len; i++) {
        char c = stem.ptr[i];
        marked = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
    stem.len -= marked ? MARK_LEN : 0;
    return stem;
}

floe_status floe_compact_path_between(floe_str low, floe_str high, floe_str near, const char *mark, floe_arena *arena,
                                      floe_str *ret_path, floe_error *err) {
    floe_str stem = stem_of(near);
    const floe_str beginnings[] = {
        stem, floe_str_ends_with(near, ENDING) ? (floe_str){near.ptr, near.len - ENDING.len} : near, near};
    *ret_path = (floe_str){0};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++) {
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_MIB(1));
        floe_buf_str(&text, beginnings[i]);
        floe_buf_printf(&text, "-c%.8s.parquet", mark);
        FLOE_TRY(floe_buf_check(&text, err));
        if (is_between(low, floe_buf_view(&text), high)) {
            *ret_path = floe_arena_str(arena, floe_buf_view(&text));
            return floe_arena_check(arena, err);
        }
    }
    return FLOE_OK;
}
