/*
 * Kafka, through librdkafka, which only this file includes: a consumer in a group, and a producer for dead letters.
 *
 * Offsets are committed by hand, after the rows are written. A position that could not be committed because the group
 * is being rebalanced is left to whoever gets the partition: rows are written if newer, so reading twice changes
 * nothing. librdkafka's own log is silenced; its last error is kept for messages.
 */
#include "online/kafka_int.h"

#include "core/mem.h"
#include "core/time.h"
#include "online/online.h"

#include <librdkafka/rdkafka.h>
#include <stdio.h>

#define CALL_MS 10000
#define STEP_MS 200
#define TELL_US (3 * FLOE_US_PER_SECOND) /* after so long without a broker that is said */
#define LAST_ERROR_MAX 256
#define TELL_BYTES 1024
#define COMMIT_TRIES 5

typedef struct kafka_partition {
    int32_t id;
    int64_t next;      /* offset after the last message polled; -1: none yet */
    int64_t committed; /* -1: none */
    int64_t end;       /* high watermark when it was assigned; -1: not asked yet */
    bool eof;          /* the broker said that its end is reached */
} kafka_partition;

struct floe_kafka {
    rd_kafka_t *consumer;
    rd_kafka_t *producer;
    char *topic;
    char *dead_letter; /* NULL: none */
    char *brokers;
    kafka_partition *partitions;
    size_t partition_count;
    size_t lost_letters; /* dead letters that the broker refused for good */
    char last_error[LAST_ERROR_MAX];
};

/* ---- set-up ---- */

static void keep_silent(const rd_kafka_t *client, int level, const char *facility, const char *text) {
    (void)client;
    (void)level;
    (void)facility;
    (void)text;
}

static void keep_error(rd_kafka_t *client, int code, const char *reason, void *context) {
    floe_kafka *kafka = context;
    (void)client;
    (void)code;
    snprintf(kafka->last_error, sizeof(kafka->last_error), "%s", reason);
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *context) {
    floe_kafka *kafka = context;
    (void)client;
    kafka->lost_letters += message->err != RD_KAFKA_RESP_ERR_NO_ERROR ? 1 : 0;
}

static floe_status set(rd_kafka_conf_t *conf, const char *name, const char *value, floe_error *err) {
    char reason[256];
    if (rd_kafka_conf_set(conf, name, value, reason, sizeof(reason)) != RD_KAFKA_CONF_OK) {
        return FLOE_FAIL(err, FLOE_INVALID, "kafka option %s=%s: %s", name, value, reason);
    }
    return FLOE_OK;
}

static floe_status set_option(rd_kafka_conf_t *conf, const char *option, floe_error *err) {
    char name[128];
    const char *equals = strchr(option, '=');
    FLOE_ENSURE(equals != NULL && (size_t)(equals - option) < sizeof(name), err, FLOE_INVALID,
                "kafka option %s is not of the form name=value", option);
    snprintf(name, sizeof(name), "%.*s", (int)(equals - option), option);
    return set(conf, name, equals + 1, err);
}

static floe_status set_common(floe_kafka *kafka, rd_kafka_conf_t *conf, const char *const *options, floe_error *err) {
    rd_kafka_conf_set_log_cb(conf, keep_silent);
    rd_kafka_conf_set_error_cb(conf, keep_error);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_conf_set_opaque(conf, kafka);
    FLOE_TRY(set(conf, "bootstrap.servers", kafka->brokers, err));
    for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
        FLOE_TRY(set_option(conf, options[i], err));
    }
    return FLOE_OK;
}

static floe_status set_consumer(rd_kafka_conf_t *conf, floe_str group, floe_error *err) {
    FLOE_AUTO_FREE char *name = NULL;
    FLOE_TRY(floe_strndup(group.ptr, group.len, &name, err));
    FLOE_TRY(set(conf, "group.id", name, err));
    FLOE_TRY(set(conf, "enable.auto.commit", "false", err));
    FLOE_TRY(set(conf, "enable.auto.offset.store", "false", err));
    FLOE_TRY(set(conf, "enable.partition.eof", "true", err));
    return set(conf, "auto.offset.reset", "earliest", err);
}

/* Takes the configuration over, also on failure. */
static floe_status make_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, floe_status configured,
                               rd_kafka_t **ret_client, floe_error *err) {
    char reason[256] = "";
    if (floe_failed(configured)) {
        rd_kafka_conf_destroy(conf);
        return configured;
    }
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof(reason));
    if (client == NULL) {
        rd_kafka_conf_destroy(conf);
        return FLOE_FAIL(err, FLOE_INVALID, "cannot make a Kafka client: %s", reason);
    }
    *ret_client = client;
    return FLOE_OK;
}

static floe_status make_consumer(floe_kafka *kafka, floe_str group, const char *const *options, floe_error *err) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    floe_status status = set_consumer(conf, group, err);
    status = floe_failed(status) ? status : set_common(kafka, conf, options, err);
    FLOE_TRY(make_client(RD_KAFKA_CONSUMER, conf, status, &kafka->consumer, err));
    rd_kafka_poll_set_consumer(kafka->consumer);
    return FLOE_OK;
}

static floe_status make_producer(floe_kafka *kafka, const char *const *options, floe_error *err) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    floe_status status = set(conf, "enable.idempotence", "true", err);
    /* A dead letter waits for its broker as long as it takes: its event is not committed before. */
    status = floe_failed(status) ? status : set(conf, "message.timeout.ms", "0", err);
    status = floe_failed(status) ? status : set_common(kafka, conf, options, err);
    return make_client(RD_KAFKA_PRODUCER, conf, status, &kafka->producer, err);
}

/* ---- the topic ---- */

static floe_status fail_away(const floe_kafka *kafka, const char *what, rd_kafka_resp_err_t code, floe_error *err) {
    return FLOE_FAIL(err, FLOE_UNAVAILABLE, "Kafka at %s: cannot %s: %s%s%s", kafka->brokers, what,
                     rd_kafka_err2str(code), kafka->last_error[0] != '\0' ? "; " : "", kafka->last_error);
}

/* One look at the topic. *ret_there is false when no broker answered; then it is worth another try. */
static floe_status look(floe_kafka *kafka, bool *ret_there, floe_error *err) {
    const struct rd_kafka_metadata *metadata = NULL;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(kafka->consumer, kafka->topic, NULL);
    rd_kafka_resp_err_t code =
        topic == NULL ? rd_kafka_last_error() : rd_kafka_metadata(kafka->consumer, 0, topic, &metadata, STEP_MS);
    bool there = code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1 &&
                 metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topics[0].partition_cnt > 0;
    bool missing = code == RD_KAFKA_RESP_ERR_NO_ERROR && metadata->topic_cnt == 1 &&
                   metadata->topics[0].err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (metadata != NULL) {
        rd_kafka_metadata_destroy(metadata);
    }
    if (topic != NULL) {
        rd_kafka_topic_destroy(topic);
    }
    FLOE_ENSURE(!missing, err, FLOE_NOT_FOUND, "Kafka at %s has no topic %s", kafka->brokers, kafka->topic);
    *ret_there = there;
    return FLOE_OK;
}

/* Somebody may be watching: silence would look like work. */
static void tell_waiting(const floe_kafka *kafka, const floe_kafka_start *start) {
    char why[TELL_BYTES];
    snprintf(why, sizeof(why), "no broker at %s has answered yet; still trying, for %lld s in all%s%s", kafka->brokers,
             (long long)(start->wait_us / FLOE_US_PER_SECOND), kafka->last_error[0] != '\0' ? ": " : "",
             kafka->last_error);
    start->waiting(start->waiting_context, why);
}

static floe_status wait_for_topic(floe_kafka *kafka, const floe_kafka_start *start, floe_error *err) {
    int64_t begun_us = floe_monotonic_us();
    bool told = start->waiting == NULL;
    for (bool there = false; !there;) {
        FLOE_ENSURE(start->cancelled == NULL || !atomic_load(start->cancelled), err, FLOE_CANCELLED,
                    "the ingest was stopped");
        FLOE_TRY(look(kafka, &there, err));
        int64_t waited_us = floe_monotonic_us() - begun_us;
        if (!there && waited_us >= start->wait_us) {
            return fail_away(kafka, "reach a broker; start it, or correct the stream's brokers",
                             RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, err);
        }
        if (!there && !told && waited_us >= TELL_US) {
            told = true;
            tell_waiting(kafka, start);
        }
    }
    return FLOE_OK;
}

static floe_status subscribe(floe_kafka *kafka, floe_error *err) {
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(topics, kafka->topic, RD_KAFKA_PARTITION_UA);
    rd_kafka_resp_err_t code = rd_kafka_subscribe(kafka->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    return code == RD_KAFKA_RESP_ERR_NO_ERROR ? FLOE_OK : fail_away(kafka, "subscribe", code, err);
}

static floe_status set_up(floe_kafka *kafka, const floe_stream_def *stream, const char *const *options,
                          floe_error *err) {
    FLOE_TRY(floe_strndup(stream->brokers.ptr, stream->brokers.len, &kafka->brokers, err));
    FLOE_TRY(floe_strndup(stream->topic.ptr, stream->topic.len, &kafka->topic, err));
    FLOE_TRY(make_consumer(kafka, stream->group, options, err));
    if (stream->dead_letter.len > 0) {
        FLOE_TRY(floe_strndup(stream->dead_letter.ptr, stream->dead_letter.len, &kafka->dead_letter, err));
        FLOE_TRY(make_producer(kafka, options, err));
    }
    return FLOE_OK;
}

floe_status floe_kafka_open(const floe_stream_def *stream, const floe_kafka_start *start, floe_kafka **ret_kafka,
                            floe_error *err) {
    floe_kafka *kafka = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*kafka), &kafka, err));
    floe_status status = set_up(kafka, stream, start->options, err);
    status = floe_failed(status) ? status : wait_for_topic(kafka, start, err);
    status = floe_failed(status) ? status : subscribe(kafka, err);
    if (floe_failed(status)) {
        floe_kafka_close(&kafka);
        return status;
    }
    *ret_kafka = kafka;
    return FLOE_OK;
}

floe_status floe_stream_probe(const floe_stream_def *stream, int64_t wait_us, const atomic_bool *cancelled,
                              floe_error *err) {
    floe_kafka_start start = {.wait_us = wait_us, .cancelled = cancelled};
    floe_kafka *kafka = NULL;
    FLOE_TRY(floe_alloc(1, sizeof(*kafka), &kafka, err));
    floe_status status = set_up(kafka, stream, NULL, err);
    status = floe_failed(status) ? status : wait_for_topic(kafka, &start, err);
    floe_kafka_close(&kafka);
    return status;
}

void floe_kafka_close(floe_kafka **kafka_pointer) {
    floe_kafka *kafka = *kafka_pointer;
    *kafka_pointer = NULL;
    if (kafka == NULL) {
        return;
    }
    if (kafka->consumer != NULL) {
        (void)rd_kafka_consumer_close(kafka->consumer);
        rd_kafka_destroy(kafka->consumer);
    }
    if (kafka->producer != NULL) {
        rd_kafka_destroy(kafka->producer);
    }
    floe_free(kafka->partitions);
    floe_free(kafka->topic);
    floe_free(kafka->dead_letter);
    floe_free(kafka->brokers);
    floe_free(kafka);
}

/* ---- messages ---- */

static floe_status partition_of(floe_kafka *kafka, int32_t id, kafka_partition **ret_partition, floe_error *err) {
    for (size_t i = 0; i < kafka->partition_count; i++) {
        if (kafka->partitions[i].id == id) {
            *ret_partition = &kafka->partitions[i];
            return FLOE_OK;
        }
    }
    FLOE_TRY(floe_realloc(&kafka->partitions, kafka->partition_count + 1, sizeof(kafka_partition), err));
    kafka_partition *added = &kafka->partitions[kafka->partition_count++];
    *added = (kafka_partition){.id = id, .next = -1, .committed = -1, .end = -1};
    *ret_partition = added;
    return FLOE_OK;
}

/* An event of the topic: a message is taken, the end of a partition noted, an error kept for a later message. */
static floe_status take_message(floe_kafka *kafka, rd_kafka_message_t *polled, floe_kafka_message *message,
                                bool *ret_taken, floe_error *err) {
    kafka_partition *partition = NULL;
    *ret_taken = false;
    if (polled->err == RD_KAFKA_RESP_ERR_NO_ERROR || polled->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        FLOE_TRY(partition_of(kafka, polled->partition, &partition, err));
        partition->eof = polled->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
    } else {
        snprintf(kafka->last_error, sizeof(kafka->last_error), "%s", rd_kafka_message_errstr(polled));
    }
    if (polled->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return FLOE_OK;
    }
    partition->next = polled->offset + 1;
    *message = (floe_kafka_message){.payload = {polled->payload, polled->len},
                                    .partition = polled->partition,
                                    .offset = polled->offset,
                                    .handle = polled};
    *ret_taken = true;
    return FLOE_OK;
}

floe_status floe_kafka_poll(floe_kafka *kafka, int wait_ms, floe_kafka_message *messages, size_t max, size_t *ret_count,
                            floe_error *err) {
    size_t count = 0;
    while (count < max) {
        bool taken = false;
        rd_kafka_message_t *polled = rd_kafka_consumer_poll(kafka->consumer, count == 0 ? wait_ms : 0);
        if (polled == NULL) {
            break;
        }
        floe_status status = take_message(kafka, polled, &messages[count], &taken, err);
        if (!taken) {
            rd_kafka_message_destroy(polled);
        }
        if (floe_failed(status)) {
            floe_kafka_release(messages, count);
            return status;
        }
        count += taken ? 1 : 0;
        if (!taken && count == 0) {
            break; /* the caller looks at what has changed */
        }
    }
    *ret_count = count;
    return FLOE_OK;
}

void floe_kafka_release(floe_kafka_message *messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_destroy(messages[i].handle);
    }
}

bool floe_kafka_has_dead_letter(const floe_kafka *kafka) {
    return kafka->producer != NULL;
}

floe_status floe_kafka_dead_letter(floe_kafka *kafka, const floe_kafka_message *message, const char *reason,
                                   floe_error *err) {
    const rd_kafka_message_t *original = message->handle;
    for (;;) {
        rd_kafka_resp_err_t code = rd_kafka_producev(
            kafka->producer, RD_KAFKA_V_TOPIC(kafka->dead_letter), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY(original->key, original->key_len), RD_KAFKA_V_VALUE(original->payload, original->len),
            RD_KAFKA_V_HEADER("floe-reason", reason, (ssize_t)strlen(reason)), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return FLOE_OK;
        }
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
            return fail_away(kafka, "send a dead letter", code, err);
        }
        (void)rd_kafka_poll(kafka->producer, STEP_MS);
    }
}

/* ---- commit ---- */

static floe_status flush_letters(floe_kafka *kafka, floe_error *err) {
    if (kafka->producer == NULL) {
        return FLOE_OK;
    }
    rd_kafka_resp_err_t code = rd_kafka_flush(kafka->producer, CALL_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail_away(kafka, "deliver dead letters", code, err);
    }
    FLOE_ENSURE(
        kafka->lost_letters == 0, err, FLOE_IO,
        "Kafka at %s refused %zu dead letters for topic %s; make the topic, and allow messages as large as in %s",
        kafka->brokers, kafka->lost_letters, kafka->dead_letter, kafka->topic);
    return FLOE_OK;
}

/* The partition is somebody else's now, or about to be: that reader starts where we last committed. */
static bool is_rebalance(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
           code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || code == RD_KAFKA_RESP_ERR__NO_OFFSET ||
           code == RD_KAFKA_RESP_ERR__ASSIGNMENT_LOST;
}

static rd_kafka_topic_partition_list_t *uncommitted(const floe_kafka *kafka) {
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new((int)kafka->partition_count);
    for (size_t i = 0; i < kafka->partition_count; i++) {
        const kafka_partition *partition = &kafka->partitions[i];
        if (partition->next > partition->committed) {
            rd_kafka_topic_partition_list_add(offsets, kafka->topic, partition->id)->offset = partition->next;
        }
    }
    return offsets;
}

floe_status floe_kafka_commit(floe_kafka *kafka, floe_error *err) {
    rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
    FLOE_TRY(flush_letters(kafka, err));
    rd_kafka_topic_partition_list_t *offsets = uncommitted(kafka);
    for (int tries = 0; offsets->cnt > 0 && tries < COMMIT_TRIES; tries++) {
        code = rd_kafka_commit(kafka->consumer, offsets, 0);
        if (code == RD_KAFKA_RESP_ERR_NO_ERROR || is_rebalance(code)) {
            break;
        }
    }
    rd_kafka_topic_partition_list_destroy(offsets);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && !is_rebalance(code)) {
        return fail_away(kafka, "commit offsets", code, err);
    }
    for (size_t i = 0; i < kafka->partition_count; i++) {
        kafka->partitions[i].committed = kafka->partitions[i].next;
    }
    return FLOE_OK;
}

/* ---- the end ---- */

static floe_status ask_end(floe_kafka *kafka, kafka_partition *partition, floe_error *err) {
    int64_t low = 0;
    int64_t high = 0;
    if (partition->end >= 0) {
        return FLOE_OK;
    }
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(kafka->consumer, kafka->topic, partition->id, &low, &high, CALL_MS);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail_away(kafka, "ask for the topic's end", code, err);
    }
    partition->end = high;
    return FLOE_OK;
}

floe_status floe_kafka_at_end(floe_kafka *kafka, bool *ret_end, floe_error *err) {
    rd_kafka_topic_partition_list_t *assigned = NULL;
    rd_kafka_resp_err_t code = rd_kafka_assignment(kafka->consumer, &assigned);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return fail_away(kafka, "ask for its partitions", code, err);
    }
    bool end = assigned->cnt > 0;
    floe_status status = FLOE_OK;
    for (int i = 0; !floe_failed(status) && i < assigned->cnt; i++) {
        kafka_partition *partition = NULL;
        status = partition_of(kafka, assigned->elems[i].partition, &partition, err);
        status = floe_failed(status) ? status : ask_end(kafka, partition, err);
        end = end && !floe_failed(status) && (partition->next >= partition->end || partition->eof);
    }
    rd_kafka_topic_partition_list_destroy(assigned);
    FLOE_TRY(status);
    *ret_end = end;
    return FLOE_OK;
}
