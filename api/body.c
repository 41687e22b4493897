/*
 * See body_int.h. Nothing that is sent is ignored: a member that is not known is refused, and so is an entity key that
 * no feature asks for.
 */
#include "api/body_int.h"

#include "core/json.h"
#include "core/limits.h"
#include "core/time.h"

const char *floe_body_hint(floe_str word, const char *const *candidates, size_t count, floe_arena *arena) {
    const char *nearest = floe_str_nearest(word, candidates, count);
    const char *hint = floe_arena_printf(arena, "%s%s%s", FLOE_HINT(nearest));
    return hint == NULL ? "" : hint;
}

/* ---- members ---- */

static floe_status parse_service(const floe_node *value, floe_arena *arena, floe_lookup_body *body, floe_error *err) {
    (void)arena;
    FLOE_ENSURE(value->kind == FLOE_NODE_STRING, err, FLOE_INVALID, "service must be a text, not %s",
                floe_node_kind_name(value->kind));
    body->service = value->text;
    return FLOE_OK;
}

static floe_status parse_features(const floe_node *value, floe_arena *arena, floe_lookup_body *body, floe_error *err) {
    FLOE_ENSURE(value->kind == FLOE_NODE_ARRAY, err, FLOE_INVALID,
                "features must be a list of \"view:feature\", not %s", floe_node_kind_name(value->kind));
    FLOE_ENSURE(value->count > 0, err, FLOE_INVALID, "features is empty; name at least one");
    floe_str *features = floe_arena_alloc(arena, value->count, sizeof(*features));
    FLOE_TRY(floe_arena_check(arena, err));
    for (size_t i = 0; i < value->count; i++) {
        FLOE_ENSURE(value->items[i]->kind == FLOE_NODE_STRING, err, FLOE_INVALID,
                    "features[%zu] must be a text, not %s", i, floe_node_kind_name(value->items[i]->kind));
        features[i] = value->items[i]->text;
    }
    body->features = features;
    body->feature_count = value->count;
    return FLOE_OK;
}

static floe_status parse_entities(const floe_node *value, floe_arena *arena, floe_lookup_body *body, floe_error *err) {
    (void)arena;
    FLOE_ENSURE(value->kind == FLOE_NODE_OBJECT, err, FLOE_INVALID,
                "entities must be an object of lists, as in {\"origin\": [\"SFO\", \"JFK\"]}, not %s",
                floe_node_kind_name(value->kind));
    for (size_t i = 0; i < value->count; i++) {
        const floe_member *member = &value->members[i];
        const floe_member *first = &value->members[0];
        FLOE_ENSURE(member->value->kind == FLOE_NODE_ARRAY, err, FLOE_INVALID,
                    "entities.%.*s must be a list, one value per entity, not %s", FLOE_STR_BRIEF(member->key),
                    floe_node_kind_name(member->value->kind));
        FLOE_ENSURE(member->value->count == first->value->count, err, FLOE_INVALID,
                    "entities.%.*s has %zu values and entities.%.*s has %zu; every list needs one value per entity",
                    FLOE_STR_BRIEF(first->key), first->value->count, FLOE_STR_BRIEF(member->key), member->value->count);
        FLOE_ENSURE(member->value->count <= FLOE_LIMIT_LOOKUP_ENTITIES, err, FLOE_LIMIT,
                    "%zu entities in one lookup; at most %d are allowed: split it", member->value->count,
                    FLOE_LIMIT_LOOKUP_ENTITIES);
        body->entity_count = member->value->count;
    }
    body->entities = value;
    return FLOE_OK;
}

static floe_status parse_include(const floe_node *value, floe_arena *arena, floe_lookup_body *body, floe_error *err) {
    static const char *const known[] = {"statuses", "event_times"};
    FLOE_ENSURE(value->kind == FLOE_NODE_ARRAY, err, FLOE_INVALID,
                "include must be a list of \"statuses\" and \"event_times\", not %s", floe_node_kind_name(value->kind));
    for (size_t i = 0; i < value->count; i++) {
        const floe_node *item = value->items[i];
        FLOE_ENSURE(item->kind == FLOE_NODE_STRING, err, FLOE_INVALID, "include[%zu] must be a text, not %s", i,
                    floe_node_kind_name(item->kind));
        if (floe_str_is(item->text, known[0])) {
            body->statuses = true;
        } else if (floe_str_is(item->text, known[1])) {
            body->event_times = true;
        } else {
            return FLOE_FAIL(err, FLOE_INVALID, "include[%zu]: `%.*s` is neither statuses nor event_times%s", i,
                             FLOE_STR_BRIEF(item->text), floe_body_hint(item->text, known, 2, arena));
        }
    }
    return FLOE_OK;
}

static floe_status parse_as_of(const floe_node *value, floe_arena *arena, floe_lookup_body *body, floe_error *err) {
    (void)arena;
    FLOE_ENSURE(value->kind == FLOE_NODE_STRING, err, FLOE_INVALID,
                "as_of must be a time like \"2001-06-30T12:00:00Z\", not %s", floe_node_kind_name(value->kind));
    FLOE_TRY(floe_error_prefix(err, floe_time_parse(value->text, &body->as_of_us, err), "as_of"));
    body->as_of_epoch = body->as_of_us == 0;
    return FLOE_OK;
}

static floe_status parse_request(const floe_node *value, floe_arena *arena, floe_lookup_body *body, floe_error *err) {
    (void)arena;
    FLOE_ENSURE(value->kind == FLOE_NODE_OBJECT, err, FLOE_INVALID,
                "request must be an object of lists, as in {\"distance\": [1200, 340]}, not %s",
                floe_node_kind_name(value->kind));
    for (size_t i = 0; i < value->count; i++) {
        const floe_member *member = &value->members[i];
        FLOE_ENSURE(member->value->kind == FLOE_NODE_ARRAY, err, FLOE_INVALID,
                    "request.%.*s must be a list, one value per entity, not %s", FLOE_STR_BRIEF(member->key),
                    floe_node_kind_name(member->value->kind));
        FLOE_ENSURE(member->value->count <= FLOE_LIMIT_LOOKUP_ENTITIES, err, FLOE_LIMIT,
                    "%zu values in request.%.*s; at most %d are allowed: split it", member->value->count,
                    FLOE_STR_BRIEF(member->key), FLOE_LIMIT_LOOKUP_ENTITIES);
    }
    body->request = value;
    return FLOE_OK;
}

/* The lists of `request` lie beside those of `entities`; where there are none of those, they say how many entities are
 * meant. */
static floe_status check_request(floe_lookup_body *body, floe_error *err) {
    const floe_node *request = body->request;
    if (request == NULL || request->count == 0) {
        return FLOE_OK;
    }
    if (body->entities == NULL || body->entities->count == 0) {
        body->entity_count = request->members[0].value->count;
    }
    for (size_t i = 0; i < request->count; i++) {
        FLOE_ENSURE(
            request->members[i].value->count == body->entity_count, err, FLOE_INVALID,
            "request.%.*s has %zu values, and %zu entities are asked for; every list needs one value per entity",
            FLOE_STR_BRIEF(request->members[i].key), request->members[i].value->count, body->entity_count);
    }
    return FLOE_OK;
}

/* Every member there is. null counts as missing. */
typedef floe_status (*parse_fn)(const floe_node *value, floe_arena *arena, floe_lookup_body *body, floe_error *err);
static const char *const member_names[] = {"service", "features", "entities", "include", "as_of", "request"};
static const parse_fn member_parsers[] = {parse_service, parse_features, parse_entities,
                                          parse_include, parse_as_of,    parse_request};
#define MEMBER_COUNT (sizeof(member_names) / sizeof(member_names[0]))

static floe_status parse_member(const floe_member *member, floe_arena *arena, floe_lookup_body *body, floe_error *err) {
    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        if (floe_str_is(member->key, member_names[i])) {
            return member->value->kind == FLOE_NODE_NULL ? FLOE_OK : member_parsers[i](member->value, arena, body, err);
        }
    }
    return FLOE_FAIL(err, FLOE_INVALID,
                     "a lookup has no member `%.*s`%s (it has service or features, entities, request, include, as_of)",
                     FLOE_STR_BRIEF(member->key), floe_body_hint(member->key, member_names, MEMBER_COUNT, arena));
}

floe_status floe_lookup_body_json(floe_str json, floe_arena *arena, const floe_node **ret_root, floe_error *err) {
    return floe_error_prefix(err, floe_json_parse_any_text(arena, json, ret_root, err), "the body");
}

floe_status floe_lookup_body_parse(floe_str json, floe_arena *arena, floe_lookup_body *ret_body, floe_error *err) {
    const floe_node *root = NULL;
    FLOE_TRY(floe_lookup_body_json(json, arena, &root, err));
    return floe_lookup_body_read(root, arena, ret_body, err);
}

floe_status floe_lookup_body_read(const floe_node *root, floe_arena *arena, floe_lookup_body *ret_body,
                                  floe_error *err) {
    floe_lookup_body body = {0};
    FLOE_ENSURE(root->kind == FLOE_NODE_OBJECT, err, FLOE_INVALID, "the body must be a JSON object, not %s",
                floe_node_kind_name(root->kind));
    for (size_t i = 0; i < root->count; i++) {
        FLOE_TRY(parse_member(&root->members[i], arena, &body, err));
    }
    FLOE_ENSURE(body.service.ptr == NULL || body.features == NULL, err, FLOE_INVALID,
                "name a service or features, not both");
    FLOE_ENSURE(body.service.ptr != NULL || body.features != NULL, err, FLOE_INVALID,
                "what to look up is missing: name a service, or features as [\"view:feature\", …]");
    FLOE_ENSURE(body.entities != NULL || body.request != NULL, err, FLOE_INVALID,
                "entities is missing; write them as {\"origin\": [\"SFO\", \"JFK\"]}");
    FLOE_TRY(check_request(&body, err));
    *ret_body = body;
    return FLOE_OK;
}

/* ---- keys and request data ---- */

/* The lists of one member of the body, for messages. */
typedef struct column_lists {
    const floe_node *object; /* NULL: not there */
    const char *member;      /* "entities" */
    const char *what;        /* "entity key" */
} column_lists;

static floe_status check_asked(const column_lists *lists, const floe_column *columns, size_t count, floe_arena *arena,
                               floe_error *err) {
    for (size_t i = 0; lists->object != NULL && i < lists->object->count; i++) {
        floe_str name = lists->object->members[i].key;
        bool asked = false;
        for (size_t k = 0; k < count; k++) {
            asked = asked || floe_str_equal(columns[k].name, name);
        }
        if (asked) {
            continue;
        }
        const char **names = floe_arena_alloc(arena, count, sizeof(*names));
        for (size_t k = 0; names != NULL && k < count; k++) {
            names[k] = floe_arena_strndup(arena, columns[k].name.ptr, columns[k].name.len);
        }
        FLOE_TRY(floe_arena_check(arena, err));
        return FLOE_FAIL(err, FLOE_INVALID, "%s.%.*s is no %s of the features asked for%s", lists->member,
                         FLOE_STR_BRIEF(name), lists->what, floe_body_hint(name, names, count, arena));
    }
    return FLOE_OK;
}

static const floe_node *find_list(const floe_node *object, floe_str name) {
    for (size_t i = 0; object != NULL && i < object->count; i++) {
        if (floe_str_equal(object->members[i].key, name)) {
            return object->members[i].value;
        }
    }
    return NULL;
}

static floe_status take_list(const column_lists *lists, const floe_column *column, const floe_node *list,
                             floe_arena *arena, floe_value *values, floe_error *err) {
    char type[FLOE_TYPE_NAME_MAX];
    for (size_t e = 0; e < list->count; e++) {
        floe_status status = floe_value_from_node(list->items[e], column->type, arena, &values[e], err);
        if (floe_failed(status)) {
            return floe_error_prefix(err, status, "%s.%.*s[%zu], an %s of type %s", lists->member,
                                     FLOE_STR_BRIEF(column->name), e, lists->what, floe_type_name(column->type, type));
        }
    }
    return FLOE_OK;
}

/* One list of values per column. */
static floe_status take_columns(const column_lists *lists, size_t entity_count, const floe_column *columns,
                                size_t count, floe_arena *arena, const floe_value *const **ret_values,
                                floe_error *err) {
    const floe_value **made = floe_arena_alloc(arena, count, sizeof(*made));
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(check_asked(lists, columns, count, arena, err));
    for (size_t k = 0; k < count; k++) {
        const floe_node *list = find_list(lists->object, columns[k].name);
        char type[FLOE_TYPE_NAME_MAX];
        FLOE_ENSURE(list != NULL, err, FLOE_INVALID,
                    "%s.%.*s is missing: the features asked for need this %s, of type %s", lists->member,
                    FLOE_STR_BRIEF(columns[k].name), lists->what, floe_type_name(columns[k].type, type));
        floe_value *values = floe_arena_alloc(arena, entity_count, sizeof(*values));
        FLOE_TRY(floe_arena_check(arena, err));
        FLOE_TRY(take_list(lists, &columns[k], list, arena, values, err));
        made[k] = values;
    }
    *ret_values = made;
    return FLOE_OK;
}

floe_status floe_lookup_body_keys(const floe_lookup_body *body, const floe_column *keys, size_t key_count,
                                  floe_arena *arena, const floe_value *const **ret_keys, floe_error *err) {
    column_lists lists = {body->entities, "entities", "entity key"};
    return take_columns(&lists, body->entity_count, keys, key_count, arena, ret_keys, err);
}

floe_status floe_lookup_body_request(const floe_lookup_body *body, const floe_column *inputs, size_t input_count,
                                     floe_arena *arena, const floe_value *const **ret_values, floe_error *err) {
    column_lists lists = {body->request, "request", "input"};
    return take_columns(&lists, body->entity_count, inputs, input_count, arena, ret_values, err);
}
