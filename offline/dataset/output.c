/*
 * Writing rows to a file of the format its ending names: prepared beside the target, then published by a rename, so that a
 * failed or cancelled build leaves what was there.
 */
#include "core/file.h"
#include "core/limits.h"
#include "offline/dataset/dataset_int.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static const char *format_of(const char *path) {
    floe_str text = floe_str_of(path);
    if (floe_str_ends_with(text, FLOE_STR(".parquet"))) {
        return "FORMAT parquet, COMPRESSION zstd";
    }
    if (floe_str_ends_with(text, FLOE_STR(".csv"))) {
        return "FORMAT csv, HEADER true";
    }
    return floe_str_ends_with(text, FLOE_STR(".jsonl")) ? "FORMAT json" : NULL;
}

floe_status floe_output_check(const char *path, floe_error *err) {
    FLOE_ENSURE(format_of(path), err, FLOE_UNSUPPORTED, "cannot write %s: the ending must be .parquet, .csv or .jsonl",
                path);
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_KIB(64));
    const char *folder = floe_path_dirname(&arena, path);
    FLOE_TRY(floe_arena_check(&arena, err));
    FLOE_ENSURE(floe_file_is_dir(folder), err, FLOE_NOT_FOUND, "cannot write %s: the folder %s does not exist", path,
                folder);
    return FLOE_OK;
}

/* Beside the target, and not another build's. */
static floe_status part_name(const char *path, floe_buf *out, floe_error *err) {
    floe_buf_init(out, FLOE_KIB(16));
    floe_buf_printf(out, "%s.%ld.part", path, (long)getpid());
    return floe_buf_check(out, err);
}

void floe_output_discard(const char *path) {
    FLOE_AUTO_BUF part;
    if (!floe_failed(part_name(path, &part, NULL))) {
        FLOE_IGNORE(floe_file_remove(part.ptr, NULL));
    }
}

floe_status floe_output_prepare(floe_session *session, const char *select, const char *path, floe_error *err) {
    FLOE_TRY(floe_output_check(path, err));
    FLOE_AUTO_BUF part;
    FLOE_TRY(part_name(path, &part, err));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_printf(&sql, "COPY (%s) TO ", select);
    floe_sql_quote_text(&sql, floe_buf_view(&part));
    floe_buf_printf(&sql, " (%s)", format_of(path));
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_status status = floe_session_run(session, sql.ptr, NULL, NULL, err);
    if (floe_failed(status)) {
        floe_output_discard(path);
        return floe_error_prefix(err, status, "writing %s", path);
    }
    return FLOE_OK;
}

floe_status floe_output_publish(const char *path, floe_error *err) {
    FLOE_AUTO_BUF part;
    FLOE_TRY(part_name(path, &part, err));
    if (rename(part.ptr, path) != 0) {
        floe_status status = FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot rename %s to %s", part.ptr, path);
        floe_output_discard(path);
        return status;
    }
    return FLOE_OK;
}
