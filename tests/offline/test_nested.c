/*
 * Evolution inside nested columns over real Parquet files: members renamed, swapped, moved, dropped, added again and
 * widened, in structs, lists and maps at every depth, by ids and by name mapping. What must be read follows from the spec:
 * a member is its id, whatever it is called.
 * timeout: 300
 */
#include "tests/offline/delete_support.h"

static ice_world world;

static int set_up(void **state) {
    (void)state;
    ice_world_open(&world, "", UNPARTITIONED, "");
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    ice_world_close(&world);
    return 0;
}

#define TEXT(...) ice_text(&world, __VA_ARGS__)
#define STRUCT(fields) "{\"type\":\"struct\",\"fields\":[" fields "]}"
#define LIST(id, element) "{\"type\":\"list\",\"element-id\":" id ",\"element-required\":false,\"element\":" element "}"
#define MAP(key_id, key, value_id, value)                                                                              \
    "{\"type\":\"map\",\"key-id\":" key_id ",\"key\":" key ",\"value-id\":" value_id                                   \
    ",\"value-required\":false,\"value\":" value "}"
#define ONE_COLUMN(type) "[" SCHEMA("0", FIELD("1", "c", type)) "]"
#define INT(id, name) FIELD(id, name, "\"int\"")

/* One file with one column c, read under the schema. */
static void file(const char *select, const char *ids) {
    static int number;
    ice_entry entry = ice_added(ice_parquet(&world, TEXT("%d.parquet", number++), select, ids), 1);
    ice_table_add(&world.table, "append", 0, &entry, 1);
}

#define IDS_XY "c: {__duckdb_field_id: 1, x: 2, y: 3}"

static void struct__renamed_member__keeps_its_values(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("2", "a") "," INT("3", "y")));
    file("SELECT {'x': 1, 'y': 2} AS c", IDS_XY);
    file("SELECT {'a': 3, 'y': 4} AS c", "c: {__duckdb_field_id: 1, a: 2, y: 3}");
    file("SELECT NULL::STRUCT(x INTEGER, y INTEGER) AS c", IDS_XY);
    ice_expect_sql(&world, "c.a, c.y, c IS NULL", "1|2|false;∅|∅|true;3|4|false");
}

/* By name both would come out in the other's place. */
static void struct__swapped_names__go_by_id(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("3", "x") "," INT("2", "y")));
    file("SELECT {'x': 1, 'y': 2} AS c", IDS_XY);
    ice_expect_sql(&world, "c.x, c.y, c::VARCHAR", "2|1|{'x': 2, 'y': 1}");
}

static void struct__dropped_and_added_again__is_another_member(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("3", "y") "," INT("9", "x")));
    file("SELECT {'x': 1, 'y': 2} AS c", IDS_XY);
    file("SELECT {'y': 4, 'x': 5} AS c", "c: {__duckdb_field_id: 1, y: 3, x: 9}");
    ice_expect_sql(&world, "c.y, c.x", "2|∅;4|5");
}

static void struct__reordered_and_widened__without_any_rename(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(FIELD("3", "y", "\"double\"") "," FIELD("2", "x", "\"long\"")));
    file("SELECT {'x': 1::INTEGER, 'y': 0.5::FLOAT} AS c", IDS_XY);
    ice_expect_sql(&world, "c.x, c.y, typeof(c)", "1|0.5|STRUCT(y DOUBLE, x BIGINT)");
}

static void struct__renamed_and_widened_deep_inside(void **state) {
    (void)state;
    world.table.schemas =
        ONE_COLUMN(STRUCT(FIELD("2", "in", STRUCT(FIELD("3", "q", "\"decimal(12,2)\"") "," INT("4", "n")))));
    file("SELECT {'s': {'p': 1.25::DECIMAL(5,2), 'gone': 'x'}} AS c",
         "c: {__duckdb_field_id: 1, s: {__duckdb_field_id: 2, p: 3, gone: 5}}");
    file("SELECT {'s': NULL::STRUCT(p DECIMAL(5,2), gone VARCHAR)} AS c",
         "c: {__duckdb_field_id: 1, s: {__duckdb_field_id: 2, p: 3, gone: 5}}");
    ice_expect_sql(&world, "c.\"in\".q, c.\"in\".n, c IS NULL, c.\"in\" IS NULL", "1.25|∅|false|false;∅|∅|false|true");
}

static void struct__added_nested_member__is_null(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("2", "x") "," FIELD("7", "more", STRUCT(INT("8", "z")))));
    file("SELECT {'x': 1} AS c", "c: {__duckdb_field_id: 1, x: 2}");
    ice_expect_sql(&world, "c.x, c.more IS NULL, typeof(c.more)", "1|true|STRUCT(z INTEGER)");
}

static void struct__names_with_quotes_and_spaces(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("2", "it's") "," INT("3", "a b.c")));
    file("SELECT {'x''': 1, 'y \"': 2} AS c", "c: {__duckdb_field_id: 1, \"x'\": 2, \"y \"\"\": 3}");
    ice_expect_sql(&world, "c.\"it's\", c.\"a b.c\"", "1|2");
}

static void list__of_structs__renamed_and_added(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(LIST("2", STRUCT(FIELD("3", "a", "\"long\"") "," INT("9", "n"))));
    file("SELECT [{'x': 1}, NULL, {'x': NULL}] AS c",
         "c: {__duckdb_field_id: 1, element: {__duckdb_field_id: 2, x: 3}}");
    file("SELECT NULL::STRUCT(x INTEGER)[] AS c", "c: {__duckdb_field_id: 1, element: {__duckdb_field_id: 2, x: 3}}");
    ice_expect_sql(&world, "c::VARCHAR", "[{'a': 1, 'n': NULL}, NULL, {'a': NULL, 'n': NULL}];∅");
}

static void list__of_lists_of_structs(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(LIST("2", LIST("3", STRUCT(INT("4", "a")))));
    file("SELECT [[{'x': 1}], []] AS c",
         "c: {__duckdb_field_id: 1, element: {__duckdb_field_id: 2, element: {__duckdb_field_id: 3, x: 4}}}");
    ice_expect_sql(&world, "c::VARCHAR", "[[{'a': 1}], []]");
}

static void list__of_numbers__is_widened(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(LIST("2", "\"long\""));
    file("SELECT [1::INTEGER, NULL] AS c", "c: {__duckdb_field_id: 1, element: 2}");
    ice_expect(&world, NULL, "[1,null]");
}

static void map__values_and_keys_evolve(void **state) {
    (void)state;
    world.table.schemas =
        ONE_COLUMN(MAP("2", STRUCT(INT("4", "kk")), "3", STRUCT(FIELD("5", "vv", "\"long\"") "," INT("9", "n"))));
    file("SELECT MAP {{'k': 1}: {'v': 2}} AS c",
         "c: {__duckdb_field_id: 1, key: {__duckdb_field_id: 2, k: 4}, value: {__duckdb_field_id: 3, v: 5}}");
    ice_expect_sql(&world, "c::VARCHAR", "{{'kk': 1}={'vv': 2, 'n': NULL}}");
}

static void struct__of_list_of_struct__swapped(void **state) {
    (void)state;
    world.table.schemas =
        ONE_COLUMN(STRUCT(FIELD("2", "l", LIST("3", STRUCT(INT("5", "x") "," INT("4", "y")))) "," INT("6", "z")));
    file("SELECT {'z': 9, 'l': [{'x': 1, 'y': 2}]} AS c",
         "c: {__duckdb_field_id: 1, z: 6, l: {__duckdb_field_id: 2, element: {__duckdb_field_id: 3, x: 4, y: 5}}}");
    ice_expect_sql(&world, "c::VARCHAR", "{'l': [{'x': 2, 'y': 1}], 'z': 9}");
}

static void filters__on_members__see_the_schemas_names(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("3", "x") "," INT("2", "y")));
    file("SELECT {'x': 1, 'y': 2} AS c", IDS_XY);
    file("SELECT {'x': 5, 'y': 6} AS c", "c: {__duckdb_field_id: 1, x: 3, y: 2}");
    ice_expect_sql(&world, "count(*) FILTER (c.x = 2), count(*) FILTER (c.x = 1), max(c.y)", "1|0|6");
}

static void time_travel__reads_with_the_old_shape(void **state) {
    (void)state;
    world.table.schemas = "[" SCHEMA("0", FIELD("1", "c", STRUCT(INT("2", "x")))) "," SCHEMA(
        "1", FIELD("1", "c", STRUCT(INT("2", "a")))) "]";
    file("SELECT {'x': 1} AS c", "c: {__duckdb_field_id: 1, x: 2}");
    world.table.current_schema = 1;
    file("SELECT {'a': 2} AS c", "c: {__duckdb_field_id: 1, a: 2}");
    ice_expect_sql(&world, "c::VARCHAR", "{'a': 1};{'a': 2}");
}

/* ---- name mapping ---- */

#define MAPPING(text) "{\"schema.name-mapping.default\":\"" text "\"}"

static void mapping__at_depth__names_members_elements_keys_and_values(void **state) {
    (void)state;
    world.table.schemas =
        "[" SCHEMA("0", FIELD("1", "p", STRUCT(INT("2", "a") "," INT("3", "b"))) "," FIELD(
                            "4", "l", LIST("5", STRUCT(INT("6", "e")))) "," FIELD("7", "m",
                                                                                  MAP("8", "\"string\"", "9",
                                                                                      STRUCT(INT("10", "v"))))) "]";
    world.table.properties = MAPPING("[{\\\"field-id\\\":1,\\\"names\\\":[\\\"point\\\"],\\\"fields\\\":[{\\\"field-"
                                     "id\\\":2,\\\"names\\\":[\\\"x\\\",\\\"X.1\\\"]}"
                                     ",{\\\"field-id\\\":3,\\\"names\\\":[\\\"y\\\"]}]},{\\\"field-id\\\":4,"
                                     "\\\"names\\\":[\\\"l\\\"],\\\"fields\\\":[{"
                                     "\\\"field-id\\\":5,\\\"names\\\":[\\\"element\\\"],\\\"fields\\\":[{\\\"field-"
                                     "id\\\":6,\\\"names\\\":[\\\"ee\\\"]}]}]},{"
                                     "\\\"field-id\\\":7,\\\"names\\\":[\\\"m\\\"],\\\"fields\\\":[{\\\"field-id\\\":8,"
                                     "\\\"names\\\":[\\\"key\\\"]},{"
                                     "\\\"field-id\\\":9,\\\"names\\\":[\\\"value\\\"],\\\"fields\\\":[{\\\"field-"
                                     "id\\\":10,\\\"names\\\":[\\\"vv\\\"]}]}]}]");
    file("SELECT {'X.1': 1, 'other': 7, 'y': 2} AS point, [{'ee': 3}] AS l, MAP {'k': {'vv': 4}} AS m, 5 AS stranger",
         "");
    ice_expect_sql(&world, "p.a, p.b, l::VARCHAR, m::VARCHAR", "1|2|[{'e': 3}]|{k={'v': 4}}");
}

static void mapping__member_that_it_does_not_know__is_null(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("2", "x") "," INT("3", "y")));
    world.table.properties =
        MAPPING("[{\\\"field-id\\\":1,\\\"names\\\":[\\\"c\\\"],\\\"fields\\\":[{\\\"field-id\\\":2,"
                "\\\"names\\\":[\\\"x\\\"]}]}]");
    file("SELECT {'x': 1, 'y': 2} AS c", "");
    ice_expect_sql(&world, "c.x, c.y", "1|∅");
}

/* ---- refusals ---- */

/* A member that is no longer one of the table tells where the struct is null. */
static void evolved__struct_that_lost_all_members__is_null_where_it_was(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("8", "z")));
    file("SELECT unnest([{'x': 1, 'y': 2}, NULL, {'x': NULL, 'y': NULL}]) AS c", IDS_XY);
    ice_expect_sql(&world, "count(*), count(c), count(c.z)", "3|2|0");
}

static void refused__member_without_an_id_where_one_is_missed(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("2", "x") "," INT("3", "y")));
    file("SELECT {'x': 1, 'y': 2} AS c", "c: {__duckdb_field_id: 1, x: 2}");
    ice_refused(&world, FLOE_UNSUPPORTED, "the member \"y\" has no field id");
}

static void refused__list_without_element_id(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(LIST("2", "\"int\""));
    file("SELECT [1] AS c", "c: 1");
    ice_refused(&world, FLOE_UNSUPPORTED, "has no element with the id 2");
}

static void refused__member_of_another_type(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("2", "x") "," INT("3", "y")));
    file("SELECT {'x': 'text', 'y': 2} AS c", IDS_XY);
    ice_refused(&world, FLOE_UNSUPPORTED, "\"x\" is of type int, but the file holds VARCHAR");
}

static void refused__struct_that_is_a_number(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN(STRUCT(INT("2", "x")));
    file("SELECT 1 AS c", "c: 1");
    ice_refused(&world, FLOE_UNSUPPORTED, "\"c\" is a struct, but the file holds INTEGER");
}

static void refused__number_that_is_a_struct(void **state) {
    (void)state;
    world.table.schemas = ONE_COLUMN("\"int\"");
    file("SELECT {'x': 1} AS c", "c: {__duckdb_field_id: 1, x: 2}");
    ice_refused(&world, FLOE_UNSUPPORTED, "\"c\" is of type int, but the file holds");
}

/* ---- equality deletes by members ---- */

static void equality__by_a_renamed_member(void **state) {
    (void)state;
    static const int32_t BY_X[] = {2};
    world.table.schemas = ONE_COLUMN(STRUCT(INT("3", "y") "," INT("2", "a")));
    file("SELECT unnest([{'x': 1, 'y': 2}, {'x': 3, 'y': 4}, NULL]) AS c", IDS_XY);
    ice_entry entry =
        ice_added(ice_parquet(&world, "d.parquet", "SELECT {'x': 3} AS c", "c: {__duckdb_field_id: 1, x: 2}"), 1);
    entry.content = 2;
    entry.equality_ids = BY_X;
    entry.equality_id_count = 1;
    ice_table_add(&world.table, "delete", 1, &entry, 1);
    ice_expect_sql(&world, "count(*), sum(c.a), count(c)", "2|1|1");
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(struct__renamed_member__keeps_its_values),
        T(struct__swapped_names__go_by_id),
        T(struct__dropped_and_added_again__is_another_member),
        T(struct__reordered_and_widened__without_any_rename),
        T(struct__renamed_and_widened_deep_inside),
        T(struct__added_nested_member__is_null),
        T(struct__names_with_quotes_and_spaces),
        T(list__of_structs__renamed_and_added),
        T(list__of_lists_of_structs),
        T(list__of_numbers__is_widened),
        T(map__values_and_keys_evolve),
        T(struct__of_list_of_struct__swapped),
        T(filters__on_members__see_the_schemas_names),
        T(time_travel__reads_with_the_old_shape),
        T(mapping__at_depth__names_members_elements_keys_and_values),
        T(mapping__member_that_it_does_not_know__is_null),
        T(evolved__struct_that_lost_all_members__is_null_where_it_was),
        T(refused__member_without_an_id_where_one_is_missed),
        T(refused__list_without_element_id),
        T(refused__member_of_another_type),
        T(refused__struct_that_is_a_number),
        T(refused__number_that_is_a_struct),
        T(equality__by_a_renamed_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
