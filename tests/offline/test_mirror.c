/*
 * Objects' names as local paths, and the bound of the folder of copies. What goes over the wire is held by the scripts that run
 * a store (tests/cli/test_object_store.py).
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"
#include "offline/io/mirror_int.h"
#include "tests/support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>

static floe_mirror *open_mirror(const char *folder, uint64_t folder_max, const char *endpoint) {
    floe_mirror_options options = {
        .s3 = {.endpoint = floe_str_of(endpoint), .path_style = true}, .folder = folder, .folder_max = folder_max};
    floe_mirror *mirror = NULL;
    floe_error err = {0};
    assert_ok(floe_mirror_open(&options, &mirror, &err), &err);
    return mirror;
}

static const char *path_of(const floe_mirror *mirror, const char *uri, floe_arena *arena) {
    const char *path = NULL;
    assert_true(floe_mirror_path(mirror, floe_str_of(uri), arena, &path));
    assert_non_null(path);
    return path;
}

static void path__plain_names__read_like_the_object(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    char want[4096];
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    (void)snprintf(want, sizeof(want), "%s/bucket/a/b-c_d=1/00000-x.parquet", mirror->folder);
    assert_string_equal(path_of(mirror, "s3://bucket/a/b-c_d=1/00000-x.parquet", &arena), want);
    assert_string_equal(path_of(mirror, "s3a://bucket/a/b-c_d=1/00000-x.parquet", &arena), want);
    assert_string_equal(path_of(mirror, "gs://bucket/a/b-c_d=1/00000-x.parquet", &arena), want);
    floe_mirror_close(&mirror);
}

/* Keys that are others each time open the same objects: their copies stay where they are. */
static void rekey__other_keys__keep_every_path(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    const char *folder = floe_test_temp_dir();
    floe_mirror_options options = {.s3 = {.endpoint = FLOE_STR("http://127.0.0.1:1"), .access_key = FLOE_STR("a")},
                                   .folder = folder,
                                   .realm = FLOE_STR("catalog")};
    floe_mirror *mirror = NULL;
    floe_mirror *again = NULL;
    floe_mirror *other = NULL;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    assert_ok(floe_mirror_open(&options, &mirror, &err), &err);
    const char *before = path_of(mirror, "s3://b/x", &arena);
    for (int i = 0; i < 2000; i++) { /* what a mirror keeps of them does not grow */
        char key[64];
        (void)snprintf(key, sizeof(key), "key-%d", i);
        floe_s3_options keys = {
            .access_key = floe_str_of(key), .secret_key = FLOE_STR("s"), .session_token = FLOE_STR("t")};
        assert_ok(floe_mirror_rekey(mirror, &keys, &err), &err);
        FLOE_AUTO_ARENA one = {0};
        floe_s3_keys now = {0};
        floe_arena_init(&one, FLOE_KIB(64));
        assert_ok(floe_mirror_keys(mirror, 0, &one, &now, &err), &err);
        assert_true(floe_str_is(now.access_key, key) && floe_str_is(now.session_token, "t"));
        assert_int_equal(now.number, i + 2); /* each has a number of its own */
        assert_true(floe_str_is(floe_mirror_store(mirror)->endpoint, "http://127.0.0.1:1"));
    }
    assert_string_equal(path_of(mirror, "s3://b/x", &arena), before);
    options.s3.access_key = FLOE_STR("z");
    assert_ok(floe_mirror_open(&options, &again, &err), &err);
    assert_string_equal(path_of(again, "s3://b/x", &arena), before);
    options.realm = FLOE_STR("another catalog");
    assert_ok(floe_mirror_open(&options, &other, &err), &err);
    assert_string_not_equal(path_of(other, "s3://b/x", &arena), before);
    floe_mirror_close(&mirror);
    floe_mirror_close(&again);
    floe_mirror_close(&other);
}

/* Who has the next keys, for tests: gives "next-N", or what `says`. */
typedef struct giver {
    floe_mirror *mirror;
    const char *says; /* the key it gives; NULL: another each time */
    int64_t until_us; /* of what it gives */
    int asked;
    bool away;
} giver;

static floe_status give(void *context, floe_error *err) {
    giver *from = context;
    char key[32];
    from->asked++;
    FLOE_ENSURE(!from->away, err, FLOE_UNAVAILABLE, "nobody is there");
    (void)snprintf(key, sizeof(key), "next-%d", from->asked);
    floe_s3_options keys = {.access_key = floe_str_of(from->says ? from->says : key), .keys_until_us = from->until_us};
    return floe_mirror_rekey(from->mirror, &keys, err);
}

static floe_mirror *open_given(giver *from, int64_t until_us) {
    floe_mirror_options options = {
        .s3 = {.endpoint = FLOE_STR("http://127.0.0.1:1"), .access_key = FLOE_STR("first"), .keys_until_us = until_us},
        .renewal = {give, from},
        .folder = floe_test_temp_dir()};
    floe_error err = {0};
    assert_ok(floe_mirror_open(&options, &from->mirror, &err), &err);
    return from->mirror;
}

static uint64_t expect_key(const floe_mirror *mirror, uint64_t refused, const char *want) {
    FLOE_AUTO_ARENA arena = {0};
    floe_s3_keys keys = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_KIB(64));
    assert_ok(floe_mirror_keys(mirror, refused, &arena, &keys, &err), &err);
    assert_true(floe_str_is(keys.access_key, want));
    return keys.number;
}

static void keys__that_were_refused__are_followed_by_others_once(void **state) {
    (void)state;
    giver from = {0};
    floe_mirror *mirror = open_given(&from, 0);
    assert_true(floe_mirror_is_renewed(mirror));
    uint64_t first = expect_key(mirror, 0, "first");
    uint64_t second = expect_key(mirror, first, "next-1");
    assert_int_not_equal(first, second);
    assert_int_equal(expect_key(mirror, first, "next-1"), second); /* who comes late takes what came */
    assert_int_equal(from.asked, 1);
    (void)expect_key(mirror, second, "next-2");
    assert_int_equal(from.asked, 2);
    floe_mirror_close(&mirror);
}

static void keys__the_same_again__keep_their_number(void **state) {
    (void)state;
    giver from = {.says = "first"};
    floe_mirror *mirror = open_given(&from, 0);
    uint64_t number = expect_key(mirror, 0, "first");
    assert_int_equal(expect_key(mirror, number, "first"), number);
    assert_int_equal(from.asked, 1);
    floe_mirror_close(&mirror);
}

static void keys__about_to_run_out__are_followed_before(void **state) {
    (void)state;
    static const struct {
        int64_t left_s;
        bool asks;
    } CASES[] = {{-3600, true}, {0, true}, {60, true}, {240, true}, {600, false}, {86400, false}};
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        giver from = {.until_us = floe_now_us() + 30 * FLOE_US_PER_SECOND}; /* what comes ends soon too: no circles */
        floe_mirror *mirror = open_given(&from, floe_now_us() + CASES[i].left_s * FLOE_US_PER_SECOND);
        for (int k = 0; k < 5; k++) {
            (void)expect_key(mirror, 0, CASES[i].asks ? "next-1" : "first");
        }
        assert_int_equal(from.asked, CASES[i].asks ? 1 : 0);
        floe_mirror_close(&mirror);
    }
}

static void keys__whose_giver_is_away__hold_until_they_are_refused(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    giver from = {.away = true};
    floe_mirror *mirror = open_given(&from, floe_now_us() + FLOE_US_PER_SECOND);
    floe_s3_keys keys = {.number = 99};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_KIB(64));
    uint64_t number = expect_key(mirror, 0, "first");
    floe_status status = floe_mirror_keys(mirror, number, &arena, &keys, &err);
    assert_int_equal(status.code, FLOE_UNAVAILABLE);
    assert_non_null(strstr(err.message, "nobody is there"));
    assert_int_equal(keys.number, 99); /* untouched */
    floe_mirror_close(&mirror);
}

static void keys__that_nobody_follows__stay(void **state) {
    (void)state;
    floe_mirror_options options = {
        .s3 = {.endpoint = FLOE_STR("http://127.0.0.1:1"), .access_key = FLOE_STR("only"), .keys_until_us = 1},
        .folder = floe_test_temp_dir()};
    floe_mirror *mirror = NULL;
    floe_error err = {0};
    assert_ok(floe_mirror_open(&options, &mirror, &err), &err);
    assert_false(floe_mirror_is_renewed(mirror));
    uint64_t number = expect_key(mirror, 0, "only");
    assert_int_equal(expect_key(mirror, number, "only"), number);
    floe_mirror_close(&mirror);
}

static void path__what_a_file_system_would_misread__is_encoded(void **state) {
    (void)state;
    static const struct {
        const char *uri, *path;
    } CASES[] = {
        {"s3://b/..", "/b/%2E%2E"},
        {"s3://b/../../x", "/b/%2E%2E/%2E%2E/x"},
        {"s3://b/.", "/b/%2E"},
        {"s3://b/...", "/b/..."},
        {"s3://b//x", "/b/%/x"},
        {"s3://b/x//y", "/b/x/%/y"},
        {"s3://b/a%2Fb", "/b/a%252Fb"},
        {"s3://b/*?[x]{y}", "/b/%2A%3F%5Bx%5D%7By%7D"},
        {"s3://b/a b'c\"", "/b/a%20b%27c%22"},
        {"s3://b/x+", "/b/x%2B"},
        {"s3://b/\n", "/b/%0A"},
        {"s3://b", "/b"},
        {"s3://b/", "/b"},
        {"s3://b/x/", "/b/x"},
    };
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_string_equal(path_of(mirror, CASES[i].uri, &arena) + strlen(mirror->folder), CASES[i].path);
    }
    floe_mirror_close(&mirror);
}

static void path__other_schemes__are_not_the_mirrors(void **state) {
    (void)state;
    static const char *const OTHERS[] = {"/x/y",    "x",     "",        "file:///x", "abfss://c@a/x",
                                         "s3:/b/x", "s3://", "s3:///x", "S3://b/x",  "http://b/x"};
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        const char *path = NULL;
        assert_false(floe_mirror_path(mirror, floe_str_of(OTHERS[i]), &arena, &path));
        assert_false(floe_path_is_object(floe_str_of(OTHERS[i])));
    }
    floe_mirror_close(&mirror);
}

/* Every name comes back, and no component is longer than a file system takes. */
static void check_round_trip(const floe_mirror *mirror, floe_str key) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_BUF uri = {0};
    floe_s3_object object = {0};
    floe_error err = {0};
    const char *path = NULL;
    floe_arena_init(&arena, FLOE_MIB(4));
    floe_buf_init(&uri, FLOE_MIB(1));
    floe_buf_text(&uri, "s3://some-bucket/");
    floe_buf_str(&uri, key);
    assert_true(floe_mirror_path(mirror, floe_buf_view(&uri), &arena, &path));
    assert_ok(floe_mirror_object(mirror, path, &arena, &object, &err), &err);
    assert_string_equal(object.bucket, "some-bucket");
    if (!floe_str_equal(object.key, key)) {
        fail_msg("%.*s came back as %.*s by %s", FLOE_STR_ARG(key), FLOE_STR_ARG(object.key), path);
    }
    floe_str rest = floe_str_of(path + strlen(mirror->folder) + 1);
    floe_str part = {0};
    while (floe_str_split(&rest, '/', &part)) {
        assert_true(part.len > 0 && part.len <= 255);
        assert_false(floe_str_is(part, ".") || floe_str_is(part, ".."));
    }
}

static void path__random_keys__come_back(void **state) {
    (void)state;
    static const char LETTERS[] = "abc./%+* \xc3\xbc=\n'-_0";
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    floe_mirror *mirror = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    for (int round = 0; round < 2000; round++) {
        char key[1100];
        size_t len = 1 + (size_t)floe_test_below(&rng, round % 10 == 0 ? 1000 : 30);
        for (size_t i = 0; i < len; i++) {
            key[i] = LETTERS[floe_test_below(&rng, round % 3 == 0 ? 3 : sizeof(LETTERS) - 1)];
        }
        if (key[len - 1] == '/') { /* stands for the folder */
            key[len - 1] = 'z';
        }
        check_round_trip(mirror, (floe_str){key, len});
    }
    floe_mirror_close(&mirror);
}

/* Without an endpoint the store is Amazon's, where somebody else may hold a bucket of that name. */
static void path__of_google__needs_an_endpoint(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    const char *path = NULL;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror = open_mirror(floe_test_temp_dir(), 0, "");
    assert_false(floe_mirror_path(mirror, FLOE_STR("gs://b/x"), &arena, &path));
    assert_true(floe_mirror_path(mirror, FLOE_STR("s3://b/x"), &arena, &path));
    floe_mirror_close(&mirror);
}

static void path__stores_of_other_places__share_nothing(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *one = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    floe_mirror *other = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:2");
    assert_string_not_equal(path_of(one, "s3://b/x", &arena), path_of(other, "s3://b/x", &arena));
    floe_mirror_close(&one);
    floe_mirror_close(&other);
}

static void object__of_a_path_elsewhere__is_refused(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_s3_object object = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    assert_code(floe_mirror_object(mirror, "/etc/passwd", &arena, &object, &err), FLOE_INTERNAL);
    assert_false(floe_path_is_copy(mirror, "/etc/passwd"));
    floe_mirror_close(&mirror);
}

static const char *url_of(const floe_mirror *mirror, const char *uri, floe_arena *arena) {
    floe_str bucket = {0};
    const char *url = floe_mirror_url(mirror, path_of(mirror, uri, arena), arena, &bucket);
    assert_true(url == NULL || floe_str_is(bucket, "b"));
    return url;
}

/* The engine takes the others for patterns, queries or encodings. */
static void url__plain_names_alone__are_for_others_to_read(void **state) {
    (void)state;
    static const char *const OTHERS[] = {"s3://b/a b",  "s3://b/a%20b", "s3://b/a+b",      "s3://b/a?b", "s3://b/a*b",
                                         "s3://b/[a]b", "s3://b/a//b",  "s3://b/\xc3\xbc", "s3://b/a#b", "s3://b/"};
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    assert_string_equal(url_of(mirror, "s3://b/A/b-c_d=1/0.parquet", &arena), "s3://b/A/b-c_d=1/0.parquet");
    assert_string_equal(url_of(mirror, "s3a://b/x", &arena), "s3://b/x");
    for (size_t i = 0; i < sizeof(OTHERS) / sizeof(OTHERS[0]); i++) {
        assert_null(url_of(mirror, OTHERS[i], &arena));
    }
    floe_str bucket = {0};
    assert_null(floe_mirror_url(mirror, "/etc/passwd", &arena, &bucket));
    floe_mirror_close(&mirror);
}

static void fs__local_paths__are_the_local_file_systems(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_str bytes = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    floe_fs *fs = floe_mirror_fs(mirror);
    const char *path = floe_arena_printf(&arena, "%s/own/file", floe_test_temp_dir());
    assert_ok(fs->ops->write(fs, path, FLOE_STR("x"), true, &err), &err);
    assert_true(fs->ops->exists(fs, path));
    assert_ok(floe_fs_read_arena(fs, path, 10, &arena, &bytes, &err), &err);
    assert_true(floe_str_is(bytes, "x"));
    assert_ok(fs->ops->fetch(fs, &path, 1, &err), &err);
    assert_ok(fs->ops->publish(fs, &path, 1, &err), &err);
    assert_ok(fs->ops->remove(fs, path, &err), &err);
    assert_false(fs->ops->exists(fs, path));
    floe_mirror_close(&mirror);
}

/* ---- the bound ---- */

static void make_copy(const floe_mirror *mirror, const char *name, size_t len, int64_t age_s) {
    FLOE_AUTO_ARENA arena = {0};
    FLOE_AUTO_BUF bytes = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_buf_init(&bytes, len);
    memset(floe_buf_reserve(&bytes, len), 'x', len);
    floe_buf_advance(&bytes, len);
    const char *path = floe_arena_printf(&arena, "%s/b/%s", mirror->folder, name);
    const char *folder = floe_path_dirname(&arena, path);
    assert_ok(floe_file_mkdirs(folder, &err), &err);
    assert_ok(floe_file_write(path, floe_buf_view(&bytes), false, &err), &err);
    struct timeval times[2] = {{.tv_sec = time(NULL) - age_s}, {.tv_sec = time(NULL) - age_s}};
    assert_int_equal(utimes(path, times), 0);
}

static bool has_copy(const floe_mirror *mirror, const char *name) {
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    return floe_file_exists(floe_arena_printf(&arena, "%s/b/%s", mirror->folder, name));
}

static void url__of_what_has_a_copy__is_none(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror =
        open_mirror(floe_arena_printf(&arena, "%s/url", floe_test_temp_dir()), 0, "http://127.0.0.1:1");
    assert_non_null(url_of(mirror, "s3://b/has", &arena));
    make_copy(mirror, "has", 10, 1);
    assert_null(url_of(mirror, "s3://b/has", &arena));
    floe_mirror_close(&mirror);
}

static void trim__beyond_the_bound__takes_what_was_used_least_lately(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror =
        open_mirror(floe_arena_printf(&arena, "%s/bound", floe_test_temp_dir()), 2500, "http://127.0.0.1:1");
    make_copy(mirror, "oldest", 1000, 9000);
    make_copy(mirror, "deep/older", 1000, 8000);
    make_copy(mirror, "old", 1000, 7000);
    make_copy(mirror, "new", 1000, 6000);
    floe_mirror_trim(mirror);
    assert_false(has_copy(mirror, "oldest"));
    assert_false(has_copy(mirror, "deep/older"));
    assert_true(has_copy(mirror, "old"));
    assert_true(has_copy(mirror, "new"));
    floe_mirror_close(&mirror);
}

static void trim__what_may_be_in_use__stays(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_mirror *mirror =
        open_mirror(floe_arena_printf(&arena, "%s/use", floe_test_temp_dir()), 10, "http://127.0.0.1:1");
    make_copy(mirror, "a", 1000, 1);
    make_copy(mirror, "b", 1000, 2);
    make_copy(mirror, "idle", 1000, 5000);
    floe_mirror_trim(mirror);
    assert_true(has_copy(mirror, "a"));
    assert_true(has_copy(mirror, "b"));
    assert_false(has_copy(mirror, "idle"));
    floe_mirror_close(&mirror);
}

static void open__the_environment__says_how_much(void **state) {
    (void)state;
    static const char *const WRONG[] = {"0", "-5", "10GB", "many", " ", "9223372036854775808"};
    assert_int_equal(setenv("FLOE_OBJECT_CACHE_BYTES", "123456", 1), 0);
    floe_mirror *mirror = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    assert_int_equal(mirror->folder_max, 123456);
    floe_mirror_close(&mirror);
    mirror = open_mirror(floe_test_temp_dir(), 77, "http://127.0.0.1:1");
    assert_int_equal(mirror->folder_max, 77);
    floe_mirror_close(&mirror);
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        floe_mirror_options options = {.s3 = {.endpoint = FLOE_STR("http://127.0.0.1:1")},
                                       .folder = floe_test_temp_dir()};
        floe_error err = {0};
        assert_int_equal(setenv("FLOE_OBJECT_CACHE_BYTES", WRONG[i], 1), 0);
        assert_code(floe_mirror_open(&options, &mirror, &err), FLOE_INVALID);
        assert_message(&err, "FLOE_OBJECT_CACHE_BYTES");
    }
    assert_int_equal(unsetenv("FLOE_OBJECT_CACHE_BYTES"), 0);
    mirror = open_mirror(floe_test_temp_dir(), 0, "http://127.0.0.1:1");
    assert_int_equal(mirror->folder_max, FLOE_GIB(20));
    floe_mirror_close(&mirror);
}

static void open__what_is_no_address__is_refused(void **state) {
    (void)state;
    static const char *const WRONG[] = {"127.0.0.1:9000", "ftp://x", "http://", "https:///x"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        floe_mirror_options options = {.s3 = {.endpoint = floe_str_of(WRONG[i])}, .folder = floe_test_temp_dir()};
        floe_mirror *mirror = NULL;
        floe_error err = {0};
        assert_code(floe_mirror_open(&options, &mirror, &err), FLOE_INVALID);
        assert_message(&err, "endpoint");
        assert_null(mirror);
    }
}

static floe_status open_again(void *context, floe_error *err) {
    floe_mirror_options options = {.s3 = {.endpoint = FLOE_STR("http://127.0.0.1:1")}, .folder = context};
    floe_mirror *mirror = NULL;
    FLOE_TRY(floe_mirror_open(&options, &mirror, err));
    floe_mirror_close(&mirror);
    return FLOE_OK;
}

static void open__without_memory__fails_and_leaves_nothing(void **state) {
    (void)state;
    char folder[] = "/tmp";
    assert_true(floe_test_alloc_sweep(open_again, folder) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path__plain_names__read_like_the_object),
        cmocka_unit_test(rekey__other_keys__keep_every_path),
        cmocka_unit_test(keys__that_were_refused__are_followed_by_others_once),
        cmocka_unit_test(keys__the_same_again__keep_their_number),
        cmocka_unit_test(keys__about_to_run_out__are_followed_before),
        cmocka_unit_test(keys__whose_giver_is_away__hold_until_they_are_refused),
        cmocka_unit_test(keys__that_nobody_follows__stay),
        cmocka_unit_test(path__what_a_file_system_would_misread__is_encoded),
        cmocka_unit_test(path__other_schemes__are_not_the_mirrors),
        cmocka_unit_test(path__random_keys__come_back),
        cmocka_unit_test(path__of_google__needs_an_endpoint),
        cmocka_unit_test(path__stores_of_other_places__share_nothing),
        cmocka_unit_test(object__of_a_path_elsewhere__is_refused),
        cmocka_unit_test(url__plain_names_alone__are_for_others_to_read),
        cmocka_unit_test(url__of_what_has_a_copy__is_none),
        cmocka_unit_test(fs__local_paths__are_the_local_file_systems),
        cmocka_unit_test(trim__beyond_the_bound__takes_what_was_used_least_lately),
        cmocka_unit_test(trim__what_may_be_in_use__stays),
        cmocka_unit_test(open__the_environment__says_how_much),
        cmocka_unit_test(open__what_is_no_address__is_refused),
        cmocka_unit_test(open__without_memory__fails_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
