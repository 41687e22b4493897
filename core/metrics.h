/*
 * Counters, gauges and latency histograms, registered once and written without a lock, printed in the Prometheus text
 * format. A metric lives until the process ends; name, labels and help are copied.
 * Thread: registering takes a lock; adding and observing is atomic and wait-free from any thread.
 */
#ifndef FLOE_CORE_METRICS_H
#define FLOE_CORE_METRICS_H

#include "core/buf.h"
#include "core/error.h"

#include <stdint.h>

typedef struct floe_metric floe_metric;

typedef enum floe_metric_kind { FLOE_COUNTER, FLOE_GAUGE, FLOE_HISTOGRAM } floe_metric_kind;

/* The metric of this name and label set ("" or `route="lookup",status="200"`), made on first use. A histogram is in
 * seconds with fixed buckets from 50 µs to 10 s. The first help of a name counts. Errors: LIMIT, NOMEM; INVALID when
 * the name exists with another kind, or name or labels are not what the format allows. */
floe_status floe_metric_get(floe_metric_kind kind, const char *name, const char *labels, const char *help,
                            floe_metric **ret_metric, floe_error *err);

/* Appends one label, NAME="value" with the value escaped, and a comma before it when `labels` is not empty: for label
 * sets with values that are not literals. */
void floe_metric_label(floe_buf *labels, const char *name, floe_str value);

void floe_metric_add(floe_metric *metric, int64_t delta);         /* counter (delta ≥ 0), gauge; NULL does nothing */
void floe_metric_set(floe_metric *metric, int64_t value);         /* gauge */
void floe_metric_observe_us(floe_metric *metric, int64_t micros); /* histogram */
int64_t floe_metric_value(const floe_metric *metric);             /* counter, gauge: value; histogram: count */

/* All metrics in the Prometheus text exposition format 0.0.4. */
void floe_metrics_print(floe_buf *out);

#endif
