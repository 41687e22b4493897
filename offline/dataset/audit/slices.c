/*
 * The answer by SQL over pairs, in time slices, so that a label meets few rows that it cannot use: what an audit recomputes with what is no
 * frame (frames.c).
 *
 * Time is cut into slices at least as wide as the widest window and ttl asked for. The slice becomes part of every key, of
 * labels and of rows, so that the same SQL (floe_pit_sql) joins a label only with rows of its slice: those that became
 * visible in it or the one before, which hold every window, and per key the one older row that an as-of feature without
 * ttl may need, the largest of all before. Aggregates over all time are pairs by their nature and are answered apart, without slices,
 * as is a source whose key is also the column of a feature.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/audit/audit.h"
#include "offline/pit/sql/sql.h"

#include <inttypes.h>

typedef struct slicing {
    dataset_job *job; /* of the features that are sliced */
    int64_t width_us;
    size_t carried; /* how many tables of carried rows there are */
} slicing;

/* ---- which ---- */

static bool is_key_column(const floe_view *view, floe_str column) {
    for (size_t i = 0; i < view->entity->key_count; i++) {
        if (floe_str_equal(view->key_columns[i], column)) {
            return true;
        }
    }
    return false;
}

static bool may_slice(const floe_dataset_request *request, const floe_ref *ref) {
    if (ref->output->function != FLOE_FN_NONE && ref->output->window_us == 0) {
        return false;
    }
    for (size_t i = 0; i < request->ref_count; i++) {
        const floe_view *other = request->refs[i].view;
        if (other->source == ref->view->source && is_key_column(other, ref->output->column)) {
            return false;
        }
    }
    return true;
}

static int64_t widest(const floe_dataset_request *request) {
    int64_t width_us = 0;
    for (size_t i = 0; i < request->ref_count; i++) {
        const floe_ref *ref = &request->refs[i];
        int64_t span = ref->output->function == FLOE_FN_NONE ? ref->view->ttl_us : ref->output->window_us;
        width_us = span > width_us ? span : width_us;
    }
    return width_us;
}

static floe_status choose_width(slicing *s, floe_error *err) {
    size_t key_count;
    const floe_column *keys = floe_dataset_keys(s->job, &key_count);
    s->width_us = widest(s->job->request);
    if (s->width_us > 0) {
        return FLOE_OK;
    }
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_MIB(4));
    floe_buf_text(&sql,
                  "SELECT coalesce(CAST((max(__floe_time)::HUGEINT - min(__floe_time)) // 1000 AS BIGINT), 0) FROM (");
    FLOE_TRY(floe_spine_labels_sql(s->job->request, &s->job->spine, keys, key_count, "spine", &sql, err));
    floe_buf_text(&sql, ")");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(s->job->session, sql.ptr, NULL, s->job->arena, &rows, err));
    s->width_us = rows.values[0].as.integer + 1;
    return FLOE_OK;
}

/* ---- SQL ---- */

/* The number of the slice that holds a time, also before 1970, where the engine's division cuts off towards zero. Nothing of it
 * leaves int64, however wide slices are. */
static void append_slice(const slicing *s, const char *time, floe_buf *sql) {
    int64_t w = s->width_us;
    floe_buf_printf(sql, "(%s // %" PRId64 " - CAST(%s %% %" PRId64 " < 0 AS BIGINT))", time, w, time, w);
}

/* `CASE … {'k': key, 's': __floe_slice} …` of every key, over what has it. */
static void append_sliced(const floe_str *names, size_t count, floe_buf *sql) {
    for (size_t i = 0; i < count; i++) {
        floe_buf_text(sql, i > 0 ? ", CASE WHEN " : "CASE WHEN ");
        floe_sql_quote_name(sql, names[i]);
        floe_buf_text(sql, " IS NULL THEN NULL ELSE {'k': ");
        floe_sql_quote_name(sql, names[i]);
        floe_buf_text(sql, ", 's': __floe_slice} END AS ");
        floe_sql_quote_name(sql, names[i]);
    }
}

static floe_status write_labels(const slicing *s, floe_buf *sql, floe_error *err) {
    size_t count;
    const dataset_job *job = s->job;
    const floe_column *keys = floe_dataset_keys(job, &count);
    floe_str *names = floe_arena_alloc(job->arena, count + 1, sizeof(*names));
    FLOE_TRY(floe_arena_check(job->arena, err));
    for (size_t i = 0; i < count; i++) {
        names[i] = keys[i].name;
    }
    floe_buf_text(sql, "(SELECT * EXCLUDE (__floe_slice) REPLACE (");
    append_sliced(names, count, sql);
    floe_buf_text(sql, ") FROM (SELECT *, ");
    append_slice(s, "__floe_time", sql);
    floe_buf_text(sql, " AS __floe_slice FROM (");
    FLOE_TRY(floe_spine_labels_sql(job->request, &job->spine, keys, count, "spine", sql, err));
    floe_buf_text(sql, ")))");
    return floe_buf_check(sql, err);
}

/* The key columns of all views over a source. */
static floe_str *key_columns(const slicing *s, const floe_source *source, size_t *ret_count) {
    const floe_dataset_request *request = s->job->request;
    floe_str *names = floe_arena_alloc(s->job->arena, request->ref_count * FLOE_LIMIT_ENTITY_KEYS + 1, sizeof(*names));
    size_t count = 0;
    for (size_t i = 0; names && i < request->ref_count; i++) {
        const floe_view *view = request->refs[i].view;
        for (size_t k = 0; view->source == source && k < view->entity->key_count; k++) {
            bool known = false;
            for (size_t n = 0; n < count; n++) {
                known = known || floe_str_equal(names[n], view->key_columns[k]);
            }
            if (!known) {
                names[count++] = view->key_columns[k];
            }
        }
    }
    *ret_count = count;
    return names;
}

/* Rows that somebody may see, with a number and their slice: the temporary table slice_rows_N. */
static floe_status load_rows(const slicing *s, size_t index, const floe_pit_need *need, source_use *use,
                             floe_error *err) {
    const char *item;
    bool known = s->job->request->as_known;
    FLOE_TRY(floe_dataset_source_item(s->job, need, use, &item, err));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_printf(&sql, "CREATE TEMP TABLE slice_rows_%zu AS SELECT *, row_number() OVER () AS __floe_rid, ", index);
    append_slice(s, known ? "greatest(__floe_event, __floe_created)" : "__floe_event", &sql);
    floe_buf_text(&sql, " AS __floe_slice FROM ");
    floe_buf_text(&sql, item);
    floe_buf_text(&sql, known ? " WHERE __floe_event < " FLOE_LABELS_END_US " AND __floe_created < " FLOE_LABELS_END_US
                              : " WHERE __floe_event < " FLOE_LABELS_END_US);
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(s->job->session, sql.ptr, NULL, NULL, err);
}

static void append_names(const char *prefix, const floe_str *names, size_t count, floe_buf *sql) {
    for (size_t i = 0; i < count; i++) {
        floe_buf_printf(sql, "%s%s", i > 0 ? ", " : "", prefix);
        floe_sql_quote_name(sql, names[i]);
    }
}

/* Per key and slice of labels the largest row of a view from before the slice's rows: slice_carry_N (slice, rid). */
static floe_status carry(slicing *s, size_t index, const floe_pit_need *need, const floe_view *view, size_t where,
                         floe_error *err) {
    size_t key_count, all_count;
    const floe_column *all = floe_dataset_keys(s->job, &all_count);
    const floe_str *names = view->key_columns;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(16));
    key_count = view->entity->key_count;
    floe_buf_printf(&sql, "CREATE TEMP TABLE slice_carry_%zu AS WITH best AS (SELECT ", s->carried++);
    append_names("", names, key_count, &sql);
    floe_buf_printf(
        &sql,
        ", __floe_slice, max({'e': __floe_event, 'c': %s, 's': __floe_seq, 'p': __floe_pos, 'r': __floe_rid}) AS "
        "__floe_best "
        "FROM "
        "slice_rows_%zu WHERE __floe_where_%zu GROUP BY ALL), run AS (SELECT ",
        need->source->created_time.len > 0 ? "coalesce(__floe_created, CAST(-9223372036854775808 AS BIGINT))" : "0",
        index, where);
    append_names("", names, key_count, &sql);
    floe_buf_text(&sql, ", __floe_slice, max(__floe_best) OVER (PARTITION BY ");
    append_names("", names, key_count, &sql);
    floe_buf_text(&sql, " ORDER BY __floe_slice) AS __floe_best FROM best), asked AS (SELECT DISTINCT ");
    for (size_t i = 0; i < key_count; i++) {
        floe_sql_quote_name(&sql, view->entity->keys[i].name);
        floe_buf_printf(&sql, " AS k%zu, ", i);
    }
    append_slice(s, "__floe_time", &sql);
    floe_buf_text(&sql, " AS slice FROM (");
    FLOE_TRY(floe_spine_labels_sql(s->job->request, &s->job->spine, all, all_count, "spine", &sql, err));
    floe_buf_text(&sql, ") WHERE __floe_time IS NOT NULL), bound AS (SELECT *, slice - 2 AS before FROM asked) "
                        "SELECT b.slice, struct_extract(r.__floe_best, 'r') AS rid FROM bound b ASOF JOIN run r ON "
                        "b.before >= r.__floe_slice");
    for (size_t i = 0; i < key_count; i++) {
        floe_buf_printf(&sql, " AND b.k%zu = r.", i);
        floe_sql_quote_name(&sql, names[i]);
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(s->job->session, sql.ptr, NULL, NULL, err);
}

/* Whether a filter of the scan is a view's: views of one text share one. */
static bool is_where_of(const floe_dataset_request *request, const floe_expr *where, const floe_view *view) {
    bool same = where == view->where;
    for (size_t i = 0; i < request->ref_count && !same; i++) {
        const floe_view *other = request->refs[i].view;
        same = other->where == where && other->source == view->source &&
               floe_str_equal(other->where_text, view->where_text);
    }
    return same;
}

/* Views that an older row may answer, one of each source, entity and filter. */
static floe_status carry_all(slicing *s, size_t index, const floe_pit_need *need, floe_error *err) {
    const floe_dataset_request *request = s->job->request;
    for (size_t i = 0; i < request->ref_count; i++) {
        const floe_ref *ref = &request->refs[i];
        bool done = ref->view->source != need->source || ref->output->function != FLOE_FN_NONE || ref->view->ttl_us > 0;
        for (size_t before = 0; before < i && !done; before++) {
            done = request->refs[before].view == ref->view && request->refs[before].output->function == FLOE_FN_NONE;
        }
        for (size_t w = 0; w < need->where_count && !done; w++) {
            if (is_where_of(request, need->wheres[w], ref->view)) {
                FLOE_TRY(carry(s, index, need, ref->view, w, err));
            }
        }
    }
    return FLOE_OK;
}

static floe_status write_source(slicing *s, size_t index, const floe_pit_need *need, source_use *use,
                                const char **ret_item, floe_error *err) {
    size_t count, first = s->carried;
    FLOE_TRY(load_rows(s, index, need, use, err));
    FLOE_TRY(carry_all(s, index, need, err));
    const floe_str *names = key_columns(s, need->source, &count);
    FLOE_TRY(floe_arena_check(s->job->arena, err));
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "(SELECT * EXCLUDE (__floe_rid, __floe_slice) REPLACE (");
    append_sliced(names, count, &sql);
    floe_buf_printf(&sql,
                    ") FROM (FROM slice_rows_%zu UNION ALL SELECT * REPLACE (__floe_slice + 1 AS __floe_slice) FROM "
                    "slice_rows_%zu",
                    index, index);
    for (size_t c = first; c < s->carried; c++) {
        floe_buf_printf(
            &sql,
            " UNION ALL SELECT r.* REPLACE (c.slice AS __floe_slice) FROM slice_rows_%zu r JOIN slice_carry_%zu c "
            "ON r.__floe_rid = c.rid",
            index, c);
    }
    floe_buf_text(&sql, "))");
    FLOE_TRY(floe_buf_check(&sql, err));
    *ret_item = floe_arena_strndup(s->job->arena, sql.ptr, sql.len);
    return floe_arena_check(s->job->arena, err);
}

static floe_status drop_tables(const slicing *s, size_t rows, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    floe_buf_text(&sql, "SELECT 1");
    for (size_t i = 0; i < rows; i++) {
        floe_buf_printf(&sql, "; DROP TABLE slice_rows_%zu", i);
    }
    for (size_t i = 0; i < s->carried; i++) {
        floe_buf_printf(&sql, "; DROP TABLE slice_carry_%zu", i);
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(s->job->session, sql.ptr, NULL, NULL, err);
}

/* The table "answer" of what is sliced. */
static floe_status answer_slices(dataset_job *job, floe_error *err) {
    slicing s = {.job = job};
    size_t need_count;
    const floe_pit_need *needs = floe_dataset_needs(job, &need_count);
    const char **items = floe_arena_alloc(job->arena, need_count + 1, sizeof(*items));
    FLOE_TRY(floe_arena_check(job->arena, err));
    FLOE_TRY(choose_width(&s, err));
    for (size_t i = 0; i < need_count; i++) {
        source_use use;
        FLOE_TRY(write_source(&s, i, &needs[i], &use, &items[i], err));
    }
    FLOE_AUTO_BUF labels, sql;
    floe_buf_init(&labels, FLOE_GIB(1));
    floe_buf_init(&sql, FLOE_GIB(1));
    FLOE_TRY(write_labels(&s, &labels, err));
    floe_buf_text(&sql, "CREATE TEMP TABLE answer AS ");
    FLOE_TRY(floe_pit_sql(job->pit, &(floe_pit_sql_from){labels.ptr, items}, &sql, err));
    floe_buf_text(&sql, "SELECT * EXCLUDE (__floe_row, __floe_ties) FROM answer ORDER BY __floe_row");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_run(job->session, sql.ptr, NULL, NULL, err));
    return drop_tables(&s, need_count, err);
}

/* ---- both ---- */

/* The features that are sliced, or the others, as a question of their own: the table answer_<name>. */
static floe_status answer_some(const dataset_job *whole, bool sliced, size_t *ret_count, floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_dataset_request request = *whole->request;
    floe_ref *refs = floe_arena_alloc(whole->arena, request.ref_count + 1, sizeof(*refs));
    FLOE_TRY(floe_arena_check(whole->arena, err));
    request.refs = refs;
    request.ref_count = 0;
    for (size_t i = 0; i < whole->request->ref_count; i++) {
        const floe_ref *ref = &whole->request->refs[i];
        if (!floe_frames_answer(whole->request, ref) && may_slice(whole->request, ref) == sliced) {
            refs[request.ref_count++] = *ref;
        }
    }
    *ret_count = request.ref_count;
    if (request.ref_count == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_pit_open(refs, request.ref_count, &(floe_pit_options){.as_known = request.as_known}, &pit, err));
    dataset_job job = *whole;
    job.request = &request;
    job.pit = pit;
    FLOE_TRY(floe_dataset_feed_bounds(&job, pit, err));
    if (sliced) {
        FLOE_TRY(answer_slices(&job, err));
    } else {
        int64_t ties;
        size_t need_count;
        (void)floe_dataset_needs(&job, &need_count);
        source_use *uses = floe_arena_alloc(job.arena, need_count + 1, sizeof(*uses));
        FLOE_TRY(floe_arena_check(job.arena, err));
        FLOE_TRY(floe_dataset_answer_by_sql(&job, uses, &ties, err));
    }
    return floe_session_run(job.session,
                            sliced ? "ALTER TABLE answer RENAME TO answer_sliced"
                                   : "ALTER TABLE answer RENAME TO answer_paired",
                            NULL, NULL, err);
}

floe_status floe_dataset_answer_by_slices(const dataset_job *job, bool framed, floe_error *err) {
    size_t counts[2];
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    FLOE_TRY(answer_some(job, true, &counts[0], err));
    FLOE_TRY(answer_some(job, false, &counts[1], err));
    floe_buf_text(&sql, "CREATE TEMP TABLE answer AS SELECT ");
    for (size_t i = 0; i < job->request->ref_count; i++) {
        char name[FLOE_REF_NAME_MAX];
        floe_buf_text(&sql, i > 0 ? ", " : "");
        floe_sql_quote_name(&sql, floe_str_of(floe_ref_name(&job->request->refs[i], "__", name)));
    }
    static const char *const tables[] = {"answer_sliced", "answer_paired"};
    floe_buf_text(&sql, framed ? " FROM framed" : " FROM ");
    bool first = !framed;
    for (size_t i = 0; i < 2; i++) {
        if (counts[i] > 0) {
            floe_buf_printf(&sql, "%s%s", first ? "" : " POSITIONAL JOIN ", tables[i]);
            first = false;
        }
    }
    for (size_t i = 0; i < 2; i++) {
        if (counts[i] > 0) {
            floe_buf_printf(&sql, "; DROP TABLE %s", tables[i]);
        }
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(job->session, sql.ptr, NULL, NULL, err);
}
