/*
 * Scans for people and programs: rows of a table as Arrow batches or as a file, and the plan of a scan.
 *
 * Phases: choose the schema → bind the filter to it → plan files → SQL over them → stream or COPY.
 * A filter that floe parses prunes files and is given to the engine as SQL that floe wrote. With engine_where, text that
 * floe cannot parse or bind goes to the engine as it is, in parentheses: it filters rows and prunes nothing.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/iceberg/metadata.h"
#include "offline/iceberg/plan_int.h"
#include "offline/lake_int.h"
#include "offline/write_rows.h"

#include <string.h>
#include <strings.h>

/* Where an output column comes from. */
typedef enum output_kind {
    OUTPUT_COLUMN,
    OUTPUT_FILE,
    OUTPUT_POSITION,
    OUTPUT_ROW_ID,
    OUTPUT_ROW_SEQUENCE
} output_kind;
typedef struct output_column {
    output_kind kind;
    const floe_ice_field *field;
    floe_str name;
} output_column;

typedef struct scan_job {
    floe_table *table;
    floe_scan_request request; /* columns without the metadata columns */
    floe_arena *arena;
    const floe_ice_schema *schema;
    output_column *outputs;
    size_t output_count;
    bool with_file, with_position;
    bool with_lineage;   /* _row_id or _last_updated_sequence_number */
    floe_expr *filter;   /* bound; NULL: none, or only the engine understands it */
    bool raw;            /* request.where goes to the engine as it is */
    const char *unbound; /* of a raw filter that floe can parse: why it could not be bound; NULL: not even that */
    floe_table_scan_files files;
} scan_job;

/* ---- outputs ---- */

/* What writers that keep rows put into files; under names that no filter can mean. */
static const floe_ice_type LONG = {.kind = FLOE_ICE_LONG, .text = {"long", 4}};
static const floe_ice_field OWN_ROW_ID = {.id = 2147483540, .name = {"__floe_own_row_id", 17}, .type = &LONG};
static const floe_ice_field OWN_SEQUENCE = {.id = 2147483539, .name = {"__floe_own_row_sequence", 23}, .type = &LONG};

static const struct {
    const char *name;
    output_kind kind; /* OUTPUT_COLUMN: refused */
} METADATA_COLUMNS[] = {{"_file", OUTPUT_FILE},      {"_pos", OUTPUT_POSITION},
                        {"_row_id", OUTPUT_ROW_ID},  {"_last_updated_sequence_number", OUTPUT_ROW_SEQUENCE},
                        {"_spec_id", OUTPUT_COLUMN}, {"_partition", OUTPUT_COLUMN},
                        {"_deleted", OUTPUT_COLUMN}};

static floe_status add_metadata_output(scan_job *job, output_column *output, output_kind kind, floe_error *err) {
    FLOE_ENSURE(kind != OUTPUT_COLUMN, err, FLOE_UNSUPPORTED,
                "the metadata column %.*s; this version of floe has _file, _pos, _row_id and "
                "_last_updated_sequence_number",
                FLOE_STR_BRIEF(output->name));
    output->kind = kind;
    bool lineage = kind == OUTPUT_ROW_ID || kind == OUTPUT_ROW_SEQUENCE;
    job->with_file = job->with_file || kind == OUTPUT_FILE;
    job->with_position = job->with_position || kind == OUTPUT_POSITION || lineage;
    job->with_lineage = job->with_lineage || lineage;
    return FLOE_OK;
}

static floe_status add_output(scan_job *job, floe_str name, floe_error *err) {
    output_column *output = &job->outputs[job->output_count++];
    const floe_ice_field *const *found = NULL;
    size_t count = 0;
    output->name = name;
    bool own = floe_ice_field_by_name(job->schema, name) != NULL; /* A column of that name is meant first. */
    for (size_t i = 0; !own && i < sizeof(METADATA_COLUMNS) / sizeof(METADATA_COLUMNS[0]); i++) {
        if (floe_str_is(name, METADATA_COLUMNS[i].name)) {
            return add_metadata_output(job, output, METADATA_COLUMNS[i].kind, err);
        }
    }
    FLOE_TRY(floe_columns_find(job->schema, &name, 1, job->arena, &found, &count, err));
    output->field = found[0];
    return FLOE_OK;
}

static floe_status add_outputs(scan_job *job, floe_error *err) {
    const floe_scan_request *request = &job->request;
    size_t count = request->columns ? request->column_count : job->schema->field_count;
    job->outputs = floe_arena_alloc(job->arena, count + 1, sizeof(*job->outputs));
    FLOE_TRY(floe_arena_check(job->arena, err));
    FLOE_ENSURE(count > 0, err, FLOE_INVALID, "no columns were asked for");
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(add_output(job, request->columns ? request->columns[i] : job->schema->fields[i].name, err));
    }
    return FLOE_OK;
}

/* ---- filter ---- */

static floe_status bind_filter(scan_job *job, floe_error *err) {
    size_t count = job->schema->field_count;
    floe_column *columns = floe_arena_alloc(job->arena, count + 1, sizeof(*columns));
    floe_str text = floe_arena_str(job->arena, floe_str_of(job->request.where));
    FLOE_TRY(floe_arena_check(job->arena, err));
    for (size_t i = 0; i < count; i++) {
        columns[i] = (floe_column){job->schema->fields[i].name, floe_ice_type_to_floe(job->schema->fields[i].type)};
    }
    FLOE_TRY(floe_expr_parse(job->arena, text, &job->filter, err));
    return floe_expr_bind(job->filter, job->arena, columns, count, err);
}

/* What a literal or a column is of; NONE for anything else. */
static floe_kind kind_of(const scan_job *job, const floe_expr *expr) {
    if (expr->op == FLOE_EXPR_LITERAL && !expr->literal.is_null) {
        return expr->literal.type.kind;
    }
    for (size_t i = 0; expr->op == FLOE_EXPR_COLUMN && i < job->schema->field_count; i++) {
        if (floe_str_equal(expr->column, job->schema->fields[i].name)) {
            return floe_ice_type_to_floe(job->schema->fields[i].type).kind;
        }
    }
    return FLOE_KIND_NONE;
}

static bool is_comparison(floe_expr_op op) {
    return (op >= FLOE_EXPR_EQ && op <= FLOE_EXPR_LIKE) || op == FLOE_EXPR_BETWEEN;
}

/* Whether text is compared with a number somewhere: the engine would cast one of them, row by row. */
static bool mixes_text_and_number(const scan_job *job, const floe_expr *expr) {
    bool text = false;
    bool number = false;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        floe_kind kind = kind_of(job, expr->args[i]);
        text = text || kind == FLOE_KIND_STRING;
        number = number || floe_kind_is_number(kind);
        if (mixes_text_and_number(job, expr->args[i])) {
            return true;
        }
    }
    return text && number && is_comparison(expr->op);
}

static floe_status read_filter(scan_job *job, floe_error *err) {
    floe_error why = {0};
    if (job->request.where == NULL) {
        return FLOE_OK;
    }
    FLOE_ENSURE(floe_str_trim(floe_str_of(job->request.where)).len > 0, err, FLOE_INVALID,
                "where: the filter is empty; leave it out to have every row");
    floe_status status = bind_filter(job, &why);
    if (!floe_failed(status)) {
        return FLOE_OK;
    }
    bool parsed = job->filter != NULL;
    bool mixed = parsed && status.code == FLOE_INVALID && mixes_text_and_number(job, job->filter);
    job->filter = NULL;
    bool given_up = job->request.engine_where && !mixed && status.code != FLOE_NOMEM;
    if (!given_up) {
        return FLOE_FAIL(err, why.code, "where: %s", why.message);
    }
    job->raw = true;
    job->unbound = parsed ? floe_arena_strdup(job->arena, why.message) : NULL;
    return floe_arena_check(job->arena, err);
}

/* ---- SQL ---- */

static void add_field(const floe_ice_field **fields, size_t *count, const floe_ice_field *field) {
    for (size_t i = 0; i < *count; i++) {
        if (fields[i] == field) {
            return;
        }
    }
    fields[(*count)++] = field;
}

/* The columns that the filter uses. A filter that only the engine understands may use any that can be read. */
static floe_status add_filter_fields(const scan_job *job, const floe_ice_field **fields, size_t *count,
                                     floe_error *err) {
    floe_str *names = NULL;
    size_t name_count = 0;
    if (job->filter != NULL) {
        floe_expr_columns(job->filter, job->arena, &names, &name_count);
        FLOE_TRY(floe_arena_check(job->arena, err));
    }
    for (size_t i = 0; i < name_count; i++) {
        const floe_ice_field *field = floe_ice_field_by_name(job->schema, names[i]);
        FLOE_TRY(floe_column_check(field, err));
        add_field(fields, count, field);
    }
    for (size_t i = 0; job->raw && i < job->schema->field_count; i++) {
        floe_error ignored = {0};
        if (!floe_failed(floe_column_check(&job->schema->fields[i], &ignored))) {
            add_field(fields, count, &job->schema->fields[i]);
        }
    }
    return FLOE_OK;
}

/* Columns of the bound filter under the names that they have inside the scan. */
static floe_status rename_columns(const scan_job *job, floe_expr *expr, floe_error *err) {
    if (expr->op == FLOE_EXPR_COLUMN) {
        const floe_ice_field *field = floe_ice_field_by_name(job->schema, expr->column);
        expr->column = floe_str_of(floe_arena_printf(job->arena, "c%d", (int)field->id));
        return floe_arena_check(job->arena, err);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        FLOE_TRY(rename_columns(job, expr->args[i], err));
    }
    return FLOE_OK;
}

static floe_status where_sql(const scan_job *job, floe_buf *out, floe_error *err) {
    if (job->raw) {
        floe_buf_printf(out, " WHERE ("); /* floe_where_check knows that the text closes what it opens. */
        floe_buf_text(out, job->request.where);
        floe_buf_text(out, ")");
    } else if (job->filter != NULL) {
        FLOE_TRY(rename_columns(job, job->filter, err));
        floe_buf_text(out, " WHERE ");
        FLOE_TRY(floe_sql_from_expr(job->filter, "", out, err));
    }
    if (job->request.limit >= 0) {
        floe_buf_printf(out, " LIMIT %lld", (long long)job->request.limit);
    }
    return FLOE_OK;
}

static void column_sql(const scan_job *job, const output_column *output, floe_buf *out) {
    if (job->raw) {
        floe_sql_quote_name(out, output->name);
    } else {
        floe_buf_printf(out, "c%d", (int)output->field->id);
    }
}

/* Rows of files without a first row id have no lineage, whatever the file says. */
static void metadata_sql(const scan_job *job, output_kind kind, floe_buf *out) {
    const floe_ice_field *own = kind == OUTPUT_ROW_ID ? &OWN_ROW_ID : &OWN_SEQUENCE;
    if (kind == OUTPUT_FILE || kind == OUTPUT_POSITION) {
        floe_buf_text(out, kind == OUTPUT_FILE ? "__floe_file" : "__floe_pos");
        return;
    }
    floe_buf_text(out, "CASE WHEN __floe_first IS NULL THEN NULL ELSE coalesce(");
    if (job->raw) {
        floe_sql_quote_name(out, own->name);
    } else {
        floe_buf_printf(out, "c%d", (int)own->id);
    }
    floe_buf_text(out, kind == OUTPUT_ROW_ID ? ", __floe_first + __floe_pos) END" : ", __floe_dseq) END");
}

static void output_sql(const scan_job *job, floe_buf *out) {
    for (size_t i = 0; i < job->output_count; i++) {
        const output_column *output = &job->outputs[i];
        floe_buf_text(out, i > 0 ? ", " : "");
        if (output->kind == OUTPUT_COLUMN) {
            column_sql(job, output, out);
        } else {
            metadata_sql(job, output->kind, out);
        }
        floe_buf_text(out, " AS ");
        floe_sql_quote_name(out, output->name);
    }
}

/* The table's files as one FROM item, with the columns that outputs and filter use. */
static floe_status from_sql(const scan_job *job, floe_session *session, floe_buf *out, floe_error *err) {
    size_t most = job->output_count + job->schema->field_count;
    const floe_ice_field **fields = floe_arena_alloc(job->arena, most + 3, sizeof(floe_ice_field *));
    size_t count = 0;
    FLOE_TRY(floe_arena_check(job->arena, err));
    for (size_t i = 0; i < job->output_count; i++) {
        if (job->outputs[i].kind == OUTPUT_COLUMN) {
            add_field(fields, &count, job->outputs[i].field);
        }
    }
    if (job->with_lineage) {
        add_field(fields, &count, &OWN_ROW_ID);
        add_field(fields, &count, &OWN_SEQUENCE);
    }
    FLOE_TRY(add_filter_fields(job, fields, &count, err));
    floe_scan_sql_options options = {.schema_names = job->raw,
                                     .with_position = job->with_position,
                                     .with_file = job->with_file,
                                     .with_sequence = job->with_lineage,
                                     .with_row_ids = job->with_lineage};
    FLOE_TRY(floe_scan_sql_build(job->table, &job->files, fields, count, &options, session, out, err));
    floe_buf_text(out, " AS floe_scan");
    return floe_buf_check(out, err);
}

static floe_status scan_sql(const scan_job *job, floe_session *session, floe_buf *out, floe_error *err) {
    floe_buf_text(out, "SELECT ");
    output_sql(job, out);
    floe_buf_text(out, " FROM ");
    FLOE_TRY(from_sql(job, session, out, err));
    FLOE_TRY(where_sql(job, out, err));
    return floe_buf_check(out, err);
}

/* ---- filters that only the engine reads ---- */

/* The type of the filter over the table's columns, and whether it is of one row: no data file is needed for that. */
static floe_status check_type(const scan_job *job, floe_session *session, floe_error *err) {
    scan_job bare = *job;
    const floe_query_column *columns = NULL;
    size_t count = 0;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    bare.files.file_count = 0;
    bare.with_file = bare.with_position = bare.with_lineage = false; /* a filter is over the table's own columns */
    floe_buf_text(&sql, "SELECT (");
    floe_buf_text(&sql, job->request.where);
    floe_buf_text(&sql, ") AS filter FROM ");
    FLOE_TRY(from_sql(&bare, session, &sql, err));
    FLOE_TRY(where_sql(&bare, &sql, err));
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_describe(session, sql.ptr, job->arena, &columns, &count, err));
    FLOE_ENSURE(count == 1 && floe_str_is(columns[0].type, "BOOLEAN"), err, FLOE_INVALID,
                "the filter is %.*s, neither true nor false; compare it with something",
                FLOE_STR_BRIEF(columns[0].type));
    return FLOE_OK;
}

/* Why a filter that floe can parse is none is told in floe's words, all else in the engine's. */
static floe_status check_raw_filter(const scan_job *job, floe_error *err) {
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    floe_engine *engine = NULL;
    floe_error why = {0};
    FLOE_TRY(floe_lake_engine(job->table->lake, &engine, err));
    FLOE_TRY(floe_session_open(engine, job->table->lake->run, &session, err));
    floe_status status = floe_where_check(session, job->request.where, &why);
    if (!floe_failed(status)) {
        status = check_type(job, session, &why);
    }
    if (!floe_failed(status)) {
        return FLOE_OK;
    }
    bool ours = status.code == FLOE_INVALID && job->unbound;
    return FLOE_FAIL(err, why.code, "where: %s", ours ? job->unbound : why.message);
}

/* ---- preparing ---- */

static floe_status prepare(scan_job *job, floe_table *table, const floe_scan_request *request, floe_arena *arena,
                           floe_error *err) {
    const floe_ice_snapshot *snapshot = NULL;
    *job = (scan_job){.table = table, .request = *request, .arena = arena};
    floe_status status = floe_snapshot_choose(&table->metadata, request, &snapshot, &job->schema, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "table %.*s", FLOE_STR_BRIEF(table->name));
    }
    FLOE_TRY(add_outputs(job, err));
    FLOE_TRY(read_filter(job, err));
    floe_str *names = floe_arena_alloc(arena, job->output_count + 1, sizeof(*names));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (size_t i = 0; i < job->output_count; i++) {
        if (job->outputs[i].kind == OUTPUT_COLUMN) {
            names[count++] = job->outputs[i].name;
        }
    }
    job->request.columns = names;
    job->request.column_count = count;
    FLOE_TRY((request->added_since ? floe_scan_plan_changes : floe_table_scan_plan_files)(
        table, &job->request, job->filter, arena, &job->files, err));
    if (job->raw) {
        job->files.plan.note = FLOE_STR("floe cannot read this filter, the engine can: rows are filtered, no file is "
                                        "pruned");
        return check_raw_filter(job, err);
    }
    return FLOE_OK;
}

floe_status floe_table_plan(floe_table *table, const floe_scan_request *request, floe_arena *arena,
                            floe_scan_plan *ret_plan, floe_error *err) {
    scan_job job;
    FLOE_TRY(prepare(&job, table, request, arena, err));
    *ret_plan = job.files.plan;
    return FLOE_OK;
}

/* Written to a file, the second of two columns of one name, or of names that differ only in case, would get another name. */
static floe_status check_file_names(const floe_table *table, const scan_job *job, floe_error *err) {
    for (size_t i = 0; i < job->output_count; i++) {
        for (size_t k = 0; k < i; k++) {
            floe_str a = job->outputs[k].name;
            floe_str b = job->outputs[i].name;
            FLOE_ENSURE(!floe_str_equal(a, b), err, FLOE_INVALID,
                        "the column \"%.*s\" is asked for twice; a file has each once, so name it once",
                        FLOE_STR_BRIEF(a));
            FLOE_ENSURE(a.len != b.len || strncasecmp(a.ptr, b.ptr, a.len) != 0, err, FLOE_UNSUPPORTED,
                        "table %.*s: the columns \"%.*s\" and \"%.*s\" differ only in case and cannot both be "
                        "written to one file; choose with --columns",
                        FLOE_STR_BRIEF(table->name), FLOE_STR_BRIEF(a), FLOE_STR_BRIEF(b));
        }
    }
    return FLOE_OK;
}

static floe_status open_scan(floe_table *table, const floe_scan_request *request, bool to_file,
                             floe_session **ret_session, floe_buf *out, floe_error *err) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_GIB(8));
    __attribute__((cleanup(floe_session_close))) floe_session *session = NULL;
    floe_engine *engine = NULL;
    scan_job job;
    FLOE_TRY(prepare(&job, table, request, &arena, err));
    FLOE_TRY(to_file ? check_file_names(table, &job, err) : FLOE_OK);
    FLOE_TRY(floe_lake_engine(table->lake, &engine, err));
    FLOE_TRY(floe_session_open(engine, table->lake->run, &session, err));
    FLOE_TRY(scan_sql(&job, session, out, err));
    *ret_session = session;
    session = NULL;
    return FLOE_OK;
}

floe_status floe_scan_source_sql(floe_table *table, const floe_scan_request *request, floe_session *session,
                                 floe_scan_source *source, floe_error *err) {
    scan_job job;
    FLOE_TRY(prepare(&job, table, request, source->arena, err));
    FLOE_TRY(scan_sql(&job, session, source->sql, err));
    source->paths = job.files.local_paths;
    source->path_count = job.files.file_count;
    return FLOE_OK;
}

/* ---- streams ---- */

typedef struct scan_stream {
    floe_session *session;
    struct ArrowArrayStream rows;
    bool filtered;
} scan_stream;

/* What the engine finds INVALID while it reads rows can only be the filter. */
static floe_status name_filter(bool filtered, floe_status status, floe_error *err) {
    return filtered && status.code == FLOE_INVALID ? floe_error_prefix(err, status, "where") : status;
}

static floe_status stream_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    scan_stream *stream = context;
    return floe_arrow_stream_schema(&stream->rows, "scan", ret_schema, err);
}

static floe_status stream_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    scan_stream *stream = context;
    return name_filter(stream->filtered, floe_arrow_stream_next(&stream->rows, "scan", ret_batch, err), err);
}

static void stream_close(void *context) {
    scan_stream *stream = context;
    floe_arrow_stream_release(&stream->rows);
    floe_session_close(&stream->session);
    floe_free(stream);
}

floe_status floe_table_scan(floe_table *table, const floe_scan_request *request, struct ArrowArrayStream *ret_stream,
                            floe_error *err) {
    static const floe_stream_source SOURCE = {stream_schema, stream_next, stream_close};
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_GIB(1));
    FLOE_AUTO_FREE scan_stream *stream = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*stream), &stream, err));
    stream->filtered = request->where != NULL;
    floe_status status = open_scan(table, request, false, &stream->session, &sql, err);
    if (!floe_failed(status)) {
        status = floe_session_stream(stream->session, sql.ptr, NULL, &stream->rows, err);
        status = name_filter(stream->filtered, status, err);
    }
    if (!floe_failed(status)) {
        status = floe_arrow_stream_make(&SOURCE, stream, ret_stream, err);
    }
    if (floe_failed(status)) {
        floe_arrow_stream_release(&stream->rows);
        floe_session_close(&stream->session);
        return status;
    }
    stream = NULL;
    return FLOE_OK;
}

/* ---- files ---- */

floe_status floe_table_scan_to(floe_table *table, const floe_scan_request *request, const char *path, int64_t *ret_rows,
                               floe_error *err) {
    FLOE_AUTO_BUF sql = {0};
    __attribute__((cleanup(floe_session_close))) floe_session *session = NULL;
    int64_t rows = 0;
    floe_buf_init(&sql, FLOE_GIB(1));
    FLOE_TRY(floe_rows_check(path, err));
    FLOE_TRY(open_scan(table, request, true, &session, &sql, err));
    FLOE_TRY(name_filter(request->where != NULL, floe_rows_prepare(session, sql.ptr, path, 0, &rows, err), err));
    FLOE_TRY(floe_rows_publish(path, err));
    *ret_rows = rows;
    return FLOE_OK;
}
