/*
 * A Kafka topic as ingest sees it. Only kafka.c includes librdkafka.
 */
#ifndef FLOE_ONLINE_KAFKA_INT_H
#define FLOE_ONLINE_KAFKA_INT_H

#include "core/error.h"
#include "core/str.h"
#include "registry/registry.h"

#include <stdatomic.h>

#define FLOE_KAFKA_START_US (60 * FLOE_US_PER_SECOND)

typedef struct floe_kafka floe_kafka;

typedef struct floe_kafka_message {
    floe_str payload;
    int32_t partition;
    int64_t offset;
    void *handle;
} floe_kafka_message;

/* How a start waits for a broker. */
typedef struct floe_kafka_start {
    const char *const *options; /* as in floe_ingest_request */
    int64_t wait_us;            /* how long at most */
    const atomic_bool *cancelled;
    void (*waiting)(void *context, const char *why); /* called once when it takes longer than 3 s; may be NULL */
    void *waiting_context;
} floe_kafka_start;

/* Connects, joins the group and subscribes. Errors: UNAVAILABLE when no broker answered within wait_us; NOT_FOUND for a
 * missing topic; INVALID for an unknown option; CANCELLED. */
floe_status floe_kafka_open(const floe_stream_def *stream, const floe_kafka_start *start, floe_kafka **ret_kafka,
                            floe_error *err);
/* Leaves the group; what was not committed is read again by the next. */
void floe_kafka_close(floe_kafka **kafka);

/* Up to `max` messages, the first awaited for at most wait_ms. Owns: floe_kafka_release gives them back. Brokers that
 * are away are no error: nothing comes then. */
floe_status floe_kafka_poll(floe_kafka *kafka, int wait_ms, floe_kafka_message *messages, size_t max, size_t *ret_count,
                            floe_error *err);
void floe_kafka_release(floe_kafka_message *messages, size_t count);

/* Sends a message to the dead-letter topic; it has arrived when floe_kafka_commit returns. */
floe_status floe_kafka_dead_letter(floe_kafka *kafka, const floe_kafka_message *message, const char *reason,
                                   floe_error *err);
bool floe_kafka_has_dead_letter(const floe_kafka *kafka);

/* Waits until the dead letters have arrived, then commits everything that was polled. Errors: UNAVAILABLE: try
 * again. */
floe_status floe_kafka_commit(floe_kafka *kafka, floe_error *err);

/* Whether everything that lay in the assigned partitions when they were assigned has been polled. */
floe_status floe_kafka_at_end(floe_kafka *kafka, bool *ret_end, floe_error *err);

#endif
