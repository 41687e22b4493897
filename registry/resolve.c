/*
 * Resolving: definitions against the columns that their tables really have.
 *
 * Sources first, then views, then request features. A view over a source that could not be resolved is not judged: its
 * findings would only repeat the source's.
 */
#include "core/map.h"
#include "registry/decode/decode_int.h"
#include "registry/names_int.h"
#include "registry/registry.h"

#include <stdio.h>

typedef struct resolver_state {
    floe_arena *arena;
    floe_findings findings;
    const floe_schema_resolver *resolver; /* NULL: the columns are there already */
    floe_error *err;
} resolver_state;

#define FIND(state, place, code, ...) floe_findings_add(&(state)->findings, (code), (place), __VA_ARGS__)

static floe_pos at_line(const floe_about *about, int line) {
    return (floe_pos){about->pos.file, line > 0 ? line : about->pos.line};
}

static const char *hint(resolver_state *state, const floe_source *source, floe_str word) {
    return floe_name_hint(state->arena, floe_column_nearest(state->arena, word, source->columns, source->column_count));
}

/* The column of the source's table, or NULL with a finding: not there, or of a type that floe has not. `what` says
 * whose column it is. */
static const floe_column *need_column(resolver_state *state, const floe_source *source, floe_str name, floe_pos pos,
                                      const char *what) {
    const floe_column *column = floe_column_find(source->columns, source->column_count, name);
    if (column == NULL) {
        FIND(state, pos, FLOE_NOT_FOUND, "%s: table %.*s has no column %.*s%s", what, FLOE_STR_ARG(source->table),
             FLOE_STR_ARG(name), hint(state, source, name));
        return NULL;
    }
    if (floe_type_is_nanoseconds(column->type)) {
        FIND(state, pos, FLOE_UNSUPPORTED,
             "%s: column %.*s of table %.*s is in nanoseconds, which the times of a source may be and features cannot; "
             "floe's timestamps are microseconds",
             what, FLOE_STR_ARG(name), FLOE_STR_ARG(source->table));
        return NULL;
    }
    if (column->type.kind == FLOE_KIND_NONE) {
        FIND(state, pos, FLOE_UNSUPPORTED, "%s: column %.*s of table %.*s has a type that features cannot have", what,
             FLOE_STR_ARG(name), FLOE_STR_ARG(source->table));
        return NULL;
    }
    return column;
}

/* ---- sources ---- */

/* Nanoseconds are rounded up to microseconds where the table is read, so that no rounding lets the future in. */
static void check_time(resolver_state *state, const floe_source *source, floe_str name, int line, const char *role) {
    const char *what = floe_arena_printf(state->arena, "source %.*s: %s", FLOE_STR_ARG(source->about.name), role);
    floe_pos pos = at_line(&source->about, line);
    if (name.len == 0 || what == NULL) {
        return;
    }
    const floe_column *column = floe_column_find(source->columns, source->column_count, name);
    if (column != NULL && floe_type_is_nanoseconds(column->type)) {
        return;
    }
    column = need_column(state, source, name, pos, what);
    if (column != NULL && column->type.kind != FLOE_KIND_TIMESTAMP && column->type.kind != FLOE_KIND_DATE) {
        char type[FLOE_TYPE_NAME_MAX];
        FIND(state, pos, FLOE_INVALID, "%s: column %.*s is %s; it must be a timestamp or a date", what,
             FLOE_STR_ARG(name), floe_type_name(column->type, type));
    }
}

static floe_status resolve_source(resolver_state *state, floe_source *source) {
    floe_error error = {0};
    if (state->resolver != NULL) {
        floe_status status = state->resolver->columns(state->resolver->context, source->table, state->arena,
                                                      &source->columns, &source->column_count, &error);
        if (floe_failed(status)) {
            char what[200];
            snprintf(what, sizeof what, "source %.*s", FLOE_STR_ARG(source->about.name));
            source->columns = NULL;
            source->column_count = 0;
            return floe_findings_take(&state->findings, at_line(&source->about, source->table_line), what, &error,
                                      state->err);
        }
    }
    check_time(state, source, source->event_time, source->event_line, "event_time");
    check_time(state, source, source->created_time, source->created_line, "created_time");
    check_time(state, source, source->end_time, source->end_line, "end_time");
    return FLOE_OK;
}

/* ---- views ---- */

static void check_keys(resolver_state *state, const floe_view *view, const char *what) {
    for (size_t i = 0; i < view->entity->key_count; i++) {
        const floe_column *key = &view->entity->keys[i];
        floe_pos pos = at_line(&view->about, view->keys_line);
        const char *key_what = floe_arena_printf(state->arena, "%s: key %.*s", what, FLOE_STR_ARG(key->name));
        const floe_column *column =
            key_what != NULL ? need_column(state, view->source, view->key_columns[i], pos, key_what) : NULL;
        if (column != NULL && !floe_type_widens(column->type, key->type)) {
            char declared[FLOE_TYPE_NAME_MAX];
            char found[FLOE_TYPE_NAME_MAX];
            FIND(
                state, pos, FLOE_INVALID,
                "%s is declared %s in entity %.*s, but column %.*s of table %.*s is %s; declare the key with that type",
                key_what, floe_type_name(key->type, declared), FLOE_STR_ARG(view->entity->about.name),
                FLOE_STR_ARG(column->name), FLOE_STR_ARG(view->source->table), floe_type_name(column->type, found));
        }
    }
}

static floe_status bind_where(resolver_state *state, const floe_view *view, const char *what) {
    floe_error error = {0};
    if (view->where == NULL || !floe_failed(floe_expr_bind(view->where, state->arena, view->source->columns,
                                                           view->source->column_count, &error))) {
        return FLOE_OK;
    }
    const char *where_what = floe_arena_printf(state->arena, "%s: where", what);
    return floe_findings_take(&state->findings, at_line(&view->about, view->where_line), where_what, &error,
                              state->err);
}

static bool needs_number(floe_function function) {
    switch (function) {
    case FLOE_FN_SUM:
    case FLOE_FN_MEAN:
    case FLOE_FN_STDDEV:
    case FLOE_FN_STDDEV_POP:
    case FLOE_FN_VARIANCE:
    case FLOE_FN_VARIANCE_POP:
    case FLOE_FN_PERCENTILE:
        return true;
    default:
        return false;
    }
}

/* Functions that compare or hash values, or would make lists of them. */
static bool needs_scalar(floe_function function) {
    switch (function) {
    case FLOE_FN_MIN:
    case FLOE_FN_MAX:
    case FLOE_FN_COUNT_DISTINCT:
    case FLOE_FN_APPROX_COUNT_DISTINCT:
        return true;
    default:
        return floe_function_lists(function);
    }
}

floe_type floe_function_type(floe_function function, floe_type column) {
    if (floe_function_counts(function)) {
        return (floe_type){.kind = FLOE_KIND_INT64};
    }
    if (floe_function_lists(function)) {
        return (floe_type){FLOE_KIND_LIST, column.kind, column.precision, column.scale};
    }
    if (function == FLOE_FN_SUM && column.kind == FLOE_KIND_DECIMAL) {
        return (floe_type){.kind = FLOE_KIND_DECIMAL, .precision = 38, .scale = column.scale};
    }
    if (function == FLOE_FN_SUM && floe_kind_is_integer(column.kind)) {
        return (floe_type){.kind = FLOE_KIND_INT64};
    }
    return needs_number(function) ? (floe_type){.kind = FLOE_KIND_DOUBLE} : column;
}

/* Whether the output before it already said what its column lacks: one entry of `aggregates:` becomes an output per
 * function and window, all of one line and column, and only a column that is wrong leaves an output without its
 * type. */
static bool was_said(const floe_view *view, const floe_output *output) {
    const floe_output *former = output > view->outputs ? output - 1 : NULL;
    return former && former->function != FLOE_FN_NONE && output->function != FLOE_FN_NONE &&
           former->about.pos.line == output->about.pos.line && floe_str_equal(former->column, output->column) &&
           former->column_type.kind == FLOE_KIND_NONE;
}

static void resolve_output(resolver_state *state, const floe_view *view, floe_output *output, const char *what) {
    const char *output_what =
        floe_arena_printf(state->arena, "%s: feature %.*s", what, FLOE_STR_ARG(output->about.name));
    if (output_what == NULL) {
        return;
    }
    if (!floe_str_is(output->column, "*")) {
        if (was_said(view, output)) {
            return;
        }
        const floe_column *column = need_column(state, view->source, output->column, output->about.pos, output_what);
        if (column == NULL) {
            return;
        }
        output->column_type = column->type;
    }
    char type[FLOE_TYPE_NAME_MAX];
    if (needs_number(output->function) && !floe_kind_is_number(output->column_type.kind)) {
        FIND(state, output->about.pos, FLOE_INVALID, "%s: %s needs a column of numbers, and %.*s is %s", output_what,
             floe_function_name(output->function), FLOE_STR_ARG(output->column),
             floe_type_name(output->column_type, type));
    } else if (needs_scalar(output->function) && output->column_type.kind == FLOE_KIND_LIST) {
        FIND(state, output->about.pos, FLOE_UNSUPPORTED, "%s: %s of lists is not supported, and %.*s is %s",
             output_what, floe_function_name(output->function), FLOE_STR_ARG(output->column),
             floe_type_name(output->column_type, type));
    } else {
        output->type = floe_function_type(output->function, output->column_type);
    }
}

static floe_status resolve_view(resolver_state *state, floe_view *view) {
    const char *what = floe_arena_printf(state->arena, "feature view %.*s", FLOE_STR_ARG(view->about.name));
    if (view->source->columns == NULL || what == NULL) {
        return FLOE_OK;
    }
    check_keys(state, view, what);
    FLOE_TRY(bind_where(state, view, what));
    for (size_t i = 0; i < view->output_count; i++) {
        resolve_output(state, view, (floe_output *)&view->outputs[i], what);
    }
    return floe_view_fingerprint(view, state->err);
}

/* ---- names that cannot be read together ---- */

typedef struct name_uses {
    resolver_state *state;
    const floe_source *source;
    floe_map used; /* folded name → the floe_column of the table */
} name_uses;

/* A column that a view or the source itself uses. The engine that reads the table knows no case, and has columns of floe's own
 * beside those of the table. */
static void use_column(name_uses *uses, floe_str name, floe_pos pos, const char *what) {
    resolver_state *state = uses->state;
    const floe_source *source = uses->source;
    const floe_column *column = floe_column_find(source->columns, source->column_count, name);
    if (column == NULL || what == NULL) {
        return; /* which was said, or it is `*` */
    }
    if (floe_name_is_own(name)) {
        FIND(state, pos, FLOE_UNSUPPORTED,
             "%s: column %.*s of table %.*s begins with __floe, as floe's own columns do; rename it", what,
             FLOE_STR_ARG(name), FLOE_STR_ARG(source->table));
        return;
    }
    floe_str key = floe_name_folded(state->arena, name);
    const floe_column *other = key.len > 0 ? floe_map_get(&uses->used, key) : column;
    if (other == NULL) {
        (void)floe_map_put(&uses->used, key, (void *)(uintptr_t)column);
    } else if (other != column) {
        FIND(state, pos, FLOE_UNSUPPORTED,
             "%s: the columns %.*s and %.*s of table %.*s differ only in case and cannot be used together; rename one, "
             "or "
             "make a source of its own for the other",
             what, FLOE_STR_ARG(other->name), FLOE_STR_ARG(name), FLOE_STR_ARG(source->table));
    }
}

static void use_view(name_uses *uses, const floe_view *view) {
    resolver_state *state = uses->state;
    const char *what = floe_arena_printf(state->arena, "feature view %.*s", FLOE_STR_ARG(view->about.name));
    floe_str *names = NULL;
    size_t count = 0;
    for (size_t i = 0; i < view->entity->key_count; i++) {
        use_column(uses, view->key_columns[i], at_line(&view->about, view->keys_line), what);
    }
    if (view->where != NULL) {
        floe_expr_columns(view->where, state->arena, &names, &count);
    }
    for (size_t i = 0; i < count; i++) {
        use_column(uses, names[i], at_line(&view->about, view->where_line), what);
    }
    for (size_t i = 0; i < view->output_count; i++) {
        use_column(uses, view->outputs[i].column, view->outputs[i].about.pos, what);
    }
}

/* Of all views over a source, because one scan answers them together. What is stored was applied once. */
static void check_uses(resolver_state *state, const floe_definitions *definitions, const floe_source *source) {
    name_uses uses = {.state = state, .source = source};
    const char *what = floe_arena_printf(state->arena, "source %.*s", FLOE_STR_ARG(source->about.name));
    floe_map_init(&uses.used, state->arena);
    if (source->columns == NULL || state->resolver == NULL) {
        return;
    }
    use_column(&uses, source->event_time, at_line(&source->about, source->event_line), what);
    use_column(&uses, source->created_time, at_line(&source->about, source->created_line), what);
    use_column(&uses, source->end_time, at_line(&source->about, source->end_line), what);
    for (size_t i = 0; i < definitions->view_count; i++) {
        if (definitions->views[i].source == source) {
            use_view(&uses, &definitions->views[i]);
        }
    }
}

/* ---- request features ---- */

/* Whether a value of one type may stand for another without a word: nothing of it is lost but what does not fit. */
static bool widens(floe_type from, floe_type to) {
    if (from.kind == FLOE_KIND_NONE || floe_type_equal(from, to)) {
        return true;
    }
    switch (to.kind) {
    case FLOE_KIND_INT64:
        return from.kind == FLOE_KIND_INT32;
    case FLOE_KIND_DOUBLE:
        return floe_kind_is_number(from.kind);
    case FLOE_KIND_DECIMAL:
        return floe_kind_is_integer(from.kind) || (from.kind == FLOE_KIND_DECIMAL && from.scale <= to.scale);
    case FLOE_KIND_TIMESTAMP:
        return from.kind == FLOE_KIND_DATE;
    default:
        return false;
    }
}

/* The inputs as columns; false when one of them has no type yet, which was said where its view is. */
static bool type_inputs(floe_request_feature *request, floe_column *columns) {
    for (size_t i = 0; i < request->input_count; i++) {
        floe_request_input *input = (floe_request_input *)&request->inputs[i];
        if (input->feature.output != NULL) {
            input->type = input->feature.output->type;
        }
        columns[i] = (floe_column){input->name, input->type};
        if (input->type.kind == FLOE_KIND_NONE) {
            return false;
        }
    }
    return true;
}

static floe_status resolve_request(resolver_state *state, floe_request_feature *request) {
    const char *what = floe_arena_printf(state->arena, "request feature %.*s", FLOE_STR_ARG(request->about.name));
    floe_column *columns = floe_arena_alloc(state->arena, request->input_count, sizeof *columns);
    floe_error error = {0};
    floe_pos pos = at_line(&request->about, request->expression_line);
    FLOE_TRY(floe_arena_check(state->arena, state->err));
    if (!type_inputs(request, columns)) {
        return FLOE_OK;
    }
    if (floe_failed(floe_expr_bind_value(request->expression, state->arena, columns, request->input_count, &error))) {
        return floe_findings_take(&state->findings, pos, what, &error, state->err);
    }
    floe_type made = request->expression->type;
    if (!widens(made, request->output.type)) {
        char found[FLOE_TYPE_NAME_MAX];
        char declared[FLOE_TYPE_NAME_MAX];
        FIND(state, pos, FLOE_INVALID, "%s is declared %s, but its expression gives %s; declare that, or cast(… AS %s)",
             what, floe_type_name(request->output.type, declared), floe_type_name(made, found), declared);
    }
    return FLOE_OK;
}

/* The arrays were made by the decoder in the same arena; they are const only for readers. */
floe_status floe_resolve(floe_definitions *definitions, const floe_schema_resolver *resolver, floe_arena *arena,
                         floe_error *err) {
    resolver_state state = {.arena = arena, .findings.arena = arena, .resolver = resolver, .err = err};
    for (size_t i = 0; i < definitions->source_count; i++) {
        FLOE_TRY(resolve_source(&state, (floe_source *)&definitions->sources[i]));
    }
    for (size_t i = 0; i < definitions->view_count; i++) {
        FLOE_TRY(resolve_view(&state, (floe_view *)&definitions->views[i]));
    }
    for (size_t i = 0; i < definitions->source_count; i++) {
        check_uses(&state, definitions, &definitions->sources[i]);
    }
    for (size_t i = 0; i < definitions->request_count; i++) {
        FLOE_TRY(resolve_request(&state, (floe_request_feature *)&definitions->requests[i]));
    }
    return floe_findings_report(&state.findings, err);
}

floe_status floe_definitions_resolve(floe_definitions *definitions, const floe_schema_resolver *resolver,
                                     floe_arena *arena, floe_error *err) {
    return floe_resolve(definitions, resolver, arena, err);
}
