/*
 * API keys in the registry: seen once, kept hashed, revoked for good; and registries of the version before keys.
 */
#include "core/file.h"
#include "core/limits.h"
#include "core/mem.h"
#include "core/sql.h"
#include "tests/registry/helpers.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static floe_arena arena;
static floe_registry *registry;
static const char *path;

static int setup(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(64));
    path = floe_path_join(&arena, test_folder(&arena), "r.db");
    return floe_failed(floe_registry_open(path, true, &registry, NULL));
}

static int teardown(void **state) {
    (void)state;
    floe_registry_close(&registry);
    floe_arena_close(&arena);
    return 0;
}

typedef struct made {
    char text[FLOE_ACCESS_KEY_LEN + 1];
    floe_access_key key;
} made;

static made make(const char *role, const char *name) {
    made one = {0};
    floe_error err = {0};
    assert_ok(
        floe_registry_key_create(registry, floe_str_of(role), floe_str_of(name), &arena, one.text, &one.key, &err),
        &err);
    return one;
}

static const floe_access_key *list(size_t *ret_count) {
    const floe_access_key *keys = NULL;
    floe_error err = {0};
    assert_ok(floe_registry_keys(registry, &arena, &keys, ret_count, &err), &err);
    return keys;
}

static int64_t version(void) {
    int64_t found = 0;
    floe_error err = {0};
    assert_ok(floe_registry_key_version(registry, &found, &err), &err);
    return found;
}

static void run_sql(const char *text) {
    floe_sql *sql = NULL;
    floe_error err = {0};
    assert_ok(floe_sql_open(path, FLOE_SQL_WRITE, &sql, &err), &err);
    assert_ok(floe_sql_exec(sql, text, &err), &err);
    floe_sql_close(&sql);
}

/* ---- making ---- */

static void key_create__gives_a_text_of_the_stated_form_that_no_other_key_has(void **state) {
    (void)state;
    made keys[50];
    for (size_t i = 0; i < 50; i++) {
        keys[i] = make("analyst", "");
        assert_int_equal(strlen(keys[i].text), FLOE_ACCESS_KEY_LEN);
        assert_memory_equal(keys[i].text, "floe_", 5);
        assert_int_equal(strspn(keys[i].text + 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
                         43);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(keys[i].text, keys[j].text);
        }
    }
}

/* 43 characters of 6 bits are 258 bits: of 256 random ones the last character holds 4, so its low 2 bits are 0, and
 * each of the 16 characters that are left can come (RFC 4648 section 5: the index of A is 0, of E 4 …). */
static void key_create__last_character__carries_the_last_four_bits(void **state) {
    (void)state;
    for (size_t i = 0; i < 200; i++) {
        made one = make("analyst", "");
        assert_non_null(strchr("AEIMQUYcgkosw048", one.text[FLOE_ACCESS_KEY_LEN - 1]));
        if (i % 50 == 0) {
            run_sql("UPDATE access_keys SET revoked_us = 1");
        }
    }
}

static void key_create__keeps_the_digest_and_never_the_key(void **state) {
    (void)state;
    made one = make("analyst", "the dashboard");
    floe_registry_close(&registry);
    static const char *const endings[] = {"", "-wal"};
    for (size_t i = 0; i < 2; i++) {
        FLOE_AUTO_BUF bytes;
        floe_buf_init(&bytes, FLOE_MIB(64));
        const char *file = floe_arena_printf(&arena, "%s%s", path, endings[i]);
        if (floe_file_exists(file)) {
            assert_ok(floe_file_read(file, &bytes, NULL), NULL);
            assert_null(memmem(bytes.ptr, bytes.len, one.text, FLOE_ACCESS_KEY_LEN));
            assert_null(memmem(bytes.ptr, bytes.len, one.text + 5, 20));
        }
    }
    assert_ok(floe_registry_open(path, false, &registry, NULL), NULL);
    size_t count = 0;
    const floe_access_key *keys = list(&count);
    assert_int_equal(count, 1);
    assert_str(keys[0].role, "analyst");
    assert_str(keys[0].name, "the dashboard");
    assert_str(keys[0].ending, one.text + FLOE_ACCESS_KEY_LEN - 4);
    assert_int_equal(keys[0].revoked_us, 0);
    assert_true(keys[0].created_us > INT64_C(1600000000000000));
    uint8_t digest[FLOE_ACCESS_DIGEST_LEN];
    assert_true(floe_access_key_digest(floe_str_of(one.text), digest));
    assert_memory_equal(keys[0].digest, digest, sizeof digest);
}

/* printf floe_AAAA…A (43 times A) | sha256sum */
static void key_digest__is_sha256_of_the_whole_text(void **state) {
    (void)state;
    static const char text[] = "floe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    uint8_t digest[FLOE_ACCESS_DIGEST_LEN];
    char hex[65] = "";
    assert_int_equal(sizeof text - 1, FLOE_ACCESS_KEY_LEN);
    assert_true(floe_access_key_digest(FLOE_STR(text), digest));
    for (size_t i = 0; i < sizeof digest; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    assert_string_equal(hex, "b390fe323e2019f21ac9db5a5345c6e7a4c4dfa194a04e3cf7687c784763a299");
}

static void key_digest__a_text_that_is_no_key__has_none(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "floe_",
                                        "floe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "floe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "Floe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "flow_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                        "floe_AAAAAAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAA",
                                        "floe_AAAAAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAA",
                                        "floe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\xC3"};
    uint8_t digest[FLOE_ACCESS_DIGEST_LEN] = {7};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_false(floe_access_key_digest(floe_str_of(texts[i]), digest));
        assert_int_equal(digest[0], 7);
    }
    char with_nul[FLOE_ACCESS_KEY_LEN + 1] = "floe_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    with_nul[20] = '\0';
    assert_false(floe_access_key_digest((floe_str){with_nul, FLOE_ACCESS_KEY_LEN}, digest));
}

static void digest_equal__one_bit_anywhere__makes_a_difference(void **state) {
    (void)state;
    uint8_t a[FLOE_ACCESS_DIGEST_LEN];
    uint8_t b[FLOE_ACCESS_DIGEST_LEN];
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    floe_test_fill(&rng, a, sizeof a);
    memcpy(b, a, sizeof a);
    assert_true(floe_access_digest_equal(a, b));
    for (size_t i = 0; i < 8 * sizeof a; i++) {
        b[i / 8] ^= (uint8_t)(1U << i % 8);
        assert_false(floe_access_digest_equal(a, b));
        b[i / 8] ^= (uint8_t)(1U << i % 8);
    }
}

static void key_create__bad_names__are_refused(void **state) {
    (void)state;
    char text[FLOE_ACCESS_KEY_LEN + 1] = "untouched";
    floe_access_key key = {.id = 77};
    floe_error err = {0};
    char longest[FLOE_LIMIT_NAME_BYTES + 2];
    memset(longest, 'x', sizeof longest);
    floe_str too_long = {longest, FLOE_LIMIT_NAME_BYTES + 1};
    floe_str fits = {longest, FLOE_LIMIT_NAME_BYTES};
    assert_code(floe_registry_key_create(registry, FLOE_STR(""), FLOE_STR("n"), &arena, text, &key, &err),
                FLOE_INVALID);
    assert_message(&err, "needs a role");
    assert_code(floe_registry_key_create(registry, too_long, FLOE_STR(""), &arena, text, &key, NULL), FLOE_LIMIT);
    assert_code(floe_registry_key_create(registry, fits, too_long, &arena, text, &key, NULL), FLOE_LIMIT);
    assert_code(floe_registry_key_create(registry, fits, FLOE_STR("a\nb"), &arena, text, &key, NULL), FLOE_INVALID);
    assert_code(floe_registry_key_create(registry, fits, FLOE_STR("\xFF"), &arena, text, &key, NULL), FLOE_INVALID);
    assert_string_equal(text, "untouched");
    assert_int_equal(key.id, 77);
    assert_ok(floe_registry_key_create(registry, fits, fits, &arena, text, &key, NULL), NULL);
    size_t count = 0;
    (void)list(&count);
    assert_int_equal(count, 1);
}

static void key_create__above_the_limit_of_valid_keys__is_refused_until_one_is_revoked(void **state) {
    (void)state;
    floe_error err = {0};
    char text[FLOE_ACCESS_KEY_LEN + 1];
    floe_access_key key;
    run_sql(floe_arena_printf(&arena,
                              "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                              " INSERT INTO access_keys(role, name, created_us, revoked_us, ending, digest)"
                              " SELECT 'r', '', 1, 0, 'abcd', randomblob(32) FROM n",
                              FLOE_LIMIT_API_KEYS));
    assert_code(floe_registry_key_create(registry, FLOE_STR("r"), FLOE_STR(""), &arena, text, &key, &err), FLOE_LIMIT);
    assert_message(&err, "floe key revoke");
    floe_error_clear(&err);
    assert_ok(floe_registry_key_revoke(registry, 17, &err), &err);
    assert_ok(floe_registry_key_create(registry, FLOE_STR("r"), FLOE_STR(""), &arena, text, &key, &err), &err);
}

/* Processes that make keys at once wait for each other; no key is lost, and no two have a number or a digest in
 * common. */
#define MAKERS 6
#define KEYS_EACH 20

static void make_many(void) {
    floe_registry *own = NULL;
    char text[FLOE_ACCESS_KEY_LEN + 1];
    floe_access_key key;
    bool good = !floe_failed(floe_registry_open(path, false, &own, NULL));
    for (size_t i = 0; good && i < KEYS_EACH; i++) {
        good = !floe_failed(floe_registry_key_create(own, FLOE_STR("r"), FLOE_STR(""), &arena, text, &key, NULL));
    }
    floe_registry_close(&own);
    _exit(good ? 0 : 1);
}

static void key_create__in_several_processes_at_once__loses_none_and_makes_no_two_alike(void **state) {
    (void)state;
    pid_t makers[MAKERS];
    floe_registry_close(&registry);
    for (size_t i = 0; i < MAKERS; i++) {
        makers[i] = fork();
        assert_true(makers[i] >= 0);
        if (makers[i] == 0) {
            make_many();
        }
    }
    for (size_t i = 0; i < MAKERS; i++) {
        int outcome = -1;
        assert_int_equal(waitpid(makers[i], &outcome, 0), makers[i]);
        assert_int_equal(outcome, 0);
    }
    size_t count = 0;
    assert_ok(floe_registry_open(path, false, &registry, NULL), NULL);
    const floe_access_key *keys = list(&count);
    assert_int_equal(count, MAKERS * KEYS_EACH);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(keys[i].id != keys[j].id);
            assert_false(floe_access_digest_equal(keys[i].digest, keys[j].digest));
        }
    }
}

/* ---- revoking ---- */

static void key_revoke__is_final_and_once(void **state) {
    (void)state;
    made first = make("a", "");
    made second = make("b", "");
    floe_error err = {0};
    assert_true(first.key.id != second.key.id);
    assert_ok(floe_registry_key_revoke(registry, first.key.id, &err), &err);
    size_t count = 0;
    const floe_access_key *keys = list(&count);
    assert_int_equal(count, 2);
    int64_t revoked_us = keys[0].revoked_us;
    assert_true(revoked_us >= first.key.created_us);
    assert_int_equal(keys[1].revoked_us, 0);
    assert_ok(floe_registry_key_revoke(registry, first.key.id, &err), &err);
    assert_int_equal(list(&count)[0].revoked_us, revoked_us);
}

static void key_revoke__unknown__is_not_found(void **state) {
    (void)state;
    floe_error err = {0};
    assert_code(floe_registry_key_revoke(registry, 1, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no key 1");
    assert_message(&err, "floe key ls");
    made one = make("a", "");
    assert_code(floe_registry_key_revoke(registry, one.key.id + 1, NULL), FLOE_NOT_FOUND);
    assert_code(floe_registry_key_revoke(registry, -1, NULL), FLOE_NOT_FOUND);
}

/* A number that was used is not given again, so `revoke 1` in somebody's notes never means another key. */
static void key_ids__are_never_reused(void **state) {
    (void)state;
    made one = make("a", "");
    run_sql("DELETE FROM access_keys");
    assert_true(make("a", "").key.id > one.key.id);
}

static void key_version__changes_with_every_key_made_or_revoked_and_else_stays(void **state) {
    (void)state;
    int64_t seen[5] = {version()};
    made one = make("a", "");
    seen[1] = version();
    made two = make("a", "");
    seen[2] = version();
    assert_ok(floe_registry_key_revoke(registry, one.key.id, NULL), NULL);
    seen[3] = version();
    assert_ok(floe_registry_key_revoke(registry, two.key.id, NULL), NULL);
    seen[4] = version();
    for (size_t i = 0; i < 5; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_true(seen[i] != seen[j]);
        }
    }
    assert_ok(floe_registry_key_revoke(registry, two.key.id, NULL), NULL);
    assert_true(version() == seen[4]);
    assert_true(version() == seen[4]);
}

static void keys__digest_of_another_length__is_corrupt_and_names_the_key(void **state) {
    (void)state;
    made one = make("a", "");
    run_sql("UPDATE access_keys SET digest = x'0011'");
    const floe_access_key *keys = NULL;
    size_t count = 0;
    floe_error err = {0};
    assert_code(floe_registry_keys(registry, &arena, &keys, &count, &err), FLOE_CORRUPT);
    assert_message(&err, floe_arena_printf(&arena, "key %lld", (long long)one.key.id));
}

/* ---- a registry from before there were keys ---- */

/* The schema that version 1 was published with. */
static const char schema_1[] =
    "CREATE TABLE versions(version INTEGER PRIMARY KEY, applied_us INTEGER NOT NULL, summary TEXT NOT NULL);"
    "CREATE TABLE objects(version INTEGER NOT NULL REFERENCES versions(version), position INTEGER NOT NULL,"
    " kind TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, fingerprint INTEGER NOT NULL,"
    " PRIMARY KEY(version, position), UNIQUE(version, kind, name)) WITHOUT ROWID;"
    "CREATE TABLE sync_marks(view TEXT NOT NULL, store_id TEXT NOT NULL, fingerprint INTEGER NOT NULL,"
    " snapshot_id INTEGER NOT NULL, synced_us INTEGER NOT NULL, row_count INTEGER NOT NULL,"
    " PRIMARY KEY(view, store_id)) WITHOUT ROWID;"
    "CREATE TABLE datasets(id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, created_us INTEGER NOT NULL,"
    " row_count INTEGER NOT NULL, content_hash TEXT NOT NULL, manifest_path TEXT NOT NULL, manifest TEXT NOT NULL);"
    "CREATE INDEX datasets_by_name ON datasets(name, created_us);"
    "INSERT INTO versions VALUES(1, 5, '+0 ~0 -0');"
    "INSERT INTO sync_marks VALUES('v', 's', 1, 2, 3, 4);"
    "PRAGMA user_version = 1;";

static void make_old(void) {
    floe_registry_close(&registry);
    path = floe_path_join(&arena, test_folder(&arena), "old.db");
    run_sql(schema_1);
}

static int64_t schema_of_file(void) {
    floe_sql *sql = NULL;
    floe_sql_stmt *stmt = NULL;
    bool row = false;
    assert_ok(floe_sql_open(path, FLOE_SQL_READ, &sql, NULL), NULL);
    assert_ok(floe_sql_prepare(sql, "PRAGMA user_version", &stmt, NULL), NULL);
    assert_ok(floe_sql_step(stmt, &row, NULL), NULL);
    int64_t found = floe_sql_i64(stmt, 0);
    floe_sql_finalize(&stmt);
    floe_sql_close(&sql);
    return found;
}

static void check_old_content(void) {
    floe_sync_mark mark = {0};
    floe_error err = {0};
    int64_t applied = 0;
    assert_ok(floe_registry_mark_get(registry, FLOE_STR("v"), FLOE_STR("s"), &arena, &mark, &err), &err);
    assert_int_equal(mark.rows, 4);
    assert_ok(floe_registry_version(registry, &applied, &err), &err);
    assert_int_equal(applied, 1);
}

static void old_registry__read__stays_as_it_is_and_has_no_keys(void **state) {
    (void)state;
    make_old();
    floe_error err = {0};
    size_t count = 7;
    assert_ok(floe_registry_open(path, false, &registry, &err), &err);
    check_old_content();
    (void)list(&count);
    assert_int_equal(count, 0);
    (void)version();
    assert_code(floe_registry_key_revoke(registry, 1, &err), FLOE_NOT_FOUND);
    assert_message(&err, "no key was ever made");
    assert_int_equal(schema_of_file(), 1);
}

static void old_registry__first_key__adds_the_table_and_keeps_the_rest(void **state) {
    (void)state;
    make_old();
    floe_error err = {0};
    assert_ok(floe_registry_open(path, false, &registry, &err), &err);
    int64_t before = version();
    made one = make("analyst", "");
    assert_int_equal(schema_of_file(), 2);
    assert_true(version() != before);
    check_old_content();
    floe_registry_close(&registry);
    assert_ok(floe_registry_open(path, false, &registry, &err), &err);
    size_t count = 0;
    assert_int_equal(list(&count)[0].id, one.key.id);
    assert_int_equal(count, 1);
}

static void old_registry__opened_to_create__is_brought_up_to_date(void **state) {
    (void)state;
    make_old();
    floe_error err = {0};
    assert_ok(floe_registry_open(path, true, &registry, &err), &err);
    assert_int_equal(schema_of_file(), 2);
    check_old_content();
}

/* A server has the old file open when somebody else makes the first key. */
static void old_registry__migrated_by_another__shows_its_keys_through_an_open_handle(void **state) {
    (void)state;
    make_old();
    floe_error err = {0};
    floe_registry *server = NULL;
    assert_ok(floe_registry_open(path, false, &server, &err), &err);
    assert_ok(floe_registry_open(path, false, &registry, &err), &err);
    (void)make("analyst", "");
    const floe_access_key *keys = NULL;
    size_t count = 0;
    assert_ok(floe_registry_keys(server, &arena, &keys, &count, &err), &err);
    assert_int_equal(count, 1);
    floe_registry_close(&server);
}

static void old_registry__a_failed_migration__leaves_it_as_it_was(void **state) {
    (void)state;
    make_old();
    run_sql("CREATE TABLE access_keys(x)"); /* somebody's own table of that name */
    floe_error err = {0};
    char text[FLOE_ACCESS_KEY_LEN + 1];
    floe_access_key key;
    assert_ok(floe_registry_open(path, false, &registry, &err), &err);
    assert_true(floe_failed(floe_registry_key_create(registry, FLOE_STR("r"), FLOE_STR(""), &arena, text, &key, &err)));
    assert_int_equal(schema_of_file(), 1);
    floe_error_clear(&err);
    check_old_content();
}

/* ---- memory ---- */

static floe_status create_one(void *context, floe_error *err) {
    FLOE_AUTO_ARENA own;
    FLOE_CLEANUP(floe_registry_close) floe_registry *opened = NULL;
    char text[FLOE_ACCESS_KEY_LEN + 1];
    floe_access_key key;
    floe_arena_init(&own, FLOE_MIB(1));
    FLOE_TRY(floe_registry_open(context, false, &opened, err));
    return floe_registry_key_create(opened, FLOE_STR("r"), FLOE_STR("n"), &own, text, &key, err);
}

static floe_status list_and_revoke(void *context, floe_error *err) {
    FLOE_AUTO_ARENA own;
    FLOE_CLEANUP(floe_registry_close) floe_registry *opened = NULL;
    const floe_access_key *keys = NULL;
    size_t count = 0;
    floe_arena_init(&own, FLOE_MIB(1));
    FLOE_TRY(floe_registry_open(context, false, &opened, err));
    FLOE_TRY(floe_registry_keys(opened, &own, &keys, &count, err));
    return floe_registry_key_revoke(opened, keys[0].id, err);
}

static void keys__every_allocation_failing_once__is_reported_and_leaves_whole_keys(void **state) {
    (void)state;
    char file[4096];
    (void)snprintf(file, sizeof file, "%s", path);
    assert_true(floe_test_alloc_sweep(create_one, file) > 0);
    assert_true(floe_test_alloc_sweep(list_and_revoke, file) > 0);
    size_t count = 0;
    const floe_access_key *keys = list(&count);
    assert_true(count > 0);
    assert_true(keys[0].revoked_us > 0);
    for (size_t i = 0; i < count; i++) {
        assert_str(keys[i].role, "r");
        assert_str(keys[i].name, "n");
    }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(key_create__gives_a_text_of_the_stated_form_that_no_other_key_has),
        TEST(key_create__last_character__carries_the_last_four_bits),
        TEST(key_create__keeps_the_digest_and_never_the_key),
        TEST(key_digest__is_sha256_of_the_whole_text),
        TEST(key_digest__a_text_that_is_no_key__has_none),
        TEST(digest_equal__one_bit_anywhere__makes_a_difference),
        TEST(key_create__bad_names__are_refused),
        TEST(key_create__above_the_limit_of_valid_keys__is_refused_until_one_is_revoked),
        TEST(key_create__in_several_processes_at_once__loses_none_and_makes_no_two_alike),
        TEST(key_revoke__is_final_and_once),
        TEST(key_revoke__unknown__is_not_found),
        TEST(key_ids__are_never_reused),
        TEST(key_version__changes_with_every_key_made_or_revoked_and_else_stays),
        TEST(keys__digest_of_another_length__is_corrupt_and_names_the_key),
        TEST(old_registry__read__stays_as_it_is_and_has_no_keys),
        TEST(old_registry__first_key__adds_the_table_and_keeps_the_rest),
        TEST(old_registry__opened_to_create__is_brought_up_to_date),
        TEST(old_registry__migrated_by_another__shows_its_keys_through_an_open_handle),
        TEST(old_registry__a_failed_migration__leaves_it_as_it_was),
        TEST(keys__every_allocation_failing_once__is_reported_and_leaves_whole_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
