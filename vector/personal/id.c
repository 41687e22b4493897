/*
 * National and bank identifiers, each by its shape and, where it has them, its check digits. What has no check digit must
 * come in its usual writing (a US number with its hyphens), or any number would do.
 *
 * Sources: US SSA, randomization rules; HMRC NIM39110; ISO 13616 and ISO 7064 (MOD 97-10, MOD 11,10, MOD 11-2); § 139b AO
 * with the BZSt's check digit; Spanish RD 1553/2005; INSEE, NIR; DM 23 December 1976 (codice fiscale); PESEL act annex;
 * Receita Federal, CPF; GB 11643-1999.
 */
#include "vector/personal/personal_int.h"

static unsigned at(const char *digits, size_t i) {
    return (unsigned)(digits[i] - '0');
}

static uint64_t number_of(const char *digits, size_t len) {
    uint64_t value = 0;
    for (size_t i = 0; i < len; i++) {
        value = value * 10 + at(digits, i);
    }
    return value;
}

static bool is_date(unsigned month, unsigned day) {
    return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static bool fits(const floe_compact *id, const char *shape) {
    return floe_has_shape((floe_str){id->text, id->len}, shape);
}

/* ---- by shape alone ---- */

static bool is_ssn(floe_str value) {
    if (!floe_has_shape(value, "999-99-9999")) {
        return false;
    }
    unsigned area = (unsigned)number_of(value.ptr, 3);
    return area != 0 && area != 666 && area < 900 && number_of(value.ptr + 4, 2) != 0 &&
           number_of(value.ptr + 7, 4) != 0;
}

static bool is_nino(const floe_compact *id) {
    static const char *const unused[] = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"};
    if (!fits(id, "AA999999A") || id->text[8] > 'D' || strchr("DFIQUV", id->text[0]) ||
        strchr("DFIOQUV", id->text[1])) {
        return false;
    }
    for (size_t i = 0; i < sizeof(unused) / sizeof(unused[0]); i++) {
        if (memcmp(id->text, unused[i], 2) == 0) {
            return false;
        }
    }
    return true;
}

/* ---- by check digits ---- */

/* ISO 7064 MOD 97-10 over the text with its first four characters at the end; letters count 10 to 35. */
static bool is_iban(const floe_compact *id) {
    unsigned rest = 0;
    if (id->len < 15 || id->len > 34 || !floe_has_shape((floe_str){id->text, 4}, "AA99")) {
        return false;
    }
    for (size_t i = 0; i < id->len; i++) {
        char c = id->text[(i + 4) % id->len];
        unsigned value = c >= 'A' ? (unsigned)(c - 'A') + 10 : (unsigned)(c - '0');
        rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % 97;
    }
    return rest == 1;
}

/* Of the first ten digits one comes twice or three times, and at least one not at all; ISO 7064 MOD 11,10. */
static bool is_steuer_id(const floe_compact *id) {
    unsigned counts[10] = {0};
    unsigned repeated = 0;
    unsigned product = 10;
    if (!fits(id, "99999999999") || id->text[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < 10; i++) {
        counts[at(id->text, i)]++;
        unsigned sum = (at(id->text, i) + product) % 10;
        product = (sum == 0 ? 10 : sum) * 2 % 11;
    }
    for (size_t i = 0; i < 10; i++) {
        repeated += counts[i] > 1 ? 1 : 0;
        if (counts[i] > 3) {
            return false;
        }
    }
    return repeated == 1 && (11 - product) % 10 == at(id->text, 10);
}

static bool is_dni(const floe_compact *id) {
    static const char letters[] = "TRWAGMYFPDXBNJZSQVHLCKE";
    bool foreign = fits(id, "A9999999A") && id->text[0] >= 'X' && id->text[0] <= 'Z';
    if (!foreign && !fits(id, "99999999A")) {
        return false;
    }
    uint64_t number =
        foreign ? (uint64_t)(id->text[0] - 'X') * 10000000 + number_of(id->text + 1, 7) : number_of(id->text, 8);
    return letters[number % 23] == id->text[8];
}

static bool is_nir(const floe_compact *id) {
    if (!fits(id, "999999999999999") || id->text[0] < '1' || id->text[0] > '2') {
        return false;
    }
    unsigned month = (unsigned)number_of(id->text + 3, 2);
    bool is_month = (month >= 1 && month <= 12) || (month >= 20 && month <= 42) || month >= 50;
    return is_month && 97 - number_of(id->text, 13) % 97 == number_of(id->text + 13, 2);
}

/* The check letter is a sum over the first fifteen, those at odd places counted by a table of their own. */
static bool is_codice_fiscale(const floe_compact *id) {
    static const unsigned odd[] = {1,  0,  5, 7, 9, 13, 15, 17, 19, 21, 2,  4,  18,
                                   20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23};
    unsigned sum = 0;
    if (!fits(id, "AAAAAA99A99A999A")) {
        return false;
    }
    for (size_t i = 0; i < 15; i++) {
        unsigned value = (unsigned)(id->text[i] >= 'A' ? id->text[i] - 'A' : id->text[i] - '0');
        sum += i % 2 == 0 ? odd[value] : value;
    }
    return (unsigned)(id->text[15] - 'A') == sum % 26 && strchr("ABCDEHLMPRST", id->text[8]) != NULL;
}

static bool is_pesel(const floe_compact *id) {
    static const unsigned weights[] = {1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1};
    unsigned sum = 0;
    if (!fits(id, "99999999999")) {
        return false;
    }
    for (size_t i = 0; i < 11; i++) {
        sum += weights[i] * at(id->text, i);
    }
    /* The century is added to the month. */
    return sum % 10 == 0 && is_date((unsigned)number_of(id->text + 2, 2) % 20, (unsigned)number_of(id->text + 4, 2));
}

static unsigned cpf_digit(const char *digits, size_t len) {
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum += at(digits, i) * (unsigned)(len + 1 - i);
    }
    return sum % 11 < 2 ? 0 : 11 - sum % 11;
}

static bool is_cpf(const floe_compact *id) {
    return fits(id, "99999999999") && strspn(id->text, (char[]){id->text[0], '\0'}) < 11 &&
           cpf_digit(id->text, 9) == at(id->text, 9) && cpf_digit(id->text, 10) == at(id->text, 10);
}

/* Six digits of a region, a birth date, three of a series; ISO 7064 MOD 11-2. */
static bool is_chinese(const floe_compact *id) {
    unsigned sum = 0;
    if (!fits(id, "99999999999999999X") || id->text[0] == '0') {
        return false;
    }
    for (size_t i = 0; i < 17; i++) {
        sum = (sum + at(id->text, i)) * 2 % 11;
    }
    unsigned check = (12 - sum) % 11;
    char wanted = check == 10 ? 'X' : (char)('0' + check);
    unsigned year = (unsigned)number_of(id->text + 6, 4);
    return id->text[17] == wanted && year >= 1800 && year < 2100 &&
           is_date((unsigned)number_of(id->text + 10, 2), (unsigned)number_of(id->text + 12, 2));
}

bool floe_is_national_id(floe_str value) {
    static bool (*const rules[])(const floe_compact *id) = {
        is_nino, is_iban, is_steuer_id, is_dni, is_nir, is_codice_fiscale, is_pesel, is_cpf, is_chinese};
    floe_compact id;
    if (is_ssn(value)) {
        return true;
    }
    bool is_text = floe_compact_read(value, &id);
    for (size_t i = 0; is_text && i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i](&id)) {
            return true;
        }
    }
    return false;
}
