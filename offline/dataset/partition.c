/*
 * A question larger than memory, answered part by part: where the kernel does not write down by itself what does not fit.
 *
 * A unit is what shares one scan and one key: the features asked for over one source with one entity and the same key
 * columns, as many as the engine can hold a table of, so that there may be several. Per unit: labels with their part (the hash of the key) into a temporary table → rows whose key some label has,
 * divided by the same hash, into Parquet files of the spill folder → for as many parts as fit into the kernel's share: a
 * question of its own, its answers with their label's number into a temporary table → the files go. Last, the answers of
 * all units in the order of the labels are the table "answer". Temporary tables are the engine's, which spills them.
 *
 * There are a few times more parts than are needed, so that parts of uneven size (one key may have a tenth of all rows) are
 * put together to what fits. One key is never divided: where it alone is more than fits, the kernel writes down what does not.
 *
 * Of as-of features alone the kernel holds no more rows than labels, however large the source is. Where a few stretches of the labels
 * are enough for that, nothing is divided or written: the source is scanned once per stretch (rescan.c).
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "offline/dataset/dataset_int.h"
#include "offline/lake_int.h"

#include <inttypes.h>
#include <stdatomic.h>

#define PARTS_MAX 128
#define PARTS_PER_FIT 4
#define ROW_BYTES 80   /* key, times, place and order of one kept row, while it is moved */
#define CELL_BYTES 14  /* of one column, likewise */
#define PLACE_BYTES 16 /* of one row, while it is put in order */
#define LABEL_BYTES 32 /* of one label */
#define ANSWER_BYTES 10
#define LIST_BYTES 40            /* of a list's answer before its items, which are numbers of rows */
#define SLOT_TEXT_BYTES 18       /* of one column of what stands in a slot, where there are texts */
#define RESCANS_MAX 6            /* about what writing rows down and reading them again costs, in scans */
#define SORTED_BYTES 24          /* of one cell that is sorted, its place beside it */
#define FEATURE_MOST FLOE_MIB(1) /* of a table of the engine's, for one more feature */
#define TABLES_BESIDE 5          /* What is added, and where it goes, are held twice, beside the rows on their way. */

typedef struct unit {
    const floe_ref *refs; /* of the request, in its order */
    size_t ref_count;
    const floe_view *view;    /* one of them: source, entity and key columns are the same for all */
    const source_scan *whole; /* the scan of the source for the whole question */
    size_t index;
    size_t parts;
    bool again;         /* an earlier unit reads the same rows */
    bool rescans;       /* a part is a stretch of the labels, with a scan of its own */
    int64_t *part_rows; /* per part; of files */
    const char *folder;
} unit;

/* ---- how much ---- */

/* Their answers are not copied. The rest is for winners and batches on their way out. */
static uint64_t room_for_slots(const dataset_job *job) {
    return job->kernel_bytes - job->kernel_bytes / 8 + 1;
}

/* The rest of the kernel's memory is for answers on their way out. */
static uint64_t room_for_rows(const dataset_job *job) {
    return job->kernel_bytes - job->kernel_bytes / 4 + 1;
}

static uint64_t row_bytes(const floe_pit_need *need) {
    return ROW_BYTES + CELL_BYTES * need->column_count;
}

static bool is_text(floe_kind kind) {
    return kind == FLOE_KIND_STRING || kind == FLOE_KIND_BYTES;
}

/* Of one label. */
static uint64_t answers_bytes(const floe_ref *refs, size_t count) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bool list = refs[i].output->type.kind == FLOE_KIND_LIST;
        bytes += list ? LIST_BYTES + sizeof(uint32_t) * (uint64_t)refs[i].output->k : ANSWER_BYTES;
    }
    return bytes;
}

/* Whether only as-of features are asked for, so that the kernel holds no more rows of the source than labels. */
static bool thins(const dataset_job *job, const floe_source *source) {
    const floe_dataset_request *request = job->request;
    const floe_view *first = NULL;
    for (size_t i = 0; i < request->ref_count; i++) {
        const floe_ref *ref = &request->refs[i];
        if (ref->view->source != source) {
            continue;
        }
        first = first ? first : ref->view;
        if (ref->output->function != FLOE_FN_NONE || ref->view->at_before != first->at_before) {
            return false;
        }
    }
    return true;
}

/* Columns of texts may hold more distinct ones than there is memory for. */
static bool has_texts(const dataset_job *job) {
    bool texts = false;
    for (size_t i = 0; i < job->request->ref_count; i++) {
        const floe_ref *ref = &job->request->refs[i];
        floe_kind kind = ref->output->column_type.kind;
        texts = texts || is_text(kind) || kind == FLOE_KIND_LIST || ref->output->function == FLOE_FN_COUNT_DISTINCT;
    }
    return texts;
}

/* What all labels take where each has one row of the source at most. */
static uint64_t slots_bytes(const dataset_job *job, size_t scan) {
    uint64_t texts = has_texts(job) ? SLOT_TEXT_BYTES * job->scans[scan].need->column_count : 0;
    return (uint64_t)job->label_count * (floe_pit_slot_bytes(job->pit, scan) + texts);
}

/* Of rows that stand in slots, no more than labels. Of others, records, half as much again while they are put in order, and their place
 * in it, without those that lie where answers come; of few distinct texts or many what was seen to be enough. */
static uint64_t bytes_held(const dataset_job *job, size_t scan) {
    const source_scan *of = &job->scans[scan];
    uint64_t rows = of->files.plan.rows > 0 ? (uint64_t)of->files.plan.rows : 0, labels = (uint64_t)job->label_count;
    bool texts = has_texts(job);
    if (thins(job, of->need->source)) {
        return slots_bytes(job, scan);
    }
    uint64_t record = floe_pit_row_bytes(job->pit, scan);
    return texts ? rows * row_bytes(of->need)
                 : rows * (record + record / 2 + PLACE_BYTES) - floe_pit_lent_bytes(job->pit, scan, rows, labels);
}

/* Of one label; what stands in slots is not copied. */
static uint64_t answers_held(const dataset_job *job) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < job->request->ref_count; i++) {
        const floe_ref *ref = &job->request->refs[i];
        bytes += thins(job, ref->view->source) ? 0 : answers_bytes(ref, 1);
    }
    return bytes;
}

uint64_t floe_partition_estimate(const dataset_job *job) {
    bool slots = true; /* have the label's place as well, so that there is only its time */
    for (size_t i = 0; i < job->scan_count; i++) {
        slots = slots && thins(job, job->scans[i].need->source);
    }
    uint64_t label = (slots ? sizeof(int64_t) : LABEL_BYTES) + answers_held(job);
    uint64_t bytes = (uint64_t)job->label_count * label;
    for (size_t i = 0; i < job->scan_count; i++) {
        bytes += bytes_held(job, i);
    }
    return bytes;
}

size_t floe_partition_parts(const dataset_job *job) {
    uint64_t bytes = floe_partition_estimate(job), fit = job->kernel_bytes > 0 ? job->kernel_bytes : 1;
    return bytes <= fit ? 1 : bytes / fit + 1 > PARTS_MAX ? PARTS_MAX : (size_t)(bytes / fit + 1);
}

/* Whether the kernel holds one row per label at most. */
static bool is_as_of(const unit *u) {
    bool as_of = true;
    for (size_t i = 0; i < u->ref_count; i++) {
        as_of = as_of && u->refs[i].output->function == FLOE_FN_NONE &&
                u->refs[i].view->at_before == u->refs[0].view->at_before;
    }
    return as_of;
}

/* Once all features of the unit are known. */
static void choose_parts(const dataset_job *job, unit *u) {
    uint64_t rows = u->whole->files.plan.rows > 0 ? (uint64_t)u->whole->files.plan.rows : 0;
    uint64_t labels = (uint64_t)job->label_count, per_row = row_bytes(u->whole->need);
    uint64_t answers = labels * (LABEL_BYTES + answers_bytes(u->refs, u->ref_count));
    uint64_t fit = job->kernel_bytes > 0 ? job->kernel_bytes : 1;
    uint64_t rescans = slots_bytes(job, (size_t)(u->whole - job->scans)) / room_for_slots(job) + 1;
    u->rescans = is_as_of(u) && rescans <= RESCANS_MAX;
    uint64_t parts = u->rescans ? rescans : PARTS_PER_FIT * ((rows * per_row + answers) / fit + 1);
    u->parts = parts > PARTS_MAX ? PARTS_MAX : (size_t)parts;
}

/* ---- units ---- */

static bool same_unit(const floe_view *a, const floe_view *b) {
    bool same = a->source == b->source && a->entity == b->entity;
    for (size_t i = 0; same && i < a->entity->key_count; i++) {
        same = floe_str_equal(a->key_columns[i], b->key_columns[i]);
    }
    return same;
}

/* For one more feature. */
static bool has_room(const dataset_job *job, const unit *u) {
    return floe_dataset_table_bytes(u->refs, u->ref_count) + FEATURE_MOST <= job->engine_bytes / TABLES_BESIDE;
}

static const source_scan *scan_of(const dataset_job *job, const floe_source *source) {
    for (size_t i = 0; i < job->scan_count; i++) {
        if (job->scans[i].need->source == source) {
            return &job->scans[i];
        }
    }
    return NULL;
}

static floe_status make_units(const dataset_job *job, unit **ret_units, size_t *ret_count, floe_error *err) {
    const floe_dataset_request *request = job->request;
    unit *units = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < request->ref_count; i++) {
        size_t at = 0;
        bool again = false;
        while (at < count && !(same_unit(units[at].view, request->refs[i].view) && has_room(job, &units[at]))) {
            again = again || same_unit(units[at].view, request->refs[i].view);
            at++;
        }
        if (at == count) {
            unit *added = FLOE_ARENA_PUSH(job->arena, units, count, capacity);
            FLOE_TRY(floe_arena_check(job->arena, err));
            *added = (unit){.view = request->refs[i].view,
                            .index = at,
                            .again = again,
                            .whole = scan_of(job, request->refs[i].view->source),
                            .refs = floe_arena_alloc(job->arena, request->ref_count, sizeof(floe_ref))};
            FLOE_TRY(floe_arena_check(job->arena, err));
            FLOE_ASSERT(added->whole);
        }
        ((floe_ref *)units[at].refs)[units[at].ref_count++] = request->refs[i];
    }
    for (size_t i = 0; i < count; i++) {
        choose_parts(job, &units[i]);
    }
    *ret_units = units;
    *ret_count = count;
    return FLOE_OK;
}

floe_status floe_partition_text(const dataset_job *job, floe_arena *arena, const char **ret_text, floe_error *err) {
    size_t parts = floe_partition_parts(job), count, spilled = 0, scans = 0;
    unit *units;
    *ret_text = "the kernel, everything at once";
    if (parts == 1) {
        return FLOE_OK;
    }
    if (floe_partition_by_kernel(job)) {
        *ret_text = floe_arena_printf(
            arena, "the kernel, in one scan whose rows are spilled, about %zu times the memory", parts);
        return floe_arena_check(arena, err);
    }
    FLOE_TRY(make_units(job, &units, &count, err));
    for (size_t i = 0; i < count; i++) {
        spilled += !units[i].rescans;
        scans += units[i].rescans ? units[i].parts : 0;
    }
    *ret_text =
        spilled > 0
            ? floe_arena_printf(arena, "the kernel, in about %zu parts that are spilled", parts)
            : floe_arena_printf(arena, "the kernel, in about %zu stretches of the labels, each with a scan of its own",
                                scans);
    return floe_arena_check(arena, err);
}

/* As-of features alone need no more rows at once than labels. */
static bool is_as_of_alone(const dataset_job *job) {
    bool as_of = true;
    for (size_t i = 0; i < job->request->ref_count; i++) {
        as_of = as_of && job->request->refs[i].output->function == FLOE_FN_NONE;
    }
    return as_of;
}

/* Answers of so many features that the engine cannot hold a table of them. */
static bool is_wide(const dataset_job *job) {
    return floe_dataset_table_bytes(job->request->refs, job->request->ref_count) > job->engine_bytes / 2;
}

bool floe_partition_by_kernel(const dataset_job *job) {
    uint64_t labels = (uint64_t)job->label_count * LABEL_BYTES;
    bool parts = has_texts(job) || is_as_of_alone(job); /* are better */
    return (!parts || is_wide(job)) && labels <= job->kernel_bytes - job->kernel_bytes / 4 &&
           floe_pit_may_spill(job->request->refs, job->request->ref_count);
}

/* ---- labels and rows into parts ---- */

/* The part that a row's keys belong to, or a label's: a number of the engine. Null keys have one too. */
static void append_part(const unit *u, bool of_source, floe_buf *sql) {
    const floe_entity *entity = u->view->entity;
    floe_buf_text(sql, "CAST(hash(");
    for (size_t i = 0; i < entity->key_count; i++) {
        floe_buf_text(sql, i > 0 ? ", CAST(" : "CAST(");
        floe_sql_quote_name(sql, of_source ? u->view->key_columns[i] : entity->keys[i].name);
        floe_buf_text(sql, " AS ");
        floe_sql_type_name(sql, entity->keys[i].type);
        floe_buf_text(sql, ")");
    }
    floe_buf_printf(sql, ") %% %zu AS INTEGER) AS __part", u->parts);
}

static floe_status divide_labels(const dataset_job *job, const unit *u, const floe_pit *pit, floe_error *err) {
    size_t key_count;
    const floe_column *keys = floe_pit_keys(pit, &key_count);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(4));
    floe_buf_printf(&sql, "CREATE TEMP TABLE part_labels_%zu AS SELECT *, ", u->index);
    append_part(u, false, &sql);
    floe_buf_text(&sql, " FROM (");
    FLOE_TRY(floe_spine_labels_sql(job->request, &job->spine, keys, key_count, "spine", &sql, err));
    floe_buf_text(&sql, ")");
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(job->session, sql.ptr, NULL, NULL, err);
}

/* Rows that no label asks for are left out before anything is written. */
static void append_wanted(const unit *u, floe_buf *sql) {
    const floe_entity *entity = u->view->entity;
    floe_buf_text(sql, " r SEMI JOIN (SELECT DISTINCT ");
    for (size_t i = 0; i < entity->key_count; i++) {
        floe_buf_text(sql, i > 0 ? ", " : "");
        floe_sql_quote_name(sql, entity->keys[i].name);
        floe_buf_printf(sql, " AS w%zu", i);
    }
    floe_buf_printf(sql, " FROM part_labels_%zu WHERE __floe_time IS NOT NULL) w ON ", u->index);
    for (size_t i = 0; i < entity->key_count; i++) {
        floe_buf_text(sql, i > 0 ? " AND r." : "r.");
        floe_sql_quote_name(sql, u->view->key_columns[i]);
        floe_buf_printf(sql, " = w.w%zu", i);
    }
}

static floe_status divide_rows(const dataset_job *job, const unit *u, const floe_pit *pit, int64_t *ret_rows,
                               floe_error *err) {
    floe_pit_need need;
    source_scan scan = floe_source_part(u->whole, pit, &need);
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_text(&sql, "COPY (SELECT *, ");
    append_part(u, true, &sql);
    floe_buf_text(&sql, " FROM (");
    FLOE_TRY(floe_source_sql(&scan, job->session, &sql, err));
    floe_buf_text(&sql, ")");
    append_wanted(u, &sql);
    floe_buf_text(&sql, ") TO ");
    floe_sql_quote_text(&sql, floe_str_of(u->folder));
    floe_buf_text(&sql, " (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (__part), ROW_GROUP_SIZE 20480)");
    FLOE_TRY(floe_buf_check(&sql, err));
    floe_status status = floe_session_run_once(job->session, sql.ptr, ret_rows, err);
    return floe_failed(status) ? floe_error_prefix(err, status, "source %.*s, written to %s to stay within the memory",
                                                   FLOE_STR_ARG(u->view->source->about.name), u->folder)
                               : FLOE_OK;
}

/* The files of one part, as a pattern; none when it has no rows. */
static const char *files_of(const dataset_job *job, const unit *u, size_t part) {
    const char *folder = floe_arena_printf(job->arena, "%s/__part=%zu", u->folder, part);
    if (!folder || !floe_file_is_dir(folder)) {
        return NULL;
    }
    FLOE_AUTO_BUF pattern;
    floe_buf_init(&pattern, FLOE_MIB(1));
    floe_sql_path_pattern(&pattern, floe_str_of(folder));
    floe_buf_text(&pattern, "/*.parquet");
    return floe_arena_strndup(job->arena, pattern.ptr, pattern.len);
}

static floe_status count_rows(const dataset_job *job, unit *u, floe_error *err) {
    u->part_rows = floe_arena_alloc(job->arena, u->parts, sizeof(*u->part_rows));
    FLOE_TRY(floe_arena_check(job->arena, err));
    for (size_t part = 0; part < u->parts; part++) {
        const char *files = files_of(job, u, part);
        FLOE_TRY(floe_arena_check(job->arena, err));
        if (files) {
            FLOE_AUTO_BUF sql;
            floe_query_rows rows;
            floe_buf_init(&sql, FLOE_KIB(64));
            floe_buf_text(&sql, "SELECT count(*) FROM read_parquet(");
            floe_sql_quote_text(&sql, floe_str_of(files));
            floe_buf_text(&sql, ", hive_partitioning = false)");
            FLOE_TRY(floe_buf_check(&sql, err));
            FLOE_TRY(floe_session_query(job->session, sql.ptr, NULL, job->arena, &rows, err));
            u->part_rows[part] = rows.values[0].as.integer;
        }
    }
    return FLOE_OK;
}

/* ---- a few parts by the kernel ---- */

/* The rows of parts [first, last). Without any, the columns alone. */
static floe_status append_rows(const dataset_job *job, const unit *u, const floe_pit *pit, size_t first, size_t last,
                               floe_buf *sql, floe_error *err) {
    size_t files = 0;
    for (size_t part = first; part < last; part++) {
        const char *path = files_of(job, u, part);
        FLOE_TRY(floe_arena_check(job->arena, err));
        if (path) {
            floe_buf_text(sql, files++ == 0 ? "SELECT * FROM read_parquet([" : ", ");
            floe_sql_quote_text(sql, floe_str_of(path));
        }
    }
    if (files > 0) {
        floe_buf_text(sql, "], hive_partitioning = false)");
        return floe_buf_check(sql, err);
    }
    floe_pit_need need;
    source_scan scan = floe_source_part(u->whole, pit, &need);
    scan.files.file_count = 0;
    return floe_source_sql(&scan, job->session, sql, err);
}

static floe_status feed_part(const dataset_job *job, const unit *u, floe_pit *pit, size_t first, size_t last,
                             floe_error *err) {
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_GIB(1));
    floe_buf_printf(&sql, "SELECT * FROM part_labels_%zu WHERE __part >= %zu AND __part < %zu", u->index, first, last);
    FLOE_TRY(floe_buf_check(&sql, err));
    {
        FLOE_AUTO_STREAM labels = {0};
        FLOE_TRY(floe_session_stream(job->session, sql.ptr, NULL, &labels, err));
        FLOE_TRY(floe_pit_labels(pit, &labels, err));
    }
    floe_buf_clear(&sql);
    FLOE_TRY(append_rows(job, u, pit, first, last, &sql, err));
    return floe_dataset_feed_query(job->session, sql.ptr, NULL, pit, 0, err);
}

/* The answers behind those that are there, and in a table beside them the numbers of their labels. */
static floe_status keep_answers(const dataset_job *job, const unit *u, floe_pit *pit, size_t first, size_t last,
                                floe_error *err) {
    const char *answers = floe_arena_printf(job->arena, "part_answer_%zu", u->index);
    const char *rows = floe_arena_printf(
        job->arena, "%s part_rows_%zu%s SELECT __floe_row FROM part_labels_%zu WHERE __part >= %zu AND __part < %zu",
        first == 0 ? "CREATE TEMP TABLE" : "INSERT INTO", u->index, first == 0 ? " AS" : "", u->index, first, last);
    FLOE_TRY(floe_arena_check(job->arena, err));
    FLOE_AUTO_STREAM stream = {0};
    FLOE_TRY(floe_pit_stream(pit, &stream, err));
    FLOE_TRY(first == 0 ? floe_session_load(job->session, answers, &stream, err)
                        : floe_session_load_more(job->session, answers, &stream, err));
    return floe_session_run(job->session, rows, NULL, NULL, err);
}

/* A part that alone is more than fits, because one of its keys is: the kernel keeps its rows and answers in files. */
static bool is_too_large(const dataset_job *job, const unit *u, size_t part) {
    return (uint64_t)u->part_rows[part] * row_bytes(u->whole->need) > room_for_rows(job) &&
           floe_pit_may_spill(u->refs, u->ref_count);
}

static floe_status answer_parts(const dataset_job *job, const unit *u, size_t first, size_t last, floe_pit_stats *stats,
                                floe_error *err) {
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options options = floe_dataset_pit_options(job);
    floe_pit_stats found;
    FLOE_TRY(is_too_large(job, u, first) ? floe_lake_spill(job->lake, &options.spill_folder, err) : FLOE_OK);
    FLOE_TRY(floe_pit_open(u->refs, u->ref_count, &options, &pit, err));
    FLOE_TRY(feed_part(job, u, pit, first, last, err));
    FLOE_TRY(floe_pit_run(pit, job->run, err));
    floe_pit_stats_get(pit, &found);
    stats->ties += found.ties;
    stats->rows_kept += found.rows_kept;
    return keep_answers(job, u, pit, first, last, err);
}

/* As many parts from `first` on as fit; one at least. */
static size_t last_that_fits(const dataset_job *job, const unit *u, size_t first) {
    uint64_t per_row = row_bytes(u->whole->need);
    uint64_t room = room_for_rows(job);
    uint64_t labels = (uint64_t)job->label_count * (LABEL_BYTES + answers_bytes(u->refs, u->ref_count)) / u->parts;
    uint64_t bytes = 0;
    size_t last = first;
    while (last < u->parts) {
        bytes += (uint64_t)u->part_rows[last] * per_row + labels;
        if (bytes > room && last > first) {
            break;
        }
        last++;
    }
    return last;
}

/* Labels and rows by part of their keys. */
static floe_status divide(dataset_job *job, unit *u, floe_pit_stats *stats, floe_error *err) {
    int64_t rows = 0;
    FLOE_CLEANUP(floe_pit_close) floe_pit *pit = NULL;
    floe_pit_options options = {.as_known = job->request->as_known, .ignore_at = job->request->ignore_at};
    FLOE_TRY(floe_pit_open(u->refs, u->ref_count, &options, &pit, err));
    FLOE_TRY(divide_labels(job, u, pit, err));
    FLOE_TRY(divide_rows(job, u, pit, &rows, err));
    stats->rows_fed += u->again ? 0 : rows;
    return count_rows(job, u, err);
}

static floe_status answer_divided(dataset_job *job, unit *u, size_t unit_count, floe_pit_stats *stats,
                                  floe_error *err) {
    floe_dataset_progress(job, "dividing the rows", (double)u->index / (double)unit_count);
    FLOE_TRY(divide(job, u, stats, err));
    for (size_t first = 0, last; first < u->parts; first = last) {
        last = last_that_fits(job, u, first);
        double done = ((double)first / (double)u->parts + (double)u->index) / (double)unit_count;
        floe_dataset_progress(job, "joining", done);
        FLOE_TRY(answer_parts(job, u, first, last, stats, err));
    }
    FLOE_TRY(floe_file_remove_all(u->folder, err));
    const char *drop = floe_arena_printf(job->arena, "DROP TABLE part_labels_%zu", u->index);
    FLOE_TRY(floe_arena_check(job->arena, err));
    return floe_session_run(job->session, drop, NULL, NULL, err);
}

static floe_status answer_by_rescans(dataset_job *job, const unit *u, floe_pit_stats *stats, floe_error *err) {
    const dataset_rescan of = {.refs = u->refs,
                               .ref_count = u->ref_count,
                               .whole = u->whole,
                               .stretches = u->parts,
                               .room_bytes = room_for_slots(job),
                               .engine_bytes = TABLES_BESIDE * floe_dataset_table_bytes(u->refs, u->ref_count),
                               .table = floe_arena_printf(job->arena, "part_answer_%zu", u->index)};
    floe_pit_stats found;
    FLOE_TRY(floe_arena_check(job->arena, err));
    FLOE_TRY(floe_rescan_answer(job, &of, &found, err));
    stats->ties += found.ties;
    stats->rows_kept += found.rows_kept;
    stats->rows_fed += u->again ? 0 : found.rows_fed;
    return FLOE_OK;
}

/* ---- all answers in order ---- */

static void append_name(const floe_ref *ref, floe_buf *sql) {
    char name[FLOE_REF_NAME_MAX];
    floe_sql_quote_name(sql, floe_str_of(floe_ref_name(ref, "__", name)));
}

/* How many columns the engine can sort beside each other in the memory it has: it holds a sort's rows whole. */
static size_t slice_width(const dataset_job *job) {
    uint64_t column = (uint64_t)job->label_count * SORTED_BYTES + 1, engine = job->engine_bytes / 4;
    uint64_t width = (engine < job->kernel_bytes ? engine : job->kernel_bytes) / column;
    return width == 0 ? 1 : width > SIZE_MAX / 2 ? SIZE_MAX / 2 : (size_t)width;
}

/* The answers of a unit in the order of the labels, a few columns at a time: tables part_slice_N, which *count numbers. */
static floe_status sort_unit(dataset_job *job, const unit *u, size_t *count, floe_error *err) {
    if (u->rescans) { /* In that order they came. */
        const char *rename =
            floe_arena_printf(job->arena, "ALTER TABLE part_answer_%zu RENAME TO part_slice_%zu", u->index, (*count)++);
        FLOE_TRY(floe_arena_check(job->arena, err));
        return floe_session_run(job->session, rename, NULL, NULL, err);
    }
    size_t width = slice_width(job);
    for (size_t first = 0; first < u->ref_count; first += width) {
        FLOE_AUTO_BUF sql;
        floe_buf_init(&sql, FLOE_MIB(64));
        floe_buf_printf(&sql, "CREATE TEMP TABLE part_slice_%zu AS SELECT ", (*count)++);
        for (size_t i = first; i < u->ref_count && i - first < width; i++) {
            floe_buf_text(&sql, i > first ? ", " : "");
            append_name(&u->refs[i], &sql);
        }
        floe_buf_printf(&sql, " FROM part_rows_%zu POSITIONAL JOIN part_answer_%zu ORDER BY __floe_row", u->index,
                        u->index);
        FLOE_TRY(floe_buf_check(&sql, err));
        floe_dataset_progress(job, "gathering", (double)first / (double)u->ref_count);
        FLOE_TRY(floe_session_run(job->session, sql.ptr, NULL, NULL, err));
    }
    const char *drop =
        floe_arena_printf(job->arena, "DROP TABLE part_answer_%zu; DROP TABLE part_rows_%zu", u->index, u->index);
    FLOE_TRY(floe_arena_check(job->arena, err));
    return floe_session_run(job->session, drop, NULL, NULL, err);
}

static floe_status gather(dataset_job *job, const unit *units, size_t unit_count, floe_error *err) {
    size_t slices = 0;
    for (size_t i = 0; i < unit_count; i++) {
        FLOE_TRY(sort_unit(job, &units[i], &slices, err));
    }
    if (slices == 1) { /* All columns, in their order. */
        return floe_session_run(job->session, "ALTER TABLE part_slice_0 RENAME TO answer", NULL, NULL, err);
    }
    FLOE_AUTO_BUF sql;
    floe_buf_init(&sql, FLOE_MIB(64));
    /* Read side by side they take few blocks of memory; a table of them all would need more than there may be. */
    job->answer_is_view = true;
    floe_buf_text(&sql, "CREATE TEMP VIEW answer AS SELECT ");
    for (size_t i = 0; i < job->request->ref_count; i++) {
        floe_buf_text(&sql, i > 0 ? ", " : "");
        append_name(&job->request->refs[i], &sql);
    }
    for (size_t i = 0; i < slices; i++) {
        floe_buf_printf(&sql, "%s part_slice_%zu", i == 0 ? " FROM" : " POSITIONAL JOIN", i);
    }
    FLOE_TRY(floe_buf_check(&sql, err));
    return floe_session_run(job->session, sql.ptr, NULL, NULL, err);
}

static floe_status answer_units(dataset_job *job, const char *folder, floe_pit_stats *stats, floe_error *err) {
    unit *units;
    size_t count;
    FLOE_TRY(make_units(job, &units, &count, err));
    for (size_t i = 0; i < count; i++) {
        units[i].folder = floe_arena_printf(job->arena, "%s/%zu", folder, i);
        FLOE_TRY(floe_arena_check(job->arena, err));
        FLOE_TRY(units[i].rescans ? answer_by_rescans(job, &units[i], stats, err)
                                  : answer_divided(job, &units[i], count, stats, err));
    }
    job->answers.giver.costly = true;
    FLOE_TRY(floe_dataset_kernel_done(job, err));
    return gather(job, units, count, err);
}

floe_status floe_partition_answer(dataset_job *job, floe_pit_stats *ret_stats, floe_error *err) {
    const char *spill;
    FLOE_TRY(floe_lake_spill(job->lake, &spill, err));
    static atomic_uint next; /* Jobs may run at the same time. */
    const char *folder = floe_arena_printf(job->arena, "%s/parts-%u", spill, atomic_fetch_add(&next, 1));
    FLOE_TRY(floe_arena_check(job->arena, err));
    FLOE_TRY(floe_file_mkdirs(folder, err));
    floe_pit_stats stats = {.label_count = job->label_count};
    floe_status status = answer_units(job, folder, &stats, err);
    if (floe_failed(status)) {
        FLOE_IGNORE(floe_file_remove_all(folder, NULL));
        return status;
    }
    *ret_stats = stats;
    return floe_file_remove_all(folder, err);
}
