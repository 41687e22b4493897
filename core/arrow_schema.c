/*
 * Making, copying and releasing Arrow schemas. Every node owns its strings and its children by allocations of their
 * own, because a consumer may move a child out and release the rest.
 */
#include "core/arrow.h"
#include "core/arrow_int.h"
#include "core/mem.h"

#include <stdio.h>

void floe_arrow_schema_release(struct ArrowSchema *schema) {
    if (schema->release != NULL) {
        schema->release(schema);
        schema->release = NULL;
    }
}

void floe_arrow_array_release(struct ArrowArray *array) {
    if (array->release != NULL) {
        array->release(array);
        array->release = NULL;
    }
}

void floe_arrow_stream_release(struct ArrowArrayStream *stream) {
    if (stream->release != NULL) {
        stream->release(stream);
        stream->release = NULL;
    }
}

const char *floe_arrow_format(floe_type type, char buf[FLOE_ARROW_FORMAT_MAX]) {
    static const char *const formats[] = {
        [FLOE_KIND_BOOL] = "b",  [FLOE_KIND_INT32] = "i",  [FLOE_KIND_INT64] = "l",
        [FLOE_KIND_FLOAT] = "f", [FLOE_KIND_DOUBLE] = "g", [FLOE_KIND_STRING] = "u",
        [FLOE_KIND_BYTES] = "z", [FLOE_KIND_DATE] = "tdD", [FLOE_KIND_TIMESTAMP] = "tsu:UTC",
        [FLOE_KIND_LIST] = "+l",
    };
    if (type.kind == FLOE_KIND_DECIMAL) {
        snprintf(buf, FLOE_ARROW_FORMAT_MAX, "d:%u,%u", type.precision, type.scale);
        return buf;
    }
    FLOE_ASSERT(type.kind > FLOE_KIND_NONE && type.kind <= FLOE_KIND_LIST);
    return formats[type.kind];
}

floe_type floe_arrow_item_type(floe_type list) {
    floe_type type = list;
    type.kind = list.element;
    type.element = FLOE_KIND_NONE;
    return type;
}

/* Releases and frees one child or dictionary; NULL where a construction broke off. */
static void free_node(struct ArrowSchema *node) {
    if (node != NULL) {
        floe_arrow_schema_release(node);
        floe_free(node);
    }
}

static void release_schema(struct ArrowSchema *schema) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        free_node(schema->children[i]);
    }
    free_node(schema->dictionary);
    floe_free(schema->children);
    floe_free((void *)(uintptr_t)schema->format);
    floe_free((void *)(uintptr_t)schema->name);
    floe_free((void *)(uintptr_t)schema->metadata);
    *schema = (struct ArrowSchema){0};
}

/* Starts a node in zeroed storage; from here on it can be released whatever else fails. */
static floe_status start_node(struct ArrowSchema *node, const char *format, floe_str name, int64_t n_children,
                              floe_error *err) {
    node->release = release_schema;
    node->flags = ARROW_FLAG_NULLABLE;
    char *copy = NULL;
    FLOE_TRY(floe_strdup(format, &copy, err));
    node->format = copy;
    FLOE_TRY(floe_strndup(name.ptr, name.len, &copy, err));
    node->name = copy;
    if (n_children > 0) {
        FLOE_TRY(floe_alloc((size_t)n_children, sizeof(struct ArrowSchema *), &node->children, err));
        node->n_children = n_children;
    }
    return FLOE_OK;
}

static floe_status make_column(floe_str name, floe_type type, struct ArrowSchema *node, floe_error *err) {
    char buf[FLOE_ARROW_FORMAT_MAX];
    bool is_list = type.kind == FLOE_KIND_LIST;
    FLOE_TRY(start_node(node, floe_arrow_format(type, buf), name, is_list ? 1 : 0, err));
    if (is_list) {
        FLOE_TRY(floe_alloc(1, sizeof(struct ArrowSchema), &node->children[0], err));
        floe_type item = floe_arrow_item_type(type);
        FLOE_TRY(start_node(node->children[0], floe_arrow_format(item, buf), FLOE_STR("item"), 0, err));
    }
    return FLOE_OK;
}

floe_status floe_arrow_schema_make(const floe_column *columns, size_t count, struct ArrowSchema *ret_schema,
                                   floe_error *err) {
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_TRY(start_node(&schema, "+s", FLOE_STR(""), (int64_t)count, err));
    schema.flags = 0;
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(floe_alloc(1, sizeof(struct ArrowSchema), &schema.children[i], err));
        FLOE_TRY(make_column(columns[i].name, columns[i].type, schema.children[i], err));
    }
    *ret_schema = schema;
    schema.release = NULL;
    return FLOE_OK;
}

static int32_t read_i32(const char *bytes) {
    int32_t value = 0;
    memcpy(&value, bytes, sizeof(value));
    return value;
}

/* Metadata is a count, then length-prefixed keys and values, all int32 in native order; it carries no total length. */
static size_t metadata_len(const char *metadata) {
    int32_t texts = 2 * read_i32(metadata);
    size_t at = sizeof(int32_t);
    for (int32_t i = 0; i < texts; i++) {
        at += sizeof(int32_t) + (size_t)read_i32(metadata + at);
    }
    return at;
}

static floe_status copy_shallow(const struct ArrowSchema *from, struct ArrowSchema *to, floe_error *err) {
    FLOE_TRY(start_node(to, from->format, floe_str_of(from->name), from->n_children, err));
    to->flags = from->flags;
    if (from->metadata != NULL) {
        char *copy = NULL;
        FLOE_TRY(floe_strndup(from->metadata, metadata_len(from->metadata), &copy, err));
        to->metadata = copy;
    }
    return FLOE_OK;
}

/* Deeper than any type floe reads; a schema from outside may be deeper and must not exhaust the stack. */
#define SCHEMA_DEPTH_MAX 64

static floe_status copy_into(const struct ArrowSchema *from, unsigned depth, struct ArrowSchema *to, floe_error *err) {
    FLOE_ENSURE(depth < SCHEMA_DEPTH_MAX, err, FLOE_LIMIT, "an Arrow schema is nested more than %d levels deep",
                SCHEMA_DEPTH_MAX);
    FLOE_TRY(copy_shallow(from, to, err));
    for (int64_t i = 0; i < from->n_children; i++) {
        FLOE_TRY(floe_alloc(1, sizeof(struct ArrowSchema), &to->children[i], err));
        FLOE_TRY(copy_into(from->children[i], depth + 1, to->children[i], err));
    }
    if (from->dictionary != NULL) {
        FLOE_TRY(floe_alloc(1, sizeof(struct ArrowSchema), &to->dictionary, err));
        FLOE_TRY(copy_into(from->dictionary, depth + 1, to->dictionary, err));
    }
    return FLOE_OK;
}

floe_status floe_arrow_schema_copy(const struct ArrowSchema *schema, struct ArrowSchema *ret_copy, floe_error *err) {
    FLOE_AUTO_SCHEMA copy = {0};
    FLOE_TRY(copy_into(schema, 0, &copy, err));
    *ret_copy = copy;
    copy.release = NULL;
    return FLOE_OK;
}

int64_t floe_arrow_find(const struct ArrowSchema *schema, floe_str name) {
    for (int64_t i = 0; i < schema->n_children; i++) {
        if (floe_str_equal(floe_str_of(schema->children[i]->name), name)) {
            return i;
        }
    }
    return -1;
}
