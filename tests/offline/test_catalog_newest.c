/*
 * Which metadata file of a directory table is the newest, and when that cannot be told.
 */
#include "tests/offline/catalog_support.h"

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
static void put_logged(const char *name, const char *uuid, int snapshots, int64_t updated_ms, const char *log,
                       int64_t log_ms) {
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
        floe_buf_printf(&text, ",\"metadata-log\":[{\"timestamp-ms\":%lld,\"metadata-file\":\"/t/metadata/%s\"}]",
                        (long long)log_ms, log);
    }
    floe_buf_text(&text, "}");
    ice_write_file(ice_path(warehouse, name), floe_buf_view(&text));
}

static void put_state(const char *name, const char *uuid, int snapshots, int64_t updated_ms, const char *log) {
    put_logged(name, uuid, snapshots, updated_ms, log, 1);
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

/* Files of another catalog, with higher numbers of their own: those of before the hint's are not the table any more. */
static void newest__hint_that_counts__is_followed_past_unique_names_of_higher_numbers(void **state) {
    (void)state;
    put_state("t/metadata/00005-old.metadata.json", UUID, 2, 2000, "00004-old.metadata.json");
    put_state("t/metadata/v4.metadata.json", UUID, 3, 3000, "v3.metadata.json");
    put_text("t/metadata/version-hint.text", "4");
    expect_newest("t", "t/metadata/v4.metadata.json");
    put_text("t/metadata/version-hint.text", "v4");
    expect_newest("t", "t/metadata/v4.metadata.json");
    put_text("t/metadata/version-hint.text", "3"); /* its writer was killed before the hint */
    expect_newest("t", "t/metadata/v4.metadata.json");
    put_state("t/metadata/00005-old.metadata.json", UUID, 2, 2000, NULL);
    expect_newest("t", "t/metadata/v4.metadata.json");
    put("t/metadata/00005-old.metadata.json"); /* it cannot be read, and need not be */
    expect_newest("t", "t/metadata/v4.metadata.json");
}

static void newest__unique_name_that_proves_later_than_the_hint__is_taken(void **state) {
    (void)state;
    put_state("t/metadata/v4.metadata.json", UUID, 3, 3000, "v3.metadata.json");
    put_state("t/metadata/00005-new.metadata.json", UUID, 4, 4000, "v4.metadata.json");
    put_state("t/metadata/00005-other.metadata.json", "99999999-2222-3333-4444-555555555555", 9, 9000,
              "v4.metadata.json");
    put_text("t/metadata/version-hint.text", "4");
    expect_newest("t", "t/metadata/00005-new.metadata.json");
    put_state("t/metadata/v4.metadata.json", UUID, 3, 3000, NULL);
    put_state("t/metadata/00005-new.metadata.json", UUID, 4, 4000, NULL); /* by its snapshots alone */
    expect_newest("t", "t/metadata/00005-new.metadata.json");
    put_text("t/metadata/version-hint.text", "2"); /* behind, and v2 is gone */
    expect_newest("t", "t/metadata/00005-new.metadata.json");
}

/* A catalog that took a table over and has committed to it for longer than its log remembers. */
static void newest__unique_name_whose_log_begins_after_the_hint__is_taken(void **state) {
    (void)state;
    put_state("t/metadata/v4.metadata.json", UUID, 3, 3000, "v3.metadata.json");
    put_logged("t/metadata/00300-new.metadata.json", UUID, 9, 9000, "00299-new.metadata.json", 3001);
    put_text("t/metadata/version-hint.text", "4");
    expect_newest("t", "t/metadata/00300-new.metadata.json");
    put_logged("t/metadata/00300-new.metadata.json", UUID, 9, 9000, "00299-new.metadata.json", 3000);
    expect_newest("t", "t/metadata/v4.metadata.json"); /* it reaches back, and does not name v4 */
    put_logged("t/metadata/00300-new.metadata.json", UUID, 2, 9000, "00299-new.metadata.json", 3001);
    expect_newest("t", "t/metadata/v4.metadata.json"); /* fewer commits than v4 has seen */
}

/* Two commits that raced, both later than what the hint counts: which comes first in the folder says nothing. */
static void newest__two_that_prove_later_than_the_hint__are_refused_unless_one_is_later_still(void **state) {
    (void)state;
    put_state("t/metadata/v2.metadata.json", UUID, 2, 2000, "v1.metadata.json");
    put_state("t/metadata/00003-aaaa.metadata.json", UUID, 3, 3000, "v2.metadata.json");
    put_state("t/metadata/00003-bbbb.metadata.json", UUID, 3, 3001, "v2.metadata.json");
    put_text("t/metadata/version-hint.text", "2");
    expect_corrupt("t",
                   (const char *[]){"00003-aaaa.metadata.json", "00003-bbbb.metadata.json", "of one version", NULL});
    put_state("t/metadata/00003-aaaa.metadata.json", UUID, 3, 3000, NULL); /* by its snapshots alone */
    put_state("t/metadata/00003-bbbb.metadata.json", UUID, 4, 4000, NULL);
    expect_newest("t", "t/metadata/00003-bbbb.metadata.json");
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

/* ---- commit ---- */

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
        T(newest__hint_that_counts__is_followed_past_unique_names_of_higher_numbers),
        T(newest__unique_name_that_proves_later_than_the_hint__is_taken),
        T(newest__unique_name_whose_log_begins_after_the_hint__is_taken),
        T(newest__two_that_prove_later_than_the_hint__are_refused_unless_one_is_later_still),
        T(newest__hint_by_name__is_followed),
        T(newest__hint_that_is_wrong__is_ignored),
        T(newest__gzip_under_both_names__is_found_by_the_hint),
        T(newest__nothing_there__says_what_was_looked_for),
        T(newest__folder_that_changes_while_it_is_read__is_listed_once_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
