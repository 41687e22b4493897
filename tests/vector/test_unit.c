/*
 * Units to bytes and back, and documents: round trips of random units, every truncation, every failed allocation.
 */
#include "tests/support/support.h"

#include "core/limits.h"
#include "vector/unit_int.h"

static floe_str random_text(floe_test_rng *rng, floe_arena *arena) {
    size_t len = floe_test_below(rng, 4) == 0 ? 0 : floe_test_below(rng, 200);
    char *text = floe_arena_alloc(arena, len + 1, 1);
    floe_test_fill(rng, text, len);
    return (floe_str){text, len};
}

static floe_texts random_texts(floe_test_rng *rng, floe_arena *arena) {
    size_t count = floe_test_below(rng, 4);
    floe_str *items = floe_arena_alloc(arena, count + 1, sizeof(*items));
    for (size_t i = 0; i < count; i++) {
        items[i] = random_text(rng, arena);
    }
    return (floe_texts){items, count};
}

static const floe_sketch *random_sketch(floe_test_rng *rng, floe_arena *arena) {
    floe_sketcher sketcher;
    size_t count = floe_test_below(rng, 3) == 0 ? 0 : floe_test_below(rng, 400);
    floe_sketcher_init(&sketcher, arena);
    for (size_t i = 0; i < count; i++) {
        floe_sketcher_int(&sketcher, floe_test_between(rng, -50, 50));
        floe_sketcher_text(&sketcher, random_text(rng, arena));
    }
    return floe_sketcher_finish(&sketcher, floe_test_below(rng, 2) == 0);
}

static void random_parts(floe_test_rng *rng, floe_arena *arena, floe_unit *unit) {
    size_t count = floe_test_below(rng, 6);
    floe_part *parts = floe_arena_alloc(arena, count + 1, sizeof(*parts));
    for (size_t i = 0; i < count; i++) {
        parts[i] = (floe_part){.name = random_text(rng, arena),
                               .type = random_text(rng, arena),
                               .description = random_text(rng, arena),
                               .words = random_texts(rng, arena),
                               .prose = random_texts(rng, arena),
                               .personal = (floe_personal)floe_test_below(rng, FLOE_PERSONAL_COUNT),
                               .sketch = random_sketch(rng, arena)};
    }
    unit->parts = parts;
    unit->part_count = count;
}

static void random_keys(floe_test_rng *rng, floe_arena *arena, floe_unit *unit) {
    size_t count = floe_test_below(rng, 3);
    floe_foreign_key *keys = floe_arena_alloc(arena, count + 1, sizeof(*keys));
    for (size_t i = 0; i < count; i++) {
        floe_texts columns = random_texts(rng, arena);
        floe_texts references = random_texts(rng, arena);
        keys[i] = (floe_foreign_key){columns.items, columns.count, random_text(rng, arena), references.items,
                                     references.count};
    }
    unit->foreign_keys = keys;
    unit->foreign_key_count = count;
}

static floe_unit random_unit(floe_test_rng *rng, floe_arena *arena) {
    floe_unit unit = {.kind = (floe_unit_kind)floe_test_between(rng, FLOE_UNIT_TABLE, FLOE_UNIT_SERVICE),
                      .origin = (floe_unit_origin)floe_test_between(rng, FLOE_ORIGIN_CATALOG, FLOE_ORIGIN_DEFINITIONS),
                      .space = random_text(rng, arena),
                      .name = random_text(rng, arena),
                      .description = random_text(rng, arena),
                      .related = random_texts(rng, arena),
                      .prose = random_texts(rng, arena),
                      .spaces = random_texts(rng, arena),
                      .views = random_texts(rng, arena),
                      .primary_key = random_texts(rng, arena)};
    unit.related_open = floe_test_below(rng, unit.related.count + 1);
    unit.prose_open = floe_test_below(rng, unit.prose.count + 1);
    random_parts(rng, arena, &unit);
    random_keys(rng, arena, &unit);
    return unit;
}

static void same_texts(floe_texts a, floe_texts b) {
    assert_int_equal(a.count, b.count);
    for (size_t i = 0; i < a.count; i++) {
        assert_true(floe_str_equal(a.items[i], b.items[i]));
    }
}

static void same_sketch(const floe_sketch *a, const floe_sketch *b) {
    assert_int_equal(a != NULL, b != NULL);
    if (a) {
        assert_int_equal(a->rows, b->rows);
        assert_int_equal(a->values, b->values);
        assert_int_equal(a->distinct, b->distinct);
        assert_int_equal(a->whole, b->whole);
        assert_int_equal(a->is_integer, b->is_integer);
        assert_int_equal(a->is_counter, b->is_counter);
        assert_int_equal(a->hash_count, b->hash_count);
        assert_memory_equal(a->hashes, b->hashes, a->hash_count * sizeof(*a->hashes));
    }
}

static void same_parts(const floe_unit *a, const floe_unit *b) {
    assert_int_equal(a->part_count, b->part_count);
    for (size_t i = 0; i < a->part_count; i++) {
        assert_true(floe_str_equal(a->parts[i].name, b->parts[i].name));
        assert_true(floe_str_equal(a->parts[i].type, b->parts[i].type));
        assert_true(floe_str_equal(a->parts[i].description, b->parts[i].description));
        same_texts(a->parts[i].words, b->parts[i].words);
        same_sketch(a->parts[i].sketch, b->parts[i].sketch);
        same_texts(a->parts[i].prose, b->parts[i].prose);
        assert_int_equal(a->parts[i].personal, b->parts[i].personal);
    }
}

static void same_unit(const floe_unit *a, const floe_unit *b) {
    assert_true(floe_str_equal(a->description, b->description));
    same_texts(a->related, b->related);
    same_texts(a->prose, b->prose);
    assert_int_equal(a->related_open, b->related_open);
    assert_int_equal(a->prose_open, b->prose_open);
    same_texts(a->spaces, b->spaces);
    same_texts(a->views, b->views);
    same_texts(a->primary_key, b->primary_key);
    same_parts(a, b);
    assert_int_equal(a->foreign_key_count, b->foreign_key_count);
    for (size_t i = 0; i < a->foreign_key_count; i++) {
        const floe_foreign_key *left = &a->foreign_keys[i];
        const floe_foreign_key *right = &b->foreign_keys[i];
        assert_true(floe_str_equal(left->table, right->table));
        same_texts((floe_texts){left->columns, left->column_count}, (floe_texts){right->columns, right->column_count});
        same_texts((floe_texts){left->references, left->reference_count},
                   (floe_texts){right->references, right->reference_count});
    }
}

static void unit__random__comes_back_as_it_was(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 500; round++) {
        FLOE_AUTO_ARENA arena;
        FLOE_AUTO_BUF body;
        floe_error err = {0};
        floe_arena_init(&arena, FLOE_MIB(16));
        floe_buf_init(&body, FLOE_MIB(16));
        floe_unit unit = random_unit(&rng, &arena);
        floe_unit back = {0};
        floe_unit_encode(&unit, &body);
        assert_ok(floe_buf_check(&body, &err), &err);
        assert_ok(floe_unit_decode(floe_buf_view(&body), &arena, &back, &err), &err);
        same_unit(&unit, &back);
    }
}

static void unit__cut_anywhere__is_corrupt(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF body;
    floe_arena_init(&arena, FLOE_MIB(64));
    floe_buf_init(&body, FLOE_MIB(16));
    floe_unit unit = random_unit(&rng, &arena);
    floe_unit_encode(&unit, &body);
    for (size_t len = 0; len < body.len; len++) {
        floe_unit back = {0};
        floe_error err = {0};
        assert_code(floe_unit_decode((floe_str){body.ptr, len}, &arena, &back, &err), FLOE_CORRUPT);
    }
    floe_unit back = {0};
    floe_error err = {0};
    floe_buf_byte(&body, 0);
    assert_code(floe_unit_decode(floe_buf_view(&body), &arena, &back, &err), FLOE_CORRUPT);
    assert_message(&err, "1 bytes follow");
}

/* Any bytes: an error or a unit, never a crash, and no more memory than a multiple of the bytes. */
static void unit__random_bytes__never_take_much_memory(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 5000; round++) {
        char bytes[300];
        size_t len = floe_test_below(&rng, sizeof(bytes));
        floe_test_fill(&rng, bytes, len);
        for (size_t i = 0; i < len && floe_test_below(&rng, 2) == 0; i++) {
            bytes[i] = (char)floe_test_below(&rng, 4);
        }
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(1));
        floe_unit unit = {0};
        floe_error err = {0};
        floe_status status = floe_unit_decode((floe_str){bytes, len}, &arena, &unit, &err);
        assert_true(!floe_failed(status) || err.code == FLOE_CORRUPT);
        /* Each list asks for at most (bytes left) elements, and a list of lists for as many again. */
        assert_true(arena.used <= 300 * sizeof(floe_part) * 4);
    }
}

static void hash__every_field_but_the_version__changes_it(void **state) {
    (void)state;
    floe_unit unit = {.kind = FLOE_UNIT_TABLE,
                      .origin = FLOE_ORIGIN_IMPORT,
                      .space = FLOE_STR("ab"),
                      .name = FLOE_STR("c"),
                      .version = FLOE_STR("v1")};
    floe_str body = FLOE_STR("body");
    uint64_t hash = floe_unit_hash(&unit, body);
    floe_unit other = unit;
    other.version = FLOE_STR("v2");
    assert_true(floe_unit_hash(&other, body) == hash);
    other.kind = FLOE_UNIT_VIEW;
    assert_false(floe_unit_hash(&other, body) == hash);
    other = unit;
    other.origin = FLOE_ORIGIN_CATALOG;
    assert_false(floe_unit_hash(&other, body) == hash);
    other = unit;
    other.space = FLOE_STR("a");
    other.name = FLOE_STR("bc"); /* the same letters, cut elsewhere */
    assert_false(floe_unit_hash(&other, body) == hash);
    assert_false(floe_unit_hash(&unit, FLOE_STR("bodx")) == hash);
}

/* ---- documents ---- */

static const floe_catalog_column flight_columns[] = {
    {.name = {"date", 4}, .type = {"date", 4}},
    {.name = {"delay", 5}, .type = {"int32", 5}, .description = {"minutes late", 12}},
};
static const floe_catalog_table flights = {.database = {"lake.aviation", 13},
                                           .name = {"flights", 7},
                                           .description = {"US flights", 10},
                                           .columns = flight_columns,
                                           .column_count = 2,
                                           .version = {"v1.metadata.json", 16}};

static void documents__table__is_one_and_one_per_column(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_unit unit = {0};
    const floe_document *documents = NULL;
    size_t count = 0;
    floe_unit_of_table(&flights, FLOE_ORIGIN_CATALOG, &arena, &unit);
    assert_true(floe_str_is(unit.version, "v1.metadata.json"));
    assert_ok(floe_unit_documents(&unit, &arena, &documents, &count, &err), &err);
    assert_int_equal(count, 3);
    assert_int_equal(documents[0].kind, FLOE_HIT_TABLE);
    assert_int_equal(documents[0].part, SIZE_MAX);
    assert_true(floe_str_is(documents[0].text, "lake.aviation, flights: date, delay. US flights"));
    assert_int_equal(documents[2].kind, FLOE_HIT_COLUMN);
    assert_int_equal(documents[2].part, 1);
    assert_true(floe_str_is(documents[2].text, "flights, delay. minutes late"));
}

static void documents__changed_description__changes_only_its_document(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_catalog_column columns[] = {flight_columns[0], flight_columns[1]};
    floe_catalog_table table = flights;
    table.columns = columns;
    const floe_document *before = NULL;
    const floe_document *after = NULL;
    size_t count = 0;
    floe_unit unit = {0};
    floe_unit_of_table(&table, FLOE_ORIGIN_CATALOG, &arena, &unit);
    assert_ok(floe_unit_documents(&unit, &arena, &before, &count, &err), &err);
    columns[1].description = FLOE_STR("minutes early");
    floe_unit_of_table(&table, FLOE_ORIGIN_CATALOG, &arena, &unit);
    assert_ok(floe_unit_documents(&unit, &arena, &after, &count, &err), &err);
    assert_true(before[0].hash == after[0].hash);
    assert_true(before[1].hash == after[1].hash);
    assert_false(before[2].hash == after[2].hash);
}

static void documents__same_text_of_another_kind__has_another_hash(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_unit table = {.kind = FLOE_UNIT_TABLE, .name = FLOE_STR("a")};
    floe_unit view = {.kind = FLOE_UNIT_VIEW, .name = FLOE_STR("a")};
    const floe_document *of_table = NULL;
    const floe_document *of_view = NULL;
    size_t count = 0;
    assert_ok(floe_unit_documents(&table, &arena, &of_table, &count, &err), &err);
    assert_ok(floe_unit_documents(&view, &arena, &of_view, &count, &err), &err);
    assert_true(floe_str_equal(of_table[0].text, of_view[0].text));
    assert_false(of_table[0].hash == of_view[0].hash);
}

static floe_status round_trip(void *context, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF body;
    floe_unit unit = {0};
    floe_unit back = {0};
    const floe_document *documents = NULL;
    size_t count = 0;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_buf_init(&body, FLOE_MIB(1));
    floe_unit_of_table(context, FLOE_ORIGIN_CATALOG, &arena, &unit);
    FLOE_TRY(floe_arena_check(&arena, err));
    floe_unit_encode(&unit, &body);
    FLOE_TRY(floe_buf_check(&body, err));
    FLOE_TRY(floe_unit_decode(floe_buf_view(&body), &arena, &back, err));
    return floe_unit_documents(&back, &arena, &documents, &count, err);
}

static void unit__any_allocation_fails__is_nomem(void **state) {
    (void)state;
    floe_catalog_table table = flights;
    assert_true(floe_test_alloc_sweep(round_trip, &table) > 0);
}

/* A unit of one column that holds `count` integers from `first` on. */
static floe_unit unit_of_integers(floe_arena *arena, int64_t first, int64_t step, int64_t count) {
    floe_sketcher sketcher;
    floe_part *part = floe_arena_alloc(arena, 1, sizeof(*part));
    floe_sketcher_init(&sketcher, arena);
    for (int64_t i = 0; i < count; i++) {
        floe_sketcher_int(&sketcher, first + i * step);
    }
    *part = (floe_part){.name = FLOE_STR("c"), .sketch = floe_sketcher_finish(&sketcher, true)};
    return (floe_unit){.kind = FLOE_UNIT_TABLE, .name = FLOE_STR("t"), .parts = part, .part_count = 1};
}

/* Integers may be phone numbers or numbers of persons. */
static void unit__a_sketch__holds_none_of_the_values(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF body;
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_buf_init(&body, FLOE_MIB(1));
    floe_unit unit = unit_of_integers(&arena, 491701234567, 1000003, 20);
    floe_unit_encode(&unit, &body);
    for (int64_t i = 0; i < 20; i++) {
        FLOE_AUTO_BUF value;
        int64_t number = 491701234567 + i * 1000003;
        floe_buf_init(&value, 64);
        floe_buf_zigzag(&value, number);
        assert_null(memmem(body.ptr, body.len, value.ptr, value.len));
        assert_null(memmem(body.ptr, body.len, &number, sizeof(number)));
    }
}

/* Three counts of 20, twice nothing, 20 hashes: once the nothings were the least and the most value. */
static bool reads_as_counter(int64_t step) {
    static const char counts[] = {40, 40, 40, 0, 0, 20};
    FLOE_AUTO_ARENA arena;
    FLOE_AUTO_BUF body;
    FLOE_AUTO_BUF old;
    floe_unit back = {0};
    floe_error err = {0};
    floe_arena_init(&arena, FLOE_MIB(1));
    floe_buf_init(&body, FLOE_MIB(1));
    floe_buf_init(&old, FLOE_MIB(1));
    floe_unit unit = unit_of_integers(&arena, 5000, step, 20);
    floe_unit_encode(&unit, &body);
    const char *at = memmem(body.ptr, body.len, counts, sizeof(counts));
    assert_non_null(at);
    floe_buf_str(&old, (floe_str){body.ptr, (size_t)(at - body.ptr) - 1});
    floe_buf_byte(&old, 1 | 2 | 4); /* there, whole, integers */
    floe_buf_str(&old, (floe_str){counts, 3});
    floe_buf_zigzag(&old, 5000);
    floe_buf_zigzag(&old, 5000 + 19 * step);
    floe_buf_str(&old, (floe_str){at + 5, body.len - (size_t)(at + 5 - body.ptr)});
    assert_ok(floe_unit_decode(floe_buf_view(&old), &arena, &back, &err), &err);
    assert_int_equal(back.parts[0].sketch->hash_count, 20);
    assert_int_equal(back.parts[0].sketch->is_counter, unit.parts[0].sketch->is_counter);
    return back.parts[0].sketch->is_counter;
}

static void unit__a_sketch_that_holds_least_and_most__is_read_as_what_they_say(void **state) {
    (void)state;
    assert_true(reads_as_counter(1));
    assert_true(reads_as_counter(10));
    assert_false(reads_as_counter(100));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unit__random__comes_back_as_it_was),
        cmocka_unit_test(unit__a_sketch__holds_none_of_the_values),
        cmocka_unit_test(unit__a_sketch_that_holds_least_and_most__is_read_as_what_they_say),
        cmocka_unit_test(unit__cut_anywhere__is_corrupt),
        cmocka_unit_test(unit__random_bytes__never_take_much_memory),
        cmocka_unit_test(hash__every_field_but_the_version__changes_it),
        cmocka_unit_test(documents__table__is_one_and_one_per_column),
        cmocka_unit_test(documents__changed_description__changes_only_its_document),
        cmocka_unit_test(documents__same_text_of_another_kind__has_another_hash),
        cmocka_unit_test(unit__any_allocation_fails__is_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
