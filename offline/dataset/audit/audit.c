/*
 * A built file held against the rule, by a way that shares nothing with the kernel.
 *
 * Phases: the kept spine and the file into the session → their content hashes → the rows to audit → every feature by
 * generated SQL over the pinned snapshots, where a row meets only what it may use → each cell of the file against it →
 * per view, how near the youngest usable row came.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/audit/audit.h"
#include "offline/lake_int.h"

#include <inttypes.h>
#include <string.h>

#define FINDINGS_MAX 10
#define CELL_BYTES 2048                 /* of one answer's state in the engine, with what compares it */
#define FRAMED_BYTES 64                 /* of one answer that only is compared */
#define KEPT_BYTES 32                   /* of one row, where the state holds rows */
#define THREAD_BYTES FLOE_MIB(128)      /* of one thread: some 60 MB are beside what the engine counts */
#define LONG_AGO "-8000000000000000000" /* so far that a label's distance to it is an int64 */

typedef struct audit {
    dataset_job *job;
    const char *file;
    int64_t sample;                   /* rows; 0: all */
    const floe_query_column *answers; /* the features' columns */
    size_t answer_count;
    built_form form; /* how the file's cells come */
    bool framed;     /* the table "framed" has some of the answers */
    floe_dataset_audit *result;
    floe_audit_finding *findings; /* room for FINDINGS_MAX */
} audit;

/* ---- the file ---- */

/* A text's value: what floe writes for the type, read back. */
static floe_status append_read(const floe_query_column *column, floe_buf *sql, floe_error *err) {
    bool list = floe_str_ends_with(column->type, FLOE_STR("[]"));
    bool nested = !list && (floe_str_starts_with(column->type, FLOE_STR("STRUCT(")) ||
                            floe_str_starts_with(column->type, FLOE_STR("MAP(")));
    FLOE_ENSURE(!nested && !(list && floe_str_starts_with(column->type, FLOE_STR("BLOB"))), err, FLOE_UNSUPPORTED,
                "column \"%.*s\" is %.*s, which a text file does not give back; audit a .parquet file",
                FLOE_STR_ARG(column->name), FLOE_STR_ARG(column->type));
    if (floe_str_is(column->type, "BLOB")) {
        floe_buf_text(sql, "from_base64(");
        floe_sql_quote_name(sql, column->name);
        floe_buf_text(sql, ")");
    } else {
        floe_buf_text(sql, list ? "CAST(CAST(" : "CAST(");
        floe_sql_quote_name(sql, column->name);
        floe_buf_printf(sql, "%s AS %.*s)", list ? " AS JSON)" : "", FLOE_STR_ARG(column->type));
    }
    floe_buf_text(sql, " AS ");
    floe_sql_quote_name(sql, column->name);
    return FLOE_OK;
}

/* A value in the type it was built with, where the format holds it in another. */
static void append_near(const audit *a, const floe_query_column *column, floe_buf *sql) {
    floe_buf_text(sql, a->form == BUILT_NEAR ? "CAST(" : "");
    floe_sql_quote_name(sql, column->name);
    if (a->form == BUILT_NEAR) {
        floe_buf_printf(sql, " AS %.*s) AS ", FLOE_STR_ARG(column->type));
        floe_sql_quote_name(sql, column->name);
    }
}

static floe_status append_columns(const audit *a, const floe_query_column *columns, size_t count, floe_buf *sql,
                                  floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(sql, sql->ptr[sql->len - 1] == ' ' ? "" : ", ");
        if (a->form == BUILT_TEXT) {
            FLOE_TRY(append_read(&columns[i], sql, err));
        } else {
            append_near(a, &columns[i], sql);
        }
    }
    return FLOE_OK;
}

static floe_status check_file_columns(const audit *a, const char *item, floe_error *err) {
    const floe_query_column *columns;
    const spine_table *spine = &a->job->spine;
    size_t count;
    const char *select = floe_arena_printf(a->job->arena, "FROM %s", item);
    FLOE_TRY(floe_arena_check(a->job->arena, err));
    FLOE_TRY(floe_session_describe(a->job->session, select, a->job->arena, &columns, &count, err));
    size_t wanted = spine->column_count + a->answer_count;
    for (size_t i = 0; i < wanted; i++) {
        bool of_spine = i < spine->column_count;
        const floe_query_column *want = of_spine ? &spine->columns[i] : &a->answers[i - spine->column_count];
        FLOE_ENSURE(i < count && floe_str_equal(columns[i].name, want->name), err, FLOE_INVALID,
                    "%s has no column \"%.*s\" in place %zu: it is not the file that was built", a->file,
                    FLOE_STR_ARG(want->name), i + 1);
        FLOE_ENSURE(a->form != BUILT_EXACT || floe_str_equal(columns[i].type, want->type), err, FLOE_INVALID,
                    "%s: the column \"%.*s\" is %.*s and was built as %.*s", a->file, FLOE_STR_ARG(want->name),
                    FLOE_STR_ARG(columns[i].type), FLOE_STR_ARG(want->type));
    }
    FLOE_ENSURE(count == wanted, err, FLOE_INVALID, "%s has %zu columns, the dataset has %zu", a->file, count, wanted);
    return FLOE_OK;
}

/* A file of lines that has none does not even say what its columns are: they are the dataset's, without a row. */
static floe_status name_empty_lines(const audit *a, const char **item, floe_error *err) {
    const spine_table *spine = &a->job->spine;
    bool lines = a->form == BUILT_TEXT && floe_str_ends_nocase(floe_str_of(a->file), ".jsonl");
    uint64_t len = 1;
    FLOE_TRY(lines ? floe_file_len(a->file, &len, err) : FLOE_OK);
    if (len > 0) {
        return FLOE_OK;
    }
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    for (size_t i = 0; i < spine->column_count + a->answer_count; i++) {
        bool of_spine = i < spine->column_count;
        floe_buf_text(&sql, i > 0 ? ", NULL::VARCHAR AS " : "(SELECT NULL::VARCHAR AS ");
        floe_sql_quote_name(&sql, of_spine ? spine->columns[i].name : a->answers[i - spine->column_count].name);
    }
    floe_buf_text(&sql, " WHERE false)");
    FLOE_TRY(floe_buf_check(&sql, err));
    *item = floe_arena_strndup(a->job->arena, sql.ptr, sql.len);
    return floe_arena_check(a->job->arena, err);
}

/* The session's table "built". */
static floe_status load_file(audit *a, floe_error *err) {
    dataset_job *job = a->job;
    const char *item;
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(64));
    FLOE_TRY(floe_dataset_file_item(job->lake, job->session, a->file, job->arena, &item, &a->form, err));
    FLOE_TRY(name_empty_lines(a, &item, err));
    FLOE_TRY(check_file_columns(a, item, err));
    floe_buf_text(&sql, "CREATE TEMP TABLE built AS SELECT ");
    FLOE_TRY(append_columns(a, job->spine.columns, job->spine.column_count, &sql, err));
    FLOE_TRY(append_columns(a, a->answers, a->answer_count, &sql, err));
    floe_buf_printf(&sql, " FROM %s", item);
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_status status = floe_session_run(job->session, sql.ptr, NULL, NULL, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "%s", a->file);
    }
    FLOE_TRY(floe_session_query(job->session, "SELECT (SELECT count(*) FROM built), (SELECT count(*) FROM spine)", NULL,
                                job->arena, &rows, err));
    FLOE_ENSURE(rows.values[0].as.integer == rows.values[1].as.integer, err, FLOE_INVALID,
                "%s has %" PRId64 " rows, the dataset has %" PRId64, a->file, rows.values[0].as.integer,
                rows.values[1].as.integer);
    a->result->row_count = rows.values[0].as.integer;
    return FLOE_OK;
}

static floe_status check_hash(audit *a, floe_error *err) {
    FLOE_AUTO_BUF rest;
    content_hash hash;
    floe_buf_init(&rest, FLOE_MIB(16));
    for (size_t i = 0; i < a->answer_count; i++) {
        floe_buf_text(&rest, ", s.");
        floe_sql_quote_name(&rest, a->answers[i].name);
    }
    floe_buf_text(&rest, " FROM built s");
    FLOE_TRY(floe_buf_check(&rest, err));
    FLOE_TRY(floe_dataset_hash_rows(a->job, rest.ptr, &hash, err));
    const char *expected = a->job->request->expect_content;
    a->result->content_differs = expected && strcmp(expected, hash.hex) != 0;
    return FLOE_OK;
}

/* ---- which rows ---- */

/* The table "picked" of their numbers; "spine" and "built" hold no others. */
static floe_status pick_rows(audit *a, int64_t sample, floe_error *err) {
    dataset_job *job = a->job;
    bool all = sample <= 0 || sample >= a->result->row_count;
    a->result->audited_rows = all ? a->result->row_count : sample;
    const char *pick =
        floe_arena_printf(job->arena,
                          all ? "CREATE TEMP TABLE picked AS SELECT range AS r FROM range(%" PRId64 ")"
                              : "CREATE TEMP TABLE picked AS SELECT r FROM (SELECT range AS r FROM range(%" PRId64
                                ") ORDER BY hash(range), "
                                "range LIMIT %" PRId64 ") ORDER BY r",
                          a->result->row_count, sample);
    FLOE_TRY(floe_arena_check(job->arena, err));
    FLOE_TRY(floe_session_run(job->session, pick, NULL, NULL, err));
    static const char *const tables[] = {"spine", "built"};
    for (size_t i = 0; i < 2 && !all; i++) {
        const char *keep =
            floe_arena_printf(job->arena,
                              "CREATE OR REPLACE TEMP TABLE %s AS SELECT t.* EXCLUDE (__floe_row) FROM (SELECT *, "
                              "row_number() OVER () - 1 "
                              "AS __floe_row FROM %s) t JOIN picked ON r = __floe_row ORDER BY __floe_row",
                              tables[i], tables[i]);
        FLOE_TRY(floe_arena_check(job->arena, err));
        FLOE_TRY(floe_session_run(job->session, keep, NULL, NULL, err));
    }
    return FLOE_OK;
}

/* ---- the cells ---- */

/* Whether the cell of the file, b."name", is another than `other`."name". */
static void append_wrong(floe_str name, const char *other, floe_buf *sql) {
    floe_buf_text(sql, "(b.");
    floe_sql_quote_name(sql, name);
    floe_buf_printf(sql, " IS DISTINCT FROM %s.", other);
    floe_sql_quote_name(sql, name);
    floe_buf_text(sql, ")");
}

#define SIDE_BY_SIDE " FROM picked p POSITIONAL JOIN spine s POSITIONAL JOIN answer a POSITIONAL JOIN built b"

static void append_wrong_column(const audit *a, size_t index, floe_buf *sql) {
    size_t spine_columns = a->job->spine.column_count;
    bool of_spine = index < spine_columns;
    append_wrong(of_spine ? a->job->spine.columns[index].name : a->answers[index - spine_columns].name,
                 of_spine ? "s" : "a", sql);
}

/* The first wrong cells of one column. */
static floe_status read_findings(audit *a, size_t index, floe_error *err) {
    size_t spine_columns = a->job->spine.column_count;
    floe_str name = index < spine_columns ? a->job->spine.columns[index].name : a->answers[index - spine_columns].name;
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT p.r, coalesce(CAST(b.");
    floe_sql_quote_name(&sql, name);
    floe_buf_printf(&sql, " AS VARCHAR), 'null'), coalesce(CAST(%s.", index < spine_columns ? "s" : "a");
    floe_sql_quote_name(&sql, name);
    floe_buf_text(&sql, " AS VARCHAR), 'null')" SIDE_BY_SIDE " WHERE ");
    append_wrong_column(a, index, &sql);
    floe_buf_printf(&sql, " ORDER BY p.r LIMIT %zu", FINDINGS_MAX - a->result->finding_count);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(a->job->session, sql.ptr, NULL, a->job->arena, &rows, err));
    for (size_t i = 0; i < rows.row_count; i++) {
        const floe_value *row = &rows.values[3 * i];
        a->findings[a->result->finding_count++] =
            (floe_audit_finding){row[0].as.integer, name, row[1].as.bytes, row[2].as.bytes};
    }
    return FLOE_OK;
}

/* Of the rows that are in the session's tables now. */
static floe_status compare_cells(audit *a, floe_error *err) {
    size_t count = a->job->spine.column_count + a->answer_count;
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(64));
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(&sql, i > 0 ? ", count(*) FILTER " : "SELECT count(*) FILTER ");
        append_wrong_column(a, i, &sql);
    }
    floe_buf_text(&sql, SIDE_BY_SIDE);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(a->job->session, sql.ptr, NULL, a->job->arena, &rows, err));
    for (size_t i = 0; i < count; i++) {
        a->result->wrong_cells += rows.values[i].as.integer;
        if (rows.values[i].as.integer > 0 && a->result->finding_count < FINDINGS_MAX) {
            FLOE_TRY(read_findings(a, i, err));
        }
    }
    return FLOE_OK;
}

/* ---- what a view's rows were made from ---- */

static void append_keys(const floe_view *view, floe_buf *sql) {
    for (size_t i = 0; i < view->entity->key_count; i++) {
        floe_buf_text(sql, i > 0 ? ", " : "");
        floe_sql_quote_name(sql, view->key_columns[i]);
    }
}

/* Rows of a key in the order in which they become visible, each with how many those up to it are and how young the youngest;
 * a label takes what stands at the last of them. */
static void append_pairs(const audit *a, const floe_view *view, const char *labels, const char *source, floe_buf *sql) {
    bool as_known = a->job->request->as_known;
    const char *event = view->at_before ? "__floe_event + 1" : "__floe_event";
    floe_buf_text(sql, "WITH l AS MATERIALIZED (SELECT * FROM (");
    floe_buf_text(sql, labels);
    floe_buf_text(
        sql, ") WHERE __floe_time IS NOT NULL), v AS (SELECT *, "); /* An ASOF join would take null for the latest. */
    floe_buf_printf(sql, as_known ? "greatest(%s, __floe_created)" : "%s", event);
    floe_buf_text(sql, " AS __floe_from FROM ");
    floe_buf_text(sql, source);
    floe_buf_text(sql, as_known ? " WHERE __floe_where_0 AND __floe_event < " FLOE_LABELS_END_US
                                  " AND __floe_created < " FLOE_LABELS_END_US
                                : " WHERE __floe_where_0 AND __floe_event < " FLOE_LABELS_END_US);
    floe_buf_text(sql, "), s AS (SELECT ");
    append_keys(view, sql);
    floe_buf_printf(sql,
                    ", __floe_from, count(*) OVER w AS __floe_n, max(greatest(__floe_event, " LONG_AGO
                    ")) OVER w AS __floe_e, %s AS __floe_c "
                    "FROM v WINDOW w AS "
                    "(PARTITION BY ",
                    as_known ? "max(greatest(__floe_created, " LONG_AGO ")) OVER w" : "CAST(NULL AS BIGINT)");
    append_keys(view, sql);
    floe_buf_text(sql,
                  " ORDER BY __floe_from RANGE UNBOUNDED PRECEDING)) SELECT count(*), CAST(coalesce(sum(s.__floe_n), "
                  "0) AS BIGINT), "
                  "coalesce(min(l.__floe_time - s.__floe_e), -1), "
                  "coalesce(min(l.__floe_time - s.__floe_c), -1) FROM l ASOF JOIN s ON "
                  "l.__floe_time >= s.__floe_from");
    for (size_t i = 0; i < view->entity->key_count; i++) {
        floe_buf_text(sql, " AND s.");
        floe_sql_quote_name(sql, view->key_columns[i]);
        floe_buf_text(sql, " = l.");
        floe_sql_quote_name(sql, view->entity->keys[i].name);
    }
}

/* Asked as a question of its own: one view, one source, one filter. */
static floe_status audit_view(const audit *a, const floe_ref *ref, floe_audit_view *ret_view, floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    FLOE_TRY(floe_pit_open(ref, 1, &(floe_pit_options){.as_known = a->job->request->as_known}, &pit, err));
    dataset_job job = *a->job;
    job.pit = pit;
    size_t key_count, need_count;
    const floe_column *keys = floe_pit_keys(pit, &key_count);
    FLOE_AUTO_BUF labels, sql;
    floe_buf_init(&labels, FLOE_MIB(1));
    floe_buf_init(&sql, FLOE_GIB(1));
    FLOE_TRY(floe_spine_labels_sql(job.request, &job.spine, keys, key_count, "spine", &labels, err));
    FLOE_TRY(floe_dataset_feed_bounds(&job, pit, err));
    const char *item;
    source_use use;
    FLOE_TRY(floe_dataset_source_item(&job, floe_pit_needs(pit, &need_count), &use, &item, err));
    append_pairs(a, ref->view, labels.ptr, item, &sql);
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_query_rows rows;
    FLOE_TRY(floe_session_query(job.session, sql.ptr, NULL, job.arena, &rows, err));
    *ret_view = (floe_audit_view){.view = ref->view->about.name,
                                  .rows_seen = rows.values[0].as.integer,
                                  .pairs = rows.values[1].as.integer,
                                  .closest_us = rows.values[2].as.integer,
                                  .closest_known_us = rows.values[3].as.integer};
    return FLOE_OK;
}

static floe_status audit_views(audit *a, floe_error *err) {
    const floe_dataset_request *request = a->job->request;
    floe_audit_view *views = floe_arena_alloc(a->job->arena, request->ref_count + 1, sizeof(*views));
    FLOE_TRY(floe_arena_check(a->job->arena, err));
    for (size_t i = 0; i < request->ref_count; i++) {
        bool first = true;
        for (size_t before = 0; before < i && first; before++) {
            first = request->refs[before].view != request->refs[i].view;
        }
        if (first) {
            floe_dataset_progress(a->job, "how near each view came", (double)i / (double)request->ref_count);
            FLOE_TRY(audit_view(a, &request->refs[i], &views[a->result->view_count++], err));
        }
    }
    a->result->views = views;
    return FLOE_OK;
}

/* ---- all of it ---- */

/* Whether the engine's state of it grows with the rows that it has seen. */
static bool keeps_rows(floe_function function) {
    switch (function) {
    case FLOE_FN_PERCENTILE:
    case FLOE_FN_TOP_K:
    case FLOE_FN_COUNT_DISTINCT:
    case FLOE_FN_FIRST_K:
    case FLOE_FN_LAST_K:
        return true;
    default:
        return false;
    }
}

/* The columns that the features have: by asking for an answer of no labels, so that the file is read before the work. */
static floe_status name_answers(audit *a, floe_error *err) {
    const dataset_job *job = a->job;
    floe_query_column *columns = floe_arena_alloc(job->arena, job->asked->ref_count, sizeof(*columns));
    FLOE_TRY(floe_arena_check(job->arena, err));
    for (size_t i = 0; i < job->asked->ref_count; i++) {
        const floe_ref *ref = &job->asked->refs[i];
        FLOE_AUTO_BUF type;
        floe_buf_init(&type, FLOE_KIB(1));
        floe_sql_type_name(&type, ref->output->type);
        FLOE_TRY(floe_buf_check(&type, err));
        char name[FLOE_REF_NAME_MAX];
        columns[i].name = floe_str_of(floe_arena_strdup(job->arena, floe_ref_name(ref, "__", name)));
        columns[i].type = floe_arena_str(job->arena, floe_buf_view(&type));
    }
    a->answers = columns;
    a->answer_count = job->asked->ref_count;
    return floe_arena_check(job->arena, err);
}

/* One batch. What one that failed midway had found is forgotten: a smaller one finds it again. */
static floe_status audit_batch(void *context, floe_error *err) {
    audit *a = context;
    dataset_job *job = a->job;
    FLOE_TRY(job->pit ? floe_dataset_answer_by_slices(job, a->framed, err) : floe_dataset_answer_nothing(job, err));
    FLOE_TRY(floe_dataset_answer_requests(job, err));
    int64_t wrong = a->result->wrong_cells;
    size_t found = a->result->finding_count;
    floe_status status = compare_cells(a, err);
    if (floe_failed(status)) {
        a->result->wrong_cells = wrong;
        a->result->finding_count = found;
    }
    return status;
}

/* What the answer to one row takes at most: cells, and of the rows that a list or a percentile is made of as many as a row sees on
 * average. What frames have answered waits on disk. */
static uint64_t row_bytes(const audit *a) {
    const floe_dataset_request *request = a->job->request;
    uint64_t bytes = (a->answer_count + 1) * FRAMED_BYTES;
    for (size_t i = 0; i < request->ref_count; i++) {
        bytes += floe_frames_answer(request, &request->refs[i]) ? 0 : CELL_BYTES;
    }
    for (size_t v = 0; v < a->result->view_count; v++) {
        const floe_audit_view *view = &a->result->views[v];
        uint64_t kept = 0;
        for (size_t i = 0; i < request->ref_count; i++) {
            kept += floe_str_equal(request->refs[i].view->about.name, view->view) &&
                    !floe_frames_answer(request, &request->refs[i]) && keeps_rows(request->refs[i].output->function);
        }
        bytes += kept * KEPT_BYTES * (uint64_t)(view->pairs / (view->rows_seen > 0 ? view->rows_seen : 1));
    }
    return bytes;
}

static floe_status run_audit(dataset_job *job, void *context, floe_error *err) {
    audit *a = context;
    content_hash spine;
    a->job = job;
    FLOE_TRY(floe_dataset_engine_alone(job, err));
    floe_dataset_progress(job, "reading the dataset", -1);
    FLOE_TRY(floe_dataset_load_spine(job, err));
    FLOE_TRY(floe_threads_at_most(job, (int64_t)(job->engine_bytes / THREAD_BYTES), err));
    FLOE_TRY(floe_dataset_check_spine(job, &spine, err));
    FLOE_TRY(name_answers(a, err));
    FLOE_TRY(load_file(a, err));
    FLOE_TRY(check_hash(a, err));
    FLOE_TRY(pick_rows(a, a->sample, err));
    FLOE_TRY(audit_views(a, err));
    a->findings = floe_arena_alloc(job->arena, FINDINGS_MAX, sizeof(*a->findings));
    FLOE_TRY(floe_arena_check(job->arena, err));
    a->result->findings = a->findings;
    a->result->cell_count = a->result->audited_rows * (int64_t)a->answer_count;
    FLOE_TRY(floe_dataset_answer_by_frames(job, &a->framed, err));
    const audit_rows rows = {a->result->audited_rows, row_bytes(a), a->framed};
    return floe_audit_batches(job, &rows, audit_batch, a, err);
}

floe_status floe_dataset_audit_file(floe_lake *lake, const floe_dataset_request *request, const char *file,
                                    int64_t sample, floe_arena *arena, floe_dataset_audit *ret_audit, floe_error *err) {
    floe_dataset_audit result = {0};
    audit a = {.file = file, .sample = sample, .result = &result};
    FLOE_TRY(floe_dataset_job_run(lake, request, lake->run, arena, run_audit, &a, err));
    *ret_audit = result;
    return FLOE_OK;
}
