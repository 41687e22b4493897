/*
 * Splitting and folding. Each character is decoded, folded to what is kept of it (usually one lower-case letter) and given
 * a class; a word ends where the classes of two neighbours say so. Invariant: a word holds only folded characters, at
 * least one, at most FLOE_WORD_MAX bytes.
 * Source: the ranges are Unicode's blocks; the foldings of Latin letters are their canonical decompositions without the
 * mark, and the usual transcriptions for letters that have none (ß: ss, æ: ae, ø: o, ł: l).
 */
#include "vector/words/text_int.h"

typedef enum letter_class {
    CLASS_NONE,  /* separates */
    CLASS_SKIP,  /* a mark on the letter before it: neither kept nor separating */
    CLASS_LOWER, /* and letters without case */
    CLASS_UPPER,
    CLASS_DIGIT,
    CLASS_ALONE /* a word of its own */
} letter_class;

typedef struct letter {
    letter_class class;
    size_t source_len; /* bytes of the text */
    char text[4];      /* folded */
    size_t len;
} letter;

/* U+00C0 … U+017F. */
static const char latin[192][3] = {
    "a", "a", "a",  "a", "a", "a", "ae", "c",  "e", "e", "e",  "e",  "i", "i", "i",  "i",  "d", "n", "o",  "o",
    "o", "o", "o",  "",  "o", "u", "u",  "u",  "u", "y", "th", "ss", "a", "a", "a",  "a",  "a", "a", "ae", "c",
    "e", "e", "e",  "e", "i", "i", "i",  "i",  "d", "n", "o",  "o",  "o", "o", "o",  "",   "o", "u", "u",  "u",
    "u", "y", "th", "y", "a", "a", "a",  "a",  "a", "a", "c",  "c",  "c", "c", "c",  "c",  "c", "c", "d",  "d",
    "d", "d", "e",  "e", "e", "e", "e",  "e",  "e", "e", "e",  "e",  "g", "g", "g",  "g",  "g", "g", "g",  "g",
    "h", "h", "h",  "h", "i", "i", "i",  "i",  "i", "i", "i",  "i",  "i", "i", "ij", "ij", "j", "j", "k",  "k",
    "k", "l", "l",  "l", "l", "l", "l",  "l",  "l", "l", "l",  "n",  "n", "n", "n",  "n",  "n", "n", "n",  "n",
    "o", "o", "o",  "o", "o", "o", "oe", "oe", "r", "r", "r",  "r",  "r", "r", "s",  "s",  "s", "s", "s",  "s",
    "s", "s", "t",  "t", "t", "t", "t",  "t",  "u", "u", "u",  "u",  "u", "u", "u",  "u",  "u", "u", "u",  "u",
    "w", "w", "y",  "y", "y", "z", "z",  "z",  "z", "z", "z",  "s",
};

static uint32_t decode(floe_str text, size_t len) {
    const unsigned char *at = (const unsigned char *)text.ptr;
    static const unsigned char lead_mask[5] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t point = at[0] & lead_mask[len];
    for (size_t i = 1; i < len; i++) {
        point = (point << 6) | (at[i] & 0x3fU);
    }
    return point;
}

static size_t encode(uint32_t point, char text[4]) {
    if (point < 0x80) {
        text[0] = (char)point;
        return 1;
    }
    size_t len = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char lead[5] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        text[i] = (char)(0x80U | (point & 0x3fU));
        point >>= 6;
    }
    text[0] = (char)(lead[len] | point);
    return len;
}

static bool in_range(uint32_t point, uint32_t first, uint32_t last) {
    return point >= first && point <= last;
}

static bool latin_is_upper(uint32_t point) {
    if (point < 0x100) {
        return point < 0xdf;
    }
    bool odd_is_upper = in_range(point, 0x139, 0x148) || point >= 0x179;
    return point == 0x178 || (point != 0x17f && ((point & 1U) == 1) == odd_is_upper);
}

static inline bool is_small(char c) {
    return (unsigned)(unsigned char)c - 'a' < 26;
}

static inline letter_class class_of_ascii(uint32_t point) {
    return point - 'a' < 26   ? CLASS_LOWER
           : point - 'A' < 26 ? CLASS_UPPER
           : point - '0' < 10 ? CLASS_DIGIT
                              : CLASS_NONE;
}

/* Greek and Cyrillic: the lower-case letter; 0 when the point is not upper case there. */
static uint32_t lower_of(uint32_t point) {
    static const uint16_t accented_greek[] = {0x3ac, 0, 0x3ad, 0x3ae, 0x3af, 0, 0x3cc, 0, 0x3cd, 0x3ce};
    if ((in_range(point, 0x391, 0x3ab) && point != 0x3a2) || in_range(point, 0x410, 0x42f)) {
        return point + 0x20;
    }
    if (in_range(point, 0x386, 0x38f)) {
        return accented_greek[point - 0x386];
    }
    return in_range(point, 0x400, 0x40f) ? point + 0x50 : 0;
}

static letter_class class_of_other(uint32_t point) {
    static const uint32_t separators[][2] = {{0x80, 0xbf},     {0xd7, 0xd7},       {0xf7, 0xf7},       {0x2000, 0x2bff},
                                             {0x3000, 0x303f}, {0xd800, 0xf8ff},   {0xfe10, 0xfe6f},   {0xff00, 0xff65},
                                             {0xffe0, 0xffff}, {0x1f000, 0x1faff}, {0xe0000, 0x10ffff}};
    static const uint32_t alone[][2] = {{0x3040, 0x30ff}, {0x3400, 0x4dbf}, {0x4e00, 0x9fff},
                                        {0xac00, 0xd7a3}, {0xf900, 0xfaff}, {0x20000, 0x2fa1f}};
    for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++) {
        if (in_range(point, alone[i][0], alone[i][1])) {
            return CLASS_ALONE;
        }
    }
    for (size_t i = 0; i < sizeof(separators) / sizeof(separators[0]); i++) {
        if (in_range(point, separators[i][0], separators[i][1])) {
            return CLASS_NONE;
        }
    }
    return CLASS_LOWER;
}

static void fold(uint32_t point, letter *out) {
    if (in_range(point, 0xff01, 0xff5e)) { /* full-width ASCII */
        point -= 0xfee0;
    }
    if (point < 0x80) {
        out->class = class_of_ascii(point);
        out->len = encode(out->class == CLASS_UPPER ? point + 0x20 : point, out->text);
    } else if (in_range(point, 0x300, 0x36f)) {
        out->class = CLASS_SKIP;
    } else if (in_range(point, 0xc0, 0x17f) && latin[point - 0xc0][0] != '\0') {
        const char *folded = latin[point - 0xc0];
        out->class = latin_is_upper(point) ? CLASS_UPPER : CLASS_LOWER;
        out->len = strlen(folded);
        memcpy(out->text, folded, out->len);
    } else {
        uint32_t lower = lower_of(point);
        out->class = lower ? CLASS_UPPER : class_of_other(point);
        out->len = encode(lower ? lower : point == 0x3c2 ? 0x3c3 : point, out->text);
    }
}

/* The first letter of the text; bytes that are not UTF-8 separate, one at a time. An empty text: none, of no length. */
static letter wide_letter_at(floe_str text) {
    letter found = {.class = CLASS_NONE, .source_len = text.len > 0 ? 1 : 0};
    size_t len = floe_utf8_sequence(text);
    if (len > 0) {
        found.source_len = len;
        fold(decode(text, len), &found);
    }
    return found;
}

static inline letter letter_at(floe_str text) {
    if (text.len > 0 && (unsigned char)text.ptr[0] < 0x80) {
        letter found = {.class = class_of_ascii((unsigned char)text.ptr[0]), .source_len = 1, .len = 1};
        found.text[0] = (char)(text.ptr[0] | (found.class == CLASS_UPPER ? 0x20 : 0));
        return found;
    }
    return wide_letter_at(text);
}

static floe_str after(floe_str text, size_t len) {
    return (floe_str){text.ptr + len, text.len - len};
}

/* "'s" that ends a word, with either apostrophe; returns its length or 0. */
static size_t possessive(floe_str text) {
    static const char *const forms[] = {"'s", "\xe2\x80\x99s"};
    for (size_t i = 0; text.len > 0 && (text.ptr[0] == '\'' || text.ptr[0] == '\xe2') && i < 2; i++) {
        floe_str form = floe_str_of(forms[i]);
        if (floe_str_starts_with(text, form)) {
            letter_class next = letter_at(after(text, form.len)).class;
            return next == CLASS_NONE || next == CLASS_ALONE ? form.len : 0;
        }
    }
    return 0;
}

/* Whether the text, which begins after an upper-case letter, goes on as a word of its own: "erver" after the S of
 * HTTPServer, but not the plural s of IDs. */
static bool word_goes_on(floe_str rest) {
    letter next = letter_at(rest);
    if (next.class != CLASS_LOWER) {
        return false;
    }
    bool plural = next.len == 1 && next.text[0] == 's';
    return !plural || letter_at(after(rest, next.source_len)).class == CLASS_LOWER;
}

/* Whether a word ends between a letter of class `last` and `next`, which `rest` follows. */
static bool breaks(letter_class last, const letter *next, floe_str rest) {
    switch (next->class) {
    case CLASS_UPPER:
        return last == CLASS_LOWER || last == CLASS_DIGIT || (last == CLASS_UPPER && word_goes_on(rest));
    case CLASS_DIGIT:
        return last == CLASS_LOWER || last == CLASS_UPPER;
    case CLASS_LOWER:
    case CLASS_SKIP:
        return false;
    case CLASS_ALONE:
    case CLASS_NONE:
    default:
        return true;
    }
}

static void keep(floe_words *words, const letter *next) {
    if (next->class != CLASS_SKIP && words->len + next->len <= FLOE_WORD_MAX) {
        memcpy(words->word + words->len, next->text, next->len);
        words->len += next->len;
    }
}

/* Small ASCII letters after one: nothing breaks between them. */
static void keep_small(floe_words *words) {
    size_t len = 0;
    while (len < words->rest.len && is_small(words->rest.ptr[len])) {
        len++;
    }
    size_t room = FLOE_WORD_MAX - words->len;
    size_t kept = len < room ? len : room;
    if (kept > 0) {
        memcpy(words->word + words->len, words->rest.ptr, kept);
    }
    words->len += kept;
    words->rest = after(words->rest, len);
}

static bool begins_word(letter_class class) {
    return class != CLASS_NONE && class != CLASS_SKIP;
}

static inline bool is_plain_separator(char c) {
    return (unsigned char)c < 0x80 && class_of_ascii((unsigned char)c) == CLASS_NONE;
}

/* Takes the first letter of the next word, and small ASCII ones right behind it; returns the class of the last, or none at the end
 * of the text. */
static letter_class begin_word(floe_words *words) {
    while (words->rest.len > 0) {
        if (is_small(words->rest.ptr[0])) {
            keep_small(words);
            return CLASS_LOWER;
        }
        letter next = letter_at(words->rest);
        words->rest = after(words->rest, next.source_len);
        if (begins_word(next.class)) {
            keep(words, &next);
            return next.class;
        }
        while (words->rest.len > 0 && is_plain_separator(words->rest.ptr[0])) {
            words->rest = after(words->rest, 1);
        }
    }
    return CLASS_NONE;
}

/* Most words are small ASCII letters between separators: those end here, before anything is decoded. */
static void read_word(floe_words *words, letter_class last) {
    while (last != CLASS_ALONE && words->rest.len > 0 && !is_plain_separator(words->rest.ptr[0])) {
        letter next = letter_at(words->rest);
        if (breaks(last, &next, after(words->rest, next.source_len))) {
            return;
        }
        keep(words, &next);
        words->rest = after(words->rest, next.source_len);
        last = next.class == CLASS_SKIP ? last : next.class;
        if (last == CLASS_LOWER) {
            keep_small(words);
        }
    }
}

bool floe_words_next(floe_words *words, floe_str *ret_word) {
    words->len = 0;
    letter_class last = begin_word(words);
    if (last == CLASS_NONE) {
        return false;
    }
    read_word(words, last);
    words->rest = after(words->rest, possessive(words->rest));
    *ret_word = (floe_str){words->word, words->len};
    return true;
}
