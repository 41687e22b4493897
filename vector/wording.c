/*
 * The texts that are embedded: documents of a unit, and the words and whole names it brings to the vocabulary.
 */
#include "vector/meaning_int.h"

#include "core/hash.h"
#include "core/limits.h"
#include "core/mem.h"

/* Documents are cut here: the longest text any supported model reads is far shorter. */
#define TEXT_BYTES_MAX 4096
/* All names of a unit with their abbreviations spelt out. */
#define NAMES_BYTES_MAX FLOE_GIB(1)

/* A name comes in several texts, so each of a table's is put into words once. */
typedef struct wording {
    const floe_unit *unit;
    floe_speller *speller;
    const floe_wording_sink *sink;
    floe_buf text;
    floe_buf names;
    size_t *ends; /* of a table, in the names: where its name ends, then where each of its columns' does */
} wording;

uint64_t floe_wording_id(floe_str text) {
    return floe_xxh64(text.ptr, text.len, 0);
}

static void put_word(floe_buf *out, size_t begin, floe_str word) {
    floe_buf_text(out, out->len > begin ? " " : "");
    floe_buf_str(out, word);
}

/* A mark before a name says what kind of thing it is, and nothing about its data: tbl_customer, T_CUSTOMER, c_custkey. */
static bool is_mark(const floe_reading *reading, floe_str word, bool first) {
    return reading->silent || (first && word.len == 1 && word.ptr[0] >= 'a' && word.ptr[0] <= 'z');
}

/* A name as the words it stands for. */
static void put_name(wording *run, floe_str name, floe_buf *out) {
    floe_words words = floe_words_of(name);
    floe_str word = {0};
    size_t begin = out->len;
    bool more = floe_words_next(&words, &word);
    for (bool first = true; more; first = false) {
        const floe_reading *reading = floe_speller_read(run->speller, run->unit->space, word);
        char own[FLOE_WORD_MAX];
        size_t own_len = word.len;
        memcpy(own, word.ptr, word.len);
        more = floe_words_next(&words, &word);
        floe_str written = {own, own_len};
        if (is_mark(reading, written, first) && (more || out->len > begin)) {
            continue;
        }
        for (size_t i = 0; i < reading->count; i++) {
            put_word(out, begin, reading->words[i]);
        }
        if (reading->count == 0) {
            put_word(out, begin, written);
        }
    }
}

static void put_names(wording *run, floe_texts names) {
    for (size_t i = 0; i < names.count && run->text.len < TEXT_BYTES_MAX; i++) {
        floe_buf_text(&run->text, ", ");
        put_name(run, names.items[i], &run->text);
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

/* A word may have two links; FLOE_LINK_COUNT is none. */
static floe_status give_word(const wording *run, const floe_link_id links[2], size_t part, floe_str word,
                             floe_error *err) {
    for (size_t i = 0; i < 2 && links[i] != FLOE_LINK_COUNT; i++) {
        FLOE_TRY(run->sink->text(run->sink->context, links[i], part, word, err));
    }
    return FLOE_OK;
}

static floe_status give_words(wording *run, const floe_link_id links[2], size_t part, floe_str name, floe_error *err) {
    bool keep_stop_words = floe_text_keeps_stop_words(name);
    floe_words words = floe_words_of(name);
    floe_str word = {0};
    while (floe_words_next(&words, &word)) {
        const floe_reading *reading = floe_speller_read(run->speller, run->unit->space, word);
        for (size_t i = 0; i < reading->count; i++) {
            if (!floe_word_is_stop(reading->words[i])) {
                FLOE_TRY(give_word(run, links, part, reading->words[i], err));
            }
        }
        if (reading->count == 0 && (keep_stop_words || !floe_word_is_stop(word))) {
            FLOE_TRY(give_word(run, links, part, word, err));
        }
    }
    return FLOE_OK;
}

/* ---- tables ---- */

static const floe_link_id of_table[2] = {FLOE_LINK_TABLE_WORD, FLOE_LINK_COUNT};
static const floe_link_id of_column[2] = {FLOE_LINK_TABLE_WORD, FLOE_LINK_COLUMN_WORD};
static const floe_link_id of_feature[2] = {FLOE_LINK_FEATURE_WORD, FLOE_LINK_COUNT};

/* Number 0 is the table's own, i + 1 that of column i. */
static floe_str name_of(const wording *run, size_t number) {
    size_t from = number == 0 ? 0 : run->ends[number - 1];
    return (floe_str){run->names.ptr + from, run->ends[number] - from};
}

static floe_status read_names(wording *run, floe_error *err) {
    const floe_unit *unit = run->unit;
    FLOE_TRY(floe_alloc(unit->part_count + 1, sizeof(*run->ends), &run->ends, err));
    put_name(run, unit->name, &run->names);
    run->ends[0] = run->names.len;
    for (size_t i = 0; i < unit->part_count; i++) {
        put_name(run, unit->parts[i].name, &run->names);
        run->ends[i + 1] = run->names.len;
    }
    return floe_buf_check(&run->names, err);
}

static floe_status give_phrase(wording *run, size_t number, floe_error *err) {
    floe_buf_clear(&run->text);
    floe_buf_str(&run->text, name_of(run, number));
    return give(run, FLOE_LINK_TABLE_PHRASE, number == 0 ? SIZE_MAX : number - 1, err);
}

static floe_status give_table(wording *run, floe_error *err) {
    const floe_unit *unit = run->unit;
    FLOE_TRY(read_names(run, err));
    floe_buf_clear(&run->text);
    floe_buf_str(&run->text, name_of(run, 0));
    put_prose(&run->text, unit->description);
    for (size_t i = 0; i < unit->part_count && run->text.len < TEXT_BYTES_MAX; i++) {
        floe_buf_text(&run->text, i == 0 ? ": " : ", ");
        floe_buf_str(&run->text, name_of(run, i + 1));
    }
    FLOE_TRY(give(run, FLOE_LINK_TABLE, SIZE_MAX, err));
    FLOE_TRY(give_words(run, of_table, SIZE_MAX, unit->space, err));
    FLOE_TRY(give_words(run, of_table, SIZE_MAX, unit->name, err));
    return give_phrase(run, 0, err);
}

static floe_status give_column(wording *run, size_t part, floe_error *err) {
    const floe_part *column = &run->unit->parts[part];
    floe_buf_clear(&run->text);
    floe_buf_str(&run->text, name_of(run, 0));
    floe_buf_text(&run->text, " ");
    floe_buf_str(&run->text, name_of(run, part + 1));
    put_prose(&run->text, column->description);
    FLOE_TRY(give(run, FLOE_LINK_COLUMN, part, err));
    FLOE_TRY(give_words(run, of_column, part, column->name, err));
    return give_phrase(run, part + 1, err);
}

/* ---- features ---- */

static floe_status give_feature(wording *run, size_t part, floe_error *err) {
    const floe_unit *unit = run->unit;
    const floe_part *feature = part == SIZE_MAX ? NULL : &unit->parts[part];
    floe_buf_clear(&run->text);
    put_name(run, unit->name, &run->text);
    if (feature) {
        floe_buf_text(&run->text, " ");
        put_name(run, feature->name, &run->text);
        put_names(run, feature->words);
        put_prose(&run->text, feature->description);
    } else {
        put_prose(&run->text, unit->description);
        put_names(run, unit->related);
        for (size_t i = 0; i < unit->part_count && run->text.len < TEXT_BYTES_MAX; i++) {
            floe_buf_text(&run->text, i == 0 ? ": " : ", ");
            put_name(run, unit->parts[i].name, &run->text);
        }
    }
    FLOE_TRY(give(run, FLOE_LINK_FEATURE, part, err));
    FLOE_TRY(give_words(run, of_feature, part, unit->name, err));
    return feature ? give_words(run, of_feature, part, feature->name, err) : FLOE_OK;
}

floe_status floe_wording_each(const floe_unit *unit, floe_speller *speller, const floe_wording_sink *sink,
                              floe_error *err) {
    wording run = {.unit = unit, .speller = speller, .sink = sink};
    floe_buf_init(&run.text, FLOE_UNIT_BYTES_MAX);
    floe_buf_init(&run.names, NAMES_BYTES_MAX);
    bool is_table = unit->kind == FLOE_UNIT_TABLE;
    floe_status status = is_table ? give_table(&run, err) : give_feature(&run, SIZE_MAX, err);
    for (size_t i = 0; !floe_failed(status) && i < unit->part_count; i++) {
        status = is_table ? give_column(&run, i, err) : give_feature(&run, i, err);
    }
    floe_buf_close(&run.text);
    floe_buf_close(&run.names);
    floe_free(run.ends);
    return status;
}
