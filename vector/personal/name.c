/*
 * What a column's name says about personal data.
 *
 * A name says it by a word or by a pair of neighbours ("social security"), and takes it back by a word that makes it a property
 * of the thing and no longer the thing: email_verified, phone_model, card_type, is_email, num_phones.
 */
#include "vector/personal/personal_int.h"

#include "vector/words/text_int.h"

#define WORDS_MAX 16

typedef struct name_rule {
    const char *first, *second; /* second NULL: the word alone */
    floe_personal kind;
} name_rule;

static const name_rule rules[] = {
    {"email", NULL, FLOE_PERSONAL_EMAIL},
    {"emails", NULL, FLOE_PERSONAL_EMAIL},
    {"e", "mail", FLOE_PERSONAL_EMAIL},
    {"mail", "address", FLOE_PERSONAL_EMAIL},
    {"phone", NULL, FLOE_PERSONAL_PHONE},
    {"phones", NULL, FLOE_PERSONAL_PHONE},
    {"telephone", NULL, FLOE_PERSONAL_PHONE},
    {"telefon", NULL, FLOE_PERSONAL_PHONE},
    {"telefono", NULL, FLOE_PERSONAL_PHONE},
    {"cellphone", NULL, FLOE_PERSONAL_PHONE},
    {"msisdn", NULL, FLOE_PERSONAL_PHONE},
    {"fax", NULL, FLOE_PERSONAL_PHONE},
    {"tel", NULL, FLOE_PERSONAL_PHONE},
    {"whatsapp", NULL, FLOE_PERSONAL_PHONE},
    {"mobile", "number", FLOE_PERSONAL_PHONE},
    {"mobile", "no", FLOE_PERSONAL_PHONE},
    {"cell", "number", FLOE_PERSONAL_PHONE},
    {"contact", "number", FLOE_PERSONAL_PHONE},
    {"card", "number", FLOE_PERSONAL_CARD},
    {"card", "no", FLOE_PERSONAL_CARD},
    {"card", "num", FLOE_PERSONAL_CARD},
    {"cc", "number", FLOE_PERSONAL_CARD},
    {"cc", "num", FLOE_PERSONAL_CARD},
    {"cc", "no", FLOE_PERSONAL_CARD},
    {"ssn", NULL, FLOE_PERSONAL_NATIONAL_ID},
    {"social", "security", FLOE_PERSONAL_NATIONAL_ID},
    {"national", "id", FLOE_PERSONAL_NATIONAL_ID},
    {"national", "insurance", FLOE_PERSONAL_NATIONAL_ID},
    {"identity", "card", FLOE_PERSONAL_NATIONAL_ID},
    {"passport", NULL, FLOE_PERSONAL_NATIONAL_ID},
    {"tax", "id", FLOE_PERSONAL_NATIONAL_ID},
    {"taxpayer", "id", FLOE_PERSONAL_NATIONAL_ID},
    {"license", "number", FLOE_PERSONAL_NATIONAL_ID},
    {"licence", "number", FLOE_PERSONAL_NATIONAL_ID},
    {"iban", NULL, FLOE_PERSONAL_NATIONAL_ID},
    {"nino", NULL, FLOE_PERSONAL_NATIONAL_ID},
    {"pesel", NULL, FLOE_PERSONAL_NATIONAL_ID},
    {"cpf", NULL, FLOE_PERSONAL_NATIONAL_ID},
    {"aadhaar", NULL, FLOE_PERSONAL_NATIONAL_ID},
    {"personnummer", NULL, FLOE_PERSONAL_NATIONAL_ID},
};

static const char *const properties[] = {
    "verified", "valid",   "sent",   "type",    "status",   "flag",     "at",      "date",   "opt",
    "template", "subject", "body",   "count",   "domain",   "provider", "model",   "brand",  "os",
    "carrier",  "plan",    "open",   "opens",   "opened",   "clicks",   "rate",    "total",  "length",
    "hash",     "calls",   "issued", "country", "campaign", "bounced",  "consent", "expiry", "id"};
/* Before the thing: a yes or no, or how many. */
static const char *const leads[] = {"is", "has", "num", "count", "total", "allow", "send", "use"};

typedef struct name_words {
    char text[WORDS_MAX][FLOE_WORD_MAX + 1];
    size_t count;
} name_words;

static void read_words(floe_str name, name_words *ret_words) {
    floe_words words = floe_words_of(name);
    floe_str word = {NULL, 0};
    ret_words->count = 0;
    while (ret_words->count < WORDS_MAX && floe_words_next(&words, &word)) {
        char *copy = ret_words->text[ret_words->count++];
        memcpy(copy, word.ptr, word.len);
        copy[word.len] = '\0';
    }
}

static bool is_among(const char *word, const char *const *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, list[i]) == 0) {
            return true;
        }
    }
    return false;
}

static const name_rule *rule_at(const name_words *words, size_t at) {
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        bool second =
            rules[i].second == NULL || (at + 1 < words->count && strcmp(words->text[at + 1], rules[i].second) == 0);
        if (strcmp(words->text[at], rules[i].first) == 0 && second) {
            return &rules[i];
        }
    }
    return NULL;
}

floe_personal floe_personal_of_name(floe_str name) {
    name_words words;
    read_words(name, &words);
    if (words.count > 0 && is_among(words.text[0], leads, sizeof(leads) / sizeof(leads[0]))) {
        return FLOE_PERSONAL_NO;
    }
    for (size_t i = 0; i < words.count; i++) {
        const name_rule *rule = rule_at(&words, i);
        if (!rule) {
            continue;
        }
        for (size_t j = i + (rule->second ? 2 : 1); j < words.count; j++) {
            if (is_among(words.text[j], properties, sizeof(properties) / sizeof(properties[0]))) {
                return FLOE_PERSONAL_NO;
            }
        }
        return rule->kind;
    }
    return FLOE_PERSONAL_NO;
}
