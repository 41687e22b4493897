/* What header values and request targets mean, by the words of RFC 9110 and RFC 3986. */
#include "api/headers_int.h"
#include "tests/support/support.h"

#include <stdio.h>

/* ---- names ---- */

static void header_names__are_found_in_any_case_and_only_whole(void **state) {
    (void)state;
    for (int i = 0; i < FLOE_HEADER_COUNT; i++) {
        const char *name = floe_http_header_name((floe_http_header)i);
        char other[64];
        floe_http_header found = FLOE_HEADER_COUNT;
        assert_true(floe_http_header_find(floe_str_of(name), &found));
        assert_int_equal(found, i);
        for (size_t c = 0; c <= strlen(name); c++) {
            other[c] = (char)(c % 2 == 0 && name[c] >= 'a' && name[c] <= 'z' ? name[c] - 32 : name[c]);
        }
        assert_true(floe_http_header_find(floe_str_of(other), &found));
        assert_int_equal(found, i);
        assert_false(floe_http_header_find((floe_str){name, strlen(name) - 1}, &found));
    }
    floe_http_header found = FLOE_HEADER_COUNT;
    assert_false(floe_http_header_find(FLOE_STR(""), &found));
    assert_false(floe_http_header_find(FLOE_STR("X-Host"), &found));
}

/* A second Host or Content-Length is an attack; a second Accept is a list (RFC 9110, 5.3). */
static void lists__are_accept_and_content_encoding_only(void **state) {
    (void)state;
    for (int i = 0; i < FLOE_HEADER_COUNT; i++) {
        bool list = i == FLOE_HEADER_ACCEPT || i == FLOE_HEADER_CONTENT_ENCODING;
        assert_int_equal(floe_http_header_is_list((floe_http_header)i), list);
    }
}

/* ---- Content-Type ---- */

static void media_type__is_compared_without_case_and_parameters(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool json;
    } cases[] = {{"application/json", true},
                 {"Application/JSON", true},
                 {" application/json ; charset=utf-8", true},
                 {"application/json;", true},
                 {"application/jsonp", false},
                 {"application/json, text/plain", false},
                 {"application", false},
                 {"", false},
                 {"*/*", false},
                 {"application/problem+json", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(floe_media_type_is(floe_str_of(cases[i].text), "application/json"), cases[i].json);
    }
}

static void charset__other_than_utf_8__is_told_apart(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool utf8;
    } cases[] = {{"application/json", true},
                 {"application/json; charset=utf-8", true},
                 {"application/json;charset=\"UTF-8\"", true},
                 {"application/json; x=1; Charset = UTF8", true},
                 {"application/json; charset=US-ASCII", true},
                 {"application/json; charset=", true},
                 {"application/json; charset=utf-16", false},
                 {"application/json; charset=iso-8859-1", false},
                 {"application/json; charset=\"", false},
                 {"application/json; charset=utf-80", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(floe_charset_is_utf8(floe_str_of(cases[i].text)), cases[i].utf8);
    }
}

/* ---- Accept ---- */

/* RFC 9110, 12.5.1: the most exact range that matches decides; q=0 is "not acceptable". */
static void accept__lets_json_through_by_the_most_exact_range(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool json;
    } cases[] = {{"", true},
                 {"*/*", true},
                 {"*", true},
                 {"application/*", true},
                 {"application/json", true},
                 {"APPLICATION/JSON", true},
                 {"text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8", true},
                 {"text/html", false},
                 {"text/*", false},
                 {"application/xml", false},
                 {"application/json;q=0", false},
                 {"application/json;q=0.000", false},
                 {"application/json;q=0.001", true},
                 {"application/json;q=0, */*", false},
                 {"*/*, application/json;q=0", false},
                 {"*/*;q=0, application/json", true},
                 {"application/*;q=0, */*", false},
                 {"application/*, */*;q=0", true},
                 {"text/event-stream, application/json", true},
                 {",,", false},
                 {"application/json/x", false},
                 {"application/problem+json", false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (floe_accept_admits(floe_str_of(cases[i].text), "application/json") != cases[i].json) {
            fail_msg("Accept: %s", cases[i].text);
        }
    }
}

static void accept__names_a_type_only_by_itself(void **state) {
    (void)state;
    assert_true(floe_accept_names(FLOE_STR("*/*, Application/X-Protobuf; q=1"), "application/x-protobuf"));
    assert_false(floe_accept_names(FLOE_STR("*/*, application/*"), "application/x-protobuf"));
    assert_false(floe_accept_names(FLOE_STR("application/x-protobuf;q=0"), "application/x-protobuf"));
    assert_false(floe_accept_names(FLOE_STR(""), "application/x-protobuf"));
}

static void content_encoding__is_identity_or_it_is_not(void **state) {
    (void)state;
    static const struct {
        const char *text;
        bool identity;
    } cases[] = {{"", true},          {"identity", true}, {"Identity", true}, {" identity , identity", true},
                 {"gzip", false},     {"br", false},      {"x", false},       {"identity, gzip", false},
                 {"gzip;q=0", false}, {",", true}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(floe_encoding_is_identity(floe_str_of(cases[i].text)), cases[i].identity);
    }
}

/* ---- targets ---- */

static void target__with_a_bad_escape_a_nul_or_a_control__is_refused(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *part; /* NULL: it is fine */
    } cases[] = {{"/", NULL},
                 {"*", NULL},
                 {"/livez", NULL},
                 {"/a%20b?q=%C3%A9+x&y=%2f", NULL},
                 {"/caf\xc3\xa9", NULL},
                 {"http://host/livez", NULL},
                 {"HTTP://host:80", NULL},
                 {"/%fF", NULL},
                 {"/livez%00x", "NUL"},
                 {"/livez%00", "NUL"},
                 {"/?q=a%00b", "NUL"},
                 {"/%", "hexadecimal"},
                 {"/%4", "hexadecimal"},
                 {"/%4g", "hexadecimal"},
                 {"/%g4", "hexadecimal"},
                 {"/%%41", "hexadecimal"},
                 {"/%u0041", "hexadecimal"},
                 {"/?q=100%", "hexadecimal"},
                 {"/a b", "space"},
                 {"/a\tb", "space"},
                 {"/a\x01", "control"},
                 {"/a\x7f", "control"},
                 {"", "path"},
                 {"livez", "path"},
                 {"**", "path"},
                 {"host:443", "path"},
                 {"ftp://host/livez", "path"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *problem = floe_http_target_problem(floe_str_of(cases[i].text));
        if (cases[i].part == NULL) {
            assert_null(problem);
        } else if (problem == NULL || strstr(problem, cases[i].part) == NULL) {
            fail_msg("%s: %s", cases[i].text, problem == NULL ? "accepted" : problem);
        }
    }
}

/* Every byte behind a %: only pairs of hexadecimal digits other than 00 are an escape. */
static void escapes__all_pairs__are_judged_as_isxdigit_would(void **state) {
    (void)state;
    static const char digits[] = "0123456789abcdefABCDEF";
    for (int high = 1; high < 256; high++) {
        for (int low = 1; low < 256; low++) {
            char text[] = {'/', '%', (char)high, (char)low, '\0'};
            bool hex = strchr(digits, high) != NULL && strchr(digits, low) != NULL;
            bool fine = hex && !(high == '0' && low == '0');
            assert_int_equal(floe_http_target_problem((floe_str){text, 4}) == NULL, fine);
        }
    }
}

static void target_path__of_an_absolute_form__is_what_follows_the_host(void **state) {
    (void)state;
    static const struct {
        const char *target, *path;
    } cases[] = {{"/livez", "/livez"},
                 {"*", "*"},
                 {"http://h/livez", "/livez"},
                 {"hTTp://h:1/a/b", "/a/b"},
                 {"http://h", "/"},
                 {"http://", "/"},
                 {"https://h/livez", "https://h/livez"},
                 {"/http://h/livez", "/http://h/livez"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_true(floe_str_is(floe_http_target_path(floe_str_of(cases[i].target)), cases[i].path));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_names__are_found_in_any_case_and_only_whole),
        cmocka_unit_test(lists__are_accept_and_content_encoding_only),
        cmocka_unit_test(media_type__is_compared_without_case_and_parameters),
        cmocka_unit_test(charset__other_than_utf_8__is_told_apart),
        cmocka_unit_test(accept__lets_json_through_by_the_most_exact_range),
        cmocka_unit_test(accept__names_a_type_only_by_itself),
        cmocka_unit_test(content_encoding__is_identity_or_it_is_not),
        cmocka_unit_test(target__with_a_bad_escape_a_nul_or_a_control__is_refused),
        cmocka_unit_test(escapes__all_pairs__are_judged_as_isxdigit_would),
        cmocka_unit_test(target_path__of_an_absolute_form__is_what_follows_the_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
