/*
 * Random histories of a table and its online view (appends, deletes, pushes, incremental and full syncs) against a
 * plain model of what the store must hold. FLOE_TEST_SEED repeats one.
 */
#include "tests/online/sync_world.h"
#include "tests/support/apart.h"

#define KEYS 12
#define STEPS 400

/* What is served for one key. */
typedef struct model_row {
    bool there;
    bool arrived;
    int64_t event_us;
    int64_t value;
} model_row;

typedef struct model {
    model_row rows[KEYS];
    int64_t counts[KEYS];
    bool synced;
    bool rewritten; /* since the last sync */
    int64_t synced_snapshot;
    int64_t synced_us;
    int64_t now_us;
} model;

static int open_world(void **state, floe_store_kind kind) {
    sync_world *s = test_calloc(1, sizeof(*s));
    sync_world_open(s, kind);
    *state = s;
    return 0;
}

static int open_embedded(void **state) {
    return open_world(state, FLOE_STORE_EMBEDDED);
}

static int open_redis(void **state) {
    return open_world(state, FLOE_STORE_REDIS);
}

static int close_world(void **state) {
    sync_world_close(*state);
    test_free(*state);
    return 0;
}

static uint32_t next_random(uint32_t *seed) {
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static const char *key_name(int k) {
    static const char *const names[KEYS] = {"k0", "k1", "k2", "k3", "k4", "k5", "k6", "k7", "k8", "k9", "k10", "k11"};
    return names[k];
}

/* ---- the model ---- */

static void offer(model_row *kept, const model_row *row, bool keep_on_tie) {
    bool wins = !kept->there || row->event_us > kept->event_us || (row->event_us == kept->event_us && !keep_on_tie);
    if (wins) {
        *kept = *row;
        kept->there = true;
    }
}

/* The table's newest visible row of a key, of those after a snapshot or a time. Later rows win ties. */
static model_row newest_of(const table *t, int k, const model *m, bool everything) {
    model_row newest = {0};
    for (size_t i = 0; i < t->count; i++) {
        const table_row *row = &t->rows[i];
        bool asked = everything || row->snapshot_id > m->synced_snapshot || row->event_us > m->synced_us;
        if (strcmp(row->key, key_name(k)) == 0 && row->event_us <= m->now_us && asked) {
            offer(&newest, &(model_row){true, false, row->event_us, row->value}, false);
        }
    }
    return newest;
}

static int64_t count_of(const table *t, int k, const model *m) {
    int64_t count = 0;
    for (size_t i = 0; i < t->count; i++) {
        count += strcmp(t->rows[i].key, key_name(k)) == 0 && t->rows[i].event_us <= m->now_us ? 1 : 0;
    }
    return count;
}

static void model_full(model *m, const table *t) {
    model_row fresh[KEYS];
    int64_t youngest_us = INT64_MIN;
    for (int k = 0; k < KEYS; k++) {
        fresh[k] = newest_of(t, k, m, true);
        youngest_us = fresh[k].there && fresh[k].event_us > youngest_us ? fresh[k].event_us : youngest_us;
    }
    for (int k = 0; k < KEYS; k++) {
        if (m->rows[k].there && m->rows[k].arrived && m->rows[k].event_us > youngest_us) {
            offer(&fresh[k], &m->rows[k], true);
        }
        m->rows[k] = fresh[k];
    }
}

static void model_sync(model *m, const table *t, bool full) {
    bool is_full = full || m->rewritten || !m->synced;
    if (is_full) {
        model_full(m, t);
    }
    for (int k = 0; k < KEYS; k++) {
        model_row newest = newest_of(t, k, m, false);
        if (!is_full && newest.there) {
            offer(&m->rows[k], &newest, false);
        }
        m->counts[k] = count_of(t, k, m);
    }
    m->synced = true;
    m->rewritten = false;
    m->synced_snapshot = t->snapshot_id;
    m->synced_us = m->now_us;
}

/* ---- steps ---- */

static void step_append(sync_world *s, model *m, uint32_t *seed, int64_t step) {
    table_commit(&s->t);
    for (uint32_t n = next_random(seed) % 4; n-- > 0;) {
        /* Some of them lie in the future and become visible later. */
        int64_t event_us = m->now_us - 50 + (int64_t)(next_random(seed) % 60);
        table_add(&s->t, key_name((int)(next_random(seed) % KEYS)), event_us, step);
    }
}

static void step_push(sync_world *s, model *m, const floe_view *view, uint32_t *seed, int64_t step) {
    int k = (int)(next_random(seed) % KEYS);
    model_row row = {true, true, m->now_us - 20 + (int64_t)(next_random(seed) % 30), step};
    floe_value key = text(key_name(k));
    floe_value value = floe_value_int64(step);
    put(&s->w, view, &key, row.event_us, NO_CREATED, NEVER, &value);
    offer(&m->rows[k], &row, false);
}

static void take_step(sync_world *s, model *m, const floe_view *view, uint32_t *seed, int64_t step) {
    uint32_t choice = next_random(seed) % 20;
    m->now_us += next_random(seed) % 8;
    floe_now_pin(m->now_us);
    if (choice < 8) {
        step_append(s, m, seed, step);
    } else if (choice < 13) {
        step_push(s, m, view, seed, step);
    } else if (choice < 14) {
        table_delete(&s->t, key_name((int)(next_random(seed) % KEYS)));
        m->rewritten = true;
    } else {
        bool full = choice == 19;
        assert_ok(sync_run(s, view, full));
        assert_int_equal(s->result.full, full || m->rewritten || !m->synced);
        model_sync(m, &s->t, full);
    }
}

static void check_cells(const model *m, int k, const floe_cell *row, const floe_cell *count) {
    assert_int_equal(row->status, m->rows[k].there ? FLOE_CELL_PRESENT : FLOE_CELL_NOT_FOUND);
    if (m->rows[k].there) {
        assert_int_equal(row->event_us, m->rows[k].event_us);
        assert_int_equal(row->value.as.integer, m->rows[k].value);
    }
    assert_int_equal(count->status, m->synced ? FLOE_CELL_PRESENT : FLOE_CELL_NOT_FOUND);
    assert_int_equal(count->value.as.integer, m->synced ? m->counts[k] : 0);
}

static void check_all(sync_world *s, const model *m, const floe_lookup_plan *plan) {
    FLOE_AUTO_ARENA arena;
    floe_value keys[KEYS];
    const floe_value *columns[] = {keys};
    floe_arena_init(&arena, FLOE_MIB(4));
    for (int k = 0; k < KEYS; k++) {
        keys[k] = text(key_name(k));
    }
    floe_lookup lookup = {.plan = plan, .entity_count = KEYS, .keys = columns, .arena = &arena};
    assert_ok(floe_store_lookup(s->w.other, &lookup, &world_error));
    for (int k = 0; k < KEYS; k++) {
        check_cells(m, k, &lookup.cells[k], &lookup.cells[KEYS + k]);
    }
}

static void sync__random_history__is_what_the_model_holds(void **state) {
    sync_world *s = *state;
    const char *given = getenv("FLOE_TEST_SEED");
    uint32_t seed = given != NULL ? (uint32_t)strtoul(given, NULL, 10) : (uint32_t)floe_monotonic_us();
    print_message("seed %u\n", seed);
    floe_view *view = table_view(&s->w);
    floe_ref refs[] = {{view, &view->outputs[0]}, {view, &view->outputs[1]}};
    const floe_lookup_plan *plan = NULL;
    assert_ok(floe_lookup_plan_make(refs, 2, &s->w.arena, &plan, &world_error));
    model m = {.now_us = NOW};
    for (int64_t step = 1; step <= STEPS; step++) {
        take_step(s, &m, view, &seed, step);
        check_all(s, &m, plan);
    }
    assert_ok(sync_run(s, view, true));
    model_sync(&m, &s->t, true);
    check_all(s, &m, plan);
    size_t rows = 0;
    for (int k = 0; k < KEYS; k++) {
        rows += (m.rows[k].there ? 1u : 0u) + (m.counts[k] > 0 ? 1u : 0u);
    }
    assert_int_equal(count_rows(&s->w, view), rows); /* and nothing else is left in the store */
}

int main(void) {
#define EMBEDDED(test) cmocka_unit_test_setup_teardown(test, open_embedded, close_world)
#define REDIS(test) cmocka_unit_test_setup_teardown(test, open_redis, close_world)
    const struct CMUnitTest tests[] = {
        EMBEDDED(sync__random_history__is_what_the_model_holds),
        EMBEDDED(sync__random_history__is_what_the_model_holds),
        EMBEDDED(sync__random_history__is_what_the_model_holds),
        REDIS(sync__random_history__is_what_the_model_holds),
        REDIS(sync__random_history__is_what_the_model_holds),
        REDIS(sync__random_history__is_what_the_model_holds),
    };
    return floe_test_run_apart(tests, sizeof(tests) / sizeof(tests[0]));
}
