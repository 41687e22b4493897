/*
 * Checked SQL over real rows: a database of its own for one question.
 *
 * Phases: an engine with its own memory limit → per source a view, which is the scan of the table's current snapshot with the
 * permitted columns → the lock: from then on the engine opens files of these tables' folders only, and no setting changes →
 * estimate, rows.
 * Threads: a watcher sets `stop` and interrupts the engine when time is over or somebody cancelled; it touches nothing else
 * but `over`. It lives from floe_asking_open to floe_asking_close; `mutex` guards `done`.
 */
#include "offline/check/check_int.h"

#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/time.h"
#include "offline/lake_int.h"

#include <pthread.h>
#include <time.h>

#define TIME_US (60 * FLOE_US_PER_SECOND)
#define MEMORY_BYTES FLOE_GIB(1)
#define ROW_MAX 1000
#define WATCH_NS 20000000L
#define FOLDERS_MAX 100000

struct floe_asking {
    floe_arena arena;
    floe_engine *engine;
    floe_session *session;
    floe_query_limits limits;
    floe_run run; /* of the session: `stop` instead of the caller's flag */
    const atomic_bool *cancelled;
    atomic_bool stop, over;
    pthread_t watcher;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool watching, done;
    int64_t deadline_us; /* monotonic */
    const char **folders;
    size_t folder_count, folder_capacity;
    int64_t rows;
    bool cut;
};

/* ---- the watcher ---- */

static bool look(floe_asking *asking) {
    bool over = floe_monotonic_us() >= asking->deadline_us;
    bool cancelled = asking->cancelled && atomic_load(asking->cancelled);
    if (over) {
        atomic_store(&asking->over, true);
    }
    if (over || cancelled) {
        atomic_store(&asking->stop, true);
        floe_session_interrupt(asking->session);
    }
    return over || cancelled;
}

static void *watch(void *context) {
    floe_asking *asking = context;
    (void)pthread_mutex_lock(&asking->mutex);
    while (!asking->done) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WATCH_NS;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        (void)pthread_cond_timedwait(&asking->wake, &asking->mutex, &until);
        if (!asking->done) {
            (void)look(asking);
        }
    }
    (void)pthread_mutex_unlock(&asking->mutex);
    return NULL;
}

static void stop_watching(floe_asking *asking) {
    if (!asking->watching) {
        return;
    }
    (void)pthread_mutex_lock(&asking->mutex);
    asking->done = true;
    (void)pthread_cond_signal(&asking->wake);
    (void)pthread_mutex_unlock(&asking->mutex);
    (void)pthread_join(asking->watcher, NULL);
    asking->watching = false;
}

/* What stopped the query, in its own words; other failures stay as they are. */
static floe_status explain(const floe_asking *asking, const floe_error *cause, floe_error *err) {
    if (atomic_load(&asking->over) && cause->code == FLOE_CANCELLED) {
        return FLOE_FAIL(err, FLOE_TIMEOUT, "the query ran longer than %lld s",
                         (long long)(asking->limits.time_us / FLOE_US_PER_SECOND));
    }
    return FLOE_FAIL(err, cause->code, "%s", cause->message);
}

/* ---- views ---- */

static void add_folder(floe_asking *asking, const char *path) {
    const char *folder = floe_path_dirname(&asking->arena, path);
    for (size_t i = 0; folder && i < asking->folder_count; i++) {
        if (strcmp(asking->folders[i], folder) == 0) {
            return;
        }
    }
    if (folder && asking->folder_count < FOLDERS_MAX) {
        const char **added =
            FLOE_ARENA_PUSH(&asking->arena, asking->folders, asking->folder_count, asking->folder_capacity);
        if (added) {
            *added = folder;
        }
    }
}

static floe_status make_view(floe_asking *asking, floe_table *table, const floe_query_source *source, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_scan_request request = {.limit = -1, .columns = source->columns, .column_count = source->column_count};
    floe_scan_source scan = {.arena = &asking->arena, .sql = &sql};
    floe_buf_init(&sql, FLOE_GIB(1));
    FLOE_ENSURE(source->column_count > 0, err, FLOE_DENIED, "no column of the table %.*s may be read",
                FLOE_STR_BRIEF(source->reference));
    FLOE_TRY(floe_query_place(asking->session, &source->name, err));
    floe_buf_text(&sql, "CREATE VIEW ");
    floe_query_put_name(&sql, &source->name);
    floe_buf_text(&sql, " AS ");
    FLOE_TRY(floe_scan_source_sql(table, &request, asking->session, &scan, err));
    for (size_t i = 0; i < scan.path_count; i++) {
        add_folder(asking, scan.paths[i]);
    }
    /* The table's folder: that of its metadata's. */
    add_folder(asking, floe_path_dirname(&asking->arena, table->metadata_path));
    FLOE_TRY(floe_arena_check(&asking->arena, err));
    return floe_session_run(asking->session, sql.ptr, NULL, NULL, err);
}

static floe_status add_view(floe_asking *asking, floe_lake *lake, const floe_query_source *source, floe_error *err) {
    floe_table *table = NULL;
    const char *reference = floe_arena_strndup(&asking->arena, source->reference.ptr, source->reference.len);
    FLOE_TRY(floe_arena_check(&asking->arena, err));
    FLOE_TRY(floe_table_open(lake, reference, NULL, NULL, &table, err));
    floe_status status = make_view(asking, table, source, err);
    floe_table_close(&table);
    return status;
}

/* From here on the engine opens nothing but files of the tables. */
static floe_status lock(floe_asking *asking, floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    floe_buf_text(&sql, "SET allowed_directories = [");
    for (size_t i = 0; i < asking->folder_count; i++) {
        floe_buf_text(&sql, i > 0 ? ", " : "");
        floe_sql_quote_text(&sql, floe_str_of(asking->folders[i]));
    }
    floe_buf_byte(&sql, ']');
    FLOE_TRY(floe_buf_check(&sql, err));
    FLOE_TRY(floe_session_run(asking->session, sql.ptr, NULL, NULL, err));
    return floe_query_lock(asking->session, err);
}

/* ---- opening ---- */

static floe_status start(floe_asking *asking, floe_error *err) {
    asking->deadline_us = floe_monotonic_us() + asking->limits.time_us;
    FLOE_TRY(floe_engine_open(asking->run.threads, asking->limits.memory_bytes, NULL, &asking->engine, err));
    FLOE_TRY(floe_session_open(asking->engine, &asking->run, &asking->session, err));
    FLOE_ENSURE(pthread_create(&asking->watcher, NULL, watch, asking) == 0, err, FLOE_NOMEM, "no thread for a query");
    asking->watching = true;
    return FLOE_OK;
}

static floe_status fill(floe_asking *asking, floe_lake *lake, const floe_query_source *sources, size_t count,
                        floe_error *err) {
    FLOE_TRY(start(asking, err));
    for (size_t i = 0; i < count; i++) {
        FLOE_TRY(add_view(asking, lake, &sources[i], err));
    }
    return lock(asking, err);
}

floe_status floe_asking_open(floe_lake *lake, const floe_query_source *sources, size_t count,
                             const floe_query_limits *limits, const floe_run *run, floe_asking **ret_asking,
                             floe_error *err) {
    FLOE_CLEANUP(floe_asking_close) floe_asking *asking = NULL;
    floe_error cause = {0};
    FLOE_TRY(floe_alloc(1, sizeof(*asking), &asking, err));
    floe_arena_init(&asking->arena, FLOE_GIB(8));
    (void)pthread_mutex_init(&asking->mutex, NULL);
    (void)pthread_cond_init(&asking->wake, NULL);
    asking->limits = (floe_query_limits){.time_us = limits->time_us > 0 ? limits->time_us : TIME_US,
                                         .memory_bytes = limits->memory_bytes > 0 ? limits->memory_bytes : MEMORY_BYTES,
                                         .row_max = limits->row_max > 0 ? limits->row_max : ROW_MAX};
    asking->cancelled = run ? run->cancelled : NULL;
    asking->run = (floe_run){.cancelled = &asking->stop, .threads = run ? run->threads : 0};
    if (floe_failed(fill(asking, lake, sources, count, &cause))) {
        return explain(asking, &cause, err);
    }
    *ret_asking = asking;
    asking = NULL;
    return FLOE_OK;
}

void floe_asking_close(floe_asking **asking_pointer) {
    floe_asking *asking = asking_pointer ? *asking_pointer : NULL;
    if (!asking) {
        return;
    }
    stop_watching(asking);
    floe_session_close(&asking->session);
    floe_engine_close(&asking->engine);
    (void)pthread_mutex_destroy(&asking->mutex);
    (void)pthread_cond_destroy(&asking->wake);
    floe_arena_close(&asking->arena);
    floe_free(asking);
    *asking_pointer = NULL;
}

/* ---- estimates ---- */

floe_status floe_asking_estimate(floe_asking *asking, floe_str sql, int64_t *ret_rows, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_query_rows rows = {0};
    floe_error cause = {0};
    const char *text = NULL;
    floe_arena_init(&arena, FLOE_MIB(64));
    FLOE_TRY(floe_query_text(sql, &arena, &text, err));
    const char *explained = floe_arena_printf(&arena, "EXPLAIN (FORMAT json) %s", text);
    FLOE_TRY(floe_arena_check(&arena, err));
    if (floe_failed(floe_session_query(asking->session, explained, NULL, &arena, &rows, &cause))) {
        return explain(asking, &cause, err);
    }
    FLOE_ENSURE(rows.row_count == 1 && rows.column_count == 2, err, FLOE_INTERNAL,
                "the engine's plan has another shape");
    return floe_plan_rows(rows.values[1].as.bytes, &arena, ret_rows, err);
}

/* ---- rows ---- */

typedef struct row_stream {
    floe_asking *asking;
    struct ArrowArrayStream rows;
} row_stream;

static floe_status stream_schema(void *context, struct ArrowSchema *ret_schema, floe_error *err) {
    row_stream *stream = context;
    return floe_arrow_stream_schema(&stream->rows, "query", ret_schema, err);
}

static floe_status stream_next(void *context, struct ArrowArray *ret_batch, floe_error *err) {
    row_stream *stream = context;
    floe_asking *asking = stream->asking;
    floe_error cause = {0};
    *ret_batch = (struct ArrowArray){0};
    if (asking->cut) {
        return FLOE_OK;
    }
    if (floe_failed(floe_arrow_stream_next(&stream->rows, "query", ret_batch, &cause))) {
        return explain(asking, &cause, err);
    }
    int64_t left = asking->limits.row_max - asking->rows;
    if (ret_batch->release && ret_batch->length > left) {
        asking->cut = true;
        ret_batch->length = left;
    }
    asking->rows += ret_batch->release ? ret_batch->length : 0;
    return FLOE_OK;
}

static void stream_close(void *context) {
    row_stream *stream = context;
    floe_arrow_stream_release(&stream->rows);
    floe_free(stream);
}

/* Types that a stream's readers know, and others as what they know. */
static const char *cast_of(floe_str type) {
    static const char *const read[] = {"BOOLEAN",
                                       "INTEGER",
                                       "BIGINT",
                                       "HUGEINT",
                                       "FLOAT",
                                       "DOUBLE",
                                       "VARCHAR",
                                       "BLOB",
                                       "DATE",
                                       "TIMESTAMP",
                                       "TIMESTAMP WITH TIME ZONE"};
    static const char *const numbers[][2] = {{"TINYINT", "INTEGER"},   {"SMALLINT", "INTEGER"}, {"UTINYINT", "INTEGER"},
                                             {"USMALLINT", "INTEGER"}, {"UINTEGER", "BIGINT"},  {"UBIGINT", "HUGEINT"}};
    floe_str element = type;
    element.len -= floe_str_ends_with(type, FLOE_STR("[]")) ? 2 : 0;
    bool decimal = floe_str_starts_with(element, FLOE_STR("DECIMAL(")) && memchr(element.ptr, '[', element.len) == NULL;
    for (size_t i = 0; i < sizeof(read) / sizeof(read[0]) && !decimal; i++) {
        decimal = floe_str_is(element, read[i]);
    }
    if (decimal) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        if (floe_str_is(type, numbers[i][0])) {
            return numbers[i][1];
        }
    }
    return memchr(type.ptr, '(', type.len) || memchr(type.ptr, '[', type.len) ? "JSON" : "VARCHAR";
}

/* The query itself where every column can be read, else one over it that casts: columns are taken by their place, for two may
 * have one name. */
static floe_status readable_sql(floe_asking *asking, const char *text, floe_buf *out, floe_error *err) {
    const floe_query_column *columns = NULL;
    size_t count = 0;
    bool casts = false;
    floe_buf_printf(out, "CREATE OR REPLACE TEMP VIEW floe_answer AS %s", text);
    FLOE_TRY(floe_buf_check(out, err));
    FLOE_TRY(floe_session_run(asking->session, out->ptr, NULL, NULL, err));
    FLOE_TRY(floe_session_describe(asking->session, "floe_answer", &asking->arena, &columns, &count, err));
    floe_buf_clear(out);
    floe_buf_text(out, "SELECT ");
    for (size_t i = 0; i < count; i++) {
        const char *cast = cast_of(columns[i].type);
        bool json = cast && strcmp(cast, "JSON") == 0;
        casts = casts || cast;
        floe_buf_printf(out, "%s%sc%zu%s%s%s AS ", i > 0 ? ", " : "",
                        json   ? "CAST(to_json("
                        : cast ? "CAST("
                               : "",
                        i,
                        json   ? ") AS VARCHAR)"
                        : cast ? " AS "
                               : "",
                        cast && !json ? cast : "", cast && !json ? ")" : "");
        floe_sql_quote_name(out, columns[i].name);
    }
    floe_buf_text(out, " FROM floe_answer AS floe_rows(");
    for (size_t i = 0; i < count; i++) {
        floe_buf_printf(out, "%sc%zu", i > 0 ? ", " : "", i);
    }
    floe_buf_byte(out, ')');
    if (!casts) {
        floe_buf_clear(out);
        floe_buf_text(out, text);
    }
    return floe_buf_check(out, err);
}

static floe_status start_rows(floe_asking *asking, const char *text, struct ArrowArrayStream *ret_rows,
                              floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(16));
    FLOE_TRY(readable_sql(asking, text, &sql, err));
    return floe_session_stream(asking->session, sql.ptr, NULL, ret_rows, err);
}

floe_status floe_asking_rows(floe_asking *asking, floe_str sql, struct ArrowArrayStream *ret_stream, floe_error *err) {
    static const floe_stream_source SOURCE = {stream_schema, stream_next, stream_close};
    FLOE_AUTO_FREE row_stream *stream = NULL;
    floe_error cause = {0};
    const char *text = NULL;
    FLOE_TRY(floe_query_text(sql, &asking->arena, &text, err));
    FLOE_TRY(floe_alloc(1, sizeof(*stream), &stream, err));
    stream->asking = asking;
    asking->rows = 0;
    asking->cut = false;
    floe_status status = start_rows(asking, text, &stream->rows, &cause);
    if (floe_failed(status)) {
        return explain(asking, &cause, err);
    }
    status = floe_arrow_stream_make(&SOURCE, stream, ret_stream, err);
    if (floe_failed(status)) {
        floe_arrow_stream_release(&stream->rows);
        return status;
    }
    stream = NULL;
    return FLOE_OK;
}

bool floe_asking_was_cut(const floe_asking *asking) {
    return asking->cut;
}
