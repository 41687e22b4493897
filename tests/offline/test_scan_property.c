/*
 * Whole scans against the engine alone: a table of many files, partitioned and with bounds, read by floe through random
 * filters, must give the rows that the engine finds in the same files without any table, pruning or field id.
 * timeout: 300
 */
#include "tests/offline/ice_support.h"
#include "tests/offline/sql_support.h"

#include "offline/iceberg/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES = 24, ROUNDS = 250 };

#define FIELD(id, name, type) "{\"id\":" id ",\"name\":\"" name "\",\"required\":false,\"type\":\"" type "\"}"
#define SCHEMAS                                                                                                        \
    "[{\"schema-id\":0,\"type\":\"struct\",\"fields\":[" FIELD("1", "k", "long") "," FIELD(                            \
        "2", "f", "double") "," FIELD("3", "t", "timestamp") "," FIELD("4", "s", "string") "," FIELD("5", "d",         \
                                                                                                     "date") "]}]"
#define SPECS                                                                                                          \
    "[{\"spec-id\":0,\"fields\":[{\"name\":\"t_day\",\"transform\":\"day\",\"source-id\":3,\"field-id\":1000},"        \
    "{\"name\":\"s\",\"transform\":\"identity\",\"source-id\":4,\"field-id\":1001}]}]"
#define PARTS                                                                                                          \
    "{\"name\":\"t_day\",\"type\":[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}],\"field-id\":1000},"          \
    "{\"name\":\"s\",\"type\":[\"null\",\"string\"],\"field-id\":1001}"

static const char *const TEXTS[] = {NULL, "a", "ab", "b", "it''s", "zz"};

typedef struct scan_fixture {
    floe_arena arena;
    floe_lake *lake;
    floe_session *session;
    ice_table table;
    floe_buf all; /* the engine's view: a list of files */
    floe_test_rng rng;
} scan_fixture;

static const char *text_of(scan_fixture *fixture, const char *sql) {
    struct ArrowArrayStream stream = {0};
    floe_error err = {0};
    assert_ok(floe_session_stream(fixture->session, sql, NULL, &stream, &err), &err);
    return stream_text(&stream, &fixture->arena);
}

/* One file: a day and a text for all its rows, the other columns random, some null. Half of the files lack `s`: its value
 * is the partition's. The engine's copy beside it always has the column. */
static void add_file(scan_fixture *fixture, ice_entry *entry, int number) {
    static ice_bound bounds[FILES][2];
    floe_test_rng *rng = &fixture->rng;
    int64_t day = floe_test_between(rng, -4, 4);
    const char *text = TEXTS[floe_test_below(rng, 6)];
    bool lacks = text != NULL && floe_test_below(rng, 2) == 0;
    int64_t base = floe_test_between(rng, -20, 20);
    const char *path = ice_path(fixture->table.folder, floe_arena_printf(&fixture->arena, "f%02d.parquet", number));
    const char *copy = ice_path(fixture->table.folder, floe_arena_printf(&fixture->arena, "g%02d.parquet", number));
    char *value = text == NULL ? floe_arena_strdup(&fixture->arena, "NULL::VARCHAR")
                               : floe_arena_printf(&fixture->arena, "'%s'", text);
    char *select =
        floe_arena_printf(&fixture->arena,
                          "SELECT CASE WHEN i %% 4 = 3 THEN NULL ELSE %lld + i END::BIGINT AS k, "
                          "CASE WHEN i %% 7 = 3 THEN NULL ELSE (%lld + i) / 2.0 END::DOUBLE AS f, "
                          "'1970-01-01'::TIMESTAMP + INTERVAL (%lld) DAY + INTERVAL (i * 5) HOUR AS t, %s AS s, "
                          "('1970-01-01'::DATE + (%lld + i)::INTEGER) AS d FROM range(4) AS r(i)",
                          (long long)base, (long long)base, (long long)day, value, (long long)base);
    floe_error err = {0};
    assert_ok(floe_session_run(fixture->session,
                               floe_arena_printf(&fixture->arena,
                                                 "COPY (SELECT * %s FROM (%s)) TO '%s' (FORMAT parquet, FIELD_IDS "
                                                 "{k: 1, f: 2, t: 3, %s d: 5})",
                                                 lacks ? "EXCLUDE (s)" : "", select, path, lacks ? "" : "s: 4,"),
                               NULL, NULL, &err),
              &err);
    assert_ok(floe_session_run(fixture->session,
                               floe_arena_printf(&fixture->arena, "COPY (%s) TO '%s' (FORMAT parquet)", select, copy),
                               NULL, NULL, &err),
              &err);
    floe_buf_printf(&fixture->all, "%s'%s'", number > 0 ? ", " : "", copy);
    floe_buf part;
    floe_buf_init(&part, FLOE_KIB(1));
    avro_long(&part, 1);
    avro_long(&part, day);
    avro_long(&part, text == NULL ? 0 : 1);
    if (text != NULL) {
        avro_text(&part, strcmp(text, "it''s") == 0 ? "it's" : text);
    }
    bounds[number][0] = ice_bound_i64(1, base);
    bounds[number][1] = ice_bound_i64(1, base + 2); /* the row with i = 3 is null */
    *entry = (ice_entry){.status = 1,
                         .snapshot_id = -1,
                         .sequence_number = -1,
                         .path = path,
                         .record_count = 4,
                         .file_len = 100,
                         .partition = floe_arena_str(&fixture->arena, floe_buf_view(&part)),
                         .lower = &bounds[number][0],
                         .lower_count = 1,
                         .upper = &bounds[number][1],
                         .upper_count = 1};
    floe_buf_close(&part);
}

static void open_fixture(scan_fixture *fixture) {
    floe_error err = {0};
    floe_engine *engine = NULL;
    ice_entry entries[FILES];
    floe_arena_init(&fixture->arena, FLOE_GIB(1));
    floe_buf_init(&fixture->all, FLOE_MIB(1));
    fixture->rng = floe_test_rng_of(floe_test_seed());
    fixture->lake = ice_lake();
    assert_ok(floe_lake_engine(fixture->lake, &engine, &err), &err);
    assert_ok(floe_session_open(engine, NULL, &fixture->session, &err), &err);
    ice_table_init(&fixture->table, SCHEMAS, SPECS, PARTS);
    for (int i = 0; i < FILES; i++) {
        add_file(fixture, &entries[i], i);
    }
    ice_table_add(&fixture->table, "append", 0, entries, FILES / 2);
    ice_table_add(&fixture->table, "append", 0, entries + FILES / 2, FILES - FILES / 2);
    ice_table_write(&fixture->table);
}

static void close_fixture(scan_fixture *fixture) {
    ice_table_close(&fixture->table);
    floe_session_close(&fixture->session);
    floe_lake_close(&fixture->lake);
    floe_buf_close(&fixture->all);
    floe_arena_close(&fixture->arena);
}

/* A filter that means the same to floe and to the engine. */
static void put_filter(floe_test_rng *rng, int depth, floe_buf *out) {
    static const char *const OPS[] = {"=", "<>", "<", "<=", ">", ">="};
    const char *op = OPS[floe_test_below(rng, 6)];
    uint64_t kind = floe_test_below(rng, depth > 0 ? 11 : 8);
    const char *text = TEXTS[1 + floe_test_below(rng, 5)];
    switch (kind) {
    case 0:
        floe_buf_printf(out, "k %s %d", op, (int)floe_test_between(rng, -25, 25));
        return;
    case 1:
        floe_buf_printf(out, "f %s %d.5", op, (int)floe_test_between(rng, 0, 12));
        return;
    case 2:
        floe_buf_printf(out, "t %s TIMESTAMP '19%s-01-%02d %02d:00:00'", op, floe_test_below(rng, 2) ? "70" : "69",
                        1 + (int)floe_test_below(rng, 6), (int)floe_test_below(rng, 24));
        return;
    case 3:
        floe_buf_printf(out, "s %s '%s'", op, text);
        return;
    case 4:
        floe_buf_printf(out, "d BETWEEN DATE '1969-12-2%d' AND DATE '1970-01-0%d'", (int)floe_test_below(rng, 10),
                        1 + (int)floe_test_below(rng, 9));
        return;
    case 5:
        floe_buf_printf(out, "%c IS %sNULL", "kfts"[floe_test_below(rng, 4)], floe_test_below(rng, 2) ? "NOT " : "");
        return;
    case 6:
        floe_buf_printf(out, "s %sIN ('%s', 'b')", floe_test_below(rng, 2) ? "NOT " : "", text);
        return;
    case 7:
        floe_buf_printf(out, "s %sLIKE '%c%%'", floe_test_below(rng, 2) ? "NOT " : "", "abiz"[floe_test_below(rng, 4)]);
        return;
    case 8:
        floe_buf_text(out, "NOT (");
        put_filter(rng, depth - 1, out);
        floe_buf_byte(out, ')');
        return;
    default:
        floe_buf_byte(out, '(');
        put_filter(rng, depth - 1, out);
        floe_buf_text(out, kind == 9 ? ") AND (" : ") OR (");
        put_filter(rng, depth - 1, out);
        floe_buf_byte(out, ')');
    }
}

/* floe's rows of a filter, sorted by the engine, which only sees the stream's file. */
static const char *floe_rows(scan_fixture *fixture, const char *where, bool raw, int64_t *ret_pruned) {
    floe_error err = {0};
    int64_t rows = 0;
    floe_scan_plan plan;
    const char *path = ice_path(fixture->table.folder, "out.parquet");
    floe_table *table = ice_open(fixture->lake, fixture->table.folder);
    floe_scan_request request = {.limit = -1, .where = where, .engine_where = raw};
    assert_ok(floe_table_plan(table, &request, &fixture->arena, &plan, &err), &err);
    (void)unlink(path); /* An output takes the place of no Parquet file in a table's folder. */
    assert_ok(floe_table_scan_to(table, &request, path, &rows, &err), &err);
    *ret_pruned = plan.files_total - plan.files_read;
    floe_table_close(&table);
    return text_of(fixture, floe_arena_printf(&fixture->arena, "SELECT * FROM '%s' ORDER BY ALL", path));
}

static void property__filtered_scans__give_the_rows_of_the_engine_alone(void **state) {
    (void)state;
    static scan_fixture fixture;
    open_fixture(&fixture);
    int64_t pruned_files = 0;
    size_t with_rows = 0;
    for (int round = 0; round < ROUNDS; round++) {
        FLOE_AUTO_BUF where = {0};
        floe_buf_init(&where, FLOE_KIB(64));
        put_filter(&fixture.rng, 2, &where);
        int64_t pruned = 0;
        const char *got = floe_rows(&fixture, where.ptr, false, &pruned);
        const char *want = text_of(&fixture, floe_arena_printf(&fixture.arena,
                                                               "SELECT * FROM read_parquet([%s]) WHERE %s ORDER BY ALL",
                                                               fixture.all.ptr, where.ptr));
        if (strcmp(got, want) != 0) {
            fail_msg("round %d, WHERE %s:\n%s\nshould be\n%s", round, where.ptr, got, want);
        }
        pruned_files += pruned;
        with_rows += want[0] != 0 ? 1 : 0;
    }
    /* Proof that something was tested. */
    assert_true(pruned_files > ROUNDS && with_rows > ROUNDS / 4);
    close_fixture(&fixture);
}

/* What floe cannot parse goes to the engine as it is: the same rows, and no file is left out. */
static void raw_filters__give_the_same_rows_without_pruning(void **state) {
    (void)state;
    static scan_fixture fixture;
    static const char *const FILTERS[] = {"k + 1 > 5", "length(s) = 2", "date_part('day', t) = 2 AND s IS NOT NULL",
                                          "coalesce(s, 'none') = 'none'", "f BETWEEN k AND k + 1 OR abs(k) > 18"};
    open_fixture(&fixture);
    for (size_t i = 0; i < sizeof(FILTERS) / sizeof(FILTERS[0]); i++) {
        int64_t pruned = -1;
        const char *got = floe_rows(&fixture, FILTERS[i], true, &pruned);
        const char *want = text_of(&fixture, floe_arena_printf(&fixture.arena,
                                                               "SELECT * FROM read_parquet([%s]) WHERE %s ORDER BY ALL",
                                                               fixture.all.ptr, FILTERS[i]));
        assert_string_equal(got, want);
        assert_int_equal(pruned, 0);
    }
    close_fixture(&fixture);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(property__filtered_scans__give_the_rows_of_the_engine_alone),
        cmocka_unit_test(raw_filters__give_the_same_rows_without_pruning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
