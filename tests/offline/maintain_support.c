/* See maintain_support.h. */
#include "tests/offline/maintain_support.h"

#include "core/file.h"
#include "offline/iceberg/metadata.h"
#include "offline/lake_int.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMAS "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD("2", "s", "\"string\"")) "]"
#define BY_S                                                                                                           \
    "[{\"spec-id\":0,\"fields\":[{\"source-id\":2,\"field-id\":1000,\"name\":\"s\",\"transform\":\"identity\"}]}]"
#define S_PARTITION "{\"name\":\"s\",\"field-id\":1000,\"type\":[\"null\",\"string\"],\"default\":null}"

void maintain_open(maintain_world *world, int version, bool by_s) {
    floe_error err = {0};
    memset(world, 0, sizeof(*world));
    ice_world_open(&world->ice, SCHEMAS, by_s ? BY_S : UNPARTITIONED, by_s ? S_PARTITION : "");
    world->ice.table.version = version;
    (void)snprintf(world->warehouse, sizeof(world->warehouse), "%s", world->ice.table.folder);
    world->ice.table.folder = ice_text(&world->ice, "%s/ns/t", world->warehouse);
    assert_ok(floe_file_mkdirs(ice_text(&world->ice, "%s/data", world->ice.table.folder), &err), &err);
    assert_ok(floe_file_mkdirs(ice_text(&world->ice, "%s/metadata", world->ice.table.folder), &err), &err);
    world->definition = (floe_catalog_def){
        .name = FLOE_STR("lake"), .type = FLOE_STR("directory"), .warehouse = floe_str_of(world->warehouse)};
    world->run.cancelled = &world->cancelled;
    assert_ok(floe_lake_open(&world->definition, 1, &world->run, &world->lake, &err), &err);
}

void maintain_close(maintain_world *world) {
    floe_lake_close(&world->lake);
    ice_world_close(&world->ice);
}

const char *maintain_path(maintain_world *world, const char *name) {
    return ice_text(&world->ice, "%s/%s", world->ice.table.folder, name);
}

/* ---- the table's past ---- */

/* The encoded partition record: a present text, or a null for "null". */
static floe_str partition_of(maintain_world *world, const char *s) {
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_KIB(1));
    if (s[0] == 0) {
        return (floe_str){0};
    }
    bool null = strcmp(s, "null") == 0;
    avro_long(&out, !null);
    if (!null) {
        avro_text(&out, s);
    }
    return floe_arena_str(&world->ice.arena, floe_buf_view(&out));
}

static ice_entry finish(maintain_world *world, ice_entry entry, const char *s) {
    floe_error err = {0};
    uint64_t len = 0;
    assert_ok(floe_file_len(entry.path, &len, &err), &err);
    entry.file_len = (int64_t)len;
    entry.partition = partition_of(world, s);
    return entry;
}

ice_entry maintain_rows(maintain_world *world, const char *name, const char *values, const char *s) {
    const char *select =
        ice_text(&world->ice, "SELECT a::BIGINT AS k, b::VARCHAR AS s FROM (VALUES %s) t(a, b)", values);
    int64_t count = 1;
    for (const char *at = values; (at = strstr(at, "), (")) != NULL; at++) {
        count++;
    }
    return finish(world, ice_added(ice_parquet(&world->ice, name, select, "k: 1, s: 2"), count), s);
}

void maintain_append(maintain_world *world, ice_entry entry) {
    ice_table_add(&world->ice.table, "append", 0, &entry, 1);
}

void maintain_delete_position(maintain_world *world, const char *name, const char *data_name, int position,
                              const char *s) {
    const char *select =
        ice_text(&world->ice, "SELECT '%s' AS file_path, %d::BIGINT AS pos", maintain_path(world, data_name), position);
    ice_entry entry = finish(
        world, ice_added(ice_parquet(&world->ice, name, select, "file_path: 2147483546, pos: 2147483545"), 1), s);
    entry.content = 1;
    ice_table_add(&world->ice.table, "delete", 1, &entry, 1);
}

void maintain_delete_key(maintain_world *world, const char *name, int64_t k, const char *s) {
    static const int32_t by_k[] = {1};
    const char *select = ice_text(&world->ice, "SELECT %lld::BIGINT AS k", (long long)k);
    ice_entry entry = finish(world, ice_added(ice_parquet(&world->ice, name, select, "k: 1"), 1), s);
    entry.content = 2;
    entry.equality_ids = by_k;
    entry.equality_id_count = 1;
    ice_table_add(&world->ice.table, "delete", 1, &entry, 1);
}

void maintain_write(maintain_world *world) {
    ice_table_write(&world->ice.table);
}

/* ---- the table now ---- */

static floe_table *open_table(maintain_world *world) {
    floe_error err = {0};
    floe_table *table = NULL;
    assert_ok(floe_table_open(world->lake, "lake.ns.t", NULL, NULL, &table, &err), &err);
    return table;
}

const char *maintain_text(maintain_world *world, const char *columns) {
    floe_error err = {0};
    struct ArrowArrayStream stream = {0};
    floe_scan_request request = {.limit = -1};
    floe_str names[8], rest = floe_str_of(columns);
    while (columns && request.column_count < 8 && floe_str_split(&rest, ',', &names[request.column_count])) {
        request.column_count++;
    }
    request.columns = columns ? names : NULL;
    floe_table *table = open_table(world);
    assert_ok(floe_table_scan(table, &request, &stream, &err), &err);
    const char *text = stream_text(&stream, &world->ice.arena);
    floe_table_close(&table);
    return text;
}

/* Both texts are of one length and every row of one is in the other. */
void maintain_expect_set(maintain_world *world, const char *rows) {
    const char *got = maintain_text(world, NULL);
    const char *framed = ice_text(&world->ice, ";%s;", got);
    floe_str rest = floe_str_of(rows), row;
    assert_int_equal(strlen(got), strlen(rows));
    while (floe_str_split(&rest, ';', &row)) {
        if (!strstr(framed, ice_text(&world->ice, ";%.*s;", FLOE_STR_ARG(row)))) {
            fail_msg("%.*s is not in %s", FLOE_STR_ARG(row), got);
        }
    }
}

const char *maintain_files(maintain_world *world) {
    floe_error err = {0};
    floe_table_scan_files files;
    floe_scan_request request = {.limit = -1};
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_MIB(1));
    floe_table *table = open_table(world);
    assert_ok(floe_table_scan_plan_files(table, &request, NULL, &world->ice.arena, &files, &err), &err);
    for (size_t i = 0; i < files.file_count; i++) {
        const char *path = floe_arena_str(&world->ice.arena, files.files[i]->path).ptr;
        floe_str name = floe_path_basename(path);
        const char *mark = strstr(name.ptr, "-c");
        name.len = mark ? (size_t)(mark - name.ptr) + 2 : name.len;
        floe_buf_printf(&out, "%.*s:%lld ", FLOE_STR_ARG(name), (long long)files.files[i]->sequence_number);
    }
    floe_buf_printf(&out, "| %zu", files.delete_count);
    floe_table_close(&table);
    return floe_arena_str(&world->ice.arena, floe_buf_view(&out)).ptr;
}

const floe_ice_metadata *maintain_metadata(maintain_world *world) {
    floe_error err = {0};
    floe_ice_metadata *metadata = floe_arena_alloc(&world->ice.arena, 1, sizeof(*metadata));
    floe_table *table = open_table(world);
    assert_ok(floe_metadata_read(floe_fs_local(), table->metadata_path, &world->ice.arena, metadata, &err), &err);
    floe_table_close(&table);
    return metadata;
}

static void list_below(maintain_world *world, const char *folder, size_t skip, floe_buf *out, size_t *count) {
    floe_error err = {0};
    const char *const *names = NULL;
    size_t name_count = 0;
    assert_ok(floe_file_list(folder, &world->ice.arena, &names, &name_count, &err), &err);
    for (size_t i = 0; i < name_count; i++) {
        const char *path = ice_text(&world->ice, "%s/%s", folder, names[i]);
        if (floe_file_is_dir(path)) {
            list_below(world, path, skip, out, count);
        } else {
            floe_buf_printf(out, "%s\n", path + skip);
            (*count)++;
        }
    }
}

static const char *listing(maintain_world *world, size_t *ret_count) {
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_MIB(16));
    *ret_count = 0;
    list_below(world, world->ice.table.folder, strlen(world->ice.table.folder) + 1, &out, ret_count);
    return floe_arena_str(&world->ice.arena, floe_buf_view(&out)).ptr;
}

const char *maintain_listing(maintain_world *world) {
    size_t count = 0;
    return listing(world, &count);
}

size_t maintain_file_count(maintain_world *world) {
    size_t count = 0;
    (void)listing(world, &count);
    return count;
}
