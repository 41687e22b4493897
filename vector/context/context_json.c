/*
 * A context, and an answer to a question, as JSON.
 */
#include "vector/context/context_int.h"

#include <math.h>

static void put_text(floe_json_writer *writer, const char *key, floe_str text) {
    floe_json_key(writer, key);
    floe_json_string(writer, text);
}

static void put_int(floe_json_writer *writer, const char *key, size_t value) {
    floe_json_key(writer, key);
    floe_json_int(writer, (int64_t)value);
}

/* Six digits are more than a score means and few enough to read. */
static void put_score(floe_json_writer *writer, double score) {
    floe_json_key(writer, "score");
    floe_json_real(writer, round(score * 1e6) / 1e6);
}

static void put_tables(const floe_context *context, floe_json_writer *writer) {
    floe_json_key(writer, "tables");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < context->table_count; i++) {
        const floe_context_table *table = &context->tables[i];
        if (table->shown) {
            floe_json_object_begin(writer);
            floe_described_put_json(&table->table, writer);
            put_int(writer, "columns_left_out", table->columns_left_out);
            put_score(writer, table->score);
            floe_json_key(writer, "bridge");
            floe_json_bool(writer, table->bridge);
            floe_json_object_end(writer);
        }
    }
    floe_json_array_end(writer);
}

static void put_lists(const floe_context *context, floe_json_writer *writer) {
    floe_json_key(writer, "joins");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < context->join_count; i++) {
        floe_join_put_json(&context->joins[i], writer);
    }
    floe_json_array_end(writer);
    floe_json_key(writer, "features");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < context->feature_count; i++) {
        floe_json_object_begin(writer);
        put_text(writer, "name", context->features[i].name);
        put_text(writer, "description", context->features[i].description);
        put_score(writer, context->features[i].score);
        floe_json_object_end(writer);
    }
    floe_json_array_end(writer);
    floe_json_key(writer, "questions");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < context->question_count; i++) {
        floe_json_object_begin(writer);
        put_text(writer, "question", context->questions[i].entry->question);
        put_text(writer, "sql", context->questions[i].entry->sql);
        put_score(writer, context->questions[i].score);
        floe_json_object_end(writer);
    }
    floe_json_array_end(writer);
}

static void put_left_out(const floe_context *context, floe_json_writer *writer) {
    floe_json_key(writer, "left_out");
    floe_json_object_begin(writer);
    floe_json_key(writer, "tables");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < context->table_count; i++) {
        if (!context->tables[i].shown) {
            floe_json_object_begin(writer);
            put_text(writer, "database", context->tables[i].table.database);
            put_text(writer, "table", context->tables[i].table.name);
            floe_json_object_end(writer);
        }
    }
    floe_json_array_end(writer);
    put_int(writer, "joins", context->joins_left_out);
    put_int(writer, "features", context->features_left_out);
    put_int(writer, "questions", context->questions_left_out);
    floe_json_object_end(writer);
}

static void put_context(const floe_context *context, floe_json_writer *writer) {
    floe_json_object_begin(writer);
    put_text(writer, "mode", context->mode);
    put_int(writer, "tokens", context->tokens);
    put_int(writer, "token_max", context->token_max);
    put_text(writer, "context", context->text);
    put_tables(context, writer);
    put_lists(context, writer);
    put_left_out(context, writer);
    floe_json_object_end(writer);
}

void floe_context_print_json(const floe_context *context, floe_buf *out) {
    floe_json_writer writer = floe_json_writer_of(out);
    put_context(context, &writer);
}

void floe_ask_print_json(const floe_ask_answer *answer, floe_buf *out) {
    floe_json_writer writer = floe_json_writer_of(out);
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "asked");
    floe_json_bool(&writer, answer->asked);
    floe_json_key(&writer, "ok");
    floe_json_bool(&writer, answer->ok);
    put_text(&writer, "sql", answer->sql);
    if (!answer->ok) {
        put_text(&writer, "problem", answer->problem);
    }
    floe_json_key(&writer, "tables");
    floe_json_array_begin(&writer);
    for (size_t i = 0; i < answer->table_count; i++) {
        floe_json_object_begin(&writer);
        put_text(&writer, "database", answer->tables[i].database);
        put_text(&writer, "table", answer->tables[i].name);
        floe_json_object_end(&writer);
    }
    floe_json_array_end(&writer);
    put_int(&writer, "rounds", answer->rounds);
    floe_json_key(&writer, "context");
    put_context(&answer->context, &writer);
    floe_json_object_end(&writer);
}
