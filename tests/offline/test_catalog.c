/*
 * The directory catalog: newest metadata, listing, locating, and commits that race.
 */
#include "tests/offline/ice_support.h"

#include "offline/catalog/catalog.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static floe_arena arena;
static const char *warehouse;
static floe_catalog *catalog;
static floe_catalog_def definition;

static int set_up(void **state) {
    (void)state;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(16));
    warehouse = floe_test_temp_dir();
    definition = (floe_catalog_def){
        .name = FLOE_STR("lake"), .type = FLOE_STR("directory"), .warehouse = floe_str_of(warehouse)};
    assert_ok(floe_catalog_open(&definition, NULL, &catalog, &err), &err);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_catalog_close(&catalog);
    floe_arena_close(&arena);
    return 0;
}

static void put(const char *name) {
    ice_write_file(ice_path(warehouse, name), FLOE_STR("{}"));
}

static void put_text(const char *name, const char *text) {
    ice_write_file(ice_path(warehouse, name), floe_str_of(text));
}

/* ---- newest metadata ---- */

static void expect_newest(const char *table, const char *name) {
    const char *path = NULL;
    floe_error err = {0};
    assert_ok(floe_catalog_newest_metadata(floe_fs_local(), ice_path(warehouse, table), &arena, &path, &err), &err);
    assert_string_equal(path, ice_path(warehouse, name));
}

static void versions__of_file_names__are_read(void **state) {
    (void)state;
    static const struct {
        const char *name;
        int64_t version;
    } CASES[] = {
        {"v1.metadata.json", 1},
        {"v12.gz.metadata.json", 12},
        {"v12.metadata.json.gz", 12},
        {"00003-abc.metadata.json", 3},
        {"00003-abc-def.gz.metadata.json", 3},
        {"v1749025517.metadata.json", 1749025517},
        {"v3.1.metadata.json", -1},
        {"vfinal.metadata.json", -1},
        {"00003.metadata.json", -1},
        {"v-1.metadata.json", -1},
        {"v+1.metadata.json", -1},
        {"-abc.metadata.json", -1},
        {"v99999999999999999999.metadata.json", -1},
        {"snap-1.avro", -1},
        {".metadata.json", -1},
        {"v1.metadata.json.crc", -1},
        {"version-hint.text", -1},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        int64_t version = floe_catalog_metadata_version(floe_str_of(CASES[i].name));
        if (version != CASES[i].version) {
            fail_msg("%s: %lld", CASES[i].name, (long long)version);
        }
    }
}

static void newest__without_a_hint__is_the_highest_number(void **state) {
    (void)state;
    put("t/metadata/v2.metadata.json");
    put("t/metadata/v10.metadata.json");
    put("t/metadata/v9.gz.metadata.json");
    put("t/metadata/.v11.metadata.json.crc");
    expect_newest("t", "t/metadata/v10.metadata.json");
    put("u/metadata/00002-b.metadata.json");
    put("u/metadata/00010-a.metadata.json");
    expect_newest("u", "u/metadata/00010-a.metadata.json");
}

/* A hint that is behind: the writer was killed before it wrote the hint. Versions in between may have expired. */
static void newest__hint_behind__is_rolled_forward_over_gaps(void **state) {
    (void)state;
    for (int i = 1; i <= 4; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "t/metadata/v%d.metadata.json", i);
        put(name);
    }
    put_text("t/metadata/version-hint.text", "2\n");
    expect_newest("t", "t/metadata/v4.metadata.json");
    put("t/metadata/v9.metadata.json");
    expect_newest("t", "t/metadata/v9.metadata.json");
    put_text("t/metadata/version-hint.text", "9");
    expect_newest("t", "t/metadata/v9.metadata.json");
    put_text("t/metadata/version-hint.text", "6"); /* not there, but what came after it is */
    expect_newest("t", "t/metadata/v9.metadata.json");
    put_text("t/metadata/version-hint.text", "v2");
    expect_newest("t", "t/metadata/v9.metadata.json");
}

static void expect_corrupt(const char *table, const char *const *parts) {
    const char *path = NULL;
    floe_error err = {0};
    assert_code(floe_catalog_newest_metadata(floe_fs_local(), ice_path(warehouse, table), &arena, &path, &err),
                FLOE_CORRUPT);
    for (; *parts != NULL; parts++) {
        assert_message(&err, *parts);
    }
}

/* The hint is written after its file: one that is ahead of every file says that a file was lost. */
static void newest__hint_ahead__is_corrupt_and_names_both(void **state) {
    (void)state;
    static const struct {
        const char *hint, *says;
    } CASES[] = {
        {"3", "v3.metadata.json"},
        {" 99\n", "v99.metadata.json"},
        {"v3", "v3.metadata.json"},
        {"v3.metadata.json", "v3.metadata.json"},
        {"00003-abc", "00003-abc.metadata.json"},
        {"00003-abc.gz.metadata.json", "00003-abc.metadata.json"},
        {"00002-abc", "00002-abc.metadata.json"}, /* another file has that version, but not the one it names */
        {"99999999999999999999", "v99999999999999999999.metadata.json"},
    };
    put("t/metadata/v1.metadata.json");
    put("t/metadata/00002-def.metadata.json");
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        put_text("t/metadata/version-hint.text", CASES[i].hint);
        expect_corrupt("t", (const char *[]){"version-hint.text names", CASES[i].says, "the highest is 00002-def",
                                             "Bring", "write 2 into version-hint.text", NULL});
    }
    put_text("t/metadata/version-hint.text", "2"); /* as it says to do */
    expect_newest("t", "t/metadata/00002-def.metadata.json");
    put("t/metadata/00003-abc.metadata.json");
    put_text("t/metadata/version-hint.text", "00003-abc");
    expect_newest("t", "t/metadata/00003-abc.metadata.json");
}

/* ---- two files of one version ---- */

/* A document of one table: its snapshots are 1 to `snapshots`, the last of them current, or none is. */
static void put_state(const char *name, const char *uuid, int snapshots, int64_t updated_ms, const char *log) {
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, FLOE_KIB(64));
    floe_buf_printf(
        &text,
        "{\"format-version\":2,\"table-uuid\":\"%s\",\"location\":\"/t\",\"last-sequence-number\":%d,"
        "\"last-updated-ms\":%lld,\"last-column-id\":1,\"current-schema-id\":0,\"schemas\":[{\"type\":"
        "\"struct\",\"schema-id\":0,\"fields\":[{\"id\":1,\"name\":\"n\",\"required\":false,\"type\":\"long\"}]"
        "}],\"default-spec-id\":0,\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],"
        "\"last-partition-id\":999,\"default-sort-order-id\":0,\"sort-orders\":[{\"order-id\":0,\"fields\":[]"
        "}],\"current-snapshot-id\":%d,\"snapshots\":[",
        uuid, snapshots, (long long)updated_ms, snapshots > 0 ? snapshots : -1);
    for (int i = 1; i <= snapshots; i++) {
        floe_buf_printf(&text,
                        "%s{\"snapshot-id\":%d,\"sequence-number\":%d,\"timestamp-ms\":%d,\"manifest-list\":"
                        "\"/t/metadata/%d.avro\",\"summary\":{\"operation\":\"append\"}}",
                        i > 1 ? "," : "", i, i, i, i);
    }
    floe_buf_text(&text, "]");
    if (log != NULL) {
        floe_buf_printf(&text, ",\"metadata-log\":[{\"timestamp-ms\":1,\"metadata-file\":\"/t/metadata/%s\"}]", log);
    }
    floe_buf_text(&text, "}");
    ice_write_file(ice_path(warehouse, name), floe_buf_view(&text));
}

#define UUID "11111111-2222-3333-4444-555555555555"
#define A "t/metadata/00001-aaaa.metadata.json"
#define B "t/metadata/00001-bbbb.metadata.json"

static void expect_ambiguous(void) {
    expect_corrupt("t", (const char *[]){"00001-aaaa.metadata.json", "00001-bbbb.metadata.json", "of one version",
                                         "move the other away", NULL});
}

static void newest__two_of_one_version__are_refused_whatever_their_names(void **state) {
    (void)state;
    put(A); /* nothing that can be compared */
    put(B);
    expect_ambiguous();
    put_state(A, UUID, 1, 1000, "00000-x.metadata.json"); /* siblings: both began with the same file */
    put_state(B, UUID, 2, 2000, "00000-x.metadata.json");
    expect_ambiguous();
    put_state(A, UUID, 2, 2000, "00000-x.metadata.json");
    put_state(B, UUID, 1, 1000, "00000-x.metadata.json");
    expect_ambiguous();
    put_state(A, UUID, 1, 1000, NULL); /* the same state twice is no order */
    put_state(B, UUID, 1, 1000, NULL);
    expect_ambiguous();
    put_state(B, "99999999-2222-3333-4444-555555555555", 2, 2000, NULL); /* another table's */
    expect_ambiguous();
    put_state(B, UUID, 2, 500, NULL); /* more snapshots, but written before */
    expect_ambiguous();
    put_state(A, UUID, 0, 1000, NULL); /* no snapshot that could be in the other's history */
    put_state(B, UUID, 2, 2000, NULL);
    expect_ambiguous();
    put_state(A, UUID, 1, 1000, "00001-bbbb.metadata.json"); /* each names the other */
    put_state(B, UUID, 2, 2000, "00001-aaaa.metadata.json");
    expect_ambiguous();
    put_state(A, UUID, 1, 1000, NULL);
    put_state(B, UUID, 2, 2000, "x00001-aaaa.metadata.json"); /* a name that only ends like it */
    expect_ambiguous();
}

static void newest__two_of_one_version__the_one_that_proves_later_is_taken(void **state) {
    (void)state;
    const char *const names[][2] = {{A, B}, {B, A}};
    for (size_t i = 0; i < 2; i++) {
        const char *former = names[i][0], *later = names[i][1];
        put_state(former, UUID, 1, 1000, "00000-x.metadata.json");
        put_state(later, UUID, 1, 900, former + strlen("t/metadata/")); /* whatever its clock says */
        expect_newest("t", later);
        put_state(former, UUID, 1, 1000, NULL);
        put_state(later, UUID, 2, 1000, NULL); /* the other's snapshot is in its history */
        expect_newest("t", later);
    }
}

static void newest__three_of_one_version__one_must_be_later_than_both(void **state) {
    (void)state;
    put_state(A, UUID, 1, 1000, NULL);
    put_state(B, UUID, 2, 2000, NULL);
    put_state("t/metadata/00001-cccc.metadata.json", UUID, 3, 3000, NULL);
    expect_newest("t", "t/metadata/00001-cccc.metadata.json");
    put_state("t/metadata/00001-cccc.metadata.json", UUID, 2, 2000, NULL);
    expect_corrupt("t", (const char *[]){"3 metadata files of one version", NULL});
}

static void newest__two_of_an_older_version__do_not_matter(void **state) {
    (void)state;
    put(A);
    put(B);
    put("t/metadata/00002-c.metadata.json");
    expect_newest("t", "t/metadata/00002-c.metadata.json");
    put_text("t/metadata/version-hint.text", "1");
    expect_newest("t", "t/metadata/00002-c.metadata.json");
    put_text("t/metadata/version-hint.text", "00001-aaaa"); /* named outright */
    expect_newest("t", A);
}

static void newest__counted_and_unique_names_of_one_version__the_hint_decides(void **state) {
    (void)state;
    put("t/metadata/v1.metadata.json");
    put(A);
    expect_corrupt("t", (const char *[]){"00001-aaaa.metadata.json", "v1.metadata.json", NULL});
    put_text("t/metadata/version-hint.text", "1");
    expect_newest("t", "t/metadata/v1.metadata.json");
    put_text("t/metadata/version-hint.text", "00001-aaaa.metadata.json");
    expect_newest("t", A);
    put("t/metadata/v1.gz.metadata.json"); /* the hint says v1, and two are */
    put_text("t/metadata/version-hint.text", "1");
    expect_corrupt("t", (const char *[]){"v1.gz.metadata.json", "v1.metadata.json", NULL});
}

static void newest__hint_by_name__is_followed(void **state) {
    (void)state;
    put("t/metadata/00001-abc.metadata.json");
    put("t/metadata/00002-def.metadata.json");
    put_text("t/metadata/version-hint.text", "00001-abc");
    expect_newest("t", "t/metadata/00001-abc.metadata.json");
    put("t/metadata/vfinal.metadata.json");
    put_text("t/metadata/version-hint.text", "vfinal");
    expect_newest("t", "t/metadata/vfinal.metadata.json");
}

/* Texts that have no place among the versions, and versions before the first. */
static void newest__hint_that_is_wrong__is_ignored(void **state) {
    (void)state;
    static const char *const HINTS[] = {"", "0", "-1", "nothing", "../../v1", "v", "00000-gone"};
    put("t/metadata/v1.metadata.json");
    for (size_t i = 0; i < sizeof(HINTS) / sizeof(HINTS[0]); i++) {
        put_text("t/metadata/version-hint.text", HINTS[i]);
        expect_newest("t", "t/metadata/v1.metadata.json");
    }
}

static void newest__gzip_under_both_names__is_found_by_the_hint(void **state) {
    (void)state;
    put("t/metadata/v1.gz.metadata.json");
    put("u/metadata/v1.metadata.json.gz");
    put_text("t/metadata/version-hint.text", "1");
    put_text("u/metadata/version-hint.text", "1");
    expect_newest("t", "t/metadata/v1.gz.metadata.json");
    expect_newest("u", "u/metadata/v1.metadata.json.gz");
}

static void newest__nothing_there__says_what_was_looked_for(void **state) {
    (void)state;
    const char *path = NULL;
    floe_error err = {0};
    assert_code(floe_catalog_newest_metadata(floe_fs_local(), ice_path(warehouse, "t"), &arena, &path, &err),
                FLOE_NOT_FOUND);
    assert_message(&err, "no folder metadata");
    put("t/metadata/other.txt");
    floe_error second = {0};
    assert_code(floe_catalog_newest_metadata(floe_fs_local(), ice_path(warehouse, "t"), &arena, &path, &second),
                FLOE_NOT_FOUND);
    assert_message(&second, "holds no metadata file");
}

/* ---- list and locate ---- */

static void list__nested_namespaces__sorted_and_nothing_else(void **state) {
    (void)state;
    const floe_catalog_entry *entries = NULL;
    size_t count = 99;
    floe_error err = {0};
    assert_ok(floe_catalog_list(catalog, &arena, &entries, &count, &err), &err);
    assert_int_equal(count, 0);
    put("b/t2/metadata/v1.metadata.json");
    put("b/t1/metadata/v3.metadata.json");
    put("a/deep/t/metadata/v1.metadata.json");
    put("b/.hidden/metadata/v1.metadata.json");
    put("b/not_a_table/readme.txt");
    put("outside/metadata/v1.metadata.json");       /* in no namespace */
    put("b/t1/data/x=1/metadata/v1.metadata.json"); /* inside a table */
    put("file.txt");
    assert_ok(floe_catalog_list(catalog, &arena, &entries, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_true(floe_str_is(entries[0].namespace_name, "a.deep") && floe_str_is(entries[0].table, "t"));
    assert_true(floe_str_is(entries[1].namespace_name, "b") && floe_str_is(entries[1].table, "t1"));
    assert_true(floe_str_is(entries[2].table, "t2"));
    assert_true(floe_str_ends_with(floe_str_of(entries[1].metadata_path), FLOE_STR("b/t1/metadata/v3.metadata.json")));
}

static void list__missing_warehouse__is_empty(void **state) {
    (void)state;
    const floe_catalog_entry *entries = NULL;
    size_t count = 9;
    floe_error err = {0};
    floe_catalog *other = NULL;
    floe_catalog_def elsewhere = definition;
    elsewhere.warehouse = floe_str_of(ice_path(warehouse, "not/yet"));
    assert_ok(floe_catalog_open(&elsewhere, NULL, &other, &err), &err);
    assert_ok(floe_catalog_list(other, &arena, &entries, &count, &err), &err);
    assert_int_equal(count, 0);
    floe_catalog_close(&other);
}

static void locate__found_and_missing__is_precise(void **state) {
    (void)state;
    floe_catalog_entry entry;
    floe_error err = {0};
    put("a/deep/t/metadata/v1.metadata.json");
    assert_ok(floe_catalog_locate(catalog, FLOE_STR("a.deep"), FLOE_STR("t"), &arena, &entry, &err), &err);
    assert_true(floe_str_ends_with(floe_str_of(entry.location), FLOE_STR("/a/deep/t")));
    assert_code(floe_catalog_locate(catalog, FLOE_STR("a"), FLOE_STR("t"), &arena, &entry, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no table lake.a.t");
}

static void names__that_leave_the_warehouse__are_refused(void **state) {
    (void)state;
    static const char *const BAD[] = {"", "..", ".", ".x", "a/b", "/etc", "x/../../y"};
    for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
        const char *location = NULL;
        floe_error err = {0};
        assert_code(floe_catalog_location(catalog, FLOE_STR("ok"), floe_str_of(BAD[i]), &arena, &location, &err),
                    FLOE_INVALID);
        floe_error second = {0};
        assert_code(floe_catalog_location(catalog, floe_str_of(BAD[i]), FLOE_STR("ok"), &arena, &location, &second),
                    FLOE_INVALID);
    }
    const char *location = NULL;
    floe_error err = {0};
    assert_code(floe_catalog_location(catalog, FLOE_STR("a..b"), FLOE_STR("t"), &arena, &location, &err), FLOE_INVALID);
    floe_error fresh = {0};
    assert_ok(floe_catalog_location(catalog, FLOE_STR("a.b"), FLOE_STR("T able"), &arena, &location, &fresh), &fresh);
    assert_true(floe_str_ends_with(floe_str_of(location), FLOE_STR("/a/b/T able")));
}

static void open__other_type__is_unsupported_by_name(void **state) {
    (void)state;
    floe_catalog *other = NULL;
    floe_error err = {0};
    floe_catalog_def rest = definition;
    rest.type = FLOE_STR("hive");
    assert_code(floe_catalog_open(&rest, NULL, &other, &err), FLOE_UNSUPPORTED);
    assert_message(&err, "\"hive\"");
    assert_null(other);
}

/* ---- commit ---- */

static floe_status commit(const char *base, const char *json, const char **ret_path, floe_error *err) {
    floe_catalog_commit_request request = {.namespace_name = FLOE_STR("ns"),
                                           .table = FLOE_STR("t"),
                                           .base_metadata_path = base,
                                           .metadata_json = floe_str_of(json)};
    return floe_catalog_commit(catalog, &request, &arena, ret_path, err);
}

static void commit__create_then_follow__moves_the_newest(void **state) {
    (void)state;
    const char *first = NULL;
    const char *second = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "{\"n\":1}", &first, &err), &err);
    assert_true(floe_str_ends_with(floe_str_of(first), FLOE_STR("ns/t/metadata/v1.metadata.json")));
    assert_ok(commit(first, "{\"n\":2}", &second, &err), &err);
    assert_true(floe_str_ends_with(floe_str_of(second), FLOE_STR("v2.metadata.json")));
    floe_catalog_entry entry;
    assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &err), &err);
    assert_string_equal(entry.metadata_path, second);
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, 100);
    assert_ok(floe_file_read(second, &text, &err), &err);
    assert_string_equal(text.ptr, "{\"n\":2}");
    floe_buf_clear(&text);
    assert_ok(floe_file_read(ice_path(entry.location, "metadata/version-hint.text"), &text, &err), &err);
    assert_string_equal(text.ptr, "2");
}

static void commit__from_a_stale_base__is_conflict_and_changes_nothing(void **state) {
    (void)state;
    const char *first = NULL;
    const char *second = NULL;
    const char *third = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "1", &first, &err), &err);
    assert_ok(commit(first, "2", &second, &err), &err);
    assert_code(commit(first, "3", &third, &err), FLOE_CONFLICT);
    assert_message(&err, "lake.ns.t was changed by somebody else");
    floe_error again = {0};
    assert_code(commit(NULL, "3", &third, &again), FLOE_CONFLICT);
    assert_message(&again, "exists already");
    floe_error found = {0};
    floe_catalog_entry entry;
    assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &found), &found);
    assert_string_equal(entry.metadata_path, second);
    assert_null(third);
}

static void commit__over_another_writers_names__counts_on(void **state) {
    (void)state;
    const char *path = NULL;
    floe_error err = {0};
    floe_catalog_entry entry;
    put("ns/t/metadata/00041-abc.metadata.json");
    assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &err), &err);
    assert_ok(commit(entry.metadata_path, "x", &path, &err), &err);
    assert_true(floe_str_ends_with(floe_str_of(path), FLOE_STR("v42.metadata.json")));
}

static void commit__base_without_a_version__is_refused(void **state) {
    (void)state;
    const char *path = NULL;
    floe_error err = {0};
    put("ns/t/metadata/vfinal.metadata.json");
    put_text("ns/t/metadata/version-hint.text", "vfinal");
    assert_code(commit(ice_path(warehouse, "ns/t/metadata/vfinal.metadata.json"), "x", &path, &err), FLOE_UNSUPPORTED);
}

static void commit__base_that_is_gone__is_not_found(void **state) {
    (void)state;
    const char *path = NULL;
    floe_error err = {0};
    assert_code(commit("/gone/v1.metadata.json", "x", &path, &err), FLOE_NOT_FOUND);
}

/* Killed between the metadata file and the hint: the next reader and the next writer see the new version. */
static void commit__hint_left_behind__is_rolled_forward(void **state) {
    (void)state;
    const char *first = NULL;
    const char *second = NULL;
    const char *third = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "1", &first, &err), &err);
    assert_ok(commit(first, "2", &second, &err), &err);
    put_text("ns/t/metadata/version-hint.text", "1");
    assert_code(commit(first, "3", &third, &err), FLOE_CONFLICT);
    floe_error fresh = {0};
    assert_ok(commit(second, "3", &third, &fresh), &fresh);
    assert_true(floe_str_ends_with(floe_str_of(third), FLOE_STR("v3.metadata.json")));
}

static void commit__full_disk_at_any_call__leaves_the_old_state(void **state) {
    (void)state;
    const char *first = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "1", &first, &err), &err);
    unsigned failures = 0;
    for (uint64_t nth = 1; nth < 50; nth++) {
        const char *path = NULL;
        floe_error failed = {0};
        floe_file_fail_at(nth, 28 /* ENOSPC */);
        floe_status status = commit(first, "2", &path, &failed);
        floe_file_fail_off();
        if (!floe_failed(status)) { /* only the hint, or nothing, failed */
            break;
        }
        failures++;
        floe_error found = {0};
        floe_catalog_entry entry;
        assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &found), &found);
        bool renamed = !floe_str_ends_with(floe_str_of(entry.metadata_path), FLOE_STR("v1.metadata.json"));
        if (renamed) { /* the rename had happened before the call that failed: the state is whole, and new */
            break;
        }
    }
    assert_true(failures > 0);
}

/* Eight writers from one base: one wins. */
typedef struct racer {
    const char *base;
    floe_code code;
} racer;

static void *race(void *context) {
    racer *self = context;
    floe_error err = {0};
    floe_catalog *own = NULL;
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, FLOE_MIB(1));
    const char *path = NULL;
    floe_catalog_commit_request request = {.namespace_name = FLOE_STR("ns"),
                                           .table = FLOE_STR("t"),
                                           .base_metadata_path = self->base,
                                           .metadata_json = FLOE_STR("2")};
    floe_status status = floe_catalog_open(&definition, NULL, &own, &err);
    if (!floe_failed(status)) {
        status = floe_catalog_commit(own, &request, &memory, &path, &err);
    }
    floe_catalog_close(&own);
    self->code = status.code;
    return NULL;
}

static void commit__eight_at_once__exactly_one_wins(void **state) {
    (void)state;
    const char *first = NULL;
    floe_error err = {0};
    assert_ok(commit(NULL, "1", &first, &err), &err);
    const char *bases[] = {NULL, first};
    for (int round = 0; round < 10; round++) {
        pthread_t threads[8];
        racer racers[8];
        int won = 0;
        floe_catalog_entry entry;
        assert_ok(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &err), &err);
        bases[1] = entry.metadata_path;
        for (size_t i = 0; i < 8; i++) {
            racers[i] = (racer){bases[1], FLOE_CODE_OK};
            assert_int_equal(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
        }
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            won += racers[i].code == FLOE_CODE_OK ? 1 : 0;
            assert_true(racers[i].code == FLOE_CODE_OK || racers[i].code == FLOE_CONFLICT);
        }
        assert_int_equal(won, 1);
    }
}

/* From v1 on, the same through every door: nobody commits over the loss. */
static void commit__after_a_lost_version__is_corrupt(void **state) {
    (void)state;
    const char *first = NULL, *second = NULL, *third = NULL;
    floe_error err = {0};
    floe_catalog_entry entry;
    const floe_catalog_entry *entries = NULL;
    size_t count = 0;
    assert_ok(commit(NULL, "1", &first, &err), &err);
    assert_ok(commit(first, "2", &second, &err), &err);
    assert_int_equal(remove(second), 0);
    assert_code(commit(first, "other", &third, &err), FLOE_CORRUPT);
    assert_message(&err, "v2.metadata.json");
    floe_error located = {0}, listed = {0}, created = {0};
    assert_code(floe_catalog_locate(catalog, FLOE_STR("ns"), FLOE_STR("t"), &arena, &entry, &located), FLOE_CORRUPT);
    assert_message(&located, "lake.ns.t");
    /* It is listed, so that one damaged table hides no other. */
    assert_ok(floe_catalog_list(catalog, &arena, &entries, &count, &listed), &listed);
    assert_int_equal(count, 1);
    assert_string_equal(entries[0].metadata_path, entries[0].location);
    assert_code(commit(NULL, "other", &third, &created), FLOE_CORRUPT);
    assert_false(floe_file_exists(second));
}

/* A committer that never rests, and readers who open the table a thousand times each and more: a hint that is ahead of a reader's listing is
 * a commit in between. Each reader sees versions that only grow. */
enum { COMMITS = 40 };

typedef struct reading {
    const char *folder;
    atomic_bool *is_over;
    int refused;
    int64_t last;
    char message[2048];
} reading;

static void *read_on(void *context) {
    reading *self = context;
    for (int i = 0; i < 1000 || !atomic_load(self->is_over); i++) {
        FLOE_AUTO_ARENA memory = {0};
        floe_arena_init(&memory, FLOE_MIB(16));
        const char *path = NULL;
        floe_error err = {0};
        floe_status status = floe_catalog_newest_metadata(floe_fs_local(), self->folder, &memory, &path, &err);
        int64_t version = floe_failed(status) ? -1 : floe_catalog_metadata_version(floe_path_basename(path));
        if (version < self->last) {
            self->refused++;
            (void)snprintf(self->message, sizeof(self->message), "%" PRId64 " after %" PRId64 ": %s", version,
                           self->last, err.message);
        }
        self->last = version;
    }
    return NULL;
}

static void *commit_on(void *context) {
    reading *self = context;
    floe_error err = {0};
    floe_catalog *own = NULL;
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, FLOE_MIB(64));
    floe_status status = floe_catalog_open(&definition, NULL, &own, &err);
    const char *base = NULL;
    for (int64_t n = 1; !floe_failed(status) && n <= COMMITS; n++) {
        const char *path = NULL;
        floe_catalog_commit_request request = {.namespace_name = FLOE_STR("ns"),
                                               .table = FLOE_STR("t"),
                                               .base_metadata_path = base,
                                               .metadata_json = FLOE_STR("2")};
        status = floe_catalog_commit(own, &request, &memory, &path, &err);
        base = path;
        self->last = n;
        const char *old = floe_arena_printf(&memory, "%s/metadata/v%" PRId64 ".metadata.json", self->folder, n - 8);
        (void)remove(old); /* as an expiry does, so that the folder stays small */
        (void)sched_yield();
    }
    self->refused = floe_failed(status) ? 1 : 0;
    (void)snprintf(self->message, sizeof(self->message), "%s", err.message);
    atomic_store(self->is_over, true);
    floe_catalog_close(&own);
    return NULL;
}

static void commit__while_readers_open__no_reader_is_refused(void **state) {
    (void)state;
    atomic_bool is_over = false;
    const char *path = NULL;
    const char *folder = ice_path(warehouse, "ns/t");
    reading writer = {.folder = folder, .is_over = &is_over};
    reading readers[3];
    pthread_t threads[3], committer;
    assert_int_equal(pthread_create(&committer, NULL, commit_on, &writer), 0);
    floe_status status;
    do { /* until the first commit is there */
        floe_error err = {0};
        status = floe_catalog_newest_metadata(floe_fs_local(), folder, &arena, &path, &err);
    } while (status.code == FLOE_NOT_FOUND && !atomic_load(&is_over));
    for (size_t i = 0; i < 3; i++) {
        readers[i] = (reading){.folder = folder, .is_over = &is_over, .last = 0};
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(pthread_join(committer, NULL), 0);
    if (writer.refused) {
        fail_msg("the committer, after %lld commits: %s", (long long)writer.last, writer.message);
    }
    for (size_t i = 0; i < 3; i++) {
        if (readers[i].refused) {
            fail_msg("reader %zu was refused %d times: %s", i, readers[i].refused, readers[i].message);
        }
    }
    assert_int_equal(writer.last, COMMITS);
}

/* The same made certain: a commit comes between the listing and the hint. */
typedef struct late_fs {
    floe_fs base;
    floe_fs_ops ops;
    int lists;
    bool appears;
} late_fs;

static floe_status list_late(floe_fs *fs, const char *path, floe_arena *memory, const char *const **ret_names,
                             size_t *ret_count, floe_error *err) {
    late_fs *self = (late_fs *)(void *)fs;
    floe_status status = floe_fs_local()->ops->list(floe_fs_local(), path, memory, ret_names, ret_count, err);
    if (self->lists++ == 0 && self->appears) {
        put("t/metadata/v2.metadata.json");
        put_text("t/metadata/version-hint.text", "2");
    }
    return status;
}

static void newest__folder_that_changes_while_it_is_read__is_listed_once_more(void **state) {
    (void)state;
    late_fs late = {.ops = *floe_fs_local()->ops, .appears = true};
    late.ops.list = list_late;
    late.base.ops = &late.ops;
    const char *path = NULL;
    floe_error err = {0};
    put("t/metadata/v1.metadata.json");
    put_text("t/metadata/version-hint.text", "1");
    assert_ok(floe_catalog_newest_metadata(&late.base, ice_path(warehouse, "t"), &arena, &path, &err), &err);
    assert_string_equal(path, ice_path(warehouse, "t/metadata/v2.metadata.json"));
    assert_int_equal(late.lists, 2);
    late.lists = 0;
    late.appears = false;
    assert_ok(floe_catalog_newest_metadata(&late.base, ice_path(warehouse, "t"), &arena, &path, &err), &err);
    assert_int_equal(late.lists, 1);
    put_text("t/metadata/version-hint.text", "3"); /* not there the second time either */
    late.lists = 0;
    assert_code(floe_catalog_newest_metadata(&late.base, ice_path(warehouse, "t"), &arena, &path, &err), FLOE_CORRUPT);
    assert_int_equal(late.lists, 2);
}

static floe_status list_all(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA memory = {0};
    floe_arena_init(&memory, FLOE_MIB(16));
    const floe_catalog_entry *entries = NULL;
    size_t count = 0;
    floe_catalog *own = NULL;
    FLOE_TRY(floe_catalog_open(&definition, NULL, &own, err));
    floe_status status = floe_catalog_list(own, &memory, &entries, &count, err);
    floe_catalog_close(&own);
    return status;
}

static void memory__any_allocation_failing__is_reported(void **state) {
    (void)state;
    put("a/t/metadata/v1.metadata.json");
    put_text("a/t/metadata/version-hint.text", "1");
    assert_true(floe_test_alloc_sweep(list_all, NULL) > 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
int main(void) {
    const struct CMUnitTest tests[] = {
        T(versions__of_file_names__are_read),
        T(newest__without_a_hint__is_the_highest_number),
        T(newest__hint_behind__is_rolled_forward_over_gaps),
        T(newest__hint_ahead__is_corrupt_and_names_both),
        T(newest__two_of_one_version__are_refused_whatever_their_names),
        T(newest__two_of_one_version__the_one_that_proves_later_is_taken),
        T(newest__three_of_one_version__one_must_be_later_than_both),
        T(newest__two_of_an_older_version__do_not_matter),
        T(newest__counted_and_unique_names_of_one_version__the_hint_decides),
        T(newest__hint_by_name__is_followed),
        T(newest__hint_that_is_wrong__is_ignored),
        T(newest__gzip_under_both_names__is_found_by_the_hint),
        T(newest__nothing_there__says_what_was_looked_for),
        T(list__nested_namespaces__sorted_and_nothing_else),
        T(list__missing_warehouse__is_empty),
        T(locate__found_and_missing__is_precise),
        T(names__that_leave_the_warehouse__are_refused),
        T(open__other_type__is_unsupported_by_name),
        T(commit__create_then_follow__moves_the_newest),
        T(commit__from_a_stale_base__is_conflict_and_changes_nothing),
        T(commit__over_another_writers_names__counts_on),
        T(commit__base_without_a_version__is_refused),
        T(commit__base_that_is_gone__is_not_found),
        T(commit__hint_left_behind__is_rolled_forward),
        T(commit__full_disk_at_any_call__leaves_the_old_state),
        T(commit__eight_at_once__exactly_one_wins),
        T(commit__while_readers_open__no_reader_is_refused),
        T(newest__folder_that_changes_while_it_is_read__is_listed_once_more),
        T(commit__after_a_lost_version__is_corrupt),
        T(memory__any_allocation_failing__is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
