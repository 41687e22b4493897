/*
 * Loading and the forward pass; see bert_int.h for the formulas.
 */
#include "vector/embed/bert_int.h"

#include "core/mem.h"
#include "vector/embed/gemm_int.h"

#include <math.h>
#include <stdio.h>

/* ---- loading ---- */

typedef struct loader {
    const floe_bert_config *config;
    const floe_tensors *tensors;
    floe_arena *arena;
    size_t layer;
    floe_error *err;
    floe_halves_room halves; /* for all layers */
} loader;

static const floe_tensor *find(const loader *from, const char *name) {
    char prefixed[160];
    const floe_tensor *tensor = floe_tensors_find(from->tensors, floe_str_of(name));
    if (tensor == NULL) {
        (void)snprintf(prefixed, sizeof(prefixed), "bert.%s", name);
        tensor = floe_tensors_find(from->tensors, floe_str_of(prefixed));
    }
    return tensor;
}

/* columns 0: a vector. */
static floe_status load(const loader *from, const char *name, size_t rows, size_t columns, const float **ret_floats) {
    const floe_tensor *tensor = find(from, name);
    FLOE_ENSURE(tensor != NULL, from->err, FLOE_CORRUPT, "the weights have no tensor %s: are they a BERT encoder's?",
                name);
    bool fits = tensor->rank == (columns == 0 ? 1 : 2) && tensor->shape[0] == rows &&
                (columns == 0 || tensor->shape[1] == columns);
    FLOE_ENSURE(fits, from->err, FLOE_CORRUPT, "tensor %s is not of the shape [%zu, %zu] that config.json asks for",
                name, rows, columns);
    return floe_tensor_floats(tensor, from->arena, ret_floats, from->err);
}

static floe_status load_norm(const loader *from, const char *name, floe_norm *ret_norm) {
    char full[128];
    ret_norm->epsilon = from->config->epsilon;
    (void)snprintf(full, sizeof(full), "%s.weight", name);
    FLOE_TRY(load(from, full, from->config->hidden, 0, &ret_norm->weight));
    (void)snprintf(full, sizeof(full), "%s.bias", name);
    return load(from, full, from->config->hidden, 0, &ret_norm->bias);
}

static floe_status load_layer_norm(const loader *from, const char *name, floe_norm *ret_norm) {
    char full[96];
    (void)snprintf(full, sizeof(full), "encoder.layer.%zu.%s.LayerNorm", from->layer, name);
    return load_norm(from, full, ret_norm);
}

typedef struct linear {
    const float *weight, *bias;
} linear;

static floe_status load_linear(const loader *from, const char *name, size_t rows, size_t columns, linear *ret_linear) {
    char full[128];
    (void)snprintf(full, sizeof(full), "encoder.layer.%zu.%s.weight", from->layer, name);
    FLOE_TRY(load(from, full, rows, columns, &ret_linear->weight));
    (void)snprintf(full, sizeof(full), "encoder.layer.%zu.%s.bias", from->layer, name);
    return load(from, full, rows, 0, &ret_linear->bias);
}

/* One product for query, key and value instead of three. */
static floe_status load_qkv(const loader *from, floe_bert_layer *layer) {
    static const char *const names[] = {"attention.self.query", "attention.self.key", "attention.self.value"};
    size_t hidden = from->config->hidden;
    float *weight = floe_arena_alloc(from->arena, 3 * hidden * hidden, sizeof(float));
    float *bias = floe_arena_alloc(from->arena, 3 * hidden, sizeof(float));
    FLOE_TRY(floe_arena_check(from->arena, from->err));
    for (size_t i = 0; i < 3; i++) {
        linear part = {0};
        FLOE_TRY(load_linear(from, names[i], hidden, hidden, &part));
        memcpy(weight + i * hidden * hidden, part.weight, hidden * hidden * sizeof(float));
        memcpy(bias + i * hidden, part.bias, hidden * sizeof(float));
    }
    layer->qkv = weight;
    layer->qkv_bias = bias;
    return FLOE_OK;
}

static floe_status load_layer(loader *from, floe_bert_layer *layer) {
    size_t hidden = from->config->hidden;
    size_t intermediate = from->config->intermediate;
    linear out = {0};
    linear up = {0};
    linear down = {0};
    FLOE_TRY(load_qkv(from, layer));
    FLOE_TRY(load_linear(from, "attention.output.dense", hidden, hidden, &out));
    FLOE_TRY(load_linear(from, "intermediate.dense", intermediate, hidden, &up));
    FLOE_TRY(load_linear(from, "output.dense", hidden, intermediate, &down));
    FLOE_TRY(load_layer_norm(from, "attention.output", &layer->attention_norm));
    FLOE_TRY(load_layer_norm(from, "output", &layer->output_norm));
    layer->out = out.weight;
    layer->out_bias = out.bias;
    layer->up = up.weight;
    layer->up_bias = up.bias;
    layer->down = down.weight;
    layer->down_bias = down.bias;
    layer->qkv_halves = floe_halves_make(layer->qkv, 3 * hidden, hidden, &from->halves, from->arena);
    layer->out_halves = floe_halves_make(layer->out, hidden, hidden, &from->halves, from->arena);
    layer->up_halves = floe_halves_make(layer->up, intermediate, hidden, &from->halves, from->arena);
    layer->down_halves = floe_halves_make(layer->down, hidden, intermediate, &from->halves, from->arena);
    return floe_arena_check(from->arena, from->err);
}

static floe_status load_layers(loader *from, floe_bert *bert) {
    floe_bert_layer *layers = floe_arena_alloc(from->arena, from->config->layers, sizeof(*layers));
    size_t hidden = from->config->hidden;
    from->halves =
        floe_halves_reserve(from->config->layers * hidden * (4 * hidden + 2 * from->config->intermediate), from->arena);
    FLOE_TRY(floe_arena_check(from->arena, from->err));
    for (from->layer = 0; from->layer < from->config->layers; from->layer++) {
        FLOE_TRY(load_layer(from, &layers[from->layer]));
    }
    bert->layers = layers;
    return FLOE_OK;
}

floe_status floe_bert_load(const floe_bert_config *config, const floe_tensors *tensors, floe_arena *arena,
                           floe_bert *ret_bert, floe_error *err) {
    loader from = {.config = config, .tensors = tensors, .arena = arena, .err = err};
    floe_bert bert = {.config = *config, .kernels = floe_kernels_best()};
    size_t hidden = config->hidden;
    floe_gemm_start();
    FLOE_TRY(load(&from, "embeddings.word_embeddings.weight", config->vocab, hidden, &bert.words));
    FLOE_TRY(load(&from, "embeddings.position_embeddings.weight", config->positions, hidden, &bert.positions));
    FLOE_TRY(load(&from, "embeddings.token_type_embeddings.weight", config->types, hidden, &bert.types));
    FLOE_TRY(load_norm(&from, "embeddings.LayerNorm", &bert.norm));
    FLOE_TRY(load_layers(&from, &bert));
    *ret_bert = bert;
    return FLOE_OK;
}

/* ---- work area ---- */

static floe_status fill_work(const floe_bert_config *config, floe_bert_work *work, floe_error *err) {
    size_t tokens = work->token_max;
    FLOE_TRY(floe_alloc(tokens * config->hidden, sizeof(float), &work->x, err));
    FLOE_TRY(floe_alloc(tokens * config->hidden, 3 * sizeof(float), &work->qkv, err));
    FLOE_TRY(floe_alloc(tokens * config->hidden, sizeof(float), &work->context, err));
    FLOE_TRY(floe_alloc(tokens * config->intermediate, sizeof(float), &work->hidden, err));
    return floe_alloc(work->text_max * work->text_max, sizeof(float), &work->scores, err);
}

floe_status floe_bert_work_open(const floe_bert_config *config, size_t token_max, size_t text_max,
                                floe_bert_work *ret_work, floe_error *err) {
    FLOE_CLEANUP(floe_bert_work_close) floe_bert_work work = {.token_max = token_max, .text_max = text_max};
    FLOE_TRY(fill_work(config, &work, err));
    *ret_work = work;
    work = (floe_bert_work){0};
    return FLOE_OK;
}

void floe_bert_work_close(floe_bert_work *work) {
    floe_free(work->x);
    floe_free(work->qkv);
    floe_free(work->context);
    floe_free(work->hidden);
    floe_free(work->scores);
    *work = (floe_bert_work){0};
}

/* ---- forward ---- */

static void embed_tokens(const floe_bert *bert, const floe_bert_batch *batch, float *x) {
    size_t hidden = bert->config.hidden;
    const int32_t *id = batch->ids;
    float *row = x;
    for (size_t text = 0; text < batch->count; text++) {
        for (size_t at = 0; at < batch->lens[text]; at++) {
            memcpy(row, bert->words + (size_t)*id++ * hidden, hidden * sizeof(float));
            bert->kernels->add(row, bert->positions + at * hidden, 1, hidden, bert->types);
            row += hidden;
        }
    }
    bert->kernels->layer_norm(x, batch->token_count, hidden, &bert->norm);
}

/* One text: `qkv` and `context` begin at its first row. */
static void attend(const floe_bert *bert, const float *qkv, float *context, float *scores, size_t len) {
    size_t hidden = bert->config.hidden;
    size_t width = hidden / bert->config.heads;
    float scale = 1.0f / sqrtf((float)width);
    for (size_t head = 0; head < bert->config.heads; head++) {
        floe_matrix query = {qkv + head * width, 3 * hidden};
        floe_matrix key = {qkv + hidden + head * width, 3 * hidden};
        floe_matrix value = {qkv + 2 * hidden + head * width, 3 * hidden};
        floe_gemm_transposed(query, key, scores, len, (floe_gemm_shape){len, len, width});
        bert->kernels->softmax(scores, len, len, scale);
        floe_gemm((floe_matrix){scores, len}, value, context + head * width, hidden,
                  (floe_gemm_shape){len, width, len});
    }
}

/* A layer's product of rows without gaps: with few of them in half precision, where that is to be had. */
static void multiply(const float *a, const float *weights, const floe_halves *halves, float *out,
                     floe_gemm_shape shape) {
    if (halves != NULL && shape.rows <= FLOE_FEW_ROWS) {
        floe_halves_product(halves, a, shape.rows, out, shape.columns);
        return;
    }
    floe_gemm_transposed((floe_matrix){a, shape.inner}, (floe_matrix){weights, shape.inner}, out, shape.columns, shape);
}

static void attention(const floe_bert *bert, const floe_bert_layer *layer, floe_bert_work *work,
                      const floe_bert_batch *batch) {
    size_t hidden = bert->config.hidden;
    size_t tokens = batch->token_count;
    size_t row = 0;
    multiply(work->x, layer->qkv, layer->qkv_halves, work->qkv, (floe_gemm_shape){tokens, 3 * hidden, hidden});
    bert->kernels->add_bias(work->qkv, tokens, 3 * hidden, layer->qkv_bias);
    for (size_t text = 0; text < batch->count; text++) {
        attend(bert, work->qkv + row * 3 * hidden, work->context + row * hidden, work->scores, batch->lens[text]);
        row += batch->lens[text];
    }
    /* The room of query, key and value is free again. */
    multiply(work->context, layer->out, layer->out_halves, work->qkv, (floe_gemm_shape){tokens, hidden, hidden});
    bert->kernels->add(work->x, work->qkv, tokens, hidden, layer->out_bias);
    bert->kernels->layer_norm(work->x, tokens, hidden, &layer->attention_norm);
}

static void feed_forward(const floe_bert *bert, const floe_bert_layer *layer, floe_bert_work *work, size_t tokens) {
    size_t hidden = bert->config.hidden;
    size_t intermediate = bert->config.intermediate;
    multiply(work->x, layer->up, layer->up_halves, work->hidden, (floe_gemm_shape){tokens, intermediate, hidden});
    bert->kernels->gelu(work->hidden, tokens, intermediate, layer->up_bias);
    multiply(work->hidden, layer->down, layer->down_halves, work->context,
             (floe_gemm_shape){tokens, hidden, intermediate});
    bert->kernels->add(work->x, work->context, tokens, hidden, layer->down_bias);
    bert->kernels->layer_norm(work->x, tokens, hidden, &layer->output_norm);
}

static void pool(const floe_bert_config *config, const float *rows, size_t len, float *out) {
    size_t used = config->pooling == FLOE_POOLING_CLS ? 1 : len;
    double squares = 0;
    for (size_t i = 0; i < config->hidden; i++) {
        float sum = 0;
        for (size_t row = 0; row < used; row++) {
            sum += rows[row * config->hidden + i];
        }
        out[i] = sum / (float)used;
        squares += (double)out[i] * out[i];
    }
    float scale = squares > 0 ? (float)(1.0 / sqrt(squares)) : 0.0f;
    for (size_t i = 0; i < config->hidden; i++) {
        out[i] *= scale;
    }
}

void floe_bert_forward(const floe_bert *bert, floe_bert_work *work, const floe_bert_batch *batch,
                       float *const *ret_rows) {
    size_t row = 0;
    FLOE_ASSERT(batch->token_count <= work->token_max);
    embed_tokens(bert, batch, work->x);
    for (size_t i = 0; i < bert->config.layers; i++) {
        attention(bert, &bert->layers[i], work, batch);
        feed_forward(bert, &bert->layers[i], work, batch->token_count);
    }
    for (size_t text = 0; text < batch->count; text++) {
        pool(&bert->config, work->x + row * bert->config.hidden, batch->lens[text], ret_rows[text]);
        row += batch->lens[text];
    }
}
