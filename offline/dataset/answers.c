/*
 * Answers that stay with the kernel: they are hashed and written from where they lie, beside the rows of the spine, and never
 * become a table of the engine. Where the engine has to see them (lists, request features, a spine with names that are in
 * the way) they become the table "answer".
 */
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"

static floe_status give(void *context, const floe_row_piece *piece, struct ArrowArray *ret_batch, floe_error *err) {
    const floe_pit_piece asked = {piece->first_column, piece->column_count, (size_t)piece->first_row,
                                  (size_t)piece->row_count};
    return floe_pit_pieces_get(context, &asked, ret_batch, err);
}

/* Rows on their way to whoever writes them are hashed while they are in the cache. */
static floe_status give_hashed(void *context, const floe_row_piece *piece, struct ArrowArray *ret_batch,
                               floe_error *err) {
    dataset_answers *answers = context;
    FLOE_AUTO_ARRAY batch = {0};
    FLOE_TRY(give(answers->pieces, piece, &batch, err));
    FLOE_TRY(floe_given_hash_take(&answers->hash, piece, &batch, err));
    *ret_batch = batch;
    batch.release = NULL;
    return FLOE_OK;
}

floe_status floe_dataset_answers_keep(dataset_job *job, floe_pit **pit, bool *ret_kept, floe_error *err) {
    dataset_answers *answers = &job->answers;
    floe_pit_stats stats;
    *ret_kept = false;
    if (floe_dataset_asks_requests(job->asked) || floe_spine_names_clash(&job->spine)) {
        return FLOE_OK;
    }
    FLOE_TRY(floe_pit_pieces_open(*pit, &answers->pieces, err));
    if (!answers->pieces) {
        return FLOE_OK;
    }
    floe_pit_stats_get(*pit, &stats);
    FLOE_ENSURE(stats.label_count == job->label_count, err, FLOE_INTERNAL, "not every row of the spine has an answer");
    answers->giver.context = answers->pieces;
    answers->giver.columns = floe_pit_pieces_columns(answers->pieces, &answers->giver.column_count);
    answers->giver.row_count = stats.label_count;
    answers->giver.costly = floe_pit_spills(*pit);
    answers->giver.give = give;
    answers->pit = *pit;
    *pit = NULL;
    *ret_kept = true;
    return FLOE_OK;
}

void floe_dataset_answers_close(dataset_answers *answers) {
    floe_given_hash_close(&answers->hash);
    floe_pit_pieces_close(&answers->pieces);
    floe_pit_close(&answers->pit);
}

#define HASHED_COLUMNS                                                                                                 \
    ((size_t)64) /* of a table of the engine's at a time: it holds blocks of every column that it reads */

/* Columns [first, last) of the table "answer", beside those before. */
static floe_status hash_columns(const dataset_job *job, size_t first, size_t last, const content_hash *beside,
                                content_hash *ret_hash, floe_error *err) {
    FLOE_AUTO_BUF sql;
    FLOE_AUTO_STREAM stream = {0};
    floe_buf_init(&sql, FLOE_MIB(16));
    for (size_t i = first; i < last; i++) {
        char name[FLOE_REF_NAME_MAX];
        floe_buf_text(&sql, i > first ? ", " : "SELECT ");
        floe_sql_quote_name(&sql, floe_str_of(floe_ref_name(&job->asked->refs[i], "__", name)));
    }
    floe_buf_text(&sql, " FROM answer");
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_stream(job->session, sql.ptr, NULL, &stream, err));
    return floe_content_hash(&stream, beside, true, job->arena, ret_hash, err);
}

static floe_status hash_table(const dataset_job *job, const content_hash *spine, content_hash *ret_hash,
                              floe_error *err) {
    size_t columns = job->asked->ref_count;
    content_hash before = *spine, some = {0};
    column_stats *stats = floe_arena_alloc(job->arena, columns, sizeof(*stats));
    FLOE_TRY(floe_arena_check(job->arena, err));
    for (size_t first = 0, last; first < columns; first = last) {
        last = columns - first > HASHED_COLUMNS ? first + HASHED_COLUMNS : columns;
        FLOE_TRY(hash_columns(job, first, last, &before, &some, err));
        memcpy(stats + first, some.stats, (last - first) * sizeof(*stats));
        if (last < columns) {
            FLOE_TRY(floe_content_hash_join(&before, &some, job->arena, &before, err));
        }
    }
    *ret_hash = some;
    ret_hash->stats = stats;
    ret_hash->column_count = columns;
    return FLOE_OK;
}

floe_status floe_dataset_answers_hash(dataset_job *job, const content_hash *spine, content_hash *ret_hash,
                                      floe_error *err) {
    if (job->answers.hash.pieces) {
        return floe_given_hash_end(&job->answers.hash, spine, job->arena, ret_hash, err);
    }
    if (job->answers.pieces) {
        return floe_content_hash_given(&job->answers.giver, job->run ? job->run->threads : 0, spine, job->arena,
                                       ret_hash, err);
    }
    return hash_table(job, spine, ret_hash, err);
}

#define BATCH_ROWS 122880 /* of a table of the engine's that one of its threads reads at a time */

/* How many of the engine's threads are to write; 0: as many as it has. A thread takes a batch at a time, so of few rows one writes,
 * and others would only hold memory. Where the engine's memory is little, as many as fit: with more it would write down and read back
 * what it holds, which takes longer than one thread alone. */
static uint64_t writers(const dataset_job *job) {
    if (!job->answers.pieces && !job->answers.giver.costly) {
        return 0;
    }
    uint64_t columns = job->spine.column_count + job->asked->ref_count;
    uint64_t batches = ((uint64_t)job->label_count + BATCH_ROWS - 1) / BATCH_ROWS;
    uint64_t fit = job->answers.giver.costly ? job->engine_bytes / (columns * DATASET_WRITER_BYTES + 1) : batches;
    fit = fit < batches ? fit : batches;
    return fit > 0 ? fit : 1;
}

static floe_status prepare(dataset_job *job, const char *select, dataset_output *ret_output, floe_error *err) {
    uint64_t fit = writers(job);
    FLOE_TRY(fit > 0 ? floe_threads_at_most(job, fit < INT32_MAX ? (int64_t)fit : INT32_MAX, err) : FLOE_OK);
    return floe_output_prepare(job, select, ret_output, err);
}

floe_status floe_dataset_answers_write(dataset_job *job, bool hashes, dataset_output *ret_output, floe_error *err) {
    FLOE_CLEANUP(floe_given_end) floe_given *given = NULL;
    FLOE_AUTO_BUF select;
    floe_buf_init(&select, FLOE_MIB(64));
    dataset_answers *answers = &job->answers;
    floe_row_giver giver = answers->giver;
    if (answers->pieces && hashes) {
        FLOE_TRY(floe_given_hash_open(&answers->giver, job->run ? job->run->threads : 0, &answers->hash, err));
        giver.context = answers;
        giver.give = give_hashed;
    }
    if (answers->pieces) {
        FLOE_TRY(floe_session_give(job->session, "spine", &giver, &select, &given, err));
    } else {
        floe_buf_text(&select, "SELECT s.*, a.* FROM spine s POSITIONAL JOIN answer a");
    }
    FLOE_TRY(floe_buf_check(&select, err));
    return prepare(job, select.ptr, ret_output, err);
}
