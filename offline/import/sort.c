/*
 * The order of an import's rows: "origin, date desc nulls last" to a sort order of the table and to SQL.
 *
 * Rule: rows are sorted within their partition, stably: equal ones stay in the input's order. As in Iceberg, nulls come
 *       first when ascending and last when descending, unless the text says otherwise.
 * Source: Iceberg table spec, "Sorting".
 */
#include "offline/import/import_int.h"

#include "core/limits.h"

#include <inttypes.h>

#define SORT_FIELDS_MAX 16

/* Takes the last word off the text when it is `word`, in any case. */
static bool take_last_word(floe_str *text, const char *word) {
    size_t len = floe_str_of(word).len;
    if (text->len <= len || (text->ptr[text->len - len - 1] != ' ' && text->ptr[text->len - len - 1] != '\t')) {
        return false;
    }
    floe_str end = {text->ptr + text->len - len, len};
    if (!floe_str_is_nocase(end, word)) {
        return false;
    }
    *text = floe_str_trim((floe_str){text->ptr, text->len - len});
    return true;
}

static floe_status bad_item(floe_str item, floe_error *err) {
    return FLOE_FAIL(
        err, FLOE_INVALID,
        "--sort: \"%.*s\" is not understood; write columns, each with asc or desc and nulls first or nulls "
        "last where the rule of the table format is not meant",
        FLOE_STR_BRIEF(item));
}

/* "nulls first" or "nulls last" at the end. */
static floe_status take_nulls(floe_str whole, floe_str *text, bool *ret_given, bool *ret_last, floe_error *err) {
    bool first = take_last_word(text, "first");
    *ret_last = !first && take_last_word(text, "last");
    *ret_given = first || *ret_last;
    return !*ret_given || take_last_word(text, "nulls") ? FLOE_OK : bad_item(whole, err);
}

static floe_status parse_item(const floe_import *import, floe_str item, floe_ice_sort_field *ret_field,
                              floe_error *err) {
    floe_str text = item;
    bool given = false, last = false;
    FLOE_TRY(take_nulls(item, &text, &given, &last, err));
    bool descending = take_last_word(&text, "desc");
    if (!descending) {
        take_last_word(&text, "asc");
    }
    const floe_ice_field *field = floe_ice_field_by_name(&import->schema, text);
    FLOE_ENSURE(field, err, FLOE_NOT_FOUND, "--sort: there is no column \"%.*s\"", FLOE_STR_BRIEF(text));
    FLOE_ENSURE(field->type->field_count == 0, err, FLOE_INVALID, "--sort: column \"%.*s\" is nested, and has no order",
                FLOE_STR_BRIEF(text));
    *ret_field = (floe_ice_sort_field){field->id, descending, given ? last : descending};
    return FLOE_OK;
}

static floe_status parse_order(const floe_import *import, floe_ice_sort_field *fields, size_t *ret_count,
                               floe_error *err) {
    floe_str rest = floe_str_of(import->request->sort), item;
    size_t count = 0;
    while (floe_str_split(&rest, ',', &item)) {
        item = floe_str_trim(item);
        if (item.len == 0) {
            return bad_item(floe_str_of(import->request->sort), err);
        }
        FLOE_ENSURE(count < SORT_FIELDS_MAX, err, FLOE_LIMIT, "--sort: more than %d columns", SORT_FIELDS_MAX);
        FLOE_TRY(parse_item(import, item, &fields[count], err));
        for (size_t i = 0; i < count; i++) {
            FLOE_ENSURE(fields[i].source_id != fields[count].source_id, err, FLOE_INVALID,
                        "--sort: \"%.*s\": the column is named twice", FLOE_STR_BRIEF(item));
        }
        count++;
    }
    *ret_count = count;
    return count > 0 ? FLOE_OK : bad_item(floe_str_of(import->request->sort), err);
}

/* ---- the table's orders ---- */

static bool text_is(const floe_node *object, const char *key, const char *text) {
    const floe_node *node = floe_node_get(object, key);
    return node && node->kind == FLOE_NODE_STRING && floe_str_is(node->text, text);
}

static int64_t number_of(const floe_node *object, const char *key) {
    const floe_node *node = floe_node_get(object, key);
    return node && node->kind == FLOE_NODE_INT ? node->as.integer : -1;
}

static bool same_field(const floe_node *node, const floe_ice_sort_field *field) {
    return text_is(node, "transform", "identity") && number_of(node, "source-id") == field->source_id &&
           text_is(node, "direction", field->descending ? "desc" : "asc") &&
           text_is(node, "null-order", field->nulls_last ? "nulls-last" : "nulls-first");
}

static bool same_order(const floe_node *order, const floe_ice_sort_field *fields, size_t count) {
    const floe_node *list = floe_node_get(order, "fields");
    bool same = list && list->kind == FLOE_NODE_ARRAY && list->count == count;
    for (size_t i = 0; same && i < count; i++) {
        same = same_field(list->items[i], &fields[i]);
    }
    return same;
}

/* The table's order with these fields, else the next free id. */
static int32_t order_id(const floe_import *import, const floe_ice_sort_field *fields, size_t count) {
    const floe_node *orders = import->table ? floe_node_get(import->table->metadata.root, "sort-orders") : NULL;
    int64_t next = 1;
    for (size_t i = 0; orders && orders->kind == FLOE_NODE_ARRAY && i < orders->count; i++) {
        int64_t id = number_of(orders->items[i], "order-id");
        if (id > 0 && id <= INT32_MAX && same_order(orders->items[i], fields, count)) {
            return (int32_t)id;
        }
        next = id >= next ? id + 1 : next;
    }
    return (int32_t)next;
}

floe_status floe_import_sort(floe_import *import, floe_error *err) {
    size_t count = 0;
    if (!import->request->sort) {
        return FLOE_OK;
    }
    floe_ice_sort_field *fields = floe_arena_alloc(import->arena, SORT_FIELDS_MAX, sizeof *fields);
    FLOE_TRY(floe_arena_check(import->arena, err));
    FLOE_TRY(parse_order(import, fields, &count, err));
    import->sort_order = (floe_ice_sort_order){order_id(import, fields, count), fields, count};
    import->sorts_by_default = !floe_import_keeps_schema(import->request);
    return FLOE_OK;
}

void floe_import_order_sql(const floe_import *import, floe_buf *out) {
    for (size_t i = 0; i < import->sort_order.field_count; i++) {
        const floe_ice_sort_field *field = &import->sort_order.fields[i];
        floe_sql_quote_name(out, floe_ice_field_by_id(&import->schema, field->source_id)->name);
        floe_buf_text(out, field->descending ? " DESC" : " ASC");
        floe_buf_text(out, field->nulls_last ? " NULLS LAST, " : " NULLS FIRST, ");
    }
}
