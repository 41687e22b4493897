/*
 * YAML → tree, through libyaml's event parser.
 *
 * Phases: take the next event → refuse what the JSON-shaped subset leaves out → for a scalar: expand variables, then
 * resolve the type → put the node into the container on top of the stack. The stack is an array of
 * FLOE_LIMIT_YAML_DEPTH frames, so nothing here recurses.
 *
 * Invariants: every message begins with "file:line:column: "; the tree points into the arena only, never into libyaml's
 * events, which are freed one by one. libyaml allocates by itself: a failure of its allocator comes back as NOMEM.
 * An unset variable does not end the parse, so that one message names all of them; the tree is then not handed out.
 *
 * Source: YAML 1.2.2, chapter 10.3 (core schema).
 */
#include "core/yaml.h"

#include "core/limits.h"
#include "core/map.h"
#include "core/yaml_int.h"

#include <string.h>
#include <yaml.h>

/* An object is searched line by line up to this many members, through a map beyond. */
#define MAP_FROM 16

typedef struct frame {
    floe_node *node;
    const floe_node **items;
    floe_member *members;
    size_t count;
    size_t capacity;
    floe_map keys; /* from MAP_FROM members on; the values are the members' lines */
    bool has_key;
    floe_str key;
    int key_line;
} frame;

typedef struct parser {
    yaml_parser_t yaml;
    floe_yaml_source source;
    floe_arena *arena;
    floe_str text;
    const floe_node *root;
    bool has_document;
    bool ended;
    size_t depth;
    frame frames[FLOE_LIMIT_YAML_DEPTH];
} parser;

static floe_yaml_mark mark_of(yaml_mark_t mark) {
    return (floe_yaml_mark){(int)mark.line + 1, (int)mark.column + 1};
}

/* ---- Failures of libyaml ---- */

/* The reader gives an offset into the text only. */
static floe_yaml_mark mark_at(floe_str text, size_t offset) {
    floe_yaml_mark mark = {1, 1};
    for (size_t i = 0; i < offset && i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            mark.line++;
            mark.column = 1;
        } else if (((unsigned char)text.ptr[i] & 0xC0u) != 0x80u) {
            mark.column++;
        }
    }
    return mark;
}

static floe_status fail_reader(const parser *p, floe_error *err) {
    floe_yaml_mark mark = mark_at(p->text, p->yaml.problem_offset);
    const char *problem = p->yaml.problem ? p->yaml.problem : "unreadable text";
    if (p->yaml.problem_value >= 0) {
        return FLOE_FAIL(err, FLOE_INVALID, "%s:%d:%d: %s (0x%02X)", p->source.file, mark.line, mark.column, problem,
                         (unsigned)p->yaml.problem_value);
    }
    return FLOE_FAIL(err, FLOE_INVALID, "%s:%d:%d: %s", p->source.file, mark.line, mark.column, problem);
}

static floe_status fail_yaml(const parser *p, floe_error *err) {
    if (p->yaml.error == YAML_MEMORY_ERROR) {
        return FLOE_FAIL(err, FLOE_NOMEM, "%s: out of memory while parsing YAML", p->source.file);
    }
    if (p->yaml.error == YAML_READER_ERROR) {
        return fail_reader(p, err);
    }
    floe_yaml_mark mark = mark_of(p->yaml.problem_mark);
    const char *problem = p->yaml.problem ? p->yaml.problem : "not YAML";
    if (p->yaml.context) {
        return FLOE_FAIL(err, FLOE_INVALID, "%s:%d:%d: %s (%s that starts on line %d)", p->source.file, mark.line,
                         mark.column, problem, p->yaml.context, (int)p->yaml.context_mark.line + 1);
    }
    return FLOE_FAIL(err, FLOE_INVALID, "%s:%d:%d: %s", p->source.file, mark.line, mark.column, problem);
}

static floe_status fail_unsupported(const parser *p, yaml_mark_t at, const char *what, floe_error *err) {
    floe_yaml_mark mark = mark_of(at);
    return FLOE_FAIL(err, FLOE_UNSUPPORTED, "%s:%d:%d: %s", p->source.file, mark.line, mark.column, what);
}

/* ---- Building ---- */

/* The line of an earlier member with this key, or 0. */
static int find_key(const frame *top, floe_str key) {
    if (top->keys.arena) {
        const int *line = floe_map_get(&top->keys, key);
        return line ? *line : 0;
    }
    for (size_t i = 0; i < top->count; i++) {
        if (floe_str_equal(top->members[i].key, key)) {
            return top->members[i].line;
        }
    }
    return 0;
}

/* The map's values are lines of their own, because the members move when their array grows. */
static void remember_key(parser *p, frame *top, const floe_member *member) {
    int *line = floe_arena_alloc(p->arena, 1, sizeof(*line));
    if (line) {
        *line = member->line;
        (void)floe_map_put(&top->keys, member->key, line);
    }
}

static void add_member(parser *p, frame *top, const floe_node *value) {
    floe_member *member = FLOE_ARENA_PUSH(p->arena, top->members, top->count, top->capacity);
    top->has_key = false;
    if (!member) {
        return;
    }
    *member = (floe_member){top->key, top->key_line, value};
    if (top->keys.arena) {
        remember_key(p, top, member);
    } else if (top->count == MAP_FROM) {
        floe_map_init(&top->keys, p->arena);
        for (size_t i = 0; i < top->count; i++) {
            remember_key(p, top, &top->members[i]);
        }
    }
}

static void add_node(parser *p, const floe_node *node) {
    if (p->depth == 0) {
        p->root = node;
        return;
    }
    frame *top = &p->frames[p->depth - 1];
    if (top->node->kind == FLOE_NODE_OBJECT) {
        add_member(p, top, node);
        return;
    }
    const floe_node **slot = FLOE_ARENA_PUSH(p->arena, top->items, top->count, top->capacity);
    if (slot) {
        *slot = node;
    }
}

/* Whether the next node stands where an object wants a key. */
static bool wants_key(const parser *p) {
    if (p->depth == 0) {
        return false;
    }
    const frame *top = &p->frames[p->depth - 1];
    return top->node->kind == FLOE_NODE_OBJECT && !top->has_key;
}

static floe_status open_container(parser *p, floe_node_kind kind, yaml_mark_t at, floe_error *err) {
    floe_yaml_mark mark = mark_of(at);
    if (wants_key(p)) {
        return fail_unsupported(p, at, "a key must be a scalar, not a list or a mapping", err);
    }
    FLOE_ENSURE(p->depth < FLOE_LIMIT_YAML_DEPTH, err, FLOE_LIMIT, "%s:%d:%d: nested deeper than %d levels",
                p->source.file, mark.line, mark.column, FLOE_LIMIT_YAML_DEPTH);
    floe_node *node = floe_arena_alloc(p->arena, 1, sizeof(*node));
    FLOE_TRY(floe_arena_check(p->arena, err));
    node->kind = kind;
    node->line = mark.line;
    add_node(p, node);
    p->frames[p->depth] = (frame){.node = node};
    p->depth++;
    return FLOE_OK;
}

static void close_container(parser *p) {
    p->depth--;
    const frame *top = &p->frames[p->depth];
    top->node->items = top->items;
    top->node->members = top->members;
    top->node->count = top->count;
}

static floe_status take_key(parser *p, const floe_yaml_scalar *scalar, floe_error *err) {
    frame *top = &p->frames[p->depth - 1];
    const char *file = p->source.file;
    floe_yaml_mark at = scalar->mark;
    FLOE_ENSURE(!(scalar->plain && floe_str_is(scalar->text, "<<")), err, FLOE_UNSUPPORTED,
                "%s:%d:%d: merge keys ('<<') are not supported; write the members out", file, at.line, at.column);
    FLOE_ENSURE(!(scalar->plain && floe_yaml_is_null(scalar->text)), err, FLOE_INVALID,
                "%s:%d:%d: a key is missing or null; quote it when it is meant as text", file, at.line, at.column);
    int earlier = find_key(top, scalar->text);
    FLOE_ENSURE(earlier == 0, err, FLOE_INVALID, "%s:%d:%d: duplicate key '%.*s' (first on line %d)", file, at.line,
                at.column, FLOE_STR_ARG(scalar->text), earlier);
    top->key = floe_arena_str(p->arena, scalar->text);
    top->key_line = at.line;
    top->has_key = true;
    return FLOE_OK;
}

static bool is_str_tag(const yaml_char_t *tag) {
    return strcmp((const char *)tag, YAML_STR_TAG) == 0;
}

static floe_status take_scalar(parser *p, const yaml_event_t *event, floe_error *err) {
    const yaml_char_t *tag = event->data.scalar.tag;
    if (tag && !is_str_tag(tag)) {
        return fail_unsupported(p, event->start_mark, "tags other than !!str are not supported", err);
    }
    floe_yaml_scalar scalar = {
        .text = {(const char *)event->data.scalar.value, event->data.scalar.length},
        .plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && !tag,
        .mark = mark_of(event->start_mark),
    };
    FLOE_TRY(floe_yaml_expand(&p->source, p->arena, &scalar, err));
    if (wants_key(p)) {
        return take_key(p, &scalar, err);
    }
    floe_node *node = floe_arena_alloc(p->arena, 1, sizeof(*node));
    FLOE_TRY(floe_arena_check(p->arena, err));
    FLOE_TRY(floe_yaml_resolve(&p->source, p->arena, &scalar, node, err));
    add_node(p, node);
    return FLOE_OK;
}

/* ---- Events ---- */

static floe_status check_document(parser *p, const yaml_event_t *event, floe_error *err) {
    const yaml_version_directive_t *version = event->data.document_start.version_directive;
    if (p->has_document) {
        return fail_unsupported(p, event->start_mark, "several documents in one file are not supported", err);
    }
    if (version && (version->major != 1 || version->minor != 2)) {
        return fail_unsupported(p, event->start_mark, "only YAML 1.2 is supported", err);
    }
    if (event->data.document_start.tag_directives.start != event->data.document_start.tag_directives.end) {
        return fail_unsupported(p, event->start_mark, "%TAG directives are not supported", err);
    }
    p->has_document = true;
    return FLOE_OK;
}

/* What the subset leaves out of any node. */
static floe_status check_node(const parser *p, const yaml_event_t *event, floe_error *err) {
    const yaml_char_t *anchor = NULL;
    const yaml_char_t *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT) {
        return fail_unsupported(p, event->start_mark, "aliases ('*name') are not supported; write the value out", err);
    }
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor) {
        return fail_unsupported(p, event->start_mark, "anchors ('&name') are not supported; write the value out", err);
    }
    return tag ? fail_unsupported(p, event->start_mark, "tags other than !!str are not supported", err) : FLOE_OK;
}

static floe_status take_event(parser *p, const yaml_event_t *event, floe_error *err) {
    FLOE_TRY(check_node(p, event, err));
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        return check_document(p, event, err);
    case YAML_SEQUENCE_START_EVENT:
        return open_container(p, FLOE_NODE_ARRAY, event->start_mark, err);
    case YAML_MAPPING_START_EVENT:
        return open_container(p, FLOE_NODE_OBJECT, event->start_mark, err);
    case YAML_SCALAR_EVENT:
        return take_scalar(p, event, err);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        close_container(p);
        return FLOE_OK;
    case YAML_STREAM_END_EVENT:
        p->ended = true;
        return FLOE_OK;
    default:
        return FLOE_OK;
    }
}

static floe_status next_event(parser *p, floe_error *err) {
    __attribute__((cleanup(yaml_event_delete))) yaml_event_t event = {0};
    if (!yaml_parser_parse(&p->yaml, &event)) {
        return fail_yaml(p, err);
    }
    FLOE_TRY(take_event(p, &event, err));
    return floe_arena_check(p->arena, err);
}

static floe_status parse(parser *p, const floe_node **ret_root, floe_error *err) {
    static const floe_node nothing = {.kind = FLOE_NODE_NULL, .line = 1};
    yaml_parser_set_encoding(&p->yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p->yaml, (const unsigned char *)p->text.ptr, p->text.len);
    while (!p->ended) {
        FLOE_TRY(next_event(p, err));
    }
    if (floe_failed(p->source.unset)) {
        return p->source.unset;
    }
    *ret_root = p->root ? p->root : &nothing;
    return FLOE_OK;
}

floe_status floe_yaml_parse(floe_arena *arena, floe_str text, const char *file, floe_env_lookup env, void *env_context,
                            const floe_node **ret_root, floe_error *err) {
    FLOE_ENSURE(text.len <= FLOE_LIMIT_YAML_BYTES, err, FLOE_LIMIT, "%s: larger than the limit of %zu bytes", file,
                FLOE_LIMIT_YAML_BYTES);
    FLOE_TRY(floe_arena_check(arena, err));
    parser p = {.source = {file, env, env_context, FLOE_OK}, .arena = arena, .text = text};
    p.text.ptr = text.ptr ? text.ptr : "";
    FLOE_ENSURE(yaml_parser_initialize(&p.yaml), err, FLOE_NOMEM, "%s: out of memory while parsing YAML", file);
    floe_status status = parse(&p, ret_root, err);
    yaml_parser_delete(&p.yaml);
    return status;
}
