/*
 * The local embedder: a BERT encoder on the processor.
 *
 * A call borrows one or more seats (a seat is a work area, there are thread_count of them) and runs one thread per seat, the
 * caller's among them. Each takes texts from the shared list, one at a time, tokenizes them until its batch is full, runs the
 * forward pass and writes the vectors where they belong: no text waits for another's padding, and no thread for another's
 * batch. Invariant: a seat is used by one call at a time. Lock: `lock` guards `free_seats` and nothing else.
 */
#include "vector/embed/bert_int.h"
#include "vector/embed/embed_int.h"

#include "core/file.h"
#include "core/hash.h"
#include "vector/embed/gemm_int.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* Tokens of a forward pass: enough for the products to run at full speed, few enough for the caches. */
#define BATCH_TOKENS 512
/* A thread is worth starting for this many tokens. */
#define THREAD_TOKENS 64
#define BATCH_TEXTS (BATCH_TOKENS / 2)
#define THREADS_MAX 256

#ifndef FLOE_MODEL_DIR
#define FLOE_MODEL_DIR ""
#endif

struct job;

struct seat {
    floe_bert_work work;
    int32_t *ids;
    size_t lens[BATCH_TEXTS];
    float *rows[BATCH_TEXTS];
    /* of the call that uses it */
    struct job *job;
    pthread_t thread;
    bool started;
    floe_status status;
    floe_error error;
};

struct local {
    floe_embedder base;
    floe_arena arena;
    floe_model model;
    floe_mapped mapped;
    floe_bert bert;
    floe_tokenizer *tokenizer;
    size_t batch_tokens;
    pthread_mutex_t lock;
    pthread_cond_t seat_freed;
    bool lock_ready;
    struct seat *seats;
    struct seat **free_seats;
    size_t seat_count, free_count;
};

/* One call to embed, shared by its threads. */
struct job {
    struct local *embedder;
    floe_str prefix;
    const floe_str *texts;
    size_t count;
    float *vectors;
    size_t batch_tokens;
    atomic_size_t next;
    atomic_bool failed;
};

/* ---- seats ---- */

static floe_status open_seat(const struct local *embedder, struct seat *seat, floe_error *err) {
    const floe_model *model = &embedder->model;
    FLOE_TRY(floe_alloc(embedder->batch_tokens, sizeof(int32_t), &seat->ids, err));
    return floe_bert_work_open(&model->bert, embedder->batch_tokens, model->token_max, &seat->work, err);
}

static void close_seat(struct seat *seat) {
    floe_bert_work_close(&seat->work);
    floe_free(seat->ids);
}

/* Takes at least one seat, waiting for it, and as many more of `wanted` as are free. */
static size_t take_seats(struct local *embedder, size_t wanted, struct seat **ret_seats) {
    size_t count = 0;
    (void)pthread_mutex_lock(&embedder->lock);
    while (embedder->free_count == 0) {
        (void)pthread_cond_wait(&embedder->seat_freed, &embedder->lock);
    }
    while (count < wanted && embedder->free_count > 0) {
        ret_seats[count++] = embedder->free_seats[--embedder->free_count];
    }
    (void)pthread_mutex_unlock(&embedder->lock);
    return count;
}

static void give_seats(struct local *embedder, struct seat *const *seats, size_t count) {
    (void)pthread_mutex_lock(&embedder->lock);
    for (size_t i = 0; i < count; i++) {
        embedder->free_seats[embedder->free_count++] = seats[i];
    }
    (void)pthread_cond_broadcast(&embedder->seat_freed);
    (void)pthread_mutex_unlock(&embedder->lock);
}

/* ---- embedding ---- */

/* Tokenizes texts into the seat until the batch is full or none is left. */
static floe_bert_batch gather(struct job *job, struct seat *seat) {
    struct local *embedder = job->embedder;
    size_t text_max = embedder->model.token_max;
    floe_bert_batch batch = {.ids = seat->ids, .lens = seat->lens};
    while (batch.count < BATCH_TEXTS && batch.token_count < job->batch_tokens &&
           batch.token_count + text_max <= embedder->batch_tokens) {
        size_t text = atomic_fetch_add(&job->next, 1);
        if (text >= job->count) {
            break;
        }
        seat->rows[batch.count] = job->vectors + text * embedder->model.bert.hidden;
        seat->lens[batch.count] = floe_tokenizer_encode(embedder->tokenizer, job->prefix, job->texts[text],
                                                        seat->ids + batch.token_count, text_max);
        batch.token_count += seat->lens[batch.count++];
    }
    return batch;
}

static floe_status check_rows(const struct local *embedder, const struct seat *seat, size_t count, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        FLOE_ENSURE(floe_embed_normalise(seat->rows[i], embedder->model.bert.hidden), err, FLOE_CORRUPT,
                    "%s gives no finite vector for a text: the weights are damaged", embedder->model.weights_path);
    }
    return FLOE_OK;
}

static floe_status work_off(struct job *job, struct seat *seat, floe_error *err) {
    floe_bert_batch batch = {0};
    do {
        batch = gather(job, seat);
        if (batch.count > 0) {
            floe_bert_forward(&job->embedder->bert, &seat->work, &batch, seat->rows);
            FLOE_TRY(check_rows(job->embedder, seat, batch.count, err));
        }
    } while (batch.count > 0 && !atomic_load(&job->failed));
    return FLOE_OK;
}

static void *work(void *context) {
    struct seat *self = context;
    floe_error_clear(&self->error);
    self->status = work_off(self->job, self, &self->error);
    if (floe_failed(self->status)) {
        atomic_store(&self->job->failed, true);
    }
    return NULL;
}

/* Runs the job on all seats; where a thread cannot be had, the others do its work. */
static floe_status run(struct job *job, struct seat *const *seats, size_t count, floe_error *err) {
    for (size_t i = 0; i < count; i++) {
        seats[i]->job = job;
        seats[i]->status = FLOE_OK;
    }
    for (size_t i = 1; i < count; i++) {
        seats[i]->started = pthread_create(&seats[i]->thread, NULL, work, seats[i]) == 0;
    }
    (void)work(seats[0]);
    for (size_t i = 1; i < count; i++) {
        if (seats[i]->started) {
            (void)pthread_join(seats[i]->thread, NULL);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (floe_failed(seats[i]->status)) {
            return FLOE_FAIL(err, seats[i]->error.code, "%s", seats[i]->error.message);
        }
    }
    return FLOE_OK;
}

/* About how many tokens the texts have: four bytes make one. */
static size_t guess_tokens(const struct local *embedder, const floe_str *texts, size_t count, size_t prefix_len) {
    size_t tokens = 0;
    for (size_t i = 0; i < count; i++) {
        size_t guess = 2 + (prefix_len + texts[i].len) / 4;
        tokens += guess < embedder->model.token_max ? guess : embedder->model.token_max;
    }
    return tokens;
}

static floe_status local_embed(floe_embedder *base, floe_embed_as as, const floe_str *texts, size_t count,
                               float *ret_vectors, floe_error *err) {
    struct local *embedder = (struct local *)base;
    struct seat *seats[THREADS_MAX];
    struct job job = {.embedder = embedder, .texts = texts, .count = count, .vectors = ret_vectors};
    job.prefix = as == FLOE_EMBED_QUERY ? embedder->model.query_prefix : embedder->model.document_prefix;
    size_t tokens = guess_tokens(embedder, texts, count, job.prefix.len);
    size_t wanted = 1 + tokens / THREAD_TOKENS;
    wanted = wanted < count ? wanted : count;
    size_t seat_count = take_seats(embedder, wanted < embedder->seat_count ? wanted : embedder->seat_count, seats);
    /* A short list is split evenly, a long one into full batches. */
    size_t share = tokens / seat_count + 1;
    job.batch_tokens = share < BATCH_TOKENS ? share : BATCH_TOKENS;
    floe_status status = run(&job, seats, seat_count, err);
    give_seats(embedder, seats, seat_count);
    return status;
}

/* ---- opening ---- */

static void local_close(floe_embedder *base) {
    struct local *embedder = (struct local *)base;
    for (size_t i = 0; embedder->seats != NULL && i < embedder->seat_count; i++) {
        close_seat(&embedder->seats[i]);
    }
    floe_free(embedder->seats);
    floe_free(embedder->free_seats);
    floe_tokenizer_close(&embedder->tokenizer);
    floe_mapped_close(&embedder->mapped);
    floe_arena_close(&embedder->arena);
    if (embedder->lock_ready) {
        (void)pthread_cond_destroy(&embedder->seat_freed);
        (void)pthread_mutex_destroy(&embedder->lock);
    }
    floe_free(embedder);
}

static void close_local(struct local **embedder) {
    if (*embedder != NULL) {
        local_close(&(*embedder)->base);
        *embedder = NULL;
    }
}

static size_t processors(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (size_t)count;
}

const char *floe_embedder_local_folder(void) {
    const char *from_environment = getenv("FLOE_MODEL_DIR");
    return from_environment != NULL && from_environment[0] != '\0' ? from_environment : FLOE_MODEL_DIR;
}

static floe_status read_model(struct local *embedder, const char *folder, floe_error *err) {
    if (!floe_file_is_dir(folder)) {
        return FLOE_FAIL(err, FLOE_NOT_FOUND,
                         "the embedding model is not at %s: run ./dev build, which fetches it, or let FLOE_MODEL_DIR "
                         "name a folder with a BERT encoder (config.json, vocab.txt, model.safetensors)",
                         folder[0] != '\0' ? folder : "any known place");
    }
    floe_status status = floe_model_read(folder, &embedder->arena, &embedder->model, err);
    if (status.code == FLOE_NOT_FOUND) {
        return floe_error_prefix(err, status,
                                 "the embedding model is not whole (run ./dev build, which fetches it, or correct "
                                 "FLOE_MODEL_DIR)");
    }
    return floe_error_prefix(err, status, "the embedding model %s", folder);
}

static floe_status read_vocab(struct local *embedder, uint64_t *hash, floe_error *err) {
    const floe_model *model = &embedder->model;
    FLOE_AUTO_BUF vocab;
    floe_buf_init(&vocab, FLOE_TOKENIZER_VOCAB_BYTES);
    FLOE_TRY(floe_file_read(model->vocab_path, &vocab, err));
    FLOE_TRY(floe_error_prefix(err,
                               floe_tokenizer_open(floe_buf_view(&vocab), &model->tokenizer, &embedder->tokenizer, err),
                               "%s", model->vocab_path));
    size_t count = floe_tokenizer_vocab_count(embedder->tokenizer);
    FLOE_ENSURE(count <= model->bert.vocab, err, FLOE_CORRUPT, "%s has %zu pieces, but config.json says vocab_size %zu",
                model->vocab_path, count, model->bert.vocab);
    *hash = floe_xxh64(vocab.ptr, vocab.len, *hash);
    return FLOE_OK;
}

static floe_status read_weights(struct local *embedder, uint64_t *hash, floe_error *err) {
    FLOE_AUTO_ARENA header;
    floe_tensors tensors = {0};
    floe_arena_init(&header, FLOE_MIB(64));
    FLOE_TRY(floe_mapped_open(embedder->model.weights_path, &embedder->mapped, err));
    floe_str file = {embedder->mapped.address, embedder->mapped.len};
    FLOE_TRY(floe_safetensors_parse(file, &header, &tensors, err));
    FLOE_TRY(floe_bert_load(&embedder->model.bert, &tensors, &embedder->arena, &embedder->bert, err));
    *hash = floe_xxh64(file.ptr, file.len, *hash);
    return FLOE_OK;
}

static floe_status describe(struct local *embedder, uint64_t hash, floe_error *err) {
    const floe_model *model = &embedder->model;
    char detail[128];
    (void)snprintf(detail, sizeof(detail), "%s %zu %d%d%d %016llx", floe_pooling_name(model->bert.pooling),
                   model->token_max, model->tokenizer.lower_case, model->tokenizer.strip_accents,
                   model->tokenizer.chinese_spaces, (unsigned long long)hash);
    FLOE_ENSURE(model->bert.hidden <= FLOE_EMBED_DIM_MAX, err, FLOE_LIMIT, "vectors of %zu floats, at most %d",
                model->bert.hidden, FLOE_EMBED_DIM_MAX);
    embedder->base.info = (floe_embedder_info){.kind = FLOE_EMBEDDER_LOCAL,
                                               .model = model->name,
                                               .dim = model->bert.hidden,
                                               .batch_max = BATCH_TEXTS * embedder->seat_count,
                                               .thread_count = embedder->seat_count};
    floe_embedder_set_fingerprint(&embedder->base, floe_str_of(detail), model->query_prefix, model->document_prefix);
    return FLOE_OK;
}

static floe_status open_seats(struct local *embedder, floe_error *err) {
    embedder->batch_tokens = BATCH_TOKENS + embedder->model.token_max;
    FLOE_TRY(floe_alloc(embedder->seat_count, sizeof(struct seat), &embedder->seats, err));
    FLOE_TRY(floe_alloc(embedder->seat_count, sizeof(struct seat *), &embedder->free_seats, err));
    for (size_t i = 0; i < embedder->seat_count; i++) {
        FLOE_TRY(open_seat(embedder, &embedder->seats[i], err));
        embedder->free_seats[embedder->free_count++] = &embedder->seats[i];
    }
    return FLOE_OK;
}

static void override_prefix(floe_arena *arena, floe_str given, floe_str *prefix) {
    if (given.ptr != NULL) {
        *prefix = floe_arena_str(arena, given);
    }
}

static floe_status open_model(struct local *embedder, const floe_embedder_options *options, floe_error *err) {
    floe_model *model = &embedder->model;
    uint64_t hash = 1;
    const char *folder = options->model_dir != NULL ? options->model_dir : floe_embedder_local_folder();
    FLOE_TRY(read_model(embedder, folder, err));
    override_prefix(&embedder->arena, options->query_prefix, &model->query_prefix);
    override_prefix(&embedder->arena, options->document_prefix, &model->document_prefix);
    FLOE_TRY(floe_arena_check(&embedder->arena, err));
    FLOE_ENSURE(model->query_prefix.len <= FLOE_KIB(64) && model->document_prefix.len <= FLOE_KIB(64), err, FLOE_LIMIT,
                "a prefix of more than 64 KiB");
    FLOE_TRY(read_vocab(embedder, &hash, err));
    FLOE_TRY(floe_error_prefix(err, read_weights(embedder, &hash, err), "%s", model->weights_path));
    FLOE_TRY(open_seats(embedder, err));
    return describe(embedder, hash, err);
}

floe_status floe_embedder_local_open(const floe_embedder_options *options, floe_embedder **ret_embedder,
                                     floe_error *err) {
    static const floe_embedder_ops ops = {local_embed, local_close};
    FLOE_CLEANUP(close_local) struct local *embedder = NULL;
    FLOE_ENSURE(options->thread_count <= THREADS_MAX, err, FLOE_INVALID, "%zu threads, at most %d",
                options->thread_count, THREADS_MAX);
    FLOE_TRY(floe_alloc(1, sizeof(*embedder), &embedder, err));
    embedder->base.ops = &ops;
    embedder->seat_count = options->thread_count != 0 ? options->thread_count : processors();
    floe_arena_init(&embedder->arena, FLOE_GIB(8));
    FLOE_ASSERT(pthread_mutex_init(&embedder->lock, NULL) == 0 && pthread_cond_init(&embedder->seat_freed, NULL) == 0);
    embedder->lock_ready = true;
    FLOE_TRY(open_model(embedder, options, err));
    *ret_embedder = &embedder->base;
    embedder = NULL;
    return FLOE_OK;
}
