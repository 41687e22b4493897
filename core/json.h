/*
 * JSON in and out. Reading goes through jansson (json.c, the one file that includes it) into a tree in an arena; big
 * integers that do not fit int64 are an error, never rounded. Writing is a small streaming writer into a floe_buf.
 */
#ifndef FLOE_CORE_JSON_H
#define FLOE_CORE_JSON_H

#include "core/buf.h"
#include "core/tree.h"

/* Parses one JSON document. Owns: the tree lies in the arena. Errors: INVALID with line and column, also for duplicate
 * keys, \u0000 in a text and numbers beyond int64 or double; LIMIT when it has more than FLOE_LIMIT_JSON_DEPTH levels or
 * when the arena's cap is passed, by the tree or by the reader's own memory; NOMEM. Thread: any. Cost: no heap call for
 * a small text in a warmed-up arena. */
floe_status floe_json_parse(floe_arena *arena, floe_str text, const floe_node **ret_root, floe_error *err);

/* The same, but a text (not a key) may hold \u0000: for readers that go by lengths alone, and whose data may hold it. */
floe_status floe_json_parse_any_text(floe_arena *arena, floe_str text, const floe_node **ret_root, floe_error *err);

/* Writer: commas and quoting are its business. Misuse is an assertion. */
typedef struct floe_json_writer {
    floe_buf *out;
    unsigned depth;     /* at most FLOE_LIMIT_JSON_DEPTH */
    uint64_t in_object; /* bit d: level d + 1 is an object */
    bool need_comma;
    bool after_key;
} floe_json_writer;

floe_json_writer floe_json_writer_of(floe_buf *out);
void floe_json_object_begin(floe_json_writer *writer);
void floe_json_object_end(floe_json_writer *writer);
void floe_json_array_begin(floe_json_writer *writer);
void floe_json_array_end(floe_json_writer *writer);
void floe_json_key(floe_json_writer *writer, const char *key);
void floe_json_key_str(floe_json_writer *writer, floe_str key);
void floe_json_string(floe_json_writer *writer, floe_str text);
void floe_json_text(floe_json_writer *writer, const char *text); /* NULL: null */
void floe_json_int(floe_json_writer *writer, int64_t value);
void floe_json_real(floe_json_writer *writer, double value); /* not finite: "NaN", "Infinity", "-Infinity" */
void floe_json_bool(floe_json_writer *writer, bool value);
void floe_json_null(floe_json_writer *writer);
/* A value that is already JSON. */
void floe_json_raw(floe_json_writer *writer, floe_str json);

/* Only the quoting: appends text as a JSON string; bytes that are not UTF-8 become U+FFFD. */
void floe_json_quote(floe_buf *out, floe_str text);

/* A tree back to compact JSON, members in their order. */
void floe_json_print(const floe_node *node, floe_buf *out);

#endif
