/*
 * What a SELECT is made of, as the engine's own parser sees it.
 *
 * Phases: the parser's tree, flattened by the engine into rows, parents before children → what each object says of itself →
 * every object judged by lists of what is known (classes of expressions, kinds of clauses and sources, functions) → the
 * tables that are named and that no WITH around them defines.
 * Invariant: what is not on a list is refused by name; nothing is let through because nobody thought of it.
 */
#include "offline/check/check_int.h"

#include "core/limits.h"

#include <strings.h>

#define ROWS_MAX 1000000
#define NO_ROW SIZE_MAX
#define WITHS_MAX 1024

/* An object of the tree. */
typedef struct object {
    size_t parent; /* the row of the object, list or member that holds it */
    floe_str key;
    floe_str kind; /* OBJECT, ARRAY or VARCHAR */
    floe_str text; /* of a VARCHAR */
    bool constant; /* inside a constant's value: nothing there is code */
    /* Of an object, from its members. */
    floe_str class_name, type, function, schema, catalog, table, schema_of, catalog_of;
    bool at;
} object;

typedef struct defined {
    size_t owner; /* the row of the query that the WITH belongs to */
    size_t entry; /* the row of {key, value} in its list */
    floe_str name;
} defined;

typedef struct parsing {
    floe_arena *arena;
    object *rows;
    size_t count;
    uint64_t *ids; /* by row; ascending */
    defined withs[WITHS_MAX];
    size_t with_count;
    floe_query_name *names;
    size_t name_count, name_capacity;
    floe_error *err;
} parsing;

/* ---- the tree ---- */

/* Only what is judged comes: other numbers and flags say nothing about what may run. */
static const char tree_sql[] =
    "SELECT CAST(id AS BIGINT), CAST(coalesce(parent, 0) AS BIGINT), coalesce(key, ''), type,"
    " CASE WHEN type = 'VARCHAR' THEN coalesce(value ->> '$', '') ELSE '' END FROM "
    "json_tree(json_serialize_sql(CAST($1 AS VARCHAR)))"
    " WHERE type IN ('OBJECT', 'ARRAY') OR (type = 'VARCHAR' AND key NOT IN ('alias', 'query_location', 'collation'))"
    " ORDER BY id";

static size_t row_of(const parsing *run, uint64_t id) {
    size_t low = 0;
    size_t high = run->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (run->ids[middle] == id) {
            return middle;
        }
        low = run->ids[middle] < id ? middle + 1 : low;
        high = run->ids[middle] > id ? middle : high;
    }
    return NO_ROW;
}

/* Where a member of an object is kept, or NULL. */
static floe_str *member_of(object *owner, floe_str key) {
    return floe_str_is(key, "class")           ? &owner->class_name
           : floe_str_is(key, "type")          ? &owner->type
           : floe_str_is(key, "function_name") ? &owner->function
           : floe_str_is(key, "schema")        ? &owner->schema
           : floe_str_is(key, "catalog")       ? &owner->catalog
           : floe_str_is(key, "table_name")    ? &owner->table
           : floe_str_is(key, "schema_name")   ? &owner->schema_of
           : floe_str_is(key, "catalog_name")  ? &owner->catalog_of
                                               : NULL;
}

static void link_row(parsing *run, size_t at, uint64_t parent_id) {
    object *row = &run->rows[at];
    row->parent = at == 0 ? NO_ROW : row_of(run, parent_id);
    if (row->parent == NO_ROW) {
        return;
    }
    object *parent = &run->rows[row->parent];
    row->constant = parent->constant || (floe_str_is(row->key, "value") && floe_str_is(parent->class_name, "CONSTANT"));
    parent->at = parent->at || (floe_str_is(row->key, "at_clause") && floe_str_is(row->kind, "OBJECT"));
    floe_str *member = floe_str_is(row->kind, "VARCHAR") ? member_of(parent, row->key) : NULL;
    if (member) {
        *member = row->text;
    }
}

static floe_status read_tree(parsing *run, const floe_query_rows *rows) {
    FLOE_ENSURE(rows->row_count <= ROWS_MAX, run->err, FLOE_LIMIT, "the query is too large to be checked");
    run->rows = floe_arena_alloc(run->arena, rows->row_count + 1, sizeof(*run->rows));
    run->ids = floe_arena_alloc(run->arena, rows->row_count + 1, sizeof(*run->ids));
    FLOE_TRY(floe_arena_check(run->arena, run->err));
    for (size_t i = 0; i < rows->row_count; i++) {
        const floe_value *cells = rows->values + 5 * i;
        run->ids[i] = (uint64_t)cells[0].as.integer;
        run->rows[i] = (object){.key = cells[2].as.bytes, .kind = cells[3].as.bytes, .text = cells[4].as.bytes};
        run->count = i + 1;
        link_row(run, i, (uint64_t)cells[1].as.integer);
    }
    return FLOE_OK;
}

/* ---- judging ---- */

static bool is_one_of(floe_str text, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_is(text, list[i])) {
            return true;
        }
    }
    return false;
}
#define IS_ONE_OF(text, list) is_one_of((text), (list), sizeof(list) / sizeof((list)[0]))

static floe_status judge_function(const parsing *run, const object *row) {
    const object *parent = &run->rows[row->parent];
    bool source = floe_str_is(parent->type, "TABLE_FUNCTION") && floe_str_is(row->key, "function");
    FLOE_ENSURE(!source || floe_str_is_nocase(row->function, "unnest"), run->err, FLOE_DENIED,
                "the table function %.*s; a query reads tables of the catalog", FLOE_STR_BRIEF(row->function));
    bool own = (row->schema.len == 0 || floe_str_is(row->schema, "main")) && row->catalog.len == 0;
    FLOE_ENSURE(own, run->err, FLOE_DENIED, "the function %.*s.%.*s; functions are called by their bare name",
                FLOE_STR_BRIEF(row->schema), FLOE_STR_BRIEF(row->function));
    FLOE_ENSURE(floe_query_function_allowed(row->function), run->err, FLOE_DENIED,
                "the function %.*s is not one that may be called here", FLOE_STR_BRIEF(row->function));
    return FLOE_OK;
}

static floe_status judge_expression(const parsing *run, const object *row) {
    static const char *const classes[] = {"CONSTANT",   "COLUMN_REF",  "STAR",     "FUNCTION", "CAST",
                                          "COMPARISON", "CONJUNCTION", "OPERATOR", "CASE",     "BETWEEN",
                                          "SUBQUERY",   "WINDOW",      "COLLATE",  "LAMBDA",   "POSITIONAL_REFERENCE"};
    FLOE_ENSURE(!floe_str_is(row->class_name, "PARAMETER"), run->err, FLOE_DENIED,
                "a parameter; write the value itself");
    FLOE_ENSURE(IS_ONE_OF(row->class_name, classes), run->err, FLOE_DENIED, "an expression of the class %.*s",
                FLOE_STR_BRIEF(row->class_name));
    bool calls = floe_str_is(row->class_name, "FUNCTION") || floe_str_is(row->class_name, "WINDOW");
    return calls ? judge_function(run, row) : FLOE_OK;
}

static floe_status judge_clause(const parsing *run, const object *row) {
    static const char *const kinds[] = {
        "SELECT_NODE",    "SET_OPERATION_NODE",     "CTE_NODE",          "SUBQUERY",      "JOIN",
        "EMPTY",          "EXPRESSION_LIST",        "TABLE_FUNCTION",    "PIVOT",         "ORDER_MODIFIER",
        "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER", "ORDER_DEFAULT", "ASCENDING",
        "DESCENDING"};
    FLOE_ENSURE(!floe_str_is(row->type, "RECURSIVE_CTE_NODE"), run->err, FLOE_DENIED,
                "a recursive WITH, which nothing bounds");
    FLOE_ENSURE(!floe_str_is(row->type, "SHOW_REF"), run->err, FLOE_DENIED,
                "SHOW, DESCRIBE or SUMMARIZE; only a SELECT may run");
    bool of_type = floe_str_ends_with(row->type, FLOE_STR("_TYPE_INFO"));
    FLOE_ENSURE(of_type || IS_ONE_OF(row->type, kinds), run->err, FLOE_DENIED, "a clause of the kind %.*s",
                FLOE_STR_BRIEF(row->type));
    return FLOE_OK;
}

/* ---- names ---- */

static bool same_nocase(floe_str a, floe_str b) {
    return a.len == b.len && strncasecmp(a.ptr, b.ptr, a.len) == 0;
}

/* cte_map: {map: [{key: name, value}]} of a query: a name holds in the query and in the WITH queries after its own. */
static floe_status note_with(parsing *run, size_t at) {
    const object *row = &run->rows[at];
    bool entry = floe_str_is(row->key, "key") && row->parent != NO_ROW && run->rows[row->parent].parent != NO_ROW;
    size_t list = entry ? run->rows[run->rows[at].parent].parent : NO_ROW;
    if (list == NO_ROW || !floe_str_is(run->rows[list].key, "map") || run->rows[list].parent == NO_ROW) {
        return FLOE_OK;
    }
    size_t map = run->rows[list].parent;
    if (floe_str_is(run->rows[map].key, "cte_map")) {
        FLOE_ENSURE(run->with_count < WITHS_MAX, run->err, FLOE_LIMIT, "more than %d WITH queries", WITHS_MAX);
        run->withs[run->with_count++] = (defined){run->rows[map].parent, row->parent, row->text};
    }
    return FLOE_OK;
}

/* Whether a WITH of the query `owner` gives the name; `from` is its WITH query that we come from, or NO_ROW. In itself and in
 * those before it a name is that of something else: a table, or what the engine keeps about itself. */
static bool is_given(const parsing *run, size_t owner, size_t from, floe_str name) {
    for (size_t i = 0; i < run->with_count; i++) {
        const defined *with = &run->withs[i];
        if (with->owner == owner && with->entry < from && same_nocase(with->name, name)) {
            return true;
        }
    }
    return false;
}

static bool is_entry(const parsing *run, size_t row) {
    for (size_t i = 0; i < run->with_count; i++) {
        if (run->withs[i].entry == row) {
            return true;
        }
    }
    return false;
}

static bool is_defined(const parsing *run, size_t at) {
    floe_str name = run->rows[at].table;
    size_t from = NO_ROW;
    for (size_t above = run->rows[at].parent; above != NO_ROW; above = run->rows[above].parent) {
        if (is_entry(run, above)) {
            from = above;
        } else if (is_given(run, above, from, name)) {
            return true;
        } else if (floe_str_is(run->rows[above].kind, "OBJECT") && !floe_str_is(run->rows[above].key, "cte_map")) {
            from = NO_ROW; /* the query that the WITH belongs to is behind us */
        }
    }
    return false;
}

static floe_status note_table(parsing *run, size_t at) {
    const object *row = &run->rows[at];
    FLOE_ENSURE(!row->at, run->err, FLOE_DENIED, "the table %.*s AT another time; a query reads tables as they are",
                FLOE_STR_BRIEF(row->table));
    if (row->schema_of.len == 0 && row->catalog_of.len == 0 && is_defined(run, at)) {
        return FLOE_OK;
    }
    for (size_t i = 0; i < run->name_count; i++) {
        const floe_query_name *name = &run->names[i];
        if (floe_str_equal(name->table, row->table) && floe_str_equal(name->schema, row->schema_of) &&
            floe_str_equal(name->catalog, row->catalog_of)) {
            return FLOE_OK;
        }
    }
    floe_query_name *name = FLOE_ARENA_PUSH(run->arena, run->names, run->name_count, run->name_capacity);
    FLOE_TRY(floe_arena_check(run->arena, run->err));
    *name = (floe_query_name){row->catalog_of, row->schema_of, row->table};
    return FLOE_OK;
}

static floe_status judge_row(parsing *run, size_t at) {
    const object *row = &run->rows[at];
    if (row->constant || !floe_str_is(row->kind, "OBJECT")) {
        return FLOE_OK;
    }
    if (row->class_name.len > 0) {
        return judge_expression(run, row);
    }
    if (floe_str_is(row->type, "BASE_TABLE")) {
        return note_table(run, at);
    }
    return row->type.len > 0 ? judge_clause(run, row) : FLOE_OK;
}

/* ---- the whole ---- */

static floe_str text_at(const parsing *run, const char *key) {
    for (size_t i = 0; i < run->count; i++) {
        if (run->rows[i].parent == 0 && floe_str_is(run->rows[i].key, key)) {
            return run->rows[i].text;
        }
    }
    return FLOE_STR("");
}

/* The parser gives trees of SELECT statements only, and says so of others. */
static floe_status check_statements(const parsing *run) {
    floe_str message = text_at(run, "error_message");
    size_t statements = 0;
    if (message.len > 0) {
        bool other = floe_str_is(text_at(run, "error_type"), "not implemented") ||
                     floe_str_starts_with(message, FLOE_STR("Only SELECT")) ||
                     floe_str_starts_with(message, FLOE_STR("A CTE needs"));
        return other ? FLOE_FAIL(run->err, FLOE_DENIED, "another statement than one SELECT: %.*s",
                                 FLOE_STR_BRIEF(message))
                     : FLOE_FAIL(run->err, FLOE_INVALID, "%.*s", (int)(message.len > 400 ? 400 : message.len),
                                 message.ptr);
    }
    for (size_t i = 0; i < run->count; i++) {
        size_t parent = run->rows[i].parent;
        statements += parent != NO_ROW && run->rows[parent].parent == 0 && floe_str_is(run->rows[i].kind, "OBJECT") &&
                              floe_str_is(run->rows[parent].key, "statements")
                          ? 1
                          : 0;
    }
    FLOE_ENSURE(statements > 0, run->err, FLOE_INVALID, "there is no statement");
    FLOE_ENSURE(statements == 1, run->err, FLOE_INVALID, "%zu statements; write exactly one SELECT", statements);
    return FLOE_OK;
}

floe_status floe_query_parse(floe_session *session, floe_str sql, floe_arena *arena, const floe_query_name **ret_names,
                             size_t *ret_count, floe_error *err) {
    floe_value text = floe_value_string(sql);
    floe_query_rows rows = {0};
    FLOE_TRY(floe_session_query(session, tree_sql, &(floe_sql_params){&text, 1}, arena, &rows, err));
    parsing *run = floe_arena_alloc(arena, 1, sizeof(*run));
    FLOE_TRY(floe_arena_check(arena, err));
    run->arena = arena;
    run->err = err;
    FLOE_TRY(read_tree(run, &rows));
    FLOE_TRY(check_statements(run));
    for (size_t i = 0; i < run->count; i++) {
        FLOE_TRY(note_with(run, i));
    }
    for (size_t i = 0; i < run->count; i++) {
        FLOE_TRY(judge_row(run, i));
    }
    *ret_names = run->names;
    *ret_count = run->name_count;
    return FLOE_OK;
}
