/*
 * Expiry of tables made by hand: which snapshots stay, which files go with the others, what a killed run leaves to the next,
 * and that nothing which a snapshot left needs is ever removed. Which snapshots stay follows from the spec ("Snapshot
 * Retention Policy"); times are pinned ten days after the files were made.
 * timeout: 600
 */
#include "tests/offline/maintain_support.h"

#include "core/json.h"
#include "core/time.h"
#include "offline/iceberg/metadata.h"
#include "offline/maintain/maintain_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static maintain_world world;

#define DAY_US INT64_C(86400000000)

/* Snapshots of the support are committed at 1000 s + id s after 1970, so that every age has passed. */
static int set_up(void **state) {
    (void)state;
    maintain_open(&world, 2, false);
    floe_now_pin(0);
    floe_now_pin(floe_now_us() + 10 * DAY_US);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_now_pin(0);
    maintain_close(&world);
    return 0;
}

#define TEXT(...) ice_text(&world.ice, __VA_ARGS__)

static floe_expire_request request_of(int64_t older_than_us) {
    return (floe_expire_request){.table = "lake.ns.t", .older_than_us = older_than_us, .orphan_age_us = 3 * DAY_US};
}

static floe_expire_result expire(floe_expire_request request) {
    floe_error err = {0};
    floe_expire_result result = {0};
    assert_ok(floe_table_expire(world.lake, &request, &world.run, &world.ice.arena, &result, &err), &err);
    return result;
}

static floe_status try_expire(floe_error *err) {
    floe_expire_result result = {0};
    floe_expire_request request = request_of(0);
    return floe_table_expire(world.lake, &request, &world.run, &world.ice.arena, &result, err);
}

/* Four appends, each in a snapshot of its own: 1, 2, 3, 4. */
static void four_snapshots(void) {
    for (int i = 1; i <= 4; i++) {
        maintain_append(&world, maintain_rows(&world, TEXT("data/%d.parquet", i), TEXT("(%d, 'x')", i), ""));
    }
}

/* A snapshot that replaces everything by one file: what came before is needed by nobody else. The support lists all
 * manifests in every snapshot, so floe writes it. */
static void replace_by_floe(void) {
    floe_error err = {0};
    floe_import_result imported;
    const char *file = ice_parquet(&world.ice, "../in.parquet", "SELECT 9::BIGINT AS k, 'n' AS s", "");
    floe_import_request request = {.files = &file, .file_count = 1, .table = "lake.ns.t", .mode = FLOE_IMPORT_REPLACE};
    assert_ok(floe_table_import(world.lake, &request, &world.run, &imported, &err), &err);
}

static bool is_there(const char *name) {
    return strstr(maintain_listing(&world), name) != NULL;
}

static const char *snapshots(void) {
    const floe_ice_metadata *metadata = maintain_metadata(&world);
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_KIB(4));
    for (size_t i = 0; i < metadata->snapshot_count; i++) {
        int64_t id = metadata->snapshots[i].snapshot_id;
        if (id <= 100) {
            floe_buf_printf(&out, "%lld ", (long long)id);
        } else {
            floe_buf_text(&out, "new ");
        }
    }
    return floe_arena_str(&world.ice.arena, floe_buf_view(&out)).ptr;
}

/* ---- which snapshots stay ---- */

static void snapshots__older_than_the_age__go_but_the_current_one(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    const char *rows = maintain_text(&world, NULL);
    floe_expire_result result = expire(request_of(DAY_US));
    assert_int_equal(result.snapshot_count, 3);
    assert_int_equal(result.snapshot_ids[0], 1);
    assert_int_equal(result.snapshot_ids[2], 3);
    assert_string_equal(snapshots(), "4 ");
    assert_string_equal(maintain_text(&world, NULL), rows);
    assert_int_equal(result.data_files, 0); /* the newest snapshot needs them all */
    assert_int_equal(result.manifest_lists, 3);
    assert_int_equal(result.manifests, 0);
    assert_false(is_there("snap-1.avro"));
    assert_true(is_there("snap-4.avro"));
    assert_true(is_there("data/1.parquet"));
}

static void snapshots__younger__stay(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    floe_expire_request request = request_of(floe_now_us() - INT64_C(1003000000)); /* exactly the second's time */
    assert_int_equal(expire(request).snapshot_count, 2);
    assert_string_equal(snapshots(), "3 4 ");
}

static void snapshots__keep_last__stay_whatever_their_age(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    floe_expire_request request = request_of(0);
    request.keep_last = 3;
    expire(request);
    assert_string_equal(snapshots(), "2 3 4 ");
}

static void refs__tags_and_branches__keep_theirs(void **state) {
    (void)state;
    four_snapshots();
    world.ice.table.refs =
        "{\"main\":{\"snapshot-id\":4,\"type\":\"branch\"},\"v1\":{\"snapshot-id\":1,\"type\":\"tag\"},"
        "\"side\":{\"snapshot-id\":3,\"type\":\"branch\",\"min-snapshots-to-keep\":2}}";
    maintain_write(&world);
    expire(request_of(0));
    assert_string_equal(snapshots(), "1 2 3 4 ");
}

/* The branch says how old its snapshots may become; that goes before what was asked for. */
static void refs__own_age__goes_before_the_request(void **state) {
    (void)state;
    four_snapshots();
    world.ice.table.refs = "{\"main\":{\"snapshot-id\":4,\"type\":\"branch\",\"max-snapshot-age-ms\":9000000000000}}";
    maintain_write(&world);
    assert_int_equal(expire(request_of(0)).snapshot_count, 0);
    assert_string_equal(snapshots(), "1 2 3 4 ");
}

static void refs__older_than_they_say__go(void **state) {
    (void)state;
    four_snapshots();
    world.ice.table.refs = "{\"main\":{\"snapshot-id\":4,\"type\":\"branch\",\"max-ref-age-ms\":1},"
                           "\"old\":{\"snapshot-id\":1,\"type\":\"tag\",\"max-ref-age-ms\":1000},"
                           "\"young\":{\"snapshot-id\":2,\"type\":\"tag\",\"max-ref-age-ms\":9000000000000}}";
    maintain_write(&world);
    floe_expire_result result = expire(request_of(0));
    assert_int_equal(result.ref_count, 1);
    assert_true(floe_str_is(result.refs[0], "old"));
    assert_string_equal(snapshots(), "2 4 ");
    assert_int_equal(maintain_metadata(&world)->ref_count, 2); /* main never goes */
}

static void pinned__by_a_dataset__stay_unless_forced(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    const floe_pinned_snapshot pins[] = {
        {2, FLOE_STR("train")}, {4, FLOE_STR("newest")}, {77, FLOE_STR("another table's")}, {2, FLOE_STR("again")}};
    floe_expire_request request = request_of(0);
    request.pinned = pins;
    request.pinned_count = 4;
    floe_expire_result result = expire(request);
    assert_int_equal(result.held_count, 2); /* both datasets of snapshot 2 are told */
    assert_true(floe_str_is(result.held[0].dataset, "train"));
    assert_string_equal(snapshots(), "2 4 ");
    request.force = true;
    result = expire(request);
    assert_int_equal(result.held_count, 2);
    assert_string_equal(snapshots(), "4 ");
}

static void log__begins_after_the_last_snapshot_that_went(void **state) {
    (void)state;
    four_snapshots();
    world.ice.table.refs =
        "{\"main\":{\"snapshot-id\":4,\"type\":\"branch\"},\"v1\":{\"snapshot-id\":1,\"type\":\"tag\"}}";
    maintain_write(&world);
    expire(request_of(0));
    const floe_ice_metadata *metadata = maintain_metadata(&world);
    assert_int_equal(metadata->log_count, 1); /* 1 was current once, but what came after it is not known any more */
    assert_int_equal(metadata->log[0].snapshot_id, 4);
}

/* ---- which files go ---- */

static void files__that_only_old_snapshots_need__go(void **state) {
    (void)state;
    four_snapshots();
    maintain_delete_key(&world, "data/d.parquet", 2, "");
    maintain_write(&world);
    replace_by_floe();
    assert_string_equal(maintain_text(&world, NULL), "9|n");
    floe_expire_request request = request_of(0);
    request.dry_run = true;
    size_t before = maintain_file_count(&world);
    floe_expire_result dry = expire(request);
    assert_int_equal(maintain_file_count(&world), before);
    assert_int_equal(maintain_metadata(&world)->snapshot_count, 6);
    floe_expire_result result = expire(request_of(0));
    assert_int_equal(result.data_files, 4);
    assert_int_equal(result.delete_files, 1);
    assert_int_equal(result.manifests, 5);
    assert_int_equal(result.manifest_lists, 5);
    assert_int_equal(result.bytes, dry.bytes);
    assert_int_equal(result.data_files, dry.data_files);
    assert_string_equal(maintain_text(&world, NULL), "9|n");
    assert_false(is_there("data/1.parquet"));
    assert_false(is_there("data/d.parquet"));
    assert_string_equal(snapshots(), "new ");
}

static void files__of_a_tagged_snapshot__stay(void **state) {
    (void)state;
    four_snapshots();
    world.ice.table.refs =
        "{\"main\":{\"snapshot-id\":4,\"type\":\"branch\"},\"v1\":{\"snapshot-id\":2,\"type\":\"tag\"}}";
    maintain_write(&world);
    replace_by_floe();
    expire(request_of(0));
    assert_string_equal(snapshots(), "2 new ");
    assert_true(is_there("data/1.parquet"));
    assert_true(is_there("data/2.parquet"));
    assert_false(is_there("data/3.parquet"));
}

static void statistics__of_snapshots_that_went__go(void **state) {
    (void)state;
    ice_write_file(maintain_path(&world, "metadata/1.stats"), FLOE_STR("x"));
    ice_write_file(maintain_path(&world, "metadata/4.stats"), FLOE_STR("y"));
    four_snapshots();
    maintain_write(&world);
    /* The support's document has no statistics; they are put in as another engine would. */
    FLOE_AUTO_BUF text = {0};
    floe_buf_init(&text, FLOE_MIB(1));
    floe_error err = {0};
    const char *path = maintain_path(&world, "metadata/v5.metadata.json");
    assert_ok(floe_file_read(path, &text, &err), &err);
    text.len--;
    floe_buf_printf(&text,
                    ",\"statistics\":[{\"snapshot-id\":1,\"statistics-path\":\"%s\"},"
                    "{\"snapshot-id\":4,\"statistics-path\":\"file://%s\"}]}",
                    maintain_path(&world, "metadata/1.stats"), maintain_path(&world, "metadata/4.stats"));
    assert_ok(floe_file_write(path, floe_buf_view(&text), false, &err), &err);
    assert_int_equal(expire(request_of(0)).statistics_files, 1);
    assert_false(is_there("1.stats"));
    assert_true(is_there("4.stats"));
    assert_int_equal(floe_node_get(maintain_metadata(&world)->root, "statistics")->count, 1);
}

/* A catalog service's table has gained statistics since expiry looked at it, of files that were to go as nobody's: of a snapshot that
 * is kept, and of one that the service has not let go yet. Those that it names stay; the other one still goes. */
static void statistics__attached_while_expiring__stay(void **state) {
    (void)state;
    static const char *const NAMES[] = {"old.stats", "p.stats", "nobody.stats"};
    floe_error err = {0};
    floe_ice_metadata newer;
    const char *paths[3];
    for (int i = 0; i < 3; i++) {
        paths[i] = maintain_path(&world, TEXT("metadata/%s", NAMES[i]));
        ice_write_file(paths[i], FLOE_STR("x"));
    }
    const char *document =
        TEXT("{\"format-version\":2,\"location\":\"/t\",\"schemas\":[{\"schema-id\":0,\"type\":\"struct\","
             "\"fields\":[]}],\"partition-specs\":[{\"spec-id\":0,\"fields\":[]}],\"statistics\":[{"
             "\"snapshot-id\":7,\"statistics-path\":\"file://%s\"},{\"snapshot-id\":8}],"
             "\"partition-statistics\":[{\"snapshot-id\":9,\"statistics-path\":\"%s\"}]}",
             paths[0], paths[1]);
    assert_ok(floe_metadata_decode(floe_str_of(document), &world.ice.arena, &newer, &err), &err);
    floe_import import = {.arena = &world.ice.arena, .fs = floe_fs_local()};
    expiry expiring = {.import = &import, .arena = &world.ice.arena};
    floe_map_init(&expiring.kept, &world.ice.arena);
    floe_map_init(&expiring.need.paths, &world.ice.arena);
    floe_map_init(&expiring.need.inodes, &world.ice.arena);
    floe_map_init(&expiring.need.manifests, &world.ice.arena);
    floe_map_init(&expiring.listed, &world.ice.arena);
    assert_ok(floe_expire_need_newer(&expiring, &newer, &err), &err);
    for (int i = 0; i < 3; i++) {
        floe_fs_file file = {0};
        assert_ok(floe_fs_local()->ops->stat(floe_fs_local(), paths[i], &file, &err), &err);
        assert_int_equal(floe_expire_is_needed(&expiring, &file), i < 2);
    }
}

/* ---- files that nothing names ---- */

static void orphans__old_ones_of_known_names__go(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    static const char *const GO[] = {"data/left.parquet",          "metadata/left-m0.avro", "data/p=1/left.parquet",
                                     "metadata/.floe-12-ab-0.tmp", "metadata/v9-x.puffin",  "metadata/.gone.avro.crc"};
    static const char *const STAY[] = {"data/README.txt", "metadata/notes.md", "data/.hidden.parquet",
                                       "metadata/.snap-4.avro.crc", "elsewhere/_SUCCESS"};
    floe_error err = {0};
    assert_ok(floe_file_mkdirs(maintain_path(&world, "data/p=1"), &err), &err);
    assert_ok(floe_file_mkdirs(maintain_path(&world, "elsewhere"), &err), &err);
    for (size_t i = 0; i < sizeof GO / sizeof *GO; i++) {
        ice_write_file(maintain_path(&world, GO[i]), FLOE_STR("x"));
    }
    for (size_t i = 0; i < sizeof STAY / sizeof *STAY; i++) {
        ice_write_file(maintain_path(&world, STAY[i]), FLOE_STR("x"));
    }
    floe_expire_result result = expire(request_of(0));
    assert_int_equal(result.orphans, 6);
    for (size_t i = 0; i < sizeof GO / sizeof *GO; i++) {
        assert_false(is_there(GO[i]));
    }
    for (size_t i = 0; i < sizeof STAY / sizeof *STAY; i++) {
        assert_true(is_there(STAY[i]));
    }
    assert_int_equal(maintain_metadata(&world)->snapshot_count, 1);
}

/* Somebody may be writing it now. */
static void orphans__young_ones__stay(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    ice_write_file(maintain_path(&world, "data/left.parquet"), FLOE_STR("x"));
    floe_expire_request request = request_of(0);
    request.orphan_age_us = 11 * DAY_US;
    assert_int_equal(expire(request).orphans, 0);
    assert_true(is_there("data/left.parquet"));
    request.orphan_age_us = 9 * DAY_US;
    assert_int_equal(expire(request).orphans, 1);
    assert_false(is_there("data/left.parquet"));
}

/* A table's path through a link is another text for the same files. */
static void orphans__other_spelling_of_the_folder__removes_nothing_needed(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    const char *link = TEXT("%s-link", world.warehouse);
    assert_int_equal(symlink(world.warehouse, link), 0);
    floe_error err = {0};
    floe_catalog_def definition = {
        .name = FLOE_STR("lake"), .type = FLOE_STR("directory"), .warehouse = floe_str_of(world.warehouse)};
    definition.moved_from = floe_str_of(world.warehouse);
    definition.moved_to = floe_str_of(link);
    floe_lake *lake = NULL;
    assert_ok(floe_lake_open(&definition, 1, NULL, &lake, &err), &err);
    floe_expire_request request = request_of(0);
    floe_expire_result result = {0};
    assert_ok(floe_table_expire(lake, &request, NULL, &world.ice.arena, &result, &err), &err);
    floe_lake_close(&lake);
    assert_int_equal(unlink(link), 0);
    assert_int_equal(result.orphans, 0);
    assert_int_equal(result.data_files, 0);
    assert_string_equal(maintain_text(&world, "k"), "1;2;3;4");
}

/* Part of the files under a link, the rest as they are: what is needed is known by what the file system says. */
static void orphans__files_named_through_a_link__stay(void **state) {
    (void)state;
    floe_error err = {0};
    assert_int_equal(symlink(maintain_path(&world, "data"), maintain_path(&world, "alias")), 0);
    ice_entry entry = maintain_rows(&world, "data/1.parquet", "(1, 'x')", "");
    entry.path = maintain_path(&world, "alias/1.parquet");
    maintain_append(&world, entry);
    maintain_write(&world);
    expire(request_of(0));
    assert_true(floe_file_exists(maintain_path(&world, "data/1.parquet")));
    assert_string_equal(maintain_text(&world, "k"), "1");
    assert_ok(floe_file_remove(maintain_path(&world, "alias"), &err), &err);
}

static void orphans__another_table_below__is_not_entered(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    floe_error err = {0};
    assert_ok(floe_file_mkdirs(maintain_path(&world, "inner/metadata"), &err), &err);
    assert_ok(floe_file_mkdirs(maintain_path(&world, "inner/data"), &err), &err);
    ice_write_file(maintain_path(&world, "inner/metadata/v1.metadata.json"), FLOE_STR("{}"));
    ice_write_file(maintain_path(&world, "inner/data/1.parquet"), FLOE_STR("x"));
    assert_int_equal(expire(request_of(0)).orphans, 0);
    assert_true(is_there("inner/data/1.parquet"));
    assert_true(is_there("inner/metadata/v1.metadata.json"));
}

/* Names like a catalog service gives them: what it wrote is its own, whether its log names it or not. */
static void metadata_files__of_another_catalog__stay(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    const char *mine = maintain_path(&world, "metadata/v5.metadata.json");
    assert_int_equal(rename(mine, maintain_path(&world, "metadata/00005-a.metadata.json")), 0);
    ice_write_file(maintain_path(&world, "metadata/00004-b.metadata.json"), FLOE_STR("{}"));
    ice_write_file(maintain_path(&world, "metadata/left-m0.avro"), FLOE_STR("x"));
    floe_expire_result result = expire(request_of(0));
    assert_int_equal(result.snapshot_count, 3);
    assert_int_equal(result.metadata_files, 0);
    assert_int_equal(result.orphans, 1); /* the manifest */
    assert_true(is_there("00004-b.metadata.json"));
    assert_true(is_there("00005-a.metadata.json"));
    assert_false(is_there("snap-1.avro"));
    assert_string_equal(maintain_text(&world, "k"), "1;2;3;4");
}

/* ---- refusals ---- */

static void property__gc_disabled__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    world.ice.table.properties = "{\"gc.enabled\":\"false\"}";
    four_snapshots();
    maintain_write(&world);
    size_t before = maintain_file_count(&world);
    assert_int_equal(try_expire(&err).code, FLOE_UNSUPPORTED);
    assert_non_null(strstr(err.message, "gc.enabled"));
    assert_int_equal(maintain_file_count(&world), before);
}

/* What a snapshot that stays needs must be known whole, or nothing is removed. */
static void manifest__needed_and_gone__removes_nothing(void **state) {
    (void)state;
    floe_error err = {0};
    four_snapshots();
    maintain_write(&world);
    assert_ok(floe_file_remove(maintain_path(&world, "metadata/m3.avro"), &err), &err);
    size_t before = maintain_file_count(&world);
    assert_int_equal(try_expire(&err).code, FLOE_NOT_FOUND);
    assert_non_null(strstr(err.message, "m3.avro"));
    assert_int_equal(maintain_file_count(&world), before);
    assert_string_equal(snapshots(), "1 2 3 4 ");
}

static void request__negative_age__is_refused(void **state) {
    (void)state;
    floe_error err = {0};
    floe_expire_result result = {0};
    floe_expire_request request = request_of(-1);
    floe_status status = floe_table_expire(world.lake, &request, NULL, &world.ice.arena, &result, &err);
    assert_int_equal(status.code, FLOE_INVALID);
}

/* ---- runs that do not get through ---- */

static void stop_removing(void *context, const char *step, double fraction) {
    int *left = context;
    (void)fraction;
    if (strcmp(step, "removing") == 0 && (*left)-- == 0) {
        atomic_store(&world.cancelled, true);
    }
}

/* After the commit the metadata does not name the snapshots any more: the next run must know what they left. */
static void stopped__while_removing__is_finished_by_the_next_run(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    replace_by_floe();
    for (int after = 0; after < 14; after++) {
        int left = 0;
        floe_error err = {0};
        world.run.progress = stop_removing;
        world.run.progress_context = &left;
        floe_status status = try_expire(&err);
        atomic_store(&world.cancelled, false);
        assert_string_equal(maintain_text(&world, NULL), "9|n");
        if (!floe_failed(status)) {
            break;
        }
        assert_int_equal(status.code, FLOE_CANCELLED);
    }
    world.run.progress = NULL;
    expire(request_of(0));
    assert_string_equal(maintain_text(&world, NULL), "9|n");
    const char *listing = maintain_listing(&world);
    static const char *const GONE[] = {"data/1.parquet",   "data/4.parquet",       "metadata/m1.avro",
                                       "metadata/m4.avro", "metadata/snap-1.avro", "metadata/snap-4.avro"};
    for (size_t i = 0; i < sizeof GONE / sizeof *GONE; i++) {
        assert_null(strstr(listing, GONE[i]));
    }
    expire(request_of(0));
    assert_string_equal(maintain_listing(&world), listing);
}

/* Whatever call to the operating system fails, the table is read as before and the next run comes to the same end. */
static void failure__nth_call__loses_nothing(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    replace_by_floe();
    int refused = 0;
    for (uint64_t nth = 1; nth < 400; nth++) {
        floe_error err = {0};
        floe_file_fail_at(nth, EIO);
        floe_status status = try_expire(&err);
        bool reached = floe_file_fail_count() >= nth;
        floe_file_fail_off();
        refused += floe_failed(status);
        assert_string_equal(maintain_text(&world, NULL), "9|n");
        if (!floe_failed(status) && !reached) {
            break;
        }
    }
    assert_true(refused > 3);
    expire(request_of(0));
    assert_false(is_there("data/1.parquet"));
    assert_false(is_there("snap-1.avro"));
}

static void append_meanwhile(void *context, const char *step, double fraction) {
    bool *done = context;
    (void)fraction;
    if (*done || strcmp(step, "committing") != 0) {
        return;
    }
    *done = true;
    floe_error err = {0};
    floe_lake *lake = NULL;
    floe_import_result imported;
    const char *file = ice_parquet(&world.ice, "../in.parquet", "SELECT 7::BIGINT AS k, 'n' AS s", "");
    floe_import_request request = {.files = &file, .file_count = 1, .table = "lake.ns.t", .mode = FLOE_IMPORT_APPEND};
    assert_ok(floe_lake_open(&world.definition, 1, NULL, &lake, &err), &err);
    assert_ok(floe_table_import(lake, &request, NULL, &imported, &err), &err);
    floe_lake_close(&lake);
}

static void concurrent__append__is_kept(void **state) {
    (void)state;
    bool done = false;
    four_snapshots();
    maintain_write(&world);
    world.run.progress = append_meanwhile;
    world.run.progress_context = &done;
    expire(request_of(0));
    assert_true(done);
    assert_string_equal(maintain_text(&world, "k"), "1;2;3;4;7");
    assert_string_equal(snapshots(), "new "); /* started anew on the append's state */
}

/* Expiry after expiry comes to an end: no commit is made only because the last one was. */
static void again__nothing_to_do__commits_nothing(void **state) {
    (void)state;
    four_snapshots();
    maintain_write(&world);
    replace_by_floe();
    expire(request_of(0));
    expire(request_of(0));
    const char *listing = maintain_listing(&world);
    floe_expire_result result = expire(request_of(0));
    assert_string_equal(result.metadata_path, "");
    assert_string_equal(maintain_listing(&world), listing);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(snapshots__older_than_the_age__go_but_the_current_one, set_up, tear_down),
        cmocka_unit_test_setup_teardown(snapshots__younger__stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(snapshots__keep_last__stay_whatever_their_age, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refs__tags_and_branches__keep_theirs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refs__own_age__goes_before_the_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refs__older_than_they_say__go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pinned__by_a_dataset__stay_unless_forced, set_up, tear_down),
        cmocka_unit_test_setup_teardown(log__begins_after_the_last_snapshot_that_went, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files__that_only_old_snapshots_need__go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(files__of_a_tagged_snapshot__stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(statistics__of_snapshots_that_went__go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(statistics__attached_while_expiring__stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(orphans__old_ones_of_known_names__go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(orphans__young_ones__stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(orphans__other_spelling_of_the_folder__removes_nothing_needed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(orphans__files_named_through_a_link__stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(orphans__another_table_below__is_not_entered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metadata_files__of_another_catalog__stay, set_up, tear_down),
        cmocka_unit_test_setup_teardown(property__gc_disabled__is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(manifest__needed_and_gone__removes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(request__negative_age__is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stopped__while_removing__is_finished_by_the_next_run, set_up, tear_down),
        cmocka_unit_test_setup_teardown(failure__nth_call__loses_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(concurrent__append__is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(again__nothing_to_do__commits_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
