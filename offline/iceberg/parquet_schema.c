/*
 * The schemas of Parquet files, through the engine's parquet_schema(): one row per node, depth first, file after file.
 *
 * Most files of a table have one schema. Each file's nodes are written as one text; equal texts share a schema, so that
 * later work is done once per schema and not once per file.
 */
#include "offline/iceberg/plan_int.h"

#include "core/limits.h"
#include "core/map.h"

enum { NODES_MAX = 100000 };

typedef struct schema_reader {
    floe_arena *arena;
    floe_map by_path; /* local path → index + 1 */
    floe_map by_text; /* nodes as text → floe_parquet_schema */
    const floe_parquet_schema **schemas;
    size_t count;
    uint32_t schema_count;
    size_t file;        /* the file that the rows are about; SIZE_MAX: none yet */
    floe_str file_name; /* in the batch or the arena */
    floe_parquet_node *nodes;
    size_t node_count, node_capacity;
    uint64_t open[64]; /* children still to come, level by level; the root is level 0 */
    uint32_t depth;    /* levels that are open */
    floe_buf text;
} schema_reader;

static floe_status finish_file(schema_reader *reader, floe_error *err) {
    if (reader->file == SIZE_MAX) {
        return FLOE_OK;
    }
    floe_str key = floe_arena_str(reader->arena, floe_buf_view(&reader->text));
    FLOE_TRY(floe_buf_check(&reader->text, err));
    floe_parquet_schema *schema = floe_map_get(&reader->by_text, key);
    if (schema == NULL) {
        schema = floe_arena_alloc(reader->arena, 1, sizeof(*schema));
        floe_parquet_node *nodes = floe_arena_alloc(reader->arena, reader->node_count + 1, sizeof(*nodes));
        FLOE_TRY(floe_arena_check(reader->arena, err));
        if (reader->node_count > 0) {
            memcpy(nodes, reader->nodes, reader->node_count * sizeof(*nodes));
        }
        *schema =
            (floe_parquet_schema){.nodes = nodes, .node_count = reader->node_count, .number = reader->schema_count++};
        (void)floe_map_put(&reader->by_text, key, schema);
    }
    reader->schemas[reader->file] = schema;
    reader->node_count = 0;
    floe_buf_clear(&reader->text);
    return floe_arena_check(reader->arena, err);
}

static floe_status start_file(schema_reader *reader, floe_str file_name, uint64_t children, floe_error *err) {
    FLOE_TRY(finish_file(reader, err));
    uintptr_t index = (uintptr_t)floe_map_get(&reader->by_path, file_name);
    FLOE_ENSURE(index > 0, err, FLOE_INTERNAL, "the engine speaks of the file %.*s, which it was not given",
                FLOE_STR_ARG(file_name));
    reader->file = index - 1;
    reader->file_name = floe_arena_str(reader->arena, file_name);
    reader->depth = 1;
    reader->open[0] = children;
    return floe_arena_check(reader->arena, err);
}

/* The level of the next node: levels without further children are closed first. */
static floe_status next_level(schema_reader *reader, uint64_t children, uint32_t *ret_level, floe_error *err) {
    while (reader->depth > 0 && reader->open[reader->depth - 1] == 0) {
        reader->depth--;
    }
    bool fits = reader->depth > 0 && reader->depth < sizeof(reader->open) / sizeof(reader->open[0]);
    FLOE_ENSURE(fits, err, FLOE_CORRUPT, "%.*s: the Parquet schema is no tree of at most 63 levels",
                FLOE_STR_ARG(reader->file_name));
    *ret_level = reader->depth - 1;
    reader->open[reader->depth - 1]--;
    reader->open[reader->depth++] = children;
    return FLOE_OK;
}

static floe_status add_node(schema_reader *reader, const floe_parquet_node *read, uint64_t children, floe_error *err) {
    uint32_t level = 0;
    FLOE_TRY(next_level(reader, children, &level, err));
    FLOE_ENSURE(reader->node_count < NODES_MAX, err, FLOE_LIMIT, "%.*s has more than %d columns",
                FLOE_STR_ARG(reader->file_name), NODES_MAX);
    floe_parquet_node *node = FLOE_ARENA_PUSH(reader->arena, reader->nodes, reader->node_count, reader->node_capacity);
    FLOE_TRY(floe_arena_check(reader->arena, err));
    *node = *read;
    node->name = floe_arena_str(reader->arena, read->name);
    node->type = floe_arena_str(reader->arena, read->type);
    node->depth = level;
    floe_buf_varint(&reader->text, level);
    floe_buf_zigzag(&reader->text, node->field_id);
    floe_buf_varint(&reader->text, read->name.len);
    floe_buf_str(&reader->text, read->name);
    floe_buf_varint(&reader->text, read->type.len);
    floe_buf_str(&reader->text, read->type);
    floe_buf_byte(&reader->text, (uint8_t)((read->repeated ? 1 : 0) + (read->marked ? 2 : 0)));
    return floe_arena_check(reader->arena, err);
}

enum {
    COLUMN_FILE,
    COLUMN_NAME,
    COLUMN_CHILDREN,
    COLUMN_FIELD_ID,
    COLUMN_TYPE,
    COLUMN_ROOT,
    COLUMN_REPEATED,
    COLUMN_MARKED,
    COLUMN_COUNT
};

static floe_status read_row(schema_reader *reader, const floe_value row[COLUMN_COUNT], floe_error *err) {
    uint64_t children = (uint64_t)row[COLUMN_CHILDREN].as.integer;
    if (row[COLUMN_ROOT].as.boolean) {
        return start_file(reader, row[COLUMN_FILE].as.bytes, children, err);
    }
    FLOE_ENSURE(reader->file != SIZE_MAX, err, FLOE_INTERNAL, "a Parquet schema begins without its root");
    int64_t id = row[COLUMN_FIELD_ID].as.integer;
    const floe_parquet_node node = {.name = row[COLUMN_NAME].as.bytes,
                                    .field_id = id >= 0 && id <= INT32_MAX ? (int32_t)id : -1,
                                    .type = row[COLUMN_TYPE].as.bytes,
                                    .repeated = row[COLUMN_REPEATED].as.boolean,
                                    .marked = row[COLUMN_MARKED].as.boolean};
    return add_node(reader, &node, children, err);
}

static floe_status read_batch(schema_reader *reader, const struct ArrowSchema *schema, const struct ArrowArray *batch,
                              floe_error *err) {
    floe_arrow_view views[COLUMN_COUNT];
    floe_value row[COLUMN_COUNT];
    for (int64_t i = 0; i < COLUMN_COUNT; i++) {
        FLOE_TRY(floe_arrow_view_of(schema, batch, i, &views[i], err));
    }
    for (int64_t r = 0; r < batch->length; r++) {
        for (size_t i = 0; i < COLUMN_COUNT; i++) {
            FLOE_TRY(floe_arrow_get(&views[i], r, reader->arena, &row[i], err));
        }
        FLOE_TRY(read_row(reader, row, err));
    }
    return FLOE_OK;
}

static floe_status read_stream(schema_reader *reader, struct ArrowArrayStream *stream, floe_error *err) {
    static const char what[] = "the schemas of the data files";
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(floe_arrow_stream_schema(stream, what, &schema, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(stream, what, &batch, err));
        if (batch.release == NULL) {
            return finish_file(reader, err);
        }
        FLOE_TRY(read_batch(reader, &schema, &batch, err));
    }
}

static floe_status run_query(schema_reader *reader, floe_session *session, const char *list_sql, floe_error *err) {
    FLOE_AUTO_BUF sql = {0};
    FLOE_AUTO_STREAM stream = {0};
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_printf(&sql,
                    "SELECT file_name, name, coalesce(num_children, 0)::BIGINT, coalesce(field_id, -1)::BIGINT, "
                    /* The engine calls nanoseconds in UTC by the name of microseconds, which it cuts them down to. */
                    "CASE WHEN duckdb_type = 'TIMESTAMP WITH TIME ZONE' AND logical_type LIKE '%%NANOS=NanoSeconds%%' "
                    "THEN 'TIMESTAMP_NS WITH TIME ZONE' ELSE coalesce(duckdb_type, '') END, column_id = 0, "
                    "coalesce(repetition_type = 'REPEATED', false), coalesce(converted_type IN ('LIST', 'MAP'), false) "
                    "FROM parquet_schema(");
    floe_buf_text(&sql, list_sql);
    floe_buf_byte(&sql, ')');
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_stream(session, sql.ptr, NULL, &stream, err));
    return read_stream(reader, &stream, err);
}

static floe_status check_complete(const schema_reader *reader, const char *const *paths, floe_error *err) {
    for (size_t i = 0; i < reader->count; i++) {
        FLOE_ENSURE(reader->schemas[i] != NULL, err, FLOE_CORRUPT, "%s: the file has no Parquet schema", paths[i]);
    }
    return FLOE_OK;
}

static floe_status prepare(schema_reader *reader, const char *const *paths, floe_error *err) {
    floe_map_init(&reader->by_path, reader->arena);
    floe_map_init(&reader->by_text, reader->arena);
    reader->schemas = floe_arena_alloc(reader->arena, reader->count + 1, sizeof(*reader->schemas));
    for (uintptr_t i = 0; i < reader->count; i++) {
        (void)floe_map_put(&reader->by_path, floe_str_of(paths[i]), (void *)(i + 1));
    }
    return floe_arena_check(reader->arena, err);
}

/* ---- files whose statistics nobody can trust ---- */

static bool has_ids(const floe_parquet_schema *schema) {
    bool has = false;
    for (size_t i = 0; i < schema->node_count && !has; i++) {
        has = schema->nodes[i].depth == 0 && schema->nodes[i].field_id >= 0;
    }
    return has;
}

/* The doubtful twin of a schema, made once. `twins` holds one for each number that there was before. */
static floe_status doubt(schema_reader *reader, floe_parquet_schema **twins, floe_str file_name, floe_error *err) {
    uintptr_t index = (uintptr_t)floe_map_get(&reader->by_path, file_name);
    FLOE_ENSURE(index > 0, err, FLOE_INTERNAL, "the engine speaks of the file %.*s, which it was not given",
                FLOE_STR_ARG(file_name));
    const floe_parquet_schema *schema = reader->schemas[index - 1];
    if (has_ids(schema) || schema->doubtful) {
        return FLOE_OK;
    }
    if (twins[schema->number] == NULL) {
        floe_parquet_schema *twin = floe_arena_alloc(reader->arena, 1, sizeof(*twin));
        FLOE_TRY(floe_arena_check(reader->arena, err));
        *twin = *schema;
        twin->number = reader->schema_count++;
        twin->doubtful = true;
        twins[schema->number] = twin;
    }
    reader->schemas[index - 1] = twins[schema->number];
    return FLOE_OK;
}

static floe_status doubt_batch(schema_reader *reader, floe_parquet_schema **twins, const struct ArrowSchema *schema,
                               const struct ArrowArray *batch, floe_error *err) {
    floe_arrow_view view;
    FLOE_TRY(floe_arrow_view_of(schema, batch, 0, &view, err));
    for (int64_t r = 0; r < batch->length; r++) {
        floe_value name;
        FLOE_TRY(floe_arrow_get(&view, r, reader->arena, &name, err));
        FLOE_TRY(doubt(reader, twins, name.as.bytes, err));
    }
    return FLOE_OK;
}

static floe_status doubt_files(schema_reader *reader, floe_session *session, const char *list_sql, floe_error *err) {
    static const char what[] = "the footers of the data files";
    FLOE_AUTO_BUF sql = {0};
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    floe_parquet_schema **twins = floe_arena_alloc(reader->arena, reader->schema_count + 1, sizeof(*twins));
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_text(&sql, "SELECT file_name FROM parquet_file_metadata(");
    floe_buf_text(&sql, list_sql);
    /* DuckDB names no orders either, but has only ever written what it reads. */
    floe_buf_text(&sql, ") WHERE column_orders IS NULL AND NOT starts_with(coalesce(created_by, ''), 'DuckDB')");
    FLOE_TRY(floe_arena_check(reader->arena, err));
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_stream(session, sql.ptr, NULL, &stream, err));
    FLOE_TRY(floe_arrow_stream_schema(&stream, what, &schema, err));
    for (;;) {
        FLOE_AUTO_ARRAY batch = {0};
        FLOE_TRY(floe_arrow_stream_next(&stream, what, &batch, err));
        if (batch.release == NULL) {
            return FLOE_OK;
        }
        FLOE_TRY(doubt_batch(reader, twins, &schema, &batch, err));
    }
}

/* Whoever gave ids to columns gave orders too: tables of nothing else are not asked again. */
static floe_status doubt_some(schema_reader *reader, floe_session *session, const char *list_sql, floe_error *err) {
    bool all_have_ids = true;
    for (size_t i = 0; i < reader->count && all_have_ids; i++) {
        all_have_ids = has_ids(reader->schemas[i]);
    }
    return all_have_ids ? FLOE_OK : doubt_files(reader, session, list_sql, err);
}

/* ---- files whose schema the engine does not read ---- */

static floe_status blame(const char *path, floe_code code, const char *message, floe_error *err) {
    FLOE_ENSURE(
        strstr(message, "MAP_KEY_VALUE") == NULL, err, FLOE_UNSUPPORTED,
        "%s: the file marks a map in an old way that the engine does not read (MAP_KEY_VALUE around its entries); "
        "write the file again with a tool of today",
        path);
    return strstr(message, path) != NULL ? FLOE_FAIL(err, code, "%s", message)
                                         : FLOE_FAIL(err, code, "%s: %s", path, message);
}

/* The engine says what is wrong with the schema of a file, but not of which: each is asked for alone. */
static floe_status name_file(floe_session *session, const char *const *paths, size_t count, const floe_error *failure,
                             floe_error *err) {
    bool of_a_file = failure->code == FLOE_IO || failure->code == FLOE_INVALID || failure->code == FLOE_CORRUPT ||
                     failure->code == FLOE_UNSUPPORTED;
    for (size_t i = 0; of_a_file && i < count; i++) {
        FLOE_AUTO_BUF sql = {0};
        floe_error own = {0};
        floe_buf_init(&sql, FLOE_MIB(1));
        floe_buf_text(&sql, "SELECT count(*) FROM parquet_schema([");
        floe_sql_quote_path(&sql, floe_str_of(paths[i]));
        floe_buf_text(&sql, "])");
        FLOE_TRY(floe_buf_check(&sql, err));
        if (floe_failed(floe_session_run(session, sql.ptr, NULL, NULL, &own))) {
            return blame(paths[i], own.code, own.message, err);
        }
    }
    return FLOE_FAIL(err, failure->code, "%s", failure->message);
}

floe_status floe_parquet_schemas_read(floe_session *session, const char *list_sql, const char *const *paths,
                                      size_t count, floe_arena *arena, const floe_parquet_schema *const **ret_schemas,
                                      floe_error *err) {
    schema_reader reader = {.arena = arena, .count = count, .file = SIZE_MAX};
    floe_buf_init(&reader.text, FLOE_MIB(64));
    floe_error failure = {0};
    floe_status status = prepare(&reader, paths, &failure);
    if (!floe_failed(status)) {
        status = run_query(&reader, session, list_sql, &failure);
    }
    floe_buf_close(&reader.text);
    FLOE_TRY(floe_failed(status) ? name_file(session, paths, count, &failure, err) : FLOE_OK);
    FLOE_TRY(check_complete(&reader, paths, err));
    FLOE_TRY(doubt_some(&reader, session, list_sql, err));
    *ret_schemas = reader.schemas;
    return FLOE_OK;
}
