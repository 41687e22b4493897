/*
 * Equality deletes over real Parquet files: which rows go by key, null, sequence number and partition, keys that were
 * renamed, widened, dropped or added, and what is refused. Files are written by the engine; what must be left follows from
 * the rules of the spec ("Equality Delete Files", "Scan Planning"). Everything is shown twice: by key sets, and by the anti-joins
 * that take their place where a manifest promises more keys than a set may hold.
 * timeout: 300
 */
#include "tests/offline/delete_support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define KS FIELD("1", "k", "\"long\"") "," FIELD("2", "s", "\"string\"")
#define PLAIN "[" SCHEMA("0", KS) "]"

static ice_world world;
static bool joined; /* manifests of deletes promise more keys than fit into a set */

static int set_up(void **state) {
    (void)state;
    ice_world_open(&world, PLAIN, UNPARTITIONED, "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ice_world_close(&world);
    return 0;
}

#define TEXT(...) ice_text(&world, __VA_ARGS__)

static ice_entry file(const char *name, const char *select, const char *ids) {
    return ice_added(ice_parquet(&world, name, select, ids), 3);
}

/* A data file of rows "(1, 'a'), (2, NULL)" as k and s. */
static ice_entry rows(const char *name, const char *values) {
    return file(name, TEXT("SELECT a::BIGINT AS k, b::VARCHAR AS s FROM (VALUES %s) t(a, b)", values), "k: 1, s: 2");
}

static void append(ice_entry entry) {
    ice_table_add(&world.table, "append", 0, &entry, 1);
}

/* Ids live as long as the process. */
static ice_entry deleting(ice_entry entry, const int32_t *ids, size_t count) {
    entry.content = 2;
    entry.equality_ids = ids;
    entry.equality_id_count = count;
    entry.record_count = joined ? 1000000000 : entry.record_count;
    return entry;
}

static const int32_t BY_K[] = {1};
static const int32_t BY_S[] = {2};
static const int32_t BY_BOTH[] = {1, 2};
static const int32_t BY_BOTH_TURNED[] = {2, 1};

static void remove_where(ice_entry entry) {
    ice_table_add(&world.table, "delete", 1, &entry, 1);
}

static ice_entry keys(const char *name, const char *values) {
    return deleting(file(name, TEXT("SELECT a::BIGINT AS k FROM (VALUES %s) t(a)", values), "k: 1"), BY_K, 1);
}

static ice_entry texts(const char *name, const char *values) {
    return deleting(file(name, TEXT("SELECT a::VARCHAR AS s FROM (VALUES %s) t(a)", values), "s: 2"), BY_S, 1);
}

static ice_entry pairs(const char *name, const char *values) {
    return deleting(rows(name, values), BY_BOTH, 2);
}

/* ---- keys ---- */

static void key__of_one_column__deletes_every_row_that_has_it(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a'), (2, 'b'), (1, 'c')"));
    append(rows("2.parquet", "(1, 'd'), (3, NULL)"));
    remove_where(keys("d.parquet", "(1), (9), (1)"));
    ice_expect_set(&world, "2|b;3|∅");
    ice_expect_columns(&world, "s", "b;∅"); /* the key need not be projected */
    ice_expect(&world, "k = 1", "");
}

static void key__null__deletes_only_nulls(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a'), (2, NULL), (3, '')"));
    remove_where(texts("d.parquet", "(NULL)"));
    ice_expect_set(&world, "1|a;3|");
}

static void key__value__keeps_nulls(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a'), (2, NULL), (3, 'b')"));
    remove_where(texts("d.parquet", "('a')"));
    ice_expect_set(&world, "2|∅;3|b");
}

static void key__of_two_columns__needs_both_null_being_a_value(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a'), (1, NULL), (1, 'b'), (NULL, NULL), (NULL, 'a'), (2, 'a')"));
    remove_where(pairs("d.parquet", "(1, NULL), (NULL, 'a'), (2, 'b')"));
    ice_expect_set(&world, "1|a;1|b;∅|∅;2|a");
}

static void key__ids_in_another_order__are_one_set(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a'), (2, 'b'), (3, 'c')"));
    remove_where(deleting(rows("d1.parquet", "(1, 'a')"), BY_BOTH, 2));
    remove_where(deleting(rows("d2.parquet", "(2, 'b')"), BY_BOTH_TURNED, 2));
    ice_expect_set(&world, "3|c");
}

static void key__sets_of_different_columns__all_apply(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, NULL)"));
    remove_where(keys("d1.parquet", "(1)"));
    remove_where(texts("d2.parquet", "('b'), (NULL)"));
    remove_where(pairs("d3.parquet", "(3, 'c'), (4, 'x')"));
    ice_expect_set(&world, "4|d");
}

static void key__other_columns_of_the_delete_file__say_nothing(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a'), (2, 'b')"));
    remove_where(deleting(rows("d.parquet", "(1, 'other')"), BY_K, 1));
    ice_expect_set(&world, "2|b");
}

static void key__floats__nan_is_nan_and_zeros_differ(void **state) {
    (void)state;
    world.table.schemas = "[" SCHEMA("0", FIELD("1", "k", "\"double\"")) "]";
    append(file("1.parquet", "SELECT unnest(['nan', '-nan', '0', '-0', '1.5', NULL])::DOUBLE AS k", "k: 1"));
    remove_where(deleting(file("d.parquet", "SELECT unnest(['nan', '-0', '1.5'])::DOUBLE AS k", "k: 1"), BY_K, 1));
    ice_expect_sql(&world, "string_agg(coalesce(k::VARCHAR, 'null'), ' ')", "0.0 null");
}

static void key__types__all_match(void **state) {
    (void)state;
    static const struct {
        const char *type, *value, *other;
    } CASES[] = {
        {"\"boolean\"", "true", "false"},
        {"\"int\"", "5::INTEGER", "6::INTEGER"},
        {"\"decimal(30,2)\"", "1.25::DECIMAL(30,2)", "1.26::DECIMAL(30,2)"},
        {"\"date\"", "DATE '1969-12-31'", "DATE '1970-01-01'"},
        {"\"time\"", "TIME '01:02:03.000004'", "TIME '01:02:03.000005'"},
        {"\"timestamp\"", "TIMESTAMP '2020-01-01 00:00:00.000001'", "TIMESTAMP '2020-01-01'"},
        {"\"timestamptz\"", "TIMESTAMPTZ '2020-01-01 00:00:00Z'", "TIMESTAMPTZ '2020-01-01 00:00:01Z'"},
        {"\"uuid\"", "'00000000-0000-0000-0000-000000000001'::UUID", "'00000000-0000-0000-0000-000000000002'::UUID"},
        {"\"binary\"", "'\\x00\\x01'::BLOB", "'\\x00'::BLOB"},
        {"\"string\"", "'ü'", "'u'"}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        ice_table_close(&world.table);
        ice_table_init(&world.table, TEXT("[" SCHEMA("0", FIELD("1", "k", "%s")) "]", CASES[i].type), UNPARTITIONED,
                       "");
        append(file("1.parquet", TEXT("SELECT unnest([%s, %s]) AS k", CASES[i].value, CASES[i].other), "k: 1"));
        remove_where(deleting(file("d.parquet", TEXT("SELECT %s AS k", CASES[i].value), "k: 1"), BY_K, 1));
        ice_expect_sql(&world, TEXT("count(*), bool_and(k = %s)", CASES[i].other), "1|true");
    }
}

/* ---- sequence numbers ---- */

static void sequence__file_of_the_same_commit_or_later__is_kept(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'old')"));
    ice_entry same = rows("2.parquet", "(1, 'same')");
    same.sequence_number = 3; /* the delete's own */
    append(same);
    remove_where(keys("d.parquet", "(1)"));
    append(rows("3.parquet", "(1, 'new')"));
    ice_expect_set(&world, "1|same;1|new");
}

/* An upsert's whole life: each version deletes the one before, one file of all shapes together. */
static void sequence__each_row_is_measured_by_its_own_file(void **state) {
    (void)state;
    for (int i = 0; i < 5; i++) {
        append(rows(TEXT("%d.parquet", i), TEXT("(%d, 'v%d'), (7, 'v%d')", i, i, i)));
        if (i < 4) {
            remove_where(keys(TEXT("d%d.parquet", i), i % 2 == 0 ? "(7)" : TEXT("(%d)", i)));
        }
    }
    /* The deletes of 7 come after files 0 and 2, those of 1 and 3 after files 1 and 3. */
    ice_expect_set(&world, "0|v0;2|v2;7|v3;4|v4;7|v4");
}

static void sequence__snapshot_before__sees_all(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a'), (2, 'b')"));
    remove_where(keys("d.parquet", "(1)"));
    ice_expect_at(&world, 1, "1|a;2|b");
    ice_expect_at(&world, 2, "2|b");
}

static void sequence__with_position_deletes__both_apply(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a'), (2, 'b'), (3, 'c')"));
    ice_entry position =
        file("p.parquet", TEXT("SELECT '%s' AS file_path, 2::BIGINT AS pos", ice_path(world.table.folder, "1.parquet")),
             "file_path: 2147483546, pos: 2147483545");
    position.content = 1;
    remove_where(position);
    remove_where(keys("d.parquet", "(1)"));
    ice_expect_set(&world, "2|b");
    ice_expect_positions(&world, "2|b|0|1");
}

/* ---- partitions ---- */

#define SPEC_S                                                                                                         \
    "{\"spec-id\":0,\"fields\":[{\"name\":\"s\",\"transform\":\"identity\",\"source-id\":2,\"field-id\":1000}]}"
#define PART_S "{\"name\":\"s\",\"type\":[\"null\",\"string\"],\"field-id\":1000}"

static ice_entry in_partition(ice_entry entry, const char *encoded, size_t len) {
    entry.partition = (floe_str){encoded, len};
    return entry;
}

static void partition__deletes_reach_their_own_only(void **state) {
    (void)state;
    world.table.specs = "[" SPEC_S "]";
    world.table.partition_fields = PART_S;
    const ice_entry data[] = {in_partition(rows("1.parquet", "(1, 'x'), (2, 'x')"), "\x02\x02x", 3),
                              in_partition(rows("2.parquet", "(1, 'y'), (2, 'y')"), "\x02\x02y", 3),
                              in_partition(rows("3.parquet", "(1, NULL), (2, NULL)"), "\0", 1)};
    const ice_entry removed[] = {in_partition(keys("d1.parquet", "(1)"), "\x02\x02x", 3),
                                 in_partition(keys("d2.parquet", "(2)"), "\0", 1)};
    ice_table_add(&world.table, "append", 0, data, 3);
    ice_table_add(&world.table, "delete", 1, removed, 2);
    ice_expect_set(&world, "2|x;1|y;2|y;1|∅");
}

static void partition__column_that_files_lack__is_matched_by_its_constant(void **state) {
    (void)state;
    world.table.specs = "[" SPEC_S "]";
    world.table.partition_fields = PART_S;
    const ice_entry data[] = {
        in_partition(file("1.parquet", "SELECT unnest([1, 2])::BIGINT AS k", "k: 1"), "\x02\x02x", 3),
        in_partition(file("2.parquet", "SELECT unnest([1, 2])::BIGINT AS k", "k: 1"), "\x02\x02y", 3)};
    const ice_entry removed[] = {in_partition(pairs("d1.parquet", "(1, 'x'), (2, 'y')"), "\x02\x02x", 3)};
    ice_table_add(&world.table, "append", 0, data, 2);
    ice_table_add(&world.table, "delete", 1, removed, 1);
    ice_expect_set(&world, "2|x;1|y;2|y");
}

/* The support writes every manifest under spec 0: what follows needs an unpartitioned spec beside a partitioned one, so
 * the manifest of the global delete is listed under spec 1. */
static void partition__unpartitioned_spec__deletes_everywhere(void **state) {
    (void)state;
    world.table.specs = "[" SPEC_S ",{\"spec-id\":1,\"fields\":[]}]";
    world.table.partition_fields = PART_S;
    const ice_entry data[] = {in_partition(rows("1.parquet", "(1, 'x'), (2, 'x')"), "\x02\x02x", 3),
                              in_partition(rows("2.parquet", "(1, 'y'), (2, 'y')"), "\x02\x02y", 3)};
    const ice_entry local[] = {in_partition(keys("d1.parquet", "(2)"), "\x02\x02y", 3)};
    ice_table_add(&world.table, "append", 0, data, 2);
    ice_table_add(&world.table, "delete", 1, local, 1);
    world.table.partition_fields = "";
    world.table.spec_id = 1;
    remove_where(keys("d2.parquet", "(1)"));
    ice_expect_set(&world, "2|x");
}

static void partition__position_deletes_of_an_unpartitioned_spec__do_not_reach(void **state) {
    (void)state;
    world.table.specs = "[" SPEC_S ",{\"spec-id\":1,\"fields\":[]}]";
    world.table.partition_fields = PART_S;
    ice_entry data = in_partition(rows("1.parquet", "(1, 'x'), (2, 'x')"), "\x02\x02x", 3);
    append(data);
    ice_entry position = file("p.parquet", TEXT("SELECT '%s' AS file_path, 0::BIGINT AS pos", data.path),
                              "file_path: 2147483546, pos: 2147483545");
    position.content = 1;
    position.referenced = data.path;
    world.table.partition_fields = "";
    world.table.spec_id = 1;
    remove_where(position);
    ice_refused(&world, FLOE_CORRUPT, "another partition");
}

/* ---- evolution ---- */

static void evolution__renamed_and_widened_key__is_found_by_id(void **state) {
    (void)state;
    world.table.schemas =
        "[" SCHEMA("0", FIELD("1", "old", "\"int\"")) "," SCHEMA("1", FIELD("1", "k", "\"long\"")) "]";
    world.table.current_schema = 1;
    append(file("1.parquet", "SELECT unnest([1, 2, 3])::INTEGER AS old", "old: 1"));
    remove_where(deleting(file("d1.parquet", "SELECT 1::INTEGER AS old", "old: 1"), BY_K, 1));
    append(file("2.parquet", "SELECT unnest([1, 5000000000]) AS k", "k: 1"));
    remove_where(deleting(file("d2.parquet", "SELECT unnest([2, 5000000000]) AS k", "k: 1"), BY_K, 1));
    ice_expect_set(&world, "3;1");
}

static void evolution__dropped_key__is_looked_for_in_older_schemas(void **state) {
    (void)state;
    world.table.schemas = "[" SCHEMA("0", KS) "," SCHEMA("1", FIELD("1", "k", "\"long\"")) "]";
    append(rows("1.parquet", "(1, 'a'), (2, 'b'), (3, NULL)"));
    remove_where(texts("d.parquet", "('b'), (NULL)"));
    world.table.current_schema = 1;
    append(file("2.parquet", "SELECT 9::BIGINT AS k", "k: 1"));
    remove_where(texts("d2.parquet", "('c')"));
    ice_expect_set(&world, "1;9");
}

/* A file that was written before the key was added holds nulls there: the delete of null takes its rows. */
static void evolution__key_added_later__is_null_in_old_files(void **state) {
    (void)state;
    world.table.schemas = "[" SCHEMA("0", FIELD("1", "k", "\"long\"")) "," SCHEMA("1", KS) "]";
    world.table.current_schema = 1;
    append(file("1.parquet", "SELECT unnest([1, 2])::BIGINT AS k", "k: 1"));
    append(rows("2.parquet", "(3, 'a'), (4, NULL)"));
    remove_where(texts("d.parquet", "('a')"));
    ice_expect_set(&world, "1|∅;2|∅;4|∅");
    remove_where(texts("d2.parquet", "(NULL)"));
    ice_expect_set(&world, "");
}

/* ---- files that are read differently ---- */

/* Three shapes of files in two partitions, deletes of both kinds: one set serves all groups, and each row is still measured by its
 * own file's partition and sequence number. */
static void groups__of_several_shapes__share_what_deletes(void **state) {
    (void)state;
    world.table.specs = "[" SPEC_S ",{\"spec-id\":1,\"fields\":[]}]";
    world.table.partition_fields = PART_S;
    const ice_entry data[] = {
        in_partition(rows("1.parquet", "(1, 'x'), (2, 'x'), (3, 'x')"), "\x02\x02x", 3),
        in_partition(file("2.parquet", "SELECT unnest([1, 2, 3])::BIGINT AS k", "k: 1"), "\x02\x02y", 3),
        in_partition(file("3.parquet", "SELECT 'x' AS s, unnest([1, 2, 3])::BIGINT AS k", "s: 2, k: 1"), "\x02\x02x",
                     3)};
    const ice_entry removed[] = {in_partition(keys("d1.parquet", "(1)"), "\x02\x02x", 3),
                                 in_partition(keys("d2.parquet", "(2)"), "\x02\x02y", 3)};
    ice_table_add(&world.table, "append", 0, data, 3);
    ice_table_add(&world.table, "delete", 1, removed, 2);
    const ice_entry later[] = {in_partition(rows("4.parquet", "(1, 'x'), (3, 'x')"), "\x02\x02x", 3)};
    ice_table_add(&world.table, "append", 0, later, 1);
    world.table.partition_fields = "";
    world.table.spec_id = 1;
    remove_where(keys("d3.parquet", "(3)"));
    /* x: 1 went by d1 except from the later file, 3 everywhere; y: 2 went by d2. */
    ice_expect_set(&world, "2|x;1|y;2|x;1|x");
}

static void nested__member_of_a_struct__is_a_key(void **state) {
    (void)state;
    static const int32_t BY_MEMBER[] = {3};
    world.table.schemas = "[" SCHEMA("0", FIELD("1", "k", "\"long\"") "," FIELD(
                                              "2", "p",
                                              "{\"type\":\"struct\",\"fields\":[" FIELD("3", "a", "\"int\"") "," FIELD(
                                                  "4", "b", "\"string\"") "]}")) "]";
    append(file("1.parquet",
                "SELECT unnest([1, 2, 3])::BIGINT AS k, unnest([{a: 5, b: 'x'}, {a: 6, b: 'y'}, NULL]) AS p",
                "k: 1, p: {__duckdb_field_id: 2, a: 3, b: 4}"));
    remove_where(deleting(file("d.parquet", "SELECT {a: 5, b: 'other'} AS p", "p: {__duckdb_field_id: 2, a: 3, b: 4}"),
                          BY_MEMBER, 1));
    ice_expect_sql(&world, "string_agg(k::VARCHAR, ' ' ORDER BY k)", "2 3");
    remove_where(
        deleting(file("d2.parquet", "SELECT {a: NULL::INTEGER, b: 'z'} AS p", "p: {__duckdb_field_id: 2, a: 3, b: 4}"),
                 BY_MEMBER, 1));
    ice_expect_sql(&world, "string_agg(k::VARCHAR, ' ' ORDER BY k)", "2"); /* a struct that is null has a null member */
}

/* More rows than one chunk of the engine, keys on both sides of every border, close together and far apart. */
static void many__keys__of_several_chunks(void **state) {
    (void)state;
    for (int apart = 1; apart <= 1000003; apart += 1000002) {
        ice_table_close(&world.table);
        ice_table_init(&world.table, PLAIN, UNPARTITIONED, "");
        append(file(TEXT("1-%d.parquet", apart),
                    TEXT("SELECT (range - 5000) * %d AS k, 'n' || range AS s FROM range(10000)", apart), "k: 1, s: 2"));
        append(file(TEXT("2-%d.parquet", apart), TEXT("SELECT range * %d AS k, 'm' AS s FROM range(10)", apart),
                    "k: 1, s: 2"));
        remove_where(deleting(file(TEXT("d-%d.parquet", apart),
                                   TEXT("SELECT (range * 3 - 5000) * %d AS k FROM range(4000)", apart), "k: 1"),
                              BY_K, 1));
        /* Of 0 … 9999 the 3334 multiples of three; of the second file those with k + 5000 a multiple of three: 1, 4, 7. */
        ice_expect_sql(&world,
                       "count(*), count(*) FILTER (s = 'm'), count(*) FILTER (s <> 'm' AND try_cast(substr(s, 2) AS "
                       "INTEGER) % 3 = 0)",
                       "6673|7|0");
    }
}

/* ---- sharing and memory ---- */

static int64_t engine_setting_bytes(const char *name) {
    static const struct {
        const char *unit;
        double bytes;
    } UNITS[] = {{"GiB", 1073741824.0}, {"MiB", 1048576.0}, {"KiB", 1024.0}, {"bytes", 1.0}};
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_error err = {0};
    floe_query_rows rows;
    char sql[128];
    (void)snprintf(sql, sizeof(sql), "SELECT current_setting('%s')", name);
    assert_ok(floe_session_query(world.session, sql, NULL, &arena, &rows, &err), &err);
    const char *text = floe_arena_str(&arena, rows.values[0].as.bytes).ptr;
    for (size_t i = 0; i < 4; i++) {
        if (strstr(text, UNITS[i].unit) != NULL) {
            return (int64_t)(strtod(text, NULL) * UNITS[i].bytes);
        }
    }
    fail_msg("%s is %s", name, text);
    return 0;
}

/* Whole megabytes: the engine prints a decimal of them. */
static void assert_about(int64_t got, int64_t want) {
    assert_true(got > want - (int64_t)FLOE_MIB(1) / 2 && got < want + (int64_t)FLOE_MIB(1) / 2);
}

static void remove_half(const char *name) {
    append(file("1.parquet", "SELECT range AS k, 'n' AS s FROM range(100000)", "k: 1, s: 2"));
    remove_where(deleting(file(name, "SELECT range * 2 AS k FROM range(50000)", "k: 1"), BY_K, 1));
}

/* A session reads the keys of a delete file once: the second scan does not miss the file. An anti-join does. */
static void shared__second_scan_of_a_session__reads_no_delete_file(void **state) {
    (void)state;
    remove_half("d.parquet");
    ice_expect_sql(&world, "count(*), min(k)", "50000|1");
    assert_int_equal(unlink(ice_text(&world, "%s/d.parquet", world.table.folder)), 0);
    if (joined) {
        ice_refused(&world, FLOE_NOT_FOUND, "d.parquet");
    } else {
        ice_expect_sql(&world, "count(*), max(k)", "50000|99999");
    }
}

/* One more delete file is another set. */
static void shared__more_deletes__are_read(void **state) {
    (void)state;
    remove_half("d.parquet");
    ice_expect_sql(&world, "count(*), min(k)", "50000|1");
    remove_where(keys("e.parquet", "(1), (5)"));
    ice_expect_sql(&world, "count(*), min(k)", "49998|3");
    ice_expect_sql(&world, "count(*), min(k)", "49998|3");
}

/* Half of 100,000 keys of 8 bytes and the engine lives in what the set leaves; a session that ends gives it back. */
static void memory__of_a_set__is_taken_off_the_engine(void **state) {
    (void)state;
    floe_error err = {0};
    append(file("1.parquet", "SELECT range AS k, 'n' AS s FROM range(100000)", "k: 1, s: 2"));
    remove_where(
        deleting(file("d.parquet", "SELECT range * 5 AS k FROM range(500000)", "k: 1"), BY_K, 1)); /* more than 8 MB */
    assert_ok(floe_session_limit_memory(world.session, FLOE_MIB(400), &err), &err);
    assert_int_equal(floe_session_memory_bytes(world.session), FLOE_MIB(400));
    assert_about(engine_setting_bytes("memory_limit"), (int64_t)FLOE_MIB(400));
    uint64_t room = floe_session_live_room(world.session);
    assert_int_equal(room, FLOE_MIB(100));
    ice_expect_sql(&world, "count(*), min(k)", "80000|1");
    uint64_t taken = room - floe_session_live_room(world.session);
    assert_true(joined ? taken < FLOE_KIB(64) : taken > 500000 * 8);
    assert_about(engine_setting_bytes("memory_limit"), (int64_t)(FLOE_MIB(400) - taken));
    ice_expect_sql(&world, "count(*), min(k)", "80000|1");
    assert_true(room - floe_session_live_room(world.session) < taken + FLOE_KIB(64));
}

/* Where a quarter of the memory does not hold the set the engine joins, and answers the same. */
static void memory__too_little_for_a_set__is_joined(void **state) {
    (void)state;
    floe_error err = {0};
    append(file("1.parquet", "SELECT range AS k, 'n' AS s FROM range(100000)", "k: 1, s: 2"));
    remove_where(deleting(file("d.parquet", "SELECT range * 5 AS k FROM range(500000)", "k: 1"), BY_K, 1));
    assert_ok(floe_session_limit_memory(world.session, FLOE_MIB(64), &err), &err);
    ice_expect_sql(&world, "count(*), min(k)", "80000|1");
    assert_about(engine_setting_bytes("memory_limit"), (int64_t)FLOE_MIB(64));
    assert_int_equal(unlink(ice_text(&world, "%s/d.parquet", world.table.folder)), 0);
    ice_refused(&world, FLOE_NOT_FOUND, "d.parquet");
    assert_code(floe_session_limit_memory(world.session, 0, &err), FLOE_INVALID);
}

/* ---- refusals ---- */

static void refused__unknown_key(void **state) {
    (void)state;
    static const int32_t IDS[] = {77};
    append(rows("1.parquet", "(1, 'a')"));
    remove_where(deleting(rows("d.parquet", "(1, 'a')"), IDS, 1));
    ice_refused(&world, FLOE_CORRUPT, "d.parquet deletes by the field 77, which no schema");
}

static void refused__no_keys(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a')"));
    remove_where(deleting(rows("d.parquet", "(1, 'a')"), NULL, 0));
    ice_refused(&world, FLOE_CORRUPT, "d.parquet names no columns");
}

static void refused__delete_file_without_its_key(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a')"));
    remove_where(deleting(file("d.parquet", "SELECT 1::BIGINT AS k", "k: 1"), BY_BOTH, 2));
    ice_refused(&world, FLOE_CORRUPT, "d.parquet lacks its column \"s\" (id 2)");
}

static void refused__delete_file_that_is_not_there(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a')"));
    remove_where(deleting(ice_added("/nowhere/d.parquet", 1), BY_K, 1));
    ice_refused(&world, FLOE_NOT_FOUND, "the equality delete file /nowhere/d.parquet is not there");
}

static void refused__delete_file_of_another_type(void **state) {
    (void)state;
    append(rows("1.parquet", "(1, 'a')"));
    remove_where(deleting(file("d.parquet", "SELECT 'x' AS k", "k: 1"), BY_K, 1));
    ice_refused(&world, FLOE_UNSUPPORTED, "the file holds VARCHAR");
}

static void older_deletes__than_every_file__are_never_opened(void **state) {
    (void)state;
    ice_entry old = deleting(ice_added("/nowhere/d.parquet", 1), BY_K, 1);
    old.sequence_number = 0;
    append(rows("1.parquet", "(1, 'a')"));
    remove_where(old);
    ice_expect_set(&world, "1|a");
    assert_int_equal(ice_plan(&world).delete_files, 0);
}

/* ---- random histories against a plain list ---- */

typedef struct model_row {
    int k;
    int s; /* 0: null */
    int sequence;
    bool dead;
} model_row;

static void delete_from_model(model_row *all, size_t count, int sequence, int kind, int k, int s) {
    for (size_t i = 0; i < count; i++) {
        bool match = (kind == 1 || all[i].k == k) && (kind == 0 || all[i].s == s);
        all[i].dead = all[i].dead || (match && all[i].sequence < sequence);
    }
}

static const char *cell(int s) {
    return s == 0 ? "NULL" : TEXT("'s%d'", s);
}

static void random__histories__are_what_a_plain_list_says(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int history = 0; history < 6; history++) {
        model_row all[200];
        size_t count = 0;
        ice_table_close(&world.table);
        ice_table_init(&world.table, PLAIN, UNPARTITIONED, "");
        for (int step = 1; step <= 8; step++) {
            FLOE_AUTO_BUF values = {0};
            floe_buf_init(&values, FLOE_MIB(1));
            int kind = (int)floe_test_below(&rng, 3); /* by k, by s, by both */
            bool add = step == 1 || floe_test_below(&rng, 2) == 0;
            for (int i = 0; i < (add ? 12 : 3); i++) {
                int k = (int)floe_test_below(&rng, 6);
                int s = (int)floe_test_below(&rng, 4);
                floe_buf_printf(&values, "%s(%d, %s)", i > 0 ? ", " : "", k, cell(s));
                if (add) {
                    all[count++] = (model_row){.k = k, .s = s, .sequence = step};
                } else {
                    delete_from_model(all, count, step, kind, k, s);
                }
            }
            ice_entry entry = rows(TEXT("%d-%d.parquet", history, step), values.ptr);
            static const struct {
                const int32_t *ids;
                size_t count;
            } KINDS[] = {{BY_K, 1}, {BY_S, 1}, {BY_BOTH, 2}};
            entry = add ? entry : deleting(entry, KINDS[kind].ids, KINDS[kind].count);
            ice_table_add(&world.table, add ? "append" : "delete", add ? 0 : 1, &entry, 1);
        }
        FLOE_AUTO_BUF want = {0};
        floe_buf_init(&want, FLOE_MIB(1));
        for (size_t i = 0; i < count; i++) {
            if (!all[i].dead) {
                floe_buf_printf(&want, "%s%d|%s", want.len > 0 ? ";" : "", all[i].k,
                                all[i].s == 0 ? "∅" : TEXT("s%d", all[i].s));
            }
        }
        ice_expect_set(&world, want.len > 0 ? want.ptr : "");
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(key__of_one_column__deletes_every_row_that_has_it),
        T(key__null__deletes_only_nulls),
        T(key__value__keeps_nulls),
        T(key__of_two_columns__needs_both_null_being_a_value),
        T(key__ids_in_another_order__are_one_set),
        T(key__sets_of_different_columns__all_apply),
        T(key__other_columns_of_the_delete_file__say_nothing),
        T(key__floats__nan_is_nan_and_zeros_differ),
        T(key__types__all_match),
        T(sequence__file_of_the_same_commit_or_later__is_kept),
        T(sequence__each_row_is_measured_by_its_own_file),
        T(sequence__snapshot_before__sees_all),
        T(sequence__with_position_deletes__both_apply),
        T(partition__deletes_reach_their_own_only),
        T(partition__column_that_files_lack__is_matched_by_its_constant),
        T(partition__unpartitioned_spec__deletes_everywhere),
        T(partition__position_deletes_of_an_unpartitioned_spec__do_not_reach),
        T(evolution__renamed_and_widened_key__is_found_by_id),
        T(evolution__dropped_key__is_looked_for_in_older_schemas),
        T(evolution__key_added_later__is_null_in_old_files),
        T(groups__of_several_shapes__share_what_deletes),
        T(nested__member_of_a_struct__is_a_key),
        T(many__keys__of_several_chunks),
        T(shared__second_scan_of_a_session__reads_no_delete_file),
        T(shared__more_deletes__are_read),
        T(memory__of_a_set__is_taken_off_the_engine),
        T(memory__too_little_for_a_set__is_joined),
        T(refused__unknown_key),
        T(refused__no_keys),
        T(refused__delete_file_without_its_key),
        T(refused__delete_file_that_is_not_there),
        T(refused__delete_file_of_another_type),
        T(older_deletes__than_every_file__are_never_opened),
        T(random__histories__are_what_a_plain_list_says),
    };
    int failed = cmocka_run_group_tests_name("key sets", tests, NULL, NULL);
    joined = true;
    return failed + cmocka_run_group_tests_name("anti-joins", tests, NULL, NULL);
}
