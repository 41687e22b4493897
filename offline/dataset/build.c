/*
 * A training set, from request to file and manifest. Nothing is left behind by a build that fails or is cancelled: the
 * output is prepared beside its place, then the manifest is written, last the output is renamed into place; the session's
 * temporary tables go with it.
 */
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "offline/dataset/dataset_int.h"

#include <stdio.h>

static void progress(const floe_run *run, const char *step, double fraction) {
    if (run && run->progress) {
        run->progress(run->progress_context, step, fraction);
    }
}

/* The answer's columns may not hide the spine's. The engine's names do not know case, so neither does this. */
static floe_status check_names(const floe_dataset_request *request, const spine_table *spine, floe_error *err) {
    FLOE_AUTO_BUF name;
    floe_buf_init(&name, FLOE_KIB(1));
    for (size_t i = 0; i < request->ref_count; i++) {
        const floe_ref *ref = &request->refs[i];
        floe_buf_clear(&name);
        floe_buf_printf(&name, "%.*s__%.*s", FLOE_STR_ARG(ref->view->about.name),
                        FLOE_STR_ARG(ref->output->about.name));
        FLOE_TRY(floe_buf_check(&name, err));
        for (size_t c = 0; c < spine->column_count; c++) {
            FLOE_ENSURE(spine->columns[c].name.len != name.len ||
                            strncasecmp(spine->columns[c].name.ptr, name.ptr, name.len) != 0,
                        err, FLOE_INVALID, "the spine already has a column \"%s\"; rename or drop it", name.ptr);
        }
        for (size_t other = 0; other < i; other++) {
            FLOE_ENSURE(request->refs[other].output != ref->output, err, FLOE_INVALID,
                        "the feature %.*s:%.*s is asked for twice", FLOE_STR_ARG(ref->view->about.name),
                        FLOE_STR_ARG(ref->output->about.name));
        }
    }
    return FLOE_OK;
}

floe_status floe_dataset_feed_labels(floe_session *session, const floe_dataset_request *request,
                                     const spine_table *spine, floe_pit *pit, floe_error *err) {
    size_t key_count;
    const floe_column *keys = floe_pit_keys(pit, &key_count);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(1));
    FLOE_TRY(floe_spine_labels_sql(request, spine, keys, key_count, "spine", &sql, err));
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_session_stream(session, sql.ptr, NULL, &stream, err));
    return floe_pit_labels(pit, &stream, err);
}

static floe_status feed_sources(floe_lake *lake, floe_session *session, floe_pit *pit, const floe_run *run,
                                source_use *uses, floe_arena *arena, floe_error *err) {
    size_t need_count;
    (void)floe_pit_needs(pit, &need_count);
    for (size_t i = 0; i < need_count; i++) {
        progress(run, "reading sources", (double)i / (double)need_count);
        FLOE_TRY(floe_source_feed(lake, session, pit, i, -1, arena, &uses[i], err));
    }
    return FLOE_OK;
}

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

static floe_status hash_rows(floe_session *session, const spine_table *spine, const char *rest, floe_arena *arena,
                             content_hash *ret_hash, floe_error *err) {
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
    FLOE_TRY(floe_session_stream(session, sql.ptr, NULL, &stream, err));
    return floe_content_hash(&stream, arena, ret_hash, err);
}

/* The table "answer", by the kernel. */
static floe_status answer_by_kernel(floe_lake *lake, floe_session *session, floe_pit *pit, const floe_run *run,
                                    source_use *uses, floe_arena *arena, floe_pit_stats *ret_stats, floe_error *err) {
    FLOE_TRY(feed_sources(lake, session, pit, run, uses, arena, err));
    progress(run, "joining", -1);
    FLOE_TRY(floe_pit_run(pit, run, err));
    floe_pit_stats_get(pit, ret_stats);
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_pit_stream(pit, &stream, err));
    return floe_session_load(session, "answer", &stream, err);
}

/* The table "answer". */
static floe_status answer(floe_lake *lake, floe_session *session, const floe_dataset_request *request, floe_pit *pit,
                          const floe_run *run, dataset_facts *facts, floe_arena *arena, floe_error *err) {
    size_t need_count;
    (void)floe_pit_needs(pit, &need_count);
    source_use *uses = floe_arena_alloc(arena, need_count, sizeof(*uses));
    FLOE_TRY(floe_arena_check(arena, err));
    facts->sources = uses;
    facts->source_count = need_count;
    if (!request->by_sql) {
        return answer_by_kernel(lake, session, pit, run, uses, arena, &facts->stats, err);
    }
    progress(run, "joining", -1);
    floe_pit_stats_get(pit, &facts->stats);
    sql_question question = {lake, session, request, pit, facts->spine, arena};
    FLOE_TRY(floe_dataset_answer_by_sql(&question, uses, &facts->stats.ties, err));
    for (size_t i = 0; i < need_count; i++) {
        facts->stats.rows_fed += uses[i].plan.rows;
    }
    return FLOE_OK;
}

static floe_status finish(floe_session *session, dataset_facts *facts, floe_arena *arena, floe_dataset_result *result,
                          floe_error *err) {
    content_hash content, spine_hash;
    FLOE_TRY(hash_rows(session, facts->spine, ", a.* FROM spine s POSITIONAL JOIN answer a", arena, &content, err));
    FLOE_TRY(hash_rows(session, facts->spine, " FROM spine s", arena, &spine_hash, err));
    facts->content = &content;
    facts->spine_hash = spine_hash.hex;
    result->row_count = content.row_count;
    FLOE_ASSERT(content.row_count == facts->stats.label_count); /* Every spine row exactly once. */
    snprintf(result->content_hash, sizeof(result->content_hash), "%s", content.hex);
    int64_t written = 0;
    FLOE_TRY(floe_rows_prepare(session, "SELECT s.*, a.* FROM spine s POSITIONAL JOIN answer a", facts->request->out,
                               &written, err));
    floe_status status = floe_manifest_write(session, facts, result, err);
    if (floe_failed(status)) {
        floe_rows_discard(facts->request->out);
        return status;
    }
    status = floe_rows_publish(facts->request->out, err);
    if (floe_failed(status)) {
        floe_manifest_remove(facts->request, result);
    }
    return status;
}

static floe_status build(floe_lake *lake, floe_session *session, const floe_dataset_request *request,
                         const floe_run *run, floe_dataset_result *result, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_GIB(4));
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options options = {.as_known = request->as_known, .ignore_at = request->ignore_at};
    FLOE_TRY(floe_pit_open(request->refs, request->ref_count, &options, &pit, err));
    size_t key_count;
    const floe_column *keys = floe_pit_keys(pit, &key_count);
    spine_table spine;
    progress(run, "reading the spine", -1);
    FLOE_TRY(floe_spine_load(lake, session, request, keys, key_count, &arena, &spine, err));
    FLOE_TRY(check_names(request, &spine, err));
    FLOE_TRY(floe_dataset_feed_labels(session, request, &spine, pit, err));
    dataset_facts facts = {.request = request, .spine = &spine, .created_us = floe_now_us()};
    FLOE_TRY(answer(lake, session, request, pit, run, &facts, &arena, err));
    progress(run, "writing", -1);
    result->source_rows = facts.stats.rows_fed;
    result->ties = facts.stats.ties;
    return finish(session, &facts, &arena, result, err);
}

floe_status floe_dataset_build(floe_lake *lake, const floe_dataset_request *request, const floe_run *run,
                               floe_dataset_result *ret_result, floe_error *err) {
    int64_t started_us = floe_monotonic_us();
    FLOE_TRY(floe_rows_check(request->out, err));
    floe_engine *engine;
    FLOE_TRY(floe_lake_engine(lake, &engine, err));
    FLOE_CLEANUP(floe_session_close) floe_session *session = NULL;
    FLOE_TRY(floe_session_open(engine, run, &session, err));
    floe_dataset_result result = {0};
    FLOE_TRY(build(lake, session, request, run, &result, err));
    result.elapsed_us = floe_monotonic_us() - started_us;
    *ret_result = result;
    return FLOE_OK;
}
