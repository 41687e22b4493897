/*
 * The stages of tokenizer_int.h, one function each, called character by character, so that a long text is read no further
 * than its ids are wanted. Invariant: `word` holds the characters since the last boundary, `marks` those combining marks
 * that later ones may still move before, in canonical order.
 */
#include "vector/embed/tokenizer_int.h"

#include "core/arena.h"
#include "core/limits.h"
#include "core/map.h"
#include "core/mem.h"
#include "vector/embed/unicode_int.h"

/* Marks beyond this many in a row make the word too long to be anything but [UNK], whatever their order. */
#define MARKS_MAX (FLOE_TOKENIZER_WORD_CHARS + 28)

enum { CLASS_WORD, CLASS_REMOVED, CLASS_SPACE, CLASS_PUNCTUATION };

static const char *const special_names[] = {"[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"};
enum { SPECIAL_UNK, SPECIAL_CLS, SPECIAL_SEP, SPECIAL_COUNT = 5, SPECIAL_NEEDED = 3 };

struct floe_tokenizer {
    floe_arena arena;
    floe_tokenizer_options options;
    floe_map whole;                 /* pieces that begin a word → id + 1 */
    floe_map rest;                  /* pieces that go on, without their "##" → id + 1 */
    size_t piece_max;               /* bytes of the longest piece */
    int32_t special[SPECIAL_COUNT]; /* id, or -1 */
    size_t vocab_count;
    uint8_t classes[128];
};

typedef struct encoder {
    const floe_tokenizer *tokenizer;
    int32_t *ids;
    size_t count, max; /* max: without [SEP] */
    char word[FLOE_TOKENIZER_WORD_CHARS * 4];
    size_t word_len;   /* bytes */
    size_t word_chars; /* may pass FLOE_TOKENIZER_WORD_CHARS: then `word` is not kept */
    floe_unicode_pair marks[MARKS_MAX];
    size_t mark_count;
} encoder;

/* ---- vocabulary ---- */

static int32_t id_of(const floe_map *map, floe_str piece) {
    return (int32_t)(uintptr_t)floe_map_get(map, piece) - 1;
}

static floe_status add_piece(floe_tokenizer *tokenizer, floe_str piece, floe_error *err) {
    bool goes_on = piece.len > 2 && floe_str_starts_with(piece, FLOE_STR("##"));
    floe_str key = goes_on ? (floe_str){piece.ptr + 2, piece.len - 2} : piece;
    size_t id = tokenizer->vocab_count++;
    void *earlier = floe_map_put(goes_on ? &tokenizer->rest : &tokenizer->whole, key, (void *)(uintptr_t)(id + 1));
    FLOE_ENSURE(earlier == NULL, err, FLOE_INVALID, "vocab.txt: the piece \"%.*s\" is in line %zu and in line %zu",
                FLOE_STR_BRIEF(piece), (size_t)(uintptr_t)earlier, id + 1);
    tokenizer->piece_max = key.len > tokenizer->piece_max ? key.len : tokenizer->piece_max;
    return FLOE_OK;
}

static floe_status read_vocab(floe_tokenizer *tokenizer, floe_str vocab, floe_error *err) {
    floe_str line;
    while (floe_str_split(&vocab, '\n', &line)) {
        if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
            line.len--;
        }
        if (line.len == 0 && vocab.len == 0) {
            break;
        }
        FLOE_TRY(add_piece(tokenizer, line, err));
    }
    FLOE_TRY(floe_arena_check(&tokenizer->arena, err));
    for (size_t i = 0; i < SPECIAL_COUNT; i++) {
        tokenizer->special[i] = id_of(&tokenizer->whole, floe_str_of(special_names[i]));
        FLOE_ENSURE(i >= SPECIAL_NEEDED || tokenizer->special[i] >= 0, err, FLOE_INVALID,
                    "vocab.txt has no line %s, which every BERT vocabulary has", special_names[i]);
    }
    return FLOE_OK;
}

static void classify_ascii(floe_tokenizer *tokenizer) {
    for (uint32_t code = 0; code < 128; code++) {
        uint8_t class = CLASS_WORD;
        if (floe_unicode_in(&floe_unicode_removed, code)) {
            class = CLASS_REMOVED;
        } else if (floe_unicode_in(&floe_unicode_space, code) || code == ' ') {
            class = CLASS_SPACE;
        } else if (floe_unicode_in(&floe_unicode_punctuation, code)) {
            class = CLASS_PUNCTUATION;
        }
        tokenizer->classes[code] = class;
    }
}

static floe_status fill(floe_tokenizer *tokenizer, floe_str vocab, floe_error *err) {
    floe_arena_init(&tokenizer->arena, 16 * vocab.len + 4 * FLOE_TOKENIZER_VOCAB_BYTES);
    floe_map_init(&tokenizer->whole, &tokenizer->arena);
    floe_map_init(&tokenizer->rest, &tokenizer->arena);
    classify_ascii(tokenizer);
    floe_str copy = floe_arena_str(&tokenizer->arena, vocab);
    FLOE_TRY(floe_arena_check(&tokenizer->arena, err));
    return read_vocab(tokenizer, copy, err);
}

floe_status floe_tokenizer_open(floe_str vocab, const floe_tokenizer_options *options, floe_tokenizer **ret_tokenizer,
                                floe_error *err) {
    FLOE_CLEANUP(floe_tokenizer_close) floe_tokenizer *tokenizer = NULL;
    FLOE_ENSURE(vocab.len <= FLOE_TOKENIZER_VOCAB_BYTES, err, FLOE_LIMIT, "vocab.txt has %zu bytes, at most %zu",
                vocab.len, FLOE_TOKENIZER_VOCAB_BYTES);
    FLOE_TRY(floe_alloc(1, sizeof(*tokenizer), &tokenizer, err));
    tokenizer->options = *options;
    FLOE_TRY(fill(tokenizer, vocab, err));
    *ret_tokenizer = tokenizer;
    tokenizer = NULL;
    return FLOE_OK;
}

void floe_tokenizer_close(floe_tokenizer **tokenizer) {
    if (*tokenizer != NULL) {
        floe_arena_close(&(*tokenizer)->arena);
        floe_free(*tokenizer);
        *tokenizer = NULL;
    }
}

size_t floe_tokenizer_vocab_count(const floe_tokenizer *tokenizer) {
    return tokenizer->vocab_count;
}

/* ---- pieces ---- */

static void put_id(encoder *to, int32_t id) {
    if (to->count < to->max) {
        to->ids[to->count++] = id;
    }
}

/* The longest piece that `rest` begins with, or -1. Cuts only between characters. */
static int32_t longest_piece(const floe_tokenizer *tokenizer, const floe_map *map, floe_str rest, size_t *ret_len) {
    size_t len = rest.len < tokenizer->piece_max ? rest.len : tokenizer->piece_max;
    for (; len > 0; len--) {
        if (len < rest.len && ((uint8_t)rest.ptr[len] & 0xC0u) == 0x80u) {
            continue;
        }
        int32_t id = id_of(map, (floe_str){rest.ptr, len});
        if (id >= 0) {
            *ret_len = len;
            return id;
        }
    }
    return -1;
}

static void end_word(encoder *to) {
    const floe_tokenizer *tokenizer = to->tokenizer;
    int32_t pieces[FLOE_TOKENIZER_WORD_CHARS];
    size_t count = 0;
    size_t at = 0;
    bool known = to->word_chars <= FLOE_TOKENIZER_WORD_CHARS;
    while (known && at < to->word_len) {
        size_t len = 0;
        floe_str rest = {to->word + at, to->word_len - at};
        pieces[count] = longest_piece(tokenizer, at == 0 ? &tokenizer->whole : &tokenizer->rest, rest, &len);
        known = pieces[count++] >= 0;
        at += len;
    }
    if (!known) {
        put_id(to, tokenizer->special[SPECIAL_UNK]);
    }
    for (size_t i = 0; known && i < count; i++) {
        put_id(to, pieces[i]);
    }
    to->word_len = 0;
    to->word_chars = 0;
}

/* ---- characters ---- */

static size_t put_utf8(uint32_t code, char *out) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(0x80u | (code & 0x3Fu));
        code >>= 6;
    }
    out[0] = (char)((len == 2 ? 0xC0u : len == 3 ? 0xE0u : 0xF0u) | code);
    return len;
}

static void add_to_word(encoder *to, uint32_t code) {
    to->word_chars++;
    if (to->word_chars <= FLOE_TOKENIZER_WORD_CHARS) {
        to->word_len += put_utf8(code, to->word + to->word_len);
    }
}

static void take_word_char(encoder *to, uint32_t code) {
    bool space = code < 128 ? to->tokenizer->classes[code] == CLASS_SPACE : floe_unicode_in(&floe_unicode_space, code);
    if (space) {
        end_word(to);
    } else if (floe_unicode_in(&floe_unicode_punctuation, code)) {
        end_word(to);
        add_to_word(to, code);
        end_word(to);
    } else {
        add_to_word(to, code);
    }
}

static void take_case(encoder *to, uint32_t code) {
    uint32_t parts[FLOE_UNICODE_PARTS_MAX] = {code};
    size_t count = to->tokenizer->options.lower_case ? floe_unicode_lower(code, parts) : 1;
    for (size_t i = 0; i < count; i++) {
        take_word_char(to, parts[i]);
    }
}

static void flush_marks(encoder *to) {
    for (size_t i = 0; i < to->mark_count; i++) {
        take_case(to, to->marks[i].code);
    }
    to->mark_count = 0;
}

/* Insertion keeps marks of one class in the order they came. */
static void add_mark(encoder *to, uint32_t code, uint32_t order) {
    if (to->mark_count == MARKS_MAX) {
        flush_marks(to);
    }
    size_t at = to->mark_count++;
    for (; at > 0 && to->marks[at - 1].value > order; at--) {
        to->marks[at] = to->marks[at - 1];
    }
    to->marks[at] = (floe_unicode_pair){code, order};
}

static void take_decomposed(encoder *to, uint32_t code) {
    if (code >= 128 && floe_unicode_in(&floe_unicode_stripped, code)) {
        if (floe_unicode_in(&floe_unicode_barrier, code)) {
            flush_marks(to);
        }
        return;
    }
    uint32_t order = code < 128 ? 0 : floe_unicode_order(code);
    if (order != 0) {
        add_mark(to, code, order);
        return;
    }
    flush_marks(to);
    take_case(to, code);
}

static void take_accented(encoder *to, uint32_t code) {
    uint32_t parts[FLOE_UNICODE_PARTS_MAX];
    if (!to->tokenizer->options.strip_accents) {
        take_case(to, code);
        return;
    }
    size_t count = floe_unicode_decompose(code, parts);
    for (size_t i = 0; i < count; i++) {
        take_decomposed(to, parts[i]);
    }
}

static void take_ascii(encoder *to, uint8_t code) {
    uint8_t class = to->tokenizer->classes[code];
    if (class == CLASS_REMOVED) {
        return;
    }
    flush_marks(to);
    if (class == CLASS_WORD) {
        bool upper = code >= 'A' && code <= 'Z' && to->tokenizer->options.lower_case;
        add_to_word(to, upper ? code + 32u : code);
    } else {
        take_word_char(to, code);
    }
}

static void take_other(encoder *to, uint32_t code) {
    if (floe_unicode_in(&floe_unicode_removed, code)) {
        return;
    }
    if (floe_unicode_in(&floe_unicode_space, code)) {
        take_ascii(to, ' ');
    } else if (to->tokenizer->options.chinese_spaces && floe_unicode_in(&floe_unicode_chinese, code)) {
        take_ascii(to, ' ');
        take_accented(to, code);
        take_ascii(to, ' ');
    } else {
        take_accented(to, code);
    }
}

/* ---- texts ---- */

static uint32_t decode(const char *text, size_t len) {
    const uint8_t *bytes = (const uint8_t *)text;
    uint32_t code = bytes[0] & (len == 2 ? 0x1Fu : len == 3 ? 0x0Fu : 0x07u);
    for (size_t i = 1; i < len; i++) {
        code = code << 6 | (bytes[i] & 0x3Fu);
    }
    return code;
}

/* Takes a special token that `rest` begins with; returns its length, or 0. */
static size_t take_special(encoder *to, floe_str rest) {
    for (size_t i = 0; i < SPECIAL_COUNT; i++) {
        floe_str name = floe_str_of(special_names[i]);
        if (to->tokenizer->special[i] >= 0 && floe_str_starts_with(rest, name)) {
            flush_marks(to);
            end_word(to);
            put_id(to, to->tokenizer->special[i]);
            return name.len;
        }
    }
    return 0;
}

/* Takes what `rest` begins with; returns its length in bytes. */
static size_t take_next(encoder *to, floe_str rest) {
    uint8_t first = (uint8_t)rest.ptr[0];
    size_t len = first == '[' ? take_special(to, rest) : 0;
    if (len > 0) {
        return len;
    }
    if (first < 128) {
        take_ascii(to, first);
        return 1;
    }
    len = floe_utf8_sequence(rest);
    if (len == 0) {
        return 1;
    }
    take_other(to, decode(rest.ptr, len));
    return len;
}

static void take_text(encoder *to, floe_str text) {
    while (text.len > 0 && to->count < to->max) {
        size_t len = take_next(to, text);
        text.ptr += len;
        text.len -= len;
    }
}

size_t floe_tokenizer_encode(const floe_tokenizer *tokenizer, floe_str prefix, floe_str text, int32_t *ret_ids,
                             size_t max) {
    FLOE_ASSERT(max >= 2);
    encoder to;
    to.tokenizer = tokenizer;
    to.ids = ret_ids;
    to.count = 0;
    to.max = max - 1;
    to.word_len = to.word_chars = to.mark_count = 0;
    put_id(&to, tokenizer->special[SPECIAL_CLS]);
    take_text(&to, prefix);
    take_text(&to, text);
    flush_marks(&to);
    end_word(&to);
    ret_ids[to.count++] = tokenizer->special[SPECIAL_SEP];
    return to.count;
}
