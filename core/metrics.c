/*
 * Metrics: a registry that only grows, of families (one name) and their metrics (one label set each).
 *
 * Lock: `mutex` guards the lists; values are atomics and are read and written without it. A histogram keeps a count per
 * bucket and no total: the total is the sum, taken once per print, so that what is printed always agrees with itself.
 *
 * Source: Prometheus exposition formats, text format 0.0.4.
 */
#include "core/metrics.h"

#include "core/mem.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define METRICS_MAX 4096 /* label sets are meant to be few; a loop that makes them without end is stopped here */
#define LABELS_MAX_LEN 1024

/* The upper bounds, which belong to their bucket, as numbers and as the format shows them. */
static const struct {
    int64_t us;
    const char *seconds;
} buckets[] = {
    {50, "5e-05"},   {100, "0.0001"}, {250, "0.00025"}, {500, "0.0005"}, {1000, "0.001"},  {2500, "0.0025"},
    {5000, "0.005"}, {10000, "0.01"}, {25000, "0.025"}, {50000, "0.05"}, {100000, "0.1"},  {250000, "0.25"},
    {500000, "0.5"}, {1000000, "1"},  {2500000, "2.5"}, {5000000, "5"},  {10000000, "10"},
};
#define BUCKET_COUNT (sizeof(buckets) / sizeof(buckets[0]))

typedef struct family family;

struct floe_metric {
    family *of;
    char *labels;
    _Atomic int64_t value;                    /* counter, gauge; histogram: the sum in µs */
    _Atomic int64_t counts[BUCKET_COUNT + 1]; /* histogram: observations per bucket, not added up; the last is +Inf */
    floe_metric *next;
};

struct family {
    floe_metric_kind kind;
    char *name;
    char *help;
    floe_metric *first;
    floe_metric **end;
    family *next;
};

static struct {
    pthread_mutex_t mutex;
    family *first;
    family **end;
    size_t count;
} registry = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* ---- Names and labels ---- */

static bool is_name_byte(char byte, bool first) {
    bool letter = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_';
    return letter || (!first && byte >= '0' && byte <= '9');
}

static size_t name_len(const char *text) {
    size_t len = 0;
    while (is_name_byte(text[len], len == 0)) {
        len++;
    }
    return len;
}

/* The length of "…" with its quotes, or 0 when it is not closed or holds a wrong escape. */
static size_t quoted_len(const char *text) {
    if (text[0] != '"') {
        return 0;
    }
    for (size_t at = 1; text[at] && text[at] != '\n'; at++) {
        if (text[at] == '"') {
            return at + 1;
        }
        if (text[at] == '\\') {
            at++;
            if (text[at] != '\\' && text[at] != '"' && text[at] != 'n') {
                return 0;
            }
        }
    }
    return 0;
}

/* name="value"{,name="value"}, or nothing. */
static bool are_labels(const char *labels) {
    const char *at = labels;
    while (*at) {
        size_t name = name_len(at);
        size_t value = name > 0 && at[name] == '=' ? quoted_len(at + name + 1) : 0;
        if (value == 0) {
            return false;
        }
        at += name + 1 + value;
        if (*at == ',' && at[1]) {
            at++;
        } else if (*at) {
            return false;
        }
    }
    return true;
}

/* Bytes that are not UTF-8 would make a scraper reject the whole page. */
static void put_label_value(floe_buf *out, floe_str value) {
    bool is_text = floe_str_is_utf8(value);
    for (size_t i = 0; i < value.len; i++) {
        char byte = value.ptr[i];
        if (byte == '\n') {
            floe_buf_text(out, "\\n");
        } else if (byte == '\\' || byte == '"') {
            floe_buf_byte(out, '\\');
            floe_buf_byte(out, (uint8_t)byte);
        } else if (byte == '\0' || (!is_text && (unsigned char)byte >= 0x80)) {
            floe_buf_text(out, "\xef\xbf\xbd");
        } else {
            floe_buf_byte(out, (uint8_t)byte);
        }
    }
}

void floe_metric_label(floe_buf *labels, const char *name, floe_str value) {
    if (labels->len > 0) {
        floe_buf_byte(labels, ',');
    }
    floe_buf_text(labels, name);
    floe_buf_text(labels, "=\"");
    put_label_value(labels, value);
    floe_buf_byte(labels, '"');
}

/* ---- The registry ---- */

static void free_family(family **made) {
    if (*made) {
        floe_free((*made)->name);
        floe_free((*made)->help);
        floe_free(*made);
    }
}

static void free_metric(floe_metric **made) {
    if (*made) {
        floe_free((*made)->labels);
        floe_free(*made);
    }
}

static family *find_family(const char *name) {
    family *found = registry.first;
    while (found && strcmp(found->name, name) != 0) {
        found = found->next;
    }
    return found;
}

static floe_metric *find_metric(const family *of, const char *labels) {
    floe_metric *found = of->first;
    while (found && strcmp(found->labels, labels) != 0) {
        found = found->next;
    }
    return found;
}

static floe_status make_family(floe_metric_kind kind, const char *name, const char *help, family **ret_family,
                               floe_error *err) {
    __attribute__((cleanup(free_family))) family *made = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*made), &made, err));
    FLOE_TRY(floe_strdup(name, &made->name, err));
    FLOE_TRY(floe_strdup(help, &made->help, err));
    made->kind = kind;
    made->end = &made->first;
    *(registry.end ? registry.end : &registry.first) = made;
    registry.end = &made->next;
    *ret_family = made;
    made = NULL;
    return FLOE_OK;
}

static floe_status make_metric(family *of, const char *labels, floe_metric **ret_metric, floe_error *err) {
    __attribute__((cleanup(free_metric))) floe_metric *made = NULL;
    FLOE_ENSURE(registry.count < METRICS_MAX, err, FLOE_LIMIT, "more than %d metrics (at %s{%s})", METRICS_MAX,
                of->name, labels);
    FLOE_TRY(floe_alloc(1, sizeof(*made), &made, err));
    FLOE_TRY(floe_strdup(labels, &made->labels, err));
    made->of = of;
    *of->end = made;
    of->end = &made->next;
    registry.count++;
    *ret_metric = made;
    made = NULL;
    return FLOE_OK;
}

/* Under the lock. A family whose first metric could not be made stays; without metrics it is not printed. */
static floe_status get_locked(floe_metric_kind kind, const char *name, const char *labels, const char *help,
                              floe_metric **ret_metric, floe_error *err) {
    family *of = find_family(name);
    FLOE_ENSURE(!of || of->kind == kind, err, FLOE_INVALID, "the metric %s exists with another kind", name);
    floe_metric *found = of ? find_metric(of, labels) : NULL;
    if (found) {
        *ret_metric = found;
        return FLOE_OK;
    }
    if (!of) {
        FLOE_TRY(make_family(kind, name, help, &of, err));
    }
    return make_metric(of, labels, ret_metric, err);
}

floe_status floe_metric_get(floe_metric_kind kind, const char *name, const char *labels, const char *help,
                            floe_metric **ret_metric, floe_error *err) {
    FLOE_ENSURE(*name && name[name_len(name)] == '\0', err, FLOE_INVALID,
                "'%s' is no name for a metric: letters, digits and _ only", name);
    FLOE_ENSURE(strlen(labels) <= LABELS_MAX_LEN, err, FLOE_LIMIT, "the labels of %s are longer than %d bytes", name,
                LABELS_MAX_LEN);
    FLOE_ENSURE(are_labels(labels), err, FLOE_INVALID,
                "'%s' are no labels: name=\"value\",… with \\, \" and line "
                "feeds escaped (metric %s)",
                labels, name);
    (void)pthread_mutex_lock(&registry.mutex);
    floe_status status = get_locked(kind, name, labels, help, ret_metric, err);
    (void)pthread_mutex_unlock(&registry.mutex);
    return status;
}

/* ---- Values ---- */

void floe_metric_add(floe_metric *metric, int64_t delta) {
    if (!metric) {
        return;
    }
    FLOE_ASSERT(metric->of->kind == FLOE_GAUGE || (metric->of->kind == FLOE_COUNTER && delta >= 0));
    atomic_fetch_add_explicit(&metric->value, delta, memory_order_relaxed);
}

void floe_metric_set(floe_metric *metric, int64_t value) {
    if (!metric) {
        return;
    }
    FLOE_ASSERT(metric->of->kind == FLOE_GAUGE);
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void floe_metric_observe_us(floe_metric *metric, int64_t micros) {
    if (!metric) {
        return;
    }
    FLOE_ASSERT(metric->of->kind == FLOE_HISTOGRAM);
    int64_t observed = micros > 0 ? micros : 0; /* a clock that was set back */
    size_t at = 0;
    while (at < BUCKET_COUNT && observed > buckets[at].us) {
        at++;
    }
    atomic_fetch_add_explicit(&metric->counts[at], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&metric->value, observed, memory_order_relaxed);
}

int64_t floe_metric_value(const floe_metric *metric) {
    if (!metric) {
        return 0;
    }
    if (metric->of->kind != FLOE_HISTOGRAM) {
        return atomic_load_explicit(&metric->value, memory_order_relaxed);
    }
    int64_t total = 0;
    for (size_t i = 0; i <= BUCKET_COUNT; i++) {
        total += atomic_load_explicit(&metric->counts[i], memory_order_relaxed);
    }
    return total;
}

/* ---- Printing ---- */

/* HELP escapes the backslash and the line feed, and not the quote. */
static void print_help(floe_buf *out, const char *help) {
    for (const char *at = help; *at; at++) {
        if (*at == '\n') {
            floe_buf_text(out, "\\n");
        } else if (*at == '\\') {
            floe_buf_text(out, "\\\\");
        } else {
            floe_buf_byte(out, (uint8_t)*at);
        }
    }
}

static void print_bucket(floe_buf *out, const floe_metric *metric, const char *bound, int64_t count) {
    floe_buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRId64 "\n", metric->of->name, metric->labels,
                    *metric->labels ? "," : "", bound, count);
}

static void print_sample(floe_buf *out, const floe_metric *metric, const char *suffix, const char *value) {
    const char *format = *metric->labels ? "%s%s{%s} %s\n" : "%s%s%s %s\n";
    floe_buf_printf(out, format, metric->of->name, suffix, metric->labels, value);
}

static void print_histogram(floe_buf *out, const floe_metric *metric) {
    char text[48];
    int64_t total = 0;
    for (size_t i = 0; i <= BUCKET_COUNT; i++) {
        total += atomic_load_explicit(&metric->counts[i], memory_order_relaxed);
        print_bucket(out, metric, i < BUCKET_COUNT ? buckets[i].seconds : "+Inf", total);
    }
    int64_t sum_us = atomic_load_explicit(&metric->value, memory_order_relaxed);
    (void)snprintf(text, sizeof(text), "%" PRId64 ".%06" PRId64, sum_us / 1000000, sum_us % 1000000);
    print_sample(out, metric, "_sum", text);
    (void)snprintf(text, sizeof(text), "%" PRId64, total);
    print_sample(out, metric, "_count", text);
}

static void print_metric(floe_buf *out, const floe_metric *metric) {
    if (metric->of->kind == FLOE_HISTOGRAM) {
        print_histogram(out, metric);
        return;
    }
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, floe_metric_value(metric));
    print_sample(out, metric, "", text);
}

static void print_family(floe_buf *out, const family *of) {
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    if (!of->first) {
        return;
    }
    floe_buf_printf(out, "# HELP %s ", of->name);
    print_help(out, of->help);
    floe_buf_printf(out, "\n# TYPE %s %s\n", of->name, kinds[of->kind]);
    for (const floe_metric *metric = of->first; metric; metric = metric->next) {
        print_metric(out, metric);
    }
}

void floe_metrics_print(floe_buf *out) {
    (void)pthread_mutex_lock(&registry.mutex);
    for (const family *of = registry.first; of; of = of->next) {
        print_family(out, of);
    }
    (void)pthread_mutex_unlock(&registry.mutex);
}
