/*
 * What a spine is, and the columns of one that is there.
 */
#include "offline/dataset/spine/spine.h"

#include <strings.h>

bool floe_spine_is_json(const char *spine) {
    return floe_str_ends_nocase(floe_str_of(spine), ".jsonl") || floe_str_ends_nocase(floe_str_of(spine), ".ndjson");
}

bool floe_spine_is_text(const char *spine) {
    return floe_spine_is_json(spine) || floe_str_ends_nocase(floe_str_of(spine), ".csv");
}

const floe_query_column *floe_spine_column(const spine_table *spine, floe_str name) {
    for (size_t i = 0; i < spine->column_count; i++) {
        if (floe_str_equal(spine->columns[i].name, name)) {
            return &spine->columns[i];
        }
    }
    return NULL;
}

floe_status floe_spine_check_columns(const floe_dataset_request *request, const spine_table *spine,
                                     const floe_column *keys, size_t key_count, floe_error *err) {
    for (size_t i = 0; i < key_count; i++) {
        floe_str name = floe_spine_key_column(request, keys[i].name);
        FLOE_ENSURE(floe_spine_column(spine, name), err, FLOE_NOT_FOUND,
                    "the spine %s has no column \"%.*s\" for the entity key \"%.*s\"; name it with --keys %.*s=COLUMN",
                    request->spine, FLOE_STR_ARG(name), FLOE_STR_ARG(keys[i].name), FLOE_STR_ARG(keys[i].name));
    }
    return FLOE_OK;
}

bool floe_spine_names_clash(const spine_table *spine) {
    bool clash = false;
    for (size_t i = 0; i < spine->column_count; i++) {
        floe_str name = spine->columns[i].name;
        clash = clash || (name.len == 5 && strncasecmp(name.ptr, "rowid", 5) == 0) ||
                (name.len >= 6 && strncasecmp(name.ptr, "__floe", 6) == 0);
    }
    return clash;
}
