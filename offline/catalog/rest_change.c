/*
 * What a commit changes, in the words of the REST protocol.
 *
 * Writers of floe make the whole next metadata document; the protocol wants the difference to the last one, and what must
 * still hold of it. Lists whose members have numbers (schemas, specs, sort orders, snapshots) are compared by number, and the
 * number -1 names the last member added, since the server gives numbers of its own.
 */
#include "offline/catalog/rest_int.h"

#include "core/json.h"

typedef struct rest_change {
    const floe_node *base; /* NULL: the table is made */
    const floe_node *next;
    floe_json_writer *out;
} rest_change;

static const floe_node *of(const floe_node *object, const char *key) {
    return object == NULL ? NULL : floe_node_get(object, key);
}

static int64_t number_of(const floe_node *object, const char *key, int64_t otherwise) {
    const floe_node *node = of(object, key);
    return node != NULL && node->kind == FLOE_NODE_INT ? node->as.integer : otherwise;
}

static floe_str text_of(const floe_node *object, const char *key) {
    const floe_node *node = of(object, key);
    return node != NULL && node->kind == FLOE_NODE_STRING ? node->text : (floe_str){0};
}

static size_t count_of(const floe_node *list) {
    return list == NULL ? 0 : list->count;
}

/* A member that is a list, or an object; NULL for anything else. */
static const floe_node *list_of(const floe_node *object, const char *key) {
    const floe_node *node = of(object, key);
    return node != NULL && node->kind == FLOE_NODE_ARRAY ? node : NULL;
}

static const floe_node *members_of(const floe_node *object, const char *key) {
    const floe_node *node = of(object, key);
    return node != NULL && node->kind == FLOE_NODE_OBJECT ? node : NULL;
}

static bool has_number(const floe_node *list, const char *key, int64_t number) {
    for (size_t i = 0; i < count_of(list); i++) {
        if (number_of(list->items[i], key, INT64_MIN) == number) {
            return true;
        }
    }
    return false;
}

static bool is_same(const floe_node *a, const floe_node *b) {
    FLOE_AUTO_BUF x = {0};
    FLOE_AUTO_BUF y = {0};
    if (a == NULL || b == NULL) {
        return a == b;
    }
    floe_buf_init(&x, SIZE_MAX / 2);
    floe_buf_init(&y, SIZE_MAX / 2);
    floe_json_print(a, &x);
    floe_json_print(b, &y);
    return !x.failed && !y.failed && floe_str_equal(floe_buf_view(&x), floe_buf_view(&y));
}

/* ---- writing ---- */

static void begin(const rest_change *change, const char *kind, const char *name) {
    floe_json_object_begin(change->out);
    floe_json_key(change->out, kind);
    floe_json_text(change->out, name);
}

static void end(const rest_change *change) {
    floe_json_object_end(change->out);
}

static void put_tree(const rest_change *change, const char *key, const floe_node *node) {
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, SIZE_MAX / 2);
    floe_json_print(node, &text);
    floe_json_key(change->out, key);
    floe_json_raw(change->out, floe_buf_view(&text));
}

static void put_number(const rest_change *change, const char *key, int64_t number) {
    floe_json_key(change->out, key);
    floe_json_int(change->out, number);
}

static void put_text(const rest_change *change, const char *key, floe_str text) {
    floe_json_key(change->out, key);
    floe_json_string(change->out, text);
}

/* ---- what must hold ---- */

static void must_number(const rest_change *change, const char *type, const char *word, const char *key) {
    begin(change, "type", type);
    put_number(change, word, number_of(change->base, key, 0));
    end(change);
}

static bool takes_snapshots_away(const rest_change *change) {
    const floe_node *before = list_of(change->base, "snapshots");
    const floe_node *after = list_of(change->next, "snapshots");
    for (size_t i = 0; i < count_of(before); i++) {
        if (!has_number(after, "snapshot-id", number_of(before->items[i], "snapshot-id", -1))) {
            return true;
        }
    }
    return false;
}

static void must_ref(const rest_change *change, floe_str name, int64_t snapshot) {
    begin(change, "type", "assert-ref-snapshot-id");
    put_text(change, "ref", name);
    floe_json_key(change->out, "snapshot-id");
    if (snapshot < 0) {
        floe_json_null(change->out);
    } else {
        floe_json_int(change->out, snapshot);
    }
    end(change);
}

/* Which snapshots may go was decided by where branches and tags pointed. */
static void must_refs(const rest_change *change) {
    const floe_node *refs = members_of(change->base, "refs");
    must_ref(change, FLOE_STR("main"), number_of(change->base, "current-snapshot-id", -1));
    for (size_t i = 0; takes_snapshots_away(change) && i < count_of(refs); i++) {
        const floe_member *ref = &refs->members[i];
        if (!floe_str_is(ref->key, "main")) {
            must_ref(change, ref->key, number_of(ref->value, "snapshot-id", -1));
        }
    }
}

static void put_requirements(const rest_change *change) {
    if (change->base == NULL) {
        begin(change, "type", "assert-create");
        end(change);
        return;
    }
    begin(change, "type", "assert-table-uuid");
    put_text(change, "uuid", text_of(change->base, "table-uuid"));
    end(change);
    must_refs(change);
    must_number(change, "assert-current-schema-id", "current-schema-id", "current-schema-id");
    must_number(change, "assert-last-assigned-field-id", "last-assigned-field-id", "last-column-id");
    must_number(change, "assert-default-spec-id", "default-spec-id", "default-spec-id");
    must_number(change, "assert-default-sort-order-id", "default-sort-order-id", "default-sort-order-id");
}

/* ---- members with numbers ---- */

typedef struct numbered {
    const char *list, *number, *current; /* "schemas", "schema-id", "current-schema-id" */
    const char *add, *member;            /* "add-schema", "schema" */
    const char *choose, *chosen;         /* "set-current-schema", "schema-id" */
} numbered;

static void put_numbered(const rest_change *change, const numbered *what) {
    const floe_node *before = list_of(change->base, what->list);
    const floe_node *after = list_of(change->next, what->list);
    int64_t current = number_of(change->next, what->current, 0);
    int64_t last_added = INT64_MIN;
    for (size_t i = 0; i < count_of(after); i++) {
        int64_t number = number_of(after->items[i], what->number, 0);
        if (change->base != NULL && has_number(before, what->number, number)) {
            continue;
        }
        begin(change, "action", what->add);
        put_tree(change, what->member, after->items[i]);
        if (strcmp(what->member, "schema") == 0) {
            put_number(change, "last-column-id", number_of(change->next, "last-column-id", 0));
        }
        end(change);
        last_added = number;
    }
    if (change->base == NULL || current != number_of(change->base, what->current, 0)) {
        begin(change, "action", what->choose);
        put_number(change, what->chosen, current == last_added ? -1 : current);
        end(change);
    }
}

/* ---- properties ---- */

static void put_properties(const rest_change *change) {
    const floe_node *before = members_of(change->base, "properties");
    const floe_node *after = members_of(change->next, "properties");
    bool begun = false;
    for (size_t i = 0; i < count_of(after); i++) {
        const floe_member *member = &after->members[i];
        const floe_node *was = NULL;
        for (size_t k = 0; k < count_of(before); k++) {
            was = floe_str_equal(before->members[k].key, member->key) ? before->members[k].value : was;
        }
        if (was != NULL && is_same(was, member->value)) {
            continue;
        }
        if (!begun) {
            begin(change, "action", "set-properties");
            floe_json_key(change->out, "updates");
            floe_json_object_begin(change->out);
            begun = true;
        }
        floe_json_key_str(change->out, member->key);
        floe_json_string(change->out, member->value->text);
    }
    if (begun) {
        floe_json_object_end(change->out);
        end(change);
    }
}

static bool has_key(const floe_node *object, floe_str key) {
    for (size_t i = 0; i < count_of(object); i++) {
        if (floe_str_equal(object->members[i].key, key)) {
            return true;
        }
    }
    return false;
}

static void put_removed_properties(const rest_change *change) {
    const floe_node *before = members_of(change->base, "properties");
    const floe_node *after = members_of(change->next, "properties");
    bool begun = false;
    for (size_t i = 0; i < count_of(before); i++) {
        if (has_key(after, before->members[i].key)) {
            continue;
        }
        if (!begun) {
            begin(change, "action", "remove-properties");
            floe_json_key(change->out, "removals");
            floe_json_array_begin(change->out);
            begun = true;
        }
        floe_json_string(change->out, before->members[i].key);
    }
    if (begun) {
        floe_json_array_end(change->out);
        end(change);
    }
}

/* ---- snapshots and refs ---- */

static void put_snapshots(const rest_change *change) {
    const floe_node *before = list_of(change->base, "snapshots");
    const floe_node *after = list_of(change->next, "snapshots");
    for (size_t i = 0; i < count_of(after); i++) {
        if (!has_number(before, "snapshot-id", number_of(after->items[i], "snapshot-id", -1))) {
            begin(change, "action", "add-snapshot");
            put_tree(change, "snapshot", after->items[i]);
            end(change);
        }
    }
    bool begun = false;
    for (size_t i = 0; i < count_of(before); i++) {
        int64_t id = number_of(before->items[i], "snapshot-id", -1);
        if (has_number(after, "snapshot-id", id)) {
            continue;
        }
        if (!begun) {
            begin(change, "action", "remove-snapshots");
            floe_json_key(change->out, "snapshot-ids");
            floe_json_array_begin(change->out);
            begun = true;
        }
        floe_json_int(change->out, id);
    }
    if (begun) {
        floe_json_array_end(change->out);
        end(change);
    }
}

static void put_ref(const rest_change *change, floe_str name, const floe_node *ref, int64_t snapshot) {
    static const char *const NUMBERS[] = {"max-ref-age-ms", "max-snapshot-age-ms", "min-snapshots-to-keep"};
    floe_str type = text_of(ref, "type");
    begin(change, "action", "set-snapshot-ref");
    put_text(change, "ref-name", name);
    put_text(change, "type", type.len > 0 ? type : FLOE_STR("branch"));
    put_number(change, "snapshot-id", snapshot);
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
        int64_t number = number_of(ref, NUMBERS[i], INT64_MIN);
        if (number != INT64_MIN) {
            put_number(change, NUMBERS[i], number);
        }
    }
    end(change);
}

static const floe_node *ref_named(const floe_node *refs, floe_str name) {
    for (size_t i = 0; i < count_of(refs); i++) {
        if (floe_str_equal(refs->members[i].key, name)) {
            return refs->members[i].value;
        }
    }
    return NULL;
}

/* The main branch is the current snapshot, whether the document has refs or not. */
static void put_refs(const rest_change *change) {
    const floe_node *before = members_of(change->base, "refs");
    const floe_node *after = members_of(change->next, "refs");
    int64_t current = number_of(change->next, "current-snapshot-id", -1);
    if (current >= 0 && current != number_of(change->base, "current-snapshot-id", -1)) {
        put_ref(change, FLOE_STR("main"), ref_named(after, FLOE_STR("main")), current);
    }
    for (size_t i = 0; i < count_of(after); i++) {
        const floe_member *ref = &after->members[i];
        if (!floe_str_is(ref->key, "main") && !is_same(ref->value, ref_named(before, ref->key))) {
            put_ref(change, ref->key, ref->value, number_of(ref->value, "snapshot-id", -1));
        }
    }
    for (size_t i = 0; i < count_of(before); i++) {
        floe_str name = before->members[i].key;
        if (!floe_str_is(name, "main") && ref_named(after, name) == NULL) {
            begin(change, "action", "remove-snapshot-ref");
            put_text(change, "ref-name", name);
            end(change);
        }
    }
}

/* ---- the whole ---- */

static void put_identity(const rest_change *change) {
    int64_t version = number_of(change->next, "format-version", 2);
    if (change->base == NULL) {
        begin(change, "action", "assign-uuid");
        put_text(change, "uuid", text_of(change->next, "table-uuid"));
        end(change);
    }
    if (version != number_of(change->base, "format-version", 0)) {
        begin(change, "action", "upgrade-format-version");
        put_number(change, "format-version", version);
        end(change);
    }
}

static void put_location(const rest_change *change) {
    floe_str location = text_of(change->next, "location");
    if (!floe_str_equal(location, text_of(change->base, "location"))) {
        begin(change, "action", "set-location");
        put_text(change, "location", location);
        end(change);
    }
}

static void put_updates(const rest_change *change) {
    static const numbered SCHEMAS = {"schemas", "schema-id",          "current-schema-id", "add-schema",
                                     "schema",  "set-current-schema", "schema-id"};
    static const numbered SPECS = {"partition-specs",  "spec-id", "default-spec-id", "add-spec", "spec",
                                   "set-default-spec", "spec-id"};
    static const numbered ORDERS = {"sort-orders",    "order-id",   "default-sort-order-id",
                                    "add-sort-order", "sort-order", "set-default-sort-order",
                                    "sort-order-id"};
    put_identity(change);
    put_numbered(change, &SCHEMAS);
    put_numbered(change, &SPECS);
    put_numbered(change, &ORDERS);
    put_location(change);
    put_properties(change);
    put_removed_properties(change);
    put_snapshots(change);
    put_refs(change);
}

floe_status floe_rest_change(const floe_node *base, const floe_node *next, floe_json_writer *out, floe_error *err) {
    rest_change change = {.base = base, .next = next, .out = out};
    FLOE_ENSURE(list_of(next, "schemas") != NULL && list_of(next, "partition-specs") != NULL, err, FLOE_UNSUPPORTED,
                "a table whose metadata has one schema alone (format version 1 of old) cannot be committed over REST");
    floe_json_key(out, "requirements");
    floe_json_array_begin(out);
    put_requirements(&change);
    floe_json_array_end(out);
    floe_json_key(out, "updates");
    floe_json_array_begin(out);
    put_updates(&change);
    floe_json_array_end(out);
    return FLOE_OK;
}
