/*
 * The SQL over the files of a planned scan.
 *
 * Phases: give the engine the file list → read the files' schemas → decide per schema how each column is found → put the
 * files that are read alike into one group → read the position deletes → one read_parquet per group, joined by UNION ALL,
 * under one SELECT that names the columns.
 * Inside, columns are called c<field id>: those names are unique whatever the table's names are.
 */
#include "offline/iceberg/scan/scan_int.h"

#include "core/limits.h"
#include "core/map.h"
#include "offline/lake_int.h"

#include <strings.h>

/* ---- groups ---- */

static floe_status check_spec(const sql_builder *builder, size_t file_index, floe_error *err) {
    const floe_ice_data_file *file = builder->files->files[file_index];
    FLOE_ENSURE(floe_ice_spec_by_id(builder->files->metadata, file->spec_id) != NULL, err, FLOE_CORRUPT,
                "the data file %.*s belongs to the partition spec %d, which the table does not have",
                FLOE_STR_ARG(file->path), (int)file->spec_id);
    return FLOE_OK;
}

static bool has_equalities(const floe_ice_data_file *file) {
    return file->deletes != NULL && file->deletes->equalities.count + file->deletes->everywhere.count > 0;
}

/* How many of the builder's fields a file is read with. */
static size_t fields_of(const sql_builder *builder, size_t file) {
    return has_equalities(builder->files->files[file]) ? builder->field_count : builder->visible_count;
}

/* What makes two files read alike, as text: how each column is found, and the schema's number where names matter. */
static floe_status group_key(const sql_builder *builder, const floe_column_place *places,
                             const floe_parquet_schema *schema, size_t file, bool *constant, floe_str *ret_key,
                             floe_error *err) {
    FLOE_AUTO_BUF key = {0};
    floe_buf_init(&key, FLOE_MIB(1));
    bool by_name = false;
    floe_buf_byte(&key, has_equalities(builder->files->files[file]) ? 'e' : 'p');
    for (size_t i = 0; i < fields_of(builder, file); i++) {
        bool missing = places[i].source == FLOE_COLUMN_MISSING;
        if (missing) {
            FLOE_TRY(check_spec(builder, file, err));
        }
        constant[i] = missing && floe_scan_partition_value(builder, file, builder->fields[i]->id) != NULL;
        by_name = by_name || places[i].source == FLOE_COLUMN_BY_NAME || places[i].expression.ptr != NULL;
        floe_buf_byte(&key, constant[i] ? 'c' : missing ? 'm' : places[i].cut ? 'n' : places[i].zoned ? 'z' : 'f');
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
        group->field_count = fields_of(builder, file);
        group->live_view = -1;
        (void)floe_map_put(by_key, key, group);
        floe_ptrs_append(&builder->groups, builder->arena, group);
    }
    size_t *slot = FLOE_ARENA_PUSH(builder->arena, group->files, group->file_count, group->file_capacity);
    FLOE_TRY(floe_arena_check(builder->arena, err));
    *slot = file;
    return FLOE_OK;
}

static floe_status check_delete_columns(const sql_builder *builder, const floe_column_place *places, const char *path,
                                        floe_error *err) {
    for (size_t i = 0; i < builder->field_count; i++) {
        FLOE_ENSURE(places[i].source != FLOE_COLUMN_MISSING, err, FLOE_CORRUPT,
                    "the equality delete file %s lacks its column \"%.*s\" (id %d)", path,
                    FLOE_STR_BRIEF(builder->fields[i]->name), (int)builder->fields[i]->id);
    }
    return FLOE_OK;
}

/* The places of a file's fields, found once per schema, with and without the key columns of equality deletes. */
static floe_status find_places(const sql_builder *builder, const floe_column_place **known,
                               const floe_parquet_schema *schema, size_t file, const floe_column_place **ret_places,
                               floe_error *err) {
    size_t count = fields_of(builder, file);
    const floe_column_place **slot = &known[schema->number * 2 + (count > builder->visible_count ? 1 : 0)];
    const char *path = builder->files->local_paths[file];
    if (*slot == NULL) {
        floe_column_place *places = floe_arena_alloc(builder->arena, count + 1, sizeof(*places));
        FLOE_TRY(floe_arena_check(builder->arena, err));
        FLOE_TRY(floe_columns_place(builder->files->metadata, schema, path, builder->fields, count, builder->arena,
                                    places, err));
        *slot = places;
    }
    *ret_places = *slot;
    return builder->deletes ? check_delete_columns(builder, *slot, path, err) : FLOE_OK;
}

static floe_status make_groups(sql_builder *builder, const floe_parquet_schema *const *schemas, floe_error *err) {
    size_t count = builder->files->file_count;
    const floe_column_place **known = floe_arena_alloc(builder->arena, 2 * count + 2, sizeof(*known));
    floe_map by_key;
    floe_map_init(&by_key, builder->arena);
    FLOE_TRY(floe_arena_check(builder->arena, err));
    for (size_t i = 0; i < count; i++) {
        const floe_column_place *places = NULL;
        FLOE_TRY(find_places(builder, known, schemas[i], i, &places, err));
        FLOE_TRY(add_to_group(builder, &by_key, places, schemas[i], i, err));
    }
    for (size_t i = 0; i < builder->groups.count; i++) {
        FLOE_TRY(floe_scan_batches_make(builder, builder->groups.items[i], err));
        FLOE_TRY(floe_scan_copies_make(builder, builder->groups.items[i], err));
    }
    return FLOE_OK;
}

/* What options add to the columns, in the order in which groups give it. */
static const struct {
    size_t option; /* place of the flag */
    const char *name, *type;
} EXTRAS[] = {{offsetof(floe_scan_sql_options, with_position), "__floe_seq", "BIGINT"},
              {offsetof(floe_scan_sql_options, with_sequence), "__floe_dseq", "BIGINT"},
              {offsetof(floe_scan_sql_options, with_scope), "__floe_scope", "BIGINT"},
              {offsetof(floe_scan_sql_options, with_row_ids), "__floe_first", "BIGINT"},
              {offsetof(floe_scan_sql_options, with_position), "__floe_pos", "BIGINT"},
              {offsetof(floe_scan_sql_options, with_file), "__floe_file", "VARCHAR"}};

static bool has_extra(const floe_scan_sql_options *options, size_t index) {
    return *(const bool *)((const char *)options + EXTRAS[index].option);
}

void floe_scan_extra_names(const floe_scan_sql_options *options, const char *before, floe_buf *out) {
    for (size_t i = 0; i < sizeof(EXTRAS) / sizeof(EXTRAS[0]); i++) {
        if (has_extra(options, i)) {
            floe_buf_text(out, before);
            floe_buf_text(out, EXTRAS[i].name);
        }
    }
}

static void empty_sql(sql_builder *builder) {
    floe_buf_text(builder->out, "SELECT ");
    for (size_t i = 0; i < builder->visible_count; i++) {
        floe_buf_text(builder->out, i > 0 ? ", CAST(NULL AS " : "CAST(NULL AS ");
        floe_scan_type_sql(builder, i, builder->out);
        floe_buf_printf(builder->out, ") AS c%d", (int)builder->fields[i]->id);
    }
    floe_buf_text(builder->out, builder->visible_count == 0 ? "NULL AS floe_row" : "");
    for (size_t i = 0; i < sizeof(EXTRAS) / sizeof(EXTRAS[0]); i++) {
        if (has_extra(builder->options, i)) {
            floe_buf_printf(builder->out, ", CAST(NULL AS %s) AS %s", EXTRAS[i].type, EXTRAS[i].name);
        }
    }
    floe_buf_text(builder->out, " WHERE false");
}

/* ---- the whole ---- */

floe_status floe_scan_groups_sql(sql_builder *builder, floe_error *err) {
    const char *list = NULL;
    const char *const *names = NULL;
    const floe_parquet_schema *const *schemas = NULL;
    if (builder->files->file_count == 0) {
        empty_sql(builder);
        return FLOE_OK;
    }
    FLOE_TRY(floe_scan_bring_files(builder, &names, err));
    FLOE_TRY(floe_scan_list_sql(builder, builder->files->local_paths, builder->files->file_count, &list, err));
    FLOE_TRY(floe_parquet_schemas_read(builder->session, list, names, builder->files->file_count, builder->arena,
                                       &schemas, err));
    FLOE_TRY(make_groups(builder, schemas, err));
    FLOE_TRY(floe_scan_positions_load(builder, err));
    FLOE_TRY(floe_scan_keys_load(builder, err));
    for (size_t i = 0; i < builder->groups.count; i++) {
        floe_buf_text(builder->out, i > 0 ? " UNION ALL " : "");
        FLOE_TRY(floe_scan_group_sql(builder, builder->groups.items[i], err));
    }
    return FLOE_OK;
}

static bool same_name(floe_str a, floe_str b) {
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* The engine ignores case in names, so that two columns of one name would make every use of it ambiguous. */
static floe_status check_names(const sql_builder *builder, floe_error *err) {
    for (size_t i = 0; i < builder->visible_count; i++) {
        floe_str name = builder->fields[i]->name;
        bool taken = false;
        for (size_t k = 0; k < sizeof(EXTRAS) / sizeof(EXTRAS[0]); k++) {
            taken = taken || (has_extra(builder->options, k) && same_name(name, floe_str_of(EXTRAS[k].name)));
        }
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
    for (size_t i = 0; i < builder->visible_count; i++) {
        floe_buf_printf(builder->out, "%sc%d AS ", i > 0 ? ", " : "", (int)builder->fields[i]->id);
        floe_sql_quote_name(builder->out, builder->fields[i]->name);
    }
    floe_buf_text(builder->out, builder->visible_count == 0 ? "floe_row" : "");
    floe_scan_extra_names(builder->options, ", ", builder->out);
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
                           .visible_count = field_count,
                           .field_count = field_count,
                           .options = options,
                           .session = session,
                           .arena = &arena,
                           .out = out};
    floe_map_init(&builder.remote, &arena);
    floe_map_init(&builder.copies, &arena);
    floe_map_init(&builder.key_sets, &arena);
    floe_map_init(&builder.scopes, &arena);
    FLOE_TRY(floe_scan_keys_find(&builder, err));
    floe_buf_byte(out, '(');
    if (options->schema_names) {
        FLOE_TRY(check_names(&builder, err));
        floe_buf_text(out, "SELECT ");
        names_sql(&builder);
        floe_buf_text(out, " FROM (");
    }
    FLOE_TRY(floe_scan_groups_sql(&builder, err));
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
        FLOE_TRY(floe_column_check_plain(fields[i], err));
    }
    floe_scan_sql_options options = {.schema_names = true, .plain_times = true, .with_position = with_position};
    return floe_scan_sql_build(table, files, fields, count, &options, session, out, err);
}
