/*
 * The rule as SQL. Per view one join of labels with the rows they see, grouped by label; every feature is an aggregate over
 * its part of the pairs. Labels that see nothing come back by a left join.
 *
 * Where SQL's own aggregate differs from floe's rule it is bent to it: counts of nothing are 0, -0.0 comes out as 0.0, and
 * sums of integers that leave int64 are errors. Where it cannot be bent, floe's own aggregates stand in
 * (engine/duckdb_aggregate.c): sums, means and deviations of any numbers, percentiles, sketches.
 */
#include "offline/pit/sql/sql.h"

#include "core/limits.h"
#include "offline/engine/engine.h"
#include "offline/pit/question/question.h"

#include <inttypes.h>

typedef struct sql_writer {
    const floe_pit *pit;
    const pit_group *group;
    const pit_view *view;
    floe_buf *out;
} sql_writer;

static void write_answer_name(floe_buf *out, const floe_view *view, const floe_output *output) {
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_KIB(4));
    floe_buf_printf(&name, "%.*s__%.*s", FLOE_STR_ARG(view->about.name), FLOE_STR_ARG(output->about.name));
    floe_sql_quote_name(out, floe_buf_view(&name));
}

/* From a label's time, which is of the years 1 to 9999, so much can be taken away in int64; wider spans reach to the first event as well. */
#define SPAN_MAX_US (INT64_MAX - INT64_C(62135596800000000))

/* ` FILTER (WHERE …)` for the rows of one output: its window, or the ttl. */
static void write_filter(const sql_writer *w, const floe_output *output, const char *more) {
    bool as_of = output->function == FLOE_FN_NONE;
    int64_t span = as_of ? w->view->view->ttl_us : output->window_us;
    if (span == 0 && more[0] == '\0') {
        return;
    }
    floe_buf_text(w->out, " FILTER (WHERE ");
    if (span > 0) {
        span = span < SPAN_MAX_US ? span : SPAN_MAX_US;
        const char *sign = as_of || w->view->before ? ">=" : ">"; /* The ttl's edge still holds. */
        floe_buf_printf(w->out, "s.__floe_event %s l.__floe_time - %" PRId64, sign, span);
    }
    floe_buf_printf(w->out, "%s%s)", span > 0 && more[0] != '\0' ? " AND " : "", more);
}

/* `function(s."column")` with its filter. */
static void write_call(const sql_writer *w, const floe_output *output, const char *function, const char *more) {
    floe_buf_printf(w->out, "%s(", function);
    if (floe_str_is(output->column, "*")) {
        floe_buf_text(w->out, "*");
    } else {
        floe_buf_text(w->out, "s.");
        floe_sql_quote_name(w->out, output->column);
    }
    floe_buf_text(w->out, ")");
    write_filter(w, output, more);
}

static bool is_real(const floe_output *output) {
    return output->column_type.kind == FLOE_KIND_FLOAT || output->column_type.kind == FLOE_KIND_DOUBLE;
}

/* The engine's arg_max of structs, and by structs, keeps values as sort keys, in which a zero has no sign: floats, and lists of them,
 * go through it as their bits. NULL: others. */
static const char *bits_of(floe_type type) {
    bool list = type.kind == FLOE_KIND_LIST;
    floe_kind kind = list ? type.element : type.kind;
    bool real = kind == FLOE_KIND_FLOAT || kind == FLOE_KIND_DOUBLE;
    return !real ? NULL : list ? "BIT[]" : "BIT";
}

static void write_kept(const sql_writer *w, const floe_output *output) {
    const char *bits = bits_of(output->column_type);
    floe_buf_text(w->out, bits ? "CAST(s." : "s.");
    floe_sql_quote_name(w->out, output->column);
    if (bits != NULL) {
        floe_buf_printf(w->out, " AS %s)", bits);
    }
}

/* What ends `CAST(` around kept bits. */
static void write_unkept(floe_type type, floe_buf *out) {
    bool list = type.kind == FLOE_KIND_LIST;
    bool narrow = (list ? type.element : type.kind) == FLOE_KIND_FLOAT;
    floe_buf_printf(out, " AS %s%s)", narrow ? "FLOAT" : "DOUBLE", list ? "[]" : "");
}

/* A row's created time where it has a part in the order of rows; null ones are the smallest. */
static const char *created_of(const sql_writer *w) {
    return w->group->has_created ? "coalesce(s.__floe_created, CAST(-9223372036854775808 AS BIGINT))"
                                 : "CAST(0 AS BIGINT)";
}

/* The winner as a struct of what is wanted of it, so that no aggregate skips a row for a null in one column; and the two
 * highest places, which are equal where only file order decided. Nulls in `created` are the smallest, which SQL's order of
 * structs would not say. */
static void write_winner(const sql_writer *w) {
    const floe_view *view = w->view->view;
    const char *created = created_of(w);
    const floe_output as_of = {.function = FLOE_FN_NONE};
    floe_buf_text(w->out, ", arg_max({");
    for (size_t i = 0; i < view->output_count; i++) {
        if (w->view->wanted[i] && view->outputs[i].function == FLOE_FN_NONE) {
            floe_buf_printf(w->out, "'o%zu': ", i);
            write_kept(w, &view->outputs[i]);
            floe_buf_text(w->out, ", ");
        }
    }
    floe_buf_printf(w->out, "'ends': %s}, {'e': s.__floe_event, 'c': %s, 's': s.__floe_seq, 'p': s.__floe_pos})",
                    w->group->has_end ? "s.__floe_end" : "CAST(NULL AS BIGINT)", created);
    write_filter(w, &as_of, "");
    floe_buf_printf(w->out, " AS winner, max({'e': s.__floe_event, 'c': %s}, 2)", created);
    write_filter(w, &as_of, "");
    floe_buf_text(w->out, " AS top");
}

/* `function(s."column"` and, where it has one, its parameter; then the filter. */
static void write_own(const sql_writer *w, const floe_output *output, const char *function) {
    bool long_decimal = output->column_type.kind == FLOE_KIND_DECIMAL && output->column_type.precision > 15;
    bool percentile = output->function == FLOE_FN_PERCENTILE;
    floe_buf_printf(w->out, "%s(%ss.", function, percentile ? long_decimal ? "CAST(CAST(" : "CAST(" : "");
    floe_sql_quote_name(w->out, output->column);
    if (percentile) {
        floe_value quantile = floe_value_double(output->quantile);
        floe_buf_text(w->out, long_decimal ? " AS VARCHAR) AS DOUBLE), " : " AS DOUBLE), ");
        floe_sql_literal(w->out, &quantile);
    }
    floe_buf_text(w->out, ")");
    write_filter(w, output, "");
}

/* What picks the winner, as a struct. */
static void write_order(const sql_writer *w) {
    floe_buf_printf(w->out, "{'e': s.__floe_event, 'c': %s, 's': s.__floe_seq, 'p': s.__floe_pos}", created_of(w));
}

/* The filter of one output, and that its column has a value. */
static void write_filled(const sql_writer *w, const floe_output *output) {
    FLOE_AUTO_BUF filled;
    floe_buf_init(&filled, FLOE_KIB(4));
    floe_buf_text(&filled, "s.");
    floe_sql_quote_name(&filled, output->column);
    floe_buf_text(&filled, " IS NOT NULL");
    w->out->failed = w->out->failed || filled.failed;
    write_filter(w, output, filled.failed ? "" : filled.ptr);
}

/* first and last by one comparison, first_k and last_k as the beginning of an ordered list. */
static void write_ends(const sql_writer *w, const floe_output *output) {
    bool newest = output->function == FLOE_FN_LAST || output->function == FLOE_FN_LAST_K;
    bool list = output->k > 0, bits = !list && bits_of(output->column_type);
    floe_buf_text(w->out, bits ? "CAST(" : "");
    floe_buf_text(w->out, list ? "(list(s." : newest ? "arg_max(" : "arg_min(");
    if (list) {
        floe_sql_quote_name(w->out, output->column);
    } else {
        write_kept(w, output);
    }
    floe_buf_text(w->out, list ? " ORDER BY " : ", ");
    write_order(w);
    floe_buf_text(w->out, list && newest ? " DESC)" : ")");
    write_filled(w, output);
    if (list) {
        floe_buf_printf(w->out, ")[1:%u]", (unsigned)output->k);
    } else if (bits) {
        write_unkept(output->column_type, w->out);
    }
}

static bool is_end(floe_function function) {
    return function == FLOE_FN_FIRST || function == FLOE_FN_LAST || function == FLOE_FN_FIRST_K ||
           function == FLOE_FN_LAST_K;
}

/* The times of the rows that first, last or a list of them takes, and of the one behind these: where two are equal, only file
 * order decided. */
static void write_end_times(const sql_writer *w, const floe_output *output, size_t index) {
    bool newest = output->function == FLOE_FN_LAST || output->function == FLOE_FN_LAST_K;
    floe_buf_printf(w->out, ", %s({'e': s.__floe_event, 'c': %s}, %u)", newest ? "max" : "min", created_of(w),
                    (output->k > 0 ? (unsigned)output->k : 1) + 1);
    write_filled(w, output);
    floe_buf_printf(w->out, " AS times%zu", index);
}

/* What a histogram counts: the column; of floats whether it is NaN beside one zero, because the engine's maps lose values
 * beside NaN and tell zeros apart. */
static void write_counted(const sql_writer *w, const floe_output *output) {
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_KIB(4));
    floe_buf_text(&name, "s.");
    floe_sql_quote_name(&name, output->column);
    w->out->failed = w->out->failed || name.failed;
    if (is_real(output) && !name.failed) {
        floe_buf_printf(w->out, "{'n': isnan(%s), 'v': CASE WHEN isnan(%s) OR %s = 0 THEN 0 ELSE %s END}", name.ptr,
                        name.ptr, name.ptr, name.ptr);
    } else {
        floe_buf_str(w->out, floe_buf_view(&name));
    }
}

/* A histogram, sorted by falling count and rising value. */
static void write_top(const sql_writer *w, const floe_output *output) {
    floe_buf_text(w->out, "CAST(list_transform(list_sort(list_transform(map_entries(histogram(");
    write_counted(w, output);
    floe_buf_text(w->out, ")");
    write_filled(w, output);
    floe_buf_printf(w->out, "), lambda e: {'n': -CAST(e.value AS BIGINT), 'v': e.key}))[1:%u], lambda e: %s) AS ",
                    (unsigned)output->k,
                    is_real(output) ? "CASE WHEN e.v.n THEN CAST('NaN' AS DOUBLE) ELSE e.v.v END" : "e.v");
    floe_sql_type_name(w->out, output->type);
    floe_buf_text(w->out, ")");
}

static void write_distinct(const sql_writer *w, const floe_output *output) {
    floe_buf_text(w->out, "count(DISTINCT s.");
    floe_sql_quote_name(w->out, output->column);
    floe_buf_text(w->out, is_real(output) ? " + 0)" : ")");
    write_filter(w, output, "");
}

/* `'view:feature of key=' || … || ' at ' || …`: what the kernel says of a sum that does not fit. */
static void write_place(const sql_writer *w, const floe_output *output, const char *room) {
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_KIB(8));
    const floe_entity *entity = w->group->entity;
    floe_buf_printf(&text, "%.*s:%.*s of ", FLOE_STR_ARG(w->view->view->about.name), FLOE_STR_ARG(output->about.name));
    for (size_t i = 0; i < entity->key_count; i++) {
        floe_buf_printf(&text, "%s%.*s=", i > 0 ? ", " : "", FLOE_STR_ARG(entity->keys[i].name));
        floe_sql_quote_text(w->out, floe_buf_view(&text));
        floe_buf_text(w->out, " || CAST(any_value(l.");
        floe_sql_quote_name(w->out, entity->keys[i].name);
        floe_buf_text(w->out, ") AS VARCHAR) || ");
        floe_buf_clear(&text);
    }
    /* Without a fraction, or with three digits of it where more would be zeros, as floe writes times. */
    floe_buf_text(w->out, "regexp_replace(regexp_replace(strftime(make_timestamp(any_value(l.__floe_time)), "
                          "' at %Y-%m-%dT%H:%M:%S.%fZ'), '000Z$', 'Z'), '\\.000Z$', 'Z') || ");
    floe_buf_printf(&text, ": the sum of column \"%.*s\" does not fit %s; use mean, or a shorter window",
                    FLOE_STR_ARG(output->column), room);
    floe_sql_quote_text(w->out, floe_buf_view(&text));
    w->out->failed = w->out->failed || text.failed;
}

/* The sum of whole numbers, which the engine keeps in 128 bits: an error where it leaves 64. */
static void write_whole_sum(const sql_writer *w, const floe_output *output) {
    floe_buf_text(w->out, "CASE WHEN ");
    write_call(w, output, "sum", "");
    floe_buf_text(w->out, " NOT BETWEEN -9223372036854775808 AND 9223372036854775807 THEN error(");
    write_place(w, output, "int64");
    floe_buf_text(w->out, ") ELSE TRY_CAST(");
    write_call(w, output, "sum", "");
    floe_buf_text(w->out, " AS BIGINT) END");
}

/* The sum of decimals as its text, because the engine's own fails where only a part of it leaves 38 digits. */
static void write_decimal_sum(const sql_writer *w, const floe_output *output) {
    floe_buf_text(w->out, "CASE WHEN ");
    write_call(w, output, "floe_decimal_sum", "");
    floe_buf_text(w->out, " = '' THEN error(");
    write_place(w, output, "38 digits");
    floe_buf_text(w->out, ") ELSE CAST(nullif(");
    write_call(w, output, "floe_decimal_sum", "");
    floe_buf_text(w->out, ", '') AS ");
    floe_sql_type_name(w->out, output->type);
    floe_buf_text(w->out, ") END");
}

/* min and max: SQL's own. */
static void write_plain(const sql_writer *w, const floe_output *output) {
    floe_buf_text(w->out, "CAST(");
    write_call(w, output, floe_function_name(output->function), "");
    floe_buf_text(w->out, is_real(output) ? " + 0 AS " : " AS ");
    floe_sql_type_name(w->out, output->type);
    floe_buf_text(w->out, ")");
}

/* The name of floe's own aggregate for a function, or NULL. */
static const char *own_aggregate(const floe_output *output) {
    switch (output->function) {
    case FLOE_FN_SUM:
        return is_real(output) ? "floe_sum" : NULL;
    case FLOE_FN_MEAN:
        return "floe_mean";
    case FLOE_FN_STDDEV:
        return "floe_stddev";
    case FLOE_FN_STDDEV_POP:
        return "floe_stddev_pop";
    case FLOE_FN_VARIANCE:
        return "floe_variance";
    case FLOE_FN_VARIANCE_POP:
        return "floe_variance_pop";
    case FLOE_FN_PERCENTILE:
        return "floe_percentile";
    case FLOE_FN_APPROX_COUNT_DISTINCT:
        return "floe_approx_count_distinct";
    default:
        return NULL;
    }
}

static void write_aggregate(const sql_writer *w, const floe_output *output, size_t index) {
    floe_buf_text(w->out, ", ");
    if (own_aggregate(output)) {
        write_own(w, output, own_aggregate(output));
    } else if (output->function == FLOE_FN_COUNT) {
        write_call(w, output, "count", "");
    } else if (output->function == FLOE_FN_COUNT_DISTINCT) {
        write_distinct(w, output);
    } else if (output->function == FLOE_FN_TOP_K) {
        write_top(w, output);
    } else if (output->function == FLOE_FN_SUM && output->type.kind == FLOE_KIND_INT64) {
        write_whole_sum(w, output);
    } else if (output->function == FLOE_FN_SUM && output->type.kind == FLOE_KIND_DECIMAL) {
        write_decimal_sum(w, output);
    } else if (output->function == FLOE_FN_MIN || output->function == FLOE_FN_MAX) {
        write_plain(w, output);
    } else {
        write_ends(w, output);
    }
    floe_buf_printf(w->out, " AS o%zu", index);
    if (is_end(output->function)) {
        write_end_times(w, output, index);
    }
}

/* labels l JOIN source s ON everything that makes a row visible. */
static void write_join(const sql_writer *w) {
    const pit_group *group = w->group;
    floe_buf_printf(w->out, "\n  FROM label l JOIN source_%zu s ON ", group->source_index);
    for (size_t i = 0; i < group->entity->key_count; i++) {
        floe_buf_text(w->out, i > 0 ? " AND s." : "s.");
        floe_sql_quote_name(w->out, group->key_columns[i]);
        floe_buf_text(w->out, " = l.");
        floe_sql_quote_name(w->out, group->entity->keys[i].name);
    }
    floe_buf_printf(w->out, " AND s.__floe_event %s l.__floe_time", w->view->before ? "<" : "<=");
    floe_buf_text(w->out, w->pit->options.as_known ? " AND s.__floe_created <= l.__floe_time" : "");
    floe_buf_printf(w->out, " AND s.__floe_where_%u\n  GROUP BY l.__floe_row)", group->where_index);
}

/* `found_N_view`: names of views may differ in case alone, which SQL's do not. */
static void write_found_name(const floe_pit *pit, const floe_view *view, floe_buf *out) {
    FLOE_AUTO_BUF name;
    size_t first = 0;
    floe_buf_init(&name, FLOE_KIB(4));
    while (first < pit->ref_count && pit->refs[first].view != view) {
        first++;
    }
    floe_buf_printf(&name, "found_%zu_%.*s", first, FLOE_STR_ARG(view->about.name));
    floe_sql_quote_name(out, floe_buf_view(&name));
}

static void write_view(const sql_writer *w) {
    const floe_view *view = w->view->view;
    floe_buf_text(w->out, ",\n");
    write_found_name(w->pit, view, w->out);
    floe_buf_text(w->out, " AS (\n  SELECT l.__floe_row");
    if (w->view->want_as_of) {
        write_winner(w);
    }
    for (size_t i = 0; i < view->output_count; i++) {
        if (w->view->wanted[i] && view->outputs[i].function != FLOE_FN_NONE) {
            write_aggregate(w, &view->outputs[i], i);
        }
    }
    write_join(w);
}

static const pit_view *find_view(const floe_pit *pit, const floe_view *view, const pit_group **ret_group) {
    for (size_t g = 0; g < pit->group_count; g++) {
        for (size_t v = 0; v < pit->groups[g].view_count; v++) {
            if (pit->groups[g].views[v].view == view) {
                *ret_group = &pit->groups[g];
                return &pit->groups[g].views[v];
            }
        }
    }
    return NULL;
}

/* One column of the answer out of what was found; null and 0 for labels that saw nothing. */
static void write_reference(const floe_pit *pit, const floe_ref *ref, floe_buf *out) {
    const pit_group *group = NULL;
    const pit_view *view = find_view(pit, ref->view, &group);
    FLOE_ASSERT(view);
    size_t index = (size_t)(ref->output - ref->view->outputs);
    floe_function function = ref->output->function;
    bool counts = floe_function_counts(function);
    floe_buf_text(out, ",\n  ");
    if (function == FLOE_FN_NONE) {
        floe_buf_text(out, "CASE WHEN ");
        write_found_name(pit, ref->view, out);
        floe_buf_printf(out, ".winner.ends %s label.__floe_time THEN NULL ELSE ", view->before ? "<" : "<=");
        bool bits = bits_of(ref->output->column_type);
        floe_buf_text(out, bits ? "CAST(" : "");
        write_found_name(pit, ref->view, out);
        floe_buf_printf(out, ".winner.o%zu", index);
        if (bits) {
            write_unkept(ref->output->column_type, out);
        }
        floe_buf_text(out, " END AS ");
    } else {
        floe_buf_text(out, counts ? "coalesce(" : "");
        write_found_name(pit, ref->view, out);
        floe_buf_printf(out, ".o%zu%s AS ", index, counts ? ", 0)" : "");
    }
    write_answer_name(out, ref->view, ref->output);
}

static void write_tied_winner(const floe_pit *pit, const pit_view *view, floe_buf *out) {
    floe_buf_text(out, " + CAST(coalesce(");
    write_found_name(pit, view->view, out);
    floe_buf_text(out, ".top[1] = ");
    write_found_name(pit, view->view, out);
    floe_buf_text(out, ".top[2], false) AND NOT coalesce(");
    write_found_name(pit, view->view, out);
    floe_buf_printf(out, ".winner.ends %s label.__floe_time, false) AS BIGINT)", view->before ? "<" : "<=");
}

static void write_tied_end(const floe_pit *pit, const pit_view *view, size_t index, floe_buf *out) {
    floe_buf_text(out, " + CAST(coalesce(len(list_distinct(");
    write_found_name(pit, view->view, out);
    floe_buf_printf(out, ".times%zu)) < len(", index);
    write_found_name(pit, view->view, out);
    floe_buf_printf(out, ".times%zu), false) AS BIGINT)", index);
}

/* How many of the label's winners, and of its ends of windows, only file order decided. */
static void write_ties(const floe_pit *pit, floe_buf *out) {
    floe_buf_text(out, ",\n  CAST(0");
    for (size_t g = 0; g < pit->group_count; g++) {
        for (size_t v = 0; v < pit->groups[g].view_count; v++) {
            const pit_view *view = &pit->groups[g].views[v];
            if (view->want_as_of) {
                write_tied_winner(pit, view, out);
            }
            for (size_t i = 0; i < view->view->output_count; i++) {
                if (view->wanted[i] && is_end(view->view->outputs[i].function)) {
                    write_tied_end(pit, view, i, out);
                }
            }
        }
    }
    floe_buf_text(out, " AS BIGINT) AS __floe_ties");
}

static void write_answer(const floe_pit *pit, floe_buf *out) {
    floe_buf_text(out, ",\nanswer AS (\n  SELECT label.__floe_row");
    write_ties(pit, out);
    for (size_t i = 0; i < pit->ref_count; i++) {
        write_reference(pit, &pit->refs[i], out);
    }
    floe_buf_text(out, "\n  FROM label");
    for (size_t g = 0; g < pit->group_count; g++) {
        for (size_t v = 0; v < pit->groups[g].view_count; v++) {
            floe_buf_text(out, " LEFT JOIN ");
            write_found_name(pit, pit->groups[g].views[v].view, out);
            floe_buf_text(out, " USING (__floe_row)");
        }
    }
    floe_buf_text(out, ")\n");
}

floe_status floe_pit_sql(const floe_pit *pit, const floe_pit_sql_from *from, floe_buf *out, floe_error *err) {
    floe_buf_printf(out, "WITH label AS MATERIALIZED (SELECT * FROM %s)", from->labels);
    for (size_t s = 0; s < pit->source_count; s++) {
        floe_buf_printf(out, ",\nsource_%zu AS MATERIALIZED (SELECT * FROM ", s);
        floe_buf_text(out, from->sources[s]); /* Not by printf: a list of files may be long. */
        floe_buf_text(out, ")");
    }
    for (size_t g = 0; g < pit->group_count; g++) {
        for (size_t v = 0; v < pit->groups[g].view_count; v++) {
            write_view(&(sql_writer){pit, &pit->groups[g], &pit->groups[g].views[v], out});
        }
    }
    write_answer(pit, out);
    return floe_buf_check(out, err);
}
