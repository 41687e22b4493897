/*
 * The Porter2 stemmer for English, written from its published description.
 *
 * Phases: exceptions → mark consonant y as Y → regions R1 and R2 → steps 1a, 1b, 1c, 2, 3, 4, 5 → Y back to y.
 * R1 begins after the first non-vowel that follows a vowel, R2 likewise within R1; a suffix may be taken away only when
 * it lies in the region its step asks for. Invariant: a stem is never longer than its word plus one letter.
 */
#include "vector/words/text_int.h"

#include <string.h>

typedef struct stem {
    char *text;
    size_t len;
    size_t r1, r2; /* where the regions begin; len: empty */
} stem;

typedef struct rule {
    const char *suffix;
    const char *replacement;
} rule;

static bool is_vowel(char letter) {
    return letter != '\0' && strchr("aeiouy", letter) != NULL;
}

static bool ends(const stem *word, const char *suffix) {
    size_t len = strlen(suffix);
    return word->len >= len && memcmp(word->text + word->len - len, suffix, len) == 0;
}

/* Whether the suffix, which is there, lies in the region that begins at `region`. */
static bool within(const stem *word, const char *suffix, size_t region) {
    return word->len - strlen(suffix) >= region;
}

static void replace(stem *word, const char *suffix, const char *replacement) {
    size_t at = word->len - strlen(suffix);
    size_t len = strlen(replacement);
    memcpy(word->text + at, replacement, len);
    word->len = at + len;
}

static bool has_vowel(const stem *word, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (is_vowel(word->text[i])) {
            return true;
        }
    }
    return false;
}

/* Whether the first `len` letters end in a short syllable: non-vowel, vowel, non-vowel other than w, x, Y; or, as the
 * whole, a vowel and a non-vowel. */
static bool ends_short(const stem *word, size_t len) {
    const char *text = word->text;
    if (len == 2) {
        return is_vowel(text[0]) && !is_vowel(text[1]);
    }
    return len > 2 && !is_vowel(text[len - 1]) && strchr("wxY", text[len - 1]) == NULL && is_vowel(text[len - 2]) &&
           !is_vowel(text[len - 3]);
}

static size_t region_after(const stem *word, size_t from) {
    for (size_t i = from + 1; i < word->len; i++) {
        if (is_vowel(word->text[i - 1]) && !is_vowel(word->text[i])) {
            return i + 1;
        }
    }
    return word->len;
}

static void mark_regions(stem *word) {
    static const char *const prefixes[] = {"gener", "commun", "arsen"};
    word->r1 = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t len = strlen(prefixes[i]);
        if (word->len >= len && memcmp(word->text, prefixes[i], len) == 0) {
            word->r1 = len;
        }
    }
    word->r1 = word->r1 ? word->r1 : region_after(word, 0);
    word->r2 = region_after(word, word->r1);
}

/* A y that begins the word or follows a vowel is a consonant: Y. */
static void mark_consonant_y(stem *word) {
    for (size_t i = 0; i < word->len; i++) {
        if (word->text[i] == 'y' && (i == 0 || is_vowel(word->text[i - 1]))) {
            word->text[i] = 'Y';
        }
    }
}

static bool apply_exception(stem *word) {
    static const rule exceptions[] = {
        {"skis", "ski"},      {"skies", "sky"},    {"dying", "die"},   {"lying", "lie"},   {"tying", "tie"},
        {"idly", "idl"},      {"gently", "gentl"}, {"ugly", "ugli"},   {"early", "earli"}, {"only", "onli"},
        {"singly", "singl"},  {"sky", "sky"},      {"news", "news"},   {"howe", "howe"},   {"atlas", "atlas"},
        {"cosmos", "cosmos"}, {"bias", "bias"},    {"andes", "andes"},
    };
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        if (word->len == strlen(exceptions[i].suffix) && ends(word, exceptions[i].suffix)) {
            replace(word, exceptions[i].suffix, exceptions[i].replacement);
            return true;
        }
    }
    return false;
}

/* After step 1a these are left alone. */
static bool is_invariant(const stem *word) {
    static const char *const words[] = {"inning",  "outing",  "canning", "herring",
                                        "earring", "proceed", "exceed",  "succeed"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (word->len == strlen(words[i]) && ends(word, words[i])) {
            return true;
        }
    }
    return false;
}

static void step_1a(stem *word) {
    if (ends(word, "sses")) {
        word->len -= 2;
    } else if (ends(word, "ied") || ends(word, "ies")) {
        word->len -= word->len > 4 ? 2 : 1;
    } else if (ends(word, "s") && !ends(word, "us") && !ends(word, "ss") && has_vowel(word, word->len - 2)) {
        word->len -= 1;
    }
}

static bool ends_double(const stem *word) {
    char last = word->text[word->len - 1];
    return word->len > 1 && word->text[word->len - 2] == last && strchr("bdfgmnprt", last) != NULL;
}

static void step_1b(stem *word) {
    static const char *const suffixes[] = {"eedly", "ingly", "edly", "eed", "ing", "ed"};
    const char *found = NULL;
    for (size_t i = 0; i < 6 && !found; i++) {
        found = ends(word, suffixes[i]) ? suffixes[i] : NULL;
    }
    if (!found) {
        return;
    }
    if (strncmp(found, "eed", 3) == 0) {
        if (within(word, found, word->r1)) {
            replace(word, found, "ee");
        }
        return;
    }
    if (!has_vowel(word, word->len - strlen(found))) {
        return;
    }
    word->len -= strlen(found);
    if (ends(word, "at") || ends(word, "bl") || ends(word, "iz") ||
        (!ends_double(word) && word->r1 >= word->len && ends_short(word, word->len))) {
        word->text[word->len++] = 'e';
    } else if (ends_double(word)) {
        word->len--;
    }
}

static void step_1c(stem *word) {
    if (word->len > 2 && (ends(word, "y") || ends(word, "Y")) && !is_vowel(word->text[word->len - 2])) {
        word->text[word->len - 1] = 'i';
    }
}

static const rule *longest(const stem *word, const rule *rules, size_t count) {
    const rule *best = NULL;
    for (size_t i = 0; i < count; i++) {
        if (ends(word, rules[i].suffix) && (!best || strlen(rules[i].suffix) > strlen(best->suffix))) {
            best = &rules[i];
        }
    }
    return best;
}

/* The letter before the suffix, or NUL. */
static char before(const stem *word, const char *suffix) {
    size_t len = strlen(suffix);
    return word->len > len ? word->text[word->len - len - 1] : '\0';
}

static void step_2(stem *word) {
    static const rule rules[] = {
        {"tional", "tion"}, {"enci", "ence"},   {"anci", "ance"},   {"abli", "able"},   {"entli", "ent"},
        {"izer", "ize"},    {"ization", "ize"}, {"ational", "ate"}, {"ation", "ate"},   {"ator", "ate"},
        {"alism", "al"},    {"aliti", "al"},    {"alli", "al"},     {"fulness", "ful"}, {"ousli", "ous"},
        {"ousness", "ous"}, {"iveness", "ive"}, {"iviti", "ive"},   {"biliti", "ble"},  {"bli", "ble"},
        {"ogi", "og"},      {"fulli", "ful"},   {"lessli", "less"}, {"li", ""},
    };
    const rule *found = longest(word, rules, sizeof(rules) / sizeof(rules[0]));
    if (!found || !within(word, found->suffix, word->r1)) {
        return;
    }
    char letter = before(word, found->suffix);
    bool allowed = strcmp(found->suffix, "ogi") == 0  ? letter == 'l'
                   : strcmp(found->suffix, "li") == 0 ? letter != '\0' && strchr("cdeghkmnrt", letter) != NULL
                                                      : true;
    if (allowed) {
        replace(word, found->suffix, found->replacement);
    }
}

static void step_3(stem *word) {
    static const rule rules[] = {
        {"tional", "tion"}, {"ational", "ate"}, {"alize", "al"}, {"icate", "ic"}, {"iciti", "ic"},
        {"ical", "ic"},     {"ful", ""},        {"ness", ""},    {"ative", ""},
    };
    const rule *found = longest(word, rules, sizeof(rules) / sizeof(rules[0]));
    if (found && within(word, found->suffix, strcmp(found->suffix, "ative") == 0 ? word->r2 : word->r1)) {
        replace(word, found->suffix, found->replacement);
    }
}

static void step_4(stem *word) {
    static const rule rules[] = {
        {"al", ""},   {"ance", ""}, {"ence", ""},  {"er", ""},   {"ic", ""},  {"able", ""},
        {"ible", ""}, {"ant", ""},  {"ement", ""}, {"ment", ""}, {"ent", ""}, {"ism", ""},
        {"ate", ""},  {"iti", ""},  {"ous", ""},   {"ive", ""},  {"ize", ""}, {"ion", ""},
    };
    const rule *found = longest(word, rules, sizeof(rules) / sizeof(rules[0]));
    if (!found || !within(word, found->suffix, word->r2)) {
        return;
    }
    char letter = before(word, found->suffix);
    if (strcmp(found->suffix, "ion") != 0 || letter == 's' || letter == 't') {
        word->len -= strlen(found->suffix);
    }
}

static void step_5(stem *word) {
    if (ends(word, "e")) {
        if (within(word, "e", word->r2) || (within(word, "e", word->r1) && !ends_short(word, word->len - 1))) {
            word->len--;
        }
    } else if (ends(word, "ll") && within(word, "l", word->r2)) {
        word->len--;
    }
}

static void run_steps(stem *word) {
    mark_consonant_y(word);
    mark_regions(word);
    step_1a(word);
    if (!is_invariant(word)) {
        step_1b(word);
        step_1c(word);
        step_2(word);
        step_3(word);
        step_4(word);
        step_5(word);
    }
    for (size_t i = 0; i < word->len; i++) {
        word->text[i] = word->text[i] == 'Y' ? 'y' : word->text[i];
    }
}

floe_str floe_word_stem(floe_str word, char buf[FLOE_WORD_MAX + 1]) {
    FLOE_ASSERT(word.len <= FLOE_WORD_MAX);
    for (size_t i = 0; i < word.len; i++) {
        if (word.ptr[i] < 'a' || word.ptr[i] > 'z') {
            return word;
        }
    }
    if (word.len <= 2) {
        return word;
    }
    memcpy(buf, word.ptr, word.len);
    stem state = {.text = buf, .len = word.len};
    if (!apply_exception(&state)) {
        run_steps(&state);
    }
    return (floe_str){buf, state.len};
}
