/*
 * What a model's folder may say: the defaults, every key that changes something, and the refusal by name of what floe does
 * not compute.
 */
#include "core/file.h"
#include "core/limits.h"
#include "tests/vector/embed/tiny.h"
#include "vector/embed/model_int.h"

#include <stdio.h>
#include <unistd.h>

#define CONFIG                                                                                                         \
    "\"hidden_size\":12,\"num_hidden_layers\":2,\"num_attention_heads\":3,\"intermediate_size\":20,"                   \
    "\"vocab_size\":66,\"max_position_embeddings\":24,\"type_vocab_size\":2"

/* A folder with config.json, a vocabulary and (for this test it need be no more than there) weights. */
static const char *make_folder(const char *config) {
    const char *folder = floe_test_temp_dir();
    floe_tiny_write_file(folder, "config.json", floe_str_of(config));
    floe_tiny_write_file(folder, "vocab.txt", floe_str_of(floe_tiny_vocab));
    floe_tiny_write_file(folder, "model.safetensors", FLOE_STR("x"));
    return folder;
}

static void write_pooling(const char *folder, const char *name, const char *text) {
    char path[512];
    floe_error err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_ok(floe_file_mkdirs(path, &err), &err);
    (void)snprintf(path, sizeof(path), "%s/config.json", name);
    floe_tiny_write_file(folder, path, floe_str_of(text));
}

static floe_arena arena;

static floe_model read_ok(const char *folder) {
    floe_model model = {0};
    floe_error err = {0};
    floe_arena_close(&arena);
    floe_arena_init(&arena, FLOE_MIB(4));
    assert_ok(floe_model_read(folder, &arena, &model, &err), &err);
    return model;
}

static void check_refused(const char *folder, floe_code code, const char *why) {
    floe_model model = {0};
    floe_error err = {0};
    floe_arena_close(&arena);
    floe_arena_init(&arena, FLOE_MIB(4));
    assert_code(floe_model_read(folder, &arena, &model, &err), code);
    assert_message(&err, why);
}

static int close_arena(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static void model__bare_folder__has_the_usual_defaults(void **state) {
    (void)state;
    floe_model model = read_ok(make_folder("{" CONFIG "}"));
    assert_int_equal(model.bert.hidden, 12);
    assert_int_equal(model.bert.layers, 2);
    assert_int_equal(model.bert.heads, 3);
    assert_int_equal(model.bert.intermediate, 20);
    assert_int_equal(model.bert.vocab, 66);
    assert_int_equal(model.bert.positions, 24);
    assert_int_equal(model.bert.types, 2);
    assert_true(model.bert.epsilon == 1e-12f);
    assert_int_equal(model.bert.pooling, FLOE_POOLING_MEAN);
    assert_int_equal(model.token_max, 24);
    assert_true(model.tokenizer.lower_case && model.tokenizer.strip_accents && model.tokenizer.chinese_spaces);
    assert_int_equal(model.query_prefix.len, 0);
    assert_int_equal(model.document_prefix.len, 0);
}

static void model__name__is_the_folders(void **state) {
    (void)state;
    char path[512];
    const char *folder = make_folder("{" CONFIG "}");
    floe_model model = read_ok(folder);
    (void)snprintf(path, sizeof(path), "%.*s", FLOE_STR_ARG(model.name));
    assert_non_null(strstr(folder, path));
    assert_null(strchr(path, '/'));
}

static void model__config__is_checked(void **state) {
    (void)state;
    static const struct {
        const char *config;
        floe_code code;
        const char *why;
    } rows[] = {
        {"{", FLOE_INVALID, "config.json"},
        {"{}", FLOE_NOT_FOUND, "hidden_size"},
        {"{\"model_type\":\"xlm-roberta\"," CONFIG "}", FLOE_UNSUPPORTED, "xlm-roberta"},
        {"{\"model_type\":4," CONFIG "}", FLOE_INVALID, "model_type"},
        {"{\"layer_norm_eps\":\"1e-12\"," CONFIG "}", FLOE_INVALID, "layer_norm_eps"},
        {"{\"layer_norm_eps\":1," CONFIG "}", FLOE_INVALID, "layer_norm_eps"},
        {"{\"hidden_act\":\"gelu_new\"," CONFIG "}", FLOE_UNSUPPORTED, "gelu_new"},
        {"{\"position_embedding_type\":\"relative_key\"," CONFIG "}", FLOE_UNSUPPORTED, "relative_key"},
        {"{\"layer_norm_eps\":-1.5," CONFIG "}", FLOE_INVALID, "layer_norm_eps"},
        {"{\"hidden_size\":12,\"num_hidden_layers\":0}", FLOE_INVALID, "num_hidden_layers is 0"},
        {"{\"hidden_size\":1000000}", FLOE_INVALID, "hidden_size is 1000000"},
        {"{\"hidden_size\":-1}", FLOE_INVALID, "hidden_size is -1"},
        {"{\"hidden_size\":\"12\"}", FLOE_INVALID, "hidden_size"},
        {"{\"hidden_size\":13,\"num_hidden_layers\":2,\"num_attention_heads\":3,\"intermediate_size\":20,"
         "\"vocab_size\":66,\"max_position_embeddings\":24,\"type_vocab_size\":2}",
         FLOE_INVALID, "no multiple"},
        {"{\"hidden_size\":12,\"num_hidden_layers\":2,\"num_attention_heads\":3,\"intermediate_size\":20,"
         "\"vocab_size\":66,\"max_position_embeddings\":1,\"type_vocab_size\":2}",
         FLOE_INVALID, "max_position_embeddings"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_refused(make_folder(rows[i].config), rows[i].code, rows[i].why);
    }
}

static void model__missing_files__are_named(void **state) {
    (void)state;
    static const char *const names[] = {"config.json", "vocab.txt", "model.safetensors"};
    for (size_t i = 0; i < 3; i++) {
        char path[512];
        const char *folder = make_folder("{" CONFIG "}");
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        assert_int_equal(unlink(path), 0);
        check_refused(folder, FLOE_NOT_FOUND, i == 2 ? ".safetensors" : names[i]);
    }
}

static void model__weights_of_another_name__are_found_when_alone(void **state) {
    (void)state;
    char path[512];
    const char *folder = make_folder("{" CONFIG "}");
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    assert_int_equal(unlink(path), 0);
    floe_tiny_write_file(folder, "other.safetensors", FLOE_STR("x"));
    assert_non_null(strstr(read_ok(folder).weights_path, "/other.safetensors"));
    floe_tiny_write_file(folder, "more.safetensors", FLOE_STR("x"));
    check_refused(folder, FLOE_UNSUPPORTED, "2 .safetensors files");
}

/* One shard of several would pass for the whole, were it not for the index beside it; beside a whole file it is of no account. */
static void model__weights_in_shards__are_refused_by_name(void **state) {
    (void)state;
    char path[512];
    const char *folder = make_folder("{" CONFIG "}");
    floe_tiny_write_file(folder, "model.safetensors.index.json", FLOE_STR("{\"weight_map\":{}}"));
    assert_non_null(strstr(read_ok(folder).weights_path, "/model.safetensors"));
    (void)snprintf(path, sizeof(path), "%s/model.safetensors", folder);
    assert_int_equal(unlink(path), 0);
    for (int shards = 1; shards <= 2; shards++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "model-0000%d-of-00002.safetensors", shards);
        floe_tiny_write_file(folder, name, FLOE_STR("x"));
        check_refused(folder, FLOE_UNSUPPORTED, "shards");
    }
}

static void model__tokenizer_config__changes_the_tokenizer(void **state) {
    (void)state;
    const char *folder = make_folder("{" CONFIG "}");
    floe_tiny_write_file(folder, "tokenizer_config.json",
                         FLOE_STR("{\"do_lower_case\":false,\"strip_accents\":null,\"tokenize_chinese_chars\":false,"
                                  "\"model_max_length\":10,\"tokenizer_class\":\"BertTokenizerFast\"}"));
    floe_model model = read_ok(folder);
    assert_false(model.tokenizer.lower_case || model.tokenizer.strip_accents || model.tokenizer.chinese_spaces);
    assert_int_equal(model.token_max, 10);
    floe_tiny_write_file(folder, "tokenizer_config.json",
                         FLOE_STR("{\"do_lower_case\":false,\"strip_accents\":true,"
                                  "\"model_max_length\":1000000000000000019884624838656.0}"));
    model = read_ok(folder);
    assert_true(!model.tokenizer.lower_case && model.tokenizer.strip_accents);
    assert_int_equal(model.token_max, 24);
    floe_tiny_write_file(folder, "tokenizer_config.json", FLOE_STR("{\"do_basic_tokenize\":true}"));
    assert_true(read_ok(folder).tokenizer.lower_case);
    floe_tiny_write_file(folder, "tokenizer_config.json", FLOE_STR("{\"do_basic_tokenize\":false}"));
    check_refused(folder, FLOE_UNSUPPORTED, "do_basic_tokenize");
    floe_tiny_write_file(folder, "tokenizer_config.json", FLOE_STR("{\"tokenizer_class\":\"T5Tokenizer\"}"));
    check_refused(folder, FLOE_UNSUPPORTED, "T5Tokenizer");
}

/* Python writes int(1e30) so; a text that looks like it, escapes before it and numbers that fit stay as they are. */
static void model__numbers_beyond_any_integer__are_no_limit(void **state) {
    (void)state;
    static const struct {
        const char *config;
        size_t want;
    } rows[] = {
        {"{\"model_max_length\":1000000000000000019884624838656}", 24},
        {"{\"a\":[1000000000000000019884624838656,-1000000000000000019884624838656],\"model_max_length\":10}", 10},
        {"{\"a\\\"1000000000000000019884624838656\":\"\\\\\",\"model_max_length\":9}", 9},
        {"{\"model_max_length\":9223372036854775807}", 24},
        {"{\"model_max_length\":9223372036854775808}", 24},
        {"{\"model_max_length\":1.0000000000000000198846e30}", 24},
        {"{\"model_max_length\":\t8 }", 8},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *folder = make_folder("{" CONFIG "}");
        floe_tiny_write_file(folder, "tokenizer_config.json", floe_str_of(rows[i].config));
        assert_int_equal(read_ok(folder).token_max, rows[i].want);
    }
    static const char *const broken[] = {"{\"a", "{\"a\\", "\"", "{\"model_max_length\":100000000000000000000-}",
                                         "-",    ""};
    for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        const char *folder = make_folder("{" CONFIG "}");
        floe_tiny_write_file(folder, "tokenizer_config.json", floe_str_of(broken[i]));
        check_refused(folder, FLOE_INVALID, "tokenizer_config.json");
    }
}

static void model__sentence_config__sets_the_longest_text(void **state) {
    (void)state;
    const char *folder = make_folder("{" CONFIG "}");
    floe_tiny_write_file(folder, "tokenizer_config.json", FLOE_STR("{\"model_max_length\":8}"));
    floe_tiny_write_file(folder, "sentence_bert_config.json",
                         FLOE_STR("{\"max_seq_length\":16,\"do_lower_case\":false}"));
    assert_int_equal(read_ok(folder).token_max, 16);
    floe_tiny_write_file(folder, "sentence_bert_config.json", FLOE_STR("{\"max_seq_length\":1000}"));
    assert_int_equal(read_ok(folder).token_max, 24);
    floe_tiny_write_file(folder, "sentence_bert_config.json", FLOE_STR("{\"max_seq_length\":null}"));
    assert_int_equal(read_ok(folder).token_max, 8);
    floe_tiny_write_file(folder, "sentence_bert_config.json", FLOE_STR("{\"max_seq_length\":1}"));
    check_refused(folder, FLOE_INVALID, "max_seq_length is 1");
    floe_tiny_write_file(folder, "tokenizer_config.json", FLOE_STR("{\"do_lower_case\":false}"));
    floe_tiny_write_file(folder, "sentence_bert_config.json", FLOE_STR("{\"do_lower_case\":true}"));
    check_refused(folder, FLOE_UNSUPPORTED, "do_lower_case");
}

/* What tokenizer.json bakes in (128 tokens, padding) must have no effect. */
static void model__tokenizer_json__is_not_read(void **state) {
    (void)state;
    const char *folder = make_folder("{" CONFIG "}");
    floe_tiny_write_file(folder, "tokenizer.json", FLOE_STR("{\"truncation\":{\"max_length\":4}}"));
    assert_int_equal(read_ok(folder).token_max, 24);
}

static void model__pooling__is_read_where_modules_say(void **state) {
    (void)state;
    const char *folder = make_folder("{" CONFIG "}");
    write_pooling(folder, "1_Pooling", "{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":false}");
    assert_int_equal(read_ok(folder).bert.pooling, FLOE_POOLING_CLS);
    write_pooling(folder, "Other", "{\"pooling_mode_cls_token\":false,\"pooling_mode_mean_tokens\":true}");
    floe_tiny_write_file(folder, "modules.json",
                         FLOE_STR("[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
                                  "{\"path\":\"Other\",\"type\":\"sentence_transformers.models.Pooling\"},"
                                  "{\"path\":\"2_Normalize\",\"type\":\"sentence_transformers.models.Normalize\"}]"));
    assert_int_equal(read_ok(folder).bert.pooling, FLOE_POOLING_MEAN);
    assert_string_equal(floe_pooling_name(FLOE_POOLING_MEAN), "mean");
    assert_string_equal(floe_pooling_name(FLOE_POOLING_CLS), "cls");
}

/* Where modules.json says how texts are pooled, nothing is guessed; without it there is a usual way. */
static void model__pooling_that_modules_do_not_tell__is_refused(void **state) {
    (void)state;
    const char *folder = make_folder("{" CONFIG "}");
    assert_int_equal(read_ok(folder).bert.pooling, FLOE_POOLING_MEAN);
    floe_tiny_write_file(folder, "modules.json",
                         FLOE_STR("[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"},"
                                  "{\"path\":\"1_Pooling\",\"type\":\"sentence_transformers.models.Pooling\"}]"));
    check_refused(folder, FLOE_NOT_FOUND, "1_Pooling");
    write_pooling(folder, "1_Pooling", "{\"pooling_mode_cls_token\":true,\"pooling_mode_mean_tokens\":false}");
    assert_int_equal(read_ok(folder).bert.pooling, FLOE_POOLING_CLS);
    floe_tiny_write_file(folder, "modules.json",
                         FLOE_STR("[{\"path\":\"\",\"type\":\"sentence_transformers.models.Transformer\"}]"));
    check_refused(folder, FLOE_UNSUPPORTED, "no Pooling");
    floe_tiny_write_file(folder, "modules.json", FLOE_STR("[]"));
    check_refused(folder, FLOE_UNSUPPORTED, "no Pooling");
}

static void model__other_poolings__are_refused(void **state) {
    (void)state;
    static const struct {
        const char *config, *why;
    } rows[] = {
        {"{\"pooling_mode_mean_tokens\":false}", "exactly one"},
        {"{\"pooling_mode_mean_tokens\":true,\"pooling_mode_cls_token\":true}", "exactly one"},
        {"{\"pooling_mode_mean_tokens\":true,\"pooling_mode_max_tokens\":true}", "pooling_mode_max_tokens"},
        {"{\"pooling_mode_lasttoken\":true}", "pooling_mode_lasttoken"},
        {"{\"pooling_mode_mean_tokens\":true,\"include_prompt\":false}", "include_prompt"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *folder = make_folder("{" CONFIG "}");
        write_pooling(folder, "1_Pooling", rows[i].config);
        check_refused(folder, FLOE_UNSUPPORTED, rows[i].why);
    }
}

static void model__other_modules__are_refused(void **state) {
    (void)state;
    static const struct {
        const char *modules;
        floe_code code;
        const char *why;
    } rows[] = {
        {"{}", FLOE_INVALID, "no list"},
        {"[{\"path\":\"x\"}]", FLOE_NOT_FOUND, "type"},
        {"[{\"path\":\"2_Dense\",\"type\":\"sentence_transformers.models.Dense\"}]", FLOE_UNSUPPORTED, "Dense"},
        {"[{\"path\":\"0_T\",\"type\":\"sentence_transformers.models.Transformer\"}]", FLOE_UNSUPPORTED, "0_T"},
        {"[{\"path\":\"../../etc\",\"type\":\"sentence_transformers.models.Pooling\"}]", FLOE_INVALID,
         "no folder name"},
        {"[{\"path\":\"/etc\",\"type\":\"sentence_transformers.models.Pooling\"}]", FLOE_INVALID, "no folder name"},
        {"[{\"path\":\"..\",\"type\":\"sentence_transformers.models.Pooling\"}]", FLOE_INVALID, "no folder name"},
        {"[{\"path\":\"\",\"type\":\"sentence_transformers.models.Pooling\"}]", FLOE_INVALID, "no folder name"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *folder = make_folder("{" CONFIG "}");
        floe_tiny_write_file(folder, "modules.json", floe_str_of(rows[i].modules));
        check_refused(folder, rows[i].code, rows[i].why);
    }
}

static void check_prefixes(const char *config, const char *query, const char *document) {
    const char *folder = make_folder("{" CONFIG "}");
    floe_tiny_write_file(folder, "config_sentence_transformers.json", floe_str_of(config));
    floe_model model = read_ok(folder);
    assert_true(floe_str_is(model.query_prefix, query));
    assert_true(floe_str_is(model.document_prefix, document));
}

static void model__prompts__become_prefixes(void **state) {
    (void)state;
    check_prefixes("{}", "", "");
    check_prefixes("{\"prompts\":{}}", "", "");
    check_prefixes("{\"prompts\":{\"query\":\"q: \",\"passage\":\"p: \"}}", "q: ", "p: ");
    check_prefixes("{\"prompts\":{\"query\":\"q: \",\"document\":\"d: \"}}", "q: ", "d: ");
    check_prefixes("{\"prompts\":{\"query\":\"q: \"},\"default_prompt_name\":null}", "q: ", "");
    check_prefixes("{\"prompts\":{\"x\":\"x: \"},\"default_prompt_name\":\"x\"}", "x: ", "x: ");
    check_prefixes("{\"prompts\":{\"x\":\"x: \",\"query\":\"q: \"},\"default_prompt_name\":\"x\"}", "q: ", "x: ");
}

static floe_status read_once(void *context, floe_error *err) {
    FLOE_AUTO_ARENA once;
    floe_model model = {0};
    floe_arena_init(&once, FLOE_MIB(4));
    return floe_model_read(context, &once, &model, err);
}

static void model__every_allocation_may_fail(void **state) {
    (void)state;
    char folder[512];
    (void)snprintf(folder, sizeof(folder), "%s", make_folder("{" CONFIG "}"));
    floe_tiny_write_file(folder, "tokenizer_config.json", FLOE_STR("{\"do_lower_case\":true}"));
    floe_tiny_write_file(folder, "sentence_bert_config.json", FLOE_STR("{\"max_seq_length\":16}"));
    floe_tiny_write_file(folder, "config_sentence_transformers.json",
                         FLOE_STR("{\"prompts\":{\"x\":\"x: \"},\"default_prompt_name\":\"x\"}"));
    write_pooling(folder, "1_Pooling", "{\"pooling_mode_mean_tokens\":true}");
    assert_true(floe_test_alloc_sweep(read_once, folder) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(model__bare_folder__has_the_usual_defaults),
        cmocka_unit_test(model__name__is_the_folders),
        cmocka_unit_test(model__config__is_checked),
        cmocka_unit_test(model__missing_files__are_named),
        cmocka_unit_test(model__weights_of_another_name__are_found_when_alone),
        cmocka_unit_test(model__weights_in_shards__are_refused_by_name),
        cmocka_unit_test(model__tokenizer_config__changes_the_tokenizer),
        cmocka_unit_test(model__numbers_beyond_any_integer__are_no_limit),
        cmocka_unit_test(model__sentence_config__sets_the_longest_text),
        cmocka_unit_test(model__tokenizer_json__is_not_read),
        cmocka_unit_test(model__pooling__is_read_where_modules_say),
        cmocka_unit_test(model__pooling_that_modules_do_not_tell__is_refused),
        cmocka_unit_test(model__other_poolings__are_refused),
        cmocka_unit_test(model__other_modules__are_refused),
        cmocka_unit_test(model__prompts__become_prefixes),
        cmocka_unit_test(model__every_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, close_arena);
}
