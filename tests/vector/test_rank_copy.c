/*
 * An ugly warehouse in one namespace: thousands of tables nobody documented, cryptic names, copies and years of the same table,
 * names in several languages. What stands first is what a person who knows the warehouse would open first.
 */
#include "tests/vector/maker.h"
#include "vector/context/context_int.h"

#include "core/limits.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define FILLERS 2000

static floe_arena arena;
static floe_search *search;

static void put_table(floe_buf *out, const char *name, const char *columns, const char *description) {
    floe_str rest = floe_str_of(columns);
    floe_str column = {0};
    floe_buf_printf(out, "{\"database\":\"dwh\",\"table\":\"%s\",\"description\":\"%s\",\"columns\":[", name,
                    description);
    for (bool first = true; floe_str_split(&rest, ' ', &column); first = false) {
        floe_buf_printf(out, "%s{\"name\":\"%.*s\"}", first ? "" : ",", FLOE_STR_ARG(column));
    }
    floe_buf_text(out, "]}\n");
}

/* Names that machines made: they share words and parts with the others. */
static void put_fillers(floe_buf *out) {
    static const char *const first[] = {"acct", "bil", "crm", "ivr", "mkt", "net",
                                        "prd",  "rpt", "sls", "sys", "cus", "inv"};
    static const char *const second[] = {"hist", "dtl", "hdr", "log", "agg", "dly", "mth", "lkp", "xref"};
    for (size_t i = 0; i < FILLERS; i++) {
        put_table(out,
                  floe_arena_printf(&arena, "%s_%s_%s_%04zu", first[i % COUNT(first)], second[i / 5 % COUNT(second)],
                                    second[i / 7 % COUNT(second)], i),
                  floe_arena_printf(&arena, "id_%zu cd_%zu amt_%zu val_%zu", i % 9, i % 7, i % 5, i % 3), "");
    }
}

static void put_orders(floe_buf *out) {
    static const char columns[] = "order_id customer_id order_dt total_amt status_cd";
    static const char *const copies[] = {"tmp_orders_bak", "stg_orders", "orders_v2_old", "orders_bkp_20230101",
                                         "orders_copy1"};
    put_table(out, "orders", columns, "");
    for (int year = 2010; year < 2025; year++) {
        put_table(out, floe_arena_printf(&arena, "orders_%d", year), columns, "");
    }
    for (size_t i = 0; i < COUNT(copies); i++) {
        put_table(out, copies[i], columns, "");
    }
    put_table(out, "order_items", "order_id line_no product_id qty unit_prc", "");
    put_table(out, "customers", "customer_id first_nm last_nm country_cd", "");
    put_table(out, "tmp_customers_bak", "customer_id first_nm last_nm country_cd", "");
    put_table(out, "stg_customers", "customer_id first_nm last_nm country_cd load_ts", "");
    put_table(out, "products", "product_id product_nm category_id list_prc", "");
}

static void put_others(floe_buf *out) {
    put_table(out, "VBAK", "MANDT VBELN ERDAT KUNNR NETWR", "");
    put_table(out, "VBAP", "MANDT VBELN POSNR MATNR KWMENG", "");
    put_table(out, "KNA1", "MANDT KUNNR NAME1 LAND1 ORT01", "");
    put_table(out, "kunden", "kunden_nr vorname nachname strasse plz ort", "Stammdaten aller Kunden");
    put_table(out, "bestellungen", "bestell_nr kunden_nr bestelldatum gesamtbetrag", "Alle Bestellungen");
    put_table(out, "straßenverzeichnis", "straße plz größe", "");
    put_table(out, "订单", "订单号 客户号 金额", "客户订单");
    put_table(out, "客户", "客户号 姓名 城市", "客户资料");
    put_table(out, "заказы", "номер клиент сумма", "Заказы клиентов");
    put_table(out, "T_HR_EMP_MSTR", "EMP_NO EMP_NM DEPT_CD HIRE_DT TERM_DT", "");
    put_table(out, "T_HR_DEPT", "DEPT_CD DEPT_NM MGR_EMP_NO", "");
    put_table(out, "T_HR_PAYRL_TXN", "EMP_NO PAY_PRD GRS_PAY_AMT NET_PAY_AMT", "");
    /* Years without a table of no year. */
    put_table(out, "meter_readings_2022", "meter_id reading_dt kwh", "");
    put_table(out, "meter_readings_2023", "meter_id reading_dt kwh", "");
    put_table(out, "meter_readings_2024", "meter_id reading_dt kwh", "");
    /* The name of a copy, and another table. */
    put_table(out, "invoices", "invoice_no due_dt total_amt", "");
    put_table(out, "invoices_old", "bill_ref payer remark folder", "");
}

static int set_up(void **state) {
    FLOE_AUTO_BUF lines;
    (void)state;
    floe_arena_init(&arena, FLOE_GIB(2));
    floe_buf_init(&lines, FLOE_MIB(16));
    put_fillers(&lines);
    put_orders(&lines);
    put_others(&lines);
    search = make_search("ugly", floe_arena_strndup(&arena, lines.ptr, lines.len));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_search_close(&search);
    floe_arena_close(&arena);
    return 0;
}

static floe_answer find(const char *text, size_t k) {
    floe_answer answer = ask(search, &arena, text, k, FLOE_HIT_TABLE, "");
    check_answer(&answer);
    return answer;
}

static const char *best(const char *text) {
    floe_answer answer = find(text, 5);
    return answer.hit_count > 0 ? place_of(&answer.hits[0], &arena) + strlen("dwh.") : "";
}

static void name__written_exactly__is_first(void **state) {
    (void)state;
    static const char *const names[] = {"orders",
                                        "orders_2021",
                                        "tmp_orders_bak",
                                        "stg_orders",
                                        "orders_bkp_20230101",
                                        "customers",
                                        "stg_customers",
                                        "VBAK",
                                        "KNA1",
                                        "kunden",
                                        "订单",
                                        "заказы",
                                        "T_HR_EMP_MSTR",
                                        "acct_hist_hist_0000",
                                        "meter_readings_2022",
                                        "invoices_old"};
    for (size_t i = 0; i < COUNT(names); i++) {
        assert_string_equal(best(names[i]), names[i]);
    }
    assert_string_equal(best("vbak"), "VBAK");
    assert_string_equal(best("Orders 2021"), "orders_2021");
    assert_string_equal(best("t hr emp mstr"), "T_HR_EMP_MSTR");
}

static void question__about_a_thing__finds_the_original_before_its_copies(void **state) {
    (void)state;
    assert_string_equal(best("total amount of orders by customer"), "orders");
    assert_string_equal(best("how many customers per country"), "customers");
    assert_string_equal(best("status of an order"), "orders");
    /* Of years alone the newest. */
    assert_string_equal(best("kwh by meter"), "meter_readings_2024");
}

static void question__with_a_word_of_a_copy__finds_the_copy(void **state) {
    (void)state;
    assert_string_equal(best("status of orders in 2014"), "orders_2014");
    assert_string_equal(best("kwh by meter in 2022"), "meter_readings_2022");
    assert_string_equal(best("customers by load ts"), "stg_customers");
}

static void question__answered_by_two_tables__is_not_drowned_in_copies_of_one(void **state) {
    (void)state;
    floe_answer answer = find("total amount of orders by country of the customers", 8);
    assert_in_range(rank_of(&answer, "dwh.orders"), 1, 2);
    assert_in_range(rank_of(&answer, "dwh.customers"), 1, 3);
}

static void question__in_another_language_or_cryptic__finds_its_table(void **state) {
    (void)state;
    assert_string_equal(best("Bestellungen pro Kunde"), "bestellungen");
    assert_string_equal(best("Größe der Straße"), "straßenverzeichnis");
    assert_string_equal(best("客户订单金额"), "订单");
    assert_string_equal(best("заказы клиентов"), "заказы");
    assert_string_equal(best("gross pay of employees"), "T_HR_PAYRL_TXN");
    assert_string_equal(best("manager of a department"), "T_HR_DEPT");
    assert_string_equal(best("netwr by kunnr"), "VBAK");
}

/* A name that looks like a copy's does not make one of a table with other columns. */
static void copies__are_told_by_their_columns_too(void **state) {
    (void)state;
    const floe_corpus *corpus = NULL;
    floe_error err = {0};
    size_t copies = 0;
    assert_ok(floe_search_corpus(search, NULL, &corpus, &err), &err);
    for (uint32_t i = 0; i < corpus->table_count; i++) {
        const floe_table_entry *table = &corpus->tables[i];
        const floe_table_entry *original = &corpus->tables[table->original];
        bool is_copy = table->original != i;
        copies += is_copy && !floe_str_starts_with(table->name, FLOE_STR("acct")) ? 1 : 0;
        assert_int_equal(original->original, table->original);
        if (floe_str_is(table->name, "invoices_old") || floe_str_is(table->name, "order_items")) {
            assert_false(is_copy);
        }
        if (floe_str_is(table->name, "tmp_orders_bak") || floe_str_is(table->name, "orders_2021")) {
            assert_true(floe_str_is(original->name, "orders"));
        }
        if (floe_str_is(table->name, "meter_readings_2022")) {
            assert_true(floe_str_is(original->name, "meter_readings_2024"));
        }
    }
    assert_true(copies > 20);
}

/* Only what is seen counts: for a role without the original one of the copies is it. */
static void copies__of_a_table_that_a_role_does_not_see__have_another_original(void **state) {
    (void)state;
    static const floe_str seen[] = {{"dwh.tmp_orders_bak", 18}, {"dwh.orders_v2_old", 17}};
    const floe_role role = {.name = FLOE_STR("some"), .tables = seen, .table_count = 2};
    const floe_corpus *corpus = NULL;
    floe_error err = {0};
    assert_ok(floe_search_corpus(search, &role, &corpus, &err), &err);
    assert_int_equal(corpus->table_count, 2);
    assert_int_equal(corpus->tables[0].original, corpus->tables[1].original);
}

/* Of copies alone, which is the original: names, one with a key where "!" stands before it. */
static const char *original_among(const char *names) {
    static int nth;
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_KIB(64));
    floe_str rest = floe_str_of(names);
    floe_str name = {0};
    while (floe_str_split(&rest, ' ', &name)) {
        bool keyed = name.ptr[0] == '!';
        floe_buf_printf(
            &out,
            "{\"database\":\"d\",\"table\":\"%.*s\",\"columns\":[{\"name\":\"id\"},{\"name\":\"day\"},{\"name\":"
            "\"kwh\"}]%s}\n",
            (int)(name.len - keyed), name.ptr + keyed,
            keyed ? ",\"foreign_keys\":[{\"columns\":[\"id\"],\"table\":\"zone\",\"references\":[\"nr\"]}]" : "");
    }
    floe_buf_text(&out,
                  "{\"database\":\"d\",\"table\":\"zone\",\"columns\":[{\"name\":\"nr\"},{\"name\":\"title\"}]}\n");
    floe_buf_byte(&out, '\0');
    floe_search *of = make_search(floe_arena_printf(&arena, "copies-%d", nth++), out.ptr);
    const floe_corpus *corpus = NULL;
    floe_error err = {0};
    assert_ok(floe_search_corpus(of, NULL, &corpus, &err), &err);
    uint32_t original = UINT32_MAX;
    for (uint32_t i = 0; i < corpus->table_count; i++) {
        if (!floe_str_is(corpus->tables[i].name, "zone")) {
            assert_true(original == UINT32_MAX || corpus->tables[i].original == original);
            original = corpus->tables[i].original;
        }
    }
    floe_str found = corpus->tables[original].name;
    const char *copy = floe_arena_strndup(&arena, found.ptr, found.len);
    floe_search_close(&of);
    return copy;
}

static void copies__alone__are_led_by_the_one_people_mean(void **state) {
    (void)state;
    static const char *const rows[][2] = {{"load load_2 load_10", "load"},
                                          {"load_old load", "load"},
                                          {"load_1 load_2 load_10 load_9", "load_1"},
                                          {"load_01 load_02 load_03", "load_01"},
                                          {"load_2019 load_2021 load_2020", "load_2021"},
                                          {"load_20240131 load_20231231 load_20240201", "load_20240201"},
                                          {"load_2024_01_31 load_2024_02_01 load_2023_12_31", "load_2024_02_01"},
                                          {"load_v2 load_v10 load_v9", "load_v10"},
                                          {"load_backup load_bak load_archive", "load_bak"},
                                          {"load_2021_tmp load_2020", "load_2020"},
                                          /* Keys before everything but a name without marks. */
                                          {"load_1 !load_2 load_3", "load_2"},
                                          {"load_2021 !load_2020_old load_2019", "load_2020_old"},
                                          {"load !load_2020", "load"},
                                          {"load_99999999999999999999999999 load_7", "load_7"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_string_equal(original_among(rows[i][0]), rows[i][1]);
    }
}

/* ---- groups ---- */

static const char *groups_of(floe_search *of, const char *const *names) {
    const floe_corpus *corpus = NULL;
    floe_error err = {0};
    uint32_t groups[16] = {0};
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_KIB(4));
    assert_ok(floe_search_corpus(of, NULL, &corpus, &err), &err);
    for (size_t i = 0; names[i]; i++) {
        for (size_t k = 0; k < corpus->table_count; k++) {
            groups[i] = floe_str_is(corpus->tables[k].name, names[i]) ? corpus->tables[k].group : groups[i];
        }
        size_t same = 0;
        while (groups[same] != groups[i]) {
            same++;
        }
        floe_buf_printf(&out, "%c", (int)('a' + same));
    }
    return floe_arena_strndup(&arena, out.ptr, out.len);
}

/* The letters say which of the names are of one group. */
static void groups__of_a_large_namespace__are_told_by_the_first_words(void **state) {
    (void)state;
    static const char *const names[] = {
        "T_HR_DEPT", "T_HR_EMP_MSTR", "T_HR_PAYRL_TXN", "kunden", "stg_customers", "customers", NULL};
    assert_string_equal(groups_of(search, names), "aaadee");
}

static void groups__of_a_small_namespace__are_one(void **state) {
    (void)state;
    static const char *const names[] = {"hr_people", "hr_pay", "sales", NULL};
    floe_search *small =
        make_search("small-groups", "{\"database\":\"d\",\"table\":\"hr_people\",\"columns\":[{\"name\":\"x\"}]}\n"
                                    "{\"database\":\"d\",\"table\":\"hr_pay\",\"columns\":[{\"name\":\"x\"}]}\n"
                                    "{\"database\":\"d\",\"table\":\"sales\",\"columns\":[{\"name\":\"x\"}]}\n");
    assert_string_equal(groups_of(small, names), "aaa");
    floe_search_close(&small);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(name__written_exactly__is_first),
        cmocka_unit_test(question__about_a_thing__finds_the_original_before_its_copies),
        cmocka_unit_test(question__with_a_word_of_a_copy__finds_the_copy),
        cmocka_unit_test(question__answered_by_two_tables__is_not_drowned_in_copies_of_one),
        cmocka_unit_test(question__in_another_language_or_cryptic__finds_its_table),
        cmocka_unit_test(copies__are_told_by_their_columns_too),
        cmocka_unit_test(copies__alone__are_led_by_the_one_people_mean),
        cmocka_unit_test(copies__of_a_table_that_a_role_does_not_see__have_another_original),
        cmocka_unit_test(groups__of_a_large_namespace__are_told_by_the_first_words),
        cmocka_unit_test(groups__of_a_small_namespace__are_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
