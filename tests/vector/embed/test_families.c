/*
 * Folders of the well-known BERT encoders, each with exactly the keys that its publisher's small files have (the values that
 * matter are as published; sizes are cut down so that the weights fit a test), and what floe makes of each: pooling, longest
 * text, tokenizer, prefixes, and the vector itself against the slow oracle of tiny.c. Source: the files of BAAI/bge-small-en,
 * intfloat/e5-small-v2, thenlper/gte-small, Snowflake/snowflake-arctic-embed-xs and avsolatorio/NoInstruct-small-Embedding,
 * and what sentence-transformers 5.4 saves.
 */
#include "core/file.h"
#include "tests/vector/embed/tiny.h"
#include "vector/embed/embed.h"

#include <stdio.h>

#define DIM 12

/* What transformers writes for a BertModel; the type of the weights and what only some have follow. */
#define BERT                                                                                                           \
    "{\"_name_or_path\":\"somewhere/else/\",\"architectures\":[\"BertModel\"],"                                        \
    "\"attention_probs_dropout_prob\":0.1,\"classifier_dropout\":null,\"hidden_act\":\"gelu\","                        \
    "\"hidden_dropout_prob\":0.1,\"hidden_size\":12,\"id2label\":{\"0\":\"LABEL_0\"},\"initializer_range\":0.02,"      \
    "\"intermediate_size\":20,\"label2id\":{\"LABEL_0\":0},\"layer_norm_eps\":1e-12,\"max_position_embeddings\":24,"   \
    "\"model_type\":\"bert\",\"num_attention_heads\":3,\"num_hidden_layers\":2,\"pad_token_id\":0,"                    \
    "\"position_embedding_type\":\"absolute\",\"transformers_version\":\"4.30.0\",\"type_vocab_size\":2,"              \
    "\"use_cache\":true,\"vocab_size\":66,"
#define TOKENIZER_4                                                                                                    \
    "{\"clean_up_tokenization_spaces\":true,\"cls_token\":\"[CLS]\",\"do_basic_tokenize\":true,\"do_lower_case\":"     \
    "true,"                                                                                                            \
    "\"mask_token\":\"[MASK]\",\"model_max_length\":512,\"never_split\":null,\"pad_token\":\"[PAD]\","                 \
    "\"sep_token\":\"[SEP]\",\"strip_accents\":null,\"tokenize_chinese_chars\":true,"                                  \
    "\"tokenizer_class\":\"BertTokenizer\",\"unk_token\":\"[UNK]\"}"
#define TOKENIZER_ADDED                                                                                                \
    "{\"added_tokens_decoder\":{\"0\":{\"content\":\"[PAD]\",\"lstrip\":false,\"normalized\":false,\"rstrip\":false,"  \
    "\"single_word\":false,\"special\":true}},\"additional_special_tokens\":[],\"clean_up_tokenization_spaces\":true," \
    "\"cls_token\":\"[CLS]\",\"do_lower_case\":true,\"mask_token\":\"[MASK]\","                                        \
    "\"model_max_length\":1000000000000000019884624838656,\"pad_token\":\"[PAD]\",\"sep_token\":\"[SEP]\","            \
    "\"strip_accents\":null,\"tokenize_chinese_chars\":true,\"tokenizer_class\":\"BertTokenizer\","                    \
    "\"unk_token\":\"[UNK]\"}"
#define MODULES                                                                                                        \
    "[{\"idx\":0,\"name\":\"0\",\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"                 \
    "{\"idx\":1,\"name\":\"1\",\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"},"             \
    "{\"idx\":2,\"name\":\"2\",\"path\":\"2_Normalize\",\"type\":\"sentence_transformers.models.Normalize\"}]"
#define MODULES_5                                                                                                      \
    "[{\"idx\":0,\"name\":\"0\",\"path\":\"\",\"type\":\"sentence_transformers.base.modules.transformer."              \
    "Transformer\"},"                                                                                                  \
    "{\"idx\":1,\"name\":\"1\",\"path\":\"1_Pooling\",\"type\":"                                                       \
    "\"sentence_transformers.sentence_transformer.modules.pooling.Pooling\"},"                                         \
    "{\"idx\":2,\"name\":\"2\",\"path\":\"2_Normalize\",\"type\":"                                                     \
    "\"sentence_transformers.sentence_transformer.modules.normalize.Normalize\"}]"
#define POOL_FOUR(cls, mean)                                                                                           \
    "{\"word_embedding_dimension\":12,\"pooling_mode_cls_token\":" cls ",\"pooling_mode_mean_tokens\":" mean           \
    ",\"pooling_mode_max_tokens\":false,\"pooling_mode_mean_sqrt_len_tokens\":false}"
#define POOL_SIX(cls, mean)                                                                                            \
    "{\"word_embedding_dimension\":12,\"pooling_mode_cls_token\":" cls ",\"pooling_mode_mean_tokens\":" mean           \
    ",\"pooling_mode_max_tokens\":false,\"pooling_mode_mean_sqrt_len_tokens\":false,"                                  \
    "\"pooling_mode_weightedmean_tokens\":false,\"pooling_mode_lasttoken\":false,\"include_prompt\":true}"
#define POOL_WORD(mode) "{\"embedding_dimension\":12,\"pooling_mode\":" mode ",\"include_prompt\":true}"

typedef struct published {
    const char *name, *config, *tokenizer, *sentence, *modules, *pooling, *prompts;
    const char *weights, *prefix; /* of the tensors' names */
    floe_pooling want;
    const char *query, *document;
} published;

#define NO_PROMPTS                                                                                                     \
    "{\"__version__\":{\"sentence_transformers\":\"2.2.2\",\"transformers\":\"4.28.1\",\"pytorch\":\"1.13.0\"}}"
#define ASK "Represent this sentence for searching relevant passages: "

static const published families[] = {
    {"bge-small-en-v1.5", BERT "\"torch_dtype\":\"float32\"}", TOKENIZER_4,
     "{\"max_seq_length\":512,\"do_lower_case\":true}", MODULES, POOL_FOUR("true", "false"), NO_PROMPTS, "F32", "",
     FLOE_POOLING_CLS, "", ""},
    {"e5-small-v2", BERT "\"torch_dtype\":\"float32\"}", TOKENIZER_4,
     "{\"max_seq_length\":512,\"do_lower_case\":false}", MODULES, POOL_FOUR("false", "true"), NULL, "F32", "",
     FLOE_POOLING_MEAN, "", ""},
    {"e5-small-v2 with the prompts of its page", BERT "\"torch_dtype\":\"float32\"}", TOKENIZER_4,
     "{\"max_seq_length\":512,\"do_lower_case\":false}", MODULES, POOL_FOUR("false", "true"),
     "{\"prompts\":{\"query\":\"query: \",\"passage\":\"passage: \"}}", "F32", "bert.", FLOE_POOLING_MEAN,
     "query: ", "passage: "},
    {"gte-small", BERT "\"torch_dtype\":\"float16\"}", TOKENIZER_4, "{\"max_seq_length\":512,\"do_lower_case\":false}",
     MODULES, POOL_FOUR("false", "true"), NULL, "F16", "", FLOE_POOLING_MEAN, "", ""},
    {"snowflake-arctic-embed-xs", BERT "\"torch_dtype\":\"float32\"}", TOKENIZER_ADDED,
     "{\"max_seq_length\":512,\"do_lower_case\":false}", MODULES, POOL_SIX("true", "false"),
     "{\"__version__\":{\"sentence_transformers\":\"2.7.0\"},\"prompts\":{\"query\":\"" ASK "\"},"
     "\"default_prompt_name\":null,\"similarity_fn_name\":\"cosine\"}",
     "F32", "", FLOE_POOLING_CLS, ASK, ""},
    {"saved by sentence-transformers 5.4",
     BERT "\"dtype\":\"bfloat16\",\"add_cross_attention\":false,\"is_decoder\":false}",
     "{\"backend\":\"tokenizers\",\"cls_token\":\"[CLS]\",\"do_lower_case\":true,\"is_local\":false,\"mask_token\":\"["
     "MASK]\","
     "\"model_max_length\":512,\"pad_token\":\"[PAD]\",\"sep_token\":\"[SEP]\",\"strip_accents\":null,"
     "\"tokenize_chinese_chars\":true,\"tokenizer_class\":\"BertTokenizer\",\"unk_token\":\"[UNK]\"}",
     "{\"transformer_task\":\"feature-extraction\",\"modality_config\":{\"text\":{\"method\":\"forward\","
     "\"method_output_name\":\"last_hidden_state\"}},\"module_output_name\":\"token_embeddings\"}",
     MODULES_5, POOL_WORD("\"cls\""),
     "{\"__version__\":{\"pytorch\":\"2.11.0\",\"sentence_transformers\":\"5.4.1\",\"transformers\":\"5.5.0\"},"
     "\"default_prompt_name\":null,\"model_type\":\"SentenceTransformer\",\"prompts\":{\"document\":\"\",\"query\":"
     "\"\"},"
     "\"similarity_fn_name\":\"cosine\"}",
     "BF16", "", FLOE_POOLING_CLS, "", ""},
};

/* ---- folders ---- */

static void write_if(const char *folder, const char *name, const char *text) {
    if (text != NULL) {
        floe_tiny_write_file(folder, name, floe_str_of(text));
    }
}

static void make_tiny(floe_tiny *tiny, floe_pooling pooling) {
    floe_test_rng rng = floe_test_rng_of(77);
    floe_bert_config config = {.hidden = DIM,
                               .layers = 2,
                               .heads = 3,
                               .intermediate = 20,
                               .vocab = FLOE_TINY_VOCAB_COUNT,
                               .positions = 24,
                               .types = 2,
                               .epsilon = 1e-12f,
                               .pooling = pooling};
    floe_tiny_init(tiny, &config, &rng);
}

static const char *make_folder(const published *family, const floe_tiny *tiny) {
    FLOE_AUTO_BUF weights;
    const char *folder = floe_test_temp_dir();
    floe_tiny_write(tiny, folder);
    floe_buf_init(&weights, FLOE_MIB(4));
    floe_tiny_print(tiny, family->weights, family->prefix, &weights);
    floe_tiny_write_file(folder, "model.safetensors", floe_buf_view(&weights));
    write_if(folder, "config.json", family->config);
    write_if(folder, "tokenizer_config.json", family->tokenizer);
    write_if(folder, "sentence_bert_config.json", family->sentence);
    write_if(folder, "modules.json", family->modules);
    write_if(folder, "1_Pooling/config.json", family->pooling);
    write_if(folder, "config_sentence_transformers.json", family->prompts);
    return folder;
}

/* ---- what is read ---- */

static void families__small_files__are_read_as_published(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        const published *family = &families[i];
        FLOE_AUTO_ARENA arena;
        floe_tiny tiny;
        floe_model model = {0};
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(4));
        make_tiny(&tiny, family->want);
        assert_ok(floe_model_read(make_folder(family, &tiny), &arena, &model, &err), &err);
        assert_int_equal(model.bert.pooling, family->want);
        assert_int_equal(model.bert.hidden, DIM);
        assert_true(model.bert.epsilon == 1e-12f);
        assert_int_equal(model.token_max, 24); /* 512 is more than these positions */
        assert_true(model.tokenizer.lower_case && model.tokenizer.strip_accents && model.tokenizer.chinese_spaces);
        assert_true(floe_str_is(model.query_prefix, family->query));
        assert_true(floe_str_is(model.document_prefix, family->document));
        floe_tiny_close(&tiny);
    }
}

/* ---- what is computed ---- */

/* Position in floe_tiny_vocab: [CLS] 2, [SEP] 3, a first letter 14 + its place, a further letter as said in test_local.c. */
static size_t tokens_of_letters(const char *word, int32_t *ids) {
    size_t len = 0;
    ids[len++] = 2;
    for (size_t i = 0; word[i] != '\0'; i++) {
        int32_t letter = word[i] - 'a';
        int32_t on = letter == 18 ? 7 : 40 + (letter > 18 ? letter - 1 : letter);
        ids[len++] = i == 0 ? 14 + letter : on;
    }
    ids[len++] = 3;
    return len;
}

/* Without a prefix the text is one word of letters that no longer piece covers. */
static void check_vector(floe_embedder *embedder, const floe_tiny *tiny, floe_embed_as as) {
    int32_t ids[24];
    float row[DIM];
    double want[DIM];
    floe_error err = {0};
    floe_str text = FLOE_STR("XyZZy");
    size_t len = tokens_of_letters("xyzzy", ids);
    assert_ok(floe_embedder_embed(embedder, as, &text, 1, row, &err), &err);
    floe_tiny_forward(tiny, ids, len, want);
    assert_true(floe_test_cosine(row, want, DIM) > 0.9999);
}

static void families__vectors__equal_the_oracle(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        const published *family = &families[i];
        floe_tiny tiny;
        floe_embedder *embedder = NULL;
        floe_error err = {0};
        make_tiny(&tiny, family->want);
        floe_embedder_options options = {
            .kind = FLOE_EMBEDDER_LOCAL, .model_dir = make_folder(family, &tiny), .thread_count = 1};
        assert_ok(floe_embedder_open(&options, &embedder, &err), &err);
        const floe_embedder_info *info = floe_embedder_describe(embedder);
        assert_int_equal(info->dim, DIM);
        assert_int_equal(info->is_alike, strcmp(family->query, family->document) == 0);
        if (family->query[0] == '\0') {
            check_vector(embedder, &tiny, FLOE_EMBED_QUERY);
        }
        if (family->document[0] == '\0') {
            check_vector(embedder, &tiny, FLOE_EMBED_DOCUMENT);
        }
        floe_embedder_close(&embedder);
        floe_tiny_close(&tiny);
    }
}

/* The vector of a question is that of prefix and question put together by hand, in a folder that has no prompts. */
static void families__prefixes__stand_before_the_text(void **state) {
    (void)state;
    const published *with = &families[2];
    published without = *with;
    floe_tiny tiny;
    floe_embedder *embedders[2] = {NULL, NULL};
    floe_error err = {0};
    without.prompts = NULL;
    make_tiny(&tiny, with->want);
    for (size_t i = 0; i < 2; i++) {
        floe_embedder_options options = {
            .kind = FLOE_EMBEDDER_LOCAL, .thread_count = 1, .model_dir = make_folder(i == 0 ? with : &without, &tiny)};
        assert_ok(floe_embedder_open(&options, &embedders[i], &err), &err);
    }
    static const struct {
        floe_embed_as as;
        const char *whole;
    } rows[] = {{FLOE_EMBED_QUERY, "query: delay"}, {FLOE_EMBED_DOCUMENT, "passage: delay"}};
    for (size_t i = 0; i < 2; i++) {
        float got[DIM];
        float want[DIM];
        floe_str text = FLOE_STR("delay");
        floe_str whole = floe_str_of(rows[i].whole);
        assert_ok(floe_embedder_embed(embedders[0], rows[i].as, &text, 1, got, &err), &err);
        assert_ok(floe_embedder_embed(embedders[1], rows[i].as, &whole, 1, want, &err), &err);
        assert_memory_equal(got, want, sizeof(got));
    }
    floe_embedder_close(&embedders[0]);
    floe_embedder_close(&embedders[1]);
    floe_tiny_close(&tiny);
}

/* ---- what is refused ---- */

static void check_refused(const published *family, floe_code code, const char *why) {
    FLOE_AUTO_ARENA arena;
    floe_tiny tiny;
    floe_model model = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(4));
    make_tiny(&tiny, family->want);
    assert_code(floe_model_read(make_folder(family, &tiny), &arena, &model, &err), code);
    assert_message(&err, why);
    floe_tiny_close(&tiny);
}

/* NoInstruct pools questions by their mean and documents by their first token; either alone would be another model. */
static void families__two_poolings__are_refused(void **state) {
    (void)state;
    published noinstruct = families[0];
    noinstruct.modules =
        "[{\"idx\":0,\"name\":\"0\",\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
        "{\"idx\":1,\"name\":\"1\",\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"},"
        "{\"idx\":2,\"name\":\"2\",\"path\":\"2_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}]";
    check_refused(&noinstruct, FLOE_UNSUPPORTED, "two poolings, 1_Pooling and 2_Pooling");
}

static void families__other_pooling_words__are_refused(void **state) {
    (void)state;
    static const char *const rows[][2] = {
        {POOL_WORD("\"max\""), "pooling_mode \"max\""},
        {POOL_WORD("\"\""), "pooling_mode \"\""},
        {POOL_WORD("[\"mean\",\"cls\"]"), "one word"},
        {POOL_WORD("null"), "one word"},
        {"{\"pooling_mode\":\"mean\",\"include_prompt\":false}", "include_prompt"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        published changed = families[5];
        changed.pooling = rows[i][0];
        check_refused(&changed, FLOE_UNSUPPORTED, rows[i][1]);
    }
}

/* The multilingual ones are no BERT: another tokenizer, other positions. */
static void families__xlm_roberta__is_refused_by_name(void **state) {
    (void)state;
    published e5 = families[1];
    e5.config = "{\"architectures\":[\"XLMRobertaModel\"],\"hidden_act\":\"gelu\",\"hidden_size\":12,\"model_type\":"
                "\"xlm-roberta\",\"position_embedding_type\":\"absolute\",\"type_vocab_size\":1,\"vocab_size\":250002}";
    check_refused(&e5, FLOE_UNSUPPORTED, "xlm-roberta");
    e5 = families[1];
    e5.tokenizer =
        "{\"tokenizer_class\":\"XLMRobertaTokenizer\"}"; /* multilingual-e5-small: a BERT with that tokenizer */
    check_refused(&e5, FLOE_UNSUPPORTED, "XLMRobertaTokenizer");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families__small_files__are_read_as_published),
        cmocka_unit_test(families__vectors__equal_the_oracle),
        cmocka_unit_test(families__prefixes__stand_before_the_text),
        cmocka_unit_test(families__two_poolings__are_refused),
        cmocka_unit_test(families__other_pooling_words__are_refused),
        cmocka_unit_test(families__xlm_roberta__is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
