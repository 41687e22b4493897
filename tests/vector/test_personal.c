/*
 * Personal data: rules of values by published examples, names, tags, and the detector's error on a labelled set.
 */
#include "tests/support/support.h"

#include "core/arena.h"
#include "core/file.h"
#include "core/limits.h"
#include "vector/personal/personal_int.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXT(literal)                                                                                                  \
    { (literal), sizeof(literal) - 1 }

typedef struct value_case {
    const char *value;
    floe_personal kind;
} value_case;

static void check_values(const value_case *cases, size_t count) {
    for (size_t i = 0; i < count; i++) {
        floe_personal kind = floe_personal_value(floe_str_of(cases[i].value));
        if (kind != cases[i].kind) {
            fail_msg("\"%s\" is %s, not %s", cases[i].value, floe_personal_name(kind),
                     floe_personal_name(cases[i].kind));
        }
    }
}
#define CHECK_VALUES(cases) check_values(cases, sizeof(cases) / sizeof((cases)[0]))

/* ---- values ---- */

static void value__email__anywhere_in_a_text(void **state) {
    (void)state;
    static const value_case cases[] = {
        {"ann@example.com", FLOE_PERSONAL_EMAIL},
        {"a.b+c_d%e-f'g@sub.example.co.uk", FLOE_PERSONAL_EMAIL},
        {"write to ann@example.com.", FLOE_PERSONAL_EMAIL},
        {"<ann@example.com>", FLOE_PERSONAL_EMAIL},
        {"mailto:ann@example.com", FLOE_PERSONAL_EMAIL},
        {"ann@example.com,bob@example.com", FLOE_PERSONAL_EMAIL},
        {"ANN@EXAMPLE.COM", FLOE_PERSONAL_EMAIL},
        {"ann@example", FLOE_PERSONAL_NO},
        {"ann@example.c", FLOE_PERSONAL_NO},
        {"ann@example.123", FLOE_PERSONAL_NO},
        {"ann@.example.com", FLOE_PERSONAL_NO},
        {"ann@example..com", FLOE_PERSONAL_NO},
        {"@example.com", FLOE_PERSONAL_NO},
        {"ann.@example.com", FLOE_PERSONAL_NO},
        {"ann @example.com", FLOE_PERSONAL_NO},
        {"react@18.2.0", FLOE_PERSONAL_NO},
        {"git@github.com:a/b.git", FLOE_PERSONAL_NO},
        {"clone git@github.com:a/b.git now", FLOE_PERSONAL_NO},
        /* A colon further on, or a path elsewhere, does not make an address one of a machine. */
        {"bob@example.com: 24/7", FLOE_PERSONAL_EMAIL},
        {"from ann@example.com (tel: 1/2)", FLOE_PERSONAL_EMAIL},
        {"ann@example.com; see http://a/b", FLOE_PERSONAL_EMAIL},
        {"ann@example.com:", FLOE_PERSONAL_EMAIL},
        {"<p>ann@example.com<br>", FLOE_PERSONAL_EMAIL},
        {"{\"to\":\"ann@example.com\\n\"}", FLOE_PERSONAL_EMAIL},
        {"https://example.org/@ann", FLOE_PERSONAL_NO},
        {"@", FLOE_PERSONAL_NO},
        {"a@", FLOE_PERSONAL_NO},
        {"", FLOE_PERSONAL_NO},
        {"   ", FLOE_PERSONAL_NO},
    };
    CHECK_VALUES(cases);
}

/* Numbers that the networks publish for tests. */
static void value__card__by_issuer_length_and_check_digit(void **state) {
    (void)state;
    static const value_case cases[] = {
        {"4111111111111111", FLOE_PERSONAL_CARD},    {"4111 1111 1111 1111", FLOE_PERSONAL_CARD},
        {"4111-1111-1111-1111", FLOE_PERSONAL_CARD}, {"5555555555554444", FLOE_PERSONAL_CARD},
        {"2223003122003222", FLOE_PERSONAL_CARD},    {"378282246310005", FLOE_PERSONAL_CARD},
        {"6011111111111117", FLOE_PERSONAL_CARD},    {"30569309025904", FLOE_PERSONAL_CARD},
        {"3530111333300000", FLOE_PERSONAL_CARD},    {"4222222222222", FLOE_PERSONAL_CARD},
        {"6200000000000005", FLOE_PERSONAL_CARD},    {"4111111111111112", FLOE_PERSONAL_NO},
        {"4111111111111", FLOE_PERSONAL_NO},         {"1111111111111117", FLOE_PERSONAL_NO},
        {"0000000000000000", FLOE_PERSONAL_NO},      {"4111111111111111a", FLOE_PERSONAL_NO},
        {"x 4111111111111111", FLOE_PERSONAL_NO},
    };
    CHECK_VALUES(cases);
}

static void value__phone__international_or_grouped_as_people_do(void **state) {
    (void)state;
    static const value_case cases[] = {
        {"+1 415 555 2671", FLOE_PERSONAL_PHONE},
        {"+14155552671", FLOE_PERSONAL_PHONE},
        {"+49 (30) 901820", FLOE_PERSONAL_PHONE},
        {"(415) 555-2671", FLOE_PERSONAL_PHONE},
        {"(415)555-2671", FLOE_PERSONAL_PHONE},
        {"415-555-2671", FLOE_PERSONAL_PHONE},
        {"415.555.2671", FLOE_PERSONAL_PHONE},
        {"1-800-555-0199", FLOE_PERSONAL_PHONE},
        {"020 7946 0958", FLOE_PERSONAL_PHONE},
        {"030 901820", FLOE_PERSONAL_PHONE},
        {"0221/221-0", FLOE_PERSONAL_NO}, /* too short to be told from other numbers */
        {"00491711234567", FLOE_PERSONAL_PHONE},
        {"+12345", FLOE_PERSONAL_NO},
        {"+1234567890123456", FLOE_PERSONAL_NO},
        {"4155552671", FLOE_PERSONAL_NO}, /* only digits: any number */
        {"123-456-7890", FLOE_PERSONAL_NO},
        {"415-155-2671", FLOE_PERSONAL_NO},
        {"2001-01-02", FLOE_PERSONAL_NO},
        {"01.02.2001", FLOE_PERSONAL_NO},
        {"01/02/2001", FLOE_PERSONAL_NO},
        {"192.168.10.1", FLOE_PERSONAL_NO},
        {"0-306-40615-2", FLOE_PERSONAL_NO},
        {"+21.5", FLOE_PERSONAL_NO},
        {"+", FLOE_PERSONAL_NO},
        {"4+155552671", FLOE_PERSONAL_NO},
        {"000 000 000", FLOE_PERSONAL_PHONE}, /* nothing tells that nobody has it */
    };
    CHECK_VALUES(cases);
}

/* Examples of the issuing authorities and of the standards; each with one character changed. */
static void value__national_id__by_shape_and_check_digits(void **state) {
    (void)state;
    static const char *const valid[] = {
        "078-05-1120",
        "219-09-9999",
        "AB123456C",
        "JG 10 37 59 A",
        "GB82WEST12345698765432",
        "DE89 3704 0044 0532 0130 00",
        "NO9386011117947",
        "FR1420041010050500013M02606",
        "86095742719",
        "47036892816",
        "65929970489",
        "57549285017",
        "12345678Z",
        "X1234567L",
        "255081416802538",
        "RSSMRA85T10A562S",
        "44051401458",
        "02070803628",
        "529.982.247-25",
        "11010519491231002X",
        "440524188001010014",
    };
    static const char *const invalid[] = {
        "000-05-1120",     "666-05-1120",     "900-05-1120",     "078-00-1120",        "078-05-0000",
        "078051120",       "QQ123456C",       "BG123456C",       "AB123456E",          "GB82WEST12345698765433",
        "DE8937040044053", "86095742710",     "06095742719",     "11111111119",        "12345678A",
        "X1234567A",       "255081416802539", "355081416802538", "RSSMRA85T10A562T",   "44051401459",
        "44051401358",     "529.982.247-24",  "111.111.111-11",  "110105194912310020", "11010519491331002X",
    };
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        if (!floe_is_national_id(floe_str_of(valid[i]))) {
            fail_msg("%s is not taken for a national id", valid[i]);
        }
    }
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        if (floe_is_national_id(floe_str_of(invalid[i]))) {
            fail_msg("%s is taken for a national id", invalid[i]);
        }
    }
}

/* ISO/IEC 7812-1: the example 4992 73 9871 6. Any single digit changed, and any two unequal neighbours exchanged but 09 and 90,
 * is found out. */
static void luhn__finds_every_single_error(void **state) {
    (void)state;
    char digits[] = "49927398716";
    size_t len = strlen(digits);
    assert_true(floe_is_luhn(digits, len));
    for (size_t i = 0; i < len; i++) {
        char right = digits[i];
        for (char c = '0'; c <= '9'; c++) {
            digits[i] = c;
            assert_int_equal(floe_is_luhn(digits, len), c == right);
        }
        digits[i] = right;
    }
    assert_false(floe_is_luhn("", 0));
}

/* ISO 7064's promise for the check digits used here: every single wrong digit is found out. */
static void national_id__with_any_one_digit_changed__is_none(void **state) {
    (void)state;
    static const char *const ids[] = {"DE89370400440532013000", "11010519491231002X", "86095742719", "52998224725"};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "%s", ids[i]);
        for (size_t j = 0; text[j] != '\0'; j++) {
            char right = text[j];
            for (char c = '0'; right >= '0' && right <= '9' && c <= '9'; c++) {
                text[j] = c;
                /* Another kind's rule may take the changed one: eleven digits are also a PESEL's. */
                bool other = strlen(text) == 11 && c != right;
                if (!other) {
                    assert_int_equal(floe_is_national_id(floe_str_of(text)), c == right);
                }
            }
            text[j] = right;
        }
    }
}

/* ---- check digits by their definitions ---- */

static char digit_of(uint64_t value) {
    return (char)('0' + value % 10);
}

static void random_digits(floe_test_rng *rng, char *text, size_t count) {
    for (size_t i = 0; i < count; i++) {
        text[i] = digit_of(floe_test_below(rng, 10));
    }
    text[count] = '\0';
}

/* How many of the hundred pairs of digits at `at` complete the number. */
static size_t completions(char *text, size_t at) {
    size_t count = 0;
    for (unsigned pair = 0; pair < 100; pair++) {
        text[at] = digit_of(pair / 10);
        text[at + 1] = digit_of(pair);
        count += floe_is_national_id(floe_str_of(text)) ? 1 : 0;
    }
    return count;
}

/* ISO 13616: the account, the country and two zeros as one decimal number, modulo 97, taken from 98. Of the check digits 02 to
 * 98 exactly one is right; 00, 01 and 99 would give the rests of 97, 98 and 02 once more (ISO 7064 forbids them). */
static void iban__by_long_division__is_the_one_that_is_taken(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 2000; round++) {
        char account[32];
        char number[64];
        char iban[64];
        unsigned rest = 0;
        random_digits(&rng, account, 18);
        (void)snprintf(number, sizeof(number), "%s131400", account); /* D is 13, E is 14 */
        for (size_t i = 0; number[i] != '\0'; i++) {
            rest = (rest * 10 + (unsigned)(number[i] - '0')) % 97;
        }
        (void)snprintf(iban, sizeof(iban), "DE%02u%s", 98 - rest, account);
        assert_true(floe_is_national_id(floe_str_of(iban)));
        char wrong[64];
        (void)snprintf(wrong, sizeof(wrong), "DE%02u%s", 2 + (98 - rest + 1 - 2) % 97, account);
        assert_false(floe_is_national_id(floe_str_of(wrong)));
    }
}

/* The CPF's two digits: weights 10 to 2 and 11 to 2, modulo 11. Written out as the sums they are. */
static void cpf__by_its_sums__is_taken(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 2000; round++) {
        char cpf[16];
        random_digits(&rng, cpf, 9);
        for (int digit = 0; digit < 2; digit++) {
            int sum = 0;
            for (int i = 0; i < 9 + digit; i++) {
                sum += (cpf[i] - '0') * (10 + digit - i);
            }
            cpf[9 + digit] = digit_of((uint64_t)(sum * 10 % 11 % 10));
            cpf[10 + digit] = '\0';
        }
        bool all_equal = strspn(cpf, (char[]){cpf[0], '\0'}) == 11;
        assert_int_equal(floe_is_national_id(floe_str_of(cpf)), !all_equal);
    }
}

/* 97 keys of a NIR, 23 letters of a DNI: of all endings one is right. */
static void nir_and_dni__of_all_endings__one_is_taken(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 300; round++) {
        char nir[48];
        random_digits(&rng, nir, 15);
        nir[0] = (char)('1' + floe_test_below(&rng, 2));
        memcpy(nir + 3, "07", 2);
        assert_int_equal(completions(nir, 13), 1);
        char dni[16];
        size_t taken = 0;
        random_digits(&rng, dni, 8);
        for (char letter = 'A'; letter <= 'Z'; letter++) {
            dni[8] = letter;
            dni[9] = '\0';
            taken += floe_is_national_id(floe_str_of(dni)) ? 1 : 0;
        }
        assert_int_equal(taken, 1);
    }
}

/* How rarely chance alone makes an id: of random eleven digits about one in ten passes for a PESEL's check digit times the one
 * in eight whose middle is a date (5 centuries of 12 months of a hundred, 31 of a hundred days: 0.6 * 0.31), one in a hundred is a
 * CPF, and few are a German number. Together below 4 %, so a column of such numbers is taken for ids by no chance. */
static void national_id__of_random_numbers__is_rare(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    size_t taken = 0;
    for (int round = 0; round < 100000; round++) {
        char text[16];
        random_digits(&rng, text, 11);
        taken += floe_is_national_id(floe_str_of(text)) ? 1 : 0;
    }
    assert_in_range(taken, 1000, 4000);
}

/* ---- anything ---- */

/* No value whatever reads outside of it or never ends. */
static void value__of_random_bytes__is_judged(void **state) {
    (void)state;
    static const char alphabet[] = "0123456789+-. ()/@AXabc:.\xC3\xA9";
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 200000; i++) {
        size_t len = floe_test_below(&rng, 24);
        char *bytes = malloc(len > 0 ? len : 1);
        assert_non_null(bytes);
        for (size_t j = 0; j < len; j++) {
            bytes[j] = alphabet[floe_test_below(&rng, sizeof(alphabet) - 1)];
        }
        floe_personal kind = floe_personal_value((floe_str){bytes, len});
        assert_in_range(kind, FLOE_PERSONAL_NO, FLOE_PERSONAL_COUNT - 1);
        (void)floe_personal_of_name((floe_str){bytes, len});
        free(bytes);
    }
}

/* ---- names ---- */

static void name__says_what_it_holds_and_properties_take_it_back(void **state) {
    (void)state;
    static const value_case cases[] = {
        {"email", FLOE_PERSONAL_EMAIL},
        {"EmailAddress", FLOE_PERSONAL_EMAIL},
        {"e_mail", FLOE_PERSONAL_EMAIL},
        {"billing_email", FLOE_PERSONAL_EMAIL},
        {"email_verified_at", FLOE_PERSONAL_NO},
        {"is_email", FLOE_PERSONAL_NO},
        {"email_hash", FLOE_PERSONAL_NO},
        {"mail", FLOE_PERSONAL_NO},
        {"customerPhone", FLOE_PERSONAL_PHONE},
        {"phone_model", FLOE_PERSONAL_NO},
        {"num_phones", FLOE_PERSONAL_NO},
        {"mobile", FLOE_PERSONAL_NO},
        {"mobile_number", FLOE_PERSONAL_PHONE},
        {"credit_card_number", FLOE_PERSONAL_CARD},
        {"card_type", FLOE_PERSONAL_NO},
        {"ssn", FLOE_PERSONAL_NATIONAL_ID},
        {"SocialSecurity", FLOE_PERSONAL_NATIONAL_ID},
        {"passport_number", FLOE_PERSONAL_NATIONAL_ID},
        {"passport_count", FLOE_PERSONAL_NO},
        {"national_team", FLOE_PERSONAL_NO},
        {"", FLOE_PERSONAL_NO},
        {"delay", FLOE_PERSONAL_NO},
        {"headphones", FLOE_PERSONAL_NO},
        {"hotel", FLOE_PERSONAL_NO},
        {"a_b_c_d_e_f_g_h_i_j_k_l_m_n_o_p_email", FLOE_PERSONAL_NO}, /* past the words that are read */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_personal kind = floe_personal_of_name(floe_str_of(cases[i].value));
        if (kind != cases[i].kind) {
            fail_msg("%s is %s", cases[i].value, floe_personal_name(kind));
        }
    }
}

/* ---- columns ---- */

static const floe_str emails[] = {TEXT("ann@example.com"), TEXT("bob@example.com")};
static const floe_str cities[] = {TEXT("Berlin"), TEXT("Paris")};

static void column__tag__decides_over_name_and_values(void **state) {
    (void)state;
    static const floe_str pii[] = {TEXT("finance"), TEXT("PII")};
    static const floe_str not_personal[] = {TEXT("not-personal")};
    static const floe_str both[] = {TEXT("not-personal"), TEXT("personal")};
    const struct {
        floe_personal_column column;
        floe_personal kind;
    } cases[] = {
        {{.name = TEXT("city"), .samples = cities, .sample_count = 2}, FLOE_PERSONAL_NO},
        {{.name = TEXT("city"), .tags = pii, .tag_count = 2, .samples = cities, .sample_count = 2},
         FLOE_PERSONAL_TAGGED},
        {{.name = TEXT("city"), .description = TEXT("where they live [personal]")}, FLOE_PERSONAL_TAGGED},
        {{.name = TEXT("city"), .description = TEXT("[gdpr, pii ] where they live")}, FLOE_PERSONAL_TAGGED},
        {{.name = TEXT("city"), .description = TEXT("a personal matter, [not closed, pii")}, FLOE_PERSONAL_NO},
        {{.name = TEXT("city"), .description = TEXT("personal, pii")}, FLOE_PERSONAL_NO},
        {{.name = TEXT("flag"), .type = TEXT("boolean"), .description = TEXT("[pii]")}, FLOE_PERSONAL_TAGGED},
        {{.name = TEXT("email"), .samples = emails, .sample_count = 2}, FLOE_PERSONAL_EMAIL},
        {{.name = TEXT("email"), .tags = not_personal, .tag_count = 1, .samples = emails, .sample_count = 2},
         FLOE_PERSONAL_NO},
        {{.name = TEXT("email"),
          .description = TEXT("of our shops [not-personal]"),
          .samples = emails,
          .sample_count = 2},
         FLOE_PERSONAL_NO},
        {{.name = TEXT("city"), .tags = both, .tag_count = 2}, FLOE_PERSONAL_TAGGED},
        {{.name = TEXT("email"), .samples = cities, .sample_count = 2}, FLOE_PERSONAL_NO},
        {{.name = TEXT("email"), .type = TEXT("boolean")}, FLOE_PERSONAL_NO},
        {{.name = TEXT("")}, FLOE_PERSONAL_NO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        floe_personal kind = floe_personal_judge(&cases[i].column);
        if (kind != cases[i].kind) {
            fail_msg("case %zu is %s, not %s", i, floe_personal_name(kind), floe_personal_name(cases[i].kind));
        }
        assert_int_equal(floe_column_is_personal(&cases[i].column), kind != FLOE_PERSONAL_NO);
    }
}

/* One value in five is enough for e-mail, and not one in six; of the other kinds it takes more than half. */
static void column__shares_of_values__are_as_stated(void **state) {
    (void)state;
    floe_str values[6];
    for (size_t i = 0; i < 6; i++) {
        values[i] = FLOE_STR("word");
    }
    floe_personal_column column = {.name = FLOE_STR("x"), .samples = values, .sample_count = 5};
    values[0] = FLOE_STR("ann@example.com");
    assert_int_equal(floe_personal_judge(&column), FLOE_PERSONAL_EMAIL);
    column.sample_count = 6;
    assert_int_equal(floe_personal_judge(&column), FLOE_PERSONAL_NO);
    values[5] = FLOE_STR(" "); /* an empty value is none */
    assert_int_equal(floe_personal_judge(&column), FLOE_PERSONAL_EMAIL);
    column.sample_count = 4;
    values[0] = values[1] = FLOE_STR("4111111111111111");
    assert_int_equal(floe_personal_judge(&column), FLOE_PERSONAL_NO);
    values[2] = FLOE_STR("5555555555554444");
    assert_int_equal(floe_personal_judge(&column), FLOE_PERSONAL_CARD);
}

/* ---- the labelled set ---- */

typedef struct figures {
    size_t rows, personal, missed, wrong, other_kind;
} figures;

static size_t split_samples(floe_str text, floe_arena *arena, floe_str **ret_samples) {
    floe_str *samples = floe_arena_alloc(arena, text.len + 1, sizeof(*samples));
    size_t count = 0;
    for (size_t at = 0; text.len > 0; text = (floe_str){text.ptr + at, text.len - at}) {
        const char *bar = memmem(text.ptr, text.len, " | ", 3);
        size_t len = bar ? (size_t)(bar - text.ptr) : text.len;
        samples[count++] = (floe_str){text.ptr, len};
        at = bar ? len + 3 : text.len;
    }
    *ret_samples = samples;
    return count;
}

static void judge_row(floe_str line, floe_arena *arena, figures *sum) {
    floe_str fields[5];
    floe_str rest = line;
    floe_str *samples = NULL;
    for (size_t i = 0; i < 5; i++) {
        fields[i] = FLOE_STR("");
        (void)floe_str_split(&rest, '\t', &fields[i]);
    }
    floe_personal_column column = {.name = fields[0], .type = fields[1], .description = fields[2]};
    column.sample_count = split_samples(fields[3], arena, &samples);
    column.samples = samples;
    floe_personal kind = floe_personal_judge(&column);
    bool is_personal = !floe_str_is(fields[4], "no");
    sum->rows++;
    sum->personal += is_personal ? 1 : 0;
    if (floe_str_is(fields[4], floe_personal_name(kind))) {
        return;
    }
    print_message("%.*s is judged %s\n", FLOE_STR_ARG(line), floe_personal_name(kind));
    sum->missed += is_personal && kind == FLOE_PERSONAL_NO ? 1 : 0;
    sum->wrong += !is_personal ? 1 : 0;
    sum->other_kind += is_personal && kind != FLOE_PERSONAL_NO ? 1 : 0;
}

/* The figures that docs/access.md states; they change together with it. */
#define ROWS 175
#define PERSONAL 78
#define MISSED 4
#define WRONG 1
#define OTHER_KIND 0

static void labelled_set__is_judged_with_the_stated_error(void **state) {
    (void)state;
    FLOE_AUTO_BUF text;
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    figures sum = {0};
    floe_buf_init(&text, FLOE_MIB(1));
    floe_arena_init(&arena, FLOE_MIB(16));
    const char *root = getenv("FLOE_ROOT");
    const char *path = floe_arena_printf(&arena, "%s/tests/vector/personal.tsv", root ? root : ".");
    assert_ok(floe_file_read(path, &text, &err), &err);
    floe_str rest = floe_buf_view(&text);
    floe_str line = {NULL, 0};
    while (floe_str_split(&rest, '\n', &line)) {
        if (line.len > 0 && line.ptr[0] != '#') {
            judge_row(line, &arena, &sum);
        }
    }
    print_message("%zu columns, %zu of them personal: %zu missed (%.1f %%), %zu of the others taken for personal "
                  "(%.1f %%), %zu found as another kind\n",
                  sum.rows, sum.personal, sum.missed, 100.0 * (double)sum.missed / (double)sum.personal, sum.wrong,
                  100.0 * (double)sum.wrong / (double)(sum.rows - sum.personal), sum.other_kind);
    assert_int_equal(sum.rows, ROWS);
    assert_int_equal(sum.personal, PERSONAL);
    assert_int_equal(sum.missed, MISSED);
    assert_int_equal(sum.wrong, WRONG);
    assert_int_equal(sum.other_kind, OTHER_KIND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(value__email__anywhere_in_a_text),
        cmocka_unit_test(value__card__by_issuer_length_and_check_digit),
        cmocka_unit_test(value__phone__international_or_grouped_as_people_do),
        cmocka_unit_test(value__national_id__by_shape_and_check_digits),
        cmocka_unit_test(luhn__finds_every_single_error),
        cmocka_unit_test(national_id__with_any_one_digit_changed__is_none),
        cmocka_unit_test(iban__by_long_division__is_the_one_that_is_taken),
        cmocka_unit_test(cpf__by_its_sums__is_taken),
        cmocka_unit_test(nir_and_dni__of_all_endings__one_is_taken),
        cmocka_unit_test(national_id__of_random_numbers__is_rare),
        cmocka_unit_test(value__of_random_bytes__is_judged),
        cmocka_unit_test(name__says_what_it_holds_and_properties_take_it_back),
        cmocka_unit_test(column__tag__decides_over_name_and_values),
        cmocka_unit_test(column__shares_of_values__are_as_stated),
        cmocka_unit_test(labelled_set__is_judged_with_the_stated_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
