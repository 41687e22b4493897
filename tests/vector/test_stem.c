/*
 * The stemmer against the published sample vocabulary of the English (Porter2) algorithm at snowballstem.org, and against
 * the stems that the Snowball project's own library (PyPI snowballstemmer 2.2.0) gives.
 */
#include "tests/support/support.h"

#include "vector/words/text_int.h"

typedef struct example {
    const char *word;
    const char *stem;
} example;

static void check(const example *examples, size_t count) {
    char buf[FLOE_WORD_MAX + 1];
    for (size_t i = 0; i < count; i++) {
        floe_str stem = floe_word_stem(floe_str_of(examples[i].word), buf);
        if (!floe_str_is(stem, examples[i].stem)) {
            fail_msg("%s: %.*s, not %s", examples[i].word, FLOE_STR_ARG(stem), examples[i].stem);
        }
    }
}

static void stem__published_vocabulary__comes_out_as_published(void **state) {
    (void)state;
    static const example examples[] = {
        {"consign", "consign"},
        {"consigned", "consign"},
        {"consigning", "consign"},
        {"consignment", "consign"},
        {"consist", "consist"},
        {"consisted", "consist"},
        {"consistency", "consist"},
        {"consistent", "consist"},
        {"consistently", "consist"},
        {"consisting", "consist"},
        {"consists", "consist"},
        {"consolation", "consol"},
        {"consolations", "consol"},
        {"consolatory", "consolatori"},
        {"console", "consol"},
        {"consoled", "consol"},
        {"consoles", "consol"},
        {"consolidate", "consolid"},
        {"consolidated", "consolid"},
        {"consolidating", "consolid"},
        {"consoling", "consol"},
        {"consolingly", "consol"},
        {"consols", "consol"},
        {"consonant", "conson"},
        {"consort", "consort"},
        {"consorted", "consort"},
        {"consorting", "consort"},
        {"conspicuous", "conspicu"},
        {"conspicuously", "conspicu"},
        {"conspiracy", "conspiraci"},
        {"conspirator", "conspir"},
        {"conspirators", "conspir"},
        {"conspire", "conspir"},
        {"conspired", "conspir"},
        {"conspiring", "conspir"},
        {"constable", "constabl"},
        {"constables", "constabl"},
        {"constance", "constanc"},
        {"constancy", "constanc"},
        {"constant", "constant"},
        {"knack", "knack"},
        {"knackeries", "knackeri"},
        {"knacks", "knack"},
        {"knag", "knag"},
        {"knave", "knave"},
        {"knaves", "knave"},
        {"knavish", "knavish"},
        {"kneaded", "knead"},
        {"kneading", "knead"},
        {"knee", "knee"},
        {"kneel", "kneel"},
        {"kneeled", "kneel"},
        {"kneeling", "kneel"},
        {"kneels", "kneel"},
        {"knees", "knee"},
        {"knell", "knell"},
        {"knelt", "knelt"},
        {"knew", "knew"},
        {"knick", "knick"},
        {"knif", "knif"},
        {"knife", "knife"},
        {"knight", "knight"},
        {"knightly", "knight"},
        {"knights", "knight"},
        {"knit", "knit"},
        {"knits", "knit"},
        {"knitted", "knit"},
        {"knitting", "knit"},
        {"knives", "knive"},
        {"knob", "knob"},
        {"knobs", "knob"},
        {"knock", "knock"},
        {"knocked", "knock"},
        {"knocker", "knocker"},
        {"knockers", "knocker"},
        {"knocking", "knock"},
        {"knocks", "knock"},
        {"knopp", "knopp"},
        {"knot", "knot"},
        {"knots", "knot"},
    };
    check(examples, sizeof(examples) / sizeof(examples[0]));
}

/* Words of data, each rule of each step, and the exceptions. */
static void stem__words_of_each_rule__agree_with_snowball(void **state) {
    (void)state;
    static const example examples[] = {
        {"flights", "flight"},
        {"flight", "flight"},
        {"delays", "delay"},
        {"delayed", "delay"},
        {"delaying", "delay"},
        {"delay", "delay"},
        {"airports", "airport"},
        {"airport", "airport"},
        {"departures", "departur"},
        {"departing", "depart"},
        {"departed", "depart"},
        {"organization", "organ"},
        {"organizations", "organ"},
        {"organize", "organ"},
        {"university", "univers"},
        {"universities", "univers"},
        {"orders", "order"},
        {"ordering", "order"},
        {"ordered", "order"},
        {"customers", "custom"},
        {"customer", "custom"},
        {"products", "product"},
        {"production", "product"},
        {"productive", "product"},
        {"categories", "categori"},
        {"category", "categori"},
        {"countries", "countri"},
        {"country", "countri"},
        {"cities", "citi"},
        {"city", "citi"},
        {"salaries", "salari"},
        {"salary", "salari"},
        {"employees", "employe"},
        {"employee", "employe"},
        {"employed", "employ"},
        {"classes", "class"},
        {"class", "class"},
        {"addresses", "address"},
        {"address", "address"},
        {"statuses", "status"},
        {"status", "status"},
        {"analyses", "analys"},
        {"analysis", "analysi"},
        {"indices", "indic"},
        {"index", "index"},
        {"series", "seri"},
        {"species", "speci"},
        {"news", "news"},
        {"bias", "bias"},
        {"atlas", "atlas"},
        {"cosmos", "cosmos"},
        {"skis", "ski"},
        {"skies", "sky"},
        {"sky", "sky"},
        {"dying", "die"},
        {"lying", "lie"},
        {"tying", "tie"},
        {"ties", "tie"},
        {"tie", "tie"},
        {"cries", "cri"},
        {"died", "die"},
        {"dies", "die"},
        {"gently", "gentl"},
        {"singly", "singl"},
        {"early", "earli"},
        {"only", "onli"},
        {"ugly", "ugli"},
        {"idly", "idl"},
        {"inning", "inning"},
        {"outing", "outing"},
        {"herring", "herring"},
        {"canning", "canning"},
        {"proceed", "proceed"},
        {"exceed", "exceed"},
        {"succeed", "succeed"},
        {"succeeded", "succeed"},
        {"general", "general"},
        {"generally", "general"},
        {"generate", "generat"},
        {"generations", "generat"},
        {"generous", "generous"},
        {"communism", "communism"},
        {"community", "communiti"},
        {"communication", "communic"},
        {"arsenal", "arsenal"},
        {"arsenic", "arsenic"},
        {"hopping", "hop"},
        {"hoped", "hope"},
        {"hoping", "hope"},
        {"hop", "hop"},
        {"fitted", "fit"},
        {"fitting", "fit"},
        {"falling", "fall"},
        {"filled", "fill"},
        {"hissing", "hiss"},
        {"fizzed", "fizz"},
        {"failing", "fail"},
        {"rapid", "rapid"},
        {"relational", "relat"},
        {"conditional", "condit"},
        {"valency", "valenc"},
        {"hesitancy", "hesit"},
        {"digitizer", "digit"},
        {"conformably", "conform"},
        {"radically", "radic"},
        {"differently", "differ"},
        {"vilely", "vile"},
        {"analogously", "analog"},
        {"vietnamization", "vietnam"},
        {"predication", "predic"},
        {"operator", "oper"},
        {"feudalism", "feudal"},
        {"decisiveness", "decis"},
        {"hopefulness", "hope"},
        {"callousness", "callous"},
        {"formality", "formal"},
        {"sensitivity", "sensit"},
        {"sensibility", "sensibl"},
        {"triplicate", "triplic"},
        {"formative", "format"},
        {"formalize", "formal"},
        {"electricity", "electr"},
        {"electrical", "electr"},
        {"hopeful", "hope"},
        {"goodness", "good"},
        {"revival", "reviv"},
        {"allowance", "allow"},
        {"inference", "infer"},
        {"airliner", "airlin"},
        {"gyroscopic", "gyroscop"},
        {"adjustable", "adjust"},
        {"defensible", "defens"},
        {"irritant", "irrit"},
        {"replacement", "replac"},
        {"adjustment", "adjust"},
        {"dependent", "depend"},
        {"adoption", "adopt"},
        {"communal", "communal"},
        {"activate", "activ"},
        {"angularity", "angular"},
        {"homologous", "homolog"},
        {"effective", "effect"},
        {"bowdlerize", "bowdler"},
        {"probate", "probat"},
        {"rate", "rate"},
        {"cease", "ceas"},
        {"controller", "control"},
        {"roll", "roll"},
        {"yes", "yes"},
        {"youth", "youth"},
        {"boy", "boy"},
        {"boyish", "boyish"},
        {"say", "say"},
        {"by", "by"},
        {"enjoy", "enjoy"},
        {"toy", "toy"},
        {"yyy", "yyy"},
        {"sayyid", "sayyid"},
        {"bed", "bed"},
        {"shed", "shed"},
        {"shred", "shred"},
        {"embed", "emb"},
        {"beds", "bed"},
        {"misses", "miss"},
        {"gas", "gas"},
        {"gaps", "gap"},
        {"kiwis", "kiwi"},
        {"this", "this"},
        {"agreed", "agre"},
        {"feed", "feed"},
        {"bleed", "bleed"},
        {"luxuriated", "luxuri"},
        {"matting", "mat"},
        {"mating", "mate"},
        {"bees", "bee"},
        {"geology", "geolog"},
        {"fully", "fulli"},
        {"lessly", "lessli"},
        {"carelessly", "careless"},
        {"windows", "window"},
    };
    check(examples, sizeof(examples) / sizeof(examples[0]));
}

static void stem__words_not_of_letters_alone__stay(void **state) {
    (void)state;
    static const example examples[] = {
        {"", ""},
        {"7d", "7d"},
        {"1990s", "1990s"},
        {"as", "as"},
        {"is", "is"},
        {"ids2", "ids2"},
        {"\xd1\x84\xd1\x8bs", "\xd1\x84\xd1\x8bs"}, /* Cyrillic with a Latin s */
    };
    check(examples, sizeof(examples) / sizeof(examples[0]));
}

/* A stem must be stable enough to be looked up: same word, same stem; never empty; at most one letter longer. */
static void stem__random_words__stay_in_bounds(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    static const char *const ends[] = {"",        "s",       "ies", "ing", "edly", "eed", "ational",
                                       "fulness", "ization", "y",   "e",   "ll",   "ion", "bb"};
    for (int round = 0; round < 50000; round++) {
        char word[FLOE_WORD_MAX];
        char buf[FLOE_WORD_MAX + 1];
        const char *end = ends[floe_test_below(&rng, sizeof(ends) / sizeof(ends[0]))];
        size_t len = 1 + floe_test_below(&rng, FLOE_WORD_MAX - strlen(end) - 1);
        for (size_t i = 0; i < len; i++) {
            word[i] = "aeiouybcdlstnrgm"[floe_test_below(&rng, 16)];
        }
        memcpy(word + len, end, strlen(end));
        len += strlen(end);
        floe_str stem = floe_word_stem((floe_str){word, len}, buf);
        assert_true(stem.len > 0 && stem.len <= len + 1);
        for (size_t i = 0; i < stem.len; i++) {
            assert_true(stem.ptr[i] >= 'a' && stem.ptr[i] <= 'z');
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stem__published_vocabulary__comes_out_as_published),
        cmocka_unit_test(stem__words_of_each_rule__agree_with_snowball),
        cmocka_unit_test(stem__words_not_of_letters_alone__stay),
        cmocka_unit_test(stem__random_words__stay_in_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
