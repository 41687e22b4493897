/*
 * JSON. Reading has two phases: jansson parses the text into its own objects, whose memory comes from a fixed scratch
 * of the thread and past that from an arena of this parse; then the objects are copied as nodes into the caller's
 * arena.
 *
 * jansson never sees an allocation fail: its lexer (lex_save in its load.c) ignores a failed append to the token it
 * collects and then aborts, or loses characters. json_malloc leaves the library by longjmp instead. That is sound
 * because jansson keeps nothing between calls and all its memory is ours: nothing is freed one by one, everything at
 * once when the parse ends. What does not fit the scratch must not pass the caller's cap, for a hostile text may need
 * fifty times its length.
 */
#include "core/json.h"

#include "core/limits.h"
#include "core/mem.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdalign.h>

#define SCRATCH_LEN ((size_t)65536)

/* The memory of the parse that runs on this thread. */
typedef struct parse_memory {
    alignas(16) char scratch[SCRATCH_LEN];
    size_t used;         /* bytes of scratch handed out */
    floe_arena *objects; /* what does not fit the scratch; capped like the caller's arena */
    jmp_buf on_failure;
} parse_memory;

static _Thread_local parse_memory memory;

static void *json_malloc(size_t len) {
    size_t rounded = (len + 15) & ~(size_t)15;
    if (!FLOE_ASAN && rounded >= len && rounded <= SCRATCH_LEN - memory.used) {
        void *taken = memory.scratch + memory.used;
        memory.used += rounded;
        return taken;
    }
    void *allocated = floe_arena_alloc(memory.objects, len, 1);
    if (allocated == NULL) {
        longjmp(memory.on_failure, 1);
    }
    return allocated;
}

static void json_keep(void *pointer) {
    (void)pointer;
}

static pthread_once_t allocator_once = PTHREAD_ONCE_INIT;

static void set_allocator(void) {
    json_set_alloc_funcs(json_malloc, json_keep);
    json_object_seed(0);
}

/* NULL: either jansson says why, or the arena of the objects is in overflow. */
static json_t *load(floe_str text, size_t flags, floe_arena *objects, json_error_t *ret_error) {
    memory.used = 0;
    memory.objects = objects;
    if (setjmp(memory.on_failure) != 0) {
        return NULL;
    }
    const char *bytes = text.ptr == NULL ? "" : text.ptr;
    return json_loadb(bytes, text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | flags, ret_error);
}

static bool convert(floe_arena *arena, json_t *json, unsigned depth, floe_node *node);

static bool convert_array(floe_arena *arena, json_t *json, unsigned depth, floe_node *node) {
    size_t count = json_array_size(json);
    floe_node *nodes = floe_arena_alloc(arena, count, sizeof(*nodes));
    const floe_node **items = floe_arena_alloc(arena, count, sizeof(floe_node *));
    if (nodes == NULL || items == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        items[i] = &nodes[i];
        if (!convert(arena, json_array_get(json, i), depth, &nodes[i])) {
            return false;
        }
    }
    node->kind = FLOE_NODE_ARRAY;
    node->items = items;
    node->count = count;
    return true;
}

static bool convert_object(floe_arena *arena, json_t *json, unsigned depth, floe_node *node) {
    size_t count = json_object_size(json);
    floe_node *nodes = floe_arena_alloc(arena, count, sizeof(*nodes));
    floe_member *members = floe_arena_alloc(arena, count, sizeof(*members));
    if (nodes == NULL || members == NULL) {
        return false;
    }
    size_t i = 0;
    for (void *iter = json_object_iter(json); iter != NULL; iter = json_object_iter_next(json, iter), i++) {
        const char *key = json_object_iter_key(iter);
        members[i].key = floe_arena_str(arena, floe_str_of(key));
        members[i].value = &nodes[i];
        if (members[i].key.ptr == NULL || !convert(arena, json_object_iter_value(iter), depth, &nodes[i])) {
            return false;
        }
    }
    node->kind = FLOE_NODE_OBJECT;
    node->members = members;
    node->count = count;
    return true;
}

/* Fills the zeroed node. `depth` counts the containers around it. False: the arena's flag is set, or too deep. */
static bool convert(floe_arena *arena, json_t *json, unsigned depth, floe_node *node) {
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return depth < FLOE_LIMIT_JSON_DEPTH && convert_object(arena, json, depth + 1, node);
    case JSON_ARRAY:
        return depth < FLOE_LIMIT_JSON_DEPTH && convert_array(arena, json, depth + 1, node);
    case JSON_STRING:
        node->kind = FLOE_NODE_STRING;
        node->text = floe_arena_str(arena, (floe_str){json_string_value(json), json_string_length(json)});
        return node->text.ptr != NULL;
    case JSON_INTEGER:
        node->kind = FLOE_NODE_INT;
        node->as.integer = json_integer_value(json);
        return true;
    case JSON_REAL:
        node->kind = FLOE_NODE_REAL;
        node->as.real = json_real_value(json);
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        node->kind = FLOE_NODE_BOOL;
        node->as.boolean = json_is_true(json);
        return true;
    case JSON_NULL:
        break;
    }
    node->kind = FLOE_NODE_NULL;
    return true;
}

static floe_status parse_failed(const json_error_t *json_error, const floe_arena *objects, floe_error *err) {
    floe_status status = floe_arena_check(objects, err);
    if (floe_failed(status)) {
        return floe_error_prefix(err, status, "reading JSON");
    }
    if (json_error_code(json_error) == json_error_stack_overflow) {
        return FLOE_FAIL(err, FLOE_LIMIT, "the JSON is nested more than %d levels deep", FLOE_LIMIT_JSON_DEPTH);
    }
    return FLOE_FAIL(err, FLOE_INVALID, "JSON, line %d, column %d: %s", json_error->line, json_error->column,
                     json_error->text);
}

/* jansson takes a NUL byte between tokens for the end of the text and would not see what follows. */
static floe_status refuse_nul(floe_str text, floe_error *err) {
    const char *nul = text.len == 0 ? NULL : memchr(text.ptr, '\0', text.len);
    if (nul != NULL) {
        return FLOE_FAIL(err, FLOE_INVALID, "JSON: the text holds a NUL byte at position %zu",
                         (size_t)(nul - text.ptr) + 1);
    }
    return FLOE_OK;
}

static floe_status parse(floe_arena *arena, floe_str text, size_t flags, const floe_node **ret_root, floe_error *err) {
    FLOE_TRY(refuse_nul(text, err));
    FLOE_ASSERT(pthread_once(&allocator_once, set_allocator) == 0);
    json_error_t json_error = {0};
    FLOE_AUTO_ARENA objects;
    floe_arena_init(&objects, arena->cap);
    json_t *json = load(text, flags, &objects, &json_error);
    if (json == NULL) {
        return parse_failed(&json_error, &objects, err);
    }
    floe_node *root = floe_arena_alloc(arena, 1, sizeof(*root));
    if (root == NULL || !convert(arena, json, 0, root)) {
        FLOE_TRY(floe_arena_check(arena, err));
        return FLOE_FAIL(err, FLOE_LIMIT, "the JSON is nested more than %d levels deep", FLOE_LIMIT_JSON_DEPTH);
    }
    *ret_root = root;
    return FLOE_OK;
}

floe_status floe_json_parse(floe_arena *arena, floe_str text, const floe_node **ret_root, floe_error *err) {
    return parse(arena, text, 0, ret_root, err);
}

floe_status floe_json_parse_any_text(floe_arena *arena, floe_str text, const floe_node **ret_root, floe_error *err) {
    return parse(arena, text, JSON_ALLOW_NUL, ret_root, err);
}

floe_json_writer floe_json_writer_of(floe_buf *out) {
    return (floe_json_writer){.out = out};
}

static bool is_in_object(const floe_json_writer *writer) {
    return writer->depth > 0 && (writer->in_object >> (writer->depth - 1) & 1) != 0;
}

/* What stands before a value: nothing behind a key or at the start, else a comma. */
static void before_value(floe_json_writer *writer) {
    FLOE_ASSERT(writer->after_key == is_in_object(writer));
    FLOE_ASSERT(writer->depth > 0 || !writer->need_comma);
    if (writer->need_comma && !writer->after_key) {
        floe_buf_byte(writer->out, ',');
    }
    writer->after_key = false;
    writer->need_comma = true;
}

static void begin(floe_json_writer *writer, char bracket, bool is_object) {
    before_value(writer);
    FLOE_ASSERT(writer->depth < FLOE_LIMIT_JSON_DEPTH);
    uint64_t bit = UINT64_C(1) << writer->depth;
    writer->in_object = is_object ? writer->in_object | bit : writer->in_object & ~bit;
    writer->depth++;
    writer->need_comma = false;
    floe_buf_byte(writer->out, (uint8_t)bracket);
}

static void end(floe_json_writer *writer, char bracket, bool is_object) {
    FLOE_ASSERT(writer->depth > 0 && is_in_object(writer) == is_object && !writer->after_key);
    writer->depth--;
    writer->need_comma = true;
    floe_buf_byte(writer->out, (uint8_t)bracket);
}

void floe_json_object_begin(floe_json_writer *writer) {
    begin(writer, '{', true);
}

void floe_json_object_end(floe_json_writer *writer) {
    end(writer, '}', true);
}

void floe_json_array_begin(floe_json_writer *writer) {
    begin(writer, '[', false);
}

void floe_json_array_end(floe_json_writer *writer) {
    end(writer, ']', false);
}

void floe_json_key(floe_json_writer *writer, const char *key) {
    floe_json_key_str(writer, floe_str_of(key));
}

void floe_json_key_str(floe_json_writer *writer, floe_str key) {
    FLOE_ASSERT(is_in_object(writer) && !writer->after_key);
    if (writer->need_comma) {
        floe_buf_byte(writer->out, ',');
    }
    floe_json_quote(writer->out, key);
    floe_buf_byte(writer->out, ':');
    writer->after_key = true;
}

void floe_json_string(floe_json_writer *writer, floe_str text) {
    before_value(writer);
    floe_json_quote(writer->out, text);
}

void floe_json_text(floe_json_writer *writer, const char *text) {
    if (text == NULL) {
        floe_json_null(writer);
        return;
    }
    floe_json_string(writer, floe_str_of(text));
}

void floe_json_int(floe_json_writer *writer, int64_t value) {
    before_value(writer);
    floe_buf_int(writer->out, value);
}

void floe_json_real(floe_json_writer *writer, double value) {
    before_value(writer);
    bool quoted = !isfinite(value);
    if (quoted) {
        floe_buf_byte(writer->out, '"');
    }
    floe_buf_real(writer->out, value);
    if (quoted) {
        floe_buf_byte(writer->out, '"');
    }
}

void floe_json_bool(floe_json_writer *writer, bool value) {
    floe_json_raw(writer, value ? FLOE_STR("true") : FLOE_STR("false"));
}

void floe_json_null(floe_json_writer *writer) {
    floe_json_raw(writer, FLOE_STR("null"));
}

void floe_json_raw(floe_json_writer *writer, floe_str json) {
    before_value(writer);
    floe_buf_str(writer->out, json);
}

static void quote_control(floe_buf *out, uint8_t byte) {
    static const char hex[17] = "0123456789abcdef";
    static const char short_forms[33] = "........btn.fr..................";
    char text[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    if (byte == '"' || byte == '\\') {
        text[1] = (char)byte;
        floe_buf_append(out, text, 2);
    } else if (short_forms[byte] != '.') {
        text[1] = short_forms[byte];
        floe_buf_append(out, text, 2);
    } else {
        floe_buf_append(out, text, 6);
    }
}

/* The length of the longest start of text that may stand in JSON as it is. */
static size_t plain_run(floe_str text) {
    size_t at = 0;
    while (at < text.len) {
        uint8_t byte = (uint8_t)text.ptr[at];
        if (byte < 0x20 || byte == '"' || byte == '\\') {
            break;
        }
        size_t step = byte < 0x80 ? 1 : floe_utf8_sequence((floe_str){text.ptr + at, text.len - at});
        if (step == 0) {
            break;
        }
        at += step;
    }
    return at;
}

void floe_json_quote(floe_buf *out, floe_str text) {
    floe_buf_byte(out, '"');
    while (text.len > 0) {
        size_t run = plain_run(text);
        floe_buf_append(out, text.ptr, run);
        text.ptr += run;
        text.len -= run;
        if (text.len > 0) {
            uint8_t byte = (uint8_t)text.ptr[0];
            if (byte < 0x80) {
                quote_control(out, byte);
            } else {
                floe_buf_text(out, "\xEF\xBF\xBD");
            }
            text.ptr++;
            text.len--;
        }
    }
    floe_buf_byte(out, '"');
}

static void print_node(const floe_node *node, floe_json_writer *writer) {
    switch (node->kind) {
    case FLOE_NODE_NULL:
        floe_json_null(writer);
        break;
    case FLOE_NODE_BOOL:
        floe_json_bool(writer, node->as.boolean);
        break;
    case FLOE_NODE_INT:
        floe_json_int(writer, node->as.integer);
        break;
    case FLOE_NODE_REAL:
        floe_json_real(writer, node->as.real);
        break;
    case FLOE_NODE_STRING:
        floe_json_string(writer, node->text);
        break;
    case FLOE_NODE_ARRAY:
        floe_json_array_begin(writer);
        for (size_t i = 0; i < node->count; i++) {
            print_node(node->items[i], writer);
        }
        floe_json_array_end(writer);
        break;
    case FLOE_NODE_OBJECT:
        floe_json_object_begin(writer);
        for (size_t i = 0; i < node->count; i++) {
            floe_json_key_str(writer, node->members[i].key);
            print_node(node->members[i].value, writer);
        }
        floe_json_object_end(writer);
        break;
    }
}

void floe_json_print(const floe_node *node, floe_buf *out) {
    floe_json_writer writer = floe_json_writer_of(out);
    print_node(node, &writer);
}
