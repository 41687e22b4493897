/*
 * Nested columns whose shape in a file is not the schema's: members renamed, moved, dropped, added or widened, at any depth.
 *
 * The engine finds members by name. So a nested column is read with the names and types that the file has, and the
 * engine's remap_struct() puts its members, known here by their ids, into the places and types of the schema. Where names
 * and ids agree all the way down nothing of this is needed.
 * A column whose group the file does not mark as a list or a map, as old writers left it, is a struct to the engine, whose one
 * member is the list that was meant: it is taken out of there.
 * Rule: a member that the file lacks is its initial default, else null; a struct that is null stays null.
 */
#include "offline/iceberg/plan_int.h"

#include "core/limits.h"

#include <strings.h>

/* What is found out about one column or member. The texts are empty where they say nothing. */
typedef struct nested_part {
    floe_buf type;     /* as the file has it, of the members that are needed */
    floe_buf mapping;  /* what goes into {…}, or ROW's second argument, without the braces */
    floe_buf defaults; /* likewise */
    bool same;         /* reading it as the schema's type is right */
    floe_str inside;   /* of a column without a mark: the struct's member that it is; ptr NULL: the column itself */
} nested_part;

typedef struct nested_file {
    const floe_parquet_schema *schema;
    const char *path;
    floe_str column; /* for messages */
    int format_version;
} nested_file;

static floe_status resolve(const nested_file *file, const floe_ice_field *field, size_t node, nested_part *ret_part,
                           floe_error *err);

static void open_part(nested_part *part) {
    floe_buf_init(&part->type, FLOE_MIB(4));
    floe_buf_init(&part->mapping, FLOE_MIB(4));
    floe_buf_init(&part->defaults, FLOE_MIB(16));
    part->same = true;
}

static void close_part(nested_part *part) {
    floe_buf_close(&part->type);
    floe_buf_close(&part->mapping);
    floe_buf_close(&part->defaults);
}
#define AUTO_PART __attribute__((cleanup(close_part))) nested_part

/* ---- nodes ---- */

static size_t skip_node(const floe_parquet_schema *schema, size_t node) {
    size_t next = node + 1;
    while (next < schema->node_count && schema->nodes[next].depth > schema->nodes[node].depth) {
        next++;
    }
    return next;
}

/* The child number `index` of a node, or SIZE_MAX. */
static size_t child_at(const floe_parquet_schema *schema, size_t node, size_t index) {
    size_t end = skip_node(schema, node);
    for (size_t at = node + 1; at < end; at = skip_node(schema, at)) {
        if (index-- == 0) {
            return at;
        }
    }
    return SIZE_MAX;
}

static size_t child_by_id(const floe_parquet_schema *schema, size_t node, int32_t id) {
    size_t end = skip_node(schema, node);
    for (size_t at = node + 1; at < end; at = skip_node(schema, at)) {
        if (schema->nodes[at].field_id == id) {
            return at;
        }
    }
    return SIZE_MAX;
}

static bool is_leaf(const floe_parquet_schema *schema, size_t node) {
    return skip_node(schema, node) == node + 1 && schema->nodes[node].type.len > 0;
}

/* ---- parts of {…} ---- */

static void begin_entry(floe_buf *out, floe_str name) {
    floe_buf_text(out, out->len > 0 ? ", " : "");
    floe_sql_quote_text(out, name);
    floe_buf_text(out, ": ");
}

/* 'name': 'name in the file', or with what lies deeper. */
static void map_entry(floe_buf *out, floe_str name, floe_str found, const nested_part *inner) {
    begin_entry(out, name);
    if (inner->same) {
        floe_sql_quote_text(out, found);
        return;
    }
    floe_buf_text(out, "ROW(");
    floe_sql_quote_text(out, found);
    floe_buf_text(out, ", {");
    floe_buf_str(out, floe_buf_view(&inner->mapping));
    floe_buf_text(out, "})");
}

static void defaults_entry(floe_buf *out, floe_str name, const nested_part *inner) {
    if (!inner->same && inner->defaults.len > 0) {
        begin_entry(out, name);
        floe_buf_byte(out, '{');
        floe_buf_str(out, floe_buf_view(&inner->defaults));
        floe_buf_byte(out, '}');
    }
}

/* ---- structs ---- */

static floe_status add_missing(const nested_file *file, const floe_ice_field *member, size_t node, nested_part *part,
                               floe_error *err) {
    size_t end = skip_node(file->schema, node);
    for (size_t at = node + 1; at < end; at = skip_node(file->schema, at)) {
        FLOE_ENSURE(
            file->schema->nodes[at].field_id >= 0 || file->schema->mapped, err, FLOE_UNSUPPORTED,
            "%s: the nested column \"%.*s\": the member \"%.*s\" has no field id, so that it is not known whether "
            "it is \"%.*s\" (id %d)",
            file->path, FLOE_STR_BRIEF(file->column), FLOE_STR_BRIEF(file->schema->nodes[at].name),
            FLOE_STR_BRIEF(member->name), (int)member->id);
    }
    part->same = false;
    begin_entry(&part->defaults, member->name);
    return floe_default_sql(member, false, &part->defaults, err);
}

static floe_status add_member(const nested_file *file, const floe_ice_field *member, size_t node, nested_part *part,
                              floe_error *err) {
    AUTO_PART inner = {0};
    floe_str found = file->schema->nodes[node].name;
    open_part(&inner);
    FLOE_TRY(resolve(file, member, node, &inner, err));
    floe_buf_text(&part->type, part->type.len > 0 ? ", " : "");
    floe_sql_quote_name(&part->type, found);
    floe_buf_byte(&part->type, ' ');
    floe_buf_str(&part->type, floe_buf_view(&inner.type));
    map_entry(&part->mapping, member->name, found, &inner);
    defaults_entry(&part->defaults, member->name, &inner);
    part->same = part->same && inner.same && floe_str_equal(found, member->name);
    return FLOE_OK;
}

/* The engine ignores case in names, so that it could take one member for the other. */
static floe_status check_names(const nested_file *file, size_t node, floe_error *err) {
    const floe_parquet_schema *schema = file->schema;
    size_t end = skip_node(schema, node);
    for (size_t at = node + 1; at < end; at = skip_node(schema, at)) {
        for (size_t before = node + 1; before < at; before = skip_node(schema, before)) {
            floe_str a = schema->nodes[before].name;
            floe_str b = schema->nodes[at].name;
            FLOE_ENSURE(a.len != b.len || strncasecmp(a.ptr, b.ptr, a.len) != 0, err, FLOE_UNSUPPORTED,
                        "%s: the nested column \"%.*s\" has members that differ only in case: \"%.*s\" and \"%.*s\"",
                        file->path, FLOE_STR_BRIEF(file->column), FLOE_STR_BRIEF(a), FLOE_STR_BRIEF(b));
        }
    }
    return FLOE_OK;
}

/* A column's struct none of whose members is wanted is read by one that the file has, to know where it is null. */
static void add_witness(const nested_file *file, size_t node, nested_part *part) {
    size_t end = skip_node(file->schema, node);
    for (size_t at = node + 1; at < end; at = skip_node(file->schema, at)) {
        if (is_leaf(file->schema, at)) {
            floe_sql_quote_name(&part->type, file->schema->nodes[at].name);
            floe_buf_byte(&part->type, ' ');
            floe_buf_str(&part->type, file->schema->nodes[at].type);
            return;
        }
    }
}

static floe_status resolve_struct(const nested_file *file, const floe_ice_field *field, size_t node, nested_part *part,
                                  floe_error *err) {
    AUTO_PART members = {0};
    size_t found = 0;
    open_part(&members);
    FLOE_TRY(check_names(file, node, err));
    for (size_t i = 0; i < field->type->field_count; i++) {
        const floe_ice_field *member = &field->type->fields[i];
        size_t at = child_by_id(file->schema, node, member->id);
        found += at != SIZE_MAX ? 1 : 0;
        FLOE_TRY(at != SIZE_MAX ? add_member(file, member, at, &members, err)
                                : add_missing(file, member, node, &members, err));
    }
    if (found == 0 && file->schema->nodes[node].depth == 0) {
        add_witness(file, node, &members);
        found = members.type.len > 0 ? 1 : 0;
    }
    FLOE_ENSURE(found > 0, err, FLOE_UNSUPPORTED,
                "%s: the nested column \"%.*s\" has none of the members of \"%.*s\" there, so that floe cannot tell "
                "whether it is null",
                file->path, FLOE_STR_BRIEF(file->column), FLOE_STR_BRIEF(field->name));
    floe_buf_text(&part->type, "STRUCT(");
    floe_buf_str(&part->type, floe_buf_view(&members.type));
    floe_buf_byte(&part->type, ')');
    floe_buf_str(&part->mapping, floe_buf_view(&members.mapping));
    floe_buf_str(&part->defaults, floe_buf_view(&members.defaults));
    part->same = members.same;
    return FLOE_OK;
}

/* ---- lists and maps ---- */

static floe_status no_part(const nested_file *file, const floe_ice_field *part, floe_error *err) {
    return FLOE_FAIL(err, FLOE_UNSUPPORTED, "%s: the nested column \"%.*s\" has no %.*s with the id %d there",
                     file->path, FLOE_STR_BRIEF(file->column), FLOE_STR_BRIEF(part->name), (int)part->id);
}

/* A list or map without a mark is read as the struct that the engine takes it for. Deeper down nothing could take it out. */
static floe_status check_mark(const nested_file *file, size_t node, size_t repeated, nested_part *part,
                              floe_error *err) {
    if (file->schema->nodes[node].marked) {
        return FLOE_OK;
    }
    FLOE_ENSURE(
        file->schema->nodes[node].depth == 0, err, FLOE_UNSUPPORTED,
        "%s: the nested column \"%.*s\" holds the group \"%.*s\", which the file does not mark as a list or a map, "
        "as old writers did; write the file again with a tool of today",
        file->path, FLOE_STR_BRIEF(file->column), FLOE_STR_BRIEF(file->schema->nodes[node].name));
    part->inside = file->schema->nodes[repeated].name;
    return FLOE_OK;
}

static void unmarked_type(nested_part *part, const floe_buf *element) {
    floe_buf_clear(&part->type);
    floe_buf_text(&part->type, "STRUCT(");
    floe_sql_quote_name(&part->type, part->inside);
    floe_buf_byte(&part->type, ' ');
    floe_buf_str(&part->type, floe_buf_view(element));
    floe_buf_text(&part->type, "[])");
}

static floe_status resolve_list(const nested_file *file, const floe_ice_field *field, size_t node, nested_part *part,
                                floe_error *err) {
    const floe_ice_field *element = &field->type->fields[0];
    size_t repeated = child_at(file->schema, node, 0);
    size_t at = repeated == SIZE_MAX ? SIZE_MAX : child_by_id(file->schema, repeated, element->id);
    if (at == SIZE_MAX && repeated != SIZE_MAX && file->schema->nodes[repeated].field_id == element->id) {
        at = repeated; /* the older form, without a group between */
    }
    if (at == SIZE_MAX || !file->schema->nodes[repeated].repeated) {
        return no_part(file, element, err);
    }
    /* The engine takes a group of one member for the group between, and its member for the element. */
    bool alone = at == repeated && !is_leaf(file->schema, at) && child_at(file->schema, at, 1) == SIZE_MAX;
    FLOE_ENSURE(
        !alone, err, FLOE_UNSUPPORTED,
        "%s: the nested column \"%.*s\" is a list of two levels whose elements are structs of one member, which floe "
        "does not read",
        file->path, FLOE_STR_BRIEF(file->column));
    AUTO_PART inner = {0};
    open_part(&inner);
    FLOE_TRY(resolve(file, element, at, &inner, err));
    FLOE_TRY(check_mark(file, node, repeated, part, err));
    floe_buf_str(&part->type, floe_buf_view(&inner.type));
    floe_buf_text(&part->type, "[]");
    if (part->inside.ptr != NULL) {
        unmarked_type(part, &inner.type);
    }
    map_entry(&part->mapping, FLOE_STR("list"), FLOE_STR("list"), &inner);
    defaults_entry(&part->defaults, FLOE_STR("list"), &inner);
    part->same = inner.same;
    return FLOE_OK;
}

static floe_status resolve_map(const nested_file *file, const floe_ice_field *field, size_t node, nested_part *part,
                               floe_error *err) {
    static const char *const NAMES[] = {"key", "value"};
    size_t repeated = child_at(file->schema, node, 0);
    AUTO_PART entries = {0};
    open_part(&entries);
    floe_buf_text(&entries.type, "STRUCT(");
    floe_buf_text(&part->type, "MAP(");
    for (size_t i = 0; i < 2; i++) {
        const floe_ice_field *side = &field->type->fields[i];
        size_t at = repeated == SIZE_MAX ? SIZE_MAX : child_by_id(file->schema, repeated, side->id);
        if (at == SIZE_MAX || at != child_at(file->schema, repeated, i) || !file->schema->nodes[repeated].repeated) {
            return no_part(file, side, err);
        }
        AUTO_PART inner = {0};
        open_part(&inner);
        FLOE_TRY(resolve(file, side, at, &inner, err));
        floe_buf_text(&part->type, i > 0 ? ", " : "");
        floe_buf_str(&part->type, floe_buf_view(&inner.type));
        floe_buf_text(&entries.type, i > 0 ? ", " : "");
        floe_sql_quote_name(&entries.type, file->schema->nodes[at].name);
        floe_buf_byte(&entries.type, ' ');
        floe_buf_str(&entries.type, floe_buf_view(&inner.type));
        map_entry(&part->mapping, floe_str_of(NAMES[i]), floe_str_of(NAMES[i]), &inner);
        defaults_entry(&part->defaults, floe_str_of(NAMES[i]), &inner);
        part->same = part->same && inner.same;
    }
    floe_buf_byte(&part->type, ')');
    floe_buf_byte(&entries.type, ')');
    FLOE_TRY(check_mark(file, node, repeated, part, err));
    if (part->inside.ptr != NULL) {
        unmarked_type(part, &entries.type);
    }
    return floe_buf_check(&entries.type, err);
}

static floe_status resolve(const nested_file *file, const floe_ice_field *field, size_t node, nested_part *ret_part,
                           floe_error *err) {
    switch (field->type->kind) {
    case FLOE_ICE_STRUCT:
        FLOE_ENSURE(!is_leaf(file->schema, node), err, FLOE_UNSUPPORTED,
                    "%s: \"%.*s\" is a struct, but the file holds %.*s", file->path, FLOE_STR_BRIEF(field->name),
                    FLOE_STR_BRIEF(file->schema->nodes[node].type));
        return resolve_struct(file, field, node, ret_part, err);
    case FLOE_ICE_LIST:
        return resolve_list(file, field, node, ret_part, err);
    case FLOE_ICE_MAP:
        return resolve_map(file, field, node, ret_part, err);
    default:
        floe_buf_str(&ret_part->type, file->schema->nodes[node].type);
        return floe_leaf_check(field, file->format_version, file->schema->nodes[node].type, file->path, err);
    }
}

/* ---- the column ---- */

/* The column with the names and types of the file. */
static void column_sql(const floe_ice_field *field, const nested_part *part, floe_buf *out) {
    bool map = field->type->kind == FLOE_ICE_MAP && part->inside.ptr != NULL;
    floe_buf_printf(out, map ? "map_from_entries(c%d" : "c%d", (int)field->id);
    if (part->inside.ptr != NULL) {
        floe_buf_byte(out, '.');
        floe_sql_quote_name(out, part->inside);
    }
    floe_buf_text(out, map ? ")" : "");
}

static void remap_sql(const floe_ice_field *field, const nested_part *part, floe_buf *out) {
    floe_buf_text(out, part->same ? "CAST(" : "remap_struct(");
    column_sql(field, part, out);
    floe_buf_text(out, part->same ? " AS " : ", CAST(NULL AS ");
    floe_ice_type_sql(field->type, false, out);
    if (part->same) {
        floe_buf_byte(out, ')');
        return;
    }
    floe_buf_text(out, part->mapping.len > 0 ? "), {" : "), NULL");
    floe_buf_str(out, floe_buf_view(&part->mapping));
    floe_buf_text(out, part->mapping.len > 0 ? "}" : "");
    floe_buf_text(out, part->defaults.len > 0 ? ", {" : ", NULL)");
    if (part->defaults.len > 0) {
        floe_buf_str(out, floe_buf_view(&part->defaults));
        floe_buf_text(out, "})");
    }
}

floe_status floe_nested_place(const floe_parquet_schema *schema, size_t column, const char *path,
                              const floe_ice_field *field, int format_version, floe_arena *arena,
                              floe_column_place *place, floe_error *err) {
    const nested_file file = {schema, path, schema->nodes[column].name, format_version};
    AUTO_PART part = {0};
    open_part(&part);
    FLOE_TRY(resolve(&file, field, column, &part, err));
    if (part.same && part.inside.ptr == NULL) {
        return FLOE_OK;
    }
    FLOE_AUTO_BUF sql = {0};
    floe_buf_init(&sql, FLOE_MIB(32));
    remap_sql(field, &part, &sql);
    FLOE_TRY(floe_buf_check(&part.type, err));
    FLOE_TRY(floe_buf_check(&part.mapping, err));
    FLOE_TRY(floe_buf_check(&part.defaults, err));
    FLOE_TRY(floe_buf_check(&sql, err));
    place->read_type = floe_arena_str(arena, floe_buf_view(&part.type));
    place->expression = floe_arena_str(arena, floe_buf_view(&sql));
    return floe_arena_check(arena, err);
}
