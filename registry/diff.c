/*
 * The difference between two sets of definitions, member by member of their canonical JSON.
 *
 * Lists of named things (outputs, keys, columns) are compared by name, so that one more feature is one line and not a
 * rewritten list.
 */
#include "core/json.h"
#include "core/limits.h"
#include "registry/encode_int.h"

typedef struct differ {
    floe_arena *arena;
    floe_change *changes;
    size_t count;
    size_t capacity;
    floe_buf *detail; /* of the change at hand: "a; b; c" */
} differ;

static void diff_value(differ *state, const char *path, const floe_node *old_node, const floe_node *new_node);

static void begin_part(differ *state) {
    floe_buf_text(state->detail, state->detail->len > 0 ? "; " : "");
}

/* Text without its quotes, everything else as JSON; nothing is "none". */
static void print_value(floe_buf *out, const floe_node *node) {
    if (node == NULL) {
        floe_buf_text(out, "none");
    } else if (node->kind == FLOE_NODE_STRING) {
        floe_buf_str(out, node->text);
    } else {
        floe_json_print(node, out);
    }
}

static void print_change(differ *state, const char *path, const floe_node *old_node, const floe_node *new_node) {
    begin_part(state);
    floe_buf_text(state->detail, path);
    floe_buf_byte(state->detail, ' ');
    print_value(state->detail, old_node);
    floe_buf_text(state->detail, " → ");
    print_value(state->detail, new_node);
}

static void print_item(differ *state, char sign, const char *path, const floe_node *item) {
    const floe_node *name = floe_node_get(item, "name");
    begin_part(state);
    floe_buf_byte(state->detail, (uint8_t)sign);
    floe_buf_text(state->detail, path);
    floe_buf_byte(state->detail, ' ');
    print_value(state->detail, name != NULL ? name : item);
}

/* What an item of a list is known by: its name, or the text itself. */
static floe_str item_key(const floe_node *item) {
    const floe_node *name = floe_node_get(item, "name");
    return name != NULL ? name->text : item->text;
}

static void index_items(floe_map *map, const floe_node *list) {
    for (size_t i = 0; i < list->count; i++) {
        (void)floe_map_put(map, item_key(list->items[i]), (void *)list->items[i]);
    }
}

/* "features" → "feature", for one item of it. */
static const char *singular(differ *state, const char *path) {
    size_t len = strlen(path);
    const char *name = floe_arena_strndup(state->arena, path, len > 1 && path[len - 1] == 's' ? len - 1 : len);
    return name != NULL ? name : path;
}

static bool same_order(const floe_node *old_list, const floe_node *new_list) {
    for (size_t i = 0; i < old_list->count && i < new_list->count; i++) {
        if (!floe_str_equal(item_key(old_list->items[i]), item_key(new_list->items[i]))) {
            return false;
        }
    }
    return true;
}

static void diff_list(differ *state, const char *path, const floe_node *old_list, const floe_node *new_list) {
    floe_map old_items;
    floe_map new_items;
    floe_map_init(&old_items, state->arena);
    floe_map_init(&new_items, state->arena);
    index_items(&old_items, old_list);
    index_items(&new_items, new_list);
    const char *one = singular(state, path);
    bool moved = old_list->count == new_list->count && !same_order(old_list, new_list);
    for (size_t i = 0; i < new_list->count; i++) {
        const floe_node *item = new_list->items[i];
        const floe_node *old_item = floe_map_get(&old_items, item_key(item));
        if (old_item == NULL) {
            print_item(state, '+', one, item);
            moved = false;
        } else if (item->kind == FLOE_NODE_OBJECT) {
            const char *name = floe_arena_printf(state->arena, "%s %.*s", one, FLOE_STR_ARG(item_key(item)));
            diff_value(state, name != NULL ? name : one, old_item, item);
        }
    }
    for (size_t i = 0; i < old_list->count; i++) {
        if (floe_map_get(&new_items, item_key(old_list->items[i])) == NULL) {
            print_item(state, '-', one, old_list->items[i]);
        }
    }
    if (moved) {
        begin_part(state);
        floe_buf_printf(state->detail, "order of %s", path);
    }
}

static void diff_object(differ *state, const char *path, const floe_node *old_node, const floe_node *new_node) {
    for (int pass = 0; pass < 2; pass++) {
        const floe_node *from = pass == 0 ? new_node : old_node;
        for (size_t i = 0; i < from->count; i++) {
            const char *key = floe_arena_strndup(state->arena, from->members[i].key.ptr, from->members[i].key.len);
            const char *name =
                key != NULL && path[0] != '\0' ? floe_arena_printf(state->arena, "%s %s", path, key) : key;
            if (name == NULL) {
                return;
            }
            const floe_node *old_member = floe_node_get(old_node, key);
            if (pass == 0 || floe_node_get(new_node, key) == NULL) {
                diff_value(state, name, old_member, floe_node_get(new_node, key));
            }
        }
    }
}

static bool same_json(differ *state, const floe_node *old_node, const floe_node *new_node) {
    FLOE_AUTO_BUF old_text;
    FLOE_AUTO_BUF new_text;
    floe_buf_init(&old_text, FLOE_LIMIT_PROJECT_ARENA);
    floe_buf_init(&new_text, FLOE_LIMIT_PROJECT_ARENA);
    floe_json_print(old_node, &old_text);
    floe_json_print(new_node, &new_text);
    state->detail->failed |= old_text.failed || new_text.failed;
    return floe_str_equal(floe_buf_view(&old_text), floe_buf_view(&new_text));
}

/* The members of two values that differ; a list that is missing counts as empty, so that its items are named. */
static void diff_value(differ *state, const char *path, const floe_node *old_node, const floe_node *new_node) {
    static const floe_node empty = {.kind = FLOE_NODE_ARRAY};
    const floe_node *any = new_node != NULL ? new_node : old_node;
    if (any->kind == FLOE_NODE_ARRAY) {
        diff_list(state, path, old_node != NULL ? old_node : &empty, new_node != NULL ? new_node : &empty);
    } else if (old_node != NULL && new_node != NULL && old_node->kind == FLOE_NODE_OBJECT &&
               new_node->kind == FLOE_NODE_OBJECT) {
        diff_object(state, path, old_node, new_node);
    } else if (old_node == NULL || new_node == NULL || !same_json(state, old_node, new_node)) {
        print_change(state, path, old_node, new_node);
    }
}

/* ---- objects ---- */

static floe_str object_key(floe_arena *arena, const floe_object *object) {
    return floe_str_of(floe_arena_printf(arena, "%d %.*s", (int)object->kind, FLOE_STR_ARG(object->name)));
}

static void index_objects(floe_map *map, floe_arena *arena, const floe_object *objects, size_t count) {
    floe_map_init(map, arena);
    for (size_t i = 0; i < count; i++) {
        floe_str key = object_key(arena, &objects[i]);
        if (key.ptr != NULL) {
            (void)floe_map_put(map, key, (void *)&objects[i]);
        }
    }
}

static floe_change *push(differ *state, char sign, const floe_object *object) {
    floe_change *change = FLOE_ARENA_PUSH(state->arena, state->changes, state->count, state->capacity);
    if (change != NULL) {
        *change =
            (floe_change){.sign = sign, .kind = floe_str_of(floe_object_kind_name(object->kind)), .name = object->name};
    }
    return change;
}

static bool is_online(const floe_node *view) {
    const floe_node *online = floe_node_get(view, "online");
    return online != NULL && online->kind == FLOE_NODE_BOOL && online->as.boolean;
}

/* Both bodies parsed and compared; a view whose own text is the same but whose values are not says why. */
static floe_status diff_pair(differ *state, const floe_object *old_object, const floe_object *new_object,
                             floe_error *err) {
    bool same_values = old_object->fingerprint == new_object->fingerprint;
    if (floe_str_equal(old_object->body, new_object->body) && same_values) {
        return FLOE_OK;
    }
    const floe_node *old_node = NULL;
    const floe_node *new_node = NULL;
    FLOE_TRY(floe_json_parse(state->arena, old_object->body, &old_node, err));
    FLOE_TRY(floe_json_parse(state->arena, new_object->body, &new_node, err));
    floe_buf_clear(state->detail);
    diff_object(state, "", old_node, new_node);
    if (state->detail->len == 0) {
        floe_buf_text(state->detail, "its entity or source changed");
    }
    FLOE_TRY(floe_buf_check(state->detail, err));
    floe_change *change = push(state, '~', new_object);
    if (change != NULL) {
        change->detail = floe_arena_str(state->arena, floe_buf_view(state->detail));
        change->rewrites = !same_values && is_online(old_node) && is_online(new_node);
    }
    return FLOE_OK;
}

floe_status floe_diff_objects(const floe_object_list *old_list, const floe_object_list *new_list, floe_arena *arena,
                              const floe_change **ret_changes, size_t *ret_count, floe_error *err) {
    FLOE_AUTO_BUF detail;
    floe_buf_init(&detail, FLOE_LIMIT_PROJECT_ARENA);
    differ state = {.arena = arena, .detail = &detail};
    floe_map old_map;
    floe_map new_map;
    index_objects(&old_map, arena, old_list->items, old_list->count);
    index_objects(&new_map, arena, new_list->items, new_list->count);
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < new_list->count; i++) {
        const floe_object *object = &new_list->items[i];
        floe_str key = object_key(arena, object);
        FLOE_TRY(floe_arena_check(arena, err));
        const floe_object *old_object = floe_map_get(&old_map, key);
        if (old_object != NULL) {
            FLOE_TRY(diff_pair(&state, old_object, object, err));
        } else {
            (void)push(&state, '+', object);
        }
    }
    for (size_t i = 0; i < old_list->count; i++) {
        floe_str key = object_key(arena, &old_list->items[i]);
        FLOE_TRY(floe_arena_check(arena, err));
        if (floe_map_get(&new_map, key) == NULL) {
            (void)push(&state, '-', &old_list->items[i]);
        }
    }
    FLOE_TRY(floe_arena_check(arena, err));
    *ret_changes = state.changes;
    *ret_count = state.count;
    return FLOE_OK;
}
