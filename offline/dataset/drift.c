/*
 * A source's table beside what it was when the definitions were applied. A column that was widened since is read as it was then, each value
 * exactly or not at all; every other change is told before anything is read, with what to do.
 *
 * Invariant: whatever is read above, by the kernel, in parts or by SQL, is of the types that the definitions name.
 */
#include "core/limits.h"
#include "offline/dataset/dataset_int.h"

#include <string.h>

/* How a column is read. */
typedef enum drift {
    DRIFT_NONE,
    DRIFT_CAST,  /* every value is one of the planned type */
    DRIFT_CHECK, /* a value that is not ends the run */
    DRIFT_KEY,   /* a value that is not equals no key, as null does not */
    DRIFT_OTHER,
} drift;

#define DRIFT_WORDS "when the definitions were applied"

static const floe_column *applied_column(const floe_source *source, floe_str name) {
    for (size_t i = 0; i < source->column_count; i++) {
        if (floe_str_equal(source->columns[i].name, name)) {
            return &source->columns[i];
        }
    }
    return NULL;
}

static bool is_time(const floe_source *source, floe_str name) {
    return floe_str_equal(name, source->event_time) || floe_str_equal(name, source->created_time) ||
           floe_str_equal(name, source->end_time);
}

/* What a column is kept or compared as; of kind none: nothing is known of it, or it is a time and nothing else. */
static floe_type planned_type(const floe_pit_need *need, floe_str name, bool *ret_key_alone) {
    *ret_key_alone = false;
    for (size_t i = 0; i < need->column_count; i++) {
        if (floe_str_equal(need->columns[i], name)) {
            *ret_key_alone = need->keys_alone[i];
            return need->types[i];
        }
    }
    const floe_column *applied = applied_column(need->source, name);
    return applied && !is_time(need->source, name) ? applied->type : (floe_type){0};
}

static bool in_where(const floe_pit_need *need, floe_str name, floe_arena *arena) {
    bool used = false;
    for (size_t w = 0; w < need->where_count; w++) {
        floe_str *names;
        size_t count = 0;
        if (need->wheres[w]) {
            floe_expr_columns(need->wheres[w], arena, &names, &count);
        }
        for (size_t i = 0; i < count; i++) {
            used = used || floe_str_equal(names[i], name);
        }
    }
    return used;
}

static bool holds(floe_type wide, floe_type narrow) {
    return floe_type_widens(narrow, wide) || (wide.kind == FLOE_KIND_DOUBLE && narrow.kind == FLOE_KIND_FLOAT);
}

static drift compare(floe_type found, floe_type planned, bool key_alone) {
    if (planned.kind == FLOE_KIND_NONE || floe_type_equal(found, planned) ||
        (key_alone && floe_type_widens(found, planned))) {
        return DRIFT_NONE;
    }
    if (holds(planned, found)) {
        return DRIFT_CAST;
    }
    if (holds(found, planned)) {
        return key_alone ? DRIFT_KEY : DRIFT_CHECK;
    }
    return DRIFT_OTHER;
}

static floe_status other_type(const source_scan *scan, floe_str name, floe_type found, floe_type planned,
                              floe_error *err) {
    char now[FLOE_TYPE_NAME_MAX], then[FLOE_TYPE_NAME_MAX];
    bool named = found.kind != FLOE_KIND_NONE;
    return FLOE_FAIL(err, FLOE_CONFLICT,
                     "column \"%.*s\" of table %.*s is %s%s now and was %s " DRIFT_WORDS "; run floe apply again",
                     FLOE_STR_BRIEF(name), FLOE_STR_ARG(scan->need->source->table), named ? "" : "of ",
                     named ? floe_type_name(found, now) : "a type that features cannot have",
                     planned.kind != FLOE_KIND_NONE ? floe_type_name(planned, then) : "a time");
}

static floe_status look_at(const source_scan *scan, floe_str name, floe_arena *arena, drift *ret_drift,
                           floe_type *ret_planned, floe_error *err) {
    const floe_source *source = scan->need->source;
    const floe_ice_field *field = floe_ice_field_by_name(scan->files.schema, name);
    bool key_alone;
    *ret_planned = planned_type(scan->need, name, &key_alone);
    *ret_drift = DRIFT_NONE;
    if (!field) {
        FLOE_ENSURE(!applied_column(source, name), err, FLOE_CONFLICT,
                    "table %.*s has no column \"%.*s\" now and had it " DRIFT_WORDS
                    "; bring it back or name another one in the definitions, and run floe apply again",
                    FLOE_STR_ARG(source->table), FLOE_STR_BRIEF(name));
        return FLOE_OK;
    }
    floe_type found = floe_ice_type_to_floe(field->type);
    bool timely = found.kind == FLOE_KIND_TIMESTAMP || found.kind == FLOE_KIND_DATE || floe_type_is_nanoseconds(found);
    if (is_time(source, name) && !timely) {
        return other_type(scan, name, found, (floe_type){0}, err);
    }
    *ret_drift = compare(found, *ret_planned, key_alone && !in_where(scan->need, name, arena));
    return *ret_drift == DRIFT_OTHER ? other_type(scan, name, found, *ret_planned, err) : FLOE_OK;
}

floe_status floe_drift_check(const source_scan *scan, floe_arena *arena, floe_error *err) {
    floe_str *names;
    size_t count;
    FLOE_TRY(floe_source_columns(scan, arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        drift way;
        floe_type planned;
        FLOE_TRY(look_at(scan, names[i], arena, &way, &planned, err));
    }
    return floe_arena_check(arena, err);
}

/* ---- SQL ---- */

/* `CASE WHEN TRY_CAST(c AS T) IS NOT DISTINCT FROM c THEN TRY_CAST(c AS T) ELSE … END`: a number that only rounds to T is none of it. */
static void append_exact(const source_scan *scan, const char *name, const char *type, bool tell, floe_buf *out) {
    floe_buf_printf(out, "CASE WHEN TRY_CAST(%s AS %s) IS NOT DISTINCT FROM %s THEN TRY_CAST(%s AS %s)", name, type,
                    name, name, type);
    if (tell) {
        FLOE_AUTO_BUF text;
        floe_buf_init(&text, FLOE_KIB(64));
        floe_buf_printf(
            &text, " in column %s of table %.*s is no %s, which the column was " DRIFT_WORDS "; run floe apply again",
            name, FLOE_STR_ARG(scan->need->source->table), type);
        floe_buf_printf(out, " ELSE error(CAST(%s AS VARCHAR) || ", name);
        floe_sql_quote_text(out, floe_buf_view(&text));
        floe_buf_text(out, ")");
        out->failed = out->failed || text.failed;
    }
    floe_buf_text(out, " END");
}

static void append_replaced(const source_scan *scan, floe_str name, drift way, floe_type planned, floe_buf *out) {
    FLOE_AUTO_BUF column, type;
    floe_buf_init(&column, FLOE_KIB(64));
    floe_buf_init(&type, FLOE_KIB(1));
    floe_sql_quote_name(&column, name);
    floe_sql_type_name(&type, planned);
    if (column.failed || type.failed) {
        out->failed = true;
        return;
    }
    if (way == DRIFT_CAST) {
        floe_buf_printf(out, "CAST(%s AS %s)", column.ptr, type.ptr);
    } else {
        append_exact(scan, column.ptr, type.ptr, way == DRIFT_CHECK, out);
    }
    floe_buf_printf(out, " AS %s", column.ptr);
}

floe_status floe_drift_sql(const source_scan *scan, const floe_buf *from, floe_arena *arena, floe_buf *out,
                           floe_error *err) {
    floe_str *names;
    size_t count, replaced = 0;
    FLOE_TRY(floe_source_columns(scan, arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        drift way;
        floe_type planned;
        FLOE_TRY(look_at(scan, names[i], arena, &way, &planned, err));
        if (way != DRIFT_NONE) {
            floe_buf_text(out, replaced++ == 0 ? "(SELECT * REPLACE (" : ", ");
            append_replaced(scan, names[i], way, planned, out);
        }
    }
    floe_buf_text(out, replaced > 0 ? ") FROM " : "");
    floe_buf_str(out, floe_buf_view(from));
    floe_buf_text(out, replaced > 0 ? ")" : "");
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_buf_check(out, err);
}

floe_status floe_drift_status(floe_status status, floe_error *err) {
    if (!floe_failed(status) || status.code != FLOE_INVALID || !err || !strstr(err->message, DRIFT_WORDS)) {
        return status;
    }
    err->code = FLOE_CONFLICT;
    return (floe_status){FLOE_CONFLICT};
}

floe_status floe_drift_ids(const source_scan *scan, int64_t since_snapshot_id, floe_arena *arena, bool *ret_same,
                           floe_error *err) {
    const floe_ice_metadata *metadata = floe_table_metadata(scan->table);
    const floe_ice_snapshot *snapshot = floe_ice_snapshot_by_id(metadata, since_snapshot_id);
    const floe_ice_schema *then =
        snapshot && snapshot->schema_id >= 0 ? floe_ice_schema_by_id(metadata, snapshot->schema_id) : NULL;
    floe_str *names;
    size_t count;
    *ret_same = then || metadata->schema_count <= 1;
    FLOE_TRY(floe_source_columns(scan, arena, &names, &count, err));
    for (size_t i = 0; then && i < count; i++) {
        const floe_ice_field *a = floe_ice_field_by_name(then, names[i]);
        const floe_ice_field *b = floe_ice_field_by_name(scan->files.schema, names[i]);
        *ret_same = *ret_same && (a ? a->id : -1) == (b ? b->id : -1);
    }
    return FLOE_OK;
}
