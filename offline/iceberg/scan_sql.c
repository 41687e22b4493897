/*
 * The SQL over the files of a planned scan.
 *
 * Phases: give the engine the file list → read the files' schemas → decide per schema how each column is found → put the
 * files that are read alike into one group → one read_parquet per group, joined by UNION ALL, under one SELECT that
 * names the columns.
 * Inside, columns are called c<field id>: those names are unique whatever the table's names are.
 */
#include "offline/iceberg/plan_int.h"

#include "core/limits.h"
#include "core/map.h"
#include "offline/lake_int.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

enum { LITERAL_PATHS_MAX = 64 }; /* longer lists go to the engine as a value, which is parsed much faster */

/* Files that one read_parquet reads. */
typedef struct scan_group {
    const floe_column_place *places; /* one per field */
    const bool *constant;            /* one per field: filled from the partition */
    size_t *files;                   /* indexes into the plan */
    size_t file_count, file_capacity;
} scan_group;

typedef struct sql_builder {
    floe_table *table;
    const floe_table_scan_files *files;
    const floe_ice_field *const *fields;
    size_t field_count;
    const floe_scan_sql_options *options;
    floe_session *session;
    floe_arena *arena;
    floe_ptrs groups;
    floe_buf *out;
} sql_builder;

/* ---- file lists ---- */

/* The engine takes a path with one of *?[ for a pattern: in brackets each of them stands for itself. */
static floe_status path_pattern(sql_builder *builder, const char *path, floe_str *ret_pattern, floe_error *err) {
    *ret_pattern = floe_str_of(path);
    if (strpbrk(path, "*?[") == NULL) {
        return FLOE_OK;
    }
    FLOE_ENSURE(strchr(path, '\\') == NULL, err, FLOE_UNSUPPORTED,
                "%s: the engine cannot open a path with a backslash and one of *?[", path);
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_MIB(1));
    for (const char *at = path; *at != 0; at++) {
        floe_buf_printf(&out, strchr("*?[", *at) != NULL ? "[%c]" : "%c", *at);
    }
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
static floe_status list_sql(sql_builder *builder, const char *const *paths, size_t count, const char **ret_sql,
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

static floe_status check_present(const sql_builder *builder, floe_error *err) {
    floe_fs *fs = builder->table->fs;
    for (size_t i = 0; i < builder->files->file_count; i++) {
        const char *path = builder->files->local_paths[i];
        FLOE_TRY(floe_path_check_local(floe_str_of(path), err));
        FLOE_ENSURE(fs->ops->exists(fs, path), err, FLOE_NOT_FOUND, "table %.*s: the data file %s is not there%s",
                    FLOE_STR_BRIEF(builder->table->name), path,
                    builder->table->moved.from.len == 0 ? "; a table that was moved needs --moved-from and --moved-to"
                                                        : "");
    }
    return FLOE_OK;
}

/* ---- groups ---- */

/* The identity-partition value that a file has for a column, or NULL. */
static const floe_value *partition_value(const sql_builder *builder, size_t file_index, int32_t field_id) {
    const floe_ice_data_file *file = builder->files->files[file_index];
    const floe_ice_spec *spec = floe_ice_spec_by_id(builder->files->metadata, file->spec_id);
    for (size_t i = 0; spec != NULL && file->partition != NULL && i < spec->field_count; i++) {
        const floe_ice_partition_field *field = &spec->fields[i];
        bool there = i < file->partition_count && !file->partition[i].is_null;
        if (field->transform == FLOE_TRANSFORM_IDENTITY && field->source_id == field_id && there) {
            return &file->partition[i];
        }
    }
    return NULL;
}

static floe_status check_spec(const sql_builder *builder, size_t file_index, floe_error *err) {
    const floe_ice_data_file *file = builder->files->files[file_index];
    FLOE_ENSURE(floe_ice_spec_by_id(builder->files->metadata, file->spec_id) != NULL, err, FLOE_CORRUPT,
                "the data file %.*s belongs to the partition spec %d, which the table does not have",
                FLOE_STR_ARG(file->path), (int)file->spec_id);
    return FLOE_OK;
}

/* What makes two files read alike, as text: how each column is found, and the schema's number where names matter. */
static floe_status group_key(const sql_builder *builder, const floe_column_place *places,
                             const floe_parquet_schema *schema, size_t file, bool *constant, floe_str *ret_key,
                             floe_error *err) {
    FLOE_AUTO_BUF key = {0};
    floe_buf_init(&key, FLOE_MIB(1));
    bool by_name = false;
    for (size_t i = 0; i < builder->field_count; i++) {
        bool missing = places[i].source == FLOE_COLUMN_MISSING;
        if (missing) {
            FLOE_TRY(check_spec(builder, file, err));
        }
        constant[i] = missing && partition_value(builder, file, builder->fields[i]->id) != NULL;
        by_name = by_name || places[i].source == FLOE_COLUMN_BY_NAME;
        floe_buf_byte(&key, constant[i] ? 'c' : missing ? 'm' : 'f');
    }
    floe_buf_u32(&key, by_name ? schema->number + 1 : 0);
    FLOE_TRY(floe_buf_check(&key, err));
    *ret_key = floe_arena_str(builder->arena, floe_buf_view(&key));
    return floe_arena_check(builder->arena, err);
}

static floe_status add_to_group(sql_builder *builder, floe_map *by_key, const floe_column_place *places,
                                const floe_parquet_schema *schema, size_t file, floe_error *err) {
    bool *constant = floe_arena_alloc(builder->arena, builder->field_count + 1, sizeof(*constant));
    floe_str key = {0};
    FLOE_TRY(floe_arena_check(builder->arena, err));
    FLOE_TRY(group_key(builder, places, schema, file, constant, &key, err));
    scan_group *group = floe_map_get(by_key, key);
    if (group == NULL) {
        group = floe_arena_alloc(builder->arena, 1, sizeof(*group));
        FLOE_TRY(floe_arena_check(builder->arena, err));
        group->places = places;
        group->constant = constant;
        (void)floe_map_put(by_key, key, group);
        floe_ptrs_append(&builder->groups, builder->arena, group);
    }
    size_t *slot = FLOE_ARENA_PUSH(builder->arena, group->files, group->file_count, group->file_capacity);
    FLOE_TRY(floe_arena_check(builder->arena, err));
    *slot = file;
    return FLOE_OK;
}

static floe_status make_groups(sql_builder *builder, const floe_parquet_schema *const *schemas, floe_error *err) {
    size_t count = builder->files->file_count;
    const floe_column_place **by_schema = floe_arena_alloc(builder->arena, count + 1, sizeof(*by_schema));
    floe_map by_key;
    floe_map_init(&by_key, builder->arena);
    FLOE_TRY(floe_arena_check(builder->arena, err));
    for (size_t i = 0; i < count; i++) {
        uint32_t number = schemas[i]->number;
        if (by_schema[number] == NULL) {
            floe_column_place *places = floe_arena_alloc(builder->arena, builder->field_count + 1, sizeof(*places));
            FLOE_TRY(floe_arena_check(builder->arena, err));
            FLOE_TRY(floe_columns_place(builder->files->metadata, schemas[i], builder->files->local_paths[i],
                                        builder->fields, builder->field_count, builder->arena, places, err));
            by_schema[number] = places;
        }
        FLOE_TRY(add_to_group(builder, &by_key, by_schema[number], schemas[i], i, err));
    }
    return FLOE_OK;
}

/* ---- one group ---- */

static void type_sql(const sql_builder *builder, size_t field, floe_buf *out) {
    floe_ice_type_sql(builder->fields[field]->type, builder->options->plain_times, out);
}

/* The values of the group's files for one column, picked by the file's index. */
static floe_status constant_sql(sql_builder *builder, const scan_group *group, size_t field, floe_error *err) {
    floe_buf_text(builder->out, "([");
    for (size_t i = 0; i < group->file_count; i++) {
        floe_buf_text(builder->out, i > 0 ? ", " : "");
        const floe_value *value = partition_value(builder, group->files[i], builder->fields[field]->id);
        floe_status status =
            floe_partition_constant(builder->fields[field], builder->options->plain_times, value, builder->out, err);
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "%s", builder->files->local_paths[group->files[i]]);
        }
    }
    floe_buf_text(builder->out, "]::");
    type_sql(builder, field, builder->out);
    floe_buf_text(builder->out, "[])[(file_index + 1)::BIGINT]");
    return FLOE_OK;
}

static floe_status column_sql(sql_builder *builder, const scan_group *group, size_t field, floe_error *err) {
    int32_t id = builder->fields[field]->id;
    if (group->constant[field]) {
        FLOE_TRY(constant_sql(builder, group, field, err));
        floe_buf_printf(builder->out, " AS c%d", (int)id);
    } else if (group->places[field].source == FLOE_COLUMN_MISSING) {
        floe_buf_text(builder->out, "CAST(NULL AS ");
        type_sql(builder, field, builder->out);
        floe_buf_printf(builder->out, ") AS c%d", (int)id);
    } else {
        floe_buf_printf(builder->out, "c%d", (int)id);
    }
    return FLOE_OK;
}

static bool is_contiguous(const scan_group *group) {
    return group->files[group->file_count - 1] - group->files[0] == group->file_count - 1;
}

static void position_sql(sql_builder *builder, const scan_group *group) {
    if (is_contiguous(group)) {
        floe_buf_printf(builder->out, ", (file_index + %zu)::BIGINT AS __seq", group->files[0]);
    } else {
        floe_buf_text(builder->out, ", ([");
        for (size_t i = 0; i < group->file_count; i++) {
            floe_buf_printf(builder->out, "%s%zu", i > 0 ? "," : "", group->files[i]);
        }
        floe_buf_text(builder->out, "]::BIGINT[])[(file_index + 1)::BIGINT] AS __seq");
    }
    floe_buf_text(builder->out, ", file_row_number::BIGINT AS __pos");
}

static void file_sql(sql_builder *builder, const scan_group *group) {
    floe_buf_text(builder->out, ", ([");
    for (size_t i = 0; i < group->file_count; i++) {
        floe_buf_text(builder->out, i > 0 ? ", " : "");
        floe_sql_quote_text(builder->out, builder->files->files[group->files[i]]->path);
    }
    floe_buf_text(builder->out, "]::VARCHAR[])[(file_index + 1)::BIGINT] AS __file");
}

/* schema=MAP {id: {…}}, or by the names in the file. A map cannot be empty, so a column that no file has stands in. */
static void schema_sql(sql_builder *builder, const scan_group *group) {
    floe_buf *out = builder->out;
    size_t written = 0;
    floe_buf_text(out, "MAP {");
    for (size_t i = 0; i < builder->field_count; i++) {
        const floe_column_place *place = &group->places[i];
        FLOE_AUTO_BUF type = {0};
        floe_buf_init(&type, FLOE_MIB(1));
        if (place->source == FLOE_COLUMN_MISSING) {
            continue;
        }
        floe_buf_text(out, written++ > 0 ? ", " : "");
        if (place->source == FLOE_COLUMN_BY_NAME) {
            floe_sql_quote_text(out, place->name);
        } else {
            floe_buf_printf(out, "%d", (int)builder->fields[i]->id);
        }
        type_sql(builder, i, &type);
        floe_buf_printf(out, ": {'name': 'c%d', 'type': ", (int)builder->fields[i]->id);
        floe_sql_quote_text(out, floe_buf_view(&type));
        floe_buf_text(out, ", 'default_value': NULL::VARCHAR}");
    }
    if (written == 0) {
        floe_buf_text(out, "2147483000: {'name': 'floe_none', 'type': 'INTEGER', 'default_value': NULL::VARCHAR}");
    }
    floe_buf_byte(out, '}');
}

static floe_status group_sql(sql_builder *builder, const scan_group *group, floe_error *err) {
    const char **paths = floe_arena_alloc(builder->arena, group->file_count, sizeof(*paths));
    const char *list = NULL;
    int64_t rows = 0;
    FLOE_TRY(floe_arena_check(builder->arena, err));
    for (size_t i = 0; i < group->file_count; i++) {
        paths[i] = builder->files->local_paths[group->files[i]];
        rows += builder->files->files[group->files[i]]->record_count;
    }
    FLOE_TRY(list_sql(builder, paths, group->file_count, &list, err));
    floe_buf_text(builder->out, "SELECT ");
    for (size_t i = 0; i < builder->field_count; i++) {
        floe_buf_text(builder->out, i > 0 ? ", " : "");
        FLOE_TRY(column_sql(builder, group, i, err));
    }
    floe_buf_text(builder->out, builder->field_count == 0 ? "NULL AS floe_row" : "");
    if (builder->options->with_position) {
        position_sql(builder, group);
    }
    if (builder->options->with_file) {
        file_sql(builder, group);
    }
    floe_buf_printf(builder->out, " FROM read_parquet(%s", "");
    floe_buf_text(builder->out, list);
    floe_buf_printf(builder->out, ", explicit_cardinality=%" PRId64 ", can_have_nan=true, schema=", rows);
    schema_sql(builder, group);
    floe_buf_byte(builder->out, ')');
    return FLOE_OK;
}

static void empty_sql(sql_builder *builder) {
    floe_buf_text(builder->out, "SELECT ");
    for (size_t i = 0; i < builder->field_count; i++) {
        floe_buf_text(builder->out, i > 0 ? ", CAST(NULL AS " : "CAST(NULL AS ");
        type_sql(builder, i, builder->out);
        floe_buf_printf(builder->out, ") AS c%d", (int)builder->fields[i]->id);
    }
    floe_buf_text(builder->out, builder->field_count == 0 ? "NULL AS floe_row" : "");
    floe_buf_text(builder->out, builder->options->with_position
                                    ? ", CAST(NULL AS BIGINT) AS __seq, CAST(NULL AS BIGINT) AS __pos"
                                    : "");
    floe_buf_text(builder->out, builder->options->with_file ? ", CAST(NULL AS VARCHAR) AS __file" : "");
    floe_buf_text(builder->out, " WHERE false");
}

/* ---- the whole ---- */

static floe_status groups_sql(sql_builder *builder, floe_error *err) {
    const char *list = NULL;
    const floe_parquet_schema *const *schemas = NULL;
    if (builder->files->file_count == 0) {
        empty_sql(builder);
        return FLOE_OK;
    }
    FLOE_TRY(check_present(builder, err));
    FLOE_TRY(list_sql(builder, builder->files->local_paths, builder->files->file_count, &list, err));
    FLOE_TRY(floe_parquet_schemas_read(builder->session, list, builder->files->local_paths, builder->files->file_count,
                                       builder->arena, &schemas, err));
    FLOE_TRY(make_groups(builder, schemas, err));
    for (size_t i = 0; i < builder->groups.count; i++) {
        floe_buf_text(builder->out, i > 0 ? " UNION ALL " : "");
        FLOE_TRY(group_sql(builder, builder->groups.items[i], err));
    }
    return FLOE_OK;
}

static bool same_name(floe_str a, floe_str b) {
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* The engine ignores case in names, so that two columns of one name would make every use of it ambiguous. */
static floe_status check_names(const sql_builder *builder, floe_error *err) {
    for (size_t i = 0; i < builder->field_count; i++) {
        floe_str name = builder->fields[i]->name;
        bool taken = (builder->options->with_position &&
                      (same_name(name, FLOE_STR("__seq")) || same_name(name, FLOE_STR("__pos")))) ||
                     (builder->options->with_file && same_name(name, FLOE_STR("__file")));
        FLOE_ENSURE(!taken, err, FLOE_UNSUPPORTED, "the column name \"%.*s\" is one that floe uses itself",
                    FLOE_STR_BRIEF(name));
        for (size_t k = 0; k < i; k++) {
            FLOE_ENSURE(!same_name(name, builder->fields[k]->name), err, FLOE_UNSUPPORTED,
                        "the columns \"%.*s\" and \"%.*s\" differ only in case and cannot be used together",
                        FLOE_STR_BRIEF(builder->fields[k]->name), FLOE_STR_BRIEF(name));
        }
    }
    return FLOE_OK;
}

static void names_sql(const sql_builder *builder) {
    for (size_t i = 0; i < builder->field_count; i++) {
        floe_buf_printf(builder->out, "%sc%d AS ", i > 0 ? ", " : "", (int)builder->fields[i]->id);
        floe_sql_quote_name(builder->out, builder->fields[i]->name);
    }
    floe_buf_text(builder->out, builder->field_count == 0 ? "floe_row" : "");
    floe_buf_text(builder->out, builder->options->with_position ? ", __seq, __pos" : "");
    floe_buf_text(builder->out, builder->options->with_file ? ", __file" : "");
}

floe_status floe_scan_sql_build(floe_table *table, const floe_table_scan_files *files,
                                const floe_ice_field *const *fields, size_t field_count,
                                const floe_scan_sql_options *options, floe_session *session, floe_buf *out,
                                floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_GIB(4));
    sql_builder builder = {.table = table,
                           .files = files,
                           .fields = fields,
                           .field_count = field_count,
                           .options = options,
                           .session = session,
                           .arena = &arena,
                           .out = out};
    floe_buf_byte(out, '(');
    if (options->schema_names) {
        FLOE_TRY(check_names(&builder, err));
        floe_buf_text(out, "SELECT ");
        names_sql(&builder);
        floe_buf_text(out, " FROM (");
    }
    FLOE_TRY(groups_sql(&builder, err));
    floe_buf_text(out, options->schema_names ? "))" : ")");
    return floe_buf_check(out, err);
}

floe_status floe_table_scan_sql(floe_table *table, const floe_table_scan_files *files, const floe_str *columns,
                                size_t column_count, bool with_position, floe_session *session, floe_buf *out,
                                floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    const floe_ice_field *const *fields = NULL;
    size_t count = 0;
    FLOE_TRY(floe_columns_find(files->schema, columns, column_count, &arena, &fields, &count, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(floe_column_check(files->metadata, fields[i], err));
    }
    floe_scan_sql_options options = {.schema_names = true, .plain_times = true, .with_position = with_position};
    return floe_scan_sql_build(table, files, fields, count, &options, session, out, err);
}
