/*
 * Contexts: what is chosen, that every piece is whole and the budget holds, and that a role's context is that of an index
 * which never held the rest.
 */
#include "tests/vector/context/asking.h"

#include "core/json.h"
#include "core/limits.h"
#include "tests/vector/definitions.h"

#include <stdio.h>
#include <stdlib.h>

static floe_arena arena;
static floe_search *search;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_GIB(2));
    search = make_search("context", shop_lines());
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_search_close(&search);
    floe_arena_close(&arena);
    return 0;
}

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static floe_context make(const char *question, size_t token_max) {
    floe_context_request request = {.question = floe_str_of(question), .token_max = token_max};
    return context_of(search, &arena, &request);
}

static bool has(floe_str text, const char *part) {
    return memmem(text.ptr, text.len, part, strlen(part)) != NULL;
}

/* Where a part begins; the length of the text when it is not there. */
static size_t place(floe_str text, const char *part) {
    const char *found = memmem(text.ptr, text.len, part, strlen(part));
    return found ? (size_t)(found - text.ptr) : text.len;
}

/* ---- describing ---- */

static const char *described(const char *reference, const floe_role *role) {
    floe_described_table table = {0};
    floe_error err = {0};
    if (floe_failed(floe_search_describe(search, floe_str_of(reference), role, &arena, &table, &err))) {
        return floe_arena_printf(&arena, "%s: %s", floe_code_describe(err.code)->name, err.message);
    }
    return floe_arena_printf(&arena, "%.*s with %zu columns and %zu joins", FLOE_STR_ARG(table.sql_name),
                             table.column_count, table.join_count);
}

static void describe__names__are_found_whole_in_part_and_in_any_case(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"shop.customers", "\"shop\".\"customers\" with 3 columns and 1 joins"},
        {"customers", "\"shop\".\"customers\" with 3 columns and 1 joins"},
        {"Shop.Customers", "\"shop\".\"customers\" with 3 columns and 1 joins"},
        {"order_lines", "\"shop\".\"order_lines\" with 3 columns and 2 joins"},
        {"shop.orders", "\"shop\".\"orders\" with 4 columns and 2 joins"},
        {"other.orders", "\"other\".\"orders\" with 1 columns and 0 joins"},
        {"orders", "CONFLICT: orders may be other.orders or shop.orders; write it in full"},
        {"custmers", "NOT_FOUND: no table custmers is indexed; did you mean shop.customers?"},
        {"shop.custmers", "NOT_FOUND: no table shop.custmers is indexed; did you mean shop.customers?"},
        {"hop.customers", "NOT_FOUND: no table hop.customers is indexed; did you mean shop.customers?"},
        {"zzzzzzzzzzzz", "NOT_FOUND: no table zzzzzzzzzzzz is indexed"},
        {"", "NOT_FOUND: no table  is indexed"},
        {".customers", "NOT_FOUND: no table .customers is indexed; did you mean shop.customers?"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_string_equal(described(cases[i][0], NULL), cases[i][1]);
    }
}

static void describe__for_a_role__knows_nothing_of_the_rest(void **state) {
    (void)state;
    const floe_role *role = role_of(&arena, "hr", "shop.orders", "shop.orders.discount");
    assert_string_equal(described("orders", role), "\"shop\".\"orders\" with 3 columns and 0 joins");
    assert_string_equal(described("customers", role), "NOT_FOUND: no table customers is indexed");
    assert_string_equal(described("salaries", role), "\"hr\".\"salaries\" with 2 columns and 1 joins");
    /* A key with a denied column is no key. */
    const floe_role *keyless = role_of(&arena, "hr", NULL, "hr.people.id");
    assert_string_equal(described("salaries", keyless), "\"hr\".\"salaries\" with 2 columns and 0 joins");
}

static void describe__json__has_everything(void **state) {
    (void)state;
    FLOE_AUTO_BUF out;
    floe_described_table table = {0};
    const floe_node *root = NULL;
    floe_error err = {0};
    floe_buf_init(&out, FLOE_MIB(1));
    assert_ok(floe_search_describe(search, FLOE_STR("order_lines"), NULL, &arena, &table, &err), &err);
    floe_described_print_json(&table, &out);
    assert_ok(floe_json_parse(&arena, floe_buf_view(&out), &root, &err), &err);
    assert_true(floe_str_is(floe_node_get(root, "sql_name")->text, "\"shop\".\"order_lines\""));
    const floe_node *columns = floe_node_get(root, "columns");
    assert_int_equal(columns->count, 3);
    assert_true(floe_node_get(columns->items[0], "key")->as.boolean);
    assert_false(floe_node_get(columns->items[2], "key")->as.boolean);
    const floe_node *joins = floe_node_get(root, "joins");
    assert_int_equal(joins->count, 2);
    /* A key without names for the other side means its primary key. */
    for (size_t i = 0; i < joins->count; i++) {
        assert_true(floe_str_is(floe_node_get(joins->items[i], "other_columns")->items[0]->text, "id"));
    }
}

/* ---- what is chosen ---- */

static void context__a_question__has_its_tables_columns_and_keys(void **state) {
    (void)state;
    floe_context context = make("when did customers place orders", 4000);
    assert_true(floe_str_is(context.mode, "lexical"));
    assert_true(has(context.text, "-- What customers ordered.\nCREATE TABLE \"shop\".\"orders\" (\n  \"id\" int,\n"));
    assert_true(has(context.text, "  \"placed\" date, -- When it was ordered.\n"));
    assert_true(has(context.text, "  PRIMARY KEY (\"id\"),\n  FOREIGN KEY (\"customer_id\") REFERENCES "
                                  "\"shop\".\"customers\" (\"id\")\n);\n"));
    assert_true(has(context.text, "  \"city\" text, -- such as 'Oslo', 'it''s'\n"));
    assert_true(has(context.text, "-- \"shop\".\"orders\".\"customer_id\" = \"shop\".\"customers\".\"id\"\n"));
    assert_false(has(context.text, "Left out"));
    assert_true(context.tokens == floe_tokens_count(context.text));
}

/* orders and categories are two tables apart; neither of the two matches a word, and the search gives them little. With room
 * for four tables they come before any other. */
static void context__tables_that_lie_between__come_with_those_they_join(void **state) {
    (void)state;
    static const char *const way[] = {"orders", "order_lines", "products", "categories"};
    floe_context context = make("discount by label", 460);
    for (size_t i = 0; i < COUNT(way); i++) {
        if (!has(context.text, floe_arena_printf(&arena, "CREATE TABLE \"shop\".\"%s\"", way[i]))) {
            print_message("%.*s\n", FLOE_STR_ARG(context.text));
            fail();
        }
    }
    context = make("discount by label", 4000);
    assert_true(has(context.text, "-- \"shop\".\"order_lines\".\"product_id\" = \"shop\".\"products\".\"id\"\n"));
    assert_true(has(context.text, "-- \"shop\".\"products\".\"category_id\" = \"shop\".\"categories\".\"id\"\n"));
}

/* A chain whose middle the search does not reach: its ends are known by a verified question alone. */
static void context__ends_of_a_chain__bring_its_middle(void **state) {
    (void)state;
    static const char chain[] =
        "{\"database\":\"c\",\"table\":\"alpha\",\"columns\":[{\"name\":\"k\"}],\"primary_key\":[\"k\"]}\n"
        "{\"database\":\"c\",\"table\":\"beta\",\"columns\":[{\"name\":\"p\"},{\"name\":\"q\"}],\"foreign_keys\":[{"
        "\"columns\":[\"p\"],"
        "\"table\":\"alpha\",\"references\":[\"k\"]},{\"columns\":[\"q\"],\"table\":\"gamma\",\"references\":[\"k\"]}]}"
        "\n"
        "{\"database\":\"c\",\"table\":\"gamma\",\"columns\":[{\"name\":\"k\"}],\"primary_key\":[\"k\"]}\n"
        "{\"database\":\"c\",\"table\":\"lonely\",\"columns\":[{\"name\":\"z\"}]}\n";
    static const char *const triples[] = {"What sells best?", "SELECT 1", "c.alpha c.gamma", NULL};
    floe_search *own = make_search("context-chain", chain);
    floe_verified *verified = verified_of(&arena, triples);
    floe_context_request request = {.question = FLOE_STR("what sells best"), .verified = verified};
    floe_context context = context_of(own, &arena, &request);
    size_t bridges = 0;
    for (size_t i = 0; i < context.table_count; i++) {
        if (context.tables[i].bridge) {
            bridges++;
            assert_true(floe_str_is(context.tables[i].table.name, "beta"));
            assert_true(context.tables[i].score == 0);
        }
    }
    assert_int_equal(bridges, 1);
    assert_true(has(context.text, "CREATE TABLE \"c\".\"beta\""));
    assert_false(has(context.text, "lonely"));
    /* Hidden, the middle is no way. */
    request.role = role_of(&arena, NULL, "c.alpha,c.gamma", NULL);
    context = context_of(own, &arena, &request);
    assert_false(has(context.text, "beta"));
    assert_true(has(context.text, "CREATE TABLE \"c\".\"gamma\""));
    floe_verified_close(&verified);
    floe_search_close(&own);
}

static void context__a_wide_table__keeps_its_key_and_what_matches(void **state) {
    (void)state;
    floe_context context = make("barometer", 300);
    assert_true(has(context.text, "CREATE TABLE \"lab\".\"wide\" ("));
    assert_true(has(context.text, "  \"barometer\" double"));
    assert_true(has(context.text, "  \"sample_key\" int,\n"));
    assert_true(has(context.text, "  PRIMARY KEY (\"sample_key\")\n"));
    assert_int_equal(context.table_count, 1);
    size_t shown = context.tables[0].table.column_count;
    assert_int_equal(shown + context.tables[0].columns_left_out, 202);
    assert_true(has(context.text, floe_arena_printf(&arena, "\n  -- %zu more columns\n);\n", 202 - shown)));
    floe_context whole = make("barometer", 20000);
    assert_int_equal(whole.tables[0].columns_left_out, 0);
    assert_false(has(whole.text, "more column"));
    /* The columns come in the schema's order, whatever matched. */
    assert_true(place(whole.text, "measure_000") < place(whole.text, "measure_199"));
    assert_true(place(whole.text, "measure_199") < place(whole.text, "barometer"));
}

static void context__verified_questions__come_with_their_sql_and_their_tables(void **state) {
    (void)state;
    static const char *const triples[] = {"Which label sells best?",
                                          "SELECT label\nFROM categories;",
                                          "shop.categories",
                                          "How heavy is the barometer?",
                                          "SELECT 1",
                                          "lab.wide gone.table",
                                          NULL};
    floe_verified *verified = verified_of(&arena, triples);
    floe_context_request request = {.question = FLOE_STR("what sells best"), .verified = verified};
    floe_context context = context_of(search, &arena, &request);
    assert_true(has(context.text, "-- Which label sells best?\nSELECT label\nFROM categories;\n"));
    assert_false(has(context.text, "barometer"));
    assert_int_equal(context.question_count, 1);
    /* No word of the question is in the catalog: the table is there because of the verified question. */
    assert_true(has(context.text, "CREATE TABLE \"shop\".\"categories\""));
    request.in = FLOE_STR("hr");
    context = context_of(search, &arena, &request);
    assert_false(has(context.text, "CREATE TABLE \"shop\""));
    floe_verified_close(&verified);
}

static void context__features__are_listed(void **state) {
    (void)state;
    const char *folder = make_folder("context-features");
    const char *import = make_file("context-lake.jsonl", make_lake);
    floe_index_request build = {
        .folder = folder, .imports = &import, .import_count = 1, .definitions = make_definitions()};
    floe_search *own = NULL;
    floe_error err = {0};
    (void)make_request(&build);
    assert_ok(floe_search_open(folder, NULL, &own, &err), &err);
    floe_context_request request = {.question = FLOE_STR("mean delay of an airport")};
    floe_context context = context_of(own, &arena, &request);
    assert_true(has(context.text, "-- Features that floe serves (no SQL tables):\n"));
    assert_true(has(context.text, "-- airport_delays:delay_mean_7d"));
    assert_true(context.feature_count > 0);
    floe_search_close(&own);
}

static void context__nothing_found__says_so(void **state) {
    (void)state;
    floe_context context = make("xyzzy plugh", 100);
    assert_int_equal(context.table_count, 0);
    assert_true(has(context.text, "Nothing in the catalog matches"));
}

static void context__bad_requests__are_invalid(void **state) {
    (void)state;
    static const size_t sizes[] = {1, FLOE_CONTEXT_TOKENS_MIN - 1, FLOE_CONTEXT_TOKENS_MAX + 1};
    floe_context context;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        floe_context_request request = {.question = FLOE_STR("orders"), .token_max = sizes[i]};
        floe_error err = {0};
        assert_code(floe_context_make(search, &request, &arena, &context, &err), FLOE_INVALID);
        assert_message(&err, "100 to 200000");
    }
    floe_error err = {0};
    floe_context_request empty = {.question = FLOE_STR("  ")};
    assert_code(floe_context_make(search, &empty, &arena, &context, &err), FLOE_INVALID);
    floe_error_clear(&err);
    floe_context_request unknown = {.question = FLOE_STR("orders"), .in = FLOE_STR("nowhere")};
    assert_code(floe_context_make(search, &unknown, &arena, &context, &err), FLOE_NOT_FOUND);
}

/* ---- the budget ---- */

/* Every statement is whole: what begins as a table ends as one before the next begins, and no line is cut. */
static void check_whole(floe_str text) {
    size_t open = 0;
    floe_str rest = text;
    floe_str line = {0};
    assert_true(text.len > 0 && text.ptr[text.len - 1] == '\n');
    while (floe_str_split(&rest, '\n', &line)) {
        bool begins = floe_str_starts_with(line, FLOE_STR("CREATE TABLE "));
        bool ends = floe_str_is(line, ");");
        assert_true(!begins || open == 0);
        assert_true(!ends || open == 1);
        open += begins ? 1 : 0;
        open -= ends ? 1 : 0;
        bool inside = open == 1 && !begins;
        assert_true(inside ? floe_str_starts_with(line, FLOE_STR("  "))
                           : begins || ends || line.len == 0 || floe_str_starts_with(line, FLOE_STR("--")) ||
                                 floe_str_starts_with(line, FLOE_STR("SELECT")));
    }
    assert_int_equal(open, 0);
}

static size_t count_parts(floe_str text, const char *part) {
    size_t count = 0;
    for (size_t at = place(text, part); at < text.len;
         at += 1 + place((floe_str){text.ptr + at + 1, text.len - at - 1}, part)) {
        count++;
    }
    return count;
}

static void context__any_budget__holds_and_nothing_is_cut(void **state) {
    (void)state;
    static const char *const questions[] = {"orders of customers by product category label", "barometer measure", "id",
                                            "what do people earn", "orders"};
    static const char *const triples[] = {"How many orders are there?",
                                          "SELECT count(*) FROM \"shop\".\"orders\"",
                                          "shop.orders",
                                          "Who orders most?",
                                          "SELECT 2",
                                          "shop.orders shop.customers",
                                          NULL};
    floe_verified *verified = verified_of(&arena, triples);
    for (size_t i = 0; i < COUNT(questions); i++) {
        size_t before = 0;
        for (size_t budget = FLOE_CONTEXT_TOKENS_MIN; budget < 6000; budget += budget / 9) {
            floe_context_request request = {
                .question = floe_str_of(questions[i]), .token_max = budget, .verified = verified};
            floe_context context = context_of(search, &arena, &request);
            assert_true(context.tokens <= budget);
            assert_int_equal(context.tokens, floe_tokens_count(context.text));
            check_whole(context.text);
            size_t shown = 0;
            for (size_t k = 0; k < context.table_count; k++) {
                shown += context.tables[k].shown ? 1 : 0;
            }
            assert_int_equal(shown, count_parts(context.text, "CREATE TABLE "));
            size_t left = context.table_count - shown + context.joins_left_out + context.features_left_out +
                          context.questions_left_out;
            assert_int_equal(left > 0, has(context.text, "-- Left out for want of room: "));
            /* More room never shows less, but for what a table's further columns push out. */
            assert_true(shown + 2 >= before);
            before = shown > before ? shown : before;
        }
        assert_true(before > 0);
    }
    floe_verified_close(&verified);
}

static void context__names_that_do_not_fit__are_counted(void **state) {
    (void)state;
    floe_context context = make("id", 100);
    assert_true(has(context.text, "-- Left out for want of room: "));
    assert_true(context.tokens <= 100);
    assert_true(context.table_count > 3);
}

/* Seven keys between two tables: four are pieces, and what is not shown is told, in the text and in figures. */
static void context__joins_beyond_those_of_a_pair__are_counted_as_left_out(void **state) {
    (void)state;
    static const char lines[] =
        "{\"database\":\"d\",\"table\":\"trip\",\"columns\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":\"c\"},{"
        "\"name\":"
        "\"d\"},{\"name\":\"e\"},{\"name\":\"f\"},{\"name\":\"g\"}],\"foreign_keys\":["
        "{\"columns\":[\"a\"],\"table\":\"place\",\"references\":[\"id\"]},{\"columns\":[\"b\"],\"table\":\"place\","
        "\"references\":[\"id\"]},{\"columns\":[\"c\"],\"table\":\"place\",\"references\":[\"id\"]},"
        "{\"columns\":[\"d\"],\"table\":\"place\",\"references\":[\"id\"]},{\"columns\":[\"e\"],\"table\":\"place\","
        "\"references\":[\"id\"]},{\"columns\":[\"f\"],\"table\":\"place\",\"references\":[\"id\"]},"
        "{\"columns\":[\"g\"],\"table\":\"place\",\"references\":[\"id\"]}]}\n"
        "{\"database\":\"d\",\"table\":\"place\",\"columns\":[{\"name\":\"id\"}],\"primary_key\":[\"id\"]}\n";
    floe_search *trips = make_search("trips", lines);
    floe_context_request request = {.question = FLOE_STR("trip to a place")};
    floe_context context = context_of(trips, &arena, &request);
    assert_int_equal(context.join_count, 4);
    assert_int_equal(context.joins_left_out, 3);
    assert_true(has(context.text, "-- Left out for want of room: 3 joins\n"));
    request.token_max = 120;
    context = context_of(trips, &arena, &request);
    assert_int_equal(context.join_count + context.joins_left_out, 7);
    floe_search_close(&trips);
}

/* ---- what others wrote ---- */

static void context__names_and_prose__stay_in_their_place(void **state) {
    (void)state;
    static const char lines[] = "{\"database\":\"a\\\"b\",\"table\":\"x\\ny\\\"; DROP\",\"description\":\"One.\\n); "
                                "DROP TABLE t; --\\u2028and\\u0085more\",\"columns\":["
                                "{\"name\":\"c\\\"d\",\"type\":\"int\\n); "
                                "--\",\"description\":\"first\\r\\nsecond\",\"samples\":[\"v\\nw\",\"it's\",\"ok\"]},"
                                "{\"name\":\"plain\",\"type\":\"varchar(10)\"}]}\n";
    floe_search *own = make_search("context-odd", lines);
    floe_context_request request = {.question = FLOE_STR("plain")};
    floe_context context = context_of(own, &arena, &request);
    check_whole(context.text);
    assert_true(
        has(context.text, "-- One. ); DROP TABLE t; -- and more\nCREATE TABLE \"a\"\"b\".\"x y\"\"; DROP\" (\n"));
    assert_true(has(context.text, "\n  \"c\"\"d\", -- first second; such as 'it''s', 'ok'\n"));
    assert_true(has(context.text, "\n  \"plain\" varchar(10)\n"));
    floe_search_close(&own);
}

static void context__long_prose__ends_after_a_sentence(void **state) {
    (void)state;
    FLOE_AUTO_BUF lines;
    floe_buf_init(&lines, FLOE_MIB(1));
    floe_buf_text(&lines,
                  "{\"database\":\"d\",\"table\":\"t\",\"columns\":[{\"name\":\"c\",\"description\":\"The first one. ");
    for (int i = 0; i < 100; i++) {
        floe_buf_text(&lines, "word ");
    }
    floe_buf_text(&lines, "\"},{\"name\":\"e\",\"description\":\"");
    for (int i = 0; i < 300; i++) {
        floe_buf_text(&lines, "\xC3\xA9");
    }
    floe_buf_text(&lines, "\"}]}\n");
    floe_search *own = make_search("context-long", floe_buf_view(&lines).ptr);
    floe_context_request request = {.question = FLOE_STR("c")};
    floe_context context = context_of(own, &arena, &request);
    assert_true(has(context.text, "-- The first one. \xE2\x80\xA6\n"));
    assert_true(floe_str_is_utf8(context.text));
    floe_search_close(&own);
}

/* ---- JSON ---- */

static void context__json__agrees_with_the_text(void **state) {
    (void)state;
    FLOE_AUTO_BUF out;
    const floe_node *root = NULL;
    floe_error err = {0};
    floe_context context = make("orders of customers by product", 260);
    floe_buf_init(&out, FLOE_MIB(4));
    floe_context_print_json(&context, &out);
    assert_ok(floe_json_parse(&arena, floe_buf_view(&out), &root, &err), &err);
    assert_true(floe_str_equal(floe_node_get(root, "context")->text, context.text));
    assert_int_equal(floe_node_get(root, "tokens")->as.integer, context.tokens);
    assert_int_equal(floe_node_get(root, "token_max")->as.integer, 260);
    const floe_node *tables = floe_node_get(root, "tables");
    const floe_node *left = floe_node_get(floe_node_get(root, "left_out"), "tables");
    assert_int_equal(tables->count + left->count, context.table_count);
    assert_int_equal(tables->count, count_parts(context.text, "CREATE TABLE "));
    for (size_t i = 0; i < tables->count; i++) {
        floe_str name = floe_node_get(tables->items[i], "sql_name")->text;
        assert_true(has(context.text, floe_arena_printf(&arena, "CREATE TABLE %.*s (", FLOE_STR_ARG(name))));
    }
    assert_int_equal(floe_node_get(root, "joins")->count, context.join_count);
}

/* ---- roles ---- */

#define RANDOM_TABLES 14
#define RANDOM_COLUMNS 5
static const char *const words[] = {"order", "customer", "price", "city", "airport", "delay", "unit", "label", "badge"};

typedef struct random_table {
    char name[32];
    char columns[RANDOM_COLUMNS][32];
    size_t refers; /* to this table's first column by its own second; SIZE_MAX: to none */
    bool seen;
    bool denied[RANDOM_COLUMNS];
} random_table;

static void make_tables(floe_test_rng *rng, random_table tables[RANDOM_TABLES]) {
    for (size_t i = 0; i < RANDOM_TABLES; i++) {
        random_table *table = &tables[i];
        *table = (random_table){.seen = floe_test_below(rng, 3) > 0};
        (void)snprintf(table->name, sizeof(table->name), "%s_%zu", words[floe_test_below(rng, COUNT(words))], i);
        for (size_t k = 0; k < RANDOM_COLUMNS; k++) {
            (void)snprintf(table->columns[k], sizeof(table->columns[k]), "%s_%zu",
                           words[floe_test_below(rng, COUNT(words))], k);
            table->denied[k] = table->seen && floe_test_below(rng, 6) == 0;
        }
        table->refers = floe_test_below(rng, 3) > 0 ? floe_test_below(rng, RANDOM_TABLES) : SIZE_MAX;
        table->refers = table->refers == i ? SIZE_MAX : table->refers;
    }
}

/* The import lines of all, or of what a role sees: no hidden table or column, no primary key with a denied column, no foreign
 * key that has one on either side or leads to a hidden table. */
static const char *lines_of(const random_table tables[RANDOM_TABLES], bool all) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    for (size_t i = 0; i < RANDOM_TABLES; i++) {
        const random_table *table = &tables[i];
        if (!all && !table->seen) {
            continue;
        }
        floe_buf_printf(&out, "{\"database\":\"d\",\"table\":\"%s\",\"columns\":[", table->name);
        const char *comma = "";
        for (size_t k = 0; k < RANDOM_COLUMNS; k++) {
            if (all || !table->denied[k]) {
                floe_buf_printf(&out, "%s{\"name\":\"%s\",\"type\":\"int\"}", comma, table->columns[k]);
                comma = ",";
            }
        }
        floe_buf_text(&out, "]");
        if (all || !table->denied[0]) {
            floe_buf_printf(&out, ",\"primary_key\":[\"%s\"]", table->columns[0]);
        }
        const random_table *other = table->refers == SIZE_MAX ? NULL : &tables[table->refers];
        if (other && (all || (other->seen && !other->denied[0] && !table->denied[1]))) {
            floe_buf_printf(&out, ",\"foreign_keys\":[{\"columns\":[\"%s\"],\"table\":\"%s\",\"references\":[\"%s\"]}]",
                            table->columns[1], other->name, other->columns[0]);
        }
        floe_buf_text(&out, "}\n");
    }
    return floe_arena_strndup(&arena, floe_buf_view(&out).ptr, out.len);
}

static const floe_role *role_of_tables(const random_table tables[RANDOM_TABLES]) {
    FLOE_AUTO_BUF seen;
    FLOE_AUTO_BUF denied;
    floe_buf_init(&seen, FLOE_KIB(64));
    floe_buf_init(&denied, FLOE_KIB(64));
    for (size_t i = 0; i < RANDOM_TABLES; i++) {
        if (tables[i].seen) {
            floe_buf_printf(&seen, "%sd.%s", seen.len ? "," : "", tables[i].name);
        }
        for (size_t k = 0; k < RANDOM_COLUMNS; k++) {
            if (tables[i].denied[k]) {
                floe_buf_printf(&denied, "%sd.%s.%s", denied.len ? "," : "", tables[i].name, tables[i].columns[k]);
            }
        }
    }
    return role_of(&arena, NULL, floe_arena_strdup(&arena, floe_buf_view(&seen).ptr),
                   floe_arena_strdup(&arena, floe_buf_view(&denied).ptr));
}

static void context__for_a_role__is_that_of_an_index_without_the_rest(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int round = 0; round < 25; round++) {
        random_table tables[RANDOM_TABLES];
        make_tables(&rng, tables);
        const char *some = lines_of(tables, false);
        if (some[0] == '\0') {
            continue;
        }
        floe_search *whole = make_search(floe_arena_printf(&arena, "role-all-%d", round), lines_of(tables, true));
        floe_search *part = make_search(floe_arena_printf(&arena, "role-some-%d", round), some);
        const floe_role *role = role_of_tables(tables);
        for (size_t i = 0; i < 6; i++) {
            const char *question = floe_arena_printf(&arena, "%s %s", words[floe_test_below(&rng, COUNT(words))],
                                                     words[floe_test_below(&rng, COUNT(words))]);
            size_t budget = 100 + floe_test_below(&rng, 900);
            floe_context_request seen = {.question = floe_str_of(question), .token_max = budget, .role = role};
            floe_context_request rest = {.question = floe_str_of(question), .token_max = budget};
            floe_context with = context_of(whole, &arena, &seen);
            floe_context without = context_of(part, &arena, &rest);
            if (!floe_str_equal(with.text, without.text)) {
                print_message("%s\n--- of the role\n%.*s\n--- of the rest\n%.*s\n", question, FLOE_STR_ARG(with.text),
                              FLOE_STR_ARG(without.text));
                fail();
            }
        }
        floe_search_close(&whole);
        floe_search_close(&part);
    }
}

/* ---- memory ---- */

static floe_status make_once(void *context, floe_error *err) {
    FLOE_AUTO_ARENA own;
    FLOE_AUTO_BUF out;
    floe_context made;
    floe_context_request request = {.question = FLOE_STR("orders of customers"), .token_max = 400};
    (void)context;
    floe_arena_init(&own, FLOE_MIB(64));
    floe_buf_init(&out, FLOE_MIB(1));
    FLOE_TRY(floe_context_make(search, &request, &own, &made, err));
    floe_context_print_json(&made, &out);
    return floe_buf_check(&out, err);
}

static void context__any_allocation_fails__is_an_error_and_leaks_nothing(void **state) {
    (void)state;
    assert_true(floe_test_alloc_sweep(make_once, NULL) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describe__names__are_found_whole_in_part_and_in_any_case),
        cmocka_unit_test(describe__for_a_role__knows_nothing_of_the_rest),
        cmocka_unit_test(describe__json__has_everything),
        cmocka_unit_test(context__a_question__has_its_tables_columns_and_keys),
        cmocka_unit_test(context__tables_that_lie_between__come_with_those_they_join),
        cmocka_unit_test(context__ends_of_a_chain__bring_its_middle),
        cmocka_unit_test(context__a_wide_table__keeps_its_key_and_what_matches),
        cmocka_unit_test(context__verified_questions__come_with_their_sql_and_their_tables),
        cmocka_unit_test(context__features__are_listed),
        cmocka_unit_test(context__nothing_found__says_so),
        cmocka_unit_test(context__bad_requests__are_invalid),
        cmocka_unit_test(context__any_budget__holds_and_nothing_is_cut),
        cmocka_unit_test(context__names_that_do_not_fit__are_counted),
        cmocka_unit_test(context__joins_beyond_those_of_a_pair__are_counted_as_left_out),
        cmocka_unit_test(context__names_and_prose__stay_in_their_place),
        cmocka_unit_test(context__long_prose__ends_after_a_sentence),
        cmocka_unit_test(context__json__agrees_with_the_text),
        cmocka_unit_test(context__for_a_role__is_that_of_an_index_without_the_rest),
        cmocka_unit_test(context__any_allocation_fails__is_an_error_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
