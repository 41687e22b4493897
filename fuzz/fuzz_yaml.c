/*
 * YAML from any bytes: it must parse or be refused with a message that names the file; what parses must obey the tree's
 * invariants, read its numbers back from its own text, and stay within the limits.
 */
#include "core/limits.h"
#include "core/yaml.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *lookup(const char *name, void *context) {
    (void)context;
    return name[0] == 'U' ? NULL : name[0] == 'E' ? "" : name[0] == 'I' ? "42" : "va$lue";
}

static void check_object(const floe_node *node) {
    for (size_t i = 0; i < node->count; i++) {
        FLOE_ASSERT(node->members[i].line >= node->line);
        FLOE_ASSERT(node->members[i].key.ptr != NULL && node->members[i].value != NULL);
        for (size_t j = 0; j < i && i < 64; j++) {
            FLOE_ASSERT(!floe_str_equal(node->members[i].key, node->members[j].key));
        }
    }
}

static void check_node(const floe_node *node, int depth) {
    int64_t number = 0;
    FLOE_ASSERT(node->line >= 1 && depth <= FLOE_LIMIT_YAML_DEPTH);
    FLOE_ASSERT(node->kind <= FLOE_NODE_OBJECT);
    FLOE_ASSERT(node->kind != FLOE_NODE_STRING || floe_str_is_utf8(node->text));
    if (node->kind == FLOE_NODE_INT && !floe_failed(floe_str_to_i64(node->text, &number, NULL))) {
        FLOE_ASSERT(number == node->as.integer);
    }
    if (node->kind == FLOE_NODE_OBJECT) {
        check_object(node);
    }
    for (size_t i = 0; node->kind == FLOE_NODE_ARRAY && i < node->count; i++) {
        check_node(node->items[i], depth + 1);
    }
    for (size_t i = 0; node->kind == FLOE_NODE_OBJECT && i < node->count; i++) {
        check_node(node->members[i].value, depth + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    const floe_node *root = NULL;
    floe_arena_init(&arena, FLOE_MIB(16));
    floe_status status =
        floe_yaml_parse(&arena, (floe_str){(const char *)bytes, len}, "fuzz.yaml", lookup, NULL, &root, &err);
    if (floe_failed(status)) {
        FLOE_ASSERT(root == NULL && err.code == status.code && err.code != FLOE_INTERNAL);
        FLOE_ASSERT(err.code == FLOE_LIMIT || strncmp(err.message, "fuzz.yaml:", 10) == 0);
    } else {
        FLOE_ASSERT(root != NULL && err.code == FLOE_CODE_OK);
        check_node(root, 0);
    }
    return 0;
}
