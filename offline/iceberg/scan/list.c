/*
 * Lists of files for the engine.
 */
#include "offline/iceberg/scan/scan_int.h"

#include "core/limits.h"
#include "offline/lake_int.h"

#include <inttypes.h>
#include <string.h>

enum { LITERAL_PATHS_MAX = 64 }; /* longer lists go to the engine as a value, which is parsed much faster */

static floe_status path_pattern(sql_builder *builder, const char *path, floe_str *ret_pattern, floe_error *err) {
    const char *remote = floe_map_get(&builder->remote, floe_str_of(path));
    const char *copy = floe_map_get(&builder->copies, floe_str_of(path));
    path = copy != NULL ? copy : path;
    *ret_pattern = floe_str_of(remote != NULL && copy == NULL ? remote : path);
    if (remote != NULL && copy == NULL) {
        return FLOE_OK;
    }
    if (strpbrk(path, "*?[") == NULL) {
        return FLOE_OK;
    }
    FLOE_ENSURE(strchr(path, '\\') == NULL, err, FLOE_UNSUPPORTED,
                "%s: the engine cannot open a path with a backslash and one of *?[", path);
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_MIB(1));
    floe_sql_path_pattern(&out, floe_str_of(path));
    FLOE_TRY(floe_buf_check(&out, err));
    *ret_pattern = floe_arena_str(builder->arena, floe_buf_view(&out));
    return floe_arena_check(builder->arena, err);
}

static floe_status list_as_variable(sql_builder *builder, const char *const *paths, size_t count, const char **ret_sql,
                                    floe_error *err) {
    floe_value *items = floe_arena_alloc(builder->arena, count, sizeof(*items));
    FLOE_TRY(floe_arena_check(builder->arena, err));
    for (size_t i = 0; i < count; i++) {
        floe_str pattern = {0};
        FLOE_TRY(path_pattern(builder, paths[i], &pattern, err));
        items[i] = floe_value_string(pattern);
    }
    floe_value list = {.type = {.kind = FLOE_KIND_LIST, .element = FLOE_KIND_STRING},
                       .as.list = {.items = items, .count = count}};
    floe_sql_params params = {&list, 1};
    const char *name = floe_arena_printf(builder->arena, "floe_files_%" PRIu64, builder->table->lake->file_lists++);
    const char *sql = floe_arena_printf(builder->arena, "SET VARIABLE %s = (SELECT $1::VARCHAR[])", name);
    *ret_sql = floe_arena_printf(builder->arena, "getvariable('%s')", name);
    FLOE_TRY(floe_arena_check(builder->arena, err));
    return floe_session_run(builder->session, sql, &params, NULL, err);
}

/* An expression that gives the engine the list. */
floe_status floe_scan_list_sql(sql_builder *builder, const char *const *paths, size_t count, const char **ret_sql,
                               floe_error *err) {
    if (count > LITERAL_PATHS_MAX) {
        return list_as_variable(builder, paths, count, ret_sql, err);
    }
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, FLOE_MIB(16));
    floe_buf_byte(&text, '[');
    for (size_t i = 0; i < count; i++) {
        floe_str pattern = {0};
        FLOE_TRY(path_pattern(builder, paths[i], &pattern, err));
        floe_buf_text(&text, i > 0 ? ", " : "");
        floe_sql_quote_text(&text, pattern);
    }
    floe_buf_byte(&text, ']');
    FLOE_TRY(floe_buf_check(&text, err));
    *ret_sql = floe_arena_strndup(builder->arena, text.ptr, text.len);
    return floe_arena_check(builder->arena, err);
}
