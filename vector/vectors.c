/*
 * The vectors that a generation needs, in the store beside the generations.
 *
 * Phases: collect every distinct text of every unit → embed those that the store has not, and commit them → (the generation is
 * published) → remove the vectors that no text has any more, and commit. So whatever a reader finds published has its vectors,
 * and a build that is killed in between leaves some too many, which the next one removes. Documents are embedded in the order
 * of their length, so that a batch holds texts of like length.
 */
#include "vector/meaning_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"

#include <stdlib.h>

#define TEXT_ARENA_MAX FLOE_GIB(4)
/* Texts given to the embedder at once; between two calls a build can be told how far it is. */
#define EMBED_AT_ONCE 1024
/* Some minutes of work. */
#define COMMIT_EACH 65536
/* Texts other than columns from which a graph over all of them is worth its building: each question scans one kind of them, a
 * few milliseconds for so many. */
#define GRAPH_MIN 131072

typedef struct needed_text {
    floe_str text;
    uint64_t id;
    bool is_document, is_column; /* a document; of a column only */
} needed_text;

typedef struct collection {
    floe_arena arena;
    floe_arena scratch; /* one unit */
    floe_speller speller;
    floe_map known; /* text → needed_text's number + 1 */
    needed_text *texts;
    size_t count, capacity;
} collection;

static void collection_close(collection *all) {
    floe_arena_close(&all->arena);
    floe_arena_close(&all->scratch);
}

static floe_status take_text(void *context, floe_link_id link, size_t part, floe_str text, floe_error *err) {
    collection *all = context;
    (void)part;
    const void *known = floe_map_get(&all->known, text);
    if (known) {
        needed_text *earlier = &all->texts[(uintptr_t)known - 1];
        earlier->is_document = earlier->is_document || link < FLOE_LINK_DOCUMENTS;
        earlier->is_column = earlier->is_column && link == FLOE_LINK_COLUMN;
        return FLOE_OK;
    }
    floe_str copy = floe_arena_str(&all->arena, text);
    needed_text *added = FLOE_ARENA_PUSH(&all->arena, all->texts, all->count, all->capacity);
    FLOE_TRY(floe_arena_check(&all->arena, err));
    *added = (needed_text){copy, floe_wording_id(copy), link < FLOE_LINK_DOCUMENTS, link == FLOE_LINK_COLUMN};
    (void)floe_map_put(&all->known, copy, (void *)(uintptr_t)all->count);
    return floe_arena_check(&all->arena, err);
}

static floe_status take_unit(void *context, const floe_unit *row, floe_str body, int64_t documents, floe_error *err) {
    collection *all = context;
    floe_wording_sink sink = {.text = take_text, .context = all};
    floe_unit unit = *row;
    (void)documents;
    floe_arena_reset(&all->scratch);
    FLOE_TRY(floe_unit_decode(body, &all->scratch, &unit, err));
    return floe_wording_each(&unit, &all->speller, &sink, err);
}

/* The pass before: what words a namespace spells out must be known before the first one is read. */
static floe_status learn_unit(void *context, const floe_unit *row, floe_str body, int64_t documents, floe_error *err) {
    collection *all = context;
    floe_unit unit = *row;
    (void)documents;
    if (row->kind == FLOE_UNIT_TABLE) {
        floe_arena_reset(&all->scratch);
        FLOE_TRY(floe_unit_decode(body, &all->scratch, &unit, err));
        floe_speller_learn(&all->speller, &unit);
    }
    return floe_arena_check(&all->arena, err);
}

/* ---- embedding ---- */

static int compare_texts(const void *a, const void *b) {
    const needed_text *left = a;
    const needed_text *right = b;
    if (left->text.len != right->text.len) {
        return left->text.len < right->text.len ? -1 : 1;
    }
    return left->id < right->id ? -1 : left->id > right->id;
}

/* Embeds texts that the store has not, and puts them in. */
static floe_status embed_some(floe_vectors_job *job, const needed_text *texts, size_t count, uint64_t *ids, float *rows,
                              floe_error *err) {
    floe_str pending[EMBED_AT_ONCE];
    size_t dim = floe_embedder_describe(job->embedder)->dim;
    for (size_t i = 0; i < count; i++) {
        ids[i] = texts[i].id;
        pending[i % EMBED_AT_ONCE] = texts[i].text;
        job->documents_embedded += texts[i].is_document ? 1 : 0;
        job->words_embedded += texts[i].is_document ? 0 : 1;
        size_t ready = i % EMBED_AT_ONCE + 1;
        if (ready == EMBED_AT_ONCE || i + 1 == count) {
            float *to = rows + (i + 1 - ready) * dim;
            FLOE_TRY(floe_embedder_embed(job->embedder, FLOE_EMBED_DOCUMENT, pending, ready, to, err));
        }
    }
    floe_ann_vectors vectors = {ids, rows, count};
    return floe_ann_store_put(job->store, &vectors, err);
}

/* What is committed now and then is not lost when a long build is ended: the next one goes on from there. */
static floe_status add_missing(floe_vectors_job *job, needed_text *texts, size_t count, floe_error *err) {
    FLOE_AUTO_FREE uint64_t *ids = NULL;
    FLOE_AUTO_FREE float *rows = NULL;
    size_t most = count < COMMIT_EACH ? count : COMMIT_EACH;
    FLOE_TRY(floe_alloc(most, sizeof(uint64_t), &ids, err));
    FLOE_TRY(floe_alloc(most * floe_embedder_describe(job->embedder)->dim, sizeof(float), &rows, err));
    qsort(texts, count, sizeof(*texts), compare_texts);
    for (size_t from = 0; from < count; from += most) {
        size_t some = count - from < most ? count - from : most;
        FLOE_TRY(embed_some(job, texts + from, some, ids, rows, err));
        if (from + some == count && floe_ann_store_compaction_due(job->store)) {
            FLOE_TRY(floe_ann_store_compact(job->store, err));
        }
        FLOE_TRY(floe_ann_store_commit(job->store, err));
    }
    return FLOE_OK;
}

/* ---- what the store has and what it lacks ---- */

/* Marks the slots of texts that are there, and moves those that are not to the front. Returns how many these are. */
static size_t find_missing(const floe_ann_view *view, collection *all, uint64_t *used) {
    size_t missing = 0;
    for (size_t i = 0; i < all->count; i++) {
        uint32_t slot = 0;
        if (floe_ann_view_find(view, all->texts[i].id, &slot)) {
            used[slot / 64] |= UINT64_C(1) << slot % 64;
        } else {
            all->texts[missing++] = all->texts[i];
        }
    }
    return missing;
}

/* The ids that no text has. */
static floe_status find_stale(const floe_ann_view *view, const uint64_t *used, floe_vectors_job *job, floe_error *err) {
    floe_ann_view_info info;
    floe_ann_view_describe(view, &info);
    FLOE_TRY(floe_alloc(info.alive, sizeof(uint64_t), &job->stale, err));
    for (uint32_t slot = 0; slot < info.slot_count; slot++) {
        bool is_used = (used[slot / 64] >> slot % 64 & 1) != 0;
        if (!is_used && floe_ann_view_id(view, slot, &job->stale[job->stale_count])) {
            job->stale_count++;
        }
    }
    return FLOE_OK;
}

static floe_status compare(floe_vectors_job *job, const floe_ann_view *view, collection *all, size_t *ret_missing,
                           floe_error *err) {
    FLOE_AUTO_FREE uint64_t *used = NULL;
    floe_ann_view_info info;
    floe_ann_view_describe(view, &info);
    FLOE_TRY(floe_alloc(info.slot_count / 64 + 1, sizeof(uint64_t), &used, err));
    *ret_missing = find_missing(view, all, used);
    return find_stale(view, used, job, err);
}

static floe_status fill_store(floe_vectors_job *job, collection *all, floe_error *err) {
    size_t missing = 0;
    const floe_ann_view *view = floe_ann_store_view(job->store);
    floe_status status = compare(job, view, all, &missing, err);
    floe_ann_view_release(&view);
    FLOE_TRY(status);
    if (missing > 0) {
        return add_missing(job, all->texts, missing, err);
    }
    /* A generation without texts finds a store too. */
    return all->count == 0 ? floe_ann_store_commit(job->store, err) : FLOE_OK;
}

/* ---- the store ---- */

const char *floe_vectors_folder(floe_arena *arena, const char *folder, floe_str fingerprint) {
    return floe_arena_printf(arena, "%s/" FLOE_VECTORS_PREFIX "%016llx", folder,
                             (unsigned long long)floe_wording_id(fingerprint));
}

/* Opens the store; one that is damaged or somebody else's is never trusted, but begun anew. */
static floe_status open_store(floe_vectors_job *job, const char *path, floe_ann_kind kind, floe_error *err) {
    const floe_embedder_info *about = floe_embedder_describe(job->embedder);
    floe_ann_options options = {.kind = kind, .dim = about->dim, .fingerprint = about->fingerprint};
    floe_error cause = {0};
    floe_status status = floe_ann_store_open(path, &options, &job->store, &cause);
    if (status.code == FLOE_CORRUPT || status.code == FLOE_CONFLICT) {
        FLOE_TRY(floe_file_remove_all(path, err));
        return floe_ann_store_open(path, &options, &job->store, err);
    }
    return floe_failed(status) ? FLOE_FAIL(err, cause.code, "%s", cause.message) : FLOE_OK;
}

/* Columns are only compared where their tables are likely, a filter that a scan answers; so a graph pays when what is searched
 * as a whole is large, not when all is. */
static floe_ann_kind choose_kind(const collection *all) {
    size_t searched = 0;
    for (size_t i = 0; i < all->count; i++) {
        searched += all->texts[i].is_column ? 0 : 1;
    }
    return searched < GRAPH_MIN ? FLOE_ANN_SCAN : FLOE_ANN_AUTO;
}

floe_status floe_vectors_build(floe_docstore *docs, const char *folder, floe_vectors_job *job, floe_error *err) {
    __attribute__((cleanup(collection_close))) collection all = {0};
    floe_docstore_sink learner = {.unit = learn_unit, .context = &all};
    floe_docstore_sink sink = {.unit = take_unit, .context = &all};
    floe_str abbreviations = {0};
    floe_arena_init(&all.arena, TEXT_ARENA_MAX);
    floe_arena_init(&all.scratch, FLOE_UNIT_BYTES_MAX * 4);
    floe_map_init(&all.known, &all.arena);
    FLOE_TRY(floe_docstore_abbreviations(docs, &all.arena, &abbreviations, err));
    FLOE_TRY(floe_speller_init(&all.speller, &all.arena, abbreviations, err));
    FLOE_TRY(floe_docstore_each(docs, &learner, err));
    FLOE_TRY(floe_docstore_each(docs, &sink, err));
    const char *path = floe_vectors_folder(&all.arena, folder, floe_embedder_describe(job->embedder)->fingerprint);
    FLOE_TRY(floe_arena_check(&all.arena, err));
    FLOE_TRY(open_store(job, path, choose_kind(&all), err));
    return fill_store(job, &all, err);
}

floe_status floe_vectors_tidy(floe_vectors_job *job, floe_error *err) {
    if (!job->store || job->stale_count == 0) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_ann_store_remove(job->store, job->stale, job->stale_count, err));
    if (floe_ann_store_compaction_due(job->store)) {
        FLOE_TRY(floe_ann_store_compact(job->store, err));
    }
    return floe_ann_store_commit(job->store, err);
}

void floe_vectors_close(floe_vectors_job *job) {
    floe_ann_store_close(&job->store);
    floe_free(job->stale);
    job->stale = NULL;
}
