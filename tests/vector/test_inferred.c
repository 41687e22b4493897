/*
 * Keys that nobody declared: what names say, what values say, what neither may say; for roles; and on made warehouses whose keys
 * are known, with precision and recall. The seed is printed.
 */
#include "tests/vector/maker.h"
#include "tests/vector/world.h"
#include "vector/context/context_int.h"
#include "vector/rank/inferred_int.h"

#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static floe_arena arena;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_GIB(2));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

/* ---- what is inferred, as text ---- */

static int compare_lines(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "a.b > c.d by names; …", sorted. */
static const char *keys_of(const floe_corpus *corpus) {
    const char *lines[256];
    size_t count = 0;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    for (size_t i = 0; i < corpus->table_count; i++) {
        for (size_t k = 0; k < corpus->tables[i].inferred_count && count < COUNT(lines); k++) {
            const floe_inferred_key *key = &corpus->tables[i].inferred[k];
            const floe_column_entry *from = &corpus->columns[key->column];
            const floe_column_entry *to = &corpus->columns[key->other];
            lines[count++] =
                floe_arena_printf(&arena, "%.*s.%.*s > %.*s.%.*s by %s", FLOE_STR_ARG(corpus->tables[i].name),
                                  FLOE_STR_ARG(from->name), FLOE_STR_ARG(corpus->tables[to->table].name),
                                  FLOE_STR_ARG(to->name), key->by_values ? "values" : "names");
        }
    }
    qsort(lines, count, sizeof(*lines), compare_lines);
    for (size_t i = 0; i < count; i++) {
        floe_buf_printf(&out, "%s%s", i > 0 ? "; " : "", lines[i]);
    }
    return floe_arena_strndup(&arena, out.ptr ? out.ptr : "", out.len);
}

static const floe_corpus *corpus_of(floe_search *search, const floe_role *role) {
    const floe_corpus *corpus = NULL;
    floe_error err = {0};
    assert_ok(floe_search_corpus(search, role, &corpus, &err), &err);
    return corpus;
}

/* Import lines of one database from "table(column type *key, …)"; '*' marks the primary key. NULL at the end. */
static const char *lines_of(const char *const *tables) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(4));
    for (size_t i = 0; tables[i]; i++) {
        FLOE_AUTO_BUF key;
        floe_buf_init(&key, FLOE_KIB(4));
        floe_str rest = floe_str_of(tables[i]);
        floe_str name = {0};
        floe_str column = {0};
        (void)floe_str_split(&rest, '(', &name);
        rest.len--;
        floe_buf_printf(&out, "{\"database\":\"d\",\"table\":\"%.*s\",\"columns\":[", FLOE_STR_ARG(name));
        for (bool first = true; floe_str_split(&rest, ',', &column); first = false) {
            column = floe_str_trim(column);
            bool primary = column.ptr[0] == '*';
            column = primary ? (floe_str){column.ptr + 1, column.len - 1} : column;
            floe_str type = column;
            floe_str own = {0};
            (void)floe_str_split(&type, ':', &own);
            floe_buf_printf(&out, "%s{\"name\":\"%.*s\",\"type\":\"%.*s\"}", first ? "" : ",", FLOE_STR_ARG(own),
                            FLOE_STR_ARG(type));
            if (primary) {
                floe_buf_printf(&key, "%s\"%.*s\"", key.len > 0 ? "," : "", FLOE_STR_ARG(own));
            }
        }
        floe_buf_printf(&out, "],\"primary_key\":[%.*s]}\n", (int)key.len, key.ptr ? key.ptr : "");
    }
    return floe_arena_strndup(&arena, out.ptr, out.len);
}

static void check_names(const char *name, const char *const *tables, const char *expected) {
    floe_search *search = make_search(name, lines_of(tables));
    assert_string_equal(keys_of(corpus_of(search, NULL)), expected);
    floe_search_close(&search);
}
#define CHECK_NAMES(expected, ...) check_names(__func__, (const char *const[]){__VA_ARGS__, NULL}, expected)

/* ---- by names ---- */

static void names__table_and_key__are_a_key(void **state) {
    (void)state;
    CHECK_NAMES("orders.customer_id > customers.id by names", "customers(id:int, name:string)",
                "orders(id:int, customer_id:int)");
    CHECK_NAMES("orders.CustomerID > Customers.CustomerID by names", "Customers(*CustomerID:int, Name:string)",
                "orders(OrderID:int, CustomerID:int)");
    CHECK_NAMES("ORD.CUST_NBR > CUST.CUST_NBR by names", "CUST(*CUST_NBR:number, NM:text)",
                "ORD(ORD_NBR:number, CUST_NBR:number)");
}

static void names__role_before_the_table__is_read_over(void **state) {
    (void)state;
    CHECK_NAMES("games.away_team_id > teams.team_id by names; games.home_team_id > teams.team_id by names",
                "teams(team_id:int, city:string)", "games(game_id:int, home_team_id:int, away_team_id:int)");
}

static void names__layers_and_prefixes_of_a_warehouse__are_read_over(void **state) {
    (void)state;
    CHECK_NAMES("fact_sales.customer_key > dim_customer.customer_key by names",
                "dim_customer(customer_key:bigint, name:string)", "fact_sales(sale_no:bigint, customer_key:bigint)");
    /* Two tables end in student; the one with the own prefix is meant. */
    CHECK_NAMES("college_enrolment.student_id > college_student.student_id by names",
                "college_student(student_id:int, gpa:double)", "school_student(student_id:int, grade:string)",
                "college_enrolment(enrolment_no:int, student_id:int)");
}

static void names__declared_key_of_the_very_name__is_referred_to(void **state) {
    (void)state;
    CHECK_NAMES("order_items.order_id > customer_orders.order_id by names", "customer_orders(*order_id:int, day:date)",
                "order_items(*item_no:int, order_id:int)");
    /* Two tables have it: neither. */
    CHECK_NAMES("", "customer_orders(*order_id:int, day:date)", "old_orders(*order_id:int, note:string)",
                "order_items(*item_no:int, order_id:int)");
}

static void names__what_is_no_key__joins_nothing(void **state) {
    (void)state;
    /* Equal names alone; a column that is only called id; another type; the own table; a column without a key's word. */
    CHECK_NAMES("", "a(id:int, code:string)", "b(id:int, code:string)");
    CHECK_NAMES("", "customers(id:string, name:string)", "orders(id:int, customer_id:int)");
    CHECK_NAMES("", "customers(id:date, name:string)", "orders(id:int, customer_id:date)");
    CHECK_NAMES("", "orders(order_id:int, day:date)", "days(day:date, name:string)");
    CHECK_NAMES("", "customers(id:int, name:string)", "orders(id:int, customer:int)");
    /* A part of a key of two columns refers to no single row. */
    CHECK_NAMES("", "rooms(*building:int, *room_id:int, seats:int)", "talks(talk_no:int, room_id:int)");
}

static void names__two_tables_of_one_name__join_neither(void **state) {
    (void)state;
    CHECK_NAMES("", "dim_customer(id:int, name:string)", "stg_customer(id:int, load_day:date)",
                "orders(order_no:int, customer_id:int)");
}

static void names__copies_of_a_table__are_not_joined(void **state) {
    (void)state;
    CHECK_NAMES("", "order(*order_id:int, day:date, price:double)",
                "tmp_order_bak(order_id:int, day:date, price:double)");
}

static void names__declared_key__is_not_inferred_again(void **state) {
    (void)state;
    floe_search *search =
        make_search("declared", "{\"database\":\"d\",\"table\":\"customers\",\"columns\":[{\"name\":\"id\"},{\"name\":"
                                "\"x\"}],\"primary_key\":[\"id\"]}\n"
                                "{\"database\":\"d\",\"table\":\"orders\",\"columns\":[{\"name\":\"no\"},{\"name\":"
                                "\"customer_id\"}],\"foreign_keys\":"
                                "[{\"columns\":[\"customer_id\"],\"table\":\"customers\",\"references\":[\"id\"]}]}\n");
    const floe_corpus *corpus = corpus_of(search, NULL);
    assert_string_equal(keys_of(corpus), "");
    assert_int_equal(corpus->tables[1].neighbour_count, 1);
    assert_int_equal(corpus->tables[1].declared_count, 1);
    floe_search_close(&search);
}

static void types__are_put_into_classes(void **state) {
    (void)state;
    static const struct {
        const char *type;
        floe_type_class class;
    } cases[] = {{"", FLOE_TYPE_UNKNOWN},          {"int", FLOE_TYPE_NUMBER},
                 {"BIGINT", FLOE_TYPE_NUMBER},     {"decimal(18, 0)", FLOE_TYPE_NUMBER},
                 {"varchar(20)", FLOE_TYPE_TEXT},  {"string", FLOE_TYPE_TEXT},
                 {"uuid", FLOE_TYPE_TEXT},         {"date", FLOE_TYPE_OTHER},
                 {"timestamptz", FLOE_TYPE_OTHER}, {"boolean", FLOE_TYPE_OTHER},
                 {"interval", FLOE_TYPE_OTHER},    {"list<int>", FLOE_TYPE_OTHER},
                 {"double", FLOE_TYPE_OTHER}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(floe_type_class_of(floe_str_of(cases[i].type)), cases[i].class);
    }
    assert_true(floe_types_agree(FLOE_TYPE_UNKNOWN, FLOE_TYPE_TEXT));
    assert_false(floe_types_agree(FLOE_TYPE_NUMBER, FLOE_TYPE_TEXT));
    assert_false(floe_types_agree(FLOE_TYPE_OTHER, FLOE_TYPE_OTHER));
}

/* ---- by values ---- */

/* Values of a column: first, first + step, …, each so many times; `text` writes them after it. */
typedef struct filled {
    const char *table, *column, *type, *text;
    int64_t first, step, count, times;
} filled;

static const floe_sketch *sketch_of(const filled *from) {
    floe_sketcher sketcher;
    floe_sketcher_init(&sketcher, &arena);
    for (int64_t i = 0; i < from->count * from->times; i++) {
        int64_t value = from->first + i % from->count * from->step;
        if (from->text) {
            floe_sketcher_text(&sketcher,
                               floe_str_of(floe_arena_printf(&arena, "%s%lld", from->text, (long long)value)));
        } else {
            floe_sketcher_int(&sketcher, value);
        }
    }
    return floe_sketcher_finish(&sketcher, true);
}

/* Columns of one table follow each other. */
static world world_of(const filled *columns, size_t count) {
    world made = {.arena = &arena, .tables = floe_arena_alloc(&arena, count, sizeof(*made.tables))};
    floe_catalog_column *all = floe_arena_alloc(&arena, count, sizeof(*all));
    for (size_t i = 0; i < count; i++) {
        floe_catalog_table *table = made.table_count > 0 ? &made.tables[made.table_count - 1] : NULL;
        if (!table || !floe_str_is(table->name, columns[i].table)) {
            table = &made.tables[made.table_count++];
            *table = (floe_catalog_table){.database = FLOE_STR("lake.shop"),
                                          .name = floe_str_of(columns[i].table),
                                          .columns = &all[i],
                                          .version = FLOE_STR("v1")};
        }
        all[i] = (floe_catalog_column){.name = floe_str_of(columns[i].column),
                                       .type = floe_str_of(columns[i].type),
                                       .sketch = columns[i].count > 0 ? sketch_of(&columns[i]) : NULL};
        table->column_count++;
    }
    return made;
}

static void check_values(const char *name, const filled *columns, size_t count, const char *expected) {
    world made = world_of(columns, count);
    const char *folder = make_folder(name);
    floe_search *search = NULL;
    floe_error err = {0};
    world_index(&made, folder, NULL);
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    assert_string_equal(keys_of(corpus_of(search, NULL)), expected);
    floe_search_close(&search);
}
#define CHECK_VALUES(expected, ...)                                                                                    \
    do {                                                                                                               \
        const filled columns_[] = {__VA_ARGS__};                                                                       \
        check_values(floe_arena_printf(&arena, "values-%d", __LINE__), columns_, COUNT(columns_), expected);           \
    } while (0)

static void values__contained_in_a_unique_column__are_a_key_whatever_the_names(void **state) {
    (void)state;
    CHECK_VALUES("flights.origin > airports.iata by values", {"airports", "iata", "string", "AP", 1, 7, 300, 1},
                 {"airports", "town", "string", "T", 1, 1, 100, 3}, {"flights", "origin", "string", "AP", 8, 14, 40, 5},
                 {"flights", "carrier", "string", "C", 1, 1, 12, 20});
}

static void values__integers_with_gaps__are_a_key(void **state) {
    (void)state;
    CHECK_VALUES("visits.who > guests.number by values", {"guests", "number", "long", NULL, 1000, 977, 200, 1},
                 {"visits", "who", "long", NULL, 1000, 1954, 50, 3});
}

static void values__counters__are_no_key_without_a_name(void **state) {
    (void)state;
    CHECK_VALUES("", {"guests", "serial", "long", NULL, 1, 1, 500, 1}, {"visits", "nights", "long", NULL, 1, 1, 20, 9},
                 {"visits", "row", "long", NULL, 1, 1, 180, 1});
    CHECK_VALUES("visits.guest_id > guests.id by values", {"guests", "id", "long", NULL, 1, 1, 500, 1},
                 {"visits", "guest_id", "long", NULL, 1, 1, 20, 9}, {"visits", "nights", "long", NULL, 1, 1, 20, 9});
}

static void values__contradict_a_name(void **state) {
    (void)state;
    CHECK_VALUES("", {"guests", "id", "long", NULL, 1, 1, 500, 1},
                 {"visits", "guest_id", "long", NULL, 9000, 1, 20, 9});
    /* A name alone counts where the values cannot tell. */
    CHECK_VALUES("visits.guest_id > guests.id by names", {"guests", "id", "long", NULL, 1, 1, 0, 0},
                 {"visits", "guest_id", "long", NULL, 9000, 1, 20, 9});
}

static void values__few_or_not_all_there__say_nothing(void **state) {
    (void)state;
    /* Five values; a tenth that is not there; repeated values on the other side; another class of type. */
    CHECK_VALUES("", {"states", "abbr", "string", "S", 1, 3, 50, 1}, {"visits", "x", "string", "S", 1, 3, 5, 9});
    CHECK_VALUES("", {"states", "abbr", "string", "S", 1, 3, 50, 1}, {"visits", "x", "string", "S", 31, 3, 50, 9});
    CHECK_VALUES("", {"states", "abbr", "string", "S", 1, 3, 50, 2}, {"visits", "x", "string", "S", 1, 3, 20, 9});
    CHECK_VALUES("", {"guests", "number", "string", NULL, 1000, 977, 200, 1},
                 {"visits", "who", "long", NULL, 1000, 1954, 50, 3});
}

static void values__in_several_tables__are_of_the_one_named_or_the_tightest(void **state) {
    (void)state;
    CHECK_VALUES("members.pass > people.pass by values; visits.who > members.pass by values",
                 {"people", "pass", "string", "P", 1, 1, 900, 1}, {"members", "pass", "string", "P", 1, 3, 300, 1},
                 {"visits", "who", "string", "P", 1, 9, 60, 2});
    CHECK_VALUES("members.pass > people.pass by values; visits.people_pass > people.pass by values",
                 {"people", "pass", "string", "P", 1, 1, 900, 1}, {"people", "name", "string", "N", 1, 1, 900, 1},
                 {"members", "pass", "string", "P", 1, 3, 300, 1}, {"members", "since", "date", NULL, 0, 0, 0, 0},
                 {"visits", "people_pass", "string", "P", 1, 9, 60, 2});
}

static void values__of_copies__are_no_key(void **state) {
    (void)state;
    CHECK_VALUES("", {"orders", "no", "string", "O", 1, 3, 500, 1}, {"orders", "day", "date", NULL, 0, 0, 0, 0},
                 {"tmp_orders_bak", "no", "string", "O", 1, 3, 400, 1},
                 {"tmp_orders_bak", "day", "date", NULL, 0, 0, 0, 0});
}

static void values__of_another_namespace__are_no_key(void **state) {
    (void)state;
    static const filled columns[] = {{"airports", "iata", "string", "AP", 1, 7, 300, 1},
                                     {"flights", "origin", "string", "AP", 8, 14, 40, 5}};
    world made = world_of(columns, COUNT(columns));
    made.tables[1].database = FLOE_STR("lake.other");
    const char *folder = make_folder("elsewhere");
    floe_search *search = NULL;
    floe_error err = {0};
    world_index(&made, folder, NULL);
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    assert_string_equal(keys_of(corpus_of(search, NULL)), "");
    floe_search_close(&search);
}

/* ---- personal data ---- */

static void personal__column__leaves_no_sketch(void **state) {
    (void)state;
    static const filled columns[] = {{"people", "email", "string", "P", 1, 7, 300, 1},
                                     {"visits", "visitor", "string", "P", 8, 14, 40, 5}};
    static const floe_str probes[] = {{"ann@example.com", 15}, {"bob@example.com", 15}};
    world made = world_of(columns, COUNT(columns));
    floe_catalog_column *email = floe_arena_alloc(&arena, 1, sizeof(*email));
    *email = made.tables[0].columns[0];
    email->probes = probes;
    email->probe_count = COUNT(probes);
    made.tables[0].columns = email;
    const char *folder = make_folder("personal-sketch");
    floe_search *search = NULL;
    floe_error err = {0};
    world_index(&made, folder, NULL);
    assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
    const floe_corpus *corpus = corpus_of(search, NULL);
    assert_int_equal(corpus->units[0].parts[0].personal, FLOE_PERSONAL_EMAIL);
    assert_null(corpus->units[0].parts[0].sketch);
    assert_int_equal(corpus->units[0].parts[0].words.count, 0);
    assert_non_null(corpus->units[1].parts[0].sketch);
    assert_string_equal(keys_of(corpus), "");
    floe_search_close(&search);
}

/* ---- ranking and context ---- */

static floe_answer find(floe_search *search, const char *text) {
    return ask(search, &arena, text, 10, FLOE_HIT_TABLE, "");
}

static void ranking__inferred_key__lifts_less_than_a_declared_one_and_says_so(void **state) {
    (void)state;
    static const char *const shared =
        "{\"database\":\"d\",\"table\":\"customers\",\"columns\":[{\"name\":\"customer_id\"},{\"name\":\"town\"}]}\n"
        "{\"database\":\"d\",\"table\":\"parcels\",\"columns\":[{\"name\":\"weight\"}]}\n";
    const char *plain =
        "{\"database\":\"d\",\"table\":\"orders\",\"columns\":[{\"name\":\"customer_id\"},{\"name\":\"price\"}]}\n";
    const char *keyed = "{\"database\":\"d\",\"table\":\"orders\",\"columns\":[{\"name\":\"customer_id\"},{\"name\":"
                        "\"price\"}],\"foreign_keys\":"
                        "[{\"columns\":[\"customer_id\"],\"table\":\"customers\",\"references\":[\"customer_id\"]}]}\n";
    floe_search *inferred = make_search("lift-inferred", floe_arena_printf(&arena, "%s%s", shared, plain));
    floe_search *declared = make_search("lift-declared", floe_arena_printf(&arena, "%s%s", shared, keyed));
    floe_answer weak = find(inferred, "price by town");
    floe_answer strong = find(declared, "price by town");
    check_answer(&weak);
    assert_int_equal(weak.hit_count, 2);
    assert_true(share_of(&weak.hits[1], "inferred join") > 0);
    assert_true(share_of(&weak.hits[1], "join") == 0);
    assert_true(share_of(&strong.hits[1], "join") > share_of(&weak.hits[1], "inferred join"));
    assert_string_equal(words_of(&weak.hits[1], "inferred join", &arena),
                        place_of(&weak.hits[0], &arena) + strlen("d."));
    floe_search_close(&inferred);
    floe_search_close(&declared);
}

static void context__inferred_key__is_shown_as_one(void **state) {
    (void)state;
    static const char *const tables[] = {"customers(id:int, name:string)", "orders(id:int, customer_id:int)", NULL};
    floe_search *search = make_search("shown", lines_of(tables));
    floe_context context = {0};
    floe_error err = {0};
    floe_context_request request = {.question = FLOE_STR("orders of customers by name")};
    assert_ok(floe_context_make(search, &request, &arena, &context, &err), &err);
    static const char line[] =
        "-- \"d\".\"orders\".\"customer_id\" = \"d\".\"customers\".\"id\" (inferred from names)\n";
    assert_non_null(memmem(context.text.ptr, context.text.len, line, strlen(line)));
    assert_null(memmem(context.text.ptr, context.text.len, "FOREIGN KEY", strlen("FOREIGN KEY")));
    assert_int_equal(context.join_count, 1);
    assert_true(context.joins[0].inferred);
    assert_false(context.joins[0].by_values);
    floe_search_close(&search);
}

/* ---- roles ---- */

static void role__hidden_table_or_column__is_joined_with_nothing(void **state) {
    (void)state;
    static const char *const tables[] = {"customers(id:int, name:string)", "orders(no:int, customer_id:int)",
                                         "parcels(no:int, order_no:int, weight:int)", NULL};
    floe_search *search = make_search("hidden", lines_of(tables));
    static const floe_str two[] = {{"d.orders", 8}, {"d.parcels", 9}};
    static const floe_str all[] = {{"d", 1}};
    static const floe_str denied[] = {{"d.orders.customer_id", 20}};
    const floe_role some = {.name = FLOE_STR("some"), .tables = two, .table_count = 2};
    const floe_role blind = {.name = FLOE_STR("blind"),
                             .namespaces = all,
                             .namespace_count = 1,
                             .deny_columns = denied,
                             .deny_column_count = 1};
    assert_string_equal(keys_of(corpus_of(search, NULL)),
                        "orders.customer_id > customers.id by names; parcels.order_no > orders.no by names");
    assert_string_equal(keys_of(corpus_of(search, &some)), "parcels.order_no > orders.no by names");
    assert_string_equal(keys_of(corpus_of(search, &blind)), "parcels.order_no > orders.no by names");
    floe_search_close(&search);
}

/* A name that fits two tables joins neither; for a role that sees one of them it joins that one, as an index without the other
 * would say. */
static void role__hidden_rival__has_no_say(void **state) {
    (void)state;
    static const char *const tables[] = {"dim_customer(id:int, name:string)", "stg_customer(id:int, load_day:date)",
                                         "orders(order_no:int, customer_id:int)", NULL};
    floe_search *search = make_search("rival", lines_of(tables));
    static const floe_str two[] = {{"d.orders", 8}, {"d.dim_customer", 14}};
    const floe_role some = {.name = FLOE_STR("some"), .tables = two, .table_count = 2};
    assert_string_equal(keys_of(corpus_of(search, NULL)), "");
    assert_string_equal(keys_of(corpus_of(search, &some)), "orders.customer_id > dim_customer.id by names");
    floe_search_close(&search);
}

/* ---- made warehouses ---- */

#define DIMENSIONS 12
#define FACTS 24
#define KEYS_OF_FACT 3

static const char *const nouns[DIMENSIONS] = {"customer", "product",  "store",  "supplier", "employee", "airport",
                                              "vehicle",  "campaign", "region", "currency", "contract", "warehouse"};
static const char *const verbs[FACTS] = {"sales",     "returns",  "visits",  "calls",   "orders",   "invoices",
                                         "payments",  "trips",    "repairs", "reviews", "clicks",   "shipments",
                                         "transfers", "bookings", "claims",  "loans",   "meetings", "tickets",
                                         "audits",    "quotes",   "refunds", "leases",  "surveys",  "logins"};

/* The kind of a dimension's key: counter, scattered integer, text. */
static filled key_of_dimension(size_t i) {
    static const filled kinds[] = {{NULL, "id", "long", NULL, 1, 1, 400, 1},
                                   {NULL, "number", "long", NULL, 100000, 7919, 350, 1},
                                   {NULL, "code", "string", "K", 10, 3, 300, 1}};
    filled key = kinds[i % COUNT(kinds)];
    key.table = nouns[i];
    if (key.text) {
        key.text = floe_arena_printf(&arena, "%c%s", 'A' + (char)i, nouns[i]);
    } else if (key.step > 1) {
        key.first += (int64_t)i * 13;
    }
    return key;
}

static const char *key_name(floe_test_rng *rng, size_t dimension, const filled *key, size_t place) {
    static const char *const roles[] = {"first", "second", "third"};
    switch (floe_test_below(rng, 4)) {
    case 0:
        return floe_arena_printf(&arena, "%s_%s", nouns[dimension], key->column);
    case 1:
        return floe_arena_printf(&arena, "%s_%s_%s", roles[place], nouns[dimension], key->column);
    case 2: /* nothing that names it */
        return floe_arena_printf(&arena, "%s_party", roles[place]);
    default:
        return floe_arena_printf(&arena, "%s_ref", nouns[dimension]);
    }
}

typedef struct truth {
    const char *table, *column, *other;
    bool told; /* by its name, or by values that are no counter's */
} truth;

static void add_fact(floe_test_rng *rng, size_t at, filled *columns, size_t *count, truth *truths,
                     size_t *truth_count) {
    columns[(*count)++] = (filled){verbs[at], "row_no", "long", NULL, 1, 1, 200 + (int64_t)at, 1};
    for (size_t i = 0; i < KEYS_OF_FACT; i++) {
        size_t dimension = (at * KEYS_OF_FACT + i * 5) % DIMENSIONS;
        filled key = key_of_dimension(dimension);
        bool counter = key.step == 1;
        const char *name = key_name(rng, dimension, &key, i);
        bool named = strstr(name, nouns[dimension]) != NULL;
        truths[(*truth_count)++] = (truth){verbs[at], name, nouns[dimension], named || !counter};
        key.table = verbs[at];
        key.column = name;
        key.step *= 2;
        key.count /= 3;
        key.times = 4;
        columns[(*count)++] = key;
    }
    /* What looks like keys and is none: amounts, ratings, years, free codes. */
    columns[(*count)++] = (filled){verbs[at], "quantity", "long", NULL, 1, 1, 40, 12};
    columns[(*count)++] = (filled){verbs[at], "year", "long", NULL, 1990, 1, 30, 12};
    columns[(*count)++] = (filled){verbs[at], "amount_cents", "long", NULL, 100017 + (int64_t)at * 7, 3313, 300, 2};
    columns[(*count)++] = (filled){verbs[at], "note", "string", "note ", (int64_t)at * 1000, 1, 90, 3};
}

static bool is_true(const truth *truths, size_t count, floe_str table, floe_str column, floe_str other) {
    for (size_t i = 0; i < count; i++) {
        if (floe_str_is(table, truths[i].table) && floe_str_is(column, truths[i].column) &&
            floe_str_is(other, truths[i].other)) {
            return true;
        }
    }
    return false;
}

/*
 * Twelve dimensions, twenty-four facts of three keys each, a quarter of them named by nothing. What can be told (by a name, or by
 * values that are no counter's) is found, all but the few whose names happen to be taken twice; what is inferred is true.
 */
static void warehouse__made__has_precision_and_recall_of_nine_in_ten(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    size_t right = 0;
    size_t inferred = 0;
    size_t told = 0;
    for (int round = 0; round < 5; round++) {
        filled columns[DIMENSIONS * 2 + FACTS * (KEYS_OF_FACT + 5)];
        truth truths[FACTS * KEYS_OF_FACT];
        size_t count = 0;
        size_t truth_count = 0;
        for (size_t i = 0; i < DIMENSIONS; i++) {
            columns[count++] = key_of_dimension(i);
            columns[count++] = (filled){nouns[i], "label", "string", "label ", (int64_t)i * 5000, 1, 300, 1};
        }
        for (size_t i = 0; i < FACTS; i++) {
            add_fact(&rng, i, columns, &count, truths, &truth_count);
        }
        world made = world_of(columns, count);
        const char *folder = make_folder(floe_arena_printf(&arena, "warehouse-%d", round));
        floe_search *search = NULL;
        floe_error err = {0};
        world_index(&made, folder, NULL);
        assert_ok(floe_search_open(folder, NULL, &search, &err), &err);
        const floe_corpus *corpus = corpus_of(search, NULL);
        for (size_t i = 0; i < corpus->table_count; i++) {
            for (size_t k = 0; k < corpus->tables[i].inferred_count; k++) {
                const floe_inferred_key *key = &corpus->tables[i].inferred[k];
                uint32_t other = corpus->columns[key->other].table;
                inferred++;
                right += is_true(truths, truth_count, corpus->tables[i].name, corpus->columns[key->column].name,
                                 corpus->tables[other].name)
                             ? 1
                             : 0;
            }
        }
        for (size_t i = 0; i < truth_count; i++) {
            told += truths[i].told ? 1 : 0;
        }
        floe_search_close(&search);
    }
    print_message("%zu keys that can be told, %zu inferred, %zu of them right\n", told, inferred, right);
    assert_true(10 * right >= 9 * inferred);
    assert_true(10 * right >= 9 * told);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names__table_and_key__are_a_key),
        cmocka_unit_test(names__role_before_the_table__is_read_over),
        cmocka_unit_test(names__layers_and_prefixes_of_a_warehouse__are_read_over),
        cmocka_unit_test(names__declared_key_of_the_very_name__is_referred_to),
        cmocka_unit_test(names__what_is_no_key__joins_nothing),
        cmocka_unit_test(names__two_tables_of_one_name__join_neither),
        cmocka_unit_test(names__copies_of_a_table__are_not_joined),
        cmocka_unit_test(names__declared_key__is_not_inferred_again),
        cmocka_unit_test(types__are_put_into_classes),
        cmocka_unit_test(values__contained_in_a_unique_column__are_a_key_whatever_the_names),
        cmocka_unit_test(values__integers_with_gaps__are_a_key),
        cmocka_unit_test(values__counters__are_no_key_without_a_name),
        cmocka_unit_test(values__contradict_a_name),
        cmocka_unit_test(values__few_or_not_all_there__say_nothing),
        cmocka_unit_test(values__in_several_tables__are_of_the_one_named_or_the_tightest),
        cmocka_unit_test(values__of_copies__are_no_key),
        cmocka_unit_test(values__of_another_namespace__are_no_key),
        cmocka_unit_test(personal__column__leaves_no_sketch),
        cmocka_unit_test(ranking__inferred_key__lifts_less_than_a_declared_one_and_says_so),
        cmocka_unit_test(context__inferred_key__is_shown_as_one),
        cmocka_unit_test(role__hidden_table_or_column__is_joined_with_nothing),
        cmocka_unit_test(role__hidden_rival__has_no_say),
        cmocka_unit_test(warehouse__made__has_precision_and_recall_of_nine_in_ten),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
