/*
 * Writing rows to a file of the format its ending names, beside the target first, then renamed over it, so that a failed
 * or cancelled build leaves what was there.
 */
#include "core/file.h"
#include "core/limits.h"
#include "offline/dataset/dataset_int.h"

#include <errno.h>
#include <stdio.h>

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

floe_status floe_output_write(floe_session *session, const char *select, const char *path, int64_t *ret_rows,
                              floe_error *err) {
    FLOE_TRY(floe_output_check(path, err));
    FLOE_AUTO_BUF temporary;
    floe_buf_init(&temporary, FLOE_KIB(16));
    floe_buf_printf(&temporary, "%s.part", path);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_printf(&sql, "COPY (%s) TO ", select);
    floe_sql_quote_text(&sql, floe_buf_view(&temporary));
    floe_buf_printf(&sql, " (%s)", format_of(path));
    FLOE_TRY(floe_buf_check(&temporary, err));
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_status status = floe_session_run(session, sql.ptr, NULL, ret_rows, err);
    if (!floe_failed(status) && rename(temporary.ptr, path) != 0) {
        status = FLOE_FAIL_ERRNO(err, FLOE_IO, "cannot rename %s to %s", temporary.ptr, path);
    }
    if (floe_failed(status)) {
        FLOE_IGNORE(floe_file_remove(temporary.ptr, NULL));
        return floe_error_prefix(err, status, "writing %s", path);
    }
    return FLOE_OK;
}
