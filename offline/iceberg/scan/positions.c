/*
 * Reading what deletes rows by position, for the engine to leave them out.
 *
 * Phases: deletion vectors, file by file → position delete files, all in one query: every row goes to the data file that
 * its path means, inside the query → one set of positions per data file → one view per group of files that the engine reads together.
 * Rule: rows without a path say nothing. Rows for files that are not read are skipped, so are those of a delete file that
 *       is older than the data file. See deletes.h for what applies to what.
 */
#include "offline/iceberg/scan/scan_int.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"
#include "offline/iceberg/corrupt.h"
#include "offline/iceberg/deletes.h"
#include "offline/iceberg/deletion_vector.h"
#include "offline/lake_int.h"

#include <inttypes.h>

enum { PATH_ID = 2147483546, POSITION_ID = 2147483545 }; /* reserved field ids of position delete files */

typedef struct position_loader {
    sql_builder *builder;
    floe_arena *scratch; /* until the sets are made */
    floe_live_set *set;
    const floe_positions **by_file; /* one per file of the plan */
    floe_positions_maker **found;   /* one per file of the plan; NULL: none yet */
    floe_map by_path;               /* how data files are known → index + 1 */
    floe_map contents;              /* files of deletion vectors that were read */
    const floe_ice_data_file **deletes;
    const char **delete_paths; /* where they can be opened */
    size_t *delete_targets;    /* the one file that they are about; SIZE_MAX: any */
    size_t delete_count;
    floe_str last_path;    /* that was looked for, and its file; */
    size_t last_file;      /* SIZE_MAX: not read */
    const size_t *reading; /* which of the deletes the engine reads just now */
    floe_status failure;   /* of looking for a path or taking rows, which must not end the engine's query; */
    floe_error *row_err;   /* and why */
} position_loader;

static const floe_ice_data_file *file_at(const position_loader *loader, size_t index) {
    return loader->builder->files->files[index];
}

/* ---- deletion vectors ---- */

static floe_status read_content(position_loader *loader, floe_str path, floe_str *ret_bytes, floe_error *err) {
    floe_table *table = loader->builder->table;
    floe_str *known = floe_map_get(&loader->contents, path);
    if (known == NULL) {
        known = floe_arena_alloc(loader->scratch, 1, sizeof(*known));
        FLOE_TRY(floe_arena_check(loader->scratch, err));
        FLOE_TRY(floe_fs_read_moved(table->fs, &table->moved, path, FLOE_LIMIT_MANIFEST_BYTES, loader->scratch, NULL,
                                    known, err));
        (void)floe_map_put(&loader->contents, path, known);
    }
    *ret_bytes = *known;
    return floe_arena_check(loader->scratch, err);
}

static floe_status decode_vector(position_loader *loader, const floe_ice_data_file *vector, floe_positions *ret_set,
                                 floe_error *err) {
    floe_str content = {0};
    floe_str blob = {0};
    FLOE_TRY(read_content(loader, vector->path, &content, err));
    FLOE_TRY(floe_deletion_vector_slice(content, vector->content_offset, vector->content_len, &blob, err));
    FLOE_TRY(floe_deletion_vector_decode(blob, &loader->set->arena, ret_set, err));
    FLOE_ENSURE((int64_t)ret_set->count == vector->record_count, err, FLOE_CORRUPT,
                "the deletion vector holds %" PRIu64 " rows, its manifest says %" PRId64, ret_set->count,
                vector->record_count);
    return FLOE_OK;
}

static floe_status load_vector(position_loader *loader, size_t index, floe_error *err) {
    const floe_ice_data_file *vector = file_at(loader, index)->deletes->vector;
    floe_positions *set = floe_arena_alloc(&loader->set->arena, 1, sizeof(*set));
    FLOE_TRY(floe_arena_check(&loader->set->arena, err));
    floe_status status = decode_vector(loader, vector, set, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "%.*s, byte %" PRId64, FLOE_STR_ARG(vector->path),
                                 vector->content_offset);
    }
    loader->by_file[index] = set;
    return FLOE_OK;
}

/* ---- rows of position delete files ---- */

static floe_status find_file(position_loader *loader, floe_str path, size_t *ret_file, floe_error *err) {
    floe_str key = {0};
    FLOE_TRY(path.len > 0 ? floe_delete_path(&loader->builder->table->moved, path, loader->scratch, &key, err)
                          : FLOE_OK);
    uintptr_t found = (uintptr_t)floe_map_get(&loader->by_path, key);
    *ret_file = found == 0 ? SIZE_MAX : found - 1;
    return floe_arena_check(loader->scratch, err);
}

/* The number of a row's data file for the engine; neighbouring rows mostly have the same path. */
static int64_t find_number(void *context, floe_str path) {
    position_loader *loader = context;
    if (!floe_str_equal(path, loader->last_path) && !floe_failed(loader->failure)) {
        loader->failure = find_file(loader, path, &loader->last_file, loader->row_err);
        loader->last_path = floe_arena_str(loader->scratch, path);
    }
    return loader->last_file == SIZE_MAX ? -1 : (int64_t)loader->last_file;
}

/* Whether a row of the delete file counts for the data file. */
static floe_status applies(const floe_ice_data_file *deleting, const floe_ice_data_file *file, bool *ret_applies,
                           floe_error *err) {
    *ret_applies =
        deleting->sequence_number >= file->sequence_number && (file->deletes == NULL || file->deletes->vector == NULL);
    FLOE_ENSURE(!*ret_applies || deleting->scope == file->scope, err, FLOE_CORRUPT,
                "%.*s deletes rows of the data file %.*s but is of another partition or partition spec",
                FLOE_STR_ARG(deleting->path), FLOE_STR_ARG(file->path));
    return FLOE_OK;
}

static floe_status maker_of(position_loader *loader, size_t file, floe_positions_maker **ret_maker, floe_error *err) {
    if (loader->found[file] == NULL) {
        loader->found[file] = floe_arena_alloc(&loader->set->arena, 1, sizeof(**loader->found));
        FLOE_TRY(floe_arena_check(&loader->set->arena, err));
        floe_positions_begin(loader->found[file], &loader->set->arena);
    }
    *ret_maker = loader->found[file];
    return FLOE_OK;
}

/* Rows of one delete file about one data file. */
static floe_status add_rows(position_loader *loader, size_t index, size_t file, const int64_t *positions, size_t count,
                            floe_error *err) {
    const floe_ice_data_file *deleting = loader->deletes[index];
    const floe_ice_data_file *data = file_at(loader, file);
    size_t target = loader->delete_targets[index];
    floe_positions_maker *maker = NULL;
    bool counts = false;
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(positions[i] != INT64_MIN, err, FLOE_CORRUPT, "%.*s deletes a row without a position of %.*s",
                    FLOE_STR_ARG(deleting->path), FLOE_STR_ARG(data->path));
        FLOE_ENSURE(positions[i] >= 0, err, FLOE_CORRUPT, "%.*s deletes the row %" PRId64 " of %.*s",
                    FLOE_STR_ARG(deleting->path), positions[i], FLOE_STR_ARG(data->path));
    }
    if (target != SIZE_MAX && target != file) {
        return FLOE_OK;
    }
    FLOE_TRY(applies(deleting, data, &counts, err));
    if (counts) {
        FLOE_TRY(maker_of(loader, file, &maker, err));
        FLOE_TRY(floe_positions_add(maker, positions, count, err));
    }
    return FLOE_OK;
}

/* Neighbouring rows mostly are of one delete file and one data file. */
static floe_status take_rows(position_loader *loader, const floe_delete_rows *rows, floe_error *err) {
    size_t end = 0;
    for (size_t at = 0; at < rows->count; at = end) {
        for (end = at + 1;
             end < rows->count && rows->files[end] == rows->files[at] && rows->deletes[end] == rows->deletes[at];) {
            end++;
        }
        if (rows->files[at] >= 0) {
            FLOE_TRY(add_rows(loader, loader->reading[rows->deletes[at]], (size_t)rows->files[at], rows->positions + at,
                              end - at, err));
        }
    }
    return FLOE_OK;
}

static void add_found(void *context, const floe_delete_rows *rows) {
    position_loader *loader = context;
    if (!floe_failed(loader->failure)) {
        loader->failure = take_rows(loader, rows, loader->row_err);
    }
}

/* ---- position delete files ---- */

/* How a position delete file is read. */
typedef struct delete_shape {
    bool by_id;  /* its columns have ids, else names */
    bool binary; /* its paths are bytes: texts that their writer has not marked as such */
} delete_shape;
enum { SHAPES = 4 };

static delete_shape shape_of(int index) {
    return (delete_shape){.by_id = (index & 1) != 0, .binary = (index & 2) != 0};
}

static bool is_whole(floe_str type) {
    return floe_str_is(type, "BIGINT") || floe_str_is(type, "INTEGER") || floe_str_is(type, "UBIGINT") ||
           floe_str_is(type, "UINTEGER");
}

/* Whether both columns are there, by id where every column has one, else by name. */
static floe_status check_columns(const floe_parquet_schema *schema, const char *path, int *ret_shape, floe_error *err) {
    bool ids = true;
    bool path_found[2] = {false, false}; /* by name, by id */
    bool position_found[2] = {false, false};
    bool bytes[2] = {false, false};
    for (size_t i = 0; i < schema->node_count; i++) {
        const floe_parquet_node *node = &schema->nodes[i];
        bool binary = floe_str_is(node->type, "BLOB");
        bool text = node->depth == 0 && (binary || floe_str_is(node->type, "VARCHAR"));
        bool whole = node->depth == 0 && is_whole(node->type);
        bool named = text && floe_str_is(node->name, "file_path");
        bool numbered = text && node->field_id == PATH_ID;
        ids = ids && (node->depth > 0 || node->field_id >= 0);
        path_found[0] = path_found[0] || named;
        bytes[0] = bytes[0] || (named && binary);
        position_found[0] = position_found[0] || (whole && floe_str_is(node->name, "pos"));
        path_found[1] = path_found[1] || numbered;
        bytes[1] = bytes[1] || (numbered && binary);
        position_found[1] = position_found[1] || (whole && node->field_id == POSITION_ID);
    }
    bool by_id = ids && path_found[1] && position_found[1];
    FLOE_ENSURE(by_id || (path_found[0] && position_found[0]), err, FLOE_CORRUPT,
                "%s is no position delete file: it lacks the columns file_path (string) and pos (long)", path);
    *ret_shape = (by_id ? 1 : 0) + (bytes[by_id] ? 2 : 0);
    return FLOE_OK;
}

static floe_status read_files(position_loader *loader, const size_t *indexes, size_t count, delete_shape shape,
                              int64_t finder, floe_error *err) {
    static const char ENTRY[] = "{'name': '%s', 'type': '%s', 'default_value': NULL::VARCHAR}";
    const char **paths = floe_arena_alloc(loader->scratch, count + 1, sizeof(*paths));
    const char *list = NULL;
    int64_t rows = 0;
    FLOE_TRY(floe_arena_check(loader->scratch, err));
    for (size_t i = 0; i < count; i++) {
        paths[i] = loader->delete_paths[indexes[i]];
        rows += loader->deletes[indexes[i]]->record_count;
    }
    FLOE_TRY(floe_scan_list_sql(loader->builder, paths, count, &list, err));
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_printf(&sql,
                    "SELECT count(floe_delete_add(%" PRId64 ", file_index, floe_file_of(%" PRId64
                    ", %s), n)) FROM read_parquet(",
                    finder, finder, shape.binary ? "decode(p)" : "p");
    floe_buf_text(&sql, list);
    floe_buf_printf(&sql, ", hive_partitioning=false, explicit_cardinality=%" PRId64 ", schema=MAP {", rows);
    floe_buf_printf(&sql, shape.by_id ? "%d: " : "'file_path': ", PATH_ID);
    floe_buf_printf(&sql, ENTRY, "p", shape.binary ? "BLOB" : "VARCHAR");
    floe_buf_printf(&sql, shape.by_id ? ", %d: " : ", 'pos': ", POSITION_ID);
    floe_buf_printf(&sql, ENTRY, "n", "BIGINT");
    floe_buf_text(&sql, "})");
    FLOE_TRY(floe_buf_check(&sql, err));
    loader->reading = indexes;
    floe_query_rows counted;
    FLOE_TRY(floe_session_query(loader->builder->session, sql.ptr, NULL, loader->scratch, &counted, err));
    return loader->failure; /* no thread of the engine is at rows any more */
}

static floe_status read_all_files(position_loader *loader, int64_t finder, floe_error *err) {
    const floe_parquet_schema *const *schemas = NULL;
    const char *list = NULL;
    size_t *indexes[SHAPES] = {NULL};
    size_t counts[SHAPES] = {0};
    for (size_t i = 0; i < SHAPES; i++) {
        indexes[i] = floe_arena_alloc(loader->scratch, loader->delete_count, sizeof(*indexes[i]));
    }
    FLOE_TRY(floe_arena_check(loader->scratch, err));
    FLOE_TRY(floe_scan_list_sql(loader->builder, loader->delete_paths, loader->delete_count, &list, err));
    FLOE_TRY(floe_parquet_schemas_read(loader->builder->session, list, loader->delete_paths, loader->delete_count,
                                       loader->scratch, &schemas, err));
    for (size_t i = 0; i < loader->delete_count; i++) {
        int shape = 0;
        FLOE_TRY(check_columns(schemas[i], loader->delete_paths[i], &shape, err));
        indexes[shape][counts[shape]++] = i;
    }
    for (int i = 0; i < SHAPES; i++) {
        FLOE_TRY(counts[i] > 0 ? read_files(loader, indexes[i], counts[i], shape_of(i), finder, err) : FLOE_OK);
    }
    return FLOE_OK;
}

/* ---- which delete files ---- */

static floe_status add_delete(position_loader *loader, floe_map *seen, const floe_ice_data_file *file,
                              floe_error *err) {
    static char present;
    floe_table *table = loader->builder->table;
    if (floe_map_put(seen, file->path, &present) != NULL) {
        return floe_arena_check(loader->scratch, err);
    }
    const char **path = &loader->delete_paths[loader->delete_count];
    FLOE_TRY(floe_path_resolve(&table->moved, file->path, loader->scratch, path, err));
    FLOE_TRY(table->fs->ops->fetch(table->fs, path, 1, err));
    FLOE_ENSURE(table->fs->ops->exists(table->fs, *path), err, FLOE_NOT_FOUND,
                "table %.*s: the delete file %s is not there", FLOE_STR_BRIEF(table->name), *path);
    loader->delete_targets[loader->delete_count] = SIZE_MAX;
    if (file->referenced_path.len > 0) {
        FLOE_TRY(find_file(loader, file->referenced_path, &loader->delete_targets[loader->delete_count], err));
    }
    loader->deletes[loader->delete_count++] = file;
    return floe_arena_check(loader->scratch, err);
}

static floe_status collect_deletes(position_loader *loader, floe_error *err) {
    const floe_table_scan_files *files = loader->builder->files;
    floe_map seen;
    floe_map_init(&seen, loader->scratch);
    loader->deletes = floe_arena_alloc(loader->scratch, files->delete_count + 1, sizeof(*loader->deletes));
    loader->delete_paths = floe_arena_alloc(loader->scratch, files->delete_count + 1, sizeof(*loader->delete_paths));
    loader->delete_targets = floe_arena_alloc(loader->scratch, files->delete_count + 1, sizeof(size_t));
    FLOE_TRY(floe_arena_check(loader->scratch, err));
    const floe_ice_data_file *const *last = NULL; /* files of a partition share the end of a list */
    for (size_t i = 0; i < files->file_count; i++) {
        const floe_ice_deletes *found = files->files[i]->deletes;
        if (found == NULL) {
            continue;
        }
        for (size_t k = 0; k < found->own_positions.count; k++) {
            FLOE_TRY(add_delete(loader, &seen, found->own_positions.files[k], err));
        }
        for (size_t k = 0; k < found->positions.count && found->positions.files != last; k++) {
            FLOE_TRY(add_delete(loader, &seen, found->positions.files[k], err));
        }
        last = found->positions.files;
    }
    return FLOE_OK;
}

static floe_status index_paths(position_loader *loader, floe_error *err) {
    const floe_table_scan_files *files = loader->builder->files;
    floe_map_init(&loader->by_path, loader->scratch);
    for (uintptr_t i = 0; i < files->file_count; i++) {
        (void)floe_map_put(&loader->by_path, floe_str_of(files->local_paths[i]), (void *)(i + 1));
    }
    return floe_arena_check(loader->scratch, err);
}

/* ---- sets and views ---- */

static floe_status make_set(position_loader *loader, size_t index, floe_error *err) {
    if (loader->found[index] == NULL) {
        return FLOE_OK;
    }
    floe_positions *set = floe_arena_alloc(&loader->set->arena, 1, sizeof(*set));
    FLOE_TRY(floe_arena_check(&loader->set->arena, err));
    FLOE_TRY(floe_positions_end(loader->found[index], set, err));
    loader->by_file[index] = set;
    return FLOE_OK;
}

/* The engine finds data files by their paths through a view that lives as long as the reading. */
static floe_status read_with_finder(position_loader *loader, floe_error *err) {
    FLOE_CLEANUP(floe_live_set_close) floe_live_set *set = NULL;
    int64_t number = 0;
    FLOE_TRY(floe_live_set_open(&set, err));
    set->views = floe_arena_alloc(&set->arena, 1, sizeof(*set->views));
    FLOE_TRY(floe_arena_check(&set->arena, err));
    set->views[0] = (floe_live_view){.find = find_number, .add = add_found, .context = loader};
    set->view_count = 1;
    const floe_live_set *registered = set;
    FLOE_TRY(floe_session_register(loader->builder->session, &set, &number, err));
    loader->row_err = err;
    floe_status status = read_all_files(loader, number, err);
    floe_session_forget(loader->builder->session, registered);
    return status;
}

static floe_status load_position_files(position_loader *loader, floe_error *err) {
    FLOE_TRY(index_paths(loader, err));
    FLOE_TRY(collect_deletes(loader, err));
    if (loader->delete_count == 0) {
        return FLOE_OK;
    }
    floe_status status = read_with_finder(loader, err);
    if (status.code == FLOE_INVALID) { /* so the engine calls a file that is no Parquet */
        return floe_as_corrupt(status, err);
    }
    FLOE_TRY(status);
    for (size_t i = 0; i < loader->builder->files->file_count; i++) {
        FLOE_TRY(make_set(loader, i, err));
    }
    return FLOE_OK;
}

/* A view for each group, also for one that loses nothing. */
static floe_status make_view(position_loader *loader, const scan_group *group, floe_error *err) {
    const floe_positions **files = floe_arena_alloc(&loader->set->arena, group->file_count + 1, sizeof(*files));
    FLOE_TRY(floe_arena_check(&loader->set->arena, err));
    for (size_t i = 0; i < group->file_count; i++) {
        files[i] = loader->by_file[group->files[i]];
    }
    loader->set->views[loader->set->view_count++] = (floe_live_view){.files = files, .file_count = group->file_count};
    return FLOE_OK;
}

static floe_status make_views(position_loader *loader, floe_error *err) {
    const floe_ptrs *groups = &loader->builder->groups;
    loader->set->views = floe_arena_alloc(&loader->set->arena, groups->count + 1, sizeof(*loader->set->views));
    FLOE_TRY(floe_arena_check(&loader->set->arena, err));
    for (size_t i = 0; i < groups->count; i++) {
        FLOE_TRY(make_view(loader, groups->items[i], err));
    }
    return FLOE_OK;
}

/* A group of which no file loses rows asks for nothing. */
static void use_views(const floe_ptrs *groups, const floe_live_set *set, int64_t first) {
    for (size_t g = 0; g < groups->count; g++) {
        scan_group *group = groups->items[g];
        for (size_t i = 0; i < group->file_count && group->live_view < 0; i++) {
            group->live_view = set->views[g].files[i] != NULL ? first + (int64_t)g : -1;
        }
    }
}

static void hash_path(floe_sha256 *hash, floe_str path) {
    floe_sha256_update(hash, &path.len, sizeof(path.len));
    floe_sha256_update(hash, path.ptr, path.len);
}

/* What the views are made of: the state of the table, the delete files, and which data files each group has in which order. */
static floe_live_key key_of(const sql_builder *builder) {
    floe_live_key key;
    floe_sha256 hash;
    const floe_table_scan_files *files = builder->files;
    const int64_t numbers[] = {files->plan.snapshot_id, (int64_t)builder->groups.count, (int64_t)files->delete_count};
    floe_sha256_init(&hash);
    hash_path(&hash, FLOE_STR("position deletes"));
    hash_path(&hash, floe_str_of(builder->table->metadata_path));
    floe_sha256_update(&hash, numbers, sizeof(numbers));
    for (size_t i = 0; i < files->delete_count; i++) {
        hash_path(&hash, files->deletes[i]->path);
    }
    for (size_t g = 0; g < builder->groups.count; g++) {
        const scan_group *group = builder->groups.items[g];
        floe_sha256_update(&hash, &group->file_count, sizeof(group->file_count));
        for (size_t i = 0; i < group->file_count; i++) {
            hash_path(&hash, files->files[group->files[i]]->path);
        }
    }
    floe_sha256_final(&hash, key.digest);
    return key;
}

/* ---- all of it ---- */

static bool has_positions(const floe_table_scan_files *files) {
    for (size_t i = 0; i < files->file_count; i++) {
        const floe_ice_deletes *found = files->files[i]->deletes;
        if (found != NULL && (found->vector != NULL || found->positions.count > 0 || found->own_positions.count > 0)) {
            return true;
        }
    }
    return false;
}

static floe_status load(position_loader *loader, floe_error *err) {
    const floe_table_scan_files *files = loader->builder->files;
    loader->by_file = floe_arena_alloc(loader->scratch, files->file_count + 1, sizeof(*loader->by_file));
    loader->found = floe_arena_alloc(loader->scratch, files->file_count + 1, sizeof(*loader->found));
    FLOE_TRY(floe_arena_check(loader->scratch, err));
    floe_map_init(&loader->contents, loader->scratch);
    for (size_t i = 0; i < files->file_count; i++) {
        bool has_vector = files->files[i]->deletes != NULL && files->files[i]->deletes->vector != NULL;
        FLOE_TRY(has_vector ? load_vector(loader, i, err) : FLOE_OK);
    }
    FLOE_TRY(load_position_files(loader, err));
    return make_views(loader, err);
}

/* The views go to the session, which keeps them for the next scan of the same. */
static floe_status keep(position_loader *loader, const floe_live_key *key, floe_error *err) {
    floe_session *session = loader->builder->session;
    floe_live_set *set = loader->set;
    int64_t first = 0;
    FLOE_TRY(floe_session_register(session, &loader->set, &first, err));
    floe_status status = floe_session_count_live(session, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "table %.*s: its position deletes take %zu bytes of the memory",
                                 FLOE_STR_BRIEF(loader->builder->table->name), set->arena.used);
    }
    set->key = *key;
    set->keyed = true;
    use_views(&loader->builder->groups, set, first);
    return FLOE_OK;
}

floe_status floe_scan_positions_load(sql_builder *builder, floe_error *err) {
    int64_t first = 0;
    if (!has_positions(builder->files)) {
        return FLOE_OK;
    }
    const floe_live_key key = key_of(builder);
    const floe_live_set *known = floe_session_find_live(builder->session, &key, &first);
    if (known != NULL) {
        use_views(&builder->groups, known, first);
        return FLOE_OK;
    }
    FLOE_AUTO_ARENA scratch = {0};
    floe_arena_init(&scratch, FLOE_GIB(16));
    position_loader loader = {.builder = builder, .scratch = &scratch, .last_file = SIZE_MAX};
    FLOE_TRY(floe_live_set_open(&loader.set, err));
    floe_status status = load(&loader, err);
    if (!floe_failed(status)) {
        status = keep(&loader, &key, err);
    }
    floe_live_set_close(&loader.set);
    return status;
}
