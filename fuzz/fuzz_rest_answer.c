/*
 * What an Iceberg REST catalog answers, from any bytes: a server in this process gives them out one answer after the other, while
 * the catalog is asked for its tables, for one of them, and where a new one would lie. Each answer must be taken or refused with
 * a code of ours and words, and nothing may be asked for without end.
 *
 * Answers are divided by a zero byte; the first byte of each chooses its status. When they are used up everything is 404.
 */
#include "core/limits.h"
#include "offline/catalog/catalog.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

enum { REQUEST_MAX = 65536, ASKED_MAX = 1000 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static floe_str answers;
static size_t asked;

/* The next answer; the status in *ret_status. */
static floe_str next_answer(int *ret_status) {
    floe_str part = {0};
    (void)pthread_mutex_lock(&lock);
    asked++;
    bool there = answers.len > 0 && floe_str_split(&answers, 0, &part);
    (void)pthread_mutex_unlock(&lock);
    *ret_status = 404;
    if (!there || part.len == 0) {
        return (floe_str){0};
    }
    static const int STATUSES[] = {200, 200, 200, 200, 204, 400, 401, 403, 404, 409, 419};
    *ret_status = STATUSES[(uint8_t)part.ptr[0] % (sizeof(STATUSES) / sizeof(STATUSES[0]))];
    return (floe_str){part.ptr + 1, part.len - 1};
}

static bool send_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t done = send(fd, bytes, len, MSG_NOSIGNAL);
        if (done <= 0) {
            return false;
        }
        bytes += done;
        len -= (size_t)done;
    }
    return true;
}

/* Head and body go in one piece: in two, the second would wait for the first one's receipt. */
static bool give_answer(int fd) {
    FLOE_AUTO_BUF out = {0};
    int status = 0;
    floe_str body = next_answer(&status);
    floe_buf_init(&out, FLOE_MIB(64));
    floe_buf_printf(&out, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\n\r\n", status, status == 204 ? 0 : body.len);
    floe_buf_append(&out, body.ptr == NULL ? "" : body.ptr, status == 204 ? 0 : body.len);
    return send_all(fd, out.ptr, out.len);
}

/* How long a request's body says that it is. */
static size_t body_len(const char *head) {
    const char *at = strcasestr(head, "\r\nContent-Length:");
    unsigned long len = 0;
    return at != NULL && sscanf(at + 17, "%lu", &len) == 1 ? len : 0;
}

/* Reads requests from one connection and answers each, until it ends. */
static void serve(int fd) {
    static char text[REQUEST_MAX];
    size_t len = 0;
    for (;;) {
        ssize_t more = recv(fd, text + len, sizeof(text) - 1 - len, 0);
        if (more <= 0) {
            return;
        }
        len += (size_t)more;
        text[len] = 0;
        const char *end = strstr(text, "\r\n\r\n");
        size_t whole = end == NULL ? SIZE_MAX : (size_t)(end + 4 - text) + body_len(text);
        if (len < whole) {
            continue;
        }
        if (!give_answer(fd)) {
            return;
        }
        len = 0; /* nobody sends a request before the last one is answered */
    }
}

static void *accept_all(void *context) {
    int listening = *(int *)context;
    for (;;) {
        int fd = accept(listening, NULL, NULL);
        if (fd >= 0) {
            serve(fd);
            (void)close(fd);
        }
    }
    return NULL;
}

/* Starts the server once; its address. */
static const char *address(void) {
    static char text[64];
    static int listening = -1;
    pthread_t thread;
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t place_len = sizeof(place);
    if (listening < 0) {
        listening = socket(AF_INET, SOCK_STREAM, 0);
        FLOE_ASSERT(bind(listening, (struct sockaddr *)&place, sizeof(place)) == 0 && listen(listening, 16) == 0);
        FLOE_ASSERT(getsockname(listening, (struct sockaddr *)&place, &place_len) == 0);
        (void)snprintf(text, sizeof(text), "http://127.0.0.1:%d", ntohs(place.sin_port));
        FLOE_ASSERT(pthread_create(&thread, NULL, accept_all, &listening) == 0);
        (void)pthread_detach(thread);
    }
    return text;
}

static void check(floe_status status, const floe_error *err) {
    FLOE_ASSERT(!floe_failed(status) || err->message[0] != 0);
    FLOE_ASSERT(status.code != FLOE_INTERNAL);
}

static void ask(floe_catalog *catalog) {
    FLOE_AUTO_ARENA arena = {0};
    const floe_catalog_entry *entries = NULL;
    floe_catalog_entry entry = {0};
    const char *location = NULL;
    size_t count = 0;
    floe_error list = {0};
    floe_error one = {0};
    floe_error place = {0};
    floe_arena_init(&arena, FLOE_MIB(64));
    check(floe_catalog_locate(catalog, FLOE_STR("a"), FLOE_STR("t"), &arena, &entry, &one), &one);
    check(floe_catalog_location(catalog, FLOE_STR("a.b"), FLOE_STR("t"), &arena, &location, &place), &place);
    check(floe_catalog_list(catalog, &arena, &entries, &count, &list), &list);
    for (size_t i = 0; i < count; i++) {
        FLOE_ASSERT(entries[i].table.len + entries[i].namespace_name.len < FLOE_MIB(64) && entries[i].metadata_path);
    }
}

/* Another server would be asked again and again with growing waits. */
static bool sends_on(const uint8_t *bytes, size_t len) {
    return len > 0 && memmem(bytes, len, "uri", 3) != NULL && memmem(bytes, len, "http", 4) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len) {
    if (sends_on(bytes, len)) {
        return 0;
    }
    floe_catalog_def definition = {.name = FLOE_STR("c"), .type = FLOE_STR("rest"), .credential = FLOE_STR("i:s")};
    floe_catalog *catalog = NULL;
    floe_error err = {0};
    definition.uri = floe_str_of(address());
    (void)pthread_mutex_lock(&lock);
    answers = (floe_str){(const char *)bytes, len};
    asked = 0;
    (void)pthread_mutex_unlock(&lock);
    check(floe_catalog_open(&definition, NULL, &catalog, &err), &err);
    if (catalog != NULL) {
        ask(catalog);
    }
    floe_catalog_close(&catalog);
    FLOE_ASSERT(asked < ASKED_MAX + len);
    return 0;
}
