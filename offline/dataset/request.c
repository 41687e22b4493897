/*
 * Request features of a dataset: computed from the spine's columns and the answer's, once the answer is there.
 *
 * The kernel and the generated SQL answer view features alone, those that are asked for and those that request features
 * need; here the table "answer" is replaced by one of the columns that were asked for. The expression runs as everywhere:
 * by floe_sql_from_expr, so that offline and online give one value.
 */
#include "core/limits.h"
#include "offline/dataset/dataset_int.h"

#include <stdio.h>

floe_status floe_dataset_of_views(const floe_dataset_request *asked, floe_arena *arena, floe_dataset_request *ret_views,
                                  floe_error *err) {
    floe_ref *refs = NULL;
    size_t count = 0;
    FLOE_TRY(floe_refs_of_views(arena, asked->refs, asked->ref_count, &refs, &count, err));
    FLOE_ENSURE(asked->ref_count > 0, err, FLOE_INVALID, "no features asked for");
    FLOE_TRY(floe_refs_columns_check(arena, asked->refs, asked->ref_count, err));
    FLOE_TRY(floe_refs_columns_check(arena, refs, count, err));
    *ret_views = *asked;
    ret_views->refs = refs;
    ret_views->ref_count = count;
    return floe_refs_request_inputs(arena, asked->refs, asked->ref_count, &ret_views->inputs, &ret_views->input_count,
                                    err);
}

bool floe_dataset_asks_requests(const floe_dataset_request *asked) {
    for (size_t i = 0; i < asked->ref_count; i++) {
        if (asked->refs[i].output->request != NULL) {
            return true;
        }
    }
    return false;
}

/* ---- what the spine brings ---- */

/* The first of the features asked for that takes an input of this name from the spine. */
static floe_str feature_of(const floe_dataset_request *asked, floe_str input) {
    for (size_t i = 0; i < asked->ref_count; i++) {
        const floe_request_feature *request = asked->refs[i].output->request;
        for (size_t k = 0; request && k < request->input_count; k++) {
            if (request->inputs[k].feature.output == NULL && floe_str_equal(request->inputs[k].name, input)) {
                return request->about.name;
            }
        }
    }
    return FLOE_STR("");
}

#define LISTED_MOST 30 /* columns of a spine that an error names */

static void list_columns(const spine_table *spine, floe_buf *out) {
    size_t shown = spine->column_count > LISTED_MOST ? LISTED_MOST : spine->column_count;
    for (size_t i = 0; i < shown; i++) {
        floe_buf_printf(out, "%s%.*s", i > 0 ? ", " : "", FLOE_STR_BRIEF(spine->columns[i].name));
    }
    if (shown < spine->column_count) {
        floe_buf_printf(out, " and %zu more", spine->column_count - shown);
    }
}

static floe_status fail_missing(const dataset_job *job, const floe_column *input, floe_error *err) {
    char type[FLOE_TYPE_NAME_MAX];
    FLOE_AUTO_BUF columns;
    floe_buf_init(&columns, FLOE_KIB(16));
    list_columns(&job->spine, &columns);
    FLOE_TRY(floe_buf_check(&columns, err));
    floe_str feature = feature_of(job->asked, input->name), listed = floe_buf_view(&columns);
    return FLOE_FAIL(
        err, FLOE_INVALID,
        "the request feature %.*s needs %.*s (%s), and the spine has no column of that name; its columns are "
        "%.*s",
        FLOE_STR_BRIEF(feature), FLOE_STR_BRIEF(input->name), floe_type_name(input->type, type), FLOE_STR_ARG(listed));
}

static floe_status has_values(const dataset_job *job, floe_str column, bool *ret_has, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_query_rows rows;
    floe_buf_init(&sql, FLOE_KIB(64));
    floe_buf_text(&sql, "SELECT count(");
    floe_sql_quote_name(&sql, column);
    floe_buf_text(&sql, ") FROM spine");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_query(job->session, sql.ptr, NULL, job->arena, &rows, err));
    *ret_has = rows.values[0].as.integer > 0;
    return FLOE_OK;
}

/* Whether the spine was written as text, of which each value may be read as what an input declares: the kept copy of one is Parquet. */
static bool is_of_text(const dataset_job *job) {
    return floe_spine_is_text(job->request->given_spine ? job->request->given_spine : job->request->spine);
}

/* Whether a column comes as text that is to be read. */
static bool is_text_of(floe_str type, floe_type input) {
    return floe_str_is(type, "VARCHAR") && input.kind != FLOE_KIND_STRING;
}

/* What to do about a column that no input can take. */
static const char *how_to_write(const dataset_job *job, const floe_column *input) {
    bool json = floe_spine_is_json(job->request->spine);
    bool text = input->type.kind == FLOE_KIND_STRING || input->type.kind == FLOE_KIND_DECIMAL;
    return json && text ? "write its values in quotes" : "write it as that, under another name if need be";
}

/* A column without a single value is of any type. */
static floe_status check_input(const dataset_job *job, const floe_column *input, floe_error *err) {
    const floe_query_column *column = floe_spine_column(&job->spine, input->name);
    char type[FLOE_TYPE_NAME_MAX];
    if (!column) {
        return fail_missing(job, input, err);
    }
    floe_str feature = feature_of(job->asked, input->name);
    bool has = false, fit = floe_spine_input_fits(column->type, input->type) ||
                            (is_text_of(column->type, input->type) && is_of_text(job));
    FLOE_TRY(fit ? FLOE_OK : has_values(job, input->name, &has, err));
    FLOE_ENSURE(fit || !has, err, FLOE_INVALID,
                "the spine's column \"%.*s\" is %.*s, and the request feature %.*s needs it as %s: %s, or declare the "
                "input otherwise",
                FLOE_STR_BRIEF(input->name), FLOE_STR_ARG(column->type), FLOE_STR_BRIEF(feature),
                floe_type_name(input->type, type), how_to_write(job, input));
    return FLOE_OK;
}

/* ---- SQL ---- */

/* A value that is not null as the input's type, null where it has none: as a lookup reads it. The engine rounds a decimal on its way to
 * a double twice, a whole number to a float by another way, and nanoseconds before 1970 up. */
static void write_cast(const floe_query_column *column, floe_type input, floe_buf *sql) {
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_KIB(64));
    floe_buf_text(&name, "s.");
    floe_sql_quote_name(&name, column->name);
    bool real = input.kind == FLOE_KIND_FLOAT || input.kind == FLOE_KIND_DOUBLE;
    if (is_text_of(column->type, input)) {
        floe_text_value(input, name.ptr, sql);
        return;
    }
    floe_buf_text(sql, "TRY_CAST(");
    if (real) {
        bool decimal = floe_str_starts_with(column->type, FLOE_STR("DECIMAL("));
        floe_buf_printf(sql, decimal ? "CAST(CAST(%s AS VARCHAR) AS DOUBLE)" : "CAST(%s AS DOUBLE)", name.ptr);
    } else if (input.kind == FLOE_KIND_TIMESTAMP && floe_str_is(column->type, "TIMESTAMP_NS")) {
        floe_buf_text(sql, "make_timestamp(");
        floe_spine_floor_nanoseconds(name.ptr, sql);
        floe_buf_byte(sql, ')');
    } else {
        floe_buf_text(sql, name.ptr);
    }
    floe_buf_text(sql, " AS ");
    floe_sql_type_name(sql, input);
    floe_buf_byte(sql, ')');
}

/* The spine's column as the input's type; the first value that the type does not hold is named. */
static void write_brought(const spine_table *spine, const floe_request_feature *request,
                          const floe_request_input *input, floe_buf *sql) {
    char type[FLOE_TYPE_NAME_MAX];
    const floe_query_column *column = floe_spine_column(spine, input->name);
    FLOE_ASSERT(column);
    if (!floe_spine_input_fits(column->type, input->type) && !is_text_of(column->type, input->type)) { /* no value */
        floe_buf_text(sql, "CAST(NULL AS ");
        floe_sql_type_name(sql, input->type);
        floe_buf_byte(sql, ')');
        return;
    }
    FLOE_AUTO_BUF words, cast;
    floe_buf_init(&words, FLOE_KIB(64));
    floe_buf_init(&cast, FLOE_KIB(256));
    write_cast(column, input->type, &cast);
    floe_buf_printf(
        &words,
        "the spine's column \"%.*s\" has a value that no %s holds, as which the request feature %.*s needs it: ",
        FLOE_STR_BRIEF(input->name), floe_type_name(input->type, type), FLOE_STR_BRIEF(request->about.name));
    floe_buf_text(sql, "CASE WHEN s.");
    floe_sql_quote_name(sql, column->name);
    floe_buf_printf(sql, " IS NULL OR %s IS NOT NULL THEN %s ELSE error(", cast.ptr, cast.ptr);
    floe_sql_quote_text(sql, floe_buf_view(&words));
    floe_buf_text(sql, " || CAST(s.");
    floe_sql_quote_name(sql, column->name);
    floe_buf_text(sql, " AS VARCHAR)) END");
}

/* Each input as its type, of the spine's column or the answer's: `"name" := …` within a struct, else `… AS "name"`. */
static void write_inputs(const spine_table *spine, const floe_request_feature *request, bool in_struct, floe_buf *sql) {
    for (size_t i = 0; i < request->input_count; i++) {
        const floe_request_input *input = &request->inputs[i];
        char name[FLOE_REF_NAME_MAX];
        floe_buf_text(sql, i > 0 ? ", " : "");
        if (in_struct) {
            floe_sql_quote_name(sql, input->name);
            floe_buf_text(sql, " := ");
        }
        if (input->feature.output == NULL) {
            write_brought(spine, request, input, sql);
        } else {
            floe_buf_text(sql, "CAST(a.");
            floe_sql_quote_name(sql, floe_str_of(floe_ref_name(&input->feature, "__", name)));
            floe_buf_text(sql, " AS ");
            floe_sql_type_name(sql, input->type);
            floe_buf_text(sql, ")");
        }
        if (!in_struct) {
            floe_buf_text(sql, " AS ");
            floe_sql_quote_name(sql, input->name);
        }
    }
}

/* One column of the new answer. A request feature has a row of its inputs beside it, so that names cannot meet. */
static floe_status write_column(const floe_ref *ref, size_t at, floe_buf *sql, floe_error *err) {
    char name[FLOE_REF_NAME_MAX], prefix[32];
    const floe_request_feature *request = ref->output->request;
    floe_str column = floe_str_of(floe_ref_name(ref, "__", name));
    if (request == NULL) {
        floe_buf_text(sql, "a.");
        floe_sql_quote_name(sql, column);
        return FLOE_OK;
    }
    snprintf(prefix, sizeof(prefix), "__floe_i%zu.", at);
    floe_buf_text(sql, "CAST(");
    FLOE_TRY(floe_sql_from_expr(request->expression, prefix, sql, err));
    floe_buf_text(sql, " AS ");
    floe_sql_type_name(sql, ref->output->type);
    floe_buf_text(sql, ") AS ");
    floe_sql_quote_name(sql, column);
    return FLOE_OK;
}

static floe_status write_columns(const floe_dataset_request *asked, floe_buf *sql, floe_error *err) {
    for (size_t i = 0; i < asked->ref_count; i++) {
        floe_buf_text(sql, i > 0 ? ", " : "");
        FLOE_TRY(write_column(&asked->refs[i], i, sql, err));
    }
    return FLOE_OK;
}

floe_status floe_dataset_write_asked(const dataset_job *job, const char *from, floe_buf *sql, floe_error *err) {
    const floe_dataset_request *asked = job->asked;
    FLOE_TRY(write_columns(asked, sql, err));
    floe_buf_text(sql, from);
    for (size_t i = 0; i < asked->ref_count; i++) {
        const floe_request_feature *request = asked->refs[i].output->request;
        if (request != NULL && request->input_count > 0) {
            floe_buf_text(sql, ", LATERAL (SELECT ");
            write_inputs(&job->spine, request, false, sql);
            floe_buf_printf(sql, ") __floe_i%zu", i);
        }
    }
    return floe_buf_check(sql, err);
}

/* The same columns in the order of the rows. The engine plans a LATERAL as a hash join, whose rows come in any order, and answers
 * stand beside the spine by their place: so the inputs are structs of an inner query, which is no join. */
static floe_status write_in_order(const dataset_job *job, floe_buf *sql, floe_error *err) {
    const floe_dataset_request *asked = job->asked;
    FLOE_TRY(write_columns(asked, sql, err));
    floe_buf_text(sql, " FROM (SELECT 0 AS __floe_nothing");
    for (size_t i = 0; i < asked->ref_count; i++) {
        const floe_request_feature *request = asked->refs[i].output->request;
        if (request == NULL) {
            floe_buf_text(sql, ", ");
            FLOE_TRY(write_column(&asked->refs[i], i, sql, err));
        } else if (request->input_count > 0) {
            floe_buf_text(sql, ", struct_pack(");
            write_inputs(&job->spine, request, true, sql);
            floe_buf_printf(sql, ") AS __floe_i%zu", i);
        }
    }
    floe_buf_text(sql, " FROM spine s POSITIONAL JOIN answer_of_views a) a");
    return floe_buf_check(sql, err);
}

floe_status floe_dataset_check_inputs(const dataset_job *job, floe_error *err) {
    const floe_column *inputs = NULL;
    size_t count = 0;
    FLOE_TRY(floe_refs_request_inputs(job->arena, job->asked->refs, job->asked->ref_count, &inputs, &count, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(check_input(job, &inputs[i], err));
    }
    return FLOE_OK;
}

floe_status floe_dataset_answer_nothing(const dataset_job *job, floe_error *err) {
    return floe_session_run(job->session, "CREATE TEMP TABLE answer AS SELECT 0 AS __floe_nothing FROM spine", NULL,
                            NULL, err);
}

floe_status floe_dataset_answer_requests(dataset_job *job, floe_error *err) {
    if (!floe_dataset_asks_requests(job->asked)) {
        return FLOE_OK;
    }
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    const char *kind = job->answer_is_view ? "VIEW" : "TABLE";
    floe_buf_printf(&sql, "ALTER %s answer RENAME TO answer_of_views; CREATE TEMP %s answer AS SELECT ", kind, kind);
    FLOE_TRY(write_in_order(job, &sql, err));
    floe_buf_text(&sql, job->answer_is_view ? "" : "; DROP TABLE answer_of_views");
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_dataset_progress(job, "computing request features", -1);
    return floe_session_run(job->session, sql.ptr, NULL, NULL, err);
}
