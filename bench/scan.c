/*
 * A full scan through floe against the bare read_parquet of the same files, in one engine, best of several runs taken in
 * turns: planning, reading of delete files and all. The query sums every column, so that nothing but reading is measured.
 *
 * Usage: scan REPEAT NAME=TABLE-FOLDER=GOAL …; prints a table and, last, one line of JSON. A table without deletes must sum
 * to what the bare files do; one with deletes to less rows.
 */
#include "core/limits.h"
#include "core/time.h"
#include "offline/iceberg/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void die(const char *what, const floe_error *err) {
    (void)fprintf(stderr, "bench/scan: %s: %s\n", what, err == NULL ? "failed" : err->message);
    exit(EXIT_FAILURE);
}

#define MUST(expression)                                                                                               \
    do {                                                                                                               \
        if (floe_failed(expression)) {                                                                                 \
            die(#expression, &err);                                                                                    \
        }                                                                                                              \
    } while (0)

static floe_error err;
static const char SUMS[] = "SELECT count(*)::BIGINT, sum(k)::DOUBLE, sum(v)::DOUBLE, max(s) FROM ";

typedef struct answer {
    int64_t rows;
    double seconds, cpu; /* by the clock; of all threads together */
} answer;

static double now(void) {
    return (double)floe_monotonic_us() / 1e6;
}

static double cpu_now(void) {
    struct timespec time = {0};
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int64_t run_sums(floe_session *session, const char *sql) {
    FLOE_AUTO_STREAM stream = {0};
    FLOE_AUTO_SCHEMA schema = {0};
    FLOE_AUTO_ARRAY batch = {0};
    floe_arrow_view view;
    floe_value value;
    MUST(floe_session_stream(session, sql, NULL, &stream, &err));
    MUST(floe_arrow_stream_schema(&stream, "sums", &schema, &err));
    MUST(floe_arrow_stream_next(&stream, "sums", &batch, &err));
    MUST(floe_arrow_view_of(&schema, &batch, 0, &view, &err));
    MUST(floe_arrow_get(&view, 0, NULL, &value, &err));
    return value.as.integer;
}

/* Planning from the metadata on, deletes read anew. */
static answer scan_floe(floe_lake *lake, const char *folder) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_BUF sql = {0};
    floe_engine *engine = NULL;
    floe_session *session = NULL;
    floe_table *table = NULL;
    floe_table_scan_files files;
    floe_arena_init(&arena, FLOE_GIB(4));
    floe_buf_init(&sql, FLOE_MIB(64));
    MUST(floe_lake_engine(lake, &engine, &err));
    MUST(floe_session_open(engine, NULL, &session, &err));
    double start = now();
    double cpu_start = cpu_now();
    MUST(floe_table_open(lake, folder, NULL, NULL, &table, &err));
    MUST(floe_table_scan_plan_files(table, &(floe_scan_request){.limit = -1}, NULL, &arena, &files, &err));
    floe_buf_text(&sql, SUMS);
    MUST(floe_table_scan_sql(table, &files, NULL, 0, false, session, &sql, &err));
    answer result = {.rows = run_sums(session, sql.ptr)};
    result.seconds = now() - start;
    result.cpu = cpu_now() - cpu_start;
    floe_table_close(&table);
    floe_session_close(&session);
    return result;
}

static answer scan_bare(floe_lake *lake, const char *folder) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_BUF sql = {0};
    floe_engine *engine = NULL;
    floe_session *session = NULL;
    floe_table *table = NULL;
    floe_table_scan_files files;
    floe_arena_init(&arena, FLOE_GIB(4));
    floe_buf_init(&sql, FLOE_MIB(64));
    MUST(floe_lake_engine(lake, &engine, &err));
    MUST(floe_session_open(engine, NULL, &session, &err));
    MUST(floe_table_open(lake, folder, NULL, NULL, &table, &err));
    MUST(floe_table_scan_plan_files(table, &(floe_scan_request){.limit = -1}, NULL, &arena, &files, &err));
    floe_buf_text(&sql, SUMS);
    floe_buf_text(&sql, "read_parquet([");
    for (size_t i = 0; i < files.file_count; i++) {
        floe_buf_text(&sql, i > 0 ? ", " : "");
        floe_sql_quote_text(&sql, floe_str_of(files.local_paths[i]));
    }
    floe_buf_text(&sql, "])");
    double start = now();
    double cpu_start = cpu_now();
    answer result = {.rows = run_sums(session, sql.ptr)};
    result.seconds = now() - start;
    result.cpu = cpu_now() - cpu_start;
    floe_table_close(&table);
    floe_session_close(&session);
    return result;
}

static answer better(answer best, answer next) {
    return (answer){.rows = next.rows,
                    .seconds = next.seconds < best.seconds ? next.seconds : best.seconds,
                    .cpu = next.cpu < best.cpu ? next.cpu : best.cpu};
}

static void measure(floe_lake *lake, char *argument, int repeat, bool first, floe_buf *json) {
    char *folder = strchr(argument, '=');
    char *goal = folder == NULL ? NULL : strchr(folder + 1, '=');
    if (goal == NULL) {
        die("NAME=FOLDER=GOAL", NULL);
    }
    *folder++ = 0;
    *goal++ = 0;
    answer best = {.seconds = 1e9, .cpu = 1e9};
    answer bare = best;
    for (int i = 0; i <= repeat; i++) { /* The first run warms the cache and does not count. */
        answer ours = scan_floe(lake, folder);
        answer theirs = scan_bare(lake, folder);
        best = i > 0 ? better(best, ours) : best;
        bare = i > 0 ? better(bare, theirs) : bare;
    }
    if (best.rows > bare.rows || (strcmp(argument, "plain") == 0) != (best.rows == bare.rows)) {
        die("the rows are not those of the files", NULL);
    }
    (void)printf("%-20s%12lld rows%10.3f s%12.3f s bare%10.2f ×%10.2f × processor time (goal %s)\n", argument,
                 (long long)best.rows, best.seconds, bare.seconds, best.seconds / bare.seconds, best.cpu / bare.cpu,
                 goal);
    floe_buf_printf(json,
                    "%s\"%s\": {\"value\": %.4f, \"unit\": \"s\", \"peer\": %.4f, \"ratio\": %.3f, "
                    "\"cpu\": %.4f, \"cpu_ratio\": %.3f, \"goal\": ",
                    first ? "" : ", ", argument, best.seconds, bare.seconds, best.seconds / bare.seconds, best.cpu,
                    best.cpu / bare.cpu);
    floe_buf_printf(json, "\"<= %s\"}", goal);
}

int main(int argc, char **argv) {
    FLOE_AUTO_BUF json = {0};
    floe_lake *lake = NULL;
    if (argc < 3) {
        die("usage: scan REPEAT NAME=FOLDER=GOAL …", NULL);
    }
    floe_buf_init(&json, FLOE_MIB(1));
    MUST(floe_lake_open(NULL, 0, NULL, &lake, &err));
    for (int i = 2; i < argc; i++) {
        measure(lake, argv[i], atoi(argv[1]), i == 2, &json);
    }
    floe_lake_close(&lake);
    (void)printf("{\"bench\": \"scan\", \"figures\": {%s}}\n", json.ptr ? json.ptr : "");
    return EXIT_SUCCESS;
}
