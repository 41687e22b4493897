/*
 * Answers as JSON, and the names of kinds.
 */
#include "vector/lines_int.h"

#include "core/json.h"

#include <math.h>

static const char *const kind_names[] = {"any", "table", "column", "feature"};

const char *floe_hit_kind_name(floe_hit_kind kind) {
    return kind_names[kind];
}

floe_status floe_hit_kind_parse(floe_str text, floe_hit_kind *ret_kind, floe_error *err) {
    for (int i = FLOE_HIT_TABLE; i <= FLOE_HIT_FEATURE; i++) {
        if (floe_str_is(text, kind_names[i])) {
            *ret_kind = (floe_hit_kind)i;
            return FLOE_OK;
        }
    }
    return FLOE_FAIL(err, FLOE_INVALID, "no kind of hit is called \"%.*s\"; there are table, column and feature",
                     FLOE_STR_BRIEF(text));
}

/* Six digits are more than a score means and few enough to read. */
static double rounded(double score) {
    return round(score * 1e6) / 1e6;
}

static void put_member(floe_json_writer *writer, const char *key, floe_str text) {
    floe_json_key(writer, key);
    floe_json_string(writer, text);
}

static void put_place(const floe_hit *hit, floe_json_writer *writer) {
    put_member(writer, "kind", floe_str_of(floe_hit_kind_name(hit->kind)));
    if (hit->kind == FLOE_HIT_FEATURE) {
        put_member(writer, "feature", hit->feature);
        return;
    }
    put_member(writer, "database", hit->database);
    put_member(writer, "table", hit->table);
    if (hit->kind == FLOE_HIT_COLUMN) {
        put_member(writer, "column", hit->column);
    }
}

static void put_score(const floe_hit *hit, floe_json_writer *writer) {
    floe_json_key(writer, "score");
    floe_json_real(writer, rounded(hit->score));
}

static void put_reasons(const floe_hit *hit, floe_json_writer *writer) {
    floe_json_key(writer, "why");
    floe_json_array_begin(writer);
    for (size_t i = 0; i < hit->reason_count; i++) {
        floe_json_object_begin(writer);
        put_member(writer, "signal", hit->reasons[i].signal);
        floe_json_key(writer, "score");
        floe_json_real(writer, rounded(hit->reasons[i].score));
        put_member(writer, "words", hit->reasons[i].words);
        floe_json_object_end(writer);
    }
    floe_json_array_end(writer);
}

void floe_answer_print_json(const floe_answer *answer, floe_buf *out) {
    floe_json_writer writer = floe_json_writer_of(out);
    floe_json_object_begin(&writer);
    put_member(&writer, "mode", answer->mode);
    floe_json_key(&writer, "hits");
    floe_json_array_begin(&writer);
    for (size_t i = 0; i < answer->hit_count; i++) {
        floe_json_object_begin(&writer);
        put_place(&answer->hits[i], &writer);
        put_member(&writer, "description", answer->hits[i].description);
        put_score(&answer->hits[i], &writer);
        put_reasons(&answer->hits[i], &writer);
        floe_json_object_end(&writer);
    }
    floe_json_array_end(&writer);
    floe_json_object_end(&writer);
}

void floe_answer_print_batch(const floe_answer *answer, const floe_node *id, floe_buf *out) {
    floe_json_writer writer = floe_json_writer_of(out);
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "id");
    FLOE_AUTO_BUF text;
    floe_buf_init(&text, out->cap);
    floe_json_print(id, &text);
    floe_json_raw(&writer, floe_buf_view(&text));
    floe_json_key(&writer, "hits");
    floe_json_array_begin(&writer);
    for (size_t i = 0; i < answer->hit_count; i++) {
        floe_json_object_begin(&writer);
        put_place(&answer->hits[i], &writer);
        put_score(&answer->hits[i], &writer);
        floe_json_object_end(&writer);
    }
    floe_json_array_end(&writer);
    floe_json_object_end(&writer);
    floe_buf_byte(out, '\n');
}
