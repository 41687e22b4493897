/*
 * A lake: the catalogs of a project and the engine that they share. Names are resolved here.
 */
#include "offline/lake_int.h"

#include "core/limits.h"
#include "core/mem.h"
#include "offline/iceberg/scan.h"

#include <stdio.h>
#include <stdlib.h>

static floe_status open_catalogs(floe_lake *lake, const floe_catalog_def *definitions, size_t count, floe_error *err) {
    lake->catalogs = floe_arena_alloc(&lake->arena, count + 1, sizeof(floe_catalog *));
    FLOE_TRY(floe_arena_check(&lake->arena, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(floe_catalog_open(&definitions[i], lake->run ? lake->run->cancelled : NULL, &lake->catalogs[i], err));
        lake->catalog_count++;
    }
    return FLOE_OK;
}

floe_status floe_lake_open(const floe_catalog_def *catalogs, size_t catalog_count, const floe_run *run,
                           floe_lake **ret_lake, floe_error *err) {
    __attribute__((cleanup(floe_lake_close))) floe_lake *lake = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*lake), &lake, err));
    floe_arena_init(&lake->arena, FLOE_MIB(64));
    lake->run = run;
    floe_map_init(&lake->copies, &lake->arena);
    FLOE_TRY(open_catalogs(lake, catalogs, catalog_count, err));
    *ret_lake = lake;
    lake = NULL;
    return FLOE_OK;
}

void floe_lake_close(floe_lake **lake) {
    if (*lake == NULL) {
        return;
    }
    for (size_t i = 0; i < (*lake)->catalog_count; i++) {
        floe_catalog_close(&(*lake)->catalogs[i]);
    }
    if ((*lake)->engine != NULL) {
        floe_engine_close(&(*lake)->engine);
    }
    floe_mirror_close(&(*lake)->mirror);
    floe_spill_close(&(*lake)->spill);
    floe_arena_close(&(*lake)->arena);
    floe_free(*lake);
    *lake = NULL;
}

floe_status floe_lake_spill(floe_lake *lake, const char **ret_folder, floe_error *err) {
    if (lake->spill.path[0] == '\0') {
        FLOE_TRY(floe_spill_open(&lake->spill, err));
    }
    *ret_folder = lake->spill.path;
    return FLOE_OK;
}

/* Most commands never spill, so a system without a place for it is only an error for those that do. */
floe_status floe_lake_engine(floe_lake *lake, floe_engine **ret_engine, floe_error *err) {
    if (lake->engine == NULL) {
        char folder[FLOE_SPILL_PATH_MAX + 16];
        const char *spill = NULL;
        bool has_spill = !floe_failed(floe_lake_spill(lake, &spill, NULL));
        snprintf(folder, sizeof(folder), "%s/engine", has_spill ? spill : "");
        FLOE_TRY(
            floe_engine_open(lake->run ? lake->run->threads : 0, 0, has_spill ? folder : NULL, &lake->engine, err));
    }
    *ret_engine = lake->engine;
    return FLOE_OK;
}

floe_status floe_lake_mirror(floe_lake *lake, floe_mirror **ret_mirror, floe_error *err) {
    if (lake->mirror == NULL) {
        floe_mirror_options options = {.s3 = floe_s3_options_of_environment()};
        options.s3.cancelled = lake->run ? lake->run->cancelled : NULL;
        FLOE_TRY(floe_mirror_open(&options, &lake->mirror, err));
    }
    *ret_mirror = lake->mirror;
    return FLOE_OK;
}

floe_catalog *floe_lake_catalog(floe_lake *lake, floe_str name) {
    for (size_t i = 0; i < lake->catalog_count; i++) {
        if (floe_str_equal(lake->catalogs[i]->name, name)) {
            return lake->catalogs[i];
        }
    }
    return NULL;
}

floe_status floe_table_reference_split(floe_str reference, floe_str *ret_catalog, floe_str *ret_namespace,
                                       floe_str *ret_table, floe_error *err) {
    const char *first = memchr(reference.ptr ? reference.ptr : "", '.', reference.len);
    const char *last = first == NULL ? NULL : memrchr(reference.ptr, '.', reference.len);
    FLOE_ENSURE(first != last, err, FLOE_INVALID, "\"%.*s\" is no table name; the form is catalog.namespace.table",
                FLOE_STR_BRIEF(reference));
    const char *end = reference.ptr + reference.len;
    *ret_catalog = (floe_str){reference.ptr, (size_t)(first - reference.ptr)};
    *ret_namespace = (floe_str){first + 1, (size_t)(last - first - 1)};
    *ret_table = (floe_str){last + 1, (size_t)(end - last - 1)};
    return FLOE_OK;
}

/* ---- list ---- */

typedef struct name_list {
    floe_table_name *names;
    size_t count, capacity;
} name_list;

static floe_status add_names(floe_catalog *catalog, floe_arena *arena, name_list *list, floe_error *err) {
    const floe_catalog_entry *entries = NULL;
    size_t count = 0;
    floe_status status = floe_catalog_list(catalog, arena, &entries, &count, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "catalog %.*s", FLOE_STR_BRIEF(catalog->name));
    }
    for (size_t i = 0; i < count; i++) {
        floe_table_name *name = FLOE_ARENA_PUSH(arena, list->names, list->count, list->capacity);
        const char *full = floe_arena_printf(arena, "%.*s.%.*s.%.*s", FLOE_STR_ARG(catalog->name),
                                             FLOE_STR_ARG(entries[i].namespace_name), FLOE_STR_ARG(entries[i].table));
        FLOE_TRY(floe_arena_check(arena, err));
        *name = (floe_table_name){catalog->name, entries[i].namespace_name, entries[i].table, floe_str_of(full),
                                  entries[i].metadata_path};
    }
    return FLOE_OK;
}

static int compare_names(const void *a, const void *b) {
    return floe_str_compare(((const floe_table_name *)a)->full, ((const floe_table_name *)b)->full);
}

floe_status floe_table_list(floe_lake *lake, floe_arena *arena, const floe_table_name **ret_names, size_t *ret_count,
                            floe_error *err) {
    name_list list = {0};
    for (size_t i = 0; i < lake->catalog_count; i++) {
        FLOE_TRY(add_names(lake->catalogs[i], arena, &list, err));
    }
    if (list.count > 0) {
        qsort(list.names, list.count, sizeof(*list.names), compare_names);
    }
    *ret_names = list.names;
    *ret_count = list.count;
    return FLOE_OK;
}
