/*
 * The texts that are embedded: documents of a unit, and the words and whole names it brings to the vocabulary.
 */
#include "vector/meaning_int.h"

#include "core/hash.h"
#include "core/limits.h"

/* Documents are cut here: the longest text any supported model reads is far shorter. */
#define TEXT_BYTES_MAX 4096

typedef struct wording {
    const floe_unit *unit;
    const floe_wording_sink *sink;
    floe_buf text;
} wording;

uint64_t floe_wording_id(floe_str text) {
    return floe_xxh64(text.ptr, text.len, 0);
}

/* A name as its words. */
static void put_name(floe_buf *out, floe_str name) {
    floe_words words = floe_words_of(name);
    floe_str word = {0};
    for (bool first = true; floe_words_next(&words, &word); first = false) {
        floe_buf_text(out, first ? "" : " ");
        floe_buf_str(out, word);
    }
}

static void put_names(floe_buf *out, floe_texts names) {
    for (size_t i = 0; i < names.count && out->len < TEXT_BYTES_MAX; i++) {
        floe_buf_text(out, ", ");
        put_name(out, names.items[i]);
    }
}

static void put_prose(floe_buf *out, floe_str text) {
    if (text.len > 0) {
        floe_buf_text(out, ". ");
        floe_buf_str(out, text);
    }
}

static floe_status give(wording *run, floe_link_id link, size_t part, floe_error *err) {
    FLOE_TRY(floe_buf_check(&run->text, err));
    floe_str text = floe_buf_view(&run->text);
    text.len = text.len < TEXT_BYTES_MAX ? text.len : TEXT_BYTES_MAX;
    return text.len > 0 ? run->sink->text(run->sink->context, link, part, text, err) : FLOE_OK;
}

/* ---- vocabulary ---- */

static floe_status give_words(wording *run, floe_link_id link, size_t part, floe_str name, floe_error *err) {
    bool keep_stop_words = floe_text_keeps_stop_words(name);
    floe_words words = floe_words_of(name);
    floe_str word = {0};
    while (floe_words_next(&words, &word)) {
        if (keep_stop_words || !floe_word_is_stop(word)) {
            FLOE_TRY(run->sink->text(run->sink->context, link, part, word, err));
        }
    }
    return FLOE_OK;
}

static floe_status give_phrase(wording *run, floe_link_id link, size_t part, floe_str name, floe_error *err) {
    floe_buf_clear(&run->text);
    put_name(&run->text, name);
    return give(run, link, part, err);
}

/* ---- tables ---- */

static floe_status give_table(wording *run, floe_error *err) {
    const floe_unit *unit = run->unit;
    floe_buf_clear(&run->text);
    put_name(&run->text, unit->name);
    put_prose(&run->text, unit->description);
    for (size_t i = 0; i < unit->part_count && run->text.len < TEXT_BYTES_MAX; i++) {
        floe_buf_text(&run->text, i == 0 ? ": " : ", ");
        put_name(&run->text, unit->parts[i].name);
    }
    FLOE_TRY(give(run, FLOE_LINK_TABLE, SIZE_MAX, err));
    FLOE_TRY(give_words(run, FLOE_LINK_TABLE_WORD, SIZE_MAX, unit->space, err));
    FLOE_TRY(give_words(run, FLOE_LINK_TABLE_WORD, SIZE_MAX, unit->name, err));
    return give_phrase(run, FLOE_LINK_TABLE_PHRASE, SIZE_MAX, unit->name, err);
}

static floe_status give_column(wording *run, size_t part, floe_error *err) {
    const floe_part *column = &run->unit->parts[part];
    floe_buf_clear(&run->text);
    put_name(&run->text, run->unit->name);
    floe_buf_text(&run->text, " ");
    put_name(&run->text, column->name);
    put_prose(&run->text, column->description);
    FLOE_TRY(give(run, FLOE_LINK_COLUMN, part, err));
    FLOE_TRY(give_words(run, FLOE_LINK_TABLE_WORD, SIZE_MAX, column->name, err));
    FLOE_TRY(give_words(run, FLOE_LINK_COLUMN_WORD, part, column->name, err));
    return give_phrase(run, FLOE_LINK_TABLE_PHRASE, SIZE_MAX, column->name, err);
}

/* ---- features ---- */

static floe_status give_feature(wording *run, size_t part, floe_error *err) {
    const floe_unit *unit = run->unit;
    const floe_part *feature = part == SIZE_MAX ? NULL : &unit->parts[part];
    floe_buf_clear(&run->text);
    put_name(&run->text, unit->name);
    if (feature) {
        floe_buf_text(&run->text, " ");
        put_name(&run->text, feature->name);
        put_names(&run->text, feature->words);
        put_prose(&run->text, feature->description);
    } else {
        put_prose(&run->text, unit->description);
        put_names(&run->text, unit->related);
        for (size_t i = 0; i < unit->part_count && run->text.len < TEXT_BYTES_MAX; i++) {
            floe_buf_text(&run->text, i == 0 ? ": " : ", ");
            put_name(&run->text, unit->parts[i].name);
        }
    }
    FLOE_TRY(give(run, FLOE_LINK_FEATURE, part, err));
    FLOE_TRY(give_words(run, FLOE_LINK_FEATURE_WORD, part, unit->name, err));
    return feature ? give_words(run, FLOE_LINK_FEATURE_WORD, part, feature->name, err) : FLOE_OK;
}

floe_status floe_wording_each(const floe_unit *unit, const floe_wording_sink *sink, floe_error *err) {
    wording run = {.unit = unit, .sink = sink};
    floe_buf_init(&run.text, FLOE_UNIT_BYTES_MAX);
    bool is_table = unit->kind == FLOE_UNIT_TABLE;
    floe_status status = is_table ? give_table(&run, err) : give_feature(&run, SIZE_MAX, err);
    for (size_t i = 0; !floe_failed(status) && i < unit->part_count; i++) {
        status = is_table ? give_column(&run, i, err) : give_feature(&run, i, err);
    }
    floe_buf_close(&run.text);
    return status;
}
