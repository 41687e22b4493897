/* See tiny.h. */
#include "tests/vector/embed/tiny.h"

#include "core/file.h"
#include "core/limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char floe_tiny_vocab[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nflight\ndelay\n##s\n,\n.\n:\n?\n1\n2\n"
                               "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl\nm\nn\no\np\nq\nr\ns\nt\nu\nv\nw\nx\ny\nz\n"
                               "##a\n##b\n##c\n##d\n##e\n##f\n##g\n##h\n##i\n##j\n##k\n##l\n##m\n##n\n##o\n##p\n##q\n"
                               "##r\n##t\n##u\n##v\n##w\n##x\n##y\n##z\n##1\n";

/* ---- weights ---- */

/* Multiples of 1/64 below 2: 7 bits of fraction. */
static float random_weight(floe_test_rng *rng, double scale) {
    return (float)((double)floe_test_between(rng, -64, 64) / 64.0 * scale);
}

static void add(floe_tiny *tiny, const char *name, size_t rows, size_t columns, floe_test_rng *rng) {
    floe_tiny_tensor *tensor = &tiny->tensors[tiny->tensor_count++];
    (void)snprintf(tensor->name, sizeof(tensor->name), "%s", name);
    tensor->rank = columns == 0 ? 1 : 2;
    tensor->shape[0] = rows;
    tensor->shape[1] = columns;
    tensor->count = rows * (columns == 0 ? 1 : columns);
    tensor->values = calloc(tensor->count, sizeof(float));
    assert_non_null(tensor->values);
    bool is_norm_weight = strstr(name, "LayerNorm.weight") != NULL;
    for (size_t i = 0; i < tensor->count; i++) {
        tensor->values[i] = random_weight(rng, 0.5) + (is_norm_weight ? 1.0f : 0.0f);
    }
}

static void add_layer(floe_tiny *tiny, size_t layer, floe_test_rng *rng) {
    size_t hidden = tiny->config.hidden;
    size_t inner = tiny->config.intermediate;
    const struct {
        const char *name;
        size_t rows, columns;
    } parts[] = {{"attention.self.query", hidden, hidden},  {"attention.self.key", hidden, hidden},
                 {"attention.self.value", hidden, hidden},  {"attention.output.dense", hidden, hidden},
                 {"attention.output.LayerNorm", hidden, 0}, {"intermediate.dense", inner, hidden},
                 {"output.dense", hidden, inner},           {"output.LayerNorm", hidden, 0}};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        char name[96];
        (void)snprintf(name, sizeof(name), "encoder.layer.%zu.%s.weight", layer, parts[i].name);
        add(tiny, name, parts[i].rows, parts[i].columns, rng);
        (void)snprintf(name, sizeof(name), "encoder.layer.%zu.%s.bias", layer, parts[i].name);
        add(tiny, name, parts[i].rows, 0, rng);
    }
}

void floe_tiny_init(floe_tiny *tiny, const floe_bert_config *config, floe_test_rng *rng) {
    size_t hidden = config->hidden;
    *tiny = (floe_tiny){.config = *config};
    tiny->tensors = calloc(8 + 16 * config->layers, sizeof(floe_tiny_tensor));
    assert_non_null(tiny->tensors);
    add(tiny, "embeddings.word_embeddings.weight", config->vocab, hidden, rng);
    add(tiny, "embeddings.position_embeddings.weight", config->positions, hidden, rng);
    add(tiny, "embeddings.token_type_embeddings.weight", config->types, hidden, rng);
    add(tiny, "embeddings.LayerNorm.weight", hidden, 0, rng);
    add(tiny, "embeddings.LayerNorm.bias", hidden, 0, rng);
    for (size_t i = 0; i < config->layers; i++) {
        add_layer(tiny, i, rng);
    }
}

void floe_tiny_close(floe_tiny *tiny) {
    for (size_t i = 0; i < tiny->tensor_count; i++) {
        free(tiny->tensors[i].values);
    }
    free(tiny->tensors);
    *tiny = (floe_tiny){0};
}

/* layer SIZE_MAX: of no layer. */
static const float *weights(const floe_tiny *tiny, const char *part, size_t layer, const char *kind) {
    char full[128];
    if (layer == SIZE_MAX) {
        (void)snprintf(full, sizeof(full), "%s.%s", part, kind);
    } else {
        (void)snprintf(full, sizeof(full), "encoder.layer.%zu.%s.%s", layer, part, kind);
    }
    for (size_t i = 0; i < tiny->tensor_count; i++) {
        if (strcmp(tiny->tensors[i].name, full) == 0) {
            return tiny->tensors[i].values;
        }
    }
    fail_msg("no tensor %s", full);
    return NULL;
}

/* ---- files ---- */

static uint16_t half_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    uint32_t exponent = bits >> 23 & 0xFFu;
    if (exponent == 0) {
        return (uint16_t)(bits >> 16 & 0x8000u);
    }
    return (uint16_t)((bits >> 16 & 0x8000u) | (exponent - 112) << 10 | (bits >> 13 & 0x3FFu));
}

static void print_value(float value, const char *type, floe_buf *out) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    if (type[0] == 'B') {
        floe_buf_u16(out, (uint16_t)(bits >> 16));
    } else if (strcmp(type, "F16") == 0) {
        floe_buf_u16(out, half_of(value));
    } else {
        floe_buf_u32(out, bits);
    }
}

void floe_tiny_print(const floe_tiny *tiny, const char *type, const char *prefix, floe_buf *out) {
    FLOE_AUTO_BUF header;
    size_t width = strcmp(type, "F32") == 0 ? 4 : 2;
    size_t at = 0;
    floe_buf_init(&header, FLOE_MIB(1));
    floe_buf_text(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < tiny->tensor_count; i++) {
        const floe_tiny_tensor *tensor = &tiny->tensors[i];
        floe_buf_printf(&header, ",\"%s%s\":{\"dtype\":\"%s\",\"shape\":[%zu", prefix, tensor->name, type,
                        tensor->shape[0]);
        if (tensor->rank == 2) {
            floe_buf_printf(&header, ",%zu", tensor->shape[1]);
        }
        floe_buf_printf(&header, "],\"data_offsets\":[%zu,%zu]}", at, at + tensor->count * width);
        at += tensor->count * width;
    }
    floe_buf_byte(&header, '}');
    floe_buf_u64(out, header.len);
    floe_buf_str(out, floe_buf_view(&header));
    for (size_t i = 0; i < tiny->tensor_count; i++) {
        for (size_t j = 0; j < tiny->tensors[i].count; j++) {
            print_value(tiny->tensors[i].values[j], type, out);
        }
    }
}

void floe_tiny_write_file(const char *folder, const char *name, floe_str bytes) {
    char path[512];
    floe_error err = {0};
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_ok(floe_file_write(path, bytes, false, &err), &err);
}

void floe_tiny_write(const floe_tiny *tiny, const char *folder) {
    FLOE_AUTO_BUF out;
    const floe_bert_config *config = &tiny->config;
    char path[512];
    floe_error err = {0};
    floe_buf_init(&out, FLOE_MIB(64));
    floe_buf_printf(&out,
                    "{\"model_type\":\"bert\",\"hidden_act\":\"gelu\",\"hidden_size\":%zu,\"num_hidden_layers\":%zu,"
                    "\"num_attention_heads\":%zu,\"intermediate_size\":%zu,\"vocab_size\":%zu,"
                    "\"max_position_embeddings\":%zu,\"type_vocab_size\":%zu,\"layer_norm_eps\":%.9g}",
                    config->hidden, config->layers, config->heads, config->intermediate, config->vocab,
                    config->positions, config->types, (double)config->epsilon);
    floe_tiny_write_file(folder, "config.json", floe_buf_view(&out));
    floe_tiny_write_file(folder, "vocab.txt", floe_str_of(floe_tiny_vocab));
    floe_buf_clear(&out);
    floe_tiny_print(tiny, "F32", "", &out);
    floe_tiny_write_file(folder, "model.safetensors", floe_buf_view(&out));
    (void)snprintf(path, sizeof(path), "%s/1_Pooling", folder);
    assert_ok(floe_file_mkdirs(path, &err), &err);
    floe_buf_clear(&out);
    floe_buf_printf(&out, "{\"pooling_mode_cls_token\":%s,\"pooling_mode_mean_tokens\":%s}",
                    config->pooling == FLOE_POOLING_CLS ? "true" : "false",
                    config->pooling == FLOE_POOLING_CLS ? "false" : "true");
    floe_tiny_write_file(folder, "1_Pooling/config.json", floe_buf_view(&out));
}

/* ---- the oracle ---- */

/* out[len × rows] = x[len × columns] · Wᵀ + b */
static void apply(const floe_tiny *tiny, const char *name, size_t layer, const double *x, size_t len, size_t rows,
                  size_t columns, double *out) {
    const float *weight = weights(tiny, name, layer, "weight");
    const float *bias = weights(tiny, name, layer, "bias");
    for (size_t i = 0; i < len; i++) {
        for (size_t row = 0; row < rows; row++) {
            double sum = (double)bias[row];
            for (size_t column = 0; column < columns; column++) {
                sum += x[i * columns + column] * (double)weight[row * columns + column];
            }
            out[i * rows + row] = sum;
        }
    }
}

static void normalise(const floe_tiny *tiny, const char *name, size_t layer, double *x, size_t len) {
    size_t hidden = tiny->config.hidden;
    const float *weight = weights(tiny, name, layer, "weight");
    const float *bias = weights(tiny, name, layer, "bias");
    for (size_t i = 0; i < len; i++) {
        double mean = 0;
        double variance = 0;
        double *row = x + i * hidden;
        for (size_t j = 0; j < hidden; j++) {
            mean += row[j] / (double)hidden;
        }
        for (size_t j = 0; j < hidden; j++) {
            variance += (row[j] - mean) * (row[j] - mean) / (double)hidden;
        }
        for (size_t j = 0; j < hidden; j++) {
            row[j] =
                (row[j] - mean) / sqrt(variance + (double)tiny->config.epsilon) * (double)weight[j] + (double)bias[j];
        }
    }
}

static void attend(const floe_tiny *tiny, const double *q, const double *k, const double *v, size_t len, double *out) {
    size_t hidden = tiny->config.hidden;
    size_t width = hidden / tiny->config.heads;
    double *scores = calloc(len, sizeof(double));
    for (size_t head = 0; head < tiny->config.heads; head++) {
        for (size_t i = 0; i < len; i++) {
            double sum = 0;
            for (size_t j = 0; j < len; j++) {
                double dot = 0;
                for (size_t d = 0; d < width; d++) {
                    dot += q[i * hidden + head * width + d] * k[j * hidden + head * width + d];
                }
                scores[j] = exp(dot / sqrt((double)width));
                sum += scores[j];
            }
            for (size_t d = 0; d < width; d++) {
                double value = 0;
                for (size_t j = 0; j < len; j++) {
                    value += scores[j] / sum * v[j * hidden + head * width + d];
                }
                out[i * hidden + head * width + d] = value;
            }
        }
    }
    free(scores);
}

static void add_to(double *x, const double *more, size_t count) {
    for (size_t i = 0; i < count; i++) {
        x[i] += more[i];
    }
}

static void run_layer(const floe_tiny *tiny, size_t layer, double *x, size_t len) {
    size_t hidden = tiny->config.hidden;
    size_t inner = tiny->config.intermediate;
    double *room = calloc(len * (4 * hidden + inner), sizeof(double));
    double *q = room;
    double *k = q + len * hidden;
    double *v = k + len * hidden;
    double *out = v + len * hidden;
    double *h = out + len * hidden;
    apply(tiny, "attention.self.query", layer, x, len, hidden, hidden, q);
    apply(tiny, "attention.self.key", layer, x, len, hidden, hidden, k);
    apply(tiny, "attention.self.value", layer, x, len, hidden, hidden, v);
    attend(tiny, q, k, v, len, out);
    apply(tiny, "attention.output.dense", layer, out, len, hidden, hidden, q);
    add_to(x, q, len * hidden);
    normalise(tiny, "attention.output.LayerNorm", layer, x, len);
    apply(tiny, "intermediate.dense", layer, x, len, inner, hidden, h);
    for (size_t i = 0; i < len * inner; i++) {
        h[i] = h[i] / 2 * (1 + erf(h[i] / sqrt(2)));
    }
    apply(tiny, "output.dense", layer, h, len, hidden, inner, q);
    add_to(x, q, len * hidden);
    normalise(tiny, "output.LayerNorm", layer, x, len);
    free(room);
}

void floe_tiny_forward(const floe_tiny *tiny, const int32_t *ids, size_t len, double *ret_vector) {
    size_t hidden = tiny->config.hidden;
    const float *words = weights(tiny, "embeddings.word_embeddings", SIZE_MAX, "weight");
    const float *positions = weights(tiny, "embeddings.position_embeddings", SIZE_MAX, "weight");
    const float *types = weights(tiny, "embeddings.token_type_embeddings", SIZE_MAX, "weight");
    double *x = calloc(len * hidden, sizeof(double));
    double squares = 0;
    for (size_t i = 0; i < len * hidden; i++) {
        size_t at = i % hidden;
        x[i] = (double)words[(size_t)ids[i / hidden] * hidden + at] + (double)positions[i] + (double)types[at];
    }
    normalise(tiny, "embeddings.LayerNorm", SIZE_MAX, x, len);
    for (size_t layer = 0; layer < tiny->config.layers; layer++) {
        run_layer(tiny, layer, x, len);
    }
    size_t used = tiny->config.pooling == FLOE_POOLING_CLS ? 1 : len;
    for (size_t j = 0; j < hidden; j++) {
        ret_vector[j] = 0;
        for (size_t i = 0; i < used; i++) {
            ret_vector[j] += x[i * hidden + j] / (double)used;
        }
        squares += ret_vector[j] * ret_vector[j];
    }
    for (size_t j = 0; j < hidden; j++) {
        ret_vector[j] /= sqrt(squares);
    }
    free(x);
}

double floe_test_cosine(const float *a, const double *b, size_t dim) {
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (size_t i = 0; i < dim; i++) {
        dot += (double)a[i] * b[i];
        aa += (double)a[i] * (double)a[i];
        bb += b[i] * b[i];
    }
    return dot / sqrt(aa * bb);
}
