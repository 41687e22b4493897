/*
 * Building the vector file of a generation.
 *
 * Phases: collect every distinct text of every unit → look each up in the old file → embed those it has not → write all.
 * Documents are embedded in the order of their length, so that a batch holds texts of like length.
 */
#include "vector/meaning_int.h"

#include "core/limits.h"
#include "core/mem.h"

#include <stdlib.h>

#define TEXT_ARENA_MAX FLOE_GIB(4)
/* Texts given to the embedder at once; between two calls a build can be told how far it is. */
#define EMBED_AT_ONCE 1024
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

typedef struct assembly {
    const floe_embedder_info *about;
    floe_vectors_job *job;
    const floe_ann *old;
    uint64_t *ids;
    float *rows;
    size_t count;
    size_t searched; /* texts that are no column's */
} assembly;

static void assembly_free(assembly *made) {
    floe_free(made->ids);
    floe_free(made->rows);
}

static floe_status embed_pending(assembly *made, const floe_str *texts, size_t count, floe_error *err) {
    float *rows = made->rows + made->count * made->about->dim;
    made->count += count;
    return count > 0 ? floe_embedder_embed(made->job->embedder, FLOE_EMBED_DOCUMENT, texts, count, rows, err) : FLOE_OK;
}

/* Rows of the old file first, then what is embedded. */
static void copy_old(assembly *made, collection *all) {
    size_t left = 0;
    for (size_t i = 0; i < all->count; i++) {
        uint32_t slot = 0;
        if (made->old && floe_ann_find(made->old, all->texts[i].id, &slot)) {
            made->ids[made->count] = all->texts[i].id;
            memcpy(made->rows + made->count * made->about->dim, floe_ann_row(made->old, slot),
                   made->about->dim * sizeof(float));
            made->count++;
        } else {
            all->texts[left++] = all->texts[i];
        }
    }
    all->count = left;
}

static floe_status embed_new(assembly *made, collection *all, floe_error *err) {
    floe_str pending[EMBED_AT_ONCE];
    size_t count = 0;
    if (all->count > 0) {
        qsort(all->texts, all->count, sizeof(*all->texts), compare_texts);
    }
    for (size_t i = 0; i < all->count; i++) {
        made->ids[made->count + count] = all->texts[i].id;
        pending[count++] = all->texts[i].text;
        made->job->documents_embedded += all->texts[i].is_document ? 1 : 0;
        made->job->words_embedded += all->texts[i].is_document ? 0 : 1;
        if (count == EMBED_AT_ONCE) {
            FLOE_TRY(embed_pending(made, pending, count, err));
            count = 0;
        }
    }
    return embed_pending(made, pending, count, err);
}

static floe_status write_file(const assembly *made, floe_error *err) {
    FLOE_CLEANUP(floe_ann_close) floe_ann *ann = NULL;
    /* Columns are only compared where their tables are likely, a filter that a scan answers; so a graph pays when what is
     * searched as a whole is large, not when all is. */
    floe_ann_options options = {.kind = made->searched < GRAPH_MIN ? FLOE_ANN_SCAN : FLOE_ANN_AUTO,
                                .dim = made->about->dim,
                                .fingerprint = made->about->fingerprint};
    floe_ann_vectors vectors = {made->ids, made->rows, made->count};
    FLOE_TRY(floe_ann_build(&options, &vectors, &ann, err));
    return floe_ann_write(ann, made->job->new_path, err);
}

static floe_status assemble(collection *all, floe_vectors_job *job, const floe_ann *old, floe_error *err) {
    __attribute__((cleanup(assembly_free)))
    assembly made = {.about = floe_embedder_describe(job->embedder), .job = job, .old = old};
    size_t needed = all->count;
    for (size_t i = 0; i < all->count; i++) {
        made.searched += all->texts[i].is_column ? 0 : 1;
    }
    FLOE_TRY(floe_alloc(needed, sizeof(uint64_t), &made.ids, err));
    FLOE_TRY(floe_alloc(needed * made.about->dim, sizeof(float), &made.rows, err));
    copy_old(&made, all);
    job->same = old && all->count == 0 && floe_ann_describe(old)->count == needed;
    if (job->same) {
        return FLOE_OK;
    }
    FLOE_TRY(embed_new(&made, all, err));
    return write_file(&made, err);
}

/* The old vectors, or NULL when there are none of this model that can be trusted. */
static floe_status open_old(floe_vectors_job *job, floe_ann **ret_old, floe_error *err) {
    const floe_embedder_info *about = floe_embedder_describe(job->embedder);
    floe_error cause = {0};
    if (!job->old_path || !floe_failed(floe_ann_open(job->old_path, about->dim, about->fingerprint, ret_old, &cause))) {
        return FLOE_OK;
    }
    bool replaced = cause.code == FLOE_CORRUPT || cause.code == FLOE_NOT_FOUND || cause.code == FLOE_CONFLICT;
    FLOE_ENSURE(replaced, err, cause.code, "%s", cause.message);
    return FLOE_OK;
}

floe_status floe_vectors_build(floe_docstore *store, floe_vectors_job *job, floe_error *err) {
    FLOE_CLEANUP(floe_ann_close) floe_ann *old = NULL;
    __attribute__((cleanup(collection_close))) collection all = {0};
    floe_docstore_sink learner = {.unit = learn_unit, .context = &all};
    floe_docstore_sink sink = {.unit = take_unit, .context = &all};
    floe_str abbreviations = {0};
    floe_arena_init(&all.arena, TEXT_ARENA_MAX);
    floe_arena_init(&all.scratch, FLOE_UNIT_BYTES_MAX * 4);
    floe_map_init(&all.known, &all.arena);
    FLOE_TRY(floe_docstore_abbreviations(store, &all.arena, &abbreviations, err));
    FLOE_TRY(floe_speller_init(&all.speller, &all.arena, abbreviations, err));
    FLOE_TRY(floe_docstore_each(store, &learner, err));
    FLOE_TRY(floe_docstore_each(store, &sink, err));
    FLOE_TRY(open_old(job, &old, err));
    return assemble(&all, job, old, err);
}
