/*
 * Query latency of the lexical search over a made catalog of 10,000 tables and 200,000 columns, one client, the same
 * questions to FTS5 (one document a table, in memory, ten best) in the same run. Also: building, building again when
 * nothing changed, and opening.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "vector/vector.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#define TABLES 10000
#define COLUMNS 20
#define QUESTIONS 500

static uint64_t state = 42;

static uint64_t below(uint64_t bound) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % bound;
}

static _Noreturn void die(const char *what) {
    (void)fprintf(stderr, "search: %s\n", what);
    exit(1);
}

/* A word of a vocabulary of 4,000, the low numbers far more often, as names in a warehouse are. */
static void put_word(floe_buf *out) {
    static const char *const syllables[] = {"ba", "de", "fi", "go", "hu", "ka",  "le",  "mi",  "no",  "pu",
                                            "ra", "se", "ti", "vo", "zu", "cla", "dre", "fro", "gli", "tru"};
    uint64_t number = below(1 + below(4000));
    for (int i = 0; i < 3; i++) {
        floe_buf_text(out, syllables[number % 20]);
        number /= 20;
    }
}

static void put_name(floe_buf *out) {
    put_word(out);
    floe_buf_byte(out, '_');
    put_word(out);
}

/* One table as an import line, and as a row of the peer: "?1" name, "?2" columns. */
static void put_table(floe_buf *out, sqlite3_stmt *insert, int number) {
    FLOE_AUTO_BUF name;
    FLOE_AUTO_BUF columns;
    floe_buf_init(&name, FLOE_KIB(1));
    floe_buf_init(&columns, FLOE_KIB(16));
    put_name(&name);
    floe_buf_printf(&name, "_%d", number);
    floe_buf_printf(out, "{\"database\":\"lake.space_%d\",\"table\":\"%s\",\"columns\":[", number % 100, name.ptr);
    for (int i = 0; i < COLUMNS; i++) {
        size_t begin = columns.len;
        put_name(&columns);
        floe_buf_printf(out, "%s{\"name\":\"%s\"}", i > 0 ? "," : "", columns.ptr + begin);
        floe_buf_byte(&columns, ' ');
    }
    floe_buf_text(out, "]}\n");
    (void)sqlite3_bind_text(insert, 1, name.ptr, -1, SQLITE_TRANSIENT);
    (void)sqlite3_bind_text(insert, 2, columns.ptr, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(insert) != SQLITE_DONE) {
        die("FTS5 refuses a row");
    }
    (void)sqlite3_reset(insert);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text) {
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(db, text, -1, &stmt, NULL) != SQLITE_OK) {
        die(sqlite3_errmsg(db));
    }
    return stmt;
}

static int64_t build(const char *folder, const char *import) {
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1};
    floe_index_result result = {0};
    floe_error err = {0};
    if (floe_failed(floe_index_build(&request, &result, &err))) {
        die(err.message);
    }
    return result.elapsed_us;
}

static int compare_i64(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

typedef struct latency {
    int64_t us[QUESTIONS];
    double p50_ms, p99_ms;
} latency;

static void summarise(latency *all) {
    qsort(all->us, QUESTIONS, sizeof(all->us[0]), compare_i64);
    all->p50_ms = (double)all->us[QUESTIONS / 2] / 1e3;
    all->p99_ms = (double)all->us[QUESTIONS * 99 / 100] / 1e3;
}

/* Five words; for the peer as an OR of words, which is what it needs to find a table that lacks one. */
static void put_question(floe_buf *question, floe_buf *match) {
    floe_buf_clear(question);
    floe_buf_clear(match);
    for (int i = 0; i < 5; i++) {
        size_t begin = question->len;
        put_word(question);
        floe_buf_printf(match, "%s\"%s\"", i > 0 ? " OR " : "", question->ptr + begin);
        floe_buf_byte(question, ' ');
    }
}

static void ask(floe_search *search, floe_hit_kind kind, floe_str text, int64_t *ret_us) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_query query = {.text = text, .k = 10, .kind = kind};
    floe_answer answer = {0};
    floe_error err = {0};
    int64_t started_us = floe_monotonic_us();
    if (floe_failed(floe_search_query(search, &query, &arena, &answer, &err))) {
        die(err.message);
    }
    *ret_us = floe_monotonic_us() - started_us;
}

static void ask_peer(sqlite3_stmt *select, floe_str match, int64_t *ret_us) {
    int64_t started_us = floe_monotonic_us();
    (void)sqlite3_bind_text(select, 1, match.ptr, (int)match.len, SQLITE_TRANSIENT);
    while (sqlite3_step(select) == SQLITE_ROW) {
    }
    (void)sqlite3_reset(select);
    *ret_us = floe_monotonic_us() - started_us;
}

static void make_catalog(const char *import, sqlite3 *db) {
    FLOE_AUTO_BUF lines;
    floe_error err = {0};
    floe_buf_init(&lines, FLOE_MIB(256));
    sqlite3_stmt *insert = prepare(db, "INSERT INTO docs VALUES (?1, ?2)");
    (void)sqlite3_exec(db, "BEGIN", NULL, NULL, NULL);
    for (int i = 0; i < TABLES; i++) {
        put_table(&lines, insert, i);
    }
    (void)sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    (void)sqlite3_finalize(insert);
    if (floe_failed(floe_file_write(import, floe_buf_view(&lines), false, &err))) {
        die(err.message);
    }
}

static void measure(floe_search *search, sqlite3 *db, latency all[3]) {
    FLOE_AUTO_BUF question;
    FLOE_AUTO_BUF match;
    floe_buf_init(&question, FLOE_KIB(4));
    floe_buf_init(&match, FLOE_KIB(4));
    sqlite3_stmt *select = prepare(db, "SELECT rowid FROM docs WHERE docs MATCH ?1 ORDER BY bm25(docs, 2, 1) LIMIT 10");
    for (int i = 0; i < QUESTIONS; i++) {
        put_question(&question, &match);
        ask(search, FLOE_HIT_TABLE, floe_buf_view(&question), &all[0].us[i]);
        ask(search, FLOE_HIT_ANY, floe_buf_view(&question), &all[1].us[i]);
        ask_peer(select, floe_buf_view(&match), &all[2].us[i]);
    }
    (void)sqlite3_finalize(select);
    for (int i = 0; i < 3; i++) {
        summarise(&all[i]);
    }
}

static void put_figure(const char *lead, const char *name, double value, double peer, double goal) {
    printf("%s\"%s\": {\"value\": %.3f, \"unit\": \"ms\"", lead, name, value);
    if (peer > 0) {
        printf(", \"peer\": %.3f, \"ratio\": %.3f", peer, value / peer);
    }
    if (goal > 0) {
        printf(", \"goal\": %.1f", goal);
    }
    printf("}");
}

static void print(const latency all[3], double build_ms, double again_ms, double open_ms) {
    static const char *const names[] = {"floe, tables", "floe, all kinds", "FTS5, tables"};
    printf("%d tables, %d columns, %d questions of 5 words, 10 hits\n", TABLES, TABLES * COLUMNS, QUESTIONS);
    for (int i = 0; i < 3; i++) {
        printf("%-16s p50 %8.3f ms   p99 %8.3f ms\n", names[i], all[i].p50_ms, all[i].p99_ms);
    }
    printf("index %.0f ms, again unchanged %.0f ms, open %.0f ms\n", build_ms, again_ms, open_ms);
    printf("{\"bench\": \"search\", \"figures\": {");
    put_figure("", "query tables p50", all[0].p50_ms, all[2].p50_ms, 0);
    put_figure(", ", "query tables p99", all[0].p99_ms, all[2].p99_ms, 3);
    put_figure(", ", "query any p50", all[1].p50_ms, 0, 0);
    put_figure(", ", "query any p99", all[1].p99_ms, 0, 3);
    put_figure(", ", "index", build_ms, 0, 0);
    put_figure(", ", "index unchanged", again_ms, 0, 2000);
    put_figure(", ", "open", open_ms, 0, 0);
    printf("}}\n");
}

int main(int argc, char **argv) {
    FLOE_AUTO_ARENA arena;
    static latency all[3];
    sqlite3 *db = NULL;
    floe_search *search = NULL;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    if (argc != 2 || sqlite3_open(":memory:", &db) != SQLITE_OK ||
        sqlite3_exec(db, "CREATE VIRTUAL TABLE docs USING fts5(name, columns)", NULL, NULL, NULL) != SQLITE_OK) {
        die("usage: search FOLDER");
    }
    const char *import = floe_path_join(&arena, argv[1], "lines.jsonl");
    const char *folder = floe_path_join(&arena, argv[1], "index");
    make_catalog(import, db);
    int64_t build_us = build(folder, import);
    int64_t again_us = build(folder, import);
    int64_t started_us = floe_monotonic_us();
    if (floe_failed(floe_search_open(folder, NULL, &search, &err))) {
        die(err.message);
    }
    int64_t open_us = floe_monotonic_us() - started_us;
    measure(search, db, all);
    floe_search_close(&search);
    (void)sqlite3_close(db);
    print(all, (double)build_us / 1e3, (double)again_us / 1e3, (double)open_us / 1e3);
    return 0;
}
