#include "tests/support/redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static int open_socket(int port, bool listening) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    int rc = listening ? bind(fd, (struct sockaddr *)&address, sizeof(address))
                       : connect(fd, (struct sockaddr *)&address, sizeof(address));
    if (rc != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static int free_port(void) {
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    int fd = open_socket(0, true);
    assert_true(fd >= 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void run_server(const floe_test_redis *redis, int out) {
    char port[16];
    snprintf(port, sizeof(port), "%d", redis->port);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    execlp("redis-server", "redis-server", "--bind", "127.0.0.1", "--port", port, "--dir", redis->dir, "--save", "",
           "--appendonly", "no", "--loglevel", "notice", "--requirepass", redis->password ? redis->password : "",
           (char *)NULL);
    fprintf(stderr, "redis-server is not installed: this test needs it\n");
    _exit(127);
}

/* The server tells on its output that it takes connections; the end of the output is its death. */
static bool wait_ready(int in) {
    char seen[8192] = "";
    size_t len = 0;
    for (;;) {
        ssize_t got = read(in, seen + len, sizeof(seen) - 1 - len);
        if (got <= 0) {
            return false;
        }
        len += (size_t)got;
        seen[len] = '\0';
        if (strstr(seen, "Ready to accept connections") != NULL) {
            return true;
        }
        if (len > sizeof(seen) / 2) {
            memmove(seen, seen + len - 64, 65);
            len = 64;
        }
    }
}

static bool try_start(floe_test_redis *redis) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    redis->pid = fork();
    assert_true(redis->pid >= 0);
    if (redis->pid == 0) {
        close(ends[0]);
        run_server(redis, ends[1]);
    }
    close(ends[1]);
    bool ready = wait_ready(ends[0]);
    close(ends[0]);
    if (!ready) {
        int status = 0;
        waitpid(redis->pid, &status, 0);
        redis->pid = 0;
        assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 127);
    }
    return ready;
}

void floe_test_redis_start(floe_test_redis *redis) {
    bool chosen = redis->port != 0;
    snprintf(redis->dir, sizeof(redis->dir), "/tmp/floe-redis-XXXXXX");
    assert_non_null(mkdtemp(redis->dir));
    for (int tries = 0; tries < 20; tries++) {
        redis->port = chosen ? redis->port : free_port();
        if (try_start(redis)) {
            if (redis->password != NULL) {
                snprintf(redis->url, sizeof(redis->url), "redis://:%s@127.0.0.1:%d/0", redis->password, redis->port);
            } else {
                snprintf(redis->url, sizeof(redis->url), "redis://127.0.0.1:%d/0", redis->port);
            }
            return;
        }
    }
    fail_msg("no redis-server came up in 20 tries");
}

void floe_test_redis_stop(floe_test_redis *redis) {
    if (redis->pid > 0) {
        kill(redis->pid, SIGKILL);
        waitpid(redis->pid, NULL, 0);
        redis->pid = 0;
        (void)rmdir(redis->dir);
    }
}

void floe_test_redis_pause(const floe_test_redis *redis, bool paused) {
    assert_int_equal(kill(redis->pid, paused ? SIGSTOP : SIGCONT), 0);
}

void floe_test_redis_command(const floe_test_redis *redis, const char *command, char *out, size_t out_len) {
    char line[1024];
    char answer[4096];
    int fd = open_socket(redis->port, false);
    assert_true(fd >= 0);
    int len = snprintf(line, sizeof(line), "%s%s%s%s\r\n", redis->password ? "AUTH " : "",
                       redis->password ? redis->password : "", redis->password ? "\r\n" : "", command);
    assert_int_equal(write(fd, line, (size_t)len), len);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    size_t got = 0;
    ssize_t some = 0;
    while (got < sizeof(answer) - 1 && (some = read(fd, answer + got, sizeof(answer) - 1 - got)) > 0) {
        got += (size_t)some;
    }
    answer[got] = '\0';
    close(fd);
    if (out != NULL) {
        snprintf(out, out_len, "%s", answer);
    }
}
