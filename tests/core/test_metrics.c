/*
 * Metrics. The expected text follows the Prometheus text format 0.0.4; the registry lives as long as the process, so
 * each test uses names of its own.
 */
#include "tests/core/scratch.h"

#include "core/limits.h"
#include "core/mem.h"
#include "core/metrics.h"

#include <pthread.h>

static floe_metric *get(floe_metric_kind kind, const char *name, const char *labels, const char *help) {
    floe_error err = {0};
    floe_metric *metric = NULL;
    assert_ok(floe_metric_get(kind, name, labels, help, &metric, &err), &err);
    return metric;
}

/* The lines about one name, in the order of the page. */
static void print_of(const char *name, floe_buf *out) {
    FLOE_AUTO_BUF page;
    floe_str line;
    size_t len = strlen(name);
    floe_buf_init(&page, FLOE_MIB(16));
    floe_metrics_print(&page);
    floe_str rest = floe_buf_view(&page);
    while (floe_str_split(&rest, '\n', &line)) {
        size_t start = line.len > 7 && line.ptr[0] == '#' ? 7 : 0; /* "# HELP ", "# TYPE " */
        if (line.len >= start + len && strncmp(line.ptr + start, name, len) == 0) {
            floe_buf_str(out, line);
            floe_buf_byte(out, '\n');
        }
    }
}

static void assert_printed(const char *name, const char *expected) {
    FLOE_AUTO_BUF out;
    floe_buf_init(&out, FLOE_MIB(1));
    print_of(name, &out);
    assert_string_equal(floe_buf_view(&out).ptr, expected);
}

static void metrics__counter_and_gauge__are_printed_in_families(void **state) {
    (void)state;
    floe_metric *ok = get(FLOE_COUNTER, "t_requests_total", "route=\"a\",status=\"200\"", "Requests, by route.");
    floe_metric *other = get(FLOE_GAUGE, "t_between", "", "Stands between.");
    floe_metric *bad = get(FLOE_COUNTER, "t_requests_total", "route=\"a\",status=\"500\"", "another help");
    floe_metric_add(ok, 2);
    floe_metric_add(ok, 3);
    floe_metric_add(bad, 1);
    floe_metric_set(other, -7);
    floe_metric_add(other, 2);
    floe_metric_add(other, -1);
    assert_printed("t_requests_total", "# HELP t_requests_total Requests, by route.\n"
                                       "# TYPE t_requests_total counter\n"
                                       "t_requests_total{route=\"a\",status=\"200\"} 5\n"
                                       "t_requests_total{route=\"a\",status=\"500\"} 1\n");
    assert_printed("t_between", "# HELP t_between Stands between.\n# TYPE t_between gauge\nt_between -6\n");
    assert_int_equal(floe_metric_value(ok), 5);
    assert_int_equal(floe_metric_value(other), -6);
    assert_ptr_equal(get(FLOE_COUNTER, "t_requests_total", "route=\"a\",status=\"200\"", "x"), ok);
}

static void metrics__name_and_labels__are_copied(void **state) {
    (void)state;
    char name[] = "t_copied";
    char labels[] = "a=\"b\"";
    char help[] = "Help.";
    (void)get(FLOE_GAUGE, name, labels, help);
    memset(name, 'x', sizeof(name) - 1);
    memset(labels, 'x', sizeof(labels) - 1);
    memset(help, 'x', sizeof(help) - 1);
    assert_printed("t_copied", "# HELP t_copied Help.\n# TYPE t_copied gauge\nt_copied{a=\"b\"} 0\n");
}

static void metrics__help__escapes_backslash_and_line_feed(void **state) {
    (void)state;
    (void)get(FLOE_GAUGE, "t_help", "", "a\\b\nc \"d\"");
    assert_printed("t_help", "# HELP t_help a\\\\b\\nc \"d\"\n# TYPE t_help gauge\nt_help 0\n");
}

static void metrics_histogram__buckets__are_cumulative_and_their_bounds_inclusive(void **state) {
    (void)state;
    floe_metric *h = get(FLOE_HISTOGRAM, "t_seconds", "route=\"a\"", "Latency.");
    static const int64_t observed[] = {-5, 0, 50, 51, 100, 999999, 1000000, 10000000, 10000001};
    for (size_t i = 0; i < sizeof(observed) / sizeof(observed[0]); i++) {
        floe_metric_observe_us(h, observed[i]);
    }
    /* Sum: 0 + 0 + 50 + 51 + 100 + 999999 + 1000000 + 10000000 + 10000001 µs. */
    assert_printed("t_seconds", "# HELP t_seconds Latency.\n"
                                "# TYPE t_seconds histogram\n"
                                "t_seconds_bucket{route=\"a\",le=\"5e-05\"} 3\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.0001\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.00025\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.0005\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.001\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.0025\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.005\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.01\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.025\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.05\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.1\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.25\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"0.5\"} 5\n"
                                "t_seconds_bucket{route=\"a\",le=\"1\"} 7\n"
                                "t_seconds_bucket{route=\"a\",le=\"2.5\"} 7\n"
                                "t_seconds_bucket{route=\"a\",le=\"5\"} 7\n"
                                "t_seconds_bucket{route=\"a\",le=\"10\"} 8\n"
                                "t_seconds_bucket{route=\"a\",le=\"+Inf\"} 9\n"
                                "t_seconds_sum{route=\"a\"} 22.000201\n"
                                "t_seconds_count{route=\"a\"} 9\n");
    assert_int_equal(floe_metric_value(h), 9);
}

/* The bounds as text and as numbers say the same: every bound, read by strtod, holds its own number of µs. */
static void metrics_histogram__every_bound__agrees_with_its_text(void **state) {
    (void)state;
    floe_metric *h = get(FLOE_HISTOGRAM, "t_bounds", "", "Bounds.");
    FLOE_AUTO_BUF out;
    floe_str line;
    double bounds[32];
    size_t count = 0;
    floe_buf_init(&out, FLOE_MIB(1));
    print_of("t_bounds_bucket", &out);
    floe_str rest = floe_buf_view(&out);
    while (floe_str_split(&rest, '\n', &line)) {
        const char *le = memchr(line.ptr, '"', line.len);
        if (le && le[1] != '+') {
            bounds[count++] = strtod(le + 1, NULL);
        }
    }
    assert_int_equal(count, 17);
    assert_true(bounds[0] == 50e-6 && bounds[16] == 10.0);
    for (size_t i = 0; i < count; i++) {
        floe_metric_observe_us(h, (int64_t)(bounds[i] * 1e6 + 0.5));
    }
    floe_buf_clear(&out);
    print_of("t_bounds_bucket", &out);
    rest = floe_buf_view(&out);
    for (size_t i = 0; i < count; i++) { /* one observation on each bound: the i-th bucket holds i + 1 */
        char end[32];
        snprintf(end, sizeof(end), "} %zu", i + 1);
        assert_true(floe_str_split(&rest, '\n', &line));
        assert_true(floe_str_ends_with(line, floe_str_of(end)));
        assert_true(i == 0 || bounds[i] > bounds[i - 1]);
    }
}

static void metrics_get__kind_that_differs__is_invalid(void **state) {
    (void)state;
    floe_error err = {0};
    floe_metric *metric = NULL;
    (void)get(FLOE_COUNTER, "t_kind", "", "x");
    assert_fails(floe_metric_get(FLOE_GAUGE, "t_kind", "a=\"b\"", "x", &metric, &err), &err, FLOE_INVALID);
    assert_message_has(&err, "t_kind");
    assert_null(metric);
}

static void metrics_get__malformed_names_and_labels__are_invalid(void **state) {
    (void)state;
    static const char *const names[] = {"", "1a", "a b", "a-b", "a{", "\xc3\xa4", "a:b"};
    static const char *const labels[] = {"a",         "a=b",      "a=\"b",    "=\"b\"",          "1=\"b\"",
                                         ",",         "a=\"b\",", "a=\"b\"c", "a=\"\\x\"",       "a=\"b\nc\"",
                                         "a=\"b\"\n", "a=\"b\\",  "a =\"b\"", "a=\"b\",,c=\"d\""};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        floe_error err = {0};
        floe_metric *metric = NULL;
        assert_fails(floe_metric_get(FLOE_GAUGE, names[i], "", "x", &metric, &err), &err, FLOE_INVALID);
    }
    for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
        floe_error err = {0};
        floe_metric *metric = NULL;
        assert_fails(floe_metric_get(FLOE_GAUGE, "t_labels", labels[i], "x", &metric, &err), &err, FLOE_INVALID);
        assert_message_has(&err, "t_labels");
    }
    (void)get(FLOE_GAUGE, "t_labels", "a=\"\",_b1=\"\\\\ \\\" \\n , =\"", "x");
}

static void metrics_label__hostile_values__make_labels_that_are_accepted(void **state) {
    (void)state;
    static const char *const values[][2] = {
        {"plain", "plain"},
        {"q\"q", "q\\\"q"},
        {"b\\b", "b\\\\b"},
        {"l\nl", "l\\nl"},
        {"", ""},
        {"\"} 1\nforged 2", "\\\"} 1\\nforged 2"},
        {"x\xff", "x\xef\xbf\xbd"},
        {"\xc3\xa4", "\xc3\xa4"},
    };
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        FLOE_AUTO_BUF labels;
        char expected[100];
        floe_buf_init(&labels, 1000);
        floe_metric_label(&labels, "view", floe_str_of(values[i][0]));
        floe_metric_label(&labels, "n", FLOE_STR("1"));
        snprintf(expected, sizeof(expected), "view=\"%s\",n=\"1\"", values[i][1]);
        assert_string_equal(labels.ptr, expected);
        (void)get(FLOE_COUNTER, "t_hostile", labels.ptr, "x");
    }
}

static void metrics__null_metric__does_nothing(void **state) {
    (void)state;
    floe_metric_add(NULL, 1);
    floe_metric_set(NULL, 1);
    floe_metric_observe_us(NULL, 1);
    assert_int_equal(floe_metric_value(NULL), 0);
}

static void metrics_get__any_allocation_failing__is_nomem_and_the_page_stays_valid(void **state) {
    (void)state;
    for (uint64_t nth = 1;; nth++) {
        floe_error err = {0};
        floe_metric *metric = NULL;
        char name[32];
        char expected[200];
        snprintf(name, sizeof(name), "t_nomem_%d_", (int)nth);
        floe_mem_fail_at(nth);
        floe_status status = floe_metric_get(FLOE_COUNTER, name, "a=\"b\"", "x", &metric, &err);
        uint64_t asked = floe_mem_fail_count();
        floe_mem_fail_off();
        if (nth > asked) {
            assert_ok(status, &err);
            assert_int_equal(nth, 6); /* family, name, help; metric, labels */
            break;
        }
        assert_fails(status, &err, FLOE_NOMEM);
        assert_printed(name, "");
        (void)get(FLOE_COUNTER, name, "a=\"b\"", "x");
        snprintf(expected, sizeof(expected), "# HELP %s x\n# TYPE %s counter\n%s{a=\"b\"} 0\n", name, name, name);
        assert_printed(name, expected);
    }
}

enum { THREADS = 6, ROUNDS = 3000 };

static void *use_metrics(void *context) {
    (void)context;
    for (int i = 0; i < ROUNDS; i++) {
        floe_metric *counter = NULL;
        floe_metric *histogram = NULL;
        FLOE_ASSERT(!floe_failed(floe_metric_get(FLOE_COUNTER, "t_shared_total", "", "x", &counter, NULL)));
        FLOE_ASSERT(!floe_failed(floe_metric_get(FLOE_HISTOGRAM, "t_shared_s", "", "x", &histogram, NULL)));
        floe_metric_add(counter, 1);
        floe_metric_observe_us(histogram, i);
    }
    return NULL;
}

static void metrics__many_threads__lose_nothing_while_printing(void **state) {
    (void)state;
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, use_metrics, NULL), 0);
    }
    for (int i = 0; i < 20; i++) {
        FLOE_AUTO_BUF page;
        floe_buf_init(&page, FLOE_MIB(16));
        floe_metrics_print(&page);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(floe_metric_value(get(FLOE_COUNTER, "t_shared_total", "", "x")), THREADS * ROUNDS);
    assert_int_equal(floe_metric_value(get(FLOE_HISTOGRAM, "t_shared_s", "", "x")), THREADS * ROUNDS);
}

/* Last, because it fills the registry. */
static void metrics_get__too_many__is_limit(void **state) {
    (void)state;
    floe_error err = {0};
    floe_metric *metric = NULL;
    floe_status status = FLOE_OK;
    char labels[1100];
    memset(labels, 'x', sizeof(labels));
    memcpy(labels, "a=\"", 3);
    memcpy(labels + 1023, "\"", 2);
    assert_ok(floe_metric_get(FLOE_GAUGE, "t_many", labels, "x", &metric, &err), &err); /* 1024 bytes */
    memcpy(labels + 1023, "x\"", 3);                                                    /* 1025 */
    assert_fails(floe_metric_get(FLOE_GAUGE, "t_many", labels, "x", &metric, &err), &err, FLOE_LIMIT);
    err = (floe_error){0};
    for (int i = 0; i < 5000 && !floe_failed(status); i++) {
        snprintf(labels, sizeof(labels), "i=\"%d\"", i);
        status = floe_metric_get(FLOE_GAUGE, "t_many", labels, "x", &metric, &err);
    }
    assert_fails(status, &err, FLOE_LIMIT);
    assert_message_has(&err, "t_many");
    (void)get(FLOE_GAUGE, "t_many", "i=\"0\"", "x"); /* what exists can still be had */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metrics__counter_and_gauge__are_printed_in_families),
        cmocka_unit_test(metrics__name_and_labels__are_copied),
        cmocka_unit_test(metrics__help__escapes_backslash_and_line_feed),
        cmocka_unit_test(metrics_histogram__buckets__are_cumulative_and_their_bounds_inclusive),
        cmocka_unit_test(metrics_histogram__every_bound__agrees_with_its_text),
        cmocka_unit_test(metrics_get__kind_that_differs__is_invalid),
        cmocka_unit_test(metrics_get__malformed_names_and_labels__are_invalid),
        cmocka_unit_test(metrics_label__hostile_values__make_labels_that_are_accepted),
        cmocka_unit_test(metrics__null_metric__does_nothing),
        cmocka_unit_test(metrics_get__any_allocation_failing__is_nomem_and_the_page_stays_valid),
        cmocka_unit_test(metrics__many_threads__lose_nothing_while_printing),
        cmocka_unit_test(metrics_get__too_many__is_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
