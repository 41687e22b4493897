/*
 * Listings of S3 stores. The documents are written by hand after the API reference of ListObjectsV2.
 */
#include "core/limits.h"
#include "offline/io/s3/s3_int.h"
#include "tests/support/support.h"

#include <stdio.h>

#define HEAD                                                                                                           \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define TAIL "</ListBucketResult>"

static floe_arena arena;

static int set_up(void **state) {
    (void)state;
    floe_arena_init(&arena, FLOE_MIB(4));
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    floe_arena_close(&arena);
    return 0;
}

static floe_s3_page read_page(const char *xml) {
    floe_s3_page page = {0};
    floe_error err = {0};
    assert_ok(floe_s3_page_read(floe_str_of(xml), &arena, &page, &err), &err);
    return page;
}

static void page__keys_and_common_prefixes__are_both_there(void **state) {
    (void)state;
    floe_s3_page page = read_page(HEAD "<Name>b</Name><Prefix>not/this</Prefix><IsTruncated>false</IsTruncated>"
                                       "<Contents><Key>a/x</Key><ETag>&quot;1&quot;</ETag><Size>3</Size></Contents>"
                                       "<Contents><Key>a/y</Key><Owner><ID>7</ID></Owner></Contents>"
                                       "<CommonPrefixes><Prefix>a/z/</Prefix></CommonPrefixes>" TAIL);
    assert_int_equal(page.count, 3);
    assert_true(floe_str_is(page.items[0].key, "a/x"));
    assert_true(floe_str_is(page.items[1].key, "a/y"));
    assert_true(floe_str_is(page.items[2].key, "a/z/"));
    assert_int_equal(page.token.len, 0);
}

/* 2024-01-15T10:00:00.5Z is 1705312800500000 µs after 1970 (19737 days, 10 hours). */
static void page__what_is_said_of_an_object__comes_in_any_order(void **state) {
    (void)state;
    floe_s3_page page = read_page(
        HEAD "<Contents><Size>12</Size><Key>a</Key><LastModified>2024-01-15T10:00:00.500Z</LastModified></Contents>"
             "<Contents><Key>b</Key></Contents>"
             "<Contents><LastModified>1970-01-01T00:00:00Z</LastModified><Size>0</Size><Key>c</Key></Contents>"
             "<CommonPrefixes><Prefix>d/</Prefix></CommonPrefixes>" TAIL);
    assert_int_equal(page.count, 4);
    assert_int_equal(page.items[0].len, 12);
    assert_true(page.items[0].changed_us == INT64_C(1705312800500000));
    assert_int_equal(page.items[1].len, -1);
    assert_true(page.items[1].changed_us == INT64_MAX); /* never old enough */
    assert_int_equal(page.items[2].len, 0);
    assert_int_equal(page.items[2].changed_us, 0);
    assert_int_equal(page.items[3].len, -1);
}

static void page__lengths_and_times_that_are_none__are_refused(void **state) {
    (void)state;
    static const char *const WRONG[] = {"<Size>-1</Size>",
                                        "<Size></Size>",
                                        "<Size>1k</Size>",
                                        "<Size>9223372036854775808</Size>",
                                        "<LastModified>yesterday</LastModified>",
                                        "<LastModified></LastModified>"};
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        char xml[512];
        floe_s3_page page = {0};
        floe_error err = {0};
        (void)snprintf(xml, sizeof(xml), HEAD "<Contents><Key>a</Key>%s</Contents>" TAIL, WRONG[i]);
        assert_code(floe_s3_page_read(floe_str_of(xml), &arena, &page, &err), FLOE_CORRUPT);
    }
}

/* An object without a name is nothing that could be asked for. */
static void page__contents_without_a_key__are_left_out(void **state) {
    (void)state;
    floe_s3_page page = read_page(HEAD "<Contents><Size>1</Size></Contents><Contents><Key></Key></Contents>" TAIL);
    assert_int_equal(page.count, 0);
}

static void page__names_are_url_decoded_once(void **state) {
    (void)state;
    static const struct {
        const char *written, *key;
    } CASES[] = {
        {"a%2Fb", "a/b"},        {"a+b", "a b"},    {"a%2Bb", "a+b"}, {"%C3%BC", "\xc3\xbc"}, {"100%25", "100%"},
        {"%2525", "%25"},        {"a%", "a%"},      {"a%4", "a%4"},   {"a%zz", "a%zz"},       {"%41%", "A%"},
        {"a&amp;b&lt;", "a&b<"}, {"a%0Ab", "a\nb"},
    };
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        char xml[512];
        (void)snprintf(xml, sizeof(xml), HEAD "<Contents><Key>%s</Key></Contents>" TAIL, CASES[i].written);
        floe_s3_page page = read_page(xml);
        assert_int_equal(page.count, 1);
        assert_true(floe_str_is(page.items[0].key, CASES[i].key));
    }
}

static void page__that_goes_on__has_its_token(void **state) {
    (void)state;
    floe_s3_page page = read_page(HEAD "<NextContinuationToken>1/x+=&amp;</NextContinuationToken>"
                                       "<IsTruncated>true</IsTruncated>" TAIL);
    assert_true(floe_str_is(page.token, "1/x+=&"));
}

/* A token beside "false" is not followed: a store that always names one would be listed for ever. */
static void page__that_is_the_last__has_no_token(void **state) {
    (void)state;
    floe_s3_page page =
        read_page(HEAD "<NextContinuationToken>1</NextContinuationToken><IsTruncated>false</IsTruncated>" TAIL);
    assert_int_equal(page.token.len, 0);
}

static void page__that_goes_on_without_a_token__is_corrupt(void **state) {
    (void)state;
    floe_s3_page page = {0};
    floe_error err = {0};
    assert_code(floe_s3_page_read(FLOE_STR(HEAD "<IsTruncated>true</IsTruncated>" TAIL), &arena, &page, &err),
                FLOE_CORRUPT);
    assert_message(&err, "names no token");
}

static void page__anything_else__is_corrupt(void **state) {
    (void)state;
    static const char *const WRONG[] = {
        "",
        "no xml",
        "<html><body>It works!</body></html>",
        "<Error><Code>NoSuchBucket</Code></Error>",
        HEAD,
        HEAD "<Contents>",
        HEAD "<Contents><Key>a</Contents></Key>" TAIL,
        HEAD TAIL "<more/>",
        HEAD "<a><b><c><d><e><f><g><h><i/></h></g></f></e></d></c></b></a>" TAIL,
        HEAD "<Contents><Key>\x01</Key></Contents>" TAIL,
        HEAD "<Contents><Key>&unknown;</Key></Contents>" TAIL,
    };
    for (size_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        floe_s3_page page = {0};
        floe_error err = {0};
        assert_code(floe_s3_page_read(floe_str_of(WRONG[i]), &arena, &page, &err), FLOE_CORRUPT);
        assert_int_equal(page.count, 0);
    }
}

/* Entities that a document defines itself can grow without bound, and name files of this machine. */
static void page__with_a_document_type__is_refused(void **state) {
    (void)state;
    static const char *const WRONG[] = {
        "<!DOCTYPE ListBucketResult [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;\">]><ListBucketResult>"
        "<Contents><Key>&b;</Key></Contents></ListBucketResult>",
        "<!DOCTYPE ListBucketResult [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><ListBucketResult>"
        "<Contents><Key>&x;</Key></Contents></ListBucketResult>",
    };
    for (size_t i = 0; i < 2; i++) {
        floe_s3_page page = {0};
        floe_error err = {0};
        assert_code(floe_s3_page_read(floe_str_of(WRONG[i]), &arena, &page, &err), FLOE_CORRUPT);
    }
}

static void page__a_name_beyond_every_bound__is_refused(void **state) {
    (void)state;
    FLOE_AUTO_BUF xml = {0};
    floe_s3_page page = {0};
    floe_error err = {0};
    floe_buf_init(&xml, FLOE_MIB(1));
    floe_buf_text(&xml, HEAD "<Contents><Key>");
    for (int i = 0; i < 20000; i++) {
        floe_buf_byte(&xml, 'x');
    }
    floe_buf_text(&xml, "</Key></Contents>" TAIL);
    assert_code(floe_s3_page_read(floe_buf_view(&xml), &arena, &page, &err), FLOE_CORRUPT);
}

static floe_status read_again(void *context, floe_error *err) {
    FLOE_AUTO_ARENA own = {0};
    floe_s3_page page = {0};
    floe_arena_init(&own, FLOE_MIB(4));
    return floe_s3_page_read(floe_str_of(context), &own, &page, err);
}

static void page__without_memory__fails_and_leaves_nothing(void **state) {
    (void)state;
    char xml[] = HEAD "<Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents>" TAIL;
    assert_true(floe_test_alloc_sweep(read_again, xml) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(page__keys_and_common_prefixes__are_both_there),
        cmocka_unit_test(page__what_is_said_of_an_object__comes_in_any_order),
        cmocka_unit_test(page__lengths_and_times_that_are_none__are_refused),
        cmocka_unit_test(page__contents_without_a_key__are_left_out),
        cmocka_unit_test(page__names_are_url_decoded_once),
        cmocka_unit_test(page__that_goes_on__has_its_token),
        cmocka_unit_test(page__that_is_the_last__has_no_token),
        cmocka_unit_test(page__that_goes_on_without_a_token__is_corrupt),
        cmocka_unit_test(page__anything_else__is_corrupt),
        cmocka_unit_test(page__with_a_document_type__is_refused),
        cmocka_unit_test(page__a_name_beyond_every_bound__is_refused),
        cmocka_unit_test(page__without_memory__fails_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
