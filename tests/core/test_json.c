/* core/json: what is read and refused, depth and caps, the writer, trees printed back. */
#include "tests/support/support.h"

#include "core/json.h"
#include "core/limits.h"
#include "core/mem.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void check_round(const char *json, const char *expected) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 20);
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1 << 20);
    floe_error err = {0};
    const floe_node *root = NULL;
    assert_ok(floe_json_parse(&arena, floe_str_of(json), &root, &err), &err);
    floe_json_print(root, &buf);
    assert_string_equal(floe_buf_view(&buf).ptr, expected);
}

static void parse__every_kind__prints_back(void **state) {
    (void)state;
    check_round("null", "null");
    check_round(" true ", "true");
    check_round("false", "false");
    check_round("0", "0");
    check_round("-0", "0");
    check_round("9223372036854775807", "9223372036854775807");
    check_round("-9223372036854775808", "-9223372036854775808");
    check_round("1.0", "1.0");
    check_round("1e2", "100.0");
    check_round("0.1", "0.1");
    check_round("\"\"", "\"\"");
    check_round("[]", "[]");
    check_round("{}", "{}");
    check_round("[1,[2,[]],{\"a\":[]}]", "[1,[2,[]],{\"a\":[]}]");
    check_round("{ \"b\" : 1 ,\n \"a\" : { \"c\" : null } }", "{\"b\":1,\"a\":{\"c\":null}}");
    check_round("\"\\u00e9\\ud83d\\ude00\\n\\/\"", "\"\xC3\xA9\xF0\x9F\x98\x80\\n/\"");
}

static void parse__members__keep_the_order_of_the_text(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1 << 16);
    floe_buf_text(&buf, "{");
    for (int i = 0; i < 300; i++) {
        floe_buf_printf(&buf, "%s\"k%d\":%d", i == 0 ? "" : ",", i * 7919 % 300, i);
    }
    floe_buf_text(&buf, "}");
    check_round(buf.ptr, buf.ptr);
}

static void check_refused(const char *json, size_t len, const char *part) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 20);
    floe_error err = {0};
    const floe_node *root = NULL;
    assert_code(floe_json_parse(&arena, (floe_str){json, len}, &root, &err), FLOE_INVALID);
    assert_message(&err, part);
    assert_null(root);
}

static void parse__bad_text__is_invalid_with_a_place(void **state) {
    (void)state;
    static const struct {
        const char *json;
        const char *part;
    } rows[] = {
        {"", "line 1, column 0"},
        {"{\"a\":1,}", "line 1, column 8"},
        {"{\n \"a\": 1\n \"b\": 2\n}", "line 3"},
        {"[1,2", "line 1"},
        {"[1] 2", "end of file expected"},
        {"{\"a\":1,\"a\":2}", "duplicate object key"},
        {"9223372036854775808", "too big"},
        {"-9223372036854775809", "too big negative"},
        {"1e999", "overflow"},
        {"01", "line 1"},
        {"1.", "line 1"},
        {".5", "line 1"},
        {"+1", "line 1"},
        {"NaN", "line 1"},
        {"Infinity", "line 1"},
        {"'a'", "line 1"},
        {"\"\\u0000\"", "\\u0000"},
        {"\"\\ud800\"", "line 1"},
        {"\"a\nb\"", "line 1"},
        {"\"\xFF\"", "line 1"},
        {"\xEF\xBB\xBF{}", "line 1"},
        {"// c\n1", "line 1"},
        {"tru", "line 1"},
        {"{a:1}", "line 1"},
        {"{\"a\"}", "line 1"},
        {"[,]", "line 1"},
        {"]", "line 1"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_refused(rows[i].json, strlen(rows[i].json), rows[i].part);
    }
    check_refused(NULL, 0, "line 1");
    check_refused("1\0", 2, "NUL byte at position 2");
    check_refused("{}\0 {}", 6, "NUL byte at position 3");
    check_refused("\"a\0b\"", 5, "NUL byte at position 3");
}

static void nest(floe_buf *buf, const char *open, const char *shut, size_t levels) {
    floe_buf_clear(buf);
    for (size_t i = 0; i < levels; i++) {
        floe_buf_text(buf, open);
    }
    floe_buf_text(buf, "1");
    for (size_t i = 0; i < levels; i++) {
        floe_buf_text(buf, shut);
    }
}

static void parse__depth__at_the_limit_passes_one_more_is_limit(void **state) {
    (void)state;
    static const struct {
        const char *open;
        const char *shut;
    } forms[] = {{"[", "]"}, {"{\"a\":", "}"}};
    for (size_t f = 0; f < 2; f++) {
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 1 << 20);
        nest(&buf, forms[f].open, forms[f].shut, FLOE_LIMIT_JSON_DEPTH);
        check_round(buf.ptr, buf.ptr);
        static const size_t too_deep[] = {FLOE_LIMIT_JSON_DEPTH + 1, 2047, 100000};
        for (size_t i = 0; i < 3; i++) {
            FLOE_AUTO_ARENA arena;
            floe_arena_init(&arena, 1 << 28);
            floe_error err = {0};
            const floe_node *root = NULL;
            nest(&buf, forms[f].open, forms[f].shut, too_deep[i]);
            assert_code(floe_json_parse(&arena, floe_buf_view(&buf), &root, &err), FLOE_LIMIT);
            assert_message(&err, "64 levels");
        }
    }
}

/* Many tiny values need many times their text in memory, before the tree exists: the cap must hold there too. */
static void parse__cap_passed__is_limit_whatever_needs_the_memory(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1 << 20);
    floe_buf_text(&buf, "[");
    for (int i = 0; i < 20000; i++) {
        floe_buf_text(&buf, "[],");
    }
    floe_buf_text(&buf, "[]]");
    static const size_t caps[] = {0, 1, 100, 1000, 100000, 1000000};
    for (size_t i = 0; i < 6; i++) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, caps[i]);
        floe_error err = {0};
        const floe_node *root = NULL;
        assert_code(floe_json_parse(&arena, floe_buf_view(&buf), &root, &err), FLOE_LIMIT);
    }
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 24);
    const floe_node *root = NULL;
    assert_ok(floe_json_parse(&arena, floe_buf_view(&buf), &root, NULL), NULL);
    assert_int_equal(root->count, 20001);
}

static const char request[] =
    "{\"service\":\"delays\",\"entities\":{\"origin\":[\"SFO\",\"JFK\"],\"n\":[1,2]},\"x\":[1.5,true,null]}";

static floe_status parse_request(void *context, floe_error *err) {
    (void)context;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 20);
    const floe_node *root = NULL;
    FLOE_TRY(floe_json_parse(&arena, FLOE_STR(request), &root, err));
    FLOE_ASSERT(floe_node_get(floe_node_get(root, "entities"), "origin")->count == 2);
    return FLOE_OK;
}

/* Under the address sanitizer every object of jansson is an allocation of its own, so that each is failed once. */
static void parse__nth_allocation_fails__is_nomem(void **state) {
    (void)state;
    uint64_t runs = floe_test_alloc_sweep(parse_request, NULL);
    assert_true(runs >= (FLOE_ASAN ? 40 : 1));
}

static floe_status parse_large(void *context, floe_error *err) {
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 24);
    const floe_node *root = NULL;
    return floe_json_parse(&arena, floe_buf_view(context), &root, err);
}

/* Tokens of many lengths, so that memory ends while jansson collects one, where it would abort or lose characters. */
static void parse__memory_ends_within_a_token__is_nomem_or_limit(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1 << 20);
    floe_buf_text(&buf, "[0.12345678901234567890123456789012345678901234567890123456789012345678901234567890,");
    floe_buf_text(&buf, "-123456789012345678,1234567890123456e12,\"");
    for (int i = 0; i < 200; i++) {
        floe_buf_text(&buf, "0123456789\\u20ac");
    }
    floe_buf_text(&buf, "\"]");
    if (FLOE_ASAN) {
        assert_true(floe_test_alloc_sweep(parse_large, &buf) > 12);
    }
    for (size_t cap = 0; cap < 20000; cap += 8) {
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, cap);
        const floe_node *root = NULL;
        floe_status status = floe_json_parse(&arena, floe_buf_view(&buf), &root, NULL);
        assert_true(status.code == FLOE_LIMIT || (status.code == FLOE_CODE_OK && root->count == 4));
        assert_true(cap > 1000 || status.code == FLOE_LIMIT);
    }
}

/* Past the scratch, in every build. */
static void parse__nth_allocation_of_a_large_text_fails__is_nomem(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1 << 20);
    floe_buf_text(&buf, "[");
    for (int i = 0; i < 600; i++) {
        floe_buf_printf(&buf, "{\"key%d\":\"value\"},", i);
    }
    floe_buf_text(&buf, "\"end\"]");
    assert_true(floe_test_alloc_sweep(parse_large, &buf) > 3);
}

static void parse__warmed_up__does_not_touch_the_heap(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 20);
    for (int i = 0; i < 5; i++) {
        floe_mem_fail_at(UINT64_MAX);
        const floe_node *root = NULL;
        assert_ok(floe_json_parse(&arena, FLOE_STR(request), &root, NULL), NULL);
        uint64_t asked = floe_mem_fail_count();
        floe_mem_fail_off();
        if (!FLOE_ASAN && i >= 2) {
            assert_int_equal(asked, 0);
        }
        floe_arena_reset(&arena);
    }
}

/* Builds a random document as text, one form only, so that printing the tree must give the same text. */
static void random_document(floe_test_rng *rng, unsigned depth, floe_buf *buf) {
    uint64_t form = floe_test_below(rng, depth == 0 ? 5 : 7);
    uint64_t count = floe_test_below(rng, 4);
    if (form == 0) {
        floe_buf_text(buf, "null");
    } else if (form == 1) {
        floe_buf_text(buf, floe_test_below(rng, 2) == 0 ? "true" : "false");
    } else if (form == 2) {
        floe_buf_int(buf, (int64_t)floe_test_next(rng) >> floe_test_below(rng, 64));
    } else if (form == 3) {
        floe_buf_real(buf, (double)floe_test_between(rng, -100000, 100000) / 64);
    } else if (form == 4) {
        static const char *const texts[] = {"\"\"", "\"\\\"\\\\\"", "\"\\u0001\\n\"", "\"\xE2\x82\xAC\"", "\"plain\""};
        floe_buf_text(buf, texts[floe_test_below(rng, 5)]);
    } else {
        floe_buf_text(buf, form == 5 ? "[" : "{");
        for (uint64_t i = 0; i < count; i++) {
            floe_buf_text(buf, i == 0 ? "" : ",");
            if (form == 6) {
                floe_buf_printf(buf, "\"k%d\":", (int)i);
            }
            random_document(rng, depth - 1, buf);
        }
        floe_buf_text(buf, form == 5 ? "]" : "}");
    }
}

static void parse_print__random_documents__round_trip(void **state) {
    (void)state;
    floe_test_rng rng = floe_test_rng_of(floe_test_seed());
    for (int i = 0; i < 3000; i++) {
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 1 << 20);
        random_document(&rng, 6, &buf);
        check_round(buf.ptr, buf.ptr);
    }
}

static void writer__all_calls__give_json(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1000);
    floe_json_writer writer = floe_json_writer_of(&buf);
    floe_json_object_begin(&writer);
    floe_json_key(&writer, "a");
    floe_json_array_begin(&writer);
    floe_json_int(&writer, -1);
    floe_json_real(&writer, 2.5);
    floe_json_bool(&writer, true);
    floe_json_null(&writer);
    floe_json_text(&writer, NULL);
    floe_json_text(&writer, "t");
    floe_json_string(&writer, FLOE_STR("s"));
    floe_json_array_end(&writer);
    floe_json_key_str(&writer, FLOE_STR("b\""));
    floe_json_raw(&writer, FLOE_STR("{\"raw\":1}"));
    floe_json_key(&writer, "c");
    floe_json_object_begin(&writer);
    floe_json_object_end(&writer);
    floe_json_object_end(&writer);
    assert_string_equal(buf.ptr, "{\"a\":[-1,2.5,true,null,null,\"t\",\"s\"],\"b\\\"\":{\"raw\":1},\"c\":{}}");
}

static void writer__numbers_that_are_none__are_texts(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 1000);
    floe_json_writer writer = floe_json_writer_of(&buf);
    floe_json_array_begin(&writer);
    floe_json_real(&writer, NAN);
    floe_json_real(&writer, INFINITY);
    floe_json_real(&writer, -INFINITY);
    floe_json_array_end(&writer);
    assert_string_equal(buf.ptr, "[\"NaN\",\"Infinity\",\"-Infinity\"]");
}

/* RFC 8259, section 7: quotation mark, backslash and U+0000 to U+001F must be escaped, the rest need not. */
static void quote__every_byte_below_128(void **state) {
    (void)state;
    for (int byte = 0; byte < 128; byte++) {
        char text[1] = {(char)byte};
        FLOE_AUTO_BUF buf;
        floe_buf_init(&buf, 100);
        floe_json_quote(&buf, (floe_str){text, 1});
        char expected[16];
        const char *short_form = strchr("\bb\tt\nn\ff\rr\"\"\\\\", byte);
        if (byte != 0 && byte < 0x80 && short_form != NULL && (byte < 0x20 || byte == '"' || byte == '\\')) {
            snprintf(expected, sizeof(expected), "\"\\%c\"", short_form[1]);
        } else {
            snprintf(expected, sizeof(expected), byte < 0x20 ? "\"\\u%04x\"" : "\"%c\"", byte);
        }
        assert_string_equal(buf.ptr, expected);
    }
}

static void quote__not_utf8__becomes_the_replacement_character(void **state) {
    (void)state;
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 100);
    floe_json_quote(&buf, FLOE_STR("a\xFF\xC3\xA9\xE2\x82z\xED\xA0\x80"));
    assert_string_equal(buf.ptr, "\"a\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBDz"
                                 "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
    assert_true(floe_str_is_utf8(floe_buf_view(&buf)));
    floe_buf_clear(&buf);
    floe_json_quote(&buf, (floe_str){NULL, 0});
    assert_string_equal(buf.ptr, "\"\"");
}

static void value_without_key(floe_json_writer *writer) {
    floe_json_object_begin(writer);
    floe_json_int(writer, 1);
}

static void key_in_an_array(floe_json_writer *writer) {
    floe_json_array_begin(writer);
    floe_json_key(writer, "a");
}

static void two_keys(floe_json_writer *writer) {
    floe_json_object_begin(writer);
    floe_json_key(writer, "a");
    floe_json_key(writer, "b");
}

static void wrong_end(floe_json_writer *writer) {
    floe_json_object_begin(writer);
    floe_json_array_end(writer);
}

static void end_behind_a_key(floe_json_writer *writer) {
    floe_json_object_begin(writer);
    floe_json_key(writer, "a");
    floe_json_object_end(writer);
}

static void two_values(floe_json_writer *writer) {
    floe_json_int(writer, 1);
    floe_json_int(writer, 2);
}

static void too_many_ends(floe_json_writer *writer) {
    floe_json_array_end(writer);
}

static void writer__misuse__is_an_assertion(void **state) {
    (void)state;
    static void (*const misuses[])(floe_json_writer *) = {value_without_key, key_in_an_array, two_keys,     wrong_end,
                                                          end_behind_a_key,  two_values,      too_many_ends};
    for (size_t i = 0; i < sizeof(misuses) / sizeof(misuses[0]); i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            signal(SIGABRT, SIG_DFL);
            close(STDERR_FILENO);
            floe_buf buf = {0};
            floe_buf_init(&buf, 1000);
            floe_json_writer writer = floe_json_writer_of(&buf);
            misuses[i](&writer);
            _exit(0);
        }
        int how = 0;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT);
    }
}

static void print__cap_passed__is_seen_by_the_buffer(void **state) {
    (void)state;
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, 1 << 20);
    FLOE_AUTO_BUF buf;
    floe_buf_init(&buf, 10);
    const floe_node *root = NULL;
    assert_ok(floe_json_parse(&arena, FLOE_STR(request), &root, NULL), NULL);
    floe_json_print(root, &buf);
    assert_code(floe_buf_check(&buf, NULL), FLOE_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__every_kind__prints_back),
        cmocka_unit_test(parse__members__keep_the_order_of_the_text),
        cmocka_unit_test(parse__bad_text__is_invalid_with_a_place),
        cmocka_unit_test(parse__depth__at_the_limit_passes_one_more_is_limit),
        cmocka_unit_test(parse__cap_passed__is_limit_whatever_needs_the_memory),
        cmocka_unit_test(parse__nth_allocation_fails__is_nomem),
        cmocka_unit_test(parse__memory_ends_within_a_token__is_nomem_or_limit),
        cmocka_unit_test(parse__nth_allocation_of_a_large_text_fails__is_nomem),
        cmocka_unit_test(parse__warmed_up__does_not_touch_the_heap),
        cmocka_unit_test(parse_print__random_documents__round_trip),
        cmocka_unit_test(writer__all_calls__give_json),
        cmocka_unit_test(writer__numbers_that_are_none__are_texts),
        cmocka_unit_test(quote__every_byte_below_128),
        cmocka_unit_test(quote__not_utf8__becomes_the_replacement_character),
        cmocka_unit_test(writer__misuse__is_an_assertion),
        cmocka_unit_test(print__cap_passed__is_seen_by_the_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
