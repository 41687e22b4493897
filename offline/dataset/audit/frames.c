/*
 * The answer by SQL without pairs: what an audit recomputes as-of features and most windows with. Nothing here is the kernel's.
 *
 * An as-of feature is a running maximum: of each key the rows in the order in which they become visible, each with the largest of
 * those up to it in the order that picks the winner; a label takes what stands at the last of them (an ASOF join). A window is a frame: rows that
 * some label's window holds and labels, put together, and the engine's window functions over both in order of time. Where an answer is
 * no such frame (created times that count, percentiles, the most frequent, sketches) rows are paired (slices.c).
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/audit/audit.h"

#include <inttypes.h>

/* Events before this are taken for it: it is before every window of a label, and far enough from the end of int64. */
#define FAR_US "-5000000000000000000"
#define SPAN_MOST_US INT64_C(1000000000000000000)

/* One view's part of the question. */
typedef struct framing {
    const dataset_job *job; /* of the features of one view that are answered here */
    const floe_view *view;
    size_t *tables; /* so many answers there are */
} framing;

/* ---- which ---- */

static bool is_frame(floe_function function) {
    switch (function) {
    case FLOE_FN_PERCENTILE:
    case FLOE_FN_TOP_K:
    case FLOE_FN_APPROX_COUNT_DISTINCT:
        return false;
    default:
        return true;
    }
}

bool floe_frames_answer(const floe_dataset_request *request, const floe_ref *ref) {
    const floe_output *output = ref->output;
    return output->function == FLOE_FN_NONE ||
           (!request->as_known && is_frame(output->function) && output->window_us <= SPAN_MOST_US);
}

/* ---- SQL ---- */

/* `prefix"key" …, ` of the view's keys: the source's columns or the labels'. */
static void write_keys(const framing *f, const char *prefix, bool of_labels, floe_buf *sql) {
    for (size_t i = 0; i < f->view->entity->key_count; i++) {
        floe_buf_printf(sql, "%s%s", i > 0 ? ", " : "", prefix);
        floe_sql_quote_name(sql, of_labels ? f->view->entity->keys[i].name : f->view->key_columns[i]);
    }
}

/* `row."key" = label."key" AND …`. */
static void write_same_key(const framing *f, const char *row, const char *label, floe_buf *sql) {
    for (size_t i = 0; i < f->view->entity->key_count; i++) {
        floe_buf_printf(sql, "%s%s", i > 0 ? " AND " : "", row);
        floe_sql_quote_name(sql, f->view->key_columns[i]);
        floe_buf_printf(sql, " = %s", label);
        floe_sql_quote_name(sql, f->view->entity->keys[i].name);
    }
}

/* `WITH l AS (the labels), t AS (those that have a time)`. */
static floe_status write_labels(const framing *f, floe_buf *sql, floe_error *err) {
    size_t count;
    const floe_column *keys = floe_dataset_keys(f->job, &count);
    floe_buf_text(sql, "WITH l AS MATERIALIZED (");
    FLOE_TRY(floe_spine_labels_sql(f->job->request, &f->job->spine, keys, count, "spine", sql, err));
    floe_buf_text(sql, "), t AS (FROM l WHERE __floe_time IS NOT NULL)");
    return FLOE_OK;
}

static floe_status run(const framing *f, floe_buf *sql, floe_error *err) {
    FLOE_TRY(floe_buf_check(sql, err));
    return floe_session_run(f->job->session, sql->ptr, NULL, NULL, err);
}

/* The table frame_rows: what labels may see, each row with its place in the order that picks the winner. */
static floe_status load_rows(const framing *f, floe_error *err) {
    size_t need_count;
    source_use use;
    const char *item;
    const floe_pit_need *need = floe_dataset_needs(f->job, &need_count);
    FLOE_TRY(floe_dataset_source_item(f->job, need, &use, &item, err));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_text(&sql,
                  "CREATE TEMP TABLE frame_rows AS SELECT *, row_number() OVER () AS __floe_rank FROM (SELECT * FROM ");
    floe_buf_text(&sql, item);
    floe_buf_text(&sql, " WHERE __floe_where_0 AND __floe_event < " FLOE_LABELS_END_US);
    floe_buf_text(&sql, f->job->request->as_known ? " AND __floe_created < " FLOE_LABELS_END_US : "");
    for (size_t i = 0; i < f->view->entity->key_count; i++) {
        floe_buf_text(&sql, " AND ");
        floe_sql_quote_name(&sql, f->view->key_columns[i]);
        floe_buf_text(&sql, " IS NOT NULL");
    }
    floe_buf_text(&sql, " ORDER BY __floe_event, ");
    floe_buf_text(&sql, f->view->source->created_time.len > 0 ? "__floe_created NULLS FIRST, " : "");
    floe_buf_text(&sql, "__floe_seq, __floe_pos)");
    return run(f, &sql, err);
}

static void write_answer_name(const floe_ref *ref, floe_buf *sql) {
    char name[FLOE_REF_NAME_MAX];
    floe_buf_text(sql, " AS ");
    floe_sql_quote_name(sql, floe_str_of(floe_ref_name(ref, "__", name)));
}

/* ---- as-of features ---- */

/* Whether a winner is not too old, and has not ended. */
static void write_holds(const framing *f, floe_buf *sql) {
    const int64_t most = INT64_MAX - INT64_C(62135596800000000); /* so much can be taken from a label's time */
    int64_t ttl_us = f->view->ttl_us < most ? f->view->ttl_us : most;
    floe_buf_text(sql, "(true");
    if (ttl_us > 0) {
        floe_buf_printf(sql, " AND w.__floe_event >= w.__floe_time - %" PRId64, ttl_us);
    }
    if (f->view->source->end_time.len > 0) {
        floe_buf_printf(sql, " AND (w.__floe_end IS NULL OR w.__floe_end %s w.__floe_time)",
                        f->view->at_before ? ">=" : ">");
    }
    floe_buf_text(sql, ")");
}

static floe_status answer_as_of(const framing *f, floe_error *err) {
    const floe_dataset_request *request = f->job->request;
    const char *event = f->view->at_before ? "__floe_event + 1" : "__floe_event";
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_printf(&sql, "CREATE TEMP TABLE frame_answer_%zu AS ", (*f->tables)++);
    FLOE_TRY(write_labels(f, &sql, err));
    floe_buf_text(&sql, ", v AS (SELECT *, ");
    floe_buf_printf(&sql, request->as_known ? "greatest(%s, __floe_created)" : "%s", event);
    floe_buf_text(&sql, " AS __floe_from FROM frame_rows), m AS (SELECT ");
    write_keys(f, "", false, &sql);
    floe_buf_text(&sql, ", __floe_from, max(__floe_rank) OVER (PARTITION BY ");
    write_keys(f, "", false, &sql);
    floe_buf_text(
        &sql,
        " ORDER BY __floe_from) AS __floe_best FROM v), w AS (SELECT j.__floe_row, j.__floe_time, r.* FROM (SELECT "
        "t.__floe_row, t.__floe_time, m.__floe_best FROM t ASOF JOIN m ON ");
    write_same_key(f, "m.", "t.", &sql);
    floe_buf_text(&sql, " AND t.__floe_time >= m.__floe_from) j JOIN frame_rows r ON r.__floe_rank = j.__floe_best) "
                        "SELECT l.__floe_row");
    for (size_t i = 0; i < request->ref_count; i++) {
        if (request->refs[i].output->function == FLOE_FN_NONE) {
            floe_buf_text(&sql, ", CASE WHEN ");
            write_holds(f, &sql);
            floe_buf_text(&sql, " THEN w.");
            floe_sql_quote_name(&sql, request->refs[i].output->column);
            floe_buf_text(&sql, " END");
            write_answer_name(&request->refs[i], &sql);
        }
    }
    floe_buf_text(&sql, " FROM l LEFT JOIN w USING (__floe_row) ORDER BY l.__floe_row");
    return run(f, &sql, err);
}

/* ---- windows ---- */

/* The first window feature whose column, or whose window, is the same. */
static size_t first_alike(const framing *f, size_t ref, bool by_window) {
    const floe_output *output = f->job->request->refs[ref].output;
    for (size_t i = 0; i < ref; i++) {
        const floe_output *other = f->job->request->refs[i].output;
        bool alike = by_window ? other->window_us == output->window_us : floe_str_equal(other->column, output->column);
        if (alike && other->function != FLOE_FN_NONE) {
            return i;
        }
    }
    return ref;
}

/* The columns of windows, each once: of rows, or nulls in a label's place. */
static void write_columns(const framing *f, bool of_rows, floe_buf *sql) {
    const floe_dataset_request *request = f->job->request;
    for (size_t i = 0; i < request->ref_count; i++) {
        const floe_output *output = request->refs[i].output;
        bool column = output->function != FLOE_FN_NONE && !floe_str_is(output->column, "*");
        if (column && first_alike(f, i, false) == i) {
            floe_buf_text(sql, of_rows ? ", r." : ", NULL");
            if (of_rows) {
                floe_sql_quote_name(sql, output->column);
            }
            floe_buf_printf(sql, " AS __floe_c%zu", i);
        }
    }
}

/* The rows that some label's window holds: those whose next label is near. Over all time, those whose key some label has. */
static void write_near(const framing *f, floe_buf *sql) {
    const floe_dataset_request *request = f->job->request;
    int64_t widest_us = 0;
    bool all_time = false;
    for (size_t i = 0; i < request->ref_count; i++) {
        const floe_output *output = request->refs[i].output;
        all_time = all_time || (output->function != FLOE_FN_NONE && output->window_us == 0);
        widest_us = output->window_us > widest_us ? output->window_us : widest_us;
    }
    floe_buf_text(sql, all_time ? " FROM frame_rows r SEMI JOIN t ON " : " FROM frame_rows r ASOF JOIN t ON ");
    write_same_key(f, "r.", "t.", sql);
    if (!all_time) {
        floe_buf_printf(sql, " AND r.__floe_event <= t.__floe_time WHERE t.__floe_time - %" PRId64 " <= r.__floe_event",
                        widest_us);
    }
}

/* Rows and labels as one relation: __floe_k…, __floe_t, __floe_row (of labels), __floe_one and __floe_rank (of rows), columns. A label that has no time is
 * put where no rows are. */
static void write_both(const framing *f, floe_buf *sql) {
    size_t key_count = f->view->entity->key_count;
    floe_buf_text(sql, ", u AS (SELECT ");
    for (size_t i = 0; i < key_count; i++) {
        floe_buf_text(sql, "r.");
        floe_sql_quote_name(sql, f->view->key_columns[i]);
        floe_buf_printf(sql, " AS __floe_k%zu, ", i);
    }
    floe_buf_text(sql, "greatest(r.__floe_event, CAST(" FAR_US
                       " AS BIGINT)) AS __floe_t, CAST(NULL AS BIGINT) AS __floe_row, "
                       "1 AS __floe_one, r.__floe_rank AS __floe_rank");
    write_columns(f, true, sql);
    write_near(f, sql);
    floe_buf_text(sql, " UNION ALL SELECT ");
    for (size_t i = 0; i < key_count; i++) {
        floe_buf_text(sql, "CASE WHEN l.__floe_time IS NOT NULL THEN l.");
        floe_sql_quote_name(sql, f->view->entity->keys[i].name);
        floe_buf_text(sql, " END, ");
    }
    floe_buf_text(sql, "coalesce(l.__floe_time, 0), l.__floe_row, NULL, NULL");
    write_columns(f, false, sql);
    floe_buf_text(sql, " FROM l)");
}

static bool is_real(floe_type type) {
    return type.kind == FLOE_KIND_FLOAT || type.kind == FLOE_KIND_DOUBLE;
}

/* The sum of so many rows as there can be stays within 38 digits. */
static bool sums_plainly(const floe_output *output) {
    return output->type.kind == FLOE_KIND_INT64 || output->column_type.precision <= 18;
}

/* The aggregate before its bracket. */
static const char *name_of(const floe_output *output) {
    switch (output->function) {
    case FLOE_FN_COUNT:
        return "count(";
    case FLOE_FN_COUNT_DISTINCT:
        return "count(DISTINCT ";
    case FLOE_FN_SUM:
        return is_real(output->column_type) ? "floe_sum(" : sums_plainly(output) ? "sum(" : "floe_decimal_sum(";
    case FLOE_FN_MEAN:
        return "floe_mean(";
    case FLOE_FN_STDDEV:
        return "floe_stddev(";
    case FLOE_FN_STDDEV_POP:
        return "floe_stddev_pop(";
    case FLOE_FN_VARIANCE:
        return "floe_variance(";
    case FLOE_FN_VARIANCE_POP:
        return "floe_variance_pop(";
    case FLOE_FN_MIN:
        return "min(";
    case FLOE_FN_MAX:
        return "max(";
    case FLOE_FN_FIRST:
    case FLOE_FN_FIRST_K:
        return "arg_min(";
    default:
        return "arg_max(";
    }
}

/* A sum that its type does not hold is null: the build would have refused it. */
static void write_frame(const framing *f, size_t ref, floe_buf *sql) {
    const floe_output *output = f->job->request->refs[ref].output;
    bool all_rows = floe_str_is(output->column, "*");
    bool ends = output->function == FLOE_FN_FIRST || output->function == FLOE_FN_LAST ||
                output->function == FLOE_FN_FIRST_K || output->function == FLOE_FN_LAST_K;
    floe_buf_printf(sql, ", TRY_CAST(%s", name_of(output));
    if (all_rows) {
        floe_buf_text(sql, "__floe_one");
    } else {
        floe_buf_printf(sql, "__floe_c%zu", first_alike(f, ref, false));
    }
    floe_buf_text(sql, output->function == FLOE_FN_COUNT_DISTINCT && is_real(output->column_type) ? " + 0" : "");
    floe_buf_text(sql, ends ? ", __floe_rank" : "");
    if (output->k > 0) {
        floe_buf_printf(sql, ", %u", (unsigned)output->k);
    }
    floe_buf_printf(sql, ") OVER __floe_w%zu AS ", first_alike(f, ref, true));
    floe_sql_type_name(sql, output->type);
    floe_buf_text(sql, ")");
    write_answer_name(&f->job->request->refs[ref], sql);
}

static void write_window(const framing *f, size_t ref, floe_buf *sql) {
    int64_t window_us = f->job->request->refs[ref].output->window_us;
    floe_buf_printf(sql, "__floe_w%zu AS (PARTITION BY ", ref);
    for (size_t i = 0; i < f->view->entity->key_count; i++) {
        floe_buf_printf(sql, "%s__floe_k%zu", i > 0 ? ", " : "", i);
    }
    floe_buf_text(sql, " ORDER BY __floe_t RANGE BETWEEN ");
    if (window_us == 0) {
        floe_buf_text(sql, "UNBOUNDED");
    } else {
        floe_buf_printf(sql, "%" PRId64, f->view->at_before ? window_us : window_us - 1);
    }
    floe_buf_text(sql, f->view->at_before ? " PRECEDING AND 1 PRECEDING)" : " PRECEDING AND CURRENT ROW)");
}

static floe_status answer_windows(const framing *f, floe_error *err) {
    const floe_dataset_request *request = f->job->request;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_printf(&sql, "CREATE TEMP TABLE frame_answer_%zu AS ", (*f->tables)++);
    FLOE_TRY(write_labels(f, &sql, err));
    write_both(f, &sql);
    floe_buf_text(&sql, " SELECT __floe_row");
    for (size_t i = 0; i < request->ref_count; i++) {
        if (request->refs[i].output->function != FLOE_FN_NONE) {
            write_frame(f, i, &sql);
        }
    }
    const char *before = " FROM u WINDOW ";
    for (size_t i = 0; i < request->ref_count; i++) {
        if (request->refs[i].output->function != FLOE_FN_NONE && first_alike(f, i, true) == i) {
            floe_buf_text(&sql, before);
            write_window(f, i, &sql);
            before = ", ";
        }
    }
    floe_buf_text(&sql, " QUALIFY __floe_row IS NOT NULL ORDER BY __floe_row");
    return run(f, &sql, err);
}

/* ---- all of it ---- */

/* The features of one view, from the reference on, that are answered here, as a question of their own. */
static floe_status answer_view(const dataset_job *whole, size_t from, size_t *tables, floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_dataset_request request = *whole->request;
    const floe_view *view = whole->request->refs[from].view;
    floe_ref *refs = floe_arena_alloc(whole->arena, request.ref_count, sizeof(*refs));
    FLOE_TRY(floe_arena_check(whole->arena, err));
    bool as_of = false, windows = false;
    request.refs = refs;
    request.ref_count = 0;
    for (size_t i = from; i < whole->request->ref_count; i++) {
        const floe_ref *ref = &whole->request->refs[i];
        if (ref->view == view && floe_frames_answer(whole->request, ref)) {
            refs[request.ref_count++] = *ref;
            as_of = as_of || ref->output->function == FLOE_FN_NONE;
            windows = windows || ref->output->function != FLOE_FN_NONE;
        }
    }
    FLOE_TRY(floe_pit_open(refs, request.ref_count, &(floe_pit_options){.as_known = request.as_known}, &pit, err));
    dataset_job job = *whole;
    job.request = &request;
    job.pit = pit;
    framing f = {&job, view, tables};
    FLOE_TRY(floe_dataset_feed_bounds(&job, pit, err));
    FLOE_TRY(load_rows(&f, err));
    FLOE_TRY(as_of ? answer_as_of(&f, err) : FLOE_OK);
    FLOE_TRY(windows ? answer_windows(&f, err) : FLOE_OK);
    return floe_session_run(job.session, "DROP TABLE frame_rows", NULL, NULL, err);
}

/* The views' answers side by side. */
static floe_status put_together(const dataset_job *job, size_t tables, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "CREATE TEMP TABLE framed AS SELECT ");
    for (size_t i = 0, shown = 0; i < job->request->ref_count; i++) {
        if (floe_frames_answer(job->request, &job->request->refs[i])) {
            char name[FLOE_REF_NAME_MAX];
            floe_buf_text(&sql, shown++ > 0 ? ", " : "");
            floe_sql_quote_name(&sql, floe_str_of(floe_ref_name(&job->request->refs[i], "__", name)));
        }
    }
    floe_buf_text(&sql, " FROM ");
    for (size_t i = 0; i < tables; i++) {
        floe_buf_printf(&sql, "%sframe_answer_%zu", i > 0 ? " POSITIONAL JOIN " : "", i);
    }
    for (size_t i = 0; i < tables; i++) {
        floe_buf_printf(&sql, "; DROP TABLE frame_answer_%zu", i);
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(job->session, sql.ptr, NULL, NULL, err);
}

floe_status floe_dataset_answer_by_frames(dataset_job *job, bool *ret_any, floe_error *err) {
    const floe_dataset_request *request = job->request;
    size_t tables = 0;
    for (size_t i = 0; i < request->ref_count; i++) {
        bool first = floe_frames_answer(request, &request->refs[i]);
        for (size_t before = 0; before < i && first; before++) {
            first = request->refs[before].view != request->refs[i].view ||
                    !floe_frames_answer(request, &request->refs[before]);
        }
        if (first) {
            floe_dataset_progress(job, "recomputing by frames", (double)i / (double)request->ref_count);
            FLOE_TRY(answer_view(job, i, &tables, err));
        }
    }
    *ret_any = tables > 0;
    return tables > 0 ? put_together(job, tables, err) : FLOE_OK;
}
