/*
 * A training set, from request to file and manifest. Nothing is left behind by a build that fails or is cancelled: the
 * output is prepared beside its place, then the manifest is written, last the output is renamed into place; the session's
 * temporary tables go with it.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "offline/dataset/dataset_int.h"
#include "offline/lake_int.h"

#include <stdio.h>
#include <sys/resource.h>

/* The engine types that the content hash reads as they are; others are hashed as their text. */
static bool is_plain(floe_str type) {
    static const char *const plain[] = {"BOOLEAN",  "TINYINT",   "SMALLINT", "INTEGER",   "BIGINT",
                                        "FLOAT",    "DOUBLE",    "VARCHAR",  "BLOB",      "DATE",
                                        "UTINYINT", "USMALLINT", "UINTEGER", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE"};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++) {
        if (floe_str_is(type, plain[i])) {
            return true;
        }
    }
    return floe_str_starts_with(type, FLOE_STR("DECIMAL(")) && !floe_str_ends_with(type, FLOE_STR("]"));
}

floe_status floe_dataset_hash_rows(const dataset_job *job, const char *rest, content_hash *ret_hash, floe_error *err) {
    const spine_table *spine = &job->spine;
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(16));
    floe_buf_text(&sql, "SELECT ");
    for (size_t i = 0; i < spine->column_count; i++) {
        bool plain = is_plain(spine->columns[i].type);
        floe_buf_text(&sql, i > 0 ? ", " : "");
        floe_buf_text(&sql, plain ? "s." : "CAST(s.");
        floe_sql_quote_name(&sql, spine->columns[i].name);
        if (!plain) {
            floe_buf_text(&sql, " AS VARCHAR) AS ");
            floe_sql_quote_name(&sql, spine->columns[i].name);
        }
    }
    floe_buf_text(&sql, rest);
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_session_stream(job->session, sql.ptr, NULL, &stream, err));
    return floe_content_hash(&stream, NULL, false, job->arena, ret_hash, err);
}

/* Of a question with its labels; *ret_fits: false where they alone are too much, and it is as it was. */
static floe_status open_question(dataset_job *job, const char *spill_folder, floe_pit **ret_pit, bool *ret_fits,
                                 floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    FLOE_AUTO_STREAM labels = {0};
    FLOE_AUTO_BUF sql = {0};
    floe_pit_options options = floe_dataset_pit_options(job);
    options.spill_folder = spill_folder;
    options.run_bytes = job->run_bytes;
    options.answers_bytes = job->answers_bytes;
    FLOE_TRY(floe_pit_open(job->request->refs, job->request->ref_count, &options, &pit, err));
    floe_buf_init(&sql, FLOE_MIB(1));
    FLOE_TRY(floe_dataset_labels_sql(job, pit, &sql, err));
    FLOE_TRY(floe_session_stream(job->session, sql.ptr, NULL, &labels, err));
    FLOE_TRY(floe_pit_labels(pit, &labels, err));
    *ret_fits = (spill_folder ? floe_pit_label_bytes(pit) : floe_pit_slots_bytes(pit)) <= job->kernel_bytes;
    if (*ret_fits) {
        *ret_pit = pit;
        pit = NULL;
    }
    return FLOE_OK;
}

static floe_status feed_question(dataset_job *job, floe_pit *pit, floe_error *err) {
    for (size_t i = 0; i < job->scan_count; i++) {
        floe_dataset_progress(job, DATASET_READING, (double)i / (double)job->scan_count);
        const row_progress progress = {job, DATASET_READING, 0, job->scans[i].files.plan.rows};
        FLOE_TRY(floe_dataset_feed(job, &job->scans[i], &progress, pit, i, err));
    }
    return FLOE_OK;
}

/* Opens a question and feeds it. What a thread of the engine needs depends on the texts that it meets, so where they are too much for
 * several threads the sources are read again, by one. */
static floe_status open_fed(dataset_job *job, const char *folder, floe_pit **ret_pit, bool *ret_fits, floe_error *err) {
    FLOE_TRY(open_question(job, folder, ret_pit, ret_fits, err));
    if (!*ret_fits) {
        return FLOE_OK;
    }
    floe_status status = feed_question(job, *ret_pit, err);
    bool fewer = false;
    if (status.code == FLOE_LIMIT && job->request->memory_bytes > 0 && err) {
        floe_error ignored = {0};
        FLOE_IGNORE(floe_threads_alone(job, &fewer, &ignored));
    }
    if (!fewer) {
        return status;
    }
    floe_error_clear(err);
    floe_pit_close(ret_pit);
    FLOE_TRY(open_question(job, folder, ret_pit, ret_fits, err));
    return feed_question(job, *ret_pit, err);
}

/* By the kernel with one scan of each source: everything in memory, or what does not fit in its own file. */
static floe_status answer_question(dataset_job *job, floe_pit **pit, floe_pit_stats *ret_stats, floe_error *err) {
    floe_dataset_progress(job, "joining", -1);
    FLOE_TRY(floe_pit_run(*pit, job->run, err));
    floe_pit_stats_get(*pit, ret_stats);
    bool kept;
    FLOE_TRY(floe_dataset_answers_keep(job, pit, &kept, err));
    if (kept) {
        return job->answers.giver.costly ? floe_dataset_kernel_done(job, err) : FLOE_OK;
    }
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_pit_stream(*pit, &stream, err));
    return floe_session_load(job->session, "answer", &stream, err);
}

/* Times the memory, of a question some of whose rows and answers may stay. Of a larger one they would be few, and would take room
 * from the keys that have most rows, which are then answered through files. */
#define KEEPS_MOST 5

static floe_status answer_by_kernel(dataset_job *job, source_use *uses, floe_pit_stats *ret_stats, floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    const char *folder = NULL;
    FLOE_TRY(floe_dataset_plan_scans(job, err));
    for (size_t i = 0; i < job->scan_count; i++) {
        uses[i] = floe_source_used(&job->scans[i]);
    }
    bool whole = floe_partition_parts(job) == 1, fits = whole || floe_partition_by_kernel(job);
    if (fits && !whole) {
        FLOE_TRY(floe_lake_spill(job->lake, &folder, err));
        FLOE_TRY(floe_partition_parts(job) <= KEEPS_MOST ? floe_dataset_share_run(job, err) : FLOE_OK);
    }
    FLOE_TRY(floe_threads_for_scans(job, err));
    FLOE_TRY(fits ? open_fed(job, folder, &pit, &fits, err) : FLOE_OK);
    return fits ? answer_question(job, &pit, ret_stats, err) : floe_partition_answer(job, ret_stats, err);
}

/* The table "answer", or what the kernel keeps. */
static floe_status answer(dataset_job *job, dataset_facts *facts, floe_error *err) {
    size_t need_count;
    (void)floe_dataset_needs(job, &need_count);
    source_use *uses = floe_arena_alloc(job->arena, need_count + 1, sizeof(*uses));
    FLOE_TRY(floe_arena_check(job->arena, err));
    facts->sources = uses;
    facts->source_count = need_count;
    if (!job->pit) {
        return floe_dataset_answer_nothing(job, err);
    }
    if (!job->request->by_sql) {
        return answer_by_kernel(job, uses, &facts->stats, err);
    }
    floe_dataset_progress(job, "joining", -1);
    FLOE_TRY(floe_dataset_answer_by_sql(job, uses, &facts->stats.ties, err));
    for (size_t i = 0; i < need_count; i++) {
        facts->stats.rows_fed += uses[i].plan.rows;
    }
    return FLOE_OK;
}

floe_status floe_dataset_check_spine(const dataset_job *job, content_hash *ret_hash, floe_error *err) {
    FLOE_TRY(floe_dataset_hash_rows(job, " FROM spine s", ret_hash, err));
    const char *expected = job->request->expect_spine;
    FLOE_ENSURE(
        !expected || strcmp(expected, ret_hash->hex) == 0, err, FLOE_CORRUPT,
        "the kept spine %s is not the one that the dataset was built for: its content hash is %s, the manifest says "
        "%s",
        job->request->spine, ret_hash->hex, expected);
    return FLOE_OK;
}

static floe_status check_content(const floe_dataset_request *request, const content_hash *content, floe_error *err) {
    FLOE_ENSURE(
        !request->expect_content || strcmp(request->expect_content, content->hex) == 0, err, FLOE_CONFLICT,
        "what comes out is not what was built: the content hash is %s, the manifest says %s; nothing was written",
        content->hex, request->expect_content);
    return FLOE_OK;
}

static floe_status hash_content(dataset_job *job, const content_hash *spine, content_hash *ret_content,
                                floe_dataset_result *result, floe_error *err) {
    floe_dataset_progress(job, "hashing", -1);
    bool cancelled = job->run && job->run->cancelled && atomic_load(job->run->cancelled);
    FLOE_ENSURE(!cancelled, err, FLOE_CANCELLED, "cancelled");
    FLOE_TRY(floe_dataset_answers_hash(job, spine, ret_content, err));
    FLOE_TRY(check_content(job->request, ret_content, err));
    FLOE_ASSERT(ret_content->row_count == job->label_count); /* Every spine row exactly once. */
    result->row_count = ret_content->row_count;
    snprintf(result->content_hash, sizeof(result->content_hash), "%s", ret_content->hex);
    return FLOE_OK;
}

/* The rows beside their place, and the hash of their content: on their way, unless it is expected, when it is known before. */
static floe_status write_content(dataset_job *job, const content_hash *spine, content_hash *ret_content,
                                 dataset_output *ret_output, floe_dataset_result *result, floe_error *err) {
    bool known = job->request->expect_content != NULL || !job->answers.pieces;
    FLOE_TRY(known ? hash_content(job, spine, ret_content, result, err) : FLOE_OK);
    floe_dataset_progress(job, "writing", -1);
    FLOE_TRY(floe_dataset_answers_write(job, !known, ret_output, err));
    floe_status status = known ? FLOE_OK : hash_content(job, spine, ret_content, result, err);
    if (floe_failed(status)) {
        floe_output_discard(ret_output);
    }
    return status;
}

static floe_status finish(dataset_job *job, dataset_facts *facts, const content_hash *spine,
                          floe_dataset_result *result, floe_error *err) {
    const floe_dataset_request *request = job->request;
    content_hash content;
    dataset_output output;
    FLOE_TRY(floe_dataset_manifest_begin(facts, floe_output_is_table(job->lake, request->out), result, err));
    floe_status status = write_content(job, spine, &content, &output, result, err);
    if (floe_failed(status)) {
        floe_dataset_manifest_remove(request, result);
        return status;
    }
    floe_dataset_steps_end(job);
    facts->content = &content;
    facts->steps = &job->steps;
    facts->out_snapshot_id = output.snapshot_id;
    struct rusage usage;
    facts->peak_bytes = getrusage(RUSAGE_SELF, &usage) == 0 ? (int64_t)usage.ru_maxrss * 1024 : 0;
    status = floe_dataset_manifest_write(facts, result, err);
    if (floe_failed(status)) {
        floe_output_discard(&output);
        return status;
    }
    bool into_table = output.table != NULL;
    status = floe_output_publish(&output, result, err);
    /* A commit without an answer may have landed: its manifest stays, beside the marker that says that it is unsure. */
    if (floe_failed(status) && !(into_table && status.code == FLOE_UNAVAILABLE)) {
        floe_dataset_manifest_remove(request, result);
    }
    return status;
}

static floe_status build(dataset_job *job, floe_dataset_result *result, floe_error *err) {
    floe_dataset_progress(job, "reading the spine", -1);
    FLOE_TRY(floe_dataset_load_spine(job, err));
    dataset_facts facts = {.request = job->asked,
                           .view_refs = job->request->refs,
                           .view_ref_count = job->request->ref_count,
                           .spine = &job->spine,
                           .session = job->session,
                           .created_us = floe_now_us()};
    content_hash spine_hash;
    FLOE_TRY(floe_dataset_check_spine(job, &spine_hash, err));
    facts.spine_hash = spine_hash.hex;
    FLOE_TRY(answer(job, &facts, err));
    FLOE_TRY(floe_dataset_answer_requests(job, err));
    result->source_rows = facts.stats.rows_fed;
    result->ties = facts.stats.ties;
    result->null_times = job->null_times;
    result->null_time_row = job->null_time_row;
    snprintf(result->null_time_column, sizeof(result->null_time_column), "%.*s", FLOE_STR_ARG(job->spine.time_column));
    return finish(job, &facts, &spine_hash, result, err);
}

static floe_status build_job(dataset_job *job, void *context, floe_error *err) {
    return build(job, context, err);
}

floe_status floe_dataset_build(floe_lake *lake, const floe_dataset_request *request, const floe_run *run,
                               floe_dataset_result *ret_result, floe_error *err) {
    int64_t started_us = floe_monotonic_us();
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(4));
    FLOE_TRY(floe_output_check(lake, request, err));
    floe_dataset_result result = {0};
    FLOE_TRY(floe_dataset_job_run(lake, request, run, &arena, build_job, &result, err));
    result.elapsed_us = floe_monotonic_us() - started_us;
    *ret_result = result;
    return FLOE_OK;
}
