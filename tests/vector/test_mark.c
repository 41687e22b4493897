/*
 * Values of personal columns never enter an index: not by any field, not by a byte of its files; other values do.
 */
#include "tests/vector/hash_embedder.h"
#include "tests/vector/maker.h"

#include "core/file.h"
#include "core/limits.h"
#include "vector/unit_int.h"

#include <dirent.h>
#include <stdio.h>

#define TEXT(literal)                                                                                                  \
    { (literal), sizeof(literal) - 1 }
#define ARENA(name)                                                                                                    \
    FLOE_AUTO_ARENA name;                                                                                              \
    floe_arena_init(&(name), FLOE_MIB(64))

/* Whether any file of the index holds the text. */
static bool holds(const char *folder, const char *text) {
    ARENA(arena);
    bool found = false;
    DIR *listing = opendir(folder);
    assert_non_null(listing);
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        FLOE_AUTO_BUF bytes;
        floe_buf_init(&bytes, FLOE_MIB(64));
        const char *path = floe_path_join(&arena, folder, entry->d_name);
        if (entry->d_name[0] != '.' && !floe_failed(floe_file_read(path, &bytes, NULL))) {
            found = found || memmem(bytes.ptr, bytes.len, text, strlen(text)) != NULL;
        }
    }
    (void)closedir(listing);
    return found;
}

static size_t hits_of(const char *folder, const char *text) {
    ARENA(arena);
    floe_search *search = NULL;
    floe_error err = {0};
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    size_t count = ask(search, &arena, text, 10, FLOE_HIT_ANY, "").hit_count;
    floe_search_close(&search);
    return count;
}

static const char people[] =
    "{\"database\":\"hr\",\"table\":\"people\",\"columns\":["
    "{\"name\":\"contact\",\"samples\":[\"annabel@example.com\",\"bobby@example.com\"]},"
    "{\"name\":\"town\",\"samples\":[\"Reykjavik\",\"Timbuktu\"],\"tags\":[\"pii\"]},"
    "{\"name\":\"street\",\"description\":\"where they live [personal]\",\"samples\":[\"Elmstreet\"]},"
    "{\"name\":\"shop_email\",\"tags\":[\"not-personal\"],\"samples\":[\"sales@shopsite.example\"]},"
    "{\"name\":\"queue\",\"samples\":[\"billing\",\"refunds\",\"parcels\",\"letters\",\"carla@example.com\",\"claims\"]"
    "},"
    "{\"name\":\"grade\",\"samples\":[\"Apprentice\",\"Journeyman\"],\"tags\":[\"ranks\"]}]}\n";

static void import__values_of_personal_columns__are_in_no_file_of_the_index(void **state) {
    (void)state;
    const char *folder = make_folder("people");
    (void)make_index(folder, people);
    static const char *const gone[] = {"annabel", "bobby@", "Reykjavik", "Timbuktu", "Elmstreet", "carla"};
    static const char *const kept[] = {"sales@shopsite", "Apprentice", "Journeyman", "parcels",
                                       "contact",        "town",       "street"};
    for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
        if (holds(folder, gone[i])) {
            fail_msg("the index holds %s", gone[i]);
        }
        assert_int_equal(hits_of(folder, gone[i]), 0);
    }
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (!holds(folder, kept[i])) {
            fail_msg("the index does not hold %s", kept[i]);
        }
        assert_true(hits_of(folder, kept[i]) > 0);
    }
}

/* What is embedded comes from units, so it is enough to see every text that the embedder is given. */
static void import__with_an_embedder__values_reach_it_as_little(void **state) {
    (void)state;
    hash_embedder embedder;
    hash_embedder_init(&embedder);
    const char *folder = make_folder("embedded");
    const char *import = make_file("people.jsonl", people);
    floe_index_request request = {.folder = folder, .imports = &import, .import_count = 1, .embedder = &embedder.base};
    (void)make_request(&request);
    assert_true(embedder.texts > 0);
    assert_false(holds(folder, "annabel"));
    assert_false(holds(folder, "Reykjavik"));
}

static void import__tags_that_are_no_list_of_texts__are_refused_with_the_line(void **state) {
    (void)state;
    static const char *const bad[] = {"\"pii\"", "[1]", "{\"pii\":true}"};
    for (size_t i = 0; i < 3; i++) {
        char line[200];
        floe_error err = {0};
        (void)snprintf(line, sizeof(line),
                       "{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"c\",\"tags\":%s}]}\n", bad[i]);
        const char *import = make_file("bad.jsonl", line);
        floe_index_request request = {.folder = make_folder("bad"), .imports = &import, .import_count = 1};
        floe_index_result result;
        assert_code(floe_index_build(&request, &result, &err), FLOE_INVALID);
        assert_message(&err, "bad.jsonl:1");
        assert_message(&err, "tags");
    }
}

/* ---- tags of definitions ---- */

static const floe_str personal[] = {TEXT("hot"), TEXT("Personal")};
static const floe_str cities[] = {TEXT("Reykjavik"), TEXT("Timbuktu")};
static const floe_str grades[] = {TEXT("Apprentice"), TEXT("Journeyman")};
static const floe_catalog_column columns[] = {
    {.name = TEXT("town"), .type = TEXT("string"), .samples = cities, .sample_count = 2},
    {.name = TEXT("grade"), .type = TEXT("string"), .samples = grades, .sample_count = 2},
};

typedef struct catalog {
    bool reads; /* false: tables are known to be unchanged */
    const char *name;
} catalog;

static floe_status give_table(void *context,
                              floe_status (*table)(void *sink, const floe_catalog_table *table, floe_error *err),
                              floe_str (*known)(void *sink, floe_str database, floe_str name), void *sink,
                              floe_error *err) {
    const catalog *from = context;
    floe_catalog_table found = {.database = FLOE_STR("lake.hr"),
                                .name = floe_str_of(from->name),
                                .columns = from->reads ? columns : NULL,
                                .column_count = from->reads ? 2 : 0,
                                .version = FLOE_STR("v1")};
    assert_true(from->reads || floe_str_is(known(sink, found.database, found.name), "v1"));
    return table(sink, &found, err);
}

typedef struct tagged {
    floe_entity entity;
    floe_source source;
    floe_output outputs[2];
    floe_view view;
    floe_definitions definitions;
} tagged;

static void make_tagged(tagged *made) {
    *made = (tagged){.entity = {.about = {.name = TEXT("person")}},
                     .source = {.about = {.name = TEXT("staff")}, .table = TEXT("lake.hr.people")},
                     .outputs = {{.about = {.name = TEXT("home")}, .column = TEXT("town")},
                                 {.about = {.name = TEXT("rank")}, .column = TEXT("grade")}}};
    made->view = (floe_view){.about = {.name = TEXT("staff")},
                             .entity = &made->entity,
                             .source = &made->source,
                             .outputs = made->outputs,
                             .output_count = 2};
    made->definitions = (floe_definitions){
        .sources = &made->source, .source_count = 1, .views = &made->view, .view_count = 1, .version = 1};
}

static floe_index_result build(const char *folder, catalog *from, const floe_definitions *definitions) {
    floe_catalog_reader reader = {give_table, from};
    floe_index_request request = {.folder = folder, .catalog = &reader, .definitions = definitions};
    return make_request(&request);
}

static void definitions__tag_of_a_feature__marks_its_source_column_alone(void **state) {
    (void)state;
    tagged made;
    make_tagged(&made);
    catalog from = {true, "people"};
    const char *folder = make_folder("feature tag");
    (void)build(folder, &from, &made.definitions);
    assert_true(holds(folder, "Reykjavik"));
    made.outputs[0].about.tags = personal;
    made.outputs[0].about.tag_count = 2;
    folder = make_folder("feature tag 2");
    (void)build(folder, &from, &made.definitions);
    assert_false(holds(folder, "Reykjavik"));
    assert_true(holds(folder, "Apprentice"));
}

static void definitions__tag_of_a_source__marks_every_column_of_its_table_and_no_other(void **state) {
    (void)state;
    tagged made;
    make_tagged(&made);
    made.source.about.tags = personal;
    made.source.about.tag_count = 2;
    catalog from = {true, "people"};
    const char *folder = make_folder("source tag");
    (void)build(folder, &from, &made.definitions);
    assert_false(holds(folder, "Reykjavik"));
    assert_false(holds(folder, "Apprentice"));
    catalog other = {true, "peoples"};
    folder = make_folder("other table");
    (void)build(folder, &other, &made.definitions);
    assert_true(holds(folder, "Reykjavik"));
}

/* The table was read before anybody tagged it, and has not changed since. */
static void definitions__tag_that_comes_later__takes_the_values_of_an_unchanged_table_away(void **state) {
    (void)state;
    tagged made;
    make_tagged(&made);
    catalog from = {true, "people"};
    const char *folder = make_folder("later");
    (void)build(folder, &from, &made.definitions);
    assert_true(hits_of(folder, "Timbuktu") > 0);
    from.reads = false;
    made.outputs[0].about.tags = personal;
    made.outputs[0].about.tag_count = 2;
    floe_index_result result = build(folder, &from, &made.definitions);
    assert_true(result.documents_changed > 0);
    assert_int_equal(hits_of(folder, "Timbuktu"), 0);
    assert_false(holds(folder, "Timbuktu"));
    assert_true(hits_of(folder, "Journeyman") > 0);
    result = build(folder, &from, &made.definitions);
    assert_int_equal(result.documents_changed, 0);
}

/* ---- marking by itself ---- */

static void mark__a_verdict_that_is_there__stands_when_its_values_are_gone(void **state) {
    (void)state;
    ARENA(arena);
    const floe_part parts[] = {{.name = TEXT("x"), .personal = FLOE_PERSONAL_PHONE},
                               {.name = TEXT("email"), .words = {cities, 2}},
                               {.name = TEXT("town"), .type = TEXT("string")}};
    floe_unit unit = {.kind = FLOE_UNIT_TABLE, .space = TEXT("d"), .name = TEXT("t"), .parts = parts, .part_count = 3};
    floe_unit_mark(NULL, &arena, &unit);
    assert_int_equal(unit.parts[0].personal, FLOE_PERSONAL_PHONE);
    assert_int_equal(unit.parts[1].personal, FLOE_PERSONAL_NO);
    assert_int_equal(unit.parts[1].words.count, 2);
    assert_int_equal(unit.parts[2].personal, FLOE_PERSONAL_NO);
    assert_int_equal(parts[0].personal, FLOE_PERSONAL_PHONE);
}

/* Of a column with many values none is a sample, and what they are is still seen. */
static void mark__values_that_only_the_detector_sees__decide_and_are_not_kept(void **state) {
    (void)state;
    ARENA(arena);
    static const floe_str cards[] = {TEXT("4111111111111111"), TEXT("5555555555554444"), TEXT("378282246310005")};
    static const floe_str mails[] = {TEXT("ann@example.com"), TEXT("bob@example.com")};
    const floe_sketch sketch = {.rows = 3, .values = 3, .distinct = 3, .whole = true};
    const floe_part parts[] = {{.name = TEXT("ref"), .type = TEXT("long"), .probes = {cards, 3}, .sketch = &sketch},
                               {.name = TEXT("login"), .type = TEXT("string"), .probes = {mails, 2}, .sketch = &sketch},
                               {.name = TEXT("town"), .type = TEXT("string"), .probes = {cities, 2}, .sketch = &sketch},
                               {.name = TEXT("email"), .type = TEXT("string"), .probes = {cities, 2}}};
    floe_unit unit = {.kind = FLOE_UNIT_TABLE, .space = TEXT("d"), .name = TEXT("t"), .parts = parts, .part_count = 4};
    floe_unit_mark(NULL, &arena, &unit);
    assert_int_equal(unit.parts[0].personal, FLOE_PERSONAL_CARD);
    assert_int_equal(unit.parts[1].personal, FLOE_PERSONAL_EMAIL);
    assert_int_equal(unit.parts[2].personal, FLOE_PERSONAL_NO);
    assert_int_equal(unit.parts[3].personal, FLOE_PERSONAL_NO);
    for (size_t i = 0; i < unit.part_count; i++) {
        assert_int_equal(unit.parts[i].probes.count, 0);
    }
    assert_null(unit.parts[0].sketch);
    assert_null(unit.parts[1].sketch);
    assert_ptr_equal(unit.parts[2].sketch, &sketch);
}

static floe_status mark_once(void *context, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_MIB(1));
    const floe_part part = {.name = TEXT("email")};
    floe_unit unit = {.kind = FLOE_UNIT_TABLE, .parts = &part, .part_count = 1};
    (void)context;
    floe_unit_mark(NULL, &arena, &unit);
    return floe_arena_check(&arena, err);
}

static void mark__without_memory__is_the_arenas_failure(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(mark_once, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(import__values_of_personal_columns__are_in_no_file_of_the_index),
        cmocka_unit_test(import__with_an_embedder__values_reach_it_as_little),
        cmocka_unit_test(import__tags_that_are_no_list_of_texts__are_refused_with_the_line),
        cmocka_unit_test(definitions__tag_of_a_feature__marks_its_source_column_alone),
        cmocka_unit_test(definitions__tag_of_a_source__marks_every_column_of_its_table_and_no_other),
        cmocka_unit_test(definitions__tag_that_comes_later__takes_the_values_of_an_unchanged_table_away),
        cmocka_unit_test(mark__a_verdict_that_is_there__stands_when_its_values_are_gone),
        cmocka_unit_test(mark__values_that_only_the_detector_sees__decide_and_are_not_kept),
        cmocka_unit_test(mark__without_memory__is_the_arenas_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
