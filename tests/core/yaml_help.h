/* Parsing YAML in a test, with variables of its own, and a dump of the tree in which every kind looks different. */
#ifndef FLOE_TESTS_CORE_YAML_HELP_H
#define FLOE_TESTS_CORE_YAML_HELP_H

#include "tests/core/scratch.h"

#include "core/buf.h"
#include "core/limits.h"
#include "core/yaml.h"

#define ARENA_CAP FLOE_MIB(256)

static inline const char *test_env(const char *name, void *context) {
    static const char *const values[][2] = {
        {"PORT", "6379"},        {"NAME", "redis"},
        {"EMPTY", ""},           {"YES", "true"},
        {"QUOTE", "a: 'b' # c"}, {"NIL", "null"},
        {"DOLLAR", "$$"},        {"RECURSIVE", "${PORT}"},
        {"BAD", "\xff"},         {"HUGE", "99999999999999999999"},
    };
    (void)context;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        if (strcmp(values[i][0], name) == 0) {
            return values[i][1];
        }
    }
    return NULL;
}

static inline floe_status parse(floe_arena *arena, const char *text, size_t len, const floe_node **ret_root,
                                floe_error *err) {
    floe_arena_init(arena, ARENA_CAP);
    return floe_yaml_parse(arena, (floe_str){text, len}, "f.yaml", test_env, NULL, ret_root, err);
}

static inline const floe_node *parse_ok(floe_arena *arena, const char *text) {
    floe_error err = {0};
    const floe_node *root = NULL;
    assert_ok(parse(arena, text, strlen(text), &root, &err), &err);
    assert_non_null(root);
    return root;
}

static inline void assert_parse_fails(const char *text, floe_code code, const char *where, const char *part) {
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    const floe_node *root = NULL;
    floe_status status = parse(&arena, text, strlen(text), &root, &err);
    if (status.code != code || strncmp(err.message, where, strlen(where)) != 0 || !strstr(err.message, part)) {
        fail_msg("%s\ngave %s: %s\nexpected %s: %s … %s", text, floe_code_describe(status.code)->name, err.message,
                 floe_code_describe(code)->name, where, part);
    }
    assert_null(root);
}

/* A dump in which every kind looks different: n, b1, i5, r0.5, "text", [...], {"key":...}. */
static inline void dump_text(floe_buf *out, floe_str text) {
    floe_buf_byte(out, '"');
    floe_buf_str(out, text);
    floe_buf_byte(out, '"');
}

static inline void dump(floe_buf *out, const floe_node *node) {
    switch (node->kind) {
    case FLOE_NODE_NULL:
        floe_buf_text(out, "n");
        break;
    case FLOE_NODE_BOOL:
        floe_buf_text(out, node->as.boolean ? "b1" : "b0");
        break;
    case FLOE_NODE_INT:
        floe_buf_printf(out, "i%lld", (long long)node->as.integer);
        break;
    case FLOE_NODE_REAL:
        floe_buf_printf(out, "r%.17g", node->as.real);
        break;
    case FLOE_NODE_STRING:
        dump_text(out, node->text);
        break;
    case FLOE_NODE_ARRAY:
        floe_buf_byte(out, '[');
        for (size_t i = 0; i < node->count; i++) {
            floe_buf_text(out, i > 0 ? "," : "");
            dump(out, node->items[i]);
        }
        floe_buf_byte(out, ']');
        break;
    case FLOE_NODE_OBJECT:
        floe_buf_byte(out, '{');
        for (size_t i = 0; i < node->count; i++) {
            floe_buf_text(out, i > 0 ? "," : "");
            dump_text(out, node->members[i].key);
            floe_buf_byte(out, ':');
            dump(out, node->members[i].value);
        }
        floe_buf_byte(out, '}');
        break;
    }
}

static inline void assert_dump(const char *text, const char *expected) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(16));
    dump(&out, parse_ok(&arena, text));
    if (strcmp(floe_buf_view(&out).ptr, expected) != 0) {
        fail_msg("%s\ngave %s\nexpected %s", text, out.ptr, expected);
    }
}

#endif
