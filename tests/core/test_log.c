/*
 * Log lines: what a reader of stderr gets, down to hostile values. Lines are caught by putting a pipe, or a socket that
 * keeps the borders of writes, in the place of stderr. JSON lines are judged by core/json, which log.c does not use.
 */
#include "tests/core/scratch.h"

#include "core/arena.h"
#include "core/json.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/mem.h"
#include "core/time.h"

#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#define CAUGHT_MAX 40000

/* stderr of one test. A socket of packets: one receive is one write. */
typedef struct catcher {
    int saved;
    int ends[2];
    char text[CAUGHT_MAX];
} catcher;

static void catch_begin(catcher *c) {
    fflush(stderr);
    c->saved = dup(STDERR_FILENO);
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, c->ends), 0);
    assert_int_equal(dup2(c->ends[1], STDERR_FILENO), STDERR_FILENO);
}

static void catch_end(catcher *c) {
    assert_int_equal(dup2(c->saved, STDERR_FILENO), STDERR_FILENO);
    close(c->saved);
    close(c->ends[1]);
}

/* The next write, or "" when there is none. */
static const char *caught(catcher *c) {
    ssize_t len = recv(c->ends[0], c->text, sizeof(c->text) - 1, MSG_DONTWAIT);
    c->text[len > 0 ? len : 0] = '\0';
    return c->text;
}

static void catch_close(catcher *c) {
    close(c->ends[0]);
}

/* 2024-02-29T12:34:56.5Z: date -u -d @1709210096 */
#define PINNED_US INT64_C(1709210096500000)
#define PINNED "2024-02-29T12:34:56.500Z"

static void configure(floe_log_level level, floe_log_format format) {
    floe_log_configure(level, format);
    floe_now_pin(PINNED_US);
}

static void log_text__line__has_time_level_message_and_pairs(void **state) {
    (void)state;
    catcher c;
    configure(FLOE_LOG_INFO, FLOE_LOG_TEXT);
    catch_begin(&c);
    floe_log(FLOE_LOG_INFO, "listening", "url", "http://h:1/", "note", "two words", "none", "", "null", NULL, NULL);
    floe_log(FLOE_LOG_WARN, "w", NULL);
    floe_log(FLOE_LOG_ERROR, "e", NULL);
    catch_end(&c);
    assert_string_equal(caught(&c), PINNED " INFO listening url=http://h:1/ note=\"two words\" none=\"\" null=null\n");
    assert_string_equal(caught(&c), PINNED " WARN w\n");
    assert_string_equal(caught(&c), PINNED " ERROR e\n");
    catch_close(&c);
}

static void log_json__line__is_one_object(void **state) {
    (void)state;
    catcher c;
    configure(FLOE_LOG_DEBUG, FLOE_LOG_JSON);
    catch_begin(&c);
    floe_log(FLOE_LOG_DEBUG, "say \"hi\"", "path", "C:\\x", "gone", NULL, "uml", "\xc3\xa4", NULL);
    catch_end(&c);
    assert_string_equal(caught(&c), "{\"ts\":\"" PINNED "\",\"level\":\"debug\",\"message\":\"say \\\"hi\\\"\","
                                    "\"path\":\"C:\\\\x\",\"gone\":null,\"uml\":\"\xc3\xa4\"}\n");
    catch_close(&c);
}

static void log_level__below_the_set_one__is_silent(void **state) {
    (void)state;
    for (int set = FLOE_LOG_DEBUG; set <= FLOE_LOG_OFF; set++) {
        catcher c;
        configure((floe_log_level)set, FLOE_LOG_TEXT);
        catch_begin(&c);
        for (int level = FLOE_LOG_DEBUG; level <= FLOE_LOG_OFF; level++) {
            bool expected = level >= set && level != FLOE_LOG_OFF;
            assert_int_equal(floe_log_enabled((floe_log_level)level), expected);
            floe_log((floe_log_level)level, "x", NULL);
            assert_int_equal(caught(&c)[0] != '\0', expected);
        }
        catch_end(&c);
        catch_close(&c);
    }
}

/* Values that try to forge a line, to drive a terminal, or to break UTF-8; with what each format makes of them. */
static const struct {
    const char *value;
    const char *text;
    const char *json;
} hostile[] = {
    {"a\nb", "\"a\\nb\"", "\"a\\nb\""},
    {"a\r\tb", "\"a\\r\\tb\"", "\"a\\r\\tb\""},
    {"\x1b[31m", "\"\\u001b[31m\"", "\"\\u001b[31m\""},
    {"\x7f", "\"\\u007f\"", "\"\\u007f\""},
    {"\xc2\x9b"
     "31m",
     "\"\\u009b31m\"", "\"\\u009b31m\""},
    {"\xc2\xa0", "\"\xc2\xa0\"", "\"\xc2\xa0\""}, /* the first character after C1 is fine */
    {"a=b", "\"a=b\"", "\"a=b\""},
    {"q\"q", "\"q\\\"q\"", "\"q\\\"q\""},
    {"b\\n", "\"b\\\\n\"", "\"b\\\\n\""},
    {"x\xff", "\"x\\xff\"", "\"x\xef\xbf\xbd\""},
    {"\xc3", "\"\\xc3\"", "\"\xef\xbf\xbd\""},
    {"\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    {"\xf0\x9f\x98\x80", "\"\xf0\x9f\x98\x80\"", "\"\xf0\x9f\x98\x80\""},
};

static void log_value__hostile__is_escaped_in_both_formats(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
        catcher c;
        char expected[200];
        catch_begin(&c);
        configure(FLOE_LOG_INFO, FLOE_LOG_TEXT);
        floe_log(FLOE_LOG_INFO, "m", "k", hostile[i].value, NULL);
        configure(FLOE_LOG_INFO, FLOE_LOG_JSON);
        floe_log(FLOE_LOG_INFO, "m", "k", hostile[i].value, NULL);
        catch_end(&c);
        snprintf(expected, sizeof(expected), PINNED " INFO m k=%s\n", hostile[i].text);
        assert_string_equal(caught(&c), expected);
        snprintf(expected, sizeof(expected), "{\"ts\":\"" PINNED "\",\"level\":\"info\",\"message\":\"m\",\"k\":%s}\n",
                 hostile[i].json);
        assert_string_equal(caught(&c), expected);
        catch_close(&c);
    }
}

static void log_message__with_a_line_feed__stays_one_line(void **state) {
    (void)state;
    catcher c;
    configure(FLOE_LOG_INFO, FLOE_LOG_TEXT);
    catch_begin(&c);
    floe_log(FLOE_LOG_INFO, "one\ntwo\x1b", NULL);
    catch_end(&c);
    assert_string_equal(caught(&c), PINNED " INFO one\\ntwo\\u001b\n");
    catch_close(&c);
}

static const floe_node *parse_line(floe_arena *arena, const char *line) {
    floe_error err = {0};
    const floe_node *root = NULL;
    size_t len = strlen(line);
    assert_true(len > 0 && line[len - 1] == '\n' && strchr(line, '\n') == line + len - 1);
    assert_ok(floe_json_parse(arena, (floe_str){line, len - 1}, &root, &err), &err);
    return root;
}

/* Random bytes, random lengths: a JSON line is always one JSON object with its first members in place. */
static void log_json__random_bytes_of_any_length__are_json(void **state) {
    (void)state;
    uint64_t seed = 31;
    print_message("seed %llu\n", (unsigned long long)seed);
    configure(FLOE_LOG_INFO, FLOE_LOG_JSON);
    for (int i = 0; i < 300; i++) {
        catcher c;
        FLOE_AUTO_ARENA arena;
        static char value[2][20000];
        floe_arena_init(&arena, FLOE_MIB(8));
        for (size_t j = 0; j < 2; j++) {
            size_t len = random_below(&seed, i % 3 == 0 ? 20000 : 100);
            for (size_t at = 0; at < len; at++) {
                value[j][at] = (char)(1 + random_below(&seed, i % 2 ? 255 : 127));
            }
            value[j][len] = '\0';
        }
        catch_begin(&c);
        floe_log(FLOE_LOG_INFO, value[0], "a", value[1], "b", "x", NULL);
        catch_end(&c);
        const floe_node *root = parse_line(&arena, caught(&c));
        assert_true(floe_node_get(root, "ts") && floe_node_get(root, "level") && floe_node_get(root, "message"));
        assert_true(floe_node_get(root, "b") != NULL || floe_node_get(root, "truncated") != NULL);
        assert_true(strlen(c.text) <= 16384);
        catch_close(&c);
    }
}

/* Every length near the limit, in both formats: the borders are where a cut line breaks. */
static void log__lines_near_the_limit__are_whole_or_say_truncated(void **state) {
    (void)state;
    static char value[17000];
    for (size_t len = 16100; len < 16400; len++) {
        catcher c;
        FLOE_AUTO_ARENA arena;
        floe_arena_init(&arena, FLOE_MIB(8));
        memset(value, 'v', len);
        value[len] = '\0';
        catch_begin(&c);
        configure(FLOE_LOG_INFO, FLOE_LOG_JSON);
        floe_log(FLOE_LOG_INFO, "m", "long", value, "k", "x", NULL);
        configure(FLOE_LOG_INFO, FLOE_LOG_TEXT);
        floe_log(FLOE_LOG_INFO, "m", "long", value, "k", "x", NULL);
        catch_end(&c);
        const floe_node *root = parse_line(&arena, caught(&c));
        bool whole = floe_node_get(root, "truncated") == NULL;
        const floe_node *last = floe_node_get(root, "k"); /* its value may be what was cut */
        assert_int_equal(whole, last && floe_str_is(last->text, "x") && floe_node_get(root, "long")->text.len == len);
        caught(&c);
        bool text_whole = strstr(c.text, " truncated=true\n") == NULL;
        assert_int_equal(text_whole, strstr(c.text, " k=x\n") != NULL);
        assert_true(len > 16110 || (whole && text_whole));
        assert_true(len < 16390 || (!whole && !text_whole));
        assert_int_equal(c.text[strlen(c.text) - 1], '\n');
        catch_close(&c);
    }
}

static void log_text__cut_inside_characters__stays_utf8(void **state) {
    (void)state;
    static char value[20001];
    for (size_t shift = 0; shift < 4; shift++) {
        catcher c;
        size_t len = shift;
        memset(value, 'x', shift);
        while (len + 3 < sizeof(value)) {
            memcpy(value + len, "\xe2\x82\xac", 3);
            len += 3;
        }
        value[len] = '\0';
        configure(FLOE_LOG_INFO, FLOE_LOG_TEXT);
        catch_begin(&c);
        floe_log(FLOE_LOG_INFO, "m", "k", value, NULL);
        catch_end(&c);
        assert_true(floe_str_is_utf8(floe_str_of(caught(&c))));
        assert_non_null(strstr(c.text, "\" truncated=true\n"));
        catch_close(&c);
    }
}

static void log__without_memory__still_logs(void **state) {
    (void)state;
    catcher c;
    configure(FLOE_LOG_INFO, FLOE_LOG_TEXT);
    catch_begin(&c);
    floe_mem_fail_at(1);
    floe_log(FLOE_LOG_ERROR, "out of memory", NULL);
    uint64_t asked = floe_mem_fail_count();
    floe_mem_fail_off();
    catch_end(&c);
    assert_int_equal(asked, 0);
    assert_string_equal(caught(&c), PINNED " ERROR out of memory\n");
    catch_close(&c);
}

static void log_error__carries_code_message_errno_and_place(void **state) {
    (void)state;
    catcher c;
    floe_error err = {.code = FLOE_IO, .sys_errno = 28, .file = "core/x.c", .line = 7, .message = "cannot write a"};
    configure(FLOE_LOG_INFO, FLOE_LOG_TEXT);
    catch_begin(&c);
    floe_log_error("request failed", &err);
    err.sys_errno = 0;
    err.file = NULL;
    floe_log_error("request failed", &err);
    catch_end(&c);
    assert_string_equal(caught(&c), PINNED " ERROR request failed code=IO error=\"cannot write a\" errno=28 "
                                           "at=core/x.c:7\n");
    assert_string_equal(caught(&c), PINNED " ERROR request failed code=IO error=\"cannot write a\" at=?:7\n");
    catch_close(&c);
}

/* stderr that is closed, as under some daemons: nothing happens, above all no endless loop. */
static void log__stderr_closed__is_silent(void **state) {
    (void)state;
    configure(FLOE_LOG_INFO, FLOE_LOG_TEXT);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    floe_log(FLOE_LOG_INFO, "nobody listens", NULL);
    assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
    close(saved);
}

enum { LOGGERS = 4, LINES = 100 };

static void *log_many(void *context) {
    for (int i = 0; i < LINES; i++) {
        floe_log(FLOE_LOG_INFO, "line", "who", context, NULL);
    }
    return NULL;
}

static void *count_lines(void *context) {
    catcher *c = context;
    size_t count = 0;
    while (count < LOGGERS * LINES) {
        ssize_t len = recv(c->ends[0], c->text, sizeof(c->text) - 1, 0);
        if (len <= 0 || c->text[len - 1] != '\n' || memchr(c->text, '\n', (size_t)len) != c->text + len - 1) {
            return NULL;
        }
        count++;
    }
    return c;
}

static void log__from_many_threads__each_line_is_one_write(void **state) {
    (void)state;
    catcher c;
    pthread_t reader;
    pthread_t threads[LOGGERS];
    static char names[LOGGERS][2000];
    void *complete = NULL;
    configure(FLOE_LOG_INFO, FLOE_LOG_JSON);
    catch_begin(&c);
    assert_int_equal(pthread_create(&reader, NULL, count_lines, &c), 0);
    for (size_t i = 0; i < LOGGERS; i++) {
        memset(names[i], 'a' + (int)i, sizeof(names[i]) - 1);
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
    }
    for (size_t i = 0; i < LOGGERS; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_join(reader, &complete);
    catch_end(&c);
    catch_close(&c);
    assert_non_null(complete);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(log_text__line__has_time_level_message_and_pairs),
        cmocka_unit_test(log_json__line__is_one_object),
        cmocka_unit_test(log_level__below_the_set_one__is_silent),
        cmocka_unit_test(log_value__hostile__is_escaped_in_both_formats),
        cmocka_unit_test(log_message__with_a_line_feed__stays_one_line),
        cmocka_unit_test(log_json__random_bytes_of_any_length__are_json),
        cmocka_unit_test(log__lines_near_the_limit__are_whole_or_say_truncated),
        cmocka_unit_test(log_text__cut_inside_characters__stays_utf8),
        cmocka_unit_test(log__without_memory__still_logs),
        cmocka_unit_test(log_error__carries_code_message_errno_and_place),
        cmocka_unit_test(log__stderr_closed__is_silent),
        cmocka_unit_test(log__from_many_threads__each_line_is_one_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
