/*
 * Random tables against slow oracles: compaction keeps every partition's rows in their order and takes exactly the rows that
 * deletes name; expiry keeps exactly the snapshots that the rule, computed again by hand, says, and the rows of each of them.
 * FLOE_TEST_SEED says with which seed, FLOE_ROUNDS how many tables (12).
 * timeout: 900
 */
#include "tests/offline/maintain_support.h"

#include "core/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static maintain_world world;
static unsigned seed;

static unsigned below(unsigned limit) {
    return (unsigned)rand_r(&seed) % limit;
}

static int rounds(void) {
    const char *text = getenv("FLOE_ROUNDS");
    return text ? atoi(text) : 12;
}

static void print_seed(void) {
    const char *text = getenv("FLOE_TEST_SEED");
    seed = text ? (unsigned)strtoul(text, NULL, 10) : (unsigned)floe_monotonic_us();
    print_message("FLOE_TEST_SEED=%u\n", seed);
}

#define TEXT(...) ice_text(&world.ice, __VA_ARGS__)

/* ---- compaction ---- */

enum { ROWS_MAX = 400, PARTITIONS = 3 };

/* The oracle: every row in the order of the scan, with its file and place. */
typedef struct oracle_row {
    int k, partition, file, position;
    bool gone;
} oracle_row;

typedef struct oracle {
    oracle_row rows[ROWS_MAX];
    int row_count, file_count, next_k;
} oracle;

static const char *const PARTITION_NAMES[PARTITIONS] = {"a", "b", "null"};

/* Names that do not follow the order in which files come: only within one snapshot the path decides. */
static void add_file(oracle *held) {
    int partition = (int)below(PARTITIONS), count = 1 + (int)below(5), file = held->file_count++;
    FLOE_AUTO_BUF values = {0};
    floe_buf_init(&values, FLOE_KIB(8));
    for (int i = 0; i < count; i++) {
        const char *s = partition == 2 ? "NULL" : TEXT("'%s'", PARTITION_NAMES[partition]);
        floe_buf_printf(&values, "%s(%d, %s)", i ? ", " : "", held->next_k, s);
        held->rows[held->row_count++] = (oracle_row){held->next_k++, partition, file, i, false};
    }
    ice_entry entry = maintain_rows(&world, TEXT("data/%02u-%d.parquet", below(100), file), floe_buf_view(&values).ptr,
                                    PARTITION_NAMES[partition]);
    entry.file_len += below(3) == 0 ? 5000 : 0;
    maintain_append(&world, entry);
}

/* A delete by key reaches what its partition held when it came. */
static void delete_key(oracle *held, int number) {
    int partition = (int)below(PARTITIONS), k = (int)below((unsigned)held->next_k);
    maintain_delete_key(&world, TEXT("data/d%d.parquet", number), k, PARTITION_NAMES[partition]);
    for (int i = 0; i < held->row_count; i++) {
        held->rows[i].gone |= held->rows[i].k == k && held->rows[i].partition == partition;
    }
}

static void make_random_table(oracle *held) {
    int steps = 3 + (int)below(10);
    memset(held, 0, sizeof(*held));
    add_file(held);
    for (int step = 0; step < steps; step++) {
        if (below(4) == 0) {
            delete_key(held, step);
        } else {
            add_file(held);
        }
    }
    maintain_write(&world);
}

/* The rows of one partition that are left, in order. */
static const char *expected(const oracle *held, int partition) {
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_KIB(64));
    for (int i = 0; i < held->row_count; i++) {
        if (held->rows[i].partition == partition && !held->rows[i].gone) {
            floe_buf_printf(&out, "%d;", held->rows[i].k);
        }
    }
    return floe_arena_str(&world.ice.arena, floe_buf_view(&out)).ptr;
}

/* The same from a scan's text of k and s. */
static const char *found(const char *text, int partition) {
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_KIB(64));
    const char *s = partition == 2 ? "∅" : PARTITION_NAMES[partition];
    floe_str rest = floe_str_of(text), row, k;
    while (floe_str_split(&rest, ';', &row)) {
        floe_str cell = row;
        if (floe_str_split(&cell, '|', &k) && floe_str_is(cell, s)) {
            floe_buf_printf(&out, "%.*s;", FLOE_STR_ARG(k));
        }
    }
    return floe_arena_str(&world.ice.arena, floe_buf_view(&out)).ptr;
}

static void compact_randomly(void) {
    static const int64_t TARGETS[] = {400, 900, 1500, 4000, 1000000};
    floe_error err = {0};
    floe_compact_result result = {0};
    floe_compact_request request = {
        .table = "lake.ns.t", .target_bytes = TARGETS[below(5)], .where = below(4) == 0 ? "s = 'a'" : NULL};
    assert_ok(floe_table_compact(world.lake, &request, &world.run, &result, &err), &err);
    assert_int_equal(result.runs_left_out, 0);
}

static void compact__random_tables__keep_order_and_lose_only_what_was_deleted(void **state) {
    (void)state;
    print_seed();
    for (int round = 0; round < rounds(); round++) {
        oracle held;
        maintain_open(&world, 2, true);
        make_random_table(&held);
        for (int times = 0; times < 3; times++) {
            compact_randomly();
        }
        floe_error err = {0};
        floe_compact_result result = {0};
        floe_compact_request request = {.table = "lake.ns.t"};
        assert_ok(floe_table_compact(world.lake, &request, &world.run, &result, &err), &err);
        const char *text = maintain_text(&world, NULL);
        for (int partition = 0; partition < PARTITIONS; partition++) {
            assert_string_equal(found(text, partition), expected(&held, partition));
        }
        assert_non_null(strstr(maintain_files(&world), "| 0")); /* no delete is left */
        maintain_close(&world);
    }
}

/* ---- expiry ---- */

enum { SNAPSHOTS_MAX = 10 };

/* What is asked for, and what the table's refs say. Snapshot n is committed at 1000 + n seconds and follows n - 1. */
typedef struct retention {
    int count, cutoff;          /* snapshots 1 … count; those before `cutoff` are too old */
    int keep_last, branch_keep; /* branch_keep 0: the branch says nothing */
    int tags[3], tag_count;
    int side; /* head of another branch; 0: none */
    int pinned;
} retention;

static retention random_retention(void) {
    retention r = {.count = 2 + (int)below(SNAPSHOTS_MAX - 2)};
    r.cutoff = 1 + (int)below((unsigned)r.count + 1);
    r.keep_last = 1 + (int)below(3);
    r.branch_keep = below(3) == 0 ? 1 + (int)below(4) : 0;
    r.tag_count = (int)below(3);
    for (int i = 0; i < r.tag_count; i++) {
        r.tags[i] = 1 + (int)below((unsigned)r.count);
    }
    r.side = below(2) ? 1 + (int)below((unsigned)r.count) : 0;
    r.pinned = below(2) ? 1 + (int)below((unsigned)r.count) : 0;
    return r;
}

/* A branch holds its head, then those before it while there are too few or they are young. */
static void keep_branch(const retention *r, int head, int least, bool keep[SNAPSHOTS_MAX + 1]) {
    int kept = 0;
    for (int id = head; id >= 1; id--) {
        if (id != head && kept >= least && id < r->cutoff) {
            return;
        }
        keep[id] = true;
        kept++;
    }
}

static void oracle_keeps(const retention *r, bool keep[SNAPSHOTS_MAX + 1]) {
    memset(keep, 0, sizeof(bool) * (SNAPSHOTS_MAX + 1));
    keep_branch(r, r->count, r->branch_keep ? r->branch_keep : r->keep_last, keep);
    if (r->side) {
        keep_branch(r, r->side, r->keep_last, keep);
    }
    for (int i = 0; i < r->tag_count; i++) {
        keep[r->tags[i]] = true;
    }
    keep[r->pinned] = true;
}

static const char *refs_of(const retention *r) {
    FLOE_AUTO_BUF out = {0};
    floe_buf_init(&out, FLOE_KIB(4));
    floe_buf_printf(&out, "{\"main\":{\"snapshot-id\":%d,\"type\":\"branch\"", r->count);
    if (r->branch_keep) {
        floe_buf_printf(&out, ",\"min-snapshots-to-keep\":%d", r->branch_keep);
    }
    floe_buf_byte(&out, '}');
    for (int i = 0; i < r->tag_count; i++) {
        floe_buf_printf(&out, ",\"t%d\":{\"snapshot-id\":%d,\"type\":\"tag\"}", i, r->tags[i]);
    }
    if (r->side) {
        floe_buf_printf(&out, ",\"side\":{\"snapshot-id\":%d,\"type\":\"branch\"}", r->side);
    }
    floe_buf_byte(&out, '}');
    return floe_arena_str(&world.ice.arena, floe_buf_view(&out)).ptr;
}

static const char *rows_at(int64_t snapshot_id) {
    floe_error err = {0};
    struct ArrowArrayStream stream = {0};
    floe_table *table = NULL;
    floe_scan_request request = {.limit = -1, .at = FLOE_AT_ID, .snapshot_id = snapshot_id};
    assert_ok(floe_table_open(world.lake, "lake.ns.t", NULL, NULL, &table, &err), &err);
    assert_ok(floe_table_scan(table, &request, &stream, &err), &err);
    const char *text = stream_text(&stream, &world.ice.arena);
    floe_table_close(&table);
    return text;
}

static void expire_and_check(const retention *r) {
    floe_error err = {0};
    floe_expire_result result = {0};
    bool keep[SNAPSHOTS_MAX + 1];
    const floe_pinned_snapshot pin = {r->pinned, FLOE_STR("train")};
    floe_expire_request request = {.table = "lake.ns.t",
                                   .older_than_us = floe_now_us() - (INT64_C(1000000) + r->cutoff * 1000) * 1000,
                                   .keep_last = r->keep_last,
                                   .pinned = &pin,
                                   .pinned_count = r->pinned ? 1 : 0};
    assert_ok(floe_table_expire(world.lake, &request, &world.run, &world.ice.arena, &result, &err), &err);
    oracle_keeps(r, keep);
    const floe_ice_metadata *metadata = maintain_metadata(&world);
    size_t kept = 0;
    for (int id = 1; id <= r->count; id++) {
        bool there = floe_ice_snapshot_by_id(metadata, id) != NULL;
        if (there != keep[id]) {
            fail_msg("of %d snapshots %d is %s", r->count, id, there ? "kept" : "gone");
        }
        kept += there;
        if (there) { /* what it holds is one row per snapshot up to it */
            FLOE_AUTO_BUF rows = {0};
            floe_buf_init(&rows, FLOE_KIB(4));
            for (int k = 1; k <= id; k++) {
                floe_buf_printf(&rows, "%s%d|x", k > 1 ? ";" : "", k);
            }
            assert_string_equal(rows_at(id), floe_buf_view(&rows).ptr);
        }
    }
    assert_int_equal(kept, metadata->snapshot_count);
    assert_int_equal(result.snapshot_count, (size_t)r->count - kept);
}

static void expire__random_refs_and_ages__keep_what_the_rule_says(void **state) {
    (void)state;
    print_seed();
    for (int round = 0; round < 3 * rounds(); round++) {
        maintain_open(&world, 2, false);
        floe_now_pin(0);
        floe_now_pin(floe_now_us());
        retention r = random_retention();
        for (int k = 1; k <= r.count; k++) {
            maintain_append(&world, maintain_rows(&world, TEXT("data/%02d.parquet", k), TEXT("(%d, 'x')", k), ""));
        }
        world.ice.table.refs = refs_of(&r);
        maintain_write(&world);
        expire_and_check(&r);
        floe_now_pin(0);
        maintain_close(&world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(compact__random_tables__keep_order_and_lose_only_what_was_deleted),
        cmocka_unit_test(expire__random_refs_and_ages__keep_what_the_rule_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
