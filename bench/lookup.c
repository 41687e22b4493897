/*
 * What floe adds to a lookup: `POST /v1/lookup` for one entity × 10 features, against the least that could answer it on
 * the same machine: libmicrohttpd with threads of its own, where each asks Redis for ten fields with one blocking HMGET and
 * prints them. Both run in this process, one after the other, over one Redis, and get the same load: a client thread per
 * connection that sends the next request when the answer is there.
 *
 * Usage: lookup PROJECT-FOLDER REDIS-PORT [REQUESTS]. Prints a table and, last, one line of JSON.
 */
#include "api/api.h"
#include "core/file.h"
#include "core/limits.h"
#include "core/time.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <microhttpd.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define FEATURES 10
#define ENTITIES 10000
#define WARM_UP 2000
#define CONNECTIONS_MAX 16
#define GOAL 2.0

static void die(const char *what, const floe_error *err) {
    (void)fprintf(stderr, "bench/lookup: %s: %s\n", what, err == NULL ? "failed" : err->message);
    exit(EXIT_FAILURE);
}

#define MUST(expression)                                                                                               \
    do {                                                                                                               \
        if (floe_failed(expression)) {                                                                                 \
            die(#expression, &err);                                                                                    \
        }                                                                                                              \
    } while (0)

static floe_error err;

/* ---- the project ---- */

static floe_column columns[FEATURES + 2] = {{FLOE_STR("ts"), {.kind = FLOE_KIND_TIMESTAMP}},
                                            {FLOE_STR("id"), {.kind = FLOE_KIND_INT64}}};

static floe_status columns_of(void *context, floe_str table, floe_arena *arena, const floe_column **ret_columns,
                              size_t *ret_count, floe_error *error) {
    (void)context;
    (void)table;
    (void)arena;
    (void)error;
    *ret_columns = columns;
    *ret_count = FEATURES + 2;
    return FLOE_OK;
}

static void write_file(floe_arena *arena, const char *root, const char *name, const char *text) {
    MUST(floe_file_write(floe_path_join(arena, root, name), floe_str_of(text), false, &err));
}

static const floe_project *make_project(const char *root, const char *port, floe_arena *arena) {
    const floe_project *project = NULL;
    floe_definitions *definitions = NULL;
    floe_registry *registry = NULL;
    floe_schema_resolver resolver = {.columns = columns_of};
    int64_t version = 0;
    const char *features = "";
    for (int i = 0; i < FEATURES; i++) {
        const char *name = floe_arena_printf(arena, "f%d", i);
        columns[i + 2] = (floe_column){floe_str_of(name), {.kind = FLOE_KIND_DOUBLE}};
        features = floe_arena_printf(arena, "%s      - {name: %s, column: %s}\n", features, name, name);
    }
    write_file(arena, root, "floe.yaml",
               floe_arena_printf(arena,
                                 "project: bench\ncatalogs:\n  lake: {type: directory, warehouse: ./lake}\n"
                                 "online: {store: redis, url: 'redis://127.0.0.1:%s/0'}\n",
                                 port));
    write_file(arena, root, "features/bench.yaml",
               floe_arena_printf(arena,
                                 "entities:\n  - {name: thing, keys: [{name: id, type: int64}]}\n"
                                 "sources:\n  - {name: things, table: lake.a.things, event_time: ts}\n"
                                 "feature_views:\n  - name: things\n    entity: thing\n    source: things\n"
                                 "    features:\n%sfeature_services:\n  - {name: all, features: [things]}\n",
                                 features));
    MUST(floe_project_load(root, arena, &project, &err));
    MUST(floe_definitions_load(project, arena, &definitions, &err));
    MUST(floe_definitions_resolve(definitions, &resolver, arena, &err));
    MUST(floe_registry_open(project->registry, true, &registry, &err));
    MUST(floe_registry_apply(registry, definitions, &version, &err));
    floe_registry_close(&registry);
    return project;
}

static double value_of(int64_t entity, int feature) {
    return (double)(entity * FEATURES + feature) / 8.0;
}

static void fill_floe(const floe_project *project, floe_arena *arena) {
    floe_registry *registry = NULL;
    floe_store *store = NULL;
    const floe_definitions *definitions = NULL;
    MUST(floe_registry_open(project->registry, false, &registry, &err));
    MUST(floe_registry_load(registry, 0, arena, &definitions, &err));
    MUST(floe_store_open(&project->online, project->name, &store, &err));
    const floe_view *view = &definitions->views[0];
    for (int64_t entity = 0; entity < ENTITIES; entity++) {
        floe_value key = floe_value_int64(entity);
        floe_value values[FEATURES];
        for (int i = 0; i < FEATURES; i++) {
            values[i] = floe_value_double(value_of(entity, i));
        }
        floe_online_row row = {&key, 1000000, INT64_MIN, INT64_MAX, values};
        floe_write_outcome outcome = FLOE_WRITE_REFUSED;
        MUST(floe_store_write(store, view, &row, 1, &outcome, &err));
    }
    floe_store_close(&store);
    floe_registry_close(&registry);
}

/* ---- the peer ---- */

static int redis_port;
static _Thread_local redisContext *redis; /* of the peer's thread; lives until the process ends */

static redisContext *connect_redis(void) {
    redisContext *context = redisConnect("127.0.0.1", redis_port);
    if (context == NULL || context->err != 0) {
        die("cannot connect to Redis", NULL);
    }
    return context;
}

static void fill_peer(void) {
    redisContext *context = connect_redis();
    for (int64_t entity = 0; entity < ENTITIES; entity++) {
        char command[1024];
        int len = snprintf(command, sizeof(command), "HSET peer:%lld", (long long)entity);
        for (int i = 0; i < FEATURES; i++) {
            len += snprintf(command + len, sizeof(command) - (size_t)len, " f%d %.17g", i, value_of(entity, i));
        }
        freeReplyObject(redisCommand(context, command));
    }
    redisFree(context);
}

static size_t print_peer_answer(const redisReply *reply, char *out, size_t out_len) {
    int len = snprintf(out, out_len, "{\"values\":[");
    for (size_t i = 0; i < reply->elements; i++) {
        len += snprintf(out + len, out_len - (size_t)len, "%s[%s]", i == 0 ? "" : ",",
                        reply->element[i]->str == NULL ? "null" : reply->element[i]->str);
    }
    return (size_t)(len + snprintf(out + len, out_len - (size_t)len, "]}"));
}

/* The body is not parsed: the entity stands in the path. Nothing less can answer. */
static enum MHD_Result on_peer_request(void *context, struct MHD_Connection *connection, const char *path,
                                       const char *method, const char *version, const char *bytes, size_t *bytes_len,
                                       void **slot) {
    (void)context;
    (void)method;
    (void)version;
    (void)bytes;
    if (*slot == NULL || *bytes_len > 0) {
        *slot = connection;
        *bytes_len = 0;
        return MHD_YES;
    }
    char answer[1024];
    redis = redis == NULL ? connect_redis() : redis;
    redisReply *reply = redisCommand(redis, "HMGET peer:%s f0 f1 f2 f3 f4 f5 f6 f7 f8 f9", path + 1);
    if (reply == NULL) {
        return MHD_NO;
    }
    size_t len = print_peer_answer(reply, answer, sizeof(answer));
    freeReplyObject(reply);
    struct MHD_Response *response = MHD_create_response_from_buffer(len, answer, MHD_RESPMEM_MUST_COPY);
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    enum MHD_Result queued = MHD_queue_response(connection, 200, response);
    MHD_destroy_response(response);
    return queued;
}

static struct MHD_Daemon *open_peer(unsigned threads, int *ret_port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_peer_request, NULL, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE, threads > 1 ? threads : 0, MHD_OPTION_END);
    if (daemon == NULL) {
        die("the peer does not start", NULL);
    }
    *ret_port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return daemon;
}

/* ---- the load ---- */

typedef struct load {
    int port;
    bool floe;
    size_t count;
    uint64_t seed;
    int64_t *took_ns;
    pthread_t thread;
} load;

static int64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static int connect_to(int port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0) {
        die("cannot connect", NULL);
    }
    return fd;
}

static size_t print_request(const load *l, int64_t entity, char *out, size_t out_len) {
    char body[128];
    int body_len =
        snprintf(body, sizeof(body), "{\"service\":\"all\",\"entities\":{\"id\":[%lld]}}", (long long)entity);
    int len = l->floe ? snprintf(out, out_len,
                                 "POST /v1/lookup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                 "Content-Length: %d\r\n\r\n%s",
                                 body_len, body)
                      : snprintf(out, out_len,
                                 "POST /%lld HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                 "Content-Length: %d\r\n\r\n%s",
                                 (long long)entity, body_len, body);
    return (size_t)len;
}

/* The whole answer, which must be right: its last value is the entity's last feature. */
static void read_answer(int fd, int64_t entity) {
    char text[4096];
    char last[64];
    size_t len = 0;
    for (;;) {
        ssize_t got = recv(fd, text + len, sizeof(text) - 1 - len, 0);
        if (got <= 0) {
            die("a connection ended", NULL);
        }
        len += (size_t)got;
        text[len] = '\0';
        const char *body = strstr(text, "\r\n\r\n");
        const char *length = strstr(text, "Content-Length: ");
        if (body != NULL && length != NULL && len >= (size_t)(body + 4 - text) + strtoul(length + 16, NULL, 10)) {
            break;
        }
    }
    (void)snprintf(last, sizeof(last), "[%.17g", value_of(entity, FEATURES - 1));
    if (strstr(text, "200 OK") == NULL || strstr(text, last) == NULL) {
        (void)fprintf(stderr, "bench/lookup: a wrong answer for %lld: %s\n", (long long)entity, text);
        exit(EXIT_FAILURE);
    }
}

static void *run_load(void *context) {
    load *l = context;
    char request[512];
    int fd = connect_to(l->port);
    for (size_t i = 0; i < l->count + WARM_UP; i++) {
        l->seed = l->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        int64_t entity = (int64_t)((l->seed >> 33) % ENTITIES);
        size_t len = print_request(l, entity, request, sizeof(request));
        int64_t begin_ns = now_ns();
        if (send(fd, request, len, MSG_NOSIGNAL) != (ssize_t)len) {
            die("cannot send", NULL);
        }
        read_answer(fd, entity);
        if (i >= WARM_UP) {
            l->took_ns[i - WARM_UP] = now_ns() - begin_ns;
        }
    }
    (void)close(fd);
    return NULL;
}

typedef struct figures {
    double p50_us, p99_us, per_second;
} figures;

static int compare_ns(const void *a, const void *b) {
    int64_t left = *(const int64_t *)a;
    int64_t right = *(const int64_t *)b;
    return left < right ? -1 : left > right;
}

static figures measure(int port, bool floe, size_t connections, size_t requests) {
    load loads[CONNECTIONS_MAX];
    size_t each = requests / connections;
    int64_t *took_ns = calloc(each * connections, sizeof(*took_ns));
    if (took_ns == NULL) {
        die("no memory", NULL);
    }
    for (size_t i = 0; i < connections; i++) {
        loads[i] = (load){port, floe, each, i + 1, took_ns + i * each, 0};
        if (pthread_create(&loads[i].thread, NULL, run_load, &loads[i]) != 0) {
            die("no thread", NULL);
        }
    }
    for (size_t i = 0; i < connections; i++) {
        (void)pthread_join(loads[i].thread, NULL);
    }
    size_t count = each * connections;
    qsort(took_ns, count, sizeof(*took_ns), compare_ns);
    int64_t sum_ns = 0;
    for (size_t i = 0; i < count; i++) {
        sum_ns += took_ns[i];
    }
    figures result = {(double)took_ns[count / 2] / 1e3, (double)took_ns[count * 99 / 100] / 1e3,
                      (double)connections * 1e9 / ((double)sum_ns / (double)count)};
    free(took_ns);
    return result;
}

/* ---- the table ---- */

#define ROUNDS 5

static int compare_p50(const void *a, const void *b) {
    double left = ((const figures *)a)->p50_us;
    double right = ((const figures *)b)->p50_us;
    return left < right ? -1 : left > right;
}

/* Rounds of one and the other in turn, so that both meet the same machine; the median round of each. */
static void compare(int floe_port, int peer_port, size_t connections, size_t requests, figures ret_median[2]) {
    figures rounds[2][ROUNDS];
    for (size_t i = 0; i < ROUNDS; i++) {
        rounds[0][i] = measure(floe_port, true, connections, requests / ROUNDS);
        rounds[1][i] = measure(peer_port, false, connections, requests / ROUNDS);
    }
    for (size_t who = 0; who < 2; who++) {
        qsort(rounds[who], ROUNDS, sizeof(figures), compare_p50);
        ret_median[who] = rounds[who][ROUNDS / 2];
    }
}

static void print_row(size_t connections, const figures both[2]) {
    (void)printf("%11zu  %-22s %9.1f %9.1f %12.0f\n", connections, "floe /v1/lookup", both[0].p50_us, both[0].p99_us,
                 both[0].per_second);
    (void)printf("%11s  %-22s %9.1f %9.1f %12.0f\n", "", "microhttpd + HMGET", both[1].p50_us, both[1].p99_us,
                 both[1].per_second);
    (void)printf("%11s  %-22s %9.2f %9.2f\n", "", "ratio", both[0].p50_us / both[1].p50_us,
                 both[0].p99_us / both[1].p99_us);
}

static void print_figure(const char *name, double value, double peer, const char *end) {
    (void)printf("\"%s\": {\"value\": %.1f, \"unit\": \"us\", \"peer\": %.1f, \"ratio\": %.3f, \"goal\": %.1f}%s", name,
                 value, peer, value / peer, GOAL, end);
}

int main(int argc, char **argv) {
    if (argc < 3) {
        (void)fprintf(stderr, "usage: lookup PROJECT-FOLDER REDIS-PORT [REQUESTS]\n");
        return 2;
    }
    size_t requests = argc > 3 ? strtoul(argv[3], NULL, 10) : 50000;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    FLOE_AUTO_ARENA arena;
    floe_arena_init(&arena, FLOE_LIMIT_PROJECT_ARENA);
    floe_server *server = NULL;
    int peer_port = 0;
    redis_port = atoi(argv[2]);
    const floe_project *project = make_project(argv[1], argv[2], &arena);
    fill_floe(project, &arena);
    fill_peer();
    floe_server_config config = {.project = project, .port = 0};
    MUST(floe_server_open(&config, &server, &err));
    struct MHD_Daemon *peer = open_peer((unsigned)cores, &peer_port);
    int floe_port = atoi(strrchr(floe_server_url(server), ':') + 1);
    figures one[2];
    figures sixteen[2];
    (void)printf("one entity x %d features, %d entities in Redis, %zu requests in %d rounds each, %ld cores\n\n",
                 FEATURES, ENTITIES, requests, ROUNDS, cores);
    (void)printf("%11s  %-22s %9s %9s %12s\n", "connections", "", "p50 us", "p99 us", "requests/s");
    compare(floe_port, peer_port, 1, requests, one);
    print_row(1, one);
    compare(floe_port, peer_port, CONNECTIONS_MAX, requests, sixteen);
    print_row(CONNECTIONS_MAX, sixteen);
    MHD_stop_daemon(peer);
    MUST(floe_server_close(&server, &err));
    (void)printf("\n{\"bench\": \"lookup\", \"figures\": {");
    print_figure("p50_1_connection", one[0].p50_us, one[1].p50_us, ", ");
    print_figure("p99_1_connection", one[0].p99_us, one[1].p99_us, ", ");
    print_figure("p50_16_connections", sixteen[0].p50_us, sixteen[1].p50_us, ", ");
    print_figure("p99_16_connections", sixteen[0].p99_us, sixteen[1].p99_us, "}}\n");
    return EXIT_SUCCESS;
}
