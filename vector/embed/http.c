/*
 * The embedder that asks a service with OpenAI's /v1/embeddings (OpenAI itself, vLLM, Ollama, llama.cpp, text-embeddings-
 * inference …).
 *
 * Texts go in requests of at most `batch` texts. A service that refuses a request for what it holds (400, 413, 422) is asked
 * with half as many, and what it then takes is remembered; a single text that it refuses is an error. An answer counts only
 * when it holds one vector of the known dimension for every text.
 *
 * A call borrows a lane (a connection with its buffers), so that a slow answer holds back only its own caller; when all are
 * borrowed, it waits for one. Invariant: a lane is used by one call at a time. Lock: `lock` guards `free_lanes`, `free_count`
 * and `batch`, and is held by nothing that waits for the service; all else is only read once the embedder is open.
 */
#include "vector/embed/embed_int.h"

#include "core/arena.h"
#include "core/http_client.h"
#include "core/json.h"
#include "core/limits.h"
#include "vector/secret_int.h"

#include <limits.h>
#include <pthread.h>

#define BATCH_DEFAULT 64
#define BATCH_MAX 2048
#define RETRY_DEFAULT 4
#define BODY_MAX FLOE_MIB(256)
#define ANSWER_ARENA FLOE_GIB(1)
#define REQUEST_MAX FLOE_MIB(256)
/* Calls beside each other. More would rather overload a service than finish earlier. */
#define LANES 8

struct http;

typedef struct lane {
    struct http *embedder;
    floe_http_client *client; /* NULL until it is first borrowed */
    floe_http_response response;
    floe_buf body;
    floe_arena answer;
} lane;

struct http {
    floe_embedder base;
    floe_arena arena; /* of the options */
    const char *url, *api_key;
    floe_str query_prefix, document_prefix;
    floe_http_client_options how;
    pthread_mutex_t lock;
    pthread_cond_t lane_freed;
    bool lock_ready;
    lane lanes[LANES];
    lane *free_lanes[LANES]; /* the last one is borrowed next: its connection is the most likely to be open still */
    size_t free_count;
    size_t batch; /* texts of the next request */
};

/* ---- lanes ---- */

static lane *take_lane(struct http *embedder) {
    (void)pthread_mutex_lock(&embedder->lock);
    while (embedder->free_count == 0) {
        (void)pthread_cond_wait(&embedder->lane_freed, &embedder->lock);
    }
    lane *taken = embedder->free_lanes[--embedder->free_count];
    (void)pthread_mutex_unlock(&embedder->lock);
    return taken;
}

static void give_lane(struct http *embedder, lane *given) {
    (void)pthread_mutex_lock(&embedder->lock);
    embedder->free_lanes[embedder->free_count++] = given;
    (void)pthread_cond_signal(&embedder->lane_freed);
    (void)pthread_mutex_unlock(&embedder->lock);
}

static size_t batch_of(struct http *embedder) {
    (void)pthread_mutex_lock(&embedder->lock);
    size_t batch = embedder->batch;
    (void)pthread_mutex_unlock(&embedder->lock);
    return batch;
}

/* So many texts were refused. What another call learnt meanwhile stands if it is less. */
static void halve_batch(struct http *embedder, size_t refused) {
    (void)pthread_mutex_lock(&embedder->lock);
    embedder->batch = refused / 2 < embedder->batch ? refused / 2 : embedder->batch;
    (void)pthread_mutex_unlock(&embedder->lock);
}

/* ---- the request ---- */

/* A service takes no empty text; a space says as little. */
static void print_text(lane *by, floe_json_writer *writer, floe_str prefix, floe_str text) {
    if (prefix.len == 0) {
        floe_json_string(writer, text.len > 0 ? text : FLOE_STR(" "));
        return;
    }
    char *both = floe_arena_alloc(&by->answer, prefix.len + text.len, 1);
    if (both != NULL) {
        memcpy(both, prefix.ptr, prefix.len);
        if (text.len > 0) {
            memcpy(both + prefix.len, text.ptr, text.len);
        }
        floe_json_string(writer, (floe_str){both, prefix.len + text.len});
    }
}

static floe_status print_request(lane *by, floe_str prefix, const floe_str *texts, size_t count, floe_error *err) {
    floe_buf_clear(&by->body);
    floe_json_writer writer = floe_json_writer_of(&by->body);
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "model");
    floe_json_string(&writer, by->embedder->base.info.model);
    floe_json_key(&writer, "input");
    floe_json_array_begin(&writer);
    for (size_t i = 0; i < count; i++) {
        print_text(by, &writer, prefix, texts[i]);
    }
    floe_json_array_end(&writer);
    floe_json_object_end(&writer);
    FLOE_TRY(floe_arena_check(&by->answer, err));
    return floe_buf_check(&by->body, err);
}

/* ---- the answer ---- */

static bool is_number(const floe_node *node, float *ret_value) {
    if (node->kind == FLOE_NODE_INT) {
        *ret_value = (float)node->as.integer;
        return true;
    }
    *ret_value = (float)node->as.real;
    return node->kind == FLOE_NODE_REAL;
}

/* The first answer of an embedder without a dimension gives it one. */
static floe_status check_dim(struct http *embedder, size_t dim, floe_error *err) {
    FLOE_ENSURE(dim >= 1 && dim <= FLOE_EMBED_DIM_MAX, err, FLOE_CORRUPT,
                "a vector of %zu numbers; 1 to %d are supported", dim, FLOE_EMBED_DIM_MAX);
    if (embedder->base.info.dim == 0) {
        embedder->base.info.dim = dim;
    }
    FLOE_ENSURE(dim == embedder->base.info.dim, err, FLOE_CORRUPT,
                "a vector of %zu numbers where %zu were expected: does the service use another model now?", dim,
                embedder->base.info.dim);
    return FLOE_OK;
}

static floe_status read_vector(struct http *embedder, const floe_node *item, float *row, floe_error *err) {
    const floe_node *vector = floe_node_get(item, "embedding");
    FLOE_ENSURE(vector != NULL && vector->kind == FLOE_NODE_ARRAY, err, FLOE_CORRUPT,
                "no list of numbers as `embedding`");
    FLOE_TRY(check_dim(embedder, vector->count, err));
    if (row == NULL) {
        return FLOE_OK;
    }
    for (size_t i = 0; i < vector->count; i++) {
        FLOE_ENSURE(is_number(vector->items[i], &row[i]), err, FLOE_CORRUPT,
                    "a vector with something that is no number");
    }
    FLOE_ENSURE(floe_embed_normalise(row, vector->count), err, FLOE_CORRUPT, "a vector without length");
    return FLOE_OK;
}

/* rows NULL: only the dimension is wanted. */
static floe_status read_items(lane *by, const floe_node *data, float *rows, floe_error *err) {
    struct http *embedder = by->embedder;
    bool *seen = floe_arena_alloc(&by->answer, data->count, sizeof(*seen));
    FLOE_TRY(floe_arena_check(&by->answer, err));
    for (size_t i = 0; i < data->count; i++) {
        int64_t index = (int64_t)i;
        FLOE_TRY(floe_node_opt_i64(data->items[i], "index", "data", &index, err));
        FLOE_ENSURE(index >= 0 && (uint64_t)index < data->count && !seen[index], err, FLOE_CORRUPT,
                    "index %lld is out of range or there twice", (long long)index);
        seen[index] = true;
        float *row = rows != NULL ? rows + (size_t)index * embedder->base.info.dim : NULL;
        FLOE_TRY(read_vector(embedder, data->items[i], row, err));
    }
    return FLOE_OK;
}

static floe_status read_answer(lane *by, size_t count, float *rows, floe_error *err) {
    const floe_node *root = NULL;
    FLOE_TRY(floe_json_parse(&by->answer, floe_buf_view(&by->response.body), &root, err));
    const floe_node *data = floe_node_get(root, "data");
    FLOE_ENSURE(data != NULL && data->kind == FLOE_NODE_ARRAY, err, FLOE_CORRUPT, "there is no list `data`");
    FLOE_ENSURE(data->count == count, err, FLOE_CORRUPT, "%zu vectors for %zu texts", data->count, count);
    return read_items(by, data, rows, err);
}

/* Whatever is wrong with an answer of 200, the answer is what is wrong. */
static floe_status take_answer(lane *by, size_t count, float *rows, floe_error *err) {
    floe_error inner = {0};
    floe_status status = read_answer(by, count, rows, &inner);
    if (floe_failed(status)) {
        floe_code code = status.code == FLOE_NOMEM || status.code == FLOE_LIMIT ? status.code : FLOE_CORRUPT;
        return FLOE_FAIL(err, code, "the embedding service %s answered with what is no answer: %s", by->embedder->url,
                         inner.message);
    }
    return FLOE_OK;
}

/* ---- embedding ---- */

/* *ret_refused: the service wants fewer texts at once. */
static floe_status ask(lane *by, floe_str prefix, const floe_str *texts, size_t count, float *rows, bool *ret_refused,
                       floe_error *err) {
    floe_arena_reset(&by->answer);
    FLOE_TRY(print_request(by, prefix, texts, count, err));
    floe_http_request request = {.method = "POST",
                                 .url = by->embedder->url,
                                 .bearer = by->embedder->api_key,
                                 .content_type = "application/json",
                                 .body = floe_buf_view(&by->body)};
    FLOE_TRY(floe_http_send(by->client, &request, &by->response, err));
    int status = by->response.status;
    *ret_refused = count > 1 && (status == 400 || status == 413 || status == 422);
    if (*ret_refused) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_http_check(&request, &by->response, err));
    return take_answer(by, count, rows, err);
}

static floe_status embed_batches(lane *by, floe_str prefix, const floe_str *texts, size_t count, float *rows,
                                 floe_error *err) {
    struct http *embedder = by->embedder;
    size_t at = 0;
    while (at < count) {
        size_t left = count - at;
        size_t most = batch_of(embedder);
        size_t batch = left < most ? left : most;
        bool refused = false;
        float *target = rows != NULL ? rows + at * embedder->base.info.dim : NULL;
        FLOE_TRY(floe_error_prefix(err, ask(by, prefix, texts + at, batch, target, &refused, err), "texts %zu to %zu",
                                   at + 1, at + batch));
        if (refused) {
            halve_batch(embedder, batch);
        } else {
            at += batch;
        }
    }
    return FLOE_OK;
}

static floe_status embed_by(lane *by, floe_str prefix, const floe_str *texts, size_t count, float *rows,
                            floe_error *err) {
    if (by->client == NULL) {
        FLOE_TRY(floe_http_client_open(&by->embedder->how, &by->client, err));
    }
    return embed_batches(by, prefix, texts, count, rows, err);
}

static floe_status embed_all(struct http *embedder, floe_str prefix, const floe_str *texts, size_t count, float *rows,
                             floe_error *err) {
    lane *by = take_lane(embedder);
    floe_status status = embed_by(by, prefix, texts, count, rows, err);
    give_lane(embedder, by);
    if (floe_failed(status)) {
        /* A service may repeat the key it was sent. */
        floe_secret_hide(floe_str_of(embedder->api_key), err);
    }
    return status;
}

static floe_status http_embed(floe_embedder *base, floe_embed_as as, const floe_str *texts, size_t count,
                              float *ret_vectors, floe_error *err) {
    struct http *embedder = (struct http *)base;
    floe_str prefix = as == FLOE_EMBED_QUERY ? embedder->query_prefix : embedder->document_prefix;
    return embed_all(embedder, prefix, texts, count, ret_vectors, err);
}

/* ---- opening ---- */

static void http_close(floe_embedder *base) {
    struct http *embedder = (struct http *)base;
    for (size_t i = 0; i < LANES; i++) {
        floe_http_client_close(&embedder->lanes[i].client);
        floe_http_response_close(&embedder->lanes[i].response);
        floe_buf_close(&embedder->lanes[i].body);
        floe_arena_close(&embedder->lanes[i].answer);
    }
    floe_arena_close(&embedder->arena);
    if (embedder->lock_ready) {
        (void)pthread_cond_destroy(&embedder->lane_freed);
        (void)pthread_mutex_destroy(&embedder->lock);
    }
    floe_free(embedder);
}

static void close_http(struct http **embedder) {
    if (*embedder != NULL) {
        http_close(&(*embedder)->base);
        *embedder = NULL;
    }
}

static floe_status check_options(const floe_embedder_options *options, floe_error *err) {
    bool is_url = floe_str_starts_with(options->url, FLOE_STR("http://")) ||
                  floe_str_starts_with(options->url, FLOE_STR("https://"));
    FLOE_ENSURE(is_url, err, FLOE_INVALID,
                "search: url \"%.*s\" must be the http or https address of an embeddings route (…/v1/embeddings)",
                FLOE_STR_BRIEF(options->url));
    FLOE_ENSURE(options->model.len > 0, err, FLOE_INVALID, "search: embedder http needs `model`");
    FLOE_ENSURE(options->batch_max <= BATCH_MAX, err, FLOE_INVALID, "%zu texts in one request, at most %d",
                options->batch_max, BATCH_MAX);
    FLOE_ENSURE(options->dim <= FLOE_EMBED_DIM_MAX, err, FLOE_INVALID, "vectors of %zu floats, at most %d",
                options->dim, FLOE_EMBED_DIM_MAX);
    return FLOE_OK;
}

static floe_status copy_options(struct http *embedder, const floe_embedder_options *options, floe_error *err) {
    floe_arena *arena = &embedder->arena;
    embedder->url = floe_arena_strndup(arena, options->url.ptr, options->url.len);
    embedder->api_key =
        floe_arena_strndup(arena, options->api_key.len > 0 ? options->api_key.ptr : "", options->api_key.len);
    embedder->query_prefix = floe_arena_str(arena, options->query_prefix);
    embedder->document_prefix = floe_arena_str(arena, options->document_prefix);
    embedder->batch = options->batch_max != 0 ? options->batch_max : BATCH_DEFAULT;
    embedder->base.info = (floe_embedder_info){.kind = FLOE_EMBEDDER_HTTP,
                                               .model = floe_arena_str(arena, options->model),
                                               .dim = options->dim,
                                               .batch_max = embedder->batch,
                                               .thread_count = LANES};
    return floe_arena_check(arena, err);
}

static floe_status set_client(struct http *embedder, const floe_embedder_options *options, floe_error *err) {
    embedder->how = (floe_http_client_options){.timeout_ms = options->timeout_ms,
                                               .retry_max = options->retry_max == 0          ? RETRY_DEFAULT
                                                            : options->retry_max == UINT_MAX ? 0
                                                                                             : options->retry_max,
                                               .cancelled = options->cancelled,
                                               .sleep_ms = options->sleep_ms};
    if (options->ca_file != NULL) {
        embedder->how.ca_file = floe_arena_strdup(&embedder->arena, options->ca_file);
    }
    return floe_arena_check(&embedder->arena, err);
}

static void init_lanes(struct http *embedder) {
    for (size_t i = 0; i < LANES; i++) {
        lane *made = &embedder->lanes[i];
        made->embedder = embedder;
        floe_arena_init(&made->answer, ANSWER_ARENA);
        floe_http_response_init(&made->response, BODY_MAX);
        floe_buf_init(&made->body, REQUEST_MAX);
        embedder->free_lanes[embedder->free_count++] = made;
    }
}

static floe_status fill(struct http *embedder, const floe_embedder_options *options, floe_error *err) {
    FLOE_TRY(copy_options(embedder, options, err));
    FLOE_TRY(set_client(embedder, options, err));
    FLOE_TRY(floe_http_client_open(&embedder->how, &embedder->free_lanes[embedder->free_count - 1]->client, err));
    if (options->dim == 0) {
        FLOE_TRY(embed_all(embedder, embedder->document_prefix, &FLOE_STR("dimension"), 1, NULL, err));
    }
    floe_embedder_set_fingerprint(&embedder->base, FLOE_STR("http"), embedder->query_prefix, embedder->document_prefix);
    return FLOE_OK;
}

floe_status floe_embedder_http_open(const floe_embedder_options *options, floe_embedder **ret_embedder,
                                    floe_error *err) {
    static const floe_embedder_ops ops = {http_embed, http_close};
    FLOE_CLEANUP(close_http) struct http *embedder = NULL;
    FLOE_TRY(check_options(options, err));
    FLOE_TRY(floe_alloc(1, sizeof(*embedder), &embedder, err));
    embedder->base.ops = &ops;
    floe_arena_init(&embedder->arena, FLOE_MIB(1));
    init_lanes(embedder);
    FLOE_ASSERT(pthread_mutex_init(&embedder->lock, NULL) == 0);
    FLOE_ASSERT(pthread_cond_init(&embedder->lane_freed, NULL) == 0);
    embedder->lock_ready = true;
    FLOE_TRY(fill(embedder, options, err));
    *ret_embedder = &embedder->base;
    embedder = NULL;
    return FLOE_OK;
}
