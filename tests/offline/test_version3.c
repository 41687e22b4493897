/*
 * Format version 3 over real Parquet files: deletion vectors, initial defaults, row lineage, new types. Deletion vectors
 * are made by dv_support.c; what must be read follows from the spec ("Row Lineage", "Default values", "Deletion Vectors").
 * timeout: 300
 */
#include "tests/offline/delete_support.h"
#include "tests/offline/dv_support.h"

#define K FIELD("1", "k", "\"long\"")
#define PLAIN "[" SCHEMA("0", K) "]"

static ice_world world;

static int set_up(void **state) {
    (void)state;
    ice_world_open(&world, PLAIN, UNPARTITIONED, "");
    world.table.version = 3;
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ice_world_close(&world);
    return 0;
}

#define TEXT(...) ice_text(&world, __VA_ARGS__)

static ice_entry rows(const char *name, int from, int to) {
    return ice_added(ice_parquet(&world, name, TEXT("SELECT range AS k FROM range(%d, %d)", from, to + 1), "k: 1"),
                     to - from + 1);
}

static void append(ice_entry entry) {
    ice_table_add(&world.table, "append", 0, &entry, 1);
}

static const char *at(const char *name) {
    return ice_path(world.table.folder, name);
}

/* ---- deletion vectors ---- */

/* A vector at an offset of a file that may hold more; the file is written by the caller. */
static ice_entry vector(const char *path, const char *data, int64_t offset, int64_t len, int64_t count) {
    ice_entry entry = ice_added(path, count);
    entry.content = 1;
    entry.format = "PUFFIN";
    entry.referenced = data;
    entry.content_offset = offset;
    entry.content_len = len;
    return entry;
}

/* A file with nothing but one blob. */
static ice_entry bare_vector(const char *name, const char *data, const uint64_t *positions, size_t count) {
    FLOE_AUTO_BUF blob = {0};
    floe_buf_init(&blob, FLOE_MIB(1));
    dv_encode(positions, count, false, &blob);
    ice_write_file(at(name), floe_buf_view(&blob));
    return vector(at(name), data, 0, (int64_t)blob.len, (int64_t)count);
}

static void remove_rows(ice_entry entry) {
    ice_table_add(&world.table, "delete", 1, &entry, 1);
}

static const uint64_t ONE_THREE[] = {1, 3};
static const uint64_t ZERO[] = {0};

static void vectors__bare_blob__deletes_its_rows(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    append(rows("2.parquet", 20, 21));
    remove_rows(bare_vector("v.bin", at("1.parquet"), ONE_THREE, 2));
    ice_expect(&world, NULL, "10;12;14;20;21");
    ice_expect_positions(&world, "10|0|0;12|0|2;14|0|4;20|1|0;21|1|1");
}

/* Blobs lie behind the magic; between, before and after them is what vectors never look at. */
static void vectors__several_in_one_puffin_file__each_its_own(void **state) {
    (void)state;
    FLOE_AUTO_BUF puffin = {0};
    floe_buf_init(&puffin, FLOE_MIB(1));
    append(rows("1.parquet", 10, 14));
    append(rows("2.parquet", 20, 22));
    floe_buf_text(&puffin, "PFA1");
    int64_t first = (int64_t)puffin.len;
    dv_encode(ONE_THREE, 2, false, &puffin);
    floe_buf_text(&puffin, "??");
    int64_t second = (int64_t)puffin.len;
    dv_encode(ZERO, 1, true, &puffin);
    int64_t end = (int64_t)puffin.len;
    floe_buf_text(&puffin, "PFA1{}");
    ice_write_file(at("v.puffin"), floe_buf_view(&puffin));
    const ice_entry both[] = {vector(at("v.puffin"), at("2.parquet"), second, end - second, 1),
                              vector(at("v.puffin"), TEXT("file://%s", at("1.parquet")), first, second - first - 2, 2)};
    ice_table_add(&world.table, "delete", 1, both, 2);
    ice_expect(&world, NULL, "10;12;14;21;22");
    assert_int_equal(ice_plan(&world).delete_files, 2);
    assert_int_equal(ice_plan(&world).delete_rows, 3);
}

static ice_entry position_deletes(const char *name, const char *data, int row) {
    ice_entry entry =
        ice_added(ice_parquet(&world, name, TEXT("SELECT '%s' AS file_path, %d::BIGINT AS pos", data, row),
                              "file_path: 2147483546, pos: 2147483545"),
                  1);
    entry.content = 1;
    return entry;
}

static void vectors__win_over_position_deletes(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    append(rows("2.parquet", 20, 21));
    remove_rows(position_deletes("p1.parquet", at("1.parquet"), 4));
    remove_rows(position_deletes("p2.parquet", at("2.parquet"), 1));
    ice_expect(&world, NULL, "10;11;12;13;20");
    remove_rows(bare_vector("v.bin", at("1.parquet"), ONE_THREE, 2));
    ice_expect(&world, NULL, "10;12;14;20"); /* 14 is back: the vector holds all that counts */
}

static void vectors__older_than_their_file__say_nothing(void **state) {
    (void)state;
    ice_entry old = bare_vector("v.bin", at("1.parquet"), ONE_THREE, 2);
    old.sequence_number = 0;
    append(rows("1.parquet", 10, 14));
    remove_rows(old);
    ice_expect(&world, NULL, "10;11;12;13;14");
}

static void vectors__with_equality_deletes__both_apply(void **state) {
    (void)state;
    static const int32_t BY_K[] = {1};
    append(rows("1.parquet", 10, 14));
    remove_rows(bare_vector("v.bin", at("1.parquet"), ONE_THREE, 2));
    ice_entry equality = rows("e.parquet", 14, 14);
    equality.content = 2;
    equality.equality_ids = BY_K;
    equality.equality_id_count = 1;
    remove_rows(equality);
    ice_expect(&world, NULL, "10;12");
}

static void vectors__two_for_one_file__are_corrupt_naming_both(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    remove_rows(bare_vector("v1.bin", at("1.parquet"), ONE_THREE, 2));
    remove_rows(bare_vector("v2.bin", TEXT("file:%s", at("1.parquet")), ZERO, 1));
    ice_refused(&world, FLOE_CORRUPT, "two deletion vectors for the data file");
    ice_refused(&world, FLOE_CORRUPT, "v1.bin at byte 0 and in");
    ice_refused(&world, FLOE_CORRUPT, "v2.bin at byte 0");
}

static void vectors__damage__names_file_and_byte(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    ice_entry entry = bare_vector("v.bin", at("1.parquet"), ONE_THREE, 2);
    ice_entry cut = entry;
    cut.content_len -= 1;
    remove_rows(cut);
    ice_refused(&world, FLOE_CORRUPT, "v.bin, byte 0: the deletion vector says it is");
}

static void vectors__outside_of_their_file__are_corrupt(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    ice_entry entry = bare_vector("v.bin", at("1.parquet"), ONE_THREE, 2);
    entry.content_offset = 4;
    remove_rows(entry);
    ice_refused(&world, FLOE_CORRUPT, "v.bin, byte 4: the manifest says bytes 4 to");
}

static void vectors__another_count_than_the_manifest__is_corrupt(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    ice_entry entry = bare_vector("v.bin", at("1.parquet"), ONE_THREE, 2);
    entry.record_count = 3;
    remove_rows(entry);
    ice_refused(&world, FLOE_CORRUPT, "holds 2 rows, its manifest says 3");
}

static void vectors__without_place_or_target__are_corrupt(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    ice_entry entry = bare_vector("v.bin", at("1.parquet"), ONE_THREE, 2);
    entry.content_len = 0; /* both null */
    remove_rows(entry);
    ice_refused(&world, FLOE_CORRUPT, "has no place in its file");
}

static void vectors__without_a_target__are_corrupt(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    remove_rows(bare_vector("v.bin", NULL, ONE_THREE, 2));
    ice_refused(&world, FLOE_CORRUPT, "does not name its data file");
}

static void vectors__file_that_is_not_there__is_named(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    remove_rows(vector("/nowhere/v.puffin", at("1.parquet"), 4, 40, 2));
    ice_refused(&world, FLOE_NOT_FOUND, "/nowhere/v.puffin");
}

static void vectors__moved_table__is_found_under_its_new_prefix(void **state) {
    (void)state;
    ice_entry data = rows("1.parquet", 0, 4);
    ice_entry entry = bare_vector("v.bin", "file:/old/t/1.parquet", ONE_THREE, 2);
    data.path = "/old/t/1.parquet";
    entry.path = "/old/t/v.bin";
    append(data);
    remove_rows(entry);
    ice_expect_moved(&world, "/old/t", world.table.folder, "0;2;4");
}

/* ---- initial defaults ---- */

#define DEFAULT(id, name, type, value)                                                                                 \
    "{\"id\":" id ",\"name\":\"" name "\",\"required\":false,\"type\":" type ",\"initial-default\":" value "}"

static void defaults__of_every_type__fill_old_files(void **state) {
    (void)state;
    static const struct {
        const char *type, *json, *want;
    } CASES[] = {
        {"\"boolean\"", "true", "true"},
        {"\"int\"", "-7", "(-7)::INTEGER"},
        {"\"long\"", "-9223372036854775808", "'-9223372036854775808'::BIGINT"},
        {"\"float\"", "0.5", "0.5::FLOAT"},
        {"\"double\"", "1e300", "1e300::DOUBLE"},
        {"\"double\"", "3", "3::DOUBLE"},
        {"\"decimal(38,2)\"", "\"123456789012345678901234567890123456.78\"",
         "'123456789012345678901234567890123456.78'::DECIMAL(38,2)"},
        {"\"date\"", "\"1969-12-31\"", "DATE '1969-12-31'"},
        {"\"time\"", "\"01:02:03.000004\"", "TIME '01:02:03.000004'"},
        {"\"timestamp\"", "\"2017-11-16T22:31:08.123456\"", "TIMESTAMP '2017-11-16 22:31:08.123456'"},
        {"\"timestamptz\"", "\"2017-11-16T22:31:08.123456+00:00\"", "TIMESTAMP '2017-11-16 22:31:08.123456'"},
        {"\"timestamp_ns\"", "\"2017-11-16T22:31:08.123456789\"", "'2017-11-16 22:31:08.123456789'::TIMESTAMP_NS"},
        {"\"string\"", "\"it's \\\"\"", "'it''s \"'"},
        {"\"uuid\"", "\"f79c3e09-677c-4bbd-a479-3f349cb785e7\"", "'f79c3e09-677c-4bbd-a479-3f349cb785e7'::UUID"},
        {"\"fixed[3]\"", "\"0102fF\"", "'\\x01\\x02\\xFF'::BLOB"},
        {"\"binary\"", "\"\"", "''::BLOB"},
        {"{\"type\":\"list\",\"element-id\":3,\"element\":\"int\",\"element-required\":false}", "[1,null]", "[1,NULL]"},
        {"{\"type\":\"map\",\"key-id\":3,\"key\":\"string\",\"value-id\":4,\"value\":\"int\",\"value-required\":false}",
         "{\"keys\":[\"a\"],\"values\":[5]}", "MAP {'a': 5}"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        ice_table_close(&world.table);
        ice_table_init(&world.table,
                       TEXT("[" SCHEMA("0", K "," DEFAULT("2", "v", "%s", "%s")) "]", CASES[i].type, CASES[i].json),
                       UNPARTITIONED, "");
        world.table.version = 3;
        append(rows("1.parquet", 1, 2));
        ice_expect_sql(&world,
                       TEXT("count(*), bool_and(v IS NOT DISTINCT FROM %s), bool_and(typeof(v) = typeof(%s))",
                            CASES[i].want, CASES[i].want),
                       "2|true|true");
    }
}

static void defaults__file_that_has_the_column__keeps_its_own_nulls(void **state) {
    (void)state;
    world.table.schemas = "[" SCHEMA("0", K "," DEFAULT("2", "v", "\"int\"", "5")) "]";
    append(rows("1.parquet", 1, 1));
    append(ice_added(ice_parquet(&world, "2.parquet", "SELECT 2::BIGINT AS k, NULL::INTEGER AS v", "k: 1, v: 2"), 1));
    ice_expect(&world, NULL, "1|5;2|∅");
    ice_expect(&world, "v = 5", "1|5");
}

static void defaults__wrong_values__are_corrupt(void **state) {
    (void)state;
    static const struct {
        const char *type, *json;
    } CASES[] = {{"\"boolean\"", "1"},     {"\"int\"", "\"5\""},       {"\"int\"", "1.5"},
                 {"\"string\"", "5"},      {"\"fixed[2]\"", "\"01\""}, {"\"date\"", "17000"},
                 {"\"binary\"", "\"0g\""}, {"\"binary\"", "\"012\""},  {"\"decimal(9,2)\"", "5"}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        ice_table_close(&world.table);
        ice_table_init(&world.table,
                       TEXT("[" SCHEMA("0", K "," DEFAULT("2", "v", "%s", "%s")) "]", CASES[i].type, CASES[i].json),
                       UNPARTITIONED, "");
        world.table.version = 3;
        append(rows("1.parquet", 1, 2));
        ice_refused(&world, FLOE_CORRUPT, "the initial default of \"v\"");
    }
}

static void defaults__in_structs__fill_members(void **state) {
    (void)state;
#define POINT(more) "{\"type\":\"struct\",\"fields\":[" FIELD("3", "x", "\"int\"") more "]}"
    world.table.schemas = "[" SCHEMA("0", K "," FIELD("2", "p", POINT())) "," SCHEMA(
        "1", K "," FIELD("2", "p", POINT("," DEFAULT("4", "y", "\"string\"", "\"d'\"")))) "]";
    world.table.current_schema = 1;
    append(
        ice_added(ice_parquet(&world, "1.parquet", "SELECT unnest([1, 2])::BIGINT AS k, unnest([{'x': 7}, NULL]) AS p",
                              "k: 1, p: {__duckdb_field_id: 2, x: 3}"),
                  2));
    append(ice_added(ice_parquet(&world, "2.parquet", "SELECT 3::BIGINT AS k, {'x': 8, 'y': NULL::VARCHAR} AS p",
                                 "k: 1, p: {__duckdb_field_id: 2, x: 3, y: 4}"),
                     1));
    ice_expect_sql(&world, "k, p.x, p.y, p IS NULL", "1|7|d'|false;2|∅|∅|true;3|8|∅|false");
}

/* A struct that was added as {} has its members' defaults in older files; one that was added as null is null. */
static void defaults__of_added_structs__are_their_members(void **state) {
    (void)state;
#define ADDED "{\"type\":\"struct\",\"fields\":[" DEFAULT("3", "x", "\"int\"", "9") "," FIELD("4", "y", "\"int\"") "]}"
    world.table.schemas = "[" SCHEMA("0", K "," DEFAULT("2", "p", ADDED, "{}")) "]";
    append(rows("1.parquet", 1, 1));
    ice_expect_sql(&world, "k, p.x, p.y, p IS NULL", "1|9|∅|false");
    world.table.schemas = "[" SCHEMA("0", K "," FIELD("2", "p", ADDED)) "]";
    ice_expect_sql(&world, "k, p.x, p.y, p IS NULL", "1|∅|∅|true");
}

static void defaults__of_an_equality_key__are_matched(void **state) {
    (void)state;
    static const int32_t BY_V[] = {2};
    world.table.schemas = "[" SCHEMA("0", K "," DEFAULT("2", "v", "\"int\"", "5")) "]";
    append(rows("1.parquet", 1, 2));
    append(ice_added(ice_parquet(&world, "2.parquet", "SELECT 3::BIGINT AS k, 6 AS v", "k: 1, v: 2"), 1));
    ice_entry equality = ice_added(ice_parquet(&world, "e.parquet", "SELECT 5 AS v", "v: 2"), 1);
    equality.content = 2;
    equality.equality_ids = BY_V;
    equality.equality_id_count = 1;
    remove_rows(equality);
    ice_expect(&world, NULL, "3|6");
}

/* ---- row lineage ---- */

static void lineage__without_columns_in_the_file__is_inherited(void **state) {
    (void)state;
    ice_entry two[2] = {rows("1.parquet", 0, 2), rows("2.parquet", 10, 11)};
    ice_table_add(&world.table, "append", 0, two, 2); /* first row id 1000 */
    append(rows("3.parquet", 20, 20));                /* 2000 */
    ice_expect_columns(&world, "k,_row_id,_last_updated_sequence_number",
                       "0|1000|1;1|1001|1;2|1002|1;10|1003|1;11|1004|1;20|2000|2");
    ice_expect_columns(&world, "_row_id", "1000;1001;1002;1003;1004;2000");
    ice_expect(&world, NULL, "0;1;2;10;11;20");
}

static void lineage__own_first_row_id__takes_none_of_the_manifests(void **state) {
    (void)state;
    ice_entry files[3] = {rows("1.parquet", 0, 1), rows("2.parquet", 10, 11), rows("3.parquet", 20, 20)};
    files[1].has_first_row_id = true;
    files[1].first_row_id = 7;
    ice_table_add(&world.table, "append", 0, files, 3);
    ice_expect_columns(&world, "_row_id", "1000;1001;7;8;1002");
}

static void lineage__in_the_file__comes_first_and_nulls_are_inherited(void **state) {
    (void)state;
    append(ice_added(ice_parquet(&world, "1.parquet",
                                 "SELECT unnest([1, 2, 3])::BIGINT AS k, unnest([50, NULL, 52])::BIGINT AS _row_id, "
                                 "unnest([NULL, 3, 4])::BIGINT AS _last_updated_sequence_number",
                                 "k: 1, _row_id: 2147483540, _last_updated_sequence_number: 2147483539"),
                     3));
    ice_expect_columns(&world, "k,_row_id,_last_updated_sequence_number", "1|50|1;2|1001|3;3|52|4");
    ice_expect(&world, NULL, "1;2;3");
}

static void lineage__rows_after_deletes__keep_their_ids(void **state) {
    (void)state;
    append(rows("1.parquet", 10, 14));
    remove_rows(bare_vector("v.bin", at("1.parquet"), ONE_THREE, 2));
    ice_expect_columns(&world, "_row_id,k", "1000|10;1002|12;1004|14");
}

static void lineage__of_version_2__is_null(void **state) {
    (void)state;
    world.table.version = 2;
    append(rows("1.parquet", 10, 11));
    ice_expect_columns(&world, "k,_row_id,_last_updated_sequence_number", "10|∅|∅;11|∅|∅");
}

/* ---- types ---- */

static void types__timestamp_ns__keeps_nanoseconds(void **state) {
    (void)state;
    world.table.schemas = "[" SCHEMA("0", FIELD("1", "t", "\"timestamp_ns\"")) "]";
    append(ice_added(
        ice_parquet(&world, "1.parquet", "SELECT '2020-01-01 00:00:00.123456789'::TIMESTAMP_NS AS t", "t: 1"), 1));
    append(ice_added(ice_parquet(&world, "2.parquet", "SELECT DATE '2020-01-02' AS t", "t: 1"), 1)); /* promoted */
    ice_expect_sql(&world, "epoch_ns(t)", "1577836800123456789;1577923200000000000");
}

static void types__date_as_timestamp__is_promoted_in_version_3_only(void **state) {
    (void)state;
    world.table.schemas = "[" SCHEMA("0", FIELD("1", "t", "\"timestamp\"")) "]";
    append(ice_added(ice_parquet(&world, "1.parquet", "SELECT DATE '1969-12-31' AS t", "t: 1"), 1));
    ice_expect_sql(&world, "epoch_us(t)", "-86400000000");
    world.table.version = 2;
    ice_refused(&world, FLOE_UNSUPPORTED, "the file holds DATE");
}

static void types__unknown__is_null(void **state) {
    (void)state;
    world.table.schemas = "[" SCHEMA("0", K "," FIELD("2", "u", "\"unknown\"")) "]";
    append(rows("1.parquet", 1, 2));
    ice_expect_columns(&world, "k,u", "1|∅;2|∅");
}

static void types__that_cannot_be_read__are_refused_when_projected(void **state) {
    (void)state;
    static const char *const TYPES[] = {"\"variant\"", "\"geometry(srid:4326)\"", "\"geography\"",
                                        "\"timestamptz_ns\""};
    for (size_t i = 0; i < sizeof(TYPES) / sizeof(TYPES[0]); i++) {
        ice_table_close(&world.table);
        ice_table_init(&world.table, TEXT("[" SCHEMA("0", K "," FIELD("2", "u", "%s")) "]", TYPES[i]), UNPARTITIONED,
                       "");
        world.table.version = 3;
        append(rows("1.parquet", 1, 2));
        ice_refused(&world, FLOE_UNSUPPORTED, "column \"u\" is of type");
        ice_expect_columns(&world, "k", "1;2");
    }
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(vectors__bare_blob__deletes_its_rows),
        T(vectors__several_in_one_puffin_file__each_its_own),
        T(vectors__win_over_position_deletes),
        T(vectors__older_than_their_file__say_nothing),
        T(vectors__with_equality_deletes__both_apply),
        T(vectors__two_for_one_file__are_corrupt_naming_both),
        T(vectors__damage__names_file_and_byte),
        T(vectors__outside_of_their_file__are_corrupt),
        T(vectors__another_count_than_the_manifest__is_corrupt),
        T(vectors__without_place_or_target__are_corrupt),
        T(vectors__without_a_target__are_corrupt),
        T(vectors__file_that_is_not_there__is_named),
        T(vectors__moved_table__is_found_under_its_new_prefix),
        T(defaults__of_every_type__fill_old_files),
        T(defaults__file_that_has_the_column__keeps_its_own_nulls),
        T(defaults__wrong_values__are_corrupt),
        T(defaults__in_structs__fill_members),
        T(defaults__of_added_structs__are_their_members),
        T(defaults__of_an_equality_key__are_matched),
        T(lineage__without_columns_in_the_file__is_inherited),
        T(lineage__own_first_row_id__takes_none_of_the_manifests),
        T(lineage__in_the_file__comes_first_and_nulls_are_inherited),
        T(lineage__rows_after_deletes__keep_their_ids),
        T(lineage__of_version_2__is_null),
        T(types__timestamp_ns__keeps_nanoseconds),
        T(types__date_as_timestamp__is_promoted_in_version_3_only),
        T(types__unknown__is_null),
        T(types__that_cannot_be_read__are_refused_when_projected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
