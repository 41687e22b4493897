/*
 * The difference between two metadata documents, in the words of the REST protocol. That a catalog accepts it, and that the
 * table is then the one meant, is held by PyIceberg in tests/cli/test_rest_catalog.py; here stands which change gives which
 * update, after the protocol's own description (CommitTableRequest).
 */
#include "core/limits.h"
#include "offline/catalog/rest_int.h"
#include "tests/support/support.h"

#include <stdio.h>

#define SCHEMA0 "{\"schema-id\":0,\"type\":\"struct\",\"fields\":[]}"
#define SCHEMA1 "{\"schema-id\":1,\"type\":\"struct\",\"fields\":[1]}"
#define SNAP(id) "{\"snapshot-id\":" #id ",\"sequence-number\":" #id "}"
#define BASE                                                                                                           \
    "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"/t\",\"last-column-id\":3,\"schemas\":[" SCHEMA0        \
    "],\"current-schema-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],\"default-spec-id\":0,"             \
    "\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0"

static void check(const char *base, const char *next, const char *want_requirements, const char *want_updates) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_BUF out = {0};
    floe_error err = {0};
    const floe_node *before = NULL;
    const floe_node *after = NULL;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_buf_init(&out, FLOE_MIB(1));
    if (base != NULL) {
        assert_ok(floe_json_parse(&arena, floe_str_of(base), &before, &err), &err);
    }
    assert_ok(floe_json_parse(&arena, floe_str_of(next), &after, &err), &err);
    floe_json_writer writer = floe_json_writer_of(&out);
    floe_json_object_begin(&writer);
    assert_ok(floe_rest_change(before, after, &writer, &err), &err);
    floe_json_object_end(&writer);
    assert_ok(floe_buf_check(&out, &err), &err);
    const char *want = want_requirements == NULL ? NULL
                                                 : floe_arena_printf(&arena, "{\"requirements\":[%s],\"updates\":[%s]}",
                                                                     want_requirements, want_updates);
    if (want != NULL) {
        assert_string_equal(out.ptr, want);
        return;
    }
    const char *tail = floe_arena_printf(&arena, "\"updates\":[%s]}", want_updates);
    assert_true(floe_str_ends_with(floe_buf_view(&out), floe_str_of(tail)) || !fprintf(stderr, "%s\n", out.ptr));
}

#define HOLDS_REFS(snapshot, refs)                                                                                     \
    "{\"type\":\"assert-table-uuid\",\"uuid\":\"u\"},"                                                                 \
    "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"main\",\"snapshot-id\":" snapshot "}," refs                        \
    "{\"type\":\"assert-current-schema-id\",\"current-schema-id\":0},"                                                 \
    "{\"type\":\"assert-last-assigned-field-id\",\"last-assigned-field-id\":3},"                                       \
    "{\"type\":\"assert-default-spec-id\",\"default-spec-id\":0},"                                                     \
    "{\"type\":\"assert-default-sort-order-id\",\"default-sort-order-id\":0}"
#define HOLDS(snapshot) HOLDS_REFS(snapshot, "")

static void change__nothing__is_nothing(void **state) {
    (void)state;
    check(BASE "}", BASE "}", HOLDS("null"), "");
}

static void change__a_first_snapshot__is_added_and_becomes_main(void **state) {
    (void)state;
    check(BASE "}", BASE ",\"current-snapshot-id\":5,\"snapshots\":[" SNAP(5) "]}", HOLDS("null"),
          "{\"action\":\"add-snapshot\",\"snapshot\":" SNAP(
              5) "},"
                 "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":5}");
}

static void change__a_further_snapshot__holds_the_former_main(void **state) {
    (void)state;
    check(BASE ",\"current-snapshot-id\":5,\"snapshots\":[" SNAP(5) "]}",
          BASE ",\"current-snapshot-id\":6,\"snapshots\":[" SNAP(5) "," SNAP(
              6) "],\"refs\":{\"main\":"
                 "{\"type\":\"branch\",\"snapshot-id\":6,\"min-snapshots-to-keep\":2}}}",
          HOLDS("5"),
          "{\"action\":\"add-snapshot\",\"snapshot\":" SNAP(
              6) "},"
                 "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":6,"
                 "\"min-snapshots-to-keep\":2}");
}

/* No snapshot is main: -1 is how version 1 wrote that. */
static void change__a_current_snapshot_of_minus_one__is_none(void **state) {
    (void)state;
    check(BASE ",\"current-snapshot-id\":-1}", BASE ",\"current-snapshot-id\":-1}", HOLDS("null"), "");
}

static void change__snapshots_that_are_gone__are_removed_in_one(void **state) {
    (void)state;
    check(BASE ",\"current-snapshot-id\":7,\"snapshots\":[" SNAP(5) "," SNAP(6) "," SNAP(7) "]}",
          BASE ",\"current-snapshot-id\":7,\"snapshots\":[" SNAP(7) "]}", HOLDS("7"),
          "{\"action\":\"remove-snapshots\",\"snapshot-ids\":[5,6]}");
}

/* A tag that was moved meanwhile may point at what would go. */
static void change__snapshots_that_are_gone__hold_every_branch_and_tag(void **state) {
    (void)state;
    check(BASE ",\"current-snapshot-id\":7,\"snapshots\":[" SNAP(5) "," SNAP(6) "," SNAP(
              7) "],"
                 "\"refs\":{\"main\":{\"type\":\"branch\",\"snapshot-id\":7},\"v1\":{\"type\":\"tag\",\"snapshot-id\":"
                 "6}}}",
          BASE ",\"current-snapshot-id\":7,\"snapshots\":[" SNAP(6) "," SNAP(
              7) "],"
                 "\"refs\":{\"main\":{\"type\":\"branch\",\"snapshot-id\":7},\"v1\":{\"type\":\"tag\",\"snapshot-id\":"
                 "6}}}",
          HOLDS_REFS("7", "{\"type\":\"assert-ref-snapshot-id\",\"ref\":\"v1\",\"snapshot-id\":6},"),
          "{\"action\":\"remove-snapshots\",\"snapshot-ids\":[5]}");
}

static void change__a_new_schema__is_added_and_named_by_minus_one(void **state) {
    (void)state;
    check(BASE "}",
          "{\"format-version\":2,\"table-uuid\":\"u\",\"location\":\"/t\",\"last-column-id\":4,\"schemas\":[" SCHEMA0
          "," SCHEMA1 "],\"current-schema-id\":1,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],"
          "\"default-spec-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]}],\"default-sort-order-id\":0}",
          HOLDS("null"),
          "{\"action\":\"add-schema\",\"schema\":" SCHEMA1 ",\"last-column-id\":4},"
          "{\"action\":\"set-current-schema\",\"schema-id\":-1}");
}

static void change__back_to_a_former_schema__is_named_by_its_number(void **state) {
    (void)state;
    check("{\"table-uuid\":\"u\",\"schemas\":[" SCHEMA0 "," SCHEMA1 "],\"current-schema-id\":1,\"partition-specs\":[]}",
          "{\"table-uuid\":\"u\",\"schemas\":[" SCHEMA0 "," SCHEMA1 "],\"current-schema-id\":0,\"partition-specs\":[]}",
          NULL,
          "{\"action\":\"upgrade-format-version\",\"format-version\":2},{\"action\":\"set-current-schema\",\"schema-"
          "id\":0}");
}

static void change__specs_orders_location_and_version__have_updates_of_their_own(void **state) {
    (void)state;
    check(
        BASE "}",
        "{\"format-version\":3,\"table-uuid\":\"u\",\"location\":\"/u\",\"last-column-id\":3,\"schemas\":[" SCHEMA0
        "],\"current-schema-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]},{\"spec-id\":1,\"fields\":[2]}],"
        "\"default-spec-id\":1,\"sort-orders\":[{\"order-id\":0,\"fields\":[]},{\"order-id\":1,\"fields\":[3]}],"
        "\"default-sort-order-id\":1}",
        HOLDS("null"),
        "{\"action\":\"upgrade-format-version\",\"format-version\":3},"
        "{\"action\":\"add-spec\",\"spec\":{\"spec-id\":1,\"fields\":[2]}},"
        "{\"action\":\"set-default-spec\",\"spec-id\":-1},"
        "{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":1,\"fields\":[3]}},"
        "{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1},"
        "{\"action\":\"set-location\",\"location\":\"/u\"}");
}

static void change__properties__only_those_that_differ(void **state) {
    (void)state;
    check(BASE ",\"properties\":{\"a\":\"1\",\"b\":\"2\"}}",
          BASE ",\"properties\":{\"a\":\"1\",\"b\":\"3\",\"c\":\"4\"}}", HOLDS("null"),
          "{\"action\":\"set-properties\",\"updates\":{\"b\":\"3\",\"c\":\"4\"}}");
}

static void change__properties_that_are_gone__are_removed(void **state) {
    (void)state;
    check(BASE ",\"properties\":{\"a\":\"1\",\"b\":\"2\"}}", BASE ",\"properties\":{\"b\":\"2\"}}", HOLDS("null"),
          "{\"action\":\"remove-properties\",\"removals\":[\"a\"]}");
}

static void change__branches_and_tags__are_set_and_removed(void **state) {
    (void)state;
    check(
        BASE ",\"refs\":{\"old\":{\"type\":\"tag\",\"snapshot-id\":1},\"same\":{\"type\":\"tag\",\"snapshot-id\":2}}}",
        BASE ",\"refs\":{\"same\":{\"type\":\"tag\",\"snapshot-id\":2},\"new\":{\"type\":\"branch\",\"snapshot-id\":3,"
             "\"max-ref-age-ms\":9}}}",
        HOLDS("null"),
        "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"new\",\"type\":\"branch\",\"snapshot-id\":3,\"max-ref-age-"
        "ms\":9},"
        "{\"action\":\"remove-snapshot-ref\",\"ref-name\":\"old\"}");
}

static void change__a_new_table__says_everything(void **state) {
    (void)state;
    check(NULL, BASE ",\"current-snapshot-id\":5,\"snapshots\":[" SNAP(5) "]}", "{\"type\":\"assert-create\"}",
          "{\"action\":\"assign-uuid\",\"uuid\":\"u\"},"
          "{\"action\":\"upgrade-format-version\",\"format-version\":2},"
          "{\"action\":\"add-schema\",\"schema\":" SCHEMA0 ",\"last-column-id\":3},"
          "{\"action\":\"set-current-schema\",\"schema-id\":-1},"
          "{\"action\":\"add-spec\",\"spec\":{\"spec-id\":0,\"fields\":[]}},"
          "{\"action\":\"set-default-spec\",\"spec-id\":-1},"
          "{\"action\":\"add-sort-order\",\"sort-order\":{\"order-id\":0,\"fields\":[]}},"
          "{\"action\":\"set-default-sort-order\",\"sort-order-id\":-1},"
          "{\"action\":\"set-location\",\"location\":\"/t\"},"
          "{\"action\":\"add-snapshot\",\"snapshot\":" SNAP(
              5) "},"
                 "{\"action\":\"set-snapshot-ref\",\"ref-name\":\"main\",\"type\":\"branch\",\"snapshot-id\":5}");
}

static void change__metadata_with_one_schema_alone__is_refused(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_BUF out = {0};
    floe_error err = {0};
    const floe_node *next = NULL;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_buf_init(&out, FLOE_MIB(1));
    assert_ok(floe_json_parse(&arena, FLOE_STR("{\"format-version\":1,\"schema\":{}}"), &next, &err), &err);
    floe_json_writer writer = floe_json_writer_of(&out);
    floe_json_object_begin(&writer);
    assert_code(floe_rest_change(NULL, next, &writer, &err), FLOE_UNSUPPORTED);
}

/* ---- a table's storage ---- */

static void storage__the_servers_words_win_and_silence_keeps(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_error err = {0};
    const floe_node *config = NULL;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_storage_def storage = {.endpoint = FLOE_STR("http://a"), .region = FLOE_STR("r")};
    assert_ok(floe_json_parse(
                  &arena,
                  FLOE_STR("{\"s3.access-key-id\":\"k\",\"s3.secret-access-key\":\"s\",\"s3.session-token\":\"t\","
                           "\"s3.path-style-access\":\"TRUE\",\"client.region\":\"q\",\"s3.region\":7}"),
                  &config, &err),
              &err);
    floe_rest_storage(config, &storage);
    assert_true(storage.given && storage.path_style);
    assert_true(floe_str_is(storage.endpoint, "http://a"));
    assert_true(floe_str_is(storage.region, "q"));
    assert_true(floe_str_is(storage.access_key, "k"));
    assert_true(floe_str_is(storage.secret_key, "s"));
    assert_true(floe_str_is(storage.session_token, "t"));
    floe_storage_def none = {0};
    floe_rest_storage(NULL, &none);
    assert_false(none.given);
}

static floe_status table_storage(const char *answer, const char *location, floe_storage_def *storage, bool *ret_vended,
                                 floe_arena *arena, floe_error *err) {
    const floe_node *json = NULL;
    assert_ok(floe_json_parse(arena, floe_str_of(answer), &json, err), err);
    floe_rest_place place = {.storage = *storage};
    floe_status status = floe_rest_table_storage(json, floe_str_of(location), &place, err);
    *storage = place.storage;
    *ret_vended = place.vended;
    return status;
}

/* Source: Iceberg REST catalog API, LoadTableResult: credentials go before config, the most specific prefix counts. */
static void storage__credentials_of_the_longest_prefix__win(void **state) {
    (void)state;
    static const char ANSWER[] =
        "{\"config\":{\"s3.access-key-id\":\"config\",\"s3.session-token\":\"old\",\"s3.region\":\"r\"},"
        "\"storage-credentials\":["
        "{\"prefix\":\"s3://b/t\",\"config\":{\"s3.access-key-id\":\"t\"}},"
        "{\"prefix\":\"s3\",\"config\":{\"s3.access-key-id\":\"scheme\"}},"
        "{\"prefix\":\"s3a://b/a/deep\",\"config\":{\"s3.access-key-id\":\"deep\",\"s3.session-token\":\"new\"}},"
        "{\"prefix\":\"gs://b/a/deep/er\",\"config\":{\"s3.access-key-id\":\"other\"}},"
        "{\"prefix\":\"file:/\",\"config\":{}}]}";
    static const struct {
        const char *location, *key, *token;
    } CASES[] = {{"s3://b/t/x", "t", ""},
                 {"s3a://b/t", "t", ""},
                 {"s3://b/a", "scheme", ""},
                 {"s3://b/a/deep/er", "deep", "new"},
                 {"s3n://b/a/deep", "deep", "new"},
                 {"gs://b/x", "config", "old"},
                 {"gs://b/a/deep/er", "other", ""},
                 {"/local", "config", "old"},
                 {"s", "config", "old"},
                 {"", "config", "old"}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        FLOE_AUTO_ARENA arena = {0};
        floe_storage_def storage = {.session_token = FLOE_STR("the project's")};
        floe_error err = {0};
        bool vended = false;
        floe_arena_init(&arena, FLOE_MIB(1));
        assert_ok(table_storage(ANSWER, CASES[i].location, &storage, &vended, &arena, &err), &err);
        assert_true(vended);
        assert_true(floe_str_is(storage.access_key, CASES[i].key));
        assert_true(floe_str_is(storage.session_token, CASES[i].token));
        assert_true(floe_str_is(storage.region, "r"));
    }
}

static void storage__silence__gives_no_keys(void **state) {
    (void)state;
    static const char *const ANSWERS[] = {"{}", "{\"config\":null,\"storage-credentials\":null}", "{\"config\":7}",
                                          "{\"storage-credentials\":[]}",
                                          ("{\"storage-credentials\":[{\"prefix\":\"s3://other\",\"config\":"
                                           "{\"s3.access-key-id\":\"k\"}}]}")};
    for (size_t i = 0; i < sizeof(ANSWERS) / sizeof(ANSWERS[0]); i++) {
        FLOE_AUTO_ARENA arena = {0};
        floe_storage_def storage = {.access_key = FLOE_STR("own"), .session_token = FLOE_STR("own token")};
        floe_error err = {0};
        bool vended = true;
        floe_arena_init(&arena, FLOE_MIB(1));
        assert_ok(table_storage(ANSWERS[i], "s3://b/t", &storage, &vended, &arena, &err), &err);
        assert_false(vended);
        assert_true(floe_str_is(storage.access_key, "own") && floe_str_is(storage.session_token, "own token"));
    }
}

static void storage__signing_by_the_catalog__needs_keys(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_storage_def storage = {0};
    floe_error err = {0};
    bool vended = false;
    floe_arena_init(&arena, FLOE_MIB(1));
    static const char ANSWER[] = "{\"config\":{\"s3.remote-signing-enabled\":\"True\"}}";
    assert_code(table_storage(ANSWER, "s3://b/t", &storage, &vended, &arena, &err), FLOE_UNSUPPORTED);
    assert_message(&err, "s3.remote-signing-enabled");
    storage.access_key = FLOE_STR("own");
    err = (floe_error){0};
    assert_ok(table_storage(ANSWER, "s3://b/t", &storage, &vended, &arena, &err), &err);
}

static void namespace__parts_are_joined_by_the_unit_separator(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    const floe_rest rest = {0};
    const floe_rest other = {.separator = FLOE_STR("%2E")};
    floe_arena_init(&arena, FLOE_MIB(1));
    assert_string_equal(floe_rest_namespace(&rest, &arena, FLOE_STR("a")), "a");
    assert_string_equal(floe_rest_namespace(&rest, &arena, FLOE_STR("a.b.c")), "a%1Fb%1Fc");
    assert_string_equal(floe_rest_namespace(&rest, &arena, FLOE_STR("a b/c")), "a%20b%2Fc");
    assert_string_equal(floe_rest_namespace(&other, &arena, FLOE_STR("a.b c")), "a%2Eb%20c");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(change__nothing__is_nothing),
        cmocka_unit_test(change__a_first_snapshot__is_added_and_becomes_main),
        cmocka_unit_test(change__a_further_snapshot__holds_the_former_main),
        cmocka_unit_test(change__a_current_snapshot_of_minus_one__is_none),
        cmocka_unit_test(change__snapshots_that_are_gone__are_removed_in_one),
        cmocka_unit_test(change__snapshots_that_are_gone__hold_every_branch_and_tag),
        cmocka_unit_test(change__a_new_schema__is_added_and_named_by_minus_one),
        cmocka_unit_test(change__back_to_a_former_schema__is_named_by_its_number),
        cmocka_unit_test(change__specs_orders_location_and_version__have_updates_of_their_own),
        cmocka_unit_test(change__properties__only_those_that_differ),
        cmocka_unit_test(change__properties_that_are_gone__are_removed),
        cmocka_unit_test(change__branches_and_tags__are_set_and_removed),
        cmocka_unit_test(change__a_new_table__says_everything),
        cmocka_unit_test(change__metadata_with_one_schema_alone__is_refused),
        cmocka_unit_test(storage__the_servers_words_win_and_silence_keeps),
        cmocka_unit_test(storage__credentials_of_the_longest_prefix__win),
        cmocka_unit_test(storage__silence__gives_no_keys),
        cmocka_unit_test(storage__signing_by_the_catalog__needs_keys),
        cmocka_unit_test(namespace__parts_are_joined_by_the_unit_separator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
