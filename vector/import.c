/*
 * Schemas of other databases as JSON Lines: one table a line, checked member by member, then handed on as a unit.
 *
 * Names are opaque UTF-8: dots, spaces and case are kept. A foreign key to a table that is not there is a hint and stays.
 * An unknown member is an error that names the nearest known one, so that a misspelt "foreign_key" is not lost silently.
 */
#include "vector/unit_int.h"

#include "core/json.h"
#include "core/limits.h"
#include "vector/lines_int.h"

#include <stdio.h>

#define NAME_BYTES_MAX FLOE_KIB(4)

static floe_status need_name(const floe_node *object, const char *key, const char *what, floe_str *ret_name,
                             floe_error *err) {
    const floe_node *node = floe_node_get(object, key);
    FLOE_ENSURE(node && node->kind != FLOE_NODE_NULL, err, FLOE_INVALID, "%s has no \"%s\"", what, key);
    FLOE_TRY(floe_node_need_str(object, key, what, ret_name, err));
    FLOE_ENSURE(ret_name->len > 0, err, FLOE_INVALID, "%s has an empty \"%s\"", what, key);
    FLOE_ENSURE(ret_name->len <= NAME_BYTES_MAX, err, FLOE_LIMIT, "%s has a \"%s\" of %zu bytes; the most is %zu", what,
                key, ret_name->len, (size_t)NAME_BYTES_MAX);
    return FLOE_OK;
}

/* The member as an array: none and null count as empty. */
static floe_status get_array(const floe_node *object, const char *key, const char *what, const floe_node **ret_array,
                             floe_error *err) {
    static const floe_node empty = {.kind = FLOE_NODE_ARRAY};
    const floe_node *node = floe_node_get(object, key);
    *ret_array = !node || node->kind == FLOE_NODE_NULL ? &empty : node;
    FLOE_ENSURE((*ret_array)->kind == FLOE_NODE_ARRAY, err, FLOE_INVALID, "%s: \"%s\" is %s, not a list", what, key,
                floe_node_kind_name((*ret_array)->kind));
    return FLOE_OK;
}

static floe_status get_names(const floe_node *object, const char *key, const char *what, floe_arena *arena,
                             const floe_str **ret_names, size_t *ret_count, floe_error *err) {
    const floe_node *array = NULL;
    FLOE_TRY(get_array(object, key, what, &array, err));
    floe_str *names = floe_arena_alloc(arena, array->count, sizeof(*names));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < array->count; i++) {
        FLOE_ENSURE(array->items[i]->kind == FLOE_NODE_STRING, err, FLOE_INVALID, "%s: \"%s\" holds %s, not only names",
                    what, key, floe_node_kind_name(array->items[i]->kind));
        names[i] = array->items[i]->text;
    }
    *ret_names = names;
    *ret_count = array->count;
    return FLOE_OK;
}

/* A sample value as text: strings as they are, numbers and booleans as JSON writes them, nulls as nothing. */
static floe_status sample_text(const floe_node *node, const char *what, floe_arena *arena, floe_str *ret_text,
                               floe_error *err) {
    FLOE_ENSURE(node->kind != FLOE_NODE_ARRAY && node->kind != FLOE_NODE_OBJECT, err, FLOE_INVALID,
                "%s: \"samples\" holds %s, not only plain values", what, floe_node_kind_name(node->kind));
    if (node->kind == FLOE_NODE_STRING || node->kind == FLOE_NODE_NULL) {
        *ret_text = node->kind == FLOE_NODE_STRING ? node->text : FLOE_STR("");
        return FLOE_OK;
    }
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, FLOE_KIB(1));
    floe_json_print(node, &text);
    FLOE_TRY(floe_buf_check(&text, err));
    *ret_text = floe_arena_str(arena, floe_buf_view(&text));
    return floe_arena_check(arena, err);
}

/* As of a crawled table (cli/sample.h): so many values, none longer; what is more or longer is not kept. */
#define SAMPLES_MAX 50
#define SAMPLE_BYTES_MAX 64

static floe_status get_samples(const floe_node *object, const char *what, floe_arena *arena, floe_texts *ret_samples,
                               floe_error *err) {
    const floe_node *array = NULL;
    FLOE_TRY(get_array(object, "samples", what, &array, err));
    floe_str *texts = floe_arena_alloc(arena, array->count, sizeof(*texts));
    FLOE_TRY(floe_arena_check(arena, err));
    size_t count = 0;
    for (size_t i = 0; i < array->count; i++) {
        floe_str text = {0};
        FLOE_TRY(sample_text(array->items[i], what, arena, &text, err));
        if (count < SAMPLES_MAX && text.len <= SAMPLE_BYTES_MAX) {
            texts[count++] = text;
        }
    }
    *ret_samples = (floe_texts){texts, count};
    return FLOE_OK;
}

static floe_status get_column(const floe_node *object, size_t index, floe_arena *arena, floe_part *column,
                              floe_error *err) {
    static const char *const known[] = {"name", "type", "description", "samples", "tags"};
    char what[48];
    (void)snprintf(what, sizeof(what), "column %zu", index + 1);
    FLOE_TRY(floe_members_check(object, what, known, sizeof(known) / sizeof(known[0]), err));
    FLOE_TRY(need_name(object, "name", what, &column->name, err));
    FLOE_TRY(floe_node_opt_str(object, "type", what, &column->type, err));
    FLOE_TRY(floe_node_opt_str(object, "description", what, &column->description, err));
    FLOE_TRY(get_names(object, "tags", what, arena, &column->prose.items, &column->prose.count, err));
    return get_samples(object, what, arena, &column->words, err);
}

static floe_status get_columns(const floe_node *object, floe_arena *arena, floe_unit *unit, floe_error *err) {
    const floe_node *array = NULL;
    FLOE_TRY(get_array(object, "columns", "the table", &array, err));
    floe_part *columns = floe_arena_alloc(arena, array->count, sizeof(*columns));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < array->count; i++) {
        FLOE_TRY(get_column(array->items[i], i, arena, &columns[i], err));
    }
    unit->parts = columns;
    unit->part_count = array->count;
    return FLOE_OK;
}

static floe_status get_foreign_key(const floe_node *object, size_t index, floe_arena *arena, floe_foreign_key *key,
                                   floe_error *err) {
    static const char *const known[] = {"columns", "table", "references"};
    char what[48];
    (void)snprintf(what, sizeof(what), "foreign key %zu", index + 1);
    FLOE_TRY(floe_members_check(object, what, known, sizeof(known) / sizeof(known[0]), err));
    FLOE_TRY(need_name(object, "table", what, &key->table, err));
    FLOE_TRY(get_names(object, "columns", what, arena, &key->columns, &key->column_count, err));
    return get_names(object, "references", what, arena, &key->references, &key->reference_count, err);
}

static floe_status get_foreign_keys(const floe_node *object, floe_arena *arena, floe_unit *unit, floe_error *err) {
    const floe_node *array = NULL;
    FLOE_TRY(get_array(object, "foreign_keys", "the table", &array, err));
    floe_foreign_key *keys = floe_arena_alloc(arena, array->count, sizeof(*keys));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < array->count; i++) {
        FLOE_TRY(get_foreign_key(array->items[i], i, arena, &keys[i], err));
    }
    unit->foreign_keys = keys;
    unit->foreign_key_count = array->count;
    return FLOE_OK;
}

static floe_status read_table(const floe_node *object, floe_arena *arena, floe_unit *unit, floe_error *err) {
    static const char *const known[] = {"database", "table", "description", "columns", "primary_key", "foreign_keys"};
    FLOE_TRY(floe_members_check(object, "the line", known, sizeof(known) / sizeof(known[0]), err));
    *unit = (floe_unit){.kind = FLOE_UNIT_TABLE, .origin = FLOE_ORIGIN_IMPORT};
    FLOE_TRY(need_name(object, "database", "the line", &unit->space, err));
    FLOE_TRY(need_name(object, "table", "the line", &unit->name, err));
    FLOE_TRY(floe_node_opt_str(object, "description", "the table", &unit->description, err));
    FLOE_TRY(get_columns(object, arena, unit, err));
    FLOE_TRY(
        get_names(object, "primary_key", "the table", arena, &unit->primary_key.items, &unit->primary_key.count, err));
    return get_foreign_keys(object, arena, unit, err);
}

static floe_status take_line(void *context, const floe_node *object, floe_arena *arena, bool is_good, floe_error *err) {
    const floe_import_sink *sink = context;
    floe_unit unit = {0};
    FLOE_TRY(read_table(object, arena, &unit, err));
    return is_good ? sink->unit(sink->context, &unit, err) : FLOE_OK;
}

floe_status floe_import_read(floe_str text, const char *file, const floe_import_sink *sink, floe_error *err) {
    floe_import_sink copy = *sink;
    floe_line_sink lines = {.line = take_line, .context = &copy};
    return floe_lines_each(text, file, &lines, err);
}
