/*
 * Events from Kafka into the store, against librdkafka's mock cluster. A group's first message takes some seconds
 * there, which is why the tests run side by side.
 * timeout: 600
 */
#include "tests/online/flights.h"
#include "tests/support/apart.h"

#include "core/limits.h"
#include "core/time.h"
#include "online/kafka_int.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <pthread.h>

#if defined(__SANITIZE_THREAD__)
#include <threads.h>
/* Draws c11_threads.c out of its library and into the program. */
static int (*const c11_threads)(thrd_t *, thrd_start_t, void *) __attribute__((used)) = thrd_create;
#endif

#define NOW INT64_C(1700000000000000) /* 2023-11-14T22:13:20Z */
#define PARTITIONS 2

typedef struct kafka_world {
    world w;
    floe_view *view;
    rd_kafka_t *client; /* the producer, and the owner of the mock cluster */
    rd_kafka_mock_cluster_t *cluster;
    char brokers[256];
    floe_stream_def stream;
    floe_definitions definitions;
    atomic_bool cancelled;
    int refused_calls;
    char last_reason[512];
    floe_ingest_result result;
} kafka_world;

static void keep_silent(const rd_kafka_t *client, int level, const char *facility, const char *line) {
    (void)client;
    (void)level;
    (void)facility;
    (void)line;
}

static rd_kafka_t *make_client(rd_kafka_type_t type, const char *const *options) {
    char reason[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, keep_silent);
    for (size_t i = 0; options[i] != NULL; i += 2) {
        assert_int_equal(rd_kafka_conf_set(conf, options[i], options[i + 1], reason, sizeof(reason)), RD_KAFKA_CONF_OK);
    }
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof(reason));
    assert_non_null(client);
    return client;
}

static void refused(void *context, int32_t partition, int64_t offset, const char *reason) {
    kafka_world *k = context;
    assert_true(partition >= 0 && offset >= 0);
    k->refused_calls++;
    snprintf(k->last_reason, sizeof(k->last_reason), "%s", reason);
}

static void open_cluster(kafka_world *k) {
    k->client = make_client(RD_KAFKA_PRODUCER, (const char *[]){"test.mock.num.brokers", "1", NULL});
    k->cluster = rd_kafka_handle_mock_cluster(k->client);
    assert_non_null(k->cluster);
    snprintf(k->brokers, sizeof(k->brokers), "%s", rd_kafka_mock_cluster_bootstraps(k->cluster));
    assert_int_equal(rd_kafka_mock_topic_create(k->cluster, "departures", PARTITIONS, 1), 0);
    assert_int_equal(rd_kafka_mock_topic_create(k->cluster, "departures.dead", 1, 1), 0);
}

static int open_world(void **state) {
    kafka_world *k = test_calloc(1, sizeof(*k));
    world_open(&k->w, FLOE_STORE_EMBEDDED);
    floe_now_pin(NOW);
    open_cluster(k);
    k->view = make_flights_view(&k->w.arena);
    k->stream = (floe_stream_def){.about = {.name = FLOE_STR("departures")},
                                  .source = k->view->source,
                                  .brokers = floe_str_of(k->brokers),
                                  .topic = FLOE_STR("departures"),
                                  .group = FLOE_STR("floe"),
                                  .format = FLOE_STR("json")};
    k->definitions = (floe_definitions){.views = k->view, .view_count = 1};
    *state = k;
    return 0;
}

static int close_world(void **state) {
    kafka_world *k = *state;
    rd_kafka_destroy(k->client);
    floe_now_pin(0);
    world_close(&k->w);
    test_free(k);
    return 0;
}

static void produce(kafka_world *k, int32_t partition, const char *json) {
    assert_int_equal(rd_kafka_producev(k->client, RD_KAFKA_V_TOPIC("departures"), RD_KAFKA_V_PARTITION(partition),
                                       RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                       RD_KAFKA_V_VALUE((void *)(uintptr_t)json, strlen(json)), RD_KAFKA_V_END),
                     RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_flush(k->client, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void send_flight(kafka_world *k, int32_t partition, const char *origin, const char *date, const char *delay) {
    produce(k, partition, flight_event(&k->w.arena, origin, date, delay));
}

static floe_ingest_request request_of(kafka_world *k) {
    /* The mock cluster lets a group's first member wait for 3 s, and every later one for a session less 1 s. */
    static const char *const options[] = {"session.timeout.ms=5000", NULL};
    return (floe_ingest_request){.stream = &k->stream,
                                 .definitions = &k->definitions,
                                 .store = k->w.store,
                                 .until_end = true,
                                 .cancelled = &k->cancelled,
                                 .kafka_options = options,
                                 .refused = refused,
                                 .refused_context = k};
}

static floe_status run(kafka_world *k) {
    floe_ingest_request request = request_of(k);
    floe_error_clear(&world_error);
    return floe_ingest_run(&request, &k->result, &world_error);
}

static double delay_of(kafka_world *k, const char *origin) {
    floe_value keys[] = {text(origin), floe_value_int64(1)};
    world_reopen(&k->w);
    floe_cell *cell = ask(&k->w, k->view, keys, 0);
    return cell->status == FLOE_CELL_PRESENT ? cell->value.as.real : -1;
}

/* ---- tests ---- */

static void ingest__events__are_applied_if_newer_and_filtered(void **state) {
    kafka_world *k = *state;
    send_flight(k, 0, "SFO", "2023-01-02", "2");
    send_flight(k, 0, "SFO", "2023-01-01", "1");
    send_flight(k, 1, "JFK", "2023-01-03", "3");
    send_flight(k, 1, "JFK", "2023-01-04", "null");
    assert_ok(run(k));
    assert_int_equal(k->result.events, 4);
    assert_int_equal(k->result.written, 2);
    assert_int_equal(k->result.older, 1);
    assert_int_equal(k->result.filtered, 1);
    assert_int_equal(k->result.refused, 0);
    assert_true(delay_of(k, "SFO") == 2);
    assert_true(delay_of(k, "JFK") == 3);
}

static void ingest__run_again__takes_only_what_is_new(void **state) {
    kafka_world *k = *state;
    send_flight(k, 0, "SFO", "2023-01-01", "1");
    send_flight(k, 1, "JFK", "2023-01-01", "1");
    assert_ok(run(k));
    assert_int_equal(k->result.events, 2);
    assert_ok(run(k)); /* nothing to do is an end, too */
    assert_int_equal(k->result.events, 0);
    send_flight(k, 1, "JFK", "2023-01-02", "5");
    assert_ok(run(k));
    assert_int_equal(k->result.events, 1);
    assert_true(delay_of(k, "JFK") == 5);
}

static void ingest__empty_topic__ends_at_once(void **state) {
    kafka_world *k = *state;
    assert_ok(run(k));
    assert_int_equal(k->result.events, 0);
}

/* The dead-letter topic's messages, as another consumer finds them. */
static int read_letters(kafka_world *k, char *reason, size_t reason_len, char *payload, size_t payload_len, int want) {
    rd_kafka_t *consumer =
        make_client(RD_KAFKA_CONSUMER, (const char *[]){"bootstrap.servers", k->brokers, "group.id", "reader", NULL});
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(parts, "departures.dead", 0)->offset = 0;
    assert_int_equal(rd_kafka_assign(consumer, parts), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(parts);
    int count = 0;
    for (int tries = 0; count < want && tries < 100; tries++) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, 200);
        rd_kafka_headers_t *headers = NULL;
        const void *value = NULL;
        size_t len = 0;
        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            count++;
            assert_int_equal(rd_kafka_message_headers(message, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
            assert_int_equal(rd_kafka_header_get_last(headers, "floe-reason", &value, &len),
                             RD_KAFKA_RESP_ERR_NO_ERROR);
            snprintf(reason, reason_len, "%.*s", (int)len, (const char *)value);
            snprintf(payload, payload_len, "%.*s", (int)message->len, (const char *)message->payload);
        }
        if (message != NULL) {
            rd_kafka_message_destroy(message);
        }
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
    return count;
}

static void ingest__bad_event__goes_to_the_dead_letter_topic_with_its_reason(void **state) {
    kafka_world *k = *state;
    char reason[512];
    char payload[512];
    k->stream.dead_letter = FLOE_STR("departures.dead");
    send_flight(k, 0, "SFO", "2023-01-01", "1");
    produce(k, 0, "{\"iata\": broken");
    send_flight(k, 0, "SFO", "2023-01-02", "2");
    assert_ok(run(k));
    assert_int_equal(k->result.events, 3);
    assert_int_equal(k->result.refused, 1);
    assert_int_equal(k->result.written, 2);
    assert_int_equal(k->refused_calls, 0);
    assert_true(delay_of(k, "SFO") == 2);
    assert_int_equal(read_letters(k, reason, sizeof(reason), payload, sizeof(payload), 1), 1);
    assert_string_equal(payload, "{\"iata\": broken");
    assert_non_null(strstr(reason, "JSON"));
}

static void ingest__bad_events_without_dead_letter_topic__are_told_and_counted(void **state) {
    kafka_world *k = *state;
    const char *bad[] = {"", "[]", "{}"};
    for (size_t i = 0; i < 3; i++) {
        produce(k, 0, bad[i]);
    }
    send_flight(k, 0, "SFO", "2023-01-01", "\"x\"");
    send_flight(k, 0, "SFO", "2023-01-01", "1");
    assert_ok(run(k));
    assert_int_equal(k->result.refused, 4);
    assert_int_equal(k->refused_calls, 4);
    assert_non_null(strstr(k->last_reason, "\"delay\""));
    assert_int_equal(k->result.written, 1);
}

static void ingest__future_event__is_refused_past_max_future(void **state) {
    kafka_world *k = *state;
    send_flight(k, 0, "SFO", "2023-11-14T22:14:20Z", "1");        /* now + 60 s */
    send_flight(k, 0, "JFK", "2023-11-14T22:14:20.000001Z", "2"); /* and a microsecond */
    assert_ok(run(k));
    assert_int_equal(k->result.written, 1);
    assert_int_equal(k->result.refused, 1);
    assert_non_null(strstr(k->last_reason, "future"));
    assert_true(delay_of(k, "SFO") == 1);
    assert_true(delay_of(k, "JFK") == -1);
}

static void ingest__late_event__is_refused_past_allowed_lateness(void **state) {
    kafka_world *k = *state;
    k->stream.allowed_lateness_us = 3600 * FLOE_US_PER_SECOND;
    send_flight(k, 0, "SFO", "2023-01-01T12:00:00Z", "1");
    send_flight(k, 0, "JFK", "2023-01-01T11:00:00Z", "2");        /* exactly an hour late */
    send_flight(k, 0, "LAX", "2023-01-01T10:59:59.999999Z", "3"); /* later */
    send_flight(k, 1, "OAK", "2022-01-01T00:00:00Z", "4");        /* another partition has its own clock */
    assert_ok(run(k));
    assert_int_equal(k->result.written, 3);
    assert_int_equal(k->result.refused, 1);
    assert_non_null(strstr(k->last_reason, "late"));
    assert_true(delay_of(k, "JFK") == 2);
    assert_true(delay_of(k, "LAX") == -1);
    assert_true(delay_of(k, "OAK") == 4);
}

static void ingest__row_too_large_to_store__is_refused_alone(void **state) {
    kafka_world *k = *state;
    size_t len = 5000; /* longer than a key may be */
    char *origin = floe_arena_alloc(&k->w.arena, len + 1, 1);
    memset(origin, 'x', len);
    send_flight(k, 0, "SFO", "2023-01-01", "1");
    send_flight(k, 0, origin, "2023-01-01", "2");
    send_flight(k, 0, "JFK", "2023-01-01", "3");
    assert_ok(run(k));
    assert_int_equal(k->result.refused, 1);
    assert_int_equal(k->result.written, 2);
    assert_true(delay_of(k, "SFO") == 1);
    assert_true(delay_of(k, "JFK") == 3);
}

static void ingest__every_view_of_the_source__gets_the_event(void **state) {
    kafka_world *k = *state;
    floe_view views[3] = {*k->view, *k->view, *k->view};
    floe_source other = *k->view->source;
    other.about.name = FLOE_STR("other");
    views[1].about.name = FLOE_STR("twin");
    views[1].where = NULL;
    views[2].about.name = FLOE_STR("foreign");
    views[2].source = &other;
    k->definitions = (floe_definitions){.views = views, .view_count = 3};
    send_flight(k, 0, "SFO", "2023-01-01", "1");
    send_flight(k, 0, "SFO", "2023-01-02", "null");
    assert_ok(run(k));
    assert_int_equal(k->result.events, 2);
    assert_int_equal(k->result.written, 3);
    assert_int_equal(k->result.filtered, 1);
    floe_store_view_state seen;
    assert_ok(floe_store_view_state_get(k->w.store, &views[2], &seen, &world_error));
    assert_false(seen.live);
}

static void ingest__without_any_view_to_feed__is_invalid(void **state) {
    kafka_world *k = *state;
    k->definitions.view_count = 0;
    assert_code(run(k), FLOE_INVALID);
    assert_message("stream departures");
}

static void ingest__other_definition_in_the_store__is_a_conflict_and_commits_nothing(void **state) {
    kafka_world *k = *state;
    send_flight(k, 0, "SFO", "2023-01-01", "1");
    assert_ok(run(k));
    send_flight(k, 0, "SFO", "2023-01-02", "2");
    k->view->fingerprint++;
    world_reopen(&k->w);
    assert_code(run(k), FLOE_CONFLICT);
    assert_message("run floe sync delays");
    k->view->fingerprint--;
    assert_ok(run(k)); /* the event is still to come */
    assert_int_equal(k->result.events, 1);
    assert_true(delay_of(k, "SFO") == 2);
}

static void ingest__unknown_option__is_invalid(void **state) {
    kafka_world *k = *state;
    floe_ingest_request request = request_of(k);
    request.kafka_options = (const char *const[]){"no.such.option=1", NULL};
    assert_code(floe_ingest_run(&request, &k->result, &world_error), FLOE_INVALID);
    assert_message("no.such.option");
    request.kafka_options = (const char *const[]){"noequals", NULL};
    assert_code(floe_ingest_run(&request, &k->result, &world_error), FLOE_INVALID);
}

static void count_waiting(void *context, const char *why) {
    ++*(int *)context;
    assert_non_null(strstr(why, "127.0.0.1:1"));
    assert_non_null(strstr(why, "4 s in all"));
}

static void kafka__without_a_broker__is_unavailable_with_its_address(void **state) {
    kafka_world *k = *state;
    int told = 0;
    floe_kafka *kafka = NULL;
    k->stream.brokers = FLOE_STR("127.0.0.1:1");
    const floe_kafka_start start = {.wait_us = 300000, .waiting = count_waiting, .waiting_context = &told};
    assert_code(floe_kafka_open(&k->stream, &start, &kafka, &world_error), FLOE_UNAVAILABLE);
    assert_int_equal(told, 0); /* it was over before anybody could wonder */
    assert_message("127.0.0.1:1");
    assert_null(kafka);
    assert_code(floe_stream_probe(&k->stream, 300000, NULL, &world_error), FLOE_UNAVAILABLE);
    assert_message("127.0.0.1:1");
}

/* Whoever watches is told once that nothing happens, and why. */
static void kafka__that_is_waited_for__is_told_once(void **state) {
    kafka_world *k = *state;
    floe_kafka *kafka = NULL;
    int told = 0;
    k->stream.brokers = FLOE_STR("127.0.0.1:1");
    const floe_kafka_start start = {
        .wait_us = 4 * FLOE_US_PER_SECOND, .waiting = count_waiting, .waiting_context = &told};
    assert_code(floe_kafka_open(&k->stream, &start, &kafka, &world_error), FLOE_UNAVAILABLE);
    assert_int_equal(told, 1);
}

static void probe__of_a_broker_that_is_there__reads_nothing(void **state) {
    kafka_world *k = *state;
    send_flight(k, 0, "SFO", "2023-01-01", "1");
    assert_ok(floe_stream_probe(&k->stream, 10 * FLOE_US_PER_SECOND, NULL, &world_error));
    atomic_bool stopped = true;
    k->stream.topic = FLOE_STR("no.such.topic");
    assert_code(floe_stream_probe(&k->stream, 10 * FLOE_US_PER_SECOND, &stopped, &world_error), FLOE_CANCELLED);
    k->stream.topic = FLOE_STR("departures");
}

static void ingest__stopped_before_any_broker_came__ends_well(void **state) {
    kafka_world *k = *state;
    k->stream.brokers = FLOE_STR("127.0.0.1:1");
    atomic_store(&k->cancelled, true);
    assert_ok(run(k));
    assert_int_equal(k->result.events, 0);
}

/* ---- running until it is stopped ---- */

static void *run_thread(void *context) {
    kafka_world *k = context;
    static floe_error err;
    floe_ingest_request request = request_of(k);
    request.until_end = false;
    request.store = k->w.other;
    floe_error_clear(&err);
    floe_status status = floe_ingest_run(&request, &k->result, &err);
    return floe_failed(status) ? err.message : NULL;
}

/* Waits, on the store, until the thread has written the value. */
static void wait_for(kafka_world *k, const char *origin, double delay) {
    floe_value keys[] = {text(origin), floe_value_int64(1)};
    const floe_value *columns[] = {&keys[0], &keys[1]};
    floe_ref ref = {k->view, &k->view->outputs[0]};
    floe_lookup lookup = {.entity_count = 1, .keys = columns, .arena = &k->w.arena};
    assert_ok(floe_lookup_plan_make(&ref, 1, &k->w.arena, &lookup.plan, &world_error));
    do {
        assert_ok(floe_store_lookup(k->w.store, &lookup, &world_error));
        usleep(1000);
    } while (lookup.cells[0].status != FLOE_CELL_PRESENT || lookup.cells[0].value.as.real != delay);
}

static void ingest__running__applies_what_comes_and_stops_when_told(void **state) {
    kafka_world *k = *state;
    pthread_t thread;
    void *message = NULL;
    assert_int_equal(pthread_create(&thread, NULL, run_thread, k), 0);
    send_flight(k, 0, "SFO", "2023-01-01", "1");
    wait_for(k, "SFO", 1);
    send_flight(k, 1, "SFO", "2023-01-02", "2");
    wait_for(k, "SFO", 2);
    atomic_store(&k->cancelled, true);
    assert_int_equal(pthread_join(thread, &message), 0);
    assert_null(message);
    atomic_store(&k->cancelled, false);
    assert_int_equal(k->result.events, 2);
    assert_ok(run(k)); /* what was applied was committed */
    assert_int_equal(k->result.events, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)
    const struct CMUnitTest tests[] = {
        TEST(ingest__events__are_applied_if_newer_and_filtered),
        TEST(ingest__run_again__takes_only_what_is_new),
        TEST(ingest__empty_topic__ends_at_once),
        TEST(ingest__bad_event__goes_to_the_dead_letter_topic_with_its_reason),
        TEST(ingest__bad_events_without_dead_letter_topic__are_told_and_counted),
        TEST(ingest__future_event__is_refused_past_max_future),
        TEST(ingest__late_event__is_refused_past_allowed_lateness),
        TEST(ingest__row_too_large_to_store__is_refused_alone),
        TEST(ingest__every_view_of_the_source__gets_the_event),
        TEST(ingest__without_any_view_to_feed__is_invalid),
        TEST(ingest__other_definition_in_the_store__is_a_conflict_and_commits_nothing),
        TEST(ingest__unknown_option__is_invalid),
        TEST(kafka__without_a_broker__is_unavailable_with_its_address),
        TEST(kafka__that_is_waited_for__is_told_once),
        TEST(probe__of_a_broker_that_is_there__reads_nothing),
        TEST(ingest__stopped_before_any_broker_came__ends_well),
        TEST(ingest__running__applies_what_comes_and_stops_when_told),
    };
#undef TEST
    return floe_test_run_apart(tests, sizeof(tests) / sizeof(tests[0]));
}
