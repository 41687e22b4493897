/*
 * Personal data in columns: tags, then values, then names.
 *
 * Rules: an e-mail address may stand anywhere in a value, and a fifth of the values is enough, because no other thing looks
 * like one. A card or a national id is the whole value and passes its check digits; a phone number is the whole value, and
 * either international or in one of the ways that people group one. Of these more than half of the values must be one; where
 * the name says what the column holds, one value that fits is enough, or, but for e-mail, numbers long enough for one.
 */
#include "vector/personal/personal_int.h"

#include "vector/words/text_int.h"

static const char *const kind_names[FLOE_PERSONAL_COUNT] = {
    [FLOE_PERSONAL_NO] = "no",       [FLOE_PERSONAL_TAGGED] = "tagged", [FLOE_PERSONAL_EMAIL] = "e-mail",
    [FLOE_PERSONAL_PHONE] = "phone", [FLOE_PERSONAL_CARD] = "card",     [FLOE_PERSONAL_NATIONAL_ID] = "national id"};

const char *floe_personal_name(floe_personal kind) {
    return kind_names[kind];
}

/* ---- e-mail ---- */

static bool is_local(char c) {
    return floe_is_letter(c) || floe_is_digit(c) || (c != '\0' && strchr("._%+-'", c) != NULL);
}

/* The domain that begins at `at`: labels between dots, the last of two letters or more. What follows it must end it. */
static bool has_domain(floe_str text, size_t at) {
    size_t label = 0;
    size_t letters = 0;
    size_t dots = 0;
    for (; at < text.len && (floe_is_letter(text.ptr[at]) || floe_is_digit(text.ptr[at]) || strchr(".-", text.ptr[at]));
         at++) {
        char c = text.ptr[at];
        bool ends = at + 1 == text.len || !(floe_is_letter(text.ptr[at + 1]) || floe_is_digit(text.ptr[at + 1]));
        if (c == '.' && ends) {
            break; /* the end of a sentence */
        }
        if (c == '.' && label == 0) {
            return false;
        }
        dots += c == '.' ? 1 : 0;
        label = c == '.' ? 0 : label + 1;
        letters = c == '.' ? 0 : letters + (floe_is_letter(c) ? 1 : 0);
    }
    bool ended = at == text.len || strchr(" \t\r\n,;:.<>()[]{}\"'`|?!*&\\", text.ptr[at]) != NULL;
    return dots > 0 && label >= 2 && letters == label && ended;
}

/* "git@github.com:a/b.git" is an address of a machine: a colon right behind the domain, and a path. */
static bool is_path(floe_str text, size_t at) {
    while (at < text.len &&
           (floe_is_letter(text.ptr[at]) || floe_is_digit(text.ptr[at]) || strchr(".-", text.ptr[at]))) {
        at++;
    }
    bool names = at + 1 < text.len && text.ptr[at] == ':' && text.ptr[at + 1] != ' ';
    const char *end = names ? memchr(text.ptr + at, ' ', text.len - at) : NULL;
    size_t len = names ? (end ? (size_t)(end - text.ptr) : text.len) - at : 0;
    return len > 0 && memchr(text.ptr + at, '/', len) != NULL;
}

static bool has_email(floe_str text) {
    for (size_t i = 1; i + 1 < text.len; i++) {
        bool local = is_local(text.ptr[i - 1]) && text.ptr[i - 1] != '.';
        if (text.ptr[i] == '@' && local && has_domain(text, i + 1) && !is_path(text, i + 1)) {
            return true;
        }
    }
    return false;
}

/* ---- cards ---- */

static unsigned leading(const char *digits, size_t len) {
    unsigned value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value * 10 + (unsigned)(digits[i] - '0');
    }
    return value;
}

/* Issuer numbers and lengths of the large networks. Source: ISO/IEC 7812-1, and the networks' published ranges. */
static bool is_issued(const char *digits, size_t len) {
    unsigned two = leading(digits, 2);
    unsigned four = leading(digits, 4);
    bool sixteen = len == 16;
    return (digits[0] == '4' && (len == 13 || sixteen || len == 19)) || (sixteen && two >= 51 && two <= 55) ||
           (sixteen && four >= 2221 && four <= 2720) || (len == 15 && (two == 34 || two == 37)) ||
           (len >= 16 && (four == 6011 || two == 65 || (four >= 6440 && four <= 6499))) ||
           (sixteen && four >= 3528 && four <= 3589) ||
           (len >= 14 && len <= 16 && (two == 36 || two == 38 || two == 39 || (four >= 3000 && four <= 3059))) ||
           (len >= 16 && two == 62);
}

static bool is_card(floe_str value) {
    floe_compact compact;
    return floe_compact_read(value, &compact) && compact.all_digits && compact.len >= 13 && compact.len <= 19 &&
           is_issued(compact.text, compact.len) && floe_is_luhn(compact.text, compact.len);
}

/* ---- phones ---- */

typedef struct grouping {
    size_t groups, digits, first, shortest; /* lengths in digits; `shortest` of the groups after the first */
    char first_digit;
    bool plus, brackets, dots_only, slash;
} grouping;

static void end_group(grouping *found, size_t len) {
    if (len == 0) {
        return;
    }
    if (found->groups++ == 0) {
        found->first = len;
    } else {
        found->shortest = len < found->shortest ? len : found->shortest;
    }
}

/* False for what has anything but digits and what people put between them. */
static bool read_groups(floe_str value, grouping *ret_found) {
    size_t len = 0;
    *ret_found = (grouping){.shortest = SIZE_MAX, .dots_only = true};
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (floe_is_digit(c)) {
            ret_found->first_digit = ret_found->digits++ == 0 ? c : ret_found->first_digit;
            len++;
            continue;
        }
        if (c == '+' ? i != 0 : c == '\0' || strchr(" -.()/", c) == NULL) {
            return false;
        }
        end_group(ret_found, len);
        len = 0;
        ret_found->plus = ret_found->plus || c == '+';
        ret_found->brackets = ret_found->brackets || c == '(';
        ret_found->slash = ret_found->slash || c == '/';
        ret_found->dots_only = ret_found->dots_only && c == '.';
    }
    end_group(ret_found, len);
    return ret_found->digits > 0;
}

/* North America: area and exchange begin with 2 to 9. */
static bool is_american(floe_str value) {
    static const char *const shapes[] = {"999-999-9999", "999.999.9999", "(999) 999-9999", "(999)999-9999"};
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        size_t area = shapes[i][0] == '(' ? 1 : 0;
        size_t exchange = i == 2 ? 6 : i == 3 ? 5 : 4;
        if (floe_has_shape(value, shapes[i]) && value.ptr[area] >= '2' && value.ptr[exchange] >= '2') {
            return true;
        }
    }
    return floe_has_shape(value, "1-999-999-9999") && value.ptr[2] >= '2' && value.ptr[6] >= '2';
}

/* A trunk or international 0 and groups: no date, whose parts are of two and four digits, and no book number. */
static bool is_grouped(const grouping *found) {
    bool split = found->groups >= 2 && found->first >= 3 && found->shortest >= 2 && !found->dots_only;
    bool one_figure = found->groups > 2 && found->shortest == 1;
    return found->first_digit == '0' && found->digits >= 8 && found->digits <= 12 && !one_figure &&
           (split || (found->groups >= 2 && found->slash && found->first >= 3));
}

/* Source: E.164: at most fifteen digits with the country's. */
static bool is_phone(floe_str value) {
    grouping found;
    if (is_american(value)) {
        return true;
    }
    if (!read_groups(value, &found)) {
        return false;
    }
    if (found.plus) {
        return found.digits >= 8 && found.digits <= 15;
    }
    bool prefixed = found.groups == 1 && found.digits >= 11 && found.digits <= 15 && value.len > 2 &&
                    value.ptr[0] == '0' && value.ptr[1] == '0' && value.ptr[2] != '0';
    return prefixed || is_grouped(&found);
}

/* Where the name says what it is: digits, as many as a number of anybody has, perhaps with letters among them. */
static bool may_be_number(floe_str value) {
    size_t digits = 0;
    size_t len = 0;
    for (size_t i = 0; i < value.len; i++) {
        digits += floe_is_digit(value.ptr[i]) ? 1 : 0;
        len += floe_is_digit(value.ptr[i]) || floe_is_letter(value.ptr[i]) ? 1 : 0;
    }
    return digits >= 6 && len <= FLOE_COMPACT_MAX && value.len <= 2 * len;
}

/* ---- one value ---- */

floe_personal floe_personal_value(floe_str value) {
    value = floe_str_trim(value);
    return value.len == 0               ? FLOE_PERSONAL_NO
           : has_email(value)           ? FLOE_PERSONAL_EMAIL
           : is_card(value)             ? FLOE_PERSONAL_CARD
           : floe_is_national_id(value) ? FLOE_PERSONAL_NATIONAL_ID
           : is_phone(value)            ? FLOE_PERSONAL_PHONE
                                        : FLOE_PERSONAL_NO;
}

/* ---- tags ---- */

typedef enum tagging { UNTAGGED, TAGGED_PERSONAL, TAGGED_NOT_PERSONAL } tagging;

static tagging tag_of(floe_str word) {
    word = floe_str_trim(word);
    if (floe_str_is_nocase(word, "personal") || floe_str_is_nocase(word, "pii")) {
        return TAGGED_PERSONAL;
    }
    return floe_str_is_nocase(word, "not-personal") || floe_str_is_nocase(word, "not-pii") ? TAGGED_NOT_PERSONAL
                                                                                           : UNTAGGED;
}

/* Words in square brackets, comma-separated: "[pii]", "[gdpr, personal]". */
static tagging tag_in(floe_str text) {
    floe_str part = {NULL, 0};
    tagging found = UNTAGGED;
    (void)floe_str_split(&text, '[', &part);
    while (text.len > 0 && floe_str_split(&text, '[', &part) && found != TAGGED_PERSONAL) {
        floe_str words = {NULL, 0};
        floe_str word = {NULL, 0};
        bool closed = memchr(part.ptr, ']', part.len) != NULL;
        (void)floe_str_split(&part, ']', &words);
        while (closed && floe_str_split(&words, ',', &word)) {
            tagging tag = tag_of(word);
            found = tag != UNTAGGED ? tag : found;
        }
    }
    return found;
}

/* Of two tags that contradict each other the one that protects counts. */
static tagging tagged(const floe_personal_column *column) {
    tagging found = tag_in(column->description);
    for (size_t i = 0; i < column->tag_count && found != TAGGED_PERSONAL; i++) {
        tagging tag = tag_of(column->tags[i]);
        found = tag != UNTAGGED ? tag : found;
    }
    return found;
}

/* ---- a column ---- */

/* Types whose values are no text and no number of a person. */
static bool is_other_type(floe_str type) {
    static const char *const types[] = {"bool",      "boolean",     "date",  "time",
                                        "timestamp", "timestamptz", "float", "double"};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (floe_str_is_nocase(type, types[i])) {
            return true;
        }
    }
    return false;
}

typedef struct tally {
    size_t values, of[FLOE_PERSONAL_COUNT], numbers;
} tally;

static tally count_values(const floe_personal_column *column) {
    tally counts = {0};
    for (size_t i = 0; i < column->sample_count; i++) {
        floe_str value = floe_str_trim(column->samples[i]);
        if (value.len > 0) {
            counts.values++;
            counts.of[floe_personal_value(value)]++;
            counts.numbers += may_be_number(value) ? 1 : 0;
        }
    }
    return counts;
}

static floe_personal judge_values(const tally *counts) {
    if (5 * counts->of[FLOE_PERSONAL_EMAIL] >= counts->values && counts->of[FLOE_PERSONAL_EMAIL] > 0) {
        return FLOE_PERSONAL_EMAIL;
    }
    for (int kind = FLOE_PERSONAL_PHONE; kind < FLOE_PERSONAL_COUNT; kind++) {
        if (2 * counts->of[kind] > counts->values) {
            return (floe_personal)kind;
        }
    }
    return FLOE_PERSONAL_NO;
}

floe_personal floe_personal_judge(const floe_personal_column *column) {
    tagging tag = tagged(column);
    if (tag != UNTAGGED) {
        return tag == TAGGED_PERSONAL ? FLOE_PERSONAL_TAGGED : FLOE_PERSONAL_NO;
    }
    if (is_other_type(column->type)) {
        return FLOE_PERSONAL_NO;
    }
    tally counts = count_values(column);
    floe_personal of_values = judge_values(&counts);
    floe_personal of_name = floe_personal_of_name(column->name);
    bool fits = counts.values == 0 || counts.of[of_name] > 0 ||
                (of_name > FLOE_PERSONAL_EMAIL && 2 * counts.numbers > counts.values);
    return of_values != FLOE_PERSONAL_NO ? of_values : fits ? of_name : FLOE_PERSONAL_NO;
}

bool floe_column_is_personal(const floe_personal_column *column) {
    return floe_personal_judge(column) != FLOE_PERSONAL_NO;
}

bool floe_column_may_show(const floe_personal_column *column, floe_str value) {
    return tagged(column) == TAGGED_NOT_PERSONAL || floe_personal_value(floe_str_trim(value)) == FLOE_PERSONAL_NO;
}
