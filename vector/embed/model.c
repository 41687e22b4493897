/*
 * Reads the small files of a model's folder. Each file has one function; a missing optional file gives NULL and leaves the
 * defaults as they are.
 */
#include "vector/embed/model_int.h"

#include "core/file.h"
#include "core/json.h"

#define CONFIG_BYTES FLOE_MIB(16)

/* Beyond any BERT there is; they keep sizes far from overflow. */
#define HIDDEN_MAX 8192
#define LAYERS_MAX 128
#define POSITIONS_MAX 65536
#define VOCAB_MAX 4194304

const char *floe_pooling_name(floe_pooling pooling) {
    return pooling == FLOE_POOLING_CLS ? "cls" : "mean";
}

/* The length of the next piece: a string, a number, or one other byte. An unfinished string goes to the end. */
static size_t json_piece(const char *text, size_t len) {
    size_t at = 0;
    if (text[0] == '"') {
        for (at = 1; at < len && text[at] != '"'; at++) {
            at += text[at] == '\\' ? 1 : 0;
        }
        return at < len ? at + 1 : len;
    }
    while (at < len && text[at] != '\0' && strchr("+-.0123456789eE", text[at]) != NULL) {
        at++;
    }
    return at > 0 ? at : 1;
}

/* "No limit" is written as 1000000000000000019884624838656, an integer beyond any: such a number becomes a real one. */
static void copy_json(floe_str text, floe_buf *out) {
    for (size_t at = 0; at < text.len;) {
        floe_str piece = {text.ptr + at, json_piece(text.ptr + at, text.len - at)};
        floe_buf_str(out, piece);
        size_t digits = piece.ptr[0] == '-' ? 1 : 0;
        while (digits < piece.len && piece.ptr[digits] >= '0' && piece.ptr[digits] <= '9') {
            digits++;
        }
        if (digits == piece.len && piece.len >= 19) {
            floe_buf_text(out, ".0");
        }
        at += piece.len;
    }
}

/* *ret_root: NULL when the file is missing. */
static floe_status read_json(floe_arena *arena, const char *path, const floe_node **ret_root, floe_error *err) {
    FLOE_AUTO_BUF text;
    FLOE_AUTO_BUF copied;
    floe_buf_init(&text, CONFIG_BYTES);
    floe_buf_init(&copied, 2 * CONFIG_BYTES);
    *ret_root = NULL;
    if (path != NULL && !floe_file_exists(path)) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_TRY(floe_file_read(path, &text, err));
    copy_json(floe_buf_view(&text), &copied);
    FLOE_TRY(floe_buf_check(&copied, err));
    floe_str copy = floe_arena_str(arena, floe_buf_view(&copied));
    FLOE_TRY(floe_arena_check(arena, err));
    return floe_error_prefix(err, floe_json_parse(arena, copy, ret_root, err), "%s", path);
}

static const char *path_in(floe_arena *arena, const char *folder, const char *name) {
    return floe_path_join(arena, folder, name);
}

/* ---- config.json ---- */

static floe_status need_count(const floe_node *root, const char *key, int64_t max, size_t *ret_count, floe_error *err) {
    int64_t value = 0;
    FLOE_TRY(floe_node_need_i64(root, key, "config.json", &value, err));
    FLOE_ENSURE(value >= 1 && value <= max, err, FLOE_INVALID, "config.json: %s is %lld; 1 to %lld are supported", key,
                (long long)value, (long long)max);
    *ret_count = (size_t)value;
    return FLOE_OK;
}

static floe_status need_word(const floe_node *root, const char *key, const char *want, floe_error *err) {
    floe_str word = floe_str_of(want);
    FLOE_TRY(floe_node_opt_str(root, key, "config.json", &word, err));
    FLOE_ENSURE(floe_str_is(word, want), err, FLOE_UNSUPPORTED, "config.json: %s is \"%.*s\"; only \"%s\" is supported",
                key, FLOE_STR_BRIEF(word), want);
    return FLOE_OK;
}

static floe_status read_epsilon(const floe_node *root, float *ret_epsilon, floe_error *err) {
    const floe_node *node = floe_node_get(root, "layer_norm_eps");
    bool is_there = node != NULL && node->kind != FLOE_NODE_NULL;
    FLOE_ENSURE(!is_there || node->kind == FLOE_NODE_REAL, err, FLOE_INVALID,
                "config.json: layer_norm_eps must be a number between 0 and 1, not %s",
                floe_node_kind_name(node->kind));
    *ret_epsilon = is_there ? (float)node->as.real : 1e-12f;
    return FLOE_OK;
}

static floe_status read_config(const floe_node *root, floe_bert_config *ret_config, floe_error *err) {
    floe_bert_config config = {.types = 2};
    FLOE_TRY(read_epsilon(root, &config.epsilon, err));
    FLOE_TRY(need_word(root, "model_type", "bert", err));
    FLOE_TRY(need_word(root, "hidden_act", "gelu", err));
    FLOE_TRY(need_word(root, "position_embedding_type", "absolute", err));
    FLOE_TRY(need_count(root, "hidden_size", HIDDEN_MAX, &config.hidden, err));
    FLOE_TRY(need_count(root, "num_hidden_layers", LAYERS_MAX, &config.layers, err));
    FLOE_TRY(need_count(root, "num_attention_heads", HIDDEN_MAX, &config.heads, err));
    FLOE_TRY(need_count(root, "intermediate_size", 8 * HIDDEN_MAX, &config.intermediate, err));
    FLOE_TRY(need_count(root, "vocab_size", VOCAB_MAX, &config.vocab, err));
    FLOE_TRY(need_count(root, "max_position_embeddings", POSITIONS_MAX, &config.positions, err));
    FLOE_TRY(need_count(root, "type_vocab_size", POSITIONS_MAX, &config.types, err));
    FLOE_ENSURE(config.hidden % config.heads == 0, err, FLOE_INVALID,
                "config.json: hidden_size %zu is no multiple of num_attention_heads %zu", config.hidden, config.heads);
    FLOE_ENSURE(config.positions >= 2, err, FLOE_INVALID, "config.json: max_position_embeddings must be at least 2");
    FLOE_ENSURE(config.epsilon > 0 && config.epsilon < 1, err, FLOE_INVALID,
                "config.json: layer_norm_eps must lie between 0 and 1");
    *ret_config = config;
    return FLOE_OK;
}

/* ---- tokenizer_config.json and sentence_bert_config.json ---- */

static floe_status read_tokenizer(const floe_node *root, floe_model *model, floe_error *err) {
    const char *what = "tokenizer_config.json";
    floe_str class = FLOE_STR("BertTokenizer");
    floe_tokenizer_options *options = &model->tokenizer;
    const floe_node *max = floe_node_get(root, "model_max_length");
    FLOE_TRY(floe_node_opt_str(root, "tokenizer_class", what, &class, err));
    FLOE_ENSURE(floe_str_is(class, "BertTokenizer") || floe_str_is(class, "BertTokenizerFast"), err, FLOE_UNSUPPORTED,
                "%s: tokenizer_class is %.*s; only BertTokenizer is supported", what, FLOE_STR_BRIEF(class));
    bool is_basic = true;
    FLOE_TRY(floe_node_opt_bool(root, "do_basic_tokenize", what, &is_basic, err));
    FLOE_ENSURE(is_basic, err, FLOE_UNSUPPORTED, "%s: do_basic_tokenize false is not supported", what);
    FLOE_TRY(floe_node_opt_bool(root, "do_lower_case", what, &options->lower_case, err));
    options->strip_accents = options->lower_case;
    FLOE_TRY(floe_node_opt_bool(root, "strip_accents", what, &options->strip_accents, err));
    FLOE_TRY(floe_node_opt_bool(root, "tokenize_chinese_chars", what, &options->chinese_spaces, err));
    if (max != NULL && max->kind == FLOE_NODE_INT && max->as.integer >= 2 &&
        (uint64_t)max->as.integer < model->token_max) {
        model->token_max = (size_t)max->as.integer;
    }
    return FLOE_OK;
}

/* The tokenizer.json of these models says 128 and pads; this file is what the model is used with. */
static floe_status read_sentence(const floe_node *root, floe_model *model, floe_error *err) {
    const char *what = "sentence_bert_config.json";
    int64_t max = (int64_t)model->token_max;
    bool lower_case = false;
    FLOE_TRY(floe_node_opt_i64(root, "max_seq_length", what, &max, err));
    FLOE_ENSURE(max >= 2, err, FLOE_INVALID, "%s: max_seq_length is %lld, at least 2 are needed", what, (long long)max);
    FLOE_TRY(floe_node_opt_bool(root, "do_lower_case", what, &lower_case, err));
    FLOE_ENSURE(!lower_case || model->tokenizer.lower_case, err, FLOE_UNSUPPORTED,
                "%s: do_lower_case with a tokenizer that keeps case is not supported", what);
    model->token_max = (uint64_t)max < model->bert.positions ? (size_t)max : model->bert.positions;
    return FLOE_OK;
}

/* ---- modules.json and the pooling ---- */

static bool is_true(const floe_node *node) {
    return node != NULL && node->kind == FLOE_NODE_BOOL && node->as.boolean;
}

/* As sentence-transformers wrote it for years: a truth for each mode. */
static floe_status read_pooling_modes(const floe_node *root, floe_pooling *ret_pooling, floe_error *err) {
    bool cls = is_true(floe_node_get(root, "pooling_mode_cls_token"));
    bool mean = is_true(floe_node_get(root, "pooling_mode_mean_tokens"));
    for (size_t i = 0; i < root->count && root->kind == FLOE_NODE_OBJECT; i++) {
        floe_str key = root->members[i].key;
        bool other = floe_str_starts_with(key, FLOE_STR("pooling_mode_")) &&
                     !floe_str_is(key, "pooling_mode_cls_token") && !floe_str_is(key, "pooling_mode_mean_tokens");
        FLOE_ENSURE(!other || !is_true(root->members[i].value), err, FLOE_UNSUPPORTED,
                    "pooling: %.*s is not supported; mean and cls are", FLOE_STR_BRIEF(key));
    }
    FLOE_ENSURE(cls != mean, err, FLOE_UNSUPPORTED, "pooling: exactly one of mean and cls is supported");
    *ret_pooling = cls ? FLOE_POOLING_CLS : FLOE_POOLING_MEAN;
    return FLOE_OK;
}

static floe_status read_pooling(const floe_node *root, floe_pooling *ret_pooling, floe_error *err) {
    const floe_node *include_prompt = floe_node_get(root, "include_prompt");
    const floe_node *mode = floe_node_get(root, "pooling_mode");
    FLOE_ENSURE(include_prompt == NULL || is_true(include_prompt), err, FLOE_UNSUPPORTED,
                "pooling: include_prompt false is not supported");
    if (mode == NULL) {
        return read_pooling_modes(root, ret_pooling, err);
    }
    FLOE_ENSURE(mode->kind == FLOE_NODE_STRING, err, FLOE_UNSUPPORTED,
                "pooling: pooling_mode must be one word; mean and cls are supported");
    bool cls = floe_str_is(mode->text, "cls");
    FLOE_ENSURE(cls || floe_str_is(mode->text, "mean"), err, FLOE_UNSUPPORTED,
                "pooling: pooling_mode \"%.*s\" is not supported; mean and cls are", FLOE_STR_BRIEF(mode->text));
    *ret_pooling = cls ? FLOE_POOLING_CLS : FLOE_POOLING_MEAN;
    return FLOE_OK;
}

/* A path within the folder, of one part. */
static bool is_plain_name(floe_str path) {
    return path.len > 0 && path.ptr[0] != '.' && memchr(path.ptr, '/', path.len) == NULL &&
           memchr(path.ptr, '\0', path.len) == NULL;
}

/* One module; the pooling's folder goes to *ret_pooling. */
static floe_status read_module(const floe_node *node, floe_str *ret_pooling, floe_error *err) {
    floe_str type = {0};
    floe_str path = {0};
    FLOE_TRY(floe_node_need_str(node, "type", "modules.json", &type, err));
    FLOE_TRY(floe_node_opt_str(node, "path", "modules.json", &path, err));
    if (floe_str_ends_with(type, FLOE_STR(".Pooling"))) {
        FLOE_ENSURE(is_plain_name(path), err, FLOE_INVALID,
                    "modules.json: the pooling's path \"%.*s\" is no folder name", FLOE_STR_BRIEF(path));
        FLOE_ENSURE(
            ret_pooling->len == 0, err, FLOE_UNSUPPORTED,
            "modules.json has two poolings, %.*s and %.*s; one, for questions and documents alike, is supported",
            FLOE_STR_BRIEF(*ret_pooling), FLOE_STR_BRIEF(path));
        *ret_pooling = path;
        return FLOE_OK;
    }
    if (floe_str_ends_with(type, FLOE_STR(".Transformer"))) {
        FLOE_ENSURE(path.len == 0, err, FLOE_UNSUPPORTED,
                    "modules.json: an encoder in the folder %.*s is not supported", FLOE_STR_BRIEF(path));
        return FLOE_OK;
    }
    FLOE_ENSURE(floe_str_ends_with(type, FLOE_STR(".Normalize")), err, FLOE_UNSUPPORTED,
                "modules.json: the module %.*s is not supported; Transformer, Pooling and Normalize are",
                FLOE_STR_BRIEF(type));
    return FLOE_OK;
}

/* *ret_is_told: modules.json named it. */
static floe_status find_pooling(const char *folder, floe_arena *arena, floe_str *ret_pooling, bool *ret_is_told,
                                floe_error *err) {
    const floe_node *modules = NULL;
    *ret_pooling = FLOE_STR("1_Pooling");
    *ret_is_told = false;
    FLOE_TRY(read_json(arena, path_in(arena, folder, "modules.json"), &modules, err));
    if (modules == NULL) {
        return FLOE_OK;
    }
    floe_str told = {0};
    FLOE_ENSURE(modules->kind == FLOE_NODE_ARRAY, err, FLOE_INVALID, "modules.json is no list");
    for (size_t i = 0; i < modules->count; i++) {
        FLOE_TRY(read_module(modules->items[i], &told, err));
    }
    FLOE_ENSURE(told.len > 0, err, FLOE_UNSUPPORTED,
                "modules.json has no Pooling module; without one there is no vector of a text");
    *ret_pooling = told;
    *ret_is_told = true;
    return FLOE_OK;
}

/* A bare encoder is pooled by its mean, as sentence-transformers does; one whose modules name a pooling that is not there would be
 * pooled by a guess. */
static floe_status read_modules(const char *folder, floe_arena *arena, floe_pooling *ret_pooling, floe_error *err) {
    const floe_node *pooling = NULL;
    floe_str name;
    bool is_told = false;
    FLOE_TRY(find_pooling(folder, arena, &name, &is_told, err));
    const char *path = floe_arena_printf(arena, "%s/%.*s/config.json", folder, FLOE_STR_ARG(name));
    FLOE_TRY(read_json(arena, path, &pooling, err));
    FLOE_ENSURE(pooling != NULL || !is_told, err, FLOE_NOT_FOUND,
                "modules.json names the pooling %.*s, and %s is not there", FLOE_STR_BRIEF(name), path);
    *ret_pooling = FLOE_POOLING_MEAN;
    return pooling != NULL ? read_pooling(pooling, ret_pooling, err) : FLOE_OK;
}

/* ---- config_sentence_transformers.json ---- */

static floe_status read_prompt(const floe_node *prompts, const char *key, floe_str *ret_prompt, floe_error *err) {
    return prompts != NULL
               ? floe_node_opt_str(prompts, key, "config_sentence_transformers.json: prompts", ret_prompt, err)
               : FLOE_OK;
}

static floe_status read_prompts(const floe_node *root, floe_arena *arena, floe_model *model, floe_error *err) {
    const floe_node *prompts = floe_node_get(root, "prompts");
    floe_str name = {0};
    floe_str common = {0};
    FLOE_TRY(floe_node_opt_str(root, "default_prompt_name", "config_sentence_transformers.json", &name, err));
    if (name.len > 0) {
        const char *key = floe_arena_strndup(arena, name.ptr, name.len);
        FLOE_TRY(floe_arena_check(arena, err));
        FLOE_TRY(read_prompt(prompts, key, &common, err));
    }
    model->query_prefix = model->document_prefix = common;
    FLOE_TRY(read_prompt(prompts, "query", &model->query_prefix, err));
    FLOE_TRY(read_prompt(prompts, "passage", &model->document_prefix, err));
    return read_prompt(prompts, "document", &model->document_prefix, err);
}

/* ---- the folder ---- */

/* model.safetensors, or else the only file of that kind. */
static floe_status find_weights(const char *folder, floe_arena *arena, floe_model *model, floe_error *err) {
    const char *const *names = NULL;
    size_t count = 0;
    model->weights_path = path_in(arena, folder, "model.safetensors");
    FLOE_TRY(floe_arena_check(arena, err));
    if (floe_file_exists(model->weights_path)) {
        return FLOE_OK;
    }
    const char *shards = path_in(arena, folder, "model.safetensors.index.json");
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(!floe_file_exists(shards), err, FLOE_UNSUPPORTED,
                "the weights lie in shards (%s), which is not supported; save the model in one model.safetensors",
                shards);
    size_t found = 0;
    FLOE_TRY(floe_file_list(folder, arena, &names, &count, err));
    for (size_t i = 0; i < count; i++) {
        if (floe_str_ends_with(floe_str_of(names[i]), FLOE_STR(".safetensors"))) {
            model->weights_path = path_in(arena, folder, names[i]);
            found++;
        }
    }
    FLOE_TRY(floe_arena_check(arena, err));
    FLOE_ENSURE(found > 0, err, FLOE_NOT_FOUND, "%s has no .safetensors file", folder);
    FLOE_ENSURE(found == 1, err, FLOE_UNSUPPORTED, "%s has %zu .safetensors files; weights in one file are supported",
                folder, found);
    return FLOE_OK;
}

static floe_status read_small_files(const char *folder, floe_arena *arena, floe_model *model, floe_error *err) {
    const floe_node *root = NULL;
    FLOE_TRY(read_json(arena, path_in(arena, folder, "tokenizer_config.json"), &root, err));
    if (root != NULL) {
        FLOE_TRY(read_tokenizer(root, model, err));
    }
    FLOE_TRY(read_json(arena, path_in(arena, folder, "sentence_bert_config.json"), &root, err));
    if (root != NULL) {
        FLOE_TRY(read_sentence(root, model, err));
    }
    FLOE_TRY(read_modules(folder, arena, &model->bert.pooling, err));
    FLOE_TRY(read_json(arena, path_in(arena, folder, "config_sentence_transformers.json"), &root, err));
    return root != NULL ? read_prompts(root, arena, model, err) : FLOE_OK;
}

floe_status floe_model_read(const char *folder, floe_arena *arena, floe_model *ret_model, floe_error *err) {
    const floe_node *config = NULL;
    floe_model model = {.tokenizer = {true, true, true}};
    model.name = floe_arena_str(arena, floe_path_basename(folder));
    model.vocab_path = path_in(arena, folder, "vocab.txt");
    FLOE_TRY(read_json(arena, path_in(arena, folder, "config.json"), &config, err));
    FLOE_ENSURE(config != NULL, err, FLOE_NOT_FOUND, "%s has no config.json", folder);
    FLOE_ENSURE(floe_file_exists(model.vocab_path), err, FLOE_NOT_FOUND,
                "%s has no vocab.txt; it is read from there alone, so take the file from the model's publisher when a "
                "tool saved only tokenizer.json",
                folder);
    FLOE_TRY(find_weights(folder, arena, &model, err));
    FLOE_TRY(read_config(config, &model.bert, err));
    model.token_max = model.bert.positions;
    FLOE_TRY(read_small_files(folder, arena, &model, err));
    *ret_model = model;
    return floe_arena_check(arena, err);
}
